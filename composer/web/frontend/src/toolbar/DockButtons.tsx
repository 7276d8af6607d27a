import { useSyncExternalStore } from "react";
import { closeDock, DOCK_TABS, dockIsOpen, openDock } from "../dock";
import { Icon } from "./Icon";

const listen = (changed: () => void) => {
  const seen = new MutationObserver(changed);
  seen.observe(document.body, { attributeFilter: ["class"] });
  return () => seen.disconnect();
};

/** Open the dock below on one of its tabs; Run first. */
export function DockButtons() {
  const open = useSyncExternalStore(listen, dockIsOpen);
  return (
    <div className="composer-tools" role="group" aria-label="Dock">
      {DOCK_TABS.filter((tab) => tab !== "Run").map((tab) => (
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
