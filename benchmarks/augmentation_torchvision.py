"""torchvision's side of benchmarks/augmentation.py, which tells it where the files lie.

Runs in an environment that has torchvision.
"""

import json
import re
import sys
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from torch.utils.data import default_collate

from benchmarks.turns import serve

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def main(folder: Path) -> None:
    task = json.loads((folder / "task.json").read_text())
    library = without_operators()
    works = {"small": [], "large": [], "jitter": [task["jitter"]]}
    serve({name: work(folder, name, jitter, task["batch"]) for name, jitter in works.items()})
    del library


def without_operators() -> Any:
    """Lets torchvision be imported beside a torch that its compiled operators do not fit: none of them is used."""
    places = getattr(find_spec("torchvision"), "submodule_search_locations", None) or [""]
    text = Path(places[0], "_meta_registrations.py").read_text()
    library = torch.library.Library("torchvision", "DEF")
    try:
        import_module("torchvision")
    except RuntimeError:
        for module in [name for name in sys.modules if name.startswith("torchvision")]:
            del sys.modules[module]
        for name in set(re.findall(r'torchvision::(\w+)|register_meta\("(\w+)"', text)):
            library.define(f"{name[0] or name[1]}(Tensor x) -> Tensor")
    return library


def work(folder: Path, name: str, jitter: list[dict[str, float]], batch: int) -> Any:
    v2 = import_module("torchvision.transforms.v2")
    steps = [v2.RandomResizedCrop(224), v2.RandomHorizontalFlip()]
    steps += [v2.ColorJitter(**amounts) for amounts in jitter]
    steps += [v2.ToImage(), v2.ToDtype(torch.float32, scale=True), v2.Normalize(MEAN, STD)]
    files = folder / ("small" if name == "jitter" else name)
    dataset = import_module("torchvision.datasets").ImageFolder(files, v2.Compose(steps))

    def run() -> list[float]:
        images, _ = default_collate([dataset[index] for index in torch.randperm(len(dataset))[:batch].tolist()])
        return [float(len(images))]

    return run


if __name__ == "__main__":
    main(Path(sys.argv[1]))
