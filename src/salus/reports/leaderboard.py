"""The leaderboard of a forecast hub as one self-contained page, in English or Chinese: sentence first, then the table."""

from __future__ import annotations

from functools import cache
from importlib import resources
from typing import Any

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from salus.hub.ranking import Leaderboard
from salus.reports import svg
from salus.reports.words import language

BAR = (120.0, 14.0)
"""Width and height of the bar beside a relative score."""

TOP = 2.0
"""Relative score at which a bar is full."""

# ruff: noqa: E501 (a sentence stands on one line)
TEXT = {
    "en": {
        "lede": "Ranking of forecast models",
        "skip": "Skip to the ranking",
        "stamp": "Rounds of {first} to {last}",
        "stamp.tasks": "{tasks} tasks, {places} places",
        "better": "{best} is first of {n} models: its score is {gain}\u00a0% better than that of {baseline}",
        "even": "{best} is first of {n} models, and no better than {baseline}",
        "plain": "{best} is first of {n} models",
        "many": "{k} of the {n} other models do better than {baseline}.",
        "sure": "{best} answered {share}\u00a0% of the tasks. Its 95\u00a0% intervals held what happened in {cover}\u00a0% of the cases.",
        "title": "All models",
        "caption": "Best first. A task is one place and week, forecast in one round.",
        "scroll": "Ranking of all models",
        "rank": "Rank",
        "model": "Model",
        "relative": "Relative WIS",
        "log": "on the log scale",
        "bounds": "WIS over the baseline's, 95\u00a0% bounds",
        "wis": "Mean WIS",
        "cover50": "Inside 50\u00a0%",
        "cover95": "Inside 95\u00a0%",
        "share": "Answered",
        "base": "baseline",
        "read": "How to read this",
        "read.wis": "WIS, the weighted interval score, is the distance between the forecast distribution and what happened, in the unit of the forecasts. Lower is better. On the log scale small places and quiet weeks count as much as large ones.",
        "read.relative": "Relative WIS compares each two models on the tasks that both answered, so that a model gains nothing by answering only easy weeks, and takes the geometric mean over all. Under 1 is better than {by}; the line in the bars marks 1.",
        "read.cover": "Of a good model the 50\u00a0% interval holds what happened in half of the cases, the 95\u00a0% interval in 95 of 100. Less means too sure of itself.",
        "read.share": "A model that answered few tasks is compared on these few: read its rank with care.",
        "by.base": "{baseline}",
        "by.all": "the average model",
        "left": "Left out",
        "left.none": "Nothing was left out.",
        "truth": "What happened is taken from {truth}.",
        "footer": "{name}. Run {run}",
        "join": " ",
    },
    "zh": {
        "lede": "预测模型排名",
        "skip": "跳到排名",
        "stamp": "预测轮次：{first}至{last}",
        "stamp.tasks": "{tasks}项任务，{places}个地区",
        "better": "{best}在{n}个模型中排名第一：得分比{baseline}好{gain}%",
        "even": "{best}在{n}个模型中排名第一，但不优于{baseline}",
        "plain": "{best}在{n}个模型中排名第一",
        "many": "其余{n}个模型中有{k}个优于{baseline}。",
        "sure": "{best}完成了{share}%的任务。其95%预测区间包含实际值的比例为{cover}%。",
        "title": "全部模型",
        "caption": "由优到劣排列。一项任务是指某一轮对一个地区、一周的预测。",
        "scroll": "全部模型的排名",
        "rank": "名次",
        "model": "模型",
        "relative": "相对WIS",
        "log": "对数尺度",
        "bounds": "WIS与基线之比及95%界限",
        "wis": "平均WIS",
        "cover50": "50%区间内",
        "cover95": "95%区间内",
        "share": "完成任务",
        "base": "基线",
        "read": "如何阅读",
        "read.wis": "WIS（加权区间评分）是预测分布与实际值之间的距离，单位与预测相同，越低越好。在对数尺度上，小地区和平稳的周与大地区和高峰周同等重要。",
        "read.relative": "相对WIS先将每两个模型在双方都完成的任务上比较，再取几何平均，因此只回答容易的周并不占便宜。小于1表示优于{by}；条形中的竖线表示1。",
        "read.cover": "好的模型，其50%区间应在一半的情况下包含实际值，95%区间应在100次中包含95次。低于此表示过于自信。",
        "read.share": "只完成少量任务的模型只在这些任务上比较，其名次须谨慎看待。",
        "by.base": "{baseline}",
        "by.all": "平均水平的模型",
        "left": "未计入",
        "left.none": "没有未计入的内容。",
        "truth": "实际值取自{truth}。",
        "footer": "{name}。运行编号{run}",
        "join": "",
    },
}
"""What the page says, by language."""


def html(board: Leaderboard, name: str, truth: str, lang: str = "en", *, run_id: str = "") -> str:
    """The page of a leaderboard.

    Parameters
    ----------
    board : Leaderboard
        From :func:`salus.hub.ranking.rank`.
    name : str
        What is ranked: the hub's target, or its folder.
    truth : str
        Name of the file with what happened.
    lang : str
        ``en`` or ``zh``.
    run_id : str
        Id of the run, for the footer.

    Returns
    -------
    str
        HTML: no script, no outside file, light and dark, phone and desktop.

    Raises
    ------
    NameNotFoundError
        There is no such language.
    """
    words, text = language(lang), TEXT[lang]
    return _template().render(
        t=text,
        lang={"en": "en", "zh": "zh-Hans"}[lang],
        style=Markup(_text("screen.css").replace("/* levels */", "")),  # noqa: S704 (our own file)
        name=name,
        stamp=text["stamp"].format(first=words.day(board.first), last=words.day(board.last)),
        stamp_tasks=text["stamp.tasks"].format(tasks=f"{board.tasks:,}", places=board.places),
        sentence=_sentence(board, text),
        after=text["join"].join(_after(board, text)),
        measured=board.baseline is not None,
        rows=[_row(row, board.baseline) for row in board.table.iter_rows(named=True)],
        relative=text["read.relative"].format(
            by=text["by.all" if board.baseline is None else "by.base"].format(baseline=board.baseline)
        ),
        truth=text["truth"].format(truth=truth),
        left_out=board.left_out,
        footer=text["footer"].format(name=name, run=run_id),
    )


def _sentence(board: Leaderboard, text: dict[str, str]) -> str:
    best = board.table.row(0, named=True)
    facts = {"best": best["model"], "n": board.table.height, "baseline": board.baseline}
    if board.baseline is None:
        return text["plain"].format(**facts)
    gain = round(100 * (1 - best["relative_wis"]))
    return text["better" if gain >= 1 else "even"].format(gain=gain, **facts)


def _after(board: Leaderboard, text: dict[str, str]) -> list[str]:
    best = board.table.row(0, named=True)
    share, cover = _percent(best["share"]), _percent(best["coverage95"])
    said = [text["sure"].format(best=best["model"], share=share, cover=cover)]
    others = board.table.height - 1
    if board.baseline is not None and others > 0:
        better = int((board.table["relative_wis"] < 1).sum())
        said.insert(0, text["many"].format(k=better, n=others, baseline=board.baseline))
    return said


def _row(row: dict[str, Any], baseline: str | None) -> dict[str, Any]:
    bounds = ""
    if row.get("skill") is not None:
        bounds = f"{row['skill']:.2f}"
        if row["skill_low"] is not None:
            bounds += f" ({row['skill_low']:.2f}\u2013{row['skill_high']:.2f})"
    return {
        "rank": row["rank"],
        "model": row["model"],
        "base": row["model"] == baseline,
        "relative": _number(row["relative_wis"]),
        "bar": Markup(_bar(row["relative_wis"])),  # noqa: S704 (our own drawing of a number)
        "log": _number(row["relative_log_wis"]),
        "bounds": bounds or "-",
        "wis": f"{row['wis']:,.1f}" if row["wis"] >= 1 else f"{row['wis']:.3g}",
        "cover50": f"{_percent(row['coverage50'])}\u00a0%",
        "cover95": f"{_percent(row['coverage95'])}\u00a0%",
        "share": f"{_percent(row['share'])}\u00a0%",
    }


def _bar(value: float | None) -> str:
    """A bar up to the score, with a line at 1; hidden from readers of the number beside it."""
    if value is None:
        return ""
    width, height = BAR
    shown = svg.tag("rect", x=0, y=3, width=width * min(value, TOP) / TOP, height=height - 6, rx=2, class_="score")
    mark = svg.tag("path", d=f"M{width / TOP:g} 0V{height:g}", class_="one")
    return svg.tag("svg", shown, mark, viewBox=f"0 0 {width:g} {height:g}", aria_hidden="true", class_="bar-of")


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"


def _percent(share: float) -> str:
    """Whole percent; 100 and 0 only where they are exact."""
    whole = round(100 * share)
    if whole == 100 and share < 1:
        return f"{min(100 * share, 99.9):.1f}"
    return f"{100 * share:.1f}" if whole == 0 and share > 0 else str(whole)


@cache
def _template() -> Any:
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    return environment.from_string(_text("leaderboard.html.j2"))


@cache
def _text(name: str) -> str:
    return resources.files("salus.reports").joinpath("templates", name).read_text("utf-8")
