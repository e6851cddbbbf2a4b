import json
import subprocess
import sys

import polars as pl
import pytest
import typer
from typer.testing import CliRunner

from salus.cli import records, syndromes
from salus.errors import WallError

HEAD = "encounter_id,person_id,name,birth_date,sex,district,visit_date,icd10\n"
PLACES = "location,name,parent,location_level,population\n"
PLACES += "P,Province,,province,1000\nA,Aton,P,district,600\nB,Bville,P,district,400\n"


@pytest.fixture
def files(tmp_path):
    rows = [
        f"v{n},p{n},Jane,1990-01-01,F,{'AB'[n % 2]},2024-01-{n % 21 + 1:02d},{'J10.1' if n % 3 else 'B08.4'}"
        for n in range(90)
    ]
    (tmp_path / "visits.csv").write_text(HEAD + "\n".join(rows) + "\nv99,p99,Jane,2030-01-01,F,A,2024-01-05,J10\n")
    (tmp_path / "places.csv").write_text(PLACES)
    (tmp_path / "policy.toml").write_text('syndromes = ["influenza", "hfmd"]\nweeks_held_back = 0\n')
    return tmp_path


def run(*arguments, fails=False):
    result = CliRunner().invoke(records.app, [str(a) for a in arguments])
    assert fails or result.exception is None, result.exception
    return result


def test_from_a_line_list_to_a_release_that_verifies(files):
    run("key", files / "office.key")
    shown = run(
        "ingest",
        files / "visits.csv",
        "--format",
        "linelist",
        "--root",
        files / "wall",
        "--key-file",
        files / "office.key",
    ).stdout
    assert "91 rows in = 90 kept + 0 left out + 1 set aside" in shown
    assert "Fields that never entered: name" in shown
    common = ["--root", files / "wall", "--key-file", files / "office.key", "--places", files / "places.csv"]
    report = json.loads(run("release", *common, "--policy", files / "policy.toml", "--json").stdout)
    assert report["left_out"] > 0
    public = ["--public-key", files / "office.key.pub", "--places", files / "places.csv"]
    checked = run("verify", report["folder"], *public).stdout
    assert checked.startswith("All ")
    assert "holds        counts_left_out" in checked
    assert f"holds        signer: {report['signer']}" in checked
    assert "NOT checked  inputs" in checked
    (files / "wall" / "release" / report["id"] / "policy.toml").write_text("minimum_cell = 5")
    broken = run("verify", report["folder"], fails=True)
    assert broken.exit_code == 1
    assert "FAILS        file policy.toml" in broken.stdout
    assert "do not use this release" in broken.stdout
    found = json.loads(run("verify", report["folder"], "--json", fails=True).stdout)
    assert [f["claim"] for f in found if f["fails"]] == ["file policy.toml"]


def test_a_key_comes_with_its_public_half_and_both_are_never_replaced(files):
    shown = run("key", files / "office.key").stdout
    public = (files / "office.key.pub").read_text()
    assert run("key", files / "office.key", "--public").stdout == public
    assert (files / "office.key").stat().st_mode & 0o777 == 0o600
    assert (files / "office.key").read_text().strip() not in shown + public
    (files / "office.key").unlink()
    again = run("key", files / "office.key", fails=True)
    assert "never replaced" in str(again.exception)
    assert not (files / "office.key").exists()


def test_an_attack_is_shown_and_written_inside_only(files):
    run("key", files / "office.key")
    common = ["--root", files / "wall", "--key-file", files / "office.key"]
    run("ingest", files / "visits.csv", "--format", "linelist", *common)
    run("release", *common, "--places", files / "places.csv", "--policy", files / "policy.toml")
    before = {f for f in files.rglob("*") if f.is_file()}
    shown = run("attack", *common, "--places", files / "places.csv").stdout
    assert shown.startswith("INSIDE ONLY")
    found = json.loads(run("attack", *common, "--places", files / "places.csv", "--json").stdout)
    assert found["subtraction"]["recovered"] == 0
    assert {f.parent.parent.name for f in set(files.rglob("*")) - before if f.is_file()} == {"count"}


def test_the_log_is_shown_and_checked(files):
    run("key", files / "office.key")
    common = ["--root", files / "wall", "--key-file", files / "office.key"]
    run("ingest", files / "visits.csv", "--format", "linelist", *common, "--why", "first delivery")
    shown = run("log", *common, "--verify").stdout
    assert shown.startswith("All 2 lines are as they were written.")
    assert "first delivery" in shown
    noted = json.loads(run("log", *common, "--json").stdout)["entries"][-1]["hash"]
    assert f"The last is 2, {noted}: note it elsewhere" in shown
    run("log", *common, "--verify", "--noted", noted)
    missed = run("log", *common, "--verify", "--noted", "5e1f", fails=True)
    assert "FAILS  the line that was noted elsewhere is not in the log" in missed.stdout
    file = files / "wall" / "vault" / "log.jsonl"
    file.write_text(file.read_text().replace("first delivery", "no reason"))
    broken = run("log", *common, "--verify", fails=True)
    assert broken.exit_code == 1
    assert "FAILS  line 1 was changed" in broken.stdout
    assert json.loads(run("log", *common, "--json").stdout)["entries"][0]["what"] == "ingest"


def test_a_missing_key_says_how_to_make_one(files, monkeypatch):
    monkeypatch.delenv("SALUS_KEY", raising=False)
    result = run("ingest", files / "visits.csv", "--format", "linelist", "--root", files / "wall", fails=True)
    assert isinstance(result.exception, WallError)
    assert "salus records key FILE" in str(result.exception)
    assert not (files / "wall").exists()


def test_columns_can_be_mapped(files):
    run("key", files / "office.key")
    (files / "own.csv").write_text("who,visit_date,district,icd10\np1,2024-01-01,A,J10\n")
    base = [
        "ingest",
        files / "own.csv",
        "--root",
        files / "wall",
        "--key-file",
        files / "office.key",
        "--format",
        "linelist",
    ]
    assert "1 kept" in run(*base, "--column", "person=who").stdout
    assert run(*base, "--column", "person", fails=True).exit_code == 2


def test_every_command_shows_an_example():
    for name in ("key", "ingest", "release", "verify", "attack", "log"):
        assert "Example" in run(name, "--help").stdout


def test_case_definitions_are_browsed():
    app = typer.Typer()
    app.command()(syndromes.browse)
    listed = json.loads(CliRunner().invoke(app, ["--json"]).stdout)
    assert "hfmd" in [row["syndrome"] for row in listed]
    shown = CliRunner().invoke(app, ["手足口病"]).stdout
    assert "B08.4 and below" in shown
    assert "https://" in shown


def test_the_key_is_in_no_message_of_a_crash(files):
    """A traceback of the engine would show SQL; the key must not stand in it."""
    run("key", files / "office.key")
    secret = (files / "office.key").read_text().strip()
    code = (
        "import sys; from pathlib import Path; from salus.data import duck, expressions\n"
        "from salus.privacy import keys\n"
        "with duck.duck_engine(Path(sys.argv[2]), []) as engine:\n"
        "    table = engine.secret(keys.load(sys.argv[1]).person_pads)\n"
        "    made = expressions.surrogate_function()(table.inner_pad, table.outer_pad, 'nothing')\n"
        "    engine.write(table.select(made=made), Path(sys.argv[2]) / 'nowhere' / 'x.parquet')"
    )
    result = subprocess.run(
        [sys.executable, "-c", code, files / "office.key", files], capture_output=True, text=True, check=False
    )
    assert result.returncode == 1
    assert "nowhere" in result.stderr
    assert secret not in result.stderr
    assert secret[:16] not in result.stderr


def at_home(folder, name, shift):
    """A site with its own key, records and wall."""
    home = folder / name
    home.mkdir()
    rows = [
        f"v{n},p{n},Jane,1990-01-01,F,{'AB'[n % 2]},2024-01-{(n + shift) % 21 + 1:02d},J10.1" for n in range(40 + shift)
    ]
    (home / "visits.csv").write_text(HEAD + "\n".join(rows) + "\n")
    run("key", home / f"{name}.key")
    common = ["--root", home / "wall", "--key-file", home / f"{name}.key"]
    run("ingest", home / "visits.csv", "--format", "linelist", *common)
    return [*common, "--out", home / f"{name}.share"]


def test_three_sites_share_counts_of_which_only_the_sum_is_seen(files):
    run("key", files / "ours.key")
    sites = {name: at_home(files, name, k) for k, name in enumerate("abc")}
    public = {name: files / name / f"{name}.key.pub" for name in sites} | {"ours": files / "ours.key.pub"}
    agreed = files / "round.json"
    (files / "policy.toml").write_text('syndromes = ["influenza"]\n')
    given = [a for name in sites for a in ("--site", public[name])]
    more = ["--places", files / "places.csv", "--policy", files / "policy.toml", "--days", "2024-01-01:2024-01-21"]
    shown = run("round", *given, *more, "--key-file", files / "ours.key", "--out", agreed).stdout
    assert "3 sites, 3 weeks, 168 cells, to be released under the policy 'default'" in shown
    for name, arguments in sites.items():
        known = [a for other in public if other != name for a in ("--public-key", public[other])]
        said = run("share", "--round", agreed, *arguments, *known).stdout
        assert "168 cells, every one masked: only the sum of all 3 sites can be read" in said
    sent = [files / name / f"{name}.share" for name in sites]
    inside = ["--round", agreed, "--root", files / "sum", "--key-file", files / "ours.key"]
    refused = run("combine", *sent[:2], *inside, fails=True)
    assert "no file of the site 'c'" in str(refused.exception)
    report = json.loads(run("combine", *sent, *inside, "--json").stdout)
    assert report["sites"] == 3
    exact = pl.read_parquet(report["exact"]).filter(location="P")
    assert exact["value"].sum() == 40 + 41 + 42
    checked = run("verify", report["folder"], "--public-key", public["ours"]).stdout
    assert "holds        sites: 3" in checked
    logged = run("log", "--root", files / "sum", "--key-file", files / "ours.key", "--verify").stdout
    assert "combine, round" in logged
    for wrong in (["--out", files / "x"], []):
        assert "give" in str(run("combine", *sent, *wrong, "--key-file", files / "ours.key", fails=True).exception)
    both = run("combine", *sent, *inside, "--out", files / "x", fails=True)
    assert "neither --out nor" in str(both.exception)


def test_a_key_is_changed_for_another(files):
    run("key", files / "old.key")
    run("key", files / "new.key")
    root = ["--root", files / "wall"]
    run("ingest", files / "visits.csv", "--format", "linelist", *root, "--key-file", files / "old.key")
    changing = [
        "rotate",
        *root,
        "--key-file",
        files / "old.key",
        "--new-key-file",
        files / "new.key",
        "--why",
        "yearly",
    ]
    shown = run(*changing).stdout
    assert "have new numbers. Use the new key from now on." in shown
    assert (files / "new.key").read_text().strip() not in shown
    logged = run("log", *root, "--key-file", files / "new.key", "--verify").stdout
    assert logged.startswith("All 4 lines are as they were written.")
    assert "rotated, generation 1: yearly" in logged
    assert "already" in run(*changing).stdout
    refused = run("log", *root, "--key-file", files / "old.key", fails=True)
    assert "give the one that it was changed for" in str(refused.exception)
