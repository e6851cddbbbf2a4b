"""Sentences and drawings as they were last looked at.

After a change that is meant, look at the bulletin, then renew the files:
``SALUS_RENEW_SNAPSHOTS=1 pytest tests/reports/test_report_snapshots.py``,
and read the difference before it is committed.
"""

import os
import re
from pathlib import Path

import pytest

from salus.reports import sections, summary

FOLDER = Path(__file__).parent / "snapshots"


def same_as_before(name, text):
    path = FOLDER / name
    if os.environ.get("SALUS_RENEW_SNAPSHOTS") == "1":
        path.write_text(text, encoding="utf-8")
    assert path.exists(), f"{name} has no snapshot yet; see the top of this file"
    assert text == path.read_text("utf-8")


@pytest.fixture
def bulletin(make):
    return make(
        {
            "Tokyo": [4.4, 5.1, 6.21],
            "Osaka": [2.4, 2.9],
            "Hokkaido": [0.4, 0.37],
            "Fukuoka": [3.1, None, None],
            "Okinawa": [1.8, 2.2],
            "Nara": [None] * 160,
        },
        labels={"Okinawa": "withheld", "Osaka": "moderate"},
        unforecast={"Nara": ("every value is missing", "所有数值缺失")},
        arriving=1,
    )


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_every_sentence(bulletin, lang):
    voice = bulletin.voice(lang)
    lines = [
        "# first",
        voice.sentence,
        *voice.after_first,
        "# look",
        *voice.look,
        "# sure",
        *voice.sure,
        "# key figures",
    ]
    lines += [" / ".join((part["figure"], part["label"], part["note"])) for part in summary.key_figures(voice)]
    for view in voice.overview.places:
        lines += [
            f"# {voice.name(view)}",
            voice.place(view),
            *voice.support(view),
            voice.fan_alt(view),
            *voice.trust(view),
        ]
    same_as_before(f"sentences.{lang}.txt", "\n".join(lines).replace("\u00a0", "~") + "\n")


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_drawings(bulletin, lang):
    voice = bulletin.voice(lang)
    drawn = {f"map-{k}": str(part["svg"]) for k, part in enumerate(summary.level_maps(voice, None))}
    for place in ("Tokyo", "Fukuoka"):
        view = next(v for v in bulletin.views if v.location == place)
        parts = sections.section(voice, view, 1, (480.0, 270.0))
        drawn |= {f"{place} fan": str(parts["fan"]), f"{place} season": str(parts["season"])}
    drawn |= {
        f"small {chart['name']}": str(chart["svg"])
        for group in summary.multiples(voice)
        for chart in group["charts"][:1]
    }
    text = "\n".join(f"# {name}\n" + re.sub(r"(<(?!/))", r"\n\1", svg) for name, svg in drawn.items())
    same_as_before(f"drawings.{lang}.txt", text + "\n")
