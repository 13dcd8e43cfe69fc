// The picture of a person, or their initials on a colour of their own.

import type { PublicUser } from "../../sdk/contract.js";
import { BASE } from "../places.js";

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

/** `label`: false where the name stands beside it. */
export const Avatar = ({ user, size = 24, label = true }: { user: Person; size?: number; label?: boolean }) => {
  const about = label
    ? ({ role: "img", "aria-label": user.name, title: user.name } as const)
    : ({ "aria-hidden": true } as const);
  if (user.photo_url) {
    const src = new URL(`${user.photo_url.replace(/^\//, "")}${user.photo_url.includes("?") ? "&" : "?"}size=64`, BASE).href;
    return <img class={`avatar size-${size}`} alt={label ? user.name : ""} src={src} width={size} height={size} loading="lazy" />;
  }
  return (
    <span class={`avatar tint-${colorOf(user.id)} size-${size}`} {...about}>
      {initials(user.name)}
    </span>
  );
};
