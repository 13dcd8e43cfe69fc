// Installs the service worker, and says when another version of the board has come. Knows nothing of who is signed in: what
// waits to be saved is in the browser's storage, so a reload loses nothing.

import { BASE } from "./places.js";
import { T } from "./texts.js";
import { tell } from "./toasts.js";

/** How often a page that stays open looks for another version. */
const HOUR = 3_600_000;

interface Policies {
  createPolicy(name: string, rules: { createScriptURL(url: string): string }): { createScriptURL(url: string): unknown };
}

/** The address of the worker, as a page under Trusted Types must give it. Only this one passes. */
const address = (): string => {
  const only = new URL("worker.js", BASE).href;
  const createScriptURL = (url: string): string => {
    if (url !== only) throw new TypeError("not a script of the board");
    return url;
  };
  const { trustedTypes } = globalThis as { trustedTypes?: Policies };
  const policy = trustedTypes?.createPolicy("taskwire", { createScriptURL });
  return (policy ? policy.createScriptURL(only) : only) as string;
};

const watch = (registration: ServiceWorkerRegistration): void => {
  let looked = Date.now();
  const look = () => {
    if (document.visibilityState !== "visible" || Date.now() - looked < HOUR) return;
    looked = Date.now();
    registration.update().catch(() => {}); // without a network there is nothing new
  };
  document.addEventListener("visibilitychange", look);
  setInterval(look, HOUR);
};

/** Installs the worker once the page has nothing better to do. Without one (plain HTTP, a private window) all works, online. */
export const installWorker = (): void => {
  // Not an error: browsers have none where the page does not come by HTTPS.
  if (!("serviceWorker" in navigator)) return;
  const { serviceWorker } = navigator;
  let isControlled = !!serviceWorker.controller;
  serviceWorker.addEventListener("controllerchange", () => {
    // The first one of a page is of the page's own version.
    if (isControlled) tell(T.versions.changed, { action: { label: T.versions.reload, run: () => location.reload() } });
    isControlled = true;
  });
  const register = () =>
    serviceWorker.register(address(), { scope: BASE.pathname, updateViaCache: "none" }).then(watch, () => {});
  if (document.readyState === "complete") void register();
  else addEventListener("load", () => void register(), { once: true });
};
