"""The catalog as the palette has it."""

import inspect
import types
from collections.abc import Sequence
from functools import lru_cache
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic.errors import PydanticInvalidForJsonSchema

from composer.catalog import Catalog
from composer.catalog.component import Component, Parameter, Port
from composer.ports import Image, PortType
from composer.problems import Problem
from composer.web.payloads import CatalogView, ComponentView, KindView, ParameterView, PortView, TypeView
from composer.web.views.problem_views import problem_view
from composer.web.views.values import shown

__all__ = ["catalog_view", "component_view", "port_view", "type_text"]


def catalog_view(
    catalog: Catalog, revision: str, problems: Sequence[Problem] = (), *, watched: bool = False
) -> CatalogView:
    """All components by kind and name, and the port types.

    Args:
        catalog: The components.
        revision: Changes when the catalog does.
        problems: Files of components that could not be read.
        watched: Whether files of it may change while the server runs.
    """
    return CatalogView(
        revision=revision,
        watched=watched,
        components=[component_view(component) for items in catalog.by_kind.values() for component in items],
        kinds=[
            KindView(name=kind.name, title=kind.title, colour=kind.colour, dark=kind.dark)
            for kind in catalog.kinds.values()
        ],
        port_types=[_type_view(kind) for _, kind in sorted(catalog.port_types.items())],
        problems=[problem_view(problem) for problem in problems],
    )


def _type_view(kind: PortType) -> TypeView:
    return TypeView(
        name=kind.name,
        colour=kind.family,
        section="data_samples" if kind.role == "data_sample" else "inputs",
        keywords=list(kind.keywords),
        offered=kind.offered,
        image=kind.is_a(Image),
    )


def component_view(component: Component) -> ComponentView:
    """A component of the palette."""
    wires = component.from_wire
    return ComponentView(
        type=component.name,
        kind=component.kind,
        summary=component.summary,
        doc=component.doc,
        keywords=list(component.keywords),
        inputs=[port_view(port) for port in component.inputs],
        outputs=[port_view(port) for port in component.outputs],
        parameters=[
            _parameter(item, wires[item.name][0].name if item.name in wires else None) for item in component.parameters
        ],
        json_schema=_schema(component),
    )


@lru_cache(4096)
def port_view(port: Port) -> PortView:
    """A port of a component; copied where it is drawn with what it carries."""
    return PortView(
        name=port.name,
        type=port.type.name,
        axes=None if port.axes is None else " ".join(port.axes),
        optional=port.optional,
        variadic=port.variadic,
        sequence=port.type.is_sequence and port.type.entries == "level",
        colour=port.type.family,
    )


def _parameter(parameter: Parameter, wire: str | None) -> ParameterView:
    return ParameterView(
        name=parameter.name,
        type=type_text(parameter.annotation),
        help=parameter.help,
        required=parameter.required,
        default=None if parameter.required else shown(parameter.default),
        from_wire=wire,
        listed=parameter.choices is not None,
    )


def _schema(component: Component) -> dict[str, Any]:
    try:
        found: dict[str, Any] = shown(component.schema)
    except PydanticInvalidForJsonSchema:  # a parameter of a type that JSON does not have: its value is typed as it is
        return {"properties": {item.name: {} for item in component.parameters}}
    return found


def type_text(annotation: Any) -> str:
    """A parameter's type as people read it: ``int | None``, ``'relu' | 'gelu'``, ``tuple[int, ...]``."""
    origin, inner = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return type_text(inner[0])
    if origin is Literal:
        return " | ".join(map(repr, inner))
    if origin in (Union, types.UnionType):
        return " | ".join(type_text(part) for part in inner)
    if annotation is Ellipsis:
        return "..."
    if annotation in (None, type(None)):
        return "None"
    if origin is not None and inner:
        return f"{getattr(origin, '__name__', origin)}[{', '.join(type_text(part) for part in inner)}]"
    return inspect.formatannotation(annotation).removeprefix("typing.")
