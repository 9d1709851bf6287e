#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Asks an emulator what it can do and prints the record that qemu_caps_from_json() reads: how the fixtures in
this directory were made. probe.py /usr/bin/qemu-system-x86_64 > qemu-7.2-x86_64.json"""
import json
import subprocess
import sys


def main(emulator):
    qemu = subprocess.Popen([emulator, '-S', '-no-user-config', '-nodefaults', '-nographic', '-machine', 'none',
                             '-qmp', 'stdio'], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def command(name, **arguments):
        qemu.stdin.write(json.dumps({'execute': name, 'arguments': arguments}) + '\n')
        qemu.stdin.flush()
        while True:
            reply = json.loads(qemu.stdout.readline())
            if 'return' in reply:
                return reply['return']
            if 'error' in reply:
                raise SystemExit(f'{name}: {reply["error"]["desc"]}')

    json.loads(qemu.stdout.readline())
    command('qmp_capabilities')
    version = command('query-version')['qemu']
    arch = command('query-target')['arch']
    cpus = command('query-cpu-definitions')
    models = {c['typename']: c['name'] for c in cpus}
    # QEMU's words that are not libvirt's.
    arch = {'i386': 'i686', 'arm': 'armv7l'}.get(arch, arch)
    machines = []
    for m in sorted(command('query-machines'), key=lambda m: m['name']):
        machine = {'name': m['name']}
        if 'alias' in m:
            machine['alias'] = m['alias']
        if 'default-cpu-type' in m:
            machine['default-cpu'] = models.get(m['default-cpu-type'], m['default-cpu-type'])
        machine['max-cpus'] = m['cpu-max']
        if m.get('numa-mem-supported'):
            machine['numa-mem'] = True
        if m.get('is-default'):
            machine['default'] = True
        if m.get('deprecated'):
            machine['deprecated'] = True
        machines.append(machine)
    types = (t['name'] for t in command('qom-list-types', abstract=False))
    record = {
        'version': version['major'] * 1000000 + version['minor'] * 1000 + version['micro'],
        'arch': arch,
        'kvm': command('query-kvm')['present'],
        'machines': machines,
        'cpu-models': sorted(c['name'] for c in cpus),
        # CPUs and machines have lists of their own.
        'types': sorted(t for t in types if not t.endswith(('-cpu', '-machine'))),
        'commands': sorted(c['name'] for c in command('query-commands')),
    }
    command('quit')
    qemu.wait()
    json.dump(record, sys.stdout, indent=2)
    print()


main(sys.argv[1])
