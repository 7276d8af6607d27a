"""Values are checked once in a call of a model, and not at all on an accelerator if a loop has done it."""

import pytest
import torch

import composer
from composer.catalog import Catalog
from composer.graph.file import loads
from composer.ports import first_look, looked_at_once, values_checked
from composer.problems import GraphError
from composer.run.inputs import example_inputs
from composer.training.processes import Processes
from composer.training.step import Stepper
from tests.test_input_checks import GOOD, GRAPH, IMAGE
from tests.tiny_graphs import SAVED
from tests.training.feeds import ExampleFeed
from tests.training.loops import recipe_of


class Aminmax(torch.utils._python_dispatch.TorchDispatchMode):
    """Counts the looks at ranges of values, and at whether all are fine."""

    def __init__(self):
        super().__init__()
        self.found = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        self.found += func in (torch.ops.aten.aminmax.default, torch.ops.aten._local_scalar_dense.default)
        return func(*args, **(kwargs or {}))


def test_an_index_is_checked_once_by_input_check_and_component_together():
    model = composer.compile(loads(GRAPH)).train()
    with Aminmax() as once:
        model(IMAGE, GOOD, mode="loss")
    alone = model.get_submodule("bank")
    features = torch.randn(2, 32)
    with Aminmax() as one:
        alone(features, GOOD["index"])
    assert one.found > 0
    with Aminmax() as looked:
        model.check_values(IMAGE, GOOD)
    assert looked.found > 0
    momentum = 1  # the count of the copy's updates
    assert once.found == looked.found + momentum


def test_a_batch_is_refused_without_running_the_model():
    model = composer.compile(loads(GRAPH)).train()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    model.check_values(IMAGE, GOOD)
    with pytest.raises(GraphError, match="found label 3"):
        model.check_values(IMAGE, GOOD | {"label": torch.tensor([0, 3])})
    with pytest.raises(GraphError, match="no 'index'"):
        model.check_values(IMAGE, {"label": GOOD["label"]})
    with pytest.raises(GraphError, match="no outputs for the mode 'predict'"):
        model.check_values(IMAGE, GOOD, mode="predict")
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


def test_values_are_checked_again_in_the_next_call_and_when_they_changed():
    values, more = torch.tensor([1]), torch.tensor([1])
    assert first_look(values, 3) and first_look(values, 3)
    with looked_at_once():
        assert first_look(values, 3)
        assert not first_look(values, 3)
        assert first_look(values, 4) and first_look(more, 3)
    with looked_at_once():
        assert first_look(values, 3)


def test_values_of_an_accelerator_are_trusted_where_a_loop_vouches_for_them():
    there, here = torch.empty(1, device="meta"), torch.empty(1)
    with values_checked():
        assert not first_look(there) and first_look(here)
        with looked_at_once():
            assert not first_look(there) and first_look(here)
    with looked_at_once():
        assert first_look(there)


def test_boxes_and_their_labels_are_still_refused_once_in_a_detector():
    model = composer.load(SAVED / "detection" / "digits.yaml").train()
    inputs, samples = example_inputs(model.graph, batch=2)
    model.check_values(inputs, samples)
    bad = [samples["boxes"][0].flip(1), samples["boxes"][1]]
    for call in (model.check_values, lambda *given: model(*given, mode="loss")):
        with pytest.raises(GraphError, match="boxes of no area"):
            call(inputs, samples | {"boxes": bad})


def on_meta(graph):
    """A training on the device meta, which raises wherever it is asked for a value: nothing there may wait for one."""
    recipe = recipe_of(optimizer={"type": "SGD", "lr": 0.1}, clip={"norm": 1.0})
    model = composer.compile(graph).to("meta")
    stepper = Stepper(
        recipe, model, Processes(torch.device("meta")), epoch=4, total=8, types=Catalog.default().port_types
    )
    stepper._watch.late = lambda loss, about: None  # reads a flag of the step before, on a copy
    return stepper


def test_a_step_on_an_accelerator_reads_no_value_back(monkeypatch):
    graph = composer.load(SAVED / "classification" / "fashion_mnist.yaml").graph
    stepper, batch = on_meta(graph), ExampleFeed(graph).at(0)
    for module in ("components.losses.class_rows", "components.shared.value_checks"):
        monkeypatch.setattr(f"{module}.values_are_known", lambda values: True)
    losses = stepper.make(batch, 0)
    assert losses["loss"].device.type == "meta"
    with pytest.raises((RuntimeError, NotImplementedError), match="meta"):  # what a loop of one's own would wait for
        stepper.model(*map(stepper.moved, (batch.inputs, batch.samples)), mode="loss")


def test_a_label_that_is_no_class_names_its_sample_before_it_goes_to_the_accelerator():
    graph = composer.load(SAVED / "classification" / "fashion_mnist.yaml").graph
    stepper, batch = on_meta(graph), ExampleFeed(graph).at(0)
    batch.samples["label"][2] = 10
    with pytest.raises(GraphError, match="'label' of 'sample 2' is 10, the graph has the classes 0 to 9"):
        stepper.make(batch, 0)
