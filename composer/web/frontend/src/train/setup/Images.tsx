import { useEffect, useState } from "react";
import { exact } from "../../logic/format";
import type { SampleImage, SampleView } from "../../payloads";
import { useComposer } from "../../store";
import { isOver } from "../../tasks";
import { Button, IconButton } from "../../ui/Button";
import { Icon } from "../../ui/Icon";
import { Segments } from "../../ui/Segments";
import { TaskBar } from "../../ui/TaskBar";
import { PAGE, readImages } from "./data";
import { ProblemList } from "./Problems";
import { useSetup } from "./store";

const COLOURS = ["#4f7dff", "#ff6b57", "#35b46e", "#e2a33c", "#a56bff", "#18b5c6", "#e05fb0", "#98a3b3"];

const SPLITS = [
  ["train", "train"],
  ["val", "val"],
] as const;

/** Images as training sees them: those of an epoch, in its order, each augmented as it will be then. */
export function Images() {
  const { reply, images, imagesTask, data } = useSetup();
  const document = useComposer((state) => state.document);
  const [split, setSplit] = useState<"train" | "val">("train");
  const [epoch, setEpoch] = useState(0);
  const [start, setStart] = useState(0);
  const [drawn, setDrawn] = useState(true);
  const values = reply?.values;
  const key = JSON.stringify([values?.data, values?.augment, values?.mix, values?.seed, values?.batches]);
  const inputs = useInputs();
  const ready = reply?.known && data;
  // biome-ignore lint/correctness/useExhaustiveDependencies: what decides how images look
  useEffect(() => {
    if (ready && document) void readImages(split, epoch, start);
  }, [ready, split, epoch, start, key, inputs]);
  if (!ready) return null;
  const total = images?.total ?? 0;
  const busy = !isOver(imagesTask);
  const marked = images?.samples.some((one) => one.views.some((view) => view.boxes.length || view.overlay)) ?? false;
  const steps = Object.entries(images?.steps ?? {}).filter(([, names]) => names.length);
  return (
    <section className="setup-images" aria-label="Images as training sees them" aria-busy={busy}>
      <div className="setup-images-head">
        <b>As training sees them</b>
        {data.splits.length > 1 && (
          <Segments
            options={SPLITS}
            chosen={split}
            choose={(one) => {
              setSplit(one);
              setStart(0);
            }}
          />
        )}
        {split === "train" && (
          <span className="setup-epoch">
            <IconButton
              icon="back"
              label="The epoch before"
              small
              disabled={epoch === 0}
              onClick={() => setEpoch(epoch - 1)}
            />
            <span>epoch {epoch + 1}</span>
            <IconButton
              icon="right"
              label="The next epoch"
              small
              title="The next epoch: another order, other augmentation"
              onClick={() => setEpoch(epoch + 1)}
            />
          </span>
        )}
        {marked && (
          <label className="setup-marks">
            <input type="checkbox" checked={drawn} onChange={(event) => setDrawn(event.target.checked)} /> boxes and
            masks
          </label>
        )}
        <Button
          small
          className="setup-away"
          disabled={total <= PAGE}
          onClick={() => setStart(start + PAGE < total ? start + PAGE : 0)}
        >
          Next images
        </Button>
      </div>
      {imagesTask?.state === "failed" && <ProblemList problems={imagesTask.problems} of="data" />}
      {busy && !images && <TaskBar task={imagesTask} />}
      <div className={`setup-grid${busy ? " is-busy" : ""}`}>
        {images?.samples.map((sample, place) => (
          <Sample key={`${sample.index} ${place}`} sample={sample} drawn={drawn} />
        ))}
      </div>
      {images && (
        <p className="setup-hint">
          {images.split === "train"
            ? steps.length
              ? steps.map(([input, names]) => `${steps.length > 1 ? `${input}: ` : ""}${names.join(", ")}`).join("; ")
              : "No augmentation"
            : "Without augmentation"}
          {images.mixed && ", mixed in pairs"}
          {total > 0 &&
            ` · ${exact(images.start + 1)} to ${exact(Math.min(images.start + images.samples.length, total))} of ${exact(total)}`}
        </p>
      )}
    </section>
  );
}

/** What the graph says of its inputs: another size or normalisation makes other images. */
const useInputs = (): string =>
  useComposer((state) =>
    JSON.stringify(
      state.view?.nodes.filter((node) => node.role === "input").map((node) => [node.name, node.preprocess]),
    ),
  );

function Sample({ sample, drawn }: { sample: SampleImage; drawn: boolean }) {
  const words = [sample.name, sample.about].filter(Boolean).join("\n");
  if (sample.problem) {
    return (
      <figure className="setup-sample is-bad" title={`${sample.name}\n${sample.problem}`}>
        <div className="setup-view">
          <Icon name="problem" />
        </div>
        <figcaption>{sample.name}</figcaption>
      </figure>
    );
  }
  return (
    <figure className="setup-sample" title={words} style={{ gridColumn: `span ${Math.min(sample.views.length, 3)}` }}>
      <div className="setup-views">
        {sample.views.map((view) => (
          <View key={view.input} view={view} name={sample.name} drawn={drawn} />
        ))}
      </div>
      <figcaption>{sample.about || sample.name}</figcaption>
    </figure>
  );
}

function View({ view, name, drawn }: { view: SampleView; name: string; drawn: boolean }) {
  return (
    <div className="setup-view">
      <svg viewBox={`0 0 ${view.width} ${view.height}`} role="img" aria-label={`${name}, ${view.input}`}>
        <image
          href={view.image}
          width={view.width}
          height={view.height}
          preserveAspectRatio="none"
          style={{ imageRendering: view.width < 100 ? "pixelated" : "auto" }}
        />
        {drawn && view.overlay && (
          <image href={view.overlay} width={view.width} height={view.height} preserveAspectRatio="none" />
        )}
        {drawn &&
          view.boxes.map(({ box: [left, top, right, bottom], label, name: what }, place) => (
            <rect
              key={place}
              x={left}
              y={top}
              width={Math.max(right - left, 1)}
              height={Math.max(bottom - top, 1)}
              fill="none"
              stroke={COLOURS[(label ?? place) % COLOURS.length]}
              strokeWidth={1.6}
              vectorEffect="non-scaling-stroke"
            >
              <title>{what}</title>
            </rect>
          ))}
      </svg>
    </div>
  );
}
