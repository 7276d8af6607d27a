"""Tiny configs of contrastive and siamese algorithms that were trained for a few steps by OpenMMLab's own code.

``record_siamese.py`` made ``siamese.json`` with them.
"""

from collections.abc import Mapping

import torch
from torch import Tensor

from tests.openmmlab.originals import Config, resnet, vit

STEPS = 3
RUN = 4
"""Steps of the whole training, which schedules count."""

RATE = 0.05
FEATURES = 6


def views(step: int) -> list[Tensor]:
    numbers = torch.randn(2, 4, 3, 32, 32, generator=torch.Generator().manual_seed(step))
    return list(numbers)


def mlp(in_channels: int = 16, **options: object) -> Config:
    return {
        "type": "NonLinearNeck",
        "in_channels": in_channels,
        "hid_channels": 7,
        "out_channels": FEATURES,
        "norm_cfg": {"type": "BN1d"},
        **options,
    }


def contrast(**options: object) -> Config:
    return {"type": "ContrastiveHead", "loss": {"type": "CrossEntropyLoss"}, "temperature": 0.2, **options}


def predicting(kind: str, loss: Config, **options: object) -> Config:
    predictor = mlp(FEATURES, with_avg_pool=False, with_last_bn=False, with_last_bias=True)
    return {"type": kind, "predictor": predictor, "loss": loss, **options}


def algorithm(kind: str, neck: Config, head: Config, **options: object) -> Config:
    return {"type": kind, "backbone": resnet(), "neck": neck, "head": head, **options}


POOLED = {"in_channels": 16, "hid_channels": 7, "out_channels": FEATURES}
COSINE = {"type": "CosineSimilarityLoss"}
QUEUE = {"queue_len": 8, "feat_dim": FEATURES}

SIAMESE: Mapping[str, Config] = {
    "moco_v1": algorithm(
        "MoCo",
        {"type": "LinearNeck", "in_channels": 16, "out_channels": FEATURES, "gap_dim": 2, "norm_cfg": None},
        contrast(temperature=0.07),
        momentum=0.25,
        **QUEUE,
    ),
    "moco_v2": algorithm("MoCo", {"type": "MoCoV2Neck", **POOLED}, contrast(), **QUEUE),
    "densecl": algorithm("DenseCL", {"type": "DenseCLNeck", **POOLED}, contrast(), loss_lambda=0.3, **QUEUE),
    "simclr": algorithm("SimCLR", mlp(num_layers=3), contrast()),
    "byol": algorithm("BYOL", mlp(with_bias=True), predicting("LatentPredictHead", COSINE), base_momentum=0.3),
    "byol_shifted": algorithm(
        "BYOL", mlp(), predicting("LatentPredictHead", {**COSINE, "shift_factor": 2.0, "scale_factor": 2.0})
    ),
    "simsiam": algorithm("SimSiam", mlp(with_last_bn_affine=False), predicting("LatentPredictHead", COSINE)),
    "barlow_twins": algorithm(
        "BarlowTwins",
        mlp(with_last_bn=False),
        {"type": "LatentCrossCorrelationHead", "in_channels": FEATURES, "loss": {"type": "CrossCorrelationLoss"}},
    ),
    "moco_v3_resnet": algorithm(
        "MoCoV3",
        mlp(),
        predicting("MoCoV3Head", {"type": "CrossEntropyLoss", "loss_weight": 0.4}, temperature=0.2),
        base_momentum=0.4,
    ),
    "moco_v3_vit": {
        **algorithm(
            "MoCoV3",
            mlp(with_avg_pool=False, num_layers=3),
            predicting("MoCoV3Head", {"type": "CrossEntropyLoss"}),
        ),
        "backbone": vit(type="MoCoV3ViT", stop_grad_conv1=True),
    },
}
