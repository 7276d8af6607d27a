"""Augmentation: what changes images in training, and what lies on them with them."""

from composer.training.augment.checks import check_augmentation
from composer.training.augment.defaults import defaults_for
from composer.training.augment.hidden import MASKS, MaskStep, read_masks
from composer.training.augment.mixup import Mixing, read_mixing
from composer.training.augment.sample import Sample, random_of, seed_of
from composer.training.augment.step import Step
from composer.training.augment.steps import STEPS
from composer.training.augment.views import SAME_AS, SameAs, View, fitted, read_views

__all__ = [
    "MASKS",
    "SAME_AS",
    "STEPS",
    "MaskStep",
    "Mixing",
    "SameAs",
    "Sample",
    "Step",
    "View",
    "check_augmentation",
    "defaults_for",
    "fitted",
    "random_of",
    "read_masks",
    "read_mixing",
    "read_views",
    "seed_of",
]
