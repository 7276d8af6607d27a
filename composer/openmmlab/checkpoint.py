"""Checkpoint files of OpenMMLab: the weights in them, and what else they hold.

A torch file is a pickle, and is read with ``weights_only=True``. Training writes more into it than weights: histories
of the losses, numpy scalars, states of hooks. Every name that torch does not allow stands here for an object that does
nothing: the name is never looked up, so nothing that it could mean is imported or run.
"""

import pickletools
import zipfile
from _compat_pickle import IMPORT_MAPPING, NAME_MAPPING
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from composer.model.weights import read_weights
from composer.problems import GraphError, Problem, Where

__all__ = ["HARMLESS", "Checkpoint", "read_checkpoint"]

HARMLESS = frozenset(
    {
        "_codecs.encode",
        "argparse.Namespace",
        "collections.defaultdict",
        "datetime.datetime",
        "mmengine.logging.history_buffer.HistoryBuffer",
        "pathlib.PosixPath",
        "pathlib.WindowsPath",
    }
)
"""What training is known to leave beside the weights; numpy's names are among them too. Nothing of it is a weight."""

_WEIGHTS = ("state_dict", "model", "module", "net")
_PICKLES_BEFORE_THE_DATA = 3  # in a file from before torch 1.6: magic number, protocol, sizes of the machine
_UNPICKLER = "WeightsUnpickler error:"
_ADVICE = ("Weights only load failed", "Check the documentation", "Please file", "(1)", "(2)")
_DICTS = frozenset({"collections.defaultdict"})


@dataclass(frozen=True)
class Checkpoint:
    """What a file of weights holds.

    Args:
        tensors: The weights by name.
        beside: What stands beside the weights (``meta``, ``optimizer`` ...) and is no part of a model.
        stood_in: Names in the file whose objects were not made, ``HARMLESS`` ones included.
        no_tensors: Names among the weights whose value is no tensor, with the type of the value.
    """

    tensors: Mapping[str, Tensor]
    beside: tuple[str, ...] = ()
    stood_in: tuple[str, ...] = ()
    no_tensors: Mapping[str, str] = field(default_factory=dict)

    @property
    def unknown(self) -> tuple[str, ...]:
        """The names that were stood in for and are not known to be harmless."""
        return tuple(name for name in self.stood_in if name not in HARMLESS and not name.startswith("numpy."))


def read_checkpoint(path: str | Path) -> Checkpoint:
    """The weights in a checkpoint: a torch file in either of its formats, or a safetensors file.

    Args:
        path: The file.

    Raises:
        GraphError: There is no such file, it is damaged, or there are no weights in it.
    """
    where = Where(str(path))
    if not Path(path).is_file():
        raise GraphError(Problem("no-file", where, "there is no such file of weights"))
    with open(path, "rb") as file:
        head = file.read(9)
    if head[8:9] == b"{" and not head.startswith(b"PK"):
        return Checkpoint(read_weights(path))
    made: set[str] = set()
    try:
        names = _names_in(Path(path))
        with torch.serialization.safe_globals([(_stand_in(name, made), name) for name in names]):
            found = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # a damaged or hostile pickle may raise anything
        text = f"it cannot be read as weights: {_reason(error)}"
        raise GraphError(Problem("bad-weights-file", where, text)) from error
    weights, beside = _unwrapped(found, where)
    tensors = {name: value for name, value in weights.items() if isinstance(value, Tensor)}
    others = {name: _kind(value) for name, value in weights.items() if not isinstance(value, Tensor)}
    return Checkpoint(tensors, beside, tuple(sorted(made)), others)


class _StandIn:
    """Stands for an object of a class that is not known here; takes everything and keeps nothing."""

    name = ""

    def __init__(self, *_: Any, **__: Any) -> None: ...

    def __setstate__(self, _: Any) -> None: ...


def _stand_in(name: str, made: set[str]) -> Callable[..., Any]:
    """What stands for a name: a class of its own, or a function that gives a dict where a dict is filled later."""
    if name in _DICTS:
        return lambda *_: {}

    def new(kind: type[_StandIn], *_: Any, **__: Any) -> _StandIn:
        made.add(name)
        return object.__new__(kind)

    return type("StandIn", (_StandIn,), {"__new__": new, "name": name})


def _names_in(path: Path) -> set[str]:
    """The names of classes and functions in a torch file, read without making anything."""
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            records = [name for name in archive.namelist() if name.count("/") == 1 and name.endswith("/data.pkl")]
            return {name for record in records for name in _names_in_pickle(archive.open(record))}
    with open(path, "rb") as file:
        for _ in range(_PICKLES_BEFORE_THE_DATA):
            list(_names_in_pickle(file))
        return set(_names_in_pickle(file))


def _names_in_pickle(file: Any) -> Iterator[str]:
    for operation, argument, _ in pickletools.genops(file):
        if operation.name == "GLOBAL" and isinstance(argument, str):
            module, _, name = argument.partition(" ")
            module, name = NAME_MAPPING.get((module, name), (IMPORT_MAPPING.get(module, module), name))
            yield f"{module}.{name}"


def _reason(error: Exception) -> str:
    """What torch has to say, without its advice to load the file in an unsafe way."""
    lines = [line.rpartition(_UNPICKLER)[2].strip() for line in str(error).splitlines()]
    kept = [line for line in lines if line and not line.startswith(_ADVICE)]
    return kept[0].split(". ")[0][:300] if kept else type(error).__name__


def _unwrapped(found: Any, where: Where) -> tuple[Mapping[str, Any], tuple[str, ...]]:
    """The weights in what a file holds, and the names of the rest."""
    if _holds_tensors(found):
        return found, ()
    if isinstance(found, Mapping):
        inner = [key for key, value in found.items() if _holds_tensors(value)]
        known = [key for key in _WEIGHTS if key in inner]
        if known or len(inner) == 1:
            chosen = (known or inner)[0]
            return found[chosen], tuple(str(key) for key in found if key != chosen)
        names = ", ".join(str(key) for key in list(found)[:12])
        text = f"there is no state_dict in it, or there is more than one; it holds: {names or 'nothing'}"
    else:
        text = f"expected a mapping of names to tensors, found {_kind(found)}"
    raise GraphError(Problem("bad-weights-file", where, text))


def _holds_tensors(found: Any) -> bool:
    """Whether this is a state dict: names, and some tensors right under them."""
    return (
        isinstance(found, Mapping)
        and all(isinstance(name, str) for name in found)
        and any(isinstance(value, Tensor) for value in found.values())
    )


def _kind(value: Any) -> str:
    return value.name if isinstance(value, _StandIn) else type(value).__name__
