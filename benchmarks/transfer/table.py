"""The section of `docs/benchmarks.md`."""

from __future__ import annotations

from typing import Any

PEERS = {
    "persistence": "persistence", "seasonal_naive": "seasonal naive", "auto_arima": "AutoARIMA", "auto_ets": "AutoETS",
}  # fmt: skip


def lines_of(result: dict[str, Any]) -> list[str]:
    """Lines of the section, from ``result.json``."""
    found = result["in_all"]
    lines = [
        "## Other diseases and countries, nothing tuned",
        "",
        "The default model as it is, on pairs of country and disease with five years of history before the window; all "
        "horizons of one to four periods together, from what was known on each day, fitted once a year. Ratio of "
        "summed WIS to each peer (persistence on the fourth-root scale), under 1 is better; in brackets 95 % bounds. "
        "Series below: places with 20 periods above zero whose own score is below persistence's. Goals: below every "
        f"peer in every pair, and below persistence in 75 % of the single series. (`{result['command']}`)",
        "",
        f"| pair | window | {' | '.join(PEERS.values())} | series below | cover 50 % | 95 % | CPU s |",
        f"|---|---|{'---|' * len(PEERS)}---|---|---|---|",
    ]
    for name, pair in sorted(result["pairs"].items()):
        null = pair["peers"]["persistence"]
        cells = [_cell(pair["peers"].get(peer)) for peer in PEERS]
        lines.append(
            f"| {name} | {pair['first']} to {pair['last']} | {' | '.join(cells)} | {null['series_below']} of "
            f"{null['series']} | {pair['coverage50']:.3f} | {pair['coverage95']:.3f} | "
            f"{pair['cost']['combination']['cpu_seconds']:.0f} |"
        )
    missed = [f"{PEERS[peer]}: {', '.join(names)}" for peer, names in found["not_below"].items() if names]
    said = f"Not below {'; '.join(missed)}." if missed else "Below every peer in every pair."
    return [
        *lines,
        "",
        f"{said} Of {found['series']} single series {found['series_below']:.1%} are below persistence. Left out: "
        "pertussis of Japan's sentinels (its five years end the series) and COVID-19 (no five years).",
        "",
    ]


def _cell(at: dict[str, Any] | None) -> str:
    if at is None:
        return "-"
    part = "" if at["answered"] > 0.9995 else f", {at['answered']:.0%} answered"
    return f"{at['wis_ratio']:.3f} [{at['bounds'][0]:.2f}, {at['bounds'][1]:.2f}]{part}"
