"""Random values and conditions, as text: numbers, texts, times, ids, tests of them.

What is compared for being equal, rounded or grouped by is calculated exactly (`number`, `whole`):
sines and logarithms may differ in their last digit from those of the oracle, so they are selected,
or compared with numbers that none of them is.
"""

from __future__ import annotations

import random
from dataclasses import dataclass

from tests.query.random_calls import Calls

__all__ = ["EPOCHS", "OBJECTS", "Asked", "Values"]


@dataclass(frozen=True)
class Asked:
    """The columns of a table, by what they hold."""

    name: str
    doubles: tuple[str, ...] = ()
    reals: tuple[str, ...] = ()
    small: tuple[str, ...] = ()
    """Whole numbers from -30 to 30."""
    large: tuple[str, ...] = ()
    texts: tuple[str, ...] = ()
    times: tuple[str, ...] = ()
    flags: tuple[str, ...] = ()
    nested: str = ""
    id: str = "objectId"


OBJECTS = Asked(
    "survey", ("rMag", "period"), ("gMag",), ("nObs", "size"), ("visit",), ("name", "kind"),
    ("observed",), ("good",), "lc",
)  # fmt: skip
EPOCHS = Asked("survey.lc", reals=("flux", "fluxErr"), small=("flags",), texts=("band",))

LIMITS = {
    "gMag": (14.0, 24.0), "rMag": (14.0, 24.0), "period": (0.0, 2.0), "ra": (0.0, 360.0),
    "dec": (-90.0, 90.0), "flux": (0.0, 2000.0), "fluxErr": (10.0, 20.0), "nObs": (-3, 12),
    "size": (-30, 30), "flags": (0, 3), "visit": (-(2**62), 2**62),
}  # fmt: skip
_RESERVED = {"size"}
WORDS = ("", "a", "star", "Star", "it's", "galaxy", "näh", "NÄH", "RR Lyr", "100%", "a_b", "r", "g",
         "12", " 7 ", "-3.5", "1e2", "#r#Star#")  # fmt: skip
PATTERNS = ("%", "s%", "%a%", "S_ar", "_%", "star", "%'%", "RR%r", "%%", "_", "", "[a-z]%", "n\\_h",
            "NÄ%", "%.%", "obj __", "obj%1", "g", "%ä%", "(%")  # fmt: skip
COMPARISONS = ("=", "<>", "<", "<=", ">", ">=")


class Values(Calls):
    """Makes values and conditions.

    Parameters
    ----------
    rng : random.Random
    asked : Asked
    ids : list of int
        Of rows that are there.
    strict : bool
        Whether only what ADQL has is written.
    alias : str
        What the table is called, or nothing.
    anchor : tuple of float
        What most positions are close to.
    """

    def __init__(
        self,
        rng: random.Random,
        asked: Asked,
        ids: list[int],
        *,
        strict: bool,
        alias: str,
        anchor: tuple[float, float],
    ) -> None:
        self.rng, self.asked, self.ids, self.strict, self.alias = rng, asked, ids, strict, alias
        self.anchor = anchor

    def one(self, *makers):
        """Return what one of several methods makes."""
        return self.rng.choice(makers)()

    def column(self, *names):
        """Return one of several columns, in one of the ways to write it."""
        name = self.rng.choice(names)
        quoted = name in _RESERVED or self.rng.random() < 0.1
        text = f'"{name}"' if quoted else name
        before = self.alias or self.asked.name
        return f"{before}.{text}" if self.rng.random() < 0.15 else text

    def simple(self):
        """Return a column that can be compared, but for those that are true or false."""
        asked = self.asked
        names = (*asked.doubles, *asked.reals, *asked.small, *asked.large, *asked.texts)
        return self.column(*names, *asked.times, asked.id, "ra", "dec")

    def measured(self):
        """Return a column of numbers that are not too large for sums."""
        return self.column(*self.asked.doubles, *self.asked.reals, *self.asked.small)

    def constant(self):
        """Return a number with a point."""
        number = self.rng.uniform(0, 30)
        forms = [f"{number:.3f}", f"{number:.7f}", f"{number:.2E}", f"{int(number)}.", ".5"]
        return self.rng.choice(forms)

    def digits(self, low=0, high=20):
        """Return a whole number, hexadecimal too."""
        number = self.rng.randint(low, high)
        return hex(number) if not self.strict and self.rng.random() < 0.1 else str(number)

    def word(self):
        """Return a text as it is written."""
        return "'" + self.rng.choice(WORDS).replace("'", "''") + "'"

    # values

    def value(self, depth=2):
        """Return what can be selected."""
        kinds = {
            self.number: 3, self.whole: 2, self.text: 2, self.call: 6, self.time: 0.5,
            self.identity: 0.7, self.of_epochs: 1, self.place: 0.5, self.single: 0.4,
            self.in_unit: 0.3,
        }  # fmt: skip
        if not self.strict:
            kinds[self.tested] = 0.4
        make = self.rng.choices(list(kinds), list(kinds.values()))[0]
        return make(depth)

    def comparable(self, depth=2):
        """Return what rows can be ordered by; a whole number would be the place of a column."""
        text = self.one(
            lambda: self.number(depth), lambda: self.text(depth), self.simple,
            lambda: self.identity(depth), lambda: f"{self.whole(depth)} + {self.small()}",
        )  # fmt: skip
        return (
            f"{text} || 'a'" if text.startswith("'") else f"({text} + 0.5)" if _bare(text) else text
        )

    def place(self, depth=2):
        """Return a coordinate."""
        return self.column("ra", "dec")

    def in_unit(self, depth=2):
        """Return a coordinate in another unit."""
        return f"IN_UNIT({self.place()}, '{self.rng.choice(['rad', 'arcsec', 'arcmin', 'mas'])}')"

    def tested(self, depth=2):
        """Return a condition as a value."""
        return f"({self.condition(depth - 1)})"

    def single(self, depth=2):
        """Return a number in single precision."""
        real = self.column(*self.asked.reals)
        other = self.column(*self.asked.reals)
        return self.rng.choice([
            real, f"{real} + {other}", f"-{real}", f"NULLIF({real}, 19.5)" if not self.strict
            else f"({real} * {other})", f"CAST({self.column('dec')} AS REAL)",
        ])  # fmt: skip

    def number(self, depth=2):
        """Return a number with a point, calculated exactly."""
        if depth <= 0 or self.rng.random() < 0.25:
            return self.one(
                lambda: self.column(*self.asked.doubles, *self.asked.reals), self.constant
            )
        return self.one(
            lambda: self.arithmetic(depth), lambda: self.arithmetic(depth),
            lambda: self.exact(depth), lambda: self.cast_number(depth),
            lambda: f"COALESCE({self.number(0)}, {self.number(0)}, {self.constant()})",
            lambda: self.case(self.number, depth), lambda: f"(-{self.number(depth - 1)})",
            lambda: f"(+{self.number(0)})",
        )  # fmt: skip

    def arithmetic(self, depth):
        """Return a sum, difference, product or quotient."""
        left, right = (
            self.number(depth - 1),
            self.one(lambda: self.number(depth - 1), lambda: self.whole(depth - 1)),
        )
        if self.rng.random() < 0.3:
            left, right = right, left
        return f"({left} {self.rng.choice('+-*/')} {right})"

    def exact(self, depth):
        """Return a function of numbers that rounds as the processor does, or not at all."""
        name = self.rng.choice(["ABS", "SQRT", "FLOOR", "CEILING", "TRUNCATE"])
        return f"{name}({self.number(depth - 1)})"

    def cast_number(self, depth):
        """Return a number that was made one with a point."""
        operand = self.one(
            lambda: self.whole(depth - 1), lambda: self.number(depth - 1), lambda: self.text(0)
        )  # fmt: skip
        return f"{self.cast_word()}({operand} AS DOUBLE PRECISION)"

    def cast_word(self):
        """Return CAST, or what gives NULL for what does not fit."""
        return "TRY_CAST" if not self.strict and self.rng.random() < 0.3 else "CAST"

    def whole(self, depth=2):
        """Return a whole number that is not large."""
        asked, rng = self.asked, self.rng
        if depth <= 0 or rng.random() < 0.25:
            return self.one(lambda: self.column(*asked.small), self.digits)
        return self.one(
            lambda: self.integers(depth), lambda: self.integers(depth),
            lambda: f"MOD({self.whole(depth - 1)}, {self.whole(0)})",
            lambda: f"MOD({self.column(asked.id)}, {self.digits(1, 9)})",
            lambda: f"BITAND({self.identity(0)}, {self.digits(0, 31)})",
            lambda: f"ABS({self.whole(depth - 1)})",
            lambda: f"COALESCE({self.whole(0)}, {self.digits()})",
            lambda: self.case(self.whole, depth),
            lambda: f"(- {self.whole(depth - 1)})",
            lambda: self.cast_whole(depth),
            self.flag_number,
        )  # fmt: skip

    def integers(self, depth):
        """Return + - * of whole numbers, and / where ADQL's is meant."""
        operator = self.rng.choice("+-*/" if self.strict else "+-*")
        return f"({self.whole(depth - 1)} {operator} {self.whole(depth - 1)})"

    def cast_whole(self, depth):
        """Return a whole number that was made one."""
        operand = self.one(
            lambda: self.whole(depth - 1), lambda: self.column(*self.asked.reals),
            lambda: self.column("dec", "ra"), lambda: self.text(0), self.constant,
        )  # fmt: skip
        target = self.rng.choice(["SMALLINT", "INTEGER", "BIGINT"])
        word = self.cast_word()
        if word == "TRY_CAST" and self.asked.large and self.rng.random() < 0.4:
            return f"TRY_CAST({self.column(*self.asked.large)} AS SMALLINT)"
        if target == "SMALLINT" and not operand.startswith("'"):
            operand = self.one(lambda: self.column(*self.asked.small), lambda: self.column("dec"))
        return f"{word}({operand} AS {target})"

    def flag_number(self, depth=2):
        """Return 1 or 0 of a column that is true or false, where there is one."""
        flags = self.asked.flags
        return f"CAST({self.column(*flags)} AS INTEGER)" if flags else self.digits()

    def identity(self, depth=2):
        """Return an id, or what stays an unsigned number."""
        name = self.column(self.asked.id)
        forms = [name, f"ABS({name})", f"COALESCE({name}, 7)", f"({name} + {self.digits()})"]
        forms.append(f"CASE WHEN {self.condition(0)} THEN {name} END")
        if self.strict:
            forms.append(f"({name} / {self.digits(1, 5)})")
        if depth > 0:  # these are signed
            forms += [f"({name} - 9223372036854775808)", f"-MOD({name}, 100)"]
        return self.rng.choice(forms)

    def text(self, depth=2):
        """Return a text."""
        rng = self.rng
        if depth <= 0 or rng.random() < 0.4:
            return self.one(lambda: self.column(*self.asked.texts), self.word)
        return self.one(
            lambda: f"{rng.choice(['UPPER', 'LOWER'])}({self.text(depth - 1)})",
            lambda: f"({self.text(depth - 1)} || {self.text(0)})",
            lambda: f"COALESCE({self.text(0)}, {self.word()})",
            lambda: f"CAST({self.text(depth - 1)} AS {self.text_type()})",
            lambda: f"CAST({self.whole(depth - 1)} AS VARCHAR({rng.randint(1, 9)}))",
            lambda: f"CAST({self.column(self.asked.id)} AS VARCHAR)",
            lambda: f"CAST({self.time()} AS VARCHAR)",
            lambda: self.case(self.text, depth),
            lambda: f"NULLIF({self.text(0)}, {self.word()})" if not self.strict else self.word(),
        )  # fmt: skip

    def text_type(self):
        """Return a type of texts; in Python's dialect CHAR alone has any length."""
        return self.rng.choice(["CHAR(2)", "VARCHAR", "CHAR" if self.strict else "CHAR(3)"])

    def time(self, depth=2):
        """Return a time."""
        written = f"CAST({self.moment()} AS TIMESTAMP)"
        return self.rng.choice([self.column(*self.asked.times), written]) if self.asked.times else (
            written
        )  # fmt: skip

    def moment(self):
        """Return a time as it is written."""
        rng = self.rng
        return f"'2025-0{rng.randint(1, 3)}-{rng.randint(1, 28):02}T{rng.randint(0, 23):02}:30:00'"

    def case(self, make, depth):
        """Return CASE between values of one kind."""
        first, other = make(0), make(0)
        if make == self.number:
            other = self.constant()
        if self.rng.random() < 0.4:
            tests = f"{self.column(*self.asked.small)} WHEN {self.digits()} THEN {first}"
            return f"CASE {tests} WHEN {self.digits()} THEN {make(0)} ELSE {other} END"
        return f"CASE WHEN {self.condition(depth - 1)} THEN {first} ELSE {other} END"

    def of_epochs(self, depth=2):
        """Return an aggregate of the epochs of an object; a number where there are none."""
        if not self.asked.nested:
            return self.constant()
        argument = self.rng.choice(["lc.flux", "lc.mjd", "lc.fluxErr", "lc.flux / lc.fluxErr"])
        names = ["COUNT", "MIN", "MAX", "AVG", "SUM"]
        names += (
            ["scisql_median"] if self.strict else ["MEDIAN", "STDDEV", "VARIANCE", "FIRST", "LAST"]
        )
        forms = [
            f"{self.rng.choice(names)}({argument})", "COUNT(DISTINCT lc.band)", "MAX(lc.band)",
            f"scisql_percentile({argument}, {self.rng.randint(0, 100)})", "SUM(lc.flags)",
            "MAX(lc.mjd) - MIN(lc.mjd)", self.first_or_last(argument),
        ]  # fmt: skip
        return self.rng.choice(forms)

    def first_or_last(self, argument):
        """Return the value of the first or last epoch; in ADQL, which has none, another."""
        return f"{'MIN' if self.strict else self.rng.choice(['FIRST', 'LAST'])}({argument})"

    # conditions

    def condition(self, depth=2):
        """Return a condition."""
        rng = self.rng
        if depth > 0 and rng.random() < 0.5:
            word = rng.choice(["AND", "OR", "NOT"])
            if word == "NOT":
                return f"NOT ({self.condition(depth - 1)})"
            parts = [self.condition(depth - 1) for _ in range(rng.randint(2, 3))]
            return "(" + f" {word} ".join(parts) + ")"
        kinds = [self.compared, self.compared, self.compared_values, self.between, self.among,
                 self.like, self.is_null, self.by_id, self.of_texts, self.of_times, self.on_the_sky,
                 self.on_the_sky, self.of_call, self.of_light_curve, self.of_flag]  # fmt: skip
        return rng.choice(kinds)()

    def operator(self):
        """Return a comparison."""
        return self.rng.choice(COMPARISONS)

    def limit(self, name):
        """Return a number that the values of a column lie around."""
        low, high = LIMITS[name]
        if isinstance(low, int):
            return str(self.rng.randint(low, high))
        return f"{self.rng.uniform(low, high):.3f}"

    def compared(self):
        """Return a column beside a constant."""
        asked = self.asked
        name = self.rng.choice(
            [*asked.doubles, *asked.reals, *asked.small, *asked.large, "ra", "dec"]
        )
        sides = [self.column(name), self.limit(name)]
        if name in asked.small and self.rng.random() < 0.2:
            sides[1] += ".5"
        self.rng.shuffle(sides)
        return f"{sides[0]} {self.operator()} {sides[1]}"

    def compared_values(self):
        """Return two values that are calculated beside each other."""
        sides = [self.one(lambda: self.number(1), lambda: self.whole(1)) for _ in range(2)]
        return f"{sides[0]} {self.operator()} {sides[1]}"

    def between(self):
        """Return BETWEEN."""
        name = self.rng.choice([*self.asked.doubles, *self.asked.reals, *self.asked.small])
        low, high = self.limit(name), self.limit(name)
        if self.rng.random() < 0.8 and float(low) > float(high):
            low, high = high, low
        word = self.rng.choice(["BETWEEN", "NOT BETWEEN"])
        if self.rng.random() < 0.2:
            return f"{self.number(1)} {word} {self.number(1)} AND {self.constant()}"
        return f"{self.column(name)} {word} {low} AND {high}"

    def among(self):
        """Return IN."""
        word = self.rng.choice(["IN", "NOT IN"])
        forms = [
            lambda: f"{self.text(1)} {word} ({self.word()}, {self.word()})",
            lambda: f"{self.column(*self.asked.small)} {word} ({', '.join(self.some_digits())})",
            lambda: f"{self.number(1)} {word} ({self.constant()}, {self.number(1)})",
            lambda: f"{self.whole(1)} {word} ({self.whole(1)}, {self.digits()})",
        ]
        return self.rng.choice(forms)()

    def some_digits(self):
        """Return whole numbers, in ADQL below zero too."""
        return [self.digits(-3, 12) if self.strict else self.digits() for _ in range(3)]

    def like(self):
        """Return LIKE or ILIKE."""
        word = self.rng.choice(["LIKE", "NOT LIKE", "ILIKE", "NOT ILIKE"])
        pattern = "'" + self.rng.choice(PATTERNS).replace("'", "''") + "'"
        if self.rng.random() < 0.1:
            pattern = self.column(*self.asked.texts)
        return f"{self.text(1)} {word} {pattern}"

    def is_null(self):
        """Return IS NULL, in Python's dialect of any value."""
        made = self.simple() if self.strict else self.one(
            self.simple, lambda: self.number(1), lambda: self.text(1), lambda: self.whole(1)
        )  # fmt: skip
        return f"{made} IS {self.rng.choice(['', 'NOT '])}NULL"

    def by_id(self):
        """Return a condition on ids, of which some are there."""
        some = [str(self.rng.choice(self.ids)) for _ in range(self.rng.randint(1, 4))]
        name = self.column(self.asked.id)
        forms = [
            f"{name} {self.operator()} {some[0]}", f"{name} IN ({', '.join(some)}, 5)",
            f"{name} NOT IN ({', '.join(some)})", f"{name} {self.operator()} {self.whole(1)}",
            f"{name} BETWEEN {some[0]} AND {some[-1]}", f"{name} > 1.5", f"{name} >= -1",
            f"{self.identity()} {self.operator()} {self.identity()}",
        ]  # fmt: skip
        if self.asked.large:
            forms.append(f"{self.column(*self.asked.large)} {self.operator()} {name}")
        return self.rng.choice(forms)

    def of_texts(self):
        """Return a comparison of texts."""
        return f"{self.text(1)} {self.operator()} {self.text(1)}"

    def of_times(self):
        """Return a comparison of times."""
        other = self.moment() if self.asked.times else self.time()
        left = self.column(*self.asked.times) if self.asked.times else self.time()
        if self.rng.random() < 0.3 and self.asked.times:
            return f"{left} BETWEEN {self.moment()} AND {self.moment()}"
        return f"{left} {self.operator()} {other}"

    def of_flag(self):
        """Return a condition on a column that is true or false."""
        if not self.asked.flags:
            return self.compared()
        name = self.column(*self.asked.flags)
        forms = [f"{name} = 1", f"{name} <> 0"]
        more = [name, f"{name} = TRUE", f"CAST({self.column(*self.asked.small)} AS BOOLEAN)"]
        return self.rng.choice(forms if self.strict else [*forms, *more])

    def of_light_curve(self):
        """Return a condition on the epochs of an object."""
        if not self.asked.nested:
            return self.compared()
        number = self.rng.choice([f"{self.rng.uniform(0, 2000):.5f}", "3.5", "60017.3"])
        return self.rng.choice([
            f"{self.one('COUNT(lc.flux)'.__str__, 'AVG(lc.flux)'.__str__, 'MAX(lc.flux)'.__str__)}"
            f" {self.operator()} {number}",
            f"COUNT(lc.mjd) {self.operator()} {self.digits()}",
            f"MIN(lc.mjd) > {60000 + self.rng.uniform(0, 40):.4f}",
            f"SUM(lc.flags) {self.operator()} {self.digits()}",
        ])  # fmt: skip


def _bare(text: str) -> bool:
    return text.strip("()x").isalnum() and text.strip("()")[:1].isdigit()
