"""Names of nodes, inputs and outputs in any script: from the file to the model and back."""

import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors import safe_open

import composer
from composer.export.draw import draw
from composer.graph.file import dumps, loads
from composer.graph.names import name_fault, normal_form
from composer.problems import GraphError

GRAPH = """\
schema: 1
name: модель 模型 — "ü"
inputs:
  картинка: {type: Image, shape: [B, 3, 8, 8]}
nodes:
  узел: {type: Conv2d, params: {out_channels: 4, kernel_size: 3}, inputs: {input: картинка}}
  骨干: {type: GlobalAveragePooling, inputs: {feature: узел.out}}
  émbedding: {type: LinearClsHead, params: {num_classes: 2}, inputs: {feature: 骨干.out}}
  "नमस्ते": {type: ReLU, inputs: {input: émbedding.out}}
outputs:
  tensor: {признаки: "नमस्ते.out"}
"""


@pytest.mark.parametrize(
    "name",
    [
        *("узел", "骨干", "émbedding", "ümlaut", "名前ノード", "가나다", "العقدة", "नमस्ते", "โหนด", "კვანძი"),
        *("conv_узел", "Δx", "λ1", "模型2", "conv模型", "タスク名", "neck", "_x", "класс", "ıx"),
    ],
)
def test_a_name_may_be_in_any_script(name: str) -> None:
    assert name_fault(name) is None and normal_form(name) is None
    graph = loads(f"schema: 1\nnodes: {{{name}: {{type: ReLU, inputs: {{input: {name}.out[-1]}}}}}}")
    assert str(graph.nodes[name].inputs["input"]) == f"{name}.out[-1]"
    assert loads(dumps(graph)) == graph and name in dumps(graph)


@pytest.mark.parametrize(
    ("name", "reason", "normal"),
    [
        ("bаckbone", "'а' is U+0430 (cyrillic small letter a), which looks like 'a'", None),
        ("αlpha", "mixes letters of Greek and Latin", None),
        ("neck_сonv", "'сonv' mixes letters of Cyrillic and Latin", None),
        ("ｎｅｃｋ", "Python reads it as 'neck'", "neck"),
        ("ﬁx", "Python reads it as 'fix'", "fix"),
        ("e\u0301", "Python reads it as 'é'", "é"),
        ("ｆorward", "Python reads it as 'forward'", None),  # which every model has
        ("ｃlass", "Python reads it as 'class'", None),
        ("neck\u200b", "U+200B (zero width space), which cannot be seen", None),
        ("a\ufe0f", "U+FE0F (variation selector-16), which cannot be seen", None),
        ("\u3164", "U+3164 (hangul filler), which cannot be seen", None),
        ("٣a", "starts with a digit", None),
        ("a-b", "contains '-'", None),
        ("模型!", "contains '!'", None),
        ("🦉", "U+1F989 (owl)", None),
    ],
)
def test_a_name_that_python_or_an_eye_reads_otherwise_is_refused(name: str, reason: str, normal: str | None) -> None:
    assert reason in (name_fault(name) or "")
    assert normal_form(name) == normal


def test_the_normal_form_is_offered_as_the_fix() -> None:
    with pytest.raises(GraphError) as refused:
        loads("schema: 1\nnodes: {ｎｅｃｋ: {type: ReLU}}", "wide.yaml")
    [problem] = refused.value.problems
    assert str(problem.where) == "wide.yaml:2:9 ｎｅｃｋ"
    assert problem.fix is not None and problem.fix.message == "write 'neck', here and wherever it is named"


@pytest.mark.parametrize(
    ("text", "alike"),
    [
        ("nodes: {cop: {type: ReLU}, сор: {type: ReLU}}", "'сор' looks like 'cop'"),
        ("inputs: {a: {type: Image}}\nnodes: {а: {type: ReLU}}", "'а' looks like 'a'"),
        ("nodes: {口: {type: ReLU}, ロ: {type: ReLU}}", "'ロ' looks like '口'"),
        ("outputs: {tensor: {a: x, а: x}}", "'а' looks like 'a'"),
        ("graphs: {a: {}, а: {}}", "'а' looks like 'a'"),
    ],
)
def test_two_names_of_one_scope_that_look_alike_are_refused(text: str, alike: str) -> None:
    with pytest.raises(GraphError) as refused:
        loads(f"schema: 1\n{text}")
    assert [problem.message.partition(",")[0] for problem in refused.value.problems] == [alike]
    assert loads(f"schema: 1\n{text.replace('а', 'б').replace('сор', 'сом').replace('ロ', 'ル')}")


def test_names_go_through_the_model_and_its_files_as_they_are(tmp_path: Path) -> None:
    graph = loads(GRAPH)
    assert dumps(graph) == GRAPH
    model = composer.compile(graph).eval()
    images = torch.rand(2, 3, 8, 8)
    expected = model({"картинка": images})["признаки"]
    assert "    骨干 = self.骨干(узел)\n" in model.code["tensor"]
    assert "узел.weight" in model.state_dict()
    model.save(tmp_path / "модель 1.safetensors")
    with safe_open(tmp_path / "модель 1.safetensors", "pt") as file:
        assert "узел.weight" in set(file.keys())
    again = composer.load(tmp_path / "модель 1.safetensors").eval()
    assert torch.equal(again(images)["признаки"], expected)
    drawing = draw(graph, composer.Catalog.default())
    assert all(f">{name}<" in drawing for name in graph.nodes)


@pytest.mark.parametrize("to", ["python", "torch"])
def test_names_go_through_an_export_as_they_are(tmp_path: Path, to: str) -> None:
    (tmp_path / "модель 1.yaml").write_text(GRAPH, "utf-8")
    command = [sys.executable, "-m", "composer", "export", "модель 1.yaml", "--to", to, "-o", f"выход {to}"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, encoding="utf-8")
    assert done.returncode == 0, done.stderr
    written = (tmp_path / f"выход {to}").read_bytes()
    assert to != "python" or "self.узел = ".encode() in written
