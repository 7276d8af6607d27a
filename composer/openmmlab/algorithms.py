"""The algorithms of OpenMMLab that composer knows, as templates, and what becomes of those that it does not."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from composer.openmmlab.draft import COMMON, GraphDraft
from composer.openmmlab.fallback import draw_unknown, write_unknown
from composer.openmmlab.fill import fill
from composer.openmmlab.match import match
from composer.openmmlab.template import Template, kind_of, template_of
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


_UNKNOWN = Algorithm((), draw_unknown, write_unknown)
_CLASSIFIER = "ImageClassifier"


def algorithm_of(kind: str, config: Mapping[str, Any], package: str) -> Algorithm:
    """How a config is drawn and written.

    Args:
        kind: The bare type of the whole model.
        config: The config, or what a graph's metadata holds of it.
        package: The package that it is of.
    """
    if template := template_of(kind):
        return Algorithm(template.keys, partial(_draw, template), partial(_write, template))
    classifier = template_of(_CLASSIFIER)
    if classifier is not None and _is_classifier(kind, config, package, classifier):
        return Algorithm(classifier.keys, partial(_draw_custom, classifier), partial(match, classifier))
    return _UNKNOWN


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


def _is_classifier(kind: str, config: Mapping[str, Any], package: str, classifier: Template) -> bool:
    """Whether a class that is not known looks like one made after ImageClassifier: by its name or by its head."""
    parts = [key for key, value in config.items() if kind_of(value)]
    if package != "mmpretrain" or not kind_of(config.get("head")) or "backbone" not in config:
        return False
    named = kind.endswith("Classifier") or kind_of(config["head"]).endswith("ClsHead")
    return named and set(parts) <= {*classifier.keys, *COMMON}


def _draw_custom(classifier: Template, config: Mapping[str, Any], draft: GraphDraft) -> None:
    """Draw a class that is made after ImageClassifier; what is assumed of it is reported."""
    fill(classifier, config, draft)
    rest = [key for key in config if key not in (*classifier.keys, *COMMON)]
    for key in rest:
        draft.carry(key, config[key])
    text = "it is drawn as ImageClassifier, after which it seems to be made: assumed are a loss of the head's answer "
    text += "and 'label', and scores and labels in predict mode"
    draft.unknown_algorithm(rest, text)
