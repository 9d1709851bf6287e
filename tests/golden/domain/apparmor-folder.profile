abi <abi/3.0>,
include <tunables/global>
# VMUNIT_PROFILE
profile vmunit-apparmor-folder flags=(attach_disconnected,complain) {
  signal peer=vmunit-apparmor-folder,
  "/usr/libexec/vmunit/vmunit-supervisor" mr,
  "/usr/libexec/vmunit/vmunit-monitor" mrix,
  "/usr/bin/qemu-system-x86_64" mrix,
  "/run/vmunit/apparmor-folder/state" r,
  "/dev/kvm" rw, # device
  "/srv/a \[b\]/{,**}" rwkl, # filesystem 'rw'
  "/srv/ro/{,**}" r, # filesystem 'ro'
  "/{,**}" r, # filesystem 'all'
}
