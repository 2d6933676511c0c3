"""A user's function of tables: what it is called with, and what it may give."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import pyarrow as pa

from skyseries.catalog import output, plan
from skyseries.errors import SchemaError, SkyseriesError
from skyseries.hats.partitions import Cell
from skyseries.tables import to_table

__all__ = ["TableFunctionOf", "TableKind"]

TableKind = Literal["arrow", "pandas", "polars", "astropy", "numpy"]


@dataclass(frozen=True, eq=False)
class TableFunctionOf:
    """A function that is called with a table of some library.

    Parameters
    ----------
    function : callable
    kind : TableKind
    with_cell : bool
        Whether the partition is its second argument.
    args, kwargs
        More arguments.
    """

    function: Callable[..., Any]
    kind: TableKind = "arrow"
    with_cell: bool = False
    args: tuple[Any, ...] = ()
    kwargs: Mapping[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """What messages call it."""
        return plan.function_name(self.function)

    def __call__(self, table: pa.Table, cell: Cell | None) -> Any:
        """Return what the function gives; raises what it raises."""
        extra = ((cell,) if self.with_cell else ()) + self.args
        return self.function(_taken(table, self.kind), *extra, **self.kwargs)

    def table(self, answer: Any) -> pa.Table:
        """Return an answer as a table of pyarrow.

        Raises
        ------
        SchemaError
            If it is no table.
        """
        if isinstance(answer, dict) and all(np.ndim(value) == 0 for value in answer.values()):
            answer = {name: [value] for name, value in answer.items()}
        try:
            table = to_table(answer, "the answer")
        except (SkyseriesError, pa.ArrowException, TypeError, ValueError) as error:
            raise SchemaError(
                f"map_partitions: the answer of {self.name} is no table: {error}"
            ) from error
        if len(set(table.column_names)) < table.num_columns:
            raise SchemaError(
                f"map_partitions: the answer of {self.name} has two columns of one name: "
                f"{', '.join(table.column_names)}"
            )
        return table


def _taken(table: pa.Table, kind: TableKind) -> Any:
    """Return a table as what a function takes."""
    if kind == "pandas":
        return output.arrow_frame(table)
    if kind == "polars":
        return output.to_polars(table)
    if kind == "astropy":
        return output.to_astropy(table)
    if kind == "numpy":
        return {column.name: column.data for column in output.to_astropy(table).itercols()}
    return table
