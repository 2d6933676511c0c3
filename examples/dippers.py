"""Search a catalog for dippers, stars that fade in episodes, by a filter of one's own.

::

    python examples/dippers.py                          # a small survey is made, threads
    python examples/dippers.py --engine processes       # or dask, spark
    python examples/dippers.py --catalog ZTF --engine spark --workers 64

The catalog has light curves in magnitudes with errors. The filter follows Stetzler et al. (2022,
AJ 164, 68), who searched 1.4e9 light curves of ZTF for stars like Boyajian's: in each band the
longest run of points well below the star's normal brightness. It is plain loops, compiled by
Numba, and `map_lightcurves` calls it for each light curve. What the paper leaves open is chosen
here and said where it is; its cut on the difference of the bands is left out.
"""

from __future__ import annotations

import argparse
import tempfile
import time as clock
from pathlib import Path

import numba
import numpy as np
import pyarrow as pa

import skyseries as sky
from skyseries.formats import write_table

MIN_PULL = 3.0  # in standard deviations: from here on a point is faint
MIN_RUN = 3  # successive faint points
MIN_POINTS = 20  # of a band
MIN_NIGHTS = 5  # outside of the dip, or nothing tells the normal brightness (our choice)
MIN_SIGNIFICANCE = 5.0
MIN_PAD = 5.0  # days before and after a dip that do not count as normal either
REPEAT = 1e-5  # days: the same exposure twice
FAINT = 20.0  # mag: near ZTF's limit

NAMES = (
    "significance", "start", "end", "depth", "points", "nights", "band",
    "asymmetry", "asymmetry_significance", "rms_ratio", "faint_fraction",
)  # fmt: skip

NONE = (0.0, 0.0, 0.0, 0.0, 0, 0, 0.0, 0.0, 0.0, 0.0)
"""The numbers of no dip: those of `NAMES` without the band."""

CUTS = (
    "significance > 5 AND nights >= 5 AND rms_ratio >= 3 AND faint_fraction < 0.1 "
    "AND asymmetry_significance > 2"
)
"""Of the list of candidates."""

# --- the filter ---------------------------------------------------------------------------------

compiled = numba.njit(nogil=True, error_model="numpy")  # nogil: threads run side by side


@compiled
def median_and_mad(values):
    """Return the median of values in ascending order, and their median distance from it.

    The distances ascend to both sides of the median: no second sorting is needed.
    """
    n = values.size
    middle = (values[(n - 1) // 2] + values[n // 2]) / 2
    left, right = (n - 1) // 2, (n - 1) // 2 + 1
    before = last = 0.0
    for _ in range(n // 2 + 1):
        before = last
        if left >= 0 and (right >= n or middle - values[left] <= values[right] - middle):
            last = middle - values[left]
            left -= 1
        else:
            last = values[right] - middle
            right += 1
    return middle, last if n % 2 else (before + last) / 2


@compiled
def biweight(values):
    """Return the biweight location and scale (Beers, Flynn & Gebhardt 1990, eq. 5 and 9).

    The values are in ascending order.
    """
    middle, spread = median_and_mad(values)
    if spread == 0:
        return middle, 0.0
    by_location, by_scale = 1 / (6 * spread), 1 / (9 * spread)
    above = below = upper = lower = 0.0
    for value in values:
        d = value - middle
        u = (d * by_location) ** 2
        if u < 1:
            above += d * (1 - u) ** 2
            below += (1 - u) ** 2
        v = (d * by_scale) ** 2
        if v < 1:
            upper += d * d * (1 - v) ** 4
            lower += (1 - v) * (1 - 5 * v)
    return middle + above / below, np.sqrt(values.size * upper) / abs(lower)


@compiled
def cleaned(time, mag, err, band, first):
    """Return the good points in the band of point `first`, in the order of time.

    Repeats, points without a finite value and such without a positive error are left out.
    """
    t, m, e = np.empty(time.size), np.empty(time.size), np.empty(time.size)
    n = 0
    for i in range(first, time.size):
        if band[i] != band[first] or not (0 < err[i] < np.inf):
            continue
        if not (np.isfinite(time[i]) and np.isfinite(mag[i])):
            continue
        k = n  # its place in the order of time, in which most catalogs have them already
        while k > 0 and t[k - 1] > time[i]:
            t[k], m[k], e[k] = t[k - 1], m[k - 1], e[k - 1]
            k -= 1
        t[k], m[k], e[k] = time[i], mag[i], err[i]
        n += 1
    kept = 0
    for i in range(n):
        if kept == 0 or t[i] - t[kept - 1] >= REPEAT:
            t[kept], m[kept], e[kept] = t[i], m[i], e[i]
            kept += 1
    return t[:kept], m[:kept], e[:kept]


@compiled
def reference(time, mag, start, end):
    """Return location, scale and number of nights outside of a window.

    Only the first point of each night counts: a field that was visited a hundred times in one
    night does not outvote the others. A night is a whole number of days.
    """
    first = np.empty(time.size)
    n = 0
    night = np.nan
    for i in range(time.size):
        if start <= time[i] <= end or np.floor(time[i]) == night:
            continue
        night = np.floor(time[i])
        k = n  # sorted by insertion, which is fast for a hundred values
        while k > 0 and first[k - 1] > mag[i]:
            first[k] = first[k - 1]
            k -= 1
        first[k] = mag[i]
        n += 1
    if n < MIN_NIGHTS:
        return np.nan, np.nan, n
    location, scale = biweight(first[:n])
    return location, scale, n


@compiled
def longest_run(mag, err, location, scale):
    """Return first and last + 1 of the longest run of faint points; the first of equal ones."""
    begin = end = here = 0
    for i in range(mag.size):
        below = mag[i] - location
        if below > 0 and below**2 > MIN_PULL**2 * (err[i] ** 2 + scale**2):  # without a root
            if i + 1 - here > end - begin:
                begin, end = here, i + 1
        else:
            here = i + 1
    return begin, end


@compiled
def window(time, begin, end):
    """Return the times of a run, padded by its length on both sides."""
    pad = max(MIN_PAD, time[end - 1] - time[begin])
    return time[begin] - pad, time[end - 1] + pad


@compiled
def find_dip(time, mag, err):
    """Return first, last + 1, significance, location and scale of the dip of one clean band.

    The reference is found twice: with all points, and then without the dip and its surroundings.
    Without a dip the significance is 0.
    """
    start, end = np.inf, -np.inf
    begin = stop = 0
    location = scale = np.nan
    for _ in range(2):
        location, scale, nights = reference(time, mag, start, end)
        if nights < MIN_NIGHTS:
            return 0, 0, 0.0, location, scale
        begin, stop = longest_run(mag, err, location, scale)
        if stop - begin < MIN_RUN:
            return 0, 0, 0.0, location, scale
        start, end = window(time, begin, stop)
    total = 0.0
    for i in range(begin, stop):
        total += (mag[i] - location) ** 2 / (err[i] ** 2 + scale**2)
    return begin, stop, np.sqrt(total), location, scale


@compiled
def area(time, mag, err, location, scale, begin, end):
    """Return the area below the reference from a point to a later one, and its variance."""
    total = variance = 0.0
    for i in range(begin, end + 1):
        before = time[i] - time[i - 1] if i > begin else 0.0
        after = time[i + 1] - time[i] if i < end else 0.0
        total += (before + after) / 2 * (mag[i] - location)
        variance += ((before + after) / 2) ** 2 * (err[i] ** 2 + scale**2)
    return total, variance


@compiled
def asymmetry(time, mag, err, location, scale, begin, end, depth):
    """Return (right - left) / (right + left) of a dip, and the significance of the difference.

    Left and right are the areas before and after the points deeper than 0.9 of the deepest, to
    the ends of the window of the dip.
    """
    deep = 0.9 * depth
    first = last = -1
    for i in range(begin, end):
        if mag[i] - location >= deep:
            first = i if first < 0 else first
            last = i
    start, stop = window(time, begin, end)
    low, high = begin, end - 1
    while low > 0 and time[low - 1] >= start:
        low -= 1
    while high < time.size - 1 and time[high + 1] <= stop:
        high += 1
    left, left_variance = area(time, mag, err, location, scale, low, first)
    right, right_variance = area(time, mag, err, location, scale, last, high)
    noise = np.sqrt(left_variance + right_variance)
    if noise == 0 or left + right <= 0:
        return 0.0, 0.0
    return (right - left) / (right + left), abs(right - left) / noise


@compiled
def describe(time, mag, err):
    """Return the numbers of the dip of one clean band, of which the first is its significance."""
    begin, end, significance, location, scale = find_dip(time, mag, err)
    if not significance >= MIN_SIGNIFICANCE:
        return NONE
    nights = 1
    depth = mag[begin] - location
    for i in range(begin + 1, end):
        nights += np.floor(time[i]) > np.floor(time[i - 1])
        depth = max(depth, mag[i] - location)
    start, stop = window(time, begin, end)
    inside = outside = 0.0
    n_outside = n_faint = 0
    for i in range(time.size):
        square = (mag[i] - location) ** 2
        n_faint += mag[i] > FAINT
        if begin <= i < end:
            inside += square
        elif not start <= time[i] <= stop:
            outside += square
            n_outside += 1
    ratio = np.sqrt(inside / (end - begin) / (outside / n_outside))
    skew, skew_significance = asymmetry(time, mag, err, location, scale, begin, end, depth)
    return (
        significance, time[begin], time[end - 1], depth, end - begin, nights,
        skew, skew_significance, ratio, n_faint / time.size,
    )  # fmt: skip


@compiled
def best_dip(time, mag, err, band):
    """Return the numbers of the dip of a light curve, and the first point of its band.

    Of several bands the one counts whose dip is asymmetric with the highest significance. The
    point is -1 if there is no dip.
    """
    best, at = NONE, -1
    for i in range(time.size):
        if seen(band, i):
            continue
        t, m, e = cleaned(time, mag, err, band, i)
        if t.size < MIN_POINTS:
            continue
        found = describe(t, m, e)
        if found[0] > 0 and (at < 0 or found[7] > best[7]):
            best, at = found, i
    return best, at


@compiled
def seen(band, i):
    """Whether the band of a point is that of an earlier one."""
    for k in range(i - 1, -1, -1):  # noqa: SIM110 - Numba; backwards: it is most often the last
        if band[k] == band[i]:
            return True
    return False


@compiled
def dip(time, mag, err, band):
    """Return the values of `NAMES` for a light curve; None if it has no dip."""
    best, at = best_dip(time, mag, err, band)
    if at < 0:
        return None
    return (*best[:6], band[at], *best[6:])


def episodes(time, mag, err):
    """Return all dips of a light curve of one band, (start, end, significance, depth) of each.

    The filter itself wants the longest only: here it is asked again without the points of those
    that are known, until there is none.
    """
    found = []
    t, m, e = cleaned(time, mag, err, np.zeros(len(time), np.int64), 0)
    while True:
        begin, end, significance, location, _ = find_dip(t, m, e)
        if not significance >= MIN_SIGNIFICANCE:
            return sorted(found)
        depth = m[begin:end].max() - location
        found.append((t[begin], t[end - 1], significance, depth))
        t, m, e = (np.delete(values, np.s_[begin:end]) for values in (t, m, e))


# --- a survey -----------------------------------------------------------------------------------


def make_lightcurves(n, n_dippers, points=100, seed=7):
    """Return light curves like those of ZTF, (n, points) each, and where the dips begin.

    Half of each year the stars are behind the Sun. The first `n_dippers` fade within a month and
    recover within four; some of the others have single wrong points or are noisier than their
    errors say. Flagged points are wrong, and some have no error.
    """
    rng = np.random.default_rng(seed)
    shape = (n, points)
    nights = rng.integers(0, 180, shape) + 365 * rng.integers(0, 4, shape)
    time = np.sort(58200 + nights + rng.uniform(0.15, 0.5, shape), axis=1)
    band = rng.choice(np.array([1, 2, 3], np.int8), shape, p=[0.42, 0.5, 0.08])
    mean = rng.uniform(14, 19.5, (n, 1)) + np.array([0, 0.5, 0.2, 0.1])[band]
    err = 0.012 + 0.1 * 10 ** (0.5 * (mean - 20.5))
    extra = rng.choice([0, 0.02], (n, 1), p=[0.8, 0.2])
    mag = mean + rng.normal(0, np.hypot(err, extra))
    start = np.full(n, np.nan)
    start[:n_dippers] = 58200 + 365 * rng.integers(0, 4, n_dippers) + rng.uniform(0, 40, n_dippers)
    since = time - start[:, None]
    shape_of_dip = np.interp(since, [0, 25, 35, 140], [0, 1, 1, 0])
    mag += np.where(np.isfinite(since), rng.uniform(0.4, 1.5, (n, 1)) * shape_of_dip, 0)
    mag[rng.random(shape) < 0.002] += 2
    flags = np.where(rng.random(shape) < 0.01, 32768, 0).astype(np.int32)
    mag[flags != 0] = rng.uniform(10, 23, np.count_nonzero(flags))
    err[rng.random(shape) < 0.002] = 0
    fields = {"mjd": time, "mag": mag.astype(np.float32), "magerr": err.astype(np.float32),
              "fid": band, "catflags": flags}  # fmt: skip
    return fields, start


def make_survey(folder, n=5000, n_dippers=25, points=100):
    """Write such a survey as a catalog; return its path. The first stars are the dippers."""
    fields, _ = make_lightcurves(n, n_dippers, points)
    rng = np.random.default_rng(8)
    id = np.arange(n)
    objects = {"id": id, "ra": rng.uniform(40, 60, n), "dec": rng.uniform(-10, 10, n)}
    sources = {"id": np.repeat(id, points)} | {name: v.ravel() for name, v in fields.items()}
    write_table(pa.table(objects), folder / "objects.parquet")
    write_table(pa.table(sources), folder / "sources.parquet")
    sky.import_catalog(
        folder / "objects.parquet", folder / "survey", id="id",
        lightcurves=folder / "sources.parquet", overwrite=True, progress=False,
    )  # fmt: skip
    return folder / "survey"


# --- the search ---------------------------------------------------------------------------------


def search(catalog):
    """Return the stars of a catalog that have a dip, with the numbers of `NAMES`."""
    fields = catalog.lightcurve_fields()
    if fields.flag:  # flagged points are taken out where the light curves are read
        catalog = catalog.query(f"lightcurve.{fields.flag} = 0")
    dips = catalog.map_lightcurves(dip, schema=types_of_columns(catalog))
    return dips.query("significance IS NOT NULL")


def types_of_columns(catalog):
    """Return the types of `NAMES`; most stars have no dip, so the first rows do not tell."""
    integers = {"points", "nights"}
    types = {name: pa.int64() if name in integers else pa.float64() for name in NAMES}
    nested = catalog.schema.field("lightcurve").type
    band = nested.field(catalog.lightcurve_fields().band).type.value_type
    return types | {"band": band}


def arguments():
    """Read the command line."""
    parser = argparse.ArgumentParser(description="Search light curves for dips.")
    engines = ["serial", "threads", "processes", "dask", "spark"]
    parser.add_argument("--engine", default="threads", choices=engines)
    parser.add_argument("--workers", type=int, help="how many tasks run side by side")
    parser.add_argument("--catalog", help="folder or URL (default: a survey is made)")
    parser.add_argument("--stars", type=int, default=5000, help="of the survey that is made")
    return parser.parse_args()


def main():
    """Search, print the candidates and what all of ZTF would cost."""
    given = arguments()
    path = given.catalog or make_survey(Path(tempfile.mkdtemp(prefix="dippers-")), given.stars)
    catalog = sky.open_catalog(path)
    with sky.executor(given.engine, given.workers) as engine:
        search(catalog).head(1)  # compiles, in this process
        started = clock.perf_counter()
        table = search(catalog).query(CUTS).to_arrow()
        seconds = clock.perf_counter() - started
    n = len(catalog)
    columns = [name for name in table.column_names if name in ("id", *NAMES)]
    print(" ".join(f"{name[:12]:>12}" for name in columns))
    for row in table.sort_by([("significance", "descending")]).to_pylist():
        print(" ".join(f"{row[name]:12.5g}" for name in columns))
    rate = n / seconds / engine.workers
    print(f"{table.num_rows} candidates in {n:,} light curves")
    hours = 2e9 / rate / 3600
    print(f"{rate:,.0f} light curves per second and worker: {hours:,.0f} core-hours for 2e9")


if __name__ == "__main__":
    main()
