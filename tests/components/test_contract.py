"""The contract of every component of the catalog, checked on the examples in ``examples/<kind>.yaml``.

For each component a file of its kind (``backbones.yaml``, ``backbones_resnet.yaml``) lists one or more tiny examples::

    ResNet:
      - params: {depth: 18, base_channels: 8}   # every required parameter
        inputs: {image: [2, 3, 32, 32]}         # by port; one that is left out has no wire
        unused: [fc.bias]                       # parameters that rightly get no gradient; say why

An input is a shape (normal random numbers), a list of inputs for a sequence or a variadic port, or a shape with what
its numbers are: ``{shape: [2], high: 10}`` whole numbers below 10, ``{shape: [2, 5], bool: true}`` true or false,
``{shape: [2, 5], uniform: true}`` from 0 to 1, ``{shape: [2, 5], simplex: true}`` rows that sum to 1,
``{shape: [3, 4], boxes: 32}`` boxes in an image of 32 by 32 pixels, ``{shape: [3, 5], rois: 32, images: 2}`` such
boxes behind the numbers of their images. ``low`` beside ``high`` is the lowest whole number. An input of records is a
list of mappings.

``random: true``: forward draws random numbers in evaluation too. ``data_dependent: true``: sizes of outputs depend on
the numbers of inputs, so there is no forward without data. ``prepare: {method: [arguments]}``: called
once the module is built; an argument is given as an input is, or ``{shape: [6], cycle: 3}`` counts 0 1 2 0 1 2.
"""

import importlib
import inspect
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any

import pytest
import torch
import yaml
from torch import Tensor, nn
from torch._dynamo.exc import Unsupported

import components
from composer.catalog import Catalog
from composer.catalog.component import Component, ComponentError, Port, read_component
from composer.ports import AnyTensor
from tests.extras import needed_by, needs

CATALOG = [component for component in Catalog.default() if component.cls.__module__.startswith("components.")]
KINDS = sorted({component.kind for component in CATALOG})
FILES = sorted((Path(__file__).parent / "examples").glob("*.yaml"))
KEYS = {"params", "inputs", "unused", "random", "data_dependent", "prepare"}


def kind_of(path: Path) -> str:
    """The kind that a file of examples is for: ``roi_extractors_single.yaml`` is for ``roi_extractors``."""
    fitting = [kind for kind in KINDS if f"{path.stem}_".startswith(f"{kind}_")]
    assert fitting, f"{path.name} begins with none of the kinds {', '.join(KINDS)}"
    return max(fitting, key=len)


def listed_examples() -> list[tuple[str, str, list[Mapping[str, Any]]]]:
    """Kind, component and examples of every entry of every file."""
    return [
        (kind_of(path), name, listed)
        for path in FILES
        for name, listed in (yaml.safe_load(path.read_text()) or {}).items()
    ]


EXAMPLES = listed_examples()


@dataclass
class Case:
    """One example of a component; what is built and run is kept for all claims about it."""

    component: Component
    example: Mapping[str, Any]
    inputs: dict[str, Any] = field(init=False)

    def __post_init__(self) -> None:
        generator = torch.Generator().manual_seed(0)
        self.inputs = {
            name: tensors(spec, generator, self.component.input_by_name[name])
            for name, spec in self.example["inputs"].items()
        }

    @cached_property
    def arguments(self) -> dict[str, Any]:
        return self.component.arguments(self.example.get("params", {}))

    @cached_property
    def module(self) -> nn.Module:
        return self.build(seed=0)

    @cached_property
    def outputs(self) -> Any:
        return self.run(self.module)

    @cached_property
    def data_dependent(self) -> bool:
        return bool(self.example.get("data_dependent", False))

    def build(self, seed: int = 0) -> nn.Module:
        torch.manual_seed(seed)
        module = self.component.cls(**self.arguments).eval()
        for method, arguments in self.example.get("prepare", {}).items():
            generator = torch.Generator().manual_seed(1)
            getattr(module, method)(*(tensor(spec, generator) for spec in arguments))
        return module

    def run(self, module: nn.Module, inputs: Mapping[str, Any] | None = None, seed: int | None = 7) -> Any:
        """Outputs without a gradient."""
        if seed is not None:
            torch.manual_seed(seed)
        with torch.no_grad():
            return self.call(module, self.inputs if inputs is None else inputs)

    def call(self, module: nn.Module, inputs: Mapping[str, Any]) -> Any:
        positional = [value for port in self.component.inputs if port.variadic for value in inputs[port.name]]
        named = {name: value for name, value in inputs.items() if not self.component.input_by_name[name].variadic}
        if not positional:
            return module(**named)
        before = [named.pop(port.name) for port in self.component.inputs if port.name in named]
        return module(*before, *positional, **named)

    def by_port(self, outputs: Any) -> list[tuple[Port, Any]]:
        values = tuple(outputs) if self.component.returns_tuple else (outputs,)
        return list(zip(self.component.outputs, values, strict=True))


def tensors(spec: Any, generator: torch.Generator, port: Port) -> Any:
    """The value of an input as an example describes it."""
    if isinstance(spec, list) and (port.type.is_sequence or port.variadic):
        return tuple(tensor(item, generator) for item in spec)
    if port.type.opaque:
        return [{name: tensor(item, generator) for name, item in record.items()} for record in spec]
    return tensor(spec, generator)


def tensor(spec: Any, generator: torch.Generator) -> Tensor:
    if isinstance(spec, list):
        return torch.randn(spec, generator=generator)
    shape = spec["shape"]
    if "high" in spec:
        return torch.randint(spec.get("low", 0), spec["high"], shape, generator=generator)
    if "cycle" in spec:
        return torch.arange(shape[0]) % spec["cycle"]
    uniform = torch.rand(shape, generator=generator)
    if spec.get("bool"):
        return uniform < 0.5
    if spec.get("simplex"):
        return uniform / uniform.sum(dim=-1, keepdim=True)
    if "boxes" in spec:
        corners = uniform.unflatten(-1, (2, 2)).sort(dim=-2).values * spec["boxes"]
        return corners.flatten(-2)
    if "rois" in spec:
        image = torch.arange(shape[0])[:, None] * spec["images"] // shape[0]
        return torch.cat((image, tensor({"shape": [shape[0], 4], "boxes": spec["rois"]}, generator)), dim=1)
    assert spec.get("uniform"), f"{spec}: expected high, bool, uniform, simplex or boxes beside shape"
    return uniform


def leaves(value: Any) -> Iterator[Any]:
    """All tensors in a value, and whatever else it holds."""
    if isinstance(value, Mapping):
        value = value.values()
    if isinstance(value, Iterable) and not isinstance(value, Tensor | str):
        for item in value:
            yield from leaves(item)
    elif value is not None:
        yield value


def mapped(function: Any, value: Any) -> Any:
    """A value with a function applied to all its tensors."""
    if isinstance(value, Tensor):
        return function(value)
    if isinstance(value, Mapping):
        return {name: mapped(function, item) for name, item in value.items()}
    return tuple(mapped(function, item) for item in value)


def layout(value: Any) -> list[tuple[tuple[int, ...], torch.dtype]]:
    return [(tuple(item.shape), item.dtype) for item in leaves(value)]


def state_layout(module: nn.Module) -> dict[str, tuple[tuple[int, ...], torch.dtype]]:
    return {name: (tuple(item.shape), item.dtype) for name, item in module.state_dict().items()}


def same(found: Any, expected: Any) -> None:
    for one, other in zip(leaves(found), leaves(expected), strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=0, equal_nan=True)


def cases() -> list[Any]:
    examples = {(kind, name): listed for kind, name, listed in EXAMPLES}
    return [
        pytest.param(
            (component, example),
            id=f"{component.name}-{index}",
            marks=[needs(package) for package in needed_by(component.name)],
        )
        for component in CATALOG
        for index, example in enumerate(examples.get((component.kind, component.name), ()))
    ]


@pytest.fixture(scope="module", params=cases())
def case(request: pytest.FixtureRequest) -> Case:
    component, example = request.param
    return Case(component, example)


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.mark.parametrize("kind", KINDS)
def test_every_component_of_a_kind_has_an_example(kind: str) -> None:
    named = [name for found, name, listed in EXAMPLES if found == kind and listed]
    present = {component.name for component in CATALOG if component.kind == kind}
    assert present - set(named) == set(), f"components without an example in examples/{kind}.yaml"
    assert set(named) - present == set(), "examples of components that are not of this kind"
    assert sorted(named) == sorted(set(named)), "examples of one component in two files"


@pytest.mark.parametrize("component", list(CATALOG), ids=lambda component: component.name)
def test_every_component_has_keywords(component: Component) -> None:
    assert component.keywords, "give its docstring a paragraph 'Keywords: ...', the best first"
    assert len({word.casefold() for word in component.keywords}) == len(component.keywords)
    assert "Keywords" not in component.doc


def test_examples_have_only_known_keys() -> None:
    keys = {key for _, _, listed in EXAMPLES for example in listed for key in example}
    assert keys <= KEYS


@pytest.mark.parametrize("component", CATALOG, ids=lambda component: component.name)
def test_a_component_is_documented(component: Component) -> None:
    first, *rest = (component.cls.__doc__ or "").strip().splitlines() or [""]
    assert first.strip().endswith("."), "the docstring's first line is one sentence"
    assert not rest or not rest[0].strip(), "a blank line follows the first"
    undescribed = [parameter.name for parameter in component.parameters if not parameter.help.strip()]
    assert not undescribed, "parameters that Args does not describe"
    assert not component.unannotated, "annotate the ports"
    loose = [item.name for item in component.parameters if item.annotation in (Any, inspect.Parameter.empty)]
    assert not loose, "parameters without a type"


def test_every_component_class_is_listed_in_all() -> None:
    forgotten = []
    for path in sorted(Path(components.__path__[0]).glob("*/[!_]*.py")):
        module = importlib.import_module(f"components.{path.parent.name}.{path.stem}")
        for name, cls in inspect.getmembers(module, inspect.isclass):
            own = cls.__module__ == module.__name__ and issubclass(cls, nn.Module) and not name.startswith("_")
            if own and name not in module.__all__ and is_component(cls):
                forgotten.append(f"{module.__name__}.{name}")
    assert not forgotten


def is_component(cls: type) -> bool:
    try:
        return not read_component(cls, "any").unannotated
    except ComponentError:
        return False


def test_axes_are_as_declared(case: Case) -> None:
    sizes: dict[Any, Any] = {}
    for port, value in [(case.component.input_by_name[name], item) for name, item in case.inputs.items()]:
        check_port(case, port, value, sizes)
    for port, value in case.by_port(case.outputs):
        check_port(case, port, value, sizes)


def check_port(case: Case, port: Port, value: Any, sizes: dict[Any, Any]) -> None:
    if port.type.opaque:
        return
    if not port.type.is_sequence and not port.variadic:
        check_tensor(case, port, value, None, sizes)
        return
    assert isinstance(value, Sequence), f"{port.name}: expected a sequence of tensors, found {type(value).__name__}"
    for entry, item in enumerate(value):
        check_tensor(case, port, item, entry, sizes)


def check_tensor(case: Case, port: Port, value: Any, entry: int | None, sizes: dict[Any, Any]) -> None:
    assert isinstance(value, Tensor), f"{port.name}: expected a tensor, found {type(value).__name__}"
    if port.axes is None:
        return
    shape = tuple(value.shape)
    where = f"{port.name}[{'' if entry is None else entry}] {shape} is not {' '.join(port.axes) or 'a scalar'}"
    spare = len(shape) - (len(port.axes) - port.axes.count("..."))
    assert spare == 0 or (spare > 0 and "..." in port.axes), where
    at = 0
    for axis in port.axes:
        width = spare if axis == "..." else 1
        size: Any = shape[at : at + width] if axis == "..." else shape[at]
        at += width
        expected = declared(case, axis, entry)
        if expected is None:
            level = entry if port.type.is_sequence and axis != "B" else None
            expected = sizes.setdefault((axis, level), size)
        assert size == expected, f"{where}: {axis} is {expected}"


def declared(case: Case, axis: str, entry: int | None) -> int | None:
    """What an axis that is not free stands for: a number, a parameter, or an attribute of the module."""
    if axis.isdigit():
        return int(axis)
    if not axis[0].islower():
        return None
    defaults = {parameter.name: parameter.default for parameter in case.component.parameters}
    found = (defaults | case.arguments).get(axis)
    if not isinstance(found, int | tuple | list):
        found = getattr(case.module, axis)
    if isinstance(found, tuple | list):
        assert entry is not None, f"{axis} is {found}: sizes for the levels of a sequence, on a port with one tensor"
        return found[entry]
    assert isinstance(found, int), f"axis {axis}: {found!r} is not a size"
    return found


def test_a_component_has_the_same_state_dict_on_the_meta_device(case: Case) -> None:
    with torch.device("meta"):
        empty = case.component.cls(**case.arguments).eval()
    stray = [name for name, item in empty.state_dict().items() if not item.is_meta]
    assert not stray, "not on the device that the component is built on"
    assert state_layout(empty) == state_layout(case.module)
    if not case.data_dependent:
        inputs = {name: mapped(lambda item: item.to("meta"), value) for name, value in case.inputs.items()}
        assert layout(case.run(empty, inputs)) == layout(case.outputs)


@pytest.mark.slow
def test_a_component_compiles_as_one_graph(case: Case) -> None:
    if case.data_dependent:
        pytest.skip("sizes of outputs depend on the data")
    torch.compiler.reset()
    compiled = torch.compile(case.module, fullgraph=True, backend="eager")
    same(case.run(compiled), case.outputs)


def test_a_gradient_reaches_every_parameter(case: Case) -> None:
    reached: set[str] = set()
    learned: set[str] = set()
    for training in (False, True):
        module = case.build(seed=1).train(training)
        with torch.no_grad():
            for parameter in module.parameters():
                parameter.add_(torch.randn_like(parameter), alpha=0.1)
        learned = {name for name, parameter in module.named_parameters() if parameter.requires_grad}
        inputs = {name: mapped(as_leaf, value) for name, value in case.inputs.items()}
        backward(case.call(module, inputs))
        reached |= {name for name in learned if has_gradient(module.get_parameter(name))}
        gradients = [item.grad for item in (*module.parameters(), *leaves(inputs)) if item.grad is not None]
        assert all(gradient.isfinite().all() for gradient in gradients), f"gradients with {training=}"
    assert learned - reached == set(case.example.get("unused", ()))


def as_leaf(value: Tensor) -> Tensor:
    return value.clone().requires_grad_() if value.is_floating_point() else value


def backward(outputs: Any) -> None:
    """The gradient of a random weighted sum of all outputs."""
    torch.manual_seed(3)
    used = [item for item in leaves(outputs) if isinstance(item, Tensor) and item.requires_grad]
    if used:
        torch.autograd.backward(used, [torch.randn_like(item) for item in used])


def has_gradient(parameter: nn.Parameter) -> bool:
    return parameter.grad is not None and bool(parameter.grad.any())


def test_evaluation_is_deterministic_and_leaves_the_state_unchanged(case: Case) -> None:
    inputs = mapped(Tensor.clone, case.inputs)
    state = {name: item.clone() for name, item in case.module.state_dict().items()}
    first = mapped(lambda item: item.clone() if isinstance(item, Tensor) else item, list(leaves(case.outputs)))
    again = case.run(case.module, seed=7 if case.example.get("random") else 8)
    same(again, first)
    same(case.inputs, inputs)
    same(case.module.state_dict(), state)


def test_a_loaded_state_dict_reproduces_the_outputs(case: Case) -> None:
    other = case.build(seed=5)
    other.load_state_dict(case.module.state_dict(), strict=True)
    same(case.run(other), case.outputs)


class WrongAxes(nn.Module):
    """Says C, gives C + 1."""

    def __init__(self, channels: int) -> None:
        super().__init__()

    def forward(self, x: Annotated[AnyTensor, "B channels"]) -> Annotated[AnyTensor, "B channels"]:
        return torch.cat((x, x[:, :1]), 1)


class ForeignDevice(nn.Module):
    """Makes a buffer on a device of its own choice."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("table", torch.arange(4.0, device="cpu"))

    def forward(self, x: Annotated[AnyTensor, "..."]) -> Annotated[AnyTensor, "..."]:
        return x + self.table.sum().to(x.device)


class LooksAtNumbers(nn.Module):
    """Branches on what is in a tensor."""

    def __init__(self) -> None:
        super().__init__()

    def forward(self, x: Annotated[AnyTensor, "..."]) -> Annotated[AnyTensor, "..."]:
        return x if x.sum() > 0 else -x


class Unused(nn.Module):
    """Has a parameter that nothing depends on."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(()))
        self.spare = nn.Parameter(torch.ones(()))

    def forward(self, x: Annotated[AnyTensor, "..."]) -> Annotated[AnyTensor, "..."]:
        return x * self.scale + self.spare.detach()


class Drifts(nn.Module):
    """Counts calls in evaluation too."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("calls", torch.zeros(()))

    def forward(self, x: Annotated[AnyTensor, "..."]) -> Annotated[AnyTensor, "..."]:
        self.calls += 1
        return x * 2


class Overwrites(nn.Module):
    """Writes into its input."""

    def __init__(self) -> None:
        super().__init__()

    def forward(self, x: Annotated[AnyTensor, "..."]) -> Annotated[AnyTensor, "..."]:
        return x.detach().mul_(2)


class Hides(nn.Module):
    """Depends on numbers that are not in its state dict."""

    def __init__(self) -> None:
        super().__init__()
        self.secret = torch.randn(4)

    def forward(self, x: Annotated[AnyTensor, "..."]) -> Annotated[AnyTensor, "..."]:
        return x + self.secret.to(x.device)


@pytest.mark.parametrize(
    ("cls", "broken"),
    [
        (WrongAxes, "test_axes_are_as_declared"),
        (ForeignDevice, "test_a_component_has_the_same_state_dict_on_the_meta_device"),
        (LooksAtNumbers, "test_a_component_compiles_as_one_graph"),
        (Unused, "test_a_gradient_reaches_every_parameter"),
        (Drifts, "test_evaluation_is_deterministic_and_leaves_the_state_unchanged"),
        (Overwrites, "test_evaluation_is_deterministic_and_leaves_the_state_unchanged"),
        (Hides, "test_a_loaded_state_dict_reproduces_the_outputs"),
    ],
)
def test_the_contract_test_fails_for_components_that_break_it(cls: type, broken: str) -> None:
    params = {"channels": 4} if cls is WrongAxes else {}
    case = Case(read_component(cls, "broken"), {"params": params, "inputs": {"x": [2, 4]}})
    with pytest.raises((AssertionError, Unsupported)):
        globals()[broken](case)
