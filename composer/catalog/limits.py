"""How big a graph may be before it is refused."""

from dataclasses import dataclass

__all__ = ["Limits"]


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds on what a graph declares, checked before anything is built. Pass other ones to raise them.

    Args:
        nodes: Calls after every subgraph is expanded.
        layers: Sum of the nodes' ``LayerCount`` parameters, at least one per node.
        modules: Modules within one node; one that declares more layers is not built at all.
        nesting: Depth of subgraphs within subgraphs.
        parameter_bytes: Bytes of all parameters and buffers.
    """

    nodes: int = 100_000
    layers: int = 100_000
    modules: int = 3_000
    nesting: int = 32
    parameter_bytes: int = 64 * 2**30
