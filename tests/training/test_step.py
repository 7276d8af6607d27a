"""A training step beyond forward, backward and optimizer: kernels and layout."""

from collections.abc import Iterator

import pytest
import torch
from torch import nn
from torch.profiler import ProfilerActivity, profile

from composer.problems import GraphError
from tests import tiny_graphs
from tests.training.loops import recipe_of, trainer_of

SLOW = ("aten::_slow_conv2d_forward", "aten::_slow_conv2d_backward", "aten::slow_conv_dilated2d")


@pytest.fixture
def one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def operators(name: str, **changes: object) -> dict[str, int]:
    """How often each operator ran in one step on two images."""
    trainer = trainer_of(tiny_graphs.small(name), recipe_of(steps=1, **changes), batch=2, epoch=1)
    with profile(activities=[ProfilerActivity.CPU]) as seen:
        trainer.fit()
    return {event.key: event.count for event in seen.key_averages()}


@pytest.mark.usefixtures("one_thread")
@pytest.mark.skipif(
    torch.backends.cpu.get_cpu_capability() not in ("AVX2", "AVX512"), reason="oneDNN is slower there than torch's own"
)
@pytest.mark.parametrize("channels_last", [False, True])
def test_one_thread_computes_convolutions_of_one_pixel_by_onednn(channels_last: bool) -> None:
    found = operators("resnet50", channels_last=channels_last)
    assert found["aten::mkldnn_convolution"] > 0
    assert not [name for name in SLOW if name in found]


@pytest.mark.usefixtures("one_thread")
@pytest.mark.filterwarnings("ignore:TF32 acceleration:UserWarning")
def test_without_onednn_torch_computes_them_as_ever() -> None:
    with torch.backends.mkldnn.flags(enabled=False):
        found = operators("resnet50")
    assert "aten::_slow_conv2d_forward" in found
    assert "aten::slow_conv_dilated2d" not in found


@pytest.mark.usefixtures("one_thread")
@pytest.mark.parametrize("fails", [False, True])
def test_a_model_is_as_it_was_declared_after_a_step(fails: bool) -> None:
    trainer = trainer_of(tiny_graphs.small("resnet50"), recipe_of(steps=1), batch=2, epoch=1)
    convolutions = [part for part in trainer.model.modules() if isinstance(part, nn.Conv2d)]
    before = [(part.kernel_size, part.dilation) for part in convolutions]
    if fails:
        with torch.no_grad():
            convolutions[0].weight.fill_(torch.nan)
        with pytest.raises(GraphError, match="finite"):
            trainer.fit()
    else:
        trainer.fit()
    assert before == [(part.kernel_size, part.dilation) for part in convolutions]


@pytest.mark.usefixtures("one_thread")
def test_a_step_is_the_same_with_one_thread_and_with_two() -> None:
    found = []
    for threads in (1, 2):
        torch.set_num_threads(threads)
        trainer = trainer_of(tiny_graphs.small("resnet50"), recipe_of(steps=1), batch=2, epoch=1)
        trainer.fit()
        found.append(trainer.model.state_dict())
    for name, value in found[0].items():
        torch.testing.assert_close(found[1][name], value, rtol=1e-3, atol=2e-4)
