"""NPID, ODC, DeepCluster, SwAV, RelativeLoc and RotationPred: imported, run, and exported."""

import copy
from typing import Any

import pytest
import torch

import composer
from composer import GraphError
from composer.catalog import Catalog
from composer.graph import Graph, thaw
from composer.graph.file import dumps, loads
from composer.graph.file.document import to_document
from composer.openmmlab import config_from_graph, graph_from_config, import_config, load_state_dict
from composer.openmmlab.plain import same

MEAN = {"mean": [123.675, 116.28, 103.53], "std": [58.395, 57.12, 57.375], "bgr_to_rgb": True}
TINY = {"stem_channels": 4, "base_channels": 4}
LOSS = {"type": "mmcls.CrossEntropyLoss"}
SWAV_LOSS = {"type": "SwAVLoss", "feat_dim": 6, "num_crops": [2, 2], "num_prototypes": 5}
BATCH_NORM = {"norm_cfg": {"type": "BN1d"}}


def model(kind: str, package: str = "mmselfsup", **parts: Any) -> dict[str, Any]:
    last = 4 if package == "mmselfsup" else 3
    backbone = {"type": "ResNet", "depth": 18, "out_indices": [last], **TINY}
    return {"type": kind, "data_preprocessor": MEAN, "backbone": backbone, **parts}


def cls_head(channels: int, classes: int, **more: Any) -> dict[str, Any]:
    return {"type": "ClsHead", "loss": LOSS, "in_channels": channels, "num_classes": classes, **more}


NPID = model(
    "NPID",
    neg_num=3,
    neck={"type": "LinearNeck", "in_channels": 32, "out_channels": 6, "with_avg_pool": True},
    head={"type": "ContrastiveHead", "loss": LOSS, "temperature": 0.07},
    memory_bank={"type": "SimpleMemory", "length": 9, "feat_dim": 6, "momentum": 0.5},
)
ODC = model(
    "ODC",
    neck={"type": "ODCNeck", "in_channels": 32, "hid_channels": 8, "out_channels": 6, **BATCH_NORM},
    head=cls_head(6, 3, with_avg_pool=False),
    memory_bank={
        "type": "ODCMemory",
        "length": 9,
        "feat_dim": 6,
        "momentum": 0.5,
        "num_classes": 3,
        "min_cluster": 1,
        "debug": False,
    },
)
DEEPCLUSTER = model("DeepCluster", neck={"type": "AvgPool2dNeck"}, head=cls_head(32, 3))
SOBEL = {
    **DEEPCLUSTER,
    "backbone": {"type": "ResNetSobel", "depth": 18, "out_indices": [4], "norm_cfg": {"type": "BN"}, **TINY},
}
SWAV = model(
    "SwAV",
    neck={"type": "SwAVNeck", "in_channels": 32, "hid_channels": 8, "out_channels": 6, **BATCH_NORM},
    head={"type": "SwAVHead", "loss": SWAV_LOSS},
)
RELATIVE_LOC = model(
    "RelativeLoc",
    data_preprocessor={"type": "mmselfsup.RelativeLocDataPreprocessor", **MEAN},
    neck={"type": "RelativeLocNeck", "in_channels": 32, "out_channels": 8},
    head=cls_head(8, 8, init_cfg=[{"type": "Normal", "std": 0.005, "layer": "Linear"}]),
)
ROTATION = model(
    "RotationPred",
    data_preprocessor={"type": "mmselfsup.RotationPredDataPreprocessor", **MEAN},
    head=cls_head(32, 4, with_avg_pool=True),
)
IN_MMPRETRAIN = {**SWAV, "backbone": model("", "mmpretrain")["backbone"], "data_preprocessor": {"to_rgb": True}}

CASES = {
    "npid": (NPID, "mmselfsup"),
    "npid_ensure_neg": ({**NPID, "ensure_neg": True}, "mmselfsup"),
    "npid_usual": ({key: value for key, value in NPID.items() if key != "neg_num"}, "mmselfsup"),
    "npid_said": ({**NPID, "neg_num": 65536, "ensure_neg": False}, "mmselfsup"),
    "odc": (ODC, "mmselfsup"),
    "deepcluster": (DEEPCLUSTER, "mmselfsup"),
    "deepcluster_sobel": (SOBEL, "mmselfsup"),
    "deepcluster_no_neck": (model("DeepCluster", head=cls_head(32, 3, with_avg_pool=True)), "mmselfsup"),
    "deepcluster_soft": (
        {**DEEPCLUSTER, "head": cls_head(32, 3, loss={"type": "LabelSmoothLoss", "label_smooth_val": 0.1})},
        "mmselfsup",
    ),
    "swav": (SWAV, "mmselfsup"),
    "swav_mmpretrain": (IN_MMPRETRAIN, "mmpretrain"),
    "swav_one_size": ({**SWAV, "head": {"type": "SwAVHead", "loss": {"type": "SwAVLoss", "feat_dim": 6}}}, "mmselfsup"),
    "swav_three_sizes": (
        {**SWAV, "head": {"type": "SwAVHead", "loss": {**SWAV_LOSS, "num_crops": [2, 1, 1]}}},
        "mmselfsup",
    ),
    "relative_loc": (RELATIVE_LOC, "mmselfsup"),
    "rotation_pred": (ROTATION, "mmselfsup"),
}


def graph_of(name: str) -> Graph:
    config, package = CASES[name]
    return graph_from_config(config, package)


def inputs_of(graph: Graph, batch: int = 4) -> tuple[dict[str, Any], dict[str, Any]]:
    size = 32
    images = {name: torch.randn(batch, 3, size, size) for name in graph.inputs}
    return images, {"pseudo_label": torch.arange(batch) % 3, "sample_index": torch.arange(batch)}


@pytest.mark.parametrize("name", sorted(CASES))
def test_a_config_comes_back_also_through_a_file(name: str) -> None:
    config, package = CASES[name]
    given = copy.deepcopy(config)
    imported = import_config(config, package)
    assert imported.not_understood == () and imported.placeholders == ()
    for graph in (imported.graph, loads(dumps(imported.graph, Catalog.default()))):
        assert same(config_from_graph(graph), given)


@pytest.mark.parametrize("name", sorted(set(CASES) - {"npid_usual", "npid_said"}))
def test_every_mode_runs_and_all_that_is_trained_gets_a_gradient(name: str) -> None:
    torch.manual_seed(0)
    built = composer.compile(graph_of(name))
    for part in built.modules():
        if hasattr(part, "init_memory"):
            part.init_memory(torch.randn(9, 6), torch.arange(9) % 3)
    images, samples = inputs_of(built.graph)
    losses = built(images, samples, mode="loss")
    sum(value for key, value in losses.items() if "loss" in key).backward()
    assert all(item.grad is not None for item in built.parameters() if item.requires_grad)
    built.eval()
    assert built(images, samples)["features"][-1].shape == (4, 32, 1, 1)
    if "predict" in built.graph.modes:
        assert built(images, samples, mode="predict")["scores"].sum(1).allclose(torch.ones(4))


@pytest.mark.parametrize(
    ("name", "given", "ours"),
    [
        ("swav", "head.loss.prototypes.weight", "loss.prototypes.weight"),
        ("swav_mmpretrain", "head.loss_module.prototypes.weight", "loss.prototypes.weight"),
        ("swav", "neck.bn.weight", "neck.bn.weight"),
        ("swav_mmpretrain", "neck.norm.weight", "neck.bn.weight"),
        ("deepcluster", "loss_weight", "class_weights.loss_weight"),
        ("odc", "loss_weight", "class_weights.loss_weight"),
        ("odc", "memory_bank.centroids", "memory_bank.centroids"),
        ("npid", "memory_bank.multinomial.alias", "memory_bank.multinomial.alias"),
        ("deepcluster_sobel", "backbone.sobel_layer.sobel.0.weight", "backbone.sobel_layer.sobel.0.weight"),
    ],
)
def test_weights_are_found_under_the_names_of_both_packages(name: str, given: str, ours: str) -> None:
    built = composer.compile(graph_of(name))
    tensor = torch.full_like(built.state_dict()[ours], 3)
    report = load_state_dict(built, {given: tensor})
    assert report.unexpected == ()
    assert torch.equal(built.state_dict()[ours], tensor)


def test_crops_of_one_size_go_through_the_backbone_together() -> None:
    nodes = to_document(graph_of("swav_three_sizes"))["nodes"]
    assert [nodes[f"crops_{number}"]["inputs"]["xs"] for number in (1, 2, 3)] == [
        ["view_1", "view_2"],
        ["view_3"],
        ["view_4"],
    ]
    assert nodes["backbone"]["inputs"] == {"image": {"tensor": "view_1", "loss": "crops_1.out"}}
    assert nodes["backbone_3"] == {"weights": {"share": "backbone"}, "inputs": {"image": "crops_3.out"}}
    assert nodes["neck"]["inputs"]["features"] == ["backbone.out[-1]", "backbone_2.out[-1]", "backbone_3.out[-1]"]


def test_a_wrong_number_of_views_is_reported_before_anything_is_updated() -> None:
    built = composer.compile(graph_of("swav"))
    before = {name: tensor.clone() for name, tensor in built.state_dict().items()}
    views = [torch.randn(2, 3, 32, 32)] * 5
    with pytest.raises(GraphError, match="got 5 inputs, the graph has 4: view_1, view_2, view_3, view_4"):
        built(views, mode="loss")
    with pytest.raises(GraphError, match=r"inputs has no 'view_4', which crops_2\.xs needs in loss mode"):
        built(views[:3], mode="loss")
    assert all(torch.equal(tensor, before[name]) for name, tensor in built.state_dict().items())
    assert built(views[:4], mode="loss")["loss"].isfinite()


def test_edits_are_written_or_refused_if_no_config_expresses_them() -> None:
    text = dumps(graph_of("npid"), Catalog.default())
    assert config_from_graph(loads(text.replace("neg_num: 3", "neg_num: 7")))["neg_num"] == 7
    swav = dumps(graph_of("swav"), Catalog.default())
    edited = config_from_graph(loads(swav.replace("num_prototypes: 5", "num_prototypes: 8")))
    assert edited["head"]["loss"]["num_prototypes"] == 8
    with pytest.raises(GraphError, match="queue_length"):
        config_from_graph(loads(swav.replace("num_prototypes: 5", "num_prototypes: 5, queue_length: 16")))


@pytest.mark.parametrize(
    ("config", "text"),
    [
        (
            {**SWAV, "head": {"type": "SwAVHead"}},
            "model.head.loss\n    expected a dict with the type SwAVLoss, found None",
        ),
        ({**SWAV, "neck": None}, "model.neck\n    expected a dict with a type, found None"),
        ({**NPID, "memory_bank": 3}, "model.memory_bank\n    expected a dict with a type, found 3"),
        ({**NPID, "neg_num": 0}, "model.neg_num\n    expected a whole number from 1, found 0"),
        ({**NPID, "ensure_neg": 1}, "model.ensure_neg\n    expected true or false, found 1"),
        ({**ODC, "memory_bank": None}, "model.memory_bank\n    expected a dict with a type, found None"),
        ({**ODC, "head": None}, "model.head\n    expected a dict with a type, found None"),
        (
            {**ROTATION, "head": {"type": "ClsHead", "loss": None}},
            "model.head.loss\n    expected a dict with a type, found None",
        ),
    ],
)
def test_parts_of_the_wrong_type_are_reported(config: dict[str, Any], text: str) -> None:
    assert text in "\n".join(map(str, import_config(config, "mmselfsup").not_understood))


PARTS = [
    (name, slot)
    for name, (config, _) in sorted(CASES.items())
    for slot in ("backbone", "neck", "head", "memory_bank")
    if slot in config and (slot, config["type"]) != ("head", "SwAV")  # its head is its loss, of this type alone
]


@pytest.mark.parametrize(("name", "slot"), PARTS)
def test_a_part_that_the_catalog_lacks_is_a_placeholder(name: str, slot: str) -> None:
    config, package = CASES[name]
    part = {**thaw(config[slot]), "type": "Unheard"}
    imported = import_config({**config, slot: part}, package)
    assert slot in imported.placeholders
    composer.check(imported.graph)
    assert loads(dumps(imported.graph, Catalog.default())) is not None
