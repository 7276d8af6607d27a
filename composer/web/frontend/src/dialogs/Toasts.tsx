import { useComposer } from "../store";
import { IconButton } from "../ui/Button";
import { CopyButton } from "../ui/CopyButton";

/** What happened, for a few seconds; read aloud where somebody listens. */
export function Toasts() {
  const toasts = useComposer((state) => state.toasts);
  const set = useComposer((state) => state.set);
  return (
    <div className="composer-toasts" role="status" aria-live="polite">
      {toasts.map((toast) => (
        <div key={toast.id} className={`composer-toast is-${toast.kind}`}>
          <span className="composer-lines">{toast.text}</span>
          {toast.code && (
            <span className="composer-toast-code">
              <code>{toast.code}</code>
              <CopyButton text={toast.code} what="the line" />
            </span>
          )}
          <IconButton
            icon="close"
            label="Dismiss"
            small
            onClick={() => set({ toasts: toasts.filter((one) => one !== toast) })}
          />
        </div>
      ))}
    </div>
  );
}
