"""Real submissions that the FluSight hub took pass; a season's folder is ranked as the referee scores it."""

from __future__ import annotations

import datetime as dt
import importlib.util
import itertools
import os
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import polars as pl
import pytest
from helpers_hub import flusight, write_tasks

from salus.hub.ranking import rank
from salus.hub.rules import Terms, check_file, check_table
from salus.hub.tasks import Hub, read_tasks
from salus.hub.truth import read_truth

REAL = Path(os.environ.get("SALUS_REAL_DATA", Path(__file__).parents[2].parent / "shared" / "data"))
FLU = REAL / "influenza_us"
SEASONS = ("2021-22", "2022-23", "2023-24", "2024-25")
VERSIONS = {"2021-22": "4.0.0", "2022-23": "5.0.0", "2023-24": "2.0.0", "2024-25": "3.0.1"}
NOT_A_NUMBER = {("2022-23", "MIGHTE-Nsemble", dt.date(2023, 3, 11))}
"""The hub before the hubverse took one file with quantiles that are no number; the hub of today does not."""
BASELINE = "FluSight-baseline"

pytestmark = pytest.mark.real_data


def referee() -> ModuleType:
    spec = importlib.util.spec_from_file_location("referee", REAL.parent / "race" / "referee.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["referee"] = module
    spec.loader.exec_module(module)
    return module


def peers(season: str) -> pl.DataFrame:
    return pl.read_parquet(FLU / f"peer_forecasts_{season}.parquet").with_columns(pl.col("^q.*$").cast(pl.Float64))


def hub_of(season: str, table: pl.DataFrame, folder: Path) -> Hub:
    rounds = [r.isoformat() for r in table["reference_date"].unique().sort()]
    tasks = flusight(rounds, table["location"].unique().sort().to_list(), version=VERSIONS[season])
    return read_tasks(write_tasks(folder, tasks))


def long(wide: pl.DataFrame) -> pl.DataFrame:
    return wide.unpivot(
        [c for c in wide.columns if c.startswith("q")],
        index=["reference_date", "horizon", "location", "target_end_date"],
        variable_name="output_type_id",
    ).select(
        "reference_date", pl.lit("wk inc flu hosp").alias("target"), pl.col("horizon").cast(pl.Int64), "location",
        "target_end_date", pl.lit("quantile").alias("output_type"), pl.col("output_type_id").str.slice(1), "value",
    )  # fmt: skip


def people() -> dict[str, float]:
    table = pl.read_parquet(FLU / "locations.parquet")
    return dict(zip(table["location"], table["population"].cast(pl.Float64), strict=True))


@pytest.mark.parametrize("season", SEASONS)
def test_the_first_submission_of_every_team_passes_as_a_file(tmp_path: Path, season: str) -> None:
    table = peers(season)
    hub = hub_of(season, table, tmp_path)
    for (model,), rows in table.sort("reference_date").group_by("model", maintain_order=True):
        day = rows["reference_date"][0]
        path = tmp_path / "model-output" / str(model) / f"{day}-{model}.csv"
        path.parent.mkdir(parents=True)
        long(rows.filter(pl.col("reference_date") == day)).write_csv(path)
        assert check_file(path, hub, Terms(people())) == [], f"{season} {model}"


@pytest.mark.slow
@pytest.mark.parametrize("season", SEASONS)
def test_every_submission_passes(tmp_path: Path, season: str) -> None:
    table = peers(season)
    hub, seen, refused = hub_of(season, table, tmp_path), 0, {}
    for (model, day), rows in table.group_by("model", "reference_date"):
        seen += 1
        faults = check_table(long(rows), hub, f"{day}", Terms(people()))
        if faults:
            refused[season, model, day] = [f.kind for f in faults]
    assert seen > 150
    assert refused == {key: ["value_col_valid"] for key in NOT_A_NUMBER if key[0] == season}


@pytest.fixture(scope="module")
def season(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, pl.DataFrame]:
    """Part of a season as a model-output folder, CSV and Parquet in turn, with the hub's target data beside it."""
    root = tmp_path_factory.mktemp("hub")
    days = [dt.date(2023, 10, 14) + dt.timedelta(days=21 * k) for k in range(10)]
    table = peers("2023-24").filter(pl.col("reference_date").is_in(days))
    for number, ((model, day), rows) in enumerate(table.group_by("model", "reference_date")):
        path = root / "model-output" / str(model) / f"{day}-{model}"
        path.parent.mkdir(parents=True, exist_ok=True)
        if number % 2:
            long(rows).write_parquet(path.with_name(path.name + ".parquet"))
        else:
            long(rows).write_csv(path.with_name(path.name + ".csv"))
    truth = pl.read_parquet(FLU / "admissions_final.parquet").select("location", "date", value="value_season_end")
    truth.write_csv(root / "target-hospital-admissions.csv")
    return root, table


def test_a_season_is_scored_as_the_referee_scores_it(season: tuple[Path, pl.DataFrame]) -> None:
    root, table = season
    judge = referee()
    board = rank(root / "model-output", read_truth(root / "target-hospital-admissions.csv"), baseline=BASELINE)
    named = pl.read_parquet(FLU / "admissions_final.parquet").select(
        "location", target_end_date="date", truth="value_season_end"
    )
    theirs = {
        str(m): judge.scores(rows.select(*judge.KEY, pl.col("^q.*$")), named) for (m,), rows in table.group_by("model")
    }
    assert board.left_out == ()
    assert set(board.table["model"]) == set(theirs)
    for row in board.table.iter_rows(named=True):
        peer = theirs[row["model"]]
        assert row["tasks"] == peer.height
        for ours, column in (("wis", "wis"), ("log_wis", "log_wis"), ("abs_error", "abs_error"),
                             ("coverage50", "inside50"), ("coverage95", "inside95")):  # fmt: skip
            assert row[ours] == pytest.approx(peer[column].mean(), rel=1e-9), (row["model"], ours)
        _, ratio, _, _ = judge.ratio(peer, theirs[BASELINE], "wis")
        assert row["skill"] == pytest.approx(ratio, rel=1e-9)
        both = peer.join(theirs[BASELINE], on=judge.KEY, how="semi")
        assert row["share"] == pytest.approx(both.height / theirs[BASELINE].height, rel=1e-12)
    relative = _relative(theirs, judge.KEY)
    for name in ("wis", "log_wis"):
        found = dict(zip(board.table["model"], board.table[f"relative_{name}"], strict=True))
        for model, theta in relative[name].items():
            assert found[model] == pytest.approx(theta / relative[name][BASELINE], rel=1e-9)
    assert board.table["relative_wis"].is_sorted()


def _relative(theirs: dict[str, pl.DataFrame], key: list[str]) -> dict[str, dict[str, float]]:
    """The geometric mean of a model's ratios to all, pair by pair, as the definition has it."""
    ratios: dict[str, dict[str, list[float]]] = {n: {m: [1.0] for m in theirs} for n in ("wis", "log_wis")}
    for one, other in itertools.combinations(theirs, 2):
        both = theirs[one].join(theirs[other], on=key, suffix="_other")
        for name in ratios:
            if both.height:
                value = both[name].mean() / both[f"{name}_other"].mean()  # type: ignore[operator]
                ratios[name][one].append(value)
                ratios[name][other].append(1 / value)
    return {n: {m: float(np.exp(np.mean(np.log(r)))) for m, r in found.items()} for n, found in ratios.items()}


@pytest.mark.slow
@pytest.mark.parametrize("season_name", ["2023-24", "2024-25"])
def test_a_whole_season_agrees_with_the_measured_leaderboard(tmp_path: Path, season_name: str) -> None:
    """That leaderboard counts the baseline's tasks alone, from numbers before they were rounded for the files."""
    task = ["reference_date", "location", "target_end_date"]
    table = peers(season_name)
    table = table.join(table.filter(pl.col("model") == BASELINE), on=task, how="semi")
    for (model, day), rows in table.group_by("model", "reference_date"):
        path = tmp_path / "model-output" / str(model) / f"{day}-{model}.parquet"
        path.parent.mkdir(parents=True, exist_ok=True)
        long(rows).write_parquet(path)
    truth = pl.read_parquet(FLU / "admissions_final.parquet").select("location", "date", value="value_season_end")
    truth.write_csv(tmp_path / "truth.csv")
    board = rank(tmp_path / "model-output", read_truth(tmp_path / "truth.csv"), baseline=BASELINE)
    peer = pl.read_parquet(FLU / "peer_leaderboard.parquet").filter(
        pl.col("season") == season_name, pl.col("truth") == "season_end", pl.col("scope") == "all53"
    )
    both = board.table.join(peer, on="model")
    assert both.height >= board.table.height - 1  # one model of 2023-24 is not in that leaderboard
    assert board.table.height == table["model"].n_unique()
    assert (both["tasks"] == both["n"].cast(pl.Int64)).all()
    for ours, theirs in (("wis", "mean_wis"), ("abs_error", "mae"), ("log_wis", "mean_log_wis"),
                         ("skill", "wis_vs_base_matched"), ("share", "frac_of_baseline_tasks")):  # fmt: skip
        np.testing.assert_allclose(both[ours], both[theirs], rtol=1e-4, err_msg=ours)
