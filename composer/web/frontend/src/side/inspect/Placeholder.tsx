import { writeFlow } from "../../logic/flow";
import type { NodeView } from "../../payloads";
import { Section } from "../../ui/Section";

/** A node whose type nobody knows here: what it had is kept and saved back. */
export function Placeholder({ node }: { node: NodeView }) {
  const entries = Object.entries(node.params);
  return (
    <>
      <p className="composer-note-box">
        <b>Placeholder.</b> No component of the catalog is called {node.type || "so"}. The node keeps all it had and is
        saved as it was; the graph runs once the component is there, or another one takes its place.
      </p>
      {entries.length > 0 && (
        <Section title="Parameters" about="as they are in the file">
          <pre className="composer-params-text" tabIndex={0} aria-label="Parameters">
            {entries.map(([name, value]) => `${name}: ${writeFlow(value)}`).join("\n")}
          </pre>
        </Section>
      )}
    </>
  );
}
