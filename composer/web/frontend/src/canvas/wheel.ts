import { useEffect } from "react";
import { create } from "zustand";
import { useCanvas } from "./state";

/** What scrolling does: `mouse` zooms, `trackpad` moves the view (and a pinch zooms), `auto` goes by the device. */
export const SCROLLS = ["auto", "mouse", "trackpad"] as const;
export type Scroll = (typeof SCROLLS)[number];

const KEY = "composer.scroll";
const kept = typeof localStorage === "undefined" ? null : localStorage.getItem(KEY);

/** The setting; remembered for the next visit. */
export const useScroll = create<{ scroll: Scroll; choose: (scroll: Scroll) => void }>()((set) => ({
  scroll: SCROLLS.find((one) => one === kept) ?? "auto",
  choose: (scroll) => {
    localStorage.setItem(KEY, scroll);
    set({ scroll });
  },
}));

export interface Wheel {
  deltaX: number;
  deltaY: number;
  deltaMode: number;
  /** 120 for a notch of a wheel; 0 where the browser does not say. */
  wheelDeltaY?: number;
  timeStamp: number;
}

/** So long, in milliseconds, a gesture is taken for that of the device that began it. */
const GESTURE = 400;

/** Distinguishes the wheel of a mouse, which turns by notches, from two fingers on a trackpad. */
export class Devices {
  private device: "mouse" | "trackpad" = "mouse";
  private last = Number.NEGATIVE_INFINITY;

  of(wheel: Wheel): "mouse" | "trackpad" {
    const goesOn = wheel.timeStamp - this.last < GESTURE;
    this.last = wheel.timeStamp;
    if (isTrackpad(wheel)) this.device = "trackpad";
    else if (!goesOn) this.device = "mouse";
    return this.device;
  }
}

function isTrackpad({ deltaX, deltaY, deltaMode, wheelDeltaY }: Wheel): boolean {
  if (deltaMode !== 0) return false;
  if (deltaX !== 0 && deltaY !== 0) return true;
  if (deltaX !== 0) return Math.abs(deltaX) < 50 || !Number.isInteger(deltaX); // a tilted wheel turns by notches, too
  if (wheelDeltaY) return wheelDeltaY % 120 !== 0 && Math.abs(deltaY) < 100;
  return Math.abs(deltaY) < 50;
}

/** Two fingers on a trackpad move the view; all else zooms, as React Flow has it. */
export function useWheel(): void {
  const root = useCanvas((state) => state.root);
  useEffect(() => {
    if (!root) return;
    const devices = new Devices();
    const turned = (event: WheelEvent) => {
      const { flow } = useCanvas.getState();
      const { scroll } = useScroll.getState();
      const device = devices.of({
        deltaX: event.deltaX,
        deltaY: event.deltaY,
        deltaMode: event.deltaMode,
        wheelDeltaY: (event as WheelEvent & { wheelDeltaY?: number }).wheelDeltaY,
        timeStamp: event.timeStamp,
      });
      if (event.ctrlKey || !flow || (scroll === "auto" ? device : scroll) === "mouse") return;
      if (!(event.target instanceof Element) || !event.target.closest(".react-flow__renderer")) return;
      if (event.target.closest(".nowheel")) return;
      event.preventDefault();
      event.stopPropagation();
      const lines = event.deltaMode === 1 ? 20 : 1;
      const [dx, dy] = event.shiftKey && !event.deltaX ? [event.deltaY, 0] : [event.deltaX, event.deltaY];
      const { x, y, zoom } = flow.getViewport();
      void flow.setViewport({ x: x - dx * lines, y: y - dy * lines, zoom });
    };
    root.addEventListener("wheel", turned, { capture: true, passive: false });
    return () => root.removeEventListener("wheel", turned, { capture: true });
  }, [root]);
}
