"""One example of every code in the table of codes."""

import io
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save
from torch import nn

import composer
from composer import Catalog, Graph, GraphError, Limits, Problem
from composer.edits import apply
from composer.edits.operations import Connect, Target
from composer.export import export
from composer.graph.file import loads
from composer.openmmlab import config_from_graph, import_config
from composer.openmmlab.config_file import ConfigFile, read_config
from composer.openmmlab.recipes import import_recipe
from composer.ports import FeatureMap
from composer.problems import Edit
from composer.run.inputs import example_inputs
from composer.training import assign_clusters, checkpoints, loads_recipe, parameter_groups
from composer.training.data import ArraySource, open_source
from composer.training.data.columns import wiring
from composer.training.defaults import check_recipe
from composer.training.recipe import Recipe, Split
from composer.training.runs.folder import RunFolder

GRAPH = """\
schema: 1
name: tiny
classes: [cat, dog]
inputs:
  image: {type: Image, shape: [B, 3, 64, 64], preprocess: {resize: [64, 64]}}
data_samples:
  label: {type: Label, shape: [B]}
nodes:
  backbone: {type: ResNet, params: {depth: 18}, inputs: {image: image}}
  neck: {type: GlobalAveragePooling, inputs: {feature: "backbone.out[-1]"}}
  head: {type: LinearClsHead, params: {num_classes: 2}, inputs: {feature: neck.out}}
  loss: {type: CrossEntropyLoss, inputs: {pred: head.out, target: label}}
  prediction: {type: ClassPrediction, inputs: {logits: head.out}}
  neck_k: {weights: {momentum: neck, decay: 0.99}, inputs: {feature: "backbone.out[-1]"}}
outputs:
  tensor: {features: neck.out, key: neck_k.out}
  loss: {loss: loss.out}
  predict: {scores: prediction.scores, labels: prediction.labels}
"""

IN_ITSELF = """\
graphs:
  block:
    inputs: {x: {type: FeatureMap}}
    nodes:
      inner: {graph: block, inputs: {x: x}}
    outputs: {out: inner.out}
nodes:
"""


def doubling(times: int) -> str:
    """Subgraphs, each of which calls the next one twice."""
    bodies = [f"{{graph: block_{number + 1}, inputs: {{x: x}}}}" for number in range(times - 1)]
    lines = ["graphs:"]
    for number, call in enumerate([*bodies, "{type: ReLU, inputs: {input: x}}"]):
        lines += [f"  block_{number}:", "    inputs: {x: {type: FeatureMap}}", "    nodes:"]
        lines += [f"      one: {call}", f"      two: {call}", "    outputs: {out: two.out}"]
    return "\n".join([*lines, "nodes:", "  stem: {graph: block_0, inputs: {x: image}}", ""])


CHANGES = {
    "ambiguous-output": ("scores: prediction.scores", "scores: prediction"),
    "bad-index": ("feature: neck.out", 'feature: "neck.out[0]"'),
    "bad-mode": ("  predict:", "  predcit:"),
    "bad-parameter": ("num_classes: 2", 'num_classes: "2"'),
    "bad-preprocess": ("resize: [64, 64]", "resize: big"),
    "bad-reference": ("feature: neck.out", "feature: neck/out"),
    "bad-schema": ("schema: 1", "schema: one"),
    "bad-shape": ("[B, 3, 64, 64]", "[-1, 3, 64, 64]"),
    "bad-structure": ("classes: [cat, dog]", "classes: [1, 2]"),
    "cannot-build": ("{depth: 18}", "{depth: 18, strides: [1, 2]}"),
    "cycle": ('GlobalAveragePooling, inputs: {feature: "backbone.out[-1]"', "ReLU, inputs: {input: head.out"),
    "duplicate-id": ("  neck: {type", "  image: {type"),
    "duplicate-key": ("  head: {type", "  neck: {type"),
    "empty-bypass": (
        'GlobalAveragePooling, inputs: {feature: "backbone.out[-1]"}',
        "GlobalAveragePooling, bypassed: true",
    ),
    "empty-file": (GRAPH, "# nothing yet"),
    "future-schema": ("schema: 1", "schema: 2"),
    "huge-number": ("depth: 18", "depth: " + "1" * 700),
    "illegal-id": ("  neck: {type", "  forward: {type"),
    "index-out-of-range": ("out[-1]", "out[3]"),
    "loss-not-scalar": ("CrossEntropyLoss,", "CrossEntropyLoss, params: {reduction: none},"),
    "loss-type": ("loss: {loss: loss.out}", "loss: {loss: loss.out, map: head.out}"),
    "missing-input": ("{pred: head.out, target: label}", "{pred: head.out}"),
    "missing-parameter": (", params: {num_classes: 2}", ""),
    "missing-schema": ("schema: 1\n", ""),
    "missing-type": ("type: ClassPrediction, ", ""),
    "multiple-documents": ("outputs:", "---\noutputs:"),
    "no-output": (GRAPH[GRAPH.index("outputs:") :], "outputs: {}"),
    "preprocess-channels": ("preprocess: {resize: [64, 64]}", "preprocess: {resize: [64, 64], channels: gray}"),
    "recursive-subgraph": ("nodes:\n", IN_ITSELF),
    "shape-mismatch": ("num_classes: 2", "num_classes: 2, in_channels: 256"),
    "too-deep": ("depth: 18", "depth: " + "[" * 65 + "]" * 65),
    "too-deep-nesting": ("nodes:\n", doubling(34)),
    "too-large": ("name: tiny", "about: " + "x" * 2**21),
    "too-many-nodes": ("nodes:\n", doubling(20)),
    "too-many-parameters": ("num_classes: 2", "num_classes: 1000000000000"),
    "too-many-wires": ("feature: neck.out", "feature: [neck.out, neck_k.out]"),
    "two-types": ("type: ClassPrediction,", "type: ClassPrediction, graph: answer,"),
    "unknown-key": ("name: tiny", "nmae: tiny"),
    "unknown-node": ("feature: neck.out", "feature: nekc.out"),
    "unknown-parameter": ("depth: 18", "depht: 18"),
    "unknown-port": ("prediction.scores", "prediction.score"),
    "unknown-port-type": ("type: Label", "type: Labels"),
    "unknown-subgraph": ("type: ClassPrediction", "graph: answer"),
    "unknown-type": ("GlobalAveragePooling", "GlobalAvgPooling"),
    "unknown-weights": ("momentum: neck", "momentum: nekc"),
    "class-names": ("num_classes: 2", "num_classes: 3"),
    "no-shape": ("{type: Image, shape: [B, 3, 64, 64], preprocess: {resize: [64, 64]}}", "{type: FeatureMap}"),
    "not-wired": ("  head: {type", "  spare: {type: Linear}\n  head: {type"),
    "unreachable-node": ("features: neck.out, key: neck_k.out", "features: neck.out"),
    "unused-input": ("  label: {", "  weight: {type: Label}\n  label: {"),
    "weights-momentum": ("decay: 0.99", "decay: 1.5"),
    "weights-frozen": ("weights: {momentum: neck, decay: 0.99}", "weights: {share: neck}, frozen: true"),
    "weights-params": ("{weights: {momentum: neck,", "{params: {dim: 1}, weights: {momentum: neck,"),
    "weights-cycle": ("momentum: neck", "momentum: neck_k"),
    "weights-type": ("{weights: {momentum: neck,", "{type: ReLU, weights: {momentum: neck,"),
    "wrong-type": ('feature: "backbone.out[-1]"', "feature: backbone.out"),
    "yaml-alias": ("{depth: 18}", "*eighteen"),
    "yaml-anchor": ("{depth: 18}", "&eighteen {depth: 18}"),
    "yaml-key": ("depth: 18", "18: depth"),
    "yaml-merge-key": ("depth: 18", "<<: {depth: 18}"),
    "yaml-syntax": ("{depth: 18}", "{depth: 18]"),
    "yaml-tag": ("{depth: 18}", "!!python/object:os.system {depth: 18}"),
}
"""What is done to the graph above: the first text is replaced by the second."""


class Doubling(nn.Module):
    """Does something else in training, which no graph of its evaluation can."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return 2 * x if self.training else x + 1


class Halving(nn.Module):
    """Says that it keeps the height, and halves it."""

    def forward(self, x: Annotated[FeatureMap, "B C H W"]) -> Annotated[FeatureMap, "B C H W"]:
        return x[:, :, ::2]


def one_node(text: str) -> Graph:
    head = "schema: 1\ninputs:\n  image: {type: Image, shape: [B, 3, 8, 8]}\nnodes:\n"
    return loads(f"{head}  part: {text}\noutputs:\n  tensor: {{out: part.out}}\n")


def conv(channels: int = 4, size: int = 3) -> Graph:
    params = f"{{out_channels: {channels}, kernel_size: {size}}}"
    return one_node(f"{{type: Conv2d, params: {params}, inputs: {{input: image}}}}")


def pool() -> Graph:
    return one_node("{type: GlobalAveragePooling, inputs: {feature: image}}")


def shapes_of(graph: Graph, catalog: Catalog | None = None) -> None:
    raise GraphError(composer.infer_shapes(graph, catalog).problems)


def two_views() -> Graph:
    one, _, two = GRAPH.partition("data_samples:")
    return loads(f"{one}  view_2: {{type: Image, shape: [B, 3, 64, 64], preprocess: {{}}}}\ndata_samples:{two}")


def with_part(folder: Path, text: str) -> Catalog:
    (folder / "my_parts").mkdir()
    (folder / "my_parts" / "mine.py").write_text(text)
    return Catalog.default().with_folder(folder / "my_parts")


def written(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


def torch_file(folder: Path) -> Path:
    torch.save({}, folder / "weights.pth")
    return folder / "weights.pth"


def without_openvino(folder: Path) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "openvino", None)
        export(composer.compile(conv()), "openvino", folder / "part.xml")


def without_onnx(folder: Path) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "onnxruntime", None)
        export(composer.compile(conv()), "onnx", folder / "part.onnx")


FIXED_RATE = "metadata: {training: {fixed_learning_rate: [head.predictor]}}\n"
IMAGE = np.zeros((8, 8, 3), np.uint8)
UNTYPED = "from torch import nn\n__all__ = ['Mine']\nclass Mine(nn.Module):\n    def forward(self, x): return x\n"


def with_untyped(folder: Path) -> None:
    graph = loads(GRAPH.replace("pred: head.out", "pred: mine.out").replace(
        "  loss: {type", "  mine: {type: Mine, inputs: {x: head.out}}\n  loss: {type"
    ))  # fmt: skip
    raise GraphError(composer.check(graph, with_part(folder, UNTYPED)))


RECIPE = "graph: g.yaml\ndata: {train: {path: images}}\n"


def check_of(text: str, graph: str = GRAPH, *, built: bool = True) -> None:
    found = loads(graph)
    model = composer.compile(found) if built else None
    raise GraphError(check_recipe(loads_recipe(f"{RECIPE}{text}"), found, Catalog.default(), None, model))


def wired(*arrays: Any) -> Any:
    """Arrays as the data of the graph."""
    recipe = Recipe.model_validate({"graph": "g.yaml", "data": {"train": {"path": "."}}})
    return wiring(loads(GRAPH), Catalog.default(), recipe, ArraySource(*arrays))


class Dropping(nn.Module):
    """Its stochastic depth does nothing in evaluation."""

    def __init__(self) -> None:
        super().__init__()
        self.fc = nn.Linear(4, 4)
        self.drop_path = Skipping()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.drop_path(self.fc(x))


class Skipping(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x * torch.rand(len(x), 1).round() if self.training else x


class Multiplying(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.cumprod(x, 1)


def import_problem(module: nn.Module) -> None:
    """Raise what an import of a module's program reports."""
    file = io.BytesIO()
    torch.export.save(torch.export.export(module.eval(), (torch.randn(2, 4),)), file)
    raise GraphError(composer.from_pt2(file.getvalue(), title="net.pt2").report.problems())


def connect(source: str, node: str, graph: str = GRAPH) -> None:
    """Wire a source to whichever port of a node fits."""
    apply(loads(graph), (), Connect(source=source, target=Target(node=node)), Catalog.default())


TWO_PORTS = GRAPH.replace("  loss: {type", "  spare: {type: LatentPredictHead}\n  loss: {type")


def config(folder: Path, text: str, **bases: str) -> ConfigFile:
    """A config of OpenMMLab with the files that it inherits from."""
    for name, content in {"config": text, **bases}.items():
        (folder / f"{name}.py").write_text(content)
    return read_config(folder / "config.py")


def reading(text: str, **bases: str) -> Callable[[Path], None]:
    """What reading a config reports, be it refused or not."""

    def read(folder: Path) -> None:
        raise GraphError(config(folder, text, **bases).notes)

    return read


CLASSIFIER: dict[str, Any] = {
    "type": "ImageClassifier",
    "backbone": {"type": "ResNet", "depth": 18},
    "neck": {"type": "GlobalAveragePooling"},
    "head": {"type": "LinearClsHead", "num_classes": 2, "in_channels": 512},
}
TRAINING = """
model = dict(type='ImageClassifier')
train_dataloader = dict(batch_size=32, dataset=dict(type='ImageNet', data_root='data', split='train'))
auto_scale_lr = dict(base_batch_size=256)
"""


def importing(**changes: Any) -> None:
    raise GraphError(import_config({**CLASSIFIER, **changes}).notes)


def importing_training(found: ConfigFile) -> None:
    raise GraphError(import_recipe(found, Graph()).notes)


CALLS: dict[str, Callable[[Path], Any]] = {
    "accumulated": lambda _: check_of("batches: {batch: 8, accumulate: 2}"),
    "bad-checkpoint": lambda folder: checkpoints.load(folder),
    "hub-refused": lambda _: composer.load("hf://resnet"),
    "no-loss": lambda _: check_of("", GRAPH.replace("loss: {loss: loss.out}", "loss: {error: loss.out}"), built=False),
    "policy-frozen": lambda _: check_of("policy: {backbone: {freeze: true, lr: 0.1}}"),
    "policy-path": lambda _: check_of("policy: {backbon: {lr: 0.1}}"),
    "bad-data": lambda _: ArraySource(np.zeros((2, 8, 8))),
    "data-classes": lambda _: wired(np.zeros((3, 8, 8, 3), np.uint8), [0, 1, 2], ["cat", "dog", "cow"]),
    "data-column": lambda _: wired(np.zeros((3, 8, 8, 3), np.uint8)),
    "data-format": lambda folder: open_source(Split(path=".", format="foldr"), folder),
    "bad-recipe": lambda _: loads_recipe("[1]"),
    "recipe-key": lambda _: loads_recipe(f"{RECIPE}epoch: 3"),
    "recipe-missing": lambda _: loads_recipe("graph: g.yaml"),
    "recipe-schema": lambda _: loads_recipe(f"schema: 2\n{RECIPE}"),
    "recipe-value": lambda _: loads_recipe(f"{RECIPE}schedule: {{warmup: 5 eons}}"),
    "bad-component": lambda folder: with_part(folder, "__all__ = ['Mine']\nclass Mine:\n    pass\n"),
    "bad-edit": lambda _: composer.edit(loads(GRAPH), Edit(("name", "first"), 1)),
    "bad-clusters": lambda _: assign_clusters(composer.compile(loads(GRAPH)), torch.zeros(2, 4), torch.zeros(2)),
    "bad-field": lambda _: composer.compile(loads(GRAPH))(torch.zeros(2, 3, 64, 64), torch.zeros(2), mode="loss"),
    "bad-image": lambda _: composer.preprocess(loads(GRAPH), GRAPH.encode()),
    "bad-input": lambda _: composer.compile(conv())(3),
    "bad-value": lambda _: composer.compile(loads(GRAPH))(
        torch.zeros(2, 3, 64, 64), {"label": torch.tensor([0, 99])}, mode="loss"
    ),
    "bad-weights-file": lambda folder: composer.load(written(folder / "cut.safetensors", b"\xff" * 8 + b"{")),
    "imported": lambda _: import_problem(nn.Linear(4, 2)),
    "lost-in-evaluation": lambda _: import_problem(Dropping()),
    "no-part": lambda _: import_problem(Multiplying()),
    "cannot-import": lambda _: composer.from_module(nn.Linear(4, 2), torch.randn(2, 3)),
    "cannot-read": lambda folder: composer.read(folder),
    "cannot-write": lambda folder: composer.write(loads(GRAPH), folder),
    "component-file": lambda folder: with_part(folder, "from torch import nn"),
    "duplicate-component": lambda _: Catalog.default().with_components(
        type("ResNet", (Halving,), {"__module__": "my_parts"})
    ),
    "forward-failed": lambda _: shapes_of(conv(size=9)),
    "image-size": lambda _: composer.preprocess(loads(GRAPH.replace("resize: [64, 64]", "channels: bgr")), IMAGE),
    "image-too-large": lambda _: composer.preprocess(loads(GRAPH), Image.new("1", (10_000, 10_000))),
    "missing-field": lambda _: composer.compile(loads(GRAPH))(torch.zeros(2, 3, 64, 64), mode="loss"),
    "no-example": lambda _: example_inputs(loads(GRAPH.replace("{type: Label, shape: [B]}", "{type: Detections}"))),
    "no-file": lambda folder: composer.load(conv_file(folder), weights=folder / "missing.safetensors"),
    "no-folder": lambda folder: Catalog.default().with_folder(folder / "my_parts"),
    "no-graph": lambda folder: composer.load(written(folder / "plain.safetensors", save({"weight": torch.zeros(1)}))),
    "no-onnx": without_onnx,
    "no-openvino": without_openvino,
    "no-run": lambda folder: RunFolder.open(folder / "gone"),
    "not-annotated": with_untyped,
    "not-the-same": lambda _: composer.from_module(Doubling(), torch.zeros(2, 3)),
    "no-preprocess": lambda _: composer.preprocess(pool(), IMAGE),
    "not-utf8": lambda _: loads("name: caf\u00e9".encode("latin-1")),
    "pickle-refused": lambda folder: composer.load(conv_file(folder), weights=torch_file(folder)),
    "too-many-inputs": lambda _: composer.compile(conv())([torch.zeros(1, 3, 8, 8)] * 2),
    "too-many-layers": lambda _: found_by_check(loads(GRAPH), Limits(layers=3)),
    "unknown-format": lambda folder: export(composer.compile(conv()), "onxn", folder / "part"),
    "unknown-module": lambda _: parameter_groups(composer.compile(loads(GRAPH + FIXED_RATE))),
    "unknown-input": lambda _: composer.preprocess(loads(GRAPH), IMAGE, "img"),
    "weights-dtype": lambda _: composer.compile(conv()).load_weights(composer.compile(conv()).half().state_dict()),
    "weights-mismatch": lambda _: composer.compile(conv()).load_weights(composer.compile(conv(5)).state_dict()),
    "which-input": lambda _: composer.preprocess(two_views(), IMAGE),
    "wrong-axes": lambda _: shapes_of(one_node("{type: Halving, inputs: {x: image}}"), Catalog.of(Halving)),
    "port-type": lambda _: connect("prediction.scores", "neck"),
    "several-ports": lambda _: connect("neck.out", "spare", TWO_PORTS),
    "config-beside-model": reading("model = dict(test_cfg=dict(score_thr=0.1))\ntest_cfg = dict(score_thr=0.3)"),
    "config-custom-imports": reading("custom_imports = dict(imports=['my_models'])"),
    "config-cycle": reading("_base_ = 'config.py'"),
    "config-deprecated": reading("_deprecation_ = dict(expected='new.py')"),
    "config-duplicate-key": reading("_base_ = ['one.py', 'two.py']", one="x = 1", two="x = 2"),
    "config-elsewhere": reading("_base_ = 'mmdet::_base_/models/retinanet.py'"),
    "config-environment": reading("folder = '{{ $DATA:data }}'"),
    "config-format": reading("_base_ = 'base.toml'"),
    "config-imported-value": reading("from lab import CLASSES\nclasses = CLASSES"),
    "config-main-block": reading("if __name__ == '__main__':\n    print(1)"),
    "config-merge": reading("_base_ = 'base.py'\nitems = dict(a=1)", base="items = [1]"),
    "config-no-model": lambda folder: config(folder, "modle = dict(type='ImageClassifier')").model,
    "config-not-data": reading("width = open('width')"),
    "config-replaced-model": reading(
        "with read_base():\n    from .base import *\nmodel = dict(backbone=dict(depth=50))",
        base="model = dict(type='A')",
    ),
    "config-syntax": reading("model = dict("),
    "config-too-large": reading("x = [0] * 10**6"),
    "left-to-caller": lambda _: importing(head={**CLASSIFIER["head"], "cal_acc": True}),
    "no-model-config": lambda _: import_config({}),
    "no-openmmlab-shape": lambda _: config_from_graph(loads(GRAPH)),
    "not-understood": lambda _: importing(nekc={"type": "GlobalAveragePooling"}),
    "outside-catalog": lambda _: importing(backbone={"type": "ConvNeXt"}),
    "read-as": lambda folder: importing_training(config(folder, TRAINING)),
    "unknown-algorithm": lambda _: importing(type="MyModel"),
    "unknown-package": lambda _: import_config(CLASSIFIER, "mmdett"),
}
"""What is called, with a folder for files."""

TESTED_ELSEWHERE = {
    *("beside-the-weights", "not-a-tensor", "unknown-object"),
    *("loss-not-finite", "process-failed", "state-outside", "step-failed", "unreached-weights"),
    "dead-worker",
    "bad-archive",
    *(
        "data-channels",
        "data-empty-class",
        "data-equal",
        "data-left-out",
        "data-objects",
        "data-samples",
    ),
    *("export-differs", "export-failed", "export-not-static", "export-source", "no-lightning"),
    *(
        "bad-document",
        "bad-file-name",
        "file-exists",
        "no-embedding",
        "cannot-listen",
        "no-device",
        "no-password",
        "no-upload",
        "no-weights",
    ),
    *("no-metric", "no-package", "run-busy", "run-changed", "run-elsewhere", "run-exists"),
    *("out-of-memory", "run-failed", "stopped", "timed-out", "too-many-runs", "weak-password", "worker-died"),
}
"""Their texts are held in test_exporting.py, test_standalone.py, tests/training and tests/openmmlab/test_commands.py,
and those of the browser in tests/web."""

SIZES = {"cannot-build", "index-out-of-range", "loss-not-scalar", "shape-mismatch", "too-many-parameters"}


def conv_file(folder: Path) -> Path:
    composer.write(conv(), folder / "part.yaml")
    return folder / "part.yaml"


def found_by_check(graph: Graph, limits: Limits | None = None) -> None:
    raise GraphError(composer.check(graph, limits=limits))


def changed(code: str) -> None:
    old, new = CHANGES[code]
    assert old in GRAPH
    graph = loads(GRAPH.replace(old, new, 1), "tiny.yaml")
    (shapes_of if code in SIZES else found_by_check)(graph)


def problem(code: str, folder: Path) -> Problem:
    with pytest.raises(GraphError) as refused:
        changed(code) if code in CHANGES else CALLS[code](folder)
    return next(item for item in refused.value.problems if item.code == code)
