"""Learning rates are what the formulas of the papers and of torch say."""

import math

import pytest
import torch
from torch.optim.lr_scheduler import CosineAnnealingLR, LRScheduler, MultiStepLR, OneCycleLR, PolynomialLR

from composer.training.recipe import Schedule
from composer.training.schedule import RateSchedule


def factors(total=20, epoch=5, **given):
    schedule = RateSchedule(Schedule.model_validate(given), epoch=epoch, total=total)
    return [schedule.factor(step) for step in range(total)]


def of_torch(make, total=20):
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    schedule: LRScheduler = make(optimizer)
    found = []
    for _ in range(total):
        found.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        schedule.step()
    return found


@pytest.mark.parametrize(
    ("given", "make"),
    [
        ({"type": "cosine", "end": 0.1}, lambda one: CosineAnnealingLR(one, 20, eta_min=0.1)),
        ({"type": "poly", "power": 0.9}, lambda one: PolynomialLR(one, 20, 0.9)),
        ({"type": "step", "at": ["2 epochs", "15 steps"]}, lambda one: MultiStepLR(one, [10, 15])),
        ({"type": "step", "every": "5 steps", "gamma": 0.5}, lambda one: MultiStepLR(one, [5, 10, 15], 0.5)),
        ({"type": "constant"}, lambda one: MultiStepLR(one, [])),
    ],
)
def test_a_schedule_is_that_of_torch(given, make):
    assert factors(**given) == pytest.approx(of_torch(make), abs=1e-9)


def test_one_cycle_is_that_of_torch_but_for_its_last_step():
    def make(optimizer):
        return OneCycleLR(optimizer, 1.0, total_steps=21, pct_start=7 / 21, div_factor=25, final_div_factor=1e4)

    found = factors(type="one_cycle", warmup="6 steps", warmup_start=1 / 25, end=1 / 25e4)
    theirs = of_torch(make)
    assert found[0] == pytest.approx(theirs[0])
    assert found[6] == pytest.approx(theirs[6]) == pytest.approx(1)
    assert found[3] == pytest.approx(theirs[3])


def test_the_warm_up_is_a_straight_line_to_where_the_fall_begins():
    found = factors(type="cosine", warmup="5 steps", warmup_start=0.2)
    assert found[:5] == pytest.approx([0.2, 0.36, 0.52, 0.68, 0.84])
    assert found[5] == 1
    assert found[-1] == pytest.approx((1 + math.cos(math.pi * 14 / 15)) / 2)


def test_hold_and_cooldown_come_before_and_after_the_decay():
    found = factors(type="linear", warmup="2 steps", hold="4 steps", cooldown="5 steps", end=0.5)
    assert found[2:7] == [1] * 5
    assert found[15:] == [0.5] * 5


def test_the_factor_of_a_step_depends_on_its_number_only():
    schedule = RateSchedule(Schedule(type="cosine"), epoch=5, total=20)
    assert [schedule.factor(step) for step in (13, 2, 13)] == [
        schedule.factor(13),
        schedule.factor(2),
        schedule.factor(13),
    ]
    assert schedule.factor(50) == schedule.factor(20) == 0
    with pytest.raises(ValueError, match="expected one from 0"):
        schedule.factor(-1)
