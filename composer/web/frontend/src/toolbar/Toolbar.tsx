import "./toolbar.css";
import { openDock } from "../dock";
import { keysOf } from "../shortcuts";
import { unsaved, useComposer } from "../store";
import { Button, IconButton } from "../ui/Button";
import { Icon } from "../ui/Icon";
import { type Entry, Menu } from "../ui/Menu";
import { DockButtons, FOLDED_TABS } from "./DockButtons";
import { FileButtons } from "./FileButtons";
import { History } from "./History";
import { Lens, useLens } from "./Lens";
import { PanelButton } from "./Panels";
import { ProblemCount } from "./ProblemCount";
import { ThemeSwitch } from "./ThemeSwitch";
import { useTheme } from "./theme";
import { useFold } from "./useFold";

/** What the bar leaves out, step by step, where the window is too narrow. */
const FOLD = { words: 1, dock: 2, lens: 3, count: 4 };

/** The bar on top of the page. */
export function Toolbar() {
  const { set, select } = useComposer.getState();
  const busy = useComposer((state) => state.busy > 0);
  const [theme, next, switchTheme] = useTheme();
  const [bar, fold] = useFold(FOLD.count);
  const modes = useLens();
  const help = () => set({ dialog: "shortcuts" });
  const folded: Entry[] = [];
  if (fold >= FOLD.lens) folded.push(...modes);
  if (fold >= FOLD.dock) {
    folded.push(
      ...FOLDED_TABS.map((tab) => ({ words: tab, icon: <Icon name="up" />, action: () => openDock(tab) })),
      { words: `Theme: ${theme}. Change to ${next}`, icon: <Icon name={theme} />, action: switchTheme },
      { words: "Help: shortcuts", icon: <Icon name="help" />, action: help, keys: keysOf("help") },
    );
  }
  return (
    <header ref={bar} className={`composer-toolbar is-fold-${fold}`} aria-label="Toolbar">
      <Title
        onClick={() => {
          select([]);
          set({ panel: "inspector" });
        }}
      />
      <PanelButton panel="palette" />
      <FileButtons words={fold < FOLD.words} />
      <History />
      {fold < FOLD.lens && <Lens modes={modes} />}
      <ProblemCount words={fold < FOLD.count} />
      <span className="composer-gap" />
      <DockButtons tabs={fold < FOLD.dock} />
      <PanelButton panel="side" />
      {fold < FOLD.dock ? (
        <>
          <ThemeSwitch theme={theme} next={next} change={switchTheme} />
          <IconButton icon="help" label="Help: shortcuts" title={`Shortcuts (${keysOf("help")})`} onClick={help} />
        </>
      ) : (
        <Menu label="More" entries={folded} end />
      )}
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
    <Button
      look="bare"
      className="composer-graphname"
      title={`${name}: ${where}${changed ? ", with unsaved changes" : ""}. Click for its settings.`}
      onClick={onClick}
    >
      <span className="composer-graphname-name">
        <b>{name || "untitled"}</b>
        {changed && <span className="composer-dot" role="img" aria-label="unsaved changes" />}
      </span>
      <span className="composer-graphname-file">{where}</span>
    </Button>
  );
}
