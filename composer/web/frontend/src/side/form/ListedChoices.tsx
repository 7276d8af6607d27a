import { useCallback, useEffect, useMemo, useRef, useState } from "react";
import { type Findable, rank } from "../../logic/rank";
import type { ChoicesReply } from "../../payloads";
import { useComposer } from "../../store";
import { IconButton } from "../../ui/Button";
import { Chooser } from "../../ui/Chooser";
import type { Commit } from "./TextControl";

interface Props {
  type: string;
  parameter: string;
  choose: Commit;
}

type Listed = Findable & { detail: string; hint: string };

/** How many lines a list shows at most: more are found by typing. */
const MOST = 80;
const WIDTH = 460;

/** A button that opens the values that are offered for a parameter, in a list with a search. */
export function ListedChoices({ type, parameter, choose }: Props) {
  const [open, setOpen] = useState(false);
  const button = useRef<HTMLButtonElement>(null);
  const area = button.current?.getBoundingClientRect();
  const close = useCallback(() => {
    setOpen(false);
    button.current?.focus();
  }, []);
  return (
    <>
      <IconButton
        ref={button}
        icon="search"
        label={`Search ${parameter}`}
        small
        aria-haspopup="dialog"
        title="Search the list"
        onClick={() => setOpen(true)}
      />
      {open && (
        <Values
          type={type}
          parameter={parameter}
          at={[(area?.right ?? 0) - WIDTH, (area?.bottom ?? 0) + 4]}
          close={close}
          choose={(value) => {
            close();
            void choose(value);
          }}
        />
      )}
    </>
  );
}

function Values({
  type,
  parameter,
  at,
  choose,
  close,
}: Omit<Props, "choose"> & { at: [number, number]; choose: (value: string) => void; close: () => void }) {
  const [query, setQuery] = useState("");
  const [listed, setListed] = useState<Listed[] | null>(null);
  useEffect(() => {
    let stale = false;
    const { ask } = useComposer.getState();
    void ask<ChoicesReply>("choices", { type, parameter }).then((reply) => {
      if (stale) return;
      const choices = reply?.choices ?? [];
      setListed(choices.map(({ value, detail, hint }) => ({ name: value, kind: "", text: detail, detail, hint })));
    });
    return () => {
      stale = true;
    };
  }, [type, parameter]);
  useEffect(() => {
    const outside = (event: PointerEvent) => {
      if (!(event.target instanceof Element) || !event.target.closest(".composer-chooser")) close();
    };
    document.addEventListener("pointerdown", outside, true);
    return () => document.removeEventListener("pointerdown", outside, true);
  }, [close]);
  const found = useMemo(() => rank(query, listed ?? []), [query, listed]);
  const more = found.length > MOST ? ": type to find the others" : "";
  return (
    <Chooser
      at={at}
      label={`Search ${parameter}`}
      title={listed ? `${found.length} of ${listed.length}${more}` : "Looking them up ..."}
      query={query}
      setQuery={setQuery}
      choices={found
        .slice(0, MOST)
        .map(({ name, detail, hint }) => ({ id: name, words: name, detail, hint: hint || detail }))}
      none={listed ? "Nothing is called so." : "Looking them up ..."}
      choose={choose}
      close={close}
      width={WIDTH}
    />
  );
}
