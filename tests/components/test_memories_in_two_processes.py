"""Memories that several processes fill together: each holds what one process with the whole batch would."""

import socket
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import distributed, multiprocessing, nn
from torch.nn import functional as F

from components.losses.swav_loss import SwAVLoss
from components.memories.banks import SimpleMemory
from components.memories.odc_memory import ODCMemory

PROCESSES = 2
STEPS = 3

pytestmark = pytest.mark.skipif(not distributed.is_gloo_available(), reason="this PyTorch has no gloo")


def parts() -> dict[str, nn.Module]:
    torch.manual_seed(0)
    odc = ODCMemory(8, 4, 0.5, 3, 2, centroids_update_interval=1)
    odc.init_memory(torch.randn(8, 4), torch.arange(8) % 3)
    swav = SwAVLoss(4, num_prototypes=3, queue_length=6, queue_starts=0)
    swav.before_epoch(0)
    return {"simple": SimpleMemory(8, 4, 0.5, neg_num=2), "odc": odc, "swav": swav}


def batches() -> list[tuple[torch.Tensor, torch.Tensor]]:
    """Embeddings of two views, [2, samples, 4], and which samples they are."""
    generator = torch.Generator().manual_seed(1)
    return [
        (F.normalize(torch.randn(2, 4, 4, generator=generator), dim=2), torch.randperm(8, generator=generator)[:4])
        for _ in range(STEPS)
    ]


def run(rank: int, processes: int) -> dict[str, Any]:
    """What the parts hold at the end, and the mean loss of the last step."""
    held, losses = parts(), []
    for step, (views, index) in enumerate(batches()):
        views, index = views.chunk(processes, 1)[rank], index.chunk(processes)[rank]
        held["simple"](views[0], index)
        held["odc"](views[0], index)
        losses.append(held["swav"](views.flatten(0, 1)).detach())
        held["odc"].after_step(step)
    banks = {f"{name}.{key}": tensor for name, part in held.items() for key, tensor in part.named_buffers()}
    return {**banks, "loss": losses[-1]}


def worker(rank: int, port: int, folder: str) -> None:
    torch.set_num_threads(1)
    address = f"tcp://127.0.0.1:{port}"
    distributed.init_process_group("gloo", init_method=address, rank=rank, world_size=PROCESSES)
    found = run(rank, PROCESSES)
    distributed.destroy_process_group()
    torch.save(found, Path(folder) / f"{rank}.pt")


def test_two_processes_hold_the_banks_of_one_process_with_all_samples(tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    multiprocessing.spawn(worker, (port, str(tmp_path)), nprocs=PROCESSES)
    alone = run(0, 1)
    both = [torch.load(tmp_path / f"{rank}.pt") for rank in range(PROCESSES)]
    for name in alone.keys() - {"loss", "swav.queue"}:
        for found in both:
            assert torch.allclose(found[name].float(), alone[name].float(), atol=1e-5), name
    assert torch.equal(both[0]["swav.queue"], both[1]["swav.queue"])
    assert torch.allclose(both[0]["swav.queue"].sum(), alone["swav.queue"].sum(), atol=1e-5)
    mean = (both[0]["loss"] + both[1]["loss"]) / 2
    assert torch.allclose(mean, alone["loss"], atol=1e-4)
