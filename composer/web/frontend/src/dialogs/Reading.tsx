import { Button } from "../ui/Button";
import { Modal } from "../ui/Modal";
import { TaskBar } from "../ui/TaskBar";
import { useFiles } from "./files";

/** A file that takes a while to read: how far it is, and how to end it. */
export function Reading() {
  const reading = useFiles((state) => state.reading);
  if (!reading) return null;
  const { name, task, stop } = reading;
  return (
    <Modal
      title={`Reading ${name}`}
      onClose={stop}
      footer={
        <>
          <span className="composer-gap" />
          <Button data-first onClick={stop}>
            Stop
          </Button>
        </>
      }
    >
      <p className="composer-soft">
        It is read as data: nothing in it is unpickled or run. The graph is compared with the program before it opens.
      </p>
      <TaskBar task={task} sized={task.id === ""} end={false} />
    </Modal>
  );
}
