"""Functions of torch that modules call: each comes in whole, through the module and through a file."""

import io
import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

import composer
from composer import GraphError
from composer.modules import ImportedModule


class Calls(nn.Module):
    """A linear layer, and what a function makes of its outputs and inputs."""

    def __init__(self, function: Callable[..., Any]) -> None:
        super().__init__()
        self.fc = nn.Linear(4, 4)
        self.function = function

    def forward(self, x: Tensor) -> Any:
        return self.function(self.fc(x), x)


def _of_two(y: Tensor, x: Tensor) -> dict[str, Tensor]:
    mask = (y > x) & (y < 2) | ~(x > 0)
    return {
        "chosen": torch.where(mask, y, x) + torch.where(x > 0, 1.0, 0.0),
        "ties": (y == y.max(1, keepdim=True)[0]).float(),
        "powers": 2 ** y.tanh() + y.abs() ** x.abs(),
        "angles": torch.atan2(y, x) + torch.fmod(y, 2) + y % 3,
        "bounds": torch.clamp(y, min=x) + torch.lerp(x, y, 0.3) + torch.addcdiv(x, y, x.abs() + 1),
    }


def _activations(y: Tensor, x: Tensor) -> dict[str, Tensor]:
    return {
        "glu": F.glu(y, 1),
        "selu": F.selu(y) + F.celu(y, 2.0) + F.softsign(y) + F.logsigmoid(y),
        "shrunk": F.softshrink(y, 0.1) + F.hardshrink(y, 0.1) + F.tanhshrink(y) + F.threshold(y, 0.1, -1.0),
        "trigonometric": torch.sinh(y) + torch.asin(y.clamp(-0.5, 0.5)) + torch.atan(x),
    }


def _reductions(y: Tensor, x: Tensor) -> dict[str, Tensor]:
    values, places = y.topk(2, dim=1)
    smallest, where = y.min(1)
    return {
        "least": y.amin(1) + smallest,
        "where": where + y.argmax(1),
        "best": values,
        "places": places,
        "smooth": torch.logsumexp(y, 1),
        "running": torch.cumsum(y, 1),
        "sorted": y.sort(1)[0],
    }


def _products(y: Tensor, x: Tensor) -> dict[str, Tensor]:
    batch = torch.baddbmm(x.unsqueeze(1), y.unsqueeze(1), torch.stack([x, y, x, y], 1), beta=0.5)
    return {
        "batch": batch,
        "vector": y @ torch.arange(4.0),
        "outer": torch.outer(torch.arange(3.0), torch.arange(4.0)) + y[:, :3, None],
        "cosine": F.cosine_similarity(y, x, dim=1),
        "distance": F.pairwise_distance(y, x),
        "rows": F.pairwise_distance(y, torch.arange(4.0), p=1.0, keepdim=True),
        "lengths": torch.stack([torch.linalg.vector_norm(y, p, dim=1) for p in (1, 2, math.inf, -math.inf)], dim=1),
        "triangle": torch.tril(y.unsqueeze(1) * x.unsqueeze(2)),
    }


def _indices(y: Tensor, x: Tensor) -> dict[str, Tensor]:
    grid = torch.stack([x, y, x], 1)
    return {
        "list": y[:, [0, -2]],
        "tensor": y[..., torch.tensor([[1, 0]])],
        "two": grid[:, torch.tensor([0, 2]), torch.tensor([3, -1])],
        "mask": y[:, torch.tensor([True, False, True, True])],
        "windows": y.unfold(1, 2, 1),
        "repeated": y.repeat_interleave(2, dim=1) + x.repeat(1, 2),
        "gathered": torch.gather(y, 1, x.topk(3, 1)[1]),
        "scattered": torch.zeros_like(y).scatter(1, x.topk(2, 1)[1], y[:, :2]),
        "summed": torch.zeros(y.shape[0], 2).scatter_add(1, torch.tensor([0, 1, 0, 1]).expand(y.shape[0], 4), y),
        "classes": F.one_hot(y.argmax(1), 4),
        "joined": torch.hstack([x, y]),
    }


def _written(y: Tensor, x: Tensor) -> Tensor:
    z = torch.stack([x, x, y], 1) + 0
    z[:, 0] = y
    z[..., 1::2] = 2.0
    z[:, 1:, :2] = x[:, None, 2:]
    z[z < 0] = 0.5
    z[:, [2, 0], 3] = y[:, :2]
    return z


FUNCTIONS = {
    "of_two": _of_two,
    "activations": _activations,
    "reductions": _reductions,
    "products": _products,
    "indices": _indices,
    "written": _written,
}


def whole(module: nn.Module, *example: Any, train: bool = True) -> ImportedModule:
    """What comes of a module; it has no placeholders and is the same function."""
    found = composer.from_module(module, *example, train=train)
    assert found.report.placeholders == {}
    assert found.report.evaluation is not None
    return found


def from_file(module: nn.Module, *example: Any) -> ImportedModule:
    """What comes of a module that was written to a file."""
    file = io.BytesIO()
    torch.export.save(torch.export.export(module.eval(), example), file)
    return composer.from_pt2(file.getvalue())


@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions_are_imported_for_any_batch(name: str) -> None:
    torch.manual_seed(0)
    found = whole(Calls(FUNCTIONS[name]), torch.randn(2, 4))
    assert not [note for note in found.report.notes if "the batch is fixed" in note]


@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions_are_imported_from_a_pt2_file(name: str) -> None:
    torch.manual_seed(0)
    found = from_file(Calls(FUNCTIONS[name]), torch.randn(2, 4))
    assert found.report.placeholders == {}
    assert found.report.evaluation is not None


class Maps(nn.Module):
    """Maps taken apart, put together, resized and read at places."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 1)
        self.offsets = nn.Conv2d(3, 2, 3, padding=1)
        self.position = nn.Parameter(torch.randn(1, 8, 3, 3))
        self.sequence = nn.Parameter(torch.randn(1, 8, 5))
        self.up = nn.ConvTranspose2d(8, 2, 3, 2, 1)

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        y = self.conv(x)
        batch, _, height, width = x.shape
        grid = F.affine_grid(torch.eye(2, 3).expand(batch, 2, 3), [batch, 3, height, width], align_corners=False)
        return {
            "folded": F.fold(F.unfold(y, 3, padding=1), (height, width), 3, padding=1),
            "shuffled": F.channel_shuffle(y, 4),
            "resized": y + F.interpolate(self.position, (height, width), mode="bicubic", antialias=True),
            "row": y.flatten(2) + F.interpolate(self.sequence, height * width, mode="linear"),
            "stretched": F.interpolate(y, scale_factor=(2.0, 1.0), mode="nearest"),
            "read": F.grid_sample(y, grid + self.offsets(x).permute(0, 2, 3, 1) * 0.1, align_corners=False),
            "normed": F.layer_norm(y, y.shape[1:]) + F.instance_norm(y),
            "larger": self.up(y, output_size=(2 * height, 2 * width)),
        }


def test_feature_maps_are_split_and_joined() -> None:
    torch.manual_seed(0)
    whole(Maps(), torch.randn(2, 3, 6, 6))
    assert from_file(Maps(), torch.randn(2, 3, 6, 6)).report.placeholders == {}


class Recurrent(nn.Module):
    """A recurrent layer behind a convolution, its last state and its last output."""

    def __init__(self, layer: nn.Module, first: bool = True) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 2, 3, 2, 1)
        self.layer = layer
        self.first = first

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        rows = self.conv(image).permute(0, 2, 1, 3).flatten(2)
        out, state = self.layer(rows if self.first else rows.transpose(0, 1))
        return out[:, -1], state[0][-1] if isinstance(state, tuple) else state[-1]


@pytest.mark.parametrize(
    ("layer", "first"),
    [
        (nn.LSTM(8, 5, batch_first=True), True),
        (nn.LSTM(8, 5, num_layers=2, bidirectional=True, dropout=0.2, proj_size=3), False),
        (nn.GRU(8, 5, batch_first=True, bias=False), True),
        (nn.RNN(8, 5, batch_first=True, nonlinearity="relu"), True),
    ],
)
def test_recurrent_layers_are_layers(layer: nn.Module, first: bool) -> None:
    module = Recurrent(layer, first)
    found = whole(module, torch.randn(2, 3, 8, 8))
    types = {type(part).__name__ for part in found.model.modules()}
    assert type(layer).__name__ in types
    assert set(found.report.renamed.values()) | set(found.weights) >= set(module.state_dict())
    other = from_file(module, torch.randn(2, 3, 8, 8))
    assert type(layer).__name__ in {type(part).__name__ for part in other.model.modules()}


class Begun(nn.Module):
    """An LSTM whose states begin with a map's mean, or one of them with zeros."""

    def __init__(self, which: str) -> None:
        super().__init__()
        self.layer = nn.LSTM(8, 5, batch_first=True)
        self.first = nn.Linear(8, 5)
        self.which = which

    def forward(self, x: Tensor) -> Tensor:
        begun = self.first(x.mean(1))[None]
        zeros = torch.zeros_like(begun)
        states = {"hidden": (begun, zeros), "cell": (zeros, begun), "both": (begun, begun)}[self.which]
        return self.layer(x, states)[0]


@pytest.mark.parametrize("which", ["hidden", "cell", "both"])
def test_initial_states_of_an_lstm_are_imported(which: str) -> None:
    found = whole(Begun(which), torch.randn(2, 3, 8))
    node = next(node for node in found.graph.nodes.values() if node.type == "LSTM")
    assert set(node.inputs) == {"input", *(["hidden", "cell"] if which == "both" else [which])}


class ByMask(nn.Module):
    """Attention with a mask, and with fewer heads of keys than of queries."""

    def __init__(self) -> None:
        super().__init__()
        self.qkv = nn.Linear(8, 16)
        self.attention = nn.MultiheadAttention(8, 2, batch_first=True)

    def forward(self, x: Tensor, seen: Tensor) -> Tensor:
        q, k, v = self.qkv(x).split([8, 4, 4], -1)
        q, k, v = (one.unflatten(-1, (-1, 2)).transpose(1, 2) for one in (q, k, v))
        y = F.scaled_dot_product_attention(q, k, v, seen[:, None, None, :], enable_gqa=True)
        padding = torch.zeros(x.shape[0], x.shape[1], dtype=torch.bool)
        return self.attention(x, x, x, key_padding_mask=padding, need_weights=False)[0] + y.transpose(1, 2).flatten(2)


def test_a_boolean_mask_is_an_input() -> None:
    seen = torch.tensor([[True, True, False], [True, True, True]])
    assert whole(ByMask(), torch.randn(2, 3, 8), seen).graph.inputs["seen"].type == "Mask"


class OwnEntry(nn.Module):
    """For each sample the entry that it names itself."""

    def forward(self, x: Tensor) -> Tensor:
        return x[torch.arange(x.shape[0]), x.sum(-1).argmax(1)]


class PerSample(nn.Module):
    """Divides by the size of the batch, which no part does."""

    def forward(self, x: Tensor) -> Tensor:
        return x / x.shape[0]


def test_a_batch_that_cannot_be_free_is_fixed_and_reported() -> None:
    assert whole(OwnEntry(), torch.randn(2, 3, 4)).report.notes == ()
    (note,) = whole(PerSample(), torch.randn(3, 4)).report.notes
    assert "the batch is fixed to that of the example: " in note


class Autoencoder(nn.Module):
    """Embedding and output share a table; a layer's weight is used turned over too."""

    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Embedding(10, 6)
        self.encode = nn.Linear(6, 3)
        self.out = nn.Linear(6, 10, bias=False)
        self.out.weight = self.embed.weight

    def forward(self, x: Tensor) -> Tensor:
        code = self.encode(self.embed(x)).tanh()
        return self.out(F.linear(code, self.encode.weight.t()))


def test_tied_weights_stay_one_weight() -> None:
    found = whole(Autoencoder(), torch.randint(0, 10, (2, 5)))
    tables = [name for name, item in found.weights.items() if item.shape == (10, 6)]
    assert len(tables) == 1
    assert found.report.training is not None


def test_a_weight_of_direction_and_length_is_computed() -> None:
    normed = nn.utils.parametrizations.weight_norm(nn.Conv2d(3, 4, 3))
    whole(nn.Sequential(normed, nn.ReLU()), torch.randn(2, 3, 6, 6))


class Drops(nn.Module):
    """Leaves out by a function."""

    def __init__(self, chance: float, in_training: float | None = None) -> None:
        super().__init__()
        self.fc = nn.Linear(4, 4)
        self.chance, self.in_training = chance, in_training

    def forward(self, x: Tensor) -> Tensor:
        chance = self.chance if self.in_training is None or not self.training else self.in_training
        return F.dropout(self.fc(x), chance, self.training)


def test_dropout_by_a_function_is_a_layer_with_its_chance() -> None:
    assert whole(Drops(0.3), torch.randn(2, 4)).graph.nodes["dropout"].params == {"p": 0.3}
    with pytest.raises(GraphError, match=r"chances of dropout are others: in the module 0.6, in the graph 0.3"):
        composer.from_module(Drops(0.3, 0.6), torch.randn(2, 4))


def test_dropout_in_evaluation_is_reported() -> None:
    module = Calls(lambda y, _: F.dropout(y, 0.5))
    (why,) = composer.from_module(module, torch.randn(2, 4)).report.placeholders.values()
    assert "dropout that acts in evaluation too" in why


class Moving(nn.Module):
    """Keeps a mean of its own, and adds noise in training."""

    def __init__(self, noise: bool) -> None:
        super().__init__()
        self.fc = nn.Linear(4, 4)
        self.noise = noise
        self.register_buffer("mean", torch.zeros(4))

    def forward(self, x: Tensor) -> Tensor:
        y = self.fc(x)
        if self.noise:
            return y + torch.randn_like(y) if self.training else y
        self.mean = 0.9 * self.mean + 0.1 * y.detach().mean(0)
        return y - self.mean


def test_random_numbers_and_buffer_updates_in_forward_are_refused_by_name() -> None:
    with pytest.raises(
        GraphError, match=r"randn_like draws random numbers at test_functions.py, line \d+: return y \+"
    ):
        composer.from_module(Moving(True), torch.randn(2, 4))
    module = Moving(False)
    held = module.mean
    with pytest.raises(GraphError, match="its forward changes mean, which no part does"):
        composer.from_module(module, torch.randn(2, 4))
    assert module.mean is held
    assert torch.equal(held, torch.zeros(4))


class Levels(nn.Module):
    """Takes a list, a dictionary and any number of tensors."""

    def __init__(self) -> None:
        super().__init__()
        self.fc = nn.Linear(4, 4)

    def forward(self, levels: list[Tensor], *more: Tensor, masks: dict[str, Tensor], scale: float = 1.0) -> Tensor:
        return self.fc(levels[0]) + levels[1] * scale + sum(more) * masks["soft"]


def test_lists_and_dictionaries_of_tensors_are_inputs() -> None:
    pair = [torch.randn(2, 4), torch.randn(2, 4)]
    found = composer.from_module(Levels(), pair, *pair, masks={"soft": torch.rand(2, 4)}, scale=math.pi)
    assert list(found.graph.inputs) == ["levels_0", "levels_1", "more_0", "more_1", "masks_soft"]
    assert found.report.training is not None


@pytest.mark.parametrize(
    ("function", "text"),
    [
        (lambda y, x: y[x > 0].sum(), "a mask as an index: how much it takes is not known before it is computed"),
        (lambda y, x: y + torch.randn_like(x), "there is no part for torch.randn_like"),
        (lambda y, x: torch.fft.rfft(y).abs(), "there is no part for"),
        (lambda y, x: y.argmax() + x, "the place of the largest of all numbers of a tensor: name an axis"),
    ],
)
def test_functions_without_a_component_are_reported(function: Callable[..., Any], text: str) -> None:
    report = composer.from_module(Calls(function), torch.randn(2, 4)).report
    assert any(text in why for why in report.placeholders.values())


def test_weights_of_attention_that_are_returned_are_a_placeholder() -> None:
    class Shown(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.attention = nn.MultiheadAttention(8, 2, batch_first=True)

        def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
            return self.attention(x, x, x)

    (why,) = composer.from_module(Shown(), torch.randn(2, 3, 8)).report.placeholders.values()
    assert "the weights of attention as a tensor" in why
