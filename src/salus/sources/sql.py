"""Pieces of SQL that the sources of records share: dates, words for one thing, names and texts as SQL wants them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence


def date_sql(column: str, kind: str) -> str:
    """SQL of a date from a column of dates, times or text (ISO, ``2024/1/2``, ``20240102``, ``2024年1月2日``).

    Day-first and month-first forms are not guessed: they give null, so that the row is set aside.

    Parameters
    ----------
    column : str
        SQL of the column.
    kind : str
        Its DuckDB type.
    """
    if kind == "DATE":
        return column
    if kind.startswith("TIMESTAMP"):
        return f"CAST({column} AS DATE)"
    text = f"CAST({column} AS VARCHAR)"
    forms = "['%Y%m%d', '%Y年%m月%d日', '%Y.%m.%d']"
    return f"coalesce(TRY_CAST({text} AS DATE), CAST(try_strptime(trim({text}), {forms}) AS DATE))"


def partial_date_sql(column: str, visit: str) -> str:
    """SQL of an ISO date that may be known in part; of a year or a month alone the middle, but no later than the visit.

    Parameters
    ----------
    column : str
        SQL of a text: ``1980``, ``1980-03`` or ``1980-03-15``, with or without a time.
    visit : str
        SQL of the date of the visit.
    """
    middle = (
        f"CASE WHEN length({column}) = 4 THEN TRY_CAST({column} || '-07-01' AS DATE) "
        f"WHEN length({column}) = 7 THEN TRY_CAST({column} || '-15' AS DATE) END"
    )
    return (
        f"CASE WHEN ({middle}) IS NOT NULL AND left({column}, 4) <= CAST(year({visit}) AS VARCHAR) "
        f"THEN least({middle}, {visit}) "
        f"WHEN length({column}) IN (4, 7) THEN {middle} ELSE TRY_CAST(left({column}, 10) AS DATE) END"
    )


def unreadable_sql(column: str, date: str, what: str) -> str:
    """SQL of the fault of a row whose date is there but can't be read; null where all is well.

    Parameters
    ----------
    column, date : str
        SQL of the column as it is, and of the date made of it.
    what : str
        What the date is, for the message.
    """
    return f"CASE WHEN {date} IS NULL AND trim(CAST({column} AS VARCHAR)) <> '' THEN {quoted('unreadable ' + what)} END"


def words_sql(column: str, words: Mapping[str, Sequence[str]]) -> str:
    """SQL that turns a source's words into the contract's; null where a word is not known.

    Parameters
    ----------
    column : str
        SQL of the column.
    words : mapping of str to sequence of str
        Contract's word -> the source's, in lower case.
    """
    cases = " ".join(
        f"WHEN lower(trim(CAST({column} AS VARCHAR))) IN ({', '.join(quoted(w) for w in known)}) THEN {quoted(word)}"
        for word, known in words.items()
    )
    return f"CASE {cases} END"


def words_table(words: Mapping[str, Sequence[str]]) -> str:
    """SQL of a table ``(word, meaning)`` to join with, cheaper than :func:`words_sql` where there are many rows.

    Parameters
    ----------
    words : mapping of str to sequence of str
        Contract's word -> the source's, in lower case; a word of two meanings has the first.

    Examples
    --------
    >>> words_table({"male": ("m", "男"), "other": ("o", "m")})
    "(SELECT unnest(['m', '男', 'o']) AS word, unnest(['male', 'male', 'other']) AS meaning)"
    """
    first: dict[str, str] = {}
    for meaning, known in words.items():
        for word in known:
            first.setdefault(word, meaning)
    listed, meanings = (", ".join(quoted(t) for t in texts) for texts in (first, first.values()))
    return f"(SELECT unnest([{listed}]) AS word, unnest([{meanings}]) AS meaning)"


def quoted(text: str) -> str:
    """A text as a literal of SQL.

    Parameters
    ----------
    text : str
        Any text.
    """
    return "'" + text.replace("'", "''") + "'"


def quoted_name(name: str) -> str:
    """A name as an identifier of SQL.

    Parameters
    ----------
    name : str
        Any name.
    """
    return '"' + name.replace('"', '""') + '"'
