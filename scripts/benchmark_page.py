"""`docs/benchmarks.md`, made from the JSON of each benchmark by `make docs`; a test says when it is stale.

Each folder of `benchmarks/` has its `run.py`, the `result.json` that it left, and a `table.py` whose
``lines_of(result)`` gives the lines of its section.
"""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path

BENCHMARKS = Path(__file__).resolve().parents[1] / "benchmarks"
PAGE = BENCHMARKS.parent / "docs" / "benchmarks.md"
ORDER = (
    "sentinel", "flusight", "transfer", "speed", "ablations", "drivers", "first_models", "nowcast", "peaks",
    "coherence", "simulator", "promises", "records_20m", "privacy_utility", "privacy_breakdowns", "attacks", "copd",
    "copd_area", "copd_scale",
)  # fmt: skip
"""Sections in the order in which they are read; a folder that is not named comes last."""

INTRODUCTION = """# Benchmarks

Every figure here is made from `benchmarks/*/result.json` by `make docs`; the folder has the script that made it.
Real data are not part of the repository: the scripts find them by `SALUS_REAL_DATA`.
"""


def benchmarks_page() -> str:
    """The page: a section for each folder with a result."""
    names = sorted(path.parent.name for path in BENCHMARKS.glob("*/result.json"))
    names.sort(key=lambda name: ORDER.index(name) if name in ORDER else len(ORDER))
    sections = ["\n".join(_section(BENCHMARKS / name)).strip("\n") for name in names]
    return "\n\n".join([INTRODUCTION.rstrip(), *sections]) + "\n"


def _section(folder: Path) -> list[str]:
    spec = importlib.util.spec_from_file_location(f"table_of_{folder.name}", folder / "table.py")
    if spec is None or spec.loader is None:
        raise SystemExit(f"{folder / 'table.py'} can't be read; it was to give the section of {folder.name}.")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    lines: list[str] = module.lines_of(json.loads((folder / "result.json").read_text(encoding="utf-8")))
    return lines


def main() -> None:
    """Write or check the page."""
    fresh = PAGE.exists() and PAGE.read_text(encoding="utf-8") == benchmarks_page()
    if "--check" in sys.argv and not fresh:
        sys.exit("docs/benchmarks.md is out of date. Run `make docs`.")
    if not fresh:
        PAGE.write_text(benchmarks_page(), encoding="utf-8")


if __name__ == "__main__":
    main()
