"""Training steps on an accelerator, beside torchvision's models, and what mixed precision and compiling give.

    python -m benchmarks.accelerator              needs a CUDA device; torchvision where a ratio is wanted

Every figure is the median of steps timed with device events; both sides of a ratio are timed in turns in one run.
"""

import argparse
import statistics
import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from torch import nn

import composer
from composer.run.inputs import example_inputs

__all__ = ["main"]

SAVED = Path(__file__).parents[1] / "saved_graphs"
CLASSIFIERS = {
    "resnet50": "resnet50",
    "vit_base_p16": "vit_b_16",
    "swin_tiny": "swin_t",
    "mobilenet_v2": "mobilenet_v2",
}
OTHERS = {"selfsup/moco_v2": 64, "selfsup/mae": 64, "detection/faster_rcnn_r50_fpn": 8}

Step = Callable[[], Any]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--batch", type=int, default=64, help="images a step of a classifier")
    parser.add_argument("--rounds", type=int, default=15, help="how often each is timed")
    options = parser.parse_args()
    if not torch.cuda.is_available():
        print("no CUDA device: nothing was measured")
        return
    print(f"{torch.cuda.get_device_name()}, torch {torch.__version__}, {options.batch} images of 224 px a step")
    for name, other in CLASSIFIERS.items():
        for fast in (False, True):
            measure_classifier(name, other, options.batch, options.rounds, fast=fast)
    for name, batch in OTHERS.items():
        for fast in (False, True):
            measure_other(name, batch, options.rounds, fast=fast)


def measure_classifier(name: str, other: str, batch: int, rounds: int, *, fast: bool) -> None:
    images = torch.randn(batch, 3, 224, 224, device="cuda")
    labels = torch.randint(1000, (batch,), device="cuda")
    model = placed(composer.load(SAVED / "classification" / f"{name}.yaml"), fast)
    sides = {"composer": step_of(model, lambda run: run(images, {"label": labels}, mode="loss")["loss"], fast)}
    if fast:
        compiled: Any = torch.compile(model, fullgraph=True)
        sides["compiled"] = step_of(compiled, lambda run: run(images, {"label": labels}, mode="loss")["loss"], fast)
    if find_spec("torchvision"):
        import torchvision  # noqa: PLC0415 - an environment may lack it

        theirs = placed(torchvision.models.get_model(other), fast)
        criterion = nn.CrossEntropyLoss()
        sides["torchvision"] = step_of(theirs, lambda run: criterion(run(images), labels), fast)
    times = in_turns(sides, rounds)
    report(name, batch, times, fast)


def measure_other(name: str, batch: int, rounds: int, *, fast: bool) -> None:
    model = placed(composer.load(SAVED / f"{name}.yaml"), fast)
    given = [moved(one) for one in example_inputs(model.graph, batch=batch)]

    def loss(run: Any) -> torch.Tensor:
        losses = run(*given, mode="loss")
        return torch.stack([value for key, value in losses.items() if "loss" in key]).sum()

    report(name, batch, in_turns({"composer": step_of(model, loss, fast)}, rounds), fast)


def placed(model: nn.Module, fast: bool) -> nn.Module:
    model = model.cuda().train()
    return model.to(memory_format=torch.channels_last) if fast else model  # type: ignore[call-overload, no-any-return]


def moved(value: Any) -> Any:
    if isinstance(value, torch.Tensor):
        return value.cuda()
    if isinstance(value, dict):
        return {name: moved(one) for name, one in value.items()}
    return [moved(one) for one in value]


def step_of(model: Any, loss: Callable[[Any], torch.Tensor], fast: bool) -> Step:
    """Forward, backward and a step of SGD; ``fast`` computes in bfloat16 with channels last."""
    optimizer = torch.optim.SGD((one for one in model.parameters() if one.requires_grad), lr=1e-4, fused=True)

    def step() -> None:
        optimizer.zero_grad(set_to_none=True)
        with torch.autocast("cuda", torch.bfloat16, enabled=fast):
            value = loss(model)
        value.backward()
        optimizer.step()

    return step


def in_turns(sides: dict[str, Step], rounds: int) -> dict[str, list[float]]:
    """Milliseconds of each side, round by round, after steps that do not count; another side begins each round."""
    for step in sides.values():
        for _ in range(3):
            step()
    found: dict[str, list[float]] = {name: [] for name in sides}
    names = list(sides)
    for number in range(rounds):
        for place in range(len(names)):
            name = names[(place + number) % len(names)]
            begin, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
            begin.record()
            for _ in range(5):
                sides[name]()
            end.record()
            torch.cuda.synchronize()
            found[name].append(begin.elapsed_time(end) / 5)
    return found


def report(name: str, batch: int, times: dict[str, list[float]], fast: bool) -> None:
    own = statistics.median(times["composer"])
    precision = "bfloat16, channels last" if fast else "float32"
    print(f"  {name}, {precision}: {own:.1f} ms a step, {batch / own * 1000:.0f} images a second", end="")
    for other in times.keys() - {"composer"}:
        pairs = sorted(mine / theirs for mine, theirs in zip(times["composer"], times[other], strict=True))
        print(
            f"; {statistics.median(pairs):.2f} ({pairs[0]:.2f} to {pairs[-1]:.2f}) of the time of {other}",
            end="",
        )
    print(flush=True)


if __name__ == "__main__":
    sys.exit(main())
