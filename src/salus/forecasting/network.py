"""A small neural network that answers all quantiles of a change at once, in NumPy.

Two hidden layers, the quantile (pinball) loss, Adam with a falling rate, random units left out and weights drawn to
zero so that it does not learn the noise. On the features of pooled surveillance series it errs in other weeks than
trees do, and extrapolates where they can't; it needs no deep-learning stack.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm

Floats = NDArray[np.float64]
Table = NDArray[np.float32]
HIDDEN = (128, 64)
EPOCHS = 8
BATCH = 512
FEWEST_STEPS = 600
"""Steps that are gone even when rows are few: passes are added until there are as many."""
RATE, DECAY, LEFT_OUT = 2e-3, 3e-3, 0.15
"""Greatest rate of learning, pull of the weights to zero, share of units left out in a step."""
WIDEST = 4.0
"""Standard deviations at which a feature is cut off."""
SMOOTH = 0.05
"""Error, in spreads of the change, under which the loss is rounded off."""
_LEAK = np.float32(0.01)


@dataclass
class QuantileNetwork:
    """Quantiles of a change from features.

    Parameters
    ----------
    levels : numpy.ndarray, shape (levels,)
        Quantile levels, ascending.
    seed : int
        Of first weights, order and units left out; the same seed gives the same network on one machine.
    epochs : int
        Passes over the rows.

    Examples
    --------
    >>> import numpy as np
    >>> x = np.linspace(-1, 1, 4000, dtype=np.float32)[:, None]
    >>> network = QuantileNetwork(np.array([0.25, 0.5, 0.75]), seed=1)
    >>> network.fit(x, 2.0 * x[:, 0].astype(float), np.ones(4000))
    >>> bool(abs(network.predict(x[[3000]])[0, 1] - 2 * x[3000, 0]) < 0.1)
    True
    """

    levels: Floats
    seed: int = 1
    epochs: int = EPOCHS
    _weights: list[Table] = field(default_factory=list, repr=False)
    _middle: Table = field(default_factory=lambda: np.empty(0, np.float32), repr=False)
    _spread: Table = field(default_factory=lambda: np.empty(0, np.float32), repr=False)
    _scale: float = 1.0

    def fit(self, table: Table, change: Floats, weight: Floats) -> None:
        """Learn.

        Parameters
        ----------
        table : numpy.ndarray, shape (rows, features)
            Features; NaN where unknown, each known in at least one row.
        change : numpy.ndarray, shape (rows,)
            What followed.
        weight : numpy.ndarray, shape (rows,)
            Weight of each row, positive.
        """
        chance = np.random.default_rng(self.seed)
        self._middle = np.nanmedian(table, axis=0)
        spread = np.nanstd(table, axis=0)
        self._spread = np.where(spread > 1e-6, spread, np.float32(1))
        x = self._standard(table)
        self._scale = float(np.sqrt(np.average(change**2, weights=weight)))
        scale = self._scale or 1.0  # where nothing ever changed, nothing is foretold to
        y, w = (change / scale).astype(np.float32), (weight / weight.mean()).astype(np.float32)
        self._weights = self._first(x.shape[1], chance)
        batch = max(1, min(BATCH, y.size // 4))
        a_pass = y.size // batch
        epochs = max(self.epochs, -(-FEWEST_STEPS // a_pass))
        mean = [np.zeros_like(p) for p in self._weights]
        square = [np.zeros_like(p) for p in self._weights]
        step = 0
        for _ in range(epochs):
            order = chance.permutation(y.size)
            for k in range(a_pass):
                rows = order[k * batch : (k + 1) * batch]
                slopes = self._slopes(x[rows], y[rows], w[rows], chance)
                step += 1
                rate = RATE * (0.5 + 0.5 * np.cos(np.pi * step / (epochs * a_pass))) + 1e-6
                for p, m, s, slope in zip(self._weights, mean, square, slopes, strict=True):
                    m += 0.1 * (slope - m)
                    s += 0.001 * (slope**2 - s)
                    move = m / (1 - 0.9**step) / (np.sqrt(s / (1 - 0.999**step)) + 1e-8)
                    p -= np.float32(rate) * (move + np.float32(DECAY) * p if p.ndim == 2 else move)

    def predict(self, table: Table) -> Floats:
        """Quantiles of the change.

        Parameters
        ----------
        table : numpy.ndarray, shape (rows, features)
            Features; NaN where unknown.

        Returns
        -------
        numpy.ndarray, shape (rows, levels)
            Ascending along the last axis.
        """
        layer = self._standard(table).astype(float)  # in 64 bits a row's answer doesn't depend on its neighbours
        for weight, offset in zip(self._weights[:-2:2], self._weights[1:-2:2], strict=True):
            layer = layer @ weight + offset
            layer = np.where(layer > 0, layer, _LEAK * layer)
        return np.sort((layer @ self._weights[-2] + self._weights[-1]) * self._scale, axis=-1)

    def state(self) -> dict[str, Any]:
        """What was learned, exact to the bit.

        Returns
        -------
        dict
            Of texts and numbers: arrays as their shape and their 32-bit numbers (little-endian, base64).
        """
        arrays = {"middle": self._middle, "spread": self._spread}
        return {
            "weights": [_packed(w) for w in self._weights],
            **{name: _packed(array) for name, array in arrays.items()},
            "scale": self._scale,
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Take up what was learned before.

        Parameters
        ----------
        state : dict
            From :meth:`state`.
        """
        self._weights = [_unpacked(w) for w in state["weights"]]
        self._middle, self._spread = _unpacked(state["middle"]), _unpacked(state["spread"])
        self._scale = float(state["scale"])

    def _standard(self, table: Table) -> Table:
        """Features in standard deviations from their median; unknown ones at it."""
        scaled = np.clip((table - self._middle) / self._spread, -WIDEST, WIDEST)
        return np.nan_to_num(scaled, nan=0.0).astype(np.float32)

    def _first(self, features: int, chance: np.random.Generator) -> list[Table]:
        """First weights and offsets of each layer; the last begins near the quantiles of a normal distribution."""
        sizes = [features, *HIDDEN, self.levels.size]
        found: list[Table] = []
        for before, after in pairwise(sizes):
            drawn = chance.standard_normal((before, after)) * np.sqrt(2 / before)
            found += [drawn.astype(np.float32), np.zeros(after, np.float32)]
        found[-2] *= np.float32(0.1)
        found[-1][:] = norm.ppf(self.levels) * 0.7
        return found

    def _slopes(self, x: Table, y: Table, w: Table, chance: np.random.Generator) -> list[Table]:
        """Slope of the loss in each weight, by back-propagation through one batch."""
        layers, gates = [x], []
        for weight, offset in zip(self._weights[:-2:2], self._weights[1:-2:2], strict=True):
            raw = layers[-1] @ weight + offset
            gate = np.where(raw > 0, np.float32(1), _LEAK)
            gate *= (chance.random(raw.shape, dtype=np.float32) > LEFT_OUT) * np.float32(1 / (1 - LEFT_OUT))
            layers.append(raw * gate)
            gates.append(gate)
        error = y[:, None] - (layers[-1] @ self._weights[-2] + self._weights[-1])
        tau = self.levels.astype(np.float32)
        slope = np.where(error > 0, -tau, 1 - tau) * np.minimum(np.abs(error) / np.float32(SMOOTH), 1)
        slope *= w[:, None] / np.float32(y.size)
        found = [slope.sum(axis=0), layers[-1].T @ slope]
        back = slope @ self._weights[-2].T
        for number in range(len(gates) - 1, -1, -1):
            back = back * gates[number]
            found += [back.sum(axis=0), layers[number].T @ back]
            if number:
                back = back @ self._weights[2 * number].T
        return found[::-1]


def _packed(array: Table) -> dict[str, Any]:
    array = np.asarray(array, dtype="<f4")
    return {"shape": list(array.shape), "float32": base64.b64encode(array.tobytes()).decode("ascii")}


def _unpacked(kept: dict[str, Any]) -> Table:
    flat = np.frombuffer(base64.b64decode(kept["float32"], validate=True), dtype="<f4")
    return flat.reshape(kept["shape"]).astype(np.float32)
