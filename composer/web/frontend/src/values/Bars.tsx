import { number } from "../logic/nodeValues";

interface Props {
  counts: number[];
  low: number;
  high: number;
  label: string;
}

/** A histogram: how many values lie in each bin. */
export function Bars({ counts, low, high, label }: Props) {
  const most = Math.max(...counts, 1);
  const width = 100 / counts.length;
  const edge = (at: number) => number(low + ((high - low) * at) / counts.length);
  return (
    <figure className="composer-values-bars">
      <svg viewBox="0 0 100 40" preserveAspectRatio="none" role="img" aria-label={label}>
        {counts.map((count, at) => (
          <rect
            key={at}
            x={at * width}
            y={40 - Math.max((40 * count) / most, count ? 0.6 : 0)}
            width={width * 0.86}
            height={Math.max((40 * count) / most, count ? 0.6 : 0)}
          >
            <title>{`${edge(at)} to ${edge(at + 1)}: ${count.toLocaleString("en")}`}</title>
          </rect>
        ))}
      </svg>
      <figcaption>
        <span>{number(low)}</span>
        <span>{number(high)}</span>
      </figcaption>
    </figure>
  );
}

/** A vector as bars from 0; what is no finite number is marked over the whole height. */
export function Vector({ values, low, high }: { values: (number | null)[]; low: number | null; high: number | null }) {
  const top = Math.max(high ?? 0, 0);
  const span = top - Math.min(low ?? 0, 0) || 1;
  const width = 100 / values.length;
  return (
    <figure className="composer-values-bars is-vector">
      <svg viewBox="0 0 100 40" preserveAspectRatio="none" role="img" aria-label={`${values.length} values as bars`}>
        {values.map((value, at) => (
          <rect
            key={at}
            className={value === null ? "is-bad" : undefined}
            x={at * width}
            y={value === null ? 0 : (40 * (top - Math.max(value, 0))) / span}
            width={width * (values.length > 100 ? 1 : 0.86)}
            height={value === null ? 40 : Math.max((40 * Math.abs(value)) / span, value ? 0.4 : 0)}
          >
            <title>{`[${at}] ${value === null ? "NaN or infinite" : number(value)}`}</title>
          </rect>
        ))}
      </svg>
      <figcaption>
        <span>{number(low)}</span>
        <span>{number(high)}</span>
      </figcaption>
    </figure>
  );
}
