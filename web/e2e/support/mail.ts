// The mails of a test's server: without a mail server they are files in its folder.

import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "./board.js";
import type { Server } from "../../test/support/server.js";

export interface Mail {
  text: string;
  code: string | undefined;
  link: string | undefined;
}

/** Quoted-printable (RFC 2045, section 6.7), as far as ASCII goes. */
const decoded = (text: string): string =>
  text.replace(/=\r?\n/g, "").replace(/=([0-9A-F]{2})/g, (_, hex: string) => String.fromCharCode(parseInt(hex, 16)));

/** The newest mail to somebody whose subject is like this, once it is there. */
export const mailTo = async (server: Server, email: string, subject: RegExp): Promise<Mail> => {
  const folder = join(server.folder, "outbox");
  let found: string | undefined;
  const look = () => {
    const names = existsSync(folder) ? readdirSync(folder).filter((name) => name.endsWith(".eml")) : [];
    const mails = names.sort().map((name) => decoded(readFileSync(join(folder, name), "utf8")));
    found = mails.findLast((mail) => mail.includes(email) && subject.test(/^Subject: (.*)$/m.exec(mail)?.[1] ?? ""));
    return !!found;
  };
  await expect.poll(look, { message: `a mail to ${email}` }).toBe(true);
  return {
    text: found!,
    code: /^\s+(\d{6})\s*$/m.exec(found!)?.[1],
    link: /^(http:\S+#\S+)\s*$/m.exec(found!)?.[1],
  };
};
