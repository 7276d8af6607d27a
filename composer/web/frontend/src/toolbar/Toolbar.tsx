import "./controls.css";
import "./toolbar.css";
import { keysOf } from "../shortcuts";
import { unsaved, useComposer } from "../store";
import { DockButtons } from "./DockButtons";
import { FileButtons } from "./FileButtons";
import { History } from "./History";
import { Icon } from "./Icon";
import { Lens } from "./Lens";
import { PanelButton } from "./Panels";
import { ProblemCount } from "./ProblemCount";
import { ThemeSwitch } from "./ThemeSwitch";

/** The bar on top of the page. */
export function Toolbar() {
  const { set, select } = useComposer.getState();
  const busy = useComposer((state) => state.busy > 0);
  return (
    <header className="composer-toolbar" aria-label="Toolbar">
      <Title
        onClick={() => {
          select([]);
          set({ panel: "inspector" });
        }}
      />
      <PanelButton panel="palette" />
      <FileButtons />
      <History />
      <Lens />
      <ProblemCount />
      <span className="composer-gap" />
      <DockButtons />
      <PanelButton panel="side" />
      <ThemeSwitch />
      <button
        type="button"
        className="composer-button is-quiet is-icon"
        aria-label="Help: shortcuts"
        title={`Shortcuts (${keysOf("help")})`}
        onClick={() => set({ dialog: "shortcuts" })}
      >
        <Icon name="help" />
      </button>
      <div
        className={`composer-busy${busy ? " is-on" : ""}`}
        role="progressbar"
        aria-label="Working"
        aria-hidden={!busy}
      />
    </header>
  );
}

const PLACES = { none: "not saved to a file", shipped: "comes with composer", workspace: "" };

/** The graph's name, its file, and whether it has changes that are not saved. */
function Title({ onClick }: { onClick: () => void }) {
  const name = useComposer((state) => state.view?.name ?? "");
  const file = useComposer((state) => state.file);
  const changed = useComposer(unsaved);
  const where = file.place === "workspace" ? file.name : PLACES[file.place];
  return (
    <button
      type="button"
      className="composer-graphname"
      title={`${name}: ${where}${changed ? ", with unsaved changes" : ""}. Click for its settings.`}
      onClick={onClick}
    >
      <span className="composer-graphname-name">
        <b>{name || "untitled"}</b>
        {changed && <span className="composer-dot" role="img" aria-label="unsaved changes" />}
      </span>
      <span className="composer-graphname-file">{where}</span>
    </button>
  );
}
