"""The algorithms of OpenMMLab that composer knows, one a file."""

from collections.abc import Mapping
from functools import partial
from types import MappingProxyType
from typing import Any

from composer.openmmlab.algorithms.algorithm import Algorithm
from composer.openmmlab.algorithms.image_classifier import (
    CUSTOM_CLASSIFIER,
    IMAGE_CLASSIFIER,
    is_classifier,
)
from composer.openmmlab.algorithms.image_to_image_retriever import IMAGE_TO_IMAGE_RETRIEVER
from composer.openmmlab.algorithms.retinanet import RETINANET
from composer.openmmlab.algorithms.swav import SWAV
from composer.openmmlab.algorithms.two_stage_detector import FASTER_RCNN, MASK_RCNN
from composer.openmmlab.algorithms.unknown import UNKNOWN
from composer.openmmlab.fill import fill
from composer.openmmlab.match import match
from composer.openmmlab.template import template_of

__all__ = ["ALGORITHMS", "Algorithm", "algorithm_of"]

ALGORITHMS: Mapping[str, Algorithm] = MappingProxyType(
    {
        "FasterRCNN": FASTER_RCNN,
        "ImageClassifier": IMAGE_CLASSIFIER,
        "ImageToImageRetriever": IMAGE_TO_IMAGE_RETRIEVER,
        "MaskRCNN": MASK_RCNN,
        "RetinaNet": RETINANET,
        "SwAV": SWAV,
    }
)
"""By the type of the whole model."""


def algorithm_of(kind: str, config: Mapping[str, Any], package: str) -> Algorithm:
    """How a config is drawn and written.

    Args:
        kind: The bare type of the whole model.
        config: The config, or what a graph's metadata holds of it.
        package: The package that it is of.
    """
    if kind in ALGORITHMS:
        return ALGORITHMS[kind]
    if template := template_of(kind):
        return Algorithm(template.keys, partial(fill, template), partial(match, template))
    return CUSTOM_CLASSIFIER if is_classifier(kind, config, package) else UNKNOWN
