"""Torchvision's classifiers as graphs: through ``composer.from_module``, and through ``.pt2`` files.

    python -m benchmarks.modules [NAME ...] [--most MILLIONS] [--only module|pt2]

Needs torchvision; composer and what it depends on must be importable beside it. For each classifier that torchvision
builds, with random weights and a small image: calls, nodes, nodes on the top level, subgraphs, placeholders, the
largest difference in evaluation and around a training step, and seconds. Models with more than ``--most`` million
weights are left out (default 200).
"""

import argparse
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import torch
from torch import nn

import composer
from composer.modules.report import ImportReport

__all__ = ["main"]

SIZES = {"inception_v3": 299, "maxvit_t": 224, "vit_h_14": 56}
ARGUMENTS: dict[str, dict[str, Any]] = {
    "googlenet": {"init_weights": False},
    "inception_v3": {"init_weights": False},
    "maxvit_t": {"input_size": (224, 224)},
}


def built(name: str) -> tuple[nn.Module, torch.Tensor]:
    """A classifier and an example for it."""
    from torchvision import models  # noqa: PLC0415 - in another environment

    size = SIZES.get(name, 64 if name.startswith("vit") else 96)
    arguments = ARGUMENTS.get(name, {"image_size": size} if name.startswith("vit") else {})
    torch.manual_seed(0)
    return models.get_model(name, weights=None, **arguments), torch.randn(2, 3, size, size)


def exported(module: nn.Module, images: torch.Tensor, folder: str) -> Path:
    """The module as a ``.pt2`` file, for a batch of the example's size."""
    file = Path(folder, "module.pt2")
    torch.export.save(torch.export.export(module.eval(), (images,)), file)
    return file


def millions(name: str) -> float:
    """How many million weights a classifier has."""
    try:
        with torch.device("meta"):
            module, _ = built(name)
    except NotImplementedError:  # RegNet computes its widths by tensors
        module, _ = built(name)
    return sum(item.numel() for item in module.parameters()) / 1e6


def names() -> list[str]:
    """Torchvision's classifiers, the smallest first."""
    from torchvision import models  # noqa: PLC0415 - in another environment

    found: list[str] = models.list_models(module=models)
    return sorted(found, key=millions)


def row(name: str, way: str, most: float) -> ImportReport | None:
    """Import one classifier and print what became of it."""
    try:
        if (size := millions(name)) > most:
            print(f"{name:>20} {way:>7} left out: {size:.0f} million weights", flush=True)
            return None
        module, images = built(name)
        with tempfile.TemporaryDirectory() as folder:
            source = exported(module, images, folder) if way == "pt2" else None
            if source is not None:
                del module  # the largest have their weights in memory often enough
            start = time.perf_counter()
            found = composer.from_pt2(source) if source is not None else composer.from_module(module, images)
    except Exception as error:  # noqa: BLE001 - a row of the table says so
        print(f"{name:>20} {way:>7} failed: {type(error).__name__}: {str(error)[:200]!r}", flush=True)
        return None
    seconds = time.perf_counter() - start
    report = found.report
    differences = [("-" if item is None else f"{item:.0e}") for item in (report.evaluation, report.training)]
    counts = (report.calls, report.nodes, report.top, len(report.subgraphs), len(report.placeholders))
    cells = "".join(f"{cell:>8}" for cell in (*counts, *differences))
    notes = "; ".join(note for note in report.notes if "takes any" not in note)
    print(f"{name:>20} {way:>7}{cells}{seconds:>8.1f}  {notes[:100]}", flush=True)
    return report


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("names", nargs="*")
    parser.add_argument("--most", type=float, default=200)
    parser.add_argument("--only", choices=("module", "pt2"))
    given = parser.parse_args()
    heads = ("calls", "nodes", "top", "graphs", "holders", "eval", "train", "s")
    print(f"{'':>20} {'':>7}" + "".join(f"{head:>8}" for head in heads))
    for way in ("module", "pt2") if given.only is None else (given.only,):
        found = [row(name, way, given.most) for name in given.names or names()]
        reports = [item for item in found if item is not None]
        whole = [report for report in reports if not report.placeholders]
        if reports:
            middle = statistics.median(report.top for report in reports)
            print(
                f"{way}: {len(whole)} of {len(found)} without a placeholder, {middle} nodes on the top level (median)"
            )


if __name__ == "__main__":
    main()
