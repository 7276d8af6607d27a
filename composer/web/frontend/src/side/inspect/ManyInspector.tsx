import { useState } from "react";
import { align } from "../../canvas/arrange";
import { group, remove } from "../../canvas/commands";
import { counted, exact, magnitude } from "../../logic/format";
import { setValue } from "../../logic/operations";
import type { NodeView } from "../../payloads";
import { useComposer } from "../../store";
import { Button } from "../../ui/Button";
import { Icon } from "../../ui/Icon";
import { TextInput } from "../../ui/TextInput";
import { Toggle } from "../../ui/Toggle";
import { act } from "../edits";
import { Facts } from "./Figures";

const SIDES = [
  ["left", "Left"],
  ["right", "Right"],
  ["top", "Top"],
  ["bottom", "Bottom"],
  ["across", "Distribute across"],
  ["down", "Distribute down"],
] as const;

/** What several selected boxes have in common; wires may be selected with them. */
export function ManyInspector({ nodes, count, wires }: { nodes: NodeView[]; count: number; wires: number }) {
  const [name, setName] = useState("");
  const edit = useComposer((state) => state.edit);
  const real = nodes.filter((node) => node.role === "node" || node.role === "subgraph");
  const sum = (of: (node: NodeView) => number | null) => real.reduce((total, node) => total + (of(node) ?? 0), 0);
  const types = [...new Set(real.map((node) => node.type))];
  const frozen = real.filter((node) => node.frozen).length;
  const names = real.map((node) => node.name);
  return (
    <>
      <div className="composer-heading">
        <h2>
          {[count && counted(count, "box", "boxes"), wires && counted(wires, "wire")].filter(Boolean).join(" and ")}{" "}
          selected
        </h2>
        <p className="composer-soft">
          {types.slice(0, 6).join(", ")}
          {types.length > 6 ? " ..." : ""}
        </p>
      </div>
      <Facts
        rows={[
          ["Parameters", magnitude(sum((node) => node.parameters)), exact(sum((node) => node.parameters))],
          ["FLOPs", magnitude(sum((node) => node.flops)), exact(sum((node) => node.flops))],
        ]}
      />
      {real.length > 0 && (
        <label className="composer-check">
          <Toggle
            checked={frozen === real.length}
            change={(on) =>
              act(on ? "freeze" : "unfreeze", ...names.map((node) => setValue(["nodes", node, "frozen"], on)))
            }
          />
          Frozen
          <span className="composer-soft">
            {frozen && frozen < real.length ? `${frozen} of ${real.length} are` : ""}
          </span>
        </label>
      )}
      <h3>Align</h3>
      <div className="composer-buttons">
        {SIDES.map(([side, words]) => (
          <Button
            key={side}
            small
            disabled={count < (side === "across" || side === "down" ? 3 : 2)}
            onClick={() => void align(side)}
          >
            {words}
          </Button>
        ))}
      </div>
      {real.length > 0 && (
        <>
          <h3>Group</h3>
          <form
            className="composer-heading-row"
            onSubmit={(event) => {
              event.preventDefault();
              if (!name.trim()) return void group();
              void edit([{ op: "group", names, name: name.trim() }], { label: "group" });
            }}
          >
            <TextInput
              placeholder="name of the subgraph"
              aria-label="Name of the subgraph"
              value={name}
              change={setName}
            />
            <Button type="submit">Group</Button>
          </form>
        </>
      )}
      <Button look="danger" className="composer-apart" onClick={() => void remove()}>
        <Icon name="remove" /> Delete
      </Button>
    </>
  );
}
