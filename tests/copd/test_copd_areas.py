"""Areas: known truth is found with honest intervals; England's register from its other conditions."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from typer.testing import CliRunner

from salus.cli.app import app
from salus.copd.areas import burden, guard_estimates
from salus.copd.registers import cross_validated
from salus.errors import InputError, WallError
from salus.privacy import zones

TRAITS = ("sex", "age_band")
AREAS = [f"d{k:02}" for k in range(16)]


def made(seed: int, people: int = 2400) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """Survey, census and true share of 16 areas, 12 of which are surveyed."""
    chance = np.random.default_rng(seed)
    effect = dict(zip(AREAS, chance.normal(0, 0.4, len(AREAS)), strict=True))
    trait = {("female", "40-59"): -3.2, ("female", "60-79"): -2.4, ("male", "40-59"): -2.3, ("male", "60-79"): -1.3}
    rows = [
        (area, sex, band, int(chance.integers(2000, 20000)), 1 / (1 + np.exp(-(at + effect[area]))))
        for area in AREAS
        for (sex, band), at in trait.items()
    ]
    cells = pl.DataFrame(rows, ["location", *TRAITS, "people", "p"], orient="row")
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


def test_the_undiagnosed_gap_is_the_cases_less_the_register() -> None:
    survey, census, _ = made(4)
    register = pl.DataFrame({"location": AREAS[:15], "registered": [10] * 14 + [10**7]})
    table = burden(survey, census, traits=TRAITS, register=register).table
    first = table.row(0, named=True)
    assert first["undiagnosed"] == pytest.approx(first["cases"] - 10)
    assert table.row(14, named=True)["undiagnosed"] == 0
    assert table.row(15, named=True)["undiagnosed"] is None


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
    ],
    ids=["no cases", "not 0 or 1", "no column", "unknown area", "negative"],
)
def test_what_can_not_be_estimated_is_named(change: object, said: str) -> None:
    survey, census, _ = made(6)
    with pytest.raises(InputError, match=said):
        burden(*change(survey, census), traits=TRAITS)  # type: ignore[operator]  # a function of two tables


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
    answer = json.loads(CliRunner().invoke(app, ["copd", "burden", *files, *traits, "--json"]).output)
    assert len(answer["areas"]) == len(AREAS)


def test_registers_with_a_share_of_zero_are_refused() -> None:
    areas = pl.DataFrame({"location": ["E07000001"], "prevalence": [0.0], "asthma": [0.1]})
    with pytest.raises(InputError, match="'E07000001' has a share that is missing"):
        cross_validated(areas)


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
