// What each role may do to members (see `member.add` and `member.update` in the protocol). Pure.

import type { Member, Role } from "../../../sdk/contract.js";

/** From the lowest. */
export const ROLES: readonly Role[] = ["viewer", "member", "admin", "owner"];

const rank = (role: Role | undefined): number => (role ? ROLES.indexOf(role) : -1);

/** The roles that somebody may give: at most their own. */
export const givable = (mine: Role | undefined): readonly Role[] =>
  rank(mine) < rank("admin") ? [] : ROLES.filter((role) => rank(role) <= rank(mine));

/** Whether somebody may change a member's role, or remove them. */
export const mayChange = (mine: Role | undefined, theirs: Role): boolean =>
  rank(mine) >= rank("admin") && rank(theirs) <= rank(mine);

/** The highest first, then by name. */
export const byRole = (a: Member, b: Member): number =>
  rank(b.role) - rank(a.role) || a.user.name.localeCompare(b.user.name) || (a.user.id < b.user.id ? -1 : 1);
