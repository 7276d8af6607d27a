"""What is declared, what is pinned and what is shipped agree."""

import tomllib
from importlib.resources import files
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
EXTRAS = PROJECT["optional-dependencies"]
DECLARED = [*PROJECT["dependencies"], *(each for extra in EXTRAS.values() for each in extra)]
PINS = {
    canonicalize_name(pin.name): pin
    for line in (ROOT / "constraints.txt").read_text().splitlines()
    if line and not line.startswith("#")
    for pin in [Requirement(line)]
}


@pytest.mark.parametrize("declared", DECLARED)
def test_every_declared_dependency_is_pinned_within_its_bounds(declared: str) -> None:
    requirement = Requirement(declared)
    (pin,) = PINS[canonicalize_name(requirement.name)].specifier
    assert pin.operator == "=="
    assert requirement.specifier.contains(pin.version)


def test_no_pin_names_a_local_build() -> None:
    assert not [name for name, pin in PINS.items() if "+" in str(pin)]


def test_the_saved_graphs_are_found_beside_the_packages() -> None:
    assert (files("saved_graphs") / "classification").is_dir()


def test_templates_of_algorithms_lie_inside_the_package_that_a_wheel_holds() -> None:
    wheel = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]["wheel"]
    assert "composer" in wheel["packages"] and wheel["exclude"] == ["composer/web/frontend"]
    assert (files("composer.openmmlab") / "templates" / "MoCo.yaml").is_file()
