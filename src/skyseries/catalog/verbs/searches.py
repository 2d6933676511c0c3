"""Parts of the sky, and objects by their ids."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

from skyseries import adql
from skyseries.arrays import is_coordinate, pair, positions, whole_numbers
from skyseries.catalog import plan
from skyseries.catalog.base import CatalogBase
from skyseries.catalog.plan.names import check_columns, fields_of, names_list, names_pair
from skyseries.catalog.plan.roles import the_column
from skyseries.catalog.verbs.byid import id_step
from skyseries.errors import InputError, SchemaError
from skyseries.schema.recognition import find_position
from skyseries.spatial import regions

__all__ = ["SearchVerbs"]


class SearchVerbs(CatalogBase):
    """Verbs that keep a part of the sky, or some objects."""

    def search(self, region: regions.Region) -> Self:
        """Keep rows in a region of `skyseries.spatial.regions`.

        Rows are where the columns of the positions say, though these are not selected.

        Raises
        ------
        InputError
            If these columns were replaced by `assign`.
        """
        if not (hasattr(region, "contains") and hasattr(region, "overlaps")):
            raise InputError(
                f"a region of skyseries.spatial.regions is needed, such as Cone(ra, dec, radius), "
                f"not {region!r:.60}"
            )
        self._check_places("rows are searched for")
        return self._with(plan.Search(self._node, region))

    def cone_search(self, ra: Any, dec: Any = None, radius_arcsec: Any = None) -> Self:
        """Keep rows within an angle of a position.

        Parameters
        ----------
        ra, dec : float or angle
            Degrees, or in a unit that they say, ICRS. A SkyCoord stands for both:
            ``cone_search(coord, 5)``.
        radius_arcsec : float or angle
            Arcsec, or in a unit that it says: ``5 * units.deg``.

        Raises
        ------
        InputError
            If they are no position and no radius.
        """
        return self.search(regions.Cone(ra, dec, radius_arcsec))

    def box_search(self, ra: Any, dec: Any = None) -> Self:
        """Keep rows between limits of right ascension and declination, these included.

        Parameters
        ----------
        ra : pair of float or angles
            West and east limit, degrees or in a unit that they say; (350, 10) crosses 0. A
            SkyCoord of two corners, the south-western first, stands for both pairs.
        dec : pair of float or angles
            South and north limit.

        Raises
        ------
        InputError
            If they are no pairs, or no limits.
        """
        if is_coordinate(ra):
            ra, dec = positions(ra, dec)
        return self.search(regions.Box(*pair(ra, "deg", "ra"), *pair(dec, "deg", "dec")))

    def polygon_search(self, vertices: Any) -> Self:
        """Keep rows in a polygon; its sides are great circles, it need not be convex.

        Parameters
        ----------
        vertices : sequence of pairs (ra, dec), or SkyCoord
            Degrees, or in a unit that they say, in order round the polygon. Inside is the
            smaller part of the sky.
        """
        return self.search(regions.Polygon(vertices))

    def moc_search(self, moc: Any) -> Self:
        """Keep rows in a multi-order coverage map.

        Parameters
        ----------
        moc : mocpy.MOC, str or path
            A MOC, its ASCII form (``"3/1-4 5/77"``), or a FITS file of it.
        """
        return self.search(regions.Moc.of(moc))

    def pixel_search(self, pixels: Any) -> Self:
        """Keep rows in HEALPix cells.

        Parameters
        ----------
        pixels : pair or sequence of pairs (order, npix)
            NESTED.
        """
        try:
            cells = whole_numbers(pixels, "pixels").reshape(-1, 2)
        except ValueError as error:
            raise InputError(
                f"pixels must be pairs (order, npix) of whole numbers, not {pixels!r:.60}: {error}"
            ) from None
        return self.search(regions.Pixels(cells[:, 0].tolist(), cells[:, 1].tolist()))

    def id_search(self, ids: Any, column: str | None = None) -> Self:
        """Keep the objects with some ids; through the id index only their leaves are read.

        Parameters
        ----------
        ids : int, str or a sequence or array of them, of any library
            Ids that are not in the catalog have no row in the result.
        column : str, optional
            By default the id column of the catalog. A column that is computed, or is of another
            catalog, is searched without the index.

        Raises
        ------
        SchemaError
            If text is given for numbers, or the reverse, or an id is missing (None, NA, masked).
        """
        return self._with(id_step(self, ids, column))

    def search_epochs(
        self,
        ra: Any,
        dec: Any = None,
        radius_arcsec: Any = None,
        *,
        column: str | None = None,
        fields: tuple[str, str] | None = None,
        columns: Sequence[str] | None = None,
    ) -> Self:
        """Return the single epochs within an angle of a position, by their own positions.

        An epoch is found wherever its object is filed, and whichever object it was assigned to.

        Parameters
        ----------
        ra, dec, radius_arcsec
            As for `cone_search`.
        column : str, optional
            The light curves; not needed if there is only one such column.
        fields : pair of str, optional
            Their fields of the positions, degrees or in a unit that they say; by default
            ``("ra", "dec")`` or those with another usual name.
        columns : sequence of str, optional
            Columns of the object that each epoch gets; by default the id.

        Returns
        -------
        Catalog
            A row for each epoch: the object's columns, then the fields of the epoch.
        """
        name = the_column(self.schema, column)
        there = fields_of(self.schema, name)
        place = find_position(there) if fields is None else names_pair(fields, "fields")
        if place is None:
            raise SchemaError(
                f"the epochs of {name!r} have no positions of their own that are recognised among "
                f"{', '.join(there)}; say which fields they are with fields=(ra, dec)"
            )
        if columns is None:
            columns = [self._id_name("columns")]
        check_columns([f"{name}.{field}" for field in place], self.schema)
        cone = regions.Cone(ra, dec, radius_arcsec)
        to_degrees = plan.factors_to_degrees(self.schema, name, place)
        limits = plan.coordinate_limits(name, place, cone, to_degrees)
        node = plan.EpochSearch(
            self._node,
            name,
            names_list(columns, "columns"),
            place,
            cone,
            adql.resolve_condition(limits, self._scope()),
            to_degrees,
        )
        return self._with(node)
