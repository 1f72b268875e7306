"""Streams that their clients abandon at a random chunk, round after round: what is torn down, what is left, memory.

python -m benchmarks.abandoned [--streams 1000] [--rounds 5] [--server granian-asgi]
"""

from __future__ import annotations

import argparse
import random
import sys
import typing as t
from concurrent.futures import ThreadPoolExecutor

from tests.servers.live import ASGI, WSGI, Live, reset, run
from tests.servers.process import wait_until

KINDS = ("sync", "async", "events/sync", "events/async")
CLIENTS = 16
MOST_CHUNKS = 20


def main() -> None:
    """Print a table in Markdown: a line for each server and kind of stream."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--streams", type=int, default=1000, help="in each round")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--server", action="append", choices=[*WSGI, *ASGI])
    options = parser.parse_args()
    print(
        "| server | stream | abandoned | torn down | streams, contexts left | threads | files | MiB after each round |"
    )
    print("|---|---|--:|--:|--:|--:|--:|---|")
    for name in options.server or [*WSGI, *ASGI]:
        for kind in KINDS:
            print(measured(name, kind, options.streams, options.rounds), flush=True)


def measured(name: str, kind: str, streams: int, rounds: int) -> str:
    """One line of the table."""
    with run(name, "streams:app") as live:
        accounts = [one_round(live, kind, streams, number) for number in range(1, rounds + 1)]
    last = accounts[-1]
    memory = ", ".join(f"{account['rss'] / 2**20:.1f}" for account in accounts)
    return (
        f"| {name} | {kind} | {streams * rounds} | {last['teardown_request']} | {last['streams']}, {last['contexts']} "
        f"| {last['threads']} | {accounts[0]['fds']} → {last['fds']} | {memory} |"
    )


def one_round(live: Live, kind: str, streams: int, number: int) -> dict[str, t.Any]:
    """Abandon that many streams, wait until all were torn down, and return the account of the application."""
    choose = random.Random(number)
    with ThreadPoolExecutor(CLIENTS) as clients:
        list(
            clients.map(
                lambda chunks: abandon(live, kind, chunks), [choose.randrange(MOST_CHUNKS) for _ in range(streams)]
            )
        )
    account: dict[str, t.Any] = {}

    def is_settled() -> bool:
        account.update(live.get("/account"))
        return account["teardown_appcontext"] >= streams * number and not account["streams"] and not account["contexts"]

    try:
        wait_until(is_settled, 30)
    except TimeoutError:
        print(f"{live.name}, {kind}: not settled after 30 s: {account}", file=sys.stderr)
    return account


def abandon(live: Live, kind: str, chunks: int) -> None:
    """Read the head and so many chunks of a stream that does not end, and leave; every other time with a reset."""
    connection = live.send(f"/endless/{kind}")
    for _ in range(chunks + 1):
        connection.recv(4096)
    if chunks % 2:
        reset(connection)
    else:
        connection.close()


if __name__ == "__main__":
    main()
