import { useState } from "react";
import type { ReplacementsReply } from "../payloads";
import { useComposer } from "../store";
import { Chooser } from "../ui/Chooser";
import { elementOf, focusBox } from "./boxes";
import { choiceOf, useOffered } from "./partChoices";
import { replaceNode } from "./parts";
import { closePopup, useCanvas } from "./state";

/** 'Replace with ...': what may take the place of a node, what fits best first. */
export function ReplaceWith({ node }: { node: string }) {
  const [query, setQuery] = useState("");
  const { offered, found } = useOffered(() => replacements(node), query, node);
  const area = (elementOf(node) ?? useCanvas.getState().root)?.getBoundingClientRect();
  const choose = async (id: string) => {
    const entry = found.find((one) => one.id === id);
    closePopup();
    if (entry && (await replaceNode(node, entry.part))) requestAnimationFrame(() => focusBox(node));
  };
  return (
    <Chooser
      close={closePopup}
      at={[area?.left ?? 240, (area?.bottom ?? 160) + 4]}
      label={`Replace ${node} with ...`}
      title={`Replace ${node} with ...`}
      query={query}
      setQuery={setQuery}
      choices={found.map(choiceOf)}
      looking={!offered}
      none="Nothing is called or described so."
      choose={(id) => void choose(id)}
    />
  );
}

async function replacements(node: string) {
  const { ask, document, path } = useComposer.getState();
  return (await ask<ReplacementsReply>("replacements", { document, path, node }))?.parts ?? [];
}
