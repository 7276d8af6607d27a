"""Augmentation: what changes images in training, and what lies on them with them."""

from composer.training.augment.sample import Sample, random_of, seed_of
from composer.training.augment.step import Step
from composer.training.augment.steps import STEPS
from composer.training.augment.views import View, finished, read_views

__all__ = ["STEPS", "Sample", "Step", "View", "finished", "random_of", "read_views", "seed_of"]
