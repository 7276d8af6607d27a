"""Pipelines of training images become steps of a recipe, and what is no step is reported."""

import pytest

from composer.catalog import Catalog
from composer.graph import Graph
from composer.graph.file import loads
from composer.openmmlab.config_file import ConfigFile
from composer.openmmlab.recipes import import_recipe
from composer.training.augment import read_views
from composer.training.augment.hidden import read_masks

CATALOG = Catalog.default()


def graph(*inputs: str, size: str = "224, 224", mask: bool = False) -> Graph:
    entries = "".join(
        f"  {name}: {{type: Image, shape: [B, 3, {size}], preprocess: {{channels: rgb, mean: [124, 116, 104], "
        f"std: [58, 57, 57]}}}}\n"
        for name in inputs
    )
    samples = "data_samples:\n  mask: {type: Mask, shape: [B, 14, 14]}\n" if mask else ""
    return loads(f"schema: 1\nname: g\ninputs:\n{entries}{samples}nodes: {{}}\noutputs: {{}}\n")


def imported(pipeline, drawn: Graph | None = None, **more):
    drawn = drawn or graph("image")
    data = {
        "optim_wrapper": {"optimizer": {"type": "SGD", "lr": 0.1}},
        "train_dataloader": {
            "batch_size": 1,
            "dataset": {"type": "ImageNet", "data_root": "d", "pipeline": pipeline, **more},
        },
    }
    found = import_recipe(ConfigFile("c.py", data, None, (), ()), drawn, gpus=1)
    assert read_views(drawn, CATALOG, found.recipe.augment)[1] == []
    assert read_masks(drawn, CATALOG, found.recipe.augment)[1] == []
    left = {note.where.subject: note.message for note in found.notes if note.severity == "warning"}
    return found.recipe.augment, left


def step(kind: str, **settings):
    return {"type": kind, **settings}


LOAD = step("LoadImageFromFile")
SPREAD = [0.2175, 0.0188, 0.0045]
AXES_OF_BGR = [[-0.5836, -0.6948, 0.4203], [-0.5808, -0.0045, -0.814], [-0.5675, 0.7192, 0.4009]]
PACK = step("PackInputs")


@pytest.mark.parametrize(
    ("transform", "expected"),
    [
        (step("RandomResizedCrop", scale=224, backend="pillow", interpolation="bicubic"), {"interpolation": "bicubic"}),
        (step("RandomResizedCrop", scale=192, crop_ratio_range=[0.2, 1.0]), {"size": [192, 192], "scale": [0.2, 1.0]}),
        (step("RandomResizedCrop", size=224, scale=[0.2, 1.0]), {"scale": [0.2, 1.0]}),
        (step("torchvision/RandomResizedCrop", size=224, interpolation=3), {"interpolation": "bicubic"}),
        (step("RandomFlip", prob=0.5, direction="horizontal"), None),
        (step("RandomFlip", flip_ratio=0.3), {"p": 0.3}),
        (step("RandomFlip", prob=0.5, direction=["horizontal", "vertical"]), {"p": 0.25, "direction": "both"}),
        (step("RandomCrop", crop_size=32, padding=4), {"size": [32, 32], "padding": 4}),
        (step("RandomCrop", crop_size=[600, 384]), {"size": [384, 600]}),
        (step("ResizeEdge", scale=256, edge="short"), {"size": 256}),
        (step("Resize", scale=[1333, 800], keep_ratio=True), {"size": 800, "max_size": 1333}),
        (step("Resize", scale=[300, 200], keep_ratio=False), {"size": [200, 300]}),
        (step("Resize", size=[256, -1]), {"size": 256}),
        (
            step("RandomChoiceResize", scales=[[1333, 640], [1333, 800]], keep_ratio=True),
            {"short": [640, 800]},
        ),
        (
            step("Resize", img_scale=[[1333, 640], [1333, 700]], multiscale_mode="range", keep_ratio=True),
            {"short": [640, 656, 672, 688, 700]},
        ),
        (step("RandomResize", scale=[640, 320], ratio_range=[0.5, 2.0], keep_ratio=True), "scale_jitter"),
        (step("Pad", size=[640, 320], pad_val={"img": [114, 114, 114]}), {"size": [320, 640], "fill": 114}),
        (step("ColorJitter", brightness=0.4, hue=0.1), {"brightness": 0.4, "hue": 0.1}),
        (step("RandomGrayscale", prob=0.2, keep_channels=True), {"p": 0.2}),
        (step("GaussianBlur", magnitude_range=[0.1, 2.0], magnitude_std="inf", prob=0.1), {"p": 0.1}),
        (step("RandomGaussianBlur", sigma_min=0.2, sigma_max=1.0, prob=0.5), {"sigma": [0.2, 1.0]}),
        (step("Solarize", thr=100, prob=0.2), {"threshold": 100}),
        (
            step(
                "RandAugment",
                policies="timm_increasing",
                magnitude_level=7,
                magnitude_std=0.5,
                num_policies=3,
                total_level=10,
                hparams={"pad_val": [104, 116, 124], "interpolation": "bicubic"},
            ),
            {"num_ops": 3, "magnitude": 7.0},
        ),
        (
            step("RandomErasing", erase_prob=0.25, mode="rand", min_area_ratio=0.02, max_area_ratio=0.33),
            {"p": 0.25, "mode": "noise", "ratio": [0.3, 3.333]},
        ),
        (step("PhotoMetricDistortion", hue_delta=9), {"hue_delta": 9}),
        (step("Expand", mean=[124, 116, 104], to_rgb=True, ratio_range=[1, 2]), {"ratio_range": [1, 2]}),
        (step("MinIoURandomCrop", min_ious=[0.4, 0.6]), {"min_ious": [0.4, 0.6]}),
        (step("RandomRotation", degrees=5), {"degrees": 5}),
        (step("RandomCrop", crop_size=[384, 640], crop_type="absolute_range"), {"sides": [384, 640]}),
        (
            step("AutoAugment", policies="imagenet", hparams={"pad_val": [104, 116, 124], "interpolation": "bicubic"}),
            {"interpolation": "bicubic"},
        ),
        (step("AutoAugment", policies="imagenet", hparams={"pad_val": [104, 116, 124]}), None),
        (step("Lighting", eigval=SPREAD, eigvec=AXES_OF_BGR, alphastd=25.5, to_rgb=False), None),
        (step("Lighting", eigval=SPREAD, eigvec=AXES_OF_BGR[::-1], to_rgb=True), {"deviation": 0.1}),
        (step("YOLOXHSVRandomAug", hue_delta=6), {"hue": 12}),
        (step("ColorTransform", magnitude=0.4, prob=0.6), {"p": 0.6, "name": "color", "amount": 0.4}),
        (step("Posterize", bits=4, prob=0.5), {"name": "posterize", "amount": 4.0}),
        (
            step("Shear", magnitude=0.3, direction="vertical", pad_val=124, random_negative_prob=0.0),
            {"name": "shear_y", "amount": 0.3, "negative": 0.0, "fill": 124, "interpolation": "bicubic"},
        ),
        (
            step("Rotate", magnitude_range=[0, 30], magnitude_level=3, total_level=10, pad_val=0, prob=1.0),
            {"p": 1.0, "name": "rotate", "amount": 9.0, "fill": 0},
        ),
        (step("RandomAffine", scaling_ratio_range=[0.5, 1.5], max_shear_degree=0, border_val=0), "affine"),
    ],
)
def test_a_transform_becomes_an_augmentation_step(transform, expected):
    augment, left = imported([LOAD, transform, PACK])
    assert left == {}
    (found,) = augment["image"]
    if expected is None:
        assert isinstance(found, str)
    elif isinstance(expected, dict):
        assert next(iter(found.values())) == expected
    else:
        assert next(iter(found)) == expected


@pytest.mark.parametrize(
    ("transform", "named"),
    [
        (step("Mosaic", img_scale=[640, 640]), "Mosaic"),
        (step("RandomCrop", crop_size=[9, 9], crop_type="relative"), "'relative'"),
        (step("RandomAffine", border=[-320, -320]), "mosaic"),
        (step("RandAugment", aug_space=[], aug_num=1), "operations of mmdet"),
        (step("RandomResizedCrop", scale=224, surprise=1), "no such setting: 1"),
        (step("RandomGrayscale", prob=3.0), "grayscale of a recipe does not take this (p"),
        ("RandomFlip", "expected a dict"),
        (step("RandomChoiceResize", scales=[[1333, {}]], keep_ratio=True), "are not those of RandomChoiceResize"),
        (step("Resize", scale=[]), "expected width and height"),
        (step("Rotate", level=5, img_fill_val=124), "levels of its own"),
        (step("Brightness", prob=0.5), "expected a number"),
        (step("AutoAugment", policies="cifar"), "auto_augment has ImageNet's policy"),
        (step("Lighting", eigval=[1, 2, 3], eigvec=[[1, 0, 0]] * 3), "the axes of ImageNet's colours"),
        (step("RandomCrop", crop_size=[600, 384], crop_type="absolute_range"), "expected the shorter side first"),
        (step("RandomChoice", transforms=[[step("RandomFlip")]], prob=[0.5, 0.5]), "found 2 weights"),
        (step("RandomChoice", transforms=[[step("RandomFlip")], [step("Mosaic")]]), "Mosaic"),
    ],
)
def test_transforms_without_an_augmentation_step_are_reported_at_their_place(transform, named):
    _, left = imported([LOAD, transform, PACK])
    assert any(place.startswith("train_dataloader.dataset.pipeline.1") and named in left[place] for place in left)


def test_a_probability_around_a_step_becomes_its_own():
    jitter = step("RandomApply", transforms=[step("ColorJitter", brightness=0.4)], prob=0.8)
    assert imported([LOAD, jitter])[0]["image"] == [{"color_jitter": {"brightness": 0.4, "p": 0.8}}]


DETR = [
    [step("RandomChoiceResize", scales=[[1333, 480], [1333, 800]], keep_ratio=True)],
    [
        step("RandomChoiceResize", scales=[[4200, 400], [4200, 600]], keep_ratio=True),
        step("RandomCrop", crop_type="absolute_range", crop_size=[384, 600], allow_negative_crop=True),
        step("RandomChoiceResize", scales=[[1333, 480], [1333, 800]], keep_ratio=True),
    ],
]
CHOSEN = {
    "lists": [
        [{"multi_scale_resize": {"short": [480, 800]}}],
        [
            {"multi_scale_resize": {"short": [400, 600], "max_size": 4200}},
            "random_crop_range",
            {"multi_scale_resize": {"short": [480, 800]}},
        ],
    ]
}


def test_random_choice_and_auto_augment_become_one_of():
    for key, kind in (("transforms", "RandomChoice"), ("policies", "AutoAugment")):
        augment, left = imported([LOAD, step("RandomFlip", prob=0.5), step(kind, **{key: DETR}), PACK])
        assert (augment, left) == ({"image": ["flip", {"one_of": CHOSEN}]}, {})
    weighed = step("RandomChoice", transforms=[[step("RandomFlip", prob=1.0)], []], prob=[0.3, 0.7])
    (found,) = imported([LOAD, weighed])[0]["image"]
    assert found == {"one_of": {"lists": [[{"flip": {"p": 1.0}}], []], "weights": [0.3, 0.7]}}


def test_auto_augment_policies_become_operations():
    policies = [[step("Posterize", bits=4, prob=0.4), step("Rotate", angle=30.0, prob=0.6)], [step("Invert", prob=0.1)]]
    given = step("AutoAugment", policies=policies, hparams={"pad_val": 124, "interpolation": "bicubic"})
    augment, left = imported([LOAD, given])
    assert left == {}
    turned = {"p": 0.6, "name": "rotate", "amount": 30.0, "fill": 124, "interpolation": "bicubic"}
    lists = [
        [{"operation": {"p": 0.4, "name": "posterize", "amount": 4.0}}, {"operation": turned}],
        [{"operation": {"p": 0.1, "name": "invert"}}],
    ]
    assert augment == {"image": [{"one_of": {"lists": lists}}]}


def test_a_batch_of_one_size_is_padded_image_by_image():
    data = {
        "model": {"data_preprocessor": {"batch_augments": [{"type": "BatchFixedSizePad", "size": [1024, 896]}]}},
        "optim_wrapper": {"optimizer": {"type": "SGD", "lr": 0.1}},
        "train_dataloader": {"batch_size": 1, "dataset": {"type": "CocoDataset", "pipeline": [LOAD, PACK]}},
    }
    found = import_recipe(ConfigFile("c.py", data, None, (), ()), graph("image", size="H, W"), gpus=1)
    assert found.recipe.augment == {"image": [{"pad": {"size": [1024, 896], "fill": [124, 116, 104]}}]}
    assert not [note for note in found.notes if "batch_augments" in note.where.subject]


def test_a_step_that_never_happens_is_left_out():
    assert imported([step("Solarize", thr=128, prob=0.0), step("RandomFlip", prob=0.0)]) == ({"image": []}, {})


def test_two_views_have_their_own_steps():
    first, second = [step("GaussianBlur", prob=1.0)], [step("GaussianBlur", prob=0.1), step("Solarize", prob=0.2)]
    pipeline = [LOAD, step("MultiView", num_views=[1, 1], transforms=[first, second]), PACK]
    augment, left = imported(pipeline, graph("view_1", "view_2"))
    assert augment == {
        "view_1": [{"gaussian_blur": {"p": 1.0}}],
        "view_2": [{"gaussian_blur": {"p": 0.1}}, "solarize"],
    }
    assert left == {}
    both = imported([LOAD, step("MultiView", num_views=2, transforms=[first])], graph("view_1", "view_2"))[0]
    assert both["view_1"] == both["view_2"] == [{"gaussian_blur": {"p": 1.0}}]


def test_two_pipelines_of_mmselfsup_0_are_two_views():
    pipelines = [[step("RandomHorizontalFlip")], [step("RandomGrayscale", p=0.2)]]
    drawn = graph("view_1", "view_2")
    augment, _ = imported(None, drawn, pipelines=pipelines, num_views=[1, 1], data_source={"type": "ImageNet"})
    assert augment == {"view_1": ["flip"], "view_2": [{"grayscale": {"p": 0.2}}]}
    assert imported(None, drawn, pipeline1=pipelines[0], pipeline2=pipelines[1])[0] == augment


def test_a_second_image_shows_the_same_crop_in_another_size():
    pipeline = [
        step("RandomFlip", prob=0.5),
        step("RandomResizedCropAndInterpolationWithTwoPic", size=224, second_size=112, interpolation="bicubic"),
        step("BEiTMaskGenerator", input_size=[14, 14], num_masking_patches=75, min_num_patches=16),
    ]
    augment, left = imported(pipeline, graph("image", "target_image", mask=True))
    assert augment == {
        "image": ["flip", {"random_resized_crop": {"interpolation": "bicubic"}}],
        "target_image": [{"same_as": {"input": "image", "interpolation": "lanczos"}}],
        "mask": [{"block": {"count": 75, "min_block": 16}}],
    }
    assert left == {}


def test_squares_are_hidden_as_simmim_hides_them():
    squares = step("SimMIMMaskGenerator", input_size=192, mask_patch_size=32, model_patch_size=16, mask_ratio=0.5)
    assert imported([squares], graph("image", mask=True))[0]["mask"] == [{"random": {"ratio": 0.5, "unit": 2}}]


def test_a_resize_that_preprocess_does_is_not_repeated():
    text = "schema: 1\nname: g\ninputs:\n  image: {type: Image, shape: [B, 3, H, W], "
    text += "preprocess: {resize: {short: 800, long: 1333}}}\nnodes: {}\noutputs: {}\n"
    drawn = loads(text)
    resize, flip = step("Resize", scale=[1333, 800], keep_ratio=True), step("RandomFlip", prob=0.5)
    assert imported([resize, flip], drawn)[0] == {"image": ["flip"]}
    smaller = step("Resize", scale=[1333, 400], keep_ratio=True)
    assert imported([smaller, flip], drawn)[0]["image"] == [{"resize": {"size": 400, "max_size": 1333}}, "flip"]
    assert len(imported([resize, step("MinIoURandomCrop"), flip], drawn)[0]["image"]) == 3


def test_mixup_and_cutmix_become_the_mix_of_the_recipe():
    augments = [step("Mixup", alpha=0.8), step("CutMix", alpha=1.0)]
    data = {"optim_wrapper": {"optimizer": {"type": "SGD"}}, "model": {"train_cfg": {"augments": augments}}}
    found = import_recipe(ConfigFile("c.py", data, None, (), ()), graph("image"))
    assert found.recipe.mix == {"mixup": 0.8, "cutmix": 1.0} and found.covers == ("model.train_cfg",)
    data = {**data, "data_preprocessor": {"batch_augments": {"augments": [step("ResizeMix")]}}}
    reported = import_recipe(ConfigFile("c.py", data, None, (), ()), graph("image")).notes
    assert any("ResizeMix" in note.message for note in reported)


def test_transforms_of_wrapped_data_sets_keep_their_places():
    inner = {"type": "ImageNet", "data_root": "d", "pipeline": [LOAD, step("RandomGrayscale", prob=0.2)]}
    data = {"type": "MultiImageMixDataset", "dataset": inner, "pipeline": [step("Mosaic"), step("RandomFlip")]}
    config = {"optim_wrapper": {"optimizer": {"type": "SGD"}}, "train_dataloader": {"dataset": data}}
    found = import_recipe(ConfigFile("c.py", config, None, (), ()), graph("image"))
    assert found.recipe.augment == {"image": [{"grayscale": {"p": 0.2}}, "flip"]}
    assert [note.where.subject for note in found.notes] == ["train_dataloader.dataset.pipeline.0"]


def test_sizes_of_whole_batches_are_reported():
    augments = [step("BatchSyncRandomResize", size=[640, 640])]
    data = {
        "optim_wrapper": {"optimizer": {"type": "SGD"}},
        "model": {"data_preprocessor": {"batch_augments": augments}},
    }
    reported = import_recipe(ConfigFile("c.py", data, None, (), ()), graph("image")).notes
    assert any(
        note.where.subject.endswith("batch_augments.0") and "BatchSyncRandomResize" in note.message for note in reported
    )
