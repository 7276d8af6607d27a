import { connect, disconnecting } from "../../canvas/wiring";
import type { NodeView, PortView, WireView } from "../../payloads";
import { useComposer } from "../../store";
import { Button, IconButton } from "../../ui/Button";
import { Section } from "../../ui/Section";
import { act } from "../edits";
import { ConnectButton } from "./ConnectButton";

/** The input ports of a node, with their wires. */
export function Inputs({ node }: { node: NodeView }) {
  const wires = useComposer((state) => state.view?.wires) ?? [];
  if (!node.inputs.length) return null;
  return (
    <Section title="Inputs">
      {node.inputs.map((port) => {
        const mine = wires.filter((wire) => wire.node === node.name && wire.port === port.name);
        const end = `${node.name}.${port.name}`;
        return (
          <Port key={port.name} port={port}>
            <Wires wires={mine} way="from" />
            {!mine.length && (
              <div className={port.optional || port.variadic ? "composer-soft" : "composer-caution"}>
                {port.optional ? "No wire: it may stay so" : "No wire"}
              </div>
            )}
            <ConnectButton
              end={end}
              from="target"
              label={`Connect ${end} to ...`}
              connect={(source) => void connect(source, end)}
            />
          </Port>
        );
      })}
    </Section>
  );
}

/** The output ports of a node, with the wires that leave them. */
export function Outputs({ node }: { node: NodeView }) {
  const wires = useComposer((state) => state.view?.wires) ?? [];
  const input = node.role === "input" || node.role === "data_sample";
  return (
    <Section title={input ? "Wires" : "Outputs"}>
      {node.outputs.map((port) => {
        const mine = wires.filter((wire) => wire.from_node === node.name && (input || wire.from_port === port.name));
        const end = input ? node.name : `${node.name}.${port.name}`;
        return (
          <Port key={port.name} port={port} nameless={input}>
            <Wires wires={mine} way="to" />
            <ConnectButton
              end={end}
              from="source"
              label={`Connect ${end} to ...`}
              connect={(target) => void connect(end, target)}
            />
            {port.levels?.map((size, level) => (
              <div key={level} className="composer-level">
                <span className="composer-mono">
                  {port.name}[{level}]
                </span>
                <span className="composer-soft composer-mono">{size}</span>
                <ConnectButton
                  end={`${end}[${level}]`}
                  from="source"
                  words="Connect"
                  label={`Connect ${end}[${level}] to ...`}
                  connect={(target) => void connect(`${end}[${level}]`, target)}
                />
              </div>
            ))}
          </Port>
        );
      })}
    </Section>
  );
}

function Port({ port, children, nameless = false }: { port: PortView; children: React.ReactNode; nameless?: boolean }) {
  return (
    <div className="composer-port-row" role="group" aria-label={`port ${port.name}, ${port.type}`}>
      <div className="composer-port-head" title={port.axes ? `${port.type}, axes ${port.axes}` : port.type}>
        <span className="composer-port-dot" style={{ background: `var(--port-${port.colour || "any"})` }} />
        {!nameless && <b>{port.name}</b>}
        <span className="composer-soft">
          {port.type}
          {port.axes && ` · ${port.axes}`}
        </span>
        <span className="composer-size composer-mono">{port.size}</span>
      </div>
      {children}
    </div>
  );
}

function Wires({ wires, way }: { wires: WireView[]; way: "from" | "to" }) {
  const select = useComposer((state) => state.select);
  return (
    <ul className="composer-wires">
      {wires.map((wire) => {
        const other = way === "from" ? wire.source : `${wire.node}.${wire.port}`;
        return (
          <li key={wire.id}>
            <Button
              look="link"
              className="composer-mono"
              title={`Show the wire ${wire.source} to ${wire.node}.${wire.port}`}
              onClick={() => select([], wire.id)}
            >
              {way === "from" ? "←" : "→"} {other}
            </Button>
            {wire.modes?.map((mode) => (
              <span key={mode} className="composer-chip">
                {mode}
              </span>
            ))}
            <span className="composer-gap" />
            <IconButton
              icon="unlink"
              label={`Disconnect ${wire.source} from ${wire.node}.${wire.port}`}
              small
              title="Disconnect"
              onClick={() => act("disconnect", disconnecting(wire))}
            />
          </li>
        );
      })}
    </ul>
  );
}
