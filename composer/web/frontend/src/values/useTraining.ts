import { useEffect, useRef } from "react";
import type { TrainNodesView } from "../payloads";
import { useComposer } from "../store";
import { ask } from "../train/ask";
import { isActive, useTrain } from "../train/store";
import { useTab } from "../train/useTab";
import { useValues } from "./store";

const OFTEN = 3000;
const SELDOM = 15000;

/** Follow the nodes of the run that the Train tab shows; the canvas turns to them when the tab is opened. */
export function useTraining(): void {
  const { chosen, side, table } = useTrain();
  const tab = useTab();
  const watched = tab && side === "runs" ? chosen : null;
  const active = table?.rows.some((row) => row.name === watched && isActive(row.state)) ?? false;
  const last = useRef({ run: "", document: "", differs: null as string | null });
  useEffect(() => {
    if (!watched) return;
    let timer = 0;
    let ended = false;
    const look = async () => {
      const { document } = useComposer.getState();
      const fresh = last.current.run !== watched || last.current.document !== document;
      if (!window.document.hidden) {
        try {
          const view = await ask<TrainNodesView>("nodes", { name: watched, document: fresh ? document : null });
          if (ended) return;
          const differs = fresh ? view.differs : last.current.differs;
          last.current = { run: watched, document, differs };
          const had = useValues.getState().training?.name === watched;
          useValues.getState().set({ training: { ...view, differs }, ...(had ? {} : { source: "training" }) });
        } catch {
          // the tab itself says that the server does not answer, or that the run is gone
        }
      }
      if (!ended) timer = window.setTimeout(() => void look(), active ? OFTEN : SELDOM);
    };
    void look();
    return () => {
      ended = true;
      window.clearTimeout(timer);
    };
  }, [watched, active]);
}
