"""The one place that decides how kernels are compiled, kept and run.

A kernel is a plain loop over NumPy arrays, decorated with `kernel`. The policy:

- ``nogil``: threads run kernels side by side.
- ``error_model="numpy"``: a division by zero gives inf or NaN, as in NumPy, and the check that
  would stop vectorisation is not made.
- compiled once for each combination of argument types, on first use, by Numba in a process of its
  own (`builders`, `worker`, `compiling`), and kept on disk (`store`) under a name that holds all
  that the machine code depends on (`sources`, `wanted`).
- loaded by llvmlite (`native`): Numba, whose import costs more than most commands, is imported
  where kernels are compiled only.
- where any of this is missing (a kernel of a notebook, an argument that is a function, a system
  without a place for files) a kernel is a dispatcher of Numba's in this process, as ever.
"""

from typing import TYPE_CHECKING

from skyseries.lazy import names_on_use

if TYPE_CHECKING:
    from skyseries.jit.expecting import expect
    from skyseries.jit.kernels import Emitted, is_compiled, kernel
    from skyseries.jit.watching import watched_by

__all__ = ["Emitted", "expect", "is_compiled", "kernel", "watched_by"]

__getattr__, __dir__ = names_on_use(
    __name__,
    {"expecting": "expect", "kernels": "Emitted is_compiled kernel", "watching": "watched_by"},
)
