"""The bulletin as PDF, by WeasyPrint, which embeds the glyphs that are used."""

from __future__ import annotations

import logging
import re
from pathlib import Path

from salus.data.output import replaced_file
from salus.reports import fonts

_CHINESE = re.compile("[\u3400-\u9fff\uf900-\ufaff]")


def write(html: str, path: Path) -> Path:
    """Write a printed page as PDF.

    Parameters
    ----------
    html : str
        Page made for print.
    path : Path
        File to write; replaced in one step.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    OutputError
        The file can't be written, or no font on this machine has the characters.
    """
    import weasyprint  # slow to load, and only a PDF needs it

    if _CHINESE.search(html):
        fonts.require_chinese()
    logging.getLogger("weasyprint").setLevel(logging.ERROR)
    with replaced_file(path) as temporary:
        weasyprint.HTML(string=html, url_fetcher=_nothing_outside).write_pdf(temporary)
    return path


def _nothing_outside(url: str) -> dict[str, str]:
    raise ValueError(f"a bulletin is self-contained; {url} was asked for")
