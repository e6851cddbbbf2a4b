"""The certificate as a page in words: one file, no script, nothing loaded from elsewhere."""

from __future__ import annotations

from typing import Any

import numpy as np
from jinja2 import Environment, PackageLoader, StrictUndefined

from salus.privacy import signatures
from salus.privacy.claims import RATES
from salus.privacy.page_words import CLAIMS, DIMENSIONS, NOT_CLAIMED, TEXT
from salus.privacy.policy import Policy
from salus.privacy.rounding import rounded

_TEMPLATES = Environment(
    loader=PackageLoader("salus.privacy", "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    keep_trailing_newline=True,
)


def render(content: dict[str, Any], policy: Policy, language: str) -> str:
    """The page.

    Parameters
    ----------
    content : dict
        The certificate without its signature and pages.
    policy : Policy
        Under which the release was made.
    language : {'en', 'zh'}
        Of the page.

    Returns
    -------
    str
        HTML; the same content gives the same page.
    """
    words = TEXT[language]
    stated = {r["claim"]: r["value"] for r in content["claims"]}
    rows = [
        (_name(r["claim"], language), _value(r["value"], words), words[f"needs.{r['needs']}"])
        for r in content["claims"]
    ]
    said = content["not_claimed"]
    return _TEMPLATES.get_template("certificate.html.j2").render(
        w=words,
        lang={"en": "en", "zh": "zh-Hans"}[language],
        other={"en": ("certificate.zh.html", "zh-Hans"), "zh": ("certificate.html", "en")}[language],
        title=words["title"].format(release=content["release"]),
        release=content["release"],
        lede=_lede(stated, policy, words),
        simulated=content["simulated"],
        rows=rows,
        not_claimed=said if language == "en" else [NOT_CLAIMED[t] for t in said],
        files=sorted(content["files"].items()),
        fingerprint=signatures.fingerprint(content["signer"]["public_key"]),
        made=words["signed.made"].format(when=content["certified_utc"][:16].replace("T", " "), policy=policy.name),
    )


def _lede(stated: dict[str, str], policy: Policy, words: dict[str, str]) -> str:
    if policy.noisy:
        said = words["lede.noise"].format(
            shown=f"{int(stated['counts_shown']) + int(stated['zeros_shown']):,}",
            epsilon=stated["epsilon"],
            bound=stated["contributions_per_person_year"],
        )
        return said + words["lede.breakdowns"] if policy.breakdowns else said
    hidden = int(stated["counts_left_out"])
    said = words["lede.suppression" if hidden else "lede.all"].format(
        shown=f"{int(stated['counts_shown']):,}",
        zeros=f"{int(stated['zeros_shown']):,}",
        hidden=f"{hidden:,}",
        last=policy.minimum_cell - 1,
    )
    if policy.round_to == 1:
        return said
    least = policy.minimum_cell
    reads = int(rounded(np.array([least]), policy.round_to)[0])
    return said + words["lede.rounded"].format(to=policy.round_to, least=least, reads=reads)


def _name(claim: str, language: str) -> str:
    for dimension, pattern in DIMENSIONS[language].items():
        if claim.startswith(f"{dimension}_"):
            return pattern.format(claim=CLAIMS[language][claim.removeprefix(f"{dimension}_")])
    return CLAIMS[language][claim]


def _value(value: str, words: dict[str, str]) -> str:
    if value in ("none", "unbounded", "yes", "too few", RATES):
        return words[value]
    return f"{int(value):,}" if value.isdecimal() and len(value) < 16 else value
