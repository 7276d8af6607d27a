import { type MouseEvent, useEffect, useState } from "react";
import { Refusal } from "../bridge";
import { number } from "../logic/nodeValues";
import type { MapView, ValueRow } from "../payloads";
import { useComposer } from "../store";
import { Button } from "../ui/Button";
import { Vector } from "./Bars";

interface Shown {
  view: MapView | null;
  refused: string;
}

/** The values of a tensor for the first sample: channels as tiles, one channel, a matrix, or a vector as bars. */
export function MapOf({ pass, row }: { pass: string; row: ValueRow }) {
  const [at, setAt] = useState<{ channel: number | null; first: number }>({ channel: null, first: 0 });
  const { view, refused } = useMap(pass, row, at.channel, at.first);
  if (row.offset === null)
    return <p className="composer-soft">Its values were not kept, for want of room: run again while it is selected.</p>;
  if (refused) return <p className="composer-soft">{refused}</p>;
  if (!view) return <p className="composer-soft">Reading its values ...</p>;
  if (view.kind === "bars") {
    return (
      <>
        <Vector values={view.bars} low={view.low} high={view.high} />
        <p className="composer-soft">
          {view.columns.toLocaleString("en")} values of the first sample
          {view.left_out > 0 && `, the first ${view.bars.length} of them`}.
        </p>
      </>
    );
  }
  const pages = view.kind === "tiles" && view.left_out > 0;
  return (
    <figure className="composer-values-map">
      {view.channels > 1 && (
        <div className="composer-values-channel">
          <label>
            Channel
            <input
              type="number"
              aria-label="Channel"
              min={0}
              max={view.channels - 1}
              placeholder="all"
              value={at.channel ?? ""}
              onChange={({ target }) => {
                const wanted = Math.trunc(Number(target.value));
                const most = view.channels - 1;
                setAt({ ...at, channel: target.value === "" ? null : Math.min(Math.max(wanted, 0), most) });
              }}
            />
          </label>
          <span className="composer-soft">of {view.channels.toLocaleString("en")}</span>
          {at.channel !== null && (
            <Button look="link" onClick={() => setAt({ ...at, channel: null })}>
              All channels
            </Button>
          )}
          {at.channel === null && pages && (
            <>
              <Button
                look="link"
                disabled={!at.first}
                onClick={() => setAt({ ...at, first: Math.max(0, at.first - TILES) })}
              >
                ← before
              </Button>
              <Button
                look="link"
                disabled={at.first + TILES >= view.channels}
                onClick={() => setAt({ ...at, first: at.first + TILES })}
              >
                next →
              </Button>
            </>
          )}
        </div>
      )}
      <MapImage view={view} choose={(channel) => setAt({ ...at, channel })} />
      <figcaption className="composer-soft">{captionOf(view)}</figcaption>
    </figure>
  );
}

const TILES = 64;

function MapImage({ view, choose }: { view: MapView; choose: (channel: number) => void }) {
  const tiles = view.kind === "tiles";
  const channelAt = (event: MouseEvent<HTMLElement>): number | null => {
    const area = event.currentTarget.getBoundingClientRect();
    const [x, y] = [
      ((event.clientX - area.left) / area.width) * view.width,
      ((event.clientY - area.top) / area.height) * view.height,
    ];
    const place = Math.floor(y / view.cell[1]) * view.across + Math.floor(x / view.cell[0]);
    const found = view.first + place;
    return place >= 0 && found < Math.min(view.channels, view.first + TILES) ? found : null;
  };
  const image = <img src={`data:image/png;base64,${view.image}`} alt={captionOf(view)} draggable={false} />;
  if (!tiles) return image;
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: the field above chooses a channel by the keyboard
    <span
      className="composer-values-tiles"
      onMouseMove={(event) => {
        const channel = channelAt(event);
        event.currentTarget.title = channel === null ? "" : `Channel ${channel}. Click to show it alone`;
      }}
      onClick={(event) => {
        const channel = channelAt(event);
        if (channel !== null) choose(channel);
      }}
    >
      {image}
    </span>
  );
}

function captionOf(view: MapView): string {
  const size = `${view.rows} × ${view.columns}`;
  const from = `from ${number(view.low)} (dark) to ${number(view.high)}`;
  if (view.kind === "matrix") {
    const more = view.left_out ? `, its upper left corner` : "";
    return `${view.rows} rows of ${view.columns} values${more}, ${from}; first sample.`;
  }
  if (view.kind === "map")
    return `${view.channels > 1 ? `Channel ${view.first}, ` : ""}${size}, ${from}; first sample.`;
  const last = Math.min(view.first + TILES, view.channels) - 1;
  const which = view.left_out ? `Channels ${view.first} to ${last} of ${view.channels}` : `${view.channels} channels`;
  return `${which} of ${size}, each from its least (dark) to its greatest value; first sample. Pink is NaN or infinite.`;
}

/** Ask for the values as they are shown; the last answer stays until the next one is there. */
function useMap(pass: string, row: ValueRow, channel: number | null, first: number): Shown {
  const [shown, setShown] = useState<Shown>({ view: null, refused: "" });
  const { node, port, level, offset } = row;
  useEffect(() => {
    if (offset === null) return;
    let current = true;
    const request = { name: pass, node, port, level, channel, first };
    useComposer
      .getState()
      .bridge.call<MapView>("run_map", request)
      .then((view) => current && setShown({ view, refused: "" }))
      .catch((error: unknown) => {
        if (!(error instanceof Refusal)) throw error;
        if (current) setShown({ view: null, refused: error.message });
      });
    return () => {
      current = false;
    };
  }, [pass, node, port, level, offset, channel, first]);
  return shown;
}
