// The picture of a person, or their initials on a colour of their own. A picture needs the token, which an address cannot carry:
// it is fetched, once a page.

import { useEffect, useState } from "preact/hooks";
import type { PublicUser } from "../../sdk/contract.js";
import { request } from "../session.js";

/** A number from 0 to 7 that stays the same for a person. */
const colorOf = (id: string): number => parseInt(id.slice(-2), 16) % 8 || 0;

const initials = (name: string): string =>
  name
    .split(/\s+/)
    .map((word) => [...word][0] ?? "")
    .filter((_, i, all) => i === 0 || i === all.length - 1)
    .join("")
    .toLocaleUpperCase();

type Person = Pick<PublicUser, "id" | "name" | "photo_url">;

const fetched = new Map<string, Promise<string | undefined>>();

const fetchPicture = async (path: string): Promise<string | undefined> => {
  const answer = await request(`${path}${path.includes("?") ? "&" : "?"}size=64`);
  return answer.ok ? URL.createObjectURL(await answer.blob()) : undefined;
};

/** The picture at a path, once it is here. One that does not come is asked for again by the next that needs it. */
const usePicture = (path: string | null): string | undefined => {
  const [shown, show] = useState<{ path: string; src: string }>();
  useEffect(() => {
    if (!path) return;
    let isCurrent = true;
    let coming = fetched.get(path);
    if (!coming) fetched.set(path, (coming = fetchPicture(path)));
    coming.then(
      (src) => src && isCurrent && show({ path, src }),
      () => fetched.delete(path),
    );
    return () => void (isCurrent = false);
  }, [path]);
  return shown && shown.path === path ? shown.src : undefined;
};

/** `label`: false where the name stands beside it. */
export const Avatar = ({ user, size = 24, label = true }: { user: Person; size?: number; label?: boolean }) => {
  const src = usePicture(user.photo_url);
  const about = label
    ? ({ role: "img", "aria-label": user.name, title: user.name } as const)
    : ({ "aria-hidden": true } as const);
  if (src) return <img class={`avatar size-${size}`} alt={label ? user.name : ""} src={src} width={size} height={size} />;
  return (
    <span class={`avatar tint-${colorOf(user.id)} size-${size}`} {...about}>
      {initials(user.name)}
    </span>
  );
};
