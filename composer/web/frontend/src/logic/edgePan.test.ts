import { describe, expect, it } from "vitest";
import { EdgePan } from "./edgePan";
import type { Point } from "./geometry";

const AREA = { left: 200, top: 50, right: 1000, bottom: 650 };

/** How the view moves when the pointer goes through these points and then rests for a second. */
function rested(...path: Point[]): Point {
  const pan = new EdgePan(path[0] as Point, AREA);
  let found: Point = [0, 0];
  path.forEach((at, index) => {
    found = pan.step(at, index * 16);
  });
  return pan.step(path.at(-1) as Point, path.length * 16 + 1000) ?? found;
}

describe("the view near an edge", () => {
  it.each<[string, Point[], [number, number]]>([
    [
      "stays where a drag begins and rests",
      [
        [980, 300],
        [986, 304],
      ],
      [0, 0],
    ],
    [
      "stays while a drag goes along the edge that it began at",
      [
        [980, 300],
        [980, 500],
      ],
      [0, 0],
    ],
    [
      "moves when the pointer is pushed on towards the edge",
      [
        [975, 300],
        [995, 300],
      ],
      [-1, 0],
    ],
    [
      "moves when the pointer comes back to the edge",
      [
        [980, 300],
        [700, 300],
        [980, 300],
      ],
      [-1, 0],
    ],
    [
      "moves upwards at the top",
      [
        [600, 300],
        [600, 60],
      ],
      [0, 1],
    ],
    [
      "moves both ways in a corner",
      [
        [600, 300],
        [210, 640],
      ],
      [1, -1],
    ],
    [
      "stays for a drag that goes far outside",
      [
        [600, 300],
        [1200, 300],
      ],
      [0, 0],
    ],
    [
      "stays for what comes in from outside, until it was within",
      [
        [100, 300],
        [205, 300],
      ],
      [0, 0],
    ],
    [
      "moves for what was within and goes back to the side it came from",
      [
        [100, 300],
        [600, 300],
        [205, 300],
      ],
      [1, 0],
    ],
  ])("%s", (_, path, expected) => {
    expect(
      rested(...path)
        .map(Math.sign)
        .map((sign) => sign + 0),
    ).toEqual(expected);
  });

  it("waits before it moves", () => {
    const pan = new EdgePan([600, 300], AREA);
    expect(pan.step([990, 300], 0)).toEqual([0, 0]);
    expect(pan.step([990, 300], 100)).toEqual([0, 0]);
    expect(pan.step([990, 300], 300)[0]).toBeLessThan(0);
  });
});
