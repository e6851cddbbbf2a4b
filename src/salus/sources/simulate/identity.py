"""Names, numbers, telephones and addresses that belong to nobody.

Identity numbers start with 99, a region that does not exist; telephone numbers with 100, which no subscriber has.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from salus.sources.simulate.geography import Geography
from salus.sources.simulate.people import People, hashed

SURNAMES = (
    "王李张刘陈杨黄赵吴周徐孙马朱胡郭何林高罗郑梁谢宋唐许韩冯邓曹彭曾肖田董袁潘于蒋蔡余杜叶程苏魏吕丁任沈"
    "姚卢姜崔钟谭陆汪范金石廖贾夏韦付方白邹孟熊秦邱江尹薛闫段雷侯龙史陶黎贺顾毛郝龚邵万钱严覃武戴莫孔向汤"
)
GIVEN = (
    "安柏彬冰博采晨成川春丹冬恩帆芳飞丰风歌光海涵禾恒虹桦怀欢慧吉佳嘉健江娇洁锦晶静君可岚乐磊莉丽林灵凌玲"
    "龙露璐美萌梦敏明铭木娜宁沛平萍琪琦倩青清庆秋然仁荣蓉柔瑞润森珊诗石书舒淑爽思松涛天田庭婷桐彤威薇伟文"
    "希霞夏仙翔晓心欣新星雄秀萱雪雅妍岩阳瑶叶怡艺逸音英颖永勇宇雨语玉媛源远月悦云芸泽哲真芝志智舟竹卓子紫"
)
STREETS = (
    "听雨路",
    "揽月街",
    "望河路",
    "晴岚巷",
    "折桂街",
    "拾穗路",
    "长汀街",
    "暮云路",
    "问渠路",
    "栖霞里",
    "流萤街",
    "半山路",
    "澄江路",
    "归燕巷",
    "青榆街",
    "渡口路",
)

_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_CHECK = np.array(list("10X98765432"))


def person_ids(person: np.ndarray, size: int) -> pl.Series:
    """Person identifiers of the simulated register; they say nothing of district or age.

    Parameters
    ----------
    person : numpy.ndarray of int
        Person numbers.
    size : int
        Number of people in the register.

    Returns
    -------
    polars.Series of String
        Such as ``SIMP00042137``.
    """
    return _text(_scrambled(person, size, 99_999_989), 8, "SIMP")


def identify(people: People, geography: Geography, person: np.ndarray, seed: int) -> pl.DataFrame:
    """Direct identifiers of people, the same whenever a person comes.

    Parameters
    ----------
    people : People
        The register.
    geography : Geography
        The province.
    person : numpy.ndarray of int
        Person numbers, doubles allowed.
    seed : int
        Seed of the simulation.

    Returns
    -------
    polars.DataFrame
        Columns ``person_id``, ``name``, ``national_id``, ``phone``, ``address``, ``birth_date``, ``sex``, ``district``.
    """
    stratum = people.stratum(person)
    district, male = stratum // 2, stratum % 2
    birth = people.birth(person)
    return pl.DataFrame(
        {
            "person_id": person_ids(person, people.size),
            "name": _names(person, seed),
            "national_id": _national_ids(people, person, district, male, birth),
            "phone": _text(_scrambled(person, people.size, 99_999_971), 8, "100"),
            "address": _addresses(geography, district, person, seed),
            "birth_date": pl.Series(birth),
            "sex": _pick(["female", "male"], male),
            "district": _pick(list(geography.codes), district),
        }
    )


def _pick(words: list[str], index: np.ndarray) -> pl.Series:
    return pl.Series(words, dtype=pl.String).gather(index)


def _text(number: np.ndarray, digits: int, prefix: str) -> pl.Series:
    return pl.select(pl.lit(prefix) + pl.lit(pl.Series(number)).cast(pl.String).str.zfill(digits)).to_series()


def _scrambled(person: np.ndarray, size: int, prime: int) -> np.ndarray:
    """Different numbers for different people: multiplication modulo a prime above the number of people."""
    if size >= prime:
        raise ValueError(f"at most {prime - 1} people can be registered, not {size}")
    return (person.astype(np.int64) + 1) * 61_803_399 % prime


def _names(person: np.ndarray, seed: int) -> pl.Series:
    family = _pick(list(SURNAMES), (hashed(person, seed, 1) ** 1.6 * len(SURNAMES)).astype(np.int64))
    first = _pick(list(GIVEN), (hashed(person, seed, 2) * len(GIVEN)).astype(np.int64))
    second = (hashed(person, seed, 3) * len(GIVEN) * 1.2).astype(np.int64)
    last = _pick([*GIVEN, *[""] * (len(GIVEN) // 5 + 2)], second)
    return family + first + last


def _national_ids(
    people: People, person: np.ndarray, district: np.ndarray, male: np.ndarray, birth: np.ndarray
) -> pl.Series:
    rank = people.rank[person].astype(np.int64)
    year = birth.astype("datetime64[Y]")
    month = birth.astype("datetime64[M]")
    ymd = (year.astype(np.int64) + 1970) * 10_000 + (month.astype(np.int64) % 12 + 1) * 100
    ymd += (birth - month).astype(np.int64) + 1
    region = 990_000 + district * 100 + 1 + rank // 500
    body = (region * 10**8 + ymd) * 1000 + (rank * 137 + 61) % 500 * 2 + male
    total = np.zeros(person.size, dtype=np.int64)
    rest = body.copy()
    for weight in reversed(_WEIGHTS):
        rest, digit = np.divmod(rest, 10)
        total += digit * weight
    return _text(body, 17, "") + _pick(_CHECK.tolist(), total % 11)


def _addresses(geography: Geography, district: np.ndarray, person: np.ndarray, seed: int) -> pl.Series:
    area = _pick(["兰河省(模拟)" + name for name in geography.names_zh], district)
    street = _pick(list(STREETS), (hashed(person, seed, 4) * len(STREETS)).astype(np.int64))
    house = _text((hashed(person, seed, 5) * 480).astype(np.int64) + 1, 0, "")
    room = _text((hashed(person, seed, 6) * 30).astype(np.int64) * 100 + 101, 0, "")
    return area + street + house + pl.Series(["号"]) + room + pl.Series(["室"])
