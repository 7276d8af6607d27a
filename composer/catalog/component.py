"""A component as the rest of composer sees it: parameters and typed ports, read from the class itself."""

import ast
import inspect
import json
import math
import re
from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import takewhile
from textwrap import dedent
from types import NoneType, UnionType
from typing import Annotated, Any, Union, get_args, get_origin, get_type_hints

import docstring_parser
from docstring_parser import DocstringStyle
from pydantic import BaseModel, ConfigDict, PydanticUserError, ValidationError, create_model
from torch import nn

from composer.catalog.kinds import Kind
from composer.catalog.unannotated import (
    Access,
    guessed_parameter,
    guessed_results,
    is_plain,
    is_setting,
    tensor_type,
)
from composer.ports import AnyTensor, Augmentation, Choices, LayerCount, Like, PortType, SoftTargets, Usually, port_type
from composer.problems import plain

__all__ = ["Component", "ComponentError", "Parameter", "ParameterFault", "Port", "parse_axes", "read_component"]


_AUGMENTATION = "augmentation"
_KEPT = 20_000

_KEYWORDS = re.compile(r"^Keywords: *(.+?)(?:\n\s*\n|\Z)", re.MULTILINE | re.DOTALL)


class ComponentError(TypeError):
    """A class cannot be a component; the text says what is missing and how to write it."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """A constructor argument of a component.

    Args:
        name: Its name.
        annotation: Its type, with bounds.
        default: Its default; ``inspect.Parameter.empty`` where it is required.
        help: Its text from the docstring.
        counts_layers: Whether, and under which key, its value says how many layers are built.
        choices: Values that are offered for it, where there is a list of them.
    """

    name: str
    annotation: Any
    default: Any
    help: str = ""
    counts_layers: LayerCount | None = None
    choices: Choices | None = None

    @property
    def required(self) -> bool:
        """Whether it has no default."""
        return self.default is inspect.Parameter.empty


@dataclass(frozen=True, slots=True)
class ParameterFault:
    """A value that a parameter does not take; ``str`` says it in words.

    Args:
        parameter: Name of the parameter.
        place: Where in its value, if it is a list: ``[1]``.
        found: What is there, as JSON of at most 80 characters.
        reason: Why it is refused.
        expected: What was expected, if the reason says that.
    """

    parameter: str
    place: str
    found: str
    reason: str
    expected: str

    def __str__(self) -> str:
        return f"{self.place}{': ' if self.place else ''}found {self.found}, {self.reason}"


@dataclass(frozen=True, slots=True)
class Port:
    """An input or output of a component.

    Args:
        name: Its name.
        type: What it carries.
        axes: Names of its axes; None where nothing is declared.
        optional: Whether it may stay without a wire.
        variadic: Whether it takes any number of wires.
        like: For an output that has the type of an input: the input's name.
        usually: For an input what mostly feeds it, where that is less than its type takes.
        soft: For an input of labels, that it takes shares of several classes too, and when not.
    """

    name: str
    type: PortType
    axes: tuple[str, ...] | None = None
    optional: bool = False
    variadic: bool = False
    like: str | None = None
    usually: Usually | None = None
    soft: SoftTargets | None = None


@dataclass(frozen=True, eq=False)
class Component:
    """A class of the catalog: its ports and parameters.

    Args:
        name: Type name in graph files: the name of the class.
        declared: What its folder declares of its kind.
        cls: The class, an ``nn.Module``.
        parameters: Its constructor's arguments.
        inputs: Its input ports, in the order of ``forward``.
        outputs: Its output ports.
        access: How an output is taken from what ``forward`` returns, where no annotation says it.
    """

    name: str
    declared: Kind
    cls: type
    parameters: tuple[Parameter, ...]
    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]
    access: Access = ""
    _faults: dict[str, tuple[ParameterFault, ...]] = field(default_factory=dict, repr=False)

    @property
    def kind(self) -> str:
        """Its family: the name of its folder."""
        return self.declared.name

    @cached_property
    def doc(self) -> str:
        """The docstring, cleaned and without its keywords."""
        return _KEYWORDS.sub("", self._docstring).strip()

    @cached_property
    def keywords(self) -> tuple[str, ...]:
        """What people call it or type to find it: the docstring's paragraph ``Keywords:``, best first."""
        found = _KEYWORDS.search(self._docstring)
        words = [] if found is None else " ".join(found[1].split()).removesuffix(".").split(",")
        return tuple(word.strip() for word in words if word.strip())

    @property
    def augmentation(self) -> Augmentation | None:
        """What its method was published with; None where it says nothing."""
        found = getattr(self.cls, _AUGMENTATION, None)
        return found if isinstance(found, Augmentation) else None

    @property
    def _docstring(self) -> str:
        return inspect.cleandoc(self.cls.__doc__ or "")

    @property
    def summary(self) -> str:
        """First line of the docstring."""
        return self.doc.split("\n", 1)[0]

    @cached_property
    def returns_tuple(self) -> bool:
        """Whether ``forward`` returns a NamedTuple with a field for each output port."""
        return _is_named_tuple(_hints(self.cls.forward).get("return"))  # type: ignore[attr-defined]

    @property
    def returns_several(self) -> bool:
        """Whether ``forward`` returns a value for each output port."""
        return self.returns_tuple or bool(self.access)

    def values_of(self, result: Any) -> tuple[Any, ...]:
        """What ``forward`` returned, a value for each output port.

        Raises:
            TypeError: It is not what the class promises.
        """
        names = [port.name for port in self.outputs]
        if self.access == "key" and isinstance(result, Mapping) and all(name in result for name in names):
            return tuple(result[name] for name in names)
        if self.access == "index" and isinstance(result, list | tuple) and len(result) == len(names):
            return tuple(result)
        if self.returns_tuple and hasattr(result, "_fields"):
            return tuple(getattr(result, name) for name in names)
        if not self.returns_several:
            return (result,)
        what = {"key": "a mapping with", "index": "a tuple of"}.get(self.access, "a NamedTuple of")
        raise TypeError(f"forward returned {type(result).__name__}, its annotation promises {what} {', '.join(names)}")

    @cached_property
    def unannotated(self) -> tuple[str, ...]:
        """What has no annotation, or one that says little, in words; empty for a class that is annotated."""
        return tuple(_unannotated(self.cls))

    @cached_property
    def parameter_by_name(self) -> Mapping[str, Parameter]:
        """The parameters by name."""
        return {parameter.name: parameter for parameter in self.parameters}

    @cached_property
    def defaults(self) -> Mapping[str, Any]:
        """The defaults of the parameters that have one."""
        return {parameter.name: parameter.default for parameter in self.parameters if not parameter.required}

    @cached_property
    def required(self) -> tuple[Parameter, ...]:
        """The parameters without a default."""
        return tuple(parameter for parameter in self.parameters if parameter.required)

    @cached_property
    def input_by_name(self) -> Mapping[str, Port]:
        """The input ports by name."""
        return {port.name: port for port in self.inputs}

    @cached_property
    def output_by_name(self) -> Mapping[str, Port]:
        """The output ports by name."""
        return {port.name: port for port in self.outputs}

    @cached_property
    def from_wire(self) -> Mapping[str, tuple[Port, int]]:
        """Required parameters that a wire can give: the input port and the position of the axis they name."""
        found: dict[str, tuple[Port, int]] = {}
        for port in self.inputs:
            for position, axis in enumerate(port.axes or ()):
                parameter = self.parameter_by_name.get(axis)
                if parameter is not None and parameter.required and axis not in found and not port.variadic:
                    found[axis] = (port, position)
        return found

    @cached_property
    def model(self) -> type[BaseModel]:
        """A pydantic model of the parameters; it checks values and gives the JSON schema of the form."""
        fields: dict[str, Any] = {
            f"p_{parameter.name}": (parameter.annotation, ... if parameter.required else parameter.default)
            for parameter in self.parameters
        }
        config = ConfigDict(
            strict=True, extra="forbid", alias_generator=lambda name: name[2:], arbitrary_types_allowed=True
        )
        return create_model(self.name, __config__=config, **fields)

    @cached_property
    def schema(self) -> dict[str, Any]:
        """JSON schema of the parameters."""
        return self.model.model_json_schema()

    def faults(self, params: Mapping[str, Any]) -> tuple[ParameterFault, ...]:
        """What is wrong with parameter values; those left out are not looked at.

        Results are kept: a graph of many equal layers is checked once.
        """
        if not params:
            return ()
        text = repr(params)
        found = self._faults.get(text)
        if found is None:
            if len(self._faults) >= _KEPT:
                self._faults.clear()
            found = self._faults[text] = self._look(params)
        return found

    def _look(self, params: Mapping[str, Any]) -> tuple[ParameterFault, ...]:
        text = json.dumps(params, default=str)
        try:
            self.model.model_validate_json(text)
        except ValidationError as error:
            return tuple(
                _parameter_fault(detail)
                for detail in error.errors(include_url=False)
                if detail["loc"] and detail["type"] not in ("missing", "extra_forbidden")
            )
        return ()

    def arguments(self, params: Mapping[str, Any]) -> dict[str, Any]:
        """Checked parameter values as the constructor takes them (lists as the tuples they are annotated with).

        Raises:
            pydantic.ValidationError: A value does not fit, or a required one is missing.
        """
        checked = self.model.model_validate_json(json.dumps(params, default=str))
        return {name: getattr(checked, f"p_{name}") for name in params}

    def declared_layers(self, params: Mapping[str, Any]) -> int:
        """How many layers the values of ``LayerCount`` parameters declare; at least 1."""
        total = 0
        for parameter in self.parameters:
            if parameter.counts_layers is not None:
                total += _count(params.get(parameter.name, parameter.default), parameter.counts_layers.key)
        return max(total, 1)


def read_component(cls: type, kind: Kind | str, *, try_types: bool = True) -> Component:
    """Read a class's constructor and ``forward`` into a ``Component``.

    An argument without an annotation becomes a port of any tensor, or a parameter of any value; outputs are then read
    from the ``return`` statements (``unannotated``). A method that a subclass overrides keeps its parent's annotations.

    Where a constructor hands ``**kwargs`` on, as in ``super().__init__(..., **kwargs)``, the parameters of the parent's
    constructor are the class's too, but for those that the call itself gives.

    Args:
        cls: The class.
        kind: Its kind.
        try_types: Whether to find out now, which takes a millisecond, that the types of its parameters can be read
            from a file.

    Raises:
        ComponentError: It is no module, an annotation is no port type, or something is missing: a return value, the
            parameters that ``**kwargs`` stand for.
    """
    if not _is_module(cls):
        raise ComponentError(f"{getattr(cls, '__name__', cls)!s} is not a class derived from torch.nn.Module")
    if cls.forward is nn.Module.forward:  # type: ignore[attr-defined]
        raise ComponentError(f"{cls.__name__} has no forward")
    outputs, access = _outputs(cls)
    component = Component(
        cls.__name__,
        kind if isinstance(kind, Kind) else Kind(kind),
        cls,
        tuple(_parameters(cls)),
        _inputs(cls),
        outputs,
        access,
    )
    _check_likes(component)
    _check_augmentation(component)
    try:
        _ = component.model if try_types else None
    except (PydanticUserError, TypeError) as error:
        raise ComponentError(f"{cls.__name__}: a parameter's type cannot be read from a file: {error}") from error
    return component


def parse_axes(text: str) -> tuple[str, ...]:
    """The axes in a port's annotation: names, digits or one ``...``.

    Raises:
        ComponentError: A part is none of these.
    """
    axes = tuple(text.split())
    bad = [axis for axis in axes if not (axis.isidentifier() or axis.isdigit() or axis == "...")]
    if bad or axes.count("...") > 1:
        raise ComponentError(f"axes {text!r}: expected names, digits and at most one '...', found {bad or axes}")
    return axes


def _parameters(cls: type) -> Iterator[Parameter]:
    """Those of the constructor, with the texts of the class's docstring, or else of the nearest parent's."""
    texts: dict[str, str] = {}
    for owner in cls.__mro__:
        if not _is_of_torch(owner) and (text := vars(owner).get("__doc__")):
            text = inspect.cleandoc(text)
            style = DocstringStyle.GOOGLE if "\nArgs:\n" in text else DocstringStyle.AUTO  # that tries each style
            for item in docstring_parser.parse(text, style).params:
                texts.setdefault(item.arg_name, item.description or "")
    for name, argument in _arguments([owner for owner in cls.__mro__ if "__init__" in vars(owner)]).items():
        extras = _metadata(argument.annotation)
        layers = next((extra for extra in extras if isinstance(extra, LayerCount)), None)
        choices = next((extra for extra in extras if isinstance(extra, Choices)), None)
        yield Parameter(name, argument.annotation, argument.default, texts.get(name, ""), layers, choices)


def _arguments(owners: Sequence[type]) -> dict[str, inspect.Parameter]:
    """The arguments of the first class's constructor, by name; ``**kwargs`` stand for those of the next class's.

    What the next class takes too keeps its place there; another stands behind the one before it in the signature.

    Args:
        owners: The classes that have constructors, in the order in which ``super()`` goes through them.
    """
    owner = owners[0]
    if owner is nn.Module:
        return {}
    hints, named, starred = _hints(owner.__init__), {}, {}  # type: ignore[misc]
    for name, argument in _signature(owner).items():
        if argument.kind in (argument.VAR_POSITIONAL, argument.VAR_KEYWORD):
            starred[argument.kind] = name
        else:
            named[name] = argument
    found = _handed_on(owners, named, starred) if starred else {}
    order, place = list(found), 0
    for name, argument in named.items():
        if name not in hints and name not in found:
            if not is_plain(argument.default):  # a class or a function, which no file can hold: it keeps its default
                continue
            hints[name] = guessed_parameter(argument.default)
        if name not in found:
            order.insert(place, name)
        place = order.index(name) + 1
        found[name] = argument.replace(annotation=hints[name] if name in hints else found[name].annotation)
    return {name: found[name] for name in order}


def _signature(owner: type) -> dict[str, inspect.Parameter]:
    """The arguments of a class's constructor behind ``self``, as they are written."""
    return dict([*inspect.signature(owner.__init__).parameters.items()][1:])  # type: ignore[misc]


def _handed_on(
    owners: Sequence[type], named: Container[str], starred: Mapping[Any, str]
) -> dict[str, inspect.Parameter]:
    """The next class's arguments that the ``**kwargs`` of the first class's constructor stand for, and those it names.

    What the call of ``super().__init__`` gives beside them is not among them; it is read from the source.
    """
    where, parent = f"{owners[0].__name__}.__init__", owners[1]
    rest = starred.get(inspect.Parameter.VAR_KEYWORD)
    if rest is None:
        raise ComponentError(f"{where} takes *{starred[inspect.Parameter.VAR_POSITIONAL]}: name every parameter")
    above = {} if _is_of_torch(parent) else _arguments(owners[1:])
    if not above:
        raise ComponentError(
            f"{where} takes **{rest}: name every parameter; **{rest} may only stand for the parameters of a parent "
            f"class, and {owners[0].__name__} has no parent (beside torch's) whose __init__ takes any"
        )
    try:
        tree = ast.parse(dedent(inspect.getsource(owners[0].__init__)))  # type: ignore[misc]
    except (OSError, SyntaxError) as error:
        raise ComponentError(
            f"{where} takes **{rest}, and its source, which says what it gives {parent.__name__} itself, cannot be "
            f"read ({error}): name every parameter, or write the class in a file"
        ) from error
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and _hands_on(node, rest)]
    if not calls:
        raise ComponentError(
            f"{where} takes **{rest} and does not hand them on: name every parameter, or write "
            f"super().__init__(..., **{rest}) for those of {parent.__name__}"
        )
    given = {keyword.arg for call in calls for keyword in call.keywords}
    for call in calls:
        positional = takewhile(lambda argument: not isinstance(argument, ast.Starred), call.args)
        given.update(name for name, _ in zip(_signature(parent), positional, strict=False))
    return {name: argument for name, argument in above.items() if name not in given or name in named}


def _hands_on(call: ast.Call, rest: str) -> bool:
    """Whether a call is ``super().__init__(..., **rest)``."""
    inside = call.func.value if isinstance(call.func, ast.Attribute) and call.func.attr == "__init__" else None
    is_super = isinstance(inside, ast.Call) and isinstance(inside.func, ast.Name) and inside.func.id == "super"
    starred = [keyword.value for keyword in call.keywords if keyword.arg is None]
    return is_super and any(isinstance(value, ast.Name) and value.id == rest for value in starred)


def _is_of_torch(cls: type) -> bool:
    return cls.__module__.split(".")[0] in ("torch", "builtins")


def _hints(function: Any) -> dict[str, Any]:
    try:
        return get_type_hints(function, include_extras=True)
    except (NameError, SyntaxError, TypeError) as error:
        raise ComponentError(f"{function.__qualname__}: an annotation cannot be resolved: {error}") from error


def _inputs(cls: type) -> tuple[Port, ...]:
    forward = cls.forward  # type: ignore[attr-defined]
    hints = _hints(forward)
    above = list(_parent_hints(cls).values())[:-1]
    ports: list[Port] = []
    for place, argument in enumerate(list(inspect.signature(forward).parameters.values())[1:]):
        if argument.kind is argument.KEYWORD_ONLY:
            continue
        hint = hints.get(argument.name, above[place] if place < len(above) else None)
        if argument.kind is argument.VAR_KEYWORD:
            if hint is None and any(name not in hints for name in _names_of_inputs(cls)):
                continue
            raise ComponentError(f"{cls.__name__}.forward takes **{argument.name}: name every input port")
        where = f"{cls.__name__}.forward: input '{argument.name}'"
        if not _port_types_in(hint) and is_setting(argument, hint):
            continue
        port = _port(argument.name, hint, where, guess=True)
        optional = argument.default is not argument.empty
        variadic = argument.kind is argument.VAR_POSITIONAL
        if variadic and any(other.optional for other in ports):
            raise ComponentError(
                f"{where} takes many wires behind an optional input: put the optional ones behind it, keyword-only "
                "arguments are no ports; or make them inputs of another component"
            )
        ports.append(replace(port, optional=optional, variadic=variadic))
    return tuple(ports)


def _names_of_inputs(cls: type) -> list[str]:
    arguments = list(inspect.signature(cls.forward).parameters.values())[1:]  # type: ignore[attr-defined]
    return [item.name for item in arguments if item.kind not in (item.KEYWORD_ONLY, item.VAR_KEYWORD)]


def _parent_hints(cls: type) -> dict[str, Any]:
    """Annotations of the ``forward`` that a class writes anew without any; empty if there is none."""
    owners = [owner for owner in cls.__mro__ if "forward" in vars(owner)]
    if len(owners) < 2 or _is_of_torch(owners[1]) or _hints(vars(owners[0])["forward"]):
        return {}
    hints = _hints(vars(owners[1])["forward"])
    return {name: hints.get(name) for name in (*_names_of_inputs(owners[1]), "return")}


def _outputs(cls: type) -> tuple[tuple[Port, ...], Access]:
    returned = _hints(cls.forward).get("return")  # type: ignore[attr-defined]
    where = f"{cls.__name__}.forward: its return"
    if _is_named_tuple(returned):
        fields = get_type_hints(returned, include_extras=True)
        ports = [_port(name, hint, f"{cls.__name__}.forward: output '{name}'") for name, hint in fields.items()]
        return tuple(ports), ""
    if _port_types_in(returned) or returned is NoneType:
        return (_port("out", returned, where),), ""
    if tensor_type(returned) is None and get_origin(returned) not in (None, dict):
        return (_port("out", returned, where),), ""
    found = guessed_results(cls.forward)  # type: ignore[attr-defined]
    if not found.access and tensor_type(returned) is not None:
        return (_port("out", returned, where, guess=True),), ""
    above = _parent_hints(cls).get("return")
    if not found.access and _port_types_in(above):
        port = _port("out", above, where)
        if port.type.is_sequence == found.type.is_sequence:
            return (port,), ""
    return tuple(Port(name, found.type) for name in found.names), found.access


def _port_types_in(hint: Any) -> bool:
    """Whether an annotation says what a port carries."""
    return any(isinstance(extra, PortType | Like) for extra in _metadata(hint))


def _unannotated(cls: type) -> Iterator[str]:
    forward = cls.forward  # type: ignore[attr-defined]
    hints = _hints(forward)
    loose = [f"input '{name}'" for name in _names_of_inputs(cls) if not _port_types_in(hints.get(name))]
    if not _port_types_in(hints.get("return")) and not _is_named_tuple(hints.get("return")):
        loose.append("the return")
    if loose:
        yield f"of forward {', '.join(loose)}"
    parameters = [f"'{item.name}'" for item in _parameters(cls) if item.annotation is Any]
    if parameters:
        yield f"of __init__ {', '.join(parameters)}"


def _port(name: str, hint: Any, where: str, *, guess: bool = False) -> Port:
    if guess and not _port_types_in(hint):
        carried = port_type(AnyTensor) if hint in (None, Any) else tensor_type(hint)
        if carried is not None:
            return Port(name, carried)
    if hint is None or hint is NoneType:
        raise ComponentError(f'{where} has no annotation: write one such as Annotated[FeatureMap, "B channels H W"]')
    extras = _metadata(hint)
    likes = [extra.port for extra in extras if isinstance(extra, Like)]
    texts = [extra for extra in extras if isinstance(extra, str)]
    types = [extra for extra in extras if isinstance(extra, PortType)]
    if not likes and not types:
        raise ComponentError(f"{where} has no port type: annotate it with one of composer.ports, found {hint!r}")
    kind = types[-1] if types else port_type(AnyTensor)
    axes = parse_axes(texts[-1]) if texts else None
    usually = next((extra for extra in extras if isinstance(extra, Usually)), None)
    soft = next((extra for extra in extras if isinstance(extra, SoftTargets)), None)
    return Port(name, kind, axes, like=likes[-1] if likes else None, usually=usually, soft=soft)


def _check_likes(component: Component) -> None:
    for port in component.outputs:
        if port.like is not None and port.like not in component.input_by_name:
            raise ComponentError(f"{component.name}.forward: output '{port.name}' is like '{port.like}': no such input")


def _check_augmentation(component: Component) -> None:
    where, found = f"{component.name}.{_AUGMENTATION}", getattr(component.cls, _AUGMENTATION, None)
    if isinstance(found, dict | list | str | tuple):
        raise ComponentError(f"{where}: found {type(found).__name__}, expected composer.ports.Augmentation(...)")
    if isinstance(found, Augmentation) and found.count and found.count not in component.parameter_by_name:
        raise ComponentError(f"{where}: count is '{found.count}', which is no parameter of {component.name}")


def _metadata(annotation: Any) -> tuple[Any, ...]:
    """What is annotated, also inside ``X | None``."""
    if get_origin(annotation) is Annotated:
        return get_args(annotation)[1:]
    if get_origin(annotation) in (Union, UnionType):
        return tuple(extra for part in get_args(annotation) for extra in _metadata(part))
    return ()


def _is_module(item: Any) -> bool:
    return isinstance(item, type) and issubclass(item, nn.Module)


def _is_named_tuple(hint: Any) -> bool:
    return isinstance(hint, type) and issubclass(hint, tuple) and hasattr(hint, "_fields")


def _count(value: Any, key: str | None) -> int:
    if isinstance(value, int) and not isinstance(value, bool):
        return max(value, 0)
    if isinstance(value, Mapping):
        return _count(value.get(key), None)
    if isinstance(value, list | tuple):
        return sum(_count(item, None) for item in value)
    return 0


def _parameter_fault(detail: Any) -> ParameterFault:
    """What pydantic says of a value, whose texts end in what it expected."""
    inside = "".join(f"[{part}]" for part in detail["loc"][1:] if isinstance(part, int))
    found = detail["input"]
    shown = "nan" if isinstance(found, float) and math.isnan(found) else json.dumps(found, default=str)
    reason = plain(detail["msg"])
    expected = f", {reason}".partition(", expected ")[2]
    return ParameterFault(str(detail["loc"][0]), inside, shown[:80], reason, expected)
