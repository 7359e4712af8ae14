#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Python's asyncio at both ends, and the standard library's blocking clients.

    asyncio_app.py serve PORT DIRECTORY   greets with the marker (it speaks first),
                                          then answers each frame with its SHA-256
    asyncio_app.py talk HOST PORT         four connections at once
    asyncio_app.py get BASE               urllib
    asyncio_app.py page URL
    asyncio_app.py mail HOST TEXT         smtplib
"""
import asyncio
import hashlib
import smtplib
import struct
import sys
import urllib.request

FRAME = 100_000


async def serve(port, directory):
    with open(f"{directory}/marker.txt", "rb") as f:
        marker = f.read()

    async def one(reader, writer):
        writer.write(marker)
        try:
            while True:
                n, = struct.unpack("!I", await reader.readexactly(4))
                writer.write(hashlib.sha256(await reader.readexactly(n)).hexdigest().encode() + b"\n")
                await writer.drain()
        except asyncio.IncompleteReadError as e:
            writer.write(b"short\n" if e.partial else b"end\n")     # after the client's half close
        writer.close()

    server = await asyncio.start_server(one, None, port)
    await server.serve_forever()


async def talk(host, port):
    async def one(i):
        reader, writer = await asyncio.open_connection(host, port)
        said = [await reader.readline()]
        for n in (1, FRAME, 16384):
            writer.write(struct.pack("!I", n) + bytes([i]) * n)
            await writer.drain()
            said.append(await reader.readline())
        writer.write_eof()
        said.append(await reader.read())
        writer.close()
        await writer.wait_closed()
        return b"".join(said).decode()

    for text in await asyncio.gather(*map(one, range(4))):
        print(text, end="")


def get(base):
    def body(path):
        with urllib.request.urlopen(base + path, timeout=60) as r:
            return r.read()
    print(body("/marker.txt").decode(), end="")
    print("big", hashlib.sha256(body("/big")).hexdigest())


def page(url):
    with urllib.request.urlopen(url, timeout=60) as r:
        print(r.read().decode(), end="")


def mail(host, text):
    with smtplib.SMTP(host, timeout=60) as s:
        refused = s.sendmail("python@h1.example", ["root@h2.example"], f"Subject: python\n\n{text}\n")
        print("refused", refused, "noop", s.noop()[0])


def main():
    what, *args = sys.argv[1:]
    if what == "serve":
        asyncio.run(serve(int(args[0]), args[1]))
    elif what == "talk":
        asyncio.run(talk(args[0], int(args[1])))
    else:
        {"get": get, "page": page, "mail": mail}[what](*args)


main()
