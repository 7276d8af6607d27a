"""Parts of pretext tasks: rotations, patches, edges, and what compares them."""

import pytest
import torch

from components.backbones.resnet_variants import ResNetSobel
from components.heads.classification_heads import ClsHead
from components.layers.sobel import Sobel
from components.necks.pretext_necks import RelativeLocNeck
from components.necks.projections import SwAVNeck
from components.target_generators.pretext_tasks import PatchPairs, Rotations


def test_rotations_come_image_by_image() -> None:
    image = torch.arange(8.0).view(2, 1, 2, 2)
    turned, label = Rotations()(image)
    assert label.tolist() == [0, 1, 2, 3, 0, 1, 2, 3]
    assert torch.equal(turned[0], image[0]) and torch.equal(turned[4], image[1])
    assert turned[1, 0].tolist() == [[1, 3], [0, 2]]  # a quarter against the clock
    assert torch.equal(turned[2].rot90(2, (1, 2)), image[0])
    with pytest.raises(ValueError, match="only square ones"):
        Rotations()(torch.zeros(1, 3, 4, 5))


def test_patches_are_paired_with_the_one_in_the_middle() -> None:
    cells = torch.arange(9.0).view(3, 3).repeat_interleave(5, 0).repeat_interleave(5, 1)
    image = torch.stack([cells, cells + 100]).unsqueeze(1)
    for training in (True, False):
        patch, center, label = PatchPairs(3).train(training)(image)
        assert patch[:, 0, 1, 1].tolist() == [
            *map(float, (0, 1, 2, 3, 5, 6, 7, 8, 100, 101, 102, 103, 105, 106, 107, 108))
        ]
        assert center[:8].eq(4).all() and center[8:].eq(104).all()
        assert label.tolist() == [*range(8), *range(8)]


def test_patches_are_cut_at_random_places_in_training_only() -> None:
    image, part = torch.randn(1, 1, 30, 30), PatchPairs(3)
    one, other = (part.eval()(image).patch for _ in range(2))
    assert torch.equal(one, other)
    torch.manual_seed(0)
    one, other = (part.train()(image).patch for _ in range(2))
    assert not torch.equal(one, other)
    with pytest.raises(ValueError, match="expected 12 or more"):
        PatchPairs(4)(torch.zeros(1, 3, 11, 20))


def test_sobel_sees_edges_and_no_colour() -> None:
    gray = torch.rand(1, 1, 6, 6)
    assert torch.allclose(
        Sobel()(torch.cat([gray, gray * 2, gray * 3], 1)), 2 * Sobel()(gray.expand(-1, 3, -1, -1)), atol=1e-5
    )
    steps = torch.tensor([0.0, 0, 1, 1]).expand(1, 3, 4, 4)
    across, down = Sobel()(steps)[0]
    assert across[1, 1].item() == pytest.approx(-4) and down[1, 1].item() == pytest.approx(0, abs=1e-6)
    assert not any(parameter.requires_grad for parameter in Sobel().parameters())


def test_the_sobel_network_keeps_its_names() -> None:
    names = ResNetSobel(18, stem_channels=4, base_channels=4).state_dict()
    assert names["conv1.weight"].shape == (4, 2, 7, 7)
    assert {"sobel_layer.sobel.0.weight", "sobel_layer.sobel.1.bias"} < set(names)


def test_the_neck_of_patches_joins_the_patch_and_the_middle_in_this_order() -> None:
    neck = RelativeLocNeck(in_channels=2, out_channels=4).eval()
    patch, center = torch.randn(3, 2, 2, 2), torch.randn(3, 2, 2, 2)
    joined = torch.cat([patch.mean((2, 3)), center.mean((2, 3))], 1)
    assert torch.allclose(neck(patch, center), neck.relu(neck.bn(neck.fc(joined))))


def test_the_neck_of_crops_puts_sizes_under_one_another_in_the_order_of_the_wires() -> None:
    neck = SwAVNeck(2, 0, 0, with_l2norm=False)
    large, small = torch.randn(4, 2, 3, 3), torch.randn(6, 2, 2, 2)
    assert torch.allclose(neck(large, small), torch.cat([large.mean((2, 3)), small.mean((2, 3))]))
    with pytest.raises(ValueError, match="expected one or more with 2 channels"):
        neck(torch.randn(4, 3, 2, 2))


def test_new_clusters_reset_the_head() -> None:
    head = ClsHead(in_channels=50, num_classes=40)
    with torch.no_grad():
        head.fc_cls.weight.fill_(7)
        head.fc_cls.bias.fill_(7)
    head.new_clusters(torch.zeros(1), torch.zeros(1))
    assert head.fc_cls.weight.std().item() == pytest.approx(0.01, rel=0.2) and not head.fc_cls.bias.any()
    with pytest.raises(ValueError, match="feature: found 49 numbers a sample, expected 50"):
        head(torch.zeros(2, 49))
