# SPDX-License-Identifier: LGPL-2.1-or-later
"""The other side of an interface of type 'vhostuser': a switch with one port, and one host behind it, that answers ARP and
ping. It has the guest's memory, and the rings in it, as vhost-user's master has handed them over."""

import array
import json
import mmap
import os
import select
import socket
import struct
import threading

from access_lists import has_list
from harness import check, check_equal, run_ok, wait_for
from vm import nothing_left

VERSION_1, PROTOCOL_FEATURES, NET_MTU, MTU = 1 << 32, 1 << 30, 1 << 3, 1 << 4
HEADER = 12 # of a packet, with VERSION_1
REPLY = 1 << 2
SWITCH, ADDRESS = "/run/vmunit-test-switch", "192.0.2.9"
MAC = bytes.fromhex("525400aabbcc")


def checksum(data):
    total = sum(struct.unpack(f"!{len(data) // 2}H", data[:len(data) // 2 * 2])) + (data[-1] << 8 if len(data) % 2 else 0)
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def answer(frame, address):
    """What the host with ADDRESS says to FRAME; None: nothing."""
    if frame[12:14] == b"\x08\x06" and frame[20:22] == b"\0\1" and frame[38:42] == address:
        return frame[6:12] + MAC + frame[12:20] + b"\0\2" + MAC + address + frame[22:32]
    if frame[12:14] != b"\x08\x00" or frame[23] != 1 or frame[30:34] != address or frame[34] != 8:
        return None
    icmp = bytearray(frame[34:14 + int.from_bytes(frame[16:18], "big")])
    icmp[0], icmp[2:4] = 0, b"\0\0"
    icmp[2:4] = checksum(bytes(icmp)).to_bytes(2, "big")
    return frame[6:12] + MAC + frame[12:26] + address + frame[26:30] + bytes(icmp)


class Ring:
    def __init__(self):
        self.size, self.addresses, self.seen, self.kick, self.call, self.enabled = 0, None, 0, -1, -1, True


class Port(threading.Thread):
    """Listens at PATH; a context manager. `mtu` is what the guest was told, `frames` how many came of it."""

    def __init__(self, path, address):
        super().__init__(daemon=True)
        self.path, self.address = path, socket.inet_aton(address)
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(path)
        self.listener.listen()
        self.wake = os.pipe()
        self.mtu, self.frames, self.error, self.connections = None, 0, None, 0
        self.forget()

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        os.write(self.wake[1], b"x")
        self.join(10)
        self.listener.close()
        os.unlink(self.path)

    def forget(self):
        self.master, self.regions, self.rings = None, [], [Ring(), Ring()]

    # --- the guest's memory

    def at(self, address, size, column=0):
        """COLUMN 0: what the guest calls it; 2: what the master does."""
        for region in self.regions:
            if region[column] <= address and address + size <= region[column] + region[1]:
                start = address - region[column] + region[3]
                return memoryview(region[4])[start:start + size]
        raise ValueError(f"no memory at {address:#x}")

    def set_memory(self, data, fds):
        count, = struct.unpack_from("<I", data)
        self.regions = []
        for i in range(count):
            guest, size, user, offset = struct.unpack_from("<4Q", data, 8 + 32 * i)
            self.regions.append((guest, size, user, offset, mmap.mmap(fds[i], size + offset)))
            os.close(fds[i])

    # --- rings

    def chain(self, ring, index):
        table, part = self.at(ring.addresses[0], 16 * ring.size, 2), []
        while True:
            address, size, flags, following = struct.unpack_from("<QIHH", table, 16 * index)
            part.append(self.at(address, size))
            if not flags & 1:
                return part
            index = following

    def take(self, ring):
        """(index, buffers) of the next chain; None."""
        available = self.at(ring.addresses[2], 4 + 2 * ring.size, 2)
        if struct.unpack_from("<H", available, 2)[0] == ring.seen:
            return None
        index, = struct.unpack_from("<H", available, 4 + 2 * (ring.seen % ring.size))
        ring.seen = (ring.seen + 1) & 0xffff
        return index, self.chain(ring, index)

    def give_back(self, ring, index, size):
        used = self.at(ring.addresses[1], 4 + 8 * ring.size, 2)
        position, = struct.unpack_from("<H", used, 2)
        struct.pack_into("<II", used, 4 + 8 * (position % ring.size), index, size)
        struct.pack_into("<H", used, 2, (position + 1) & 0xffff)
        if ring.call >= 0:
            os.write(ring.call, struct.pack("<Q", 1))

    def send(self, frame):
        taken = self.take(self.rings[0]) if self.rings[0].addresses and self.rings[0].enabled else None
        if not taken:
            return
        packet, done = bytes(10) + b"\1\0" + frame, 0
        for buffer in taken[1]:
            n = min(len(buffer), len(packet) - done)
            buffer[:n] = packet[done:done + n]
            done += n
        self.give_back(self.rings[0], taken[0], done)

    def receive(self, ring):
        os.read(ring.kick, 8)
        while taken := self.take(ring):
            frame = b"".join(bytes(b) for b in taken[1])[HEADER:]
            self.give_back(ring, taken[0], 0)
            self.frames += 1
            reply = answer(frame, self.address)
            if reply:
                self.send(reply)

    # --- messages

    def message(self):
        data, ancillary, _, _ = self.master.recvmsg(12, socket.CMSG_SPACE(32))
        if len(data) < 12:
            self.master.close()
            self.forget()
            return
        fds = array.array("i")
        for level, kind, value in ancillary:
            if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
                fds.frombytes(value)
        request, _, size = struct.unpack("<3I", data)
        body = self.master.recv(size, socket.MSG_WAITALL) if size else b""
        value = struct.unpack_from("<Q", body)[0] if size >= 8 else 0
        index, number = struct.unpack_from("<II", body) if size >= 8 else (0, 0)
        reply = None
        if request == 1:
            reply = struct.pack("<Q", VERSION_1 | PROTOCOL_FEATURES | NET_MTU)
        elif request == 15:
            reply = struct.pack("<Q", MTU)
        elif request == 20:
            self.mtu = value
        elif request == 5:
            self.set_memory(body, fds)
        elif request == 8:
            self.rings[index].size = number
        elif request == 9:
            index, _, table, used, available, _ = struct.unpack_from("<IIQQQQ", body)
            self.rings[index].addresses = (table, used, available)
        elif request == 10:
            self.rings[index].seen = number
        elif request == 11:
            reply = struct.pack("<II", index, self.rings[index].seen)
            self.rings[index].kick = -1
        elif request in (12, 13) and fds:
            setattr(self.rings[value & 0xff], "kick" if request == 12 else "call", fds[0])
        elif request == 18:
            self.rings[index].enabled = bool(number)
        if reply is not None:
            self.master.sendall(struct.pack("<3I", request, 1 | REPLY, len(reply)) + reply)

    def run(self):
        try:
            while True:
                kicks = {r.kick: r for r in self.rings[1:] if r.kick >= 0 and r.addresses and r.enabled}
                sources = [self.wake[0], self.master or self.listener, *kicks]
                ready, _, _ = select.select(sources, [], [])
                if self.wake[0] in ready:
                    return
                if self.listener in ready:
                    self.master, _ = self.listener.accept()
                    self.connections += 1
                elif self.master in ready:
                    self.message()
                for fd in ready:
                    if fd in kicks and kicks[fd].kick == fd:
                        self.receive(kicks[fd])
        except Exception as e: # pylint: disable=broad-except
            self.error = e


# --- a machine at such a port


def interface(mode):
    return (f"<interface type='vhostuser'><mac address='52:54:00:00:77:01'/><source type='unix' path='{SWITCH}' mode='{mode}'/>"
            "<model type='virtio'/><mtu size='9000'/></interface>")


def shares_memory(machine):
    machine.xml = machine.xml.replace("<os>", "<memoryBacking><source type='memfd'/><access mode='shared'/></memoryBacking><os>", 1)
    return machine


def pings(machine):
    """How many of five came back."""
    _, lines = machine.console.command(f"ping {ADDRESS} eth0 192.0.2.5/24", 120)
    counted = [line for line in lines if " packets received" in line]
    check(counted, f"ping said {lines}")
    return int(counted[-1].split(" packets received")[0].split()[-1])


def set_link(machine, up):
    command = {"execute": "set_link", "arguments": {"name": "net0", "up": up}}
    run_ok(["vmunit", "qemu-monitor-command", machine.name, json.dumps(command)])


def plays_with(machine, port, start=None):
    """The guest has a card, and the other side its memory; they hear each other as long as the link is up."""
    (start or type(machine).start)(shares_memory(machine))
    check(has_list(SWITCH), "the machine's user may not connect, and yet he did")
    nic, = machine.console.table("nics")
    check_equal((nic["driver"], nic["mac"], nic["mtu"]), ("virtio_net", "52:54:00:00:77:01", "9000"))
    check(pings(machine) > 0, f"no answer; the other side: {port.error}, {port.frames} frames")
    check_equal((port.error, port.mtu, port.connections), (None, 9000, 1))
    frames = port.frames
    set_link(machine, False)
    check_equal(pings(machine), 0, "answers without a link")
    check_equal(port.frames, frames, "frames without a link")
    set_link(machine, True)
    wait_for(lambda: pings(machine) > 0, 60, "an answer over the link that is up again")
    run_ok(["systemctl", "stop", machine.unit])
    check(not has_list(SWITCH), "the user that was may still connect")
    nothing_left(machine)
