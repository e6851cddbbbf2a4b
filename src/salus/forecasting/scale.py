"""The fourth-root scale on which counts and rates of epidemics have about the same spread at every height."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
POWER = 0.25


def root(values: Floats) -> Floats:
    """Fourth root.

    Parameters
    ----------
    values : numpy.ndarray
        Non-negative values; NaN stays NaN.
    """
    return np.asarray(np.power(values, POWER))


def unroot(values: Floats) -> Floats:
    """Fourth power, of negative values zero.

    Parameters
    ----------
    values : numpy.ndarray
        Values on the fourth-root scale.
    """
    return np.asarray(np.maximum(values, 0.0) ** (1 / POWER))
