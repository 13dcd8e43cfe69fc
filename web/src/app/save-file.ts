// Saves what the server answers as a file: downloads that need the token, which a link cannot carry. Knows no view.

import { read } from "./http.js";
import { request } from "./session.js";

/** The name that the server gives a file. */
const nameOf = (answer: Response, otherwise: string): string => {
  const given = answer.headers.get("content-disposition") ?? "";
  const extended = /filename\*=UTF-8''([^;]+)/i.exec(given)?.[1];
  if (extended) return decodeURIComponent(extended);
  return /filename="?([^";]+)"?/i.exec(given)?.[1] ?? otherwise;
};

/** Downloads what is at `path`, which begins with `/v1/`. */
export const saveFile = async (path: string, otherwise: string): Promise<void> => {
  const answer = await request(path);
  if (!answer.ok) await read(answer);
  const blob = await answer.blob();
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = nameOf(answer, otherwise);
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
};
