"""RetinaNet: one head says of every anchor what is there and where."""

from collections.abc import Mapping
from typing import Any

from composer.graph import Ref
from composer.openmmlab.algorithms.algorithm import Algorithm
from composer.openmmlab.algorithms.unknown import UNKNOWN
from composer.openmmlab.detection.anchor_head import RETINA, chosen
from composer.openmmlab.detection.body import Body, Reading
from composer.openmmlab.detection.pictures import FIELDS, draw_picture, padded_to, write_divisor, write_picture
from composer.openmmlab.detection.roi_head import overlap, write_overlap
from composer.openmmlab.detection.settings import put, section, sections, wrong_sections
from composer.openmmlab.draft import Draft
from composer.openmmlab.plain import plain
from composer.openmmlab.trace import Trace

__all__ = ["RETINANET"]

_PARTS = ("backbone", "bbox_head")
_TEST = ("nms_pre", "min_bbox_size", "score_thr", "nms", "max_per_img")
_DEFAULTS = {"nms_pre": 1000, "score_thr": 0.05, "max_per_img": 100, "min_bbox_size": 0}
_UNSAID = {**_DEFAULTS, "score_thr": 0, "min_bbox_size": -1}


def draw(config: Mapping[str, Any], draft: Draft) -> None:
    """Draw a RetinaNet; one without a backbone or a head is drawn by its parts' places."""
    if lacking := [slot for slot in _PARTS if not isinstance(config.get(slot), Mapping)]:
        draft.draws_by_places(f"{', '.join(lacking)} is missing")
        UNKNOWN.draw(config, draft)
        return
    head = {"type": "RetinaHead", **section(config, "bbox_head")}
    train, test = section(config, "train_cfg"), section(config, "test_cfg")
    for key in ("train_cfg", "test_cfg"):
        for path, text in wrong_sections(config.get(key), f"model.{key}", ()).items():
            draft.not_understood(path, text)
    levels = draw_picture(config, draft)
    for slot in ("bbox_head", "train_cfg", "test_cfg"):
        if slot in config:
            draft.carry(slot, config[slot])
    body = Body(draft, draft.nodes)
    RETINA.draw_layers(body, head, levels)
    RETINA.draw_boxes(body, head)
    if train:
        RETINA.draw_learning(body, head, train, "model.train_cfg", padded_to(config, draft))
        draft.outputs["loss"] = {name: Ref(name, "out") for name in ("loss_cls", "loss_bbox")}
    body.known(test, _TEST, "model.test_cfg")
    params = [
        chosen(key, plain(test.get(key, _UNSAID[key] if test else value)), value) for key, value in _DEFAULTS.items()
    ]
    params += [overlap(body, test, "model.test_cfg", 0.5), chosen("use_sigmoid", RETINA.sigmoid(head), True)]
    joined = {key: value for part in params for key, value in part.items()}
    body.add("prediction", "AnchorBoxPrediction", joined, cls_score=RETINA.scores, boxes="coder.out")
    fields = ("boxes", "box_labels", "image_shape") if train else ("image_shape",)
    draft.data_samples = {name: FIELDS[name] for name in fields}
    tensor = {name: Ref("bbox_head", name) for name in ("cls_score", "bbox_pred")}
    draft.outputs = {"tensor": tensor, **draft.outputs, "predict": {"detections": Ref("prediction", "out")}}


def write(trace: Trace) -> dict[str, Any]:
    """Write a RetinaNet."""
    if "anchors" not in trace.graph.nodes:
        return UNKNOWN.write(trace)
    learns = bool(trace.graph.outputs.get("loss"))
    before, train, test = (sections(trace.carried.get(key), ()) for key in ("bbox_head", "train_cfg", "test_cfg"))
    body = Reading(trace)
    found = write_picture(trace, "bbox_head")
    found["bbox_head"] = RETINA.write(body, body, before, learns)
    if learns:
        found |= write_divisor(body)
        found["train_cfg"] = RETINA.write_training(body, train)
    said = bool(test)
    for key in _DEFAULTS:
        put(test, key, body.param("prediction", key), (_UNSAID if said else _DEFAULTS)[key], always=not said)
    write_overlap(test, body.param("prediction", "iou_threshold"))
    return {**found, "test_cfg": test}


RETINANET = Algorithm(("backbone", "neck", "bbox_head", "train_cfg", "test_cfg"), draw, write)
