"""Memory banks and cluster updates: a call returns the bank first and stores the batch afterwards, in training only."""

import zlib

import pytest
import torch
from torch.nn import functional as F

from components.memories.banks import SimpleMemory
from components.memories.class_weights import ClassWeights
from components.memories.odc_memory import ODCMemory


def seeded(key: str) -> torch.Generator:
    return torch.Generator().manual_seed(zlib.crc32(key.encode()))


def filled(**params: int) -> ODCMemory:
    memory = ODCMemory(**{"length": 12, "feat_dim": 4, "momentum": 0.5, "num_classes": 4, "min_cluster": 3, **params})
    memory.init_memory(torch.randn(12, 4, generator=seeded("bank")), torch.arange(12) % 4)
    return memory


def test_a_simple_memory_returns_its_bank_before_it_stores_the_batch() -> None:
    memory = SimpleMemory(length=6, feat_dim=4, momentum=0.25, neg_num=3)
    before, feature, index = memory.feature_bank.clone(), torch.randn(2, 4), torch.tensor([1, 4])
    unit = F.normalize(feature)
    positive, negative = memory(feature, index)
    assert torch.allclose(positive, (before[index] * unit).sum(1, keepdim=True))
    assert negative.shape == (2, 3)
    expected = F.normalize(0.25 * unit + 0.75 * before[index])
    assert torch.allclose(memory.feature_bank[index], expected)
    rest = [0, 2, 3, 5]
    assert torch.equal(memory.feature_bank[rest], before[rest])


def test_the_gradient_is_that_of_the_bank_before_it_changed() -> None:
    memory = SimpleMemory(length=3, feat_dim=4, momentum=1.0, neg_num=1)
    feature, index = torch.randn(2, 4, requires_grad=True), torch.tensor([0, 2])
    held = memory.feature_bank[index].clone()
    memory(feature, index).positive.sum().backward()
    again = feature.detach().requires_grad_()
    (held * F.normalize(again)).sum().backward()
    assert again.grad is not None and torch.allclose(feature.grad, again.grad)


def test_negatives_are_drawn_evenly_and_without_the_own_sample_by_ensure_neg() -> None:
    torch.manual_seed(0)
    index = torch.tensor([2, 0])
    free = SimpleMemory(length=4, feat_dim=2, momentum=0.5, neg_num=4000)._draw(index)
    kept = SimpleMemory(length=4, feat_dim=2, momentum=0.5, neg_num=4000, ensure_neg=True)._draw(index)
    assert torch.bincount(free[0]).tolist() == pytest.approx([1000] * 4, rel=0.15)
    assert torch.bincount(kept[0]).tolist() == pytest.approx([4000 / 3, 4000 / 3, 0, 4000 / 3], rel=0.15)
    assert not (kept == index.unsqueeze(1)).any()


def test_negatives_are_drawn_from_a_loaded_alias_table() -> None:
    torch.manual_seed(0)
    memory = SimpleMemory(length=2, feat_dim=2, momentum=0.5)
    memory.multinomial.load_state_dict({"prob": torch.tensor([0.5, 1.0]), "alias": torch.tensor([1, 0])})
    assert torch.bincount(memory.multinomial.draw(4000)).tolist() == pytest.approx([1000, 3000], rel=0.1)


# Change ratio and clusters after each step, from OpenMMLab's ODCMemory on the same seeded numbers.
ODC_STEPS = [
    (0.8, [2, 1, 3, 2, 0, 2, 2, 3, 0, 1, 2, 3]),
    (0.6, [2, 1, 2, 2, 0, 2, 2, 2, 1, 1, 2, 3]),
    (0.6, [0, 1, 2, 2, 0, 2, 2, 2, 0, 1, 0, 3]),
    (0.2, [0, 1, 2, 2, 0, 2, 2, 3, 0, 1, 0, 3]),
]


def test_an_odc_memory_moves_samples_as_the_original_does() -> None:
    memory = filled(centroids_update_interval=1, deal_with_small_clusters_interval=1000)
    for step, (ratio, labels) in enumerate(ODC_STEPS):
        index = torch.randperm(12, generator=seeded(f"i{step}"))[:5]
        held = memory.label_bank[index].clone()
        found = memory(torch.randn(5, 4, generator=seeded(f"f{step}")), index)
        assert torch.equal(found.label, held)
        assert found.change_ratio.item() == pytest.approx(ratio)
        assert memory.label_bank.tolist() == labels
        assert memory.after_step(step).tolist() == torch.bincount(torch.tensor(labels), minlength=4).tolist()
    assert memory.feature_bank.sum().item() == pytest.approx(6.13630485534668, rel=1e-5)
    assert memory.centroids.sum().item() == pytest.approx(0.5957733988761902, rel=1e-5)


def test_small_clusters_are_dissolved_and_the_largest_split() -> None:
    memory = ODCMemory(length=9, feat_dim=2, momentum=0.5, num_classes=3, min_cluster=2)
    corners = torch.tensor([[1.0, 0.05], [1.0, -0.05], [0.05, 1.0], [-0.05, 1.0]])
    features = torch.cat([corners.repeat(2, 1), torch.tensor([[1.0, 0.04]])])
    memory.init_memory(features, torch.tensor([0, 0, 0, 0, 0, 0, 0, 1, 2]))
    counts = memory.after_step(0)
    assert counts.sum() == 9 and counts.min() >= 2
    up = memory.label_bank[[2, 3, 6, 7]]
    assert (up == up[0]).all() and not (memory.label_bank[[0, 1, 4, 5, 8]] == up[0]).any()


def test_a_memory_of_clusters_keeps_its_banks_out_of_the_state_dict() -> None:
    assert list(filled().state_dict()) == ["centroids"]
    assert list(SimpleMemory(4, 2, 0.5).state_dict()) == ["feature_bank", "multinomial.prob", "multinomial.alias"]


@pytest.mark.parametrize("memory", [SimpleMemory(12, 4, 0.5, 2), filled()], ids=["SimpleMemory", "ODCMemory"])
def test_a_sample_index_out_of_range_is_refused_before_any_update(memory: SimpleMemory | ODCMemory) -> None:
    before = memory.feature_bank.clone()
    for bad in (12, -1):
        with pytest.raises(ValueError, match=rf"index: found sample {bad}, expected 0 to 11.*set length"):
            memory(torch.randn(2, 4), torch.tensor([0, bad]))
    with pytest.raises(ValueError, match=r"index: found numbers of torch\.float32, expected whole ones"):
        memory(torch.randn(2, 4), torch.tensor([0.0, 1.0]))
    assert torch.equal(memory.feature_bank, before)
    memory(torch.randn(2, 4), torch.tensor([0, 11]))
    assert not torch.equal(memory.feature_bank, before)


def test_an_empty_memory_is_refused_with_how_to_fill_it() -> None:
    memory = ODCMemory(length=4, feat_dim=2, momentum=0.5, num_classes=2, min_cluster=1)
    with pytest.raises(ValueError, match=r"the memory holds nothing yet: call composer\.training\.assign_clusters"):
        memory(torch.randn(1, 2), torch.tensor([0]))


@pytest.mark.parametrize(
    ("features", "labels", "match"),
    [
        ((12, 3), torch.arange(12) % 4, "found features"),
        ((11, 4), torch.arange(12) % 4, "found features"),
        ((12, 4), torch.arange(12) % 5, "label: found label 4, expected 0 to 3"),
        ((12, 4), torch.arange(12) % 3, "a cluster without samples"),
    ],
)
def test_a_memory_refuses_clusters_of_another_size(features: tuple[int, int], labels: torch.Tensor, match: str) -> None:
    memory = ODCMemory(length=12, feat_dim=4, momentum=0.5, num_classes=4, min_cluster=3)
    with pytest.raises(ValueError, match=match):
        memory.init_memory(torch.randn(features), labels)
    assert (memory.label_bank == -1).all()


def test_class_weights_follow_the_counts_that_are_set() -> None:
    label = torch.tensor([0, 1, 1])
    still = ClassWeights(2)
    still.set_class_counts(torch.tensor([1, 4]))
    assert still(label).tolist() == [0.5, 0.5, 0.5]
    moving = ClassWeights(2, reweight=True, reweight_pow=0.5, from_start=False)
    assert moving(label).tolist() == [1, 1, 1]
    moving.set_class_counts(torch.tensor([1, 4]))
    assert moving(label).tolist() == pytest.approx([2 / 3, 1 / 3, 1 / 3])
    assert moving.loss_weight.sum().item() == pytest.approx(1)


def test_a_label_that_is_no_class_has_no_weight() -> None:
    with pytest.raises(ValueError, match="label: found label 2, expected 0 to 1"):
        ClassWeights(2)(torch.tensor([2]))
