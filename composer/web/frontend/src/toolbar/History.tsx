import { keysOf } from "../shortcuts";
import { useComposer } from "../store";
import { IconButton } from "../ui/Button";

/** Undo and redo, with what they take back. */
export function History() {
  const { undo, redo } = useComposer.getState();
  const last = useComposer((state) => state.past.at(-1)?.label);
  const next = useComposer((state) => state.future.at(-1)?.label);
  return (
    <div className="composer-tools" role="group" aria-label="History">
      <Travel words="Undo" icon="undo" about={last} action={undo} />
      <Travel words="Redo" icon="redo" about={next} action={redo} />
    </div>
  );
}

interface Props {
  words: "Undo" | "Redo";
  icon: "undo" | "redo";
  about: string | undefined;
  action: () => Promise<void>;
}

function Travel({ words, icon, about, action }: Props) {
  const name = about === undefined ? `${words}: nothing` : `${words}: ${about}`;
  return (
    <IconButton
      icon={icon}
      label={name}
      disabled={about === undefined}
      title={`${name} (${keysOf(icon)})`}
      onClick={() => void action()}
    />
  );
}
