"""Statements: CPU to read one, and to read or refuse a text of 1 MB.

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

from skyseries.adql import parse
from skyseries.adql.lexer import tokenize
from skyseries.errors import QueryError

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


def fuzz(texts: list[str], count: int, seed: int) -> None:
    """Read mutated texts in both dialects; show what is slow and what fails otherwise."""
    words = [re.findall(r"\w+|'[^']*'|\S", text) for text in texts]
    counts = {"read": 0, "refused": 0}
    slowest = 0.0
    for index in range(count):
        text = mutated(words, random.Random(f"{seed} {index}"))
        start = time.process_time()
        try:
            found = answer(text, ("adql", "python")[index % 2])
        except Exception as error:
            print(f"seed {seed} {index}: {type(error).__name__}: {error}\n  {text!r}")
            continue
        slowest = max(slowest, time.process_time() - start)
        counts[found.split(":")[0]] += 1
    print(f"{count} texts: {counts}, the slowest {1e3 * slowest:.1f} ms")


def judge(folder: Path) -> None:
    """Print how many queries of a collection are judged as its files say, and each other one."""
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
    print(f"{right} of {total} queries of the collection are judged right")


def main() -> None:
    """Print the figures."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("queries", type=Path)
    options.add_argument("--fuzz", type=int, default=0, metavar="N")
    options.add_argument("--seed", type=int, default=0)
    options.add_argument("--corpus", type=Path, metavar="FOLDER")
    chosen = options.parse_args()
    texts = [filled(entry["query"]) for entry in json.loads(chosen.queries.read_text())]
    read = [cpu(lambda t=text: answer(t)) for text in texts if answer(text) == "read"]
    print(f"{len(read)} of {len(texts)} queries are read: median {statistics.median(read):.3f} ms,")
    print(f"the worst {max(read):.3f} ms (the longest has {max(map(len, texts))} characters)")
    print("CPU seconds for a text of 1 MB of one thing, and for as many words as can be read")
    for name, (frame, unit) in LONG.items():
        most = (MEGABYTE - len(frame)) // len(unit)
        words = max(1, len(tokenize(unit if unit.strip("'") else "1")) - 1)
        long, allowed = (
            frame.format(unit * count) for count in (most, min(most, MOST_WORDS // words))
        )
        seconds = [1e-3 * cpu(lambda t=t: answer(t), repeats=2, inner=1) for t in (long, allowed)]
        print(f"{name:12} {seconds[0]:6.2f} {seconds[1]:6.2f}  {answer(allowed)}")
    if chosen.corpus:
        judge(chosen.corpus)
    if chosen.fuzz:
        fuzz(texts, chosen.fuzz, chosen.seed)


if __name__ == "__main__":
    main()
