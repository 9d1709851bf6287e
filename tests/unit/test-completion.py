#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The completion of shells as somebody at a terminal sees it: bash and zsh run on a terminal of their own, with the scripts
that are installed, and a vmunit whose domains are made up. A line is typed, the tab key pressed, and a key that writes the
line out.

   test-completion.py VMUNIT BASH-SCRIPT ZSH-SCRIPT
"""
import fcntl
import os
import pty
import re
import select
import shutil
import signal
import struct
import sys
import tempfile
import termios
import time

LIMIT = 30  # seconds, for what must come

# What is typed, and what the line is then; None: it stays as it is, and these are offered.
LINES = [
    ('vmunit domblkli', 'vmunit domblklist '),
    ('vmunit --rea', 'vmunit --readonly '),
    ('vmunit domblklist w', 'vmunit domblklist web '),
    ('vmunit domblklist --domain w', 'vmunit domblklist --domain web '),
    ('vmunit -q -c qemu:///system domblklist d', 'vmunit -q -c qemu:///system domblklist db '),
    ('vmunit start ', 'vmunit start db '),
    # Nothing is asked of another host; what needs no asking is offered.
    ('vmunit -c qemu+ssh://nobody.invalid/system start ', 'vmunit -c qemu+ssh://nobody.invalid/system start --'),
    ('vmunit -H nobody.invalid domblkli', 'vmunit -H nobody.invalid domblklist '),
    ('vmunit shutdown ', 'vmunit shutdown web '),
    ('vmunit start db --force', 'vmunit start db --force-boot '),
    ('vmunit shutdown web --mode ag', 'vmunit shutdown web --mode agent '),
    ('vmunit shutdown web --mode=ag', 'vmunit shutdown web --mode=agent '),
    ('vmunit shutdown web --mode=acpi,a', 'vmunit shutdown web --mode=acpi,agent '),
    ('vmunit shutdown web --mode ', None, ['acpi', 'agent']),
    ('vmunit domblkinfo web v', 'vmunit domblkinfo web vda '),
    ('vmunit domblkinfo --domain=web --device=s', 'vmunit domblkinfo --domain=web --device=sda '),
    ('vmunit domblkinfo web ', None, ['vda', 'sda']),
    ('vmunit domif-getlink web 52:54:00:a', 'vmunit domif-getlink web 52:54:00:aa:bb:cc '),
    ('vmunit domif-getlink web --interface 52:54:00:1', 'vmunit domif-getlink web --interface 52:54:00:12:34:56 '),
    ('vmunit help dombl', None, ['domblkinfo', 'domblklist', 'domblkstat']),
    ('vmunit define host', 'vmunit define hostile.xml '),
    ('vmunit verify host', 'vmunit verify hostile.xml '),
    ('vmunit verify w', 'vmunit verify web '),
    ("vmunit start '$(touch made)", None, []),
    ('vmunit start $(touch${IFS}made)', None, []),
    ('vmunit nonsense ', None, []),
]


class Shell:
    """A shell on a terminal."""

    def __init__(self, argv, directory, path):
        pid, self.fd = pty.fork()
        if pid == 0:
            os.chdir(directory)
            os.execve(argv[0], argv, {'PATH': path, 'HOME': directory, 'TERM': 'dumb', 'LC_ALL': 'C.UTF-8', 'INPUTRC': '/dev/null',
                                      'ZDOTDIR': directory})
        self.pid = pid
        self.seen = ''
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack('HHHH', 60, 300, 0, 0))

    def send(self, text):
        os.write(self.fd, text.encode())

    def wait(self, pattern):
        """What was written until PATTERN came, and the match."""
        end = time.monotonic() + LIMIT
        while True:
            match = re.search(pattern, self.seen)
            if match:
                before, self.seen = self.seen[:match.start()], self.seen[match.end():]
                return before, match
            left = end - time.monotonic()
            if left <= 0 or not select.select([self.fd], [], [], left)[0]:
                raise AssertionError(f'{pattern!r} did not come, but: {self.seen!r}')
            self.seen += os.read(self.fd, 65536).decode(errors='replace')

    def run(self, command):
        # What is echoed is not what is waited for.
        self.send(f"{command}; printf '<%s>' ready\n")
        self.wait('<ready>')

    def close(self):
        os.close(self.fd)
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)


def start_bash(directory, path, script):
    shell = Shell(['/bin/bash', '--norc', '--noprofile', '-i'], directory, path)
    shell.run("PS1=''; set +H; bind 'set bell-style none'; bind 'set show-all-if-ambiguous on'; bind 'set enable-bracketed-paste off'; "
              "bind 'set page-completions off'; bind 'set completion-query-items 0'")
    shell.run("write_out() { printf '<line:%s>' \"$READLINE_LINE\"; READLINE_LINE=; READLINE_POINT=0; }; bind -x '\"\\C-t\": write_out'")
    shell.run(f"source '{script}'")
    return shell


def start_zsh(directory, path, script):
    shell = Shell([shutil.which('zsh'), '-f', '-i'], directory, path)
    shell.run("PS1=''; unsetopt beep zle_bracketed_paste always_last_prompt; setopt auto_list no_list_ambiguous; "
              "zstyle ':completion:*' list-colors ''; LISTMAX=0")
    shell.run("write_out() { print -rn -- \"<line:$BUFFER>\"; BUFFER=; }; zle -N write_out; bindkey '^T' write_out; KEYTIMEOUT=1")
    shell.run(f"fpath=('{os.path.dirname(script)}' $fpath); autoload -U compinit; compinit -u -D")
    return shell


def plain(text):
    """Without what moves the cursor."""
    return re.sub(r'\x1b\[[0-9;?]*[A-Za-z]|\x1b[=>]|[\r\x07]', '', text)


def check(name, shell, line, expected, offered):
    shell.send(line + '\t')
    shell.send('\x14')
    output, match = shell.wait(r'<line:([^>]*)>')
    got = plain(match.group(1))
    missing = [word for word in offered if word not in plain(output).replace(line, '', 1)]
    # zsh does not always put a space behind the word right away.
    right = got.rstrip(' ') == (expected or line).rstrip(' ') if expected or not offered else got.startswith(line)
    if right and not missing:
        return True
    print(f'{name}: {line!r} became {got!r} instead of {expected!r}; not offered: {missing}; on the terminal: {plain(output)[-300:]!r}',
          file=sys.stderr)
    return False


def main(vmunit, bash_script, zsh_script):
    failed = 0
    with tempfile.TemporaryDirectory() as directory:
        os.mkdir(directory + '/bin')
        os.mkdir(directory + '/home')
        os.symlink(os.path.abspath(vmunit), directory + '/bin/vmunit')
        open(directory + '/home/hostile.xml', 'w').close()
        shells = [('bash', start_bash, bash_script)]
        if shutil.which('zsh'):
            shells.append(('zsh', start_zsh, zsh_script))
        else:
            print('zsh: not installed, its script has not been run')
        for name, start, script in shells:
            shell = start(directory + '/home', f'{directory}/bin:/usr/bin:/bin', os.path.abspath(script))
            for line, expected, *offered in LINES:
                failed += not check(name, shell, line, expected, offered[0] if offered else [])
            shell.close()
        if os.path.exists(directory + '/home/made'):
            print('a line that was completed has been executed', file=sys.stderr)
            failed += 1
    print(f'{len(LINES)} lines in {len(shells)} shells, {failed} failed')
    return failed > 0


sys.exit(main(*sys.argv[1:]))
