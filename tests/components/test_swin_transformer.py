"""SwinTransformer and attention within windows."""

import copy
import math
from typing import Any

import pytest
import torch
from torch import Tensor

from components.backbones.swin_transformer import SwinTransformer
from components.shared.patches import PatchMerging
from components.shared.window_attention import ShiftWindowMSA, WindowMSA, join_windows, split_windows

ARCH = {"embed_dims": 4, "depths": [2, 2], "num_heads": [1, 2]}


@pytest.fixture(autouse=True)
def seeded() -> None:
    torch.manual_seed(0)


def build(**params: Any) -> SwinTransformer:
    return SwinTransformer(**{"arch": ARCH, "window_size": 2, "out_indices": (1,), "img_size": 32, **params}).eval()


def random_image(*size: int) -> Tensor:
    return torch.randn(2, 3, *(size or (32, 32)))


def attention(window: int, shift: int = 0, **options: Any) -> ShiftWindowMSA:
    found = ShiftWindowMSA(4, 2, window, shift, **options).eval()
    torch.nn.init.normal_(found.w_msa.relative_position_bias_table)
    return found


def influence(layer: ShiftWindowMSA, size: tuple[int, int], row: int, column: int) -> Tensor:
    """Which cells change when one is changed, [H, W] of bool."""
    x = torch.randn(1, *size, 4, dtype=torch.double)
    changed = x.clone()
    changed[:, row, column] += 1
    layer = layer.double()
    return (layer(changed) - layer(x)).abs().amax(dim=-1)[0] > 1e-9


def block(size: tuple[int, int], rows: slice, columns: slice) -> Tensor:
    found = torch.zeros(size, dtype=torch.bool)
    found[rows, columns] = True
    return found


@pytest.mark.parametrize(
    ("params", "shapes"),
    [
        ({}, [(2, 8, 4, 4)]),
        ({"out_indices": (0, 1)}, [(2, 4, 8, 8), (2, 8, 4, 4)]),
        ({"out_indices": (0, 1), "out_after_downsample": True}, [(2, 8, 4, 4), (2, 8, 4, 4)]),
        ({"patch_size": (2, 4)}, [(2, 8, 8, 4)]),
        ({"stage_cfgs": {"downsample_cfg": {"out_channels": 6}}}, [(2, 6, 4, 4)]),
    ],
)
def test_maps_halve_from_stage_to_stage_and_have_the_channels_they_say(
    params: dict[str, Any], shapes: list[tuple[int, ...]]
) -> None:
    model = build(**params)
    found = [tuple(item.shape) for item in model(random_image())]
    assert found == shapes
    assert model.out_channels == tuple(shape[1] for shape in shapes)


@pytest.mark.parametrize(("size", "grid"), [((32, 32), (4, 4)), ((40, 24), (5, 3)), ((33, 45), (5, 6))])
@pytest.mark.parametrize("positions", [False, True])
def test_an_image_of_another_size_is_padded_to_patches_and_windows(
    size: tuple[int, int], grid: tuple[int, int], positions: bool
) -> None:
    (out,) = build(use_abs_pos_embed=positions)(random_image(*size))
    assert out.shape == (2, 8, *grid)
    assert out.isfinite().all()


def test_windows_are_cut_out_and_put_back() -> None:
    x = torch.arange(2 * 4 * 6).reshape(2, 4, 6, 1)
    windows = split_windows(x, 2)
    assert windows.shape == (2, 6, 4, 1)
    assert windows[0, 1].flatten().tolist() == [2, 3, 8, 9]
    assert torch.equal(join_windows(windows, 2, 4, 6), x)


def test_attention_in_a_window_that_covers_the_map_is_full_attention_with_a_bias_by_offset() -> None:
    layer, x = attention(3), torch.randn(2, 3, 3, 4)
    tokens = x.flatten(1, 2)
    q, k, v = layer.w_msa.qkv(tokens).reshape(2, 9, 3, 2, 2).permute(2, 0, 3, 1, 4)
    table = layer.w_msa.relative_position_bias_table.reshape(5, 5, 2)
    cells = [(row, column) for row in range(3) for column in range(3)]
    bias = torch.stack([torch.stack([table[a - c + 2, b - d + 2] for c, d in cells]) for a, b in cells])
    weights = (q @ k.mT / math.sqrt(2) + bias.permute(2, 0, 1)).softmax(-1)
    expected = layer.w_msa.proj((weights @ v).transpose(1, 2).reshape(2, 9, 4)).reshape(2, 3, 3, 4)
    torch.testing.assert_close(layer(x), expected)


def test_a_pixel_of_a_regular_window_depends_on_its_window_only() -> None:
    assert torch.equal(influence(attention(3), (6, 9), 4, 4), block((6, 9), slice(3, 6), slice(3, 6)))


@pytest.mark.parametrize(
    ("cell", "rows", "columns"),
    [
        ((3, 3), slice(2, 6), slice(2, 6)),  # inside: a whole window, shifted by 2
        ((0, 0), slice(0, 2), slice(0, 2)),  # the corner that is rolled away stays alone
        ((7, 7), slice(6, 8), slice(6, 8)),
        ((0, 7), slice(0, 2), slice(6, 8)),
        ((7, 4), slice(6, 8), slice(2, 6)),
    ],
)
def test_a_shifted_window_does_not_leak_across_the_border(cell: tuple[int, int], rows: slice, columns: slice) -> None:
    assert torch.equal(influence(attention(4, 2), (8, 8), *cell), block((8, 8), rows, columns))


def test_regular_then_shifted_windows_carry_across_windows() -> None:
    regular, shifted = attention(4).double(), attention(4, 2).double()
    x = torch.randn(1, 8, 8, 4, dtype=torch.double)
    changed = x.clone()
    changed[:, 3, 3] += 1
    assert (shifted(regular(changed)) - shifted(regular(x)))[0, 5, 5].abs().max() > 1e-9
    assert (regular(regular(changed)) - regular(regular(x)))[0, 5, 5].abs().max() == 0


def test_a_map_as_small_as_a_window_is_not_shifted() -> None:
    shifted, regular = attention(4, 2), attention(4)
    regular.load_state_dict(shifted.state_dict())
    x = torch.randn(2, 4, 8, 4)
    torch.testing.assert_close(shifted(x), regular(x))
    shifted.pad_small_map = True
    assert not torch.allclose(shifted(x), regular(x))


def test_merging_joins_the_cells_of_each_channel_in_turn() -> None:
    merging = PatchMerging(2, 8)
    torch.nn.init.eye_(merging.reduction.weight)
    cells = torch.arange(4.0)
    x = torch.stack([cells, 10 + cells], dim=-1).reshape(1, 2, 2, 2)
    assert merging(x).flatten().tolist() == [0, 1, 2, 3, 10, 11, 12, 13]


def test_checkpointed_blocks_have_the_same_outputs_and_gradients() -> None:
    plain, saving = build(), build(with_cp=True)
    saving.load_state_dict(plain.state_dict())
    image = random_image()
    gradients = []
    for model in (plain, saving):
        model(image)[0].square().sum().backward()
        gradients.append([parameter.grad for parameter in model.parameters()])
    torch.testing.assert_close(gradients[0], gradients[1])


def test_branches_are_dropped_in_training_only() -> None:
    model, image = build(drop_path_rate=0.6, drop_rate=0.2), random_image()
    assert torch.equal(model(image)[0], model(image)[0])
    model.train()
    assert not torch.equal(model(image)[0], model(image)[0])


def test_stochastic_depth_rises_over_all_blocks() -> None:
    model = build(drop_path_rate=0.3)
    rates = [block.attn.drop.drop_prob for stage in model.stages for block in stage.blocks]
    assert rates == pytest.approx([0, 0.1, 0.2, 0.3])
    assert [block.ffn.dropout_layer.drop_prob for block in model.stages[1].blocks] == pytest.approx([0.2, 0.3])


@pytest.mark.parametrize(
    ("stages", "learned"),
    [
        (-1, {"patch_embed", "stages.0", "stages.1", "norm0", "norm1"}),
        (0, {"stages.1", "norm1"}),
        (1, set()),
    ],
)
def test_frozen_stages_do_not_change_and_stay_in_evaluation_mode(stages: int, learned: set[str]) -> None:
    model = build(frozen_stages=stages, out_indices=(0, 1)).train()
    parts = {"patch_embed", "stages.0", "stages.1", "norm0", "norm1"}
    trained = [name for name, parameter in model.named_parameters() if parameter.requires_grad]
    assert {part for part in parts if any(name.startswith(part + ".") for name in trained)} == learned
    assert {part for part in parts if model.get_submodule(part).training} == learned


def test_names_in_the_state_dict_are_those_of_openmmlab() -> None:
    names = ["norm1.weight", "norm1.bias", "attn.w_msa.relative_position_bias_table"]
    names += ["attn.w_msa.relative_position_index", "attn.w_msa.qkv.weight", "attn.w_msa.qkv.bias"]
    names += ["attn.w_msa.proj.weight", "attn.w_msa.proj.bias", "norm2.weight", "norm2.bias"]
    names += ["ffn.layers.0.0.weight", "ffn.layers.0.0.bias", "ffn.layers.1.weight", "ffn.layers.1.bias"]
    expected = ["absolute_pos_embed", "patch_embed.projection.weight", "patch_embed.projection.bias"]
    expected += ["patch_embed.norm.weight", "patch_embed.norm.bias"]
    expected += [f"stages.0.blocks.{i}.{name}" for i in range(2) for name in names]
    expected += ["stages.0.downsample.norm.weight", "stages.0.downsample.norm.bias"]
    expected += ["stages.0.downsample.reduction.weight"]
    expected += [f"stages.1.blocks.{i}.{name}" for i in range(2) for name in names]
    expected += ["norm1.weight", "norm1.bias"]
    assert list(build(use_abs_pos_embed=True).state_dict()) == expected


def test_the_relative_position_index_counts_offsets() -> None:
    index = WindowMSA(4, 2, 1).relative_position_index
    assert index.tolist() == [[4, 3, 1, 0], [5, 4, 2, 1], [7, 6, 4, 3], [8, 7, 5, 4]]


def test_a_checkpoint_for_another_window_and_image_size_is_fitted() -> None:
    small = build(use_abs_pos_embed=True)
    large = copy.deepcopy(build(use_abs_pos_embed=True, window_size=4, img_size=64))
    large.load_state_dict(small.state_dict())
    table = large.stages[0].blocks[0].attn.w_msa.relative_position_bias_table
    center = small.stages[0].blocks[0].attn.w_msa.relative_position_bias_table[4]
    assert table.shape == (49, 1)
    torch.testing.assert_close(table[24], center)
    assert large.absolute_pos_embed is not None
    assert large.absolute_pos_embed.shape == (1, 256, 4)


def test_a_checkpoint_of_an_older_layout_is_fitted() -> None:
    model = build()
    old = {
        name.replace("norm1.", "norm.") if name.startswith("norm1") else name: value
        for name, value in model.state_dict().items()
    }
    old["stages.0.blocks.1.attn.attn_mask"] = torch.zeros(1)
    build().load_state_dict(old)
    with pytest.raises(RuntimeError, match="Unexpected"):
        build().load_state_dict({**old, "stages.0.blocks.1.attn.mask": torch.zeros(1)})


@pytest.mark.parametrize(
    ("arch", "wide", "blocks"), [("t", 96, 12), ("small", 96, 24), ("b", 128, 24), ("large", 192, 24)]
)
def test_an_arch_has_its_published_size(arch: Any, wide: int, blocks: int) -> None:
    with torch.device("meta"):
        model = SwinTransformer(arch)
    assert (model.embed_dims, sum(len(stage.blocks) for stage in model.stages)) == (wide, blocks)
    assert model.out_channels == (8 * wide,)


@pytest.mark.parametrize(
    ("refused", "says", "accepted"),
    [
        ({"arch": {"embed_dims": 4}}, "exactly embed_dims, depths and num_heads", {"arch": ARCH}),
        ({"arch": {**ARCH, "depths": 2}}, "of every stage", {"arch": {**ARCH, "depths": (2, 2)}}),
        ({"arch": {**ARCH, "depths": [2]}}, "of every stage", {"arch": {**ARCH, "depths": [1, 1]}}),
        ({"arch": "mini"}, "expected one of t, tiny", {}),
        ({"arch": {**ARCH, "num_heads": [3, 3]}}, "3 heads cannot share 4", {"arch": {**ARCH, "num_heads": [4, 8]}}),
        ({"out_indices": (2,)}, "from 0 to 1", {"out_indices": (0,)}),
        ({"out_indices": (1, 0)}, "rising stages", {"out_indices": (0, 1)}),
        ({"out_indices": ()}, "rising stages", {}),
        ({"frozen_stages": 2}, "expected -1 to 1", {"frozen_stages": 1}),
        ({"stage_cfgs": {"window": 3}}, "did you mean 'window_size'", {"stage_cfgs": {"window_size": 3}}),
        ({"stage_cfgs": ({},)}, "lists 1 dicts, expected 2", {"stage_cfgs": ({}, {})}),
        (
            {"stage_cfgs": {"block_cfgs": {"attn_cfgs": {"shift_size": 2}}}},
            "expected 0 to 1",
            {"stage_cfgs": {"block_cfgs": {"attn_cfgs": {"shift_size": 1}}}},
        ),
    ],
)
def test_invalid_parameters_are_refused_with_the_accepted_ones(
    refused: dict[str, Any], says: str, accepted: dict[str, Any]
) -> None:
    with pytest.raises(ValueError, match=says):
        build(**refused)
    build(**accepted)(random_image())


def test_a_map_smaller_than_a_window_is_refused_unless_it_may_be_padded() -> None:
    with pytest.raises(ValueError, match="set pad_small_map to true"):
        build(window_size=5)(random_image())
    assert build(window_size=5, pad_small_map=True)(random_image())[0].shape == (2, 8, 4, 4)
