"""What a detector missed and what it found wrongly are shown image by image, at the score that serves it best."""

from typing import Any

import numpy as np
import pytest

from composer.training.evaluate import _worth_a_look
from composer.training.metrics.box_faults import Answered, box_faults

NAMES = ("cat", "dog")


def image(
    index: int,
    truth: list[tuple[list[float], int]],
    found: list[tuple[list[float], int, float]],
    ignored: list[list[float]] | None = None,
) -> Answered:
    found = sorted(found, key=lambda one: -one[2])
    return Answered(
        index,
        f"{index}.png",
        (100, 200),
        np.array([box for box, _ in truth], np.float64).reshape(-1, 4),
        np.array([label for _, label in truth], np.int64),
        np.array(ignored or [], np.float64).reshape(-1, 4),
        np.array([box for box, *_ in found], np.float64).reshape(-1, 4),
        np.array([label for _, label, _ in found], np.int64),
        np.array([score for *_, score in found], np.float64),
    )


def faults(row: dict[str, Any]) -> list[tuple[str, str]]:
    return [(one["fault"], one["name"]) for one in row["objects"]]


A, B, FAR = [0.0, 0.0, 50.0, 50.0], [100.0, 0.0, 150.0, 50.0], [150.0, 60.0, 190.0, 95.0]
NEAR_A = [5.0, 0.0, 55.0, 50.0]


def test_boxes_of_an_image_are_sorted_into_right_missed_and_false() -> None:
    found = box_faults([image(7, [(A, 0), (B, 1)], [(NEAR_A, 0, 0.9), (FAR, 1, 0.8)])], NAMES)
    assert found["score"] == pytest.approx(0.9)  # with the false box F1 is 1/2, without it 2/3
    sure = [(NEAR_A, 0, 0.7), (FAR, 1, 0.8)]
    [row] = box_faults([image(7, [(A, 0), (B, 1)], sure)], NAMES)["false"]
    assert (row["index"], row["name"], row["missed"], row["false"], row["score"]) == (7, "7.png", 1, 1, 0.8)
    assert faults(row) == [("missed", "dog"), ("false", "dog"), ("", "cat")]
    assert row["objects"][0]["box"] == [0.5, 0.0, 0.75, 0.5] and row["objects"][0]["score"] is None


def test_a_second_box_of_the_same_object_and_one_of_another_class_are_false() -> None:
    found = box_faults([image(0, [(A, 0)], [(A, 0, 0.9), (NEAR_A, 0, 0.8)])], NAMES)
    assert found["score"] == 0.9 and found["missed"] == [] and found["false"] == []
    twice = [(B, 1, 0.5), (A, 0, 0.9), (NEAR_A, 0, 0.8)]
    [row] = box_faults([image(0, [(A, 0), (B, 1)], twice)], NAMES)["false"]
    assert faults(row) == [("false", "cat"), ("", "cat"), ("", "dog")]
    [row] = box_faults([image(0, [(A, 0), (B, 1)], [(A, 1, 0.9), (B, 1, 0.8)])], NAMES)["false"]
    assert faults(row) == [("missed", "cat"), ("false", "dog"), ("", "dog")]


def test_detections_in_ignored_areas_are_no_errors() -> None:
    found = box_faults([image(0, [(A, 0)], [(A, 0, 0.5), (FAR, 1, 0.9)], ignored=[FAR])], NAMES)
    assert found["score"] == 0.5 and found["false"] == [] and found["missed"] == []


def test_images_come_with_the_worst_first_and_not_without_end() -> None:
    images = [image(index, [(A, 0)] * (index % 3 + 1), [(FAR, 1, index / 100)]) for index in range(1, 60)]
    found = box_faults([*images, image(99, [(A, 0)], [(A, 0, 0.001)])], NAMES)
    assert found["score"] == 0.001
    assert [row["index"] for row in found["false"][:3]] == [59, 58, 57] and len(found["false"]) == 24
    assert [row["missed"] for row in found["missed"][:2]] == [3, 3] and len(found["missed"]) == 24
    details = {"BoxPrecision": {"box": {}, "faults": found}, "Losses": {}}
    kept = _worth_a_look(details)
    assert set(kept) == {row["index"] for kind in ("missed", "false") for row in found[kind]}


@pytest.mark.parametrize("images", [[], [image(0, [], [])], [image(0, [(A, 0)], [])]])
def test_images_without_detections_are_accepted(images: list[Answered]) -> None:
    found = box_faults(images, NAMES)
    assert found["score"] == 0 and found["false"] == []
    assert [row["missed"] for row in found["missed"]] == [1] * sum(len(one.truth) for one in images)
