"""A line to the broker that a test cuts and joins: one store can be cut off while others are not."""

import contextlib
import select
import socket
import threading

CHUNK = 65536


class Gate:
    """Listens on `port` while it is open, and carries bytes to `to` and back."""

    def __init__(self, port, to):
        self.port, self.to = port, to
        self.listener, self.pairs, self.lock = None, [], threading.Lock()

    def open(self):
        self.listener = socket.socket()
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.listener.bind(("127.0.0.1", self.port))
        self.listener.listen()
        threading.Thread(target=self._accept, args=(self.listener,), daemon=True).start()

    def close(self):
        """Whoever is connected is cut off, whoever comes is refused."""
        if self.listener:
            self.listener.shutdown(socket.SHUT_RDWR)
            self.listener.close()
        self.listener = None
        with self.lock:
            for pair in self.pairs:
                self._cut(pair)
            self.pairs.clear()

    @staticmethod
    def _cut(pair):
        for s in pair:
            with contextlib.suppress(OSError):
                s.shutdown(socket.SHUT_RDWR)

    def _accept(self, listener):
        while True:
            try:
                one, _ = listener.accept()
            except OSError:
                return
            try:
                other = socket.create_connection(("127.0.0.1", self.to), 5)
            except OSError:
                one.close()
                continue
            with self.lock:
                self.pairs.append((one, other))
            threading.Thread(target=self._carry, args=(one, other), daemon=True).start()

    def _carry(self, one, other):
        way = {one: other, other: one}
        with one, other, contextlib.suppress(OSError):
            while True:
                for s in select.select(list(way), [], [])[0]:
                    data = s.recv(CHUNK)
                    if not data:
                        return
                    way[s].sendall(data)
