"""How a function is declared: what it takes, what it gives, how it is calculated."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from skyseries.adql.types import Type

if TYPE_CHECKING:
    from skyseries.adql.expressions import Expr

__all__ = ["Function", "Origin", "Signature", "function_table", "plain", "takes"]


class Origin(Enum):
    """Where a function is defined; `value` is the name of that."""

    ADQL = "ADQL 2.1"
    IVOA = "IVOA catalogue of functions 1.2"
    RUBIN = "Rubin (scisql)"
    OURS = "Skyseries"


@dataclass(frozen=True)
class Signature:
    """One way to call a function.

    Parameters
    ----------
    arguments : tuple of str
        The kind of each: ``double`` (any number, calculated in double precision), ``integer``,
        ``ubigint``, ``unsigned`` (or a constant that is not negative), ``real``, ``text``,
        ``timestamp`` (or a text), ``boolean``; ``lon`` and ``lat``, which make a point;
        ``point``, ``circle``, ``polygon``, ``figure`` (circle or polygon), ``region`` (or a
        coverage map), ``shape`` (or a point); ``any``; ``curve``, a light curve as a whole; and
        the constants ``digits`` (a whole number), ``literal`` (a text), ``coosys`` (a text that
        says ICRS), ``band`` (a text or a whole number), ``days`` (a number).
    result : Type or None
        None: as the last argument for a geometry, else as the first.
    sql : str, optional
        DuckDB's text with ``{0}``, ``{1}`` for the arguments.
    compute : str, optional
        The function of `pyarrow.compute` that gives the same values.
    unit : str, optional
        ``same``: as the first argument; ``power``: as the first one to the power of the second
        (0.5 if there is none); else the unit itself (empty: a plain number).
    needs : tuple of str, optional
        The unit that each argument is needed in; empty: any.
    kernel : str, optional
        ``module.function`` of `adql.kernels`, in place of a text.
    names : tuple of str, optional
        What the arguments are called, for documentation.
    ucd : str, optional
        What kind of quantity the result is (IVOA UCD), where the function says it.
    repeated : int, optional
        The last so many arguments can be given again and again.
    """

    arguments: tuple[str, ...]
    result: Type | None
    sql: str = ""
    compute: str | None = None
    unit: str | None = None
    needs: tuple[str, ...] = ()
    kernel: str | None = None
    names: tuple[str, ...] = ()
    ucd: str = ""
    repeated: int = 0

    def kinds(self, number: int) -> tuple[str, ...] | None:
        """Return the kinds of so many arguments; None if it does not take as many."""
        return self._extended(self.arguments, number)

    def units(self, number: int) -> tuple[str, ...]:
        """Return the units that so many arguments are needed in."""
        return self._extended(self.needs or ("",) * len(self.arguments), number) or ()

    @property
    def model(self) -> int:
        """Which argument the result is of the type of, if `result` is None."""
        return -1 if self.arguments[-1] in ("point", "figure") else 0

    def _extended(self, parts: tuple[str, ...], number: int) -> tuple[str, ...] | None:
        more = number - len(parts)
        if more == 0:
            return parts
        if more < 0 or not self.repeated or more % self.repeated:
            return None
        return parts + parts[-self.repeated :] * (more // self.repeated)


@dataclass(frozen=True)
class Function:
    """A function by its name, which ignores case."""

    name: str
    signatures: tuple[Signature, ...]
    doc: str
    origin: Origin = Origin.OURS
    make: Callable[[Sequence[Expr]], Expr] | None = None
    """Returns a call with arguments that a signature accepts, InputError if it has no meaning;
    of a function of light curves, which depends on what the table says of them."""

    def usage(self) -> str:
        """Return the ways to call it, for messages."""
        return " or ".join(
            f"{self.name}({', '.join([*map(_word, s.arguments), *(['...'] * bool(s.repeated))])})"
            for s in self.signatures
        )

    def forms(self) -> tuple[str, ...]:
        """Return the ways to call it with types, as TAPRegExt writes them (section 2.3)."""
        return tuple(dict.fromkeys(self._form(signature) for signature in self.signatures))

    def _form(self, signature: Signature) -> str:
        names = signature.names or tuple(f"x{i + 1}" for i in range(len(signature.arguments)))
        parts = [
            f"{_joined(name)} {_SQL_TYPES[kind]}"
            for name, kind in zip(names, signature.arguments, strict=True)
        ]
        parts += ["..."] * bool(signature.repeated)
        result = signature.result and sql_type(signature.result)
        if result is None:
            result = _SQL_TYPES[signature.arguments[signature.model]]
        return f"{self.name}({', '.join(parts)}) -> {result}"


def takes(arguments: str, result: Type | None, sql: str = "", **rest: object) -> Signature:
    """Return a signature whose arguments are written as ``name kind unit, name kind``."""
    parts = [part.split() for part in arguments.split(",") if part.strip()]
    return Signature(
        tuple(part[1] for part in parts),
        result,
        sql,
        needs=tuple(part[2] if len(part) > 2 else _ANGLES.get(part[1], "") for part in parts),
        names=tuple(part[0] for part in parts),
        **rest,  # type: ignore[arg-type]
    )


def plain(name: str) -> str:
    """Return DuckDB's text that calls a function of a name with the one argument."""
    return f"{name}({{0}})"


def function_table(functions: Iterable[Function]) -> Mapping[str, Function]:
    """Return a table of functions by their names in upper case, later ones first."""
    return {function.name.upper(): function for function in functions}


def sql_type(kind: Type) -> str:
    """Return the name that ADQL has for a type."""
    names = {
        Type.DOUBLE: "DOUBLE PRECISION", Type.TEXT: "VARCHAR", Type.LIST: "BIGINT[]",
        Type.UBIGINT: "UNSIGNED BIGINT", Type.MOC: "MOC", Type.OTHER: "ANY",
    }  # fmt: skip
    return names.get(kind, kind.value.upper())


_ANGLES = {"lon": "deg", "lat": "deg"}

_WORDS = {
    "double": "number", "digits": "whole number", "coosys": "text", "literal": "text",
    "lon": "number", "lat": "number", "figure": "circle or polygon", "any": "value",
    "curve": "light curve",
}  # fmt: skip

_SQL_TYPES = {
    "double": "DOUBLE PRECISION", "integer": "BIGINT", "ubigint": "UNSIGNED BIGINT",
    "unsigned": "UNSIGNED BIGINT", "real": "REAL", "text": "VARCHAR", "timestamp": "TIMESTAMP",
    "boolean": "BOOLEAN", "lon": "DOUBLE PRECISION", "lat": "DOUBLE PRECISION", "any": "ANY",
    "point": "POINT", "circle": "CIRCLE", "polygon": "POLYGON", "figure": "REGION",
    "region": "REGION", "shape": "GEOMETRY", "digits": "INTEGER", "literal": "VARCHAR",
    "coosys": "VARCHAR", "curve": "LIGHTCURVE", "band": "VARCHAR", "days": "DOUBLE PRECISION",
}  # fmt: skip


def _joined(name: str) -> str:
    """Return a name without underscores, which clients' parsers do not read in forms."""
    first, *others = name.split("_")
    return first + "".join(map(str.capitalize, others))


def _word(kind: str) -> str:
    return _WORDS.get(kind, kind)
