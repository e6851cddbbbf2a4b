"""The simulated province: its prefectures and districts, who lives there, who borders and mixes with whom.

Every name is invented; every code begins with ``SIM``.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from salus.tables.contracts import PLACES

PROVINCE = ("SIM", "Lanhe Province (simulated)", "兰河省(模拟)")

_PREFECTURES = (
    ("SIM01", "Yunzhao City (simulated)", "云照市(模拟)"),
    ("SIM02", "Cangqu City (simulated)", "沧曲市(模拟)"),
    ("SIM03", "Xialing City (simulated)", "霞岭市(模拟)"),
    ("SIM04", "Wuze City (simulated)", "雾泽市(模拟)"),
)

# code, English name, Chinese name, people in thousands, tile row, tile column
_DISTRICTS = (
    ("SIM0101", "Xingqiao District", "星桥区", 1640, 1, 2),
    ("SIM0102", "Yuewan District", "月湾区", 1180, 1, 3),
    ("SIM0103", "Songying District", "松影区", 860, 0, 2),
    ("SIM0104", "Qintai District", "琴台区", 940, 2, 2),
    ("SIM0105", "Yanhui County", "雁回县", 430, 0, 3),
    ("SIM0201", "Heting District", "鹤汀区", 1020, 2, 4),
    ("SIM0202", "Liuyan District", "柳烟区", 710, 2, 3),
    ("SIM0203", "Shizhou County", "石舟县", 480, 1, 4),
    ("SIM0204", "Luming County", "芦鸣县", 350, 3, 4),
    ("SIM0301", "Fengmian District", "枫眠区", 830, 1, 1),
    ("SIM0302", "Yunjie District", "云阶区", 620, 2, 1),
    ("SIM0303", "Shuanggu County", "霜谷县", 310, 0, 1),
    ("SIM0304", "Lujiao County", "鹿角县", 260, 1, 0),
    ("SIM0305", "Quanyu County", "泉语县", 390, 2, 0),
    ("SIM0401", "Liandeng District", "莲灯区", 900, 3, 2),
    ("SIM0402", "Yingdu District", "萤渡区", 560, 3, 3),
    ("SIM0403", "Weidang County", "苇荡县", 420, 4, 2),
    ("SIM0404", "Ouzhu County", "鸥渚县", 300, 4, 3),
)

AGE_BANDS = ("0-4", "5-14", "15-24", "25-49", "50-64", "65-79", "80+")
"""Age bands of the simulation, in completed years."""

AGE_EDGES = (0, 5, 15, 25, 50, 65, 80, 100)
"""First year of each band, and the age at which the last one ends."""

_URBAN_AGES = np.array([0.050, 0.115, 0.125, 0.400, 0.195, 0.092, 0.023])
_RURAL_AGES = np.array([0.056, 0.130, 0.090, 0.310, 0.225, 0.150, 0.039])


@dataclass(frozen=True)
class Geography:
    """Districts of the province in a fixed order.

    Attributes
    ----------
    codes : tuple of str
        Codes of the D districts.
    names_zh : tuple of str
        Their Chinese names, with prefecture.
    population : numpy.ndarray, shape (D, A)
        People by district and age band.
    adjacent : numpy.ndarray of bool, shape (D, D)
        Whether two districts share an edge of the tile map.
    gravity : numpy.ndarray, shape (D, D)
        Where the contacts outside the own district go: rows sum to 1, diagonal 0.
    """

    codes: tuple[str, ...]
    names_zh: tuple[str, ...]
    population: np.ndarray
    adjacent: np.ndarray
    gravity: np.ndarray

    def mixing(self, away: float) -> np.ndarray:
        """Share of the contacts of each district (row) that lie in each district (column).

        Parameters
        ----------
        away : float
            Share of contacts outside the own district, 0 to 1.

        Returns
        -------
        numpy.ndarray, shape (D, D)
            Rows sum to 1.
        """
        return (1 - away) * np.eye(len(self.codes)) + away * self.gravity

    def adjacency(self) -> pl.DataFrame:
        """Districts that touch, each pair in both directions.

        Returns
        -------
        polars.DataFrame
            Columns ``location``, ``neighbour``.
        """
        here, there = np.nonzero(self.adjacent)
        return pl.DataFrame({"location": [self.codes[d] for d in here], "neighbour": [self.codes[d] for d in there]})


def lanhe() -> Geography:
    """Give the province that Salus simulates.

    Returns
    -------
    Geography
        18 districts in 4 prefectures, 12.2 million people, all of them invented.

    Examples
    --------
    >>> len(lanhe().codes), int(lanhe().population.sum())
    (18, 12200000)
    """
    people = np.array([d[3] * 1000.0 for d in _DISTRICTS])
    rural = np.array([d[1].endswith("County") for d in _DISTRICTS])
    ages = np.where(rural[:, None], _RURAL_AGES, _URBAN_AGES)
    population = np.rint(people[:, None] * ages)
    population[:, 3] += people - population.sum(axis=1)
    tiles = np.array([d[4:6] for d in _DISTRICTS], dtype=float)
    distance = np.hypot(*(tiles[:, None, :] - tiles[None, :, :]).transpose(2, 0, 1))
    gravity = people[None, :] ** 0.8 * np.exp(-distance / 1.1)
    np.fill_diagonal(gravity, 0.0)
    gravity /= gravity.sum(axis=1, keepdims=True)
    prefecture = {code: zh.removesuffix("(模拟)") for code, _, zh in _PREFECTURES}
    return Geography(
        codes=tuple(d[0] for d in _DISTRICTS),
        names_zh=tuple(prefecture[d[0][:5]] + d[2] for d in _DISTRICTS),
        population=population,
        adjacent=np.abs(tiles[:, None, :] - tiles[None, :, :]).sum(axis=2) == 1,
        gravity=gravity,
    )


def places() -> pl.DataFrame:
    """Province, prefectures and districts as a places table.

    Returns
    -------
    polars.DataFrame
        Columns of :data:`salus.tables.contracts.PLACES`; districts have tile positions, and every parent is a row.

    Examples
    --------
    >>> places().filter(location_level="district").height
    18
    """
    people = {code: float(thousands * 1000) for code, _, _, thousands, _, _ in _DISTRICTS}

    def row(
        code: str, name: str, name_zh: str, parent: str | None, level: str, tile: tuple[int | None, int | None]
    ) -> dict:
        population = sum(n for district, n in people.items() if district.startswith(code))
        return {
            "location": code,
            "name": name,
            "name_zh": name_zh,
            "parent": parent,
            "location_level": level,
            "population": population,
            "tile_row": tile[0],
            "tile_column": tile[1],
        }

    rows = [row(*PROVINCE, None, "province", (None, None))]
    rows += [row(*names, PROVINCE[0], "prefecture", (None, None)) for names in _PREFECTURES]
    rows += [row(code, en, zh, code[:5], "district", (r, c)) for code, en, zh, _, r, c in _DISTRICTS]
    return PLACES.check(
        pl.DataFrame(rows, schema={c.name: c.dtype for c in PLACES.columns}), "places of the simulation"
    )
