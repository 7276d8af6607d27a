import { type RefObject, useEffect, useLayoutEffect, useRef, useState } from "react";

/** How far a bar is folded: 0 shows all, each step takes less room, until nothing is cut off. */
export function useFold(steps: number): [RefObject<HTMLElement | null>, number] {
  const bar = useRef<HTMLElement>(null);
  const [fold, setFold] = useState(0);
  useLayoutEffect(() => {
    const { current } = bar;
    if (current && fold < steps && current.scrollWidth > current.clientWidth) setFold(fold + 1);
  });
  useEffect(() => {
    if (!bar.current) return;
    let width = bar.current.clientWidth;
    const seen = new ResizeObserver(([entry]) => {
      if (!entry || entry.target.clientWidth === width) return;
      width = entry.target.clientWidth;
      setFold(0);
    });
    seen.observe(bar.current);
    return () => seen.disconnect();
  }, []);
  return [bar, fold];
}
