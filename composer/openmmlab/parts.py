"""Parts of a config as components: the table of what is named or counted differently, and both directions."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from composer.catalog import Catalog
from composer.catalog.component import Component
from composer.graph import thaw
from composer.openmmlab.init_rules import Rules, checkpoints_of, combined, without_checkpoints, without_prefix
from composer.openmmlab.names import scoped_type, split_type
from composer.openmmlab.plain import plain, same, without_scopes
from composer.openmmlab.translations import TRANSLATIONS, Params, Translation

__all__ = ["PartReader", "ReadPart"]


_SAME = Translation()
_BESIDE = ("type", "_scope_", "pretrained")
"""What any part may say beside its parameters: its type, and a checkpoint."""


@dataclass(frozen=True, slots=True)
class ReadPart:
    """A part of a config, read.

    Args:
        type: Type name of its node.
        params: Parameters of its node; those with the default are left out.
        carried: What the config says of the part beyond its node: the type as written, values that equal the default
            or are spelled differently, and what only logs.
        wrong: Settings that have no effect in the graph, each with the reason.
    """

    type: str
    params: Params
    carried: Params
    wrong: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class PartReader:
    """Reads and writes parts of the configs of one package.

    Args:
        catalog: The components.
        package: Whose meaning numbers have where a part names no other package.
        rules: Initialisation rules of the whole model.
        strange: Called with each value that is no plain data.
    """

    catalog: Catalog
    package: str
    rules: Rules = ()
    strange: Callable[[Any], None] = field(default=lambda value: None)

    def component(self, written: Any) -> Component | None:
        """The component for a type as a config writes it."""
        return self.catalog.get(self._translation(written).component or self.kind(written))

    def kind(self, written: Any) -> str:
        """The name of the component for a type as a config writes it.

        A class of a package that is none of OpenMMLab's keeps its whole path where it would be taken for a component
        that comes with composer, which is another class.
        """
        kind = split_type(written)[1]
        bare = kind.rpartition(".")[2]
        return kind if not bare or (bare in self.catalog and bare in Catalog.default()) else bare

    def beside(self, config: Params) -> list[str]:
        """The settings of a part that its node does not have: they only log, or other nodes have them."""
        full = scoped_type(config)
        elsewhere = self._translation(full).elsewhere if self.component(full) is not None else frozenset()
        return [key for key in config if key in elsewhere]

    def read(self, config: Params) -> ReadPart:
        """A part's node, and what the config says beyond it."""
        written = plain(config, self.strange)
        full = scoped_type(config)
        kind = self.kind(full)
        component = self.component(full)
        if component is None:
            elsewhere = {*_BESIDE, *self._translation(full).elsewhere}
            params = {key: value for key, value in written.items() if key not in elsewhere}
        else:
            params = dict(_explicit(component, self._values(written, component)))
        defaults = self._translation(full).defaults
        carried = {
            key: value
            for key, value in written.items()
            if key not in params or key in defaults or not same(params[key], value)
        }
        wrong = self._wrong(written) if component else {}
        return ReadPart(component.name if component else kind, params, carried, wrong)

    def write(self, kind: str, params: Params, carried: Params) -> dict[str, Any]:
        """A node's parameters as the part of a config: the opposite of ``read``.

        Args:
            kind: The part's type.
            params: The node's parameters.
            carried: What a config said of this part beyond its node. It is used where it still says the same.
        """
        old = thaw(carried) if self.kind(scoped_type(carried)) == kind else {"type": kind}
        translation, component = self._translation(scoped_type(old)), self.component(scoped_type(old))
        if component is None:
            return {**old, **thaw(params)}
        now = {**_defaults(component), **thaw(params)}
        said = self._values(old, component)
        then = {**_defaults(component), **said}
        beside = (*_BESIDE, *translation.elsewhere)
        # Settings with other names than the parameters that they stand for come back together or not at all.
        renamed = [key for key in old if key not in then and key not in beside]
        meant = [key for key in said if key not in old] if renamed else []
        stale = any(not same(then.get(key), now.get(key)) for key in meant)
        kept = {
            key: value
            for key, value in old.items()
            if key in beside or (not stale if key in renamed else same(then.get(key), now.get(key)))
        }
        written = {*params, *translation.defaults, *(meant if stale else ())} - kept.keys() - translation.lacks
        again = meant if stale else ()
        fresh = {key: now[key] for key in now if key in written and (key in again or not same(then.get(key), now[key]))}
        if self.rules and "init_cfg" in fresh:
            fresh |= {"init_cfg": self._own_rules(fresh.pop("init_cfg"))}
        return {**kept, **translation.write(fresh)}

    def _values(self, written: Params, component: Component) -> dict[str, Any]:
        """The component's parameters that a part sets; the model's rules are put before its own ``init_cfg``."""
        translation = self._translation(scoped_type(written))
        elsewhere = {*_BESIDE, *translation.elsewhere}
        given = {key: value for key, value in written.items() if key not in elsewhere}
        given = without_scopes({key: value for key, value in given.items() if key not in self._wrong(written)})
        params = {**translation.defaults, **translation.read(given)}
        if "init_cfg" not in component.parameter_by_name:
            return params
        if checkpoints_of(params.get("init_cfg")):
            kept = without_checkpoints(params.pop("init_cfg"))
            params |= {"init_cfg": kept} if kept else {}
        if self.rules:
            default = thaw(component.parameter_by_name["init_cfg"].default)
            params["init_cfg"] = combined(self.rules, params.get("init_cfg", default))
        return params

    def _wrong(self, written: Params) -> Mapping[str, str]:
        return self._translation(scoped_type(written)).wrong(written)

    def _own_rules(self, init_cfg: Any) -> Any:
        own = without_prefix(self.rules, init_cfg) or []
        return own if len(own) > 1 else own[0] if own else None

    def _translation(self, written: Any) -> Translation:
        scope, kind = split_type(written)
        table = TRANSLATIONS
        keys = ((self.package, str(written)), (scope or self.package, kind), (None, kind))
        return next((table[key] for key in keys if key in table), _SAME)


def _defaults(component: Component) -> dict[str, Any]:
    return {name: thaw(default) for name, default in component.defaults.items()}


def _explicit(component: Component, params: Params) -> Iterator[tuple[str, Any]]:
    """The parameters that do not have their default."""
    defaults = _defaults(component)
    for key, value in params.items():
        if key not in defaults or not same(defaults[key], value):
            yield key, value
