"""Training steps of a model in a process of its own, one for each line that comes in.

Imports nothing but torch, so that any environment with torch can run it.
"""

import gc
import json
import os
import resource
import sys
import time
from collections.abc import Callable
from typing import Any, TextIO

import torch
from torch import nn

__all__ = ["BATCH", "serve", "take_stdout", "views"]

BATCH = 8
SIZE = 224


def views(count: int) -> list[torch.Tensor]:
    return list(torch.randn(count, BATCH, 3, SIZE, SIZE, generator=torch.Generator().manual_seed(0)).unbind())


def take_stdout() -> TextIO:
    """The standard output for answers alone; what anything else prints there goes to the errors from now on."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    return answers


def serve(answers: TextIO, model: nn.Module, loss: Callable[[], dict[str, Any]]) -> None:
    """Answer every line of the standard input with a step.

    The answer has how long it took, the processor's time for it, the loss, and the most memory so far.

    Args:
        answers: What ``take_stdout`` gave.
        model: In training mode, on the CPU.
        loss: One forward in loss mode; it moves the momentum copies, too.
    """
    torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
    loaded = memory_of_loaded_model()
    trained = sum(one.numel() for one in model.parameters() if one.requires_grad)
    tell(answers, {"parameters": trained})
    for _ in sys.stdin:
        start, start_of_work = time.perf_counter(), time.process_time()
        model.zero_grad(set_to_none=True)
        total = sum(value for name, value in loss().items() if "loss" in name)
        total.backward()
        took = {"seconds": time.perf_counter() - start, "work": time.process_time() - start_of_work}
        tell(answers, {**took, "loss": total.item(), "memory": highest() - loaded})


def tell(answers: TextIO, answer: dict[str, float]) -> None:
    print(json.dumps(answer), file=answers, flush=True)


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
