"""SwAV's loss: codes, queue and prototypes."""

import zlib

import pytest
import torch
from torch.nn import functional as F

from components.losses.swav_loss import SwAVLoss, sinkhorn


def seeded(key: str) -> torch.Generator:
    return torch.Generator().manual_seed(zlib.crc32(key.encode()))


# Loss, norm of the gradient of the embeddings and of the prototypes, step by step, from OpenMMLab's SwAVLoss with a
# queue of 8 that is used once it is full, which is from the fourth step on.
ORIGINAL = [
    (5.407861709594727, 3.641542911529541, 3.085397481918335),
    (5.180533409118652, 3.7316737174987793, 3.7117860317230225),
    (6.380969047546387, 3.4643003940582275, 4.3072309494018555),
    (4.303220748901367, 3.4784016609191895, 3.7389841079711914),
    (4.628524303436279, 3.908015251159668, 4.310390472412109),
    (6.832241535186768, 3.961103677749634, 4.524971961975098),
]


def test_the_loss_with_a_queue_equals_the_original() -> None:
    loss = SwAVLoss(feat_dim=6, num_crops=(2, 1), num_prototypes=5, queue_length=8, queue_starts=0)
    loss.before_epoch(0)
    with torch.no_grad():
        loss.prototypes.weight.copy_(torch.randn(5, 6, generator=seeded("prototypes")))
    for step, expected in enumerate(ORIGINAL):
        x = F.normalize(torch.randn(9, 6, generator=seeded(f"step{step}"))).requires_grad_()
        value = loss(x)
        value.backward()
        found = (value.item(), x.grad.norm().item(), loss.prototypes.weight.grad.norm().item())
        assert found == pytest.approx(expected, rel=1e-4)
        loss.prototypes.weight.grad = None
        with torch.no_grad():
            loss.prototypes.weight.mul_(1.5)
    assert loss.queue.sum().item() == pytest.approx(1.7786716222763062, rel=1e-4)


def test_codes_spread_samples_evenly_over_prototypes() -> None:
    scores = torch.randn(12, 4, generator=seeded("scores"))
    codes = sinkhorn(scores, 0.5, 50, torch.ones(12))
    assert torch.allclose(codes.sum(1), torch.ones(12), atol=1e-5)
    assert torch.allclose(codes.sum(0), torch.full((4,), 3.0), atol=1e-3)
    assert torch.allclose(sinkhorn(scores + 100, 0.5, 50, torch.ones(12)), codes, atol=1e-4)


def test_unused_queue_rows_do_not_change_the_codes() -> None:
    scores = torch.randn(6, 4, generator=seeded("scores"))
    counted = torch.tensor([1.0, 1, 0, 1, 0, 1])
    some = sinkhorn(scores, 0.05, 3, counted)
    alone = sinkhorn(scores[counted.bool()], 0.05, 3, torch.ones(4))
    assert torch.allclose(some[counted.bool()], alone, atol=1e-5)
    assert some.isfinite().all()


def test_prototypes_get_length_one_in_training_only() -> None:
    loss, x = SwAVLoss(feat_dim=4, num_prototypes=3), F.normalize(torch.randn(4, 4))
    before = loss.prototypes.weight.detach().clone()
    still = loss.eval()(x)
    assert torch.equal(loss.prototypes.weight, before)
    assert torch.allclose(loss.train()(x), still)
    assert torch.allclose(loss.prototypes.weight, F.normalize(before))


def test_several_sets_of_prototypes_have_the_mean_of_their_losses() -> None:
    both, x = SwAVLoss(feat_dim=4, num_prototypes=(3, 5)), F.normalize(torch.randn(4, 4))
    single = []
    for index, count in enumerate((3, 5)):
        one = SwAVLoss(feat_dim=4, num_prototypes=count)
        one.prototypes.weight.data.copy_(getattr(both.prototypes, f"prototypes{index}").weight)
        single.append(one(x))
    assert torch.allclose(both(x), torch.stack(single).mean())
    assert list(both.state_dict()) == ["prototypes.prototypes0.weight", "prototypes.prototypes1.weight"]


def test_the_queue_starts_in_its_epoch_and_fills_in_training_only() -> None:
    loss, x = SwAVLoss(4, num_prototypes=3, queue_length=4, queue_starts=1), F.normalize(torch.randn(4, 4))
    for epoch, training, filled in ((0, True, False), (1, False, False), (1, True, True)):
        loss.before_epoch(epoch)
        loss.train(training)(x)
        assert bool(loss.queue.any()) == filled
    assert torch.equal(loss.queue[0, :2], x[:2]) and torch.equal(loss.queue[1, :2], x[2:])
    assert not loss.queue[:, 2:].any()


def test_prototypes_are_frozen_in_the_first_steps() -> None:
    loss = SwAVLoss(4, num_prototypes=3, frozen_steps=2)
    for step, learns in ((0, False), (1, False), (2, True)):
        loss.before_step(step)
        assert loss.prototypes.weight.requires_grad == learns


@pytest.mark.parametrize("params", [{"num_crops": (1,)}, {"crops_for_assign": (2,)}])
def test_unknown_crops_are_refused(params: dict[str, tuple[int, ...]]) -> None:
    with pytest.raises(ValueError, match="found crops_for_assign"):
        SwAVLoss(4, **params)
    SwAVLoss(4, num_crops=(2, 1), crops_for_assign=(2,))


def test_rows_that_the_number_of_crops_does_not_divide_are_refused() -> None:
    loss = SwAVLoss(4, num_crops=(2, 1), num_prototypes=3)
    before = loss.prototypes.weight.detach().clone()
    with pytest.raises(ValueError, match="feature: found 7 rows, expected a multiple of the 3 crops"):
        loss(torch.randn(7, 4))
    assert torch.equal(loss.prototypes.weight, before)
    loss(torch.randn(6, 4))
