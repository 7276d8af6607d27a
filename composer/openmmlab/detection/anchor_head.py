"""Heads over anchors: what they learn from, and the boxes that they say."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from composer.graph import Wired
from composer.openmmlab.detection.body import NOTHING, Body, Reading, kind_of
from composer.openmmlab.detection.settings import dig, put
from composer.openmmlab.plain import plain, same

__all__ = ["RETINA", "RPN", "AnchorHead", "chosen", "draw_loss", "offsets_of"]

_CODER: Mapping[str, Any] = MappingProxyType({"type": "DeltaXYWHBBoxCoder"})
_OFFSETS = ("target_means", "target_stds")
_RATIOS = [0.5, 1.0, 2.0]
_OCTAVE = {"octave_base_scale": 4, "scales_per_octave": 3}
_GHM = ("GHMC", "GHMR")
_TRAINING = ("assigner", "sampler", "allowed_border", "pos_weight", "debug", "smoothl1_beta")
_NESTED = ("anchor_generator", "bbox_coder", "loss_cls", "loss_bbox", "reg_decoded_bbox")


@dataclass(frozen=True, slots=True)
class AnchorHead:
    """A kind of head over anchors.

    Args:
        slot: Where it stands in the config; its node has the same id.
        kind: Its usual type.
        defaults: Its parts where the config says none.
        scores: The reference to its scores, one map a level.
        deltas: The reference to its offsets.
        labels: Whether anchors are told apart by the classes of boxes.
        usual: Anchors at a pixel where its node says nothing.
        outside: Settings of the head that its node does not have.
    """

    slot: str
    kind: str
    defaults: Mapping[str, Mapping[str, Any]]
    scores: str
    deltas: str
    labels: bool
    usual: int
    outside: tuple[str, ...] = ()

    def part(self, config: Mapping[str, Any], key: str) -> Any:
        """A part of the head, or its default."""
        return config.get(key, self.defaults[key])

    def sigmoid(self, config: Mapping[str, Any]) -> bool:
        """Whether classes are scored by themselves."""
        loss = self.part(config, "loss_cls")
        return bool(dig(loss, "use_sigmoid", kind_of(loss) in ("FocalLoss", "GHMC")))

    def draw_layers(self, body: Body, config: Mapping[str, Any], feature: Wired) -> None:
        """The node of the head itself, on the levels of the neck, or of the backbone where there is none."""
        layers = {key: value for key, value in config.items() if key not in (*_NESTED, *self.outside)}
        count = _anchors(self.part(config, "anchor_generator"))
        more = {**chosen("num_anchors", count, self.usual), **chosen("use_sigmoid", self.sigmoid(config), True)}
        body.part(self.slot, layers, f"model.{self.slot}", more, feature=feature)

    def draw_boxes(self, body: Body, config: Mapping[str, Any]) -> None:
        """The anchors, and the boxes that the head says."""
        path = f"model.{self.slot}"
        body.part(
            "anchors",
            self.part(config, "anchor_generator"),
            f"{path}.anchor_generator",
            feature=self.scores,
            image="image",
        )
        body.add("predictions", "AnchorPredictions", cls_score=self.scores, bbox_pred=self.deltas)
        wires: dict[str, Any] = {"deltas": "predictions.bbox_pred", "image": "image", "image_shape": "image_shape"}
        body.part("coder", self.part(config, "bbox_coder"), f"{path}.bbox_coder", priors="anchors.out", **wires)

    def draw_learning(
        self, body: Body, config: Mapping[str, Any], train: Mapping[str, Any], path: str, divisor: int
    ) -> None:
        """What the head should say, and its losses.

        Args:
            body: Takes the nodes.
            config: The head.
            train: How it is trained.
            path: Where that stands in the config.
            divisor: What the sides of padded pictures are multiples of.
        """
        body.known(train, _TRAINING, path)
        strides = plain(dig(self.part(config, "anchor_generator"), "strides"))
        border = plain(train.get("allowed_border", -1))
        params = {"strides": strides, **chosen("allowed_border", border, -1), **chosen("pad_size_divisor", divisor, 1)}
        at = {"priors": "anchors.out", "feature": self.scores, "image": "image", "image_shape": "image_shape"}
        body.add("inside", "ValidAnchors", params, **at)
        boxes = {"priors": "anchors.out", "boxes": "boxes", "valid": "inside.out"}
        body.assigner(train.get("assigner"), f"{path}.assigner", **boxes)
        sampler = train.get("sampler") or {"type": "PseudoSampler"}
        body.part("sampler", sampler, f"{path}.sampler", priors="anchors.out", assigned="assigner.out")
        self._draw_targets(body, config, train)
        self._draw_losses(body, config, strides)

    def _draw_targets(self, body: Body, config: Mapping[str, Any], train: Mapping[str, Any]) -> None:
        weight = plain(train.get("pos_weight", -1))
        params = {"num_classes": plain(config.get("num_classes", 80)) if self.labels else 1}
        params |= chosen("pos_weight", weight, -1)
        labels = {"box_labels": "box_labels"} if self.labels else {}
        wires = {"priors": "sampler.priors", "assigned": "sampler.assigned", "boxes": "boxes", **labels}
        body.add("targets", "BoxTargets", params, **wires)

    def _draw_losses(self, body: Body, config: Mapping[str, Any], strides: Any) -> None:
        path, prediction, target = f"model.{self.slot}", "predictions.bbox_pred", "encoder.out"
        offsets = offsets_of(body, self.part(config, "bbox_coder"))
        if config.get("reg_decoded_bbox"):
            prediction, target = "decoded.out", "targets.boxes"
            body.add("decoded", "DeltaXYWHBBoxCoder", offsets, priors="sampler.priors", deltas="predictions.bbox_pred")
        else:
            body.add("encoder", "DeltaXYWHBBoxEncoder", offsets, priors="sampler.priors", boxes="targets.boxes")
        levels = len(strides) if isinstance(strides, list) else 1
        cls = {"pred": "predictions.cls_score", "target": "targets.labels", "weight": "targets.label_weights"}
        draw_loss(body, "loss_cls", self.part(config, "loss_cls"), f"{path}.loss_cls", cls, levels)
        box = {"pred": prediction, "target": target, "weight": "targets.box_weights"}
        draw_loss(body, "loss_bbox", self.part(config, "loss_bbox"), f"{path}.loss_bbox", box, levels)

    def write(self, body: Reading, head: Reading, before: Mapping[str, Any], learns: bool) -> dict[str, Any]:
        """The config of the head.

        Args:
            body: The scope of its anchors and losses.
            head: The scope of the head itself.
            before: What the config said of it.
            learns: Whether there are losses.
        """
        own = {key: value for key, value in before.items() if key not in (*_NESTED, *self.outside)}
        found = head.part(self.slot, own, ("num_anchors", "use_sigmoid"))
        found |= {key: plain(value) for key, value in before.items() if key in (*_NESTED, *self.outside)}
        body.nested(found, "anchor_generator", "anchors", self.defaults["anchor_generator"])
        body.nested(found, "bbox_coder", "coder", self.defaults["bbox_coder"])
        if learns:
            put(found, "reg_decoded_bbox", "decoded" in body.nodes, False)
            for key in ("loss_cls", "loss_bbox"):
                body.nested(found, key, key, self.defaults[key], ("levels",))
        return found

    def write_training(self, body: Reading, before: Mapping[str, Any]) -> dict[str, Any]:
        """How the head is trained."""
        found: dict[str, Any] = plain(before)
        for key in ("assigner", "sampler"):
            found[key] = body.part(key, before.get(key))
        if before.get("sampler", NOTHING) is NOTHING and found["sampler"] == {"type": "PseudoSampler"}:
            del found["sampler"]
        put(found, "allowed_border", body.param("inside", "allowed_border"), always=not before)
        put(found, "pos_weight", body.param("targets", "pos_weight"), always=not before)
        return found


def chosen(name: str, value: Any, default: Any) -> dict[str, Any]:
    """A parameter, unless it has its default."""
    return {} if same(value, default) else {name: value}


def draw_loss(body: Body, name: str, config: Any, path: str, wires: Mapping[str, Any], levels: int = 1) -> None:
    """The node of a loss; those by gradient take the levels one by one and know themselves what to divide by."""
    if kind_of(config) in _GHM:
        body.part(name, config, path, {"levels": levels}, level="predictions.level", **wires)
    else:
        body.part(name, config, path, avg_factor="sampler.avg_factor", **wires)


def offsets_of(body: Body, coder: Any) -> dict[str, Any]:
    """Mean and deviation of a coder, where they are not the default."""
    read = body.draft.reader.read(coder) if isinstance(coder, Mapping) and "type" in coder else None
    return {key: read.params[key] for key in _OFFSETS if key in read.params} if read else {}


def _anchors(config: Any) -> int:
    """Anchors at a pixel."""
    ratios, scales = dig(config, "ratios"), dig(config, "scales")
    count = len(scales) if isinstance(scales, list | tuple) else dig(config, "scales_per_octave")
    return len(ratios) * count if isinstance(ratios, list | tuple) and type(count) is int else 1


RPN = AnchorHead(
    slot="rpn_head",
    kind="RPNHead",
    defaults=MappingProxyType(
        {
            "anchor_generator": {
                "type": "AnchorGenerator",
                "scales": [8, 16, 32],
                "ratios": _RATIOS,
                "strides": [4, 8, 16, 32, 64],
            },
            "bbox_coder": _CODER,
            "loss_cls": {"type": "CrossEntropyLoss", "use_sigmoid": True, "loss_weight": 1.0},
            "loss_bbox": {"type": "SmoothL1Loss", "beta": 1.0 / 9.0, "loss_weight": 1.0},
        }
    ),
    scores="cls_score",
    deltas="bbox_pred",
    labels=False,
    usual=3,
    outside=("num_classes",),
)
"""The first stage of a two-stage detector, whose anchors and losses are a subgraph."""

RETINA = AnchorHead(
    slot="bbox_head",
    kind="RetinaHead",
    defaults=MappingProxyType(
        {
            **RPN.defaults,
            "anchor_generator": {
                "type": "AnchorGenerator",
                **_OCTAVE,
                "ratios": _RATIOS,
                "strides": [8, 16, 32, 64, 128],
            },
        }
    ),
    scores="bbox_head.cls_score",
    deltas="bbox_head.bbox_pred",
    labels=True,
    usual=9,
)
"""The head of a RetinaNet."""
