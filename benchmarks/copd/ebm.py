"""The explainable boosting machine of `interpret-core`, in a Python of its own: `ebm.py IN.parquet OUT.parquet`."""

from __future__ import annotations

import sys

import numpy as np
import polars as pl
from interpret.glassbox import ExplainableBoostingClassifier


def main() -> None:
    """Score each cycle by a machine that was trained on the others, without and with peak flow."""
    table = pl.read_parquet(sys.argv[1])
    y, w = table["y"].fill_null(float("nan")).to_numpy(), table["wt_mec_6yr"].to_numpy()
    found = {}
    for tier, left in (("A", ["pef_lps"]), ("B", [])):
        x = table.drop("y", "wt_mec_6yr", "cycle", *left).to_numpy()
        p = np.empty(len(y))
        for cycle in sorted(table["cycle"].unique()):
            test = (table["cycle"] == cycle).to_numpy()
            rows = ~test & ~np.isnan(y)
            machine = ExplainableBoostingClassifier(interactions=5, random_state=1, n_jobs=1, outer_bags=8)
            machine.fit(x[rows], y[rows].astype(int), sample_weight=w[rows] / w[rows].mean())
            p[test] = machine.predict_proba(x[test])[:, 1]
        found[tier] = np.clip(p, 1e-6, 1 - 1e-6)
    pl.DataFrame(found).write_parquet(sys.argv[2])


if __name__ == "__main__":
    main()
