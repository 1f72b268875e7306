"""Runs the test suites of Flask and its extensions on Kolben, and says where they pass on the real Flask only.

``python tests/flask/run.py flask`` runs the suite of that name from suites.toml, ``--extensions`` all the others. The
sources are what the package index has, checked by their hashes; everything is kept in .cache/suites.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import pathlib
import subprocess
import sys
import tarfile
import time
import tomllib
import typing as t
import venv
import xml.etree.ElementTree as ElementTree

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
CACHE = ROOT / ".cache" / "suites"
PIP = ("-m", "pip", "--quiet", "--quiet", "--disable-pip-version-check")
SKIPS_AT_MOST = 5

# NOTE: of pytest's private names, Flask's tests import one that 9.1 took away.
PYTEST = "pytest<9"

Outcomes = dict[str, str]


class Suite:
    """One entry of suites.toml.

    :param name: its name there.
    """

    def __init__(self, name: str, entry: dict[str, t.Any]) -> None:
        self.name = name
        self.title: str = entry["title"]
        self.distribution: str = entry["distribution"]
        self.version: str = entry["version"]
        self.sha256: str = entry["sha256"]
        self.folder: str = entry.get("folder", ".")
        self.tests: list[str] = entry["tests"]
        self.needs: list[str] = entry.get("needs", [])
        self.skips: dict[str, str] = {skip["test"]: skip["reason"] for skip in entry["skips"]}

    def sdist(self) -> pathlib.Path:
        """The source distribution, downloaded if it is not here, and checked in any case."""
        folder = CACHE / "sdists" / f"{self.distribution}-{self.version}"
        if not list(folder.glob("*.tar.gz")):
            print(f"Downloading {self.distribution} {self.version}", flush=True)
            wanted = f"{self.distribution}=={self.version}"
            command = [sys.executable, *PIP, "download", "--no-deps", f"--no-binary={self.distribution}"]
            subprocess.run([*command, f"--dest={folder}", wanted], check=True)
        (file,) = folder.glob("*.tar.gz")
        found = hashlib.sha256(file.read_bytes()).hexdigest()
        if found != self.sha256:
            raise SystemExit(f"{file.name}: its SHA-256 is {found}, and suites.toml has {self.sha256}.")
        return file

    def sources(self) -> pathlib.Path:
        """The folder of the suite, unpacked anew: tests may have left files in it."""
        folder = CACHE / "sources" / self.name
        subprocess.run(["rm", "-rf", folder], check=True)
        with tarfile.open(self.sdist()) as archive:
            archive.extractall(folder, filter="data")
        (unpacked,) = folder.iterdir()
        # Where a suite has no settings for pytest, it would find those of this repository, in the folders above.
        if not any(_has_settings(unpacked / self.folder / name) for name in ("pyproject.toml", "tox.ini", "setup.cfg")):
            (unpacked / self.folder / "pytest.ini").touch()
        return unpacked / self.folder


def _has_settings(path: pathlib.Path) -> bool:
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    return any(section in text for section in ("[tool.pytest", "[pytest]", "[tool:pytest]"))


def load_suites() -> dict[str, Suite]:
    """The suites of suites.toml, by name."""
    entries = tomllib.loads((HERE / "suites.toml").read_text(encoding="utf-8"))
    suites = {name: Suite(name, entry) for name, entry in entries.items()}
    for suite in suites.values():
        if len(suite.skips) > SKIPS_AT_MOST:
            raise SystemExit(f"{suite.name}: more than {SKIPS_AT_MOST} tests are skipped.")
    return suites


def environment(suites: dict[str, Suite]) -> pathlib.Path:
    """The interpreter of an environment with the real Flask, the extensions, and what the tests and Kolben need.

    Both runs use this one, so that they differ in nothing but the alias.
    """
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    needs = sorted({PYTEST, *(need for suite in suites.values() for need in suite.needs)})
    sdists = sorted({suite.sdist() for suite in suites.values()})
    key = json.dumps(
        [sys.version, tomllib.loads(project)["project"]["dependencies"], needs, [path.name for path in sdists]]
    )
    folder = CACHE / f"env-{hashlib.sha256(key.encode()).hexdigest()[:12]}"
    python = folder / "bin" / "python"
    if not (folder / "ready").exists():
        print(f"Making the environment of the suites, {folder.name}", flush=True)
        venv.create(folder, clear=True, with_pip=True)
        subprocess.run([python, *PIP, "install", *needs, *sdists, "--editable", ROOT], check=True)
        (folder / "ready").touch()
    return python


def run_tests(python: pathlib.Path, suite: Suite, on_kolben: bool) -> Outcomes:
    """Run a suite once; its outcomes by test: ``passed``, ``failed``, ``skipped``."""
    report = CACHE / f"{suite.name}.xml"
    report.unlink(missing_ok=True)
    folder = suite.sources()
    variables = {
        name: value for name, value in os.environ.items() if not name.startswith(("FLASK_", "KOLBEN_", "PYTEST"))
    }
    # The tutorial's package is tested where it stands, without being installed.
    variables["PYTHONPATH"] = str(folder)
    # Tests run the `flask` command too.
    commands = [*([str(_command(python))] if on_kolben else []), str(python.parent), os.environ.get("PATH", "")]
    variables["PATH"] = os.pathsep.join(commands)
    alias = ["-p", "kolben.as_flask"] if on_kolben else []
    command = [
        str(python),
        "-m",
        "pytest",
        *alias,
        "-p",
        "no:cacheprovider",
        "-q",
        f"--junitxml={report}",
        *suite.tests,
    ]
    output = subprocess.run(command, cwd=folder, env=variables, capture_output=True, text=True, check=False)
    kind = "kolben" if on_kolben else "flask"
    (CACHE / f"{suite.name}-{kind}.log").write_text(output.stdout + output.stderr, encoding="utf-8")
    if output.returncode not in {0, 1} or not report.exists():
        raise SystemExit(f"{suite.name}: the tests did not run.\n{output.stdout}{output.stderr}")
    return _outcomes(report)


def _command(python: pathlib.Path) -> pathlib.Path:
    """The folder of a `flask` command that runs under the alias."""
    folder = python.parent.parent / "alias"
    folder.mkdir(exist_ok=True)
    (folder / "flask").write_text(f'#!/bin/sh\nexec "{python}" -m kolben.as_flask -m flask "$@"\n', encoding="utf-8")
    (folder / "flask").chmod(0o755)
    return folder


def _outcomes(report: pathlib.Path) -> Outcomes:
    outcomes: Outcomes = {}
    for case in ElementTree.parse(report).iter("testcase"):
        kinds = {child.tag for child in case}
        outcome = "failed" if kinds & {"failure", "error"} else "skipped" if "skipped" in kinds else "passed"
        name = f"{case.get('classname')}::{case.get('name')}"
        # A test that passes may fail in its teardown, which is a case of its own.
        outcomes[name] = "failed" if outcomes.get(name) == "failed" else outcome
    return outcomes


def real_outcomes(python: pathlib.Path, suite: Suite) -> Outcomes:
    """What the suite gives on the real Flask; run once per environment."""
    kept = python.parent.parent / f"{suite.name}.json"
    if not kept.exists():
        kept.write_text(json.dumps(run_tests(python, suite, on_kolben=False)), encoding="utf-8")
    return t.cast(Outcomes, json.loads(kept.read_text(encoding="utf-8")))


def compare(suite: Suite, real: Outcomes, ours: Outcomes) -> list[str]:
    """What is to be mended: tests that pass on Flask and not here, and skips that are not needed."""
    passing = [test for test, outcome in real.items() if outcome == "passed"]
    lost = [test for test in passing if ours.get(test) != "passed" and test not in suite.skips]
    unneeded = [test for test in suite.skips if ours.get(test) == "passed" or real.get(test) != "passed"]
    return [
        *(f"{ours.get(test, 'not run')}: {test}" for test in lost),
        *(f"needs no skip: {test}" for test in unneeded),
    ]


def run_suite(python: pathlib.Path, suite: Suite) -> tuple[int, int, int]:
    """Run one suite on both, print and keep how it went; returns how many passed, failed, were skipped."""
    real = real_outcomes(python, suite)
    ours = run_tests(python, suite, on_kolben=True)
    lost = compare(suite, real, ours)
    counts = {
        "flask": sum(outcome == "passed" for outcome in real.values()),
        "kolben": sum(outcome == "passed" for outcome in ours.values()),
        "lost": len(lost),
        "skipped": len(suite.skips),
    }
    (CACHE / f"{suite.name}-result.json").write_text(json.dumps(counts), encoding="utf-8")
    print(
        f"{suite.title} {suite.version}: {counts['flask']} tests pass on Flask, {counts['kolben']} on Kolben",
        flush=True,
    )
    for line in lost:
        print(f"  {line}")
    if lost:
        print(f"  (the log: {(CACHE / f'{suite.name}-kolben.log').relative_to(ROOT)})")
    return counts["kolben"], len(lost), len(suite.skips)


def main() -> None:
    """Run the suites that the command line names."""
    suites = load_suites()
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", choices=[*suites, []], metavar="suite", help=", ".join(suites))
    parser.add_argument("--extensions", action="store_true", help="all suites but Flask's own")
    options = parser.parse_args()
    names = [name for name in suites if name in options.names or (options.extensions and name != "flask")]
    if not hasattr(tarfile, "data_filter"):
        # NOTE: pip needs it as well, for a link in a source distribution that leads nowhere.
        raise SystemExit("The suites are unpacked by a filter of tarfile's, which Python has from 3.11.4 on.")
    start = time.monotonic()
    python = environment(suites)
    counts = [run_suite(python, suites[name]) for name in names]
    passed, failed, skipped = (sum(column) for column in zip(*counts, strict=True))
    # In the form of pytest's last line, which .ci/run counts by.
    print(f"{passed} passed, {failed} failed, {skipped} skipped in {time.monotonic() - start:.2f}s")
    sys.exit(bool(failed))


if __name__ == "__main__":
    main()
