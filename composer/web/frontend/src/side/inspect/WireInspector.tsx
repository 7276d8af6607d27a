import { openInsert } from "../../canvas/commands";
import { canServeModes, disconnecting, serving } from "../../canvas/wiring";
import { centre } from "../../goTo";
import { MODES, type Mode } from "../../logic/operations";
import type { WireView } from "../../payloads";
import { keysOf } from "../../shortcuts";
import { useComposer } from "../../store";
import { Button } from "../../ui/Button";
import { Icon } from "../../ui/Icon";
import { Toggle } from "../../ui/Toggle";
import { act } from "../edits";
import { Facts } from "./Figures";

/** A wire: where it leads, what it carries, and which modes it serves. */
export function WireInspector({ wire }: { wire: WireView }) {
  const { edit, select } = useComposer.getState();
  const served = wire.modes ?? MODES;
  const toggle = async (mode: Mode) => {
    const operation = serving(
      wire,
      served.includes(mode)
        ? served.filter((one) => one !== mode)
        : MODES.filter((one) => one === mode || served.includes(one)),
    );
    if (operation) await edit([operation], { label: "modes of a wire" });
  };
  const remove = () => {
    act("disconnect", disconnecting(wire));
    select([]);
  };
  return (
    <>
      <div className="composer-heading">
        <div className="composer-heading-row">
          <h2>Wire</h2>
          <span className="composer-gap" />
          <Button small title={keysOf("insert")} onClick={openInsert}>
            Insert a node ...
          </Button>
          <Button small onClick={remove}>
            <Icon name="unlink" /> Disconnect
          </Button>
        </div>
      </div>
      <dl className="composer-facts">
        <div>
          <dt>From</dt>
          <dd>
            <Button look="link" className="composer-mono" onClick={() => centre(wire.from_node)}>
              {wire.source}
            </Button>
          </dd>
        </div>
        <div>
          <dt>To</dt>
          <dd>
            <Button look="link" className="composer-mono" onClick={() => centre(wire.node)}>
              {wire.node}.{wire.port}
            </Button>
          </dd>
        </div>
      </dl>
      <Facts
        rows={[
          ["Carries", wire.size ?? "not known", "sizes from the batch on"],
          ["Run in", wire.runs.join(", ") || "no mode", "modes whose outputs need it"],
        ]}
      />
      {canServeModes(wire) && (
        <fieldset className="composer-modes">
          <legend>Serves</legend>
          {MODES.map((mode) => (
            <label key={mode} className="composer-check">
              <Toggle
                box
                checked={served.includes(mode)}
                disabled={served.length === 1 && served[0] === mode}
                change={() => toggle(mode)}
              />
              {mode}
            </label>
          ))}
          <p className="composer-soft">In the other modes the port is free for another wire.</p>
        </fieldset>
      )}
    </>
  );
}
