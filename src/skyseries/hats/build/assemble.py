"""A catalog put together from leaves that tasks have written: all else that its folder holds."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from skyseries.hats.build.blueprint import Blueprint
from skyseries.hats.build.facts import LeafFacts
from skyseries.hats.build.folder import CatalogFacts, write_catalog_folder
from skyseries.hats.build.index import merge_index
from skyseries.hats.build.journal import Journal, Outcome, gathered
from skyseries.hats.build.leaves import leaf_facts
from skyseries.hats.build.margin import merge_margin
from skyseries.hats.manifest import FileFacts
from skyseries.hats.partitions import Cell, Partitions

__all__ = ["Assembled", "assemble"]

Properties = Mapping[str, Any] | Callable[[CatalogFacts], Mapping[str, Any]]


@dataclass(frozen=True)
class Assembled:
    """What was put together."""

    rows: int
    partitions: int
    margin_rows: int | None = None
    index_rows: int | None = None
    repeated_ids: int = 0
    """Rows in the index whose id came before."""
    files: Mapping[str, FileFacts] = field(default_factory=dict, repr=False)
    """Those whose digests are known, by path below the blueprint's folder."""


def assemble(
    blueprint: Blueprint,
    journal: Journal,
    leaves: Sequence[Outcome],
    properties: Properties | None = None,
) -> Assembled:
    """Write the margin, the index, and everything else of a catalog whose leaves are there.

    Parameters
    ----------
    blueprint : Blueprint
    journal : Journal
        Of the run; margin and index are stages of it.
    leaves : sequence of dict
        What the tasks have reported that wrote the leaves (`write_leaves`).
    properties : mapping or callable, optional
        More entries of the catalog's hats.properties, or what returns them given the facts of all
        leaves; None leaves one out.

    Returns
    -------
    Assembled
    """
    written = list(gathered(leaves, "leaves"))
    facts = write_catalog_folder(
        blueprint.primary,
        blueprint.schema,
        _facts(leaves),
        name=blueprint.name,
        kind=blueprint.kind,
        ra=blueprint.ra,
        dec=blueprint.dec,
        lightcurves=blueprint.lightcurves,
        properties=properties,
    )
    margin_rows = index_rows = None
    repeated = 0
    if blueprint.margin_arcsec is not None:
        asked = Partitions.of([Cell(*said["cell"]) for said in written])
        margin_rows, files = merge_margin(blueprint, journal, leaves, asked, facts.partitions)
        written += files
    if blueprint.id is not None:
        index_rows, repeated, files = merge_index(blueprint, journal, leaves)
        written += files
    known = dict(_file(blueprint.folder, said) for said in written if "path" in said)
    return Assembled(facts.rows, len(facts.partitions), margin_rows, index_rows, repeated, known)


def _facts(leaves: Sequence[Outcome]) -> Iterator[LeafFacts]:
    for outcome in leaves:
        yield from leaf_facts(outcome)


def _file(folder: Path, said: Outcome) -> tuple[str, FileFacts]:
    path = Path(said["path"])
    facts = FileFacts(path.stat().st_size, said["digest"], said["rows"])
    return path.relative_to(folder).as_posix(), facts
