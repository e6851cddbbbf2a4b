"""Noise for counts (OpenDP's discrete Laplace), and whole counts that add up made of noisy ones.

Every place of every level gets noise of its own; the levels share epsilon equally. What is released is then made of the
noisy counts alone, which costs nothing: first the sums that fit them best by least squares (two passes over the tree:
Hay, Rastogi, Miklau and Suciu, Proceedings of the VLDB Endowment 3, 2010, here for parts of any number and depth), then
from the top down the nearest counts that are not negative, and whole numbers by largest remainder.

Discrete Laplace: Ghosh, Roughgarden and Sundararajan, SIAM Journal on Computing 41, 2012; sampled as in Canonne, Kamath
and Steinke, 2020. Both are OpenDP's, with its proof.
"""

from __future__ import annotations

import math

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


def variance(size: float) -> float:
    """Variance of discrete Laplace noise.

    Parameters
    ----------
    size : float
        Its scale.

    Examples
    --------
    >>> round(variance(2.0), 2)
    7.84
    """
    q = math.exp(-1 / size)
    return 2 * q / (1 - q) ** 2


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
    done = np.zeros(flat.size, dtype=np.int64)
    for k in range(0, flat.size, _CHUNK):
        done[k : k + _CHUNK] = noisy(flat[k : k + _CHUNK].tolist())
    return done.reshape(counts.shape)


def consistent(places: Tree, noisy: np.ndarray, size: np.ndarray | None = None) -> np.ndarray:
    """Whole counts, none negative, that add up.

    Parameters
    ----------
    places : Tree
        The places.
    noisy : numpy.ndarray of int or float, shape (T, N)
        Noisy counts.
    size : numpy.ndarray of float, shape (N,), optional
        Variance of the noise of each place, up to a factor; without it that of all is the same.

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
    best, left = fitted(places, noisy, size)
    done = np.zeros(noisy.shape, dtype=np.int64)
    for place in range(places.size):
        if places.parent[place] < 0:
            done[:, place] = np.rint(np.maximum(best[:, place], 0.0)).astype(np.int64)
        parts = list(places.children[place])
        if parts:
            share = left[parts] / left[parts].sum()
            gap = done[:, [place]] - best[:, parts].sum(axis=1, keepdims=True)
            done[:, parts] = shared(best[:, parts] + gap * share, done[:, place])
    return done


def fitted(places: Tree, noisy: np.ndarray, size: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
    """What a place and all below it say of it, by least squares.

    Parameters
    ----------
    places : Tree
        The places.
    noisy : numpy.ndarray, shape (T, N) or (T, N, K)
        Noisy counts; of K categories each for itself.
    size : numpy.ndarray of float, shape (N,), optional
        As for :func:`consistent`.

    Returns
    -------
    best : numpy.ndarray of float, same shape
        Parts don't add up yet.
    left : numpy.ndarray of float, shape (N,)
        Variance of each, in units of `size`.
    """
    alone = np.ones(places.size) if size is None else size
    best, left = noisy.astype(float), alone.copy()
    for place in reversed(range(places.size)):
        parts = list(places.children[place])
        if parts:
            below = left[parts].sum()
            own = below / (below + alone[place])
            best[:, place] = own * best[:, place] + (1 - own) * best[:, parts].sum(axis=1)
            left[place] = own * alone[place]
    return best, left


def nearest(wanted: np.ndarray, total: np.ndarray) -> np.ndarray:
    """The numbers, none negative, that sum up to a total and are nearest to what is wanted.

    Parameters
    ----------
    wanted : numpy.ndarray of float, shape (T, K)
        What is wanted.
    total : numpy.ndarray, shape (T,)
        Sums, none negative.

    Returns
    -------
    numpy.ndarray of float, shape (T, K)

    Examples
    --------
    >>> nearest(np.array([[5.0, 2.0, -4.0]]), np.array([5])).tolist()
    [[4.0, 1.0, 0.0]]
    """
    order = -np.sort(-wanted, axis=1)
    excess = np.cumsum(order, axis=1) - total[:, None]
    number = np.arange(1, wanted.shape[1] + 1)
    last = (order - excess / number > 0).sum(axis=1).clip(1) - 1
    level = excess[np.arange(len(wanted)), last] / number[last]
    return np.maximum(wanted - level[:, None], 0.0)


def shared(wanted: np.ndarray, total: np.ndarray) -> np.ndarray:
    """As :func:`nearest`, in whole numbers by largest remainder.

    Parameters
    ----------
    wanted : numpy.ndarray of float, shape (T, K)
        What is wanted.
    total : numpy.ndarray of int, shape (T,)
        Sums, none negative.

    Returns
    -------
    numpy.ndarray of int64, shape (T, K)

    Examples
    --------
    >>> shared(np.array([[1.2, 0.7, 0.6]]), np.array([3])).tolist()
    [[1, 1, 1]]
    """
    near = nearest(wanted, total)
    whole = np.floor(near + 1e-9).astype(np.int64)
    missing = total - whole.sum(axis=1)
    rank = np.argsort(np.argsort(-(near - whole), axis=1, kind="stable"), axis=1, kind="stable")
    return whole + (rank < missing[:, None])


def _mechanism(size: float) -> dp.Measurement:
    dp.enable_features("contrib")
    return dp.m.make_laplace(dp.vector_domain(dp.atom_domain(T="i64")), dp.l1_distance(T="i64"), scale=size)
