"""Counts by age group and sex crossed, under suppression: guarded, attacked, certified, counted again."""

import shutil

import numpy as np
import polars as pl
import pytest
from helpers_wall import visits

from salus.errors import InputError
from salus.privacy import bounds, signatures, verification
from salus.privacy import release as releases
from salus.privacy.policy import Policy
from salus.privacy.tabulation import categories

RULE = Policy(weeks_held_back=0, breakdowns=("age_sex",), breakdown_level="province", syndromes=("influenza",))
FAMILY = ["location", "disease", "date"]


@pytest.fixture
def released(wall, places, definitions, key):
    return releases.release(wall(visits(np.random.default_rng(7), 12_000)), definitions, places, RULE, key=key)


def test_cells_are_guarded_as_parts_of_their_place(released):
    cells = pl.read_parquet(released.breakdowns)
    assert set(cells["category"]) == set(categories("age_sex"))
    series = pl.read_parquet(released.series).select(*FAMILY, total="value")
    families = cells.group_by(FAMILY).agg(
        pl.col("value").sum().alias("shown"), pl.col("value").null_count().alias("gaps")
    )
    families = families.join(series, on=FAMILY)
    assert families.filter(pl.col("gaps").is_between(1, 27)).height
    assert not families.filter(pl.col("gaps") == 1).height
    assert (families.filter(pl.col("gaps") > 0)["total"] - families.filter(pl.col("gaps") > 0)["shown"] >= 15).all()
    assert cells["value"].drop_nulls().filter(cells["value"].drop_nulls() > 0).min() >= RULE.minimum_cell


def test_no_cell_left_out_can_be_placed_within_the_minimum_cell(released):
    series, cells = pl.read_parquet(released.series), pl.read_parquet(released.breakdowns)
    found = bounds.intervals(series, cells, RULE).filter(pl.col("dimension") == "age_sex")
    assert found.height
    assert (found["high"] - found["low"]).min() >= RULE.minimum_cell
    assert ((found["high"] - found["low"]).filter(~found["whole"]) >= RULE.minimum_interval).all()


def test_the_certificate_counts_them_and_the_records_bear_them_out(released, places, definitions, key):
    options = {"public_key": signatures.public_key(key), "places": places, "definitions": definitions}
    inside = {
        f.claim: f for f in verification.verify(released.folder, root=released.folder.parents[1], key=key, **options)
    }
    assert not [f for f in inside.values() if f.fails]
    assert inside["counts"].holds
    assert inside["age_sex_counts_left_out"].holds
    page = (released.folder / "certificate.zh.html").read_text(encoding="utf-8")
    assert "按年龄组与性别交叉" in page


def test_a_cell_that_is_not_as_counted_is_found_by_who_has_the_records(released, places, definitions, key, monkeypatch):
    """Also where its writer signed it: what is released is counted again."""
    from salus.privacy import suppressed

    exact = suppressed.exact

    def other(found, counted):
        true = exact(found, counted)
        return true + (found["value"] > 0).cast(int) if "value" in found.columns else true

    monkeypatch.setattr(suppressed, "exact", other)
    said = verification.verify(released.folder, root=released.folder.parents[1], key=key, places=places,
                               definitions=definitions, public_key=signatures.public_key(key))  # fmt: skip
    assert any(f.claim == "counts" and f.fails for f in said)


def test_a_changed_cell_fails_anywhere(released, key, tmp_path):
    sent = shutil.copytree(released.folder, tmp_path / "sent")
    cells = pl.read_parquet(sent / "breakdowns.parquet")
    cells.with_columns(value=pl.col("value") + 1).write_parquet(sent / "breakdowns.parquet")
    assert any(f.fails for f in verification.verify(sent, public_key=signatures.public_key(key)))


def test_crossed_goes_alone_and_under_noise_it_needs_no_name():
    with pytest.raises(InputError, match="alone"):
        Policy(breakdowns=("age_sex", "sex"), breakdown_level="province")
    with pytest.raises(InputError, match='"age_group" and "sex"'):
        Policy(kind="differential_privacy", breakdowns=("age_sex",), breakdown_level="province")
