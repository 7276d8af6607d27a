"""``composer.from_module``: a module becomes a graph that is the same function, in evaluation and in training."""

import copy
import io

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

import composer
from composer import GraphError
from composer.graph.file import loads
from tests.modules.zoo import ZOO, Residual, TinyResNet, zoo


@pytest.mark.parametrize("name", ZOO)
def test_a_module_becomes_the_same_function(name: str) -> None:
    module, example = zoo(name)
    found = composer.from_module(module, *example)
    assert found.report.placeholders == {}
    assert found.report.evaluation is not None
    assert found.report.evaluation <= 1e-5
    assert found.report.training is not None
    assert found.report.training <= 1e-5
    assert not [problem for problem in composer.check(found.graph) if problem.severity == "error"]


def test_any_batch_may_be_given_to_the_graph() -> None:
    module, (images,) = zoo("windows")
    model = composer.from_module(module, images).model
    for batch in (1, 5):
        x = torch.randn(batch, *images.shape[1:])
        with torch.no_grad():
            torch.testing.assert_close(model(x)["out"], module.eval()(x), rtol=0, atol=1e-6)


def test_equal_blocks_are_one_subgraph_with_parameters() -> None:
    module, example = zoo("residual")
    graph = composer.from_module(module, *example).graph
    assert graph.nodes["layer2"].graph == graph.nodes["layer3"].graph
    assert graph.nodes["layer3"].params == {"out_channels": 24}
    blocks = {node.graph for name in ("layer1", "layer2") for node in graph.graphs[name].nodes.values()}
    assert blocks == {"residual", "residual_2"}  # the second one has a downsampling branch
    assert len(graph.nodes) == 9


def test_weights_keep_the_names_of_the_modules() -> None:
    module, example = zoo("residual")
    found = composer.from_module(module, *example)
    names = {name: found.report.renamed.get(name, name) for name in found.weights}
    assert set(names.values()) == set(module.state_dict())
    assert names["conv1.weight"] == "conv1.weight"
    assert names["layer2._0.downsample._1.running_mean"] == "layer2.0.downsample.1.running_mean"


def test_importing_leaves_the_module_unchanged() -> None:
    module, example = zoo("mobile")
    module.train()
    module.features[1].eval()
    before = copy.deepcopy(module.state_dict())
    call = nn.Module.__call__
    composer.from_module(module, *example)
    assert module.training
    assert not module.features[1].training
    assert nn.Module.__call__ is call
    assert all(torch.equal(before[name], item) for name, item in module.state_dict().items())


def test_a_saved_and_loaded_graph_equals_the_module(tmp_path) -> None:
    module, (images,) = zoo("vit")
    found = composer.from_module(module, images, name="tiny_vit")
    found.save(tmp_path / "vit.yaml")
    found.save(tmp_path / "one.safetensors")
    again = composer.load(tmp_path / "vit.yaml", weights=tmp_path / "vit.safetensors").eval()
    one = composer.load(tmp_path / "one.safetensors").eval()
    with torch.no_grad():
        expected = module.eval()(images)
        assert torch.equal(again(images)["out"], expected)
        assert torch.equal(one(images)["out"], expected)


def test_names_of_outputs_and_inputs_are_those_of_forward() -> None:
    module, example = zoo("dense")
    graph = composer.from_module(module, *example).graph
    assert list(graph.inputs) == ["x"]
    assert graph.inputs["x"].shape == ("B", 3, 12, 12)
    assert list(graph.outputs["tensor"]) == ["features", "pooled"]


class Cumulative(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.fc = nn.Linear(4, 4)

    def forward(self, x: Tensor) -> Tensor:
        return torch.cumprod(self.fc(x), dim=1, dtype=torch.float32)


def test_a_call_without_a_component_becomes_a_placeholder_with_its_arguments(tmp_path) -> None:
    found = composer.from_module(Cumulative(), torch.randn(2, 4))
    assert list(found.report.placeholders) == ["cumprod"]
    assert "torch.cumprod" in found.report.placeholders["cumprod"]
    node = found.graph.nodes["cumprod"]
    assert (node.type, node.params) == ("Cumprod", {"dim": 1, "dtype": "torch.float32"})
    found.save(tmp_path / "graph.yaml")
    assert composer.read(tmp_path / "graph.yaml") == loads((tmp_path / "graph.yaml").read_text())
    with pytest.raises(GraphError, match="Cumprod"):
        _ = found.model


class Noisy(nn.Module):
    """Acts otherwise in training, in a way that no layer tells."""

    def __init__(self) -> None:
        super().__init__()
        self.fc = nn.Linear(4, 4)

    def forward(self, x: Tensor) -> Tensor:
        y = self.fc(x)
        return y * 3 if self.training else y


def test_a_module_that_trains_otherwise_is_refused_unless_evaluation_is_enough() -> None:
    with pytest.raises(GraphError, match="in training output 'out' differs") as caught:
        composer.from_module(Noisy(), torch.randn(2, 4))
    assert caught.value.problems[0].code == "not-the-same"
    found = composer.from_module(Noisy(), torch.randn(2, 4), train=False)
    assert found.report.training is None


class Branching(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x * 2 if x.sum() > 100 else x + 1


class Aliased(nn.Module):
    """Writes into a view, which changes what it is a view of."""

    def forward(self, x: Tensor) -> Tensor:
        y = x + 1
        y.t()[:2].mul_(3)
        return y


def test_a_graph_that_computes_something_else_is_refused() -> None:
    with pytest.raises(GraphError, match="not the same function"):
        composer.from_module(Aliased(), torch.randn(2, 4))


def test_a_decision_by_numbers_is_refused_with_its_line() -> None:
    with pytest.raises(GraphError, match=r"test_from_module.py, line \d+: return x \* 2 if x.sum\(\) > 100") as caught:
        composer.from_module(Branching(), torch.zeros(2, 4))
    assert caught.value.problems[0].code == "cannot-import"


class Checked(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        assert x.shape[1] == 4
        assert x.abs().max() < 1e6
        return x * 2


def test_a_check_of_numbers_is_left_out_and_reported() -> None:
    found = composer.from_module(Checked(), torch.zeros(2, 4))
    (note,) = found.report.notes
    assert "assert x.abs().max() < 1e6, a check that the graph does not make" in note


class Aux(nn.Module):
    """Returns more in training, as GoogLeNet does."""

    def __init__(self) -> None:
        super().__init__()
        self.body = Residual(3, 4)
        self.aux = nn.Linear(4, 2)

    def forward(self, x: Tensor) -> Tensor | tuple[Tensor, Tensor]:
        y = self.body(x).mean((2, 3))
        return (y, F.dropout(self.aux(y), 0.7)) if self.training else y


def test_outputs_of_training_mode_alone_are_left_out_and_reported() -> None:
    report = composer.from_module(Aux(), torch.randn(2, 3, 8, 8)).report
    assert report.unused == ("aux.bias", "aux.weight")
    assert any("in training the module returns 2 tensors" in note for note in report.notes)


@pytest.mark.parametrize(
    ("module", "example", "text"),
    [
        (nn.Linear(4, 2), (torch.randn(2, 3),), "running it on the example failed"),
        (nn.Linear(4, 2), (), "does not fit forward"),
        (nn.Linear(4, 2), ([1, 2],), "holds no tensor"),
    ],
)
def test_an_example_that_the_module_cannot_run_on_is_refused(module: nn.Module, example: tuple, text: str) -> None:
    with pytest.raises(GraphError, match=text) as caught:
        composer.from_module(module, *example)
    assert caught.value.problems[0].code == "cannot-import"


def test_frozen_layers_stay_frozen() -> None:
    module = nn.Sequential(nn.Conv2d(3, 4, 1).requires_grad_(False), nn.Conv2d(4, 4, 1))
    graph = composer.from_module(module, torch.randn(2, 3, 4, 4)).graph
    assert [node.frozen for node in graph.nodes.values()] == [True, False]


def test_the_graph_can_be_trained_with_a_loss_of_its_own() -> None:
    """Dropout and statistics are there again, although the module was recorded in evaluation."""
    module, (images,) = zoo("mobile")
    model = composer.from_module(module, images).model.train()
    mean = model.state_dict()["features._1.block._1.running_mean"].clone()
    F.cross_entropy(model(images)["out"], torch.tensor([0, 1])).backward()
    assert not torch.equal(mean, model.state_dict()["features._1.block._1.running_mean"])
    assert {part.p for part in model.modules() if isinstance(part, nn.Dropout)} == {0.2}
    drops = [part.drop_prob for part in model.modules() if type(part).__name__ == "DropPath"]
    assert drops == [0.1, 0.2]


def test_the_report_counts_calls_nodes_and_subgraphs() -> None:
    report = composer.from_module(TinyResNet(), torch.randn(2, 3, 16, 16)).report
    text = str(report)
    assert report.became["Conv2d", "Conv2d"] == 15
    assert report.became["add", "Add"] == 6
    assert "6 add -> Add" in text
    assert "52 calls became 63 nodes, 9 of them on the top level, in 5 subgraphs" in text
    assert "around a training step" in text


class Written(nn.Module):
    """Writes into a part of a tensor, as Swin v2 does with the bias of its keys."""

    def __init__(self) -> None:
        super().__init__()
        self.fc = nn.Linear(4, 6)

    def forward(self, x: Tensor) -> Tensor:
        bias = self.fc.bias.clone()
        bias[2:4].zero_()
        y = F.linear(x, self.fc.weight, bias)
        y[:, :2] = torch.tanh(y[:, 4:])
        return y


def test_assignments_to_slices_of_a_tensor_are_imported() -> None:
    found = composer.from_module(Written(), torch.randn(2, 4))
    assert found.report.placeholders == {}
    assert found.report.training is not None
    file = io.BytesIO()
    torch.export.save(torch.export.export(Written().eval(), (torch.randn(2, 4),)), file)
    assert composer.from_pt2(file.getvalue()).report.evaluation is not None


class Strict(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        if self.training:
            raise RuntimeError("only for inference")
        return x * 2


def test_a_module_that_fails_in_training_is_reported() -> None:
    with pytest.raises(GraphError, match="only for inference"):
        composer.from_module(Strict(), torch.randn(2, 4))
    assert composer.from_module(Strict(), torch.randn(2, 4), train=False).report.evaluation == 0
