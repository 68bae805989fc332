#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""HTTP as no honest client speaks it: half-open connections that drip, and requests that must be refused.

usage: hostile_http.py HOST:PORT COUNT SECONDS     holds COUNT half-open connections for that long, one byte each
                                                   every 10 s, a new one for each that is cut; then says what it did
"""
import collections, json, resource, select, socket, sys, time

DRIP_S = 10
OPEN_PER_S = 4000  # at most; more would measure this program
HEAD = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nX-Slow: "


def raise_descriptors(wanted):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(wanted, hard), hard))
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0] >= wanted


class SlowClients:
    def __init__(self, address, count):
        self.address, self.count = address, count
        self.poll, self.open = select.epoll(), {}
        self.drips = collections.deque()  # (when, descriptor, its socket), in that order
        self.opened = self.cut = self.refused = self.most = 0
        self.ages = []  # seconds from connecting to being cut

    def connect(self):
        sock = socket.socket()
        sock.setblocking(False)
        self.opened += 1
        if sock.connect_ex(self.address) not in (0, 115):  # EINPROGRESS
            self.refused += 1
            sock.close()
            return
        self.open[sock.fileno()] = (sock, time.monotonic())
        self.poll.register(sock.fileno(), select.EPOLLOUT | select.EPOLLRDHUP)

    def forget(self, descriptor):
        sock, begun = self.open.pop(descriptor)
        self.poll.unregister(descriptor)
        sock.close()
        self.cut += 1
        self.ages.append(time.monotonic() - begun)

    def send(self, descriptor, data):
        try:
            self.open[descriptor][0].send(data)
            self.drips.append((time.monotonic() + DRIP_S, descriptor, self.open[descriptor][0]))
        except OSError:
            self.forget(descriptor)

    def turn(self):
        for descriptor, event in self.poll.poll(0.005, 512):
            if event & (select.EPOLLRDHUP | select.EPOLLHUP | select.EPOLLERR):
                self.forget(descriptor)
            elif event & select.EPOLLOUT:
                self.poll.modify(descriptor, select.EPOLLRDHUP)
                self.send(descriptor, HEAD)
        while self.drips and self.drips[0][0] <= time.monotonic():
            _, descriptor, sock = self.drips.popleft()
            if descriptor in self.open and self.open[descriptor][0] is sock:
                self.send(descriptor, b"a")
        self.most = max(self.most, len(self.open))

    def run(self, seconds):
        begun, last = time.monotonic(), time.monotonic()
        budget = 0.0
        while (now := time.monotonic()) < begun + seconds:
            budget, last = min(512.0, budget + (now - last) * OPEN_PER_S), now
            while budget >= 1 and len(self.open) < self.count:
                budget -= 1
                self.connect()
            self.turn()

    def report(self):
        self.ages.sort()
        middle = self.ages[len(self.ages) // 2] if self.ages else None
        return {"opened": self.opened, "cut": self.cut, "refused": self.refused, "held_most": self.most,
                "held": len(self.open), "cut_after_s": middle, "cut_after_s_max": self.ages[-1] if self.ages else None}


def requests():
    """Name, bytes, and what the answer must hold: a status, or a JSON-RPC code with status 200."""
    def post(body, headers=b""):
        return (b"POST / HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n" + headers
                + b"Content-Length: %d\r\n\r\n" % len(body) + body)

    def call(params):
        return post(b'{"jsonrpc":"2.0","id":1,"method":"getBlocks","params":%s}' % params)

    head = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    piece = b"4000\r\n" + b" " * 16384 + b"\r\n"
    one = b'{"jsonrpc":"2.0","id":1,"method":"getSlot"}'
    return [
        ("body announced too long", head + b"Content-Length: 99999999999\r\n\r\n", b" 413 "),
        ("body too long", post(b" " * 70_000), b" 413 "),
        ("chunks without end", head + b"Transfer-Encoding: chunked\r\n\r\n" + piece * 5, b" 413 "),
        ("depth 100,000", post(b"[" * 100_000), b" 413 "),
        ("depth 60,000", post(b"[" * 60_000), b"-32700"),
        ("depth 30,000, closed", post(b"[" * 30_000 + b"]" * 30_000), b"-32700"),
        ("batch of 1,000", post(b"[" + b",".join([one] * 1000) + b"]"), b"-32600"),
        ("duplicate keys", post(b'{"jsonrpc":"2.0","id":1,"id":2,"method":"getSlot"}'), b"-32600"),
        ("duplicate key, escaped", post(b'{"jsonrpc":"2.0","id":1,"method":"a","\\u006dethod":"b"}'), b"-32600"),
        ("bad UTF-8", post(b'{"jsonrpc":"2.0","id":"\xff\xfe\xc0\x80","method":"getSlot"}'), b"-32700"),
        ("surrogate in UTF-8", post(b'{"jsonrpc":"2.0","id":1,"method":"\xed\xa0\x80"}'), b"-32700"),
        ("number beyond doubles", call(b"[1e999]"), b"-32602"),
        ("number of 40,000 digits", call(b"[" + b"9" * 40_000 + b"]"), b"-32602"),
        ("2^64", call(b"[18446744073709551616]"), b"-32602"),
        ("length and encoding", head + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n[]", b" 400 "),
        ("encoding and length", head + b"Transfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n[]", b" 400 "),
        ("two lengths", head + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n[]", b" 400 "),
        ("long address", b"GET /" + b"a" * 20_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n", b" 431 "),
        ("long header", head + b"X: " + b"a" * 20_000 + b"\r\n\r\n", b" 431 "),
        ("many headers", b"POST / HTTP/1.1\r\n" + b"X: y\r\n" * 4000 + b"\r\n", b" 431 "),
        ("no HTTP", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(200), b" 400 "),
    ]


def exchange(address, request, limit_s=8):
    """The answer to its end, or until the server has said all it will, and how long it took."""
    begun = time.monotonic()
    with socket.create_connection(address, timeout=limit_s) as sock:
        try:
            sock.sendall(request)
        except OSError:
            pass  # refused while it was still being sent
        answer = b""
        while b"\r\n\r\n" not in answer or len(answer.split(b"\r\n\r\n", 1)[1]) < length_of(answer):
            try:
                piece = sock.recv(65536)
            except OSError:
                break
            if not piece:
                break
            answer += piece
    return answer, time.monotonic() - begun


def length_of(answer):
    for line in answer.split(b"\r\n\r\n", 1)[0].split(b"\r\n"):
        if line.lower().startswith(b"content-length:"):
            return int(line.split(b":")[1])
    return 0


def main():
    if len(sys.argv) != 4:
        print(__doc__, file=sys.stderr)
        return 64
    host, port = sys.argv[1].rsplit(":", 1)
    count, seconds = int(sys.argv[2]), float(sys.argv[3])
    if not raise_descriptors(count + 64):
        print(f"this user may not hold {count + 64} descriptors", file=sys.stderr)
        return 77
    slow = SlowClients((host, int(port)), count)
    slow.run(seconds)
    print(json.dumps(slow.report()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
