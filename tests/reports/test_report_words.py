import datetime as dt
import string

import pytest

from salus.errors import NameNotFoundError
from salus.reports import words_en, words_zh
from salus.reports.words import language
from salus.surveillance.weeks import Cadence

WEEK, MONTH, DAY = Cadence("week"), Cadence("month"), Cadence("day")
DATES = {"day", "day.short", "month", "week", "week.brief"}
"""Keys whose blanks differ by language, because dates do."""


def blanks(template):
    return {name for _, name, _, _ in string.Formatter().parse(template) if name}


def test_both_catalogues_have_the_same_keys():
    plain = {key for key in words_en.TEXT if not key.endswith(".one")}
    assert plain == {key for key in words_zh.TEXT if not key.endswith(".one")}
    assert set(words_en.KINDS) == set(words_zh.KINDS)


@pytest.mark.parametrize("key", [k for k in words_zh.TEXT if not k.endswith(".one") and k not in DATES])
def test_a_sentence_has_the_same_blanks_in_both_languages(key):
    def used(text):
        found = blanks(text[key])
        return {"level" if name == "at" else name for name in found}

    assert used(words_en.TEXT) == used(words_zh.TEXT)


@pytest.mark.parametrize("module", [words_en, words_zh])
def test_a_singular_uses_no_blank_that_the_plural_lacks(module):
    for key, text in module.TEXT.items():
        if key.endswith(".one"):
            assert blanks(text) <= blanks(module.TEXT[key.removesuffix(".one")]) | {"n"}


def test_chinese_sentences_use_chinese_punctuation():
    for key, text in words_zh.TEXT.items():
        assert not set(text.replace("{", "").replace("}", "")) & set(",;!?()"), key
        assert "  " not in text


def test_english_sentences_use_no_character_that_is_wide_in_chinese_fonts():
    for key, text in words_en.TEXT.items():
        assert not set(text) & set("“”‘’…"), key


def test_periods_are_named_as_people_write_them():
    en, zh = language("en"), language("zh")
    assert en.period(WEEK, dt.date(2020, 12, 28)) == "the week to 3\u00a0Jan 2021 (2020-W53)"
    assert zh.period(WEEK, dt.date(2020, 12, 28)) == "2020年第53周（截至2021年1月3日）"
    assert (en.period(MONTH, dt.date(2019, 6, 1)), zh.period(MONTH, dt.date(2019, 6, 1))) == ("Jun 2019", "2019年6月")
    assert (en.period(DAY, dt.date(2019, 6, 1)), zh.period(DAY, dt.date(2019, 6, 1))) == (
        "1\u00a0Jun 2019",
        "2019年6月1日",
    )


@pytest.mark.parametrize(
    ("lang", "cadence", "count", "wanted"),
    [
        ("en", WEEK, 1, "in one week"), ("en", MONTH, 3, "in three months"), ("en", DAY, 14, "in 14 days"),
        ("zh", WEEK, 2, "两周后"), ("zh", MONTH, 1, "一个月后"), ("zh", DAY, 7, "七天后"),
    ],
)  # fmt: skip
def test_times_ahead(lang, cadence, count, wanted):
    assert language(lang).after(cadence, count) == wanted


def test_lists_name_some_and_count_the_rest():
    en, zh = language("en"), language("zh")
    assert en.join(["A"]) == "A"
    assert en.join(["A", "B", "C"]) == "A, B and C"
    assert en.join(list("ABCDEFG"), most=3) == "A, B, C and 4 more"
    assert zh.join(["甲", "乙", "丙"]) == "甲、乙和丙"
    assert zh.join(list("甲乙丙丁"), most=2) == "甲、乙，以及另外2个"


def test_chances_at_the_ends_are_said_in_words():
    assert language("en").percent(0.001) == "less than 1\u00a0%"
    assert language("zh").percent(0.999) == "99%以上"


@pytest.mark.parametrize(
    ("days", "english", "chinese"),
    [
        (9, "nine days", "九天"),
        (30, "about four weeks", "约四周"),
        (150, "about five months", "约五个月"),
        (1030, "about three years", "约三年"),
        (9000, "about 25 years", "约25年"),
    ],
)
def test_ages_in_the_unit_that_people_use(days, english, chinese):
    assert (language("en").age(days), language("zh").age(days)) == (english, chinese)


def test_an_unknown_language_names_those_that_there_are():
    with pytest.raises(NameNotFoundError, match="no bulletin language 'fr'"):
        language("fr")
