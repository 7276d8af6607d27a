"""Who may import whom: the layers of ``composer`` and the independence of ``components``, read from the sources."""

import ast
import sys
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path

import networkx as nx
import pytest

ROOT = Path(__file__).parents[1]

# A room reaches its own layer and those below it, never one above. Every room has its layer.
LAYERS = (
    {"__main__", "cli"},
    {"web"},
    {"export", "modules", "openmmlab", "training"},
    {"edits", "model"},
    {"run"},
    {"rules"},
    {"graph"},
    {"catalog"},
    {"ports", "problems"},
)
MOST_ROOMS = 16
WITHOUT_TORCH = ("graph", "rules", "model.emit")
WITH_TORCH = ("rules.sizes",)  # sizes are found by calling components on meta tensors
OPENS_MODULES = {"catalog"}  # the only one that imports by name, which is how it reaches ``components``
OPENS_LATE = {"app.py", "ui.py"}  # a command imports what it needs; Gradio alone takes seconds
COMPONENTS_MAY_IMPORT = {"annotated_types", "components", "torch"}  # and the standard library and composer.ports

FOLLOWS_WEIGHTS = {"graph", "edits.draft"}  # a draft's nodes change while it is open, so none can be kept resolved

DEPTH = {module: depth for depth, layer in enumerate(LAYERS) for module in layer}


def imports(source: str, package: str = "") -> Iterator[str]:
    """The dotted names a source imports, wherever in it; ``from a import b`` gives ``a.b``."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            parents = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            origin = ".".join([*parents, *([node.module] if node.module else [])])
            yield from (f"{origin}.{alias.name}" for alias in node.names)


def exported(source: str) -> set[str] | None:
    """The names in a source's ``__all__``; None where it has none."""
    for node in ast.parse(source).body:
        if isinstance(node, ast.Assign) and "__all__" in {getattr(target, "id", None) for target in node.targets}:
            return set(ast.literal_eval(node.value))
    return None


def opens_modules(source: str) -> bool:
    """Whether a source imports modules by a name that it holds as text."""
    called = (node.func for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call))
    names = {getattr(func, "attr", None) or getattr(func, "id", None) for func in called}
    return bool(names & {"import_module", "__import__"})


def is_in(module: str, rooms: Collection[str]) -> bool:
    """Whether a dotted module is one of these, or lies in one of them."""
    return any(module == room or module.startswith(f"{room}.") for room in rooms)


def module_faults(module: str, source: str, package: str = "composer") -> list[str]:
    """What a source in a module of composer does against the rules by itself."""
    found = []
    for name in imports(source, package):
        top = name.partition(".")[0]
        if top == "components":
            found.append(f"{module} imports {name}: only the catalog reaches components, by name")
        if top == "torch" and is_in(module, WITHOUT_TORCH) and not is_in(module, WITH_TORCH):
            found.append(f"{module} imports {name}: it runs without torch")
    if opens_modules(source) and not is_in(module, OPENS_MODULES):
        found.append(f"{module} imports modules by name: only the catalog does")
    return found


def link_faults(module: str, source: str, package: str = "composer") -> list[str]:
    """Where a source finds out by itself what nodes call or whose weights they use; a linked graph knows it."""
    if is_in(module, FOLLOWS_WEIGHTS):
        return []
    loops = (loop for loop in ast.walk(ast.parse(source)) if isinstance(loop, ast.While))
    found = [f"line {loop.lineno} follows weights from node to node" for loop in loops if reads_source(loop)]
    names = [name for name in imports(source, package) if is_in(name, {"composer.graph.scope"})]
    return [*found, *(f"imports {name}" for name in names)]


def reads_source(loop: ast.While) -> bool:
    """Whether ``weights.source`` stands in a loop."""
    read = [one for one in ast.walk(loop) if isinstance(one, ast.Attribute) and one.attr == "source"]
    return any(isinstance(one.value, ast.Attribute) and one.value.attr == "weights" for one in read)


def component_faults(source: str, package: str = "components") -> list[str]:
    """What a file of components imports against the rules."""
    return [
        f"imports {name}: components know torch and composer.ports only"
        for name in imports(source, package)
        if name.partition(".")[0] not in COMPONENTS_MAY_IMPORT | sys.stdlib_module_names
        and not name.startswith("composer.ports.")
    ]


def import_graph(modules: Mapping[str, list[str]]) -> "nx.DiGraph[str]":
    """An edge from each module of composer to each that it imports, from the dotted names that each imports."""
    graph: nx.DiGraph[str] = nx.DiGraph()
    graph.add_nodes_from(modules)
    for module, names in modules.items():
        targets = {name.split(".")[1] for name in names if name.startswith("composer.")}
        graph.add_edges_from((module, target) for target in targets - {module})
    return graph


def layer_faults(graph: "nx.DiGraph[str]") -> list[str]:
    """The ways on which a module reaches one in a layer above it."""
    return [
        " -> ".join(nx.shortest_path(graph, module, above))
        for module in sorted(DEPTH.keys() & graph)
        for above in sorted(DEPTH.keys() & nx.descendants(graph, module))
        if DEPTH[above] < DEPTH[module]
    ]


def sources(folder: str) -> list[Path]:
    return sorted((ROOT / folder).rglob("*.py"))


def dotted(path: Path) -> str:
    return ".".join(path.parent.relative_to(ROOT).parts)


def module_of(path: Path) -> str:
    """The module under ``composer`` that a file is: ``web.canvas`` for ``composer/web/canvas.py``."""
    return ".".join(path.relative_to(ROOT / "composer").with_suffix("").parts).removesuffix(".__init__")


def room_of(path: Path) -> str:
    """The entry right under ``composer`` that a file belongs to: ``web`` for ``composer/web/canvas.py``."""
    return module_of(path).partition(".")[0]


def core() -> dict[str, list[str]]:
    """The dotted names that each module of composer imports."""
    modules: dict[str, list[str]] = {}
    for path in CORE:
        modules.setdefault(room_of(path), []).extend(imports(path.read_text(), dotted(path)))
    return modules


CORE = [path for path in sources("composer") if path != ROOT / "composer/__init__.py"]


def test_no_module_reaches_a_layer_above_its_own() -> None:
    assert layer_faults(import_graph(core())) == []


def test_every_room_has_its_layer_and_they_are_few() -> None:
    assert set(core()) == set(DEPTH)
    assert len({room_of(path) for path in sources("composer")}) <= MOST_ROOMS


def test_no_rooms_import_each_other_in_a_cycle() -> None:
    assert list(nx.simple_cycles(import_graph(core()))) == []


def test_modules_import_from_where_a_name_is_defined() -> None:
    modules = core()
    assert set(import_graph(modules)) - set(modules) == set()


@pytest.mark.parametrize("path", CORE, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_a_module_reaches_torch_and_components_as_it_may(path: Path) -> None:
    faults = module_faults(module_of(path), path.read_text(), dotted(path))
    assert [fault for fault in faults if path.name not in OPENS_LATE or "by name" not in fault] == []


@pytest.mark.parametrize("path", CORE, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_only_the_linked_graph_and_a_draft_resolve_nodes(path: Path) -> None:
    assert link_faults(module_of(path), path.read_text(), dotted(path)) == []


@pytest.mark.parametrize("path", sources("components"), ids=lambda path: path.relative_to(ROOT).as_posix())
def test_components_know_torch_and_ports_only(path: Path) -> None:
    assert component_faults(path.read_text(), dotted(path)) == []


def test_names_that_other_modules_import_are_public() -> None:
    public = {path: exported(path.read_text()) for path in CORE}
    listed = {f"composer.{module_of(path)}": names for path, names in public.items() if names is not None}
    modules = {f"composer.{module_of(path)}" for path in CORE}
    found = {
        (module_of(path), name)
        for path in CORE
        for name in imports(path.read_text(), dotted(path))
        if name not in modules
        for module, _, last in [name.rpartition(".")]
        if module in listed and last not in listed[module]
    }
    assert found == set()


def test_no_module_has_the_name_of_something_public() -> None:
    public = exported((ROOT / "composer/__init__.py").read_text())
    assert public and public & {room_of(path) for path in CORE} == set()


@pytest.mark.parametrize(
    ("refused", "accepted"),
    [
        ({"graph": ["composer.rules.check"]}, {"rules": ["composer.graph.Graph"]}),
        ({"rules": ["composer.web"], "web": []}, {"web": ["composer.rules"], "rules": []}),
        ({"rules": ["composer.steps.x"], "steps": ["composer.model.y"]}, {"rules": ["composer.steps.x"], "steps": []}),
    ],
)
def test_an_import_of_a_higher_layer_is_found(refused: dict[str, list[str]], accepted: dict[str, list[str]]) -> None:
    assert len(layer_faults(import_graph(refused))) == 1
    assert layer_faults(import_graph(accepted)) == []


@pytest.mark.parametrize(
    ("module", "refused", "accepted"),
    [
        ("graph", "import torch", "import networkx"),
        ("graph.plan", "def run():\n    from torch import nn", "from composer.graph import Graph"),
        ("catalog", "import components.layers", "import_module('components')"),
        ("model", "importlib.import_module('components')", "from composer.catalog import Catalog"),
    ],
)
def test_torch_and_components_are_kept_out(module: str, refused: str, accepted: str) -> None:
    assert len(module_faults(module, refused)) == 1
    assert module_faults(module, accepted) == []


@pytest.mark.parametrize(
    ("refused", "accepted"),
    [
        ("from composer.graph.scope import origin_of", "from composer.graph.link import link"),
        ("while at in nodes:\n    at = nodes[at].weights.source", "while at: at = at.source"),
        ("while nodes[at].weights.source in nodes: pass", "source = nodes[at].weights.source"),
    ],
)
def test_nobody_follows_weights_by_hand(refused: str, accepted: str) -> None:
    assert len(link_faults("export.draw", refused)) == 1
    assert link_faults("export.draw", accepted) == link_faults("edits.draft", refused) == []


@pytest.mark.parametrize(
    ("refused", "accepted"),
    [
        ("from composer.catalog import Catalog", "from composer.ports import FeatureMap"),
        ("import composer", "from components.backbones.resnet import ResNet"),
        ("import numpy as np", "import math"),
        ("import torchvision", "import torch.nn.functional as F"),
        ("from pydantic import Field", "from annotated_types import Gt"),
        ("from ..composer import model", "from .resnet import ResNet"),
    ],
)
def test_an_import_that_components_may_not_have_is_found(refused: str, accepted: str) -> None:
    assert len(component_faults(refused)) == 1
    assert component_faults(accepted) == []


@pytest.mark.parametrize("path", sorted((ROOT / "tests" / "web" / "flows").glob("test_*.py")), ids=lambda one: one.stem)
def test_flows_wait_for_what_they_read(path):
    """A place or a document is read once it stands still, by ``drawing.area`` and ``drawing.document``."""
    faults = ("wait_for_timeout", "time.sleep", ".bounding_box()")
    lines = path.read_text("utf-8").splitlines()
    reads = [line for line in lines if ".evaluate(" in line and "currentDocument" in line]
    allowed = {"test_recovery.py": "page.wait_for_timeout(50)"}.get(path.name, "\0")
    found = [line.strip() for line in lines if any(fault in line for fault in faults) and allowed not in line]
    assert found + reads == []
