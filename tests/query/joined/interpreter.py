"""A slow interpreter of statements over several tables, straight from the tree as it is written.

All joins and subqueries are nested loops. Rows of FROM are tuples of dictionaries, one for each
table in it; see `tests.query.oracle` for the values.
"""

from __future__ import annotations

import collections
import functools
from itertools import count

from skyseries.adql import tree
from tests.query.joined.relation import Env, Outer, Relation, Source, no_row
from tests.query.oracle import (
    aggregated,
    all_of,
    any_of,
    calculated,
    compared,
    in_order,
    is_aggregate,
    key_of,
    missing,
    negated,
    written,
)

__all__ = ["Answer", "Interpreter", "SeveralRowsError"]


class SeveralRowsError(Exception):
    """A query that stands for one value has more rows than one."""


class Answer:
    """The rows of a query, and the names of their columns."""

    def __init__(self, names, rows):
        self.names, self.rows = list(names), rows

    def relation(self, name):
        """Return it as a table in FROM; of two columns with one name the second gets ``_2``."""
        names = []
        for one in map(str.lower, self.names):
            free = (f"{one}_{i}" if i > 1 else one for i in count(1))
            names.append(next(n for n in free if n not in names))
        rows = [dict(zip(names, row, strict=True)) for row in self.rows]
        return Relation.of(Source((name,), tuple(names)), rows)


class Interpreter:
    """Answers statements.

    Parameters
    ----------
    tables : dict
        From the parts of a name, in lower case, to the names of the columns and the rows.

    Attributes
    ----------
    correlated : bool
        Whether a query inside of the last statement looked at a row of an outer one.
    """

    def __init__(self, tables):
        self._tables = tables
        self._known = {}
        self.correlated = False

    def answer(self, query):
        """Return the `Answer` to a statement: in its order, else in any."""
        self.correlated, self._known = False, {}
        found = self._query(query, None, {})
        return Answer(found.names, [tuple(map(written, row)) for row in found.rows])

    def _query(self, node, outer, named):
        named = dict(named)
        for one in node.named:
            named[one.name.text.lower()] = self._query(one.query, None, named)
        return self._rows(node.body, node.order_by, node.offset or 0, outer, named)

    def _rows(self, node, order_by, offset, outer, named):
        if isinstance(node, tree.Select):
            return self._select(node, order_by, offset, outer, named)
        if isinstance(node, tree.Query):
            found = self._query(node, outer, named)
        else:
            one, two = (self._rows(n, (), 0, outer, named) for n in (node.left, node.right))
            found = Answer(one.names, _combined(node, *_of_one_kind(one.rows, two.rows)))
        places = [_place(term.value, found.names) for term in order_by]
        _sort(found.rows, order_by, lambda i, row: row[places[i]])
        return Answer(found.names, found.rows[offset:])

    # one SELECT

    def _select(self, node, order_by, offset, outer, named):
        relation = self._from(node, outer, named)
        envs = [Env(relation, row, outer, named) for row in relation.rows]
        if node.where is not None:
            envs = [env for env in envs if self._value(node.where, env) is True]
        outputs = list(self._outputs(node.items, relation))
        names = [name.lower() for name, _ in outputs]
        relation.aliases = {
            i.alias.text.lower(): i.value
            for i in node.items if isinstance(i, tree.Item) and i.alias is not None
        }  # fmt: skip
        parts = [*(i.value for i in node.items if isinstance(i, tree.Item)),
                 *(term.value for term in order_by)]  # fmt: skip
        if node.group_by or node.having or any(self._aggregates(p, relation) for p in parts):
            envs = self._groups(node, relation, envs, outer, named)

        def sorted_by(i, env):
            value = order_by[i].value
            alone = isinstance(value, tree.ColumnRef) and len(value.parts) == 1
            if isinstance(value, tree.Literal) or (alone and value.parts[0].text.lower() in names):
                return outputs[_place(value, names)][1](env)
            return self._value(value, env)

        _sort(envs, order_by, sorted_by)
        rows = [tuple(output(env) for _, output in outputs) for env in envs]
        if node.distinct:
            rows = list({_key(row): row for row in reversed(rows)}.values())[::-1]
        last = None if node.top is None else offset + node.top
        return Answer([name for name, _ in outputs], rows[offset:last])

    def _outputs(self, items, relation):
        for place, item in enumerate(items, 1):
            if isinstance(item, tree.Everything):
                for name, getter in relation.everything(item.qualifier):
                    yield name, lambda env, get=getter: get(env.row)
            else:
                plain = isinstance(item.value, tree.ColumnRef)
                name = item.value.parts[-1].text if plain else f"column_{place}"
                name = item.alias.text if item.alias is not None else name
                yield name, functools.partial(self._value, item.value)

    def _groups(self, node, relation, envs, outer, named):
        groups = {} if node.group_by else {(): envs}
        for env in envs if node.group_by else ():
            key = _key(self._value(term, env) for term in node.group_by)
            groups.setdefault(key, []).append(env)
        found = [
            Env(relation, group[0].row if group else no_row(relation), outer, named, group)
            for group in groups.values()
        ]
        having = node.having
        return [g for g in found if having is None or self._value(having, g) is True]

    def _aggregates(self, node, relation):
        if isinstance(node, tree.Query):
            return False
        if is_aggregate(node) and relation.of_epochs(node) is None:
            return True
        return any(self._aggregates(child, relation) for child in tree.children(node))

    # FROM

    def _from(self, node, outer, named):
        """Return what FROM makes: once, if it does not look outside."""
        if id(node) not in self._known:
            found = Outer(outer)
            relation = self._sources(node.sources, found, named)
            if found.looked_at:
                return relation
            self._known[id(node)] = relation
        relation = self._known[id(node)]
        relation.aliases = {}
        return relation

    def _sources(self, nodes, outer, named):
        found = self._relation(nodes[0], outer, named)
        for node in nodes[1:]:
            right = self._relation(node, outer, named)
            rows = [a + b for a in found.rows for b in right.rows]
            found = found.beside(right)
            found.rows = rows
        return found

    def _relation(self, node, outer, named):
        if isinstance(node, tree.Join):
            return self._join(node, outer, named)
        if isinstance(node, tree.Derived):
            return self._query(node.query, outer, named).relation(node.alias.text.lower())
        parts = tuple(part.text.lower() for part in node.parts)
        alias = parts if node.alias is None else (node.alias.text.lower(),)
        if parts in {(name,) for name in named}:
            return named[parts[0]].relation(alias[-1])
        whole = [name for name in self._tables if name[-len(parts):] == parts]  # fmt: skip
        name = min(whole, key=len)
        names, rows = self._tables[name]
        return Relation.of(Source(name if node.alias is None else alias, names), rows)

    def _join(self, node, outer, named):
        left, right = (self._relation(n, outer, named) for n in (node.left, node.right))
        joined, pairs = left.joined(node, right)

        def together(a, b):
            if not all(compared("=", one(a), two(b)) is True for one, two in pairs):
                return False
            if node.on is None:
                return True
            return self._value(node.on, Env(joined, a + b, outer, named)) is True

        found = [[together(a, b) for b in right.rows] for a in left.rows]
        rows = [
            a + b
            for a, line in zip(left.rows, found, strict=True)
            for b, there in zip(right.rows, line, strict=True) if there
        ]  # fmt: skip
        if node.kind in ("LEFT", "FULL"):
            alone = (a for a, line in zip(left.rows, found, strict=True) if not any(line))
            rows += [a + no_row(right) for a in alone]
        if node.kind in ("RIGHT", "FULL"):
            alone = (b for i, b in enumerate(right.rows) if not any(line[i] for line in found))
            rows += [no_row(left) + b for b in alone]
        joined.rows = rows
        return joined

    # values and conditions

    def _value(self, node, env):
        at = functools.partial(self._value, env=env)
        match node:
            case tree.ColumnRef():
                return env.column(node, self._value)
            case tree.Call() if is_aggregate(node):
                here = env.relation.of_epochs(node) is None
                rows = env.group if here else env.epochs(node)
                return aggregated(node, rows, self._value)
            case tree.Scalar():
                rows = self._inside(node.query, env)
                if len(rows) > 1:
                    raise SeveralRowsError
                return rows[0][0] if rows else None
            case tree.Exists():
                return bool(self._inside(node.query, env))
            case tree.InQuery():
                one = at(node.operand)
                rows = self._inside(node.query, env)
                return negated(any_of(compared("=", one, row[0]) for row in rows), node.negated)
            case tree.Quantified():
                one, connect = at(node.left), all_of if node.quantifier == "ALL" else any_of
                rows = self._inside(node.query, env)
                return connect(compared(node.operator, one, row[0]) for row in rows)
        return calculated(node, at)

    def _inside(self, query, env):
        """Return the rows of a query inside of another: once, if it does not look outside."""
        known = env.relation.answers
        if id(query) not in known:
            outer = Outer(env)
            found = self._query(query, outer, env.named).rows
            self.correlated |= outer.looked_at
            if outer.looked_at:
                return found
            known[id(query)] = found
        return known[id(query)]


def _key(row):
    return tuple(map(key_of, row))


def _place(node, names):
    if isinstance(node, tree.Literal):
        return node.value - 1
    return [name.lower() for name in names].index(node.parts[0].text.lower())


def _sort(rows, order_by, value):
    for i, term in reversed(list(enumerate(order_by))):
        rows.sort(
            key=functools.cmp_to_key(
                lambda a, b, i=i, d=term.descending: in_order(value(i, a), value(i, b), d)
            )
        )


def _of_one_kind(one, two):
    """Return the rows of two queries, whole numbers in a column of others as such."""
    rows = [*one, *two]
    mixed = [any(isinstance(x, float) for x in column) for column in zip(*rows, strict=True)]

    def made(x, as_float):
        return float(x) if as_float and x is not None else x

    rows = [tuple(map(made, row, mixed)) for row in rows]
    return rows[: len(one)], rows[len(one) :]


def _combined(node, one, two):
    """Return the rows of UNION, INTERSECT or EXCEPT; compared, what is missing is one value."""
    if node.operator == "UNION" and node.every:
        return [*one, *two]
    one, two = ([tuple(None if missing(x) else x for x in row) for row in p] for p in (one, two))
    if node.operator == "UNION":
        return _distinct([*one, *two])
    there = collections.Counter(map(_key, two))
    if not node.every:
        wanted = node.operator == "INTERSECT"
        return [row for row in _distinct(one) if (_key(row) in there) == wanted]
    kept = []
    for row in one:
        found = there[_key(row)] > 0
        there[_key(row)] -= found
        if found == (node.operator == "INTERSECT"):
            kept.append(row)
    return kept


def _distinct(rows):
    return list({_key(row): row for row in rows}.values())
