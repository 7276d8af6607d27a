import { overlap, type Rect } from "./geometry";

export type Corner = readonly [number, number];

/** A wire between the right side of one box and the left side of another. */
export interface Run {
  id: string;
  /** The output that it comes from: wires of one output may lie on each other. */
  from: string;
  source: string;
  target: string;
  start: Corner;
  end: Corner;
}

const CLEAR = 6;
const STUB = 16;
const CURVE = 8;
const LANE = 8;
const LANES = 5;
/** From a box to the level of a wire that passes it: room for the words on the wire. */
const EDGE = 18;
const FAR = 800;
const TRIES = 60;
const CELL = 256;
const TURN = 12;
const SHARED = 60;
const BLOCKED = 5000;
/** What it costs to hide the words on a wire, and the room that they take. */
const HIDDEN = 40;
const WORDS = 90;
const WORDS_ABOVE = 10;

/** The corners of each wire that a plain curve would lead behind a box or backwards, by its id. */
export function routesOf(boxes: (Rect & { id: string })[], runs: Run[]): Map<string, Corner[]> {
  const ground = new Ground(boxes);
  const lanes = new Lanes();
  const found = new Map<string, Corner[]>();
  for (const run of runs) {
    if (isPlain(run) && isClear(run, ground)) continue;
    const route = new Finder(run, ground, lanes).best();
    lanes.take(route, run.from);
    found.set(run.id, route);
  }
  return found;
}

/** Whether it leads onwards with room for a curve, be it a steep one: to go around a box that is near would look worse. */
const isPlain = ({ start, end }: Run): boolean => end[0] - start[0] >= CURVE;

const STEPS = 14;

/** Whether the plain curve (that of getBezierPath) touches no other box. */
function isClear({ source, target, start, end }: Run, ground: Ground): boolean {
  const own = (id: string) => id === source || id === target;
  const around = between(start, end);
  if (!ground.find(around, own).length) return true;
  const bend = (end[0] - start[0]) / 2;
  for (let step = 1; step < STEPS; step++) {
    const t = step / STEPS;
    const [a, b, c, d] = [(1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t * t * (1 - t), t ** 3];
    const x = a * start[0] + b * (start[0] + bend) + c * (end[0] - bend) + d * end[0];
    const y = (a + b) * start[1] + (c + d) * end[1];
    if (ground.find({ x, y, width: 0, height: 0 }, own).length) return false;
  }
  return true;
}

const between = ([a, b]: Corner, [c, d]: Corner): Rect => ({
  x: Math.min(a, c),
  y: Math.min(b, d),
  width: Math.abs(a - c),
  height: Math.abs(b - d),
});

/** The boxes, to be found by where they are. */
class Ground {
  private cells = new Map<string, (Rect & { id: string })[]>();

  constructor(boxes: (Rect & { id: string })[]) {
    for (const box of boxes) for (const cell of cellsOf(box)) this.at(cell).push(box);
  }

  private at(cell: string): (Rect & { id: string })[] {
    const found = this.cells.get(cell);
    if (found) return found;
    const fresh: (Rect & { id: string })[] = [];
    this.cells.set(cell, fresh);
    return fresh;
  }

  /** Boxes that a rectangle touches, each once. */
  find(where: Rect, leave: (id: string) => boolean = () => false): (Rect & { id: string })[] {
    const found = new Set<Rect & { id: string }>();
    for (const cell of cellsOf(where))
      for (const box of this.cells.get(cell) ?? []) {
        if (!found.has(box) && !leave(box.id) && overlap(where, box, CLEAR)) found.add(box);
      }
    return [...found];
  }
}

function cellsOf({ x, y, width, height }: Rect): string[] {
  const found: string[] = [];
  for (let column = Math.floor((x - CLEAR) / CELL); column <= Math.floor((x + width + CLEAR) / CELL); column++)
    for (let row = Math.floor((y - CLEAR) / CELL); row <= Math.floor((y + height + CLEAR) / CELL); row++)
      found.push(`${column},${row}`);
  return found;
}

/** Pieces of wires that are laid already: others keep beside them. */
class Lanes {
  private taken = new Map<string, { from: string; low: number; high: number }[]>();

  /** How many pieces of other outputs lie where this one would. */
  count(a: Corner, b: Corner, from: string): number {
    const { key, low, high } = pieceOf(a, b);
    return (this.taken.get(key) ?? []).filter((one) => one.from !== from && one.low < high && low < one.high).length;
  }

  take(route: Corner[], from: string): void {
    for (let at = 1; at < route.length; at++) {
      const { key, low, high } = pieceOf(route[at - 1] as Corner, route[at] as Corner);
      this.taken.set(key, [...(this.taken.get(key) ?? []), { from, low, high }]);
    }
  }
}

function pieceOf(a: Corner, b: Corner): { key: string; low: number; high: number } {
  const level = a[1] === b[1];
  const at = Math.round((level ? a[1] : a[0]) / LANE);
  const ends = level ? [a[0], b[0]] : [a[1], b[1]];
  return { key: `${level ? "-" : "|"}${at}`, low: Math.min(...ends), high: Math.max(...ends) };
}

/** Looks for the way of one wire around the boxes. */
class Finder {
  private readonly near: Rect[];

  constructor(
    private readonly run: Run,
    private readonly ground: Ground,
    private readonly lanes: Lanes,
  ) {
    const around = between(run.start, run.end);
    this.near = ground.find({
      x: around.x - 4 * STUB,
      y: around.y - FAR,
      width: around.width + 8 * STUB,
      height: around.height + 2 * FAR,
    });
  }

  /** The shortest way along one level; where boxes bar all of these, along two with a way up or down between. */
  best(): Corner[] {
    const { start, end } = this.run;
    const levels = this.levels((y) => Math.abs(y - start[1]) + Math.abs(y - end[1]));
    const one = this.cheapest(levels.map((y) => [y]));
    if (this.hits(one) === 0) return this.spread(one);
    const first = this.levels((y) => Math.abs(y - start[1])).slice(0, 8);
    const last = this.levels((y) => Math.abs(y - end[1])).slice(0, 8);
    const ways = first.flatMap((y) => last.flatMap((z) => this.sides().map((x) => [y, x, z])));
    const two = this.cheapest(ways);
    return this.spread(this.cost(two) < this.cost(one) ? two : one);
  }

  /** Heights that pass above or below a box, the best first. */
  private levels(price: (y: number) => number): number[] {
    const { start, end } = this.run;
    const found = new Set([start[1], end[1]]);
    for (const box of this.near)
      for (let lane = 0; lane < LANES; lane++) {
        found.add(Math.round(box.y - EDGE - lane * LANE));
        found.add(Math.round(box.y + box.height + EDGE + lane * LANE));
      }
    return [...found].sort((a, b) => price(a) - price(b)).slice(0, TRIES);
  }

  /** Where a wire may go up or down on its way: left or right of boxes, and of all of them. */
  private sides(): number[] {
    const { start, end } = this.run;
    const away = (x: number) => Math.abs(x - start[0]) + Math.abs(x - end[0]);
    const left = Math.min(...this.near.map((box) => box.x));
    const right = Math.max(...this.near.map((box) => box.x + box.width));
    const near = [...new Set(this.near.flatMap((box) => [box.x - STUB, box.x + box.width + STUB]))];
    return [...near.sort((a, b) => away(a) - away(b)).slice(0, 10), left - 2 * STUB, right + 2 * STUB];
  }

  private cheapest(ways: number[][]): Corner[] {
    let best: Corner[] = [];
    let least = Number.POSITIVE_INFINITY;
    for (const way of ways) {
      const route = this.along(way);
      if (lengthOf(route) >= least) continue;
      const cost = this.cost(route);
      if (cost < least) [best, least] = [route, cost];
    }
    return best;
  }

  /** From the start along levels (and, between two, a side) to the end. */
  private along(way: number[]): Corner[] {
    const { start, end } = this.run;
    const [out, into] = [start[0] + STUB, end[0] - STUB];
    const [first, side, last] = way.length > 1 ? way : [way[0], undefined, way[0]];
    const corners: Corner[] = [start, [out, start[1]], [out, first ?? 0]];
    if (side !== undefined) corners.push([side, first ?? 0], [side, last ?? 0]);
    corners.push([into, last ?? 0], [into, end[1]], end);
    return straightened(corners);
  }

  private cost(route: Corner[]): number {
    let cost = lengthOf(route) + route.length * TURN + this.hits(route) * BLOCKED;
    for (let at = 1; at < route.length; at++)
      cost += SHARED * this.lanes.count(route[at - 1] as Corner, route[at] as Corner, this.run.from);
    return cost + (this.hidesWords(route) ? HIDDEN : 0);
  }

  /** Whether a box lies where the words of the wire stand: above the right end of its longest level piece. */
  private hidesWords(route: Corner[]): boolean {
    const level = longest(route);
    if (!level) return false;
    const words = { x: level.right - WORDS, y: level.y - WORDS_ABOVE, width: WORDS, height: WORDS_ABOVE };
    return this.ground.find(words).length > 0;
  }

  private hits(route: Corner[]): number {
    let count = 0;
    for (let at = 1; at < route.length; at++) {
      const end = at === 1 || at === route.length - 1;
      const own = (id: string) => end && (id === this.run.source || id === this.run.target);
      count += this.ground.find(between(route[at - 1] as Corner, route[at] as Corner), own).length;
    }
    return count;
  }

  /** The way up or down beside each end, moved off what runs there already. */
  private spread(route: Corner[]): Corner[] {
    if (route.length < 4) return route;
    let found = route;
    for (const [at, step] of [
      [1, LANE],
      [route.length - 3, -LANE],
    ] as const) {
      let least = this.cost(found);
      for (let lane = 1; lane < LANES; lane++) {
        const moved = found.map(
          (corner, index): Corner => (index === at || index === at + 1 ? [corner[0] + lane * step, corner[1]] : corner),
        );
        const cost = this.cost(moved);
        if (isLevel(moved) && cost < least) [found, least] = [moved, cost];
      }
    }
    return found;
  }
}

/** Whether each piece is level or upright. */
const isLevel = (route: Corner[]): boolean =>
  route.every((corner, at) => {
    const before = route[at - 1];
    return !before || before[0] === corner[0] || before[1] === corner[1];
  });

const lengthOf = (route: Corner[]): number =>
  route.reduce((sum, [x, y], at) => {
    const before = route[at - 1];
    return before ? sum + Math.abs(x - before[0]) + Math.abs(y - before[1]) : 0;
  }, 0);

/** Corners without those where nothing turns. */
function straightened(route: Corner[]): Corner[] {
  const found: Corner[] = [];
  for (const corner of route) {
    const [before, last] = [found.at(-2), found.at(-1)];
    if (last && last[0] === corner[0] && last[1] === corner[1]) continue;
    const onward = (axis: 0 | 1) =>
      before &&
      last &&
      before[axis] === last[axis] &&
      last[axis] === corner[axis] &&
      Math.sign((last[1 - axis] as number) - (before[1 - axis] as number)) ===
        Math.sign((corner[1 - axis] as number) - (last[1 - axis] as number));
    if (onward(0) || onward(1)) found.pop();
    found.push(corner);
  }
  return found;
}

const ROUND = 10;

/** What an SVG path draws of corners, rounded. */
export function pathOf(route: Corner[]): string {
  const [start] = route;
  if (!start) return "";
  let path = `M${start[0]},${start[1]}`;
  for (let at = 1; at < route.length - 1; at++) {
    const [before, here, after] = [route[at - 1], route[at], route[at + 1]] as [Corner, Corner, Corner];
    const [a, b] = [towards(here, before), towards(here, after)];
    path += `L${a[0]},${a[1]}Q${here[0]},${here[1]} ${b[0]},${b[1]}`;
  }
  const last = route.at(-1) ?? start;
  return `${path}L${last[0]},${last[1]}`;
}

/** A little way from a corner to the next, at most half of it. */
function towards([x, y]: Corner, [toX, toY]: Corner): Corner {
  const length = Math.abs(toX - x) + Math.abs(toY - y);
  const part = length ? Math.min(ROUND, length / 2) / length : 0;
  return [x + (toX - x) * part, y + (toY - y) * part];
}

/** The longest level piece: where there is room for words. */
export function longest(route: Corner[]): { left: number; right: number; y: number; backwards: boolean } | null {
  let best: { left: number; right: number; y: number; backwards: boolean } | null = null;
  for (let at = 1; at < route.length; at++) {
    const [[x, y], [toX, toY]] = [route[at - 1], route[at]] as [Corner, Corner];
    const [left, right] = [Math.min(x, toX), Math.max(x, toX)];
    if (y === toY && (!best || right - left > best.right - best.left)) best = { left, right, y, backwards: toX < x };
  }
  return best;
}
