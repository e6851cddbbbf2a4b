"""Sites as processes of their own, each with its key; their releases are combined, and what is wrong is refused."""

import json
import shutil

import polars as pl
import pytest
from helpers_sites import RELEASE, begun, ended, process

from salus.errors import InputError, WallError
from salus.privacy import federated, signatures
from salus.privacy.keys import Key

KEY = Key(bytes(range(50, 82)))


@pytest.fixture(scope="module")
def sites(tmp_path_factory):
    """Release and public key of each site; three add noise, the fourth leaves counts out."""
    home = tmp_path_factory.mktemp("sites")
    noisy = "differential_privacy"
    kinds = [noisy, noisy, noisy, "default"]
    out = ended([process(RELEASE, begun(home / f"site{n}", n), kind) for n, kind in enumerate(kinds)])
    folders = [home / f"site{n}" / "wall" / "release" / made.rsplit("/", 1)[1] for n, made in enumerate(out)]
    return folders, [signatures.load_public(home / f"site{n}" / "site.pub") for n in range(4)]


def test_the_sum_is_that_of_the_sites_and_what_it_tells_is_stated(sites, tmp_path):
    folders, public = sites
    report = federated.combine(folders[:3], public, tmp_path / "all", key=KEY)
    parts = [pl.read_parquet(f / "series.parquet").select("location", "disease", "date", "value") for f in folders[:3]]
    wanted = pl.concat(parts).group_by("location", "disease", "date").agg(pl.col("value").sum()).sort(pl.all())
    table = pl.read_parquet(tmp_path / "all" / "series.parquet")
    assert table.select("location", "disease", "date", "value").sort(pl.all()).equals(wanted)
    content = json.loads((tmp_path / "all" / federated.NAME).read_bytes())
    assert content["claims"]["epsilon_one_site"] == "1"
    assert content["claims"]["epsilon_two_sites"] == "2"
    assert content["claims"]["epsilon_all_sites"] == "3"
    assert content["claims"]["counts_of_a_person_and_year_all_sites"] == "6"
    assert any("counts at both" in said for said in content["not_claimed"])
    assert (report.sites, report.epsilon_all_sites, report.weeks_left) == (3, 3.0, 0)
    total = table.filter(location="P")["value"].sum()
    assert abs(total - 1800) < 400


def test_the_order_of_sites_does_not_matter_and_a_stranger_can_check_all_of_it(sites, tmp_path):
    folders, public = sites
    for name, order in (("one", [0, 1, 2]), ("other", [2, 0, 1])):
        federated.combine([folders[n] for n in order], public, tmp_path / name, key=KEY)
    assert (tmp_path / "one" / federated.NAME).read_bytes() == (tmp_path / "other" / federated.NAME).read_bytes()
    findings = federated.verify(tmp_path / "one", public_key=signatures.public_key(KEY))
    assert all(f.holds for f in findings)
    assert federated.is_combined(tmp_path / "one")
    assert not federated.is_combined(folders[0])


def test_a_site_that_was_tampered_with_is_refused_by_name(sites, tmp_path):
    folders, public = sites
    bad = tmp_path / "tampered"
    shutil.copytree(folders[1], bad)
    table = pl.read_parquet(bad / "series.parquet")
    table.with_columns(value=pl.col("value") + 1).write_parquet(bad / "series.parquet")
    with pytest.raises(WallError, match=r"tampered is not as its site signed it \(file series.parquet\)"):
        federated.combine([folders[0], bad], public, tmp_path / "out", key=KEY)
    assert not (tmp_path / "out").exists()


def test_a_site_that_sends_twice_is_refused(sites, tmp_path):
    folders, public = sites
    shutil.copytree(folders[0], tmp_path / "again")
    with pytest.raises(WallError, match="would count twice"):
        federated.combine([folders[0], tmp_path / "again", folders[1]], public, tmp_path / "out", key=KEY)


def test_a_table_with_counts_left_out_is_refused(sites, tmp_path):
    folders, public = sites
    with pytest.raises(WallError, match="can't be summed"):
        federated.combine([folders[0], folders[3]], public, tmp_path / "out", key=KEY)


def test_a_key_that_nobody_vouched_for_is_refused(sites, tmp_path):
    folders, public = sites
    with pytest.raises(WallError, match="none of the public keys"):
        federated.combine(folders[:3], public[:2], tmp_path / "out", key=KEY)
    with pytest.raises(InputError, match="at least two"):
        federated.combine([folders[0]], public, tmp_path / "out", key=KEY)


@pytest.mark.parametrize("which", ["the sum", "a site", "a statement"])
def test_one_change_in_a_combined_table_fails(sites, tmp_path, which):
    folders, public = sites
    out = tmp_path / "all"
    federated.combine(folders[:2], public, out, key=KEY)
    if which == "the sum":
        table = pl.read_parquet(out / "series.parquet")
        table.with_columns(value=pl.col("value") + 1).write_parquet(out / "series.parquet")
    elif which == "a site":
        name = folders[0].name
        (out / "sites" / name / "README.md").write_text("changed")
    else:
        text = (out / federated.NAME).read_text()
        (out / federated.NAME).write_text(text.replace('"epsilon_one_site": "1"', '"epsilon_one_site": "0.1"'))
    assert any(f.fails for f in federated.verify(out))
