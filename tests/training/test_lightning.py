"""A recipe as a Lightning module: the file parses, is short, and its steps are those of composer's own loop."""

import sys
from dataclasses import replace
from types import ModuleType, SimpleNamespace

import pytest
import torch
from torch import nn
from typer.testing import CliRunner

import composer
from composer.cli.app import app
from composer.export.standalone import standalone_source
from composer.graph import FrozenDict
from composer.problems import GraphError
from composer.training.lightning import lightning_left_out, lightning_source, with_lightning
from composer.training.recipe import Recipe
from composer.training.trainer import Trainer
from tests.tiny_graphs import SAVED, classifier, momentum_pair, small
from tests.training.feeds import ExampleFeed

EPOCHS, PER_EPOCH = 3, 4
SGD = {"type": "SGD", "lr": 0.05, "momentum": 0.9, "weight_decay": 0.01}
ADAMW = {"type": "AdamW", "lr": 0.01, "weight_decay": 0.05, "betas": [0.9, 0.95]}
GENTLE = SGD | {"lr": 1e-3}  # rounding grows fast in small batches of normalised numbers
COSINE = {"type": "cosine", "warmup": "1 epoch", "hold": "2 steps", "end": 0.1}


class StubModule(nn.Module):
    """What the written class uses of lightning.LightningModule."""

    trainer = SimpleNamespace(estimated_stepping_batches=EPOCHS * PER_EPOCH, max_epochs=EPOCHS)
    global_step = current_epoch = 0

    def log_dict(self, values, prog_bar=False):
        self.logged = dict(values)


@pytest.fixture
def lightning(monkeypatch):
    stub = ModuleType("lightning")
    stub.LightningModule = StubModule
    monkeypatch.setitem(sys.modules, "lightning", stub)


def recipe_of(**changes):
    given = {"graph": "graph.yaml", "data": {"train": {"path": "."}}, "epochs": EPOCHS, "channels_last": False}
    given |= {"optimizer": SGD, "schedule": COSINE, "batches": {"batch": 4}}
    return Recipe.model_validate({**given, **changes})


def written(recipe, model):
    source = standalone_source(model)
    return with_lightning(source.text, lightning_source(recipe, model, source.class_name)), source.class_name


def module_of(text, name, model):
    module = ModuleType("written")
    sys.modules["written"] = module
    exec(compile(text, "<written>", "exec"), module.__dict__)  # noqa: S102
    found = getattr(module, f"{name}Training")()
    found.model.load_state_dict(model.state_dict())
    return found.train()


def steps_of(module, feed, count):
    """What a Trainer of Lightning does, in its order."""
    set_up = module.configure_optimizers()
    optimizer, scheduler = set_up["optimizer"], set_up["lr_scheduler"]["scheduler"]
    losses = []
    for step in range(count):
        batch = feed.at(step)
        module.global_step, module.current_epoch = step, step // PER_EPOCH
        for hook in (
            ("on_train_epoch_start",) if step % PER_EPOCH == 0 and hasattr(module, "on_train_epoch_start") else ()
        ):
            getattr(module, hook)()
        if hasattr(module, "on_train_batch_start"):
            module.on_train_batch_start((batch.inputs, batch.samples), step)
        loss = module.training_step((batch.inputs, batch.samples), step)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        scheduler.step()
        losses.append(loss.item())
    return losses


@pytest.fixture
def two_threads():
    """With one thread composer's loop chooses other kernels than torch, which round otherwise."""
    threads = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(threads)


@pytest.mark.parametrize(
    ("graph", "changes"),
    [
        (classifier(), {}),
        (classifier(), {"optimizer": ADAMW, "schedule": {"type": "poly", "power": 2.0, "warmup": "10%"}}),
        (classifier(), {"optimizer": {"type": "LARS", "lr": 0.1}, "schedule": {"type": "constant"}}),
        (classifier(), {"optimizer": {"type": "Lamb", "lr": 0.01}, "schedule": {"type": "constant"}}),
        (
            classifier(),
            {"policy": {"conv": {"lr": 0.1, "decay": 0.5}}, "schedule": {"type": "step", "at": ["1 epoch"]}},
        ),
        (classifier(), {"policy": {"conv": {"freeze": {"until": "1 epoch"}}}}),
        (small("resnet18_cifar"), {"policy": {"backbone": {"freeze": True}, "backbone.layer4": {"freeze": False}}}),
        (small("vit_base_p16"), {"policy": {"backbone": {"layer_decay": 0.5}}, "optimizer": GENTLE}),
        (small("simsiam"), {"optimizer": GENTLE}),
        (small("byol"), {"optimizer": GENTLE, "schedule": {"type": "one_cycle", "warmup": "30%"}}),
        (momentum_pair(), {"schedule": {"type": "linear"}}),
    ],
    ids=[
        "sgd",
        "adamw",
        "lars",
        "lamb",
        "policy",
        "frozen_until",
        "frozen",
        "layer_decay",
        "fixed_rate",
        "momentum_schedule",
        "momentum_copy",
    ],
)
@pytest.mark.usefixtures("two_threads")
def test_lightning_steps_equal_those_of_composers_own_loop(lightning, graph, changes):
    count = 2 if graph.name == "byol" else 6  # its first gradients are so large that rounding soon shows
    recipe = recipe_of(**changes)
    torch.manual_seed(0)
    model = composer.compile(graph).train()
    feed = ExampleFeed(graph, epoch=PER_EPOCH)
    theirs = module_of(*written(recipe, model), model)
    trainer = Trainer(recipe, model, feed)
    torch.manual_seed(1)
    expected = []
    for step in range(count):
        if step % PER_EPOCH == 0:
            trainer.begin_epoch()
        found = trainer.train_step(feed.at(step))
        expected.append(sum(value.item() for name, value in found.items() if "loss" in name))
    torch.manual_seed(1)
    assert steps_of(theirs, feed, count) == pytest.approx(expected, rel=1e-4, abs=1e-5)
    own = dict(model.named_parameters())
    for name, weight in theirs.model.named_parameters():
        assert torch.allclose(weight, own[name], rtol=1e-3, atol=1e-5), name
    buffers = dict(model.named_buffers())
    for name, buffer in theirs.model.named_buffers():
        assert torch.allclose(buffer, buffers[name], rtol=1e-2, atol=1e-2), name


def test_the_lightning_file_is_short_and_names_the_trainer_arguments():
    recipe = recipe_of(precision="bf16", clip={"norm": 1.0}, batches={"batch": 32, "accumulate": 4}, mix={"mixup": 0.2})
    text = lightning_source(recipe, composer.compile(small("resnet50")), "Model")
    assert len(text.splitlines()) < 90
    assert "max_epochs=3, precision='bf16-mixed', accumulate_grad_batches=4, gradient_clip_val=1.0" in text
    assert "of 8 samples" in text
    assert any("mixup" in one for one in lightning_left_out(recipe))


def test_a_graph_that_clusters_its_samples_is_refused():
    model = composer.compile(composer.read(SAVED / "selfsup" / "odc.yaml"))
    with pytest.raises(GraphError, match="clusters all samples while it trains"):
        lightning_source(recipe_of(), model, "Model")


def test_the_command_writes_a_file_from_a_graph_or_a_recipe(lightning, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    graph = replace(classifier(), metadata=FrozenDict())
    composer.write(graph, "tiny.yaml")
    (tmp_path / "recipe.yaml").write_text("graph: tiny.yaml\ndata: {train: {path: nowhere}}\nepochs: 7\n")
    for file in ("tiny.yaml", "recipe.yaml"):
        said = CliRunner().invoke(app, ["export", file, "--to", "lightning", "-o", "out.py"])
        assert said.exit_code == 0, said.output
        text = (tmp_path / "out.py").read_text()
        module = module_of(text, "TinyClassifier", composer.compile(graph))
        assert isinstance(module, StubModule)
    assert "max_epochs=7" in text
    assert "left out: data and augmentation" in said.output
