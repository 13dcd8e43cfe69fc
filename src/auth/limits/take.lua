-- Counts so many more in each window, and a failure in advance, or nothing if one of them refuses. A window refuses when
-- there is no room for one more.
-- KEYS: the windows, then perhaps the failures. ARGV: the name of this one; the number of windows; of each its number, its
-- length, and how many to count; then failures that lock, their window, the shortest lock, the longest, and how many are kept.
-- Answers: how long the account is locked, then for each window how many are used, how long until the oldest leaves or,
-- where it refuses, until there is room for one, and 1 if it refuses.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local name, windows = ARGV[1], tonumber(ARGV[2])
local answer, refused = { 0 }, false
for i = 1, windows do
  local most, length = tonumber(ARGV[3 * i]), tonumber(ARGV[3 * i + 1])
  redis.call('ZREMRANGEBYSCORE', KEYS[i], '-inf', now - length)
  local used = redis.call('ZCARD', KEYS[i])
  local full = used >= most
  local first = full and used - most or 0
  local oldest = redis.call('ZRANGE', KEYS[i], first, first, 'WITHSCORES')[2]
  refused = refused or full
  answer[#answer + 1] = used
  answer[#answer + 1] = oldest and oldest + length - now or length
  answer[#answer + 1] = full and 1 or 0
end
local failures = KEYS[windows + 1]
local at = 3 * windows + 3
if failures and not refused then
  local first, window, longest = tonumber(ARGV[at]), tonumber(ARGV[at + 1]), tonumber(ARGV[at + 3])
  local count = redis.call('ZCARD', failures)
  if count >= first then
    local last = tonumber(redis.call('ZRANGE', failures, -1, -1, 'WITHSCORES')[2])
    local ends = last + math.min(tonumber(ARGV[at + 2]) * 2 ^ (count - first), longest)
    if now < ends then
      answer[1] = ends - now
      refused = true
    elseif now >= ends + window then
      redis.call('DEL', failures)
    end
  elseif count > 0 then
    redis.call('ZREMRANGEBYSCORE', failures, '-inf', now - window)
  end
end
if not refused then
  for i = 1, windows do
    local many = tonumber(ARGV[3 * i + 2])
    redis.call('ZADD', KEYS[i], now, name)
    for n = 2, many do
      redis.call('ZADD', KEYS[i], now, name .. ':' .. n)
    end
    redis.call('PEXPIRE', KEYS[i], ARGV[3 * i + 1])
    answer[3 * i - 1] = answer[3 * i - 1] + many
  end
  if failures then
    redis.call('ZADD', failures, now, name)
    redis.call('ZREMRANGEBYRANK', failures, 0, -1 - ARGV[at + 4])
    redis.call('PEXPIRE', failures, ARGV[at + 1] + ARGV[at + 3])
  end
end
return answer
