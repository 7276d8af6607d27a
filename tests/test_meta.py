"""Operators on meta: what ``MetaMode`` answers is what torch's own kernels say, and it suffices for graphs."""

import os
import random
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

import composer
from composer.catalog import Catalog, meta
from composer.catalog.meta import MetaMode
from tests.extras import PATHS, needed_by

FLOATS = (torch.float32, torch.float32, torch.float64, torch.float16)
ANY = (*FLOATS, torch.int64, torch.int32, torch.uint8, torch.bool)


class Draw:
    """Tensors, sizes and numbers from a seed."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.one_of = self.random.choice

    def size(self) -> int:
        return self.one_of((0, 1, 1, 2, 3, 4, 4, 6, 9))

    def shape(self, axes: int | None = None) -> list[int]:
        return [self.size() for _ in range(self.random.randrange(6) if axes is None else axes)]

    def tensor(self, shape: list[int] | None = None, types: Any = FLOATS) -> Tensor:
        """A tensor of the shape: contiguous, transposed, with gaps or with numbers that share a place."""
        shape = self.shape() if shape is None else shape
        dtype = self.one_of(types)
        way = self.one_of(("plain", "plain", "turned", "last", "sliced", "expanded"))
        order = list(range(len(shape)))
        if way == "turned":
            self.random.shuffle(order)
        if way == "last" and len(shape) > 2:
            order = [0, *order[2:], 1]
        inner = [shape[axis] for axis in order]
        if way == "sliced" and inner:
            axis = self.random.randrange(len(inner))
            whole = [size * 2 + 1 if place == axis else size for place, size in enumerate(inner)]
            made = torch.empty(whole, dtype=dtype, device="meta")
            made = (
                made.narrow(axis, 1, inner[axis])
                if self.one_of((True, False))
                else made[(slice(None),) * axis + (slice(0, 2 * inner[axis], 2),)]
            )
        elif way == "expanded":
            kept = [1 if self.one_of((True, False)) else size for size in inner]
            made = torch.empty(kept, dtype=dtype, device="meta").expand(inner)
        else:
            made = torch.empty(inner, dtype=dtype, device="meta")
        return made.permute([order.index(axis) for axis in range(len(shape))])

    def like(self, one: Tensor, types: Any = FLOATS) -> Tensor:
        """A tensor that mostly broadcasts with another."""
        shape = [size if self.random.random() < 0.8 else self.one_of((1, 1, 3)) for size in one.shape]
        return self.tensor(shape[self.random.randrange(len(shape) + 1) if self.random.random() < 0.3 else 0 :], types)

    def axis(self, one: Tensor) -> int:
        return self.random.randrange(-one.dim() - 1, one.dim() + 1)

    def image(self, axes: int = 4) -> Tensor:
        return self.tensor(
            [self.size(), self.one_of((0, 1, 4, 4, 8)), *(self.one_of((1, 4, 7, 8)) for _ in range(axes - 2))]
        )

    def small(self, *numbers: int) -> int:
        return self.one_of(numbers)


def _same(draw: Draw, operator: Callable[..., Any], types: Any = ANY) -> Callable[[], Any]:
    one = draw.tensor(types=types)
    return lambda: operator(one)


def _pair(draw: Draw, operator: Callable[..., Any], types: Any = ANY) -> Callable[[], Any]:
    one = draw.tensor(types=types)
    other = draw.like(one, types)
    return lambda: operator(one, other)


def _axis(draw: Draw, operator: Callable[..., Any], types: Any = FLOATS) -> Callable[[], Any]:
    one = draw.tensor(types=types)
    axis = draw.axis(one)
    return lambda: operator(one, axis)


def _product(draw: Draw, kind: str) -> Callable[[], Any]:
    a, b, c, n = (draw.size() for _ in range(4))
    batch = [n] if "b" in kind[:1] else []
    one, other = draw.tensor([*batch, a, b]), draw.tensor([*batch, b if draw.random.random() < 0.9 else c, c])
    add = draw.tensor(draw.one_of(([c], [a, c], [1, c], [])))
    if kind == "addmm":
        return lambda: torch.addmm(add, one, other)
    return lambda: (torch.bmm if batch else torch.mm)(one, other)


def _convolution(draw: Draw, transposed: bool) -> Callable[[], Any]:
    count = draw.small(1, 2, 2, 3)
    image = draw.image(count + 2)
    groups = draw.small(1, 1, 2, 4)
    inside = image.shape[1] if draw.random.random() < 0.9 else 3
    kernel = [draw.small(1, 2, 3, 5) for _ in range(count)]
    first, second = (inside, draw.small(1, 2)) if transposed else (4 * draw.small(1, 1, 2), inside // groups)
    weight = draw.tensor([first, second, *kernel], (image.dtype, image.dtype, torch.float32))
    options = {
        "stride": draw.small(1, 1, 2, 3),
        "padding": draw.small(0, 0, 1, 2),
        "dilation": draw.small(1, 1, 2),
        "groups": groups,
    }
    name = f"conv{'_transpose' if transposed else ''}{count}d"
    return lambda: getattr(F, name)(image, weight, None, **options)


def _pool(draw: Draw, kind: str) -> Callable[[], Any]:
    image = draw.image()
    kernel, stride = (draw.small(1, 2, 3, 5) for _ in range(2))
    options: dict[str, Any] = {"padding": draw.small(0, 0, 1, 2), "ceil_mode": draw.small(0, 0, 1) == 1}
    return lambda: getattr(F, kind)(image, kernel, draw.one_of((None, stride)), **options)


def _norm(draw: Draw, kind: str) -> Callable[[], Any]:
    image = draw.tensor() if draw.small(0, 0, 1) else draw.image()
    size = image.shape[1] if image.dim() > 1 and draw.random.random() < 0.9 else 4
    dtype = (image.dtype,) if draw.random.random() < 0.9 else FLOATS
    if kind == "group_norm":
        groups = draw.small(1, 1, 2, 4)
        weight, bias = draw.tensor([size], dtype), draw.tensor([size], dtype)
        return lambda: F.group_norm(image, groups, *draw.one_of(((), (weight, bias))))
    if kind == "layer_norm":
        shape = list(image.shape[image.dim() - draw.small(1, 1, 2) :])
        weight, bias = draw.tensor(shape, dtype), draw.tensor(shape, dtype)
        return lambda: F.layer_norm(image, shape, weight, bias)
    mean, var, weight, bias = (draw.tensor([size], dtype) for _ in range(4))
    training = draw.small(0, 0, 1) == 1
    return lambda: F.batch_norm(image, mean, var, *draw.one_of(((None, None), (weight, bias))), training)


def _joined(draw: Draw, operator: Callable[..., Any]) -> Callable[[], Any]:
    first = draw.tensor()
    parts = [first, *(draw.tensor(list(first.shape), (first.dtype,)) for _ in range(draw.small(0, 1, 2)))]
    if draw.random.random() < 0.2:
        parts.append(draw.tensor())
    axis = draw.axis(first)
    return lambda: operator(parts, axis)


def _chosen(draw: Draw, operator: Callable[..., Any]) -> Callable[[], Any]:
    one = draw.tensor(types=ANY)
    axis = draw.axis(one)
    shape = [draw.random.randint(0, size) for size in one.shape]
    index = draw.tensor(shape, (torch.int64, torch.int64, torch.int32, torch.bool))
    flat = draw.tensor([draw.size()], (torch.int64, torch.int64, torch.int32, torch.bool))
    return lambda: operator(one, axis, index, flat)


def _loss(draw: Draw, kind: str) -> Callable[[], Any]:
    reduction = draw.one_of(("mean", "sum", "none"))
    if kind == "cross_entropy":
        scores = draw.tensor([draw.size(), draw.size(), *draw.one_of(([], [], [3, 2]))])
        shape = [size for axis, size in enumerate(scores.shape) if axis != 1]
        labels = draw.tensor(shape, (torch.int64,))
        weight = draw.one_of((None, draw.tensor([scores.shape[1]])))
        return lambda: F.cross_entropy(scores, labels, weight, reduction=reduction)
    one = draw.tensor()
    other = draw.tensor(list(one.shape)) if draw.random.random() < 0.8 else draw.like(one)
    return lambda: getattr(F, kind)(one, other, reduction=reduction)


def _shaped(draw: Draw, kind: str) -> Callable[[], Any]:
    image = draw.image()
    a, b, c = (draw.small(0, 1, 2, 3) for _ in range(3))
    pads = [draw.small(0, 0, 1, 2, -1, 5) for _ in range(4)]
    one = draw.tensor()
    times = [draw.small(0, 1, 2, 3) for _ in range(draw.random.randrange(6))]
    return {
        "pad": lambda: F.pad(image, pads[: draw.small(2, 4)]),
        "reflect": lambda: F.pad(image, pads, mode="reflect"),
        "unfold": lambda: F.unfold(image, b + 1, dilation=c, padding=a, stride=draw.small(1, 2)),
        "pixel_shuffle": lambda: F.pixel_shuffle(image, a),
        "nearest": lambda: F.interpolate(image, size=(a * 3, b + 1)),
        "bilinear": lambda: F.interpolate(image, scale_factor=a, mode="bilinear"),
        "bicubic": lambda: F.interpolate(image, size=(a * 3, b + 1), mode="bicubic"),
        "prelu": lambda: F.prelu(image, torch.empty(image.shape[1] if a else 1, device="meta")),
        "adaptive": lambda: F.adaptive_avg_pool2d(image, (a, b + 1)),
        "repeat": lambda: one.repeat(times),
        "rot90": lambda: torch.rot90(image, a, (2, 3)),
    }[kind]


def _made(draw: Draw, kind: str) -> Callable[[], Any]:
    numbers = [draw.one_of((-2, 0, 1, 5, 2.5, 0.3)) for _ in range(3)]
    dtype = draw.one_of((None, torch.float64, torch.int64))
    given: dict[str, Any] = {"device": "meta", "dtype": dtype}
    shape = draw.shape()
    return {
        "arange": lambda: torch.arange(*numbers[: draw.small(1, 2, 3)], **given),
        "rand": lambda: torch.rand(shape, **given),
        "randn": lambda: torch.randn(shape, **given),
        "randint": lambda: torch.randint(*draw.one_of(((7,), (2, 7))), shape, **given),
    }[kind]


def _named(module: Any, names: str) -> dict[str, Callable[..., Any]]:
    return {name: getattr(module, name) for name in names.split()}


UNARY: dict[str, Callable[[Tensor], Any]] = {
    "add 1": lambda x: x + 1,
    "times half": lambda x: x * 0.5,
    "1 minus": lambda x: 1 - x,
    "true division": lambda x: x / 2,
    "floor division": lambda x: x // 2,
    "compared": lambda x: x > 0,
    "power": lambda x: x**2,
    "inverse power": lambda x: x**-1,
    "clamped": lambda x: x.clamp(0, 1),
    "filled": lambda x: x.masked_fill(x > 0, 1.5),
    "chosen": lambda x: torch.where(x > 0, x, 0.0),
    "in place": lambda x: x.mul_(0.5),
    "relu in place": lambda x: x.relu_(),
    "normal": lambda x: x.normal_(),
    "normal, below 0": lambda x: x.normal_(0, -1),
    "uniform": lambda x: x.uniform_(-1, 1),
    "uniform, turned": lambda x: x.uniform_(1, -1),
    "filled in place": lambda x: x.fill_(2.5),
    "filled with a complex number": lambda x: x.fill_(1j),
    "zeros in place": lambda x: x.zero_(),
    "erfinv": lambda x: x.erfinv_(),
    "bernoulli": lambda x: torch.bernoulli(x),
    "zeros like": torch.zeros_like,
    "full like": lambda x: torch.full_like(x, 3),
    "cloned": lambda x: x.clone(),
    "cloned dense": lambda x: x.clone(memory_format=torch.contiguous_format),
    **_named(
        torch,
        "abs acos ceil cos exp floor isnan log log2 neg reciprocal relu sigmoid sin sqrt tanh mean",
    ),
    **_named(F, "gelu hardtanh silu hardswish leaky_relu elu softplus"),
}
BINARY: dict[str, Callable[[Tensor, Tensor], Any]] = {
    "added in place": lambda x, y: x.add_(y),
    "added twice": lambda x, y: torch.add(x, y, alpha=2),
    "chosen by": lambda x, y: torch.where(x > 0, x, y),
    "clamped at": lambda x, y: x.clamp(min=y),
    **_named(torch, "add sub mul div maximum atan2 lt eq remainder pow bitwise_and logical_and"),
}
ALONG: dict[str, Callable[[Tensor, int], Any]] = {
    "sum, kept": lambda x, axis: x.sum(axis, keepdim=True),
    "sum of two": lambda x, axis: x.sum((0, axis)),
    "norm": lambda x, axis: x.norm(dim=axis, keepdim=True),
    "normalized": lambda x, axis: F.normalize(x, dim=axis),
    "var": lambda x, axis: x.var(axis, unbiased=False),
    "rolled": lambda x, axis: torch.roll(x, 2, axis),
    "flipped": lambda x, axis: x.flip(axis),
    "max": lambda x, axis: tuple(x.max(axis)),
    "sorted": lambda x, axis: tuple(x.sort(axis, descending=True)),
    **_named(torch, "sum mean amax amin argmax all any prod cumsum softmax log_softmax"),
}
CHOSEN: dict[str, Callable[..., Any]] = {
    "gather": lambda x, axis, index, flat: x.gather(axis, index),
    "index_select": lambda x, axis, index, flat: x.index_select(axis, flat),
    "scatter_add": lambda x, axis, index, flat: x.scatter_add(axis, index, x),
    "rows": lambda x, axis, index, flat: x[flat],
    "columns": lambda x, axis, index, flat: x[:, flat],
    "rows and columns": lambda x, axis, index, flat: x[flat, :, flat],
    "grid": lambda x, axis, index, flat: x[flat[:, None], flat],
    "mask": lambda x, axis, index, flat: x[index > 0],
    "embedding": lambda x, axis, index, flat: F.embedding(index, x),
}


def cases() -> Iterator[tuple[str, Callable[[Draw], Callable[[], Any]]]]:
    for name, unary in UNARY.items():
        yield name, lambda draw, op=unary: _same(draw, op)
    for name, binary in BINARY.items():
        yield name, lambda draw, op=binary: _pair(draw, op)
    for name, along in ALONG.items():
        yield f"{name} along", lambda draw, op=along: _axis(draw, op, ANY)
    for name, chosen in CHOSEN.items():
        yield name, lambda draw, op=chosen: _chosen(draw, op)
    for make, kinds in (
        (_product, "mm bmm addmm"),
        (_pool, "max_pool2d avg_pool2d"),
        (_norm, "batch_norm layer_norm group_norm"),
        (_loss, "cross_entropy mse_loss smooth_l1_loss binary_cross_entropy_with_logits"),
        (_shaped, "pad reflect unfold pixel_shuffle nearest bilinear bicubic prelu adaptive repeat rot90"),
        (_made, "arange rand randn randint"),
    ):
        for kind in kinds.split():
            yield kind, lambda draw, make=make, kind=kind: make(draw, kind)
    yield "convolution", lambda draw: _convolution(draw, False)
    yield "transposed convolution", lambda draw: _convolution(draw, True)
    yield "cat", lambda draw: _joined(draw, torch.cat)
    yield "stack", lambda draw: _joined(draw, torch.stack)


def described(value: Any) -> Any:
    """Sizes, strides where they say something, and type; of tuples, part by part."""
    if isinstance(value, tuple):
        return tuple(map(described, value))
    assert value.is_meta
    strides = [stride for size, stride in zip(value.shape, value.stride(), strict=True) if size > 1]
    return tuple(value.shape), strides if value.numel() else [], value.dtype


def outcome(call: Callable[[], Any]) -> Any:
    try:
        return described(call())
    except Exception as error:  # noqa: BLE001 - what torch raises is compared too
        return type(error).__name__, str(error).splitlines()[:1]


@pytest.mark.parametrize("make", [pytest.param(make, id=name) for name, make in cases()])
@pytest.mark.filterwarnings("ignore:Using a target size")
@given(seed=st.integers(0, 2**32))
@settings(max_examples=60, deadline=None)
def test_operators_give_on_meta_what_torch_gives(make: Callable[[Draw], Callable[[], Any]], seed: int) -> None:
    with torch.no_grad():
        expected = outcome(make(Draw(seed)))
        with MetaMode():
            found = outcome(make(Draw(seed)))
    assert found == expected


@pytest.mark.slow
@pytest.mark.parametrize("name", ["classification/swin_tiny", "detection/retinanet_r50_fpn_ghm", "selfsup/cae"])
def test_sizes_and_flops_of_graphs_are_those_of_torch(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    graph = composer.read(f"saved_graphs/{name}.yaml")
    found = composer.infer_shapes(graph, Catalog(Catalog.default().components))
    monkeypatch.setattr(meta, "_answer", lambda *_: NotImplemented)
    assert found == composer.infer_shapes(graph, Catalog(Catalog.default().components))
    assert any(node.flops for node in found.nodes.values())


@pytest.mark.slow
def test_a_check_of_graphs_does_without_the_compiler_and_the_browser() -> None:
    """None of it is imported, which is most of the time that a check took."""
    script = (
        "import sys; from composer.cli import main\n"
        "try: main()\n"
        "except SystemExit as end: print('code', end.code)\n"
        "print(sorted({'torch._dynamo', 'torch._inductor', 'sympy', 'gradio'} & set(sys.modules)))"
    )
    graphs = sorted(os.path.relpath(path) for path in PATHS if not needed_by(path.read_text()))
    done = subprocess.run([sys.executable, "-c", script, "check", *graphs], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == [*(f"{graph}: ok" for graph in graphs), "code 0", "[]"]
