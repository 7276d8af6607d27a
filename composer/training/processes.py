"""Processes that train together: what torchrun starts, and what they exchange."""

import gc
import os
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import torch
from torch import Tensor, nn
from torch import distributed as dist
from torch.distributed.device_mesh import DeviceMesh
from torch.distributed.rendezvous import rendezvous

from composer.problems import GraphError, Problem, Where

__all__ = ["Agreement", "Processes", "joined"]

_PATIENCE = timedelta(minutes=30)
"""How long a process waits for the others; evaluation and checkpoints of the first one lie within."""


_FAREWELL = timedelta(minutes=5)
"""How long a process waits at the end for those that still send or read."""

_RESTARTS = ("TORCHELASTIC_RESTART_COUNT", "SLURM_RESTART_COUNT")
"""What torchrun and Slurm count; torchrun does not on a host whose own processes did not fail."""


@dataclass(frozen=True, slots=True)
class Processes:
    """This process among those that train together.

    Args:
        device: What this process trains on.
        rank: Which it is, from 0.
        world: How many there are.
        restarts: How often these processes were started before, as far as can be known.
    """

    device: torch.device
    rank: int = 0
    world: int = 1
    restarts: int = 0

    @property
    def first(self) -> bool:
        """Whether this process writes."""
        return self.rank == 0

    def wait(self) -> None:
        """Wait until all are here."""
        if self.world > 1:
            dist.barrier()

    def from_first(self, value: Any) -> Any:
        """What the first process has, in all."""
        if self.world == 1:
            return value
        held = [value if self.first else None]
        dist.broadcast_object_list(held, src=0)
        return held[0]

    def of_all(self, value: Any) -> list[Any]:
        """What each process has, in all of them, in the order of their ranks."""
        if self.world == 1:
            return [value]
        found: list[Any] = [None] * self.world
        dist.all_gather_object(found, value)
        return found

    def together(self, problem: Exception | None) -> None:
        """Raise in every process what any of them found wrong, so that none waits for one that is gone.

        Args:
            problem: What this one found; None where it found nothing.

        Raises:
            GraphError: Another process found something.
            Exception: What this one found.
        """
        messages = self.of_all(None if problem is None else str(problem))
        if problem is not None:
            raise problem
        other = next(((rank, text) for rank, text in enumerate(messages) if text is not None), None)
        if other is not None:
            where = Where(f"process {other[0]}")
            raise GraphError(Problem("process-failed", where, f"it ended the training: {other[1]}"))

    def average(self, tensor: Tensor) -> Tensor:
        """The mean over the processes, in place."""
        if self.world > 1:
            dist.all_reduce(tensor)
            tensor /= self.world
        return tensor

    @torch.no_grad()
    def buffers_from_first(self, model: nn.Module) -> None:
        """Give every process the statistics of the first one."""
        if self.world > 1:
            for buffer in model.buffers():
                dist.broadcast(buffer.data, 0)


@contextmanager
def joined(device: str | torch.device | None = None) -> Iterator[Processes]:
    """Join the processes that torchrun started (``RANK``, ``WORLD_SIZE``, ``LOCAL_RANK``), or stand alone.

    Where torch.distributed is initialised already, that group is used and stays. One that is made here ends with all
    its threads: where one still runs as Python takes itself down, the process is aborted ("terminate called without an
    active exception"). A model that is sharded over the processes cannot run any more then.

    Args:
        device: What to train on: ``cpu``, ``cuda``, ``cuda:1``; by default an accelerator if there is one. Several
            processes of one machine take one accelerator each, by ``LOCAL_RANK``.

    Raises:
        GraphError: There is no such device, or too few for the processes.
    """
    world = int(os.environ.get("WORLD_SIZE", "1"))
    local = int(os.environ.get("LOCAL_RANK", os.environ.get("RANK", "0")))
    store: Any = None
    restarts = max(int(os.environ.get(name, "0")) for name in _RESTARTS)
    if dist.is_available() and dist.is_initialized():
        world = dist.get_world_size()
        local = int(os.environ.get("LOCAL_RANK", dist.get_rank()))
    chosen = _device(device, local if world > 1 else None)
    if chosen.type not in ("cpu", "mps"):
        torch.get_device_module(chosen).set_device(chosen)
    if dist.is_available() and not dist.is_initialized() and "RANK" in os.environ and "WORLD_SIZE" in os.environ:
        backend = {"cpu": "gloo", "cuda": "cpu:gloo,cuda:nccl"}.get(chosen.type)
        store, rank, count = next(iter(rendezvous("env://", timeout=_PATIENCE)))
        restarts = max(restarts, starts := _starts(store, rank, count) - 1)
        # torchrun keeps its store over restarts, and with it the addresses of processes that are gone.
        store = dist.PrefixStore(f"composer/start/{starts}", store)  # type: ignore[attr-defined]
        dist.init_process_group(backend, store=store, rank=rank, world_size=count, timeout=_PATIENCE)
    try:
        if dist.is_available() and dist.is_initialized():
            yield Processes(chosen, dist.get_rank(), dist.get_world_size(), restarts)
        else:
            yield Processes(chosen, restarts=restarts)
        if store is not None:
            _wait_for_all(store)
    finally:
        if store is not None:
            _end_group()


def _wait_for_all(store: Any) -> None:
    """Wait until no process sends or reads any more; over the store, which all have beside the group."""
    rank, world = dist.get_rank(), dist.get_world_size()
    with suppress(RuntimeError):  # the process that holds the store may leave first, once all have said so
        store.set(f"composer/done/{rank}", "")
        store.wait([f"composer/done/{other}" for other in range(world)], _FAREWELL)


def _end_group() -> None:
    """End the group with its threads, which live as long as anything holds it.

    DistributedDataParallel is part of cycles, and torch keeps the meshes of sharded tensors in caches of its own.
    """
    dist.destroy_process_group()
    gc.collect()
    for item in gc.get_objects():
        if type(item) is DeviceMesh:
            getattr(item, "_pg_registry", {}).clear()


def _starts(store: Any, rank: int, world: int) -> int:
    """How often the processes were started with this store, this time included: the same number in all of them.

    The first one counts. Each other one asks with a word of its own, which no answer to a process that is gone fits.

    Raises:
        GraphError: Some of them did not come.
    """
    if rank:
        word = secrets.token_hex(8)
        store.set(f"composer/ask/{rank}", word)
        store.wait([f"composer/answer/{word}"], _PATIENCE)
        number = int(store.get(f"composer/answer/{word}"))
        store.set(f"composer/here/{number}/{rank}", "")
        return number
    number = int(store.add("composer/starts", 1))
    missing, deadline = set(range(1, world)), time.monotonic() + _PATIENCE.total_seconds()
    while missing:
        for other in missing:
            if store.check([f"composer/ask/{other}"]):
                store.set(f"composer/answer/{store.get(f'composer/ask/{other}').decode()}", str(number))
        missing = {other for other in missing if not store.check([f"composer/here/{number}/{other}"])}
        if missing and time.monotonic() > deadline:
            text = f"{len(missing)} of {world} processes did not come within {_PATIENCE}: {sorted(missing)[:8]}"
            raise GraphError(Problem("process-failed", Where("processes"), text))
        time.sleep(0.01)
    return number


def _device(given: str | torch.device | None, local: int | None) -> torch.device:
    """The device of this process."""
    try:
        accelerator = torch.accelerator.current_accelerator(check_available=True)
        chosen = torch.device(given) if given is not None else accelerator or torch.device("cpu")
    except RuntimeError as error:
        text = f"found '{given}': {(str(error) or type(error).__name__).splitlines()[0]}"
        raise GraphError(Problem("no-device", Where("device"), text)) from None
    if chosen.type in ("cpu", "mps", "meta"):
        return chosen
    count = torch.accelerator.device_count() if accelerator is not None and accelerator.type == chosen.type else 0
    if getattr(chosen, "index", None) is None:
        chosen = torch.device(chosen.type, local or 0)
    if chosen.index >= count:
        text = f"found '{chosen}', but this machine has {count} {chosen.type} devices"
        text += f": start at most {count} processes here (--nproc-per-node)" if local is not None and count else ""
        raise GraphError(Problem("no-device", Where("device"), text))
    return chosen


class Agreement:
    """A wish that any process may have, which all learn of in the same step without waiting for each other.

    A step later each knows what the others wished: the numbers travel while the step is computed.

    Args:
        processes: The processes.
    """

    def __init__(self, processes: Processes) -> None:
        self._processes = processes
        self._tensor: Tensor | None = None
        self._work: Any = None

    def ask(self, wish: bool) -> bool:
        """Whether any process had the wish in the step before (alone: whether it has it now)."""
        if self._processes.world == 1:
            return wish
        found = False
        if self._work is not None and self._tensor is not None:
            self._work.wait()
            found = bool(self._tensor.item())
        self._tensor = torch.tensor([float(wish)])
        self._work = dist.all_reduce(self._tensor, dist.ReduceOp.MAX, async_op=True)
        return found

    def end(self) -> None:
        """Wait for what still travels."""
        if self._work is not None:
            self._work.wait()
            self._work = None
