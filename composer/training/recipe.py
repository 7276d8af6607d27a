"""The recipe: how a graph is trained, as a YAML file beside the graph.

A recipe is read with the same care as a graph file, has a canonical form, and says nothing about the machine. What it
leaves out is filled in by ``composer.training.defaults`` once the graph and the data are known.
"""

import json
import re
from collections.abc import Iterable, Mapping
from fractions import Fraction
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    ValidationError,
    WithJsonSchema,
    WrapValidator,
)

from composer.graph import Source
from composer.graph.file import atomic_write
from composer.graph.file.yamltext import MAX_BYTES, parse
from composer.graph.file.yamlwriter import dump
from composer.problems import Edit, Fix, GraphError, Problem, Where, is_typo, nearest, plain, suggestion

__all__ = [
    "SCHEMA",
    "Batches",
    "Checkpoints",
    "Clip",
    "Data",
    "Distributed",
    "Ema",
    "Evaluation",
    "Freeze",
    "Optimizer",
    "Part",
    "Policy",
    "Recipe",
    "Schedule",
    "Span",
    "Split",
    "Statistics",
    "dumps_recipe",
    "loads_recipe",
    "part_at",
    "read_recipe",
    "recipe_schema",
    "write_recipe",
    "written",
]

SCHEMA = 1
"""The version of the recipe format that this release writes."""

_BLOCKS = ("data", "augment", "policy")
"""Parts that are written in blocks; the others stand on a line each where they fit."""

_ALWAYS: Mapping[str, tuple[str, ...]] = {"optimizer": ("type", "lr", "weight_decay"), "schedule": ("type",)}
"""Keys of a part that is there which stand in a file even where they have their defaults."""

_MISSING: Mapping[tuple[int | str, ...], str] = {
    ("data",): ": where the samples are, {train: {path: FOLDER}}",
    ("graph",): ": the graph file",
}
_SPAN = re.compile(r"([0-9]+(?:\.[0-9]+)?)\s*(epochs?|steps?|%)")


class Span:
    """A stretch of a training: ``5 epochs``, ``500 steps`` or ``10%`` of the whole.

    Args:
        amount: How many.
        unit: ``epochs``, ``steps`` or ``%``.
    """

    __slots__ = ("amount", "unit")

    def __init__(self, amount: float, unit: str) -> None:
        self.amount = amount
        self.unit = unit

    @classmethod
    def parse(cls, text: Any) -> "Span":
        """Read one.

        Raises:
            ValueError: It is not of that form.
        """
        if isinstance(text, Span):
            return text
        match = _SPAN.fullmatch(text.strip()) if isinstance(text, str) else None
        if match is None:
            raise ValueError("expected a stretch of the training: '5 epochs', '500 steps' or '10%'")
        unit = match[2] if match[2] == "%" else f"{match[2].rstrip('s')}s"
        if unit == "steps" and "." in match[1]:
            raise ValueError("expected whole steps")
        if unit == "%" and float(match[1]) > 100:
            raise ValueError("expected at most 100%")
        return cls(float(match[1]), unit)

    def in_steps(self, *, epoch: int, total: int) -> int:
        """How many steps it has.

        Args:
            epoch: Steps of an epoch.
            total: Steps of the training.
        """
        amount = Fraction(str(self.amount))
        whole = {"epochs": amount * epoch, "steps": amount, "%": amount * total / 100}[self.unit]
        return round(whole)

    def __str__(self) -> str:
        number = f"{self.amount:.0f}" if self.amount == int(self.amount) else f"{self.amount:.12g}"
        return f"{number}%" if self.unit == "%" else f"{number} {self.unit if self.amount != 1 else self.unit[:-1]}"

    def __repr__(self) -> str:
        return f"Span({str(self)!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Span) and (self.amount, self.unit) == (other.amount, other.unit)

    def __hash__(self) -> int:
        return hash((self.amount, self.unit))


Stretch = Annotated[
    Span,
    BeforeValidator(Span.parse),
    PlainSerializer(str, return_type=str),
    WithJsonSchema({"type": "string", "pattern": r"^[0-9.]+ ?(epochs?|steps?|%)$", "examples": ["5 epochs", "10%"]}),
]


class Part(BaseModel):
    """A part of a recipe: no key but those it names."""

    model_config = ConfigDict(
        extra="forbid",
        strict=True,
        frozen=True,
        arbitrary_types_allowed=True,
        populate_by_name=True,
        validate_default=False,
    )


class OpenPart(Part):
    """A part with keys of its own and those of what it names: a class, a reader."""

    model_config = ConfigDict(extra="allow")

    @property
    def options(self) -> dict[str, Any]:
        """The keys that go to what it names."""
        return dict(self.model_extra or {})


class Split(OpenPart):
    """Samples of one split.

    Further keys are for the reader of the format, such as ``images`` (the folder of a COCO file's images) or
    ``columns`` (names of a CSV file's columns).

    Args:
        path: A folder or a file, from the recipe's folder.
        format: How it is read; by default by what lies there.
    """

    path: str
    format: str | None = None


class Data(Part):
    """The data.

    Args:
        train: What is trained on.
        val: What is measured on; without it a share of ``train`` is held back.
        hold_back: The share of ``train`` that is held back where there is no ``val``; by the seed, the same each time.
        limit: Train on so many samples, the same share of each class, by the seed; for a first try.
        columns: Which column goes to which input or data sample, by its name; by default the only one that fits.
        bad: What is done with an image that cannot be read: ``stop`` ends the training and names it, ``skip`` takes
            the next sample in its place and counts it.
    """

    train: Split
    val: Split | None = None
    hold_back: Annotated[float, Field(ge=0, lt=1)] = 0.1
    limit: Annotated[int | None, Field(ge=1)] = None
    columns: dict[str, str] = Field(default_factory=dict)
    bad: Literal["stop", "skip"] = "stop"


class Batches(Part):
    """How samples are dealt out.

    Args:
        batch: Samples in one step of the optimizer, over all processes and accumulated parts.
        accumulate: In how many parts a step is computed.
        workers: Processes that read and augment, per process that trains; None for what the machine has.
        prefetch: Batches that each of them reads ahead.
        shuffle: Whether the order is drawn anew for each epoch.
        drop_last: Whether the samples at the end of an epoch that do not fill a batch are left out.
    """

    batch: Annotated[int, Field(ge=1)] = 32
    accumulate: Annotated[int, Field(ge=1)] = 1
    workers: Annotated[int | None, Field(ge=0)] = None
    prefetch: Annotated[int, Field(ge=1)] = 2
    shuffle: bool = True
    drop_last: bool = True

    def steps_in_epoch(self, samples: int, world: int = 1) -> int:
        """How many batches so many samples make; none where they do not fill the only one.

        Each of several processes has as many samples of a batch, so up to ``world - 1`` samples of a last batch that is
        not full wait for another epoch.

        Args:
            samples: Samples that are trained on.
            world: How many processes train together.
        """
        whole, rest = divmod(samples, self.batch)
        return whole if self.drop_last or rest < world else whole + 1


class Optimizer(OpenPart):
    """The optimizer.

    Further keys are for the class: ``momentum``, ``betas``, ``nesterov``.

    Args:
        type: A class of ``torch.optim``, ``LARS`` or ``Lamb``.
        lr: Learning rate at full strength, for the whole batch.
        weight_decay: Weight decay.
        norm_decay_mult: Times the weight decay for weights and biases of normalisation.
        bias_decay_mult: Times the weight decay for all other biases.
        bias_lr_mult: Times the learning rate for these biases.
        no_decay: Names of parameters that do not decay beside these, such as ``pos_embed``: the last part of the name.
    """

    type: str = "AdamW"
    lr: Annotated[float, Field(ge=0)] = 1e-3
    weight_decay: Annotated[float, Field(ge=0)] = 0.05
    norm_decay_mult: Annotated[float, Field(ge=0)] = 0.0
    bias_decay_mult: Annotated[float, Field(ge=0)] = 0.0
    bias_lr_mult: Annotated[float, Field(ge=0)] = 1.0
    no_decay: list[str] = Field(default_factory=list)


class Schedule(Part):
    """The learning rate over the training, as a factor of each group's own.

    Args:
        type: ``constant``; ``cosine`` and ``linear`` fall to ``end``; ``poly`` falls to it with ``power``; ``step``
            multiplies by ``gamma`` at each of ``at``; ``one_cycle`` rises over ``warmup`` and falls to ``end``, both
            along a cosine.
        warmup: How long it rises in a straight line before, from ``warmup_start``.
        warmup_start: The factor at the first step.
        hold: How long it stays whole between the warm-up and its fall, for ``cosine``, ``linear`` and ``poly``.
        end: The factor at the end.
        cooldown: How long it stays at ``end`` in the end, for these.
        at: When ``step`` steps down.
        every: How often ``step`` steps down, in place of ``at``.
        gamma: The factor of each such step.
        power: The power of ``poly``.
    """

    type: Literal["constant", "cosine", "linear", "poly", "step", "one_cycle"] = "cosine"
    warmup: Stretch = Span(0, "steps")
    warmup_start: Annotated[float, Field(ge=0, le=1)] = 0.001
    hold: Stretch = Span(0, "steps")
    end: Annotated[float, Field(ge=0, le=1)] = 0.0
    cooldown: Stretch = Span(0, "steps")
    at: list[Stretch] = Field(default_factory=list)
    every: Stretch | None = None
    gamma: Annotated[float, Field(ge=0)] = 0.1
    power: Annotated[float, Field(gt=0)] = 1.0


class Clip(Part):
    """Gradients that are cut.

    Args:
        norm: The largest norm of all gradients together.
        value: The largest absolute value of an element.
    """

    norm: Annotated[float | None, Field(gt=0)] = None
    value: Annotated[float | None, Field(gt=0)] = None


class Ema(Part):
    """A moving average of all weights, which is measured and kept in place of them.

    Args:
        decay: What it keeps of itself in one step.
        warmup: Whether it keeps less at first: min(decay, (1 + step) / (10 + step)).
    """

    decay: Annotated[float, Field(ge=0, lt=1)] = 0.9998
    warmup: bool = True


class Freeze(Part):
    """How long a node stays as it is.

    Args:
        until: When it begins to train.
    """

    until: Stretch


def _one_of_freeze(given: Any, validate: Any) -> Any:
    """A mapping is ``Freeze`` and nothing else, so that a fault in it is reported once."""
    if isinstance(given, dict):
        return Freeze.model_validate(given)
    if given is None or isinstance(given, bool | Freeze):
        return given
    raise ValueError("expected true, false or {until: 10%}")


class Policy(Part):
    """How the weights of a node are trained; rules multiply, and an inner path overrides an outer one.

    Args:
        lr: Times the learning rate.
        decay: Times the weight decay.
        freeze: Whether it stays as it is, or until when; a part inside trains with ``freeze: false``.
        layer_decay: Times the learning rate for each layer that lies further from the end.
    """

    lr: Annotated[float | None, Field(ge=0)] = None
    decay: Annotated[float | None, Field(ge=0)] = None
    freeze: Annotated[bool | Freeze | None, WrapValidator(_one_of_freeze)] = None
    layer_decay: Annotated[float | None, Field(gt=0, le=1)] = None


class Evaluation(Part):
    """What is measured.

    Args:
        every: How often.
        metrics: Names of metrics; by default those that fit what the graph predicts.
        best: The metric that says which weights are best; by default the first one.
        mode: Whether more or less of it is better; by default as the metric says.
        batch: Samples in one batch; by default as in training.
        knn_among: Training samples that k-NN metrics look for neighbours in, at most; they lie evenly over all.
    """

    every: Stretch = Span(1, "epochs")
    metrics: list[str] | None = None
    best: str | None = None
    mode: Literal["max", "min"] | None = None
    batch: Annotated[int | None, Field(ge=1)] = None
    knn_among: Annotated[int, Field(ge=1)] = 10_000


class Checkpoints(Part):
    """When the whole state is written, beside the end of the training and a signal that asks it to stop.

    Args:
        every: How often.
        keep: How many are kept, beside the best.
    """

    every: Stretch = Span(1, "epochs")
    keep: Annotated[int, Field(ge=1)] = 2


class Statistics(Part):
    """When the numbers of every node are counted: what it gives, its weights and their gradients.

    Args:
        every: How often, from the first step on; by default some 200 times in a training, with 50 steps between two of
            them at least. ``0 steps`` is never.
    """

    every: Stretch | None = None


class Distributed(Part):
    """How several processes share the work; one process has nothing to share.

    Args:
        strategy: ``ddp`` keeps the whole model in each, ``fsdp`` a part of it.
        sync_norm: Whether BatchNorm counts over all processes.
    """

    strategy: Literal["ddp", "fsdp"] = "ddp"
    sync_norm: bool = False


class Recipe(Part):
    """How a graph is trained.

    Args:
        schema_: Version of the format.
        graph: The graph file, from the recipe's folder.
        weights: A weights file to begin with, from the recipe's folder.
        data: The data.
        augment: For each image input the steps that change its images in training, in order: ``{flip: {p: 0.5}}``; for
            a field of type Mask how patches are hidden. By default what suits the graph.
        mix: What mixes the images of a batch: ``{mixup: 0.2}``, ``{cutmix: 1.0}``.
        batches: How samples are dealt out.
        optimizer: The optimizer.
        schedule: Learning rate over time.
        epochs: How often every sample is seen.
        steps: How many steps are made, in place of ``epochs``.
        precision: ``fp32``, or autocast to ``bf16`` or ``fp16``.
        channels_last: Whether images and weights lie channels last; by default where the graph convolves.
        compile: Whether ``torch.compile`` is used.
        clip: Gradients that are cut.
        ema: A moving average of the weights.
        policy: How the weights of some nodes are trained, by the path of a node or a part of it.
        evaluation: What is measured, and when.
        checkpoints: When the state is written.
        statistics: When the numbers of every node are counted.
        distributed: Several processes.
        log: Where the numbers go beside the run's own log: ``tensorboard``, ``trackio``.
        seed: Order, augmentation and first weights follow it.
        metadata: Notes; they change nothing.
    """

    schema_: Annotated[Literal[1], Field(alias="schema")] = 1
    graph: str
    weights: str | None = None
    data: Data
    augment: dict[str, list[dict[str, Any] | str]] | None = None
    mix: dict[str, float] = Field(default_factory=dict)
    batches: Batches = Batches()
    optimizer: Optimizer | None = None
    schedule: Schedule | None = None
    epochs: Annotated[int | None, Field(ge=1)] = None
    steps: Annotated[int | None, Field(ge=1)] = None
    precision: Literal["fp32", "bf16", "fp16"] = "fp32"
    channels_last: bool | None = None
    compile: bool = False
    clip: Clip = Clip()
    ema: Ema | None = None
    policy: dict[str, Policy] = Field(default_factory=dict)
    evaluation: Evaluation = Evaluation()
    checkpoints: Checkpoints = Checkpoints()
    statistics: Statistics = Statistics()
    distributed: Distributed = Distributed()
    log: list[Literal["tensorboard", "trackio"]] = Field(default_factory=list)
    seed: Annotated[int, Field(ge=0, lt=2**63)] = 0
    metadata: dict[str, Any] = Field(default_factory=dict)

    def total_steps(self, epoch: int) -> int:
        """How many steps the whole training has.

        Args:
            epoch: Steps in an epoch; at least one is made in each.
        """
        return self.steps or (self.epochs or 1) * max(epoch, 1)

    def to_document(self, *, full: bool = False) -> dict[str, Any]:
        """As a recipe file has it.

        Args:
            full: With what has its default, as a run folder keeps it.
        """
        found = self.model_dump(mode="json", by_alias=True, exclude_defaults=not full)
        for name, kept in _ALWAYS.items():
            if found.get(name) is not None:
                found[name] = {key: getattr(getattr(self, name), key) for key in kept} | found[name]
        return {"schema": SCHEMA, **found}


def read_recipe(path: str | Path) -> Recipe:
    """Read a recipe file.

    Raises:
        GraphError: There is no such file, or it is not a recipe; carries all problems that were found.
    """
    try:
        with open(path, "rb") as file:
            text = file.read(MAX_BYTES + 1)
    except OSError as error:
        found = f"the recipe cannot be read: {error.strerror or error}"
        raise GraphError(Problem("cannot-read", Where(file=str(path)), found)) from None
    return loads_recipe(text, str(path))


def loads_recipe(text: bytes | str, file: str = "<string>") -> Recipe:
    """Read a recipe from YAML text.

    Args:
        text: The text.
        file: Its name in messages.

    Raises:
        GraphError: It is not a recipe; carries all problems that were found.
    """
    data, lines = parse(text, file)
    source = Source(file, lines)
    if not isinstance(data, dict):
        found = f"found {written(data)}, expected a recipe: keys such as graph, data and epochs"
        raise GraphError(Problem("bad-recipe", Where(file=file), found))
    version = data.get("schema", SCHEMA)
    if version != SCHEMA:
        found = f"found version {written(version)}, this release reads version {SCHEMA}"
        raise GraphError(Problem("recipe-schema", _where(source, ("schema",)), found))
    try:
        return Recipe.model_validate(data)
    except ValidationError as error:
        faults = list(_problems(error, data, source))
        renamed = {problem.fix.edits[0].path for problem in faults if problem.code == "recipe-key" and problem.fix}
        raise GraphError(
            [one for one in faults if one.code != "recipe-missing" or one.where.path not in renamed]
        ) from None


def dumps_recipe(recipe: Recipe, *, full: bool = False) -> str:
    """The recipe as YAML text in canonical form: equal recipes give the same bytes.

    Args:
        recipe: The recipe.
        full: With what has its default, as a run folder keeps it.
    """
    return dump(recipe.to_document(full=full), _BLOCKS)


def write_recipe(recipe: Recipe, path: str | Path, *, full: bool = False) -> None:
    """Write a recipe file at once: whatever happens, there is the old one or the new one."""
    try:
        atomic_write(path, dumps_recipe(recipe, full=full).encode())
    except OSError as error:
        found = f"the recipe cannot be written: {error.strerror or error}"
        raise GraphError(Problem("cannot-write", Where(file=str(path)), found)) from None


def recipe_schema(steps: Mapping[str, type[BaseModel]] | None = None) -> str:
    """The JSON schema of recipe files, for editors.

    Args:
        steps: What may stand in a list of ``augment``, by name: a step is its name, or its name with parameters.
    """
    schema = Recipe.model_json_schema(by_alias=True, mode="serialization")
    if steps:
        known = [_step_schema(name, kind) for name, kind in sorted(steps.items())]
        step = {"anyOf": [{"enum": sorted(steps)}, *known]}
        lists = {"type": "object", "additionalProperties": {"type": "array", "items": step}}
        schema["properties"]["augment"] |= {"anyOf": [lists, {"type": "null"}]}
    return json.dumps(schema, indent=2) + "\n"


def _step_schema(name: str, kind: type[BaseModel]) -> dict[str, Any]:
    """A step with parameters: a mapping of its name alone."""
    params = kind.model_json_schema(mode="serialization")
    about = str(params.pop("description", "")).partition("\n")[0]
    params.pop("title", None)
    return {
        "type": "object",
        "description": about,
        "properties": {name: params},
        "required": [name],
        "additionalProperties": False,
    }


def _problems(error: ValidationError, data: Mapping[str, Any], source: Source) -> Iterable[Problem]:
    """What a validator found, as problems at their places."""
    for found in error.errors(include_url=False, include_context=True):
        path = _in_document(found["loc"], data)
        name = str(path[-1]) if path else ""
        match found["type"]:
            case "extra_forbidden":
                yield _unknown_key(path, _keys_at(path[:-1]), data, source)
            case "missing":
                yield Problem("recipe-missing", _where(source, path), f"'{name}' is missing{_MISSING.get(path, '')}")
            case _:
                text = f"found {written(found['input'])}, {_expected(found, path)}"
                yield Problem("recipe-value", _where(source, path), text)


def _expected(fault: Any, path: tuple[str | int, ...]) -> str:
    """What would be right in place of a value; of a part, its keys."""
    if fault["type"] in ("model_type", "model_attributes_type", "dict_type"):
        return f"expected keys with values: {', '.join(_keys_at(path))}"
    text = plain(fault["msg"])
    return text[:1].lower() + text[1:]


def _in_document(loc: tuple[int | str, ...], data: Any) -> tuple[str | int, ...]:
    """A validator's place without the names of types that it puts between keys."""
    path: list[str | int] = []
    for position, key in enumerate(loc):
        last = position == len(loc) - 1
        inside = isinstance(data, dict) and key in data
        inside = inside or (isinstance(data, list) and isinstance(key, int) and key < len(data))
        if inside:
            data = data[key]
            path.append(key)
        elif last and isinstance(data, dict) and not isinstance(key, int) and key not in ("bool", "Freeze"):
            path.append(key)
    return tuple(path)


def part_at(path: tuple[str | int, ...]) -> type[Part]:
    """The part of a recipe that lies at some keys; where none does, the last one on the way.

    Args:
        path: The keys from the top.
    """
    part: Any = Recipe
    for key in path:
        field = part.model_fields.get(str(key)) if isinstance(part, type) and issubclass(part, Part) else None
        part = _part_of(field.annotation) if field is not None else part
    found: type[Part] = part
    return found


def _keys_at(path: tuple[str | int, ...]) -> list[str]:
    """The keys that a part of a recipe takes."""
    return [field.alias or name for name, field in part_at(path).model_fields.items()]


def _part_of(annotation: Any) -> Any:
    """The part that a key holds, also where it may be None or is one of a mapping."""
    if isinstance(annotation, type) and issubclass(annotation, Part):
        return annotation
    return next((found for one in get_args(annotation) if (found := _part_of(one)) is not None), None)


def _unknown_key(path: tuple[str | int, ...], known: list[str], data: Mapping[str, Any], source: Source) -> Problem:
    name = str(path[-1])
    inside = f" of {'.'.join(map(str, path[:-1]))}" if path[:-1] else ""
    text = f"'{name}' is no key{inside} of a recipe; {suggestion(name, known, 'keys')}"
    near = nearest(name, known, 1)
    fix = None
    if near and is_typo(name, near[0]):
        value: Any = data
        for key in path:
            value = value[key]
        keys = tuple(map(str, path))
        edits = (Edit((*keys[:-1], near[0]), value), Edit(keys, remove=True))
        fix = Fix(f"rename '{name}' to '{near[0]}'", edits)
    return Problem("recipe-key", _where(source, path), text, fix)


def _where(source: Source, path: tuple[str | int, ...]) -> Where:
    line, column = source.position(path)
    return Where(".".join(map(str, path)), source.file, line, column, path=path)


def written(value: Any) -> str:
    """A value as messages show it: as JSON, cut where it is long."""
    text = json.dumps(value, default=str, ensure_ascii=False)
    return text if len(text) <= 60 else f"{text[:60]}..."
