"""What `composer run` answers on detectors, on retrievers and with features, and where it saves that."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from safetensors import safe_open
from typer.testing import CliRunner, Result

from composer.cli.app import app

ROOT = Path(__file__).parents[1]
DETECTOR = ROOT / "saved_graphs" / "detection" / "digits.yaml"
WEIGHTS = DETECTOR.with_suffix(".safetensors")
DIGITS = sorted((ROOT / "examples" / "digits").glob("*.png"))

FINDER = """\
schema: 1
name: finder
inputs:
  image: {type: Image, shape: [B, 3, 4, 4], preprocess: {resize: [4, 4]}}
nodes:
  pool: {type: GlobalAveragePooling, inputs: {feature: image}}
  prototypes:
    type: PrototypeSimilarity
    params: {length: 2, prototypes: [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]}
    inputs: {feature: pool.out}
  ranking: {type: SimilarityRanking, inputs: {similarity: prototypes.out}}
outputs:
  tensor: {features: pool.out}
  predict: {scores: ranking.scores, labels: ranking.labels}
"""
COLOURS = {"red": (200, 0, 0), "dark red": (90, 0, 0), "orange": (200, 90, 0), "green": (0, 200, 0)}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("finder.yaml").write_text(FINDER)
    Path("levels.yaml").write_text(FINDER.replace("features: pool.out", "one: pool.out, two: pool.out"))
    Path("photos", "more").mkdir(parents=True)
    for place, (name, colour) in enumerate(COLOURS.items()):
        Image.new("RGB", (6 + place, 5), colour).save(f"photos/{'more/' if place % 2 else ''}{name}.png")
    return tmp_path


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["run", "--device", "cpu", *map(str, arguments)])


def printed(*arguments: object) -> list[str]:
    result = run(*arguments)
    assert result.exit_code == 0, result.output
    return result.stdout.splitlines()


def data(*arguments: object) -> Any:
    return json.loads("\n".join(printed(*arguments, "--json")))


def digits(*arguments: object) -> list[object]:
    return [DETECTOR, "--weights", WEIGHTS, *arguments]


def test_a_detector_prints_its_boxes_by_class_score_and_corners() -> None:
    first, head, *rows = printed(*digits(DIGITS[0]))
    assert first.startswith(f"{DIGITS[0]}  ") and " object" in first
    assert head.split() == ["class", "score", "left", "top", "right", "bottom"]
    [found] = data(*digits(DIGITS[0]))
    assert set(found["image"]) and all(set(one) == {"label", "name", "score", "box"} for one in found["detections"])
    scores = [one["score"] for one in found["detections"]]
    assert scores == sorted(scores, reverse=True) and scores[0] > 0.5
    best = found["detections"][0]
    assert rows[0].split() == [best["name"], f"{best['score']:.3f}", *(f"{corner:.1f}" for corner in best["box"])]
    assert len(printed(*digits(DIGITS[0], "--top", 1))) == 3
    names = {one["name"] for one in found["detections"]}
    assert names >= set(DIGITS[0].stem.partition("_")[2])  # the file is named by what is in it


def test_boxes_are_in_pixels_of_the_image_whatever_the_input_is(folder: Path) -> None:
    with Image.open(DIGITS[0]) as image:
        image.resize((image.width * 2, image.height * 3), Image.Resampling.NEAREST).save("large.png")
    [small] = data(*digits(DIGITS[0]))
    [large] = data(*digits("large.png"))
    one, other = small["detections"][0], large["detections"][0]
    assert one["name"] == other["name"]
    expected = [corner * factor for corner, factor in zip(one["box"], (2, 3, 2, 3), strict=True)]
    assert np.allclose(other["box"], expected, atol=6)


def test_save_draws_the_detected_boxes_on_the_image() -> None:
    result = run(*digits(DIGITS[0], "--save", "found.png"))
    assert result.exit_code == 0 and "drawn in found.png" in result.stderr
    with Image.open(DIGITS[0]) as image, Image.open("found.png") as drawn:
        assert drawn.size == image.size and drawn.mode == "RGB"
        changed = np.abs(np.asarray(drawn, np.int16) - np.asarray(image.convert("RGB"), np.int16)).max(axis=2) > 30
    left, top, right, bottom = (int(corner) for corner in data(*digits(DIGITS[0]))[0]["detections"][0]["box"])
    assert changed[bottom, left:right].mean() > 0.9 and changed[(top + bottom) // 2 : bottom, right].mean() > 0.7
    printed(*digits(*DIGITS[:2], "--save", "found"))
    assert sorted(path.name for path in Path("found").iterdir()) == [f"{path.stem}.png" for path in DIGITS[:2]]


def test_a_gallery_is_ranked_by_the_cosine_of_the_embeddings() -> None:
    [found] = data("finder.yaml", "photos/red.png", "--gallery", "photos")
    names = [Path(match["image"]).stem for match in found["ranking"]]
    assert names == ["red", "dark red", "orange", "green"] or names == ["dark red", "red", "orange", "green"]
    scores = [match["score"] for match in found["ranking"]]
    assert np.allclose(scores, [1, 1, 200 / np.hypot(200, 90), 0], atol=1e-5)
    first, head, *rows = printed("finder.yaml", "photos/red.png", "--gallery", "photos", "--top", 2)
    assert first == "photos/red.png  4 images, the first 2 here (--top shows more, --json all)"
    assert head.split() == ["rank", "similarity", "image"] and len(rows) == 2
    assert rows[0].split()[:2] == ["1", "1.0000"]
    [tensor] = data("finder.yaml", "photos/red.png", "--gallery", "photos", "--mode", "tensor")
    assert tensor["ranking"] == found["ranking"]


def test_without_a_gallery_a_retriever_ranks_its_prototypes() -> None:
    [found] = data("finder.yaml", "photos/more/green.png")
    assert [match["prototype"] for match in found["ranking"]] == ["1", "0"]
    assert printed("finder.yaml", "photos/red.png")[1].split() == ["rank", "similarity", "prototype"]


def test_an_image_that_cannot_be_read_is_left_out_of_the_gallery() -> None:
    Path("photos/broken.png").write_text("no image")
    result = run("finder.yaml", "photos/red.png", "--gallery", "photos", "--json")
    assert result.exit_code == 2 and "bad-image photos/broken.png" in result.stderr
    assert len(json.loads(result.stdout)[0]["ranking"]) == 4


def test_features_are_saved_one_row_an_image() -> None:
    images = ["photos/red.png", "photos/orange.png"]
    result = run("finder.yaml", *images, "--mode", "tensor", "--save", "out.npy")
    assert result.exit_code == 0 and "saved in out.npy" in result.stderr
    assert np.load("out.npy").tolist() == [[200, 0, 0], [200, 90, 0]]
    printed("levels.yaml", *images, "--mode", "tensor", "--save", "out.safetensors")
    with safe_open("out.safetensors", "np") as file:
        assert {name: file.get_tensor(name).shape for name in file.keys()} == {"one": (2, 3), "two": (2, 3)}  # noqa: SIM118
        assert json.loads(file.metadata()["images"]) == images


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["finder.yaml", "photos/red.png", "--save", "out.png"], "gives no boxes to draw"),
        (["finder.yaml", "photos/red.png", "--save", "out.txt"], "the name ends in .txt; expected .png"),
        (["finder.yaml", "photos/red.png", "--save", "out"], "the name ends in nothing; expected .png"),
        (["finder.yaml", "photos/red.png", "--save", "nowhere/out.npy"], "there is no folder 'nowhere'"),
        (["levels.yaml", "photos/red.png", "--mode", "tensor", "--save", "out.npy"], "2 (one, two): use .safetensors"),
        (["finder.yaml", "photos/red.png", "photos/red.png", "--save", "out.png"], "name a folder"),
        (["finder.yaml", "photos/red.png", "--gallery", "nowhere"], "there is no such image or folder"),
        (["finder.yaml", "photos/red.png", "--gallery", "empty"], "there is no image in this folder"),
        (["finder.yaml", "photos/red.png", "--gallery", "photos", "--mode", "loss"], "does not go with --mode loss"),
        (["finder.yaml", "photos/red.png", "--gallery", "photos", "--save", "a.npy"], "does not go with --save"),
        ([*map(str, digits(DIGITS[0], "--gallery", DIGITS[1]))], "a gallery needs one embedding [B, D]"),
    ],
)
def test_contradicting_options_of_run_are_refused_with_the_reason(arguments: list[str], expected: str) -> None:
    Path("empty").mkdir()
    result = run(*arguments)
    assert result.exit_code != 0 and isinstance(result.exception, SystemExit), result.output
    assert expected in " ".join(result.stderr.replace("│", "").split()), result.stderr
