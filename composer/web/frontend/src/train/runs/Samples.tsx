import { useEffect, useState } from "react";
import { Refusal } from "../../bridge";
import { exact } from "../../logic/format";
import type { TrainSamples } from "../../payloads";
import { Button } from "../../ui/Button";
import { ask } from "../ask";

/** The same validation images after each evaluation, with the answers drawn. */
export function Samples({ name, steps }: { name: string; steps: number[] }) {
  const [at, setAt] = useState<number | null>(null);
  const [found, setFound] = useState<TrainSamples | null>(null);
  const [large, setLarge] = useState<number | null>(null);
  const step = steps[at ?? steps.length - 1];
  useEffect(() => {
    if (step === undefined) return;
    let gone = false;
    ask<TrainSamples>("samples", { name, step })
      .then((reply) => !gone && setFound(reply))
      .catch((error) => {
        if (!(error instanceof Refusal)) throw error; // the table above says that the server does not answer
      });
    return () => {
      gone = true;
    };
  }, [name, step]);
  if (step === undefined) {
    return <p className="train-empty">The first images come with the first evaluation on validation images.</p>;
  }
  return (
    <>
      {steps.length > 1 && (
        <label className="train-tools">
          after step {exact(step)}
          <input
            type="range"
            min={0}
            max={steps.length - 1}
            value={at ?? steps.length - 1}
            aria-valuetext={`after step ${exact(step)}`}
            onChange={(event) => {
              const place = Number(event.target.value);
              setAt(place === steps.length - 1 ? null : place);
            }}
          />
          {at === null ? "the newest" : ""}
        </label>
      )}
      <div className="train-images">
        {found?.samples.map((sample, place) => (
          <Button
            key={place}
            look="bare"
            aria-pressed={large === place}
            title={`${sample.words}. Click to ${large === place ? "see it small" : "enlarge"}.`}
            onClick={() => setLarge(large === place ? null : place)}
          >
            <img src={sample.image} alt={sample.words} />
          </Button>
        ))}
      </div>
    </>
  );
}
