"""Checkpoints of transformers: their configuration and licence, and their weights from the hub's cache or a folder."""

import copy
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

from composer.model import Model
from composer.model.hub import HubReport, HubWeights, repository, reset_copies
from composer.model.weights import compare, read_weights
from composer.problems import GraphError, Problem, Where

__all__ = ["TRANSFORMERS", "TransformersCheckpoint", "load_backbones", "transformers_checkpoint"]

TRANSFORMERS = "transformers/"
"""What names of transformers' weights begin with."""

_CONFIG = "config.json"
_CARD = "README.md"
_WEIGHTS = "model.safetensors"
_INDEX = f"{_WEIGHTS}.index.json"
_NETWORK = "hf_model"
_SAME_NUMBERS = frozenset(
    {
        "architectures",
        "attention_probs_dropout_prob",
        "drop_path_rate",
        "dtype",
        "encoder_stride",
        "finetuning_task",
        "hidden_dropout_prob",
        "id2label",
        "initializer_range",
        "label2id",
        "out_features",
        "out_indices",
        "problem_type",
        "return_dict",
        "semantic_loss_ignore_index",
        "stage_names",
        "torch_dtype",
        "transformers_version",
        "use_mask_token",
    }
)
"""Settings of a configuration that change no number of the features."""


@dataclass(frozen=True)
class TransformersCheckpoint:
    """A checkpoint in the form of transformers.

    Args:
        name: ``OWNER/NAME`` on the hub.
        config: What its ``config.json`` holds.
        license: Its licence, from its card; empty where that does not say.
        file: The file or folder that was given for it; None for the hub and its cache.
    """

    name: str
    config: Mapping[str, Any]
    license: str
    file: Path | None

    @property
    def model_type(self) -> str:
        """The family of its network."""
        return str(self.config["model_type"])

    @property
    def facts(self) -> HubWeights:
        """What is known of its weights."""
        return HubWeights(
            name=self.name,
            architecture=self.model_type,
            license=self.license,
            top1=None,
            place=f"huggingface.co/{self.name}" if self.file is None else str(self.file),
            preprocess=None,
            library=TRANSFORMERS,
        )

    def state(self) -> dict[str, Tensor]:
        """Its weights by the names in its safetensors files; no other file is read.

        Raises:
            GraphError: They cannot be had or read.
        """
        if self.file is not None and self.file.is_file():
            return read_weights(self.file)
        one = self._get(_WEIGHTS)
        if one is not None:
            return read_weights(one)
        index = self._get(_INDEX)
        if index is None:
            text = f"there is no {_WEIGHTS}; files of other forms may run code and are not read. In Python, "
            text += "transformers writes one: model.save_pretrained(FOLDER), and --file FOLDER takes it"
            raise GraphError(Problem("no-file", Where(self._place), text))
        files = sorted(set(_json(index).get("weight_map", {}).values()))
        parts = [(file, self._get(Path(str(file)).name)) for file in files]
        absent = [str(file) for file, path in parts if path is None]
        if absent:
            raise GraphError(
                Problem("no-file", Where(self._place), f"{_INDEX} names files that are not there: {absent}")
            )
        return {name: tensor for _, path in parts if path for name, tensor in read_weights(path).items()}

    @property
    def _place(self) -> str:
        return TRANSFORMERS + self.name if self.file is None else str(self.file)

    def _get(self, file: str) -> Path | None:
        return _get(self.name, self.file, file)


def transformers_checkpoint(name: str, file: Path | None = None) -> TransformersCheckpoint:
    """A checkpoint by its name; its configuration and card are fetched where they are not in the hub's cache.

    Args:
        name: ``transformers/OWNER/NAME``, perhaps with ``@REVISION`` behind it.
        file: The folder that it was saved into, or its safetensors file with ``config.json`` beside it, where nothing
            is to be fetched.

    Raises:
        GraphError: The name is none, or there is no configuration.
    """
    bare = name.removeprefix(TRANSFORMERS)
    repository(bare)
    if file is not None and not file.exists():
        raise GraphError(Problem("no-file", Where(str(file)), "there is no such file or folder of weights"))
    config = _get(bare, file, _CONFIG)
    if config is None:
        text = f"there is no {_CONFIG}, which says what the weights are of: give the folder that transformers saved"
        raise GraphError(Problem("no-file", Where(name if file is None else str(file)), text))
    found = _json(config)
    if not isinstance(found.get("model_type"), str):
        text = f"{_CONFIG} says no model_type: this is no checkpoint of transformers"
        raise GraphError(Problem("bad-weights-file", Where(str(config)), text))
    return TransformersCheckpoint(bare, found, _license(_get(bare, file, _CARD)), file)


def load_backbones(model: Model, checkpoint: TransformersCheckpoint) -> HubReport | None:
    """Load a checkpoint into every ``AutoBackbone`` of its family, as transformers itself loads it.

    Args:
        model: The model.
        checkpoint: The checkpoint.

    Returns:
        What came of it; None where the model has no such node.

    Raises:
        GraphError: The weights cannot be had or read.
    """
    copies = {one.target for one in model.copies.values()}
    nodes = {
        path: getattr(model.get_submodule(path), _NETWORK)
        for path, given in model.node_params.items()
        if given.get("model_type") == checkpoint.model_type
        and path not in copies
        and hasattr(model.get_submodule(path), _NETWORK)
    }
    if not nodes:
        return None
    given = checkpoint.state()
    state: dict[str, Tensor] = {}
    other_shape: dict[str, tuple[tuple[int, ...], tuple[int, ...]]] = {}
    unexpected: list[str] = []
    otherwise: dict[str, tuple[Any, Any]] = {}
    for path, network in nodes.items():
        front = f"{path}.{_NETWORK}."
        loaded, info = _as_transformers_loads(network, given, checkpoint)
        found = {name: (tuple(theirs), tuple(mine)) for name, theirs, mine in info["mismatched_keys"]}
        without = {*info["missing_keys"], *found}
        state |= {front + name: tensor for name, tensor in loaded.state_dict().items() if name not in without}
        other_shape |= {front + name: sizes for name, sizes in found.items()}
        unexpected += [front + name for name in info["unexpected_keys"]]
        otherwise |= _otherwise(f"{path}.config", network.config, checkpoint.config)
    report = compare(model, state, tuple(model.graph.nodes))
    model.load_state_dict({name: state[name] for name in report.matched}, strict=False)
    reset_copies(model, nodes)
    return HubReport(
        matched=report.matched,
        missing=tuple(
            name
            for name in report.missing
            if name not in other_shape and any(name.startswith(f"{path}.") for path in nodes)
        ),
        unexpected=tuple(unexpected),
        mismatched=other_shape,
        dtypes=report.dtypes,
        nodes=report.nodes,
        otherwise=otherwise,
    )


def _as_transformers_loads(network: Any, given: Mapping[str, Tensor], checkpoint: TransformersCheckpoint) -> Any:
    """A network of this configuration with a checkpoint, by transformers' own renaming, and what it says of it."""
    try:
        return type(network).from_pretrained(
            None,
            config=copy.deepcopy(network.config),
            state_dict=dict(given),
            output_loading_info=True,
            ignore_mismatched_sizes=True,
        )
    except Exception as error:  # transformers' converters may raise anything
        said = (str(error).strip().splitlines() or [""])[0][:300]
        text = f"transformers cannot load it as {checkpoint.model_type}: {type(error).__name__}: {said}"
        raise GraphError(Problem("bad-weights-file", Where(TRANSFORMERS + checkpoint.name), text)) from error


def _otherwise(place: str, mine: Any, given: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    """Settings of a node's configuration that differ from those of a checkpoint, and are not only of training."""
    own = mine.to_dict()
    theirs = type(mine).from_dict(dict(given)).to_dict()
    names = [name for name in theirs if name in own and not name.startswith("_") and name not in _SAME_NUMBERS]
    return {f"{place}.{name}": (own[name], theirs[name]) for name in names if _plain(own[name]) != _plain(theirs[name])}


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def _get(name: str, given: Path | None, file: str) -> Path | None:
    """A file of a checkpoint; None where it has none of this name."""
    if given is not None:
        path = (given if given.is_dir() else given.parent) / file
        return path if path.is_file() else None
    from huggingface_hub import hf_hub_download  # noqa: PLC0415
    from huggingface_hub.errors import EntryNotFoundError, LocalEntryNotFoundError  # noqa: PLC0415

    repo, revision = repository(name)
    try:
        return Path(hf_hub_download(repo, file, revision=revision))
    except LocalEntryNotFoundError as error:
        if file in (_CARD, _WEIGHTS):  # the one may be absent, in place of the other there may be several
            return None
        raise GraphError(_unreachable(name, file, error)) from error
    except EntryNotFoundError:
        return None
    except Exception as error:  # the hub's client raises many kinds
        raise GraphError(_unreachable(name, file, error)) from error


def _unreachable(name: str, file: str, error: Exception) -> Problem:
    said = (str(error).strip().splitlines() or [""])[0][:300]
    what = f"{_WEIGHTS} or {file}" if file == _INDEX else file
    text = f"{what} is not in the hub's cache and cannot be fetched ({type(error).__name__}: {said}); download "
    text += f"{_CONFIG} and {_WEIGHTS} from huggingface.co/{name} where there is a network, and give their folder: "
    return Problem("no-file", Where(TRANSFORMERS + name), f"{text}--file FOLDER")


def _json(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise GraphError(Problem("bad-weights-file", Where(str(path)), f"it cannot be read: {error}")) from error
    if not isinstance(found, dict):
        raise GraphError(Problem("bad-weights-file", Where(str(path)), f"expected a mapping, found {found!r:.60}"))
    return found


def _license(card: Path | None) -> str:
    """What a card says in its head; a licence of its own with its name and address."""
    if card is None:
        return ""
    from huggingface_hub import metadata_load  # noqa: PLC0415

    try:
        said: Mapping[str, Any] = metadata_load(card) or {}
    except (OSError, ValueError):
        return ""
    own = [str(said[key]) for key in ("license_name", "license_link") if said.get(key)]
    more = f" ({', '.join(own)})" if own else ""
    return f"{said.get('license', '')}{more}"
