"""Which patches are hidden, for masked image modelling: drawn anew for each sample."""

import math
from collections.abc import Mapping, Sequence
from random import Random
from types import MappingProxyType
from typing import Annotated, Any, Self

import numpy as np
from annotated_types import Ge, Gt, Le
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from composer import ports
from composer.catalog import Catalog
from composer.graph import Graph
from composer.problems import Problem, Where, suggestion
from composer.training.augment.declared import declared_mask
from composer.training.augment.step import Share, input_size
from composer.training.augment.steps import read_list, shown_path

__all__ = ["MASKS", "BlockMask", "MaskStep", "RandomMask", "masks_of", "read_masks"]

Bits = NDArray[np.bool_]

_TRIES = 10
_UNIT_PIXELS = 32  # of SimMIM's squares
_BEIT_HIDDEN, _BEIT_CELLS, _BEIT_LEAST = 75, 196, 16


class MaskStep(BaseModel):
    """A way to hide patches: ``step(grid, random)``."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    ratio: Share | None = None

    def __call__(self, grid: tuple[int, int], random: Random) -> Bits:
        """True where a patch is hidden, [down, across].

        Args:
            grid: Patches down and across.
            random: The random numbers of the sample.
        """
        return self._drawn(grid, random)

    def _drawn(self, grid: tuple[int, int], random: Random) -> Bits:
        raise NotImplementedError

    def problem(self, grid: tuple[int, int]) -> tuple[str, str] | None:
        """What does not fit a grid: the parameter, and what is wrong with it; None where all does."""
        return None


class BlockMask(MaskStep):
    """Blocks, until a number of patches is hidden (BEiT, arXiv:2106.08254, algorithm 1).

    The last ones are hidden or shown one by one, so that every sample hides the same number, as BEiT v2 and CAE do.

    Args:
        ratio: Share of the patches that is hidden, where ``count`` is not given.
        count: Patches that are hidden; by default ``ratio`` of them, or 75 of 196, as BEiT.
        min_block: The smallest block, in patches; 16 in a grid of 196.
        max_block: The largest; by default as many as are hidden.
        min_aspect: The lowest height by width of a block; the highest is 1 by it.
    """

    count: Annotated[int | None, Ge(1)] = None
    min_block: Annotated[int | None, Ge(1)] = None
    max_block: Annotated[int | None, Ge(1)] = None
    min_aspect: Annotated[float, Gt(0), Le(1)] = 0.3

    def _drawn(self, grid: tuple[int, int], random: Random) -> Bits:
        wanted = self.hidden(grid)
        cells = grid[0] * grid[1]
        smallest = self.min_block or max(round(_BEIT_LEAST * cells / _BEIT_CELLS), 1)
        found = np.zeros(grid, bool)
        missing = wanted
        while missing > 0:
            most = max(min(missing, self.max_block or wanted), smallest)
            added = self._block(found, (smallest, most), missing, random)
            if not added:
                break
            missing -= added
        flat = found.reshape(-1)
        if missing > 0:
            shown = np.flatnonzero(~flat).tolist()
            flat[random.sample(shown, missing)] = True
        return found

    def hidden(self, grid: tuple[int, int]) -> int:
        """How many patches of a grid are hidden."""
        cells = grid[0] * grid[1]
        if self.count is not None:
            return self.count
        share = _BEIT_HIDDEN / _BEIT_CELLS if self.ratio is None else self.ratio
        return round(share * cells)

    def problem(self, grid: tuple[int, int]) -> tuple[str, str] | None:
        """A count that the grid has not."""
        cells = grid[0] * grid[1]
        if self.hidden(grid) > cells:
            return "count", f"found {self.count}, expected at most {cells}: the patches of {grid[0]} x {grid[1]}"
        return None

    def _block(self, found: Bits, area: tuple[int, int], room: int, random: Random) -> int:
        """Hide a block of an area that hides no more than there is room for; how many patches it adds."""
        height, width = found.shape
        low = math.log(self.min_aspect)
        for _ in range(_TRIES):
            wanted = random.uniform(*area)
            aspect = math.exp(random.uniform(low, -low))
            down, across = round(math.sqrt(wanted * aspect)), round(math.sqrt(wanted / aspect))
            if not (0 < down <= height and 0 < across <= width):
                continue
            top, left = random.randint(0, height - down), random.randint(0, width - across)
            block = found[top : top + down, left : left + across]
            added = block.size - int(block.sum())
            if 0 < added <= room:
                block[:] = True
                return added
        return 0


class RandomMask(MaskStep):
    """Squares at random (SimMIM, arXiv:2111.09886, section 3.2).

    Args:
        ratio: Share of the squares that is hidden, rounded up; 0.6 by default.
        unit: Patches along the side of a square; by default those of 32 pixels, as SimMIM.
    """

    unit: Annotated[int | None, Ge(1)] = None

    def _drawn(self, grid: tuple[int, int], random: Random) -> Bits:
        unit = self.unit or 1
        down, across = grid[0] // unit, grid[1] // unit
        squares = down * across
        share = 0.6 if self.ratio is None else self.ratio
        found = np.zeros(squares, bool)
        found[random.sample(range(squares), min(math.ceil(share * squares), squares))] = True
        whole: Bits = found.reshape(down, across).repeat(unit, axis=0).repeat(unit, axis=1)
        return whole

    def problem(self, grid: tuple[int, int]) -> tuple[str, str] | None:
        """A square that the grid is no multiple of."""
        if grid[0] % (self.unit or 1) or grid[1] % (self.unit or 1):
            return "unit", f"found {self.unit}, expected a divisor of the grid {grid[0]} x {grid[1]}"
        return None

    def fitted(self, grid: tuple[int, int], image: tuple[int, int] | None) -> Self:
        """With squares of 32 pixels, where the size of the image is known and they fit."""
        if self.unit is not None or image is None:
            return self
        unit = max(round(_UNIT_PIXELS * grid[0] / image[0]), 1)
        return self.model_copy(update={"unit": math.gcd(unit, *grid)})


MASKS: Mapping[str, type[MaskStep]] = MappingProxyType({"block": BlockMask, "random": RandomMask})
"""The ways to hide patches, by their names in recipes."""


def masks_of(graph: Graph, catalog: Catalog) -> list[str]:
    """The fields of the data samples that are masks to be drawn."""
    types = catalog.port_types
    return [name for name, field in graph.data_samples.items() if types.is_a(field.type, ports.Mask)]


def read_masks(
    graph: Graph, catalog: Catalog, document: Mapping[str, Sequence[Any]] | None
) -> tuple[dict[str, tuple[MaskStep, tuple[int, int]]], list[Problem]]:
    """Read how patches are hidden.

    Args:
        graph: The graph.
        catalog: Its catalog.
        document: ``augment`` of a recipe: under the name of a field of type Mask a list of one way. A field that it
            leaves out has the default of its graph.

    Returns:
        The way and the grid by field, and all that is wrong.
    """
    names = masks_of(graph, catalog)
    found: dict[str, tuple[MaskStep, tuple[int, int]]] = {}
    problems: list[Problem] = []
    given = document or {}
    for key in given:
        if key in graph.data_samples and key not in names:
            text = f"'{key}' comes from the data; steps are for image inputs and for fields of type Mask"
            text += f"; {suggestion(key, names, 'masks')}" if names else ""
            problems.append(Problem("recipe-value", Where(f"augment.{key}", path=("augment", key)), text))
    image = next((size for entry in graph.inputs.values() if (size := input_size(entry)) is not None), None)
    for name in names:
        path = ("augment", name)
        grid = _grid(graph.data_samples[name].shape)
        if grid is None:
            text = f"mask '{name}' has the shape {_shown(graph.data_samples[name].shape)}; expected [B, patches down, "
            text += "patches across] in numbers"
            problems.append(Problem("recipe-value", Where(f"data_samples.{name}", path=path), text))
            continue
        steps, wrong = read_list(given.get(name, [declared_mask(graph, catalog)]), MASKS, path, "mask")
        problems.extend(wrong)
        if len(steps) + len(wrong) != 1:
            text = f"found {len(steps)} ways to hide patches, expected one: block or random"
            problems.append(Problem("recipe-value", Where(f"augment.{name}", path=path), text))
        for step in steps[:1]:
            fitted = step.fitted(grid, image) if isinstance(step, RandomMask) else step
            fault = fitted.problem(grid)
            kind = next(word for word, own in MASKS.items() if own is type(step))
            if fault is not None:
                at = (*path, 0, kind, fault[0])
                problems.append(Problem("recipe-value", Where(shown_path(at), path=at), fault[1]))
            found[name] = (fitted, grid)
    return found, problems


def _grid(shape: tuple[int | str, ...] | None) -> tuple[int, int] | None:
    """Patches down and across; a flat mask is a grid of one row, or a square where it can be one."""
    sides = [side for side in (shape or ())[1:] if isinstance(side, int)]
    if len(sides) == 1 and len(shape or ()) == 2:
        side = math.isqrt(sides[0])
        return (side, side) if side * side == sides[0] else (1, sides[0])
    return (sides[0], sides[1]) if len(sides) == 2 and len(shape or ()) == 3 else None


def _shown(shape: tuple[int | str, ...] | None) -> str:
    return "[" + ", ".join(map(str, shape or ())) + "]"
