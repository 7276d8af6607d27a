"""The layers of torch.nn keep its numbers, the wiring parts do what they say, and bad values are refused."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from components.layers import (
    activation,
    arithmetic,
    attention,
    convolution,
    embedding,
    linear,
    normalization,
    pooling,
    recurrent,
    regularization,
    resampling,
    selection,
    shape,
    transformer,
)
from composer.catalog.component import read_component

FILES = (
    *(activation, arithmetic, attention, convolution, embedding, linear, normalization),
    *(pooling, regularization, resampling, selection, shape, transformer),
)
PARTS = {name: getattr(file, name) for file in FILES for name in file.__all__}

MAP = (2, 4, 6, 6)
TOKENS = (2, 3, 8)
SAME_AS_TORCH: list[tuple[str, dict[str, Any], tuple[int, ...]]] = [
    ("AdaptiveAvgPool2d", {"output_size": (2, None)}, MAP),
    ("AdaptiveMaxPool2d", {"output_size": 2}, MAP),
    ("AvgPool2d", {"kernel_size": 3, "stride": 2, "padding": 1, "count_include_pad": False}, MAP),
    ("BatchNorm1d", {"num_features": 4}, (5, 4)),
    ("BatchNorm1d", {"num_features": 4, "momentum": None}, (5, 4, 3)),
    ("BatchNorm2d", {"num_features": 4}, MAP),
    ("BatchNorm2d", {"num_features": 4, "track_running_stats": False}, MAP),
    ("Conv2d", {"in_channels": 4, "out_channels": 6, "kernel_size": 3, "groups": 2}, MAP),
    ("Conv2d", {"in_channels": 4, "out_channels": 6, "kernel_size": 3, "padding": "same"}, MAP),
    ("Conv2d", {"in_channels": 4, "out_channels": 6, "kernel_size": 3, "padding": 1, "padding_mode": "circular"}, MAP),
    ("ConvTranspose2d", {"in_channels": 4, "out_channels": 6, "kernel_size": 3, "stride": 2, "output_padding": 1}, MAP),
    ("Dropout", {"p": 0.3}, TOKENS),
    ("Dropout2d", {"p": 0.3}, MAP),
    ("ELU", {"alpha": 0.5}, MAP),
    ("Flatten", {"start_dim": 2}, MAP),
    ("GELU", {"approximate": "tanh"}, MAP),
    ("GroupNorm", {"num_groups": 2, "num_channels": 4}, MAP),
    ("Hardsigmoid", {}, MAP),
    ("Hardswish", {}, MAP),
    ("Identity", {}, MAP),
    ("InstanceNorm2d", {"num_features": 4, "affine": True, "track_running_stats": True}, MAP),
    ("LayerNorm", {"normalized_shape": 8}, TOKENS),
    ("LeakyReLU", {"negative_slope": 0.2}, MAP),
    ("Linear", {"in_features": 8, "out_features": 5}, TOKENS),
    ("LogSoftmax", {"dim": 1}, MAP),
    ("MaxPool2d", {"kernel_size": 3, "stride": 2, "padding": 1, "ceil_mode": True}, MAP),
    ("Mish", {}, MAP),
    ("PReLU", {"num_parameters": 4}, MAP),
    ("PixelShuffle", {"upscale_factor": 2}, MAP),
    ("PixelUnshuffle", {"downscale_factor": 2}, MAP),
    ("RMSNorm", {"normalized_shape": 8}, TOKENS),
    ("ReLU", {}, MAP),
    ("ReLU6", {}, MAP),
    ("SiLU", {}, MAP),
    ("Sigmoid", {}, MAP),
    ("Softmax", {"dim": 1}, MAP),
    ("Softplus", {"beta": 2.0, "threshold": 1.0}, MAP),
    ("Tanh", {}, MAP),
    ("Unflatten", {"dim": 1, "unflattened_size": (2, 2)}, MAP),
    ("Upsample", {"scale_factor": 2.0}, MAP),
    ("Upsample", {"size": (5, 7), "mode": "bilinear", "align_corners": True}, MAP),
    ("ZeroPad2d", {"padding": (1, 0, 2, -1)}, MAP),
]
TRANSFORMER = {"d_model": 8, "nhead": 2, "dim_feedforward": 12}


def built(cls: type[nn.Module], **params: Any) -> Any:
    torch.manual_seed(0)
    return cls(**params)


def same(found: Any, expected: Any) -> None:
    torch.testing.assert_close(found, expected, rtol=0, atol=0)


def close(found: Any, expected: Any) -> None:
    torch.testing.assert_close(found, expected, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("training", [True, False], ids=["training", "evaluation"])
@pytest.mark.parametrize(
    ("name", "params", "size"), SAME_AS_TORCH, ids=[f"{row[0]}-{i}" for i, row in enumerate(SAME_AS_TORCH)]
)
def test_a_layer_is_torchs_bit_for_bit(
    name: str, params: dict[str, Any], size: tuple[int, ...], training: bool
) -> None:
    ours, theirs = built(PARTS[name], **params), built(getattr(nn, name), **params)
    assert isinstance(ours, getattr(nn, name))
    assert str(ours) == str(theirs)
    x = torch.randn(size)
    for module in (ours, theirs):
        module(x)  # running statistics are no longer what they start from
    outputs = []
    for module in (ours.train(training), theirs.train(training)):
        torch.manual_seed(1)
        outputs.append(module(x))
    same(*outputs)
    same(ours.state_dict(), theirs.state_dict())


def test_an_embedding_is_torchs_bit_for_bit() -> None:
    params = {"num_embeddings": 10, "embedding_dim": 4, "padding_idx": -1}
    index = torch.tensor([[0, 9], [3, 3]])
    same(built(embedding.Embedding, **params)(index), built(nn.Embedding, **params)(index))


BARRED = torch.tensor([[False, False, True], [False, True, True]])
CAUSAL = torch.ones(3, 3, dtype=torch.bool).triu(1)


@pytest.mark.parametrize(
    "masks",
    [
        {},
        {"key_padding_mask": BARRED},
        {"attn_mask": CAUSAL},
        {"attn_mask": torch.randn(3, 3), "key_padding_mask": torch.randn(2, 3)},
        {"attn_mask": CAUSAL, "key_padding_mask": BARRED},
    ],
    ids=["free", "padding", "causal", "additive", "both"],
)
@pytest.mark.parametrize("bias", [True, False], ids=["bias", "plain"])
def test_self_attention_is_torchs(masks: dict[str, Tensor], bias: bool) -> None:
    params = {"embed_dim": 8, "num_heads": 2, "bias": bias}
    ours, theirs = (
        built(attention.MultiheadAttention, **params),
        built(nn.MultiheadAttention, **params, batch_first=True),
    )
    x = torch.randn(TOKENS)
    same(ours.state_dict(), theirs.state_dict())
    close(ours(x, **masks), theirs(x, x, x, need_weights=False, **masks)[0])


@pytest.mark.parametrize("sizes", [{}, {"kdim": 6, "vdim": 4}], ids=["one-size", "own-sizes"])
def test_attention_to_others_is_torchs(sizes: dict[str, int]) -> None:
    params = {"embed_dim": 8, "num_heads": 2, **sizes}
    ours, theirs = (
        built(attention.MultiheadAttention, **params),
        built(nn.MultiheadAttention, **params, batch_first=True),
    )
    query, key, value = torch.randn(TOKENS), torch.randn(2, 5, ours.kdim), torch.randn(2, 5, ours.vdim)
    same(ours.state_dict(), theirs.state_dict())
    close(ours(query, key, value), theirs(query, key, value, need_weights=False)[0])
    if not sizes:
        close(ours(query, key), theirs(query, key, key, need_weights=False)[0])


@pytest.mark.parametrize("norm_first", [True, False])
@pytest.mark.parametrize("name", ["TransformerEncoderLayer", "TransformerDecoderLayer"])
def test_a_transformer_layer_is_torchs_with_the_batch_first(name: str, norm_first: bool) -> None:
    params = {**TRANSFORMER, "norm_first": norm_first, "activation": "gelu"}
    ours, theirs = built(PARTS[name], **params).eval(), built(getattr(nn, name), **params, batch_first=True).eval()
    inputs = (torch.randn(TOKENS), torch.randn(2, 5, 8))[: 1 + ("Decoder" in name)]
    same(ours.state_dict(), theirs.state_dict())
    close(ours(*inputs), theirs(*inputs))
    first = "src" if len(inputs) == 1 else "tgt"
    masks = {f"{first}_mask": CAUSAL, f"{first}_key_padding_mask": BARRED}
    close(ours(*inputs, **masks), theirs(*inputs, **masks))


def test_dropped_attention_is_scaled_up_in_training_only() -> None:
    layer = built(attention.MultiheadAttention, embed_dim=8, num_heads=2, dropout=0.5)
    x = torch.randn(TOKENS)
    assert not torch.equal(layer(x), layer(x))
    layer.eval()
    same(layer(x), layer(x))


def numbers(*size: int) -> Tensor:
    return torch.arange(float(torch.tensor(size).prod())).reshape(size)


A, B, GATE = numbers(2, 4, 3, 5), numbers(2, 4, 3, 5) / 7, numbers(2, 4, 1, 1)
SEQUENCE = numbers(2, 6, 4)
WIRING: list[tuple[str, dict[str, Any], tuple[Tensor, ...], Callable[..., Any]]] = [
    ("Add", {}, (A, B, B), lambda a, b, c: a + b + c),
    ("Add", {}, (A,), lambda a: a),
    ("AddBroadcast", {}, (A, GATE), lambda a, gate: a + gate),
    ("Affine", {"factor": 2.0, "offset": -1.0}, (A,), lambda a: a * 2 - 1),
    ("Chunk", {"chunks": 4}, (SEQUENCE,), lambda x: (x[:, :2], x[:, 2:4], x[:, 4:5], x[:, 5:])),
    ("CollectLevels", {}, (A, GATE), lambda a, gate: (a, gate)),
    ("Concat", {}, (A, GATE.expand(2, 4, 3, 5)), lambda a, b: torch.cat([a, b.expand_as(a)], 1)),
    ("Concat", {"dim": 0}, (A, B), lambda a, b: torch.cat([a, b])),
    (
        "LayerNorm2d",
        {"num_channels": 4},
        (B,),
        lambda b: F.layer_norm(b.mT.transpose(1, 3), (4,), eps=1e-6).transpose(1, 3).mT,
    ),
    ("LayerScale", {"dim": 4, "layer_scale_init_value": 0.5}, (SEQUENCE,), lambda x: x / 2),
    ("MapToTokens", {}, (A,), lambda a: torch.stack([a[:, :, i, j] for i in range(3) for j in range(5)], 1)),
    ("MatMul", {}, (SEQUENCE, SEQUENCE.mT), lambda x, y: torch.einsum("bmk,bkn->bmn", x, y)),
    ("Max", {}, (A,), lambda a: a[:, :, -1, -1]),
    ("Max", {"dim": 1, "keepdim": True}, (A,), lambda a: a[:, -1:]),
    ("Mean", {}, (A,), lambda a: a.flatten(2).mean(2)),
    ("Mean", {"dim": -1, "keepdim": True}, (A,), lambda a: a.mean(-1, True)),
    ("Multiply", {}, (A, GATE, B), lambda a, gate, b: a * gate * b),
    ("Normalize", {}, (A + 1,), lambda a: a / a.square().sum(1, True).sqrt()),
    ("Normalize", {"dim": -1, "p": 1.0}, (A + 1,), lambda a: a / a.sum(-1, True)),
    ("Permute", {"dims": (0, 2, 3, 1)}, (A,), lambda a: a.movedim(1, -1)),
    ("Reshape", {"shape": (3, -1)}, (A,), lambda a: a.reshape(2, 3, 20)),
    (
        "Resize",
        {"size": 6, "mode": "nearest"},
        (numbers(1, 1, 3, 3),),
        lambda a: a.repeat_interleave(2, 2).repeat_interleave(2, 3),
    ),
    ("Resize", {"mode": "area"}, (numbers(1, 1, 4, 4), numbers(1, 9, 2, 2)), lambda a, _: F.avg_pool2d(a, 2)),
    ("Scale", {"scale": 3.0}, (A,), lambda a: a * 3),
    ("Select", {}, (SEQUENCE,), lambda x: x[:, 0]),
    ("Select", {"index": -1, "dim": -1}, (SEQUENCE,), lambda x: x[..., -1]),
    ("Slice", {"start": 1}, (SEQUENCE,), lambda x: x[:, 1:]),
    ("Slice", {"start": -3, "end": -1, "dim": -1}, (SEQUENCE,), lambda x: x[:, :, 1:3]),
    ("Slice", {"end": 3, "dim": -2}, (SEQUENCE,), lambda x: x[:, :3]),
    ("Slice", {"end": 1, "dim": 0}, (SEQUENCE,), lambda x: x[:1]),
    ("Split", {"sizes": (1, 5)}, (SEQUENCE,), lambda x: (x[:, :1], x[:, 1:])),
    ("Squeeze", {"dim": 2}, (GATE,), lambda gate: gate[:, :, 0]),
    ("Stack", {}, (A, B), lambda a, b: torch.stack([a, b], 1)),
    ("Subtract", {}, (A, B), lambda a, b: a - b),
    ("Sum", {"dim": (1, 2)}, (A,), lambda a: a.sum(1).sum(1)),
    ("TokensToMap", {"height": 2}, (SEQUENCE,), lambda x: x.mT.reshape(2, 4, 2, 3)),
    ("Unsqueeze", {"dim": -1}, (SEQUENCE,), lambda x: x[..., None]),
]


@pytest.mark.parametrize(
    ("name", "params", "inputs", "expected"), WIRING, ids=[f"{row[0]}-{i}" for i, row in enumerate(WIRING)]
)
def test_a_wiring_component_computes_the_torch_function_of_its_name(
    name: str, params: dict[str, Any], inputs: tuple[Tensor, ...], expected: Callable[..., Any]
) -> None:
    close(PARTS[name](**params)(*inputs), expected(*inputs))


def test_a_level_is_selected_as_by_a_reference() -> None:
    assert selection.SelectLevel()((A, B)) is B
    assert selection.SelectLevel(level=0)((A, B)) is A


def test_tokens_come_back_as_the_map_they_were() -> None:
    same(shape.TokensToMap(height=3)(shape.MapToTokens()(A)), A)


def test_detach_stops_the_gradient() -> None:
    x = torch.randn(3, requires_grad=True)
    out = shape.Detach()(x)
    assert not out.requires_grad
    same(out, x.detach())


def test_the_class_token_comes_first_and_positions_are_added() -> None:
    token = built(embedding.ClassToken, embed_dims=4)
    out = token(SEQUENCE)
    same(out[:, 1:], SEQUENCE)
    same(out[:, 0], token.cls_token[0].expand(2, 4))
    place = built(embedding.PositionEmbedding, num_tokens=6, embed_dims=4)
    same(place(SEQUENCE) - SEQUENCE, (SEQUENCE + place.pos_embed) - SEQUENCE)
    assert place.pos_embed.std() < 0.05


def test_drop_path_drops_whole_samples_and_keeps_the_mean() -> None:
    torch.manual_seed(0)
    layer = regularization.DropPath(drop_prob=0.25)
    out = layer(torch.ones(4000, 2, 3))
    kept = out[:, 0, 0] > 0
    assert kept.float().mean().item() == pytest.approx(0.75, abs=0.03)
    close(out, kept[:, None, None].expand(out.shape) / 0.75)
    x = torch.randn(2, 3)
    assert layer.eval()(x) is x


REFUSED: list[tuple[str, dict[str, Any], str, dict[str, Any]]] = [
    (
        "Conv2d",
        {"in_channels": 6, "out_channels": 4, "kernel_size": 3, "groups": 3},
        "groups=3 does not divide out_channels=4: set groups to one of 1, 2",
        {"groups": 2},
    ),
    (
        "Conv2d",
        {"in_channels": 4, "out_channels": 4, "kernel_size": 3, "padding": "same", "stride": 2},
        "padding='same' needs stride 1, found stride=2",
        {"stride": (1, 1)},
    ),
    (
        "ConvTranspose2d",
        {"in_channels": 4, "out_channels": 4, "kernel_size": 3, "output_padding": 1},
        r"output_padding=\(1, 1\) must be smaller than the larger of stride and dilation, \(1, 1\)",
        {"stride": 2},
    ),
    (
        "ConvTranspose2d",
        {"in_channels": 4, "out_channels": 6, "kernel_size": 3, "groups": 4},
        "groups=4 does not divide out_channels=6",
        {"groups": 2},
    ),
    (
        "GroupNorm",
        {"num_groups": 5, "num_channels": 8},
        "num_groups=5 .* set num_groups to one of 1, 2, 4, 8",
        {"num_groups": 4},
    ),
    (
        "MaxPool2d",
        {"kernel_size": 3, "padding": 2},
        "padding=2 is more than half of kernel_size=3: .* 1 or less",
        {"padding": 1},
    ),
    ("AvgPool2d", {"kernel_size": (4, 2), "padding": (2, 2)}, "more than half", {"padding": (2, 1)}),
    ("Upsample", {}, "expected either size or scale_factor", {"size": 4}),
    ("Upsample", {"size": 4, "scale_factor": 2.0}, "expected either size or scale_factor", {"size": None}),
    ("Upsample", {"size": 4, "align_corners": False}, "means nothing for mode='nearest'", {"mode": "bilinear"}),
    ("Resize", {"mode": "area", "align_corners": True}, "means nothing for mode='area'", {"mode": "bicubic"}),
    ("Reshape", {"shape": (-1, 2, -1)}, "at most one -1", {"shape": (-1, 2)}),
    ("Unflatten", {"dim": 1, "unflattened_size": (0, 2)}, "sizes of 1 or more", {"unflattened_size": (1, 2)}),
    ("Permute", {"dims": (0, 2)}, r"must hold each of \(0, 1\) once", {"dims": (1, 0)}),
    ("Embedding", {"num_embeddings": 3, "embedding_dim": 2, "padding_idx": 3}, "expected -3 to 2", {"padding_idx": 2}),
    ("MultiheadAttention", {"embed_dim": 8, "num_heads": 3}, "set num_heads to one of 1, 2, 4, 8", {"num_heads": 4}),
    ("TransformerEncoderLayer", {"d_model": 8, "nhead": 3}, "nhead=3 does not divide d_model=8", {"nhead": 2}),
    ("TransformerDecoderLayer", {"d_model": 8, "nhead": 3}, "nhead=3 does not divide d_model=8", {"nhead": 2}),
]


@pytest.mark.parametrize(
    ("name", "params", "message", "mended"), REFUSED, ids=[f"{row[0]}-{i}" for i, row in enumerate(REFUSED)]
)
def test_contradicting_layer_parameters_are_refused(
    name: str, params: dict[str, Any], message: str, mended: dict[str, Any]
) -> None:
    with pytest.raises(ValueError, match=message):
        PARTS[name](**params)
    PARTS[name](**{**params, **mended})


def test_a_resize_without_any_size_is_refused() -> None:
    with pytest.raises(ValueError, match="wire a map to 'like' or set size"):
        resampling.Resize()(A)
    assert resampling.Resize(size=4)(A).shape == (2, 4, 4, 4)
    assert resampling.Resize(size=4)(A, GATE).shape == (2, 4, 1, 1)


BOUNDS: list[tuple[str, str, Any, Any]] = [
    ("AdaptiveAvgPool2d", "output_size", [None, 0], [None, 1]),
    ("BatchNorm2d", "momentum", 1.5, None),
    ("Chunk", "chunks", 1025, 1),
    ("Conv2d", "in_channels", 0, 1),
    ("Conv2d", "kernel_size", [3, 0], [3, 1]),
    ("Conv2d", "padding", "most", "same"),
    ("Conv2d", "padding", -1, [0, 2]),
    ("Conv2d", "padding_mode", "mirror", "reflect"),
    ("DropPath", "drop_prob", 1.0, 0.99),
    ("Dropout", "p", 1.1, 1),
    ("GELU", "approximate", "erf", "none"),
    ("LayerNorm", "eps", 0, 1e-6),
    ("Mean", "dim", [], [1, 2]),
    ("Reshape", "shape", [-2], [-1]),
    ("Slice", "dim", 16, -16),
    ("Split", "sizes", [2, 0], [2, 1]),
    ("Upsample", "scale_factor", -2.0, [2, 0.5]),
    ("ZeroPad2d", "padding", [1, 2, 3], [1, 2, 3, -4]),
]


@pytest.mark.parametrize(("name", "parameter", "refused", "accepted"), BOUNDS, ids=lambda value: str(value))
def test_a_parameter_has_bounds(name: str, parameter: str, refused: Any, accepted: Any) -> None:
    component = read_component(PARTS[name], "layers")
    assert {fault.parameter for fault in component.faults({parameter: refused})} == {parameter}
    assert component.faults({parameter: accepted}) == ()


FROM_THE_WIRE = {
    "BatchNorm1d": {"num_features"},
    "BatchNorm2d": {"num_features"},
    "ClassToken": {"embed_dims"},
    "Conv1d": {"in_channels"},
    "Conv2d": {"in_channels"},
    "ConvTranspose2d": {"in_channels"},
    "GroupNorm": {"num_channels"},
    "InstanceNorm2d": {"num_features"},
    "LayerNorm": {"normalized_shape"},
    "LayerNorm2d": {"num_channels"},
    "LayerScale": {"dim"},
    "Linear": {"in_features"},
    "MultiheadAttention": {"embed_dim"},
    "PositionEmbedding": {"num_tokens", "embed_dims"},
    "RMSNorm": {"normalized_shape"},
    "TransformerDecoderLayer": {"d_model"},
    "TransformerEncoderLayer": {"d_model"},
}


def test_sizes_that_the_wire_knows_need_not_be_given() -> None:
    reported = {name: set(read_component(part, "layers").from_wire) for name, part in PARTS.items()}
    assert {name: names for name, names in reported.items() if names} == FROM_THE_WIRE


class Chain(nn.Module):
    """A little of everything, as a compiled graph would call it."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = convolution.Conv2d(3, 8, 3, padding=1)
        self.norm = normalization.BatchNorm2d(8)
        self.relu = activation.ReLU()
        self.pool = pooling.MaxPool2d(2)
        self.up = resampling.Resize()
        self.add = arithmetic.Add()
        self.tokens = shape.MapToTokens()
        self.token = embedding.ClassToken(8)
        self.layer = transformer.TransformerEncoderLayer(8, 2, 16)
        self.rest = selection.Slice(start=1)
        self.linear = linear.Linear(8, 4)

    def forward(self, image: Tensor) -> Tensor:
        x = self.relu(self.norm(self.conv(image)))
        x = self.add(x, self.up(self.pool(x), x))
        return self.linear(self.rest(self.layer(self.token(self.tokens(x)))))


def test_layers_compile_without_a_break_and_export() -> None:
    chain, image = built(Chain).eval(), torch.randn(2, 3, 4, 4)
    same(torch.compile(chain, fullgraph=True, backend="eager")(image), chain(image))
    exported = torch.export.export(chain, (image,), dynamic_shapes=({0: torch.export.Dim("batch", min=2)},))
    other = torch.randn(3, 3, 4, 4)
    close(exported.module()(other), chain(other))


@pytest.mark.parametrize("given", [("hidden",), ("cell",), ("hidden", "cell")])
def test_states_of_an_lstm_that_are_given_are_used_and_the_others_are_zero(given: tuple[str, ...]) -> None:
    ours, theirs = recurrent.LSTM(8, 5), nn.LSTM(8, 5, batch_first=True)
    theirs.load_state_dict(ours.state_dict())
    states = {name: torch.randn(1, 2, 5) for name in given}
    whole = [states.get(name, torch.zeros(1, 2, 5)) for name in ("hidden", "cell")]
    tokens = torch.randn(2, 3, 8)
    out, (hidden, cell) = theirs(tokens, tuple(whole))
    for mine, other in zip(ours(tokens, **states), (out, hidden, cell), strict=True):
        close(mine, other)
