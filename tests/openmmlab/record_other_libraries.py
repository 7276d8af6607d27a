"""Run the networks of ``other_libraries.py`` and write their names, shapes and logits to ``other_libraries.json``.

Needs torchvision and timm, which this project does not. Recorded with torchvision 0.29.2 and timm 1.0.31 by

    python -m tests.openmmlab.record_other_libraries
"""

import importlib
import json
from pathlib import Path
from typing import Any

import torch

from tests.openmmlab.originals import CLASSES, numbers, weights
from tests.openmmlab.other_libraries import TWINS, Twin


def record(twin: Twin) -> dict[str, Any]:
    module, _, name = twin.builder.rpartition(".")
    network = getattr(importlib.import_module(module), name)(**{"num_classes": CLASSES, **twin.options}).eval()
    entries = {name: list(item.shape) for name, item in network.state_dict().items() if item.is_floating_point()}
    network.load_state_dict(weights(entries), strict=False)
    inputs = torch.randn(2, 3, twin.size, twin.size, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        return {"entries": entries, "logits": numbers(network(inputs))}


def main() -> None:
    lines = [f"{json.dumps(name)}: {json.dumps(record(twin))}" for name, twin in TWINS.items()]
    Path(__file__).with_name("other_libraries.json").write_text("{\n" + ",\n".join(lines) + "\n}\n")


if __name__ == "__main__":
    main()
