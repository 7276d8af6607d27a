"""SyncBatchNorm on a CPU: several processes compute what one with all samples does."""

import socket
from pathlib import Path

import pytest
import torch
from torch import Tensor, distributed, multiprocessing, nn

from components.shared.norm import SyncBatchNorm, build_norm

SAMPLES = (3, 5)

pytestmark = pytest.mark.skipif(not distributed.is_gloo_available(), reason="this PyTorch has no gloo")


def work(norm: nn.Module, image: Tensor) -> dict[str, Tensor]:
    """Outputs, gradients and statistics after two steps."""
    image = image.clone().requires_grad_()
    for _ in range(2):
        norm.zero_grad()
        image.grad = None
        found = norm(image)
        (found.square() * torch.linspace(0, 1, found.shape[1]).view(1, -1, *[1] * (image.dim() - 2))).sum().backward()
    gradients = {name: parameter.grad for name, parameter in norm.named_parameters()}
    return {"out": found.detach(), "image": image.grad, **gradients, **dict(norm.named_buffers())}


def layers() -> dict[str, nn.Module]:
    torch.manual_seed(0)
    norms = {"map": SyncBatchNorm(4), "plain": SyncBatchNorm(4, affine=False, momentum=None), "rows": SyncBatchNorm(4)}
    for norm in norms.values():
        for parameter in norm.parameters():
            nn.init.uniform_(parameter, 0.5, 1.5)
    return norms


def images() -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(1)
    count = sum(SAMPLES)
    return {
        "map": 3 + torch.randn(count, 4, 3, 2, generator=generator),
        "plain": torch.randn(count, 4, 3, 2, generator=generator),
        "rows": torch.randn(count, 4, generator=generator),
    }


def worker(rank: int, port: int, folder: str) -> None:
    torch.set_num_threads(1)
    address = f"tcp://127.0.0.1:{port}"
    distributed.init_process_group("gloo", init_method=address, rank=rank, world_size=len(SAMPLES))
    norms, given = layers(), images()
    found = {name: work(norm, given[name].split(SAMPLES)[rank]) for name, norm in norms.items()}
    distributed.destroy_process_group()
    torch.save(found, Path(folder) / f"{rank}.pt")


def test_two_processes_with_different_batches_equal_one_process(tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    multiprocessing.spawn(worker, (port, str(tmp_path)), nprocs=len(SAMPLES))
    ranks = [torch.load(tmp_path / f"{rank}.pt") for rank in range(len(SAMPLES))]
    given = images()
    for name, norm in layers().items():
        alone = work(norm, given[name])
        for key in ("out", "image"):
            assert torch.allclose(torch.cat([rank[name][key] for rank in ranks]), alone[key], atol=1e-5), (name, key)
        for key in alone.keys() & {"weight", "bias"}:
            assert torch.allclose(sum(rank[name][key] for rank in ranks), alone[key], rtol=1e-4), (name, key)
        for key in ("running_mean", "running_var", "num_batches_tracked"):
            assert all(torch.allclose(rank[name][key], alone[key], atol=1e-5) for rank in ranks), (name, key)


def test_one_process_equals_batch_norm() -> None:
    image = images()["map"]
    norm = build_norm({"type": "SyncBN"}, 4)
    assert isinstance(norm, nn.SyncBatchNorm)
    expected = work(nn.BatchNorm2d(4), image)
    assert all(torch.equal(value, expected[name]) for name, value in work(norm, image).items())
