"""The card of the COPD models: complete, in both languages, every figure from the benchmark."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ET
from importlib.resources import files
from pathlib import Path

import pytest
from typer.testing import CliRunner

from salus.cli.app import app
from salus.errors import InputError
from salus.reports.copd_card import Card, Picture, Table, markdown, page, write

RESULT = json.loads(files("salus.copd").joinpath("data", "benchmark.json").read_text("utf-8"))


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_every_section_is_there_and_filled(lang: str) -> None:
    sections = Card(lang).sections()
    assert len(sections) == 11
    for _title, blocks in sections:
        assert blocks
        for block in blocks:
            texts = [block] if isinstance(block, str) else []
            if isinstance(block, Table):
                assert block.rows
                assert all(len(row) == len(block.head) for row in block.rows)
                texts += [block.caption, *(cell for row in (block.head, *block.rows) for cell in row)]
            if isinstance(block, Picture):
                ET.fromstring(block.drawing)  # noqa: S314 - our own SVG
                texts += [block.title, block.says]
            assert not any(re.search(r"\{\w*\}", text) for text in texts)
            if lang == "zh":
                assert not any(re.search(r"[a-z]{4,} [a-z]{3,} [a-z]{3,}", re.sub(r"`[^`]+`", "", t)) for t in texts)


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_no_accuracy_is_shown_and_nothing_is_called_validated(lang: str) -> None:
    text = page(lang).casefold()
    assert not re.search(r"accuracy (of|is|:)|准确率(为|是)", text)
    assert "clinically validated" not in text
    assert not re.search(r"https?://(?!www\.w3\.org)", text)
    assert f'<html lang="{"zh-hans" if lang == "zh" else "en"}"' in text


def test_figures_are_those_of_the_benchmark() -> None:
    row = next(r for r in RESULT["rows"] if (r["outcome"], r["scorer"], r["subgroup"]) == ("y_mod", "spline A", "all"))
    text, pictures = markdown()
    assert f"AUROC {row['auroc']:.3f} by questionnaire" in text
    assert f"{row['auroc']:.3f} [{row['auroc_lower']:.3f}, {row['auroc_upper']:.3f}]" in text
    assert len(pictures) == 16
    assert all(f"images/{name}" in text for name in pictures)


def test_every_flagged_group_is_marked() -> None:
    rows = [r for r in RESULT["rows"] if r["scorer"] in ("spline A", "spline B") and r["flagged"]]
    text, _ = markdown()
    assert rows
    assert text.count(" flagged |") == len(rows)


def test_tripod_and_probast_are_answered_in_full() -> None:
    tables = {title: blocks[0] for title, blocks in Card("en").sections()}
    tripod, probast = tables["TRIPOD+AI, item by item"], tables["PROBAST+AI, domain by domain"]
    assert isinstance(tripod, Table)
    assert isinstance(probast, Table)
    told = {int(n) for row in tripod.rows for n in _numbers(row[0])}
    assert told == set(range(1, 28))
    assert len(probast.rows) == 6


def _numbers(item: str) -> list[int]:
    first, *rest = re.findall(r"\d+", item.split(" ")[0])
    return list(range(int(first), int(rest[0]) + 1)) if rest else [int(first)]


def test_the_command_writes_a_page(tmp_path: Path) -> None:
    out = tmp_path / "card.html"
    said = CliRunner().invoke(app, ["copd", "card", "--out", str(out), "--lang", "zh"])
    assert said.exit_code == 0, said.output
    assert "预期用途" in out.read_text(encoding="utf-8")
    with pytest.raises(InputError, match="no language 'fr'"):
        write(tmp_path / "x.html", "fr")
    assert not (tmp_path / "x.html").exists()
