"""What several processes share: gathered batches, queues, mixed batches, negatives and correlations."""

from datetime import timedelta

import pytest
import torch
from torch import distributed as dist
from torch import multiprocessing

from components.heads.siamese_heads import LatentCrossCorrelationHead, MoCoV3Head
from components.layers.shuffling import BatchShuffle, BatchUnshuffle
from components.memories.banks import NegativeQueue
from components.shared.distributed import (
    all_summed,
    alone,
    gathered,
    gathered_with_gradient,
    process_count,
    process_rank,
)
from components.similarities.similarity import PairSimilarity
from tests.together import leave

PREDICTOR = {"type": "LinearNeck", "in_channels": 3, "out_channels": 3, "norm_cfg": None}


def batch(rank, rows=2):
    return torch.randn(rows, 3, generator=torch.Generator().manual_seed(rank))


def work(rank, port, answers):
    """All that one process computes, sent back by name."""
    address = f"tcp://127.0.0.1:{port}"
    dist.init_process_group("gloo", address, timedelta(seconds=60), world_size=2, rank=rank)
    torch.set_num_threads(1)
    torch.manual_seed(rank)
    mine = batch(rank)
    found = {"gathered": gathered(mine), "sum": all_summed(mine)}
    leaf = mine.clone().requires_grad_()
    (gathered_with_gradient(leaf) * torch.arange(4.0)[:, None] * (rank + 1)).sum().backward()
    found["gradient"] = leaf.grad
    queue = NegativeQueue(3, length=6)
    queue(mine)
    found["queue"] = queue.queue[:, :4].mT
    shuffle, unshuffle = BatchShuffle(), BatchUnshuffle()
    mixed = shuffle(mine)
    found |= {"mixed": mixed.out, "order": mixed.order, "back": unshuffle(mixed.out, mixed.order)}
    found["unmixed"] = shuffle.eval()(mine).out
    views = torch.cat([batch(rank), batch(rank + 2)])
    found["pos"], found["neg"] = PairSimilarity()(views)
    head = LatentCrossCorrelationHead(3)
    leaf = batch(rank, 8).requires_grad_()
    matrix = head(leaf, batch(rank + 2, 8))
    matrix.square().sum().backward()
    found |= {"matrix": matrix.detach(), "matrix_gradient": leaf.grad}
    with alone():
        found["alone"] = gathered(mine)
    found["target"] = MoCoV3Head(PREDICTOR)(mine, mine).target
    answers[rank] = {name: value.detach().numpy().tolist() for name, value in found.items()}
    leave()


@pytest.fixture(scope="module")
def answers(free_port):
    with multiprocessing.get_context("spawn").Manager() as manager:
        given = manager.dict()
        multiprocessing.spawn(work, args=(free_port, given), nprocs=2)
        return [{name: torch.tensor(value) for name, value in given[rank].items()} for rank in (0, 1)]


@pytest.fixture(scope="module")
def free_port():
    store = dist.TCPStore("127.0.0.1", 0, is_master=True, wait_for_workers=False)
    port = store.port
    del store
    return port


BOTH = torch.cat([batch(0), batch(1)])

slow = pytest.mark.slow


@slow
def test_gathering_gives_every_process_the_batches_of_all(answers):
    for found in answers:
        assert torch.equal(found["gathered"], BOTH)
        assert torch.allclose(found["sum"], batch(0) + batch(1))


@slow
def test_a_process_that_computes_alone_waits_for_no_other(answers):
    assert all(torch.equal(found["alone"], batch(rank)) for rank, found in enumerate(answers))


@slow
def test_gathered_gradients_sum_over_the_losses_of_all_processes(answers):
    assert answers[0]["gradient"].tolist() == [[0.0] * 3, [3.0] * 3]
    assert answers[1]["gradient"].tolist() == [[6.0] * 3, [9.0] * 3]


@slow
def test_a_queue_takes_the_keys_of_all(answers):
    for found in answers:
        assert torch.equal(found["queue"], BOTH)


@slow
def test_samples_are_mixed_across_processes_and_put_back(answers):
    orders = [found["order"].tolist() for found in answers]
    assert orders[0] == orders[1]
    assert sorted(orders[0]) == [0, 1, 2, 3]
    assert torch.equal(torch.cat([found["mixed"] for found in answers]), BOTH[orders[0]])
    for rank, found in enumerate(answers):
        assert torch.equal(found["back"], batch(rank))
        assert torch.equal(found["unmixed"], batch(rank))


@slow
def test_pairs_of_all_processes_are_compared(answers):
    alone = PairSimilarity()(torch.cat([batch(0), batch(1), batch(2), batch(3)]))
    for found in answers:
        torch.testing.assert_close(found["pos"], alone.pos)
        torch.testing.assert_close(found["neg"], alone.neg)


@slow
def test_correlations_are_over_the_samples_of_all_and_so_is_the_mean_of_their_gradients(answers):
    assert torch.equal(answers[0]["matrix"], answers[1]["matrix"])
    heads = [LatentCrossCorrelationHead(3) for _ in range(2)]
    halves = [head(batch(rank, 8), batch(rank + 2, 8)) for rank, head in enumerate(heads)]
    torch.testing.assert_close(answers[0]["matrix"], (halves[0] + halves[1]) / 2)
    for rank, found in enumerate(answers):
        mine, head = batch(rank, 8).requires_grad_(), LatentCrossCorrelationHead(3)
        other = heads[1 - rank](batch(1 - rank, 8), batch(3 - rank, 8)).detach()
        ((head(mine, batch(rank + 2, 8)) + other) / 2).square().sum().backward()
        torch.testing.assert_close(found["matrix_gradient"] / 2, mine.grad)


@slow
def test_the_own_key_of_a_query_is_counted_over_all(answers):
    assert [found["target"].tolist() for found in answers] == [[0, 1], [2, 3]]


def test_collectives_are_the_identity_in_a_single_process():
    x = batch(0).requires_grad_()
    assert (process_count(), process_rank()) == (1, 0)
    assert all(function(x) is x for function in (gathered, gathered_with_gradient, all_summed))
    assert BatchShuffle()(x).out is x
    assert BatchShuffle()(x).order.tolist() == [0, 1]


def test_collectives_compile_as_one_graph_in_a_single_process():
    def step(x):
        return gathered_with_gradient(x) + gathered(x)

    x = batch(0)
    assert torch.equal(torch.compile(step, fullgraph=True, backend="eager")(x), 2 * x)
