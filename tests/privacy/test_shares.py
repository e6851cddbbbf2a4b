"""Counts that only the sum of all sites reveals: three sites as processes, each with its key, and everything wrong."""

import datetime as dt
import json
import shutil

import numpy as np
import polars as pl
import pytest
from helpers_sites import PLACES, SHARE, begun, ended, process
from helpers_wall import everything

from salus.errors import InputError, WallError
from salus.privacy import (
    budget,
    deidentify,
    exchange,
    joint,
    keys,
    policy,
    rounds,
    shares,
    sharing,
    signatures,
    verification,
    zones,
)
from salus.privacy import release as releases
from salus.privacy.keys import Key
from salus.privacy.policy import Policy
from salus.privacy.signatures import Member
from salus.sources.linelist import open_linelist
from salus.surveillance import syndromes
from salus.tables.contracts import PLACES as PLACES_TABLE

KEY = Key(bytes(range(50, 82)))
DAYS = (dt.date(2024, 1, 1), dt.date(2024, 1, 28))
RULE = Policy(syndromes=("influenza", "hfmd"))
NOISY = Policy(
    kind="differential_privacy",
    syndromes=("influenza", "hfmd"),
    breakdowns=("age_group", "sex"),
    breakdown_level="district",
)


def places():
    return PLACES_TABLE.check(pl.read_csv(PLACES.encode()), "places")


def members(home, many=3):
    return [(f"site{n}", signatures.load_member(home / f"site{n}" / "site.pub")) for n in range(many)]


def agreed(home, path, rule=RULE, days=DAYS, key=KEY):
    return rounds.make(path, members(home), syndromes.definitions(), places(), rule, days, key=key)


@pytest.fixture(scope="module")
def sent(tmp_path_factory):
    """Home of three sites that have shared their counts of one round, which is there too."""
    home = tmp_path_factory.mktemp("shares")
    folders = [begun(home / f"site{n}", n) for n in range(3)]
    agreed(home, home / "round.json")
    signatures.write_public(KEY, home / "ours.pub")
    known = [home / "ours.pub", *(f / "site.pub" for f in folders)]
    said = ended([process(SHARE, f, home / "round.json", *known) for f in folders])
    assert said == ["600", "600", "600"]
    return home


def files(home):
    return [home / f"site{n}" / "share.salus" for n in range(3)]


def combined(home, root, sent_files=None, round_file=None, key=KEY):
    return joint.combine(
        sent_files or files(home), round_file or home / "round.json", root, syndromes.definitions(), key=key
    )


def truth(home):
    """Persons by place, disease and week over all sites; each person of a site has one visit."""
    visits = pl.concat([pl.read_csv(home / f"site{n}" / "visits.csv", try_parse_dates=True) for n in range(3)])
    visits = visits.filter(pl.col("icd10") != "I10").with_columns(
        date=pl.col("visit_date").dt.truncate("1w"),
        disease=pl.col("icd10").replace({"J10.1": "Influenza", "B08.4": "Hand, foot and mouth disease"}),
    )
    return visits.group_by("district", "disease", "date").len().sort(pl.all())


def test_the_sum_of_three_processes_is_exact_and_released_under_the_policy(sent, tmp_path):
    report = combined(sent, tmp_path / "wall")
    exact = pl.read_parquet(report.exact).filter(location="P")
    assert exact["value"].sum() == 1800
    found = pl.read_parquet(report.exact).filter(pl.col("location") != "P", pl.col("value") > 0)
    found = found.select(district="location", disease="disease", date="date", len=pl.col("value").cast(pl.UInt32))
    wanted = truth(sent)
    assert found["len"].sum() == wanted["len"].sum()
    assert (
        found.select("district", "date", "len")
        .sort(pl.all())
        .equals(wanted.select("district", "date", "len").sort(pl.all()))
    )
    series = pl.read_parquet(report.series)
    assert series.filter(pl.col("value") > 0)["value"].min() >= RULE.minimum_cell
    assert report.sites == 3
    assert any("counted at each site" in line for line in report.lines())


def test_a_stranger_can_check_the_release_and_the_combiner_all_of_it(sent, tmp_path):
    report = combined(sent, tmp_path / "wall")
    findings = verification.verify(report.folder, public_key=signatures.public_key(KEY))
    assert not [f.line() for f in findings if f.fails]
    stated = {f.claim: f.stated for f in findings if f.holds}
    smallest = int(stated["smallest_count_shown"])
    assert stated["sites"] == "3"
    assert stated["fewest_persons"] == str(-(-smallest // 3))
    assert stated["round"] == rounds.load(sent / "round.json").id
    inside = verification.verify(
        report.folder, definitions=syndromes.definitions(), places=places(), root=tmp_path / "wall", key=KEY
    )
    assert {f.claim for f in inside if f.holds} >= {"inputs", "counts", "log_head", "interval_around_value"}
    assert not [f.line() for f in inside if f.fails]
    (report.folder / rounds.NAME).write_bytes((report.folder / rounds.NAME).read_bytes().replace(b"site0", b"site9"))
    assert any(f.fails for f in verification.verify(report.folder))


def test_combining_again_changes_nothing(sent, tmp_path):
    report = combined(sent, tmp_path / "wall")
    before = everything(tmp_path / "wall")
    again = combined(sent, tmp_path / "wall", list(reversed(files(sent))))
    assert again.already
    assert again.id == report.id
    assert everything(tmp_path / "wall") == before


def changed(home, tmp_path, which):
    """Files with one thing wrong."""
    bad = tmp_path / "bad.salus"
    raw = bytearray(files(home)[1].read_bytes())
    if which == "twice":
        shutil.copy(files(home)[0], bad)
        return [*files(home), bad]
    if which == "missing":
        return files(home)[:2]
    if which == "word":
        raw[-3] ^= 1
    elif which == "cut":
        raw = raw[:-8]
    elif which == "longer":
        raw += bytes(8)
    elif which == "head":
        raw = raw.replace(b'"simulated":false', b'"simulated":true ')
    elif which == "format":
        raw = raw.replace(b'"format":1', b'"format":2')
    bad.write_bytes(bytes(raw))
    return [files(home)[0], bad, files(home)[2]]


@pytest.mark.parametrize(
    ("which", "said"),
    [
        ("twice", "are both of the site 'site0'.*count twice"),
        ("missing", "no file of the site 'site2'.*the sum can't be read"),
        ("word", "bad.salus of the site 'site1'.*not as its site signed it"),
        ("cut", "bad.salus of the site 'site1'.*not as its site signed it"),
        ("longer", "bad.salus of the site 'site1'.*not as its site signed it"),
        ("head", "bad.salus is not as its site signed it"),
        ("format", "bad.salus is not as its site signed it"),
    ],
)
def test_what_is_wrong_is_refused_and_nothing_is_written(sent, tmp_path, which, said):
    with pytest.raises(WallError, match=said):
        combined(sent, tmp_path / "wall", changed(sent, tmp_path, which))
    assert not (tmp_path / "wall").exists()


def test_a_file_of_another_round_or_grid_is_refused(sent, tmp_path):
    other = agreed(sent, tmp_path / "other.json", days=(DAYS[0], dt.date(2024, 1, 21)))
    with pytest.raises(WallError, match="made for another round"):
        combined(sent, tmp_path / "wall", round_file=tmp_path / "other.json")
    key = keys.load(sent / "site1" / "site.key")
    this = rounds.load(sent / "round.json")
    row = np.zeros(other.cells, dtype=np.uint64)
    head, words = shares.rendered(other, key, row, simulated=False).split(b"\n", 1)
    content = json.loads(head) | {"round": this.digest}
    content["signature"] = signatures.sign(key, shares.certificate.signed_part(content))
    (tmp_path / "grid.salus").write_bytes(shares.provenance.canonical(content) + b"\n" + words)
    mixed = [files(sent)[0], tmp_path / "grid.salus", files(sent)[2]]
    with pytest.raises(WallError, match=r"grid.salus has 504 cells, the round has 672"):
        combined(sent, tmp_path / "wall", mixed)
    assert not (tmp_path / "wall").exists()


def test_who_is_not_in_the_round_can_not_send_and_only_who_made_it_can_open_it(sent, tmp_path):
    stranger = Key(bytes(range(90, 122)))
    this = rounds.load(sent / "round.json")
    row = np.zeros(this.cells, dtype=np.uint64)
    (tmp_path / "stranger.salus").write_bytes(shares.rendered(this, stranger, row, simulated=False))
    with pytest.raises(WallError, match="of a site that is not in the round"):
        combined(sent, tmp_path / "wall", [*files(sent), tmp_path / "stranger.salus"])
    with pytest.raises(WallError, match="only the one that made it can open the sum"):
        combined(sent, tmp_path / "wall", key=stranger)


def test_masks_of_a_key_that_the_round_does_not_name_do_not_pass(sent):
    this = rounds.load(sent / "round.json")
    given = [shares.read(f, this) for f in files(sent)]
    wrong = shares.Share(given[0].site, given[0].simulated, given[0].words + np.uint64(1 << 50))
    with pytest.raises(WallError, match="don't cancel out"):
        joint.opened(this, [wrong, *given[1:]], KEY)


def even(words):
    """Whether the bits of words are even by chance: each of 64 places, and all bytes, within seven standard errors."""
    bits = np.unpackbits(words.astype("<u8").view(np.uint8)).reshape(words.size, 64)
    places_of_bits = np.abs(bits.mean(axis=0) - 0.5) < 7 * 0.5 / np.sqrt(words.size)
    counted = np.bincount(words.astype("<u8").view(np.uint8), minlength=256)
    expected = words.size * 8 / 256
    chi = ((counted - expected) ** 2 / expected).sum()
    return bool(places_of_bits.all()) and abs(chi - 255) < 7 * np.sqrt(2 * 255)


def test_one_file_is_words_by_chance_zeros_too(sent):
    this = rounds.load(sent / "round.json")
    words = [shares.read(f, this).words for f in files(sent)]
    assert all(even(w) for w in words)
    assert all(np.unique(w).size == this.cells for w in words)
    site = keys.load(sent / "site0" / "site.key")
    assert even(shares.masked(this, site, np.zeros(this.cells, dtype=np.uint64)))
    assert not even(np.zeros(this.cells, dtype=np.uint64))


def test_the_same_counts_give_unlike_files_at_every_site_and_in_every_round(sent, tmp_path):
    one, other = (
        rounds.load(sent / "round.json"),
        agreed(sent, tmp_path / "o.json", days=(DAYS[0], DAYS[1]), rule=NOISY),
    )
    row = np.arange(one.cells, dtype=np.uint64) % 7
    made = [shares.masked(r, keys.load(sent / f"site{n}" / "site.key"), row) for r in (one, other) for n in range(3)]
    for k, a in enumerate(made):
        for b in made[k + 1 :]:
            assert (a == b).sum() <= 1
            assert even(a - b)


def test_the_combiner_and_all_but_two_sites_together_can_not_get_the_counts_of_one(sent):
    """They take off every mask that they know; the one between the two others stays, and with it nothing is told."""
    this = rounds.load(sent / "round.json")
    victim = shares.read(files(sent)[0], this)
    known = [KEY, keys.load(sent / "site1" / "site.key")]
    left = victim.words
    for key in known:
        own = Member.of(key)
        victim_key = next(m for m in this.sites if m.public == victim.site)
        mask = exchange.words(key, victim_key.exchange, bytes.fromhex(this.digest), this.cells)
        left = left - mask if victim.site < own.public else left + mask
    assert even(left)
    third = keys.load(sent / "site2" / "site.key")
    mask = exchange.words(third, victim_key.exchange, bytes.fromhex(this.digest), this.cells)
    bare = left - mask if victim.site < Member.of(third).public else left + mask
    assert bare.max() < 100
    assert bare.sum() == 600


def test_the_combiner_with_all_but_one_file_gets_nothing(sent):
    this = rounds.load(sent / "round.json")
    given = [shares.read(f, this).words for f in files(sent)]
    own = shares.masked(this, KEY, np.zeros(this.cells, dtype=np.uint64))
    for missing in range(3):
        rest = own + sum((w for n, w in enumerate(given) if n != missing), np.zeros(this.cells, dtype=np.uint64))
        assert even(rest)


def test_all_files_without_the_combiners_key_are_words_by_chance(sent):
    this = rounds.load(sent / "round.json")
    given = [shares.read(f, this).words for f in files(sent)]
    assert even(given[0] + given[1] + given[2])


@pytest.fixture
def at_home(sent, tmp_path):
    """A copy of the sites, so that what they do next touches no other test."""
    shutil.copytree(sent, tmp_path / "home")
    return tmp_path / "home"


def share_again(home, round_file, known=None, site="site0", out="again.salus"):
    folder = home / site
    vouched = {m.public for _, m in members(home)} | {signatures.public_key(KEY)} if known is None else known
    return sharing.share(
        folder / "wall",
        round_file,
        folder / out,
        syndromes.definitions(),
        vouched,
        key=keys.load(folder / "site.key"),
    )


def test_a_rerun_sends_the_same_bytes_and_a_lost_file_is_never_made_anew(at_home):
    report = share_again(at_home, at_home / "round.json")
    assert report.already
    assert (at_home / "site0" / "again.salus").read_bytes() == (at_home / "site0" / "share.salus").read_bytes()
    this = rounds.load(at_home / "round.json")
    shutil.rmtree(at_home / "site0" / "wall" / "vault" / "shares" / this.id)
    with pytest.raises(WallError, match="is gone from the vault"):
        share_again(at_home, at_home / "round.json", out="third.salus")
    assert not (at_home / "site0" / "third.salus").exists()


def test_a_week_is_shared_once_and_not_released_beside(at_home):
    agreed(at_home, at_home / "next.json", days=(dt.date(2024, 1, 22), dt.date(2024, 2, 4)))
    with pytest.raises(WallError, match="shared before, in the round"):
        share_again(at_home, at_home / "next.json")
    agreed(at_home, at_home / "later.json", days=(dt.date(2024, 1, 29), dt.date(2024, 2, 4)))
    assert share_again(at_home, at_home / "later.json").persons == 0
    key = keys.load(at_home / "site0" / "site.key")
    with pytest.raises(WallError, match=r"under another policy.*with other sites"):
        releases.release(at_home / "site0" / "wall", syndromes.definitions(), places(), RULE, key=key)


def test_what_was_released_is_not_shared(at_home):
    folder = at_home / "site0"
    key = keys.load(folder / "site.key")
    shutil.rmtree(folder / "wall")
    deidentify.ingest(open_linelist([folder / "visits.csv"]), folder / "wall", key)
    releases.release(folder / "wall", syndromes.definitions(), places(), RULE, key=key)
    with pytest.raises(WallError, match="was released before"):
        share_again(at_home, at_home / "round.json")


def test_a_site_takes_part_only_with_members_that_were_vouched_for(at_home):
    named = [m.public for _, m in members(at_home)]
    with pytest.raises(WallError, match="nobody vouched for the combiner"):
        share_again(at_home, at_home / "round.json", known=named)
    with pytest.raises(WallError, match="nobody vouched for the site 'site2'"):
        share_again(at_home, at_home / "round.json", known=[signatures.public_key(KEY), *named[:2]])


def test_a_round_that_was_changed_is_refused(at_home):
    raw = (at_home / "round.json").read_bytes()
    (at_home / "changed.json").write_bytes(raw.replace(b"minimum_cell = 11", b"minimum_cell = 10"))
    with pytest.raises(WallError, match="not as the combiner signed it"):
        share_again(at_home, at_home / "changed.json")
    content = json.loads(raw)
    content["sites"][0]["exchange"] = exchange.public(KEY)
    content["signature"] = signatures.sign(KEY, rounds.certificate.signed_part(content))
    (at_home / "swapped.json").write_bytes(rounds.certificate.rendered(content))
    with pytest.raises(WallError, match="not as the combiner signed it"):
        share_again(at_home, at_home / "swapped.json")
    with pytest.raises(InputError, match="is no round"):
        share_again(at_home, at_home / "site0" / "visits.csv")


def test_a_round_of_two_sites_or_of_one_twice_is_refused(sent, tmp_path):
    make = rounds.make
    with pytest.raises(InputError, match="at least 3"):
        make(tmp_path / "r", members(sent, 2), syndromes.definitions(), places(), RULE, DAYS, key=KEY)
    twice = [*members(sent), members(sent)[0]]
    with pytest.raises(InputError, match="same key is named twice"):
        make(tmp_path / "r", twice, syndromes.definitions(), places(), RULE, DAYS, key=KEY)
    open_rule = Policy(revisions="allow", syndromes=("influenza",))
    with pytest.raises(InputError, match="shared once"):
        make(tmp_path / "r", members(sent), syndromes.definitions(), places(), open_rule, DAYS, key=KEY)
    assert not (tmp_path / "r").exists()


def test_noise_is_for_a_person_seen_at_every_site_and_every_site_pays(at_home):
    for n in range(3):  # as if nothing had been shared yet
        vault = at_home / f"site{n}" / "wall" / "vault"
        shutil.rmtree(vault / "shares")
        content = json.loads((vault / "ledger.json").read_bytes()) | {"released": {}}
        (vault / "ledger.json").write_text(json.dumps(content))
    this = agreed(at_home, at_home / "noisy.json", rule=NOISY)
    for n in range(3):
        share_again(at_home, at_home / "noisy.json", site=f"site{n}")
        spent = budget.read(zones.existing(at_home / f"site{n}" / "wall")).allotments
        assert [(a.year, a.epsilon, a.release) for a in spent] == [(2024, 1.0, this.id)]
    sent_files = [at_home / f"site{n}" / "again.salus" for n in range(3)]
    report = combined(at_home, at_home / "sum", sent_files, at_home / "noisy.json")
    findings = verification.verify(report.folder, public_key=signatures.public_key(KEY))
    assert not [f.line() for f in findings if f.fails]
    stated = {f.claim: f.stated for f in findings if f.holds}
    assert (stated["epsilon"], stated["epsilon_one_site"], stated["sites"]) == ("1", "0.3333", "3")
    assert stated["contributions_per_person_year"] == "6"
    assert float(stated["noise_scale"]) == pytest.approx(2 * 6 / 0.75, rel=1e-3)  # two levels of places share epsilon
    assert float(stated["noise_scale_of_breakdowns"]) == pytest.approx(2 * 6 / 0.25, rel=1e-3)
    assert stated["breakdowns_add_up"] == "yes"
    unknown = pl.read_parquet(report.breakdowns).filter(location="P", dimension="age_group", category="unknown")
    assert abs(unknown["value"].sum() - 1800) < 1200, "nobody's age is known at these sites"
    total = pl.read_parquet(report.series).filter(location="P")["value"].sum()
    assert abs(total - 1800) < 600
    assert combined(at_home, at_home / "sum", sent_files, at_home / "noisy.json").already
    assert policy.load("differential_privacy").contributions_per_person_year == 2


def test_a_wall_of_records_and_one_of_sums_are_never_mixed(sent, at_home, tmp_path):
    key = keys.load(at_home / "site0" / "site.key")
    with pytest.raises(WallError, match="not the key that the records"):
        combined(sent, at_home / "site0" / "wall")
    report = combined(sent, tmp_path / "sum")
    with pytest.raises(WallError, match="holds sums of what several sites shared"):
        releases.release(tmp_path / "sum", syndromes.definitions(), places(), RULE, key=KEY)
    assert report.folder.exists()
    assert key != KEY


def test_a_person_of_several_sites_counts_at_each(sent, tmp_path):
    """Persons p0 to p599 are the same at all three sites; nobody can tell."""
    combined(sent, tmp_path / "wall")
    content = json.loads(next((tmp_path / "wall" / "release").glob("*/certificate.json")).read_bytes())
    assert any("counts at both" in said for said in content["not_claimed"])
    assert any("the sum less their counts is its own" in said for said in content["not_claimed"])
