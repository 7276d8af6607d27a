"""Errors of a training are reported in one message with their place, and the last checkpoint is whole."""

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Annotated

import pytest
import torch
from torch import Tensor, nn

import composer
from composer import Catalog, GraphError
from composer.graph.file import loads
from composer.ports import FeatureMap
from composer.training import checkpoints
from composer.training.faults import memory_problem, ran_out_of_memory
from composer.training.runs.folder import RunFolder
from composer.training.trainer import Trainer
from tests import tiny_graphs
from tests.training.feeds import ExampleFeed
from tests.training.loops import recipe_of, run_in, trainer_of


class Spoiled(ExampleFeed):
    """A batch that something is wrong with."""

    def __init__(self, graph, spoil, step=3):
        super().__init__(graph, batch=8)
        self.spoil, self.step = spoil, step

    def at(self, step):
        batch = super().at(step)
        if step == self.step:
            self.spoil(batch)
        return batch


def failing(tmp_path, spoil, graph=None, **changes):
    """The problem of a training that fails in step 3, which is after the checkpoint of step 2."""
    graph = graph or tiny_graphs.classifier()
    recipe = recipe_of(checkpoints={"every": "2 steps"}, **changes)
    run = run_in(tmp_path / "run", recipe, graph)
    with pytest.raises(GraphError) as refused:
        trainer_of(graph, recipe, run, feed=Spoiled(graph, spoil)).fit()
    newest = checkpoints.newest(run.checkpoints)
    assert newest is not None
    assert newest[1]["step"] == 2
    (problem,) = refused.value.problems
    return problem


def test_an_image_that_holds_nan_is_named(tmp_path):
    def spoil(batch):
        batch.inputs["image"][5, 0, 0, 0] = float("nan")

    problem = failing(tmp_path, spoil)
    assert problem.code == "loss-not-finite"
    assert problem.message == (
        "the loss of step 3 is no finite number; 'image' of sample 'sample 29' holds numbers that are not finite"
    )


def test_the_first_node_that_gives_nan_is_named(tmp_path):
    def spoil(batch):
        batch.inputs["image"].sign_().mul_(3e38)

    problem = failing(tmp_path, spoil)
    assert "the first node that gives such numbers is conv (Conv2d)" in problem.message


def test_weights_that_became_nan_are_named():
    graph = tiny_graphs.classifier()
    trainer = trainer_of(graph, recipe_of())
    with torch.no_grad():
        trainer.model.head.fc.weight[0, 0] = float("inf")
    with pytest.raises(GraphError, match=r"weights of head \(fc.weight\) are not finite: an earlier step"):
        trainer.fit()


def test_a_label_that_is_no_class_names_its_sample(tmp_path):
    def spoil(batch):
        batch.samples["label"][2] = 7

    problem = failing(tmp_path, spoil)
    assert problem.code == "bad-value"
    assert problem.message == "'label' of 'sample 26' is 7, the graph has the classes 0 to 2"


class Breaker(nn.Module):
    """Breaks in its fourth call.

    Keywords: breaker.
    """

    def __init__(self, error: str = "the wires are too long") -> None:
        super().__init__()
        self.calls = 0
        self.error = error

    def forward(self, x: Annotated[FeatureMap, "B C H W"]) -> Annotated[FeatureMap, "B C H W"]:
        """What comes in."""
        self.calls += x.device.type == "cpu"
        if self.calls > 3:
            raise RuntimeError(self.error)
        return x


def broken(error):
    text = tiny_graphs.CLASSIFIER.replace("{feature: conv.out}", "{feature: breaker.out}")
    node = f"  breaker: {{type: Breaker, params: {{error: {error!r}}}, inputs: {{x: conv.out}}}}\n  pool:"
    catalog = Catalog.default().with_components(Breaker)
    return composer.compile(loads(text.replace("  pool:", node, 1)), catalog)


@pytest.mark.parametrize(
    ("error", "code", "says"),
    [
        ("the wires are too long", "step-failed", "step 3 failed: RuntimeError: the wires are too long"),
        ("[enforce fail] DefaultCPUAllocator: can't allocate memory", "out-of-memory", "with 8 samples at once"),
    ],
)
def test_an_error_in_a_step_is_reported_with_the_step_number(error, code, says):
    model = broken(error)
    model.breaker.calls = 0
    feed = ExampleFeed(model.graph, batch=8)
    with pytest.raises(GraphError) as refused:
        Trainer(recipe_of(), model, feed).fit()
    (problem,) = refused.value.problems
    assert problem.code == code
    assert says in problem.message


def test_running_out_of_memory_is_reported_with_what_to_change():
    error = RuntimeError("CUDA out of memory. Tried to allocate 2.00 GiB")
    assert ran_out_of_memory(error)
    assert not ran_out_of_memory(RuntimeError("other"))
    found = memory_problem(error, batch=16, accumulate=2, precision="fp32", device=torch.device("cuda", 0))
    assert "16 samples at once; batches: {accumulate: 4} computes the same batch in parts of 8" in found.message
    assert "precision: bf16" in found.message


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_after_the_step_with_everything_written(tmp_path, number):
    graph, recipe = tiny_graphs.classifier(), recipe_of(steps=50, checkpoints={"every": "50 steps"})
    run = run_in(tmp_path / "run", recipe, graph)
    feed = Spoiled(graph, lambda _: os.kill(os.getpid(), number), step=11)
    outcome = trainer_of(graph, recipe, run, feed=feed).fit()
    assert outcome.state == "stopped"
    assert outcome.step == 12
    newest = checkpoints.newest(run.checkpoints)
    assert newest is not None
    assert newest[1]["step"] == 12
    again = trainer_of(graph, recipe, seed=3)
    again.load(*newest)
    whole = trainer_of(graph, recipe).fit()
    assert again.fit().losses == whole.losses


def test_a_second_interrupt_ends_at_once():
    graph = tiny_graphs.classifier()

    def twice(_):
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGINT)

    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        trainer_of(graph, recipe_of(), feed=Spoiled(graph, twice)).fit()
    assert signal.getsignal(signal.SIGINT) is before


def test_a_full_disk_is_reported_and_the_last_checkpoint_stays(tmp_path, monkeypatch):
    graph, recipe = tiny_graphs.classifier(), recipe_of()
    run = run_in(tmp_path / "run", recipe, graph)
    trainer = trainer_of(graph, recipe, run)
    full = torch.save

    def save(state, file):
        if state["step"] > 3:
            file.write(b"half")
            raise RuntimeError("[enforce fail at inline_container.cc:664] . unexpected pos 64 vs 0")
        full(state, file)

    monkeypatch.setattr(torch, "save", save)
    with pytest.raises(GraphError) as refused:
        trainer.fit()
    assert refused.value.problems[0].code == "cannot-write"
    assert "The last whole one is step-00000003" in refused.value.problems[0].message
    assert [path.name for path in run.checkpoints.iterdir()] == ["step-00000003"]


@pytest.mark.skipif(sys.platform != "linux", reason="a limit of memory is that of Linux, in /proc and setrlimit")
@pytest.mark.parametrize(
    ("what", "code", "says"),
    [
        ("memory", "out-of-memory", "memory ran out on cpu with 8 samples at once; batches: {accumulate: 2} computes"),
        ("disk", "cannot-write", "File too large"),
    ],
)
def test_a_process_out_of_memory_or_disk_says_so_and_keeps_its_checkpoint(tmp_path, what, code, says):
    run = tmp_path / "run"
    command = [sys.executable, "-m", "tests.training.short_of", what, str(run)]
    root = Path(__file__).parents[2]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=True)
    assert done.stdout.startswith("1 problem\n"), done.stdout + done.stderr
    assert code in done.stdout and says in done.stdout
    newest = checkpoints.newest(run / "checkpoints", report=pytest.fail)
    assert newest is not None and newest[1]["step"] == 1
    composer.load(run / "last.safetensors")
    assert RunFolder.open(run).read_status().state == "failed"


class Keeper(nn.Module):
    """Keeps what it saw in a list.

    Keywords: keeper.
    """

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[Tensor] = [torch.zeros(1)]

    def forward(self, x: Annotated[FeatureMap, "B C H W"]) -> Annotated[FeatureMap, "B C H W"]:
        """What comes in."""
        self.seen = [x.detach()]
        return x


def test_state_that_no_checkpoint_takes_is_refused_by_name(tmp_path):
    text = tiny_graphs.CLASSIFIER.replace("{feature: conv.out}", "{feature: keeper.out}")
    text = text.replace("  pool:", "  keeper: {type: Keeper, inputs: {x: conv.out}}\n  pool:", 1)
    model = composer.compile(loads(text), Catalog.default().with_components(Keeper))
    run = run_in(tmp_path / "run", recipe_of(), model.graph)
    with pytest.raises(GraphError, match="'seen' of Keeper holds tensors that change, in a list"):
        Trainer(recipe_of(), model, ExampleFeed(model.graph), run=run).fit()


def test_a_checkpoint_of_another_graph_is_refused(tmp_path):
    path = trainer_in(tmp_path / "run", tiny_graphs.classifier())
    other = trainer_of(tiny_graphs.small("fashion_mnist"), recipe_of())
    with pytest.raises(GraphError, match="another graph"):
        other.load(path, checkpoints.load(path))


def trainer_in(folder, graph):
    run = run_in(folder, recipe_of(), graph)
    trainer_of(graph, recipe_of(), run).fit()
    found = checkpoints.latest(run.checkpoints)
    assert found is not None
    return found
