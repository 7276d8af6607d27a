"""A graph matched with a template: from a graph to the config of its model, the opposite of ``fill``."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from composer.graph import Ref, thaw
from composer.openmmlab.fill import listed
from composer.openmmlab.names import PACKAGES, scoped_type, split_type
from composer.openmmlab.template import Setting, Template, at_path, key_and_conditions
from composer.openmmlab.trace import Trace

__all__ = ["match"]


def match(template: Template, trace: Trace) -> dict[str, Any]:
    """The config of a graph of this shape, without what every model has.

    The graph is followed from its outputs; which node is which is told by the template's wires, never by names. More
    may be taken for granted than is looked at: the config is drawn again and held against the graph.

    Args:
        template: The algorithm.
        trace: The graph.

    Raises:
        GraphError: Something on the way is not as the template has it.
    """
    found = _Matching(template, trace)
    found.follow()
    return found.config()


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
        graph = self.trace.graph
        for mode, conditions, _ in self.template.section("outputs"):
            self._decide(conditions, bool(graph.outputs.get(mode)))
        for mode, conditions, refs in self.template.section("outputs"):
            for name in refs if self._holds(conditions) else ():
                word, inner = key_and_conditions(name)
                alike = [key for key in refs if key_and_conditions(key)[0] == word]
                if len(alike) == 1:
                    self._decide(inner, word in graph.outputs.get(mode, {}))
        wanted = [
            (mode, key_and_conditions(name)[0], text)
            for mode, conditions, refs in self.template.section("outputs")
            for name, text in (refs.items() if self._holds(conditions) else ())
            if self._holds(key_and_conditions(name)[1])
        ]
        for mode, name, text in sorted(wanted, key=lambda item: ("loss", "predict", "tensor").index(item[0])):
            needed = mode != "tensor" or not self.names
            if needed or name in graph.outputs.get(mode, {}):
                self._ref(text, self.trace.output(mode, name))
        while self.later:
            waiting, self.later = self.later, []
            for name, ref in waiting:
                self._again(name, ref)
            if len(self.later) == len(waiting):
                self.trace.refuse(waiting[0][1].source, "expected a node that uses the weights of backbone or neck")

    def config(self) -> dict[str, Any]:
        """The config, with what it said of what is not in the graph."""
        found: dict[str, Any] = {}
        for slot in self.template.slots:
            outer, _, last = slot.rpartition(".")
            holder = found if not outer else at_path(found, outer)
            name = next(
                (key for key, entry in self.chosen.items() if slot == (entry.get("slot") or entry.get("slots"))), ""
            )
            if not isinstance(holder, dict):
                continue
            if name and self.names.get(name) is not None:
                value = self._part(slot, name)
                if value is not None or self.trace.carries_none(slot):
                    holder[last] = value
            elif (said := at_path(self.trace.carried, slot)) is not None or self.trace.carries_none(slot):
                holder[last] = thaw(said)
        for setting in self.template.settings:
            self._setting(setting, found)
        return found

    def _part(self, slot: str, name: str) -> Any:
        names = self.names[name]
        entry = self.chosen[name]
        if "slots" not in entry:
            return self._written(slot, names[0])
        if len(names) > 1 or (names and isinstance(self.trace.carried.get(slot), tuple) and entry.get("rest", True)):
            return [self._written(slot, one, index) for index, one in enumerate(names)]
        return self._written(slot, names[0]) if names else [] if self.trace.carried.get(slot) == () else None

    def _written(self, slot: str, name: str, index: int | None = None) -> dict[str, Any]:
        """A part of the config for a node, under the name of its type that the config or its package has for it."""
        node = self.trace.graph.nodes[name]
        beyond = at_path(self.trace.carried, slot)
        if index is not None:
            beyond = beyond[index] if isinstance(beyond, Sequence) and index < len(beyond) else None
        written = scoped_type(beyond) if isinstance(beyond, Mapping) and "type" in beyond else None
        component = self.trace.reader.component(written) if written is not None else None
        names = {key: word for key, conditions, word in self.template.section("written") if self._holds(conditions)}
        usual = names.get(str(node.type))
        kind = split_type(written)[1] if component is not None and component.name == node.type else usual
        if "." in slot:
            return self.trace.loss(name, beyond, kind)
        part, elsewhere = self.trace.part(slot, name, kind, index), self._from_settings(slot)
        return {key: value for key, value in part.items() if key not in elsewhere}

    def _from_settings(self, slot: str) -> set[str]:
        """Parameters of a part's node that the config has elsewhere."""
        names = [key for key, entry in self.chosen.items() if entry.get("slot") == slot]
        targets = [item.split(".") for setting in self.template.settings for item in setting.params]
        return {target[1] for target in targets if target[0] in names}

    def _setting(self, setting: Setting, found: dict[str, Any]) -> None:
        outer, _, last = setting.key.rpartition(".")
        holder = at_path(found, outer) if outer else found
        said = at_path(self.trace.carried, setting.key)
        if not isinstance(holder, dict):
            return
        if setting.decay is not None:
            if copies := self.names.get(setting.decay):
                holder |= self.trace.decay(last, copies[0], setting.default, kept=setting.expect == "kept share")
            elif last in self.trace.carried:
                holder[last] = thaw(said)
            return
        name, _, key = setting.params[0].partition(".")
        if not self.names.get(name):
            if setting.key in self.trace.carried:
                holder[last] = thaw(said)
            return
        value = self.trace.settled(self.names[name][0], key)
        value = setting.default if value is None else value
        if outer:
            if value != holder.get(last, setting.default):
                holder[last] = value
        elif value != setting.default or setting.key in self.trace.carried:
            holder[last] = value

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

    def _is_input(self, name: str) -> bool:
        sections = ("inputs", "data_samples")
        return any(one == name for section in sections for one, _, _ in self.template.section(section))

    def _ref(self, text: str, ref: Ref) -> None:
        """Match what a wire of the template comes from with what one of the graph does."""
        name = Ref.parse(text).source
        if self._is_input(name):
            self.trace.input(ref, name)
            return
        if name in self.names:
            if ref.source not in self.names[name] and "type" in self.chosen[name]:
                self.trace.node_of(ref, self.chosen[name]["type"], name)
            return
        node = self.trace.graph.nodes.get(ref.source)
        entry = self._entry(name, node.type if node is not None else None)
        if "slots" in entry:
            self._chain(name, entry, ref)
        elif "weights" in entry:
            self._again(name, ref)
        else:
            if "slot" in entry:
                self.trace.follow(ref, name)
            else:
                self.trace.node_of(ref, entry["type"], name)
            self.names[name] = [ref.source]
            self._inputs(ref.source, entry)

    def _inputs(self, name: str, entry: Mapping[str, Any]) -> None:
        """Match what flows into a node."""
        given = self.trace.graph.nodes[name].inputs
        for key, wire in entry.get("inputs", {}).items():
            port, conditions = key_and_conditions(key)
            self._decide(conditions, port in given)
            if self._holds(conditions) and (port in given or "slots" not in entry):
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
            for mode, text in wire.items():
                self._ref(text, self.trace.wire(name, port, mode))
        else:
            self._ref(wire, self.trace.wire(name, port))

    def _flow(self, entry: Mapping[str, Any]) -> Any:
        return next(
            wire
            for key, wire in entry.items()
            if key_and_conditions(key)[0] == "flow" and self._holds(key_and_conditions(key)[1])
        )

    def _chain(self, name: str, entry: Mapping[str, Any], ref: Ref) -> None:
        """Match the parts of a slot, and of those that flow into it: the first has one, the last one all others."""
        slots, flow = [name], self._flow(entry)
        while not isinstance(flow, Mapping) and "slots" in (above := self._above(flow)):
            slots.insert(0, Ref.parse(flow).source)
            flow = self._flow(above)
        mode = "loss" if isinstance(flow, Mapping) else None
        end = flow["loss"] if isinstance(flow, Mapping) else flow
        found: list[str] = []
        while ref.source in self.trace.graph.nodes and not self._ends(end, ref):
            if ref.source in found:
                self.trace.refuse(ref.source, "it is wired in a ring")
            found.insert(0, ref.source)
            ref = self.trace.wire(ref.source, mode=mode)
        if not found:
            views = "the view" if self._is_input("view_1") else "the input"
            self.trace.refuse(str(ref), f"expected a backbone between {views} and the head, found none")
        for index, slot in enumerate(slots):
            last = index == len(slots) - 1
            self._entry(slot, None)
            self.names[slot] = found[index:] if last else found[index : index + 1]
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
