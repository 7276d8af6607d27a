"""The mask branch of a head over regions of interest."""

from collections.abc import Mapping
from typing import Any

from composer.openmmlab.detection.body import Body, Reading, by_mode, share_head
from composer.openmmlab.detection.settings import put
from composer.openmmlab.plain import plain, same

__all__ = ["draw_masks", "write_masks"]

_LOSS: Mapping[str, Any] = {"type": "CrossEntropyLoss", "use_mask": True, "loss_weight": 1.0}
_OUTSIDE = ("loss_mask", "roi_feat_size")
_IN_TENSOR_MODE = 100  # regions of a batch whose masks tensor mode gives


def draw_masks(
    body: Body, config: Mapping[str, Any], train: Mapping[str, Any], test: Mapping[str, Any], learns: bool
) -> dict[str, str]:
    """The nodes of the mask branch.

    Returns:
        The outputs of the subgraph that it adds or replaces.
    """
    path, head = "model.roi_head", config["mask_head"]
    head = head if isinstance(head, Mapping) else {}
    body.add("first_rois", "FirstRegions", {}, rois="rois")
    wires = {"tensor": "first_rois.out", "predict": "prediction.rois"}
    if learns:
        regions = {"rois": "sampler.priors", "assigned": "sampler.assigned", "labels": "targets.labels"}
        body.add("positives", "PositiveSamples", {}, **regions)
        wires["loss"] = "positives.rois"
    # A mask head without an extractor of its own sees what the box head sees: the same layers on its own regions.
    slot = "bbox_roi_extractor" if config.get("mask_roi_extractor") is None else "mask_roi_extractor"
    body.part("mask_roi_extractor", config.get(slot), f"{path}.{slot}", feature="feature", rois=by_mode(**wires))
    layers = {key: value for key, value in head.items() if key not in _OUTSIDE}
    feature = share_head(body, config, "shared_head_masks", "mask_roi_extractor.out")
    body.part("mask_head", layers, f"{path}.mask_head", feature=feature)
    if learns:
        _draw_loss(body, head, train)
    threshold = plain(test.get("mask_thr_binary", 0.5))
    found = {"detections": "prediction.detections", "labels": "prediction.labels", "image": "image"}
    params = {} if same(threshold, 0.5) else {"mask_thr_binary": threshold}
    pasted = {"mask_pred": "mask_head.out", "image_shape": "image_shape"}
    body.add("mask_prediction", "MaskPasting", params, **found, **pasted)
    losses = {"loss_mask": "loss_mask.out"} if learns else {}
    return {"mask_pred": "mask_head.out", **losses, "detections": "mask_prediction.out"}


def _draw_loss(body: Body, head: Mapping[str, Any], train: Mapping[str, Any]) -> None:
    params = {"mask_size": plain(train.get("mask_size", 28))}
    params |= {"soft_mask_target": True} if train.get("soft_mask_target") else {}
    wires = {"rois": "positives.rois", "assigned": "positives.assigned", "boxes": "boxes", "masks": "masks"}
    body.add("mask_targets", "MaskTargets", params, image="image", **wires)
    classes = 1 if head.get("class_agnostic") else plain(head.get("num_classes", 80))
    body.add("class_masks", "ClassSelection", {"num_classes": classes}, pred="mask_head.out", labels="positives.labels")
    loss = _by_pixel(head.get("loss_mask", _LOSS))
    body.part(
        "loss_mask", loss, "model.roi_head.mask_head.loss_mask", pred="class_masks.out", target="mask_targets.out"
    )


def write_masks(
    body: Reading, found: dict[str, Any], train: dict[str, Any], test: dict[str, Any], learns: bool
) -> None:
    """Put the mask branch into the config of the head, and what it has in ``train_cfg`` and ``test_cfg``."""
    if "mask_head" not in body.nodes:
        return
    extractor = body.part("mask_roi_extractor", found.get("mask_roi_extractor") or found.get("bbox_roi_extractor"))
    if found.get("mask_roi_extractor") is not None or not same(extractor, found.get("bbox_roi_extractor")):
        found["mask_roi_extractor"] = extractor
    old = found.get("mask_head") or {}
    head = body.part("mask_head", {key: value for key, value in old.items() if key not in _OUTSIDE})
    head |= {key: plain(value) for key, value in old.items() if key in _OUTSIDE}
    if learns:
        before = old.get("loss_mask", _LOSS)
        loss = body.part("loss_mask", _by_pixel(before))
        loss = {"use_mask" if key == "use_sigmoid" else key: value for key, value in loss.items()}
        if "loss_mask" in old or not same(loss, plain(_LOSS)):
            head["loss_mask"] = loss
        put(train, "mask_size", body.param("mask_targets", "mask_size"))
        put(train, "soft_mask_target", body.param("mask_targets", "soft_mask_target"), False)
    found["mask_head"] = head
    put(test, "mask_thr_binary", body.param("mask_prediction", "mask_thr_binary"), always=True)


def _by_pixel(loss: Any) -> Any:
    """A loss of masks as one of pixels: each is a question by itself."""
    if not isinstance(loss, Mapping) or not loss.get("use_mask"):
        return loss
    return {"use_sigmoid" if key == "use_mask" else key: value for key, value in loss.items() if key != "use_sigmoid"}
