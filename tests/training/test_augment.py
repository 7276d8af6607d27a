"""Steps of augmentation: what lies on an image follows, draws are the sample's own, faults are reported all at once."""

import math
import random as stdlib_random
import re
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from PIL import Image

from composer import Catalog, Graph
from composer.graph import Input, Preprocess
from composer.graph.file import loads
from composer.problems import Problem
from composer.training.augment import MASKS, STEPS, Sample, random_of, read_masks, read_views
from composer.training.augment.hidden import BlockMask, RandomMask
from composer.training.augment.object_masks import object_mask
from composer.training.augment.step import Step
from composer.training.augment.steps import read_list

ENTRY = Input("Image", ("B", 3, 48, 48), Preprocess(mean=(10.0, 20.0, 30.0)))
MOVING: Mapping[str, Mapping[str, Any]] = {
    "affine": {"degrees": 30, "translate": [0.2, 0.1], "scale": [0.8, 1.2], "shear": 10},
    "auto_augment": {},
    "center_crop": {"size": 70},
    "expand": {"p": 1.0},
    "flip": {"p": 1.0, "direction": "both"},
    "min_iou_random_crop": {},
    "multi_scale_resize": {"short": [60, 120]},
    "one_of": {"lists": [["flip"], [{"rotate": {"degrees": 90}}, {"resize": {"size": 77}}], []]},
    "operation": {"name": "shear_x", "amount": 0.3, "p": 1.0},
    "pad": {"padding": [3, 5, 7, 11], "divisor": 32},
    "random_crop": {"size": 80, "padding": 8},
    "random_crop_range": {"sides": [50, 110]},
    "random_resized_crop": {"scale": [0.5, 1]},
    "resize": {"size": 77},
    "rotate": {"degrees": 90},
    "rand_augment": {"prob": 1.0},
    "scale_jitter": {"size": [120, 90], "ratio_range": [0.7, 1.5]},
    "trivial_augment": {},
}


POLICIES = ("auto_augment", "rand_augment", "trivial_augment")


def made(name: str, params: Mapping[str, Any]) -> Step:
    (step,), problems = read_list([{name: dict(params)}], STEPS, ())
    assert problems == []
    return step


def scene() -> Sample:
    """A white rectangle on black, with its box, its mask and its place in a map of classes."""
    pixels = np.zeros((96, 128, 3), np.uint8)
    pixels[30:70, 40:90] = 255
    mask = (pixels[..., 0] > 0).astype(np.uint8)
    boxes = np.array([[40, 30, 90, 70]], np.float32)
    return Sample(Image.fromarray(pixels), (96, 128), boxes, np.array([3]), mask[None], mask.copy())


def around(bits: Any) -> list[int]:
    rows, columns = np.flatnonzero(bits.any(axis=1)), np.flatnonzero(bits.any(axis=0))
    return [columns[0], rows[0], columns[-1] + 1, rows[-1] + 1]


def test_every_augmentation_step_has_a_test_case() -> None:
    assert MOVING.keys() == {name for name, step in STEPS.items() if step.moves}


@pytest.mark.parametrize("name", MOVING)
def test_boxes_masks_and_maps_follow_the_image(name: str) -> None:
    step = made(name, MOVING[name]).fitted(ENTRY)
    for seed in range(25):
        found = step(scene(), random_of(seed, 0, 0))
        height, width = found.image_size
        assert found.size == (height, width)
        assert found.boxes is not None and found.masks is not None and found.seg_map is not None
        assert found.box_labels is not None
        assert found.masks.shape == (len(found.boxes), height, width) and found.seg_map.shape == (height, width)
        assert len(found.box_labels) == len(found.boxes)
        assert (found.boxes >= 0).all() and (found.boxes <= [width, height, width, height]).all()
        if not len(found.boxes):
            continue
        inside = found.seg_map == 1
        assert (inside == (found.masks[0] == 1)).mean() > 0.98
        if not inside.any():
            continue
        seen = np.array(around(inside))
        turned = name in ("affine", "rotate", "one_of", "operation", *POLICIES)
        assert (found.boxes[0, :2] <= seen[:2] + 2).all() and (found.boxes[0, 2:] >= seen[2:] - 2).all()
        assert turned or np.abs(found.boxes[0] - seen).max() <= 2
        if name not in POLICIES:
            bright = np.asarray(found.image)[..., 0] > 127
            assert (bright == inside).mean() > 0.95


@pytest.mark.parametrize("name", sorted(STEPS))
def test_a_step_uses_its_own_random_numbers_and_leaves_its_input_unchanged(name: str) -> None:
    step = made(name, MOVING.get(name, {})).fitted(ENTRY)
    draw = np.random.default_rng(0)
    pixels = draw.integers(0, 256, (96, 128, 3), dtype=np.uint8)
    image, boxes = Image.fromarray(pixels), np.array([[10, 20, 60, 70], [30, 10, 120, 90]], np.float32)
    before = boxes.copy()
    stdlib_random.seed(1)
    state, own = stdlib_random.getstate(), np.random.get_state()[1].tolist()  # type: ignore[index, union-attr]
    given = [Sample(image, (96, 128), boxes) for _ in range(2)]
    one, two = (np.asarray(step(sample, random_of(1, 2, 3)).image) for sample in given)
    assert (one == two).all()
    assert (np.asarray(image) == pixels).all() and (boxes == before).all()
    assert stdlib_random.getstate() == state and np.random.get_state()[1].tolist() == own  # type: ignore[index, union-attr]


@pytest.mark.parametrize("name", sorted(STEPS))
def test_gray_images_stay_gray_and_bands_keep_their_number(name: str) -> None:
    step = made(name, MOVING.get(name, {})).fitted(ENTRY)
    gray = Image.fromarray(np.random.default_rng(0).integers(0, 256, (60, 80), dtype=np.uint8))
    for index in range(60 if name in (*POLICIES, "one_of") else 3):
        found = step(Sample(gray, (60, 80)), random_of(0, 0, index)).image
        assert isinstance(found, Image.Image) and found.mode == "L"
    if step.bands:
        bands = np.random.default_rng(0).integers(0, 256, (60, 80, 5), dtype=np.uint8)
        assert np.asarray(step(Sample(bands, (60, 80)), random_of(0, 0, 0)).image).shape[2] == 5


def levels(*shape: int) -> Any:
    return np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)


def test_one_of_several_lists_is_drawn_as_often_as_its_weight_says() -> None:
    step = made("one_of", {"lists": [[{"flip": {"p": 1.0}}], []], "weights": [3, 1]})
    pixels = levels(4, 6, 3)
    turned = [
        bool((np.asarray(step(Sample(Image.fromarray(pixels), (4, 6)), random_of(0, 0, at)).image) != pixels).any())
        for at in range(400)
    ]
    assert 0.68 < np.mean(turned) < 0.82
    assert step.moves and step.bands and not step.sizes
    sized = made("one_of", {"lists": [["resize"], [{"random_crop": {"size": 20}}]]})
    assert sized.sizes and not sized.scales and not made("one_of", {"lists": [["resize"], ["grayscale"]]}).sizes
    fitted = sized.fitted(ENTRY)
    assert {fitted(scene(), random_of(0, 0, at)).image_size for at in range(20)} == {(48, 48), (20, 20)}


@pytest.mark.parametrize(
    ("params", "text"),
    [
        ({"lists": [["flip"], [{"flipp": {}}]]}, "augment.image[0].one_of.lists[1][0]: 'flipp' is no step; did you"),
        ({"lists": [[{"rotate": {"degre": 1}}]]}, "lists[0][0].rotate.degre: 'degre' is no parameter of rotate"),
        ({"lists": [["flip"]], "weights": [1, 2]}, "found 2 weights, expected one above 0 among 1"),
        ({"lists": [["flip"]], "weights": [0]}, "found 1 weights, expected one above 0"),
        ({"lists": ["flip"]}, "expected lists of steps"),
    ],
)
def test_wrong_lists_are_reported_with_their_place(params: Mapping[str, Any], text: str) -> None:
    _, problems = read_list([{"one_of": params}], STEPS, ("augment", "image"))
    assert any(text in f"{problem.where}: {problem.message}" for problem in problems), problems
    assert all(problem.fix is None for problem in problems)


def test_a_crop_of_drawn_sides_is_never_larger_than_the_image() -> None:
    step = made("random_crop_range", {"sides": [30, 70]})
    pixels = Image.fromarray(levels(50, 200, 3))
    sizes = [step(Sample(pixels, (50, 200)), random_of(0, 0, at)).image_size for at in range(200)]
    assert {min(one) for one in zip(*sizes, strict=True)} == {30}
    assert [max(one) for one in zip(*sizes, strict=True)] == [50, 70]
    small = step(Sample(Image.fromarray(levels(9, 12, 3)), (9, 12)), random_of(0, 0, 0))
    assert small.image_size == (9, 12)


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        ({"name": "invert"}, lambda pixels: 255 - pixels),
        ({"name": "posterize", "amount": 4}, lambda pixels: pixels & 0xF0),
        ({"name": "posterize", "amount": 0.4}, lambda pixels: pixels & 0x80),
        ({"name": "solarize", "amount": 100}, lambda pixels: np.where(pixels < 100, pixels, 255 - pixels)),
        ({"name": "solarize_add", "amount": 50}, lambda pixels: np.where(pixels < 128, pixels + 50, pixels)),
        ({"name": "brightness", "amount": -1.0, "negative": 0}, lambda pixels: pixels * 0),
        ({"name": "translate_y", "amount": 0.25, "negative": 0, "fill": 0}, lambda pixels: _shifted(pixels, 10)),
    ],
)
def test_each_operation_changes_pixels_as_its_name_says(params: Mapping[str, Any], expected: Any) -> None:
    pixels = levels(40, 30, 3)
    found = made("operation", {**params, "p": 1.0})(Sample(Image.fromarray(pixels), (40, 30)), random_of(0, 0, 0))
    assert (np.asarray(found.image) == expected(pixels)).all()
    never = made("operation", {**params, "p": 0.0})(Sample(Image.fromarray(pixels), (40, 30)), random_of(0, 0, 0))
    assert (np.asarray(never.image) == pixels).all()


def _shifted(pixels: Any, rows: int) -> Any:
    return np.concatenate([np.zeros_like(pixels[:rows]), pixels[:-rows]])


def test_negative_is_the_probability_of_inverting_signed_amounts() -> None:
    for name, both in (("brightness", 2), ("solarize_add", 1)):
        step = made("operation", {"name": name, "amount": 0.5 if both == 2 else 60, "p": 1.0, "negative": 0.5})
        pixels = np.full((2, 2, 3), 100, np.uint8)
        seen = {
            int(np.asarray(step(Sample(Image.fromarray(pixels), (2, 2)), random_of(0, 0, at)).image)[0, 0, 0])
            for at in range(40)
        }
        assert len(seen) == both


def test_rand_augment_leaves_as_many_bits_as_timm() -> None:
    """timm: ``4 - int(level / 10 * 4)``; none at all would be a black image."""
    for strength in range(11):
        amount = 4 + (0 - 4) * strength / 10
        assert math.ceil(amount) == 4 - int(strength / 10 * 4)
    step = made("rand_augment", {"num_ops": 1, "magnitude": 9, "magnitude_std": 0, "prob": 1})
    pixels = levels(8, 8, 3) | 0x80
    for at in range(200):
        found = np.asarray(step(Sample(Image.fromarray(pixels), (8, 8)), random_of(0, 0, at)).image)
        assert found.any()


def test_lighting_moves_along_the_axes_of_colours() -> None:
    pixels = np.full((2, 2, 3), 128, np.uint8)
    found = np.array(
        [
            np.asarray(
                made("lighting", {"deviation": 100})(Sample(Image.fromarray(pixels), (2, 2)), random_of(0, 0, at)).image
            )[0, 0].astype(float)
            - 128
            for at in range(600)
        ]
    )
    spread = np.array([[-0.5675, 0.7192, 0.4009], [-0.5808, -0.0045, -0.8140], [-0.5836, -0.6948, 0.4203]])
    expected = spread @ np.diag(np.square(100 * np.array([0.2175, 0.0188, 0.0045]))) @ spread.T
    assert np.allclose(np.cov(found.T), expected, rtol=0.2, atol=15)


def test_hsv_jitter_leaves_each_of_the_three_as_often_as_it_changes_it() -> None:
    pixels = np.zeros((4, 4, 3), np.uint8) + np.array([200, 60, 90], np.uint8)
    step = made("hsv_jitter", {"hue": 0, "saturation": 0, "value": 40})
    seen = [
        int(np.asarray(step(Sample(Image.fromarray(pixels), (4, 4)), random_of(0, 0, at)).image)[0, 0].max())
        for at in range(400)
    ]
    assert 0.4 < np.mean([one == 200 for one in seen]) < 0.62 and min(seen) < 165 and max(seen) > 235


def test_random_numbers_belong_to_seed_epoch_sample_and_view() -> None:
    places = [(1, 2, 3, "a"), (1, 2, 3, "b"), (1, 2, 4, "a"), (1, 3, 3, "a"), (2, 2, 3, "a"), (12, 3, 3, "a")]
    assert len({random_of(*place).random() for place in places}) == len(places)
    assert random_of(*places[0]).random() == random_of(*places[0]).random()
    assert random_of(1, 2, 3, "a").random() == pytest.approx(RECORDED)


RECORDED = 0.06377073621474927
"""The same on every machine: what makes a training repeatable elsewhere."""


def test_an_object_with_less_than_a_pixel_left_is_dropped_with_label_and_mask() -> None:
    sample = scene()
    sample.boxes = np.array([[40, 30, 90, 70], [0, 0, 30.5, 20]], np.float32)
    sample.box_labels = np.array([3, 4])
    assert sample.masks is not None
    sample.masks = np.stack([sample.masks[0], np.zeros_like(sample.masks[0])])
    (step,), _ = read_list([{"center_crop": {"size": [96, 68]}}], STEPS, ("augment", "image"))
    found = step(sample, random_of(0, 0, 0))
    assert found.boxes is not None and found.masks is not None and found.box_labels is not None
    assert found.boxes.tolist() == [[10, 30, 60, 70]]
    assert found.box_labels.tolist() == [3] and len(found.masks) == 1


def test_color_jitter_is_the_identity_by_default_and_by_zero_removes_the_property() -> None:
    pixels = Image.fromarray(np.random.default_rng(0).integers(0, 256, (20, 20, 3), dtype=np.uint8))

    def jittered(**amounts: Any) -> Any:
        step = STEPS["color_jitter"].model_validate(amounts)
        return np.asarray(step(Sample(pixels, (20, 20)), random_of(0, 0, 0)).image)

    assert (jittered() == np.asarray(pixels)).all()
    assert not jittered(brightness=[0, 0]).any()
    assert np.ptp(jittered(contrast=[0, 0])) == 0
    assert np.ptp(jittered(saturation=[0, 0]), axis=2).max() <= 1
    turned = jittered(hue=[0.5, 0.5])
    assert np.abs(turned.max(axis=2).astype(int) - np.asarray(pixels).max(axis=2)).max() <= 1


def test_solarize_inverts_from_its_threshold_on_and_grayscale_makes_three_equal_channels() -> None:
    pixels = Image.fromarray(np.random.default_rng(0).integers(0, 256, (20, 20, 3), dtype=np.uint8))
    levels = np.asarray(pixels)
    solarized = STEPS["solarize"].model_validate({"threshold": 200, "p": 1})(
        Sample(pixels, (20, 20)), random_of(0, 0, 0)
    )
    assert (np.asarray(solarized.image) == np.where(levels < 200, levels, 255 - levels)).all()
    gray = np.asarray(STEPS["grayscale"]()(Sample(pixels, (20, 20)), random_of(0, 0, 0)).image)
    assert (gray == gray[..., :1]).all()


def test_erasing_paints_the_mean_of_the_input_over_a_rectangle() -> None:
    pixels = Image.new("RGB", (48, 48), (200, 200, 200))
    step = STEPS["random_erasing"].model_validate({"p": 1}).fitted(ENTRY)
    found = np.asarray(step(Sample(pixels, (48, 48)), random_of(3, 0, 0)).image)
    painted = (found == [10, 20, 30]).all(axis=2)
    left, top, right, bottom = around(painted)
    assert painted[top:bottom, left:right].all() and (found[~painted] == 200).all()
    assert 0.02 * 48**2 * 0.9 <= painted.sum() <= 0.34 * 48**2


TWO = loads("""\
schema: 1
name: two
inputs:
  image: {type: Image, shape: [B, 3, 32, 32], preprocess: {resize: [32, 32]}}
  small: {type: Image, shape: [B, 3, 16, 16], preprocess: {resize: [16, 16]}}
data_samples:
  label: {type: Label, shape: [B]}
  mask: {type: Mask, shape: [B, 8, 8]}
nodes:
  flat: {type: Flatten, inputs: {input: image}}
outputs:
  tensor: {flat: flat.out}
""")


def problems(augment: Any, graph: Graph = TWO) -> list[Problem]:
    catalog = Catalog.default()
    return [*read_views(graph, catalog, augment)[1], *read_masks(graph, catalog, augment)[1]]


@pytest.mark.parametrize(
    ("augment", "place", "message"),
    [
        ({"image": ["flp"]}, "augment.image[0]", "did you mean 'flip'"),
        ({"image": ["flip", {"rotat": {}}]}, "augment.image[1]", "did you mean 'rotate'"),
        (
            {"image": [{"random_resized_crop": {"scale": [0.5, 2]}}]},
            "augment.image[0].random_resized_crop.scale",
            "at most 1",
        ),
        (
            {"image": [{"random_resized_crop": {"scale": [0.5, 0.1]}}]},
            "augment.image[0].random_resized_crop.scale",
            "lower bound first",
        ),
        (
            {"image": [{"flip": {"probability": 1}}]},
            "augment.image[0].flip.probability",
            "the parameters are direction, p",
        ),
        (
            {"image": [{"flip": {"p": "often"}}]},
            "augment.image[0].flip.p",
            'found "often", expected a number .by default 0.5',
        ),
        ({"image": [{"flip": 0.5}]}, "augment.image[0].flip", "expected parameters: {p: ..., direction: ...}"),
        ({"image": [{"flip": {}, "pad": {}}]}, "augment.image[0]", "one step an entry"),
        ({"photo": ["flip"]}, "augment.photo", "the image inputs are image, small"),
        ({"label": ["flip"]}, "augment.label", "comes from the data"),
        ({"small": [{"same_as": {"input": "image", "interpolation": "cubic"}}]}, "augment.small[0].same_as", "bicubic"),
        ({"small": [{"same_as": {"input": 3}}]}, "augment.small[0].same_as", "name of another image input"),
        ({"small": [{"same_as": "imag"}]}, "augment.small[0].same_as", "did you mean 'image'"),
        ({"image": ["random_crop"], "small": [{"same_as": "image"}]}, "augment.small[0].same_as", "size in pixels"),
        ({"small": ["flip", {"same_as": "image"}]}, "augment.small[1]", "first entry"),
        ({"mask": ["blocks"]}, "augment.mask[0]", "did you mean 'block'"),
        ({"mask": [{"block": {"count": 65}}]}, "augment.mask[0].block.count", "at most 64"),
        ({"mask": [{"random": {"unit": 3}}]}, "augment.mask[0].random.unit", "divisor of the grid 8 x 8"),
        ({"mask": ["block", "random"]}, "augment.mask", "expected one"),
    ],
)
def test_a_fault_of_a_recipe_is_reported_at_its_place(augment: Any, place: str, message: str) -> None:
    (problem,) = problems(augment)
    assert problem.where.subject == place
    assert problem.code in ("recipe-key", "recipe-value")
    assert re.search(message, problem.message), problem.message


def test_all_faults_are_reported_at_once_and_typos_have_a_fix() -> None:
    found = problems({"image": ["flp", {"pad": {"padding": -1, "fil": 3}}], "mask": ["rndom"]})
    assert [problem.where.subject for problem in found] == [
        "augment.image[0]",
        "augment.image[1].pad.padding",
        "augment.image[1].pad.fil",
        "augment.mask[0]",
    ]
    assert found[0].fix is not None
    (edit,) = found[0].fix.edits
    assert edit.path == ("augment", "image") and edit.value == ["flip", {"pad": {"padding": -1, "fil": 3}}]


def test_steps_for_colours_are_refused_for_bands() -> None:
    text = "  image: {type: Image, shape: [B, 5, 32, 32], preprocess: {resize: [32, 32], channels: bands}}"
    graph = loads(f"schema: 1\nname: bands\ninputs:\n{text}\nnodes: {{}}\n")
    assert problems({"image": ["flip", {"random_crop": {"padding": 4}}]}, graph) == []
    (problem,) = problems({"image": ["flip", "color_jitter"]}, graph)
    assert problem.where.subject == "augment.image[1]" and "bands" in problem.message


def test_a_shared_view_shows_the_same_part_in_its_own_size() -> None:
    augment = {
        "image": ["random_resized_crop", "flip"],
        "small": [{"same_as": {"input": "image", "interpolation": "box"}}],
    }
    views, wrong = read_views(TWO, Catalog.default(), augment)
    assert not wrong
    across = np.linspace(0, 255, 200, dtype=np.uint8)
    pixels = Image.fromarray(np.stack([np.broadcast_to(across, (150, 200))] * 3, axis=-1))
    for index in range(10):
        image, small = (
            np.asarray(views[name].augmented(Sample(pixels, (150, 200)), 0, 0, index).image).astype(int)
            for name in ("image", "small")
        )
        assert image.shape == (32, 32, 3) and small.shape == (16, 16, 3)
        assert np.abs(image.reshape(16, 2, 16, 2, 3).mean(axis=(1, 3)) - small).max() <= 3


@pytest.mark.parametrize("grid", [(14, 14), (8, 8), (4, 6), (24, 24)])
def test_blocks_hide_as_many_patches_in_every_sample(grid: tuple[int, int]) -> None:
    for given in ({}, {"ratio": 0.4}, {"count": 7}, {"ratio": 0.95}):
        step = BlockMask.model_validate(given)
        for index in range(20):
            hidden = step(grid, random_of(0, 0, index))
            assert hidden.shape == grid and hidden.sum() == step.hidden(grid)
    assert BlockMask().hidden((14, 14)) == 75


def test_hidden_blocks_are_contiguous() -> None:
    """Of the neighbours of hidden patches more are hidden than by chance."""
    together = []
    for index in range(50):
        hidden = BlockMask()((14, 14), random_of(0, 0, index))
        together.append(hidden[:, 1:][hidden[:, :-1]].mean())
    assert np.mean(together) > 0.6 > 75 / 196


def test_random_squares_are_whole_and_as_many_as_simmim_hides() -> None:
    step = RandomMask().fitted((48, 48), (192, 192))
    assert step.unit == 8
    hidden = step((48, 48), random_of(0, 0, 0))
    squares = hidden.reshape(6, 8, 6, 8).mean(axis=(1, 3))
    assert set(squares.flatten().tolist()) == {0.0, 1.0} and squares.sum() == 22
    assert set(MASKS) == {"block", "random"}


def test_masks_of_objects_come_from_polygons_run_lengths_and_arrays() -> None:
    square = np.zeros((10, 12), np.uint8)
    square[2:6, 3:8] = 1
    polygon = object_mask([[3, 2, 8, 2, 8, 6, 3, 6]], (10, 12))
    flat = square.T.reshape(-1)
    edges = np.flatnonzero(np.diff(flat)) + 1
    counts = np.diff([0, *edges, flat.size]).tolist()
    assert (polygon == square).all()
    assert (object_mask({"size": [10, 12], "counts": counts}, (10, 12)) == square).all()
    assert (object_mask({"size": [10, 12], "counts": packed(counts)}, (10, 12)) == square).all()
    assert (object_mask(square.astype(bool), (10, 12)) == square).all()
    for wrong in (
        "text",
        {"size": [3, 3], "counts": [9]},
        {"size": [10, 12], "counts": [5]},
        [[1, 2, 3]],
        np.zeros((2, 2)),
    ):
        with pytest.raises(ValueError, match="found"):
            object_mask(wrong, (10, 12))


def packed(counts: list[int]) -> str:
    """COCO's text of run lengths."""
    text = ""
    for place, count in enumerate(counts):
        value = count - counts[place - 2] if place > 2 else count
        while True:
            bits, value = value & 0x1F, value >> 5
            more = value != (-1 if bits & 0x10 else 0)
            text += chr((bits | 0x20 if more else bits) + 48)
            if not more:
                break
    return text


def test_masks_of_objects_are_those_of_pycocotools() -> None:
    """Run lengths to the pixel; polygons but for pixels that an edge cuts, and as large as they are."""
    theirs = pytest.importorskip("pycocotools.mask")
    draw = np.random.default_rng(0)
    for _ in range(50):
        height, width = (int(side) for side in draw.integers(1, 60, 2))
        mask = (draw.random((height, width)) < draw.random()).astype(np.uint8)
        packed_there = theirs.encode(np.asfortranarray(mask))
        assert (object_mask(packed_there, (height, width)) == mask).all()
    shares, sizes = [], []
    for _ in range(50):
        angles = np.sort(draw.uniform(0, 2 * np.pi, 12))
        points = 60 + draw.uniform(25, 35, 12) * np.stack([np.cos(angles), np.sin(angles)])
        flat = points.T.reshape(-1).tolist()
        mine = object_mask([flat], (120, 120)).astype(bool)
        other = theirs.decode(theirs.merge(theirs.frPyObjects([flat], 120, 120))).astype(bool)
        shares.append((mine & other).sum() / (mine | other).sum())
        following = np.roll(points, -1, axis=1)
        sizes.append(mine.sum() / (abs((points[0] * following[1] - points[1] * following[0]).sum()) / 2))
    assert min(shares) > 0.95
    assert abs(np.mean(sizes) - 1) < 0.005
