import { type KeyboardEvent, type ReactNode, useCallback, useEffect, useRef, useState } from "react";
import type { FileEntry, WorkspaceView } from "../payloads";
import { useComposer } from "../store";
import { Button } from "../ui/Button";
import { Icon } from "../ui/Icon";
import { Modal } from "../ui/Modal";
import { TextInput } from "../ui/TextInput";
import { Card } from "./Card";
import { newGraph, openFile, uploadOne, useFiles } from "./files";
import { OwnCard } from "./OwnCard";
import { type Deleted, restoreFile } from "./workspace";

const words = (entry: FileEntry) =>
  `${entry.title} ${entry.name} ${entry.about} ${entry.modes.join(" ")}`.toLowerCase();

/** The graphs that can be opened, with drawings: one's own files and those that come with composer. */
export function Gallery() {
  const { ask, set } = useComposer.getState();
  const [workspace, setWorkspace] = useState<WorkspaceView | null>(null);
  const [search, setSearch] = useState("");
  const list = useRef<HTMLDivElement>(null);
  const chooser = useRef<HTMLInputElement>(null);
  const [deleted, setDeleted] = useState<Deleted | null>(null);
  const [renamed, setRenamed] = useState<string | null>(null);
  const lost = useFiles((state) => state.lost.length);
  const look = useCallback(() => ask<WorkspaceView>("workspace", {}).then(setWorkspace), [ask]);
  useEffect(() => void look(), [look]);

  const wanted = search.toLowerCase().split(/\s+/).filter(Boolean);
  const found = (workspace?.entries ?? []).filter((entry) => wanted.every((word) => words(entry).includes(word)));
  const mine = found.filter((entry) => entry.place === "workspace");
  const shipped = found.filter((entry) => entry.place === "shipped");

  const onKeyDown = (event: KeyboardEvent) => {
    const cards = [...(list.current?.querySelectorAll<HTMLElement>("button.composer-card") ?? [])];
    const next = neighbour(cards, document.activeElement, event.key);
    if (!next || event.defaultPrevented) return;
    event.preventDefault();
    next.focus();
  };

  return (
    <Modal title="Open a graph" size="wide" onClose={() => set({ dialog: null })}>
      <div className="composer-gallery" onKeyDown={onKeyDown}>
        <div className="composer-gallery-head">
          <div className="composer-search">
            <Icon name="search" />
            <TextInput
              data-first
              type="search"
              placeholder="Search by name, text or mode"
              aria-label="Search graphs"
              value={search}
              change={setSearch}
            />
          </div>
          {lost > 0 && <Button onClick={() => set({ dialog: "recovery" })}>Unsaved work ({lost})</Button>}
          <Button onClick={() => chooser.current?.click()}>
            <Icon name="upload" /> Upload a file
          </Button>
          <input
            ref={chooser}
            type="file"
            hidden
            accept=".yaml,.yml,.py,.json,.pt2"
            onChange={(event) => event.target.files && void uploadOne([...event.target.files])}
          />
        </div>
        <div className="composer-gallery-list" ref={list}>
          <h3>Start new</h3>
          <div className="composer-cards">
            <Button look="bare" className="composer-card is-blank" onClick={newGraph}>
              <Icon name="plus" />
              <b>Empty graph</b>
              <span className="composer-soft">Drag parts from the palette</span>
            </Button>
          </div>
          <Section
            title="Your files"
            about={workspace?.folder ?? ""}
            entries={mine}
            empty={workspace && !search ? "Nothing is saved here yet. What you save appears here." : ""}
            note={
              deleted && (
                <DeletedNote
                  deleted={deleted}
                  onUndo={() =>
                    void restoreFile(deleted).then((reason) => {
                      setDeleted(reason ? { ...deleted, reason } : null);
                      void look();
                    })
                  }
                />
              )
            }
            card={(entry) => (
              <OwnCard
                key={entry.name}
                entry={entry}
                onOpen={() => openFile(entry)}
                onDeleted={(gone) => {
                  setDeleted(gone);
                  void look();
                }}
                focused={entry.name === renamed}
                onRenamed={(name) => {
                  setRenamed(name);
                  void look();
                }}
              />
            )}
          />
          <Section
            title="Templates"
            about="These come with composer; saving one asks for a name"
            entries={shipped}
            empty=""
            card={(entry) => <Card key={entry.name} entry={entry} onOpen={() => openFile(entry)} />}
          />
          {workspace && search && !found.length && (
            <p className="composer-soft">No graph has “{search}” in its name or text.</p>
          )}
        </div>
      </div>
    </Modal>
  );
}

function Section({
  title,
  about,
  entries,
  empty,
  card,
  note,
}: {
  title: string;
  about: string;
  entries: FileEntry[];
  empty: string | null;
  card: (entry: FileEntry) => ReactNode;
  note?: ReactNode;
}) {
  if (!entries.length && !empty && !note) return null;
  return (
    <section aria-label={title}>
      <h3>
        {title} <span className="composer-soft">{about}</span>
      </h3>
      {note}
      {entries.length ? (
        <div className="composer-cards">{entries.map(card)}</div>
      ) : (
        <p className="composer-soft">{empty}</p>
      )}
    </section>
  );
}

/** Says what was deleted, and takes it back. */
function DeletedNote({ deleted, onUndo }: { deleted: Deleted; onUndo: () => void }) {
  const undo = useRef<HTMLButtonElement>(null);
  useEffect(() => {
    undo.current?.focus();
  }, []);
  return (
    <p className="composer-deleted" role="status">
      <span>
        <b className="composer-mono">{deleted.name}</b> was deleted; it lies in{" "}
        <span className="composer-mono">{deleted.folder}</span>.
        {deleted.reason && <span className="composer-reason"> {deleted.reason}</span>}
      </span>
      <Button ref={undo} small onClick={onUndo}>
        Undo
      </Button>
    </p>
  );
}

/** The card that an arrow key leads to; from the search field, the first one. */
function neighbour(cards: HTMLElement[], at: Element | null, key: string): HTMLElement | undefined {
  const here = cards.indexOf(at as HTMLElement);
  const box = cards[here]?.getBoundingClientRect();
  if (!box) return key === "ArrowDown" && at instanceof HTMLInputElement ? cards[0] : undefined;
  if (key === "ArrowRight") return cards[here + 1];
  if (key === "ArrowLeft") return cards[here - 1];
  if (key !== "ArrowDown" && key !== "ArrowUp") return undefined;
  const down = key === "ArrowDown";
  const ahead = (down ? cards.slice(here + 1) : cards.slice(0, here).reverse()).filter((card) => {
    const other = card.getBoundingClientRect();
    return down ? other.top >= box.bottom : other.bottom <= box.top;
  });
  const row = ahead[0]?.getBoundingClientRect().top;
  const inRow = ahead.filter((card) => Math.abs(card.getBoundingClientRect().top - (row ?? 0)) < 4);
  return inRow.sort(
    (one, other) =>
      Math.abs(one.getBoundingClientRect().left - box.left) - Math.abs(other.getBoundingClientRect().left - box.left),
  )[0];
}
