"""The page: self-contained, accessible, escaped, and usable at every size."""

import re
from html.parser import HTMLParser
from itertools import pairwise

import polars as pl
import pytest

from salus.errors import InputError
from salus.reports import maps, page, svg

VOID = {"meta", "br", "link", "img", "hr", "input"}
HOSTILE = '<script>alert("x")</script> & \'"><img src=x onerror=alert(1)>'


class Reader(HTMLParser):
    """Elements with attributes and text, in order; fails on tags that do not close."""

    def __init__(self, text):
        super().__init__()
        self.elements, self.open, self.texts = [], [], {}
        self.feed(text)
        assert not self.open

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        assert len(attrs) == len(dict(attrs)), (tag, attrs)
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open:
            self.texts.setdefault(self.open[-1], []).append(data)

    def all(self, *tags):
        return [attributes for tag, attributes in self.elements if tag in tags]


@pytest.fixture(params=["en", "zh"])
def lang(request):
    return request.param


VARIANTS = {
    "many": {},
    "one": {"values": {"Tokyo": [5.1, 6.21]}},
    "no_levels": {"cuts": {}},
    "late": {"values": {"Tokyo": [6.21], "Osaka": [2.9, None, None], "Nara": [None] * 160}},
    "marked": {"simulated": True, "inside_only": True, "arriving": 2},
}


@pytest.mark.parametrize("variant", VARIANTS)
def test_the_page_is_well_formed_and_accessible(make, lang, variant):
    html = make(**VARIANTS[variant]).html(lang)
    reader = Reader(html)
    ids = [a["id"] for _, a in reader.elements if "id" in a]
    assert len(ids) == len(set(ids))
    for _, attributes in reader.elements:
        for reference in attributes.get("aria-labelledby", "").split():
            assert reference in ids
        if attributes.get("href", "").startswith("#"):
            assert attributes["href"][1:] in ids
    assert reader.all("html")[0]["lang"] == {"en": "en", "zh": "zh-Hans"}[lang]
    headings = [int(tag[1]) for tag, _ in reader.elements if re.fullmatch("h[1-6]", tag)]
    assert headings[0] == 1
    assert headings.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(headings))
    assert all(a.get("scope") in ("col", "row", "colgroup") for a in reader.all("th"))
    assert len(reader.all("table")) == len(reader.all("caption"))
    for attributes in reader.all("svg"):
        assert (
            attributes.get("aria-hidden") == "true" or attributes.get("aria-label") or attributes.get("aria-labelledby")
        )
    assert all(a.get("tabindex") == "0" and a["aria-label"] for a in reader.all("div") if a.get("role") == "region")
    assert {"main", "header", "footer"} <= {tag for tag, _ in reader.elements}
    assert reader.all("meta")[1] == {"name": "viewport", "content": "width=device-width, initial-scale=1"}


def test_the_page_is_self_contained(make, lang):
    html = make().html(lang)
    reader = Reader(html)
    assert not reader.all("script", "link", "img", "iframe", "object")
    assert not re.search(r"(?:src|href)=\"(?!#)", html)
    assert "url(" not in html
    assert "@import" not in html


def test_no_text_of_the_caller_becomes_markup(make, lang):
    places = pl.DataFrame(
        {
            "location": [HOSTILE, "B"],
            "name": [HOSTILE, "B"],
            "name_zh": [HOSTILE, "B"],
            "parent": [HOSTILE + "p", HOSTILE + "p"],
            "location_level": [HOSTILE, HOSTILE],
            "tile_row": [0, 1],
            "tile_column": [0, 1],
        }
    )
    texts = dict.fromkeys(
        ("title", "title_zh", "short", "short_zh", "unit", "unit_zh", "source", "run_id", "signal"), HOSTILE
    )
    bulletin = make(
        {HOSTILE: [5.1, 6.21], "B": [1.0]},
        places=places,
        names=("low", HOSTILE, HOSTILE),
        unforecast={"B": (HOSTILE, HOSTILE)},
        models=(HOSTILE,),
        status_changes=lambda t: t.with_columns(note=pl.lit(HOSTILE)),
        **texts,
    )
    for html in (bulletin.html(lang), page.html(bulletin.voice(lang), bulletin.views, None, printed=True)):
        reader = Reader(html)
        assert not reader.all("script", "img")
        assert not [a for _, a in reader.elements if any(k.startswith("on") for k in a)]
        assert "alert(&#34;x&#34;)" in html or "alert(&quot;x&quot;)" in html


def test_template_braces_in_names_are_only_text(make):
    assert "{{ 7*7 }}" in make({"{{ 7*7 }}": [6.0]}).html()
    assert "{level}" in make({"{level} {0}": [6.0]}).html()


def test_marks_stand_on_the_page_and_in_its_title(make, lang):
    marked = make(simulated=True, inside_only=True).html(lang)
    words = {"en": ("SIMULATED DATA", "INSIDE ONLY"), "zh": ("模拟数据", "仅限内部")}[lang]
    title = re.search("<title>(.*?)</title>", marked).group(1)
    for word in words:
        assert word in title
        assert marked.count(word) >= 3
        assert word not in make().html(lang)


def test_where_it_is_from_stands_in_the_page(make):
    html = make(licence="CC-BY-4.0").html().replace("\u00a0", " ")
    for fact in (
        "As known on 16 Jul 2023",
        "run-0123",
        "A made-up source",
        "CC-BY-4.0",
        "per_sentinel",
        "the model pooled",
    ):
        assert fact in html


def test_level_is_word_shape_and_colour(make):
    html = make().html()
    for step in (0, 1, 3):
        assert f'class="badge l{step}"' in html
    assert len({svg.shape(step, 0, 0, 5) for step in (None, 0, 1, 2, 3, 4)}) == 6


def luminance(colour):
    parts = [int(colour[k : k + 2], 16) / 255 for k in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.03928 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one, other):
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("index", [0, 1])
def test_text_stands_out_from_its_ground_in_light_and_dark(index):
    css = page._text("screen.css")
    theme = dict(re.findall(r"--(\w+):(#[0-9a-f]+)", re.findall(r":root\{([^}]*)\}", css)[index]))
    theme = {k: v if len(v) == 7 else "#" + "".join(2 * c for c in v[1:]) for k, v in theme.items()}
    for ink in ("ink", "soft", "link"):
        for ground in ("paper", "wash"):
            assert contrast(theme[ink], theme[ground]) >= 4.5, (ink, ground)
    rules = re.findall(r"\.l(\d)\{fill:(#\w+);[^}]*\}\.l\d\.badge,\.l\di\{color:(#\w+)\}", page.level_rules())
    assert len(rules) == 10
    for step, fill, ink in rules:
        assert contrast(fill, ink) >= 4.5, step


def test_levels_grow_darker_so_that_they_survive_grey_print():
    values = [luminance(fill) for fill in svg.LEVEL_FILL]
    assert values == sorted(values, reverse=True)
    assert min(a / b for a, b in pairwise(values)) > 1.2


def test_chart_text_stands_out():
    for ink in ("t", "ts", "cutt"):
        assert contrast(svg.INK[ink]["fill"], "#ffffff") >= 4.5


SQUARE = {"type": "Polygon", "coordinates": [[[139, 35], [140, 35], [140, 36], [139, 36], [139, 35]]]}
ISLANDS = {"type": "MultiPolygon", "coordinates": [[[[135, 34], [136, 34], [136, 35], [135, 34]]]]}


def test_shapes_are_drawn_where_geometry_is_given(make):
    html = make(shapes={"Tokyo": SQUARE, "Osaka": ISLANDS}).html()
    assert html.count('fill-rule="evenodd"') == 4
    assert "Each tile" not in html
    assert 'aria-label="Tokyo: warning, 6.2"' in html


def test_a_shape_of_another_kind_is_refused(make):
    bulletin = make(shapes={"Tokyo": {"type": "Point", "coordinates": [1, 2]}, "Osaka": SQUARE})
    with pytest.raises(InputError, match="shape of Tokyo is a 'Point'"):
        bulletin.html()


def test_a_shared_axis_is_stated_and_so_is_one_of_its_own(make):
    assert "All charts of this group run from 0 to" in make().html()
    counts = {name: [float(k % 9) for k in range(160)] for name in ("Tokyo", "Osaka")}
    own = make(counts, cuts={"Tokyo": (2.0, 5.0), "Osaka": (3.0, 6.0)}).html()
    assert "Each chart has its own scale" in own
    assert "thresholds differ by prefecture" in own


def test_very_long_names_and_many_places_stay_usable(make):
    long = "Community Health Centre of the Upper and Lower Northern Mountain Valleys and Adjacent Islands " * 3
    values = {f"{long} {k}" if k < 2 else f"Place {k}": [float(k % 7)] for k in range(400)}
    html = make(values, horizons=(1, 2), periods=60).html()
    reader = Reader(html)
    assert len([a for a in reader.all("section") if a.get("class") == "place"]) == 400
    assert len(html.encode()) < 8_000_000


def test_a_page_of_47_places_is_light(make):
    html = make({f"Place {k}": [0.13 * k] for k in range(47)}, periods=560).html()
    assert len(html.encode()) < 1_500_000


JAPAN_AND_CHINA = {
    "青森县": "青森",
    "京都府": "京都",
    "东京都": "东京",
    "北海道": "北海道",
    "内蒙古自治区": "内蒙古",
    "新疆维吾尔自治区": "新疆",
    "重庆市": "重庆",
}
WEST = {"Fukui": "Fuk", "Fukuoka": "Fuu", "Fukushima": "Fus", "New York": "NY", "North Dakota": "ND"}


@pytest.mark.parametrize(("tongue", "wanted"), [("en", WEST), ("zh", JAPAN_AND_CHINA)])
def test_tiles_have_short_names_that_differ(make, tongue, wanted):
    bulletin = make({name: [1.0] for name in wanted}, periods=10)
    assert maps.abbreviations(bulletin.views, tongue) == wanted
