"""Folders of images, splits, and sources in memory."""

import pickle
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from composer.problems import GraphError
from composer.training.data import ArraySource, Source, Subset, open_source, open_splits
from composer.training.data.folder import FolderSource
from composer.training.data.samples import Texts, labels_of, shown
from composer.training.recipe import Data, Split


def saved_image(path: Path, size: tuple[int, int] = (8, 6)) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size).save(path)


def classes_of(folder: Path, counts: dict[str, int]) -> None:
    for name, count in counts.items():
        for index in range(count):
            saved_image(folder / name / f"{index:03d}.png")


def opened(path: Path, **options: object) -> Source:
    return open_source(Split(path=str(path), **options), ".")


def message_of(path: Path, **options: object) -> str:
    with pytest.raises(GraphError) as caught:
        opened(path, **options)
    return "\n".join(f"{problem.code}: {problem.message}" for problem in caught.value.problems)


def test_a_folder_is_a_class_and_images_lie_in_it_however_deep(tmp_path: Path) -> None:
    saved_image(tmp_path / "dog" / "b" / "2.JPG")
    saved_image(tmp_path / "dog" / "1.png")
    saved_image(tmp_path / "cat" / "z.jpeg")
    (tmp_path / "cat" / ".hidden.png").write_bytes(b"")
    source = opened(tmp_path)
    assert isinstance(source, Source)
    assert source.classes == ("cat", "dog") and source.columns == {"image": "Image", "label": "Label"}
    assert [source.name(index) for index in range(len(source))] == ["cat/z.jpeg", "dog/1.png", "dog/b/2.JPG"]
    assert [source[index]["label"] for index in range(3)] == [0, 1, 1]
    assert Path(source[2]["image"]) == tmp_path / "dog" / "b" / "2.JPG"
    with pytest.raises(IndexError, match="there is no sample 3"):
        source[3]


def test_images_alone_have_no_labels(tmp_path: Path) -> None:
    saved_image(tmp_path / "2.png")
    saved_image(tmp_path / "1.png")
    source = opened(tmp_path)
    assert source.columns == {"image": "Image"} and source.classes == () and list(source[0]) == ["image"]
    saved_image(tmp_path / "more" / "3.png")
    assert [opened(tmp_path, format="images").name(index) for index in range(3)] == ["1.png", "2.png", "more/3.png"]


def test_classes_may_be_given_in_an_order_and_a_class_may_be_empty(tmp_path: Path) -> None:
    classes_of(tmp_path, {"cat": 1, "dog": 1})
    source = opened(tmp_path, classes=["dog", "bird", "cat"])
    assert [source[index]["label"] for index in range(2)] == [0, 2]
    assert source.classes == ("dog", "bird", "cat")


def test_loose_images_unknown_classes_and_empty_folders_are_reported(tmp_path: Path) -> None:
    classes_of(tmp_path / "a", {"cat": 1, "dog": 1})
    saved_image(tmp_path / "a" / "loose.png")
    assert "1 image lies beside the folders of the classes" in message_of(tmp_path / "a")
    found = message_of(tmp_path / "a", classes=["cats", "dog"])
    assert "1 folder is no class: cat; did you mean 'cats'?" in found and "lies beside" in found
    (tmp_path / "b" / "cat").mkdir(parents=True)
    (tmp_path / "b" / "cat" / "notes.txt").write_text("")
    assert "no image lies here; found only cat/notes.txt" in message_of(tmp_path / "b")
    assert message_of(tmp_path / "nowhere").startswith("no-file: there is no such file or folder of data")
    assert "'foldr' is no format; did you mean 'folder'?" in message_of(tmp_path / "a", format="foldr")
    assert "'clases' is no option of the format folder; did you mean 'classes'?" in message_of(
        tmp_path / "a", clases=["a"]
    )
    assert message_of(tmp_path / "a", classes=3).startswith("recipe-value: found 3, expected a list")


def test_files_that_are_no_images_are_left_out_and_named(tmp_path: Path) -> None:
    classes_of(tmp_path, {"cat": 1})
    (tmp_path / "notes.txt").write_text("")
    source = opened(tmp_path)
    assert isinstance(source, FolderSource)
    (notice,) = source.notices
    assert (notice.code, notice.severity) == ("data-left-out", "notice")
    assert notice.message == "1 file is no image and was left out: notes.txt"


def test_cyclic_symbolic_links_are_followed_once(tmp_path: Path) -> None:
    classes_of(tmp_path, {"cat": 2})
    (tmp_path / "cat" / "again").symlink_to(tmp_path / "cat")
    assert len(opened(tmp_path)) == 2


def test_a_class_may_be_a_link(tmp_path: Path) -> None:
    classes_of(tmp_path / "all", {"cat": 2, "dog": 1, "bird": 1})
    (tmp_path / "some").mkdir()
    for name in ("cat", "dog"):
        (tmp_path / "some" / name).symlink_to(tmp_path / "all" / name)
    assert opened(tmp_path / "some").classes == ("cat", "dog")


def test_two_splits_in_one_folder_are_found(tmp_path: Path) -> None:
    classes_of(tmp_path / "train", {"cat": 3, "dog": 2})
    classes_of(tmp_path / "Val", {"dog": 2})
    train, val = open_splits(Data(train=Split(path=".")), tmp_path)
    assert val is not None and (len(train), len(val)) == (5, 2)
    assert val.classes == ("cat", "dog") and val[0]["label"] == 1
    assert "the splits train, Val lie here; say which with 'split: train'" in message_of(tmp_path)


def test_a_class_that_only_the_second_split_has_is_a_problem(tmp_path: Path) -> None:
    classes_of(tmp_path / "train", {"cat": 1})
    classes_of(tmp_path / "val", {"cat": 1, "dog": 1})
    with pytest.raises(GraphError, match="1 folder is no class: dog"):
        open_splits(Data(train=Split(path=".")), tmp_path)


def test_a_share_of_each_class_is_held_back_and_stays_when_samples_are_added(tmp_path: Path) -> None:
    classes_of(tmp_path, {"cat": 20, "dog": 10})
    data = Data(train=Split(path="."), hold_back=0.2)
    train, val = open_splits(data, tmp_path, seed=3)
    assert val is not None and (len(train), len(val)) == (24, 6)
    names = {val.name(index) for index in range(6)}
    assert sum(name.startswith("cat") for name in names) == 4
    assert not names & {train.name(index) for index in range(24)}
    again = open_splits(data, tmp_path, seed=3)[1]
    other = open_splits(data, tmp_path, seed=4)[1]
    assert again is not None and {again.name(index) for index in range(6)} == names
    assert other is not None and {other.name(index) for index in range(6)} != names
    assert open_splits(Data(train=Split(path="."), hold_back=0), tmp_path)[1] is None


def test_a_limit_keeps_classes_balanced_and_leaves_the_validation_split_whole(tmp_path: Path) -> None:
    classes_of(tmp_path, {"cat": 20, "dog": 10})
    data = Data(train=Split(path="."), hold_back=0.2, limit=9)
    train, val = open_splits(data, tmp_path, seed=3)
    assert val is not None and (len(train), len(val)) == (9, 6)
    names = {train.name(index) for index in range(9)}
    assert sum(name.startswith("cat") for name in names) == 6
    assert not names & {val.name(index) for index in range(6)}
    whole, _ = open_splits(Data(train=Split(path="."), hold_back=0.2, limit=1000), tmp_path, seed=3)
    assert len(whole) == 24


def test_arrays_are_a_source() -> None:
    source = ArraySource(torch.zeros(3, 8, 8, 1, dtype=torch.uint8), torch.tensor([1, 0, 1]))
    assert isinstance(source, Source)
    assert source.classes == ("0", "1") and source[0]["label"] == 1 and source[0]["image"].shape == (8, 8)
    boxed = ArraySource([np.zeros((4, 4, 3), np.uint8)], columns={"boxes": [np.zeros((0, 4), np.float32)]})
    assert boxed.columns == {"image": "Image", "boxes": "Boxes"}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"images": np.zeros((2, 8, 8))}, "found float64 [2, 8, 8], expected uint8"),
        ({"images": np.zeros((2, 8, 8, 2), np.uint8)}, "found uint8 [2, 8, 8, 2]"),
        ({"images": np.zeros((2, 8, 8), np.uint8), "labels": [0]}, "expected one whole number for each of 2 images"),
        (
            {"images": np.zeros((2, 8, 8), np.uint8), "labels": [0, -1]},
            "the first is -1 of sample 1, expected 0 or more",
        ),
        (
            {"images": np.zeros((2, 8, 8), np.uint8), "labels": [0, 2], "classes": ["a", "b"]},
            "1 label is no class; the first is 2 of sample 1, expected 0 to 1",
        ),
        ({"images": np.zeros((2, 8, 8), np.uint8), "columns": {"depth": [1]}}, "its port type is not known"),
    ],
)
def test_arrays_that_do_not_fit_are_refused(arguments: dict[str, object], message: str) -> None:
    with pytest.raises(GraphError) as caught:
        ArraySource(**arguments)  # type: ignore[arg-type]
    assert message in str(caught.value)


def test_sources_go_to_other_processes(tmp_path: Path) -> None:
    classes_of(tmp_path, {"cat": 2, "dog": 2})
    source = Subset(opened(tmp_path), [3, 0])
    copy = pickle.loads(pickle.dumps(source))  # noqa: S301
    assert [copy[index] for index in range(2)] == [source[index] for index in range(2)]
    assert list(labels_of(copy)) == [1, 0]


def test_lists_of_file_names_are_packed_compactly() -> None:
    texts = Texts(["a", "", "ß.png", "b\udcff.png"])
    assert (
        list(texts) == ["a", "", "ß.png", "b\udcff.png"] and texts[-1] == "b\udcff.png" and texts[1:3] == ["", "ß.png"]
    )
    assert len(pickle.dumps(Texts(f"class/{index:08d}.jpg" for index in range(10_000)))) < 300_000


def test_long_lists_of_names_are_shortened() -> None:
    assert shown([f"{index}.png" for index in range(17)]) == "0.png, 1.png, 2.png, 3.png, 4.png and 12 more"
    assert shown(["a\x1b[31m\udcff.png"]) == "a\\x1b[31m\\udcff.png"
