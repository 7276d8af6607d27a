/** What the process of a run printed. */
export function Output({ lines }: { lines: string[] }) {
  if (!lines.length) return <p className="train-empty">Its process printed nothing.</p>;
  return <pre className="train-words">{lines.join("\n")}</pre>;
}
