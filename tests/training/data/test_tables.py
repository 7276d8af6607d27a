"""Readers of CSV, idx, and images with maps."""

import gzip
import struct
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from composer.problems import GraphError
from composer.training.data import Source, open_splits
from composer.training.data.samples import is_unnamed
from composer.training.recipe import Data, Split
from tests.training.data.test_folder import classes_of, message_of, opened, saved_image


def table(folder: Path, text: str, name: str = "data.csv") -> Path:
    for image in ("a.png", "in/b.png", "c, d.png"):
        saved_image(folder / image)
    path = folder / name
    path.write_text(text)
    return path


def test_a_csv_file_gives_images_and_labels(tmp_path: Path) -> None:
    path = table(tmp_path, 'File,class,age\na.png,dog,3\n\nin/b.png,cat,4\n"c, d.png",dog,5\n')
    source = opened(path)
    assert source.columns == {"image": "Image", "label": "Label"} and source.classes == ("cat", "dog")
    assert [source[index]["label"] for index in range(3)] == [1, 0, 1]
    assert source.name(2) == "c, d.png" and Path(source[1]["image"]) == tmp_path / "in" / "b.png"
    aged = opened(path, columns={"image": "File", "target": "age"})
    assert aged.columns == {"image": "Image", "target": "Target"} and aged[2]["target"] == 5.0
    assert opened(path, columns={"target": ["age", "age"]})[1]["target"].tolist() == [4, 4]
    several = opened(path, columns={"label": ["age"]})
    assert several.classes == ("age",) and several[0]["label"].tolist() == [3]


def test_labels_that_are_numbers_are_sorted_as_numbers(tmp_path: Path) -> None:
    path = table(tmp_path, "image\tlabel\na.png\t10\nin/b.png\t9\n", "data.tsv")
    assert opened(path).classes == ("9", "10")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "this file is empty"),
        ("image,label\n", "has no line below the first"),
        ("image,label\na.png\n", "found 1 values, expected 2, as in the first line"),
        ('image,label\n"a.png,dog\n', "this line cannot be read: unexpected end of data"),
        ("image,file,label\na.png,a.png,x\n", "several columns may be the image: image, file"),
        ("image,image\na.png,a.png\n", "two columns have the same name: image"),
        ("image;label\na.png;x\n", "are the values divided by ';'? give it as 'delimiter'"),
        ("photo,label\na.png,x\n", "no column is the image: found photo, label"),
        ("image,label\n../a.png,x\n", "a path leaves the folder of the images: '../a.png'"),
        ("image,label\n,x\n", "a path is empty"),
        ("image,label\nz.png,x\na.png,x\n", "1 of 2 images are not in"),
        ("image,label\na.png,\n", "1 label is no class: ''"),
    ],
)
def test_broken_csv_is_reported(tmp_path: Path, text: str, message: str) -> None:
    assert message in message_of(table(tmp_path, text))


def test_the_line_of_broken_csv_is_reported_and_all_lines_at_once(tmp_path: Path) -> None:
    path = table(tmp_path, "image,age\na.png,x\nin/b.png,3\n../c.png,y\n")
    with pytest.raises(GraphError) as caught:
        opened(path, columns={"target": "age"})
    assert [problem.where.line for problem in caught.value.problems] == [2, 4, 4]
    assert "there is no column 'aeg'; did you mean 'age'?" in message_of(path, columns={"target": "aeg"})
    assert "'labl' is no column of a sample; did you mean 'label'?" in message_of(path, columns={"labl": "age"})
    path.write_bytes(b"image,label\n\xff,x\n")
    assert "this is not UTF-8" in message_of(path)


def test_files_of_two_splits_lie_in_one_folder(tmp_path: Path) -> None:
    table(tmp_path, "image,label\na.png,x\nin/b.png,y\n", "train.csv")
    table(tmp_path, "image,label\na.png,y\n", "valid.csv")
    train, val = open_splits(Data(train=Split(path=str(tmp_path))), ".")
    assert val is not None and val[0]["label"] == 1 and len(train) == 2


def test_a_folder_of_a_split_may_be_of_any_format(tmp_path: Path) -> None:
    table(tmp_path / "train", "image,label\na.png,x\nin/b.png,y\n")
    table(tmp_path / "val", "image,label\na.png,y\n")
    train, val = open_splits(Data(train=Split(path=".")), tmp_path)
    assert val is not None and val[0]["label"] == 1 and train.classes == ("x", "y")


def idx(path: Path, array: np.ndarray) -> None:
    data = b"\0\0\x08" + bytes([array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape) + array.tobytes()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)


def fashion(folder: Path) -> Path:
    images = np.arange(4 * 6 * 5, dtype=np.uint8).reshape(4, 6, 5)
    idx(folder / "train-images-idx3-ubyte.gz", images)
    idx(folder / "train-labels-idx1-ubyte", np.array([0, 2, 1, 2], np.uint8))
    idx(folder / "t10k-images-idx3-ubyte", images[:2])
    idx(folder / "t10k-labels-idx1-ubyte.gz", np.array([1, 0], np.uint8))
    return folder


def test_idx_files_are_two_splits(tmp_path: Path) -> None:
    train, val = open_splits(Data(train=Split(path=".")), fashion(tmp_path))
    assert val is not None and (len(train), len(val)) == (4, 2)
    assert train.classes == ("0", "1", "2") == val.classes
    assert train[1]["label"] == 2 and train[1]["image"].shape == (6, 5) and train[1]["image"][0, 0] == 30
    assert (train.name(1), val.name(0)) == ("train 1", "test 0")
    named = opened(tmp_path, split="test", classes=["shirt", "shoe"])
    assert named.classes == ("shirt", "shoe")


def test_numbers_in_a_csv_file_may_be_named_by_the_recipe(tmp_path: Path) -> None:
    path = table(tmp_path, "image,label\na.png,1\nin/b.png,0\n")
    assert opened(path).classes == ("0", "1") and not is_unnamed(opened(path))
    source = opened(path, classes=["shirt", "shoe", "hat"])
    assert source.classes == ("shirt", "shoe", "hat") and [source[at]["label"] for at in (0, 1)] == [1, 0]
    assert "1 label is no class: '1'" in message_of(path, classes=["shirt"])
    assert "2 labels are no class" in message_of(
        table(tmp_path, "image,label\na.png,x\nin/b.png,0\n"), classes=["shirt"]
    )


def test_numbers_of_val_are_no_names_of_train(tmp_path: Path) -> None:
    fashion(tmp_path / "idx")
    classes_of(tmp_path / "named", {"cat": 1, "dog": 1, "hen": 1})
    val = {"path": "idx", "split": "test"}

    def both(**options: object) -> Source | None:
        given = Data(train=Split(path="named"), val=Split(**val, **options))  # type: ignore[arg-type]
        return open_splits(given, tmp_path)[1]

    with pytest.raises(GraphError, match="nothing says that 0 is 'cat'; name them here in the order") as caught:
        both()
    assert caught.value.problems[0].code == "data-classes"
    with pytest.raises(GraphError, match="found dog, cat, hen; expected the classes of train in their order: cat, dog"):
        both(classes=["dog", "cat", "hen"])
    measured = both(classes=["cat", "dog", "hen"])
    assert measured is not None and measured.classes == ("cat", "dog", "hen")
    named = Split(path="idx", split="train", classes=["a", "b", "c"])
    assert open_splits(Data(train=named, val=Split(**val)), tmp_path)[1] is not None  # one way of counting


def test_broken_idx_is_reported(tmp_path: Path) -> None:
    folder = fashion(tmp_path)
    labels = folder / "train-labels-idx1-ubyte"
    whole = labels.read_bytes()
    for data, message in [
        (whole[:-1], "it says that it holds [4], 4 bytes, and holds 3"),
        (whole + b"\0", "holds more"),
        (b"\0\0\x0d\x01", "this is no idx file of bytes: it begins with 00000d01"),
        (b"", "it begins with nothing"),
        (b"\0\0\x08\x04\xff\xff\xff\xff" + b"\xff" * 12, "which is more than is read"),
        (whole[:7] + b"\x03" + whole[8:-1], "found [3] labels, expected one for each of the 4 images"),
    ]:
        labels.write_bytes(data)
        assert message in message_of(folder, split="train")
    (folder / "train-images-idx3-ubyte.gz").write_bytes(b"\x1f\x8b\x08\0")
    assert "it may be damaged or cut off" in message_of(folder, split="train")
    assert "did you mean" not in message_of(folder, split="validate")


def maps(folder: Path, names: tuple[str, ...] = ("a", "in/b")) -> Path:
    for name in names:
        saved_image(folder / "images" / f"{name}.jpg")
        path = folder / "masks" / f"{name}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("L", (8, 6), 1).save(path)
    return folder


def test_an_image_has_a_map_of_the_same_name(tmp_path: Path) -> None:
    source = opened(maps(tmp_path), classes=["ground", "tree"])
    assert source.columns == {"image": "Image", "seg_map": "SegMap"} and source.classes == ("ground", "tree")
    assert source.name(1) == "in/b.jpg" and Path(source[1]["seg_map"]) == tmp_path / "masks" / "in" / "b.png"
    (tmp_path / "names.txt").write_text("in/b\n")
    assert len(opened(tmp_path, listed=str(tmp_path / "names.txt"))) == 1
    saved_image(tmp_path / "images" / "c.jpg")
    assert "1 of 3 samples have no map in" in message_of(tmp_path)


def test_maps_of_splits_are_found_in_both_layouts(tmp_path: Path) -> None:
    for split in ("training", "validation"):
        maps(tmp_path / "around" / split)
        maps(tmp_path / "inside", (f"{split}/a",))
    for layout in ("around", "inside"):
        train, val = open_splits(Data(train=Split(path=layout)), tmp_path)
        assert val is not None
        assert "training" in train[0]["seg_map"] and "validation" in val[0]["image"]


def test_images_and_masks_may_have_different_name_endings(tmp_path: Path) -> None:
    saved_image(tmp_path / "leftImg8bit" / "x" / "1_leftImg8bit.png")
    for ending in ("_labelIds", "_color"):
        saved_image(tmp_path / "gtFine" / "x" / f"1_gtFine{ending}.png")
    source = opened(tmp_path, image_ending="_leftImg8bit", mask_ending="_gtFine_labelIds")
    assert len(source) == 1 and source[0]["seg_map"].endswith("1_gtFine_labelIds.png")
