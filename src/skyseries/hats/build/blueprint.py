"""What a catalog is to be, decided before its first row is written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa

from skyseries.hats.collection import Collection
from skyseries.hats.layout import default_names
from skyseries.schema import LightCurveFields

__all__ = ["Blueprint"]


@dataclass(frozen=True)
class Blueprint:
    """A catalog with its margin and its id index; picklable, for each task gets it.

    Parameters
    ----------
    folder : Path
        Where its parts are put together, each in a folder of its own.
    scratch : Path
        Where border rows, ids and facts are set aside, until all leaves are there.
    name : str
    schema : pyarrow.Schema
        That of the leaves.
    ra, dec : str
        Columns of the position, degrees, ICRS.
    kind : {"object", "source", "association"}
    lightcurves : mapping from str to LightCurveFields
        What the fields of nested columns are.
    id : str, optional
        Column of the ids that get an index.
    margin_arcsec : float, optional
        Width of the margin; None: none is made.
    """

    folder: Path
    scratch: Path
    name: str
    schema: pa.Schema
    ra: str
    dec: str
    kind: str = "object"
    lightcurves: Mapping[str, LightCurveFields] = field(default_factory=dict)
    id: str | None = None
    margin_arcsec: float | None = None

    @property
    def names(self) -> dict[str, str]:
        """The folders of the parts: ``primary``, and ``margin``, ``index`` if there are such."""
        return default_names(self.name, self.margin_arcsec, self.id)

    @property
    def primary(self) -> Path:
        """The folder of the catalog itself."""
        return self.folder / self.name

    @property
    def receivers(self) -> Path:
        """The file of the cells that may get margin rows."""
        return self.scratch / "receivers.csv"

    @property
    def collection(self) -> Collection:
        """What the version's parts are to a collection."""
        names = self.names
        return Collection(
            self.name,
            names["primary"],
            (names["margin"],) if "margin" in names else (),
            names.get("margin"),
            ((self.id, names["index"]),) if self.id is not None else (),
        )
