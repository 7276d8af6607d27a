"""The samples and clusters of online deep clustering."""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, NamedTuple

import torch
from annotated_types import Ge, Interval
from torch import Tensor, nn
from torch.nn import functional as F

from components.shared.augmentations import CLUSTERS
from components.shared.bounds import Count
from components.shared.clustering import centroids_of, kmeans
from components.shared.distributed import from_first, gathered
from components.shared.value_checks import check_range, values_are_known
from composer.ports import Augmentation, Embedding, Feeder, InputError, Label, SampleIndex, Scalar, Usually

__all__ = ["ODCMemory"]

_EPS = 1e-10
_EMPTY = -1


class Assignment(NamedTuple):
    """The cluster that each sample is in, and the share of samples that the new embeddings move to another one."""

    label: Annotated[Label, "B"]
    change_ratio: Annotated[Scalar, ""]


class ODCMemory(nn.Module):
    """Features and clusters of all samples, which change step by step (ODC, arXiv:2006.10645, section 3).

    It answers with the clusters that samples are in; then, in training, the features take in the new embeddings and
    the samples go to the nearest centroids. After each step (``composer.training.after_step``) centroids are computed
    anew and small clusters dissolved, when it is their turn. It holds nothing until ``init_memory`` was called, which
    ``composer.training.assign_clusters`` does. Features and clusters are not in the state dict, as in OpenMMLab: call
    it again after loading. All processes hold the same; OpenMMLab's has the features in its first one only.

    Keywords: odc, online deep clustering, memory bank, centroids memory, pseudo labels, clustering, momentum.

    Args:
        length: Samples of the data set.
        feat_dim: Length of an embedding.
        momentum: Share of the new embedding in the average, 0 to 1.
        num_classes: Clusters.
        min_cluster: Clusters with fewer samples are dissolved; the largest ones are split to replace them.
        debug: Kept for OpenMMLab's configs; nothing is printed.
        centroids_update_interval: Centroids are computed anew each so many steps; a setting of OpenMMLab's ODCHook.
        deal_with_small_clusters_interval: Small clusters are dissolved each so many steps; one of ODCHook, too.

    Raises:
        ValueError: In ``forward``: the memory holds nothing yet, or an index lies outside.
    """

    augmentation: ClassVar[Augmentation] = Augmentation(steps=[*CLUSTERS, {"grayscale": {"p": 0.2}}], shifted=False)

    feature_bank: Tensor
    label_bank: Tensor
    centroids: Tensor

    def __init__(
        self,
        length: Count,
        feat_dim: Count,
        momentum: Annotated[float, Interval(ge=0, le=1)],
        num_classes: Count,
        min_cluster: Annotated[int, Ge(0)],
        debug: bool = False,
        centroids_update_interval: Count = 10,
        deal_with_small_clusters_interval: Count = 1,
    ) -> None:
        super().__init__()
        self.length = length
        self.momentum = momentum
        self.num_classes = num_classes
        self.min_cluster = min_cluster
        self.centroids_update_interval = centroids_update_interval
        self.deal_with_small_clusters_interval = deal_with_small_clusters_interval
        self.holds = False  # once all samples have a cluster, none loses it
        self.register_buffer("feature_bank", torch.zeros(length, feat_dim), persistent=False)
        self.register_buffer("label_bank", torch.full((length,), _EMPTY, dtype=torch.int64), persistent=False)
        self.register_buffer("centroids", torch.zeros(num_classes, feat_dim))

    def check_inputs(self, given: Mapping[str, Any], feeders: Mapping[str, Feeder]) -> None:
        """Refuse an index outside the memory, and a memory that holds nothing.

        Args:
            given: What comes in, by port.
            feeders: Not looked at.

        Raises:
            ValueError: It is so.
        """
        if "index" in given and values_are_known(given["index"]):
            mend = f"the memory holds {self.length} samples, set length to the size of the data set"
            check_range("index", given["index"], self.length, "sample", mend)
            self.holds = self.holds or not bool((self.label_bank == _EMPTY).any())
            if not self.holds and (self.label_bank[given["index"]] == _EMPTY).any():
                raise InputError(
                    "index",
                    "the memory holds nothing yet: call composer.training.assign_clusters with the features of "
                    "all samples before training, and after loading weights",
                )

    def forward(
        self, feature: Annotated[Embedding, Usually("ODCNeck"), "B feat_dim"], index: Annotated[SampleIndex, "B"]
    ) -> Assignment:
        """The clusters held; then f_i <- m f + (1 - m) f_i and the nearest centroid's label."""
        self.check_inputs({"index": index}, {})
        held = self.label_bank[index]
        with torch.no_grad():
            index, feature = gathered(index), gathered(F.normalize(feature.detach(), eps=_EPS))
            mixed = self.momentum * feature + (1 - self.momentum) * self.feature_bank[index]
            mixed = F.normalize(mixed, eps=_EPS).to(self.feature_bank.dtype)
            label = (mixed @ self.centroids.mT).argmax(dim=1)
            change_ratio = (label != self.label_bank[index]).float().mean()
            if self.training:
                self.feature_bank[index] = mixed
                self.label_bank[index] = label
        return Assignment(held, change_ratio)

    @torch.no_grad()
    def init_memory(self, feature: Tensor, label: Tensor) -> None:
        """Take in the features and clusters of all samples.

        Args:
            feature: [length, feat_dim].
            label: [length], every cluster at least once.

        Raises:
            ValueError: The sizes are others, a label is no cluster, or a cluster is empty.
        """
        expected = tuple(self.feature_bank.shape)
        if tuple(feature.shape) != expected or tuple(label.shape) != expected[:1]:
            found = f"{list(feature.shape)} and labels {list(label.shape)}"
            raise ValueError(f"found features {found}, expected {list(expected)} and {[self.length]}")
        check_range("label", label, self.num_classes, "label", "set num_classes to the number of clusters")
        if torch.bincount(label, minlength=self.num_classes).min() == 0:
            raise InputError("label", f"found a cluster without samples, expected all {self.num_classes} to have some")
        self.label_bank.copy_(label)
        self.feature_bank.copy_(F.normalize(feature.to(self.feature_bank), eps=_EPS))
        self._compute_centroids()

    def new_clusters(self, features: Tensor, labels: Tensor) -> None:
        """The same, as ``composer.training.assign_clusters`` calls it.

        Args:
            features: [length, feat_dim].
            labels: [length].
        """
        self.init_memory(features, labels)

    @torch.no_grad()
    def after_step(self, step: int) -> Tensor:
        """Move the centroids and dissolve small clusters, when it is their turn.

        Args:
            step: The step that ended, counted from 0 over the whole training.

        Returns:
            How many samples each cluster has, [num_classes].
        """
        if (step + 1) % self.centroids_update_interval == 0:
            self._compute_centroids()
        if (step + 1) % self.deal_with_small_clusters_interval == 0:
            self._dissolve_small_clusters()
        return self._counts()

    def _counts(self) -> Tensor:
        return torch.bincount(self.label_bank.clamp(min=0), minlength=self.num_classes)

    def _compute_centroids(self) -> None:
        self.centroids.copy_(centroids_of(self.feature_bank, self.label_bank, self.centroids))
        from_first(self.centroids)

    def _dissolve_small_clusters(self) -> None:
        """Their samples go to the nearest of the other clusters; then the largest ones are split in two."""
        small = self._counts() < self.min_cluster
        kept = (~small).nonzero().flatten()
        if not small.any() or not len(kept):
            return
        homeless = small[self.label_bank].nonzero().flatten()
        nearest = (self.feature_bank[homeless] @ self.centroids[kept].mT).argmax(dim=1)
        self.label_bank[homeless] = kept[nearest]
        for empty in small.nonzero().flatten().tolist():
            self._split_largest(empty)
        from_first(self.label_bank)
        from_first(self.centroids)

    def _split_largest(self, empty: int) -> None:
        largest = int(self._counts().argmax())
        members = (self.label_bank == largest).nonzero().flatten()
        if len(members) < 2:
            return
        features = self.feature_bank[members]
        half = kmeans(features, 2).bool()
        self.label_bank[members[half]] = empty
        for cluster, part in ((largest, features[~half]), (empty, features[half])):
            self.centroids[cluster] = part.mean(dim=0)
