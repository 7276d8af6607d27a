"""What a class says about itself as a component, and which classes are refused."""

import inspect
from typing import Annotated, Any, Literal, NamedTuple

import pytest
from annotated_types import Ge
from torch import Tensor, nn

from composer.catalog.component import Component, ComponentError, parse_axes, read_component
from composer.graph import FrozenDict
from composer.ports import AnyTensor, Embedding, FeatureMap, Image, LayerCount, Like, Logits, Pyramid
from composer.rules.parameters import parameter_faults
from tests.sample_components import Act, Add, Backbone, Contrast, Head, Neck, Stem


def ports(ports: Any) -> list[tuple[str, str]]:
    return [(port.name, port.type.name) for port in ports]


def test_inputs_are_the_arguments_of_forward_and_outputs_its_return() -> None:
    stem, contrast = read_component(Stem, "stems"), read_component(Contrast, "heads")
    assert (stem.name, stem.kind, stem.summary) == ("Stem", "stems", "A convolution.")
    assert ports(stem.inputs) == [("image", "FeatureMap")]
    assert ports(stem.outputs) == [("out", "FeatureMap")]
    assert ports(contrast.inputs) == [("query", "Embedding"), ("key", "Embedding")]
    assert ports(contrast.outputs) == [("logits", "Logits"), ("target", "Label")]
    assert contrast.returns_tuple and not stem.returns_tuple
    assert stem.input_by_name["image"].axes == ("B", "in_channels", "H", "W")


def test_an_argument_with_a_default_is_optional_and_a_starred_one_takes_many() -> None:
    image, ids_keep = read_component(Backbone, "").inputs
    (xs,) = read_component(Add, "").inputs
    assert (image.optional, image.variadic) == (False, False)
    assert (ids_keep.optional, ids_keep.variadic, ids_keep.type.name) == (True, False, "AnyTensor")
    assert (xs.optional, xs.variadic) == (False, True)


def test_an_output_may_be_like_an_input() -> None:
    (out,) = read_component(Act, "").outputs
    assert (out.like, out.type.name) == ("input", "AnyTensor")


def test_parameters_are_those_of_the_constructor() -> None:
    class Documented(nn.Module):
        """One.

        Args:
            width: How wide.
        """

        def __init__(self, width: int, norm: Literal["a", "b"] = "a") -> None:
            super().__init__()

        def forward(self, x: AnyTensor) -> AnyTensor:
            return x

    width, norm = read_component(Documented, "").parameters
    assert (width.required, width.help, width.default) == (True, "How wide.", inspect.Parameter.empty)
    assert (norm.required, norm.default) == (False, "a")
    assert read_component(Documented, "").schema["properties"]["norm"]["enum"] == ["a", "b"]
    assert read_component(Act, "").parameters == ()


def test_a_required_parameter_that_names_an_axis_of_an_input_comes_from_the_wire() -> None:
    stem = read_component(Stem, "")
    ((name, (port, position)),) = stem.from_wire.items()
    assert (name, port.name, position) == ("in_channels", "image", 1)
    assert read_component(Head, "").from_wire == {}


def said(component: Component, params: dict[str, Any]) -> tuple[tuple[str, str], ...]:
    """What is wrong with values: each parameter with the text of its fault."""
    return tuple((fault.parameter, str(fault)) for fault in component.faults(params))


@pytest.mark.parametrize(
    ("params", "faults"),
    [
        ({}, ()),
        ({"out_channels": 4, "norm": "layer", "size": (3, 3)}, ()),
        ({"drop": 1}, ()),
        ({"unknown": 4}, ()),
        ({"out_channels": "4"}, (("out_channels", 'found "4", expected an integer'),)),
        ({"out_channels": 0}, (("out_channels", "found 0, expected at least 1"),)),
        ({"out_channels": True}, (("out_channels", "found true, expected an integer"),)),
        ({"drop": 1.5}, (("drop", "found 1.5, expected at most 1"),)),
        ({"drop": float("nan")}, (("drop", "found nan, expected at most 1"),)),
        ({"norm": "bach"}, (("norm", "found \"bach\", expected 'batch' or 'layer'"),)),
        ({"bias": 1}, (("bias", "found 1, expected true or false"),)),
        (
            {"size": [3, "a"]},
            (("size", 'found [3, "a"], expected an integer'), ("size", '[1]: found "a", expected an integer')),
        ),
        (
            {"bias": 0, "label": 3},
            (("bias", "found 0, expected true or false"), ("label", "found 3, expected a string")),
        ),
    ],
)
def test_values_are_held_against_the_annotations(params: dict[str, Any], faults: Any) -> None:
    assert said(read_component(Stem, ""), params) == faults


class Sized(nn.Module):
    def __init__(self, size: int | list[int] = 1) -> None:
        super().__init__()

    def forward(self, x: Annotated[AnyTensor, "..."]) -> Annotated[AnyTensor, "..."]:
        return x


@pytest.mark.parametrize("value", ["a", "found 1, expected 2", ", expected "])
def test_a_value_of_no_type_that_may_be_says_all_that_was_expected_whatever_the_value_says(value: str) -> None:
    found = parameter_faults(read_component(Sized, ""), {"size": value})
    assert found == {"size": f'found "{value}", expected an integer, or a list'}


def test_values_that_compare_equal_but_differ_in_type_are_distinguished() -> None:
    stem = read_component(Stem, "")
    assert stem.faults({"bias": True}) == ()
    assert stem.faults({"bias": 1}) != ()
    assert stem.faults({"out_channels": 1}) == ()
    assert stem.faults({"out_channels": 1.5}) != ()
    assert stem.faults(FrozenDict(size=(3, 3))) == ()


def test_arguments_have_the_annotated_types() -> None:
    assert read_component(Stem, "").arguments(FrozenDict(in_channels=3, size=(3, 5))) == {
        "in_channels": 3,
        "size": (3, 5),
    }


@pytest.mark.parametrize(("params", "layers"), [({}, 18), ({"depth": 50}, 50), ({"depth": -3}, 1), ({"depth": "x"}, 1)])
def test_declared_layers_are_the_values_of_parameters_that_count_layers(params: dict[str, Any], layers: int) -> None:
    assert read_component(Backbone, "").declared_layers(params) == layers
    assert read_component(Neck, "").declared_layers(params) == 1


def test_declared_layers_add_up_over_sequences() -> None:
    class Stages(nn.Module):
        def __init__(
            self,
            depths: Annotated[tuple[int, ...], LayerCount()] = (2, 2),
            more: Annotated[int | None, LayerCount()] = None,
            arch: Annotated[str | dict[str, Any], LayerCount("depths")] = "small",
        ) -> None:
            super().__init__()

        def forward(self, x: AnyTensor) -> AnyTensor:
            return x

    stages = read_component(Stages, "")
    assert stages.declared_layers({}) == 4
    assert stages.declared_layers({"depths": (2, (3, 4)), "more": 5}) == 14
    assert stages.declared_layers({"arch": {"depths": (6, 2), "channels": 512}}) == 12


class Wide(Act):
    """A parent.

    Args:
        width: How wide.
        stem: How it begins.
        bias: Whether it has one.
    """

    def __init__(
        self, width: Annotated[int, Ge(1)], stem: Literal["a", "b"] = "a", *, bias: bool = True, parts: int = 2
    ) -> None:
        super().__init__()
        self.given = (width, stem, bias, parts)


class Narrow(Wide):
    """A child.

    Args:
        kernel: A size of its own.
        bias: Said anew.
    """

    def __init__(self, width, kernel: int = 3, bias=False, **kwargs) -> None:  # type: ignore[no-untyped-def]
        super().__init__(width, bias=bias, parts=4, **kwargs)


class Narrower(Narrow):
    def __init__(self, first: int, *args: Any, stem: Literal["b"] = "b", **more: Any) -> None:
        super(Narrower, self).__init__(5, *args, stem=stem, **more)  # noqa: UP008 - as it is often written


class Silent(Narrower):
    """Takes what its parent takes."""


BELOW = {"first": "", "kernel": "A size of its own.", "stem": "How it begins.", "bias": "Said anew."}


@pytest.mark.parametrize(
    ("cls", "parameters"),
    [
        (Wide, {"width": "How wide.", "stem": "How it begins.", "bias": "Whether it has one.", "parts": ""}),
        (Narrow, {"width": "How wide.", **{name: BELOW[name] for name in ("kernel", "stem", "bias")}}),
        (Narrower, BELOW),
        (Silent, BELOW),
    ],
)
def test_kwargs_passed_to_super_become_the_parameters_of_the_parent(cls: type, parameters: dict[str, str]) -> None:
    """In the parent's order, each new one behind the one before it; without those that the call itself gives."""
    component = read_component(cls, "kind")
    assert [(item.name, item.help) for item in component.parameters] == [*parameters.items()]
    values = {"width": 2, "first": 2, "kernel": 1, "stem": "b", "bias": True}
    given = {name: values[name] for name in parameters if name in values}
    assert component.faults(given) == ()
    assert cls(**component.arguments(given)).given[1:3] == ("b", True)


def test_a_subclass_inherits_types_bounds_and_defaults_of_parameters() -> None:
    narrow, narrower = read_component(Narrow, ""), read_component(Narrower, "")
    assert [(item.name, item.default) for item in narrow.parameters if not item.required] == [
        ("kernel", 3),
        ("stem", "a"),
        ("bias", False),
    ]
    assert said(narrow, {"width": 0, "bias": 1, "stem": "c"}) == (
        ("width", "found 0, expected at least 1"),
        ("stem", "found \"c\", expected 'a' or 'b'"),
        ("bias", "found 1, expected true or false"),
    )
    assert narrow.schema["properties"]["stem"]["enum"] == ["a", "b"]
    assert said(narrower, {"stem": "a"}) == (("stem", "found \"a\", expected 'b'"),)


class NoModule:
    def forward(self, x: AnyTensor) -> AnyTensor:
        return x


class NoForward(nn.Module):
    pass


class NoInputType(nn.Module):
    def forward(self, x) -> AnyTensor:  # type: ignore[no-untyped-def]
        return x


class PlainTensor(nn.Module):
    def forward(self, x: Tensor) -> AnyTensor:
        return x


class NoReturnType(nn.Module):
    def forward(self, x: AnyTensor):  # type: ignore[no-untyped-def]
        return x


class ReturnsNone(nn.Module):
    def forward(self, x: AnyTensor) -> None:
        pass


class Keywords(nn.Module):
    def forward(self, x: AnyTensor, **more: AnyTensor) -> AnyTensor:
        return x


class UntypedParameter(Act):
    def __init__(self, width=3) -> None:  # type: ignore[no-untyped-def]
        super().__init__()


class StarredParameters(Act):
    def __init__(self, *width: int) -> None:
        super().__init__()


class KeywordParameters(Act):
    def __init__(self, **width: int) -> None:
        super().__init__()


class KeywordsForTorch(nn.Conv2d):
    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)

    def forward(self, input: AnyTensor) -> AnyTensor:
        return input


class KeywordsKept(Wide):
    def __init__(self, **kwargs: Any) -> None:
        super().__init__(3)


class UntypedParent(Act):
    def __init__(self, width, depth: int = 1) -> None:  # type: ignore[no-untyped-def]
        super().__init__()


class KeywordsOfUntyped(UntypedParent):
    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)


class KeywordsOfNoSource(Wide):
    exec("def __init__(self, **kwargs): super().__init__(**kwargs)")  # noqa: S102 - nothing holds its source


class ParameterOfNoFile(Act):
    def __init__(self, make: "Undefined") -> None:  # type: ignore[name-defined] # noqa: F821
        super().__init__()


class LikeNothing(nn.Module):
    def forward(self, x: AnyTensor) -> Annotated[AnyTensor, Like("y")]:
        return x


class BadAxes(nn.Module):
    def forward(self, x: Annotated[FeatureMap, "B C*2 H W"]) -> AnyTensor:
        return x


class Untyped(NamedTuple):
    logits: Logits
    other: int


class BadField(nn.Module):
    def forward(self, x: AnyTensor) -> Untyped:
        return Untyped(x, 1)


@pytest.mark.parametrize(
    ("refused", "text"),
    [
        (NoModule, "NoModule is not a class derived from torch.nn.Module"),
        (3, "3 is not a class derived from torch.nn.Module"),
        (parse_axes, "parse_axes is not a class derived from torch.nn.Module"),
        (NoForward, "NoForward has no forward"),
        (ReturnsNone, "ReturnsNone.forward: its return has no annotation"),
        (Keywords, "Keywords.forward takes **more: name every input port"),
        (StarredParameters, "StarredParameters.__init__ takes *width: name every parameter"),
        (
            KeywordParameters,
            "KeywordParameters.__init__ takes **width: name every parameter; **width may only stand for",
        ),
        (KeywordsForTorch, "and KeywordsForTorch has no parent (beside torch's) whose __init__ takes any"),
        (KeywordsKept, "KeywordsKept.__init__ takes **kwargs and does not hand them on: name every parameter, or"),
        (KeywordsOfNoSource, "its source, which says what it gives Wide itself, cannot be read"),
        (ParameterOfNoFile, "ParameterOfNoFile.__init__: an annotation cannot be resolved: name 'Undefined'"),
        (LikeNothing, "LikeNothing.forward: output 'out' is like 'y': no such input"),
        (BadAxes, "axes 'B C*2 H W': expected names, digits and at most one '...', found ['C*2']"),
        (BadField, "BadField.forward: output 'other' has no port type"),
    ],
)
def test_a_class_without_needed_annotations_is_refused_with_what_to_write(refused: Any, text: str) -> None:
    with pytest.raises(ComponentError) as error:
        read_component(refused, "kind")
    assert text in str(error.value)


@pytest.mark.parametrize(
    ("cls", "inputs", "unannotated"),
    [
        (NoInputType, [("x", "AnyTensor")], ("of forward input 'x'",)),
        (PlainTensor, [("x", "AnyTensor")], ("of forward input 'x'",)),
        (NoReturnType, [("x", "AnyTensor")], ("of forward the return",)),
        (UntypedParameter, [("input", "AnyTensor")], ("of __init__ 'width'",)),
        (KeywordsOfUntyped, [("input", "AnyTensor")], ("of __init__ 'width'",)),
    ],
)
def test_arguments_without_annotations_take_any_value(cls: type, inputs: Any, unannotated: tuple[str, ...]) -> None:
    component = read_component(cls, "kind")
    assert ports(component.inputs) == inputs
    assert ports(component.outputs) == [("out", "AnyTensor")]
    assert component.unannotated == unannotated


def test_a_fully_annotated_class_is_accepted() -> None:
    class Enough(nn.Module):
        def __init__(self, width: Annotated[int, Ge(1)] | None = None) -> None:
            super().__init__()

        def forward(self, levels: Pyramid, image: Image, *more: FeatureMap) -> Annotated[Embedding, "B width"]:
            return levels[0]

    enough = read_component(Enough, "kind")
    assert ports(enough.inputs) == [("levels", "Pyramid"), ("image", "Image"), ("more", "FeatureMap")]
    assert enough.faults({"width": None}) == () and enough.faults({"width": 0}) != ()


def test_a_starred_input_after_an_optional_one_is_refused() -> None:
    class Gap(nn.Module):
        def forward(self, image: Image, mask: Image | None = None, *more: Image) -> Image:
            return image

    with pytest.raises(ComponentError, match="input 'more' takes many wires behind an optional input"):
        read_component(Gap, "kind")


def test_an_annotation_that_is_no_python_is_refused() -> None:
    class Odd(nn.Module):
        def forward(self, image: "Image[") -> Image:  # type: ignore[syntax]  # noqa: F722
            return image

    with pytest.raises(ComponentError, match="cannot be resolved"):
        read_component(Odd, "kind")


@pytest.mark.parametrize(
    ("text", "axes"),
    [
        ("B C H W", ("B", "C", "H", "W")),
        ("", ()),
        ("B ... 4", ("B", "...", "4")),
        ("B in_channels", ("B", "in_channels")),
    ],
)
def test_axes_are_names_digits_and_one_ellipsis(text: str, axes: tuple[str, ...]) -> None:
    assert parse_axes(text) == axes


@pytest.mark.parametrize("text", ["B C-1", "... ...", "B (H W)", "B 1.5"])
def test_other_axes_are_refused(text: str) -> None:
    with pytest.raises(ComponentError, match="expected names, digits"):
        parse_axes(text)
