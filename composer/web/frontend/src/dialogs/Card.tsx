import { counted } from "../logic/format";
import type { FileEntry } from "../payloads";
import { Button } from "../ui/Button";
import { Icon } from "../ui/Icon";

/** So long an image that only its beginning is shown, which can be made out then. */
const isLong = (image: HTMLImageElement): boolean => image.naturalWidth > 8 * image.naturalHeight;

/** A graph in the gallery. Its drawing is shown as an image, so that nothing in it can act. */
export function Card({ entry, onOpen }: { entry: FileEntry; onOpen: () => void }) {
  const name = `Open ${entry.title}${entry.problem ? ", which has a problem" : ""}`;
  return (
    <Button look="bare" className="composer-card" aria-label={name} title={entry.about || entry.name} onClick={onOpen}>
      <span className="composer-card-image">
        {entry.thumbnail ? (
          <img
            alt=""
            loading="lazy"
            onLoad={(event) => event.currentTarget.classList.toggle("is-long", isLong(event.currentTarget))}
            src={`data:image/svg+xml,${encodeURIComponent(entry.thumbnail)}`}
          />
        ) : (
          <Icon name={entry.problem ? "problem" : "file"} />
        )}
      </span>
      <span className="composer-card-title">
        <b>{entry.title}</b>
        {entry.has_weights && (
          <span className="composer-pill is-good" title="Weights lie beside it">
            weights
          </span>
        )}
      </span>
      <span className="composer-card-file composer-mono composer-soft">{entry.name}</span>
      {entry.problem ? (
        <span className="composer-card-about composer-reason">{entry.problem}</span>
      ) : (
        <span className="composer-card-about">{entry.about}</span>
      )}
      <span className="composer-card-marks">
        {entry.modes.map((mode) => (
          <span key={mode} className="composer-chip">
            {mode}
          </span>
        ))}
        <span className="composer-soft">{counted(entry.nodes, "node")}</span>
      </span>
    </Button>
  );
}
