"""A graph matched with a template: from a graph to the config of its model, the opposite of ``fill``."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import torch

from composer.graph import Ref, thaw
from composer.openmmlab.conditions import conditions_of
from composer.openmmlab.fill import listed, renamed
from composer.openmmlab.names import PACKAGES, scoped_type, split_type
from composer.openmmlab.plain import plain, same
from composer.openmmlab.template import Setting, Template, at_path, key_and_conditions, kind_of, resolved
from composer.openmmlab.trace import Trace

__all__ = ["match"]

MISSING: Final = object()


def match(template: Template, trace: Trace) -> dict[str, Any]:
    """The config of a graph of this shape, without what every model has.

    The graph is followed from its outputs; which node is which follows from the template's wires, not from names. More
    may be taken for granted than is looked at: the config is drawn again and held against the graph.

    Args:
        template: The algorithm.
        trace: The graph.

    Raises:
        GraphError: Something on the way is not as the template has it.
    """
    found = _Matching(template.repeated(_counts(template, trace)), trace)
    found.follow()
    return found.config()


def _counts(template: Template, trace: Trace) -> Any:
    """The list of counts that a template repeats itself by, as the node of the part that has it says; None without."""
    slot, _, key = str(at_path(template.data, "repeats.key", "")).rpartition(".")
    types = template.entry_at(slot).get("types", ())
    node = next((name for name, one in trace.graph.nodes.items() if one.type in types), None)
    return None if node is None else trace.param(node, key)


@dataclass
class _Matching:
    """A graph while it is matched.

    Args:
        template: The algorithm.
        trace: The graph.
    """

    template: Template
    trace: Trace
    facts: dict[str, bool] = field(default_factory=dict)
    names: dict[str, list[str]] = field(default_factory=dict)
    chosen: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    later: list[tuple[str, Ref]] = field(default_factory=list)

    def follow(self) -> None:
        """Find the graph's node for each of the template."""
        self._decide_outputs()
        wanted = [
            (mode, key_and_conditions(name)[0], text)
            for mode, conditions, refs in self.template.section("outputs")
            for name, text in (refs.items() if self._holds(conditions) else ())
            if self._holds(key_and_conditions(name)[1])
        ]
        for mode, name, text in sorted(wanted, key=lambda item: ("loss", "predict", "tensor").index(item[0])):
            needed = mode != "tensor" or not self.names
            if needed or name in self.trace.graph.outputs.get(mode, {}):
                self._ref(text, self.trace.output(mode, name))
        while self.later:
            waiting, self.later = self.later, []
            for name, ref in waiting:
                self._again(name, ref)
            if len(self.later) == len(waiting):
                self.trace.refuse(waiting[0][1].source, "expected a node that uses the weights of backbone or neck")

    def _decide_outputs(self) -> None:
        """Decide the conditions on outputs by those that the graph has; what is there says more than what is not."""
        graph = self.trace.graph
        for mode, conditions, _ in sorted(
            self.template.section("outputs"), key=lambda one: not graph.outputs.get(one[0])
        ):
            self._decide(conditions, bool(graph.outputs.get(mode)))
        for mode, conditions, refs in self.template.section("outputs"):
            for name in refs if self._holds(conditions) else ():
                word, inner = key_and_conditions(name)
                alike = [key for key in refs if key_and_conditions(key)[0] == word]
                if len(alike) == 1:
                    self._decide(inner, word in graph.outputs.get(mode, {}))

    def config(self) -> dict[str, Any]:
        """The config, with what it said of what is not in the graph."""
        found: dict[str, Any] = {}
        holds = conditions_of(self.template, self.trace.reader.package)
        for name in self.template.conditions:  # what the graph leaves open is as the config said
            self.facts.setdefault(name, holds(self.trace.carried, name))
        containers = {key: usual for key, held, usual in self.template.section("containers") if self._holds(held)}
        for key in self.template.data.get("kept", ()):
            said = self.trace.carried.get(key)
            if isinstance(said, Mapping) or key in containers:
                found[key] = plain(said) if isinstance(said, Mapping) else dict(containers[key])
        for slot in self.template.slots:
            self._slot(slot, found)
        sections: dict[str, list[Setting]] = {}
        for setting in self.template.settings:
            if not self._holds(setting.conditions):
                continue
            sections.setdefault(setting.section, []).append(setting)
        for path, settings in sections.items():
            self._settings(path, settings, found)
        return found

    def _slot(self, slot: str, found: dict[str, Any]) -> None:
        """Put the part of a slot where it stands."""
        outer, _, last = slot.rpartition(".")
        name = next((one for one, entry in self.chosen.items() if slot == entry.get("slot", entry.get("slots"))), "")
        said = at_path(self.trace.carried, slot)
        entry = self._decided(name)
        if self.names.get(name):
            value = self._part(slot, name)
            usual = None if self._is_said(entry, outer) else entry.get("default", at_path(found, entry.get("else", "")))
            if usual is None or said is not None or not same(value, plain(usual)):
                holder_of(found, outer)[last] = value
        elif "passes" in entry:
            written = thaw(said) if kind_of(said) in entry["passes"] else {"type": entry["passes"][0]}
            found[slot] = {key: value for key, value in written.items() if key not in self._inner(slot)}
        elif "." not in slot and slot in self.trace.carried and slot not in found and not (name and kind_of(said)):
            found[slot] = thaw(said)

    def _is_said(self, entry: Mapping[str, Any], outer: str) -> bool:
        """Whether a part is written though it is the usual one: nothing said what stands around it."""
        return bool(entry.get("always")) and not isinstance(at_path(self.trace.carried, outer), Mapping)

    def _part(self, slot: str, name: str) -> Any:
        names, entry = self.names[name], self.chosen[name]
        if "slots" in entry and "." not in slot:
            if len(names) > 1 or isinstance(self.trace.carried.get(slot), tuple):
                return [self._written(slot, one, index=index) for index, one in enumerate(names)]
            return self._written(slot, names[0])
        return self._written(slot, names[0], name)

    def _written(self, slot: str, node_name: str, name: str = "", index: int | None = None) -> dict[str, Any]:
        """A part of the config for a node, under the name of its type that the config or its package has for it."""
        entry = self._decided(name)
        scope = self._called(name)
        beyond = at_path(self.trace.carried, slot)
        if beyond is None:
            beyond = at_path(self.trace.carried, entry.get("else", ""))
        if beyond is None and not self._is_said(entry, slot.rpartition(".")[0]):
            beyond = entry.get("default")
        if index is not None:
            beyond = beyond[index] if isinstance(beyond, Sequence) and index < len(beyond) else None
        said = thaw(beyond) if isinstance(beyond, Mapping) else {}
        if "usual" in entry and said:
            said = {"type": entry["usual"], **said}
        inner = self._inner(slot) | {*entry.get("outside", ())}
        given = renamed({key: value for key, value in said.items() if key not in inner}, entry.get("renames", {}))
        node = self.trace.own(node_name, scope)
        written = scoped_type(given) if "type" in given else None
        component = self.trace.reader.component(written) if written is not None else None
        names = {key: word for key, conditions, word in self.template.section("written") if self._holds(conditions)}
        kind = split_type(written)[1] if component is not None and component.name == node.type else None
        part = self.trace.written(node_name, scope, kind or names.get(str(node.type)), given, self._elsewhere(name))
        back = {new: old for old, new in entry.get("renames", {}).items() if said.get(old)}
        part = {back.get(key, key): value for key, value in part.items()}
        return {**part, **{key: value for key, value in said.items() if key in inner}}

    def _decided(self, name: str) -> Mapping[str, Any]:
        """The node of the template, without what does not count for this graph; empty where there is none."""
        found: Mapping[str, Any] = resolved(self.chosen.get(name, {}), lambda condition: self._holds((condition,)))
        return found

    def _inner(self, slot: str) -> set[str]:
        """The keys of a part that are parts themselves."""
        return {one[len(slot) + 1 :] for one in self.template.slots if one.startswith(f"{slot}.")}

    def _called(self, name: str) -> str:
        """The node of the graph that calls the subgraph in which a node of the template is; empty for the graph."""
        caller = name.rpartition(".")[0]
        return self.names[caller][0] if caller else ""

    def _elsewhere(self, name: str) -> set[str]:
        """Parameters of a part's node that the config has elsewhere, or that follow from what it has."""
        targets = [item.rpartition(".") for setting in self.template.settings for item in setting.params]
        found = {key for holder, _, key in targets if holder == name}
        for key, params in self.chosen.get(name, {}).items():
            if key_and_conditions(key)[0] == "params":
                found |= {*params}
        return found

    def _settings(self, path: str, settings: Sequence[Setting], found: dict[str, Any]) -> None:
        """Put the settings of one section where they stand; what it says already stays as it is written."""
        before = at_path(found, path) if path else found
        instead = next((one.instead for one in settings if one.instead), None)
        fallback = at_path(plain(self.trace.carried), instead) if instead and before is None else None
        given = before if isinstance(before, Mapping) else fallback if isinstance(fallback, Mapping) else {}
        section, said = plain(given), bool(at_path(self.trace.carried, path) or fallback)
        for setting in settings:
            self._setting(setting, section, said, found)
        if not path:
            found |= section
        elif section != plain(given) or (fallback is None and section and before is not None):
            holder_of(found, path).update(section)

    def _setting(self, setting: Setting, section: dict[str, Any], said: bool, found: dict[str, Any]) -> None:
        key, carried = setting.key[len(setting.section) + 1 :] if setting.section else setting.key, self.trace.carried
        if setting.decay is not None:
            if copies := self.names.get(setting.decay):
                section |= self.trace.decay(key, copies[0], setting.default, kept=setting.expect == "kept share")
            elif key in carried:
                section[key] = thaw(carried[key])
            return
        value = self._value(setting)
        if setting.expect == "rows":
            section[key] = self._rows(setting, value)
        elif value is not MISSING:
            self._put(setting, value, section, said, found)
        elif not setting.section and key in carried:
            section[key] = thaw(carried[key])

    def _rows(self, setting: Setting, value: Any) -> Any:
        """Rows of numbers as a tensor; what the config said of them where they come on a wire."""
        name, _, port = setting.params[0].rpartition(".")
        node = self.names[name][0]
        if value is None and port not in self.trace.graph.nodes[node].inputs:
            text = f"its {port} are in its weights, where OpenMMLab's config names them: set {port}"
            self.trace.refuse(node, text)
        return thaw(self.trace.carried.get(setting.key)) if value is None else torch.tensor(value)

    def _put(self, setting: Setting, value: Any, section: dict[str, Any], said: bool, found: dict[str, Any]) -> None:
        key, carried = setting.key[len(setting.section) + 1 :] if setting.section else setting.key, self.trace.carried
        if setting.expect == "divisor":
            if value != divisor_of(carried):
                holder_of(found, setting.section)[key] = value
            return
        if not setting.section:
            if value != setting.default or key in carried:
                section[key] = value
            return
        usual = setting.unsaid if said and setting.unsaid is not None else setting.default
        if setting.expect == "overlap":
            if "nms" not in section and (setting.always or not said or not same(value, usual)):
                section["nms"] = {"type": "nms", "iou_threshold": value}
            usual = 0.5 if "nms" in section else usual
        before = at_path(section, key, MISSING)
        unsaid = not said and setting.section.partition(".")[0].endswith("_cfg")
        always = unsaid if setting.always is None else setting.always
        if not same(usual if before is MISSING else before, value) or (always and before is MISSING):
            outer, _, last = key.rpartition(".")
            holder_of(section, outer)[last] = value

    def _value(self, setting: Setting) -> Any:
        """What the graph has for a setting; ``MISSING`` where the node is not there."""
        if setting.node is not None:
            learned = bool(self.trace.graph.outputs.get("loss"))
            return bool(self.names.get(setting.node)) if learned else MISSING
        name, _, key = setting.params[0].rpartition(".")
        if not self.names.get(name):
            return MISSING
        scope, own = self._called(name), self.names[name][0]
        if scope:
            return self.trace.param(own, key, scope)
        value = self.trace.settled(own, key)
        return setting.default if value is None else value

    def _holds(self, conditions: Sequence[str]) -> bool:
        """Whether conditions may hold."""
        return all(self._fact(condition) is not False for condition in conditions)

    def _fact(self, condition: str) -> bool | None:
        if condition.startswith("not "):
            fact = self._fact(condition[4:])
            return None if fact is None else not fact
        return condition == self.trace.reader.package if condition in PACKAGES else self.facts.get(condition)

    def _decide(self, conditions: Sequence[str], present: bool) -> None:
        """Decide what is open by whether that is there which holds under the conditions."""
        unknown = [condition for condition in conditions if self._fact(condition) is None]
        if len(unknown) == 1:
            fact = unknown[0].removeprefix("not ")
            self.facts[fact] = present is (fact == unknown[0])

    def _entry(self, name: str, kind: str | None) -> Mapping[str, Any]:
        """The node of a template; of several under one name the one with the type that the graph has there."""
        if name not in self.chosen:
            possible = [(conditions, entry) for one, conditions, entry in self.template.nodes() if one == name]
            possible = [item for item in possible if self._holds(item[0])]
            fitting = [item for item in possible if item[1].get("type") == kind] or possible
            conditions, entry = fitting[0]
            self._decide(conditions, True)
            self.chosen[name] = entry
        return self.chosen[name]

    def _types(self, name: str) -> tuple[str, ...]:
        """The types that the node of a template may have."""
        possible = [
            entry for one, conditions, entry in self.template.nodes() if one == name and self._holds(conditions)
        ]
        return tuple(dict.fromkeys(entry["type"] for entry in possible if "type" in entry))

    @property
    def _data_samples(self) -> set[str]:
        return {name for name, _, _ in self.template.section("data_samples")}

    def _is_input(self, name: str) -> bool:
        return name in self._data_samples or any(one == name for one, _, _ in self.template.section("inputs"))

    def _ref(self, text: str, ref: Ref) -> None:
        """Match what a wire of the template comes from with what one of the graph does."""
        name = Ref.parse(text).source
        if self._is_input(name):
            made = ref.source in self.trace.graph.nodes and name in self._data_samples
            if not made:  # else the difference says more: what makes it is not in a config
                self.trace.input(ref, name)
            return
        if name in self.names:
            if ref.source not in self.names[name] and "type" in self.chosen[name]:
                self.trace.node_of(ref, self.chosen[name]["type"], name)
            return
        node = self.trace.graph.nodes.get(ref.source)
        types = self._types(name)
        entry = self._entry(name, node.type if node is not None else None)
        if "graph" in entry:
            self._body(name, entry, self.trace.follow(ref, name))
        elif "slots" in entry:
            self._chain(name, entry, ref)
        elif "weights" in entry:
            self._again(name, ref)
        elif "passes" in self._decided(name) and not self.trace.is_head(ref.source):
            self.names[name] = []
            self._ref(entry["flow"], ref)
        else:
            types = tuple(entry.get("types", types))
            self.names[name] = [self.trace.node_of(ref, types, name) if types else self.trace.follow(ref, name)]
            self._inputs(ref.source, entry)

    def _body(self, name: str, entry: Mapping[str, Any], called: str) -> None:
        """Match a subgraph, whose nodes keep their names."""
        nodes = self.trace.scope(called)
        self.names[name] = [called]
        body = next(one for key, _, one in self.template.section("graphs") if key == entry["graph"])
        for key, inner in body["nodes"].items():
            word, conditions = key_and_conditions(key)
            self._decide(conditions, word in nodes)
            if word in nodes and self._holds(conditions):
                self.chosen[f"{name}.{word}"], self.names[f"{name}.{word}"] = inner, [word]
        self._inputs(called, entry)

    def _inputs(self, name: str, entry: Mapping[str, Any]) -> None:
        """Match what flows into a node."""
        given = self.trace.graph.nodes[name].inputs
        ports = [(*key_and_conditions(key), wire) for key, wire in entry.get("inputs", {}).items()]
        for port, conditions, wire in ports:
            alike = [one for one, held, _ in ports if one == port and self._holds(held)]
            if len(alike) == 1:
                self._decide(conditions, port in given)
            elif self._holds(conditions) and isinstance(wire, str):
                self._decide(conditions, self._is_like(wire, self.trace.wire(name, port)))
            if self._holds(conditions) and (port in given or not {"slots", "flow"} & entry.keys()):
                self._wire(wire, name, port)
        for key, wire in entry.items():
            word, conditions = key_and_conditions(key)
            if word == "flow" and self._holds(conditions):
                self._wire(wire, name, None)

    def _wire(self, wire: Any, name: str, port: str | None) -> None:
        if isinstance(wire, list):
            for text, ref in zip(wire, self.trace.several(name, str(port), len(wire)), strict=True):
                self._ref(text, ref)
        elif isinstance(wire, Mapping):
            for key, text in wire.items():
                mode, conditions = key_and_conditions(key)
                if self._holds(conditions):
                    self._ref(text, self.trace.wire(name, port, mode))
        else:
            self._ref(wire, self.trace.wire(name, port))

    def _is_like(self, text: str, ref: Ref) -> bool:
        """Whether what a wire of the graph comes from has the type that the template has there."""
        name, node = Ref.parse(text).source, self.trace.graph.nodes.get(ref.source)
        types = [entry.get("type") for one, _, entry in self.template.nodes() if one == name]
        return node is not None and node.type in types

    def _flow(self, entry: Mapping[str, Any]) -> Any:
        return next(
            wire
            for key, wire in entry.items()
            if key_and_conditions(key)[0] == "flow" and self._holds(key_and_conditions(key)[1])
        )

    def _chain(self, name: str, entry: Mapping[str, Any], ref: Ref) -> None:
        """Match the parts of a slot and of those before it, as many as the config said; the last takes the rest."""
        slots, flow = [name], self._flow(entry)
        while not isinstance(flow, Mapping) and "slots" in (above := self._above(flow)):
            slots.insert(0, Ref.parse(flow).source)
            flow = self._flow(above)
        mode = "loss" if isinstance(flow, Mapping) else None
        end = flow["loss"] if isinstance(flow, Mapping) else flow
        found: list[str] = []
        while ref.source in self.trace.graph.nodes and not self._ends(end, ref):
            if ref.source in found:
                self.trace.refuse(ref.source, "it is wired in a cycle")
            found.insert(0, ref.source)
            ref = self.trace.wire(ref.source, mode=mode)
        if not found:
            views = "the view" if self._is_input("view_1") else "the input"
            self.trace.refuse(str(ref), f"expected a backbone between {views} and the head, found none")
        rest = found
        for slot in slots:
            said = self.trace.carried.get(self._entry(slot, None)["slots"])
            count = len(rest) if slot == slots[-1] else len(said) if isinstance(said, tuple) and said else 1
            self.names[slot], rest = rest[:count], rest[count:]
            for one, drawn in zip(self.names[slot], self._drawn(slot), strict=True):
                self.trace.ids[drawn] = one
        for text in listed(flow):
            mode = next((key for key, one in flow.items() if one == text), None) if isinstance(flow, Mapping) else None
            self._ref(text, self.trace.wire(found[0], mode=mode))
        for slot in slots:
            for one in self.names[slot][:1]:
                self._inputs(
                    one, {key: value for key, value in self.chosen[slot].items() if key in ("inputs", "slots")}
                )

    def _drawn(self, name: str) -> list[str]:
        """The ids that the nodes of a slot have in a drawn config."""
        slot, count = self.chosen[name].get("slots", name), len(self.names[name])
        if count > 1 or isinstance(self.trace.carried.get(slot), tuple):
            return [f"{slot}_{index}" for index in range(count)]
        return [name] * count

    def _above(self, flow: str) -> Mapping[str, Any]:
        name = Ref.parse(flow).source
        return {} if self._is_input(name) else self._entry(name, None)

    def _ends(self, flow: str, ref: Ref) -> bool:
        kind = self._above(flow).get("type")
        return kind is not None and self.trace.graph.nodes[ref.source].type == kind

    def _again(self, name: str, ref: Ref) -> None:
        """Match nodes that use the weights of others, and those others by them."""
        if name in self.names:
            return
        entry = self._entry(name, None)
        rule = entry["weights"]
        again = rule.get("share") or rule["momentum"]
        first, suffix = self._first(again), ""
        if self._entry(first, None).get("slots") and first not in self.names:
            self.later.append((name, ref))
            return
        drawn = self._drawn(first) if first in self.names else [first]
        suffix = name.removeprefix(first)
        copies: list[str] = []
        for one in reversed(drawn):
            node = self.trace.graph.nodes.get(ref.source)
            source = node.weights.source if node is not None else None
            if source is None:
                self.trace.refuse(ref.source, "expected a node that uses the weights of backbone or neck")
            copies.insert(0, ref.source)
            self.trace.ids[f"{one}{suffix}" if name.startswith(first) else name] = ref.source
            if "flow" in entry:
                ref = self.trace.wire(ref.source)
        self.names[name] = copies
        if "flow" in entry:
            self._ref(entry["flow"], ref)
        for one in copies[:1]:
            self._inputs(one, {key: value for key, value in entry.items() if key == "inputs"})

    def _first(self, name: str) -> str:
        """The node at the end of those that use each other's weights."""
        rule = self._entry(name, None).get("weights")
        return name if rule is None else self._first(rule.get("share") or rule["momentum"])


def holder_of(found: dict[str, Any], path: str) -> dict[str, Any]:
    """The dict at a path; dicts on the way are made."""
    for key in path.split(".") if path else ():
        if not isinstance(found.get(key), dict):
            found[key] = {}
        found = found[key]
    return found


def divisor_of(config: Mapping[str, Any]) -> int:
    """What ``data_preprocessor`` pads the sides of images to multiples of."""
    found = at_path(config, "data_preprocessor.pad_size_divisor", 1)
    return found if type(found) is int and found > 0 else 1
