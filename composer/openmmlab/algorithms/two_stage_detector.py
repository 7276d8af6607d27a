"""FasterRCNN and MaskRCNN: proposals of one head, which another looks at again."""

from collections.abc import Mapping
from typing import Any

from composer.graph import FrozenDict, Node, Ref
from composer.openmmlab.algorithms.algorithm import Algorithm
from composer.openmmlab.algorithms.unknown import UNKNOWN
from composer.openmmlab.detection.anchor_head import RPN, chosen
from composer.openmmlab.detection.body import Body, Reading, by_mode, kind_of
from composer.openmmlab.detection.pictures import FIELDS, draw_picture, padded_to, write_divisor, write_picture
from composer.openmmlab.detection.roi_head import ROI_TYPES, draw_roi_head, overlap, write_overlap, write_roi_head
from composer.openmmlab.detection.settings import put, section, sections, wrong_sections
from composer.openmmlab.draft import Draft
from composer.openmmlab.plain import plain, same
from composer.openmmlab.trace import Trace

__all__ = ["FASTER_RCNN", "MASK_RCNN"]

_PARTS = ("backbone", "rpn_head", "roi_head")
_TRAINING = ("rpn", "rpn_proposal", "rcnn")
_NEEDED = ("rpn", "rcnn")
_TESTING = ("rpn", "rcnn")
_PROPOSALS = ("nms_pre", "max_per_img", "nms", "min_bbox_size")
_SHAPE = by_mode(loss="image_shape", predict="image_shape")


def draw(config: Mapping[str, Any], draft: Draft) -> None:
    """Draw a two-stage detector; one that lacks a stage is drawn by its parts' places."""
    if lacking := [slot for slot in _PARTS if not isinstance(config.get(slot), Mapping)]:
        draft.draws_by_places(f"{', '.join(lacking)} is missing")
        UNKNOWN.draw(config, draft)
        return
    roi = section(config, "roi_head")
    if kind_of(roi) not in ROI_TYPES:
        text = f"found {kind_of(roi) or 'none'}, known are {', '.join(ROI_TYPES)}: it is drawn as the first of them"
        draft.not_understood("model.roi_head.type", text)
    train, test = section(config, "train_cfg"), section(config, "test_cfg")
    wrong = wrong_sections(config.get("train_cfg"), "model.train_cfg", _TRAINING, _NEEDED)
    learns = bool(train) and not wrong
    wrong |= wrong_sections(config.get("test_cfg"), "model.test_cfg", _TESTING)
    for path, text in wrong.items():
        draft.not_understood(path, text)
    for key, found, names in (("train_cfg", train, _TRAINING), ("test_cfg", test, _TESTING)):
        Body(draft).known(found, names, f"model.{key}")
    masks = roi.get("mask_head") is not None
    levels = draw_picture(config, draft)
    for slot in ("rpn_head", "roi_head", "train_cfg", "test_cfg"):
        if slot in config:
            draft.carry(slot, config[slot])
    body = Body(draft, draft.nodes)
    head = {"type": "RPNHead", **section(config, "rpn_head")}
    RPN.draw_layers(body, head, levels)
    _draw_proposals(draft, head, train, test, padded_to(config, draft) if learns else 0)
    inner = Body(draft)
    draft.graphs["roi_head"] = draw_roi_head(inner, roi, section(train, "rcnn"), section(test, "rcnn"), learns)
    _draw_calls(draft, levels, learns, masks)


def _draw_proposals(
    draft: Draft, head: Mapping[str, Any], train: Mapping[str, Any], test: Mapping[str, Any], divisor: int
) -> None:
    """The subgraph that learns to propose, and proposes; without a divisor it does not learn."""
    body = Body(draft)
    if divisor:
        RPN.draw_boxes(body, head)
        RPN.draw_learning(body, head, section(train, "rpn"), "model.train_cfg.rpn", divisor)
        fallback = section(test, "rpn")
        training = section(train, "rpn_proposal") if "rpn_proposal" in train else fallback
        _draw_selection(body, "training_proposals", head, training, "model.train_cfg.rpn_proposal")
    else:
        RPN.draw_boxes(body, head)
    _draw_selection(body, "proposals", head, section(test, "rpn"), "model.test_cfg.rpn")
    inputs = {"cls_score": "Pyramid", "bbox_pred": "Pyramid", "image": "Image"}
    outputs = {"rois": "proposals.rois"}
    if divisor:
        inputs["boxes"] = "Boxes"
        losses = {"loss_cls": "loss_cls.out", "loss_bbox": "loss_bbox.out"}
        outputs = {**losses, "training_rois": "training_proposals.rois", **outputs}
    draft.graphs["region_proposals"] = body.subgraph({**inputs, "image_shape": "ImageShape"}, outputs)


def _draw_selection(body: Body, name: str, head: Mapping[str, Any], config: Mapping[str, Any], path: str) -> None:
    body.known(config, _PROPOSALS, path)
    params = {
        **chosen("nms_pre", plain(config.get("nms_pre", 1000)), 1000),
        **chosen("max_per_img", plain(config.get("max_per_img", 1000)), 1000),
        **overlap(body, config, path, 0.7),
        **chosen("min_bbox_size", plain(config.get("min_bbox_size", -1)), 0),
        **chosen("use_sigmoid", RPN.sigmoid(head), True),
    }
    body.add(name, "RegionProposals", params, cls_score="cls_score", boxes="coder.out")


def _draw_calls(draft: Draft, levels: Ref, learns: bool, masks: bool) -> None:
    shape = _SHAPE if learns else by_mode(predict="image_shape")
    outputs = {"cls_score": Ref("rpn_head", "cls_score"), "bbox_pred": Ref("rpn_head", "bbox_pred")}
    learning = {"boxes": by_mode(loss="boxes")} if learns else {}
    wires = {**outputs, "image": Ref("image"), **learning, "image_shape": shape}
    draft.nodes["rpn"] = Node(graph="region_proposals", inputs=FrozenDict(wires))
    rois = {"tensor": "rpn.rois", **({"loss": "rpn.training_rois"} if learns else {}), "predict": "rpn.rois"}
    fields = ("boxes", "box_labels", *(("masks",) if masks else ())) if learns else ()
    draft.data_samples = {name: FIELDS[name] for name in (*fields, "image_shape")}
    given = {name: by_mode(loss=name) for name in fields}
    wires = {
        "feature": levels,
        "rois": by_mode(**rois),
        "image": Ref("image"),
        **given,
        "image_shape": shape,
    }
    draft.nodes["roi_head"] = Node(graph="roi_head", inputs=FrozenDict(wires))
    names = ("cls_score", "bbox_pred", *(("mask_pred",) if masks else ()))
    draft.outputs["tensor"] = {name: Ref("roi_head", name) for name in names}
    if learns:
        losses = ("loss_cls", "acc", "loss_bbox", *(("loss_mask",) if masks else ()))
        proposing = {"loss_rpn_cls": Ref("rpn", "loss_cls"), "loss_rpn_bbox": Ref("rpn", "loss_bbox")}
        draft.outputs["loss"] = proposing | {name: Ref("roi_head", name) for name in losses}
    draft.outputs["predict"] = {"detections": Ref("roi_head", "detections")}


def write(trace: Trace) -> dict[str, Any]:
    """Write a two-stage detector."""
    if not {"rpn", "roi_head"} <= trace.graph.nodes.keys():
        return UNKNOWN.write(trace)
    learns = bool(trace.graph.outputs.get("loss"))
    carried = {key: sections(trace.carried.get(key), ()) for key in ("rpn_head", "roi_head")}
    said = trace.carried.get("train_cfg")
    train, test = sections(said, _TRAINING), sections(trace.carried.get("test_cfg"), _TESTING)
    top, inside, regions = Reading(trace), Reading(trace, "rpn"), Reading(trace, "roi_head")
    found = write_picture(trace, "rpn_head")
    found["rpn_head"] = RPN.write(inside, top, carried["rpn_head"], learns)
    if learns:
        found |= write_divisor(inside)
        train["rpn"] = RPN.write_training(inside, train.get("rpn", {}))
        _write_selection(inside, "training_proposals", train, "rpn_proposal", section(test, "rpn"))
    _write_selection(inside, "proposals", test, "rpn", None)
    rcnn = train.setdefault("rcnn", {}) if learns else {}
    found["roi_head"] = write_roi_head(regions, carried["roi_head"], rcnn, test.setdefault("rcnn", {}), learns)
    if learns:
        found["train_cfg"] = train
    elif wrong_sections(said, "", _TRAINING, _NEEDED):  # it draws no losses again
        found["train_cfg"] = plain(said)
    return {**found, "test_cfg": test}


def _write_selection(
    body: Reading, name: str, config: dict[str, Any], key: str, fallback: Mapping[str, Any] | None
) -> None:
    """How proposals are chosen; what training says nothing of is as in testing."""
    said = key in config
    found = plain(config.get(key, fallback or {}))
    before = plain(found)
    for item, default in (("nms_pre", 1000), ("max_per_img", 1000), ("min_bbox_size", -1)):
        put(found, item, body.param(name, item), default, always=not before)
    threshold = body.param(name, "iou_threshold")
    if "nms" in found or not same(threshold, 0.7) or not before:
        write_overlap(found, threshold)
    if said or fallback is None or not same(found, before):
        config[key] = found


_SETTINGS = ("backbone", "neck", "rpn_head", "roi_head", "train_cfg", "test_cfg")

FASTER_RCNN = Algorithm(_SETTINGS, draw, write)
MASK_RCNN = Algorithm(_SETTINGS, draw, write)
