"""Shapes of places from GeoJSON."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeGuard

from salus.errors import InputError

_NAMES = ("location", "code", "id", "name", "NAME")
_SHORTEST_RING = 4
_KINDS = ("Polygon", "MultiPolygon")


def read_shapes(path: str | Path) -> dict[str, Mapping[str, Any]]:
    """Geometries by place.

    Parameters
    ----------
    path : str or Path
        GeoJSON FeatureCollection (RFC 7946) of polygons. A feature's place is its property ``location``, else ``code``,
        ``id``, ``name`` or ``NAME``, else the feature's own id.

    Returns
    -------
    dict of str to mapping
        GeoJSON geometry by place.

    Raises
    ------
    InputError
        The file can't be read, is not GeoJSON, or a feature has no name or is no polygon.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = Path(folder) / "shapes.json"
    ...     _ = file.write_text('{"type": "FeatureCollection", "features": [{"type": "Feature", "id": "A", "geometry":'
    ...                         '{"type": "Polygon", "coordinates": [[[0, 0], [1, 0], [1, 1], [0, 0]]]}}]}')
    ...     list(read_shapes(file))
    ['A']
    """
    path = Path(path)
    content = _json(path)
    features = content.get("features") if isinstance(content, dict) else None
    if not isinstance(features, list) or not features:
        raise InputError(f"{path} holds no GeoJSON FeatureCollection with features. Give one with a polygon a place.")
    shapes: dict[str, Mapping[str, Any]] = {}
    for number, feature in enumerate(features, start=1):
        where = f"{path}, feature {number}"
        if not isinstance(feature, dict):
            raise InputError(f"{where} is no GeoJSON feature. Take it out.")
        properties = _members(feature.get("properties"))
        name = next((str(properties[n]) for n in _NAMES if properties.get(n) is not None), feature.get("id"))
        geometry = _members(feature.get("geometry"))
        if name is None:
            raise InputError(f"{where}: there is no name; a property 'location' was wanted. Add it.")
        kind = geometry.get("type")
        if kind not in _KINDS:
            raise InputError(
                f"{where} ({name}): found {f'a {kind}' if kind else 'no geometry'}, wanted a Polygon or MultiPolygon. "
                "Take the feature out."
            )
        coordinates = geometry.get("coordinates")
        polygons = [coordinates] if kind == "Polygon" else coordinates
        if not (_filled(polygons) and all(_filled(p) and all(_is_ring(r) for r in p) for p in polygons)):
            raise InputError(
                f"{where} ({name}): its coordinates are no {kind}; rings of four or more pairs of numbers were wanted, "
                "degrees east before degrees north. Export the shapes anew, or take the feature out."
            )
        if str(name) in shapes:
            raise InputError(f"{where}: there is a second shape of {name}. Keep one feature a place.")
        shapes[str(name)] = geometry
    return shapes


def _json(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError as error:
        raise InputError(f"there is no file {path}. Check the name and the folder.") from error
    except IsADirectoryError as error:
        raise InputError(f"{path} is a folder, a file was wanted. Give one file in it.") from error
    except PermissionError as error:
        raise InputError(f"there is no permission to read {path}. Ask for it, or copy the file.") from error
    except OSError as error:
        raise InputError(f"can't read {path}: the system says {error.strerror}.") from error
    except json.JSONDecodeError as error:
        raise InputError(f"{path} is not JSON (it breaks off in line {error.lineno}). Give a GeoJSON file.") from error
    except ValueError as error:
        raise InputError(f"{path} is not text in UTF-8. Give a GeoJSON file in UTF-8.") from error


def _members(part: object) -> dict[str, Any]:
    return part if isinstance(part, dict) else {}


def _filled(part: object) -> TypeGuard[list[Any]]:
    return isinstance(part, list) and bool(part)


def _is_ring(ring: object) -> bool:
    return isinstance(ring, list) and len(ring) >= _SHORTEST_RING and all(_is_position(p) for p in ring)


def _is_position(point: object) -> bool:
    return (
        isinstance(point, list)
        and len(point) >= 2
        and all(isinstance(x, int | float) and not isinstance(x, bool) and math.isfinite(x) for x in point[:2])
    )
