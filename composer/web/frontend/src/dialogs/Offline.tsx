import { useEffect } from "react";
import { begin } from "../session";
import { useComposer } from "../store";
import { Button } from "../ui/Button";

/** Says that the server does not answer, and asks it again until it does. */
export function Offline() {
  const offline = useComposer((state) => state.offline);
  useEffect(() => {
    if (!offline) return;
    const timer = setInterval(() => void again(), 3000);
    return () => clearInterval(timer);
  }, [offline]);
  if (!offline) return null;
  return (
    <div className="composer-offline" role="alert">
      The server does not answer: your work is kept in this browser.
      <Button small onClick={() => void again()}>
        Try again
      </Button>
    </div>
  );
}

async function again(): Promise<void> {
  const { bridge, document, path, set, notify, catalog } = useComposer.getState();
  if (!catalog || !document) return begin(bridge.host);
  try {
    await bridge.call("look", { document, path });
  } catch (error) {
    if (error instanceof Error && "offline" in error && error.offline) return;
  }
  if (useComposer.getState().offline) notify("success", "The server answers again.");
  set({ offline: false });
}
