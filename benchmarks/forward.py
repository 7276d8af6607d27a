"""Forward of compiled graphs against the same networks written by hand: time, peak memory, equal bits.

python -m benchmarks.forward
"""

import torch
from torch import nn
from torch.autograd.profiler import profile

import composer
from benchmarks.graphs import resnet_layers
from benchmarks.networks import HandWrittenFashion, HandWrittenResNet
from benchmarks.side_by_side import compare

FASHION = "saved_graphs/classification/fashion_mnist.yaml"


def main() -> None:
    torch.set_num_threads(1)
    print("forward of a compiled graph against the same network written by hand, one thread, no gradient")
    row("network", "input", "composer ms", "by hand ms", "ratio", "memory", "bits")
    report("fashion_mnist", composer.load(FASHION), HandWrittenFashion(), (1, 1, 8, 8), rounds=101, inner=50)
    report("fashion_mnist", composer.load(FASHION), HandWrittenFashion(), (16, 1, 32, 32), rounds=51, inner=3)
    small = composer.compile(resnet_layers((1, 1, 1, 1), 32))
    report("ResNet-14", small, HandWrittenResNet((1, 1, 1, 1)), (8, 3, 32, 32), rounds=51, inner=3)
    report("ResNet-50", composer.compile(resnet_layers()), HandWrittenResNet(), (2, 3, 224, 224), rounds=15, inner=1)


def report(name: str, ours: nn.Module, theirs: nn.Module, shape: tuple[int, ...], rounds: int, inner: int) -> None:
    theirs.load_state_dict({key: value for key, value in ours.state_dict().items() if key in theirs.state_dict()})
    ours.eval(), theirs.eval()
    image = torch.randn(shape)
    with torch.inference_mode():
        same = torch.equal(ours(image)["logits"], theirs(image))
        mine, other, ratio = compare(lambda: ours(image), lambda: theirs(image), rounds, inner)
        memory = peak(ours, image) / peak(theirs, image)
    size = "x".join(map(str, shape))
    row(name, size, f"{mine:.3f}", f"{other:.3f}", f"{ratio:.3f}", f"{memory:.3f}", "equal" if same else "DIFFER")


def peak(model: nn.Module, image: torch.Tensor) -> int:
    """Most bytes that torch's allocator held at once during a forward."""
    with profile(profile_memory=True, use_kineto=False) as recorded:
        model(image)
    held = most = 0
    for event in recorded.function_events:
        held += event.self_cpu_memory_usage
        most = max(most, held)
    return most


def row(*cells: str) -> None:
    print("".join(f"{cell:>15}" for cell in cells), flush=True)


if __name__ == "__main__":
    main()
