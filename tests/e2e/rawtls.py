# SPDX-License-Identifier: GPL-2.0-or-later
"""TLS 1.3 with both hands free: the handshake by Python's ssl over memory, and
records made by hand, so that a test can send what no decent library would.
"""
import ctypes
import ctypes.util
import hashlib
import hmac
import os
import socket
import ssl
import struct
import tempfile

ALERT, HANDSHAKE, DATA = 21, 22, 23
# key size, digest, libcrypto's name
SUITES = {"TLS_AES_128_GCM_SHA256": (16, "sha256", "EVP_aes_128_gcm"),
          "TLS_AES_256_GCM_SHA384": (32, "sha384", "EVP_aes_256_gcm"),
          "TLS_CHACHA20_POLY1305_SHA256": (32, "sha256", "EVP_chacha20_poly1305")}
GET_TAG, SET_TAG, TAG = 0x10, 0x11, 16
UPDATE = b"\x18\x00\x00\x01"      # KeyUpdate; then one byte, request_update

_crypto = ctypes.CDLL(ctypes.util.find_library("crypto") or "libcrypto.so.3")
for _f in ("EVP_CIPHER_CTX_new", *(s[2] for s in SUITES.values())):
    getattr(_crypto, _f).restype = ctypes.c_void_p


def _crypt(how, cipher, key, nonce, aad, text, tag=None):
    """how: Encrypt or Decrypt.  The text, and the tag that is over it."""
    ctx = ctypes.c_void_p(_crypto.EVP_CIPHER_CTX_new())
    out, n = ctypes.create_string_buffer(len(text) + 16), ctypes.c_int()
    end = ctypes.create_string_buffer(tag or TAG, TAG)
    init, update, final = (getattr(_crypto, f"EVP_{how}{f}") for f in ("Init_ex", "Update", "Final_ex"))
    ok = (init(ctx, ctypes.c_void_p(getattr(_crypto, cipher)()), None, key, nonce) == 1 and
          update(ctx, None, ctypes.byref(n), aad, len(aad)) == 1 and
          update(ctx, out, ctypes.byref(n), text, len(text)) == 1 and
          (not tag or _crypto.EVP_CIPHER_CTX_ctrl(ctx, SET_TAG, TAG, end) == 1) and
          final(ctx, ctypes.create_string_buffer(TAG), ctypes.byref(n)) == 1 and
          (tag or _crypto.EVP_CIPHER_CTX_ctrl(ctx, GET_TAG, TAG, end) == 1))
    _crypto.EVP_CIPHER_CTX_free(ctx)
    if not ok:
        raise RuntimeError("the record does not decrypt" if tag else f"no {cipher}")
    return out.raw[:len(text)], end.raw


def expand_label(secret, label, length, digest):
    """HKDF-Expand-Label with an empty context: RFC 8446, 7.1."""
    name = b"tls13 " + label
    info = struct.pack("!HB", length, len(name)) + name + b"\0"
    out, block, i = b"", b"", 1
    while len(out) < length:
        block = hmac.new(secret, block + info + bytes([i]), digest).digest()
        out, i = out + block, i + 1
    return out[:length]


class Keys:
    """One direction's keys, and the number of its next record."""

    def __init__(self, secret, suite, seq=0):
        self.suite, self.seq = suite, seq
        self.use(secret)

    def use(self, secret):
        size, digest, self.cipher = SUITES[self.suite]
        self.secret = secret
        self.key = expand_label(secret, b"key", size, digest)
        self.iv = expand_label(secret, b"iv", 12, digest)

    def update(self):
        """What comes behind a KeyUpdate: RFC 8446, 7.2."""
        self.use(expand_label(self.secret, b"traffic upd", len(self.secret), SUITES[self.suite][1]))
        self.seq = 0

    def nonce(self):
        nonce = bytes(a ^ b for a, b in zip(self.iv, struct.pack("!4xQ", self.seq)))
        self.seq += 1
        return nonce


class Sealer(Keys):
    """Makes records."""

    def seal(self, kind, data, padding=0):
        inner = data + bytes([kind]) + bytes(padding)
        head = struct.pack("!BHH", DATA, 0x0303, len(inner) + TAG)
        return head + b"".join(_crypt("Encrypt", self.cipher, self.key, self.nonce(), head, inner))


class Opener(Keys):
    """Reads records."""

    def open(self, record):
        """Its type and content."""
        inner, _ = _crypt("Decrypt", self.cipher, self.key, self.nonce(), record[:5], record[5:-TAG],
                          record[-TAG:])
        inner = inner.rstrip(b"\0")
        return inner[-1], inner[:-1]


class Tls:
    """A TLS connection over sock.  ctx: from context(); is_server: our role."""

    def __init__(self, sock, ctx, is_server=False, sni=None):
        self.sock, self.is_server = sock, is_server
        self.inb, self.out = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.keylog = tempfile.NamedTemporaryFile("r")
        ctx.keylog_filename = self.keylog.name
        self.obj = ctx.wrap_bio(self.inb, self.out, server_side=is_server, server_hostname=sni)

    def flush(self):
        data = self.out.read()
        if data:
            self.sock.sendall(data)

    def pump(self):
        got = self.sock.recv(65536)
        if got:
            self.inb.write(got)
        else:
            self.inb.write_eof()

    def _drive(self, f, *args):
        while True:
            try:
                return f(*args)
            except ssl.SSLWantReadError:
                self.flush()
                self.pump()
            finally:
                self.flush()

    def handshake(self):
        try:
            self._drive(self.obj.do_handshake)
        except ssl.SSLError:
            self.flush()        # the alert
            raise

    def until_finished(self):
        """A client's handshake up to, but without, what it would send last."""
        while True:
            try:
                self.obj.do_handshake()
                self.out.read()
                return
            except ssl.SSLWantReadError:
                self.flush()
                self.pump()

    def write(self, data):
        self.obj.write(data)
        self.flush()

    def read(self, n=65536):
        """b"" after close_notify; ssl.SSLEOFError after a bare FIN."""
        try:
            return self._drive(self.obj.read, n)
        except ssl.SSLZeroReturnError:
            return b""

    def close_notify(self):
        """Ours; the peer's is not waited for."""
        try:
            self.obj.unwrap()
        except ssl.SSLWantReadError:
            pass
        self.flush()

    def sealer(self, what="TRAFFIC_SECRET_0", seq=0):
        """What we send with, after seq records."""
        label = ("SERVER_" if self.is_server else "CLIENT_") + what
        self.keylog.seek(0)
        for line in self.keylog:
            if line.startswith(label + " "):
                secret = bytes.fromhex(line.split()[2])
                return Sealer(secret, self.obj.cipher()[0], seq)
        raise RuntimeError("no " + label)


def context(is_server, ca=None, cert=None, alpn=None, version=None, tickets=0):
    """ca: who signed the peer's certificate; cert: path without .crt and .key, or
    None; tickets: how many a server sends."""
    ctx = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER if is_server else ssl.PROTOCOL_TLS_CLIENT)
    ctx.check_hostname = False
    ctx.verify_mode = ssl.CERT_REQUIRED if ca else ssl.CERT_NONE
    if ca:
        ctx.load_verify_locations(ca)
    if cert:
        ctx.load_cert_chain(cert + ".crt", cert + ".key")
    if alpn:
        ctx.set_alpn_protocols([alpn])
    if is_server:
        ctx.num_tickets = tickets
    ctx.minimum_version = ctx.maximum_version = version or ssl.TLSVersion.TLSv1_3
    return ctx


def reset(sock):
    """Closes with a RST."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()


def client_hello(ctx):
    """The bytes a client begins with."""
    out = ssl.MemoryBIO()
    obj = ctx.wrap_bio(ssl.MemoryBIO(), out)
    try:
        obj.do_handshake()
    except ssl.SSLWantReadError:
        pass
    return out.read()
