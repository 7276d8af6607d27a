"""A graph while it is drawn from a config."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from composer.catalog import Catalog
from composer.catalog.component import Component
from composer.graph import FrozenDict, Graph, Input, Node, Ref, Subgraph, Weights, Wired, freeze
from composer.openmmlab.images.data_sets import TestedImages
from composer.openmmlab.images.inputs import read_image
from composer.openmmlab.images.preprocessors import read_second_preprocess
from composer.openmmlab.init_rules import Rules, checkpoints_of, rules_for_parts
from composer.openmmlab.names import scoped_type, split_type
from composer.openmmlab.notes import left_to_caller, not_understood, outside_catalog
from composer.openmmlab.parts import PartReader, ReadPart
from composer.openmmlab.plain import plain
from composer.problems import Problem, Where

__all__ = ["COMMON", "IMAGES", "METADATA", "TRAINING", "Flow", "GraphDraft", "Place", "behind", "entry_of", "resized"]

COMMON = ("_scope_", "data_preprocessor", "init_cfg", "pretrained", "test_cfg", "train_cfg", "type")
"""What the config of every model may have."""

METADATA = "openmmlab"
"""Under this name a graph's metadata holds what its config says beyond the graph."""

IMAGES = "images"
"""Under this name that holds what the config says beside its model of the images."""

TRAINING = "training"
"""Under this name a graph's metadata holds what training loops need to know (``composer.training``)."""

Place = Literal["backbone", "neck", "head"]
"""What a part is by where it stands; a placeholder's ports are named after it."""

_BY_PLACES = "its parts are wired one after the other, in the order of their places"
_NOTHING: Mapping[str, Any] = FrozenDict()


@dataclass(frozen=True, slots=True)
class Flow:
    """What comes out of a part.

    Args:
        ref: The output.
        levels: Whether it is a sequence: what OpenMMLab's parts hand on is a tuple, of which the next one takes the
            last entry unless it takes them all.
    """

    ref: Ref
    levels: bool = False

    @property
    def last(self) -> Ref:
        """The last level."""
        return Ref(self.ref.source, self.ref.port, -1) if self.levels else self.ref


@dataclass
class GraphDraft:
    """The parts drawn so far.

    Args:
        catalog: The components.
        package: The package that the config is of.
        algorithm: The type of the whole model, as written.
        rules: Initialisation rules of the whole model that its parts follow.
        images: What the config says beside the model of the images; None where only the model is at hand.
        classes: What labels count.
    """

    catalog: Catalog
    package: str
    algorithm: str
    rules: Rules = ()
    images: TestedImages | None = None
    classes: tuple[str, ...] = ()
    inputs: dict[str, Input] = field(default_factory=dict)
    data_samples: dict[str, Input] = field(default_factory=dict)
    nodes: dict[str, Node] = field(default_factory=dict)
    graphs: dict[str, Subgraph] = field(default_factory=dict)
    outputs: dict[str, dict[str, Ref]] = field(default_factory=dict)
    carried: dict[str, Any] = field(default_factory=dict)
    training: dict[str, Any] = field(default_factory=dict)
    notes: list[Problem] = field(default_factory=list)
    last_only: dict[str, int] = field(default_factory=dict)
    not_drawn: str = ""

    @property
    def reader(self) -> PartReader:
        """Reads parts as the config's package means them."""
        return PartReader(self.catalog, self.package, self.rules, lambda value: self._strange(value))

    def graph(self) -> Graph:
        """The finished graph."""
        about: dict[str, Any] = {"package": self.package, "algorithm": self.algorithm, "config": self.carried}
        if self.images is not None and self.images.kept:
            about[IMAGES] = self.images.kept
        return Graph(
            name=split_type(self.algorithm)[1],
            about=f"Imported from an OpenMMLab config ({self.package}, {self.algorithm}).",
            inputs=FrozenDict(self.inputs),
            data_samples=FrozenDict(self.data_samples),
            nodes=FrozenDict(self.nodes),
            graphs=FrozenDict(self.graphs),
            outputs=FrozenDict({mode: FrozenDict(refs) for mode, refs in self.outputs.items()}),
            classes=self.classes,
            metadata=freeze({METADATA: about, **({TRAINING: self.training} if self.training else {})}),
        )

    def carry(self, key: str, value: Any) -> None:
        """Keep a setting of the whole model that the graph itself does not hold."""
        self.carried[key] = plain(value, self._strange)

    def image(
        self, config: Mapping[str, Any], backbone: Any, *, two_norms: bool = False, size: tuple[int, int] | None = None
    ) -> Flow:
        """The input: images prepared as the config's pipeline for testing and ``data_preprocessor`` say.

        Args:
            config: The config of the whole model.
            backbone: That of its backbone.
            two_norms: Whether a second image, prepared in another way, is drawn too (``target_image``).
            size: Height and width where nothing says them; by default those that the backbone is made for.
        """
        found = read_image(config, backbone, self.images, two_norms=two_norms, size=size)
        self.notes.extend(found.notes)
        if "data_preprocessor" in config:
            self.carry("data_preprocessor", found.beyond)
        self.inputs["image"] = found.entry
        return Flow(Ref("image"))

    def views(self, config: Mapping[str, Any], count: int) -> list[Flow]:
        """The inputs ``view_1``, ``view_2`` ... of images that are prepared alike."""
        self.image(config, config.get("backbone"))
        entry = self.inputs.pop("image")
        names = [f"view_{number}" for number in range(1, count + 1)]
        self.inputs |= dict.fromkeys(names, entry)
        return [Flow(Ref(name)) for name in names]

    def call_again(self, weights: Mapping[str, Weights], suffix: str, moved: Mapping[str, Ref]) -> None:
        """Call nodes once more, on something else.

        Args:
            weights: The nodes in the order of their wires, and where the weights of their new calls come from.
            suffix: What is put behind their ids.
            moved: What the new nodes take in place of an input, or of a node's outputs.
        """

        def again(ref: Ref) -> Ref:
            return moved.get(ref.source) or (behind(suffix, ref) if ref.source in weights else ref)

        for name, rule in weights.items():
            inputs = {port: wire.map(again) for port, wire in self.nodes[name].inputs.items()}
            self.nodes[f"{name}{suffix}"] = Node(weights=rule, inputs=FrozenDict(inputs))

    def target_image(self, config: Mapping[str, Any], size: tuple[int, int]) -> Flow:
        """A second input, of which targets are made: the same image in its own size, with its own mean and std."""
        first = self.inputs["image"]
        given = config.get("data_preprocessor")
        steps = first.preprocess
        if steps is not None and isinstance(given, Mapping):
            steps = read_second_preprocess(plain(given), steps, size)
        self.inputs["target_image"] = Input("Image", (*(first.shape or ("B", 3))[:2], *size), steps)
        return Flow(Ref("target_image"))

    def parts(self, slot: str, config: Any, source: Flow, place: Place, **wires: Wired) -> Flow:
        """The node of a part, or the nodes of a list of parts one after the other.

        Args:
            slot: Where the part stands in the config; the node's id. In a list the ids are numbered from 0.
            config: The part, a list of them, or None.
            source: What flows in.
            place: What it is by where it stands.
            wires: Further ports that are wired where the component has them.

        Returns:
            What flows out; ``source`` if there is no part.
        """
        if config is None:
            self.carried[slot] = None
            return source
        if not isinstance(config, list | tuple):
            flow, self.carried[slot] = self._placed(slot, slot, config, source, place, wires)
            return flow
        self.carried[slot] = carried = []
        for index, one in enumerate(config):
            here: Place = "neck" if index and place == "backbone" else place
            source, beyond = self._placed(f"{slot}_{index}", f"{slot}.{index}", one, source, here, wires)
            carried.append(beyond)
        return source

    def node(self, name: str, kind: str, params: Mapping[str, Any] = _NOTHING, **wires: Wired) -> Flow:
        """A node that no part of the config stands for; what flows out is its first output."""
        self.nodes[name] = Node(kind, params=freeze(params), inputs=FrozenDict(wires))
        return self._first_output(name, kind)

    def part(
        self, name: str, config: Mapping[str, Any], path: str | None = None, /, **wires: Wired
    ) -> tuple[Flow, dict[str, Any]]:
        """The node of a part whose ports are given one by one.

        Args:
            name: Its id.
            config: The part.
            path: Where it stands in the config; by default under the id.
            wires: Its inputs.

        Returns:
            What flows out, and what the config says beyond the node.
        """
        read = self.reader.read(config)
        self.nodes[name] = Node(read.type, params=freeze(read.params), inputs=FrozenDict(wires))
        self.report_beyond(f"model.{path or name}", config, read)
        return self._first_output(name, read.type), dict(read.carried)

    def not_understood(self, path: str, text: str, known: Sequence[str] = ()) -> None:
        """Report a setting that has no effect in the graph."""
        self.notes.append(not_understood(path, text, known))

    def left_to_caller(self, path: str, text: str) -> None:
        """Report a setting about training or data."""
        self.notes.append(left_to_caller(path, text))

    def report_beyond(self, path: str, config: Mapping[str, Any], read: ReadPart) -> None:
        """Report what of a part its node does not hold: settings without effect, and checkpoints."""
        for key, text in read.wrong.items():
            self.not_understood(f"{path}.{key}", text)
        self.report_checkpoints(path, config)

    def report_checkpoints(self, path: str, config: Mapping[str, Any]) -> None:
        """Report the files whose weights a part begins with: they are not loaded."""
        self._report_rules(path, config.get("init_cfg"))
        if "tokenizer_path" in self.reader.beside(config):
            self._report_checkpoint(f"{path}.tokenizer_path", str(config["tokenizer_path"]))
        if config.get("pretrained") is True:  # timm's own weights
            name = config.get("model_name")
            text = f"timm's weights are not fetched: 'composer weights timm/{name}' puts them into the graph"
            self.left_to_caller(f"{path}.pretrained", text)
        elif config.get("pretrained"):
            self._report_checkpoint(f"{path}.pretrained", str(config["pretrained"]))
        if config.get("checkpoint_path"):
            self._report_checkpoint(f"{path}.checkpoint_path", str(config["checkpoint_path"]))

    def report_training(self, config: Mapping[str, Any]) -> None:
        """Report what the config says about training."""
        if config.get("train_cfg"):
            text = "what happens in training is left to the training script: the graph takes samples as they come"
            self.left_to_caller("model.train_cfg", text)

    def draws_by_places(self, reason: str) -> None:
        """Note why the config of a known algorithm is drawn as that of an unknown one."""
        self.not_drawn = reason

    def unknown_algorithm(self, kept: Sequence[str], drawn: str = _BY_PLACES) -> None:
        """Report how the parts of an algorithm that is not known are drawn, and which settings are kept beside them."""
        kind = split_type(self.algorithm)[1]
        text = f"{kind} is known, but not drawn: {self.not_drawn}" if self.not_drawn else ""
        text = text or f"{kind} is no algorithm that is known"
        text += f": {drawn}"
        text += f"; kept in the metadata: {', '.join(kept)}" if kept else ""
        self.notes.insert(0, Problem("unknown-algorithm", Where("model.type"), text, severity="warning"))

    def initialization(self, init_cfg: Any, pretrained: Any = None) -> None:
        """Rules of the whole model: those that every part follows, and notes about the others."""
        self.report_checkpoints("model", {"init_cfg": init_cfg, "pretrained": pretrained})
        rules, named = rules_for_parts(plain(init_cfg))
        self.rules = rules
        if named:
            text = "rules of the whole model that name its children are not followed: give them to the part itself"
            self.not_understood("model.init_cfg", text)

    def report_dropped_levels(self) -> None:
        """Report which parts take one of several levels; without a head OpenMMLab's give all of them out."""
        for path, levels in self.last_only.items():
            text = (
                f"it takes the last of {levels} levels, so only that one reaches the output, where OpenMMLab's gives "
            )
            text += "one answer a level: wire a node for each level that is wanted"
            self.left_to_caller(f"model.{path}", text)

    def _placed(
        self, name: str, path: str, config: Any, source: Flow, place: Place, wires: Mapping[str, Wired]
    ) -> tuple[Flow, Any]:
        if not isinstance(config, Mapping) or "type" not in config:
            text = f"expected a dict with a type, found {plain(config)!r:.80}"
            self.not_understood(f"model.{path}", text)
            return source, plain(config)
        component = self.reader.component(scoped_type(config))
        port, taken = entry_of(component, source, place)
        levels = self._level_count(source) if taken != source.ref else 1
        if levels > 1:
            self.last_only[path] = levels
        more = {key: wire for key, wire in wires.items() if component is not None and key in component.input_by_name}
        flow, beyond = self.part(name, config, **{port: taken}, **more)
        return (Flow(flow.ref, levels=place != "head") if component is None else flow), beyond

    def _level_count(self, source: Flow) -> int:
        """How many levels flow out of a node, where one of its parameters says so."""
        node = self.nodes.get(source.ref.source)
        component = self.catalog.get(node.type) if node is not None else None
        parameter = component.parameter_by_name.get("out_indices") if component is not None else None
        if node is None or parameter is None:
            return 1
        levels = node.params.get("out_indices", parameter.default)
        return len(levels) if isinstance(levels, tuple | list) else 1

    def _first_output(self, name: str, kind: str) -> Flow:
        component = self.catalog.get(kind)
        if component is None:
            self.notes.append(outside_catalog(name, kind, self.catalog))
            return Flow(Ref(name, "out"))
        port = component.outputs[0]
        return Flow(Ref(name, port.name), port.type.is_sequence)

    def _report_rules(self, path: str, init_cfg: Any) -> None:
        for file in checkpoints_of(plain(init_cfg)):
            self._report_checkpoint(f"{path}.init_cfg", file)

    def _report_checkpoint(self, path: str, file: str) -> None:
        self.left_to_caller(path, f"the weights in {file} are not loaded: load them into the model once it is built")

    def _strange(self, value: Any) -> None:
        text = f"found {value!r:.80} ({type(value).__name__}), expected plain data; its text is kept"
        self.not_understood("model", text)


def entry_of(component: Component | None, source: Flow, place: Place) -> tuple[str, Ref]:
    """The port of a part that takes what flows in, and the wire to it."""
    if component is None:
        return ("image" if place == "backbone" else "feature"), source.ref
    port = component.inputs[0]
    return port.name, source.ref if port.type.is_sequence else source.last


def behind(suffix: str, ref: Ref) -> Ref:
    """The same output of the node with the suffix behind its id."""
    return replace(ref, source=f"{ref.source}{suffix}")


def resized(entry: Input, height: int, width: int) -> Input:
    """An input in another size, to which images are resized whole."""
    steps = entry.preprocess
    if steps is not None:
        steps = replace(steps, resize=(height, width), crop=None, crop_padding=None, pad=None)
    return Input(entry.type, (*(entry.shape or ("B", 3))[:2], height, width), steps)
