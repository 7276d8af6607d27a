"""The tabs of the dock, called as Gradio calls them."""

import csv
import io
import json
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import gradio as gr
import numpy as np
import pytest
from gradio.data_classes import ImageData

import composer
from composer.graph.file import dumps, loads
from composer.graph.file.document import to_document
from composer.graph.link import link
from composer.problems import Edit, Fix, GraphError, Problem, Where
from composer.rules.sizes import infer_shapes
from composer.rules.sizes.rows import size_rows
from composer.web.actions import Actions
from composer.web.canvas import graph_canvas
from composer.web.catalog_source import CatalogSource
from composer.web.dock import Dock, Setting, build_dock
from composer.web.dock.markup import bar_list, hint, problem_list, progress_bar, table
from composer.web.dock.opened import OpenDocument
from composer.web.dock.run_answers import RunAnswers
from composer.web.dock.summary_tab import summary_csv
from composer.web.dock.tabs import TABS
from composer.web.dock.weights_picker import WeightsPicker
from composer.web.file_actions import FileActions
from composer.web.runs import Done, Failed, Passes, Progress, Runner, RunResult, Waiting
from composer.web.runs.payloads import PassRequest
from composer.web.runs.results import ClassScore, Pixels, Region, TensorRow, ValueRow
from composer.web.views import problem_view
from composer.web.workspace import Workspace

SHIPPED = Path(__file__).parents[2] / "saved_graphs" / "classification" / "fashion_mnist.yaml"
NAME = "classification/fashion_mnist.yaml"
HOSTILE = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    '"><svg onload=alert(1)>',
    "' onmouseover='alert(1)",
    "</table><iframe src=javascript:alert(1)>",
    "&lt;b&gt;",
    "{{value}} ${value}",
]


OWN_TAGS = {"p", "ul", "li", "div", "span", "b", "code", "pre", "figure", "figcaption", "svg", "rect", "title", "img"}
OWN_TAGS |= {"table", "thead", "tbody", "tfoot", "tr", "th", "td"}
OWN_TAGS |= {"button"}


class ScriptedRunner(Runner):
    """Says what a test wants it to say."""

    def __init__(self) -> None:
        super().__init__()
        self.events: list[Any] = []
        self.jobs: list[Any] = []
        self.stopped: list[str] = []

    def run(self, job: Any, owner: str | None = None) -> Iterator[Any]:
        self.jobs.append(job)
        yield from self.events

    def stop(self, owner: str) -> None:
        self.stopped.append(owner)


class Asker:
    """What a handler needs of a request."""

    session_hash = "page"


@pytest.fixture(scope="module")
def setting(tmp_path_factory: pytest.TempPathFactory) -> Setting:
    actions = Actions(CatalogSource())
    workspace = Workspace(tmp_path_factory.mktemp("graphs"))
    files = FileActions(workspace, actions.components, actions.graph_of, actions.shown, actions.view_of)
    return Setting(actions.components, actions.graph_of, files.read, workspace.weights_of, ScriptedRunner(), Passes())


@pytest.fixture(scope="module")
def page(setting: Setting) -> tuple[gr.Blocks, Dock]:
    with gr.Blocks() as blocks:
        dock = build_dock(graph_canvas({}, "bundle.js", "bundle.css", "canvas"), setting)
    return blocks, dock


@pytest.fixture
def dock(page: tuple[gr.Blocks, Dock], setting: Setting) -> Dock:
    runner = setting.runner
    assert isinstance(runner, ScriptedRunner)
    runner.events, runner.jobs, runner.stopped = [], [], []
    return page[1]


def opened(text: str | None = None, **parts: Any) -> str:
    graph = loads(SHIPPED.read_text() if text is None else text)
    message = {"document": json.dumps(to_document(graph)), "place": "shipped", "name": NAME, "tab": "Run", **parts}
    return json.dumps(message)


def value(update: Any) -> Any:
    return update["value"] if isinstance(update, dict) else update


class Tags(HTMLParser):
    """The tags, attributes and text of a piece of HTML."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.text = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.mark.parametrize("text", HOSTILE)
def test_nothing_from_a_graph_becomes_markup(text: str) -> None:
    problem = Problem("unknown-node", Where(text, line=1, mode=text), f"{text}\n{text}", Fix(text, changes=text))
    mended = replace(problem, fix=Fix(text, (Edit((text,), text),), text))
    pieces = [
        hint(text),
        table([text], [[text]], total=[text]),
        bar_list(text, [(text, 1.0, text)]),
        problem_list([problem_view(problem)], [text]) + problem_list([problem_view(problem)]),
        problem_list([problem_view(mended)]),
        progress_bar(Progress(doing=text, node=text, total=3)),
    ]
    for piece in pieces:
        seen = Tags(piece)
        assert seen.tags <= OWN_TAGS
        assert not {name for name in seen.attributes if name.startswith("on")}
        assert text in seen.text or "img" in seen.tags


def test_the_yaml_tab_shows_the_canonical_text(dock: Dock, setting: Setting) -> None:
    text, message = dock.yaml.refresh(OpenDocument.read(opened()), "", "")
    assert text == dumps(loads(SHIPPED.read_text()), setting.catalog())
    assert "No problems" in message


def test_a_change_of_the_canvas_while_yaml_is_typed_is_reported(dock: Dock) -> None:
    _, message = dock.yaml.refresh(OpenDocument.read(opened()), "name: typed\n", "name: before\n")
    assert "Revert drops it" in message


def test_applying_yaml_is_one_step_on_the_canvas(dock: Dock, setting: Setting) -> None:
    typed = SHIPPED.read_text().replace("out_features: 10", "out_features: 12")
    pushed, text, shown, message = dock.yaml.apply(opened(), typed)
    assert (pushed["kind"], pushed["label"]) == ("replace", "YAML")
    assert setting.graph_of(pushed["reply"]["document"]).nodes["classifier"].params["out_features"] == 12
    assert "out_features: 12" in text and text == shown
    assert "one step of undo" in message


def test_each_push_to_the_canvas_is_another_one(dock: Dock) -> None:
    one, other = (dock.yaml.apply(opened(), SHIPPED.read_text())[0]["revision"] for _ in range(2))
    assert one != other


def test_yaml_that_is_wrong_is_reported_at_its_line_and_changes_nothing(dock: Dock) -> None:
    lines = SHIPPED.read_text().splitlines()
    place = next(place for place, line in enumerate(lines) if line.startswith("  pool:"))
    lines[place] = "  pool: {type: AdaptiveAvgPool2d, inputs: [flat"
    pushed, text, _, message = dock.yaml.apply(opened(), "\n".join(lines))
    assert pushed == text == gr.skip()
    assert "1 problem" in message and "yaml-" in message


def test_a_problem_of_the_graph_is_reported_with_the_line_its_text_and_what_to_do(dock: Dock) -> None:
    typed = SHIPPED.read_text().replace("type: Flatten", "type: Flaten")
    *_, message = dock.yaml.apply(opened(), typed)
    seen = Tags(message).text
    assert "flat: {type: Flaten" in seen
    assert "To mend it: set flat.type to Flatten" in seen
    assert "line " in seen


@pytest.mark.parametrize("mode", ["tensor", "loss", "predict"])
def test_the_code_tab_shows_what_runs(dock: Dock, mode: str) -> None:
    radio, code, load, _ = dock.code.show(opened(), mode)
    assert code == composer.compile(loads(SHIPPED.read_text())).code[mode]
    assert (radio["choices"], radio["value"]) == (["tensor", "loss", "predict"], mode)
    assert 'composer.load("saved_graphs/classification/fashion_mnist.yaml")' in load


def test_the_code_tab_says_why_there_is_none(dock: Dock) -> None:
    _, code, _, message = dock.code.show(opened(SHIPPED.read_text().replace("Flatten", "Flaten")), "loss")
    assert code == ""
    assert "no code while the graph has problems" in message and "Flaten" in message
    _, code, load, message = dock.code.show(opened("schema: 1\nname: empty\n"), "loss")
    assert (code, load) == ("", "")
    assert "No mode has outputs yet" in message


def test_a_file_name_stays_text_in_the_code(dock: Dock) -> None:
    _, _, load, _ = dock.code.show(opened(place="none", name='x"); import os; ("'), "tensor")
    assert compile(load, "load", "exec")
    assert "import os" not in load.splitlines()


def test_the_summary_adds_up(dock: Dock) -> None:
    radio, nodes, bars, text, file = dock.summary.show(opened(), "predict")
    seen = Tags(nodes).text
    assert "186,730" in seen and "24.49 M" in seen
    assert "down2_conv" in Tags(bars).text
    rows = list(csv.reader(io.StringIO(text)))
    assert rows[0][:4] == ["node", "type", "output", "parameters"]
    assert sum(int(row[3] or 0) for row in rows[1:-1]) == int(rows[-1][3]) == 186_730
    assert (radio["value"], file) == ("predict", "fashion_mnist_summary.csv")


def test_a_summary_of_a_wrong_graph_goes_as_far_as_it_can(dock: Dock) -> None:
    _, nodes, bars, _, _ = dock.summary.show(opened(SHIPPED.read_text().replace("Flatten", "Flaten")), None)
    assert "stem_conv" in nodes
    assert "The graph has" in bars


def test_no_cell_of_the_csv_is_a_formula(setting: Setting) -> None:
    graph = loads("schema: 1\nname: x\nnodes:\n  a: {type: '=1+2', inputs: {}}\n")
    shapes = infer_shapes(graph, setting.catalog())
    rows = size_rows(link(graph, setting.catalog()), shapes, ())
    assert "\na,'=1+2," in summary_csv(rows, shapes, ())


@pytest.mark.parametrize(
    ("place", "name", "first", "kinds"),
    [
        ("shipped", NAME, "shipped", ["uploaded", "random", "shipped"]),
        ("shipped", "classification/resnet18.yaml", "random", ["uploaded", "random"]),
        ("none", NAME, "random", ["uploaded", "random"]),
        ("workspace", "../../etc/passwd.yaml", "random", ["uploaded", "random"]),
    ],
)
def test_a_graph_that_is_opened_takes_the_weights_beside_it(
    dock: Dock, setting: Setting, place: str, name: str, first: str, kinds: list[str]
) -> None:
    _, fresh = dock.run.weights.choices(setting, OpenDocument(place=place, name=name))
    assert fresh == {"file": f"{place}/{name}", "kinds": kinds, "kind": first}


def test_weights_that_were_not_uploaded_are_refused(setting: Setting) -> None:
    for path in (str(SHIPPED.with_suffix(".safetensors")), "/etc/passwd", None):
        with pytest.raises(GraphError, match="upload"):
            WeightsPicker.choice(setting, OpenDocument(), "uploaded", path, 0, "none/model")


def test_only_the_tab_that_is_shown_is_brought_up_to_date(dock: Dock) -> None:
    given = ["", "", None, None]
    assert len(given) == len(dock.inputs)
    for tab in TABS:
        found = dock.refresh(opened(tab=tab), *given)
        assert len(found) == len(dock.outputs)
        assert any(item != gr.skip() for item in found)
    assert all(item == gr.skip() for item in dock.refresh(opened(tab="Other"), *given))


@pytest.mark.parametrize("text", ["", "{", "[]", '{"document": 3}', '{"document": "{", "tab": "Code"}', "null"])
def test_an_invalid_document_is_reported_or_ignored(dock: Dock, text: str) -> None:
    given = ["", "", None, None]
    with suppress(GraphError):
        found = dock.refresh(text, *given)
        assert all(item == gr.skip() or "dock-error" in str(item) for item in found)


def run(dock: Dock, *, upload: str | None = None, kind: str = "shipped", image: str | None = None) -> list[Any]:
    given = (opened(), image, "predict", "cpu", -1, 2, False, kind, upload, 0, f"shipped/{NAME}")
    return list(dock.run.run(Asker(), *given))  # type: ignore[arg-type]


def result(**changes: Any) -> RunResult:
    plain: dict[str, Any] = {
        "mode": "predict",
        "image": None,
        "classes": [],
        "regions": None,
        "losses": {},
        "tensors": [],
        "values": [],
        "notes": ["Weights: random."],
        "seconds": 0.012,
        "memory": 3 * 2**20,
        "parameters": 1234,
        "device": "cpu",
    }
    return RunResult(**{**plain, **changes})


def runner_of(dock: Dock) -> ScriptedRunner:
    runner = dock.run.setting.runner
    assert isinstance(runner, ScriptedRunner)
    return runner


def test_a_run_shows_its_progress_then_its_answers(dock: Dock) -> None:
    scores = [ClassScore(label=1, name="Trouser", score=0.9, predicted=True)]
    runner_of(dock).events = [
        Waiting(place=2),
        Progress(doing="Running", node="neck (Flatten)", done=3, total=9),
        Done(result=result(classes=scores)),
    ]
    starting, waiting, running, last = run(dock)
    assert not starting[0]["interactive"] and starting[1]["interactive"]
    assert "number 2 in the queue" in waiting[2]
    assert "neck (Flatten)" in running[2] and "4 of 9" in running[2]
    assert last[0]["interactive"] and not last[1]["interactive"]
    assert "12 ms" in last[2] and "3 MiB" in last[2] and "Weights: random." in last[2]
    assert last[3]["value"] == {"Trouser": 0.9}
    assert runner_of(dock).jobs[0].weights.name == "fashion_mnist.safetensors"


def test_a_run_before_the_choices_have_come_takes_what_the_graph_has(dock: Dock) -> None:
    runner_of(dock).events = []
    list(dock.run.run(Asker(), opened(), None, None, "cpu", -1, 2, None, "random", None, 0, ""))  # type: ignore[arg-type]
    [job] = runner_of(dock).jobs
    assert (job.mode, job.weights.name) == ("predict", "fashion_mnist.safetensors")


def test_a_run_that_fails_says_why_and_can_be_started_again(dock: Dock) -> None:
    runner_of(dock).events = [Failed(problems=[problem_view(Problem("run-failed", Where("neck"), "<b>no</b>"))])]
    last = run(dock)[-1]
    assert last[0]["interactive"] and not last[1]["interactive"]
    assert "&lt;b&gt;no&lt;/b&gt;" in last[2]


@pytest.mark.parametrize(("kind", "upload"), [("uploaded", None), ("uploaded", "/etc/passwd")])
def test_a_run_with_weights_that_were_not_uploaded_is_not_begun(dock: Dock, kind: str, upload: str | None) -> None:
    [last] = run(dock, kind=kind, upload=upload)
    assert "upload" in last[2]
    assert runner_of(dock).jobs == []


def test_an_image_that_was_not_uploaded_is_not_opened(dock: Dock) -> None:
    [last] = run(dock, image="/etc/passwd")
    assert "not uploaded" in last[2]
    assert runner_of(dock).jobs == []


def test_stop_ends_the_runs_of_this_page_only(dock: Dock) -> None:
    dock.run.stop(Asker())  # type: ignore[arg-type]
    dock.export.stop(Asker())  # type: ignore[arg-type]
    assert runner_of(dock).stopped == ["page", "page export"]


def test_answers_of_each_kind_are_shown(dock: Dock) -> None:
    show = RunAnswers.show
    losses = show(dock.run.answers, result(mode="loss", losses={"loss_cls": 0.5}))
    assert Tags(losses[2]).text.endswith("loss_cls0.5")
    image = Pixels.of(np.zeros((8, 8, 3), np.uint8))
    mask = Pixels.of(np.full((8, 8), 255, np.uint8))
    regions = [
        Region(box=(1, 2, 5, 6), name="cat", score=0.5),
        Region(box=(0, 0, 3, 3), name="dog", score=0.4, mask=mask),
    ]
    boxes = show(dock.run.answers, result(image=image, regions=regions))
    assert boxes[1]["visible"] and boxes[1]["value"][1][0] == ((80, 160, 400, 480), "cat 0.50")
    assert boxes[1]["value"][1][1][0].max() == 1
    row = TensorRow(name="out", size="1 8 2 2", dtype="float32", low=0, high=1, mean=0.5, std=0.1)
    assert "1 8 2 2" in show(dock.run.answers, result(mode="tensor", tensors=[row]))[2]


def test_a_run_leaves_the_values_of_its_nodes_under_a_name_that_the_page_alone_gets(dock: Dock) -> None:
    row = ValueRow(node="neck", port="out", level=None, shape=[1, 8], dtype="float32", count=8)
    scores = [ClassScore(label=1, name="Trouser", score=0.9, predicted=True)]
    runner_of(dock).events = [Done(result=result(values=[row], classes=scores))]
    *_, last = run(dock)
    view = dock.run.setting.passes.look(PassRequest(name=last[-1]))
    assert (view.rows, view.mode, view.title) == ([row], "predict", "seed 0 (Trouser), fashion_mnist.safetensors")
    [job] = runner_of(dock).jobs
    assert job.keep.name == f"{last[-1]}.values" and not job.training
    runner_of(dock).events = [Failed(problems=[])]
    assert run(dock)[-1][-1] == ""


def test_pixels_that_do_not_fit_their_size_are_refused() -> None:
    good = Pixels.of(np.zeros((2, 3, 3), np.uint8))
    assert good.array().shape == (2, 3, 3)
    for changes in ({"height": 4}, {"channels": 2}, {"width": 10**9}, {"height": 0}):
        with pytest.raises(ValueError, match=r"."):
            good.model_copy(update=changes).array()


def test_the_image_of_a_person_is_not_opened_by_the_server(page: tuple[gr.Blocks, Dock], tmp_path: Path) -> None:
    (tmp_path / "x.png").write_bytes(b"no image at all")
    image = page[1].run.image
    assert image.preprocess(ImageData(path=str(tmp_path / "x.png"))) == str(tmp_path / "x.png")  # type: ignore[comparison-overlap]
    updating = [fn for fn in page[0].fns.values() if image in fn.outputs]
    assert len(updating) == 1  # a shipped image is put there as a value, which leaves the component as it is


def test_every_event_is_private_and_has_a_concurrency_limit(page: tuple[gr.Blocks, Dock]) -> None:
    for fn in page[0].fns.values():
        assert fn.api_visibility == "private", fn.name
        assert fn.fn is None or fn.name == "leave" or fn.concurrency_limit != "default", fn.name


@pytest.mark.parametrize(
    ("name", "stem"),
    [
        ("classification/net.yaml", "net"),
        ("../../etc/passwd", "passwd"),
        ("..", "model"),
        ("мои сети/моя сеть.yaml", "моя сеть"),
        ('a"b<c>.yaml', "a_b_c_"),
        ("C:\\x\\net.yaml", "net"),
        ("", "model"),
    ],
)
def test_the_name_of_an_export_is_plain(name: str, stem: str) -> None:
    assert OpenDocument(name=name).stem == stem


def test_problems_are_reported_in_words() -> None:
    with pytest.raises(GraphError):
        OpenDocument.read("nothing")
    assert str(Problem("bad-document", Where("document"), "x"))
