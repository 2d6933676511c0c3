"""What no well-meaning client sends: statements, tables, bodies of requests, addresses."""

# ruff: noqa: S608 - texts of statements are what this is about

from __future__ import annotations

import base64
import gzip
import io
import random
import zipfile
import zlib
from collections.abc import Iterator

import pyarrow as pa
import pyarrow.parquet as pq

__all__ = ["addresses", "bodies", "changed", "parameters", "statements", "tables", "votable"]

_ROWS = "big.object"


def statements(deep: int = 5_000) -> dict[str, str]:
    """Return statements that take all there is, if they may.

    Parameters
    ----------
    deep : int
        How deep they nest.
    """
    all_ = f"SELECT COUNT(*) AS n FROM {_ROWS}"
    return {
        "unequal": f"SELECT COUNT(*) AS n FROM {_ROWS} a JOIN {_ROWS} b ON a.ra * b.dec > 7",
        "cross joins": f"SELECT a.ra FROM {_ROWS} a, {_ROWS} b, {_ROWS} c ORDER BY a.ra*b.dec*c.ra",
        "pairs of the sky": (
            f"SELECT COUNT(*) AS n FROM {_ROWS} a JOIN {_ROWS} b "
            "ON 1=CONTAINS(POINT(a.ra,a.dec), CIRCLE(b.ra,b.dec,90))"
        ),
        "groups": f"SELECT ra, COUNT(*) AS n, MAX(name) AS m FROM {_ROWS} GROUP BY ra ORDER BY n",
        "distinct pairs": f"SELECT DISTINCT a.ra, b.dec FROM {_ROWS} a JOIN {_ROWS} b ON a.id<b.id",
        "long text": "SELECT " + "||".join(["name"] * 2_000) + f" AS t FROM {_ROWS}",
        "doubled text": _doubled(40),
        "power": "SELECT " + "*".join(["POWER(10, 300)"] * 5_000) + " AS x FROM survey.object",
        "sum": "SELECT " + "+".join(["1"] * 50_000) + " AS x FROM survey.object",
        "parentheses": f"{all_} WHERE " + "(" * deep + "ra > 1" + ")" * deep,
        "arithmetic": "SELECT " + "(" * deep + "ra" + "+1)" * deep + f" AS x FROM {_ROWS}",
        "not": f"{all_} WHERE " + "NOT (" * deep + "ra > 1" + ")" * deep,
        "not alone": f"{all_} WHERE " + "NOT " * deep + "ra > 1",
        "minus": "SELECT " + "- " * deep + f"ra AS x FROM {_ROWS}",
        "functions": "SELECT " + "ABS(" * deep + "ra" + ")" * deep + f" AS x FROM {_ROWS}",
        "subqueries": "SELECT * FROM (" * deep + all_ + "".join(f") t{i}" for i in range(deep)),
        "exists": "SELECT n FROM t WHERE EXISTS (" * 300 + all_ + ")" * 300,
        "common tables": "WITH "
        + ", ".join(f"c{i} AS (SELECT * FROM {_last(i)})" for i in range(deep // 5))
        + f" SELECT COUNT(*) AS n FROM c{deep // 5 - 1}",
        "doubled tables": "WITH "
        + ", ".join(f"c{i} AS ({_twice(i)})" for i in range(40))
        + " SELECT COUNT(*) AS n FROM c39",
        "and": f"{all_} WHERE " + " AND ".join(f"ra > {i}" for i in range(20_000)),
        "or": f"{all_} WHERE " + " OR ".join(f"id = {i}" for i in range(20_000)),
        "in": f"{all_} WHERE id IN ({', '.join(map(str, range(50_000)))})",
        "longer in": f"{all_} WHERE id IN ({', '.join(map(str, range(100_000)))})",
        "in of texts": f"{all_} WHERE name IN ({_texts(50_000)})",
        "not in": f"{all_} WHERE mag NOT IN ({', '.join(f'{i}.5' for i in range(50_000))})",
        "polygon": f"{all_} WHERE 1=CONTAINS(POINT(ra,dec), POLYGON({_corners(20_000)}))",
        "columns": f"SELECT {', '.join(f'ra+{i} AS c{i}' for i in range(10_000))} FROM {_ROWS}",
        "unions": " UNION ".join([f"SELECT ra FROM {_ROWS}"] * 300),
        "joins": "SELECT COUNT(*) AS n FROM "
        + " NATURAL JOIN ".join(f"{_ROWS} t{i}" for i in range(200)),
        "case": "SELECT CASE" + " WHEN ra>1 THEN 1" * 15_000 + f" END AS c FROM {_ROWS}",
        "like": f"{all_} WHERE name LIKE '{'%a' * 5_000}%'",
        "one megabyte": f"{all_} WHERE name = '{'x' * 999_900}'",
        "one megabyte of signs": "(" * 1_000_000,
        "one megabyte of words": "SELECT " * 140_000,
        "one megabyte of digits": "SELECT " + "9" * 999_900 + f" AS x FROM {_ROWS}",
        "one name": "SELECT " + "x" * 999_900 + f" FROM {_ROWS}",
        "comment": f"{all_} --" + "x" * 999_900,
        "offset": f"SELECT ra FROM {_ROWS} ORDER BY mag OFFSET 999999999999999999",
        "top": f"SELECT TOP 99999999999999999999999999 ra FROM {_ROWS}",
    }  # fmt: skip


def _doubled(times: int) -> str:
    text = "SELECT name AS t FROM survey.object" if times < 0 else f"SELECT name AS t FROM {_ROWS}"
    for _ in range(times):
        text = f"SELECT t||t AS t FROM ({text}) AS s"
    return text


def _texts(n: int) -> str:
    return ", ".join(f"'n{i}'" for i in range(n))


def _last(i: int) -> str:
    return f"c{i - 1}" if i else _ROWS


def _twice(i: int) -> str:
    if not i:
        return f"SELECT TOP 2 ra FROM {_ROWS}"
    return f"SELECT a.ra FROM c{i - 1} a JOIN c{i - 1} b ON a.ra <> b.ra + 1"


def _corners(n: int) -> str:
    return ", ".join(f"{10 + 5 * (i % 2) + i / n}, {20 * i / n - 10}" for i in range(n))


# --- tables ---------------------------------------------------------------------------------


def votable(body: str = "", *, before: str = "", fields: str = "", rows: int = 3) -> bytes:
    """Return a small VOTable, with more in places where more can be."""
    cells = "".join(f"<TR><TD>{i}</TD><TD>n{i}</TD></TR>" for i in range(rows))
    data = body or f"<TABLEDATA>{cells}</TABLEDATA>"
    return (
        f'<?xml version="1.0"?>{before}<VOTABLE version="1.4" '
        'xmlns="http://www.ivoa.net/xml/VOTable/v1.3"><RESOURCE type="results"><TABLE>'
        '<FIELD name="id" datatype="long"/><FIELD name="name" datatype="char" arraysize="*"/>'
        f"{fields}<DATA>{data}</DATA></TABLE></RESOURCE></VOTABLE>"
    ).encode()


def tables(huge: int = 1 << 30) -> Iterator[tuple[str, bytes]]:
    """Yield tables that are much more than they seem.

    Parameters
    ----------
    huge : int
        So many bytes each is, once it is unpacked.
    """
    more = ((chr(98 + i), f"&{chr(97 + i)};" * 10) for i in range(10))
    entities = "".join(f'<!ENTITY {name} "{text}">' for name, text in more)
    laughs = f'<!DOCTYPE v [<!ENTITY a "haha">{entities}]>'
    cell = "<TABLEDATA><TR><TD>1</TD><TD>{}</TD></TR></TABLEDATA>"
    yield "billion laughs", votable(cell.format("&k;"), before=laughs)
    long = f'<!DOCTYPE v [<!ENTITY a "{"x" * 1_000_000}">]>'
    yield "quadratic", votable(cell.format("&a;" * 1_000), before=long)
    for place in ("file:///etc/passwd", "http://127.0.0.1:8959/x", "ftp://127.0.0.1:8959/x"):
        entity = f'<!DOCTYPE v [<!ENTITY x SYSTEM "{place}">]>'
        yield f"entity {place}", votable(cell.format("&x;"), before=entity)
        parameter = f'<!DOCTYPE v [<!ENTITY % x SYSTEM "{place}"> %x;]>'
        yield f"parameter entity {place}", votable(before=parameter)
        yield f"DTD {place}", votable(before=f'<!DOCTYPE v SYSTEM "{place}">')
        for kind in ("BINARY", "BINARY2", "FITS"):
            yield f"{kind} {place}", votable(f'<{kind}><STREAM href="{place}"/></{kind}>')
    include = (
        '<xi:include xmlns:xi="http://www.w3.org/2001/XInclude" href="/etc/passwd" parse="text"/>'
    )
    yield "XInclude", votable(cell.format(include))
    yield "deep", votable("<TABLEDATA>" + "<TR>" * 200_000)
    yield "a long name", votable(fields=f'<FIELD name="{"n" * 20_000_000}" datatype="int"/>')
    yield (
        "many fields",
        votable(fields="".join(f'<FIELD name="f{i}" datatype="int"/>' for i in range(100_000))),
    )
    yield (
        "wide array",
        votable(
            '<BINARY2><STREAM encoding="base64">AAAA</STREAM></BINARY2>',
            fields='<FIELD name="w" datatype="double" arraysize="999999999x999999999"/>',
        ),
    )
    yield (
        "long array",
        votable(
            '<BINARY2><STREAM encoding="base64">'
            + base64.b64encode(b"\0" + bytes(8) + b"\x7f\xff\xff\xff" * 30).decode()
            + "</STREAM></BINARY2>"
        ),
    )
    yield "many rows", votable(f"<TABLEDATA>{'<TR/>' * 2_000_000}</TABLEDATA>")
    zeros = _zeros(huge)
    yield "gzip", zeros
    yield "gzip of a VOTable", _packed(votable().partition(b"<TR>")[0], b"<TR/>", huge)
    yield "gzip of CSV", _packed(b"a,b\n", b"1,2\n", huge)
    yield "gzip of one line of CSV", _packed(b"a,b\n", b"1", huge)
    yield "gzip of FITS", _packed(_fits(huge), b"\0", huge)
    yield "gzip twice", gzip.compress(zeros)
    yield "FITS that tells of more rows", _fits(1 << 50)
    yield "zip", _zip(huge)
    packed = io.BytesIO()
    with pq.ParquetWriter(packed, pa.schema({"x": pa.string()}), compression="zstd") as writer:
        text = pa.array(["x" * 1_000_000]).dictionary_encode().dictionary
        for _ in range(2):
            writer.write_table(pa.table({"x": pa.array(["y"]).take(pa.array([0] * 100_000))}))
            writer.write_table(pa.table({"x": pa.repeat(text[0], min(huge >> 21, 1_000))}))
    yield "Parquet", packed.getvalue()
    rows = pa.table({"x": pa.nulls(min(huge >> 4, 1 << 26), pa.int64())})
    packed = io.BytesIO()
    pq.write_table(rows, packed, compression="zstd")
    yield "Parquet of nulls", packed.getvalue()
    yield "CSV of one line", b"a," * 10_000_000
    yield "CSV of quotes", b'a\n"' + b"x\n" * 10_000_000
    yield "CSV of columns", b",".join(b"c%d" % i for i in range(300_000)) + b"\n"


def _packed(head: bytes, unit: bytes, size: int) -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    piece = unit * ((1 << 20) // len(unit))
    parts = [packer.compress(head)]
    parts += [packer.compress(piece) for _ in range(size // len(piece))]
    return b"".join([*parts, packer.flush()])


def _zeros(size: int) -> bytes:
    return _packed(b"", b"\0", size)


def _zip(size: int) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("t.csv", b"a\n" + bytes(min(size, 100_000_000)))
    return file.getvalue()


def _fits(size: int) -> bytes:
    cards = [
        "SIMPLE  =                    T", "BITPIX  =                    8",
        "NAXIS   =                    0", "EXTEND  =                    T", "END",
    ]  # fmt: skip
    table = [
        "XTENSION= 'BINTABLE'", "BITPIX  =                    8", "NAXIS   =                    2",
        "NAXIS1  =                    8", f"NAXIS2  = {size // 8:>20}",
        "PCOUNT  =                    0", "GCOUNT  =                    1",
        "TFIELDS =                    1", "TTYPE1  = 'x'", "TFORM1  = 'K'", "END",
    ]  # fmt: skip
    return b"".join(
        "".join(card.ljust(80) for card in one).ljust(2880).encode() for one in (cards, table)
    )


# --- requests -------------------------------------------------------------------------------


def bodies(draw: random.Random) -> tuple[str, bytes]:
    """Return a media type, and the body of a request that is not quite as it should be."""
    boundary = draw.choice(["x", "-", "x" * 70, "x" * 5_000, "", 'a"b', "x y"])
    kind = draw.choice(["multipart/form-data", "Multipart/Form-Data", "multipart/mixed"])
    charset = draw.choice(["", "", "; charset=utf-16", "; charset=nope", "; charset=idna"])
    parts = [_part(draw) for _ in range(draw.randrange(6))]
    lines = draw.choice([b"\r\n", b"\r\n", b"\n"])
    body = b"".join(b"--" + boundary.encode() + lines + part + lines for part in parts)
    body += b"--" + boundary.encode() + draw.choice([b"--\r\n", b"--", b"", b"-", b"--x"])
    return f"{kind}; boundary={boundary}{charset}", changed(body, draw) if parts else body


def _part(draw: random.Random) -> bytes:
    name = draw.choice([
        "QUERY", "UPLOAD", "LANG", "t", "FORMAT", "MAXREC", "PHASE", "", "n" * 10_000, "a\0b",
        "é" * 60,
        "../x", 'q"r', "%0d%0a",
    ])  # fmt: skip
    value = draw.choice([
        b"SELECT TOP 1 objectid FROM survey.object", b"ADQL", b"t,param:t", b"csv", b"5", b"",
        b"\0",
        b"\xff\xfe", b"\xed\xa0\x80", b"x" * 100_000, b"RUN", votable(),
    ])  # fmt: skip
    file = draw.choice(
        ["", "", '; filename="f"', '; filename="../../f"', "; filename*=utf-8''f", "; filename="]
    )
    head = draw.choice(["Content-Disposition", "content-disposition", "X-Nothing", ""])
    more = draw.choice(
        ["", "", "\r\nContent-Type: text/xml", "\r\nContent-Transfer-Encoding: base64"]
    )
    text = f'{head}: form-data; name="{name}"{file}{more}\r\n\r\n'
    return text.encode() + value


def changed(content: bytes, draw: random.Random) -> bytes:
    """Return bytes in a few places of which there is something else, or more, or less."""
    data = bytearray(content)
    for _ in range(draw.choice([0, 1, 1, 2, 5])):
        at = draw.randrange(len(data) + 1)
        how = draw.randrange(5)
        if how == 0:
            data[at : at + 1] = bytes([draw.randrange(256)])
        elif how == 1:
            del data[at : at + draw.choice([1, 5, 100])]
        elif how == 2:
            data[at:at] = data[max(at - draw.choice([4, 50]), 0) : at] * draw.choice([1, 3])
        elif how == 3:
            data[at:at] = draw.choice([b"\0", b"<", b"&", b"]]>", b"--x", b"\r\n", b"\xff", b'"'])
        else:
            data = data[:at] or data
    return bytes(data)


def addresses(allowed: str) -> list[str]:
    """Return addresses that a service may not ask, where it may ask one host."""
    return [
        "file:///etc/passwd", "FILE:/etc/passwd", f"ftp://{allowed}/x", "data:text/csv,a%0A1",
        f"jar:http://{allowed}/x!/y", f"gopher://{allowed}/1", "/etc/passwd", "//evil.example/x",
        f"http://{allowed}@evil.example/", f"http://evil.example@{allowed}/", f"http://:p@{allowed}/",
        f"http://@{allowed}/", f"http://{allowed}\\@evil.example/", f"http://evil.example\\@{allowed}/",
        f"http://evil.example#@{allowed}/", f"http://evil.example?@{allowed}/", "http://2130706433/",
        "http://0x7f.1/", "http://127.1/", "http://[::1]/", "http://[::ffff:127.0.0.1]/",
        "http://0.0.0.0/", "http://169.254.169.254/latest/meta-data/", "http://localhost:22/",
        f"http://{allowed}0/", f"http://{allowed}.evil.example/", "http://evil.example/",
        f"http:{allowed}/x", "http://", "http://[", f"http://{allowed}:99999/",
    ]  # fmt: skip


def parameters(draw: random.Random) -> tuple[str, list[tuple[str, str]]]:
    """Return a path of a service, and parameters that are not what it expects."""
    job = draw.choice(["0" * 32, "..", "%2e%2e%2fjobs.sqlite", "%00", "é" * 10, "a" * 3_000])
    path = draw.choice([
        "/tap/sync", "/tap/async", f"/tap/async/{job}", f"/tap/async/{job}/phase", "/api/names",
        f"/tap/async/{job}/results/result", f"/tap/tables/{job}", f"/api/catalogs/{job}",
        "/api/rows", "/api/explain", "/tap/tables", "/tap/examples", "/tap/capabilities", "/",
    ])  # fmt: skip
    names = [
        "QUERY", "lang", "MAXREC", "RUNID", "FORMAT", "RESPONSEFORMAT", "UPLOAD", "PHASE", "WAIT",
        "LAST", "AFTER", "DESTRUCTION", "EXECUTIONDURATION", "ACTION", "cursor", "size", "prefix",
        "detail", "REQUEST", "\0", "",
    ]  # fmt: skip
    values = [
        "", "-1", "+-5", "9" * 40, "1e9", "NaN", "\0", "\r\nX-Evil: 1", "é\U0001f600", "x" * 5_000,
        "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "RUN", "ABORT", "DELETE", "csv",
        "SELECT TOP 1 objectid FROM survey.object", "SELECT '\0' AS x FROM survey.object", "ADQL",
        "text/csv\r\nX: 1", "text/html", "t,param:t", "../t,param:t", "t,http://", "0" * 32 + ".1",
        "application/x-votable+xml;version=9", "votable/td; a=\"\r\n\"", "\uff12",
    ]  # fmt: skip
    pairs = [(draw.choice(names), draw.choice(values)) for _ in range(draw.randrange(4))]
    return path, pairs
