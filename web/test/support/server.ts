// A real server of a test's own: its folder, its port, killed and started again as a test wants. `TASKWIRE_SERVER` names the
// binary; else one that cargo built.

import { execFileSync, spawn, type ChildProcess } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve as absolute } from "node:path";
import { createInterface } from "node:readline";

const BUILT = ["release", "debug"].map((profile) => `../target/${profile}/taskwire`);

const binary = (): string => {
  const found = process.env["TASKWIRE_SERVER"] ?? BUILT.find(existsSync);
  if (!found) throw new Error("no server: build one with cargo, or set TASKWIRE_SERVER");
  return absolute(found);
};

export const SECRET = "a secret of the tests that is long enough";

/** A test, or whatever else says when it is over. */
export interface Ends {
  after(end: () => unknown): void;
}

export interface Server {
  readonly url: string;
  readonly port: number;
  /** Where it keeps everything. */
  readonly folder: string;
  /** What it printed, beside that it listens. */
  said(): string;
  /** Runs a command of the binary on the folder of the server, which is not running. */
  command(...words: string[]): void;
  /** Ends it at once, as a crash does. */
  kill(): Promise<void>;
  /** Ends it as a restart does: it says goodbye to its sockets. */
  stop(): Promise<void>;
  /** Starts it again, in its folder and on its port, with more settings. */
  start(...more: string[]): Promise<void>;
}

const run = (
  folder: string,
  port: number,
  settings: string[],
  hear: (text: string) => void = () => {},
): Promise<[ChildProcess, string]> => {
  const flags = ["--listen", `127.0.0.1:${port}`, "--data-dir", folder, "--log-level", "error"];
  const all = ["rate_limit_enabled=false", `jwt_secret=${SECRET}`, ...settings].flatMap((setting) => ["--set", setting]);
  // No settings of the environment, nor of an `.env` file.
  const child = spawn(binary(), ["serve", ...flags, ...all], { cwd: folder, env: {}, stdio: "pipe" });
  let said = "";
  child.stderr.on("data", (chunk) => {
    said += chunk;
    hear(String(chunk));
  });
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", (code) => reject(new Error(`the server ended with ${code}: ${said}`)));
    createInterface(child.stdout).on("line", (line) => {
      const url = /^listening on (http:\S+)/.exec(line)?.[1];
      if (url) resolve([child, url]);
    });
  });
};

/** Starts a server that ends with the test. */
export const server = async (test: Ends, ...settings: string[]): Promise<Server> => {
  const folder = await mkdtemp(join(tmpdir(), "taskwire-"));
  let said = "";
  const hear = (text: string) => void (said += text);
  let [child, url] = await run(folder, 0, settings, hear);
  const port = Number(new URL(url).port);
  const end = (signal: NodeJS.Signals) =>
    new Promise<void>((resolve) => {
      if (child.exitCode !== null || child.signalCode) return resolve();
      child.once("exit", () => resolve());
      child.kill(signal);
    });
  test.after(async () => {
    await end("SIGKILL");
    await rm(folder, { recursive: true, force: true });
  });
  return {
    url,
    port,
    folder,
    said: () => said,
    command: (...words) => void execFileSync(binary(), [...words, "--data-dir", folder], { cwd: folder, env: {}, stdio: "pipe" }),
    kill: () => end("SIGKILL"),
    stop: () => end("SIGTERM"),
    start: async (...more) => {
      [child] = await run(folder, port, [...settings, ...more], hear);
    },
  };
};
