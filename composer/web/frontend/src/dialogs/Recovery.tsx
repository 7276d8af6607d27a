import { useState } from "react";
import { ago } from "../logic/format";
import type { Draft } from "../recovery";
import { useComposer } from "../store";
import { forget, resume } from "../tabDraft";
import { Button } from "../ui/Button";
import { Modal } from "../ui/Modal";
import { guarded, useFiles } from "./files";

/** Offers what tabs that were closed or crashed have left unsaved. */
export function Recovery() {
  const lost = useFiles((state) => state.lost);
  const set = useComposer((state) => state.set);
  const [reason, setReason] = useState<string | null>(null);
  const close = () => set({ dialog: null });
  const drop = async (gone: Draft[]) => {
    await forget(gone);
    const left = lost.filter((draft) => !gone.includes(draft));
    useFiles.setState({ lost: left });
    if (!left.length) close();
  };
  const take = (draft: Draft) => guarded(() => void show(draft));
  const show = async (draft: Draft) => {
    const refused = await resume(draft);
    setReason(refused && `${draft.title} can't be shown: ${refused}`);
    if (refused) return;
    useFiles.setState({ lost: lost.filter((one) => one !== draft) });
    close();
    useComposer.getState().notify("success", `${draft.title} is back. It is not saved yet.`);
  };
  return (
    <Modal
      title="Unsaved work was kept"
      onClose={close}
      footer={
        <>
          {lost.length > 1 && (
            <Button look="danger" onClick={() => void drop(lost)}>
              Throw all away
            </Button>
          )}
          <span className="composer-gap" />
          <Button title="They stay under Open" onClick={close}>
            Later
          </Button>
        </>
      }
    >
      <p>These graphs were not saved when their tab closed. This browser has kept them.</p>
      <ul className="composer-drafts">
        {lost.map((draft, at) => (
          <li key={draft.tab}>
            <div>
              <b>{draft.title}</b>
              <div className="composer-soft">
                {draft.file.place === "none" ? "not saved to a file" : draft.file.name}, {ago(draft.time, Date.now())}
              </div>
            </div>
            <Button look="quiet" small aria-label={`Throw ${draft.title} away`} onClick={() => void drop([draft])}>
              Throw away
            </Button>
            <Button
              look="main"
              small
              data-first={at === 0 ? "" : undefined}
              aria-label={`Restore ${draft.title}`}
              onClick={() => void take(draft)}
            >
              Restore
            </Button>
          </li>
        ))}
      </ul>
      {reason && (
        <p role="alert" className="composer-reason">
          {reason}
        </p>
      )}
    </Modal>
  );
}
