import { closeDock, DOCK_TABS, openDock } from "../dock";
import { Icon } from "../ui/Icon";
import { useDockOpen } from "../useDockOpen";

/** Those that go into a menu where the window is narrow; Run stays. */
export const FOLDED_TABS = DOCK_TABS.filter((tab) => tab !== "Run");

/** Open the dock below on one of its tabs; Run first. */
export function DockButtons({ tabs }: { tabs: boolean }) {
  const open = useDockOpen();
  return (
    <div className="composer-tools" role="group" aria-label="Dock">
      {(tabs ? FOLDED_TABS : []).map((tab) => (
        <button
          key={tab}
          type="button"
          className="composer-button is-quiet is-tight"
          title={`Show ${tab} below`}
          onClick={() => openDock(tab)}
        >
          {tab}
        </button>
      ))}
      <button
        type="button"
        className="composer-button is-main"
        title="Run the model below"
        onClick={() => openDock("Run")}
      >
        <Icon name="play" />
        Run
      </button>
      <button
        type="button"
        className="composer-button is-quiet is-icon"
        aria-label="Dock"
        aria-expanded={open}
        title={open ? "Close the dock" : "Open the dock"}
        onClick={() => (open ? closeDock() : openDock())}
      >
        <Icon name={open ? "down" : "up"} />
      </button>
    </div>
  );
}
