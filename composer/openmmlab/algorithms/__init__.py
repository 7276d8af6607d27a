"""The algorithms of OpenMMLab that composer knows, one a file."""

from collections.abc import Mapping
from types import MappingProxyType

from composer.openmmlab.algorithms.algorithm import Algorithm
from composer.openmmlab.algorithms.image_classifier import IMAGE_CLASSIFIER
from composer.openmmlab.algorithms.image_to_image_retriever import IMAGE_TO_IMAGE_RETRIEVER
from composer.openmmlab.algorithms.unknown import UNKNOWN

__all__ = ["ALGORITHMS", "UNKNOWN", "Algorithm"]

ALGORITHMS: Mapping[str, Algorithm] = MappingProxyType(
    {"ImageClassifier": IMAGE_CLASSIFIER, "ImageToImageRetriever": IMAGE_TO_IMAGE_RETRIEVER}
)
"""By the type of the whole model."""
