# SPDX-License-Identifier: LGPL-2.1-or-later
"""The command blocks that guides print, as tests: files of tests/guide, read and run here, by vmunit or by virsh.

A file is a list of scenes. A scene begins without any machine, in an empty directory, and is a list of steps; the first
character of a line says what it is:

    == WHERE: TITLE    a scene: the chapter of the guide, and a name. "(host)" behind it: cgroup controllers are needed
    $ COMMAND          as printed; "virsh" is read as "vmunit", here and below. Further lines of it begin with ". "
    > LINE             what it answers, stdout and stderr in one; {NAME} is one of MASKS
    < TEXT             typed at a terminal, once what is expected above has come; "^]" is that key
    + COMMAND          not of the guide: what the scene needs. A command of MACHINERY, or else of the shell, which must
                       succeed, and answer what is expected, if anything is
    let <WORD> VALUE   what a placeholder in printed commands stands for, from here to the scene's end
    # …                a remark

and below a command, about it:

    ? STATUS           its exit status, where that is not 0
    %                  the order of the answer's lines is not said
    - REASON           it is not run: what it is about is not vmunit's
    ! REASON           virsh's answer is another one. Of a verb that is not there yet virsh is not asked
    ~ REASON           vmunit may still say that it is not yet supported

A row that is marked ! and answers as expected fails."""

import contextlib
import os
import pathlib
import pty
import re
import shutil
import subprocess
import tempfile
import termios

from harness import Console, Failure, check, run, wait_for

GUIDES = pathlib.Path(os.environ.get("VMUNIT_TESTS", pathlib.Path(__file__).resolve().parent.parent), "guide")
GUEST = os.environ.get("VMUNIT_GUEST", "/usr/lib/vmunit-tests-guest")
LOGS = "/var/log/guide"
SLOW = 60  # seconds a command may take

# All that may differ from what is expected: what another machine, day or run has otherwise.
MASKS = {
    "id": r"\d+",
    "uuid": r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}",
    "time": r"\d+\.\d+s",
    "nic": r"vnet\d+",
    "pty": r"/dev/pts/\d+",
    "cpus": r"\d+(?:[-,]\d+)*",
    "count": r"\d+",
}
NOT_YET = "error: not yet supported: "


class Step:
    def __init__(self, kind, command, line):
        self.kind, self.command, self.line = kind, command, line
        self.lines, self.typed, self.status, self.unordered = [], False, 0, False
        self.left_out = self.differs = self.pending = None

    def expected(self):
        return [text for kind, text in self.lines if kind == ">"]


class Scene:
    def __init__(self, where, title):
        self.where, self.host = where, title.endswith("(host)")
        self.title = title.removesuffix("(host)").strip()
        self.steps = []

    def text(self):
        """What it consists of, for comparison with others."""
        return "\n".join(f"{step.kind} {step.command}\n{step.lines}" for step in self.steps)

    def printed(self):
        return [step for step in self.steps if step.kind == "$"]


def parse(text):
    """The scenes of a file."""
    scenes, step = [], None
    for number, line in enumerate(text.splitlines(), 1):
        kind, _, rest = line.partition(" ")
        if not line or kind == "#":
            continue
        if kind == "==":
            where, _, title = rest.partition(": ")
            check(title, f"line {number}: a scene has a chapter and a title")
            scenes.append(Scene(where, title))
            step = None
            continue
        check(scenes, f"line {number}: not in a scene")
        if kind in ("$", "+", "let"):
            step = Step(kind, rest, number)
            scenes[-1].steps.append(step)
            continue
        check(step, f"line {number}: below no command")
        if kind == ".":
            step.command += "\n" + rest
        elif kind in (">", "<"):
            step.lines.append((kind, rest))
            step.typed |= kind == "<"
        elif kind == "?":
            step.status = int(rest)
        elif kind == "%":
            step.unordered = True
        elif kind == "-":
            step.left_out = rest
        elif kind == "!":
            step.differs = rest
        elif kind == "~":
            step.pending = rest
        else:
            raise Failure(f"line {number}: {line!r}")
    return scenes


# ---- what is equal


def pattern(line):
    """The expression of an expected line. How wide columns and the rules below them are follows from what is masked."""
    if re.fullmatch("-{4,}", line):
        return "-{4,}"
    parts = re.split(r"\{(\w+)\}", line)
    text = "".join(re.escape(part) if i % 2 == 0 else MASKS[part] for i, part in enumerate(parts))
    return re.sub(r"(?:\\ ){2,}", " +", text)


def plain(text):
    """Lines, without the empty ones at both ends and blanks at the ends of lines."""
    return "\n".join(line.rstrip() for line in text.splitlines()).strip("\n").splitlines()


def difference(expected, actual, unordered=False):
    """What is wrong about the lines of an answer, or None."""
    expected = plain("\n".join(expected))
    form = sorted if unordered else list
    if len(expected) == len(actual) and all(re.fullmatch(pattern(e), a) for e, a in zip(form(expected), form(actual))):
        return None
    return "\n".join([*(f"      expected: {line}" for line in expected), *(f"      answered: {line}" for line in actual)])


def is_raw(fd):
    """Whether a terminal hands on what is typed as it is."""
    return not termios.tcgetattr(fd)[3] & termios.ICANON


def refusal(lines):
    """The line of an answer that says that this is not yet supported."""
    return next((line for line in lines if line.startswith(NOT_YET)), None)


# ---- who is asked


class Side:
    """vmunit, virsh, or vmunit by the name virsh: a word for commands, and where to look for it."""

    def __init__(self, name):
        self.name, self.program = name, "vmunit" if name == "vmunit" else "virsh"

    def is_asked(self, step):
        """Not what is left out, and virsh not of verbs that it has and vmunit has not."""
        return not step.left_out and (self.name != "virsh" or not refusal(step.expected()))

    def read(self, text):
        """A command or an answer, as this side has it."""
        return re.sub(r"\bvirsh\b(?![/.-])", self.program, text)


class Run:
    """One scene, played by one side."""

    def __init__(self, scene, side, directory):
        self.scene, self.side, self.directory = scene, side, directory
        self.words, self.machines, self.problems = {}, [], []
        self.environment = {**os.environ, "TERM": "dumb", "PATH": f"{directory}/bin:{os.environ['PATH']}"}
        self.environment.pop("VISUAL", None)
        self.environment.pop("EDITOR", None)

    # --- what a scene may ask for

    def machine(self, name, template="small"):
        """Writes NAME.xml, of a template of tests/guide. The machine is gone when the scene ends."""
        text = (GUIDES / f"{template}.xml").read_text(encoding="utf-8")
        for word, value in (("NAME", name), ("GUEST", GUEST), ("LOG", f"{LOGS}/{name}.log")):
            text = text.replace(f"@{word}@", value)
        (self.directory / f"{name}.xml").write_text(text, encoding="utf-8")
        self.machines.append(name)

    def ready(self, name, times="1"):
        """Waits until its guest has said so that many times since it was defined."""
        log = pathlib.Path(LOGS, f"{name}.log")

        def text():
            return log.read_text(errors="replace") if log.exists() else ""

        try:
            wait_for(lambda: text().count("vmunit-guest: ready\n") >= int(times), 240, f"the guest of {name}", interval=0.1)
        except Failure as e:
            raise Failure(f"{e}, which said {text()[-500:]!r}") from None

    def wait(self, name, *state):
        """Waits until domstate says so."""
        wait_for(lambda: self.ask(f"virsh domstate {name}")[0] == [" ".join(state)], 120, f"{name} to be {' '.join(state)}", interval=0.1)

    MACHINERY = (machine, ready, wait)

    # --- commands

    def shell(self, text):
        """The words for a shell that keeps what is exported for the steps that follow."""
        saved = self.directory / ".environment"
        return ["bash", "-c", f"[ ! -e {saved} ] || . {saved}; {text}\nstatus=$?; export -p >{saved}; exit $status"]

    def ask(self, text):
        """(lines, status) of a command."""
        done = subprocess.run(self.shell(self.side.read(text)), cwd=self.directory, env=self.environment, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=SLOW, check=False)
        return plain(done.stdout.decode(errors="replace")), done.returncode

    def talk(self, step, text):
        """What is wrong about a conversation at a terminal, or None."""
        command = self.shell(self.side.read(text))
        pid, fd = pty.fork()
        if pid == 0:
            os.chdir(self.directory)
            os.execvpe(command[0], command, self.environment)
        terminal = Console(fd)
        # What is typed before its prompt is echoed by the terminal, in front of it.
        prompt = next((r"^(?:virsh|vmunit) [#>] " for _, line in step.lines if line.startswith("Welcome to ")), None)
        is_console = ("<", "^]") in step.lines
        try:
            for kind, line in step.lines:
                if kind == ">" and line.strip():
                    terminal.expect(f"^{pattern(self.side.read(line.rstrip()))} *$", SLOW)
                elif kind == "<":
                    if prompt:
                        terminal.expect(prompt, SLOW)
                    # virsh names the escape character first; taking the terminal throws away what was typed by then.
                    wait_for(lambda: not is_console or is_raw(fd), SLOW, "the terminal to be the console's")
                    os.write(fd, b"\x1d" if line == "^]" else line.encode() + b"\n")
            _, status = os.waitpid(pid, 0)
            pid = 0
            status = os.waitstatus_to_exitcode(status)
            return None if status == step.status else f"      status {status}"
        except Failure as e:
            return refusal(plain(terminal.text)) or f"      {e}"
        finally:
            if pid:
                os.kill(pid, 9)
                os.waitpid(pid, 0)
            terminal.close()

    def answer(self, step):
        """What is wrong about the answer to a step, or None."""
        text = step.command
        for word, value in self.words.items():
            text = text.replace(word, value)
        if step.typed:
            return self.talk(step, text)
        lines, status = self.ask(text)
        if step.kind == "+" and not step.lines and status == 0:
            return None
        if refusal(lines) and not refusal(step.expected()):
            return refusal(lines)
        problem = difference(map(self.side.read, step.expected()), lines, step.unordered)
        if problem or status != step.status:
            return (problem or "\n".join(f"      answered: {line}" for line in lines)) + f"\n      status {status}"
        return None

    def step(self, step):
        """Plays one step; True when it was asked."""
        if step.kind == "let":
            word, _, value = step.command.partition(" ")
            self.words[word] = value
            return False
        name, *words = step.command.split()
        for function in self.MACHINERY if step.kind == "+" else ():
            if function.__name__ == name:
                function(self, *words)
                return False
        if not self.side.is_asked(step):
            return False
        problem = self.answer(step)
        if self.side.name == "virsh" and step.differs:
            problem = None if problem else f"      answers as expected: it is marked \"{step.differs}\""
        elif problem and problem.startswith(NOT_YET) and step.pending:
            print(f"    not yet: {step.command}")
            return False
        if problem:
            self.problems.append(f"    line {step.line}: {step.command}\n{problem}")
            # Nothing behind it would mean what it says.
            check(step.kind != "+", "\n" + self.problems[-1])
        return step.kind == "$"

    def play(self):
        asked = 0
        try:
            for step in self.scene.steps:
                asked += self.step(step)
        finally:
            for problem in self.problems:
                print(problem)
            self.strike()
        check(not self.problems, f"{len(self.problems)} of {asked} commands")
        print(f"    {asked} of {len(self.scene.printed())} commands asked")
        return asked

    def strike(self):
        """Ends and forgets the machines."""
        for name in self.machines:
            self.ask(f"virsh destroy {name}")
            self.ask(f"virsh undefine --nvram --managed-save {name} || virsh undefine {name}")
            if self.side.name != "virsh":
                run(["systemctl", "reset-failed", f"vm@{name}.service"])
            with contextlib.suppress(FileNotFoundError):
                os.unlink(f"{LOGS}/{name}.log")


EDITOR = """#!/bin/sh
# Stands in for an editor: gives the machine a title.
sed -i 's,</name>,&<title>edited</title>,' "$1"
"""
# An ssh that gets as far as this machine.
SSH = """#!/bin/sh
while [ $# -gt 0 ]; do
        case $1 in
        -[bcDEeFIiJLlmOopQRSWw]) shift 2 ;;
        -*) shift ;;
        *) break ;;
        esac
done
shift
exec sh -c "$*"
"""


def play(scene, side):
    """Plays a scene in a directory of its own; returns how many commands of the guide were asked."""
    os.makedirs(LOGS, exist_ok=True)
    directory = pathlib.Path(tempfile.mkdtemp(prefix="guide-", dir="/var/tmp"))
    try:
        (directory / "bin").mkdir()
        for name, text in (("vim", EDITOR), ("ssh", SSH)):
            (directory / "bin" / name).write_text(text, encoding="ascii")
            (directory / "bin" / name).chmod(0o755)
        if side.name == "link":
            (directory / "bin" / "virsh").symlink_to(shutil.which("vmunit"))
        directory.chmod(0o755)
        return Run(scene, side, directory).play()
    finally:
        shutil.rmtree(directory)


def guides():
    """{name of the guide: its scenes}."""
    return {path.stem: parse(path.read_text(encoding="utf-8")) for path in sorted(GUIDES.glob("*.guide"))}
