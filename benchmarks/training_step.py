"""Training steps of a model in a process of its own, for benchmarks/selfsup.py.

Imports nothing but torch, so that any environment with torch can run it.
"""

import gc
import resource
import sys
from collections.abc import Callable
from typing import Any

import torch
from torch import nn

__all__ = ["BATCH", "views", "works_of"]

BATCH = 8
SIZE = 224


def views(count: int) -> list[torch.Tensor]:
    return list(torch.randn(count, BATCH, 3, SIZE, SIZE, generator=torch.Generator().manual_seed(0)).unbind())


def works_of(model: nn.Module, loss: Callable[[], dict[str, Any]]) -> dict[str, Callable[[], float]]:
    """What can be asked of a model: how many ``parameters`` it trains, a ``step``, and the most ``memory`` so far.

    Args:
        model: In training mode, on the CPU.
        loss: One forward in loss mode; it moves the momentum copies, too.
    """
    loaded = memory_of_loaded_model()

    def step() -> float:
        model.zero_grad(set_to_none=True)
        total = sum(value for name, value in loss().items() if "loss" in name)
        total.backward()
        return float(total)

    return {
        "parameters": lambda: sum(one.numel() for one in model.parameters() if one.requires_grad),
        "step": step,
        "memory": lambda: highest() - loaded,
    }


def memory_of_loaded_model() -> float:
    """MiB in use now; the highest figure starts from here, where the system can forget the one before (Linux)."""
    gc.collect()
    try:
        with open("/proc/self/clear_refs", "w") as file:
            file.write("5")
    except OSError:
        pass
    return highest()


def highest() -> float:
    """The most MiB that were in use."""
    unit = 2**20 if sys.platform == "darwin" else 2**10
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit
