"""What comes before a training in the browser: folders and uploads, data, the recipe, images, and the check."""

import io
import json
import os
import stat
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from composer.edits.operations import EditStep
from composer.graph.file import loads, read
from composer.graph.file.document import edit, to_document
from composer.problems import Edit, GraphError
from composer.training.augment import MASKS, STEPS
from composer.training.recipe import loads_recipe, part_at
from composer.web.actions import Actions
from composer.web.catalog_source import CatalogSource
from composer.web.setup_payloads import (
    CheckRequest,
    CheckResult,
    DataResult,
    FoldersRequest,
    ImagesRequest,
    ImagesResult,
    LookDataRequest,
    RecipeReply,
    RecipeRequest,
    SaveRecipeRequest,
    StoredRecipeRequest,
    TaskView,
    UnpackResult,
)
from composer.web.training.archives import Bounds, UnpackJob, contents, unpack
from composer.web.training.folders import browse, confined
from composer.web.training.recipe_form import recipe_form
from composer.web.training.setup import Setup

ROOT = Path(__file__).parents[2]
CLASSES = ("ant", "bee", "cow")

SMALL = """\
schema: 1
name: small
inputs:
  image: {type: Image, shape: [B, 3, 16, 16], preprocess: {resize: [16, 16], mean: [127.5, 127.5, 127.5],
    std: [60, 60, 60]}}
data_samples:
  label: {type: Label, shape: [B]}
nodes:
  conv: {type: Conv2d, params: {out_channels: 4, kernel_size: 3}, inputs: {input: image}}
  pool: {type: GlobalAveragePooling, inputs: {feature: conv.out}}
  head: {type: LinearClsHead, params: {num_classes: 5}, inputs: {feature: pool.out}}
  loss: {type: CrossEntropyLoss, inputs: {pred: head.out, target: label}}
  prediction: {type: ClassPrediction, inputs: {logits: head.out}}
outputs:
  loss: {loss: loss.out}
  predict: {scores: prediction.scores, labels: prediction.labels}
"""

DATA = "graph: small.yaml\ndata: {train: {path: animals}}\n"


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with a folder of images a class, one of them damaged, and a link that leads out."""
    root = tmp_path_factory.mktemp("workspace")
    outside = tmp_path_factory.mktemp("elsewhere")
    draw = np.random.default_rng(0)
    for number, name in enumerate(CLASSES):
        (root / "animals" / name).mkdir(parents=True)
        for index in range(12):
            pixels = draw.integers(0, 60, (20, 24, 3)) + np.array([60 * number, 120, 180 - 60 * number])
            Image.fromarray(pixels.astype(np.uint8)).save(root / "animals" / name / f"{index}.png")
    (root / "animals" / "ant" / "broken.png").write_bytes(b"no image")
    Image.new("RGB", (8, 8)).save(outside / "secret.png")
    (outside / "set").mkdir()
    os.symlink(outside, root / "way out")
    (root / "listed.csv").write_text(f"image,label\n{outside}/secret.png,a\n{outside}/secret.png,b\n")
    (root / "small.yaml").write_text(SMALL)
    return root


@pytest.fixture(scope="module")
def actions() -> Actions:
    return Actions(CatalogSource(()))


@pytest.fixture(scope="module")
def setup(workspace: Path, actions: Actions) -> Iterator[Setup]:
    found = Setup(workspace, (), actions.graph_of, actions.components)
    yield found
    found.close()


@pytest.fixture(scope="module")
def document() -> str:
    return json.dumps(to_document(loads(SMALL)))


@pytest.fixture(scope="module")
def fitting() -> str:
    """The same graph, with as many classes as the data has."""
    return json.dumps(to_document(edit(loads(SMALL), Edit(("nodes", "head", "params", "num_classes"), 3))))


def _fitted(classes: Sequence[str]) -> tuple[Edit, ...]:
    return Edit(("nodes", "head", "params", "num_classes"), len(classes)), Edit(("classes",), list(classes))


def ended(setup: Setup, view: TaskView) -> TaskView:
    """A task, once it is over."""
    until = time.monotonic() + 300
    while view.state in ("waiting", "working") and time.monotonic() < until:
        time.sleep(0.02)
        view = setup.tasks.look(view.id)
    return view


def looked_at(setup: Setup, text: str = DATA, *, deep: bool = False) -> DataResult:
    view = ended(setup, setup.look(LookDataRequest(text=text, deep=deep)))
    assert isinstance(view.result, DataResult), view.problems
    return view.result


def changed(setup: Setup, document: str, text: str, *edits: dict[str, Any]) -> RecipeReply:
    steps = [EditStep.model_validate(one) for one in edits]
    return setup.recipes.read(RecipeRequest(document=document, text=text, graph="small.yaml", edits=steps))


# --- folders -----------------------------------------------------------------------------------------------------


def test_a_folder_is_shown_with_the_format_that_training_recognises(workspace: Path) -> None:
    found = {entry.name: entry for entry in browse(workspace, FoldersRequest()).entries}
    assert found["animals"].format == "folder"
    assert found["animals"].folder
    assert found["listed.csv"].format == "csv"
    inside = browse(workspace, FoldersRequest(path="animals"))
    assert [entry.path for entry in inside.entries] == [f"animals/{name}" for name in CLASSES]


@pytest.mark.parametrize(
    "path",
    ["..", "animals/../..", "/etc", "~", "C:/x", "way out", "way out/set", "a\\..\\b", "x\0y", ".trash", "a" * 1001],
)
def test_no_path_leads_out_of_the_workspace(workspace: Path, setup: Setup, path: str) -> None:
    with pytest.raises(GraphError) as refused:
        browse(
            workspace,
            FoldersRequest(path=path[:1000]) if len(path) <= 1000 else FoldersRequest.model_construct(path=path),
        )
    assert refused.value.problems[0].code == "bad-file-name"
    assert "way out" not in {entry.name for entry in browse(workspace, FoldersRequest()).entries}


@pytest.mark.parametrize(
    "text",
    [
        "graph: a.yaml\ndata: {train: {path: ../..}}\n",
        "graph: a.yaml\ndata: {train: {path: /etc}}\n",
        "graph: a.yaml\ndata: {train: {path: way out/set}}\n",
        "graph: a.yaml\ndata: {train: {path: animals}, val: {path: ../x}}\n",
        "graph: a.yaml\ndata: {train: {path: animals, images: /etc}}\n",
        "graph: a.yaml\ndata: {train: {path: 'hf://some/data'}}\n",
        "graph: a.yaml\nweights: /etc/passwd\ndata: {train: {path: animals}}\n",
    ],
)
def test_a_recipe_whose_paths_lead_out_is_refused(workspace: Path, text: str) -> None:
    with pytest.raises(GraphError) as refused:
        confined(loads_recipe(text), workspace, "")
    assert {problem.code for problem in refused.value.problems} == {"bad-file-name"}


def test_a_table_that_names_images_outside_of_the_workspace_shows_none_of_them(setup: Setup, fitting: str) -> None:
    text = "graph: small.yaml\ndata: {train: {path: listed.csv}, hold_back: 0}\n"
    view = ended(setup, setup.images(ImagesRequest(document=fitting, text=text)))
    shown = view.result.samples if isinstance(view.result, ImagesResult) else []
    assert all(not sample.views and sample.problem for sample in shown)
    assert shown or view.problems


@pytest.mark.parametrize(("place", "read"), [("inside/a.txt", True), ("outside/a.txt", False), ("inside/link", False)])
def test_a_confined_process_reads_nothing_but_its_folder(tmp_path: Path, place: str, read: bool) -> None:
    for folder in ("inside", "outside"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "a.txt").write_text("words")
    os.symlink(tmp_path / "outside" / "a.txt", tmp_path / "inside" / "link")
    code = (
        "import sys, tempfile; from pathlib import Path; tempfile.tempdir = sys.argv[1] + '/inside'; "
        "from composer.web.confined import read_within; read_within([Path(sys.argv[1]) / 'inside']); "
        "print(open(Path(sys.argv[1]) / sys.argv[2]).read())"
    )
    done = subprocess.run([sys.executable, "-c", code, tmp_path, place], cwd=ROOT, capture_output=True, text=True)
    assert (done.stdout == "words\n") == read
    assert ("outside of the workspace" in done.stderr) != read


# --- archives ----------------------------------------------------------------------------------------------------


def image() -> bytes:
    content = io.BytesIO()
    Image.new("RGB", (4, 4)).save(content, "PNG")
    return content.getvalue()


def archive(path: Path, *entries: tuple[str | zipfile.ZipInfo, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in entries:
            file.writestr(name, content)
    return path


def entry(name: str, mode: int) -> zipfile.ZipInfo:
    found = zipfile.ZipInfo(name)
    found.external_attr = mode << 16
    return found


def written(path: Path, content: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def encrypted(path: Path) -> Path:
    """An archive whose table says that its file is encrypted."""
    archive(path, ("a.png", b"x" * 40))
    content = bytearray(path.read_bytes())
    content[6] |= 1
    content[content.rindex(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(content)
    return path


def lying(path: Path) -> Path:
    """An archive whose table says that a file is smaller than it is."""
    archive(path, ("a.bin", os.urandom(5000)))
    content = bytearray(path.read_bytes())
    place = content.rindex(b"PK\x01\x02") + 24
    content[place : place + 4] = (10).to_bytes(4, "little")
    path.write_bytes(content)
    return path


HOSTILE: dict[str, tuple[Callable[[Path], Path], str]] = {
    "leads out": (lambda path: archive(path, ("../evil.png", b"x")), "'../evil.png'"),
    "leads out inside": (lambda path: archive(path, ("a/../../evil.png", b"x")), "lead out of the folder"),
    "absolute": (lambda path: archive(path, ("/etc/evil.png", b"x")), "'/etc/evil.png'"),
    "drive": (lambda path: archive(path, ("C:/evil.png", b"x")), "'C:/evil.png'"),
    "backslash": (lambda path: archive(path, ("..\\evil.png", b"x")), "lead out of the folder"),
    "link": (lambda path: archive(path, (entry("link.png", stat.S_IFLNK | 0o777), b"/etc/passwd")), "'link.png'"),
    "device": (lambda path: archive(path, (entry("tty", stat.S_IFCHR | 0o666), b"")), "links or devices"),
    "twice": (lambda path: archive(path, ("A.png", b"x"), ("a.png", b"y")), "there twice"),
    "file and folder": (lambda path: archive(path, ("a", b"x"), ("a/b.png", b"y")), "lie in what is a file"),
    "control": (lambda path: archive(path, ("a\x1b[31m.png", b"x")), "no file system takes"),
    "long": (lambda path: archive(path, ("a" * 300, b"x")), "no file system takes"),
    "deep": (lambda path: archive(path, ("a/" * 30 + "b.png", b"x")), "no file system takes"),
    "bomb": (lambda path: archive(path, ("zeros.bin", bytes(5_000_000))), "as bombs do"),
    "encrypted": (encrypted, "are encrypted"),
    "empty": (lambda path: archive(path), "there are no files in it"),
    "clutter alone": (lambda path: archive(path, ("__MACOSX/a.png", b"x")), "there are no files in it"),
    "no archive": (lambda path: written(path, b"PK\x03\x04 and no more"), "no zip file"),
    "text": (lambda path: written(path, b"hello"), "no zip file"),
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_a_hostile_archive_is_refused_with_the_names_of_what_is_wrong(tmp_path: Path, kind: str) -> None:
    make, expected = HOSTILE[kind]
    with pytest.raises(GraphError) as refused:
        contents(make(tmp_path / "x.zip"), "x.zip")
    assert {problem.code for problem in refused.value.problems} == {"bad-archive"}
    assert expected in str(refused.value)
    assert list(tmp_path.iterdir()) == [tmp_path / "x.zip"]


@pytest.mark.parametrize(
    ("bounds", "expected"),
    [
        (Bounds(files=1), "at most 1 are unpacked"),
        (Bounds(total=10), "at most 10 B are unpacked"),
        (Bounds(each=10), "larger than 10 B"),
    ],
)
def test_an_archive_has_bounds(tmp_path: Path, bounds: Bounds, expected: str) -> None:
    path = archive(tmp_path / "x.zip", ("a.png", image()), ("b.png", image()))
    with pytest.raises(GraphError, match=expected):
        contents(path, "x.zip", bounds)
    with pytest.raises(GraphError, match="are free on the disk"):
        contents(path, "x.zip", free=100)
    assert len(contents(path, "x.zip", free=10_000)[0]) == 2


def test_a_zip_with_false_sizes_is_refused_while_it_is_unpacked(tmp_path: Path) -> None:
    path = lying(tmp_path / "x.zip")
    entries, _ = contents(path, "x.zip")
    with pytest.raises(GraphError, match="is damaged"):
        unpack(path, "x.zip", entries, tmp_path / "out")
    written = [one for one in (tmp_path / "out").rglob("*") if one.is_file()]
    assert sum(one.stat().st_size for one in written) <= 10


def test_an_upload_becomes_a_folder_under_a_name_that_is_free(setup: Setup, tmp_path: Path) -> None:
    root = tmp_path / "workspace"
    (root / "data").mkdir(parents=True)
    job = UnpackJob(
        archive(tmp_path / "upload", *((f"pets/{name}/{place}.png", image()) for name in "ab" for place in range(3))),
        "my pets.zip",
        root,
        root / "data" / ".unpacking",
    )
    view = ended(setup, setup.tasks.start(job))
    assert isinstance(view.result, UnpackResult), view.problems
    assert (view.result.path, view.result.files) == ("data/pets", 6)
    again = ended(setup, setup.tasks.start(UnpackJob(job.archive, job.name, root, root / "data" / ".unpacking-2")))
    assert isinstance(again.result, UnpackResult)
    assert again.result.path == "data/pets_2"
    entries = browse(root, FoldersRequest(path="data")).entries
    assert [(one.path, one.format) for one in entries] == [("data/pets", "folder"), ("data/pets_2", "folder")]


def test_only_uploads_are_unpacked(setup: Setup, tmp_path: Path) -> None:
    path = archive(tmp_path / "x.zip", ("a.png", image()))
    request = setup.calls()["setup_unpack"][0].model_validate({"path": str(path), "name": "x.zip"})
    with pytest.raises(GraphError, match="was not uploaded"):
        setup.unpack(request)  # type: ignore[arg-type]
    assert path.exists()


# --- data --------------------------------------------------------------------------------------------------------


def test_data_is_reported_with_its_format_splits_and_counts(setup: Setup) -> None:
    found = looked_at(setup)
    assert (found.format, found.held_back, found.deep) == ("folder", True, False)
    train, val = found.splits
    assert train.classes == list(CLASSES)
    assert train.samples + val.samples == 37
    assert sum(train.counts) == train.samples
    assert found.known == {}


def test_a_deep_report_names_the_images_that_cannot_be_read(setup: Setup) -> None:
    found = looked_at(setup, deep=True)
    assert found.complete
    faults = [fault for split in found.splits for fault in split.faults if fault.kind == "unreadable"]
    assert faults[0].count == 1
    assert "ant/broken.png" in faults[0].names[0]
    assert any("ant/broken.png" in problem.message for problem in found.problems)


def test_data_that_is_not_there_is_a_problem_of_the_task(setup: Setup) -> None:
    view = ended(setup, setup.look(LookDataRequest(text="graph: a.yaml\ndata: {train: {path: nowhere}}\n")))
    assert view.state == "failed"
    assert [problem.code for problem in view.problems] == ["no-file"]


def test_a_task_that_nobody_knows_is_gone_and_one_that_is_stopped_stays_so(setup: Setup) -> None:
    assert setup.tasks.look("nothing").state == "gone"
    assert setup.tasks.stop("nothing").state == "gone"
    view = setup.look(LookDataRequest(text=DATA, deep=True))
    assert setup.tasks.stop(view.id).state == "stopped"
    assert ended(setup, setup.tasks.look(view.id)).state == "stopped"


# --- the recipe --------------------------------------------------------------------------------------------------


def test_a_graph_is_checked_against_the_data_and_its_fix_applies(setup: Setup, document: str, fitting: str) -> None:
    looked_at(setup)
    reply = changed(setup, document, DATA)
    (problem,) = reply.graph_problems
    assert (problem.code, problem.node) == ("data-classes", "head")
    assert problem.fix is not None
    assert not reply.ready
    edits = [Edit(tuple(step.path), step.set) for step in problem.fix.edits]
    mended = json.dumps(to_document(edit(loads(SMALL), *edits)))
    again = changed(setup, mended, DATA)
    assert (again.graph_problems, again.problems, again.ready) == ([], [], True)
    assert changed(setup, fitting, DATA).ready


@pytest.mark.parametrize(
    ("train", "expected"),
    [
        ("{path: digits}", []),
        ("{path: digits, classes: [zero, one, two]}", ["data-classes"]),
        ("{path: folders}", ["data-classes"]),
    ],
    ids=["numbered classes", "named in the recipe", "named by folders"],
)
def test_classes_of_the_graph_are_compared_with_names_and_never_with_numbers(
    setup: Setup, workspace: Path, fitting: str, train: str, expected: list[str]
) -> None:
    images, labels = np.zeros((6, 16, 16), np.uint8), np.arange(6, dtype=np.uint8) % 3
    for name, array in (("train-images-idx3-ubyte", images), ("train-labels-idx1-ubyte", labels)):
        head = bytes((0, 0, 8, array.ndim)) + b"".join(size.to_bytes(4, "big") for size in array.shape)
        written(workspace / "digits" / name, head + array.tobytes())
    for number in range(3):
        written(workspace / "folders" / str(number) / "a.png", image())
    named = json.dumps(to_document(edit(loads(SMALL), *_fitted(("shirt", "bag", "boot")))))
    text = f"graph: small.yaml\ndata: {{train: {train}}}\n"
    looked_at(setup, text)
    found = [one.code for one in changed(setup, named, text).graph_problems]
    assert [code for code in found if code != "data-channels"] == expected


def test_data_that_was_not_looked_at_is_not_ready(setup: Setup, fitting: str) -> None:
    reply = changed(setup, fitting, "graph: small.yaml\nseed: 9\ndata: {train: {path: animals}}\n")
    assert (reply.has_data, reply.known, reply.ready, reply.completed) == (True, False, False, None)
    none = changed(setup, fitting, "")
    assert (none.has_data, none.problems, none.ready) == (False, [], False)


def test_the_completed_recipe_equals_that_of_composer_train(setup: Setup, fitting: str) -> None:
    looked_at(setup)
    reply = changed(setup, fitting, DATA)
    assert reply.completed is not None
    assert reply.completed == reply.defaults
    assert reply.completed["batches"]["batch"] == 32
    assert reply.completed["optimizer"]["type"] == "AdamW"
    assert reply.completed["evaluation"]["metrics"] == ["accuracy", "loss"]
    assert reply.steps == reply.completed["epochs"]


def test_a_graph_with_losses_alone_is_measured_by_its_loss(setup: Setup) -> None:
    looked_at(setup)
    graph = edit(
        loads(SMALL), Edit(("nodes", "head", "params", "num_classes"), 3), Edit(("outputs", "predict"), remove=True)
    )
    reply = changed(setup, json.dumps(to_document(graph)), DATA)
    assert reply.completed is not None
    assert reply.completed["evaluation"]["metrics"] == ["loss"]


def test_a_key_of_a_part_that_was_filled_in_leaves_the_others_as_they_were(setup: Setup, fitting: str) -> None:
    looked_at(setup)
    before = changed(setup, fitting, DATA)
    reply = changed(setup, fitting, DATA, {"path": ["optimizer", "lr"], "set": 0.5})
    assert reply.values is not None
    assert reply.completed is not None
    assert before.completed is not None
    assert reply.values["optimizer"]["lr"] == 0.5
    assert reply.completed["optimizer"] == {**before.completed["optimizer"], "lr": 0.5}
    assert reply.completed["clip"] == before.completed["clip"]
    back = changed(
        setup, fitting, reply.text, {"path": ["optimizer", "lr"], "set": before.completed["optimizer"]["lr"]}
    )
    assert back.values is not None
    assert back.values.keys() == {"schema", "graph", "data"}


def test_an_edit_of_the_form_keeps_the_comments_of_the_text(setup: Setup, fitting: str) -> None:
    text = f"# of the lab\n{DATA}epochs: 3  # short\n# the end\n"
    reply = changed(setup, fitting, text, {"path": ["epochs"], "set": 5})
    assert reply.text.startswith("# of the lab\n") and reply.text.endswith("\n# the end\n")
    assert "\nepochs: 5  # short\n" in reply.text and reply.values is not None and reply.values["epochs"] == 5


def test_the_form_lists_the_parameters_of_every_augmentation_step(setup: Setup) -> None:
    form = recipe_form()
    assert set(form.augmentation) == set(STEPS) and set(form.masks) == set(MASKS)
    crop = form.augmentation["random_resized_crop"]
    assert [one.label for one in crop.fields] == list(STEPS["random_resized_crop"].model_fields)
    assert crop.defaults["scale"] == [0.08, 1.0] and crop.about.startswith("A random part of the image")
    assert all(one.help for kind in form.augmentation.values() for one in kind.fields)
    assert "$ref" not in form.model_dump_json()


@pytest.mark.parametrize(
    ("edits", "expected"),
    [
        ([{"path": ["epochs"], "set": 3}], {"epochs": 3}),
        ([{"path": ["epochs"], "set": 3}, {"path": ["steps"], "set": 70}], {"steps": 70}),
        ([{"path": ["epochs"], "set": 3}, {"path": ["epochs"], "remove": True}], {}),
        ([{"path": ["ema", "decay"], "set": 0.9}], {"ema": {"decay": 0.9}}),
        ([{"path": ["ema", "decay"], "set": 0.9}, {"path": ["ema", "decay"], "remove": True}], {}),
        ([{"path": ["policy", "conv", "lr"], "set": 0.1}], {"policy": {"conv": {"lr": 0.1}}}),
        ([{"path": ["policy", "conv", "lr"], "set": 1}, {"path": ["policy", "conv", "lr"], "remove": True}], {}),
    ],
)
def test_edits_of_the_form_change_the_text(
    setup: Setup, fitting: str, edits: list[dict[str, Any]], expected: dict[str, Any]
) -> None:
    reply = changed(setup, fitting, DATA, *edits)
    assert reply.values is not None
    assert {key: value for key, value in reply.values.items() if key not in ("schema", "graph", "data")} == expected
    assert changed(setup, fitting, reply.text).text == reply.text
    assert reply.problems == []


def test_a_text_with_faults_is_reported_by_line_and_kept(setup: Setup, fitting: str) -> None:
    text = f"# mine\n{DATA}epoch: 3\nbatches: {{batch: many}}\n"
    reply = changed(setup, fitting, text)
    assert reply.text == text
    assert {(problem.subject, problem.line) for problem in reply.problems} == {("epoch", 4), ("batches.batch", 5)}
    assert sorted(problem.keys for problem in reply.problems) == [["batches", "batch"], ["epoch"]]
    assert not reply.ready
    broken = changed(setup, fitting, "data: [1\n")
    assert broken.values is None
    assert broken.problems
    with pytest.raises(GraphError):
        changed(setup, fitting, "data: [1\n", {"path": ["epochs"], "set": 3})


@pytest.mark.parametrize(
    ("text", "keys"),
    [
        ("optimizer: {type: SGD, lr: 0.1, lr_x: 1}\n", ["optimizer", "lr_x"]),
        ("policy: {conv.other: {lr: 1}}\n", ["policy", "conv.other"]),
        ("augment: {image: [flip, {rotate: {degree: 3}}]}\n", ["augment", "image", 1, "rotate", "degree"]),
        ("mix: {mixupp: 0.2}\n", ["mix", "mixupp"]),
        ("weights: ../outside.safetensors\n", ["weights"]),
    ],
)
def test_a_problem_of_a_recipe_names_the_keys_that_it_is_about(
    setup: Setup, fitting: str, text: str, keys: list[str | int]
) -> None:
    looked_at(setup)
    assert keys in [problem.keys for problem in changed(setup, fitting, f"{DATA}{text}").problems]


def test_a_node_that_is_called_like_a_key_of_a_recipe_is_of_the_graph(setup: Setup) -> None:
    looked_at(setup)
    text = SMALL.replace("head", "data").replace("num_classes: 3", "num_classes: 2")
    reply = changed(setup, json.dumps(to_document(loads(text))), DATA)
    assert [problem.subject for problem in reply.problems if problem.severity == "error"] == []
    assert "data.num_classes" in [problem.subject for problem in reply.graph_problems]


def test_the_shown_command_trains_the_same_recipe(setup: Setup, fitting: str) -> None:
    looked_at(setup)
    reply = changed(
        setup,
        fitting,
        DATA,
        {"path": ["epochs"], "set": 3},
        {"path": ["policy", "conv", "freeze"], "set": True},
        {"path": ["schedule", "warmup"], "set": "2 epochs"},
    )
    assert reply.command == (
        "composer train small.yaml --data animals --epochs 3 --set schedule.type=cosine "
        "--set 'schedule.warmup=\"2 epochs\"' --set policy.conv.freeze=true"
    )


def test_a_recipe_is_kept_beside_its_graph_and_a_foreign_change_is_not_lost(setup: Setup, workspace: Path) -> None:
    assert setup.recipes.stored(StoredRecipeRequest(graph="small.yaml")).text == ""
    saved = setup.recipes.save(SaveRecipeRequest(graph="small.yaml", text=DATA))
    assert (saved.name, saved.conflict) == ("small.recipe.yaml", "")
    found = setup.recipes.stored(StoredRecipeRequest(graph="small.yaml"))
    assert (found.text, found.version) == (saved.text, saved.version)
    (workspace / "small.recipe.yaml").write_text("graph: small.yaml\nseed: 5\n")
    refused = setup.recipes.save(SaveRecipeRequest(graph="small.yaml", text=DATA, version=saved.version))
    assert "is not what it was" in refused.conflict
    assert "seed: 5" in (workspace / "small.recipe.yaml").read_text()
    request = SaveRecipeRequest(graph="small.yaml", text="data: [", version=saved.version, overwrite=True)
    assert setup.recipes.save(request).text == "data: ["
    (workspace / "small.recipe.yaml").unlink()


def test_paths_of_a_recipe_move_with_it(setup: Setup, workspace: Path) -> None:
    (workspace / "sub").mkdir()
    (workspace / "sub" / "net.yaml").write_text(SMALL)
    saved = setup.recipes.save(SaveRecipeRequest(graph="sub/net.yaml", text=DATA, base=""))
    assert saved.base == "sub"
    assert loads_recipe(saved.text).data.train.path == "../animals"
    assert confined(loads_recipe(saved.text), workspace, "sub").data.train.path == str(workspace / "animals")


@pytest.mark.parametrize("name", ["../small.yaml", "nothing.yaml", "small.recipe.yaml", "small.txt", "way out/x.yaml"])
def test_a_recipe_lies_beside_graphs_of_the_workspace_alone(setup: Setup, name: str) -> None:
    with pytest.raises(GraphError):
        setup.recipes.save(SaveRecipeRequest(graph=name, text=DATA))


def keys_of(path: tuple[str, ...] = ()) -> Iterator[str]:
    """Every key of a recipe that holds a value."""
    for name, entry in part_at(path).model_fields.items():
        key = (*path, entry.alias or name)
        inside = part_at(key)
        if inside is not None and inside is not part_at(path):
            yield from keys_of(key)
        else:
            yield ".".join(key)


def test_every_key_of_a_recipe_is_in_the_form() -> None:
    elsewhere = {"schema", "graph", "metadata", "data.train.path", "augment", "mix"}
    form = recipe_form()
    shown = {".".join(field.path) for group in form.groups for field in group.fields}
    policy = {f"policy.{field.path[0]}" for field in form.policy} | {"policy.freeze.until"}
    assert set(keys_of()) - elsewhere <= shown | policy
    assert all(field.help for group in form.groups for field in group.fields)


# --- images ------------------------------------------------------------------------------------------------------


def images(setup: Setup, document: str, text: str, **more: Any) -> ImagesResult:
    view = ended(setup, setup.images(ImagesRequest(document=document, text=text, **more)))
    assert isinstance(view.result, ImagesResult), view.problems
    return view.result


def test_images_are_those_that_training_reads(setup: Setup, fitting: str) -> None:
    text = f"{DATA}augment: {{image: [flip]}}\nbatches: {{batch: 8}}\n"
    first = images(setup, fitting, text, count=4)
    assert first.steps == {"image": ["flip"]}
    assert images(setup, fitting, text, count=4) == first
    other = images(setup, fitting, text, epoch=1, count=4)
    assert [sample.index for sample in other.samples] != [sample.index for sample in first.samples]
    later = images(setup, fitting, text, start=2, count=2)
    assert later.samples == first.samples[2:4]
    assert all(sample.about in CLASSES for sample in first.samples)
    assert {(view.width, view.height) for sample in first.samples for view in sample.views} == {(16, 16)}


def test_a_graph_whose_classes_do_not_fit_shows_images_already(setup: Setup, document: str) -> None:
    assert images(setup, document, DATA, split="val", count=2).samples


def test_an_image_that_cannot_be_read_says_so_in_its_place(setup: Setup, fitting: str) -> None:
    found = images(setup, fitting, f"{DATA}seed: 3\nbatches: {{batch: 1}}\n", count=24)
    more = images(setup, fitting, f"{DATA}seed: 3\nbatches: {{batch: 1}}\n", count=24, start=24)
    val = images(setup, fitting, f"{DATA}seed: 3\n", count=24, split="val")
    broken = [one for one in (*found.samples, *more.samples, *val.samples) if one.problem]
    assert [one.name for one in broken] == ["ant/broken.png"]


def test_mixed_images_show_the_shares_of_their_classes(setup: Setup, fitting: str) -> None:
    found = images(setup, fitting, f"{DATA}mix: {{mixup: 5.0}}\n", count=8, start=4)
    assert found.mixed
    assert any("," in sample.about for sample in found.samples)


def test_both_views_of_a_graph_of_two_views_are_shown(setup: Setup) -> None:
    graph = json.dumps(to_document(read(ROOT / "saved_graphs" / "selfsup" / "simclr.yaml")))
    found = images(setup, graph, DATA, count=2)
    (first, *_) = [sample for sample in found.samples if not sample.problem]
    assert len(first.views) == 2
    assert first.views[0].image != first.views[1].image


# --- the check ---------------------------------------------------------------------------------------------------


def test_the_check_reports_every_node_and_the_needs_of_the_training(setup: Setup, fitting: str) -> None:
    text = (
        "graph: small.yaml\ndata: {train: {path: animals}, bad: skip}\nbatches: {batch: 4}\nepochs: 1\n"
        "policy: {conv: {freeze: true}}\n"
    )
    view = ended(setup, setup.check(CheckRequest(document=fitting, text=text)))
    assert isinstance(view.result, CheckResult), view.problems
    found = view.result
    assert [one.item for one in found.findings if one.item in ("memory", "policy", "time", "disk")] == [
        "memory",
        "policy",
        "time",
        "disk",
    ]
    assert found.nodes["conv"].kind == "frozen"
    assert found.nodes["conv"].moved == 0
    assert found.nodes["head"].kind == "trained"
    assert found.nodes["head"].norm
    assert found.peak and found.usual == found.peak
    assert found.seconds
    assert found.disk


def test_a_graph_that_does_not_fit_ends_the_check_with_findings(setup: Setup, document: str) -> None:
    view = ended(setup, setup.check(CheckRequest(document=document, text=DATA)))
    assert isinstance(view.result, CheckResult), view.problems
    assert view.result.state == "error"
    assert "num_classes" in view.result.findings[0].message
