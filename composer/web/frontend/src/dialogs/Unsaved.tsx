import { useComposer } from "../store";
import { Button } from "../ui/Button";
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
          <Button look="danger" onClick={goOn}>
            Don't save
          </Button>
          <span className="composer-gap" />
          <Button onClick={cancel}>Cancel</Button>
          <Button look="main" data-first onClick={() => void save()}>
            Save
          </Button>
        </>
      }
    >
      <p>
        <b>{name}</b> has changes that are not saved. They are lost if you go on without saving.
      </p>
    </Modal>
  );
}
