import { type FormEvent, type KeyboardEvent, useEffect, useRef, useState } from "react";
import type { FileEntry } from "../payloads";
import { Button, IconButton } from "../ui/Button";
import { TextInput } from "../ui/TextInput";
import { Card } from "./Card";
import { type Deleted, deleteFile, renameFile } from "./workspace";

interface Props {
  entry: FileEntry;
  onOpen: () => void;
  onDeleted: (deleted: Deleted) => void;
  onRenamed: (name: string) => void;
  /** Whether it takes the focus when it appears: it was just renamed. */
  focused: boolean;
}

/** A graph of one's own in the gallery, which can be renamed (F2) and deleted (Delete). */
export function OwnCard({ entry, onOpen, onDeleted, onRenamed, focused }: Props) {
  const [doing, setDoing] = useState<"rename" | "delete" | null>(null);
  const [reason, setReason] = useState<string | null>(null);
  const holder = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (focused) holder.current?.querySelector<HTMLElement>(".composer-card")?.focus();
  }, [focused]);
  const back = () => {
    setDoing(null);
    setReason(null);
    requestAnimationFrame(() => holder.current?.querySelector<HTMLElement>(".composer-card")?.focus());
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (doing && event.key === "Escape") {
      event.stopPropagation();
      back();
    }
    if (doing || !(event.target instanceof HTMLElement) || !event.target.matches(".composer-card")) return;
    if (event.key === "F2") setDoing("rename");
    else if (event.key === "Delete") setDoing("delete");
    else return;
    event.preventDefault();
  };
  const remove = async () => {
    const done = await deleteFile(entry.name);
    if (typeof done === "string") setReason(done);
    else onDeleted(done);
  };
  const rename = async (to: string) => {
    if (to === entry.name) return back();
    const done = await renameFile(entry.name, to);
    if ("reason" in done) return setReason(done.reason);
    back();
    onRenamed(done.name);
  };
  return (
    <div ref={holder} className="composer-own" onKeyDown={onKeyDown}>
      {doing === null && (
        <>
          <Card entry={entry} onOpen={onOpen} />
          <div className="composer-own-tools">
            <Tool words={`Rename ${entry.name} (F2)`} icon="rename" onClick={() => setDoing("rename")} />
            <Tool words={`Delete ${entry.name} (Delete)`} icon="remove" onClick={() => setDoing("delete")} />
          </div>
        </>
      )}
      {doing === "rename" && <Rename entry={entry} reason={reason} onRename={rename} onCancel={back} />}
      {doing === "delete" && <Ask entry={entry} reason={reason} onDelete={remove} onCancel={back} />}
    </div>
  );
}

function Tool({ words, icon, onClick }: { words: string; icon: "rename" | "remove"; onClick: () => void }) {
  return <IconButton icon={icon} label={words} small onClick={onClick} />;
}

interface RenameProps {
  entry: FileEntry;
  reason: string | null;
  onRename: (to: string) => Promise<void>;
  onCancel: () => void;
}

function Rename({ entry, reason, onRename, onCancel }: RenameProps) {
  const field = useRef<HTMLInputElement>(null);
  useEffect(() => {
    field.current?.focus();
    field.current?.select();
  }, []);
  const onSubmit = (event: FormEvent) => {
    event.preventDefault();
    const stem = (field.current?.value ?? "").trim().replace(/\.ya?ml$/, "");
    void onRename(`${stem}.yaml`);
  };
  return (
    <form className="composer-card is-asking" onSubmit={onSubmit}>
      <label>
        New name of <b className="composer-mono">{entry.name}</b>
        <TextInput
          ref={field}
          code
          defaultValue={entry.name.replace(/\.yaml$/, "")}
          spellCheck={false}
          autoComplete="off"
          aria-invalid={reason !== null}
        />
      </label>
      {reason && (
        <span className="composer-reason" role="alert">
          {reason}
        </span>
      )}
      <span className="composer-own-answers">
        <Button small onClick={onCancel}>
          Cancel
        </Button>
        <Button look="main" small type="submit">
          Rename
        </Button>
      </span>
    </form>
  );
}

interface AskProps {
  entry: FileEntry;
  reason: string | null;
  onDelete: () => Promise<void>;
  onCancel: () => void;
}

function Ask({ entry, reason, onDelete, onCancel }: AskProps) {
  const cancel = useRef<HTMLButtonElement>(null);
  useEffect(() => {
    cancel.current?.focus();
  }, []);
  return (
    <div className="composer-card is-asking" role="group" aria-label={`Delete ${entry.name}?`}>
      <span>
        Delete <b className="composer-mono">{entry.name}</b>
        {entry.has_weights ? " and the weights beside it" : ""}? It goes to the trash of the folder.
      </span>
      {reason && (
        <span className="composer-reason" role="alert">
          {reason}
        </span>
      )}
      <span className="composer-own-answers">
        <Button ref={cancel} small onClick={onCancel}>
          Cancel
        </Button>
        <Button look="danger" small onClick={() => void onDelete()}>
          Delete
        </Button>
      </span>
    </div>
  );
}
