"""The PDF: fonts inside, one page a place, stamps on every page."""

import time

import polars as pl
import pytest
from pypdf import PdfReader

from salus.errors import OutputError
from salus.reports import fonts, page, pdf
from salus.surveillance import places


def text_of(page):
    return page.extract_text().replace("\u00a0", " ").replace("\n", " ")


def embedded_fonts(reader):
    found = set()
    for sheet in reader.pages:
        for font in sheet["/Resources"]["/Font"].values():
            kid = font.get_object()["/DescendantFonts"][0].get_object()
            descriptor = kid["/FontDescriptor"]
            assert "/FontFile3" in descriptor or "/FontFile2" in descriptor
            found.add(str(kid["/BaseFont"]))
    return found


@pytest.mark.parametrize(
    ("lang", "stamp", "marks", "openings"),
    [
        ("en", "as known on 16 Jul 2023", ("SIMULATED DATA", "INSIDE ONLY"), ("level in Tokyo,", "level in Osaka,")),
        ("zh", "截至2023年7月16日已知的情况", ("模拟数据", "仅限内部"), ("东京手足口病目前", "大阪手足口病目前")),
    ],
)
def test_one_page_a_place_with_stamp_number_and_embedded_fonts(make, tmp_path, lang, stamp, marks, openings):
    bulletin = make({"Tokyo": [5.1, 6.21], "Osaka": [2.4, 2.9]}, simulated=True, inside_only=True)
    reader = PdfReader(bulletin.pdf(tmp_path / "b.pdf", lang))
    pages = [text_of(p) for p in reader.pages]
    assert len(pages) <= 7
    for number, text in enumerate(pages, 1):
        assert f"{number} / {len(pages)}" in text
        assert stamp in text
        assert all(mark in text for mark in marks)
    own = pages[1:-1]  # the first names the highest place too, the last is about the bulletin
    assert [sum(opening in text for text in own) for opening in openings] == [1, 1]
    assert not any(all(opening in text for opening in openings) for text in pages)
    found = embedded_fonts(reader)
    assert lang == "en" or any("CJK" in name or "Hei" in name or "Song" in name for name in found)


def test_the_pages_about_all_places_leave_no_page_nearly_empty(make, tmp_path):
    """47 prefectures: sentence and maps on the first page, the table on two, all small charts on one."""
    japan = places.known("JP").filter(pl.col("location_level") == "prefecture").drop("population")
    names = japan["location"].to_list()
    values = {name: [1.9 + 0.1 * (k % 7), 5.5 if k == 0 else 2.5 if k < 12 else 1.5] for k, name in enumerate(names)}
    bulletin = make(values, places=japan, labels=dict.fromkeys(names[40:43], "withheld"))
    html = page.html(bulletin.voice(), bulletin.views, None, printed=True)
    about_all, *sections = html.split('<section class="place"')
    whole = about_all + sections[-1].split("</section>", 1)[1]
    read = [text_of(p) for p in PdfReader(pdf.write(whole, tmp_path / "b.pdf")).pages]
    openings = ("What to look at", "All prefectures", "Place", "Every prefecture at a glance", "About this")
    assert [opening in text for opening, text in zip(openings, read, strict=True)] == [True] * 5
    assert "Where it is" in read[0]


def test_a_machine_without_chinese_fonts_gets_the_remedy(make, tmp_path, monkeypatch):
    monkeypatch.setattr(fonts, "covers", lambda lang: False)
    with pytest.raises(OutputError, match="apt install fonts-noto-cjk"):
        make({"Tokyo": [6.0]}).pdf(tmp_path / "b.pdf", "zh")
    assert not list(tmp_path.iterdir())


def test_fonts_are_asked_of_fontconfig():
    assert fonts.covers("zh-cn")
    assert not fonts.covers("xx")


def test_a_machine_without_fontconfig_gets_the_remedy(monkeypatch):
    monkeypatch.setattr(fonts.ctypes.util, "find_library", lambda name: None)
    with pytest.raises(OutputError, match="fontconfig is not installed"):
        fonts.covers("zh-cn")


def test_a_place_that_cannot_be_written_is_named(make, tmp_path):
    with pytest.raises(OutputError, match="it is a folder"):
        make({"Tokyo": [6.0]}).pdf(tmp_path)


@pytest.mark.slow
def test_47_places_take_under_45_seconds(make, tmp_path):
    bulletin = make({f"Place {k}": [0.13 * k] for k in range(47)}, periods=560)
    started = time.process_time()
    path = bulletin.pdf(tmp_path / "b.pdf", "zh")
    assert time.process_time() - started < 45
    assert 47 < len(PdfReader(path).pages) < 60
