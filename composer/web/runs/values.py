"""The values of every node of one pass: counted as the pass goes, those of the first sample kept in a file.

Nothing of a pass stays in memory but a few numbers for each tensor. The file has a bound; what does not fit is counted
all the same, and named.
"""

import math
import time
import zlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import torch
from torch import Tensor

from composer.graph.plan import Program
from composer.web.runs.results import Histogram, ValueRow

__all__ = ["Recorder", "numbers_of"]

BINS = 32
_BATCH = "B"
_STRETCH = 1 << 18
"""So many numbers are counted at a time: they lie in the cache of a CPU."""
_ROW = 1 << 10
_ROWS = 4000
"""So many tensors are counted in one pass, at most."""
_ENTRIES = 64
"""So many entries of a list that a node gives."""


class Recorder:
    """Counts what nodes give, and keeps the values of the first sample.

    Args:
        program: What runs.
        file: Where values are kept; None keeps and counts none.
        bound: Bytes of it, at most.
        selected: Path of a node whose values are kept before all others, up to four times the bound.
    """

    def __init__(self, program: Program, file: Path | None = None, bound: int = 0, selected: str = "") -> None:
        self.program = program
        self.rows: list[ValueRow] = []
        self.seconds = 0.0
        """How long counting took; it is no time of the pass."""
        self._file: BinaryIO | None = None if file is None else file.open("wb")
        self._bound = bound
        self._length = 0
        chosen = [value for name, value in program.aliases if _node(name) == selected]
        chosen += [value for path, value in program.entries if path == selected]
        self._selected = {selected, *(value.source for value in chosen)}

    def close(self) -> list[ValueRow]:
        """All rows, with those of inputs and outputs of called subgraphs; nothing is kept any more."""
        if self._file is not None:
            self._file.close()
            self._file = None
        by_port: dict[tuple[str, str], list[ValueRow]] = {}
        for row in self.rows:
            by_port.setdefault((row.node, row.port), []).append(row)
        outer = []
        ends = [(_node(reference), reference.rpartition(".")[2], value) for reference, value in self.program.aliases]
        ends += [(path, "", value) for path, value in self.program.entries]
        for path, port, value in ends:
            for row in by_port.get((value.source, value.port or ""), ()):
                if value.index is None:
                    outer.append(row.model_copy(update={"node": path, "port": port}))
                elif row.level == _level(value.index, by_port[value.source, value.port or ""]):
                    outer.append(row.model_copy(update={"node": path, "port": port, "level": None}))
        return [*self.rows, *outer][:_ROWS]

    def given(self, values: Mapping[str, Any]) -> None:
        """Count what goes in, by the names of inputs and data samples."""
        for name, value in values.items() if self._file is not None else ():
            self._note(name, "", None, value)

    def output(self, path: str, output: Any) -> None:
        """Count what a call gives, now: what runs later may write over it."""
        call = next((one for one in self.program.calls if one.path == path), None)
        if call is None or self._file is None:
            return
        if call.component.returns_several:
            for port, value in zip(call.component.outputs, call.component.values_of(output), strict=True):
                self._note(path, port.name, port.axes, value)
        elif call.component.outputs:
            port = call.component.outputs[0]
            self._note(path, port.name, port.axes, output)

    def _note(self, node: str, port: str, axes: Sequence[str] | None, value: Any) -> None:
        begun = time.perf_counter()
        for level, tensor in _tensors(value):
            if len(self.rows) >= _ROWS:
                break
            batched = axes[0] == _BATCH if axes else level is None or tensor.dim() == len("NCHW")
            self.rows.append(self._row(node, port, level, tensor.detach(), batched=batched))
        self.seconds += time.perf_counter() - begun

    @torch.no_grad()
    def _row(self, node: str, port: str, level: int | None, tensor: Tensor, *, batched: bool) -> ValueRow:
        first = tensor[0] if batched and tensor.dim() and len(tensor) else tensor
        offset = self._keep(first, chosen=node in self._selected)
        return ValueRow(
            node=node,
            port=port,
            level=level,
            shape=list(tensor.shape),
            dtype=str(tensor.dtype).removeprefix("torch."),
            offset=offset,
            kept=list(first.shape) if offset is not None else [],
            **numbers_of(tensor),
        )

    def _keep(self, tensor: Tensor, *, chosen: bool) -> int | None:
        """Write values as float32; where in the file, or None where there is no room."""
        size = tensor.numel() * 4
        if self._file is None or self._length + size > self._bound * (4 if chosen else 1):
            return None
        offset = self._length
        values = tensor.real if tensor.is_complex() else tensor
        self._file.write(values.to("cpu", torch.float32).contiguous().numpy().tobytes())
        self._length += size
        return offset


@torch.no_grad()
def numbers_of(tensor: Tensor) -> dict[str, Any]:
    """Mean, spread, range, zeros, NaN, infinite numbers, histogram and a checksum of a tensor.

    Args:
        tensor: Of any size and dtype; it is taken to the CPU in stretches.
    """
    flat = (tensor.real if tensor.is_complex() else tensor).detach().reshape(-1)
    count, mean, squares = 0, 0.0, 0.0
    low, high = math.inf, -math.inf
    zeros = nan = infinite = checksum = 0
    for part in _stretches(flat):
        checksum = zlib.crc32(part.numpy().data, checksum)
        finite, total = part, _sum(part)
        if not math.isfinite(total):
            finite = part[part.isfinite()]
            is_nan = int(part.isnan().sum())
            nan, infinite = nan + is_nan, infinite + len(part) - is_nan - len(finite)
            total = _sum(finite)
        size = len(finite)
        if not size:
            continue
        zeros += size - int(np.count_nonzero(finite.numpy()))
        least, most = finite.aminmax()
        low, high = min(low, float(least)), max(high, float(most))
        own = total / size
        apart = finite - own
        squares += float(torch.dot(apart, apart)) + (own - mean) ** 2 * count * size / (count + size)
        mean += (own - mean) * size / (count + size)
        count += size
    found: dict[str, Any] = {"count": flat.numel(), "zeros": zeros, "nan": nan, "infinite": infinite}
    if count:
        std = math.sqrt(squares / count)
        found |= {"low": low, "high": high, "mean": mean if math.isfinite(mean) else None}
        found |= {"std": std if math.isfinite(std) else None}
        found["histogram"] = _histogram(flat, low, high, count, whole=not nan + infinite) if flat.numel() > 1 else None
    return {**found, "checksum": checksum}


def _histogram(flat: Tensor, low: float, high: float, count: int, *, whole: bool) -> Histogram:
    """How the finite values are distributed; of equal values one bin."""
    width = (high - low) / BINS
    if not 0 < width < math.inf:
        return Histogram(low=low, high=high, counts=[count])
    counts = torch.zeros(BINS + 1, dtype=torch.int64)
    for part in _stretches(flat):
        finite = part if whole else part[part.isfinite()]
        counts += torch.bincount(((finite - low) / width).to(torch.uint8), minlength=BINS + 1)[: BINS + 1]
    counts[BINS - 1] += counts[BINS]  # the greatest value
    return Histogram(low=low, high=high, counts=counts[:BINS].tolist())


def _sum(part: Tensor) -> float:
    """The sum, in float64 over rows of it that are short enough for float32."""
    rows = len(part) // _ROW
    rest = part[rows * _ROW :]
    return float(part[: rows * _ROW].view(rows, _ROW).sum(1).double().sum()) + float(rest.double().sum())


def _stretches(flat: Tensor) -> Iterator[Tensor]:
    """Parts of a flat tensor on the CPU: float32, or float64 where that holds more."""
    for part in torch.split(flat, _STRETCH):
        exact = part.dtype in (torch.float64, torch.int32, torch.int64)
        yield part.to("cpu", torch.float64 if exact else torch.float32).contiguous()


def _tensors(value: Any) -> Iterator[tuple[int | None, Tensor]]:
    """The tensors of a value: itself, or the levels of a sequence; what is nested deeper is put together in order."""
    if isinstance(value, Tensor):
        yield None, value
        return
    entries = list(value.values()) if isinstance(value, Mapping) else value
    if isinstance(entries, list | tuple):
        inner = [tensor for one in entries for _, tensor in _tensors(one)]
        yield from enumerate(inner[:_ENTRIES])


def _node(reference: str) -> str:
    return reference.rpartition(".")[0]


def _level(index: int, rows: list[ValueRow]) -> int:
    return index if index >= 0 else len(rows) + index
