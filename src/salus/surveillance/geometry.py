"""Shapes of places from GeoJSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from salus.errors import InputError

_NAMES = ("location", "code", "id", "name", "NAME")


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
    """
    path = Path(path)
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"can't read {path}: {error.strerror}. Give a GeoJSON file.") from error
    except ValueError as error:
        raise InputError(f"{path} is not JSON ({error}). Give a GeoJSON file in UTF-8.") from error
    features = content.get("features") if isinstance(content, dict) else None
    if not isinstance(features, list) or not features:
        raise InputError(f"{path} holds no GeoJSON FeatureCollection with features. Give one with a polygon a place.")
    shapes: dict[str, Mapping[str, Any]] = {}
    for number, feature in enumerate(features, start=1):
        properties = feature.get("properties") or {}
        name = next((str(properties[n]) for n in _NAMES if properties.get(n) is not None), feature.get("id"))
        geometry = feature.get("geometry") or {}
        if name is None:
            raise InputError(f"{path}, feature {number}: there is no name; a property 'location' was wanted. Add it.")
        if geometry.get("type") not in ("Polygon", "MultiPolygon"):
            raise InputError(
                f"{path}, feature {number} ({name}): found a {geometry.get('type') or 'missing geometry'}, wanted a "
                f"Polygon or MultiPolygon. Take the feature out."
            )
        shapes[str(name)] = geometry
    return shapes
