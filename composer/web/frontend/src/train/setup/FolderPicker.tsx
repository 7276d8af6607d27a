import { type KeyboardEvent, useEffect, useRef, useState } from "react";
import { Refusal } from "../../bridge";
import { counted } from "../../logic/format";
import type { FolderEntry, FoldersReply } from "../../payloads";
import { Button } from "../../ui/Button";
import { Icon } from "../../ui/Icon";
import { askSetup } from "../ask";

interface Props {
  start: string;
  choose: (path: string) => void;
  close: () => void;
}

/** Folders of the workspace, one opened at a time; those that hold samples say so. */
export function FolderPicker({ start, choose, close }: Props) {
  const [path, setPath] = useState(start);
  const [found, setFound] = useState<FoldersReply | null>(null);
  const [refused, setRefused] = useState("");
  const list = useRef<HTMLUListElement>(null);
  useEffect(() => {
    let wanted = true;
    askSetup<FoldersReply>("folders", { path })
      .then((reply) => {
        if (!wanted) return;
        setFound(reply);
        setRefused("");
      })
      .catch((error: unknown) => {
        if (!(error instanceof Refusal)) throw error;
        if (!wanted) return;
        setRefused(error.message);
        if (path) setPath("");
      });
    return () => {
      wanted = false;
    };
  }, [path]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: each folder begins at its first entry
  useEffect(() => {
    list.current?.querySelector("button")?.focus({ preventScroll: true });
  }, [found?.own.path]);
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === "Escape") {
      event.stopPropagation();
      return close();
    }
    const items = [...(list.current?.querySelectorAll<HTMLElement>("[data-entry]") ?? [])];
    const now = items.indexOf(document.activeElement as HTMLElement);
    const goal = { ArrowDown: now + 1, ArrowUp: now - 1, Home: 0, End: items.length - 1 }[event.key];
    if (event.key === "ArrowLeft" || (event.key === "Backspace" && path)) setPath(parentOf(path));
    else if (goal === undefined || now < 0) return;
    else items[Math.max(0, Math.min(goal, items.length - 1))]?.focus();
    event.preventDefault();
    event.stopPropagation();
  };
  const parts = path ? path.split("/") : [];
  const own = found?.own;
  return (
    <div className="setup-picker" onKeyDown={onKeyDown}>
      <nav className="setup-crumbs" aria-label="Folder">
        <Button look="link" title={found?.workspace} onClick={() => setPath("")}>
          workspace
        </Button>
        {parts.map((part, place) => (
          <span key={parts.slice(0, place + 1).join("/")}>
            <i aria-hidden="true">/</i>
            <Button look="link" onClick={() => setPath(parts.slice(0, place + 1).join("/"))}>
              {part}
            </Button>
          </span>
        ))}
        <Button look="quiet" small className="setup-away" onClick={close}>
          Cancel
        </Button>
      </nav>
      {refused && (
        <p className="composer-reason" role="alert">
          {refused}
        </p>
      )}
      {own?.format && path && (
        <Button look="main" className="setup-take" onClick={() => choose(path)}>
          Use this folder <span className="setup-about">{own.format}</span>
        </Button>
      )}
      <ul ref={list} aria-label="Folders">
        {found?.entries.map((entry) => (
          <Entry
            key={entry.path}
            entry={entry}
            open={() => (entry.folder ? setPath(entry.path) : choose(entry.path))}
            choose={() => choose(entry.path)}
          />
        ))}
      </ul>
      {found && !found.entries.length && (
        <p className="setup-hint">
          {path ? "There are no folders in here." : "There is no folder in the workspace yet."} Copy one to{" "}
          <code className="composer-mono">{found.workspace}</code>, with one folder of images for each class, or upload
          a zip.
        </p>
      )}
      {!!found?.more && <p className="setup-hint">{counted(found.more, "more entry", "more entries")} not shown.</p>}
    </div>
  );
}

const parentOf = (path: string): string => path.split("/").slice(0, -1).join("/");

function Entry({ entry, open, choose }: { entry: FolderEntry; open: () => void; choose: () => void }) {
  return (
    <li>
      <Button look="bare" data-entry className="setup-entry" title={entry.path} onClick={open}>
        <Icon name={entry.folder ? "open" : "file"} />
        <span className="setup-name">{entry.name}</span>
        {entry.format && (
          <span className="composer-chip" title={entry.about}>
            {entry.format}
          </span>
        )}
      </Button>
      {entry.format && entry.folder && (
        <Button
          small
          aria-label={`Use ${entry.name}`}
          title={`Train on ${entry.path}: ${entry.about}`}
          onClick={choose}
        >
          Use
        </Button>
      )}
    </li>
  );
}
