import { useComposer } from "../store";
import { Button } from "../ui/Button";

/** The way to the open subgraph; each step leads back. */
export function Breadcrumb() {
  const path = useComposer((state) => state.path);
  const name = useComposer((state) => state.view?.name ?? "");
  const scope = useComposer((state) => state.view?.scope);
  const leave = useComposer((state) => state.leave);
  if (!path.length) return null;
  return (
    <nav className="composer-breadcrumb" aria-label="open subgraph">
      <Button look="bare" onClick={() => void leave(0)}>
        {name || "graph"}
      </Button>
      {path.map((step, at) => (
        <span key={path.slice(0, at + 1).join("/")}>
          <i aria-hidden="true">›</i>
          {at === path.length - 1 ? (
            <b aria-current="page">{step}</b>
          ) : (
            <Button look="bare" onClick={() => void leave(at + 1)}>
              {step}
            </Button>
          )}
        </span>
      ))}
      {scope && scope !== path.at(-1) && <small>subgraph {scope}</small>}
      <small>Esc leaves</small>
    </nav>
  );
}
