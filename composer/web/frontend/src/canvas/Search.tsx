import { useEffect, useMemo, useState } from "react";
import { type Entry, entriesOf, suggested } from "../logic/entries";
import type { Point } from "../logic/geometry";
import { MODES } from "../logic/operations";
import { rank } from "../logic/rank";
import type { SuggestReply } from "../payloads";
import { useComposer } from "../store";
import { type Choice, Chooser } from "../ui/Chooser";
import { focusBox } from "./boxes";
import { addPart } from "./parts";
import { closePopup, type Popup, useCanvas } from "./state";

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
        words: entry.title ?? entry.name,
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
      close={closePopup}
      at={asked.at}
      label={words}
      title={asked.source || asked.target ? words : undefined}
      query={query}
      setQuery={setQuery}
      choices={choices}
      looking={!fitting}
      none="Nothing fits."
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
      setFitting(suggested(entries, reply?.suggestions ?? []));
    });
    return () => {
      stale = true;
    };
  }, [entries, source, target]);
  return fitting;
}
