import { ChoiceControl } from "./ChoiceControl";
import { SwitchControl } from "./SwitchControl";
import { type ControlProps, TextControl } from "./TextControl";
import { UnionControl } from "./UnionControl";

/** The control of a field. */
export function Control(props: ControlProps & { fallback?: unknown }) {
  const { field, value } = props;
  switch (field.kind) {
    case "union":
      return <UnionControl {...props} Form={Control} />;
    case "choice":
      return <ChoiceControl {...props} />;
    case "switch":
      return value === undefined || typeof value === "boolean" ? (
        <SwitchControl {...props} />
      ) : (
        <ChoiceControl {...props} />
      );
    default:
      return <TextControl {...props} />;
  }
}
