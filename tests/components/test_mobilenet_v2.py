"""MobileNetV2: widths, levels and what stays fixed."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from components.backbones.mobilenet_v2 import MobileNetV2


def images() -> Tensor:
    return torch.randn(2, 3, 64, 64, generator=torch.Generator().manual_seed(0))


def test_mobilenet_v2_has_the_published_number_of_parameters() -> None:
    with torch.device("meta"):
        model = MobileNetV2()
    classifier = 1280 * 1000 + 1000
    assert sum(p.numel() for p in model.parameters()) + classifier == 3_504_872


@pytest.mark.parametrize(
    ("factor", "channels"),
    [
        (1.0, (16, 24, 32, 64, 96, 160, 320, 1280)),
        (0.5, (8, 16, 16, 32, 48, 80, 160, 1280)),
        (1.4, (24, 32, 48, 88, 136, 224, 448, 1792)),
    ],
)
def test_widths_are_multiples_of_8_near_the_factor(factor: float, channels: tuple[int, ...]) -> None:
    with torch.device("meta"):
        assert MobileNetV2(factor, out_indices=tuple(range(8))).out_channels == channels


def test_out_indices_choose_the_levels() -> None:
    model = MobileNetV2(0.1, out_indices=(0, 1, 2, 4, 6, 7)).eval()
    levels = model(images())
    assert [level.shape[2] for level in levels] == [32, 16, 8, 4, 2, 2]
    assert [level.shape[1] for level in levels] == list(model.out_channels)


@pytest.mark.parametrize(
    ("options", "moving"),
    [
        ({}, {"conv1", "conv2", *(f"layer{index}" for index in range(1, 8))}),
        ({"frozen_stages": 0}, {"conv1", "conv2", *(f"layer{index}" for index in range(1, 8))}),
        ({"frozen_stages": 5}, {"conv1", "conv2", "layer6", "layer7"}),
        ({"norm_eval": True}, set()),
    ],
)
def test_frozen_stages_keep_their_running_statistics(options: dict[str, Any], moving: set[str]) -> None:
    model = MobileNetV2(0.1, **options).train()
    before = {name: value.clone() for name, value in model.named_buffers()}
    model(images())
    after = dict(model.named_buffers())
    assert {name.partition(".")[0] for name in before if not torch.equal(before[name], after[name])} == moving


def test_frozen_stages_keep_their_weights() -> None:
    model = MobileNetV2(0.1, frozen_stages=2)
    fixed = {name.partition(".")[0] for name, p in model.named_parameters() if not p.requires_grad}
    assert fixed == {"conv1", "layer1", "layer2"}


def test_activations_and_image_channels_can_be_chosen() -> None:
    model = MobileNetV2(0.1, act_cfg={"type": "SiLU"}, in_channels=1)
    assert isinstance(model.conv1.activate, nn.SiLU)
    assert model.eval()(images()[:, :1])[-1].shape[1] == 1280


def test_recomputing_blocks_gives_the_same_gradients() -> None:
    plain, checkpointed = MobileNetV2(0.1), MobileNetV2(0.1, with_cp=True)
    checkpointed.load_state_dict(plain.state_dict())
    for model in (plain, checkpointed):
        model(images())[-1].square().mean().backward()
    for one, other in zip(plain.parameters(), checkpointed.parameters(), strict=True):
        torch.testing.assert_close(one.grad, other.grad)


@pytest.mark.parametrize(
    ("refused", "accepted", "text"),
    [
        ({"out_indices": (7, 3)}, {"out_indices": (3, 7)}, "ascending"),
        ({"act_cfg": {"type": "ReLU7"}}, {"act_cfg": {"type": "ReLU6"}}, "'ReLU7', expected one of ReLU"),
        ({"act_cfg": {"type": "ReLU", "slope": 1}}, {"act_cfg": {"type": "LeakyReLU", "negative_slope": 0.1}}, "slope"),
    ],
)
def test_contradicting_parameters_are_refused(refused: dict[str, Any], accepted: dict[str, Any], text: str) -> None:
    MobileNetV2(0.1, **accepted)
    with pytest.raises(ValueError, match=text):
        MobileNetV2(0.1, **refused)
