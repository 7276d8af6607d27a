"""Images with a map of classes each: semantic segmentation from two folders."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from composer.problems import GraphError, Problem, Where, counted
from composer.training.data.folder import image_files
from composer.training.data.formats import folder_splits
from composer.training.data.samples import IMAGE, SEG_MAP, Texts, shown
from composer.training.data.textfile import names_listed

__all__ = ["MapSource", "is_masks", "masks_splits", "open_masks"]

_IMAGES = ("images", "image", "imgs", "img", "JPEGImages", "leftImg8bit")
_MAPS = ("masks", "mask", "annotations", "labels", "SegmentationClass", "gtFine", "seg_maps", "segmentations")
_MAP_SUFFIXES = (".png", ".bmp", ".tif", ".tiff", ".gif")


class MapSource:
    """Images with maps: an image whose samples are the indices of classes, of the size of its image.

    Args:
        roots: The folders of the images and of the maps.
        images: The images inside theirs.
        maps: The map of each inside theirs.
        classes: The names of the classes.
        notices: What was left out.
    """

    def __init__(
        self,
        roots: tuple[Path, Path],
        images: Sequence[str],
        maps: Sequence[str],
        classes: tuple[str, ...] = (),
        notices: tuple[Problem, ...] = (),
    ) -> None:
        self.roots = roots
        self.notices = notices
        self._images = Texts(images)
        self._maps = Texts(maps)
        self._classes = classes

    @property
    def columns(self) -> Mapping[str, str]:
        """``image`` and ``seg_map``."""
        return {"image": IMAGE, "seg_map": SEG_MAP}

    @property
    def classes(self) -> tuple[str, ...]:
        """The names of the classes."""
        return self._classes

    def __len__(self) -> int:
        return len(self._images)

    def name(self, index: int) -> str:
        """The image's path inside its folder."""
        return self._images[index]

    def __getitem__(self, index: int) -> dict[str, Any]:
        image, seg_map = (
            os.path.join(*pair) for pair in zip(self.roots, (self._images[index], self._maps[index]), strict=True)
        )
        return {"image": image, "seg_map": seg_map}


def open_masks(
    path: Path,
    *,
    split: str | None = None,
    images: Path | None = None,
    masks: Path | None = None,
    listed: Path | None = None,
    image_ending: str = "",
    mask_ending: str = "",
    classes: Sequence[str] | None = None,
    base: Path = Path(),
) -> MapSource:
    """Read two folders, in which an image and its map have the same path but for the suffix.

    Args:
        path: The folder of both.
        split: The folder of a split, around both or inside each.
        images: The folder of the images, from the recipe's folder; by default ``images``.
        masks: The folder of the maps, from the recipe's folder; by default ``masks``.
        listed: A file with the names of the images without suffix, from the recipe's folder; by default all.
        image_ending: What the names of images end with that those of maps do not: ``_leftImg8bit``.
        mask_ending: What the names of maps end with that those of images do not: ``_gtFine_labelTrainIds``.
        classes: The names of the classes.
        base: The recipe's folder.

    Raises:
        GraphError: A folder is missing, or an image has no map.
    """
    roots = (_root(path, split, _IMAGES, images, base), _root(path, split, _MAPS, masks, base))
    image_paths = {_key(file, image_ending): file for file in image_files(roots[0])[0] if _ends(file, image_ending)}
    files = [file for file in image_files(roots[1])[0] if os.path.splitext(file)[1].lower() in _MAP_SUFFIXES]
    maps = {_key(file, mask_ending): file for file in files if _ends(file, mask_ending)}
    names = sorted(image_paths) if listed is None else names_listed(base / listed)
    problems = []
    for what, found, root in (("image", image_paths, roots[0]), ("map", maps, roots[1])):
        lacking = [name for name in names if name not in found]
        if lacking:
            text = f"{len(lacking)} of {len(names)} samples have no {what} in {root}: {shown(lacking)}"
            problems.append(Problem("no-file", Where(file=str(path)), text))
    if not names:
        problems.append(Problem("no-file", Where(file=str(roots[0])), "no image lies here"))
    if problems:
        raise GraphError(problems)
    unused = sorted(set(maps) - set(names)) if listed is None else []
    text = (
        f"{counted(len(unused), 'map has no image and was', 'maps have no image and were')} left out: {shown(unused)}"
    )
    notices = (Problem("data-left-out", Where(file=str(roots[1])), text, severity="notice"),) if unused else ()
    return MapSource(
        roots, [image_paths[one] for one in names], [maps[one] for one in names], tuple(classes or ()), notices
    )


def is_masks(path: Path) -> bool:
    """Whether a folder holds images and maps."""
    return _both(path) or any(_both(path / name) for name in folder_splits(path))


def masks_splits(path: Path) -> tuple[str, ...]:
    """The splits in a folder: around images and maps, or inside each."""
    if not path.is_dir():
        return ()
    inner = _first(path, _IMAGES)
    return folder_splits(inner) if _both(path) and inner is not None else folder_splits(path)


def _both(path: Path) -> bool:
    return _first(path, _IMAGES) is not None and _first(path, _MAPS) is not None


def _first(path: Path, names: Sequence[str]) -> Path | None:
    return next((path / name for name in names if (path / name).is_dir()), None)


def _root(path: Path, split: str | None, names: Sequence[str], given: Path | None, base: Path) -> Path:
    if given is not None:
        return base / given
    outer = path / split if split is not None and _both(path / split) else path
    found = _first(outer, names)
    if found is None:
        text = f"there is no folder of {names[0]} here; expected one of {', '.join(names)}"
        raise GraphError(Problem("no-file", Where(file=str(outer)), text))
    return found / split if split is not None and outer == path else found


def _ends(file: str, ending: str) -> bool:
    return os.path.splitext(file)[0].endswith(ending)


def _key(file: str, ending: str) -> str:
    return os.path.splitext(file)[0].removesuffix(ending)
