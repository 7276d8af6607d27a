"""The calls between steps and epochs (clusters, queues, prototypes), for each algorithm that needs them."""

import copy

import pytest
import torch
from torch import Tensor

import composer
from components.shared.clustering import kmeans, whitened
from composer import GraphError
from composer.graph.file import loads
from composer.model import Model
from composer.training import after_step, assign_clusters, before_epoch, before_step, uniform_over_clusters

SAMPLES, CLUSTERS = 12, 3
BACKBONE = """
  backbone: {type: ResNet_CIFAR, params: {depth: 18, base_channels: 4, stem_channels: 4}, inputs: {image: image}}
"""
DEEPCLUSTER = f"""
schema: 1
inputs: {{image: {{type: Image, shape: [B, 3, 16, 16]}}}}
data_samples: {{pseudo_label: {{type: Label, shape: [B]}}}}
nodes:{BACKBONE}
  neck: {{type: AvgPool2dNeck, inputs: {{feature: "backbone.out[-1]"}}}}
  class_weights: {{type: ClassWeights, params: {{num_classes: 3, reweight: true}}, inputs: {{label: pseudo_label}}}}
  head: {{type: ClsHead, params: {{in_channels: 32, num_classes: 3}}, inputs: {{feature: neck.out}}}}
  loss: {{type: CrossEntropyLoss, inputs: {{pred: head.out, target: pseudo_label, weight: class_weights.out}}}}
outputs:
  loss: {{loss: loss.out}}
  predict: {{features: neck.out}}
"""
ODC = f"""
schema: 1
inputs: {{image: {{type: Image, shape: [B, 3, 16, 16]}}}}
data_samples: {{sample_index: {{type: SampleIndex, shape: [B]}}}}
nodes:{BACKBONE}
  neck:
    type: ODCNeck
    params: {{hid_channels: 8, out_channels: 6, norm_cfg: {{type: BN1d}}}}
    inputs: {{feature: "backbone.out[-1]"}}
  memory_bank:
    type: ODCMemory
    params: {{length: 12, momentum: 0.5, num_classes: 3, min_cluster: 2}}
    inputs: {{feature: neck.out, index: sample_index}}
  class_weights:
    type: ClassWeights
    params: {{num_classes: 3, reweight: true, from_start: false}}
    inputs: {{label: memory_bank.label}}
  head: {{type: ClsHead, params: {{in_channels: 6, num_classes: 3}}, inputs: {{feature: neck.out}}}}
  loss: {{type: CrossEntropyLoss, inputs: {{pred: head.out, target: memory_bank.label, weight: class_weights.out}}}}
outputs:
  loss: {{loss: loss.out, change_ratio: memory_bank.change_ratio}}
  predict: {{features: neck.out}}
"""
SWAV = f"""
schema: 1
inputs:
  view_1: {{type: Image, shape: [B, 3, 16, 16]}}
  view_2: {{type: Image, shape: [B, 3, 16, 16]}}
nodes:
  crops: {{type: Concat, params: {{dim: 0}}, inputs: {{xs: [view_1, view_2]}}}}
{BACKBONE.replace(": image}", ": crops.out}")}
  neck:
    type: SwAVNeck
    params: {{in_channels: 32, hid_channels: 8, out_channels: 6, norm_cfg: {{type: BN1d}}}}
    inputs: {{features: ["backbone.out[-1]"]}}
  loss:
    type: SwAVLoss
    params: {{num_prototypes: 5, queue_length: 8, queue_starts: 1, frozen_steps: 2}}
    inputs: {{feature: neck.out}}
outputs:
  loss: {{loss: loss.out}}
"""


def images() -> Tensor:
    return torch.randn(SAMPLES, 3, 16, 16, generator=torch.Generator().manual_seed(0))


def clustered(model: Model) -> Tensor:
    """Clusters of the features of all images, given to the model."""
    with torch.no_grad():
        features = model.eval()(images(), mode="predict")["features"].flatten(1)
    model.train()
    return assign_clusters(model, features, kmeans(whitened(features, 4), CLUSTERS))


def test_deepcluster_resets_its_classifier_and_weighs_classes() -> None:
    torch.manual_seed(0)
    model = composer.compile(loads(DEEPCLUSTER))
    before = model.head.fc_cls.weight.detach().clone()
    labels = clustered(model)
    assert not torch.equal(model.head.fc_cls.weight, before)
    counts = torch.bincount(labels, minlength=CLUSTERS)
    expected = counts.float() ** -0.5
    assert torch.allclose(model.class_weights.loss_weight, expected / expected.sum())
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    losses = []
    for _ in range(6):
        loss = model(images(), {"pseudo_label": labels}, mode="loss")["loss"]
        losses.append(loss.item())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert losses[-1] < losses[0]


def test_odc_learns_from_clusters_that_change_step_by_step() -> None:
    torch.manual_seed(0)
    model = composer.compile(loads(ODC))
    with pytest.raises(GraphError, match=r"bad-value memory_bank\.index"):
        model(images(), {"sample_index": torch.arange(SAMPLES)}, mode="loss")
    labels = clustered(model)
    assert torch.equal(model.memory_bank.label_bank, labels)
    assert bool(model.class_weights.in_use)
    for step in range(11):
        index = torch.randperm(SAMPLES)[:6]
        before_step(model, step)
        found = model(images()[index], {"sample_index": index}, mode="loss")
        assert found["loss"].isfinite() and 0 <= found["change_ratio"] <= 1
        after_step(model, step)
        counts = torch.bincount(model.memory_bank.label_bank, minlength=CLUSTERS)
        weights = (counts + 1e-10) ** -0.5
        assert torch.allclose(model.class_weights.loss_weight, weights / weights.sum())
        assert counts.sum() == SAMPLES and counts.min() > 0


def test_swav_starts_its_queue_and_releases_its_prototypes() -> None:
    torch.manual_seed(0)
    model = composer.compile(loads(SWAV))
    directions, step = [], 0
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for epoch in range(2):
        before_epoch(model, epoch)
        for _ in range(2):
            before_step(model, step)
            loss = model([images()[:4], images()[4:8]], mode="loss")["loss"]
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            after_step(model, step)
            directions.append(torch.nn.functional.normalize(model.loss.prototypes.weight.detach()))
            step += 1
        assert bool(model.loss.queue.any()) == (epoch == 1)
    assert torch.allclose(directions[0], directions[1], atol=1e-6)
    assert not torch.allclose(directions[1], directions[2], atol=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize("graph", [DEEPCLUSTER, ODC, SWAV], ids=["deepcluster", "odc", "swav"])
def test_clustering_calls_work_on_a_compiled_model(graph: str) -> None:
    torch.compiler.reset()
    plain = composer.compile(loads(graph))
    if graph is not SWAV:
        clustered(plain)
    compiled = torch.compile(copy.deepcopy(plain), fullgraph=True, backend="eager")
    inputs = [images()[:4], images()[4:8]] if graph is SWAV else images()[:4]
    samples = {"pseudo_label": torch.tensor([0, 1, 2, 0]), "sample_index": torch.arange(4)}
    for step in range(4):
        for model in (plain, compiled):
            before_epoch(model, step)
            before_step(model, step)
        found = []
        for model in (plain, compiled):
            torch.manual_seed(step)
            found.append(model(inputs, samples, mode="loss")["loss"])
            after_step(model, step)
        assert torch.allclose(found[0], found[1], atol=1e-5)
    for name, buffer in plain.named_buffers():
        assert torch.allclose(buffer.float(), compiled.get_buffer(f"_orig_mod.{name}").float(), atol=1e-4), name


def test_calls_between_steps_and_epochs_have_no_effect_on_other_models() -> None:
    model = composer.compile(loads(SWAV.replace("queue_length: 8, queue_starts: 1, frozen_steps: 2", "epsilon: 0.1")))
    before_epoch(model, 0)
    before_step(model, 0)
    after_step(model, 0)


@pytest.mark.parametrize(
    ("graph", "rows", "labels", "text"),
    [
        (SWAV, SAMPLES, torch.zeros(SAMPLES, dtype=torch.int64), "no part of the model takes clusters"),
        (ODC, SAMPLES, torch.zeros(SAMPLES - 1, dtype=torch.int64), "expected one label a sample"),
        (ODC, SAMPLES, torch.zeros(SAMPLES, dtype=torch.int64), "a cluster without samples"),
        (DEEPCLUSTER, SAMPLES, torch.arange(SAMPLES), "found labels from 0 to 11, expected 0 to 2"),
        (ODC, SAMPLES, torch.arange(SAMPLES), "found labels from 0 to 11, expected 0 to 2"),
        (ODC, SAMPLES + 1, torch.arange(SAMPLES + 1) % 3, "found features"),
    ],
)
def test_clusters_that_do_not_fit_are_refused_before_anything_changes(
    graph: str, rows: int, labels: Tensor, text: str
) -> None:
    model = composer.compile(loads(graph))
    before = {name: tensor.clone() for name, tensor in (*model.named_parameters(), *model.named_buffers())}
    with pytest.raises(GraphError, match=text):
        assign_clusters(model, torch.randn(rows, 6), labels)
    for name, tensor in (*model.named_parameters(), *model.named_buffers()):
        assert torch.equal(tensor, before[name]), name


def test_uniform_over_clusters_draws_every_cluster_equally_often() -> None:
    labels = torch.tensor([0] * 9 + [1] * 2 + [3])
    index = uniform_over_clusters(labels, seed=0)
    assert torch.bincount(labels[index]).tolist() == [4, 4, 0, 4]
    assert torch.equal(index, uniform_over_clusters(labels, seed=0))
    assert not torch.equal(index, uniform_over_clusters(labels, seed=1))
