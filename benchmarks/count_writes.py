"""Ways in which files come to be that should be one: found in the syntax tree of a checkout.

**Transaction**: a module outside of the store that gives what was built its place: it calls
``adopt`` of a store, or renames a folder (``rename``, ``move``, ``copytree``).

**Resume system**: a module that writes what has been done as JSON and reads it again:
``json.dumps`` and ``json.loads``, and a call that writes a file (``write_text``, ``atomic_path``).

**Fingerprint**: a module that defines a function with ``fingerprint`` in its name (but for special
methods, which only say what counts) and makes a digest with ``hashlib``.

**Owner of collection.properties**: a module that hands ``COLLECTION_FILE`` to a call that writes
(``write_text``, ``rewrite``, ``create``, ``replace``).
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator

from count_code import Module, Source, functions_of

__all__ = ["writes"]

_PLACES = {"adopt", "rename", "move", "copytree"}
_WRITERS = {"write_text", "write_bytes", "atomic_path", "rewrite", "create", "replace"}
_FILES = {"write_text", "write_bytes", "atomic_path"}
_BELOW = ("skyseries.store", "skyseries.hats.files", "skyseries.catalog.plan")
"""Where folders and files are moved on behalf of others, or nothing is written that stays."""


def writes(source: Source) -> dict[str, list[str]]:
    """Return the modules that count, by what they count as."""
    signs: dict[str, Callable[[Module], bool]] = {
        "transactions": _gives_places,
        "resume systems": _keeps_marks,
        "fingerprints": _makes_fingerprints,
        "owners of collection.properties": _owns_collection,
    }
    above = [m for m in source.modules.values() if not m.name.startswith(_BELOW)]
    return {what: [m.path for m in above if is_one(m)] for what, is_one in signs.items()}


def _calls(tree: ast.AST) -> Iterator[tuple[str, ast.Call]]:
    """Yield the calls in a tree, with the last name of what is called."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            called = node.func
            if isinstance(called, ast.Attribute):
                yield called.attr, node
            elif isinstance(called, ast.Name):
                yield called.id, node


def _gives_places(module: Module) -> bool:
    return any(
        name in _PLACES and not any(_is_table(arg) for arg in call.args)
        for name, call in _calls(module.tree)
        if isinstance(call.func, ast.Attribute) or name == "adopt"
    )


def _is_table(argument: ast.AST) -> bool:
    """Whether a rename is of columns, which are named by a dictionary."""
    return isinstance(argument, ast.Dict | ast.DictComp)


def _keeps_marks(module: Module) -> bool:
    called = {name for name, _ in _calls(module.tree)}
    return {"dumps", "loads"} <= called and bool(called & _FILES)


def _makes_fingerprints(module: Module) -> bool:
    named = any(
        "fingerprint" in function.name and not function.name.startswith("__")
        for _, function in functions_of(module.tree)
    )
    return named and "hashlib" in module.bound


def _owns_collection(module: Module) -> bool:
    return any(
        name in _WRITERS and any("COLLECTION_FILE" in ast.dump(arg) for arg in call.args)
        for name, call in _calls(module.tree)
    ) or any(_writes_to_named(function) for _, function in functions_of(module.tree))


def _writes_to_named(function: ast.AST) -> bool:
    """Whether a path with COLLECTION_FILE gets a name, and a file is written under this name."""
    named = {
        target.id
        for node in ast.walk(function)
        if isinstance(node, ast.Assign) and "COLLECTION_FILE" in ast.dump(node.value)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    return any(
        name in _WRITERS and any(isinstance(a, ast.Name) and a.id in named for a in call.args)
        for name, call in _calls(function)
    )
