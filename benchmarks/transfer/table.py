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
        "Others: diseases of the same file, of which it learns too (0: none, or measured without). Series below: "
        "places with 20 periods above zero whose own score is below persistence's. Goals: below every peer in every "
        f"pair, and below persistence in 75 % of the single series. (`{result['command']}`)",
        "",
        f"| pair | window | others | {' | '.join(PEERS.values())} | series below | cover 50 % | 95 % | CPU s |",
        f"|---|---|---|{'---|' * len(PEERS)}---|---|---|---|",
    ]
    for name, pair in sorted(result["pairs"].items()):
        null = pair["peers"]["persistence"]
        cells = [_cell(pair["peers"].get(peer)) for peer in PEERS]
        lines.append(
            f"| {name} | {pair['first']} to {pair['last']} | {pair['others_in_file']} | {' | '.join(cells)} | "
            f"{null['series_below']} of {null['series']} | {pair['coverage50']:.3f} | {pair['coverage95']:.3f} | "
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
        *_chap(result["pairs"]),
    ]


def _chap(pairs: dict[str, Any]) -> list[str]:
    """CHAP's own baselines, where they were run."""
    rows = [
        f"| {name} | {peer.removeprefix('chap_').replace('_', ' ')} | {_cell(at)} | {at['log_wis_ratio']:.3f} |"
        for name, pair in sorted(pairs.items())
        for peer, at in sorted(pair["peers"].items())
        if peer.startswith("chap_")
    ]
    if not rows:
        return []
    return [
        "Against the built-in baselines of CHAP (chap-core 1.0.17, in a Python 3.13 of its own; its other models run "
        "in Docker and were not run), trained anew each month:",
        "",
        "| pair | CHAP's | WIS over it | log scale |",
        "|---|---|---|---|",
        *rows,
        "",
    ]


def _cell(at: dict[str, Any] | None) -> str:
    if at is None:
        return "-"
    part = "" if at["answered"] > 0.9995 else f", {at['answered']:.0%} answered"
    return f"{at['wis_ratio']:.3f} [{at['bounds'][0]:.2f}, {at['bounds'][1]:.2f}]{part}"
