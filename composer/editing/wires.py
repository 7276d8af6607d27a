"""A port's wire taken apart and put together again: as a list for each mode, or as single wires with their modes."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from composer.graph import MODES, FrozenDict, Ref, Wire, wire_in_mode

__all__ = ["Strand", "lists_of", "mapped", "modes_of", "strands_of", "takes_list", "wire_of", "woven"]


@dataclass(frozen=True, slots=True)
class Strand:
    """One of the wires into a port.

    Args:
        ref: What it is wired to.
        modes: The modes that it serves.
    """

    ref: Ref
    modes: tuple[str, ...] = MODES


def modes_of(modes: Iterable[str] | None) -> tuple[str, ...]:
    """These modes in their order; all where none are said."""
    if modes is None:
        return MODES
    wanted = set(modes)
    return tuple(mode for mode in MODES if mode in wanted)


def lists_of(wire: Wire | None) -> dict[str, list[Ref]]:
    """The references of a wire in each mode."""
    found: dict[str, list[Ref]] = {}
    for mode in MODES:
        here = None if wire is None else wire_in_mode(wire, mode)
        found[mode] = [] if here is None else [here] if isinstance(here, Ref) else list(here)
    return found


def takes_list(wire: Wire | None) -> bool:
    """Whether a wire is written as a list, in some mode."""
    if isinstance(wire, FrozenDict):
        return any(isinstance(part, tuple) for part in wire.values())
    return isinstance(wire, tuple)


def wire_of(lists: Mapping[str, Sequence[Ref]], many: bool) -> Wire | None:
    """The wire that has these references in each mode; None where there are none.

    Args:
        lists: The references by mode.
        many: Whether it is written as a list.
    """
    first = lists[MODES[0]]
    if all(lists[mode] == first for mode in MODES):
        return _part(first, many) if first else None
    return FrozenDict({mode: _part(lists[mode], many) for mode in MODES if lists[mode]})


def _part(refs: Sequence[Ref], many: bool) -> Ref | tuple[Ref, ...]:
    return tuple(refs) if many or len(refs) > 1 else refs[0]


def strands_of(wire: Wire | None) -> list[Strand]:
    """The single wires into a port, in an order that every mode agrees with."""
    if wire is None:
        return []
    if not isinstance(wire, FrozenDict):
        return [Strand(ref) for ref in ((wire,) if isinstance(wire, Ref) else wire)]
    found: list[tuple[Ref, list[str]]] = []
    for mode, refs in lists_of(wire).items():
        at = 0
        for ref in refs:
            same = next((index for index in range(at, len(found)) if found[index][0] == ref), None)
            if same is None:
                found.insert(at, (ref, []))
                same = at
            found[same][1].append(mode)
            at = same + 1
    return [Strand(ref, tuple(modes)) for ref, modes in found]


def woven(strands: Iterable[Strand], many: bool) -> Wire | None:
    """The wire that single wires make; the opposite of ``strands_of``."""
    strands = list(strands)
    return wire_of({mode: [strand.ref for strand in strands if mode in strand.modes] for mode in MODES}, many)


def mapped(wire: Wire, change: Callable[[Ref], Ref]) -> Wire:
    """A wire with each reference changed; the same object where none is."""
    if isinstance(wire, Ref):
        return change(wire)
    if isinstance(wire, FrozenDict):
        parts = {mode: mapped(part, change) for mode, part in wire.items()}
        return wire if all(parts[mode] is part for mode, part in wire.items()) else FrozenDict(parts)
    refs = tuple([change(ref) for ref in wire])
    return wire if all(new is old for new, old in zip(refs, wire, strict=True)) else refs
