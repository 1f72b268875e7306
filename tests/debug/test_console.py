"""Commands in a console, in frames of synchronous and asynchronous views."""

from __future__ import annotations

import asyncio
import sys
import threading
import typing as t

import pytest

from kolben import Kolben, g, session
from kolben.debug import output
from kolben.debug.console import Result
from kolben.debug.debugger import _until_gone
from kolben.server.wsgi.gateway import Gateway
from tests.debug.visitor import ViewKind, Visitor, exchange

if t.TYPE_CHECKING:
    from collections.abc import Callable

MODULE_LEVEL = "of the module"


async def answer() -> int:
    await asyncio.sleep(0)
    return 42


@pytest.fixture
def console(app: Kolben, visitor: Visitor, view_kind: ViewKind[t.Any]) -> Callable[[str], dict[str, str]]:
    """Runs commands in the frame of a view that failed, and gives what they answer."""

    @app.get("/orders/<int:number>")
    @view_kind
    def view(number: int) -> t.NoReturn:
        items = [1, 2, 3]
        g.user = "ada"
        session["cart"] = items
        raise ValueError(number)

    visitor.get("/orders/7")
    visitor.enter()
    return lambda source: t.cast("dict[str, str]", visitor.run(source, "view").json)


def test_an_expression_has_a_value(console: t.Any) -> None:
    assert console("number + len(items)") == {"status": "done", "output": "", "value": "10"}


def test_none_is_not_shown_and_leaves_the_last_value(console: t.Any) -> None:
    console("40")

    assert console("None")["value"] == ""
    assert console("_ + 2")["value"] == "42"


def test_statements_assign_for_the_commands_to_come(console: t.Any) -> None:
    assert console("total = sum(items); half = total / 2")["value"] == ""
    assert console("total, half")["value"] == "(6, 3.0)"


def test_what_is_assigned_stays_in_the_console(console: t.Any) -> None:
    console("MODULE_LEVEL = 'of the console'")

    assert console("MODULE_LEVEL")["value"] == "'of the console'"
    assert MODULE_LEVEL == "of the module"


def test_comprehensions_and_functions_see_the_variables(console: t.Any) -> None:
    assert console("[number * item for item in items]")["value"] == "[7, 14, 21]"
    console("def plus(more):\n    return number + more\n")
    assert console("plus(1)")["value"] == "8"


def test_statements_before_an_expression_are_run(console: t.Any) -> None:
    assert console("x = 1\nfor item in items:\n    x += item\n\nx")["value"] == "7"


def test_await_works_at_the_top_level(console: t.Any) -> None:
    assert console("await answer()")["value"] == "42"
    assert console("got = await answer(); got + await answer()")["value"] == "84"
    assert console("[x async for x in _numbers()]")["status"] == "failed"
    assert console("async with asyncio.timeout(5):\n    print(await answer())\n")["output"] == "42\n"


def test_awaiting_runs_on_the_loop_and_all_else_in_a_thread(app: Kolben, console: t.Any) -> None:
    console("import threading")

    assert console("threading.current_thread() is threading.main_thread()")["value"] == "False"
    assert console("await asyncio.sleep(0); threading.current_thread() is threading.main_thread()")["value"] == "False"
    console("async def where():\n    return threading.current_thread() is threading.main_thread()\n")
    assert console("await where()")["value"] == "True"


def test_the_request_is_there(console: t.Any) -> None:
    assert console("request.path, request.endpoint")["value"] == "('/orders/7', 'view')"
    assert console("g.user, session['cart'], current_app.name")["value"] == "('ada', [1, 2, 3], 'tests.debug')"
    assert console("url_for('view', number=8)")["value"] == "'/orders/8'"
    console("async def path():\n    await asyncio.sleep(0)\n    return request.path\n")
    assert console("await path()")["value"] == "'/orders/7'"


def test_what_is_printed_is_captured(console: t.Any, capsys: pytest.CaptureFixture[str]) -> None:
    console("import sys")
    result = console("print('a'); print('b', file=sys.stderr); 3")

    assert result == {"status": "done", "output": "a\nb\n", "value": "3"}
    assert capsys.readouterr() == ("", "")


def test_what_others_print_meanwhile_is_not(capsys: pytest.CaptureFixture[str]) -> None:
    with output.captured():
        print("of another request")
        with output.captured():
            pass
        assert isinstance(sys.stdout, output.Tee)

    assert not isinstance(sys.stdout, output.Tee)
    assert capsys.readouterr().out == "of another request\n"


def test_endless_output_is_cut(console: t.Any) -> None:
    result = console("for _ in range(300): print('x' * 1000)\n")

    assert len(result["output"]) < output.MAX_OUTPUT + 100
    assert result["output"].endswith("… (300300 characters)\n")


@pytest.mark.parametrize("source", ["1/0", "await fail()"])
def test_an_exception_is_its_traceback(console: t.Any, source: str) -> None:
    console("async def fail():\n    1/0\n")
    result = console(source)

    assert result["status"] == "failed"
    assert result["value"].startswith('Traceback (most recent call last):\n  File "<console ')
    assert "ZeroDivisionError" in result["value"]
    assert "debug/console.py" not in result["value"]


@pytest.mark.parametrize("source", ["raise SystemExit(3)", "raise KeyboardInterrupt", "await stop()"])
def test_what_would_end_the_server_does_not(console: t.Any, source: str) -> None:
    console("async def stop():\n    raise SystemExit\n")

    assert console(source)["status"] == "failed"
    assert console("1 + 1")["value"] == "2"


def test_a_syntax_error_shows_its_place(console: t.Any) -> None:
    result = console("x = = 1")

    assert result["status"] == "failed"
    assert "x = = 1\n        ^\nSyntaxError: invalid syntax" in result["value"]


@pytest.mark.parametrize(
    "source", ["def f():", "(1,", "'''", "for x in items:\n    print(x)", "if x:\n    pass\nelse:"]
)
def test_what_may_go_on_is_not_run(console: t.Any, source: str) -> None:
    assert console(source)["status"] == "incomplete"


def test_a_value_that_cannot_be_shown_is_an_exception(console: t.Any) -> None:
    console("class Odd:\n    def __repr__(self):\n        raise LookupError('odd')\n")

    assert "LookupError: odd" in console("Odd()")["value"]
    assert console("1")["value"] == "1"


def test_long_values_are_cut(console: t.Any) -> None:
    assert len(console("'x' * 1_000_000")["value"]) < 60_000


def test_synchronous_code_does_not_hold_up_the_loop(app: Kolben, visitor: Visitor) -> None:
    ready = threading.Event()
    app.config["EVENT"] = ready

    @app.get("/broken")
    async def view() -> t.NoReturn:
        raise ValueError

    @app.get("/fine")
    async def fine() -> str:
        ready.set()
        return "fine"

    visitor.get("/broken")
    visitor.enter()
    error = visitor.debugger.errors.newest_first()[0]
    console = error.console(visitor.frame("view").number)
    assert console is not None

    async def both() -> str:
        waiting = asyncio.ensure_future(console.run("current_app.config['EVENT'].wait(30)"))
        await asyncio.sleep(0.05)
        await exchange(visitor.debugger, {"path": "/fine", "headers": [(b"host", b"localhost")]})
        return (await waiting).value

    assert visitor._runner.run(both()) == "True"


def test_a_command_ends_when_its_page_is_closed(app: Kolben, visitor: Visitor) -> None:
    ended = []

    async def endless() -> Result:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(True)
        return Result("done")

    async def receive() -> dict[str, str]:
        await asyncio.sleep(0)
        return {"type": "http.disconnect"}

    assert asyncio.run(_until_gone(endless(), receive)).status == "failed"
    assert ended == [True]


def test_the_request_is_there_behind_a_gateway_to_wsgi(app: Kolben, view_kind: ViewKind[t.Any]) -> None:
    @app.get("/orders/<int:number>")
    @view_kind
    def view(number: int) -> t.NoReturn:
        g.user = "ada"
        raise ValueError(number)

    with asyncio.Runner() as runner:
        visitor = Visitor(Gateway(app), runner)
        visitor.get("/orders/7")
        visitor.enter()

        assert visitor.run("request.path, g.user, number", "view").json["value"] == "('/orders/7', 'ada', 7)"
        assert visitor.run("await answer()", "view").json["value"] == "42"
