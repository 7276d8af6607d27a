"""What is fetched from a hub: weights that a library publishes, timm's among them, and models that were pushed.

Nothing here runs by itself: a graph file names an architecture, and only a caller fetches weights for it.
"""

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

from composer.catalog import shared
from composer.graph import EMPTY
from composer.model import Model
from composer.model.momentum import momentum_reset
from composer.model.weights import WeightsReport, compare
from composer.ports import MissingPackageError
from composer.problems import GraphError, Problem, Where, nearest, some_of

__all__ = [
    "ADDRESS",
    "PREFIX",
    "SHARED_FILE",
    "HubReport",
    "HubWeights",
    "fetched",
    "hub_problem",
    "load_timm",
    "repository",
    "reset_copies",
    "timm_nodes",
    "timm_source",
    "timm_state",
]

ADDRESS = "hf://"
"""What the address of a model on the hub begins with."""

SHARED_FILE = "model.safetensors"
"""The file of a pushed model: weights and graph."""

PREFIX = "timm/"
"""What names of timm's weights begin with."""

_NETWORK = "timm_model"
"""The attribute of a component that holds timm's network."""

_REPOSITORY = re.compile(r"[A-Za-z0-9][\w.-]{0,95}/[A-Za-z0-9][\w.-]{0,95}", re.ASCII)


@dataclass(frozen=True)
class HubWeights:
    """Weights that a library publishes.

    Args:
        name: Their name without the library's: ``convnext_tiny.in12k_ft_in1k``, an architecture of timm and its tag.
        architecture: The architecture alone.
        license: Licence of the weights; empty where the library does not say.
        top1: Accuracy on ImageNet-1k in percent; None where the library does not list it.
        place: Where they are fetched from.
        preprocess: How images become their inputs, as ``preprocess`` of a graph has it; None where that has no such
            steps.
        library: What their whole name begins with.
        component: The component that has the same network; empty for timm's own nodes.
    """

    name: str
    architecture: str
    license: str
    top1: float | None
    place: str
    preprocess: Mapping[str, Any] | None
    library: str = PREFIX
    component: str = ""

    @property
    def whole_name(self) -> str:
        """As it is given to ``composer weights``."""
        return self.library + self.name

    def __str__(self) -> str:
        accuracy = "" if self.top1 is None else f", {self.top1:.2f} % top-1 on ImageNet-1k"
        return f"{self.whole_name}: licence {self.license or 'not stated'}{accuracy}; from {self.place}"


@dataclass(frozen=True)
class HubReport(WeightsReport):
    """How weights fit the nodes that hold the very network of the library.

    ``unexpected`` holds the library's names that the nodes leave out: a classifier behind a backbone.
    """

    @property
    def fits(self) -> bool:
        """Whether every weight of the nodes was loaded."""
        return not (self.missing or self.mismatched)


def timm_source(name: str) -> HubWeights:
    """What is known of weights, from the list that comes with composer; nothing is fetched and timm is not imported.

    Args:
        name: ``timm/NAME.TAG``; the tag may be left out where an architecture has one set of weights.

    Raises:
        GraphError: There are no such weights in the list, or several.
    """
    listed = shared("timm_models")
    asked = name.removeprefix(PREFIX)
    found = listed.timm_weights(asked)
    if found is None:
        raise GraphError(Problem("no-weights", Where(name), _not_listed(listed, asked)))
    return HubWeights(
        f"{found.name}.{found.tag}",
        found.name,
        found.license,
        found.top1,
        f"huggingface.co/{found.hub}" if found.hub else "the address that timm has for them",
        listed.timm_preprocess(found),
    )


def _not_listed(listed: Any, asked: str) -> str:
    models, (name, _, tag) = listed.timm_models(), asked.partition(".")
    if name not in models:
        near = nearest(name, models)
        advice = (
            f"did you mean {' or '.join(near)}?" if near else "composer show TIMMBackbone says where they are listed"
        )
        return f"timm has no model {name!r}; {advice}"
    tags = {one: weights for one, weights in models[name].weights.items() if one}
    if not tags:
        return f"timm has no weights for {name}"
    best = sorted(tags.values(), key=lambda one: -(one.top1 or 0.0))
    lines = [
        f"{PREFIX}{name}.{one.tag} ({one.license or 'licence not stated'}"
        + ("" if one.top1 is None else f", {one.top1:.1f} %")
        + ")"
        for one in best
    ]
    said = f"has no weights {tag!r}" if tag else f"has {len(tags)} sets of weights"
    return f"{name} {said}; say one of {some_of(lines, 8)}"


def timm_nodes(model: Model, architecture: str | None = None) -> dict[str, Any]:
    """The modules of a model that are networks of timm, by path, without momentum copies.

    Args:
        model: The model.
        architecture: Only those of this one.
    """
    copies = {copy.target for copy in model.copies.values()}
    named = {path: given.get("model_name") for path, given in model.node_params.items()}
    return {
        path: model.get_submodule(path)
        for path, name in named.items()
        if name is not None
        and path not in copies
        and hasattr(model.get_submodule(path), _NETWORK)
        and architecture in (None, str(name))
    }


def load_timm(model: Model, source: HubWeights, file: str | Path | None = None) -> HubReport:
    """Load weights into every node that has their network, as timm itself loads them.

    timm brings older names, other numbers of channels and other image sizes into the form of each node. A classifier
    with another number of classes keeps its initial values, and is reported as of another shape.

    Args:
        model: The model.
        source: The weights.
        file: Where they lie; None fetches them from the hub, or takes them from its cache.

    Raises:
        GraphError: timm is not installed, or the weights cannot be had or read.
    """
    nodes = timm_nodes(model, source.architecture)
    state: dict[str, Tensor] = {}
    for path in nodes:
        given = timm_state(source, file, model.node_params[path])
        state |= {f"{path}.{_NETWORK}.{name}": tensor for name, tensor in given.items()}
    found = compare(model, state, tuple(model.graph.nodes))
    model.load_state_dict({name: state[name] for name in found.matched}, strict=False)
    reset_copies(model, nodes)
    return HubReport(
        matched=found.matched,
        missing=tuple(_under(nodes, found.missing)),
        unexpected=found.unexpected,
        mismatched=found.mismatched,
        dtypes=found.dtypes,
        nodes=found.nodes,
    )


def reset_copies(model: Model, sources: Collection[str]) -> set[str]:
    """Make the momentum copies of nodes equal to them again.

    Args:
        model: The model.
        sources: The paths of the nodes.

    Returns:
        The paths of the copies.
    """
    copies = [copy for copy in model.copies.values() if copy.source in sources]
    for copy in copies:
        momentum_reset(model.get_submodule(copy.target), model.get_submodule(copy.source))
    return {copy.target for copy in copies}


def timm_state(
    source: HubWeights, file: str | Path | None = None, params: Mapping[str, Any] = EMPTY
) -> dict[str, Tensor]:
    """The weights of a whole network, by timm's names.

    Args:
        source: The weights.
        file: Where they lie; None fetches them from the hub, or takes them from its cache.
        params: The parameters of the node that they are for.

    Raises:
        GraphError: timm is not installed, or the weights cannot be had or read.
    """
    if file is not None and not Path(file).is_file():
        raise GraphError(Problem("no-file", Where(str(file)), "there is no such file of weights"))
    options = {key: params.get(key) for key in ("in_channels", "img_size", "dynamic_img_size")}
    try:
        found: dict[str, Tensor] = shared("timm_networks").pretrained_state(source.name, file, **options)
        return found
    except MissingPackageError as error:
        raise GraphError(Problem("no-package", Where(PREFIX + source.name), str(error))) from None
    except Exception as error:  # the hub's client and timm's converters may raise anything
        text = (str(error).strip().splitlines() or [""])[0][:300]
        if file is not None:
            said = f"it cannot be read as {source.name}: {type(error).__name__}: {text}"
            raise GraphError(Problem("bad-weights-file", Where(str(file)), said)) from error
        said = f"it is not in the hub's cache and cannot be fetched ({type(error).__name__}: {text}); download it from "
        said += f"{source.place} where there is a network, and give the file: --file model.safetensors"
        raise GraphError(Problem("no-file", Where(PREFIX + source.name), said)) from error


def _under(nodes: Iterable[str], names: Iterable[str]) -> list[str]:
    return [name for name in names if any(name.startswith(f"{node}.") for node in nodes)]


def repository(name: str) -> tuple[str, str | None]:
    """The repository and the revision that an address names.

    Args:
        name: ``OWNER/NAME``, perhaps with ``hf://`` before it and ``@REVISION`` behind it.

    Raises:
        GraphError: It names none.
    """
    repo, _, revision = name.removeprefix(ADDRESS).partition("@")
    if not _REPOSITORY.fullmatch(repo) or ".." in repo or "--" in repo or (("@" in name) and not revision):
        text = f"found {name[:100]!r}, expected a repository of the hub: OWNER/NAME, or OWNER/NAME@REVISION"
        raise GraphError(Problem("hub-refused", Where(name[:100]), text))
    return repo, revision or None


def fetched(address: str) -> Path:
    """The file of a model that was pushed to the hub; from the hub's cache where it lies there.

    Only this one safetensors file is fetched: nothing of a repository is run.

    Args:
        address: ``hf://OWNER/NAME``, or ``hf://OWNER/NAME@REVISION``.

    Raises:
        GraphError: There is no such model, or it cannot be had.
    """
    from huggingface_hub import hf_hub_download  # noqa: PLC0415

    repo, revision = repository(address)
    try:
        return Path(hf_hub_download(repo, SHARED_FILE, revision=revision))
    except Exception as error:  # the hub's client raises many kinds
        raise GraphError(hub_problem(error, repo, "fetched")) from error


def hub_problem(error: Exception, repo: str, done: str) -> Problem:
    """What the hub's client raised, as a problem.

    Args:
        error: What it raised.
        repo: The repository.
        done: What was tried: ``pushed`` or ``fetched``.
    """
    advice = {
        "LocalTokenNotFoundError": "log in first: hf auth login",
        "RepositoryNotFoundError": "there is no such repository, or it is private: hf auth login",
        "GatedRepoError": "its owner lets in those who asked for it, on its page",
        "RevisionNotFoundError": "there is no such revision",
        "RemoteEntryNotFoundError": f"it has no {SHARED_FILE}: it is no model of composer",
        "EntryNotFoundError": f"it has no {SHARED_FILE}: it is no model of composer",
        "LocalEntryNotFoundError": "it is not in the hub's cache, and the hub cannot be reached",
    }
    kind = type(error).__name__
    said = (str(error).strip().splitlines() or [""])[0][:300]
    text = advice.get(kind, f"{kind}: {said}" if said else kind)
    return Problem("hub-refused", Where(f"{ADDRESS}{repo}"), f"it cannot be {done}: {text}")
