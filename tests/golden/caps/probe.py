#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Asks an emulator what it can do and prints the record that qemu_caps_from_json() reads: how the fixtures in
this directory were made. probe.py /usr/bin/qemu-system-x86_64 > qemu-7.2-x86_64.json"""
import json
import re
import subprocess
import sys

KNOBS = set('''check enforce fill-mtrr-mask full-cpuid-auto-level full-width-write host-cache-info host-phys-bits hotpluggable
hotplugged kvm l3-cache legacy-cache lmce migratable pmu realized start-powered-off tcg-cpuid vmware-cpuid-freq cpuid-0xb
ace2 ace2-en phe phe-en pmm pmm-en xcrypt xcrypt-en xstore xstore-en ffxsr i64 pclmuldq sse3 sse4-1 sse4-2 xd'''.split())


def features(props):
    return {k: v for k, v in props.items()
            if isinstance(v, bool) and not k.startswith(('hv-', 'kvm', 'vmx-', 'x-')) and '_' not in k and k not in KNOBS}


def host_cpu(host, vendor, models, gaps, signature=None):
    def differences(name):
        model = features(models[name])
        return sum(v != model.get(k, False) for k, v in host.items())

    same = [n for n in models if models[n]['vendor'] == vendor]
    model = min(same, key=lambda n: (signature != (models[n]['family'], models[n]['model']), differences(n)))
    has = features(models[model])
    return {
        'vendor': vendor,
        'model': model,
        'on': sorted(k for k, v in host.items() if v and not has.get(k)),
        'off': sorted(k for k, v in host.items() if not v and has.get(k)),
        'features': sorted(k for k, v in host.items() if v),
        'gaps': {k: sorted(set(v)) for k, v in sorted(gaps.items()) if v},
    }


# The fixtures are made where there is no KVM: a processor of 2015 with today's microcode, which took TSX away.
def pretended_kvm_cpu(models):
    host = features(models['Skylake-Client-IBRS'])
    for name in ('hle', 'rtm', 'mpx'):
        host[name] = False
    for name in ('ss', 'vmx', 'hypervisor', 'tsc-adjust', 'clflushopt', 'md-clear', 'stibp', 'ssbd', 'pdpe1gb', 'invtsc'):
        host[name] = name != 'invtsc'
    gaps = {n: [k for k, v in features(p).items() if v and not host.get(k)] for n, p in models.items()}
    return host_cpu(host, 'GenuineIntel', models, gaps, signature=(6, 94))


def add_cpus(record, command, definitions):
    def expand(name):
        return command('query-cpu-model-expansion', type='full', model={'name': name})['model']['props']

    best = expand('max')
    models = {c['name']: expand(c['name']) for c in definitions
              if not re.search(r'-v\d+$', c['name']) and c['name'] not in ('host', 'max', 'base')}
    gaps = {c['name']: [f for f in c['unavailable-features'] if f in features(best)] for c in definitions
            if c['name'] in models}
    record['cpu-features'] = sorted(features(best))
    record['tcg-cpu'] = host_cpu(features(best), best['vendor'], models, gaps)
    record['kvm-cpu'] = pretended_kvm_cpu(models)


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
    if arch in ('x86_64', 'i686'):
        add_cpus(record, command, cpus)
    command('quit')
    qemu.wait()
    json.dump(record, sys.stdout, indent=2)
    print()


main(sys.argv[1])
