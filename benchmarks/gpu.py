"""What a GPU gives: rates beside hand-written code, memory beside the forecast, losses beside the CPU's, NMS, RoIAlign.

    python -m benchmarks.gpu                          needs a CUDA device; about seven minutes
    python -m benchmarks.gpu --device cpu --quick     the same script on small things, to see that it runs

Both sides of a ratio are timed in turns in one run; a figure is the median of the rounds, with the least and the
greatest. A part that finds its share of ``--seconds`` used up says what it leaves out. torchvision is used where it is
installed. Losses are compared in float32 without TensorFloat-32.
"""

import argparse
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

import composer
from benchmarks.networks import HandWrittenFashion, HandWrittenResNet
from components.memories.odc_memory import ODCMemory
from components.shared import region_pooling, suppression
from components.shared.region_pooling import Grid, roi_align
from components.shared.suppression import unsuppressed
from composer.catalog import Catalog
from composer.model.compile import outline
from composer.ports import values_checked
from composer.run.inputs import example_inputs
from composer.training.data.samples import ArraySource
from composer.training.engine import prepare
from composer.training.memory.forecast import StepPlan, forecast_memory, measure_memory
from composer.training.processes import Processes
from composer.training.recipe import Recipe

__all__ = ["main"]

SAVED = Path(__file__).parents[1] / "saved_graphs"
THEIRS = {"resnet50": "resnet50", "vit_base_p16": "vit_b_16", "swin_tiny": "swin_t"}
MEMORY = ("resnet50", "vit_base_p16", "swin_tiny", "mobilenet_v2", "moco_v2", "mae", "simclr", "retinanet_r50_fpn")
SMALL = ("fashion_mnist", "mae_fashion_mnist", "digits")
NEAR = 2e-3
"""How far a loss may lie from that of the CPU, as a share of it."""

Step = Callable[[], Any]


@dataclass(frozen=True)
class Bench:
    """Where and how much is measured."""

    device: torch.device
    quick: bool
    rounds: int
    ends: float

    @property
    def on_gpu(self) -> bool:
        return self.device.type == "cuda"

    def wait(self) -> None:
        if self.on_gpu:
            torch.cuda.synchronize(self.device)

    def left(self) -> float:
        return self.ends - time.monotonic()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--quick", action="store_true", help="small graphs and few rounds")
    parser.add_argument("--seconds", type=float, default=440, help="what all of it may take")
    parser.add_argument("--only", choices=PARTS, nargs="+", default=list(PARTS), help="these parts alone")
    options = parser.parse_args()
    if options.device.startswith("cuda") and not torch.cuda.is_available():
        print("no CUDA device: nothing was measured (--device cpu --quick runs the script without one)")
        return
    device = torch.device(options.device)
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else f"CPU, {torch.get_num_threads()} threads"
    print(f"{name}, torch {torch.__version__}, torchvision {'there' if find_spec('torchvision') else 'missing'}")
    begin = time.monotonic()
    for place, part in enumerate(options.only):
        share = (begin + options.seconds - time.monotonic()) / (len(options.only) - place)
        ends = time.monotonic() + share
        print(f"\n{part}", flush=True)
        PARTS[part](Bench(device, options.quick, 3 if options.quick else 15, ends))
    print(f"\n{time.monotonic() - begin:.0f} s in all")


def regions(bench: Bench) -> None:
    """NMS and RoIAlign: equal to the CPU's, and beside torchvision's kernels."""
    generator = torch.Generator().manual_seed(0)
    count = 200 if bench.quick else 2000
    boxes = (torch.rand(count, 2, 2, generator=generator) * 512).sort(dim=1).values.flatten(1)
    rois = torch.cat([torch.randint(2, (count, 1), generator=generator), boxes], dim=1)
    feature = torch.randn(2, 64 if bench.quick else 256, 128, 128, generator=generator)
    valid, level, grid = torch.ones(1, count, dtype=torch.bool), torch.zeros(count, dtype=torch.long), Grid((7, 7), 2)

    def nms(where: torch.device | str) -> Tensor:
        return unsuppressed(boxes[None].to(where), valid.to(where), 0.7)

    def align(where: torch.device | str) -> Tensor:
        return roi_align([feature.to(where)], [4.0], rois.to(where), level.to(where), grid)

    for name, call in (("NMS", nms), ("RoIAlign", align)):
        with own_operators():
            mine, here = call(bench.device).cpu(), call("cpu")
        off = (mine.float() - here.float()).abs().max().item()
        print(f"  {name} of {count} boxes: largest difference to the CPU {off:.2g}")
        assert off <= 1e-4, name
        sides = {"own": partial(with_own, call, bench.device)}
        if suppression.torchvision_operators() is not None:
            sides["torchvision"] = partial(call, bench.device)
        report(f"  {name}", in_turns(sides, bench), count)


@contextmanager
def own_operators() -> Iterator[None]:
    """Without torchvision's kernels, where they are installed."""
    held = region_pooling.torchvision_operators, suppression.torchvision_operators
    region_pooling.torchvision_operators = suppression.torchvision_operators = lambda: None  # type: ignore[assignment]
    try:
        yield
    finally:
        region_pooling.torchvision_operators, suppression.torchvision_operators = held


def with_own(call: Callable[..., Any], *given: Any) -> Any:
    with own_operators():
        return call(*given)


def rates(bench: Bench) -> None:
    """Forward and training step beside the same network by hand, and torchvision's."""
    names = ["fashion_mnist"] if bench.quick else list(THEIRS)
    for name in names:
        for fast in (False, True):
            if bench.left() < 20:
                print(f"  {name}: left out, the time is up")
                continue
            rate(bench, name, fast)


def rate(bench: Bench, name: str, fast: bool) -> None:
    batch, side, channels, classes = (8, 28, 1, 10) if bench.quick else (64, 224, 3, 1000)
    images = torch.randn(batch, channels, side, side, device=bench.device)
    labels = torch.randint(classes, (batch,), device=bench.device)
    images = images.to(memory_format=torch.channels_last) if fast else images
    precision = "bfloat16, channels last" if fast else "float32"
    model: Any = placed(composer.load(SAVED / "classification" / f"{name}.yaml"), bench, fast)
    networks: dict[str, tuple[Any, Callable[[Any], Tensor]]] = {
        "composer": (model, lambda run: run(images, {"label": labels}, mode="loss")["loss"])
    }
    others: dict[str, nn.Module] = {}
    if name in ("fashion_mnist", "resnet50"):
        others["by hand"] = HandWrittenFashion() if name == "fashion_mnist" else HandWrittenResNet()
    if find_spec("torchvision") and name in THEIRS:
        import torchvision  # noqa: PLC0415 - an environment may lack it

        others["torchvision"] = torchvision.models.get_model(THEIRS[name])
    for kind, network in others.items():
        networks[kind] = (placed(network, bench, fast), lambda run: nn.functional.cross_entropy(run(images), labels))
    if fast and bench.on_gpu:
        networks["composer compiled"] = (torch.compile(model, fullgraph=True), networks["composer"][1])
    steps = {kind: step_of(run, loss, bench, fast) for kind, (run, loss) in networks.items()}
    report(f"  {name}, training, {precision}", in_turns(steps, bench), batch)
    forwards = {kind: forward_of(run, images, bench, fast) for kind, (run, _) in networks.items()}
    report(f"  {name}, forward, {precision}", in_turns(forwards, bench), batch)


def placed(model: nn.Module, bench: Bench, fast: bool) -> nn.Module:
    model = model.to(bench.device).train()
    return model.to(memory_format=torch.channels_last) if fast else model  # type: ignore[call-overload, no-any-return]


def step_of(model: Any, loss: Callable[[Any], Tensor], bench: Bench, fast: bool) -> Step:
    """Forward, backward and a step of SGD; ``fast`` computes in bfloat16."""
    optimizer = torch.optim.SGD((one for one in model.parameters() if one.requires_grad), lr=1e-4, fused=True)

    def step() -> None:
        optimizer.zero_grad(set_to_none=True)
        with torch.autocast(bench.device.type, torch.bfloat16, enabled=fast), values_checked():
            value = loss(model)
        value.backward()
        optimizer.step()

    return step


def forward_of(model: Any, images: Tensor, bench: Bench, fast: bool) -> Step:
    def forward() -> None:
        with torch.no_grad(), torch.autocast(bench.device.type, torch.bfloat16, enabled=fast):
            model(images)

    return forward


def loop(bench: Bench) -> None:
    """A step of the engine beside a loop by hand on the same model: what data, log and checks around it cost."""
    name, side, count, batch = ("fashion_mnist", 28, 32, 16) if bench.quick else ("resnet50", 224, 256, 64)
    graph = composer.read(SAVED / "classification" / f"{name}.yaml")
    channels = next(iter(graph.inputs.values())).shape[1]  # type: ignore[index]
    draw, classes = np.random.RandomState(0), len(graph.classes) or 1000
    images = draw.randint(0, 255, (count, side, side, channels)).astype(np.uint8)
    source = ArraySource(images, np.arange(count) % classes, tuple(graph.classes) or tuple(map(str, range(classes))))
    optimizer = {"type": "SGD", "lr": 1e-3, "momentum": 0.9}
    given = {
        "graph": f"{name}.yaml",
        "data": {"train": {"path": "."}},
        "optimizer": optimizer,
        "augment": {"image": []},
    }
    given |= {"batches": {"batch": batch, "workers": 0}, "clip": {}, "channels_last": True}
    given["precision"] = "bf16" if bench.on_gpu else "fp32"
    recipe = Recipe.model_validate(given)
    prepared = prepare(recipe, graph, Catalog.default(), source, None, Processes(bench.device))
    trainer = prepared.trainer()
    given_batch = next(prepared.train.batches(0, 1))
    model = placed(composer.compile(graph), bench, fast=True)
    inputs, samples = trainer.stepper.moved(given_batch.inputs), trainer.stepper.moved(given_batch.samples)
    own = torch.optim.SGD(model.parameters(), lr=1e-3, momentum=0.9, fused=True)

    def by_hand() -> None:
        own.zero_grad(set_to_none=True)
        with torch.autocast(bench.device.type, torch.bfloat16, enabled=bench.on_gpu):
            loss = model(inputs, samples, mode="loss")["loss"]
        loss.backward()
        own.step()

    sides = {"composer": partial(trainer.train_step, given_batch), "by hand": by_hand}
    report(f"  {name}, a step of composer.training", in_turns(sides, bench), batch)


def memory(bench: Bench) -> None:
    """The forecast beside what the device's allocator came to in the same steps."""
    for name in SMALL if bench.quick else MEMORY:
        for precision in ("fp32",) if bench.quick else ("fp32", "bf16"):
            if bench.left() < 10:
                print(f"  {name}: left out, the time is up")
                continue
            graph = read(name)
            batch = 2 if bench.quick else 8 if "retinanet" in name else 64
            plan = StepPlan(partial(torch.optim.AdamW, fused=True), precision=precision)
            forecast = forecast_memory(outline(graph).train(), plan, batch=batch, device=bench.device.type)
            model = ready(composer.compile(graph), bench)
            given = moved(example_inputs(graph, batch=batch), bench.device)
            if bench.on_gpu:
                torch.cuda.reset_peak_memory_stats()
            counted = measure_memory(model, plan, given=given, batch=batch, device=bench.device.type)
            line = f"  {name}, {batch} samples, {precision}: forecast {forecast.peak / 2**20:.0f} MiB"
            line += f", counted in a real step {counted.peak / 2**20:.0f} ({forecast.peak / counted.peak:.3f})"
            if bench.on_gpu:
                peak = torch.cuda.max_memory_allocated()
                line += f", allocated {peak / 2**20:.0f} ({forecast.peak / peak:.3f})"
                line += f", reserved {torch.cuda.max_memory_reserved() / 2**20:.0f}"
            print(line, flush=True)
            del model, given
            if bench.on_gpu:
                torch.cuda.empty_cache()


def losses(bench: Bench) -> None:
    """The loss of every saved graph in one step, beside the CPU's; graphs that draw numbers are only found finite."""
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = False
    wrong, out = [], []
    for path in sorted(SAVED.rglob("*.yaml")):
        if (bench.quick and path.stem not in SMALL) or "loss" not in composer.read(path).modes:
            continue
        if bench.left() < 5:
            out.append(path.stem)
            continue
        here = {seed: one_step(path, "cpu" if bench.quick else bench.device, seed) for seed in (0, 1)}
        if not all(np.isfinite(value) for value in here[0].values()):
            wrong.append(path.stem)
            print(f"  {path.stem}: not finite {here[0]}")
        elif here[0] != here[1]:
            print(f"  {path.stem}: finite; it draws random numbers, which are others on each device")
        else:
            there = one_step(path, "cpu", 0)
            off = max(abs(here[0][key] - there[key]) / max(abs(there[key]), 1e-3) for key in there)
            wrong += [path.stem] if off > NEAR else []
            print(f"  {path.stem}: {'differs' if off > NEAR else 'equal'}, {off:.1e} of the CPU's loss", flush=True)
    print(f"  {len(wrong)} wrong{': ' + ', '.join(wrong) if wrong else ''}; left out: {', '.join(out) or 'none'}")


def one_step(path: Path, device: torch.device | str, seed: int) -> Mapping[str, float]:
    """Losses of one step with its backward pass, of weights that are always the same, and their gradients' norm."""
    torch.manual_seed(0)
    model: Any = composer.load(path).train()
    given = moved(example_inputs(model.graph, batch=2), device)
    model = model.to(device)
    fill_memories(model)
    torch.manual_seed(seed)
    found = model(*given, mode="loss")
    torch.stack([value for name, value in found.items() if "loss" in name]).sum().backward()
    return {name: value.item() for name, value in found.items()}


def ready(model: nn.Module, bench: Bench) -> Any:
    model = model.to(bench.device).train()
    fill_memories(model)
    return model


def fill_memories(model: nn.Module) -> None:
    for part in model.modules():
        if isinstance(part, ODCMemory):  # holds nothing before samples were clustered
            labels = torch.arange(part.length, device=part.feature_bank.device) % part.num_classes
            part.init_memory(torch.zeros_like(part.feature_bank), labels)


def read(name: str) -> Any:
    return composer.read(next(SAVED.rglob(f"{name}.yaml")))


def moved(value: Any, device: torch.device | str) -> Any:
    if isinstance(value, Tensor):
        return value.to(device)
    if isinstance(value, dict):
        return {name: moved(one, device) for name, one in value.items()}
    return [moved(one, device) for one in value]


def in_turns(sides: Mapping[str, Step], bench: Bench) -> dict[str, list[float]]:
    """Milliseconds of each side, round by round, after steps that do not count; another side begins each round."""
    for step in sides.values():
        for _ in range(3):
            step()
    bench.wait()
    found: dict[str, list[float]] = {name: [] for name in sides}
    names = list(sides)
    many = 1 if bench.quick else 5
    for number in range(bench.rounds):
        for place in range(len(names)):
            name = names[(place + number) % len(names)]
            begin = time.perf_counter()
            for _ in range(many):
                sides[name]()
            bench.wait()
            found[name].append((time.perf_counter() - begin) / many * 1000)
    return found


def report(title: str, times: dict[str, list[float]], batch: int) -> None:
    """One line: our time and rate, and its ratio to each of the others, round by round."""
    first, *others = times
    own = statistics.median(times[first])
    print(f"{title}: {own:.2f} ms, {batch / own * 1000:.0f} a second", end="")
    for other in others:
        pairs = sorted(mine / theirs for mine, theirs in zip(times[first], times[other], strict=True))
        print(f"; {statistics.median(pairs):.2f} ({pairs[0]:.2f} to {pairs[-1]:.2f}) of the time {other}", end="")
    print(flush=True)


PARTS: dict[str, Callable[[Bench], None]] = {
    "regions": regions,
    "loop": loop,
    "rates": rates,
    "memory": memory,
    "losses": losses,
}


if __name__ == "__main__":
    sys.exit(main())
