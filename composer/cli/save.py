"""``run --save``: an image with what was found in it, or the outputs as arrays."""

import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image, ImageOps
from safetensors.torch import save as to_safetensors
from torch import Tensor

from composer.export.compare import tensors_in
from composer.graph.file import atomic_write
from composer.problems import GraphError, Problem, Where
from composer.run.answers import Detection, draw_detections

__all__ = ["Saving"]

_IMAGES = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG", ".webp": "WEBP"}
_ARRAYS = (".npy", ".safetensors")


@dataclass(frozen=True)
class Saving:
    """Where the answers of a run go.

    Args:
        path: The file; for drawings of several images a folder.
        images: The images that are run, in order.
    """

    path: Path
    images: Sequence[Path]

    @property
    def draws(self) -> bool:
        """Whether images are drawn, and not arrays written."""
        return self.path.suffix.lower() not in _ARRAYS

    def check(self) -> None:
        """Refuse a place that nothing can be saved to, before anything is run.

        Raises:
            GraphError: The suffix is none of those, or the folder is missing.
        """
        suffix = self.path.suffix.lower()
        if self.draws and suffix not in _IMAGES and not self._is_folder():
            ends = ", ".join([*_IMAGES, *_ARRAYS])
            raise self._refusal(f"the name ends in {suffix or 'nothing'}; expected {ends}, or a folder for drawings")
        if suffix in _IMAGES and len(self.images) > 1 and not self._is_folder():
            raise self._refusal(f"{len(self.images)} images do not go into one drawing: name a folder, such as found/")
        if not self._is_folder() and not self.path.absolute().parent.is_dir():
            raise self._refusal(f"there is no folder '{self.path.parent}'")

    def draw(self, image: Path, found: Sequence[Detection] | None) -> Path:
        """Draw what was found on an image.

        Raises:
            GraphError: Nothing was looked for, or the file cannot be written.
        """
        if found is None:
            text = "this mode of the graph gives no boxes to draw; arrays are saved as .npy or .safetensors"
            raise self._refusal(text)
        target = self.path
        if self._is_folder():
            target.mkdir(parents=True, exist_ok=True)
            target = self._free(target, image)
        with Image.open(image) as file:
            drawn = draw_detections(ImageOps.exif_transpose(file), found)
        content = io.BytesIO()
        drawn.save(content, _IMAGES[target.suffix.lower()])
        self._write(target, content.getvalue())
        return target

    def write(self, answered: Mapping[Path, Mapping[str, Any]], graph: str) -> Path:
        """Write what a mode returned for each image, one row an image.

        Args:
            answered: The outputs by image.
            graph: Name of the graph.

        Raises:
            GraphError: The outputs are no arrays, or not of one size, or the file cannot be written.
        """
        rows = [dict(tensors_in(outputs)) for outputs in answered.values()]
        arrays = {name: self._joined(name, [row.get(name) for row in rows]) for name in rows[0]} if rows else {}
        if not arrays:
            raise self._refusal("this mode of the graph gives no arrays")
        if self.path.suffix.lower() == ".safetensors":
            order = json.dumps([str(image) for image in answered], ensure_ascii=False)
            self._write(self.path, to_safetensors(arrays, {"images": order, "graph": graph}))
            return self.path
        if len(arrays) > 1:
            names = ", ".join(arrays)
            raise self._refusal(f"a .npy file holds one array, and there are {len(arrays)} ({names}): use .safetensors")
        content = io.BytesIO()
        np.save(content, next(iter(arrays.values())).numpy())
        self._write(self.path, content.getvalue())
        return self.path

    def _joined(self, name: str, parts: Sequence[Tensor | None]) -> Tensor:
        """The values of one output for all images."""
        tensors = [part.detach().cpu() for part in parts if part is not None]
        tensors = [part[None] if part.ndim == 0 else part for part in tensors]
        sizes = sorted({tuple(part.shape[1:]) for part in tensors})
        if len(tensors) != len(parts) or len(sizes) > 1:
            shown = " and ".join(str(list(size)) for size in sizes[:3])
            raise self._refusal(f"'{name}' has another size for each image ({shown}): run them one by one")
        joined = torch.cat(tensors)
        return (joined.float() if joined.dtype == torch.bfloat16 else joined).contiguous()

    def _is_folder(self) -> bool:
        return self.path.is_dir() or (not self.path.suffix and len(self.images) > 1)

    def _free(self, folder: Path, image: Path) -> Path:
        """A name in the folder for each image, also where two have one name."""
        same = [other for other in self.images if other.stem == image.stem]
        number = same.index(image) if image in same else 0
        return folder / f"{image.stem}{f'_{number + 1}' if number else ''}.png"

    def _write(self, path: Path, content: bytes) -> None:
        try:
            atomic_write(path, content)
        except OSError as error:
            raise self._refusal(f"writing failed: {error.strerror}") from None

    def _refusal(self, text: str) -> GraphError:
        return GraphError(Problem("cannot-write", Where(f"--save {self.path}"), text))
