"""Predictions as names of classes."""

import pytest
import torch
from torch import Tensor

from composer.graph import Graph
from composer.run.answers import named

GRAPH = Graph(classes=("cat", "dog", "owl"))
SCORES = torch.tensor([[0.1, 0.7, 0.2], [0.5, 0.1, 0.4]])


def names(outputs: dict[str, Tensor], top: int | None = None) -> list[list[str]]:
    return [[answer.name for answer in answers] for answers in named(GRAPH, outputs, top)]


@pytest.mark.parametrize(
    ("labels", "top", "expected"),
    [
        (torch.tensor([1, 0]), None, [["dog"], ["cat"]]),
        (torch.tensor([1, 0]), 2, [["dog", "owl"], ["cat", "owl"]]),
        (torch.tensor([1, 0]), 9, [["dog", "owl", "cat"], ["cat", "owl", "dog"]]),
        (torch.tensor([2, 0]), 2, [["owl", "dog"], ["cat", "owl"]]),  # the graph's own choice goes first
        (torch.tensor([[0, 1, 1], [0, 0, 0]]), None, [["dog", "owl"], []]),  # a flag for each class
        (torch.tensor([[1, 2], [0, 2]]), None, [["dog"], ["cat"]]),  # a ranking
        (torch.tensor([[1, 2, 0], [0, 2, 1]]), None, [["dog"], ["cat"]]),  # a ranking of all
        (None, None, [["dog"], ["cat"]]),
    ],
)
def test_answers_are_the_predicted_classes_then_the_best_scored(
    labels: Tensor | None, top: int | None, expected: list[list[str]]
) -> None:
    assert names({"scores": SCORES} | ({} if labels is None else {"labels": labels}), top) == expected


def test_scores_and_choice_go_with_the_names() -> None:
    first, second = named(GRAPH, {"scores": SCORES[:1], "labels": torch.tensor([1])}, top=2)[0]
    assert (first.label, first.score, first.predicted) == (1, pytest.approx(0.7), True)
    assert (second.label, second.score, second.predicted) == (2, pytest.approx(0.2), False)


def test_a_class_without_a_name_is_called_by_its_number() -> None:
    assert named(Graph(), {"labels": torch.tensor([7])})[0][0].to_json() == {
        "label": 7,
        "name": "class 7",
        "score": None,
        "predicted": True,
    }


@pytest.mark.parametrize("outputs", [{}, {"features": torch.zeros(2, 3)}, {"scores": torch.zeros(2, 3, 4, 4)}])
def test_outputs_that_are_no_classes_have_no_answers(outputs: dict[str, Tensor]) -> None:
    assert named(GRAPH, outputs) == []
