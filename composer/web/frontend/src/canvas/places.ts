import { overlap } from "../logic/geometry";
import type { BoxToPlace, WireToPlace } from "../payloads";
import { isOutputs, type Place } from "./layout";

/** At first they leave room for a small graph. */
const ROOM = 480;
const GAP = 96;

/** Where boxes stand of which the document says nothing, for each scope of the open document. */
export class Places {
  private opened = -1;
  private scopes = new Map<string, Map<string, Place>>();
  private mine = new Map<string, Place>();

  open(opened: number, scope: string): void {
    if (opened !== this.opened) this.scopes.clear();
    this.opened = opened;
    this.mine = this.scopes.get(scope) ?? new Map();
    this.scopes.set(scope, this.mine);
  }

  /** All boxes, each with its place where one is known; outputs that nothing is wired to are left out, they stand aside. */
  known(boxes: BoxToPlace[], wires: WireToPlace[]): BoxToPlace[] {
    this.rename(boxes);
    const idle = idleOf(boxes, wires);
    return boxes
      .filter((box) => !idle.has(box.id))
      .map((box) => ({ ...box, place: box.place ?? this.mine.get(box.id) ?? null }));
  }

  /** Note what was found, and give the place of every box. */
  fill(boxes: BoxToPlace[], wires: WireToPlace[], found: Map<string, Place>): Map<string, Place> {
    for (const [id, place] of found) this.mine.set(id, place);
    this.standAside(boxes, idleOf(boxes, wires));
    return this.mine;
  }

  /** A box that took another's name takes its place. */
  private rename(boxes: BoxToPlace[]): void {
    const fresh = boxes.filter((box) => !box.place && !this.mine.has(box.id));
    if (fresh.length !== 1 || !fresh[0]) return;
    const names = new Set(boxes.map((box) => box.id));
    const gone = [...this.mine.keys()].filter((id) => !names.has(id));
    const place = gone.length === 1 ? this.mine.get(gone[0] ?? "") : undefined;
    if (place) this.mine.set(fresh[0].id, place);
  }

  /** Outputs that nothing is wired to stay where they are; as a graph grows they step aside to its right. */
  private standAside(boxes: BoxToPlace[], idle: Set<string>): void {
    const mine = boxes.filter((box) => idle.has(box.id));
    if (!mine.length) return;
    const others = boxes.flatMap((box) => {
      const place = box.place ?? this.mine.get(box.id);
      const rect = place && { x: place[0], y: place[1], width: box.width, height: box.height };
      return idle.has(box.id) || !rect ? [] : [{ ...rect, output: box.last }];
    });
    const before = mine.map((box) => this.mine.get(box.id));
    const right = Math.max(0, ...others.filter((one) => !one.output).map((one) => one.x + one.width + GAP));
    const free = (place: Place | undefined, box: BoxToPlace) =>
      place && !others.some((one) => overlap({ x: place[0], y: place[1], ...sizeOf(box) }, one, 16));
    if (before.every((place, at) => place && place[0] >= right && free(place, mine[at] as BoxToPlace))) return;
    const column = others.filter((one) => one.output && one.x >= right);
    const left = others.length ? Math.min(...others.map((one) => one.x)) : 0;
    const x = column.length ? Math.min(...column.map((one) => one.x)) : Math.max(right, left + ROOM);
    const top = before[0]?.[1] ?? (others.length ? Math.min(...others.map((one) => one.y)) : 0);
    let y = Math.max(top, ...others.filter((one) => one.x + one.width > x).map((one) => one.y + one.height + GAP / 3));
    for (const box of mine) {
      this.mine.set(box.id, [x, y]);
      y += box.height + 24;
    }
  }
}

const sizeOf = ({ width, height }: BoxToPlace) => ({ width, height });

/** Outputs that nothing is wired to and that nobody has put anywhere. */
function idleOf(boxes: BoxToPlace[], wires: WireToPlace[]): Set<string> {
  const wired = new Set(wires.flatMap((wire) => [wire.source, wire.target]));
  return new Set(boxes.flatMap(({ id, place }) => (isOutputs(id) && !place && !wired.has(id) ? [id] : [])));
}
