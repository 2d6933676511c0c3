"""What is public and takes numbers with a meaning, found by inspecting signatures."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

MODULES = ("skyseries", "skyseries.timeseries", "skyseries.spatial.regions")

NOT_CALLED_BY_USERS = {
    "Method": "an entry of the registry of methods; searches call it",
    "Segments": "what features of users are given",
    "Feature": "an entry of the registry of features",
    "Region": "the protocol of the other regions",
}

MADE_BY_SKYSERIES = {
    "Catalog", "Periodogram", "Prewhitening", "Drift", "Candidate", "FoldedLightCurve",
}  # fmt: skip
"""Results: their methods are called, their constructors are not."""


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


PHYSICAL = _words("""
    ra dec ra_min ra_max dec_min dec_max vertices location
    radius radius_arcsec min_radius_arcsec within_arcsec margin_arcsec left_error right_error
    density left_pm right_pm epoch left_epoch right_epoch
    t time period min_period max_period frequency max_rate durations tolerance knots
    y dy value error error_floor power phase bins range
    band bands flag id ids
    table other others objects sources lightcurves column row left right
""")
"""Names of parameters that may hold positions, motions, errors, radii, times, values, labels, or
tables and files of such."""

_OF_WORDS = _words("""
    name columns more epochs keys features space fields lightcurve_name source_id flux flux_err mag
    mag_err time_format time_scale refposition flux_unit kind source_columns condition select
    subset keep by ascending weights q x names roles on id_column left_on right_on left_by
    right_by left_id right_id suffixes how nested direction orphans through on_error
    on_nan_position on_repeated_id on_duplicate_epoch null_values normalization method stratify
    unit units shift description formula scope prefix suffix wanted preset listed code output
    extension duration_unit dips depths value_type schema format durability storage_options
    release query dialect
""")
_OF_COUNTS = _words("""
    n n_neighbors n_peaks nterms oversampling ranked n_bootstrap seed order npix dense step
    start stop size shuffle fraction prior workers executor limit bins_per_duration n_bins n_covers
    n_phases n_levels weighted max_order max_rows max_bytes max_epochs memory min_epochs
    needs_error magnitude deep footers one_to_one barycentric overwrite resume progress id_index
    has_error replace allow_exact_matches append pass_partition version
    flags trend clip nightly counts ranked single_bands retries ordered deadline_s total
    older_than dry_run delete as_json n_objects explain
""")
_OF_THINGS = _words("""
    cache function curves declared args kwargs extractor name_or_path storage_options tmp_dir region
    regions moc source pixels ax feature path catalog map_catalog options lightcurve
    stage tasks before on_event metadata catalogs written limits config plugin upload_from state
    host port base_url title public warm check print_config
""")
PLAIN = _OF_WORDS | _OF_COUNTS | _OF_THINGS
"""Names of parameters that hold nothing of the kind: words, counts, switches, other things."""

WORDS = {"str", "str | None", "str | Path", "str | os.PathLike[str]"}
"""Annotations of what can only be text: the name of a column, a path."""

FORWARDED = {
    ("Catalog.crossmatch_many", "options"): "Catalog.crossmatch",
    ("Catalog.periods", "options"): "compute_periods",
    ("LightCurve.periodogram", "options"): "periodogram",
    ("LightCurve.periods", "options"): "compute_periods",
    ("periodogram", "options"): "the methods",
    ("compute_periods", "options"): "the methods",
    ("period_schema", "options"): "the methods",
    ("executor", "options"): None,
    ("serve", "options"): None,
}
"""To whom entries hand on what they do not know themselves; None: nothing with a meaning."""

NAMES_ONLY = {
    ("Catalog.features", "bands"), ("Catalog.map_lightcurves", "bands"),
    ("compute_features", "bands"), ("feature_schema", "bands"), ("LightCurve.band", "band"),
    ("compute_periods", "bands"), ("period_schema", "bands"), ("Catalog.periods", "bands"),
    ("LightCurve.periods", "bands"),
    ("LightCurve.features", "bands"), ("as_lightcurve", "id"),
    ("Catalog.histogram2d", "y"), ("Catalog.map_partitions", "table"),
    ("LightCurve", "id"), ("LightCurve.from_struct", "id"),
    ("Catalog.periods", "column"), ("skyseries periods", "column"),
    *((entry, "bands") for entry in (
        "Catalog.periods", "LightCurve.periods", "compute_periods", "period_schema",
        "skyseries features", "skyseries periods",
    )),
}  # fmt: skip
"""Parameters that are called like physical ones, but are names."""

FILLED = {
    (entry, name) for entry in ("Catalog.periods", "LightCurve.periods") for name in ("ra", "dec")
}
"""What an entry gives itself to the one that it hands its options on to."""

FILES = {("open_catalog", "path")}
"""Paths of files that hold units and masks."""


class Parameter(NamedTuple):
    """A parameter of a public entry."""

    entry: str
    name: str
    annotation: str
    by_keyword: bool = False

    @property
    def is_physical(self) -> bool:
        """Whether units and masks may come in by it."""
        if (key := (self.entry, self.name)) in FILES:
            return True
        known = self.name in PHYSICAL and self.annotation not in WORDS
        return known and key not in NAMES_ONLY

    @property
    def is_known(self) -> bool:
        """Whether somebody has said what it is."""
        return self.name in PHYSICAL or self.name in PLAIN


def parameters() -> list[Parameter]:
    """Return every parameter of every public entry, of functions, methods and commands."""
    found = [p for entry, function in _callables() for p in _of_function(entry, function)]
    found = list(dict.fromkeys(found))
    known = {p.entry for p in found}
    if unknown := {to for to in FORWARDED.values() if to} - known - {"the methods"}:
        raise AssertionError(f"FORWARDED names entries that are not there: {unknown}")
    made = [p for p in found if p.name != "options"]
    for p in found:
        if p.name == "options":
            made += _handed_on(p.entry, made)
    return list(dict.fromkeys(made)) + list(_of_commands())


def _callables() -> Iterator[tuple[str, Callable[..., Any]]]:
    seen: set[Any] = set()
    for module_name in MODULES:
        module = importlib.import_module(module_name)
        for name in module.__all__:
            item = getattr(module, name)
            if name in NOT_CALLED_BY_USERS or not callable(item) or item in seen:
                continue
            seen.add(item)
            if not inspect.isclass(item):
                yield name, item
            elif not issubclass(item, BaseException):
                if name not in MADE_BY_SKYSERIES:
                    yield name, item
                yield from _methods(name, item)


def _methods(name: str, kind: type) -> Iterator[tuple[str, Callable[..., Any]]]:
    for method in dir(kind):
        static = inspect.getattr_static(kind, method)
        if not method.startswith("_") and not isinstance(static, property):
            function = getattr(kind, method)
            owner = getattr(function, "__qualname__", "").partition(".")[0]
            if callable(function):  # what is inherited is one entry, of the class that has it
                yield f"{owner if _is_public(owner) else name}.{method}", function


def _is_public(name: str) -> bool:
    return any(name in importlib.import_module(module).__all__ for module in MODULES)


def _of_function(entry: str, function: Callable[..., Any]) -> Iterator[Parameter]:
    for name, parameter in inspect.signature(function).parameters.items():
        if name == "self":
            continue
        annotation = str(parameter.annotation)
        if parameter.kind is parameter.VAR_KEYWORD and name == "options":
            if (entry, name) not in FORWARDED:
                raise AssertionError(f"say in FORWARDED to whom {entry} hands its **options on")
            if FORWARDED[entry, name] is None:
                continue
        yield Parameter(entry, name, annotation, parameter.kind is parameter.KEYWORD_ONLY)


def _handed_on(entry: str, found: list[Parameter]) -> Iterator[Parameter]:
    """Yield what an entry takes by ``**options``."""
    target = FORWARDED[entry, "options"]
    own = {p.name for p in found if p.entry == entry}
    if target != "the methods":
        for p in found:
            given = p.entry == target and p.by_keyword and p.name not in own
            if given and (entry, p.name) not in FILLED:
                yield p._replace(entry=entry)
        if (target, "options") in FORWARDED:
            target = FORWARDED[target, "options"]
    if target == "the methods":
        from skyseries.timeseries import all_methods

        for name in dict.fromkeys(o.name for m in all_methods() for o in m.options):
            yield Parameter(entry, name, "Any")


def _of_commands() -> Iterator[Parameter]:
    import click

    from skyseries.cli.app import cli

    context = click.Context(cli)
    for command_name in cli.list_commands(context):
        command = cli.get_command(context, command_name)
        assert command is not None
        for option in command.params:
            name = str(option.name)
            is_text = isinstance(option.type, click.types.StringParamType)
            is_name = is_text and isinstance(option, click.Option) and not option.multiple
            annotation = "str" if is_name and not name.endswith("_arcsec") else "Any"
            yield Parameter(f"skyseries {command_name}", name, annotation)
