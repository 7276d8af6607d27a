import { useMemo, useState } from "react";
import { exact } from "../../logic/format";
import type { SplitView } from "../../payloads";
import { Button } from "../../ui/Button";
import { Segments } from "../../ui/Segments";
import { TextInput } from "../../ui/TextInput";
import { ranked, spread } from "./values";

const FEW = 30;

/** How many samples each class has: bars with names where there are few, their profile where there are many. */
export function ClassChart({ splits }: { splits: SplitView[] }) {
  const [name, setName] = useState<SplitView["name"]>("train");
  const [all, setAll] = useState(false);
  const [wanted, setWanted] = useState("");
  const split = splits.find((one) => one.name === name) ?? splits[0];
  const bars = useMemo(() => ranked(split?.classes ?? [], split?.counts ?? []), [split]);
  if (!split || !bars.length) return null;
  const most = Math.max(bars[0]?.count ?? 1, 1);
  const search = wanted.trim().toLowerCase();
  const matching = search ? bars.filter((bar) => bar.name.toLowerCase().includes(search)) : bars;
  const shown = matching.slice(0, all ? 500 : FEW);
  return (
    <figure className="setup-chart">
      <figcaption>
        <b>{split.unit || "samples"} by class</b>
        <span className="composer-soft">{spread(bars)}</span>
        {splits.length > 1 && (
          <Segments options={splits.map((one) => [one.name, one.name])} chosen={split.name} choose={setName} />
        )}
      </figcaption>
      {bars.length > FEW && <Profile counts={bars.map((bar) => bar.count)} most={most} />}
      {bars.length > FEW && (
        <TextInput
          type="search"
          aria-label="Find a class"
          placeholder={`Find one of ${exact(bars.length)} classes`}
          value={wanted}
          change={setWanted}
        />
      )}
      <ul>
        {shown.map((bar, place) => (
          <li key={`${bar.name} ${place}`} title={`${bar.name}: ${exact(bar.count)}`}>
            <span className="setup-bar-name">{bar.name}</span>
            <span className="setup-bar-track">
              <i style={{ width: `${(100 * bar.count) / most}%` }} className={bar.count ? "" : "is-none"} />
            </span>
            <span className="setup-bar-count">{exact(bar.count)}</span>
          </li>
        ))}
      </ul>
      {matching.length > shown.length && (
        <Button look="link" onClick={() => setAll(true)}>
          Show {exact(Math.min(matching.length, 500))} of {exact(matching.length)}
        </Button>
      )}
      {split.class_count > bars.length && (
        <p className="setup-hint">
          The first {exact(bars.length)} of {exact(split.class_count)} classes.
        </p>
      )}
    </figure>
  );
}

/** The counts of many classes side by side, from the largest to the smallest. */
function Profile({ counts, most }: { counts: number[]; most: number }) {
  const columns = Math.min(counts.length, 200);
  const heights = Array.from({ length: columns }, (_, place) => {
    const index = Math.floor(((place + 0.5) * counts.length) / columns);
    return ((counts[index] ?? 0) / most) * 40;
  });
  return (
    <svg className="setup-profile" viewBox={`0 0 ${columns} 40`} preserveAspectRatio="none" role="img">
      <title>Sizes of all classes, from the largest to the smallest</title>
      {heights.map((height, place) => (
        <rect key={place} x={place} y={40 - height} width={0.9} height={Math.max(height, 0.4)} />
      ))}
    </svg>
  );
}
