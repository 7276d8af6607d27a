import type { GraphView } from "../../payloads";
import { IconButton } from "../../ui/Button";
import { Section } from "../../ui/Section";
import { act, change } from "../edits";
import { TextLine } from "../form/TextLine";

/** The name of a subgraph, which can be changed; every call of it follows. */
export function SubgraphName({ name }: { name: string }) {
  const rename = (to: string) => change(`rename subgraph ${name}`, { op: "rename-subgraph", name, to: to.trim() });
  return <TextLine label={`Name of the subgraph ${name}`} hideLabel value={name} commit={(to) => rename(String(to))} />;
}

/** The subgraphs of a graph: renamed, or removed where nothing calls them. */
export function SubgraphList({ subgraphs }: { subgraphs: GraphView["subgraphs"] }) {
  if (!subgraphs.length) return null;
  return (
    <Section title="Subgraphs">
      <ul className="composer-list">
        {subgraphs.map(({ type: name }) => (
          <li key={name}>
            <SubgraphName name={name} />
            <IconButton
              icon="remove"
              label={`Remove the subgraph ${name}`}
              small
              title="Remove, where nothing calls it"
              onClick={() => act(`remove subgraph ${name}`, { op: "remove-subgraph", name })}
            />
          </li>
        ))}
      </ul>
    </Section>
  );
}
