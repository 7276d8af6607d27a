"""Configs of mmselfsup 0.x and OpenSelfSup: the loss that a head had inside, Sobel's filters, older names."""

from typing import Any

import pytest
import torch
from torch import nn

import composer
from composer.graph import thaw
from composer.openmmlab import config_from_graph, import_config, load_state_dict

RESNET = {"type": "ResNet", "depth": 18, "out_indices": [4], "norm_cfg": {"type": "BN"}}
EDGES = {**RESNET, "in_channels": 2}
CE, SWAV = {"type": "CrossEntropyLoss"}, {"feat_dim": 8, "num_crops": [2, 2], "num_prototypes": 12}
VIT = {"embed_dims": 32, "num_layers": 1, "num_heads": 2, "feedforward_channels": 32}
CONTRAST = {"type": "ContrastiveHead", "temperature": 0.2}


def neck(kind: str, channels: int = 512, *, pools: bool = True) -> dict[str, Any]:
    return {"type": kind, "in_channels": channels, "hid_channels": 16, "out_channels": 8, "with_avg_pool": pools}


def model(kind: str, head: dict[str, Any], **parts: Any) -> dict[str, Any]:
    return {"type": kind, "backbone": RESNET, **parts, "head": head}


def classes(**settings: Any) -> dict[str, Any]:
    return {"type": "ClsHead", "with_avg_pool": True, "in_channels": 512, "num_classes": 4, **settings}


QUEUE = {"queue_len": 16, "feat_dim": 8, "momentum": 0.999}
PREDICTOR = neck("NonLinearNeckV2", 8, pools=False)
MASKED = {"type": "MAEViT", "arch": VIT, "img_size": 32, "patch_size": 16, "mask_ratio": 0.5}
DECODER = {
    "type": "MAEPretrainDecoder",
    "num_patches": 4,
    "embed_dim": 32,
    "decoder_embed_dim": 16,
    "decoder_num_heads": 2,
}
CASES: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "MoCo": (model("MoCo", CONTRAST, neck=neck("MoCoV2Neck"), **QUEUE), CE),
    "MoCo of OpenSelfSup": (model("MOCO", CONTRAST, neck=neck("NonLinearNeckV1"), pretrained=None, **QUEUE), CE),
    "BYOL": (
        model(
            "BYOL",
            {"type": "LatentPredictHead", "size_average": True, "predictor": PREDICTOR},
            neck=neck("NonLinearNeckV2"),
            base_momentum=0.996,
        ),
        {"type": "CosineSimilarityLoss"},
    ),
    "BarlowTwins": (
        model(
            "BarlowTwins",
            {"type": "LatentCrossCorrelationHead", "in_channels": 8, "lambd": 0.01},
            neck=neck("NonLinearNeck"),
        ),
        {"type": "CrossCorrelationLoss", "params": {"lambd": 0.01}},
    ),
    "MoCoV3": (
        model(
            "MoCoV3",
            {"type": "MoCoV3Head", "temperature": 0.2, "predictor": neck("NonLinearNeck", 8, pools=False)},
            neck=neck("NonLinearNeck"),
        ),
        {**CE, "params": {"loss_weight": 0.4}},
    ),
    "SwAV": (
        model("SwAV", {"type": "SwAVHead", **SWAV}, neck=neck("SwAVNeck")),
        {"type": "SwAVLoss", "params": SWAV},
    ),
    "MAE": (
        {
            **model("MAE", {"type": "MAEPretrainHead", "norm_pix": True, "patch_size": 16}, neck=DECODER),
            "backbone": MASKED,
        },
        {"type": "MAEReconstructionLoss"},
    ),
    "MaskFeat": (
        {
            **model("MaskFeat", {"type": "MaskFeatPretrainHead", "embed_dim": 32}, hog_para={"nbins": 9}),
            "backbone": {"type": "MaskFeatViT", "arch": VIT, "patch_size": 16},
        },
        {"type": "PixelReconstructionLoss", "params": {"criterion": "L2"}},
    ),
    "RotationPred": (model("RotationPred", classes()), CE),
    "DeepCluster": (
        {
            **model("DeepCluster", classes(with_avg_pool=False), neck={"type": "AvgPoolNeck"}),
            "backbone": EDGES,
            "with_sobel": True,
        },
        CE,
    ),
    "Classification": (model("Classification", classes(), with_sobel=False), CE),
}


@pytest.mark.parametrize("name", CASES)
def test_the_loss_inside_a_head_is_drawn_and_reported(name: str) -> None:
    config, loss = CASES[name]
    found = import_config(config, "mmselfsup")
    assert found.not_understood == (), str(found)
    assert "mmselfsup 0.x has the loss inside this head" in str(found)
    drawn = found.graph.nodes["loss"]
    assert (drawn.type, thaw(drawn.params)) == (loss["type"], loss.get("params", {}))
    assert [item for item in composer.infer_shapes(found.graph).problems if item.severity == "error"] == []
    again = import_config(config_from_graph(found.graph), "mmselfsup")
    assert again.graph.nodes == found.graph.nodes
    assert "0.x" not in str(again)


def layers(*kinds: str) -> nn.Sequential:
    """The layers of a neck of OpenSelfSup, 512 to 16 to 8 channels."""
    normal = {"bn0": nn.BatchNorm1d(16), "bn1": nn.BatchNorm1d(8), "fixed": nn.BatchNorm1d(16, affine=False)}
    linear = {"fc0": nn.Linear(512, 16), "fc1": nn.Linear(16, 8)}
    linear |= {f"{key}_free": nn.Linear(*reversed(one.weight.shape), bias=False) for key, one in linear.items()}
    found = {**normal, **linear, "relu": nn.ReLU(), "drop": nn.Dropout()}
    return nn.Sequential(*(found[kind] for kind in kinds)).double()


@pytest.mark.parametrize(
    ("kind", "settings", "original", "norm"),
    [
        ("NonLinearNeckV0", {}, ("fc0", "fixed", "relu", "drop", "fc1", "relu"), "BN1d"),
        ("NonLinearNeckV0", {"sync_bn": True}, ("fc0", "fixed", "relu", "drop", "fc1", "relu"), None),
        ("NonLinearNeckV1", {}, ("fc0", "relu", "fc1"), None),
        ("NonLinearNeckV2", {}, ("fc0", "bn0", "relu", "fc1"), "BN1d"),
        ("NonLinearNeckSimCLR", {}, ("fc0_free", "bn0", "relu", "fc1_free", "bn1"), None),
        ("NonLinearNeckSimCLR", {"num_layers": 2}, ("fc0_free", "bn0", "relu", "fc1_free", "bn1"), None),
    ],
)
def test_a_neck_of_openselfsup_gives_the_numbers_of_its_newer_name(
    kind: str, settings: dict[str, Any], original: tuple[str, ...], norm: str | None
) -> None:
    found = import_config(model("SimCLR", CONTRAST, neck={**neck(kind), **settings}), "mmselfsup")
    assert found.not_understood == () and found.placeholders == (), str(found)
    assert f"{kind} of OpenSelfSup is read as" in str(found)
    assert (thaw(found.graph.nodes["neck"].params).get("norm_cfg") or {}).get("type") == norm
    built = composer.compile(found.graph).neck.double().eval()
    expected = layers(*original).eval()
    values = [value for key, value in built.state_dict().items() if not key.endswith("num_batches_tracked")]
    keys = [key for key in expected.state_dict() if not key.endswith("num_batches_tracked")]
    assert [value.shape for value in values] == [expected.state_dict()[key].shape for key in keys]
    expected.load_state_dict(dict(zip(keys, values, strict=True)), strict=False)
    feature = torch.randn(3, 512, 4, 4, dtype=torch.float64)
    torch.testing.assert_close(built(feature), expected(feature.mean(dim=(2, 3))))


def test_a_sum_over_the_batch_is_reported_by_its_name() -> None:
    head = {"type": "LatentPredictHead", "size_average": False, "predictor": PREDICTOR}
    found = import_config(model("BYOL", head, neck=neck("NonLinearNeckV2")), "mmselfsup")
    assert "model.head.size_average" in [note.where.subject for note in found.notes]
    assert "size_average=False divided by the images of a batch" in str(found)
    assert found.not_understood == () and "size_average" not in thaw(found.graph.nodes["head"].params)


@pytest.mark.parametrize(
    ("settings", "kind"),
    [({"with_sobel": True, "backbone": EDGES}, "ResNetSobel"), ({"with_sobel": False}, "ResNet"), ({}, "ResNet")],
)
def test_sobel_of_the_whole_model_is_the_backbones(settings: dict[str, Any], kind: str) -> None:
    found = import_config({**model("Classification", classes()), **settings}, "mmselfsup")
    assert found.graph.nodes["backbone"].type == kind
    assert found.not_understood == ()
    assert ("Sobel" in str(found)) == (kind == "ResNetSobel")


def test_a_classification_gives_logits_a_loss_and_answers() -> None:
    config = {**model("Classification", classes(), with_sobel=True), "backbone": EDGES}
    built = composer.compile(import_config(config, "mmselfsup").graph)
    images = torch.randn(2, 3, 64, 64)
    assert built(images)["logits"].shape == (2, 4)
    assert set(built(images, {"label": torch.tensor([1, 3])}, mode="loss")) == {"loss"}
    assert set(built.eval()(images, mode="predict")) >= {"scores", "labels"}
    state = {key.replace("backbone.sobel_layer", "sobel_layer"): value for key, value in built.state_dict().items()}
    report = load_state_dict(built, state)
    assert (report.missing, report.unexpected) == ((), ())


def test_a_head_whose_loss_is_not_known_is_an_output_and_the_loss_is_reported() -> None:
    head = {"type": "MultiClsHead", "in_indices": [1, 4], "num_classes": 4}
    config = {**model("Classification", head), "backbone": {**RESNET, "out_indices": [1, 4]}}
    found = import_config(config, "mmselfsup")
    assert found.placeholders == ("head",)
    assert str(found.graph.outputs["tensor"]["logits"]) == "head.out"
    assert "the graph has no loss; put one behind head.out" in str(found)
    assert config_from_graph(found.graph) == config
