"""How deep each parameter of a network lies, counted in blocks from its end."""

from collections.abc import Iterator

from torch import nn

__all__ = ["blocks_of", "layers_from_end"]


def layers_from_end(model: nn.Module, path: str) -> dict[str, int]:
    """For each parameter below a path how many layers lie after it, as layer decay counts them.

    BEiT's count (arXiv:2106.08254, appendix): what comes after the last block (a norm, a pooling) is 0, the last block
    is 1, the first of L blocks is L, and what comes before them (patches, positions, a stem) is L + 1. What stands
    between two blocks, such as the merging of patches, belongs to the one before it.

    Args:
        model: The model.
        path: A node or a part of it; of a single parameter nothing is counted.

    Returns:
        The count by the name of the parameter in the model; 0 everywhere where there are no blocks.
    """
    try:
        root = model.get_submodule(path)
    except AttributeError:
        return {name: 0 for name, _ in model.named_parameters() if name == path}
    blocks = [f"{path}.{name}" for name in blocks_of(root)]
    names = [name for name, _ in model.named_parameters() if name.startswith(f"{path}.")]
    found: dict[str, int] = {}
    last = max((position for position, name in enumerate(names) if _block(name, blocks) is not None), default=-1)
    before = -1  # the block that was passed last
    for position, name in enumerate(names):
        own = _block(name, blocks)
        before = before if own is None else own
        if not blocks or position > last:
            found[name] = 0
        else:
            found[name] = len(blocks) - (before if own is None else own)
    return found


def _block(name: str, blocks: list[str]) -> int | None:
    return next((index for index, block in enumerate(blocks) if name.startswith(f"{block}.")), None)


def blocks_of(module: nn.Module, name: str = "") -> list[str]:
    """The names of the blocks of a network, in order.

    Blocks are the entries of a list or a sequence of modules of one class, each made of modules itself: the layers of
    a ViT, the residual blocks of a ResNet's stages. Where each entry of a list holds such a list (the stages of a
    Swin), the entries of the inner ones are the blocks.
    """
    found: list[str] = []
    for child_name, child in module.named_children():
        inside = f"{name}.{child_name}" if name else child_name
        if _is_sequence(child):
            for entry_name, entry in child.named_children():
                deeper = list(_lists_in(entry, f"{inside}.{entry_name}"))
                found += deeper or [f"{inside}.{entry_name}"]
        else:
            found += blocks_of(child, inside)
    return found


def _lists_in(entry: nn.Module, name: str) -> Iterator[str]:
    """The blocks of lists right inside an entry of a list, or of an entry that is a sequence itself."""
    if _is_sequence(entry):
        yield from (f"{name}.{inner}" for inner, _ in entry.named_children())
        return
    for child_name, child in entry.named_children():
        if isinstance(child, nn.ModuleList) and _is_sequence(child):
            yield from (f"{name}.{child_name}.{inner}" for inner, _ in child.named_children())


def _is_sequence(module: nn.Module) -> bool:
    """Whether a module is a list or sequence of blocks: entries of one class that hold modules with weights."""
    entries = list(module.children())
    if not isinstance(module, nn.ModuleList | nn.Sequential) or not entries:
        return False
    made = all(next(entry.children(), None) is not None for entry in entries)
    return made and len({type(entry) for entry in entries}) == 1 and any(True for _ in module.parameters())
