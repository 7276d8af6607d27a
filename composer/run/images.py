"""Images to inputs: decoded, resized, cropped, padded and normalised as an input's ``preprocess`` says.

Each step does what OpenMMLab's does (mmcv, to the pixel with its OpenCV or its Pillow backend), so that a network
trained there sees the same:

- decoding turns an image upright by its EXIF orientation, drops alpha, keeps the upper byte of 16-bit samples and
  takes the first frame; gray is 0.299 R + 0.587 G + 0.114 B;
- resizing rounds to whole levels (``composer.run.interpolation``), and sizes as ``composer.run.geometry`` says;
- the crop is from the centre (``CenterCrop``), padding is added below and on the right (``Pad``).
"""

import io
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError
from torch import Tensor

from composer import ports
from composer.catalog import Catalog
from composer.graph import Graph, Input, Preprocess
from composer.problems import Edit, Fix, GraphError, Problem, Where, suggestion
from composer.run.geometry import Frame, Size, fitting_steps, middle, middle_share, padded_size, refitted, resized_size
from composer.run.interpolation import resampled

__all__ = [
    "MAX_PIXELS",
    "ImageLike",
    "Normalisation",
    "Prepared",
    "decode",
    "fit",
    "prepare",
    "preprocess",
    "unprepared",
]

MAX_PIXELS = 89_478_485
"""An image with more pixels, as decoded or as resized, is refused (Pillow's bound: 256 MiB of three channels)."""

ImageLike = str | Path | bytes | Image.Image | NDArray[np.uint8]
"""A path, the bytes of an image file, a Pillow image, or an array [H, W], [H, W, 1], [H, W, 3] (RGB) or [H, W, 4]."""

Pixels = NDArray[np.uint8]

# What cameras and the web use. Formats that start other programs (EPS, WMF) are not opened.
_FORMATS = ("AVIF", "BMP", "GIF", "JPEG", "JPEG2000", "PNG", "PPM", "TIFF", "WEBP")
_WITH_PALETTE_OR_ALPHA = ("LA", "La", "P", "PA", "RGBa")
_ORIENTATION = 0x0112  # of EXIF; from 5 on, height and width change places
_ON_ITS_SIDE = (5, 6, 7, 8)


@dataclass(frozen=True, slots=True)
class Prepared:
    """An image as an input.

    Args:
        tensor: float32 [C, H, W].
        frame: Where the image lies in it: boxes of the input become those of the image by it.
    """

    tensor: Tensor
    frame: Frame


def preprocess(graph: Graph, image: ImageLike | Sequence[ImageLike], name: str | None = None) -> Tensor:
    """Prepare images as an input of a graph.

    Args:
        graph: The graph; ``preprocess`` of its input describes the steps.
        image: An image, or several.
        name: Name of the input; may be left out if only one takes images.

    Returns:
        float32 [1, C, H, W], or [B, C, H, W] for several images.

    Raises:
        GraphError: The input has no ``preprocess``, an image cannot be read, or it does not have the input's size.
    """
    several = isinstance(image, list | tuple)
    images: Sequence[Any] = image if several else [image]  # type: ignore[assignment]
    name, _ = _input_of(graph, name)
    prepared: list[Tensor] = []
    problems: list[Problem] = []
    for position, one in enumerate(images):
        try:
            prepared.append(_prepare(graph, name, one, _label(one, position if several else None)).tensor)
        except GraphError as error:
            problems.extend(item for item in error.problems if item not in problems)
    problems.extend(_unequal(prepared, name) if not problems else ())
    if problems:
        raise GraphError(problems)
    return torch.stack(prepared)


def prepare(graph: Graph, image: ImageLike, name: str | None = None) -> Prepared:
    """Make one image into an input of a graph, and say where it lies in it.

    Args:
        graph: The graph; its input says how in ``preprocess``.
        image: The image.
        name: Name of the input; may be left out where only one takes images.

    Raises:
        GraphError: As ``preprocess``.
    """
    return _prepare(graph, _input_of(graph, name)[0], image, _label(image, None))


def unprepared(graph: Graph, types: ports.PortTypes) -> list[Problem]:
    """Notices of image inputs that do not say how an image becomes them: a run on an image would be refused.

    Inputs of other types hold features that were computed elsewhere, and images of other than 1 or 3 channels are made
    elsewhere: no image goes there. Where one input says how, the image goes to that one alone.

    Args:
        graph: A graph without errors.
        types: The port types by name.
    """
    if any(entry.preprocess is not None for entry in graph.inputs.values()):
        return []
    images = {name: entry for name, entry in graph.inputs.items() if types.is_a(entry.type, ports.Image)}
    found = [_no_preprocess(graph, name, entry) for name, entry in images.items()]
    return [replace(problem, severity="notice") for problem in found if problem.fix is not None]


def decode(
    image: ImageLike, channels: str, label: str, least: Callable[[Size], Size | None] | None = None
) -> Image.Image | Pixels:
    """Decode an image as inputs see it: upright, without alpha, eight bits.

    Args:
        image: The image.
        channels: As ``Preprocess.channels`` has them. Red, green and blue come in this order for ``bgr`` too.
        label: What messages call it.
        least: Called with the upright height and width of a JPEG before it is decoded; may answer with a smaller size
            that is enough. The file is then decoded smaller, by 2, 4 or 8, but no side below that size.

    Returns:
        An image in mode ``L`` or ``RGB``; for ``bands`` the array, [H, W, C].

    Raises:
        GraphError: It cannot be read.
    """
    if channels == "bands":
        return _bands(image, label)
    try:
        opened = _opened(image, label, least)
        if opened.width * opened.height > MAX_PIXELS:
            raise Image.DecompressionBombError
        upright = _eight_bit(ImageOps.exif_transpose(opened) if _orientation(opened) != 1 else opened)
        if upright.mode in _WITH_PALETTE_OR_ALPHA or "transparency" in upright.info:
            upright = upright.convert("RGBA")
        mode = "L" if channels == "gray" else "RGB"
        upright.load()
        return upright if upright.mode == mode else upright.convert(mode)
    except GraphError:
        raise
    except Image.DecompressionBombError as error:
        text = f"it declares more than the {MAX_PIXELS:,} pixels that are accepted; make it smaller first"
        raise GraphError(Problem("image-too-large", Where(label), text)) from error
    except Exception as error:  # a damaged file may make a decoder raise anything
        raise GraphError(Problem("bad-image", Where(label), _unreadable(error))) from error


def fit(graph: Graph, name: str, pixels: Pixels, label: str, *, resize: bool = True) -> Prepared:
    """Bring a decoded image to the size and the channels of an input; ``Normalisation`` is what is left to do.

    Args:
        graph: The graph.
        name: Name of the input, which says how in ``preprocess``.
        pixels: uint8 [C, H, W]; colours in the order red, green, blue.
        label: What messages call the image.
        resize: Whether it is resized and cropped; else it has its size.

    Returns:
        Its levels: uint8, or float32 where it was padded.

    Raises:
        GraphError: It does not become the input.
    """
    entry = graph.inputs[name]
    steps = entry.preprocess
    if steps is None:
        raise GraphError(_no_preprocess(graph, name, entry))
    if resize:
        pixels, frame = _sized(pixels, name, entry, label)
    else:
        size = (pixels.shape[1], pixels.shape[2])
        frame = Frame(size, size, padded_size(size, steps.pad), (1.0, 1.0), (0.0, 0.0))
    if steps.channels == "bgr":
        pixels = pixels[::-1]
    values = torch.from_numpy(np.array(pixels, order="C"))
    _check_size(graph, name, entry, (len(values), *frame.padded), label)
    return Prepared(_padded(values, frame, steps), frame)


class Normalisation:
    """``(x - mean) / std`` of an input, for one image or a batch.

    Args:
        name: The input.
        entry: What is declared of it.
    """

    def __init__(self, name: str, entry: Input) -> None:
        self.steps = entry.preprocess or Preprocess()
        self.name = name
        given = (self.steps.mean, self.steps.std)
        self._mean, self._std = (None if one is None else torch.tensor(one).view(-1, 1, 1) for one in given)

    def __call__(self, levels: Tensor, out: Tensor | None = None) -> Tensor:
        """The levels as an input.

        Args:
            levels: [..., C, H, W].
            out: Where they are written; float32 of the same sizes.

        Returns:
            float32 of the same sizes.

        Raises:
            GraphError: Mean or deviation have another number of channels.
        """
        for word, numbers in (("mean", self.steps.mean), ("std", self.steps.std)):
            if numbers is not None and len(numbers) != levels.shape[-3]:
                text = (
                    f"expected {levels.shape[-3]} numbers, one a channel ({self.steps.channels}), found {len(numbers)}"
                )
                raise GraphError(Problem("bad-preprocess", Where(f"inputs.{self.name}.preprocess.{word}"), text))
        values = levels.to(torch.float32, copy=True) if out is None else out.copy_(levels)
        if self._mean is not None:
            values.sub_(self._mean)
        if self._std is not None:
            values.div_(self._std)
        return values


def _prepare(graph: Graph, name: str, image: ImageLike, label: str) -> Prepared:
    entry = graph.inputs[name]
    if entry.preprocess is None:
        raise GraphError(_no_preprocess(graph, name, entry))
    levels = np.asarray(decode(image, entry.preprocess.channels, label))
    fitted = fit(graph, name, levels.reshape(*levels.shape[:2], -1).transpose(2, 0, 1), label)
    return replace(fitted, tensor=Normalisation(name, entry)(fitted.tensor))


def _sized(pixels: Pixels, name: str, entry: Input, label: str) -> tuple[Pixels, Frame]:
    """The image resized and cropped, and where it lies."""
    steps = entry.preprocess or Preprocess()
    image = (pixels.shape[1], pixels.shape[2])
    if steps.crop is not None and steps.crop_padding is not None:
        origin, cut = middle_share(image, steps.crop, steps.crop_padding)
        pixels = pixels[:, origin[0] : origin[0] + cut[0], origin[1] : origin[1] + cut[1]]
        size = steps.crop
    else:
        origin, cut, size = (0, 0), image, resized_size(image, steps.resize)
    _refuse_large(image, size, label)
    pixels = resampled(pixels, size, steps.interpolation, steps.backend)
    scale = (size[0] / cut[0], size[1] / cut[1])
    if steps.crop is not None and steps.crop_padding is None:
        top, left = _crop_place(name, entry, size, steps.crop, label)
        size = steps.crop
        pixels = pixels[:, top : top + size[0], left : left + size[1]]
        frame = Frame(image, size, padded_size(size, steps.pad), scale, (top / scale[0], left / scale[1]))
    else:
        frame = Frame(image, size, padded_size(size, steps.pad), scale, (float(origin[0]), float(origin[1])))
    _refuse_large(image, frame.padded, label)
    return pixels, frame


def _unreadable(error: Exception) -> str:
    if isinstance(error, UnidentifiedImageError):
        return f"this is not an image that can be read; expected one of {', '.join(_formats())}"
    return f"this image cannot be read, it may be damaged or cut off: {str(error) or type(error).__name__}"


def _opened(image: Any, label: str, least: Callable[[Size], Size | None] | None = None) -> Image.Image:
    if isinstance(image, Image.Image):
        return image
    if isinstance(image, np.ndarray):
        return _from_array(image, label)
    if isinstance(image, bytes):
        return _reduced(Image.open(io.BytesIO(image), formats=_formats()), least)
    if not isinstance(image, str | Path):
        text = f"expected a path, bytes, a Pillow image or a uint8 array, found {type(image).__name__}"
        raise GraphError(Problem("bad-image", Where(label), text))
    if not Path(image).is_file():
        raise GraphError(Problem("no-file", Where(label), "there is no such image file"))
    with Image.open(image, formats=_formats()) as file:
        if file.width * file.height <= MAX_PIXELS:
            _reduced(file, least).load()
        return file


def _reduced(file: Image.Image, least: Callable[[Size], Size | None] | None) -> Image.Image:
    """A file that will be decoded smaller where that is enough; only JPEG can."""
    if least is None or file.format != "JPEG":
        return file
    turned = _orientation(file) in _ON_ITS_SIDE
    size = (file.width, file.height) if turned else (file.height, file.width)
    enough = least(size)
    if enough is not None:
        file.draft(None, enough if turned else enough[::-1])
    return file


def _orientation(image: Image.Image) -> int:
    found = image.getexif().get(_ORIENTATION, 1)
    return found if isinstance(found, int) else 1


def _formats() -> list[str]:
    """The formats that this build of Pillow reads."""
    Image.init()
    return [name for name in _FORMATS if name in Image.OPEN]


def _from_array(array: NDArray[Any], label: str) -> Image.Image:
    fits = array.ndim == 2 or (array.ndim == 3 and array.shape[2] in (1, 3, 4))
    if array.dtype != np.uint8 or not fits or not array.size:
        text = (
            f"expected an array of uint8 [H, W], [H, W, 1], [H, W, 3] or [H, W, 4], found {array.dtype} "
            f"{list(array.shape)}"
        )
        raise GraphError(Problem("bad-image", Where(label), text))
    plain = array[:, :, 0] if array.ndim == 3 and array.shape[2] == 1 else array
    return Image.fromarray(np.ascontiguousarray(plain))


def _eight_bit(image: Image.Image) -> Image.Image:
    """An image of 16-bit samples by their upper bytes; others as they are."""
    if image.mode == "F":
        raise ValueError("its samples are floating-point numbers; convert it to 8 or 16 bits")
    if not image.mode.startswith("I"):
        return image
    levels = np.asarray(image).astype(np.int64)
    if levels.min() < 0 or levels.max() > 0xFFFF:
        raise ValueError("its samples have more than 16 bits; convert it to 8 or 16 bits")
    return Image.fromarray((levels >> 8).astype(np.uint8))


def _bands(image: Any, label: str) -> Pixels:
    """An array of any number of channels; no image file has them."""
    if not isinstance(image, np.ndarray) or image.ndim != 3 or image.dtype != np.uint8 or not image.size:
        found = f"{image.dtype} {list(image.shape)}" if isinstance(image, np.ndarray) else _kind(image)
        text = (
            f"the input takes bands, which an image does not have; expected an array of uint8 [H, W, C], found {found}"
        )
        raise GraphError(Problem("bad-image", Where(label), text))
    return image


def _kind(image: Any) -> str:
    return "an image file" if isinstance(image, str | Path | bytes) else type(image).__name__


def _refuse_large(image: Size, size: Size, label: str) -> None:
    if size[0] * size[1] > MAX_PIXELS:
        text = f"resized from {_by(*image)} it would be {_by(*size)}, which is more than is accepted"
        raise GraphError(Problem("image-too-large", Where(label), text))
    if min(size) < 1:
        text = f"resized from {_by(*image)} it would be {_by(*size)}: nothing would be left of it"
        raise GraphError(Problem("image-size", Where(label), text))


def _resized_first(name: str, crop: Size) -> Fix:
    size = list(crop)
    fix = f"set inputs.{name}.preprocess.resize to {size}"
    edit = Edit(("inputs", name, "preprocess", "resize"), size)
    return Fix(fix, (edit,), "nothing is cut off then")


def _crop_place(name: str, entry: Input, size: Size, crop: Size, label: str) -> Size:
    """Where the crop begins."""
    if size[0] < crop[0] or size[1] < crop[1]:
        fix = refitted(name, entry) or _resized_first(name, crop)
        text = f"it is {_by(*size)}, too small to crop {_by(*crop)} out of it; resize before the crop"
        raise GraphError(Problem("image-size", Where(label), text, fix))
    return middle(size, crop)


def _padded(values: Tensor, frame: Frame, steps: Preprocess) -> Tensor:
    """The image with pixels added below and on the right."""
    if frame.padded == frame.size or steps.pad is None:
        return values
    value = steps.pad.get("value", steps.mean if steps.mean is not None else 0)
    filled = torch.tensor(value, dtype=torch.float32).reshape(-1, 1, 1).expand(len(values), *frame.padded).clone()
    filled[:, : frame.size[0], : frame.size[1]] = values
    return filled


def _check_size(graph: Graph, name: str, entry: Input, sizes: tuple[int, int, int], label: str) -> None:
    """Refuse an image that is not of the declared size."""
    declared = entry.shape
    if declared is None:
        return
    expected = " ".join(map(str, declared))
    channels, height, width = sizes
    if len(declared) != 4 or (isinstance(declared[1], int) and declared[1] != channels):
        text = f"as {entry.preprocess.channels if entry.preprocess else 'rgb'} it is B {channels} {height} {width}"
        raise GraphError(
            Problem("image-size", _where(graph, name, label), f"{text}, input '{name}' expects {expected}")
        )
    if any(isinstance(size, int) and size != own for size, own in zip(declared[2:], (height, width), strict=True)):
        text = f"it is {_by(height, width)} after preprocessing, input '{name}' expects {expected}"
        raise GraphError(Problem("image-size", _where(graph, name, label), text, refitted(name, entry)))


def _unequal(prepared: Sequence[Tensor], name: str) -> Iterator[Problem]:
    sizes = sorted({tuple(tensor.shape[1:]) for tensor in prepared})
    if not prepared:
        yield Problem("bad-image", Where(f"inputs.{name}"), "expected at least one image, found none")
    elif len(sizes) > 1:
        found = ", ".join(_by(*size) for size in sizes[:5])
        text = f"images of one batch have one size, found {found}; resize them, or give them one by one"
        yield Problem("image-size", Where(f"inputs.{name}"), text)


def _input_of(graph: Graph, name: str | None) -> tuple[str, Input]:
    """The input that takes images."""
    if name is not None:
        if name not in graph.inputs:
            text = f"the graph has no input '{name}'; {suggestion(name, graph.inputs, 'inputs')}"
            raise GraphError(Problem("unknown-input", Where(f"inputs.{name}"), text))
        return name, graph.inputs[name]
    types = Catalog.default().port_types
    found = {key: entry for key, entry in graph.inputs.items() if entry.preprocess is not None}
    found = found or {key: entry for key, entry in graph.inputs.items() if types.is_a(entry.type, ports.Image)}
    found = found or dict(graph.inputs)
    if len(found) != 1:
        has = f"the graph has {len(found)} inputs that take images: {', '.join(found)}" if found else "it has none"
        text = f"say which input the image is for; {has}"
        raise GraphError(Problem("which-input", Where("inputs"), text))
    return next(iter(found.items()))


def _no_preprocess(graph: Graph, name: str, entry: Input) -> Problem:
    steps = fitting_steps(entry.shape)
    if steps is None:
        expected = " ".join(map(str, entry.shape or ()))
        text = f"input '{name}' expects {expected}; an image is B 3 H W, or B 1 H W in gray"
        return Problem("no-preprocess", _where(graph, name, f"inputs.{name}"), text)
    shown = ", ".join(f"{key}: {value}" for key, value in steps.items())
    text = (
        f"input '{name}' does not say how an image becomes a tensor; expected preprocess beside its shape, with the "
        "sizes, mean and std (0-255) that the weights were trained with"
    )
    fix = Fix(f"set inputs.{name}.preprocess to {{{shown}}}", (Edit(("inputs", name, "preprocess"), steps),))
    return Problem("no-preprocess", _where(graph, name, f"inputs.{name}"), text, fix)


def _where(graph: Graph, name: str, subject: str) -> Where:
    line, column = graph.source.position(("inputs", name)) if graph.source else (None, None)
    return Where(subject, graph.source.file if graph.source else None, line, column, port=name)


def _label(image: Any, position: int | None) -> str:
    if isinstance(image, str | Path):
        return str(image)
    return "image" if position is None else f"image {position + 1}"


def _by(height: int, width: int) -> str:
    return f"{height} x {width} pixels (height x width)"
