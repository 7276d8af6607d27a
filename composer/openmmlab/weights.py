"""Checkpoints of OpenMMLab, torchvision, timm and transformers, loaded into a model."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from composer.model import Model
from composer.model.momentum import STEPS, momentum_reset
from composer.model.weights import WeightsReport
from composer.openmmlab.layouts import HEAD, LAYOUTS, Layout, joined
from composer.problems import some_of

__all__ = ["BACK", "RENAMES", "CheckpointReport", "load_state_dict", "own_names", "settle_copies"]

_OPENMMLAB = "OpenMMLab"


@dataclass(frozen=True)
class CheckpointReport(WeightsReport):
    """How a checkpoint fits a model, node by node; ``str()`` shows a table.

    ``matched``, ``missing`` and ``mismatched`` hold the model's names, ``unexpected`` the checkpoint's.

    Args:
        renamed: Name in the checkpoint to name in the model, where they differ.
        fitted: The model's names of entries that were brought into another form: resized to another image or window
            size, or reordered.
        layout: Whose names the checkpoint has.
        beyond: Those of ``unexpected`` that belong to layers which the model's node would have if it were the whole
            network; only for names of other libraries.
    """

    renamed: Mapping[str, str] = field(default_factory=dict)
    fitted: tuple[str, ...] = ()
    layout: str = _OPENMMLAB
    beyond: tuple[str, ...] = ()

    def __str__(self) -> str:
        lines = [super().__str__()]
        for name in [name for name, (found, mine) in self.mismatched.items() if found == mine and name in self.dtypes]:
            found_kind, kind = self.dtypes[name]
            lines.append(f"other kind of numbers: {name}: the file has {found_kind}, the model {kind}")
        if self.layout != _OPENMMLAB:
            lines.append(f"names: {self.layout}'s")
        if self.fitted:
            lines.append(f"resized or reordered: {some_of(self.fitted, 5)}")
        return "\n".join(lines)


def _rows(table: dict[str, tuple[str, ...]]) -> tuple[tuple[re.Pattern[str], tuple[str, ...]], ...]:
    return tuple((re.compile(pattern), places) for pattern, places in table.items())


RENAMES = (
    *_rows(
        {
            # The averaged copy of backbone and neck: MoCo and DenseCL, BYOL, MoCo v3.
            r"(?:encoder_k|target_net|momentum_encoder)(?:\.module)?\.0\.(.+)": (r"backbone_k.\1",),
            r"(?:encoder_k|target_net|momentum_encoder)(?:\.module)?\.1\.(.+)": (r"neck_k.\1",),
            r"(?:encoder_k|target_net|momentum_encoder)\.steps": ("backbone_k.momentum_steps",),
            # The weights of classes (DeepCluster, ODC), and what SwAV's head and neck hold.
            r"loss_weight": ("class_weights.loss_weight",),
            r"head\.loss\.(.+)": (r"loss.\1",),
            r"neck\.norm\.(.+)": (r"neck.bn.\1",),
            # The running counts of a detector's losses by gradient (GHM).
            r"bbox_head\.(loss_(?:cls|bbox))\.(.+)": (r"\1.\2",),
            # CLIP's own checkpoints, whose image encoder makes targets.
            r"visual\.(.+)": (r"target_generator.tokenizer.visual.\1",),
            # Sobel's filters, which the whole model has in mmselfsup 0.x.
            r"sobel_layer\.(.+)": (r"backbone.sobel_layer.\1",),
            # The linear layer in the head of MaskFeat in mmselfsup 0.x.
            r"head\.head\.(.+)": (r"neck.fc.\1",),
            # The queues of MoCo and DenseCL.
            r"(queue2?)": (r"\1.queue",),
            r"(queue2?)_ptr": (r"\1.queue_ptr",),
        }
    ),
)
"""Patterns of their names, and the names that a model may have for the same; the first that the model has is taken."""

BACK = _rows({r"(queue2?)\.queue_ptr": (r"\1_ptr",)})
"""Patterns of names here, and what OpenMMLab calls the same, where no other entry of a node shows it."""


_NUMBERED = re.compile(r"(\w+)\.(\d+)\.(.+)")
_LOSS = "head.loss_module."
_MOST_OF_THEM = 0.8


def own_names(model: nn.Module, given: Mapping[str, Tensor]) -> dict[str, str]:
    """For each name of a checkpoint the model's; a name that the model lacks stays as it is.

    Attributes are node ids, an entry of a list (``neck.0``) is ``neck_0``, and a head's loss is a node of its own. What
    is left goes to the node that has just these names behind one prefix, or behind none: ``image_encoder.0`` may be
    called ``backbone`` in the model, and a checkpoint of a backbone alone has nothing in front.
    """
    mine = model.state_dict()
    nodes = [name for name, _ in model.named_children()]
    found = {name: _by_place(name, nodes, mine) for name in given}
    left = [name for name in given if found[name] not in mine]
    taken = {found[name].partition(".")[0] for name in given if found[name] in mine}
    free = [node for node in nodes if node not in taken]
    return {**found, **_by_content(left, free, mine, given)}


def _by_place(name: str, nodes: list[str], mine: Mapping[str, Tensor]) -> str:
    if name in mine:
        return name
    for pattern, places in RENAMES:
        match = pattern.fullmatch(name)
        moved = [match.expand(place) for place in places] if match else []
        if place := next((place for place in moved if place in mine), None):
            return place
    numbered = _NUMBERED.fullmatch(name)
    if name.startswith(_LOSS) and "loss" in nodes:
        return f"loss.{name.removeprefix(_LOSS)}"
    if numbered and numbered[1] not in nodes and f"{numbered[1]}_{numbered[2]}" in nodes:
        return f"{numbered[1]}_{numbered[2]}.{numbered[3]}"
    return name


def _by_content(
    left: list[str], free: list[str], mine: Mapping[str, Tensor], given: Mapping[str, Tensor]
) -> dict[str, str]:
    """Names for those that are left, by the nodes that nothing was found for."""
    found: dict[str, str] = {}
    for prefix in sorted({prefix for name in left for prefix in _prefixes(name)}, key=len):
        group = [name for name in left if name.startswith(prefix) and name not in found]
        fits = {node: _fitting(group, prefix, node, mine, given) for node in free}
        node = max(fits, key=lambda item: len(fits[item]), default=None)
        if node is not None and group and len(fits[node]) >= _MOST_OF_THEM * len(group):
            found |= fits[node]
            free = [other for other in free if other != node]
    return found


def _fitting(
    group: list[str], prefix: str, node: str, mine: Mapping[str, Tensor], given: Mapping[str, Tensor]
) -> dict[str, str]:
    pairs = {name: f"{node}.{name.removeprefix(prefix)}" for name in group}
    return {name: ours for name, ours in pairs.items() if ours in mine and mine[ours].shape == given[name].shape}


def _prefixes(name: str) -> Iterator[str]:
    first, _, rest = name.partition(".")
    second = rest.partition(".")[0]
    yield ""
    if rest:
        yield f"{first}."
    if second.isdigit():
        yield f"{first}.{second}."


_AVERAGED = re.compile(r"(encoder_k|target_net|momentum_encoder)\.")
"""What OpenMMLab's algorithms call them. Each counts its updates once, where here every node of it counts them."""


def settle_copies(model: Model, names: Mapping[str, str]) -> None:
    """Bring momentum copies to the state in which OpenMMLab would use what was just loaded.

    All nodes of an averaged model get its count of updates. Where that is 0, or is not in the checkpoint, OpenMMLab
    copies the source over it before its first use: the same is done here at once.

    Args:
        model: The model.
        names: For each name of the checkpoint that was loaded the model's.
    """
    averaged = {ours for theirs, ours in names.items() if _AVERAGED.match(theirs)}
    copies = [copy for copy in model.copies.values() if any(name.startswith(f"{copy.target}.") for name in averaged)]
    counts = [model.get_submodule(copy.target).get_buffer(STEPS) for copy in copies]
    if not counts:
        return
    updates = torch.stack(counts).max()
    for copy, count in zip(copies, counts, strict=True):
        count.copy_(updates)
        if updates == 0:
            momentum_reset(model.get_submodule(copy.target), model.get_submodule(copy.source))


_WRAPPINGS = ("state_dict", "model", "model_state_dict", "network")
_PREFIXES = ("module.", "_orig_mod.", "model.")
_NEVER_SAVED = ("prototype_vecs", "relative_position_index", "momentum_steps")


@dataclass(frozen=True, slots=True)
class _Reading:
    """A checkpoint's names understood in one way.

    Args:
        layout: Whose names they are taken for.
        names: Their name to the model's.
        convert: Brings a tensor into our order, where the layout has another one.
    """

    layout: str
    names: Mapping[str, str]
    convert: Mapping[str, Tensor]


def load_state_dict(model: nn.Module, state_dict: Mapping[str, Any]) -> CheckpointReport:
    """Load a checkpoint of OpenMMLab, or torchvision's, timm's or transformers' for the same network, into a model.

    Everything that fits by name and shape is loaded, converted to the model's dtype; the rest is reported and kept.
    A checkpoint of a backbone alone, with or without ``backbone.`` in front, goes into the model's backbone.
    Position embeddings and relative position biases for other sizes are resized. An averaged model that has had no
    update yet becomes a copy of its source, as OpenMMLab makes it before its first use.

    Args:
        model: The model.
        state_dict: Tensors by name, also within ``state_dict`` or ``model``, and with ``module.`` in front.

    Returns:
        What matched, is missing, was not expected, has another shape or kind of numbers, and the names that differ.
        Entries that are no tensors, or have no text as their name, were not expected either. What OpenMMLab never
        saves (the prototypes of a retriever, tables of indices) is not missing.
    """
    given, beside = _unwrapped(state_dict, model)
    given = joined(given)
    reading = _best(model, given)
    state = {ours: reading.convert.get(theirs, given[theirs]) for theirs, ours in reading.names.items()}
    mine = model.state_dict()
    other_kind = {name: item for name, item in state.items() if name in mine and not _same_kind(item, mine[name])}
    fitted = _fitted(model, {name: item for name, item in state.items() if name not in other_kind}) | other_kind
    matched = [
        name
        for name in mine
        if name in fitted and fitted[name].shape == mine[name].shape and _same_kind(fitted[name], mine[name])
    ]
    model.load_state_dict({name: fitted[name] for name in matched}, strict=False)
    if isinstance(model, Model):
        settle_copies(model, {theirs: ours for theirs, ours in reading.names.items() if ours in matched})
    return _report(model, mine, given, reading, fitted, matched, beside)


def _unwrapped(state_dict: Mapping[Any, Any], model: nn.Module) -> tuple[dict[str, Tensor], list[str]]:
    """The tensors, without what trainers put around and in front; and the names of what is no weight."""
    found = state_dict
    while inner := next((found[key] for key in _WRAPPINGS if isinstance(found.get(key), Mapping)), None):
        found = inner
    tensors = {name: value for name, value in found.items() if isinstance(name, str) and isinstance(value, Tensor)}
    beside = [str(name) for name in found if name not in tensors]
    children = {f"{name}." for name, _ in model.named_children()}
    counts = [name for name, value in tensors.items() if "." not in name and value.dim() == 0]
    weights = {name: value for name, value in tensors.items() if name not in counts}
    if not any(_all_begin(weights, prefix) for prefix in _PREFIXES if prefix not in children):
        return tensors, beside
    while prefix := next((item for item in _PREFIXES if item not in children and _all_begin(weights, item)), None):
        weights = {name.removeprefix(prefix): value for name, value in weights.items()}
    return weights, [*beside, *counts]


def _same_kind(given: Tensor, mine: Tensor) -> bool:
    """Whether values can be taken over: real weights take no complex numbers, and no whole ones or truth values."""
    if mine.is_complex():
        return True
    return not given.is_complex() and (given.is_floating_point() or not mine.is_floating_point())


def _all_begin(names: Iterable[str], prefix: str) -> bool:
    found = list(names)
    return bool(found) and all(name.startswith(prefix) for name in found)


def _best(model: nn.Module, given: Mapping[str, Tensor]) -> _Reading:
    """The reading in which most entries fit, then most have a name here; OpenMMLab's where several do alike."""
    mine = model.state_dict()
    readings = [_Reading(_OPENMMLAB, own_names(model, given), {}), *_foreign(model, mine, given)]

    def fits(reading: _Reading) -> tuple[int, int]:
        known = [(ours, reading.convert.get(name, given[name])) for name, ours in reading.names.items() if ours in mine]
        return sum(mine[ours].shape == tensor.shape for ours, tensor in known), len(known)

    return max(readings, key=fits)


def _foreign(model: nn.Module, mine: Mapping[str, Tensor], given: Mapping[str, Tensor]) -> Iterator[_Reading]:
    for node, module in model.named_children():
        kinds = {cls.__name__ for cls in type(module).__mro__}
        for layout in LAYOUTS:
            if layout.component in kinds:
                yield _read_as(layout, node, mine, given)


def _read_as(layout: Layout, node: str, mine: Mapping[str, Tensor], given: Mapping[str, Tensor]) -> _Reading:
    """A checkpoint read in a layout, for a backbone; ``backbone.`` in front of its names is passed over."""
    front = "backbone." if _all_begin(given, "backbone.") else ""
    short = {name: name.removeprefix(front) for name in given}
    rename = layout.renaming(short.values())
    names: dict[str, str] = {}
    converted: dict[str, Tensor] = {}
    for theirs, bare in short.items():
        places = _places(rename(bare), node, mine)
        found = [(ours, layout.convert(relative, given[theirs])) for relative, ours in places]
        fits = [(ours, tensor) for ours, tensor in found if ours in mine and mine[ours].shape == tensor.shape]
        for ours, tensor in (fits or found)[:1]:
            names[theirs], converted[theirs] = ours, tensor
    return _Reading(layout.name, names, converted)


def _places(candidates: Iterable[str], node: str, mine: Mapping[str, Tensor]) -> Iterator[tuple[str, str]]:
    """For each name relative to its node, the whole name; a head's is looked for among the other nodes."""
    for relative in candidates:
        if not relative.startswith(HEAD):
            yield relative, f"{node}.{relative}"
            continue
        leaf = relative.removeprefix(HEAD)
        yield from (
            (relative, name) for name in mine if name.partition(".")[2] == leaf and not name.startswith(f"{node}.")
        )


def _fitted(model: nn.Module, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The entries as the modules take them: old names, other image and window sizes are their own matter."""
    found = dict(state)
    with torch.no_grad():
        for path, module in model.named_modules():
            for hook in module._load_state_dict_pre_hooks.values():
                hook(found, f"{path}." if path else "", {}, False, [], [], [])
    return found


def _report(
    model: nn.Module,
    mine: Mapping[str, Tensor],
    given: Mapping[str, Tensor],
    reading: _Reading,
    fitted: Mapping[str, Tensor],
    matched: list[str],
    beside: list[str],
) -> CheckpointReport:
    used = set(matched)
    names = reading.names
    lost = [name for name in given if name not in names or (names[name] in fitted and names[name] not in mine)]
    changed = [name for name in names if names[name] in used and _differs(given[name], fitted[names[name]])]
    renamed = {theirs: ours for theirs, ours in names.items() if theirs != ours and ours in mine}
    return CheckpointReport(
        matched=tuple(matched),
        missing=tuple(name for name in mine if name not in fitted and not name.endswith(_NEVER_SAVED)),
        unexpected=(*lost, *beside),
        mismatched={
            name: (tuple(fitted[name].shape), tuple(mine[name].shape))
            for name in mine
            if name in fitted and name not in used
        },
        dtypes={
            name: (fitted[name].dtype, mine[name].dtype)
            for name in mine
            if name in fitted and fitted[name].dtype != mine[name].dtype
        },
        nodes=tuple(name for name, _ in model.named_children()),
        renamed={**_renamed_alike(renamed, [name for name in mine if name not in fitted]), **renamed},
        fitted=tuple(names[name] for name in changed),
        layout=reading.layout,
        beyond=() if reading.layout == _OPENMMLAB else tuple(name for name in lost if name in names),
    )


def _renamed_alike(renamed: Mapping[str, str], missing: Iterable[str]) -> dict[str, str]:
    """The names that a checkpoint would have for what is missing, inferred from those that it has beside it."""
    prefixes: dict[str, str] = {}
    for theirs, ours in renamed.items():
        while theirs.rpartition(".")[2] == ours.rpartition(".")[2] and "." in theirs and "." in ours:
            theirs, ours = theirs.rpartition(".")[0], ours.rpartition(".")[0]
        prefixes[ours] = theirs
    found = {}
    for name in missing:
        known = next((match.expand(names[0]) for row, names in BACK if (match := row.fullmatch(name))), None)
        outer = next((prefix for prefix in prefixes if name.startswith(f"{prefix}.")), None)
        if known is not None:
            found[known] = name
        elif outer is not None:
            found[f"{prefixes[outer]}{name.removeprefix(outer)}"] = name
    return found


def _differs(given: Tensor, fitted: Tensor) -> bool:
    return given.shape != fitted.shape or given.data_ptr() != fitted.data_ptr()
