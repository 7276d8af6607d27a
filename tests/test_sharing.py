"""Models on the hub: what is pushed, what is fetched, and what is reported where that fails. Without network."""

import shutil
from pathlib import Path

import huggingface_hub
import pytest
import torch
from huggingface_hub import errors
from typer.testing import CliRunner

import composer
from composer.cli.app import app
from composer.export.sharing import card, push
from composer.graph.file import loads
from composer.problems import GraphError

GRAPH = """\
schema: 1
name: "tiny | <b>*bold*</b>"
about: "Tells [cats](http://example.org) from dogs."
inputs:
  image: {type: Image, shape: [B, 3, 8, 8], preprocess: {resize: [8, 8], mean: [99, 99, 99]}}
classes: ["cat |", dog]
nodes:
  conv: {type: Conv2d, params: {out_channels: 4, kernel_size: 3}, inputs: {input: image}}
  pool: {type: AdaptiveAvgPool2d, inputs: {input: conv.out}}
  flat: {type: Flatten, inputs: {input: pool.out}}
  head: {type: Linear, params: {out_features: 2}, inputs: {input: flat.out}}
  answer: {type: ClassPrediction, inputs: {logits: head.out}}
outputs:
  tensor: {logits: head.out}
  predict: {scores: answer.scores, labels: answer.labels}
"""


@pytest.fixture
def hub(monkeypatch, tmp_path):
    """A hub that is a folder: repositories lie in it by name."""
    place = tmp_path / "hub"

    class Api:
        def create_repo(self, repo_id, *, private=None, exist_ok=False):
            assert exist_ok
            (place / repo_id).mkdir(parents=True, exist_ok=True)
            (place / repo_id / ".private").write_text(str(private))
            return f"https://huggingface.co/{repo_id}"

        def upload_folder(self, *, repo_id, folder_path, commit_message):
            shutil.copytree(folder_path, place / repo_id, dirs_exist_ok=True)

    def download(repo_id, filename, *, revision=None):
        if revision not in (None, "v1"):
            raise errors.RevisionNotFoundError.__new__(errors.RevisionNotFoundError)
        if not (place / repo_id).is_dir():
            raise errors.LocalEntryNotFoundError("no connection")
        if not (place / repo_id / filename).is_file():
            raise errors.EntryNotFoundError("404")
        return str(place / repo_id / filename)

    monkeypatch.setattr(huggingface_hub, "HfApi", Api)
    monkeypatch.setattr(huggingface_hub, "hf_hub_download", download)
    return place


@pytest.fixture
def model():
    return composer.compile(loads(GRAPH))


def test_a_pushed_model_is_made_again_from_its_address(hub, model):
    assert push(model, "someone/tiny") == "https://huggingface.co/someone/tiny"
    again = composer.load("hf://someone/tiny")
    image = torch.randn(2, 3, 8, 8)
    assert torch.equal(again(image)["logits"], model(image)["logits"])
    assert composer.load("hf://someone/tiny@v1").graph == again.graph
    assert {path.name for path in (hub / "someone/tiny").iterdir()} == {
        *("README.md", "graph.svg", "model.safetensors", ".private")
    }


def test_the_card_lists_inputs_and_outputs_and_escapes_names(model):
    text = card(model.graph, "someone/tiny", figures={"accuracy": 0.93991}, license="apache-2.0")
    head, _, body = text.removeprefix("---\n").partition("---\n")
    assert "license: apache-2.0" in head and "pipeline_tag: image-classification" in head
    assert "# tiny \\| \\<b\\>\\*bold\\*\\</b\\>" in body
    assert "Tells \\[cats\\]" in body and "cat \\|, dog" in body
    assert "| accuracy | 0.9399 |" in body
    assert 'composer.load("hf://someone/tiny")' in body and 'mode="predict"' in body
    assert "mean: [99.0, 99.0, 99.0]" in body
    assert "| head | Linear |" in body and "122 parameters" in body


def test_an_invalid_repository_name_is_refused_before_anything_is_sent(hub, model):
    for name in ("tiny", "a/b/c", "../tiny", "a/..", "someone/tiny@", "someone/ti ny", "", "hf://x"):
        with pytest.raises(GraphError, match="OWNER/NAME"):
            push(model, name)
        with pytest.raises(GraphError, match="OWNER/NAME"):
            composer.load(f"hf://{name.removeprefix('hf://')}")
    assert not hub.exists()


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("hf://someone/else", "cannot be reached"),
        ("hf://someone/tiny@v2", "no such revision"),
        ("hf://someone/empty", "no model of composer"),
    ],
)
def test_a_failed_download_is_reported_with_the_reason(hub, model, address, message):
    push(model, "someone/tiny")
    (hub / "someone/empty").mkdir()
    with pytest.raises(GraphError, match=message):
        composer.load(address)


def test_the_commands_push_a_saved_model_and_pull_it_as_a_file(hub, model, tmp_path):
    model.save(tmp_path / "tiny.safetensors")
    runner = CliRunner()
    pushed = runner.invoke(app, ["push", str(tmp_path / "tiny.safetensors"), "someone/tiny", "--private"])
    assert (pushed.exit_code, pushed.stdout) == (0, "https://huggingface.co/someone/tiny\n")
    assert (hub / "someone/tiny/.private").read_text() == "True"
    out = tmp_path / "again.safetensors"
    assert runner.invoke(app, ["pull", "someone/tiny", "-o", str(out)]).exit_code == 0
    assert composer.load(out).graph.classes == ("cat |", "dog")
    missing = runner.invoke(app, ["pull", "someone/else"])
    assert missing.exit_code == 2 and "hub-refused" in missing.stderr


def test_a_folder_shows_what_would_be_pushed(model, tmp_path):
    model.save(tmp_path / "tiny.safetensors")
    arguments = ["push", str(tmp_path / "tiny.safetensors"), "someone/tiny", "--folder", str(tmp_path / "shown")]
    assert CliRunner().invoke(app, arguments).exit_code == 0
    assert {path.name for path in (tmp_path / "shown").iterdir()} == {"README.md", "graph.svg", "model.safetensors"}


def test_a_graph_without_weights_is_not_pushed(hub, tmp_path):
    path = Path(tmp_path / "tiny.yaml")
    path.write_text(GRAPH)
    refused = CliRunner().invoke(app, ["push", str(path), "someone/tiny"])
    assert refused.exit_code == 1 and "--weights" in refused.stderr
    assert not hub.exists()
