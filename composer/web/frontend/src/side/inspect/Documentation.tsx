import { useEffect, useState } from "react";
import { type Part, partsOf } from "../../logic/paragraphs";
import type { TextReply } from "../../payloads";
import { useComposer } from "../../store";
import { CopyButton } from "../../ui/CopyButton";
import { Section } from "../../ui/Section";
import { Prose } from "./Prose";

/** What a component says of itself. */
export function Documentation({ doc }: { doc: string }) {
  if (!doc) return null;
  return (
    <Section title="Documentation" shut>
      <div className="composer-doc">
        {partsOf(doc).map((part, at) => (
          <Paragraph key={at} part={part} />
        ))}
      </div>
    </Section>
  );
}

function Paragraph({ part }: { part: Part }) {
  if (part.kind === "lines") return <p className="is-kept">{part.text}</p>;
  if (part.kind === "text") {
    return (
      <p>
        <Prose text={part.text} />
      </p>
    );
  }
  return (
    <>
      <h4>{part.title}</h4>
      <dl>
        {part.entries.map(({ name, text }, at) => (
          <div key={at}>
            {name && <dt className="composer-mono">{name}</dt>}
            <dd>
              <Prose text={text} />
            </dd>
          </div>
        ))}
      </dl>
    </>
  );
}

/** A component's Python source, asked for when it is opened. */
export function Source({ type }: { type: string }) {
  return (
    <Section title="Source" shut>
      <SourceText key={type} type={type} />
    </Section>
  );
}

function SourceText({ type }: { type: string }) {
  const [text, setText] = useState<string | null>(null);
  useEffect(() => {
    void useComposer
      .getState()
      .ask<TextReply>("source", { type })
      .then((reply) => setText(reply?.text ?? "Its source is not at hand."));
  }, [type]);
  return (
    <div className="composer-source">
      <CopyButton text={text ?? ""} what="the source" />
      <pre tabIndex={0} aria-label={`Source of ${type}`}>
        {text ?? "Loading ..."}
      </pre>
    </div>
  );
}
