import { useRef, useState } from "react";
import { counted, exact } from "../../logic/format";
import type { DataResult, SplitView } from "../../payloads";
import { isOver } from "../../tasks";
import { Button, IconButton } from "../../ui/Button";
import { Icon } from "../../ui/Icon";
import { TaskBar } from "../../ui/TaskBar";
import { ClassChart } from "./ClassChart";
import { chooseData, lookAtData, lookDeeper, upload } from "./data";
import { FolderPicker } from "./FolderPicker";
import { Images } from "./Images";
import { ProblemList } from "./Problems";
import { editOrTell } from "./recipe";
import { useSetup } from "./store";
import { at, sizes } from "./values";

/** Which data, what is in it, and images of it as training sees them. */
export function DataPart() {
  const { reply, data, look, unpack } = useSetup();
  const [picking, setPicking] = useState(false);
  const path = String(at(reply?.values, ["data", "train", "path"]) ?? "");
  const chosen = !!reply?.has_data && path !== "";
  const unfit = reply?.known ? reply.graph_problems : [];
  return (
    <div className="setup-scroll">
      {picking ? (
        <FolderPicker
          start={parentOf(path)}
          choose={(found) => {
            setPicking(false);
            void chooseData(found);
          }}
          close={() => setPicking(false)}
        />
      ) : chosen ? (
        <div className="setup-chosen">
          <Icon name="open" />
          <b className="setup-name" title={path}>
            {path}
          </b>
          <Button small onClick={() => setPicking(true)}>
            Change
          </Button>
          <IconButton
            icon="reset"
            label="Look at the data again"
            small
            title="Look again: files were added or changed"
            disabled={!isOver(look)}
            onClick={() => void lookAtData(true)}
          />
        </div>
      ) : (
        <Begin pick={() => setPicking(true)} />
      )}
      <TaskBar task={unpack} sized={unpack?.id === ""} />
      {unpack && isOver(unpack) && <ProblemList problems={unpack.problems} of="data" />}
      {chosen && !picking && (
        <>
          <TaskBar task={look} />
          {look?.state === "failed" && <ProblemList problems={look.problems} of="data" />}
          <ProblemList problems={unfit} of="graph" />
          {data && <Found data={data} />}
        </>
      )}
    </div>
  );
}

const parentOf = (path: string): string => {
  const parts = path.split("/").filter((part) => part !== ".." && part !== ".");
  return parts.slice(0, -1).join("/");
};

/** Nothing is chosen: the two ways to begin. */
function Begin({ pick }: { pick: () => void }) {
  const input = useRef<HTMLInputElement>(null);
  const busy = useSetup((state) => !isOver(state.unpack));
  return (
    <div className="setup-begin">
      <b>What should the model learn from?</b>
      <div className="setup-buttons">
        <Button look="main" onClick={pick}>
          <Icon name="open" /> Choose a folder
        </Button>
        <Button disabled={busy} onClick={() => input.current?.click()}>
          <Icon name="upload" /> Upload a zip
        </Button>
        <input
          ref={input}
          type="file"
          accept=".zip,application/zip"
          hidden
          aria-label="Zip file of images"
          onChange={(event) => {
            const file = event.target.files?.[0];
            event.target.value = "";
            if (file) void upload(file);
          }}
        />
      </div>
      <p className="setup-hint">
        One folder of images for each class; or COCO, VOC, YOLO, CSV, idx (MNIST), images with masks. The format is
        recognised.
      </p>
    </div>
  );
}

function Found({ data }: { data: DataResult }) {
  const look = useSetup((state) => state.look);
  const [first] = data.splits;
  const classes = first?.class_count ?? 0;
  const faults = data.splits.flatMap((split) => split.faults.map((fault) => ({ split, fault })));
  const unread = data.splits.reduce((sum, split) => sum + split.samples - split.looked_at, 0);
  return (
    <>
      <p className="setup-facts">
        <span className="composer-chip" title={data.about}>
          {data.format}
        </span>
        {data.splits.map((split) => (
          <span key={split.name}>
            <b>{exact(split.samples)}</b> {words(split, data)}
          </span>
        ))}
        {data.splits.length === 1 && <span className="composer-soft">nothing is measured</span>}
        {classes > 0 && (
          <span>
            <b>{exact(classes)}</b> {classes === 1 ? "class" : "classes"}
          </span>
        )}
        {first && sizes(first.smallest, first.largest) && (
          <span className="composer-soft">{sizes(first.smallest, first.largest)}</span>
        )}
      </p>
      {faults.map(({ split, fault }) => (
        <Fault
          key={`${split.name} ${fault.kind}`}
          split={split}
          kind={fault.kind}
          count={fault.count}
          names={fault.names}
        />
      ))}
      <ProblemList problems={data.problems.filter((one) => !COVERED.has(one.code))} of="data" />
      {!data.complete && isOver(look) && (
        <p className="setup-hint">
          {counted(unread, "image was", "images were")} not decoded.{" "}
          <Button look="link" onClick={() => void lookDeeper()}>
            Look for damaged files
          </Button>
        </p>
      )}
      <Images />
      {first && first.counts.length > 0 && <ClassChart splits={data.splits} />}
    </>
  );
}

const words = (split: SplitView, data: DataResult): string =>
  split.name === "train" ? "to train on" : data.held_back ? "held back to measure on" : "to measure on";

/** Codes of problems that faults show in full. */
const COVERED = new Set(["bad-image", "data-equal"]);

const FAULTS: Record<string, string> = {
  unreadable: "cannot be read",
  label: "labels are no class",
  "no class": "labels of boxes are no class",
  "no area": "boxes have no area",
  outside: "boxes reach out of their images",
  equal: "are there twice",
  contradicting: "are there twice, in different classes",
};

function Fault({ split, kind, count, names }: { split: SplitView; kind: string; count: number; names: string[] }) {
  const skipped = useSetup((state) => at(state.reply?.values, ["data", "bad"]) === "skip");
  const worst = kind === "unreadable" || kind === "label" || kind === "no class";
  return (
    <details className={`setup-fault is-${worst && !(kind === "unreadable" && skipped) ? "error" : "warning"}`}>
      <summary>
        {exact(count)} {FAULTS[kind] ?? kind}
        <span className="composer-soft"> ({split.name})</span>
      </summary>
      {kind === "unreadable" && (
        <p className="setup-hint">
          {skipped ? "They are skipped in training." : "They stop the training when it comes to them."}{" "}
          {!skipped && (
            <Button look="link" onClick={() => void editOrTell({ path: ["data", "bad"], set: "skip" })}>
              Skip them
            </Button>
          )}
        </p>
      )}
      <ul>
        {names.map((name) => (
          <li key={name}>{name}</li>
        ))}
        {count > names.length && <li className="composer-soft">and {exact(count - names.length)} more</li>}
      </ul>
    </details>
  );
}
