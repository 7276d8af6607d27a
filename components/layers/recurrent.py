"""Layers that read a sequence step by step."""

from typing import Annotated, NamedTuple

import torch
from annotated_types import Ge
from torch import Tensor, nn

from components.layers._bounds import Count, Probability
from composer.ports import Embedding, LayerCount, Tokens

__all__ = ["GRU", "LSTM"]


class Steps(NamedTuple):
    """What a recurrent layer answers: ``output`` at each step, ``state`` at the end of the sequence."""

    output: Annotated[Tokens, "B N output_size"]
    state: Annotated[Embedding, "B output_size"]


class LSTM(nn.LSTM):
    """Long short-term memory over the tokens of a sequence, as ``torch.nn.LSTM`` with the batch first.

    Args:
        input_size: Length of a token.
        hidden_size: Length of the state.
        num_layers: Layers on top of each other.
        bias: Whether there are biases.
        dropout: Chance of an element between two layers to be zero in training.
        bidirectional: Whether a second one reads backwards; the output then has twice the length.

    Raises:
        ValueError: ``dropout`` is given for a single layer.
    """

    def __init__(
        self,
        input_size: Count,
        hidden_size: Count,
        num_layers: Annotated[int, Ge(1), LayerCount()] = 1,
        bias: bool = True,
        dropout: Probability = 0.0,
        bidirectional: bool = False,
    ) -> None:
        _check_dropout(dropout, num_layers)
        super().__init__(input_size, hidden_size, num_layers, bias, True, dropout, bidirectional)
        self.output_size = hidden_size * (2 if bidirectional else 1)

    def forward(self, input: Annotated[Tokens, "B N input_size"]) -> Steps:  # type: ignore[override]
        output, (hidden, _) = super().forward(input)
        return Steps(output, _last_layer(hidden, self.bidirectional))


class GRU(nn.GRU):
    """Gated recurrent units (arXiv:1406.1078) over a sequence, as ``torch.nn.GRU`` with the batch first.

    Args:
        input_size: Length of a token.
        hidden_size: Length of the state.
        num_layers: Layers on top of each other.
        bias: Whether there are biases.
        dropout: Chance of an element between two layers to be zero in training.
        bidirectional: Whether a second one reads backwards; the output then has twice the length.

    Raises:
        ValueError: ``dropout`` is given for a single layer.
    """

    def __init__(
        self,
        input_size: Count,
        hidden_size: Count,
        num_layers: Annotated[int, Ge(1), LayerCount()] = 1,
        bias: bool = True,
        dropout: Probability = 0.0,
        bidirectional: bool = False,
    ) -> None:
        _check_dropout(dropout, num_layers)
        super().__init__(input_size, hidden_size, num_layers, bias, True, dropout, bidirectional)
        self.output_size = hidden_size * (2 if bidirectional else 1)

    def forward(self, input: Annotated[Tokens, "B N input_size"]) -> Steps:  # type: ignore[override]
        output, hidden = super().forward(input)
        return Steps(output, _last_layer(hidden, self.bidirectional))


def _last_layer(hidden: Tensor, bidirectional: bool) -> Tensor:
    return torch.cat((hidden[-2], hidden[-1]), dim=1) if bidirectional else hidden[-1]


def _check_dropout(dropout: float, num_layers: int) -> None:
    if dropout > 0 and num_layers == 1:
        raise ValueError(f"dropout={dropout} acts between layers, found num_layers=1: set it to 0 or add a layer")
