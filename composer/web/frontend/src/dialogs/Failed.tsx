import { placeOf } from "../logic/problems";
import { Button } from "../ui/Button";
import { Modal } from "../ui/Modal";
import { cancel, useFiles } from "./files";

/** Why a file could not be opened, with the lines. */
export function Failed() {
  const failed = useFiles((state) => state.failure);
  if (!failed) return null;
  const { problems, message } = failed.failure;
  return (
    <Modal
      title={failed.title}
      onClose={cancel}
      footer={
        <>
          <span className="composer-gap" />
          <Button look="main" data-first onClick={cancel}>
            Close
          </Button>
        </>
      }
    >
      {!problems.length && <p className="composer-lines">{message}</p>}
      <ul className="composer-failures">
        {problems.map((problem, at) => (
          <li key={at}>
            <b>{problem.code}</b>{" "}
            <span className="composer-soft">
              {problem.line ? `line ${problem.line} ` : ""}
              {placeOf(problem)}
            </span>
            <div className="composer-lines">{problem.message}</div>
          </li>
        ))}
      </ul>
    </Modal>
  );
}
