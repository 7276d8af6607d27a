import { printed } from "../logic/keys";
import { SHORTCUTS, type Shortcut } from "../shortcuts";
import { useComposer } from "../store";
import { Modal } from "../ui/Modal";
import { FirstSteps } from "./FirstSteps";

/** How to begin, then all that keys do, by group. */
export function Shortcuts() {
  const set = useComposer((state) => state.set);
  const groups = new Map<string, Shortcut[]>();
  for (const one of SHORTCUTS) groups.set(one.group, [...(groups.get(one.group) ?? []), one]);
  return (
    <Modal title="Help: first steps and shortcuts" size="wide" onClose={() => set({ dialog: null })}>
      <div className="composer-shortcuts" tabIndex={0} data-first aria-label="First steps, and all shortcuts">
        <FirstSteps />
        {[...groups].map(([group, entries]) => (
          <section key={group}>
            <h3>{group}</h3>
            <dl>
              {entries.map((one) => (
                <div key={one.id}>
                  <dt>{one.words}</dt>
                  <dd>
                    {one.keys.map((keys) => (
                      <kbd key={keys} className="composer-kbd">
                        {printed(keys)}
                      </kbd>
                    ))}
                  </dd>
                </div>
              ))}
            </dl>
          </section>
        ))}
      </div>
    </Modal>
  );
}
