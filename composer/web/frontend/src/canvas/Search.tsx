import { useEffect, useMemo, useState } from "react";
import { MODES } from "../operations";
import { type Entry, entriesOf, suggested } from "../palette/entries";
import { rank } from "../palette/rank";
import type { SuggestReply } from "../payloads";
import { useComposer } from "../store";
import { focusBox } from "./boxes";
import { type Choice, Chooser } from "./Chooser";
import { addPart } from "./parts";
import { type Point, type Popup, useCanvas } from "./state";

type Asked = Extract<Popup, { kind: "search" }>;

/** Finds a part and adds it; where a wire waits for it, only parts that fit, and the wire is connected. */
export function Search({ asked }: { asked: Asked }) {
  const catalog = useComposer((state) => state.catalog);
  const subgraphs = useComposer((state) => state.view?.subgraphs);
  const [query, setQuery] = useState("");
  const entries = useMemo(() => entriesOf(catalog, subgraphs), [catalog, subgraphs]);
  const fitting = useFitting(asked, entries);
  const choices = useMemo(() => {
    if (!fitting) return [];
    return rank(query, fitting).map(
      (entry): Choice => ({
        id: entry.id,
        words: entry.name,
        detail: entry.kind,
        hint: (entry.component?.summary ?? entry.text).replaceAll("`", ""),
        colour: entry.colour,
      }),
    );
  }, [fitting, query]);
  const choose = async (id: string) => {
    useCanvas.getState().set({ popup: null });
    const { source, target, spot } = asked;
    if (id.startsWith("output:")) {
      await useComposer
        .getState()
        .edit([{ op: "set-output", mode: MODES.find((mode) => id === `output:${mode}`) ?? null, source }], {
          label: "output",
        });
      return;
    }
    const entry = entries.find((one) => one.id === id);
    if (!entry) return;
    const corner: Point | undefined = spot ? [spot[0] - (target ? 220 : 0), spot[1] - 48] : undefined;
    const name = await addPart(entry.part, corner, { source, target });
    if (name) requestAnimationFrame(() => focusBox(name));
  };
  const words = asked.source
    ? `Where ${asked.source} may go`
    : asked.target
      ? `What may feed ${asked.target.node}.${asked.target.port}`
      : "Add a node";
  return (
    <Chooser
      at={asked.at}
      label={words}
      title={asked.source || asked.target ? words : undefined}
      query={query}
      setQuery={setQuery}
      choices={choices}
      none={fitting ? "Nothing fits." : "Looking for what fits ..."}
      choose={(id) => void choose(id)}
    />
  );
}

/** What can be chosen; null until the server said what fits. */
function useFitting(asked: Asked, entries: Entry[]): Entry[] | null {
  const [fitting, setFitting] = useState<Entry[] | null>(null);
  const { source, target } = asked;
  useEffect(() => {
    if (!source && !target) {
      setFitting(entries);
      return;
    }
    let stale = false;
    const { ask, document, path } = useComposer.getState();
    const end = source ? { source } : { target: `${target?.node}.${target?.port}` };
    void ask<SuggestReply>("suggest", { document, path, ...end }).then((reply) => {
      if (stale) return;
      const found = suggested(entries, reply?.suggestions ?? []);
      setFitting(source ? [...found, ...outputEntries()] : [...inputEntries(entries, asked), ...found]);
    });
    return () => {
      stale = true;
    };
  }, [asked, entries, source, target]);
  return fitting;
}

/** A wire may end in the outputs of a mode. */
function outputEntries(): Entry[] {
  const modes = useComposer.getState().path.length ? [null] : MODES;
  return modes.map((mode) => ({
    id: `output:${mode ?? ""}`,
    part: { kind: "component", type: "" },
    name: mode ? `Output of ${mode} mode` : "Output of the subgraph",
    kind: "output",
    text: "gives it out under a name",
    group: "",
    colour: "var(--kind-output)",
    component: null,
  }));
}

/** A port may be fed by a new input of its own type. */
function inputEntries(entries: Entry[], { target }: Asked): Entry[] {
  const node = useComposer.getState().view?.nodes.find((one) => one.name === target?.node);
  const type = node?.inputs.find((port) => port.name === target?.port)?.type;
  return entries
    .filter((entry) => entry.part.kind === "input" && entry.part.type === type)
    .map((entry) => ({
      ...entry,
      name: entry.kind === "input" ? `New input, ${entry.name}` : `New data sample, ${entry.name}`,
    }));
}
