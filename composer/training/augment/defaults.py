"""The augmentation of a graph where nothing says so: what its method was published with."""

from collections.abc import Iterator, Sequence
from typing import Any

from composer import ports
from composer.catalog import Catalog
from composer.graph import Graph, Input
from composer.training.augment.hidden import default_mask, masks_of
from composer.training.augment.step import input_size
from composer.training.augment.steps import STEPS
from composer.training.augment.views import SAME_AS

__all__ = ["defaults_for"]

Steps = list[dict[str, Any] | str]

_TINY = 64  # pixels: shorter images are shifted rather than cut, and not blurred
_TRANSFORMERS = ("ViT", "VisionTransformer", "SwinTransformer")


def defaults_for(graph: Graph, catalog: Catalog) -> dict[str, Steps]:
    """The augmentation of a graph, as ``augment`` of a recipe has it.

    Sources, by what the graph is made of:

    - two views: MoCo v2 (arXiv:2003.04297, section 3), MoCo (arXiv:1911.05722, section 3.3), SimCLR (arXiv:2002.05709,
      appendix A), BYOL (arXiv:2006.07733, appendix B; Barlow Twins and MoCo v3 take the same), SwAV (arXiv:2006.09882,
      appendix A)
    - masked images: MAE (arXiv:2111.06377, table 8), MaskFeat (arXiv:2112.09133), SimMIM (arXiv:2111.09886, section
      4.1.2), BEiT (arXiv:2106.08254), BEiT v2 (arXiv:2208.06366), CAE (arXiv:2202.03026) as mmpretrain has them
    - clusters, rotations, relative places: as mmselfsup 1.0 has them
    - objects: a flip (mmdet); retrieval: a random crop and a flip (mmpretrain)
    - classes: random resized crop and flip; for transformers also RandAugment and random erasing (DeiT,
      arXiv:2012.12877); for inputs of less than 64 pixels the whole image, a random crop with a margin, and flip
      (arXiv:1512.03385, section 4.2)

    Args:
        graph: The graph.
        catalog: Its catalog.

    Returns:
        For each image input its steps, for each mask the way patches are hidden.
    """
    types = catalog.port_types
    images = {name: entry for name, entry in graph.inputs.items() if types.is_a(entry.type, ports.Image)}
    masks = masks_of(graph, catalog)
    found: dict[str, Steps] = {}
    kinds = set(_kinds(graph))
    momentum = any(node.weights.rule == "momentum" for node in graph.nodes.values())
    largest = max((min(size) for entry in images.values() if (size := input_size(entry))), default=0)
    labels = any(types.is_a(field.type, ports.Label) for field in graph.data_samples.values())
    clusters = "pseudo_label" in graph.data_samples
    boxes = any(types.is_a(field.type, ports.Boxes) for field in graph.data_samples.values())
    for number, (name, entry) in enumerate(images.items()):
        if boxes:
            steps: Steps = ["flip"]
        elif masks and number:
            word = "bicubic" if "VQKD" in kinds else "lanczos"
            steps = [{SAME_AS: {"input": next(iter(images)), "interpolation": word}}]
        elif len(images) > 1 and not masks:
            steps = _view(kinds, momentum, entry, number, largest)
        else:
            steps = list(_CLUSTERS) if clusters else _single(kinds, entry, labels)
        found[name] = [step for step in (_for_channels(step, entry) for step in steps) if step is not None]
    return found | {name: [default_mask(graph)] for name in masks}


def _kinds(graph: Graph) -> Iterator[str]:
    """The types of all nodes, also in subgraphs."""
    for nodes in (graph.nodes, *(part.nodes for part in graph.graphs.values())):
        yield from (node.type for node in nodes.values() if node.type)


def _tiny(entry: Input) -> bool:
    size = input_size(entry)
    return size is not None and max(size) < _TINY


def _crop(scale: Sequence[float], interpolation: str = "bilinear") -> dict[str, Any]:
    steps: dict[str, Any] = {"scale": [float(share) for share in scale]}
    return {"random_resized_crop": steps if interpolation == "bilinear" else steps | {"interpolation": interpolation}}


def _jitter(brightness: float, contrast: float, saturation: float, hue: float, p: float = 1.0) -> dict[str, Any]:
    amounts = {"brightness": brightness, "contrast": contrast, "saturation": saturation, "hue": hue}
    return {"color_jitter": amounts | ({"p": p} if p < 1 else {})}


def _view(kinds: set[str], momentum: bool, entry: Input, number: int, largest: int) -> Steps:
    """One of several views."""
    gray: Steps = [{"grayscale": {"p": 0.2}}]
    blur: Steps = [] if _tiny(entry) else [{"gaussian_blur": {"p": 0.5}}]
    if ("LatentPredictHead" in kinds and momentum) or kinds & {"LatentCrossCorrelationHead", "MoCoV3Head"}:
        blur = [] if _tiny(entry) else [{"gaussian_blur": {"p": 0.1 if number else 1.0}}]
        blur += [{"solarize": {"p": 0.2}}] if number else []
        return [_crop((0.08, 1), "bicubic"), "flip", _jitter(0.4, 0.4, 0.2, 0.1, 0.8), *gray, *blur]
    if "SwAVLoss" in kinds:
        small = min(input_size(entry) or (largest,)) < largest
        scale = (0.05, 0.14) if small else (0.14, 1)
        return [_crop(scale), "flip", _jitter(0.8, 0.8, 0.8, 0.2, 0.8), *gray, *blur]
    if "PairSimilarity" in kinds:
        return [_crop((0.08, 1)), "flip", _jitter(0.8, 0.8, 0.8, 0.2, 0.8), *gray, *blur]
    if "NegativeQueue" in kinds and "LinearNeck" in kinds:
        return [_crop((0.2, 1)), *gray, _jitter(0.4, 0.4, 0.4, 0.4), "flip"]
    return [_crop((0.2, 1)), _jitter(0.4, 0.4, 0.4, 0.1, 0.8), *gray, *blur, "flip"]


def _single(kinds: set[str], entry: Input, labels: bool) -> Steps:
    """The only view of a graph that is not about objects."""
    shared = next((steps for names, steps in _PRETEXTS if kinds & names), None)
    if _tiny(entry) and (shared is None or kinds & {"RandomMasking", "SimMIMHead", "MaskFeatPretrainHead"}):
        size = input_size(entry) or (_TINY, _TINY)
        return ["resize", {"random_crop": {"padding": max(min(size) // 8, 1)}}, "flip"]
    if "PatchPairs" in kinds:
        return [{"resize": {"size": _margin(entry)}}, "random_crop", {"grayscale": {"p": 0.66}}]
    if shared is not None:
        return list(shared)
    if kinds & {"ArcFaceClsHead", "SimilarityRanking"}:
        return [{"resize": {"size": _margin(entry)}}, "random_crop", "flip"]
    if labels and any(word in name for name in kinds for word in _TRANSFORMERS):
        last: Steps = ["rand_augment", {"random_erasing": {"p": 0.25, "mode": "noise"}}]
        return [_crop((0.08, 1), "bicubic"), "flip", *last]
    return ["random_resized_crop", "flip"]


def _margin(entry: Input) -> int:
    """The shorter edge that an image has before it is cropped: as ``preprocess`` says, or 8/7 of the input."""
    resize = entry.preprocess.resize if entry.preprocess else None
    size = min(input_size(entry) or (224, 224))
    return resize if isinstance(resize, int) and resize >= size else round(size * 8 / 7)


def _for_channels(step: dict[str, Any] | str, entry: Input) -> dict[str, Any] | str | None:
    """The step as far as an input without colours, or with bands, takes it."""
    channels = entry.preprocess.channels if entry.preprocess else "rgb"
    name = step if isinstance(step, str) else next(iter(step))
    if channels == "bands" and name in STEPS and not STEPS[name].bands:
        return None
    if channels != "gray":
        return step
    if name == "color_jitter" and isinstance(step, dict):
        return {name: {key: value for key, value in step[name].items() if key not in ("saturation", "hue")}}
    return None if name == "grayscale" else step


_CLUSTERS: Steps = ["random_resized_crop", "flip", {"rotate": {"degrees": 2}}, _jitter(0.4, 0.4, 1.0, 0.5)]

# Graphs of one view that are known by a component.
_PRETEXTS: tuple[tuple[set[str], Steps], ...] = (
    ({"Rotations"}, ["random_resized_crop", "flip"]),
    ({"ODCMemory"}, [*_CLUSTERS, {"grayscale": {"p": 0.2}}]),
    ({"SimpleMemory"}, [_crop((0.2, 1)), {"grayscale": {"p": 0.2}}, _jitter(0.4, 0.4, 0.4, 0.4), "flip"]),
    ({"BEiTV2Head"}, [_crop((0.2, 1), "bicubic"), "flip", _jitter(0.4, 0.4, 0.4, 0.0)]),
    ({"BEiTV1Head", "CAEHead"}, [_crop((0.08, 1), "bicubic"), "flip", _jitter(0.4, 0.4, 0.4, 0.0)]),
    ({"SimMIMHead"}, [_crop((0.67, 1)), "flip"]),
    ({"MaskFeatPretrainHead"}, [_crop((0.5, 1), "bicubic"), "flip"]),
    ({"RandomMasking"}, [_crop((0.2, 1), "bicubic"), "flip"]),
)
