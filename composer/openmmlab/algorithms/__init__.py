"""The algorithms of OpenMMLab that composer knows, one a file."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from composer.openmmlab.algorithms.algorithm import Algorithm
from composer.openmmlab.algorithms.beit import BEIT
from composer.openmmlab.algorithms.byol import BYOL, MOCO_V3
from composer.openmmlab.algorithms.cae import CAE
from composer.openmmlab.algorithms.classification import CLASSIFICATION
from composer.openmmlab.algorithms.deepcluster import DEEPCLUSTER, ODC
from composer.openmmlab.algorithms.image_classifier import (
    CUSTOM_CLASSIFIER,
    IMAGE_CLASSIFIER,
    is_classifier,
)
from composer.openmmlab.algorithms.image_to_image_retriever import IMAGE_TO_IMAGE_RETRIEVER
from composer.openmmlab.algorithms.mae import MAE
from composer.openmmlab.algorithms.maskfeat import MASKFEAT
from composer.openmmlab.algorithms.moco import DENSECL, MOCO
from composer.openmmlab.algorithms.npid import NPID
from composer.openmmlab.algorithms.relative_loc import RELATIVE_LOC
from composer.openmmlab.algorithms.retinanet import RETINANET
from composer.openmmlab.algorithms.rotation_pred import ROTATION_PRED
from composer.openmmlab.algorithms.simclr import SIMCLR
from composer.openmmlab.algorithms.simmim import SIMMIM
from composer.openmmlab.algorithms.simsiam import BARLOW_TWINS, SIMSIAM
from composer.openmmlab.algorithms.swav import SWAV
from composer.openmmlab.algorithms.two_stage_detector import FASTER_RCNN, MASK_RCNN
from composer.openmmlab.algorithms.unknown import UNKNOWN

__all__ = ["ALGORITHMS", "Algorithm", "algorithm_of"]

ALGORITHMS: Mapping[str, Algorithm] = MappingProxyType(
    {
        "BEiT": BEIT,
        "BYOL": BYOL,
        "BarlowTwins": BARLOW_TWINS,
        "CAE": CAE,
        "Classification": CLASSIFICATION,
        "DeepCluster": DEEPCLUSTER,
        "DenseCL": DENSECL,
        "FasterRCNN": FASTER_RCNN,
        "ImageClassifier": IMAGE_CLASSIFIER,
        "ImageToImageRetriever": IMAGE_TO_IMAGE_RETRIEVER,
        "MAE": MAE,
        "MaskFeat": MASKFEAT,
        "MaskRCNN": MASK_RCNN,
        "MoCo": MOCO,
        "MoCoV3": MOCO_V3,
        "NPID": NPID,
        "ODC": ODC,
        "RelativeLoc": RELATIVE_LOC,
        "RetinaNet": RETINANET,
        "RotationPred": ROTATION_PRED,
        "SimCLR": SIMCLR,
        "SimMIM": SIMMIM,
        "SimSiam": SIMSIAM,
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
    return CUSTOM_CLASSIFIER if is_classifier(kind, config, package) else UNKNOWN
