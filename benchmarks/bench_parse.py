"""Statements: CPU to read one and look up its names, and to read or refuse a text of 1 MB.

Run with ``python benchmarks/bench_parse.py QUERIES.json``: a list of objects with the key
``query``, whose holes ``{}`` are filled. With ``--fuzz N`` N texts follow that are made
of them by chance: words left out, doubled, changed and mixed. Each is read, or refused by a
`QueryError`; anything else is shown with its seed. ``--corpus FOLDER`` holds `parse` against files
of the IVOA's collection of queries, https://github.com/ivoa/lyonetia (src/adql).
"""

from __future__ import annotations

import argparse
import json
import random
import re
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree as ET

import pyarrow as pa

from results import Row, Target, save
from skyseries.adql import parse
from skyseries.adql.dialect import PYTHON, STRICT, Dialect
from skyseries.adql.lexer import tokenize
from skyseries.adql.query_resolver import resolve
from skyseries.adql.relations import Table, Tables
from skyseries.adql.statements import parse_statement
from skyseries.errors import QueryError
from skyseries.schema import rubin

MEGABYTE = 1_000_000
LONG = {
    "ids": ("SELECT a FROM t WHERE b IN (1234567890123456789{})", ", 1234567890123456789"),
    "small ids": ("SELECT a FROM t WHERE b IN (1{})", ", 1"),
    "OR": ("SELECT a FROM t WHERE a = 1{}", " OR a = 1"),
    "columns": ("SELECT a{} FROM t", ", a"),
    "calls": ("SELECT a{} FROM t", ", ABS(a)"),
    "sum": ("SELECT a{} FROM t", " + 1"),
    "joins": ("SELECT a FROM t{}", " JOIN t USING (a)"),
    "unions": ("SELECT a FROM t{}", " UNION SELECT a FROM t"),
    "parentheses": ("SELECT {}", "("),
    "queries": ("SELECT a FROM t WHERE b IN {}", "(SELECT a FROM t WHERE b IN "),
    "spaces": ("SELECT a{} FROM t", " "),
    "quotes": ("SELECT '{}", "''"),
    "comments": ("SELECT a FROM t{}", "\n--"),
    "words": ("{}", "a "),
    "digits": ("SELECT {}", "1"),
}
MOST_WORDS = 109_000
HOLES = [
    (r"(?<=CIRCLE\('ICRS', )\{\}(?=, [{\d][}.\d]*\))", "1, 2"),
    (r"(?<=POLYGON\('ICRS', )\{\}", "1, 2, 3, 4, 5, 6"),
    (r"'\{\w*\}'", "'x'"),
    (r"\bIN\s*\{\w*\}", "IN (1, 2)"),
    (r"(?<![\w])\{\w*\}(?=_)", "g"),
    (r"\b(AND|WHERE)\s*\{\w*\}(?=\s*($|AND|ORDER))", r"\1 a = 1"),
    (r"\bAND \(\{\w*\}\)", "AND (a = 1)"),
    (r"\{\w*\}|%\.?\d*[fsd]", "1"),
]
SOUP = """
SELECT FROM WHERE GROUP BY HAVING ORDER OFFSET TOP DISTINCT ALL AS JOIN LEFT FULL NATURAL ON USING
UNION INTERSECT EXCEPT WITH IN EXISTS BETWEEN AND OR NOT LIKE ILIKE IS NULL CASE WHEN THEN ELSE END
CAST ANY COUNT POINT CIRCLE CONTAINS a b t "q" 'x' 1 2.5 1e3 ( ) ( ) , , . * + - / || = < > <> == ;
% ! [ 0x1F -- _x ä
"""
WORDS = [*SOUP.split(), "\n"]


def cpu(work: Callable[[], object], repeats: int = 5, inner: int = 4) -> float:
    """Return the least CPU time of several runs, ms."""
    times = []
    for _ in range(repeats):
        start = time.process_time()
        for _ in range(inner):
            work()
        times.append((time.process_time() - start) / inner)
    return 1e3 * min(times)


def filled(query: str) -> str:
    """Return a query of the tutorials with something in the holes of its template."""
    for hole, filling in HOLES:
        query = re.sub(hole, filling, query)
    return query


def answer(text: str, dialect: str = "adql") -> str:
    """Return whether a text is read or refused."""
    try:
        parse(text, dialect)
    except QueryError as error:
        return f"refused: {str(error)[:60]}"
    return "read"


def mutated(texts: list[list[str]], chance: random.Random) -> str:
    """Return a text that is nearly a query, or none at all."""
    if chance.random() < 0.25:
        return " ".join(chance.choices(WORDS, k=chance.randint(1, 40)))
    words = list(chance.choice(texts))
    for _ in range(chance.choice([1, 1, 2, 3, 6])):
        place = chance.randrange(len(words) + 1)
        kind = chance.randrange(6)
        if kind == 0:
            del words[place : place + chance.randint(1, 3)]
        elif kind == 1:
            words[place:place] = words[place : place + chance.randint(1, 8)] * chance.randint(1, 4)
        elif kind == 2:
            words.insert(place, chance.choice(WORDS))
        elif kind == 3 and words:
            word = list(words[place - 1])
            chance.shuffle(word)
            words[place - 1] = "".join(word)
        elif kind == 4:
            other = chance.choice(texts)
            words[place:place] = ["(", *other[: chance.randint(0, len(other))], ")"]
        else:
            words.insert(place, chr(chance.randrange(0, 0x3000)))
        words = words or ["SELECT"]
    return (" " if chance.random() < 0.8 else "").join(words)


def fuzz(texts: list[str], tables: Tables, count: int, seed: int) -> Row:
    """Read mutated texts in both dialects and look up their names; show what fails otherwise."""
    words = [re.findall(r"\w+|'[^']*'|\S", text) for text in texts]
    counts = {"resolved": 0, "refused": 0, "other": 0}
    slowest = 0.0
    for index in range(count):
        text = mutated(words, random.Random(f"{seed} {index}"))
        start = time.process_time()
        try:
            found = resolved(text, tables, (STRICT, PYTHON)[index % 2])
        except Exception as error:
            print(f"seed {seed} {index}: {type(error).__name__}: {error}\n  {text!r}")
            found = "other"
        slowest = max(slowest, time.process_time() - start)
        counts[found.split(":")[0]] += 1
    target = Target("only the documented error", counts["other"], not counts["other"])
    figures = counts | {"slowest, ms": round(1e3 * slowest, 1)}
    return Row(
        "random texts, read and resolved", f"{count:,}", "skyseries", "-", "warm",
        figures=figures, targets=(target,),
    )  # fmt: skip


def rubin_tables() -> Tables:
    """Return all tables of Rubin's releases, without rows."""
    return Tables(
        Table((release.name, name), pa.schema([c.field for c in table.columns.values()]))
        for release in rubin.releases()
        for name, table in ((name, release.table(name)) for name in release.tables)
    )


def resolved(text: str, tables: Tables, dialect: Dialect = STRICT) -> str:
    """Return whether the names of a text are found."""
    try:
        resolve(parse_statement(text, dialect), tables, dialect)
    except QueryError as error:
        return f"refused: {str(error)[:60]}"
    return "resolved"


def judge(folder: Path) -> Row:
    """Return how many queries of a collection are judged as its files say; print each other one."""
    right = total = 0
    for path in sorted(folder.rglob("*.xml")):
        for query in ET.parse(path).iter("adql"):  # noqa: S314
            valid = query.get("valid")
            if valid is None:
                continue
            total += 1
            found = answer(query.text or "")
            if (found == "read") == (valid == "true"):
                right += 1
            else:
                print(f"{path.name}, valid={valid}: {' '.join((query.text or '').split())} {found}")
    target = Target(f"all of {total}", right, right == total)
    return Row("judged as a collection of queries says", f"{total:,}", "skyseries", "-", "warm",
               targets=(target,))  # fmt: skip


def timed(task: str, texts: list[str], work: Callable[[str], object], limits: Limits) -> Row:
    """Return the median and the worst CPU of some texts."""
    each = [cpu(lambda t=text: work(t)) for text in texts]
    found = (statistics.median(each), max(each))
    targets = tuple(
        Target(f"{word} < {limit:g} ms", round(value, 3), value < limit)
        for word, limit, value in zip(("median", "worst"), limits or (), found, strict=False)
    )
    figures = {
        f"{word}, ms": round(x, 3) for word, x in zip(("median", "worst"), found, strict=True)
    }
    size = f"{len(texts)} queries of Rubin's tutorials"
    return Row(task, size, "skyseries", "-", "warm", figures=figures, targets=targets)


Limits = tuple[float, float] | None


def long_texts() -> Row:
    """Return the CPU of texts of 1 MB of one thing, and of as many words as can be read."""
    figures: dict[str, float | int | str] = {}
    for name, (frame, unit) in LONG.items():
        most = (MEGABYTE - len(frame)) // len(unit)
        words = max(1, len(tokenize(unit if unit.strip("'") else "1")) - 1)
        long, allowed = (
            frame.format(unit * count) for count in (most, min(most, MOST_WORDS // words))
        )
        seconds = [1e-3 * cpu(lambda t=t: answer(t), repeats=2, inner=1) for t in (long, allowed)]
        figures[f"{name}, s"] = round(max(seconds), 2)
    worst = max(map(float, figures.values()))
    target = Target("1 s", worst, worst < 1.0)
    return Row("read or refused", "1 MB of one thing", "skyseries", "-", "warm",
               figures=figures, targets=(target,))  # fmt: skip


def main() -> None:
    """Measure, and keep the figures."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("queries", type=Path)
    options.add_argument("--fuzz", type=int, default=0, metavar="N")
    options.add_argument("--seed", type=int, default=0)
    options.add_argument("--corpus", type=Path, metavar="FOLDER")
    chosen = options.parse_args()
    texts = [filled(entry["query"]) for entry in json.loads(chosen.queries.read_text())]
    tables = rubin_tables()
    read = [text for text in texts if answer(text) == "read"]
    known = [text for text in texts if resolved(text, tables) == "resolved"]
    rows = [
        timed("read", read, answer, None),
        timed("read and resolved", known, lambda t: resolved(t, tables), (1.0, 5.0)),
        long_texts(),
    ]
    if chosen.corpus:
        rows.append(judge(chosen.corpus))
    if chosen.fuzz:
        rows.append(fuzz(texts, tables, chosen.fuzz, chosen.seed))
    notes = "CPU in a running process, the least of five. Tables are those of Rubin's releases."
    save("parse", "Statements of ADQL: reading and looking up names", rows, notes,
         full=bool(chosen.corpus and chosen.fuzz >= 200_000))  # fmt: skip


if __name__ == "__main__":
    main()
