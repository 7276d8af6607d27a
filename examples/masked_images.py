"""Train small forms of the saved graphs that fill in hidden patches on Fashion-MNIST, and see whether their loss falls.

The wires are those of saved_graphs/selfsup/, the parts are small, and images are 32 pixels wide. The tokenizers of
BEiT, BEiT v2 and CAE have random weights here: what they say of an image can be learned, but means little.
``train_mae.py`` is the example of MAE.

    python examples/masked_images.py                     all of them
    python examples/masked_images.py simmim cae          some
"""

import argparse
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F
from train_fashion_mnist import DEBIAN, read

import composer
from composer.graph import Graph, freeze, thaw
from composer.training import parameter_groups, set_progress

GRAPHS = Path(__file__).parents[1] / "saved_graphs/selfsup"
SIZE, PATCH, WORD = 32, 4, 8  # pixels: of an image, of a patch, of a visual word of DALL-E's tokenizer
GRID = SIZE // PATCH
HIDDEN = int(0.4 * GRID**2)
WORDS = 64
BATCH = 64
RATE = 1e-3

ARCH = {"embed_dims": 48, "num_layers": 4, "num_heads": 4, "feedforward_channels": 96}
VIT = {"arch": ARCH, "img_size": SIZE, "patch_size": PATCH}
SWIN = {"arch": {"embed_dims": 24, "depths": [2, 2], "num_heads": [2, 4]}, "img_size": SIZE, "out_indices": [1]}
DALLE = {"n_hid": 16, "n_blk_per_group": 1, "vocab_size": WORDS}

# What each graph needs to be small: parameters by node. Those of a dict are put into one that is there.
SMALL: Mapping[str, Mapping[str, Mapping[str, Any]]] = {
    "simmim": {
        "backbone": {**SWIN, "stage_cfgs": {"block_cfgs": {"window_size": 4}}},
        "neck": {"in_channels": 48, "encoder_stride": 2 * PATCH},
    },
    "maskfeat": {
        "backbone": VIT,
        "neck": {"in_channels": 48},
        "target_generator": {"patch_size": PATCH, "pool": PATCH // 2, "gaussian_window": 0},
    },
    "beit": {
        "backbone": VIT,
        "target_generator": DALLE,
        "head": {"embed_dims": 48, "num_embed": WORDS},
    },
    "beit_v2": {
        "backbone": {**VIT, "out_indices": [1, 3]},
        "neck": {"num_layers": 1, "early_layers": 2, "backbone_arch": {**ARCH, "depth": 4}},
        "target_generator": {"encoder_config": VIT, "num_embed": WORDS, "embed_dims": 16},
        "head": {"embed_dims": 48, "num_embed": WORDS},
    },
    "cae": {
        "masking": {"mask_tokens_num": HIDDEN},
        "backbone": VIT,
        "target_generator": DALLE,
        "neck": {
            "embed_dims": 48,
            "num_classes": WORDS,
            "num_heads": 4,
            "regressor_depth": 2,
            "decoder_depth": 2,
            "mask_tokens_num": HIDDEN,
        },
    },
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("graphs", nargs="*", choices=[*SMALL, []], help="which graphs; all where none is named")
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    images = read_images()
    for name in options.graphs or SMALL:
        start = time.perf_counter()
        losses = train(small(name), images, options.steps)
        tenth = max(len(losses) // 10, 1)
        first, last = (sum(part) / tenth for part in (losses[:tenth], losses[-tenth:]))
        took = time.perf_counter() - start
        print(f"{name:10} {len(losses):4} steps {took:5.0f} s  loss {first:.4f} -> {last:.4f}", flush=True)


def read_images() -> Tensor:
    """The training images with mean 0 and deviation 1, three equal channels, [N, 3, 32, 32]."""
    images = F.pad(read(DEBIAN, "train")[0].reshape(-1, 1, 28, 28)[:20000].float(), (2, 2, 2, 2))
    return ((images - images.mean()) / images.std()).expand(-1, 3, -1, -1)


def small(name: str) -> Graph:
    """A saved graph with small parts for small images."""
    graph = composer.read(GRAPHS / f"{name}.yaml")
    nodes = dict(graph.nodes)
    for node, changed in SMALL[name].items():
        params = thaw(nodes[node].params)
        for key, value in changed.items():
            params[key] = {**params[key], **value} if key == "encoder_config" else value
        nodes[node] = replace(nodes[node], params=freeze(params))
    inputs = {
        key: replace(
            entry, shape=("B", 3, *[target_size(name) if key == "target_image" else SIZE] * 2), preprocess=None
        )
        for key, entry in graph.inputs.items()
    }
    fields = {key: replace(field, shape=("B", GRID, GRID)) for key, field in graph.data_samples.items()}
    return replace(graph.with_nodes(nodes), inputs=freeze(inputs), data_samples=freeze(fields))


def target_size(name: str) -> int:
    """Pixels of the second image, of which a tokenizer makes one word a patch."""
    return SIZE if name == "beit_v2" else GRID * WORD


def train(graph: Graph, images: Tensor, steps: int) -> list[float]:
    """The loss of every step, without those that are only logged."""
    torch.manual_seed(0)
    model = composer.compile(graph).train()
    optimizer = torch.optim.AdamW(parameter_groups(model, lr=RATE, weight_decay=0.05))
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, total_steps=steps)
    losses = []
    for step in range(steps):
        set_progress(model, step / steps)
        batch = images[torch.randint(len(images), (BATCH,))]
        given = {name: F.interpolate(batch, size=int(entry.shape[-1])) for name, entry in graph.inputs.items()}
        found = model(given, {"mask": masks()}, mode="loss")
        loss = sum(value for name, value in found.items() if "loss" in name)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        losses.append(loss.item())
    return losses


def masks() -> Tensor:
    """[B, patches down, patches across], as many hidden in each."""
    hidden = torch.rand(BATCH, GRID**2).argsort(dim=1) < HIDDEN
    return hidden.view(BATCH, GRID, GRID).long()


if __name__ == "__main__":
    main()
