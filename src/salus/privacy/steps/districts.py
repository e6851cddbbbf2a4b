"""What may stand for a district in a record: a place of the table, or a text that has the form of a code or its name.

A column of districts can hold a person's name, number or address by mistake. Against a table of places that can be told
for certain. Without one only the form can be looked at: codes are short, with nine digits at most (telephones have ten
or more, China's identity numbers 15 or 18), and a name of a place says what it is (`朝阳区`, `西湖街道`, `Suffolk
County`). Everything else is set aside.
"""

from __future__ import annotations

import ibis.expr.types as ir

CODE = (
    r"^(?:[A-Za-z]{1,3}|[A-Z]{2}-[A-Z0-9]{1,3}"  # ISO 3166-2
    r"|(?:[A-Z]{2,3}-)?[A-Za-z]{0,8}[-_./]?(?:[0-9]{1,9}|[0-9]{1,6}[-_./][0-9]{1,3})[A-Za-z]{0,3}"
    r"|[1-8][0-9]{11})\z"  # twelve digits: China's codes of townships and villages
)
"""Form of a code: at most three letters, or up to nine digits with letters before and after them and one sign between.

China's codes of twelve digits pass too.
"""

_HAN = "\u3005\u3007\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff"
_CHINESE = "(?:[省市县縣区區州盟旗乡鄉镇鎮村都府県町郡]|街道|社区|社區|地区|兵团|农场|林场|牧场|苏木|嘎查|办事处)"
_LATIN = "(?:County|District|Borough|Parish|Prefecture|Province|Municipality|Township|Ward|Region|Canton|City)"
NAME = (
    rf"^(?:[{_HAN}]{{1,36}}{_CHINESE}|[{_HAN}]{{0,12}}[0-9]{{1,3}}团|北海道"
    rf"|[A-Z][A-Za-z'.-]{{1,20}}(?: [A-Za-z'.-]{{1,20}}){{0,3}} {_LATIN})\z"
)
"""Form of a name that says that it is one of a place, by its administrative word at the end."""


def has_form(text: ir.StringValue) -> ir.BooleanValue:
    """Whether a text has the form of a code or name of a district.

    Parameters
    ----------
    text : ibis.expr.types.StringValue
        Without blanks around it.
    """
    return text.re_search(CODE) | text.re_search(NAME)
