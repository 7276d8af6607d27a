"""Training steps of a saved graph, for benchmarks/selfsup.py: ``... selfsup_ours composer moco_v2``."""

import sys

import torch

import composer
from benchmarks.training_step import views, works_of
from benchmarks.turns import serve, take_stdout


def main(side: str, name: str) -> None:
    answers = take_stdout()
    model = composer.load(f"saved_graphs/selfsup/{name}.yaml").train()
    if side == "channels_last":
        model.to(memory_format=torch.channels_last)
    images = views(len(model.graph.inputs))
    serve(works_of(model, lambda: model(images, mode="loss")), answers)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
