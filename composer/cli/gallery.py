"""``run --gallery``: the images of a gallery by the cosine similarity of their embeddings to a query's."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from composer.catalog import Catalog
from composer.catalog.component import Component
from composer.cli.options import exit_code
from composer.cli.output import print_problems
from composer.cli.reply import Match, Replies
from composer.graph.plan import plan
from composer.model import Model
from composer.ports import Score
from composer.problems import GraphError, Problem, Where
from composer.run.images import preprocess

__all__ = ["Embedder", "gallery_images", "rank_gallery", "ranks_prototypes", "similarities"]

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


class Embedder:
    """Gives embeddings: what the graph compares with its prototypes, or the only vector of tensor mode.

    Args:
        model: The model.
        catalog: Its components.

    Raises:
        GraphError: The graph gives no embedding, or several.
    """

    def __init__(self, model: Model, catalog: Catalog) -> None:
        self.model = model
        self._module = _prototypes(model, catalog)
        self.mode = "tensor" if self._module is None else "predict"
        if self._module is None and "tensor" not in model.graph.modes:
            raise _refusal("it has no tensor mode, and compares nothing with prototypes")

    def embed(self, inputs: Mapping[str, Any], data_samples: Mapping[str, Any]) -> Tensor:
        """The embeddings [B, D] of a batch, on the CPU.

        Raises:
            GraphError: Tensor mode gives no vector, or several.
        """
        taken: list[Tensor] = []
        with torch.inference_mode(), _listening(self._module, taken):
            outputs = self.model(dict(inputs), dict(data_samples), mode=self.mode)
        if self._module is None:
            taken = [_only_vector(outputs)]
        return taken[0].detach().float().cpu()


def similarities(queries: Tensor, gallery: Tensor) -> Tensor:
    """cos(query, image) of every pair, from -1 to 1.

    Args:
        queries: [Q, D].
        gallery: [N, D].

    Returns:
        [Q, N].
    """
    return F.normalize(queries, eps=1e-8) @ F.normalize(gallery, eps=1e-8).mT


def ranks_prototypes(model: Model, catalog: Catalog) -> bool:
    """Whether predict mode ranks prototypes, and its labels are no classes."""
    return "predict" in model.graph.modes and _prototypes(model, catalog) is not None


def _prototypes(model: Model, catalog: Catalog) -> nn.Module | None:
    """The module that compares embeddings with prototypes in predict mode."""
    if "predict" not in model.graph.modes:
        return None
    calls = plan(model.graph, catalog).programs["predict"].calls
    return next((model.get_submodule(call.module) for call in calls if _ranks_samples(call.component, catalog)), None)


def _ranks_samples(component: Component, catalog: Catalog) -> bool:
    scores = any(port.type.is_a(Score) for port in component.outputs)
    return scores and catalog.kinds[component.kind].of_samples


@contextmanager
def _listening(module: nn.Module | None, taken: list[Tensor]) -> Iterator[None]:
    """Note the first argument of a module's next call."""
    if module is None:
        yield
        return
    handle = module.register_forward_pre_hook(lambda _, given: taken.append(given[0]))
    try:
        yield
    finally:
        handle.remove()


def _only_vector(outputs: Mapping[str, Any]) -> Tensor:
    vectors = {name: value for name, value in outputs.items() if isinstance(value, Tensor) and value.ndim == 2}
    if len(vectors) == 1:
        return next(iter(vectors.values()))
    has = ", ".join(f"{name} {_size(value)}" for name, value in outputs.items()) or "nothing"
    raise _refusal(f"its tensor mode gives {has}")


def _size(value: Any) -> str:
    return str(list(value.shape)) if isinstance(value, Tensor) else f"({len(value)} levels)"


def _refusal(found: str) -> GraphError:
    text = f"a gallery needs one embedding [B, D] of each image; {found}: wire one output of that size for tensor mode"
    return GraphError(Problem("no-embedding", Where("outputs.tensor"), text))
