// Builds the board into `built`, which is committed: the server embeds it, so nobody who runs a server needs Node.
// Names of assets contain a hash of their bytes, so browsers keep them for ever. `--check` only says whether `built` is stale.

import { build } from "esbuild";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";

const WEB = fileURLToPath(new URL("..", import.meta.url));
const BUILT = join(WEB, "built");

const bundle = async (options) => {
  const { outputFiles, metafile } = await build({
    absWorkingDir: WEB,
    bundle: true,
    minify: true,
    write: false,
    metafile: true,
    format: "esm",
    target: "es2022",
    legalComments: "none",
    charset: "utf8",
    logLevel: "error",
    outdir: "built",
    ...options,
  });
  const files = new Map(outputFiles.map((file) => [relative(BUILT, file.path), Buffer.from(file.contents)]));
  return { files, outputs: metafile.outputs };
};

/** All files below a folder, by their path in it. */
const read = (folder) => {
  const files = new Map();
  if (!existsSync(folder)) return files;
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true }))
    if (entry.isFile()) {
      const path = join(entry.parentPath ?? entry.path, entry.name);
      files.set(relative(folder, path), readFileSync(path));
    }
  return files;
};

const page = async () => {
  const { files, outputs } = await bundle({
    entryPoints: { board: "src/app/main.tsx", style: "src/app/style/main.css" },
    splitting: true,
    jsx: "automatic",
    jsxImportSource: "preact",
    entryNames: "assets/[name]-[hash]",
    chunkNames: "assets/[name]-[hash]",
    assetNames: "assets/[name]-[hash]",
  });
  const names = Object.entries(outputs);
  const name = (entry) => relative("built", names.find(([, { entryPoint }]) => entryPoint === entry)[0]);
  const main = names.find(([, { entryPoint }]) => entryPoint === "src/app/main.tsx")[1];
  const first = main.imports.filter(({ kind }) => kind === "import-statement").map(({ path }) => relative("built", path));
  const preloads = first.map((path) => `<link rel="modulepreload" href="${path}">`).join("\n");
  const html = readFileSync(join(WEB, "src/app/index.html"), "utf8")
    .replace("STYLE", name("src/app/style/main.css"))
    .replace("SCRIPT", name("src/app/main.tsx"))
    .replace("<!-- PRELOADS -->", preloads);
  files.set("index.html", Buffer.from(html));
  return files;
};

/** The files of the board. The service worker keeps those that a first visit loads; its text names them. */
const made = async () => {
  const files = await page();
  for (const [path, bytes] of read(join(WEB, "src/app/static"))) files.set(path, bytes);
  const kept = [...files.keys()].filter((path) => path !== "index.html").sort();
  const version = createHash("sha256");
  for (const path of [...files.keys()].sort()) version.update(path).update(files.get(path));
  if (existsSync(join(WEB, "src/app/worker.ts"))) {
    const define = { FILES: JSON.stringify(kept), VERSION: JSON.stringify(version.digest("hex").slice(0, 12)) };
    const worker = await bundle({ entryPoints: { worker: "src/app/worker.ts" }, define, entryNames: "[name]" });
    for (const [path, bytes] of worker.files) files.set(path, bytes);
  }
  return files;
};

const files = await made();
if (process.argv.includes("--check")) {
  const held = read(BUILT);
  const paths = [...new Set([...files.keys(), ...held.keys()])];
  const stale = paths.filter((path) => !files.get(path) || !held.get(path)?.equals(files.get(path)));
  if (stale.length) {
    console.error(`web/built is stale (${stale.join(", ")}): run \`npm run board\` in web, and commit what it wrote`);
    process.exit(1);
  }
} else {
  rmSync(BUILT, { recursive: true, force: true });
  for (const [path, bytes] of files) {
    mkdirSync(dirname(join(BUILT, path)), { recursive: true });
    writeFileSync(join(BUILT, path), bytes);
  }
}
