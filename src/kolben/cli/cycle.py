"""Circular imports: finds the cycle in a traceback, and says it in words."""

from __future__ import annotations

import linecache
import os
import re
import typing as t

if t.TYPE_CHECKING:
    from types import TracebackType

# NOTE: the second is what Python 3.13 says of a half-loaded module beside the program, which might hide another.
_HALF_LOADED = re.compile(r"partially initialized module|\(consider renaming .*\)$")
_ASKED_FOR = re.compile(r"(?:cannot import name|has no attribute) '([^']+)'")


class Step(t.NamedTuple):
    """One import of a cycle: ``module`` had run up to ``line`` of ``path`` when it asked for the next module."""

    module: str
    path: str
    line: int

    @property
    def source(self) -> str:
        return linecache.getline(self.path, self.line).strip()


def find_cycle(exc: ImportError | AttributeError) -> list[Step]:
    """Return the imports that lead from the half-loaded module that ``exc`` complains of back to it.

    Empty where ``exc`` was not raised by a circular import.
    """
    if _HALF_LOADED.search(str(exc)) is None:
        return []
    half_loaded = exc.name if isinstance(exc, ImportError) else getattr(exc.obj, "__name__", None)
    chain = _import_chain(exc.__traceback__)
    start = next((index for index, step in enumerate(chain) if step.module == half_loaded), len(chain))
    return chain[start:]


def describe_cycle(exc: ImportError | AttributeError) -> str | None:
    """Return a text that shows the cycle of imports that raised ``exc`` and how to break it, or ``None``."""
    cycle = find_cycle(exc)
    if not cycle:
        return None
    match = _ASKED_FOR.search(str(exc))
    name = match[1] if match else "a name"
    last = cycle[-1]
    if len(cycle) == 1:
        return (
            f"The module '{last.module}' imports itself.\n\n{_show(last, last.module)}\n\n"
            f"If a library was meant, '{os.path.basename(last.path)}' has its name and hides it: rename the file."
        )
    first = cycle[0].module
    steps = [_show(step, following.module) for step, following in zip(cycle, [*cycle[1:], cycle[0]], strict=True)]
    return (
        "These modules import each other in a circle:\n\n"
        + "\n".join(steps)
        + f"\n\nThe last import asked '{first}' for '{name}' before '{first}' had got as far as defining it. To break"
        f" the circle, define '{name}' in a module of its own that the others import, or do the last import inside the"
        " function that needs it, or create the application in a factory, 'create_app()', that does the imports."
    )


def _import_chain(tb: TracebackType | None) -> list[Step]:
    """Return the modules that were being loaded when the traceback's error was raised, outermost first."""
    chain: list[Step] = []
    while tb is not None:
        code = tb.tb_frame.f_code
        if not code.co_filename.startswith("<frozen"):
            module = tb.tb_frame.f_globals.get("__name__", "")
            if code.co_name == "<module>":
                chain.append(Step(module, code.co_filename, tb.tb_lineno))
            elif chain and "import" in linecache.getline(code.co_filename, tb.tb_lineno):
                # A function that was called while its module loads, and imports; import hooks have frames here too.
                chain[-1] = Step(chain[-1].module, code.co_filename, tb.tb_lineno)
        tb = tb.tb_next
    return chain


def _show(step: Step, following: str) -> str:
    path = os.path.relpath(step.path) if step.path.startswith(os.getcwd() + os.sep) else step.path
    return f"  '{step.module}' imports '{following}' ({path}, line {step.line}):\n      {step.source}"
