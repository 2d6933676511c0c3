"""Write ``docs/benchmarks.md`` from ``results/*.json``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from results import RESULTS

PAGE = Path(__file__).resolve().parents[1] / "docs" / "benchmarks.md"
ORDER = (
    "start", "import", "lightcurves", "lookup", "s82", "periods", "period_errors",
    "period_cost", "cadence", "ogle",
    "features", "features_hats", "dippers", "rubin", "periodogram", "dpdd",
    "match_kernel", "crossmatch", "engine", "scan", "nested", "spill", "expressions", "encoders",
    "first_use", "paired",
    "tap", "write", "syncs", "power", "writers", "cancel", "same", "architecture",
)  # fmt: skip

HEAD = """# Benchmarks

Written by `benchmarks/report.py` from `benchmarks/results/`; how to run them is in
[benchmarks/README.md](../benchmarks/README.md).

- **wall**, **CPU**: of a whole fresh process with all its children, start-up and imports included,
  unless the process is called warm.
- **peak PSS**: the highest sum, over all processes of the tree, of the proportional set size
  (shared pages count once), sampled 2 to 25 times a second.
- **JIT cache**: warm, the compiled kernels were on disk from an earlier run; cold, the process
  began with an empty cache and compiled them. `-`: nothing is compiled.
- **ratio**: time of the peer on the same task and input, divided by this one's; which times
  are compared is said below the table.
"""


def page(documents: list[dict[str, Any]]) -> str:
    """Return the page as Markdown."""
    parts = [HEAD]
    for document in documents:
        parts += [f"## {document['title']}", _where(document), _table(document["rows"])]
        if document["notes"]:
            parts.append(document["notes"])
        figures = _figures(document["rows"])
        if figures:
            parts.append(figures)
    return "\n\n".join(part.strip() for part in parts) + "\n"


def _where(document: dict[str, Any]) -> str:
    machine = document["machine"]
    packages = machine["packages"]
    named = "hats-import" in json.dumps(document["rows"])
    names = ["skyseries", "numpy", "numba", "pyarrow"]
    names += ["hats-import", "hats", "dask"] if named else []
    peers = ("lsdb", "scipy", "nested-pandas", "light-curve", "astropy")
    names += [n for n in peers if n in _peers(document)]
    versions = ", ".join(f"{n} {packages[n]}" for n in names if n in packages)
    return (
        f"{document['date']}; {machine['cpu']}, {machine['cores']} cores, "
        f"{machine['ram_gb']} GB; {machine['system']}, Python {machine['python']}; {versions}."
    )


def _peers(document: dict[str, Any]) -> str:
    """Return the systems and notes of a benchmark, in small letters."""
    return (json.dumps([row["system"] for row in document["rows"]]) + document["notes"]).lower()


def _table(rows: list[dict[str, Any]]) -> str:
    head = (
        "| task | input | system | process | JIT cache | wall (s) | CPU (s) | peak PSS (MB) "
        "| ratio | target | reached |\n| --- | --- | --- | --- | --- | ---: | ---: | ---: | ---: "
        "| --- | --- |"
    )
    lines = []
    for row in rows:
        targets = row["targets"]
        texts = "<br>".join(f"{t['text']} ({t['value']:,g})" for t in targets)
        reached = "<br>".join("yes" if t["reached"] else "**no**" for t in targets)
        numbers = [
            _number(row["wall_s"], 2), _number(row["cpu_s"], 2),
            _number(row["peak_pss_mb"], 0), _number(row["ratio"], 1),
        ]  # fmt: skip
        cells = [row["task"], row["size"], row["system"], row["process"], row["jit_cache"]]
        lines.append("| " + " | ".join([*cells, *numbers, texts, reached]) + " |")
    return "\n".join([head, *lines])


def _figures(rows: list[dict[str, Any]]) -> str:
    lines = []
    for row in rows:
        if row["figures"]:
            figures = "; ".join(
                f"{name}: {value:,}" if isinstance(value, int | float) else f"{name}: {value}"
                for name, value in row["figures"].items()
            )
            cache = f", {row['jit_cache']} JIT" if row["jit_cache"] == "cold" else ""
            lines.append(f"- {row['task']}, {row['size']}, {row['system']}{cache}: {figures}")
    return "\n".join(lines)


def _number(value: float | None, digits: int) -> str:
    if value is None:
        return ""
    return f"{value:.3g}" if digits and 0 < value < 1 else f"{value:,.{digits}f}"


def main() -> None:
    """Collect the results and write the page."""
    documents = {p.stem: json.loads(p.read_text()) for p in RESULTS.glob("*.json")}
    names = [n for n in ORDER if n in documents] + sorted(set(documents) - set(ORDER))
    PAGE.write_text(page([documents[name] for name in names]))
    missed = [
        f"{row['task']}, {row['size']}: {target['text']} (is {target['value']:,g})"
        for name in names
        for row in documents[name]["rows"]
        for target in row["targets"]
        if not target["reached"]
    ]
    print(f"{PAGE.name}: {len(names)} benchmarks, {len(missed)} targets missed")
    for line in missed:
        print("missed:", line)


if __name__ == "__main__":
    main()
