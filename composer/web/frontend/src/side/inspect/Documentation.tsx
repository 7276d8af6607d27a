import { useEffect, useState } from "react";
import type { TextReply } from "../../payloads";
import { useComposer } from "../../store";
import { CopyButton } from "../../toolbar/CopyButton";
import { paragraphs } from "./paragraphs";
import { Section } from "./Section";

/** What a component says of itself. */
export function Documentation({ doc }: { doc: string }) {
  if (!doc) return null;
  return (
    <Section title="Documentation" shut>
      <div className="composer-doc">
        {paragraphs(doc).map((part, at) => (
          <p key={at} className={part.kept ? "is-kept" : undefined}>
            {part.text}
          </p>
        ))}
      </div>
    </Section>
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
