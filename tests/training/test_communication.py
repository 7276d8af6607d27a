"""The traffic between the processes of a training: the count agrees with two real processes."""

from pathlib import Path

import pytest
import torch
from torch import distributed as dist
from torch import multiprocessing

import composer
from benchmarks.communication import Traffic, counted, traffic_of
from composer.run.inputs import example_inputs
from composer.training.parallel import Wrapped
from composer.training.processes import Processes
from tests.tiny_graphs import small
from tests.together import leave

BATCH = 4
NAMES = ("moco_v2", "simclr", "barlowtwins", "resnet18_cifar")


def real(rank: int, folder: str) -> None:
    torch.set_num_threads(1)
    dist.init_process_group("gloo", init_method=f"file://{folder}/store", rank=rank, world_size=2)
    for name in NAMES:
        graph = small(name)
        torch.manual_seed(0)
        model = composer.compile(graph).train()
        wrapped = Wrapped(model, Processes(torch.device("cpu"), rank, 2))
        sizes: list[int] = []

        def hook(_: object, bucket: dist.GradBucket, sizes: list[int] = sizes) -> torch.futures.Future[torch.Tensor]:
            sizes.append(bucket.buffer().nbytes)
            return dist.all_reduce(bucket.buffer(), async_op=True).get_future().then(lambda done: done.value()[0])

        assert wrapped._ddp is not None
        wrapped._ddp.register_comm_hook(None, hook)
        found = Traffic()
        given = example_inputs(graph, batch=BATCH, seed=rank)
        with counted(found):
            losses = wrapped.losses(*given)
            loss = sum(value for key, value in losses.items() if "loss" in key)
            loss.backward()
        if rank == 0:
            summed = found.summed - sum(sizes)  # the hook's own are among those that were counted
            numbers = [sum(sizes), found.gathered, summed, found.sent, found.calls - len(sizes)]
            Path(folder, name).write_text(" ".join(map(str, numbers)))
        dist.barrier()
    leave()


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("communication")
    multiprocessing.spawn(real, (str(folder),), nprocs=2)
    return folder


@pytest.mark.parametrize("name", NAMES)
def test_the_counted_traffic_equals_that_of_two_processes(measured: Path, name: str) -> None:
    gradients, gathered, summed, sent, calls = map(int, (measured / name).read_text().split())
    traffic = traffic_of(small(name), batch=BATCH, world=2)
    assert (traffic.gradients, traffic.gathered, traffic.summed, traffic.sent, traffic.calls) == (
        gradients,
        gathered,
        summed,
        sent,
        calls,
    )


def test_a_classifier_exchanges_gradients_alone() -> None:
    traffic = traffic_of(small("resnet18_cifar"), batch=BATCH, world=8)
    assert traffic.gradients > 0 and traffic.calls == 0
