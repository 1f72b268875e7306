"""Whether somebody is at a breakpoint: by real prompts of pdb, which read from a pipe."""

from __future__ import annotations

import contextlib
import io
import os
import pdb  # noqa: T100  # it is what is tested
import sys
import threading
import typing as t

import pytest

from kolben import Kolben
from kolben.debug import breakpoints
from tests.debug.visitor import Visitor
from tests.servers.process import wait_until

if t.TYPE_CHECKING:
    from collections.abc import Iterator


class Prompt:
    """A pdb on a thread of its own, whose commands come from `type`."""

    def __init__(self, begin: t.Callable[[pdb.Pdb], None]) -> None:
        reader, writer = os.pipe()
        self._stdin, self._writer = os.fdopen(reader), os.fdopen(writer, "w")
        self.output = io.StringIO()
        self._debugger = pdb.Pdb(stdin=self._stdin, stdout=self.output, nosigint=True, readrc=False)
        self._debugger.use_rawinput = False
        self.thread = threading.Thread(target=begin, args=(self._debugger,))
        self.thread.start()
        self.wait_for(1)

    def wait_for(self, prompts: int) -> None:
        wait_until(lambda: self.output.getvalue().count("(Pdb)") >= prompts, 20)

    @property
    def is_in_line(self) -> bool:
        """Whether the line that it was told to step over runs: the prompt is on the stack no more."""
        frame = sys._current_frames()[t.cast(int, self.thread.ident)]
        names = set()
        while frame is not None:
            names.add(frame.f_code.co_name)
            frame = t.cast(t.Any, frame.f_back)
        return "wait" in names and "interaction" not in names

    def type(self, command: str) -> None:
        self._writer.write(command + "\n")
        self._writer.flush()

    def end(self) -> None:
        paused.set()
        if self.thread.is_alive():
            self.type("continue")
        self.thread.join(20)
        self._stdin.close()
        self._writer.close()


@contextlib.contextmanager
def prompt(begin: t.Callable[[pdb.Pdb], None]) -> Iterator[Prompt]:
    """A thread at its prompt, which goes on at the end of the block."""
    opened = Prompt(begin)
    try:
        yield opened
    finally:
        opened.end()


def traced(debugger: pdb.Pdb) -> None:
    inner(debugger)


def inner(debugger: pdb.Pdb) -> None:
    debugger.set_trace()
    paused.wait(20)
    done.append(True)


paused = threading.Event()
done: list[bool] = []


def failed(debugger: pdb.Pdb) -> None:
    try:
        raise ValueError
    except ValueError as exc:
        debugger.reset()
        debugger.interaction(None, t.cast(t.Any, exc.__traceback__))


@pytest.fixture(autouse=True)
def nothing_is_live() -> Iterator[None]:
    paused.clear()
    done.clear()
    assert not breakpoints.is_live()
    yield
    assert not breakpoints.is_live()


def test_a_prompt_is_live_until_it_is_continued() -> None:
    with prompt(traced) as opened:
        assert breakpoints.is_live()

        opened.type("continue")
        wait_until(lambda: not breakpoints.is_live(), 20)
        assert done == []


def test_stepping_is_live_between_prompts() -> None:
    with prompt(traced) as opened:
        opened.type("next" if "paused.wait" in opened.output.getvalue() else "next\nnext")
        wait_until(lambda: opened.is_in_line, 20)

        assert breakpoints.is_live()


def test_post_mortem_is_live() -> None:
    with prompt(failed) as opened:
        assert breakpoints.is_live()
        opened.type("quit")
        opened.thread.join(20)


def test_changes_are_reported_once() -> None:
    changes: list[bool] = []
    end = breakpoints.install(changes.append)
    try:
        with prompt(traced):
            wait_until(lambda: changes == [True], 20)
        wait_until(lambda: changes == [True, False], 20)
    finally:
        end()


def test_a_command_is_live_at_once() -> None:
    changes: list[bool] = []
    end = breakpoints.install(changes.append)
    try:
        with breakpoints.command():
            assert breakpoints.is_live()
            assert changes == [True]
        assert changes == [True, False]
    finally:
        end()


def test_a_command_of_a_console_is_live(app: Kolben, visitor: Visitor) -> None:
    @app.get("/broken")
    def view() -> t.NoReturn:
        raise ValueError

    visitor.get("/broken")
    visitor.enter()
    visitor.run("from kolben.debug import breakpoints", "view")

    assert visitor.run("breakpoints.is_live()", "view").json["value"] == "True"
