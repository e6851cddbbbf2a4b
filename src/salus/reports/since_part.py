"""The part of a bulletin that says what changed since an earlier run."""

from __future__ import annotations

from typing import Any

from salus.reports.marks import badge
from salus.reports.sentences import Voice
from salus.reports.since import Change, Since


def part(voice: Voice, since: Since | None) -> dict[str, Any] | None:
    """Sentences and rows for the template; None where no earlier run was given.

    Parameters
    ----------
    voice : Voice
        Facts and language.
    since : Since or None
        What changed.

    Returns
    -------
    dict or None
        ``title``, ``said``, ``caption``, ``rows``.
    """
    if since is None:
        return None
    words = voice.words
    return {
        "title": words("since.title", day=words.day(since.day)),
        "said": said(voice, since),
        "caption": words("since.caption", unit=voice.unit),
        "rows": [_row(voice, change) for change in since.told],
    }


def said(voice: Voice, since: Since) -> list[str]:
    """What changed in all places together: levels, hits of the ranges given then, revisions, the method.

    Parameters
    ----------
    voice : Voice
        Facts and language.
    since : Since
        What changed.
    """
    words, changes = voice.words, since.changes
    up, down = sum(c.step > 0 for c in changes), sum(c.step < 0 for c in changes)
    total = len(changes)
    found = [words("since.levels", up=up, down=down, same=total - up - down, total=total, places=voice.kind(total))]
    tested = [c for c in changes if c.tested]
    if tested:
        half = sum(c.outcome == "in50" for c in tested)
        most = half + sum(c.outcome == "in95" for c in tested)
        found.append(words("since.tested", n=len(tested), half=half, most=most, whole=len(tested)))
    else:
        found.append(words["since.untested"])
    if revised := sum(c.revised is not None for c in changes):
        found.append(words("since.revised", n=revised, places=voice.kind(revised)))
    elif voice.meta.vintages:
        found.append(words["since.revised.none"])
    else:
        found.append(words["since.revised.unknown"])
    found.append(words["since.method.same" if since.same_method else "since.method.other"])
    return found


def _row(voice: Voice, change: Change) -> dict[str, Any]:
    view, words, cadence = change.view, voice.words, voice.meta.cadence
    then = view.scale.observed(change.value_then, view.cuts)
    if change.revised is not None:
        then = words("since.now", then=then, now=view.scale.observed(change.revised, view.cuts))
    expected = span = ""
    if change.median is not None and change.upper50 is not None and change.lower50 is not None:
        width = change.upper50 - change.lower50
        expected = view.scale.forecast(change.median, width)
    if change.lower95 is not None and change.upper95 is not None:
        low, high = (view.scale.forecast(v) for v in (change.lower95, change.upper95))
        span = words("range.cell", low=low, high=high)
    return {
        "name": voice.name(view),
        "anchor": view.anchor,
        "before": badge(voice, change.level_then, brief=True) if change.step else "",
        "after": badge(voice, view.level, brief=True),
        "then": then,
        "period": cadence.label(change.start_then),
        "expected": expected,
        "range": span,
        "now": view.now_text,
        "chance": "" if change.chance is None else words.percent(change.chance),
        "outcome": words(f"since.outcome.{change.outcome}"),
    }
