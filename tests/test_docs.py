"""What README, CONTRIBUTING and docs/ say is true: their examples run, their links lead somewhere.

What is done with a block is said behind its language:

- ``python``: run; the blocks of a page share their names. One that begins with ``def forward_`` shows the source of
  the model that the page calls ``model``, and is compared with it.
- ``python component PATH``: written to PATH, and read as a component.
- ``yaml graph``: a graph without problems, written to a file of its name.
- ``yaml part``: a piece of the page's first graph; with it put in, the graph has no errors.
- ``yaml refused CODE``: such a piece, with which there is the problem CODE.
- ``yaml examples``: examples for the contract of the page's components.
- ``text`` and ``console``: lines that begin with ``$ composer`` are run, and what follows is what they print; ``...``
  stands for any lines.
"""

import re
import shlex
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from glob import glob
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from typer.testing import CliRunner

import composer
from composer import Catalog, GraphError
from composer.cli.app import app
from composer.graphfile import loads
from composer.graphfile.document import from_document, to_document
from composer.graphfile.yamltext import parse
from tests.components import test_contract as contract

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
NAMES = [str(page.relative_to(ROOT)) for page in PAGES]
NOT_RUN = {"docs/openmmlab.md"}
"""Its examples start from configs and checkpoints of OpenMMLab; tests/openmmlab has such files and tries the same."""

DERIVED = {
    "tiny.yaml": {
        "broken.yaml": [("GlobalAveragePooling", "GlobalAvgPooling"), ("num_classes: 2", 'num_classes: "2"')],
        "sizes.yaml": [("num_classes: 2", "in_channels: 256, num_classes: 2")],
    }
}
"""Files that a page speaks of, made from a graph on it."""

FENCE = re.compile(r"(?P<indent> *)```(?P<mark>.*)")
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")


@dataclass(frozen=True)
class Block:
    """A block of code on a page."""

    page: Path
    line: int
    mark: str
    text: str

    @property
    def words(self) -> list[str]:
        return self.mark.split()

    def __str__(self) -> str:
        return f"{self.page.name}:{self.line}"


def blocks(page: Path) -> Iterator[Block]:
    inside: list[str] | None = None
    mark, indent, start = "", 0, 0
    for number, line in enumerate(page.read_text().splitlines(), 1):
        fence = FENCE.fullmatch(line)
        if fence and inside is None:
            inside, mark, indent, start = [], fence["mark"].strip(), len(fence["indent"]), number
        elif fence and inside is not None:
            yield Block(page, start, mark, "\n".join(inside) + "\n")
            inside = None
        elif inside is not None:
            inside.append(line[indent:])
    assert inside is None, f"{page.name}:{start}: a block without an end"


@dataclass
class Reader:
    """Does what a page shows, block by block, in a folder of its own."""

    space: dict[str, Any] = field(default_factory=dict)
    graph: Mapping[str, Any] = field(default_factory=dict)
    catalog: Catalog = field(default_factory=Catalog.default)

    def read(self, block: Block) -> None:
        match block.words:
            case ["python"] if block.text.startswith("def forward_"):
                mode = block.text.removeprefix("def forward_").partition("(")[0]
                assert self.space["model"].code[mode] == block.text, block
            case ["python"]:
                exec(compile("\n" * block.line + block.text, str(block.page), "exec"), self.space)  # noqa: S102
            case ["python", "component", path]:
                Path(path).parent.mkdir(parents=True)
                Path(path).write_text(block.text)
                self.catalog = self.catalog.with_folder(Path(path).parts[0])
            case ["yaml", "graph"]:
                self.show_graph(block)
            case ["yaml", "part"]:
                assert self.errors_with(block.text) == [], block
            case ["yaml", "refused", code]:
                assert code in [problem.code for problem in self.errors_with(block.text)], block
            case ["yaml", "examples"]:
                self.hold_to_contract(block)
            case ["text" | "console"]:
                self.run_commands(block)
            case ["yaml" | "python", *_]:
                raise AssertionError(f"{block}: nobody checks a block marked '{block.mark}'")

    def show_graph(self, block: Block) -> None:
        graph = loads(block.text, str(block))
        assert [str(problem) for problem in composer.infer_shapes(graph, self.catalog).problems] == []
        self.graph = self.graph or to_document(graph)
        files = {f"{graph.name}.yaml": [], **DERIVED.get(f"{graph.name}.yaml", {})}
        for name, changes in files.items():
            text = block.text
            for old, new in changes:
                assert old in text, f"{block}: {name} is made by replacing {old!r}"
                text = text.replace(old, new)
            Path(name).write_text(text)

    def errors_with(self, piece: str) -> list[composer.Problem]:
        """The errors of the page's first graph with a piece put in."""
        try:
            found, _ = parse(piece)
            document = dict(self.graph)
            for section, value in found.items():
                merged = isinstance(value, Mapping) and isinstance(document.get(section), Mapping)
                document[section] = {**document[section], **value} if merged else value
            problems = composer.infer_shapes(from_document(document), self.catalog).problems
        except GraphError as error:
            problems = error.problems
        return [problem for problem in problems if problem.severity == "error"]

    def hold_to_contract(self, block: Block) -> None:
        for name, examples in yaml.safe_load(block.text).items():
            contract.test_a_component_is_documented(self.catalog[name])
            for example in examples:
                case = contract.Case(self.catalog[name], example)
                contract.test_axes_are_as_declared(case)
                contract.test_it_builds_without_data_as_with_data(case)
                contract.test_a_gradient_reaches_every_parameter(case)
                contract.test_evaluation_repeats_itself_and_changes_nothing(case)
                contract.test_a_state_dict_says_all(case)

    def run_commands(self, block: Block) -> None:
        for shown in re.split(r"^\$ ", block.text, flags=re.MULTILINE)[1:]:
            command, _, expected = shown.partition("\n")
            if command.startswith("composer "):
                printed = run(command)
                assert re.fullmatch(pattern(expected), printed), f"{block}: {command} prints\n{printed}"


def run(command: str) -> str:
    """What a command line prints."""
    words = [name for word in shlex.split(command)[1:] for name in (sorted(glob(word)) if "*" in word else [word])]
    result = CliRunner().invoke(app, words)
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return "\n".join(line.rstrip() for line in result.output.splitlines()) + "\n"


def pattern(shown: str) -> str:
    """What is shown of an output as a regular expression: a line ``...`` is any number of lines."""
    lines = [line.rstrip() for line in shown.rstrip().splitlines()]
    return "".join(r"(?:.*\n)*?" if line == "..." else re.escape(line) + r"\n" for line in lines)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with what a reader has in the repository, to write in."""
    for name in ("saved_graphs", "examples"):
        shutil.copytree(ROOT / name, tmp_path / name)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("name", [name for name in NAMES if name not in NOT_RUN])
def test_the_examples_of_a_page_are_true(name: str, folder: Path) -> None:
    torch.manual_seed(0)
    reader = Reader()
    for block in blocks(ROOT / name):
        reader.read(block)


def test_examples_that_are_wrong_are_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    graph = "schema: 1\nname: one\ninputs:\n  x: {type: Image}\nnodes:\n  a: {type: ReLU, inputs: {input: x}}\n"
    graph += "outputs:\n  tensor: {out: a.out}\n"
    reader = Reader()
    reader.read(Block(tmp_path, 1, "yaml graph", graph))
    reader.read(Block(tmp_path, 1, "console", "$ composer check one.yaml\none.yaml: ok\n"))
    for mark, text in {
        "python": "assert 1 == 2",
        "yaml graph": graph.replace("ReLU", "RELU6x"),
        "yaml part": "nodes: {a: {type: Rel}}",
        "yaml refused cycle": "nodes: {a: {type: ReLU, inputs: {input: x}}}",
        "console": "$ composer check one.yaml\none.yaml: 1 problem\n",
        "yaml": "a: 1",
    }.items():
        with pytest.raises(AssertionError):
            reader.read(Block(tmp_path, 1, mark, text))


def test_the_first_answers_in_the_readme_are_those_of_make_run(folder: Path) -> None:
    (command,) = [line for line in (ROOT / "Makefile").read_text().splitlines() if "/composer run" in line]
    shipped = "saved_graphs/classification/fashion_mnist"
    answers = run(command.strip().replace("$(SHIPPED)", shipped)).splitlines()
    (shown,) = [block.text for block in blocks(ROOT / "README.md") if block.text.startswith("examples/")]
    assert re.fullmatch(pattern(shown), "\n".join(answers) + "\n")
    assert len(answers) == 10
    for line in answers:
        path, name = re.match(r"(\S+)  (.*) \S+", line).groups()  # type: ignore[union-attr]
        assert Path(path).stem.split("_", 1)[1] == re.sub(r"\W", "_", name.lower())


def test_the_readme_counts_the_nodes_and_parameters_of_the_shipped_model() -> None:
    graph = composer.read(ROOT / "saved_graphs" / "classification" / "fashion_mnist.yaml")
    text = (ROOT / "README.md").read_text()
    assert f"{len(graph.nodes)} nodes" in text
    assert f"**{composer.infer_shapes(graph).parameters:,}** parameters" in text


@pytest.mark.parametrize("name", [*NAMES, "CHANGELOG.md", "DECISIONS.md"])
def test_links_lead_somewhere(name: str) -> None:
    page = ROOT / name
    for target in LINK.findall(page.read_text()):
        if target.startswith(("http://", "https://")):
            continue
        path, _, anchor = target.partition("#")
        found = (page.parent / path) if path else page
        assert found.exists(), target
        assert not anchor or anchor in anchors(found), target


def anchors(page: Path) -> set[str]:
    """What headings are called in links, as GitHub does it."""
    headings = re.findall(r"^#+ (.*)$", page.read_text(), flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("name", NAMES)
def test_commands_that_are_named_exist(name: str) -> None:
    known = {command.name for command in app.registered_commands}
    assert set(re.findall(r"(?:`|\$ |^ *)composer ([a-z]+)", (ROOT / name).read_text(), flags=re.MULTILINE)) <= known


def test_every_command_is_described() -> None:
    text = (ROOT / "docs" / "commands.md").read_text()
    missing = [command.name for command in app.registered_commands if f"| `composer {command.name}" not in text]
    assert missing == []


def test_every_port_type_is_described() -> None:
    rows = re.findall(
        r"^\| `(\w+)` \| .* \| (?:`(\w+)` )?\|$", (ROOT / "docs" / "components.md").read_text(), re.MULTILINE
    )
    types = composer.Catalog.default().port_types.values()
    parents = {kind.name: kind.ancestors()[1].name if kind.parent is not None else "" for kind in types}
    assert dict(rows).items() >= parents.items()


def test_the_table_of_kinds_holds_every_component(request: pytest.FixtureRequest) -> None:
    """``--write-golden`` writes the names; what a kind holds is written by hand."""
    page = ROOT / "docs" / "components.md"
    row = re.compile(r"^\| `(\w+)` \| ([^|]*) \|(.*)\|$", re.MULTILINE)
    before, heading, table = page.read_text().partition("## Kinds")
    table, _, after = table.partition("\n## ")
    kinds = {kind: [item.name for item in own] for kind, own in shipped().items()}
    if request.config.getoption("--write-golden"):
        told = {kind: text for kind, text, _ in row.findall(table)}
        lines = [f"| `{kind}` | {told.get(kind, 'TODO')} | {', '.join(names)} |" for kind, names in kinds.items()]
        rows = "\n".join(lines)
        table = table[: row.search(table).start()] + rows + "\n"  # type: ignore[union-attr]
        page.write_text(f"{before}{heading}{table}\n## {after}")
    found = {kind: names.strip().split(", ") for kind, _, names in row.findall(table)}
    assert found == kinds, "pytest tests/test_docs.py --write-golden writes the names"
    assert "TODO" not in table, "say what the kind holds"


def shipped() -> dict[str, list[Any]]:
    """The components that come with composer, by kind."""
    mine = {
        kind: [item for item in own if item.cls.__module__.startswith("components.")]
        for kind, own in Catalog.default().kinds.items()
    }
    return {kind: own for kind, own in mine.items() if own}
