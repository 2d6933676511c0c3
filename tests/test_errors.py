"""Errors are what a caller would catch, and cross processes whole."""

import inspect
import pickle

import pytest

from skyseries import errors


def examples() -> list[errors.SkyseriesError]:
    made = [errors.MissingDependencyError("matplotlib", "plot"), errors.QueryError("no", 3, 7)]
    plain = {type(error) for error in made}
    for name in errors.__all__:
        kind = getattr(errors, name)
        if kind not in plain:
            made.append(kind("message"))
    return made


@pytest.mark.parametrize("error", examples(), ids=lambda error: type(error).__name__)
def test_pickle_round_trip(error):
    again = pickle.loads(pickle.dumps(error))  # noqa: S301 - our own bytes
    assert type(again) is type(error)
    assert str(again) == str(error)
    assert isinstance(again, errors.SkyseriesError)


def test_builtin_parents():
    assert issubclass(errors.SchemaError, ValueError)
    assert issubclass(errors.CatalogNotFoundError, FileNotFoundError)
    assert issubclass(errors.StorageError, OSError)
    assert issubclass(errors.MissingDependencyError, ImportError)


def test_all_are_listed():
    classes = {
        n for n, c in inspect.getmembers(errors, inspect.isclass) if c.__module__ == errors.__name__
    }
    assert classes == set(errors.__all__)


def test_messages():
    assert "pip install 'skyseries[plot]'" in str(
        errors.MissingDependencyError("matplotlib", "plot")
    )
    assert str(errors.QueryError("no such column", 3, 7)) == "no such column (line 3, column 7)"
