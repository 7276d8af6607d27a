"""The number of class names equals that of the scores in predict mode, and the fix keeps the graph valid."""

import pytest

import composer
from composer.graph.file import loads, read
from composer.problems import Edit
from tests.editing.samples import SAVED

HEAD = """\
schema: 1
classes: [a, b]
inputs: {image: {type: Image, shape: [B, 3, 32, 32]}}
"""
LINEAR = (
    HEAD
    + """\
data_samples: {label: {type: Label, shape: [B]}}
nodes:
  pool: {type: GlobalAveragePooling, inputs: {feature: image}}
  head: {type: LinearClsHead, params: {num_classes: COUNT}, inputs: {feature: pool.out}}
  prediction: {type: ClassPrediction, inputs: {logits: head.out}}
  rows: {type: OneHot, params: {num_classes: COUNT}, inputs: {label: label}}
  loss: {type: L1Loss, inputs: {pred: head.out, target: rows.out}}
outputs:
  loss: {loss: loss.out}
  predict: {labels: prediction.labels}
"""
)
PLAIN = (
    HEAD
    + """\
nodes:
  conv: {type: Conv2d, params: {out_channels: COUNT, kernel_size: 1}, inputs: {input: image}}
  norm: {type: BatchNorm2d, inputs: {input: conv.out}}
  pool: {type: GlobalAveragePooling, inputs: {feature: norm.out}}
  drop: {type: Dropout, inputs: {input: pool.out}}
  soft: {type: Softmax, params: {dim: 1}, inputs: {input: drop.out}}
outputs:
  predict: {scores: soft.out}
"""
)
INSIDE = (
    HEAD
    + """\
graphs:
  tail:
    params: {count: DEFAULT}
    inputs: {x: {type: FeatureMap}}
    nodes:
      pool: {type: GlobalAveragePooling, inputs: {feature: x}}
      head: {type: LinearClsHead, params: {num_classes: $count}, inputs: {feature: pool.out}}
    outputs: {y: head.out}
nodes:
  tail: {graph: tail, PARAMS inputs: {x: image}}
  prediction: {type: ClassPrediction, inputs: {logits: tail.y}}
outputs:
  predict: {scores: prediction.scores}
"""
)
RETRIEVAL = (
    HEAD
    + """\
nodes:
  pool: {type: GlobalAveragePooling, inputs: {feature: image}}
  gallery: {type: PrototypeSimilarity, params: {length: 44}, inputs: {feature: pool.out}}
  ranking: {type: SimilarityRanking, inputs: {similarity: gallery.out}}
outputs:
  predict: {scores: ranking.scores, labels: ranking.labels}
"""
)


@pytest.mark.parametrize(
    ("text", "fix"),
    [
        (LINEAR.replace("COUNT", "44"), "set head.params.num_classes, rows.params.num_classes to 2"),
        (PLAIN.replace("COUNT", "44"), "set conv.params.out_channels to 2"),
        (INSIDE.replace("DEFAULT", "44").replace("PARAMS", ""), "set tail.params.count to 2"),
        (INSIDE.replace("DEFAULT", "2").replace("PARAMS", "params: {count: 1},"), "set tail.params.count to 2"),
    ],
    ids=["a head and its targets", "plain layers", "a parameter by default", "a parameter of a call"],
)
def test_another_number_of_class_names_is_reported_with_a_fix(text: str, fix: str) -> None:
    graph = loads(text)
    (problem,) = composer.check(graph)
    assert (problem.code, problem.severity) == ("class-names", "warning")
    assert problem.fix is not None and problem.fix.message == fix
    assert composer.infer_shapes(composer.edit(graph, problem.fix)).problems == []
    composer.compile(graph)


@pytest.mark.parametrize(
    "text",
    [
        LINEAR.replace("COUNT", "2"),
        PLAIN.replace("COUNT", "2"),
        INSIDE.replace("DEFAULT", "44").replace("PARAMS", "params: {count: 2},"),
        RETRIEVAL,
        LINEAR.replace("COUNT", "44").replace("classes: [a, b]\n", ""),
    ],
    ids=["a head", "plain layers", "a call", "prototypes are no classes", "no names"],
)
def test_as_many_class_names_as_scores_are_accepted(text: str) -> None:
    assert composer.check(loads(text)) == []


@pytest.mark.parametrize("name", ["retinanet_r50_fpn", "mask_rcnn_r50_fpn"])
def test_the_fix_of_a_detector_changes_heads_and_targets_but_not_proposals(name: str) -> None:
    graph = composer.edit(read(SAVED / "detection" / f"{name}.yaml"), Edit(("classes",), ["cat", "dog"]))
    (problem,) = composer.check(graph)
    assert problem.code == "class-names" and problem.fix is not None
    mended = composer.edit(graph, problem.fix)
    assert composer.check(mended) == []
    values = [edit.value for edit in problem.fix.edits]
    assert values == [2] * len(values) and len(values) >= 2
    assert not any("rpn_head" in edit.path for edit in problem.fix.edits)
