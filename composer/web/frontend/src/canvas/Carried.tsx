import { useCanvas } from "./state";

/** The part of the palette that is under way to the canvas. */
export function Carried() {
  const carried = useCanvas((state) => state.carried);
  if (!carried) return null;
  const [x, y] = carried.at;
  return (
    <div
      className="composer-carried"
      style={{ transform: `translate(${x}px, ${y}px)`, "--kind": carried.colour } as React.CSSProperties}
    >
      {carried.name}
    </div>
  );
}
