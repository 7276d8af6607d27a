"""Run the configs of ``masked_images.py`` by OpenMMLab's own code and write what it computes to ``masked_images.json``.

Needs mmpretrain 1.2 with mmengine and mmcv, which this project does not. Recorded with torch 2.13.0 on a CPU by

    python -m tests.openmmlab.record_masked_images
"""

import copy
import json
from pathlib import Path
from typing import Any

import torch
from mmengine.registry import init_default_scope
from mmpretrain.registry import MODELS
from mmpretrain.structures import DataSample
from torch import Tensor

from tests.openmmlab.masked_images import MASKED_IMAGES, SEED, MaskedImages, filled
from tests.openmmlab.originals import numbers
from tests.openmmlab.record_originals import by_attribute


def samples(case: MaskedImages) -> list[Any]:
    found = []
    for mask in case.mask():
        sample = DataSample()
        sample.set_field(mask, "mask")
        found.append(sample)
    return found


def losses(model: Any, case: MaskedImages) -> dict[str, Tensor]:
    torch.manual_seed(SEED)
    images = case.images()
    return model(images if case.target_size else images[0], samples(case), mode="loss")


def record(case: MaskedImages) -> dict[str, Any]:
    model = MODELS.build(copy.deepcopy(case.config))
    model.init_weights()
    entries = {name: list(item.shape) for name, item in model.state_dict().items() if item.is_floating_point()}
    model.load_state_dict(filled(entries, case.config["type"]), strict=False)
    if hasattr(model.target_generator if model.with_target_generator else None, "quantize"):
        model.target_generator.quantize.embedding.initted.fill_(1)
    model.eval()
    with torch.no_grad():
        features = model(case.images()[0], mode="tensor")
        loss_eval = losses(model, case)
    model.load_state_dict(filled(entries, case.config["type"]), strict=False)
    model.train()
    before = {name: item.clone() for name, item in model.state_dict().items() if item.is_floating_point()}
    found = losses(model, case)
    sum(value for name, value in found.items() if "loss" in name).backward()
    gradients = {name: item.grad for name, item in model.named_parameters() if item.grad is not None}
    after = model.state_dict()
    moved = {name: after[name] for name, item in before.items() if not torch.equal(after[name], item)}
    return {
        "entries": entries,
        "tensor": [numbers(level.norm())[0] for level in features],
        "loss_eval": {name: numbers(value)[0] for name, value in loss_eval.items()},
        "loss": {name: numbers(value)[0] for name, value in found.items()},
        "gradients": by_attribute(gradients),
        "moved": by_attribute(moved),
    }


def main() -> None:
    init_default_scope("mmpretrain")
    found = {name: record(case) for name, case in MASKED_IMAGES.items()}
    lines = [f"{json.dumps(name)}: {json.dumps(case)}" for name, case in found.items()]
    Path(__file__).with_name("masked_images.json").write_text("{\n" + ",\n".join(lines) + "\n}\n")


if __name__ == "__main__":
    main()
