// A colour of a few that look well on light and dark, or none.

import { T } from "../texts.js";
import { Menu } from "./menu.js";

export const COLORS: readonly [name: keyof typeof T.workspace.colors, value: string | null][] = [
  ["none", null],
  ["green", "#2f8f5b"],
  ["teal", "#1f8a99"],
  ["blue", "#3b76c4"],
  ["violet", "#7a63c7"],
  ["pink", "#c04d92"],
  ["red", "#d0473b"],
  ["orange", "#d9772b"],
  ["yellow", "#c39a16"],
  ["grey", "#77818d"],
];

export const Dot = ({ color }: { color: string | null }) => (
  <span class="dot" style={color ? { background: color } : undefined} />
);

interface Props {
  /** Whose colour it is, for screen readers. */
  label: string;
  color: string | null;
  set: (color: string | null) => void;
  disabled?: boolean;
}

export const ColorMenu = ({ label, color, set, disabled = false }: Props) => (
  <Menu
    label={label}
    class="quiet icon-button"
    disabled={disabled}
    choices={COLORS.map(([name, value]) => ({
      label: T.workspace.colors[name],
      icon: <Dot color={value} />,
      checked: value === color,
      run: () => set(value),
    }))}
  >
    <Dot color={color} />
  </Menu>
);
