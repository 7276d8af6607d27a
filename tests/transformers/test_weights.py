"""``composer weights transformers/OWNER/NAME``: folders as transformers saves them, with transformers' numbers."""

import importlib
import json
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn
from typer.testing import CliRunner

import composer
from composer.cli.app import app
from tests.extras import importable, needs

library: Any = importlib.import_module("transformers") if importable("transformers") else None
pytestmark = needs("transformers")

VIT = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64}
ARCH = "arch: {embed_dims: 16, num_layers: 2, num_heads: 2, feedforward_channels: 64}"
DINO = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "image_size": 28}
SCALED = "img_size: 28, patch_size: 14, layer_scale_init_value: 1.0, out_type: raw"
TOKENS = "tensor: {found: 'backbone.out[-1]'}"
LOGITS = "tensor: {found: head.out}"
POOLED = """
  neck: {type: GlobalAveragePooling, inputs: {feature: 'backbone.out[-1]'}}
  head: {type: LinearClsHead, params: {num_classes: 5}, inputs: {feature: neck.out}}
"""
VIT_HEAD = """
  head: {type: VisionTransformerClsHead, params: {num_classes: 5}, inputs: {feature: 'backbone.out[-1]'}}
"""
OWN = {
    "vit": (
        ("ViTForImageClassification", {**VIT, "image_size": 32, "patch_size": 8}, 32),
        f"VisionTransformer, params: {{{ARCH}, img_size: 32, patch_size: 8, norm_cfg: {{type: LN, eps: 1.0e-12}}}}",
        VIT_HEAD,
        "tensor: {found: head.logits}",
    ),
    "vit_msn": (
        ("ViTMSNModel", {**VIT, "image_size": 32, "patch_size": 8}, 32),
        f"VisionTransformer, params: {{{ARCH}, img_size: 32, patch_size: 8, out_type: raw}}",
        "",
        TOKENS,
    ),
    "dinov2": (
        ("Dinov2Model", DINO, 28),
        f"VisionTransformer, params: {{{ARCH}, {SCALED}}}",
        "",
        TOKENS,
    ),
    "dinov2_giant": (
        ("Dinov2Model", {**DINO, "use_swiglu_ffn": True}, 28),
        f"VisionTransformer, params: {{{ARCH}, {SCALED}, layer_cfgs: {{ffn_type: swiglu_fused}}}}",
        "",
        TOKENS,
    ),
    "resnet_basic": (
        (
            "ResNetForImageClassification",
            {"depths": [2, 2, 2, 2], "hidden_sizes": [64, 128, 256, 512], "layer_type": "basic"},
            64,
        ),
        "ResNet, params: {depth: 18}",
        POOLED,
        LOGITS,
    ),
    "resnet_bottleneck": (("ResNetForImageClassification", {}, 64), "ResNet, params: {depth: 50}", POOLED, LOGITS),
    "resnet_caffe": (
        ("ResNetForImageClassification", {"downsample_in_bottleneck": True}, 64),
        "ResNet, params: {depth: 50, style: caffe}",
        POOLED,
        LOGITS,
    ),
    "swin": (
        (
            "SwinForImageClassification",
            {"embed_dim": 8, "depths": [2, 2, 2, 2], "num_heads": [1, 1, 2, 2], "image_size": 64, "window_size": 2},
            64,
        ),
        "SwinTransformer, "
        "params: {arch: {embed_dims: 8, depths: [2, 2, 2, 2], num_heads: [1, 1, 2, 2]}, window_size: 2}",
        POOLED,
        LOGITS,
    ),
}
"""By a name of the case: class, configuration and size of images in transformers; our component, head and output."""

VITDET = {**{key: DINO[key] for key in DINO if key != "image_size"}, "image_size": 64, "pretrain_image_size": 64}
BACKBONES = {
    "dinov2": ("Dinov2Model", DINO, 28, f"config: {json.dumps(DINO)}"),
    "resnet": (
        "ResNetForImageClassification",
        {"depths": [1, 1, 1, 1]},
        64,
        "config: {depths: [1, 1, 1, 1]}, out_indices: [2, 4]",
    ),
    "rt_detr_resnet": ("RTDetrResNetBackbone", {"depths": [1, 1, 1, 1]}, 64, "config: {depths: [1, 1, 1, 1]}"),
    "pvt_v2": (
        "PvtV2ForImageClassification",
        {"depths": [1, 1, 1, 1]},
        64,
        "config: {depths: [1, 1, 1, 1]}, out_indices: [0, 3]",
    ),
    "vitdet": ("VitDetModel", VITDET, 64, f"config: {json.dumps(VITDET)}"),
}
"""By family: class, configuration and size of images in transformers; the parameters of the node."""


def own(case: str, **changed: str) -> str:
    (_, _, size), node, head, output = OWN[case]
    for old, new in changed.items():
        node = node.replace(old.replace("_is_", ": "), new)
    return (
        f"schema: 1\nname: own\ninputs:\n  image: {{type: Image, shape: [B, 3, {size}, {size}]}}\n"
        f"nodes:\n  backbone: {{type: {node}, inputs: {{image: image}}}}\n{head}outputs:\n  {output}\n"
    )


def of_library(model_type: str) -> str:
    _, _, size, params = BACKBONES[model_type]
    return (
        f"schema: 1\nname: theirs\ninputs:\n  image: {{type: Image, shape: [B, 3, {size}, {size}]}}\n"
        f"nodes:\n  backbone: {{type: AutoBackbone, params: {{model_type: {model_type}, {params}}}, "
        "inputs: {image: image}}\n  follower: {weights: {momentum: backbone}, inputs: {image: image}}\n"
        "outputs:\n  tensor: {found: 'backbone.out', followed: follower.out}\n"
    )


def saved(folder: Path, kind: str, settings: dict[str, Any], labels: int = 5) -> Any:
    """A network with weights and statistics that nobody else has, saved as it lies on the hub; and the network."""
    torch.manual_seed(3)
    cls = getattr(library, kind)
    network = cls(cls.config_class(**settings, num_labels=labels))
    with torch.no_grad():
        for part in network.modules():
            if isinstance(part, nn.BatchNorm2d):
                part.running_mean.normal_(std=0.1)
                part.running_var.uniform_(0.5, 1.5)
        for weight in network.parameters():
            weight.add_(torch.randn_like(weight) * 0.02)
    network.eval().save_pretrained(folder)
    (folder / "README.md").write_text("---\nlicense: apache-2.0\ntags: [vision]\n---\n# A model\n")
    return network


def composer_weights(*arguments: Any) -> Any:
    return CliRunner().invoke(app, ["weights", *map(str, arguments)])


def image_of(size: int) -> torch.Tensor:
    return torch.randn(2, 3, size, size, generator=torch.Generator().manual_seed(0))


def assert_equal(found: torch.Tensor, expected: torch.Tensor) -> None:
    assert found.shape == expected.shape
    assert (found - expected).abs().max() <= 1e-5 * expected.abs().max()


def loaded(tmp_path: Path, text: str, *more: Any) -> Any:
    graph = tmp_path / "graph.yaml"
    graph.write_text(text)
    out = tmp_path / "out.safetensors"
    done = composer_weights("transformers/owner/net", "--graph", graph, "--file", tmp_path / "saved", "-o", out, *more)
    return done, out


@torch.no_grad()
@pytest.mark.parametrize("case", OWN)
def test_a_folder_that_transformers_saved_gives_its_numbers_in_our_own_component(case: str, tmp_path: Path) -> None:
    kind, settings, size = OWN[case][0]
    network = saved(tmp_path / "saved", kind, settings)
    done, out = loaded(tmp_path, own(case))
    assert done.exit_code == 0, done.output
    assert "missing:" not in done.output
    left = [line for line in done.output.splitlines() if line.startswith("not in the model:")]
    assert left == (["not in the model: embeddings.mask_token"] if kind == "Dinov2Model" else [])
    model = composer.load(out).eval()
    given = network(image_of(size))
    assert_equal(model(image_of(size))["found"], given["logits"] if "logits" in given else given["last_hidden_state"])


@torch.no_grad()
def test_the_encoder_of_vit_mae_loads_into_vision_transformer(tmp_path: Path) -> None:
    settings = {**VIT, "image_size": 32, "patch_size": 8, "mask_ratio": 0.0, "decoder_hidden_size": 16}
    settings |= {"decoder_num_hidden_layers": 1, "decoder_num_attention_heads": 2, "decoder_intermediate_size": 32}
    network = saved(tmp_path / "saved", "ViTMAEForPreTraining", settings)
    done, out = loaded(tmp_path, own("vit_msn", out_type_is_raw="out_type: raw, norm_cfg: {type: LN, eps: 1.0e-12}"))
    assert done.exit_code == 0, done.output
    assert "not in the model: decoder." in done.output
    order = torch.arange(16.0).expand(2, -1)
    assert_equal(composer.load(out).eval()(image_of(32))["found"], network.vit(image_of(32), noise=order)[0])


@torch.no_grad()
@pytest.mark.parametrize("model_type", BACKBONES)
def test_a_backbone_of_transformers_gives_the_numbers_of_its_checkpoint(model_type: str, tmp_path: Path) -> None:
    kind, settings, size, params = BACKBONES[model_type]
    saved(tmp_path / "saved", kind, settings)
    done, out = loaded(tmp_path, of_library(model_type))
    assert done.exit_code == 0, done.output
    assert done.output.splitlines()[0] == f"transformers/owner/net: licence apache-2.0; from {tmp_path / 'saved'}"
    model = composer.load(out).eval()
    found = model(image_of(size))
    given = {} if "out_indices" not in params else {"out_indices": json.loads(params.rpartition("out_indices: ")[2])}
    network = type(model.backbone.hf_model).from_pretrained(tmp_path / "saved", **given).eval()
    for mine, followed, theirs in zip(
        found["found"], found["followed"], network(image_of(size)).feature_maps, strict=True
    ):
        assert_equal(mine, theirs)
        assert torch.equal(mine, followed)


def test_missing_entries_are_named_and_nothing_is_written(tmp_path: Path) -> None:
    saved(tmp_path / "saved", "ConvNextModel", {"depths": [1, 1, 1, 1]})
    text = of_library("resnet").replace("model_type: resnet", "model_type: convnext")
    done, out = loaded(tmp_path, text)
    assert done.exit_code == 1 and not out.exists()
    assert "missing: backbone.hf_model.hidden_states_norms.stage2.weight" in done.output
    assert "entries of the nodes have no weights" in done.output
    assert loaded(tmp_path, text, "--leave-out")[0].exit_code == 0


@pytest.mark.parametrize(
    ("case", "changed", "said"),
    [
        ("vit", {"eps_is_1.0e-12": "eps: 1.0e-6"}, "backbone.norm_cfg is {type: LN, eps: 1e-06}"),
        ("vit", {"num_heads_is_2": "num_heads: 4"}, "backbone.num_heads is 4, the weights are for 2"),
        ("resnet_caffe", {"style_is_caffe": "style: pytorch"}, "backbone.style is pytorch, the weights are for caffe"),
    ],
)
def test_a_component_that_computes_something_else_is_reported(
    case: str, changed: Any, said: str, tmp_path: Path
) -> None:
    kind, settings, _ = OWN[case][0]
    saved(tmp_path / "saved", kind, settings)
    done, out = loaded(tmp_path, own(case, **changed))
    assert done.exit_code == 1 and not out.exists()
    assert f"computes otherwise: {said}" in done.output


def test_a_backbone_with_another_configuration_is_reported(tmp_path: Path) -> None:
    saved(tmp_path / "saved", "Dinov2Model", {**DINO, "num_hidden_layers": 3, "layerscale_value": 1.0})
    text = of_library("dinov2").replace('"num_attention_heads": 2', '"num_attention_heads": 4')
    done, out = loaded(tmp_path, text)
    assert done.exit_code == 1 and not out.exists()
    assert "backbone.config.num_attention_heads is 4, the weights are for 2" in done.output
    assert "backbone.config.num_hidden_layers is 2, the weights are for 3" in done.output
    assert "backbone.hf_model.encoder.layer.2.norm1.weight" in done.output


def test_another_number_of_classes_is_reported(tmp_path: Path) -> None:
    saved(tmp_path / "saved", *OWN["vit"][0][:2], labels=3)
    done, out = loaded(tmp_path, own("vit"))
    assert done.exit_code == 1 and not out.exists()
    assert "other shape: head.layers.head.weight: the file has [3, 16], the model [5, 16]" in done.output


def test_a_file_of_several_parts_and_one_file_alone_are_read(tmp_path: Path) -> None:
    network = saved(tmp_path / "saved", *OWN["vit"][0][:2])
    network.save_pretrained(tmp_path / "parts", max_shard_size="20KB")
    assert len(list((tmp_path / "parts").glob("model-*.safetensors"))) > 1
    first = loaded(tmp_path, own("vit"))[1].read_bytes()
    graph, out = tmp_path / "graph.yaml", tmp_path / "second.safetensors"
    for file in (tmp_path / "parts", tmp_path / "saved" / "model.safetensors"):
        done = composer_weights("transformers/owner/net", "--graph", graph, "--file", file, "-o", out)
        assert done.exit_code == 0, done.output
        assert out.read_bytes() == first
    next((tmp_path / "parts").glob("model-*.safetensors")).unlink()
    done = composer_weights("transformers/owner/net", "--graph", graph, "--file", tmp_path / "parts", "-o", out)
    assert done.exit_code == 2 and "names files that are not there" in done.output


def test_a_pickle_is_not_read(tmp_path: Path) -> None:
    network = saved(tmp_path / "saved", *OWN["vit"][0][:2])
    (tmp_path / "saved" / "model.safetensors").unlink()
    torch.save(network.state_dict(), tmp_path / "saved" / "pytorch_model.bin")
    done, _ = loaded(tmp_path, own("vit"))
    assert done.exit_code == 2 and "there is no model.safetensors; files of other forms may run code" in done.output
    torch.save(network.state_dict(), tmp_path / "saved" / "model.safetensors")
    done, _ = loaded(tmp_path, own("vit"))
    assert done.exit_code == 2 and "not a safetensors file" in done.output


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"hidden_act": "relu"}, "no component has this vit: hidden_act is 'relu', here 'gelu'"),
        ({"model_type": "deit"}, "the graph has no AutoBackbone {model_type: deit}, and no component has this network"),
        ({"model_type": "swin"}, "the graph has no node SwinTransformer"),
        ({"model_type": None}, "config.json says no model_type"),
    ],
)
def test_weights_of_an_unknown_network_are_refused(changes: dict[str, Any], said: str, tmp_path: Path) -> None:
    saved(tmp_path / "saved", *OWN["vit"][0][:2])
    config = tmp_path / "saved" / "config.json"
    config.write_text(json.dumps({**json.loads(config.read_text()), **changes}))
    done, _ = loaded(tmp_path, own("vit"))
    assert done.exit_code != 0 and said in done.output


@pytest.mark.parametrize(
    ("name", "said"),
    [("transformers/net", "expected a repository of the hub"), ("transformers/../x/net", "expected a repository")],
)
def test_a_name_that_is_no_repository_is_refused(name: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "graph.yaml").write_text(own("vit"))
    done = composer_weights(name, "--graph", tmp_path / "graph.yaml")
    assert done.exit_code == 2 and said in done.output


@pytest.mark.parametrize(
    ("head", "said"),
    [
        (
            "license: other\nlicense_name: own-license\nlicense_link: LICENSE.md",
            "licence other (own-license, LICENSE.md)",
        ),
        ("tags: [vision]", "licence not stated"),
    ],
)
def test_the_licence_is_that_of_the_card(head: str, said: str, tmp_path: Path) -> None:
    saved(tmp_path / "saved", *OWN["vit"][0][:2])
    (tmp_path / "saved" / "README.md").write_text(f"---\n{head}\n---\n")
    assert said in loaded(tmp_path, own("vit"))[0].output.splitlines()[0]


def test_weights_are_read_from_the_hub_cache_or_a_folder_is_requested(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    repository = tmp_path / "hub" / "models--owner--net"
    snapshot = repository / "snapshots" / ("0" * 40)
    network = saved(snapshot, *OWN["vit"][0][:2])
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text("0" * 40)
    (tmp_path / "graph.yaml").write_text(own("vit"))
    arguments = ("--graph", tmp_path / "graph.yaml", "-o", tmp_path / "out.safetensors")
    done = composer_weights("transformers/owner/net", *arguments)
    assert done.exit_code == 0, done.output
    assert done.output.splitlines()[0] == "transformers/owner/net: licence apache-2.0; from huggingface.co/owner/net"
    model = composer.load(tmp_path / "out.safetensors").eval()
    with torch.no_grad():
        assert_equal(model(image_of(32))["found"], network(image_of(32)).logits)
    (snapshot / "model.safetensors").unlink()
    done = composer_weights("transformers/owner/net", *arguments)
    assert done.exit_code == 2 and "model.safetensors.index.json is not in the hub's cache" in done.output
    done = composer_weights("transformers/owner/other", *arguments)
    assert done.exit_code == 2 and "config.json is not in the hub's cache" in done.output and "--file" in done.output
