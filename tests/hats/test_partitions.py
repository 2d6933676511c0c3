"""Partitions: the cut against a slow twin, gaps, text."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skyseries.errors import CatalogError
from skyseries.hats.partitions import Cell, Partitions, cut
from skyseries.spatial.healpix import HPX_ORDER, cells_in_range


def slow_cut(loads, order, limit=1.0):
    """Cut from the top, cell by cell."""
    cells = []

    def inside(k, p):
        return {c: w for c, w in loads.items() if c >> 2 * (order - k) == p}

    def visit(k, p):
        rows = inside(k, p)
        if not rows:
            return
        if k == order:
            cells.append(Cell(k, p))
        elif sum(rows.values()) <= limit:
            while k < order and len(occupied := {c >> 2 * (order - k - 1) for c in rows}) == 1:
                k, p = k + 1, occupied.pop()
            cells.append(Cell(k, p))
        else:
            for child in range(4):
                visit(k + 1, 4 * p + child)

    for base in range(12):
        visit(0, base)
    return cells


@given(st.dictionaries(st.integers(0, 12 * 4**3 - 1), st.integers(1, 40), max_size=40))
def test_cut_is_the_slow_cut(counts):
    cells = np.array(sorted(counts), np.int64)
    load = np.array([counts[c] for c in cells.tolist()]) / 64  # exact sums
    partitions, too_heavy = cut(cells, load, order=3)
    assert list(partitions) == slow_cut(dict(zip(cells.tolist(), load.tolist(), strict=True)), 3)
    assert not len(too_heavy)


def test_cut_names_cells_that_are_too_heavy_by_themselves():
    partitions, too_heavy = cut(np.array([5, 6]), np.array([0.5, 1.5]), order=2)
    assert list(partitions) == [Cell(2, 5), Cell(2, 6)]
    assert too_heavy.tolist() == [6]


def test_cut_keeps_each_limit():
    load = np.array([[0.2, 0.9], [0.2, 0.9]])
    partitions, _ = cut(np.array([0, 1]), load, order=1)
    assert list(partitions) == [Cell(1, 0), Cell(1, 1)]


def test_cut_of_nothing():
    partitions, too_heavy = cut(np.empty(0, np.int64), np.empty(0), order=5)
    assert len(partitions) == len(too_heavy) == 0


@given(st.lists(st.integers(0, 12 * 4**2 - 1), unique=True, max_size=30))
def test_gaps_and_partitions_fill_the_sky(npix):
    partitions = Partitions.of([Cell(2, p) for p in npix])
    both = Partitions.of([*partitions, *partitions.gaps()])
    start, stop = both.ranges()
    assert start[0] == 0
    assert stop[-1] == 12 << 2 * HPX_ORDER
    assert np.array_equal(start[1:], stop[:-1])


def test_find():
    partitions = Partitions.of([Cell(1, 3), Cell(0, 5)])
    a, b = Cell(1, 3).range()
    hpx = np.array([a - 1, a, b - 1, b, Cell(0, 5).range()[0], -1])
    assert partitions.find(hpx).tolist() == [-1, 0, 0, -1, 1, -1]
    assert Partitions.of([]).find(hpx).tolist() == [-1] * 6


def test_overlap_is_refused():
    with pytest.raises(CatalogError, match="Norder=1/Npix=4 and Norder=0/Npix=1 overlap"):
        Partitions.of([Cell(1, 4), Cell(0, 1)])


def test_csv_round_trip_and_faults():
    partitions = Partitions.of([Cell(1, 3), Cell(0, 5)])
    assert list(Partitions.from_csv(partitions.to_csv())) == list(partitions)
    assert list(Partitions.from_csv("Npix,Dir,Norder\n7,0,2\n")) == [Cell(2, 7)]
    with pytest.raises(CatalogError, match="expected columns"):
        Partitions.from_csv("a,b\n1,2\n")
    with pytest.raises(CatalogError, match="x"):
        Partitions.from_csv("Norder,Npix\n1,x\n")


TEXTS = [
    "Norder,Npix\n1,3\n2,60\n", "Norder,Npix", "Npix,Norder\n3,1\n", "Norder,Npix\r\n1,3\r\n2,60",
    "Dir,Norder,Npix,x\n0,1,2,7\n0,1,3,8\n", "  Norder , Npix\n1, 3\n 2,60 \n",
    "Norder,Npix\n1,3\n\n2,60\n", "x,Norder,Npix\n,1,3\nab,2,60\n", "Norder,Npix\n+1,3\n2,6_0\n",
    "Norder,Npix\n1,3,9\n2,60\n", "Norder,Npix\n29,3458764513820540927\n",
]  # fmt: skip


@pytest.mark.parametrize("text", TEXTS)
def test_text_that_is_read(text):
    header, *lines = (line.split(",") for line in text.split("\n") if line.strip())
    names = [name.strip() for name in header]
    expected = [[int(line[names.index(k)]) for k in ("Norder", "Npix")] for line in lines]
    assert list(Partitions.from_csv(text)) == [Cell(*pair) for pair in expected]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "expected columns"), ("a,b\n1,2\n", "found 'a,b'"), ("Norder,Npix\n1,x\n", "'x'"),
        ("Norder,Npix\n1\n", "out of range"), ("Norder,Npix\n1,2,3\n4\n", "out of range"),
        ("Norder,Npix\n1,\n", "invalid literal"), ("Norder,Npix\n1,9999999999999999999\n", "large"),
        ("Norder,Npix\n1,3\n1,3\n", "overlap"), ("Norder,Npix\n1 3\n", "invalid literal"),
    ],
)  # fmt: skip
def test_text_that_is_not_read(text, said):
    with pytest.raises(CatalogError, match=said):
        Partitions.from_csv(text, "there")


@given(st.lists(st.integers(0, 12 * 4**3 - 1), unique=True, max_size=60), st.booleans())
def test_text_there_and_back(npix, mixed):
    cells = sorted(
        {Cell(3 - (p % 2 if mixed else 0), p >> 2 * (p % 2 if mixed else 0)) for p in npix}
    )
    kept = [c for c in cells if c.order == 2 or Cell(2, c.npix >> 2) not in cells]
    partitions = Partitions.of(kept)
    again = Partitions.from_csv(partitions.to_csv())
    assert list(again) == list(partitions)
    assert set(again) == set(kept)


@given(st.lists(st.tuples(st.integers(0, 29), st.integers(0, 2**62)), max_size=12))
def test_gaps_are_the_largest_cells(pairs):
    kept: list[Cell] = []
    for order, seed in sorted(pairs):
        cell = Cell(order, seed % (12 << 2 * order))
        if all(cell.range()[0] >= k.range()[1] or cell.range()[1] <= k.range()[0] for k in kept):
            kept.append(cell)
    partitions = Partitions.of(kept)
    start, stop = partitions.ranges()
    expected = []
    for a, b in zip([0, *stop.tolist()], [*start.tolist(), 12 << 58], strict=True):
        expected += [Cell(*cell) for cell in cells_in_range(a, b)]
    assert list(partitions.gaps()) == expected
