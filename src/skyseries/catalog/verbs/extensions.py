"""What is kept beside a catalog: associations with others, extensions with more columns."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self, TypeVar

from skyseries.catalog import plan
from skyseries.catalog.base import CatalogBase
from skyseries.catalog.plan.ids import id_column
from skyseries.catalog.plan.lineage import home_of, name_now, stored_as
from skyseries.catalog.plan.names import check_columns
from skyseries.catalog.plan.scan import first_scan, scan_of
from skyseries.catalog.write.provenance import recorded_provenance, scans_of, to_properties
from skyseries.errors import CatalogError, CatalogNotFoundError, InputError, SchemaError
from skyseries.hats.collection import COLLECTION_FILE, Collection, at_version, read_collection
from skyseries.hats.dataset import open_dataset
from skyseries.hats.extension import (
    EXTENSION_NAME,
    PRIMARY_VERSION,
    Extension,
    check_name,
    is_data_of,
    listed_extensions,
    read_extension,
)
from skyseries.hats.keys import check_keys
from skyseries.hats.layout import version_number
from skyseries.hats.margin import margin_width
from skyseries.schema.roles import did_you_mean
from skyseries.store.files import Location, locate
from skyseries.warn import warn_user

if TYPE_CHECKING:
    from skyseries.catalog.write.associations import AssociationWritten
    from skyseries.catalog.write.writing import Written

__all__ = ["ExtensionVerbs", "opened_extension"]

C = TypeVar("C", bound=CatalogBase)


class ExtensionVerbs(CatalogBase):
    """Verbs that write and load what belongs to a catalog."""

    @property
    def provenance(self) -> dict[str, dict[str, Any]]:
        """How the catalogs that are read were made, by name; of those that say so.

        Each has the id and date of the run, the versions of the code and of the catalogs that
        were read, and the parameters of features and periods.
        """
        found = ((s.dataset.name, recorded_provenance(s.dataset)) for s in scans_of(self._node))
        return {name: said for name, said in found if said is not None}

    @property
    def extensions(self) -> list[str]:
        """Names of the extensions that the collection lists."""
        return list(listed_extensions(self._root))

    def load_extension(
        self,
        name_or_path: str | os.PathLike[str],
        columns: Sequence[str] | None = None,
        *,
        version: int | None = None,
    ) -> Self:
        """Add the columns of an extension.

        Parameters
        ----------
        name_or_path : str or path
            Its name, if the collection lists it; else the path of its ``.properties`` file.
        columns : sequence of str, optional
            Those that are wanted; by default all that the extension says it adds.
        version : int, optional
            An older one than the current one, from 1 on; `provenance` tells how it was made.

        Returns
        -------
        Catalog
            Rows that the extension does not have are kept with nulls, or left out: as it says.

        Raises
        ------
        CatalogNotFoundError, CatalogError
            If there is no such extension or version, or its file is no extension's.
        """
        from skyseries.catalog.verbs.joining import found_by_key

        extension, file, data = opened_extension(self, name_or_path, version)
        if extension.primary in (self._root.name, str(self._root)):
            named = version in (None, extension.version)
            _warn_if_stale(self, extension.name, data, file if named else None)
        check_columns([extension.primary_key], self.schema)
        said = extension.columns if version is None else ()
        wanted = list(columns or said) or _added(extension, data)
        kept = list(dict.fromkeys([extension.key, *wanted]))
        data = data._with(plan.Select(data._node, tuple(kept)))
        check_keys(self.schema.field(extension.primary_key), data.schema.field(extension.key))
        hidden = [] if extension.key in wanted else [extension.key]
        if extension.key == extension.primary_key:
            hidden = [extension.key]
        left = plan.renamed(self.schema, "", (), ())
        right = plan.renamed(data.schema, f"_{extension.name}", self.columns, hidden)
        plan.no_clash(left, right)
        how: Literal["inner", "left"] = "inner" if extension.how == "inner" else "left"
        partners = found_by_key(data, extension.key)
        node = plan.Join(self._node, partners, extension.primary_key, how, left, right)
        known = data._known_fields()
        fields = {new: known[old] for old, new in right.pairs if old in known}
        return self._with(node, self._known_fields() | fields)

    def write_extension(
        self,
        name: str,
        columns: Sequence[str] | None = None,
        path: str | os.PathLike[str] | None = None,
        *,
        id: str | None = None,
        how: Literal["left", "inner"] = "left",
        margin_arcsec: Any = 10.0,
        overwrite: bool = False,
        resume: bool = False,
        durability: str = "power",
    ) -> Written:
        """Compute columns, and write them as an extension of the catalog.

        Parameters
        ----------
        name : str
            Of the extension.
        columns : sequence of str, optional
            By default those that the catalog on disk does not have.
        path : path, optional
            The folder of ``<name>.properties`` and of the columns' catalog, which is called
            like the extension; by default the collection itself, which then lists the extension.
        id : str, optional
            Column of the ids, which must be different for all rows; by default that of the
            catalog.
        how : {"left", "inner"}
            What loading does with rows that the extension does not have.
        margin_arcsec : float, angle or None
            Width of its margin.
        overwrite : bool
            Write the next version of an extension that is there. The versions before stay:
            ``load_extension(name, version=1)``.
        resume : bool
            Go on with the same extension where a stopped run has ended, as for `write_catalog`.
        durability : {"power", "process"}
            As for `write_catalog`.

        Returns
        -------
        Written
        """
        from skyseries.catalog.write.writing import Target, write_catalog
        from skyseries.hats.build.extension import publish_extension

        ids, key = self._ids_kept(id)
        new = [n for n in self.columns if n not in (ids, *self.dataset.schema.names)]
        new = new if columns is None else [n for n in dict.fromkeys(columns) if n != ids]
        check_columns(new, self.schema)
        if not new:
            raise InputError("an extension needs columns that the catalog does not have: columns=")
        check_name(name, [key, *new])
        inside = path is None
        place = self._root if path is None else locate(path)
        if not place.is_local:
            raise InputError(
                f"{place} is not on a disk of this machine, where extensions are written: "
                "give path=, a folder"
            )
        folder = place.local
        begun = _check_place(folder, name, inside, overwrite or resume)
        ra, dec = self._node.position or (self.dataset.ra, self.dataset.dec)
        held = [n for n in (ra, dec) if n in self.columns and n not in new]
        names = tuple(dict.fromkeys([ids, *held, *new]))
        as_there = plan.Renamed(tuple((n, key if n == ids else n) for n in names))
        kept = self._with(plan.Rename(plan.Select(self._node, names), as_there))
        known = kept._known_fields()
        target = Target(
            path=folder / name,
            name=name,
            position=(ra, dec),
            kind="object" if self.dataset.kind != "source" else "source",
            id=key,
            lightcurves={n: f for n, f in known.items() if n in kept.columns},
            margin_arcsec=margin_width(margin_arcsec),
            overwrite=overwrite or begun,
            resume=resume,
            durability=durability,
            properties={EXTENSION_NAME: name, PRIMARY_VERSION: self._collection.version},
        )

        def publish(written: Written) -> None:
            primary = self._root.name if inside else str(self._root)
            version = version_number(written.version)
            extension = Extension(name, primary, key, name, key, tuple(new), how, True, version)
            said = {
                "hats_builder": _builder(),
                PRIMARY_VERSION: self._collection.version,
            } | to_properties(written.provenance)
            publish_extension(folder, extension, said, listed=inside, durability=durability)

        return write_catalog(kept._node, target, publish)

    def _ids_kept(self, given: str | None) -> tuple[str, str]:
        """Return what the ids are called in the result, and in the catalog on disk."""
        if given is not None:
            check_columns([given], self.schema)
        said = given or id_column(self.dataset, self._collection)
        now = given or name_now(self._node, said)
        key = None if now is None else stored_as(self._node, now)
        if now is None or key is None:
            raise SchemaError(
                f"the ids {said!r} are not in the result as the catalog on disk has them; an "
                "extension needs them"
            )
        return now, key

    def write_association(
        self,
        path: str | os.PathLike[str],
        left_id: str | None = None,
        right_id: str | None = None,
        *,
        name: str | None = None,
        overwrite: bool = False,
        durability: str = "power",
    ) -> AssociationWritten:
        """Compute a cross-match or a join, and write which ids belong together.

        Parameters
        ----------
        path : path
            A folder of this machine that all workers see.
        left_id, right_id : str, optional
            Columns of the result: the ids of this catalog and of the other; by default those
            that the catalogs name.
        name : str, optional
            Of the association; by default that of the folder.
        overwrite : bool
            Replace an association that is there.
        durability : {"power", "process"}
            As for `write_catalog`.

        Returns
        -------
        AssociationWritten
            ``join(other, through=path)`` uses it, as LSDB does.
        """
        from skyseries.catalog.write.associations import write_association

        ids = self._left_id(left_id), self._right_id(right_id)
        name = name or Path(path).name
        return write_association(self, ids, path, name, overwrite, durability)

    def _left_id(self, given: str | None) -> str:
        if given is not None:
            check_columns([given], self.schema)
            return given
        key = id_column(self.dataset, self._collection)
        for name in self.columns:
            if stored_as(self._node, name) == key:
                return name
        raise InputError(f"the ids {key!r} are not in the result; select them, or give left_id=")

    def _right_id(self, given: str | None) -> str:
        if given is not None:
            check_columns([given], self.schema)
            return given
        for name in self.columns:
            home = home_of(self._node, name)
            if home is not None and not home.first:
                said = home.scan.dataset.properties.get("hats_cols_survey_id", "").split()
                if home.column in said:
                    return name
        raise InputError(
            "which column holds the ids of the other catalog is not known: give right_id="
        )


def _file_of(
    catalog: CatalogBase, name_or_path: str | os.PathLike[str], listed: list[str]
) -> Location:
    """Return the file of an extension that the collection does not list."""
    file, name = locate(name_or_path), os.fspath(name_or_path)
    if "/" in name or name.endswith(".properties") or file.exists():
        return file
    there = f"it has {', '.join(listed)}" if listed else "it has none"
    raise CatalogNotFoundError(
        f"{catalog.name} has no extension {name!r}{did_you_mean(name, listed)} ({there}; one that "
        "lies elsewhere is loaded by the path of its .properties file)"
    )


def _warn_if_stale(
    catalog: CatalogBase, name: str, data: CatalogBase, file: Location | None
) -> None:
    """Warn if columns were computed from another version of the catalog than the one that is open.

    The columns say it themselves; those of earlier versions of Skyseries, only the extension's
    file, which tells of the version that it names.
    """
    from skyseries.hats.versions import extension_state

    now = version_number(catalog._collection.version)
    made_for = version_number(data.dataset.properties.get(PRIMARY_VERSION))
    if made_for is None and file is not None:
        made_for = extension_state(catalog._root, None, name, file).made_for
    if None not in (now, made_for) and made_for != now:
        warn_user(
            f"the extension {name!r} was computed from version {made_for} of "
            f"{catalog.name}, and this is version {now}: its values may be of other rows "
            f"and data; write_extension({name!r}, ..., overwrite=True) makes it anew"
        )


def opened_extension(
    held: C, name_or_path: str | os.PathLike[str], version: int | None = None
) -> tuple[Extension, Location, C]:
    """Return what an extension of a catalog says, its file, and its columns as a catalog.

    Parameters
    ----------
    held : CatalogBase
    name_or_path, version
        As for `Catalog.load_extension`.
    """
    listed = listed_extensions(held._root)
    file = listed.get(os.fspath(name_or_path)) or _file_of(held, name_or_path, list(listed))
    extension, root = read_extension(file)
    data = _open(root, type(held), extension.version if version is None else version)
    return extension, file, data


def _open(root: Location, kind: type[C], version: int | None) -> C:
    """Open the catalog or collection of an extension's columns."""
    collection = read_collection(root)
    if version is not None:
        if collection is None:
            raise CatalogError(f"{root} has no versions: it is no collection")
        collection = at_version(root, collection, version)
    dataset = open_dataset(root if collection is None else root.join(collection.primary))
    collection = collection or Collection(dataset.name, "")
    return kind(scan_of(dataset, root, collection), root, collection)


def _added(extension: Extension, data: CatalogBase) -> list[str]:
    """Return the columns of an extension that does not say which it adds."""
    scan = first_scan(data._node)
    hidden = {extension.key}
    if scan is not None:
        hidden.add(scan.dataset.healpix_column or "")
        hidden |= {scan.dataset.ra, scan.dataset.dec} if extension.shares_position else set()
    return [name for name in data.columns if name not in hidden]


def _check_place(folder: Path, name: str, inside: bool, may_be_there: bool) -> bool:
    """Raise an error if an extension cannot be written; say whether one was begun, not finished."""
    if inside and not (folder / COLLECTION_FILE).is_file():
        raise CatalogError(
            f"{folder} is no collection, which could list an extension: give path= to write it "
            "elsewhere"
        )
    file, data = folder / f"{name}.properties", locate(folder / name)
    known = name in listed_extensions(locate(folder)) if inside else file.exists()
    begun = not known and is_data_of(data, name)
    if (
        inside
        and not begun
        and not (known and may_be_there)
        and data.join(COLLECTION_FILE).exists()
    ):
        raise InputError(f"{data} is there already; overwrite=True replaces an extension")
    return begun


def _builder() -> str:
    from skyseries import __version__

    return f"skyseries v{__version__}"
