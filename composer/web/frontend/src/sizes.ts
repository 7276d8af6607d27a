/** Sizes of the panels and the dock, in pixels: dragged, or changed by arrow keys; remembered for the next visit. */
import { create } from "zustand";

const KEY = "composer.sizes";
export const USUAL = { palette: 228, side: 332, dock: 320 };
const LEAST = { palette: 160, side: 240, dock: 140 };
/** What is left to the canvas, at least. */
const CANVAS = { width: 300, height: 180 };

export type Sized = keyof typeof USUAL;
export type Sizes = Record<Sized, number>;

export const useSizes = create<Sizes>()(() =>
  read(typeof localStorage === "undefined" ? null : localStorage.getItem(KEY)),
);

/** What was remembered; what cannot be read is as usual. */
export function read(text: string | null): Sizes {
  const sizes = { ...USUAL };
  try {
    const found: unknown = JSON.parse(text ?? "{}");
    for (const part of Object.keys(USUAL) as Sized[]) {
      const size = (found as Partial<Record<string, unknown>> | null)?.[part];
      if (typeof size === "number" && size >= LEAST[part]) sizes[part] = size;
    }
  } catch {
    return sizes;
  }
  return sizes;
}

/** The least and the most that a part may have in a window. */
export function limits(
  part: Sized,
  sizes: Sizes,
  window: { innerWidth: number; innerHeight: number },
): [number, number] {
  const other = { palette: sizes.side, side: sizes.palette, dock: 44 }[part];
  const room = part === "dock" ? window.innerHeight - CANVAS.height : window.innerWidth - CANVAS.width;
  return [LEAST[part], Math.max(LEAST[part], room - other)];
}

/** A size within the limits of a window; what was wished for is kept for larger ones. */
export function within(part: Sized, sizes: Sizes, window: { innerWidth: number; innerHeight: number }): number {
  const [least, most] = limits(part, sizes, window);
  return Math.min(Math.max(sizes[part], least), most);
}

export function resize(part: Sized, pixels: number): void {
  const sizes = useSizes.getState();
  const wished = { ...sizes, [part]: Math.round(pixels) };
  useSizes.setState({ [part]: within(part, wished, window) });
  localStorage.setItem(KEY, JSON.stringify(useSizes.getState()));
}

export const resetSize = (part: Sized): void => resize(part, USUAL[part]);
