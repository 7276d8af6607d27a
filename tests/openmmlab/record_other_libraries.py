"""Run the networks of ``other_libraries.py`` and write their names, shapes and logits to ``other_libraries.json``.

Needs torchvision, timm and transformers, which this project does not. Recorded with torchvision 0.29.2, timm 1.0.31 and
transformers 5.24.0 by

    python -m tests.openmmlab.record_other_libraries
"""

import importlib
import json
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from safetensors.torch import load_file, save_file

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


def record_transformers(twin: Twin) -> dict[str, Any]:
    """The same by the names that transformers writes into files: those in memory are others."""
    package, _, name = twin.builder.rpartition(".")
    kind = getattr(importlib.import_module(package), name)
    config = kind.config_class(**twin.options, num_labels=CLASSES)
    with TemporaryDirectory() as folder:
        kind(config).save_pretrained(folder)
        path = Path(folder) / "model.safetensors"
        written = load_file(path)
        entries = {key: list(item.shape) for key, item in written.items() if item.is_floating_point()}
        save_file({**written, **weights(entries)}, path, metadata={"format": "pt"})
        network = kind.from_pretrained(folder).eval()
    inputs = torch.randn(2, 3, twin.size, twin.size, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        return {"entries": entries, "logits": numbers(network(inputs).logits)}


def main() -> None:
    lines = [f"{json.dumps(name)}: {json.dumps(recorder(name)(twin))}" for name, twin in TWINS.items()]
    Path(__file__).with_name("other_libraries.json").write_text("{\n" + ",\n".join(lines) + "\n}\n")


def recorder(name: str) -> Callable[[Twin], dict[str, Any]]:
    return record_transformers if name.startswith("transformers") else record


if __name__ == "__main__":
    main()
