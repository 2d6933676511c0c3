"""What an import is to do, decided and checked before any row is read.

`ImportPlan` is frozen and picklable: every task gets it whole. Its fingerprint names the run: a
later call with the same one goes on where the earlier one stopped.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa

from skyseries import __version__
from skyseries.config import tuning
from skyseries.fingerprint import fingerprint
from skyseries.formats import InputFile
from skyseries.hats.build.blueprint import Blueprint
from skyseries.hats.curves import known_curves
from skyseries.hats.leaf import HPX_COLUMN
from skyseries.hats.sizes import Limits
from skyseries.pipelines.import_.intake import Intake
from skyseries.schema import LightCurveFields

__all__ = ["Budget", "ImportPlan", "Policy", "row_bytes"]

Policy = Literal["error", "drop", "keep"]
NullValues = Sequence[Any] | Mapping[str, Sequence[Any]]

_BASE_BYTES = 350 << 20
"""What the interpreter and its libraries hold before any row (measured: 250-330 MB)."""


@dataclass(frozen=True)
class Budget:
    """Memory shared out among the workers; sizes of what a task holds at once."""

    memory: int
    workers: int

    @property
    def per_worker(self) -> int:
        """Bytes that a task may hold."""
        return max((self.memory - _BASE_BYTES) // self.workers, 32 << 20)

    @property
    def run_bytes(self) -> int:
        """Bytes of a run: read, its sorted copy, keys and the order are held at once."""
        return min(self.per_worker // 5, tuning().run_bytes)

    @property
    def piece_bytes(self) -> int:
        """Bytes of the part of a leaf that is assembled at once."""
        return min(self.per_worker // 8, tuning().piece_bytes)


@dataclass(frozen=True)
class ImportPlan:
    """Everything that the tasks of an import need to know."""

    name: str
    kind: Literal["object", "source"]
    ra: str
    dec: str
    id: str | None
    object_files: tuple[InputFile, ...]
    object_schema: pa.Schema
    source_files: tuple[InputFile, ...] = ()
    source_schema: pa.Schema | None = None
    source_id: str | None = None
    lightcurve: LightCurveFields | None = None
    lightcurve_name: str = "lightcurve"
    null_values: Any = ()
    on_nan_position: Policy = "error"
    on_repeated_id: Policy = "error"
    on_duplicate_epoch: Policy = "keep"
    orphans: Policy = "keep"
    margin_arcsec: float | None = 10.0
    id_index: bool = True
    limits: Limits = field(default_factory=Limits)
    budget: Budget = field(default_factory=lambda: Budget(4 << 30, 2))
    work: Path = Path()
    """The folder of scratch files."""
    build: Path = Path()
    """The folder in which the new version is put together."""
    left_out: tuple[str, ...] = ()
    """Columns of the input that are not taken over, because their names are HATS's own."""
    position: tuple[float, float] | None = None
    """The one position of all sources, where objects are made of these; None: they have columns."""
    objects_in: Intake | None = None
    """How the objects come in; None: they are there already."""
    sources_in: Intake | None = None
    remarks: tuple[str, ...] = ()
    """What is to be told of how columns come in."""
    recognised: tuple[str, ...] = ()
    """Which column was taken for what, for people."""

    @property
    def has_lightcurves(self) -> bool:
        """Whether epochs are nested into the rows."""
        return self.source_schema is not None

    @property
    def epoch_schema(self) -> pa.Schema:
        """The fields of one epoch inside a light curve: all but the object's id."""
        assert self.source_schema is not None  # noqa: S101 - callers check has_lightcurves
        return pa.schema([f for f in self.source_schema if f.name != self.source_id])

    @property
    def leaf_schema(self) -> pa.Schema:
        """The schema of a leaf: `_healpix_29`, the object's columns, the light curves."""
        schema = [pa.field(HPX_COLUMN, pa.int64()), *self.object_schema]
        if self.has_lightcurves:
            lists = [
                pa.field(f.name, pa.list_(pa.field("element", f.type)), metadata=f.metadata)
                for f in self.epoch_schema
            ]
            schema.append(pa.field(self.lightcurve_name, pa.struct(lists)))
        return pa.schema(schema)

    @property
    def curves(self) -> dict[str, LightCurveFields]:
        """The columns of light curves: those that objects have already, and the one to be made."""
        found = known_curves(self.object_schema)
        return found if self.lightcurve is None else found | {self.lightcurve_name: self.lightcurve}

    @property
    def object_bytes(self) -> int:
        """Bytes of an object's row before any is read: measured ones count from then on."""
        return row_bytes(self.object_schema) + 8

    @property
    def epoch_bytes(self) -> int:
        """Bytes of an epoch before any is read."""
        return row_bytes(self.epoch_schema) if self.has_lightcurves else 0

    @property
    def frame_bytes(self) -> int:
        """Bytes that a leaf adds to an object's row: its cell, and where its epochs begin."""
        return 8 + (4 * len(self.epoch_schema) if self.has_lightcurves else 0)

    @property
    def run(self) -> str:
        """A name for this import: the same inputs and choices give the same name."""
        not_said = {"budget", "work", "build"}
        said = [(f.name, getattr(self, f.name)) for f in fields(self) if f.name not in not_said]
        budget = self.budget.run_bytes, self.budget.piece_bytes
        return fingerprint(__version__, said, budget, tuning())

    @property
    def blueprint(self) -> Blueprint:
        """What the catalog is to be."""
        return Blueprint(
            folder=self.build,
            scratch=self.work,
            name=self.name,
            schema=self.leaf_schema,
            ra=self.ra,
            dec=self.dec,
            kind=self.kind,
            lightcurves=self.curves,
            id=self.id if self.id_index else None,
            margin_arcsec=self.margin_arcsec,
        )


def row_bytes(schema: pa.Schema) -> int:
    """Return about how many bytes a row takes, for all that its types say."""
    return sum(_type_bytes(f.type) for f in schema) or 1


def _type_bytes(type_: pa.DataType) -> int:
    try:
        return max(int(type_.bit_width) // 8, 1)
    except ValueError:  # text and nested types have no fixed width
        return 24 if type_.num_fields == 0 else 200
