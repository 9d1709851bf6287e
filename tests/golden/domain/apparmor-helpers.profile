abi <abi/3.0>,
include <tunables/global>
# VMUNIT_PROFILE
profile vmunit-apparmor-helpers flags=(attach_disconnected,complain) {
  signal peer=vmunit-apparmor-helpers,
  "/usr/libexec/vmunit/vmunit-supervisor" mr,
  "/usr/libexec/vmunit/vmunit-monitor" mrix,
  "/usr/bin/qemu-system-x86_64" mrix,
  "/run/vmunit/apparmor-helpers/state" r,
  "/usr/lib/qemu/virtiofsd" mrix, # filesystem 't'
  "/usr/bin/passt" mrix, # interface net0
  capability chown,
  capability dac_override,
  capability dac_read_search,
  capability fowner,
  capability fsetid,
  capability mknod,
  capability setgid,
  capability setpcap,
  capability setuid,
  capability sys_admin,
  capability sys_chroot,
  @{PROC}/@{pid}/{uid_map,gid_map,setgroups} w,
  @{PROC}/@{pid}/task/@{tid}/attr/fscreate rw,
  @{PROC}/sys/fs/file-max r,
  capability setpcap,
  capability sys_admin,
  mount,
  umount,
  pivot_root,
  network netlink,
  @{PROC}/@{pid}/net/** r,
  @{PROC}/sys/net/** r,
  "/dev/kvm" rw, # device
  include <abstractions/nameservice>
  network inet,
  network inet6,
  "/srv/folder/{,**}" rwkl, # filesystem 't'
  "/run/vmunit/apparmor-helpers/fs0-fs.sock" rw, # filesystem 't'
  "/run/vmunit/apparmor-helpers/fs0-fs.sock" rw, # filesystem 't'
}
