// The server's address. Text only: React Native's `URL` cannot change a scheme.

/** The address of `v1/…` below a base such as `https://tasks.example/team`, by `http` or by `ws`. */
export const address = (url: string) => {
  const parts = /^\s*(?:http|ws)(s?):\/\/([^\s?#@/]+(?:\/[^\s?#]*?)?)\/*\s*$/i.exec(url);
  if (!parts) throw new TypeError("url: http(s)://host/path");
  return (scheme: "http" | "ws", path: string) => `${scheme}${parts[1]!.toLowerCase()}://${parts[2]}/v1/${path}`;
};
