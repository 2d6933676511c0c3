"""Bands: which are asked for, and which of them each epoch of a nested column is in."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from skyseries.arrays import labels
from skyseries.arrow import to_numpy
from skyseries.errors import InputError
from skyseries.lazy import pc
from skyseries.photometry import UGRIZY
from skyseries.warn import warn_user

__all__ = [
    "asked_bands",
    "band_codes",
    "band_list",
    "band_word",
    "bands_there",
    "one_band",
    "tell_absent",
]

Bands = tuple[str | int, ...]


def band_list(bands: Any) -> Bands | None:
    """Return the bands that are asked for as text or whole numbers; None if none are.

    Parameters
    ----------
    bands : sequence or array of any library, or text
        Each letter of a text is a band.

    Raises
    ------
    InputError
        For what is no band, or one that is there twice.
    """
    if bands is None:
        return None
    found, there = labels(list(bands) if isinstance(bands, str) else bands, "bands")
    if found.ndim > 1 or not there.all():
        raise InputError(f"bands must be a row of names or whole numbers, not {bands!r:.80}")
    names = tuple(np.atleast_1d(found).tolist())
    if again := [name for name in names if names.count(name) > 1]:
        raise InputError(f"band {again[0]!r} is named more than once")
    return names


def one_band(band: Any) -> str | int:
    """Return a band as text or a whole number.

    Raises
    ------
    InputError
        If it is none.
    """
    found, there = labels([band], "band")
    if found.shape != (1,) or not there.all():
        raise InputError(f"{band!r} is no band")
    name: str | int = found.tolist()[0]
    return name


def band_word(band: str | int) -> str:
    """Return what names of columns have of a band: ``g``, ``band1``; ``ztf_g`` for ``ztf.g``."""
    return f"band{band}" if isinstance(band, int) else band.replace(".", "_")


def tell_absent(bands: Any, there: Any) -> None:
    """Warn of bands that are asked for and that the light curves lack.

    Parameters
    ----------
    bands : sequence
        What is asked for.
    there : sequence or None
        The bands of the light curves; None: not known.
    """
    wanted, known = band_list(bands), band_list(there)
    if wanted is None or known is None:
        return
    if absent := [band for band in wanted if band not in known]:
        warn_user(
            f"the light curves have no epochs in band {', '.join(map(repr, absent))}, of which "
            f"nothing can be computed; they have {', '.join(map(repr, known))}"
        )


def asked_bands(bands: Any, there: Any) -> Bands | None:
    """Return the bands that get columns: those asked for, or those that there are, if known.

    Warns of bands as `tell_absent` does.
    """
    wanted, known = band_list(bands), band_list(there)
    if wanted is not None:
        tell_absent(wanted, known)
    return known if wanted is None else wanted


def bands_there(column: pa.StructArray | pa.ChunkedArray, field: str) -> Bands | None:
    """Return the bands that the epochs of light curves have; None if there are none.

    Parameters
    ----------
    column : struct array of lists
    field : str
        That of the bands.
    """
    values = pc.list_flatten(pc.struct_field(column, field))
    if isinstance(values, pa.ChunkedArray):
        values = values.combine_chunks()
    found = band_codes(field, values, None, True)[1]
    return tuple(band for band in found if band is not None) or None


def band_codes(
    field: str,
    values: pa.Array,
    bands: Bands | None,
    all_bands: bool,
) -> tuple[NDArray[np.int32], tuple[str | int | None, ...]]:
    """Return the place of each epoch's band in a list, and the list.

    Parameters
    ----------
    field : str
        Its name in errors.
    values : (m,) array
        Text, bytes or whole numbers, in dictionaries too. Null, NaN and blank text is no band.
    bands : tuple, optional
        None: ugrizy where they are text.
    all_bands : bool
        Take the bands that there are instead.

    Returns
    -------
    code : (m,) array
        -1: of no band in the list.
    names : tuple
        (None,) if it is empty.

    Raises
    ------
    InputError
        For bands that are no text or whole numbers, or that cannot be those of the list.
    """
    what = f"bands (field {field!r})"
    if pa.types.is_integer(values.type):
        names = _names_of_numbers(values, bands, all_bands, field)
        return _index(values, names, field), names or (None,)
    if pa.types.is_boolean(values.type) and len(values):
        raise InputError(f"{what} must be text or whole numbers, not {values.type}")
    encoded = values if pa.types.is_dictionary(values.type) else pc.dictionary_encode(values)
    found, there = labels(encoded.dictionary, what)
    keys = [name if ok else None for name, ok in zip(found.tolist(), there, strict=True)]
    names = _names_of_keys(keys, encoded.type.value_type, bands, all_bands, field)
    place = {name: i for i, name in enumerate(names)}
    code = np.array([*(place.get(key, -1) for key in keys), -1], np.int32)  # type: ignore[arg-type]
    positions = encoded.indices
    if positions.null_count:  # null takes the last place
        positions = pc.fill_null(positions.cast(pa.int64()), len(keys))
    return np.take(code, to_numpy(positions)), names or (None,)


def _names_of_numbers(values: pa.Array, bands: Bands | None, all_bands: bool, field: str) -> Bands:
    if all_bands:
        return tuple(sorted(k for k in pc.unique(values).to_pylist() if k is not None))
    if bands is None:
        raise _not_said(field)
    return bands


def _names_of_keys(
    keys: Sequence[str | int | None],
    type_: pa.DataType,
    bands: Bands | None,
    all_bands: bool,
    field: str,
) -> Bands:
    there = {key for key in keys if key is not None}
    is_text = isinstance(next(iter(there), None), str) or (not there and _may_be_text(type_))
    if all_bands:
        return tuple(sorted(there))
    if bands is None:
        if not is_text:
            raise _not_said(field)
        _refuse_unknown(there)
        return UGRIZY
    if any(isinstance(band, str) != is_text for band in bands) and not pa.types.is_null(type_):
        raise _not_of_type(bands, field, type_)
    return bands


def _may_be_text(type_: pa.DataType) -> bool:
    kinds: tuple[Callable[[pa.DataType], bool], ...] = (
        pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view,
        pa.types.is_binary, pa.types.is_large_binary, pa.types.is_fixed_size_binary,
        pa.types.is_binary_view, pa.types.is_null,
    )  # fmt: skip
    return any(is_kind(type_) for is_kind in kinds)


def _index(values: pa.Array, names: Bands, field: str) -> NDArray[np.int32]:
    try:
        value_set = pa.array(list(names), values.type)
    except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError):
        raise _not_of_type(names, field, values.type) from None
    found = pc.fill_null(pc.index_in(values, value_set=value_set), -1)
    return to_numpy(found).copy()  # read-only


def _not_said(field: str) -> InputError:
    return InputError(
        f"bands in {field!r} are not text: say which there are, for instance bands=[1]"
    )


def _not_of_type(bands: Bands, field: str, type_: pa.DataType) -> InputError:
    return InputError(f"bands {list(bands)} cannot be looked for in {field!r}, which holds {type_}")


def _refuse_unknown(there: set[Any]) -> None:
    if unknown := sorted(there - set(UGRIZY)):
        raise InputError(
            f"the light curves have epochs in band {unknown[0]!r}, which is not one of ugrizy; "
            f"give the bands, for instance bands={unknown}"
        )
