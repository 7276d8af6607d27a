"""Detection: boxes that are worked out by hand, and what is refused."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from components.losses.ghm_loss import GHMC, GHMR
from components.losses.regression_losses import GIoULoss
from components.necks.fpn import FPN, PAFPN
from components.postprocessing.anchor_predictions import AnchorBoxPrediction, AnchorPredictions, RegionProposals
from components.postprocessing.box_coding import DeltaXYWHBBoxCoder, DeltaXYWHBBoxEncoder
from components.postprocessing.region_predictions import ClassSelection, MaskPasting, RoIBoxPrediction
from components.roi_extractors.single_roi_extractor import SingleRoIExtractor
from components.shared import region_pooling, suppression
from components.shared.box_geometry import generalized_iou, pairwise_iou
from components.shared.region_pooling import Grid, crop, roi_align
from components.shared.suppression import first_kept, unsuppressed
from components.target_generators.anchor_generator import AnchorGenerator, ValidAnchors
from components.target_generators.box_targets import BoxTargets, MaskTargets
from components.target_generators.max_iou_assigner import MaxIoUAssigner
from components.target_generators.samplers import PseudoSampler, RandomSampler

ALIGN = {"type": "RoIAlign", "output_size": 2}


def boxes(*rows):
    return torch.tensor(rows, dtype=torch.float32).reshape(-1, 4)


def random_boxes(count, side, generator):
    corners = torch.rand(count, 2, 2, generator=generator) * side
    return corners.sort(dim=1).values.flatten(1)


def greedy(rows, threshold):
    """The rule as it is published: the best stays, all that overlap it go, and so on."""
    kept = []
    for index, box in enumerate(rows):
        if all(pairwise_iou(box[None], rows[other][None]).item() <= threshold for other in kept):
            kept.append(index)
    return kept


def test_suppression_is_the_greedy_rule():
    generator = torch.Generator().manual_seed(0)
    for threshold in (0.0, 0.3, 0.7):
        rows = random_boxes(60, 32, generator)
        keep = unsuppressed(rows[None], torch.ones(1, 60, dtype=torch.bool), threshold)
        assert keep[0].nonzero().flatten().tolist() == greedy(rows, threshold)


def test_a_chain_of_overlapping_boxes_is_suppressed_from_the_best_on():
    rows = torch.tensor([[4.0 * step, 0, 4.0 * step + 10, 10] for step in range(40)])  # each overlaps the next by 3/7
    keep = unsuppressed(rows[None], torch.ones(1, 40, dtype=torch.bool), 0.4)
    assert keep[0].nonzero().flatten().tolist() == list(range(0, 40, 2))


def test_mask_targets_keep_their_precision_under_autocast():
    masks = (torch.rand(3, 40, 40, generator=torch.Generator().manual_seed(0)) < 0.5).to(torch.uint8)
    rows = random_boxes(3, 40, torch.Generator().manual_seed(1))
    expected = crop(masks, rows, (7, 7))
    with torch.autocast("cpu", torch.bfloat16):
        found = crop(masks, rows, (7, 7))
    assert found.dtype == torch.float32 and torch.equal(found, expected)


def test_invalid_boxes_suppress_no_other_box():
    rows = boxes([0, 0, 10, 10], [0, 0, 10, 10], [0, 0, 10, 10])
    keep = unsuppressed(rows[None], torch.tensor([[False, True, True]]), 0.5)
    assert keep.tolist() == [[False, True, False]]


def test_suppression_compiles_to_the_same():
    rows = random_boxes(30, 16, torch.Generator().manual_seed(1))[None]
    valid = torch.ones(1, 30, dtype=torch.bool)
    compiled = torch.compile(unsuppressed, fullgraph=True, backend="eager")
    assert torch.equal(compiled(rows, valid, 0.3), unsuppressed(rows, valid, 0.3))


def test_boxes_do_not_suppress_boxes_of_other_classes():
    rows = boxes([0, 0, 10, 10], [0, 0, 10, 10], [1, 1, 10, 10])
    assert first_kept(rows, torch.tensor([0, 1, 0]), 0.5, 10).tolist() == [0, 1]


def test_suppression_in_chunks_keeps_the_same_boxes(monkeypatch):
    generator = torch.Generator().manual_seed(2)
    rows, groups = random_boxes(80, 20, generator), torch.randint(3, (80,), generator=generator)
    whole = first_kept(rows, groups, 0.2, -1)
    monkeypatch.setattr(suppression, "_FIRST_STRETCH", 4)
    assert torch.equal(first_kept(rows, groups, 0.2, 15), whole[:15])
    monkeypatch.setattr(suppression, "JOINED_LIMIT", 10)
    assert torch.equal(first_kept(rows, groups, 0.2, 15), whole[:15])


def test_an_incompatible_torchvision_is_ignored(monkeypatch):
    def broken(name):
        raise RuntimeError("operator torchvision::nms does not exist")

    suppression.torchvision_operators.cache_clear()
    monkeypatch.setattr(suppression.importlib.util, "find_spec", lambda name: object())
    monkeypatch.setattr(suppression.importlib, "import_module", broken)
    assert suppression.torchvision_operators() is None
    suppression.torchvision_operators.cache_clear()


def test_our_operators_are_torchvisions():
    operators = pytest.importorskip("torchvision.ops", exc_type=(ImportError, RuntimeError))
    generator = torch.Generator().manual_seed(3)
    rows, scores = random_boxes(50, 30, generator), torch.rand(50, generator=generator)
    order = scores.argsort(descending=True)
    kept = suppression._settled(suppression._suppression(rows[order][None], 0.4), torch.ones(1, 50, dtype=torch.bool))
    assert order[kept[0]].tolist() == operators.nms(rows, scores, 0.4).tolist()


@pytest.mark.parametrize("ratio", [0, 2])
def test_our_roi_align_is_torchvisions(monkeypatch, ratio):
    operators = pytest.importorskip("torchvision.ops", exc_type=(ImportError, RuntimeError))
    generator = torch.Generator().manual_seed(4)
    feature = torch.randn(2, 3, 12, 10, generator=generator)
    rois = torch.cat((torch.randint(2, (20, 1), generator=generator), random_boxes(20, 70, generator)), dim=1)
    monkeypatch.setattr(region_pooling, "torchvision_operators", lambda: None)
    ours = roi_align([feature], (8,), rois, torch.zeros(20, dtype=torch.long), Grid((3, 2), ratio))
    torch.testing.assert_close(ours, operators.roi_align(feature, rois, (3, 2), 1 / 8, ratio, True))


def test_roi_align_of_a_plane_is_the_plane_at_the_bins_centers():
    y, x = torch.meshgrid(torch.arange(16.0), torch.arange(12.0), indexing="ij")
    plane = (3 * x + 5 * y)[None, None]
    rois = torch.tensor([[0, 2.0, 3.0, 10.0, 11.0]])
    for ratio in (0, 1, 2, 3):
        found = roi_align([plane], [1], rois, torch.zeros(1, dtype=torch.long), Grid((2, 4), ratio))
        centers_y, centers_x = torch.tensor([5.0, 9.0]) - 0.5, torch.tensor([3.0, 5.0, 7.0, 9.0]) - 0.5
        torch.testing.assert_close(found[0, 0], 5 * centers_y[:, None] + 3 * centers_x[None])


def sampled(feature, roi, grid):
    """RoIAlign of one box as a grid of points, each interpolated by torch."""
    _, x1, y1, x2, y2 = roi.tolist()
    rows, columns = grid.size
    down, across = (max(1, -int(-(end - start) // bins)) for start, end, bins in ((y1, y2, rows), (x1, x2, columns)))
    height, width = feature.shape[-2:]
    y = y1 + (torch.arange(rows * down) + 0.5) * (y2 - y1) / (rows * down)
    x = x1 + (torch.arange(columns * across) + 0.5) * (x2 - x1) / (columns * across)
    points = torch.stack(torch.meshgrid(y / height * 2 - 1, x / width * 2 - 1, indexing="ij")[::-1], dim=-1)
    values = F.grid_sample(feature, points[None], align_corners=False, padding_mode="border")
    return F.avg_pool2d(values, (down, across))[0]


def test_roi_align_is_the_mean_of_interpolated_points_of_its_level():
    generator = torch.Generator().manual_seed(4)
    levels = [torch.randn(2, 3, 16, 16, generator=generator), torch.randn(2, 3, 8, 8, generator=generator)]
    places = random_boxes(12, 32, generator)
    rois = torch.cat((torch.arange(12.0)[:, None] % 2, places), dim=1)
    level = torch.arange(12) // 6
    grid = Grid((3, 2))
    found = roi_align(levels, [2, 4], rois, level, grid)
    for index, roi in enumerate(rois):
        own, stride = levels[level[index]][int(roi[0])][None], (2, 4)[level[index]]
        shrunk = torch.cat((roi[:1], roi[1:] / stride))
        torch.testing.assert_close(found[index], sampled(own, shrunk, grid), atol=1e-5, rtol=1e-5)


def test_sampling_points_outside_the_feature_map_are_zero():
    ones = torch.ones(1, 1, 4, 4)
    rois = torch.tensor([[0, -8.0, 0, 0, 4], [0, -4.0, 0, 4, 4]])
    found = roi_align([ones], [1], rois, torch.zeros(2, dtype=torch.long), Grid((1, 4)))
    assert found[:, 0, 0].tolist() == [[0, 0, 0, 0.5], [0, 0.5, 1, 1]]


def test_no_region_and_a_region_of_no_area_give_zeros():
    feature, extractor = [torch.randn(1, 2, 4, 4)], SingleRoIExtractor(ALIGN, 2, (4,))
    assert extractor(feature, torch.zeros(0, 5)).shape == (0, 2, 2, 2)
    assert extractor(feature, torch.tensor([[0, 3.0, 3.0, 3.0, 3.0]])).abs().sum() == 0


def test_roi_align_has_the_gradient_of_its_weights():
    feature = torch.randn(1, 1, 5, 5, dtype=torch.float64, requires_grad=True)
    rois = torch.tensor([[0, 0.3, 0.6, 4.1, 3.2]])
    level = torch.zeros(1, dtype=torch.long)
    assert torch.autograd.gradcheck(lambda x: roi_align([x], [1], rois, level, Grid((2, 2))), (feature,))


def test_a_cropped_mask_is_roi_align_of_it():
    generator = torch.Generator().manual_seed(5)
    maps = torch.rand(4, 20, 18, generator=generator)
    places = random_boxes(4, 18, generator)
    rois = torch.cat((torch.arange(4.0)[:, None], places), dim=1)
    expected = roi_align([maps[:, None]], [1], rois, torch.zeros(4, dtype=torch.long), Grid((5, 4)))[:, 0]
    torch.testing.assert_close(crop(maps, places, (5, 4)), expected)


@pytest.mark.parametrize(("side", "level"), [(16, 0), (111, 0), (113, 1), (225, 2), (640, 2)])
def test_a_region_is_taken_from_the_level_of_its_size(side, level):
    extractor = SingleRoIExtractor(ALIGN, 1, (4, 8, 16))
    feature = [torch.full((1, 1, 640 // stride, 640 // stride), float(stride)) for stride in (4, 8, 16)]
    found = extractor(feature, torch.tensor([[0, 0, 0, float(side), float(side)]]))
    torch.testing.assert_close(found, torch.full((1, 1, 2, 2), float((4, 8, 16)[level])))


def test_an_enlarged_region_keeps_its_center_and_its_level():
    plain = SingleRoIExtractor(ALIGN, 1, (4,))
    larger = SingleRoIExtractor(ALIGN, 1, (4,), roi_scale_factor=1.5)
    feature = [torch.randn(1, 1, 16, 16)]
    small, large = torch.tensor([[0, 16.0, 16, 32, 32]]), torch.tensor([[0, 12.0, 12, 36, 36]])
    torch.testing.assert_close(larger(feature, small), plain(feature, large))


@pytest.mark.parametrize("layer", [{"type": "RoIPool", "output_size": 7}, {"type": "RoIAlign"}, {**ALIGN, "speed": 1}])
def test_another_roi_layer_is_refused(layer):
    with pytest.raises(ValueError, match="roi_layer: found"):
        SingleRoIExtractor(layer, 1, (4,))


def test_anchors_stand_around_the_corners_of_their_pixels():
    anchors = AnchorGenerator((8,), (1.0, 4.0), (2.0,))([torch.zeros(1, 3, 1, 2)])
    square, tall = [-8.0, -8, 8, 8], [-4.0, -16, 4, 16]
    moved = [[x + 8, y, z + 8, w] for x, y, z, w in (square, tall)]
    assert anchors.tolist() == [square, tall, *moved]


def test_scales_per_octave_lie_between_powers_of_two():
    octave = AnchorGenerator((8,), (1.0,), octave_base_scale=4, scales_per_octave=2)([torch.zeros(1, 1, 1, 1)])
    torch.testing.assert_close(octave[:, 2], torch.tensor([16.0, 16 * 2**0.5]))


def test_a_level_whose_size_does_not_match_its_stride_is_refused():
    generator, image = AnchorGenerator((8, 16), (1.0,), (1.0,)), torch.zeros(1, 3, 30, 40)
    right = [torch.zeros(1, 1, 4, 5), torch.zeros(1, 1, 2, 3)]
    assert generator(right, image).shape == (26, 4)
    with pytest.raises(ValueError, match="feature: found 4 by 5 at level 1, expected 2 by 3"):
        generator([right[0], right[0]], image)
    with pytest.raises(ValueError, match="found 1 levels, expected 2"):
        generator(right[:1], image)


def test_anchors_on_padding_do_not_learn():
    feature, image = [torch.zeros(2, 1, 4, 4)], torch.zeros(2, 3, 32, 32)
    shape = torch.tensor([[32, 32], [9, 16]])
    priors = AnchorGenerator((8,), (1.0,), (1.0,))(feature)
    valid = ValidAnchors((8,))(priors, feature, image, shape)
    assert valid[0].all()
    assert valid[1].view(4, 4).tolist() == [[True, True, False, False]] * 2 + [[False] * 4] * 2
    assert ValidAnchors((8,), pad_size_divisor=32)(priors, feature, image, shape).all()
    inside = ValidAnchors((8,), allowed_border=0)(priors, feature, image)
    assert inside.view(2, 4, 4)[:, 1:, 1:].all() and not inside.view(2, 4, 4)[:, 0].any()


GRID = boxes([0, 0, 10, 10], [0, 0, 10, 5], [0, 0, 4, 5], [20, 20, 30, 30])


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        ({"match_low_quality": False}, [1, -1, -1, 0]),
        ({}, [1, -1, 2, 0]),
        ({"min_pos_iou": 0.45}, [1, -1, -1, 0]),
        ({"neg_iou_thr": 0.45, "match_low_quality": False}, [1, -1, 0, 0]),
        ({"neg_iou_thr": (0.1, 0.45), "match_low_quality": False}, [1, -1, 0, -1]),
    ],
)
def test_a_prior_is_assigned_to_the_box_that_it_overlaps_most(params, expected):
    assigner = MaxIoUAssigner(**{"pos_iou_thr": 0.7, "neg_iou_thr": 0.3, **params})
    target = boxes([0, 0, 10, 10], [0, 0, 4, 2])
    assert assigner(GRID, [target])[0].tolist() == expected


def test_an_image_without_boxes_is_all_background():
    assigned = MaxIoUAssigner(0.7, 0.3)(GRID, [boxes(), boxes([0, 0, 10, 10])])
    assert assigned.tolist() == [[0] * 4, [1, -1, 0, 0]]
    valid = torch.tensor([[True, True, False, True]])
    assert MaxIoUAssigner(0.7, 0.3)(GRID, [boxes()], valid).tolist() == [[0, 0, -1, 0]]


def test_regions_are_assigned_in_their_own_image():
    rois = torch.cat((torch.tensor([[0.0], [1], [1], [0]]), GRID), dim=1)
    assert MaxIoUAssigner(0.5, 0.5, match_low_quality=False)(rois, [boxes(), boxes([0, 0, 10, 6])]).tolist() == [
        0,
        1,
        0,
        0,
    ]


@pytest.mark.parametrize(
    ("wrong", "expected"),
    [
        (
            boxes([0, 0, 10, 10], [3, 3, 3, 9]),
            r"boxes: found \[3.0, 3.0, 3.0, 9.0\] as box 1 of image 1, expected x1 < x2",
        ),
        (boxes([9, 0, 3, 10]), "as box 0 of image 1"),
        (boxes([0, 0, float("nan"), 10]), "as box 0 of image 1"),
        (torch.zeros(3), r"boxes: found \[3\] for image 1, expected \[n, 4\]"),
    ],
)
def test_invalid_ground_truth_boxes_are_refused(wrong, expected):
    with pytest.raises(ValueError, match=expected):
        MaxIoUAssigner(0.7, 0.3)(GRID, [boxes([0, 0, 1, 1]), wrong])
    with pytest.raises(ValueError, match="found boxes for 1 images, expected 2"):
        MaxIoUAssigner(0.7, 0.3)(GRID, [boxes()], torch.ones(2, 4, dtype=torch.bool))


def test_a_sampler_draws_what_the_original_draws():
    assigned = torch.tensor([[1, 1, 1, 0, 0, 0, 0, 0]])
    priors = torch.zeros(8, 4)
    torch.manual_seed(0)
    first, second = torch.randperm(3)[:2].sort().values, (torch.randperm(5)[:2] + 3).sort().values
    torch.manual_seed(0)
    found = RandomSampler(4, 0.5, add_gt_as_proposals=False)(priors, assigned)
    assert (found.assigned[0] >= 0).nonzero().flatten().tolist() == [*first, *second]
    assert found.avg_factor == 4


def test_a_sampler_with_a_seed_leaves_the_global_generator_alone():
    assigned, priors = torch.zeros(1, 50, dtype=torch.long), torch.zeros(50, 4)
    draws = [RandomSampler(5, 0.5, add_gt_as_proposals=False, seed=3)(priors, assigned) for _ in range(2)]
    assert torch.equal(draws[0].assigned, draws[1].assigned)
    torch.manual_seed(0)
    RandomSampler(5, 0.5, add_gt_as_proposals=False, seed=3)(priors, assigned)
    after = torch.rand(3)
    torch.manual_seed(0)
    assert torch.equal(after, torch.rand(3))


def test_ground_truth_boxes_precede_proposals_and_positive_samples_precede_negative_ones():
    rois = torch.tensor([[0, 0.0, 0, 1, 1], [0, 0, 0, 9, 9], [1, 0, 0, 5, 5]])
    found = RandomSampler(10, 0.5)(rois, torch.tensor([0, 1, 0]), [boxes([0, 0, 8, 8]), boxes()])
    assert found.priors[:, 3].tolist() == [8, 9, 1, 5]
    assert found.assigned.tolist() == [1, 1, 0, 0]
    assert found.avg_factor == 4


def test_negative_samples_have_a_bound():
    assigned = torch.tensor([[1, 0, 0, 0, 0, 0, 0]])
    found = RandomSampler(6, 0.5, neg_pos_ub=2, add_gt_as_proposals=False)(torch.zeros(7, 4), assigned)
    assert int((found.assigned == 0).sum()) == 2


def test_an_image_without_positive_samples_counts_one_in_avg_factor():
    assigned = torch.tensor([[0, -1, 0], [1, 2, 0]])
    assert PseudoSampler()(torch.zeros(3, 4), assigned).avg_factor == 3
    assert RandomSampler(9, 0.5, add_gt_as_proposals=False)(torch.zeros(3, 4), assigned).avg_factor == 1 + 2 + 2 + 1


def test_box_targets_hold_class_box_and_weight():
    assigned = torch.tensor([[0, 2, -1, 1], [0, 0, -1, 0]])
    own = [boxes([0, 0, 10, 10], [2, 2, 6, 6]), boxes()]
    found = BoxTargets(3, pos_weight=2)(GRID, assigned, own, [torch.tensor([1, 2]), torch.zeros(0, dtype=torch.long)])
    assert found.labels.tolist() == [3, 2, 3, 1, 3, 3, 3, 3]
    assert found.label_weights.tolist() == [1, 2, 0, 2, 1, 1, 0, 1]
    assert found.box_weights[:, 0].tolist() == [0, 1, 0, 1, 0, 0, 0, 0]
    assert found.boxes[[1, 3]].tolist() == [[2, 2, 6, 6], [0, 0, 10, 10]]
    assert DeltaXYWHBBoxEncoder()(GRID, found.boxes).isfinite().all()


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        ([torch.tensor([0, 3])], "box_labels: found 3 for box 1 of image 0, expected a class from 0 to 2"),
        ([torch.tensor([-1, 0])], "box_labels: found -1 for box 0"),
        ([torch.tensor([0])], "expected one label a box"),
    ],
)
def test_labels_that_are_no_classes_are_refused(labels, expected):
    with pytest.raises(ValueError, match=expected):
        BoxTargets(3)(GRID, torch.zeros(1, 4, dtype=torch.long), [GRID[:2]], labels)


def test_a_mask_is_cut_at_its_region():
    mask = torch.zeros(1, 8, 8)
    mask[0, :, 4:] = 1
    rois = torch.tensor([[0, 0.0, 0, 8, 8], [0, 4, 0, 8, 8]])
    found = MaskTargets(2)(rois, torch.tensor([1, 1]), [boxes([0, 0, 8, 8])], [mask])
    assert found.tolist() == [[0, 1, 0, 1], [1, 1, 1, 1]]


@pytest.mark.parametrize(
    ("masks", "expected"),
    [
        (torch.zeros(2, 8, 8), "with one mask a box"),
        (torch.zeros(8, 8), "with one mask a box"),
        (
            torch.zeros(1, 4, 8),
            "masks: found 4 by 8 pixels for image 0, expected the size of the image: its boxes reach to 8",
        ),
        (torch.zeros(1, 8, 20), "expected no more than the image's 8 by 8"),
    ],
)
def test_masks_of_other_boxes_or_of_another_size_are_refused(masks, expected):
    rois, assigned, own = torch.tensor([[0, 0.0, 0, 8, 8]]), torch.tensor([1]), [boxes([0, 0, 8, 8])]
    MaskTargets(2)(rois, assigned, own, [torch.zeros(1, 8, 8)], torch.zeros(1, 3, 8, 8))
    with pytest.raises(ValueError, match=expected):
        MaskTargets(2)(rois, assigned, own, [masks], torch.zeros(1, 3, 8, 8))


def test_decoding_undoes_encoding():
    generator = torch.Generator().manual_seed(6)
    priors, target = random_boxes(9, 40, generator), random_boxes(18, 40, generator)
    options = {"target_means": (0.1, 0.0, 0.2, 0.0), "target_stds": (0.1, 0.1, 0.2, 0.2)}
    deltas = DeltaXYWHBBoxEncoder(**options)(priors, target)
    wide = (deltas[:, 2:] * 0.2).abs().amax(dim=1) < 3
    torch.testing.assert_close(DeltaXYWHBBoxCoder(**options)(priors, deltas)[wide], target[wide], atol=1e-3, rtol=1e-4)


def test_decoded_boxes_end_with_their_own_image():
    image, shape = torch.zeros(2, 3, 20, 30), torch.tensor([[20, 30], [10, 12]])
    rois = torch.tensor([[0, -5.0, -5, 50, 50], [1, -5, -5, 50, 50]])
    deltas = torch.zeros(2, 8)
    coder = DeltaXYWHBBoxCoder()
    assert coder(rois, deltas, image, shape)[:, 4:].tolist() == [[0, 0, 30, 20], [0, 0, 12, 10]]
    assert coder(rois, deltas, image)[1, 4:].tolist() == [0, 0, 30, 20]
    assert coder(rois, deltas)[0, :4].tolist() == [-5, -5, 50, 50]
    anchors = coder(boxes([-5, -5, 50, 50]), deltas[:, :4], image, shape)
    assert anchors.tolist() == [[0, 0, 30, 20], [0, 0, 12, 10]]


def test_decoded_widths_and_heights_change_by_a_bounded_factor():
    found = DeltaXYWHBBoxCoder()(boxes([0, 0, 1, 1]), torch.tensor([[0.0, 0, 100, -100]]))
    torch.testing.assert_close(found[0, 2:] - found[0, :2], torch.tensor([62.5, 1 / 62.5]), atol=1e-4, rtol=1e-4)


def test_rows_of_predictions_are_in_the_order_of_the_anchors():
    scores = torch.arange(8.0).view(1, 4, 1, 2)  # two anchors, two classes
    rows = AnchorPredictions()([scores], [torch.zeros(1, 8, 1, 2)])
    assert rows.cls_score.tolist() == [[0, 2], [4, 6], [1, 3], [5, 7]]
    with pytest.raises(ValueError, match="expected as many levels"):
        AnchorPredictions()([scores], [torch.zeros(1, 6, 1, 2)])


def test_proposals_are_the_best_of_each_image():
    places = boxes([0, 0, 10, 10], [0, 0, 10, 9], [20, 20, 30, 30], [5, 5, 5, 5])
    scores = torch.tensor([[1.0, 2, 0, 9], [0, -1, 3, 9]])[:, None, None]
    rois, score = RegionProposals(min_bbox_size=0)([scores], places.repeat(2, 1))
    assert rois.tolist() == [[0, 0, 0, 10, 9], [0, 20, 20, 30, 30], [1, 20, 20, 30, 30], [1, 0, 0, 10, 10]]
    torch.testing.assert_close(score, torch.tensor([2.0, 0, 3, 0]).sigmoid())
    assert len(RegionProposals(min_bbox_size=50)([scores], places.repeat(2, 1)).rois) == 0
    assert len(RegionProposals(min_bbox_size=-1)([scores], places.repeat(2, 1)).rois) == 6


def test_a_one_stage_detector_keeps_each_class_for_itself():
    scores = torch.tensor([[[9.0, -9], [8, 7]]]).permute(0, 2, 1)[..., None].reshape(1, 2, 2, 1)
    places = boxes([0, 0, 10, 10], [0, 0, 10, 9])
    found = AnchorBoxPrediction(score_thr=0.5)([scores], places)[0]
    assert found["labels"].tolist() == [0, 1]
    assert found["boxes"].tolist() == [[0, 0, 10, 10], [0, 0, 10, 9]]
    nothing = AnchorBoxPrediction(score_thr=1.0)([scores], places)[0]
    assert {key: value.shape[0] for key, value in nothing.items()} == {"boxes": 0, "scores": 0, "labels": 0}


def test_a_two_stage_detector_takes_the_box_of_the_class():
    rois = torch.tensor([[1.0, 0, 0, 4, 4]])
    scores = torch.tensor([[0.0, 5.0, 0.0]])
    places = torch.tensor([[0.0, 0, 1, 1, 2, 2, 3, 3]])
    found = RoIBoxPrediction(score_thr=0.5)(rois, scores, places, torch.zeros(2, 3, 8, 8))
    assert found.detections[0]["boxes"].shape == (0, 4)
    assert found.detections[1]["boxes"].tolist() == [[2, 2, 3, 3]]
    assert found.rois.tolist() == [[1, 2, 2, 3, 3]]
    assert found.labels.tolist() == [1]


def test_class_selection_takes_the_channels_of_the_given_class():
    pred = torch.arange(12.0).view(2, 6)
    assert ClassSelection(3)(pred, torch.tensor([1, 3])).tolist() == [[2, 3], [10, 11]]
    assert ClassSelection(1)(pred, torch.tensor([1, 3])).tolist() == pred.tolist()
    with pytest.raises(ValueError, match="expected a multiple of 4 classes"):
        ClassSelection(4)(pred, torch.tensor([1, 3]))


def test_a_mask_is_pasted_into_its_box():
    records = [{"boxes": boxes([2, 1, 6, 5])}, {"boxes": boxes()}]
    logits = torch.full((1, 2, 3, 3), -9.0)
    logits[:, 1] = 9
    image, shape = torch.zeros(2, 3, 8, 8), torch.tensor([[6, 8], [8, 5]])
    found = MaskPasting()(records, logits, torch.tensor([1]), image, shape)
    assert found[0]["masks"].shape == (1, 6, 8)
    assert found[1]["masks"].shape == (0, 8, 5)
    filled = found[0]["masks"][0]
    assert filled[1:5, 2:6].all() and int(filled.sum()) == 16


def test_giou_of_boxes_by_hand():
    one, other = boxes([0, 0, 2, 2], [0, 0, 1, 1]), boxes([1, 1, 3, 3], [0, 0, 1, 1])
    torch.testing.assert_close(generalized_iou(one, other, 1e-6), torch.tensor([1 / 7 - 2 / 9, 1.0]))
    weight = torch.tensor([[1.0] * 4, [0.0] * 4])
    torch.testing.assert_close(GIoULoss()(one, other, weight, torch.tensor(1.0)), torch.tensor(1 - 1 / 7 + 2 / 9))


def test_ghmc_weighs_each_bin_of_gradient_norms_equally():
    pred = torch.tensor([[0.0], [0.0], [0.0], [9.0]])
    target = torch.tensor([[0.0], [0], [0], [1]])
    entropy = F.binary_cross_entropy_with_logits(pred, target, reduction="none")[:, 0]
    expected = (entropy[:3].sum() / 3 + entropy[3]) * 4 / 2 / 4
    torch.testing.assert_close(GHMC(bins=2)(pred, target), expected)


def test_running_counts_change_in_training_only():
    for loss, target in (
        (GHMC(bins=2, momentum=0.5), torch.zeros(4, 1)),
        (GHMR(bins=2, momentum=0.5), torch.zeros(4, 1)),
    ):
        loss.eval()(torch.zeros(4, 1), target)
        assert loss.acc_sum.sum() == 0
        loss.train()(torch.zeros(4, 1), target)
        assert loss.acc_sum.sum() == 2


def test_ghmc_counts_gradients_level_by_level():
    pred, target = torch.randn(6, 2), torch.zeros(6, 2)
    level = torch.tensor([0, 1, 0, 1, 1, 0])
    both, one = GHMC(bins=3, momentum=0.5, levels=2), GHMC(bins=3, momentum=0.5)
    expected = one(pred[level == 0], target[level == 0]) + one(pred[level == 1], target[level == 1])
    torch.testing.assert_close(both(pred, target, level=level), expected)
    with pytest.raises(ValueError, match="level: found no wire, levels is 2"):
        both(pred, target)


def test_a_pyramid_adds_coarse_levels_to_finer_ones():
    neck = FPN((1, 1), 1, 3)
    for conv in (*neck.lateral_convs, *neck.fpn_convs):
        nn.init.dirac_(conv.conv.weight)
    fine, coarse = torch.randn(1, 1, 4, 4), torch.randn(1, 1, 2, 2)
    first, second, third = neck((fine, coarse))
    torch.testing.assert_close(first, fine + coarse.repeat_interleave(2, 2).repeat_interleave(2, 3))
    torch.testing.assert_close(second, coarse)
    torch.testing.assert_close(third, coarse[:, :, ::2, ::2])


@pytest.mark.parametrize("neck", [FPN, PAFPN])
@pytest.mark.parametrize(
    ("params", "expected"),
    [
        ({"num_outs": 1}, "set it to 2 or more"),
        ({"num_outs": 3, "end_level": 0}, "set it to 1, as end_level is not the last"),
        ({"num_outs": 2, "start_level": 2}, "choose from 0 to 1"),
    ],
)
def test_a_pyramid_of_levels_that_contradict_is_refused(neck, params, expected):
    with pytest.raises(ValueError, match=expected):
        neck((3, 4), 2, **params)
