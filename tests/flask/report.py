"""Writes docs/flask.md from what the suites gave: run `make test-flask test-extensions` before this script.

``--check`` writes nothing, and fails where the page says something else.
"""

from __future__ import annotations

import json
import pathlib
import sys
import typing as t

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent.parent))

from tests.flask.run import CACHE, ROOT, Suite, load_suites  # noqa: E402  # the path comes first

PAGE = ROOT / "docs" / "flask.md"


def write_page(suites: dict[str, Suite]) -> str:
    """The text of the page."""
    template = (HERE / "parity.md").read_text(encoding="utf-8")
    version = suites["flask"].version
    replaced = template.replace("{table}", _table(suites)).replace("{skips}", _skips(suites))
    return "<!-- Written by tests/flask/report.py from tests/flask/parity.md. -->\n\n" + replaced.replace(
        "{version}", version
    )


def _table(suites: dict[str, Suite]) -> str:
    rows = ["| suite | release | pass on Flask | of these on Kolben | skipped |", "|---|---|---:|---:|---:|"]
    for suite in suites.values():
        counts = _result(suite)
        kept = counts["flask"] - counts["lost"] - counts["skipped"]
        rows.append(f"| {suite.title} | {suite.version} | {counts['flask']} | {kept} | {counts['skipped']} |")
    return "\n".join(rows)


def _result(suite: Suite) -> dict[str, int]:
    path = CACHE / f"{suite.name}-result.json"
    if not path.exists():
        raise SystemExit(f"The suite {suite.name!r} has not run: 'make test-flask test-extensions' runs all of them.")
    return t.cast("dict[str, int]", json.loads(path.read_text(encoding="utf-8")))


def _skips(suites: dict[str, Suite]) -> str:
    lines = [f"- {suite.title}, `{test}`: {why}" for suite in suites.values() for test, why in suite.skips.items()]
    return "Skipped, each with its reason:\n\n" + "\n".join(lines) if lines else "No test is skipped."


def main() -> None:
    """Write the page, or compare it."""
    text = write_page(load_suites())
    if "--check" not in sys.argv:
        PAGE.write_text(text, encoding="utf-8")
    elif PAGE.read_text(encoding="utf-8") != text:
        raise SystemExit("docs/flask.md is not what the suites gave: run 'python tests/flask/report.py'.")


if __name__ == "__main__":
    main()
