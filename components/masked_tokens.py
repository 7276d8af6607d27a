"""Patches that a mask hides, as models of masked images see them."""

from torch import Tensor

from components.value_checks import check_flags

__all__ = ["flat_mask", "hide_tokens", "pick_tokens"]


def flat_mask(mask: Tensor, tokens: int) -> Tensor:
    """A mask of patches, row by row: [B, tokens].

    Args:
        mask: [B, ...], 1 or true where a patch is hidden.
        tokens: How many patches there are.

    Raises:
        ValueError: The mask has another number of patches, or something but 0 and 1.
    """
    flat = mask.flatten(1)
    if flat.shape[1] != tokens:
        grid = " x ".join(str(size) for size in mask.shape[1:])
        raise ValueError(
            f"mask: found a grid of {grid} cells, expected one for each of the {tokens} patches of the image: "
            "give a mask of the grid that the patch embedding makes"
        )
    check_flags("mask", mask)
    return flat


def hide_tokens(tokens: Tensor, mask_token: Tensor, mask: Tensor) -> Tensor:
    """Tokens [B, N, C] with ``mask_token`` in the place of those that ``mask`` [B, ...] hides.

    Raises:
        ValueError: The mask is for another number of tokens.
    """
    hidden = flat_mask(mask, tokens.shape[1])[:, :, None].to(tokens.dtype)
    return tokens * (1 - hidden) + mask_token * hidden


def pick_tokens(tokens: Tensor, ids: Tensor) -> Tensor:
    """Those of the tokens [B or 1, N, C] that ``ids`` [B, K] name, in this order: [B, K, C]."""
    rows = tokens.expand(ids.shape[0], -1, -1)
    return rows.gather(1, ids[:, :, None].expand(-1, -1, tokens.shape[2]))
