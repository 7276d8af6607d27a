/** Whether two documents are the same graph: where its boxes stand, and other notes about it, do not count. */
export function sameGraph(one: string, other: string): boolean {
  return one === other || graphIn(one) === graphIn(other);
}

/** The newest documents that were compared, without their notes: a large graph is read once and not with each frame. */
const read = new Map<string, string>();
const MOST = 4;

function graphIn(document: string): string {
  const known = read.get(document);
  if (known !== undefined) return known;
  let found = document;
  try {
    const { metadata: _, ...graph } = JSON.parse(document) as Record<string, unknown>;
    found = JSON.stringify(graph);
  } catch {
    // no document is the same as itself alone
  }
  read.set(document, found);
  for (const key of read.keys()) {
    if (read.size <= MOST) break;
    read.delete(key);
  }
  return found;
}
