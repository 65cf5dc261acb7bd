"""A proxy that makes a server 25 ms more distant each way; prints its port.

    far.py PORT
"""

from __future__ import annotations

import asyncio
import sys

DELAY = 0.025


async def main(port: int) -> None:
    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", port)
        await asyncio.gather(carry(reader, far_writer), carry(far_reader, writer))

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Each piece arrives DELAY after it came, however many are on their way."""
    loop = asyncio.get_running_loop()
    while piece := await reader.read(1 << 18):
        loop.call_later(DELAY, writer.write, piece)
    loop.call_later(DELAY, writer.close)


asyncio.run(main(int(sys.argv[1])))
