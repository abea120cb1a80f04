"""A way to a server that can be cut and mended: what an outage of a vCenter looks like from outside.

Bytes are passed on as they are, so TLS and its certificate stay the server's own. While it is cut, nobody listens and
every open connection is reset; the server behind it knows nothing and keeps its state.
"""

import contextlib
import socket
import struct
import threading
from types import TracebackType
from typing import Self

__all__ = ["Tunnel"]

_CHUNK = 65536
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)


class Tunnel:
    """Listens on a port of its own, which it keeps over a cut, and forwards to `host:port`."""

    def __init__(self, host: str, port: int) -> None:
        self._target = (host, port)
        self._lock = threading.Lock()
        self._sockets: set[socket.socket] = set()
        self._threads: list[threading.Thread] = []
        self._listener: socket.socket | None = None
        self.port = 0

    def __enter__(self) -> Self:
        self.mend()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.cut()
        for thread in self._threads:
            thread.join(timeout=5)

    def cut(self) -> None:
        """Refuse new connections and reset the open ones."""
        with self._lock:
            listener, self._listener = self._listener, None
            broken, self._sockets = self._sockets, set()
        if listener is not None:
            with contextlib.suppress(OSError):  # wakes the thread in accept()
                listener.shutdown(socket.SHUT_RDWR)
            listener.close()
        for each in broken:
            _reset(each)

    def mend(self) -> None:
        """Listen (again), always at the same port; does nothing while it is not cut."""
        if self._listener is not None:
            return
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", self.port))
        listener.listen()
        self.port = listener.getsockname()[1]
        with self._lock:
            self._listener = listener
        self._run(self._accept, listener)

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                near, _ = listener.accept()
            except OSError:  # cut
                return
            try:
                far = socket.create_connection(self._target, timeout=10)
            except OSError:  # the server itself is gone
                _reset(near)
                continue
            far.settimeout(None)
            with self._lock:
                alive = self._listener is listener
                if alive:
                    self._sockets |= {near, far}
            if not alive:
                _reset(near)
                _reset(far)
                return
            self._run(self._pass_on, near, far)
            self._run(self._pass_on, far, near)

    def _pass_on(self, source: socket.socket, sink: socket.socket) -> None:
        with contextlib.suppress(OSError):  # cut, or closed by the other direction
            while data := source.recv(_CHUNK):
                sink.sendall(data)
        for each in (source, sink):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            with self._lock:
                self._sockets.discard(each)
            each.close()

    def _run(self, function: object, *arguments: socket.socket) -> None:
        assert callable(function)
        thread = threading.Thread(target=function, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()


def _reset(broken: socket.socket) -> None:
    with contextlib.suppress(OSError):
        broken.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
        broken.shutdown(socket.SHUT_RDWR)
    broken.close()
