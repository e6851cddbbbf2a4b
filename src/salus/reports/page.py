"""The page: the parts of a bulletin put into its template, for screens or for print."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from importlib import resources
from typing import Any

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from salus.reports import charts, sections, summary, svg
from salus.reports.numbers import threshold
from salus.reports.sentences import Voice
from salus.reports.view import PlaceView

SCREEN_SIZE = (480.0, 270.0)
PRINT_SIZE = (480.0, 300.0)


def html(
    voice: Voice, views: Sequence[PlaceView], shapes: Mapping[str, Mapping[str, Any]] | None, printed: bool
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
        style=Markup(_text("print.css") if printed else _text("screen.css").replace("/* levels */", level_rules())),  # noqa: S704
        title=words("page.title", disease=voice.title, day=words.day(meta.as_of)),
        disease=voice.title,
        as_of=words("page.asof", day=words.day(meta.as_of)),
        latest=words("page.period", period=words.period(meta.cadence, meta.last_known)),
        footer=words("page.footer", disease=voice.title, day=words.day(meta.as_of), run=meta.run_id),
        meta=meta,
        sentence=voice.sentence,
        after=voice.after_first,
        keys=summary.key_figures(voice),
        look=voice.look,
        sure=voice.sure,
        maps=summary.level_maps(voice, shapes),
        map_note=words("map.note.shape") if shapes else words("map.note", place=voice.kind(1)),
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
        (words["about.source"], meta.source),
        (words["about.signal"], words("bracket", head=voice.unit, body=meta.signal)),
        (words["about.levels"], scheme.citation),
        (words["about.asof"], words.day(meta.as_of)),
        (words["about.reference"], words.day(meta.reference_date)),
        (words["about.run"], meta.run_id),
        (words["about.licence"], meta.licence_zh or meta.licence if words.lang == "zh" else meta.licence),
        (words["about.salus"], words["about.salus.text"]),
    ]
    return {
        "read": [levels, *(words[f"about.read.{k}"] for k in ("bands", "chance", "trend", "trust"))],
        "method": words(
            "about.method.text", day=words.day(meta.as_of), models=words["list.comma"].join(meta.models) or "-"
        ),
        "facts": [(name, value) for name, value in facts if value],
    }


@cache
def _template() -> Any:
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    return environment.from_string(_text("bulletin.html.j2"))


@cache
def _text(name: str) -> str:
    return resources.files("salus.reports").joinpath("templates", name).read_text("utf-8")
