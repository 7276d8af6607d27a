"""Reads the examples on a page and does what they show.

What is done with a block is said behind its language:

- ``python``: run; the blocks of a page share their names. One that begins with ``def forward_`` shows the source of
  the model that the page calls ``model``, and is compared with it.
- ``python client``: asks a running server; ``tests/web/flows/test_page.py`` runs it.
- ``python component PATH``: written to PATH, and read as a component.
- ``yaml graph``: a graph without problems (but classes without annotations), written to a file of its name.
- ``yaml part``: a piece of the page's first graph; with it put in, the graph has no errors.
- ``yaml refused CODE``: such a piece, with which there is the problem CODE.
- ``yaml recipe``: a recipe without problems.
- ``yaml examples``: examples for the contract of the page's components.
- ``yaml``: lines of a file that the page has made.
- ``text`` and ``console``: lines that begin with ``$ composer`` are run, and what follows is what they print; ``...``
  stands for any lines.
"""

import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from glob import glob
from pathlib import Path
from typing import Any

import yaml
from typer.testing import CliRunner

import composer
from composer import Catalog, GraphError
from composer.cli.app import app
from composer.graph.file import loads
from composer.graph.file.document import from_document, to_document
from composer.graph.file.yamltext import parse
from composer.training import loads_recipe
from tests.components import test_contract as contract

DERIVED = {
    "tiny.yaml": {
        "broken.yaml": [("GlobalAveragePooling", "GlobalAvgPooling"), ("num_classes: 2", 'num_classes: "2"')],
        "sizes.yaml": [("num_classes: 2", "in_channels: 256, num_classes: 2")],
    }
}
"""Files that a page speaks of, made from a graph on it."""

FENCE = re.compile(r"(?P<indent> *)```(?P<mark>.*)")


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
            case ["python", *how]:
                self.read_python(block, how)
            case ["yaml", *how]:
                self.read_yaml(block, how)
            case ["text" | "console"]:
                self.run_commands(block)

    def read_python(self, block: Block, how: list[str]) -> None:
        match how:
            case [] if block.text.startswith("def forward_"):
                mode = block.text.removeprefix("def forward_").partition("(")[0]
                assert self.space["model"].code[mode] == block.text, block
            case []:
                exec(compile("\n" * block.line + block.text, str(block.page), "exec"), self.space)  # noqa: S102
            case ["client"]:
                compile(block.text, str(block.page), "exec")
            case ["component", path]:
                Path(path).parent.mkdir(parents=True)
                Path(path).write_text(block.text)
                self.catalog = self.catalog.with_folder(Path(path).parts[0])
            case _:
                raise AssertionError(f"{block}: nobody checks a block marked '{block.mark}'")

    def read_yaml(self, block: Block, how: list[str]) -> None:
        match how:
            case []:
                made = "\n".join(path.read_text() for path in Path().glob("*.yaml"))
                found = re.search(f"^{pattern(block.text)}", made, re.MULTILINE)
                assert found, f"{block}: no file that the page makes has these lines"
            case ["graph"]:
                self.show_graph(block)
            case ["part"]:
                assert self.errors_with(block.text) == [], block
            case ["refused", code]:
                assert code in [problem.code for problem in self.errors_with(block.text)], block
            case ["recipe"]:
                loads_recipe(block.text, str(block))
            case ["examples"]:
                self.hold_to_contract(block)
            case _:
                raise AssertionError(f"{block}: nobody checks a block marked '{block.mark}'")

    def show_graph(self, block: Block) -> None:
        graph = loads(block.text, str(block))
        problems = composer.infer_shapes(graph, self.catalog).problems
        assert [str(problem) for problem in problems if problem.code != "not-annotated"] == []
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
                contract.test_a_component_has_the_same_state_dict_on_the_meta_device(case)
                contract.test_a_gradient_reaches_every_parameter(case)
                contract.test_evaluation_is_deterministic_and_leaves_the_state_unchanged(case)
                contract.test_a_loaded_state_dict_reproduces_the_outputs(case)

    def run_commands(self, block: Block) -> None:
        for shown in re.split(r"^\$ ", block.text, flags=re.MULTILINE)[1:]:
            command, _, expected = shown.partition("\n")
            if command.startswith("composer "):
                printed = run(command)
                fits = not expected.strip() or any(re.fullmatch(pattern(expected), text) for text in printed)
                assert fits, f"{block}: {command} prints\n{printed[0]}"


def run(command: str) -> tuple[str, str]:
    """What a command line prints: as it comes, and the notes after the answers."""
    words = [name for word in shlex.split(command)[1:] for name in (sorted(glob(word)) if "*" in word else [word])]
    result = CliRunner().invoke(app, words)
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return trimmed(result.output), trimmed(result.stdout + result.stderr)


def trimmed(text: str) -> str:
    return "".join(f"{line.rstrip()}\n" for line in text.splitlines())


def pattern(shown: str) -> str:
    """What is shown of a text as a regular expression: ``...`` is anything, as a line of its own any lines."""
    lines = [re.escape(line.rstrip()).replace(r"\.\.\.", ".*") for line in shown.strip("\n").splitlines()]
    return "".join(r"(?:.*\n)*?" if line == ".*" else line + r"\n" for line in lines)
