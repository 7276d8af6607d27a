import { useState } from "react";
import { centre } from "../../goTo";
import { bytes, duration, exact } from "../../logic/format";
import { sameGraph } from "../../logic/sameGraph";
import type { CheckFinding, CheckResult, NodeFinding, TrainStartReply } from "../../payloads";
import { isEmpty, useComposer } from "../../store";
import { isOver } from "../../tasks";
import { Button } from "../../ui/Button";
import { CopyButton } from "../../ui/CopyButton";
import { Icon } from "../../ui/Icon";
import { TaskBar } from "../../ui/TaskBar";
import { act } from "../ask";
import { useTrain } from "../store";
import { check } from "./data";
import { ProblemList } from "./Problems";
import { useSetup } from "./store";

/** Whether it will go well, and the start. */
export function CheckPart() {
  const { reply, check: found, checkTask, checkOf, text, onCanvas, set } = useSetup();
  const document = useComposer((state) => state.document);
  const empty = useComposer(isEmpty);
  const [starting, setStarting] = useState(false);
  const why = reason(reply, empty);
  const running = !isOver(checkTask);
  const old = !!found && (checkOf?.text !== text || !sameGraph(checkOf.document, document));
  const findings = found?.findings ?? checkTask?.findings ?? [];
  const start = async () => {
    if (!reply) return;
    setStarting(true);
    const payload = { document, recipe: reply.run_text, fix: false };
    const begun = await act<TrainStartReply>("start", payload);
    setStarting(false);
    if (begun) useTrain.getState().show(begun.name);
  };
  return (
    <>
      <div className="setup-scroll">
        <Button
          className="setup-check"
          disabled={!reply?.known || running || empty}
          title="Looks at the data, counts memory, makes one step, and tries to resume: some 25 steps, none of which is kept"
          onClick={() => void check()}
        >
          <Icon name="good" /> {found ? "Check again" : "Check"}
        </Button>
        {!found && !running && (
          <p className="setup-hint">
            Tries some 25 steps: data, memory, largest batch, gradients of every node, resume, time and disk. Nothing of
            it is kept.
          </p>
        )}
        <TaskBar task={checkTask} />
        {checkTask && isOver(checkTask) && <ProblemList problems={checkTask.problems} of="data" />}
        {found && old && <p className="setup-old">Graph or recipe changed since this check.</p>}
        {found && <Tiles found={found} />}
        {findings.length > 0 && <Findings findings={findings} />}
        {found && Object.keys(found.nodes).length > 0 && (
          <>
            <label className="setup-marks">
              <input type="checkbox" checked={onCanvas} onChange={(event) => set({ onCanvas: event.target.checked })} />{" "}
              show on the canvas
            </label>
            <Nodes nodes={found.nodes} />
          </>
        )}
      </div>
      <div className="setup-start">
        {reply?.command && (
          <div className="setup-command">
            <code title="The same from a terminal, in the folder of the workspace">{reply.command}</code>
            <CopyButton text={reply.command} what="the command" />
          </div>
        )}
        {why && <p className="setup-hint">{why}</p>}
        <Button look="main" disabled={why !== "" || starting} onClick={() => void start()}>
          <Icon name="play" /> {starting ? "Starting" : "Start training"}
        </Button>
      </div>
    </>
  );
}

type Reply = ReturnType<typeof useSetup.getState>["reply"];

/** Why it cannot be started yet; empty where it can. */
function reason(reply: Reply, empty: boolean): string {
  if (empty) return "Open or draw a model first.";
  if (!reply?.has_data && !reply?.problems.length) return "Choose data first.";
  if (reply.problems.some((problem) => problem.severity === "error")) return "The recipe has problems.";
  if (!reply.known) return "The data is being looked at.";
  if (reply.graph_problems.some((problem) => problem.severity === "error")) {
    return "The graph does not fit the data: mend it under Data.";
  }
  return reply.ready ? "" : "Not ready yet.";
}

function Tiles({ found }: { found: CheckResult }) {
  const tiles: [string, string, string][] = [];
  if (found.peak !== null) {
    const usual = found.usual ?? found.peak;
    const most = usual < found.peak ? `, at most ${bytes(found.peak)}` : "";
    tiles.push(["Memory", bytes(usual), `at the peak${most}${found.limit ? `, of ${bytes(found.limit)}` : ""}`]);
  }
  if (found.largest !== null) tiles.push(["Largest batch", exact(found.largest), "samples that fit at once"]);
  if (found.seconds !== null) {
    const range = found.low !== null && found.high !== null ? ranged(found.low, found.high) : "";
    tiles.push(["Time", duration(found.seconds), range]);
  }
  if (found.disk !== null) tiles.push(["Disk", bytes(found.disk), found.free ? `of ${bytes(found.free)} free` : ""]);
  if (!tiles.length) return null;
  return (
    <dl className="setup-tiles">
      {tiles.map(([name, value, about]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>
            <b>{value}</b>
            <span className="composer-soft">{about}</span>
          </dd>
        </div>
      ))}
    </dl>
  );
}

const ranged = (low: number, high: number): string =>
  duration(low) === duration(high) ? "the whole training" : `${duration(low)} to ${duration(high)}`;

const MARKS = { ok: "good", warning: "problem", error: "problem" } as const;

function Findings({ findings }: { findings: CheckFinding[] }) {
  return (
    <ul className="setup-findings" aria-label="What the check found">
      {findings.map((finding, place) => (
        <li key={place} className={`is-${finding.state}`}>
          <Icon name={MARKS[finding.state]} />
          <div>
            <b>{finding.item}</b> <span className="composer-lines">{finding.message}</span>
            {finding.advice && <div className="setup-advice">{finding.advice}</div>}
          </div>
        </li>
      ))}
    </ul>
  );
}

function Nodes({ nodes }: { nodes: Record<string, NodeFinding> }) {
  const view = useComposer((state) => state.view);
  const rows = Object.entries(nodes);
  const go = (path: string) => {
    const top = path.split(".")[0] ?? "";
    if (view?.path.length === 0 && view.nodes.some((node) => node.name === top)) centre(top);
  };
  return (
    <table className="setup-nodes">
      <thead>
        <tr>
          <th scope="col">node</th>
          <th scope="col">gradient</th>
          <th scope="col">one step</th>
        </tr>
      </thead>
      <tbody>
        {rows.map(([path, one]) => (
          <tr key={path} className={`is-${one.state}`} title={one.about}>
            <th scope="row">
              <Button look="link" onClick={() => go(path)}>
                {path}
              </Button>
            </th>
            <td>{one.broken ? "not finite" : one.norm !== null ? one.norm.toPrecision(3) : "none"}</td>
            <td>{stepWords(one)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

/** What one step did to a node, in words. */
export function stepWords(one: NodeFinding): string {
  if (one.state !== "ok" && one.about) return one.about;
  if (one.kind === "frozen") return "stayed, as asked";
  if (one.kind === "momentum copy") return "followed its source";
  if (one.kind === "trained") return one.moved === null ? "moved" : `moved by ${one.moved.toPrecision(2)} rates`;
  return "";
}
