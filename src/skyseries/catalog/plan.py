"""A plan: a catalog and the steps over it; and how it is run."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa

from skyseries.catalog.steps import Step
from skyseries.catalog.work import Unit, work_units
from skyseries.executors import Task, current_executor
from skyseries.hats.dataset import Dataset

__all__ = ["Plan"]


@dataclass(frozen=True)
class Plan:
    """What is to be computed; nothing is read before `run`."""

    dataset: Dataset
    steps: tuple[Step, ...] = ()

    def then(self, step: Step) -> Plan:
        """Return the plan with one more step; its columns are checked now."""
        step.schema(self.schema)
        return replace(self, steps=(*self.steps, step))

    @property
    def schema(self) -> pa.Schema:
        """The schema of the result."""
        schema = self.dataset.schema
        for step in self.steps:
            schema = step.schema(schema)
        return schema

    @property
    def filters(self) -> bool:
        """Whether rows may be left out."""
        return any(step.filters for step in self.steps)

    def columns(self) -> list[str]:
        """Return the columns that have to be read."""
        schemas = [self.dataset.schema]
        for step in self.steps:
            schemas.append(step.schema(schemas[-1]))
        wanted = list(schemas[-1].names)
        for step, before in zip(reversed(self.steps), reversed(schemas[:-1]), strict=True):
            wanted = step.needs(wanted, before)
        return [name for name in self.dataset.schema.names if name in wanted]

    def units(self) -> list[Unit]:
        """Return the parts of the catalog that may have rows, in the order of the sky."""
        keep = np.ones(len(self.dataset.partitions), np.bool_)
        for step in self.steps:
            pruned = step.prune(self.dataset.partitions)
            if pruned is not None:
                keep &= pruned
        return work_units(self.dataset, keep, current_executor().workers)

    def run(self) -> Iterator[pa.Table]:
        """Yield the result, unit after unit in the order of the sky."""
        columns, schema, steps = self.columns(), self.schema, self.steps
        tasks = [
            # all weights alike: heavy units first would have all others wait here for the first
            Task(_scan, (self.dataset, unit, columns, steps, schema), 1.0, _name(unit))
            for unit in self.units()
        ]
        waiting: dict[int, pa.Table] = {}
        due = 0
        for index, table in current_executor().run(tasks):
            waiting[index] = table
            while due in waiting:
                yield waiting.pop(due)
                due += 1

    def first(self, n: int) -> pa.Table:
        """Return the first n rows, reading no more than is needed."""
        columns, schema = self.columns(), self.schema
        found: list[pa.Table] = [schema.empty_table()]
        for unit in self.units():
            for part in unit.parts:
                for group in part.row_groups or (None,):
                    table = self.dataset.read(
                        part.cell, columns, None if group is None else [group]
                    )
                    found.append(_apply(table, self.steps, schema))
                    if sum(map(len, found)) >= n:
                        return pa.concat_tables(found).slice(0, n)
        return pa.concat_tables(found)


def _name(unit: Unit) -> str:
    more = f" and {len(unit.parts) - 1} more" if len(unit.parts) > 1 else ""
    return f"{unit.parts[0].cell}{more}"


def _scan(
    dataset: Dataset, unit: Unit, columns: list[str], steps: tuple[Step, ...], schema: pa.Schema
) -> pa.Table:
    tables = [
        _apply(dataset.read(part.cell, columns, part.row_groups), steps, schema)
        for part in unit.parts
    ]
    return pa.concat_tables(tables)


def _apply(table: pa.Table, steps: tuple[Step, ...], schema: pa.Schema) -> pa.Table:
    for step in steps:
        table = step.apply(table)
    return table.select(schema.names).cast(schema)
