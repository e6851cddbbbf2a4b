"""The simulator against its own truth."""

from __future__ import annotations

import datetime as dt
import functools
import json
import re
from pathlib import Path

import duckdb
import numpy as np
import polars as pl
import pyarrow.parquet
import pytest
from scipy.special import ndtr

from salus.errors import InputError, OutputError
from salus.sources.fhir import open_fhir
from salus.sources.linelist import open_linelist
from salus.sources.simulate import Simulation, encounters, simulate, simulation
from salus.sources.simulate.catalogue import NAMES, SYNDROMES
from salus.sources.simulate.geography import AGE_BANDS, AGE_EDGES, lanhe, places
from salus.sources.simulate.reporting import DELAY_SPREAD, LONGEST_DELAY
from salus.tables.contracts import PLACES

IDENTIFIERS = ["name", "national_id", "phone", "address"]


@pytest.fixture
def one_world(monkeypatch: pytest.MonkeyPatch) -> None:
    """Build the world once for the same arguments; the visits are drawn anew."""
    monkeypatch.setattr(simulation, "make_world", functools.cache(simulation.make_world))


def rows_of(done: Simulation) -> pl.DataFrame:
    return pl.concat([pl.read_parquet(f) for f in done.line_list])


@pytest.fixture(scope="module")
def province(tmp_path_factory: pytest.TempPathFactory) -> Simulation:
    return simulate(tmp_path_factory.mktemp("sim") / "province", encounters=150_000, years=6, seed=3)


@pytest.fixture(scope="module")
def rows(province: Simulation) -> pl.DataFrame:
    return rows_of(province)


@pytest.fixture(scope="module")
def truth(province: Simulation) -> pl.DataFrame:
    return province.incidence()


@pytest.fixture(scope="module")
def coded(rows: pl.DataFrame) -> pl.DataFrame:
    syndrome = {(system, code): s.name for s in SYNDROMES for system, code, _ in s.codes}
    key = pl.DataFrame(
        [(*pair, name) for pair, name in syndrome.items()], schema=["code_system", "code", "syndrome"], orient="row"
    )
    return rows.join(key, on=["code_system", "code"], how="left")


def band(birth: pl.Expr, day: pl.Expr) -> pl.Expr:
    before = (day.dt.month() < birth.dt.month()) | (
        (day.dt.month() == birth.dt.month()) & (day.dt.day() < birth.dt.day())
    )
    age = day.dt.year() - birth.dt.year() - before.cast(pl.Int32)
    number = pl.sum_horizontal((age >= edge).cast(pl.Int64) for edge in AGE_EDGES[1:-1])
    return number.replace_strict(dict(enumerate(AGE_BANDS)), return_dtype=pl.String)


def weekly(truth: pl.DataFrame, syndrome: str, column: str) -> pl.DataFrame:
    of = truth.filter(syndrome=syndrome)
    return of.group_by(week=pl.col("date").dt.truncate("1w")).agg(pl.col(column).sum()).sort("week")


def test_the_line_list_equals_the_truth_cell_by_cell(coded: pl.DataFrame, truth: pl.DataFrame) -> None:
    assert coded["syndrome"].null_count() == 0
    found = coded.group_by(
        date="visit_date",
        location="district",
        age_group=band(pl.col("birth_date"), pl.col("visit_date")),
        syndrome="syndrome",
    ).len()
    both = truth.join(found, on=["date", "location", "age_group", "syndrome"], how="left")
    assert (both["len"].fill_null(0).cast(pl.Int64) == both["listed"]).all()
    assert found["len"].sum() == truth["listed"].sum() == coded.height
    assert ((truth["listed"] <= truth["reported"]) & (truth["reported"] <= truth["visits"])).all()


def test_the_number_of_rows_is_near_the_one_asked_for(rows: pl.DataFrame) -> None:
    assert abs(rows.height - 150_000) < 6 * np.sqrt(150_000)


def test_visits_are_poisson_around_what_is_expected(truth: pl.DataFrame) -> None:
    of = truth.filter(pl.col("expected_visits") > 0)
    assert of.height > 1_000_000
    assert truth.filter(pl.col("expected_visits") == 0)["visits"].sum() == 0
    for _, one in of.group_by("syndrome"):
        z = (one["visits"].sum() - one["expected_visits"].sum()) / np.sqrt(one["expected_visits"].sum())
        assert abs(z) < 4.5
    dispersion = ((of["visits"] - of["expected_visits"]) ** 2 / of["expected_visits"]).mean()
    assert dispersion == pytest.approx(1.0, abs=0.05)


def test_reported_share_is_that_of_the_parameters(province: Simulation, truth: pl.DataFrame) -> None:
    share = json.loads((province.truth / "parameters.json").read_text("utf-8"))["reported_share"]
    silences = pl.read_csv(province.truth / "silences.csv", try_parse_dates=True).filter("lost")
    for code, one in share.items():
        of = truth.filter(location=code)
        for gap in silences.filter(district=code).iter_rows(named=True):
            inside = of.filter(pl.col("date").is_between(gap["first_day"], gap["last_day"]))
            assert inside["visits"].sum() > 0
            assert inside["reported"].sum() == 0
            of = of.filter(~pl.col("date").is_between(gap["first_day"], gap["last_day"]))
        visits = of["visits"].sum()
        assert abs(of["reported"].sum() / visits - one) < 5 * np.sqrt(one * (1 - one) / visits) + 0.001


def test_delays_follow_the_lognormal_law_of_the_parameters(province: Simulation, rows: pl.DataFrame) -> None:
    delays = pl.read_parquet(province.truth / "delays.parquet")
    silences = pl.read_csv(province.truth / "silences.csv", try_parse_dates=True)
    seen = (
        rows.filter(pl.col("visit_date") <= pl.col("visit_date").max() - dt.timedelta(LONGEST_DELAY))
        .with_columns(week=pl.col("visit_date").dt.truncate("1w"))
        .join(delays, left_on=["week", "district"], right_on=["week", "location"])
    )
    for gap in silences.iter_rows(named=True):
        inside = (pl.col("district") == gap["district"]) & pl.col("visit_date").is_between(
            gap["first_day"], gap["last_day"]
        )
        seen = seen.filter(~inside)
    delay = (seen["reported_date"] - seen["visit_date"]).dt.total_days().to_numpy()
    # floor(median * exp(spread * z)) <= k just when z < log((k + 1) / median) / spread
    for k in (0, 1, 3, 7, 14):
        wanted = ndtr(np.log((k + 1) / seen["median_delay_days"].to_numpy()) / DELAY_SPREAD).mean()
        assert (delay <= k).mean() == pytest.approx(wanted, abs=0.006)
    assert delay.min() >= 0
    assert delay.max() <= LONGEST_DELAY


def test_delays_grow_in_outbreaks(province: Simulation) -> None:
    delays = pl.read_parquet(province.truth / "delays.parquet")
    quiet_and_busy = delays.group_by("location").agg(
        pl.col("median_delay_days").min().alias("quiet"), pl.col("median_delay_days").max().alias("busy")
    )
    assert (quiet_and_busy["busy"] > 1.5 * quiet_and_busy["quiet"]).all()


def test_silent_districts_speak_up_late(province: Simulation, rows: pl.DataFrame) -> None:
    silences = pl.read_csv(province.truth / "silences.csv", try_parse_dates=True)
    gaps = silences.filter(~pl.col("lost") & (pl.col("last_day") < rows["visit_date"].max()))
    assert gaps.height > 0
    for gap in gaps.iter_rows(named=True):
        days = pl.col("visit_date").is_between(gap["first_day"], gap["last_day"])
        inside = rows.filter((pl.col("district") == gap["district"]) & days)
        assert inside.height > 0
        assert inside["reported_date"].min() > gap["last_day"]


def test_nothing_is_later_than_the_last_day(province: Simulation, rows: pl.DataFrame) -> None:
    last = dt.date.fromisoformat(province.manifest["last_day"])
    assert rows["reported_date"].max() <= last
    assert (rows["reported_date"] >= rows["visit_date"]).all()
    assert (rows["visit_date"] >= rows["birth_date"]).all()
    week = rows.group_by(week=pl.col("visit_date").dt.truncate("1w")).len().sort("week")
    assert week["len"][-1] < 0.75 * week["len"][-8:-3].mean()  # the last week is still coming in


def test_same_seed_same_rows_whatever_the_pieces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one = simulate(tmp_path / "a", encounters=5_000, years=1, seed=5)
    first, incidence = rows_of(one), one.incidence()
    sizes: list[int] = []
    plain = encounters.line_list

    def watched(world: encounters.World, visits: encounters.Visits, start: int) -> pl.DataFrame:
        sizes.append(visits.day.size)
        return plain(world, visits, start)

    monkeypatch.setattr(simulation, "line_list", watched)
    monkeypatch.setattr(simulation, "CHUNK_ROWS", 37)
    two = simulate(tmp_path / "b", encounters=5_000, years=1, seed=5)
    assert rows_of(two).equals(first)
    assert two.incidence().equals(incidence)
    assert {f.name for f in one.truth.iterdir()} == {f.name for f in two.truth.iterdir()}
    assert (one.truth / "parameters.json").read_bytes() == (two.truth / "parameters.json").read_bytes()
    # bounded pieces: a piece never grows by more than one day over the limit
    assert sum(sizes) == first.height
    assert max(sizes) < 37 + first.group_by("visit_date").len()["len"].max()


def test_parquet_and_csv_and_fhir_hold_the_same(tmp_path: Path, one_world: None) -> None:
    options = {"encounters": 2_000, "years": 1, "seed": 9}
    rows = rows_of(simulate(tmp_path / "p", **options))
    assert not rows.equals(rows_of(simulate(tmp_path / "q", **options | {"seed": 10})))
    csv = simulate(tmp_path / "c", **options, format="csv")
    assert [f.name for f in csv.line_list] == ["line_list_simulated.csv"]
    text = dict.fromkeys(("national_id", "phone"), pl.String)
    assert pl.read_csv(csv.line_list[0], schema_overrides=text, try_parse_dates=True).equals(rows)

    fhir = simulate(tmp_path / "f", **options, format="fhir")
    found = {f.stem: [json.loads(line) for line in f.read_text("utf-8").splitlines()] for f in fhir.line_list}
    ids = {kind: {f"{kind}/{r['id']}" for r in resources} for kind, resources in found.items()}
    for kind, resources in found.items():
        assert len(ids[kind]) == len(resources)
        assert all(r["resourceType"] == kind for r in resources)
        assert all(re.fullmatch(r"[A-Za-z0-9\-.]{1,64}", r["id"]) for r in resources)
        assert all("simulated" in {t["code"] for t in r["meta"]["tag"]} for r in resources)
    assert {e["subject"]["reference"] for e in found["Encounter"]} == ids["Patient"]
    assert {e["serviceProvider"]["reference"] for e in found["Encounter"]} <= ids["Organization"]
    assert {c["subject"]["reference"] for c in found["Condition"]} == ids["Patient"]
    assert [c["encounter"]["reference"] for c in found["Condition"]] == [
        f"Encounter/{e['id']}" for e in found["Encounter"]
    ]
    systems = {"icd10": "http://hl7.org/fhir/sid/icd-10", "snomed": "http://snomed.info/sct"}
    people = {p["id"]: p for p in found["Patient"]}
    acts = {"outpatient": "AMB", "emergency": "EMER", "inpatient": "IMP", "virtual": "VR"}
    for row, visit, condition in zip(rows.iter_rows(named=True), found["Encounter"], found["Condition"], strict=True):
        coding = condition["code"]["coding"][0]
        person = people[row["person_id"]]
        assert (coding["system"], coding["code"]) == (systems[row["code_system"]], row["code"])
        assert visit["id"] == row["encounter_id"]
        assert visit["class"]["code"] == acts[row["encounter_class"]]
        assert visit["period"]["start"] == row["visit_date"].isoformat()
        assert condition["recordedDate"] == row["reported_date"].isoformat()
        assert (person["gender"], person["birthDate"]) == (row["sex"], row["birth_date"].isoformat())
        assert person["address"][0]["district"] == row["district"]
        assert person["name"][0]["text"] == row["name"]


def test_the_sources_read_all_three_formats_as_the_same_records(tmp_path: Path, one_world: None) -> None:
    options = {"encounters": 1_000, "years": 0.5, "seed": 4}
    folders = {form: simulate(tmp_path / form, **options, format=form).folder for form in simulation.FORMATS}
    doors = [
        open_linelist([folders["parquet"] / "line_list_simulated"]),
        open_linelist([folders["csv"] / "line_list_simulated.csv"]),
        open_fhir([folders["fhir"] / "fhir_simulated"]),
    ]
    read = []
    for door in doors:
        assert door.simulated
        with duckdb.connect(":memory:") as connection:
            table = connection.sql(door.select(connection)).to_arrow_table()
        records = pl.DataFrame(pl.from_arrow(table)).drop("file").sort("encounter")
        assert records["fault"].null_count() == records["left_out"].null_count() == records.height > 500
        assert records.drop("age", "fault", "left_out").null_count().sum_horizontal().item() == 0
        read.append(records)
    assert read[0].equals(read[1])
    assert read[0].equals(read[2])


def test_people_come_again_and_keep_their_identity(rows: pl.DataFrame) -> None:
    per_person = rows.group_by("person_id").agg(
        pl.len(), *(pl.col(c).n_unique().alias(c) for c in [*IDENTIFIERS, "birth_date", "sex", "district"])
    )
    assert (per_person.drop("person_id", "len") == 1).to_numpy().all()
    assert (per_person["len"] > 1).mean() > 0.4
    people = rows.unique("person_id")
    assert people["national_id"].n_unique() == people["phone"].n_unique() == people.height


def test_identifiers_are_of_the_right_form_and_belong_to_nobody(rows: pl.DataFrame) -> None:
    people = rows.unique("person_id")
    assert people["national_id"].str.contains(r"^99\d{15}[\dX]$").all()  # there is no region 99
    assert people["phone"].str.contains(r"^100\d{8}$").all()  # and no subscriber 100...
    assert people["address"].str.starts_with("兰河省(模拟)").all()
    assert people["name"].str.contains(r"^\p{Han}{2,3}$").all()
    assert (people["national_id"].str.slice(6, 8) == people["birth_date"].dt.to_string("%Y%m%d")).all()
    assert ((people["national_id"].str.slice(16, 1).cast(pl.Int32) % 2 == 1) == (people["sex"] == "male")).all()
    weights = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2]
    for number in people["national_id"].head(200):
        total = sum(int(d) * w for d, w in zip(number[:17], weights, strict=True))
        assert number[17] == "10X98765432"[total % 11]


def test_places_nest_and_are_plainly_fictional(province: Simulation, rows: pl.DataFrame) -> None:
    table = PLACES.check(pl.read_csv(province.folder / "places.csv"))
    assert table.equals(places())
    level = dict(zip(table["location"], table["location_level"], strict=True))
    parent = dict(zip(table["location"], table["parent"], strict=True))
    above = {"district": "prefecture", "prefecture": "province"}
    assert all(level[parent[c]] == above[level[c]] for c in level if level[c] != "province")
    for code in level:
        children = table.filter(parent=code)
        if children.height:
            assert children["population"].sum() == table.filter(location=code)["population"].item()
    districts = table.filter(location_level="district")
    assert set(rows["district"]) == set(districts["location"])
    assert districts.select("tile_row", "tile_column").is_unique().all()
    assert table["name_zh"].null_count() == 0
    assert table.filter(pl.col("location_level") != "district")["name"].str.contains("(simulated)", literal=True).all()
    assert lanhe().population.sum() == districts["population"].sum()
    pairs = pl.read_csv(province.folder / "adjacency.csv")
    assert (
        pairs.join(pairs, left_on=["location", "neighbour"], right_on=["neighbour", "location"]).height == pairs.height
    )
    assert set(pairs["location"]) == set(districts["location"])


def test_everything_says_that_it_is_simulated(province: Simulation) -> None:
    assert json.loads((province.folder / "simulation.json").read_text("utf-8"))["simulated"] is True
    assert json.loads((province.truth / "parameters.json").read_text("utf-8"))["simulated"] is True
    assert "SIMULATED" in (province.folder / "README.txt").read_text("utf-8")
    files = [*province.line_list, *province.truth.glob("*.parquet")]
    assert len(files) > 70
    for file in files:
        assert pyarrow.parquet.read_schema(file).metadata[b"simulated"] == b"true"
    assert all("simulated" in f.relative_to(province.folder).as_posix() for f in province.line_list)


def test_influenza_peaks_in_winter_in_varying_sizes(truth: pl.DataFrame) -> None:
    series = weekly(truth, "influenza", "infections")
    sizes = []
    for year in range(2021, 2027):
        season = series.filter(pl.col("week").is_between(dt.date(year - 1, 7, 1), dt.date(year, 6, 30)))
        top = season.sort("infections")["week"][-1]
        assert top.month in (12, 1, 2, 3, 4)
        winter = season.filter(pl.col("week").dt.month().is_in([11, 12, 1, 2, 3, 4]))
        assert winter["infections"].sum() > 0.65 * season["infections"].sum()  # 0.50 is no season at all
        sizes.append(season["infections"].max())
    assert max(sizes) > 2 * min(sizes)


def test_each_season_has_its_own_main_strain(province: Simulation) -> None:
    strains = pl.read_parquet(province.truth / "reproduction_number.parquet").filter(disease="influenza")
    season = strains.with_columns(season=(pl.col("date") + dt.timedelta(184)).dt.year())
    share = season.group_by("season", "strain").agg(pl.col("infections").sum()).sort("season", "infections")
    winners = share.group_by("season", maintain_order=True).last()["strain"]
    assert winners.n_unique() > 1


def test_hfmd_has_two_waves_a_year_and_a_biennial_rhythm(truth: pl.DataFrame) -> None:
    series = weekly(truth, "hfmd", "infections")
    mean = series.group_by(month=pl.col("week").dt.month()).agg(pl.col("infections").mean()).sort("month")["infections"]
    assert mean.arg_max() + 1 in (5, 6, 7)
    assert mean[9:11].min() > 1.25 * mean[7:9].min()  # a second wave after the holidays ...
    assert mean[9:11].min() > 1.25 * mean[11]  # ... that ends before the year does
    assert mean[4:7].mean() > 1.5 * mean[8:11].mean()
    springs = {
        year: series.filter(pl.col("week").is_between(dt.date(year, 3, 15), dt.date(year, 8, 14)))["infections"].sum()
        for year in range(2021, 2027)
    }
    assert min(springs[y] for y in (2022, 2024)) > 1.3 * max(springs[y] for y in (2021, 2023, 2025))
    values = np.log(series["infections"].to_numpy() + 1.0)
    two, one = (np.corrcoef(values[lag:], values[:-lag])[0, 1] for lag in (104, 52))
    assert two > one


def test_hfmd_is_a_disease_of_small_children(coded: pl.DataFrame) -> None:
    ages = coded.filter(syndrome="hfmd").select(band(pl.col("birth_date"), pl.col("visit_date")))
    assert (ages.to_series() == "0-4").mean() > 0.75


def test_exacerbations_follow_cold_and_influenza(province: Simulation, truth: pl.DataFrame) -> None:
    counts = weekly(truth, "copd_exacerbation", "visits").join(weekly(truth, "influenza", "infections"), on="week")
    weather = pl.read_parquet(province.truth / "weather.parquet")
    cold = weather.group_by(week=pl.col("date").dt.truncate("1w")).agg(-pl.col("temperature").mean())
    joined = counts.join(cold, on="week").sort("week")
    assert np.corrcoef(joined["visits"], joined["temperature"])[0, 1] > 0.4
    assert np.corrcoef(joined["visits"], joined["infections"])[0, 1] > 0.4
    winter = joined.filter(pl.col("week").dt.month().is_in([12, 1, 2]))
    assert np.corrcoef(winter["visits"], winter["infections"])[0, 1] > 0.2  # at the same cold


def test_copd_patients_are_old_and_smoke(province: Simulation, coded: pl.DataFrame) -> None:
    patients = pl.read_parquet(province.truth / "copd_patients.parquet")
    assert 0.3 < patients["smoker"].mean() < 0.8
    visits = coded.filter(syndrome="copd_exacerbation")
    assert ((visits["visit_date"] - visits["birth_date"]).dt.total_days() > 25 * 365).all()
    share = visits.join(patients, on="person_id", how="semi").height / visits.height
    assert share > 0.85  # the others had died or are over the age that is counted
    assert set(visits["code"]) <= {"J44.0", "J44.1", "195951007"}


def test_weekdays_and_holidays_show(coded: pl.DataFrame, province: Simulation) -> None:
    by_day = coded.group_by("syndrome", day=pl.col("visit_date").dt.weekday()).len().sort("syndrome", "day")
    hypertension = by_day.filter(syndrome="hypertension")["len"]
    assert hypertension[0] > 3 * hypertension[6]
    calendar = pl.read_parquet(province.truth / "calendar.parquet")
    daily = coded.group_by(date="visit_date").len().join(calendar, on="date")
    assert daily.filter("holiday")["len"].mean() < 0.75 * daily.filter(~pl.col("holiday"))["len"].mean()
    assert calendar.filter(pl.col("date") == dt.date(2024, 2, 10))["holiday"].item()  # Spring Festival
    assert not calendar.filter(pl.col("date") == dt.date(2024, 8, 1))["school"].item()


def test_reproduction_number_says_where_the_epidemic_goes(province: Simulation) -> None:
    strains = pl.read_parquet(province.truth / "reproduction_number.parquet").sort("disease", "strain", "date")
    weeks = strains.group_by("disease", "strain", week=pl.col("date").dt.truncate("1w"), maintain_order=True).agg(
        pl.col("reproduction_number").mean(), pl.col("infections").sum()
    )
    later = pl.col("infections").shift(-2).over("disease", "strain") / pl.col("infections")
    big = weeks.with_columns(growth=later).filter(pl.col("infections") > 5_000).drop_nulls()
    assert big.height > 100
    up = big.filter(pl.col("reproduction_number") > 1.15)["growth"]
    down = big.filter(pl.col("reproduction_number") < 0.85)["growth"]
    assert up.median() > 1.1
    assert down.median() < 0.9


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"encounters": 10}, "encounters is 10; it must lie between 1,000 and 200,000,000"),
        ({"years": 0}, "years is 0; it must lie between 0.5 and 30"),
        ({"seed": -1}, "seed is -1"),
        ({"format": "xml"}, "there is no format 'xml' of a simulation. Choose one of parquet, csv, fhir"),
        ({"start": dt.date(2020, 1, 1), "end": dt.date(2024, 1, 1)}, "both start and end were given"),
        ({"end": dt.date(1950, 1, 1)}, "it must lie between 1960 and 2090"),
    ],
)
def test_bad_options_are_named(tmp_path: Path, options: dict, message: str) -> None:
    with pytest.raises(InputError, match=re.escape(message)):
        simulate(tmp_path / "p", **options)
    assert not (tmp_path / "p").exists()


def test_a_strange_folder_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(OutputError, match="holds files that Salus did not write"):
        simulate(tmp_path, encounters=1_000, years=0.5)
    assert [p.name for p in tmp_path.iterdir()] == ["mine.txt"]


def test_start_and_a_leap_day(tmp_path: Path, one_world: None) -> None:
    days: list[tuple[int, int]] = []
    done = simulate(
        tmp_path / "p", 1_000, 1, 2, start=dt.date(2024, 2, 29), on_day=lambda done, of: days.append((done, of))
    )
    assert done.manifest["first_day"] == "2024-02-29"
    assert days[-1] == (364, 364)
    assert set(done.incidence()["syndrome"]) == set(NAMES)
    again = simulate(tmp_path / "p", 1_000, 1, 2, start=dt.date(2024, 2, 29))  # replaces its own folder
    assert again.manifest == done.manifest
