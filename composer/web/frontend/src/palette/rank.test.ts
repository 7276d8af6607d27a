import { expect, test } from "vitest";
import { rank } from "./rank";

const entry = (name: string, kind = "layers", text = "") => ({ name, kind, text });
const ENTRIES = [
  entry("AvgPool2d", "layers", "Average pooling over windows."),
  entry("GlobalAveragePooling", "necks", "Mean over height and width."),
  entry("ResNet", "backbones", "Residual network."),
  entry("ResNet_CIFAR", "backbones", "Residual network for small images."),
  entry("CrossEntropyLoss", "losses", "Between logits and labels."),
];
const names = (query: string) => rank(query, ENTRIES).map(({ name }) => name);

test.each([
  ["resnet", "ResNet"],
  ["cifar", "ResNet_CIFAR"],
  ["gap", "GlobalAveragePooling"],
  ["cel", "CrossEntropyLoss"],
  ["pool glob", "GlobalAveragePooling"],
  ["labels", "CrossEntropyLoss"],
  ["crsentr", "CrossEntropyLoss"],
])("%s finds %s first", (query, name) => expect(names(query)[0]).toBe(name));

test("a kind finds its members", () => expect(names("backbones")).toEqual(["ResNet", "ResNet_CIFAR"]));
test("every word has to fit", () => expect(names("resnet loss")).toEqual([]));
test("no words leave everything in its order", () => expect(rank(" ", ENTRIES)).toBe(ENTRIES));
