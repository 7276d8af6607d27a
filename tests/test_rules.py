"""Every rule: what it refuses, in full text, beside the same graph that it accepts, and what its fix does."""

import pytest
from tests.sample_components import CATALOG

from composer.document import edit
from composer.graph import Graph
from composer.graphfile import loads
from composer.rules import check

MODEL = """
schema: 1
inputs:
  image: {type: Image, shape: [B, 3, 8, 8]}
data_samples:
  label: {type: Label}
nodes:
  stem: {type: Stem, params: {out_channels: 4}, inputs: {image: image}}
  backbone: {type: Backbone, inputs: {image: image}}
  neck: {type: Neck, inputs: {feature: 'backbone.out[-1]'}}
  head: {type: Head, params: {num_classes: 5}, inputs: {feature: neck.out}}
  contrast: {type: Contrast, inputs: {query: neck.out, key: neck.out}}
  sum: {type: Add, inputs: {xs: [stem.out, image]}}
  act: {type: Act, inputs: {input: sum.out}}
  loss: {type: Criterion, inputs: {pred: contrast.logits, target: label}}
outputs:
  tensor: {features: act.out, logits: head.out}
  loss: {loss: loss.out}
"""
