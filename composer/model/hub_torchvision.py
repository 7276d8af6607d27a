"""Weights of torchvision's models: what torchvision says of them, and the file in torch.hub's cache."""

import os
import re
from pathlib import Path
from typing import Any
from urllib.error import URLError

import torch
from torch import Tensor

from composer.model.hub import HubWeights
from composer.model.weights import read_weights
from composer.ports import MissingPackageError
from composer.problems import GraphError, Problem, Where

__all__ = ["TORCHVISION", "torchvision_source", "torchvision_state"]

TORCHVISION = "torchvision/"
"""What names of torchvision's weights begin with."""

_HASH = r"-([a-f0-9]{8,})\."


def torchvision_source(name: str, component: str) -> HubWeights:
    """What torchvision says of weights; nothing is fetched.

    Args:
        name: ``torchvision/NAME.ENTRY``; without an entry they are torchvision's default ones.
        component: The component that has the same network.

    Raises:
        GraphError: torchvision does not import, or has no such weights.
    """
    model, _, entry = name.removeprefix(TORCHVISION).partition(".")
    listed = _listed(model, name)
    if entry not in ("", "DEFAULT") and entry not in listed.__members__:
        text = f"torchvision's {model} has no weights {entry!r}; say one of {', '.join(listed.__members__)}"
        raise GraphError(Problem("no-weights", Where(name), text))
    chosen = listed[entry or "DEFAULT"]
    accuracies = chosen.meta.get("_metrics", {}).get("ImageNet-1K", {})
    return HubWeights(
        name=f"{model}.{chosen.name}",
        architecture=model,
        license=str(chosen.meta.get("license", "")),
        top1=accuracies.get("acc@1"),
        place=str(chosen.url),
        preprocess=_preprocess(chosen.transforms()),
        library=TORCHVISION,
        component=component,
    )


def torchvision_state(source: HubWeights, file: str | Path | None = None) -> dict[str, Tensor]:
    """The weights of a whole network, by torchvision's names.

    Args:
        source: The weights.
        file: Where they lie; None takes them from torch.hub's cache, or fetches them into it, where the hash in the
            name of the file is compared with what came.

    Raises:
        GraphError: The weights cannot be had or read. Files are read with ``weights_only=True``.
    """
    return read_weights(_cached(source) if file is None else file, allow_pickle=True)


def _listed(model: str, name: str) -> Any:
    """The weights that torchvision has for a model: an enumeration."""
    try:
        from torchvision.models import get_model_weights  # noqa: PLC0415
    except (ImportError, RuntimeError, OSError) as error:  # also torchvision that was built for another torch
        installed = not isinstance(error, ModuleNotFoundError)
        lacks = MissingPackageError("torchvision", "timm", str(error).splitlines()[0] if installed else "")
        text = f"{lacks} (it brings torchvision); a file is read without: composer weights FILE --graph GRAPH"
        raise GraphError(Problem("no-package", Where(name), text)) from None
    try:
        return get_model_weights(model)
    except ValueError:
        text = f"the torchvision that is installed has no model {model!r}"
        raise GraphError(Problem("no-weights", Where(name), text)) from None


def _cached(source: HubWeights) -> Path:
    """The file in torch.hub's cache, fetched where it is not there."""
    file = source.place.rpartition("/")[2]
    path = Path(torch.hub.get_dir()) / "checkpoints" / file
    if path.exists():
        return path
    found = re.search(_HASH, file)
    try:
        os.makedirs(path.parent, exist_ok=True)
        torch.hub.download_url_to_file(source.place, str(path), found[1] if found else None)
    except (URLError, OSError, RuntimeError) as error:
        text = f"it is not in torch.hub's cache ({path}) and cannot be fetched ({type(error).__name__}: {error}); "
        text += f"download {source.place} where there is a network, and put it there or give it: --file {file}"
        raise GraphError(Problem("no-file", Where(source.whole_name), text)) from error
    return path


def _preprocess(transforms: Any) -> dict[str, Any] | None:
    """Torchvision's transform for classification as ``preprocess`` of a graph has it; None for another one."""
    try:
        (resize,), (crop,) = transforms.resize_size, transforms.crop_size
        interpolation, mean, std = transforms.interpolation.value, transforms.mean, transforms.std
    except (AttributeError, TypeError, ValueError):
        return None
    return {
        "resize": resize,
        "interpolation": interpolation,
        "backend": "pillow",
        "crop": [crop, crop],
        "channels": "rgb",
        "mean": [round(255 * value, 6) for value in mean],
        "std": [round(255 * value, 6) for value in std],
    }
