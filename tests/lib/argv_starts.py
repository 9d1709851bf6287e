#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Starts QEMU with the arguments of golden cases, just as they run, and asks it where its devices are.

  argv_starts.py [--emulator PATH] [--kernel PATH] GOLDEN-DIRECTORY [CASE...]

NAME.args and NAME.fds say what is executed and what is open at which descriptor. Files are scratch files of the
format the arguments name, taps are real ones where this may be done. QEMU must greet over QMP, and every -device
with an address must be on that bus, slot and function. Needs no KVM: `kvm` becomes `tcg`. Output is TAP."""
import fcntl
import glob
import json
import os
import pathlib
import re
import shutil
import socket
import struct
import subprocess
import sys
import tempfile

from qemu_img import qemu_img

QMP_FD = 3
VHOST_NET = '/dev/vhost-net'
KERNEL = None
PASSPHRASE = 'sesame'


class Skip(Exception):
    pass


def read_lines(path):
    return path.read_text().splitlines()


# --- what is opened ---

def open_taps(queues):
    """Descriptors of a new tap."""
    iff_tap, iff_no_pi, iff_multi_queue, iff_vnet_hdr, tunsetiff = 0x0002, 0x1000, 0x0100, 0x4000, 0x400454ca
    opened, ifname = [], b'vmt%d'
    mode = iff_tap | iff_no_pi | iff_vnet_hdr | (iff_multi_queue if queues > 1 else 0)
    try:
        for _ in range(queues):
            fd = os.open('/dev/net/tun', os.O_RDWR)
            ifname = fcntl.ioctl(fd, tunsetiff, struct.pack('16sH14x', ifname, mode))[:16].rstrip(b'\0')
            opened.append(fd)
    except OSError as e:
        raise Skip(f'no tap: {e}') from e
    return opened


class Fds:
    """The rows of NAME.fds, opened."""

    def __init__(self, case, scratch, formats, pflash_size):
        self.at = {}      # number in QEMU: our descriptor
        self.keep = []    # sockets, which close their descriptors themselves
        self.loops = []   # loop devices
        self.images = {}  # qemu-img's options: an image that was made with them
        self.scratch = scratch
        self.formats = formats
        self.pflash_size = pflash_size
        for line in read_lines(case):
            self.open(line)

    def open(self, line):
        words = re.sub(r' \([^)]*\)$', '', line).split(' ')
        # Labels are a matter of the host tier, and so are processes beside QEMU and their arguments.
        if words[0] in ('label', 'files', 'profile', 'helper', '') or words[3] != 'qemu':
            return
        number, name, kind, flags = words[0], words[1], words[2], [w for w in words[4:] if not w.startswith('label=')]
        opened = getattr(self, 'open_' + kind.replace('-', '_'))(name, flags)
        for i, fd in enumerate(opened):
            self.at[int(number) + i] = fd

    def open_again(self, name, size):
        """What QEMU opens by /proc/self/fd/N."""
        path = self.scratch / f'{name}.img'
        path.touch()
        os.truncate(path, size)
        return [os.open(path, os.O_RDWR)]

    def open_memory(self, name, flags):
        return self.open_again(name, int(next((f.split('=')[1] for f in flags if f.startswith('size=')), '0')))

    def open_folder(self, name, flags):
        path = self.scratch / name
        path.mkdir()
        return [os.open(path, os.O_RDONLY | os.O_DIRECTORY)]

    def open_overlay(self, name, flags):
        path = self.scratch / f'{name}.qcow2'
        subprocess.run(['qemu-img', 'create', '-q', '-f', 'qcow2', path, '1474560'], check=True)
        return [os.open(path, os.O_RDWR)]

    def open_file(self, name, flags):
        if any(f.startswith('link=') for f in flags):
            raise Skip('needs the links that a start makes')
        fdset = next((f.split('=')[1] for f in flags if f.startswith('set=')), None)
        if not fdset:
            return self.open_again(name, 0)
        if 'char-device' in flags:
            return [os.open('/dev/urandom', os.O_RDWR if 'writable' in flags else os.O_RDONLY)]
        path = self.scratch / f'{name}.img'
        fmt = self.formats.get(f'/dev/fdset/{fdset}')
        if name.startswith('pflash') and os.path.exists(flags[-1]):
            shutil.copy(flags[-1], path)
        elif name.startswith('pflash'):
            path.touch()
            os.truncate(path, self.pflash_size)
        elif fmt and str(fmt) in self.images:  # a key for a passphrase takes seconds to make
            shutil.copy(self.images[str(fmt)], path)
        elif fmt:
            qemu_img('create', '-q', *fmt, str(path), '1474560')
            self.images[str(fmt)] = path
        else:
            path.touch()
        if 'block-device' in flags:
            path = self.loop_device(path)
        if 'writable' not in flags:
            return [os.open(path, os.O_RDONLY)]
        return [os.open(path, os.O_WRONLY if 'create' in flags or 'append' in flags else os.O_RDWR)]

    def loop_device(self, path):
        r = subprocess.run(['losetup', '--find', '--show', path], capture_output=True, text=True, check=False)
        if r.returncode:
            raise Skip(f'no loop device: {r.stderr.strip()}')
        self.loops.append(r.stdout.strip())
        return r.stdout.strip()

    def close(self):
        for fd in set(self.at.values()) - {s.fileno() for s in self.keep}:
            os.close(fd)
        for s in self.keep:
            s.close()
        for device in self.loops:
            subprocess.run(['losetup', '--detach', device], check=False)

    def open_copy(self, name, flags):
        source = flags[-1]
        if name == 'kernel':
            source = KERNEL or next(iter(sorted(glob.glob('/boot/vmlinuz-*'))), None)
            if not source:
                raise Skip('needs a kernel: --kernel PATH')
        elif name == 'dtb':
            raise Skip('needs a device tree')
        elif 'certificate' in flags:
            raise Skip('needs certificates')
        fd = os.memfd_create(name)
        os.write(fd, pathlib.Path(source).read_bytes() if os.path.exists(source) else b'\x55\xaa' + bytes(510))
        os.lseek(fd, 0, os.SEEK_SET)
        return [fd]

    def open_secret(self, name, flags):
        fd = os.memfd_create(name)
        os.write(fd, PASSPHRASE.encode())
        return [fd]

    def open_tap(self, name, flags):
        return open_taps(int(next((f.split('=')[1] for f in flags if f.startswith('queues=')), '1')))

    def open_macvtap(self, name, flags):
        return self.open_tap(name, flags)

    def open_vhost_net(self, name, flags):
        if not os.path.exists(VHOST_NET):
            return []
        queues = int(next((f.split('=')[1] for f in flags if f.startswith('queues=')), '1'))
        return [os.open(VHOST_NET, os.O_RDWR) for _ in range(queues)]

    def open_listen(self, name, flags):
        s = socket.socket(socket.AF_UNIX)
        s.bind(str(self.scratch / f'{name}.sock'))
        s.listen()
        self.keep.append(s)
        return [s.fileno()]

    def pair(self):
        ours, theirs = socket.socketpair()
        self.keep += [ours, theirs]
        return theirs.fileno()

    def open_connect(self, name, flags):
        if name == 'tpm-control':
            raise Skip('needs swtpm')
        return [self.pair()]

    def open_socket(self, name, flags):
        raise Skip('needs the other end of vhost-user')

    def open_pair(self, name, flags):
        if name == 'tpm-control':
            raise Skip('needs swtpm')
        return [self.pair()]


# --- QEMU ---

def json_arguments(args):
    """(option, object) of the options that are JSON."""
    return [(args[i], json.loads(args[i + 1])) for i in range(len(args) - 1)
            if args[i].startswith('-') and args[i + 1].startswith('{')]


def format_of(node):
    """qemu-img's options for an image of the node's format."""
    if 'key-secret' not in node and 'encrypt' not in node:
        return ['-f', node['driver']]
    prefix = 'encrypt.' if 'encrypt' in node else ''
    options = {'encrypt.format': 'luks'} if prefix else {}
    options |= {f'{prefix}key-secret': 'secret', f'{prefix}iter-time': '10'}
    return ['--object', f'secret,id=secret,data={PASSPHRASE}', '-f', node['driver'], '-o', ','.join(f'{k}={v}' for k, v in options.items())]


def formats_of(args):
    """/dev/fdset/N: qemu-img's options"""
    nodes = [o for option, o in json_arguments(args) if option == '-blockdev']
    files = {o['node-name']: o['filename'] for o in nodes if 'filename' in o}
    return {files[o['file']]: format_of(o) for o in nodes if o.get('file') in files}


def as_this_machine_can(args):
    """Without what needs the host's kernel: KVM, vhost."""
    out = []
    for i, a in enumerate(args):
        if not os.path.exists(VHOST_NET):
            a = re.sub(r',"vhost":true,"vhostfds?":"[0-9:]+"', '', a)
        if i > 0 and args[i - 1] == '-accel':
            a = 'tcg'
        if i > 0 and args[i - 1] == '-cpu' and (a.startswith('host') or 'kvm' in a):
            raise Skip('needs KVM')
        if 'gic-version=host' in a:
            raise Skip('needs KVM')
        out.append(a)
    if 'kvm-pit' in ' '.join(args):
        raise Skip('needs KVM')
    if '"driver":"vhost-user' in ' '.join(args):
        raise Skip('needs the other end of vhost-user')
    if '"driver":"usb-host"' in ' '.join(args):
        raise Skip('needs a USB device to give away')
    if '"evdev":"/proc/' in ' '.join(args):
        raise Skip('needs a keyboard to give away')
    if '"driver":"ivshmem-doorbell"' in ' '.join(args):
        raise Skip('needs a server of shared memory')
    if any(a.startswith('passthrough,id=tpm-') for a in args):
        raise Skip('needs a TPM')
    if '"hugetlb":true' in ' '.join(args):
        raise Skip('needs huge pages')
    return out


class Qemu:
    def __init__(self, emulator, args, fds):
        self.qmp, theirs = socket.socketpair()
        at = dict(fds.at)
        at[QMP_FD] = theirs.fileno()
        self.errors = tempfile.TemporaryFile()
        self.pid = os.fork()
        if self.pid == 0:
            self.child(emulator, args, at)
        theirs.close()
        self.file = self.qmp.makefile('rw')

    def child(self, emulator, args, at):
        try:
            os.dup2(self.errors.fileno(), 1)
            os.dup2(self.errors.fileno(), 2)
            # First out of the way of the numbers, then to them.
            high = {number: os.dup2(fd, 600 + i, inheritable=False) for i, (number, fd) in enumerate(at.items())}
            for number, fd in high.items():
                os.dup2(fd, number)
            os.execv(emulator, args)
        finally:
            os._exit(127)

    def greeting(self):
        self.qmp.settimeout(60)
        reply = self.read()
        assert 'QMP' in reply, reply
        self.command('qmp_capabilities')

    def read(self):
        try:
            line = self.file.readline()
        except ConnectionResetError:
            line = ''
        if line:
            return json.loads(line)
        self.ended()

    def ended(self):
        os.waitpid(self.pid, 0)
        self.pid = 0
        self.errors.seek(0)
        raise AssertionError('QEMU ended: ' + self.errors.read().decode(errors='replace').strip())

    def command(self, name, **arguments):
        self.file.write(json.dumps({'execute': name, 'arguments': arguments}) + '\n')
        self.file.flush()
        while True:
            reply = self.read()
            if 'error' in reply:
                raise AssertionError(f'{name} {arguments}: {reply["error"]["desc"]}')
            if 'return' in reply:
                return reply['return']

    def end(self):
        if self.pid:
            os.kill(self.pid, 9)
            os.waitpid(self.pid, 0)
        self.qmp.close()


def parse_address(text):
    slot, _, function = text.partition('.')
    return int(slot, 16), int(function or '0', 16)


def check_addresses(qemu, args):
    """How many devices were where they should be."""
    root = {(d['slot'], d['function']): d['qdev_id'] for bus in qemu.command('query-pci') if bus['bus'] == 0
            for d in bus['devices']}
    n = 0
    for option, o in json_arguments(args):
        if option != '-device' or 'bus' not in o or 'addr' not in o or 'id' not in o:
            continue
        path = '/machine/peripheral/' + o['id']
        devfn = qemu.command('qom-get', path=path, property='addr')
        devfn = devfn if isinstance(devfn, int) else int(devfn.replace('.', ''), 16)
        found = (devfn >> 3, devfn & 7) if isinstance(devfn, int) else None
        wanted = parse_address(o['addr'])
        assert found == wanted, f'{o["id"]} is at {found}, not at {wanted}'
        bus = qemu.command('qom-get', path=path, property='parent_bus').rsplit('/', 1)[-1]
        assert bus == o['bus'], f'{o["id"]} is on {bus}, not on {o["bus"]}'
        if o['bus'] in ('pci.0', 'pcie.0'):
            assert root.get(wanted) == o['id'], f'query-pci has {root.get(wanted)!r} at {wanted}, not {o["id"]}'
        n += 1
    return n


def run(directory, name, emulator):
    args = read_lines(directory / f'{name}.args')
    with tempfile.TemporaryDirectory() as scratch:
        # ARM machines want their flash whole.
        pflash_size = 64 << 20 if args[0].endswith(('-aarch64', '-arm')) else 528 << 10
        fds = Fds(directory / f'{name}.fds', pathlib.Path(scratch), formats_of(args), pflash_size)
        qemu = Qemu(emulator or args[0], as_this_machine_can(args), fds)
        try:
            qemu.greeting()
            assert qemu.command('query-status')['status'] == 'prelaunch'
            return check_addresses(qemu, args)
        finally:
            qemu.end()
            fds.close()


def main(argv):
    global KERNEL
    emulator = None
    while argv and argv[0] in ('--emulator', '--kernel'):
        if argv[0] == '--emulator':
            emulator = argv[1]
        else:
            KERNEL = argv[1]
        argv = argv[2:]
    directory = pathlib.Path(argv[0])
    cases = argv[1:] or sorted(p.stem for p in directory.glob('*.args'))
    failed = 0
    print(f'1..{len(cases)}')
    for i, name in enumerate(cases, 1):
        try:
            print(f'ok {i} - {name}: {run(directory, name, emulator)} devices in their places', flush=True)
        except Skip as e:
            print(f'ok {i} - {name} # SKIP {e}', flush=True)
        except (AssertionError, OSError, ValueError) as e:
            failed += 1
            print(f'not ok {i} - {name}\n# ' + str(e).replace('\n', '\n# '), flush=True)
    return 1 if failed or not cases else 0


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
