"""Small forms of saved graphs, at least one of each family that trains in a way of its own."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import composer
from composer.graph import Graph, freeze, thaw
from tests import tiny_graphs

SAMPLES = 32
CLUSTERS = 4
SIZE, PATCH = 32, 4
GRID = SIZE // PATCH
HIDDEN = 26

RESNET = {"depth": 18, "in_channels": 1, "stem_channels": 4, "base_channels": 4}
NORM = {"type": "BN1d"}
ARCH = {"embed_dims": 12, "num_layers": 2, "num_heads": 2, "feedforward_channels": 16}
VIT = {"arch": ARCH, "img_size": SIZE, "patch_size": PATCH}
SWIN = {"arch": {"embed_dims": 8, "depths": [1, 1], "num_heads": [1, 2]}, "img_size": SIZE, "out_indices": [1]}
DALLE = {"n_hid": 8, "n_blk_per_group": 1, "vocab_size": 16}

PRETEXT: Mapping[str, Mapping[str, Mapping[str, Any]]] = {
    "npid": {"neck": {"out_channels": 8}, "memory_bank": {"length": SAMPLES, "neg_num": 8}},
    "odc": {
        "neck": {"hid_channels": 16, "out_channels": 8, "norm_cfg": NORM},
        "memory_bank": {"length": SAMPLES, "num_classes": CLUSTERS, "min_cluster": 2, "centroids_update_interval": 3},
        "class_weights": {"num_classes": CLUSTERS},
        "head": {"in_channels": 8, "num_classes": CLUSTERS},
    },
    "deepcluster": {
        "class_weights": {"num_classes": CLUSTERS, "reweight": True},
        "head": {"in_channels": 32, "num_classes": CLUSTERS},
    },
    "swav": {
        "neck": {"in_channels": 32, "hid_channels": 16, "out_channels": 8, "norm_cfg": NORM},
        "loss": {"num_prototypes": 6, "queue_length": 16, "queue_starts": 1, "frozen_steps": 3},
    },
    "relative_loc": {"patches": {"patch_size": 8}, "neck": {"out_channels": 8}, "head": {"in_channels": 8}},
    "rotation_pred": {"head": {"in_channels": 32}},
}

MASKED: Mapping[str, Mapping[str, Mapping[str, Any]]] = {
    "simmim": {
        "backbone": {**SWIN, "stage_cfgs": {"block_cfgs": {"window_size": 4}}},
        "neck": {"in_channels": 16, "encoder_stride": 2 * PATCH},
    },
    "maskfeat": {
        "backbone": VIT,
        "neck": {"in_channels": 12},
        "target_generator": {"patch_size": PATCH, "pool": PATCH // 2, "gaussian_window": 0},
    },
    "beit": {"backbone": VIT, "target_generator": DALLE, "head": {"embed_dims": 12, "num_embed": 16}},
}

FAMILIES = (
    "vit_base_p16",
    "resnet50_arcface",
    "moco_v2",
    "moco_v3",
    "byol",
    "simsiam",
    "simclr",
    "barlowtwins",
    "mae_fashion_mnist",
    *MASKED,
    *PRETEXT,
    "digits",
)


def small(name: str) -> Graph:
    """A saved graph with few channels and small images."""
    if name in tiny_graphs.NAMES:
        return tiny_graphs.small(name)
    graph = composer.read(next(tiny_graphs.SAVED.rglob(f"{name}.yaml")))
    if name in PRETEXT:
        return pretext(graph, PRETEXT[name])
    return masked(graph, MASKED[name], name) if name in MASKED else graph


def pretext(graph: Graph, changes: Mapping[str, Mapping[str, Any]]) -> Graph:
    nodes = dict(graph.nodes)
    nodes["backbone"] = replace(nodes["backbone"], type="ResNet_CIFAR", params=freeze(RESNET))
    for node, params in changes.items():
        nodes[node] = replace(nodes[node], params=freeze({**thaw(nodes[node].params), **params}))
    sizes = {view: 28 if number < 2 else 14 for number, view in enumerate(graph.inputs)}
    inputs = {
        view: replace(entry, shape=("B", 1, sizes[view], sizes[view]), preprocess=None)
        for view, entry in graph.inputs.items()
    }
    return replace(graph.with_nodes(nodes), inputs=freeze(inputs))


def masked(graph: Graph, changes: Mapping[str, Mapping[str, Any]], name: str) -> Graph:
    nodes = dict(graph.nodes)
    for node, params in changes.items():
        nodes[node] = replace(nodes[node], params=freeze({**thaw(nodes[node].params), **params}))
    inputs = {
        key: replace(entry, shape=("B", 3, *[8 * GRID if key == "target_image" else SIZE] * 2), preprocess=None)
        for key, entry in graph.inputs.items()
    }
    fields = {key: replace(field, shape=("B", GRID, GRID)) for key, field in graph.data_samples.items()}
    return replace(graph.with_nodes(nodes), inputs=freeze(inputs), data_samples=freeze(fields))
