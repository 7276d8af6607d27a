"""A model as one Python file without composer."""

import ast
import builtins
import copy
import json
import shutil
import subprocess
import sys
from pathlib import Path
from textwrap import dedent
from types import ModuleType

import pytest
import torch
from safetensors.torch import load_file
from torch import nn

from composer import Catalog, GraphError, compile
from composer.export.standalone import standalone_source
from composer.export.standalone.layout import call_text, literal
from composer.export.standalone.slice import Slicer
from composer.graph.file import loads
from composer.ports import Embedding
from composer.run.inputs import example_inputs
from tests import tiny_graphs

ROOT = Path(__file__).parents[1]
RUFF = shutil.which("ruff", path=str(Path(sys.executable).parent)) or shutil.which("ruff")

# Two files with helpers, constants and imports of the same names; bounds, aliases and a port type of their own.
PARTS = {
    "necks/first.py": '''
        """A file of one person."""

        from typing import TYPE_CHECKING, Annotated, NamedTuple

        import torch.nn.functional as F
        from annotated_types import Ge
        from torch import Tensor, nn

        from composer.ports import AnyTensor, Embedding, LayerCount, PortType

        if TYPE_CHECKING:
            from collections.abc import Iterable

        __all__ = ["First"]

        Depth = Annotated[Tensor, PortType("Depth", parent=AnyTensor)]
        Width = Annotated[int, Ge(1)]
        """How wide."""
        SCALES = {"one": 1.0}
        SCALES["two"] = 2.0
        SCALES.update(three=3.0)


        # What both outputs are made of.
        def _shift(x: Tensor) -> Tensor:  # a helper
            return x + SCALES["two"]


        class Pair(NamedTuple):
            """Two outputs."""

            deep: Annotated[Depth, "B width"]
            flat: Embedding


        class First(nn.Module):
            """Scales and shifts."""

            copies: "Iterable[First] | None" = None

            def __init__(self, width: Width, times: Annotated[int, Ge(1), LayerCount()] = 1, name: str = '"x"') -> None:
                super().__init__()
                self.layers = nn.ModuleList(nn.Linear(width, width) for _ in range(times))

            def forward(
                self, x: Annotated[Embedding, "B width"]
            ) -> Pair:
                for layer in self.layers:
                    x = F.relu(layer(x))
                return Pair(_shift(x), x * SCALES["three"])
    ''',
    "necks/second.py": '''
        """A file of another person."""

        from math import pi as scale
        from typing import Annotated

        import torch
        import torch.nn as nn
        import torch.utils.checkpoint

        from composer import ports
        from composer.ports import Embedding as Vector

        __all__ = ["Second"]

        F = 7


        def _shift(x: torch.Tensor) -> torch.Tensor:
            First = 1
            return x - scale * F * First


        class Second(nn.Module):
            """Shifts the other way."""

            def forward(self, x: ports.Embedding) -> Annotated[Vector, "B K"]:
                return torch.utils.checkpoint.checkpoint(_shift, x, use_reentrant=False)
    ''',
}

FOLDER_GRAPH = """
schema: 1
name: 2 people's parts
about: A graph of "quoted" parts \\\\ with odd characters.
inputs:
  x: {type: Embedding, shape: [B, 4]}
nodes:
  first: {type: First, params: {times: 2}, inputs: {x: x}}
  second: {type: Second, inputs: {x: first.flat}}
outputs:
  tensor: {deep: first.deep, out: second.out}
"""

# Runs every file of a folder where nothing of composer can be imported.
RUNNER = """
import importlib.util, json, sys
from pathlib import Path

class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("composer", "components", "annotated_types", "pydantic"):
            raise ImportError(name)

sys.meta_path.insert(0, Blocked())
import torch

folder = Path(sys.argv[1])
for case in json.loads((folder / "cases.json").read_text()):
    spec = importlib.util.spec_from_file_location(case["name"], folder / f"{case['name']}.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[case["name"]] = module
    spec.loader.exec_module(module)
    model = getattr(module, case["class"])()
    given = torch.load(folder / f"{case['name']}.in.pt")
    model.load_state_dict(given["state"])
    model.eval()
    outputs = {mode: model(given["inputs"], given["fields"], mode=mode) for mode in case["modes"]}
    torch.save({"outputs": outputs, "keys": list(model.state_dict())}, folder / f"{case['name']}.out.pt")
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    root = tmp_path_factory.mktemp("parts")
    for name, text in PARTS.items():
        path = root / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(dedent(text).lstrip())
    return root


@pytest.fixture(scope="module")
def models(folder):
    torch.manual_seed(0)
    catalog = Catalog.default().with_folder(folder)
    graphs = {name: tiny_graphs.small(name) for name in tiny_graphs.NAMES}
    graphs |= {"momentum_pair": tiny_graphs.momentum_pair(), "parts": loads(FOLDER_GRAPH)}
    return {name: compile(graph, catalog).eval() for name, graph in graphs.items()}


@pytest.fixture(scope="module")
def written(models):
    return {name: standalone_source(model) for name, model in models.items()}


@pytest.fixture(scope="module")
def alone(models, written, tmp_path_factory):
    """What each file gives in a Python of its own."""
    folder = tmp_path_factory.mktemp("alone")
    cases = []
    for name, model in models.items():
        (folder / f"{name}.py").write_text(written[name].text)
        inputs, fields = example_inputs(model.graph)
        torch.save({"state": model.state_dict(), "inputs": inputs, "fields": fields}, folder / f"{name}.in.pt")
        cases.append({"name": name, "class": written[name].class_name, "modes": model.graph.modes})
    (folder / "cases.json").write_text(json.dumps(cases))
    (folder / "runner.py").write_text(RUNNER)
    done = subprocess.run(
        [sys.executable, "-I", "runner.py", str(folder)], cwd=folder, capture_output=True, text=True, timeout=200
    )
    assert done.returncode == 0, done.stderr
    return {name: torch.load(folder / f"{name}.out.pt") for name in models}


def imported(written):
    """The class in a file, in this process."""
    module = ModuleType(f"alone_{written.class_name}")
    sys.modules[module.__name__] = module
    exec(builtin_compile(written.text, module.__name__, "exec"), module.__dict__)  # noqa: S102
    return module, getattr(module, written.class_name)


def builtin_compile(*arguments):
    return builtins.compile(*arguments)


CASES = [*tiny_graphs.NAMES, "momentum_pair", "parts"]


@pytest.mark.parametrize("name", CASES)
def test_the_file_gives_the_same_numbers_without_composer(name, models, alone):
    inputs, fields = example_inputs(models[name].graph)
    for mode, outputs in alone[name]["outputs"].items():
        with torch.no_grad():
            expected = models[name](inputs, fields, mode=mode)
        torch.testing.assert_close(outputs, expected, rtol=0, atol=0)


@pytest.mark.parametrize("name", CASES)
def test_the_file_has_the_state_dict_names_of_the_model_in_order(name, models, alone):
    assert alone[name]["keys"] == list(models[name].state_dict())


@pytest.mark.parametrize("name", CASES)
def test_the_file_imports_only_torch_and_the_standard_library(name, written):
    tree = ast.parse(written[name].text)
    found = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    found |= {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert {module.split(".")[0] for module in found} <= {"torch", *sys.stdlib_module_names}
    assert written[name].packages == ()
    assert "Annotated" not in written[name].text and "FeatureMap" not in written[name].text


@pytest.mark.skipif(RUFF is None, reason="ruff is not installed")
@pytest.mark.parametrize(
    "arguments", [["format", "--check"], ["check", "--select=E,F,I,W,UP", "--target-version=py311"]]
)
def test_the_file_equals_its_golden_source(arguments, written, tmp_path):
    for name, file in written.items():
        (tmp_path / f"{name}.py").write_text(file.text)
    (tmp_path / "ruff.toml").write_text("line-length = 120\n")
    done = subprocess.run([RUFF, *arguments, "--no-cache", "."], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_file_contains_the_generated_forward_of_the_model(models, written):
    for name, model in models.items():
        for text in model.code.values():
            assert "\n".join(f"    {line}" if line else "" for line in text.splitlines()) in written[name].text


def test_helpers_of_one_name_from_two_files_get_two_names(written):
    text = written["parts"].text
    assert "def _shift(x: Tensor) -> Tensor:  # a helper\n" in text
    assert "def _shift_2(x: Tensor) -> Tensor:" in text or "def _shift_2(x: torch.Tensor) -> torch.Tensor:" in text
    assert "checkpoint(_shift_2, x, use_reentrant=False)" in text
    assert "\nF_2 = 7\n" in text and "scale * F_2 * First" in text
    assert "from math import pi as scale" in text


def test_bounds_and_port_types_become_plain_types(written):
    text = written["parts"].text
    assert "def __init__(self, width: int, times: int = 1, name: str = '\"x\"') -> None:" in text
    assert "def forward(self, x: Tensor) -> Pair:" in text
    assert "    deep: Tensor\n    flat: Tensor\n" in text
    assert "Width" not in text and "PortType" not in text


def test_comments_and_statements_that_change_a_constant_come_along(written):
    text = written["parts"].text
    assert 'SCALES = {"one": 1.0}\nSCALES["two"] = 2.0\nSCALES.update(three=3.0)\n' in text
    assert "# What both outputs are made of.\ndef _shift" in text
    assert "# From necks/first.py: A file of one person.\n" in text


def test_parameters_are_spelled_out_also_those_taken_from_the_wire(written):
    assert "self.first = First(width=4, times=2)" in written["parts"].text
    assert "self.encoder.conv = Conv2d(in_channels=3, out_channels=6, kernel_size=3)" in written["momentum_pair"].text


def test_a_name_that_is_no_identifier_still_gives_a_class(written):
    assert written["parts"].class_name == "Model2PeopleSParts"
    assert "A graph of 'quoted' parts" in written["parts"].text


def test_a_momentum_copy_and_its_updates_are_written(written):
    text = written["momentum_pair"].text
    assert "self.encoder_k = momentum_copy(self.encoder)" in text
    assert "momentum_update(self.encoder_k, self.encoder, decay=0.9)" in text
    assert "momentum_update" not in written["resnet18"].text


def test_the_file_trains_as_the_model_does(models, written):
    model = copy.deepcopy(models["momentum_pair"]).train()
    _, cls = imported(written["momentum_pair"])
    other = cls()
    other.load_state_dict(model.state_dict())
    inputs, fields = example_inputs(model.graph, 4)
    for net in (model, other):
        torch.manual_seed(3)
        optimizer = torch.optim.SGD([weight for weight in net.parameters() if weight.requires_grad], lr=0.1)
        for _ in range(2):
            optimizer.zero_grad()
            net(inputs, fields, mode="loss")["loss"].backward()
            optimizer.step()
    assert model.encoder_k.momentum_steps == 2
    for name, tensor in model.state_dict().items():
        assert torch.equal(tensor, other.state_dict()[name]), name


def test_frozen_parts_stay_as_they_are(written):
    _, cls = imported(written["momentum_pair"])
    model = cls().train()
    assert model.training and not model.neck.training
    assert not any(weight.requires_grad for weight in model.neck.parameters())


def test_weights_that_a_model_saved_load_into_it(models, written, tmp_path):
    models["resnet18"].save(tmp_path / "weights.safetensors")
    _, cls = imported(written["resnet18"])
    cls().load_state_dict(load_file(tmp_path / "weights.safetensors"))


def test_inputs_and_data_samples_come_in_every_form_that_the_model_takes(models, written):
    _, cls = imported(written["momentum_pair"])
    model = cls().eval()
    model.load_state_dict(models["momentum_pair"].state_dict())
    inputs, fields = example_inputs(models["momentum_pair"].graph)
    samples = [{"label": int(label)} for label in fields["label"]]
    expected = models["momentum_pair"](inputs, fields, mode="loss")["loss"]
    for given in (inputs, list(inputs.values())):
        for held in (fields, samples, [{"label": label} for label in fields["label"]]):
            assert torch.equal(model(given, held, mode="loss")["loss"], expected)


@pytest.mark.parametrize(
    ("arguments", "mode", "message"),
    [
        (([], None), "loss", "data_samples has no 'label', it has nothing"),
        (([], {"labels": 1}), "loss", "data_samples has no 'label', it has labels"),
        (([1, 2, 3], None), "tensor", "found 3 inputs, expected 2: view_1, view_2"),
        (([1, 2], None), "predict", "mode is 'predict', expected one of tensor, loss"),
    ],
)
def test_wrong_arguments_are_refused(arguments, mode, message, written):
    _, cls = imported(written["momentum_pair"])
    inputs, fields = arguments
    inputs = inputs or {"view_1": torch.zeros(1, 3, 8, 8), "view_2": torch.zeros(1, 3, 8, 8)}
    with pytest.raises(ValueError, match=message):
        cls()(inputs, fields, mode=mode)


@pytest.mark.parametrize("component", list(Catalog.default()), ids=lambda component: component.name)
def test_every_component_can_be_written_stand_alone(component):
    slicer = Slicer([component.cls.__module__.split(".")[0]])
    thing = slicer.add(component.cls, component.name)
    found = slicer.write([thing])
    text = f"{found.imports}\n{found.definitions}"
    module = ModuleType(f"only_{component.name}")
    sys.modules[module.__name__] = module
    exec(builtin_compile(text, module.__name__, "exec"), module.__dict__)  # noqa: S102
    taken = getattr(module, component.name)
    assert found.packages == () and "Annotated" not in text
    assert issubclass(taken, nn.Module) and taken.__doc__ == component.cls.__doc__
    holders = {value.__module__ for value in vars(module).values() if isinstance(value, type)}
    assert not any(holder.startswith(("composer", "components")) for holder in holders)


REFUSED = {
    "a star": (
        "from math import *\n",
        "return x * pi",
        "no stand-alone file: parts/star.py takes pi from `from math import *`: import it by its name",
    ),
    "an import in a function": (
        "",
        "from components.layers.linear import Linear\n        return x",
        "no stand-alone file: parts/star.py line 14 imports components.layers.linear inside a block: import it at the "
        "top of the file",
    ),
    "a module as a value": (
        "from components.shared import activation\n",
        "return x * hasattr(activation, 'x')",
        "no stand-alone file: parts/star.py line 15 uses the module components.shared.activation as a value",
    ),
}

PART = '''
"""A part."""

from torch import nn

from composer.ports import Embedding
{imports}
__all__ = ["Star"]


class Star(nn.Module):
    """A part."""

    def forward(self, x: Embedding) -> Embedding:
        {body}
'''

GRAPH = """
schema: 1
name: star
inputs: {x: {type: Embedding, shape: [B, 4]}}
nodes: {part: {type: Star, inputs: {x: x}}}
outputs: {tensor: {out: part.out}}
"""


def star(folder, imports, body):
    path = folder / "parts" / "star.py"
    path.parent.mkdir()
    path.write_text(PART.format(imports=imports, body=body).lstrip())
    return compile(loads(GRAPH), Catalog.default().with_folder(folder / "parts"))


@pytest.mark.parametrize("case", REFUSED)
def test_sources_that_cannot_stand_alone_are_refused_by_name(case, tmp_path):
    imports, body, message = REFUSED[case]
    with pytest.raises(GraphError) as refused:
        standalone_source(star(tmp_path, imports, body))
    assert [str(problem) for problem in refused.value.problems] == [f"export-source star\n    {message}"]


def test_imports_of_the_standard_library_are_written(tmp_path):
    text = standalone_source(star(tmp_path, "from math import pi\n", "return x * pi")).text
    assert "from math import pi" in text and "return x * pi" in text


def test_a_module_import_of_components_is_written_by_its_used_parts(tmp_path):
    model = star(
        tmp_path, "from components.shared import activation as a\n", 'return a.build_activation({"type": "ReLU"})(x)'
    )
    text = standalone_source(model).text
    assert 'return build_activation({"type": "ReLU"})(x)' in text and "def build_activation(" in text


def test_a_class_in_a_function_has_no_source_of_its_own():
    class Inner(nn.Module):
        """A part."""

        def forward(self, x: Embedding) -> Embedding:
            return x

    graph = loads(GRAPH.replace("Star", "Inner"))
    with pytest.raises(GraphError, match=r"test_standalone.*has no .*<locals>.Inner at its top"):
        standalone_source(compile(graph, Catalog.of(Inner)))


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("it's", '"it\'s"'),
        ('say "x"', "'say \"x\"'"),
        ("a\\b\n", '"a\\\\b\\n"'),
        ((1,), "(1,)"),
        ([1, (2.5, None)], "[1, (2.5, None)]"),
        ({"type": "LN", "eps": 1e-06}, '{"type": "LN", "eps": 1e-06}'),
        (float("inf"), 'float("inf")'),
    ],
)
def test_plain_data_is_written_as_a_formatter_would(value, text):
    assert literal(value) == text
    assert eval(text) == value  # noqa: S307


def test_long_arguments_take_a_line_each():
    rules = [{"type": "Kaiming", "layer": ["Conv2d", "Linear"], "mode": "fan_out"}] * 2
    text = call_text("self.x = Part", [("init_cfg", rules), ("depth", 3)], "        ")
    lines = text.splitlines()
    assert lines[0] == "        self.x = Part(" and lines[-2:] == ["            depth=3,", "        )"]
    assert max(map(len, lines)) <= 120
    assert eval(text.strip().removeprefix("self.x = "), {"Part": dict}) == {"init_cfg": rules, "depth": 3}  # noqa: S307
