"""Functions of the language that are calculated on arrays: positions, regions, frames of reference.

A `Signature` names them by ``module.function``. They take an `Operand` for each argument and are
called once for all rows; what is missing is NaN or masked, and becomes NULL.
"""
