"""Positional errors in a cross-match: how probable it is that a pair is one object."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from skyseries import adql
from skyseries.arraytypes import Floats
from skyseries.catalog.plan.expressions import input_table, paths_of
from skyseries.catalog.plan.pairs import Pairs
from skyseries.catalog.plan.rows import Rows

__all__ = ["Weight"]


@dataclass(frozen=True)
class Weight:
    """The likelihood ratio of pairs.

    Parameters
    ----------
    left_error, right_error : Expr
        One-sigma error of a coordinate of each row, arcsec, the same in both directions.
    density : float
        Right objects per square arcsecond.
    prior : float
        Q, the fraction of left objects that have a counterpart on the right side.

    Notes
    -----
    With sigma² = left² + right² and a separation r, the likelihood ratio of a pair is
    LR = Q exp(-r²/2 sigma²) / (2 pi sigma² density), and the probability that of all candidates
    within the radius this one is the counterpart is LR / (sum of LR + 1 - Q): Sutherland &
    Saunders 1992, MNRAS 259, 413, equations 2 and 5. It is the posterior of Budavari & Szalay
    2008, ApJ 679, 301, for small angles.
    """

    left_error: adql.Expr
    right_error: adql.Expr
    density: float
    prior: float

    def left_columns(self) -> list[str]:
        """Return the left columns that are read."""
        return paths_of(self.left_error)

    def right_columns(self) -> list[str]:
        """Return the right columns that are read."""
        return paths_of(self.right_error)

    def ranked(self, pairs: Pairs, left: Rows, right: Rows, n: int | None) -> Pairs:
        """Return the pairs with their probabilities; the n most probable of each left row.

        A row without an error, with one below zero (-999), or with none that is above zero on
        either side, has none.
        """
        if not len(pairs.left):
            return pairs._replace(probability=np.empty(0))
        first = _values(self.left_error, left.take(pairs.left))
        second = _values(self.right_error, right.take(pairs.right))
        variance = first**2 + second**2
        with np.errstate(divide="ignore", invalid="ignore"):
            ratio = np.exp(-(pairs.distance**2) / (2 * variance)) / (2 * np.pi * variance)
        ratio = np.where(variance > 0, ratio * self.prior / self.density, np.nan)
        starts = np.flatnonzero(np.diff(pairs.left, prepend=-1))
        total = np.add.reduceat(np.nan_to_num(ratio), starts)
        lengths = np.diff(starts, append=len(pairs.left))
        probability = ratio / (np.repeat(total, lengths) + 1 - self.prior)
        order = np.lexsort((pairs.distance, -np.nan_to_num(probability, nan=-1), pairs.left))
        return pairs._replace(probability=probability).chosen(order).best(n)


def _values(expression: adql.Expr, rows: Rows) -> Floats:
    outer, table = input_table(expression, rows)
    values = adql.Values([outer])(table)[0].cast(pa.float64())
    found = np.asarray(values.fill_null(np.nan).to_numpy(zero_copy_only=False))
    return np.where(found >= 0, found, np.nan)
