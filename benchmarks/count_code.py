"""Places in the source that should be one: found in the syntax tree of a checkout.

**Ladder**: a function that asks for two or more classes of plan nodes, or that goes through a plan
(in a loop or by calling itself) and asks for one, outside of the module of that class. Asked is by
``isinstance``, ``issubclass``, ``type(x) is C``, ``match``, or a key of a dictionary of classes.
The leaves ``Scan`` and ``Memory``, where a way through a plan ends, and ``Node`` are not counted. A
tuple of classes of a module counts where a function asks with it.

**Ordered stream**: a function that takes the result whose turn it is out of a store and counts the
turn on: ``waiting.pop(due)`` and ``due += 1``, or ``heappop`` and that.

**Run without a job**: ``.run(...)`` of an engine, outside of ``executors/``. An engine is what
``current_executor()``, ``create_executor()`` or ``executor()`` gives, what is annotated
``Executor``, or a name that ends in ``executor``.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

__all__ = ["Module", "Source", "functions_of"]

ROOT = "skyseries.catalog.node.Node", "skyseries.catalog.plan.node.Node"
LEAVES = {"Node", "Scan", "Memory"}
_ENGINES = {"current_executor", "create_executor", "executor"}

Function = ast.FunctionDef | ast.AsyncFunctionDef
_LOOPS = ast.While | ast.For | ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp


def functions_of(tree: ast.Module) -> Iterator[tuple[str, Function]]:
    """Yield the functions of a module and methods of its classes, with qualified names."""
    waiting: list[tuple[str, ast.AST]] = [("", tree)]
    while waiting:
        before, parent = waiting.pop(0)
        for node in ast.iter_child_nodes(parent):
            if isinstance(node, Function):
                yield before + node.name, node
            elif isinstance(node, ast.ClassDef):
                waiting.append((f"{before}{node.name}.", node))
            elif isinstance(node, ast.If | ast.Try | ast.With):
                waiting.append((before, node))


@dataclass(frozen=True)
class Module:
    """A source file."""

    name: str
    path: str
    """From the folder of the source on."""
    tree: ast.Module

    @cached_property
    def bound(self) -> dict[str, str]:
        """What each name is, that is imported or a class here: its whole dotted name."""
        found: dict[str, str] = {}
        for node in ast.walk(self.tree):
            if isinstance(node, ast.ImportFrom) and node.module and not node.level:
                for alias in node.names:
                    found[alias.asname or alias.name] = f"{node.module}.{alias.name}"
            elif isinstance(node, ast.Import):
                for alias in node.names:
                    found[alias.asname or alias.name] = alias.name
        for node in self.tree.body:
            if isinstance(node, ast.ClassDef):
                found[node.name] = f"{self.name}.{node.name}"
        return found

    @cached_property
    def values(self) -> dict[str, ast.expr]:
        """What the names are that this module gives a value to."""
        found: dict[str, ast.expr] = {}
        for node in self.tree.body:
            if isinstance(node, ast.AnnAssign) and node.value and isinstance(node.target, ast.Name):
                found[node.target.id] = node.value
            elif isinstance(node, ast.Assign):
                for target in node.targets:
                    if isinstance(target, ast.Name):
                        found[target.id] = node.value
        return found


class Source:
    """The source of a checkout.

    Parameters
    ----------
    checkout : Path
    """

    def __init__(self, checkout: Path) -> None:
        folder = checkout / "src"
        self.modules: dict[str, Module] = {}
        for path in sorted(folder.glob("skyseries/**/*.py")):
            parts = path.relative_to(folder).with_suffix("").parts
            name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
            tree = ast.parse(path.read_text(), str(path))
            self.modules[name] = Module(name, str(path.relative_to(folder)), tree)

    @cached_property
    def nodes(self) -> set[str]:
        """Dotted names of the classes of nodes, but for the leaves."""
        bases = {
            f"{module.name}.{node.name}": [self.whole_name(module, base) for base in node.bases]
            for module in self.modules.values()
            for node in module.tree.body
            if isinstance(node, ast.ClassDef)
        }
        found = {root for root in ROOT if root in bases}
        while more := {c for c, of in bases.items() if c not in found and found & set(of)}:
            found |= more
        return {name for name in found if name.rpartition(".")[2] not in LEAVES}

    def whole_name(self, module: Module, expression: ast.AST) -> str:
        """Return the dotted name of what an expression names, as it is where it is defined."""
        if isinstance(expression, ast.Subscript):
            return self.whole_name(module, expression.value)
        if isinstance(expression, ast.Attribute):
            return self._defined(f"{self.whole_name(module, expression.value)}.{expression.attr}")
        if isinstance(expression, ast.Name):
            return self._defined(module.bound.get(expression.id, expression.id))
        return "?"

    def _defined(self, name: str) -> str:
        """Follow a name through the modules that only hand it on."""
        before, _, last = name.rpartition(".")
        while before in self.modules and last in self.modules[before].bound:
            there = self.modules[before].bound[last]
            if there == f"{before}.{last}":
                break
            before, _, last = there.rpartition(".")
        return f"{before}.{last}" if before else last

    # --- ladders ----------------------------------------------------------------------------

    def ladders(self) -> list[str]:
        """Return the ladders: where, and for which classes."""
        found = []
        for module in self.modules.values():
            for name, function in functions_of(module.tree):
                asked = self._asked(module, function)
                walked = self._asked(module, function, walks=True)
                foreign = {c for c in walked if c.rpartition(".")[0] != module.name}
                if len(asked) > 1 or foreign:
                    classes = ", ".join(sorted(c.rpartition(".")[2] for c in asked))
                    found.append(f"{module.path}:{function.lineno} {name}: {classes}")
        return found

    def _asked(self, module: Module, function: Function, *, walks: bool = False) -> set[str]:
        """Return the classes of nodes that a function asks for; `walks`: on its way only."""
        parts: list[ast.AST] = [function]
        if walks and not _calls_itself(function):
            parts = [node for node in ast.walk(function) if isinstance(node, _LOOPS)]
        classes = (c for part in parts for c in self._classes(module, part))
        return {name for name in classes if name in self.nodes}

    def _classes(self, module: Module, part: ast.AST) -> Iterator[str]:
        for node in ast.walk(part):
            if isinstance(node, ast.Call) and _last_name(node.func) in ("isinstance", "issubclass"):
                yield from self._names(module, node.args[-1])
            elif isinstance(node, ast.MatchClass):
                yield self.whole_name(module, node.cls)
            elif isinstance(node, ast.Compare) and _is_type(node.left):
                for right in node.comparators:
                    yield from self._names(module, right)
            elif isinstance(node, ast.Dict):
                for key in node.keys:
                    yield from self._names(module, key)
            elif isinstance(node, ast.Subscript | ast.Call) and _looks_up_type(node):
                of = node.value if isinstance(node, ast.Subscript) else node.func
                while isinstance(of, ast.Attribute):
                    of = of.value
                yield from self._names(module, of)

    def _names(self, module: Module, expression: ast.AST | None) -> Iterator[str]:
        """Yield the classes of an expression: of a tuple, a union, or a name of one of these."""
        if isinstance(expression, ast.Tuple | ast.List | ast.Set):
            for part in expression.elts:
                yield from self._names(module, part)
        elif isinstance(expression, ast.Dict):
            for key in expression.keys:
                yield from self._names(module, key)
        elif isinstance(expression, ast.BinOp):
            yield from self._names(module, expression.left)
            yield from self._names(module, expression.right)
        elif isinstance(expression, ast.Name | ast.Attribute):
            before, _, last = self.whole_name(module, expression).rpartition(".")
            home = self.modules.get(before) if before else module
            if home is not None and last in home.values:
                yield from self._names(home, home.values[last])
            else:
                yield f"{before}.{last}"

    # --- streams and runs -------------------------------------------------------------------

    def ordered_streams(self) -> list[str]:
        """Return the places that keep results which come before their turn."""
        return [
            f"{module.path}:{function.lineno} {name}"
            for module in self.modules.values()
            for name, function in functions_of(module.tree)
            if _counts_turns_on(function)
        ]

    def runs_without_job(self) -> list[str]:
        """Return the places that run tasks on an engine, outside of ``executors/``."""
        outside = [m for m in self.modules.values() if "executors" not in m.name.split(".")]
        return [f"{m.path}:{node.lineno}" for m in outside for node in _runs(m.tree)]


def _last_name(expression: ast.AST) -> str:
    if isinstance(expression, ast.Attribute):
        return expression.attr
    return expression.id if isinstance(expression, ast.Name) else ""


def _is_type(expression: ast.AST) -> bool:
    return isinstance(expression, ast.Call) and _last_name(expression.func) == "type"


def _looks_up_type(node: ast.Subscript | ast.Call) -> bool:
    """Tell whether a dictionary is asked with the type of something."""
    if isinstance(node, ast.Subscript):
        return _is_type(node.slice)
    return _last_name(node.func) == "get" and bool(node.args) and _is_type(node.args[0])


def _calls_itself(function: Function) -> bool:
    return any(
        isinstance(node, ast.Call) and _last_name(node.func) == function.name
        and (isinstance(node.func, ast.Name) or _last_name(node.func.value) in ("self", "cls"))
        for node in ast.walk(function)
    )  # fmt: skip


def _counts_turns_on(function: Function) -> bool:
    """Tell whether a result is taken out by a number that is counted on."""
    nodes = list(ast.walk(function))
    counted = {ast.unparse(node.target) for node in nodes if isinstance(node, ast.AugAssign)}
    for node in nodes:
        if not isinstance(node, ast.Call):
            continue
        name, keys = _last_name(node.func), [ast.unparse(key) for key in node.args[:1]]
        if name == "pop" and counted.intersection(keys):
            return True
        if name == "heappop" and counted & _compared(nodes):
            return True
    return False


def _compared(nodes: list[ast.AST]) -> set[str]:
    found = [(node.left, *node.comparators) for node in nodes if isinstance(node, ast.Compare)]
    return {ast.unparse(side) for sides in found for side in sides}


def _runs(tree: ast.Module) -> Iterator[ast.Call]:
    """Yield the calls of the method ``run`` of an engine."""
    engines = _engines(tree)
    for node in ast.walk(tree):
        method = node.func if isinstance(node, ast.Call) else None
        is_run = isinstance(method, ast.Attribute) and method.attr == "run"
        if is_run and _is_engine(method.value, engines):
            yield node


def _engines(tree: ast.Module) -> set[str]:
    """Return the names and attributes of a module that are engines."""
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.arg | ast.AnnAssign) and node.annotation is not None:
            words = {_last_name(part) for part in ast.walk(node.annotation)}
            if "Executor" in words:
                found.add(node.arg if isinstance(node, ast.arg) else _last_name(node.target))
        elif isinstance(node, ast.Assign) and _makes_engine(node.value):
            found |= {_last_name(target) for target in node.targets}
        elif isinstance(node, ast.withitem) and _makes_engine(node.context_expr):
            found.add(_last_name(node.optional_vars or node.context_expr))
    return found


def _makes_engine(expression: ast.AST) -> bool:
    return isinstance(expression, ast.Call) and _last_name(expression.func) in _ENGINES


def _is_engine(expression: ast.AST, engines: set[str]) -> bool:
    if _makes_engine(expression):
        return True
    name = _last_name(expression)
    return name in engines or name.endswith("executor")
