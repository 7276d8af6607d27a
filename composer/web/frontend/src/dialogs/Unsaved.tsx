import { useComposer } from "../store";
import { Modal } from "../ui/Modal";
import { cancel, goOn, save } from "./files";

/** Asks before unsaved work is given up. */
export function Unsaved() {
  const name = useComposer((state) => state.view?.name ?? "");
  return (
    <Modal
      title="Save your changes?"
      onClose={cancel}
      footer={
        <>
          <button type="button" className="composer-button is-danger" onClick={goOn}>
            Don't save
          </button>
          <span className="composer-gap" />
          <button type="button" className="composer-button" onClick={cancel}>
            Cancel
          </button>
          <button type="button" className="composer-button is-main" data-first onClick={() => void save()}>
            Save
          </button>
        </>
      }
    >
      <p>
        <b>{name}</b> has changes that are not saved. They are lost if you go on without saving.
      </p>
    </Modal>
  );
}
