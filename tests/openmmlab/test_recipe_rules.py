"""Rules for some parameters become roles and a policy by node, equal to mmengine's parameter by parameter."""

from pathlib import Path

import pytest

from composer.catalog import Catalog
from composer.graph import Graph
from composer.openmmlab import import_config
from composer.openmmlab.config_file import ConfigFile
from composer.openmmlab.recipes import import_recipe

RESNET = {
    "type": "ImageClassifier",
    "backbone": {"type": "ResNet", "depth": 18},
    "neck": {"type": "GlobalAveragePooling"},
    "head": {"type": "LinearClsHead", "num_classes": 4, "in_channels": 512},
}
VIT = {
    "type": "ImageClassifier",
    "backbone": {"type": "VisionTransformer", "arch": "deit-tiny", "img_size": 32, "patch_size": 16},
    "head": {"type": "VisionTransformerClsHead", "num_classes": 4, "in_channels": 192},
}
CATALOG = Catalog.default()


@pytest.fixture(scope="module")
def graphs() -> dict[str, Graph]:
    return {name: import_config(model, catalog=CATALOG).graph for name, model in (("resnet", RESNET), ("vit", VIT))}


class Imported:
    def __init__(self, graph: Graph, wrapper: dict, *, older: bool = False) -> None:
        data = {"optim_wrapper": wrapper} if not older else {"optimizer": wrapper}
        found = import_recipe(ConfigFile(Path("c.py"), data, None, (), ()), graph, catalog=CATALOG)
        assert found.recipe.optimizer is not None
        self.optimizer = found.recipe.optimizer
        self.policy = found.recipe.to_document().get("policy", {})
        warned = {note.where.subject: note.message for note in found.notes if note.severity == "warning"}
        self.left = {place: text for place, text in warned.items() if place != "train_dataloader"}
        self.meant = {note.where.subject: note.message for note in found.notes if note.severity == "notice"}


def imported(graph: Graph, **paramwise) -> Imported:
    optimizer = {"type": "AdamW", "lr": 0.001, "weight_decay": 0.05}
    return Imported(graph, {"optimizer": optimizer, "paramwise_cfg": paramwise})


def test_paramwise_multipliers_of_norms_and_biases_become_optimizer_settings(graphs):
    found = imported(graphs["resnet"], norm_decay_mult=0.0, bias_decay_mult=0.5, bias_lr_mult=2.0)
    optimizer = found.optimizer
    assert (optimizer.norm_decay_mult, optimizer.bias_decay_mult, optimizer.bias_lr_mult) == (0, 0.5, 2)
    assert found.policy == {} and found.left == {}


def test_a_custom_key_that_names_a_node_becomes_its_policy(graphs):
    found = imported(graphs["resnet"], custom_keys={"backbone": {"lr_mult": 0.1, "decay_mult": 0.5}})
    assert found.policy == {"backbone": {"lr": 0.1, "decay": 0.5}} and found.left == {}


def test_the_longest_matching_custom_key_wins(graphs):
    keys = {"backbone": {"lr_mult": 0.1}, "backbone.layer1": {"lr_mult": 0.5}}
    found = imported(graphs["resnet"], custom_keys=keys)
    assert found.policy == {"backbone": {"lr": 0.1}, "backbone.layer1": {"lr": 0.5}}


def test_custom_keys_that_name_all_norms_become_norm_decay_mult(graphs):
    keys = {"bn": {"decay_mult": 0.0}, "downsample.1": {"decay_mult": 0.0}, "bias": {"decay_mult": 0.0}}
    found = imported(graphs["resnet"], custom_keys=keys)
    assert (found.optimizer.norm_decay_mult, found.optimizer.bias_decay_mult, found.policy) == (0, 0, {})
    assert found.left == {}


def test_custom_keys_that_name_parameters_become_no_decay(graphs):
    keys = {".cls_token": {"decay_mult": 0.0}, ".pos_embed": {"decay_mult": 0.0}}
    found = imported(graphs["vit"], custom_keys=keys)
    assert found.optimizer.no_decay == ["cls_token", "pos_embed"] and found.left == {}
    assert (found.optimizer.norm_decay_mult, found.optimizer.bias_decay_mult) == (1, 1)


def test_flat_parameters_are_named(graphs):
    found = imported(graphs["vit"], flat_decay_mult=0.0)
    assert (found.optimizer.norm_decay_mult, found.optimizer.bias_decay_mult) == (0, 0) and found.left == {}


def test_a_rate_by_layer_is_a_policy_of_the_backbone(graphs):
    found = imported(graphs["vit"], layer_decay_rate=0.65, custom_keys={".ln": {"decay_mult": 0.0}})
    assert found.policy["backbone"] == {"layer_decay": 0.65}
    assert found.optimizer.norm_decay_mult == 0


def test_a_custom_key_that_matches_no_parameter_is_reported(graphs):
    found = imported(graphs["resnet"], custom_keys={"decoder": {"lr_mult": 0.1}})
    assert found.policy == {} and "'decoder'" in found.meant["optim_wrapper.paramwise_cfg.custom_keys.decoder"]


def test_a_custom_key_that_overrides_the_rules_of_norms_and_biases_is_reported(graphs):
    found = imported(graphs["resnet"], norm_decay_mult=0.0, custom_keys={"backbone": {"lr_mult": 0.1}})
    assert found.policy == {"backbone": {"lr": 0.1}} and found.optimizer.norm_decay_mult == 0
    assert "mmengine#846" in found.meant["optim_wrapper.paramwise_cfg.custom_keys"]


def test_expressions_of_mmselfsup_0_are_followed(graphs):
    options = {r"\Ahead.": {"lr_mult": 10}, r"(bn\d|downsample.1|bias)": {"weight_decay": 0.0}, "(": {"lr_mult": 1}}
    optimizer = {"type": "SGD", "lr": 0.1, "weight_decay": 0.01, "paramwise_options": options}
    found = Imported(graphs["resnet"], optimizer, older=True)
    assert found.policy == {"head": {"lr": 10.0}} and found.optimizer.bias_decay_mult == 0
    assert "no regular expression" in found.left["optimizer.paramwise_options.("]


def test_rules_that_are_not_known_are_reported(graphs):
    found = imported(graphs["resnet"], surprise=2, custom_keys={"head": {"lr_mult": 2, "momentum": 0.5}})
    assert "surprise" in str(found.left) and "optim_wrapper.paramwise_cfg.custom_keys.head.momentum" in found.left


def test_custom_keys_of_a_graph_that_cannot_be_built_are_read_by_name(graphs):
    model = {**RESNET, "backbone": {"type": "Unheard"}}
    graph = import_config(model, catalog=CATALOG).graph
    keys = {"backbone": {"lr_mult": 0.1}, ".norm": {"decay_mult": 0}, "pos_embed": {"decay_mult": 0}, "x.y": {}}
    found = imported(graph, custom_keys=keys)
    assert found.policy == {"backbone": {"lr": 0.1}} and found.optimizer.no_decay == ["pos_embed"]
    assert found.optimizer.norm_decay_mult == 0 and "cannot be built" in str(found.left)
