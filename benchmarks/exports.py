"""Every shipped classification graph through torch.compile, torch.export and ONNX, in every mode that it has.

    python -m benchmarks.exports [NAME ...]

Prints the seconds that each takes and the largest difference from the model; what fails says so.
"""

import sys
import tempfile
import time
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path

import torch

import composer
from composer import GraphError
from composer.export import export
from composer.run.inputs import example_inputs

__all__ = ["main"]


def main(names: list[str] | None = None) -> None:
    print("torch.compile(fullgraph=True), torch.export and ONNX: seconds, and the largest difference from the model")
    print(f"{'graph':>20}{'mode':>9}{'compile':>22}{'export':>22}{'ONNX':>22}")
    for path in sorted(Path("saved_graphs/classification").glob("*.yaml")):
        if not names or path.stem in names:
            torch.manual_seed(0)
            model = composer.load(path).eval()
            for mode in model.graph.modes:
                cells = [
                    timed(compiled, model, mode),
                    timed(saved, model, mode, "torch"),
                    timed(saved, model, mode, "onnx"),
                ]
                print(f"{path.stem:>20}{mode:>9}" + "".join(f"{cell:>22}" for cell in cells), flush=True)


def compiled(model: composer.Model, mode: str) -> float:
    """Difference between the model and what torch.compile makes of it as one graph."""
    torch.compiler.reset()
    inputs, samples = example_inputs(model.graph)
    fast = torch.compile(deepcopy(model), fullgraph=True, backend="aot_eager")
    with torch.no_grad():
        expected, found = model(inputs, samples, mode=mode), fast(inputs, samples, mode=mode)
    return max(float((expected[name] - found[name]).abs().max()) for name in expected)


def saved(model: composer.Model, mode: str, to: str) -> float:
    """Difference between the model and the file that was written and loaded again."""
    with tempfile.TemporaryDirectory() as folder:
        return export(model, to, Path(folder) / "model", mode=mode).difference or 0.0


def timed(work: Callable[..., float], *arguments: object) -> str:
    start = time.perf_counter()
    try:
        difference = work(*arguments)
    except GraphError as error:
        return f"refused: {error.problems[0].code}"
    return f"{time.perf_counter() - start:.1f} s, {difference:.1e}"


if __name__ == "__main__":
    main(sys.argv[1:])
