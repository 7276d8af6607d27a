"""Run the configs of ``originals.py`` by OpenMMLab's own code and write what it computes to ``originals.json``.

Needs mmpretrain 1.2 with mmengine and mmcv, which this project does not. Recorded with torch 2.13.0 on a CPU by

    python -m tests.openmmlab.record_originals
"""

import copy
import json
from pathlib import Path
from typing import Any

import torch
from mmengine.registry import init_default_scope
from mmpretrain.registry import MODELS
from mmpretrain.structures import DataSample

from tests.openmmlab.originals import ORIGINALS, Original, numbers, weights


def by_attribute(tensors: dict[str, torch.Tensor]) -> dict[str, float]:
    """The norm of all tensors of the backbone, of the head ..."""
    found: dict[str, list[torch.Tensor]] = {}
    for name, tensor in tensors.items():
        found.setdefault(name.partition(".")[0], []).append(tensor.norm())
    return {name: numbers(torch.stack(norms).norm())[0] for name, norms in found.items()}


def samples(original: Original) -> list[Any]:
    found = []
    for label in original.labels():
        sample = DataSample()
        if original.label == "index":
            sample.set_gt_label(label)
        else:
            sample.set_gt_score(label)
        found.append(sample)
    return found


def record(original: Original) -> dict[str, Any]:
    model = MODELS.build(copy.deepcopy(original.config))
    entries = {name: list(item.shape) for name, item in model.state_dict().items() if item.is_floating_point()}
    model.load_state_dict(weights(entries), strict=False)
    model.train()  # MobileNetV2 freezes only here
    trained = [name for name, parameter in model.named_parameters() if parameter.requires_grad]
    model.eval()
    inputs = original.inputs()
    with torch.no_grad():
        logits = model(inputs, mode="tensor")
        answers = model(inputs, samples(original), mode="predict")
        loss_eval = model(inputs, samples(original), mode="loss")["loss"]
    model.train()
    loss = model(inputs, samples(original), mode="loss")["loss"]
    loss.backward()
    state = model.state_dict()
    return {
        "entries": entries,
        "trained": len(trained),
        "tensor": numbers(logits),
        "scores": numbers(torch.stack([answer.pred_score for answer in answers])),
        "labels": [answer.pred_label.tolist() for answer in answers],
        "loss_eval": numbers(loss_eval)[0],
        "loss": numbers(loss)[0],
        "gradients": by_attribute({name: model.get_parameter(name).grad for name in trained}),
        "statistics": by_attribute({name: state[name] for name in entries if "running" in name}),
    }


def main() -> None:
    init_default_scope("mmpretrain")
    found = {name: record(original) for name, original in ORIGINALS.items()}
    seen: dict[str, str] = {}
    for name, case in found.items():
        first = seen.setdefault(json.dumps(case["entries"]), name)
        case["entries"] = case["entries"] if first == name else first
    lines = [f"{json.dumps(name)}: {json.dumps(case)}" for name, case in found.items()]
    Path(__file__).with_name("originals.json").write_text("{\n" + ",\n".join(lines) + "\n}\n")


if __name__ == "__main__":
    main()
