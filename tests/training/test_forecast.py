"""Memory, time and disk of a training, forecast before it runs."""

from dataclasses import replace
from functools import partial

import pytest
import torch

import composer
from composer.graph import FrozenDict
from composer.graph.file import loads
from composer.model.compile import outline
from composer.problems import GraphError
from composer.run.inputs import example_inputs
from composer.training.memory.forecast import (
    StepPlan,
    checkpoint_bytes,
    duration,
    forecast_memory,
    found_rows,
    largest_batch,
    measure_memory,
    memory_limit,
)
from composer.training.memory.row_counts import RowCounts
from composer.training.memory.storages import RunningNode
from tests.tiny_graphs import NAMES, SAVED, classifier, momentum_pair, small

FUSED = StepPlan(partial(torch.optim.AdamW, fused=True))
SGD = StepPlan(partial(torch.optim.SGD, lr=0.1, momentum=0.9, fused=True))


def saved(name):
    return composer.read(next(SAVED.rglob(f"{name}.yaml")))


def both(graph, plan=FUSED, batch=4):
    """The forecast, and what a real step came to."""
    given = example_inputs(graph, batch=batch)
    forecast = forecast_memory(outline(graph).train(), plan, batch=batch)
    model = composer.compile(graph).train()
    if plan.channels_last:
        model.to(memory_format=torch.channels_last)
    return forecast, measure_memory(model, plan, given=given, batch=batch, device="cpu")


@pytest.mark.parametrize("name", NAMES)
def test_the_forecast_of_a_small_graph_is_the_peak_of_a_real_step(name):
    forecast, real = both(small(name))
    assert forecast == real


@pytest.mark.parametrize("name", ["fashion_mnist", "mae_fashion_mnist", "resnet18_cifar"])
def test_the_forecast_of_a_saved_graph_is_the_peak_of_a_real_step(name):
    forecast, real = both(saved(name), batch=2)
    assert forecast == real


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", ["resnet18", "mobilenet_v2", "moco_v2", "npid", "swav", "densecl", "retinanet_r50_fpn"]
)
def test_the_forecast_of_a_large_graph_is_the_peak_of_a_real_step(name):
    forecast, real = both(saved(name), SGD, batch=2)
    assert forecast == real


@pytest.mark.parametrize(
    "changes",
    [
        {"precision": "bf16"},
        {"accumulate": 4},
        {"ema": True},
        {"clip": True},
        {"channels_last": True},
        {"buckets": True},
        {"optimizer": SGD.optimizer},
        {"optimizer": partial(torch.optim.AdamW, foreach=True)},
    ],
    ids=str,
)
def test_precision_accumulation_ema_and_clipping_are_in_the_forecast(changes):
    graph = "fashion_mnist" if "channels_last" in changes else "resnet18_cifar"
    forecast, real = both(small(graph), replace(FUSED, **changes))
    assert forecast.peak == pytest.approx(real.peak, rel=0.01)


def test_momentum_copies_frozen_and_shared_weights_are_counted_once():
    graph = momentum_pair()
    forecast, real = both(graph, SGD)
    model = composer.compile(graph)
    assert forecast == real
    trained = [one for one in model.parameters() if one.requires_grad]
    assert forecast.parts["parameters"] == sum(one.nbytes for one in trained)
    assert forecast.parts["copies"] == sum(one.nbytes for one in model.parameters() if not one.requires_grad)


def test_a_moving_average_costs_as_much_as_the_weights():
    graph = small("resnet18_cifar")
    plain, averaged = (forecast_memory(outline(graph).train(), replace(FUSED, ema=ema)) for ema in (False, True))
    weights = sum(one.nbytes for one in composer.compile(graph).parameters())
    assert averaged.peak - plain.peak == weights


def test_a_detector_that_samples_regions_has_an_upper_bound_of_memory():
    forecast, real = both(saved("digits"), batch=2)
    assert forecast.peak >= real.peak
    model = outline(saved("faster_rcnn_r50_fpn")).train()
    found = forecast_memory(model, SGD, batch=1)
    assert any("sampler" in path for path in found.bounded)
    assert any("proposals" in path for path in found.bounded)


def test_the_forecast_of_a_detector_uses_the_regions_it_finds():
    graph = saved("mask_rcnn_r50_fpn")
    image = replace(graph.inputs["image"], shape=("B", 3, 96, 96), preprocess=None)
    graph = replace(graph, inputs=FrozenDict({"image": image}))
    given = example_inputs(graph, batch=2)
    most = forecast_memory(outline(graph).train(), SGD, given=given)

    def model():
        torch.manual_seed(0)
        return composer.compile(graph).train()

    rows = found_rows(model(), given, SGD)
    forecast = forecast_memory(outline(graph).train(), SGD, given=given, rows=rows)
    real = measure_memory(model(), SGD, given=given, batch=2, device="cpu")
    assert forecast.peak == pytest.approx(real.peak, rel=0.02)
    assert most.peak > 1.2 * real.peak
    assert "roi_head.positives" in most.bounded and forecast.bounded == ()
    assert 6 <= rows["roi_head.positives"][0] < 256  # the boxes themselves are regions too


def test_row_counts_keep_their_order_and_the_maximum_of_several_passes():
    running = RunningNode()
    noted = RowCounts(lambda: running.node)
    for found in ((3, 1), (2, 5)):
        noted.begin()
        for rows in found:
            running.node = "a"
            noted.found(rows)
    assert noted.by_node == {"a": [3, 5]}
    forecast = RowCounts(lambda: running.node, noted.by_node)
    for _ in range(2):
        forecast.begin()
        assert [forecast.taken(4), forecast.taken(9), forecast.taken(9)] == [3, 5, 9]
    assert forecast.bounded == {"a"}


def test_memory_grows_in_a_straight_line_with_the_batch():
    model = outline(small("resnet50")).train()
    one, two, three = (forecast_memory(model, SGD, batch=size).peak for size in (64, 128, 192))
    assert three - two == pytest.approx(two - one, rel=0.01)
    assert two > 1.5 * one


def test_a_forecast_computes_no_values_and_changes_no_state():
    graph = small("moco_v2")
    model = composer.compile(graph).train()
    before, state = {name: value.clone() for name, value in model.state_dict().items()}, torch.random.get_rng_state()
    assert forecast_memory(model, FUSED, batch=2) == forecast_memory(outline(graph).train(), FUSED, batch=2)
    assert torch.equal(torch.random.get_rng_state(), state)
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


def test_the_memory_of_a_device_that_is_not_here_is_forecast():
    model = outline(saved("resnet18")).train()
    full, half = (
        forecast_memory(model, StepPlan(precision=kind), batch=64, device="cuda") for kind in ("fp32", "bf16")
    )
    assert 0.5 * full.peak < half.peak < 0.75 * full.peak


def test_the_largest_batch_fits_and_one_more_does_not():
    model = outline(small("resnet18_cifar")).train()
    limit = 64 * 2**20
    found = largest_batch(model, SGD, limit=limit, margin=0.15)
    assert found.batch > 1
    assert found.memory.peak * 1.15 <= limit
    assert forecast_memory(model, SGD, batch=found.batch + 1).peak * 1.15 > limit


def test_where_not_one_sample_fits_the_largest_batch_is_0():
    found = largest_batch(outline(small("resnet18_cifar")).train(), SGD, limit=2**10)
    assert found.batch == 0 and found.memory.batch == 1


def test_a_graph_that_says_how_many_samples_there_are_keeps_its_batch():
    text = """
    schema: 1
    inputs: {image: {type: Image, shape: [3, 3, 8, 8]}}
    nodes:
      conv: {type: Conv2d, params: {out_channels: 4, kernel_size: 3}, inputs: {input: image}}
      mean: {type: Mean, params: {dim: [0, 1, 2, 3]}, inputs: {input: conv.out}}
    outputs: {loss: {loss: mean.out}}
    """
    found = largest_batch(outline(loads(text)).train(), SGD, limit=2**30)
    assert found.fixed and found.batch == 3


def test_a_graph_without_a_loss_is_refused():
    graph = classifier()
    with pytest.raises(GraphError, match="no outputs for the mode 'loss'"):
        forecast_memory(outline(replace(graph, outputs={"tensor": graph.outputs["tensor"]})))


def test_the_forecast_uses_the_shapes_of_the_batch():
    model = outline(classifier()).train()
    images = torch.zeros(2, 3, 8, 8)
    wide, narrow = (
        forecast_memory(model, SGD, batch=8, given=(one, {"label": torch.zeros(2, dtype=torch.long)}))
        for one in (torch.zeros(2, 3, 8, 16), images)
    )
    assert wide.peak > narrow.peak == forecast_memory(model, SGD, batch=8).peak


def test_the_time_that_is_left_follows_the_median_step_and_has_a_spread():
    found = duration([1.0, 1.0, 1.2, 5.0, 0.8], left=100)
    assert found.seconds == 100 and found.low == 100 and found.high == pytest.approx(120)
    assert duration([2.0], left=3).high == 6


def test_the_bytes_of_a_checkpoint_are_those_of_weights_and_optimizer():
    model = composer.compile(classifier())
    weights = sum(one.nbytes for one in model.state_dict().values())
    optimizer = torch.optim.AdamW(model.parameters())
    model(torch.zeros(2, 3, 8, 8), {"label": torch.tensor([0, 1])}, mode="loss")["loss"].backward()
    optimizer.step()
    trained = sum(one.nbytes for one in model.parameters())
    assert checkpoint_bytes(model) == weights
    steps = 4 * len(list(model.parameters()))
    assert checkpoint_bytes(model, optimizer, ema=True) == 2 * weights + 2 * trained + steps


def test_the_memory_of_this_machine_is_known():
    assert memory_limit() > 2**28
