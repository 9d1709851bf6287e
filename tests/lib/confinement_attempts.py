# SPDX-License-Identifier: LGPL-2.1-or-later
"""What an emulator that was taken over tries; see confinement.py."""

import errno
import os
import signal
import socket
import stat
import struct

from confinement import Array, CLONE_NEWNET, CLONE_NEWNS, CLONE_NEWUSER, Out, attempt, dbus_start_unit


# --- other VMs


@attempt("uid", "mounts", "MCS")
def read_the_image_of_another_vm(p, w):
    p.read(w.image)


@attempt("uid", "mounts", "MCS")
def write_the_image_of_another_vm(p, w):
    p.touch(w.image, os.O_WRONLY)


@attempt("uid", "mounts", "type enforcement")
def connect_to_the_control_socket_of_another_vm(p, w):
    p.connect(f"/run/vmunit/{w.victim.name}/control")


@attempt("uid", "type enforcement")
def connect_to_its_own_control_socket(p, w):
    p.connect(f"/run/vmunit/{w.machine.name}/control")


@attempt("mounts", "type enforcement")
def list_the_directory_of_another_vm(p, w):
    p.list(f"/run/vmunit/{w.victim.name}")


@attempt("uid", "mounts", "type enforcement")
def read_the_plan_of_another_vm(p, w):
    p.read(f"/run/vmunit/{w.victim.name}/plan.json")


@attempt("uid", "type enforcement")
def read_its_own_plan(p, w):
    p.read(f"/run/vmunit/{w.machine.name}/plan.json")


@attempt("uid", "type enforcement")
def write_what_root_reads_of_it_later(p, w):
    p.touch(f"/run/vmunit/{w.machine.name}/plan.json", os.O_WRONLY)


@attempt("uid", "type enforcement")
def make_a_file_where_root_reads_later(p, w):
    path = f"/run/vmunit/{w.machine.name}/confinement"
    p.touch(path, os.O_WRONLY | os.O_CREAT)
    p.call("unlink", path)


@attempt("uid", "seccomp", "unit's filter", "type enforcement", changes=True)
def trace_another_vm(p, w):
    p.call("ptrace", 16902, w.victim_pid, 0, 0)  # PTRACE_SEIZE; it ends with the puppet


@attempt("uid", "seccomp", "type enforcement")
def signal_another_vm(p, w):
    p.call("kill", w.victim_pid, 0)


@attempt("uid", "seccomp", "type enforcement", "MCS")
def wake_another_vm(p, w):
    p.call("kill", w.victim_pid, signal.SIGCONT)  # a signal that is delivered, but does nothing to who runs


@attempt("uid", "seccomp", "type enforcement", passes=(errno.EFAULT,))
def read_the_memory_of_another_vm(p, w):
    # An address where there is nothing: EFAULT comes after the permission.
    p.call("process_vm_readv", w.victim_pid, Array([bytes(8), 8]), 1, Array([4096, 8]), 1, 0)


@attempt("uid", "mounts for its uid", "type enforcement")
def open_the_memory_of_another_vm(p, w):
    p.touch(f"/proc/{w.victim_pid}/mem", os.O_RDWR)


@attempt("uid", "mounts for its uid", "type enforcement", "MCS")
def reach_into_the_files_of_another_vm(p, w):
    p.list(f"/proc/{w.victim_pid}/fd")


@attempt("uid", "mounts for its uid", "type enforcement", "MCS")
def open_the_image_of_another_vm_by_its_descriptor(p, w):
    p.touch(f"/proc/{w.victim_pid}/fd/{w.image_fd}", os.O_RDWR)


@attempt("uid", "type enforcement", "MCS")
def open_the_terminal_of_another_vm(p, w):
    p.touch(w.terminal, os.O_RDWR)


@attempt("uid", "mounts", "type enforcement")
def connect_to_a_socket_of_another_vm(p, w):
    p.call("close", p.connect(w.victim.socket))


# --- its own supervisor and monitor, of the same uid


@attempt("seccomp", "type enforcement")
def signal_its_supervisor(p, w):
    p.call("kill", w.supervisor, 0)


@attempt("seccomp", "type enforcement")
def signal_its_monitor(p, w):
    p.call("kill", w.monitor, 0)


@attempt("seccomp")
def signal_everybody(p, w):
    # 0 is not delivered; to all of this uid but itself.
    p.call("kill", -1, 0)


def own_signals_to(p, pid):
    """Has the kernel send SIGCONT to that process as soon as something comes in."""
    fd = p.new_socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    try:
        p.call("fcntl", fd, 10, signal.SIGCONT)  # F_SETSIG
        p.call("fcntl", fd, 8, pid)  # F_SETOWN; whether the signal comes is asked when it is sent
    finally:
        p.call("close", fd)


@attempt("seccomp")
def signal_another_vm_by_a_descriptor(p, w):
    own_signals_to(p, w.victim_pid)


@attempt("seccomp")
def signal_its_supervisor_by_a_descriptor(p, w):
    own_signals_to(p, w.supervisor)


@attempt("seccomp")
def signal_its_monitor_by_a_request_of_sockets(p, w):
    fd = p.new_socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    try:
        p.call("ioctl", fd, 0x8901, struct.pack("=i", w.monitor))  # FIOSETOWN
    finally:
        p.call("close", fd)


@attempt("seccomp", "type enforcement")
def take_its_supervisor_its_cpus(p, w):
    p.call("sched_setaffinity", w.supervisor, 8, b"\xff" * 8)


@attempt("seccomp")
def slow_down_all_of_its_user(p, w):
    p.call("setpriority", 2, 0, 0)  # PRIO_USER; to what it is


@attempt("seccomp", "type enforcement")
def slow_down_the_disks_of_its_monitor(p, w):
    p.call("ioprio_set", 1, w.monitor, 2 << 13 | 4)  # IOPRIO_WHO_PROCESS; to what it is


@attempt("seccomp", "unit's filter", "type enforcement", changes=True)
def trace_its_supervisor(p, w):
    p.call("ptrace", 16902, w.supervisor, 0, 0)


@attempt("uid", "type enforcement")
def open_the_memory_of_its_supervisor(p, w):
    p.touch(f"/proc/{w.supervisor}/mem", os.O_RDWR)


@attempt("uid", "type enforcement")
def open_the_files_of_its_monitor(p, w):
    p.list(f"/proc/{w.monitor}/fd")


@attempt("seccomp", "unit's filter", "type enforcement", passes=(errno.EBADF,))
def take_a_descriptor_of_its_monitor(p, w):
    fd = p.call("pidfd_open", w.monitor, 0)
    try:
        p.call("pidfd_getfd", fd, 3, 0)
    finally:
        p.call("close", fd)


# --- files


@attempt("uid", "type enforcement")
def read_etc_shadow(p, w):
    p.read("/etc/shadow")


@attempt("uid", "mounts", "type enforcement")
def write_a_definition(p, w):
    p.touch("/etc/vm/confinement.xml", os.O_WRONLY | os.O_CREAT)
    p.call("unlink", "/etc/vm/confinement.xml")


@attempt("mounts")
def read_its_own_definition(p, w):
    p.read(w.machine.path)


@attempt("uid", "mounts", "type enforcement")
def write_a_unit(p, w):
    p.touch("/etc/systemd/system/confinement.service", os.O_WRONLY | os.O_CREAT)
    p.call("unlink", "/etc/systemd/system/confinement.service")


@attempt("mounts", "type enforcement")
def read_a_home_directory(p, w):
    p.read("/home/confinement")


@attempt("mounts", "type enforcement")
def read_the_directory_of_root(p, w):
    p.read("/root/confinement")


@attempt("mounts", "type enforcement")
def write_the_tmp_of_others(p, w):
    p.write("/tmp/confinement", b"x")


@attempt("mounts", "type enforcement")
def write_the_var_tmp_of_others(p, w):
    p.write("/var/tmp/confinement", b"x")


@attempt("mounts", "type enforcement")
def write_the_shared_memory_of_others(p, w):
    p.write("/dev/shm/confinement", b"x")


@attempt("mounts")
def read_what_others_serve(p, w):
    p.read("/srv/confinement")


@attempt("mounts", "type enforcement")
def list_the_journal(p, w):
    p.list("/run/log/journal")


@attempt("uid", "mounts", "type enforcement")
def write_a_log(p, w):
    p.touch("/var/log/confinement", os.O_WRONLY | os.O_CREAT)
    p.call("unlink", "/var/log/confinement")


@attempt("mounts", "type enforcement")
def write_an_emulator(p, w):
    p.touch("/usr/bin/confinement", os.O_WRONLY | os.O_CREAT)
    p.call("unlink", "/usr/bin/confinement")


@attempt("uid", "mounts for its uid", "type enforcement")
def learn_about_the_first_process(p, w):
    p.read("/proc/1/environ", 1)


@attempt("mounts for its uid", "MCS")
def learn_about_others_processes(p, w):
    p.read(f"/proc/{w.victim_pid}/cmdline", 1)


@attempt("uid", "mounts for its uid", "type enforcement")
def reach_the_root_of_the_first_process(p, w):
    p.list("/proc/1/root")


@attempt("uid", "mounts", "type enforcement")
def set_the_core_pattern(p, w):
    p.touch("/proc/sys/kernel/core_pattern", os.O_WRONLY)


@attempt("uid", "mounts", "type enforcement")
def use_sysrq(p, w):
    p.touch("/proc/sysrq-trigger", os.O_WRONLY)


@attempt("uid", "mounts", "type enforcement")
def suspend_the_host(p, w):
    p.touch("/sys/power/state", os.O_WRONLY)


@attempt("unit's filter")
def make_a_file_that_gives_its_uid_to_others(p, w):
    path = f"/tmp/confinement-{os.urandom(4).hex()}"
    fd = p.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        p.call("fchmod", fd, 0o4755)
    finally:
        p.call("close", fd)
        p.call("unlink", path)


# --- devices


@attempt("uid", "mounts", "type enforcement")
def read_the_memory_of_the_host(p, w):
    p.touch("/dev/mem")


@attempt("uid", "mounts", "type enforcement")
def read_the_disk_of_the_host(p, w):
    p.touch(w.disk)


@attempt("uid", "mounts", "type enforcement")
def read_the_log_of_the_kernel(p, w):
    p.touch("/dev/kmsg")


@attempt("mounts")
def make_a_tap(p, w):
    p.touch("/dev/net/tun", os.O_RDWR)


@attempt("uid", "mounts", "type enforcement")
def open_the_loop_control(p, w):
    p.touch("/dev/loop-control", os.O_RDWR)


@attempt("uid", "mounts")
def open_the_console(p, w):
    p.touch("/dev/console", os.O_WRONLY)


@attempt("uid", "capabilities", "seccomp", "type enforcement")
def make_a_device(p, w):
    path = f"/tmp/confinement-{os.urandom(4).hex()}"
    p.call("mknod", path, stat.S_IFCHR | 0o600, 1 << 8 | 3)
    p.call("unlink", path)


@attempt("seccomp", "type enforcement")
def type_into_a_terminal(p, w):
    fd = p.open("/dev/ptmx", os.O_RDWR)
    try:
        p.call("ioctl", fd, 0x5412, b"x")  # TIOCSTI
    finally:
        p.call("close", fd)


# --- privileges


@attempt("seccomp", "capabilities", "type enforcement", changes=True)
def raise_a_capability(p, w):
    header, every = struct.pack("=II", 0x20080522, 0), 0xFFFFFFFF
    p.call("capset", header, struct.pack("=6I", 1 << 21, 1 << 21, 0, 0, 0, 0))  # CAP_SYS_ADMIN


@attempt("uid", "seccomp", changes=True)
def become_root(p, w):
    p.call("setresuid", 0, 0, 0)


@attempt("uid", "seccomp", "capabilities", "type enforcement", changes=True)
def change_groups(p, w):
    p.call("setgroups", 0, None)


@attempt("seccomp", replaces=True)
def execute_a_shell(p, w):
    p.call("execve", "/bin/sh", Array([b"sh\0", b"-c\0", b"exit 0\0", 0]), Array([0]))


# Policies know a domain for it, into which QEMU would go over.
@attempt("seccomp", replaces=True)
def execute_a_helper_with_privileges(p, w):
    p.call("execve", "/usr/lib/qemu/qemu-bridge-helper", Array([b"qemu-bridge-helper\0", 0]), Array([0]))


@attempt("seccomp")
def make_a_process(p, w):
    p.call("fork")


@attempt("seccomp", "unit's filter", changes=True)
def make_a_user_namespace(p, w):
    p.call("unshare", CLONE_NEWUSER)


@attempt("seccomp", "unit's filter", "capabilities", "type enforcement", changes=True)
def make_a_mount_namespace(p, w):
    p.call("unshare", CLONE_NEWNS)


@attempt("seccomp", "unit's filter", "type enforcement")
def make_a_process_in_namespaces(p, w):
    p.call("clone", CLONE_NEWUSER | CLONE_NEWNET | 17, 0, 0, 0, 0)


@attempt("seccomp", "unit's filter", "uid", "type enforcement", changes=True)
def enter_the_namespaces_of_the_host(p, w):
    fd = p.open("/proc/1/ns/net")
    p.call("setns", fd, CLONE_NEWNET)


@attempt("seccomp", "capabilities", "unit's filter", "type enforcement", passes=(errno.ENODEV,))
def mount_a_file_system(p, w):
    p.call("mount", "none", "/mnt", "no-such-file-system", 0, None)


@attempt("seccomp", "unit's filter", passes=(errno.ENOENT, errno.EINVAL))
def unmount_a_file_system(p, w):
    p.call("umount2", "/proc/no/such/mount", 0)


@attempt("seccomp", "capabilities", "unit's filter", "type enforcement")
def open_the_tree_of_mounts(p, w):
    p.call("close", p.call("open_tree", -100, "/", 1))


@attempt("seccomp", "capabilities", "unit's filter", "type enforcement", changes=True)
def change_the_root_directory(p, w):
    p.call("chroot", "/proc")


@attempt("seccomp", "capabilities", "type enforcement", passes=(errno.ENOEXEC,))
def load_a_module(p, w):
    p.call("init_module", b"no module at all", 16, "")


@attempt("seccomp", "capabilities", "type enforcement", passes=(errno.EINVAL,))
def load_another_kernel(p, w):
    p.call("kexec_load", 0, 10000, None, 0)


@attempt("seccomp", "capabilities", "type enforcement", passes=(errno.EINVAL,))
def reboot_the_host(p, w):
    p.call("reboot", 0, 0, 0, None)


@attempt("seccomp", "capabilities", "type enforcement", passes=(errno.EINVAL,))
def swap_on_a_file(p, w):
    p.call("swapon", "/etc/hostname", 0)


@attempt("seccomp", "capabilities", "type enforcement")
def set_the_clock(p, w):
    # The time zone, to what it is; a wrong time would be refused before the permission is looked at.
    p.call("settimeofday", None, struct.pack("=ii", 0, 0))


@attempt("seccomp", "capabilities", "type enforcement")
def adjust_the_clock(p, w):
    p.call("clock_adjtime", 0, struct.pack("=I", 8) + bytes(204))  # ADJ_ESTERROR, an estimate that nobody reads


@attempt("seccomp", "capabilities", "type enforcement", passes=(errno.EINVAL,))
def name_the_host(p, w):
    p.call("sethostname", "a" * 70, 70)


@attempt("seccomp", "capabilities", "type enforcement", passes=(errno.EACCES, errno.EISDIR))
def account_processes(p, w):
    p.call("acct", "/proc")


@attempt("seccomp", "capabilities", "type enforcement")
def read_the_messages_of_the_kernel(p, w):
    p.call("syslog", 3, Out(64), 64)


@attempt("seccomp", "unit's filter", "capabilities", "type enforcement", changes=True)
def use_io_ports(p, w):
    p.call("ioperm", 0x80, 1, 1)


# Newer kernels look at the number before they look at who asks.
@attempt("seccomp", "type enforcement", passes=(errno.EINVAL, errno.ESTALE))
def open_a_file_by_its_number(p, w):
    fd = p.open("/usr")
    try:
        p.call("open_by_handle_at", fd, struct.pack("=Ii", 0, 1), os.O_RDONLY)
    finally:
        p.call("close", fd)


@attempt("uid", "type enforcement")
def raise_a_limit(p, w):
    p.call("prlimit64", 0, 7, struct.pack("=QQ", 1 << 20, 1 << 20), None)  # RLIMIT_NOFILE


@attempt("unit's filter", "type enforcement")
def become_a_real_time_process(p, w):
    p.call("sched_setscheduler", 0, 1, struct.pack("=i", 1))
    p.call("sched_setscheduler", 0, 0, struct.pack("=i", 0))


# --- parts of the kernel


@attempt("seccomp", "type enforcement")
def use_the_kernels_keys(p, w):
    p.call("keyctl", 0, -3, 1)


@attempt("seccomp", "type enforcement")
def add_a_key(p, w):
    p.call("add_key", "user", "confinement", b"x", 1, -3)


@attempt("seccomp", "unit's filter", "type enforcement")
def run_a_bpf_program(p, w):
    p.call("bpf", 0, struct.pack("=IIIII", 2, 4, 4, 1, 0) + bytes(100), 72)  # BPF_MAP_CREATE: an array


@attempt("seccomp", "unit's filter", "type enforcement")
def measure_others(p, w):
    p.call("perf_event_open", struct.pack("=IIQ", 1, 112, 1) + bytes(96), 0, -1, -1, 0)


@attempt("seccomp")
def watch_faults(p, w):
    p.call("close", p.call("userfaultfd", 1))


@attempt("seccomp")
def use_io_uring(p, w):
    p.call("close", p.call("io_uring_setup", 1, Out(120)))


@attempt("seccomp")
def behave_as_an_old_kernel(p, w):
    p.call("personality", 0xFFFFFFFF)


@attempt("seccomp", "unit's filter")
def use_segments(p, w):
    p.call("modify_ldt", 0, Out(16), 16)


@attempt("seccomp", "unit's filter", "capabilities", "type enforcement")
def watch_what_others_open(p, w):
    p.call("close", p.call("fanotify_init", 0, 0))


@attempt("ipc", "type enforcement")
def attach_shared_memory_of_others(p, w):
    p.call("shmat", w.shm, None, 0o10000)


@attempt("seccomp", "type enforcement")
def make_a_message_queue(p, w):
    p.call("msgget", 0, 0o600)


# --- sockets


@attempt("network", "type enforcement")
def connect_to_an_abstract_socket_of_the_host(p, w):
    p.call("close", p.connect("@vmunit-confinement"))


@attempt("network", "unit's filter", "seccomp")
def connect_to_a_service_of_the_host(p, w):
    fd = p.new_socket(socket.AF_INET, socket.SOCK_STREAM)
    address = struct.pack("=H", socket.AF_INET) + struct.pack("!H4s8x", w.tcp.getsockname()[1], bytes([127, 0, 0, 1]))
    try:
        p.call("connect", fd, address, 16)
    finally:
        p.call("close", fd)


@attempt("seccomp", "unit's filter", "capabilities", "type enforcement")
def see_packets(p, w):
    p.call("close", p.new_socket(socket.AF_PACKET, socket.SOCK_RAW, 0x300))


@attempt("seccomp", "unit's filter", "capabilities", "type enforcement")
def make_a_raw_socket(p, w):
    p.call("close", p.new_socket(socket.AF_INET, socket.SOCK_RAW, 1))


@attempt("seccomp", "unit's filter", "type enforcement")
def speak_to_other_vms_by_vsock(p, w):
    p.call("close", p.new_socket(socket.AF_VSOCK, socket.SOCK_STREAM))


@attempt("seccomp", "unit's filter")
def configure_the_network(p, w):
    p.call("close", p.new_socket(socket.AF_NETLINK, socket.SOCK_RAW))


@attempt("seccomp", "unit's filter", "type enforcement")
def use_the_crypto_of_the_kernel(p, w):
    p.call("close", p.new_socket(socket.AF_ALG, socket.SOCK_SEQPACKET))


@attempt("mounts", "type enforcement")
def start_a_unit_over_the_bus(p, w):
    dbus_start_unit(p, "/run/dbus/system_bus_socket", "confinement.target")


@attempt("mounts", "uid", "type enforcement")
def connect_to_the_manager(p, w):
    p.call("close", p.connect("/run/systemd/private"))


@attempt("mounts")
def write_to_the_journal_as_another(p, w):
    p.call("close", p.connect("/run/systemd/journal/socket", socket.SOCK_DGRAM))


@attempt("mounts", "type enforcement")
def end_another_machine(p, w):
    p.call("close", p.connect("/run/systemd/userdb/io.systemd.Machine"))


# --- control groups


@attempt("uid", "mounts", "type enforcement")
def leave_its_control_group(p, w):
    p.touch("/sys/fs/cgroup/cgroup.procs", os.O_WRONLY)


@attempt("uid", "mounts", "type enforcement")
def freeze_another_vm(p, w):
    p.touch(f"{w.victim_group}/cgroup.freeze", os.O_WRONLY)


@attempt("uid", "mounts", "type enforcement")
def kill_another_vm_by_its_group(p, w):
    p.touch(f"{w.victim_group}/cgroup.kill", os.O_WRONLY)


# Of what its user owns.
@attempt("uid", "mounts", "type enforcement")
def kill_another_vm_by_the_group_of_its_qemu(p, w):
    p.touch(f"{w.victim_group}/vm/cgroup.kill", os.O_WRONLY)


@attempt("uid", "mounts", "type enforcement")
def make_a_group_in_that_of_another_vm(p, w):
    path = f"{w.victim_group}/confinement"
    p.call("mkdir", path, 0o755)
    p.call("rmdir", path)


@attempt("uid", "mounts", "type enforcement")
def change_the_limits_of_its_unit(p, w):
    p.touch(f"{w.group}/cgroup.freeze", os.O_WRONLY)


@attempt("uid", "mounts", "type enforcement")
def make_a_group_outside_of_its_own(p, w):
    path = "/sys/fs/cgroup/confinement"
    p.call("mkdir", path, 0o755)
    p.call("rmdir", path)
