#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The texts of verbs that need cgroup controllers, about a machine that runs, are virsh's; the container tier compares
the others. verb_rows.py says what the marks of rows are."""

from harness import case, main
from running_verbs import same_texts

# No guest, since none is asked.
DEFINITION = """<domain type='qemu'>
  <name>verbs</name>
  <uuid>11111111-2222-4333-8444-555555555555</uuid>
  <memory unit='KiB'>131072</memory>
  <vcpu>2</vcpu>
  <iothreads>1</iothreads>
  <cputune><shares>2048</shares></cputune>
  <os><type arch='x86_64' machine='q35'>hvm</type></os>
  <devices/>
</domain>
"""

ROWS = """
# schedinfo
! schedinfo verbs # without a quota: virsh has its greatest number for it
schedinfo verbs --config
schedinfo verbs --live --config
! schedinfo verbs vcpu_period=100000 vcpu_quota=50000 # as the first
! schedinfo verbs emulator_period=50000 emulator_quota=25000 # as the first
! schedinfo verbs iothread_period=50000 iothread_quota=10000 # as the first
schedinfo verbs global_period=100000 global_quota=150000
schedinfo verbs
schedinfo verbs --live
schedinfo verbs --config
schedinfo verbs --current
schedinfo verbs cpu_shares=512
schedinfo verbs
schedinfo verbs --config
schedinfo verbs cpu_shares=1024 --live --config
schedinfo verbs --config
schedinfo verbs vcpu_quota=500
schedinfo verbs vcpu_period=5
schedinfo verbs cpu_shares=x
schedinfo verbs foo=1
schedinfo verbs vcpu_quota=20000 --config
schedinfo verbs
schedinfo verbs --config
! schedinfo verbs vcpu_quota=-1 # as the first
# pins
vcpupin verbs
vcpupin verbs 0 1
vcpupin verbs
vcpupin verbs --config
vcpupin verbs 1 0-2,^1 --live --config
vcpupin verbs
vcpupin verbs --config
vcpupin verbs 0 99
vcpupin verbs 7 0
vcpupin verbs 0 r
vcpupin verbs
emulatorpin verbs
emulatorpin verbs 3
emulatorpin verbs
emulatorpin verbs --config
emulatorpin verbs 0,2 --live --config
emulatorpin verbs --config
emulatorpin verbs r
emulatorpin verbs
iothreadpin verbs 1 2
iothreadinfo verbs
iothreadinfo verbs --config
iothreadpin verbs 1 0-1 --live --config
iothreadinfo verbs
iothreadinfo verbs --config
iothreadpin verbs 5 0
iothreadpin verbs 1 99
dumpxml verbs --xpath /domain/cputune
dumpxml verbs --inactive --xpath /domain/cputune
# memtune
memtune verbs
memtune verbs --live
memtune verbs --config
memtune verbs --live --config
memtune verbs --hard-limit 2000000
memtune verbs --soft-limit 1000000 --live --config
memtune verbs --swap-hard-limit 3000000
memtune verbs
memtune verbs --config
memtune verbs --hard-limit 4000000 --live
memtune verbs --swap-hard-limit 2500000
memtune verbs --hard-limit x
memtune verbs --min-guarantee 5000
memtune verbs --hard-limit -1 --soft-limit -1 --swap-hard-limit -1
memtune verbs
memtune verbs --config
dumpxml verbs --xpath /domain/memtune
# blkiotune: device weights are not asked for, since libvirtd 9.0 dies of them where the kernel has none
! blkiotune verbs # libvirt hands the weight to the kernel and back as it is
blkiotune verbs --config
blkiotune verbs --live --config
! blkiotune verbs --weight 5 # as the first
! blkiotune verbs --weight 2000 # as the first
blkiotune verbs --weight 300
blkiotune verbs
blkiotune verbs --live
blkiotune verbs --current
blkiotune verbs --device-read-bytes-sec /dev/vda,10000000 --device-write-iops-sec /dev/vda,500
blkiotune verbs
blkiotune verbs --device-read-bytes-sec /dev/vda,0 --live
blkiotune verbs --live
blkiotune verbs --device-weights /dev/vda,200 --config
! blkiotune verbs --device-read-iops-sec /dev/nothing,200 # the error names the element
blkiotune verbs --device-write-bytes-sec /dev/vda,5000000 --live --config
blkiotune verbs
blkiotune verbs --config
dumpxml verbs --xpath /domain/blkiotune
dumpxml verbs --inactive --xpath /domain/blkiotune
# numatune
numatune verbs
numatune verbs --live
numatune verbs --config
numatune verbs --live --config
! numatune verbs --mode interleave # libvirt misses the nodes first
numatune verbs --mode interleave --config
numatune verbs --nodeset x
! numatune verbs --nodeset 99 # the error names the element
numatune verbs --nodeset 0
numatune verbs
numatune verbs --config
! numatune verbs --nodeset 0-1 --live --config # libvirt changes only restrictive ones
# cpu-stats
~ cpu-stats verbs --total
! cpu-stats verbs # no time of single CPUs: another text for it
"""


@case(timeout=900)
def texts_are_virshs():
    same_texts(DEFINITION, ROWS, controllers=("cpu", "cpuacct", "cpuset", "memory", "blkio"))


if __name__ == "__main__":
    main()
