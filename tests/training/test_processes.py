"""Two processes train as one would, and go on to the bit from what they wrote, as DDP and in shards."""

from datetime import timedelta
from pathlib import Path

import pytest
import torch
from torch import distributed as dist
from torch import multiprocessing

import composer
from composer import GraphError
from composer.graph.file import loads
from composer.training import checkpoints
from composer.training.processes import Processes
from composer.training.trainer import Trainer
from composer.training.wrapping import synchronised
from tests import tiny_graphs
from tests.training.feeds import ExampleFeed
from tests.training.loops import differing, recipe_of, run_in

SGD = {"type": "SGD", "lr": 0.01, "momentum": 0.9}

# By name: the graph, the recipe, and whether two processes compute what one does.
CASES = {
    "ddp": ("vit_base_p16", {"ema": {"decay": 0.9}, "clip": {"norm": 1.0}}, True),
    "ddp, statistics of all": ("fashion_mnist", {"distributed": {"sync_norm": True}, "optimizer": SGD}, True),
    "ddp, two views": ("byol", {"distributed": {"sync_norm": True}, "optimizer": SGD, "steps": 2}, True),
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
DTYPES = {"ddp, two views": torch.float64}


def trainer_of(name, rank, world, run=None, seed=0):
    graph_name, changes, _ = CASES[name]
    graph, recipe = (
        tiny_graphs.small(graph_name),
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
            tiny_graphs.small(graph_name),
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
    dist.destroy_process_group()


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


@pytest.fixture(scope="module")
def answers(tmp_path_factory):
    store = dist.TCPStore("127.0.0.1", 0, is_master=True, wait_for_workers=False)
    port = store.port
    del store
    folder = tmp_path_factory.mktemp("runs")
    with multiprocessing.get_context("spawn").Manager() as manager:
        given = manager.dict()
        multiprocessing.spawn(work, args=(port, str(folder), given), nprocs=2)
        return dict(given)


slow = [pytest.mark.slow, pytest.mark.timeout(900)]
pytestmark = slow


@pytest.mark.parametrize("name", list(CASES))
def test_two_processes_go_on_to_the_bit(answers, name):
    assert answers[name][0] == []


@pytest.mark.parametrize("name", [name for name, case in CASES.items() if case[2]])
def test_two_processes_compute_what_one_does_with_the_whole_batch(answers, name):
    alone = trainer_of(name, 0, 1)
    alone.fit()
    for key, item in alone.model.state_dict().items():
        torch.testing.assert_close(torch.from_numpy(answers[name][1][key]), item, rtol=1e-5, atol=1e-5)


def test_weights_that_no_loss_reaches_are_named_before_processes_wait_for_them(answers):
    for rank in (0, 1):
        assert "spare.weight; several processes would wait for their gradients" in answers["unreached", rank]
