"""A server that counts arrivals, and refuses the eleventh of a token in any second. It shares no code with the client.

    python strict_judge.py [SECONDS_PER_PAGE]

It prints its port, and answers each `GET /v1/contacts?administration_id=N` with the next of N pages: the first one has
two contacts, any other one has one, so that the last one is not a full one whose end would be proven by a request more.
When standard input ends, it prints as JSON, for each token, when its requests arrived and with what they were answered.
Requests that were refused do not count against the limit. Only the standard library.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections import defaultdict
from urllib.parse import parse_qs, urlsplit

LIMIT = 10
arrivals: dict[str, list[tuple[float, int]]] = defaultdict(list)


def judged(token: str, now: float) -> int:
    recent = [moment for moment, status in arrivals[token][-200:] if status == 200 and now - moment < 1]
    status = 429 if len(recent) >= LIMIT else 200
    arrivals[token].append((now, status))
    return status


def page(target: str) -> bytes:
    query = parse_qs(urlsplit(target).query)
    number = int(query.get("cursor", ["0"])[0]) + 1
    cursor = str(number) if number < int(query["administration_id"][0]) else None
    data = [{"id": str(each)} for each in ((0, 1) if number == 1 else (number,))]
    return json.dumps({"data": data, "pagination": {"cursor": cursor}}).encode()


class Connection(asyncio.Protocol):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport, self.received = transport, b""

    def data_received(self, data: bytes) -> None:
        self.received += data
        while b"\r\n\r\n" in self.received:
            head, _, self.received = self.received.partition(b"\r\n\r\n")
            line, *lines = head.decode().split("\r\n")
            headers = {name.lower(): value for name, _, value in (each.partition(": ") for each in lines)}
            loop = asyncio.get_running_loop()
            status = judged(headers["authorization"].removeprefix("Bearer "), loop.time())
            body = page(line.split(" ")[1]) if status == 200 else b'{"code":"too_many_requests","message":"Slower"}'
            answer = f"HTTP/1.1 {status} .\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
            loop.call_later(latency, self.transport.write, answer.encode() + body)


async def serve() -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Connection, "127.0.0.1", 0, backlog=256)
    print(server.sockets[0].getsockname()[1], flush=True)  # noqa: T201  # a test reads it
    await loop.run_in_executor(None, sys.stdin.read)
    print(json.dumps(arrivals), flush=True)  # noqa: T201


if __name__ == "__main__":
    latency = float(sys.argv[1]) if len(sys.argv) > 1 else 0.0
    asyncio.run(serve())
