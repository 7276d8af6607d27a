"""Train the configs of ``siamese.py`` by OpenMMLab's own code and write what it computes to ``siamese.json``.

Needs mmpretrain 1.2 with mmengine and mmcv, which this project does not. Recorded with torch 2.13.0 on a CPU by

    python -m tests.openmmlab.record_siamese
"""

import copy
import json
from pathlib import Path
from typing import Any

import torch
from mmengine.logging import MessageHub
from mmengine.registry import init_default_scope
from mmpretrain.registry import MODELS

from tests.openmmlab.originals import Config, numbers, weights
from tests.openmmlab.siamese import RATE, RUN, SIAMESE, STEPS, views


def record(config: Config) -> dict[str, Any]:
    model = MODELS.build(copy.deepcopy(config))
    model.init_weights()
    entries = {name: list(item.shape) for name, item in model.state_dict().items() if item.is_floating_point()}
    entries = {name: shape for name, shape in entries.items() if not name.endswith("pos_embed")}
    model.load_state_dict(weights(entries), strict=False)
    with torch.no_grad():
        features = model.eval()(views(0)[0], None, mode="tensor")
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimizer = torch.optim.SGD(trained, lr=RATE)
    losses = []
    for step in range(STEPS):
        found = model.train()(views(step), None, mode="loss")
        optimizer.zero_grad()
        sum(found.values()).backward()
        optimizer.step()
        losses.append({name: numbers(value)[0] for name, value in found.items()})
    state = model.state_dict()
    return {
        "entries": entries,
        "trained": sum(parameter.numel() for parameter in trained),
        "tensor": numbers(features[0]),
        "losses": losses,
        "after": {name: numbers(item.float().norm())[0] for name, item in state.items()},
    }


def main() -> None:
    init_default_scope("mmpretrain")
    MessageHub.get_instance("recording").update_info("max_iters", RUN)
    found = {name: record(config) for name, config in SIAMESE.items()}
    lines = [f"{json.dumps(name)}: {json.dumps(case)}" for name, case in found.items()]
    Path(__file__).with_name("siamese.json").write_text("{\n" + ",\n".join(lines) + "\n}\n")


if __name__ == "__main__":
    main()
