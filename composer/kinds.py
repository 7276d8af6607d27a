"""Of which kind a type is that no catalog has, as its name or the id of its node tells."""

import re

from composer.catalog import Catalog

__all__ = ["stand_ins"]

_KINDS = {
    "backbone": "backbones",
    "neck": "necks",
    "head": "heads",
    "loss": "losses",
    "memory": "memories",
    "queue": "memories",
    "generator": "target_generators",
    "extractor": "roi_extractors",
}
"""What a type's name ends with, or an id, and the kind that it is then of."""

_COUNTED = re.compile(r"(_k|_\d+)+$")


def stand_ins(node: str, kind: str, catalog: Catalog) -> list[str]:
    """The components that a type may have been meant to be: those of its kind, or all where that is not known.

    The id of a node is a weaker hint than the type's name: a layer may stand anywhere.

    Args:
        node: Id of the node.
        kind: Name of the type.
        catalog: The components.
    """
    by_name, by_id = _kind_of(kind), _kind_of(_COUNTED.sub("", node))
    kinds = {by_name} if by_name else {by_id, "layers"} if by_id else None
    return [item.name for item in catalog if kinds is None or item.kind in kinds]


def _kind_of(name: str) -> str | None:
    return next((kind for word, kind in _KINDS.items() if name.casefold().endswith(word)), None)
