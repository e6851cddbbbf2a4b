"""What every registered source owes, whoever wrote it."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import polars as pl
import pytest

from salus import registry
from salus.errors import InputError, NameNotFoundError, SourceError
from salus.sources.pull import delivery
from salus.sources.pull.source import known
from salus.tables.contracts import SERIES

NAMES = registry.names("source")


@pytest.fixture(params=NAMES)
def name(request):
    return request.param


@pytest.fixture
def pulled(name, server, fetch, cases):
    """A function that pulls the source from the test's server."""

    def pull(turned=False, empty=False, **changed):
        case = cases[name]
        server.routes = case.routes(turned, empty)
        source = registry.load("source", name)(server.url)
        options = {"since": case.since, "until": case.until, **changed}
        return source.pull(fetch, options["since"], options["until"], **case.options)

    return pull


def test_all_named_sources_are_tested(cases):
    assert set(cases) == set(NAMES)
    assert [source.name for source in known()] == NAMES


def test_says_who_where_and_under_which_terms(name):
    source = registry.load("source", name)
    for word in ("title", "licence", "citation", "cadence", "vintage"):
        assert len(getattr(source, word)) > 5, word
    assert source.terms.startswith("https://")
    assert source.base_url.startswith("https://")
    for key, option in source.options.items():
        assert option.doc, key
        assert not option.allowed or option.default in option.allowed, key


def test_table_is_in_its_contract(name, pulled):
    frame = pulled()
    contract = registry.load("source", name).contract
    assert frame.height > 0
    assert contract.check(frame).equals(frame.select(contract.names if contract is not SERIES else frame.columns))
    assert set(contract.required) <= set(frame.columns)


def test_series_carry_vintage_unit_level_and_source(name, pulled, fetch):
    if registry.load("source", name).contract is not SERIES:
        assert "as_of" not in pulled().columns
        return
    frame = pulled()
    assert frame["as_of"].null_count() == 0
    assert frame["as_of"].max() <= fetch.today
    assert (frame["as_of"] > frame["date"]).all()
    for column in ("unit", "location_level", "source"):
        assert frame[column].null_count() == 0


def test_missing_and_zero_stay_apart(name, pulled):
    """Each made-up answer holds one value that is missing and one that is zero."""
    frame = pulled()
    values = frame["value"] if "value" in frame.columns else frame["SPXNFEV1"]
    assert values.null_count() >= 1
    assert (values == 0).sum() >= 1


def test_same_answer_same_table(pulled):
    assert pulled().equals(pulled())


def test_order_of_rows_does_not_matter(pulled):
    assert pulled().equals(pulled(turned=True))


def test_empty_answer_is_an_empty_table(name, pulled):
    frame = pulled(empty=True)
    contract = registry.load("source", name).contract
    assert frame.height == 0
    assert set(contract.required) <= set(frame.columns)


def test_periods_outside_the_question_are_left_out(name, pulled):
    if registry.load("source", name).contract is not SERIES:
        return
    first = pulled()["date"].min()
    frame = pulled(since=first, until=first)
    assert frame["date"].unique().to_list() == [first]


def test_dates_in_the_wrong_order(name, server, fetch):
    source = registry.load("source", name)(server.url)
    with pytest.raises(InputError, match="--since 2024-02-01 is after --until 2024-01-01"):
        source.pull(fetch, dt.date(2024, 2, 1), dt.date(2024, 1, 1))


def test_unknown_option_suggests(name, server, fetch):
    source = registry.load("source", name)
    option = next(iter(source.options))
    with pytest.raises(NameNotFoundError, match=f"Did you mean '{option}'"):
        source(server.url).pull(fetch, **{option + "x": "1"})


def test_value_that_an_option_can_not_take(name, server, fetch):
    source = registry.load("source", name)
    for key, option in source.options.items():
        if option.allowed:
            with pytest.raises(NameNotFoundError, match="there is no"):
                source(server.url).pull(fetch, **{key: "nonsense-value"})


def test_nothing_there_is_one_message(name, server, fetch, cases):
    case = cases[name]
    source = registry.load("source", name)(server.url)
    since = case.since and dt.date(2024, 1, 1)
    with pytest.raises(SourceError, match=r"is not there \(404 Not Found\).*--base-url"):
        source.pull(fetch, since, case.until, **case.options)


@pytest.mark.parametrize("body", ["<!DOCTYPE html><html><head><title>Page Not Found</title></head></html>"])
def test_web_page_instead_of_data(name, server, fetch, cases, reply, body):
    case = cases[name]
    server.routes = dict.fromkeys(case.routes(False, False), reply(body, headers={"Content-Type": "text/html"}))
    with pytest.raises(SourceError, match="is a web page titled 'Page Not Found'"):
        registry.load("source", name)(server.url).pull(fetch, case.since, case.until, **case.options)


def test_empty_body(name, server, fetch, cases, reply):
    case = cases[name]
    server.routes = dict.fromkeys(case.routes(False, False), reply(""))
    with pytest.raises(SourceError, match=r"is empty|is not a SAS transport file"):
        registry.load("source", name)(server.url).pull(fetch, case.since, case.until, **case.options)


def test_half_a_file_is_refused(name, server, fetch, cases, reply):
    """The content ends early though the transfer was complete: half a line, half an observation, half an object."""
    case = cases[name]
    routes = case.routes(False, False)
    server.routes = {}
    for path, whole in routes.items():
        body = whole.body.encode() if isinstance(whole.body, str) else whole.body
        server.routes[path] = reply(body[: len(body) * 4 // 5])
    with pytest.raises(SourceError):
        registry.load("source", name)(server.url).pull(fetch, case.since, case.until, **case.options)


def test_delivery_keeps_the_terms_in_the_file(name, server, fetch, cases, tmp_path):
    case = cases[name]
    server.routes = case.routes(False, False)
    source = registry.load("source", name)(server.url)
    frame, made = delivery.pull(source, fetch, case.since, case.until, case.options)
    delivery.write(frame, made, tmp_path / "out.parquet")
    terms = delivery.terms(tmp_path / "out.parquet")
    assert (terms["licence"], terms["citation"], terms["source"]) == (source.licence, source.citation, name)
    assert terms["pulled"] == "2024-11-20"
    assert terms["rows"] == frame.height
    assert pl.read_parquet(tmp_path / "out.parquet").equals(frame)


def test_page_of_sources_names_licence_citation_and_every_option(name):
    page = (Path(__file__).parents[3] / "docs" / "sources.md").read_text(encoding="utf-8")
    source = registry.load("source", name)
    for text in (f"| `{name}` | {source.title} | {source.licence} |", source.citation, source.terms, source.vintage):
        assert text in page
    part = page.split(f"### {name}\n")[1].split("###")[0].split("\n## ")[0]
    for key, option in source.options.items():
        assert f"| `{key}` | {option.doc} |" in part
