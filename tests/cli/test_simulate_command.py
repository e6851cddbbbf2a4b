"""`salus data simulate` as a person meets it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from salus.cli.simulate import simulate
from salus.errors import InputError

app = typer.Typer()
app.command()(simulate)
runner = CliRunner()


def test_writes_and_says_where_and_that_it_is_simulated(tmp_path: Path) -> None:
    options = ["--out", str(tmp_path / "p"), "-n", "1000", "--years", "0.5", "--start", "2023-01-02", "--format", "csv"]
    done = runner.invoke(app, options, catch_exceptions=False)
    assert done.exit_code == 0
    assert "Nothing in it is real" in done.stdout
    assert "2023-01-02 to 2023-07-02" in done.stdout
    assert str(tmp_path / "p" / "line_list_simulated.csv") in done.stdout.replace("\n", "")
    assert "Simulating" not in done.stdout  # no progress bar in a pipe
    manifest = json.loads((tmp_path / "p" / "simulation.json").read_text("utf-8"))
    as_json = runner.invoke(app, [*options, "--json"], catch_exceptions=False)
    assert json.loads(as_json.stdout) == manifest


def test_a_bad_date_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="--start is 'soon'; a date such as 2020-07-01 was wanted"):
        runner.invoke(app, ["--out", str(tmp_path / "p"), "--start", "soon"], catch_exceptions=False)
    assert not (tmp_path / "p").exists()
