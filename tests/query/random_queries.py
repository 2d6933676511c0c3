"""Random statements over the table of `tests.query.world`, as text, from a seed.

What they hold is counted, so that a run can show which productions it has tried how often.
"""

from __future__ import annotations

import collections
import random

NUMBERS = {
    "gMag": (14.0, 24.0), "rMag": (14.0, 24.0), "period": (0.0, 2.0), "ra": (0.0, 360.0),
    "dec": (-90.0, 90.0),
}  # fmt: skip
WHOLE = {"nObs": (-3, 12), "visit": (-(2**62), 2**62)}
IDS = "objectId"
TEXTS = ("name", "kind")
WORDS = ("", "a", "star", "Star", "it's", "galaxy", "näh", "RR Lyr", "100%", "a_b")
PATTERNS = ("%", "s%", "%a%", "S_ar", "_%", "star", "%''s", "RR%r")
COMPARISONS = ("=", "<>", "<", "<=", ">", ">=")


class Statements:
    """Makes statements.

    Parameters
    ----------
    seed : int
    table : str
        What they ask.
    ids : list of int
        Of rows that are there.
    regions : bool
        Whether conditions on the sky are among them.
    python : bool
        Whether CASE and NULLIF are.
    """

    def __init__(self, seed, table, ids, *, regions=True, python=True):
        self.rng = random.Random(seed)
        self.table, self.ids = table, ids
        self.regions, self.python = regions, python
        self.counts = collections.Counter()

    def _did(self, what):
        self.counts[what] += 1

    def _chosen(self, **weights):
        name = self.rng.choices(list(weights), list(weights.values()))[0]
        self._did(name)
        return name

    def statement(self):
        """Return a statement; what stands behind WHERE is its last part but for ORDER BY."""
        return self.grouped() if self.rng.random() < 0.35 else self.plain()

    def plain(self):
        """Return a statement without groups."""
        rng = self.rng
        items = [f"{self.value(2)} AS v{i}" for i in range(rng.randint(1, 4))]
        distinct = ""
        if rng.random() < 0.2:
            self._did("DISTINCT")
            distinct = "DISTINCT "
            items = [f"{self.simple()} AS v{i}" for i in range(rng.randint(1, 2))]
        where = self.where()
        tail = top = ""
        if rng.random() < 0.4:
            self._did("ORDER BY")
            if distinct:
                tail = f" ORDER BY {rng.choice(['v0', '1 DESC', 'v0 ASC'])}"
            else:
                tail = f" ORDER BY {self.term()} {rng.choice(['', 'ASC', 'DESC'])}, {IDS}"
                if rng.random() < 0.5:
                    self._did("TOP")
                    top = f"TOP {rng.randint(0, 30)} "
                if rng.random() < 0.3:
                    self._did("OFFSET")
                    tail += f" OFFSET {rng.randint(0, 20)}"
        return f"SELECT {distinct}{top}{', '.join(items)} FROM {self.table}{where}{tail}"  # noqa: S608

    def term(self):
        """Return what rows are ordered by; no constant may be, but the place of a column."""
        text = self.value(1)
        while text[0].isdigit() or text.startswith("'") or text == "NULL":
            text = self.value(1)
        return text

    def grouped(self):
        """Return a statement with groups."""
        rng = self.rng
        keys = [self.key() for _ in range(rng.randint(0, 2))]
        items = [f"{key} AS k{i}" for i, key in enumerate(keys)]
        items += [f"{self.aggregate()} AS a{i}" for i in range(rng.randint(1, 3))]
        text = f"SELECT {', '.join(items)} FROM {self.table}{self.where()}"  # noqa: S608
        if keys:
            self._did("GROUP BY")
            text += f" GROUP BY {', '.join(keys)}"
        if rng.random() < 0.3:
            self._did("HAVING")
            limit = rng.choice(["COUNT(*) > 1", "MAX(rMag) > 19", "NOT (SUM(nObs) < 40)"])
            text += f" HAVING {limit}"
        if keys and rng.random() < 0.4:
            self._did("ORDER BY a group")
            order = ", ".join(f"k{i} {rng.choice(['', 'DESC'])}" for i in range(len(keys)))
            text += f" ORDER BY {order}"
        return text

    def plain_rows(self):
        """Return a statement whose rows are those of its condition."""
        items = f"{IDS}, {self.value(1)} AS v"
        return f"SELECT {items} FROM {self.table}{self.where()}"  # noqa: S608

    def key(self):
        """Return what groups are made by."""
        return self.rng.choice(
            ["nObs", "kind", "FLOOR(rMag)", "MOD(nObs, 3)", "UPPER(kind)", "nObs + 1"]
        )

    def aggregate(self):
        """Return an aggregate, or a value made of some."""
        match self._chosen(count=3, extreme=3, total=2, of_two=1, distinct_values=1):
            case "count":
                return self.rng.choice(["COUNT(*)", f"COUNT({self.simple()})"])
            case "extreme":
                return f"{self.rng.choice(['MIN', 'MAX'])}({self.simple()})"
            case "total":
                return f"{self.rng.choice(['SUM', 'AVG'])}({self.number(1)})"
            case "distinct_values":
                return f"COUNT(DISTINCT {self.rng.choice(['nObs', 'kind', 'gMag'])})"
            case _:
                return "MAX(rMag) - MIN(rMag)"

    def where(self):
        """Return WHERE with a condition, or nothing."""
        return f" WHERE {self.condition(3)}" if self.rng.random() < 0.85 else ""

    def simple(self):
        """Return a column."""
        return self.rng.choice([*NUMBERS, *WHOLE, IDS, *TEXTS])

    def value(self, depth):
        """Return a value of any type."""
        kind = self._chosen(number=5, text=2, id=1)
        if kind == "number":
            return self.number(depth)
        return IDS if kind == "id" else self.text(depth)

    def number(self, depth):
        """Return a number."""
        rng = self.rng
        if depth <= 0 or rng.random() < 0.25:
            return rng.choice([*NUMBERS, "nObs", self.constant(), str(rng.randint(0, 20))])
        kinds = {"arithmetic": 4, "function": 3, "coalesce": 1, "whole_numbers": 2, "cast": 1}
        if self.python:
            kinds |= {"case": 1, "nullif": 1}
        match self._chosen(**kinds):
            case "arithmetic":
                left, right = self.number(depth - 1), self.number(depth - 1)
                operator = rng.choice("+-*/")
                if operator == "/":  # so that both sides are never whole: see whole_numbers
                    right = f"({right} + 0.5)"
                return f"({left} {operator} {right})"
            case "whole_numbers":
                return f"(nObs {rng.choice('+-*/')} {rng.choice([2, 3, 7, 'nObs'])})".replace(
                    "/ ", "+ " if self.python else "/ "
                )
            case "function":
                return self.function(depth)
            case "coalesce":
                return f"COALESCE({self.number(0)}, {self.constant()})"
            case "cast":
                target = rng.choice(["DOUBLE PRECISION", "BIGINT", "REAL"])
                return f"CAST({rng.choice(['nObs', 'dec'])} AS {target})"
            case "nullif":
                return f"NULLIF(nObs, {rng.randint(0, 4)})"
            case _:
                return (
                    f"CASE WHEN {self.condition(depth - 1)} THEN {self.constant()} "
                    f"ELSE {self.number(0)} END"
                )

    def function(self, depth):
        """Return the call of a function of numbers."""
        name = self.rng.choice(
            ["ABS", "SQRT", "EXP", "LOG", "LOG10", "FLOOR", "CEILING", "RADIANS", "DEGREES", "SIN",
             "COS", "POWER", "MOD", "ATAN2", "ROUND"]
        )  # fmt: skip
        self._did(name)
        if name in ("SIN", "COS"):
            return f"{name}(RADIANS(dec))"
        if name == "RADIANS":
            return f"RADIANS({self.rng.choice(['ra', 'dec'])})"
        if name == "DEGREES":
            return "DEGREES(ATAN2(1, 2))"
        if name == "POWER":
            return f"POWER({self.rng.choice(['rMag', 'nObs'])}, {self.rng.choice(['2', '0.5'])})"
        if name == "MOD":
            return f"MOD(nObs, {self.rng.randint(1, 5)})"
        if name == "ATAN2":
            return "ATAN2(nObs, 3)"
        if name == "ROUND":
            return f"ROUND({self.rng.choice(['rMag', 'dec'])}, {self.rng.randint(-1, 3)})"
        if name == "EXP":
            return "EXP(-period)"
        return f"{name}({self.number(depth - 1)})"

    def constant(self):
        """Return a number with a point."""
        return f"{self.rng.uniform(0, 30):.3f}"

    def text(self, depth):
        """Return a text."""
        rng = self.rng
        if depth <= 0 or rng.random() < 0.5:
            return rng.choice([*TEXTS, self.word()])
        match self._chosen(letters=2, joined=1, first=1):
            case "letters":
                return f"{rng.choice(['UPPER', 'LOWER'])}({self.text(depth - 1)})"
            case "joined":
                return f"{self.text(depth - 1)} || {self.word()}"
            case _:
                return f"COALESCE({rng.choice(TEXTS)}, {self.word()})"

    def word(self):
        """Return a text as it is written."""
        return "'" + self.rng.choice(WORDS).replace("'", "''") + "'"

    def condition(self, depth):
        """Return a condition."""
        rng = self.rng
        if depth > 0 and rng.random() < 0.45:
            match self._chosen(AND=3, OR=3, NOT=2):
                case "NOT":
                    return f"NOT ({self.condition(depth - 1)})"
                case word:
                    parts = [self.condition(depth - 1) for _ in range(rng.randint(2, 3))]
                    return "(" + f" {word} ".join(parts) + ")"
        kinds = {"compare": 4, "between": 2, "in_": 2, "like": 1, "is_null": 2, "by_id": 2,
                 "texts": 1}  # fmt: skip
        if self.regions:
            kinds["on_the_sky"] = 3
        return getattr(self, self._chosen(**kinds))(depth)

    def compare(self, depth):
        """Return a comparison of numbers."""
        name, (low, high) = self.rng.choice([*NUMBERS.items(), *WHOLE.items()])
        operator = self.rng.choice(COMPARISONS)
        if self.rng.random() < 0.3:
            return f"{self.number(1)} {operator} {self.number(1)}"
        if name in WHOLE:
            return f"{name} {operator} {self.rng.randint(low, high)}"
        return f"{name} {operator} {self.rng.uniform(low, high):.3f}"

    def texts(self, depth):
        """Return a comparison of texts."""
        return f"{self.rng.choice(TEXTS)} {self.rng.choice(COMPARISONS)} {self.word()}"

    def between(self, depth):
        """Return BETWEEN."""
        name, (low, high) = self.rng.choice(list(NUMBERS.items()))
        a, b = sorted(self.rng.uniform(low, high) for _ in range(2))
        word = self.rng.choice(["BETWEEN", "NOT BETWEEN"])
        return f"{name} {word} {a:.2f} AND {b:.2f}"

    def in_(self, depth):
        """Return IN with constants."""
        word = self.rng.choice(["IN", "NOT IN"])
        if self.rng.random() < 0.5:
            return f"kind {word} ({self.word()}, {self.word()})"
        values = ", ".join(str(self.rng.randint(-3, 12)) for _ in range(3))
        return f"nObs {word} ({values})"

    def like(self, depth):
        """Return LIKE or ILIKE."""
        word = self.rng.choice(["LIKE", "NOT LIKE", "ILIKE"])
        return f"{self.rng.choice(TEXTS)} {word} '{self.rng.choice(PATTERNS)}'"

    def is_null(self, depth):
        """Return IS NULL of a column."""
        return f"{self.simple()} IS {self.rng.choice(['', 'NOT '])}NULL"

    def by_id(self, depth):
        """Return a condition on ids, of which some are there."""
        some = [str(self.rng.choice(self.ids)) for _ in range(self.rng.randint(1, 4))]
        if self.rng.random() < 0.5:
            return f"{IDS} {self.rng.choice(['=', '<>', '>='])} {some[0]}"
        return f"{IDS} IN ({', '.join(some)}, 5)"

    def on_the_sky(self, depth):
        """Return a condition on positions."""
        ra, dec = self.rng.choice([(0.0, 90.0), (359.99, 12.0), (45.0, 0.0), (180.0, -41.8103)])
        radius = 10 ** self.rng.uniform(-2.5, 1.5)
        match self._chosen(cone=2, distance=2, outside=1):
            case "cone":
                return f"CONTAINS(POINT(ra, dec), CIRCLE({ra}, {dec}, {radius:.4f})) = 1"
            case "distance":
                return f"DISTANCE(ra, dec, {ra}, {dec}) < {radius:.4f}"
            case _:
                return f"0 = CONTAINS(POINT(ra, dec), CIRCLE({ra}, {dec}, {radius:.4f}))"
