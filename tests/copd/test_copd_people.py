"""Tables in batches: no row lost, the same numbers, files that stay inside; spirometry of tables; the commands."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import polars as pl
import pytest
from helpers_people import HEALTHY, SMOKER
from typer.testing import CliRunner

from salus.cli.app import app
from salus.copd import people_files
from salus.copd.people import Tally, assess_file, assess_table
from salus.copd.people_files import guard_output
from salus.copd.questions import all_items
from salus.copd.spirometry import spirometry
from salus.errors import InputError, WallError
from salus.privacy import zones
from salus.tables.assessments import COPD_ASSESSMENTS, COPD_SPIROMETRY

ROWS = pl.DataFrame(
    [
        SMOKER | {"id": "a"},
        HEALTHY | {"id": "b"},
        SMOKER | {"id": "c", "age": 150},
        SMOKER | {"id": "d", "pef_lpm": 300},
    ],
    infer_schema_length=None,
)
run = CliRunner()


@pytest.mark.parametrize("ending", [".parquet", ".csv"])
def test_batches_give_the_rows_of_the_whole_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ending: str) -> None:
    monkeypatch.setattr(people_files, "BATCH", 3)
    many = pl.concat([ROWS] * 5)
    source, out = tmp_path / f"people{ending}", tmp_path / f"assessed{ending}"
    many.write_parquet(source) if ending == ".parquet" else many.write_csv(source)
    tally = assess_file(source, out)
    found = pl.read_parquet(out) if ending == ".parquet" else pl.read_csv(out, infer_schema_length=None)
    wanted = assess_table(many)
    assert (tally.rows, tally.scored, tally.refused) == (20, 15, 5)
    assert tally.kinds == {"out of bounds: age": 5}
    assert found["row"].to_list() == list(range(1, 21))
    assert found["person"].to_list() == wanted["person"].to_list() == ["a", "b", "c", "d"] * 5
    assert found["refused"].to_list() == wanted["refused"].to_list()
    for name in ("probability", "lower", "upper", "y_mod"):
        for one, other in zip(found[name], wanted[name], strict=True):
            assert one == (None if other is None else pytest.approx(other))


def test_the_result_is_of_its_contract_and_its_owner_alone_can_read_it(tmp_path: Path) -> None:
    ROWS.write_parquet(tmp_path / "people.parquet")
    assess_file(tmp_path / "people.parquet", tmp_path / "assessed.parquet")
    found = pl.read_parquet(tmp_path / "assessed.parquet")
    COPD_ASSESSMENTS.check(found)
    assert COPD_ASSESSMENTS.inside_wall
    assert COPD_SPIROMETRY.inside_wall
    assert stat.S_IMODE((tmp_path / "assessed.parquet").stat().st_mode) == 0o600


@pytest.mark.parametrize("zone", ["vault", "count", "release"])
def test_rows_about_persons_stand_in_no_zone_but_record(tmp_path: Path, zone: str) -> None:
    wall = zones.create(tmp_path / "wall")
    with pytest.raises(WallError, match=f"zone '{zone}', where no row about a person may stand"):
        guard_output(wall.path(zone) / "assessed.parquet")
    guard_output(wall.path("record") / "assessed.parquet")


def test_what_was_read_inside_a_wall_is_not_written_outside(tmp_path: Path) -> None:
    wall = zones.create(tmp_path / "wall")
    source = wall.path("record") / "people.parquet"
    ROWS.write_parquet(source)
    with pytest.raises(WallError, match="rows about persons don't leave"):
        assess_file(source, tmp_path / "assessed.parquet")
    assert not (tmp_path / "assessed.parquet").exists()
    assert assess_file(source, wall.path("record") / "assessed.parquet").rows == 4


def test_an_ending_that_is_not_written_is_refused(tmp_path: Path) -> None:
    ROWS.write_parquet(tmp_path / "people.parquet")
    with pytest.raises(InputError, match=r"\.parquet or \.csv is wanted"):
        assess_file(tmp_path / "people.parquet", tmp_path / "assessed.xlsx")
    assert not (tmp_path / "assessed.xlsx").exists()


def test_an_empty_table_gives_an_empty_one() -> None:
    tally = Tally()
    assert assess_table(ROWS.head(0), tally=tally).is_empty()
    assert tally.rows == 0


# ---- spirometry -----------------------------------------------------------------------------------------------------

BLOWN = pl.DataFrame(
    {
        "age": [62, 62, 62],
        "sex": ["male", "male", "female"],
        "height": [170, 170, 165],
        "fev1": [1.8, 1800, None],
        "fvc": [3.4, 3.4, 3.0],
        "group": ["caucasian", "caucasian", "other"],
    },
    strict=False,
)


def test_spirometry_of_a_table_reads_or_refuses_each_row() -> None:
    tally = Tally()
    found = spirometry(BLOWN, tally=tally)
    assert (tally.rows, tally.scored, tally.refused) == (3, 1, 2)
    assert found["below_lln"].to_list() == [True, None, None]
    assert "looks like millilitres" in found["refused"][1]
    assert "FEV1 or FVC is missing" in found["refused"][2] or "no spirometry" in found["refused"][2]
    assert found["gli_2012_below_lln"][0] is True
    assert found["nhanes3_fev1_fvc_lln"][0] == pytest.approx(0.656, abs=1e-3)


def test_without_a_group_the_sets_that_need_one_are_left_out() -> None:
    assert not [c for c in spirometry(BLOWN.drop("group")).columns if c.startswith(("gli_2012", "nhanes3"))]


def test_a_weight_does_not_matter_to_spirometry() -> None:
    assert spirometry(BLOWN.head(1).with_columns(weight_kg=pl.lit(999.0)))["refused"][0] is None


# ---- commands -------------------------------------------------------------------------------------------------------


def test_one_person_by_answers() -> None:
    said = run.invoke(app, ["copd", "assess", *(x for k, v in SMOKER.items() for x in ("-a", f"{k}={v}"))])
    assert said.exit_code == 0, said.output
    assert "Of 100 people with these answers, about" in said.output
    assert "INSIDE ONLY" in said.output


def test_one_person_by_questions_in_chinese_any_of_them_unanswered() -> None:
    answers = ["150", "62", "男", "", "", "2", "30", "20", "是"]
    said = run.invoke(app, ["copd", "assess", "--lang", "zh"], input="\n".join(answers) + "\n")
    assert said.exit_code == 0, said.output
    assert "年龄为 150：应为 18 至 110 岁" in said.output
    assert "人有气流阻塞" in said.output


def test_pounds_are_asked_about_and_may_be_confirmed() -> None:
    answers = ["62", "m", "5 ft 7", "180", "n", "180", "y"]
    said = run.invoke(app, ["copd", "assess"], input="\n".join(answers) + "\n")
    assert said.exit_code == 0, said.output
    assert said.output.count("looks like pounds (81.6 kg)") == 2
    assert "62.2 kg/m2" in said.output


def test_a_table_is_summed_up_and_strict_asks_for_no_refused_row(tmp_path: Path) -> None:
    ROWS.write_csv(tmp_path / "people.csv")
    options = ["copd", "assess", str(tmp_path / "people.csv"), "--out", str(tmp_path / "out.csv")]
    said = run.invoke(app, options)
    assert said.exit_code == 0, said.output
    assert "4 rows: 3 scored (2 by questionnaire, 1 with peak flow), 1 refused." in said.output
    assert "out of bounds: age" in said.output
    assert "INSIDE ONLY" in said.output
    assert run.invoke(app, [*options, "--strict"]).exit_code == 1
    made = json.loads(run.invoke(app, [*options[:3], "--json"]).output)
    assert (made["inside_only"], made["rows"], len(made["people"])) == (True, 4, 4)
    assert set(made["fairness"]) == {"A", "B"}
    assert f"By questionnaire: {made['fairness']['A']}" in said.output
    assert "Rows with an id" not in said.output


def test_ids_that_stand_twice_are_counted_over_all_batches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(people_files, "BATCH", 3)
    twice = pl.concat([ROWS, ROWS.head(2), ROWS.head(1)])
    twice.write_csv(tmp_path / "people.csv")
    options = ["copd", "assess", str(tmp_path / "people.csv"), "--out", str(tmp_path / "out.csv")]
    said = run.invoke(app, options)
    assert "Rows with an id that an earlier row has: 3. Is somebody in the table twice?" in said.output
    assert json.loads(run.invoke(app, [*options, "--json"]).output)["repeated_ids"] == 3
    tally = Tally()
    spirometry(twice, tally=tally)
    assert tally.repeated == 3
    tally = Tally()
    assess_table(twice.drop("id"), tally=tally)
    assert tally.repeated == 0


def test_one_persons_result_is_written_as_json_for_its_owner(tmp_path: Path) -> None:
    out = tmp_path / "one.json"
    said = run.invoke(app, ["copd", "assess", "-a", "age=62", "-a", "smk_status=never", "--json", "--out", str(out)])
    assert said.exit_code == 0, said.output
    assert json.loads(said.output) == json.loads(out.read_text(encoding="utf-8"))
    assert stat.S_IMODE(out.stat().st_mode) == 0o600


def test_spirometry_of_one_person_by_three_sets() -> None:
    options = ["--age", "62", "--sex", "male", "--height", "5 ft 7", "--fev1", "1.8", "--fvc", "3.4"]
    said = run.invoke(app, ["copd", "spirometry", *options])
    assert said.exit_code == 0, said.output
    for title in ("GLI Global 2022", "GLI-2012", "NHANES III"):
        assert title in said.output
    made = json.loads(run.invoke(app, ["copd", "spirometry", *options, "--group", "caucasian", "--json"]).output)
    assert [e["equation"] for e in made["equations"]] == ["gli_global_2022", "gli_2012", "nhanes3"]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--age", "52", "--sex", "male", "--height", "175", "--fev1", "1"], "--fvc is missing: age, sex, height"),
        (["--age", "52", "--post-fvc", "3"], "--sex and --height and --post-fev1 are missing"),
        ([], "--age and --sex and --height and --fev1 and --fvc are missing"),
    ],
    ids=["no fvc", "no sex", "nothing"],
)
def test_spirometry_of_one_person_names_the_options_that_are_missing(options: list[str], said: str) -> None:
    found = run.invoke(app, ["copd", "spirometry", *options])
    assert isinstance(found.exception, InputError)
    assert said in str(found.exception)
    assert "tier" not in str(found.exception)


def test_an_answer_given_twice_is_refused() -> None:
    found = run.invoke(app, ["copd", "assess", "-a", "age=62", "-a", "age=38"])
    assert isinstance(found.exception, InputError)
    assert "--answer gives age twice: '62' and '38'" in str(found.exception)


def test_every_item_and_every_column_of_the_result_is_in_the_docs() -> None:
    page = (Path(__file__).resolve().parents[2] / "docs" / "copd.md").read_text(encoding="utf-8")
    for name in (*all_items(), *COPD_ASSESSMENTS.names):
        assert f"`{name}`" in page, name


def test_spirometry_that_can_not_be_read_is_refused_and_not_scored_by_halves() -> None:
    blown = {"fev1_l": 1.8, "fvc_l": 3.4}
    rows = [SMOKER | blown, SMOKER | blown | {"age": 99}, SMOKER | blown | {"q_fev1": "F"}]
    tally = Tally()
    table = assess_table(pl.DataFrame(rows, infer_schema_length=None), tally=tally)
    assert table["tier"].to_list() == ["C", None, None]
    assert "GLI Global 2022 holds from 3 to 95 years" in table["refused"][1]
    assert "grade F" in table["refused"][2]
    assert (tally.scored, tally.refused, tally.kinds) == (1, 2, {"spirometry that can't be read": 2})


def test_a_file_without_rows_gives_one_without_rows(tmp_path: Path) -> None:
    ROWS.head(0).write_parquet(tmp_path / "people.parquet")
    assert assess_file(tmp_path / "people.parquet", tmp_path / "assessed.parquet").rows == 0
    assert pl.read_parquet(tmp_path / "assessed.parquet").is_empty()


def test_a_column_of_lists_is_refused() -> None:
    with pytest.raises(InputError, match="lists or groups of values in 'age'"):
        assess_table(pl.DataFrame({"age": [[60]]}))
