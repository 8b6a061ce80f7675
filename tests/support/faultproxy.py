"""faultproxy - a TCP relay that fails on demand, and a listener that never answers.

    with FaultProxy("127.0.0.1", port) as proxy:
        ... connect to proxy.port ...
        proxy.reset()
"""
import selectors
import socket
import struct
import threading

CHUNK = 1 << 16


class FaultProxy:
    """Relays until told to fail. Its faults hold for the connections that are open at that time."""

    def __init__(self, host, port):
        self.target = (host, port)
        self.pairs, self.accepted = [], 0
        self._lock = threading.Lock()
        self._selector = selectors.DefaultSelector()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.host, self.port = self._listener.getsockname()
        self._wake, self._waker = socket.socketpair()
        self._selector.register(self._wake, selectors.EVENT_READ, None)
        self._selector.register(self._listener, selectors.EVENT_READ, None)
        self._is_running = True
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def close(self):
        """FIN to both sides."""
        self._end_all(lambda side: None)

    def reset(self):
        """RST to both sides."""
        self._end_all(lambda side: side.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                                                   struct.pack("ii", 1, 0)))

    def half_open(self):
        """Both directions stop; the sockets stay open and the kernel goes on acknowledging a while."""
        with self._lock:
            for pair in self.pairs:
                for side in pair:
                    self._forget(side)

    def go_on(self):
        """After half_open(): what was held up arrives."""
        with self._lock:
            for client, server in self.pairs:
                for side, other in ((client, server), (server, client)):
                    self._selector.register(side, selectors.EVENT_READ, other)
        self._waker.send(b"x")

    def stop(self):
        self._is_running = False
        self._waker.send(b"x")
        self._thread.join()
        self.reset()
        for thing in (self._listener, self._wake, self._waker, self._selector):
            thing.close()

    def _end_all(self, prepare):
        with self._lock:
            for pair in self.pairs:
                for side in pair:
                    self._forget(side)
                    prepare(side)
                    side.close()
            self.pairs = []

    def _forget(self, side):
        try:
            self._selector.unregister(side)
        except (KeyError, ValueError):
            pass

    def _run(self):
        while self._is_running:
            for key, _ in self._selector.select(1):
                if key.fileobj is self._wake:
                    self._wake.recv(CHUNK)
                elif key.fileobj is self._listener:
                    self._accept()
                elif key.data is not None:
                    self._relay(key.fileobj, key.data)

    def _accept(self):
        client, _ = self._listener.accept()
        try:
            server = socket.create_connection(self.target, timeout=5)
        except OSError:
            client.close()
            return
        with self._lock:
            self.accepted += 1
            self.pairs.append((client, server))
            for side, other in ((client, server), (server, client)):
                side.settimeout(5)
                side.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                self._selector.register(side, selectors.EVENT_READ, other)

    def _relay(self, source, sink):
        try:
            data = source.recv(CHUNK)
            if data:
                sink.sendall(data)
                return
        except OSError:
            pass
        with self._lock:
            for side in (source, sink):
                self._forget(side)
                side.close()
            self.pairs = [pair for pair in self.pairs if source not in pair]


class SilentListener:
    """Accepts connections and never says a word."""

    def __init__(self):
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.host, self.port = self._listener.getsockname()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._listener.close()
