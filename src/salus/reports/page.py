"""The page: the parts of a bulletin put into its template, for screens or for print."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from importlib import resources
from typing import Any

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from salus.reports import charts, sections, since_part, summary, svg
from salus.reports.meta import NULL_MODEL, SourceFile
from salus.reports.numbers import threshold
from salus.reports.sentences import Voice
from salus.reports.since import Since
from salus.reports.view import PlaceView

SCREEN_SIZE = (480.0, 270.0)
PRINT_SIZE = (480.0, 300.0)
HASH = 16
"""Digits of a file's hash that stand in the bulletin; `run.json` has all 64."""


def html(
    voice: Voice,
    views: Sequence[PlaceView],
    shapes: Mapping[str, Mapping[str, Any]] | None,
    printed: bool,
    since: Since | None = None,
) -> str:
    """The whole page.

    Parameters
    ----------
    voice : Voice
        Facts and language.
    views : sequence of PlaceView
        All places.
    shapes : mapping of str to mapping, optional
        GeoJSON geometries by location.
    printed : bool
        For A4 paper instead of screens.
    since : Since, optional
        What changed since an earlier run.

    Returns
    -------
    str
        HTML with its style sheet inside.
    """
    overview, words, meta = voice.overview, voice.words, voice.meta
    month = charts.season_month(views)
    ordered = overview.all_places
    size = PRINT_SIZE if printed else SCREEN_SIZE
    return _template().render(
        w=words,
        lang={"en": "en", "zh": "zh-Hans"}[words.lang],
        printed=printed,
        style=Markup(_text("print.css") if printed else _text("screen.css").replace("/* levels */", level_rules())),  # noqa: S704 (our own file)
        title=words("page.title", disease=voice.title, day=words.day(meta.as_of)),
        disease=voice.title,
        stamp=_stamp(voice),
        old=_old(voice),
        footer=words(
            "page.footer" if meta.vintages else "page.footer.upto",
            disease=voice.title,
            day=words.day(meta.as_of),
            run=meta.run_id,
        ),
        meta=meta,
        sentence=voice.sentence,
        after=voice.after_first,
        care=voice.care,
        since=since_part.part(voice, since),
        keys=summary.key_figures(voice),
        look=voice.look,
        sure=voice.sure,
        maps=summary.level_maps(voice, shapes),
        map_note=summary.map_note(voice, shapes),
        legend=summary.legend(voice),
        legend_own=""
        if summary.shared_cuts(voice) or not any(v.cuts for v in views)
        else words("legend.own", place=voice.kind(1)),
        table=summary.table(voice),
        table_title=words("table.title", places=voice.kind(2)),
        chance_title=words("table.probability", when=voice.when(overview.focus)),
        groups=summary.multiples(voice) if len(overview.places) > 1 else [],
        multiples_title=words("multiples.title", place=voice.kind(1)),
        multiples_note=words("multiples.note", span=words.span(meta.cadence, charts.SMALL_PERIODS[meta.cadence.kind]))
        + (
            ""
            if summary.same_axis(voice)
            else (" " if words.lang == "en" else "") + words("multiples.own", places=voice.kind(2))
        ),
        many=len(overview.places) > 1,
        sections=[sections.section(voice, view, month, size) for view in ordered],
        unforecast=_unforecast(voice, ordered),
        about=_about(voice),
    )


def level_rules() -> str:
    """Style rules that give levels their colours on light and dark screens; one source with the drawings.

    Returns
    -------
    str
        CSS.
    """

    def rules(fills: Sequence[str], inks: Sequence[str]) -> str:
        return "".join(
            f".l{k}{{fill:{fill};background:{fill}}}.l{k}.badge,.l{k}i{{color:{ink}}}.l{k}t{{fill:{ink}}}"
            f".l{k} .shf,.l{k}i .shf{{fill:{ink}}}.l{k} .shr,.l{k}i .shr{{stroke:{ink}}}"
            for k, (fill, ink) in enumerate(zip(fills, inks, strict=True))
        )

    dark_inks = ("#eef3f5", "#17252c", "#17252c", "#ffffff", "#ffffff")
    return (
        rules(svg.LEVEL_FILL, svg.LEVEL_INK)
        + f"@media (prefers-color-scheme:dark){{{rules(svg.LEVEL_DARK, dark_inks)}}}"
    )


def _stamp(voice: Voice) -> list[str]:
    """Which day the figures are of, what is the newest of them, and when the bulletin was made."""
    words, meta = voice.words, voice.meta
    said = [words("page.asof" if meta.vintages else "page.upto", day=words.day(meta.as_of))]
    if meta.revisable:
        said.append(words["page.revised"])
    said.append(words("page.period", period=words.period(meta.cadence, meta.last_known)))
    if meta.made_on is not None:
        said.append(words("page.made", day=words.day(meta.made_on)))
    return said


def _old(voice: Voice) -> str:
    """How old the figures are, where they are too old to tell of today; else empty."""
    words, meta = voice.words, voice.meta
    if meta.made_on is None or not meta.old:
        return ""
    age = words.age((meta.made_on - meta.last_day).days)
    period = words.period(meta.cadence, meta.last_known, brief=True)
    return words("old.long", period=period, age=age, day=words.day(meta.made_on))


def _unforecast(voice: Voice, ordered: Sequence[PlaceView]) -> list[str]:
    number = voice.words.lang == "zh"
    return [
        voice.words("unforecast.item", place=voice.name(v), reason=v.reason[number])
        for v in ordered
        if v.reason is not None
    ]


def _about(voice: Voice) -> dict[str, Any]:
    words, meta, scheme = voice.words, voice.meta, voice.scheme
    title = scheme.title_zh if words.lang == "zh" else scheme.title
    cuts = summary.shared_cuts(voice)
    if cuts:
        items = [words("bracket", head=voice.level(0), body=words("legend.to", cut=threshold(cuts[0])))]
        items += [
            words("bracket", head=voice.level(k + 1), body=words("legend.from", cut=threshold(c)))
            for k, c in enumerate(cuts)
        ]
        levels = words("about.read.levels", title=title, items=words["list.comma"].join(items))
    else:
        levels = words("about.read.own", title=title)
    facts = [
        (words["about.source"], meta.source_zh or meta.source if words.lang == "zh" else meta.source),
        (words["about.file"], "" if meta.file is None else _file(voice, meta.file)),
        (words["about.also"], _learned(voice)),
        (words["about.signal"], words("bracket", head=voice.unit, body=meta.signal)),
        (words["about.levels"], scheme.citation_zh or scheme.citation if words.lang == "zh" else scheme.citation),
        (words["about.asof" if meta.vintages else "about.upto"], words.day(meta.as_of)),
        (words["about.reference"], words.day(meta.reference_date)),
        (words["about.made"], "" if meta.made_on is None else words.day(meta.made_on)),
        (words["about.run"], meta.run_id),
        (words["about.licence"], meta.licence_zh or meta.licence if words.lang == "zh" else meta.licence),
        (words["about.salus"], words["about.salus.text"]),
    ]
    trust = "trust" if meta.vintages else "trust.revised"
    models = words["list.comma"].join(m for m in meta.models if m != NULL_MODEL)
    return {
        "read": [levels, *(words[f"about.read.{k}"] for k in ("bands", "chance", "trend", trust))],
        "notes": [note[words.lang == "zh"] for note in meta.notes],
        "method": (" " if words.lang == "en" else "").join(
            [
                words("about.method.known" if meta.vintages else "about.method.upto", day=words.day(meta.as_of)),
                words("about.method.text", models=models or "-") if meta.modelled else words["about.method.nomodel"],
                *_seasons(voice),
            ]
        ),
        "facts": [(name, value) for name, value in facts if value],
    }


def _file(voice: Voice, file: SourceFile) -> str:
    """A table by its name, what it counts, its rows and the beginning of its hash."""
    words = voice.words
    name = file.name or words["about.file.table"]
    if file.signals:
        what = words["list.comma"].join(file.signals)
        if file.source:
            what = words("about.file.source", source=file.source, what=what)
        name = words("colon", head=name, body=what)
    rows = words("about.file.rows", rows=f"{file.rows:,}")
    if file.sha256:
        rows = words("about.file.hash", rows=rows, hash=file.sha256[:HASH])
    return words("bracket", head=name, body=rows)


def _learned(voice: Voice) -> str:
    """The histories, and the other diseases of the same table, that the model learned from."""
    words, meta = voice.words, voice.meta
    if not meta.modelled:
        return ""
    said = [_file(voice, history) for history in meta.histories]
    if meta.companions:
        said.append(words("about.also.companions", n=meta.companions))
    return words["list.semicolon"].join(said)


def _seasons(voice: Voice) -> list[str]:
    """Which past seasons the levels rest on, and which were left out."""
    words, scheme, comma = voice.words, voice.scheme, voice.words["list.comma"]
    said = []
    if scheme.seasons:
        said.append(words("about.seasons", n=len(scheme.seasons), items=comma.join(scheme.seasons)))
    if scheme.omitted:
        items = comma.join(scheme.omitted)
        said.append(words("about.seasons.omitted", n=len(scheme.omitted), items=items, disease=voice.disease))
    if scheme.pandemic:
        said.append(words("about.seasons.pandemic", items=comma.join(scheme.pandemic)))
    hidden = [v for v in voice.overview.all_places if v.location in scheme.hidden]
    if hidden:
        said.append(words("about.seasons.hidden", names=voice.names(hidden)))
    return said


@cache
def _template() -> Any:
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    return environment.from_string(_text("bulletin.html.j2"))


@cache
def _text(name: str) -> str:
    return resources.files("salus.reports").joinpath("templates", name).read_text("utf-8")
