"""Parts of contrastive and siamese algorithms: queue, similarities, heads, losses and necks."""

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from components.backbones.pretraining_vits import MoCoV3ViT
from components.heads.siamese_heads import ContrastiveHead, LatentCrossCorrelationHead, LatentPredictHead, MoCoV3Head
from components.losses.siamese_losses import CosineSimilarityLoss, CrossCorrelationLoss
from components.memories.banks import NegativeQueue
from components.necks.projections import LinearNeck, MoCoV2Neck, NonLinearNeck
from components.similarities.similarity import DenseCorrespondence, PairSimilarity

TINY_VIT = {"embed_dims": 8, "num_layers": 2, "num_heads": 2, "feedforward_channels": 12}
PREDICTOR = {"type": "NonLinearNeck", "in_channels": 4, "hid_channels": 6, "out_channels": 4, "with_avg_pool": False}


def numbers(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def test_a_queue_returns_its_keys_before_it_stores_the_batch() -> None:
    queue = NegativeQueue(4, length=6)
    before = queue.queue.clone()
    keys = numbers(2, 4)
    assert torch.equal(queue(keys), before)
    assert torch.equal(queue.queue[:, :2], keys.mT)
    assert torch.equal(queue.queue[:, 2:], before[:, 2:])
    assert queue.queue_ptr.tolist() == [2]


def test_a_queue_wraps_around_if_the_batch_does_not_divide_its_length() -> None:
    queue = NegativeQueue(4, length=5)
    first, second = numbers(3, 4), numbers(3, 4, seed=1)
    queue(first)
    queue(second)
    assert torch.equal(queue.queue.mT, torch.stack([second[2], first[1], first[2], second[0], second[1]]))
    assert queue.queue_ptr.tolist() == [1]


@pytest.mark.parametrize("batch", [2, 6])
def test_a_queue_in_evaluation_stays_as_it_is(batch: int) -> None:
    queue = NegativeQueue(4, length=6).eval()
    before = queue.queue.clone()
    queue(numbers(batch, 4))
    assert torch.equal(queue.queue, before)
    assert queue.queue_ptr.tolist() == [0]


def test_a_batch_larger_than_the_queue_leaves_its_last_keys() -> None:
    whole, single = NegativeQueue(4, length=6), NegativeQueue(4, length=6)
    for keys in (numbers(2, 4), numbers(15, 4, seed=1)):
        whole(keys)
        for key in keys:
            single(key[None])
    assert torch.equal(whole.queue, single.queue)
    assert torch.equal(whole.queue_ptr, single.queue_ptr)


def test_initial_keys_of_a_queue_have_unit_norm() -> None:
    assert torch.allclose(NegativeQueue(4, length=6).queue.norm(dim=0), torch.ones(6))


def test_pair_similarity_separates_positives_and_negatives_as_simclr_does() -> None:
    views = numbers(2, 3, 5)
    found = PairSimilarity()(views.flatten(0, 1))
    cosines = F.cosine_similarity(views.flatten(0, 1)[:, None], views.flatten(0, 1)[None], dim=2)
    for row in range(6):
        partner = (row + 3) % 6
        others = [column for column in range(6) if column not in (row, partner)]
        torch.testing.assert_close(found.pos[row], cosines[row, [partner]])
        torch.testing.assert_close(found.neg[row], cosines[row, others])


def test_an_odd_number_of_rows_is_refused_as_two_views() -> None:
    with pytest.raises(ValueError, match="found 3 rows"):
        PairSimilarity()(numbers(3, 4))


def test_each_position_is_matched_with_the_most_similar_one_of_the_other_view() -> None:
    features, order = numbers(1, 7, 2, 3), torch.tensor([3, 0, 5, 1, 2, 4])
    moved = features.flatten(2)[:, :, order].unflatten(2, (2, 3))
    query, key = numbers(1, 4, 6), numbers(1, 4, 6, seed=1)
    found = DenseCorrespondence()(features, 3 * moved, query, key)
    assert torch.equal(found.query, query[0].mT)
    assert torch.equal(found.key, key[0].mT[order.argsort()])


@pytest.mark.parametrize(("places", "accepted"), [(6, True), (4, False)])
def test_as_many_embeddings_as_positions_are_required(places: int, accepted: bool) -> None:
    arguments = numbers(1, 7, 2, 3), numbers(1, 7, 2, 3), numbers(1, 4, places), numbers(1, 4, places)
    if accepted:
        DenseCorrespondence()(*arguments)
        return
    with pytest.raises(ValueError, match="found 4 embeddings of places for features of 6 places"):
        DenseCorrespondence()(*arguments)


def test_the_right_key_is_class_0_and_similarities_are_over_the_temperature() -> None:
    pos, neg = numbers(3, 1), numbers(3, 4, seed=1)
    found = ContrastiveHead(temperature=0.5)(pos, neg)
    assert torch.equal(found.logits, torch.cat([pos, neg], 1) * 2)
    assert found.target.tolist() == [0, 0, 0]


def test_no_gradient_flows_to_the_target_of_the_predictor() -> None:
    head = LatentPredictHead(PREDICTOR)
    online, target = numbers(5, 4).requires_grad_(), numbers(5, 4, seed=1).requires_grad_()
    found = head(online, target)
    CosineSimilarityLoss()(found.pred, found.target).backward()
    assert online.grad is not None
    assert target.grad is None


def test_the_cross_correlation_of_a_batch_with_itself_has_ones_on_its_diagonal() -> None:
    feature = numbers(64, 3)
    matrix = LatentCrossCorrelationHead(3)(feature, feature)
    torch.testing.assert_close(matrix.diagonal(), torch.ones(3), atol=1e-3, rtol=0)
    torch.testing.assert_close(matrix, torch.corrcoef(feature.mT), atol=1e-3, rtol=0)


def test_a_cross_correlation_matrix_is_pulled_to_the_identity() -> None:
    matrix = torch.tensor([[1.0, 0.5], [0.0, 0.0]])
    assert CrossCorrelationLoss(lambd=0.1)(matrix).item() == pytest.approx(1 + 0.1 * 0.25)
    assert CrossCorrelationLoss()(torch.eye(3)).item() == 0


def test_the_own_key_is_the_class_of_a_query() -> None:
    head = MoCoV3Head({"type": "LinearNeck", "in_channels": 4, "out_channels": 4, "norm_cfg": None}, temperature=0.5)
    nn.init.eye_(head.predictor.fc.weight)
    nn.init.zeros_(head.predictor.fc.bias)
    feature = numbers(3, 4)
    found = head(feature, feature)
    torch.testing.assert_close(found.logits.diagonal(), torch.full((3,), 2.0))
    assert found.target.tolist() == [0, 1, 2]


@pytest.mark.parametrize(
    ("predictor", "message"),
    [
        ({**PREDICTOR, "type": "ResNet"}, "found type 'ResNet', expected one of NonLinearNeck, LinearNeck, MoCoV2Neck"),
        ({**PREDICTOR, "depth": 3}, "predictor has an unknown option 'depth'"),
        ({"type": "NonLinearNeck", "in_channels": 4}, "NonLinearNeck lacks options"),
    ],
)
def test_a_predictor_that_cannot_be_built_is_refused(predictor: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        LatentPredictHead(predictor)
    LatentPredictHead(PREDICTOR)


def test_cosine_similarity_is_averaged_over_unmasked_elements() -> None:
    pred, target = torch.tensor([[1.0, 0.0], [0.0, 2.0]]), torch.tensor([[3.0, 0.0], [1.0, 0.0]])
    assert CosineSimilarityLoss()(pred, target).item() == pytest.approx(-0.5)
    assert CosineSimilarityLoss(2.0, 2.0)(pred, target).item() == pytest.approx(1.0)
    assert CosineSimilarityLoss()(pred, target, torch.tensor([1.0, 0.0])).item() == pytest.approx(-1.0)


@pytest.mark.parametrize(
    ("neck", "accepted", "refused"),
    [
        (MoCoV2Neck(5, 6, 4), (2, 5, 3, 3), (2, 5)),
        (MoCoV2Neck(5, 6, 4, with_avg_pool=False), (2, 5), (2, 5, 3, 3)),
        (NonLinearNeck(5, 6, 4), (2, 5, 3, 3), (2, 5, 3)),
        (LinearNeck(5, 4), (2, 5), (2, 5, 3)),
        (LinearNeck(5, 4, gap_dim=2), (2, 5, 3, 3), (2, 5)),
    ],
)
def test_a_neck_refuses_features_of_other_axes(
    neck: nn.Module, accepted: tuple[int, ...], refused: tuple[int, ...]
) -> None:
    assert neck(numbers(*accepted)).shape == (2, 4)
    with pytest.raises(ValueError, match="found a feature of the sizes"):
        neck(numbers(*refused))


def test_an_mlp_neck_has_num_layers_layers() -> None:
    neck = NonLinearNeck(5, 6, 4, num_layers=3, with_last_bn_affine=False, with_last_bias=True)
    shapes = {name: tuple(value.shape) for name, value in neck.named_parameters()}
    assert shapes == {
        "fc0.weight": (6, 5),
        "bn0.weight": (6,),
        "bn0.bias": (6,),
        "fc1.weight": (6, 6),
        "bn1.weight": (6,),
        "bn1.bias": (6,),
        "fc2.weight": (4, 6),
        "fc2.bias": (4,),
    }


@pytest.mark.parametrize(
    ("options", "learns"),
    [
        ({}, {"cls_token", "patch_embed.projection.weight", "patch_embed.projection.bias"}),
        ({"stop_grad_conv1": True}, {"cls_token"}),
        ({"frozen_stages": 0}, set()),
    ],
)
def test_positions_of_moco_v3_are_fixed_and_its_patch_embedding_can_be(
    options: dict[str, object], learns: set[str]
) -> None:
    vit = MoCoV3ViT(TINY_VIT, img_size=16, patch_size=8, **options)
    embedding = {name for name, value in vit.named_parameters() if value.requires_grad and "layers" not in name}
    assert embedding - {"ln1.weight", "ln1.bias"} == learns
    assert torch.equal(vit.pos_embed[0, 0], torch.zeros(8))


def test_frozen_stages_of_moco_v3_evaluate_in_training() -> None:
    vit = MoCoV3ViT(TINY_VIT, img_size=16, patch_size=8, frozen_stages=1).train()
    assert [layer.training for layer in vit.layers] == [False, True]
    assert not vit.patch_embed.training
