"""Framing: length-prefixed msgpack over a stream socket, blocking side (the engine process)."""

from __future__ import annotations

import socket
import struct
import threading

import msgspec

from .protocol import MAX_MESSAGE_BYTES, FromEngine, ToEngine

_LENGTH = struct.Struct(">I")
_encoder = msgspec.msgpack.Encoder()
_decoder: msgspec.msgpack.Decoder[ToEngine] = msgspec.msgpack.Decoder(ToEngine)


class LinkBroken(Exception):
    """The other side is gone, or sent what is no message."""


class Link:
    """The engine's end. ``send`` may be called from any thread, ``receive`` from one."""

    def __init__(self, sock: socket.socket) -> None:
        self._socket = sock
        self._sending = threading.Lock()
        self._file = sock.makefile("rb", buffering=1 << 16)

    @classmethod
    def connect(cls, path: str) -> Link:
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        sock.connect(path)
        return cls(sock)

    def send(self, message: FromEngine) -> None:
        body = _encoder.encode(message)
        with self._sending:
            try:
                self._socket.sendall(_LENGTH.pack(len(body)) + body)
            except OSError as error:
                raise LinkBroken(f"cannot send to the replica worker: {error}") from error

    def receive(self) -> ToEngine:
        (length,) = _LENGTH.unpack(self._read(_LENGTH.size))
        if length > MAX_MESSAGE_BYTES:
            raise LinkBroken(f"a message of {length} bytes is over the limit")
        try:
            return _decoder.decode(self._read(length))
        except msgspec.DecodeError as error:
            raise LinkBroken(f"not a message of this protocol: {error}") from error

    def _read(self, count: int) -> bytes:
        try:
            data: bytes | None = self._file.read(count)
        except OSError as error:
            raise LinkBroken(f"cannot read from the replica worker: {error}") from error
        if data is None or len(data) < count:
            raise LinkBroken("the replica worker closed the connection")
        return data

    def close(self) -> None:
        try:
            self._socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self._socket.close()
