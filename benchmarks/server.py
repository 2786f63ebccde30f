"""The server of the benchmarks: answers `GET /v1/contacts` from memory, in a process of its own.

    python benchmarks/server.py PAGE [--latency SECONDS] [--rate-limit REQUESTS_PER_SECOND] [--gaps CONTACTS]

It prints its port. The administration's id says how many contacts it has ("50000"), with anything after a dash, so that
many administrations can be alike ("2500-17"). The page in the file PAGE is sent over and over, with ids and a cursor of
its own each time; with `--gaps`, the ids of so many contacts have large gaps between them. `GET /stats` tells what it
has seen. Only the standard library, so that it starts anywhere.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import sys
from bisect import bisect_right
from collections import deque
from itertools import accumulate
from pathlib import Path
from threading import Thread
from urllib.parse import parse_qs, urlsplit

PER_PAGE = 500


class Counts:
    """What all connections share."""

    def __init__(self, page: bytes, latency: float, rate_limit: int | None, gaps: int) -> None:
        chance = random.Random(1)
        self.ids = [*accumulate(chance.choice((1, 1, 1, 2, 5, 40)) for _ in range(gaps))]
        # each record without its id, which is the first of its fields and another one on each page
        texts = [json.dumps(each, ensure_ascii=False, separators=(",", ":")) for each in json.loads(page)["data"]]
        self.without_id = [text.partition(",")[2].encode() for text in texts]
        self.latency, self.rate_limit = latency, rate_limit
        self.requests = self.refused = self.connections = 0
        self.times: deque[float] = deque()

    def answer(self, target: str, now: float) -> tuple[int, bytes]:
        """Status and body."""
        url = urlsplit(target)
        if url.path == "/stats":
            return 200, json.dumps(
                {"requests": self.requests, "refused": self.refused, "connections": self.connections}
            ).encode()
        self.requests += 1
        if self.rate_limit is not None:
            while self.times and now - self.times[0] >= 1:
                self.times.popleft()
            if len(self.times) >= self.rate_limit:
                self.refused += 1
                return 429, b'{"code":"too_many_requests","message":"Too many requests"}'
            self.times.append(now)
        query = parse_qs(url.query)
        total = int(query["administration_id"][0].partition("-")[0])
        ids = self.ids or range(1, total + 1)
        start = bisect_right(ids, int(query.get("cursor", ["0"])[0]))
        stop = min(start + min(int(query.get("per_page", ["100"])[0]), PER_PAGE), total)
        cursor = f'"{ids[stop - 1]}"' if stop < total else "null"
        records = b",".join(
            b'{"id":"%d",%b' % (number, rest) for number, rest in zip(ids[start:stop], self.without_id, strict=False)
        )
        return 200, b'{"data":[%b],"pagination":{"cursor":%b}}' % (records, cursor.encode())


class Connection(asyncio.Protocol):
    def __init__(self, counts: Counts) -> None:
        self.counts = counts
        self.received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self.counts.connections += 1

    def data_received(self, data: bytes) -> None:
        self.received += data
        while b"\r\n\r\n" in self.received:
            head, _, self.received = self.received.partition(b"\r\n\r\n")
            loop = asyncio.get_running_loop()
            status, body = self.counts.answer(head.split(b" ", 2)[1].decode(), loop.time())
            loop.call_later(self.counts.latency, self.send, status, body) if self.counts.latency else self.send(
                status, body
            )

    def send(self, status: int, body: bytes) -> None:
        reason = {200: "OK", 429: "Too Many Requests"}[status]
        head = f"HTTP/1.1 {status} {reason}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        self.transport.write(head.encode() + body)


async def serve(counts: Counts) -> None:
    server = await asyncio.get_running_loop().create_server(lambda: Connection(counts), "127.0.0.1", 0, backlog=128)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


def end_with_parent() -> None:
    """The parent holds the other end of standard input: when it is gone, so is this."""
    sys.stdin.read()
    os._exit(0)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("page", type=Path)
    parser.add_argument("--latency", type=float, default=0.0)
    parser.add_argument("--rate-limit", type=int)
    parser.add_argument("--gaps", type=int, default=0)
    arguments = parser.parse_args()
    Thread(target=end_with_parent, daemon=True).start()
    asyncio.run(serve(Counts(arguments.page.read_bytes(), arguments.latency, arguments.rate_limit, arguments.gaps)))
