"""Make the pictures in docs/images: python scripts/pictures.py.

A bulletin of the simulated series in docs/examples, photographed by Chromium (Debian's package). Each picture carries
the bulletin's own mark that the data are simulated.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from PIL import Image, ImageChops

from salus.surveillance import places
from salus.workflows.run import run

DOCS = Path(__file__).resolve().parents[1] / "docs"
ONLY = "main > :not({0}) {{ display: none }} header.page, footer.page {{ display: none }} main {{ padding-top: 1rem }}"
PICTURES = {
    "bulletin": (
        "main > :not(.first, .keys-part, .two, .map-part) { display: none } footer.page { display: none }",
        1000,
        1700,
    ),
    "table": (ONLY.format(".table-part"), 1300, 1200),
    "place": (ONLY.format("#place-sim0101"), 1000, 1200),
}
"""Rules that leave the part wanted, and a width and height in which it fits."""
LIMIT = 300_000


def main() -> None:
    """Run, photograph, crop, write."""
    table = places.read(DOCS / "examples" / "places.csv")
    page = run(DOCS / "examples" / "hfmd.csv", places_table=table).bulletin.html("en")
    for name, (rules, width, height) in PICTURES.items():
        target = DOCS / "images" / f"{name}.png"
        ruled = page.replace("</head>", f"<style>{rules} .about {{ display: none }}</style></head>")
        _photograph(ruled, width, height, target)
        size = target.stat().st_size
        print(f"{target.name}: {size:,} bytes")
        if size > LIMIT:
            sys.exit(f"{target.name} has {size:,} bytes; at most {LIMIT:,} are wanted.")


def _photograph(page: str, width: int, height: int, target: Path) -> None:
    with tempfile.TemporaryDirectory() as folder:
        source, shot = Path(folder) / "page.html", Path(folder) / "shot.png"
        source.write_text(page, encoding="utf-8")
        options = ["--headless", "--no-sandbox", "--hide-scrollbars", "--blink-settings=preferredColorScheme=1"]
        command = ["chromium", *options, f"--window-size={width},{height}", f"--screenshot={shot}", source.as_uri()]
        subprocess.run(command, check=True, capture_output=True, timeout=120)  # noqa: S603 (our own words)
        picture = Image.open(shot).convert("RGB")
    background = Image.new("RGB", picture.size, picture.getpixel((0, picture.height - 1)))
    box = ImageChops.difference(picture, background).getbbox()
    bottom = min(picture.height, (box[3] if box else picture.height) + 24)
    picture.crop((0, 0, width, bottom)).quantize(128).save(target, optimize=True)


if __name__ == "__main__":
    main()
