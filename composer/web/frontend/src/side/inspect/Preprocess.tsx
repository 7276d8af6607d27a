import type { Field } from "../../logic/fields";
import { Section } from "../../ui/Section";
import { Toggle } from "../../ui/Toggle";
import { FormField } from "../form/FormField";

const PIXELS: Field = { kind: "integer", least: 1 };
const PAIR: Field = { kind: "tuple", items: [PIXELS, PIXELS] };
const NONE: Field = { kind: "none" };
const NUMBERS: Field = { kind: "list", item: { kind: "number" }, least: 1, most: null };
const STEPS: { name: string; field: Field; start: unknown; help: string }[] = [
  {
    name: "resize",
    field: { kind: "union", options: [NONE, PIXELS, PAIR, { kind: "mapping" }] },
    start: 256,
    help: "Length of the shorter edge, or height and width, or bounds that keep the ratio: {short: 800, long: 1333}.",
  },
  {
    name: "interpolation",
    field: { kind: "choice", options: ["nearest", "bilinear", "bicubic", "area", "lanczos", "box", "hamming"] },
    start: "bilinear",
    help: "How pixels between others are made; area is OpenCV's, the last three are Pillow's.",
  },
  {
    name: "backend",
    field: { kind: "choice", options: ["cv2", "pillow"] },
    start: "cv2",
    help: "Whose resizing it is: OpenCV's, or Pillow's with antialiasing.",
  },
  {
    name: "crop",
    field: { kind: "union", options: [NONE, PAIR] },
    start: [224, 224],
    help: "Height and width, cut from the middle.",
  },
  {
    name: "crop_padding",
    field: { kind: "union", options: [NONE, { kind: "integer", least: 0 }] },
    start: 32,
    help: "In place of a resize: the crop is the share crop / (crop + this) of the shorter edge, then resized.",
  },
  {
    name: "pad",
    field: { kind: "union", options: [NONE, { kind: "mapping" }] },
    start: { divisor: 32 },
    help: "Below and on the right: {divisor: 32}, {size: [640, 640]} or {square: true}, with a value: 114 if it is not 0 once normalised.",
  },
  {
    name: "channels",
    field: { kind: "choice", options: ["rgb", "bgr", "gray", "bands"] },
    start: "rgb",
    help: "Order of the channels that the model was trained with; bands are those of an array.",
  },
  {
    name: "mean",
    field: { kind: "union", options: [NONE, NUMBERS] },
    start: [123.675, 116.28, 103.53],
    help: "Taken from each channel, on the scale from 0 to 255.",
  },
  {
    name: "std",
    field: { kind: "union", options: [NONE, NUMBERS] },
    start: [58.395, 57.12, 57.375],
    help: "What each channel is divided by.",
  },
];

type Steps = Record<string, unknown> | null;

interface Props {
  value: Steps;
  /** Takes how the steps become others. */
  put: (next: (steps: Steps) => Steps) => Promise<string | null>;
}

/** How an image becomes the input. */
export function Preprocess({ value, put }: Props) {
  const set = (name: string, item: unknown) =>
    put((steps) => {
      const { [name]: _, ...rest } = steps ?? {};
      return item === null ? rest : { ...rest, [name]: item };
    });
  return (
    <Section title="Preparation of images" about={value ? undefined : "none"}>
      <label className="composer-check">
        <Toggle checked={value !== null} change={(on) => put(() => (on ? {} : null))} />
        Prepare images
      </label>
      {value &&
        STEPS.map(({ name, field, start, help }) => {
          const own = value[name] ?? null;
          return (
            <FormField
              key={name}
              name={name}
              field={field}
              value={field.kind === "choice" ? (own ?? start) : own}
              given={own !== null}
              fallback={start}
              commit={(item) => set(name, item)}
              reset={() => void set(name, null)}
              resetWords="Leave this step out"
              help={help}
            />
          );
        })}
    </Section>
  );
}
