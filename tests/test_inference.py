"""Sizes of every port, and what is reported when they do not fit."""

from dataclasses import replace
from typing import Annotated

import pytest
import torch
from torch import nn
from torch.nn.modules.module import register_module_module_registration_hook

from composer import Catalog, GraphError, Limits, compile, edit, infer_shapes
from composer.graph.file import loads
from composer.ports import FeatureMap
from composer.rules.sizes.sizes import axis_number

CHAIN = """
schema: 1
name: chain
inputs:
  image: {type: Image, shape: [B, 3, 32, 32]}
data_samples:
  label: {type: Label, shape: [B]}
nodes:
  backbone:
    {type: ResNet, params: {depth: 18, base_channels: 8, stem_channels: 8, out_indices: [1, 3]}, inputs: {image: image}}
  neck: {type: GlobalAveragePooling, inputs: {feature: "backbone.out[-1]"}}
  head: {type: LinearClsHead, params: {num_classes: 10}, inputs: {feature: neck.out}}
  loss: {type: CrossEntropyLoss, inputs: {pred: head.out, target: label}}
outputs:
  tensor: {logits: head.out}
  loss: {loss: loss.out}
"""


def problems_of(text, **options):
    return infer_shapes(loads(text, "chain.yaml"), **options).problems


def test_every_port_has_its_sizes_with_the_batch_left_open():
    shapes = infer_shapes(loads(CHAIN))
    assert shapes["image"] == ("B", 3, 32, 32)
    assert shapes["backbone.out"] == (("B", 16, 4, 4), ("B", 64, 1, 1))
    assert shapes["neck.out"] == ("B", 64) and shapes["head.out"] == ("B", 10) and shapes["loss.out"] == ()


def test_a_parameter_left_out_is_taken_from_the_wire():
    shapes = infer_shapes(loads(CHAIN))
    assert shapes.nodes["head"].params == {"num_classes": 10, "in_channels": 64}
    assert compile(loads(CHAIN)).head.fc.in_features == 64


def test_parameters_and_flops_are_those_of_the_built_model():
    shapes = infer_shapes(loads(CHAIN))
    model = compile(loads(CHAIN))
    assert shapes.parameters == sum(parameter.numel() for parameter in model.parameters())
    assert shapes.nodes["head"].flops == {"tensor": 2 * 64 * 10, "loss": 2 * 64 * 10}
    assert shapes.flops("tensor") == sum(node.flops.get("tensor", 0) for node in shapes.nodes.values())


def test_a_wrong_size_is_reported_with_the_wire_both_sizes_and_a_repair():
    text = CHAIN.replace("num_classes: 10}", "num_classes: 10, in_channels: 128}")
    (problem,) = problems_of(text)
    assert str(problem) == (
        "shape-mismatch chain.yaml:12:85 neck.out -> head.feature\n"
        "    axis 1 (in_channels): got 64 from neck.out (B 64), head.feature expects 128\n"
        "    fix: set head.params.in_channels to 64"
    )
    mended = edit(loads(text), problem.fix)
    assert not infer_shapes(mended).problems


def test_nodes_behind_a_wrong_one_have_no_sizes_and_the_others_keep_theirs():
    shapes = infer_shapes(loads(CHAIN.replace("num_classes: 10}", "num_classes: 10, in_channels: 128}")))
    assert shapes["neck.out"] == ("B", 64) and shapes["head.out"] is None


def test_a_level_that_a_pyramid_lacks_is_reported():
    (problem,) = problems_of(CHAIN.replace("backbone.out[-1]", "backbone.out[2]"))
    assert problem.code == "index-out-of-range"
    assert "backbone.out has 2 levels (0 to 1), found index 2" in str(problem)
    assert not problems_of(CHAIN.replace("backbone.out[-1]", "backbone.out[1]"))


def test_a_component_that_cannot_be_built_is_reported_with_its_parameters():
    (problem,) = problems_of(CHAIN.replace("out_indices: [1, 3]", "out_indices: [3, 1]"))
    assert problem.code == "cannot-build" and "ResNet(depth=18" in problem.message


def test_a_component_that_cannot_run_on_its_inputs_is_reported_with_the_sizes():
    text = CHAIN.replace("type: GlobalAveragePooling, inputs: {feature:", "type: Flatten, inputs: {input:")
    small = text.replace("type: Flatten", "type: MaxPool2d, params: {kernel_size: 5}")
    (problem,) = [problem for problem in problems_of(small) if problem.code == "forward-failed"]
    assert "cannot run on input B 64 1 1" in problem.message
    assert not [problem for problem in problems_of(text) if problem.severity == "error"]


def test_a_parameter_that_no_declared_size_gives_is_reported():
    text = CHAIN.replace("{type: Image, shape: [B, 3, 32, 32]}", "{type: FeatureMap}").replace(
        "type: ResNet, params: {depth: 18, base_channels: 8, stem_channels: 8, out_indices: [1, 3]}, inputs: {image:",
        "type: CollectLevels, inputs: {xs:",
    )
    (problem,) = [problem for problem in problems_of(text) if problem.severity == "error"]
    assert problem.code == "missing-parameter" and problem.where.node == "head"
    with pytest.raises(GraphError, match="needs 'in_channels', which could not be taken from its wire"):
        compile(loads(text))


def test_a_loss_that_is_no_scalar_is_reported():
    text = CHAIN.replace("type: CrossEntropyLoss,", "type: CrossEntropyLoss, params: {reduction: none},")
    (problem,) = problems_of(text)
    assert problem.code == "loss-not-scalar" and "has the sizes B" in problem.message


@pytest.mark.parametrize(("layers", "codes"), [(65_536, ["too-many-layers"]), (3, [])])
def test_more_layers_than_a_node_may_have_are_refused_before_one_is_built(layers, codes):
    modules = []
    text = f"""
schema: 1
inputs: {{x: {{type: Embedding, shape: [B, 8]}}}}
nodes:
  neck:
    type: NonLinearNeck
    params: {{hid_channels: 8, out_channels: 4, num_layers: {layers}, with_avg_pool: false}}
    inputs: {{feature: x}}
outputs: {{tensor: {{out: neck.out}}}}
"""
    handle = register_module_module_registration_hook(lambda *given: modules.append(given[1]))
    problems = infer_shapes(loads(text), replace(Catalog.default(), cache={})).problems
    handle.remove()
    assert [problem.code for problem in problems] == codes
    assert bool(modules) == (not codes)


def test_a_layer_of_a_million_million_parameters_is_refused_before_it_is_built():
    huge = "type: Linear, params: {out_features: 1000000000000}, inputs: {input:"
    text = CHAIN.replace("type: GlobalAveragePooling, inputs: {feature:", huge)
    codes = {problem.code for problem in problems_of(text)}
    assert "too-many-parameters" in codes
    with pytest.raises(GraphError, match="too-many-parameters"):
        compile(loads(text))


def test_the_limit_on_parameters_can_be_raised_and_lowered_by_the_caller():
    assert not problems_of(CHAIN)
    (problem,) = problems_of(CHAIN, limits=Limits(parameter_bytes=1000))
    assert problem.code == "too-many-parameters" and "Limits(parameter_bytes=" in problem.message


def test_after_an_edit_only_what_it_touches_is_run_again():
    catalog = Catalog(Catalog.default().components)
    infer_shapes(loads(CHAIN), catalog)
    before = set(catalog.cache)
    infer_shapes(loads(CHAIN.replace("num_classes: 10", "num_classes: 11")), catalog)
    assert sorted(key[0].name for key in set(catalog.cache) - before) == ["CrossEntropyLoss", "LinearClsHead"]


FREE = """
schema: 1
inputs: {image: {type: Image, shape: [B, 3, H, W]}}
nodes:
  backbone: {type: ResNet, params: {depth: 18, out_indices: [0, 3]}, inputs: {image: image}}
  narrow: {type: Conv2d, params: {out_channels: 8, kernel_size: 3}, inputs: {input: image}}
  flat: {type: Flatten, params: {start_dim: 2}, inputs: {input: narrow.out}}
  neck: {type: GlobalAveragePooling, inputs: {feature: "backbone.out[-1]"}}
outputs: {tensor: {out: neck.out, flat: flat.out}}
"""


def test_sizes_that_depend_on_a_free_size_are_expressed_in_it():
    shapes = infer_shapes(loads(FREE))
    assert shapes["image"] == ("B", 3, "H", "W")
    assert shapes["backbone.out"] == (("B", 64, "H/4", "W/4"), ("B", 512, "H/32", "W/32"))
    assert shapes["narrow.out"] == ("B", 8, "H-2", "W-2")
    assert shapes["flat.out"] == ("B", 8, "~49284")
    assert shapes["neck.out"] == ("B", 512)


def test_a_graph_with_many_free_sizes_is_inferred_once_more_for_all_of_them():
    inputs = "\n".join(f"  x{place}: {{type: FeatureMap, shape: [B, 3, H{place}, W]}}" for place in range(40))
    nodes = "\n".join(f"  n{place}: {{type: ReLU, inputs: {{input: x{place}}}}}" for place in range(40))
    outputs = ", ".join(f"o{place}: n{place}.out" for place in range(40))
    text = f"schema: 1\ninputs:\n{inputs}\nnodes:\n{nodes}\noutputs: {{tensor: {{{outputs}}}}}\n"
    assert infer_shapes(loads(text))["n7.out"] == ("B", 3, "~224", "~224")


def test_a_size_in_terms_of_another_is_a_number_again():
    axes = {7: 7, "B": 3, "2B": 6, "75B+1": 226, "H": 224, "H/32": 7, "2H+1": 449, "H-2": 222, "~196": 196, "~6B": 18}
    assert {axis: axis_number(axis, 3) for axis in axes} == axes


def test_free_sizes_may_be_given():
    text = CHAIN.replace("[B, 3, 32, 32]", "[B, 3, H, W]")
    assert infer_shapes(loads(text), sizes={"H": 64, "W": 96})["backbone.out"][0] == ("B", 16, 8, 12)


def test_sizes_that_grow_with_the_batch_are_shown_as_its_multiple():
    text = """
schema: 1
inputs:
  a: {type: Image, shape: [B, 3, 4, 4]}
nodes:
  both: {type: Concat, params: {dim: 0}, inputs: {xs: [a, a]}}
outputs:
  tensor: {both: both.out}
"""
    assert infer_shapes(loads(text))["both.out"] == ("2B", 3, 4, 4)


def test_a_wire_that_differs_by_mode_is_reported_with_its_mode():
    text = """
schema: 1
inputs:
  a: {type: Image, shape: [B, 3, 4, 4]}
  b: {type: Image, shape: [B, 5, 4, 4]}
nodes:
  conv: {type: Conv2d, params: {out_channels: 2, kernel_size: 1}, inputs: {input: {tensor: a, predict: b}}}
outputs:
  tensor: {out: conv.out}
  predict: {out: conv.out}
"""
    (problem,) = problems_of(text)
    assert problem.where.mode == "predict" and "got 5 from b (B 5 4 4), conv.input expects 3" in problem.message


def test_inside_a_subgraph_ports_are_named_by_their_path_and_repairs_go_to_the_definition():
    text = """
schema: 1
inputs:
  image: {type: Image, shape: [B, 3, 8, 8]}
nodes:
  encoder: {graph: encoder, inputs: {image: image}}
outputs:
  tensor: {out: encoder.out}
graphs:
  encoder:
    inputs:
      image: {type: Image}
    nodes:
      conv: {type: Conv2d, params: {out_channels: 4, kernel_size: 1, in_channels: 7}, inputs: {input: image}}
    outputs: {out: conv.out}
"""
    graph = loads(text)
    (problem,) = infer_shapes(graph).problems
    assert "image -> encoder.conv.input" in str(problem) and problem.where.scope == "encoder"
    shapes = infer_shapes(edit(graph, problem.fix))
    assert not shapes.problems and shapes["encoder.out"] == ("B", 4, 8, 8) == shapes["encoder.conv.out"]


def test_a_half_wired_graph_shows_the_sizes_it_can():
    text = """
schema: 1
inputs:
  image: {type: Image, shape: [B, 3, 8, 8]}
nodes:
  conv: {type: Conv2d, params: {out_channels: 4, kernel_size: 3}, inputs: {input: image}}
  mystery: {type: NoSuchThing, inputs: {input: conv.out}}
  behind: {type: ReLU, inputs: {input: mystery.out}}
  alone: {type: ReLU, inputs: {input: conv.out}}
  waiting: {type: Linear, params: {out_features: 3}}
outputs: {}
"""
    shapes = infer_shapes(loads(text))
    assert shapes["conv.out"] == ("B", 4, 6, 6) == shapes["alone.out"]
    assert "behind.out" not in shapes and "waiting.out" not in shapes
    assert {"unknown-type", "not-wired", "no-output"} <= {problem.code for problem in shapes.problems}


def test_nothing_is_computed():
    before = torch.get_rng_state()
    infer_shapes(loads(CHAIN), Catalog(Catalog.default().components))
    assert torch.equal(before, torch.get_rng_state())


def test_an_output_of_a_port_that_does_not_exist_is_reported():
    text = CHAIN.replace("{logits: head.out}", "{logits: head.nope}")
    assert "unknown-port" in {problem.code for problem in problems_of(text)}


def test_a_pyramid_is_no_loss():
    (problem,) = [
        item
        for item in problems_of(CHAIN.replace("{loss: loss.out}", "{loss: backbone.out}"))
        if item.code == "loss-not-scalar"
    ]
    assert "has the sizes B 16 4 4, B 64 1 1" in problem.message


def test_a_huge_number_of_classes_costs_nothing_to_refuse():
    text = CHAIN.replace(
        "type: LinearClsHead, params: {num_classes: 10}", "type: ArcFaceClsHead, params: {num_classes: 1000000000}"
    )
    assert "too-many-parameters" in {problem.code for problem in problems_of(text)}


class Braced(nn.Module):
    """Refuses everything, in words with braces."""

    def forward(self, x: Annotated[FeatureMap, "B C H W"]) -> Annotated[FeatureMap, "B C H W"]:
        raise RuntimeError("no {wire} into {port}")


def test_the_words_of_a_failure_are_shown_as_they_are():
    text = "schema: 1\ninputs:\n  image: {type: Image, shape: [B, 3, 8, 8]}\nnodes:\n"
    text += "  part: {type: Braced, inputs: {x: image}}\noutputs:\n  tensor: {out: part.out}\n"
    (problem,) = problems_of(text, catalog=Catalog.of(Braced))
    assert problem.code == "forward-failed" and "no {wire} into {port}" in problem.message
