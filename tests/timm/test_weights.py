"""``composer weights timm/NAME.TAG``: an action of its own, from a file or from the hub's cache, with timm's logits."""

import importlib
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from typer.testing import CliRunner

import composer
from composer.cli.app import app
from composer.graph.file import loads
from composer.model.hub import load_timm, timm_source
from composer.problems import GraphError
from tests.extras import importable, needs
from tests.timm.test_backbones import CLASSIFIER

timm: Any = importlib.import_module("timm") if importable("timm") else None
BACKBONE = """
schema: 1
name: backbone
inputs:
  image: {{type: Image, shape: [B, 3, {size}, {size}], preprocess: {{resize: [{size}, {size}]}}}}
nodes:
  backbone: {{type: TIMMBackbone, params: {params}, inputs: {{image: image}}}}
  other: {{type: TIMMBackbone, params: {{model_name: test_resnet}}, inputs: {{image: image}}}}
  follower: {{weights: {{momentum: backbone}}, inputs: {{image: image}}}}
outputs:
  tensor: {{levels: backbone.out, others: other.out, followed: follower.out}}
"""


def graph_file(folder: Path, text: str) -> Path:
    path = folder / "graph.yaml"
    path.write_text(text)
    return path


def classifier(folder: Path, params: str, size: int = 160) -> Path:
    return graph_file(folder, CLASSIFIER.format(params=params, height=size, width=size))


def saved_by_timm(folder: Path, name: str) -> tuple[Path, Any]:
    """A network of timm with weights that nobody else has, and the file that timm's own layout gives it."""
    torch.manual_seed(3)
    network = timm.create_model(name, pretrained=False).eval()
    for weight in network.parameters():
        torch.nn.init.normal_(weight, std=0.05)
    path = folder / "model.safetensors"
    save_file({key: tensor.contiguous() for key, tensor in network.state_dict().items()}, path)
    return path, network


def composer_weights(*arguments: Any) -> Any:
    return CliRunner().invoke(app, ["weights", *map(str, arguments)])


def test_the_list_says_what_weights_are_without_importing_timm():
    done = subprocess.run(
        [sys.executable, "-c", "import sys; from composer.model.hub import timm_source as s; "
         "print(s('timm/convnext_tiny.in12k_ft_in1k')); print(sorted({'timm', 'torchvision'} & set(sys.modules)))"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout.splitlines() == [
        "timm/convnext_tiny.in12k_ft_in1k: licence apache-2.0, 84.19 % top-1 on ImageNet-1k; from "
        "huggingface.co/timm/convnext_tiny.in12k_ft_in1k",
        "[]",
    ]


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("timm/convnxt_tiny.in12k", "timm has no model 'convnxt_tiny'; did you mean convnext_tiny"),
        ("timm/convnext_tiny", "sets of weights; say one of timm/convnext_tiny."),
        ("timm/convnext_tiny.mine", "convnext_tiny has no weights 'mine'; say one of timm/convnext_tiny."),
        ("timm/vit_base_patch16_reg4_gap_256", "timm has no weights for vit_base_patch16_reg4_gap_256"),
    ],
)
def test_a_name_that_is_not_one_set_of_weights_is_refused_with_those_there_are(name, said):
    with pytest.raises(GraphError) as caught:
        timm_source(name)
    assert said in caught.value.problems[0].message


def test_without_timm_the_command_says_what_to_install(tmp_path):
    path = classifier(tmp_path, "{model_name: test_resnet}")
    without = "import sys; sys.modules['timm'] = None; from composer.cli.app import app; app()"
    given = ["timm/test_resnet.r160_in1k", "--graph", str(path), "-o", str(tmp_path / "out.safetensors")]
    done = subprocess.run(  # a process of its own: this one may know the sizes of this very part already
        [sys.executable, "-c", without, "weights", *given], capture_output=True, text=True, check=False
    )
    said = done.stdout + done.stderr
    assert done.returncode == 2, said
    assert "pip install 'graph-composer[timm]'" in said
    assert "timm/test_resnet.r160_in1k: licence apache-2.0" in said


@needs("timm")
@pytest.mark.parametrize(
    "name",
    ["efficientnet_b0.ra_in1k", "test_convnext.r160_in1k", "test_vit.r160_in1k", "test_resnet.r160_in1k"],
)
def test_a_file_that_timm_saved_matches_to_the_last_entry_and_gives_timms_logits(name, tmp_path):
    file, network = saved_by_timm(tmp_path, name.partition(".")[0])
    path, out = classifier(tmp_path, f"{{model_name: {name.partition('.')[0]}}}"), tmp_path / "out.safetensors"
    done = composer_weights(f"timm/{name}", "--graph", path, "--file", file, "-o", out)
    assert done.exit_code == 0, done.output
    count = len(network.state_dict())
    assert f"{count} of {count} entries are timm/{name}'s" in done.output
    image = torch.randn(2, 3, 160, 160, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        found = composer.load(out).eval()(image)["logits"]
        torch.testing.assert_close(found, network(image), rtol=1e-5, atol=1e-5)


@needs("timm")
def test_a_backbone_takes_all_but_the_classifier_and_so_do_copies_that_follow_it(tmp_path):
    file, network = saved_by_timm(tmp_path, "test_convnext")
    model = composer.compile(loads(BACKBONE.format(size=160, params="{model_name: test_convnext}"))).eval()
    other = {key: tensor.clone() for key, tensor in model.other.state_dict().items()}
    report = load_timm(model, timm_source("timm/test_convnext.r160_in1k"), file)
    assert report.fits and report.missing == ()
    assert {name.partition("timm_model.")[2].split(".")[0] for name in report.unexpected} == {"head"}
    given = network.state_dict()
    for node in (model.backbone, model.follower):
        own = node.timm_model.state_dict()
        assert own and all(torch.equal(tensor, given[key]) for key, tensor in own.items())
    assert all(torch.equal(tensor, other[key]) for key, tensor in model.other.state_dict().items())


@needs("timm")
def test_weights_adapt_to_image_size_and_channels_as_in_timm(tmp_path):
    file, _ = saved_by_timm(tmp_path, "test_vit")
    params = "{model_name: test_vit, img_size: 96, in_channels: 1}"
    text = BACKBONE.format(size=96, params=params).replace(
        "[B, 3, 96, 96], preprocess: {resize: [96, 96]}", "[B, 1, 96, 96]"
    )
    text = text.replace("{model_name: test_resnet}", "{model_name: test_resnet, in_channels: 1}")
    model = composer.compile(loads(text)).eval()
    assert load_timm(model, timm_source("timm/test_vit.r160_in1k"), file).fits
    overlay = {"file": str(file)}
    expected = timm.create_model(
        "test_vit.r160_in1k", pretrained=True, pretrained_cfg_overlay=overlay, img_size=(96, 96), in_chans=1
    ).state_dict()
    own = model.backbone.timm_model.state_dict()
    assert own["pos_embed"].shape[1] != 101
    assert all(torch.equal(tensor, expected[key]) for key, tensor in own.items())


@needs("timm")
def test_another_number_of_classes_is_reported_and_written_only_with_leave_out(tmp_path):
    file, network = saved_by_timm(tmp_path, "test_resnet")
    path, out = classifier(tmp_path, "{model_name: test_resnet, num_classes: 4}"), tmp_path / "out.safetensors"
    arguments = ("timm/test_resnet.r160_in1k", "--graph", path, "--file", file, "-o", out)
    done = composer_weights(*arguments)
    assert done.exit_code == 1 and not out.exists()
    assert "other shape: classifier.timm_model.fc.weight: the weights have [1000" in done.output
    assert composer_weights(*arguments, "--leave-out").exit_code == 0
    model = composer.load(out)
    assert model.classifier.timm_model.fc.out_features == 4
    assert torch.equal(
        model.classifier.timm_model.conv1.state_dict()["0.weight"], network.state_dict()["conv1.0.weight"]
    )


@needs("timm")
def test_the_preprocess_of_the_weights_is_reported_and_written_on_demand(tmp_path):
    file, _ = saved_by_timm(tmp_path, "test_resnet")
    path, out = classifier(tmp_path, "{model_name: test_resnet}"), tmp_path / "out.safetensors"
    arguments = ("timm/test_resnet.r160_in1k", "--graph", path, "--file", file, "-o", out)
    done = composer_weights(*arguments)
    assert "input image does not read images as these weights were trained" in done.output
    assert "--preprocess writes it" in done.output
    done = composer_weights(*arguments, "--preprocess")
    assert done.exit_code == 0, done.output
    assert "--preprocess" not in done.output
    steps = composer.load(out).graph.inputs["image"].preprocess
    assert (steps.resize, steps.interpolation, steps.backend, steps.crop) == (168, "bilinear", "pillow", (160, 160))


@needs("timm")
def test_a_graph_without_this_network_is_refused(tmp_path):
    file, _ = saved_by_timm(tmp_path, "test_resnet")
    path = classifier(tmp_path, "{model_name: test_convnext}")
    done = composer_weights("timm/test_resnet.r160_in1k", "--graph", path, "--file", file, "-o", tmp_path / "out")
    assert done.exit_code == 2
    assert "the graph has no test_resnet: its networks of timm are test_convnext" in done.output


def cached(folder: Path, name: str, file: Path) -> dict[str, str]:
    """A hub cache that holds one file, and the environment in which nothing else can be had."""
    repository = folder / "hub" / f"models--timm--{name}"
    snapshot = repository / "snapshots" / ("0" * 40)
    snapshot.mkdir(parents=True)
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text("0" * 40)
    (snapshot / "model.safetensors").write_bytes(file.read_bytes())
    return {**os.environ, "HF_HOME": str(folder), "HF_HUB_CACHE": str(folder / "hub"), "HF_HUB_OFFLINE": "1"}


@needs("timm")
def test_weights_are_read_from_the_hub_cache_or_a_file_is_requested(tmp_path):
    file, network = saved_by_timm(tmp_path, "test_resnet")
    environment = cached(tmp_path / "home", "test_resnet.r160_in1k", file)
    path = classifier(tmp_path, "{model_name: test_resnet}")
    command = [sys.executable, "-m", "composer", "weights", "--graph", str(path)]

    def run(name: str) -> Any:
        arguments = [*command, name, "-o", str(tmp_path / "out.safetensors")]
        return subprocess.run(arguments, capture_output=True, text=True, env=environment, check=False)

    done = run("timm/test_resnet.r160_in1k")
    assert done.returncode == 0, done.stderr
    model = composer.load(tmp_path / "out.safetensors").eval()
    image = torch.randn(1, 3, 160, 160)
    torch.testing.assert_close(model(image)["logits"], network(image), rtol=1e-5, atol=1e-5)
    path.write_text(path.read_text().replace("test_resnet", "test_convnext"))
    done = run("timm/test_convnext.r160_in1k")
    assert done.returncode == 2
    assert "it is not in the hub's cache and cannot be fetched" in done.stderr and "--file" in done.stderr
    assert done.stderr.splitlines()[0].startswith("timm/test_convnext.r160_in1k: licence apache-2.0")


@needs("timm")
def test_a_damaged_file_is_reported_as_damaged(tmp_path):
    path = classifier(tmp_path, "{model_name: test_resnet}")
    (tmp_path / "cut.safetensors").write_bytes(b"\xff" * 8 + b"{")
    done = composer_weights("timm/test_resnet.r160_in1k", "--graph", path, "--file", tmp_path / "cut.safetensors")
    assert done.exit_code == 2 and "it cannot be read as test_resnet.r160_in1k" in done.output
    done = composer_weights("timm/test_resnet.r160_in1k", "--graph", path, "--file", tmp_path / "none.safetensors")
    assert done.exit_code == 2 and "there is no such file of weights" in done.output
