abi <abi/3.0>,
include <tunables/global>
# VMUNIT_PROFILE
profile vmunit-apparmor-network flags=(attach_disconnected,complain) {
  signal peer=vmunit-apparmor-network,
  "/usr/libexec/vmunit/vmunit-supervisor" mr,
  "/usr/libexec/vmunit/vmunit-monitor" mrix,
  "/usr/bin/qemu-system-x86_64" mrix,
  "/run/vmunit/apparmor-network/state" r,
  include <abstractions/nameservice>
  network inet,
  network inet6,
  # /etc/vm/apparmor/apparmor-network.rules
  /etc/ceph/*.conf r,
  # the end
}
