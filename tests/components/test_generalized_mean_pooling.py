"""Generalized mean pooling."""

import pytest
import torch

from components.necks.pooling import GeneralizedMeanPooling

FEATURE = torch.rand(2, 3, 4, 5, generator=torch.Generator().manual_seed(0)) + 0.1


@pytest.mark.parametrize(("p", "expected"), [(1.0, FEATURE.mean(dim=(2, 3))), (300.0, FEATURE.amax(dim=(2, 3)))])
def test_the_exponent_leads_from_the_average_to_the_maximum(p: float, expected: torch.Tensor) -> None:
    pooled = GeneralizedMeanPooling(p)(FEATURE.double())
    torch.testing.assert_close(pooled.float(), expected, rtol=0.02, atol=0)


@pytest.mark.parametrize(("trained", "count"), [(True, 1), (False, 0)])
def test_the_exponent_is_learned_unless_it_is_kept(trained: bool, count: int) -> None:
    neck = GeneralizedMeanPooling(p_trainable=trained)
    assert sum(parameter.requires_grad for parameter in neck.parameters()) == count
    assert neck.state_dict()["p"].tolist() == [3.0]


def test_small_values_are_raised_only_with_clamp() -> None:
    below = torch.full((1, 1, 2, 2), -1.0)
    assert GeneralizedMeanPooling(3, eps=0.5)(below).item() == pytest.approx(0.5)
    assert GeneralizedMeanPooling(3, clamp=False)(below).isnan().all()
