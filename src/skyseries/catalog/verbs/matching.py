"""Catalogs beside each other: cross-matches."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal, Self, get_args

import pyarrow as pa

from skyseries import adql
from skyseries.arrays import check_choice, number, whole
from skyseries.catalog import plan, run, tables
from skyseries.catalog.base import CatalogBase
from skyseries.catalog.plan.lineage import has_moved
from skyseries.catalog.plan.names import check_columns, check_new, names_pair
from skyseries.catalog.plan.scan import first_scan
from skyseries.catalog.verbs.measures import expression_in, moving
from skyseries.errors import InputError, SchemaError

__all__ = ["MatchVerbs"]

DISTANCE = "_dist_arcsec"

How = Literal["inner", "left", "outer", "anti"]


class MatchVerbs(CatalogBase):
    """Verbs that bring two catalogs together."""

    def crossmatch(
        self,
        other: Any,
        radius_arcsec: Any = 1.0,
        *,
        n_neighbors: int | None = 1,
        min_radius_arcsec: Any = 0.0,
        how: How = "inner",
        one_to_one: bool = False,
        nested: str | None = None,
        suffixes: tuple[str, str] | None = None,
        left_error: Any = None,
        right_error: Any = None,
        density: Any = None,
        prior: float = 0.9,
        ra: str | None = None,
        dec: str | None = None,
        epoch: Any = None,
        left_epoch: Any = None,
        right_epoch: Any = None,
        left_pm: tuple[str, str] | None = None,
        right_pm: tuple[str, str] | None = None,
    ) -> Self:
        """Put the rows of another catalog beside the rows that they are near to on the sky.

        Parameters
        ----------
        other : Catalog, or a table of pyarrow, pandas, polars or astropy
            The right side. A table is matched as it is.
        radius_arcsec : float, angle or str
            Largest distance, included, arcsec or in a unit that it says; or a SQL expression over
            the columns of this catalog that gives each row a radius of its own. Columns that say
            their unit are converted.
        n_neighbors : int or None
            How many partners a row may have, nearest first; None: all within the radius.
        min_radius_arcsec : float or angle
            Smallest distance, included.
        how : {"inner", "left", "outer", "anti"}
            Rows without a partner are left out, kept with nulls (``"outer"``: those of either
            side), or all that is kept. An outer match in which each row has a radius of its own
            looks up the largest at once.
        one_to_one : bool
            Only pairs of which each is the other's nearest.
        nested : str, optional
            Put the partners of each row into one column of this name, as lists.
        left_error, right_error : float, angle or str, optional
            One-sigma error of each coordinate, arcsec or in a unit that it says: a number, a
            column, or an expression. With them partners are ranked by the probability that the
            pair is one object, which is added as ``_match_probability``.
        density : float or Quantity, optional
            Right objects per square arcminute, or per another area that it says; by default the
            rows of the right catalog, as its steps (`query`, `cone_search`, ...) have left it,
            over the area that they cover. With such steps they are counted at once, in one pass
            over their positions.
        prior : float
            Fraction of the rows of this catalog that are expected to have a counterpart.
        suffixes : pair of str, optional
            Of columns that both sides have; by default none for the left ones, and ``_`` with the
            name of the catalog for the right ones.
        ra, dec : str, optional
            Columns of the positions, degrees, if `other` is a table and they have other names.
        epoch : float, str or Time, optional
            Julian year (``2016.0``, ``"J2016.0"``) at which positions are compared; a side is
            moved there if it has proper motions. By default that of the side without, or the
            right side's.
        left_epoch, right_epoch : float, str or Time, optional
            Julian year of the positions of each side, or a column of it, or of dates if its unit
            or name says so: d, MJD, JD (whose limits are looked up at once, in the statistics if
            they are recorded).
        left_pm, right_pm : pair of str, optional
            Columns of the proper motion, mas/yr or in a unit that they say: pmra (with cos dec),
            pmdec. Rows where they are null do not move.

        Returns
        -------
        Catalog
            With the columns of both sides and ``_dist_arcsec``, in the order of this catalog. If
            a side has such a column already, the new one has the right suffix.

        Raises
        ------
        InputError
            If a unit cannot be converted, an epoch is no year, or epochs have no effect.

        Notes
        -----
        The answer does not depend on how the catalogs are partitioned. The right side's margin is
        used where it reaches far enough; else its neighbouring partitions are read.
        """
        right = tables.as_held(other, type(self), ra, dec)
        motions = moving(self, right, epoch, (left_pm, right_pm), (left_epoch, right_epoch))
        rule = plan.MatchRule(
            radius_arcsec=_number(radius_arcsec),
            radius=self._radius(radius_arcsec, one_to_one),
            n_neighbors=_neighbours(n_neighbors, one_to_one),
            min_radius_arcsec=_number(min_radius_arcsec, "min_radius_arcsec"),
            one_to_one=one_to_one,
            left_motion=motions[0],
            right_motion=motions[1],
            weight=_weight(self, right, (left_error, right_error), density, prior, one_to_one),
        )
        return self._matched(right, rule, how, suffixes, nested)

    def crossmatch_many(
        self,
        others: Mapping[str, Any],
        radius_arcsec: Any = 1.0,
        *,
        how: Literal["inner", "left"] = "left",
        **options: Any,
    ) -> Self:
        """Put the nearest rows of several catalogs beside each row, in one pass.

        Parameters
        ----------
        others : mapping from str to Catalog or table
            By the name that their columns get as a suffix: ``{"gaia": gaia, "wise": wise}``.
        radius_arcsec : float or str
            As for `crossmatch`.
        how : {"left", "inner"}
            Keep all rows, with nulls where a catalog has no partner, or those with a partner in
            every catalog.
        **options
            As for `crossmatch`, for all of them.

        Returns
        -------
        Catalog
            With ``_dist_arcsec_<name>`` for each of them.
        """
        if how not in ("inner", "left"):
            raise InputError(f"how must be inner or left, not {how!r}")
        if not isinstance(others, Mapping):
            raise InputError(
                "others must be catalogs or tables by the names of their columns' suffixes, "
                f"{{'gaia': gaia}}, not a {type(others).__name__}"
            )
        found = self
        for name, other in others.items():
            right = tables.as_held(other, type(self), None, None)
            suffixed = right._with(plan.Rename(right._node, _all_suffixed(right, name)))
            found = found.crossmatch(suffixed, radius_arcsec, how=how, **options)
            pairs = ((c, f"{c}_{name}" if c == DISTANCE else c) for c in found.columns)
            found = found._with(plan.Rename(found._node, plan.Renamed(tuple(pairs))))
        return found

    def self_match(
        self,
        radius_arcsec: Any = 1.0,
        *,
        id: str | None = None,
        n_neighbors: int | None = 1,
        min_radius_arcsec: Any = 0.0,
        how: How = "inner",
        suffixes: tuple[str, str] = ("", "_other"),
    ) -> Self:
        """Put the other objects of the same catalog beside the rows that they are near to.

        Each pair of neighbours is found from both sides.

        Parameters
        ----------
        radius_arcsec, n_neighbors, min_radius_arcsec, how, suffixes
            As for `crossmatch`.
        id : str, optional
            Column that tells whether two rows are the same object, and so no pair; by default
            the id column of the catalog.
        """
        key = self._id_name("id") if id is None else id
        check_columns([key], self.schema)
        rule = plan.MatchRule(
            radius_arcsec=_number(radius_arcsec),
            radius=self._radius(radius_arcsec, one_to_one=False),
            n_neighbors=_neighbours(n_neighbors, one_to_one=False),
            min_radius_arcsec=_number(min_radius_arcsec, "min_radius_arcsec"),
            same_id=(key, key),
        )
        return self._matched(self, rule, how, suffixes)

    def _radius(self, radius: Any, one_to_one: bool) -> adql.Expr | None:
        if not isinstance(radius, str):
            return None
        if one_to_one:
            raise InputError("one_to_one needs one radius for all rows, not an expression")
        return expression_in(self, radius, "arcsec", "radius_arcsec")

    def _largest(self, radius: adql.Expr) -> float:
        """Return the largest value of a radius for each row."""
        made = plan.Assign(self._node, (pa.field(DISTANCE, pa.float64()),), (radius,))
        limits = run.extent_of(self._with(made), DISTANCE)
        return 0.0 if limits is None else limits[1]

    def _matched(
        self,
        right: CatalogBase,
        rule: plan.MatchRule,
        how: How,
        suffixes: tuple[str, str] | None,
        nested: str | None = None,
    ) -> Self:

        check_choice(how, "how", get_args(How))
        for held in (self, right):
            if has_moved(held._node):
                raise SchemaError(
                    f"the positions of {held.name} were replaced by others, which it is not filed "
                    "by; match it first, or match the computed result as a table"
                )
        if how == "outer" and rule.radius is not None:
            rule = replace(rule, radius_arcsec=self._largest(rule.radius))
        ours, theirs = names_pair(suffixes, "suffixes") if suffixes else ("", f"_{right.name}")
        hidden = _spatial_index(right)
        if nested is not None:
            return self._nested(right, rule, how, nested, hidden)
        taken = how != "anti" and DISTANCE in (*self.columns, *right.columns)
        distance = f"{DISTANCE}{theirs}" if taken else DISTANCE
        left_names = plan.renamed(
            self.schema, ours, [n for n in right.columns if n not in hidden], ()
        )
        right_names = plan.renamed(right.schema, theirs, self.columns, hidden)
        match = plan.Match(self._node, right._node, rule, how, left_names, right_names, distance)
        if how != "anti":
            plan.no_clash(left_names, right_names, [field.name for field in match.extras])
        fields = {new: self._known_fields().get(old) for old, new in left_names.pairs}
        if how != "anti":
            fields |= {new: right._known_fields().get(old) for old, new in right_names.pairs}
        node = _outer(match) if how == "outer" else match
        return self._with(node, {name: known for name, known in fields.items() if known})

    def _nested(
        self, right: CatalogBase, rule: plan.MatchRule, how: How, name: str, hidden: Sequence[str]
    ) -> Self:

        if how == "outer" or how == "anti":
            raise InputError(f"with nested= how must be inner or left, not {how!r}")
        check_new([name], self.schema)
        same = plan.renamed(self.schema, "", (), ())
        match = plan.Match(
            self._node,
            right._node,
            rule,
            how,
            same,
            plan.renamed(right.schema, "", (), hidden),
            DISTANCE,
        )
        return self._with(plan.NestedMatch(match, name))


def _outer(match: plan.Match) -> plan.Concat:
    """Return the left rows with their partners, and the right rows that are in no pair."""
    rest = plan.RightOnly(plan.Unpaired(match), match.right_names, match.schema, match.position)
    return plan.Concat((match, rest))


def _all_suffixed(held: CatalogBase, name: str) -> plan.Renamed:
    """Return the columns under names that end in that of the catalog."""
    hidden = _spatial_index(held)
    return plan.Renamed(tuple((c, f"{c}_{name}") for c in held.columns if c not in hidden))


def _weight(
    left: CatalogBase,
    right: CatalogBase,
    errors: tuple[Any, Any],
    density: Any,
    prior: float,
    one_to_one: bool,
) -> plan.Weight | None:
    """Return how pairs are weighted by their errors; None if no errors are given."""
    from skyseries.catalog.run.density import density_arcmin

    if errors[0] is None and errors[1] is None:
        return None
    if one_to_one:
        raise InputError(
            "one_to_one takes the nearest partners, errors the most probable ones: leave one out"
        )
    prior = number(prior, "", "prior")
    if not 0 < prior < 1:
        raise InputError(f"prior must be above 0 and below 1, not {prior}")
    if density is None:
        density = density_arcmin(right) or 1.0  # without rows there are no pairs
    else:
        density = number(density, "1/arcmin2", "density")
    if not density > 0:
        raise InputError(f"density must be above 0 per square arcminute, not {density}")
    first, second = (
        expression_in(held, 0.0 if error is None else error, "arcsec", f"{side}_error")
        for side, error, held in zip(("left", "right"), errors, (left, right), strict=True)
    )
    return plan.Weight(first, second, density / 3600.0, prior)


def _number(radius: Any, what: str = "radius_arcsec") -> float:
    """Return the radius where it is one for all rows."""
    if isinstance(radius, str) and what == "radius_arcsec":
        return 0.0
    arcsec = number(radius, "arcsec", what)
    if not 0 <= arcsec <= 648_000:
        raise InputError(
            f"the match radius must be from 0 to 648000 arcsec (180 degrees), not {what}={radius!r}"
        )
    return arcsec


def _neighbours(n: int | None, one_to_one: bool) -> int | None:
    n = None if n is None else whole(n, "n_neighbors", least=1)
    if one_to_one and n != 1:
        raise InputError("one_to_one gives each row one partner: n_neighbors must be 1")
    return n


def _spatial_index(right: CatalogBase) -> list[str]:
    """Return the column of cells of the right side: it would say where the left rows are not."""
    scan = first_scan(right._node)
    name = None if scan is None else scan.dataset.healpix_column
    return [name] if name in right.columns else []
