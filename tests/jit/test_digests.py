"""What names machine code: all that a kernel is made of, and nothing else."""

import os
from types import ModuleType
from typing import NamedTuple

import numpy as np
import pytest

from skyseries.jit import digests
from skyseries.jit.kernels import Kernel
from skyseries.jit.signatures import key_of, portable

SOURCE = """
import numpy as np
from math import floor
from typing import NamedTuple

class Point(NamedTuple):
    x: float
    y: float

class elsewhere: pass
SCALE = 2.0
TABLE = np.arange(4.0)
PAIR = (1, Point(1.0, 2.0))

@kernel
def helper(x):
    return x + SCALE

@kernel
def main(x):
    '''Say something.'''
    if x < 0:
        return main(-x)
    return helper(x) * floor(x) + np.sqrt(TABLE[1]) + PAIR[1].x + Point(x, x).y + other.DEPTH
"""


def kernel(**options):
    return lambda function: Kernel(function, {"fastmath": False, **options}, is_kept=True)


def name_of(source=SOURCE, **options):
    other = ModuleType("other")
    other.DEPTH = options.pop("depth", 1)
    names = {"kernel": kernel(**options), "other": other, "__name__": "tried"}
    exec(compile(source, "tried.py", "exec"), names)  # noqa: S102 - our own source
    return names["main"].__skyseries_digest__


def test_the_same_source_has_the_same_name():
    assert name_of() == name_of()
    assert name_of("\n\n# moved down" + SOURCE) == name_of()


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("return x + SCALE", "return x - SCALE"),
        ("SCALE = 2.0", "SCALE = 3.0"),
        ("SCALE = 2.0", "SCALE = 2"),
        ("SCALE = 2.0", "SCALE = np.float32(2.0)"),
        ("np.arange(4.0)", "np.arange(5.0)"),
        ("np.arange(4.0)", "np.arange(4)"),
        ("PAIR = (1, Point(1.0", "PAIR = (1, Point(1.5"),
        ("x: float\n    y: float", "y: float\n    x: float"),
        ("from math import floor", "from numpy import floor"),
        ("np.sqrt", "np.cbrt"),
        ("main(-x)", "main(-x - 1)"),
    ],
)
def test_what_changes_the_machine_code_changes_the_name(before, after):
    assert before in SOURCE
    assert name_of(SOURCE.replace(before, after)) != name_of()


def test_options_and_attributes_of_modules_count():
    assert name_of(fastmath=True) != name_of()
    assert name_of(fastmath={"nnan", "contract"}) == name_of(fastmath={"contract", "nnan"})
    assert name_of(depth=2) != name_of()


@pytest.mark.parametrize("value", ["lambda: 1", "[1, 2]", "{1: 2}", "open", "elsewhere()"])
def test_what_can_be_anything_has_no_name(value):
    """A builtin is what it is; a list may be another one at the next call."""
    source = SOURCE.replace("SCALE = 2.0", f"SCALE = {value}")
    if value == "open":
        assert name_of(source) != name_of()
        return
    with pytest.raises(digests.Unknown, match="can be anything"):
        name_of(source)


def test_classes_of_arguments_are_named_with_their_fields():
    def key(fields):
        return portable(key_of([NamedTuple("One", [(f, float) for f in fields])(1.0, 2.0)]))

    assert key("ab") == key("ab")
    assert key("ab") != key("ba")


@pytest.mark.parametrize(
    ("name", "counts"), [("NUMBA_BOUNDSCHECK", True), ("NUMBA_CACHE_DIR", False)]
)
def test_switches_of_numba_count_where_they_change_machine_code(monkeypatch, name, counts):
    from skyseries.jit.native import numba_folder

    stamp = digests.machine_stamp.__wrapped__
    monkeypatch.delenv(name, raising=False)
    before = stamp(numba_folder())
    assert before == stamp(numba_folder())
    monkeypatch.setitem(os.environ, name, "1")
    assert (stamp(numba_folder()) != before) is counts
    assert np.__version__
