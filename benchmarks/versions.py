"""This version beside an older one: compile, load, check and an edit in the browser, of graphs of 1,000 nodes.

    python -m benchmarks.versions [REVISION]

The older one comes from git (by default d19dda0, the last version in which every part resolved graphs for itself), so
the history has to be there, and works in a process of its own. Both are asked in turns. The figures are times of
processors, as means: Python collects garbage every few turns.
"""

import itertools
import json
import os
import resource
import statistics
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any

import composer
from benchmarks.check import blocks
from benchmarks.graphs import resnet_layers
from benchmarks.turns import Side, in_turns, serve
from composer import Graph
from composer.web.actions import Actions
from composer.web.catalog_source import CatalogSource
from composer.web.envelopes import enveloped

__all__ = ["main"]

BEFORE = "d19dda0"
HERE = Path(__file__).parent.parent
ROUNDS = 24

GRAPHS = {"ResNet": resnet_layers((10, 30, 30, 30)), "blocks": blocks(1000)}
EDITED = {"ResNet": ("stage2_0_2_conv", "out_channels"), "blocks": ("norm7", "eps")}
WORKS = ("compile", "load", "edit in the browser", "check", "read and check")


def main() -> None:
    revision = sys.argv[1] if len(sys.argv) > 1 else BEFORE
    with tempfile.TemporaryDirectory() as folder:
        archive = ["git", "-C", str(HERE), "archive", revision, "composer", "components"]
        packed = subprocess.run(archive, check=True, capture_output=True).stdout
        with tarfile.open(fileobj=BytesIO(packed)) as files:
            files.extractall(folder, filter="data")
        with side(Path(folder)) as before, side(HERE) as now:
            print(f"this version beside {revision}: milliseconds of a processor, the mean of {ROUNDS} turns")
            print(f"{'':30}{revision:>10}{'this':>8}   times faster")
            for work in [*(f"{graph}, {work}" for graph in GRAPHS for work in WORKS), "composer check FILE"]:
                rounds = ROUNDS if "," in work else ROUNDS // 4
                old, new = (mean(answers) * 1000 for answers in in_turns([before, now], work, rounds))
                print(f"{work:30}{old:>10.1f}{new:>8.1f}   {old / new:.2f}", flush=True)


def mean(answers: list[dict[str, Any]]) -> float:
    """Seconds of a processor, those of a command that was started among them."""
    return statistics.mean(answer["found"] or answer["busy"] for answer in answers)


def side(place: Path) -> AbstractContextManager[Side]:
    """A process whose ``composer`` is the one in this folder; the benchmarks are those of this checkout."""
    environment = {"PYTHONPATH": os.pathsep.join((str(place), str(HERE)))}
    return Side.running(sys.executable, "benchmarks.versions", "--serve", environment=environment, folder=place)


def works(folder: Path) -> dict[str, Callable[[], Any]]:
    """What a process does when it is asked, by name."""
    found: dict[str, Callable[[], Any]] = {}
    for name, graph in GRAPHS.items():
        found |= {f"{name}, {work}": call for work, call in works_of(graph, folder / f"{name}.yaml", *EDITED[name])}
    found["composer check FILE"] = lambda: command("check", str(folder / "blocks.yaml"))
    return found


def command(*arguments: str) -> float:
    """Seconds of a processor that a command of this version takes, with its bytecode cached."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    subprocess.run([sys.executable, "-m", "composer", *arguments], check=True, stdout=2, env=environment)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def works_of(graph: Graph, file: Path, node: str, param: str) -> list[tuple[str, Callable[[], Any]]]:
    """The same of one graph. The graph is new every time, and every edit gives the parameter another value."""
    composer.write(graph, file)
    edit = edit_of(graph, node, param)
    calls = (
        lambda: composer.compile(replace(graph)),
        lambda: composer.load(file),
        edit,
        lambda: composer.check(replace(graph)),
        lambda: composer.check(composer.read(file)),
    )
    return [(work, lambda call=call: call() and None) for work, call in zip(WORKS, calls, strict=True)]


def edit_of(graph: Graph, node: str, param: str) -> Callable[[], Any]:
    """An edit, from the payload of its request to the reply as JSON."""
    actions, values = Actions(CatalogSource()), itertools.count(300)
    document = actions.shown(graph).document

    def edit() -> None:
        value = next(values)
        operation = {"op": "set", "edits": [{"path": ["nodes", node, "params", param], "set": value}]}
        reply = enveloped(actions.edit, {"document": document, "operations": [operation]})
        if not reply["ok"]:  # versions in which this operation had another form
            operation = {"op": "set-param", "node": node, "name": param, "value": value}
            reply = enveloped(actions.edit, {"document": document, "operations": [operation]})
        assert reply["ok"], reply
        json.dumps(reply)

    return edit


if __name__ == "__main__":
    if "--serve" in sys.argv:
        with tempfile.TemporaryDirectory() as files:
            serve(works(Path(files)))
    else:
        main()
