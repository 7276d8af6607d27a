"""Parts of a config as components: the table of what is named or counted differently, and both directions."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from composer.catalog import Catalog
from composer.component import Component
from composer.graph import thaw
from composer.openmmlab.init_rules import Rules, checkpoints_of, combined, without_checkpoints, without_prefix
from composer.openmmlab.masked_image_parts import MASKED_IMAGE_PARTS
from composer.openmmlab.names import scoped_type, split_type
from composer.openmmlab.plain import plain, same, without_scopes
from composer.openmmlab.token_outputs import TOKEN_OUTPUTS
from composer.openmmlab.transformer_parts import TRANSFORMER_PARTS
from composer.openmmlab.translation import Params, Translation, lower_arch

__all__ = ["PartReader", "ReadPart"]


def _from_the_stem(step: int) -> Callable[[Params], Params]:
    """Outputs of a ResNet are numbered from the stem (0) in mmselfsup, in mmpretrain the first stage is 0."""

    def shifted(params: Params) -> Params:
        levels = params.get("out_indices")
        if not isinstance(levels, list | tuple) or not all(type(level) is int for level in levels):
            return params
        return {**params, "out_indices": [level + step for level in levels]}

    return shifted


def _beyond_the_stages(params: Params) -> dict[str, str]:
    """Indices that no stage has, as they are written."""
    levels = params.get("out_indices")
    stages = params.get("num_stages", _STAGES)
    if not isinstance(levels, list | tuple) or type(stages) is not int:
        return {}
    beyond = [level for level in levels if type(level) is int and not 1 <= level <= stages]
    if not beyond:
        return {}
    text = f"found {', '.join(map(str, beyond))}; mmselfsup counts the stem as 0 and the stages from 1 to {stages}, "
    return {"out_indices": text + "and the stages alone can be given: write those"}


def _from_with_avg_pool(params: Params) -> Params:
    """The LinearNeck of mmselfsup averages maps or takes vectors; that of mmpretrain counts the axes it averages."""
    found = {key: value for key, value in params.items() if key != "with_avg_pool"}
    return {**found, "gap_dim": 2 if params["with_avg_pool"] else 0} if "with_avg_pool" in params else found


def _to_with_avg_pool(params: Params) -> Params:
    found = {key: value for key, value in params.items() if key != "gap_dim"}
    return {**found, "with_avg_pool": params["gap_dim"] == 2} if params.get("gap_dim") in (0, 2) else params


_STAGES = 4
_LOGGING = frozenset({"topk", "cal_acc"})
_HEAD = Translation(elsewhere=_LOGGING)
_SELFSUP_RESNET = Translation(
    defaults={"zero_init_residual": False},
    read=_from_the_stem(-1),
    write=_from_the_stem(1),
    wrong=_beyond_the_stages,
)
_DETECTOR_RESNET = Translation(defaults={"out_indices": [0, 1, 2, 3], "norm_eval": True})
_NAMED_SIZES = Translation(read=lower_arch)
_OF_ODC_HOOK = frozenset({"centroids_update_interval", "deal_with_small_clusters_interval"})
_OF_SWAV_HOOK = frozenset({"queue_length", "queue_starts", "frozen_steps"})
_OF_IGNORED_BOXES = frozenset({"ignore_iof_thr", "ignore_wrt_candidates", "gpu_assign_thr"})
_OF_BOXES = frozenset({"bbox_coder", "loss_bbox", "loss_cls", "reg_decoded_bbox"})
# What is beside the layers of a detector's heads: nodes of their own.
_ANCHOR_HEAD = Translation(elsewhere=_OF_BOXES | {"anchor_generator", "test_cfg", "train_cfg"})
_BOX_HEAD = Translation(elsewhere=_OF_BOXES)
_BOX_HEADS = ("BBoxHead", "DoubleConvFCBBoxHead", "Shared2FCBBoxHead", "Shared4Conv1FCBBoxHead")
_POOLING_NECK = Translation(
    defaults={"gap_dim": 2, "norm_cfg": None}, read=_from_with_avg_pool, write=_to_with_avg_pool
)

TRANSLATIONS: Mapping[tuple[str | None, str], Translation] = MappingProxyType(
    {
        ("mmselfsup", "ResNet"): _SELFSUP_RESNET,
        ("mmselfsup", "ResNetV1d"): _SELFSUP_RESNET,
        ("mmselfsup", "ResNetSobel"): _SELFSUP_RESNET,
        ("mmpretrain", "MobileNetV2"): Translation(lacks=frozenset({"in_channels"})),
        ("mmpretrain", "FocalLoss"): Translation(lacks=frozenset({"use_sigmoid", "activated"})),
        ("mmdet", "ResNet"): _DETECTOR_RESNET,
        ("mmdet", "ResNetV1d"): _DETECTOR_RESNET,
        ("mmdet", "RPNHead"): _ANCHOR_HEAD,
        ("mmdet", "RetinaHead"): _ANCHOR_HEAD,
        **{("mmdet", kind): _BOX_HEAD for kind in _BOX_HEADS},
        ("mmdet", "MaxIoUAssigner"): Translation(elsewhere=_OF_IGNORED_BOXES),
        ("mmdet", "AnchorGenerator"): Translation(elsewhere=frozenset({"use_box_type"})),
        ("mmdet", "DeltaXYWHBBoxCoder"): Translation(elsewhere=frozenset({"use_box_type"})),
        ("mmselfsup", "LinearNeck"): _POOLING_NECK,
        ("mmselfsup", "NonLinearNeck"): Translation(elsewhere=frozenset({"vit_backbone"})),
        (None, "ODCMemory"): Translation(lacks=_OF_ODC_HOOK),
        (None, "SwAVLoss"): Translation(lacks=_OF_SWAV_HOOK),
        (None, "MoCoV3ViT"): _NAMED_SIZES,
        **MASKED_IMAGE_PARTS,
        **TRANSFORMER_PARTS,
        **TOKEN_OUTPUTS,
        (None, "LinearClsHead"): _HEAD,
        (None, "VisionTransformerClsHead"): _HEAD,
        (None, "StackedLinearClsHead"): _HEAD,
        (None, "ArcFaceClsHead"): _HEAD,
        (None, "MultiLabelLinearClsHead"): Translation("LinearClsHead", frozenset({"thr", "topk"})),
        (None, "CSRAClsHead"): Translation(elsewhere=frozenset({"thr", "topk"})),
    }
)
"""What is not the same on both sides, by package (None: all of them) and type."""

_SAME = Translation()
_BESIDE = ("type", "_scope_", "pretrained")
"""What any part may say beside its parameters: its type, and a checkpoint."""


@dataclass(frozen=True, slots=True)
class ReadPart:
    """A part of a config, read.

    Args:
        type: Type name of its node.
        params: Parameters of its node; those with the default are left out.
        carried: What the config says of the part beyond its node: the type as written, values that equal the default
            or are spelled differently, and what only logs.
        wrong: Settings that have no effect in the graph, each with the reason.
    """

    type: str
    params: Params
    carried: Params
    wrong: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class PartReader:
    """Reads and writes parts of the configs of one package.

    Args:
        catalog: The components.
        package: Whose meaning numbers have where a part names no other package.
        rules: Initialisation rules of the whole model.
        strange: Told each value that is no plain data.
    """

    catalog: Catalog
    package: str
    rules: Rules = ()
    strange: Callable[[Any], None] = field(default=lambda value: None)

    def component(self, written: Any) -> Component | None:
        """The component for a type as a config writes it."""
        return self.catalog.get(self._translation(written).component or self.kind(written))

    def kind(self, written: Any) -> str:
        """The name of the component for a type as a config writes it.

        A class of a package that is none of OpenMMLab's keeps its whole path where it would be taken for a component
        that comes with composer, which is another class.
        """
        kind = split_type(written)[1]
        bare = kind.rpartition(".")[2]
        return kind if not bare or (bare in self.catalog and bare in Catalog.default()) else bare

    def beside(self, config: Params) -> list[str]:
        """The settings of a part that its node does not have: they only log, or other nodes have them."""
        full = scoped_type(config)
        elsewhere = self._translation(full).elsewhere if self.component(full) is not None else frozenset()
        return [key for key in config if key in elsewhere]

    def read(self, config: Params) -> ReadPart:
        """A part's node, and what the config says beyond it."""
        written = plain(config, self.strange)
        full = scoped_type(config)
        kind = self.kind(full)
        component = self.component(full)
        if component is None:
            elsewhere = {*_BESIDE, *self._translation(full).elsewhere}
            params = {key: value for key, value in written.items() if key not in elsewhere}
        else:
            params = dict(_explicit(component, self._values(written, component)))
        defaults = self._translation(full).defaults
        carried = {
            key: value
            for key, value in written.items()
            if key not in params or key in defaults or not same(params[key], value)
        }
        wrong = self._wrong(written) if component else {}
        return ReadPart(component.name if component else kind, params, carried, wrong)

    def write(self, kind: str, params: Params, carried: Params) -> dict[str, Any]:
        """A node's parameters as the part of a config: the opposite of ``read``.

        Args:
            kind: The part's type.
            params: The node's parameters.
            carried: What a config said of this part beyond its node. It is used where it still says the same.
        """
        old = thaw(carried) if self.kind(scoped_type(carried)) == kind else {"type": kind}
        translation, component = self._translation(scoped_type(old)), self.component(scoped_type(old))
        if component is None:
            return {**old, **thaw(params)}
        now = {**_defaults(component), **thaw(params)}
        said = self._values(old, component)
        then = {**_defaults(component), **said}
        beside = (*_BESIDE, *translation.elsewhere)
        # Settings with other names than the parameters that they stand for come back together or not at all.
        renamed = [key for key in old if key not in then and key not in beside]
        meant = [key for key in said if key not in old] if renamed else []
        stale = any(not same(then.get(key), now.get(key)) for key in meant)
        kept = {
            key: value
            for key, value in old.items()
            if key in beside or (not stale if key in renamed else same(then.get(key), now.get(key)))
        }
        told = {*params, *translation.defaults, *(meant if stale else ())} - kept.keys() - translation.lacks
        again = meant if stale else ()
        fresh = {key: now[key] for key in now if key in told and (key in again or not same(then.get(key), now[key]))}
        if self.rules and "init_cfg" in fresh:
            fresh |= {"init_cfg": self._own_rules(fresh.pop("init_cfg"))}
        return {**kept, **translation.write(fresh)}

    def _values(self, written: Params, component: Component) -> dict[str, Any]:
        """The component's parameters that a part sets; the model's rules are put before its own ``init_cfg``."""
        translation = self._translation(scoped_type(written))
        elsewhere = {*_BESIDE, *translation.elsewhere}
        given = {key: value for key, value in written.items() if key not in elsewhere}
        given = without_scopes({key: value for key, value in given.items() if key not in self._wrong(written)})
        params = {**translation.defaults, **translation.read(given)}
        if "init_cfg" not in component.parameter_by_name:
            return params
        if checkpoints_of(params.get("init_cfg")):
            kept = without_checkpoints(params.pop("init_cfg"))
            params |= {"init_cfg": kept} if kept else {}
        if self.rules:
            default = thaw(component.parameter_by_name["init_cfg"].default)
            params["init_cfg"] = combined(self.rules, params.get("init_cfg", default))
        return params

    def _wrong(self, written: Params) -> Mapping[str, str]:
        return self._translation(scoped_type(written)).wrong(written)

    def _own_rules(self, init_cfg: Any) -> Any:
        own = without_prefix(self.rules, init_cfg) or []
        return own if len(own) > 1 else own[0] if own else None

    def _translation(self, written: Any) -> Translation:
        scope, kind = split_type(written)
        table = TRANSLATIONS
        keys = ((self.package, str(written)), (scope or self.package, kind), (None, kind))
        return next((table[key] for key in keys if key in table), _SAME)


def _defaults(component: Component) -> dict[str, Any]:
    return {item.name: thaw(item.default) for item in component.parameters if not item.required}


def _explicit(component: Component, params: Params) -> Iterator[tuple[str, Any]]:
    """The parameters that do not have their default."""
    defaults = _defaults(component)
    for key, value in params.items():
        if key not in defaults or not same(defaults[key], value):
            yield key, value
