"""``run --gallery``: the images of a gallery by their similarity to a query."""

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor

from composer.catalog import Catalog
from composer.cli.options import exit_code
from composer.cli.output import print_problems
from composer.cli.replying import Match, Replies
from composer.model import Model
from composer.plan import plan
from composer.problems import GraphError, Problem, Where
from composer.retrieval import Embedder, similarities
from composer.run.images import preprocess

__all__ = ["gallery_images", "rank_gallery"]

_SUFFIXES = frozenset(
    {".avif", ".bmp", ".gif", ".jp2", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp"}
)


def gallery_images(places: Sequence[Path]) -> list[Path]:
    """The images of a gallery: those that are named, and all in the folders that are, with the folders in them.

    Raises:
        GraphError: A place is not there, or a folder holds no image.
    """
    found: list[Path] = []
    problems = []
    for place in places:
        inside = _in_folder(place) if place.is_dir() else [place]
        if not inside:
            problems.append(Problem("no-file", Where(f"--gallery {place}"), "there is no image in this folder"))
        elif not place.exists():
            problems.append(Problem("no-file", Where(f"--gallery {place}"), "there is no such image or folder"))
        found += [path for path in inside if path not in found]
    if problems:
        raise GraphError(problems)
    return found


def rank_gallery(
    model: Model, catalog: Catalog, queries: Sequence[Path], gallery: Sequence[Path], place: torch.device, to: Replies
) -> list[int]:
    """Rank a gallery for each query; an image that cannot be read is left out, which is reported.

    Args:
        model: The model.
        catalog: Its components.
        queries: The images that are looked for.
        gallery: The images that are ranked.
        place: Where the model is.
        to: Prints the rankings.

    Returns:
        The exit codes of the images.

    Raises:
        GraphError: The graph gives no embedding, or no image of the gallery can be read.
    """
    embedder = Embedder(model, catalog)
    inputs = plan(model.graph, catalog).programs[embedder.mode].inputs
    if len(inputs) != 1:
        text = f"{embedder.mode} mode takes {len(inputs)} inputs ({', '.join(inputs)}); a gallery needs it to take one"
        raise GraphError(Problem("which-input", Where("inputs", mode=embedder.mode), text))
    codes: list[int] = []
    embedded: dict[Path, Tensor] = {}
    for image in dict.fromkeys((*gallery, *queries)):
        try:
            tensor = preprocess(model.graph, image, inputs[0]).to(place)
        except GraphError as error:
            print_problems(error.problems, stderr=True)
            codes.append(exit_code(error.problems))
            continue
        embedded[image] = embedder.embed({inputs[0]: tensor}, {})
    held = [image for image in gallery if image in embedded]
    if not held:
        raise GraphError(Problem("no-file", Where("--gallery"), "no image of the gallery can be read"))
    vectors = torch.cat([embedded[image] for image in held])
    for query in queries:
        if query in embedded:
            scores = similarities(embedded[query], vectors)[0]
            order = torch.argsort(-scores, stable=True).tolist()
            to.ranked(query, [Match(str(held[index]), float(scores[index])) for index in order])
    return codes


def _in_folder(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.suffix.lower() in _SUFFIXES and path.is_file())
