"""The demo: from simulated records to a bulletin, simulated wherever one looks, and nobody in what leaves the wall."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest
from helpers_results import check_folder
from pypdf import PdfReader

from salus.privacy import signatures, verification
from salus.workflows import demo as demo_module
from salus.workflows.demo import Demo, demo
from salus.workflows.run import run

GIVEN_BY_THE_DEMO = {"definitions", "places"}
"""What the demo gives to be checked by, and the test does not."""

VISITS = 150_000
"""Fewer would leave nearly all weekly counts under the minimum cell, and nothing to forecast."""

MOST_NAMES = 200
"""Names and addresses that are looked for in what is published; numbers are all looked for."""


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Callable[[int], tuple[Path, Demo]]:
    """A demo of few visits by seed, without the PDF and with the quickest model; made once."""
    root = tmp_path_factory.mktemp("demo")

    @functools.cache
    def made(seed: int, again: int = 0) -> tuple[Path, Demo]:
        out = root / f"{seed}-{again}"
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(demo_module, "run", functools.partial(run, model="persistence"))
            return out, demo(out, encounters=VISITS, seed=seed, pdf=False)

    return made


def text_of(file: Path) -> str:
    """All that can be read in a file."""
    if file.suffix == ".parquet":
        return pl.read_parquet(file).write_csv()
    if file.suffix == ".pdf":
        return "\n".join(page.extract_text() for page in PdfReader(file).pages)
    return file.read_text(encoding="utf-8")


def published(out: Path) -> dict[Path, str]:
    """Everything that may leave the wall, as text."""
    files = [f for part in ("bulletin", "wall/release") for f in (out / part).rglob("*") if f.is_file()]
    return {f: text_of(f) for f in files}


def people(out: Path) -> pl.DataFrame:
    return pl.read_parquet(out / "simulated" / "line_list_simulated" / "*.parquet")


def check_nobody_is_published(out: Path) -> None:
    listed = people(out)
    numbers = {
        str(x)
        for column in ("national_id", "phone", "person_id", "encounter_id")
        for x in listed[column].drop_nulls().unique().to_list()
    }
    assert len(numbers) > 10_000
    words = listed.select("name", "address").unique(maintain_order=True)
    chosen = words["name"].drop_nulls().unique(maintain_order=True).head(MOST_NAMES).to_list()
    chosen += words["address"].drop_nulls().unique(maintain_order=True).head(MOST_NAMES).to_list()
    files = published(out)
    assert len(files) >= 8
    for file, text in files.items():
        found = set(re.findall(r"[A-Za-z]*\d{6,}[\dXx]*", text)) & numbers
        assert not found, f"{file.name} holds {sorted(found)[:3]}"
        seen = [name for name in chosen if len(name) > 2 and name in text]
        assert not seen, f"{file.name} names {seen[:3]}"
    record = next((out / "wall" / "record").rglob("*.parquet"))
    surrogates = {str(x) for x in pl.read_parquet(record)["person"].unique().to_list()}
    assert surrogates
    assert not any(set(re.findall(r"-?\d{12,}", text)) & surrogates for text in files.values())


def check_simulated_everywhere(out: Path) -> None:
    for lang, word in (("en", "SIMULATED"), ("zh", "模拟")):
        name = "bulletin.html" if lang == "en" else "bulletin.zh.html"
        page = (out / "bulletin" / name).read_text(encoding="utf-8")
        assert word in re.findall(r"<title>(.*?)</title>", page)[0]
        assert f'<html lang="{lang}' in page
        body = re.sub(r"<style>.*?</style>", "", page, flags=re.DOTALL)
        assert body.count(word) >= 3
    [series] = (out / "wall" / "release").rglob("series.parquet")
    assert pl.read_parquet(series)["source"].str.contains("SIMULATED").all()
    readme = (series.parent / "README.md").read_text(encoding="utf-8")
    assert "simulated" in readme.lower()
    assert people(out)["simulated"].all()


def test_a_bulletin_in_both_languages_from_a_certified_release(
    small: Callable[..., tuple[Path, Demo]],
) -> None:
    out, made = small(1)
    assert made.bulletin == out / "bulletin" / "bulletin.html"
    series = next((out / "wall" / "release").rglob("series.parquet"))
    table = pl.read_parquet(series).filter(pl.col("disease") == demo_module.DISEASE).drop_nulls("value")
    status = pl.read_csv(out / "bulletin" / "status.csv", infer_schema=False)
    unusable = set(status["location"]) - set(status.filter(pl.col("horizon") == "1")["location"])
    assert set(status["location"]) == set(table["location"])
    assert len(unusable) < len(set(status["location"]))
    check_folder(out / "bulletin", set(status["location"]), unusable=unusable, more=["bulletin.zh.html"])
    page = made.bulletin.read_text(encoding="utf-8")
    assert made.sentence in page
    findings = verification.verify(series.parent, public_key=signatures.load_public(out / "demo.key.pub"))
    assert sum(f.holds for f in findings) >= 15
    assert not [f for f in findings if f.fails]
    unchecked = {f.claim for f in findings if f.found is None} - GIVEN_BY_THE_DEMO
    costs = {claim for claim in unchecked if claim.startswith("forecast_cost_")}
    assert costs  # what the release costs a forecast is known from exact counts alone
    assert unchecked - costs == {"interval_around_value", "log_head", "inputs", "code_version"}
    said = rf"certificate: All \d+ statements that were checked hold; {len(unchecked)} were NOT checked."
    assert any(re.fullmatch(said, line) for line in made.lines)


def test_what_is_told_names_places_that_are_there(small: Callable[..., tuple[Path, Demo]]) -> None:
    out, made = small(1)
    [line] = [line for line in made.lines if line.startswith("Release: ")]
    assert Path(line.removeprefix("Release: ")).is_dir()
    assert not any(".part" in line for line in made.lines)
    assert not [p.name for p in out.parent.iterdir() if p.name.startswith(".")]


def test_simulated_is_said_everywhere(small: Callable[..., tuple[Path, Demo]]) -> None:
    check_simulated_everywhere(small(1)[0])


def test_nobody_of_the_line_list_is_in_what_is_published(small: Callable[..., tuple[Path, Demo]]) -> None:
    check_nobody_is_published(small(1)[0])


@pytest.mark.slow
def test_the_same_seed_gives_the_same_forecasts_and_another_gives_others(
    small: Callable[..., tuple[Path, Demo]],
) -> None:
    first, again, other = (
        pl.read_parquet(small(*a)[0] / "bulletin" / "forecasts.parquet") for a in ((1,), (1, 1), (2,))
    )
    assert again.equals(first)
    assert not other.equals(first)


@pytest.mark.slow
def test_the_demo_as_make_demo_runs_it(tmp_path: Path) -> None:
    out = tmp_path / "demo-out"
    made = demo(out)
    bulletin = out / "bulletin"
    status = pl.read_csv(bulletin / "status.csv", infer_schema=False)
    unusable = set(status["location"]) - set(status.filter(pl.col("horizon") == "1")["location"])
    more = ["bulletin.zh.html", "bulletin.pdf", "bulletin.zh.pdf"]
    forecasts = check_folder(bulletin, set(status["location"]), unusable=unusable, more=more)
    assert set(forecasts["model"]) - {"persistence"}, "a model that learns is shown somewhere"
    assert "HFMD" in made.sentence
    check_simulated_everywhere(out)
    check_nobody_is_published(out)
    for name, word in (("bulletin.pdf", "SIMULATED"), ("bulletin.zh.pdf", "模拟")):
        pages = [page.extract_text() for page in PdfReader(bulletin / name).pages]
        assert len(pages) > 3
        assert all(word in text for text in pages), name
