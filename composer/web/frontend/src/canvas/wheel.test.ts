import { describe, expect, it } from "vitest";
import { Devices, type Wheel } from "./wheel";

const wheel = (part: Partial<Wheel>): Wheel => ({ deltaX: 0, deltaY: 0, deltaMode: 0, timeStamp: 0, ...part });

describe("what turns", () => {
  it.each<[string, Partial<Wheel>, string]>([
    ["a notch of a wheel in Chromium", { deltaY: 100, wheelDeltaY: -120 }, "mouse"],
    ["two notches at once", { deltaY: 240, wheelDeltaY: -240 }, "mouse"],
    ["a wheel that counts lines (Firefox)", { deltaY: 3, deltaMode: 1 }, "mouse"],
    ["a large step without notches", { deltaY: 120 }, "mouse"],
    ["a tilted wheel", { deltaX: 100 }, "mouse"],
    ["two fingers that go askew", { deltaX: 4, deltaY: -11, wheelDeltaY: 33 }, "trackpad"],
    ["two fingers that go down", { deltaY: 7, wheelDeltaY: -21 }, "trackpad"],
    ["two fingers that go sideways", { deltaX: -12 }, "trackpad"],
    ["a small step without notches", { deltaY: 2.5 }, "trackpad"],
  ])("%s", (_, part, expected) => {
    expect(new Devices().of(wheel(part))).toBe(expected);
  });

  it("stays the same device within a gesture, and may be another one later", () => {
    const devices = new Devices();
    const at = (timeStamp: number, part: Partial<Wheel>) => devices.of(wheel({ timeStamp, ...part }));
    expect(at(0, { deltaX: 3, deltaY: 9, wheelDeltaY: -27 })).toBe("trackpad");
    expect(at(50, { deltaY: 120, wheelDeltaY: -120 })).toBe("trackpad"); // a swing that happens to be a notch long
    expect(at(900, { deltaY: 120, wheelDeltaY: -120 })).toBe("mouse");
  });
});
