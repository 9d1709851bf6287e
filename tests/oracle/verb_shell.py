# SPDX-License-Identifier: LGPL-2.1-or-later
"""The shell's own language: lines of several commands, quotes, comments, and scripts on standard input. virsh's test driver needs no
daemon; vmunit is called by the name of virsh. What is compared is every byte of both streams, and the exit status."""

import pathlib
import shlex
import subprocess

# One argument each.
LINES = (
    "echo a;pwd", "echo a ; ; ;;echo b;", "echo 'a;b' \"c;d\" e\\;f", "echo \"a'b\" 'a\"b' 'a\\b' \"a\\b\" \"a\\\\\"", "echo a\"b\"'c'",
    "echo ''", "echo", " ", "", ";", "\n", "\necho a", "echo a\necho b", "echo a\\\nb", "echo \"a\\\nb\"", "echo 'a\\\nb'", "echo a \\\n b",
    "echo a\\\n", "echo a\tb", "echo a#b", "echo a # b", "echo a #b; echo c", "echo a # b\necho c", "# c; echo x\necho y", "#", "  # a ; echo b",
    "echo a;# b\necho c", "echo '#a' \\#b", "echo -- #a", "echo 'abc", "echo \"abc", "echo abc\\", "\"", "\\", "nonsense \"a", "pwd \"a",
    "pwd now \"a", "\"echo\" a", "'echo a'", "echo a; nonsense; echo b", "echo a; pwd now", "pwd now; echo a", "quit", "echo a; quit; echo b",
    "exit; echo b", "quit now", "cd /", "cd / /", "help nonsense", "help --nonsense pwd x", "help help; help cd", "help echo", "help pwd",
    "help quit", "help exit", "help connect", "pwd --help", "pwd --help --nonsense", "pwd --nonsense --help", "echo --shell a 'b c' ';' ''",
    "echo --shell \"it's\" ~ '$x' \\\\ a=b c,d", "echo --xml '<a b=\"c\">&' \"'\"", "echo --split a,b c,,d ,", "echo --err a b", "echo --err",
    "echo --err ''", "echo --str a b", "echo --string=a b", "echo --shell --xml a", "echo --shell --split a", "echo --xml --split a",
    "echo --shell -- --xml", "echo --nonsense", "echo --shell=1", "echo ---x -y", "connect --nonsense", "connect; pwd",
)

# Scripts.
INPUTS = (
    "", "quit\n", "pwd", "echo a; pwd\nnonsense\n\n \n#x\npwd now\n", "cd /nonexistent\ncd /usr\npwd\ncd\npwd\ncd /usr /tmp\n", "echo a; quit; echo b\necho c\n",
    "echo a\\\nb\n", "echo \"a\nb\"\n", "cd --dir\ncd ''\n", "connect --readonly\npwd\nconnect\npwd\nexit\necho a\n", "help pwd\nexit now\nexit\n",
)

# Options in front of the verb, whose values are read before anything is done. More than 0 of -k and -K the driver for tests refuses.
GLOBALS = (
    "-d x", "-d ''", "-d 5", "-d -1", "-d ' 3'", "-d 3x", "-d +3", "-d 99999999999", "--debug x", "--debug=5", "--debug=", "-k x", "-k -1", "-k 0",
    "-k 0x0", "-k 00", "-k 09", "-k 0xg", "-k 2147483648", "--keepalive-interval x", "--keepalive-interval=-1", "-K x", "-K -1",
    "--keepalive-count=x", "--keepalive-count -1", "-k1 -Kx", "--debug=9 -d x", "-l /nowhere/log", "-l ''", "-l /dev/null", "--log=/nowhere/log",
    "-l /", "-d", "-k", "-K", "-l", "--debug", "--log", "-e ''", "-e ab", "-e ^1", "-e '^a'", "-d x -l /nowhere/log", "-l /nowhere/log -d x", "-z",
    "--nonsense", "-q -d 7 -k -5",
)


def _run(command, directory, text=""):
    environment = {"PATH": "/usr/bin:/bin", "HOME": directory, "LC_ALL": "C.UTF-8"}
    done = subprocess.run(command, input=text, capture_output=True, text=True, cwd="/usr", env=environment, timeout=60, check=False)
    return done.stdout, done.stderr, done.returncode


def compare(program, directory):
    """Yields each line or script, with what is wrong about it or None."""
    link = pathlib.Path(directory) / "virsh"
    link.symlink_to(pathlib.Path(program).resolve())
    for options in ([], ["-q"]):
        for words, text in [*(([line], "") for line in LINES), *(([], text) for text in INPUTS)]:
            theirs = _run(["virsh", "-c", "test:///default", *options, *words], directory, text)
            ours = _run([link, *options, *words], directory, text)
            yield f"shell: {options} {words or text!r}", None if theirs == ours else f"  virsh:  {theirs}\n  vmunit: {ours}"
    for text in GLOBALS:
        words = [*shlex.split(text), "domid nobody"]
        theirs = _run(["virsh", "-c", "test:///default", *words], directory)
        ours = _run([link, "-c", "test:///default", *words], directory)
        yield f"options: {text}", None if theirs == ours else f"  virsh:  {theirs}\n  vmunit: {ours}"
