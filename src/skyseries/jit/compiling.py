"""Machine code of kernels, made by Numba in a process that runs none of it.

Numba makes each function into machine code together with all that it calls, and again with each of
its callers: what is called through five others would be optimised six times. Here it only drafts
them; the whole of a kernel is linked, optimised and made into machine code once.

What Numba makes of a kernel is a million small objects that live until its end. To look for circles
among them takes a fifth of the time, and finds none.
"""

from __future__ import annotations

import contextlib
import pickle
from collections.abc import Callable, Iterator
from typing import Any

from skyseries.jit.native import Compiled
from skyseries.jit.signatures import Portable, types_of

__all__ = ["compiled_kernel", "drafting"]


@contextlib.contextmanager
def drafting() -> Iterator[None]:
    """Let Numba draft what it compiles: nothing of it can be run.

    For a process that does nothing else.
    """
    import gc

    from numba.core import codegen, cpu

    library, context = codegen.JITCodeLibrary, cpu.CPUContext
    replaced = {
        (library, "add_llvm_module"): lambda self, module: self._final_module.link_in(module),
        (library, "finalize"): _finish_draft,
        (context, "get_executable"): _placeholder,
    }
    kept = {(owner, name): getattr(owner, name) for owner, name in replaced}
    gc.disable()
    for (owner, name), replacement in replaced.items():
        setattr(owner, name, replacement)
    try:
        yield
    finally:
        gc.enable()
        for (owner, name), original in kept.items():
            setattr(owner, name, original)


def _placeholder(context: Any, library: Any, fndesc: Any, environment: Any) -> Any:
    return [].append  # Numba asks for a builtin, and knows functions by these


def _finish_draft(library: Any) -> None:
    library._finalized = True


def compiled_kernel(
    function: Callable[..., Any], options: dict[str, Any], key: Portable, symbol: str
) -> Compiled:
    """Return machine code of a function for one key; inside of `drafting`.

    Parameters
    ----------
    function : callable
        The Python function of a kernel.
    options : dict
        Of ``numba.njit``.
    key : Portable
    symbol : str
        A name that no other machine code has.
    """
    import numba
    from numba.core.compiler_lock import global_compiler_lock

    entry = numba.njit(no_cfunc_wrapper=True, **options)(function)
    with global_compiler_lock:
        result = entry._compiler.compile(types_of(key), None)
        codegen, module = result.library.codegen, _linked(result.library)
        entry_name, wrapper = f"{symbol}.entry", result.fndesc.llvm_cpython_wrapper_name
        module.get_function(wrapper).name = entry_name
        _simplify(module, codegen, entry_name)
        if result.library._reload_init or _refers_to_addresses(module):
            raise NotImplementedError(f"{symbol} refers to addresses of its process")
        environment, environments = result.environment, result._find_referenced_environments()
        own = [environment, *(e for e in environments if e.env_name != environment.env_name)]
        renamed = {e.env_name: f"{symbol}.environment{i}" for i, e in enumerate(own)}
        _name_variables(module, renamed)
        code = _machine_code(module, codegen, entry_name)
    return Compiled(
        code, entry_name,
        tuple((renamed[e.env_name], pickle.dumps(list(e.consts))) for e in own),
    )  # fmt: skip


def _linked(library: Any) -> Any:
    """Link all that a draft calls into its module."""
    module = library._final_module
    for other in list(_from_below(library, set()))[-2::-1]:  # who calls before what is called
        library._reload_init.update(other._reload_init)
        module.link_in(other._get_module_for_linking(), preserve=True)
    library._verify_declare_only_symbols()
    return module


def _from_below(library: Any, seen: set[Any]) -> Iterator[Any]:
    if library not in seen:
        seen.add(library)
        for other in library._linking_libraries:
            yield from _from_below(other, seen)
        yield library


def _simplify(module: Any, codegen: Any, entry: str) -> None:
    """Optimise each function by itself, and leave out what the entry does not need."""
    each, builder = codegen._function_pass_manager()
    # not yet "internal", for LLVM would put all that is called once into its caller, whose
    # optimisation takes more than twice as long if it is twice as large
    _set_linkage(module, entry, "linkonce_odr")
    for function in module.functions:
        if not function.is_declaration:
            each.run(function, builder)
    _leave_out_unused(module, builder)


def _set_linkage(module: Any, entry: str, linkage: str) -> None:
    for function in module.functions:
        if not function.is_declaration and function.name != entry:
            function.linkage = linkage


def _leave_out_unused(module: Any, builder: Any) -> None:
    import llvmlite.binding as llvm

    unused = llvm.create_new_module_pass_manager()
    unused.add_global_dead_code_eliminate_pass()
    unused.run(module, builder)


def _refers_to_addresses(module: Any) -> bool:
    return any(v.name.startswith("numba.dynamic.globals") for v in module.global_variables)


def _name_variables(module: Any, environments: dict[str, str]) -> None:
    """Let a module show its environments only, by names that no other has."""
    for variable in list(module.global_variables):
        if variable.name in environments:
            variable.name = environments[variable.name]
        elif not variable.is_declaration and variable.linkage.name not in ("internal", "private"):
            variable.linkage = "internal"


def _machine_code(module: Any, codegen: Any, entry: str) -> bytes:
    """Optimise as Numba does, and emit."""
    cheap, builder = codegen._module_pass_manager(
        loop_vectorize=False, slp_vectorize=False, opt=0, cost="cheap"
    )
    cheap.run(module, builder)
    full, builder = codegen._module_pass_manager()
    full.run(module, builder)
    _set_linkage(module, entry, "internal")
    _leave_out_unused(module, builder)
    module.verify()
    return bytes(codegen._tm.emit_object(module))
