"""`salus run` on the real surveillance files: Japan, the United States, China, Germany, Korea."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest
from helpers_results import check_folder, day, days_ahead
from pypdf import PdfReader

from salus.workflows.run import Run, run

REAL = Path(os.environ.get("SALUS_REAL_DATA", Path(__file__).parents[2].parent / "shared" / "data"))
SALUS = Path(sys.executable).with_name("salus")
US = REAL / "influenza_us"
ALSO = [
    US / "flusurv_net_13_states_2009_2024.parquet",
    US / "ilinet_1997_2023.parquet",
    US / "nrevss_percent_positive_1997_2020.parquet",
]
JAPAN = REAL / "sentinel_japan" / "sentinel_per_site.parquet"
HFMD = "Hand, foot and mouth disease"
WEEKLY, HUB = {1: [7], 2: [14], 3: [21], 4: [28]}, {1: [0], 2: [7], 3: [14], 4: [21]}

pytestmark = [pytest.mark.real_data, pytest.mark.slow]


@pytest.fixture(autouse=True)
def _there() -> None:
    if not REAL.is_dir():
        pytest.skip("the real surveillance files are not there (SALUS_REAL_DATA)")


def written(found: Run, folder: Path) -> Path:
    found.write(folder, ("en", "zh"), pdf=False)
    return folder


@pytest.fixture(scope="module")
def prefectures() -> list[str]:
    return pl.read_parquet(JAPAN, columns=["location"])["location"].unique().sort().to_list()


def test_japan_hfmd_by_the_executable_with_the_default_model_and_pdf(tmp_path: Path, prefectures: list[str]) -> None:
    out = tmp_path / "hfmd"
    done = subprocess.run(
        [str(SALUS), "run", str(JAPAN), "--disease", HFMD, "--signal", "per_sentinel", "--as-of", "2023-07-16",
         "--out", str(out)],
        capture_output=True, text=True, timeout=1500,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    sentence, place = done.stdout.splitlines()
    assert "HFMD" in sentence
    assert place == f"Bulletin: {out / 'bulletin.html'}"
    assert len(prefectures) == 47
    forecasts = check_folder(out, prefectures, more=["bulletin.pdf"])
    assert days_ahead(forecasts) == WEEKLY
    assert set(forecasts["model"]) <= {"combination", "persistence"}
    page = (out / "bulletin.html").read_text(encoding="utf-8")
    assert sentence in page
    assert 'lang="en"' in page
    pdf = PdfReader(out / "bulletin.pdf")
    assert len(pdf.pages) > 47
    trust = pl.read_csv(out / "trust.csv")
    origins = trust.group_by("horizon").agg(
        pl.col("origins").min().alias("least"), pl.col("origins").max().alias("most")
    )
    assert sorted(origins.select("horizon", "most").rows()) == [(1, 52), (2, 51), (3, 50), (4, 49)]
    assert origins["least"].min() >= 40, "some weeks are missing, most are not"
    assert (trust["label"] != "withheld").mean() > 0.5, "the default beats persistence in most places"


def test_japan_influenza(tmp_path: Path, prefectures: list[str]) -> None:
    found = run(JAPAN, "influenza", "per_sentinel", as_of=day("2023-07-16"), model="persistence")
    forecasts = check_folder(written(found, tmp_path / "out"), prefectures, more=["bulletin.zh.html"])
    assert days_ahead(forecasts) == WEEKLY
    assert found.scheme.key == "official"
    assert "流行性感冒" in found.bulletin.first_sentence("zh")
    assert set(found.trust["label"]) == {"withheld"}, "persistence does not beat itself"


def test_us_admissions_as_known_with_histories(tmp_path: Path) -> None:
    """The origin is a Saturday and the week that ended seven days before is the last one known."""
    vintages = US / "admissions_vintages.parquet"
    found = run(vintages, "influenza", as_of=day("2024-01-20"), also=ALSO, model="persistence")
    places = pl.read_parquet(vintages).filter(pl.col("as_of") <= day("2024-01-20"))["location"].unique().to_list()
    forecasts = check_folder(
        written(found, tmp_path / "out"), places, unusable=["78"], more=["bulletin.zh.html"]
    )  # fmt: skip
    assert days_ahead(forecasts) == HUB
    assert found.notes == ("78: silent for 31 weeks; not forecast",)
    assert {p.signal for p in found.panel.also} >= {"flusurv_admissions", "ili_percent", "percent_positive"}
    for panel in found.panel.also:  # without as_of: held back by eight weeks
        assert panel.starts[-1] <= day("2023-11-19")
    assert "Virgin Islands" in (tmp_path / "out" / "bulletin.html").read_text(encoding="utf-8")
    inputs = json.loads((tmp_path / "out" / "run.json").read_text(encoding="utf-8"))["inputs"]
    assert len(inputs) == 4
    known = found.panel.last_known()
    sent = pl.read_parquet(vintages).filter(pl.col("as_of") == day("2024-01-20"), pl.col("date") == day("2024-01-07"))
    both = known.join(sent, on="location").drop_nulls()
    assert both.height >= 52
    assert both["value"].to_list() == both["value_right"].to_list()


def test_monthly_china_with_two_labels_of_the_nation(tmp_path: Path) -> None:
    source = REAL / "notifiable_china" / "monthly.parquet"
    found = run(source, "Hand foot and mouth", "cases", as_of=day("2018-06-30"), model="persistence")
    places = list(found.panel.locations)
    assert len(places) == 32, "one of the nation's two labels"
    forecasts = check_folder(written(found, tmp_path / "out"), places, more=["bulletin.zh.html"])
    assert days_ahead(forecasts) == {1: [31], 2: [62], 3: [92], 4: [123]}  # the ends of July to October
    assert found.bulletin.overview.whole is not None
    assert found.bulletin.overview.whole.location == "China"
    assert len(found.bulletin.overview.places) == 31
    assert "in China" in found.bulletin.first_sentence()
    assert "中国手足口病" in found.bulletin.first_sentence("zh")


@pytest.mark.parametrize(
    ("disease", "signal"), [("Influenza (lab-confirmed) age 00+", "cases"), ("ARE consultations age 00+", None)]
)
def test_weekly_germany(tmp_path: Path, disease: str, signal: str | None) -> None:
    source = REAL / "respiratory_germany" / "weekly.parquet"
    found = run(source, disease, signal, as_of=day("2024-01-28"), model="persistence")
    places = list(found.panel.locations)
    assert len(places) == 17
    unusable = found.bulletin.meta.unforecast
    forecasts = check_folder(written(found, tmp_path / "out"), places, unusable=unusable, more=["bulletin.zh.html"])
    assert days_ahead(forecasts) == WEEKLY
    assert "in Germany" in found.bulletin.first_sentence()


def test_korea_hfmd_by_the_executable_in_chinese(tmp_path: Path) -> None:
    out = tmp_path / "out"
    done = subprocess.run(
        [str(SALUS), "run", str(REAL / "hfmd_korea" / "weekly.parquet"), "--disease", "HFMD", "--lang", "zh,en",
         "--json", "--no-pdf", "--model", "pooled", "--out", str(out)],
        capture_output=True, text=True, timeout=900,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert "手足口病" in said["sentence"]
    check_folder(out, ["South Korea"], more=["bulletin.en.html"])
    assert 'lang="zh' in (out / "bulletin.html").read_text(encoding="utf-8")
    assert 'lang="en"' in (out / "bulletin.en.html").read_text(encoding="utf-8")
