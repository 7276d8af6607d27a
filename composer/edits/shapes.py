"""Shapes that new inputs start with, so that sizes are known at once and a first run works."""

from collections.abc import Mapping, Sequence
from typing import Any

from composer.catalog.component import Component, Port
from composer.edits.draft import ScopeDraft
from composer.edits.operations import Target
from composer.graph import Ref
from composer.ports import Image
from composer.rules.sizes import FREE_SIZE, infer_shapes

__all__ = ["starting_shape"]

Shape = Sequence[int | str]

_SIDE = ("img_size", "input_resolution")
"""Parameters that say how high and wide a component's image is."""


def starting_shape(draft: ScopeDraft, kind: str, target: Target | None) -> Shape | None:
    """The shape of a new input: the usual one of its type, with what the port that it is for says.

    Args:
        draft: What is open.
        kind: The port type.
        target: The port that it is wired to, if one.

    Returns:
        None where neither its type nor the port has a shape.
    """
    usual = _usual(draft, kind)
    image = draft.catalog.port_types.is_a(kind, Image)
    component = None if target is None or target.node not in draft.nodes else draft.called(target.node).component
    port = None if component is None or target is None else component.input_by_name.get(target.port)
    if component is None or port is None or target is None or (usual is not None and not image):
        return usual
    declared = _of_port(draft, target.node, component, port)
    if usual is None:
        return declared
    if declared is None or len(declared) != len(usual):
        declared = usual
    side = _side(_params(draft, target.node, component))
    return [
        usual[0],
        declared[1] if isinstance(declared[1], int) else usual[1],
        *(
            size if isinstance(size, int) else own or first
            for size, own, first in zip(declared[2:], side, usual[2:], strict=True)
        ),
    ]


def _usual(draft: ScopeDraft, kind: str) -> Shape | None:
    """The usual shape of a type; of an image with numbers for its sides."""
    found = draft.catalog.port_types[kind].shape if kind in draft.catalog.port_types else None
    if found is None or not draft.catalog.port_types.is_a(kind, Image):
        return found
    return [size if isinstance(size, int) or size == "B" else FREE_SIZE for size in found]


def _side(params: Mapping[str, Any]) -> tuple[int | None, int | None]:
    value = next((params[name] for name in _SIDE if params.get(name) is not None), None)
    if isinstance(value, int):
        return value, value
    return (value[0], value[-1]) if isinstance(value, list | tuple) and value else (None, None)


def _params(draft: ScopeDraft, name: str, component: Component) -> Mapping[str, Any]:
    """The parameters of a node, with their defaults."""
    return {**component.defaults, **draft.nodes[name].params}


def _of_port(draft: ScopeDraft, name: str, component: Component, port: Port) -> Shape | None:
    """What a port's axes are: parameters, the sizes on the other wires of its node, or names of free sizes."""
    if port.axes is None:
        return None
    known = _sizes_beside(draft, name, component, port)
    params = _params(draft, name, component)
    found: list[int | str] = []
    for axis in port.axes:
        if axis == "...":
            if axis not in known:
                return None
            found += known[axis]
        elif axis.isdigit():
            found.append(int(axis))
        elif axis[0].islower():
            size = params.get(axis)
            found.append(size if isinstance(size, int) else axis)
        else:
            found.append(known[axis][0] if axis in known else axis)
    return found


def _sizes_beside(draft: ScopeDraft, name: str, component: Component, port: Port) -> Mapping[str, Shape]:
    """The sizes of the axes that wires into other ports of a node give; each axis a list, for ``...`` of any length."""
    node = draft.nodes[name]
    wired = {other.name: node.inputs[other.name] for other in component.inputs if other.name in node.inputs}
    wired.pop(port.name, None)
    if not wired or draft.scope:
        return {}
    shapes = infer_shapes(draft.base, draft.catalog)
    known: dict[str, Shape] = {}
    for other, wire in wired.items():
        ref = next(iter(wire.refs), Ref(""))
        axes = component.input_by_name[other].axes
        size = shapes.get(str(ref)) or shapes.get(f"{ref.source}.{ref.port or 'out'}")
        if axes is not None and ref.index is None and _plain(size):
            known |= _named(axes, size)
    return known


def _plain(size: Any) -> bool:
    """Whether sizes may be written as a shape."""
    return isinstance(size, tuple) and all(
        isinstance(one, int) or (isinstance(one, str) and one.isidentifier()) for one in size
    )


def _named(axes: Sequence[str], size: Sequence[int | str]) -> Mapping[str, Shape]:
    if "..." not in axes:
        return {axis: [one] for axis, one in zip(axes, size, strict=False)} if len(axes) == len(size) else {}
    before = axes.index("...")
    behind = len(axes) - before - 1
    found: dict[str, Shape] = {axis: [one] for axis, one in zip(axes[:before], size, strict=False)}
    found |= {axis: [one] for axis, one in zip(axes[len(axes) - behind :], size[len(size) - behind :], strict=True)}
    return found | {"...": list(size[before : len(size) - behind])}
