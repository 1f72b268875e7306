"""Ordinary requests a second while 200 clients send a byte a second, half of them heads and half bodies, and without.

    python -m benchmarks slow_clients
    python -m benchmarks slow_clients --seconds 20 --server kolben-asgi

Each slow client that is cut off comes back at once. Everything is as it is by default; one worker.
"""

from __future__ import annotations

import argparse
import collections
import http.client
import threading
import time
import typing as t

from tests.servers.live import PROGRAMS, Live, run
from tests.servers.slow import SlowClients

if t.TYPE_CHECKING:
    from tests.servers.slow import Kind

SERVERS = ("kolben-wsgi", "kolben-asgi")
KINDS: list[Kind] = ["head", "body", "head", "large body", "head", "chunks"]


def main() -> None:
    """Print a table in Markdown."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--server", action="append", choices=SERVERS)
    parser.add_argument("--clients", type=int, default=200)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--users", type=int, default=4, help="ordinary clients, each with one request under way")
    options = parser.parse_args()
    print("| server | requests/s without | with | ratio | unanswered | heads cut off | bodies answered 408 |")
    print("|---|--:|--:|--:|--:|--:|--:|")
    kinds = (KINDS * options.clients)[: options.clients]
    for name in options.server or SERVERS:
        with run(name, "slow:app", folder=PROGRAMS) as live:
            measured(live, options.users, 3.0)
            alone, lost = measured(live, options.users, options.seconds / 2)
            with SlowClients(live, kinds, pause=1.0, again=True) as slow:
                beside, lost_beside = measured(live, options.users, options.seconds)
            after, lost_after = measured(live, options.users, options.seconds / 2)
        usual = (alone + after) / 2
        cut = collections.Counter((client.kind == "head", client.status) for client in slow.closed)
        heads = sum(count for (is_head, _), count in cut.items() if is_head)
        lost += lost_beside + lost_after
        cells = [f"{usual:,.0f}", f"{beside:,.0f}", f"{beside / usual:.2f}", lost, heads, cut[False, 408]]
        print(f"| {name} | {' | '.join(map(str, cells))} |", flush=True)


def measured(live: Live, users: int, seconds: float) -> tuple[float, int]:
    """Requests a second that are answered, and how many are not."""
    answered, lost = [0] * users, [0] * users
    end = time.perf_counter() + seconds

    def use(number: int) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", live.port, timeout=60)
        while time.perf_counter() < end:
            try:
                connection.request("POST", "/read", b"abc", {"Host": "localhost"})
                is_answered = connection.getresponse().read() == b"3"
            except (OSError, http.client.HTTPException):
                connection.close()
                is_answered = False
            if is_answered:
                answered[number] += 1
            else:
                lost[number] += 1
        connection.close()

    threads = [threading.Thread(target=use, args=(number,)) for number in range(users)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(answered) / seconds, sum(lost)


if __name__ == "__main__":
    main()
