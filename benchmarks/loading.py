"""ResNet-50 from a safetensors file: composer.load against initialise-then-load.

python -m benchmarks.loading
"""

import tempfile
from pathlib import Path

from safetensors.torch import load_file

import composer
from benchmarks.side_by_side import compare
from composer import Catalog

__all__ = ["main"]

GRAPH = "saved_graphs/classification/resnet50.yaml"


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "resnet50.safetensors"
        composer.load(GRAPH).save(file)

        def initialise_then_load():
            composer.load(GRAPH).load_state_dict(load_file(file))

        print("ResNet-50 with weights from a safetensors file")
        for name, work in {
            "one file with graph and weights": lambda: composer.load(file),
            "graph file and weights file": lambda: composer.load(GRAPH, weights=file),
        }.items():
            Catalog.default().cache.clear()
            ours, theirs, ratio = compare(work, initialise_then_load, rounds=9)
            print(f"  {name}: {ours:.0f} ms, initialise then load {theirs:.0f} ms, {1 / ratio:.1f} times faster")


if __name__ == "__main__":
    main()
