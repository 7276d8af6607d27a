import { useComposer } from "../store";
import { CopyButton } from "../ui/CopyButton";
import { Icon } from "../ui/Icon";

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
          <button
            type="button"
            className="composer-button is-quiet is-icon is-small"
            aria-label="Dismiss"
            onClick={() => set({ toasts: toasts.filter((one) => one !== toast) })}
          >
            <Icon name="close" />
          </button>
        </div>
      ))}
    </div>
  );
}
