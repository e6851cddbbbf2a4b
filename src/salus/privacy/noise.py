"""Noise for counts (OpenDP's discrete Laplace), and whole counts that add up made of noisy ones.

Every place of every level gets noise of its own; the levels share epsilon equally. What is released is then made of the
noisy counts alone, which costs nothing: first the sums that fit them best by least squares (two passes over the tree:
Hay, Rastogi, Miklau and Suciu, Proceedings of the VLDB Endowment 3, 2010, here for parts of any number and depth), then
from the top down the nearest counts that are not negative, and whole numbers by largest remainder.

Discrete Laplace: Ghosh, Roughgarden and Sundararajan, SIAM Journal on Computing 41, 2012; sampled as in Canonne, Kamath
and Steinke, 2020. Both are OpenDP's, with its proof.
"""

from __future__ import annotations

import numpy as np
import opendp.prelude as dp

from salus.privacy.tree import Tree

_CHUNK = 100_000


def depth(places: Tree) -> list[int]:
    """Level of each place, from 0 for those in no other.

    Parameters
    ----------
    places : Tree
        The places.

    Examples
    --------
    >>> from salus.privacy.tree import tree
    >>> depth(tree([-1, 0, 0, 1]))
    [0, 1, 1, 2]
    """
    found: list[int] = []
    for parent in places.parent:
        found.append(found[parent] + 1 if parent >= 0 else 0)
    return found


def scale(epsilon: float, bound: int) -> float:
    """Scale of the noise with which somebody who is in `bound` counts loses at most `epsilon`.

    Parameters
    ----------
    epsilon : float
        Privacy loss, above 0.
    bound : int
        Counts that one person can be in, each by one.

    Returns
    -------
    float
        The smallest that OpenDP's own accounting accepts; about ``bound / epsilon``.

    Examples
    --------
    >>> round(scale(1.0, 2), 6)
    2.0
    """
    dp.enable_features("contrib")
    return float(dp.binary_search_param(_mechanism, d_in=bound, d_out=epsilon, T=float))


def laplace(counts: np.ndarray, epsilon: float, bound: int) -> np.ndarray:
    """Counts with noise.

    Parameters
    ----------
    counts : numpy.ndarray of int
        Exact counts; one person is in at most `bound` of them.
    epsilon : float
        Privacy loss of one person, over all of them.
    bound : int
        As above.

    Returns
    -------
    numpy.ndarray of int64, same shape
        Negative ones among them.
    """
    noisy = _mechanism(scale(epsilon, bound))
    flat = counts.astype(np.int64).ravel()
    done = [noisy(flat[k : k + _CHUNK].tolist()) for k in range(0, flat.size, _CHUNK)]
    return np.array([v for part in done for v in part], dtype=np.int64).reshape(counts.shape)


def consistent(places: Tree, noisy: np.ndarray) -> np.ndarray:
    """Whole counts, none negative, that add up.

    Parameters
    ----------
    places : Tree
        The places.
    noisy : numpy.ndarray of int, shape (T, N)
        Noisy counts; the noise of all is of the same size.

    Returns
    -------
    numpy.ndarray of int64, shape (T, N)
        What adds up already and is not negative stays as it is.

    Examples
    --------
    >>> from salus.privacy.tree import tree
    >>> consistent(tree([-1, 0, 0]), np.array([[10, 8, -1]]))
    array([[9, 9, 0]])
    """
    best, variance = noisy.astype(float), np.ones(places.size)
    for place in reversed(range(places.size)):  # what a place and all below it say of it
        parts = list(places.children[place])
        if parts:
            below = variance[parts].sum()
            own = below / (below + 1.0)
            best[:, place] = own * best[:, place] + (1 - own) * best[:, parts].sum(axis=1)
            variance[place] = own
    done = np.zeros(noisy.shape, dtype=np.int64)
    for place in range(places.size):
        if places.parent[place] < 0:
            done[:, place] = np.rint(np.maximum(best[:, place], 0.0)).astype(np.int64)
        parts = list(places.children[place])
        if parts:
            share = variance[parts] / variance[parts].sum()
            gap = done[:, [place]] - best[:, parts].sum(axis=1, keepdims=True)
            done[:, parts] = _shared(best[:, parts] + gap * share, done[:, place])
    return done


def _shared(wanted: np.ndarray, total: np.ndarray) -> np.ndarray:
    """The whole numbers, none negative, that sum up to a total and are nearest to what is wanted."""
    order = -np.sort(-wanted, axis=1)
    excess = np.cumsum(order, axis=1) - total[:, None]
    number = np.arange(1, wanted.shape[1] + 1)
    last = (order - excess / number > 0).sum(axis=1).clip(1) - 1
    level = excess[np.arange(len(wanted)), last] / number[last]
    near = np.maximum(wanted - level[:, None], 0.0)
    whole = np.floor(near + 1e-9).astype(np.int64)
    missing = total - whole.sum(axis=1)
    rank = np.argsort(np.argsort(-(near - whole), axis=1, kind="stable"), axis=1, kind="stable")
    return whole + (rank < missing[:, None])


def _mechanism(size: float) -> dp.Measurement:
    dp.enable_features("contrib")
    return dp.m.make_laplace(dp.vector_domain(dp.atom_domain(T="i64")), dp.l1_distance(T="i64"), scale=size)
