"""A line between two network namespaces, in user space: two TAP devices and what happens to the frames between them.

Delays, loses, doubles and reorders frames, or swallows them all. Runs as a process of its own (a slow test must not slow
the line); takes one JSON object a line on stdin, the state of the line from then on, and answers each with a line.
"""

import ctypes
import fcntl
import heapq
import json
import os
import random
import select
import struct
import sys
import time

TUNSETIFF, IFF_TAP, IFF_NO_PI = 0x400454CA, 0x0002, 0x1000
CLONE_NEWNET = 0x40000000
FRAME_BYTES = 65536
REORDER_S = 0.05  # what a frame that is overtaken waits longer
QUEUE_MAX = 20000


def enter(namespace):
    """This thread's network is that one's from now on."""
    fd = os.open(f"/run/netns/{namespace}", os.O_RDONLY)
    try:
        if ctypes.CDLL(None, use_errno=True).setns(fd, CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), f"setns to {namespace}")
    finally:
        os.close(fd)


def tap(namespace, name):
    """A TAP device in that namespace; the descriptor stays usable from here."""
    enter(namespace)
    fd = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(fd, TUNSETIFF, struct.pack("16sH22x", name.encode(), IFF_TAP | IFF_NO_PI))
    return fd


class Line:
    def __init__(self, fds, seed):
        self.fds, self.dice = fds, random.Random(seed)
        self.queue, self.count = [], 0
        self.state = {"delay": 0.0, "loss": 0.0, "double": 0.0, "reorder": 0.0, "hole": False}

    def take(self, fd):
        other = self.fds[1 - self.fds.index(fd)]
        while True:
            try:
                frame = os.read(fd, FRAME_BYTES)
            except BlockingIOError:
                return
            s = self.state
            if s["hole"] or self.dice.random() < s["loss"] or len(self.queue) > QUEUE_MAX:
                continue
            for _ in range(2 if self.dice.random() < s["double"] else 1):
                late = REORDER_S if self.dice.random() < s["reorder"] else 0.0
                self.count += 1
                heapq.heappush(self.queue, (time.monotonic() + s["delay"] + late, self.count, other, frame))

    def give(self):
        while self.queue and self.queue[0][0] <= time.monotonic():
            _, _, fd, frame = heapq.heappop(self.queue)
            try:
                os.write(fd, frame)
            except OSError:
                pass  # the device is down or its queue is full: a lost frame

    def run(self):
        while True:
            wait = max(0.0, self.queue[0][0] - time.monotonic()) if self.queue else None
            ready, _, _ = select.select([*self.fds, sys.stdin], [], [], wait)
            if sys.stdin in ready:
                text = sys.stdin.readline()
                if not text:
                    return
                self.state.update(json.loads(text))
                print("ok", flush=True)
            for fd in self.fds:
                if fd in ready:
                    self.take(fd)
            self.give()


def main():
    a, b, name, seed = sys.argv[1:]
    line = Line([tap(a, name), tap(b, name)], int(seed))
    print("ok", flush=True)
    line.run()


if __name__ == "__main__":
    main()
