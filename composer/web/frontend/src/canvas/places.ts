import { type Link, placeUnplaced, type Sized } from "./layout";

/** At first they leave room for a small graph. */
const ROOM = 640;

/** Where boxes stand of which the document says nothing, for each scope of the open document. */
export class Places {
  private opened = -1;
  private scopes = new Map<string, Map<string, [number, number]>>();
  private mine = new Map<string, [number, number]>();

  open(opened: number, scope: string): void {
    if (opened !== this.opened) this.scopes.clear();
    this.opened = opened;
    this.mine = this.scopes.get(scope) ?? new Map();
    this.scopes.set(scope, this.mine);
  }

  /** Places for all boxes that have none; those that were found before stay. */
  fill(boxes: Sized[], links: Link[]): Map<string, [number, number]> {
    const lost = boxes.filter((box) => !box.position);
    const fresh = lost.filter((box) => !this.mine.has(box.id));
    const gone = [...this.mine.keys()].filter((id) => !boxes.some((box) => box.id === id));
    if (fresh.length === 1 && gone.length === 1 && fresh[0]) {
      const place = this.mine.get(gone[0] ?? "");
      if (place) this.mine.set(fresh[0].id, place);
    }
    const wired = new Set(links.flatMap((link) => [link.source, link.target]));
    const idle = (id: string) => isOutputs(id) && !wired.has(id);
    const known = boxes
      .filter((box) => !(idle(box.id) && !box.position))
      .map((box) => ({ ...box, position: box.position ?? this.position(box.id) }));
    for (const [id, place] of placeUnplaced(known, links)) this.mine.set(id, place);
    this.standAside(boxes, idle);
    return this.mine;
  }

  private position(id: string): { x: number; y: number } | null {
    const place = this.mine.get(id);
    return place ? { x: place[0], y: place[1] } : null;
  }

  /** Outputs that nothing is wired to stand in the last column, below what is there. */
  private standAside(boxes: Sized[], idle: (id: string) => boolean): void {
    const mine = boxes.filter((box) => !box.position && idle(box.id));
    if (!mine.length) return;
    const others = boxes
      .filter((box) => !mine.includes(box))
      .map((box) => ({ ...box, at: box.position ?? this.position(box.id) ?? { x: 0, y: 0 } }));
    const x = others.length
      ? Math.max(...others.map(({ at }) => at.x), Math.min(...others.map(({ at }) => at.x)) + ROOM)
      : ROOM;
    let y = others.length ? Math.min(...others.map(({ at }) => at.y)) : 0;
    for (const { at, width, height } of others) {
      if (at.x + width + 24 > x) y = Math.max(y, at.y + height + 32);
    }
    for (const box of mine) {
      this.mine.set(box.id, [x, y]);
      y += box.height + 24;
    }
  }
}

export const isOutputs = (id: string): boolean => id === "outputs" || id.startsWith("outputs.");
