"""Whether the sizes on the wires are those that a component's axes declare."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from composer.catalog.component import Port
from composer.rules.sizes.sizes import Probe, shape_text

__all__ = ["Mismatch", "axis_of", "mismatches"]


@dataclass(frozen=True, slots=True)
class Mismatch:
    """One axis that is not what its port declares, or another number of axes or levels.

    Args:
        port: The port.
        axis: The axis's name, or None where the number of axes is wrong.
        found: The size that is there; for a sequence port one a level.
        expected: The size that is declared, or that the same axis has on another port.
        position: Which axis of the wire it is; None where the number of axes or levels is wrong.
        shape: The sizes on the wire; None where the number of levels is wrong.
        count: How many levels there are, where their number is wrong.
        source: The other port, where the same axis has another size there.
        entry: Which entry of a variadic or sequence port.
        levels: The size of every entry of a sequence port.
    """

    port: Port
    axis: str | None
    found: Any
    expected: Any
    position: int | None = None
    shape: tuple[Any, ...] | None = None
    count: int = 0
    source: str = ""
    entry: int | None = None
    levels: tuple[int, ...] | None = None

    def text(self, wire: str, port: str) -> str:
        """All of it in words.

        Args:
            wire: What the sizes come from, as people read it.
            port: The port, likewise.
        """
        if self.shape is None:
            sizes = list(self.expected)
            return f"got {self.count} levels from {wire}, {port} expects {len(sizes)}: {self.axis} is {sizes}"
        shown = shape_text(self.shape)
        if self.position is None:
            axes = self.port.axes or ()
            declared = " ".join(axes) or "a scalar"
            return f"got {len(self.shape)} axes ({shown}), {port} expects {len(axes)} ({declared})"
        reason = f" as on {self.source}" if self.source else ""
        found = f"got {self.shape[self.position]} from {wire} ({shown})"
        return f"axis {self.position} ({self.axis}): {found}, {port} expects {self.expected}{reason}"


def axis_of(port: Port, value: Any, axis: str) -> Any:
    """The size that an axis has on a wire; for a sequence a tuple with one a level, None where it is not known."""
    if isinstance(value, Probe):
        position = _position(port.axes or (), axis, len(value.first))
        return None if position is None else value.first[position]
    if isinstance(value, tuple):
        sizes = tuple(axis_of(port, item, axis) for item in value)
        return None if None in sizes else sizes
    return None


def mismatches(values: Sequence[tuple[Port, Any]], size_of: Callable[[str], Any]) -> Iterator[Mismatch]:
    """Compare what is on the wires with what ports declare.

    Args:
        values: Each port and the probe on its wire (a tuple of probes for a sequence or variadic port).
        size_of: The size that a lower-case axis stands for, or None where nothing is known of it.
    """
    bound: dict[Any, tuple[Any, str]] = {}
    for port, value in values:
        if port.axes is None:
            continue
        entries = value if isinstance(value, tuple) else (value,)
        many = isinstance(value, tuple)
        if (wrong := _wrong_count(port, value, size_of)) is not None:
            yield wrong
            continue
        for entry, probe in enumerate(entries):
            if isinstance(probe, Probe):
                for found in _entry(port, probe, entry if many else None, bound, size_of):
                    levels = axis_of(port, value, found.axis) if many and found.axis else None
                    yield replace(found, levels=levels)


def _wrong_count(port: Port, value: Any, size_of: Callable[[str], Any]) -> Mismatch | None:
    """Whether a sequence has another number of levels than a parameter lists sizes."""
    for axis in port.axes or () if isinstance(value, tuple) and port.type.is_sequence else ():
        sizes = size_of(axis) if axis[:1].islower() else None
        if isinstance(sizes, list | tuple) and len(sizes) != len(value):
            levels = axis_of(port, value, axis)
            return Mismatch(port, axis, levels, tuple(sizes), count=len(value), levels=levels)
    return None


def _entry(
    port: Port, probe: Probe, entry: int | None, bound: dict[Any, tuple[Any, str]], size_of: Callable[[str], Any]
) -> Iterator[Mismatch]:
    axes = _expanded(port.axes or (), len(probe.first))
    if axes is None:
        yield Mismatch(port, None, probe.shape, port.axes, shape=probe.shape, entry=entry)
        return
    for position, (axis, size) in enumerate(zip(axes, probe.first, strict=True)):
        expected, source = _expected(axis, entry, port, bound, size_of)
        if expected is None:
            bound[_key(axis, entry, port)] = (size, port.name)
        elif expected != size:
            yield Mismatch(port, axis, size, expected, position, probe.shape, source=source, entry=entry)


def _expected(
    axis: str, entry: int | None, port: Port, bound: Mapping[Any, tuple[Any, str]], size_of: Callable[[str], Any]
) -> tuple[Any, str]:
    if axis.isdigit():
        return int(axis), ""
    if axis[0].islower():
        declared = size_of(axis)
        if isinstance(declared, list | tuple):
            fits = entry is not None and entry < len(declared) and port.type.is_sequence
            return (declared[entry] if fits and entry is not None else None), ""
        return declared, ""
    return bound.get(_key(axis, entry, port), (None, ""))


def _key(axis: str, entry: int | None, port: Port) -> Any:
    """Upper-case axes are the same everywhere, but each level of a sequence has its own (all but the batch)."""
    per_level = port.type.is_sequence and axis != "B"
    return (axis, entry) if per_level else axis


def _expanded(axes: Sequence[str], rank: int) -> tuple[str, ...] | None:
    """The axes with ``...`` written out as ``_0 _1 ...`` upper-case names; None where the rank does not fit."""
    if "..." not in axes:
        return tuple(axes) if len(axes) == rank else None
    rest = rank - (len(axes) - 1)
    if rest < 0:
        return None
    at = list(axes).index("...")
    # counted from the right, so that the last free axes of two ports are compared as in broadcasting
    return (*axes[:at], *(f"REST{rest - i}" for i in range(rest)), *axes[at + 1 :])


def _position(axes: Sequence[str], axis: str, rank: int) -> int | None:
    expanded = _expanded(axes, rank)
    return expanded.index(axis) if expanded is not None and axis in expanded else None
