"""A policy of a node applies to its weights, and an invalid policy is refused with a fix."""

import pytest
import torch

import composer
from composer import GraphError
from composer.training.layerwise import Lamb
from composer.training.optimizers import optimizer_problems
from composer.training.policy import NodePolicy, policy_problems
from composer.training.recipe import Optimizer
from tests import tiny_graphs
from tests.training.loops import differing, recipe_of, trainer_of


def groups_of(name, **changes):
    model = composer.compile(tiny_graphs.small(name))
    policy = NodePolicy(recipe_of(**changes), model, epoch=4, total=8)
    names = {id(item): key for key, item in model.named_parameters()}
    return {names[id(item)]: group for group in policy.groups(model) for item in group["params"]}


def test_every_trained_weight_is_in_one_group_named_by_its_node():
    model = composer.compile(tiny_graphs.small("moco_v2"))
    policy = NodePolicy(recipe_of(), model, epoch=4, total=8)
    groups = policy.groups(model)
    held = [id(item) for group in groups for item in group["params"]]
    assert sorted(held) == sorted(id(item) for item in model.parameters() if item.requires_grad)
    assert {group["name"].partition(" ")[0] for group in groups} == {"backbone", "neck"}


def test_learning_rate_and_decay_factors_multiply():
    found = groups_of(
        "resnet18",
        optimizer={"type": "SGD", "lr": 1.0, "weight_decay": 1.0, "bias_lr_mult": 2.0, "bias_decay_mult": 0.5},
        policy={"backbone": {"lr": 0.1, "decay": 0.2}, "backbone.layer1": {"lr": 0.5}, "head": {"lr": 3.0}},
    )
    kinds = {name: (group["lr"], group["weight_decay"]) for name, group in found.items()}
    assert kinds["backbone.conv1.weight"] == pytest.approx((0.1, 0.2))
    assert kinds["backbone.layer1.0.conv1.weight"] == pytest.approx((0.5, 0.2))
    assert kinds["backbone.layer1.0.bn1.weight"] == pytest.approx((0.5, 0.0))
    assert kinds["head.fc.bias"] == pytest.approx((6.0, 0.5))


def test_layers_decay_by_their_distance_from_the_end():
    found = groups_of("vit_base_p16", optimizer={"lr": 1.0}, policy={"backbone": {"layer_decay": 0.5}})
    rates = {name: group["lr"] for name, group in found.items()}
    assert rates["backbone.ln1.weight"] == 1
    assert rates["backbone.layers.1.ln1.weight"] == 0.5
    assert rates["backbone.layers.0.ln1.weight"] == 0.25
    assert rates["backbone.pos_embed"] == rates["backbone.patch_embed.projection.weight"] == 0.125


@pytest.mark.parametrize(
    ("graph", "policy", "code", "says"),
    [
        ("resnet18", {"backbon": {"lr": 0.1}}, "policy-path", "did you mean 'backbone'"),
        ("resnet18", {"backbone.layer9": {"lr": 0.1}}, "policy-path", "did you mean"),
        ("resnet18", {"neck": {"lr": 0.1}}, "policy-path", "has no weights"),
        ("resnet18", {"head": {"layer_decay": 0.5}}, "policy-path", "no blocks"),
        ("resnet18", {"head": {"lr": 0.5, "freeze": True}}, "policy-frozen", "frozen for good"),
        ("moco_v2", {"backbone_k": {"lr": 0.1}}, "policy-path", "momentum copy of 'backbone'"),
    ],
)
def test_a_policy_without_effect_is_refused(graph, policy, code, says):
    model = composer.compile(tiny_graphs.small(graph))
    (problem,) = policy_problems(recipe_of(policy=policy), model)
    assert problem.code == code
    assert says in problem.message


def test_shared_and_frozen_nodes_say_whose_weights_they_are():
    model = composer.compile(tiny_graphs.momentum_pair())
    (shared,) = policy_problems(recipe_of(policy={"again": {"lr": 0.1}}), model)
    (frozen,) = policy_problems(recipe_of(policy={"neck": {"lr": 0.1}}), model)
    assert "those of 'neck'" in shared.message
    assert frozen.code == "policy-frozen"
    assert policy_problems(recipe_of(policy={"encoder.conv": {"lr": 0.1}}), model) == []


def test_everything_frozen_is_refused():
    with pytest.raises(GraphError, match="nothing is trained"):
        trainer_of(tiny_graphs.classifier(), recipe_of(policy={"conv": {"freeze": True}, "head": {"freeze": True}}))


def test_frozen_weights_and_statistics_are_unchanged_until_their_step():
    graph = tiny_graphs.small("resnet18")
    policy = {"backbone": {"freeze": {"until": "4 steps"}}, "backbone.layer4": {"freeze": False}}
    trainer = trainer_of(graph, recipe_of(policy=policy))
    held = {name: item.clone() for name, item in trainer.model.state_dict().items()}
    count = len(trainer.optimizer.param_groups)
    for step in range(4):
        trainer.train_step(trainer.feed.at(step))
    moved = differing(held, trainer.model.state_dict())
    assert {name for name in moved if name.startswith("backbone.")} == {
        name for name in held if name.startswith("backbone.layer4.")
    }
    trainer.train_step(trainer.feed.at(4))
    assert "backbone.conv1.weight" in differing(held, trainer.model.state_dict())
    assert "backbone.bn1.running_mean" in differing(held, trainer.model.state_dict())
    assert len(trainer.optimizer.param_groups) == count


def test_a_fixed_learning_rate_ignores_the_schedule():
    trainer = trainer_of(tiny_graphs.small("simsiam"), recipe_of(schedule={"type": "linear"}))
    for step in range(4):
        trainer.train_step(trainer.feed.at(step))
    rates = {group["name"]: group["lr"] for group in trainer.optimizer.param_groups}
    assert {rate for name, rate in rates.items() if name.startswith("head")} == {1e-3}
    assert {rate for name, rate in rates.items() if name.startswith("backbone")} == {1e-3 * 5 / 8}


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"type": "AdmW"}, "did you mean 'AdamW'"),
        ({"type": "SGD", "momentm": 0.9}, "did you mean 'momentum'"),
        ({"type": "SGD", "nesterov": True}, "momentum"),
        ({"type": "LARS", "trust": 0}, "more than 0"),
        ({"type": "AdamW", "betas": [0.9, 2]}, "beta"),
        ({"type": "Lamb", "betas": [0.9, 1.0]}, "to below 1"),
        ({"type": "Lamb", "max_grad_norm": 0}, "more than 0"),
    ],
)
def test_invalid_optimizer_settings_are_reported(given, says):
    (problem,) = optimizer_problems(Optimizer.model_validate(given))
    assert says in problem.message


def test_lars_is_the_formula_of_the_paper():
    trainer = trainer_of(
        tiny_graphs.classifier(),
        recipe_of(optimizer={"type": "LARS", "lr": 0.5, "weight_decay": 0.1}, schedule={"type": "constant"}),
    )
    model = trainer.model
    before = {name: item.detach().clone() for name, item in model.named_parameters()}
    batch = trainer.feed.at(0)
    model(batch.inputs, batch.samples, mode="loss")["loss"].backward()
    gradients = {name: item.grad.clone() for name, item in model.named_parameters()}
    model.zero_grad()
    trainer.train_step(batch)
    weight, gradient = before["conv.weight"], gradients["conv.weight"]
    local = 1e-3 * weight.norm() / (gradient.norm() + 0.1 * weight.norm() + 1e-8)
    torch.testing.assert_close(model.conv.weight, weight - 0.5 * local * (gradient + 0.1 * weight))
    torch.testing.assert_close(model.conv.bias, before["conv.bias"] - 0.5 * gradients["conv.bias"])


def test_lamb_is_the_formula_of_the_paper():
    trainer = trainer_of(
        tiny_graphs.classifier(),
        recipe_of(
            optimizer={"type": "Lamb", "lr": 0.05, "weight_decay": 0.1, "max_grad_norm": None},
            schedule={"type": "constant"},
        ),
    )
    model = trainer.model
    before = {name: item.detach().clone() for name, item in model.named_parameters()}
    batch = trainer.feed.at(0)
    model(batch.inputs, batch.samples, mode="loss")["loss"].backward()
    gradients = {name: item.grad.clone() for name, item in model.named_parameters()}
    model.zero_grad()
    trainer.train_step(batch)
    step = gradients["conv.weight"] / (gradients["conv.weight"].abs() + 1e-6) + 0.1 * before["conv.weight"]
    share = before["conv.weight"].norm() / step.norm()
    torch.testing.assert_close(model.conv.weight, before["conv.weight"] - 0.05 * share * step, rtol=1e-4, atol=1e-6)
    step = gradients["conv.bias"] / (gradients["conv.bias"].abs() + 1e-6)  # without decay it is Adam's
    torch.testing.assert_close(model.conv.bias, before["conv.bias"] - 0.05 * step, rtol=1e-4, atol=1e-6)


LAMB = {
    "plain": ({}, [4.273131, 1.672271, 0.115053]),
    "clipped": ({"trust_clip": True}, [3.793055, 1.672271, 0.115633]),
    "adapted": ({"always_adapt": True}, [4.273131, 1.597306, 0.115053]),
    "uncorrected": (
        {"bias_correction": False, "grad_averaging": False, "betas": (0.8, 0.9)},
        [4.288852, 1.945742, 0.361007],
    ),
    "small gradients": ({"max_grad_norm": 0.5, "eps": 1e-3}, [4.174836, 1.708277, 0.121443]),
}
"""Norms of three weights after five steps of mmpretrain 1.2's Lamb, which is timm's."""


@pytest.mark.parametrize("case", LAMB)
def test_lamb_makes_the_steps_of_mmpretrains(case):
    options, expected = LAMB[case]
    torch.manual_seed(0)
    weights = [torch.nn.Parameter(item) for item in (torch.randn(3, 4), torch.randn(4), torch.zeros(2))]
    groups = [{"params": [weights[0], weights[2]]}, {"params": [weights[1]], "weight_decay": 0.0}]
    optimizer = Lamb(groups, lr=0.1, weight_decay=0.02, **options)
    drawn = torch.Generator().manual_seed(1)
    for step in range(5):
        for weight in weights:
            weight.grad = torch.randn(weight.shape, generator=drawn) * (3 if step % 2 else 0.05)
        optimizer.step()
    assert [float(weight.detach().norm()) for weight in weights] == pytest.approx(expected, abs=2e-6)
