"""The one way out of a sandbox's network: passes bytes to the control plane's sandbox port, and to nothing else."""

import asyncio
import contextlib
import socket
import sys
from collections import Counter

DIAL_SECONDS = 5.0
MOST_PER_CALLER = 64
BLOCK = 64 * 1024
_callers: Counter[str] = Counter()


async def main(port: int, target: str, target_port: int) -> None:
    """Listens until it is killed."""

    async def admit(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        caller = str(writer.get_extra_info("peername")[0])
        if _callers[caller] >= MOST_PER_CALLER:
            writer.transport.abort()
            return
        _callers[caller] += 1
        try:
            await _join(reader, writer, target, target_port)
        finally:
            _callers[caller] -= 1
            writer.transport.abort()

    server = await asyncio.start_server(admit, "0.0.0.0", port, limit=BLOCK, backlog=512)
    async with server:
        await server.serve_forever()


async def _join(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, target: str, target_port: int) -> None:
    try:
        there = await asyncio.wait_for(asyncio.open_connection(target, target_port, limit=BLOCK), DIAL_SECONDS)
    except (OSError, asyncio.TimeoutError):
        return
    try:
        for each in (writer, there[1]):
            _notice_a_dead_peer(each.get_extra_info("socket"))
        with contextlib.suppress(OSError):
            await asyncio.gather(_pass(reader, there[1]), _pass(there[0], writer))
    finally:
        there[1].transport.abort()


async def _pass(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while block := await reader.read(BLOCK):
        writer.write(block)
        await writer.drain()
    writer.write_eof()


def _notice_a_dead_peer(connection: socket.socket) -> None:
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 15)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 5)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 3)


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(main(int(sys.argv[1]), sys.argv[2], int(sys.argv[3])))
