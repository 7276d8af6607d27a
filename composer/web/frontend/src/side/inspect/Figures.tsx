import { bytes, exact, magnitude } from "../../logic/format";
import type { NodeView } from "../../payloads";
import { Section } from "../../ui/Section";

/** What a node costs. */
export function Figures({ node }: { node: NodeView }) {
  const rows: [string, string, string][] = [];
  const put = (name: string, count: number | null, shown: (count: number) => string, unit: string) =>
    count !== null && rows.push([name, shown(count), `${exact(count)} ${unit}`]);
  put("Parameters", node.parameters, magnitude, "parameters");
  put("Trainable", node.trainable, magnitude, "parameters that are trained");
  put("FLOPs", node.flops, magnitude, "floating-point operations for one sample, in the mode that costs most");
  put("Activation", node.activation, bytes, "bytes put out for one sample in float32");
  if (!rows.length) return null;
  return (
    <Section title="Figures">
      <Facts rows={rows} />
    </Section>
  );
}

/** Names with values, and what the values mean. */
export function Facts({ rows }: { rows: [string, string, string][] }) {
  return (
    <dl className="composer-facts">
      {rows.map(([name, value, words]) => (
        <div key={name} title={words}>
          <dt>{name}</dt>
          <dd className="composer-mono">{value}</dd>
        </div>
      ))}
    </dl>
  );
}
