"""The pooling neck, the classification heads and what turns their outputs into answers."""

import math
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from components.heads.arcface_cls_head import ArcFaceClsHead
from components.heads.classification_heads import LinearClsHead
from components.memories.banks import PrototypeSimilarity
from components.necks.pooling import GlobalAveragePooling
from components.postprocessing.classification import ClassPrediction, MultiLabelPrediction, SimilarityRanking
from components.shared.initialization import initialize
from components.target_generators.labels import BatchSize, OneHot


def normal(*shape: int) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("dim", [1, 2, 3])
def test_pooling_is_the_mean_over_the_grid(dim: Any) -> None:
    feature = normal(2, 5, *(3, 4, 2)[:dim])
    pooled = GlobalAveragePooling(dim)(feature)
    torch.testing.assert_close(pooled, feature.mean(dim=tuple(range(2, 2 + dim))))
    with pytest.raises(ValueError, match=f"expected {2 + dim}"):
        GlobalAveragePooling(dim)(feature[..., None])


def test_the_linear_head_starts_with_small_weights() -> None:
    torch.manual_seed(0)
    head = LinearClsHead(100, 200)
    assert head.fc.weight.std().item() == pytest.approx(0.01, rel=0.05)
    assert not head.fc.bias.any()
    assert LinearClsHead(100, 200, init_cfg=None).fc.bias.any()
    assert set(head.state_dict()) == {"fc.weight", "fc.bias"}


def angles(head: ArcFaceClsHead, feature: Tensor) -> Tensor:
    """Between each embedding and each centre, by hand."""
    cosine = F.cosine_similarity(feature[:, None], head.norm_product.weight[None], dim=2)
    return cosine.acos()


def test_arcface_without_targets_gives_scaled_cosines() -> None:
    head, feature = ArcFaceClsHead(4, 6, scale=30.0), normal(5, 6)
    torch.testing.assert_close(head(feature), 30 * angles(head, feature).cos(), atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("margins", [0.5, (0.1, 0.2, 0.3, 0.4)])
def test_arcface_adds_the_margin_to_the_targets_angle_alone(margins: Any) -> None:
    head, feature, target = ArcFaceClsHead(4, 6, margins=margins), normal(4, 6), torch.arange(4)
    theta = angles(head, feature)
    margin = torch.tensor(margins).expand(4)
    by_hand = theta.clone()
    by_hand[target, target] += margin
    assert (by_hand < math.pi).all()
    torch.testing.assert_close(head(feature, target), 64 * by_hand.cos(), atol=1e-3, rtol=1e-4)


@pytest.mark.parametrize(
    ("easy", "degrees", "expected"),
    [
        (False, 60, math.cos(math.radians(60) + 0.5)),
        (False, 120, math.cos(math.radians(120) + 0.5)),
        (False, 175, math.cos(math.radians(175)) - 0.5 * math.sin(0.5)),
        (True, 60, math.cos(math.radians(60) + 0.5)),
        (True, 120, math.cos(math.radians(120))),
    ],
)
def test_the_margin_never_makes_a_worse_angle_score_better(easy: bool, degrees: float, expected: float) -> None:
    head = ArcFaceClsHead(1, 2, scale=1.0, easy_margin=easy)
    with torch.no_grad():
        head.norm_product.weight.copy_(torch.tensor([[2.0, 0.0]]))
    angle = math.radians(degrees)
    feature = 3 * torch.tensor([[math.cos(angle), math.sin(angle)]])
    assert head(feature, torch.tensor([0])).item() == pytest.approx(expected, abs=1e-5)


def test_of_a_classs_centres_the_nearest_counts() -> None:
    head, feature = ArcFaceClsHead(3, 6, num_subcenters=2, scale=1.0), normal(5, 6)
    assert head.norm_product.weight.shape == (6, 6)
    nearest = angles(head, feature).cos().view(5, 3, 2).amax(dim=2)
    torch.testing.assert_close(head(feature), nearest, atol=1e-5, rtol=1e-5)


def test_an_embedding_on_its_centre_has_a_finite_gradient() -> None:
    head = ArcFaceClsHead(2, 3)
    feature = head.norm_product.weight.detach().clone().requires_grad_()
    head(feature, torch.tensor([0, 1])).sum().backward()
    assert feature.grad is not None
    assert feature.grad.isfinite().all()


def test_arcface_computes_in_full_precision_under_autocast() -> None:
    head, feature, target = ArcFaceClsHead(4, 6), normal(4, 6), torch.arange(4)
    with torch.autocast("cpu", torch.bfloat16):
        logits = head(feature, target)
    torch.testing.assert_close(logits, head(feature, target))


def test_margins_can_be_changed_and_are_not_in_the_state_dict() -> None:
    head, twin = ArcFaceClsHead(2, 3, margins=0.1), ArcFaceClsHead(2, 3, margins=(0.2, 0.3))
    assert set(head.state_dict()) == {"norm_product.weight"}
    twin.load_state_dict(head.state_dict())
    head.set_margins((0.2, 0.3))
    torch.testing.assert_close(head(normal(2, 3), torch.arange(2)), twin(normal(2, 3), torch.arange(2)))
    with pytest.raises(ValueError, match="3 margins for 2 classes"):
        head.set_margins((0.1, 0.2, 0.3))
    with pytest.raises(ValueError, match="3 margins for 2 classes"):
        ArcFaceClsHead(2, 3, margins=(0.1, 0.2, 0.3))


def test_similarity_is_the_cosine_of_every_pair() -> None:
    held, feature = normal(5, 3), normal(4, 3) + 1
    memory = PrototypeSimilarity(5, 3)
    assert not memory(feature).any()
    memory.load_state_dict({"prototype_vecs": held})
    expected = F.cosine_similarity(feature[:, None], held[None], dim=2)
    torch.testing.assert_close(memory(feature), expected)
    torch.testing.assert_close(
        PrototypeSimilarity(5, 3, prototypes=tuple(map(tuple, held.tolist())))(feature), expected
    )


def test_prototypes_on_the_wire_replace_stored_prototypes() -> None:
    memory = PrototypeSimilarity(2, 2, prototypes=((1.0, 0.0), (0.0, 1.0)))
    feature = torch.tensor([[0.0, 2.0]])
    assert memory(feature, torch.tensor([[0.0, 1.0], [0.0, -1.0]])).tolist() == [[1.0, -1.0]]
    assert memory(feature).tolist() == [[0.0, 1.0]]


@pytest.mark.parametrize("rows", [((1.0, 0.0),), ((1.0, 0.0), (1.0,)), ((1.0,), (2.0,)), ()])
def test_prototypes_of_other_sizes_are_refused(rows: Any) -> None:
    PrototypeSimilarity(2, 2, prototypes=((1.0, 0.0), (0.0, 1.0)))
    with pytest.raises(ValueError, match="expected 2 of 2"):
        PrototypeSimilarity(2, 2, prototypes=rows)


@pytest.mark.parametrize(("topk", "labels"), [(-1, [[2, 0, 1]]), (1, [[2]]), (2, [[2, 0]]), (9, [[2, 0, 1]])])
def test_ranking_lists_the_most_similar_first(topk: int, labels: list[list[int]]) -> None:
    similarity = torch.tensor([[0.2, -0.5, 0.9]])
    ranking = SimilarityRanking(topk)(similarity)
    assert ranking.labels.tolist() == labels
    assert torch.equal(ranking.scores, similarity)


def test_a_ranking_of_zero_prototypes_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 1"):
        SimilarityRanking(0)


@pytest.mark.parametrize(("mode", "total"), [("softmax", 1.0), ("sigmoid", None)])
def test_the_prediction_is_the_class_with_the_highest_score(mode: Any, total: float | None) -> None:
    logits = torch.tensor([[0.0, 2.0, 1.0], [3.0, 2.0, 1.0]])
    scores, labels = ClassPrediction(mode)(logits)
    assert labels.tolist() == [1, 0]
    assert total is None or scores.sum(dim=1).tolist() == pytest.approx([total] * 2)
    torch.testing.assert_close(scores, logits.softmax(1) if mode == "softmax" else logits.sigmoid())


@pytest.mark.parametrize(
    ("options", "labels"),
    [
        ({}, [[0, 1, 1], [0, 0, 0]]),
        ({"thr": 0.9}, [[0, 0, 1], [0, 0, 0]]),
        ({"topk": 1}, [[0, 0, 1], [1, 0, 0]]),
        ({"topk": 9}, [[1, 1, 1], [1, 1, 1]]),
        ({"thr": 0.9, "topk": 2}, [[0, 0, 1], [0, 0, 0]]),
    ],
)
def test_several_classes_are_predicted_by_threshold_or_rank(options: Any, labels: list[list[int]]) -> None:
    logits = torch.tensor([[-1.0, 1.0, 3.0], [-1.0, -2.0, -3.0]])
    assert MultiLabelPrediction(**options)(logits).labels.tolist() == labels


def test_one_hot_rows_are_floats() -> None:
    rows = OneHot(3)(torch.tensor([2, 0]))
    assert rows.dtype == torch.float32
    assert rows.tolist() == [[0, 0, 1], [1, 0, 0]]


def test_batch_size_counts_samples() -> None:
    assert BatchSize()(normal(7, 2, 3)).item() == 7.0
    assert BatchSize()(torch.zeros(2, dtype=torch.long)).dtype == torch.float32


@pytest.mark.parametrize(
    ("init_cfg", "weight", "bias"),
    [
        ({"type": "Constant", "val": 2}, 2.0, 0.0),
        ({"type": "Constant", "val": 2, "bias": 3}, 2.0, 3.0),
        ({"type": "Constant", "val": 2, "bias_prob": 0.01}, 2.0, -math.log(99)),
        ({"type": "Constant", "val": 2, "layer": ["Linear"]}, 2.0, 0.0),
        (({"type": "Constant", "val": 2}, {"type": "Constant", "val": 4, "layer": "Linear"}), 4.0, 0.0),
        ({"type": "Constant", "val": 2, "override": {"name": "0"}}, 2.0, 0.0),
        ({"type": "Constant", "val": 2, "override": {"type": "Constant", "name": "0", "val": 5}}, 5.0, 0.0),
        ({"type": "Uniform", "a": 7, "b": 7}, 7.0, 0.0),
        ({"type": "Normal", "mean": 7, "std": 0}, 7.0, 0.0),
        ({"type": "TruncNormal", "mean": 1, "std": 1e-9}, 1.0, 0.0),
        ({"type": "Xavier", "gain": 0, "distribution": "uniform"}, 0.0, 0.0),
    ],
)
def test_init_cfg_fills_weights_and_biases(init_cfg: Any, weight: float, bias: float) -> None:
    module = nn.Sequential(nn.Linear(2, 3))
    initialize(module, init_cfg)
    assert module[0].weight.flatten().tolist() == pytest.approx([weight] * 6)
    assert module[0].bias.tolist() == pytest.approx([bias] * 3)


@pytest.mark.parametrize(
    ("init_cfg", "text"),
    [
        ({"type": "Kaimin"}, "'Kaimin', expected one of Constant"),
        ({"type": "Normal", "sd": 1}, "sd"),
        ({"type": "Xavier", "distribution": "cauchy"}, "cauchy"),
        ({"type": "Normal", "override": {"name": "head"}}, "names no child"),
    ],
)
def test_init_cfg_that_cannot_be_honoured_is_refused(init_cfg: Any, text: str) -> None:
    with pytest.raises(ValueError, match=text):
        initialize(nn.Linear(2, 3), init_cfg)


def test_init_cfg_leaves_other_layers_alone() -> None:
    module = nn.Linear(2, 3)
    before = module.weight.clone()
    for init_cfg in (None, {"type": "Constant", "val": 9, "layer": "Conv2d"}):
        initialize(module, init_cfg)
        assert torch.equal(module.weight, before)
