"""The command line: what each command prints, and the exit codes that scripts use."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import typer
from PIL import Image
from typer.testing import CliRunner, Result

from composer.cli import main
from composer.cli.app import app
from composer.model.compile import load

GRAPH = """\
schema: 1
name: tiny
inputs:
  image: {type: Image, shape: [B, 3, 8, 8], preprocess: {resize: [8, 8], mean: [99, 99, 99]}}
data_samples:
  label: {type: Label, shape: [B]}
classes: [cat, dog, owl]
nodes:
  conv: {type: Conv2d, params: {out_channels: 4, kernel_size: 3}, inputs: {input: image}}
  pool: {type: AdaptiveAvgPool2d, inputs: {input: conv.out}}
  flat: {type: Flatten, inputs: {input: pool.out}}
  head: {type: Linear, params: {out_features: 3}, inputs: {input: flat.out}}
  criterion: {type: CrossEntropyLoss, inputs: {pred: head.out, target: label}}
  answer: {type: ClassPrediction, inputs: {logits: head.out}}
outputs:
  tensor: {features: conv.out, logits: head.out}
  loss: {loss: criterion.out}
  predict: {scores: answer.scores, labels: answer.labels}
"""

BLOCKS = """\
schema: 1
inputs:
  image: {type: Image, shape: [B, 3, H, W]}
graphs:
  block:
    inputs: {x: {type: FeatureMap}}
    nodes:
      conv: {type: Conv2d, params: {out_channels: 3, kernel_size: 3, padding: 1}, inputs: {input: x}}
      act: {type: ReLU, inputs: {input: conv.out}}
    outputs: {out: act.out}
nodes:
  one: {graph: block, inputs: {x: image}}
  two: {weights: {share: one}, inputs: {x: one.out}}
  sum: {type: Add, inputs: {xs: [one.out, two.out]}}
outputs:
  tensor: {features: sum.out}
"""

COMPONENT = '''\
"""A part of one's own."""

from typing import Annotated

from torch import nn

from composer.ports import FeatureMap

__all__ = ["Twice"]


class Twice(nn.Module):
    """Everything times two."""

    def forward(self, x: Annotated[FeatureMap, "B C H W"]) -> Annotated[FeatureMap, "B C H W"]:
        return 2 * x
'''


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with a graph, a broken one and an image."""
    monkeypatch.chdir(tmp_path)
    Path("good.yaml").write_text(GRAPH)
    Path("bad.yaml").write_text(
        GRAPH.replace("type: Linear", "type: Linaer").replace("kernel_size: 3", "kernel_size: 0")
    )
    Path("blocks.yaml").write_text(BLOCKS)
    Image.fromarray(np.full((10, 12, 3), 99, np.uint8)).save("a.png")
    Image.fromarray(np.full((8, 8), 9, np.uint8)).save("b.png")
    return tmp_path


def composer(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def lines(*arguments: object, code: int = 0) -> list[str]:
    result = composer(*arguments)
    assert result.exit_code == code, result.output
    return result.stdout.splitlines()


def data(*arguments: object, code: int = 0) -> Any:
    result = composer(*arguments, "--json")
    assert result.exit_code == code, result.output
    return json.loads(result.stdout)


def error(*arguments: object, code: int = 2) -> str:
    """What a refused command says; a traceback would be an exception of the result."""
    result = composer(*arguments)
    assert result.exit_code == code, result.output
    assert isinstance(result.exception, SystemExit)
    assert "Traceback" not in result.output
    return result.stderr


def test_list_has_one_whole_line_a_component() -> None:
    found = lines("list")
    (conv,) = [line for line in found if line.split()[1:2] == ["Conv2d"]]
    assert conv.split("  ")[0] == "layers"
    assert "input: FeatureMap" in conv
    assert conv.endswith("as `torch.nn.Conv2d`.")


def test_list_of_one_kind() -> None:
    assert {line.split()[0] for line in lines("list", "--kind", "losses")[1:]} == {"losses"}
    assert {item["kind"] for item in data("list", "--kind", "losses")} == {"losses"}
    assert "did you mean 'losses'" in error("list", "--kind", "loses")


def test_list_for_programs_has_the_ports() -> None:
    (conv,) = [item for item in data("list", "--kind", "layers") if item["type"] == "Conv2d"]
    assert conv["inputs"] == [
        {
            "name": "input",
            "type": "FeatureMap",
            "axes": ["B", "in_channels", "H", "W"],
            "optional": False,
            "variadic": False,
            "like": None,
        }
    ]


def test_show_prints_ports_parameters_bounds_and_help() -> None:
    text = "\n".join(" ".join(line.split()) for line in lines("show", "Conv2d"))
    assert "input FeatureMap B in_channels H W" in text
    assert "in_channels int >= 1 from the wire into input Channels of the input." in text
    assert "padding int >= 0 or [int >= 0, int >= 0] or same | valid 0" in text
    assert "out_channels int >= 1 required" in text


def test_show_for_programs() -> None:
    found = data("show", "Concat")
    assert found["type"] == "Concat"
    assert found["inputs"][0]["variadic"]
    assert all(parameter["help"] for parameter in found["parameters"])


def test_show_of_an_unknown_type_names_the_nearest() -> None:
    assert "did you mean 'Conv2d'" in error("show", "Conv2")
    assert "it is called Linear or LinearClsHead here" in error("show", "fc")


def test_check_of_good_files() -> None:
    found = lines("check", "good.yaml", "blocks.yaml")
    assert (found[0], found[-1]) == ("good.yaml: ok", "blocks.yaml: ok, 1 notice")
    assert data("check", "good.yaml") == [{"file": "good.yaml", "ok": True, "problems": []}]


def test_check_reports_all_problems_of_all_files() -> None:
    found = lines("check", "bad.yaml", "good.yaml", code=1)
    assert "unknown-type bad.yaml:12" in "\n".join(found)
    assert [line for line in found if line.startswith("bad-parameter bad.yaml:9")]
    assert [line for line in found if "did you mean 'Linear'" in line]
    assert found[-2:] == ["bad.yaml: 2 problems", "good.yaml: ok"]
    assert {item["code"] for item in data("check", "bad.yaml", code=1)[0]["problems"]} == {
        "unknown-type",
        "bad-parameter",
    }


def test_check_finds_sizes_that_do_not_fit() -> None:
    Path("size.yaml").write_text(GRAPH.replace("out_features: 3", "in_features: 5, out_features: 3"))
    assert "fix: set head.params.in_features to 4" in "\n".join(lines("check", "size.yaml", code=1))


def test_warnings_do_not_fail() -> None:
    Path("warned.yaml").write_text(
        GRAPH.replace("outputs:\n", "  idle: {type: ReLU, inputs: {input: conv.out}}\noutputs:\n")
    )
    found = lines("check", "warned.yaml")
    assert found[0].startswith("warning: unreachable")
    assert found[-1] == "warned.yaml: ok, 1 warning"


@pytest.mark.parametrize(
    ("content", "code", "expected"),
    [
        (None, 2, "no-file"),
        ("nodes: [", 1, "yaml-syntax"),
        ("", 1, "empty-file"),
        ("schema: 1\nschema: 1\n", 1, "duplicate-key"),
    ],
)
def test_check_reports_files_that_are_no_graphs(content: str | None, code: int, expected: str) -> None:
    if content is not None:
        Path("x.yaml").write_text(content)
    assert lines("check", "x.yaml", code=code)[0].startswith(expected)


def test_fmt_writes_canonical_form_once() -> None:
    Path("good.yaml").write_text(GRAPH.replace("kernel_size: 3", "stride: 1, kernel_size: 3"))
    assert lines("fmt", "--check", "good.yaml", code=1) == ["good.yaml: not in canonical form"]
    assert lines("fmt", "good.yaml") == ["good.yaml: rewritten"]
    assert "stride" not in Path("good.yaml").read_text()
    assert lines("fmt", "good.yaml") == lines("fmt", "--check", "good.yaml") == []


def test_fmt_keeps_files_with_comments_unless_drop_comments_is_given() -> None:
    commented = GRAPH.replace("nodes:\n", "nodes:\n  # the stem\n")
    Path("good.yaml").write_text(commented)
    assert "--drop-comments" in error("fmt", "good.yaml", code=1)
    assert Path("good.yaml").read_text() == commented
    lines("fmt", "good.yaml", "--drop-comments")
    assert "#" not in Path("good.yaml").read_text()


def test_fmt_goes_on_after_a_bad_file() -> None:
    Path("broken.yaml").write_text("nodes: [")
    Path("good.yaml").write_text(GRAPH.replace("schema: 1\n", "schema: 1\n\n"))
    assert "yaml-syntax broken.yaml" in error("fmt", "broken.yaml", "good.yaml", code=1)
    assert "\n\n" not in Path("good.yaml").read_text()
    assert "no-file" in error("fmt", "nowhere.yaml")


def test_diff_shows_changes_and_exits_like_diff() -> None:
    Path("wide.yaml").write_text(GRAPH.replace("out_features: 3", "out_features: 4"))
    assert lines("diff", "good.yaml", "wide.yaml", code=1) == [
        "changed nodes.head.params.out_features: 3 -> 4",
        "parameters: 127 -> 132 (+5)",
    ]
    assert data("diff", "good.yaml", "wide.yaml", code=1)["parameters"] == {"old": 127, "new": 132}
    assert lines("diff", "good.yaml", "good.yaml") == ["no difference in meaning"]
    assert "no-file" in error("diff", "good.yaml", "nowhere.yaml")


def test_summary_has_sizes_parameters_and_flops_of_each_mode() -> None:
    text = [" ".join(line.split()) for line in lines("summary", "good.yaml")]
    assert text[0] == "node type output parameters FLOPs (tensor) FLOPs (loss) FLOPs (predict)"
    assert "conv Conv2d B 4 6 6 112 7,776 7,776 7,776" in text
    assert "criterion CrossEntropyLoss scalar 0 - 0 -" in text
    assert "answer ClassPrediction scores: B 3, labels: B 0 - - 0" in text
    assert "total 127 7,800 7,800 7,800" in text
    assert text[-1] == "127 parameters, 127 of them trained; 0.0 MiB with buffers"


def test_summary_of_one_mode() -> None:
    text = "\n".join(lines("summary", "good.yaml", "--mode", "tensor"))
    assert "FLOPs (tensor)" in text
    assert "FLOPs (loss)" not in text
    assert "has no outputs for the mode 'loss'" in error("summary", "blocks.yaml", "--mode", "loss", code=1)


def test_summary_groups_subgraphs_and_marks_shared_weights() -> None:
    found = lines("summary", "blocks.yaml", "--size", "H=16", "--size", "W=10")
    text = [" ".join(line.split()) for line in found]
    assert "one graph block B 3 16 10 84 25,920".replace("25,920", "25.92 K") in text
    assert "two graph block B 3 16 10 0 25.92 K shared with one" in text
    assert sum(line.startswith("  conv") for line in found) == 2
    assert "FLOPs are for H, W of 224; --size H=512 changes it" in lines("summary", "blocks.yaml")
    for bad in ("H", "H=x", "=3", "H=0"):
        assert "such as H=512" in error("summary", "blocks.yaml", "--size", bad)


def test_summary_for_programs() -> None:
    found = data("summary", "blocks.yaml")
    assert found["parameters"] == 84
    assert [node["node"] for node in found["nodes"]] == ["one", "two", "sum"]
    assert found["nodes"][0]["nodes"][0]["outputs"]["tensor"] == {"out": ["B", 3, "H", "W"]}


def test_summary_of_a_graph_with_problems_shows_what_it_can() -> None:
    result = composer("summary", "bad.yaml")
    assert result.exit_code == 1
    assert "Conv2d" in result.stdout
    assert "unknown-type" in result.stderr


def test_summary_looks_inside_with_torchinfo() -> None:
    text = "\n".join(lines("summary", "good.yaml", "--depth", "1", "--mode", "loss"))
    assert "Conv2d (conv)" in text
    assert "Total params: 127" in text
    assert "no-example image" in error("summary", unshaped(), "--depth", "1")
    assert "--json" in error("summary", "good.yaml", "--depth", "1", "--json")


def unshaped() -> str:
    text = BLOCKS.replace("{type: Image, shape: [B, 3, H, W]}", "{type: FeatureMap}")
    Path("unshaped.yaml").write_text(text.replace("{out_channels", "{in_channels: 3, out_channels"))
    return "unshaped.yaml"


def test_run_answers_by_name_one_image_a_line() -> None:
    found = lines("run", "good.yaml", "--input", "a.png", "b.png", "--device", "cpu")
    assert [line.split()[0] for line in found] == ["a.png", "b.png"]
    assert {line.split()[1] for line in found} <= {"cat", "dog", "owl"}
    assert len(lines("run", "good.yaml", "a.png", "--top", 2)[0].split()) == 5


def test_run_for_programs() -> None:
    (found,) = data("run", "good.yaml", "--input", "a.png", "--top", 3)
    assert found["image"] == "a.png"
    assert sum(answer["score"] for answer in found["answers"]) == pytest.approx(1)
    (found,) = data("run", "good.yaml", "--input", "a.png", "--mode", "tensor")
    assert found["outputs"]["logits"] == {"shape": [1, 3], "dtype": "float32"}


def test_run_in_another_mode_prints_names_and_sizes() -> None:
    found = lines("run", "good.yaml", "--input", "a.png", "--mode", "tensor")
    assert found == ["a.png  features [1, 4, 6, 6]  logits [1, 3]"]


def test_run_uses_the_only_mode_and_random_values_for_its_other_inputs() -> None:
    Path("features.yaml").write_text(GRAPH.split("  loss: {loss:")[0])
    assert "features [1, 4, 6, 6]" in composer("run", "features.yaml", "a.png").stdout
    result = composer("run", "good.yaml", "a.png", "--mode", "loss")
    assert result.exit_code == 0 and "loss" in result.stdout
    assert "label: random numbers (seed 0)" in result.stderr


def test_run_of_a_saved_model_and_of_weights() -> None:
    load("good.yaml").save("model.safetensors")
    whole = composer("run", "model.safetensors", "a.png", "--top", 3)
    apart = composer("run", "good.yaml", "a.png", "--top", 3, "--weights", "model.safetensors")
    assert whole.stdout == apart.stdout
    assert whole.stderr == apart.stderr == ""
    assert "no weights were loaded" in composer("run", "good.yaml", "a.png").stderr


def test_run_goes_on_after_a_bad_image() -> None:
    Path("text.png").write_text("no image")
    result = composer("run", "good.yaml", "text.png", "nowhere.png", "a.png")
    assert result.exit_code == 2
    assert "bad-image text.png" in result.stderr
    assert "no-file nowhere.png" in result.stderr
    assert result.stdout.startswith("a.png  ")


@pytest.mark.parametrize(
    ("arguments", "code", "expected"),
    [
        (["good.yaml"], 2, "at least one image"),
        (["nowhere.yaml", "a.png"], 2, "no-file"),
        (["bad.yaml", "a.png"], 1, "unknown-type"),
        (["blocks.yaml", "a.png", "--mode", "tensor"], 1, "no-preprocess"),
        (["blocks.yaml", "a.png", "--mode", "predict"], 1, "no outputs for the mode 'predict'"),
        (["good.yaml", "a.png", "--mode", "train"], 2, "train"),
        (["good.yaml", "a.png", "--device", "banana"], 2, "'banana' cannot be used"),
        (["good.yaml", "a.png", "--device", "meta"], 2, "'meta' cannot be used"),
        (["good.yaml", "a.png", "--top", "0"], 2, "--top"),
        (["good.yaml", "a.png", "--weights", "nowhere.safetensors"], 2, "no-file"),
        (["good.yaml", "a.png", "--weights", "a.png"], 2, "not a safetensors file"),
        (["a.png", "a.png"], 1, "UTF-8"),
    ],
)
def test_run_reports_bad_arguments_without_a_traceback(arguments: list[str], code: int, expected: str) -> None:
    assert expected in error("run", *arguments, code=code)


def test_weights_of_another_graph_are_refused_with_a_table() -> None:
    Path("wide.yaml").write_text(GRAPH.replace("out_features: 3", "out_features: 4"))
    load("wide.yaml").save("wide.safetensors")
    assert "other shape" in error("run", "good.yaml", "a.png", "--weights", "wide.safetensors")


def test_export_writes_a_file_that_was_compared() -> None:
    load("good.yaml").save("model.safetensors")
    (first, *_) = lines("export", "good.yaml", "--to", "python")
    assert first.startswith("good.py: tensor, loss, predict; largest difference from the model: 0")
    assert "import composer" not in Path("good.py").read_text()
    found = data("export", "model.safetensors", "--to", "torch", "--mode", "predict", "-o", "answer.pt2")
    assert found["path"] == "answer.pt2"
    assert found["modes"] == ["predict"]
    assert found["difference"] <= 1e-5
    assert Path("answer.pt2").stat().st_size


@pytest.mark.parametrize(
    ("arguments", "code", "expected"),
    [
        (["good.yaml", "--to", "tensorflow"], 2, "tensorflow"),
        (["good.yaml"], 2, "--to"),
        (["nowhere.yaml", "--to", "python"], 2, "no-file"),
        (["bad.yaml", "--to", "python"], 1, "unknown-type"),
        (["good.yaml", "--to", "python", "-o", "no/folder/x.py"], 2, "cannot-write"),
        (["blocks.yaml", "--to", "torch", "--mode", "loss"], 1, "no outputs for the mode 'loss'"),
    ],
)
def test_export_reports_bad_arguments_without_a_traceback(arguments: list[str], code: int, expected: str) -> None:
    assert expected in error("export", *arguments, code=code)


def test_a_folder_of_components_is_enabled_for_one_command() -> None:
    Path("parts/extras").mkdir(parents=True)
    Path("parts/extras/twice.py").write_text(COMPONENT)
    Path("mine.yaml").write_text(BLOCKS.replace("type: ReLU, inputs: {input:", "type: Twice, inputs: {x:"))
    assert "extras" in lines("list", "--catalog", "parts", "--kind", "extras")[1]
    assert lines("show", "Twice", "--catalog", "parts")[:2] == ["Twice (extras)", "Everything times two."]
    assert lines("check", "mine.yaml", "--catalog", "parts")[-1] == "mine.yaml: ok, 1 notice"
    assert lines("check", "mine.yaml", code=1)[0].startswith("unknown-type")


@pytest.mark.parametrize(
    ("content", "expected"), [(None, "no-folder"), ("raise ValueError('boom')", "boom"), ("x = 1", "__all__")]
)
def test_a_folder_that_cannot_be_used_ends_the_command(content: str | None, expected: str) -> None:
    if content is not None:
        Path("parts").mkdir()
        Path("parts/broken.py").write_text(content)
    assert expected in error("list", "--catalog", "parts")


def test_text_of_a_file_cannot_steer_the_terminal() -> None:
    Path("sly.yaml").write_text(
        GRAPH.replace("type: ReLU", "type: Linear").replace("type: Flatten", 'type: "\\x1b[2JFlat"')
    )
    text = "\n".join(lines("check", "sly.yaml", code=1))
    assert "\x1b" not in text


def test_help_names_the_exit_codes_and_every_command() -> None:
    text = "\n".join(lines("--help"))
    assert "Exit codes:" in text
    for command in typer.main.get_command(app).commands:
        assert f"  {command} " in text
        assert lines(command, "--help")


@pytest.mark.parametrize(
    "arguments", [["frobnicate"], ["check"], ["check", "good.yaml", "--frobnicate"], ["diff", "a"]]
)
def test_a_wrong_call_is_a_usage_error(arguments: list[str]) -> None:
    assert "Usage:" in error(*arguments)


def test_a_crash_in_a_component_has_its_own_exit_code(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("parts").mkdir()
    fault = COMPONENT.replace("return 2 * x", "return 2 * x if x.is_meta else {}['gone']")
    Path("parts/twice.py").write_text(fault)
    mine = BLOCKS.replace("type: ReLU, inputs: {input:", "type: Twice, inputs: {x:")
    Path("mine.yaml").write_text(mine.replace("H, W]", "8, 8], preprocess: {resize: [8, 8]}"))
    monkeypatch.setattr(
        sys, "argv", ["composer", "run", "mine.yaml", "a.png", "--mode", "tensor", "--catalog", "parts"]
    )
    with pytest.raises(SystemExit) as caught:
        main()
    assert caught.value.code == 3
    assert "KeyError: 'gone'" in capsys.readouterr().err


def test_the_module_runs_as_a_command_without_the_web_parts() -> None:
    root = Path(__file__).parents[1]
    code = "import sys, runpy; sys.argv[1:] = ['list']; runpy.run_module('composer', run_name='__main__')"
    shown = (
        f"import atexit, sys; atexit.register(lambda: print('gradio' in sys.modules, 'onnx' in sys.modules)); {code}"
    )
    environment = {**os.environ, "PYTHONPATH": str(root)}
    done = subprocess.run([sys.executable, "-c", shown], capture_output=True, text=True, check=True, env=environment)
    assert done.stdout.splitlines()[-1] == "False False"
