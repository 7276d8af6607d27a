"""Files of weights: what is loaded, what is refused, and that no weight is initialised needlessly."""

import pickle
from dataclasses import replace
from typing import Annotated

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import nn

import composer
from composer import Catalog, GraphError, Limits
from composer.graph import FrozenDict, Node, Ref
from composer.graph.file import loads
from composer.ports import AnyTensor

TEXT = """
schema: 1
name: small
inputs:
  image: {type: Image, shape: [B, 3, 8, 8]}
nodes:
  conv: {type: Conv2d, params: {out_channels: 4, kernel_size: 3}, inputs: {input: image}}
  norm: {type: BatchNorm2d, inputs: {input: conv.out}}
  pool: {type: GlobalAveragePooling, inputs: {feature: norm.out}}
  head: {type: LinearClsHead, params: {num_classes: 5}, inputs: {feature: pool.out}}
outputs:
  tensor: {logits: head.out}
"""


@pytest.fixture
def path(tmp_path):
    file = tmp_path / "small.yaml"
    file.write_text(TEXT)
    return file


@pytest.fixture
def saved(path, tmp_path):
    model = composer.load(path)
    model.save(tmp_path / "small.safetensors")
    return model.eval(), tmp_path / "small.safetensors"


IMAGE = torch.randn(2, 3, 8, 8, generator=torch.Generator().manual_seed(3))


def test_one_file_holds_graph_and_weights(saved):
    model, file = saved
    again = composer.load(file).eval()
    assert torch.equal(model(IMAGE)["logits"], again(IMAGE)["logits"])
    assert again.graph.nodes["conv"].params["in_channels"] == 3, "what came from the wire is written out"


def test_weights_may_stand_beside_the_graph(saved, path):
    model, file = saved
    again = composer.load(path, weights=file).eval()
    assert torch.equal(model(IMAGE)["logits"], again(IMAGE)["logits"])
    assert again.weights_report.fits and len(again.weights_report.matched) == len(model.state_dict())


def test_loading_draws_no_random_numbers(saved, path):
    before = torch.get_rng_state()
    composer.load(path, weights=saved[1])
    assert torch.equal(before, torch.get_rng_state())


def test_weights_that_do_not_fit_are_refused_with_a_table_node_by_node(saved, path, tmp_path):
    state = load_file(saved[1])
    state["head.fc.weight"] = torch.zeros(7, 4)
    del state["conv.bias"]
    state["extra.weight"] = torch.zeros(1)
    save_file(state, tmp_path / "other.safetensors")
    with pytest.raises(GraphError) as error:
        composer.load(path, weights=tmp_path / "other.safetensors")
    text = str(error.value)
    for line in (
        "node     matched  missing  other shape  not in the model",
        "conv           1        1            0                 0",
        "norm           5        0            0                 0",
        "head           1        0            1                 0",
        "(extra)        0        0            0                 1",
        "other shape: head.fc.weight: the file has [7, 4], the model [5, 4]",
        "missing: conv.bias",
        "load what matches with strict=False",
    ):
        assert line in text, text


def test_strict_false_loads_what_matches_and_initialises_the_rest(saved, path, tmp_path):
    model, file = saved
    state = {name: value for name, value in load_file(file).items() if not name.startswith("head")}
    save_file(state, tmp_path / "part.safetensors")
    part = composer.load(path, weights=tmp_path / "part.safetensors", strict=False)
    assert torch.equal(part.conv.weight, model.conv.weight)
    assert part.weights_report.missing == ("head.fc.weight", "head.fc.bias")
    assert not any(tensor.is_meta for tensor in (*part.parameters(), *part.buffers()))
    assert 0 < part.head.fc.weight.std() < 0.1


def test_a_file_without_any_matching_weight_is_refused_even_with_strict_false(path, tmp_path):
    save_file({"a": torch.zeros(1)}, tmp_path / "a.safetensors")
    with pytest.raises(GraphError, match="no entry matches"):
        composer.load(path, weights=tmp_path / "a.safetensors", strict=False)


@pytest.mark.parametrize(("asked", "expected"), [(None, torch.float16), (torch.float32, torch.float32)])
def test_the_dtype_of_a_file_is_kept_unless_another_is_asked_for(saved, path, tmp_path, asked, expected):
    composer.load(path).half().save(tmp_path / "half.safetensors")
    model = composer.load(path, weights=tmp_path / "half.safetensors", dtype=asked)
    assert model.conv.weight.dtype == expected
    assert model.norm.num_batches_tracked.dtype == torch.int64


def test_weights_of_another_dtype_are_never_converted_silently(saved, path, tmp_path):
    composer.load(path).half().save(tmp_path / "half.safetensors")
    model = composer.load(path)
    with pytest.raises(GraphError, match=r"conv.weight is torch.float16 in the file, torch.float32 in the model"):
        model.load_weights(tmp_path / "half.safetensors")
    model.load_weights(tmp_path / "half.safetensors", dtype=torch.float32)
    assert model.conv.weight.dtype == torch.float32


def test_a_pickle_is_refused_unless_the_caller_allows_it(saved, path, tmp_path):
    model, _ = saved
    torch.save({"state_dict": model.state_dict()}, tmp_path / "small.pth")
    with pytest.raises(GraphError, match="allow_pickle=True"):
        composer.load(path, weights=tmp_path / "small.pth")
    again = composer.load(path, weights=tmp_path / "small.pth", allow_pickle=True)
    assert torch.equal(again.conv.weight, model.conv.weight)


class Evil:
    """A pickle that leaves a file behind when it is executed."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (open, (str(self.path), "w"))


def test_an_allowed_pickle_runs_no_code(path, tmp_path):
    (tmp_path / "evil.pth").write_bytes(pickle.dumps(Evil(tmp_path / "trace")))
    with pytest.raises(GraphError, match="bad-weights-file"):
        composer.load(path, weights=tmp_path / "evil.pth", allow_pickle=True)
    torch.save({"x": Evil(tmp_path / "trace")}, tmp_path / "evil2.pth")
    with pytest.raises(GraphError, match="bad-weights-file"):
        composer.load(path, weights=tmp_path / "evil2.pth", allow_pickle=True)
    assert not (tmp_path / "trace").exists()


@pytest.mark.parametrize(
    "content",
    [b"", b"{}", b"\x00" * 100, b"\xff" * 8 + b"{" + b"x" * 50],
    ids=["empty", "short", "zeros", "huge header"],
)
def test_damaged_files_are_refused(path, tmp_path, content):
    (tmp_path / "bad.safetensors").write_bytes(content)
    with pytest.raises(GraphError):
        composer.load(path, weights=tmp_path / "bad.safetensors")
    with pytest.raises(GraphError):
        composer.load(tmp_path / "bad.safetensors")


def test_a_safetensors_file_without_a_graph_says_so(tmp_path):
    save_file({"a": torch.zeros(1)}, tmp_path / "a.safetensors")
    with pytest.raises(GraphError, match="holds weights but no graph"):
        composer.load(tmp_path / "a.safetensors")


def test_a_file_that_is_not_there_is_reported(path, tmp_path):
    with pytest.raises(GraphError, match="no-file"):
        composer.load(path, weights=tmp_path / "none.safetensors")
    with pytest.raises(GraphError, match="no-file"):
        composer.load(tmp_path / "none.yaml")
    with pytest.raises(GraphError, match="no-file"):
        composer.load(tmp_path / "none.safetensors")


def test_tables_that_no_state_dict_holds_are_built_when_weights_are_loaded(tmp_path):
    text = """
schema: 1
inputs:
  image: {type: Image, shape: [B, 3, 32, 32]}
nodes:
  backbone:
    type: SwinTransformer
    params: {arch: {embed_dims: 8, depths: [2], num_heads: [2]}, img_size: 32, window_size: 4, out_indices: [0]}
    inputs: {image: image}
outputs:
  tensor: {map: "backbone.out[0]"}
"""
    (tmp_path / "swin.yaml").write_text(text)
    model = composer.load(tmp_path / "swin.yaml").eval()
    model.save(tmp_path / "swin.safetensors")
    again = composer.load(tmp_path / "swin.safetensors").eval()
    image = torch.randn(1, 3, 32, 32)
    assert torch.equal(model(image)["map"], again(image)["map"])


def test_missing_momentum_copies_start_as_their_source(tmp_path):
    wired = "inputs: {input: image}}"
    text = TEXT.replace(wired, f"{wired}\n  copy: {{weights: {{momentum: conv}}, {wired}")
    text = text.replace("{logits: head.out}", "{logits: head.out, copy: copy.out}")
    (tmp_path / "copy.yaml").write_text(text)
    model = composer.load(tmp_path / "copy.yaml")
    state = {name: value for name, value in model.state_dict().items() if not name.startswith("copy")}
    save_file(state, tmp_path / "part.safetensors")
    part = composer.load(tmp_path / "copy.yaml", weights=tmp_path / "part.safetensors", strict=False)
    assert torch.equal(part.copy.weight, part.conv.weight) and part.copy.momentum_steps == 0


def test_device_and_dtype_are_those_asked_for(path):
    model = composer.load(path, device="cpu", dtype=torch.bfloat16)
    assert {parameter.dtype for parameter in model.parameters()} == {torch.bfloat16}


def test_a_model_is_built_on_the_cpu_whatever_the_default_device_is(path):
    with torch.device("meta"):
        model = composer.load(path)
    assert {tensor.device.type for tensor in (*model.parameters(), *model.buffers())} == {"cpu"}


def test_saved_twice_gives_the_same_file(saved, tmp_path):
    composer.load(saved[1]).save(tmp_path / "twice.safetensors")
    assert (tmp_path / "twice.safetensors").read_bytes() == saved[1].read_bytes()


def test_the_graph_in_the_file_is_the_graph(saved):
    _, file = saved
    assert composer.load(file).graph.outputs == loads(TEXT).outputs


def by_hand(outputs, node="conv", **changes):
    graph = loads(TEXT)
    return replace(graph, outputs=FrozenDict(tensor=FrozenDict(outputs)), source=None, **changes)


@pytest.mark.parametrize(
    "graph",
    [
        lambda: by_hand({'y": print("PWNED"), "z': Ref("conv", "out")}),
        lambda: by_hand({"y": Ref("conv", "out", "print('PWNED') or 0")}),
        lambda: by_hand({"y": Ref("conv", "out")}, name="a\0b"),
        lambda: by_hand({"y": Ref("conv", "out")}, nodes=FrozenDict({"import os": Node("ReLU")})),
        lambda: by_hand({"y": Ref("forward", "out")}, nodes=FrozenDict({"forward": Node("ReLU")})),
    ],
    ids=["output name", "index", "graph name", "id", "reserved id"],
)
def test_names_that_would_inject_code_are_refused_in_graphs_made_by_hand(graph, capsys):
    with pytest.raises(GraphError):
        composer.compile(graph())
    assert "PWNED" not in capsys.readouterr().out


def test_a_graph_made_by_hand_is_taken_as_if_read():
    image = torch.randn(1, 3, 8, 8)
    assert composer.compile(by_hand({"y": Ref("conv", "out")}))(image)["y"].shape == (1, 4, 6, 6)
    with pytest.raises(TypeError, match="expected a Graph, found str"):
        composer.compile("small.yaml")


def test_a_momentum_copy_may_stand_before_its_source(tmp_path):
    text = TEXT.replace("  conv: {", "  copy: {weights: {momentum: head}, inputs: {feature: pool.out}}\n  conv: {")
    text = text.replace("type: LinearClsHead", "type: ArcFaceClsHead").replace(
        "{logits: head.out}", "{out: head.out, copy: copy.out}"
    )
    (tmp_path / "copy.yaml").write_text(text)
    model = composer.load(tmp_path / "copy.yaml").eval()
    model.save(tmp_path / "copy.safetensors")
    again = composer.load(tmp_path / "copy.safetensors").eval()
    assert not any(tensor.is_meta for tensor in (*again.parameters(), *again.buffers()))
    assert torch.equal(model(IMAGE)["copy"], again(IMAGE)["copy"])


class Tied(nn.Module):
    """Two layers of one weight, and a table that no state dict holds."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Linear(8, 8), nn.Linear(8, 8)
        self.second.weight = self.first.weight
        self.table = torch.arange(8.0)

    def forward(self, x: Annotated[AnyTensor, "... 8"]) -> Annotated[AnyTensor, "... 8"]:
        return self.second(self.first(x)) + self.table


def test_tied_weights_and_plain_tensors_survive_loading(tmp_path):
    catalog = Catalog.default().with_components(Tied)
    (tmp_path / "tied.yaml").write_text(
        "schema: 1\ninputs:\n  x: {type: Image, shape: [B, 3, 8, 8]}\nnodes:\n"
        "  tied: {type: Tied, inputs: {x: x}}\noutputs:\n  tensor: {y: tied.out}\n"
    )
    model = composer.load(tmp_path / "tied.yaml", catalog=catalog).eval()
    model.save(tmp_path / "tied.safetensors")
    again = composer.load(tmp_path / "tied.safetensors", catalog=catalog).eval()
    assert again.tied.first.weight is again.tied.second.weight
    assert torch.equal(model(IMAGE)["y"], again(IMAGE)["y"])


def test_a_refused_conversion_leaves_the_model_as_it_was(path, tmp_path):
    model = composer.load(path)
    save_file({"a": torch.zeros(1)}, tmp_path / "a.safetensors")
    with pytest.raises(GraphError):
        model.load_weights(tmp_path / "a.safetensors", dtype=torch.float16)
    assert {parameter.dtype for parameter in model.parameters()} == {torch.float32}


def test_weights_initialised_beside_loaded_ones_get_their_dtype(path, tmp_path):
    state = {name: value for name, value in composer.load(path).half().state_dict().items() if "head" not in name}
    save_file(state, tmp_path / "half.safetensors")
    model = composer.load(path, weights=tmp_path / "half.safetensors", strict=False)
    assert {parameter.dtype for parameter in model.parameters()} == {torch.float16}


def test_integer_tensors_are_refused_as_weights(path, tmp_path):
    state = {name: value.long() for name, value in composer.load(path).state_dict().items()}
    save_file(state, tmp_path / "long.safetensors")
    with pytest.raises(GraphError, match="of another kind of number"):
        composer.load(path, weights=tmp_path / "long.safetensors")


def test_the_sum_of_a_saved_models_parts_is_limited(saved):
    with pytest.raises(GraphError, match="too-many-parameters"):
        composer.load(saved[1], limits=Limits(parameter_bytes=500))


def test_a_graph_too_large_with_wire_parameters_is_saved_without_them(path, tmp_path, monkeypatch):
    model = composer.load(path)
    monkeypatch.setattr("composer.model.MAX_BYTES", 10)
    model.save(tmp_path / "long.safetensors")
    assert "in_channels" not in composer.load(tmp_path / "long.safetensors").graph.nodes["conv"].params
