"""Diagnosis codes: one way of writing them, and which definitions a code falls under.

An ICD-10 category is a letter, a digit, and a digit or letter; everything after it is detail. So `J10.1`, `J101`,
`j10.1` and China's `J10.100x001` all lie in category J10, and `J100` is J10.0, never a category of its own.
"""

from __future__ import annotations

import polars as pl

from salus.errors import InputError

ICD10_PATTERN = r"^[A-Z][0-9][0-9A-Z][0-9A-Z]{0,8}\z"
"""An ICD-10 code without its dot: WHO, national modifications, and China's extension such as ``J10100X001``."""

SNOMED_PATTERN = r"^[0-9]{6,18}\z"
"""A SNOMED CT identifier. The end is ``\\z``: a ``$`` of Java, and so of Spark, may stand before a last line break."""


def plain(code: str) -> str:
    """A code without what writers add to it: dot, blanks, case, the dagger or asterisk of ICD-10.

    Parameters
    ----------
    code : str
        As written.

    Returns
    -------
    str
        Capital letters and digits.

    Examples
    --------
    >>> plain("j10.1"), plain(" J17.1* "), plain("J101")
    ('J101', 'J171', 'J101')
    """
    return code.strip().upper().replace(".", "").rstrip("*+†").strip()


def plain_expr(column: str) -> pl.Expr:
    """As :func:`plain`, for a column.

    Parameters
    ----------
    column : str
        Name of the column.

    Returns
    -------
    polars.Expr
        Text.
    """
    text = pl.col(column).str.strip_chars().str.to_uppercase().str.replace_all(".", "", literal=True)
    return text.str.strip_chars_end("*+†").str.strip_chars()


def match(codes: pl.DataFrame, definitions: pl.DataFrame) -> pl.DataFrame:
    """Which definitions each code falls under.

    Parameters
    ----------
    codes : polars.DataFrame
        ``code_system`` (``icd10`` or ``snomed``) and ``code``, each pair once.
    definitions : polars.DataFrame
        ``code_system``, ``code``, ``match`` (``prefix``: the code and all below it; ``exact``: this code only), and
        any further columns, which are passed on.

    Returns
    -------
    polars.DataFrame
        The columns of ``codes`` and the further columns of ``definitions``; a row for each code and definition that
        match, sorted. A code that matches nothing is not there.

    Raises
    ------
    InputError
        A definition has no such matching rule, or a prefix shorter than an ICD-10 category.

    Examples
    --------
    >>> rules = {"code_system": ["icd10"], "code": ["J10"], "match": ["prefix"], "syndrome": ["influenza"]}
    >>> given = pl.DataFrame({"code_system": ["icd10"] * 3, "code": ["J10.1", "J100", "J12"]})
    >>> match(given, pl.DataFrame(rules))["code"].to_list()
    ['J10.1', 'J100']
    """
    rules = definitions.with_columns(_key=plain_expr("code")).drop("code")
    odd = rules.filter(~pl.col("match").is_in(["prefix", "exact"]))
    if odd.height:
        raise InputError(
            f"a case definition has the matching rule '{odd['match'][0]}'; wanted 'prefix' or 'exact'. Correct it."
        )
    short = rules.filter((pl.col("match") == "prefix") & (pl.col("_key").str.len_chars() < 3))
    if short.height:
        raise InputError(
            f"the code prefix '{short['_key'][0]}' is shorter than an ICD-10 category (three "
            f"characters). Write whole categories."
        )
    keyed = codes.with_columns(_plain=plain_expr("code"))
    exact = keyed.with_columns(_key=pl.col("_plain")).join(
        rules.filter(pl.col("match") == "exact").drop("match"), on=["code_system", "_key"]
    )
    prefixes = [
        keyed.filter(pl.col("_plain").str.len_chars() >= length).with_columns(
            _key=pl.col("_plain").str.slice(0, length)
        )
        for length in range(3, 13)
    ]
    below = pl.concat(prefixes).join(
        rules.filter(pl.col("match") == "prefix").drop("match"), on=["code_system", "_key"]
    )
    return pl.concat([exact, below]).drop("_key", "_plain").unique().sort(pl.all())
