"""A commit beside the working copy, or beside another commit: the same benchmark over both sources, in turns.

    python -m benchmarks compare HEAD~3
    python -m benchmarks compare v1 v2 --protocol asgi --kind json --rounds 9

Each commit is checked out into ``.cache/compare``; both are measured by the benchmark of the working copy.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import typing as t
from pathlib import Path

from inprocess import static_folder
from kinds import KINDS

ROOT = Path(__file__).parents[1]
SCRIPT = Path(__file__).with_name("inprocess.py")


class Source:
    """One state of Kolben's source, and a process that runs it."""

    def __init__(self, ref: str | None, protocol: str, seconds: float) -> None:
        self.name = ref or "working copy"
        source = checked_out(ref) if ref else ROOT
        command = [sys.executable, str(SCRIPT), "--serve", protocol, "kolben", "--seconds", str(seconds)]
        environment = {**os.environ, "PYTHONPATH": str(source / "src")}
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
        )

    def ask(self, kind: str) -> t.Any:
        """The times of a kind, or what went wrong."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(kind + "\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline() or '"no answer"')

    def end(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()


def checked_out(ref: str) -> Path:
    """The folder with the files of a commit.

    :raises subprocess.CalledProcessError: there is no such commit.
    """
    commit = git("rev-parse", "--verify", f"{ref}^{{commit}}")
    folder = ROOT / ".cache" / "compare" / commit[:12]
    if not folder.exists():
        git("worktree", "prune")
        git("worktree", "add", "--detach", str(folder), commit)
    return folder


def git(*arguments: str) -> str:
    return subprocess.run(["git", *arguments], cwd=ROOT, check=True, capture_output=True, text=True).stdout.strip()


def compared(sources: list[Source], kinds: list[str], rounds: int) -> t.Iterator[str]:
    """A line of the table for each kind: least times, and what the second is of the first."""
    ratios = []
    for kind in kinds:
        times: list[list[float]] = [[], []]
        for _ in range(rounds):
            for source, least in zip(sources, times, strict=True):
                answer = source.ask(kind)
                if isinstance(answer, dict):
                    least.append(answer["min"])
        if all(times):
            before, after = min(times[0]), min(times[1])
            ratios.append(after / before)
            yield f"| {kind} | {before:.1f} | {after:.1f} | {after / before:.2f} |"
    if ratios:
        yield f"\nMedian of the ratios: {statistics.median(ratios):.2f}."


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("ref", help="the commit before")
    parser.add_argument("after", nargs="?", help="the commit after; without it, the working copy")
    parser.add_argument("--protocol", choices=("wsgi", "asgi"), action="append")
    parser.add_argument("--kind", choices=tuple(KINDS), action="append", metavar="KIND")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=0.1, help="of each measurement")
    options = parser.parse_args()
    static_folder()
    for protocol in options.protocol or ("wsgi", "asgi"):
        sources = [Source(ref, protocol, options.seconds) for ref in (options.ref, options.after)]
        print(
            f"\n| µs, {protocol.upper()} | {' | '.join(s.name for s in sources)} | after ÷ before |\n|---|--:|--:|--:|"
        )
        for line in compared(sources, options.kind or list(KINDS), options.rounds):
            print(line, flush=True)
        for source in sources:
            source.end()


if __name__ == "__main__":
    main()
