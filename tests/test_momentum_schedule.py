"""Momentum copies in training: their updates, the schedule of the decay, and the calls of a training loop."""

import builtins
from copy import deepcopy

import pytest
import torch
from torch._dynamo.testing import CompileCounterWithBackend

import composer
from composer import GraphError, compile
from composer.edits.difference import diff
from composer.export.standalone import standalone_source
from composer.graph.file import dumps, loads
from composer.model.emit import function_name
from composer.model.momentum import momentum_copy, momentum_reset, momentum_update, scheduled_decay
from composer.training import FIXED_RATE, parameter_groups, set_learning_rate, set_progress

TEXT = """schema: 1
name: two_views
inputs:
  view_1: {type: Image, shape: [B, 3, 8, 8]}
  view_2: {type: Image, shape: [B, 3, 8, 8]}
nodes:
  backbone: {type: Conv2d, params: {out_channels: 4, kernel_size: 3}, inputs: {input: view_1}}
  backbone_k: {weights: {momentum: backbone, decay: 0.9, end_decay: 1.0}, inputs: {input: view_2}}
  gap: {type: L1Loss, inputs: {pred: backbone.out, target: backbone_k.out}}
outputs:
  tensor: {features: backbone.out}
  loss: {loss: gap.out}
metadata:
  training:
    fixed_learning_rate: [backbone]
"""
WITHOUT = TEXT.replace(", end_decay: 1.0", "")


def views(seed=0):
    return torch.randn(2, 2, 3, 8, 8, generator=torch.Generator().manual_seed(seed)).unbind()


def stepped(model, fraction):
    """What one update keeps of the copy, measured on a weight."""
    model(views(), mode="loss")  # the first update copies
    with torch.no_grad():
        model.backbone.weight.add_(1.0)
    before = model.backbone_k.weight.clone()
    set_progress(model, fraction)
    model(views(), mode="loss")
    return 1 - ((model.backbone_k.weight - before) / (model.backbone.weight - before)).mean().item()


@pytest.mark.parametrize(("fraction", "kept"), [(0.0, 0.9), (0.5, 0.95), (1.0, 1.0)])
def test_the_decay_follows_half_a_cosine_to_end_decay(fraction, kept):
    assert stepped(compile(loads(TEXT)), fraction) == pytest.approx(kept, abs=1e-5)


@pytest.mark.parametrize("fraction", [0.0, 0.5, 1.0])
def test_the_decay_is_constant_without_end_decay(fraction):
    assert stepped(compile(loads(WITHOUT)), fraction) == pytest.approx(0.9, abs=1e-5)


def test_the_decay_is_the_initial_one_before_progress_is_reported():
    assert compile(loads(TEXT)).training_progress == 0
    assert scheduled_decay(0.9, 1.0, torch.zeros(())).item() == pytest.approx(0.9)


def test_training_progress_is_not_in_the_state_dict():
    model = compile(loads(TEXT))
    assert "training_progress" not in model.state_dict()
    assert not hasattr(compile(loads(WITHOUT)), "training_progress")


@pytest.mark.parametrize("fraction", [-0.1, 1.1, float("nan")])
def test_progress_outside_0_to_1_is_refused(fraction):
    model = compile(loads(TEXT))
    with pytest.raises(ValueError, match="expected one from 0"):
        set_progress(model, fraction)
    set_progress(model, 1)


def test_the_generated_source_shows_the_decay_schedule():
    assert "decay=scheduled_decay(0.9, 1.0, self.training_progress)" in compile(loads(TEXT)).code["loss"]
    assert "decay=0.9)" in compile(loads(WITHOUT)).code["loss"]


def test_a_compiled_model_follows_the_schedule_without_recompiling():
    torch.compiler.reset()
    model = compile(loads(TEXT))
    twin = deepcopy(model)
    counter = CompileCounterWithBackend("aot_eager")
    fast = torch.compile(twin, fullgraph=True, backend=counter)
    for step in range(4):
        for one, call in ((model, model), (twin, fast)):
            set_progress(one, step / 4)
            call(views(step), mode="loss")["loss"].backward()
            with torch.no_grad():
                one.backbone.weight.sub_(one.backbone.weight.grad)
            one.zero_grad()
    assert torch.allclose(model.backbone_k.weight, twin.backbone_k.weight, atol=1e-6)
    assert counter.frame_count <= 2  # a backward of its own may count


def test_set_progress_reaches_a_wrapped_model():
    model = compile(loads(TEXT))
    set_progress(torch.compile(model, backend="eager"), 0.25)
    assert model.training_progress == 0.25


@pytest.mark.parametrize(("end", "accepted"), [("1.0", True), ("0.0", True), ("1.5", False), ("-1.0", False)])
def test_an_end_decay_outside_0_to_1_is_refused(end, accepted):
    problems = composer.check(loads(TEXT.replace("end_decay: 1.0", f"end_decay: {end}")))
    errors = [problem for problem in problems if problem.code == "weights-momentum"]
    assert (not errors) is accepted
    if errors:
        assert errors[0].message == f"end_decay is {end}, expected a number from 0 to 1"
        assert errors[0].fix is not None


def test_an_end_decay_that_is_no_number_or_beside_share_is_refused():
    with pytest.raises(GraphError, match="a number from 0 to 1"):
        loads(TEXT.replace("end_decay: 1.0", "end_decay: fast"))
    with pytest.raises(GraphError, match="found end_decay beside share"):
        loads(TEXT.replace("{momentum: backbone, decay: 0.9, end_decay: 1.0}", "{share: backbone, end_decay: 1.0}"))


def test_files_and_diffs_show_end_decay():
    graph = loads(TEXT)
    assert loads(dumps(graph)) == graph
    assert "decay: 0.9, end_decay: 1.0" in dumps(graph)
    changes = diff(loads(WITHOUT), graph).changes
    assert [str(change) for change in changes] == [
        "changed nodes.backbone_k.weights: {momentum: backbone, decay: 0.9, update: before} "
        "-> {momentum: backbone, decay: 0.9, end_decay: 1.0, update: before}"
    ]


def test_a_standalone_file_contains_the_schedule():
    model = compile(loads(TEXT))
    space = {}
    exec(built(standalone_source(model).text), space)  # noqa: S102 - what composer wrote
    alone = space["TwoViews"]()
    alone.load_state_dict(model.state_dict())
    assert alone.training_progress == 0
    assert hasattr(alone, function_name("loss"))
    for one in (model, alone):
        set_progress(one, 0.5)
        for seed in range(2):
            one(views(seed), mode="loss")
            with torch.no_grad():
                one.backbone.weight.mul_(2)
    assert torch.equal(alone.backbone_k.weight, model.backbone_k.weight)


def built(text):
    return builtins.compile(text, "<alone>", "exec")


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.float64])
def test_the_first_update_copies_and_later_updates_average(dtype):
    torch.manual_seed(0)
    source = torch.nn.Sequential(torch.nn.Linear(4, 3), torch.nn.BatchNorm1d(3)).to(dtype)
    target = momentum_copy(source)
    target.register_buffer("momentum_steps", torch.zeros((), dtype=torch.int64))
    with torch.no_grad():
        source[0].weight.mul_(3.3)
        source[1].running_mean.add_(1)
    momentum_update(target, source, 0.75)
    assert torch.equal(target[0].weight, source[0].weight)
    before = target[0].weight.clone()
    with torch.no_grad():
        source[0].weight.add_(1)
    momentum_update(target, source, 0.75)
    expected = 0.75 * before.double() + 0.25 * source[0].weight.double()
    torch.testing.assert_close(
        target[0].weight.double(), expected, atol=2e-3 if dtype == torch.float16 else 1e-6, rtol=0
    )
    assert torch.equal(target[1].running_mean, source[1].running_mean)
    assert target.momentum_steps == 2
    momentum_reset(target, source)
    assert torch.equal(target[0].weight, source[0].weight)


def test_modules_with_a_fixed_learning_rate_get_their_own_parameter_group():
    model = compile(
        loads(
            TEXT.replace("[backbone]", "[backbone_2]")
            .replace("  backbone_k:", SECOND)
            .replace("{loss: gap.out}", "{loss: gap.out, loss_2: distance.out}")
        )
    )
    groups = parameter_groups(model, lr=0.1)
    assert [len(group["params"]) for group in groups] == [2, 2]
    assert groups[1]["params"][0] is model.backbone_2.weight
    optimizer = torch.optim.SGD(groups)
    set_learning_rate(optimizer, 0.01)
    assert [group["lr"] for group in optimizer.param_groups] == [0.01, 0.1]
    assert [bool(group.get(FIXED_RATE)) for group in optimizer.param_groups] == [False, True]


SECOND = """  backbone_2: {type: Conv2d, params: {out_channels: 4, kernel_size: 3}, inputs: {input: view_1}}
  distance: {type: L1Loss, inputs: {pred: backbone.out, target: backbone_2.out}}
  backbone_k:"""


def test_a_graph_without_fixed_modules_has_one_group_without_copies():
    model = compile(loads(TEXT.partition("metadata:")[0]))
    (group,) = parameter_groups(model, lr=0.1)
    assert [id(item) for item in group["params"]] == [id(item) for item in model.backbone.parameters()]


def test_a_fixed_module_that_is_not_there_is_named():
    model = compile(loads(TEXT.replace("[backbone]", "[head.predictor]")))
    with pytest.raises(GraphError, match=r"names 'head\.predictor', where nothing is trained"):
        parameter_groups(model)
