"""The classifier of several linear layers."""

import torch

from components.heads.classification_heads import StackedLinearClsHead

GENERATOR = torch.Generator().manual_seed(0)


def test_the_stacked_head_has_openmmlabs_names() -> None:
    head = StackedLinearClsHead(4, 6, (5,), dropout_rate=0.5, norm_cfg={"type": "BN1d"})
    assert {"layers.0.fc.weight", "layers.0.norm.running_mean", "layers.1.fc.bias"} <= set(head.state_dict())
    assert "layers.1.norm.weight" not in head.state_dict()


def test_the_stacked_head_is_linear_layers_with_activations_between() -> None:
    head, feature = StackedLinearClsHead(4, 6, (5, 7)).eval(), torch.randn(3, 6, generator=GENERATOR)
    first, second, last = (layer.fc for layer in head.layers)
    torch.testing.assert_close(head(feature), last(second(first(feature).relu()).relu()))


def test_dropout_acts_on_hidden_layers_only() -> None:
    head = StackedLinearClsHead(50, 6, (5,), dropout_rate=1.0)
    logits = head(torch.randn(2, 6, generator=GENERATOR))
    torch.testing.assert_close(logits, head.layers[1].fc.bias.expand(2, -1))
