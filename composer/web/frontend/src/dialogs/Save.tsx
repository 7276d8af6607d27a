import { type FormEvent, useEffect, useId, useLayoutEffect, useRef, useState } from "react";
import type { WorkspaceView } from "../payloads";
import { useComposer } from "../store";
import { Button } from "../ui/Button";
import { Modal } from "../ui/Modal";
import { TextInput } from "../ui/TextInput";
import { cancel, proposedName, store, useFiles } from "./files";

const stem = (name: string): string => name.replace(/\.ya?ml$/, "");

/** Asks for the name to save under, and says what that would replace. */
export function Save() {
  const { ask, file } = useComposer.getState();
  const [typed, setTyped] = useState<string | null>(null);
  const [proposed, setProposed] = useState<string | null>(null);
  const [instead, setInstead] = useState<string | null>(null);
  const field = useRef<HTMLInputElement>(null);
  const [workspace, setWorkspace] = useState<WorkspaceView | null>(null);
  const [reason, setReason] = useState<string | null>(null);
  const id = useId();
  useEffect(() => void ask<WorkspaceView>("workspace", {}).then(setWorkspace), [ask]);
  useEffect(() => {
    const conflict = useFiles.getState().conflict;
    void proposedName(true, conflict ? { name: conflict.name, place: "none" } : undefined).then((name) => {
      setTyped((now) => now ?? stem(name));
      setProposed(stem(name));
    });
  }, []);
  // Before anything is drawn, so that what is typed next replaces it; never over what was typed before it came.
  useLayoutEffect(() => {
    const shown = field.current;
    if (proposed !== null && shown?.value === proposed && document.activeElement === shown) shown.select();
  }, [proposed]);

  const name = `${stem((typed ?? "").trim()).normalize("NFC")}.yaml`;
  const mine = file.place === "workspace" && file.name === name;
  const there = workspace?.entries.find((entry) => entry.place === "workspace" && entry.name === name);
  const replaces = !!there && !mine;
  const onSubmit = async (event: FormEvent) => {
    event.preventDefault();
    const refused = await store({ name, version: mine ? file.version : null, overwrite: replaces });
    setReason(refused);
    setInstead(refused && (await proposedName(true, { name, place: "none" })));
  };

  return (
    <Modal
      title="Save as"
      onClose={cancel}
      footer={
        <>
          <span className="composer-gap" />
          <Button onClick={cancel}>Cancel</Button>
          <Button look={replaces ? "danger" : "main"} type="submit" form={`${id}-form`} disabled={!typed?.trim()}>
            {replaces ? "Replace" : "Save"}
          </Button>
        </>
      }
    >
      <form id={`${id}-form`} className="composer-save" onSubmit={(event) => void onSubmit(event)}>
        <label htmlFor={id}>Name</label>
        <div className="composer-with-suffix">
          <TextInput
            ref={field}
            code
            id={id}
            data-first
            value={typed ?? ""}
            spellCheck={false}
            autoComplete="off"
            aria-invalid={reason !== null}
            aria-describedby={`${id}-note`}
            change={(text) => {
              setTyped(text);
              setReason(null);
              setInstead(null);
            }}
          />
          <span className="composer-mono composer-soft">.yaml</span>
        </div>
        <div id={`${id}-note`} className="composer-note" role="status">
          {reason ? (
            <span className="composer-reason">
              {reason}{" "}
              {instead && (
                <Button
                  small
                  onClick={() => {
                    setTyped(stem(instead));
                    setReason(null);
                    field.current?.focus();
                  }}
                >
                  Use {instead}
                </Button>
              )}
            </span>
          ) : replaces ? (
            <span className="composer-caution">
              There is a graph <b>{there.title}</b> ({there.nodes} nodes) in this file. Saving replaces it.
            </span>
          ) : (
            <span className="composer-soft">
              {mine ? "This is the file that is open." : workspace ? `A new file in ${workspace.folder}` : " "}
            </span>
          )}
        </div>
      </form>
    </Modal>
  );
}
