"""Random queries inside of expressions: as values, and in EXISTS, IN, ALL and ANY."""

from __future__ import annotations

__all__ = ["Inside"]


class Inside:
    """Makes queries; see `random_statements.JoinedValues`, which it is a part of."""

    def condition(self, depth=2):
        """Return a condition, some with a query inside."""
        if self._one_more(0.15):
            return self.of_query()
        return super().condition(depth)

    def value(self, depth=2):
        """Return what can be selected, or the one value of a query."""
        if self._one_more(0.12):
            return self.scalar(self.rng.choice(["number", "whole", "text", "id"]))
        return super().value(depth)

    def _one_more(self, share):
        """Return whether one more query may be made."""
        if (
            self.statements.queries
            and len(self.levels) < 3
            and self.rng.random() < share * self.statements.queries
        ):
            self.statements.queries -= 1
            return True
        return False

    def of_kind(self, kind):
        """Return a value that is calculated exactly."""
        if kind == "id":
            return self.column("objectId")
        return {"number": self.number, "whole": self.whole, "text": self.text}[kind](1)

    def exactly(self):
        """Return a value that is calculated exactly, of any kind."""
        if self._one_more(0.12):
            return self.scalar(self.rng.choice(["number", "whole", "text", "id"]))
        return self.of_kind(self.rng.choice(["id", "number", "whole", "text"]))

    def of_query(self):
        """Return a condition with a query in it."""
        rng = self.rng
        kind = rng.choice(["id", "id", "number", "whole", "text"])
        one = self.of_kind(kind)
        form = rng.choice(["exists", "exists", "in", "in", "all", "scalar"])
        if form == "exists":
            return f"{rng.choice(['', 'NOT '])}EXISTS ({self.rows(rng.choice([kind, '*']))})"
        if form == "in":
            return f"{one} {rng.choice(['', 'NOT '])}IN ({self.rows(kind)})"
        if form == "all":
            word = rng.choice(["ALL", "ANY", "SOME"])
            return f"{one} {self.operator()} {word} ({self.rows(kind)})"
        sides = [one, self.scalar(kind)]
        rng.shuffle(sides)
        return f"{sides[0]} {self.operator()} {sides[1]}"

    def rows(self, kind):
        """Return a query with a column of a kind, or with all columns."""
        rng = self.rng
        if kind != "*" and rng.random() < 0.1:
            parts = [self._plain_rows(kind, first=False) for _ in range(2)]
            return f" {rng.choice(['UNION', 'UNION ALL', 'EXCEPT', 'INTERSECT'])} ".join(parts)
        return self._plain_rows(kind)

    def _plain_rows(self, kind, *, first=True):
        rng = self.rng
        found, make, where = self._inner()
        item = "*" if kind == "*" else make.of_kind(kind)
        text = f"SELECT {item} FROM {found.text}{where}"  # noqa: S608
        if kind in ("*", "id") and rng.random() < 0.1:
            values = self.statements.values([found])
            own = values.column(*found.sides[0].asked.texts)
            item = "COUNT(*)" if kind == "*" else "MAX({})".format(values.column("objectId"))
            return f"SELECT {item} FROM {found.text}{where} GROUP BY {own}"  # noqa: S608
        if kind != "*" and first and rng.random() < 0.1:
            text = text.replace("SELECT", f"SELECT TOP {rng.randint(0, 5)}", 1)
            text += f" ORDER BY 1 {rng.choice(['', 'DESC'])}"
        return text

    def scalar(self, kind):
        """Return a query in parentheses that has one value at most."""
        rng = self.rng
        found, make, where = self._inner()
        own = self.statements.values([found])
        if rng.random() < 0.2:
            text = f"SELECT TOP 1 {make.of_kind(kind)} FROM {found.text}{where}"  # noqa: S608
            return f"({text} ORDER BY 1 {rng.choice(['', 'DESC'])})"
        if rng.random() < 0.2:  # of one id there is one row
            one = self.statements.froms.only(rng.choice(["survey", "other"]))
            alias, outer = one.sides[0].alias, rng.choice(self.levels[0].sides).alias
            value = self.statements.values([one]).of_kind(kind)
            by_id = f"{alias}.objectId = {outer}.objectId"
            return f"(SELECT {value} FROM {one.text} WHERE {by_id})"  # noqa: S608
        word = rng.choice(["MAX", "MIN"])
        item = {
            "id": lambda: f"{word}({own.column('objectId')})",
            "number": lambda: rng.choice([f"{word}({own.number(1)})", f"{word}({own.measured()})"]),
            "whole": lambda: rng.choice(["COUNT(*)", f"COUNT({own.measured()})",
                                         f"{word}({own.small()})", f"SUM({own.small()})",
                                         f"COUNT(DISTINCT {own.text(0)})"]),
            "text": lambda: f"{word}({own.text(1)})",
        }[kind]()  # fmt: skip
        return f"(SELECT {item} FROM {found.text}{where})"  # noqa: S608

    def of_group(self, keys):
        """Return a condition on a group with a query in it, or nothing."""
        rng = self.rng
        if not self._one_more(0.4):
            return ""
        found = self.statements.froms.inner(0)
        own = self.statements.values([found])
        plain = [key for key in keys if key.replace(".", "").isidentifier() and "." in key]
        outer = next((side for level in self.levels for side in level.sides
                      for key in plain if key.startswith(f"{side.alias}.")
                      and key.partition(".")[2] in side.asked.texts), None)  # fmt: skip
        where = f" WHERE {own.condition(1)}" if rng.random() < 0.4 else ""
        if outer is not None:
            key = next(k for k in plain if k.startswith(f"{outer.alias}."))
            where += f"{' AND' if where else ' WHERE'} {own.column(*own.asked.texts)} = {key}"
        return rng.choice(
            [
                f"COUNT(*) > (SELECT COUNT(*) FROM {found.text}{where})",  # noqa: S608
                f"EXISTS (SELECT * FROM {found.text}{where})",  # noqa: S608
                f"MAX({self.measured()}) > ANY (SELECT {own.number(1)} FROM {found.text}{where})",  # noqa: S608
            ]
        )

    def _inner(self):
        """Return the FROM of a query inside, what makes values there, and its WHERE."""
        rng, froms = self.rng, self.statements.froms
        correlated = rng.random() < 0.75
        outer = self.levels if correlated else []
        found = froms.inner(0.12, tuple(outer))
        make = self.statements.values([found, *outer])
        conditions = []
        if correlated and rng.random() < 0.7:
            side = rng.choice(self.levels[0].sides)
            one = rng.choice(found.sides)
            conditions.append(self._between(one, side))
        if rng.random() < 0.5:
            conditions.append(make.condition(1))
        rng.shuffle(conditions)
        return found, make, f" WHERE {' AND '.join(conditions)}" if conditions else ""

    def _between(self, one, two):
        """Return a condition between a row inside and one outside."""
        froms = self.statements.froms
        places = all("ra" in side.columns for side in (one, two))
        kinds = [froms.by_id] * 3 + [froms.by_text, froms.by_number, froms.by_size]
        return self.rng.choice(kinds + [froms.near] * 3 * places)(one, two)
