"""Training steps of a saved graph, for benchmarks/selfsup.py: ``... selfsup_ours composer moco_v2``."""

import sys

import composer
from benchmarks.training_step import serve, take_stdout, views


def main(name: str) -> None:
    answers = take_stdout()
    model = composer.load(f"saved_graphs/selfsup/{name}.yaml").train()
    pictures = views(len(model.graph.inputs))
    serve(answers, model, lambda: model(pictures, mode="loss"))


if __name__ == "__main__":
    main(sys.argv[2])
