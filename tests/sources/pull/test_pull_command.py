"""`salus data pull` as a person types it."""

from __future__ import annotations

import json

import polars as pl
import pytest
import typer
from typer.testing import CliRunner

from salus.cli.pull import pull
from salus.data.workspace import Workspace
from salus.errors import InputError, OutputError, SourceError
from salus.sources.pull import delivery


@pytest.fixture
def run(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    app = typer.Typer()
    app.command()(pull)

    def ask(*arguments):
        return CliRunner().invoke(app, [str(a) for a in arguments])

    return ask


def test_pull_into_a_file_prints_licence_and_citation(run, server, cases, tmp_path):
    server.routes = cases["rki"].routes(False, False)
    out = tmp_path / "rki.parquet"
    result = run("rki", "--out", out, "--base-url", server.url, "--option", "age=00+", "--since", "2024-10-28")
    assert result.exit_code == 0, result.output
    assert "4 rows of Robert Koch-Institut" in result.output
    assert "Licence: CC BY 4.0" in result.output
    assert "Cite: Robert Koch-Institut." in result.output
    assert pl.read_parquet(out).height == 4
    terms = delivery.terms(out)
    assert (terms["options"], terms["since"], terms["base_url"]) == ({"age": "00+"}, "2024-10-28", server.url)


def test_json_for_a_machine(run, server, cases, tmp_path):
    server.routes = cases["cdc_ilinet"].routes(False, False)
    result = run(
        "cdc-ilinet", "--out", tmp_path / "x.parquet", "--base-url", server.url, "--json", "--option", "key=very-secret"
    )
    told = json.loads(result.output)
    assert (told["source"], told["rows"], told["options"]) == ("cdc_ilinet", 8, {})
    assert "very-secret" not in (tmp_path / "x.parquet").read_bytes().decode("latin-1")


def test_pull_into_a_workspace_twice_keeps_vintages(run, server, cases, tmp_path):
    server.routes = cases["delphi_epidata"].routes(False, False)
    for day in ("2024-11-14", "2024-11-16", "2024-11-16"):
        place = tmp_path / "workspace"
        result = run("delphi_epidata", "-w", place, "--base-url", server.url, "--option", f"as_of={day}")
        assert result.exit_code == 0, result.exception
    assert len(Workspace(place).manifest().imports) == 2


def test_list_names_every_source_with_licence_citation_and_options(run, cases):
    result = run("--list")
    for name in cases:
        assert f"{name}: " in result.output
    assert result.output.count("  licence: ") == len(cases) == result.output.count("  citation: ")
    assert "--option as_of=..." in result.output
    told = json.loads(run("--list", "--json").output)
    assert {source["name"] for source in told} == set(cases)
    assert all(source["licence"] and source["base_url"] for source in told)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "which source\\? There are cdc_flusurv"),
        (["rki"], "where to\\?"),
        (["rkj", "--out", "x.parquet"], "Did you mean 'rki'"),
        (["rki", "--out", "x.csv"], "wanted .parquet"),
        (["rki", "--out", "x.parquet", "--since", "soon"], "--since is 'soon', wanted a date"),
        (["rki", "--out", "x.parquet", "--option", "age"], "wanted KEY=VALUE"),
        (["rki", "--out", "x.parquet", "--base-url", "ftp://x"], "wanted one that begins with http"),
        (["nhanes", "--workspace", "w"], "not a table of series"),
    ],
)
def test_wrong_questions_are_one_message(run, arguments, message):
    result = run(*arguments)
    assert isinstance(result.exception, InputError)
    with pytest.raises(InputError, match=message):
        raise result.exception


def test_no_rows_and_failures_write_nothing(run, server, cases, tmp_path, reply):
    out = tmp_path / "x.parquet"
    out.write_bytes(b"before")
    server.routes = cases["rki"].routes(False, True)
    result = run("rki", "--out", out, "--base-url", server.url, "--since", "2030-01-01")
    with pytest.raises(SourceError, match=r"has no data for since 2030-01-01.*nothing was written"):
        raise result.exception
    server.routes = dict.fromkeys(server.routes, reply("oops", 404))
    assert isinstance(run("rki", "--out", out, "--base-url", server.url).exception, SourceError)
    assert out.read_bytes() == b"before"
    assert [p.name for p in tmp_path.iterdir() if p.name.startswith(".x")] == []


def test_place_that_can_not_be_written(run, server, cases, tmp_path):
    server.routes = cases["rki"].routes(False, False)
    (tmp_path / "folder.parquet").mkdir()
    result = run("rki", "--out", tmp_path / "folder.parquet", "--base-url", server.url)
    assert isinstance(result.exception, OutputError)
