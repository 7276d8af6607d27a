import { useMemo, useState } from "react";
import { createPortal } from "react-dom";
import { showNode } from "../goTo";
import {
  type Column,
  type Difference,
  differences,
  isBad,
  number,
  type PortValues,
  portWords,
  share,
  sorted,
} from "../logic/nodeValues";
import { useComposer } from "../store";
import { useTab } from "../train/useTab";
import { Button } from "../ui/Button";
import { type Pass, useValues } from "./store";

/** The values of every node beside the answers of Run. */
export function ValuesPanel() {
  const place = useTab("composer-values");
  return place && createPortal(<Panel />, place);
}

function Panel() {
  const { now, before, comparing, set, forget } = useValues();
  const [query, setQuery] = useState("");
  if (!now) {
    return (
      <div className="composer composer-values">
        <p className="composer-soft">Run, to see the values of every node here and on the canvas.</p>
      </div>
    );
  }
  return (
    <div className="composer composer-values">
      <div className="composer-values-head">
        <b>Values of every node</b>
        <input
          type="search"
          aria-label="Search nodes"
          placeholder="Search"
          value={query}
          onChange={(event) => setQuery(event.target.value)}
        />
        {before && (
          <>
            <label>
              <input type="checkbox" checked={comparing} onChange={() => set({ comparing: !comparing })} />
              Compare with pass {before.number}
            </label>
            <Button look="link" onClick={forget}>
              Forget it
            </Button>
          </>
        )}
      </div>
      {comparing && before ? (
        <Comparison now={now} before={before} query={query} />
      ) : (
        <Table pass={now} query={query} />
      )}
    </div>
  );
}

const COLUMNS: [Column, string, string][] = [
  ["order", "#", "In the order in which they ran"],
  ["node", "Node", "Its path, and the port"],
  ["mean", "Mean", "Mean of all finite numbers"],
  ["std", "Spread", "Standard deviation of all finite numbers"],
  ["low", "Least", "The least finite number"],
  ["high", "Greatest", "The greatest finite number"],
  ["zeros", "Zeros", "Share of zeros"],
  ["bad", "NaN, inf", "How many numbers are NaN or infinite"],
];

const matches = (port: { node: string; port: string }, query: string): boolean =>
  `${port.node}.${port.port}`.toLowerCase().includes(query.trim().toLowerCase());

function Table({ pass, query }: { pass: Pass; query: string }) {
  const [order, setOrder] = useState<{ column: Column; falling: boolean }>({ column: "order", falling: false });
  const all = useMemo(() => [...pass.nodes.values()].flat(), [pass]);
  const rows = sorted(all, order.column, order.falling).filter((port) => matches(port, query));
  const dropped = all.filter((port) => port.rows.some((row) => row.offset === null));
  return (
    <>
      {dropped.length > 0 && (
        <p className="composer-soft" title={dropped.map((port) => `${port.node}.${port.port}`).join("\n")}>
          The values of {dropped.length} of {all.length} ports are counted but not kept, for want of room (64 MiB a
          pass):{" "}
          {dropped
            .slice(0, 3)
            .map((port) => port.node)
            .join(", ")}
          {dropped.length > 3 && " ..."}. Select such a node and run again to see its map.
        </p>
      )}
      <div className="composer-values-scroll">
        <table>
          <thead>
            <tr>
              {COLUMNS.map(([column, words, about]) => (
                <th
                  key={column}
                  className={column === "node" ? "composer-values-name" : undefined}
                  aria-sort={order.column === column ? (order.falling ? "descending" : "ascending") : "none"}
                >
                  <Button
                    look="bare"
                    title={`${about}. Click to sort`}
                    onClick={() =>
                      setOrder({
                        column,
                        falling: order.column === column ? !order.falling : column !== "node" && column !== "order",
                      })
                    }
                  >
                    {words}
                    {order.column === column && (order.falling ? " ↓" : " ↑")}
                  </Button>
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {rows.map((port) => (
              <Row key={`${port.node} ${port.port}`} port={port} place={all.indexOf(port) + 1} />
            ))}
          </tbody>
        </table>
        {!rows.length && <p className="composer-soft">No node has this name.</p>}
      </div>
    </>
  );
}

function Row({ port, place }: { port: PortValues; place: number }) {
  return (
    <tr className={isBad(port) ? "is-bad" : ""} title={portWords(port)}>
      <td>{place}</td>
      <Name node={port.node} port={port.port} />
      <td>{number(port.mean)}</td>
      <td>{number(port.std)}</td>
      <td>{number(port.low)}</td>
      <td>{number(port.high)}</td>
      <td>{share(port.zeros, port.count)}</td>
      <td>{isBad(port) ? (port.nan + port.infinite).toLocaleString("en") : "0"}</td>
    </tr>
  );
}

/** The node's name, which leads to it; of a long path the end stays in sight. */
function Name({ node, port }: { node: string; port: string }) {
  const selected = useComposer((state) => state.selection.length === 1 && state.path.concat(state.selection).join("."));
  const words = port && port !== "out" ? `${node}.${port}` : node;
  return (
    <td className="composer-values-name">
      <Button
        look="bare"
        aria-current={selected === node}
        title={`Show ${words} on the canvas`}
        onClick={() => void showNode(node)}
      >
        <bdi>{words}</bdi>
      </Button>
    </td>
  );
}

const COMPARED: [string, string][] = [
  ["Node", "Its path, and the port"],
  ["Difference", "|change of mean| in spreads, plus |logarithm of the ratio of the spreads|"],
  ["Mean", "In the newer pass"],
  ["Change", "Of the mean, against the pass before"],
  ["Spread", "In the newer pass"],
  ["Change", "Of the spread, against the pass before"],
];

function Comparison({ now, before, query }: { now: Pass; before: Pass; query: string }) {
  const all = useMemo(() => differences(now.nodes, before.nodes), [now, before]);
  const rows = all.filter((one) => matches(one, query));
  const changed = all.filter((one) => one.changed).length;
  const titles = [now, before].map((pass) => `pass ${pass.number} (${pass.view.mode}: ${pass.view.title})`);
  return (
    <>
      <p className="composer-soft">
        <b>
          {changed ? `${changed} of ${all.length} ports gave other numbers` : "No port gave another number, to the bit"}
        </b>
        : {titles[0]} against {titles[1]}
        {now.view.document !== before.view.document && "; the graph was changed between them"}.
      </p>
      <div className="composer-values-scroll">
        <table>
          <thead>
            <tr>
              {COMPARED.map(([words, about], at) => (
                <th
                  key={at}
                  className={at ? undefined : "composer-values-name"}
                  title={about}
                  aria-sort={at === 1 ? "descending" : "none"}
                >
                  {words}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {rows.map((one) => (
              <Compared key={`${one.node} ${one.port}`} one={one} />
            ))}
          </tbody>
        </table>
      </div>
    </>
  );
}

function Compared({ one }: { one: Difference }) {
  const bad = (one.now && isBad(one.now)) || (one.before && isBad(one.before));
  const words = !one.now
    ? "only before"
    : !one.before
      ? "only now"
      : !one.changed
        ? "same"
        : Number.isFinite(one.size)
          ? number(one.size)
          : bad
            ? "NaN"
            : "∞";
  const shown = one.now ?? one.before;
  return (
    <tr className={bad ? "is-bad" : one.changed ? "" : "is-same"} title={shown ? portWords(shown) : ""}>
      <Name node={one.node} port={one.port} />
      <td>{words}</td>
      <td>{number(one.now?.mean)}</td>
      <td>{number(one.mean)}</td>
      <td>{number(one.now?.std)}</td>
      <td>{number(one.std)}</td>
    </tr>
  );
}
