"""k-means in plain torch, for algorithms that learn from clusters of their own features."""

import torch
from torch import Tensor
from torch.nn import functional as F

from composer.ports import InputError

__all__ = ["centroids_of", "kmeans", "whitened"]

_ROWS = 1 << 26
"""So many distances are held at once."""


def whitened(features: Tensor, dim: int | None) -> Tensor:
    """Features on their first principal components, each of variance 1, and then of length 1.

    What DeepCluster clusters (arXiv:1807.05520, section 3.3).

    Args:
        features: [N, C].
        dim: How many components are kept, at most C; None keeps the features as they are, but for their length.

    Raises:
        ValueError: A feature is not finite.
    """
    features = features.float()
    if not features.isfinite().all():
        raise InputError("features", "found numbers that are not finite, nothing can be clustered by them")
    if dim is not None:
        centred = features - features.mean(dim=0)
        variances, directions = torch.linalg.eigh(centred.T @ centred / max(len(features) - 1, 1))
        dim = min(dim, features.shape[1])
        scale = variances[-dim:].clamp(min=1e-10).rsqrt()
        features = centred @ (directions[:, -dim:] * scale)
    return F.normalize(features, dim=1, eps=1e-10)


def kmeans(features: Tensor, clusters: int, *, iterations: int = 20, seed: int = 0) -> Tensor:
    """The cluster of each sample; none is empty.

    Lloyd's algorithm from samples drawn at random. A cluster that runs empty takes over the sample that lies furthest
    from its own centroid, of those whose cluster has others.

    Args:
        features: [N, C].
        clusters: How many, at most N.
        iterations: How often centroids move.
        seed: The same seed gives the same clusters.

    Returns:
        [N], from 0 to ``clusters - 1``.

    Raises:
        ValueError: There are more clusters than samples.
    """
    if clusters > len(features):
        raise ValueError(f"found {clusters} clusters for {len(features)} samples: there are not enough to go round")
    generator = torch.Generator().manual_seed(seed)
    first = torch.randperm(len(features), generator=generator)[:clusters]
    centroids = features[first.to(features.device)]
    for _ in range(iterations):
        labels, distances = _nearest(features, centroids)
        labels = _filled(labels, distances, clusters)
        centroids = centroids_of(features, labels, centroids)
    labels, distances = _nearest(features, centroids)
    return _filled(labels, distances, clusters)


def centroids_of(features: Tensor, labels: Tensor, before: Tensor) -> Tensor:
    """The mean of each cluster's features.

    Args:
        features: [N, C].
        labels: [N].
        before: What stands for clusters without samples, [K, C].
    """
    counts = torch.bincount(labels, minlength=len(before))
    sums = torch.zeros_like(before).index_add_(0, labels, features.to(before.dtype))
    return torch.where(counts.unsqueeze(1) > 0, sums / counts.clamp(min=1).unsqueeze(1), before)


def _nearest(features: Tensor, centroids: Tensor) -> tuple[Tensor, Tensor]:
    rows = max(_ROWS // len(centroids), 1)
    found = [torch.cdist(part, centroids).min(dim=1) for part in torch.split(features, rows)]
    return torch.cat([item.indices for item in found]), torch.cat([item.values for item in found])


def _filled(labels: Tensor, distances: Tensor, clusters: int) -> Tensor:
    """Labels in which every cluster has a sample."""
    counts = torch.bincount(labels, minlength=clusters).tolist()
    empty = [cluster for cluster, count in enumerate(counts) if not count]
    if not empty:
        return labels
    labels = labels.clone()
    furthest = iter(distances.argsort(descending=True).tolist())
    for cluster in empty:
        sample = next(one for one in furthest if counts[int(labels[one])] > 1)
        counts[int(labels[sample])] -= 1
        labels[sample] = cluster
        counts[cluster] = 1
    return labels
