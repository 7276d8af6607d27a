import "./palette.css";
import { useMemo, useState } from "react";
import { focusBox } from "../canvas/boxes";
import { addPart } from "../canvas/parts";
import { type Entry, entriesOf } from "../logic/entries";
import { rank } from "../logic/rank";
import { useComposer } from "../store";
import { Button } from "../ui/Button";
import { Help, type HelpAt } from "./Help";
import { Item } from "./Item";

/** Folded until they are wanted: most of their types are rare. */
const FOLDED = ["Inputs", "Data samples"];

/** All that can be put on the canvas, by kind, with a search. */
export function Palette() {
  const catalog = useComposer((state) => state.catalog);
  const subgraphs = useComposer((state) => state.view?.subgraphs);
  const [query, setQuery] = useState("");
  const [folded, setFolded] = useState<ReadonlySet<string>>(new Set());
  const [whole, setWhole] = useState<ReadonlySet<string>>(new Set());
  const [help, setHelp] = useState<HelpAt | null>(null);
  const entries = useMemo(() => entriesOf(catalog, subgraphs), [catalog, subgraphs]);
  const found = useMemo(() => rank(query, entries), [query, entries]);
  const groups = useMemo(() => grouped(found), [found]);
  const searching = query.trim() !== "";
  const toggle = (set: ReadonlySet<string>, put: (next: ReadonlySet<string>) => void, name: string) => {
    const next = new Set(set);
    if (!next.delete(name)) next.add(name);
    put(next);
  };
  const add = async (entry: Entry) => {
    setHelp(null);
    const name = await addPart(entry.part);
    if (name) requestAnimationFrame(() => focusBox(name));
  };
  const item = (entry: Entry) => <Item key={entry.id} entry={entry} add={add} help={setHelp} showKind={searching} />;
  return (
    <nav className="composer-palette" aria-label="palette" onMouseLeave={() => setHelp(null)}>
      <div className="composer-palette-search">
        <input
          type="search"
          aria-label="Search the palette"
          placeholder="Search components"
          title="By name, kind or what it does ( / )"
          value={query}
          onChange={(event) => setQuery(event.target.value)}
          onKeyDown={(event) => {
            if (event.key === "Escape") setQuery("");
            if (event.key === "Enter" && found[0] && searching) void add(found[0]);
            if (event.key === "ArrowDown") step(event.currentTarget, 1);
          }}
        />
      </div>
      <div
        className="composer-palette-list"
        onScroll={() => setHelp(null)}
        onKeyDown={(event) => {
          if (event.key === "ArrowDown" || event.key === "ArrowUp") {
            event.preventDefault();
            step(event.target as HTMLElement, event.key === "ArrowDown" ? 1 : -1);
          }
        }}
      >
        {searching && found.map(item)}
        {searching && !found.length && (
          <p className="composer-palette-none">Nothing is called or described like “{query.trim()}”.</p>
        )}
        {!searching &&
          groups.map(([group, members]) => {
            const open = FOLDED.includes(group) ? true : !folded.has(group);
            const few = FOLDED.includes(group) && !whole.has(group);
            const shown = few ? members.filter((entry) => entry.offered) : members;
            return (
              <section key={group}>
                <Button
                  look="bare"
                  className="composer-palette-group"
                  aria-expanded={few ? false : open}
                  onClick={() =>
                    FOLDED.includes(group) ? toggle(whole, setWhole, group) : toggle(folded, setFolded, group)
                  }
                >
                  <span aria-hidden="true">{open && !few ? "▾" : "▸"}</span>
                  {group}
                  <small>{few ? `${shown.length} of ${members.length}` : members.length}</small>
                </Button>
                {open && shown.map(item)}
              </section>
            );
          })}
      </div>
      {help && <Help at={help} />}
    </nav>
  );
}

/** Inputs first: a graph begins with them. */
function grouped(entries: Entry[]): [string, Entry[]][] {
  const groups = new Map<string, Entry[]>();
  for (const name of FOLDED) groups.set(name, []);
  for (const entry of entries) groups.set(entry.group, [...(groups.get(entry.group) ?? []), entry]);
  return [...groups].filter(([, members]) => members.length);
}

/** Bring the keyboard to the next line, or the one before. */
function step(from: HTMLElement, by: 1 | -1): void {
  const palette = from.closest(".composer-palette");
  const lines = [
    ...(palette?.querySelectorAll<HTMLElement>("input, .composer-palette-group, .composer-palette-item") ?? []),
  ];
  lines[lines.indexOf(from) + by]?.focus();
}
