/** Numbers as people read them. */

const STEPS = ["", "K", "M", "G", "T", "P"];

/** Three digits and a unit of thousands: `11.2 M`. */
export function magnitude(count: number): string {
  const power = count < 1000 ? 0 : Math.min(Math.floor(Math.log10(count) / 3), STEPS.length - 1);
  if (power <= 0) return String(count);
  const scaled = count / 1000 ** power;
  if (scaled >= 999.5 && power < STEPS.length - 1) return `1.00 ${STEPS[power + 1]}`;
  return `${digits(scaled)} ${STEPS[power]}`;
}

/** Bytes in powers of 1,024: `98 KiB`, `4.50 MiB`. */
export function bytes(count: number): string {
  const power = count < 1024 ? 0 : Math.min(Math.floor(Math.log2(count) / 10), STEPS.length - 1);
  if (power <= 0) return `${count} B`;
  const scaled = count / 1024 ** power;
  return `${scaled >= 1000 ? Math.round(scaled) : digits(scaled)} ${STEPS[power]}iB`;
}

const digits = (value: number): string => value.toFixed(value >= 99.95 ? 0 : value >= 9.995 ? 1 : 2);

/** `1 parameter`, `2 parameters`. */
export const counted = (count: number, one: string, many = `${one}s`): string =>
  `${exact(count)} ${count === 1 ? one : many}`;

/** All digits, in groups. */
export const exact = (count: number): string => count.toLocaleString("en-US");

/** How long ago: `just now`, `5 minutes ago`, or the date. */
export function ago(time: number, now: number): string {
  const minutes = Math.floor((now - time) / 60_000);
  if (minutes < 1) return "just now";
  if (minutes < 60) return `${counted(minutes, "minute")} ago`;
  if (minutes < 24 * 60) return `${counted(Math.floor(minutes / 60), "hour")} ago`;
  return new Date(time).toLocaleString();
}

/** Four digits, small and large numbers with a power of ten: `0.9123`, `1.20e-5`. */
export function fourDigits(value: number | null | undefined): string {
  if (value === null || value === undefined) return "NaN";
  if (value === 0) return "0";
  const size = Math.abs(value);
  if (size >= 1e5 || size < 1e-3) return value.toExponential(2);
  return String(Number(value.toPrecision(4)));
}

const UNITS = [
  [86400, "d"],
  [3600, "h"],
  [60, "min"],
  [1, "s"],
] as const;

/** How long, in its two largest units: `4 s`, `2 min 10 s`, `3 h 5 min`, `2 d 4 h`. */
export function duration(seconds: number): string {
  if (seconds < 1) return "under 1 s";
  const whole = Math.round(seconds);
  const at = UNITS.findIndex(([size]) => whole >= size);
  const [large, unit] = UNITS[at] ?? UNITS[3];
  const [small, part] = UNITS[at + 1] ?? UNITS[3];
  const rest = Math.floor((whole % large) / small);
  return `${Math.floor(whole / large)} ${unit}${rest ? ` ${rest} ${part}` : ""}`;
}

/** When, as short as it is clear: `14:05` today, `27 Nov 14:05` this year, else the date. */
export function moment(seconds: number, now: number): string {
  const [time, today] = [new Date(seconds * 1000), new Date(now)];
  const clock = time.toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit" });
  if (time.toDateString() === today.toDateString()) return clock;
  const day = time.toLocaleDateString("en-GB", { day: "numeric", month: "short" });
  return time.getFullYear() === today.getFullYear() ? `${day} ${clock}` : `${day} ${time.getFullYear()}`;
}
