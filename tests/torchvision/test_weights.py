"""``composer weights torchvision/NAME``: files as torch.hub has them, in our components, with torchvision's logits."""

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
import torch
from PIL import Image
from torch import nn
from typer.testing import CliRunner

import composer
from composer.cli.app import app
from composer.graph.file import loads
from composer.model.compile import outline
from composer.model.hub_torchvision import torchvision_source
from composer.openmmlab import load_state_dict
from composer.openmmlab.twins import TORCHVISION_TWINS
from tests.extras import importable, needs
from tests.timm.test_images import SIZES, noise

models: Any = importlib.import_module("torchvision.models") if importable("torchvision") else None
with_torchvision = needs("torchvision")

POOLED = ("LinearClsHead", "out", "neck.out")
LIGHT = {"resnet18", "resnet34", "resnet50", "mobilenet_v2", "swin_t", "vit_l_16", "vit_l_32", "vit_h_14"}
TWO_LAYERS = {
    "vit_l_16": {"num_heads": 16, "hidden_dim": 1024, "mlp_dim": 4096},
    "vit_l_32": {"num_heads": 16, "hidden_dim": 1024, "mlp_dim": 4096},
    "vit_h_14": {"num_heads": 16, "hidden_dim": 1280, "mlp_dim": 5120},
}
"""Networks of a gigabyte and more are run with two of their layers."""


def graph_of(name: str, size: int, classes: int = 1000, **changed: Any) -> str:
    """A classifier with the component that has the network of this name."""
    twin = TORCHVISION_TWINS[name]
    params = ", ".join(f"{key}: {value}" for key, value in {**twin.params, **changed}.items())
    neck, head, port, feature = "  neck: {type: GlobalAveragePooling, inputs: {feature: 'backbone.out[-1]'}}\n", *POOLED
    if twin.component == "VisionTransformer":
        neck, head, port, feature = "", "VisionTransformerClsHead", "logits", "'backbone.out[-1]'"
    return (
        f"schema: 1\nname: {name}\ninputs:\n  image: {{type: Image, shape: [B, 3, {size}, {size}]}}\nnodes:\n"
        f"  backbone: {{type: {twin.component}, params: {{{params}}}, inputs: {{image: image}}}}\n{neck}"
        f"  head: {{type: {head}, params: {{num_classes: {classes}}}, inputs: {{feature: {feature}}}}}\n"
        f"outputs:\n  tensor: {{logits: head.{port}}}\n"
    )


def with_numbers(network: nn.Module) -> nn.Module:
    """Weights and statistics that nobody else has: nothing of them is 0 or 1."""
    torch.manual_seed(3)
    with torch.no_grad():
        for part in network.modules():
            if isinstance(part, nn.BatchNorm2d):
                part.running_mean.normal_(std=0.1)
                part.running_var.uniform_(0.5, 1.5)
        for weight in network.parameters():
            if weight.dim() < 2 or not weight.any():
                weight.add_(torch.randn_like(weight) * 0.05)
    return network.eval()


def network_of(name: str) -> tuple[nn.Module, int, dict[str, Any]]:
    """A network of torchvision, the size of its images, and what of our component is otherwise for it."""
    if name not in TWO_LAYERS:
        size = 224 if name.startswith(("vit", "swin")) else 64
        return with_numbers(models.get_model(name, weights=None)), size, {}
    sizes, patch = TWO_LAYERS[name], int(name[-2:])
    network = models.VisionTransformer(image_size=4 * patch, patch_size=patch, num_layers=2, **sizes)
    arch = {
        "embed_dims": sizes["hidden_dim"],
        "num_layers": 2,
        "num_heads": sizes["num_heads"],
        "feedforward_channels": sizes["mlp_dim"],
    }
    return with_numbers(network), 4 * patch, {"arch": arch, "img_size": 4 * patch}


def composer_weights(*arguments: Any) -> Any:
    return CliRunner().invoke(app, ["weights", *map(str, arguments)])


@pytest.fixture
def folder() -> Iterator[Path]:
    """One that is gone after the test: some files in it are large."""
    with TemporaryDirectory() as name:
        yield Path(name)


@pytest.fixture
def resnet(folder: Path) -> tuple[Path, Path, nn.Module]:
    """A graph, the file of a network, and the network."""
    network = network_of("resnet18")[0]
    torch.save(network.state_dict(), folder / "resnet18.pth")
    (folder / "graph.yaml").write_text(graph_of("resnet18", 64))
    return folder / "graph.yaml", folder / "resnet18.pth", network


def agree(model: Any, network: nn.Module, size: int) -> bool:
    image = torch.randn(2, 3, size, size, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        found, expected = model.eval()(image)["logits"], network(image)
    assert expected.abs().max() > 0.01
    return bool((found - expected).abs().max() <= 1e-5 * expected.abs().max())


@with_torchvision
@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.slow] * (name not in LIGHT)) for name in TORCHVISION_TWINS]
)
def test_a_file_of_torchvision_matches_to_the_last_entry_and_gives_its_logits(name: str, folder: Path) -> None:
    network, size, changed = network_of(name)
    torch.save(network.state_dict(), folder / "weights.pth")
    (folder / "graph.yaml").write_text(graph_of(name, size, **changed))
    out = folder / "out.safetensors"
    done = composer_weights(
        f"torchvision/{name}", "--graph", folder / "graph.yaml", "--file", folder / "weights.pth", "-o", out
    )
    assert done.exit_code == 0, done.output
    assert "not in the model:" not in done.output and "missing:" not in done.output
    model = composer.load(out)
    total = len(model.state_dict())
    assert f"{total} of {total} entries are torchvision/{name}." in done.output.replace("\n", "")
    assert agree(model, network, size)


@with_torchvision
@pytest.mark.parametrize("name", TWO_LAYERS)
def test_names_and_shapes_of_the_largest_agree_too(name: str) -> None:
    with torch.device("meta"):
        state = models.get_model(name, weights=None).state_dict()
    model = outline(loads(graph_of(name, 224)))
    report = load_state_dict(model, state)
    assert report.fits and len(report.matched) == len(state)


@with_torchvision
def test_default_weights_are_used_and_their_facts_shown_first(resnet: Any, folder: Path) -> None:
    graph, file, _ = resnet
    done = composer_weights("torchvision/resnet18", "--graph", graph, "--file", file, "-o", folder / "out.safetensors")
    default = models.ResNet18_Weights.DEFAULT
    said = f"torchvision/resnet18.{default.name}: licence not stated, 69.76 % top-1 on ImageNet-1k; from {default.url}"
    assert done.output.splitlines()[0] == said
    (graph).write_text(graph_of("vit_b_16", 384, img_size=384))
    done = composer_weights("torchvision/vit_b_16.IMAGENET1K_SWAG_E2E_V1", "--graph", graph, "--file", folder / "none")
    assert "licence https://github.com/facebookresearch/SWAG/blob/main/LICENSE" in done.output.splitlines()[0]
    assert done.exit_code == 2 and "there is no such file of weights" in done.output


@with_torchvision
def test_weights_are_read_from_the_torch_hub_cache_or_a_file_is_requested(
    resnet: Any, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    graph, file, network = resnet
    monkeypatch.setenv("TORCH_HOME", str(folder / "home"))
    checkpoints = folder / "home" / "hub" / "checkpoints"
    checkpoints.mkdir(parents=True)
    url = models.ResNet18_Weights.IMAGENET1K_V1.url
    file.rename(checkpoints / url.rpartition("/")[2])
    arguments = ("--graph", graph, "-o", folder / "out.safetensors")
    done = composer_weights("torchvision/resnet18.IMAGENET1K_V1", *arguments)
    assert done.exit_code == 0, done.output
    assert agree(composer.load(folder / "out.safetensors"), network, 64)
    (checkpoints / url.rpartition("/")[2]).unlink()

    def no_network(*_: Any) -> None:
        raise OSError("no route to host")

    monkeypatch.setattr("torch.hub.download_url_to_file", no_network)
    done = composer_weights("torchvision/resnet18.IMAGENET1K_V1", *arguments)
    assert done.exit_code == 2
    assert f"download {url} where there is a network" in done.output and "--file resnet18-f37072fd.pth" in done.output


@with_torchvision
def test_a_fetched_file_is_compared_with_the_hash_in_its_name(resnet: Any, folder: Path, monkeypatch: Any) -> None:
    graph, file, _ = resnet
    monkeypatch.setenv("TORCH_HOME", str(folder / "home"))
    fetch = torch.hub.download_url_to_file
    monkeypatch.setattr("torch.hub.download_url_to_file", lambda url, *rest: fetch(file.as_uri(), *rest))
    done = composer_weights("torchvision/resnet18.IMAGENET1K_V1", "--graph", graph, "-o", folder / "out.safetensors")
    assert done.exit_code == 2 and "invalid hash value" in done.output
    assert not [path for path in (folder / "home").rglob("*") if path.is_file()]


@with_torchvision
def test_nothing_in_a_file_is_run(resnet: Any, folder: Path) -> None:
    graph, file, _ = resnet

    class Evil:
        def __reduce__(self) -> Any:
            return (Path.touch, (folder / "touched",))

    torch.save({"conv1.weight": Evil()}, file)
    done = composer_weights("torchvision/resnet18", "--graph", graph, "--file", file)
    assert done.exit_code == 2 and "it cannot be read" in done.output
    assert not (folder / "touched").exists()


@with_torchvision
def test_another_number_of_classes_is_reported_and_written_only_with_leave_out(resnet: Any, folder: Path) -> None:
    graph, file, network = resnet
    graph.write_text(graph_of("resnet18", 64, classes=4))
    out = folder / "out.safetensors"
    arguments = ("torchvision/resnet18", "--graph", graph, "--file", file, "-o", out)
    done = composer_weights(*arguments)
    assert done.exit_code == 1 and not out.exists()
    assert "other shape: head.fc.weight: the file has [1000, 512], the model [4, 512]" in done.output
    assert composer_weights(*arguments, "--leave-out").exit_code == 0
    model = composer.load(out)
    assert torch.equal(model.backbone.conv1.weight, network.conv1.weight)
    assert model.head.fc.out_features == 4


@with_torchvision
@pytest.mark.parametrize(
    ("name", "changed", "said"),
    [
        ("resnet50", {"style": "caffe"}, "backbone.style is caffe, the weights are for pytorch"),
        ("resnet50", {"norm_cfg": "{type: BN, eps: 0.001}"}, "backbone.norm_cfg is {type: BN, eps: 0.001}"),
        ("mobilenet_v2", {"act_cfg": "{type: ReLU}"}, "backbone.act_cfg is {type: ReLU}"),
        (
            "vit_l_16",
            {"arch": "{embed_dims: 1024, num_layers: 2, num_heads: 8, feedforward_channels: 4096}"},
            "backbone.num_heads is 8, the weights are for 16",
        ),
    ],
)
def test_a_node_whose_weights_fit_but_which_computes_something_else_is_reported(
    name: str, changed: dict[str, Any], said: str, folder: Path
) -> None:
    network, size, usual = network_of(name)
    torch.save(network.state_dict(), folder / "weights.pth")
    (folder / "graph.yaml").write_text(graph_of(name, size, **{**usual, **changed}))
    out = folder / "out.safetensors"
    arguments = ("--graph", folder / "graph.yaml", "--file", folder / "weights.pth", "-o", out)
    done = composer_weights(f"torchvision/{name}", *arguments)
    assert done.exit_code == 1 and not out.exists()
    assert f"computes otherwise: {said}" in done.output
    assert "1 settings are otherwise" in done.output
    assert composer_weights(f"torchvision/{name}", *arguments, "--leave-out").exit_code == 0 and out.exists()


@with_torchvision
def test_a_smaller_network_whose_weights_all_fit_is_reported(folder: Path) -> None:
    torch.save(network_of("resnet34")[0].state_dict(), folder / "weights.pth")
    (folder / "graph.yaml").write_text(graph_of("resnet18", 64))
    out = folder / "out.safetensors"
    done = composer_weights(
        "torchvision/resnet34", "--graph", folder / "graph.yaml", "--file", folder / "weights.pth", "-o", out
    )
    assert done.exit_code == 1 and not out.exists()
    assert "96 entries belong to layers that the nodes lack" in done.output
    assert "not in the model: layer1.2.conv1.weight" in done.output


@with_torchvision
def test_settings_that_change_training_only_do_not_block_weights(resnet: Any, folder: Path) -> None:
    graph, file, network = resnet
    graph.write_text(
        graph_of("resnet18", 64, frozen_stages=1, norm_eval="true", norm_cfg="{type: SyncBN, momentum: 0.01}")
    )
    done = composer_weights("torchvision/resnet18", "--graph", graph, "--file", file, "-o", folder / "out.safetensors")
    assert done.exit_code == 0, done.output
    assert agree(composer.load(folder / "out.safetensors"), network, 64)


@with_torchvision
def test_a_copy_that_follows_the_backbone_gets_its_weights(resnet: Any, folder: Path) -> None:
    graph, file, network = resnet
    text = graph.read_text().replace(
        "  neck:", "  follower: {weights: {momentum: backbone}, inputs: {image: image}}\n  neck:"
    )
    graph.write_text(text.replace("logits: head.out", "logits: head.out, followed: follower.out"))
    done = composer_weights("torchvision/resnet18", "--graph", graph, "--file", file, "-o", folder / "out.safetensors")
    assert done.exit_code == 0, done.output
    assert torch.equal(composer.load(folder / "out.safetensors").follower.conv1.weight, network.conv1.weight)


@with_torchvision
@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("torchvision/resnet19", "no component has the network of torchvision's 'resnet19'; did you mean"),
        ("torchvision/densenet121", "composer.from_module makes a graph with weights"),
        ("torchvision/resnet18.IMAGENET1K_V9", "torchvision's resnet18 has no weights 'IMAGENET1K_V9'; say one of"),
        ("torchvision/swin_t", "the graph has no node SwinTransformer, which has the network of these weights"),
        ("torchvision/vit_b_32", "the graph has no node VisionTransformer {patch_size: 32}"),
    ],
)
def test_an_unknown_name_of_weights_is_refused(name: str, said: str, resnet: Any) -> None:
    graph, file, _ = resnet
    done = composer_weights(name, "--graph", graph, "--file", file)
    assert done.exit_code != 0 and said in done.output


def test_without_torchvision_the_command_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torchvision.models", None)
    (tmp_path / "graph.yaml").write_text(graph_of("resnet18", 64))
    done = composer_weights("torchvision/resnet18", "--graph", tmp_path / "graph.yaml")
    assert done.exit_code != 0
    assert "the package torchvision" in done.output and "pip install 'graph-composer[timm]'" in done.output
    assert "composer weights FILE --graph GRAPH" in done.output


@with_torchvision
@pytest.mark.parametrize("name", ["resnet50.IMAGENET1K_V1", "resnet50.IMAGENET1K_V2", "swin_b.IMAGENET1K_V1"])
def test_preprocess_is_that_of_the_weights_pixel_by_pixel(name: str, folder: Path) -> None:
    model, _, entry = name.partition(".")
    preset = models.get_model_weights(model)[entry].transforms()
    steps = torchvision_source(f"torchvision/{name}", "").preprocess
    assert steps is not None
    graph = loads(graph_of(model, 224))
    graph = composer.edit(graph, composer.problems.Edit(("inputs", "image", "preprocess"), steps))
    for size in SIZES:
        image: Image.Image = noise(size)
        found, expected = composer.preprocess(graph, image)[0], preset(image)
        assert torch.allclose(found, expected, atol=1e-5), size


@with_torchvision
def test_a_different_preprocess_is_reported_and_written_on_demand(resnet: Any, folder: Path) -> None:
    graph, file, _ = resnet
    graph.write_text(graph_of("resnet18", 224))
    arguments = ("torchvision/resnet18", "--graph", graph, "--file", file, "-o", folder / "out.safetensors")
    assert "--preprocess writes it" in composer_weights(*arguments).output
    assert "--preprocess" not in composer_weights(*arguments, "--preprocess").output
    steps = composer.load(folder / "out.safetensors").graph.inputs["image"].preprocess
    assert (steps.resize, steps.interpolation, steps.backend, steps.crop) == (256, "bilinear", "pillow", (224, 224))
