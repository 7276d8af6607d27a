"""Algorithms that fill in hidden patches: the originals' numbers, and configs that come back."""

import copy
import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

import composer
from composer import GraphError
from composer.catalog import Catalog
from composer.graph.file import dumps, loads
from composer.graph.file.document import from_document, to_document
from composer.openmmlab import config_from_graph, graph_from_config, import_config, load_state_dict
from composer.openmmlab.plain import same
from tests.openmmlab.masked_images import (
    ARCH,
    DALLE,
    MASKED_IMAGES,
    SEED,
    TWO_NORMS,
    VQKD_ENCODER,
    beit,
    beitv2,
    cae,
    filled,
    mae,
    maskfeat,
    mixmim,
    simmim,
)

RECORDED: dict[str, Any] = json.loads(Path(__file__).with_name("masked_images.json").read_text())
NAMES = sorted(MASKED_IMAGES)
SAVED = Path(__file__).parents[2] / "saved_graphs" / "selfsup"


@cache
def model_of(name: str) -> composer.Model:
    return composer.compile(graph_from_config(MASKED_IMAGES[name].config))


def loaded(name: str, training: bool) -> composer.Model:
    model = model_of(name).train(training)
    report = load_state_dict(model, filled(RECORDED[name]["entries"], MASKED_IMAGES[name].config["type"]))
    assert not report.unexpected
    assert not report.mismatched
    for module in model.modules():
        if hasattr(module, "starts_from_data"):
            module.starts_from_data = False
    return model


def losses(model: composer.Model, name: str) -> dict[str, Tensor]:
    case = MASKED_IMAGES[name]
    torch.manual_seed(SEED)
    return model(case.images(), {"mask": case.mask()}, mode="loss")


def norm_of(tensors: list[Tensor]) -> float:
    return torch.stack([item.norm() for item in tensors]).norm().item()


def test_every_config_is_recorded() -> None:
    assert sorted(RECORDED) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_evaluation_gives_the_originals_numbers(name: str) -> None:
    model = loaded(name, training=False)
    with torch.no_grad():
        features = model(MASKED_IMAGES[name].images(), mode="tensor")["features"]
        found = losses(model, name)
    assert [level.norm().item() for level in features] == pytest.approx(RECORDED[name]["tensor"], rel=1e-4)
    assert {key: value.item() for key, value in found.items()} == pytest.approx(RECORDED[name]["loss_eval"], rel=1e-4)


@pytest.mark.parametrize("name", NAMES)
def test_a_training_step_gives_the_originals_losses_gradients_and_state(name: str) -> None:
    model, recorded = loaded(name, training=True), RECORDED[name]
    before = {key: value.clone() for key, value in model.state_dict().items()}
    model.zero_grad()
    found = losses(model, name)
    sum(value for key, value in found.items() if "loss" in key).backward()
    assert {key: value.item() for key, value in found.items()} == pytest.approx(recorded["loss"], rel=1e-4)
    for node, norm in recorded["gradients"].items():
        own = [item.grad for item in model.get_submodule(node).parameters() if item.grad is not None]
        assert norm_of(own) == pytest.approx(norm, rel=2e-3)
    after = model.state_dict()
    moved = [key for key in before if after[key].is_floating_point() and not torch.equal(after[key], before[key])]
    assert {key.partition(".")[0] for key in moved} == recorded["moved"].keys()
    for node, norm in recorded["moved"].items():
        own = [after[key] for key in moved if key.startswith(f"{node}.")]
        assert norm_of(own) == pytest.approx(norm, rel=1e-4)


MMSELFSUP_VQKD = {key: value for key, value in VQKD_ENCODER.items() if key != "out_type"}
TINY = {"arch": ARCH, "img_size": 32, "patch_size": 8}
SELFSUP_HEAD = {"type": "BEiTV1Head", "embed_dims": 16, "num_embed": 11, "loss": {"type": "BEiTLoss"}}
SELFSUP: dict[str, dict[str, Any]] = {
    "mae": mae({"loss": {"type": "MAEReconstructionLoss"}}, output_cls_token=True, mask_ratio=0.75),
    "simmim": {
        **simmim(arch="B", img_size=192),
        "neck": {"type": "SimMIMNeck", "in_channels": 256, "encoder_stride": 8},
        "head": {
            "type": "SimMIMHead",
            "patch_size": 4,
            "loss": {"type": "SimMIMReconstructionLoss", "encoder_in_channels": 3},
        },
    },
    "mixmim": {**mixmim(), "backbone": {"type": "MixMIMTransformerPretrain", "arch": "B"}},
    "maskfeat": {
        **maskfeat(),
        "neck": {"type": "LinearNeck", "in_channels": 16, "out_channels": 36, "with_avg_pool": False},
        "head": {"type": "MaskFeatPretrainHead", "loss": {"type": "PixelReconstructionLoss", "criterion": "L2"}},
    },
    "beit": {
        **beit(),
        "backbone": {"type": "BEiTViT", **TINY, "avg_token": False},
        "head": SELFSUP_HEAD,
    },
    "beitv2": {
        **beitv2(encoder_config={**MMSELFSUP_VQKD, "avg_token": False, "output_cls_token": False}),
        "backbone": {"type": "BEiTViT", **TINY, "out_indices": [0, -1], "final_norm": False},
        "head": {**SELFSUP_HEAD, "type": "BEiTV2Head"},
    },
    "cae": {
        **cae(),
        "backbone": {"type": "CAEViT", **TINY, "init_values": 0.1, "qkv_bias": False},
        "neck": {
            "type": "CAENeck",
            "patch_size": 8,
            "embed_dims": 16,
            "num_heads": 2,
            "num_classes": 11,
            "regressor_depth": 1,
            "decoder_depth": 1,
            "mask_tokens_num": 6,
            "init_values": 0.1,
        },
        "data_preprocessor": {"type": "CAEDataPreprocessor", "mean": [124.0] * 3, "std": [59.0] * 3},
    },
}
OTHERS = [
    mae(mask_ratio=0.5, patch_size=[8, 4]),
    {**mae(), "backbone": {"type": "MAEHiViT", "mask_ratio": 0.75}},
    mixmim(mask_ratio=0.3, range_mask_ratio=0.1, window_size=[16, 8, 4, 2]),
    {**mixmim(), "head": {**mixmim()["head"], "patch_size": 16}},
    {**mae(), "head": {"type": "SomeHead", "loss": {"type": "SomeLoss"}}},
    {**beit(), "head": {**SELFSUP_HEAD, "loss": {"type": "CrossEntropyLoss", "reduction": "sum"}}},
    {**beit(), "target_generator": {**DALLE, "init_cfg": {"type": "Pretrained", "checkpoint": "d.pth"}}},
    {**beit(), "data_preprocessor": {"type": "SelfSupDataPreprocessor", "mean": [1.0] * 3, "std": [2.0] * 3}},
    {**cae(), "base_momentum": 0.9},
    {key: value for key, value in cae().items() if key != "base_momentum"},
    {**maskfeat(), "target_generator": {"type": "SomeGenerator"}},
]


def comes_back(config: dict[str, Any], package: str) -> None:
    given = copy.deepcopy(config)
    graph = import_config(config, package).graph
    assert same(config_from_graph(graph), given)
    assert same(config_from_graph(loads(dumps(graph, Catalog.default()))), given)


@pytest.mark.parametrize("name", NAMES)
def test_a_config_comes_back(name: str) -> None:
    comes_back(MASKED_IMAGES[name].config, "mmpretrain")


@pytest.mark.parametrize("name", sorted(SELFSUP))
def test_a_config_of_mmselfsup_comes_back_and_is_known_as_such(name: str) -> None:
    comes_back(SELFSUP[name], "mmselfsup")
    assert not import_config(SELFSUP[name]).not_understood
    if name != "beitv2":
        assert import_config(SELFSUP[name]).graph.metadata["openmmlab"]["package"] == "mmselfsup"


@pytest.mark.parametrize("config", OTHERS)
def test_other_settings_and_unknown_parts_come_back(config: dict[str, Any]) -> None:
    comes_back(config, "mmpretrain")


@pytest.mark.parametrize(("extent", "expected"), [(0.0, []), (0.2, ["model.backbone.range_mask_ratio"])])
def test_a_ratio_that_changes_from_call_to_call_is_reported(extent: float, expected: list[str]) -> None:
    found = import_config(mixmim(range_mask_ratio=extent), "mmpretrain")
    assert [note.where.subject for note in found.not_understood] == expected
    composer.compile(found.graph)


def edited(config: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    document = to_document(import_config(config, "mmpretrain").graph)
    *outer, key = path.split(".")
    inside = document
    for step in outer:
        inside = inside.setdefault(step, {})
    inside[key] = value
    return config_from_graph(from_document(document))


@pytest.mark.parametrize(
    ("config", "path", "value", "where", "expected"),
    [
        (mae(mask_ratio=0.6), "nodes.masking.params.mask_ratio", 0.5, ("backbone", "mask_ratio"), 0.5),
        (mixmim(), "nodes.masking.params.mask_ratio", 0.25, ("backbone", "mask_ratio"), 0.25),
        (cae(), "nodes.teacher.weights.decay", 0.5, ("base_momentum",), 0.5),
        (beit(), "inputs.target_image.preprocess.mean", [1.0] * 3, ("data_preprocessor", "second_mean"), [1.0] * 3),
        (beit(), "inputs.image.preprocess.mean", [1.0] * 3, ("data_preprocessor", "mean"), [1.0] * 3),
        (beitv2(), "nodes.target_generator.params.num_embed", 12, ("target_generator", "num_embed"), 12),
        (simmim(), "nodes.loss.params.channel", 1, ("head", "loss", "channel"), 1),
    ],
)
def test_an_edit_shows_in_the_config(
    config: dict[str, Any], path: str, value: Any, where: tuple[str, ...], expected: Any
) -> None:
    found: Any = edited(config, path, value)
    for key in where:
        found = found[key]
    assert found == expected


def test_an_edit_of_a_renamed_setting_is_written_under_its_own_name() -> None:
    graph = import_config(SELFSUP["cae"], "mmselfsup").graph
    document = to_document(graph)
    document["nodes"]["backbone"]["params"]["layer_scale_init_value"] = 0.2
    document["nodes"]["backbone"]["params"]["bias"] = True
    found = config_from_graph(from_document(document))["backbone"]
    assert found["init_values"] == 0.2
    assert found["qkv_bias"] is True
    assert "layer_scale_init_value" not in found


def test_a_mask_of_another_kind_of_nodes_is_refused() -> None:
    with pytest.raises(GraphError, match="expected RandomMasking"):
        edited(mae(), "nodes.neck.inputs.ids_restore", "backbone.out[0]")


def test_the_second_image_is_prepared_by_its_own_numbers() -> None:
    graph = graph_from_config(cae(), "mmpretrain")
    first, second = graph.inputs["image"].preprocess, graph.inputs["target_image"].preprocess
    assert first is not None
    assert second is not None
    assert (first.mean, second.mean) == ((123.675, 116.28, 103.53), (-31.875,) * 3)
    assert (first.std, second.std) == ((58.395, 57.12, 57.375), (318.75,) * 3)
    assert graph.inputs["target_image"].shape == ("B", 3, 32, 32)


def test_the_second_image_is_the_same_crop_as_the_first() -> None:
    arch = {"backbone": {"type": "BEiTPretrainViT", "arch": ARCH}}
    graph = graph_from_config({**beit(), **arch}, "mmpretrain")
    first, second = graph.inputs["image"].preprocess, graph.inputs["target_image"].preprocess
    assert first is not None
    assert second is not None
    assert ((first.resize, first.crop), (second.resize, second.crop)) == ((256, (224, 224)), (128, (112, 112)))


@pytest.mark.parametrize("config", [beit(), beitv2(), cae()])
def test_second_numbers_are_no_longer_left_to_the_caller(config: dict[str, Any]) -> None:
    assert not import_config({**config, "data_preprocessor": TWO_NORMS}).notes


def test_pretrained_tokenizers_are_left_to_the_caller_and_load(tmp_path: Path) -> None:
    tokenizer = {**DALLE, "init_cfg": {"type": "Pretrained", "checkpoint": "dalle_encoder.pth"}}
    found = import_config({**beit(), "target_generator": tokenizer})
    assert ["dalle_encoder.pth" in str(note) for note in found.notes] == [True]
    model = composer.compile(found.graph)
    entries = model.target_generator.state_dict()
    weights = {name: torch.randn_like(item) for name, item in entries.items()}
    path = tmp_path / "dalle_encoder.pth"
    torch.save({"state_dict": weights}, path)
    report = load_state_dict(model, torch.load(path, weights_only=True))
    assert not report.unexpected
    assert len(report.matched) == len(weights)
    assert torch.equal(model.target_generator.blocks.input.w, weights["blocks.input.w"])


def test_clips_own_checkpoint_loads_into_the_generator_of_targets() -> None:
    tiny = {"input_resolution": 32, "patch_size": 8, "width": 8, "layers": 1, "heads": 2, "output_dim": 36}
    config = {**maskfeat(), "backbone": {"type": "MaskFeatViT", **TINY}}
    document = to_document(import_config({**config, "target_generator": {"type": "HOGGenerator", "pool": 4}}).graph)
    document["nodes"]["target_generator"] = {"type": "CLIPGenerator", "params": tiny, "inputs": {"image": "image"}}
    document["nodes"]["patches"] = {
        "type": "Slice",
        "params": {"dim": 1, "start": 1},
        "inputs": {"input": "target_generator.out"},
    }
    document["nodes"]["loss"]["inputs"]["target"] = "patches.out"
    model = composer.compile(from_document(document))
    entries = model.target_generator.tokenizer.visual.state_dict()
    weights = {f"visual.{name}": torch.randn_like(item) for name, item in entries.items()}
    report = load_state_dict(model, {**weights, "logit_scale": torch.ones(())})
    assert report.unexpected == ("logit_scale",)
    assert len(report.matched) == len(weights)
    assert torch.equal(model.target_generator.tokenizer.visual.proj, weights["visual.proj"])
    mask = torch.zeros(2, 4, 4, dtype=torch.bool)
    mask[:, 0] = True
    assert model(torch.randn(2, 3, 32, 32), {"mask": mask}, mode="loss")["loss"].isfinite()


@pytest.mark.parametrize("config", [mae(), simmim(), mixmim(), maskfeat(), beit(), beitv2(), cae()])
def test_a_graph_without_notes_about_its_config_has_one_that_draws_it(config: dict[str, Any]) -> None:
    document = to_document(graph_from_config(config, "mmpretrain"))
    del document["metadata"]
    found = config_from_graph(from_document(document))
    assert found["type"] == config["type"]
    drawn = to_document(graph_from_config(found, "mmpretrain"))
    for section in ("inputs", "data_samples", "nodes", "outputs"):
        assert drawn.get(section) == document.get(section)


@pytest.mark.parametrize(
    ("name", "node"), [("simmim", "backbone"), ("maskfeat", "backbone"), ("beitv2", "backbone"), ("cae", "neck")]
)
def test_a_mask_of_another_grid_is_refused_before_anything_is_updated(name: str, node: str) -> None:
    case, model = MASKED_IMAGES[name], model_of(name).train()
    before = {key: value.clone() for key, value in model.state_dict().items()}
    mask = torch.zeros(3, 3, 3, dtype=torch.bool)
    mask.flatten(1)[:, :6] = True
    with pytest.raises(GraphError, match="mask") as caught:
        model(case.images(), {"mask": mask}, mode="loss")
    assert [problem.where.node for problem in caught.value.problems] == [node]
    assert all(torch.equal(value, before[key]) for key, value in model.state_dict().items())


def test_the_teacher_follows_the_backbone_after_the_step_and_in_training_only() -> None:
    case = MASKED_IMAGES["cae"]
    document = to_document(graph_from_config(case.config))
    document["nodes"]["teacher"]["weights"]["decay"] = 0.5
    model = composer.compile(from_document(document))
    arguments = case.images(), {"mask": case.mask()}
    assert torch.equal(model.teacher.cls_token, model.backbone.cls_token)
    model.train()(*arguments, mode="loss")["loss"].backward()
    assert all(parameter.grad is None for parameter in model.teacher.parameters())
    with torch.no_grad():
        model.backbone.cls_token.add_(1)
    old = model.teacher.cls_token.clone()
    model.eval()(*arguments, mode="loss")
    assert torch.equal(model.teacher.cls_token, old)
    model.train()(*arguments, mode="loss")
    torch.testing.assert_close(model.teacher.cls_token, (old + model.backbone.cls_token) / 2)
