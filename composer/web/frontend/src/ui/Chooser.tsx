import { type CSSProperties, useEffect, useId, useLayoutEffect, useRef } from "react";
import { useUntilChanged } from "./useUntilChanged";

export interface Choice {
  id: string;
  words: string;
  detail?: string;
  hint?: string;
  colour?: string;
}

interface Props {
  /** Its corner in the window. */
  at: readonly [number, number];
  label: string;
  title?: string;
  query: string;
  setQuery: (query: string) => void;
  choices: Choice[];
  /** What is said where there is nothing to choose. */
  none: string;
  /** Whether the server is still asked for the choices. */
  looking?: boolean;
  choose: (id: string) => void;
  close: () => void;
  /** How wide it is, in pixels. */
  width?: number;
}

const WIDTH = 320;

/** A list to choose from, with a search, over the canvas: arrows, Enter, Escape. */
export function Chooser(props: Props) {
  const { at, label, title, query, setQuery, choices, none, looking, choose, close, width = WIDTH } = props;
  const [active, setActive] = useUntilChanged(query, 0);
  const [early, setEarly] = useUntilChanged(query, false);
  const list = useRef<HTMLDivElement>(null);
  const field = useRef<HTMLInputElement>(null);
  const id = useId();
  useLayoutEffect(() => {
    field.current?.focus();
  }, []);
  // biome-ignore lint/correctness/useExhaustiveDependencies: another choice is brought into view
  useLayoutEffect(() => {
    list.current?.querySelector("[aria-selected=true]")?.scrollIntoView({ block: "nearest" });
  }, [active]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: once, when the choices are there
  useEffect(() => {
    if (!early || looking) return;
    setEarly(false);
    const named = choices.find((choice) => choice.id === query || choice.words === query);
    if (named) choose(named.id);
  }, [looking, early]);
  const at_ = Math.min(active, Math.max(0, choices.length - 1));
  const hint = choices[at_]?.hint;
  return (
    <div
      className="composer-chooser"
      role="dialog"
      aria-label={label}
      style={inWindow(at, width)}
      onBlur={(event) => {
        if (!event.currentTarget.contains(event.relatedTarget) && event.relatedTarget) close();
      }}
      onKeyDown={(event) => {
        event.stopPropagation();
        const step = event.key === "ArrowDown" ? 1 : event.key === "ArrowUp" ? -1 : 0;
        if (step) {
          event.preventDefault();
          setActive((at_ + step + choices.length) % Math.max(1, choices.length));
        }
        if (event.key === "Tab" || event.key === "Escape") {
          event.preventDefault();
          close();
        }
        const chosen = choices[at_];
        if (event.key === "Enter" && chosen) {
          event.preventDefault();
          choose(chosen.id);
        } else if (event.key === "Enter" && looking) {
          event.preventDefault();
          setEarly(true); // what was typed whole is chosen when it comes
        }
      }}
    >
      {title && <div className="composer-chooser-title">{title}</div>}
      <input
        ref={field}
        type="text"
        role="combobox"
        aria-expanded="true"
        aria-controls={id}
        aria-activedescendant={choices[at_] ? `${id}-${at_}` : undefined}
        aria-label={label}
        placeholder="Search"
        value={query}
        onChange={(event) => setQuery(event.target.value)}
      />
      <div ref={list} id={id} role="listbox" className="composer-chooser-list" aria-label={label}>
        {choices.map((choice, index) => (
          // biome-ignore lint/a11y: the field has the keyboard, and names the choice (aria-activedescendant)
          <div
            key={choice.id}
            id={`${id}-${index}`}
            role="option"
            aria-selected={index === at_}
            className="composer-chooser-choice"
            style={{ "--kind": choice.colour ?? "var(--c-line)" } as CSSProperties}
            title={choice.hint}
            onMouseMove={() => setActive(index)}
            onMouseDown={(event) => event.preventDefault()}
            onClick={() => choose(choice.id)}
          >
            <span>{choice.words}</span>
            {choice.detail && <small>{choice.detail}</small>}
          </div>
        ))}
        {!choices.length && <p className="composer-palette-none">{looking ? "Looking for what fits ..." : none}</p>}
      </div>
      {hint && <div className="composer-chooser-hint">{hint}</div>}
    </div>
  );
}

function inWindow([x, y]: readonly [number, number], width: number): CSSProperties {
  const left = Math.max(8, Math.min(x, window.innerWidth - width - 8));
  const top = Math.max(8, Math.min(y, window.innerHeight - 408));
  return { left, top, width };
}
