import pytest
from test_release_crash import Killed, armed

from salus.errors import InputError, WallError
from salus.privacy import zones


def test_each_zone_says_its_rule_and_is_open_to_its_owner_only(tmp_path):
    wall = zones.create(tmp_path / "wall")
    for zone in zones.ZONES:
        assert (wall.path(zone) / "README.md").read_text().startswith(f"# {zone}/")
        assert wall.path(zone).stat().st_mode & 0o077 == 0


def test_a_reader_that_would_go_past_its_zone_is_refused(tmp_path):
    wall = zones.create(tmp_path / "wall")
    for zone in ("vault", "record", "count"):
        with pytest.raises(WallError, match=f"lies in the zone '{zone}'"):
            zones.guard(wall.path(zone) / "x" / "series.parquet")
    assert zones.guard(wall.path("release") / "series.parquet") == wall.path("release") / "series.parquet"
    assert zones.guard(tmp_path / "elsewhere.csv") == tmp_path / "elsewhere.csv"
    assert zones.guard(wall.path("count") / "x", "count") == wall.path("count") / "x"
    with pytest.raises(WallError):
        zones.guard(wall.path("vault") / "ledger.json", "count")


def test_a_way_round_by_a_link_is_seen(tmp_path):
    wall = zones.create(tmp_path / "wall")
    (tmp_path / "link").symlink_to(wall.path("record"))
    with pytest.raises(WallError):
        zones.guard(tmp_path / "link" / "a.parquet")


def test_a_wall_is_not_built_over_other_files_or_inside_another(tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.doc").write_text("x")
    with pytest.raises(WallError, match="did not write"):
        zones.create(tmp_path / "mine")
    wall = zones.create(tmp_path / "wall")
    with pytest.raises(WallError, match="another wall"):
        zones.create(wall.path("release") / "inner")
    with pytest.raises(InputError, match="there is no wall"):
        zones.existing(tmp_path / "mine")


def test_a_process_that_was_killed_while_it_made_the_zones_can_be_run_again(tmp_path):
    moment = 0
    while True:
        moment += 1
        root = tmp_path / str(moment)
        with pytest.MonkeyPatch.context() as patch:
            armed(patch, moment)
            try:
                zones.create(root)
                survived = True
            except Killed:
                survived = False
        zones.create(root)
        assert [zones.zone_of(root / z) for z in zones.ZONES] == list(zones.ZONES), moment
        assert all((root / z / "README.md").read_text().startswith(f"# {z}/") for z in zones.ZONES), moment
        if survived:
            break
    assert moment > 20
    (tmp_path / "other" / "vault").mkdir(parents=True)
    (tmp_path / "other" / "vault" / "mine.txt").write_text("mine")
    with pytest.raises(WallError, match="did not write"):
        zones.create(tmp_path / "other")
