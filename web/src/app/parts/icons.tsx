// The icons, as paths of 24 by 24. They say nothing to screen readers: what they stand for is told beside them.

const PATHS = {
  today: "M7 3v3M17 3v3M4 9h16M5 5h14v15H5zM9 14l2 2 4-4",
  upcoming: "M7 3v3M17 3v3M4 9h16M5 5h14v15H5zM8 13h3M8 16h3M14 13h2M14 16h2",
  inbox: "M4 13l3-8h10l3 8v6H4zM4 13h5l1 3h4l1-3h5",
  mine: "M12 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8zM4 20c1-4 4-6 8-6s7 2 8 6",
  search: "M11 18a7 7 0 1 0 0-14 7 7 0 0 0 0 14zM16 16l4 4",
  settings: "M12 15a3 3 0 1 0 0-6 3 3 0 0 0 0 6zM12 3v3M12 18v3M3 12h3M18 12h3M5.6 5.6l2.2 2.2M16.2 16.2l2.2 2.2M5.6 18.4l2.2-2.2M16.2 7.8l2.2-2.2",
  admin: "M12 3l8 3v6c0 5-4 8-8 9-4-1-8-4-8-9V6zM9 12l2 2 4-4",
  board: "M4 5h4v14H4zM10 5h4v9h-4zM16 5h4v11h-4z",
  list: "M4 6h2M9 6h11M4 12h2M9 12h11M4 18h2M9 18h11",
  calendar: "M7 3v3M17 3v3M4 9h16M5 5h14v15H5z",
  dashboard: "M4 20V10M10 20V4M16 20v-7M4 20h17",
  members: "M9 11a3.500 3.500 0 1 0 0-7 3.500 3.500 0 0 0 0 7zM3 20c.6-4 3-6 6-6s5.400 2 6 6M16 4.500a3.500 3.500 0 0 1 0 6.500M18 14c2 .7 3 3 3.500 6",
  options: "M4 7h10M18 7h2M4 17h2M10 17h10M16 9.500v-5M8 19.500v-5",
  plus: "M12 5v14M5 12h14",
  close: "M6 6l12 12M18 6L6 18",
  check: "M5 13l4 4L19 7",
  more: "M5 12h.01M12 12h.01M19 12h.01",
  menu: "M4 6h16M4 12h16M4 18h16",
  grip: "M9 6h.01M15 6h.01M9 12h.01M15 12h.01M9 18h.01M15 18h.01",
  chevron: "M9 6l6 6-6 6",
  flag: "M6 21V4h12l-2.500 4L18 12H6",
  repeat: "M4 11V9a3 3 0 0 1 3-3h12M16 3l3 3-3 3M20 13v2a3 3 0 0 1-3 3H5M8 21l-3-3 3-3",
  comment: "M4 5h16v11H10l-5 4v-4H4z",
  file: "M14 3H6v18h12V7zM14 3v4h4",
  clip: "M19 11l-7.500 7.500a4.500 4.500 0 0 1-6.400-6.400L13 4.200a3 3 0 0 1 4.300 4.300L9.700 16a1.500 1.500 0 0 1-2.100-2.100L14 7.500",
  blocked: "M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18zM6 6l12 12",
  bell: "M6 16V11a6 6 0 0 1 12 0v5l2 2H4zM10 20.500h4",
  trash: "M5 7h14M9 7V4h6v3M7 7l1 13h8l1-13",
  link: "M10 14a4 4 0 0 0 6 0l3-3a4 4 0 0 0-6-6l-1 1M14 10a4 4 0 0 0-6 0l-3 3a4 4 0 0 0 6 6l1-1",
  history: "M4 12a8 8 0 1 0 3-6.200M4 4v4h4M12 8v5l3 2",
  edit: "M4 20l1-4L16 5l3 3L8 19z",
  user: "M12 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8zM4 20c1-4 4-6 8-6s7 2 8 6",
  tag: "M4 4h8l8 8-8 8-8-8zM8 8h.01",
  subtask: "M6 4v10h6M12 10h8v8h-8z",
  out: "M10 4H5v16h5M15 8l4 4-4 4M19 12H9",
  offline: "M3 3l18 18M8.500 15.500a5 5 0 0 1 7 0M5 12a10 10 0 0 1 4-2.400M19 12a10 10 0 0 0-5-2.800M12 19h.01",
} as const;

export type IconName = keyof typeof PATHS;

export const Icon = ({ name, size = 18 }: { name: IconName; size?: number }) => (
  <svg class="icon" width={size} height={size} viewBox="0 0 24 24" aria-hidden="true" focusable="false">
    <path d={PATHS[name]} />
  </svg>
);
