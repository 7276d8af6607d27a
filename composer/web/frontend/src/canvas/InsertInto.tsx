import { useState } from "react";
import type { Point } from "../logic/geometry";
import { rank } from "../logic/rank";
import type { InsertionsReply, WireView } from "../payloads";
import { useComposer } from "../store";
import { Chooser } from "../ui/Chooser";
import { boxes, focusBox, rectOf } from "./boxes";
import { choiceOf, useOffered } from "./partChoices";
import { insertPart, wireOf } from "./parts";
import { closePopup, useCanvas } from "./state";

const LOOSE = "node:";

/** 'Insert a node ...': what a wire may be led through, nodes that have no wires yet first. */
export function InsertInto({ wire: id }: { wire: string }) {
  const wire = useComposer((state) => state.view?.wires.find((one) => one.id === id));
  const [query, setQuery] = useState("");
  const [loose, setLoose] = useState<string[]>([]);
  const ask = async () => {
    const { ask, document, path } = useComposer.getState();
    const reply = wire && (await ask<InsertionsReply>("insertions", { document, path, ...endsOf(wire) }));
    setLoose(reply?.nodes ?? []);
    return reply?.parts ?? [];
  };
  const { offered, found } = useOffered(ask, query, id);
  if (!wire) return null;
  const nodes = rank(
    query,
    loose.map((name) => ({ name, kind: "on the canvas", text: "it has no wires yet" })),
  );
  const choose = async (chosen: string) => {
    closePopup();
    const entry = found.find((one) => one.id === chosen);
    const made = entry
      ? await insertPart(entry.part, wire, between(wire))
      : await insertNode(chosen.slice(LOOSE.length), wire);
    if (made) requestAnimationFrame(() => focusBox(made));
  };
  const words = `Insert into ${wire.source} → ${wire.node}.${wire.port}`;
  return (
    <Chooser
      close={closePopup}
      at={screenOf(between(wire))}
      label={words}
      title={words}
      query={query}
      setQuery={setQuery}
      choices={[
        ...nodes.map(({ name, kind, text }) => ({ id: LOOSE + name, words: name, detail: kind, hint: text })),
        ...found.map(choiceOf),
      ]}
      looking={!offered}
      none="Nothing fits."
      choose={(chosen) => void choose(chosen)}
    />
  );
}

const endsOf = (wire: WireView) => {
  const { source, target } = wireOf(wire);
  return { source, target };
};

async function insertNode(node: string, wire: WireView): Promise<string | null> {
  const { edit } = useComposer.getState();
  const reply = await edit([{ op: "insert", ...wireOf(wire), node }], { label: "insert", select: [node] });
  return reply ? node : null;
}

/** Where a new box would stand in a wire. */
function between(wire: WireView): Point | undefined {
  const [from, to] = [wire.from_node, wire.node].map((name) => boxes().find((box) => box.id === name));
  if (!from || !to) return undefined;
  const [a, b] = [rectOf(from), rectOf(to)];
  return [(a.x + a.width + b.x) / 2 - 72, (a.y + b.y) / 2];
}

function screenOf(spot: Point | undefined): Point {
  const at = spot && useCanvas.getState().flow?.flowToScreenPosition({ x: spot[0], y: spot[1] });
  return at ? [at.x, at.y] : [240, 160];
}
