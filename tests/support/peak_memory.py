"""How much memory an answer takes at its worst: `python tests/support/peak_memory.py` prints it for each kind.

Each kind is met by a process of its own, as the peak that the operating system counts never shrinks.
"""

from __future__ import annotations

import gzip
import json
import resource
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from itertools import chain, repeat

import brotli
import zstandard

MIB = 2**20
ZEROS = b"0" * MIB


def gzipped() -> bytes:
    """300 MiB, as several members."""
    return gzip.compress(ZEROS) * 300


def brotli_of_zeros() -> bytes:
    """300 MiB in some hundred bytes."""
    packing = brotli.Compressor(quality=1)
    return b"".join(packing.process(ZEROS) for _ in range(300)) + bytes(packing.finish())


def page() -> bytes:
    """A page of 8 MiB."""
    contacts = [{"id": str(number), "lastname": "x" * 400} for number in range(19_000)]
    return json.dumps({"data": contacts}).encode()


BODIES: dict[str, tuple[str, Callable[[], bytes]]] = {
    "gzip": ("gzip", gzipped),
    "gzip in gzip": ("gzip, gzip", lambda: gzip.compress(gzipped())),
    "brotli": ("br", brotli_of_zeros),
    "zstd": ("zstd", lambda: zstandard.ZstdCompressor().compress(ZEROS) * 300),
    "gzip, for a token": ("gzip", gzipped),
    "page": ("identity", page),
    "page in gzip": ("gzip", lambda: gzip.compress(page())),
}


def peak(kind: str) -> tuple[int, str]:
    """By how many MiB a process grows while it reads an answer of a kind, and what it says of that."""
    encoding, make = BODIES[kind]
    body = make()
    small = b"HTTP/1.1 200 OK\r\nContent-Length: 12\r\nConnection: close\r\n\r\n" + b'{"data": []}'
    head = f"HTTP/1.1 200 OK\r\nContent-Encoding: {encoding}\r\nContent-Length: {len(body)}\r\n"
    answers = chain([small, head.encode() + b"Connection: close\r\n\r\n" + body], repeat(small))
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            while True:
                try:
                    connection, _ = listening.accept()
                except OSError:
                    return
                with connection:
                    connection.recv(65536)
                    connection.sendall(next(answers))

        serving = threading.Thread(target=serve)
        serving.start()
        url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        run = subprocess.run(
            [sys.executable, __file__, kind, url], stdout=subprocess.PIPE, text=True, check=True, timeout=60
        )
        listening.shutdown(socket.SHUT_RDWR)
        serving.join()
    grown, _, said = run.stdout.rstrip().partition(" ")
    return int(grown), said


def meet(kind: str, url: str) -> None:
    """Read an answer in this process."""
    import payt  # noqa: PLC0415  # only who reads needs it

    with payt.Client("t", base_url=url) as client:
        list(client.contacts.list(administration_id="1"))  # all is imported by now
    credentials = payt.ClientCredentials("id", "secret", payt.MemoryTokenStore()) if "token" in kind else "t"
    before, said = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, "read"
    with payt.Client(credentials, base_url=url, retries=0, max_body=(64 if "page" in kind else 1) * MIB) as client:
        try:
            list(client.contacts.list(administration_id="1"))
        except payt.PaytError as error:
            said = str(error)
    print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024, said)  # noqa: T201  # a script


if __name__ == "__main__":
    if sys.argv[1:]:
        meet(*sys.argv[1:])
    else:
        for each in BODIES:
            print(f"{each}:", *peak(each))  # noqa: T201  # a script
