"""Steps of ``composer.training`` beside a plain loop written by hand, on the same model and batches.

    python -m benchmarks.training_loop                   one process
    python -m benchmarks.training_loop --processes 2     two, with DistributedDataParallel on both sides

Both sides have the same kind of optimizer, schedule and layout. A ratio of 1 means the same time a step; above 1 ours
is slower. In turns of some steps, so that a noisy machine weighs on both. Then what a step costs more whose nodes are
all counted (``statistics``), which is every 50th at most.
"""

import argparse
import math
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import distributed as dist
from torch import multiprocessing
from torch.nn.parallel import DistributedDataParallel

import composer
from benchmarks.side_by_side import compare
from composer.graph import Graph
from composer.run.inputs import example_inputs
from composer.training import set_progress
from composer.training.processes import Processes
from composer.training.recipe import Recipe
from composer.training.trainer import Trainer, statistics_every

# Saved graphs, the batch, and steps of one turn.
GRAPHS = {
    "classification/fashion_mnist": (32, 3),
    "selfsup/mae_fashion_mnist": (32, 3),
    "classification/resnet18_cifar": (4, 2),
}
STEPS = 100_000
RATE = 1e-3


@dataclass
class Batch:
    inputs: dict[str, Any]
    samples: dict[str, Any]
    indices: list[int]
    names: list[str]
    skipped: list[str] = field(default_factory=list)


class Feed:
    """The same batch at every step."""

    def __init__(self, graph: Graph, count: int) -> None:
        inputs, samples = example_inputs(graph, count)
        self.batch = Batch(inputs, samples, list(range(count)), [str(index) for index in range(count)])
        self.steps_in_epoch = STEPS

    def batches(self, start: int, stop: int) -> Iterator[Batch]:
        return (self.batch for _ in range(start, stop))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("graphs", nargs="*", choices=[*GRAPHS, []], help="which graphs; all where none is named")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument(
        "--processes", type=int, default=1, help="2: both sides with DistributedDataParallel, over gloo"
    )
    options = parser.parse_args()
    names = tuple(options.graphs or GRAPHS)
    print(f"a step of composer.training against a loop by hand, {options.processes} process(es) of one thread")
    if options.processes == 1:
        measure(0, 1, names, options.rounds, "")
        return
    with tempfile.TemporaryDirectory() as folder:
        given = (options.processes, names, options.rounds, f"file://{folder}/store")
        multiprocessing.spawn(measure, given, nprocs=options.processes)


def measure(rank: int, world: int, names: tuple[str, ...], rounds: int, store: str) -> None:
    """Compare the two in this process, which takes the same turns as the others."""
    torch.set_num_threads(1)
    if world > 1:
        dist.init_process_group("gloo", init_method=store, rank=rank, world_size=world)
    processes = Processes(torch.device("cpu"), rank, world)
    for name in names:
        count, inner = GRAPHS[name]
        graph = composer.read(f"saved_graphs/{name}.yaml")
        feed = Feed(graph, count)
        mine, theirs = ours(graph, feed, processes), by_hand(graph, feed, processes)
        own, other, ratio = compare(mine, theirs, rounds, inner)
        if rank == 0:
            print(f"  {name:32} {own:8.1f} ms, by hand {other:8.1f} ms, ratio {ratio:.3f}", flush=True)
        if world == 1:
            counted = ours(graph, feed, processes, "1 step")
            own, other, ratio = compare(counted, ours(graph, feed, processes), rounds, inner)
            share = f"{(ratio - 1) / statistics_every(1):.2%} of a training"
            print(f"  {'':32} {own:8.1f} ms with all nodes counted, ratio {ratio:.3f}: {share}", flush=True)
    if world > 1:
        dist.destroy_process_group()


def ours(graph: Graph, feed: Feed, processes: Processes, counted: str = "0 steps") -> Callable[[], object]:
    data = {"train": {"path": "images"}}
    given = {"graph": "graph.yaml", "data": data, "optimizer": {"lr": RATE}, "schedule": {}, "steps": STEPS}
    given["statistics"] = {"every": counted}
    torch.manual_seed(0)
    recipe = Recipe.model_validate({**given, "channels_last": False})
    trainer = Trainer(recipe, composer.compile(graph), feed, processes=processes)
    return lambda: trainer.train_step(feed.batch)


def by_hand(graph: Graph, feed: Feed, processes: Processes) -> Callable[[], object]:
    torch.manual_seed(0)
    model = composer.compile(graph).train()
    matrices = [item for item in model.parameters() if item.requires_grad and item.dim() > 1]
    vectors = [item for item in model.parameters() if item.requires_grad and item.dim() <= 1]
    groups = [{"params": matrices, "weight_decay": 0.05}, {"params": vectors, "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW(groups, lr=RATE, fused=True)
    run = model if processes.world == 1 else DistributedDataParallel(model, gradient_as_bucket_view=True)
    made = [0]
    total = [0.0]

    def step() -> None:
        set_progress(model, made[0] / STEPS)
        for group in optimizer.param_groups:
            group["lr"] = RATE * (1 + math.cos(math.pi * made[0] / STEPS)) / 2
        losses = run(feed.batch.inputs, feed.batch.samples, mode="loss")
        loss = sum(value for name, value in losses.items() if "loss" in name)
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        total[0] += loss.item()
        made[0] += 1

    return step


if __name__ == "__main__":
    main()
