"""Machine code of kernels, made by Numba in a process that runs none of it.

Numba makes each function into machine code together with all that it calls, and again with each of
its callers: what is called through five others would be optimised six times. Here it only drafts
them; the whole of a kernel is linked, optimised and made into machine code once.
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
    from numba.core import codegen, cpu

    library, context = codegen.JITCodeLibrary, cpu.CPUContext
    kept = library._optimize_final_module, library._finalize_final_module, context.get_executable
    library._optimize_final_module = lambda self: None
    library._finalize_final_module = _finish_draft
    context.get_executable = _placeholder
    try:
        yield
    finally:
        library._optimize_final_module, library._finalize_final_module = kept[:2]
        context.get_executable = kept[2]


def _placeholder(context: Any, library: Any, fndesc: Any, environment: Any) -> Any:
    return [].append  # Numba asks for a builtin, and knows functions by these


def _finish_draft(library: Any) -> None:
    library._finalize_dynamic_globals()
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
        environment, environments = result.environment, result._find_referenced_environments()
        if result.reload_init or result.library.has_dynamic_globals:
            raise NotImplementedError(f"{symbol} refers to addresses of its process")
        wrapper = result.fndesc.llvm_cpython_wrapper_name
        module = result.library._final_module
        own = [environment, *(e for e in environments if e.env_name != environment.env_name)]
        renamed = {e.env_name: f"{symbol}.environment{i}" for i, e in enumerate(own)}
        _make_private(module, wrapper, f"{symbol}.entry", renamed)
        code = _machine_code(result.library.codegen, module)
    return Compiled(
        code, f"{symbol}.entry",
        tuple((renamed[e.env_name], pickle.dumps(list(e.consts))) for e in own),
    )  # fmt: skip


def _make_private(module: Any, wrapper: str, entry: str, environments: dict[str, str]) -> None:
    """Let a module show its entry and its environments only, by names that no other has."""
    for function in module.functions:
        if not function.is_declaration and function.name != wrapper:
            function.linkage = "internal"
    module.get_function(wrapper).name = entry
    for variable in list(module.global_variables):
        if variable.name in environments:
            variable.name = environments[variable.name]
        elif not variable.is_declaration and variable.linkage.name not in ("internal", "private"):
            variable.linkage = "internal"


def _machine_code(codegen: Any, module: Any) -> bytes:
    """Optimise as Numba does, and emit."""
    cheap, builder = codegen._module_pass_manager(
        loop_vectorize=False, slp_vectorize=False, opt=0, cost="cheap"
    )
    cheap.run(module, builder)
    full, builder = codegen._module_pass_manager()
    full.run(module, builder)
    module.verify()
    return bytes(codegen._tm.emit_object(module))
