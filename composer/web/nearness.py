"""How near what flows is to what a port takes: as the port says, by its type, or by nothing but that it may."""

from enum import IntEnum

from composer.catalog.component import Component, Port
from composer.edits.flows import entry_of, fitting
from composer.graph import Ref
from composer.ports import AnyTensor, PortType, Usually, port_type

__all__ = ["ANY", "FAR", "VAGUE", "Tier", "meant", "named", "nearness", "type_distance"]

ANY = port_type(AnyTensor)

FAR = 9
"""As far as nothing that fits is."""

VAGUE = 7
"""From here on nothing but a tensor is known of what flows or of what is taken."""


class Tier(IntEnum):
    """How well a suggestion fits: as the port says, by its type, by nothing but that it may."""

    FIRST = 0
    MEANT = 1
    NEXT = 2
    NEAR = 3
    GENERAL = 4
    VAGUE = 5
    LAST = 6


def meant(port: Port, feeder: Component | None, output: str | None, given: PortType | None) -> int:
    """The place of a feeder, or of the type that it gives, among what mostly feeds a port; far where it is none."""
    usually = port.usually or Usually()
    if feeder is not None and (port.name == output or port.name not in feeder.output_by_name):
        place = named(usually, feeder.name, output or "")
        if place < FAR:
            return place
    names = [kind.name for kind in usually.types]
    return names.index(given.name) if given is not None and given.name in names else FAR


def named(usually: Usually, component: str, port: str) -> int:
    """The place of a component's output among what mostly feeds a port; far where it is none."""
    for place, name in enumerate(usually.components):
        if name in (component, f"{component}.{port}"):
            return place
    return FAR


def nearness(port: Port, wanted: Port | None) -> tuple[Tier, int] | None:
    """How near an output is to what a port takes; None where it does not go there."""
    if wanted is None:
        return Tier.NEAR, FAR
    far = type_distance(Ref("_", port.name), port.type, wanted.type)
    if far is None:
        return None
    if port.name == wanted.name:
        return Tier.NEAR, -1
    usual = [type_distance(Ref("_", port.name), port.type, kind) for kind in (wanted.usually or Usually()).types]
    closest = min((one for one in usual if one is not None and one < VAGUE), default=None)
    if closest is not None:
        return Tier.NEAR, closest
    return Tier.VAGUE if far >= VAGUE else Tier.NEAR, far


def type_distance(ref: Ref, given: PortType | None, wanted: PortType | None) -> int | None:
    """How far what flows is from what is taken; None where it does not go there."""
    if given is None or wanted is None:
        return FAR
    found = fitting(ref, given, wanted)
    if found is None:
        return None
    kind = entry_of(given) if found.index is not None and ref.index is None else given
    if kind is None or kind.name == ANY.name:
        return FAR - 1 if wanted.name != ANY.name else FAR - 2
    names = [item.name for item in kind.ancestors()]
    near = names.index(wanted.name) if wanted.name in names else FAR - 3
    return FAR - 2 if wanted.name == ANY.name and kind.name != ANY.name else near
