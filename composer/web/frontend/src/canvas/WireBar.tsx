import { MODES, type Mode } from "../logic/operations";
import type { WireView } from "../payloads";
import { keysOf } from "../shortcuts";
import { useComposer } from "../store";
import { Button } from "../ui/Button";
import { useCanvas } from "./state";
import { canServeModes, removeWire, serving } from "./wiring";

/** What can be done to the selected wire: the modes that it serves, and deleting it. */
export function WireBar({ wire }: { wire: WireView }) {
  const serves = wire.modes ?? MODES;
  const toggle = (mode: Mode) => {
    const modes = MODES.filter((one) => (one === mode) !== serves.includes(one));
    const operation = serving(wire, modes);
    const { edit, selection, notify, select } = useComposer.getState();
    if (!operation) return notify("info", "A wire serves at least one mode; delete it to take it away.");
    void edit([operation], { label: "wire modes" }).then((reply) => {
      const found = reply?.view?.wires.find(
        (one) => one.node === wire.node && one.port === wire.port && one.source === wire.source,
      );
      if (found) select(selection, found.id);
    });
  };
  return (
    <div
      role="toolbar"
      aria-label="wire"
      onKeyDown={(event) => {
        if (event.key === "Escape") useCanvas.getState().root?.focus();
      }}
    >
      {canServeModes(wire) &&
        MODES.map((mode) => (
          <Button
            key={mode}
            look="bare"
            aria-pressed={serves.includes(mode)}
            title={
              serves.includes(mode)
                ? `It serves ${mode} mode; click to leave that out`
                : `It does not serve ${mode} mode; click to add it`
            }
            onClick={() => toggle(mode)}
          >
            {mode}
          </Button>
        ))}
      <Button
        look="bare"
        className="composer-wirebar-delete"
        title={`Delete the wire (${keysOf("delete")})`}
        aria-label="delete the wire"
        onClick={() => void removeWire(wire)}
      >
        ✕
      </Button>
    </div>
  );
}
