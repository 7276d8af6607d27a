"""From a tape to steps: each call becomes nodes to be, or a placeholder that keeps its arguments."""

from collections.abc import Mapping
from typing import Any

from composer.catalog import Catalog
from composer.graph.names import name_fault
from composer.modules import functions, layers
from composer.modules.steps import Step, Steps, UnsupportedError, type_name
from composer.modules.tape import Call, ModuleCall, Tape, V, Value, Varying, values_in

__all__ = ["lowered"]


def lowered(tape: Tape, catalog: Catalog) -> Steps:
    """The steps of a tape, without those that nothing reads.

    Args:
        tape: The tape.
        catalog: The components.
    """
    steps = Steps(tape, catalog)
    for call in tape.calls:
        steps.call = call
        made, counts = len(steps.made), dict(steps.counts)
        try:
            layers.layer(steps) if call.module is not None else functions.apply(steps)
            _refuse_wrong(steps, made)
        except UnsupportedError as error:
            del steps.made[made:]
            steps.counts = counts
            _placeholder(steps, call, str(error))
    steps.call = None
    steps.made = _in_use(steps)
    _fold(steps)
    _hold_tensors(steps)
    for step in steps.made:
        component = catalog.get(step.type)
        if component is not None:  # what the wire gives is not written
            step.params = {name: item for name, item in step.params.items() if name not in component.from_wire}
    return steps


def _refuse_wrong(steps: Steps, made: int) -> None:
    """Refuse parameters that the component does not take."""
    for step in steps.made[made:]:
        component = steps.catalog.get(step.type)
        if component is None:
            raise UnsupportedError(f"the catalog has no {step.type}")
        faults = component.faults(step.params)
        if faults:
            raise UnsupportedError(f"{step.type}.{faults[0].parameter}: {faults[0]}")


def _placeholder(steps: Steps, call: Call, why: str) -> None:
    """A node of a type that the catalog lacks, with all that was given to the call."""
    type = type_name(call)
    type = "".join(part[:1].upper() + part[1:] for part in type.split("_")) or type
    type = f"Torch{type}" if type in steps.catalog or name_fault(type, attribute=False) else type
    step = Step(type, _hint(call), call.caller, placeholder=why, source=call.target, path=call.path)
    for index, item in enumerate(call.args):
        _argument(steps, step, f"arg_{index}" if index else "input", item)
    for key, item in call.kwargs.items():
        _argument(steps, step, str(key), item)
    if call.module is not None:
        step.weights = {name: f"{call.path}.{name}" for name in call.module.state_dict()}
        step.params |= _attributes(call.module)
    steps.made.append(step)
    for index, item in enumerate(values_in(call.out)):
        steps.places[item.id] = (step, "out", index if isinstance(call.out, list | tuple) else None)
    became = (type_name(call), f"placeholder {type}")
    steps.counts[became] = steps.counts.get(became, 0) + 1


def _hint(call: Call) -> str:
    return call.path.rpartition(".")[2] if call.path else call.name


def _argument(steps: Steps, step: Step, name: str, item: Any) -> None:
    if isinstance(item, V):
        step.inputs[name] = steps.number(item)
    elif isinstance(item, list | tuple) and item and all(isinstance(part, V) for part in item):
        step.inputs[name] = [steps.number(part) for part in item]
    else:
        step.params[name] = _data(item)


def _data(item: Any) -> Any:
    if isinstance(item, Varying):
        return item.first
    if isinstance(item, V):
        return f"tensor {item.id}"
    if isinstance(item, Mapping):
        return {str(key): _data(part) for key, part in item.items()}
    if isinstance(item, list | tuple):
        return [_data(part) for part in item]
    return item if isinstance(item, bool | int | float | str) or item is None else str(item)


def _attributes(module: Any) -> dict[str, Any]:
    """Public numbers and texts of a module, which is how its constructor was called for most layers."""
    return {
        name: _data(value)
        for name, value in vars(module).items()
        if not name.startswith("_") and name != "training" and isinstance(value, bool | int | float | str | tuple)
    }


def _in_use(steps: Steps) -> list[Step]:
    """The steps that an output depends on, in their order."""
    wanted = {steps.number(item) for item in steps.tape.outputs.values()}
    kept = []
    makes: dict[int, list[int]] = {}
    for number, (step, _, _) in steps.places.items():
        makes.setdefault(id(step), []).append(number)
    for step in reversed(steps.made):
        if any(number in wanted for number in makes.get(id(step), ())):
            kept.append(step)
            wanted.update(step.reads())
    return kept[::-1]


class _Folding:
    """Steps with what reads them, to put one in the place of several.

    Args:
        steps: The steps.
    """

    def __init__(self, steps: Steps) -> None:
        self.steps = steps
        self.readers: dict[int, list[Step]] = {}
        for step in steps.made:
            for number in step.reads():
                self.readers.setdefault(number, []).append(step)
        self.outputs = {steps.number(item) for item in steps.tape.outputs.values()}
        self.made = {id(step): number for number, (step, _, index) in steps.places.items() if index is None}
        self.gone: set[int] = set()

    def before(self, step: Step, port: str = "input") -> Step | None:
        """The step that alone makes what another reads, and that nothing else reads."""
        number = step.inputs.get(port)
        if not isinstance(number, int) or number in self.outputs or len(self.readers[number]) != 1:
            return None
        place = self.steps.places.get(number)
        if place is None or place[2] is not None:
            return None
        return place[0]

    def after(self, step: Step) -> Step | None:
        """The step that alone reads what another makes."""
        number = self.made[id(step)]
        found = self.readers.get(number, [])
        return found[0] if len(found) == 1 and number not in self.outputs else None

    def replace(self, last: Step, first: list[Step], type: str, params: dict[str, Any], inputs: dict[str, Any]) -> None:
        """Let a step do what it and others did."""
        self.gone |= {id(step) for step in first}
        last.type, last.params, last.inputs = type, params, inputs

    def layer_norms(self) -> None:
        """Channels to the back, a layer norm, and channels to the front again are a ``LayerNorm2d``."""
        for norm in self.steps.made:
            if norm.type != "LayerNorm" or norm.params.get("bias") != norm.params.get("elementwise_affine"):
                continue
            front, back = self.before(norm), self.after(norm)
            if front is None or back is None or front.caller is not back.caller:
                continue
            if front.params.get("dims") != (0, 2, 3, 1) or back.params.get("dims") != (0, 3, 1, 2):
                continue
            if front.caller not in (norm.caller, norm.caller.parent):
                continue
            params = {"num_channels": norm.params["normalized_shape"], "eps": norm.params["eps"]}
            params["elementwise_affine"] = norm.params["elementwise_affine"]
            self.steps.places[self.made[id(back)]] = (norm, "out", None)
            self.replace(norm, [front, back], "LayerNorm2d", params, {"input": front.reads()[0]})

    def normalizations(self) -> None:
        """A division by the Euclidean length along an axis, kept from 0, is a ``Normalize``."""
        for step in self.steps.made:
            if step.type != "Divide":
                continue
            chain: list[Step] = []
            port: str = "other"
            at: Step = step
            for type in ("Expand", "Clamp", "Elementwise", "Sum", "Elementwise"):
                found = self.before(at, port)
                if found is not None and found.type == type:
                    chain.append(found)
                    at, port = found, "input"
                elif type != "Expand":
                    break
            source = step.inputs["input"]
            if at.type != "Elementwise" or at.params["function"] != "square" or at.inputs["input"] != source:
                continue
            clamp = next(one for one in chain if one.type == "Clamp")
            total = next(one for one in chain if one.type == "Sum")
            if clamp.params.get("max") is not None or not isinstance(total.params["dim"], int):
                continue
            if total.params["keepdim"] and 0 < clamp.params["min"] < 1:
                params = {"dim": total.params["dim"], "eps": clamp.params["min"]}
                self.replace(step, chain, "Normalize", params, {"input": source})
                step.hint = "normalize"


def _fold(steps: Steps) -> None:
    """Put one step in the place of several that are one part of the catalog."""
    folding = _Folding(steps)
    folding.layer_norms()
    folding.normalizations()
    steps.made = [step for step in steps.made if id(step) not in folding.gone]


def _hold_tensors(steps: Steps) -> None:
    """Steps for the weights and constants that others read as tensors, each before the first that reads it."""
    made, steps.made = steps.made, []
    stretched: dict[tuple[int, ModuleCall], int] = {}

    def held(number: int, caller: ModuleCall, beside: list[int]) -> int:
        value = steps.tape.values[number]
        if value.origin in ("input", "call"):
            return number
        if number not in steps.places:
            steps.hold(value)
        axes = [axis for axis, size in enumerate(value.shape) if isinstance(size, Varying)]
        if axes and (number, caller) not in stretched:
            stretched[number, caller] = _stretched(steps, value, axes[0], caller, beside)
        return stretched.get((number, caller), number)

    for step in made:
        read = step.reads()
        for port, wire in step.inputs.items():
            numbers = wire if isinstance(wire, list) else [wire]
            found = [held(number, step.caller, read) for number in numbers]
            step.inputs[port] = found if isinstance(wire, list) else found[0]
        steps.made.append(step)
    for name, item in steps.tape.outputs.items():
        steps.tape.outputs[name] = V(held(steps.number(item), steps.tape.root, []))


def _stretched(steps: Steps, value: Value, axis: int, caller: ModuleCall, beside: list[int]) -> int:
    """A constant that holds the same for every sample, stretched over the batch.

    Args:
        steps: The steps.
        value: The constant.
        axis: Its axis that is the batch.
        caller: The call of a module that reads it.
        beside: Numbers of what is read together with it.
    """
    size, rank = value.shape[axis], len(value.shape)
    order = (axis, *(place for place in range(rank) if place != axis))
    shape = tuple(value.shape[place] for place in order)

    def emitted(type: str, shape: tuple[Any, ...], params: dict[str, Any], **inputs: int) -> int:
        made = steps.tape.tensor(shape, value.dtype)
        step = Step(type, type.lower(), caller, params, dict(inputs), source="expand")
        steps.made.append(step)
        steps.places[made.id] = (step, "out", None)
        return made.id

    number = value.id
    if axis:
        number = emitted("Permute", (1, *shape[1:]), {"dims": order}, input=number)
    fitting = [one for one in beside if one != value.id and steps.tape.values[one].shape[:1] == (size,)]
    fitting = [one for one in fitting if steps.tape.values[one].origin in ("input", "call")]
    like = fitting[0] if fitting else steps.batch_of(size, caller).id
    number = emitted("Expand", shape, {"shape": (-1,) * rank}, input=number, like=like)
    if axis:
        back = tuple(order.index(place) for place in range(rank))
        number = emitted("Permute", value.shape, {"dims": back}, input=number)
    return number
