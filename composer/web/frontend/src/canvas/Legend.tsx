import { short } from "../logic/boxText";
import { useComposer } from "../store";
import { Button } from "../ui/Button";
import { focusBox } from "./boxes";

/** What the mode needs whose part of the graph is lit. */
export function Legend() {
  const lens = useComposer((state) => state.lens);
  const view = useComposer((state) => state.view);
  const mode = view?.modes.find((one) => one.mode === lens);
  if (!lens || !mode) return null;
  return (
    <section className="composer-legend" aria-label={`${lens} mode`}>
      <header>
        <b>{lens} mode</b>
        {mode.flops ? <small>{short(mode.flops)} FLOPs a sample</small> : null}
        <Button
          look="bare"
          aria-label="show all modes"
          title="Show all modes"
          onClick={() => useComposer.getState().set({ lens: null })}
        >
          ✕
        </Button>
      </header>
      {mode.problem && <p className="composer-legend-problem">{mode.problem}</p>}
      <Names words="needs inputs" names={mode.inputs} />
      <Names words="needs data samples" names={mode.data_samples} />
      <Names words="gives" names={mode.outputs} box={`outputs.${lens}`} />
    </section>
  );
}

function Names({ words, names, box }: { words: string; names: string[]; box?: string }) {
  return (
    <div>
      <span>{words}</span>
      {names.length ? (
        names.map((name) => (
          <Button
            key={name}
            look="bare"
            onClick={() => {
              useComposer.getState().select([box ?? name]);
              focusBox(box ?? name);
            }}
          >
            {name}
          </Button>
        ))
      ) : (
        <i>nothing</i>
      )}
    </div>
  );
}
