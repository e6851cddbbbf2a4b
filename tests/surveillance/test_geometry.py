"""Shapes from GeoJSON: what is taken, and what each fault is told as."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from salus.errors import InputError
from salus.surveillance.geometry import read_shapes

RING = [[0, 0], [1, 0], [1, 1], [0, 0]]
SQUARE = {"type": "Polygon", "coordinates": [RING]}


def feature(geometry: Any = SQUARE, properties: Any = None, **more: Any) -> dict[str, Any]:
    given = {"location": "A"} if properties is None else properties
    return {"type": "Feature", "properties": given, "geometry": geometry, **more}


def write(tmp_path: Path, *features: Any) -> Path:
    file = tmp_path / "shapes.json"
    file.write_text(json.dumps({"type": "FeatureCollection", "features": list(features)}), encoding="utf-8")
    return file


@pytest.mark.parametrize(
    ("given", "name"),
    [
        (feature(properties={"location": "L", "code": "C", "name": "N"}), "L"),
        (feature(properties={"code": 13, "id": "I", "NAME": "N"}), "13"),
        (feature(properties={"id": "I", "name": "N"}), "I"),
        (feature(properties={"name": "东京"}), "东京"),
        (feature(properties={"NAME": "N", "name": None}), "N"),
        (feature(properties={}, id="own"), "own"),
        ({"type": "Feature", "properties": None, "geometry": SQUARE, "id": 7}, "7"),
    ],
)
def test_the_name_of_a_place(tmp_path: Path, given: dict[str, Any], name: str) -> None:
    assert list(read_shapes(write(tmp_path, given))) == [name]


def test_polygons_and_multipolygons_are_kept_as_they_are(tmp_path: Path) -> None:
    many = {"type": "MultiPolygon", "coordinates": [[RING], [[[5, 5], [6, 5, 120.0], [6, 6], [5, 5]], RING]]}
    found = read_shapes(write(tmp_path, feature(), feature(many, {"location": "B"})))
    assert found == {"A": SQUARE, "B": many}


@pytest.mark.parametrize(
    ("geometry", "said"),
    [
        (None, "found no geometry, wanted a Polygon or MultiPolygon"),
        ({"type": "Point", "coordinates": [0, 0]}, "found a Point, wanted a Polygon"),
        ({"type": "Polygon", "coordinates": []}, "no Polygon; rings of four or more pairs"),
        ({"type": "Polygon", "coordinates": [RING[:3]]}, "no Polygon; rings of four or more pairs"),
        ({"type": "Polygon", "coordinates": [[[0, 0], [1, "x"], [1, 1], [0, 0]]]}, "no Polygon"),
        ({"type": "Polygon", "coordinates": [[[0, 0], [1], [1, 1], [0, 0]]]}, "no Polygon"),
        ({"type": "Polygon", "coordinates": [[[0, 0], [1, float("inf")], [1, 1], [0, 0]]]}, "no Polygon"),
        ({"type": "Polygon", "coordinates": [[[0, 0], [1, float("nan")], [1, 1], [0, 0]]]}, "no Polygon"),
        ({"type": "MultiPolygon", "coordinates": [RING]}, "no MultiPolygon"),
        ({"type": "MultiPolygon", "coordinates": [[]]}, "no MultiPolygon"),
        ({"type": "Polygon"}, "no Polygon"),
        ("Polygon", "found no geometry, wanted a Polygon or MultiPolygon"),
        ({"type": "Polygon", "coordinates": [[[True, False], [1, 0], [1, 1], [0, 0]]]}, "no Polygon"),
    ],
)
def test_a_broken_shape_is_named_with_its_place(tmp_path: Path, geometry: Any, said: str) -> None:
    file = write(tmp_path, feature(properties={"location": "good"}), feature(geometry))
    with pytest.raises(InputError) as error:
        read_shapes(file)
    assert str(error.value).startswith(f"{file}, feature 2 (A): ")
    assert said in str(error.value)


def test_a_shape_without_a_name_and_a_second_one_of_a_place_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"feature 1: there is no name; a property 'location' was wanted"):
        read_shapes(write(tmp_path, feature(properties={"area": 3})))
    with pytest.raises(InputError, match=r"feature 2: there is a second shape of A\. Keep one"):
        read_shapes(write(tmp_path, feature(), feature()))
    with pytest.raises(InputError, match=r"feature 2 is no GeoJSON feature"):
        read_shapes(write(tmp_path, feature(), "a word"))
    with pytest.raises(InputError, match=r"feature 1.*'location'"):
        read_shapes(write(tmp_path, feature(properties=["location"])))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is not JSON (it breaks off in line 1)"),
        (b'{"type":\n"FeatureCollection",', "is not JSON (it breaks off in line 2)"),
        (b"[]", "holds no GeoJSON FeatureCollection with features"),
        (b'{"type": "FeatureCollection", "features": []}', "holds no GeoJSON FeatureCollection with features"),
        (b'{"features": {"a": 1}}', "holds no GeoJSON FeatureCollection with features"),
        ('{"name": "東京"}'.encode("shift_jis"), "is not text in UTF-8"),
    ],
)
def test_a_file_that_is_no_geojson(tmp_path: Path, content: bytes, said: str) -> None:
    file = tmp_path / "shapes.json"
    file.write_bytes(content)
    with pytest.raises(InputError) as error:
        read_shapes(file)
    assert said in str(error.value)
    assert str(file) in str(error.value)


def test_a_byte_order_mark_is_no_fault(tmp_path: Path) -> None:
    file = write(tmp_path, feature())
    file.write_bytes(b"\xef\xbb\xbf" + file.read_bytes())
    assert list(read_shapes(file)) == ["A"]


def test_no_file_and_a_folder(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"there is no file .*none\.json"):
        read_shapes(tmp_path / "none.json")
    with pytest.raises(InputError, match="is a folder, a file was wanted"):
        read_shapes(tmp_path)
