"""Layers that read a sequence step by step."""

from typing import Annotated, Any, ClassVar, Literal, NamedTuple

import torch
from annotated_types import Interval
from torch import Tensor, nn

from components.shared.bounds import Count, Probability
from composer.ports import AnyTensor, Tokens, Usually

__all__ = ["GRU", "LSTM", "RNN"]

Layers = Annotated[int, Interval(ge=1, le=64)]

Sequences = Annotated[Tokens, Usually("MapToTokens"), "B N input_size"]


class _States(NamedTuple):
    out: Annotated[Tokens, "B N D"]
    hidden: Annotated[AnyTensor, "S B H"]


class _LongStates(NamedTuple):
    out: Annotated[Tokens, "B N D"]
    hidden: Annotated[AnyTensor, "S B P"]
    cell: Annotated[AnyTensor, "S B H"]


class _Recurrent(nn.Module):
    """The weights of a layer of torch, for its function: ``torch.compile`` takes no layers of this kind.

    Args:
        input_size: Length of a token.
        hidden_size: Length of the state.
        num_layers: At most 64 layers, each of which reads what the one before it gives.
        bias: Whether there are biases.
        dropout: Chance of an element between two layers to be zero in training.
        bidirectional: Whether a second one reads from the end; its outputs stand behind those of the first.
    """

    _layer: ClassVar[type[Any]]
    proj_size = 0

    def __init__(
        self,
        input_size: Count,
        hidden_size: Count,
        num_layers: Layers = 1,
        bias: bool = True,
        dropout: Probability = 0.0,
        bidirectional: bool = False,
    ) -> None:
        super().__init__()
        settings = {"num_layers": num_layers, "bias": bias, "dropout": dropout, "bidirectional": bidirectional}
        if self.proj_size:
            settings["proj_size"] = self.proj_size
        layer = self._layer(input_size, hidden_size, batch_first=True, **settings)
        self.names = tuple(name for name, _ in layer.named_parameters())
        for name, weight in layer.named_parameters():
            self.register_parameter(name, weight)
        self.bias = bias
        self.num_layers = num_layers
        self.dropout = dropout
        self.bidirectional = bidirectional
        self.hidden_size = hidden_size

    def settings(self) -> tuple[list[Tensor], bool, int, float, bool, bool, bool]:
        """What the functions of torch want behind the input and the states."""
        weights: list[Tensor] = [self.get_parameter(name) for name in self.names]
        return weights, self.bias, self.num_layers, self.dropout, self.training, self.bidirectional, True

    def zeros(self, input: Tensor, size: int) -> Tensor:
        """States before the first step, [layers and directions, B, size]."""
        return input.new_zeros(self.num_layers * (1 + self.bidirectional), input.shape[0], size)


class LSTM(_Recurrent):
    """A long short-term memory (Hochreiter and Schmidhuber 1997), as ``torch.nn.LSTM`` with the batch first.

    ``hidden`` and ``cell`` are the states behind the last step, one for each layer and direction. They start from zero.

    Keywords: lstm, recurrent, sequence, bilstm, rnn, memory, crnn, temporal.

    Args:
        proj_size: Length that the state is projected to; 0 for no projection.
    """

    _layer = nn.LSTM

    def __init__(self, input_size: Count, hidden_size: Count, proj_size: int = 0, **kwargs: Any) -> None:
        self.proj_size = proj_size
        super().__init__(input_size, hidden_size, **kwargs)

    def forward(
        self,
        input: Sequences,
        hidden: Annotated[AnyTensor, Usually("LSTM"), "S B P"] | None = None,
        cell: Annotated[AnyTensor, Usually("LSTM"), "S B H"] | None = None,
    ) -> _LongStates:
        """What each step gives, and the states behind the last one.

        Args:
            input: The sequences.
            hidden: States of the outputs before the first step.
            cell: States of the memory before the first step.
        """
        hidden = self.zeros(input, self.proj_size or self.hidden_size) if hidden is None else hidden
        cell = self.zeros(input, self.hidden_size) if cell is None else cell
        return _LongStates(*torch.lstm(input, [hidden, cell], *self.settings()))


class GRU(_Recurrent):
    """A gated recurrent unit (arXiv:1406.1078), as ``torch.nn.GRU`` with the batch first.

    ``hidden`` is the state behind the last step, one for each layer and direction. It starts from zero.

    Keywords: gru, recurrent, sequence, bigru, rnn, temporal.
    """

    _layer = nn.GRU

    def forward(self, input: Sequences, hidden: Annotated[AnyTensor, Usually("GRU"), "S B H"] | None = None) -> _States:
        """What each step gives, and the state behind the last one.

        Args:
            input: The sequences.
            hidden: The state before the first step.
        """
        hidden = self.zeros(input, self.hidden_size) if hidden is None else hidden
        return _States(*torch.gru(input, hidden, *self.settings()))


class RNN(_Recurrent):
    """A recurrent layer without gates (Elman 1990), as ``torch.nn.RNN`` with the batch first.

    ``hidden`` is the state behind the last step, one for each layer and direction. It starts from zero.

    Keywords: rnn, elman, recurrent, sequence, simplernn, temporal.

    Args:
        nonlinearity: What follows the sum of input and state.
    """

    _layer = nn.RNN

    def __init__(
        self,
        input_size: Count,
        hidden_size: Count,
        nonlinearity: Literal["tanh", "relu"] = "tanh",
        **kwargs: Any,
    ) -> None:
        super().__init__(input_size, hidden_size, **kwargs)
        self.function = torch.rnn_tanh if nonlinearity == "tanh" else torch.rnn_relu

    def forward(self, input: Sequences, hidden: Annotated[AnyTensor, Usually("RNN"), "S B H"] | None = None) -> _States:
        """What each step gives, and the state behind the last one.

        Args:
            input: The sequences.
            hidden: The state before the first step.
        """
        hidden = self.zeros(input, self.hidden_size) if hidden is None else hidden
        return _States(*self.function(input, hidden, *self.settings()))
