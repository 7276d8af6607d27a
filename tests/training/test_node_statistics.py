"""The numbers of every node while a model trains are right, and change nothing."""

import json
import math
from datetime import timedelta

import pytest
import torch
from torch import distributed as dist
from torch import multiprocessing

import composer
from composer import GraphError
from composer.graph.file import loads
from composer.training.node_statistics import NodeReport, NodeWatch, read_nodes, statistics_every
from composer.training.processes import Processes
from composer.training.runs.events import last_event, read_events
from composer.training.trainer import Trainer
from tests import tiny_graphs
from tests.together import leave
from tests.training.feeds import ExampleFeed
from tests.training.loops import differing, recipe_of, run_in, trainer_of

SGD = {"type": "SGD", "lr": 0.01}
SHARED = """
schema: 1
name: twice
classes: [a, b, c]
inputs:
  image: {type: Image, shape: [B, 3, 8, 8]}
  other: {type: Image, shape: [B, 3, 8, 8]}
data_samples:
  label: {type: Label, shape: [B]}
nodes:
  conv: {type: Conv2d, params: {out_channels: 4, kernel_size: 3}, inputs: {input: image}}
  again: {weights: {share: conv}, inputs: {input: other}}
  pool: {type: GlobalAveragePooling, inputs: {feature: conv.out}}
  pool2: {type: GlobalAveragePooling, inputs: {feature: again.out}}
  head: {type: LinearClsHead, params: {num_classes: 3}, inputs: {feature: pool.out}}
  head2: {weights: {share: head}, inputs: {feature: pool2.out}}
  loss: {type: CrossEntropyLoss, inputs: {pred: head.out, target: label}}
  loss2: {type: CrossEntropyLoss, inputs: {pred: head2.out, target: label}}
outputs:
  loss: {loss: loss.out, other_loss: loss2.out}
"""


def noted(graph, **changes):
    """What a short training notes of its nodes, by step."""
    events = {}

    def on_event(kind, step, values):
        if kind == "nodes":
            events[step] = values

    trainer_of(graph, recipe_of(**changes), on_event=on_event).fit()
    return events


def test_node_statistics_are_mean_and_spread_over_the_batch():
    graph = tiny_graphs.classifier()
    model, batch = composer.compile(graph).train(), ExampleFeed(graph, batch=8).at(0)
    outputs = {}
    for path in model.node_params:
        model.get_submodule(path).register_forward_hook(lambda part, given, out, path=path: outputs.update({path: out}))
    watch = NodeWatch(model)
    with watch.outputs():
        losses = model(batch.inputs, batch.samples, mode="loss")
    losses["loss"].backward()
    watch.gradients()
    report = watch.report(1)
    assert list(report.nodes) == [path for path, _ in model.node_calls["loss"]]
    for path, one in report.nodes.items():
        assert one.mean == pytest.approx(outputs[path].mean().item(), rel=1e-4, abs=1e-6)
        assert one.std == pytest.approx(outputs[path].std(correction=0).item(), rel=1e-4, abs=1e-6)
        own = list(model.get_submodule(path).parameters())
        if own:
            gradient = torch.cat([item.grad.flatten() for item in own]).norm().item()
            assert one.weight == pytest.approx(torch.cat([item.flatten() for item in own]).norm().item(), rel=1e-4)
            assert one.gradient == pytest.approx(gradient, rel=1e-4)
        else:
            assert (one.weight, one.gradient) == (None, None)
    assert (report.first_bad, report.outputs) == (None, True)


@pytest.mark.parametrize("name", ["fashion_mnist", "moco_v2", "vit_base_p16"])
def test_a_training_whose_nodes_are_counted_makes_the_same_steps_to_the_bit(name):
    graph, found = tiny_graphs.small(name), []
    for every in ("0 steps", "1 step"):
        found.append(trainer_of(graph, recipe_of(optimizer=SGD, statistics={"every": every})).fit())
    assert differing(found[0].model.state_dict(), found[1].model.state_dict()) == []
    assert found[0].losses == found[1].losses


def test_nodes_are_counted_from_the_first_step_on_as_often_as_the_recipe_says():
    graph = tiny_graphs.classifier()
    assert list(noted(graph, statistics={"every": "3 steps"})) == [1, 4, 7]
    assert list(noted(graph)) == [1]
    assert noted(graph, statistics={"every": "0 steps"}) == {}
    assert [statistics_every(total) for total in (1, 10_000, 1_000_000)] == [50, 50, 5000]


def test_a_batch_in_parts_is_counted_as_a_whole():
    graph = tiny_graphs.classifier()
    whole, parts = (noted(graph, optimizer=SGD, batches={"accumulate": count})[1]["nodes"] for count in (1, 3))
    for path in ("conv", "head"):
        assert parts[path] == pytest.approx(whole[path], rel=1e-3, abs=1e-5)


def test_each_call_of_shared_weights_has_numbers_of_its_own():
    nodes = noted(loads(SHARED))[1]["nodes"]
    assert nodes["conv"]["mean"] != nodes["again"]["mean"]
    assert "weight" in nodes["conv"] and "weight" not in nodes["again"]


def test_nodes_inside_subgraphs_and_momentum_copies_go_by_their_paths():
    found = noted(tiny_graphs.momentum_pair(), optimizer=SGD)[1]["nodes"]
    assert all("mean" in one for one in found.values())
    assert {"encoder.conv", "encoder_k.conv", "again", "neck_k"} <= found.keys()
    assert "gradient" in found["encoder.conv"] and "gradient" not in found["encoder_k.conv"]


def test_scaled_gradients_are_reported_as_they_are():
    graph = tiny_graphs.classifier()
    plain, scaled = (noted(graph, optimizer=SGD, precision=one)[1]["nodes"]["conv"] for one in ("fp32", "fp16"))
    assert scaled["gradient"] == pytest.approx(plain["gradient"], rel=0.05)


def test_a_loss_that_is_no_number_leaves_the_node_that_made_it(tmp_path):
    class Large(ExampleFeed):
        def at(self, step):
            batch = super().at(step)
            if step == 2:
                batch.inputs["image"].sign_().mul_(3e38)
            return batch

    graph, recipe = tiny_graphs.classifier(), recipe_of()
    run = run_in(tmp_path / "run", recipe, graph)
    with pytest.raises(GraphError, match="the first node that gives such numbers is conv"):
        trainer_of(graph, recipe, run, feed=Large(graph, batch=8)).fit()
    report = read_nodes(tmp_path / "run" / "events.jsonl")
    assert (report.step, report.first_bad) == (2, "conv")
    assert report.nodes["conv"].bad > 0 and math.isnan(report.nodes["conv"].mean)
    assert report.nodes["conv"].weight > 0


def test_compiled_models_have_statistics_of_weights_and_gradients_only():
    watch = NodeWatch(composer.compile(tiny_graphs.classifier()))
    report = watch.report(1)
    assert not report.outputs and report.nodes["conv"].mean is None and report.nodes["conv"].weight > 0


def test_the_newest_numbers_are_read_from_the_end_of_a_log(tmp_path):
    graph, recipe = tiny_graphs.classifier(), recipe_of(statistics={"every": "2 steps"})
    run = run_in(tmp_path / "run", recipe, graph)
    trainer_of(graph, recipe, run).fit()
    run.close()
    log = tmp_path / "run" / "events.jsonl"
    whole = read_events(log, "nodes")
    assert last_event(log, "nodes") == whole[-1]
    assert read_nodes(log) == NodeReport.of_event(whole[-1])
    assert read_nodes(log).step == 7
    half = json.dumps({"step": 9, "time": 1, "kind": "nodes", "nodes": {}})
    log.write_bytes(log.read_bytes() + half.encode())  # a line that is being written
    assert read_nodes(log).step == 7
    log.write_bytes(
        log.read_bytes() + b"\n" + b'{"step": 10, "time": 2, "kind": "note", "message": "nodes"}\n' * 40_000
    )
    assert read_nodes(log).step == 9
    assert read_nodes(tmp_path / "none.jsonl") is None


@pytest.mark.parametrize("nodes", [[], "x", None, 3])
def test_events_of_another_form_are_no_numbers(tmp_path, nodes):
    (tmp_path / "log").write_text(json.dumps({"step": 1, "time": 1, "kind": "nodes", "nodes": nodes}) + "\n")
    assert read_nodes(tmp_path / "log") is None


def test_invalid_values_of_a_hostile_log_become_none(tmp_path):
    nodes = {"a": {"mean": "NaN", "std": [], "bad": "Infinity", "weight": True}, "b": 3}
    (tmp_path / "log").write_text(json.dumps({"step": 1, "time": 1, "kind": "nodes", "nodes": nodes}) + "\n")
    found = read_nodes(tmp_path / "log").nodes
    assert list(found) == ["a"]
    assert math.isnan(found["a"].mean) and (found["a"].std, found["a"].bad, found["a"].weight) == (None, 0, None)


def counted(rank, world, strategy):
    graph = tiny_graphs.small("vit_base_p16")
    changes = {"optimizer": SGD, "steps": 1, "distributed": {"strategy": strategy}}
    torch.manual_seed(0)
    model = composer.compile(graph)
    feed, events = ExampleFeed(graph, batch=8, rank=rank, world=world), []
    note = lambda kind, step, values: events.append(values["nodes"]) if kind == "nodes" else None  # noqa: E731
    processes = Processes(torch.device("cpu"), rank, world)
    Trainer(recipe_of(**changes), model, feed, processes=processes, on_event=note).fit()
    return events


def work(rank, port, answers):
    dist.init_process_group("gloo", f"tcp://127.0.0.1:{port}", timedelta(seconds=120), world_size=2, rank=rank)
    torch.set_num_threads(1)
    for strategy in ("ddp", "fsdp"):
        answers[strategy, rank] = counted(rank, 2, strategy)
    leave()


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_several_processes_count_the_whole_batch_and_whole_weights():
    store = dist.TCPStore("127.0.0.1", 0, is_master=True, wait_for_workers=False)
    port = store.port
    del store
    with multiprocessing.get_context("spawn").Manager() as manager:
        given = manager.dict()
        multiprocessing.spawn(work, args=(port, given), nprocs=2)
        answers = dict(given)
    (alone,) = counted(0, 1, "ddp")
    for strategy in ("ddp", "fsdp"):
        (found,) = answers[strategy, 0]
        assert answers[strategy, 1] == []
        assert list(found) == list(alone)
        for path, numbers in alone.items():
            assert found[path] == pytest.approx(numbers, rel=1e-3, abs=1e-5), path
