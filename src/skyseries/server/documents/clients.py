"""The lines with which programs reach a service: to be copied as they are."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from typing import NamedTuple
from urllib.parse import urlencode

from skyseries.server.documents.descriptions import CatalogFacts, TableSample

__all__ = ["Lines", "client_lines"]


class Lines(NamedTuple):
    """What one writes in a program."""

    program: str
    how: str
    """Where; empty: it is clear."""
    text: str


def client_lines(
    url: str, catalogs: Sequence[CatalogFacts], samples: Sequence[TableSample]
) -> Iterator[Lines]:
    """Yield the lines for each program.

    Parameters
    ----------
    url : str
        Of TAP.
    catalogs : sequence of CatalogFacts
    samples : sequence of TableSample
        The first one that has positions is asked, if one has.
    """
    placed = [sample for sample in samples if {"ra", "dec"} <= sample.roles.keys()]
    sample = next(iter((*placed, *samples)), None)
    query = _query(sample)
    yield Lines("TOPCAT", "VO, Table Access Protocol (TAP) Query, then as TAP URL:", url)
    yield Lines("STILTS", "", f"stilts tapquery tapurl={shlex.quote(url)} "
                f"adql={shlex.quote(query)} ofmt=ascii")  # fmt: skip
    yield Lines("pyvo", "", _python("import pyvo", f"service = pyvo.dal.TAPService({url!r})",
                f"rows = service.search({query!r}).to_table()"))  # fmt: skip
    yield Lines("LSDB", "", _lsdb(url, catalogs, sample))
    asked = f"{url}/sync?{urlencode({'LANG': 'ADQL', 'QUERY': query})}"
    yield Lines("Astropy", "", _python("from astropy.table import Table",
                f"rows = Table.read({asked!r}, format='votable')"))  # fmt: skip
    yield Lines("curl", "", f"curl {shlex.quote(url + '/sync')} -d LANG=ADQL -d RESPONSEFORMAT=csv"
                f" --data-urlencode QUERY={shlex.quote(query)}")  # fmt: skip


def _query(sample: TableSample | None) -> str:
    if sample is None:
        return "SELECT * FROM TAP_SCHEMA.tables"
    columns = ", ".join(sample.columns[:5])
    return f"SELECT TOP 10 {columns} FROM {sample.name}"  # noqa: S608 - is shown


def _python(*lines: str) -> str:
    return "\n".join(lines)


def _lsdb(url: str, catalogs: Sequence[CatalogFacts], sample: TableSample | None) -> str:
    """Return how LSDB reads the files themselves, or, where it cannot, what a statement gives."""
    for catalog in catalogs:
        if catalog.files:
            return _python("import lsdb", f"catalog = lsdb.open_catalog({catalog.files!r})")
    lines = ["import lsdb", "import pyvo", f"service = pyvo.dal.TAPService({url!r})",
             f"rows = service.search({_query(sample)!r}).to_table().to_pandas()"]  # fmt: skip
    if sample is not None and {"ra", "dec"} <= sample.roles.keys():
        ra, dec = (_name(sample.roles[role]) for role in ("ra", "dec"))
        lines.append(f"catalog = lsdb.from_dataframe(rows, ra_column={ra!r}, dec_column={dec!r})")
    return _python(*lines)


def _name(written: str) -> str:
    """Return the name of a column without the quotes that it has in statements."""
    return written[1:-1].replace('""', '"') if written.startswith('"') else written
