# SPDX-License-Identifier: LGPL-2.1-or-later
"""The cases of tests/*/test-confinement.py: what confinement_attempts.py and confinement_selinux.py try, as tests.

A case fails when the attempt succeeds inside, when it is not refused by the layers that are named for it, or when the layers
cannot be looked at. Where even root outside cannot do it, as in a container, it is left out: there it shows nothing."""

import atexit
import contextlib
import copy
import errno
import glob
import os
import re
import shutil
import socket

import confinement
import confinement_attempts  # they register themselves, before those of SELinux
from confinement import ATTEMPTS, DIRECTORY, EMULATOR, Layer, Pair, PuppetVm, World, attempt, layers, spawn
from confinement_selinux import extend, selinux_layers
from harness import (add_case, check, check_equal, journal, main, run, run_ok, skip, unit_property,
                     wait_for)
from route import route
from selinux_labels import context_of, is_enforcing, is_there, refusing_nothing
from vm import Vm

LEAST = 40
state = {}


def selinux():
    return ("enforcing" if is_enforcing() else "permissive") if is_there() else "none"


def let_it_be_asked():
    """What the emulator can do is what the real one says, which the puppet executes for it. What was said is kept; for a host
    without KVM, as the unit of a machine without it sees one, as well. A busy builder may need more than one try."""
    ask = ["vmunit", "domcapabilities", "--emulatorbin", EMULATOR]
    with refusing_nothing() if is_enforcing() else contextlib.nullcontext():
        for how in ([], ["systemd-run", "--quiet", "--wait", "--collect", "--property=PrivateDevices=yes"]):
            wait_for(lambda how=how: run([*how, *ask]).rc == 0, 200, "an answer of the emulator")


def set_up():
    check(not state.get("broken"), "the machines could not be started, see the first case")
    state["broken"] = True
    set_up_machines()
    del state["broken"]


def set_up_machines():
    shutil.rmtree(DIRECTORY, ignore_errors=True)
    os.makedirs(DIRECTORY)
    shutil.copy(confinement.GUEST_PUPPET, EMULATOR)
    if is_there():
        run_ok(["chcon", "-t", "qemu_exec_t", EMULATOR])
    let_it_be_asked()
    machine, victim, image = start_two("attacker", "victim")
    world = World(machine, victim, image, EMULATOR)
    atexit.register(world.close)
    if is_there():
        extend(world)
    state.update(world=world, outside=Layer("outside", lambda: spawn([])), inside=Layer("inside", lambda: machine.puppet, stays=True),
                 layers=layers(machine), selinux_layers=selinux_layers(world) if is_enforcing() else [], shown=0, list={})


def start_two(name, other, seclabel="", lifecycle="", devices=""):
    """The puppet's machine, a real one, and the first one of its two images."""
    image, disks = f"{DIRECTORY}/{other}.img", ""
    # The mode of the second one is in nobody's way.
    for path, mode, target in ((image, 0o600, "vda"), (f"{image}.2", 0o666, "vdb")):
        with open(path, "wb") as f:
            f.truncate(1 << 20)
        os.chmod(path, mode)
        disks += (f"<disk type='file'><driver name='qemu' type='raw'/><source file='{path}'/>"
                  f"<target dev='{target}' bus='virtio'/></disk>")
    victim = Vm(other, devices=f"<serial type='pty'/><channel type='unix'><source mode='bind' path='{DIRECTORY}/{other}.sock'/>"
                f"<target type='virtio' name='test'/></channel>{disks}", memory=128)
    victim.socket = f"{DIRECTORY}/{other}.sock"
    machine = PuppetVm(name, devices=devices, lifecycle=lifecycle)
    for m in (victim, machine):
        m.xml = m.xml.replace("</domain>", f"{seclabel}</domain>")
        if state.get("kvm"):
            m.xml = m.xml.replace("<domain type='qemu'", "<domain type='kvm'").replace("<cpu mode='maximum'/>", "")
        atexit.register(m.remove)
    victim.start(ready=False)
    machine.start()
    return machine, victim, image


def error_word(e):
    return errno.errorcode.get(e.errno, str(e)) if e.errno else str(e)


OF_SELINUX = {"type enforcement", "MCS"}


def refused_by(a, some):
    """{layer: error} of those layers that refuse it alone."""
    return {layer.name: e for layer in some if (e := layer.attempt(a, state["world"])) is not None}


def note(a, text, how):
    state["list"][a.name] = how
    print(f"    {a.name}: {text}", flush=True)


def try_one(a):
    if "world" not in state:
        set_up()
    world = state["world"]
    inside = state["inside"].attempt(a, world)
    if a.alone:
        try_without_selinux(a, inside)
        return
    check(inside is not None, "the emulator that was taken over succeeded")
    outside = state["outside"].attempt(a, world)
    if outside is not None:
        skip(f"shows nothing here, root outside is refused as well: {error_word(outside)} (inside: {error_word(inside)})")
    found = refused_by(a, state["layers"])
    of_selinux = refused_by(a, state["selinux_layers"])
    note(a, f"{error_word(inside)}; refused by " + words(found | of_selinux), [*found, *of_selinux])
    check(found, "no layer but SELinux refuses it alone")
    check_by(a, found | of_selinux)
    state["shown"] += 1


def try_without_selinux(a, inside):
    """What nothing else refuses: inside, it works as soon as SELinux refuses nothing."""
    if not state["selinux_layers"]:
        check(inside is None, f"refused without SELinux as well: {inside and error_word(inside)}")
        note(a, "let through, only SELinux would refuse it", [])
        return
    check(inside is not None, "the emulator that was taken over succeeded")
    with refusing_nothing():
        without = state["inside"].attempt(a, state["world"])
    check(without is None, f"refused without SELinux as well: {without and error_word(without)}")
    found = refused_by(a, state["selinux_layers"])
    note(a, f"{error_word(inside)}; refused by " + words(found), list(found))
    check_by(a, found)
    state["shown"] += 1


def words(found):
    return ", ".join(f"{name} ({error_word(e)})" for name, e in found.items()) or "no layer alone"


def check_by(a, found):
    by = a.by if is_enforcing() else a.by - OF_SELINUX
    check(by <= set(found), f"not refused by {', '.join(sorted(by - set(found)))}")


def enough_was_shown():
    """So that a change of the tests cannot make the list short without a word."""
    check(state["shown"] >= LEAST, f"only {state['shown']} attempts had a control here")
    several, kinds = state["list"], {}
    for name, how in several.items():
        for layer in how:
            kinds.setdefault(layer, []).append(name)
    print(f"    {state['shown']} attempts refused, SELinux: {selinux()}; "
          + ", ".join(f"{layer}: {len(names)}" for layer, names in kinds.items()), flush=True)
    alone = [name for name, how in several.items() if set(how) <= OF_SELINUX]
    print(f"    {len(alone)} that nothing but SELinux refuses: {', '.join(alone) or 'none'}", flush=True)
    with open(f"{os.environ.get('VMUNIT_RESULTS', '/tmp')}/confinement-{selinux()}", "w", encoding="utf-8") as f:
        f.writelines(f"{name}: {', '.join(how) or '-'}\n" for name, how in several.items())


def what_supervisor_and_monitor_are_after_all_that():
    """Nothing of it has ended or replaced one of them."""
    machine, world = state["world"].machine, state["world"]
    check_equal((machine.supervisor(), machine.monitor()), (world.supervisor, world.monitor), "supervisor and monitor")
    check_equal(machine.state()[0], "running")
    check_equal(world.victim.qemu(), world.victim_pid, "the other VM")


def status(pid, *names):
    with open(f"/proc/{pid}/status", encoding="utf-8") as f:
        return {m[1]: m[2] for m in re.finditer(r"^(\w+):\s+(.*)$", f.read(), re.MULTILINE) if m[1] in names}


def the_attacker_is_what_a_QEMU_is():
    """Its user, its domain and the rest are those of the other VM's QEMU, which is a real one; so what it cannot do, no QEMU can.
    What it has not is QEMU's own filter (-sandbox)."""
    if "world" not in state:
        set_up()
    machine, victim = state["world"].machine, state["world"].victim
    same = ("NoNewPrivs", "CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb", "Seccomp")
    pids = machine.qemu(), victim.qemu()
    own, others = (status(pid, *same) for pid in pids)
    check_equal(own, others, "what there is in /proc/PID/status")
    check_equal((own["NoNewPrivs"], own["CapBnd"].strip("0"), own["Seccomp"]), ("1", "", "2"), "privileges")
    users = [os.stat(f"/proc/{pid}").st_uid for pid in pids]
    check(users[0] != users[1] and min(users) > 60000, f"the users {users}")
    for namespace in ("user", "mnt", "net", "ipc"):
        links = {os.readlink(f"/proc/{pid}/ns/{namespace}") for pid in (*pids, 1)}
        check_equal(len(links), 3, f"different namespaces of {namespace}")
    if is_there():
        for m, pid in zip((machine, victim), pids):
            context = unit_property(m.unit, "SELinuxContext")
            domain = "svirt_t" if state.get("kvm") else "svirt_prot_exec_t"
            check_equal(context_of(pid), context.replace(":vmunit_supervisor_t:", f":{domain}:"), f"the context of {m.name}")


def exposure_of_the_running_unit():
    """As systemd itself sees it; in tenths. A VM without KVM has a tenth more than that of tests/unit/test-units.py:
    MemoryDenyWriteExecute=no."""
    result = run(["systemd-analyze", "security", "--no-pager", f"--threshold={6 if state.get('kvm') else 7}", state["world"].machine.unit])
    check_equal(result.rc, 0, result.out)
    print(f"   {result.out.splitlines()[-1]}", flush=True)
    words = re.findall(r"^.?✗ (\S+)", result.out, re.MULTILINE)
    check(("MemoryDenyWriteExecute=" in words) != bool(state.get("kvm")) and "PrivateNetwork=" not in words, words)


def exposure_of_a_plain_machine():
    """KVM, a disk, a tap at a bridge, VNC at a socket: no more than 0.6, with all that the host's systemd has loaded for it."""
    devices = (f"<disk type='file'><driver name='qemu' type='raw'/><source file='{DIRECTORY}/plain.img'/><target dev='vda' bus='virtio'/>"
               "</disk><interface type='bridge'><source bridge='br0'/></interface><graphics type='vnc'><listen type='socket'/></graphics>")
    plain = Vm("plain", type="kvm", agent=False, devices=devices)
    try:
        plain.write()
        run_ok(["systemctl", "daemon-reload"])
        result = run(["systemd-analyze", "security", "--no-pager", "--threshold=6", plain.unit])
        check_equal(result.rc, 0, result.out)
        print(f"   {result.out.splitlines()[-1]}", flush=True)
    finally:
        plain.remove()


# ---- as QEMU: what it says to its monitor


def says(piece, size, what):
    """The monitor gives it up, and another one takes its place; the supervisor is as it was."""
    machine = state["world"].machine
    supervisor, monitor = machine.supervisor(), machine.monitor()
    taken = machine.puppet.flood(piece, size)
    print(f"    {taken >> 20} MiB were taken", flush=True)
    wait_for(lambda: machine.monitor() not in (None, monitor), 60, f"another monitor after {what}")
    check_equal(machine.supervisor(), supervisor, "the supervisor")
    wait_for(lambda: run(["vmunit", "domstate", machine.name], timeout=10).out.strip() == "running", 60, "an answer")


def lines_without_end():
    """As much as a monitor takes of a gigabyte in one line."""
    supervisor = state["world"].machine.supervisor()
    says(b"a" * (1 << 20), 1 << 30, "a line without end")
    with open(f"/proc/{supervisor}/status", encoding="ascii") as f:
        check(int(re.search(r"VmHWM:\s+(\d+)", f.read())[1]) < 16384, "the supervisor has grown")


def json_without_bottom():
    line = b'{"event":' + b"[" * 100000 + b"\n"
    says(line, len(line), "deep JSON")


def json_of_another_kind():
    says(b'{"return": 7, "id": 8, "event": [], "QMP": {}}\n', 48, "nonsense")


def garbage():
    says(bytes(range(256)) * 64, 1 << 16, "garbage")


def agent_fd(machine):
    """Where the guest's agent speaks, as QEMU was told."""
    with open(f"/proc/{machine.qemu()}/cmdline", encoding="utf-8") as f:
        words = f.read().split("\0")
    channels = [re.search(r"^socket,id=(\w+),fd=(\d+)", w) for w in words]
    names = "".join(w for w in words if "org.qemu.guest_agent" in w)
    return next(int(m[2]) for m in channels if m and f'"{m[1]}"' in names)


def an_agent_says_anything():
    """It is listened to when it was asked something, and no more than for an answer; nothing else is held up."""
    machine, world = state["world"].machine, state["world"]
    lowest_level = ["runcon", "-l", "s0"] if is_there() else []
    fd = agent_fd(machine)
    for piece, size in ((b"a" * (1 << 20), 1 << 30), (b"[" * 65536, 1 << 20), (b'{"return": 12345}\n', 1 << 16), (bytes(range(256)), 4096)):
        taken = machine.puppet.flood(piece, size, fd, seconds=2)
        result = run([*lowest_level, "busctl", f"--address=unix:path=/run/vmunit/{machine.name}/control", "call", "org.vmunit",
                      "/org/vmunit/Machine1", "org.vmunit.Machine1", "Agent", "s", '{"execute": "guest-ping"}'], timeout=90)
        check(result.rc != 0, f"an agent that is none answered: {result}")
        print(f"    {taken} bytes, then: {result.err.strip()}", flush=True)
        check_equal(run_ok(["vmunit", "domstate", machine.name], timeout=20).strip(), "running")
    check_equal(machine.supervisor(), world.supervisor, "the supervisor")


def silence():
    """Nobody waits forever for an answer, and the VM can be ended."""
    machine = state["world"].machine
    supervisor = machine.supervisor()
    machine.puppet.be_silent()
    result = run(["vmunit", "suspend", machine.name], timeout=120)
    check(result.rc != 0, "suspend of a QEMU that is silent succeeded")
    check_equal(machine.supervisor(), supervisor, "the supervisor")
    run_ok(["vmunit", "destroy", machine.name], timeout=60)
    check_equal(run_ok(["vmunit", "domstate", machine.name]).strip(), "shut off")


def nothing_says_it_is_systemds_main_process():
    machine = state["world"].machine
    # /run/systemd/notify is there for the supervisor; what QEMU says over it does not count.
    before = machine.supervisor()
    try:
        fd = machine.puppet.connect("/run/systemd/notify", socket.SOCK_DGRAM)
    except confinement.Refused as e:
        check(is_enforcing(), f"only SELinux would refuse it: {e}")
        print(f"    {error_word(e)}: it may not even speak there", flush=True)
        return
    text = b"MAINPID=%d\nSTATUS=taken over\nFDSTORE=1" % machine.qemu()
    machine.puppet.call("write", fd, text, len(text))
    machine.puppet.call("close", fd)
    run_ok(["systemctl", "daemon-reload"])
    check_equal(machine.supervisor(), before, "the main process")
    entries = "\n".join(str(e.get("MESSAGE")) for e in journal("-n", "300"))
    check(re.search(r"Got notification message from PID \d+, but reception only permitted", entries), "systemd did not hear of it")


# ---- control groups


def not_many_control_groups_can_be_made():
    """Those below its unit's are its user's. Root tries, whom nothing but the kernel's limit is in the way of."""
    if "world" not in state:
        set_up()
    group, made = f"{state['world'].group}/vm", []
    check(os.stat(group).st_uid > 60000, "it is its own")
    try:
        for n in range(5000):
            made.append(f"{group}/many{n}")
            try:
                os.mkdir(made[-1])
            except OSError as e:
                check_equal(errno.errorcode[e.errno], "EAGAIN")
                made.pop()
                break
        print(f"    {len(made)} groups could be made", flush=True)
        check(30 < len(made) < 100, f"{len(made)} groups could be made")
        os.rmdir(made.pop())
        try:
            os.mkdir(f"{made[0]}/deeper")
        except OSError as e:
            check_equal(errno.errorcode[e.errno], "EAGAIN")
        else:
            os.rmdir(f"{made[0]}/deeper")
            check(False, "a group that is deeper could be made")
    finally:
        for path in reversed(made):
            os.rmdir(path)


# ---- the one capability


RAWIO = 1 << 17


def capabilities(pid):
    """Everything in any of its five sets."""
    with open(f"/proc/{pid}/status", encoding="ascii") as f:
        sets = [int(m, 16) for m in re.findall(r"^Cap\w+:\s+(\w+)", f.read(), re.MULTILINE)]
    check_equal(len(sets), 5, "sets")
    return sets


@contextlib.contextmanager
def scsi_disk():
    if run(["modprobe", "scsi_debug", "dev_size_mb=8"]).rc != 0:
        skip("no scsi_debug here")
    try:
        run(["udevadm", "settle"])
        found = wait_for(lambda: glob.glob("/sys/bus/pseudo/drivers/scsi_debug/adapter*/host*/target*/*/block/*"), 20, "the disk")
        yield f"/dev/{os.path.basename(found[0])}"
    finally:
        run(["modprobe", "--remove", "scsi_debug"])


def raw_commands_are_for_whom_they_were_written():
    with scsi_disk() as path:
        xml = ("<controller type='scsi' model='virtio-scsi'/><disk type='block' device='lun' rawio='{}'><driver name='qemu' type='raw'/>"
               "<source dev='" + path + "'/><target dev='sda' bus='scsi'/></disk>")
        for word, expected in (("no", 0), ("yes", RAWIO)):
            machine = Vm("raw", devices=xml.format(word), memory=128)
            try:
                machine.start(ready=False)
                check_equal(capabilities(machine.qemu()), [expected] * 5, f"QEMU, rawio='{word}'")
                # The monitor has only what could be had, which it cannot have any more.
                check_equal(capabilities(machine.monitor()), [0, 0, 0, expected, 0], f"monitor, rawio='{word}'")
                says = [m for m in machine.journal() if "raw SCSI commands" in m]
                check_equal(bool(says), expected != 0, "a word of it in the journal")
                check_equal("CAP_SYS_RAWIO" in run_ok(["vmunit", "plan", machine.path]), expected != 0, "a word of it in the plan")
            finally:
                machine.remove()


def execute_what_it_has_written(p, _):
    """What a translator has to do is refused where there is none to be."""
    p.call("mmap", 0, 4096, 7, 0x22, -1, 0)  # readable, writable and executable; private and anonymous


# ---- the same user


SAME_USER = "<seclabel type='static' model='dac' relabel='yes'><label>daemon:+1</label></seclabel>"
# A terminal is a file of its user's in a directory that all machines see; only labels are different.
LEFT_TO_LABELS = {"open_the_terminal_of_another_vm"}


def machines_with_the_same_user():
    """What their user does not keep apart, filters, mounts and namespaces do."""
    if "world" not in state:
        set_up()
    machine, victim, image = start_two("same-attacker", "same-victim", SAME_USER)
    pair = Pair(machine, victim, image)
    check_equal([os.stat(f"/proc/{p}").st_uid for p in (machine.qemu(), pair.victim_pid)], [1, 1], "users")
    inside, let_through, tried = Layer("inside", lambda: machine.puppet, stays=True), set(), 0
    for a in ATTEMPTS:
        if "another_vm" not in a.name or a.alone:
            continue
        tried += 1
        refused = inside.attempt(a, pair)
        print(f"    {a.name}: {error_word(refused) if refused else 'let through'}", flush=True)
        if refused is None:
            let_through.add(a.name)
    check(tried >= 18, f"{tried} were tried")
    check_equal(let_through, set() if is_enforcing() else LEFT_TO_LABELS, "let through")
    check_equal((machine.state()[0], victim.state()[0], victim.qemu()), ("running", "running", pair.victim_pid), "both")


# ---- beside processes that lock themselves in


HELPERS = (f"<filesystem type='mount'><driver type='virtiofs'/><source dir='{DIRECTORY}/folder'/><target dir='t'/></filesystem>"
           "<interface type='user'><mac address='52:54:00:11:22:33'/><model type='virtio'/><backend type='passt'/></interface>")
SHARED_MEMORY = "<memoryBacking><source type='memfd'/><access mode='shared'/></memoryBacking>"
# passt speaks to the host's network, so the unit has that; what refuses QEMU a socket of it is the filter, but of the kind that it
# has others of. And there is more in /proc for virtiofsd, of which nothing is QEMU's to write.
LEFT_BESIDE_HELPERS = {"connect_to_an_abstract_socket_of_the_host"}


def a_machine_with_virtiofs_and_passt():
    """Their unit may make namespaces and mounts; QEMU and the monitor in it may as little as in any other."""
    if "world" not in state:
        set_up()
    os.makedirs(f"{DIRECTORY}/folder", exist_ok=True)
    if is_enforcing():  # a folder is labelled by whoever shares it
        run_ok(["chcon", "-t", "svirt_image_t", "-l", "s0", f"{DIRECTORY}/folder"])
    with route():
        machine, victim, image = start_two("helped", "helped-victim", lifecycle=SHARED_MEMORY, devices=HELPERS)
    settings = run_ok(["systemctl", "show", "-P", "RestrictNamespaces", machine.unit]).split()
    check_equal(set(settings), {"user", "mnt", "ipc", "uts", "pid"}, "the namespaces of the unit")
    world = copy.copy(state["world"])
    vars(world).update(vars(Pair(machine, victim, image)))
    inside, let_through, tried = Layer("inside", lambda: machine.puppet, stays=True), set(), 0
    for a in ATTEMPTS:
        if a.alone:
            continue
        tried += 1
        refused = inside.attempt(a, world)
        if refused is None:
            let_through.add(a.name)
        elif any(word in a.name for word in ("namespace", "mount", "root", "capability", "groups", "network", "packets")):
            print(f"    {a.name}: {error_word(refused)}", flush=True)
    check(machine.pid_of("virtiofsd"), "there is no virtiofsd")
    # QEMU's own user, but not to be looked into: it has what QEMU is refused, the network.
    with contextlib.suppress(confinement.Refused):
        machine.puppet.touch(f"/proc/{machine.pid_of('passt')}/mem", os.O_RDWR)
        check(False, "QEMU has passt's memory")
    check(tried >= 100, f"{tried} were tried")
    check_equal(let_through, set() if is_enforcing() else LEFT_BESIDE_HELPERS, "let through")
    check_equal((machine.state()[0], victim.qemu()), ("running", world.victim_pid), "both")


def run_all(kvm=False):
    state["kvm"] = kvm
    add_case(the_attacker_is_what_a_QEMU_is.__name__, the_attacker_is_what_a_QEMU_is, timeout=400)
    if kvm:
        attempt("unit's filter", "type enforcement")(execute_what_it_has_written)
    for a in ATTEMPTS:
        add_case(a.name, lambda a=a: try_one(a), timeout=400)
    for f in (enough_was_shown, exposure_of_the_running_unit, exposure_of_a_plain_machine, what_supervisor_and_monitor_are_after_all_that, nothing_says_it_is_systemds_main_process,
              not_many_control_groups_can_be_made, json_of_another_kind, json_without_bottom, garbage):
        add_case(f.__name__, f)
    add_case(machines_with_the_same_user.__name__, machines_with_the_same_user, timeout=400)
    add_case(a_machine_with_virtiofs_and_passt.__name__, a_machine_with_virtiofs_and_passt, timeout=400)
    add_case("an_agent_says_anything", an_agent_says_anything, timeout=300)
    if not kvm:
        add_case(raw_commands_are_for_whom_they_were_written.__name__, raw_commands_are_for_whom_they_were_written)
    add_case("lines_without_end", lines_without_end, timeout=300)
    add_case("silence", silence, timeout=300)
    main()
