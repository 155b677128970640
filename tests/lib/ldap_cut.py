# SPDX-License-Identifier: Apache-2.0
"""A relay before a directory server that cuts a host off at a chosen write.

    with ldap_cut.Cut(server.port, b"ou=claims,") as c:  # c.port in place of the server's
        c.arm(2, process.kill)               # at the answer to the second add below ou=claims from now on
        c.arm(2, process.kill, before=True)  # or before the server gets it
        c.done                               # whether it has come to that
"""
import asyncio
import contextlib

import relay

ADD, ADDED = 0x68, 0x69


def _message(data):
    """(length of the first LDAPMessage, tag of its operation, its id encoded); None while it is incomplete."""
    def header(at):
        if len(data) < at + 2:
            return None
        n, at = data[at + 1], at + 2
        if n < 0x80:
            return at, n
        size = n & 0x7f
        return (at + size, int.from_bytes(data[at:at + size], "big")) if len(data) >= at + size else None
    outer = header(0)
    if outer is None or len(data) < sum(outer):
        return None
    number = outer[0]
    tag = number + 2 + data[number + 1]
    return sum(outer), data[tag], bytes(data[number:tag])


class Cut(relay.Relay):
    def __init__(self, target, below):
        self.below, self.left, self.kill, self.before, self.done = below, 0, None, False, True
        super().__init__(target)

    def arm(self, nth, kill, before=False):
        self.left, self.kill, self.before, self.done = nth, kill, before, False

    def _cut(self):
        self.left, self.done = 0, True
        self.kill()

    async def _accept(self, reader, writer):
        answer = []  # how that to the write at which it cuts begins
        try:
            there = await asyncio.open_connection(self.host, self.target)
        except OSError:
            writer.close()
            return
        await asyncio.gather(self._requests(reader, there[1], answer), self._answers(there[0], writer, answer))

    async def _requests(self, reader, writer, answer):
        waiting = b""
        with contextlib.suppress(OSError):
            while data := await reader.read(65536):
                waiting += data
                while (message := _message(waiting)) is not None:
                    size, tag, number = message
                    if tag == ADD and self.below in waiting[:size] and self.left > 0:
                        self.left -= 1
                        if self.left == 0 and self.before:
                            self._cut()
                            writer.close()
                            return
                        if self.left == 0:
                            answer.append(number + bytes([ADDED]))
                    writer.write(waiting[:size])
                    waiting = waiting[size:]
                await writer.drain()
        writer.close()

    async def _answers(self, reader, writer, answer):
        with contextlib.suppress(OSError):
            while data := await reader.read(65536):
                if answer and answer[0] in data:
                    self._cut()
                    break
                writer.write(data)
                await writer.drain()
        writer.close()
