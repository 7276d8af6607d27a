"""How a config says that images are prepared, wherever it says it: pipelines, normalisation, classes, and back."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

import composer
from composer.catalog import Catalog
from composer.cli.app import app
from composer.graph.file import dumps, loads
from composer.graph.file.document import edit, to_document
from composer.openmmlab import import_config, whole_config_from_graph
from composer.openmmlab.config_file import ConfigFile, read_config
from composer.openmmlab.notes import ImportedGraph
from composer.problems import Edit
from tests.openmmlab.originals import classifier, linear, resnet

LOAD = {"type": "LoadImageFromFile"}
PACK = {"type": "PackInputs"}
NORM = {"mean": [103.53, 116.28, 123.675], "std": [1.0, 1.0, 1.0], "to_rgb": False}
OLD = {"mean": [123.675, 116.28, 103.53], "std": [58.395, 57.12, 57.375], "to_rgb": True}
COLOURS = {"mean": OLD["mean"], "std": OLD["std"]}
DATA = {"type": "mmpretrain.ClsDataPreprocessor", **OLD}
IN_UNITS = {"mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225]}
COCO_80 = ("person", "toothbrush")


def config_of(model: dict[str, Any], **beside: Any) -> ConfigFile:
    return ConfigFile(Path("config.py"), {"model": model, **beside}, None, (), ())


def imported(*pipeline: dict[str, Any], data: Any = DATA, kind: str = "CustomDataset", **model: Any) -> ImportedGraph:
    """A classifier whose test pipeline these transforms are."""
    beside = {} if data is None else {"data_preprocessor": data}
    loader = {"dataset": {"type": kind, "pipeline": list(pipeline)}}
    whole = classifier(resnet(**model), linear(num_classes=5))
    return import_config(config_of(whole, **beside, test_dataloader=loader))


def steps_of(found: ImportedGraph) -> dict[str, Any]:
    steps: dict[str, Any] = to_document(found.graph)["inputs"]["image"]["preprocess"]
    return steps


def places_of(found: ImportedGraph) -> list[str]:
    return [note.where.subject for note in found.notes if note.where.subject != "classes"]


def aug(*transforms: dict[str, Any], **settings: Any) -> dict[str, Any]:
    return {"type": "MultiScaleFlipAug", "flip": False, **settings, "transforms": list(transforms)}


@pytest.mark.parametrize(
    ("pipeline", "steps", "size"),
    [
        ([{"type": "Resize", "scale": 384}], {"resize": [384, 384]}, [384, 384]),
        ([{"type": "Resize", "scale": [640, 480]}], {"resize": [480, 640]}, [480, 640]),
        (
            [{"type": "Resize", "scale": [1333, 800], "keep_ratio": True}],
            {"resize": {"short": 800, "long": 1333}},
            ["H", "W"],
        ),
        ([{"type": "ResizeEdge", "scale": 256, "edge": "short"}], {"resize": 256}, ["H", "W"]),
        ([{"type": "ResizeEdge", "scale": 256, "edge": "long"}], {"resize": {"long": 256}}, ["H", "W"]),
        (
            [
                {"type": "ResizeEdge", "scale": 248, "backend": "pillow", "interpolation": "bicubic"},
                {"type": "CenterCrop", "crop_size": [224, 192]},
            ],
            {"resize": 248, "interpolation": "bicubic", "backend": "pillow", "crop": [192, 224]},
            [192, 224],
        ),
        (
            [{"type": "EfficientNetCenterCrop", "crop_size": 240, "crop_padding": 16}],
            {"interpolation": "bicubic", "crop": [240, 240], "crop_padding": 16},
            [240, 240],
        ),
        (
            [
                {"type": "mmdet.Resize", "scale": [640, 640], "keep_ratio": True},
                {"type": "mmdet.Pad", "pad_to_square": True, "pad_val": {"img": [114.0, 114.0, 114.0]}},
            ],
            {"resize": {"short": 640, "long": 640}, "pad": {"square": True, "value": 114.0}},
            [640, 640],
        ),
        (
            [
                {"type": "Resize", "scale": [640, 480], "keep_ratio": True},
                {"type": "Pad", "size": [640, 480], "pad_val": {"img": [1, 2, 3]}},
            ],
            {"resize": {"short": 480, "long": 640}, "pad": {"size": [480, 640], "value": [3, 2, 1]}},
            [480, 640],
        ),
        (
            [
                {"type": "NumpyToPIL", "to_rgb": True},
                {"type": "torchvision/Resize", "size": 300, "interpolation": "bicubic"},
                {"type": "torchvision/CenterCrop", "size": [280, 288]},
                {"type": "PILToNumpy", "to_bgr": True},
            ],
            {"resize": 300, "interpolation": "bicubic", "backend": "pillow", "crop": [280, 288]},
            [280, 288],
        ),
        (
            [{"type": "TransformBroadcaster", "transforms": [{"type": "Resize", "scale": 96}]}],
            {"resize": [96, 96]},
            [96, 96],
        ),
    ],
)
def test_a_pipeline_of_mmengine_becomes_steps(pipeline: Any, steps: Any, size: Any) -> None:
    found = imported(LOAD, *pipeline, PACK)
    assert steps_of(found) == {**steps, **COLOURS}
    assert to_document(found.graph)["inputs"]["image"]["shape"][2:] == size
    assert places_of(found) == []


@pytest.mark.parametrize(
    ("pipeline", "steps"),
    [
        (
            [{"type": "Resize", "size": (256, -1)}, {"type": "CenterCrop", "crop_size": (224, 192)}],
            {"resize": 256, "crop": [224, 192]},
        ),
        (
            [{"type": "Resize", "size": (256, -1), "adaptive_side": "width", "backend": "pillow"}],
            {"resize": {"width": 256}, "backend": "pillow"},
        ),
        (
            [{"type": "CenterCrop", "crop_size": 300, "efficientnet_style": True, "interpolation": "bicubic"}],
            {"interpolation": "bicubic", "crop": [300, 300], "crop_padding": 32},
        ),
        (
            [aug({"type": "Resize"}, {"type": "RandomFlip", "flip_ratio": 0.5}, img_scale=(1333, 800))],
            {"resize": {"short": 800, "long": 1333}},
        ),
        ([aug({"type": "Resize", "keep_ratio": False}, img_scale=[(300, 320)])], {"resize": [320, 300]}),
        (
            [aug({"type": "Resize", "keep_ratio": True}, {"type": "Pad", "size": (448, 640)}, img_scale=(640, 448))],
            {"resize": {"short": 448, "long": 640}, "pad": {"size": [448, 640], "value": 0}},
        ),
        (  # OpenCV fills the first channel with a number alone: blue, as images are decoded
            [aug({"type": "Resize"}, {"type": "Pad", "size_divisor": 32, "pad_val": 114.0}, img_scale=(640, 640))],
            {"resize": {"short": 640, "long": 640}, "pad": {"divisor": 32, "value": [0, 0, 114.0]}},
        ),
    ],
)
def test_a_pipeline_of_the_older_packages_becomes_steps(pipeline: Any, steps: Any) -> None:
    normalize = {"type": "Normalize", **OLD}
    data = {"test": {"type": "CustomDataset", "pipeline": [LOAD, *pipeline, normalize, {"type": "Collect"}]}}
    found = import_config(config_of(classifier(resnet(), linear()), data=data))
    assert steps_of(found) == {**steps, **COLOURS}
    assert places_of(found) == []


def test_padding_after_the_normalisation_is_zero_after_it() -> None:
    inside = [{"type": "Resize"}, {"type": "Normalize", **NORM}, {"type": "Pad", "size_divisor": 32}]
    data = {"test": {"type": "CocoDataset", "pipeline": [LOAD, aug(*inside, img_scale=(1333, 800))]}}
    steps = steps_of(import_config(config_of(classifier(resnet(), linear()), data=data)))
    assert steps == {
        "resize": {"short": 800, "long": 1333},
        "pad": {"divisor": 32},
        "channels": "bgr",
        "mean": NORM["mean"],
        "std": NORM["std"],
    }


@pytest.mark.parametrize("place", ["pipeline", "beside", "prefetch"])
def test_numbers_of_torchvision_are_from_0_to_1(place: str) -> None:
    sizes = [{"type": "Resize", "size": 256, "interpolation": 3}, {"type": "CenterCrop", "size": 224}]
    norm = [{"type": "ToTensor"}, {"type": "Normalize", **IN_UNITS}]
    source = {"type": "ImageNet", "data_prefix": "data"}
    data_set = {"type": "SingleViewDataset", "data_source": source, "pipeline": sizes + norm, "prefetch": False}
    beside: dict[str, Any] = {"data": {"val": data_set}, "img_norm_cfg": IN_UNITS}
    if place == "prefetch":
        data_set |= {"pipeline": sizes, "prefetch": True}
    if place == "beside":
        del beside["data"]
    found = import_config(config_of(classifier(resnet(), linear()), **beside))
    sized = {"resize": 256, "interpolation": "bicubic", "backend": "pillow", "crop": [224, 224]}
    assert steps_of(found) == {**({"resize": 256, "crop": [224, 224]} if place == "beside" else sized), **COLOURS}
    reported = "test_pipeline" if place == "beside" else "data.val.pipeline"
    assert places_of(found) == [reported]


@pytest.mark.parametrize(
    ("data_set", "read"),
    [
        ({"type": "RepeatDataset", "times": 2, "dataset": {"type": "A", "pipeline": "*"}}, True),
        ({"type": "ConcatDataset", "datasets": [{"type": "A", "pipeline": "*"}, {"type": "B", "pipeline": "*"}]}, True),
        ([{"type": "A", "pipeline": "*"}, {"type": "B", "pipeline": [LOAD]}], False),
        (
            {
                "type": "MultiImageMixDataset",
                "dataset": {"type": "ClassBalancedDataset", "dataset": {"type": "A", "pipeline": [LOAD]}},
                "pipeline": [{"type": "Resize", "scale": 96}],
            },
            True,
        ),
    ],
)
def test_a_pipeline_is_found_within_wrappers(data_set: Any, read: bool) -> None:
    pipeline = [LOAD, {"type": "Resize", "scale": 96}, PACK]

    def filled(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: filled(item) for key, item in value.items()}
        if isinstance(value, list):
            return [filled(item) for item in value]
        return pipeline if value == "*" else value

    found = import_config(config_of(classifier(resnet(), linear()), data={"test": filled(data_set)}))
    assert steps_of(found) == {"resize": [96, 96], "channels": "bgr"}
    assert places_of(found) == ([] if read else ["data.test"])


@pytest.mark.parametrize(
    ("beside", "place"),
    [
        ({"val_dataloader": {"dataset": {"type": "A", "pipeline": [LOAD, {"type": "Resize", "scale": 96}]}}}, "val_"),
        ({"val_pipeline": [LOAD, {"type": "Resize", "scale": 96}]}, "val_pipeline"),
        ({"test_pipeline": [LOAD, {"type": "Resize", "scale": 96}]}, None),
    ],
)
def test_without_images_for_testing_those_for_validation_are_read_and_reported(beside: Any, place: str | None) -> None:
    found = import_config(config_of(classifier(resnet(), linear()), **beside))
    assert steps_of(found)["resize"] == [96, 96]
    assert [name[:12].startswith(place or "") for name in places_of(found)] == ([True] if place else [])


@pytest.mark.parametrize(
    ("step", "text"),
    [
        ({"type": "Albu", "transforms": []}, "Albu is no step of preprocess that is known"),
        ({"type": "Resize", "scale": 64, "colour": 1}, "these settings of Resize are not read: colour=1"),
        ({"type": "Resize", "scale_factor": 0.5}, "is no resize of preprocess"),
        ({"type": "Resize", "scale": 64, "interpolation": "lanczos"}, "interpolation='lanczos' with backend='cv2'"),
        ({"type": "FixScaleResize", "scale": (800, 1333), "keep_ratio": True}, "rounds sizes down"),
        ({"type": "RandomFlip", "prob": 0.5}, "flips images at random"),
        ({"type": "LoadImageFromFile", "to_float32": True}, "to_float32 is not read"),
        ({"type": "LoadImageFromFile", "color_type": "unchanged"}, "color_type='unchanged' is not read"),
        (aug({"type": "Resize"}, img_scale=[(640, 480), (800, 600)]), "several versions of an image"),
        (aug({"type": "Resize"}, img_scale=(640, 480), flip=True), "several versions of an image"),
        ({"type": "CenterCrop", "crop_size": 64, "auto_pad": True}, "auto_pad is not read"),
        ({"type": "Pad", "size_divisor": 32, "padding_mode": "reflect"}, "is no pad of preprocess"),
        ("Resize", "expected a dict with a type"),
    ],
)
def test_transforms_without_a_preprocess_step_are_reported_by_name(step: Any, text: str) -> None:
    found = imported(LOAD, step, PACK)
    assert text in str(found) and found.not_understood == ()
    assert any(place.startswith("test_dataloader.dataset.pipeline.1") for place in places_of(found))


def test_steps_in_an_order_that_preprocess_does_not_have_are_reported() -> None:
    twice = imported(LOAD, {"type": "Resize", "scale": 64}, {"type": "Resize", "scale": 32}, PACK)
    late = imported(LOAD, {"type": "CenterCrop", "crop_size": 64}, {"type": "Resize", "scale": 32}, PACK)
    assert "Resize is a second resize" in str(twice) and steps_of(twice)["resize"] == [64, 64]
    assert "Resize comes after crop" in str(late) and "resize" not in steps_of(late)


def test_images_that_would_be_normalised_twice_stop_the_import() -> None:
    found = imported(LOAD, {"type": "Resize", "scale": 64}, {"type": "Normalize", **NORM}, PACK)
    assert [note.where.subject for note in found.not_understood] == [
        "model.data_preprocessor.mean",
        "model.data_preprocessor.std",
    ]


@pytest.mark.parametrize(
    ("kind", "loader", "model", "data", "channels"),
    [
        ("CustomDataset", [LOAD], {}, {"to_rgb": True}, "rgb"),
        ("CustomDataset", [LOAD], {}, {"mean": [1, 2, 3], "std": [1, 1, 1]}, "bgr"),
        ("CIFAR10", [], {}, {"mean": [1, 2, 3], "std": [1, 1, 1]}, "rgb"),
        ("CIFAR10", [], {}, {"to_rgb": True}, "bgr"),
        ("MNIST", [], {"in_channels": 1}, {"mean": [33.46], "std": [78.87]}, "gray"),
        ("CustomDataset", [{**LOAD, "color_type": "grayscale"}], {"in_channels": 1}, {"mean": [33.46]}, "gray"),
        ("CustomDataset", [LOAD], {"in_channels": 4}, {"mean": [1, 2, 3, 4], "std": [1, 1, 1, 1]}, "bands"),
    ],
)
def test_the_order_of_channels_follows_the_loader_and_every_swap(
    kind: str, loader: Any, model: Any, data: Any, channels: str
) -> None:
    found = imported(*loader, {"type": "Resize", "scale": 32}, PACK, data=data, kind=kind, **model)
    assert steps_of(found).get("channels", "rgb") == channels
    assert not [problem for problem in composer.check(found.graph) if problem.code == "preprocess-channels"]


def test_images_of_a_data_set_whose_size_is_known_need_no_resize() -> None:
    found = imported(PACK, kind="CIFAR10", data={"mean": [1, 2, 3], "std": [1, 1, 1]})
    assert steps_of(found)["resize"] == [32, 32]
    assert "test_pipeline" not in places_of(found)


def test_a_config_without_a_pipeline_says_which_size_was_taken() -> None:
    found = import_config(config_of(classifier(resnet(), linear()), data_preprocessor=DATA))
    assert steps_of(found) == {"resize": 256, "crop": [224, 224], **COLOURS}
    assert [(note.where.subject, "does not say the size" in note.message) for note in found.notes] == [
        ("test_pipeline", True)
    ]


@pytest.mark.parametrize(
    ("data_set", "count", "classes", "expected"),
    [
        ({"type": "A", "metainfo": {"classes": ("cat", "dog")}}, 2, ("cat", "dog"), None),
        ({"type": "A", "classes": ["cat", "dog"]}, 2, ("cat", "dog"), None),
        ({"type": "RepeatDataset", "dataset": {"type": "A", "classes": ["a", "b"]}}, 2, ("a", "b"), None),
        ({"type": "A", "classes": "data/classes.txt"}, 2, (), "the file data/classes.txt is not read"),
        ({"type": "A", "classes": [1, 2]}, 2, (), "expected a list of texts"),
        ({"type": "A"}, 2, (), "the names of the classes of A are not known here; the model counts 2"),
        ({"type": "ImageNet"}, 1000, (), "the names of the classes of ImageNet are not known here"),
        ({"type": "CocoDataset"}, 3, (), "CocoDataset has 80 classes, and the model counts 3"),
    ],
)
def test_class_names_are_read_from_the_data_set(data_set: Any, count: int, classes: Any, expected: str | None) -> None:
    head = linear(num_classes=count)
    found = import_config(config_of(classifier(resnet(), head), test_dataloader={"dataset": data_set}))
    assert found.graph.classes == classes
    assert (expected is None) == ("classes" not in str(found))
    assert expected is None or expected in str(found)


@pytest.mark.parametrize(("kind", "count"), [("CocoDataset", 80), ("VOC", 20), ("CIFAR10", 10), ("CIFAR100", 100)])
def test_classes_of_data_sets_that_are_known_by_their_type(kind: str, count: int) -> None:
    head = linear(num_classes=count)
    found = import_config(config_of(classifier(resnet(), head), data={"test": {"type": kind}}))
    assert len(set(found.graph.classes)) == count
    ends = {
        "CocoDataset": ("person", "toothbrush"),
        "VOC": ("aeroplane", "tvmonitor"),
        "CIFAR10": ("airplane", "truck"),
        "CIFAR100": ("apple", "worm"),
    }
    assert (found.graph.classes[0], found.graph.classes[-1]) == ends[kind]


ROUND_TRIPS = {
    "mmengine": (
        classifier(resnet(), linear()),
        {
            "data_preprocessor": DATA,
            "test_dataloader": {
                "dataset": {
                    "type": "CustomDataset",
                    "metainfo": {"classes": ["a", "b", "c", "d", "e"]},
                    "pipeline": [LOAD, {"type": "Resize", "scale": [600, 600]}, PACK],
                }
            },
        },
    ),
    "mmcls 0.x": (
        classifier(resnet(), linear()),
        {
            "data": {
                "test": {
                    "type": "CustomDataset",
                    "classes": ["a", "b", "c", "d", "e"],
                    "pipeline": [
                        LOAD,
                        {"type": "Resize", "size": [256, -1]},
                        {"type": "CenterCrop", "crop_size": 224},
                        {"type": "Normalize", **OLD},
                        {"type": "Collect", "keys": ["img"]},
                    ],
                }
            }
        },
    ),
    "img_norm_cfg": (classifier(resnet(), linear()), {"img_norm_cfg": OLD}),
}


@pytest.mark.parametrize("name", ROUND_TRIPS)
def test_a_round_trip_loses_nothing(name: str) -> None:
    model, beside = ROUND_TRIPS[name]
    graph = import_config(config_of(model, **beside)).graph
    whole = whole_config_from_graph(loads(dumps(graph, Catalog.default())))
    again = import_config(config_of(whole.pop("model"), **whole))
    assert to_document(again.graph)["inputs"] == to_document(graph)["inputs"]
    assert again.graph.classes == graph.classes
    assert {key: whole.get(key) for key in beside if key != "data_preprocessor"} == {
        key: value for key, value in beside.items() if key != "data_preprocessor"
    }


@pytest.mark.parametrize(
    "steps",
    [
        {"resize": 300, "interpolation": "bicubic", "backend": "pillow", "crop": [280, 288]},
        {"resize": {"short": 480, "long": 640}, "pad": {"divisor": 32}},
        {"resize": {"long": 640}, "pad": {"square": True, "value": 114.0}},
        {"resize": {"short": 480, "long": 640}, "pad": {"size": [480, 640]}},
        {"resize": {"short": 480, "long": 640}, "pad": {"size": [480, 640], "value": [1.0, 2.0, 3.0]}},
        {"crop": [240, 240], "crop_padding": 16, "interpolation": "area"},
        {"resize": [224, 224], "channels": "bgr"},
    ],
)
def test_steps_that_were_changed_are_written_as_mmengine_reads_them(steps: dict[str, Any]) -> None:
    model, beside = ROUND_TRIPS["mmcls 0.x"]
    graph = import_config(config_of(model, **beside)).graph
    size = steps.get("crop") or (steps["resize"] if isinstance(steps.get("resize"), list) else ["H", "W"])
    changed = edit(
        graph,
        Edit(("inputs", "image", "preprocess"), {**COLOURS, **steps}),
        Edit(("inputs", "image", "shape"), ["B", 3, *size]),
    )
    whole = whole_config_from_graph(changed)
    assert whole["test_dataloader"]["dataset"]["metainfo"] == {"classes": list(graph.classes)}
    again = import_config(config_of(whole["model"], test_dataloader=whole["test_dataloader"]))
    assert steps_of(again) == {**steps, **COLOURS}
    assert again.graph.classes == graph.classes


def test_steps_that_no_pipeline_has_are_refused() -> None:
    graph = import_config(config_of(classifier(resnet(), linear()), data_preprocessor=DATA)).graph
    crop = {"crop": [240, 200], "crop_padding": 16, **COLOURS}
    with pytest.raises(composer.GraphError, match="no pipeline of OpenMMLab prepares images as this does"):
        whole_config_from_graph(edit(graph, Edit(("inputs", "image", "preprocess"), crop)))


def test_the_commands_carry_pipeline_and_classes_there_and_back(tmp_path: Path) -> None:
    source, graph, back = tmp_path / "config.py", tmp_path / "graph.yaml", tmp_path / "back.py"
    source.write_text(
        "size = 40\n"
        "classes = ('ant', 'bee', 'fly', 'bug', 'fox')\n"
        "pipeline = [dict(type='LoadImageFromFile'), dict(type='Resize', scale=(size, size))]\n"
        f"model = {classifier(resnet(), linear())!r}\n"
        "data_preprocessor = dict(mean=[127.5], std=[127.5])\n"
        "data = dict(type='CustomDataset', metainfo=dict(classes=classes), pipeline=pipeline)\n"
        "test_dataloader = dict(dataset=data)\n"
    )
    for arguments in (["import", str(source), "-o", str(graph)], ["export", str(graph), "--to", "openmmlab"]):
        result = CliRunner().invoke(app, [*arguments, *([] if "import" in arguments else ["-o", str(back)])])
        assert result.exit_code == 0, result.output
    read = composer.read(graph)
    assert read.classes == ("ant", "bee", "fly", "bug", "fox")
    again = import_config(read_config(back)).graph
    assert (again.inputs, again.classes) == (read.inputs, read.classes)
    pixels = composer.preprocess(again, np.full((20, 30, 3), 255, np.uint8))
    assert pixels.shape == (1, 3, 40, 40) and bool((pixels == 1).all())


@pytest.mark.parametrize("name", ["classification/resnet18_cifar", "detection/retinanet_r50_fpn"])
def test_a_graph_that_no_config_is_noted_in_becomes_a_whole_one(name: str) -> None:
    graph = composer.read(Path("saved_graphs", f"{name}.yaml"))
    whole = whole_config_from_graph(graph)
    again = import_config(config_of(whole.pop("model"), **whole)).graph
    steps, expected = (one.inputs["image"].preprocess for one in (again, graph))
    assert steps is not None and expected is not None
    assert [getattr(steps, key) for key in ("resize", "crop", "channels", "mean", "std")] == [
        getattr(expected, key) for key in ("resize", "crop", "channels", "mean", "std")
    ]
    assert again.classes == graph.classes
