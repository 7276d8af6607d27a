"""Transformers that other packages, or older releases, describe under other names."""

from typing import Any

import pytest

import composer
from composer.graph import thaw
from composer.openmmlab import config_from_graph, import_config
from composer.openmmlab.plain import same
from composer.problems import Edit

SIZE = {"embed_dims": 12, "depths": [1, 1, 2], "num_heads": [1, 2, 4]}

TINY = {"embed_dims": 16, "num_layers": 2, "num_heads": 2, "feedforward_channels": 32}


def vit(**settings: Any) -> dict[str, Any]:
    backbone = {"type": "VisionTransformer", "arch": TINY, "img_size": 32, "patch_size": 16, **settings}
    return {"type": "ImageClassifier", "backbone": backbone}


def detection_swin(**settings: Any) -> dict[str, Any]:
    backbone = {"type": "SwinTransformer", **SIZE, "out_indices": [0, 1, 2], **settings}
    return {"type": "mmdet.Unheard", "backbone": backbone}


def params_of(config: dict[str, Any]) -> Any:
    found = import_config(config)
    assert found.not_understood == (), str(found)
    composer.compile(found.graph)
    return thaw(found.graph.nodes["backbone"].params)


@pytest.mark.parametrize(
    ("old", "out_type"),
    [
        ({"output_cls_token": False, "avg_token": True}, "avg_featmap"),
        ({"output_cls_token": False}, "featmap"),
        ({"output_cls_token": True}, None),
        ({"avg_token": True}, None),
        ({"out_type": "raw"}, "raw"),
    ],
)
def test_the_tokens_of_old_releases_are_an_out_type(old: dict[str, Any], out_type: str | None) -> None:
    assert params_of(vit(**old)).get("out_type") == out_type
    graph = import_config(vit(**old)).graph
    assert same(config_from_graph(graph), vit(**old))


@pytest.mark.parametrize("old", [{"output_cls_token": False, "out_type": "raw"}, {"avg_token": "yes"}])
def test_invalid_token_settings_are_reported(old: dict[str, Any]) -> None:
    problems = composer.check(import_config(vit(**old)).graph)
    assert {problem.where.parameter for problem in problems} >= {key for key in old if key != "out_type"}


def test_an_edited_out_type_takes_the_place_of_the_old_names() -> None:
    graph = import_config(vit(output_cls_token=False)).graph
    edited = composer.edit(graph, Edit(("nodes", "backbone", "params", "out_type"), "avg_featmap"))
    written = config_from_graph(edited)["backbone"]
    assert "output_cls_token" not in written
    assert written["out_type"] == "avg_featmap"


def block(**options: Any) -> dict[str, Any]:
    return {"stage_cfgs": {"block_cfgs": options}}


@pytest.mark.parametrize(
    ("settings", "params"),
    [
        ({}, {}),
        ({"mlp_ratio": 2}, block(ffn_ratio=2)),
        ({"qkv_bias": False, "qk_scale": 0.5}, block(attn_cfgs={"qkv_bias": False, "qk_scale": 0.5})),
        ({"attn_drop_rate": 0.1}, block(attn_cfgs={"attn_drop": 0.1})),
        ({"act_cfg": {"type": "ReLU"}}, block(ffn_cfgs={"act_cfg": {"type": "ReLU"}})),
        (
            {"drop_rate": 0.1},
            {"drop_rate": 0.1, **block(attn_cfgs={"proj_drop": 0.1}, ffn_cfgs={"ffn_drop": 0.1})},
        ),
        (
            {"patch_norm": False},
            {"patch_cfg": {"norm_cfg": None}, "stage_cfgs": {"downsample_cfg": {"norm_cfg": None}}},
        ),
        ({"frozen_stages": 2}, {"frozen_stages": 1}),
        ({"pretrain_img_size": 384, "convert_weights": True, "with_cp": True}, {"img_size": 384, "with_cp": True}),
        ({"strides": [4, 2, 2]}, {}),
        (
            {"strides": [4, 1, 2]},
            {"stage_cfgs": [{"downsample_cfg": {"stride": 1}}, {"downsample_cfg": {}}, {"downsample_cfg": {}}]},
        ),
    ],
)
def test_the_swin_transformer_of_mmdet_has_its_own_names(settings: dict[str, Any], params: dict[str, Any]) -> None:
    config = detection_swin(**settings)
    found = params_of(config)
    starts = found.pop("init_cfg")
    assert [rule["type"] for rule in starts] == ["TruncNormal", "Constant"]
    assert found == {"arch": SIZE, "out_indices": [0, 1, 2], "pad_small_map": True, **params}
    assert same(config_from_graph(import_config(config).graph), config)


@pytest.mark.parametrize(
    ("settings", "key"),
    [
        ({"frozen_stages": 0}, "frozen_stages"),
        ({"frozen_stages": 1, "use_abs_pos_embed": True}, "frozen_stages"),
        ({"strides": [2, 2, 2]}, "strides"),
        ({"strides": [4, 2]}, "strides"),
        ({"strides": "4"}, "strides"),
    ],
)
def test_settings_of_mmdets_swin_that_the_component_lacks_are_reported(settings: dict[str, Any], key: str) -> None:
    (problem,) = import_config(detection_swin(**settings)).not_understood
    assert problem.where.subject == f"model.backbone.{key}"


def test_edited_depths_are_written_under_the_parameter_names_of_mmdet() -> None:
    graph = import_config(detection_swin(mlp_ratio=2, drop_path_rate=0.2)).graph
    arch = {**SIZE, "depths": [1, 3, 2]}
    edited = composer.edit(graph, Edit(("nodes", "backbone", "params", "arch"), arch))
    expected = {"type": "SwinTransformer", **arch, "mlp_ratio": 2, "drop_path_rate": 0.2, "out_indices": [0, 1, 2]}
    assert config_from_graph(edited)["backbone"] == expected


def test_the_name_of_another_package_means_its_class() -> None:
    config = detection_swin()
    config["backbone"] = {"type": "mmpretrain.SwinTransformer", "arch": "tiny", "drop_rate": 0.1}
    assert params_of(config) == {"drop_rate": 0.1}


@pytest.mark.parametrize(("levels", "expected"), [([0, 4], "found 0"), ([5], "found 5"), ([1, 4], "")])
def test_indices_of_mmselfsup_are_reported_as_they_are_written(levels: list[int], expected: str) -> None:
    config = {"type": "mmselfsup.SimSiam", "backbone": {"type": "ResNet", "depth": 18, "out_indices": levels}}
    found = import_config(config)
    assert [problem.where.subject for problem in found.not_understood] == ["model.backbone.out_indices"] * bool(
        expected
    )
    assert expected in str(found)
