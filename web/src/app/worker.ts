// The service worker: keeps the board's own files, so that it opens without a network, and at once with one. All files of a
// version are kept together or not at all. Never touches the API: what people see comes from the store, and goes by the queue.

import { WORDS } from "./words.js";

declare const self: ServiceWorkerGlobalScope;
/** The files of this version beside the page, and its name. The build puts both in. */
declare const FILES: readonly string[];
declare const VERSION: string;

/** Other boards of this origin have other scopes. */
const OURS = `taskwire ${new URL(self.registration.scope).pathname} `;
const CACHE = OURS + VERSION;
const PAGE = self.registration.scope;

/** Keeps all files. They come whole, or this version waits until they do. */
const keep = async (): Promise<void> => {
  const cache = await caches.open(CACHE);
  await cache.addAll([PAGE, ...FILES]);
  // Pages that are open go on with the files of their own version, which stay for now.
  await self.skipWaiting();
};

/** Forgets the versions before the last one. Caches are listed in the order in which they were made. */
const forget = async (): Promise<void> => {
  const others = (await caches.keys()).filter((name) => name.startsWith(OURS) && name !== CACHE);
  await Promise.all(others.slice(0, -1).map((name) => caches.delete(name)));
  await self.clients.claim();
};

/** The page as it is on the server now: keeps its headers if it is of this version, else looks for the new one. */
const refresh = async (): Promise<void> => {
  const cache = await caches.open(CACHE);
  const [fresh, kept] = await Promise.all([fetch(PAGE).catch(() => undefined), cache.match(PAGE, { ignoreVary: true })]);
  if (!fresh?.ok) return;
  const isSame = (await fresh.clone().text()) === (await kept?.text());
  if (isSame) await cache.put(PAGE, fresh);
  else await self.registration.update().catch(() => {});
};

/** A copy that is kept. Its bytes are unpacked, and the same for every page: what it varies by makes no difference here. */
const kept = async (request: Request | string): Promise<Response | undefined> => {
  const found = async (name: string) => (await caches.open(name)).match(request, { ignoreVary: true });
  const own = await found(CACHE);
  if (own) return own;
  // Also the files of the version before: a page of it may still be open.
  for (const name of await caches.keys()) {
    const other = name.startsWith(OURS) ? await found(name) : undefined;
    if (other) return other;
  }
  return undefined;
};

const answer = async (request: Request | string): Promise<Response> => (await kept(request)) ?? fetch(request);

self.addEventListener("install", (event) => event.waitUntil(keep()));
self.addEventListener("activate", (event) => event.waitUntil(forget()));
self.addEventListener("fetch", (event) => {
  const { request } = event;
  const url = new URL(request.url);
  if (request.method !== "GET" || !url.href.startsWith(PAGE)) return;
  const path = url.href.slice(PAGE.length).replace(/[?#].*/, "");
  const [word = ""] = path.split("/");
  if (request.mode === "navigate") {
    if (word && !WORDS.some((one) => one === word)) return;
    event.respondWith(answer(PAGE));
    event.waitUntil(refresh());
  } else if (word === "assets" || FILES.includes(path)) {
    event.respondWith(answer(request));
  }
});
