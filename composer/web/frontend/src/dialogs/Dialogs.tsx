import "./dialogs.css";
import { useComposer } from "../store";
import { Guarded } from "../ui/Guarded";
import { Conflict } from "./Conflict";
import { Failed } from "./Failed";
import { cancel } from "./files";
import { Gallery } from "./Gallery";
import { Offline } from "./Offline";
import { Reading } from "./Reading";
import { Recovery } from "./Recovery";
import { Save } from "./Save";
import { Shortcuts } from "./Shortcuts";
import { Toasts } from "./Toasts";
import { Unsaved } from "./Unsaved";

const DIALOGS = {
  gallery: Gallery,
  save: Save,
  shortcuts: Shortcuts,
  conflict: Conflict,
  recovery: Recovery,
  unsaved: Unsaved,
  failure: Failed,
  reading: Reading,
};

/** Whatever lies over the page. */
export function Dialogs() {
  const dialog = useComposer((state) => state.dialog);
  const Open = dialog && DIALOGS[dialog];
  return (
    <>
      {Open && (
        <Guarded key={dialog} what="dialog" close={cancel}>
          <Open />
        </Guarded>
      )}
      <Guarded what="messages">
        <Offline />
        <Toasts />
      </Guarded>
    </>
  );
}
