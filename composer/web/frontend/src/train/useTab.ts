import { useEffect, useState } from "react";
import { useDockOpen } from "../useDockOpen";

/** A place in the dock by its id (the Train tab), as soon as Gradio has drawn it; null while it is not shown. */
export function useTab(id = "composer-train"): HTMLElement | null {
  const open = useDockOpen();
  const [place, setPlace] = useState<HTMLElement | null>(null);
  useEffect(() => {
    let waiting = 0;
    const look = () => {
      const found = document.querySelector<HTMLElement>(`#${id}`);
      setPlace(found?.offsetParent ? found : null);
    };
    const changed = new MutationObserver(look);
    const listen = () => {
      const dock = document.querySelector("#composer-dock");
      if (!dock) waiting = window.setTimeout(listen, 100);
      else changed.observe(dock, { subtree: true, childList: true, attributeFilter: ["style", "class", "hidden"] });
      look();
    };
    listen();
    return () => {
      window.clearTimeout(waiting);
      changed.disconnect();
    };
  }, [id]);
  return open ? place : null;
}
