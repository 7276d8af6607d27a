"""Modules as subgraphs: steps are grouped by the module that they lie in, and equal modules become one subgraph."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch

from composer.catalog import Catalog
from composer.graph.names import MAX_NAME, name_fault
from composer.modules.steps import Step, Steps
from composer.modules.tape import ModuleCall, Varying
from composer.ports import AnyTensor, FeatureMap, Image, Label, Mask, port_type

__all__ = ["Drawn", "document", "identifier"]

_CONTAINERS = ("Sequential", "ModuleList", "ModuleDict")


class _SharedError(Exception):
    """A module cannot stay a group: its steps go into the one around it."""

    def __init__(self, callers: Iterable[ModuleCall]) -> None:
        super().__init__()
        self.callers = list(callers)


@dataclass(eq=False)
class _Entry:
    """A node of a group.

    Args:
        id: Its id.
        item: The step, or the group that it calls.
        inputs: References into each port.
        share: Id of the node whose weights it uses.
    """

    id: str
    item: "Step | _Group"
    inputs: dict[str, Any]
    share: str = ""


@dataclass(eq=False)
class _Group:
    """What one call of a module holds.

    Args:
        caller: The call.
        reads: Numbers of the tensors that come from outside, in the order of its inputs.
        gives: Numbers of the tensors that are read outside, in the order of its outputs.
        entries: Its nodes.
        outputs: References of its outputs.
        height: How many levels of groups it holds.
        shape: What it has in common with others.
    """

    caller: ModuleCall
    items: "list[Step | _Group]"
    reads: list[int] = field(default_factory=list)
    gives: list[int] = field(default_factory=list)
    entries: list[_Entry] = field(default_factory=list)
    outputs: list[str] = field(default_factory=list)
    height: int = 0
    shape: "_Shape | None" = None

    def values(self) -> dict[str, Any]:
        """Values of the parameters of its shape."""
        assert self.shape is not None
        return {name: self.shape.at(self, *places[0]) for name, places in self.shape.params.items()}


@dataclass(eq=False)
class _Shape:
    """A subgraph: what equal groups have in common.

    Args:
        name: Its name.
        groups: The groups.
        params: For each parameter the places where it stands: (index of the node, parameter of the node).
    """

    groups: list[_Group]
    catalog: Catalog
    name: str = ""
    params: dict[str, list[tuple[int, str]]] = field(default_factory=dict)

    def names(self, index: int) -> list[str]:
        """The parameters of a node, in any of the groups."""
        found: dict[str, None] = {}
        for group in self.groups:
            item = group.entries[index].item
            found.update(dict.fromkeys(item.params if isinstance(item, Step) else item.values()))
        return list(found)

    def at(self, group: _Group, index: int, name: str) -> Any:
        """The value of a parameter of a node in a group; its default where it is left out."""
        item = group.entries[index].item
        if isinstance(item, _Group):
            return item.values()[name]
        if name in item.params:
            return item.params[name]
        component = self.catalog.get(item.type)
        found = component.parameter_by_name[name].default if component is not None else None
        return found

    def settle(self) -> None:
        """Find what differs between the groups, and name it."""
        if len(self.groups) < 2:
            return
        columns: dict[str, list[tuple[int, str]]] = {}
        for index, entry in enumerate(self.groups[0].entries):
            if entry.share:
                continue
            for name in self.names(index):
                values = [self.at(group, index, name) for group in self.groups]
                if any(value != values[0] or type(value) is not type(values[0]) for value in values):
                    columns.setdefault(repr(values), []).append((index, name))
        taken: set[str] = set()
        short = [name for places in columns.values() for name in {name for _, name in places}]
        for places in columns.values():
            index, name = places[0]
            wanted = name if short.count(name) == 1 else f"{self.groups[0].entries[index].id}_{name}"
            self.params[_unused(identifier(wanted, attribute=False), taken)] = places


@dataclass
class Drawn:
    """A graph as its file has it, and where its weights come from.

    Args:
        document: The graph's document.
        weights: For each name in the graph's state dict, the name in the module's.
        data: Values of the graph's state dict that the module's does not hold.
        placeholders: For each placeholder its path and what it stands for.
        paths: For each step its path in the graph.
        nodes: How many nodes there are, with those inside calls of subgraphs.
    """

    document: dict[str, Any]
    weights: dict[str, str] = field(default_factory=dict)
    data: dict[str, Any] = field(default_factory=dict)
    placeholders: dict[str, Step] = field(default_factory=dict)
    paths: dict[str, Step] = field(default_factory=dict)
    nodes: int = 0


def document(steps: Steps, name: str, about: str, catalog: Catalog) -> Drawn:
    """The graph of steps.

    Args:
        steps: The steps.
        name: Name of the graph.
        about: What it is.
        catalog: The components.
    """
    dissolved: set[ModuleCall] = set()
    while True:
        try:
            root = _grouped(steps, dissolved)
            _wire(steps, root)
            break
        except _SharedError as found:
            dissolved.update(found.callers)
    shapes = _shapes(root, catalog, steps)
    return _Drawing(steps, root, shapes, catalog).drawn(name, about)


def _home(caller: ModuleCall, dissolved: set[ModuleCall]) -> ModuleCall:
    while caller in dissolved and caller.parent is not None:
        caller = caller.parent
    return caller


def _common(callers: list[ModuleCall]) -> ModuleCall:
    """The innermost call that holds all of these."""
    chains = [caller.chain() for caller in callers]
    level = 0
    while all(len(chain) > level and chain[level] is chains[0][level] for chain in chains):
        level += 1
    return chains[0][level - 1]


def _owner(step: Step, caller: ModuleCall) -> ModuleCall:
    """Where a weight is held: in the module that it belongs to, if that lies around all that read it."""
    path = step.path.rpartition(".")[0]
    return next((outer for outer in caller.chain() if step.path and outer.path == path), caller)


def _grouped(steps: Steps, dissolved: set[ModuleCall]) -> _Group:
    """The steps in the calls of modules around them.

    Raises:
        _SharedError: Weights are used in several modules.
    """
    readers: dict[int, list[ModuleCall]] = {}
    for step in steps.made:
        for number in step.reads():
            readers.setdefault(number, []).append(_home(step.caller, dissolved))
    for number in (steps.number(item) for item in steps.tape.outputs.values()):
        readers.setdefault(number, []).append(steps.tape.root)
    held = {id(step): number for number, (step, _, _) in steps.places.items() if not step.reads()}
    homes: dict[int, ModuleCall] = {}
    users: dict[str, list[Step]] = {}
    for step in steps.made:
        if step.source in ("parameter", "buffer", "constant") and id(step) in held:
            homes[id(step)] = _owner(step, _common(readers[held[id(step)]]))
        else:
            homes[id(step)] = _home(step.caller, dissolved)
        for source in step.weights.values():
            users.setdefault(source, []).append(step)
    for sharing in users.values():
        _keep_together([homes[id(step)] for step in sharing])
    root = _Group(steps.tape.root, [])
    groups = {steps.tape.root: root}
    for step in steps.made:
        _group_of(homes[id(step)], groups, dissolved).items.append(step)
    _bring_forward(root, held)
    _collapse(root)
    return root


def _bring_forward(group: _Group, held: Mapping[int, int]) -> frozenset[int]:
    """Put what holds a weight or a constant before the first call that reads it: that one may have begun earlier.

    Args:
        group: The group; those inside are ordered too.
        held: For each step that holds a tensor, by its identity, the tensor's number.

    Returns:
        Numbers of all tensors that are read in it.
    """
    reads = [frozenset(one.reads()) if isinstance(one, Step) else _bring_forward(one, held) for one in group.items]
    holders = {held[id(one)]: one for one in group.items if isinstance(one, Step) and id(one) in held}
    items: dict[int, Step | _Group] = {}
    for item, numbers in zip(group.items, reads, strict=True):
        first = [one for number, one in holders.items() if number in numbers]
        items.update({id(one): one for one in (*first, item) if id(one) not in items})
    group.items[:] = items.values()
    return frozenset().union(*reads)


def _keep_together(callers: list[ModuleCall]) -> None:
    """Refuse groups that use the same weights, unless they are calls of the same module side by side."""
    if len(set(callers)) < 2:
        return
    common = _common(callers)
    depth = len(common.chain())
    below = {caller.chain()[depth] if len(caller.chain()) > depth else None for caller in callers}
    if None in below or len({caller.path for caller in below if caller is not None}) > 1:
        raise _SharedError(inner for caller in callers for inner in caller.chain()[depth:])


def _group_of(caller: ModuleCall, groups: dict[ModuleCall, _Group], dissolved: set[ModuleCall]) -> _Group:
    if caller not in groups:
        assert caller.parent is not None
        group = groups[caller] = _Group(caller, [])
        _group_of(_home(caller.parent, dissolved), groups, dissolved).items.append(group)
    return groups[caller]


def _collapse(group: _Group) -> None:
    """A group of one step that is the module itself is that step."""
    for index, item in enumerate(group.items):
        if isinstance(item, _Group):
            _collapse(item)
            inside = item.items
            if len(inside) == 1 and isinstance(inside[0], Step):
                step = inside[0]
                prefixes = {source.rpartition(".")[0] for source in step.weights.values()}
                if prefixes <= {item.caller.path}:
                    step.hint = item.caller.path.rpartition(".")[2]
                    step.path = item.caller.path
                    group.items[index] = step


def _wire(steps: Steps, group: _Group, outside: Mapping[int, int] | None = None) -> None:
    """Name the nodes of a group and of those inside, and connect them.

    Args:
        steps: The steps.
        group: The group.
        outside: How often each tensor is read, over all of the graph.

    Raises:
        _SharedError: A module is called again in another way than at first.
    """
    if outside is None:
        outside = Counter([*(number for step in steps.made for number in step.reads()), *_outputs(steps)])
    for item in group.items:
        if isinstance(item, _Group):
            _wire(steps, item, outside)
            group.height = max(group.height, item.height + 1)
    top = group.caller is steps.tape.root
    makes = _makes(steps, group)
    read = [number for item in group.items for number in (item.reads() if isinstance(item, Step) else item.reads)]
    group.reads = list(dict.fromkeys(number for number in read if number not in makes))
    inside = Counter(_reads(group))
    group.gives = [number for number in makes if outside.get(number, 0) > inside[number]]
    taken: set[str] = set()
    made: dict[int, str] = {}
    if top:
        made = {number: _unused(identifier(name), taken) for name, number in steps.tape.inputs.items()}
    else:
        made = {number: _unused(_input_name(place), taken) for place, number in enumerate(group.reads)}
    first: dict[str, _Entry] = {}
    for item in group.items:
        entry = _entry(item, group, made, taken)
        key = _weights_key(item)
        if key and key in first:
            _same_again(first[key], entry)
            entry.share = first[key].id
        elif key:
            first[key] = entry
        group.entries.append(entry)
        made |= _refs(steps, entry)
    group.outputs = [made[number] for number in (_outputs(steps) if top else group.gives)]


def _entry(item: "Step | _Group", group: _Group, made: Mapping[int, str], taken: set[str]) -> _Entry:
    """A node with what flows into it."""
    hint = item.hint if isinstance(item, Step) else item.caller.path
    inputs: dict[str, Any]
    if isinstance(item, Step):
        inputs = {
            port: [made[number] for number in wire] if isinstance(wire, list) else made[wire]
            for port, wire in item.inputs.items()
        }
    else:
        inputs = {_input_name(place): made[number] for place, number in enumerate(item.reads)}
    return _Entry(_unused(_id(hint, item, group), taken), item, inputs)


def _weights_key(item: "Step | _Group") -> str:
    """What nodes with the same weights have in common; empty for one without."""
    if isinstance(item, _Group):
        return item.caller.path if _has_weights(item) else ""
    return repr((item.type, sorted(item.weights.items()))) if item.weights else ""


def _refs(steps: Steps, entry: _Entry) -> dict[int, str]:
    """References to what a node makes."""
    if isinstance(entry.item, _Group):
        return {number: f"{entry.id}.{_output_name(place)}" for place, number in enumerate(entry.item.gives)}
    found = {}
    for number in steps.made_by(entry.item):
        _, port, index = steps.places[number]
        found[number] = f"{entry.id}.{port}" + ("" if index is None else f"[{index}]")
    return found


def _input_name(place: int) -> str:
    return "x" if not place else f"x_{place + 1}"


def _output_name(place: int) -> str:
    return "out" if not place else f"out_{place + 1}"


def _outputs(steps: Steps) -> list[int]:
    return [steps.number(item) for item in steps.tape.outputs.values()]


def _reads(group: _Group) -> Iterator[int]:
    """The tensors that are read in a group and in those inside, as often as they are."""
    for item in group.items:
        yield from item.reads() if isinstance(item, Step) else _reads(item)


def _makes(steps: Steps, group: _Group) -> dict[int, None]:
    """The tensors that a group makes, in their order."""
    found: dict[int, None] = {}
    for item in group.items:
        if isinstance(item, _Group):
            found.update(_makes(steps, item))
        else:
            found.update(dict.fromkeys(steps.made_by(item)))
    return found


def _has_weights(group: _Group) -> bool:
    return any(bool(item.weights) if isinstance(item, Step) else _has_weights(item) for item in group.items)


def _same_again(first: _Entry, again: _Entry) -> None:
    """Refuse a second call of a module that does something else than the first.

    Raises:
        _SharedError: It does.
    """
    one, other = first.item, again.item
    if isinstance(one, Step) and isinstance(other, Step):
        return
    if isinstance(one, _Group) and isinstance(other, _Group) and _content(one) == _content(other):
        return
    raise _SharedError(item.caller for item in (one, other) if isinstance(item, _Group))


def _content(group: _Group) -> tuple[Any, ...]:
    """All that a group says, to compare it with another."""
    found: list[Any] = [len(group.reads), tuple(group.outputs)]
    for entry in group.entries:
        item = entry.item
        said = (item.type, repr(item.params)) if isinstance(item, Step) else _content(item)
        found.append((entry.id, said, repr(entry.inputs), entry.share))
    return tuple(found)


def _id(hint: str, item: "Step | _Group", group: _Group) -> str:
    """An id that follows the name of the module in the one around it."""
    path = item.path if isinstance(item, Step) else item.caller.path
    outer = group.caller.path
    if path and path != outer:
        if outer and not path.startswith(f"{outer}."):
            return identifier(path.rpartition(".")[2])
        return identifier((path.removeprefix(f"{outer}.") if outer else path).replace(".", "_"))
    return identifier(hint.rpartition(".")[2] or hint)


def _shapes(root: _Group, catalog: Catalog, steps: Steps) -> list[_Shape]:
    """The subgraphs: groups that say the same but for parameters are one."""
    levels: dict[int, list[_Group]] = {}

    def collect(group: _Group) -> None:
        for item in group.items:
            if isinstance(item, _Group):
                collect(item)
                levels.setdefault(item.height, []).append(item)

    collect(root)
    found: list[_Shape] = []
    names: set[str] = set()
    for height in sorted(levels):
        by_key: dict[Any, _Shape] = {}
        for group in levels[height]:
            shape = by_key.setdefault(_key(group, steps), _Shape([], catalog))
            shape.groups.append(group)
            group.shape = shape
        for shape in by_key.values():
            shape.settle()
            shape.name = _unused(_shape_name(shape.groups[0].caller), names)
            found.append(shape)
    return found


def _key(group: _Group, steps: Steps) -> Any:
    """What groups of one subgraph have in common."""
    found: list[Any] = [_generic(group.caller.kind), tuple(group.outputs)]
    found.append(tuple(len(steps.tape.values[number].shape) == 4 for number in group.reads))
    for entry in group.entries:
        item = entry.item
        kind = (item.type, item.frozen) if isinstance(item, Step) else id(item.shape)
        found.append((entry.id, kind, repr(entry.inputs), entry.share))
    return tuple(found)


def _generic(kind: str) -> str:
    return "" if kind in _CONTAINERS else kind


def _shape_name(caller: ModuleCall) -> str:
    if caller.kind in _CONTAINERS:
        parts = [part for part in caller.path.split(".") if not part.isdigit()]
        return identifier(parts[-1] if parts else caller.kind.lower(), attribute=False)
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", caller.kind)
    return identifier(words.lower().strip("_"), attribute=False)


class _Drawing:
    """Writes the document.

    Args:
        steps: The steps.
        root: The whole.
        shapes: The subgraphs.
        catalog: The components.
    """

    def __init__(self, steps: Steps, root: _Group, shapes: list[_Shape], catalog: Catalog) -> None:
        self.steps = steps
        self.root = root
        self.shapes = shapes
        self.catalog = catalog

    def drawn(self, name: str, about: str) -> Drawn:
        """The whole."""
        tape = self.steps.tape
        names = _root_names(tape.inputs)
        inputs = {}
        for title, number in zip(names, tape.inputs.values(), strict=True):
            shape = tape.values[number].shape
            sizes = ["B" if isinstance(size, Varying) else size for size in shape]
            inputs[title] = {"type": self._type(number, outside=True), "shape": sizes}
        outputs: dict[str, str] = {}
        for title, ref in zip(tape.outputs, self.root.outputs, strict=True):
            outputs[_unused(identifier(title, attribute=False), set(outputs))] = ref
        graphs = {shape.name: self._subgraph(shape) for shape in reversed(self.shapes)}
        found = Drawn(
            {
                "schema": 1,
                "name": name,
                "about": about,
                "inputs": inputs,
                "nodes": self._nodes(self.root, None),
                "outputs": {"tensor": outputs},
                "graphs": graphs,
            }
        )
        self._collect(self.root, "", found, False)
        return found

    def _type(self, number: int, *, outside: bool = False) -> str:
        value = self.steps.tape.values[number]
        if value.dtype == torch.bool and outside:
            return port_type(Mask).name
        if not value.dtype.is_floating_point:
            return port_type(Label).name if outside else port_type(AnyTensor).name
        if len(value.shape) != 4:
            return port_type(AnyTensor).name
        return port_type(Image if outside and value.shape[1] in (1, 3) else FeatureMap).name

    def _subgraph(self, shape: _Shape) -> dict[str, Any]:
        first = shape.groups[0]
        found: dict[str, Any] = {}
        if shape.params:
            found["params"] = {name: _plain(self._usual(shape, name)) for name in shape.params}
        found["inputs"] = {_input_name(place): {"type": self._type(number)} for place, number in enumerate(first.reads)}
        found["nodes"] = self._nodes(first, shape)
        found["outputs"] = {_output_name(place): ref for place, ref in enumerate(first.outputs)}
        return found

    def _usual(self, shape: _Shape, name: str) -> Any:
        """The value that most calls give."""
        values = [shape.at(group, *shape.params[name][0]) for group in shape.groups]
        return max(values, key=lambda value: sum(other == value for other in values))

    def _nodes(self, group: _Group, shape: _Shape | None) -> dict[str, Any]:
        where: dict[tuple[int, str], str] = {}
        for name, places in (shape.params if shape else {}).items():
            where.update(dict.fromkeys(places, f"${name}"))
        found = {}
        for index, entry in enumerate(group.entries):
            item = entry.item
            node: dict[str, Any] = {}
            if entry.share:
                node["weights"] = {"share": entry.share}
            elif isinstance(item, Step):
                node["type"] = item.type
                params = dict(item.params)
                params |= {name: text for (at, name), text in where.items() if at == index}
                node["params"] = self._written(item, params)
            else:
                assert item.shape is not None
                node["graph"] = item.shape.name
                values = item.values()
                params = {name: value for name, value in values.items() if value != self._usual(item.shape, name)} | {
                    name: text for (at, name), text in where.items() if at == index
                }
                node["params"] = {name: _plain(value) for name, value in params.items()}
            if not node.get("params", True):
                del node["params"]
            node["inputs"] = entry.inputs
            if isinstance(item, Step) and item.frozen and not entry.share:
                node["frozen"] = True
            found[entry.id] = node
        return found

    def _written(self, step: Step, params: Mapping[str, Any]) -> dict[str, Any]:
        """Parameters without those that a wire gives, and without defaults."""
        component = self.catalog.get(step.type)
        if component is None:
            return {name: _plain(value) for name, value in params.items()}
        return {
            name: _plain(value)
            for name, value in params.items()
            if name not in component.from_wire and not _is(value, component.parameter_by_name[name].default)
        }

    def _collect(self, group: _Group, prefix: str, found: Drawn, shared: bool) -> None:
        """Paths of all steps, and the names of their weights."""
        for entry in group.entries:
            path = f"{prefix}{entry.id}"
            item = entry.item
            found.nodes += 1
            if isinstance(item, _Group):
                self._collect(item, f"{path}.", found, shared or bool(entry.share))
                continue
            if item.placeholder:
                found.placeholders[path] = item
            if shared or entry.share:
                continue
            found.paths[path] = item
            found.weights |= {f"{path}.{name}": source for name, source in item.weights.items()}
            found.data |= {f"{path}.{name}": value for name, value in item.data.items()}


def _root_names(inputs: Mapping[str, int]) -> list[str]:
    taken: set[str] = set()
    return [_unused(identifier(name), taken) for name in inputs]


def _is(value: Any, default: Any) -> bool:
    return type(value) is type(default) and value == default


def _plain(value: Any) -> Any:
    return [_plain(part) for part in value] if isinstance(value, list | tuple) else value


def identifier(name: str, *, attribute: bool = True) -> str:
    """A legal name like this one: ``_0`` for ``0``, ``type_`` for what every model has.

    Args:
        name: Any text.
        attribute: Whether it becomes an attribute of the model.
    """
    found = re.sub(r"[^0-9A-Za-z_]+", "_", name)[: MAX_NAME - 8]
    found = re.sub(r"^__+", "_", found) or "_"
    if found[0].isdigit():
        found = f"_{found}"
    return f"{found}_" if name_fault(found, attribute=attribute) else found


def _unused(name: str, taken: set[str]) -> str:
    """A name that is not taken yet, with a number behind it if it must be; it is taken then."""
    found, count = name, 1
    while found in taken:
        count += 1
        found = f"{name}_{count}"
    taken.add(found)
    return found
