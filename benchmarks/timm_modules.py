"""One model of each of timm's modules as a graph, through ``composer.from_module``.

    python -m benchmarks.timm_modules [MODULE ...] [--most MILLIONS]

Needs timm. Of each module the smallest model is built with random weights, in evaluation, and run on its smallest
image: calls, nodes, nodes on the top level, placeholders, the largest difference in evaluation, and seconds. What has
no part is counted at the end, by the number of modules that need it.
"""

import argparse
import csv
import re
import time
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

import torch

import composer
from composer.modules.report import ImportReport
from composer.problems import GraphError

__all__ = ["main"]

MODELS = Path(__file__).parents[1] / "components" / "shared" / "timm_models.csv"


def sizes() -> dict[str, int]:
    """Numbers of weights of timm's models, as far as composer's table has them."""
    with MODELS.open() as file:
        return {row["name"]: int(row["parameters"] or 0) for row in csv.DictReader(file)}


def built(name: str) -> tuple[Any, torch.Tensor]:
    """A model and an example for it: 64 pixels where it takes them, else the size that it is for."""
    import timm  # noqa: PLC0415 - an extra

    torch.manual_seed(0)
    model = timm.create_model(name).eval()
    channels, *whole = model.pretrained_cfg.get("input_size", (3, 224, 224))
    for size in ((64, 64), (96, 96), (128, 128)):
        example = torch.randn(2, channels, *size)
        try:
            with torch.no_grad():
                model(example)
        except Exception:  # noqa: BLE001 - it takes another size
            continue
        return model, example
    return model, torch.randn(2, channels, *whole)


def imported(name: str) -> tuple[ImportReport | None, str]:
    """The report on a model, or why there is none."""
    try:
        model, example = built(name)
        return composer.from_module(model, example, train=False).report, ""
    except GraphError as error:
        return None, "; ".join(problem.message for problem in error.problems)
    except Exception as error:  # noqa: BLE001 - a row of the table says so
        return None, f"{type(error).__name__}: {error}"


def main() -> None:
    import timm  # noqa: PLC0415 - an extra

    parser = argparse.ArgumentParser()
    parser.add_argument("modules", nargs="*")
    parser.add_argument("--most", type=float, default=60, help="million weights; what has more is left out")
    given = parser.parse_args()
    modules = given.modules or sorted(timm.list_modules())
    known = sizes()
    needed: dict[str, set[str]] = defaultdict(set)
    outcomes: Counter[str] = Counter()
    print(
        f"{'module':>24} {'model':>36}"
        + "".join(f"{head:>8}" for head in ("calls", "nodes", "top", "holders", "eval", "s"))
    )
    for module in modules:
        names = timm.list_models(module=module)
        if not names:
            continue
        name = min(names, key=lambda one: known.get(one) or float("inf"))
        if known.get(name, 0) > given.most * 1e6:
            print(f"{module:>24} {name:>36} left out: {known[name] / 1e6:.0f} million weights", flush=True)
            outcomes["left out"] += 1
            continue
        start = time.perf_counter()
        report, why = imported(name)
        seconds = time.perf_counter() - start
        if report is None:
            outcomes["failed"] += 1
            needed[why[:90]].add(module)
            print(f"{module:>24} {name:>36} failed in {seconds:.0f} s: {why[:160]!r}", flush=True)
            continue
        outcomes["placeholders" if report.placeholders else "whole"] += 1
        for text in report.placeholders.values():
            needed[re.sub(r"^[^:]*: ", "", text)[:90]].add(module)
        difference = "-" if report.evaluation is None else f"{report.evaluation:.0e}"
        cells = (report.calls, report.nodes, report.top, len(report.placeholders), difference, f"{seconds:.0f}")
        print(f"{module:>24} {name:>36}" + "".join(f"{cell:>8}" for cell in cells), flush=True)
    print(dict(outcomes))
    for why, found in sorted(needed.items(), key=lambda item: -len(item[1])):
        print(f"{len(found):>4} {why}: {', '.join(sorted(found))}")


if __name__ == "__main__":
    main()
