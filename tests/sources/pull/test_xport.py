"""SAS transport files, built by hand after TS-140 and read back; pandas' reader as a second opinion."""

from __future__ import annotations

import io
import struct

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from salus.errors import SourceError
from salus.sources.pull import xport

COLUMNS = [
    ("SEQN", "Respondent sequence number", 8),
    ("FEV1", "FEV1 in ml", 8),
    ("SHORT", "cut to 4 bytes", 4),
    ("WORD", "a word", -5),
]
ROWS = [
    [1.0, 3012.5, 7.0, "abc"],
    [2.0, None, None, ""],
    [3.0, 0.0, 0.0, "x y"],
    [4.0, -0.1, 256.0, "Q"],
    [5.0, 1e-70, -1.0, "zz"],
]


def test_reads_what_was_written(forms):
    frame, variables = xport.read(forms["xpt"](COLUMNS, ROWS))
    assert frame.columns == ["SEQN", "FEV1", "SHORT", "WORD"]
    assert frame["SEQN"].to_list() == [1, 2, 3, 4, 5]
    assert frame["FEV1"].to_list()[:3] == [3012.5, None, 0.0]
    assert frame["FEV1"][3] == pytest.approx(-0.1, rel=1e-15)
    assert frame["FEV1"][4] == pytest.approx(1e-70, rel=1e-15)
    assert frame["SHORT"].to_list() == [7.0, None, 0.0, 256.0, -1.0]
    assert frame["WORD"].to_list() == ["abc", "", "x y", "Q", "zz"]
    assert [(v.label, v.numeric, v.length, v.position) for v in variables][1] == ("FEV1 in ml", True, 8, 8)


def test_agrees_with_pandas(forms):
    """pandas.read_sas(format='xport') on the same bytes; it reads zero as 5.4e-79, so zeros are left out."""
    data = forms["xpt"](COLUMNS, [row for row in ROWS if 0.0 not in row])
    frame, _ = xport.read(data)
    other = pd.read_sas(io.BytesIO(data), format="xport", encoding="cp1252")
    for name in ("SEQN", "FEV1", "SHORT"):
        np.testing.assert_allclose(frame[name].to_numpy(), other[name].to_numpy(), rtol=1e-15)
    assert frame["WORD"].to_list() == other["WORD"].fillna("").to_list()


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        # IBM System/360 Principles of Operation: 1.0 is 41 10 ..., -118.625 is C2 76 A0 ...
        ("4110000000000000", 1.0),
        ("c276a00000000000", -118.625),
        ("0000000000000000", 0.0),
        ("8000000000000000", 0.0),
        ("7fffffffffffffff", 7.237005577332262e75),
        ("2e00000000000000", None),
        ("4100000000000000", None),
        ("5f00000000000000", None),
    ],
)
def test_known_doubles(raw, value):
    series = xport._numbers(np.frombuffer(bytes.fromhex(raw), dtype=np.uint8).reshape(1, 8), "x")
    assert series.to_list() == ([value] if value is None else [pytest.approx(value, rel=1e-15)])


@given(
    st.floats(allow_nan=False, allow_infinity=False, min_value=-1e60, max_value=1e60).filter(
        lambda x: abs(x) > 1e-60 or x == 0
    )
)
def test_any_double_survives(value):
    sign, rest, power = (0x80 if value < 0 else 0), abs(value), 64
    while rest >= 1:
        rest, power = rest / 16, power + 1
    while rest and rest < 1 / 16:
        rest, power = rest * 16, power - 1
    raw = (bytes([sign | power]) + int(rest * 2**56).to_bytes(7, "big")) if value else bytes(8)
    assert xport._numbers(np.frombuffer(raw, dtype=np.uint8).reshape(1, 8), "x")[0] == pytest.approx(value, rel=1e-15)


def test_no_rows(forms):
    frame, _ = xport.read(forms["xpt"](COLUMNS, []))
    assert frame.shape == (0, 4)


def test_a_row_of_blank_text_is_kept_where_it_is_not_padding(forms):
    frame, _ = xport.read(forms["xpt"]([("A", "", -80)], [["x"], [""], ["y"]]))
    assert frame["A"].to_list() == ["x", "", "y"]


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda d: b"<html>", "is not a SAS transport file of version 5: it begins '<html>'"),
        (lambda d: b"", "is not a SAS transport file"),
        (lambda d: d[:200], "has no MEMBER header at byte 240"),
        (lambda d: d[:400], "has no NAMESTR header at byte 560"),
        (lambda d: d[:700], "ends within the descriptions of its 4 variables"),
        (lambda d: d[:-81], "ends within an observation"),
        (lambda d: d.replace(b"MEMBER  HEADER", b"MEMBXX  HEADER"), "has no MEMBER header"),
        (lambda d: d.replace(b"OBS     HEADER", b"XXX     HEADER"), "has no OBS header"),
        (lambda d: d.replace(b"0000000004000000", b"0000000x04000000"), "stands where a whole number was wanted"),
        (lambda d: d + d[240:], "more than one table"),
        (
            lambda d: d.replace(struct.pack(">hhhh", 1, 0, 8, 1), struct.pack(">hhhh", 1, 0, 9, 1)),
            "variable SEQN has an impossible",
        ),
    ],
)
def test_damage_is_named(forms, damage, message):
    with pytest.raises(SourceError, match=message):
        xport.read(damage(forms["xpt"](COLUMNS, ROWS)), "SPX_E.xpt")
