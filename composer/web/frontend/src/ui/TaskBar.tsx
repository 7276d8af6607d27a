import { bytes, exact } from "../logic/format";
import type { TaskView } from "../payloads";
import { cancel, isOver } from "../tasks";
import { Button } from "./Button";
import { Icon } from "./Icon";

interface Props {
  task: TaskView | null;
  /** Whether it counts bytes. */
  sized?: boolean;
  /** Whether it can be ended here. */
  end?: boolean;
}

/** Work that goes on: what it does, how far it is, and how to end it. */
export function TaskBar({ task, sized = false, end = true }: Props) {
  if (!task || isOver(task)) return null;
  const count = sized ? bytes : exact;
  return (
    <div className="composer-task" role="status">
      <div className="composer-task-line">
        <span>
          {task.doing || "Starting"}
          {task.total > 0 && <span className="composer-soft">{` ${count(task.done)} of ${count(task.total)}`}</span>}
        </span>
        {end && task.id && (
          <Button look="quiet" small title="End this; nothing of it is kept" onClick={() => void cancel(task)}>
            <Icon name="close" /> Stop
          </Button>
        )}
      </div>
      {task.total > 0 ? <progress value={task.done} max={task.total} /> : <progress />}
    </div>
  );
}
