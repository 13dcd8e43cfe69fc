// Reads server-sent events (WHATWG HTML, section 9.2) from a response's body. Does not know what they mean.

/** Calls `got` with the name, the data and the id of each event, and `heard` when bytes come. Ends with the body. */
export const eventStream = async (
  body: ReadableStream<Uint8Array>,
  heard: () => void,
  got: (name: string, data: string, id: string | undefined) => void,
) => {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  let rest = "";
  let fields: Record<string, string | undefined> = {};
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    heard();
    const lines = (rest + decoder.decode(value, { stream: true })).split(/\r?\n/);
    rest = lines.pop()!;
    for (const line of lines) {
      if (!line) {
        if (fields["data"] !== undefined) got(fields["event"] ?? "message", fields["data"], fields["id"]);
        fields = {};
        continue;
      }
      const [, name, text] = /^([^:]*):? ?(.*)$/.exec(line)!;
      const before = name === "data" ? fields["data"] : undefined;
      // A comment has no name.
      if (name) fields[name] = before === undefined ? text : `${before}\n${text}`;
    }
  }
};
