"""Networks of timm, built without weights and without the network."""

import difflib
import importlib
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from components.shared.options import pair
from composer.ports import InputError, MissingPackageError

__all__ = ["build_levels", "build_timm", "check_image_size", "folded", "pretrained_state"]


def build_timm(model_name: str, **options: Any) -> nn.Module:
    """A network of timm with fresh weights.

    Args:
        model_name: Its name without a tag. Names that timm would look for on a hub or in a folder are refused.
        options: Arguments of ``timm.create_model``; those that are None are left out.

    Raises:
        MissingPackageError: timm is not installed, or does not import.
        ValueError: timm has no network of this name, or it does not take one of the options.
    """
    timm = _timm()
    name = model_name.partition(".")[0]
    if not timm.is_model(name):
        near = difflib.get_close_matches(name, timm.list_models(), n=3)
        advice = f"did you mean {' or '.join(map(repr, near))}?" if near else "timm.list_models() lists them"
        raise ValueError(f"timm {timm.__version__} has no model {name!r}; {advice}")
    if name != model_name:
        tag = model_name.partition(".")[2]
        raise ValueError(f"found the tag {tag!r}, which names weights: write {name!r} and load the weights afterwards")
    given = {key: value for key, value in options.items() if value is not None}
    try:
        network: nn.Module = timm.create_model(name, pretrained=False, **given)
    except TypeError as error:
        raise ValueError(f"{name} does not take all of {', '.join(given)}: {error}") from error
    return network


def pretrained_state(
    name: str,
    file: str | Path | None,
    *,
    in_channels: int | None = None,
    img_size: int | tuple[int, int] | None = None,
    dynamic_img_size: bool | None = None,
) -> dict[str, Tensor]:
    """Weights as timm loads them into a whole network: with its converters, every entry at its place.

    Args:
        name: The architecture and the tag.
        file: A file of weights; None takes them from the hub, or from its cache.
        in_channels: Channels of the image, where there are not three; the first convolution is adapted.
        img_size: Size of the images, where it is another one; position embeddings are resized.
        dynamic_img_size: As it was given to the network.

    Returns:
        The network's weights by timm's names, with the classifier that the weights have.

    Raises:
        MissingPackageError: timm is not installed.
        Exception: The weights cannot be had or do not fit, in the words of timm or of the hub's client.
    """
    timm = _timm()
    overlay: dict[str, Any] | None = None
    if file is not None:
        overlay = {"file": str(file), "custom_load": Path(file).suffix == ".npz"}
    options = {
        "in_chans": in_channels,
        "img_size": None if img_size is None else pair(img_size),
        "dynamic_img_size": dynamic_img_size or None,
    }
    given = {key: value for key, value in options.items() if value is not None}
    with torch.device("cpu"):
        network: nn.Module = timm.create_model(name, pretrained=True, pretrained_cfg_overlay=overlay, **given)
    return network.state_dict()


def build_levels(model_name: str, **options: Any) -> tuple[nn.Module, Any]:
    """A network of timm that gives its features at several levels.

    Args:
        model_name: As for ``build_timm``.
        options: As for ``build_timm``; ``out_indices`` are the levels, and None is timm's choice.

    Returns:
        What timm wraps around the network, with ``feature_info``, and the levels for ``forward_intermediates``; None
        for those levels where the network has no such method (hardcorenas), and is called itself.

    Raises:
        MissingPackageError: As ``build_timm``.
        ValueError: As ``build_timm``.
    """
    try:
        network: Any = build_timm(model_name, features_only=True, feature_cls="getter", **options)
    except ValueError as error:
        if "'feature_cls'" not in str(error):
            raise
        return build_timm(model_name, features_only=True, **options), None
    return network, network.out_indices


def check_image_size(expected: tuple[int, int] | None, image: Tensor) -> None:
    """Refuse images of another size than a network was built for.

    Args:
        expected: Height and width; None where the network takes any.
        image: [B, C, H, W].

    Raises:
        InputError: They have another size.
    """
    found = (image.shape[-2], image.shape[-1])
    if expected is not None and found != expected:
        height, width = found
        text = f"found images of {height} x {width}, the network is built for {expected[0]} x {expected[1]}: "
        raise InputError("image", f"{text}set img_size to [{height}, {width}]")


def folded(network: Any, features: Tensor, image: Tensor) -> Tensor:
    """What ``forward_features`` of a network gives, as a feature map [B, C, H, W].

    Args:
        network: A network of timm.
        features: [B, C, H, W], [B, H, W, C] where the network says so, or tokens [B, N, C]: the first ones
            (``num_prefix_tokens``) are dropped, the others lie on the grid of the patches.
        image: The images that they are of.

    Raises:
        ValueError: They are tokens, and the network does not say on which grid they lie.
    """
    if features.dim() == 4:
        return features.permute(0, 3, 1, 2) if str(getattr(network, "output_fmt", "")) == "NHWC" else features
    patches: Any = getattr(network, "patch_embed", None)
    if features.dim() != 3 or not hasattr(patches, "dynamic_feat_size"):
        raise ValueError(f"forward_features gives {list(features.shape)}, no feature map: set features_only to true")
    tokens = features[:, int(getattr(network, "num_prefix_tokens", 0)) :]
    return tokens.transpose(1, 2).reshape(len(tokens), -1, *patches.dynamic_feat_size(image.shape[-2:]))


def _timm() -> Any:
    """The package, imported where it is first used: that takes a second."""
    try:
        return importlib.import_module("timm")
    except ModuleNotFoundError as error:
        if error.name == "timm":
            raise MissingPackageError("timm", "timm") from error
        raise MissingPackageError("timm", "timm", str(error)) from error
    except (ImportError, RuntimeError, OSError) as error:  # torchvision that was built for another torch
        raise MissingPackageError("timm", "timm", str(error).splitlines()[0]) from error
