"""The model of `docs/add-a-model.md`, installed as a reader would, passes the contract tests and answers a command."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from docs_pages import ROOT, blocks

PAGE = ROOT / "docs" / "add-a-model.md"


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The page's file and entry point as an installed distribution; the environment in which it is found."""
    folder = tmp_path_factory.mktemp("site")
    found = blocks(PAGE)
    code = next(b.text for b in found if "class RecentMean" in b.text)
    (folder / "recent_mean.py").write_text(code, encoding="utf-8")
    points = tomllib.loads(next(b.text for b in found if b.language == "toml"))["project"]["entry-points"]
    about = folder / "recent_mean-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: recent-mean\nVersion: 1.0\n", encoding="utf-8")
    lines = [f"[{group}]\n" + "\n".join(f"{k} = {v}" for k, v in named.items()) for group, named in points.items()]
    (about / "entry_points.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return {**os.environ, "PYTHONPATH": str(folder)}


@pytest.mark.slow
def test_it_passes_the_contract_suite(installed: dict[str, str]) -> None:
    suite = "tests/forecasting/test_model_contract.py"
    command = [
        sys.executable,
        "-m",
        "pytest",
        suite,
        "-k",
        "recent_mean",
        "-q",
        "-p",
        "no:cacheprovider",
        "-p",
        "no:xdist",
    ]
    done = subprocess.run(command, cwd=ROOT, env=installed, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-1000:]
    assert int(done.stdout.split(" passed")[0].split()[-1]) > 20, done.stdout[-500:]


@pytest.mark.slow
def test_it_answers_a_command(installed: dict[str, str], tmp_path: Path) -> None:
    out = tmp_path / "f.parquet"
    command = [str(Path(sys.executable).parent / "salus"), "forecast", str(ROOT / "docs" / "examples" / "hfmd.csv")]
    options = ["--model", "recent_mean", "--out", str(out)]
    done = subprocess.run([*command, *options], env=installed, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    assert done.stdout == f"9 places forecast: {out}\n"
