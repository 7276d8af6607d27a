"""Batches whose images are mixed in pairs, with their labels: mixup and CutMix.

A sample's partner stands half a batch further on. So it lies in the part of the same process wherever the processes
divide half the batch, and several processes compute what one would.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from random import Random
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from composer import ports
from composer.catalog import Catalog
from composer.graph import Graph
from composer.graph.plan import Call, Plan, Value, plan
from composer.problems import Edit, Fix, Problem, Where, is_typo, nearest, suggestion
from composer.training.label_fields import is_map

__all__ = ["MIXES", "Mixing", "read_mixing"]

MIXES = ("cutmix", "mixup")
"""What a recipe's ``mix`` may name."""


@dataclass(frozen=True)
class Mixing:
    """Mixes a batch.

    Args:
        alphas: By ``mixup`` and ``cutmix`` the parameter of the Beta distribution that shares are drawn from; where
            there are both, each batch takes one of them (timm's ``switch_prob`` of 0.5).
        images: The inputs that are mixed.
        labels: The fields of labels that are mixed, and how many classes each has.
    """

    alphas: Mapping[str, float]
    images: tuple[str, ...]
    labels: Mapping[str, int]

    def __call__(
        self, inputs: Mapping[str, Tensor], samples: Mapping[str, Any], random: Random
    ) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """The mixed inputs and fields; labels become rows [B, K] that add up to 1.

        Args:
            inputs: The inputs, [B, ...].
            samples: The fields.
            random: The numbers of the batch, the same in every process.
        """
        way = random.choice(sorted(self.alphas))
        alpha = self.alphas[way]
        share = random.betavariate(alpha, alpha)
        place = (random.random(), random.random())
        mixed = dict(inputs)
        for name in self.images:
            images = inputs[name]
            other = _partner(images)
            if way == "mixup":
                mixed[name] = torch.lerp(other, images, share)
            else:
                mixed[name], share = _pasted(images, other, share, place)
        rows = {name: _rows(samples[name], classes) for name, classes in self.labels.items()}
        return mixed, {**samples, **{name: torch.lerp(_partner(row), row, share) for name, row in rows.items()}}


def read_mixing(
    graph: Graph, catalog: Catalog, document: Mapping[str, float], fields: Mapping[str, str], classes: int
) -> tuple[Mixing | None, list[Problem]]:
    """Read ``mix`` of a recipe.

    Args:
        graph: The graph.
        catalog: Its catalog.
        document: As the recipe has it: ``{mixup: 0.2, cutmix: 1.0}``.
        fields: The fields of the data samples that the data feeds, and their columns.
        classes: How many classes the data has.

    Returns:
        What mixes; None where there is nothing to mix or something is wrong. And all that is wrong.
    """
    if not document:
        return None, []
    problems = list(_faults(document))
    types = catalog.port_types
    images = tuple(name for name, entry in graph.inputs.items() if types.is_a(entry.type, ports.Image))
    labels = [name for name in fields if types.is_a(graph.data_samples[name].type, ports.Label)]
    labels = [name for name in labels if not is_map(graph.data_samples[name], types)]
    others = [name for name in fields if name not in labels]
    if others or not labels:
        found = f"the graph takes {', '.join(others)}" if others else "the graph takes no labels"
        text = f"{found}; expected a graph of images and labels alone: no other target can be mixed"
        problems.append(Problem("recipe-value", Where("mix", path=("mix",)), text))
        return None, problems
    resolved = plan(graph, catalog)
    counts: dict[str, int] = {}
    for name in labels:
        problems.extend(_hard(resolved, catalog, name))
        counts[name] = _count(resolved, name) or classes or len(graph.classes)
    return (None if problems else Mixing(dict(document), images, counts)), problems


def _faults(document: Mapping[str, float]) -> Iterator[Problem]:
    for name, alpha in document.items():
        where = Where(f"mix.{name}", path=("mix", name))
        if name not in MIXES:
            near = nearest(name, MIXES, 1)
            fix = None
            if near and is_typo(name, near[0]):
                edits = (Edit(("mix", near[0]), alpha), Edit(("mix", name), remove=True))
                fix = Fix(f"rename '{name}' to '{near[0]}'", edits)
            text = f"'{name}' is no way to mix a batch; {suggestion(name, MIXES, 'ways')}"
            yield Problem("recipe-key", where, text, fix)
        elif not 0 < alpha < math.inf:
            text = f"found {alpha:g}: expected a number above 0, the parameter of a Beta distribution (0.2, 0.8, 1)"
            yield Problem("recipe-value", where, text)


def _readers(resolved: Plan, name: str) -> Iterator[tuple[Call, str]]:
    """The calls of loss mode that a field goes into, and by which port."""
    program = resolved.programs.get("loss")
    for call in program.calls if program else ():
        for port, argument in call.arguments:
            if any(value.source == name and value.port is None for value in _each(argument)):
                yield call, port


def _each(argument: Value | tuple[Value, ...]) -> tuple[Value, ...]:
    return (argument,) if isinstance(argument, Value) else argument


def _hard(resolved: Plan, catalog: Catalog, name: str) -> Iterator[Problem]:
    """Parts of loss mode that take one class a sample and no shares."""
    for call, port in _readers(resolved, name):
        kind = call.component.name
        soft = call.component.input_by_name[port].soft
        params = resolved.parts[call.module].params if call.module in resolved.parts else {}
        unless = soft.unless if soft is not None else {}
        against = [f", {key} {value}" for key, value in unless.items() if params.get(key) == value]
        if soft is not None and not against:
            continue
        able = sorted(item.name for item in catalog if any(one.soft for one in item.inputs))
        text = f"mixed labels are shares of two classes, and {call.path}.{port} ({kind}"
        text += f"{''.join(against)}) takes one class a sample; expected one of {', '.join(able)}"
        fix = Fix("remove mix", (Edit(("mix",), remove=True),), "images are not mixed")
        yield Problem("recipe-value", Where("mix", node=call.path, path=("mix",)), text, fix)


def _count(resolved: Plan, name: str) -> int | None:
    """How many logits the loss of a label takes, by the part that makes them."""
    program = resolved.programs.get("loss")
    calls = {call.path: call for call in (program.calls if program else ())}
    for call, _ in _readers(resolved, name):
        for port, argument in call.arguments:
            before = calls.get(_each(argument)[0].source) if port == "pred" else None
            params = resolved.parts[before.module].params if before and before.module in resolved.parts else {}
            found = params.get("num_classes") or params.get("out_features")
            if isinstance(found, int):
                return found
    return None


def _partner(values: Tensor) -> Tensor:
    """Each sample's partner."""
    return values.roll(-(len(values) // 2), 0)


def _rows(labels: Tensor, classes: int) -> Tensor:
    return labels.float() if labels.dim() > 1 else F.one_hot(labels, classes).float()


def _pasted(images: Tensor, other: Tensor, share: float, place: tuple[float, float]) -> tuple[Tensor, float]:
    """A rectangle of the partner pasted in, and the share of the image that is left (CutMix, arXiv:1905.04899, 3.1)."""
    height, width = images.shape[-2:]
    side = math.sqrt(1 - share)
    down, across = round(height * side), round(width * side)
    middle = int(place[0] * height), int(place[1] * width)
    top, bottom = max(middle[0] - down // 2, 0), min(middle[0] - down // 2 + down, height)
    left, right = max(middle[1] - across // 2, 0), min(middle[1] - across // 2 + across, width)
    pasted = images.clone()
    pasted[..., top:bottom, left:right] = other[..., top:bottom, left:right]
    return pasted, 1 - max(bottom - top, 0) * max(right - left, 0) / (height * width)
