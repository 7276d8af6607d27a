"""mmdet's side of benchmarks/detection.py, which tells it where its task lies.

Runs in an environment that has mmdet.
"""

import json
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import torch

from benchmarks.turns import serve


def main(folder: Path) -> None:
    task = torch.load(folder / "task.pt", weights_only=True)
    model = built(json.loads((folder / "config.json").read_text()))
    missing, unexpected = model.load_state_dict(task["weights"], strict=False)
    if missing or unexpected:
        raise ValueError(f"found other weights: {missing[:3]} missing, {unexpected[:3]} unexpected")
    samples = samples_of(task)

    def predict() -> list[float]:
        with torch.no_grad():
            found = model.eval()(task["image"], samples, mode="predict")
        regions = [one.pred_instances for one in found]
        return [total for one in regions for total in (one.scores.sum().item(), one.bboxes.sum().item())]

    def step() -> list[float]:
        torch.manual_seed(0)
        model.train().zero_grad(set_to_none=True)
        losses = model(task["image"], samples, mode="loss")
        parts = [sum(value) if isinstance(value, list) else value for name, value in losses.items() if "loss" in name]
        total = torch.stack(parts).sum()
        total.backward()
        return [total.item()]

    serve({"predict": predict, "step": step})


def built(config: dict[str, Any]) -> Any:
    import_module("mmdet.models")
    import_module("mmengine.registry").init_default_scope("mmdet")
    config = import_module("mmengine").ConfigDict(config)
    return import_module("mmdet.registry").MODELS.build(config)


def samples_of(task: dict[str, Any]) -> list[Any]:
    instances = import_module("mmengine.structures").InstanceData
    sample = import_module("mmdet.structures").DetDataSample
    size = tuple(task["image"].shape[2:])
    meta = dict.fromkeys(("img_shape", "ori_shape", "pad_shape", "batch_input_shape"), size)
    found = []
    for boxes, labels in zip(task["boxes"], task["labels"], strict=True):
        one = sample(metainfo={**meta, "scale_factor": (1.0, 1.0)})
        one.gt_instances = instances(bboxes=boxes, labels=labels)
        one.ignored_instances = instances(bboxes=boxes[:0], labels=labels[:0])
        found.append(one)
    return found


if __name__ == "__main__":
    main(Path(sys.argv[1]))
