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
