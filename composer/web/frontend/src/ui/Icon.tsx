const PATHS = {
  new: "M4 1.8h5.2L12.5 5v9.2h-8.5zM9 2v3.2h3.3M8.2 7.5v4.2M6.1 9.6h4.2",
  open: "M1.8 12.8V3.5h4.2l1.4 1.8h6v2M1.8 12.8 3.9 7.3h10.6l-2 5.5z",
  save: "M2.5 2.5h8.8l2.2 2.2v8.8h-11zM5 2.7v3.6h5.2V2.7M4.8 13.3V9.2h6.4v4.1",
  more: "M3.2 8h.01M8 8h.01M12.8 8h.01",
  undo: "M5.3 3 2.3 6l3 3M2.6 6h6.6a3.9 3.9 0 0 1 0 7.8H6.5",
  redo: "m10.7 3 3 3-3 3M13.4 6H6.8a3.9 3.9 0 0 0 0 7.8h2.7",
  light:
    "M8 5.2a2.8 2.8 0 1 1 0 5.6 2.8 2.8 0 0 1 0-5.6M8 1.3v1.4M8 13.3v1.4M1.3 8h1.4M13.3 8h1.4M3.3 3.3l1 1M11.7 11.7l1 1M12.7 3.3l-1 1M4.3 11.7l-1 1",
  dark: "M13.3 9.5A5.7 5.7 0 0 1 6.5 2.7a5.7 5.7 0 1 0 6.8 6.8z",
  system: "M2 3h12v8H2zM5.5 13.7h5M8 11.2v2.3",
  help: "M8 1.7a6.3 6.3 0 1 1 0 12.6A6.3 6.3 0 0 1 8 1.7M6.2 6.3c.1-1.1.9-1.7 1.9-1.7 1.1 0 1.8.7 1.8 1.6 0 1.4-1.9 1.5-1.9 2.9M8 11.3h.01",
  play: "M4.5 2.8v10.4L13 8z",
  problem: "M8 2.2 14.5 13.5h-13zM8 6.5v3.3M8 11.7h.01",
  good: "m3 8.5 3.3 3.3L13 4.8",
  close: "m4 4 8 8M12 4l-8 8",
  copy: "M5.5 5.5h8v8h-8zM10.5 5.3V2.5h-8v8h2.8",
  search: "M7 2.5a4.5 4.5 0 1 1 0 9 4.5 4.5 0 0 1 0-9M10.4 10.4l3.3 3.3",
  plus: "M8 3v10M3 8h10",
  rename: "M2.5 13.5l.7-3.2 7.6-7.6 2.5 2.5-7.6 7.6zM9.4 4.1l2.5 2.5",
  remove: "M2.8 4.3h10.4M6.2 4.1V2.5h3.6v1.6M4.3 4.5l.6 9h6.2l.6-9M6.7 7v4M9.3 7v4",
  unlink:
    "m6.8 9.2 2.4-2.4M7.5 5l1.6-1.6a2.5 2.5 0 0 1 3.5 3.5L11 8.5M8.5 11l-1.6 1.6a2.5 2.5 0 0 1-3.5-3.5L5 7.5M4.2 3v1.2H3M11.8 13v-1.2H13",
  link: "m6.5 9.5 3-3M7.3 4.9l1.8-1.7a2.6 2.6 0 0 1 3.7 3.7L11.1 8.7M8.7 11.1l-1.8 1.7a2.6 2.6 0 0 1-3.7-3.7l1.7-1.8",
  down: "m4 6.3 4 4 4-4",
  up: "m4 9.7 4-4 4 4",
  right: "m6.3 4 4 4-4 4",
  back: "m9.7 12-4-4 4-4",
  reset: "M3 8a5 5 0 1 0 1.6-3.7M3 2.5v3.3h3.3",
  download: "M8 2v8M4.8 7 8 10.2 11.2 7M2.5 13.5h11",
  upload: "M8 10.5V2.3M4.8 5.3 8 2.1l3.2 3.2M2.5 13.5h11",
  goto: "M8 4.3a3.7 3.7 0 1 1 0 7.4 3.7 3.7 0 0 1 0-7.4M8 1.5v2.6M8 11.9v2.6M1.5 8h2.6M11.9 8h2.6",
  enter: "M6.5 2.5h7v11h-7M2 8h7.5M7 5.3 9.7 8 7 10.7",
  weights: "M3.5 5.5h9l1 8h-11zM6 5.3a2 2 0 1 1 4 0",
  left: "M2 2.8h12v10.4H2zM6 3v10",
  side: "M2 2.8h12v10.4H2zM10 3v10",
  blank: "",
  file: "M4 1.8h5.2L12.5 5v9.2H4zM9 2v3.2h3.3",
} as const;

export type IconName = keyof typeof PATHS;

/** A drawing of one stroke; what it stands for is said by the control that holds it. */
export function Icon({ name }: { name: IconName }) {
  return (
    <svg className={`composer-icon${name === "play" ? " is-filled" : ""}`} viewBox="0 0 16 16" aria-hidden="true">
      <path d={PATHS[name]} style={name === "more" ? { strokeWidth: 2.6 } : undefined} />
    </svg>
  );
}
