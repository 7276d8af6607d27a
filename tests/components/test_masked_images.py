"""Parts of masked image modelling: what they hide, what they require, and what they refuse."""

import math
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from components.backbones.beit_pretraining import BEiTPretrainViT, CAEPretrainViT
from components.backbones.beit_vit import BEiTViT
from components.backbones.mixmim_transformer import MixMIMPretrainTransformer, MixMIMTransformer
from components.backbones.pretraining_vits import MAEViT, MaskFeatViT
from components.backbones.simmim_swin_transformer import SimMIMSwinTransformer
from components.heads.masked_image_heads import (
    BEiTV1Head,
    BEiTV2Head,
    CAEHead,
    MAEPretrainHead,
    MaskFeatPretrainHead,
    MixMIMPretrainHead,
    SimMIMHead,
)
from components.losses.masked_image_losses import (
    BEiTLoss,
    CAELoss,
    MAEReconstructionLoss,
    PixelReconstructionLoss,
    SimMIMReconstructionLoss,
)
from components.necks.beitv2_neck import BEiTV2Neck
from components.necks.cae_neck import CAENeck
from components.necks.pixel_decoders import MAEPretrainDecoder, MixMIMPretrainDecoder
from components.shared.beit_layers import BEiTAttention, RelativePositionBias
from components.shared.patches import hide_tokens, sine_cosine_positions
from components.target_generators.clip_generator import CLIPGenerator
from components.target_generators.dalle_encoder import DALLEEncoder
from components.target_generators.hog_generator import HOGGenerator
from components.target_generators.patch_choice import MaskedPatches, RandomMasking
from components.target_generators.vqkd import VQKD

ARCH = {"embed_dims": 8, "num_layers": 2, "num_heads": 2, "feedforward_channels": 12}
TINY: dict[str, Any] = {"arch": ARCH, "img_size": 16, "patch_size": 4}
SWIN: dict[str, Any] = {
    "arch": {"embed_dims": 8, "depths": (1, 1), "num_heads": (2, 2)},
    "img_size": 16,
    "out_indices": (1,),
    "stage_cfgs": {"block_cfgs": {"window_size": 2}},
}
VQKD_ENCODER = {**TINY, "out_type": "featmap", "use_abs_pos_emb": True, "use_rel_pos_bias": False}


@pytest.fixture(autouse=True)
def seeded() -> None:
    torch.manual_seed(0)


def images(size: int = 16) -> Tensor:
    return torch.randn(2, 3, size, size)


def mask_of(*cells: int, grid: int = 4) -> Tensor:
    """A mask for two images that hides these cells in both."""
    mask = torch.zeros(2, grid * grid, dtype=torch.bool)
    mask[:, list(cells)] = True
    return mask.unflatten(1, (grid, grid))


# what is hidden


def test_random_masking_hides_the_ratio_and_its_order_puts_patches_back() -> None:
    found = RandomMasking(4, 0.75)(images())
    assert found.ids_keep.shape == (2, 4)
    assert found.mask.sum(dim=1).tolist() == [12, 12]
    shuffled = found.ids_restore.argsort(dim=1)
    assert torch.equal(shuffled[:, :4], found.ids_keep)
    assert not found.mask.gather(1, found.ids_keep).any()


def test_random_masking_draws_a_new_mask_in_each_call_and_repeats_it_by_seed() -> None:
    masking = RandomMasking(4)
    first, second = masking(images()).mask, masking(images()).mask
    assert not torch.equal(first, second)
    masks = []
    for _ in range(2):
        torch.manual_seed(3)
        masks.append(masking(torch.zeros(2, 3, 16, 16)).mask)
    assert torch.equal(*masks)


def test_random_masking_counts_the_patches_that_padding_completes() -> None:
    assert RandomMasking((8, 4), 0.5)(torch.zeros(1, 3, 17, 9)).mask.shape == (1, 3 * 3)


def test_random_masking_hides_the_same_in_all_images_where_one_choice_is_shared() -> None:
    image = torch.zeros(8, 3, 16, 16)
    for shared, choices in ((True, 1), (False, 8)):
        found = RandomMasking(4, 0.5, shared)(image)
        assert [len(item.unique(dim=0)) for item in found] == [choices] * 3
        assert found.mask.sum(dim=1).tolist() == [8] * 8


def test_masked_patches_are_returned_in_the_order_of_the_image() -> None:
    found = MaskedPatches(3)(mask_of(2, 5, 11))
    assert found.ids_masked.tolist() == [[2, 5, 11]] * 2
    assert found.ids_keep[0].tolist() == [cell for cell in range(16) if cell not in (2, 5, 11)]


def test_masks_with_another_number_of_hidden_patches_are_refused() -> None:
    mask = mask_of(2, 5, 11)
    mask[1, 0, 0] = True
    with pytest.raises(ValueError, match=r"mask: found images with \[3, 4\] hidden patches, expected 3 in each"):
        MaskedPatches(3)(mask)


@pytest.mark.parametrize("part", [MaskFeatViT(**TINY), BEiTPretrainViT(**TINY), SimMIMSwinTransformer(**SWIN)])
def test_the_pixels_of_hidden_patches_do_not_change_the_features(part: nn.Module) -> None:
    part.eval()
    first = images()
    second = first.clone()
    second[:, :, :4, 4:8] += 1  # the patch 1 of 16
    hidden = part(first, mask_of(1)), part(second, mask_of(1))
    seen = part(first), part(second)
    one, other = (item[0] if isinstance(item[0], Tensor) else item[0][0] for item in hidden)
    assert torch.equal(one, other)
    one, other = (item[0] if isinstance(item[0], Tensor) else item[0][0] for item in seen)
    assert not torch.equal(one, other)


@pytest.mark.parametrize("part", [MAEViT(**TINY), CAEPretrainViT(**TINY)])
def test_only_the_patches_to_keep_are_read(part: nn.Module) -> None:
    part.eval()
    first = images()
    second = first.clone()
    second[:, :, :4, 4:8] += 1
    keep = torch.tensor([[3, 0, 7], [9, 2, 15]])
    one, other = (part(item, keep)[0] for item in (first, second))
    one, other = (item if isinstance(item, Tensor) else item[0] for item in (one, other))
    assert one.shape == (2, 4, 8)
    assert torch.equal(one, other)


@pytest.mark.parametrize("part", [MAEViT(**TINY), CAEPretrainViT(**TINY)])
def test_keeping_every_patch_is_reading_the_image(part: nn.Module) -> None:
    part.eval()
    given = images()
    keep = torch.arange(16).expand(2, -1)
    levels = [part(given), part(given, keep)]
    whole, kept = (item[0] if isinstance(item[0], Tensor) else item[0][0] for item in levels)
    torch.testing.assert_close(kept, whole)


@pytest.mark.parametrize("part", [MaskFeatViT(**TINY), BEiTPretrainViT(**TINY), SimMIMSwinTransformer(**SWIN)])
def test_a_mask_of_another_grid_is_refused(part: nn.Module) -> None:
    with pytest.raises(ValueError, match="mask: found a grid of 3 x 3 cells, expected one for each of the 16 patches"):
        part(images(), mask_of(1, grid=3))


MIXED: dict[str, Any] = {
    "arch": {"embed_dims": 8, "depths": (1, 1), "num_heads": (2, 2)},
    "img_size": 32,
    "window_size": (4, 4),
}


def test_patches_of_mixed_images_do_not_attend_to_the_other_image() -> None:
    part, mask = MixMIMPretrainTransformer(**MIXED).eval(), mask_of(1, 6, 11).flatten(1)
    first = images(32)
    second = first.clone()
    second[0, :, :8, 8:16] += 1  # the cell 1 of 16, where the other mixture shows it
    one, other = part(first, mask).tokens, part(second, mask).tokens
    assert torch.equal(one[0], other[0])
    changed = (one[1] != other[1]).any(dim=1)
    assert torch.equal(changed, mask[1])
    plain = part(first)
    torch.testing.assert_close(plain.out, plain.tokens.mean(dim=1))
    torch.testing.assert_close(part(first, torch.ones(2, 16)).tokens.flip(0), plain.tokens)


def test_images_are_restored_from_both_mixtures_whichever_half_the_mask_hides() -> None:
    image, mask, head = images(), mask_of(1, 6, 11).flatten(1), MixMIMPretrainHead(patch_size=4)
    pixels = head.targets(image)
    found = head(image, pixels, pixels.flip(0), mask)
    assert torch.equal(found.pred, found.target)
    backbone = MixMIMPretrainTransformer(**MIXED).eval()
    neck = MixMIMPretrainDecoder(16, 4, num_patches=16, decoder_embed_dim=8, decoder_depth=1, decoder_num_heads=2)
    given = images(32)
    one, other = (head(image, *neck(backbone(given, hidden).tokens, hidden), hidden) for hidden in (mask, ~mask))
    torch.testing.assert_close(one.pred, other.pred)


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"arch": "tiny"}, "arch is 'tiny', expected one of b, base, l, large, h, huge or a dict"),
        ({"window_size": (4,)}, "expected one for each of the 2 stages"),
        ({"window_size": (3, 4)}, "stage 0 has a map of 8 x 8 cells, expected an even number .* windows of 3 x 3"),
        ({"img_size": 28, "window_size": (7, 7)}, "stage 0 has a map of 7 x 7 cells, expected an even number"),
    ],
)
def test_mixmim_refuses_maps_that_windows_do_not_fill(options: dict[str, Any], text: str) -> None:
    with pytest.raises(ValueError, match=text):
        MixMIMTransformer(**{**MIXED, **options})


def test_mixmim_refuses_other_images_and_masks() -> None:
    backbone, mask = MixMIMPretrainTransformer(**MIXED), mask_of(1).flatten(1)
    with pytest.raises(ValueError, match="image: found 16 x 16 pixels, expected 32 x 32"):
        backbone(images())
    with pytest.raises(ValueError, match="mask: found a grid of 9 cells, expected one for each of the 16 patches"):
        backbone(images(32), mask[:, :9])
    mask[1, 2] = True
    with pytest.raises(ValueError, match="mask: found other cells hidden in some images"):
        backbone(images(32), mask)
    neck = MixMIMPretrainDecoder(16, 4, num_patches=4, decoder_embed_dim=8, decoder_depth=1, decoder_num_heads=2)
    with pytest.raises(ValueError, match="feature: found 16 tokens, expected 4"):
        neck(torch.randn(2, 16, 16), mask)


# positions


def test_sine_cosine_positions_differ_by_row_and_column() -> None:
    found = sine_cosine_positions((2, 3), 8)
    assert found.shape == (1, 7, 8)
    assert not found[0, 0].any()
    row, column = 1, 2
    waves = [1, 10000**-0.5]
    expected = [f(place * wave) for place in (row, column) for f in (math.sin, math.cos) for wave in waves]
    torch.testing.assert_close(found[0, 1 + row * 3 + column], torch.tensor(expected))


def test_sine_cosine_positions_need_a_multiple_of_4() -> None:
    with pytest.raises(ValueError, match="found tokens of 6 channels"):
        sine_cosine_positions((2, 2), 6)


@pytest.mark.parametrize("kind", [MAEViT, CAEPretrainViT])
def test_sine_cosine_positions_are_not_learned(kind: Any) -> None:
    assert not kind(**TINY).pos_embed.requires_grad


def test_relative_position_biases_and_position_embeddings_are_outputs_of_the_backbones() -> None:
    shared = BEiTPretrainViT(**TINY)
    nn.init.normal_(shared.rel_pos_bias.relative_position_bias_table)
    torch.testing.assert_close(shared(images()).rel_pos_bias, shared.rel_pos_bias())
    assert not BEiTPretrainViT(**TINY, use_shared_rel_pos_bias=False)(images()).rel_pos_bias.any()
    context = CAEPretrainViT(**TINY)
    assert torch.equal(context(images()).pos_embed, context.pos_embed)


def test_relative_positions_of_equal_offsets_share_a_score() -> None:
    table = RelativePositionBias((2, 3), 1)
    index = table.relative_position_index
    assert index.shape == (7, 7)
    assert index[1, 2] == index[2, 3] == index[4, 5]  # one to the right
    assert len({int(index[0, 0]), int(index[0, 1]), int(index[1, 0])}) == 3
    assert int(index.max()) == len(table.relative_position_bias_table) - 1


def test_a_bias_of_the_key_changes_nothing_so_either_layout_loads() -> None:
    whole, split = BEiTAttention(8, 2, bias=True).eval(), BEiTAttention(8, 2, bias="qv_bias").eval()
    nn.init.normal_(whole.qkv.bias)
    x = torch.randn(2, 5, 8)
    split.load_state_dict(whole.state_dict())
    torch.testing.assert_close(split(x), whole(x))
    again = BEiTAttention(8, 2, bias=True).eval()
    again.load_state_dict(split.state_dict())
    torch.testing.assert_close(again(x), whole(x))


def test_tables_of_relative_positions_are_resized_and_spread_to_the_layers() -> None:
    small = BEiTPretrainViT(**TINY)
    nn.init.ones_(small.rel_pos_bias.relative_position_bias_table)
    large = BEiTViT(**{**TINY, "img_size": 24}, final_norm=True)
    missing, _ = large.load_state_dict(small.state_dict(), strict=False)
    assert not [name for name in missing if "table" in name]
    for layer in large.layers:
        table = layer.attn.relative_position_bias_table
        assert table.shape == (11 * 11 + 3, 2)
        torch.testing.assert_close(table, torch.ones_like(table))


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"use_rel_pos_bias": True, "use_shared_rel_pos_bias": True}, "are both true"),
        ({"with_cls_token": False, "out_type": "featmap"}, "made for a class token"),
        ({"frozen_stages": 3}, "at most the 2 layers"),
    ],
)
def test_beit_refuses_contradicting_parameters(options: dict[str, Any], text: str) -> None:
    with pytest.raises(ValueError, match=text):
        BEiTViT(**TINY, **options)


def test_relative_positions_refuse_images_of_another_size() -> None:
    with pytest.raises(ValueError, match="found 10 tokens, relative positions are known for 17"):
        BEiTViT(**TINY)(images(12))


def test_frozen_layers_of_beit_do_not_change() -> None:
    backbone = BEiTViT(**TINY, frozen_stages=1)
    learned = {name for name, parameter in backbone.named_parameters() if parameter.requires_grad}
    assert learned == {name for name, _ in backbone.named_parameters() if name.startswith(("layers.1.", "ln"))}


# necks and heads


def test_maes_decoder_gives_patches_in_the_order_of_the_image() -> None:
    decoder = MAEPretrainDecoder(6, 4, 2, decoder_embed_dim=8, decoder_depth=1, decoder_num_heads=2).eval()
    feature = torch.randn(1, 3, 6)
    for block in decoder.decoder_blocks:
        nn.init.zeros_(block.attn.proj.weight)  # tokens do not see each other
        nn.init.zeros_(block.attn.proj.bias)
    nn.init.zeros_(decoder.decoder_pos_embed)
    pred = decoder(feature, torch.tensor([[2, 0, 3, 1]]))  # patch 1 was seen first, patch 3 second
    torch.testing.assert_close(pred[0, 0], pred[0, 2])  # both hidden
    swapped = decoder(feature[:, [0, 2, 1]], torch.tensor([[2, 1, 3, 0]]))
    torch.testing.assert_close(swapped, pred)


def test_maes_decoder_refuses_a_grid_that_is_no_square() -> None:
    with pytest.raises(ValueError, match="num_patches is 8, expected a square number"):
        MAEPretrainDecoder(6, 8)


def test_maes_decoder_refuses_another_number_of_patches() -> None:
    decoder = MAEPretrainDecoder(6, 4, 2, decoder_embed_dim=8, decoder_depth=1, decoder_num_heads=2)
    with pytest.raises(ValueError, match="ids_restore: found 9 patches, expected 4: give images of the size"):
        decoder(torch.randn(1, 4, 6), torch.arange(9)[None])
    decoder(torch.randn(1, 3, 6), torch.arange(4)[None])


def test_maes_targets_are_the_patches_pixels() -> None:
    image = torch.arange(2 * 4 * 6, dtype=torch.float32).reshape(1, 2, 4, 6)
    target = MAEPretrainHead(patch_size=2, in_channels=2)(image)
    assert target.shape == (1, 6, 8)
    assert target[0, 4].tolist() == [14, 38, 15, 39, 20, 44, 21, 45]  # the second row's middle: pixel by pixel
    normed = MAEPretrainHead(True, 2, 2)(image)
    torch.testing.assert_close(normed.mean(dim=2), torch.zeros(1, 6))
    torch.testing.assert_close(normed.var(dim=2), torch.ones(1, 6))


def test_maes_targets_need_whole_patches() -> None:
    with pytest.raises(ValueError, match="image: found 5 x 4 pixels, expected multiples of patch_size 2"):
        MAEPretrainHead(patch_size=2)(torch.zeros(1, 3, 5, 4))


def test_a_mask_of_something_but_0_and_1_is_refused() -> None:
    tokens, hidden = torch.zeros(2, 4, 3), torch.tensor([[0, 1, 1, 0], [0, 3, 0, 0]])
    with pytest.raises(ValueError, match="mask: found 3, expected 1 where a patch is hidden and 0 elsewhere"):
        hide_tokens(tokens, torch.ones(3), hidden)
    assert hide_tokens(tokens, torch.ones(3), hidden.clamp(max=1)).sum() == 3 * 3


def test_simmims_mask_is_spread_over_pixels() -> None:
    found = SimMIMHead(2)(torch.tensor([[[1, 0], [0, 1]]]))
    assert found[0, 0].tolist() == [[1, 1, 0, 0], [1, 1, 0, 0], [0, 0, 1, 1], [0, 0, 1, 1]]


def test_maskfeats_rows_go_back_to_their_images() -> None:
    rows = torch.arange(2 * 5).float()[:, None]
    found = MaskFeatPretrainHead()(rows, mask_of(1, grid=2))
    assert found.pred[..., 0].tolist() == [[1, 2, 3, 4], [6, 7, 8, 9]]
    assert found.mask.shape == (2, 4)
    with pytest.raises(ValueError, match="mask: found 2 grids of 3 x 3 cells for 10 rows"):
        MaskFeatPretrainHead()(rows, mask_of(1, grid=3))


def test_beits_loss_is_the_mean_over_hidden_patches() -> None:
    head = BEiTV1Head(6, 5)
    feature, scores, mask = torch.randn(2, 5, 6), torch.randn(2, 5, 2, 2), mask_of(0, 3, grid=2)
    found = head(feature, scores, mask)
    loss = BEiTLoss()(found.logits, found.target, found.weight, found.avg_factor)
    chosen = mask.flatten(1)
    logits = head.cls_head(feature[:, 1:][chosen])
    words = scores.argmax(dim=1).flatten(1)[chosen]
    torch.testing.assert_close(loss, nn.functional.cross_entropy(logits, words))
    torch.testing.assert_close(BEiTLoss()(logits, words), loss)


def test_beit_v2_scores_both_predictions_by_one_layer() -> None:
    head = BEiTV2Head(6, 5)
    feats, words = torch.randn(2, 4, 6), torch.randint(5, (2, 4))
    found = head(feats, feats, words, mask_of(1, grid=2))
    assert torch.equal(found.logits, found.logits_cls_pt)
    assert found.avg_factor.item() == 2


def test_codebook_indices_out_of_range_or_of_another_grid_are_refused() -> None:
    feats, mask = torch.randn(2, 4, 6), mask_of(1, grid=2)
    with pytest.raises(ValueError, match="target: found the visual word 5, expected 0 to 4"):
        BEiTV2Head(6, 5)(feats, feats, torch.full((2, 4), 5), mask)
    with pytest.raises(ValueError, match="target: found 9 visual words for 4 patches"):
        BEiTV2Head(6, 5)(feats, feats, torch.zeros(2, 9, dtype=torch.long), mask)
    with pytest.raises(ValueError, match="target: found 9 visual words for 4 patches"):
        BEiTV1Head(6, 5)(torch.randn(2, 5, 6), torch.randn(2, 5, 3, 3), mask)
    with pytest.raises(ValueError, match="ids_masked: found the patch 4, expected 0 to 3"):
        CAEHead()(torch.randn(2, 1, 5), torch.randn(2, 5, 2, 2), torch.randn(2, 2, 6), torch.tensor([[1], [4]]))


def test_beit_v2s_neck_joins_early_patches_with_the_last_class_token() -> None:
    arch = {"embed_dims": 8, "num_layers": 2, "num_heads": 2, "feedforward_channels": 12}
    neck = BEiTV2Neck(1, 1, arch).eval()
    early, last = torch.randn(2, 5, 8), torch.randn(2, 5, 8)
    found = neck(early, last)
    other = neck(early, torch.cat([last[:, :1], torch.randn(2, 4, 8)], dim=1))
    assert torch.equal(found.feats_cls_pt, other.feats_cls_pt)
    torch.testing.assert_close(found.feats, neck.norm(last)[:, 1:])
    without = BEiTV2Neck(1, 1, arch).eval()
    without.load_state_dict(neck.state_dict())
    assert not torch.equal(without(early, last, torch.randn(2, 5, 5)).feats_cls_pt, found.feats_cls_pt)


def test_caes_neck_predicts_as_many_patches_as_are_hidden() -> None:
    neck = CAENeck(8, 7, 1, 1, 2, mask_tokens_num=3)
    choice = MaskedPatches(3)(mask_of(2, 5, 11))
    positions = sine_cosine_positions((4, 4), 8)
    found = neck(torch.randn(2, 14, 8), positions, choice.ids_keep, choice.ids_masked)
    assert found.logits.shape == (2, 3, 7)
    assert found.latent.shape == (2, 3, 8)
    with pytest.raises(ValueError, match="found 13 and 3 patches, the image has 9"):
        neck(torch.randn(2, 14, 8), positions[:, :10], choice.ids_keep, choice.ids_masked)


# losses


def test_the_reconstruction_loss_covers_hidden_patches_only() -> None:
    pred, target = torch.randn(2, 4, 6), torch.randn(2, 4, 6)
    mask = torch.tensor([[1, 0, 0, 0], [0, 1, 1, 0]])
    expected = (pred - target).square()[mask.bool()].mean()
    torch.testing.assert_close(PixelReconstructionLoss("L2")(pred, target, mask), expected)
    torch.testing.assert_close(MAEReconstructionLoss()(pred, target, mask), expected)
    torch.testing.assert_close(PixelReconstructionLoss("L1")(pred, target), (pred - target).abs().mean())


def test_reconstruction_of_images_is_divided_by_the_channels() -> None:
    pred, target = torch.randn(2, 3, 4, 4), torch.randn(2, 3, 4, 4)
    mask = torch.zeros(2, 1, 4, 4)
    mask[0, :, :2] = 1
    expected = (pred - target).abs()[0, :, :2].mean()
    torch.testing.assert_close(PixelReconstructionLoss("L1", 3)(pred, target, mask), expected)
    torch.testing.assert_close(SimMIMReconstructionLoss(3)(pred, target, mask), expected, rtol=1e-4, atol=0)


def test_reconstruction_refuses_a_mask_of_other_sizes() -> None:
    with pytest.raises(ValueError, match=r"mask: found the sizes \(2, 3\) for losses of the sizes \(2, 4\)"):
        PixelReconstructionLoss("L2")(torch.zeros(2, 4, 6), torch.zeros(2, 4, 6), torch.zeros(2, 3))


def test_no_gradient_flows_back_to_caes_teacher() -> None:
    pred, target = torch.randn(2, 3, 4, requires_grad=True), torch.randn(2, 3, 4, requires_grad=True)
    found = CAELoss(2.0)(torch.randn(6, 5), torch.randint(5, (6,)), pred, target)
    torch.testing.assert_close(found.loss, found.main + found.align)
    torch.testing.assert_close(found.align, 2 * (pred - target).square().mean())
    found.loss.backward()
    assert pred.grad is not None
    assert target.grad is None


# what makes targets


def test_gradients_of_one_direction_fill_one_bin() -> None:
    ramp = torch.arange(16.0).expand(1, 3, 16, 16)
    found = HOGGenerator(nbins=4, pool=4, gaussian_window=0, patch_size=8)(ramp).unflatten(2, (3, 4, 4))
    assert found.shape == (1, 4, 3, 4, 4)
    strongest = found.sum(dim=(0, 1, 2, 4)).argmax().item()
    others = [index for index in range(4) if index != strongest]
    assert found[..., strongest, :].min() > 0.9
    assert found[:, 0, :, others, 3].max() < 1e-6  # cells that do not touch the border


def test_histograms_of_a_cell_have_length_1() -> None:
    found = HOGGenerator(patch_size=8, pool=4, gaussian_window=8)(images()).unflatten(2, (3, 9, 4))
    torch.testing.assert_close(found.norm(dim=3), torch.ones(2, 4, 3, 4))


@pytest.mark.parametrize(
    ("options", "size", "text"),
    [
        ({"patch_size": 12}, 16, "cells of 8 pixels in patches of 12"),
        ({"patch_size": 8}, 24, "image: found 24 x 24 pixels, expected multiples of 16"),
    ],
)
def test_histograms_refuse_sizes_that_do_not_fit(options: dict[str, int], size: int, text: str) -> None:
    with pytest.raises(ValueError, match=text):
        HOGGenerator(**options)(images(size))


@pytest.mark.parametrize(
    "generator",
    [
        DALLEEncoder(4, 1, 3, 6),
        VQKD(VQKD_ENCODER, 5, 4, quantize_kmeans_init=False),
        CLIPGenerator(16, 4, 8, 1, 2, 6),
    ],
)
def test_target_generators_get_no_gradient(generator: nn.Module) -> None:
    assert not any(parameter.requires_grad for parameter in generator.parameters())
    assert not generator(images().requires_grad_()).requires_grad


def tokenizer(**options: Any) -> VQKD:
    return VQKD(VQKD_ENCODER, 5, 4, **options)


def test_codebook_entries_follow_their_features_in_training_only() -> None:
    generator = tokenizer(quantize_kmeans_init=False, decay=0.5)
    before = generator.quantize.embedding.weight.clone()
    words = generator.eval()(images())
    assert torch.equal(generator.quantize.embedding.weight, before)
    assert not generator.quantize.cluster_size.any()
    given = images()
    words = generator.train()(given)
    used = words.flatten().bincount(minlength=5)
    torch.testing.assert_close(generator.quantize.cluster_size, used / 2)
    after = generator.quantize.embedding.weight
    torch.testing.assert_close(after.norm(dim=1), torch.ones(5))
    assert torch.equal((after - before).abs().sum(dim=1) > 1e-6, used > 0)


def test_a_codebook_without_weights_starts_from_clusters_of_the_first_batch() -> None:
    generator = tokenizer().train()
    assert not generator.quantize.embedding.weight.any()
    generator(images())
    assert generator.quantize.embedding.initted.item() == 1
    torch.testing.assert_close(generator.quantize.embedding.weight.norm(dim=1), torch.ones(5))
    again = tokenizer().train()
    again.load_state_dict(generator.state_dict())
    again.eval()
    same = generator.eval()
    given = images()
    assert torch.equal(again(given), same(given))
    assert not again.quantize.starts_from_data


def test_the_tokenizer_refuses_an_encoder_without_a_map_and_images_of_another_size() -> None:
    with pytest.raises(ValueError, match="out_type 'raw', the words of patches need their map"):
        VQKD({**VQKD_ENCODER, "out_type": "raw"})
    generator = tokenizer(quantize_kmeans_init=False).train()
    before = generator.quantize.embedding.weight.clone()
    with pytest.raises(ValueError, match="image: found 24 x 24 pixels, which make 6 x 6 patches"):
        generator(images(24))
    assert torch.equal(generator.quantize.embedding.weight, before)


def test_clips_own_checkpoints_load_without_their_text_encoder() -> None:
    generator = CLIPGenerator(16, 4, 8, 1, 2, 6)
    vision = {name: torch.randn_like(item) for name, item in generator.tokenizer.visual.state_dict().items()}
    checkpoint = {f"visual.{name}": item for name, item in vision.items()}
    text = {"logit_scale": torch.ones(()), "ln_final.weight": torch.ones(3), "positional_embedding": torch.ones(2, 3)}
    text |= {"transformer.resblocks.0.ln_1.weight": torch.ones(3), "context_length": torch.tensor(77)}
    generator.load_state_dict({**checkpoint, **text})
    for name, item in generator.tokenizer.visual.state_dict().items():
        assert torch.equal(item, vision[name])


def test_clips_attention_is_that_of_its_module() -> None:
    block = CLIPGenerator(16, 4, 8, 1, 2, 6).tokenizer.visual.transformer.resblocks[0]
    x = torch.randn(2, 5, 8)
    normed = block.ln_1(x)
    between = x + block.attn(normed, normed, normed, need_weights=False)[0]
    torch.testing.assert_close(block(x), between + block.mlp(block.ln_2(between)))
