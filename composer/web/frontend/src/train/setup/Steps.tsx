import { useEffect, useId, useRef, useState } from "react";
import { fieldOf } from "../../logic/fields";
import { isWithin } from "../../logic/problems";
import { textOf } from "../../logic/values";
import type { AugmentStep } from "../../payloads";
import { FormField } from "../../side/form/FormField";
import { IconButton } from "../../ui/Button";
import { Select } from "../../ui/Select";
import { ProblemList } from "./Problems";
import { editOrTell, editRecipe } from "./recipe";
import { moved, nameOf, paramsOf, type Step, stepOf, summary, withParam } from "./steps";
import { useSetup } from "./store";

interface Props {
  /** The input that the steps are of. */
  input: string;
  list: Step[];
  kinds: Record<string, AugmentStep>;
  /** Whether the recipe says so itself; else the steps are those of the task. */
  given: boolean;
  disabled: boolean;
}

/** The steps of an input, one a row: chosen, set, moved and removed. The recipe as text stays what counts. */
export function Steps({ input, list, kinds, given, disabled }: Props) {
  const [open, setOpen] = useState<number | null>(null);
  const [wanted, setWanted] = useState<string | null>(null);
  const place = useRef<HTMLOListElement>(null);
  // biome-ignore lint/correctness/useExhaustiveDependencies: the row is there once the list has changed
  useEffect(() => {
    if (wanted === null) return;
    const found = place.current?.parentElement?.querySelector<HTMLElement>(`[data-go="${wanted}"]:not(:disabled)`);
    if (!found) return;
    found.focus();
    setWanted(null);
  }, [wanted, list]);
  const edit = (next: Step[]) => ({ path: ["augment", input], set: next });
  const put = (next: Step[]) => editOrTell(edit(next));
  const move = async (from: number, to: number, button: string) => {
    const next = moved(list, from, to);
    if (next === list) return;
    if (!(await put(next))) return;
    if (open === from || open === to) setOpen(open === from ? to : from);
    const end = to === 0 ? "down" : to === list.length - 1 ? "up" : button;
    setWanted(`${list.length > 1 ? end : "name"}-${to}`);
  };
  const remove = async (at: number) => {
    if (!(await put(list.filter((_, one) => one !== at)))) return;
    setOpen(null);
    setWanted(list.length > 1 ? `remove-${Math.min(at, list.length - 2)}` : "add");
  };
  const add = async (name: string) => {
    if (!(await put([...list, name]))) return;
    setOpen(list.length);
    setWanted(`name-${list.length}`);
  };
  return (
    <div className="setup-rows">
      <ol ref={place} aria-label={`Steps of ${input}`} className={given ? "" : "is-usual"}>
        {list.map((step, at) => (
          <Row
            key={at}
            at={at}
            step={step}
            input={input}
            kinds={kinds}
            last={at === list.length - 1}
            isOpen={open === at}
            disabled={disabled}
            toggle={() => setOpen(open === at ? null : at)}
            move={(to, button) => void move(at, to, button)}
            remove={() => void remove(at)}
            change={(next) => editRecipe(edit(list.map((one, other) => (other === at ? next : one))))}
          />
        ))}
      </ol>
      <AddStep
        label={`Add a step to ${input}`}
        empty={list.length ? "Add a step" : "No steps: add one"}
        kinds={kinds}
        disabled={disabled}
        add={(name) => void add(name)}
      />
    </div>
  );
}

interface AddProps {
  label: string;
  empty: string;
  kinds: Record<string, AugmentStep>;
  disabled: boolean;
  add: (name: string) => void;
}

/**
 * A list from which a step is added: by the mouse at once, from the keyboard by Enter. Letters and arrow keys choose in
 * a list that is closed, and each of them is a change: a step added by the first letter would not be the one meant.
 */
function AddStep({ label, empty, kinds, disabled, add }: AddProps) {
  const [chosen, setChosen] = useState("");
  const typed = useRef(false);
  const take = (name: string) => {
    setChosen("");
    if (name) add(name);
  };
  return (
    <Select
      aria-label={label}
      title={chosen ? `Enter adds ${chosen}` : undefined}
      data-go="add"
      value={chosen}
      disabled={disabled}
      onKeyDown={(event) => {
        typed.current = event.key.length === 1 || event.key.startsWith("Arrow");
        if (event.key !== "Enter" && event.key !== "Escape") return;
        if (chosen) event.preventDefault();
        take(event.key === "Enter" ? chosen : "");
      }}
      onPointerDown={() => {
        typed.current = false;
      }}
      onBlur={() => setChosen("")}
      change={(value) => (typed.current ? setChosen(value) : take(value))}
    >
      <option value="">{empty}</option>
      {Object.entries(kinds).map(([name, kind]) => (
        <option key={name} value={name} title={kind.about}>
          {name}
        </option>
      ))}
    </Select>
  );
}

interface RowProps {
  at: number;
  step: Step;
  input: string;
  kinds: Record<string, AugmentStep>;
  last: boolean;
  isOpen: boolean;
  disabled: boolean;
  toggle: () => void;
  move: (to: number, button: string) => void;
  remove: () => void;
  change: (next: Step) => Promise<string | null>;
}

function Row({ at, step, input, kinds, last, isOpen, disabled, toggle, move, remove, change }: RowProps) {
  const id = useId();
  const problems = useSetup((state) => state.reply?.problems) ?? [];
  const name = nameOf(step);
  const kind = kinds[name];
  const mine = problems.filter((problem) => isWithin(problem, ["augment", input, at]));
  const said = summary(step, kind?.defaults ?? {});
  const words = `${name}, step ${at + 1} of ${input}`;
  return (
    <li className={mine.some(({ severity }) => severity === "error") ? "is-wrong" : ""}>
      <div
        className="setup-row"
        onKeyDown={(event) => {
          if (!event.altKey || (event.key !== "ArrowUp" && event.key !== "ArrowDown")) return;
          event.preventDefault();
          move(event.key === "ArrowUp" ? at - 1 : at + 1, event.key === "ArrowUp" ? "up" : "down");
        }}
      >
        <IconButton
          icon={isOpen ? "down" : "right"}
          label={`Parameters of ${words}`}
          small
          aria-expanded={isOpen}
          aria-controls={id}
          disabled={!kind?.fields.length}
          onClick={toggle}
        />
        <Select
          aria-label={`Step ${at + 1} of ${input}`}
          data-go={`name-${at}`}
          title={kind?.about ?? ""}
          value={name}
          disabled={disabled}
          change={(value) => void change(stepOf(value, {}))}
        >
          {Object.keys(kinds).map((one) => (
            <option key={one}>{one}</option>
          ))}
        </Select>
        {(["up", "down"] as const).map((way) => (
          <IconButton
            key={way}
            icon={way}
            label={`Move ${words} ${way}`}
            small
            title={`Move ${way} (Alt+Arrow ${way})`}
            data-go={`${way}-${at}`}
            disabled={disabled || (way === "up" ? at === 0 : last)}
            onClick={() => move(way === "up" ? at - 1 : at + 1, way)}
          />
        ))}
        <IconButton
          icon="remove"
          label={`Remove ${words}`}
          small
          title="Remove"
          data-go={`remove-${at}`}
          disabled={disabled}
          onClick={remove}
        />
      </div>
      {said && !isOpen && (
        <div className="setup-row-summary" title={said}>
          {said}
        </div>
      )}
      <ProblemList problems={mine} of="recipe" />
      {isOpen && kind && (
        <fieldset id={id} className="setup-row-fields" aria-label={`Parameters of ${words}`}>
          <p className="setup-hint">{kind.about}</p>
          {kind.fields.map(({ label, help, json_schema }) => {
            const field = fieldOf(json_schema);
            const own = paramsOf(step)[label];
            const fallback = kind.defaults[label];
            const isGiven = own !== undefined && own !== null;
            return (
              <FormField
                key={`${name}.${label}`}
                name={label}
                field={field}
                value={isGiven ? own : (fallback ?? undefined)}
                given={isGiven}
                commit={(value) => change(withParam(step, label, value))}
                reset={() => void change(withParam(step, label, undefined))}
                resetWords={fallback == null ? "Leave it to the input" : `Back to ${textOf(field, fallback)}`}
                placeholder={fallback == null ? "by the input" : ""}
                help={help}
                disabled={disabled}
              />
            );
          })}
        </fieldset>
      )}
    </li>
  );
}
