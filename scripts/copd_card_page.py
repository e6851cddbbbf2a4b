"""`docs/copd_card.md` and its pictures, made from the benchmark's JSON by `make docs`; a test says when it is stale."""

from __future__ import annotations

import sys
from pathlib import Path

from salus.reports.copd_card import markdown

DOCS = Path(__file__).resolve().parents[1] / "docs"


def files() -> dict[Path, str]:
    """Every file of the page, with what belongs into it."""
    page, pictures = markdown()
    return {DOCS / "copd_card.md": page} | {DOCS / "images" / name: drawn for name, drawn in pictures.items()}


def main() -> None:
    """Write or check the page."""
    stale = {p: t for p, t in files().items() if not p.exists() or p.read_text(encoding="utf-8") != t}
    if "--check" in sys.argv and stale:
        sys.exit("docs/copd_card.md is out of date. Run `make docs`.")
    for path, text in stale.items():
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
