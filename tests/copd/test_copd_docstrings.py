"""The examples in the docstrings of the package do what they show."""

from __future__ import annotations

import doctest
import importlib
import pkgutil

import pytest

import salus.copd

MODULES = sorted(m.name for m in pkgutil.iter_modules(salus.copd.__path__))


@pytest.mark.parametrize("name", MODULES)
def test_examples(name: str) -> None:
    failed, _ = doctest.testmod(importlib.import_module(f"salus.copd.{name}"))
    assert failed == 0


def test_there_are_examples() -> None:
    tried = [doctest.testmod(importlib.import_module(f"salus.copd.{name}")).attempted for name in MODULES]
    assert sum(tried) >= 15
