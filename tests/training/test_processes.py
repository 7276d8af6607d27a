"""Two processes train as one would, and resume bit for bit, with DDP and in shards."""

from datetime import timedelta
from pathlib import Path

import pytest
import torch
from torch import distributed as dist
from torch import multiprocessing

import composer
from composer import GraphError
from composer.graph.file import loads
from composer.run.inputs import example_inputs
from composer.training import checkpoints
from composer.training.parallel import synchronised
from composer.training.processes import Processes
from composer.training.recipe import Evaluation, Span
from composer.training.trainer import Trainer
from tests import tiny_graphs
from tests.together import leave
from tests.training.families import small
from tests.training.feeds import ExampleFeed
from tests.training.loops import differing, recipe_of, run_in

SGD = {"type": "SGD", "lr": 0.01, "momentum": 0.9}

# By name: the graph, the recipe, and whether two processes compute what one does.
CASES = {
    "ddp": ("vit_base_p16", {"ema": {"decay": 0.9}, "clip": {"norm": 1.0}}, True),
    "ddp, statistics of all": ("fashion_mnist", {"distributed": {"sync_norm": True}, "optimizer": SGD}, True),
    "ddp, two views": ("byol", {"distributed": {"sync_norm": True}, "optimizer": SGD, "steps": 2}, True),
    "ddp, pairs of all": ("simclr", {"distributed": {"sync_norm": True}, "optimizer": SGD, "steps": 2}, True),
    "ddp, correlations": ("barlowtwins", {"distributed": {"sync_norm": True}, "optimizer": SGD, "steps": 2}, True),
    "ddp, keys of all": ("moco_v3", {"distributed": {"sync_norm": True}, "optimizer": SGD, "steps": 2}, True),
    "ddp, codes": ("swav", {"distributed": {"sync_norm": True}, "optimizer": SGD, "steps": 2}, True),
    "ddp, a queue": ("moco_v2", {"optimizer": SGD}, False),
    "ddp, parts, thawing": (
        "vit_base_p16",
        {"batches": {"accumulate": 2}, "policy": {"backbone": {"freeze": {"until": "4 steps"}}}},
        True,
    ),
    "fsdp": ("vit_base_p16", {"distributed": {"strategy": "fsdp"}, "ema": {"decay": 0.9}, "clip": {"norm": 1.0}}, True),
    "fsdp, parts": ("vit_base_p16", {"distributed": {"strategy": "fsdp"}, "batches": {"accumulate": 2}}, True),
    "fsdp, momentum copies": ("fashion_mnist", {"distributed": {"strategy": "fsdp", "sync_norm": True}}, False),
}

# Batch normalisation of 8 values each turns a difference in the 7th digit into one in the first, in 32 bits.
DTYPES = dict.fromkeys(("ddp, two views", "ddp, pairs of all", "ddp, correlations", "ddp, codes"), torch.float64)


def trainer_of(name, rank, world, run=None, seed=0):
    graph_name, changes, _ = CASES[name]
    graph, recipe = (
        small(graph_name),
        recipe_of(**{"steps": 6, "checkpoints": {"every": "1 step", "keep": 9}, **changes}),
    )
    torch.manual_seed(seed)
    model = composer.compile(graph, dtype=DTYPES.get(name))
    if recipe.distributed.sync_norm:
        synchronised(model)
    torch.manual_seed(seed + 1 + rank)
    feed = ExampleFeed(graph, batch=8, rank=rank, world=world, dtype=DTYPES.get(name))
    return Trainer(recipe, model, feed, run=run, processes=Processes(torch.device("cpu"), rank, world))


def work(rank, port, folder, answers):
    dist.init_process_group("gloo", f"tcp://127.0.0.1:{port}", timedelta(seconds=120), world_size=2, rank=rank)
    torch.set_num_threads(1)
    for number, (name, (graph_name, changes, _)) in enumerate(CASES.items()):
        place = Path(folder) / str(number)
        graph, recipe = (
            small(graph_name),
            recipe_of(**{"steps": 6, "checkpoints": {"every": "1 step", "keep": 9}, **changes}),
        )
        run = run_in(place, recipe, graph) if rank == 0 else None
        trainer = trainer_of(name, rank, 2, run)
        outcome = trainer.fit()
        whole = {key: item.clone() for key, item in trainer.wrapped.whole_state().items()}
        dist.barrier()
        again = trainer_of(name, rank, 2, seed=5)
        path = place / "checkpoints" / f"step-{trainer.total // 2:08d}"
        again.load(path, checkpoints.load(path))
        same = again.fit()
        found = again.wrapped.whole_state()
        if rank == 0:
            gap = differing(whole, found) + [key for key in outcome.losses if outcome.losses[key] != same.losses[key]]
            answers[name] = (gap, {key: item.numpy() for key, item in whole.items()})
        dist.barrier()
    answers["unreached", rank] = refusal(rank)
    for name in TAKEN_UP:
        whole = taken_up(name, rank, 2, Path(folder) / f"alone, {name}", 2, Path(folder) / f"both, {name}")
        if rank == 0:
            answers["taken up", name] = {key: item.numpy() for key, item in whole.items()}
        dist.barrier()
    for name in ("fsdp", "ddp, pairs of all"):
        answers["measured", name, rank] = measured(name, rank)
    leave()


def refusal(rank):
    """What is said where no loss depends on weights that are trained."""
    spare = "  spare: {type: Linear, params: {out_features: 2}, inputs: {input: pool.out}}\n"
    text = tiny_graphs.CLASSIFIER.replace("  loss: {type", f"{spare}  loss: {{type")
    graph = loads(text.replace("logits: head.out}\n  loss", "logits: head.out, spare: spare.out}\n  loss"))
    feed = ExampleFeed(graph, batch=8, rank=rank, world=2)
    model = composer.compile(graph)
    try:
        Trainer(recipe_of(), model, feed, processes=Processes(torch.device("cpu"), rank, 2)).fit()
    except GraphError as error:
        return str(error)
    return ""


def measured(name, rank):
    """Losses of a training that measures now and then, where one process has more to measure than the other."""
    seen = []

    def evaluate(model, step):
        inputs, samples = example_inputs(model.graph, 2, seed=step)
        given = ({key: value.to(DTYPES.get(name)) for key, value in inputs.items()}, samples)
        for _ in range(1 + 2 * rank):
            seen.append(float(sum(model(*given, mode="loss").values())))
        return {"val_loss": seen[-1]}

    losses = []
    for measure in (None, evaluate):
        trainer = trainer_of(name, rank, 2)
        trainer.recipe = trainer.recipe.model_copy(update={"evaluation": Evaluation(every=Span(1, "steps"))})
        trainer.evaluate = measure
        losses.append(trainer.fit().losses)
    return losses, len(seen)


TAKEN_UP = ("ddp", "fsdp", "ddp, statistics of all")


def taken_up(name, rank, world, folder, step, out):
    """The weights at the end of a training that other processes began."""
    graph, recipe = small(CASES[name][0]), recipe_of(steps=6)
    trainer = trainer_of(name, rank, world, run_in(out, recipe, graph) if rank == 0 else None, seed=9)
    path = folder / "checkpoints" / f"step-{step:08d}"
    trainer.load(path, checkpoints.load(path))
    trainer.fit()
    return {key: item.clone() for key, item in trainer.wrapped.whole_state().items()}


@pytest.fixture(scope="module")
def answers(tmp_path_factory):
    store = dist.TCPStore("127.0.0.1", 0, is_master=True, wait_for_workers=False)
    port = store.port
    del store
    folder = tmp_path_factory.mktemp("runs")
    alone = {}
    for name in TAKEN_UP:
        trainer = trainer_of(name, 0, 1, run_in(folder / f"alone, {name}", recipe_of(steps=6), small(CASES[name][0])))
        trainer.fit()
        alone["alone", name] = {key: item.numpy() for key, item in trainer.model.state_dict().items()}
    with multiprocessing.get_context("spawn").Manager() as manager:
        given = manager.dict()
        multiprocessing.spawn(work, args=(port, str(folder), given), nprocs=2)
        found = {**given, **alone}
    for name in TAKEN_UP:
        again = taken_up(name, 0, 1, folder / f"both, {name}", 4, folder / f"again, {name}")
        found["again", name] = {key: item.numpy() for key, item in again.items()}
    return found


slow = [pytest.mark.slow, pytest.mark.timeout(900)]
pytestmark = slow


@pytest.mark.parametrize("name", list(CASES))
def test_two_processes_resume_bit_for_bit(answers, name):
    assert answers[name][0] == []


@pytest.mark.parametrize("name", [name for name, case in CASES.items() if case[2]])
def test_two_processes_equal_one_with_the_whole_batch(answers, name):
    alone = trainer_of(name, 0, 1)
    alone.fit()
    for key, item in alone.model.state_dict().items():
        torch.testing.assert_close(torch.from_numpy(answers[name][1][key]), item, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("name", TAKEN_UP)
def test_a_run_of_one_process_resumes_with_two_and_back(answers, name):
    whole = answers["alone", name]
    for key in (("taken up", name), ("again", name)):
        assert answers[key].keys() == whole.keys()
        for place, item in answers[key].items():
            torch.testing.assert_close(torch.from_numpy(item), torch.from_numpy(whole[place]), rtol=1e-5, atol=1e-5)


def test_weights_that_no_loss_reaches_are_named_before_processes_wait_for_them(answers):
    for rank in (0, 1):
        assert "spare.weight; several processes would wait for their gradients" in answers["unreached", rank]


@pytest.mark.parametrize("name", ["fsdp", "ddp, pairs of all"])
def test_processes_that_measure_wait_for_no_other_and_train_on_as_if_they_had_not(answers, name):
    for rank in (0, 1):
        (plain, measured), count = answers["measured", name, rank]
        assert plain == measured
        assert count == (1 + 2 * rank) * (CASES[name][1].get("steps") or 6)
