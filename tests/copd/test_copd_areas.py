"""Areas: known truth is found with honest intervals, undiagnosed cases too; England's register from its conditions."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from rich.cells import cell_len
from typer.testing import CliRunner

from salus.cli.app import app
from salus.copd.area_diagnosis import agreeing
from salus.copd.areas import burden, guard_estimates
from salus.copd.registers import cross_validated
from salus.errors import InputError, WallError
from salus.privacy import zones

TRAITS = ("sex", "age_band")
AREAS = [f"d{k:02}" for k in range(16)]


def cells_of(seed: int | np.random.Generator) -> pl.DataFrame:
    """People and chances of 16 areas."""
    chance = np.random.default_rng(seed)
    effect = dict(zip(AREAS, chance.normal(0, 0.4, len(AREAS)), strict=True))
    trait = {("female", "40-59"): -3.2, ("female", "60-79"): -2.4, ("male", "40-59"): -2.3, ("male", "60-79"): -1.3}
    rows = [
        (area, sex, band, int(chance.integers(2000, 20000)), 1 / (1 + np.exp(-(at + effect[area]))))
        for area in AREAS
        for (sex, band), at in trait.items()
    ]
    return pl.DataFrame(rows, ["location", *TRAITS, "people", "p"], orient="row")


def made(seed: int, people: int = 2400) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """Survey, census and true share of 16 areas, 12 of which are surveyed."""
    chance = np.random.default_rng(seed)
    cells = cells_of(chance)
    truth = cells.group_by("location", maintain_order=True).agg(
        truth=(pl.col("people") * pl.col("p")).sum() / pl.col("people").sum()
    )
    here = cells.filter(pl.col("location").is_in(AREAS[:12]))
    drawn = here[chance.integers(0, here.height, people)]
    survey = drawn.with_columns(case=pl.Series((chance.uniform(size=people) < drawn["p"].to_numpy()).astype(int)))
    return survey.drop("people", "p"), cells.drop("p"), truth


def test_known_truth_is_held_by_the_intervals_and_nearer_than_the_surveys_own_share() -> None:
    held, better, errors = [], [], []
    for seed in range(12):
        survey, census, truth = made(seed)
        table = burden(survey, census, traits=TRAITS, level=0.9).table.join(truth, on="location")
        # the survey drew areas and traits evenly, so that its own share has to be weighted by the census first
        share = survey.group_by("location", *TRAITS).agg(pl.col("case").mean())
        direct = (
            census.join(share, on=["location", *TRAITS])
            .group_by("location")
            .agg(direct=(pl.col("people") * pl.col("case")).sum() / pl.col("people").sum())
        )
        both = table.join(direct, on="location", how="inner")
        held += table["truth"].is_between(table["lower"], table["upper"]).to_list()
        errors.append(float((table["prevalence"] - table["truth"]).mean()))
        better.append(float(((both[c] - both["truth"]) ** 2).mean()) for c in ("prevalence", "direct"))
    assert 0.82 <= np.mean(held) <= 0.97
    assert abs(np.mean(errors)) < 0.01
    ours, own = np.mean([list(pair) for pair in better], axis=0)
    assert ours < own


def test_an_area_without_survey_is_wider_and_nearer_to_the_mean() -> None:
    survey, census, _ = made(3)
    table = burden(survey, census, traits=TRAITS).table.with_columns(width=pl.col("upper") - pl.col("lower"))
    seen, unseen = table.filter(pl.col("surveyed") > 0), table.filter(pl.col("surveyed") == 0)
    assert unseen["location"].to_list() == AREAS[12:]
    assert unseen["width"].min() > seen["width"].median()


def diagnosed(seed: int) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """Survey, census, true undiagnosed cases and a register of whom three quarters have no obstruction."""
    survey, census, _ = made(seed)
    chance = np.random.default_rng(seed + 1000)
    effect = dict(zip(AREAS, chance.normal(0, 0.4, len(AREAS)), strict=True))

    def told(case: np.ndarray, location: pl.Series) -> np.ndarray:
        at = np.where(case, -1.9, -2.7) + np.array([effect[name] for name in location])
        return 1 / (1 + np.exp(-at))

    case = survey["case"].to_numpy() == 1
    asked = (chance.uniform(size=survey.height) < told(case, survey["location"])).astype(int)
    # the same draws again give the chances of the cells, which the survey must not know
    chance_of = cells_of(seed)
    people = chance_of["people"].to_numpy()
    cases = chance.binomial(people, chance_of["p"].to_numpy())
    told_cases = chance.binomial(cases, told(np.ones(cases.size, bool), chance_of["location"]))
    told_others = chance.binomial(people - cases, told(np.zeros(cases.size, bool), chance_of["location"]))
    truth = (
        chance_of.with_columns(gap=pl.Series(cases - told_cases), registered=pl.Series(told_cases + told_others))
        .group_by("location", maintain_order=True)
        .agg(pl.col("gap", "registered").sum())
    )
    return survey.with_columns(told=pl.Series(asked)), census, truth.drop("registered"), truth.drop("gap")


def test_undiagnosed_cases_are_found_though_most_of_a_register_have_no_obstruction() -> None:
    held, ours, less, true = [], 0.0, 0.0, 0.0
    for seed in range(6):
        survey, census, truth, register = diagnosed(seed)
        table = burden(survey, census, traits=TRAITS, diagnosed="told", register=register).table
        assert (table["undiagnosed"] <= table["cases"]).all()
        joined = table.join(truth, on="location")
        held += joined["gap"].is_between(joined["undiagnosed_lower"], joined["undiagnosed_upper"]).to_list()
        ours, true = ours + joined["undiagnosed"].sum(), true + joined["gap"].sum()
        less += (joined["cases"] - joined["registered"]).sum()
    assert 0.8 <= np.mean(held) <= 0.99
    assert abs(ours / true - 1) < 0.12
    assert less / true < 0.75  # what the difference alone would have told


def test_a_register_tells_how_areas_differ_and_never_the_level() -> None:
    survey, census, _, register = diagnosed(2)
    options = {"traits": TRAITS, "diagnosed": "told"}
    found = burden(survey, census, register=register, **options)
    fewer = burden(survey, census, register=register.with_columns(pl.col("registered") / 4), **options)
    assert fewer.table["undiagnosed"].to_list() == pytest.approx(found.table["undiagnosed"].to_list())
    assert not [note for note in found.notes if "don't mean the same" in note]
    assert [note for note in fewer.notes if "don't mean the same" in note]
    alone = burden(survey, census, **options).table
    assert not {"registered", "diagnosed"} & set(alone.columns)
    assert found.table["undiagnosed"].sum() == pytest.approx(alone["undiagnosed"].sum(), rel=0.05)
    assert found.table["undiagnosed"].to_list() != alone["undiagnosed"].to_list()


def test_draws_agree_with_a_register_and_one_that_is_far_off_decides_nothing() -> None:
    chance = np.random.default_rng(1)
    cells = pl.DataFrame({"location": ["a", "b", "c"], "people": [40000.0] * 3})
    told = 1 / (1 + np.exp(-chance.normal(-2.6, 0.5, (3, 2000))))
    plain = agreeing(cells, told, {"a": 3000, "b": 3000, "c": 6000}, chance)
    share = {area: told[k, plain[area]].mean() for k, area in enumerate("abc")}
    assert share["c"] > 1.5 * share["a"]
    assert share["a"] == pytest.approx(share["b"], rel=0.1)
    odds = np.log(told / (1 - told))
    assert all(odds[k, plain[area]].std() < 0.85 * odds[k].std() for k, area in enumerate("abc"))
    strange = agreeing(cells, told, {"a": 3000, "b": 3000, "c": 1}, chance)["c"]
    assert len(np.unique(strange)) > 200


def test_a_register_alone_gives_cases_less_registered_and_speaks_of_no_undiagnosed() -> None:
    survey, census, _ = made(4)
    register = pl.DataFrame({"location": AREAS[:15], "registered": [10] * 14 + [20000]})
    found = burden(survey, census, traits=TRAITS, register=register)
    first, many, none = (found.table.row(k, named=True) for k in (0, 14, 15))
    assert not [name for name in found.table.columns if "diagnosed" in name]
    assert first["cases_less_registered"] == pytest.approx(first["cases"] - 10)
    assert many["cases_less_registered"] == pytest.approx(many["cases"] - 20000)
    assert many["cases_less_registered_upper"] < 0
    assert [none["registered"], none["cases_less_registered"]] == [None, None]
    assert found.notes[0] == "the register lacks 1 area of the census: 'd15'"
    assert found.notes[1].startswith(
        "more people are registered than there are cases in 'd14' (in 'd14' 20,000, against"
    )
    assert found.notes[2].startswith("cases less registered takes everybody on the register for a case")


def test_people_who_were_not_asked_count_for_the_prevalence_alone() -> None:
    survey, census, _, _ = diagnosed(3)
    half = survey.with_columns(told=pl.when(pl.int_range(pl.len()) % 2 == 0).then("told"))
    whole, found = (burden(table, census, traits=TRAITS, diagnosed="told") for table in (survey, half))
    assert found.table["prevalence"].to_list() == whole.table["prevalence"].to_list()
    assert found.notes == ("1,200 of 2,400 people of the survey lack 'told'; they count for the prevalence alone",)


def test_the_same_seed_gives_the_same_table_and_weights_of_one_change_nothing() -> None:
    survey, census, _ = made(5)
    one = burden(survey, census, traits=TRAITS).table
    assert one.equals(burden(survey, census, traits=TRAITS).table)
    weighted = burden(survey.with_columns(w=pl.lit(7.5)), census, traits=TRAITS, weight="w").table
    assert one["prevalence"].to_list() == pytest.approx(weighted["prevalence"].to_list())


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda s, c: (s.with_columns(case=pl.lit(0)), c), "0 cases among"),
        (lambda s, c: (s.with_columns(case=pl.lit(2)), c), "'case' is 2 in some rows"),
        (lambda s, c: (s.drop("sex"), c), "the survey has no column 'sex'"),
        (lambda s, c: (s.with_columns(location=pl.lit("nowhere")), c), "'nowhere' in 'location'"),
        (lambda s, c: (s, c.with_columns(people=-1)), "negative counts"),
        (lambda s, c: (s, c.with_columns(people=pl.lit("many"))), "the census's 'people' is 'many' in some rows"),
        (lambda s, c: (s, pl.concat([c, c.tail(1)])), "the census has more than one row of 'd15, male, 60-79'"),
        (
            lambda s, c: (s, c.with_columns(people=pl.when(pl.col("location") == "d03").then(0).otherwise("people"))),
            "nobody lives in 'd03'",
        ),
    ],
    ids=["no cases", "not 0 or 1", "no column", "unknown area", "negative", "no number", "twice", "nobody"],
)
def test_what_can_not_be_estimated_is_named(change: object, said: str) -> None:
    survey, census, _ = made(6)
    with pytest.raises(InputError, match=said):
        burden(*change(survey, census), traits=TRAITS)  # type: ignore[operator]  # a function of two tables


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([("d00", 40), ("d01", 30), ("d00", 60)], r"the register has 'd00' more than once \(40 and 60\); one row"),
        ([("z1", 40)], "the register has no area of the census"),
        ([("d00", 10**7)], "the register has 10,000,000 people of 'd00', where the census counts"),
        ([("d00", -1)], "the register has -1 people of 'd00'"),
    ],
    ids=["twice", "no area", "more than people", "negative"],
)
def test_a_register_that_can_not_be_meant_is_named(rows: list[tuple[str, int]], said: str) -> None:
    survey, census, _ = made(6)
    with pytest.raises(InputError, match=said):
        burden(survey, census, traits=TRAITS, register=pl.DataFrame(rows, ["location", "registered"], orient="row"))


def test_what_is_left_out_is_noted() -> None:
    survey, census, _ = made(6)
    holes = survey.with_columns(sex=pl.when(pl.int_range(pl.len()) >= 7).then("sex"))
    register = pl.DataFrame({"location": [*AREAS, "x1", "x2", "x3", "x4"], "registered": [9] * 20})
    notes = burden(holes, census, traits=TRAITS, register=register).notes
    assert notes[0] == "7 of 2,400 people of the survey lack location, a trait or 'case' and are left out"
    assert notes[1] == "the register has 4 areas that the census lacks, left out: 'x1', 'x2', 'x3' and 1 more"


@pytest.mark.parametrize("yes", [(), (0, 1, 2)], ids=["nobody", "three"])
def test_too_few_diagnoses_to_learn_from_are_refused(yes: tuple[int, ...]) -> None:
    survey, census, _ = made(6)
    told = survey.filter(pl.col("case") == 1).with_columns(told=pl.int_range(pl.len()).is_in(yes).cast(pl.Int64))
    others = survey.filter(pl.col("case") == 0).with_columns(told=pl.lit(0, pl.Int64))
    with pytest.raises(InputError, match=f"{len(yes)} of {told.height} people of the survey with obstruction are"):
        burden(pl.concat([told, others]), census, traits=TRAITS, diagnosed="told")


def test_counts_of_a_register_inside_do_not_leave_the_wall(tmp_path: Path) -> None:
    wall = zones.create(tmp_path / "wall")
    register = wall.path("count") / "register.csv"
    register.write_text("location,registered\n", encoding="utf-8")
    with pytest.raises(WallError, match="counts of a register outside"):
        guard_estimates(tmp_path / "out.csv", [register], registered=True)
    with pytest.raises(WallError, match="which only the wall itself writes"):
        guard_estimates(wall.path("release") / "out.csv", [], registered=False)
    guard_estimates(wall.path("count") / "out.csv", [register], registered=True)


def test_the_command_writes_a_row_an_area(tmp_path: Path) -> None:
    survey, census, _ = made(7)
    survey.write_csv(tmp_path / "survey.csv")
    census.write_parquet(tmp_path / "census.parquet")
    files = [str(tmp_path / "survey.csv"), str(tmp_path / "census.parquet")]
    traits = [part for name in TRAITS for part in ("--trait", name)]
    said = CliRunner().invoke(app, ["copd", "burden", *files, *traits, "--out", str(tmp_path / "out.csv")])
    assert said.exit_code == 0, said.output
    assert "intervals of 90%" in said.output
    assert pl.read_csv(tmp_path / "out.csv").height == len(AREAS)
    answer = json.loads(CliRunner().invoke(app, ["copd", "burden", *files, *traits, "--json"]).stdout)
    assert len(answer["areas"]) == len(AREAS)


@pytest.mark.parametrize("asked", [True, False], ids=["with a diagnosis", "register alone"])
def test_the_tables_fit_a_terminal_of_80_columns(asked: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    survey, census, _, register = diagnosed(7)
    names = dict(zip(AREAS, [f"{name} 喀喇沁左翼蒙古族自治县" for name in AREAS], strict=True))
    for name, table in (("survey", survey), ("census", census), ("register", register)):
        table.with_columns(pl.col("location").replace(names)).write_csv(tmp_path / f"{name}.csv")
    files = [str(tmp_path / "survey.csv"), str(tmp_path / "census.csv"), "--register", str(tmp_path / "register.csv")]
    traits = [part for name in TRAITS for part in ("--trait", name)]
    monkeypatch.setenv("COLUMNS", "80")
    said = CliRunner().invoke(app, ["copd", "burden", *files, *traits, *(["--diagnosed", "told"] if asked else [])])
    assert said.exit_code == 0, said.output
    wide = [line for line in said.stdout.splitlines() if cell_len(line.rstrip()) > 80]
    assert not wide
    assert "…" not in said.stdout
    heads = [line.split() for line in said.stdout.splitlines() if line.startswith("area")]
    assert heads[0] == ["area", "people", "surveyed", "prevalence", "interval", "cases"]
    if asked:
        assert heads[1] == ["area", "undiagnosed", "interval", "diagnosed", "registered"]
    else:
        assert heads[1] == ["area", "registered", "cases", "less", "registered", "interval"]
        assert "Note: cases less registered takes everybody on the register for a case" in said.stderr
        assert "not the undiagnosed:" in said.stdout


def test_registers_with_a_share_of_zero_are_refused() -> None:
    areas = pl.DataFrame({"location": ["E07000001"], "prevalence": [0.0], "asthma": [0.1]})
    with pytest.raises(InputError, match="'E07000001' has a share that is missing"):
        cross_validated(areas)


@pytest.mark.real_data
def test_nhanes_undiagnosed_are_twice_its_cases_less_its_diagnosed() -> None:
    data = Path(os.environ.get("SALUS_REAL_DATA", Path(__file__).parents[3] / "shared" / "data"))
    file = data / "copd_nhanes" / "nhanes_spirometry_2007_2010.parquet"
    if not file.exists():
        pytest.skip("NHANES is not there (SALUS_REAL_DATA)")
    people = (
        pl.read_parquet(file)
        .filter(pl.col("age").is_between(40, 79), pl.col("spiro_ok") == 1)
        .drop_nulls(["y_llngl", "prior_dx", "smk_status"])
        .select(
            pl.lit("US").alias("location"),
            pl.when(pl.col("age") < 50)
            .then(pl.lit("40-49"))
            .when(pl.col("age") < 65)
            .then(pl.lit("50-64"))
            .otherwise(pl.lit("65-79"))
            .alias("age_band"),
            pl.when(pl.col("male") == 1).then(pl.lit("male")).otherwise(pl.lit("female")).alias("sex"),
            "smk_status",
            pl.col("wt_mec_6yr").alias("w"),
            pl.col("y_llngl").alias("case"),
            pl.col("prior_dx").alias("told"),
        )
    )
    census = people.group_by("location", "age_band", "sex", "smk_status").agg(people=pl.col("w").sum())
    total = people["w"].sum()
    register = pl.DataFrame({"location": ["US"], "registered": [people.select(pl.col("w").dot("told")).item()]})
    row = burden(people, census, weight="w", diagnosed="told", register=register).table.row(0, named=True)
    true = people.select(pl.col("w").dot(pl.col("case") * (1 - pl.col("told")))).item()
    assert true / total == pytest.approx(0.113, abs=0.001)
    assert row["undiagnosed"] == pytest.approx(true, rel=0.03)
    assert row["undiagnosed_lower"] < true < row["undiagnosed_upper"]
    assert (row["cases"] - row["registered"]) / total == pytest.approx(0.059, abs=0.004)


@pytest.mark.real_data
def test_englands_register_is_told_by_its_other_conditions_in_blocks_left_out() -> None:
    data = Path(os.environ.get("SALUS_REAL_DATA", Path(__file__).parents[3] / "shared" / "data"))
    file = data / "copd_nhanes" / "england_qof_copd_area_2019_20.parquet"
    if not file.exists():
        pytest.skip("England's registers are not there (SALUS_REAL_DATA)")
    table = pl.read_parquet(file).filter(pl.col("level") == "lad")
    names = [c.removesuffix("_list") for c in table.columns if c.endswith("_list") and c != "COPD_list"]
    shares = [(pl.col(f"{name}_register") / pl.col(f"{name}_list")).alias(name) for name in names]
    found = cross_validated(
        table.select(pl.col("code").alias("location"), pl.col("copd_prev").alias("prevalence"), *shares)
    ).summary
    assert (found["areas"], found["blocks"]) == (321, 21)
    assert found["correlation"] > 0.9
    assert found["mean_absolute_error"] < 0.4 * found["mean_absolute_error_of_the_mean"]
    assert 0.84 < found["coverage"] < 0.96
