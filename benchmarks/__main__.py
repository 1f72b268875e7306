"""Run a benchmark: ``python -m benchmarks NAME [options]``; without a name, a short round of the usual ones.

``python -m benchmarks compare REF`` sets a commit beside the working copy.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
NAMES = sorted(path.stem for path in HERE.glob("*.py") if "def main(" in path.read_text() and path.stem[0] != "_")
USUAL = (["inprocess", "--quick"], ["servers", "--quick"], ["scaling", "--quick"])


def main() -> int:
    """Run what was asked for, each in a process of its own."""
    arguments = sys.argv[1:]
    if arguments and (arguments[0] in {"-h", "--help"} or arguments[0] not in NAMES):
        print(__doc__, f"\nNames: {', '.join(NAMES)}.", sep="")
        return 0 if arguments[0] in {"-h", "--help"} else 2
    return max(run(*command) for command in ([arguments] if arguments else USUAL))


def run(name: str, *arguments: str) -> int:
    """One of them; its modules are found as scripts of this folder, and as members of the repository."""
    path = os.pathsep.join([str(HERE), str(HERE.parent), os.environ.get("PYTHONPATH", "")]).rstrip(os.pathsep)
    command = [sys.executable, "-m", f"benchmarks.{name}", *arguments]
    return subprocess.run(command, cwd=HERE.parent, env={**os.environ, "PYTHONPATH": path}).returncode


if __name__ == "__main__":
    sys.exit(main())
