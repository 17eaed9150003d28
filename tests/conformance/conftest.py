"""The suite over a student of your own, in place of the project's:

pytest tests/conformance --student 'model: my_package.my_module:MyNet, bands: 32' [--narrower 'bands: 16']
"""

from __future__ import annotations

from argparse import ArgumentTypeError
from typing import Any

import pytest
import yaml

from dfkd_core.config import ExperimentConfig
from dfkd_core.models import build_student
from dfkd_core.models.base import Student

LISTS = {"model": "CASES", "pair": "CASES", "declared_pair": "DECLARED"}  # fixture -> a module's list of its cases


def fields(text: str) -> dict[str, Any]:
    """`width: 0.5, causal: true` as a dict."""
    try:
        return yaml.safe_load(f"{{{text}}}")
    except yaml.YAMLError as error:
        raise ArgumentTypeError(f"must be fields as a config has them, `name: value, ...`, but got {text!r}") from error


def student(text: str) -> dict[str, Any]:
    """Fields that name a class."""
    if "model" not in (own := fields(text)):
        raise ArgumentTypeError(f"must name its class, `model: package.module:Class`, but got {text!r}")
    return own


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("a student of your own")
    group.addoption(
        "--student", type=student, metavar="FIELDS", help="as a config has it, `model: package.module:Class`"
    )
    group.addoption("--narrower", type=fields, metavar="FIELDS", help="those that a slice of it has otherwise")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    own, narrower = (metafunc.config.getoption(name, None) for name in ("student", "narrower"))
    for fixture in LISTS.keys() & metafunc.fixturenames:
        cases = getattr(metafunc.module, LISTS[fixture])
        if own:
            wide = own["model"], {name: value for name, value in own.items() if name != "model"}
            cases = [wide] if fixture == "model" else [(*wide, narrower or {})]
        metafunc.parametrize(fixture, cases, ids=named, indirect=True)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """With a student of your own, only what asks something of it: of its slices, where a narrower one is named."""
    if config.getoption("student", None):
        asked = LISTS.keys() if config.getoption("narrower") else {"model"}
        items[:] = [item for item in items if asked & set(getattr(item, "fixturenames", ()))]


def named(case: tuple[Any, ...]) -> str:
    return "-".join([case[0], *(f"{key}={value}" for one in case[1:] for key, value in one.items())])


@pytest.fixture
def built() -> Any:
    """A student by the name that a config has for it."""

    def build(name: str, **its_fields: object) -> Student:
        return build_student(ExperimentConfig.parse({"student": {"model": name, **its_fields}}).student)

    return build
