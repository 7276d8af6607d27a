"""Every classification loss and prediction with every format of labels: valid ones are used, all others refused."""

from typing import Any

import pytest
import torch
from torch import Tensor

import composer
from components.postprocessing.classification import ClassPrediction
from composer import GraphBuilder, GraphError
from composer.graph import Graph
from composer.graph.file.document import from_document
from composer.run.answers import named

CLASSES, SAMPLES = 3, 4
INDICES = torch.tensor([2, 0, 1, 2])
ROWS = torch.nn.functional.one_hot(INDICES, CLASSES)
SOFT = torch.tensor([[0.7, 0.2, 0.1], [0.0, 1.0, 0.0], [0.5, 0.5, 0.0], [0.2, 0.2, 0.6]])

LOSSES: dict[str, tuple[str, dict[str, Any]]] = {
    "softmax": ("CrossEntropyLoss", {}),
    "softmax, rows": ("CrossEntropyLoss", {"use_soft": True}),
    "sigmoid": ("CrossEntropyLoss", {"use_sigmoid": True}),
    "focal": ("FocalLoss", {}),
    "asymmetric": ("AsymmetricLoss", {}),
    "asymmetric, softmax": ("AsymmetricLoss", {"use_sigmoid": False}),
    "ghm": ("GHMC", {}),
    "smooth": ("LabelSmoothLoss", {"label_smooth_val": 0.1}),
    "smooth, sigmoid": ("LabelSmoothLoss", {"label_smooth_val": 0.1, "use_sigmoid": True}),
    "smooth, several": ("LabelSmoothLoss", {"label_smooth_val": 0.1, "mode": "multi_label"}),
}
SIGMOID = {"sigmoid", "focal", "asymmetric", "ghm", "smooth, sigmoid", "smooth, several"}

ALIKE: dict[str, tuple[Tensor, Tensor]] = {
    "int32": (INDICES.int(), INDICES),
    "uint8": (INDICES.to(torch.uint8), INDICES),
    "one column": (INDICES[:, None], INDICES),
    "rows of floats": (ROWS.float(), INDICES),
    "soft rows": (SOFT, SOFT),
    "rows of true and false": (ROWS.bool(), INDICES),
    "rows of whole numbers": (ROWS, INDICES),
}
"""Forms of a label, and one that means the same."""

NO_LABELS: dict[str, Tensor] = {
    "below 0": torch.tensor([2, 0, -1, 2]),
    "the number of classes": torch.tensor([2, 0, CLASSES, 2]),
    "255": torch.tensor([2, 0, 255, 2]),
    "floats": INDICES.float(),
    "true and false": INDICES > 0,
    "complex": INDICES.to(torch.complex64),
    "rows above 1": 2 * SOFT,
    "rows below 0": SOFT - 0.5,
    "rows that are no numbers": SOFT / torch.zeros(()),
    "too few columns": SOFT[:, :2],
    "three axes": ROWS[..., None],
    "too few samples": INDICES[:3],
}


def classifier(kind: str, params: dict[str, Any], shape: tuple[int | str, ...] | None, classes: int = CLASSES) -> Graph:
    """Statistics that a step would change, a linear layer that has no ``num_classes``, and the loss."""
    build = GraphBuilder("labels")
    feature = build.input("feature", "Embedding", ["B", 5])
    label = build.data_sample("label", "AnyTensor" if shape is None else "Score" if len(shape) > 1 else "Label", shape)
    normalized = build.node("norm", "BatchNorm1d", num_features=5)(input=feature)
    logits = build.node("fc", "Linear", out_features=classes)(input=normalized.out)
    loss = build.node("loss", kind, **params)(pred=logits.out, target=label)
    build.output("tensor", logits=logits.out)
    build.output("loss", loss=loss.out)
    return build.graph()


@pytest.fixture(scope="module")
def models() -> dict[str, composer.Model]:
    torch.manual_seed(0)
    return {name: composer.compile(classifier(*loss, shape=None)) for name, loss in LOSSES.items()}


def call(model: composer.Model, label: Any) -> Tensor:
    feature = torch.randn(SAMPLES, 5, generator=torch.Generator().manual_seed(1))
    loss: Tensor = model(feature, {"label": label}, mode="loss")["loss"]
    return loss


def refusal(model: composer.Model, label: Any) -> composer.Problem:
    before = {name: value.clone() for name, value in model.state_dict().items()}
    with pytest.raises(GraphError) as caught:
        call(model, label)
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    (problem,) = caught.value.problems
    return problem


@pytest.mark.parametrize("form", ALIKE)
@pytest.mark.parametrize("name", LOSSES)
def test_equivalent_label_formats_give_the_same_loss(models: dict[str, composer.Model], name: str, form: str) -> None:
    given, same = ALIKE[form]
    if name == "softmax" and form in ("rows of whole numbers", "rows of true and false"):
        assert "set use_soft" in refusal(models[name], given).message
        return
    torch.testing.assert_close(call(models[name], given), call(models[name], same))


@pytest.mark.parametrize("form", NO_LABELS)
@pytest.mark.parametrize("name", LOSSES)
def test_invalid_labels_are_refused_before_any_state_changes(
    models: dict[str, composer.Model], name: str, form: str
) -> None:
    problem = refusal(models[name], NO_LABELS[form])
    assert (problem.code, problem.where.mode) in {("bad-value", "loss"), ("bad-input", "loss")}
    assert problem.where.port == "target" or problem.where.subject == "label"
    assert "expected" in problem.message


@pytest.mark.parametrize("name", LOSSES)
def test_label_minus_100_is_ignored_by_softmax_losses_of_class_indices_only(
    models: dict[str, composer.Model], name: str
) -> None:
    label = torch.tensor([2, 0, -100, 2])
    if name == "softmax":
        assert call(models[name], label).isfinite()
    else:
        assert "found label -100, expected 0 to 2" in refusal(models[name], label).message


@pytest.mark.parametrize("name", LOSSES)
def test_one_logit_with_indices_is_refused_and_a_row_makes_label_1_the_positive_class(name: str) -> None:
    graph = classifier(*LOSSES[name], shape=("B",), classes=1)
    (problem,) = composer.infer_shapes(graph).problems
    assert (problem.code, problem.where.subject) == ("bad-value", f"loss.{'target' if name in SIGMOID else 'pred'}")
    with pytest.raises(GraphError, match="bad-value"):
        composer.compile(graph)
    if name not in SIGMOID:
        assert problem.fix is None
        return
    assert problem.fix is not None
    model = composer.compile(composer.edit(graph, problem.fix)).eval()
    with torch.no_grad():
        model.fc.weight.zero_()
        model.fc.bias.fill_(3.0)
    positive, negative = (call(model, torch.full((SAMPLES,), label)) for label in (1, 0))
    assert positive < negative
    torch.testing.assert_close(call(model, torch.ones(SAMPLES)), positive)
    for label in (2, -1):
        assert f"found label {label}, expected 0 to 1" in refusal(model, torch.full((SAMPLES,), label)).message
    rows = composer.compile(classifier(*LOSSES[name], shape=("B", 1), classes=1)).eval()
    rows.load_state_dict(model.state_dict())
    torch.testing.assert_close(call(rows, torch.ones(SAMPLES, 1)), positive)


@pytest.mark.parametrize("wires", [{"loss": "label"}, "label"])
def test_the_fix_for_one_logit_keeps_modes_and_names(wires: Any) -> None:
    document = {
        "schema": 1,
        "name": "binary",
        "inputs": {"x": {"type": "Embedding", "shape": ["B", 4]}},
        "data_samples": {"label": {"type": "Label", "shape": ["B"]}},
        "nodes": {
            "head": {"type": "LinearClsHead", "params": {"num_classes": 1}, "inputs": {"feature": "x"}},
            "binary_target": {"type": "Identity", "inputs": {"input": "head.out"}},
            "loss": {"type": "FocalLoss", "inputs": {"pred": "binary_target.out", "target": wires}},
        },
        "outputs": {"loss": {"loss": "loss.out"}},
    }
    graph = from_document(document)
    (problem,) = composer.infer_shapes(graph).problems
    assert problem.fix is not None
    mended = composer.edit(graph, problem.fix)
    assert mended.nodes["binary_target_2"].type == "BinaryTarget"
    assert list(composer.infer_shapes(mended).problems) == []


@pytest.mark.parametrize(
    ("mode", "logits", "scores", "labels"),
    [
        (None, [[2.0], [-2.0], [0.0]], [[0.8808], [0.1192], [0.5]], [1, 0, 0]),
        ("sigmoid", [[2.0], [-2.0], [0.0]], [[0.8808], [0.1192], [0.5]], [1, 0, 0]),
        (None, [[0.0, 2.0]], [[0.1192, 0.8808]], [1]),
        ("softmax", [[0.0, 2.0]], [[0.1192, 0.8808]], [1]),
        ("sigmoid", [[0.0, 2.0]], [[0.5, 0.8808]], [1]),
    ],
)
def test_one_logit_is_predicted_by_a_sigmoid(mode: Any, logits: Any, scores: Any, labels: Any) -> None:
    found = ClassPrediction(mode)(torch.tensor(logits))
    torch.testing.assert_close(found.scores, torch.tensor(scores), atol=1e-4, rtol=0)
    assert found.labels.tolist() == labels


@pytest.mark.parametrize(
    ("kind", "params"), [("ClassPrediction", {"mode": "softmax"}), ("Accuracy", {})], ids=["prediction", "accuracy"]
)
def test_one_score_that_is_always_the_highest_is_refused(kind: str, params: dict[str, Any]) -> None:
    problems = {}
    for classes in (1, 2):
        build = GraphBuilder("scores")
        logits = build.input("logits", "Logits", ["B", classes])
        wires = {"logits": logits} if kind == "ClassPrediction" else {"pred": logits}
        if kind == "Accuracy":
            wires["target"] = build.data_sample("label", "Label", ["B"])
        node = build.node("node", kind, **params)(**wires)
        build.output("loss", found=node.out if kind == "Accuracy" else node.scores)
        problems[classes] = [problem.code for problem in composer.infer_shapes(build.graph()).problems]
    assert len([code for code in problems[1] if code in ("forward-failed", "bad-value")]) == 1
    assert not [code for code in problems[2] if code in ("forward-failed", "bad-value")]


@pytest.mark.parametrize(
    ("kind", "port"), [("OneHot", "label"), ("ArcFaceClsHead", "target"), ("ClassWeights", "label")]
)
def test_other_parts_refuse_labels_that_are_no_classes(kind: str, port: str) -> None:
    build = GraphBuilder("labels")
    label = build.data_sample("label", "Label", ["B"])
    feature = build.input("feature", "Embedding", ["B", 5])
    wires = {"feature": feature} if kind == "ArcFaceClsHead" else {}
    node = build.node("part", kind, num_classes=CLASSES)(**wires, **{port: label})
    build.output("tensor", out=node.out, feature=feature)
    model = composer.compile(build.graph())
    for given in (INDICES, INDICES.int()):
        assert model(torch.randn(SAMPLES, 5), {"label": given})["out"].isfinite().all()
    for given in (torch.tensor([0, 1, 2, CLASSES]), torch.tensor([0, 1, 2, -1]), INDICES.float()):
        with pytest.raises(GraphError, match="bad-value part") as caught:
            model(torch.randn(SAMPLES, 5), {"label": given})
        assert caught.value.problems[0].where.port == port


def test_the_prediction_of_one_logit_has_the_names_of_both_classes() -> None:
    build = GraphBuilder("binary", classes=["good", "scratched"])
    logits = build.input("logits", "Logits", ["B", 1])
    prediction = build.node("prediction", "ClassPrediction")(logits=logits)
    build.output("predict", scores=prediction.scores, labels=prediction.labels)
    graph = build.graph()
    outputs = composer.compile(graph)(torch.tensor([[2.0], [-2.0]]), mode="predict")
    found = [[(one.name, round(one.score or 0, 3)) for one in answers] for answers in named(graph, outputs, top=2)]
    assert found == [[("scratched", 0.881), ("good", 0.119)], [("good", 0.881), ("scratched", 0.119)]]
