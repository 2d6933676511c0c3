"""Parts of the sky, and objects by their ids."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

from skyseries.catalog.ids import as_id, id_column, index_of
from skyseries.catalog.names import check_columns
from skyseries.catalog.nodes.ids import IdSearch
from skyseries.catalog.nodes.steps import Search
from skyseries.catalog.held import Held
from skyseries.errors import InputError
from skyseries.spatial.regions import Box, Cone, Moc, Pixels, Polygon, Region

__all__ = ["SearchVerbs"]


class SearchVerbs(Held):
    """Verbs that keep a part of the sky, or some objects."""

    def search(self, region: Region) -> Self:
        """Keep rows in a region of `skyseries.spatial.regions`."""
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
        pairs = [pixels] if pixels and isinstance(pixels[0], int) else list(pixels)
        if not all(isinstance(pair, tuple | list) and len(pair) == 2 for pair in pairs):
            raise InputError(f"pixels must be pairs (order, npix), not {pixels!r}")
        orders, numbers = zip(*pairs, strict=True) if pairs else ((), ())
        return self.search(Pixels(orders, numbers))

    def id_search(self, ids: int | str | Sequence[int | str], column: str | None = None) -> Self:
        """Keep the objects with some ids; through the id index only their leaves are read.

        Parameters
        ----------
        ids : int, str or a sequence of them
            Ids that are not in the catalog have no row in the result.
        column : str, optional
            By default the id column of the catalog.
        """
        name = id_column(self.dataset, self._collection, column)
        check_columns([name], self.schema)
        values = [ids] if isinstance(ids, int | str) else list(ids)
        type_ = self.schema.field(name).type
        known = tuple(found for value in values if (found := as_id(value, type_)) is not None)
        index = index_of(self._root, self._collection, name)
        return self._with(IdSearch(self._node, name, known, index))
