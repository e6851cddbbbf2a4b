"""Totals among the places: only exact names of the list, only beside places that they may hold."""

import polars as pl
import pytest

from salus.surveillance.totals import WORDS, count, totals, within_totals


def places(labels: list[str], **columns: list[str | None]) -> pl.DataFrame:
    return pl.DataFrame({"location": labels, "name": labels, **columns})


@pytest.mark.parametrize("word", WORDS)
def test_every_word_of_the_list_is_a_total_beside_places(word: str) -> None:
    assert totals(["东区", word, "西区"]) == [word]


@pytest.mark.parametrize("label", ["TOTAL", " total ", "grand-total", "ＴＯＴＡＬ", "合 计"])
def test_case_blanks_and_width_do_not_matter(label: str) -> None:
    assert totals(["North", "South", label]) == [label]


@pytest.mark.parametrize("label", ["Totnes", "All Saints", "Total Bay", "全州县", "计家墩", "合计区", "Nation"])
def test_a_name_that_only_holds_such_a_word_is_a_place(label: str) -> None:
    assert totals(["North", "South", label]) == []


def test_alone_it_is_the_place_that_the_table_is_about() -> None:
    assert totals(["Total"]) == []
    assert totals(["Total", "All"]) == []
    table = places(["Total"])
    assert within_totals(table) is table


def test_a_total_that_the_other_places_tell_to_be_their_nation_stays_the_nation() -> None:
    assert totals(["Tokyo", "Osaka", "Hokkaido", "全国"]) == []
    assert totals(["Tokyo", "Osaka", "Hokkaido", "Aichi", "合计"]) == ["合计"], "no name of Japan's"


def test_places_lie_in_the_total() -> None:
    assert within_totals(places(["东区", "合计", "西区"]))["parent"].to_list() == ["合计", None, "合计"]


def test_a_place_keeps_the_parent_that_is_in_the_table() -> None:
    table = places(["North", "Village", "Total", "Lost"], parent=[None, "North", None, "Gone"])
    assert within_totals(table)["parent"].to_list() == ["Total", "North", None, "Total"]


def test_of_two_totals_one_lies_in_the_other_so_that_none_is_counted() -> None:
    assert within_totals(places(["A", "B", "Total", "合计"]))["parent"].to_list() == ["合计", "合计", None, "Total"]


@pytest.mark.parametrize(
    ("labels", "said"),
    [
        (["A"], "1 place"),
        (["A", "B", "A"], "2 places"),
        (["A", "B", "Total"], "2 places and their total"),
        (["Total"], "1 place"),
        (["A", "B", "Total", "合计"], "2 places and their totals"),
    ],
)
def test_places_are_counted_without_their_total(labels: list[str], said: str) -> None:
    assert count(labels) == said
