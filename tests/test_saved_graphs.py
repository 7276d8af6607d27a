"""Every graph in saved_graphs/ does all that a graph can do."""

from pathlib import Path

import pytest
import torch

import composer
from components.memories.odc_memory import ODCMemory
from composer.catalog import Catalog
from composer.export.compare import tensors_in
from composer.graph.file import dumps, loads
from composer.graph.plan import plan
from composer.model.emit import emit
from composer.run.inputs import example_inputs
from tests.extras import PATHS, SAVED

ROOT = Path(__file__).parents[1]
GOLDEN = ROOT / "tests" / "golden"
NAMES = [path.stem for path in PATHS]


@pytest.fixture(params=PATHS, ids=NAMES)
def path(request):
    return request.param


@pytest.fixture(params=SAVED)
def built(request):
    """A saved graph that is built, which needs the packages that its parts are made of."""
    return request.param


def source_of(graph):
    settled = plan(graph, Catalog.default())
    return "\n\n".join(emit(program, settled.momentum, graph.name).text for program in settled.programs.values())


def test_a_saved_graph_has_no_layout(path):
    graph = composer.read(path)
    assert not graph.layout
    assert not any(body.layout for body in graph.graphs.values())


def test_all_documented_graphs_are_present():
    assert set(NAMES) >= {
        "barlowtwins",
        "byol",
        "densecl",
        "double_head_faster_rcnn_r50_fpn",
        "efficientnet_b0",
        "fashion_mnist",
        "faster_rcnn_r50_fpn",
        "faster_rcnn_r50_pafpn",
        "mask_rcnn_r50_fpn",
        "mask_rcnn_vit_base_sfp",
        "retinanet_convnext_tiny_fpn",
        "retinanet_r50_fpn",
        "retinanet_r50_fpn_ghm",
        "moco_v1",
        "moco_v2",
        "moco_v3",
        "simclr",
        "simsiam",
        "mobilenet_v2",
        "resnet18",
        "resnet18_cifar",
        "resnet18_cifar_l1",
        "resnet50",
        "resnet50_arcface",
        "swin_tiny",
        "vit_base_p16",
    }


def test_a_saved_graph_is_in_canonical_form(path):
    assert dumps(composer.read(path), Catalog.default()) == path.read_text()


def test_a_saved_graph_round_trips(path):
    graph = composer.read(path)
    assert loads(dumps(graph)) == graph


def test_a_saved_graph_has_no_problems(built):
    assert composer.infer_shapes(composer.read(built)).problems == []


def test_the_generated_source_of_a_saved_graph_equals_the_golden_file(path, request):
    golden = GOLDEN / f"{path.stem}.py"
    text = source_of(composer.read(path))
    if request.config.getoption("--write-golden"):
        golden.write_text(text)
    assert golden.read_text() == text


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_saved_graph_runs_in_each_of_its_modes(built):
    torch.manual_seed(0)
    model = composer.load(built)
    inputs, samples = example_inputs(model.graph, batch=2)
    for part in model.modules():
        if isinstance(part, ODCMemory):  # holds nothing before samples were clustered
            part.init_memory(torch.zeros_like(part.feature_bank), torch.arange(part.length) % part.num_classes)
    for mode in model.graph.modes:
        model.train(mode == "loss")
        found = model(inputs, samples, mode=mode)
        assert list(found) == list(model.graph.outputs[mode])
        assert all(torch.isfinite(value).all() for _, value in tensors_in(found) if value.is_floating_point())
        if mode == "loss":
            sum(value for name, value in found.items() if "loss" in name).backward()
            trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
            assert all(parameter.grad is not None for parameter in trained)
