abi <abi/3.0>,
include <tunables/global>
# VMUNIT_PROFILE
profile vmunit-apparmor-devices flags=(attach_disconnected,complain) {
  signal peer=vmunit-apparmor-devices,
  "/usr/libexec/vmunit/vmunit-supervisor" mr,
  "/usr/libexec/vmunit/vmunit-monitor" mrix,
  "/usr/bin/qemu-system-x86_64" mrix,
  "/run/vmunit/apparmor-devices/state" r,
  "/dev/kvm" rw, # device
  network netlink raw,
  @{sys}/bus/ r,
  @{sys}/class/ r,
  @{sys}/bus/usb/devices/ r,
  @{sys}/devices/**/usb[0-9]*/** r,
  "/run/openvswitch/vhost-user1" rw, # interface net0
  "/dev/input/event3" rwk, # input input0
  "/var/lib/vmunit/apparmor-devices/dump/memory/{,*}" rwk, # dumps of the guest's memory
  "/dev/bus/usb/001/003" rwk, # hostdev hostdev0
}
