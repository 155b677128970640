# SPDX-License-Identifier: Apache-2.0
"""A TCP relay that holds back what passes it, as a long or bad line does.

    with relay.Relay(port) as r:   # r.port in place of port
        r.delay = 0.5              # seconds each way, also for what is open
        r.cut(); r.mend()          # all connections end, none is taken; again
"""
import asyncio
import contextlib
import threading


class Relay:
    def __init__(self, target, host="127.0.0.1"):
        self.target, self.host, self.delay = target, host, 0.0
        self._down, self._open = False, set()
        self._loop = asyncio.new_event_loop()
        ready = threading.Event()
        self._thread = threading.Thread(target=self._serve, args=(ready,), daemon=True)
        self._thread.start()
        ready.wait()

    def _serve(self, ready):
        asyncio.set_event_loop(self._loop)
        server = self._loop.run_until_complete(asyncio.start_server(self._accept, self.host, 0))
        self.port = server.sockets[0].getsockname()[1]
        ready.set()
        self._loop.run_forever()
        server.close()
        tasks = asyncio.all_tasks(self._loop)
        for task in tasks:
            task.cancel()
        self._loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
        self._loop.run_until_complete(self._loop.shutdown_asyncgens())
        self._loop.close()

    async def _accept(self, reader, writer):
        try:
            if self._down:
                raise OSError
            there = await asyncio.open_connection(self.host, self.target)
        except OSError:
            writer.close()
            return
        both = {writer, there[1]}
        self._open |= both
        await asyncio.gather(self._pass(reader, there[1]), self._pass(there[0], writer))
        self._open -= both

    async def _pass(self, reader, writer):
        with contextlib.suppress(OSError):
            while data := await reader.read(65536):
                if self.delay > 0:
                    await asyncio.sleep(self.delay)
                writer.write(data)
                await writer.drain()
        writer.close()

    def _end_all(self):
        for writer in self._open:
            writer.transport.abort()

    def cut(self):
        self._down = True
        self._loop.call_soon_threadsafe(self._end_all)

    def mend(self):
        self._down = False

    def close(self):
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
