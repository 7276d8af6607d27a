"""The residual networks: shapes, what stays fixed, first values, and what is refused."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from components.backbones.resnet import ResNet
from components.backbones.resnet_variants import ResNet_CIFAR, ResNetV1c, ResNetV1d

TINY: dict[str, Any] = {"base_channels": 4, "stem_channels": 4}


def images(size: int = 32) -> Tensor:
    return torch.randn(2, 3, size, size, generator=torch.Generator().manual_seed(0))


def statistics(module: nn.Module) -> dict[str, Tensor]:
    return {name: value.clone() for name, value in module.named_buffers()}


def moved(before: dict[str, Tensor], module: nn.Module) -> set[str]:
    """The layers whose statistics changed, by the first part of their name."""
    after = dict(module.named_buffers())
    return {name.partition(".")[0] for name in before if not torch.equal(before[name], after[name])}


@pytest.mark.parametrize(
    ("depth", "millions"), [(18, 11.177), (34, 21.285), (50, 23.508), (101, 42.500), (152, 58.144)]
)
def test_every_depth_has_the_published_number_of_parameters(depth: Any, millions: float) -> None:
    with torch.device("meta"):
        model = ResNet(depth)
    assert sum(p.numel() for p in model.parameters()) / 1e6 == pytest.approx(millions, abs=5e-4)


@pytest.mark.parametrize(
    ("options", "sizes"),
    [
        ({}, [1]),
        ({"out_indices": (0, 1, 2, 3)}, [8, 4, 2, 1]),
        ({"out_indices": (1, 3), "strides": (1, 2, 1, 1), "dilations": (1, 1, 2, 4)}, [4, 4]),
        ({"num_stages": 2, "strides": (1, 2), "dilations": (1, 1), "out_indices": (1,)}, [4]),
        ({"deep_stem": True, "avg_down": True, "out_indices": (0, 3)}, [8, 1]),
    ],
)
def test_out_indices_choose_the_levels(options: dict[str, Any], sizes: list[int]) -> None:
    model = ResNet(18, **TINY, **options).eval()
    levels = model(images())
    assert [level.shape[2] for level in levels] == sizes
    assert [level.shape[1] for level in levels] == list(model.out_channels)


def test_stages_after_the_last_level_are_not_run() -> None:
    model = ResNet(18, **TINY, out_indices=(1,))
    before = statistics(model)
    model(images())
    assert moved(before, model) == {"bn1", "layer1", "layer2"}


@pytest.mark.parametrize(("style", "strides"), [("pytorch", ((1, 1), (2, 2))), ("caffe", ((2, 2), (1, 1)))])
def test_style_chooses_the_convolution_with_the_stride(style: Any, strides: Any) -> None:
    block = ResNet(50, **TINY, style=style).layer2[0]
    assert (block.conv1.stride, block.conv2.stride) == strides


def test_blocks_start_as_the_identity_unless_zero_init_residual_is_off() -> None:
    assert not ResNet(50, **TINY).layer1[1].bn3.weight.any()
    assert ResNet(50, **TINY, zero_init_residual=False).layer1[1].bn3.weight.eq(1).all()


def test_convolutions_start_normal_by_fan_out() -> None:
    torch.manual_seed(0)
    weight = ResNet(18, stem_channels=64, base_channels=4).conv1.weight
    assert weight.std().item() == pytest.approx((2 / (64 * 49)) ** 0.5, rel=0.05)
    assert ResNet(18, **TINY, init_cfg=None).conv1.weight.abs().max() <= (3 * 49) ** -0.5  # PyTorch's own: uniform


@pytest.mark.parametrize("depth", [18, 50])
@pytest.mark.parametrize("deep_stem", [False, True])
def test_frozen_stages_keep_weights_and_statistics_in_training(depth: Any, deep_stem: bool) -> None:
    model = ResNet(depth, **TINY, frozen_stages=1, deep_stem=deep_stem)
    stem = {"stem"} if deep_stem else {"conv1", "bn1"}
    fixed = {name.partition(".")[0] for name, p in model.named_parameters() if not p.requires_grad}
    assert fixed == stem | {"layer1"}
    for again in (model, model.train()):  # as built, and after train()
        before = statistics(again)
        again(images())[-1].sum().backward()
        assert moved(before, again) == {"layer2", "layer3", "layer4"}
    assert all((p.grad is None) == (name.partition(".")[0] in fixed) for name, p in model.named_parameters())


@pytest.mark.parametrize(("stages", "fixed"), [(-1, set()), (0, {"conv1", "bn1"})])
def test_without_frozen_stages_at_most_the_stem_is_frozen(stages: int, fixed: set[str]) -> None:
    model = ResNet(18, **TINY, frozen_stages=stages)
    assert {name.partition(".")[0] for name, p in model.named_parameters() if not p.requires_grad} == fixed


def test_norm_eval_keeps_statistics_while_weights_learn() -> None:
    model = ResNet(18, **TINY, norm_eval=True).train()
    before = statistics(model)
    model(images())[-1].sum().backward()
    assert not moved(before, model)
    assert model.training
    assert model.layer1[0].bn1.weight.grad is not None


@pytest.mark.parametrize(
    ("norm_cfg", "name", "kind"),
    [
        ({"type": "BN", "eps": 1e-3, "momentum": 0.01}, "bn1", nn.BatchNorm2d),
        ({"type": "SyncBN", "requires_grad": False}, "bn1", nn.SyncBatchNorm),
        ({"type": "GN", "num_groups": 2}, "gn1", nn.GroupNorm),
    ],
)
def test_norm_cfg_chooses_the_layer_and_its_name(norm_cfg: dict[str, Any], name: str, kind: type[nn.Module]) -> None:
    model = ResNet(18, **TINY, norm_cfg=norm_cfg)
    for norm in (getattr(model, name), getattr(model.layer1[0], name)):
        assert isinstance(norm, kind)
        assert norm.weight.requires_grad == norm_cfg.get("requires_grad", True)
        assert norm.eps == norm_cfg.get("eps", 1e-5)


def test_group_norm_treats_each_image_by_itself() -> None:
    model = ResNet(18, **TINY, norm_cfg={"type": "GN", "num_groups": 2}, zero_init_residual=False).train()
    torch.testing.assert_close(model(images())[0][:1], model(images()[:1])[0])


def test_recomputing_blocks_gives_the_same_gradients() -> None:
    torch.manual_seed(0)
    plain, checkpointed = ResNet(50, **TINY, zero_init_residual=False), ResNet(50, **TINY, with_cp=True)
    checkpointed.load_state_dict(plain.state_dict())
    for model in (plain, checkpointed):
        model(images(64))[-1].square().mean().backward()
    for one, other in zip(plain.parameters(), checkpointed.parameters(), strict=True):
        torch.testing.assert_close(one.grad, other.grad)


def test_drop_path_rates_rise_with_depth_and_act_in_training_only() -> None:
    model = ResNet(18, **TINY, drop_path_rate=0.7, zero_init_residual=False)
    blocks = [block for index in range(1, 5) for block in getattr(model, f"layer{index}")]
    rates = [getattr(block.drop_path, "drop_prob", 0.0) for block in blocks]
    assert rates == pytest.approx([0.1 * index for index in range(8)])
    model.eval()
    torch.testing.assert_close(model(images()), model(images()))


def test_v1c_has_three_small_convolutions_in_the_stem() -> None:
    convs = [part for part in ResNetV1c(18, **TINY).stem.modules() if isinstance(part, nn.Conv2d)]
    assert [(conv.out_channels, conv.kernel_size, conv.stride) for conv in convs] == [
        (2, (3, 3), (2, 2)),
        (2, (3, 3), (1, 1)),
        (4, (3, 3), (1, 1)),
    ]


@pytest.mark.parametrize(("variant", "pools"), [(ResNetV1c, False), (ResNetV1d, True)])
def test_only_v1d_downsamples_its_shortcuts_by_average_pooling(variant: type[ResNet], pools: bool) -> None:
    shortcut = variant(18, **TINY).layer2[0].downsample
    assert isinstance(shortcut[0], nn.AvgPool2d) == pools
    assert shortcut[-2].stride == ((1, 1) if pools else (2, 2))
    assert "layer2.0.downsample.1.weight" in variant(18, **TINY).state_dict()


def test_the_small_stem_keeps_the_size() -> None:
    model = ResNet_CIFAR(18, **TINY, out_indices=(0, 1, 2, 3)).eval()
    assert [level.shape[-1] for level in model(images())] == [32, 16, 8, 4]
    assert model.conv1.kernel_size == (3, 3)
    assert set(model.state_dict()) == set(ResNet(18, **TINY).state_dict())


@pytest.mark.parametrize(
    ("variant", "refused", "accepted", "text"),
    [
        (ResNet, {"expansion": 4}, {"expansion": 1}, "leave expansion out"),
        (ResNet, {"strides": (1, 2)}, {"strides": (1, 2, 1, 1)}, "found 2 strides"),
        (
            ResNet,
            {"num_stages": 3},
            {"num_stages": 3, "strides": (1, 2, 2), "dilations": (1, 1, 1), "out_indices": (2,)},
            "strides",
        ),
        (ResNet, {"out_indices": (3, 1)}, {"out_indices": (1, 3)}, "ascending"),
        (ResNet, {"out_indices": (4,)}, {"out_indices": (3,)}, "from 0 to 3"),
        (ResNet, {"frozen_stages": 5}, {"frozen_stages": 4}, "at most 4"),
        (ResNet, {"norm_cfg": {"type": "GN"}}, {"norm_cfg": {"type": "GN", "num_groups": 2}}, "num_groups"),
        (ResNet, {"norm_cfg": {"type": "BM"}}, {"norm_cfg": {"type": "BN"}}, "'BM', expected one of BN"),
        (ResNet, {"norm_cfg": {"type": "BN", "epsilon": 1}}, {"norm_cfg": {"type": "BN", "eps": 1}}, "epsilon"),
        (ResNet, {"conv_cfg": {"type": "DCN"}}, {"conv_cfg": {"type": "Conv2d"}}, "'DCN', expected Conv2d"),
        (
            ResNet,
            {"init_cfg": {"type": "Pretrained"}},
            {"init_cfg": {"type": "Xavier", "layer": "Conv2d"}},
            "checkpoint",
        ),
        (ResNet, {"deep_stem": True, "stem_channels": 5}, {"deep_stem": True}, "even"),
        (ResNet_CIFAR, {"deep_stem": True}, {"deep_stem": False}, "single convolution"),
    ],
)
def test_contradicting_parameters_are_refused(
    variant: type[ResNet], refused: dict[str, Any], accepted: dict[str, Any], text: str
) -> None:
    variant(18, **{**TINY, **accepted})
    with pytest.raises(ValueError, match=text):
        variant(18, **{**TINY, **refused})
