"""Port types: what a type of one's own in one line takes over from its parent, and that it works everywhere."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from typer.testing import CliRunner

import composer
from composer.cli.app import app
from composer.edits import apply
from composer.edits.operations import AddInput
from composer.graph import Graph
from composer.graph.file import loads
from composer.graph.file.document import to_document
from composer.graph.plan import plan
from composer.ports import Boxes, Extent, FeatureMap, Label, Levels, PortType, port_type
from composer.run.inputs import example_inputs
from composer.web.runs.inputs import feed
from composer.web.runs.jobs import RunJob
from composer.web.views import catalog_view

TYPES = composer.Catalog.default().port_types

PARTS = '''\
"""Parts with types of their own."""

from collections.abc import Sequence
from typing import Annotated

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from composer.ports import Boxes, Image, Label, Logits, Loss, PortType

__all__ = ["FirstMark", "MarkLoss", "PhotoClassifier", "WordLoss"]

Word = Annotated[Tensor, PortType("Word", parent=Label)]
Photo = Annotated[Tensor, PortType("Photo", parent=Image)]
Mark = Annotated[Sequence[Tensor], PortType("Mark", parent=Boxes)]


class PhotoClassifier(nn.Module):
    """Scores the mean colour of a photo."""

    def __init__(self, out_features: int) -> None:
        super().__init__()
        self.linear = nn.Linear(3, out_features)

    def forward(self, photo: Annotated[Photo, "B 3 H W"]) -> Annotated[Logits, "B out_features"]:
        return self.linear(photo.mean(dim=(2, 3)))


class WordLoss(nn.Module):
    """Takes whole numbers only, and one for each sample."""

    def forward(self, scores: Annotated[Logits, "B K"], word: Annotated[Word, "B"]) -> Loss:
        return F.cross_entropy(scores, word)


class FirstMark(nn.Module):
    """The first box of each image."""

    def forward(self, marks: Annotated[Mark, "N 4"]) -> Annotated[Logits, "B 4"]:
        return torch.stack([one[0] for one in marks])


class MarkLoss(nn.Module):
    """How far the scores are from the width of the first box."""

    def forward(self, scores: Annotated[Logits, "B K"], marks: Annotated[Mark, "N 4"]) -> Loss:
        widths = torch.stack([(one[0, 2] - one[0, 0]) / 100 for one in marks])
        return (scores.sum(dim=1) - widths).abs().mean()
'''

GRAPH = """\
schema: 1
name: words
inputs:
  photo: {type: Photo, shape: [B, 3, 8, 8], preprocess: {resize: [8, 8], mean: [99, 99, 99], std: [50, 50, 50]}}
data_samples:
  word: {type: Word, shape: [B]}
  marks: {type: Mark}
classes: [cat, dog, owl]
nodes:
  classifier: {type: PhotoClassifier, params: {out_features: 3}, inputs: {photo: photo}}
  words: {type: WordLoss, inputs: {scores: classifier.out, word: word}}
  places: {type: MarkLoss, inputs: {scores: classifier.out, marks: marks}}
  answer: {type: ClassPrediction, inputs: {logits: classifier.out}}
outputs:
  tensor: {scores: classifier.out}
  loss: {loss: words.out, loss_places: places.out}
  predict: {scores: answer.scores, labels: answer.labels}
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("own") / "own_types"
    (root / "photos").mkdir(parents=True)
    (root / "photos" / "parts.py").write_text(PARTS)
    (root.parent / "words.yaml").write_text(GRAPH)
    Image.fromarray(np.full((30, 40, 3), 200, np.uint8)).save(root.parent / "photo.png")
    return root


@pytest.fixture(scope="module")
def catalog(folder: Path) -> composer.Catalog:
    return composer.Catalog.default().with_folder(folder)


def run(*words: object) -> str:
    result = CliRunner().invoke(app, [str(word) for word in words])
    assert result.exit_code == 0, result.output
    return result.output


def extent(kind: PortType) -> Extent:
    return Extent(
        tuple({"B": 2, "N": 3}.get(str(size), size if isinstance(size, int) else 8) for size in kind.shape or (2, 4)),
        2,
        5,
        (6, 7),
    )


def test_a_port_type_inherits_every_property_of_its_parent() -> None:
    word, mark = PortType("Word", parent=Label), PortType("Mark", parent=Boxes)
    label, boxes = port_type(Label), port_type(Boxes)
    for own, parent in ((word, label), (mark, boxes)):
        for name in ("element", "entries", "opaque", "role", "shape", "dtype", "numbers", "anywhere", "family"):
            assert getattr(own, name) is getattr(parent, name)
        assert own.feeds(parent) and own.is_a(parent) and not parent.is_a(own)
        one, other = (kind.example(extent(parent), torch.Generator().manual_seed(0)) for kind in (own, parent))
        assert all(torch.equal(*pair) for pair in zip(one, other, strict=True))
        assert not own.keywords and not own.offered


@pytest.mark.parametrize(
    ("kind", "dtype", "shape"),
    [
        (PortType("Words", parent=Label, shape=("B", 4)), torch.int64, (2, 4)),
        (PortType("Depth", parent=FeatureMap, shape=("B", 1, 8, 8)), torch.float32, (2, 1, 8, 8)),
        (PortType("Half", parent=Label, dtype=torch.float16), torch.float16, (2,)),
        (PortType("Flags", shape=("B", 4), dtype=torch.bool), torch.bool, (2, 4)),
        (PortType("Rotated", parent=Boxes, shape=("N", 5)), torch.float32, (3, 5)),
    ],
    ids=lambda one: one.name if isinstance(one, PortType) else "",
)
def test_a_type_with_a_shape_or_dtype_of_its_own_has_an_example_of_these(
    kind: PortType, dtype: Any, shape: Any
) -> None:
    example = kind.example(extent(kind), torch.Generator().manual_seed(0))
    for one in example if kind.is_sequence else [example]:
        assert (one.dtype, tuple(one.shape)) == (dtype, shape)


@pytest.mark.parametrize("kind", TYPES.values(), ids=lambda kind: kind.name)
def test_an_example_has_the_dtype_that_sizes_are_inferred_with(kind: PortType) -> None:
    example = kind.example(extent(kind), torch.Generator().manual_seed(0))
    if kind.opaque or kind.is_a(Levels):
        assert example is None
    else:
        assert {one.dtype for one in example if kind.is_sequence} or {example.dtype} == {kind.dtype}


def test_a_graph_with_user_port_types_is_checked_sized_and_trained(catalog: composer.Catalog) -> None:
    graph = loads(GRAPH)
    assert composer.check(graph, catalog) == []
    shapes = composer.infer_shapes(graph, catalog)
    assert (shapes["words.out"], shapes["classifier.out"], shapes.problems) == ((), ("B", 3), [])
    torch.manual_seed(0)
    model = composer.compile(graph, catalog)
    inputs, fields = example_inputs(graph, 4, types=model.port_types)
    assert fields["word"].dtype == torch.int64 and [tuple(one.shape) for one in fields["marks"]] == [(3, 4)] * 4
    fields = {"word": torch.full((4,), 2), "marks": [torch.tensor([[0.0, 0.0, 50.0, 9.0]])] * 4}
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
    seen = []
    for _ in range(40):
        loss = sum(model(inputs, fields, mode="loss").values())
        optimizer.zero_grad()
        loss.backward()  # type: ignore[union-attr]
        optimizer.step()
        seen.append(float(loss.detach()))  # type: ignore[union-attr]
    assert seen[-1] < 0.8 * seen[0]
    with pytest.raises(composer.GraphError, match="expected floats"):
        model({"photo": torch.ones(1, 3, 8, 8, dtype=torch.uint8)})


def test_a_wire_of_another_type_is_refused_with_the_name_of_the_user_type(catalog: composer.Catalog) -> None:
    crossed = loads(GRAPH.replace("word: word}", "word: classifier.out}"))
    found = {problem.code: problem.message for problem in composer.check(crossed, catalog)}
    assert found["wrong-type"] == "got Logits from classifier.out, words.word takes Word"


def test_summary_and_run_accept_user_port_types(folder: Path) -> None:
    file, image = folder.parent / "words.yaml", folder.parent / "photo.png"
    assert "PhotoClassifier" in run("summary", file, "--catalog", folder)
    assert "loss_places" in run("run", file, image, "--catalog", folder, "--mode", "loss")
    assert "word, marks: random" in run("run", file, image, "--catalog", folder, "--mode", "loss")


def test_the_browser_gets_colour_and_section_of_user_port_types(folder: Path, catalog: composer.Catalog) -> None:
    views = {kind.name: (kind.colour, kind.section, kind.image) for kind in catalog_view(catalog, "1").port_types}
    assert [views[name] for name in ("Word", "Photo", "Mark")] == [
        ("label", "data_samples", False),
        ("image", "inputs", True),
        ("boxes", "data_samples", False),
    ]
    graph, job = loads(GRAPH), RunJob(GRAPH, "loss", image=folder.parent / "photo.png", label=2)
    given = feed(graph, plan(graph, catalog).programs["loss"], job, catalog.port_types)
    assert given.data_samples["word"].tolist() == [2] and given.image is not None
    added = to_document(apply(Graph(), [], AddInput(type="Photo"), catalog).graph)["inputs"]["photo"]
    assert added["shape"] == ["B", 3, 224, 224] and added["preprocess"]["resize"] == [224, 224]
