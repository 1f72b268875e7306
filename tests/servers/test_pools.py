"""What belongs to an event loop is made in one request and works in the next, under both protocols."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.servers.live import ASGI, WSGI, run

AT_ONCE = 20


@pytest.mark.parametrize("name", [*WSGI, *ASGI])
def test_pool_made_in_the_first_request_works_in_the_others(name: str) -> None:
    with run(name, "pools:app") as live:
        assert live.get("/ask/one")["answer"] == "answer to one"
        assert live.get("/ask/two")["answer"] == "answer to two"
        assert live.get("/ask-in-hooks/x") == {"answer": "answer to the hook"}
        assert live.get("/ask-in-a-stream/a-b").split() == ["answer", "to", "a", "answer", "to", "b"]

        with ThreadPoolExecutor(AT_ONCE) as clients:
            answers = list(clients.map(lambda i: live.get(f"/ask/{i}")["answer"], range(3 * AT_ONCE)))

        assert answers == [f"answer to {i}" for i in range(3 * AT_ONCE)]
        assert "different loop" not in live.log
        assert "Traceback" not in live.log
