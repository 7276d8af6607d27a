"""Pictures to inputs: decoded, resized, cropped and normalised as an input's ``preprocess`` says.

Each step does what OpenMMLab's does by default (mmcv with OpenCV), so that a network trained there sees the same:

- decoding turns a picture upright by its EXIF orientation, drops alpha, keeps the upper byte of 16-bit samples and
  takes the first frame; gray is 0.299 R + 0.587 G + 0.114 B;
- resizing is bilinear between pixel centres and rounds to whole levels. It does not antialias, as OpenCV's does not;
  a network that was trained on antialiased pictures (torchvision, Pillow) sees slightly other ones here;
- one number for ``resize`` is the new length of the shorter edge, the longer one is rounded down (``ResizeEdge``);
- the crop is from the centre (``CenterCrop``).
"""

import io
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError
from torch import Tensor
from torch.nn import functional as F

from composer.graph import Graph, Input, Preprocess
from composer.preparing import fitting_steps, refitted
from composer.problems import Edit, Fix, GraphError, Problem, Where, suggestion

__all__ = ["MAX_PIXELS", "Picture", "preprocess"]

MAX_PIXELS = 89_478_485
"""A picture with more pixels, as decoded or as resized, is refused (Pillow's bound: 256 MiB of three channels)."""

Picture = str | Path | bytes | Image.Image | NDArray[np.uint8]
"""A path, the bytes of a picture file, a Pillow image, or an array [H, W], [H, W, 1], [H, W, 3] (RGB) or [H, W, 4]."""

# What cameras and the web use. Formats that start other programs (EPS, WMF) are not opened.
_FORMATS = ("AVIF", "BMP", "GIF", "JPEG", "JPEG2000", "PNG", "PPM", "TIFF", "WEBP")
_WITH_PALETTE_OR_ALPHA = ("LA", "La", "P", "PA", "RGBa")


def preprocess(graph: Graph, image: Picture | Sequence[Picture], name: str | None = None) -> Tensor:
    """Make pictures into an input of a graph.

    Args:
        graph: The graph; its input says how in ``preprocess``.
        image: A picture, or several.
        name: Name of the input; may be left out where only one takes pictures.

    Returns:
        float32 [1, C, H, W], or [B, C, H, W] for several pictures.

    Raises:
        GraphError: The input has no ``preprocess``, a picture cannot be read, or it does not have the input's size.
    """
    name, entry = _input_of(graph, name)
    if entry.preprocess is None:
        raise GraphError(_no_preprocess(graph, name, entry))
    several = isinstance(image, list | tuple)
    pictures: Sequence[Any] = image if several else [image]  # type: ignore[assignment]
    prepared: list[Tensor] = []
    problems: list[Problem] = []
    for position, picture in enumerate(pictures):
        label = _label(picture, position if several else None)
        try:
            prepared.append(_prepared(graph, name, entry, entry.preprocess, picture, label))
        except GraphError as error:
            problems.extend(error.problems)
    problems.extend(_unequal(prepared, name) if not problems else ())
    if problems:
        raise GraphError(problems)
    return torch.stack(prepared)


def _prepared(graph: Graph, name: str, entry: Input, steps: Preprocess, picture: Picture, label: str) -> Tensor:
    """One picture as float32 [C, H, W]."""
    pixels = _decoded(picture, steps, label)
    if steps.resize is not None:
        pixels = _resized(pixels, steps.resize, label)
    if steps.crop is not None:
        pixels = _cropped(pixels, steps.crop, label, refitted(name, entry) or _resized_first(name, steps.crop))
    if steps.channels == "bgr":
        pixels = pixels.flip(0)
    _check_size(graph, name, entry, pixels, label)
    return _normalised(pixels.float(), steps, name)


def _decoded(picture: Picture, steps: Preprocess, label: str) -> Tensor:
    """The picture as uint8 [C, H, W], upright, its channels gray or red, green and blue."""
    try:
        opened = _opened(picture, label)
        if opened.width * opened.height > MAX_PIXELS:
            raise Image.DecompressionBombError
        upright = _eight_bit(ImageOps.exif_transpose(opened))
        if upright.mode in _WITH_PALETTE_OR_ALPHA or "transparency" in upright.info:
            upright = upright.convert("RGBA")
        levels = np.array(upright.convert("L" if steps.channels == "gray" else "RGB"))
    except GraphError:
        raise
    except Image.DecompressionBombError as error:
        text = f"it declares more than the {MAX_PIXELS:,} pixels that are accepted; make it smaller first"
        raise GraphError(Problem("image-too-large", Where(label), text)) from error
    except Exception as error:  # a damaged file may make a decoder raise anything
        raise GraphError(Problem("bad-image", Where(label), _unreadable(error))) from error
    return torch.from_numpy(levels).reshape(*levels.shape[:2], -1).permute(2, 0, 1)


def _unreadable(error: Exception) -> str:
    if isinstance(error, UnidentifiedImageError):
        return f"this is not a picture that can be read; expected one of {', '.join(_formats())}"
    return f"this picture cannot be read, it may be damaged or cut off: {str(error) or type(error).__name__}"


def _opened(picture: Any, label: str) -> Image.Image:
    if isinstance(picture, Image.Image):
        return picture
    if isinstance(picture, np.ndarray):
        return _from_array(picture, label)
    if isinstance(picture, bytes):
        return Image.open(io.BytesIO(picture), formats=_formats())
    if not isinstance(picture, str | Path):
        text = f"expected a path, bytes, a Pillow image or a uint8 array, found {type(picture).__name__}"
        raise GraphError(Problem("bad-image", Where(label), text))
    if not Path(picture).is_file():
        raise GraphError(Problem("no-file", Where(label), "there is no such picture file"))
    with Image.open(picture, formats=_formats()) as file:
        if file.width * file.height <= MAX_PIXELS:
            file.load()
        return file


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
    """A picture of 16-bit samples by their upper bytes; others as they are."""
    if image.mode == "F":
        raise ValueError("its samples are floating-point numbers; convert it to 8 or 16 bits")
    if not image.mode.startswith("I"):
        return image
    levels = np.asarray(image).astype(np.int64)
    if levels.min() < 0 or levels.max() > 0xFFFF:
        raise ValueError("its samples have more than 16 bits; convert it to 8 or 16 bits")
    return Image.fromarray((levels >> 8).astype(np.uint8))


def _resized(pixels: Tensor, resize: int | tuple[int, int], label: str) -> Tensor:
    height, width = pixels.shape[1:]
    if isinstance(resize, int):
        shorter = min(height, width)
        target = (resize * height // shorter, resize * width // shorter)
    else:
        target = (resize[0], resize[1])
    if target == (height, width):
        return pixels
    if target[0] * target[1] > MAX_PIXELS:
        text = f"resized from {_by(height, width)} it would be {_by(*target)}, which is more than is accepted"
        raise GraphError(Problem("image-too-large", Where(label), text))
    scaled = F.interpolate(pixels[None].float(), size=target, mode="bilinear", align_corners=False)
    return scaled[0].round().clamp(0, 255).to(torch.uint8)


def _resized_first(name: str, crop: tuple[int, int]) -> Fix:
    size = list(crop)
    fix = f"set inputs.{name}.preprocess.resize to {size}"
    return Fix(fix, (Edit(("inputs", name, "preprocess", "resize"), size),))


def _cropped(pixels: Tensor, crop: tuple[int, int], label: str, fix: Fix) -> Tensor:
    height, width = pixels.shape[1:]
    if height < crop[0] or width < crop[1]:
        text = f"it is {_by(height, width)}, too small to crop {_by(*crop)} out of it; resize before the crop"
        raise GraphError(Problem("image-size", Where(label), text, fix))
    top, left = round((height - crop[0]) / 2), round((width - crop[1]) / 2)
    return pixels[:, top : top + crop[0], left : left + crop[1]]


def _normalised(values: Tensor, steps: Preprocess, name: str) -> Tensor:
    for word, numbers in (("mean", steps.mean), ("std", steps.std)):
        if numbers is not None and len(numbers) != len(values):
            text = f"expected {len(values)} numbers, one a channel ({steps.channels}), found {len(numbers)}"
            raise GraphError(Problem("bad-preprocess", Where(f"inputs.{name}.preprocess.{word}"), text))
    if steps.mean is not None:
        values = values - torch.tensor(steps.mean).view(-1, 1, 1)
    if steps.std is not None:
        values = values / torch.tensor(steps.std).view(-1, 1, 1)
    return values


def _check_size(graph: Graph, name: str, entry: Input, pixels: Tensor, label: str) -> None:
    """Refuse a picture that is not of the declared size."""
    declared = entry.shape
    if declared is None:
        return
    expected = " ".join(map(str, declared))
    channels, height, width = pixels.shape
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
        yield Problem("bad-image", Where(f"inputs.{name}"), "expected at least one picture, found none")
    elif len(sizes) > 1:
        found = ", ".join(_by(*size) for size in sizes[:5])
        text = f"pictures of one batch have one size, found {found}; resize them, or give them one by one"
        yield Problem("image-size", Where(f"inputs.{name}"), text)


def _input_of(graph: Graph, name: str | None) -> tuple[str, Input]:
    """The input that takes pictures."""
    if name is not None:
        if name not in graph.inputs:
            text = f"the graph has no input '{name}'; {suggestion(name, graph.inputs, 'inputs')}"
            raise GraphError(Problem("unknown-input", Where(f"inputs.{name}"), text))
        return name, graph.inputs[name]
    found = {key: entry for key, entry in graph.inputs.items() if entry.preprocess is not None}
    found = found or {key: entry for key, entry in graph.inputs.items() if entry.type == "Image"} or dict(graph.inputs)
    if len(found) != 1:
        has = f"the graph has {len(found)} inputs that take pictures: {', '.join(found)}" if found else "it has none"
        text = f"say which input the picture is for; {has}"
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


def _label(picture: Any, position: int | None) -> str:
    if isinstance(picture, str | Path):
        return str(picture)
    return "picture" if position is None else f"picture {position + 1}"


def _by(height: int, width: int) -> str:
    return f"{height} x {width} pixels (height x width)"
