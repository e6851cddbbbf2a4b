"""The card of the COPD models: intended use, figures, groups, TRIPOD+AI, PROBAST+AI, what a deployer must do.

Every figure is read from the benchmark's result in the package; the sentences stand in `templates/copd_card.toml`.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from html import escape
from importlib.resources import files
from pathlib import Path
from typing import Any

from salus.copd.model import RiskModel
from salus.data.output import replaced_file
from salus.errors import InputError
from salus.reports import copd_pictures

OUTCOMES = ("y_mod", "y_lln12", "y_llngl", "y_070")
SCORERS = ("spline A", "spline B")
QUESTIONNAIRES = ("lfq", "cdq", "puma")
_METERS = {"same blow": "same_blow", "tolerance": "tolerance", "another blow": "another_blow", "field": "field",
           "field, shifted": "field_shifted"}  # fmt: skip
_LANGUAGES = ("en", "zh")
_HTML_LANGUAGE = {"en": "en", "zh": "zh-Hans"}
_FEWEST_EVENTS = 10


@dataclass(frozen=True)
class Table:
    """A table of the card: what it shows, its head and its rows."""

    caption: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Picture:
    """A picture of the card: name of its file, SVG, title and what it shows."""

    name: str
    drawing: str
    title: str
    says: str


Block = Table | Picture | str


class Card:
    """The card in one language.

    Parameters
    ----------
    lang : {'en', 'zh'}
        Language.

    Raises
    ------
    InputError
        There is no such language.

    Examples
    --------
    >>> Card("en").sections()[0][0]
    'Intended use'
    """

    def __init__(self, lang: str = "en") -> None:
        if lang not in _LANGUAGES:
            raise InputError(f"there is no language '{lang}' of the card: {' or '.join(_LANGUAGES)}")
        self.lang = lang
        self._place = _LANGUAGES.index(lang)

    @cached_property
    def result(self) -> dict[str, Any]:
        """The benchmark's result."""
        return _result()

    @cached_property
    def filled(self) -> dict[str, str]:
        """Figures that sentences name."""
        model, row = (
            RiskModel.load(),
            {(r["outcome"], r["scorer"]): r for r in self.result["rows"] if r["subgroup"] == "all"},
        )
        after = self.result["post_bronchodilator"][0]
        return {
            "version": model.version,
            "cycles": ", ".join(model.provenance["cycles"]),
            "people": f"{self.result['people']:,}",
            "ev_mod": f"{self.result['events']['y_mod']:,}",
            "ev_lln": f"{self.result['events']['y_lln12']:,}",
            "auc_mod_a": f"{row['y_mod', 'spline A']['auroc']:.3f}",
            "auc_mod_b": f"{row['y_mod', 'spline B']['auroc']:.3f}",
            "prev_mod": f"{row['y_mod', 'spline A']['prevalence']:.1%}",
            "prev_070": f"{row['y_070', 'spline A']['prevalence']:.1%}",
            "verified": f"{after['verified']:,}",
            "obstructed": f"{after['obstructed_before']:,}",
        }

    def word(self, key: str, **more: str) -> str:
        """A sentence of the card, its figures filled in."""
        return str(_texts()["words"][key][self._place]).format(**self.filled, **more)

    def sections(self) -> list[tuple[str, list[Block]]]:
        """Title and blocks of each section, in order."""
        return [
            (self.word("use"), [*self._paragraphs("use"), self.word("footer")]),
            (self.word("deploy"), [self._answers("deploy")]),
            (self.word("figures"), [self.word("figures_caption"), *self._figures()]),
            (self.word("post"), [self._after_bronchodilator()]),
            (self.word("pictures"), list(self._pictures())),
            (self.word("fewer"), list(self._fewer())),
            (self.word("subgroups"), [self._subgroups(s) for s in SCORERS]),
            (self.word("missing"), [self._missing()]),
            (self.word("meter"), [self._meter()]),
            (self.word("tripod"), [self._answers("tripod")]),
            (self.word("probast"), [self._answers("probast")]),
        ]

    def _paragraphs(self, key: str) -> Iterable[str]:
        return (str(entry["text"][self._place]).format(**self.filled) for entry in _texts()[key])

    def _answers(self, key: str) -> Table:
        rows = tuple(
            (str(entry["item"][self._place]), str(entry["text"][self._place]).format(**self.filled))
            for entry in _texts()[key]
        )
        return Table("", (self.word("part"), self.word("answer")), rows)

    def _named(self, scorer: str) -> str:
        if scorer in SCORERS:
            return self.word(f"tier_{scorer[-1].lower()}")
        if scorer in QUESTIONNAIRES:
            return f"{scorer.upper()} ({self.word('approximate')})"
        kind, _, tier = scorer.rpartition(" ")
        return self.word(kind.replace(" ", "_"), tier=tier) if kind else self.word(scorer)

    def _figures(self) -> Iterable[Table]:
        names = ("scorer", "people", "events")
        head = (*(self.word(n) for n in names), "AUROC", *(self.word(n) for n in ("slope", "intercept", "sens")))
        for outcome in OUTCOMES:
            whole = [r for r in self.result["rows"] if r["outcome"] == outcome and r["subgroup"] == "all"]
            rows = tuple(
                (self._named(row["scorer"]), f"{row['n']:,}", f"{row['events']:,}",
                 f"{row['auroc']:.3f} [{row['auroc_lower']:.3f}, {row['auroc_upper']:.3f}]", _figure(row["slope"]),
                 _figure(row["intercept"]), _figure(row["sensitivity_at_90_specificity"]))
                for row in sorted(whole, key=lambda r: r["scorer"] not in SCORERS)
            )  # fmt: skip
            yield Table(self.word("figures_of", name=self.word(outcome)), head, rows)

    def _after_bronchodilator(self) -> Table:
        names = ("scorer", "people", "events", "before", "read_again")
        head = (*(self.word(n) for n in names), "AUROC", self.word("slope"), self.word("intercept"))
        rows = tuple(
            (self._named(f"spline {row['tier']}"), f"{row['people']:,}", f"{row['events']:,}",
             f"{row['obstructed_before']:,}", f"{row['verified']:,}",
             *(_figure(row[n]) for n in ("auroc", "slope", "intercept")))
            for row in self.result["post_bronchodilator"]
        )  # fmt: skip
        return Table(self.word("post_caption"), head, rows)

    def _pictures(self) -> Iterable[Picture]:
        for entry in self.result["calibration"]:
            name = f"{self.word(entry['outcome'])}, {self._named('spline ' + entry['tier'])}"
            gap = max(abs(o - e) for e, o in entry["deciles"]) * 100
            texts = {
                "title": self.word("calibration_title", name=name),
                "says": self.word("calibration_says", gap=f"{gap:.1f}"),
                "expected": self.word("expected"),
                "observed": self.word("observed"),
            }
            key = f"copd_calibration_{entry['outcome']}_{entry['tier'].lower()}"
            yield Picture(key, copd_pictures.calibration(key, entry["deciles"], texts), texts["title"], texts["says"])
            texts = {
                "title": self.word("decision_title", name=name),
                "says": self.word("decision_says"),
                "threshold": self.word("threshold"),
                "net_benefit": self.word("net_benefit"),
            }
            key = f"copd_decision_{entry['outcome']}_{entry['tier'].lower()}"
            rows = {
                r["scorer"]: r
                for r in self.result["rows"]
                if r["outcome"] == entry["outcome"] and r["subgroup"] == "all"
            }
            best = {t: max(rows[q]["net_benefit"][t] for q in QUESTIONNAIRES) for t in rows["lfq"]["net_benefit"]}
            drawn = copd_pictures.decision(key, entry["net_benefit"], rows["spline A"]["prevalence"], best, texts)
            yield Picture(key, drawn, texts["title"], texts["says"])

    def _fewer(self) -> Iterable[str]:
        for row in self.result["fewer_spirometries"]:
            parts = {name: f"{row[name]:.0%}" for name in ("sensitivity", "fewer", "lower", "upper")}
            yield self.word("fewer_says", tier=row["tier"], outcome=self.word(row["outcome"]), **parts)

    def _subgroups(self, scorer: str) -> Table:
        rows = [r for r in self.result["rows"] if r["scorer"] == scorer]
        groups = list(dict.fromkeys(r["subgroup"] for r in rows))
        found = []
        for group in groups:
            cells = []
            for outcome in OUTCOMES:
                row = next(r for r in rows if (r["outcome"], r["subgroup"]) == (outcome, group))
                mark = f" {self.word('flag')}" if row["flagged"] else ""
                bounds = f"{_figure(row['observed_expected_lower'], 2)}, {_figure(row['observed_expected_upper'], 2)}"
                cells.append(f"{row['observed_expected']:.2f} [{bounds}], {row['events']:,}{mark}")
            main = next(r for r in rows if (r["outcome"], r["subgroup"]) == ("y_mod", group))
            auroc = _figure(main["auroc"]) if main["events"] >= _FEWEST_EVENTS else self.word("few")
            found.append((str(_texts()["groups"][group][self._place]), f"{main['n']:,}", auroc, *cells))
        ratio, events = self.word("ratio"), self.word("events")
        head = (self.word("group"), self.word("people"), f"AUROC: {self.word('y_mod')}",
                *(f"{ratio}, {events}: {self.word(o)}" for o in OUTCOMES))  # fmt: skip
        return Table(f"{self._named(scorer)}. {self.word('subgroups_caption')}", head, tuple(found))

    def _missing(self) -> Table:
        rows = [r for r in self.result["missing"] if r["outcome"] == "y_mod"]
        tiers = {t: {r["missing"]: r for r in rows if r["tier"] == t} for t in "AB"}
        found = []
        for item in tiers["B"]:
            cells = []
            for tier in "AB":
                row = tiers[tier].get(item)
                cells += [_figure(row[n]) for n in ("auroc", "slope", "intercept")] if row else ["-"] * 3
            found.append((item, *cells))
        names = ("AUROC", self.word("slope"), self.word("intercept"))
        head = (self.word("item"), *(f"{self.word(f'tier_{t}')}: {n}" for t in "ab" for n in names))
        return Table(self.word("missing_caption"), head, tuple(found))

    def _meter(self) -> Table:
        rows = tuple(
            (self.word(r["outcome"]), self.word(_METERS[r["meter"]]), _figure(r["auroc"]), _figure(r["slope"]),
             _figure(r["intercept"]), _figure(r["sensitivity_at_90_specificity"]))
            for r in self.result["home_meter"]
        )  # fmt: skip
        names = (
            self.word("outcome"),
            self.word("kind"),
            "AUROC",
            *(self.word(n) for n in ("slope", "intercept", "sens")),
        )
        return Table(self.word("meter_caption"), names, rows)


def page(lang: str = "en") -> str:
    """The card as one self-contained web page.

    Parameters
    ----------
    lang : {'en', 'zh'}
        Language.

    Returns
    -------
    str
        HTML without anything from outside.
    """
    card = Card(lang)
    style = files("salus.reports").joinpath("templates", "screen.css").read_text(encoding="utf-8")
    parts = [
        f'<!doctype html><html lang="{_HTML_LANGUAGE[lang]}"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{escape(card.word('title'))}</title><style>{style}{_STYLE}</style></head><body>",
        f'<header class="page"><p class="lede">{escape(card.word("lede"))}<span>{escape(card.word("title"))}</span></p>'
        f'<p class="stamp">{escape(card.word("stamp"))}</p></header><main>',
        f'<h1>{escape(card.word("headline"))}</h1><p class="after">{_prose(card.word("after"))}</p>',
    ]
    for title, blocks in card.sections():
        parts.append(f"<section><h2>{escape(title)}</h2>")
        pictures = [b for b in blocks if isinstance(b, Picture)]
        if pictures:
            parts.append(f'<div class="squares">{"".join(_html(b) for b in pictures)}</div>')
        parts += [_html(b, title) for b in blocks if not isinstance(b, Picture)]
        parts.append("</section>")
    parts.append(f'</main><footer class="page"><p>{escape(card.word("footer"))}</p></footer></body></html>\n')
    return "".join(parts)


def markdown() -> tuple[str, dict[str, str]]:
    """The card in English for the docs.

    Returns
    -------
    tuple of (str, dict of str to str)
        The page, and the pictures that it shows by name of file.
    """
    card, pictures = Card("en"), {}
    made = "Made from `benchmarks/copd/result.json` by `make docs`. In Chinese, or as one page: `salus copd card`."
    lines = [f"# {card.word('title')}", "", f"{card.word('headline')}. {card.word('after')}", "", made, ""]
    for title, blocks in card.sections():
        lines += [f"## {title}", ""]
        for block in blocks:
            if isinstance(block, str):
                lines += [block, ""]
            elif isinstance(block, Picture):
                pictures[f"{block.name}.svg"] = block.drawing + "\n"
                lines += [f"![{block.title}. {block.says}](images/{block.name}.svg)", ""]
            else:
                lines += [block.caption, ""] if block.caption else []
                lines += [_row(block.head), "|" + "---|" * len(block.head), *(_row(r) for r in block.rows), ""]
    return "\n".join(lines).rstrip() + "\n", pictures


def write(path: str | Path, lang: str = "en") -> None:
    """Write the card as a web page.

    Parameters
    ----------
    path : str or Path
        File to write; it is replaced as a whole.
    lang : {'en', 'zh'}
        Language.
    """
    content = page(lang)
    with replaced_file(path) as part:
        part.write_text(content, encoding="utf-8")


_STYLE = (
    ".squares{display:grid;grid-template-columns:repeat(auto-fit,minmax(260px,1fr));gap:20px}"
    "section p{max-width:62em}td:first-child{font-weight:600}"
)


def _html(block: Block, title: str = "") -> str:
    if isinstance(block, str):
        return f"<p>{_prose(block)}</p>"
    if isinstance(block, Picture):
        return (
            f"<figure><figcaption>{escape(block.title)}</figcaption>{block.drawing}"
            f'<p class="note">{escape(block.says)}</p></figure>'
        )
    head = "".join(f'<th scope="col">{escape(cell)}</th>' for cell in block.head)
    rows = "".join(
        f'<tr><th scope="row">{escape(row[0])}</th>{"".join(f"<td>{_prose(cell)}</td>" for cell in row[1:])}</tr>'
        for row in block.rows
    )
    name = escape(block.caption or title)
    return (
        f'<div class="scroll" tabindex="0" role="region" aria-label="{escape(title, quote=True)}">'
        f"<table><caption>{name}</caption><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>"
    )


def _prose(text: str) -> str:
    """Escaped text, what stands between backquotes as code."""
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(text))


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "/") for cell in cells) + " |"


def _figure(value: float | None, decimals: int = 3) -> str:
    return "-" if value is None else f"{value:.{decimals}f}"


@lru_cache
def _result() -> dict[str, Any]:
    content: dict[str, Any] = json.loads(
        files("salus.copd").joinpath("data", "benchmark.json").read_text(encoding="utf-8")
    )
    return content


@lru_cache
def _texts() -> Mapping[str, Any]:
    return tomllib.loads(files("salus.reports").joinpath("templates", "copd_card.toml").read_text(encoding="utf-8"))
