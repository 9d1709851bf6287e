"""A small test harness for drivers that run inside the container and the host tier. Standard library only.

    from harness import case, check_equal, main, run

    @case
    def two_and_two():
        check_equal(2 + 2, 4, "the sum")

    main()

The driver's arguments are globs that choose cases by name. Every case prints one line, "ok NAME (1.2 s)", "not ok NAME:
reason" or "skip NAME: reason"; a text that the case returns stands behind the first. The last line is "N passed, N failed,
N skipped".
"""

import contextlib
import ctypes
import fnmatch
import json
import os
import re
import select
import signal
import socket
import stat
import struct
import subprocess
import sys
import threading
import time
import traceback

JOURNAL_LINES = 60


class Failure(Exception):
    """An expectation that did not hold; its text is the reason that is printed."""


class Skip(Exception):
    """Raised by a case that cannot run here."""


# ---- cases


_cases = []


def case(function=None, *, timeout=120):
    """Registers a test case under the function's name. It fails when it takes longer than `timeout` seconds."""

    def register(function):
        _cases.append((function.__name__, function, timeout))
        return function

    return register(function) if function else register


def add_case(name, function, *, timeout=120):
    """Registers a case that is made at run time, one of a table for instance."""
    _cases.append((name, function, timeout))


def skip(reason):
    raise Skip(reason)


def fail(reason):
    raise Failure(reason)


def check(condition, message):
    if not condition:
        raise Failure(message)


def check_equal(actual, expected, message="value"):
    if actual != expected:
        raise Failure(f"{message}: expected {expected!r}, got {actual!r}")


def check_match(pattern, text, message="text"):
    """Searches for the pattern and returns the match."""
    match = re.search(pattern, text, re.MULTILINE)
    if not match:
        raise Failure(f"{message}: nothing matches {pattern!r} in {_shorten(text)!r}")
    return match


def _shorten(text, limit=600):
    return text if len(text) <= limit else text[: limit // 2] + " … " + text[-limit // 2 :]


def _on_alarm(_signal, _frame):
    raise Failure("the case took too long")


def _run_case(name, function, timeout):
    """Runs one case and prints its line; returns "passed", "failed" or "skipped"."""
    cursor = _journal_cursor()
    journal_note(f"case {name} begins")
    started = time.monotonic()
    signal.signal(signal.SIGALRM, _on_alarm)
    signal.alarm(timeout)
    try:
        said = function()
        signal.alarm(0)
    except Skip as e:
        signal.alarm(0)
        print(f"skip {name}: {e}", flush=True)
        return "skipped"
    except (Exception, SystemExit) as e:  # a case must not end the run
        signal.alarm(0)
        # What comes after it, while it is put in order, is of less interest.
        while isinstance(e.__context__, Failure) and not e.__suppress_context__:
            e = e.__context__
        where = _where(e)
        reason = str(e) if isinstance(e, Failure) else f"{type(e).__name__}: {e}"
        print(f"not ok {name}: {reason}{where}", flush=True)
        _dump_journal(cursor)
        return "failed"
    said = f": {said}" if isinstance(said, str) else ""
    print(f"ok {name} ({time.monotonic() - started:.1f} s){said}", flush=True)
    return "passed"


def run_cases(cases):
    """Runs (name, function, timeout) one after the other; returns how many "passed", "failed" and "skipped"."""
    count = {"passed": 0, "failed": 0, "skipped": 0}
    for name, function, timeout in cases:
        count[_run_case(name, function, timeout)] += 1
    return count


def finish(count):
    """Prints the last line and ends the program."""
    print(f"{count['passed']} passed, {count['failed']} failed, {count['skipped']} skipped", flush=True)
    sys.exit(1 if count["failed"] or not any(count.values()) else 0)


def _where(error):
    """The innermost line of a test that the error came from, not the harness's own."""
    frames = [f for f in traceback.extract_tb(error.__traceback__) if f.filename != __file__]
    return f" ({os.path.basename(frames[-1].filename)}:{frames[-1].lineno})" if frames else ""


def main(arguments=None):
    """Runs the registered cases and ends the program."""
    globs = sys.argv[1:] if arguments is None else arguments
    for glob in globs:
        if not any(fnmatch.fnmatchcase(name, glob) for name, _, _ in _cases):
            sys.exit(f"no case matches {glob}")

    finish(run_cases(c for c in _cases if not globs or any(fnmatch.fnmatchcase(c[0], glob) for glob in globs)))


# ---- the journal


def journal_note(message):
    """Writes a line to the journal, so that it can be read beside what the units say. Nothing without a journal."""
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as s:
        s.sendto(f"MESSAGE={message}\nPRIORITY=5\nSYSLOG_IDENTIFIER=test\n".encode(), "/run/systemd/journal/socket")


def _journal_cursor():
    with contextlib.suppress(OSError):
        result = subprocess.run(["journalctl", "-q", "-n", "0", "--show-cursor"], capture_output=True, text=True)
        match = re.search(r"^-- cursor: (\S+)", result.stdout, re.MULTILINE)
        return match.group(1) if match else None
    return None


def _dump_journal(cursor):
    with contextlib.suppress(OSError):
        subprocess.run(["journalctl", "--sync"], capture_output=True)
        since = ["--after-cursor", cursor] if cursor else []
        command = ["journalctl", "-q", "-o", "short-precise", "--no-hostname", *since]
        lines = subprocess.run(command, capture_output=True, text=True, errors="replace").stdout.splitlines()
        for line in lines[-JOURNAL_LINES:]:
            print(f"    {line}", flush=True)


def journal(*arguments):
    """The journal's entries that journalctl's arguments choose, as dictionaries."""
    subprocess.run(["journalctl", "--sync"], capture_output=True)
    command = ["journalctl", "-q", "-o", "json", *arguments]
    result = subprocess.run(command, capture_output=True, text=True, errors="replace", check=True)
    return [json.loads(line) for line in result.stdout.splitlines()]


# ---- commands


class Result:
    """What a command did: rc, out, err."""

    def __init__(self, command, rc, out, err):
        self.command, self.rc, self.out, self.err = command, rc, out, err

    def __repr__(self):
        return f"{self.command!r} gave {self.rc}, stdout {_shorten(self.out)!r}, stderr {_shorten(self.err)!r}"


def run(command, *, input=None, timeout=60, check=False, env=None, **keywords):
    """Runs a command (a list, or a string for the shell) and returns its Result; with check=True, rc must be 0."""
    try:
        done = subprocess.run(
            command,
            shell=isinstance(command, str),
            input=input,
            stdin=subprocess.DEVNULL if input is None else None,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=timeout,
            env={**os.environ, **env} if env else None,
            **keywords,
        )
    except subprocess.TimeoutExpired:
        raise Failure(f"{command!r} took more than {timeout} s") from None
    except FileNotFoundError as e:
        raise Failure(f"{command!r}: {e}") from None
    result = Result(command, done.returncode, done.stdout, done.stderr)
    if check and result.rc != 0:
        raise Failure(repr(result))
    return result


def run_ok(command, **keywords):
    """The stdout of a command that must succeed."""
    return run(command, check=True, **keywords).out


def unit_property(unit, name):
    return run_ok(["systemctl", "show", "--value", "-p", name, unit]).rstrip("\n")


# ---- waiting


def wait_for(predicate, timeout=10, message=None, interval=0.02):
    """Calls the predicate until it returns something true, and returns that. For conditions that no event announces."""
    deadline = time.monotonic() + timeout
    while True:
        value = predicate()
        if value:
            return value
        if time.monotonic() >= deadline:
            raise Failure(f"waited {timeout} s for {message or getattr(predicate, '__name__', 'a condition')}")
        time.sleep(interval)


def wait_for_exit(pid, timeout=10):
    """Waits until a process that need not be our child has ended."""
    try:
        fd = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    try:
        if not select.select([fd], [], [], timeout)[0]:
            raise Failure(f"process {pid} did not end within {timeout} s")
    finally:
        os.close(fd)


def wait_for_unit(unit, states=("inactive", "failed"), timeout=30):
    """Waits until a unit is in one of the states and returns which."""

    def state():
        now = unit_property(unit, "ActiveState")
        return now if now in states else None

    return wait_for(state, timeout, f"{unit} to become {' or '.join(states)}", interval=0.05)


class Inotify:
    """Wakes up when something changes in a file or directory."""

    MODIFY, MOVED_TO, CREATE, DELETE = 0x2, 0x80, 0x100, 0x200

    def __init__(self, path, mask=0x2 | 0x80 | 0x100 | 0x200):
        libc = ctypes.CDLL(None, use_errno=True)
        self.fd = libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
        if self.fd < 0 or libc.inotify_add_watch(self.fd, os.fsencode(path), ctypes.c_uint32(mask)) < 0:
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()), path)

    def wait(self, timeout):
        """True when there was a change."""
        if not select.select([self.fd], [], [], max(0, timeout))[0]:
            return False
        with contextlib.suppress(BlockingIOError):
            os.read(self.fd, 65536)
        return True

    def close(self):
        os.close(self.fd)


def wait_for_path(path, timeout=10):
    """Waits until the path exists."""
    deadline = time.monotonic() + timeout
    directory = os.path.dirname(path) or "."
    wait_for(lambda: os.path.isdir(directory), timeout, f"the directory {directory}")
    watch = Inotify(directory)
    try:
        while not os.path.lexists(path):
            if not watch.wait(deadline - time.monotonic()):
                raise Failure(f"{path} did not appear within {timeout} s")
    finally:
        watch.close()


# ---- a guest's serial line


class SerialText:
    """Collects a guest's output and finds things in it. `position` is where the last match ended."""

    def __init__(self):
        self.text, self.position = "", 0

    def _more(self, timeout):
        """Appends what has come, waiting for it; False when nothing came in time, EOFError when nothing ever will."""
        raise NotImplementedError

    def expect(self, pattern, timeout=30, position=None):
        """Waits for a match of the pattern after the position, and returns it. The position moves to its end."""
        start = self.position if position is None else position
        # A line ends where its newline has come, not where what was read so far ends: "done cmd 1" may become 127.
        if pattern.endswith("$"):
            pattern = pattern[:-1] + r"(?=\n)"
        deadline = time.monotonic() + timeout
        while True:
            match = re.compile(pattern, re.MULTILINE).search(self.text, start)
            if match:
                self.position = match.end()
                return match
            try:
                more = self._more(deadline - time.monotonic())
            except EOFError:
                raise Failure(f"the console ended without {pattern!r}; its last words: {self.text[-600:]!r}") from None
            if not more:
                raise Failure(f"no {pattern!r} on the console within {timeout} s; its last words: {self.text[-600:]!r}")

    def expect_line(self, line, timeout=30):
        """Waits for this line, whole and literally."""
        return self.expect(f"^{re.escape(line)}$", timeout)

    def expect_ready(self, timeout=90):
        return self.expect_line("vmunit-guest: ready", timeout)

    def ticks(self):
        """The numbers of all ticks so far."""
        while True:
            try:
                if not self._more(0):
                    break
            except EOFError:
                break
        return [int(n) for n in re.findall(r"^vmunit-guest: tick (\d+)\n", self.text, re.MULTILINE)]

    def _append(self, data):
        self.text += data.decode(errors="replace").replace("\r", "")


class Serial(SerialText):
    """The console of a guest that writes it to a file."""

    def __init__(self, path, timeout=10):
        super().__init__()
        wait_for_path(path, timeout)
        self.file = open(path, "rb", buffering=0)
        self.watch = Inotify(path, Inotify.MODIFY)

    def _more(self, timeout):
        deadline = time.monotonic() + timeout
        data = self.file.read()
        # A change may be one whose bytes were read already.
        while not data and self.watch.wait(deadline - time.monotonic()):
            data = self.file.read()
        self._append(data)
        return bool(data)

    def close(self):
        self.file.close()
        self.watch.close()


class Console(SerialText):
    """The console of a guest that can be talked to: a pty or a socket, by its file descriptor or path."""

    def __init__(self, fd):
        super().__init__()
        self.fd = fd
        self.ended, self.known = False, 0
        self.changed = threading.Condition()
        # Read all the time: QEMU writes byte by byte, so a Unix socket that nobody reads is full after some 280 of them,
        # and then the guest crawls and loses output.
        wake, self.wake = os.pipe()
        self.thread = threading.Thread(target=self._drain, args=(wake,), daemon=True)
        self.thread.start()

    @classmethod
    def connect(cls, path, timeout=10):
        """A Unix socket, or the path of a pty."""
        wait_for_path(path, timeout)
        if not stat.S_ISSOCK(os.stat(path).st_mode):
            return cls(os.open(path, os.O_RDWR | os.O_NOCTTY | os.O_CLOEXEC))
        return cls(connect_unix(path, timeout).detach())

    def _drain(self, wake):
        while wake not in select.select([self.fd, wake], [], [])[0]:
            try:
                data = os.read(self.fd, 65536)
            except OSError:
                # A pty whose other side has gone says EIO.
                data = b""
            with self.changed:
                if data:
                    self._append(data)
                else:
                    self.ended = True
                self.changed.notify()
            if not data:
                break
        os.close(wake)

    def _more(self, timeout):
        with self.changed:
            known = self.known
            self.changed.wait_for(lambda: len(self.text) > known or self.ended, max(0, timeout))
            self.known = len(self.text)
            if self.known == known and self.ended:
                raise EOFError
            return self.known > known

    def send(self, line):
        data = f"{line}\n".encode()
        while data:
            data = data[os.write(self.fd, data) :]

    def command(self, line, timeout=30):
        """Has the guest run a command; returns its status and the lines of its answer, ticks left out."""
        start = self.position
        self.send(line)
        name = line.split()[0]
        match = self.expect(rf"^vmunit-guest: done {re.escape(name)} (\d+)$", timeout)
        answer = self.text[start : match.start()].strip("\n").splitlines()
        return int(match.group(1)), [a for a in answer if not a.startswith("vmunit-guest: ")]

    def ask(self, line, timeout=30):
        """As command(), for one that must succeed; returns the lines."""
        status, answer = self.command(line, timeout)
        if status != 0:
            raise Failure(f"guest's {line!r} gave {status}: {answer!r}")
        return answer

    def table(self, line, timeout=30):
        """As ask(), the lines as dictionaries: "disk name=vda size=1" is {"": "disk", "name": "vda", "size": "1"}."""
        rows = []
        for text in self.ask(line, timeout):
            kind, _, rest = text.partition(" ")
            pairs = re.findall(r"(\S+?)=(\S*)", rest)
            rows.append({"": kind, **dict(pairs)})
        return rows

    def close(self):
        os.close(self.wake)  # which makes the other end readable
        self.thread.join(5)
        os.close(self.fd)


def connect_unix(path, timeout=10):
    """Connects to a socket that may not be listened on yet."""

    def attempt():
        s = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            s.connect(path)
            return s
        except (FileNotFoundError, ConnectionRefusedError):
            s.close()
            return None

    return wait_for(attempt, timeout, f"a listener at {path}")


# ---- QEMU's and the agent's protocol


class Qmp:
    """A JSON line protocol over a socket: QEMU's monitor, or with greeting=False the guest agent."""

    def __init__(self, connection, greeting=True):
        self.connection, self.buffer, self.events = connection, b"", []
        if greeting:
            self._message(10)
            self.execute("qmp_capabilities")

    @classmethod
    def connect(cls, path, timeout=10, greeting=True):
        return cls(connect_unix(path, timeout), greeting)

    def _message(self, timeout):
        deadline = time.monotonic() + timeout
        while b"\n" not in self.buffer:
            self.connection.settimeout(max(0.001, deadline - time.monotonic()))
            try:
                data = self.connection.recv(65536)
            except TimeoutError:
                raise Failure(f"no message within {timeout} s") from None
            if not data:
                raise EOFError("the connection was closed")
            self.buffer += data
        line, self.buffer = self.buffer.split(b"\n", 1)
        # The agent's answer to guest-sync-delimited begins with 0xff.
        return json.loads(line.lstrip(b"\xff"))

    def execute(self, name, timeout=30, **arguments):
        message = {"execute": name, **({"arguments": arguments} if arguments else {})}
        self.connection.sendall(json.dumps(message).encode() + b"\n")
        while True:
            reply = self._message(timeout)
            if "event" in reply:
                self.events.append(reply)
            elif "error" in reply:
                raise Failure(f"{name}: {reply['error']['desc']}")
            elif "return" in reply:
                return reply["return"]

    def event(self, name, timeout=30):
        """Waits for an event; one that came before counts, each is given once."""
        deadline = time.monotonic() + timeout
        while True:
            for i, event in enumerate(self.events):
                if event["event"] == name:
                    return self.events.pop(i)
            try:
                message = self._message(deadline - time.monotonic())
            except Failure:
                seen = [e["event"] for e in self.events]
                raise Failure(f"no event {name} within {timeout} s, only {seen}") from None
            if "event" in message:
                self.events.append(message)

    def close(self):
        self.connection.close()


# ---- files handed to a service manager


def push_fds(path, fds, **fields):
    """Sends a notification with file descriptors, as FDSTORE=1 wants it, to the socket at `path`."""
    text = "\n".join(f"{k}={v}" for k, v in fields.items()).encode()
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as s:
        ancillary = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, struct.pack(f"{len(fds)}i", *fds))]
        s.sendmsg([text], ancillary, 0, "\0" + path[1:] if path.startswith("@") else path)
