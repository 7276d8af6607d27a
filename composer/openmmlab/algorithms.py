"""The algorithms of OpenMMLab that composer knows: as templates, and those that are code."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType
from typing import Any

from composer.openmmlab.classification import (
    draw_classifier,
    draw_custom,
    draw_retriever,
    is_classifier,
    write_classifier,
    write_retriever,
)
from composer.openmmlab.draft import GraphDraft
from composer.openmmlab.fallback import draw_unknown, write_unknown
from composer.openmmlab.fill import fill
from composer.openmmlab.match import match
from composer.openmmlab.swav import draw_swav, write_swav
from composer.openmmlab.template import Template, template_of
from composer.openmmlab.trace import Trace

__all__ = ["Algorithm", "algorithm_of"]


@dataclass(frozen=True, slots=True)
class Algorithm:
    """A class of OpenMMLab that puts parts together, as a way to draw them and to read them off a graph.

    Args:
        settings: What its config has, beside what that of every model has.
        draw: Draws a config.
        write: Writes the config of a graph of this shape, without what every model has. It may take more for granted
            than it looks at: the config is drawn again and held against the graph.
    """

    settings: tuple[str, ...]
    draw: Callable[[Mapping[str, Any], GraphDraft], None]
    write: Callable[[Trace], dict[str, Any]]


_PARTS = ("backbone", "neck", "head")
_CLASSIFIER = Algorithm(_PARTS, draw_classifier, write_classifier)
_CUSTOM = Algorithm(_PARTS, draw_custom, write_classifier)
_RETRIEVER = Algorithm(("image_encoder", "head", "prototype", "similarity_fn", "topk"), draw_retriever, write_retriever)
_UNKNOWN = Algorithm((), draw_unknown, write_unknown)
_IN_CODE: Mapping[str, Algorithm] = MappingProxyType(
    {
        "ImageClassifier": _CLASSIFIER,
        "ImageToImageRetriever": _RETRIEVER,
        "SwAV": Algorithm(_PARTS, draw_swav, write_swav),
    }
)


def algorithm_of(kind: str, config: Mapping[str, Any], package: str) -> Algorithm:
    """How a config is drawn and written.

    Args:
        kind: The bare type of the whole model.
        config: The config, or what a graph's metadata holds of it.
        package: The package that it is of.
    """
    if kind in _IN_CODE:
        return _IN_CODE[kind]
    if template := template_of(kind):
        return Algorithm(template.keys, partial(_draw, template), partial(_write, template))
    return _CUSTOM if is_classifier(kind, config, package) else _UNKNOWN


def _draw(template: Template, config: Mapping[str, Any], draft: GraphDraft) -> None:
    """Draw a config by its template; one that lacks a part that is needed by its parts' places."""
    lacking = [slot for slot in template.data.get("needs", ()) if not isinstance(config.get(slot), Mapping)]
    if lacking:
        draft.draws_by_places(f"{', '.join(lacking)} is missing")
        draw_unknown(config, draft)
    else:
        fill(template, config, draft)


def _write(template: Template, trace: Trace) -> dict[str, Any]:
    """Write a graph by its template, or as it was drawn without the parts that are needed."""
    whole = "needs" not in template.data or trace.graph.outputs.get("predict")
    return match(template, trace) if whole else write_unknown(trace)
