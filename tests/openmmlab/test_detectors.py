"""Tiny detectors of OpenMMLab: imported, exported, trained and run."""

import copy
from dataclasses import replace

import pytest
import torch

import composer
from composer.graph import FrozenDict
from composer.openmmlab import config_from_graph, graph_from_config, import_config
from composer.problems import GraphError

NMS = {"type": "nms", "iou_threshold": 0.7}
ASSIGNER = {"type": "MaxIoUAssigner", "pos_iou_thr": 0.5, "neg_iou_thr": 0.5, "min_pos_iou": 0.5, "ignore_iof_thr": -1}
SAMPLER = {"type": "RandomSampler", "num": 32, "pos_fraction": 0.25, "neg_pos_ub": -1, "add_gt_as_proposals": True}
CODER = {"type": "DeltaXYWHBBoxCoder", "target_means": [0.0] * 4, "target_stds": [0.1, 0.1, 0.2, 0.2]}
ALIGN = {"type": "RoIAlign", "output_size": 7, "sampling_ratio": 0}
GIOU = {"type": "GIoULoss", "loss_weight": 10.0}
SIGMOID = {"type": "CrossEntropyLoss", "use_sigmoid": True, "loss_weight": 1.0}

BACKBONE = {
    "type": "ResNet",
    "depth": 18,
    "base_channels": 8,
    "stem_channels": 8,
    "out_indices": [0, 1, 2, 3],
    "norm_cfg": {"type": "BN", "requires_grad": True},
    "norm_eval": True,
}
PREPROCESSOR = {"type": "DetDataPreprocessor", "mean": [1.0, 2.0, 3.0], "std": [4.0, 5.0, 6.0], "bgr_to_rgb": True}
NECK = {"type": "FPN", "in_channels": [8, 16, 32, 64], "out_channels": 8, "num_outs": 5}
ANCHORS = {"type": "AnchorGenerator", "scales": [4], "ratios": [0.5, 1.0, 2.0], "strides": [4, 8, 16, 32, 64]}


def extractor(size=7):
    layer = {**ALIGN, "output_size": size}
    return {"type": "SingleRoIExtractor", "roi_layer": layer, "out_channels": 8, "featmap_strides": [4, 8, 16, 32]}


def two_stage(**changes):
    head = {"type": "Shared2FCBBoxHead", "in_channels": 8, "fc_out_channels": 16, "roi_feat_size": 7, "num_classes": 3}
    config = {
        "type": "FasterRCNN",
        "data_preprocessor": {**PREPROCESSOR, "pad_size_divisor": 32},
        "backbone": BACKBONE,
        "neck": NECK,
        "rpn_head": {"type": "RPNHead", "in_channels": 8, "feat_channels": 8, "anchor_generator": ANCHORS},
        "roi_head": {
            "type": "StandardRoIHead",
            "bbox_roi_extractor": extractor(),
            "bbox_head": {**head, "bbox_coder": CODER, "reg_class_agnostic": False},
        },
        "train_cfg": {
            "rpn": {
                "assigner": {**ASSIGNER, "pos_iou_thr": 0.7, "neg_iou_thr": 0.3, "min_pos_iou": 0.3},
                "sampler": {**SAMPLER, "add_gt_as_proposals": False},
                "allowed_border": -1,
                "pos_weight": -1,
                "debug": False,
            },
            "rpn_proposal": {"nms_pre": 200, "max_per_img": 50, "nms": NMS, "min_bbox_size": 0},
            "rcnn": {"assigner": ASSIGNER, "sampler": SAMPLER, "pos_weight": -1, "debug": False},
        },
        "test_cfg": {
            "rpn": {"nms_pre": 100, "max_per_img": 20, "nms": NMS, "min_bbox_size": 0},
            "rcnn": {"score_thr": 0.05, "nms": {**NMS, "iou_threshold": 0.5}, "max_per_img": 10},
        },
    }
    return changed(config, changes)


def mask_rcnn():
    head = {"type": "FCNMaskHead", "num_convs": 1, "in_channels": 8, "conv_out_channels": 8, "num_classes": 3}
    loss = {"type": "CrossEntropyLoss", "use_mask": True, "loss_weight": 1.0}
    return two_stage(
        type="MaskRCNN",
        roi_head__mask_roi_extractor=extractor(14),
        roi_head__mask_head={**head, "loss_mask": loss},
        train_cfg__rcnn__mask_size=28,
        test_cfg__rcnn__mask_thr_binary=0.5,
    )


def double_head():
    layers = {"num_convs": 1, "num_fcs": 2, "in_channels": 8, "conv_out_channels": 16, "fc_out_channels": 16}
    head = {"type": "DoubleConvFCBBoxHead", **layers, "num_classes": 3, "bbox_coder": CODER}
    return two_stage(roi_head__type="DoubleHeadRoIHead", roi_head__reg_roi_scale_factor=1.3, roi_head__bbox_head=head)


def retinanet(**changes):
    config = {
        "type": "RetinaNet",
        "data_preprocessor": PREPROCESSOR,
        "backbone": BACKBONE,
        "neck": {**NECK, "start_level": 1, "add_extra_convs": "on_input"},
        "bbox_head": {
            "type": "RetinaHead",
            "num_classes": 3,
            "in_channels": 8,
            "stacked_convs": 1,
            "feat_channels": 8,
            "loss_cls": {"type": "FocalLoss", "use_sigmoid": True, "gamma": 2.0, "alpha": 0.25, "loss_weight": 1.0},
            "loss_bbox": {"type": "L1Loss", "loss_weight": 1.0},
        },
        "train_cfg": {
            "assigner": {**ASSIGNER, "neg_iou_thr": 0.4, "min_pos_iou": 0},
            "allowed_border": -1,
            "pos_weight": -1,
            "debug": False,
        },
        "test_cfg": {"nms_pre": 100, "min_bbox_size": 0, "score_thr": 0.05, "nms": NMS, "max_per_img": 10},
    }
    return changed(config, changes)


def on_one_level(channels, **changes):
    """A detector without a neck: its anchors and regions are on the backbone's last stage (mmdet's DC5 and C4)."""
    return two_stage(
        neck=None,
        rpn_head__in_channels=channels,
        rpn_head__anchor_generator={**ANCHORS, "scales": [2, 4], "strides": [16]},
        roi_head__bbox_roi_extractor={**extractor(), "out_channels": channels, "featmap_strides": [16]},
        **changes,
    )


def dilated():
    backbone = {**BACKBONE, "strides": [1, 2, 2, 1], "dilations": [1, 1, 1, 2], "out_indices": [3]}
    return on_one_level(64, backbone=backbone, roi_head__bbox_head__in_channels=64)


def c4(**changes):
    """Conv5 is part of the head."""
    stages = {"num_stages": 3, "strides": [1, 2, 2], "dilations": [1, 1, 1], "out_indices": [2]}
    layers = {"with_avg_pool": True, "roi_feat_size": 4, "in_channels": 512, "num_classes": 3}
    return on_one_level(
        256,
        backbone={**BACKBONE, **stages, "base_channels": 64, "stem_channels": 64},
        roi_head__shared_head={"type": "ResLayer", "depth": 18, "stage": 3, "stride": 2, "norm_eval": True},
        roi_head__bbox_head={"type": "BBoxHead", **layers, "bbox_coder": CODER},
        **changes,
    )


def mask_c4():
    """Masks of the regions' features that conv5 makes, which the mask branch shares."""
    layers = {"num_convs": 0, "in_channels": 512, "conv_out_channels": 8, "num_classes": 3}
    return c4(
        type="MaskRCNN",
        roi_head__mask_roi_extractor=...,
        roi_head__mask_head={"type": "FCNMaskHead", **layers},
        train_cfg__rcnn__mask_size=8,
        test_cfg__rcnn__mask_thr_binary=0.5,
    )


def changed(config, changes):
    config = copy.deepcopy(config)
    for path, value in changes.items():
        *outer, last = path.split("__")
        section = config
        for key in outer:
            section = section[key]
        if value is None:
            del section[last]
        else:
            section[last] = None if value is ... else value
    return config


CONFIGS = {
    "faster_rcnn": two_stage(),
    "with the defaults of its heads": two_stage(
        rpn_head__anchor_generator=None, roi_head__bbox_head__bbox_coder=None, train_cfg__rpn_proposal=None
    ),
    "giou on decoded boxes": two_stage(
        roi_head__bbox_head__reg_decoded_bbox=True,
        roi_head__bbox_head__loss_bbox=GIOU,
        rpn_head__reg_decoded_bbox=True,
        rpn_head__loss_bbox=GIOU,
    ),
    "one box for all classes": two_stage(roi_head__bbox_head__reg_class_agnostic=True),
    "two scores an anchor": two_stage(rpn_head__loss_cls={**SIGMOID, "use_sigmoid": False}),
    "pafpn": two_stage(neck__type="PAFPN"),
    "mask_rcnn": mask_rcnn(),
    "double_head": double_head(),
    "without a neck": dilated(),
    "c4": c4(),
    "mask_c4": mask_c4(),
    "two necks": two_stage(neck=[NECK, {"type": "PAFPN", "in_channels": [8] * 5, "out_channels": 8, "num_outs": 5}]),
    "retinanet": retinanet(),
    "retinanet without a neck": retinanet(
        neck=None,
        backbone__out_indices=[3],
        bbox_head__in_channels=64,
        bbox_head__anchor_generator={**ANCHORS, "strides": [32]},
    ),
    "retinanet with giou": retinanet(bbox_head__reg_decoded_bbox=True, bbox_head__loss_bbox=GIOU),
    "retinanet with ghm": retinanet(
        bbox_head__loss_cls={"type": "GHMC", "bins": 5, "momentum": 0.75, "use_sigmoid": True, "loss_weight": 1.0},
        bbox_head__loss_bbox={"type": "GHMR", "mu": 0.02, "bins": 4, "momentum": 0.7, "loss_weight": 10.0},
    ),
}
every = pytest.mark.parametrize("name", CONFIGS)


def model_of(name, seed=0):
    torch.manual_seed(seed)
    return composer.compile(graph_from_config(CONFIGS[name], "mmdet"))


def samples(model, *boxes):
    fields = {"boxes": [torch.tensor(own, dtype=torch.float32).reshape(-1, 4) for own in boxes]}
    fields["box_labels"] = [torch.arange(len(own)) % 3 for own in boxes]
    if "masks" in model.graph.data_samples:
        fields["masks"] = [torch.ones(len(own), 64, 64, dtype=torch.uint8) for own in boxes]
    return fields


def losses(model, *boxes):
    torch.manual_seed(0)
    found = model(torch.randn(len(boxes), 3, 64, 64), samples(model, *boxes), mode="loss")
    assert all(value.isfinite() for value in found.values())
    return found


@every
def test_a_config_comes_back(name):
    graph = graph_from_config(CONFIGS[name], "mmdet")
    assert composer.infer_shapes(graph).problems == []
    assert config_from_graph(graph) == CONFIGS[name]


@every
def test_a_graph_without_a_stored_config_is_written_as_a_config(name):
    graph = replace(graph_from_config(CONFIGS[name], "mmdet"), metadata=FrozenDict())
    config = config_from_graph(graph)
    assert config["type"] == f"mmdet.{CONFIGS[name]['type']}"
    assert config["data_preprocessor"]["type"] == "DetDataPreprocessor"
    again = graph_from_config(config)
    assert (again.nodes, again.graphs, again.outputs) == (graph.nodes, graph.graphs, graph.outputs)


@every
def test_a_config_comes_back_whatever_its_nodes_are_called(name):
    graph = graph_from_config(CONFIGS[name], "mmdet")

    def called(ref):
        return replace(ref, source=f"my_{ref.source}")

    def own(node):
        source = node.weights.source and f"my_{node.weights.source}"
        inputs = FrozenDict({port: wire.map(called) for port, wire in node.inputs.items()})
        return replace(node, inputs=inputs, weights=replace(node.weights, source=source))

    changed = replace(
        graph,
        nodes=FrozenDict({f"my_{key}": own(node) for key, node in graph.nodes.items()}),
        inputs=FrozenDict({f"my_{key}": entry for key, entry in graph.inputs.items()}),
        data_samples=FrozenDict({f"my_{key}": entry for key, entry in graph.data_samples.items()}),
        outputs=FrozenDict(
            {mode: FrozenDict({key: called(ref) for key, ref in refs.items()}) for mode, refs in graph.outputs.items()}
        ),
    )
    assert config_from_graph(changed) == CONFIGS[name]


def test_an_edit_inside_a_subgraph_reaches_the_config():
    graph = graph_from_config(two_stage(), "mmdet")
    body = graph.graphs["region_proposals"]
    sampler = body.nodes["sampler"]
    sampler = replace(sampler, params=FrozenDict({**sampler.params, "num": 7}))
    body = replace(body, nodes=FrozenDict({**body.nodes, "sampler": sampler}))
    edited = replace(graph, graphs=FrozenDict({**graph.graphs, "region_proposals": body}))
    assert config_from_graph(edited) == two_stage(
        train_cfg__rpn__sampler={**SAMPLER, "num": 7, "add_gt_as_proposals": False}
    )


def test_a_graph_of_another_shape_is_refused():
    graph = graph_from_config(two_stage(), "mmdet")
    outputs = FrozenDict({**graph.outputs, "tensor": FrozenDict(graph.outputs["predict"])})
    with pytest.raises(GraphError, match="has no config for this graph"):
        config_from_graph(replace(graph, outputs=outputs))


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        (two_stage(test_cfg__rcnn__nms={"type": "soft_nms"}), "model.test_cfg.rcnn.nms"),
        (two_stage(roi_head__type="CascadeRoIHead"), "model.roi_head.type"),
        (two_stage(roi_head__shared_head=3), "model.roi_head.shared_head"),
        (two_stage(train_cfg__rpn__speed=1), "model.train_cfg.rpn.speed"),
        (retinanet(test_cfg__speed=1), "model.test_cfg.speed"),
        (retinanet(train_cfg__assigner={**ASSIGNER, "ignore_iof_thr": 0.5}), "model.train_cfg.assigner.ignore_iof_thr"),
        (
            two_stage(train_cfg__rcnn__assigner={**ASSIGNER, "ignore_iof_thr": 0.5}),
            "model.train_cfg.rcnn.assigner.ignore_iof_thr",
        ),
    ],
)
def test_settings_of_detectors_that_have_no_effect_are_reported(config, expected):
    assert [str(note.where) for note in import_config(config, "mmdet").not_understood] == [expected]


def test_a_sampler_outside_the_catalog_is_a_placeholder():
    found = import_config(two_stage(train_cfg__rcnn__sampler__type="OHEMSampler"), "mmdet")
    assert found.placeholders == ("sampler",)


def test_a_config_without_training_only_predicts():
    config = two_stage(train_cfg=None)
    graph = graph_from_config(config, "mmdet")
    assert graph.modes == ("tensor", "predict")
    assert config_from_graph(graph) == config
    found = composer.compile(graph).eval()(torch.randn(1, 3, 64, 64), mode="predict")
    assert found["detections"][0]["boxes"].shape[1] == 4


@every
def test_names_of_weights_are_openmmlabs(name):
    names = {key.partition(".")[0] for key in model_of(name).state_dict()}
    heads = {"bbox_head"} if "retina" in name else {"rpn_head", "roi_head"}
    extra = {"loss_cls", "loss_bbox"} if "ghm" in name else set()
    necks = {"two necks": {"neck_0", "neck_1"}}.get(name, {"neck"} if "neck" in CONFIGS[name] else set())
    assert names == {"backbone"} | necks | heads | extra


def test_conv5_in_the_head_has_the_names_and_the_layers_of_a_resnet():
    """The two halves of a ResNet, cut between its stages, hold what the whole one holds."""
    names = {key for key in model_of("mask_c4").state_dict() if ".layer" in key}
    whole = composer.Catalog.default()["ResNet"].cls(depth=18).state_dict()
    stages = {key for key in whole if key.startswith("layer")}
    assert {key.removeprefix("backbone.").removeprefix("roi_head.shared_head.") for key in names} == stages


@pytest.mark.parametrize("lacking", ["rpn_head", "roi_head", "backbone"])
def test_a_known_detector_that_lacks_a_part_is_named_and_its_heads_keep_their_settings(lacking):
    config = two_stage(**{lacking: None})
    found = import_config(config, "mmdet")
    assert found.notes[0].message.startswith(f"FasterRCNN is known, but not drawn: {lacking} is missing: its parts")
    if lacking != "backbone":
        assert found.not_understood == ()
    assert not [problem for problem in composer.check(found.graph) if problem.code == "unknown-parameter"]
    assert config_from_graph(found.graph) == config
    whole = import_config(two_stage(), "mmdet")
    assert not [note for note in whole.notes if note.code == "unknown-algorithm"]


@every
def test_a_detector_trains_on_images_with_and_without_boxes(name):
    model = model_of(name).train()
    total = sum(value for key, value in losses(model, [[4, 4, 40, 30], [20, 24, 60, 60]], []).items() if "loss" in key)
    total.backward()
    trained = {key: value for key, value in model.named_parameters() if value.requires_grad}
    assert [key for key, value in trained.items() if value.grad is None or not value.grad.isfinite().all()] == []
    losses(model, [], [])
    corners = torch.rand(300, 2) * 40
    losses(model, torch.cat((corners, corners + 3 + 20 * torch.rand(300, 2)), dim=1).tolist(), [[1, 1, 9, 9]])


WRONG = {
    "an image too few": ({"boxes": [torch.tensor([[1.0, 1, 9, 9]])]}, "boxes", "found entries for 1 samples"),
    "an image too many": ({"boxes": [torch.zeros(0, 4)] * 3}, "boxes", "found entries for 3 samples"),
    "labels of one image": ({"box_labels": [torch.tensor([0])]}, "box_labels", "found entries for 1 samples"),
    "one tensor of all": ({"boxes": torch.zeros(4, 4)}, "boxes", "expected a list of tensors, one an image"),
    "numbers": (
        {"boxes": [[1, 1, 9, 9], [1, 1, 9, 9]]},
        "boxes",
        "entry 0: found a list of int, expected a list of tensors, one an image",
    ),
    "one number": ({"boxes": 3}, "boxes", "found int, expected a list of tensors, one an image"),
    "labels of other boxes": (
        {"box_labels": [torch.tensor([0, 1]), torch.tensor([0])]},
        "box_labels",
        "one label a box",
    ),
    "a class too many": ({"box_labels": [torch.tensor([3]), torch.tensor([0])]}, "box_labels", "expected a class from"),
    "a size too few": ({"image_shape": torch.tensor([[64, 64]])}, "image_shape", "expected as many samples"),
    "beyond the batch": (
        {"image_shape": torch.tensor([[64, 64], [64, 65]])},
        "image_shape",
        "found 64 by 65 for image 1",
    ),
    "no size": ({"image_shape": torch.tensor([[64, 0], [64, 64]])}, "image_shape", "at most 64 by 64"),
}


@pytest.mark.parametrize("wrong", WRONG)
@pytest.mark.parametrize("name", ["faster_rcnn", "retinanet"])
def test_boxes_labels_and_masks_that_do_not_match_the_images_are_refused_before_any_update(name, wrong):
    fields, subject, reported = WRONG[wrong]
    model = model_of(name).train()
    before = copy.deepcopy(model.state_dict())
    for part in model.modules():
        if isinstance(part, torch.nn.BatchNorm2d):
            part.train()
    given = samples(model, [[1, 1, 9, 9]], [[4, 4, 40, 30]]) | fields
    with pytest.raises(GraphError, match=reported) as caught:
        model(torch.randn(2, 3, 64, 64), given, mode="loss")
    (problem,) = caught.value.problems
    assert (problem.where.port or problem.where.subject) == subject
    assert all(torch.equal(value, before[key]) for key, value in model.state_dict().items())


def test_anchors_on_padding_do_not_contribute_to_the_loss():
    model = model_of("retinanet").train()
    images = torch.randn(2, 3, 64, 64)
    fields = samples(model, [[1, 1, 9, 9], [4, 4, 30, 28]], [])
    shapes = ({}, {"image_shape": torch.tensor([[64, 64]] * 2)}, {"image_shape": torch.tensor([[64, 64], [32, 40]])})
    with torch.no_grad():
        alone, whole, padded = (model(images, {**fields, **shape}, mode="loss") for shape in shapes)
    assert alone == whole
    assert padded["loss_cls"] < whole["loss_cls"] and padded["loss_bbox"] == whole["loss_bbox"]


@every
def test_boxes_of_no_area_stop_training_before_anything_changes(name):
    model = model_of(name).train()
    before = copy.deepcopy(model.state_dict())
    for part in model.modules():
        if isinstance(part, torch.nn.BatchNorm2d):
            part.train()
    with pytest.raises(GraphError, match=r"found \[4.0, 4.0, 4.0, 30.0\] as box 0 of image 1") as caught:
        losses(model, [[1, 1, 9, 9]], [[4, 4, 4, 30]])
    assert caught.value.problems[0].where.port == "boxes"
    assert all(torch.equal(value, before[key]) for key, value in model.state_dict().items())


@every
def test_only_the_image_is_needed_and_padding_is_cut_off(name):
    model = model_of(name).eval()
    images = torch.randn(2, 3, 64, 96)
    whole = model(images, mode="predict")["detections"]
    smaller = model(images, {"image_shape": torch.tensor([[64, 96]] * 2)}, mode="predict")["detections"]
    assert all(torch.equal(one["boxes"], other["boxes"]) for one, other in zip(whole, smaller, strict=True))
    padded = model(images, {"image_shape": torch.tensor([[64, 96], [40, 50]])}, mode="predict")["detections"]
    assert (padded[1]["boxes"] <= torch.tensor([50, 40, 50, 40])).all()
    if "masks" in padded[1]:
        assert padded[1]["masks"].shape == (len(padded[1]["boxes"]), 40, 50)


@pytest.mark.slow
@every
def test_tensor_mode_compiles_as_one_graph_and_exports(name):
    if "c4" in name:
        pytest.skip("torch.compile refuses batch normalisation over a number of regions that depends on the image")
    model = model_of(name).eval()
    images = torch.randn(2, 3, 64, 64)
    with torch.no_grad():
        expected = torch.utils._pytree.tree_leaves(model(images))
        torch.compiler.reset()
        compiled = torch.compile(model, fullgraph=True, backend="eager")(images)
        exported = torch.export.export(model, (images,)).module()(images)
    for found in (compiled, exported):
        for one, other in zip(torch.utils._pytree.tree_leaves(found), expected, strict=True):
            torch.testing.assert_close(one, other)
