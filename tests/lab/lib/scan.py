"""Prints the open TCP ports of an address: scan.py ADDRESS FIRST LAST. A port that says nothing for a second is closed."""

import resource
import select
import socket
import sys
import time

BATCH = 4000
PATIENCE = 1.0


def open_ports(address, ports):
    family, _, _, _, place = socket.getaddrinfo(address, 0, type=socket.SOCK_STREAM)[0]
    poll = select.epoll()
    waiting = {}
    for port in ports:
        attempt = socket.socket(family, socket.SOCK_STREAM)
        attempt.setblocking(False)
        attempt.connect_ex((place[0], port, *place[2:]))
        poll.register(attempt, select.EPOLLOUT | select.EPOLLERR | select.EPOLLHUP)
        waiting[attempt.fileno()] = (port, attempt)
    found = []
    deadline = time.monotonic() + PATIENCE
    while waiting and (left := deadline - time.monotonic()) > 0:
        for descriptor, _ in poll.poll(left):
            poll.unregister(descriptor)
            port, attempt = waiting.pop(descriptor)
            if attempt.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == 0:
                found.append(port)
            attempt.close()
    for _, attempt in waiting.values():
        attempt.close()
    return found


resource.setrlimit(resource.RLIMIT_NOFILE, (BATCH + 100, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
first, last = int(sys.argv[2]), int(sys.argv[3])
for start in range(first, last + 1, BATCH):
    for port in open_ports(sys.argv[1], range(start, min(start + BATCH, last + 1))):
        print(port)
