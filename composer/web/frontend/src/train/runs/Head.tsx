import { useState } from "react";
import { createPortal } from "react-dom";
import { guarded } from "../../dialogs/files";
import { openDock } from "../../dock";
import { bytes, duration, exact, fourDigits } from "../../logic/format";
import type { OpenReply, TrainRunView } from "../../payloads";
import { idle, useComposer } from "../../store";
import { Button, IconButton } from "../../ui/Button";
import { Icon } from "../../ui/Icon";
import { Modal } from "../../ui/Modal";
import { act } from "../ask";
import { isActive } from "../store";
import { Files } from "./Files";
import { stateWords } from "./table";

/** What a run does now, and the buttons that change it. */
export function Head({ run, read }: { run: TrainRunView; read: () => Promise<void> }) {
  const { row } = run;
  const { name } = row;
  const [dialog, setDialog] = useState<"delete" | "files" | null>(null);
  const [asked, setAsked] = useState(false);
  const active = isActive(row.state);
  const stopping = row.state === "stopping" || (asked && active);
  const stop = async () => {
    setAsked(true);
    await act("stop", { name, kill: stopping });
    await read();
    setAsked(false);
  };
  const use = () =>
    guarded(async () => {
      const reply = await act<OpenReply>("open", { name });
      if (!reply) return;
      await idle();
      const { show, set } = useComposer.getState();
      show(reply);
      set({ file: { ...useComposer.getState().file, run: name }, dialog: null });
      openDock("Run");
    });
  return (
    <>
      <header className="train-head">
        <h3 title={name}>{name}</h3>
        <span className={`train-state is-${row.state}`} role="status">
          {stateWords(row)}
        </span>
        <span className="composer-gap" />
        {row.state === "queued" && <Button onClick={() => void stop()}>Take out of the queue</Button>}
        {active && (
          <Button
            look={stopping ? "danger" : undefined}
            title={
              stopping
                ? "It saves and ends after this step. Killed, it ends at once, and goes on from its last checkpoint."
                : "Save and end after this step"
            }
            onClick={() => void stop()}
          >
            {stopping ? "Kill now" : "Stop"}
          </Button>
        )}
        {run.resumable === "" && (
          <Button
            look="main"
            title={`Go on exactly from ${run.checkpoint}`}
            onClick={() => void act("resume", { name }).then((done) => done && read())}
          >
            <Icon name="play" />
            Resume
          </Button>
        )}
        {run.weights && (
          <Button title="Open its graph with its best weights in the Run tab" onClick={() => void use()}>
            Use in Run
          </Button>
        )}
        {row.state !== "queued" && row.state !== "starting" && (
          <Button onClick={() => setDialog("files")}>
            <Icon name="download" />
            Export
          </Button>
        )}
        {!active && row.state !== "queued" && (
          <IconButton icon="remove" label="Delete this run" onClick={() => setDialog("delete")} />
        )}
      </header>
      <Progress run={run} />
      {row.message && (row.state === "failed" || row.state === "died") && (
        <div className="train-trouble" role="alert">
          <b>{row.state === "died" ? "It died." : "It failed."}</b>
          <pre>{row.message}</pre>
        </div>
      )}
      {run.resumable && !active && row.state !== "finished" && row.state !== "queued" && (
        <p className="train-line">It cannot be resumed: {run.resumable}.</p>
      )}
      {dialog === "delete" && over(<Delete name={name} onClose={() => setDialog(null)} />)}
      {dialog === "files" && over(<Files name={name} weights={run.weights} onClose={() => setDialog(null)} />)}
    </>
  );
}

/** A dialog lies over the whole page, and not only over the dock. */
const over = (dialog: React.ReactElement) =>
  createPortal(dialog, document.querySelector("#composer-canvas .composer") ?? document.body);

function Progress({ run }: { run: TrainRunView }) {
  const { row, left } = run;
  const facts = [
    row.steps > 0 && `step ${exact(row.step)} of ${exact(row.steps)}`,
    run.epoch > 0 && `epoch ${run.epoch.toFixed(1)}`,
    left && `${duration(left.seconds)} left${spread(left.least, left.most)}`,
    !left && row.seconds > 0 && `trained ${duration(row.seconds)}`,
    isActive(row.state) && run.rate !== null && `${fourDigits(run.rate)} images/s`,
    run.memory !== null && bytes(run.memory) + (run.forecast === null ? "" : ` of ${bytes(run.forecast)} forecast`),
    row.best !== null && `best ${row.metric} ${fourDigits(row.best)} at step ${exact(row.best_step)}`,
    run.heartbeat !== null && run.heartbeat > 30 && `no sign of life for ${duration(run.heartbeat)}`,
  ].filter(Boolean);
  return (
    <div className="train-progress">
      <progress
        max={row.steps || 1}
        value={isActive(row.state) && !row.steps ? undefined : row.step}
        aria-label="Progress"
      />
      <span>{facts.join(" · ") || row.message}</span>
    </div>
  );
}

function spread(least: number, most: number): string {
  const [one, other] = [duration(least), duration(most)];
  return one === other ? "" : ` (${one} to ${other})`;
}

/** Asks before a run and its files are gone for good. */
function Delete({ name, onClose }: { name: string; onClose: () => void }) {
  const remove = async () => {
    onClose();
    if (await act("delete", { name })) useComposer.getState().notify("success", `Deleted ${name}.`);
  };
  return (
    <Modal
      title="Delete this run?"
      onClose={onClose}
      footer={
        <>
          <span className="composer-gap" />
          <Button data-first onClick={onClose}>
            Keep it
          </Button>
          <Button look="danger" onClick={() => void remove()}>
            Delete
          </Button>
        </>
      }
    >
      <p>
        <b className="train-name">{name}</b> is deleted with its weights, checkpoints and curves. This cannot be undone.
      </p>
    </Modal>
  );
}
