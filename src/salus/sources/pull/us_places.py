"""Places of the United States as sources write them, in the codes that Salus uses: FIPS, US, HHS1 to HHS10."""

from __future__ import annotations

import re

FIPS = {
    "AL": "01", "AK": "02", "AZ": "04", "AR": "05", "CA": "06", "CO": "08",
    "CT": "09", "DE": "10", "DC": "11", "FL": "12",
    "GA": "13", "HI": "15", "ID": "16", "IL": "17", "IN": "18", "IA": "19",
    "KS": "20", "KY": "21", "LA": "22", "ME": "23",
    "MD": "24", "MA": "25", "MI": "26", "MN": "27", "MS": "28", "MO": "29",
    "MT": "30", "NE": "31", "NV": "32", "NH": "33",
    "NJ": "34", "NM": "35", "NY": "36", "NC": "37", "ND": "38", "OH": "39",
    "OK": "40", "OR": "41", "PA": "42", "RI": "44",
    "SC": "45", "SD": "46", "TN": "47", "TX": "48", "UT": "49", "VT": "50",
    "VA": "51", "WA": "53", "WV": "54", "WI": "55",
    "WY": "56", "AS": "60", "GU": "66", "MP": "69", "PR": "72", "VI": "78",
}  # fmt: skip
"""Two-letter postal code of each state and territory to its FIPS code (ANSI INCITS 38)."""

_REGION = re.compile(r"(?:hhs|region|hhs region)\s*(\d{1,2})", re.IGNORECASE)
_DIVISION = re.compile(r"cen\s*(\d)", re.IGNORECASE)


def place(name: str) -> tuple[str, str]:
    """Code and kind of a place; one that is not known keeps the source's own name.

    Parameters
    ----------
    name : str
        ``US``, ``USA``, ``nat``, ``CA``, ``ca``, ``Region 4``, ``hhs4``, ``cen4`` ...

    Returns
    -------
    location : str
        FIPS code, ``US`` or ``HHS4``.
    level : str
        ``country``, ``state``, ``HHS region``, ``Census division`` or ``other``.

    Examples
    --------
    >>> place("ca"), place("Region 4"), place("USA"), place("NY_albany")
    (('06', 'state'), ('HHS4', 'HHS region'), ('US', 'country'), ('NY_albany', 'other'))
    """
    short = name.strip()
    if short.upper() in ("US", "USA", "NAT"):
        return "US", "country"
    if short.upper() in FIPS:
        return FIPS[short.upper()], "state"
    if region := _REGION.fullmatch(short):
        return f"HHS{int(region.group(1))}", "HHS region"
    if division := _DIVISION.fullmatch(short):
        return f"Census division {division.group(1)}", "Census division"
    return short, "other"
