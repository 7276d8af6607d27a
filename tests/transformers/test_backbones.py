"""Backbones of transformers as parts of a graph: sizes without weights, and nothing but classes of the package."""

import pytest

import composer
from composer.graph.file import loads
from composer.model.compile import outline
from tests.extras import needs

pytestmark = needs("transformers")

LEVELS = """
schema: 1
name: levels
inputs:
  image: {{type: Image, shape: [B, 3, {size}, {size}]}}
nodes:
  backbone: {{type: AutoBackbone, params: {params}, inputs: {{image: image}}}}
  neck: {{type: FPN, params: {{out_channels: 8, num_outs: 4}}, inputs: {{feature: backbone.out}}}}
outputs:
  tensor: {{levels: backbone.out, pyramid: neck.out}}
"""


def sizes_of(params: str, size: int = 224):
    return composer.infer_shapes(loads(LEVELS.format(params=params, size=size)))


@pytest.mark.parametrize(
    ("params", "levels"),
    [
        ("{model_type: convnextv2, out_indices: [1, 2, 3, 4]}", [(96, 56), (192, 28), (384, 14), (768, 7)]),
        ("{model_type: swin, out_indices: [2, 4]}", [(192, 28), (768, 7)]),
        ("{model_type: dinov2, config: {hidden_size: 64, num_attention_heads: 4}}", [(64, 16)]),
        ("{model_type: rt_detr_resnet, out_indices: [2, 3, 4]}", [(512, 28), (1024, 14), (2048, 7)]),
    ],
)
def test_backbone_levels_have_sizes_and_the_neck_takes_their_channels(params, levels):
    found = sizes_of(params)
    assert found.problems == []
    assert [level[1:3] for level in found.ports["tensor"]["backbone.out"]] == levels
    model = outline(loads(LEVELS.format(params=params, size=224)))
    assert model.neck.in_channels == tuple(channels for channels, _ in levels)


@pytest.mark.parametrize(
    ("params", "said"),
    [
        ("{model_type: timm_backbone}", "use the component TIMMBackbone"),
        ("{model_type: dinov22}", "transformers has no backbone 'dinov22'; did you mean dinov2"),
        ("{model_type: resnet, config: {auto_map: {AutoBackbone: evil.Net}}}", "config has 'auto_map'"),
        ("{model_type: resnet, config: {_name_or_path: someone/else}}", "config has '_name_or_path'"),
        ("{model_type: resnet, config: {hiden_sizes: [8]}}", "did you mean 'hidden_sizes'?"),
    ],
)
def test_configs_that_name_other_code_or_weights_are_refused(params, said):
    (problem,) = [one for one in sizes_of(params).problems if one.code == "cannot-build"]
    assert said in problem.message
