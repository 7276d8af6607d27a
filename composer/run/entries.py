"""What one input or field of a mode has to be, and what is wrong with what a caller hands over for it."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor, nn

from composer.catalog.component import Port
from composer.graph import Input
from composer.ports import AnyTensor, Image, Label, Numbers, PortType, port_type

__all__ = ["Entry", "Weights", "kind_of", "sizes_of"]

_EACH = {"level": "one a level", "image": "one an image"}

Holds = Literal["tensor", "level", "image", "records"]
Axes = tuple[int | str, ...]


@dataclass(frozen=True, slots=True)
class Weights:
    """Of what kind a model's weights are.

    Args:
        dtypes: The dtypes of those that are floats.
        devices: Where they are.
    """

    dtypes: frozenset[torch.dtype]
    devices: frozenset[torch.device]

    @classmethod
    def among(cls, parameters: Iterable[nn.Parameter]) -> "Weights":
        """The kinds of some parameters; nothing is said where a wrapper keeps them in another form."""
        found = list(parameters)
        if any(type(one) is not nn.Parameter or hasattr(one, "_fsdp_flattened") for one in found):
            return cls(frozenset(), frozenset())
        return cls(
            frozenset(one.dtype for one in found if one.is_floating_point()), frozenset(one.device for one in found)
        )


@dataclass(frozen=True, slots=True)
class Entry:
    """What one input or field has to be.

    Args:
        name: Its name.
        holds: A tensor, a list of tensors (``level``, ``image``), or a list of mappings (``records``).
        axes: The axes that the tensor, or each tensor of the list, has; None where nothing is said of them.
        fixed: Those of its axes that have just one size: their position and the size.
        numbers: ``floats`` of the weights' dtype, ``indices`` that are whole numbers, or ``any``.
        image: Whether it is a batch of images.
        anywhere: Whether it may be on another device than the weights.
        shares: Whether it is labels [B] in whose place there may be rows [B, K] of floats: mixup makes shares of
            several classes of them, and all that take them can read these.
        user: The node and port that take it; empty where only the output does.
    """

    name: str
    holds: Holds
    axes: Axes | None = None
    fixed: tuple[tuple[int, int], ...] = ()
    numbers: Numbers = "any"
    image: bool = False
    anywhere: bool = False
    shares: bool = False
    user: str = ""

    @classmethod
    def of(
        cls, name: str, declared: Input, kind: PortType | None, takers: Sequence[tuple[str, Port, bool]], *, field: bool
    ) -> "Entry":
        """What a graph says of an input.

        Args:
            name: Its name.
            declared: How the graph declares it.
            kind: What its type is.
            takers: Who takes it: node and port in words, the port, and whether it takes all of it and no level.
            field: Whether it is one of the data samples.
        """
        kind = port_type(AnyTensor) if kind is None else kind
        holds = _holds(kind)
        whole = [port for _, port, all_of_it in takers if all_of_it and not port.variadic]
        axes = declared.shape if declared.shape and holds != "image" else None
        if axes is None:
            axes = next(
                (port.axes for port in whole if port.axes and (holds == "image") == port.type.is_sequence), None
            )
        if axes is not None and "..." in axes:
            axes = None
        image = holds == "tensor" and kind.is_a(Image)
        return cls(
            name,
            holds,
            axes,
            () if axes is None else tuple(_fixed(axes, whole, image).items()),
            "any" if kind.numbers == "floats" and field and not image else kind.numbers,
            image,
            holds != "tensor" or kind.anywhere,
            kind.is_a(Label) and len(axes or ()) == 1 and all("..." in (port.axes or ()) for port in whole),
            takers[0][0] if takers else "",
        )

    def faults(self, value: Any, weights: Weights) -> Iterator[tuple[str, str]]:
        """What is wrong with a value: the kind of problem (``container`` or ``tensor``), and the text.

        Args:
            value: What the caller hands over.
            weights: Of what kind the model's weights are.
        """
        if self.holds == "tensor":
            if not isinstance(value, Tensor):
                yield "container", f"found {kind_of(value)}, expected a tensor{_hint(value)}"
                return
            yield from (("tensor", text) for text in self._of_tensor(value, weights))
        else:
            yield from self._of_list(value, weights)

    def _of_list(self, value: Any, weights: Weights) -> Iterator[tuple[str, str]]:
        record = self.holds == "records"
        what = "mappings, one an image" if record else f"tensors, {_EACH[self.holds]}"
        if not isinstance(value, list | tuple):
            hint = f": list({self.name}) makes one" if isinstance(value, Tensor) and value.dim() > 1 else ""
            yield "container", f"found {kind_of(value)}, expected a list of {what}{hint}{self._taken}"
            return
        for position, item in enumerate(value):
            if isinstance(item, Tensor) and not record:
                text = next(self._of_tensor(item, weights), None)
            elif isinstance(item, Mapping) and record:
                odd = next((one for one in item.values() if not isinstance(one, Tensor)), item)
                text = None if odd is item else f"found {kind_of(odd)}, expected tensors by name"
            else:
                text = f"found {kind_of(item)}, expected a list of {what}{self._taken}"
            if text is not None:
                yield "container", f"entry {position}: {text}"
                return

    def _of_tensor(self, value: Tensor, weights: Weights) -> Iterator[str]:
        if value.layout is not torch.strided or value.is_nested:
            yield f"found a {'nested' if value.is_nested else 'sparse'} tensor, expected a dense one"
            return
        yield from (f"{text}{self._taken}" for text in (*self._sizes(value), *self._kind(value, weights)))

    def _sizes(self, value: Tensor) -> Iterator[str]:
        if self.axes is None or (self.shares and value.dim() == 2 and value.is_floating_point()):
            return
        if value.dim() != len(self.axes):
            expected = " ".join(map(str, self.axes)) or "a scalar"
            hint = f"; one image becomes a batch with {self.name}[None]"
            hint = hint if self.image and value.dim() + 1 == len(self.axes) else ""
            yield f"found {value.dim()} axes ({sizes_of(value)}), expected {len(self.axes)} ({expected}){hint}"
            return
        for position, size in self.fixed:
            if value.shape[position] != size:
                axis = "channels" if self.image and position == 1 else f"on axis {position}"
                yield f"found {value.shape[position]} {axis} ({sizes_of(value)}), expected {size}"

    def _kind(self, value: Tensor, weights: Weights) -> Iterator[str]:
        if value.is_complex():
            yield f"found numbers of {value.dtype}, expected real ones: .real takes their real part"
            return
        if self.numbers == "indices" and (value.dtype == torch.bool or value.is_floating_point()):
            yield f"found numbers of {value.dtype}, expected whole ones (int64): convert them with .long()"
        if self.numbers == "floats" and not value.is_floating_point():
            more = ", and normalise them" if self.image else ""
            yield f"found numbers of {value.dtype}, expected floats: convert them with .float(){more}"
        elif self.numbers == "floats" and _is_other(value, weights.dtypes):
            dtype = " and ".join(sorted(map(str, weights.dtypes)))
            yield f"found numbers of {value.dtype}, expected {dtype} as the weights are: convert them with .to({dtype})"
        if weights.devices and not self.anywhere and value.device not in weights.devices:
            device = " and ".join(sorted(map(str, weights.devices)))
            yield f"found on {value.device}, expected {device} as the weights are: move it with .to('{device}')"

    @property
    def _taken(self) -> str:
        return f"; it goes to {self.user}" if self.user else ""


def kind_of(value: Any) -> str:
    """What a value is, in words."""
    if isinstance(value, Tensor):
        return f"a tensor ({sizes_of(value)})"
    if value is None:
        return "None"
    if isinstance(value, list | tuple):
        inner = f" of {type(value[0]).__name__}" if value else ""
        return f"{'an empty ' if not value else 'a '}{type(value).__name__}{inner}"
    return f"{type(value).__module__}.{type(value).__name__}".removeprefix("builtins.")


def sizes_of(value: Tensor) -> str:
    """The sizes of a tensor, in words."""
    return " ".join(map(str, value.shape)) or "one number"


def _holds(kind: PortType) -> Holds:
    if kind.opaque:
        return "records"
    if not kind.is_sequence:
        return "tensor"
    return "image" if kind.entries == "image" else "level"


def _fixed(axes: Axes, takers: Sequence[Port], image: bool) -> dict[int, int]:
    """The axes with just one size: channels of images, and those that stand for a parameter of who takes them."""
    found = {1: axes[1]} if image and len(axes) == len("BCHW") else {}
    for port in takers:
        for position, axis in enumerate(_spread(port.axes or (), len(axes))):
            if axis.isdigit():
                found[position] = int(axis)
            elif axis[0].islower() and not image:
                found.setdefault(position, axes[position])
    return {position: size for position, size in found.items() if isinstance(size, int)}


def _spread(axes: tuple[str, ...], rank: int) -> tuple[str, ...]:
    """The axes of a port with ``...`` written out as free axes; none where the rank does not fit."""
    if "..." not in axes:
        return axes if len(axes) == rank else ()
    at, rest = axes.index("..."), rank - len(axes) + 1
    return (*axes[:at], *("N" for _ in range(rest)), *axes[at + 1 :]) if rest >= 0 else ()


def _is_other(value: Tensor, dtypes: frozenset[torch.dtype]) -> bool:
    return bool(dtypes) and value.dtype not in dtypes and not torch.is_autocast_enabled(value.device.type)


def _hint(value: Any) -> str:
    """How to make a tensor of something else."""
    if hasattr(value, "__array__") and not hasattr(value, "convert"):
        return ": torch.from_numpy makes one"
    if isinstance(value, list | tuple) and value and all(isinstance(item, Tensor) for item in value):
        return ": torch.stack makes one"
    if isinstance(value, str | bytes) or hasattr(value, "convert") or hasattr(value, "__fspath__"):
        return ": composer.preprocess(graph, image) makes one of an image"
    return ""
