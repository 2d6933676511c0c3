"""A small survey whose columns say what they mean, and what becomes of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa

import skyseries as sky
from tests.pipelines.survey import primary, read_rows, write_parts

STARS = pa.table({"objectId": [3, 1], "ra": [30.0, 10.0], "dec": [3.0, 1.0]})
MJD = [60001.5, 60000.25, 60002.125]
EPOCHS = pa.table(
    {"objectId": [1, 1, 3], "mjd": MJD, "band": ["g", "r", "g"], "mag": [15.0, 16.0, 17.0],
     "magerr": [0.1, 0.2, 0.3]}
)  # fmt: skip
FLUXES = EPOCHS.rename_columns(["objectId", "mjd", "band", "flux", "flux_err"])


def run(where: Path, objects: Any = STARS, lightcurves: Any = EPOCHS, **options: Any) -> Any:
    if isinstance(objects, pa.Table):
        objects = write_parts(where / "o", objects)
    if isinstance(lightcurves, pa.Table):
        lightcurves = write_parts(where / "s", lightcurves)
    options = {"executor": "serial", "progress": False, **options}
    return sky.import_catalog(objects, where / "c", lightcurves=lightcurves, **options)


def epochs(where: Path) -> list[dict[str, Any]]:
    """Return the epochs of all objects, in order of object and time."""
    rows = sorted(read_rows(primary(where / "c")), key=lambda row: row["objectId"])
    fields = rows[0]["lightcurve"]
    return [
        {name: row["lightcurve"][name][i] for name in fields}
        for row in rows
        for i in range(len(row["lightcurve"]["mag"]))
    ]


def field(where: Path, name: str) -> pa.Field:
    """Return a column of the catalog."""
    return sky.open_catalog(where / "c").schema.field(name)


def with_column(table: pa.Table, name: str, values: Any, **metadata: str) -> pa.Table:
    """Replace a column, or add it."""
    array = values if isinstance(values, pa.Array) else pa.array(values)
    said = pa.field(name, array.type, metadata=metadata or None)
    place = table.schema.get_field_index(name)
    return table.append_column(said, array) if place < 0 else table.set_column(place, said, array)
