// What `npm pack` makes, installed into an empty project: its types compile there, and the program of the README follows a
// workspace of a real server.

import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { after, test, type TestContext } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { client, PASSWORD } from "./support/person.js";
import { signIn } from "../src/sdk/index.js";
import { server } from "./support/server.js";
import { holds } from "./support/until.js";

const run = promisify(execFile);
const WEB = fileURLToPath(new URL("../../", import.meta.url));

let packing: ReturnType<typeof pack> | undefined;
after(async () => packing && rm((await packing).folder, { recursive: true, force: true }));

const pack = async () => {
  const folder = await mkdtemp(join(tmpdir(), "taskwire-package-"));
  const { stdout } = await run("npm", ["pack", "--json", "--pack-destination", folder], { cwd: WEB });
  const [packed] = JSON.parse(stdout.slice(stdout.indexOf("["))) as [{ filename: string; files: { path: string }[] }];
  return { folder, ...packed };
};

/** The package, installed into an empty project with others that are here, and the files that it consists of. */
const install = async (t: TestContext, ...others: string[]): Promise<[project: string, files: string[]]> => {
  const project = await mkdtemp(join(tmpdir(), "taskwire-package-"));
  t.after(() => rm(project, { recursive: true, force: true }));
  const { folder, filename, files } = await (packing ??= pack());
  await writeFile(join(project, "package.json"), '{ "private": true, "type": "module" }');
  const packages = [join(folder, filename), ...others.map((name) => join(WEB, "node_modules", name))];
  await run("npm", ["install", "--offline", "--install-links", "--no-audit", "--no-fund", ...packages], { cwd: project });
  return [project, files.map(({ path }) => path)];
};

const compile = async (project: string, file = "main.ts") => {
  const flags = ["--strict", "--target", "es2022", "--module", "nodenext", "--jsx", "react-jsx"];
  const compiling = run(join(WEB, "node_modules/.bin/tsc"), [...flags, file], { cwd: project });
  await compiling.catch((error: { stdout: string }) => assert.fail(error.stdout));
};

/** The first program of the README in this language. */
const example = async (language: string): Promise<string> =>
  (await readFile(join(WEB, "README.md"), "utf8")).split(`\`\`\`${language}\n`)[1]!.split("```")[0]!;

const first = async (url: string): Promise<string> => {
  const text = await example("ts");
  assert.ok(text.trim().split("\n").length <= 12, "twelve lines");
  return text.replace("http://127.0.0.1:8080", url);
};

const SLOW = { timeout: 120_000 };

test("the package installs into an empty project, and the README's program follows a workspace there", SLOW, async (t) => {
  const [project, files] = await install(t);
  assert.ok(files.every((path) => /^(dist\/(sdk|react)\/.+\.(js|d\.ts)|README\.md|package\.json)$/.test(path)), files.join(" "));
  const node = await server(t);
  const ada = signIn({ url: node.url, delivery: "body" });
  await ada.signUp({ email: "ada@example.org", password: PASSWORD, name: "Ada" });
  const it = client(t, node.url, { token: ada.token });
  await it.call("task.create", { title: "before" });
  await writeFile(join(project, "main.ts"), await first(node.url));
  await compile(project);
  const program = ["--experimental-websocket", "main.js"];
  const child = spawn(process.execPath, program, { cwd: project, stdio: ["ignore", "pipe", "inherit"] });
  t.after(() => child.kill());
  const lines: string[] = [];
  createInterface(child.stdout).on("line", (line) => lines.push(line));
  await holds("the tasks", () => lines.length === 1);
  await node.kill();
  await node.start();
  await it.call("task.create", { title: "after a crash" });
  await holds("the event", () => lines.length === 2);
  assert.deepEqual(lines, ["[ 'before' ]", "task.created after a crash"]);
});

test("calls are typed both ways", SLOW, async (t) => {
  const [project] = await install(t);
  await writeFile(
    join(project, "main.ts"),
    `import { connect, newId, reactNative, Refused, type Client, type Link } from "taskwire";
     import type { Task } from "taskwire/contract";
     declare const client: Client;
     const link: Link = client.link;
     const { data } = await client.call("task.create", { title: "a", id: newId() });
     const task: Task = data;
     await client.call("task.list");
     await client.call("task.list", { limit: 1 }, { signal: AbortSignal.timeout(1) });
     client.listen({
       event(event) {
         if (event.event === "notification.deleted") event.data.unread.toFixed();
       },
     });
     // @ts-expect-error A title is required.
     await client.call("task.create");
     // @ts-expect-error It is no number.
     await client.call("task.create", { title: 1 });
     // @ts-expect-error There is no such operation.
     await client.call("task.invent", {});
     // @ts-expect-error The client authenticates by itself.
     await client.call("auth", { token: "" });
     // @ts-expect-error A page has no such field.
     (await client.call("task.list")).data.things;`,
  );
  await compile(project);
});

test("the README's components show a workspace of a real server with React", SLOW, async (t) => {
  const react = ["react", "react-dom", "scheduler", "@types/react", "@types/react-dom", "csstype"];
  const [project] = await install(t, ...react);
  const node = await server(t);
  const ada = signIn({ url: node.url, delivery: "body" });
  await ada.signUp({ email: "ada@example.org", password: PASSWORD, name: "Ada" });
  const it = client(t, node.url, { token: ada.token });
  const { data } = await it.call("task.create", { title: "milk" });
  await writeFile(
    join(project, "main.tsx"),
    `import { renderToStaticMarkup } from "react-dom/server";
     import { connect, openStore } from "taskwire";
     ${await example("tsx")}
     const store = await openStore();
     const workspace_id = ${JSON.stringify(data.workspace_id)};
     const client = connect({ url: ${JSON.stringify(node.url)}, token: () => ${JSON.stringify(await ada.token())} });
     store.attach(client.link);
     const all = await new Promise<string>((resolve) =>
       store.subscribe(({ synced }) => synced, () => resolve(renderToStaticMarkup(<App />))));
     store.mutate("task.create", { workspace_id, title: "bread" });
     console.log(JSON.stringify([all, renderToStaticMarkup(<App />)]));
     client.close();
     await store.close();`,
  );
  await compile(project, "main.tsx");
  const { stdout } = await run(process.execPath, ["--experimental-websocket", "main.js"], { cwd: project });
  assert.deepEqual(JSON.parse(stdout), [
    "<p>milk</p><button>online: 0 changes</button>",
    "<p>milk</p><p>bread</p><button>online: 1 changes</button>",
  ]);
});
