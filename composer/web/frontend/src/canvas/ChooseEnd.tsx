import { useMemo, useState } from "react";
import { rank } from "../logic/rank";
import { Chooser } from "../ui/Chooser";
import type { Popup } from "./state";
import { closePopup } from "./state";
import { worded } from "./wiring";

/** A wire was let go on a box of which several ports fit equally: which of them is meant? */
export function ChooseEnd({ asked }: { asked: Extract<Popup, { kind: "ends" }> }) {
  const [query, setQuery] = useState("");
  const ends = useMemo(() => asked.ends.map((end) => ({ end, name: worded(end), kind: "", text: "" })), [asked]);
  const found = useMemo(() => rank(query, ends), [query, ends]);
  return (
    <Chooser
      close={closePopup}
      at={asked.at}
      label={asked.title}
      title={`${asked.title} several ports: choose one`}
      query={query}
      setQuery={setQuery}
      choices={found.map(({ end, name }) => ({ id: end, words: name }))}
      none="Nothing is called so."
      choose={(end) => {
        closePopup();
        asked.take(end);
      }}
    />
  );
}
