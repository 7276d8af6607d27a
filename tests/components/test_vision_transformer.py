"""VisionTransformer and its classification head."""

import copy
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from components.backbones.vision_transformer import VisionTransformer
from components.heads.classification_heads import VisionTransformerClsHead
from components.shared.initialization import trunc_normal_
from components.shared.options import construct
from components.shared.patches import PatchEmbed, resize_position_embedding
from components.shared.transformer import DropPath, MultiheadAttention, drop_path_rates

ARCH = {"embed_dims": 8, "num_layers": 2, "num_heads": 2, "feedforward_channels": 12}


@pytest.fixture(autouse=True)
def seeded() -> None:
    torch.manual_seed(0)


def build(**params: Any) -> VisionTransformer:
    return VisionTransformer(**{"arch": ARCH, "img_size": 32, "patch_size": 8, **params}).eval()


def random_image(*size: int) -> Tensor:
    return torch.randn(2, 3, *(size or (32, 32)))


def close(found: Any, expected: Any) -> None:
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
    ("params", "shape"),
    [
        ({"out_type": "cls_token"}, (2, 8)),
        ({"out_type": "raw"}, (2, 17, 8)),
        ({"out_type": "raw", "with_cls_token": False}, (2, 16, 8)),
        ({"out_type": "featmap"}, (2, 8, 4, 4)),
        ({"out_type": "avg_featmap"}, (2, 8)),
        ({"out_type": "featmap", "patch_cfg": {"stride": 4}}, (2, 8, 8, 8)),
        ({"out_type": "featmap", "patch_cfg": {"stride": 4, "padding": 0}}, (2, 8, 7, 7)),
    ],
)
def test_the_output_has_the_shape_of_its_type(params: dict[str, Any], shape: tuple[int, ...]) -> None:
    (out,) = build(**params)(random_image())
    assert out.shape == shape


def test_every_type_of_output_is_read_from_the_same_tokens() -> None:
    raw, image = build(out_type="raw"), random_image()
    (tokens,) = raw(image)
    for out_type, expected in (
        ("cls_token", tokens[:, 0]),
        ("featmap", tokens[:, 1:].transpose(1, 2).reshape(2, 8, 4, 4)),
        ("avg_featmap", F.layer_norm(tokens[:, 1:].mean(1), (8,), eps=1e-6)),
    ):
        other = build(out_type=out_type)
        other.load_state_dict(raw.state_dict(), strict=False)
        close(other(image)[0], expected)


def test_out_indices_count_from_either_end_and_come_in_the_order_of_layers() -> None:
    both, last = build(out_indices=(-1, 0)), build()
    last.load_state_dict(both.state_dict())
    first, second = both(random_image())
    assert not torch.equal(first, second)
    torch.manual_seed(1)
    image = random_image()
    close(both(image)[1], last(image)[0])


def test_keeping_every_patch_in_order_changes_nothing() -> None:
    model, image = build(out_type="raw"), random_image()
    close(model(image, torch.arange(16).expand(2, -1))[0], model(image)[0])


def test_permuting_the_kept_patches_permutes_their_tokens_and_leaves_the_class_token() -> None:
    model, image = build(out_type="raw"), random_image()
    keep, order = torch.stack([torch.randperm(16)[:5] for _ in range(2)]), torch.tensor([3, 0, 4, 1, 2])
    (tokens,), (permuted,) = model(image, keep), model(image, keep[:, order])
    assert tokens.shape == (2, 6, 8)
    close(permuted[:, 0], tokens[:, 0])
    close(permuted[:, 1:], tokens[:, 1:][:, order])


def test_patches_that_are_not_kept_have_no_influence() -> None:
    model, image = build(out_type="raw"), random_image()
    changed = image.clone()
    changed[:, :, :8, :8] += 1
    keep = torch.arange(1, 16).expand(2, -1)
    close(model(changed, keep)[0], model(image, keep)[0])
    assert not torch.allclose(model(changed)[0], model(image)[0])


def test_a_kept_patch_has_the_position_it_had_in_the_image() -> None:
    model = build(out_type="raw")
    patches, grid = model.patch_embed(random_image())
    tokens = model.embed(patches, grid, torch.tensor([[6], [9]]))
    for sample, patch in ((0, 6), (1, 9)):
        close(tokens[sample, 1], patches[sample, patch] + model.pos_embed[0, 1 + patch])
        close(tokens[sample, 0], (model.cls_token + model.pos_embed[:, :1])[0, 0])


@pytest.mark.parametrize(("size", "grid"), [((32, 32), (4, 4)), ((48, 24), (6, 3)), ((30, 41), (4, 6))])
def test_an_image_of_another_size_is_padded_to_patches_and_gets_interpolated_positions(
    size: tuple[int, int], grid: tuple[int, int]
) -> None:
    model, image = build(out_type="featmap"), random_image(*size)
    (out,) = model(image)
    assert out.shape == (2, 8, *grid)
    other = build(out_type="featmap", img_size=size)
    other.load_state_dict(model.state_dict())
    close(other(image)[0], out)


def test_resized_positions_keep_a_slope_and_the_class_token() -> None:
    slope = torch.arange(6.0).repeat(6, 1).reshape(1, 36, 1)
    resized = resize_position_embedding(
        torch.cat([torch.full((1, 1, 1), 9.0), slope], 1), (6, 6), (12, 12), "bilinear", 1
    )
    assert resized[0, 0] == 9
    close(resized[0, 1:].reshape(12, 12)[4, 2:10].diff(), torch.full((7,), 0.5))


def test_a_checkpoint_with_a_class_token_fits_a_model_without() -> None:
    model, plain = build(out_type="raw"), build(out_type="raw", with_cls_token=False)
    missing, unexpected = plain.load_state_dict(model.state_dict(), strict=False)
    assert (missing, unexpected) == ([], ["cls_token"])
    assert torch.equal(plain.pos_embed, model.pos_embed[:, 1:])


def test_a_copy_loads_checkpoints_into_itself() -> None:
    model = build()
    twin = copy.deepcopy(model)
    twin.load_state_dict(build(img_size=64).state_dict())
    assert twin.pos_embed.shape == model.pos_embed.shape
    assert not torch.equal(twin.pos_embed, model.pos_embed)


def test_attention_is_the_formula() -> None:
    attention, x = MultiheadAttention(8, 2), torch.randn(2, 5, 8)
    q, k, v = attention.qkv(x).reshape(2, 5, 3, 2, 4).permute(2, 0, 3, 1, 4)
    mixed = (q @ k.mT / 2).softmax(-1) @ v
    close(attention(x), attention.proj(mixed.transpose(1, 2).reshape(2, 5, 8)))


def test_branches_are_dropped_in_training_only() -> None:
    model, image = build(drop_path_rate=0.5, drop_rate=0.3), random_image()
    assert torch.equal(model(image)[0], model(image)[0])
    model.train()
    assert not torch.equal(model(image)[0], model(image)[0])


def test_drop_path_drops_whole_samples_and_keeps_the_mean() -> None:
    dropped = DropPath(0.25).train()(torch.ones(4000, 3))
    assert dropped.unique().tolist() == pytest.approx([0, 4 / 3])
    assert (dropped == dropped[:, :1]).all()
    assert dropped.mean().item() == pytest.approx(1, abs=0.05)


def test_drop_path_rates_rise_evenly() -> None:
    assert drop_path_rates(0.3, 4) == pytest.approx([0, 0.1, 0.2, 0.3])
    assert drop_path_rates(0.3, 1) == [0]


@pytest.mark.parametrize(
    ("stages", "learned"),
    [
        (-1, {"patch_embed", "pos_embed", "cls_token", "layers.0", "layers.1", "ln1"}),
        (1, {"layers.1", "ln1"}),
        (2, set()),
    ],
)
def test_frozen_stages_do_not_change(stages: int, learned: set[str]) -> None:
    model = build(frozen_stages=stages)
    parts = {"patch_embed", "pos_embed", "cls_token", "layers.0", "layers.1", "ln1"}
    trained = [name for name, parameter in model.named_parameters() if parameter.requires_grad]
    assert {part for part in parts if any(name.startswith(part) for name in trained)} == learned


def test_weights_start_as_published() -> None:
    model = build(arch={**ARCH, "embed_dims": 64})
    assert model.cls_token is not None
    assert not model.cls_token.any()
    assert model.pos_embed.std().item() == pytest.approx(0.02, rel=0.1)
    assert model.layers[0].ffn.layers[1].bias.abs().max() < 1e-4
    rule = {"type": "Constant", "layer": "Linear", "val": 0.5}
    model = build(init_cfg=rule)
    assert (model.layers[0].attn.qkv.weight == 0.5).all()
    assert (model.layers[0].ffn.layers[1].weight != 0.5).all()


def test_a_truncated_normal_has_its_deviation_and_stays_inside() -> None:
    drawn = trunc_normal_(torch.empty(20000), std=0.02)
    assert drawn.std().item() == pytest.approx(0.02, rel=0.03)
    assert drawn.abs().max() < 0.12
    assert trunc_normal_(torch.empty(20000), a=-0.5, b=1.0).aminmax() == (
        pytest.approx(-0.5, abs=1e-3),
        pytest.approx(1, abs=1e-3),
    )


def test_names_in_the_state_dict_are_those_of_openmmlab() -> None:
    layer = ["ln1.weight", "ln1.bias", "attn.qkv.weight", "attn.qkv.bias", "attn.proj.weight", "attn.proj.bias"]
    layer += ["attn.gamma1.weight", "ln2.weight", "ln2.bias", "ffn.layers.0.0.weight", "ffn.layers.0.0.bias"]
    layer += ["ffn.layers.1.weight", "ffn.layers.1.bias", "ffn.gamma2.weight"]
    expected = ["cls_token", "pos_embed", "patch_embed.projection.weight"]
    expected += [f"layers.{i}.{name}" for i in range(2) for name in layer]
    expected += ["pre_norm.weight", "pre_norm.bias", "ln1.weight", "ln1.bias", "ln2.weight", "ln2.bias"]
    model = build(layer_scale_init_value=1e-5, pre_norm=True, out_type="avg_featmap")
    assert list(model.state_dict()) == expected


@pytest.mark.parametrize(
    ("arch", "wide", "layers"), [("deit-tiny", 192, 12), ("s", 768, 8), ("dinov2-giant", 1536, 40), ("huge", 1280, 32)]
)
def test_an_arch_has_its_published_size(arch: Any, wide: int, layers: int) -> None:
    with torch.device("meta"):
        model = VisionTransformer(arch)
    assert (model.embed_dims, len(model.layers)) == (wide, layers)


@pytest.mark.parametrize(
    ("refused", "says", "accepted"),
    [
        ({"arch": {"embed_dims": 8}}, "exactly embed_dims, num_layers", {"arch": ARCH}),
        ({"arch": {**ARCH, "num_layers": 0}}, "positive integers", {"arch": {**ARCH, "num_layers": 1}}),
        ({"arch": "deit"}, "expected one of s, small", {}),
        ({"arch": {**ARCH, "num_heads": 3}}, "3 heads cannot share 8", {"arch": {**ARCH, "num_heads": 4}}),
        ({"out_indices": 2}, "from 0 to 1", {"out_indices": 1}),
        ({"out_indices": (0, -2)}, "different layers", {"out_indices": (0, -1)}),
        ({"out_indices": ()}, "different layers", {"out_indices": (0,)}),
        ({"frozen_stages": 3}, "at most the 2 layers", {"frozen_stages": 2}),
        ({"with_cls_token": False}, "with_cls_token is false", {"with_cls_token": False, "out_type": "raw"}),
        ({"patch_cfg": {"kernel": 4}}, "did you mean 'kernel_size'", {"patch_cfg": {"kernel_size": 4}}),
        ({"patch_cfg": {"padding": "full"}}, "expected 'corner', 'same'", {"patch_cfg": {"padding": "same"}}),
        ({"layer_cfgs": ({}, {}, {})}, "lists 3 dicts, expected 2", {"layer_cfgs": ({}, {})}),
        ({"layer_cfgs": {"num_fcs": 1}}, "2 to 100", {"layer_cfgs": {"num_fcs": 3}}),
        ({"layer_cfgs": {"ffn_type": "gated"}}, "'swiglu_fused'", {"layer_cfgs": {"ffn_type": "swiglu_fused"}}),
        ({"norm_cfg": {"type": "BN"}}, "expected 'LN'", {"norm_cfg": {"type": "LN", "requires_grad": False}}),
        ({"norm_cfg": {"type": "LN", "epsilon": 1}}, "does not take", {"norm_cfg": {"type": "LN", "eps": 1.0}}),
    ],
)
def test_invalid_parameters_are_refused_with_the_accepted_ones(
    refused: dict[str, Any], says: str, accepted: dict[str, Any]
) -> None:
    with pytest.raises(ValueError, match=says):
        build(**refused)
    build(**accepted)(random_image())


def test_kept_patches_are_refused_for_outputs_that_need_the_whole_grid() -> None:
    keep = torch.tensor([[0, 1], [2, 3]])
    with pytest.raises(ValueError, match="set out_type to 'raw'"):
        build(out_type="featmap")(random_image(), keep)
    assert build(out_type="avg_featmap")(random_image(), keep)[0].shape == (2, 8)


def test_an_unknown_option_without_a_similar_one_is_refused_with_all_options() -> None:
    settled = {"in_channels": 3, "embed_dims": 4}
    with pytest.raises(ValueError, match=r"unknown option 'xyzzy', expected some of in_channels, .*remove it"):
        construct(PatchEmbed, "patch_cfg", settled, {"xyzzy": 1})
    assert construct(PatchEmbed, "patch_cfg", settled, {"bias": False}).projection.bias is None


@pytest.mark.parametrize(
    ("hidden", "names"),
    [
        (None, ["layers.head.weight", "layers.head.bias"]),
        (6, ["layers.pre_logits.weight", "layers.pre_logits.bias", "layers.head.weight", "layers.head.bias"]),
    ],
)
def test_the_head_returns_scores_and_the_features_before_them(hidden: int | None, names: list[str]) -> None:
    head, feature = VisionTransformerClsHead(5, 8, hidden), torch.randn(2, 8)
    assert list(head.state_dict()) == names
    nn.init.normal_(head.layers[-1].weight)
    out = head(feature)
    hidden_layer = feature if hidden is None else head.layers.pre_logits(feature).tanh()
    close(out.pre_logits, hidden_layer)
    close(out.logits, head.layers.head(hidden_layer))


def test_the_head_starts_from_zero_scores_and_a_hidden_layer_that_keeps_the_variance() -> None:
    head = VisionTransformerClsHead(5, 100, 200)
    assert not head(torch.randn(2, 100)).logits.any()
    assert head.layers.pre_logits.weight.std().item() == pytest.approx(0.1, rel=0.05)
    assert VisionTransformerClsHead(5, 100, init_cfg=None)(torch.randn(2, 100)).logits.any()


def test_an_unknown_activation_of_the_head_is_refused() -> None:
    with pytest.raises(ValueError, match="Tahn"):
        VisionTransformerClsHead(5, 8, 6, {"type": "Tahn"})
    assert isinstance(VisionTransformerClsHead(5, 8, 6, {"type": "GELU"}).layers.act, nn.GELU)
