import type { Entry } from "../logic/entries";
import type { ParameterView, PortView } from "../payloads";

export interface HelpAt {
  entry: Entry;
  top: number;
  left: number;
}

/** What a line of the palette is, beside it. */
export function Help({ at: { entry, top, left } }: { at: HelpAt }) {
  const { component } = entry;
  const height = Math.min(window.innerHeight - 24, 380);
  return (
    <div
      className="composer-help"
      role="tooltip"
      style={{ left: left + 8, top: Math.max(8, Math.min(top - 8, window.innerHeight - height)) }}
    >
      <strong>{entry.name}</strong> <small>{entry.kind}</small>
      <p>{component ? plain(component.summary) || "No description." : entry.text}</p>
      {component && component.inputs.length > 0 && <Ports title="Takes" ports={component.inputs} />}
      {component && component.outputs.length > 0 && <Ports title="Gives" ports={component.outputs} />}
      {component && component.parameters.length > 0 && <Parameters parameters={component.parameters} />}
      <small className="composer-help-how">Drag it onto the canvas, double-click, or press Enter.</small>
    </div>
  );
}

function Ports({ title, ports }: { title: string; ports: PortView[] }) {
  return (
    <div className="composer-help-ports">
      <b>{title}</b>
      {ports.map((port) => (
        <span key={port.name}>
          <i style={{ background: `var(--port-${port.colour || "any"})` }} />
          {port.name} <small>{port.axes ?? port.type}</small>
        </span>
      ))}
    </div>
  );
}

function Parameters({ parameters }: { parameters: ParameterView[] }) {
  const names = parameters.map((parameter) => parameter.name);
  const shown = names.slice(0, 8).join(", ");
  return (
    <div className="composer-help-ports">
      <b>Parameters</b>
      <span>{names.length > 8 ? `${shown} and ${names.length - 8} more` : shown}</span>
    </div>
  );
}

/** A docstring's words without the marks of its code. */
const plain = (text: string): string => text.replaceAll("`", "");
