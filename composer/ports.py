"""The types of ports: what a wire carries.

A port type is an annotated type, so a component's ``forward`` reads as ordinary typed Python::

    def forward(self, feature: Annotated[FeatureMap, "B in_channels H W"]) -> Annotated[Embedding, "B out_channels"]:
        return self.mlp(feature.mean(dim=(2, 3)))

The string names the axes: an upper-case axis is free and means the same size throughout one call (``B``, ``H``, ``W``);
a lower-case axis is a constructor parameter or an attribute of the built module; a digit is itself; ``...`` is any
number of axes, the same ones throughout one call.

A library of components adds a type in one line::

    Depth = Annotated[Tensor, PortType("Depth", parent=FeatureMap)]
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal, get_args

from torch import Tensor

__all__ = [
    "AnyTensor",
    "Assignment",
    "BoxLabels",
    "Boxes",
    "Detections",
    "Embedding",
    "FeatureMap",
    "Feeder",
    "Image",
    "ImageShape",
    "InstanceMasks",
    "Label",
    "LayerCount",
    "Levels",
    "Like",
    "Logits",
    "Loss",
    "Mask",
    "PortType",
    "Priors",
    "Pyramid",
    "RefusedInputError",
    "Rois",
    "SampleIndex",
    "Scalar",
    "Score",
    "Target",
    "Tokens",
    "Usually",
    "Weight",
    "port_type",
]


@dataclass(frozen=True, eq=False)
class PortType:
    """What a port carries.

    Args:
        name: Shown to people and written in graph files; unique in a catalog.
        parent: The type that this one is a special case of.
        element: For a sequence (one entry a level or an image), the type of one entry.
        entries: What the entries of a sequence are: ``level`` or ``image``. An entry of a sequence of levels can be
            picked by a reference (``backbone.out[-1]``); a sequence of images has as many entries as the batch.
        opaque: The value is not made of tensors with axes (a list of records), so sizes are not checked.
        role: Where such values mostly enter or leave a graph: as an ``input``, as a ``data_sample``, among the outputs
            of loss mode (``loss``) or of predict mode (``prediction``); empty for what flows between nodes.
        keywords: What people type to find it, best first.
        shape: Its usual sizes where a graph declares none, of one entry for a sequence of images; a name stands for a
            size that is free. None where there are no usual ones.
    """

    name: str
    parent: Any = None
    element: Any = None
    entries: str = "level"
    opaque: bool = False
    role: Literal["input", "data_sample", "loss", "prediction", ""] = ""
    keywords: tuple[str, ...] = ()
    shape: tuple[int | str, ...] | None = None

    def ancestors(self) -> "tuple[PortType, ...]":
        """This type, then its parents, nearest first."""
        found: list[PortType] = [self]
        while found[-1].parent is not None:
            found.append(port_type(found[-1].parent))
        return tuple(found)

    def feeds(self, other: "PortType") -> bool:
        """Whether an output of this type may be wired to an input of the type ``other``.

        It may if ``other`` is this type or an ancestor, or if this type is ``AnyTensor``: an output of which nothing
        is known but that it is a tensor (``Reshape``, ``Concat``) may go wherever a tensor may; its sizes are checked.
        """
        if any(mine.name == other.name for mine in self.ancestors()):
            return True
        if self.element is not None and other.element is not None and self.entries == other.entries:
            return port_type(self.element).feeds(port_type(other.element))
        return self.name == "AnyTensor" and other.element is None and not other.opaque

    @property
    def is_sequence(self) -> bool:
        """Whether the value is a sequence with one entry a level or an image."""
        return self.element is not None


@dataclass(frozen=True)
class Like:
    """Marks an output that has the port type of the input named ``port`` (``ReLU`` of an image is an image)."""

    port: str


@dataclass(frozen=True, init=False)
class Usually:
    """Marks an input by what mostly feeds it, where that is less than its type takes: offered first for a wire.

    ``Annotated[AnyTensor, Usually(Label)]`` is a target that takes any tensor and mostly is a label.

    Args:
        feeders: Port types, names of components, or outputs of components (``Neck.latent``); the best first.
    """

    types: tuple[PortType, ...]
    components: tuple[str, ...]

    def __init__(self, *feeders: Any) -> None:
        object.__setattr__(self, "types", tuple(port_type(item) for item in feeders if not isinstance(item, str)))
        object.__setattr__(self, "components", tuple(item for item in feeders if isinstance(item, str)))


@dataclass(frozen=True)
class LayerCount:
    """Marks a parameter that says how many layers are built: an integer, or a sequence of integers to add up.

    Graphs whose declared layers exceed a limit are refused before anything is built.

    Args:
        key: For a parameter that is a mapping (``arch``): the key that counts layers.
    """

    key: str | None = None


@dataclass(frozen=True)
class Feeder:
    """What feeds a port, as a component's ``check_inputs`` sees it.

    Args:
        module: The module whose output it is; None while sizes are inferred.
        shape: The size of what it gives, where that is known; a text such as ``B`` stands for what is free.
    """

    module: Any = None
    shape: tuple[int | str, ...] | None = None


class RefusedInputError(ValueError):
    """What a component's ``check_inputs`` raises where another component in front of the port would mend it.

    Args:
        message: The port, what was found and what was expected.
        insert: Type name of the component that makes of this value what the port expects.
        changes: What it changes.
    """

    def __init__(self, message: str, insert: str, changes: str) -> None:
        super().__init__(message)
        self.insert = insert
        self.changes = changes


def port_type(annotation: Any) -> PortType:
    """The port type inside an annotation.

    Raises:
        TypeError: The annotation carries no port type.
    """
    if isinstance(annotation, PortType):
        return annotation
    found = [extra for extra in get_args(annotation)[1:] if isinstance(extra, PortType)]
    if not found:
        raise TypeError(f"{annotation!r} is not a port type: expected Annotated[..., PortType(...)]")
    return found[-1]


AnyTensor = Annotated[Tensor, PortType("AnyTensor")]
"""A tensor of which nothing else is known."""

FeatureMap = Annotated[Tensor, PortType("FeatureMap", parent=AnyTensor)]
"""Features on a grid, [B, C, H, W]."""

Image = Annotated[
    Tensor,
    PortType(
        "Image",
        shape=("B", 3, "H", "W"),
        parent=FeatureMap,
        role="input",
        keywords=(
            "input",
            "inputs",
            "image input",
            "picture",
            "photo",
            "pixels",
            "img",
            "x",
            "InputLayer",
            "placeholder",
        ),
    ),
]
"""A batch of pictures, [B, C, H, W], after preprocessing."""

Tokens = Annotated[Tensor, PortType("Tokens", parent=AnyTensor)]
"""A sequence of vectors, [B, N, C]."""

Embedding = Annotated[Tensor, PortType("Embedding", parent=AnyTensor)]
"""One vector a sample, [B, C]."""

Logits = Annotated[Tensor, PortType("Logits", parent=Embedding)]
"""Unnormalised scores, [B, K]."""

Score = Annotated[Tensor, PortType("Score", parent=Embedding, role="prediction")]
"""Normalised scores or similarities, [B, K]."""

Label = Annotated[
    Tensor,
    PortType(
        "Label",
        shape=("B",),
        parent=AnyTensor,
        role="data_sample",
        keywords=("target", "class", "y", "ground truth", "gt_label", "annotation", "truth"),
    ),
]
"""Class indices, [B] (int64), or soft or multi-hot targets, [B, K]."""

Target = Annotated[
    Tensor,
    PortType(
        "Target",
        parent=AnyTensor,
        role="data_sample",
        keywords=("regression target", "y", "ground truth", "numbers", "soft target"),
    ),
]
"""Numbers that a prediction is compared with, of its shape."""

Weight = Annotated[
    Tensor, PortType("Weight", shape=("B",), parent=AnyTensor, role="data_sample", keywords=("weights",))
]
"""How much each element counts in a loss."""

Mask = Annotated[Tensor, PortType("Mask", parent=AnyTensor, role="data_sample", keywords=("bool", "attention mask"))]
"""A boolean or 0/1 mask, [B, ...]."""

SampleIndex = Annotated[
    Tensor,
    PortType("SampleIndex", shape=("B",), parent=AnyTensor, role="data_sample", keywords=("index", "ids")),
]
"""Which sample of the data set each one is, [B] (int64)."""

Scalar = Annotated[Tensor, PortType("Scalar", shape=(), parent=AnyTensor, role="loss", keywords=("number",))]
"""A single number, []."""

Loss = Annotated[Tensor, PortType("Loss", shape=(), parent=Scalar, role="loss")]
"""A loss: a scalar, or one value an element where the loss node does not reduce."""

Levels = Annotated[Sequence[Tensor], PortType("Levels", element=AnyTensor)]
"""One tensor a stage; what kind depends on the component's parameters."""

Pyramid = Annotated[Sequence[Tensor], PortType("Pyramid", parent=Levels, element=FeatureMap)]
"""One feature map a level, finest first."""

Boxes = Annotated[
    Sequence[Tensor],
    PortType(
        "Boxes",
        shape=("N", 4),
        element=AnyTensor,
        entries="image",
        role="data_sample",
        keywords=("gt_bboxes", "bboxes", "bounding boxes", "bounding box", "bbox", "ground truth boxes"),
    ),
]
"""One [n, 4] tensor an image: x1, y1, x2, y2 in pixels."""

Detections = Annotated[list[dict[str, Tensor]], PortType("Detections", opaque=True, role="prediction")]
"""One record an image: boxes [n, 4], scores [n], labels [n], where there are any masks [n, H, W]."""

BoxLabels = Annotated[
    Sequence[Tensor],
    PortType(
        "BoxLabels",
        shape=("N",),
        element=AnyTensor,
        entries="image",
        role="data_sample",
        keywords=("gt_labels", "box classes", "object classes"),
    ),
]
"""One [n] tensor an image: the class of each box (int64)."""

InstanceMasks = Annotated[
    Sequence[Tensor],
    PortType(
        "InstanceMasks",
        shape=("N", "H", "W"),
        element=AnyTensor,
        entries="image",
        role="data_sample",
        keywords=("gt_masks",),
    ),
]
"""One [n, H, W] tensor an image: 1 where the object of a box is, 0 elsewhere."""

ImageShape = Annotated[
    Tensor,
    PortType(
        "ImageShape",
        shape=("B", 2),
        parent=AnyTensor,
        role="data_sample",
        keywords=("img_shape", "image size"),
    ),
]
"""Height and width in pixels of each picture in a batch without what it was padded by, [B, 2]."""

Priors = Annotated[Tensor, PortType("Priors", parent=AnyTensor)]
"""Boxes that predictions start from: anchors [N, 4], the same for every image, or regions of interest [N, 5]."""

Rois = Annotated[Tensor, PortType("Rois", parent=Priors)]
"""Regions of interest, [N, 5]: which image of the batch, then x1, y1, x2, y2 in pixels; image by image."""

Assignment = Annotated[Tensor, PortType("Assignment", parent=AnyTensor)]
"""For each prior the box it answers for, counted from 1 (int64); 0 is background, -1 is disregarded."""
