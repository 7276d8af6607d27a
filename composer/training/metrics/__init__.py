"""Metrics: how good the answers of a model are, counted the same in one process and in many."""

from composer.training.metrics.choice import METRICS, default_metrics, metrics_for, values_of
from composer.training.metrics.classification import Accuracy, MultiLabel
from composer.training.metrics.detection import BoxPrecision
from composer.training.metrics.embeddings import NearestNeighbours, Retrieval, embedding
from composer.training.metrics.losses import MeanLoss
from composer.training.metrics.metric import Metric, gather, is_lower_better
from composer.training.metrics.segmentation import MeanIoU

__all__ = [
    "METRICS",
    "Accuracy",
    "BoxPrecision",
    "MeanIoU",
    "MeanLoss",
    "Metric",
    "MultiLabel",
    "NearestNeighbours",
    "Retrieval",
    "default_metrics",
    "embedding",
    "gather",
    "is_lower_better",
    "metrics_for",
    "values_of",
]
