"""``list`` and ``show``: what components there are."""

from collections.abc import Mapping
from typing import Annotated, Any

import docstring_parser
import typer

from composer.catalog.component import Component, Parameter, Port
from composer.catalog.origin import defined_at
from composer.cli.annotations import type_text, value_text
from composer.cli.options import AsJson, Folders, catalog_of
from composer.cli.output import print_json, print_table, print_text
from composer.problems import suggestion

__all__ = ["list_components", "show_component"]


def list_components(
    folders: Folders,
    kind: Annotated[
        str | None, typer.Option(help="Only components of this kind, such as backbones.", show_default=False)
    ] = None,
    as_json: AsJson = False,
) -> None:
    """List the components by kind, with their ports: a port in brackets may stay without a wire, * takes several."""
    kinds = catalog_of(folders).by_kind
    if kind is not None and kind not in kinds:
        raise typer.BadParameter(f"there is no kind '{kind}'; {suggestion(kind, kinds, 'kinds')}", param_hint="--kind")
    chosen = kinds if kind is None else {kind: kinds[kind]}
    if as_json:
        print_json([_component_json(component) for components in chosen.values() for component in components])
        return
    rows = [
        [component.kind, component.name, _ports(component.inputs), _ports(component.outputs), _plain(component.summary)]
        for components in chosen.values()
        for component in components
    ]
    print_table(["kind", "type", "inputs", "outputs", "what it is"], rows)


def show_component(
    name: Annotated[str, typer.Argument(metavar="TYPE", help="Type name of a component, such as ResNet.")],
    folders: Folders,
    as_json: AsJson = False,
) -> None:
    """Show a component: its docstring, its ports with their axes, its parameters with their bounds."""
    catalog = catalog_of(folders)
    component = catalog.get(name)
    if component is None:
        called = catalog.known_as(name)[:3]
        hint = (
            f"it is called {' or '.join(called)} here" if called else suggestion(name, catalog.components, "components")
        )
        text = f"there is no component '{name}'; {hint}"
        raise typer.BadParameter(text, param_hint="TYPE")
    if as_json:
        parameters = [_parameter_json(component, parameter) for parameter in component.parameters]
        described = {"doc": component.doc, "keywords": list(component.keywords), "parameters": parameters}
        print_json({**_component_json(component), **described})
        return
    print_text(f"{component.name} ({component.kind})", "bold")
    print_text(_description(component))
    if component.unannotated:
        print_text(f"\nWithout annotations: {'; '.join(component.unannotated)}")
    if component.keywords:
        print_text(f"\nAlso found as: {', '.join(component.keywords)}")
    print_table(["\ninput", "\ntype", "\naxes", ""], [_port_row(port) for port in component.inputs])
    print_table(["\noutput", "\ntype", "\naxes"], [_port_row(port)[:3] for port in component.outputs])
    if component.parameters:
        rows = [_parameter_row(component, parameter) for parameter in component.parameters]
        print_table(["\nparameter", "\ntype", "\ndefault", "\nwhat it is"], rows)


def _ports(ports: tuple[Port, ...]) -> str:
    return ", ".join(_port_text(port) for port in ports)


def _port_text(port: Port) -> str:
    text = f"{'*' if port.variadic else ''}{port.name}: {_type(port)}"
    return f"[{text}]" if port.optional else text


def _type(port: Port) -> str:
    return f"as {port.like}" if port.like else port.type.name


def _port_row(port: Port) -> list[str]:
    note = "any number of wires" if port.variadic else "optional" if port.optional else ""
    return [port.name, _type(port), " ".join(port.axes or ()), note]


def _description(component: Component) -> str:
    """The docstring without its list of parameters."""
    parsed = docstring_parser.parse(component.doc)
    parts = [parsed.short_description, parsed.long_description]
    parts += [f"Raises {item.type_name}: {item.description}" for item in parsed.raises]
    return _plain("\n\n".join(part for part in parts if part))


def _plain(text: str) -> str:
    """A docstring's text without its doubled quotes of code."""
    return text.replace("``", "`")


def _parameter_row(component: Component, parameter: Parameter) -> list[str]:
    default = "required" if parameter.required else value_text(parameter.default)
    if parameter.name in component.from_wire:
        default = f"from the wire into {component.from_wire[parameter.name][0].name}"
    return [parameter.name, type_text(parameter.annotation), default, _plain(" ".join(parameter.help.split()))]


def _component_json(component: Component) -> dict[str, Any]:
    return {
        "type": component.name,
        "kind": component.kind,
        "summary": component.summary,
        "source": defined_at(component.cls)[0],
        "inputs": [_port_json(port) for port in component.inputs],
        "outputs": [_port_json(port) for port in component.outputs],
    }


def _port_json(port: Port) -> dict[str, Any]:
    return {
        "name": port.name,
        "type": port.type.name,
        "axes": port.axes,
        "optional": port.optional,
        "variadic": port.variadic,
        "like": port.like,
    }


def _parameter_json(component: Component, parameter: Parameter) -> Mapping[str, Any]:
    wire = component.from_wire.get(parameter.name)
    return {
        "name": parameter.name,
        "type": type_text(parameter.annotation),
        "required": parameter.required,
        "default": None if parameter.required else parameter.default,
        "from_wire": wire[0].name if wire else None,
        "help": " ".join(parameter.help.split()),
    }
