"""Who may import whom: the layers of ``composer`` and the independence of ``components``, read from the sources."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

# A module imports from its own layer and from those below it, never from one above. New modules are added here.
CHECKING = {
    "declaration_rules",
    "edit",
    "emit",
    "expansion_rules",
    "flows",
    "free_outputs",
    "node_rules",
    "output_rules",
    "parameter_rules",
    "plan",
    "reach",
    "report",
    "rules",
    "runnable",
    "scopes",
    "size_problems",
    "weights_rules",
    "wiring_rules",
}
BUILDING = {
    "answers",
    "assembly",
    "building",
    "calling",
    "graphfile",
    "images",
    "inference",
    "model",
    "openmmlab",
    "standalone",
    "weights",
    "yamltext",
}
LAYERS = (
    {"__main__", "cli"},
    {"web"},
    BUILDING,
    CHECKING,
    {"axes", "catalog", "reading", "structure", "templates"},
    {"graph"},
    {"component"},
    {"limits", "momentum", "names", "ports", "problems", "scalars", "sizes", "yamlwriter"},
)
WITHOUT_TORCH = CHECKING | {"graph"}
OPENS_MODULES = {"catalog"}  # the only one that imports by name, which is how it reaches ``components``
COMPONENTS_MAY_IMPORT = {"annotated_types", "components", "torch"}  # and the standard library and composer.ports

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


def opens_modules(source: str) -> bool:
    """Whether a source imports modules by a name that it holds as text."""
    called = (node.func for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call))
    names = {getattr(func, "attr", None) or getattr(func, "id", None) for func in called}
    return bool(names & {"import_module", "__import__"})


def layer_faults(module: str, source: str, package: str = "composer") -> list[str]:
    """What a module of composer imports against the rules."""
    found = []
    for name in imports(source, package):
        top, _, rest = name.partition(".")
        target = rest.partition(".")[0]
        if top == "components":
            found.append(f"{module} imports {name}: only the catalog reaches components, by name")
        if top == "torch" and module in WITHOUT_TORCH:
            found.append(f"{module} imports {name}: it runs without torch")
        if top == "composer" and target not in DEPTH:
            found.append(f"{module} imports {name}: no layer has a module {target}")
        elif top == "composer" and DEPTH[target] < DEPTH[module]:
            found.append(f"{module} imports {name}: {target} is in a layer above it")
    if opens_modules(source) and module not in OPENS_MODULES:
        found.append(f"{module} imports modules by name: only the catalog does")
    return found


def component_faults(source: str, package: str = "components") -> list[str]:
    """What a file of components imports against the rules."""
    return [
        f"imports {name}: components know torch and composer.ports only"
        for name in imports(source, package)
        if name.partition(".")[0] not in COMPONENTS_MAY_IMPORT | sys.stdlib_module_names
        and not name.startswith("composer.ports.")
    ]


def sources(folder: str) -> list[Path]:
    return sorted((ROOT / folder).rglob("*.py"))


def dotted(path: Path) -> str:
    return ".".join(path.parent.relative_to(ROOT).parts)


def module_of(path: Path) -> str:
    """The module right under ``composer`` that a file belongs to: ``web`` for ``composer/web/canvas.py``."""
    return path.relative_to(ROOT / "composer").parts[0].removesuffix(".py")


CORE = [path for path in sources("composer") if path != ROOT / "composer/__init__.py"]


@pytest.mark.parametrize("path", CORE, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_a_module_imports_only_from_its_layer_and_below(path: Path) -> None:
    module = module_of(path)
    assert module in DEPTH, f"{module} has no layer yet: add it to LAYERS in {__file__}"
    assert not layer_faults(module, path.read_text(), dotted(path))


@pytest.mark.parametrize("path", sources("components"), ids=lambda path: path.relative_to(ROOT).as_posix())
def test_components_know_torch_and_ports_only(path: Path) -> None:
    assert not component_faults(path.read_text(), dotted(path))


def test_modules_of_one_layer_never_import_in_a_ring() -> None:
    waiting = {
        module: {
            name.split(".")[1]
            for path in CORE
            if module_of(path) == module
            for name in imports(path.read_text(), dotted(path))
            if name.startswith("composer.")
        }
        - {module}
        for module in map(module_of, CORE)
    }
    while free := [module for module, needs in waiting.items() if not needs & waiting.keys()]:
        for module in free:
            del waiting[module]
    assert not waiting


def test_no_module_has_the_name_of_something_public() -> None:
    public: set[str] = set()
    for node in ast.parse((ROOT / "composer/__init__.py").read_text()).body:
        if isinstance(node, ast.Assign) and "__all__" in {getattr(target, "id", None) for target in node.targets}:
            public |= set(ast.literal_eval(node.value))
    modules = {module_of(path) for path in CORE}
    assert not public & modules


@pytest.mark.parametrize(
    ("module", "refused", "accepted"),
    [
        ("graph", "from composer.rules import check", "from composer.component import Component"),
        ("graph", "import torch", "import networkx"),
        ("plan", "from torch import nn", "from composer.graph import Graph"),
        ("rules", "import composer.model", "import composer.problems"),
        ("rules", "def check():\n    from composer.web import canvas", "from composer.plan import Program"),
        ("rules", "from composer import Graph", "from composer import graph"),
        ("rules", "from .model import compile", "from .graph import Graph"),
        ("catalog", "import components.layers", "import_module('components')"),
        ("model", "importlib.import_module('components')", "from composer.catalog import Catalog"),
    ],
)
def test_the_layers_hold(module: str, refused: str, accepted: str) -> None:
    assert len(layer_faults(module, refused)) == 1
    assert layer_faults(module, accepted) == []


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
def test_components_stand_alone(refused: str, accepted: str) -> None:
    assert len(component_faults(refused)) == 1
    assert component_faults(accepted) == []
