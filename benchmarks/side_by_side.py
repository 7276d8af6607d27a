"""Two pieces of work, timed in turns in one run, so that a noisy machine weighs on both."""

import statistics
import time
from collections.abc import Callable

__all__ = ["compare", "milliseconds"]


def milliseconds(work: Callable[[], object], inner: int = 1) -> float:
    """Time of one call, from ``inner`` calls in a row."""
    start = time.perf_counter()
    for _ in range(inner):
        work()
    return (time.perf_counter() - start) * 1000 / inner


def compare(
    ours: Callable[[], object], theirs: Callable[[], object], rounds: int = 21, inner: int = 1
) -> tuple[float, float, float]:
    """Median times of both in milliseconds, and the median of the ratios ``ours / theirs`` round by round.

    The order within a round changes from one round to the next.
    """
    ours(), theirs()
    pairs = []
    for number in range(rounds):
        if number % 2:
            second, first = milliseconds(theirs, inner), milliseconds(ours, inner)
        else:
            first, second = milliseconds(ours, inner), milliseconds(theirs, inner)
        pairs.append((first, second))
    mine, others = zip(*pairs, strict=True)
    return statistics.median(mine), statistics.median(others), statistics.median(a / b for a, b in pairs)
