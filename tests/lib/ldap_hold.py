# SPDX-License-Identifier: Apache-2.0
"""A relay before a directory server that keeps back what a persistent search brings: the feed is behind, all else works.

    with ldap_hold.Hold(server.port) as h:  # h.port in place of the server's
        h.held = True                       # nothing more arrives by the feed
        h.held = False                      # what was kept back does, and all that follows
"""
import asyncio
import contextlib

import relay

PERSISTENT = b"2.16.840.1.113730.3.4.3"  # the control that asks for it
PAUSE = 0.01


class Hold(relay.Relay):
    def __init__(self, target):
        self.held, self.searches = False, 0
        super().__init__(target)

    async def _accept(self, reader, writer):
        try:
            there = await asyncio.open_connection(self.host, self.target)
        except OSError:
            writer.close()
            return
        feed = []  # not empty: a persistent search was begun here
        await asyncio.gather(self._requests(reader, there[1], feed), self._answers(there[0], writer, feed))

    async def _requests(self, reader, writer, feed):
        with contextlib.suppress(OSError):
            while data := await reader.read(65536):
                if PERSISTENT in data:
                    feed.append(True)
                    self.searches += 1
                writer.write(data)
                await writer.drain()
        writer.close()

    async def _answers(self, reader, writer, feed):
        with contextlib.suppress(OSError):
            while data := await reader.read(65536):
                while feed and self.held:
                    await asyncio.sleep(PAUSE)
                writer.write(data)
                await writer.drain()
        writer.close()
