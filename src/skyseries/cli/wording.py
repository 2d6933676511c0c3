"""Messages of the library in the words of the command line: ``--id``, not ``id=``."""

from __future__ import annotations

import re
import shlex

import click

__all__ = ["in_options"]

_GIVEN = re.compile(
    r"""(?<![\w/.'"=-])(?P<name>[a-z]\w*)=(?!=)"""
    r"""(?P<value>'[^']*'|"[^"]*"|\[[^\]]*\]|\{[^}]*\}|[-+\w.]*)(?![/\w])"""
)
"""A parameter of Python, with or without a value: ``id=``, ``orphans='keep'``; no folder of the
kind ``band=g/``."""
_SUBJECT = re.compile(r"(?<![\w/.'\"=-])(?P<name>[a-z]\w*)(?= must | is said to )")
_PYTHON = re.compile(r"(?<![\w/.'\"-])[a-z]\w*(?:=(?![=>]|[^\s,;]*/)|\(\[?\.\.\.|\([a-z]\w*=)")
_QUOTED = re.compile(r"'[^']*'|\"[^\"]*\"")
_OTHER_NAMES = {"radius_arcsec": "radius"}
_OTHER_WORDS = {
    "import_catalog makes one of a table, and from_table takes it as it is":
    "skyseries import makes one of a table",
}  # fmt: skip
"""What is said of functions, and what of commands."""


def in_options(text: str, command: click.Command | None) -> str:
    """Return a message with a command's options in place of the parameters of Python.

    What the command has no option for stays as it is, and is said to be Python.

    Parameters
    ----------
    text : str
    command : click.Command, optional

    Examples
    --------
    >>> option = click.Option(["--on-nan-position"])
    >>> in_options("drop them with on_nan_position='drop'", click.Command("c", params=[option]))
    'drop them with --on-nan-position drop'
    """
    if command is None:
        return text
    known = _by_name(command)

    def given(match: re.Match[str]) -> str:
        parameter = known.get(match["name"])
        return match[0] if parameter is None else _with_value(parameter, match["value"])

    def subject(match: re.Match[str]) -> str:
        parameter = known.get(match["name"])
        return match[0] if parameter is None else _with_value(parameter, "")

    for python, ours in _OTHER_WORDS.items():
        text = text.replace(python, ours)
    text = _SUBJECT.sub(subject, _GIVEN.sub(given, text))
    if _PYTHON.search(_QUOTED.sub("", text)):
        text += "\n  (what is written with = or brackets is Python: the command has no such option)"
    return text


def _by_name(command: click.Command) -> dict[str, click.Parameter]:
    known: dict[str, click.Parameter] = {}
    for parameter in command.params:
        for option in parameter.opts:
            known[option.lstrip("-").replace("-", "_")] = parameter
        known[parameter.name or ""] = parameter
    return known | {other: known[name] for other, name in _OTHER_NAMES.items() if name in known}


def _with_value(parameter: click.Parameter, value: str) -> str:
    if isinstance(parameter, click.Argument):
        return parameter.human_readable_name
    option = max(parameter.opts, key=len)
    end = "." if re.fullmatch(r"[^.]+\.", value) else ""
    value = value.removesuffix(end) if end else value
    if isinstance(parameter, click.Option) and parameter.is_flag:
        off = value in ("False", "None") and parameter.secondary_opts
        return (parameter.secondary_opts[0] if off else option) + end
    if value in ("", "...") or value.startswith("{"):
        return option + end
    if value.startswith("["):
        values = [part.strip() for part in value[1:-1].split(",")]
        return " ".join(f"{option} {_word(part)}" for part in values)
    return f"{option} {_word(value)}{end}"


def _word(value: str) -> str:
    """Return a value of Python as one word for a shell."""
    return "none" if value == "None" else shlex.quote(value.strip("'\""))
