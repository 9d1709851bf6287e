#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The texts of verbs about a machine that runs are virsh's. There are no cgroup controllers in this tier, and libvirt
uses none: what asks for them is compared in the host tier. verb_rows.py says what the marks of rows are."""

import os

from harness import case, main, run, run_ok, wait_for
from running_verbs import same_texts
from vm import GUEST

IMAGES = "/var/lib/test-images"

DEFINITION = f"""<domain type='qemu' xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'>
  <name>verbs</name>
  <uuid>11111111-2222-4333-8444-555555555555</uuid>
  <memory unit='KiB'>327680</memory>
  <vcpu current='2'>4</vcpu>
  <iothreads>2</iothreads>
  <os>
    <type arch='x86_64' machine='q35'>hvm</type>
    <kernel>{GUEST}/vmlinux</kernel>
    <initrd>{GUEST}/initrd</initrd>
    <cmdline>console=ttyS0 quiet</cmdline>
  </os>
  <features><acpi/><apic/></features>
  <cpu mode='maximum'/>
  <devices>
    <disk type='file' device='disk'>
      <driver name='qemu' type='raw'/>
      <source file='{IMAGES}/a'/>
      <target dev='vda' bus='virtio'/>
    </disk>
    <disk type='file' device='cdrom'>
      <driver name='qemu' type='raw'/>
      <target dev='sda' bus='sata'/>
      <readonly/>
    </disk>
    <disk type='file' device='disk'>
      <driver name='qemu' type='raw'/>
      <source file='{IMAGES}/b'/>
      <target dev='vdb' bus='virtio'/>
      <iotune>
        <total_bytes_sec>1000000</total_bytes_sec>
        <group_name>g</group_name>
      </iotune>
    </disk>
    <disk type='file' device='disk'>
      <driver name='qemu' type='qcow2'/>
      <source file='{IMAGES}/top'/>
      <target dev='vdc' bus='virtio'/>
    </disk>
    <interface type='bridge'>
      <mac address='52:54:00:00:00:01'/>
      <source bridge='br-verbs'/>
      <model type='virtio'/>
    </interface>
    <interface type='user'>
      <mac address='52:54:00:00:00:02'/>
      <model type='virtio'/>
      <link state='down'/>
    </interface>
    <graphics type='vnc' port='5917' passwd='secret'/>
    <serial type='file'><source path='/var/log/verbs.log'/></serial>
    <channel type='unix'><target type='virtio' name='org.qemu.guest_agent.0'/></channel>
  </devices>
  <qemu:commandline><qemu:env name='VMUNIT_TEST' value='1'/></qemu:commandline>
</domain>
"""

ROWS = """
# what its administrator answers for
~ dominfo verbs
# disks, interfaces, display
domblklist verbs
domblklist verbs --details
domblklist verbs --inactive
domblkinfo verbs vda
domblkinfo verbs vda --human
domblkinfo verbs vdc
domblkinfo verbs sda
domblkinfo verbs vdz
domblkinfo verbs --all
domblkinfo verbs --all --human
~ domblkstat verbs
~ domblkstat verbs vda
~ domblkstat verbs vdb --human
~ domblkstat verbs sda
domblkstat verbs vdz
domblkerror verbs
domcontrol verbs
domjobinfo verbs
domjobinfo verbs --completed
domiflist verbs
domiflist verbs --inactive
domif-getlink verbs vnet0
domif-getlink verbs 52:54:00:00:00:02
domif-getlink verbs vnet9
~ domifstat verbs vnet0
~ domifstat verbs 52:54:00:00:00:01
domifstat verbs 52:54:00:00:00:02
domifstat verbs vnet9
domifaddr verbs
domifaddr verbs --source agent
domifaddr verbs --source agent --full
domifaddr verbs lo --source agent
domifaddr verbs nothing --source agent
domhostname verbs
domhostname verbs --source lease
vncdisplay verbs
domdisplay verbs
domdisplay verbs --all
domdisplay verbs --include-password
domdisplay verbs --type spice
# counters
~ domstats verbs
~ domstats verbs --block --backing
~ domstats --state --list-running
domstats --list-paused
domstats verbs --perf --memory --vm
~ domstats verbs --iothread --dirtyrate --enforce
# vcpucount
vcpucount verbs
vcpucount verbs --maximum
vcpucount verbs --active
vcpucount verbs --live
vcpucount verbs --config
vcpucount verbs --current
vcpucount verbs --guest
vcpucount verbs --maximum --live
vcpucount verbs --maximum --config
vcpucount verbs --maximum --current
vcpucount verbs --maximum --guest
vcpucount verbs --active --live
vcpucount verbs --active --config
vcpucount verbs --active --current
vcpucount verbs --active --guest
vcpucount verbs --live --config
vcpucount verbs --live --guest
vcpucount verbs --config --guest
vcpucount verbs --current --guest
# vcpuinfo, cpu-stats
~ vcpuinfo verbs
~ vcpuinfo verbs --pretty
! cpu-stats verbs --start 99999 # no time of single CPUs: another text for it
# guestvcpus
guestvcpus verbs
guestvcpus verbs --cpulist 1 --disable
guestvcpus verbs
guestvcpus verbs --cpulist 1 --enable
guestvcpus verbs --cpulist 0 --disable
guestvcpus verbs --cpulist 7 --enable
guestvcpus verbs --cpulist x --enable
guestvcpus verbs --cpulist 1
guestvcpus verbs --enable
setvcpus verbs 1 --guest
guestvcpus verbs
setvcpus verbs 2 --guest
setvcpus verbs 3 --guest
setvcpus verbs 0 --guest
setvcpus verbs 1 --guest --live
setvcpus verbs 1 --guest --config
vcpucount verbs
# setvcpus, setvcpu: nothing is taken away from the running machine here
setvcpus verbs 0
setvcpus verbs 5
setvcpus verbs 5 --live
setvcpus verbs 5 --config
setvcpus verbs 5 --live --config
setvcpus verbs 3 --maximum
setvcpus verbs 3 --maximum --live
setvcpus verbs 3 --maximum --current
setvcpus verbs 3 --maximum --live --config
setvcpus verbs 3
vcpucount verbs
dumpxml verbs --xpath /domain/vcpu
dumpxml verbs --xpath /domain/vcpus
dumpxml verbs --inactive --xpath /domain/vcpu
setvcpus verbs 3
setvcpus verbs 3 --config
vcpucount verbs
setvcpus verbs 4 --live --config
vcpucount verbs
dumpxml verbs --inactive --xpath /domain/vcpu
setvcpus verbs 2 --config
setvcpus verbs 1 --live
setvcpu verbs 0 --disable
setvcpu verbs 9 --enable
setvcpu verbs 9 --enable --live --config
setvcpu verbs 3 --enable
setvcpu verbs 3 --enable --live
setvcpu verbs 1,2 --enable
setvcpu verbs 3 --enable --config
setvcpu verbs 3 --disable --config
setvcpu verbs 1 --enable --disable
vcpucount verbs
# pins: shown, and changed in the definition
vcpupin verbs
vcpupin verbs --live
vcpupin verbs --config
vcpupin verbs --current
vcpupin verbs --live --config
vcpupin verbs 0
vcpupin verbs 9
vcpupin verbs 9 --live
vcpupin verbs 9 0
vcpupin verbs 9 0 --live
vcpupin verbs 9 0 --live --config
vcpupin verbs 0 99 --live --config
vcpupin verbs 0 99
vcpupin verbs 0 x
vcpupin verbs 0 ^0
vcpupin verbs 0 ''
vcpupin verbs 0 0 --config
vcpupin verbs
vcpupin verbs --config
vcpupin verbs 0 r --config
emulatorpin verbs
emulatorpin verbs --live
emulatorpin verbs --config
emulatorpin verbs --live --config
emulatorpin verbs 99
emulatorpin verbs x
emulatorpin verbs 0 --config
emulatorpin verbs
emulatorpin verbs --config
emulatorpin verbs r --config
# iothreads
% iothreadinfo verbs
% iothreadinfo verbs --live
iothreadinfo verbs --config
% iothreadinfo verbs --current
iothreadinfo verbs --live --config
iothreadpin verbs 9 0
iothreadpin verbs 9 0 --live
iothreadpin verbs 9 0 --config
iothreadpin verbs 9 0 --live --config
iothreadpin verbs 1 99
iothreadpin verbs 1 x
iothreadpin verbs 1 0 --config
% iothreadinfo verbs
iothreadinfo verbs --config
iothreadadd verbs 1
iothreadadd verbs 0
iothreadadd verbs 4
iothreadadd verbs 4
iothreadadd verbs 4 --config
iothreadadd verbs 5 --live --config
iothreadadd verbs 5 --live --config
iothreadadd verbs 6 --config
iothreadadd verbs 6 --live --config
% iothreadinfo verbs
iothreadinfo verbs --config
dumpxml verbs --xpath /domain/iothreadids
dumpxml verbs --xpath /domain/iothreads
dumpxml verbs --inactive --xpath /domain/iothreadids
iothreadset verbs 4
iothreadset verbs 4 --poll-max-ns 5000
iothreadset verbs 4 --poll-max-ns 5000 --poll-grow 2 --poll-shrink 3
iothreadset verbs 4 --poll-max-ns 5000 --live --config
iothreadset verbs 4 --poll-max-ns 5000 --config
iothreadset verbs 9 --poll-max-ns 5000
iothreadset verbs 9 --poll-max-ns 5000 --live --config
iothreadset verbs 4 --thread-pool-max 8
iothreadset verbs 4 --thread-pool-min 9
iothreadset verbs 4 --thread-pool-min 2 --thread-pool-max 4
iothreadset verbs 4 --thread-pool-min -1
iothreadset verbs 4 --thread-pool-max -1
iothreadset verbs 4 --thread-pool-max 0
iothreadset verbs 4 --thread-pool-max 6 --live --config
iothreadset verbs 4 --thread-pool-max 6 --config
! dumpxml verbs --xpath /domain/iothreadids # libvirt does not say there how a thread polls
dumpxml verbs --inactive --xpath /domain/iothreadids
iothreaddel verbs 9
iothreaddel verbs 9 --live --config
iothreaddel verbs 0
iothreaddel verbs 4 --live
iothreaddel verbs 4 --live
iothreaddel verbs 4 --live --config
iothreaddel verbs 4 --config
iothreaddel verbs 5 --live --config
iothreaddel verbs 6 --config
% iothreadinfo verbs
iothreadinfo verbs --config
# memory
~ dommemstat verbs
~ dommemstat verbs --live
~ dommemstat verbs --config
dommemstat verbs --period 0
dommemstat verbs --period 5 --live
dommemstat verbs --period 5 --config
dommemstat verbs --period 5 --live --config
dommemstat verbs --period -1
dumpxml verbs --xpath /domain/devices/memballoon/stats
dumpxml verbs --inactive --xpath /domain/devices/memballoon/stats
dommemstat verbs --period 0
setmem verbs 1G
setmem verbs 1G --live
setmem verbs 1G --config
setmem verbs 1G --live --config
setmem verbs 0
setmem verbs x
setmem verbs 300M
setmem verbs 310M --config
dumpxml verbs --inactive --xpath /domain/currentMemory
setmem verbs 320M --live --config
dumpxml verbs --inactive --xpath /domain/currentMemory
setmaxmem verbs 1G
setmaxmem verbs 1G --live
setmaxmem verbs 1G --live --config
setmaxmem verbs 1G --current
setmaxmem verbs 400M --config
dumpxml verbs --xpath /domain/memory
dumpxml verbs --inactive --xpath /domain/memory
# blkdeviotune
blkdeviotune verbs vda
blkdeviotune verbs vdb
! blkdeviotune verbs sda # an empty drive has no limits; virsh has an error
blkdeviotune verbs vda --live
blkdeviotune verbs vda --config
blkdeviotune verbs vda --live --config
blkdeviotune verbs vdz
blkdeviotune verbs vdz --total-bytes-sec 5
blkdeviotune verbs vdz --total-bytes-sec 5 --config
blkdeviotune verbs vdz --total-bytes-sec 5 --live --config
blkdeviotune verbs sda --total-bytes-sec 5
blkdeviotune verbs vda --total-bytes-sec 1M
blkdeviotune verbs vda
blkdeviotune verbs vda --config
dumpxml verbs --xpath //iotune
dumpxml verbs --inactive --xpath //iotune
blkdeviotune verbs vda --read-bytes-sec 5
blkdeviotune verbs vda --total-bytes-sec 1M --read-bytes-sec 5
blkdeviotune verbs vda --total-iops-sec 500 --total-iops-sec-max 1000 --total-iops-sec-max-length 5
blkdeviotune verbs vda
blkdeviotune verbs vda --total-iops-sec 500 --total-iops-sec-max 100
blkdeviotune verbs vda --total-iops-sec-max-length 7
blkdeviotune verbs vda --total-iops-sec-max-length 0
blkdeviotune verbs vda --write-bytes-sec-max-length 7
blkdeviotune verbs vda --size-iops-sec 4096 --live --config
blkdeviotune verbs vda --live
blkdeviotune verbs vda --config
blkdeviotune verbs vda --group-name foo
blkdeviotune verbs vda --group-name g
blkdeviotune verbs vda --total-bytes-sec 0 --total-iops-sec 0
blkdeviotune verbs vda
blkdeviotune verbs vdb --write-iops-sec 77 --live --config
blkdeviotune verbs vdb
blkdeviotune verbs vda --live
blkdeviotune verbs vda --config
dumpxml verbs --xpath //iotune
dumpxml verbs --inactive --xpath //iotune
# numatune: shown, and changed in the definition
numatune verbs
numatune verbs --live
numatune verbs --config
numatune verbs --live --config
numatune verbs --mode strict --nodeset 0 --config
numatune verbs
numatune verbs --config
# desc, metadata
desc verbs
desc verbs --title a title
desc verbs --title --config another
desc verbs --title
desc verbs --title --config
desc verbs words --live --config
desc verbs --live
desc verbs --config
metadata verbs http://a --key a --set '<x y="1"><z/></x>'
metadata verbs http://a
metadata verbs http://a --live
metadata verbs http://a --config
metadata verbs http://a --live --config
metadata verbs http://b --key b --set '<x/>' --live --config
dumpxml verbs --xpath /domain/metadata
dumpxml verbs --inactive --xpath /domain/metadata
metadata verbs http://a --remove
metadata verbs http://a
# the guest agent
qemu-agent-command verbs '{"execute":"guest-ping"}'
qemu-agent-command verbs '{"execute":"guest-sync","arguments":{"id":5}}' --pretty
qemu-agent-command verbs '{"execute":"guest-get-host-name"}' --timeout 3
qemu-agent-command verbs '{"execute":"guest-get-host-name"}' --block
! qemu-agent-command verbs '{"execute":"guest-ping"}' --async # libvirt does not wait for the agent to say that it is there, either
qemu-agent-command verbs '{"execute":"guest-ping"}' --pretty
qemu-agent-command verbs '{"execute":"guest-network-get-interfaces"}' --pretty
! qemu-monitor-command verbs '{"execute":"query-status"}' --pretty # libvirt's own id is shown there
qemu-agent-command verbs '{"execute":"guest-nonsense"}'
qemu-agent-command verbs '{"execute":"guest-file-open"}'
! qemu-agent-command verbs nonsense # another reader of JSON
~ dominfo verbs
# keys
send-key verbs KEY_A KEY_B
send-key verbs 0
send-key verbs 0 30
send-key verbs --codeset usb 0
send-key verbs --codeset atset2 0
send-key verbs --codeset os_x 0
send-key verbs --codeset win32 0
send-key verbs --codeset xt_kbd 30 --holdtime 10
send-key verbs --codeset atset2 28
send-key verbs --codeset atset2 255
send-key verbs 99999
send-key verbs key_a
# modes
reboot verbs --mode acpi,foo
reboot verbs --mode acpi,
reboot verbs --mode ACPI
! shutdown verbs --mode acpi,initctl # libvirt names its flag
qemu-agent-command verbs --timeout 0 x
qemu-agent-command verbs --timeout 1 --block x
guest-agent-timeout verbs --timeout 7
guest-agent-timeout verbs --timeout -3
guest-agent-timeout verbs
domfsinfo verbs
guestinfo verbs --filesystem
guestinfo verbs --os
guestinfo verbs --timezone
guestinfo verbs --hostname
guestinfo verbs --user
guestinfo verbs --disk
guestinfo verbs --interface
guestinfo verbs
domfsfreeze verbs
domfsfreeze verbs /mnt
domfsthaw verbs
domfsthaw verbs
domfsthaw verbs /mnt
domfstrim verbs
domfstrim verbs --minimum 4096
domfstrim verbs --mountpoint /mnt
~ domtime verbs
domtime verbs --time 1700000000
domtime verbs --now
domtime verbs --sync
domtime verbs --time 99999999999999
set-user-password verbs root secret
set-user-password verbs nobody secret --encrypted
get-user-sshkeys verbs root
get-user-sshkeys verbs nobody
set-user-sshkeys verbs root --file /etc/hostname
set-user-sshkeys verbs root --reset
get-user-sshkeys verbs root
dompmsuspend verbs tape
dompmsuspend verbs mem --duration 3
dompmwakeup verbs
"""


def agent_answers(command):
    wait_for(lambda: run([*command, "guestvcpus", "verbs"]).rc == 0, 90, "the guest's agent", interval=0.3)


@case(timeout=400)
def texts_are_virshs():
    os.makedirs(IMAGES, exist_ok=True)
    run_ok("ip link add br-verbs type bridge && ip link set br-verbs up")
    for name in "a", "b", "base":
        with open(f"{IMAGES}/{name}", "wb") as f:
            f.truncate(16 << 20)
    run_ok(["qemu-img", "create", "-q", "-f", "qcow2", "-F", "raw", "-b", "base", f"{IMAGES}/top"])
    same_texts(DEFINITION, ROWS, ready=agent_answers)


if __name__ == "__main__":
    main()
