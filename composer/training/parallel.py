"""A model as the processes of a training run it: plain, under DDP, or sharded (FSDP2)."""

import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch import distributed as dist
from torch.distributed.checkpoint.state_dict import (
    StateDictOptions,
    get_model_state_dict,
    get_state_dict,
    set_model_state_dict,
    set_state_dict,
)
from torch.distributed.checkpoint.state_dict_loader import load
from torch.distributed.checkpoint.state_dict_saver import save
from torch.distributed.fsdp import FSDPModule, fully_shard
from torch.distributed.tensor import DTensor, distribute_tensor
from torch.nn.parallel import DistributedDataParallel
from torch.optim import Optimizer

from composer.catalog import shared
from composer.model import Model
from composer.problems import GraphError, Problem, Where
from composer.training.policy import trained
from composer.training.processes import Processes

__all__ = ["Wrapped", "synchronised"]


class Wrapped:
    """Runs a model in the processes of a training.

    Args:
        model: The model, on its device.
        processes: The processes.
        strategy: ``ddp`` or ``fsdp``; alone neither is used.
        compiled: Whether ``torch.compile`` is used for loss mode.
    """

    def __init__(self, model: Model, processes: Processes, strategy: str = "ddp", *, compiled: bool = False) -> None:
        self.model = model
        self.processes = processes
        self.sharded = strategy == "fsdp" and processes.world > 1
        self._compiled = compiled
        self._trained: tuple[str, ...] | None = None
        self._ddp: _Parallel | None = None
        if self.sharded:
            _shard(model)
        self._plain: Callable[..., Any] = torch.compile(model) if compiled else model
        self.refresh()

    def refresh(self) -> bool:
        """Follow a change of what is trained: DDP counts on what took gradients when it was made, so it is made anew.

        Returns:
            Whether anything was done.
        """
        if self.processes.world == 1 or self.sharded:
            return False
        now = trained(self.model)
        if now == self._trained:
            return False
        self._trained = now
        self._ddp = None  # its hooks go with it, before another one sets its own
        device = self.processes.device
        with warnings.catch_warnings():
            # What is to take its place still sends buffers at the start (torch 2.13).
            warnings.filterwarnings("ignore", "`broadcast_buffers` is deprecated", FutureWarning)
            self._ddp = _Parallel(
                self._plain,
                device_ids=None if device.type == "cpu" else [device],
                broadcast_buffers=False,
                gradient_as_bucket_view=True,
                init_sync=False,
            )
        return True

    def losses(self, inputs: Mapping[str, Any], samples: Mapping[str, Any]) -> dict[str, Tensor]:
        """What loss mode gives."""
        run = self._plain if self._ddp is None else self._ddp
        found: dict[str, Tensor] = run(inputs, samples, mode="loss")
        return found

    @contextmanager
    def alone(self, *, last: bool) -> Iterator[None]:
        """A part of a step whose gradients stay in this process, but for those of the last part."""
        if last or self.processes.world == 1:
            yield
        elif self._ddp is not None:
            with self._ddp.no_sync():
                yield
        else:
            assert isinstance(self.model, FSDPModule)
            self.model.set_requires_gradient_sync(False)
            try:
                yield
            finally:
                self.model.set_requires_gradient_sync(True)

    @contextmanager
    def whole(self) -> Iterator[None]:
        """Let each process hold the whole model and compute by itself inside: none waits for another.

        Processes that evaluate may have different numbers of samples, and one of them may fail. A sharded model is put
        together once; weights are not to be changed meanwhile.
        """
        parts = [(path, part) for path, part in self.model.named_modules() if isinstance(part, FSDPModule)]
        for _, part in parts:
            part.unshard()
            part.set_reshard_after_forward(False, recurse=False)
        try:
            with shared("distributed").alone():
                yield
        finally:
            for path, part in parts:
                part.reshard()
                part.set_reshard_after_forward(bool(path), recurse=False)  # the root's backward comes next

    def whole_state(self, *, first_alone: bool = True) -> dict[str, Tensor]:
        """The state dict as one process has it; of a sharded model only in the first process, on the CPU.

        Args:
            first_alone: Whether the other processes have nothing of a sharded model; else all have it on their device.
        """
        if not self.sharded:
            return self.model.state_dict()
        options = StateDictOptions(full_state_dict=True, cpu_offload=first_alone)
        return cast(dict[str, Tensor], get_model_state_dict(self.model, options=options))

    def write_shards(self, folder: Path, optimizer: Optimizer, ema: Mapping[str, Tensor]) -> None:
        """Write this process's parts of weights, optimizer and moving average; all processes call it."""
        model, state = get_state_dict(self.model, optimizer)
        save({"model": model, "optimizer": state, "ema": dict(ema)}, checkpoint_id=folder)

    def read_shards(self, folder: Path, optimizer: Optimizer, ema: Mapping[str, Tensor]) -> None:
        """Take this process's parts, also where another number of processes wrote them; all processes call it.

        Raises:
            GraphError: They cannot be read.
        """
        model, state = get_state_dict(self.model, optimizer)
        found: dict[str, Any] = {"model": model, "optimizer": state, "ema": dict(ema)}
        try:
            load(found, checkpoint_id=folder, no_dist=self.processes.world == 1)
        except Exception as error:  # a damaged shard may raise anything
            text = f"its shards cannot be read: {(str(error) or type(error).__name__).splitlines()[0]}"
            raise GraphError(Problem("bad-checkpoint", Where(file=str(folder)), text)) from error
        set_state_dict(self.model, optimizer, model_state_dict=found["model"], optim_state_dict=found["optimizer"])

    def read_whole(self, state: Mapping[str, Any], optimizer: Optimizer, ema: Mapping[str, Tensor]) -> None:
        """Take weights, optimizer and moving average from a checkpoint that holds all of them.

        Args:
            state: Has ``model``, ``optimizer`` and ``ema``, as state dicts of one process.
            optimizer: The optimizer.
            ema: Its weights are filled.
        """
        if not self.sharded:
            self.model.load_state_dict(state["model"])
            optimizer.load_state_dict(state["optimizer"])
        else:
            set_model_state_dict(self.model, dict(state["model"]), options=StateDictOptions(full_state_dict=True))
            weights = [weight for group in optimizer.param_groups for weight in group["params"]]
            parts = {
                place: {name: _part(value, weights[place]) for name, value in held.items()}
                for place, held in state["optimizer"]["state"].items()
            }
            optimizer.load_state_dict({**state["optimizer"], "state": parts})
        with torch.no_grad():
            for name, weight in ema.items():
                weight.copy_(_part(state["ema"][name], weight))


def _part(value: Any, like: Tensor) -> Any:
    """This process's part of a tensor that belongs to a sharded weight; anything else as it is."""
    if not isinstance(like, DTensor) or not isinstance(value, Tensor) or value.shape != like.shape:
        return value
    return distribute_tensor(value.to(like.device).contiguous(), like.device_mesh, like.placements, src_data_rank=None)


class _Parallel(DistributedDataParallel):
    """DDP that takes our SyncBatchNorm on a CPU, which torch's own DDP holds for its layer that needs a GPU."""

    def _passing_sync_batchnorm_handle(self, module: nn.Module) -> None:
        if self.device_type != "cpu":
            super()._passing_sync_batchnorm_handle(module)  # type: ignore[no-untyped-call]


def _shard(model: Model) -> None:
    """Each node that holds weights by itself, then what is left."""
    mesh = dist.device_mesh.init_device_mesh(_mesh_type(model), (dist.get_world_size(),))
    for path in model.node_params:
        part = model.get_submodule(path)
        if next(part.parameters(), None) is not None:
            fully_shard(part, mesh=mesh)
    fully_shard(model, mesh=mesh)


def _mesh_type(model: nn.Module) -> str:
    return next(model.parameters()).device.type


def synchronised(model: Model) -> Model:
    """The model with batch normalisations that count over all processes, on a CPU too.

    Layers, weights and names stay; only the class of each normalisation changes.
    """
    norm = shared("norm")
    for part in list(model.modules()):
        for name, child in part.named_children():
            if isinstance(child, nn.modules.batchnorm._BatchNorm) and not isinstance(child, norm.SyncBatchNorm):
                setattr(part, name, _synchronised(child, norm.SyncBatchNorm))
    return model.train(model.training)


def _synchronised(layer: Any, kind: Any) -> nn.Module:
    options = (layer.num_features, layer.eps, layer.momentum, layer.affine, layer.track_running_stats)
    found: nn.Module = kind(*options)
    for name, parameter in layer.named_parameters(recurse=False):
        setattr(found, name, parameter)
    for name, buffer in layer.named_buffers(recurse=False):
        found._buffers[name] = buffer
    return found.train(layer.training)
