"""Parts built from option dicts, as OpenMMLab's configs give them (``patch_cfg``, ``layer_cfgs``, ``stage_cfgs``)."""

import difflib
import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

__all__ = ["construct", "one_each", "pair"]

Part = TypeVar("Part")


def construct(part: Callable[..., Part], where: str, settled: Mapping[str, Any], given: Mapping[str, Any]) -> Part:
    """Build ``part`` from the options ``settled``, those in ``given`` winning.

    Args:
        part: A class whose signature lists the options it takes.
        where: What a person calls ``given``, for the message.
        settled: Options the caller has chosen.
        given: Options a person wrote.

    Raises:
        ValueError: ``given`` holds an option that ``part`` does not take.
    """
    known = list(inspect.signature(part).parameters)
    for name in given:
        if name not in known:
            nearest = difflib.get_close_matches(name, known, n=1)
            advice = f"did you mean {nearest[0]!r}?" if nearest else "remove it."
            raise ValueError(f"{where} has an unknown option {name!r}, expected some of {', '.join(known)}: {advice}")
    return part(**{**settled, **given})


def one_each(
    options: Mapping[str, Any] | Sequence[Mapping[str, Any]], count: int, where: str
) -> list[Mapping[str, Any]]:
    """One option dict for each of ``count`` parts, from one dict for all of them or a list.

    Raises:
        ValueError: A list has another length than ``count``.
    """
    if isinstance(options, Mapping):
        return [options] * count
    if len(options) != count:
        raise ValueError(f"{where} lists {len(options)} dicts, expected {count}: give one a part, or one dict for all.")
    return list(options)


def pair(size: int | Sequence[int]) -> tuple[int, int]:
    """Height and width, from one number for both or from two."""
    height, width = (size, size) if isinstance(size, int) else size
    return height, width
