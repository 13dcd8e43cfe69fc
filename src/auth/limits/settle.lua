-- Adds what an instance let purses spend. A purse is a sorted set of one: when everything spent is earned again, in
-- microseconds. ARGV: of each purse the time in which what was spent is earned, and the longest that it may take until
-- everything is. Answers: of each purse how long it takes from now on.
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local answer = {}
for i, key in ipairs(KEYS) do
  local earned = tonumber(redis.call('ZRANGE', key, 0, 0, 'WITHSCORES')[2]) or now
  earned = math.max(earned, now) + tonumber(ARGV[2 * i - 1])
  earned = math.min(earned, now + tonumber(ARGV[2 * i]))
  redis.call('ZADD', key, string.format('%.0f', earned), 'earned')
  redis.call('PEXPIRE', key, math.ceil((earned - now) / 1000) + 1)
  answer[i] = earned - now
end
return answer
