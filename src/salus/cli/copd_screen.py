"""The terminal side of `salus copd assess`: questions asked in turn, and the answer laid out for its width."""

from __future__ import annotations

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from salus.copd.assessment_words import TEXT
from salus.copd.interview import Interview
from salus.copd.questions import Item
from salus.copd.told import Row, Section, Told

WIDEST = 100
"""Columns that are used at most: longer lines are hard to read."""
_A_ROW = 20
_BAR = 10
_BACK, _HELP = ("<", "＜"), ("?", "？")


def show(said: Told, console: Console) -> None:
    """Print an answer.

    Parameters
    ----------
    said : Told
        The answer in words.
    console : rich.console.Console
        Where; a pipe gets plain lines.
    """
    if not console.is_terminal:
        for line in said.lines():
            print(line)
        return
    parts: list[RenderableType] = [Text(said.title, style="dim"), Text(said.headline, style="bold")]
    if said.people is not None and said.people[1] == 100:
        parts.append(Padding(_picture(said.people[0]), (1, 0, 1, 2)))
    parts += [Text(line) for line in said.lead]
    for section in said.sections:
        parts += [Text(""), Text(section.title, style="bold cyan"), Padding(_section(section, said.lang), (0, 0, 0, 2))]
    parts += [Text(""), *(Text(line, style="dim") for line in said.foot)]
    console.print(Group(*parts), width=min(WIDEST, console.width), highlight=False)


def _picture(n: int) -> Text:
    """A hundred people, so many of them filled."""
    rows = []
    for start in range(0, 100, _A_ROW):
        filled = min(max(n - start, 0), _A_ROW)
        rows.append(Text.assemble(("● " * filled, "bold red"), ("○ " * (_A_ROW - filled), "dim")))
    return Text("\n").join(rows)


def _section(section: Section, lang: str) -> Group:
    parts: list[RenderableType] = [Text(sentence) for sentence in section.text]
    if section.rows:
        parts.append((_bars if section.rows[0].effect is not None else _list)(section.rows, lang))
    return Group(*parts)


def _bars(rows: tuple[Row, ...], lang: str) -> Table:
    """Reasons with their strength as a number and as a bar of signs, which needs no colour."""
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(justify="right", no_wrap=True)
    table.add_column(no_wrap=True, width=_BAR)
    table.add_column(ratio=1, overflow="fold")
    strongest = max(abs(row.effect or 0) for row in rows)
    for row in rows:
        effect = row.effect or 0
        sign, style = ("+", "red") if effect > 0 else ("-", "green")
        bar = sign * max(1, round(_BAR * abs(effect) / strongest))
        table.add_row(Text(f"{effect:+.2f}"), Text(bar, style=style), _line(row, lang))
    return table


def _list(rows: tuple[Row, ...], lang: str) -> Table:
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(ratio=1, overflow="fold")
    for row in rows:
        table.add_row(_line(row, lang))
    return table


def _line(row: Row, lang: str) -> Text:
    return Text.assemble((row.label, "bold"), row.line(lang)[len(row.label) :])


def ask(interview: Interview, console: Console) -> Interview:
    """Ask the questions in turn, until all are asked or the input ends.

    Parameters
    ----------
    interview : Interview
        What is to be asked.
    console : rich.console.Console
        Where to ask; answers are read from the standard input.

    Returns
    -------
    Interview
        With the answers.
    """
    words = TEXT[interview.lang]
    console.print(Text(words["foot"], style="dim"), width=min(WIDEST, console.width))
    console.print(Text(words["ask.empty"], style="dim"), width=min(WIDEST, console.width))
    while (item := interview.next) is not None:
        _question(interview, item, console)
        try:
            text = console.input("> ").strip()
        except EOFError:
            return interview
        if text in _HELP:
            console.print(Text(f"  {_wanted(item, interview.lang)}", style="dim"))
        elif text in _BACK:
            interview = interview.back()
        else:
            interview = _taken(interview, item, text, console)
    return interview


def _taken(interview: Interview, item: Item, text: str, console: Console) -> Interview:
    """The answer, unless something speaks against it and the person does not stand by it."""
    new, reasons, confirmable = interview.answered(item, text)
    if not reasons:
        return new
    for reason in reasons:
        console.print(Text(f"  ! {reason}", style="yellow"), width=min(WIDEST, console.width))
    if not confirmable:
        return interview
    console.print(Text(f"  {TEXT[interview.lang]['ask.confirm']}"))
    try:
        sure = console.input("> ").strip().casefold() in ("y", "yes", "是")
    except EOFError:
        return interview
    return new.confirm(item) if sure else interview


def _question(interview: Interview, item: Item, console: Console) -> None:
    words, lang = TEXT[interview.lang], interview.lang
    n, of = interview.progress
    console.print()
    console.print(Text(words["ask.progress"].format(n=n, of=of), style="dim"))
    console.print(Text(item.questions[lang], style="bold"), width=min(WIDEST, console.width))
    if item.kind == "number":
        kind = "ask.number" if item.looks and item.name != "age" else "ask.count"
        console.print(Text("  " + words[kind].format(unit=item.unit_words(lang)), style="dim"))
    elif item.kind == "yesno":
        console.print(Text("  y {} · n {}".format(*(getattr(level, lang) for level in item.levels)), style="dim"))
    else:
        for k, level in enumerate(item.levels, 1):
            console.print(Text(f"  {k} {getattr(level, lang)}"))


def _wanted(item: Item, lang: str) -> str:
    words = TEXT[lang]
    if item.kind == "number":
        return words["ask.bounds"].format(low=f"{item.low:g}", high=f"{item.high:g}", unit=item.unit_words(lang))
    return words["ask.wrong"].format(wanted=", ".join(getattr(level, lang) for level in item.levels))
