"""Parts of the sky, and objects by their ids."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from numbers import Integral
from typing import Any, Self

from skyseries import adql
from skyseries.catalog.byid import id_step
from skyseries.catalog.curves import the_column
from skyseries.catalog.held import Held
from skyseries.catalog.names import fields_of
from skyseries.catalog.nodes.epochsearch import EpochSearch, coordinate_limits
from skyseries.catalog.nodes.steps import Search
from skyseries.errors import InputError, SchemaError
from skyseries.schema.recognition import find_position
from skyseries.spatial.regions import Box, Cone, Moc, Pixels, Polygon, Region

__all__ = ["SearchVerbs"]


class SearchVerbs(Held):
    """Verbs that keep a part of the sky, or some objects."""

    def search(self, region: Region) -> Self:
        """Keep rows in a region of `skyseries.spatial.regions`.

        Rows are where the columns of the positions say, though these are not selected.

        Raises
        ------
        InputError
            If these columns were replaced by `assign`.
        """
        self._check_places("rows are searched for")
        return self._with(Search(self._node, region))

    def cone_search(self, ra: float, dec: float, radius_arcsec: float) -> Self:
        """Keep rows within an angle of a position.

        Parameters
        ----------
        ra, dec : float
            Degrees, ICRS.
        radius_arcsec : float
        """
        return self.search(Cone(ra, dec, radius_arcsec))

    def box_search(self, ra: tuple[float, float], dec: tuple[float, float]) -> Self:
        """Keep rows between limits of right ascension and declination, these included.

        Parameters
        ----------
        ra : pair of float
            West and east limit, degrees; (350, 10) crosses 0.
        dec : pair of float
            South and north limit, degrees.
        """
        if len(ra) != 2 or len(dec) != 2:
            raise InputError(f"ra and dec must be pairs of limits, not {ra!r} and {dec!r}")
        return self.search(Box(ra[0], ra[1], dec[0], dec[1]))

    def polygon_search(self, vertices: Sequence[tuple[float, float]]) -> Self:
        """Keep rows in a polygon; its sides are great circles, it need not be convex.

        Parameters
        ----------
        vertices : sequence of pairs (ra, dec)
            Degrees, in order round the polygon. Inside is the smaller part of the sky.
        """
        return self.search(Polygon(vertices))

    def moc_search(self, moc: Any) -> Self:
        """Keep rows in a multi-order coverage map.

        Parameters
        ----------
        moc : mocpy.MOC, str or path
            A MOC, its ASCII form (``"3/1-4 5/77"``), or a FITS file of it.
        """
        return self.search(Moc.of(moc))

    def pixel_search(self, pixels: Sequence[tuple[int, int]] | tuple[int, int]) -> Self:
        """Keep rows in HEALPix cells.

        Parameters
        ----------
        pixels : pair or sequence of pairs (order, npix)
            NESTED.
        """
        pairs = [pixels] if len(pixels) and isinstance(pixels[0], Integral) else list(pixels)
        if not all(hasattr(pair, "__len__") and len(pair) == 2 for pair in pairs):
            raise InputError(f"pixels must be pairs (order, npix), not {pixels!r}")
        orders, numbers = zip(*pairs, strict=True) if pairs else ((), ())
        return self.search(Pixels(orders, numbers))

    def id_search(self, ids: int | str | Iterable[int | str], column: str | None = None) -> Self:
        """Keep the objects with some ids; through the id index only their leaves are read.

        Parameters
        ----------
        ids : int, str or a sequence of them
            Ids that are not in the catalog have no row in the result.
        column : str, optional
            By default the id column of the catalog. A column that is computed, or is of another
            catalog, is searched without the index.

        Raises
        ------
        SchemaError
            If text is given for numbers, or the reverse.
        """
        return self._with(id_step(self, ids, column))

    def search_epochs(
        self,
        ra: float,
        dec: float,
        radius_arcsec: float,
        *,
        column: str | None = None,
        fields: tuple[str, str] | None = None,
        columns: Sequence[str] | None = None,
    ) -> Self:
        """Return the single epochs within an angle of a position, by their own positions.

        An epoch is found wherever its object is filed, and whichever object it was assigned to.

        Parameters
        ----------
        ra, dec : float
            Degrees, ICRS.
        radius_arcsec : float
        column : str, optional
            The light curves; not needed if there is only one such column.
        fields : pair of str, optional
            Their fields of the positions, degrees; by default ``("ra", "dec")`` or those with
            another usual name.
        columns : sequence of str, optional
            Columns of the object that each epoch gets; by default the id.

        Returns
        -------
        Catalog
            A row for each epoch: the object's columns, then the fields of the epoch.
        """
        name = the_column(self.schema, column)
        there = fields_of(self.schema, name)
        place = fields or find_position(there)
        if place is None:
            raise SchemaError(
                f"the epochs of {name!r} have no positions of their own that are recognised among "
                f"{', '.join(there)}; say which fields they are with fields=(ra, dec)"
            )
        if columns is None:
            columns = [self._id_name("columns")]
        cone = Cone(ra, dec, radius_arcsec)
        limits = adql.resolve_condition(coordinate_limits(name, place, cone), self._scope())
        node = EpochSearch(self._node, name, place, cone, tuple(columns), limits)
        return self._with(node)
