"""Tells the time of this machine by SNTP (RFC 4330) on the given address."""

import socket
import struct
import sys
import time

SECONDS_1900_TO_1970 = 2208988800


def timestamp(seconds):
    whole = int(seconds)
    return struct.pack(">II", whole + SECONDS_1900_TO_1970, int((seconds - whole) * 2**32))


server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
server.bind((sys.argv[1], 123))
while True:
    question, client = server.recvfrom(1024)
    if len(question) < 48:
        continue
    now = timestamp(time.time())
    version = question[0] >> 3 & 7
    # A server's answer: stratum 1, no root delay and dispersion, and the client's own time.
    head = struct.pack(">BBbbII4s", version << 3 | 4, 1, 6, -20, 0, 0, b"HOST")
    server.sendto(head + now + question[40:48] + now + now, client)
