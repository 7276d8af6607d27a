"""The types of ports: what a wire carries.

A port type is an annotated type, so a component's ``forward`` reads as ordinary typed Python::

    def forward(self, feature: Annotated[FeatureMap, "B in_channels H W"]) -> Annotated[Embedding, "B out_channels"]:
        return self.mlp(feature.mean(dim=(2, 3)))

The string names the axes: an upper-case axis is free and means the same size throughout one call (``B``, ``H``, ``W``);
a lower-case axis is a constructor parameter or an attribute of the built module; a digit is itself; ``...`` is any
number of axes, the same ones throughout one call.

A library of components adds a type in one line; all that it does not say is as its parent has it::

    Depth = Annotated[Tensor, PortType("Depth", parent=FeatureMap)]
"""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal, Protocol, get_args
from weakref import ReferenceType, ref

import torch
from torch import Tensor

__all__ = [
    "AnyTensor",
    "Assignment",
    "Augmentation",
    "BoxLabels",
    "Boxes",
    "Choice",
    "Choices",
    "Detections",
    "Embedding",
    "Extent",
    "FeatureMap",
    "Feeder",
    "Image",
    "ImageShape",
    "InputError",
    "InstanceMasks",
    "Label",
    "LayerCount",
    "Levels",
    "Like",
    "Logits",
    "Loss",
    "Mask",
    "MissingPackageError",
    "Numbers",
    "PortType",
    "PortTypes",
    "Priors",
    "Pyramid",
    "RefusedInputError",
    "Rois",
    "SampleIndex",
    "Scalar",
    "Score",
    "SegMap",
    "SoftTargets",
    "Target",
    "Tokens",
    "Usually",
    "Weight",
    "first_look",
    "looked_at_once",
    "port_type",
    "rows_counted",
    "rows_found",
    "rows_taken",
    "values_checked",
]

Role = Literal["input", "data_sample", "loss", "prediction", ""]
Family = Literal["image", "feature", "tokens", "vector", "label", "loss", "boxes", "any"]
Numbers = Literal["floats", "indices", "any"]
MakesExample = Callable[["Extent", torch.Generator], Any]


@dataclass(frozen=True, slots=True)
class Extent:
    """How large an example is.

    Args:
        shape: Its sizes, of one entry for a sequence of images.
        batch: How many samples there are.
        classes: How many classes there are.
        image: Height and width of the images.
    """

    shape: tuple[int, ...]
    batch: int
    classes: int
    image: tuple[int, int]


@dataclass(frozen=True, eq=False, init=False, repr=False)
class PortType:
    """What a port carries.

    What is not given is that of the parent. A type with a shape or a dtype of its own does not take its parent's
    example: that would be of another size or kind.

    Args:
        name: Shown to people and written in graph files; unique in a catalog.
        parent: The type that this one is a special case of.
        element: For a sequence (one entry a level or an image), the type of one entry.
        entries: What the entries of a sequence are: ``level`` or ``image``. An entry of a sequence of levels can be
            picked by a reference (``backbone.out[-1]``); a sequence of images has as many entries as the batch.
        opaque: The value is not made of tensors with axes (a list of records), so sizes are not checked.
        role: Where such values mostly enter or leave a graph: as an ``input``, as a ``data_sample``, among the outputs
            of loss mode (``loss``) or of predict mode (``prediction``); empty for what flows between nodes.
        keywords: What people type to find it, best first; never the parent's.
        shape: Its usual sizes where a graph declares none, of one entry for a sequence of images; a name stands for a
            size that is free. None where there are no usual ones.
        dtype: Of its numbers while sizes are inferred, and in an example.
        numbers: What a caller may hand over: ``floats`` of the weights' dtype, ``indices`` that are whole numbers, or
            ``any``. With a dtype of its own a type takes ``any`` where it says nothing else.
        anywhere: Whether a caller may hand it over on another device than the weights.
        example: Makes a value to try a graph with. By default numbers of the shape and dtype: normal ones, classes
            where they are whole, or true and false. A function of a module, so that a model can be pickled.
        family: Which colour its wires have; by default that of the parent, or else of an entry.
        offered: Whether it is among the few that are offered first for a new input.
    """

    name: str
    parent: "PortType | None"
    element: "PortType | None"
    entries: str
    opaque: bool
    role: Role
    keywords: tuple[str, ...]
    shape: tuple[int | str, ...] | None
    dtype: torch.dtype
    numbers: Numbers
    anywhere: bool
    family: Family
    offered: bool
    _example: MakesExample | None

    def __init__(
        self,
        name: str,
        parent: Any = None,
        *,
        element: Any = None,
        entries: Literal["level", "image"] | None = None,
        opaque: bool | None = None,
        role: Role | None = None,
        keywords: tuple[str, ...] = (),
        shape: tuple[int | str, ...] | None = None,
        dtype: torch.dtype | None = None,
        numbers: Numbers | None = None,
        anywhere: bool | None = None,
        example: MakesExample | None = None,
        family: Family | None = None,
        offered: bool = False,
    ) -> None:
        base = None if parent is None else port_type(parent)

        def own(value: Any, attribute: str, otherwise: Any) -> Any:
            inherited = otherwise if base is None else getattr(base, attribute)
            return inherited if value is None else value

        entry = own(None if element is None else port_type(element), "element", None)
        found = {
            "name": name,
            "parent": base,
            "element": entry,
            "entries": own(entries, "entries", "level"),
            "opaque": own(opaque, "opaque", False),
            "role": own(role, "role", ""),
            "keywords": keywords,
            "shape": own(shape, "shape", None),
            "dtype": own(dtype, "dtype", torch.float32),
            "numbers": own(numbers, "numbers", "any") if dtype is None else numbers or "any",
            "anywhere": own(anywhere, "anywhere", False),
            "family": own(family, "family", "any" if entry is None else entry.family),
            "offered": offered,
            "_example": own(example, "_example", None) if shape is None and dtype is None else example,
        }
        for attribute, value in found.items():
            object.__setattr__(self, attribute, value)

    def __repr__(self) -> str:
        return f"PortType({self.name!r})"

    def ancestors(self) -> "tuple[PortType, ...]":
        """This type, then its parents, nearest first."""
        return (self, *(() if self.parent is None else self.parent.ancestors()))

    def is_a(self, *kinds: Any) -> bool:
        """Whether it is one of these types or descends from one: ``kind.is_a(Image)``."""
        names = {mine.name for mine in self.ancestors()}
        return any(port_type(kind).name in names for kind in kinds)

    def feeds(self, other: "PortType") -> bool:
        """Whether an output of this type may be wired to an input of the type ``other``.

        It may if ``other`` is this type or an ancestor, or if this type is ``AnyTensor``: an output of which nothing
        is known but that it is a tensor (``Reshape``, ``Concat``) may go wherever a tensor may; its sizes are checked.
        """
        if self.is_a(other):
            return True
        if self.element is not None and other.element is not None and self.entries == other.entries:
            return self.element.feeds(other.element)
        return self.name == port_type(AnyTensor).name and other.element is None and not other.opaque

    @property
    def is_sequence(self) -> bool:
        """Whether the value is a sequence with one entry a level or an image."""
        return self.element is not None

    def example(self, extent: Extent, generator: torch.Generator) -> Any:
        """A value to try a graph with; None where none can be made: of levels, and of records.

        Args:
            extent: How large it is.
            generator: Gives the random numbers.
        """
        if self._example is not None:
            return self._example(extent, generator)
        if self.opaque or (self.is_sequence and self.entries == "level"):
            return None
        if self.is_sequence:
            return [_numbers(self.dtype, extent, generator) for _ in range(extent.batch)]
        return _numbers(self.dtype, extent, generator)


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


@dataclass(frozen=True, slots=True)
class Choice:
    """A value that is offered for a parameter.

    Args:
        value: The value.
        detail: What it is, in a few words.
        hint: More of it, in some lines.
    """

    value: str
    detail: str = ""
    hint: str = ""


@dataclass(frozen=True)
class Choices:
    """Marks a parameter by the values that are offered for it, in a list with a search; it takes others too.

    Args:
        listed: Gives them; called when somebody opens the list.
    """

    listed: Callable[[], Iterable[Choice]]


@dataclass(frozen=True)
class LayerCount:
    """Marks a parameter that says how many layers are built: an integer, or a sequence of integers to add up.

    Graphs whose declared layers exceed a limit are refused before anything is built.

    Args:
        key: For a parameter that is a mapping (``arch``): the key that counts layers.
    """

    key: str | None = None


@dataclass(frozen=True)
class SoftTargets:
    """Marks the port of a loss that takes shares of several classes too, [N, K]: labels of mixed images.

    Args:
        unless: Values of parameters with which it does not.
    """

    unless: Mapping[str, Any] = field(default_factory=dict, hash=False)


@dataclass(frozen=True, kw_only=True)
class Augmentation:
    """What the method of a component was published with: how training augments images where its recipe says nothing.

    A component has it as a class attribute ``augmentation``, which subclasses inherit. Steps are those of a recipe. Of
    several components of a graph that say something, the one counts whose kind stands later in a graph.

    Args:
        steps: Of the only image.
        views: Of several views of an image: of the first, of the second ...; the last ones are those of all others.
        small: Of views that are smaller than the largest one, where that makes a difference.
        margin: Whether the image is resized before, to somewhat more than the input: to what ``preprocess`` says, or
            8/7.
        shifted: Whether images of less than 64 pixels are shifted by some pixels in place of the steps.
        hidden: How patches are hidden: a way and its parameters.
        count: The parameter of the component that says how many patches are hidden.
        target: How the image that targets are made of is interpolated, where it is another input.
        where: In which graphs it counts: those with ``labels``, ``momentum`` copies or ``clusters``; by default in all.
    """

    steps: Sequence[str | Mapping[str, Any]] = ()
    views: Sequence[Sequence[str | Mapping[str, Any]]] = ()
    small: Sequence[str | Mapping[str, Any]] = ()
    margin: bool = False
    shifted: bool = True
    hidden: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    count: str = ""
    target: Literal["bicubic", "lanczos", ""] = ""
    where: Literal["labels", "momentum", "clusters", ""] = ""


@dataclass(frozen=True)
class Feeder:
    """What feeds a port, as a component's ``check_inputs`` sees it.

    Args:
        module: The module whose output it is; None while sizes are inferred.
        shape: The size of what it gives, where that is known; a text such as ``B`` stands for what is free.
    """

    module: Any = None
    shape: tuple[int | str, ...] | None = None


@dataclass
class _Looks:
    """Which values were looked at in a call of a model.

    Args:
        seen: What was looked at, by tensors' ids and numbers, and the tensors.
        trusted: Whether values on an accelerator are taken as good, so that nothing waits for them.
    """

    seen: dict[tuple[Any, ...], tuple[ReferenceType[Tensor], ...]]
    trusted: bool = False


_LOOKS: ContextVar[_Looks | None] = ContextVar("looks", default=None)


@contextmanager
def looked_at_once() -> Iterator[None]:
    """A call of a model, in which ``first_look`` says of the same tensors once that they have to be looked at."""
    outer = _LOOKS.get()
    token = _LOOKS.set(_Looks({}, trusted=outer is not None and outer.trusted))
    try:
        yield
    finally:
        _LOOKS.reset(token)


@contextmanager
def values_checked() -> Iterator[None]:
    """Calls of a model whose values on an accelerator are not looked at: each look would wait for the device.

    For loops that have looked at the same values on the CPU, by ``Model.check_values``, before they copied them there.
    Values on the CPU are looked at as ever.
    """
    token = _LOOKS.set(_Looks({}, trusted=True))
    try:
        yield
    finally:
        _LOOKS.reset(token)


def first_look(*about: Any) -> bool:
    """Whether values have to be looked at: they were not yet in this call of a model, and nobody vouches for them.

    Args:
        about: The tensors, and what they are compared with.
    """
    looks = _LOOKS.get()
    if looks is None:
        return True
    tensors = [one for one in about if isinstance(one, Tensor)]
    if looks.trusted and any(one.device.type != "cpu" for one in tensors):
        return False
    key = tuple(id(one) if isinstance(one, Tensor) else one for one in about)
    known = looks.seen.get(key)
    if known is not None and all(one() is tensor for one, tensor in zip(known, tensors, strict=True)):
        return False
    looks.seen[key] = tuple(map(ref, tensors))
    return True


class RowCounter(Protocol):
    """Takes how many rows depend on values, and says how many there are where there are no values."""

    def found(self, rows: int) -> None:
        """So many were found in values."""

    def taken(self, most: int) -> int:
        """How many are to be taken where there are no values, of at most so many."""


_ROWS: ContextVar[RowCounter | None] = ContextVar("rows", default=None)


@contextmanager
def rows_counted(counter: RowCounter) -> Iterator[None]:
    """Give a counter of all rows whose number depends on values."""
    token = _ROWS.set(counter)
    try:
        yield
    finally:
        _ROWS.reset(token)


def rows_found(rows: int) -> None:
    """Report how many rows were found in values to whoever asked."""
    counter = _ROWS.get()
    if counter is not None:
        counter.found(rows)


def rows_taken(most: int) -> int:
    """How many rows stand for those that values would give, where there are none: by default as many as may be.

    Args:
        most: As many as may be.
    """
    counter = _ROWS.get()
    return most if counter is None else counter.taken(most)


class InputError(ValueError):
    """What a component raises for a value that it cannot take; it is reported at the port.

    Args:
        port: The input port that it came in by.
        message: What was found and what was expected.
    """

    def __init__(self, port: str, message: str, *more: str) -> None:
        super().__init__(port, message, *more)
        self.port = port
        self.message = message

    def __str__(self) -> str:
        return f"{self.port}: {self.message}"


class MissingPackageError(ImportError):
    """What a component raises where a package that it is made of is not installed, or does not import.

    Args:
        package: The package, as it is imported.
        extra: The extra of this project that installs it.
        reason: Why it does not import; empty where it is not installed.
    """

    def __init__(self, package: str, extra: str, reason: str = "") -> None:
        state = f"cannot be imported ({reason})" if reason else "is not installed"
        super().__init__(f"the package {package} {state}; install it: pip install 'graph-composer[{extra}]'")
        self.package = package


class RefusedInputError(InputError):
    """What a component's ``check_inputs`` raises where another component in front of the port would mend it.

    Args:
        port: The port.
        message: What was found and what was expected.
        insert: Type name of the component that makes of this value what the port expects.
        changes: What it changes.
    """

    def __init__(self, port: str, message: str, insert: str, changes: str) -> None:
        super().__init__(port, message, insert, changes)
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


class PortTypes(dict[str, PortType]):
    """Port types by name."""

    def is_a(self, name: str, *kinds: Any) -> bool:
        """Whether the type of a name is one of ``kinds`` or descends from one: ``types.is_a("Photo", Image)``.

        A name that is not there is none of them.
        """
        return name in self and self[name].is_a(*kinds)


def _numbers(dtype: torch.dtype, extent: Extent, generator: torch.Generator) -> Tensor:
    """Normal numbers, classes where they are whole, or true and false."""
    if dtype == torch.bool:
        return torch.rand(extent.shape, generator=generator) < 0.5
    if not dtype.is_floating_point:
        return torch.randint(extent.classes, extent.shape, generator=generator, dtype=dtype)
    return torch.randn(extent.shape, generator=generator, dtype=dtype)


def _shares(extent: Extent, generator: torch.Generator) -> Tensor:
    return torch.rand(extent.shape, generator=generator)


def _labels(extent: Extent, generator: torch.Generator) -> Tensor:
    """Indices; for a shape [B, K] rows of probabilities."""
    if len(extent.shape) < 2:
        return torch.randint(extent.classes, extent.shape, generator=generator)
    return torch.rand(extent.shape, generator=generator).softmax(dim=-1)


def _indices(extent: Extent, _: torch.Generator) -> Tensor:
    return torch.arange(extent.batch)


def _image_sizes(extent: Extent, _: torch.Generator) -> Tensor:
    return torch.tensor([extent.image] * extent.batch)


def _mask(extent: Extent, generator: torch.Generator) -> Tensor:
    """As many hidden cells in every sample: 75 of 196, as BEiT hides."""
    cells = math.prod(extent.shape[1:])
    order = torch.rand(extent.shape[0], cells, generator=generator).argsort(dim=1)
    return (order < round(cells * 75 / 196)).reshape(extent.shape)


def _boxes(extent: Extent, generator: torch.Generator) -> list[Tensor]:
    """Boxes within the image."""
    corners = torch.rand(extent.batch, extent.shape[0], 2, 2, generator=generator).sort(dim=2).values
    return list((corners * torch.tensor(extent.image[::-1])).flatten(2))


def _object_masks(extent: Extent, generator: torch.Generator) -> list[Tensor]:
    shape = (extent.batch, extent.shape[0], *extent.image)
    return list((torch.rand(shape, generator=generator) < 0.5).to(torch.uint8))


AnyTensor = Annotated[Tensor, PortType("AnyTensor")]
"""A tensor of which nothing else is known."""

FeatureMap = Annotated[Tensor, PortType("FeatureMap", parent=AnyTensor, numbers="floats", family="feature")]
"""Features on a grid, [B, C, H, W]."""

Image = Annotated[
    Tensor,
    PortType(
        "Image",
        shape=("B", 3, "H", "W"),
        parent=FeatureMap,
        role="input",
        family="image",
        offered=True,
        keywords=(
            "input",
            "inputs",
            "image input",
            "image",
            "photo",
            "pixels",
            "img",
            "x",
            "InputLayer",
            "placeholder",
        ),
    ),
]
"""A batch of images, [B, C, H, W], after preprocessing."""

Tokens = Annotated[Tensor, PortType("Tokens", parent=AnyTensor, numbers="floats", family="tokens")]
"""A sequence of vectors, [B, N, C]."""

Embedding = Annotated[Tensor, PortType("Embedding", parent=AnyTensor, numbers="floats", family="vector")]
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
        dtype=torch.int64,
        role="data_sample",
        family="label",
        example=_labels,
        offered=True,
        keywords=("target", "class", "y", "ground truth", "gt_label", "annotation", "truth"),
    ),
]
"""Class indices, [B] (int64), or soft or multi-hot targets, [B, K]."""

SegMap = Annotated[
    Tensor,
    PortType(
        "SegMap",
        shape=("B", "H", "W"),
        parent=Label,
        keywords=("gt_sem_seg", "segmentation map", "semantic mask", "label map", "pixel labels"),
    ),
]
"""The class of each pixel, [B, H, W] (int64)."""

Target = Annotated[
    Tensor,
    PortType(
        "Target",
        parent=AnyTensor,
        role="data_sample",
        family="label",
        keywords=("regression target", "y", "ground truth", "numbers", "soft target"),
    ),
]
"""Numbers that a prediction is compared with, of its shape."""

Weight = Annotated[
    Tensor,
    PortType(
        "Weight",
        shape=("B",),
        parent=AnyTensor,
        role="data_sample",
        family="label",
        example=_shares,
        keywords=("weights",),
    ),
]
"""How much each element counts in a loss."""

Mask = Annotated[
    Tensor,
    PortType(
        "Mask",
        parent=AnyTensor,
        dtype=torch.bool,
        role="data_sample",
        family="image",
        example=_mask,
        keywords=("bool", "attention mask"),
    ),
]
"""A boolean or 0/1 mask, [B, ...]."""

SampleIndex = Annotated[
    Tensor,
    PortType(
        "SampleIndex",
        shape=("B",),
        parent=AnyTensor,
        dtype=torch.int64,
        anywhere=True,
        role="data_sample",
        family="label",
        example=_indices,
        keywords=("index", "ids"),
    ),
]
"""Which sample of the data set each one is, [B] (int64)."""

Scalar = Annotated[
    Tensor, PortType("Scalar", shape=(), parent=AnyTensor, role="loss", family="loss", keywords=("number",))
]
"""A single number, []."""

Loss = Annotated[Tensor, PortType("Loss", parent=Scalar)]
"""A loss: a scalar, or one value an element where the loss node does not reduce."""

Levels = Annotated[Sequence[Tensor], PortType("Levels", element=AnyTensor, family="feature")]
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
        family="boxes",
        example=_boxes,
        offered=True,
        keywords=("gt_bboxes", "bboxes", "bounding boxes", "bounding box", "bbox", "ground truth boxes"),
    ),
]
"""One [n, 4] tensor an image: x1, y1, x2, y2 in pixels."""

Detections = Annotated[list[dict[str, Tensor]], PortType("Detections", opaque=True, role="prediction", family="boxes")]
"""One record an image: boxes [n, 4], scores [n], labels [n], where there are any masks [n, H, W]."""

BoxLabels = Annotated[
    Sequence[Tensor],
    PortType(
        "BoxLabels",
        shape=("N",),
        element=AnyTensor,
        entries="image",
        dtype=torch.int64,
        numbers="indices",
        role="data_sample",
        family="boxes",
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
        dtype=torch.uint8,
        role="data_sample",
        family="image",
        example=_object_masks,
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
        dtype=torch.int64,
        anywhere=True,
        role="data_sample",
        example=_image_sizes,
        keywords=("img_shape", "image size"),
    ),
]
"""Height and width in pixels of each image in a batch without what it was padded by, [B, 2]."""

Priors = Annotated[Tensor, PortType("Priors", parent=AnyTensor, family="boxes")]
"""Boxes that predictions start from: anchors [N, 4], the same for every image, or regions of interest [N, 5]."""

Rois = Annotated[Tensor, PortType("Rois", parent=Priors)]
"""Regions of interest, [N, 5]: which image of the batch, then x1, y1, x2, y2 in pixels; image by image."""

Assignment = Annotated[Tensor, PortType("Assignment", parent=AnyTensor, family="boxes")]
"""For each prior the box it answers for, counted from 1 (int64); 0 is background, -1 is disregarded."""
