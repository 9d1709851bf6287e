#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What ssh makes of our settings, and what it says about a machine that cannot be reached. How a connection is made and
handed over is in test-host-vsock.c.

   test-ssh-proxy.py PROXY SSH-CONFIG
"""
import os
import re
import shutil
import subprocess
import sys
import tempfile

# What is asked for, and what comes: the names of nobody's machines, and what is no name at all.
NAMES = [
    ('vm/Nobody-here', "domain 'Nobody-here' does not run"),
    ('vm/nobody here', "domain 'nobody here' does not run"),
    ('vm/../../etc', "name '../../etc' cannot contain '/'"),
    ('vm/.hidden', "name '.hidden' cannot begin with '.'"),
    ('vm/', 'the name is empty'),
    ('nobody', "'nobody' is not vm/NAME"),
    ('vm/a\x1b]0;x', 'the name contains control characters or is not UTF-8'),
    ('vm/' + 'a' * 65, f"name '{'a' * 16}…' is longer than 64 bytes"),
]


def main(proxy, config):
    wrong = []
    proxy = os.path.abspath(proxy)
    for name, expected in NAMES:
        run = subprocess.run([proxy, name, '22'], capture_output=True, text=True)
        if run.returncode != 1 or run.stderr != f'vmunit-ssh-proxy: {expected}\n' or run.stdout:
            wrong.append(f'{name!r}: {run}')
    run = subprocess.run([proxy, 'vm/x'], capture_output=True, text=True)
    if run.returncode != 1 or 'usage:' not in run.stderr:
        wrong.append(f'no port: {run}')

    with open(config, encoding='utf-8') as file:
        text = file.read()
    command = re.search(r'ProxyCommand (\S+/vmunit-ssh-proxy) %n %p', text)
    if not command:
        wrong.append('the settings do not name the program')
    elif shutil.which('ssh'):
        with tempfile.TemporaryDirectory() as directory:
            with open(f'{directory}/config', 'w', encoding='utf-8') as file:
                file.write(text.replace(command.group(1), proxy))
            # ssh makes small letters of names; a machine's has both.
            run = subprocess.run(['ssh', '-F', f'{directory}/config', '-p', '2222', 'vm/Nobody-here', 'true'], capture_output=True, text=True)
            if run.returncode != 255 or "vmunit-ssh-proxy: domain 'Nobody-here' does not run" not in run.stderr:
                wrong.append(f'ssh: {run}')
            for host, expected in (('vm/web', True), ('web', False), ('vm.example.org', False)):
                said = subprocess.run(['ssh', '-F', f'{directory}/config', '-G', host], capture_output=True, text=True, check=True).stdout
                if (proxy in said) != expected or ('proxyusefdpass yes' in said) != expected:
                    wrong.append(f'ssh -G {host}: {said}')
    else:
        print('ssh is not installed, it has not read the settings')
    print('\n'.join(wrong) or f'{len(NAMES)} names')
    return len(wrong) > 0


sys.exit(main(*sys.argv[1:]))
