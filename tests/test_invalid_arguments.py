"""Every saved graph refuses invalid arguments before anything is updated."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image
from torch import Tensor

import composer
from components.memories.odc_memory import ODCMemory
from composer.catalog import Catalog
from composer.catalog.limits import Limits
from composer.model import Model
from composer.model.compile import _built, _resolve
from composer.run.inputs import example_inputs
from tests.extras import SAVED

CODES = {"bad-input", "bad-field", "bad-value", "missing-input", "missing-field", "too-many-inputs"}
SAYS_WHAT_CAME = re.compile("found|got|it has|its first axis")
SIZES = {"H": 64, "W": 64}


def without_first_values(path: Path) -> Model:
    """A saved graph's model whose weights hold whatever memory holds: nothing here comes as far as to compute."""
    graph, catalog, limits = composer.read(path), Catalog.default(), Limits()
    settled, params, sizes = _resolve(graph, catalog, limits)
    model = _built(graph, settled, params, sizes, catalog, limits, "meta").to_empty(device="cpu")
    for part in model.modules():
        if isinstance(part, ODCMemory):
            part.label_bank.zero_()
    return model


def other_containers(value: Any) -> Iterator[tuple[str, Any]]:
    yield "None", None
    yield "a text", "image.png"
    yield "a mapping", {"image": 1}
    yield "an image", Image.new("RGB", (8, 8))
    yield "an object", object()
    if isinstance(value, Tensor):
        yield "in a mapping", {"value": value}
        yield "nested", [[value], [value]]
        yield "a sparse tensor", value.to_sparse()
        yield "another axis", value[None]
        yield "one axis less", value[0] if value.dim() > 1 else value.sum()
        yield "complex", value.to(torch.complex64)
    else:
        yield "a tensor", torch.stack(value)
        yield "an array", torch.stack(value).numpy()
        yield "lists", [one.tolist() for one in value]
        yield "arrays", [one.numpy() for one in value]
        yield "with a None", [value[0], None]
        yield "nested", [value]
        yield "too short", value[:1]
        yield "too long", [*value, value[0]]
        yield "entries with another axis", [one[None] for one in value]
        yield "entries with one axis less", [one[0] for one in value]


def other_numbers(model: Model, mode: str, name: str, value: Any) -> Iterator[tuple[str, Any]]:
    declared = {**model.graph.inputs, **model.graph.data_samples}[name]
    if declared.type == "Boxes":
        yield "boxes of five numbers", [torch.cat((one, one[:, :1]), dim=1) for one in value]
        yield "boxes of no area", [one * 0 for one in value]
        yield "boxes that are no numbers", [one / 0 for one in value]
    if declared.type == "BoxLabels":
        yield "float labels", [one.float() for one in value]
        yield "labels below 0", [one - 1000 for one in value]
        yield "labels above the classes", [one + 100_000 for one in value]
    if declared.type in ("Label", "SampleIndex") and value.dim() == 1:
        yield "float indices", value.float() + 0.5
        yield "indices below 0", value - 1000
        yield "indices that are too high", value + 100_000_000
    if declared.type == "Mask":
        yield "a mask of twos", torch.full(value.shape, 2)
    if name in model.graph.inputs:
        yield "an array", value.numpy()
        yield "tensors", list(value)
        yield "double", value.double()
        yield "half", value.half()
        yield "whole numbers", value.long()
        yield "on another device", value.to("meta")
        if declared.type == "Image":
            yield "another number of channels", torch.cat((value, value[:, :1]), dim=1)
    if isinstance(value, Tensor) and len(model.signatures[mode].counted) > 1:
        yield "too few samples", value[:1]


def wrong(model: Model, mode: str, inputs: Any, samples: Any) -> Iterator[tuple[str, Any, Any]]:
    """What is wrong, with inputs and data samples."""
    signature = model.signatures[mode]
    for name in (*signature.inputs, *signature.fields):
        given = inputs if name in signature.inputs else samples
        changes = [*other_containers(given[name]), *other_numbers(model, mode, name, given[name])]
        for what, value in changes:
            if value is None and name in signature.optional:
                continue
            here, there = ({**inputs, name: value}, samples), (inputs, {**samples, name: value})
            yield f"{name}: {what}", *(here if name in signature.inputs else there)
        rest = {other: value for other, value in given.items() if other != name}
        near = {**rest, f"{name}s": given[name]}
        if name in signature.inputs:
            yield f"no {name}", rest, samples
            yield f"{name} misspelled", near, samples
        elif name not in signature.optional:
            yield f"no {name}", inputs, rest
        if name in signature.fields:
            yield f"{name} misspelled", inputs, near
    for what, value in (("None", None), ("a number", 3), ("a text", "a.png"), ("nothing", []), ("an object", object())):
        if signature.inputs:
            yield f"inputs: {what}", value, samples
        if signature.fields and any(name not in signature.optional for name in signature.fields):
            yield f"data samples: {what}", inputs, value
    yield "inputs: one more", [*inputs.values(), *inputs.values()], samples
    yield "inputs: one that is unknown", {**inputs, "unknown": next(iter(inputs.values()))}, samples
    yield "data samples: a tensor", inputs, torch.zeros(2)


@pytest.mark.parametrize("path", SAVED)
def test_invalid_arguments_are_refused_before_any_update(path: Path) -> None:
    model = without_first_values(path).train()
    inputs, samples = example_inputs(model.graph, batch=2, sizes=SIZES)
    state = {**dict(model.named_parameters()), **dict(model.named_buffers())}
    before = {name: tensor._version for name, tensor in state.items()}
    taken = [
        f"{mode}: {what}: {fault}"
        for mode in model.graph.modes
        for what, *arguments in wrong(model, mode, inputs, samples)
        if (fault := not_refused(model, mode, arguments))
    ]
    assert not taken, "\n".join(taken)
    assert {name: tensor._version for name, tensor in state.items()} == before


def not_refused(model: Model, mode: str, arguments: Any) -> str | None:
    """How a call ended, where it did not end in errors that say what was found."""
    try:
        model(*arguments, mode=mode)
    except composer.GraphError as error:
        fine = all(one.code in CODES and SAYS_WHAT_CAME.search(one.message) for one in error.problems)
        return None if fine else str(error)
    except Exception as error:  # noqa: BLE001 - what must not happen is collected
        return f"{type(error).__name__}: {error}"
    return "was taken"
