"""The forecast of a training step's peak memory beside what a real step came to, for the saved graphs.

    python -m benchmarks.memory                   all that have a loss, one after another; some twenty minutes
    python -m benchmarks.memory resnet50 mae      some
    python -m benchmarks.memory mask_rcnn_r50_fpn --objects 160

Where sizes depend on what is found, ``forecast`` takes what one forward pass finds with the first weights, as
``composer train --check`` does, and ``at most`` takes as much as may be found. ``counted`` adds up all storages that
live at once in two real steps, as the forecast does without numbers. ``process`` is by how much the process grew at
most, which has workspaces of operators, and code that is loaded, in it too. Each graph is measured in a process of its
own, on the CPU, with SGD with momentum. A graph that cannot make a step has the code of its problem: those of timm
without timm, and ODC, whose memory is filled from all samples first.
"""

import argparse
import multiprocessing
from functools import partial
from pathlib import Path

import torch

import composer
from benchmarks.training_step import highest, memory_of_loaded_model
from composer.model import Model
from composer.model.compile import outline
from composer.problems import GraphError
from composer.run.inputs import example_inputs
from composer.training.memory.forecast import StepPlan, forecast_memory, found_rows, measure_memory

__all__ = ["main"]

SAVED = Path(__file__).parents[1] / "saved_graphs"
PLAN = StepPlan(partial(torch.optim.SGD, lr=0.01, momentum=0.9, fused=True))
HEAD = ("graph", "forecast, MiB", "counted, MiB", "forecast / counted", "at most, MiB", "process, MiB")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("graphs", nargs="*", help="names of saved graphs; all where none is named")
    parser.add_argument("--batch", type=int, default=2, help="samples in a step")
    parser.add_argument("--objects", type=int, default=3, help="objects in an image, for detectors")
    options = parser.parse_args()
    print("|".join(["", *(f" {name} " for name in HEAD), ""]), flush=True)
    print("|".join(["", *("---" for _ in HEAD), ""]), flush=True)
    for path in sorted(SAVED.rglob("*.yaml")):
        if options.graphs and path.stem not in options.graphs:
            continue
        with multiprocessing.get_context("spawn").Pool(1) as pool:
            try:
                cells = pool.apply(_row, (path, options.batch, options.objects))
            except GraphError as error:
                cells = [f"`{path.stem}`", *[error.problems[0].code] * (len(HEAD) - 1)]
        print("|".join(["", *(f" {cell} " for cell in cells), ""]), flush=True)


def _row(path: Path, batch: int, objects: int) -> list[str]:
    """One line of the table."""
    torch.set_num_threads(1)
    graph = composer.read(path)
    outlined = outline(graph).train()
    given = example_inputs(graph, batch=batch, sizes={"N": objects})
    before = memory_of_loaded_model()
    real = measure_memory(_model(path), PLAN, given=given, batch=batch, device="cpu")
    grown = highest() - before
    forecast = most = forecast_memory(outlined, PLAN, batch=batch, given=given)
    if most.bounded:
        forecast = forecast_memory(outlined, PLAN, batch=batch, given=given, rows=found_rows(_model(path), given, PLAN))
    mib = [f"{one / 2**20:.1f}" for one in (forecast.peak, real.peak, most.peak)]
    return [f"`{path.stem}`", *mib[:2], f"{forecast.peak / real.peak:.2f}", mib[2], f"{grown:.0f}"]


def _model(path: Path) -> Model:
    """The model, with the same first weights in every call."""
    torch.manual_seed(0)
    return composer.compile(composer.read(path)).train()


if __name__ == "__main__":
    main()
