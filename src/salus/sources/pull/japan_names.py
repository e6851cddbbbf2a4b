"""Japanese names of prefectures and diseases, and the English ones that Salus uses."""

from __future__ import annotations

import unicodedata

PREFECTURES = {
    "北海道": "Hokkaido", "青森県": "Aomori", "岩手県": "Iwate", "宮城県": "Miyagi",
    "秋田県": "Akita", "山形県": "Yamagata",
    "福島県": "Fukushima", "茨城県": "Ibaraki", "栃木県": "Tochigi", "群馬県": "Gunma",
    "埼玉県": "Saitama", "千葉県": "Chiba",
    "東京都": "Tokyo", "神奈川県": "Kanagawa", "新潟県": "Niigata", "富山県": "Toyama",
    "石川県": "Ishikawa", "福井県": "Fukui",
    "山梨県": "Yamanashi", "長野県": "Nagano", "岐阜県": "Gifu", "静岡県": "Shizuoka",
    "愛知県": "Aichi", "三重県": "Mie",
    "滋賀県": "Shiga", "京都府": "Kyoto", "大阪府": "Osaka", "兵庫県": "Hyogo",
    "奈良県": "Nara", "和歌山県": "Wakayama",
    "鳥取県": "Tottori", "島根県": "Shimane", "岡山県": "Okayama", "広島県": "Hiroshima", "山口県": "Yamaguchi",
    "徳島県": "Tokushima", "香川県": "Kagawa", "愛媛県": "Ehime", "高知県": "Kochi",
    "福岡県": "Fukuoka", "佐賀県": "Saga",
    "長崎県": "Nagasaki", "熊本県": "Kumamoto", "大分県": "Oita", "宮崎県": "Miyazaki",
    "鹿児島県": "Kagoshima", "沖縄県": "Okinawa",
}  # fmt: skip
"""The 47 prefectures, north to south."""

NATION = "総数"
"""Row of the whole country."""

_DISEASES = {
    "インフルエンザ": "Influenza",
    "新型コロナウイルス感染症": "COVID-19",
    "COVID-19": "COVID-19",
    "RSウイルス感染症": "Respiratory syncytial virus infection",
    "咽頭結膜熱": "Pharyngoconjunctival fever",
    "A群溶血性レンサ球菌咽頭炎": "Group A streptococcal pharyngitis",
    "感染性胃腸炎": "Infectious gastroenteritis",
    "感染性胃腸炎(ロタウイルス)": "Infectious gastroenteritis (only by Rotavirus)",
    "水痘": "Chickenpox",
    "手足口病": "Hand, foot and mouth disease",
    "伝染性紅斑": "Erythema infection",
    "突発性発しん": "Exanthem subitum",
    "ヘルパンギーナ": "Herpangina",
    "流行性耳下腺炎": "Mumps",
    "急性出血性結膜炎": "Acute hemorrhagic conjunctivitis",
    "流行性角結膜炎": "Epidemic keratoconjunctivitis",
    "細菌性髄膜炎": "Bacterial meningitis",
    "無菌性髄膜炎": "Aseptic meningitis",
    "マイコプラズマ肺炎": "Mycoplasma pneumonia",
    "クラミジア肺炎": "Chlamydial pneumonia(excluding psittacosis)",
    "急性呼吸器感染症": "Acute respiratory infection",
    "百日咳": "Pertussis",
    "結核": "Tuberculosis",
    "ジフテリア": "Diphtheria",
    "エボラ出血熱": "Ebola hemorrhagic fever",
    "ペスト": "Plague",
    "コレラ": "Cholera",
    "細菌性赤痢": "Shigellosis",
    "腸管出血性大腸菌感染症": "Enterohemorrhagic Escherichia coli infection",
    "腸チフス": "Typhoid fever",
    "パラチフス": "Paratyphoid fever",
    "E型肝炎": "Hepatitis E",
    "A型肝炎": "Hepatitis A",
    "つつが虫病": "Scrub typhus",
    "デング熱": "Dengue fever",
    "日本紅斑熱": "Japanese spotted fever",
    "日本脳炎": "Japanese encephalitis",
    "重症熱性血小板減少症候群": "Severe fever with thrombocytopenia syndrome",
    "マラリア": "Malaria",
    "レジオネラ症": "Legionellosis",
    "レプトスピラ症": "Leptospirosis",
    "アメーバ赤痢": "Amebiasis",
    "ウイルス性肝炎": "Acute viral hepatitis",
    "急性脳炎": "Acute encephalitis(excluding JE and WNE)",
    "劇症型溶血性レンサ球菌感染症": "Severe invasive streptococcal infections",
    "後天性免疫不全症候群": "AIDS",
    "侵襲性肺炎球菌感染症": "Invasive streptococcal pneumoniae infection",
    "侵襲性髄膜炎菌感染症": "Invasive meningococcal infection",
    "梅毒": "Syphilis",
    "破傷風": "Tetanus",
    "風しん": "Rubella",
    "麻しん": "Measles",
}


def disease(name: str) -> str:
    """English name of a disease; one that is not in the list keeps its Japanese name.

    Parameters
    ----------
    name : str
        As the file writes it, full-width or half-width.

    Examples
    --------
    >>> disease("ＲＳウイルス感染症"), disease("野兎病")
    ('Respiratory syncytial virus infection', '野兎病')
    """
    plain = unicodedata.normalize("NFKC", name).strip()
    return _DISEASES.get(plain, plain)
