import { closeDock, DOCK_TABS, openDock } from "../dock";
import { Button, IconButton } from "../ui/Button";
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
        <Button key={tab} look="quiet" className="is-tight" title={`Show ${tab} below`} onClick={() => openDock(tab)}>
          {tab}
        </Button>
      ))}
      <Button look="main" title="Run the model below" onClick={() => openDock("Run")}>
        <Icon name="play" />
        Run
      </Button>
      <IconButton
        icon={open ? "down" : "up"}
        label="Dock"
        aria-expanded={open}
        title={open ? "Close the dock" : "Open the dock"}
        onClick={() => (open ? closeDock() : openDock())}
      />
    </div>
  );
}
