"""Activations.

None has torch's ``inplace``: in a graph the value that would be overwritten may go to other nodes too.
"""

from typing import Annotated, Literal

from annotated_types import Gt
from torch import Tensor, nn, relu, sigmoid, tanh
from torch.nn import functional as F

from components.shared.bounds import Axis, Count
from composer.ports import AnyTensor, Like, Usually

__all__ = [
    "ELU",
    "GELU",
    "Hardsigmoid",
    "Hardswish",
    "LeakyReLU",
    "LogSoftmax",
    "Mish",
    "PReLU",
    "ReLU",
    "ReLU6",
    "SiLU",
    "Sigmoid",
    "Softmax",
    "Softplus",
    "Tanh",
]

Normed = Annotated[AnyTensor, Usually("BatchNorm2d"), "..."]
Projected = Annotated[AnyTensor, Usually("Linear"), "..."]
Same = Annotated[Tensor, Like("input"), "..."]


class ReLU(nn.ReLU):
    """max(0, x).

    Keywords: activation, nonlinearity, rectified linear unit, rectifier, act, act_layer, threshold, ramp.
    """

    def __init__(self) -> None:
        super().__init__()

    def forward(self, input: Normed) -> Same:
        return relu(input)


class ReLU6(nn.ReLU6):
    """min(max(0, x), 6).

    Keywords: clipped relu, mobilenet activation, activation, clamp, nonlinearity.
    """

    def __init__(self) -> None:
        super().__init__()

    def forward(self, input: Normed) -> Same:
        return F.relu6(input)


class LeakyReLU(nn.LeakyReLU):
    """x where positive, a fixed fraction of x elsewhere.

    Keywords: leaky, lrelu, activation, nonlinearity, darknet activation, negative slope.

    Args:
        negative_slope: The fraction.
    """

    def __init__(self, negative_slope: float = 0.01) -> None:
        super().__init__(negative_slope)

    def forward(self, input: Normed) -> Same:
        return F.leaky_relu(input, self.negative_slope)


class PReLU(nn.PReLU):
    """x where positive, a learned fraction of x elsewhere (arXiv:1502.01852).

    Keywords: parametric relu, learnable relu, activation, nonlinearity.

    Args:
        num_parameters: One fraction for all, or as many as axis 1 has channels.
        init: What the fraction starts from.
    """

    def __init__(self, num_parameters: Count = 1, init: float = 0.25) -> None:
        super().__init__(num_parameters, init)

    def forward(self, input: Normed) -> Same:
        return F.prelu(input, self.weight)


class ELU(nn.ELU):
    """x where positive, alpha (exp(x) - 1) elsewhere (arXiv:1511.07289).

    Keywords: exponential linear unit, activation, nonlinearity.

    Args:
        alpha: What large negative values go to, negated.
    """

    def __init__(self, alpha: float = 1.0) -> None:
        super().__init__(alpha)

    def forward(self, input: Normed) -> Same:
        return F.elu(input, self.alpha)


class GELU(nn.GELU):
    """x times the normal distribution function of x (arXiv:1606.08415).

    Keywords: gaussian error linear unit, activation, nonlinearity, transformer activation, quickgelu.

    Args:
        approximate: ``none`` for the exact function, ``tanh`` for its approximation.
    """

    def __init__(self, approximate: Literal["none", "tanh"] = "none") -> None:
        super().__init__(approximate)

    def forward(self, input: Projected) -> Same:
        return F.gelu(input, approximate=self.approximate)


class SiLU(nn.SiLU):
    """x sigmoid(x), also called Swish (arXiv:1702.03118).

    Keywords: swish, activation, nonlinearity, sigmoid linear unit, efficientnet activation, yolo activation.
    """

    def __init__(self) -> None:
        super().__init__()

    def forward(self, input: Normed) -> Same:
        return F.silu(input)


class Mish(nn.Mish):
    """x tanh(softplus(x)) (arXiv:1908.08681).

    Keywords: activation, nonlinearity, yolo activation, yolov4.
    """

    def __init__(self) -> None:
        super().__init__()

    def forward(self, input: Normed) -> Same:
        return F.mish(input)


class Hardswish(nn.Hardswish):
    """x min(max(0, x + 3), 6) / 6 (MobileNetV3, arXiv:1905.02244).

    Keywords: hswish, mobilenet v3 activation, activation, nonlinearity.
    """

    def __init__(self) -> None:
        super().__init__()

    def forward(self, input: Normed) -> Same:
        return F.hardswish(input)


class Hardsigmoid(nn.Hardsigmoid):
    """min(max(0, x + 3), 6) / 6; its output may be wired anywhere, as a gate or as scores.

    Keywords: hsigmoid, gate, activation, squeeze and excitation gate.
    """

    def __init__(self) -> None:
        super().__init__()

    def forward(self, input: Normed) -> Annotated[AnyTensor, "..."]:
        return F.hardsigmoid(input)


class Softplus(nn.Softplus):
    """log(1 + exp(beta x)) / beta, a smooth ReLU.

    Keywords: smooth relu, log(1 + exp), activation, nonlinearity.

    Args:
        beta: The larger, the sharper the bend.
        threshold: Where beta x is above it, x itself is taken.
    """

    def __init__(self, beta: Annotated[float, Gt(0)] = 1.0, threshold: float = 20.0) -> None:
        super().__init__(beta, threshold)

    def forward(self, input: Projected) -> Same:
        return F.softplus(input, self.beta, self.threshold)


class Tanh(nn.Tanh):
    """tanh(x), between -1 and 1.

    Keywords: hyperbolic tangent, activation, nonlinearity, squash.
    """

    def __init__(self) -> None:
        super().__init__()

    def forward(self, input: Projected) -> Same:
        return tanh(input)


class Sigmoid(nn.Sigmoid):
    """1 / (1 + exp(-x)), between 0 and 1; its output may be wired anywhere, as a gate or as scores.

    Keywords: logistic, gate, activation, probability, squash, logit inverse.
    """

    def __init__(self) -> None:
        super().__init__()

    def forward(self, input: Projected) -> Annotated[AnyTensor, "..."]:
        return sigmoid(input)


class Softmax(nn.Softmax):
    """exp(x) over its sum along an axis; its output may be wired anywhere, as weights or as scores.

    Keywords: probabilities, softargmax, normalize scores, activation, attention weights.

    Args:
        dim: The axis that sums to one.
    """

    def __init__(self, dim: Axis = -1) -> None:
        super().__init__(dim)

    def forward(self, input: Projected) -> Annotated[AnyTensor, "..."]:
        return F.softmax(input, self.dim)


class LogSoftmax(nn.LogSoftmax):
    """Logarithm of the softmax along an axis, without its loss of digits.

    Keywords: log probabilities, log likelihood, log probs, nll.

    Args:
        dim: The axis whose exponentials sum to one.
    """

    def __init__(self, dim: Axis = -1) -> None:
        super().__init__(dim)

    def forward(self, input: Projected) -> Annotated[AnyTensor, "..."]:
        return F.log_softmax(input, self.dim)
