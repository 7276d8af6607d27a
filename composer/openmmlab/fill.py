"""A template filled with the parts and settings of a config: from the config of a model to its graph."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from types import MappingProxyType
from typing import Any, Literal

from composer.graph import FrozenDict, Input, Node, Ref, Subgraph, Weights, Wire, Wired, freeze
from composer.openmmlab.conditions import VALUES, conditions_of, is_listed, rows_of
from composer.openmmlab.draft import Flow, GraphDraft, Place, entry_of, resized
from composer.openmmlab.images.preprocessors import USUAL_SIZE
from composer.openmmlab.names import split_type
from composer.openmmlab.plain import plain, same
from composer.openmmlab.template import Setting, Template, at_path, kind_of, resolved, wrong_sections
from composer.openmmlab.trace import DIGITS, kept_share

__all__ = ["PATCH", "fill", "listed", "renamed"]

PATCH = 16
"""Pixels of a patch, down and across, where a config does not say it."""

_STRIDE = 8  # pixels that DALL-E's tokenizer gives one word

_EXPECTED: Mapping[str, tuple[Callable[[Any], bool], str]] = MappingProxyType(
    {
        "anything": (lambda value: True, ""),
        "count": (lambda value: type(value) is int and value > 0, "a whole number from 1"),
        "flag": (lambda value: type(value) is bool, "true or false"),
        "number": (lambda value: type(value) in (int, float), "a number"),
        "share": (lambda value: type(value) in (int, float) and 0 <= value <= 1, "a number from 0 to 1"),
        "share below 1": (lambda value: type(value) in (int, float) and 0 <= value < 1, "a number from 0 to below 1"),
        "rows": (
            lambda value: not is_listed(value) or rows_of(value) is not None,
            "a file, a data set, or one row of numbers for each prototype",
        ),
    }
)
_CALL = re.compile(r"(\w+)\((.+)\)")


def renamed(config: Mapping[str, Any], names: Mapping[str, str]) -> Mapping[str, Any]:
    """A part with other names for settings that are set, in place of what has these names."""
    keys = {old: new for old, new in names.items() if config.get(old)}
    return {keys.get(key, key): value for key, value in config.items() if key not in keys.values()} if keys else config


def fill(template: Template, config: Mapping[str, Any], draft: GraphDraft) -> None:
    """Draw a config by its template.

    Args:
        template: The algorithm.
        config: The config of the whole model.
        draft: Takes the graph, and what there is to report.
    """
    template = template.repeated(plain(at_path(config, at_path(template.data, "repeats.key", ""))))
    holds = conditions_of(template, draft.package)
    meant = _with_defaults(config, resolved(template.data, partial(holds, config))["nodes"])
    data = resolved(template.data, partial(holds, meant))
    _Filling(template, config, draft, data, Template(template.name, data).settings).draw()


def _with_defaults(config: Mapping[str, Any], nodes: Mapping[str, Any]) -> Mapping[str, Any]:
    """A config that says the parts within its parts that it leaves out."""
    found = dict(config)
    for entry in nodes.values():
        outer, _, last = entry.get("slot", "").rpartition(".")
        around = found.get(outer)
        if "default" in entry and isinstance(around, Mapping) and last not in around:
            found[outer] = {**around, last: entry["default"]}
    return found


@dataclass
class _Filling:
    """One template while it is filled.

    Args:
        template: The algorithm.
        config: The config of the whole model.
        draft: Takes the graph.
        data: The template without conditions.
        settings: Those of its settings that count.
    """

    template: Template
    config: Mapping[str, Any]
    draft: GraphDraft
    data: Mapping[str, Any]
    settings: Sequence[Setting]
    flows: dict[str, Flow | None] = field(default_factory=dict)
    names: dict[str, list[str]] = field(default_factory=dict)
    values: dict[str, Any] = field(default_factory=dict)
    scope: str = ""

    def draw(self) -> None:
        """Draw everything; what needs a part that is missing is left out."""
        self._sections()
        self._inputs()
        for slot in self.data.get("kept", ()):
            if slot in self.config:
                self.draft.carry(slot, self.config[slot])
        self.values = {setting.key: self._setting(setting) for setting in self.settings}
        self.flows |= {name: Flow(Ref(name)) for name in (*self.draft.inputs, *self.data.get("data_samples", {}))}
        self._nodes()
        for slot in self.template.slots:
            top = slot.partition(".")[0]
            if top in self.config and top not in self.draft.carried:
                self.draft.carry(top, self.config[top])
        self._outputs()
        self._data_samples()
        self.draft.training |= self.data.get("training", {}) if "loss" in self.draft.outputs else {}
        for path, text in self.data.get("notes", {}).items():
            self.draft.left_to_caller(path, text)

    def _sections(self) -> None:
        """Report what is wrong with settings that are dicts of settings."""
        for path, spec in self.data.get("sections", {}).items():
            found = at_path(self.config, path)
            if "." not in path:
                wrong = wrong_sections(found, f"model.{path}", spec.get("dicts", ()), spec.get("needed", ()))
                for place, text in wrong.items():
                    self.draft.not_understood(place, text)
            if not isinstance(found, Mapping):
                continue
            known = spec.get("only", spec.get("known", found))
            text = f"{kind_of(found)} has no such setting" if "only" in spec else "it has no effect in the graph"
            for key in [key for key in found if key not in known]:
                self.draft.not_understood(f"model.{path}.{key}", text, known)
            types = spec.get("types", ())
            if types and kind_of(found) not in types:
                text = (
                    f"found {kind_of(found) or 'none'}, known are {', '.join(types)}: it is drawn as the first of them"
                )
                self.draft.not_understood(f"model.{path}.type", text)

    def _nodes(self) -> None:
        waiting = dict(self.data["nodes"])
        while waiting:  # a template that continues another one adds nodes behind those that they flow into
            name = next(one for one in waiting if not self._sources(waiting[one]) & waiting.keys())
            self._node(name, waiting.pop(name))

    def _inputs(self) -> None:
        entries = self.data["inputs"]
        second = any(entry.get("second") for entry in entries.values())
        backbone = self.config.get(self.template.slots[0])
        first = backbone[0] if isinstance(backbone, list | tuple) and backbone else backbone
        usual = next((entry["usual"] for entry in entries.values() if "usual" in entry), None)
        self.draft.image(self.config, first, two_norms=second, size=None if usual is None else (usual, usual))
        image = self.draft.inputs.pop("image")
        self.draft.inputs["image"] = image
        for name, entry in entries.items():
            if entry.get("second"):
                self.draft.target_image(self.config, self._words())
            else:
                size, (share, whole) = entry.get("size"), entry.get("share", (1, 1))
                height, width = (size, size) if size else self._image_size()
                whole_image = size is None and share == whole
                self.draft.inputs[name] = (
                    image if whole_image else resized(image, height * share // whole, width * share // whole)
                )
        if "image" not in entries:
            del self.draft.inputs["image"]

    def _words(self) -> tuple[int, int]:
        """The size of the image of which targets are made: as large as gives each patch one visual word."""
        target = part_at(self.config, "target_generator")
        if kind_of(target) == "DALL-E":
            down, across = self._cells(patch_of(part_at(self.config, "backbone").get("patch_size"), PATCH))
            return down * _STRIDE, across * _STRIDE
        size = part_at(target, "encoder_config").get("img_size")
        return (size, size) if type(size) is int else self._image_size()

    def _image_size(self) -> tuple[int, int]:
        shape = self.draft.inputs["image"].shape or ()
        height, width = (size if isinstance(size, int) else USUAL_SIZE for size in shape[2:])
        return height, width

    def _cells(self, cell: tuple[int, int]) -> tuple[int, int]:
        """How many cells of a size cover the image, down and across."""
        height, width = self._image_size()
        return -(-height // cell[0]), -(-width // cell[1])

    def _setting(self, setting: Setting) -> Any:
        """What a key of the config says; its default where it says nothing, or what it cannot mean."""
        missing = object()
        given = at_path(self.config, setting.key, missing)
        if setting.expect == "divisor":
            return self._divisor(given)
        if setting.section and isinstance(section := self._section(setting), Mapping):
            given = at_path(section, setting.key[len(setting.section) + 1 :], missing)
            if setting.expect == "overlap":
                return self._overlap(setting, section)
            if given is missing and setting.unsaid is not None and section:
                return setting.unsaid
        if given is missing:
            return setting.default
        if "." not in setting.key and not (setting.expect == "rows" and rows_of(given) is not None):
            self.draft.carry(setting.key, given)
        return self._meant(setting, given)

    def _meant(self, setting: Setting, given: Any) -> Any:
        """What a value of the config means; the default of its setting where it cannot mean anything."""
        kept = setting.expect == "kept share"
        share = kept_share(given, self.draft.package) if kept else None
        fits, text = _EXPECTED["share" if kept else setting.expect]
        if (share is None) if kept else not fits(given):
            self.draft.not_understood(f"model.{setting.key}", f"expected {text}, found {plain(given)!r:.80}")
            return setting.default
        if setting.expect == "rows":
            return rows_of(given)
        if setting.expect in ("number", "share", "share below 1"):
            return float(given)
        return share if kept else plain(given)

    def _section(self, setting: Setting) -> Any:
        """The section around a setting, or the one that counts instead."""
        found = at_path(self.config, setting.section)
        return at_path(self.config, setting.instead) if found is None and setting.instead is not None else found

    def _divisor(self, given: Any) -> int:
        """What the sides of images are padded to multiples of, in ``data_preprocessor`` or in the pipeline."""
        if type(given) is int and given > 1:
            return given
        steps = self.draft.inputs["image"].preprocess
        return int((steps.pad or {}).get("divisor", 1)) if steps is not None else 1

    def _overlap(self, setting: Setting, section: Mapping[str, Any]) -> Any:
        """The threshold of the non-maximum suppression that ``nms`` describes; other kinds are reported."""
        nms = plain(section.get("nms", {"type": "nms", "iou_threshold": setting.default}))
        value = at_path(nms, "iou_threshold", 0.5)
        beyond = [key for key in nms if key not in ("type", "iou_threshold")] if isinstance(nms, Mapping) else ["nms"]
        plainly = split_type(at_path(nms, "type", "nms"))[1] == "nms"
        if not plainly or beyond or not isinstance(value, int | float):
            text = f"found {nms!r:.100}, expected the type nms with an iou_threshold: its other settings have no effect"
            self.draft.not_understood(f"model.{setting.section}.nms", text)
        return value if isinstance(value, int | float) else setting.default

    def _node(self, name: str, entry: Mapping[str, Any]) -> None:
        if "slots" in entry:
            self._chain(name, entry)
        elif "weights" in entry:
            self._again(name, entry)
        elif self._lacks(entry):
            self.flows[name] = None
        elif "slot" in entry:
            self.flows[name] = self._part(name, entry)
        elif "graph" in entry:
            self._subgraph(name, entry)
        else:
            self.flows[name] = self.draft.node(name, entry["type"], {}, **self._wires(entry))
            self._set_params(name, entry)

    def _subgraph(self, name: str, entry: Mapping[str, Any]) -> None:
        """A call of a subgraph, which is drawn in a scope of its own."""
        data = self.data["graphs"][entry["graph"]]
        around, self.draft.nodes = self.draft.nodes, {}
        inside = replace(self, data={**self.data, **data}, flows={}, names={}, scope=name)
        inside.flows = {one: Flow(Ref(one)) for one in data["inputs"]}
        inside._nodes()
        self.draft.graphs[entry["graph"]] = Subgraph(
            inputs=FrozenDict({one: Input(kind) for one, kind in data["inputs"].items()}),
            nodes=FrozenDict(self.draft.nodes),
            outputs=FrozenDict(inside._there(data["outputs"])),
        )
        self.draft.nodes = around
        self.draft.nodes[name] = Node(graph=entry["graph"], inputs=FrozenDict(self._wires(entry)))
        self.flows[name] = Flow(Ref(name))

    def _there(self, refs: Mapping[str, str]) -> dict[str, Ref]:
        """The outputs that something is drawn for."""
        return {name: self._ref(text) for name, text in refs.items() if self.flows[Ref.parse(text).source] is not None}

    def _sources(self, entry: Mapping[str, Any]) -> set[str]:
        """What a node of the template needs."""
        rule = entry.get("weights", {})
        wires = [*entry.get("inputs", {}).values(), entry.get("flow"), rule.get("share"), rule.get("momentum")]
        return {Ref.parse(text).source for wire in wires if wire is not None for text in listed(wire)}

    def _lacks(self, entry: Mapping[str, Any]) -> bool:
        """Whether something that a node needs is missing; an empty slot of which it takes a port is reported."""
        ports = [Ref.parse(text) for wire in entry.get("inputs", {}).values() for text in listed(wire)]
        empty = [ref.source for ref in ports if ref.port is not None and self.names.get(ref.source) == []]
        for slot in {self.data["nodes"][name]["slots"] for name in empty if "slots" in self.data["nodes"][name]}:
            if not any(note.where.subject == f"model.{slot}" for note in self.draft.notes):
                self.draft.not_understood(f"model.{slot}", "expected a dict with a type, found None")
        return bool(empty) or any(self.flows[name] is None for name in self._sources(entry))

    def _chain(self, name: str, entry: Mapping[str, Any]) -> None:
        """A part, or parts one after the other; without one, what flows in flows out."""
        slot, source = entry["slots"], self._flow(entry["flow"])
        before = set(self.draft.nodes)
        if source is None:
            self.flows[name] = None
            return
        if "." in slot:  # one part, in a part
            given = at_path(self.config, slot) is not None
            self.names[name] = [name] if given else []
            alone = {"slot": slot, "inputs": {"feature": entry["flow"]}}
            self.flows[name] = self._part(name, alone) if given else source
            return
        if slot in self.config or slot == self.template.slots[0]:
            place: Place = "backbone" if slot == self.template.slots[0] else "neck"
            wires = self._wires(entry)
            source = self.draft.parts(slot, self.config.get(slot), source, place, **wires)
        self.names[name] = [one for one in self.draft.nodes if one not in before]
        self.flows[name] = source
        for one in self.names[name][:1]:
            self._set_params(one, entry)

    def _part(self, name: str, entry: Mapping[str, Any]) -> Flow | None:
        """A part of its own, which has to be there."""
        path, config = self._given(entry)
        outer, _, last = path.rpartition(".")
        carried = at_carried(self.draft.carried, outer) if outer else self.draft.carried
        if path.partition(".")[0] in self.data.get("kept", ()):
            carried = None
        types, given = entry.get("types", ()), isinstance(config, Mapping) and "type" in config
        if not given or (types and kind_of(config) not in types):
            if carried is not None:
                carried[last] = plain(config)
            text = f"a dict with the type {' or '.join(types)}" if types else "a dict with a type"
            self.draft.not_understood(f"model.{path}", f"expected {text}, found {plain(config)!r:.80}")
            return None
        inner = {slot[len(path) + 1 :] for slot in self.template.slots if slot.startswith(f"{path}.")}
        inner |= {*entry.get("outside", ())}
        for key, text in entry.get("refuses", {}).items():
            if isinstance(value := config.get(key), int | float) and value > 0:
                self.draft.not_understood(f"model.{path}.{key}", f"found {value}, {text}")
        config = renamed(config, entry.get("renames", {}))
        own = {key: value for key, value in config.items() if key not in inner}
        if kind_of(config) in entry.get("passes", ()):
            self.draft.carry(path, own)
            self.names[name] = []
            return self._flow(entry["flow"])
        own["type"] = entry.get("takes", {}).get(kind_of(config), config["type"])
        if "flow" in entry:
            source = self._flow(entry["flow"])
            assert source is not None
            flow = self.draft.parts(name, own, source, entry.get("place", "head"), **self._wires(entry))
            beyond = self.draft.carried.pop(name)
        else:
            flow, beyond = self.draft.part(name, own, path, **self._wires(entry))
        if own["type"] != config["type"]:
            beyond["type"] = plain(config["type"])
        if carried is not None and (not outer or last in at_path(self.config, outer)):
            carried[last] = beyond
        self._set_params(name, entry)
        self.names[name] = [name]
        return flow

    def _given(self, entry: Mapping[str, Any]) -> tuple[str, Any]:
        """Where the part of a slot stands, and what stands there, or what counts where nothing does."""
        path = entry["slot"]
        config = at_path(self.config, path, entry.get("default"))
        if config is None and "else" in entry:
            path = entry["else"]
            config = at_path(self.config, path)
        if config is None and entry.get("or_none"):
            config = entry["default"]
        return path, {"type": entry["usual"], **config} if "usual" in entry and isinstance(config, Mapping) else config

    def _again(self, name: str, entry: Mapping[str, Any]) -> None:
        """All nodes of a slot once more, with weights that are shared or follow as an average."""
        rule = entry["weights"]
        kind: Literal["share", "momentum"] = "share" if "share" in rule else "momentum"
        again = rule[kind]
        self.flows[name] = None
        if self._lacks(entry):
            return
        options = {key: self._value(value) for key, value in rule.items() if key != kind}
        flow = self._flow(entry["flow"]) if "flow" in entry else None
        names = self.names[again]
        suffix = name.removeprefix(again) if name.startswith(again) else None
        copies = [f"{one}{suffix}" if suffix is not None else name for one in names]
        for index, (one, copy) in enumerate(zip(names, copies, strict=True)):
            inputs = dict(self._wires(entry)) if index == 0 else {}
            if flow is not None:
                component = self.draft.catalog.get(self._type_of(one))
                inputs = {key: wire for key, wire in inputs.items() if component and key in component.input_by_name}
                place: Place = "backbone" if index == 0 and again == next(iter(self.names)) else "neck"
                port, wire = entry_of(component, flow, place)
                inputs = {port: wire, **inputs}
                flow = Flow(self._moved(one, copy), self._gives_levels(one, again))
            self.draft.nodes[copy] = Node(weights=Weights(kind, one, **options), inputs=FrozenDict(inputs))
        self.names[name] = copies
        last = self.flows[again]
        self.flows[name] = flow if flow is not None else Flow(Ref(name, last.ref.port), last.levels) if last else None

    def _type_of(self, name: str) -> str | None:
        node = self.draft.nodes[name]
        return node.type if node.weights.source is None else self._type_of(node.weights.source)

    def _moved(self, one: str, copy: str) -> Ref:
        """What a copy gives, as its source does."""
        component = self.draft.catalog.get(self._type_of(one))
        return Ref(copy, component.outputs[0].name if component else "out")

    def _gives_levels(self, one: str, again: str) -> bool:
        component = self.draft.catalog.get(self._type_of(one))
        if component is not None:
            return component.outputs[0].type.is_sequence
        flow = self.flows[again]
        return flow.levels if flow is not None and one == self.names[again][-1] else True

    def _flow(self, wire: Any) -> Flow | None:
        """What flows on a wire of a template, with all its levels."""
        if isinstance(wire, Mapping):
            found = {mode: self._ref(text) for mode, text in wire.items()}
            return Flow(Wire.by_mode(found))  # type: ignore[arg-type]
        ref = Ref.parse(wire)
        flow = self.flows[ref.source]
        return flow if flow is None or (ref.port is None and ref.index is None) else Flow(self._ref(wire))

    def _ref(self, text: str) -> Ref:
        """The reference in the graph for one in the template."""
        ref = Ref.parse(text)
        flow = self.flows[ref.source]
        assert flow is not None
        if ref.port is not None:
            return replace(ref, source=self.names.get(ref.source, [ref.source])[-1])
        part = Wire.of(flow.ref).in_mode("tensor")
        assert part is not None
        found = part.refs[0]
        return Ref(found.source, found.port, ref.index) if flow.levels and ref.index is not None else found

    def _wires(self, entry: Mapping[str, Any]) -> dict[str, Wired]:
        return {port: self._wire(wire) for port, wire in entry.get("inputs", {}).items()}

    def _wire(self, wire: Any) -> Wired:
        if isinstance(wire, Mapping):
            return Wire.by_mode({mode: self._refs(item) for mode, item in wire.items()})
        if isinstance(wire, list):
            return tuple(self._ref(text) for text in wire)
        ref, flow = Ref.parse(wire), self._flow(wire)
        if flow is not None and ref.port is None and ref.index is None:
            return flow.ref
        return self._ref(wire)

    def _refs(self, wire: Any) -> Ref | tuple[Ref, ...]:
        return tuple(self._ref(text) for text in wire) if isinstance(wire, list) else self._ref(wire)

    def _set_params(self, name: str, entry: Mapping[str, Any]) -> None:
        """Parameters that the template and the settings give a node, unless they have their defaults."""
        node = self.draft.nodes[name]
        component = self.draft.catalog.get(node.type)
        known = component.parameter_by_name if component is not None else {}
        given = {key: self._value(value) for key, value in entry.get("params", {}).items()}
        written = {key for key, value in entry.get("params", {}).items() if not _is_derived(value)}
        for setting in self.settings:
            for target in setting.params:
                rest, _, path = target.rpartition("1 - ")
                holder, _, key = path.rpartition(".")
                if holder == (f"{self.scope}.{name}" if self.scope else name):
                    value = self.values[setting.key]
                    given[key] = round(1 - value, DIGITS) if rest or target.startswith("1 - ") else value
        given = {key: plain(value) for key, value in given.items()}
        usual = {key: known[key].default for key in given if key in known and not known[key].required}
        params = {
            key: value
            for key, value in given.items()
            if key in written or (value is not None and not (key in usual and same(plain(usual[key]), value)))
        }
        if params:
            self.draft.nodes[name] = replace(node, params=freeze({**node.params, **params}))

    def _value(self, value: Any) -> Any:
        """A value of the template; None where there is none to set."""
        if not _is_derived(value):
            return value
        if value.startswith("$"):
            return self.values[value[1:]]
        path, _, default = value[1:].partition(" or ")
        if match := _CALL.fullmatch(path):
            return VALUES[match[1]](self._said(match[2]))
        if path.endswith("patch_size"):
            down, across = patch_of(at_path(self.config, path), PATCH)
            return down if down == across else [down, across]
        outer, _, last = path.rpartition(".")
        found = at_path(self._said(outer), last)
        listed = isinstance(found, list | tuple)
        if listed or type(found) is int or not default:
            return found if listed or type(found) is int else None
        return int(default) if default.isdigit() else default

    def _said(self, path: str) -> Any:
        """What the config has at a path, or the default of the slot there."""
        defaults = (
            entry["default"] for entry in self.template.entries if entry.get("slot") == path and "default" in entry
        )
        return at_path(self.config, path, next(defaults, None))

    def _outputs(self) -> None:
        for mode, refs in self.data["outputs"].items():
            there = self._there(refs)
            if there and next(iter(refs)) in there:
                self.draft.outputs[mode] = there
        if "tensor" not in self.draft.outputs:
            last = next(name for name in reversed(self.names) if "slots" in self.data["nodes"][name])
            self.draft.outputs = {"tensor": {"features": self._ref(last)}, **self.draft.outputs}
        if self.data.get("every_level"):
            self.draft.report_dropped_levels()

    def _data_samples(self) -> None:
        """The fields that something is wired to."""
        wires = [wire for node in self.draft.nodes.values() for wire in node.inputs.values()]
        used = {ref.source for wire in wires for ref in wire.refs}
        used |= {ref.source for refs in self.draft.outputs.values() for ref in refs.values()}
        for name, entry in self.data.get("data_samples", {}).items():
            if name in used:
                self.draft.data_samples[name] = Input(entry["type"], self._shape(entry))

    def _shape(self, entry: Mapping[str, Any]) -> tuple[int | str, ...] | None:
        """The sizes of a data sample; None where one of them is not known."""
        if "cells" not in entry:
            sizes = [self._value(size) for size in entry["shape"]]
            return None if None in sizes else tuple(sizes)
        cell = patch_of(at_path(self.config, entry["cells"]), entry.get("usual", PATCH))
        return ("B", *self._cells(cell))


def patch_of(given: Any, usual: int) -> tuple[int, int]:
    """Height and width of patches."""
    given = plain(usual if given is None else given)
    sizes = given if isinstance(given, list) and len(given) == 2 else [given, given]
    down, across = (size if type(size) is int and size > 0 else PATCH for size in sizes)
    return down, across


def part_at(config: Mapping[str, Any], slot: str) -> Mapping[str, Any]:
    """The config of a part; nothing where there is none."""
    found = config.get(slot)
    return found if isinstance(found, Mapping) else {}


def at_carried(carried: dict[str, Any], path: str) -> dict[str, Any] | None:
    """The dict of what is carried at a path."""
    found: Any = carried
    for key in path.split("."):
        found = found.get(key) if isinstance(found, dict) else None
    return found if isinstance(found, dict) else None


def listed(wire: Any) -> list[Any]:
    """All references of a wire of a template."""
    if isinstance(wire, Mapping):
        return [item for one in wire.values() for item in listed(one)]
    return [item for one in wire for item in listed(one)] if isinstance(wire, list) else [wire]


def _is_derived(value: Any) -> bool:
    return isinstance(value, str) and value[:1] in ("$", "=")
