import { MODES, type Mode } from "../operations";
import { counted, magnitude } from "../side/format";
import { useComposer } from "../store";

/** Which mode's part of the graph is lit. */
export function Lens() {
  const { set } = useComposer.getState();
  const lens = useComposer((state) => state.lens);
  const modes = useComposer((state) => state.view?.modes);
  const about = (mode: Mode): string => {
    const one = modes?.find((item) => item.mode === mode);
    if (!one) return `The graph has no outputs for ${mode} mode`;
    const needs = [...one.inputs, ...one.data_samples].join(", ") || "nothing";
    const flops = one.flops === null ? "" : `; ${magnitude(one.flops)}FLOPs`;
    return one.problem ?? `${mode} mode runs ${counted(one.nodes.length, "box", "boxes")}, needs ${needs}${flops}`;
  };
  return (
    <div
      className="composer-segments"
      role="radiogroup"
      aria-label="Mode lens"
      title="Light the part of the graph that a mode runs"
    >
      {[null, ...MODES].map((mode) => (
        <button
          key={mode ?? "all"}
          type="button"
          role="radio"
          aria-checked={lens === mode}
          className={lens === mode ? "is-on" : ""}
          title={mode ? about(mode) : "All of the graph"}
          onClick={() => set({ lens: mode })}
        >
          {mode ?? "All"}
        </button>
      ))}
    </div>
  );
}
