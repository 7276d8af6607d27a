"""Shared weights, momentum copies and frozen nodes."""

import pickle
from copy import deepcopy

import pytest
import torch

from composer import compile
from composer.graph.file import loads
from composer.model.momentum import STEPS, momentum_update

SIAMESE = """
schema: 1
inputs:
  view_1: {type: Image, shape: [B, 3, 8, 8]}
  view_2: {type: Image, shape: [B, 3, 8, 8]}
nodes:
  encoder: {graph: encoder, params: {width: 4}, inputs: {image: view_1}}
  again: {weights: {share: encoder}, inputs: {image: view_2}}
  gap: {type: Subtract, inputs: {input: encoder.embedding, other: again.embedding}}
  loss: {type: Mean, params: {dim: [0, 1]}, inputs: {input: gap.out}}
outputs:
  tensor: {first: encoder.embedding, second: again.embedding, map: again.map}
  loss: {loss: loss.out}
graphs:
  encoder:
    params: {width: 2}
    inputs:
      image: {type: Image}
    nodes:
      conv: {type: Conv2d, params: {out_channels: $width, kernel_size: 3}, inputs: {input: image}}
      norm: {type: BatchNorm2d, inputs: {input: conv.out}}
      pool: {type: GlobalAveragePooling, inputs: {feature: norm.out}}
    outputs: {embedding: pool.out, map: norm.out}
"""

MOMENTUM = SIAMESE.replace("{share: encoder}", "{momentum: encoder, decay: 0.75}")


@pytest.fixture
def views():
    return [torch.randn(4, 3, 8, 8, generator=torch.Generator().manual_seed(seed)) for seed in (1, 2)]


def weights_of(module):
    return {name: value.detach().clone() for name, value in module.named_parameters()}


def test_a_shared_node_calls_the_same_module(views):
    model = compile(loads(SIAMESE)).eval()
    assert not hasattr(model, "again") and set(dict(model.named_children())) == {"encoder", "gap", "loss"}
    found = model([views[0], views[0]])
    assert torch.equal(found["first"], found["second"])


def test_state_dict_keys_are_node_ids_then_the_modules_own_names():
    keys = set(compile(loads(SIAMESE)).state_dict())
    assert {"encoder.conv.weight", "encoder.conv.bias", "encoder.norm.running_mean"} <= keys
    assert all(key.startswith(("encoder.conv.", "encoder.norm.")) for key in keys)


def test_a_subgraphs_parameters_reach_its_nodes_and_sizes_come_from_the_wire():
    model = compile(loads(SIAMESE))
    assert model.encoder.conv.out_channels == 4 and model.encoder.conv.in_channels == 3
    assert model.encoder.norm.num_features == 4
    narrow = compile(loads(SIAMESE.replace("params: {width: 4}, ", "")))
    assert narrow.encoder.conv.out_channels == 2


def test_gradients_of_both_views_reach_a_shared_module(views):
    model = compile(loads(SIAMESE))
    model.eval()
    both = model(views)
    (both["first"].sum() + both["second"].sum()).backward()
    summed = model.encoder.conv.weight.grad.clone()
    model.zero_grad()
    model(views)["first"].sum().backward()
    first = model.encoder.conv.weight.grad.clone()
    model.zero_grad()
    model(views)["second"].sum().backward()
    assert torch.allclose(summed, first + model.encoder.conv.weight.grad, atol=1e-6)


def test_a_momentum_copy_starts_equal_takes_no_gradient_and_is_no_output_of_autograd(views):
    model = compile(loads(MOMENTUM))
    assert all(torch.equal(a, b) for a, b in zip(model.encoder.parameters(), model.again.parameters(), strict=True))
    assert not any(parameter.requires_grad for parameter in model.again.parameters())
    found = model(views)
    assert found["first"].requires_grad and not found["second"].requires_grad


def test_the_first_update_copies_the_source_and_later_ones_average(views):
    model = compile(loads(MOMENTUM))
    with torch.no_grad():
        model.encoder.conv.weight.add_(1.0)
    model(views, mode="loss")
    assert torch.equal(model.again.conv.weight, model.encoder.conv.weight)
    before = weights_of(model.again)["conv.weight"]
    with torch.no_grad():
        model.encoder.conv.weight.add_(1.0)
    model(views, mode="loss")
    assert torch.allclose(model.again.conv.weight, 0.75 * before + 0.25 * model.encoder.conv.weight)
    assert model.again.momentum_steps == 2


@pytest.mark.parametrize(("training", "mode"), [(False, "loss"), (True, "tensor"), (False, "tensor")])
def test_only_a_training_loss_call_updates(views, training, mode):
    model = compile(loads(MOMENTUM)).train(training)
    with torch.no_grad():
        model.encoder.conv.weight.add_(1.0)
    before = weights_of(model.again)
    model(views, mode=mode)
    assert torch.equal(model.again.conv.weight, before["conv.weight"]) and model.again.momentum_steps == 0


def test_an_update_before_changes_this_calls_answer_and_an_update_after_the_next_ones(views):
    text = MOMENTUM.replace("feature: norm.out", "feature: conv.out")  # the mean behind a batch norm is always 0
    before = compile(loads(text))
    after = compile(loads(text.replace("decay: 0.75", "decay: 0.75, update: after")))
    after.load_state_dict(before.state_dict())
    for model in (before, after):
        with torch.no_grad():
            model.encoder.conv.weight.add_(1.0)
    losses = [model(views, mode="loss")["loss"] for model in (before, after)]
    assert not torch.allclose(*losses)
    assert torch.equal(before.again.conv.weight, after.again.conv.weight)


@pytest.mark.parametrize("update", ["before", "after"])
def test_a_copy_that_loss_mode_does_not_call_is_updated_too(views, update):
    text = MOMENTUM.replace("decay: 0.75", f"decay: 0.75, update: {update}")
    text = text.replace("other: again.embedding", "other: {loss: encoder.embedding, tensor: again.embedding}")
    model = compile(loads(text))
    model(views, mode="loss")
    assert model.again.momentum_steps == 1 and "again__" not in model.code["loss"]


def test_a_copy_moves_alike_in_one_pass_and_in_three(monkeypatch):
    source = torch.nn.Linear(3, 4)
    found = []
    for compiling in (False, True):
        target = torch.nn.Linear(3, 4)
        target.load_state_dict({"weight": torch.ones(4, 3), "bias": torch.zeros(4)})
        target.requires_grad_(False).register_buffer(STEPS, torch.zeros((), dtype=torch.int64))
        monkeypatch.setattr(torch.compiler, "is_compiling", lambda compiling=compiling: compiling)
        momentum_update(target, source, 0.9)
        assert torch.equal(target.weight, source.weight)
        target.weight.fill_(1.0)
        momentum_update(target, source, torch.tensor(0.9))
        found.append(target.weight)
    torch.testing.assert_close(found[0], found[1])
    torch.testing.assert_close(found[0], 0.9 + 0.1 * source.weight.detach())


def test_statistics_of_a_momentum_copy_follow_the_source(views):
    model = compile(loads(MOMENTUM.replace("decay: 0.75", "decay: 0.75, update: after")))
    model(views, mode="loss")
    assert torch.equal(model.again.norm.running_mean, model.encoder.norm.running_mean)


def test_momentum_updates_run_under_no_grad():
    code = compile(loads(MOMENTUM)).code["loss"]
    assert (
        "    if self.training:\n"
        "        momentum_update(self.again, self.encoder, decay=0.75)\n"
        "    with torch.no_grad():\n"
        "        again__conv = self.again.conv(view_2)\n"
    ) in code


def test_a_frozen_node_keeps_weights_and_statistics(views):
    text = SIAMESE.replace("params: {width: 4}, ", "params: {width: 4}, frozen: true, ")
    model = compile(loads(text)).train()
    assert not model.encoder.norm.training
    assert not any(parameter.requires_grad for parameter in model.encoder.parameters())
    statistics = model.encoder.norm.running_mean.clone()
    model(views)
    assert torch.equal(statistics, model.encoder.norm.running_mean)


def pickled(model):
    return pickle.loads(pickle.dumps(model))  # noqa: S301 - its own bytes


@pytest.mark.parametrize("clone", [deepcopy, pickled])
def test_a_model_can_be_copied_and_pickled(views, clone):
    model = compile(loads(MOMENTUM)).eval()
    twin = clone(model)
    assert torch.equal(model(views)["first"], twin(views)["first"])
    assert twin.code == model.code and twin.graph == model.graph


def test_a_momentum_model_compiles_as_one_graph(views):
    model = compile(loads(MOMENTUM))
    twin = deepcopy(model)
    fast = torch.compile(twin, fullgraph=True, backend="aot_eager")
    for _ in range(2):
        assert torch.allclose(model(views, mode="loss")["loss"], fast(views, mode="loss")["loss"], atol=1e-5)
    assert torch.allclose(model.again.conv.weight, twin.again.conv.weight)
    assert twin.again.momentum_steps == 2


def test_hooks_on_nodes_are_called(views):
    model = compile(loads(SIAMESE)).eval()
    seen = []
    model.encoder.conv.register_forward_hook(lambda module, inputs, output: seen.append(output.shape))
    model(views)
    assert len(seen) == 2
