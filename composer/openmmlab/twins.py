"""Networks of torchvision and transformers that a component here has too, setting by setting."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from torch import Tensor

from composer.catalog import Catalog
from composer.graph import EMPTY, thaw
from composer.model import Model
from composer.model.hub import reset_copies
from composer.openmmlab.weights import CheckpointReport, load_state_dict
from composer.problems import GraphError, Problem, Where, nearest

__all__ = ["TORCHVISION_TWINS", "Twin", "load_twin", "torchvision_twin", "transformers_twin"]


@dataclass(frozen=True, slots=True)
class Twin:
    """The component that computes what a network of another library does.

    Args:
        component: Its type name.
        params: Its parameters, where they are not the default.
        heads: Its attention heads, which no shape of a weight shows.
    """

    component: str
    params: Mapping[str, Any] = EMPTY
    heads: int | None = None

    def __str__(self) -> str:
        given = ", ".join(f"{name}: {value}" for name, value in self.params.items())
        return f"{self.component} {{{given}}}" if given else self.component


def _wide(depth: int) -> Twin:
    return Twin("ResNet", {"depth": depth, "base_channels": 128, "expansion": 2})


TORCHVISION_TWINS: Mapping[str, Twin] = {
    **{f"resnet{depth}": Twin("ResNet", {"depth": depth}) for depth in (18, 34, 50, 101, 152)},
    "wide_resnet50_2": _wide(50),
    "wide_resnet101_2": _wide(101),
    "mobilenet_v2": Twin("MobileNetV2"),
    "swin_t": Twin("SwinTransformer"),
    "swin_s": Twin("SwinTransformer", {"arch": "small"}),
    "swin_b": Twin("SwinTransformer", {"arch": "base"}),
    "vit_b_16": Twin("VisionTransformer", heads=12),
    "vit_b_32": Twin("VisionTransformer", {"patch_size": 32}, heads=12),
    "vit_l_16": Twin("VisionTransformer", {"arch": "large"}, heads=16),
    "vit_l_32": Twin("VisionTransformer", {"arch": "large", "patch_size": 32}, heads=16),
    "vit_h_14": Twin("VisionTransformer", {"arch": "huge", "patch_size": 14}, heads=16),
}
"""By torchvision's name. Its detectors are none: their anchors are rounded to whole pixels, ours are not."""


def torchvision_twin(name: str) -> Twin:
    """The twin of a model of torchvision.

    Args:
        name: ``torchvision/NAME``, perhaps with ``.ENTRY`` behind it.

    Raises:
        GraphError: There is none.
    """
    model = name.partition("/")[2].partition(".")[0]
    found = TORCHVISION_TWINS.get(model)
    if found is None:
        near = nearest(model, TORCHVISION_TWINS)
        known = f"did you mean {' or '.join(near)}?" if near else f"there are {', '.join(TORCHVISION_TWINS)}."
        text = f"no component has the network of torchvision's {model!r}; {known} In Python, "
        text += "composer.from_module makes a graph with weights of any of its classifiers"
        raise GraphError(Problem("no-weights", Where(name), text))
    return found


@dataclass(frozen=True, slots=True)
class _Family:
    """A family of transformers.

    Args:
        twin: Its twin, of a configuration that is filled up with ``defaults``.
        defaults: Of the settings that are read.
        fixed: Settings that the component has in one form only.
    """

    twin: Callable[[Mapping[str, Any]], Twin]
    defaults: Mapping[str, Any]
    fixed: Mapping[str, Any]


def _vit(config: Mapping[str, Any]) -> Twin:
    params = {
        "patch_size": config["patch_size"],
        "qkv_bias": config["qkv_bias"],
        "norm_cfg": {"type": "LN", "eps": config["layer_norm_eps"]},
    }
    gated = {"layer_cfgs": {"ffn_type": "swiglu_fused"}} if config.get("use_swiglu_ffn") else {}
    return Twin("VisionTransformer", {**params, **gated}, heads=config["num_attention_heads"])


def _resnet(config: Mapping[str, Any]) -> Twin:
    depth = sum(config["depths"]) * (2 if config["layer_type"] == "basic" else 3) + 2
    style = "caffe" if config["downsample_in_bottleneck"] else "pytorch"
    return Twin("ResNet", {"depth": depth, "style": style})


def _swin(config: Mapping[str, Any]) -> Twin:
    params = {"patch_size": config["patch_size"], "use_abs_pos_embed": config["use_absolute_embeddings"]}
    return Twin("SwinTransformer", {**params, "norm_cfg": {"type": "LN", "eps": config["layer_norm_eps"]}})


_VIT = {"patch_size": 16, "qkv_bias": True, "layer_norm_eps": 1e-12, "num_attention_heads": 12}
_GELU = {"hidden_act": "gelu"}
_FAMILIES: Mapping[str, _Family] = {
    "dinov2": _Family(_vit, {**_VIT, "patch_size": 14, "layer_norm_eps": 1e-6}, _GELU),
    "resnet": _Family(
        _resnet,
        {"depths": [3, 4, 6, 3], "layer_type": "bottleneck", "downsample_in_bottleneck": False},
        {"hidden_act": "relu", "downsample_in_first_stage": False, "embedding_size": 64},
    ),
    "swin": _Family(
        _swin, {"patch_size": 4, "use_absolute_embeddings": False, "layer_norm_eps": 1e-5}, {**_GELU, "qkv_bias": True}
    ),
    "vit": _Family(_vit, _VIT, _GELU),
    "vit_mae": _Family(_vit, _VIT, _GELU),
    "vit_msn": _Family(_vit, {**_VIT, "layer_norm_eps": 1e-6}, _GELU),
}
"""By ``model_type``."""


def transformers_twin(name: str, config: Mapping[str, Any]) -> Twin:
    """The twin of a network of transformers.

    Args:
        name: The name of the checkpoint, for the error.
        config: What its ``config.json`` holds.

    Raises:
        GraphError: There is none.
    """
    model_type = config["model_type"]
    family = _FAMILIES.get(model_type)
    if family is None:
        text = f"the graph has no AutoBackbone {{model_type: {model_type}}}, and no component has this network; those "
        text += f"of {', '.join(_FAMILIES)} are here too"
        raise GraphError(Problem("no-weights", Where(name), text))
    other = {key: config[key] for key, value in family.fixed.items() if config.get(key, value) != value}
    if other:
        found = ", ".join(f"{key} is {value!r}, here {family.fixed[key]!r}" for key, value in other.items())
        raise GraphError(Problem("no-weights", Where(name), f"no component has this {model_type}: {found}"))
    return family.twin({**family.defaults, **config})


def load_twin(
    model: Model, twin: Twin, catalog: Catalog, name: str, state: Callable[[], Mapping[str, Tensor]]
) -> CheckpointReport:
    """Load the weights of a network into the node that has it; copies that follow the node get them too.

    Args:
        model: The model.
        twin: The component that has the network.
        catalog: Its components.
        name: The name of the weights, for errors.
        state: Gives the weights by the names of their library; called where the graph has such a node.

    Raises:
        GraphError: The graph has no such node, or nothing fits it.
    """
    nodes = [path for path, node in model.graph.nodes.items() if _is(catalog, node.type, twin.component)]
    if not nodes:
        text = f"the graph has no node {twin}, which has the network of these weights"
        raise GraphError(Problem("weights-mismatch", Where(name), text))
    report = load_state_dict(model, state())
    taken = {entry.partition(".")[0] for entry in report.matched}
    nodes = [path for path in nodes if path in taken]
    if not nodes:
        text = f"nothing of them fits the graph, which should have a node {twin}"
        raise GraphError(Problem("weights-mismatch", Where(name), text))
    followed = reset_copies(model, nodes)
    missing = [entry for entry in report.missing if not entry.endswith("num_batches_tracked")]
    return replace(
        report,
        missing=tuple(entry for entry in missing if entry.partition(".")[0] not in followed),
        otherwise={key: pair for path in nodes for key, pair in _otherwise(model, path, twin, catalog).items()},
    )


def _is(catalog: Catalog, kind: str | None, component: str) -> bool:
    found = catalog.components.get(kind or "")
    return found is not None and component in (cls.__name__ for cls in found.cls.__mro__)


_SEEN_IN_SHAPES = frozenset(
    {
        "arch",
        "base_channels",
        "depth",
        "expansion",
        "in_channels",
        "img_size",
        "layer_scale_init_value",
        "num_stages",
        "patch_size",
        "pre_norm",
        "stem_channels",
        "widen_factor",
        "window_size",
        "with_cls_token",
    }
)
_NO_MATTER = frozenset(
    {
        "drop_path_rate",
        "drop_rate",
        "final_norm",
        "frozen_stages",
        "init_cfg",
        "interpolate_mode",
        "norm_eval",
        "out_after_downsample",
        "out_indices",
        "out_type",
        "pad_small_map",
        "with_cp",
        "zero_init_residual",
    }
)
"""What is of training alone, of which outputs are given, or of images of other sizes."""


def _otherwise(model: Model, path: str, twin: Twin, catalog: Catalog) -> dict[str, tuple[Any, Any]]:
    """Settings with which a node computes something else than its twin, though all its weights have the same shapes."""
    component = catalog.components[str(model.graph.nodes[path].type)]
    given = thaw(model.node_params.get(path, EMPTY))
    found: dict[str, tuple[Any, Any]] = {}
    for parameter in component.parameters:
        name = parameter.name
        if name in _SEEN_IN_SHAPES or name in _NO_MATTER or parameter.required:
            continue
        mine, theirs = given.get(name, parameter.default), twin.params.get(name, parameter.default)
        if _plain(mine) != _plain(theirs):
            found[f"{path}.{name}"] = (mine, theirs)
    heads = next((part.num_heads for part in model.get_submodule(path).modules() if hasattr(part, "num_heads")), None)
    if twin.heads not in (None, heads):
        found[f"{path}.num_heads"] = (heads, twin.heads)
    return found


def _plain(value: Any) -> Any:
    """A setting for comparison: a normalisation without what is of training, with its usual small number."""
    if isinstance(value, tuple | list):
        return [_plain(one) for one in value]
    if isinstance(value, Mapping) and value.get("type") in ("BN", "SyncBN", "LN"):
        kind = "LN" if value["type"] == "LN" else "BN"
        return {"eps": 1e-5, **value, "type": kind, "requires_grad": True, "momentum": None}
    return dict(value) if isinstance(value, Mapping) else value
