"""The card of the COPD models in the docs, and the copy of the benchmark in the package, are as the benchmark is."""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_the_card_is_made_from_the_benchmark() -> None:
    spec = importlib.util.spec_from_file_location("scripts_copd_card_page", ROOT / "scripts" / "copd_card_page.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    for path, text in module.files().items():
        assert path.read_text(encoding="utf-8") == text, f"{path.name} is out of date; run `make docs`"


def test_the_packaged_benchmark_is_that_of_the_repository() -> None:
    whole = json.loads((ROOT / "benchmarks" / "copd" / "result.json").read_text(encoding="utf-8"))
    packaged = json.loads((ROOT / "src/salus/copd/data/benchmark.json").read_text(encoding="utf-8"))
    rows = packaged.pop("rows")
    assert {key: whole[key] for key in packaged} == packaged
    assert all(row in whole["rows"] for row in rows)
    assert len(rows) > 100
