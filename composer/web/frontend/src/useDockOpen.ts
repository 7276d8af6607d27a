import { useSyncExternalStore } from "react";
import { dockIsOpen } from "./dock";

const listen = (changed: () => void) => {
  const seen = new MutationObserver(changed);
  seen.observe(document.body, { attributeFilter: ["class"] });
  return () => seen.disconnect();
};

/** Whether the dock is open. */
export const useDockOpen = (): boolean => useSyncExternalStore(listen, dockIsOpen);
