# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The profile of AppArmor that a virtual machine runs with: supervisor, monitor and QEMU. For changes there are, see
# vmunit-security(7):
#   /etc/vm/apparmor/template       takes the place of this file, for all machines;
#   /etc/vm/apparmor/NAME.template  the same for one machine: with "complain" among its flags it is not held back, and
#                                   what it would be refused is in the log;
#   /etc/vm/apparmor/NAME.rules     rules that one machine has beside these;
#   /etc/apparmor.d/local/vmunit    rules that all machines have beside these.
#
# VMUNIT_PROFILE becomes the profile's name, VMUNIT_RULES what the machine is made of: its emulator, what it is handed.

abi <abi/3.0>,

include <tunables/global>

# attach_disconnected: the files a machine is handed are those of the host, and have no path that it could see.
profile vmunit-apparmor flags=(attach_disconnected,mediate_deleted) {
  include <abstractions/base>

  # Between the three processes; systemd, which is not confined, may signal them by the abstraction.
  signal (send, receive) peer=vmunit-apparmor,
  network unix,
  unix,

  # Terminals of serial ports and consoles, in a /dev of the unit's own. Whoever is connected to a console locks it.
  /dev/ptmx rw,
  /dev/pts/ r,
  /dev/pts/* rwk,

  # What QEMU and its libraries look up of the machine and of themselves. Not "owner": the three are not dumpable, so
  # all this is root's. Whose it is does the unit's /proc decide, in which nobody sees the processes of others.
  @{PROC}/@{pid}/{cgroup,cmdline,stat,statm,status,auxv,maps,mounts,mountinfo,fd/} r,
  @{PROC}/@{pid}/task/{,@{tid}/{comm,stat,status,children}} r,
  @{PROC}/@{pid}/{,task/@{tid}/}attr/{,apparmor/}current r,
  @{PROC}/@{pid}/task/@{tid}/comm w,
  @{PROC}/sys/vm/overcommit_memory r,
  @{sys}/devices/system/** r,
  @{PROC}/sys/kernel/random/boot_id r,
  @{sys}/kernel/mm/** r,
  @{sys}/bus/nd/devices/ r,
  @{sys}/module/{kvm,kvm_intel,kvm_amd,vhost}/parameters/* r,
  /etc/nsswitch.conf r,
  /etc/machine-id r,
  /etc/passwd r,
  /etc/group r,

  # Firmware and keymaps.
  /usr/share/{qemu,qemu-efi-*,qemu-kvm,seabios,vgabios,OVMF,ovmf,AAVMF,edk2,edk2-ovmf,ipxe,openbios,slof}/{,**} r,

  # The unit's own.
  owner /tmp/** rwk,
  owner /var/tmp/** rwk,
  # The groups of its threads are its user's; the rest of the tree is root's.
  @{sys}/fs/cgroup/{,**} r,
  @{run}/vmunit/.group/{,**} r,
  owner @{run}/vmunit/.group/** w,
  @{run}/systemd/notify w,

  "/usr/libexec/vmunit/vmunit-supervisor" mr,
  "/usr/libexec/vmunit/vmunit-monitor" mrix,
  "/usr/bin/qemu-system-x86_64" mrix,
  "/run/vmunit/apparmor/state" r,
  "/dev/kvm" rw, # device
  "/dev/null" rw, # device
  "/dev/dri/renderD128" rw, # device
  network inet stream,
  network inet6 stream,
  "/srv/a b/\[x\]\{y\}\*.qcow2" rwk, # disk vda
  "/dev/vg/data" rwk, # disk vdb
  "/srv/quote\".iso" rk, # disk sda
  "/var/log/serial.log" rwk, # serial1
  "/run/vmunit/apparmor/agent" rw, # channel0

  include if exists <local/vmunit>
}
