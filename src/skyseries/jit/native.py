"""Compiled kernels without Numba: machine code is loaded by llvmlite, in milliseconds.

Machine code refers to helpers that Numba keeps in extension modules; these are loaded by file,
without the package, whose import costs more than most commands. None of it is an interface of
Numba's: whatever is missing raises `Unavailable`, and the caller goes the ordinary way.
"""

from __future__ import annotations

import ctypes
import functools
import importlib.machinery
import importlib.util
import os
import pickle
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from importlib.machinery import ModuleSpec
from pathlib import Path
from typing import Any, cast

__all__ = ["Compiled", "Unavailable", "load", "numba_folder"]


class Unavailable(Exception):
    """Machine code cannot be loaded in this way here."""


@dataclass(frozen=True, slots=True)
class Compiled:
    """Machine code of a kernel for one key of arguments."""

    code: bytes
    """An object file."""
    entry: str
    """The symbol to call: ``PyObject *entry(PyObject *closure, PyObject *args, PyObject *kws)``."""
    environments: tuple[tuple[str, bytes], ...]
    """Symbols of pointers to what the code takes from Python, and this, pickled."""


@functools.cache
def numba_folder() -> Path:
    """Return where Numba is installed, without importing it."""
    spec = importlib.util.find_spec("numba")
    if spec is None or spec.origin is None:
        raise Unavailable("numba is not installed in a folder")
    return Path(spec.origin).parent


def load(compiled: Compiled, name: str, names: dict[str, Any]) -> Callable[..., Any]:
    """Return a function that runs machine code.

    Parameters
    ----------
    compiled : Compiled
    name : str
        Of the function.
    names : dict
        The globals of its module.

    Raises
    ------
    Unavailable
        If this Python, Numba or llvmlite is not as this module expects it.
    """
    with _loading:
        machine = _machine()
        try:
            return machine.add(compiled, name, names)
        except Exception as error:
            raise Unavailable(f"{name}: {error}") from error


_loading = threading.Lock()


def _renew_lock() -> None:
    """After a fork: another thread of the parent may have held it."""
    global _loading
    _loading = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew_lock)


@functools.cache
def _machine() -> _Machine:
    try:
        return _Machine()
    except Unavailable:
        raise
    except Exception as error:
        raise Unavailable(f"{type(error).__name__}: {error}") from error


class _Machine:
    """What runs machine code: an engine of LLVM with the symbols of Numba's helpers."""

    def __init__(self) -> None:
        import llvmlite.binding as llvm

        self._llvm = llvm
        self._functions = _extension("numba._dynfunc")
        for module, prefix in (
            ("numba._helperlib", "numba_"), ("numba.core.runtime._nrt_python", "NRT_"),
        ):  # fmt: skip
            for name, address in _extension(module).c_helpers.items():
                llvm.add_symbol(name if name.startswith("_") else prefix + name, address)
        _extension("numba.core.runtime._nrt_python").memsys_use_cpython_allocator()
        llvm.add_symbol("numba_unpickle", ctypes.cast(_unpickle, ctypes.c_void_p).value)
        llvm.initialize_native_target()
        llvm.initialize_native_asmprinter()
        target = llvm.Target.from_triple(llvm.get_process_triple())
        machine = target.create_target_machine(
            cpu=llvm.get_host_cpu_name(), features=llvm.get_host_cpu_features().flatten(),
            opt=3, reloc="static" if sys.maxsize > 2**32 else "default", codemodel="jitdefault",
        )  # fmt: skip
        self._engine = llvm.create_mcjit_compiler(llvm.parse_assembly(""), machine)

        self._added: dict[str, Callable[..., Any]] = {}

    def add(self, compiled: Compiled, name: str, names: dict[str, Any]) -> Callable[..., Any]:
        """Return what runs machine code, once for each entry: its environments are shared."""
        if compiled.entry not in self._added:
            self._added[compiled.entry] = self._new(compiled, name, names)
        return self._added[compiled.entry]

    def _new(self, compiled: Compiled, name: str, names: dict[str, Any]) -> Callable[..., Any]:
        self._engine.add_object_file(self._llvm.ObjectFileRef.from_data(compiled.code))
        self._engine.finalize_object()
        kept: list[Any] = [self._engine]
        first = None
        for symbol, constants in compiled.environments:
            environment = self._functions.Environment(names)
            environment.consts.extend(_unpickled(constants))
            address = self._engine.get_global_value_address(symbol)
            ctypes.c_void_p.from_address(address).value = id(environment)
            kept.append(environment)
            first = first or environment
        address = self._engine.get_function_address(compiled.entry)
        if not address:
            raise Unavailable(f"{compiled.entry} is not in the machine code of {name}")
        if first is None:
            first = self._functions.Environment(names)
        module = sys.modules[__name__]
        return self._functions.make_function(  # type: ignore[no-any-return]
            module, name, f"machine code of {name}", address, first, tuple(kept)
        )


@functools.cache
def _extension(name: str) -> Any:
    """Load an extension module of Numba's by file."""
    if name in sys.modules:
        return sys.modules[name]
    beside = numba_folder().joinpath(*name.split(".")[1:])
    for suffix in importlib.machinery.EXTENSION_SUFFIXES:
        path = str(beside) + suffix
        if Path(path).exists():
            loader = importlib.machinery.ExtensionFileLoader(name, path)
            spec = importlib.util.spec_from_file_location(name, path, loader=loader)
            module = importlib.util.module_from_spec(cast(ModuleSpec, spec))
            loader.exec_module(module)
            return module
    raise Unavailable(f"{beside} has no extension module")


@ctypes.PYFUNCTYPE(ctypes.py_object, ctypes.c_void_p, ctypes.c_int, ctypes.c_void_p)  # type: ignore[untyped-decorator]
def _unpickle(data: int, size: int, digest: int) -> Any:
    """Stand in for Numba's function of this name, which would import Numba."""
    return _unpickled(ctypes.string_at(data, size))


@functools.cache
def _unpickled(data: bytes) -> Any:
    return pickle.loads(data)  # noqa: S301 - from a file of our own, or machine code in it
