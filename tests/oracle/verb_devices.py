# SPDX-License-Identifier: LGPL-2.1-or-later
"""A definition with many disks and interfaces, and rows about them; verbs.py says how rows are written down. DIR stands for a
directory of the run's own, with the images."""

import pathlib
import struct

DEFINITION = """<domain type='qemu'>
  <name>devices</name>
  <uuid>11111111-2222-4333-8444-555555555556</uuid>
  <memory unit='KiB'>524288</memory>
  <vcpu>1</vcpu>
  <os><type arch='x86_64' machine='q35'>hvm</type></os>
  <devices>
    <disk type='file' device='disk'><driver name='qemu' type='raw'/><source file='DIR/raw'/><target dev='vda' bus='virtio'/></disk>
    <disk type='file' device='disk'><driver name='qemu' type='raw'/><source file='DIR/link'/><target dev='vdb' bus='virtio'/></disk>
    <disk type='file' device='disk'><driver name='qemu' type='raw'/><source file='DIR/link'/><target dev='vdc' bus='virtio'/></disk>
    <disk type='file' device='disk'><driver name='qemu' type='qcow2'/><source file='DIR/qcow2'/><target dev='vdd' bus='virtio'/></disk>
    <disk type='file' device='disk'><driver name='qemu' type='raw'/><source file='DIR/qcow2'/><target dev='vde' bus='virtio'/></disk>
    <disk type='file' device='disk'><driver name='qemu' type='qed'/><source file='DIR/qed'/><target dev='vdf' bus='virtio'/></disk>
    <disk type='file' device='disk'><driver name='qemu' type='vdi'/><source file='DIR/vdi'/><target dev='vdg' bus='virtio'/></disk>
    <disk type='file' device='disk'><driver name='qemu' type='vmdk'/><source file='DIR/vmdk'/><target dev='vdh' bus='virtio'/></disk>
    <disk type='file' device='cdrom'><driver name='qemu' type='raw'/><target dev='sda' bus='sata'/><readonly/></disk>
    MORE
    <interface type='bridge'><mac address='52:54:00:00:00:01'/><source bridge='br0'/><model type='virtio'/></interface>
    <interface type='user'><mac address='52:54:00:00:00:02'/></interface>
    <interface type='direct'><mac address='52:54:00:00:00:03'/><source dev='eth0' mode='bridge'/><target dev='x0'/><link state='down'/></interface>
    <interface type='server'><mac address='52:54:00:00:00:04'/><source address='192.168.0.1' port='5558'/></interface>
    <interface type='ethernet'><mac address='52:54:00:00:00:05'/><target dev='vnet7'/></interface>
    <interface type='ethernet'><mac address='52:54:00:00:00:06'/><target dev='x1'/><link state='up'/></interface>
    <interface type='ethernet'><mac address='52:54:00:00:00:06'/></interface>
    <graphics type='vnc' port='-1' autoport='yes' passwd='secret'/>
  </devices>
</domain>
"""

# Images that cannot be looked at.
MORE = """<disk type='file' device='disk'><driver name='qemu' type='raw'/><source file='DIR/nowhere'/><target dev='vdi' bus='virtio'/></disk>
    <disk type='block' device='disk'><driver name='qemu' type='raw'/><source dev='/dev/null'/><target dev='vdj' bus='virtio'/></disk>
    <disk type='dir' device='disk'><driver name='qemu' type='fat'/><source dir='DIR'/><target dev='vdk' bus='virtio'/><readonly/></disk>
    <disk type='network' device='disk'><driver name='qemu' type='raw'/><source protocol='nbd' name='export'><host name='127.0.0.1' port='7'/></source><target dev='vdl' bus='virtio'/></disk>
    <disk type='nvme' device='disk'><driver name='qemu' type='raw'/><source type='pci' managed='yes' namespace='1'><address domain='0x0000' bus='0x01' slot='0x0a' function='0x3'/></source><target dev='vdm' bus='virtio'/></disk>
    <disk type='vhostuser' device='disk'><driver name='qemu' type='raw'/><source type='unix' path='/run/v.sock'/><target dev='vdn' bus='virtio'/></disk>
    <interface type='vhostuser'><mac address='52:54:00:00:00:07'/><source type='unix' path='/run/n.sock' mode='client'/><model type='virtio'/></interface>"""
# What vhostuser needs.
SHARED = "<memoryBacking><source type='memfd'/><access mode='shared'/></memoryBacking>\n  <vcpu>"


def make_images(directory):
    """Headers of images, and what they need to be taken for ones."""
    directory = pathlib.Path(directory)
    (directory / "raw").write_bytes(b"x" * 5000)
    (directory / "link").symlink_to("raw")
    size = 3 << 30
    (directory / "qcow2").write_bytes(struct.pack(">4sIQIIQIIQQIIQQQQII", b"QFI\xfb", 3, 0, 0, 16, size, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 104)
                                      + bytes(65536))
    (directory / "qed").write_bytes(struct.pack("<4sIIIQQQQQ", b"QED\0", 65536, 4, 1, 0, 0, 0, 65536, size) + bytes(65536))
    (directory / "vdi").write_bytes(bytes(64) + struct.pack("<II", 0xbeda107f, 0x10001) + bytes(296) + struct.pack("<Q", size) + bytes(200))
    (directory / "vmdk").write_bytes(struct.pack("<4sIIQ", b"KDMV", 1, 3, size // 512) + bytes(65536))


def definitions(directory):
    """The definition with images that can be looked at, and the one with the others."""
    plain, with_more = DEFINITION.replace("MORE", ""), DEFINITION.replace("MORE", MORE).replace("<vcpu>", SHARED)
    return plain.replace("DIR", directory), with_more.replace("DIR", directory)


ROWS = """
# domblklist
help domblklist
domblklist devices
domblklist devices --details
domblklist devices --inactive
domblklist devices --inactive --details
domblklist nothing
domblklist devices x
domblklist
# domblkinfo
help domblkinfo
domblkinfo devices
domblkinfo devices ''
domblkinfo devices vda
domblkinfo devices vdb
domblkinfo devices vdd
domblkinfo devices vdd --human
domblkinfo devices vde
domblkinfo devices vdf
domblkinfo devices vdg
domblkinfo devices vdh
domblkinfo devices sda
domblkinfo devices vdz
domblkinfo devices DIR/raw
domblkinfo devices DIR/link
domblkinfo devices --all
domblkinfo devices --all --human
domblkinfo devices --all vda
domblkinfo devices --device vda
domblkinfo nothing --all
domblkinfo nothing
domblkinfo
# domblkstat, domblkerror, domcontrol: of what does not run
help domblkstat
domblkstat devices
domblkstat devices vda
domblkstat devices vdz --human
domblkstat nothing
help domblkerror
domblkerror devices
help domcontrol
domcontrol devices
# domiflist
help domiflist
domiflist devices
domiflist devices --inactive
domiflist nothing
# domif-getlink
help domif-getlink
domif-getlink devices 52:54:00:00:00:01
domif-getlink devices 52:54:0:0:0:2
domif-getlink devices 52:54:00:00:00:03 --config
domif-getlink devices x0 --persistent
domif-getlink devices x1
domif-getlink devices vnet7
domif-getlink devices 52:54:00:00:00:06
domif-getlink devices 52:54:00:00:00:09
domif-getlink devices 52:54:00:00:00:01:
domif-getlink devices ''
domif-getlink devices
domif-getlink nothing ''
domif-getlink nothing x0
# of what does not run
help domifstat
domifstat devices x0
domifstat devices ''
domifstat devices
domifstat nothing x
help domifaddr
domifaddr devices
domifaddr devices --source agent
domifaddr devices x0 --full --source arp
domifaddr devices --source x
domifaddr devices --source ''
domifaddr nothing --source x
domifaddr nothing
help domhostname
domhostname devices
domhostname devices --source lease
domhostname devices --source agent
domhostname devices --source arp
domhostname devices --source ''
domhostname nothing --source x
help vncdisplay
vncdisplay devices
vncdisplay nothing
help domdisplay
domdisplay devices
domdisplay devices --all --type vnc
domdisplay devices --type x
domdisplay devices --include-password
help domjobinfo
domjobinfo devices
domjobinfo devices --completed
domjobinfo devices --completed --rawstats
domjobinfo devices --completed --keep-completed --anystats
domjobinfo devices --keep-completed
domjobinfo devices --rawstats
domjobinfo nothing --keep-completed
domjobinfo nothing
help domstats
! domstats devices # libvirt tells the CPU time of something else
domstats devices --state
domstats devices --balloon --vcpu
domstats devices --interface --block
domstats devices --block --backing --raw
domstats devices --perf --iothread --memory --dirtyrate --vm --enforce
domstats devices devices --state --nowait
domstats devices --list-active
domstats devices --list-inactive --state
domstats devices --list-shutoff --list-running --state
domstats devices --list-other
domstats devices --list-transient
domstats --state --list-inactive --list-persistent
domstats --list-active
domstats devices nothing
domstats ''
domstats devices --foo
# the host
help hostname
hostname
help uri
help sysinfo
sysinfo
sysinfo x
"""

MORE_ROWS = """
domblklist devices
domblklist devices --details
domblkinfo devices vdi
domblkinfo devices vdj
domblkinfo devices vdj --human
domblkinfo devices vdk
domblkinfo devices vdl
domblkinfo devices vdm
domblkinfo devices vdn
domblkinfo devices --all
domiflist devices
domstats devices --block
"""
