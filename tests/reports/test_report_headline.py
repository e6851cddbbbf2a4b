"""The first sentence: it names the places at the highest level where they are few, and agrees with the map."""

import re

import polars as pl
import pytest

from salus.reports import summary

FOUR = {"Tokyo": [5.1, 6.21], "Osaka": [5.4, 5.9], "Hokkaido": [6.4, 7.37], "Okinawa": [5.0, 5.2]}


def plain(text):
    return text.replace("\u00a0", " ")


def first(count):
    """The first places of four at the highest level, with two lower ones."""
    return dict(list(FOUR.items())[:count]) | {"Fukuoka": [0.5], "Nara": [2.5 if count else 0.4]}


def test_one_place_at_the_highest_level_is_named_as_promised(make):
    bulletin = make()
    assert plain(bulletin.first_sentence("en")) == (
        "HFMD is at warning level in Tokyo, 6.2 cases per sentinel, and 71 % likely to be lower in two weeks."
    )
    assert (
        bulletin.first_sentence("zh") == "东京手足口病目前处于“警报”水平，为6.2例/定点；两周后低于目前的可能性为71%。"
    )
    assert bulletin.voice().after_first[:3] == [
        "No other of the 3 prefectures is at that level.",
        "One more is at a raised level.",
        "In two weeks that is the most likely level in 2 of the 3 prefectures.",
    ]


@pytest.mark.parametrize(
    ("count", "en", "zh"),
    [
        (
            2,
            "HFMD is at warning level in Tokyo (6.2 cases per sentinel, 71 % likely to be lower in two weeks) and "
            "Osaka (5.9, 84 % likely to be higher).",
            "手足口病在东京（6.2例/定点，两周后低于目前的可能性为71%）和大阪（5.9例/定点，高于目前的可能性为84%）处于“警报”水平。",
        ),
        (
            3,
            "HFMD is at warning level in Hokkaido (7.4 cases per sentinel, direction unclear in two weeks), Tokyo "
            "(6.2, 71 % likely to be lower) and Osaka (5.9, 84 % likely to be higher).",
            "手足口病在北海道（7.4例/定点，两周后走向不明）、东京（6.2例/定点，低于目前的可能性为71%）和"
            "大阪（5.9例/定点，高于目前的可能性为84%）处于“警报”水平。",
        ),
    ],
    ids=["two", "three"],
)
def test_few_places_are_named_each_with_value_and_chance(make, count, en, zh):
    bulletin = make(first(count))
    assert plain(bulletin.first_sentence("en")) == en
    assert bulletin.first_sentence("zh") == zh
    assert not any("Now at" in said for said in bulletin.voice().look)


def test_more_places_are_counted_now_and_by_their_likeliest_level_ahead(make):
    bulletin = make(first(4))
    assert bulletin.first_sentence("en") == (
        "HFMD is at warning level in 4 of 6 prefectures; in two weeks that is the most likely level in 5."
    )
    assert (
        bulletin.first_sentence("zh") == "手足口病：6个都道府县中有4个处于“警报”水平；两周后最可能处于该水平的有5个。"
    )


def likelier(row_level):
    """A change of the status table: every place ahead has that level as its likeliest; the others have chances."""

    def change(table):
        ahead = pl.col("horizon") > 0
        chances = [0.36, 0.30, 0.34] if row_level == 0 else [0.1, 0.2, 0.7]
        columns = [
            pl.when(ahead).then(p).otherwise(pl.col(f"probability_{k}")).alias(f"probability_{k}")
            for k, p in enumerate(chances)
        ]
        return table.with_columns(pl.when(ahead).then(row_level).otherwise(pl.col("level")).alias("level"), *columns)

    return change


def test_a_level_that_is_nowhere_the_likeliest_is_not_said_to_be_expected(make):
    bulletin = make(first(4), status_changes=likelier(0))
    assert bulletin.first_sentence().endswith("; in two weeks the most likely level is lower everywhere.")
    assert bulletin.first_sentence("zh").endswith("；两周后各地最可能的水平都更低。")
    assert (
        "Adding up the chances of all 6 prefectures, about 2 are expected at that level then: some have a real "
        "chance of it, though another level is more likely." in bulletin.voice().after_first
    )
    parts = summary.key_figures(bulletin.voice())
    assert ("0 of 6", "chances added up: about 2") in [(p["figure"], p["note"]) for p in parts]


@pytest.mark.parametrize("level", [0, 2])
@pytest.mark.parametrize("count", [0, 1, 3, 4])
def test_sentence_key_figure_and_map_count_the_same(make, level, count):
    bulletin = make(first(count) | {"Okinawa": [0.5 if count < 4 else 5.2]}, status_changes=likelier(level))
    voice = bulletin.voice()
    top = max(1, bulletin.overview.top)
    alt = str(summary.level_maps(voice, None)[1]["svg"])
    drawn = {
        name: int(n) for n, name in re.findall(r"(\d+) at (?:a )?(\w+) level", re.search("<desc.*?</desc>", alt)[0])
    }
    placed = [v for v in voice.overview.places if v.tile is not None]
    shown = sum(1 for v in placed if v.level_ahead(2) >= top)
    assert sum(n for name, n in drawn.items() if voice.levels.index(name) >= top) == shown
    likely = voice.ahead_counts[0]
    assert likely == sum(1 for v in voice.overview.places if v.level_ahead(2) >= top)
    said = " ".join([bulletin.first_sentence(), *voice.after_first])
    if likely:
        assert re.search(rf"most likely level (?:is higher )?in {likely}\b", said)
    else:
        assert "everywhere" in said
    assert f"{likely} of {len(voice.overview.places)}" in [p["figure"] for p in summary.key_figures(voice)]


def test_withheld_and_late_places_are_named_without_a_chance(make):
    values = first(2) | {"Tokyo": [6.21, None]}
    bulletin = make(values, labels={"Osaka": "withheld"})
    assert plain(bulletin.first_sentence()) == (
        "HFMD is at warning level in Tokyo (6.2 cases per sentinel in the week to 9 Jul 2023, its latest report, 71 % "
        "likely to be lower in two weeks) and Osaka (5.9, no direction given)."
    )


def test_without_a_model_the_first_sentence_speaks_of_now_only(make):
    bulletin = make(first(2), labels=dict.fromkeys(first(2), "withheld"), models=("persistence",))
    assert plain(bulletin.first_sentence()) == (
        "HFMD is at warning level in Tokyo (6.2 cases per sentinel) and Osaka (5.9)."
    )
