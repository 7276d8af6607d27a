"""Which metrics there are, and which fit a graph and its data."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from composer import ports
from composer.catalog import Catalog
from composer.graph import Graph
from composer.graph.plan import plan
from composer.problems import GraphError, Problem, Where, suggestion
from composer.training.data.columns import ColumnMap
from composer.training.data.samples import Source
from composer.training.label_fields import cluster_fields, is_map
from composer.training.metrics.classification import Accuracy, MultiLabel
from composer.training.metrics.detection import BoxPrecision, require_coco
from composer.training.metrics.embeddings import NearestNeighbours, Retrieval
from composer.training.metrics.losses import MeanLoss
from composer.training.metrics.metric import Metric, class_names
from composer.training.metrics.segmentation import MeanIoU

__all__ = ["METRICS", "default_metrics", "metrics_for", "values_of"]

METRICS: Mapping[str, str] = {
    "accuracy": "top-1 accuracy, of classes one by one, confusion matrix",
    "top_5": "top-k accuracy, for any k",
    "multi_label": "mean average precision and F1 of several classes at once",
    "mean_iou": "mean intersection over union of a segmentation",
    "knn": "accuracy by the 20 nearest training samples; knn_5 takes 5",
    "retrieval": "recall at 1 and 5, mean average precision of a ranking by embeddings",
    "recall_at_1": "recall at k of such a ranking, for any k",
    "box_ap": "COCO's average precision of boxes",
    "mask_ap": "COCO's average precision of masks",
    "loss": "mean of the losses",
}
"""The names of metrics in a recipe, and what they are."""

_NUMBERED = re.compile(r"(top|recall_at|knn)_([1-9][0-9]{0,4})")
_NEIGHBOURS = 20
_MANY = 5
"""Classes from which on top-5 accuracy means something."""


def default_metrics(
    graph: Graph, catalog: Catalog, source: Source | None = None, fields: ColumnMap | None = None
) -> list[str]:
    """The names of the metrics that fit what a graph predicts and what its data says; the first one is the main one.

    Args:
        graph: The graph.
        catalog: Its catalog.
        source: The samples that are measured on; None takes what the graph names as its data samples.
        fields: Which column feeds which data sample.
    """
    answers = _Answers(graph, catalog, source, fields)
    labelled = source is None or "label" in source.columns
    if answers.detects:
        return ["box_ap", "mask_ap"] if answers.masks else ["box_ap"]
    if answers.ranks_samples and labelled:
        return ["retrieval"]
    if answers.label is not None and answers.classifies:
        entry = graph.data_samples[answers.label]
        if is_map(entry, catalog.port_types):
            return ["mean_iou", *answers.loss]
        if len(entry.shape or ()) == 2:
            return ["multi_label", *answers.loss]
        many = len(class_names(graph, source)) > _MANY
        return ["accuracy", *(["top_5"] if many else []), *answers.loss]
    if source is not None and labelled and "tensor" in graph.modes:
        return ["knn"]
    return answers.loss


def metrics_for(
    graph: Graph,
    catalog: Catalog,
    source: Source,
    *,
    train: Source | None = None,
    fields: ColumnMap | None = None,
    names: Sequence[str] | None = None,
) -> list[Metric]:
    """The metrics of a graph on its data.

    Args:
        graph: The graph.
        catalog: Its catalog.
        source: The samples that are measured on.
        train: The training samples, for metrics that compare with them.
        fields: Which column feeds which data sample.
        names: Which metrics, by ``METRICS``; by default those that fit.

    Raises:
        GraphError: There is no such metric, or the graph or the data lack what it needs; carries all problems.
    """
    asked = default_metrics(graph, catalog, source, fields) if names is None else list(dict.fromkeys(names))
    if names is None and train is None:
        asked = [name for name in asked if name != "knn"]
    answers = _Answers(graph, catalog, source, fields)
    problems = [problem for name in asked for problem in answers.problems(name, train)]
    if problems:
        raise GraphError(problems)
    if any(name in ("box_ap", "mask_ap") for name in asked):
        require_coco()
    return list(_made(asked, answers, source, train))


def _made(asked: Sequence[str], answers: "_Answers", source: Source, train: Source | None) -> Iterable[Metric]:
    """The metrics in the order of their names; what is counted together is one."""
    graph, label = answers.graph, answers.label or "label"
    names = class_names(graph, source)
    numbers = {
        word: [int(m[2]) for name in asked if (m := _NUMBERED.fullmatch(name)) and m[1] == word] for word in _ALL
    }
    done: set[str] = set()
    for name in asked:
        found = _NUMBERED.fullmatch(name)
        word = name if found is None else found[1]
        kind = _KIND.get(word, word)
        if kind in done and kind != "knn":
            continue
        done.add(kind)
        match kind:
            case "accuracy":
                yield Accuracy(label, names, numbers["top"], answers.mode)
            case "multi_label":
                yield MultiLabel(label, names)
            case "mean_iou":
                yield MeanIoU(label, names)
            case "knn" if train is not None:
                yield NearestNeighbours(source, train, _NEIGHBOURS if found is None else int(found[2]))
            case "retrieval":
                yield Retrieval(source, numbers["recall_at"] or (1, 5))
            case "detection":
                yield BoxPrecision(graph, source, [one.removesuffix("_ap") for one in asked if one.endswith("_ap")])
            case "loss":
                yield MeanLoss()


_ALL = ("top", "recall_at", "knn")
_KIND = {"top": "accuracy", "recall_at": "retrieval", "box_ap": "detection", "mask_ap": "detection"}


_COLUMNS = ("label", "boxes", "masks")
_WORDS: Mapping[str, str] = {
    "label field": "a data sample of the type Label that a column of the data feeds",
    "classes": "a mode that predicts classes: wire a ClassPrediction for predict mode",
    "predict": "predict mode, which the graph lacks",
    "tensor": "tensor mode, which the graph lacks: wire the features to outputs.tensor",
    "loss": "loss mode, which the graph lacks",
    "detections": "detections, which predict mode of the graph does not give",
    "train": "training samples to compare with",
    "label": "labels",
    "boxes": "boxes",
    "masks": "masks",
}
_CLASSES = ("label field", "classes")
_NEEDS: Mapping[str, tuple[str, ...]] = {
    "accuracy": _CLASSES,
    "top": _CLASSES,
    "top_5": _CLASSES,
    "multi_label": ("label field", "predict"),
    "mean_iou": ("label field", "predict"),
    "knn": ("tensor", "label", "train"),
    "retrieval": ("tensor", "label"),
    "recall_at": ("tensor", "label"),
    "recall_at_1": ("tensor", "label"),
    "box_ap": ("predict", "detections", "boxes"),
    "mask_ap": ("predict", "detections", "masks"),
    "loss": ("loss",),
}


class _Answers:
    """What a graph predicts, by the types of its ports."""

    def __init__(self, graph: Graph, catalog: Catalog, source: Source | None, fields: ColumnMap | None) -> None:
        self.graph = graph
        self.source = source
        types = catalog.port_types
        programs = plan(graph, catalog).programs
        calls = programs["predict"].calls if "predict" in graph.modes else ()
        kinds = [port.type for call in calls for port in call.component.outputs]
        self.detects = any(kind.is_a(ports.Detections) for kind in kinds)
        self.ranks_samples = any(
            port.type.is_a(ports.Score) and catalog.kinds[call.component.kind].of_samples
            for call in calls
            for port in call.component.outputs
        )
        self.mode = "predict" if "predict" in graph.modes else "tensor"
        plain = programs["tensor"].calls if not calls and "tensor" in programs else ()
        scored = [port.type for call in plain for port in call.component.outputs]
        self.classifies = any(kind.is_a(ports.Score, ports.Label) for kind in kinds)
        self.classifies |= any(kind.is_a(ports.Logits) for kind in scored)
        self.loss = ["loss"] if "loss" in graph.modes else []
        masked = any(types.is_a(entry.type, ports.InstanceMasks) for entry in graph.data_samples.values())
        self.masks = masked and (source is None or "masks" in source.columns)
        self.label = self._label(types, fields)

    def problems(self, name: str, train: Source | None) -> list[Problem]:
        """Why a metric cannot be counted."""
        where = Where("evaluation.metrics", path=("evaluation", "metrics"))
        found = _NUMBERED.fullmatch(name)
        kind = name if found is None else found[1]
        if found is None and name not in METRICS:
            return [Problem("recipe-value", where, f"'{name}' is no metric; {suggestion(name, METRICS, 'metrics')}")]
        need = self._lacks(kind, train)
        return [Problem("no-metric", where, f"'{name}' needs {need}")] if need else []

    def _lacks(self, kind: str, train: Source | None) -> str:
        """What a metric needs and does not have; empty where it has all."""
        columns = self.source.columns if self.source is not None else {}
        needs = _NEEDS[kind]
        has = {
            "label field": self.label is not None,
            "classes": self.classifies,
            "predict": "predict" in self.graph.modes,
            "tensor": "tensor" in self.graph.modes,
            "loss": bool(self.loss),
            "detections": self.detects,
            "train": train is not None,
            **{name: name in columns for name in ("label", "boxes", "masks")},
        }
        missing = next((need for need in needs if not has[need]), None)
        if missing is None:
            return ""
        given = f", and the data has the columns {', '.join(columns) or 'none'}" if missing in _COLUMNS else ""
        return f"{_WORDS[missing]}{given}"

    def _label(self, types: ports.PortTypes, fields: ColumnMap | None) -> str | None:
        """The data sample with the right classes; clusters that training makes up are none."""
        made = cluster_fields(self.graph, types)
        for name, entry in self.graph.data_samples.items():
            fed = name in fields.samples if fields is not None else name not in made
            if fed and types.is_a(entry.type, ports.Label):
                return name
        return None


def values_of(metrics: Iterable[Metric]) -> dict[str, Any]:
    """The numbers of several metrics, in their order."""
    return {name: value for metric in metrics for name, value in metric.value().items()}
