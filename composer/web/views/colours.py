"""Families of port types, each with a colour of its own."""

from collections.abc import Mapping
from functools import lru_cache

from composer.ports import PortType, port_type

__all__ = ["FAMILIES", "family"]

FAMILIES: Mapping[str, str] = {
    "Image": "image",
    "Mask": "image",
    "InstanceMasks": "image",
    "Boxes": "boxes",
    "BoxLabels": "boxes",
    "Detections": "boxes",
    "Priors": "boxes",
    "Assignment": "boxes",
    "Tokens": "tokens",
    "Embedding": "vector",
    "Label": "label",
    "SampleIndex": "label",
    "Target": "label",
    "Weight": "label",
    "Scalar": "loss",
    "FeatureMap": "feature",
    "Levels": "feature",
}
"""The family of a type, and of the types that descend from it."""


@lru_cache(1024)
def family(kind: PortType | None) -> str:
    """The colour family of a port type: that of its nearest ancestor that has one, else of what its entries are."""
    if kind is None:
        return "any"
    found = next((FAMILIES[item.name] for item in kind.ancestors() if item.name in FAMILIES), None)
    if found is not None:
        return found
    return "any" if kind.element is None else family(port_type(kind.element))
