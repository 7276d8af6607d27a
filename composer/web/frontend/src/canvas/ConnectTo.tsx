import { useEffect, useMemo, useState } from "react";
import type { Part } from "../logic/entries";
import { rank } from "../logic/rank";
import { isInput } from "../logic/rows";
import type { FitsReply, NodeView, SuggestReply } from "../payloads";
import { useComposer } from "../store";
import { type Choice, Chooser } from "../ui/Chooser";
import { elementOf, focusBox } from "./boxes";
import { addPart } from "./parts";
import { closePopup, useCanvas } from "./state";
import { connect, held, targetOf, worded } from "./wiring";

interface Props {
  /** The box that is wired. */
  node: string;
  /** One port of it, by its end (`neck.feature`, `backbone.out`); all of them where it is left out. */
  end?: string;
  close?: () => void;
}

interface Wirable {
  id: string;
  name: string;
  kind: string;
  text: string;
  source: string;
  target: string;
  colour: string;
  /** Whether it is what mostly goes there. */
  meant: boolean;
  /** What is added for the wire. */
  part?: Part;
}

/** 'Connect to ...': every wire that a box may have, to choose one by name; wires without a mouse. */
export function ConnectTo({ node, end, close }: Props) {
  const [query, setQuery] = useState("");
  const wires = useWirable(node, end);
  const found = useMemo(() => rank(query, wires ?? []), [wires, query]);
  const choices = found.map(
    (wire): Choice => ({ id: wire.id, words: wire.name, detail: wire.kind, colour: wire.colour }),
  );
  const shut = close ?? closePopup;
  const area = (elementOf(node) ?? useCanvas.getState().root)?.getBoundingClientRect();
  const choose = async (id: string) => {
    const wire = found.find((one) => one.id === id);
    shut();
    focusBox(node); // at once: the next key may come before the wire is drawn
    if (wire?.part) await addPart(wire.part, undefined, { target: targetOf(wire.target) });
    else if (wire) await connect(wire.source, wire.target);
  };
  return (
    <Chooser
      at={[area?.left ?? 240, (area?.bottom ?? 160) + 4]}
      label={`Connect ${end ?? node} to ...`}
      title={`Connect ${end ?? node} to ...`}
      query={query}
      setQuery={setQuery}
      choices={choices}
      looking={!wires}
      none="Nothing fits."
      choose={(id) => void choose(id)}
      close={shut}
    />
  );
}

function useWirable(name: string, end?: string): Wirable[] | null {
  const [wires, setWires] = useState<Wirable[] | null>(null);
  useEffect(() => {
    let stale = false;
    void wirable(name, end).then((found) => !stale && setWires(found));
    return () => {
      stale = true;
    };
  }, [name, end]);
  return wires;
}

async function wirable(name: string, end?: string): Promise<Wirable[]> {
  const { view, document, path, ask } = useComposer.getState();
  const node = view?.nodes.find((one) => one.name === name);
  const outputs = view?.outputs.find((one) => (one.mode ? `outputs.${one.mode}` : "outputs") === name);
  const sources = node ? sourcesOf(node) : [];
  const targets = node ? node.inputs.map((port) => `${name}.${port.name}`) : outputs ? [`${name}.+`] : [];
  const wanted = (one: string) => !end || one === end || one.startsWith(`${end}[`);
  const colours = new Map(node?.outputs.map((port) => [port.name, port.colour]));
  const asked = [
    ...sources.filter(wanted).map((source) => ({ source })),
    ...targets.filter(wanted).map((target) => ({ target })),
  ];
  const replies = await Promise.all(asked.map((one) => ask<FitsReply>("fits", { document, path, ...one })));
  const fresh = end && targets.includes(end) ? await freshInputs(end, name) : [];
  const found = replies.flatMap((reply, at) => {
    const one = asked[at];
    if (!reply || !one) return [];
    return reply.fits
      .filter((fit) => fit.reason === null)
      .map((fit): Wirable => {
        const source = "source" in one ? one.source : fit.end;
        const target = "source" in one ? fit.end : one.target;
        const mine = "source" in one ? one.source : one.target;
        const words = `${short(mine, name)} ${"source" in one ? "→" : "←"} ${worded(fit.end)}`;
        const port = source.slice(source.indexOf(".") + 1).replace(/\[.*$/, "");
        return {
          id: `${source} ${target}`,
          name: words,
          kind: held(target) && `now ${held(target)}`,
          text: fit.end,
          source,
          target,
          colour: `var(--port-${colours.get(port) || "any"})`,
          meant: fit.meant ?? false,
        };
      });
  });
  const there = new Set(view?.wires.map((wire) => `${wire.source} ${wire.node}.${wire.port}`));
  const others = found.filter((wire) => !there.has(wire.id));
  others.sort((a, b) => Number(a.kind !== "") - Number(b.kind !== ""));
  return [...others.filter(({ meant }) => meant), ...fresh, ...others.filter(({ meant }) => !meant)];
}

/** New inputs that a port mostly has: those that the server puts before everything else. */
async function freshInputs(end: string, name: string): Promise<Wirable[]> {
  const { document, path, ask, catalog } = useComposer.getState();
  const reply = await ask<SuggestReply>("suggest", { document, path, target: end });
  const suggestions = reply?.suggestions ?? [];
  const others = suggestions.findIndex(({ section }) => !section);
  return suggestions.slice(0, others < 0 ? suggestions.length : others).flatMap(({ section, type }) => {
    if (!section || !type) return [];
    const what = section === "inputs" ? "new input" : "new data sample";
    return {
      id: `new ${section} ${type}`,
      name: `${short(end, name)} ← ${what}, ${type}`,
      kind: "",
      text: what,
      source: "",
      target: end,
      colour: `var(--port-${catalog?.port_types.find((one) => one.name === type)?.colour ?? "any"})`,
      meant: true,
      part: { kind: "input", section, type },
    };
  });
}

const short = (end: string, node: string): string => (end.startsWith(`${node}.`) ? end.slice(node.length + 1) : end);

function sourcesOf(node: NodeView): string[] {
  if (isInput(node)) return [node.name];
  return node.outputs.flatMap((port) => {
    const end = `${node.name}.${port.name}`;
    return port.sequence ? [end, ...(port.levels ?? []).map((_, level) => `${end}[${level}]`)] : [end];
  });
}
