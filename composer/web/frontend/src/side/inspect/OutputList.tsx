import type { Mode } from "../../logic/operations";
import type { OutputView } from "../../payloads";
import { useComposer } from "../../store";
import { IconButton } from "../../ui/Button";
import { act, change } from "../edits";
import { TextLine } from "../form/TextLine";
import { ConnectButton } from "./ConnectButton";

/** The outputs of a mode (null: of a subgraph): rename, wire anew, remove, add. */
export function OutputList({ mode, output }: { mode: Mode | null; output: OutputView | undefined }) {
  const box = mode ? `outputs.${mode}` : "outputs";
  const wires = useComposer((state) => state.view?.wires) ?? [];
  const words = mode ? `${mode} mode` : "the subgraph";
  return (
    <div className="composer-outputs" role="group" aria-label={`Outputs of ${words}`}>
      {output?.ports.map((port) => {
        const mine = wires.filter((wire) => wire.node === box && wire.port === port.name);
        return (
          <div key={port.name} className="composer-output">
            <div className="composer-heading-row">
              <span className="composer-port-dot" style={{ background: `var(--port-${port.colour || "any"})` }} />
              <TextLine
                label={`Name of output ${port.name}`}
                hideLabel
                value={port.name}
                commit={(rename) =>
                  change(`rename output ${port.name}`, {
                    op: "set-output",
                    mode,
                    name: port.name,
                    rename: String(rename).trim(),
                  })
                }
              />
              <ConnectButton
                end={`${box}.${port.name}`}
                from="target"
                words="Rewire"
                label={`Connect output ${port.name} to ...`}
                connect={(source) => act("rewire output", { op: "set-output", mode, name: port.name, source })}
              />
              <IconButton
                icon="remove"
                label={`Remove output ${port.name}`}
                small
                title="Remove"
                onClick={() => act(`remove output ${port.name}`, { op: "remove-output", mode, name: port.name })}
              />
            </div>
            <div className="composer-output-source composer-mono composer-soft">
              {mine.map((wire) => `← ${wire.source}${wire.modes ? ` (${wire.modes.join(", ")})` : ""}`).join("  ") ||
                "no wire"}
              {port.size && <span className="composer-size">{port.size}</span>}
            </div>
          </div>
        );
      })}
      <ConnectButton
        end={`${box}.+`}
        from="target"
        words={output?.ports.length ? "Add an output" : `Add an output for ${words}`}
        label={`Add an output for ${words}`}
        connect={(source) => act("add output", { op: "set-output", mode, source })}
      />
    </div>
  );
}
