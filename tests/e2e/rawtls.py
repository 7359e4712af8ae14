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
SUITES = {"TLS_AES_128_GCM_SHA256": (16, "sha256"), "TLS_AES_256_GCM_SHA384": (32, "sha384")}
GCM_SET_IVLEN, GCM_GET_TAG = 0x9, 0x10

_crypto = ctypes.CDLL(ctypes.util.find_library("crypto") or "libcrypto.so.3")
for _f in ("EVP_CIPHER_CTX_new", "EVP_aes_128_gcm", "EVP_aes_256_gcm"):
    getattr(_crypto, _f).restype = ctypes.c_void_p


def aead(key, nonce, aad, text):
    """AES-GCM: what is sent for text, tag included."""
    ctx = ctypes.c_void_p(_crypto.EVP_CIPHER_CTX_new())
    cipher = _crypto.EVP_aes_128_gcm if len(key) == 16 else _crypto.EVP_aes_256_gcm
    out, n = ctypes.create_string_buffer(len(text) + 16), ctypes.c_int()
    ok = (_crypto.EVP_EncryptInit_ex(ctx, ctypes.c_void_p(cipher()), None, key, nonce) == 1 and
          _crypto.EVP_EncryptUpdate(ctx, None, ctypes.byref(n), aad, len(aad)) == 1 and
          _crypto.EVP_EncryptUpdate(ctx, out, ctypes.byref(n), text, len(text)) == 1)
    tag = ctypes.create_string_buffer(16)
    ok = (ok and _crypto.EVP_EncryptFinal_ex(ctx, tag, ctypes.byref(n)) == 1 and
          _crypto.EVP_CIPHER_CTX_ctrl(ctx, GCM_GET_TAG, 16, tag) == 1)
    _crypto.EVP_CIPHER_CTX_free(ctx)
    if not ok:
        raise RuntimeError("libcrypto does not do AES-GCM")
    return out.raw[:len(text)] + tag.raw


def expand_label(secret, label, length, digest):
    """HKDF-Expand-Label with an empty context: RFC 8446, 7.1."""
    name = b"tls13 " + label
    info = struct.pack("!HB", length, len(name)) + name + b"\0"
    out, block, i = b"", b"", 1
    while len(out) < length:
        block = hmac.new(secret, block + info + bytes([i]), digest).digest()
        out, i = out + block, i + 1
    return out[:length]


class Sealer:
    """One direction's keys: makes records."""

    def __init__(self, secret, suite, seq=0):
        size, digest = SUITES[suite]
        self.key = expand_label(secret, b"key", size, digest)
        self.iv = expand_label(secret, b"iv", 12, digest)
        self.seq = seq

    def seal(self, kind, data, padding=0):
        inner = data + bytes([kind]) + bytes(padding)
        head = struct.pack("!BHH", DATA, 0x0303, len(inner) + 16)
        nonce = bytes(a ^ b for a, b in zip(self.iv, struct.pack("!4xQ", self.seq)))
        self.seq += 1
        return head + aead(self.key, nonce, head, inner)


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
