"""k-means and what is clustered."""

import pytest
import torch

from components.shared.clustering import centroids_of, kmeans, whitened


def test_separated_clusters_are_recovered() -> None:
    torch.manual_seed(0)
    centres = 10 * torch.eye(4)
    truth = torch.arange(40) % 4
    labels = kmeans(centres[truth] + torch.randn(40, 4) / 10, 4, seed=1)
    pairs = {(one, other) for one, other in zip(truth.tolist(), labels.tolist(), strict=True)}
    assert len(pairs) == 4 and len(set(labels.tolist())) == 4


def test_the_same_seed_gives_the_same_clusters() -> None:
    features = torch.randn(50, 3)
    assert torch.equal(kmeans(features, 6, seed=3), kmeans(features, 6, seed=3))


@pytest.mark.parametrize("features", [torch.zeros(8, 2), torch.randn(5, 2), torch.tensor([[0.0], [0], [0], [0], [9]])])
def test_no_cluster_is_empty(features: torch.Tensor) -> None:
    assert torch.bincount(kmeans(features, 5), minlength=5).min() == 1 or len(features) > 5
    assert torch.bincount(kmeans(features, 5), minlength=5).min() >= 1


def test_more_clusters_than_samples_are_refused() -> None:
    with pytest.raises(ValueError, match="found 4 clusters for 3 samples"):
        kmeans(torch.randn(3, 2), 4)


def test_a_cluster_without_samples_keeps_its_centroid() -> None:
    before = torch.tensor([[5.0, 5], [7, 7]])
    found = centroids_of(torch.tensor([[1.0, 0], [3, 0]]), torch.tensor([0, 0]), before)
    assert found.tolist() == [[2, 0], [7, 7]]


def test_whitened_features_are_uncorrelated_and_have_unit_length() -> None:
    torch.manual_seed(0)
    features = torch.randn(400, 3) @ torch.tensor([[9.0, 1, 0], [0, 2, 1], [0, 0, 0.1]]) + 4
    found = whitened(features, 2)
    assert found.shape == (400, 2)
    assert torch.allclose(found.norm(dim=1), torch.ones(400), atol=1e-5)
    assert torch.allclose(found.T @ found / 400, torch.eye(2) / 2, atol=0.06)
    assert torch.allclose(whitened(features, None), torch.nn.functional.normalize(features))
    assert whitened(features, 99).shape == (400, 3)


def test_features_that_are_not_finite_are_refused() -> None:
    with pytest.raises(ValueError, match="not finite"):
        whitened(torch.tensor([[1.0, float("nan")]]), None)
