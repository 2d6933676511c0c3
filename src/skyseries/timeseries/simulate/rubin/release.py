"""A whole simulated data release: its tables, and the truth about its objects."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from skyseries.arrays.numbers import whole
from skyseries.arraytypes import Ints
from skyseries.schema import rubin
from skyseries.schema.tables import TableInfo
from skyseries.timeseries.simulate.rubin import detections as dia
from skyseries.timeseries.simulate.rubin import moving as ss
from skyseries.timeseries.simulate.rubin.measured import Measured, forced_values, measure
from skyseries.timeseries.simulate.rubin.objects import (
    Objects,
    object_values,
    source_values,
)
from skyseries.timeseries.simulate.rubin.population import (
    SAID_OBJECT,
    Population,
    make_population,
    usual_fluxes,
)
from skyseries.timeseries.simulate.rubin.settings import Setting, setting_of
from skyseries.timeseries.simulate.rubin.tables import nested_of, table_of, time_of
from skyseries.timeseries.simulate.rubin.visits import (
    Visits,
    ccd_visit_values,
    make_visits,
    visit_values,
)

__all__ = ["NESTED", "SimulatedRelease", "simulate_release", "table_infos"]

NESTED = {
    "Object": {"forcedSource": "ForcedSource"},
    "DiaObject": {"diaSource": "DiaSource", "forcedSource": "ForcedSourceOnDiaObject"},
}
"""By table: its nested columns, and the tables that their epochs are the rows of."""
_FROM_OBJECT = {
    "ForcedSource": {n: n for n in ("objectId", "parentObjectId", "tract", "patch")}
    | {"coord_ra": "ra", "coord_dec": "dec"},
    "DiaSource": {"diaObjectId": "diaObjectId"},
    "ForcedSourceOnDiaObject": {"diaObjectId": "diaObjectId", "coord_ra": "ra", "coord_dec": "dec"},
}
"""What the tables of epochs have of the object: a column, or that with a role."""
_EPOCHS = 28.0
"""Of an object whose light curve is not long, about."""
_SOURCES = 0.33
"""Part of the significant epochs that are in Source."""
_SIGNIFICANT = 5.0


@dataclass(frozen=True)
class SimulatedRelease:
    """What `simulate_release` returns."""

    name: str
    tables: dict[str, pa.Table]
    """By name; the epochs of Object and DiaObject are nested columns (`NESTED`)."""
    truth: pa.Table
    """objectId, diaObjectId, kind, period: of each object, what it is."""


def simulate_release(release: str, *, n_objects: int = 3000, seed: int) -> SimulatedRelease:
    """Simulate tables with the names, types and keys of a data release of Rubin.

    Parameters
    ----------
    release : str
        ``dp02_dc2_catalogs``, ``dp1`` or ``dp2``.
    n_objects : int
        Of the table Object. Some 100 are planted, and there in any case: variables with long light
        curves, objects where HEALPix cells meet, a blend, those whose ids Rubin's tutorials name.
    seed : int
        The same seed gives the same tables.

    Returns
    -------
    SimulatedRelease

    Raises
    ------
    InputError
        If there is no such release, or a number is negative.
    """
    setting, schema = setting_of(release), rubin.release(release)
    n_objects = whole(n_objects, "n_objects", least=0)
    rng = np.random.default_rng([whole(seed, "seed", least=0), 3])
    population = make_population(setting, n_objects, rng)
    visits = make_visits(setting, seed, rng)
    usual = usual_fluxes(setting, population)
    objects = Objects(population, *_ids(setting, population), usual[0])
    epochs = measure(setting, population, visits, usual, _EPOCHS, rng)
    moving = ss.make_moving(setting, visits, rng)
    found = dia.joined(dia.detect(objects, epochs, visits, rng), moving.found)
    world = _World(setting, schema, visits, objects, epochs, found, rng)
    tables = {
        "Object": world.object_table(),
        "DiaObject": world.dia_object_table(),
        "Source": world.source_table(),
        **world.visit_tables(),
    }
    if moving.id.size:
        tables |= world.moving_tables(moving)
    return SimulatedRelease(release, tables, _truth(objects, found, setting))


def table_infos(release: str, name: str) -> dict[str, TableInfo]:
    """Return what is to be said of a table, and of the tables of epochs that are nested in it."""
    schema = rubin.release(release)
    table = schema.table(name)
    infos = {name: table.info}
    for column, epochs in NESTED.get(name, {}).items():
        info = schema.table(epochs).info
        time = {} if "time" in info.roles else {"time": time_of(schema).name}
        infos[epochs] = replace(
            info, nested=column, from_object=_from_object(schema, name, epochs),
            roles={**info.roles, **time},
        )  # fmt: skip
    return infos


def _from_object(schema: rubin.Release, name: str, epochs: str) -> dict[str, str]:
    """Return the columns that epochs have of their object: their names there, and in its table."""
    table, there = schema.table(name), schema.table(epochs).columns
    named = {column: table.info.roles.get(of, of) for column, of in _FROM_OBJECT[epochs].items()}
    return {column: of for column, of in named.items() if column in there and of in table.columns}


def _ids(setting: Setting, population: Population) -> tuple[Ints, Ints]:
    """Return the ids of the objects, and of the blends that they are parts of."""
    kind = np.array(population.kind)
    ids = setting.first_id + 1_048_583 * np.arange(kind.size, dtype=np.int64)
    ids[SAID_OBJECT], ids[kind == "blend"] = setting.object_id, setting.blend_id
    return ids, np.where(kind == "part", setting.blend_id, 0)


def _truth(objects: Objects, found: dia.Detections, setting: Setting) -> pa.Table:
    there = found.object_row >= 0
    of_object = np.zeros(objects.id.size, np.int64)
    of_object[found.object_row[there]] = dia.dia_object_ids(setting, found)[there]
    period = np.ma.masked_invalid(objects.population.period)
    return pa.table(
        {
            "objectId": objects.id,
            "diaObjectId": pa.array(np.ma.masked_equal(of_object, 0)),
            "kind": objects.population.kind,
            "period": pa.array(period),
        }
    )


class _World(NamedTuple):
    """All that was simulated."""

    setting: Setting
    schema: rubin.Release
    visits: Visits
    objects: Objects
    epochs: Measured
    found: dia.Detections
    rng: np.random.Generator

    def object_table(self) -> pa.Table:
        table = table_of(self.schema.table("Object"), object_values(self.objects, self.rng))
        return self._with_epochs(table, "Object", "forcedSource", self._forced(self.epochs, 1))

    def dia_object_table(self) -> pa.Table:
        values = dia.dia_object_values(self.setting, self.visits, self.found)
        table = table_of(self.schema.table("DiaObject"), values)
        detected = dia.dia_source_values(self.setting, self.visits, self.found, self.rng)
        table = self._with_epochs(
            table, "DiaObject", "diaSource", (self.found.dia_object, detected)
        )
        of_object = np.full(self.objects.id.size, -1)
        there = np.flatnonzero(self.found.object_row >= 0)
        of_object[self.found.object_row[there]] = there
        epochs = self.epochs._replace(row=of_object[self.epochs.row])
        epochs = epochs.take(epochs.row >= 0)
        return self._with_epochs(table, "DiaObject", "forcedSource", self._forced(epochs, 2))

    def _forced(self, epochs: Measured, which: int) -> tuple[Ints, dict[str, Any]]:
        values = forced_values(self.setting, self.visits, epochs, self.rng)
        ids = self.setting.first_id // 11 * (11 + which) + 3 * np.arange(epochs.row.size)
        return epochs.row, {**values, "forcedSourceId": ids, "forcedSourceOnDiaObjectId": ids}

    def _with_epochs(
        self, table: pa.Table, name: str, column: str, epochs: tuple[Ints, dict[str, Any]]
    ) -> pa.Table:
        row, values = epochs
        of = NESTED[name][column]
        left_out = _from_object(self.schema, name, of)
        type_, array = nested_of(
            self.schema.table(of), values, row, table.num_rows, left_out, time_of(self.schema)
        )
        return table.append_column(pa.field(column, type_), array)

    def source_table(self) -> pa.Table:
        chosen = self.rng.uniform(size=self.epochs.row.size) < _SOURCES
        chosen &= self.epochs.flux > _SIGNIFICANT * self.epochs.error
        seen = self.epochs.take(chosen)
        values = source_values(self.setting, self.visits, self.objects, seen, self.rng)
        return table_of(self.schema.table("Source"), values)

    def visit_tables(self) -> dict[str, pa.Table]:
        pairs = np.concatenate(
            [
                np.column_stack([epochs.visit, epochs.detector])
                for epochs in (self.epochs, self.found.epochs)
            ]
        )
        visit, detector = np.unique(pairs, axis=0).T
        of_detectors = "VisitDetector" if "VisitDetector" in self.schema.tables else "CcdVisit"
        values = ccd_visit_values(self.setting, self.visits, visit, detector)
        return {
            "Visit": table_of(self.schema.table("Visit"), visit_values(self.visits)),
            of_detectors: table_of(self.schema.table(of_detectors), values),
        }

    def moving_tables(self, moving: ss.Moving) -> dict[str, pa.Table]:
        of_moving = dia.dia_source_ids(self.setting, self.found)[self.found.ss_object > 0]
        orbits = "MPCORB" if "MPCORB" in self.schema.tables else "mpc_orbits"
        values = {
            "SSObject": ss.ss_object_values(self.setting, self.visits, moving),
            "SSSource": ss.ss_source_values(moving, of_moving, self.rng),
            orbits: ss.orbit_values(self.setting, moving, self.rng),
        }
        return {name: table_of(self.schema.table(name), of) for name, of in values.items()}
