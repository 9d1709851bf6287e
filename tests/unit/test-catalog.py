#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The catalog of the journal: every MESSAGE_ID= that is sent has an entry, every entry is of one that is sent, and journalctl
reads it.

   test-catalog.py SOURCE-DIRECTORY
"""
import os
import re
import shutil
import subprocess
import sys
import tempfile

# What an entry may name: fields that journal_log() adds.
FIELDS = {'VM_NAME', 'VM_UUID'}


def read(path):
    with open(path, encoding='utf-8') as file:
        return file.read()


def problems(header, catalog, sources, pages, page):
    """What is wrong, one line each."""
    ids = dict(re.findall(r'^#define (MESSAGE_ID_\w+) "([0-9a-f]{32})"', header, re.M))
    entries = re.findall(r'^-- ([0-9a-f]{32})\n(.*?)(?=^-- |\Z)', catalog, re.M | re.S)
    found = [name for name, _ in entries]
    for name, value in ids.items():
        if found.count(value) != 1:
            yield f'{name}: {found.count(value)} entries in the catalog'
        if value not in page:
            yield f'{name}: its id is not in vm@.service(8)'
        if not any(re.search(rf'\b{name}\b', text) for text in sources.values()):
            yield f'{name} is never sent'
    for value in set(found) - set(ids.values()):
        yield f'{value}: an entry without a MESSAGE_ID_ in message-ids.h'
    for path, text in sources.items():
        # A literal would be an id nobody looks after.
        if re.search(r'journal_log\w*\([^;]*"[0-9a-f]{32}"|MESSAGE_ID=[0-9a-f]{32}', text):
            yield f'{path}: an id that is not in message-ids.h'
    for value, text in entries:
        head, _, body = text.partition('\n\n')
        for field in 'Subject', 'Defined-By', 'Documentation':
            if not re.search(rf'^{field}: \S', head, re.M):
                yield f'{value}: no {field}:'
        if not body.strip():
            yield f'{value}: nothing is explained'
        for field in set(re.findall(r'@(\w+)@', text)) - FIELDS:
            yield f'{value}: no message has the field {field}='
        for page, section in re.findall(r'man:([^( ]+)\((\d)\)', head):
            if not page.startswith('systemd') and f'{page}.{section}' not in pages:
                yield f'{value}: there is no {page}({section})'


def main(top):
    header, catalog = read(f'{top}/src/host/message-ids.h'), read(f'{top}/units/vmunit.catalog')
    sources = {}
    for directory, _, names in os.walk(f'{top}/src'):
        sources.update({f'{directory}/{name}': read(f'{directory}/{name}') for name in names if name.endswith('.c')})
    pages = set(os.listdir(f'{top}/man')) | {name.removesuffix('.in') for name in os.listdir(f'{top}/man')}
    page = read(f'{top}/man/vm@.service.8')
    wrong = list(problems(header, catalog, sources, pages, page))

    # Each kind of mistake is seen.
    first = re.search(r'^-- [0-9a-f]{32}', catalog, re.M).group()
    for what, planted in {
        'an entry less': (header, catalog.replace(first, '-- ' + '0' * 32, 1), sources),
        'an id more': (header + '#define MESSAGE_ID_PLANTED "' + '1' * 32 + '"\n', catalog, sources),
        'a literal': (header, catalog, {**sources, 'planted.c': 'journal_log(&c, LOG_INFO, "' + '2' * 32 + '", "text");'}),
        'a field': (header, catalog.replace('@VM_NAME@', '@VM_NAMES@', 1), sources),
        'a page': (header, catalog.replace('man:vm@.service(8)', 'man:vm@.service(7)', 1), sources),
    }.items():
        if len(list(problems(*planted, pages, page))) <= len(wrong):
            wrong.append(f'the test does not see {what}')

    journalctl = shutil.which('journalctl')
    if journalctl:
        with tempfile.TemporaryDirectory() as root:
            os.makedirs(f'{root}/usr/lib/systemd/catalog')
            os.makedirs(f'{root}/var/lib/systemd/catalog')
            shutil.copy(f'{top}/units/vmunit.catalog', f'{root}/usr/lib/systemd/catalog')
            subprocess.run([journalctl, f'--root={root}', '--update-catalog'], check=True)
            listed = subprocess.run([journalctl, f'--root={root}', '--list-catalog'], check=True, capture_output=True, text=True).stdout
        ids = set(re.findall(r'^-- ([0-9a-f]{32})', catalog, re.M))
        if {line.split()[0] for line in listed.splitlines()} != ids:
            wrong.append(f'journalctl lists other entries: {listed}')
    else:
        print('journalctl is not installed, it has not read the catalog')
    print('\n'.join(wrong) or 'the catalog is complete')
    return len(wrong) > 0


sys.exit(main(*sys.argv[1:]))
