"""Data sets of Hugging Face: by stand-ins for their classes, and by the package where it is installed."""

import io
import pickle
import sys
from pathlib import Path
from typing import Any

import pytest
from PIL import Image as Pillow

from composer.problems import GraphError
from composer.training.data import Source, open_splits
from composer.training.data.huggingface import HuggingFaceSource
from composer.training.recipe import Data, Split
from tests.training.data.test_folder import message_of, opened


class Image:
    def __init__(self, decode: bool = True) -> None:
        self.decode = decode


class ClassLabel:
    def __init__(self, names: list[str] | None = None) -> None:
        self.names = names


class List:
    def __init__(self, feature: Any) -> None:
        self.feature = feature


class Value:
    pass


def png() -> bytes:
    buffer = io.BytesIO()
    Pillow.new("RGB", (6, 4)).save(buffer, "png")
    return buffer.getvalue()


class Rows:
    """What a source needs of a data set."""

    def __init__(self, features: dict[str, Any], rows: list[dict[str, Any]]) -> None:
        self.features = features
        self.rows = rows

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, key: Any) -> Any:
        return [row[key] for row in self.rows] if isinstance(key, str) else self.rows[key]

    def cast_column(self, name: str, feature: Any) -> "Rows":
        assert feature.decode is False
        return Rows({**self.features, name: feature}, self.rows)


PNG = {"bytes": png(), "path": None}


def labelled(**more: Any) -> Rows:
    rows = [{"img": PNG, "fine": 1, "coarse": 0}, {"img": {"bytes": None, "path": "b.png"}, "fine": 0, "coarse": 0}]
    features = {"img": Image(), "fine": ClassLabel(["cat", "dog"]), "coarse": ClassLabel(["animal"])}
    return Rows({**features, **more}, rows)


def objects(feature: Any, value: Any) -> Rows:
    return Rows({"image": Image(), "objects": feature}, [{"image": PNG, "objects": value}])


def test_images_stay_encoded_and_labels_have_names() -> None:
    source = HuggingFaceSource(labelled(), {"label": "fine"}, name="train")
    assert isinstance(source, Source)
    assert source.columns == {"label": "Label", "image": "Image"} and source.classes == ("cat", "dog")
    assert source[0] == {"image": PNG["bytes"], "label": 1} and source[1]["image"] == "b.png"
    assert source.name(1) == "train 1"
    assert HuggingFaceSource(labelled(), {"label": "fine"}, classes=["dog", "ant", "cat"])[0]["label"] == 0
    with pytest.raises(IndexError, match="there is no sample 2"):
        source[2]


@pytest.mark.parametrize("listed", [False, True])
def test_objects_are_mappings_of_lists_or_lists_of_mappings(listed: bool) -> None:
    label = ClassLabel(["a", "b"])
    if listed:
        rows = objects(List({"bbox": List(Value()), "category": label}), [{"bbox": [1, 2, 3, 4], "category": 1}])
    else:
        feature = {"bbox": List(List(Value())), "category": List(label)}
        rows = objects(feature, {"bbox": [[1, 2, 3, 4], [0, 0, 0, 0]], "category": [1, 0]})
    sample = HuggingFaceSource(rows, boxes="xywh")[0]
    assert sample["boxes"].tolist() == [[1, 2, 4, 6]] and sample["box_labels"].tolist() == [1]
    source = HuggingFaceSource(rows, boxes="xyxy")
    assert source[0]["boxes"].tolist() == [[1, 2, 3, 4]] and source.classes == ("a", "b")
    assert source.columns == {"image": "Image", "boxes": "Boxes", "box_labels": "BoxLabels"}
    with pytest.raises(GraphError, match="say how boxes are written"):
        HuggingFaceSource(rows)


@pytest.mark.parametrize(
    ("rows", "options", "message"),
    [
        (labelled(), {}, "several columns may be the label: fine, coarse; say which with"),
        (labelled(more=Image()), {"columns": {"label": "fine"}}, "several columns may be the image: img, more"),
        (labelled(), {"columns": {"label": "fin"}}, "the data set has no column 'fin'; did you mean 'fine'?"),
        (labelled(), {"columns": {"lable": "fine"}}, "'lable' is no column of a sample; did you mean 'label'?"),
        (labelled(), {"columns": {"label": "fine"}, "classes": ["cat"]}, "1 name of the data is no class: dog"),
        (Rows({"text": Value()}, []), {}, "no column of the data set holds images: found text"),
        (
            Rows({"image": Image(), "label": ClassLabel(["a"])}, [{"image": PNG, "label": -1}]),
            {},
            "the labels in 'label' are not classes from 0 on: found -1",
        ),
    ],
)
def test_ambiguous_columns_are_reported(rows: Rows, options: dict[str, Any], message: str) -> None:
    with pytest.raises(GraphError) as caught:
        HuggingFaceSource(rows, **options)
    assert message in str(caught.value)


def test_a_row_without_an_image_is_named() -> None:
    rows = Rows({"image": Image()}, [{"image": None}])
    with pytest.raises(GraphError, match="data 0\n    there is no image in this row"):
        HuggingFaceSource(rows)[0]


def test_without_the_package_it_is_reported_how_to_install_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "datasets", None)
    assert message_of(tmp_path, format="huggingface") == (
        "no-package: the package datasets is missing: pip install 'graph-composer[datasets]'"
    )


def test_a_saved_data_set_is_opened_by_the_package(tmp_path: Path) -> None:
    datasets = pytest.importorskip("datasets")
    arrow = pytest.importorskip("pyarrow")
    features = datasets.Features({"image": datasets.Image(), "label": datasets.ClassLabel(names=["cat", "dog"])})
    table = arrow.Table.from_pydict({"image": [PNG, PNG], "label": [1, 0]}, schema=features.arrow_schema)
    for split in ("train", "test"):
        datasets.Dataset(table, fingerprint=split).save_to_disk(str(tmp_path / split))
    (tmp_path / "dataset_dict.json").write_text('{"splits": ["train", "test"]}')
    train, val = open_splits(Data(train=Split(path=".")), tmp_path)
    assert val is not None and len(val) == 2 and train[0] == {"image": PNG["bytes"], "label": 1}
    assert pickle.loads(pickle.dumps(train))[1]["label"] == 0  # noqa: S301
    assert opened(tmp_path / "train").classes == ("cat", "dog")
    assert message_of(tmp_path / "nothing", format="huggingface").startswith(
        "cannot-read: this data set cannot be opened"
    )
