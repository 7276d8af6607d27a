import { useState } from "react";
import { useComposer } from "../store";
import { Button } from "../ui/Button";
import { Modal } from "../ui/Modal";
import { cancel, store, useFiles } from "./files";

/** The file is not what it was when it was opened: overwrite it, save under another name, or leave it. */
export function Conflict() {
  const conflict = useFiles((state) => state.conflict);
  const set = useComposer((state) => state.set);
  const [reason, setReason] = useState<string | null>(null);
  if (!conflict) return null;
  const overwrite = async () => {
    const { file } = useComposer.getState();
    setReason(await store({ name: conflict.name, version: file.version, overwrite: true }));
  };
  return (
    <Modal
      title="The file changed underneath"
      onClose={cancel}
      footer={
        <>
          <Button look="danger" onClick={() => void overwrite()}>
            Overwrite
          </Button>
          <span className="composer-gap" />
          <Button onClick={cancel}>Cancel</Button>
          <Button look="main" data-first onClick={() => set({ dialog: "save" })}>
            Save as ...
          </Button>
        </>
      }
    >
      <p>
        <b className="composer-mono">{conflict.name}</b> was not saved: {conflict.reason}.
      </p>
      <p className="composer-soft">Overwriting replaces what is in the file now by what you see here.</p>
      {reason && (
        <p role="alert" className="composer-reason">
          {reason}
        </p>
      )}
    </Modal>
  );
}
