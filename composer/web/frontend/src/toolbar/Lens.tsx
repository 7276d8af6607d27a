import { counted, magnitude } from "../logic/format";
import { MODES, type Mode } from "../logic/operations";
import { useComposer } from "../store";
import { Button } from "../ui/Button";
import { Icon } from "../ui/Icon";
import type { Entry } from "../ui/Menu";

/** All of the graph, or what one mode runs: as what a menu offers. */
export function useLens(): Entry[] {
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
  return [null, ...MODES].map((mode) => ({
    words: mode ?? "All",
    about: mode ? about(mode) : "All of the graph",
    checked: lens === mode,
    icon: <Icon name={lens === mode ? "good" : "blank"} />,
    action: () => set({ lens: mode }),
  }));
}

/** Which mode's part of the graph is lit. */
export function Lens({ modes }: { modes: Entry[] }) {
  return (
    <div
      className="composer-segments"
      role="radiogroup"
      aria-label="Mode lens"
      title="Light the part of the graph that a mode runs"
    >
      {modes.map((mode) => (
        <Button
          key={mode.words}
          look="bare"
          role="radio"
          aria-checked={mode.checked}
          className={mode.checked ? "is-on" : ""}
          title={mode.about}
          onClick={mode.action}
        >
          {mode.words}
        </Button>
      ))}
    </div>
  );
}
