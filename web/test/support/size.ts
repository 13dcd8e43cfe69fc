// Measures what a program that uses the package gets to download: bundled and minified by esbuild, then gzipped. As a script
// it prints the sizes.

import { build } from "esbuild";
import { basename } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";

const SDK = fileURLToPath(new URL("../../src/sdk/", import.meta.url));

export interface Size {
  /** Bytes, gzipped, of what is loaded at first. */
  first: number;
  /** Those of each part that is loaded when it is needed. */
  later: Record<string, number>;
}

/** The size of a program that consists of this text, below `src/sdk`. */
export const size = async (program: string): Promise<Size> => {
  const { metafile, outputFiles } = await build({
    stdin: { contents: program, resolveDir: SDK },
    bundle: true,
    minify: true,
    splitting: true,
    write: false,
    metafile: true,
    format: "esm",
    target: "es2022",
    outdir: "out",
    external: ["react"],
  });
  const bytes = (paths: string[]) => {
    const texts = paths.map((path) => outputFiles.find((file) => file.path.endsWith(`/${path}`))!.contents);
    return gzipSync(Buffer.concat(texts), { level: 9 }).length;
  };
  const first = new Set<string>();
  const later: Record<string, number> = {};
  const visit = (path: string) => {
    const output = metafile.outputs[path];
    // React is not of the package.
    if (!output || first.has(path)) return;
    first.add(path);
    for (const { path: other, kind } of output.imports) if (kind === "import-statement") visit(other);
  };
  visit("out/stdin.js");
  const others = Object.keys(metafile.outputs).filter((path) => !first.has(path));
  for (const path of others) later[basename(path).replace(/-\w+\.js$/, "")] = bytes([path]);
  return { first: bytes([...first]), later };
};

/** What is measured. */
export const PROGRAMS = {
  "a connection": 'export { connect } from "./client.js";',
  "a connection and a store": 'export { connect } from "./client.js"; export { openStore } from "./store.js";',
  "a connection and a store of several tabs":
    'export { connect } from "./client.js"; export { openShared } from "./tabs/shared.js";',
  "hooks for React": 'export * from "../react/index.js";',
  "signing in": 'export { signIn } from "./sign-in.js";',
  "all of it": 'export * from "./index.js";',
};

if (process.argv[1] === fileURLToPath(import.meta.url))
  for (const [name, program] of Object.entries(PROGRAMS)) {
    const { first, later } = await size(program);
    const parts = Object.entries(later).map(([part, bytes]) => `, later ${part} ${bytes}`);
    console.log(`${name}: ${first} bytes gzip${parts.join("")}`);
  }
