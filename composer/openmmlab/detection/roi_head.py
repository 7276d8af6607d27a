"""Heads over regions of interest: StandardRoIHead and DoubleHeadRoIHead as a subgraph."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from composer.graph import Subgraph, Wired
from composer.openmmlab.detection.anchor_head import chosen, draw_loss, offsets_of
from composer.openmmlab.detection.body import Body, Reading, by_mode, share_head
from composer.openmmlab.detection.mask_branch import draw_masks, write_masks
from composer.openmmlab.detection.settings import dig, put
from composer.openmmlab.names import split_type
from composer.openmmlab.plain import plain

__all__ = ["ROI_TYPES", "SLOTS", "draw_roi_head", "write_roi_head"]

ROI_TYPES = ("StandardRoIHead", "DoubleHeadRoIHead")
"""Types of heads that are known."""

SLOTS = (
    "type",
    "_scope_",
    "shared_head",
    "bbox_roi_extractor",
    "bbox_head",
    "mask_roi_extractor",
    "mask_head",
    "reg_roi_scale_factor",
)
"""What a head has."""

DEFAULTS: Mapping[str, Mapping[str, Any]] = MappingProxyType(
    {
        "bbox_coder": {
            "type": "DeltaXYWHBBoxCoder",
            "clip_border": True,
            "target_means": [0.0, 0.0, 0.0, 0.0],
            "target_stds": [0.1, 0.1, 0.2, 0.2],
        },
        "loss_cls": {"type": "CrossEntropyLoss", "use_sigmoid": False, "loss_weight": 1.0},
        "loss_bbox": {"type": "SmoothL1Loss", "beta": 1.0, "loss_weight": 1.0},
    }
)
_NESTED = (*DEFAULTS, "reg_decoded_bbox")
_TRAINING = ("assigner", "sampler", "pos_weight", "debug", "mask_size", "soft_mask_target")
_TEST = ("score_thr", "nms", "max_per_img", "mask_thr_binary")
_INPUTS = {"feature": "Pyramid", "rois": "Rois", "image": "Image"}
_LABELS = {"image_shape": "ImageShape", "boxes": "Boxes", "box_labels": "BoxLabels"}


def draw_roi_head(
    body: Body, config: Mapping[str, Any], train: Mapping[str, Any], test: Mapping[str, Any], learns: bool
) -> Subgraph:
    """The subgraph of a head.

    Args:
        body: Takes the nodes.
        config: The head.
        train: ``train_cfg.rcnn``.
        test: ``test_cfg.rcnn``.
        learns: Whether there are losses.
    """
    body.known(config, SLOTS, "model.roi_head")
    masks = config.get("mask_head") is not None
    if learns:
        _draw_samples(body, train)
    rois = by_mode(tensor="rois", loss="sampler.priors", predict="rois") if learns else "rois"
    _draw_box_head(body, config, rois)
    if learns:
        _draw_losses(body, config, train)
    _draw_prediction(body, config, test)
    outputs = {"cls_score": "bbox_head.cls_score", "bbox_pred": "bbox_head.bbox_pred"}
    if learns:
        outputs |= {"loss_cls": "loss_cls.out", "acc": "acc.out", "loss_bbox": "loss_bbox.out"}
    outputs["detections"] = "prediction.detections"
    if masks:
        outputs |= draw_masks(body, config, train, test, learns)
    inputs = {**_INPUTS, **({**_LABELS, **({"masks": "InstanceMasks"} if masks else {})} if learns else {})}
    return body.subgraph({**inputs, "image_shape": "ImageShape"}, outputs)


def _draw_samples(body: Body, train: Mapping[str, Any]) -> None:
    path = "model.train_cfg.rcnn"
    body.known(train, _TRAINING, path)
    body.assigner(train.get("assigner"), f"{path}.assigner", priors="rois", boxes="boxes")
    wires: dict[str, Any] = {"priors": "rois", "assigned": "assigner.out", "boxes": "boxes"}
    body.part("sampler", train.get("sampler"), f"{path}.sampler", **wires)


def _draw_box_head(body: Body, config: Mapping[str, Any], rois: Wired | str) -> None:
    path = "model.roi_head"
    scale = config.get("reg_roi_scale_factor")
    extractor, at = config.get("bbox_roi_extractor"), f"{path}.bbox_roi_extractor"
    body.part("bbox_roi_extractor", extractor, at, feature="feature", rois=rois)
    features: dict[str, Any] = {"feature": share_head(body, config, "shared_head", "bbox_roi_extractor.out")}
    if scale is not None:
        more = {"roi_scale_factor": plain(scale)}
        body.part("reg_roi_extractor", extractor, at, more, feature="feature", rois=rois)
        again = share_head(body, config, "shared_head_reg", "reg_roi_extractor.out")
        features = {"x_cls": features["feature"], "x_reg": again}
    head = config.get("bbox_head")
    layers = {key: value for key, value in head.items() if key not in _NESTED} if isinstance(head, Mapping) else head
    body.part("bbox_head", layers, f"{path}.bbox_head", **features)


def _draw_losses(body: Body, config: Mapping[str, Any], train: Mapping[str, Any]) -> None:
    path, head = "model.roi_head.bbox_head", _box_head(config)
    classes = plain(head.get("num_classes", 80))
    weight = plain(train.get("pos_weight", -1))
    wires = {"priors": "sampler.priors", "assigned": "sampler.assigned", "boxes": "boxes", "box_labels": "box_labels"}
    body.add("targets", "BoxTargets", {"num_classes": classes, **chosen("pos_weight", weight, -1)}, **wires)
    offsets = offsets_of(body, head.get("bbox_coder", DEFAULTS["bbox_coder"]))
    prediction, target = "bbox_head.bbox_pred", "encoder.out"
    if head.get("reg_decoded_bbox"):
        prediction, target = "decoded.out", "targets.boxes"
        body.add("decoded", "DeltaXYWHBBoxCoder", offsets, priors="sampler.priors", deltas="bbox_head.bbox_pred")
    else:
        body.add("encoder", "DeltaXYWHBBoxEncoder", offsets, priors="sampler.priors", boxes="targets.boxes")
    own = 1 if head.get("reg_class_agnostic") else classes
    body.add("class_boxes", "ClassSelection", {"num_classes": own}, pred=prediction, labels="targets.labels")
    cls = {"pred": "bbox_head.cls_score", "target": "targets.labels", "weight": "targets.label_weights"}
    draw_loss(body, "loss_cls", head.get("loss_cls", DEFAULTS["loss_cls"]), f"{path}.loss_cls", cls)
    body.add("acc", "Accuracy", pred="bbox_head.cls_score", target="targets.labels")
    box = {"pred": "class_boxes.out", "target": target, "weight": "targets.box_weights"}
    draw_loss(body, "loss_bbox", head.get("loss_bbox", DEFAULTS["loss_bbox"]), f"{path}.loss_bbox", box)


def _draw_prediction(body: Body, config: Mapping[str, Any], test: Mapping[str, Any]) -> None:
    path = "model.test_cfg.rcnn"
    body.known(test, _TEST, path)
    coder = _box_head(config).get("bbox_coder", DEFAULTS["bbox_coder"])
    wires: dict[str, Any] = {
        "priors": "rois",
        "deltas": "bbox_head.bbox_pred",
        "image": "image",
        "image_shape": "image_shape",
    }
    body.part("coder", coder, "model.roi_head.bbox_head.bbox_coder", **wires)
    params = {
        **chosen("score_thr", plain(test.get("score_thr", 0.05)), 0.05),
        **overlap(body, test, path, 0.5),
        **chosen("max_per_img", plain(test.get("max_per_img", 100)), 100),
    }
    found = {"rois": "rois", "cls_score": "bbox_head.cls_score", "boxes": "coder.out", "image": "image"}
    body.add("prediction", "RoIBoxPrediction", params, **found)


def overlap(body: Body, config: Mapping[str, Any], path: str, default: float) -> dict[str, Any]:
    """The threshold of the non-maximum suppression that ``nms`` describes; other kinds are told."""
    nms = plain(config.get("nms", {"type": "nms", "iou_threshold": default}))
    value = dig(nms, "iou_threshold", 0.5)
    beyond = [key for key in nms if key not in ("type", "iou_threshold")] if isinstance(nms, Mapping) else ["nms"]
    if split_type(dig(nms, "type", "nms"))[1] != "nms" or beyond or not isinstance(value, int | float):
        text = f"found {nms!r:.100}, expected the type nms with an iou_threshold: its other settings have no effect"
        body.draft.not_understood(f"{path}.nms", text)
    return chosen("iou_threshold", value, default) if isinstance(value, int | float) else {}


def write_roi_head(
    body: Reading, before: Mapping[str, Any], train: dict[str, Any], test: dict[str, Any], learns: bool
) -> dict[str, Any]:
    """The config of the head; ``train_cfg.rcnn`` and ``test_cfg.rcnn`` are brought up to date.

    Args:
        body: The scope of the subgraph.
        before: What the config said of the head.
        train: ``train_cfg.rcnn``, changed in place.
        test: ``test_cfg.rcnn``, changed in place.
        learns: Whether there are losses.
    """
    double = "reg_roi_extractor" in body.nodes
    found = plain(before) or {"type": ROI_TYPES[double]}
    found["bbox_roi_extractor"] = body.part("bbox_roi_extractor", before.get("bbox_roi_extractor"))
    if double:
        put(found, "reg_roi_scale_factor", body.param("reg_roi_extractor", "roi_scale_factor"))
    if "shared_head" in body.nodes:
        found["shared_head"] = body.part("shared_head", before.get("shared_head"))
    old = _box_head(before)
    head = body.part("bbox_head", {key: value for key, value in old.items() if key not in _NESTED})
    head |= {key: plain(value) for key, value in old.items() if key in _NESTED}
    body.nested(head, "bbox_coder", "coder", DEFAULTS["bbox_coder"])
    if learns:
        put(head, "reg_decoded_bbox", "decoded" in body.nodes, False)
        for key in ("loss_cls", "loss_bbox"):
            body.nested(head, key, key, DEFAULTS[key])
        for key in ("assigner", "sampler"):
            train[key] = body.part(key, train.get(key))
        put(train, "pos_weight", body.param("targets", "pos_weight"), always=True)
    found["bbox_head"] = head
    put(test, "score_thr", body.param("prediction", "score_thr"), always=True)
    write_overlap(test, body.param("prediction", "iou_threshold"))
    put(test, "max_per_img", body.param("prediction", "max_per_img"), always=True)
    write_masks(body, found, train, test, learns)
    return found


def write_overlap(config: dict[str, Any], threshold: float) -> None:
    """``nms`` with a threshold."""
    if "nms" not in config:
        config["nms"] = {"type": "nms", "iou_threshold": threshold}
    put(config, "nms.iou_threshold", threshold, 0.5)


def _box_head(config: Mapping[str, Any]) -> Mapping[str, Any]:
    found = config.get("bbox_head")
    return found if isinstance(found, Mapping) else {}
