"""Algorithms that composer does not know: what is wired where that is certain, and reported where it is not."""

from typing import Any

import pytest

import composer
from composer.catalog import Catalog
from composer.graph.file import dumps, loads
from composer.graph.file.document import to_document
from composer.openmmlab import config_from_graph, import_config
from composer.openmmlab.plain import same

RESNET = {"type": "ResNet", "depth": 18, "out_indices": [3]}
LINEAR = {"type": "LinearNeck", "in_channels": 512, "out_channels": 8}
HEAD = {"type": "UnheardHead", "loss": {"type": "CrossEntropyLoss"}}
NAN = float("nan")


def algorithm(**parts: Any) -> dict[str, Any]:
    return {"type": "Unheard", "backbone": RESNET, **parts}


def nodes_of(config: dict[str, Any], package: str = "mmpretrain") -> dict[str, Any]:
    """The nodes of an imported config, which has come back from the graph and from its file."""
    graph = import_config(config, package).graph
    for one in (graph, loads(dumps(graph, Catalog.default()))):
        assert same(config_from_graph(one), config)
    found: dict[str, Any] = to_document(graph)["nodes"]
    return found


def test_a_target_generator_is_wired_to_the_target_of_the_loss() -> None:
    nodes = nodes_of(algorithm(head=HEAD, target_generator={"type": "UnheardGenerator", "bins": 9}))
    assert nodes["target_generator"]["inputs"] == {"image": "image"}
    assert nodes["loss"]["inputs"] == {"pred": "head.out", "target": "target_generator.out"}
    assert "target" not in nodes_of(algorithm(head=HEAD))["loss"]["inputs"]


def test_a_memory_reads_the_chain_without_being_part_of_it() -> None:
    memory = {"type": "SimpleMemory", "length": 10, "feat_dim": 8, "momentum": 0.5}
    nodes = nodes_of(algorithm(neck=LINEAR, head=HEAD, memory_bank=memory, queue={"type": "UnheardQueue"}))
    assert nodes["memory_bank"]["inputs"] == {"feature": "neck.out", "index": "sample_index"}
    assert nodes["queue"]["inputs"] == {"feature": "neck.out"}
    assert nodes["head"]["inputs"] == {"feature": "neck.out"}


@pytest.mark.parametrize(
    ("package", "setting", "decay"),
    [
        ("mmpretrain", {"momentum": 0.001}, 0.999),
        ("mmpretrain", {"base_momentum": 0.004}, 0.996),
        ("mmselfsup", {"momentum": 0.999}, 0.999),
        ("mmselfsup", {"base_momentum": 0.99}, 0.99),
    ],
)
def test_an_unambiguous_momentum_becomes_that_of_momentum_copies(
    package: str, setting: dict[str, float], decay: float
) -> None:
    backbone = {**RESNET, "out_indices": [4 if package == "mmselfsup" else 3]}
    nodes = nodes_of(
        algorithm(**{"neck": {"type": "UnheardNeck"}, "head": HEAD, **setting, "backbone": backbone}), package
    )
    assert nodes["backbone_k"] == {"weights": {"momentum": "backbone", "decay": decay}, "inputs": {"image": "view_2"}}
    assert nodes["neck_k"]["weights"] == {"momentum": "neck", "decay": decay}
    assert nodes["head"]["inputs"] == {"feature": "neck.out", "key": "neck_k.out"}


@pytest.mark.parametrize(
    ("package", "parts"),
    [
        ("mmpretrain", {"neck": LINEAR, "momentum": 0.999}),  # the share that mmselfsup would mean
        ("mmselfsup", {"neck": LINEAR, "momentum": 0.01}),
        ("mmdet", {"neck": LINEAR, "momentum": 0.01}),
        ("mmpretrain", {"momentum": 0.001}),  # nothing but a backbone
        ("mmpretrain", {"neck": LINEAR, "momentum": "0.001"}),
        ("mmpretrain", {"neck": LINEAR, "momentum": 0.001, "base_momentum": 0.001}),
        ("mmpretrain", {"neck": LINEAR, "momentum": 0.001, "backbone_k": RESNET}),
    ],
)
def test_any_other_momentum_stays_a_setting_that_is_reported(package: str, parts: dict[str, Any]) -> None:
    config = algorithm(**parts, head=HEAD)
    imported = import_config(config, package)
    assert "kept in the metadata: momentum" in imported.notes[0].message
    assert not [name for name, node in imported.graph.nodes.items() if node.weights.rule == "momentum"]
    assert same(config_from_graph(imported.graph), config)


def test_an_edited_decay_is_written_back_in_the_convention_of_its_package() -> None:
    config = algorithm(neck=LINEAR, head=HEAD, momentum=0.001)
    text = dumps(import_config(config, "mmpretrain").graph, Catalog.default())
    assert config_from_graph(loads(text.replace("decay: 0.999", "decay: 0.99"))) == {**config, "momentum": 0.01}


def test_a_head_without_layers_is_no_node_but_that_of_mmselfsup_is() -> None:
    head = {"type": "ClsHead", "loss": {"type": "CrossEntropyLoss"}}
    assert set(nodes_of(algorithm(neck=LINEAR, head=head))) == {"backbone", "neck", "loss", "prediction"}
    assert "head" in nodes_of(algorithm(neck=LINEAR, head=head), "mmselfsup")


@pytest.mark.parametrize("kind", ["Unheard", "ImageClassifier"])
def test_levels_that_do_not_reach_the_output_are_reported(kind: str) -> None:
    backbone = {**RESNET, "out_indices": [1, 2, 3]}
    pooled = {**algorithm(neck={"type": "GlobalAveragePooling"}, backbone=backbone), "type": kind}
    assert "model.neck\n    it takes the last of 3 levels" in str(import_config(pooled))
    head = {"type": "LinearClsHead", "num_classes": 2, "in_channels": 512}
    for silent in ({**pooled, "head": head}, {**pooled, "backbone": RESNET}, {"type": kind, "backbone": backbone}):
        assert "levels" not in str(import_config(silent))


@pytest.mark.parametrize("value", [NAN, float("inf"), -float("inf"), [1.0, NAN], {"scale": NAN}])
def test_numbers_that_are_not_finite_come_back(value: Any) -> None:
    nodes_of(algorithm(head={"type": "UnheardHead", "value": value}))
    nodes_of(algorithm(head={"type": "LinearClsHead", "num_classes": 2, "in_channels": 512, "topk": value}))


def test_a_part_whose_component_has_another_name_keeps_its_own() -> None:
    generator = {"type": "DALL-E", "init_cfg": {"type": "Pretrained", "checkpoint": "encoder.pth"}}
    necks = [{"type": "mmselfsup.SimMIMNeck", "in_channels": 512, "encoder_stride": 32}, {"type": "UnheardNeck"}]
    nodes = nodes_of(algorithm(neck=necks, target_generator=generator))
    assert [nodes[name]["type"] for name in ("target_generator", "neck_0")] == ["DALLEEncoder", "SimMIMLinearDecoder"]


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        ({"backbone": {"type": "MAEViT", "mask_ratio": 0.4}}, "model.backbone.mask_ratio\n    no node of an algorithm"),
        ({"backbone": [RESNET, {"type": "MAEViT", "mask_ratio": 0.4}]}, "model.backbone.1.mask_ratio"),
        (
            {"target_generator": {"type": "CLIPGenerator", "tokenizer_path": "clip.pth"}},
            "model.target_generator.tokenizer_path\n    the weights in clip.pth are not loaded",
        ),
    ],
)
def test_settings_that_no_node_has_are_reported(parts: dict[str, Any], expected: str) -> None:
    config = algorithm(**parts)
    assert expected in str(import_config(config))
    assert "mask_ratio" not in str(
        import_config(algorithm(head={"type": "LinearClsHead", "num_classes": 2, "topk": 1}))
    )
    nodes_of(config)


def test_a_fix_never_replaces_a_part_by_another_kind() -> None:
    catalog = Catalog.default()
    for kind, expected in (("SwAVNeckHead", "heads"), ("LinearNec", None), ("MultiPrototypesLoss", "losses")):
        imported = import_config(algorithm(neck={"type": kind}), "mmpretrain")
        wrong = [item for item in composer.check(imported.graph, catalog) if item.code == "unknown-type"]
        fixes = [edit.value for item in wrong if item.fix for edit in item.fix.edits]
        assert all(catalog[str(fix)].kind in (expected, "necks", "layers") for fix in fixes), kind


CLASSIFIER = {
    "type": "MyClassifier",
    "backbone": {"type": "ResNet", "depth": 18},
    "neck": {"type": "GlobalAveragePooling"},
    "head": {"type": "LinearClsHead", "num_classes": 4, "in_channels": 512, "loss": {"type": "CrossEntropyLoss"}},
}


def test_a_class_made_after_image_classifier_is_drawn_as_one_and_reported() -> None:
    found = import_config({**CLASSIFIER, "sharpness": 2}, "mmpretrain")
    plain = import_config({**CLASSIFIER, "type": "ImageClassifier"}, "mmpretrain")
    assert (found.graph.nodes, found.graph.outputs) == (plain.graph.nodes, plain.graph.outputs)
    assert found.graph.data_samples == plain.graph.data_samples
    (note,) = found.notes
    assert note.message.startswith("MyClassifier is no algorithm that is known: it is drawn as ImageClassifier")
    assert note.message.endswith("kept in the metadata: sharpness")
    assert plain.notes == ()
    assert config_from_graph(found.graph) == {**CLASSIFIER, "sharpness": 2}


@pytest.mark.parametrize(
    ("config", "package", "classifies"),
    [
        (CLASSIFIER, "mmpretrain", True),
        ({**CLASSIFIER, "type": "MyNet"}, "mmpretrain", True),
        ({**CLASSIFIER, "head": {"type": "MyHead"}}, "mmpretrain", True),
        ({**CLASSIFIER, "type": "MyNet", "head": {"type": "MyHead"}}, "mmpretrain", False),
        ({**CLASSIFIER, "target_generator": {"type": "HOGGenerator"}}, "mmpretrain", False),
        (CLASSIFIER, "mmdet", False),
    ],
)
def test_algorithms_that_look_like_image_classifiers_get_predict_mode(
    config: dict[str, Any], package: str, classifies: bool
) -> None:
    assert ("predict" in import_config(config, package).graph.modes) == classifies
