"""Random calls of all functions, from their signatures, and conditions on the sky."""

from __future__ import annotations

import math

import numpy as np

from skyseries.adql.functions import FUNCTIONS
from skyseries.adql.types import Type
from tests.catalog.matching import around
from tests.query.world import ANCHORS

__all__ = ["Calls"]

_ANGLES = (
    "3:34:45.4",
    "3h34m45.4s",
    "033445.4",
    "-0:15:00",
    "-0d15m0s",
    "-001500",
    "abc",
    "25:00:00",
)
_FRAMES = ("ICRS", "FK5", "FK4", "GALACTIC", "ECLIPTIC")
_NUMBERS = {None, Type.DOUBLE, Type.REAL, Type.INTEGER, Type.BIGINT, Type.UBIGINT}


class Calls:
    """Makes calls of functions; see `random_values.Values`, which it is a part of."""

    def call(self, depth=2):
        """Return the call of any function, made a value that can be selected."""
        function = self.rng.choice(list(FUNCTIONS.values()))
        return self.of(function)

    def of(self, function):
        """Return a call of a function."""
        special = getattr(self, "call_" + function.name.lower(), None)
        if special is not None:
            return special()
        signature = self.rng.choice(function.signatures)
        names = signature.names
        kinds = list(signature.arguments)
        needs = list(signature.needs)
        arguments = [
            self.argument(kind, need, name)
            for kind, need, name in zip(kinds, needs, names, strict=True)
        ]
        return f"{function.name}({', '.join(arguments)})"

    def argument(self, kind, need, name):
        """Return an argument of a kind (see `Signature`)."""
        rng = self.rng
        if name == "hpxOrder":
            return rng.choice([str(rng.randint(0, 29)), self.column(*self.asked.small)])
        if name == "hpxIndex":
            return rng.choice([str(rng.randint(0, 800)), self.column(*self.asked.small)])
        match kind:
            case "double":
                return self.one(self.measured, self.constant) if need else self.number(1)
            case "integer":
                return self.whole(1)
            case "ubigint":
                return self.identity(0)
            case "unsigned":
                return self.one(lambda: self.identity(0), self.digits)
            case "real":
                return self.column(*self.asked.reals)
            case "text":
                return self.text(1)
            case "timestamp":
                return self.time()
            case "lon":
                return self.one(lambda: self.column("ra"), self.constant, self.measured)
            case "lat":
                return self.one(lambda: self.column("dec"), self.constant, self.small)
            case "digits":
                return str(rng.randint(-2, 4))
            case "coosys":
                return rng.choice(["'ICRS'", "'icrs geocenter'", "''"])
            case "any":
                return self.number(0)
        return getattr(self, kind)()

    def small(self):
        """Return a column of small whole numbers."""
        return self.column(*self.asked.small)

    # what a signature does not say

    def call_rand(self):
        """Return RAND, made certain."""
        return f"FLOOR(RAND({self.one(str, self.digits)}))"

    def call_ivo_normal_random(self):
        """Return a random number without spread."""
        return f"ivo_normal_random({self.number(0)}, 0)"

    def call_acos(self):
        """Return an arc of what is a sine often."""
        return f"ACOS({self.number(0)} / 20 - 0.5)"

    def call_asin(self):
        """Return an arc of what is a sine often."""
        return f"ASIN({self.number(0)} / 20 - 0.5)"

    def call_coalesce(self):
        """Return COALESCE."""
        return f"COALESCE({self.text(1)}, {self.text(1)}, {self.word()})"

    def call_in_unit(self):
        """Return a coordinate in another unit."""
        return self.in_unit()

    def call_ivo_hms_to_degrees(self):
        """Return an angle of a text."""
        return f"ivo_hms_to_degrees({self.angle()})"

    def call_ivo_dms_to_degrees(self):
        """Return an angle of a text."""
        return f"ivo_dms_to_degrees({self.angle()})"

    def angle(self):
        """Return the text of an angle."""
        return f"'{self.rng.choice(_ANGLES)}'"

    def call_ivo_geom_transform(self):
        """Return a distance in another frame: the frames themselves are known to mas."""
        frames = f"'{self.rng.choice(_FRAMES)}', '{self.rng.choice(_FRAMES)}'"
        turned = [f"ivo_geom_transform({frames}, {self.point()})" for _ in range(2)]
        return self.rng.choice([
            f"DISTANCE({', '.join(turned)})",
            f"AREA(ivo_geom_transform({frames}, {self.figure()}))",
        ])  # fmt: skip

    def call_ivo_healpix_index(self):
        """Return the cell of a position: no centre of a cell, which smaller ones meet at."""
        point = self.point()
        while "center" in point:
            point = self.point()
        order = self.argument("integer", False, "hpxOrder")
        place = f"{self.argument('lon', False, 'ra')}, {self.argument('lat', False, 'dec')}"
        return f"ivo_healpix_index({order}, {self.rng.choice([point, place])})"

    def call_region(self):
        """Return REGION."""
        return self.of_text()

    def call_area(self):
        """Return AREA; of a geometry that is constant too."""
        return f"AREA({self.shape()})"

    def call_scisql_s2ptincpoly(self):
        """Return the test of a polygon around the object or around a place."""
        ra, dec = self.place_near()
        sides = ", ".join(f"{a:.4f}, {d:.4f}" for a, d in ring(self.rng, ra, dec))
        return f"scisql_s2PtInCPoly({self.coordinates()}, {sides})"

    def call_scisql_s2ptinbox(self):
        """Return the test of a box of right ascensions and declinations."""
        ra, dec = self.rng.uniform(0, 360), self.rng.uniform(-80, 60)
        limits = f"{ra:.3f}, {dec:.3f}, {self.rng.uniform(0, 360):.3f}, {dec + 30:.3f}"
        return f"scisql_s2PtInBox({self.coordinates()}, {limits})"

    def call_scisql_s2ptinellipse(self):
        """Return the test of an ellipse."""
        ra, dec = self.place_near()
        a = 10 ** self.rng.uniform(1, 4.5)
        sizes = f"{a:.2f}, {a * self.rng.random():.2f}, {self.rng.uniform(0, 180):.2f}"
        return f"scisql_s2PtInEllipse({self.coordinates()}, {ra}, {dec}, {sizes})"

    # geometries

    def coordinates(self):
        """Return the position of the row."""
        return f"{self.column('ra')}, {self.column('dec')}"

    def place_near(self):
        """Return a place that many rows are close to."""
        ra, dec = self.rng.choice([self.anchor, self.anchor, *ANCHORS])
        return round((ra + self.rng.uniform(0, 0.02)) % 360, 4), round(
            dec - self.rng.uniform(0, 0.02), 4
        )

    def radius(self):
        """Return a size in degrees."""
        return f"{10 ** self.rng.uniform(-2.5, 1.5):.5f}"

    def point(self):
        """Return a position."""
        ra, dec = self.place_near()
        return self.rng.choice([
            f"POINT({self.coordinates()})", f"POINT('ICRS', {ra}, {dec})", f"POINT({ra}, {dec})",
            f"CENTROID({self.circle()})" if self.rng.random() < 0.5 else
            f"POINT({self.coordinates()})",
            f"CAST('{ra} {dec}' AS POINT)", f"REGION('POSITION ICRS {ra} {dec}')",
            f"ivo_healpix_center({self.rng.randint(0, 9)}, {self.rng.randint(0, 11)})",
        ])  # fmt: skip

    def circle(self):
        """Return a circle, constant or around the row."""
        ra, dec = self.place_near()
        radius = self.radius()
        return self.rng.choice([
            f"CIRCLE({ra}, {dec}, {radius})", f"CIRCLE('ICRS', POINT({ra}, {dec}), {radius})",
            f"CIRCLE({self.coordinates()}, {radius})", f"REGION('CIRCLE {ra} {dec} {radius}')",
            f"CIRCLE({self.coordinates()}, {self.small()})",
            f"CAST('{ra} {dec} {radius}' AS CIRCLE)",
        ])  # fmt: skip

    def polygon(self):
        """Return a polygon without dents, constant or around the row."""
        ra, dec = self.place_near()
        width, height = self.radius(), self.radius()
        corners = ring(self.rng, ra, dec)
        flat = ", ".join(f"{a:.4f}, {d:.4f}" for a, d in corners)
        points = ", ".join(f"POINT({a:.4f}, {d:.4f})" for a, d in corners)
        ra_, dec_ = self.column("ra"), self.column("dec")
        return self.rng.choice([
            f"POLYGON('ICRS', {flat})", f"POLYGON({points})",
            f"REGION('POLYGON {flat.replace(',', '')}')",
            f"BOX({ra}, {dec}, {width}, {height})",
            f"REGION('BOX ICRS {ra} {dec} {width} {height}')",
            f"BOX({self.coordinates()}, {width}, {height})",
            f"BOX('', POINT({self.coordinates()}), {width}, {self.small()})",
            f"POLYGON({ra_} + 0.1, {dec_} * 0.9 + 0.5, "
            f"{ra_} + 0.7, {dec_} / 2, {ra_} - 1, {dec_} / 2 - 5)",
            f"CAST('{flat.replace(',', '')}' AS POLYGON)",
        ])  # fmt: skip

    def of_text(self):
        """Return a geometry of a text in STC-S."""
        ra, dec = self.place_near()
        numbers = " ".join(f"{a:.4f} {d:.4f}" for a, d in ring(self.rng, ra, dec))
        text = self.rng.choice([
            f"POSITION {ra} {dec}", f"Circle ICRS {ra} {dec} {self.radius()}",
            f"BOX {ra} {dec} {self.radius()} {self.radius()}", f"POLYGON ICRS GEOCENTER {numbers}",
        ])  # fmt: skip
        return f"REGION('{text}')"

    def figure(self):
        """Return a circle or polygon."""
        return self.one(self.circle, self.polygon)

    def moc(self):
        """Return a coverage map."""
        order = self.rng.randint(0, 3)
        cells = sorted(self.rng.sample(range(12 * 4**order), min(12, self.rng.randint(1, 30))))
        return f"MOC('{order}/{' '.join(map(str, cells))}')"

    def call_polygon(self):
        """Return POLYGON, of points or coordinates."""
        return self.polygon()

    def call_circle(self):
        """Return CIRCLE."""
        return self.circle()

    def call_box(self):
        """Return BOX."""
        return self.polygon()

    call_moc = moc

    def region(self):
        """Return a circle, a polygon or a coverage map."""
        return self.one(self.circle, self.polygon, self.polygon, self.moc)

    def shape(self):
        """Return any geometry."""
        return self.one(self.circle, self.polygon, self.point, self.moc)

    def on_the_sky(self):
        """Return a condition on positions."""
        position = f"POINT({self.coordinates()})"
        ra, dec = self.place_near()
        forms = [
            lambda: f"CONTAINS({position}, {self.region()}) = 1",
            lambda: f"1 = CONTAINS({position}, {self.region()})",
            lambda: f"CONTAINS({position}, {self.region()}) = 0",
            lambda: f"INTERSECTS({self.region()}, {position}) = 1",
            lambda: f"INTERSECTS({self.figure()}, {self.figure()}) = {self.rng.randint(0, 1)}",
            lambda: f"CONTAINS({self.figure()}, {self.figure()}) = {self.rng.randint(0, 1)}",
            lambda: (
                f"COORD2(ivo_geom_transform('{self.rng.choice(_FRAMES)}', "
                f"'{self.rng.choice(_FRAMES)}', {position})) > {self.rng.uniform(-90, 90):.4f}"
            ),
            lambda: f"DISTANCE({self.coordinates()}, {ra}, {dec}) < {self.radius()}",
            lambda: f"DISTANCE({position}, POINT({ra}, {dec})) >= {self.radius()}",
        ]
        return self.rng.choice(forms)()

    def of_call(self):
        """Return the call of a function that gives numbers, beside a number that it never is."""
        function = self.rng.choice([
            f for f in FUNCTIONS.values()
            if all(s.result in _NUMBERS and "any" not in s.arguments for s in f.signatures)
            and f.name != "ivo_geom_transform"
        ])  # fmt: skip
        call = self.of(function)
        if {s.result for s in function.signatures} == {Type.INTEGER}:
            return f"{call} = {self.rng.randint(0, 1)}"
        if function.name == "ivo_epoch_prop_pos":
            call = f"COORD1({call})"
        scale = 10 ** self.rng.uniform(-1, 2)
        return f"{call} {self.rng.choice('<>')} {self.rng.uniform(-1, 1) * scale:.9f}"


def ring(rng, ra, dec):
    """Return three corners or more on a circle around a place: a polygon without dents."""
    size = math.tan(math.radians(10 ** rng.uniform(-1, 1.4)))
    turns = sorted(rng.sample(range(36), rng.randint(3, 6)))
    while max(b - a for a, b in zip(turns, [*turns[1:], turns[0] + 36], strict=True)) >= 17:
        turns = sorted(rng.sample(range(36), rng.randint(3, 6)))
    angles = np.radians([turn * 10 + 3 for turn in turns])
    return list(zip(*around(ra, dec, size * np.cos(angles), size * np.sin(angles)), strict=True))
