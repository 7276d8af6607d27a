"""What the processes of a training exchange in one step, graph by graph: the table of docs/scale.md.

    python -m benchmarks.communication [--batch 32] [--world 8] [GRAPH ...]

Each graph makes a step on tensors that have sizes but no numbers, as one of several processes whose collectives only
count. ``tests/training/test_communication.py`` holds the count against two real processes.
"""

import argparse
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

import torch
from torch import Tensor
from torch import distributed as dist
from torch._subclasses.fake_tensor import FakeTensorMode

import composer
from composer.graph import Graph
from composer.model.compile import outline
from composer.run.inputs import example_inputs
from composer.training.memory.storages import fake_like, fake_module

__all__ = ["Traffic", "counted", "main", "traffic_of"]

SAVED = Path(__file__).parents[1] / "saved_graphs"


@dataclass
class Traffic:
    """Bytes that one process gives to collectives in a step.

    Args:
        gradients: Bytes of all gradients, which DDP averages.
        gathered: Bytes of its own that all others get (all_gather).
        summed: Bytes of tensors that are summed over all (all_reduce).
        sent: Bytes that come from the first process (broadcast).
        calls: How many collectives the graph itself calls.
    """

    gradients: int = 0
    gathered: int = 0
    summed: int = 0
    sent: int = 0
    calls: int = 0


@contextmanager
def counted(traffic: Traffic, world: int = 0) -> Iterator[None]:
    """Count the collectives that a graph calls.

    Args:
        traffic: Where.
        world: Act as one of so many processes that are not there; 0 counts what real ones do.
    """
    real = {name: getattr(dist, name) for name in ("all_gather", "all_reduce", "broadcast")}

    def note(kind: str, tensor: Tensor) -> None:
        traffic.calls += 1
        setattr(traffic, kind, getattr(traffic, kind) + tensor.numel() * tensor.element_size())

    def all_gather(parts: list[Tensor], tensor: Tensor, *rest: Any, **options: Any) -> Any:
        note("gathered", tensor)
        return None if world else real["all_gather"](parts, tensor, *rest, **options)

    def all_reduce(tensor: Tensor, *rest: Any, **options: Any) -> Any:
        note("summed", tensor)
        return None if world else real["all_reduce"](tensor, *rest, **options)

    def broadcast(tensor: Tensor, *rest: Any, **options: Any) -> Any:
        note("sent", tensor)
        return None if world else real["broadcast"](tensor, *rest, **options)

    stand_ins: dict[str, Any] = {"all_gather": all_gather, "all_reduce": all_reduce, "broadcast": broadcast}
    if world:
        stand_ins |= {"is_initialized": lambda: True, "get_world_size": lambda *_: world, "get_rank": lambda *_: 0}
    with mock.patch.multiple(dist, **stand_ins):
        yield


def traffic_of(graph: Graph, *, batch: int, world: int) -> Traffic:
    """What one process of several gives to collectives in a step.

    Args:
        graph: The graph.
        batch: Samples of one process.
        world: How many processes there are.
    """
    model = outline(graph).train()
    mode = FakeTensorMode()
    fake = fake_module(model, mode, "cpu")
    inputs, samples = example_inputs(graph, batch=2)
    given = [scaled(part, mode, batch) for part in (inputs, samples)]
    found = Traffic(gradients=sum(one.nbytes for one in model.parameters() if one.requires_grad))
    with mode, counted(found, world):
        losses = fake(*given, mode="loss")
        torch.stack([value for name, value in losses.items() if "loss" in name]).sum().backward()
    return found


def scaled(part: dict[str, Any], mode: FakeTensorMode, batch: int) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for name, value in part.items():
        if isinstance(value, Tensor):
            made[name] = fake_like(value, mode, "cpu", (2, batch))
        else:
            made[name] = [fake_like(value[index % 2], mode, "cpu") for index in range(batch)]
    return made


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("graphs", nargs="*", help="names of saved graphs; by default all")
    parser.add_argument("--batch", type=int, default=32, help="samples of one process")
    parser.add_argument("--world", type=int, default=8, help="processes")
    options = parser.parse_args()
    print(f"one step, {options.batch} samples in each of {options.world} processes; MiB that a process gives")
    print("| graph | gradients | gathered | summed | from the first | collectives |\n|---|---|---|---|---|---|")
    for path in sorted(SAVED.rglob("*.yaml")):
        graph = composer.read(path)
        if "loss" not in graph.modes or (options.graphs and path.stem not in options.graphs):
            continue
        found = traffic_of(graph, batch=options.batch, world=options.world)
        sizes = [f"{size / 2**20:.3g}" for size in (found.gradients, found.gathered, found.summed, found.sent)]
        print(f"| `{path.stem}` | {' | '.join(sizes)} | {found.calls} |", flush=True)


if __name__ == "__main__":
    sys.exit(main())
