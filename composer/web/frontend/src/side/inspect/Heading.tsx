import type { ReactNode } from "react";
import { centre } from "../../goTo";
import { useComposer } from "../../store";
import { IconButton } from "../../ui/Button";
import { act, change } from "../edits";
import { TextLine } from "../form/TextLine";
import { Prose } from "./Prose";

interface Props {
  name: string;
  type: string;
  kind: string;
  about?: string;
  children?: ReactNode;
}

/** Name of a box, which can be changed, and what it is. */
export function Heading({ name, type, kind, about, children }: Props) {
  const select = useComposer((state) => state.select);
  const remove = () => {
    act(`delete ${name}`, { op: "remove", names: [name] });
    select([]);
  };
  return (
    <div className="composer-heading">
      <div className="composer-heading-row">
        <TextLine
          label={`Name of ${name}`}
          hideLabel
          value={name}
          commit={(to) => change(`rename ${name}`, { op: "rename", name, to: String(to).trim() })}
        />
        <IconButton
          icon="goto"
          label={`Show ${name} on the canvas`}
          title="Show it on the canvas"
          onClick={() => centre(name)}
        />
        <IconButton icon="remove" label={`Delete ${name}`} title="Delete" onClick={remove} />
      </div>
      <div className="composer-heading-row">
        <b className="composer-heading-type">{type}</b>
        <span className="composer-chip">{kind}</span>
        <span className="composer-gap" />
        {children}
      </div>
      {about && (
        <p className="composer-soft">
          <Prose text={about} />
        </p>
      )}
    </div>
  );
}
