#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The texts of verbs, vmunit's against virsh's: the same definition, the same command lines, one after the other.

  oracle.py verbs                                     with a libvirtd of the suite's own
  verbs.py --vmunit PROGRAM --virsh "COMMAND…" [-v]   with another: "virsh -q -c URI"

A row of ROWS is a command line. Both sides begin with DEFINITION, each row sees what those before it have changed, and
what is printed on both streams and the exit status must be equal; verb_rows.py says what the marks of rows are.
To add rows, append them below a comment that names the verb; those about disks and interfaces are in verb_devices.py, the shell's lines in
verb_shell.py, those of test:///default in verb_test.py, names and options of all verbs in verb_options.py. Nothing of it runs a
machine: of one that runs,
container/test-verbs.py asks."""

import argparse
import os
import pathlib
import shlex
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "lib"))

import verb_devices
import verb_options
import verb_shell
import verb_test
from verb_rows import difference, rows, run

DEFINITION = """<domain type='qemu'>
  <name>verbs</name>
  <uuid>11111111-2222-4333-8444-555555555555</uuid>
  <memory unit='KiB'>524288</memory>
  <vcpu>4</vcpu>
  <iothreads>2</iothreads>
  <os><type arch='x86_64' machine='q35'>hvm</type></os>
  <devices>
    <disk type='file' device='disk'>
      <driver name='qemu' type='raw'/>
      <source file='/var/lib/a.img'/>
      <target dev='vda' bus='virtio'/>
    </disk>
    <disk type='file' device='cdrom'>
      <driver name='qemu' type='raw'/>
      <target dev='sda' bus='sata'/>
      <readonly/>
    </disk>
    <disk type='file' device='disk'>
      <driver name='qemu' type='raw'/>
      <source file='/var/lib/b.img'/>
      <target dev='vdb' bus='virtio'/>
      <iotune>
        <total_bytes_sec>1000000</total_bytes_sec>
        <group_name>g</group_name>
      </iotune>
    </disk>
  </devices>
</domain>
"""

ROWS = """
# schedinfo
help schedinfo
schedinfo verbs
schedinfo verbs --config
schedinfo verbs --live
schedinfo verbs --current
schedinfo verbs --live --current
schedinfo verbs --config --current
schedinfo verbs --live --config
schedinfo verbs --set cpu_shares=2048
schedinfo verbs cpu_shares=512 --config
schedinfo verbs vcpu_quota=25000 vcpu_period=100000 emulator_quota=5000 emulator_period=50000
schedinfo verbs global_quota=30000 iothread_quota=7000 iothread_period=60000 global_period=90000
! schedinfo verbs vcpu_quota=-2  # less than none: virsh writes it into the definition
schedinfo verbs vcpu_quota=0
schedinfo verbs vcpu_quota=500
schedinfo verbs vcpu_quota=17592186044416
schedinfo verbs vcpu_quota=x
schedinfo verbs vcpu_quota=' 5000'
schedinfo verbs vcpu_period=5
schedinfo verbs vcpu_period=0
schedinfo verbs vcpu_period=0x10000
! schedinfo verbs cpu_shares=0  # nobody gets no share: virsh writes it into the definition
! schedinfo verbs cpu_shares=1 # what no start would take is not stored
! schedinfo verbs global_quota=17592186044415 # more than systemd counts: the same
schedinfo verbs global_quota=30000 cpu_shares=512
schedinfo verbs cpu_shares=
schedinfo verbs cpu_shares=x
schedinfo verbs cpu_shares=99999999999999999999
schedinfo verbs cpu_shares=3 cpu_shares=4
schedinfo verbs cpu_shares=5 --live
schedinfo verbs foo=1
schedinfo verbs foo
schedinfo verbs =4
schedinfo verbs --weight 5
schedinfo verbs --cap 5
schedinfo verbs --weight x
schedinfo nothing
schedinfo
# event
help event
help qemu-monitor-event
event
event --list
event --list --all
event --list --event lifecycle
event --all --event lifecycle
event --event nonsense
event --event ''
event nobody --all
event nobody lifecycle --timeout 0
event --all --timeout 0
event --all --timeout -1
event --all --timeout x
event --all --timeout 2147484
event verbs --timeout 1
! event verbs --all --timeout 1 # there is no systemd where this runs
event verbs lifecycle lifecycle
# qemu-monitor-event
qemu-monitor-event nobody
qemu-monitor-event --timeout 0
qemu-monitor-event verbs --timeout x
qemu-monitor-event --event ''
! qemu-monitor-event --regex --event '[' # in the words of another library
# memtune
help memtune
memtune verbs
memtune verbs --hard-limit 1000000
memtune verbs
memtune verbs --soft-limit 1GiB --swap-hard-limit 2000000 --hard-limit -1
memtune verbs --soft-limit 1GiB --swap-hard-limit 2000000
memtune verbs --hard-limit x
memtune verbs --hard-limit 99999999999999999
memtune verbs --hard-limit 5000b
memtune verbs --hard-limit 5000 --swap-hard-limit 4000
memtune verbs --min-guarantee 5
memtune verbs --soft-limit 9007199254740991
memtune verbs --swap-hard-limit -1
! memtune verbs --soft-limit 0 # the same
! memtune verbs --hard-limit 0 # the same
memtune verbs --hard-limit 5 --soft-limit -1
memtune verbs --live
memtune verbs --live --config
memtune verbs --live --hard-limit 7
memtune verbs --config --current
memtune verbs
# blkiotune
help blkiotune
blkiotune verbs
blkiotune verbs --weight 500
blkiotune verbs --weight 0
blkiotune verbs --weight -5
blkiotune verbs --weight x
blkiotune verbs --device-weights /dev/sda,500
blkiotune verbs --device-weights /dev/sdb,300 --device-read-iops-sec /dev/sda,20,/dev/sdb,30
blkiotune verbs
blkiotune verbs --device-weights /dev/sda,0
blkiotune verbs --device-weights /dev/sda,500,/dev/sdb
blkiotune verbs --device-read-bytes-sec /dev/sda
blkiotune verbs --device-write-bytes-sec /dev/sda,x
blkiotune verbs --device-weights ''
! blkiotune verbs --device-weights sda,500 # no path: what no start would take is not stored
blkiotune verbs --device-weights sda,0
! blkiotune verbs --weight 5000 # the same
blkiotune verbs --weight 500
blkiotune verbs --live
blkiotune verbs --live --config
blkiotune verbs --live --weight 7
blkiotune verbs
# numatune
help numatune
numatune verbs
numatune verbs --mode strict --nodeset 0
numatune verbs
numatune verbs --nodeset 0-3,^1
numatune verbs
numatune verbs --mode foo
numatune verbs --mode 9
numatune verbs --mode -1
! numatune verbs --mode 1 # preferred memory takes a single node: what no start would take is not stored
! numatune verbs --mode preferred --nodeset 0-1 # the same
numatune verbs --mode interleave --nodeset 0-1
numatune verbs --nodeset x
numatune verbs --nodeset 0-3,^0-3
numatune verbs --nodeset 1-0
numatune verbs --nodeset 0,,1
numatune verbs --nodeset ^0
numatune verbs --nodeset ''
numatune verbs --live
numatune verbs --live --nodeset 0
numatune verbs --live --config
numatune verbs
# vcpucount
help vcpucount
vcpucount verbs
vcpucount verbs --maximum
vcpucount verbs --active
vcpucount verbs --live
vcpucount verbs --config
vcpucount verbs --current
vcpucount verbs --guest
vcpucount verbs --maximum --active
vcpucount verbs --maximum --live
vcpucount verbs --maximum --config
vcpucount verbs --maximum --current
vcpucount verbs --maximum --guest
vcpucount verbs --active --live
vcpucount verbs --active --config
vcpucount verbs --active --current
vcpucount verbs --active --guest
vcpucount verbs --live --config
vcpucount verbs --live --current
vcpucount verbs --live --guest
vcpucount verbs --config --current
vcpucount verbs --config --guest
vcpucount verbs --current --guest
vcpucount verbs --maximum --active --guest
vcpucount verbs --maximum --live --guest
vcpucount verbs --maximum --config --guest
vcpucount verbs --maximum --current --guest
vcpucount verbs --active --current --guest
vcpucount verbs --live --current --guest
vcpucount verbs --config --current --guest
vcpucount nothing
# vcpuinfo
help vcpuinfo
vcpuinfo verbs
vcpuinfo verbs --pretty
# guestvcpus, cpu-stats: of what does not run
help guestvcpus
guestvcpus verbs
guestvcpus verbs --cpulist 0
guestvcpus verbs --enable
guestvcpus verbs --disable
guestvcpus verbs --enable --disable
guestvcpus verbs --cpulist x --enable
guestvcpus verbs --cpulist '' --enable
guestvcpus verbs --cpulist 0 --disable
guestvcpus nothing
setvcpus verbs 2 --guest
help cpu-stats
cpu-stats verbs
cpu-stats verbs --total
cpu-stats verbs --start -1
cpu-stats verbs --count -1
cpu-stats verbs --start x
cpu-stats verbs --start 99999999999
cpu-stats verbs --count 1
cpu-stats nothing
# vcpupin
help vcpupin
vcpupin verbs
vcpupin verbs 3
vcpupin verbs 4
vcpupin verbs 0 0
vcpupin verbs 0 0 --config
vcpupin verbs 1 0-1,^1 --current
vcpupin verbs 2 r --config
vcpupin verbs 3 0, --config
vcpupin verbs 3 ' 0 , 1' --config
vcpupin verbs 0,1 --config
vcpupin verbs
vcpupin verbs 4 0 --config
vcpupin verbs --cpulist 0
vcpupin verbs -1 0
vcpupin verbs x
vcpupin verbs 1 ^0 --config
vcpupin verbs 1 0,^0 --config
vcpupin verbs 1 ^0-1 --config
vcpupin verbs 1 99 --config
vcpupin verbs 1 99-100 --config
vcpupin verbs 1 '' --config
vcpupin verbs 1 ' ' --config
vcpupin verbs 1 ,0 --config
vcpupin verbs 1 0,,1 --config
vcpupin verbs 1 1-0 --config
vcpupin verbs 1 R --config
vcpupin verbs 1 0,r --config
vcpupin verbs 1 1024 --config
vcpupin verbs 1 4294967297 --config
vcpupin verbs 1 0 --config --live
vcpupin verbs 1 0 --current --live
vcpupin verbs --live
vcpupin verbs --live --config
vcpupin verbs --config
vcpuinfo verbs
# emulatorpin
help emulatorpin
emulatorpin verbs
emulatorpin verbs 0
emulatorpin verbs 0 --current
emulatorpin verbs r --config
emulatorpin verbs --config
emulatorpin verbs 0-1,^1 --config
emulatorpin verbs 5 --config
emulatorpin verbs ^0 --config
emulatorpin verbs '' --config
emulatorpin verbs --live
emulatorpin verbs --live --config
emulatorpin verbs 0 --live --config
emulatorpin verbs
# iothreadinfo, iothreadpin
help iothreadinfo
iothreadinfo verbs
iothreadinfo verbs --live
iothreadinfo verbs --live --config
iothreadinfo verbs --config --current
help iothreadpin
iothreadpin verbs 1 0
iothreadpin verbs 2 r --config
iothreadpin verbs 2 0 --live
iothreadpin verbs 3 0
iothreadpin verbs 0 0
iothreadpin verbs -1 0
iothreadpin verbs x 0
iothreadpin verbs 1 5
iothreadpin verbs 1 ''
iothreadpin verbs 1
iothreadpin verbs
iothreadpin
iothreadinfo verbs
# iothreadadd, iothreaddel, iothreadset
help iothreadadd
help iothreaddel
help iothreadset
iothreadadd verbs 4
iothreadadd verbs 4
iothreadadd verbs 0
iothreadadd verbs -1
iothreadadd verbs x
iothreadadd verbs
iothreadadd verbs 9 --live
iothreadadd verbs 9 --live --config
iothreadadd verbs 9 --config
iothreadinfo verbs
dumpxml verbs --xpath /domain/iothreadids
dumpxml verbs --xpath /domain/iothreads
iothreadset verbs 4
iothreadset verbs 7 --thread-pool-max 2
iothreadset verbs 0 --thread-pool-max 2
iothreadset verbs -1 --thread-pool-max 2
iothreadset verbs 4 --thread-pool-max 8 --thread-pool-min 2
iothreadset verbs 9 --thread-pool-max 8
iothreadset verbs 9 --thread-pool-min 9
iothreadset verbs 9 --thread-pool-min -1 --thread-pool-max -1
iothreadset verbs 9 --thread-pool-min 0
iothreadset verbs 9 --thread-pool-min -2
iothreadset verbs 9 --thread-pool-max -2
iothreadset verbs 9 --thread-pool-max 0
iothreadset verbs 9 --thread-pool-max x
iothreadset verbs 9 --poll-max-ns 5
iothreadset verbs 9 --poll-grow 4294967295
iothreadset verbs 9 --poll-grow 4294967296
iothreadset verbs 9 --poll-shrink -1
iothreadset verbs 9 --poll-max-ns 18446744073709551615
iothreadset verbs 9 --poll-max-ns 18446744073709551616
iothreadset verbs 9 --poll-max-ns 1 --live
iothreadset verbs 9 --live --current
dumpxml verbs --xpath /domain/iothreadids
iothreaddel verbs 9 --live
iothreaddel verbs 9
iothreaddel verbs 9
iothreaddel verbs 1
iothreaddel verbs 0
iothreadpin verbs 2 0
iothreaddel verbs 2 --current
dumpxml verbs --xpath /domain/iothreadids
dumpxml verbs --xpath /domain/cputune/iothreadpin
iothreaddel verbs 4
iothreadinfo verbs
iothreadadd verbs 1
dumpxml verbs --xpath /domain/iothreadids
# setvcpus
help setvcpus
setvcpus verbs 3
setvcpus verbs 3 --live
setvcpus verbs 3 --live --config
setvcpus verbs 3 --config
vcpucount verbs
dumpxml verbs --xpath /domain/vcpu
dumpxml verbs --xpath /domain/vcpus
setvcpus verbs 0
setvcpus verbs -1
setvcpus verbs x
setvcpus verbs
setvcpus verbs 5 --config
setvcpus verbs 5 --current
setvcpus verbs 99999 --config
setvcpus verbs 3 --maximum
setvcpus verbs 3 --maximum --live
setvcpus verbs 3 --maximum --current
setvcpus verbs 3 --maximum --config --live
setvcpus verbs 3 --guest --config
setvcpus verbs 3 --current --config
setvcpus verbs 0 --maximum --config
setvcpus verbs 4 --current
dumpxml verbs --xpath /domain/vcpu
setvcpus verbs 2 --config --hotpluggable
dumpxml verbs --xpath /domain/vcpus
setvcpus verbs 3 --hotpluggable
dumpxml verbs --xpath /domain/vcpus
dumpxml verbs --xpath /domain/vcpu
setvcpus verbs 4 --config
dumpxml verbs --xpath /domain/vcpus
setvcpus verbs 1 --config
dumpxml verbs --xpath /domain/vcpus
setvcpus verbs 6 --config --maximum
dumpxml verbs --xpath /domain/vcpu
! dumpxml verbs --xpath /domain/vcpus # libvirt says nothing of hotpluggable for those, until it reads its own dump
setvcpus verbs 3 --config --maximum
dumpxml verbs --xpath /domain/vcpus
vcpupin verbs
setvcpus verbs 2 --config --maximum
dumpxml verbs --xpath /domain/cputune/vcpupin
setvcpus verbs 4 --config --maximum
setvcpus verbs 4 --config
# setvcpu
help setvcpu
setvcpu verbs 3
setvcpu verbs 3 --enable --disable
setvcpu verbs 3 --disable --live
setvcpu verbs 3 --disable --live --config
setvcpu verbs 3 --disable --current --live
setvcpu verbs 9 --enable
setvcpu verbs -1 --enable
setvcpu verbs x --enable
setvcpu verbs ^1 --enable
setvcpu verbs '' --enable
setvcpu verbs '' 
setvcpu verbs 3-1 --enable
setvcpu verbs 0 --disable
setvcpu verbs 1 --disable
setvcpu verbs 1-3 --disable
dumpxml verbs --xpath /domain/vcpus
setvcpu verbs 3 --enable --config
setvcpu verbs 3 --enable --config
setvcpu verbs 1,2 --enable
dumpxml verbs --xpath /domain/vcpus
dumpxml verbs --xpath /domain/vcpu
vcpucount verbs
# nodeinfo, nodecpumap, nodecpustats, nodememstats, freecell, freepages, allocpages, maxvcpus: the same host
help nodeinfo
nodeinfo
help nodecpumap
nodecpumap
nodecpumap --pretty
nodecpumap x
help nodecpustats
~ nodecpustats
~ nodecpustats 0
~ nodecpustats --cpu -1
~ nodecpustats --percent
nodecpustats --cpu -2
nodecpustats --cpu 9999
nodecpustats --cpu x
nodecpustats --cpu '0 '
help nodememstats
~ nodememstats
~ nodememstats 0
~ nodememstats --cell -1
nodememstats --cell -2
nodememstats 99
nodememstats ''
help freecell
~ freecell
~ freecell 0
~ freecell --all
freecell 99
freecell --cellno -1
freecell --cellno 0 --all
freecell x
help freepages
~ freepages --all
~ freepages --all --pagesize 4
~ freepages 0 4
~ freepages 0 4096b
~ freepages --cellno -1 --pagesize 4
freepages --all --pagesize 9
freepages 0 9
freepages 0 0
freepages 0
freepages
freepages --pagesize 4
freepages 99 4
freepages --cellno -2
freepages --cellno -1 --pagesize 3000
freepages 0 '4 k'
freepages 0 5T
freepages 0 4q
freepages 0 ''
freepages 0 99999999999999999999999
freepages x y
freepages 0 4 --all
help allocpages
allocpages
allocpages 2M
allocpages xM x
allocpages 2M x
allocpages 2M x x
allocpages 2M 18446744073709551616
allocpages 3M 0
allocpages 3M 0 0
allocpages 3M 0 --all
allocpages 4 1
allocpages 4 1 0
allocpages 4 1 99
allocpages 4 1 -3
allocpages 0 0
allocpages 2M 0 --all --cellno 0
help maxvcpus
maxvcpus
maxvcpus qemu
maxvcpus QEMU
maxvcpus xen
maxvcpus ''
# setmem
help setmem
setmem verbs 100M
setmem verbs 300M --config
numatune verbs
dumpxml verbs --xpath /domain/currentMemory
setmem verbs 200M --current
setmem verbs 1b --config
dumpxml verbs --xpath /domain/currentMemory
setmem verbs 1G --config
setmem verbs 524289 --config
setmem verbs 512MiB --config
setmem verbs --kilobytes 409600 --config
dumpxml verbs --xpath /domain/currentMemory
setmem verbs --kilobytes 5 --size 5
setmem verbs 0
setmem verbs 0 --config
setmem verbs 9007199254740991 --config
setmem verbs 18014398509481984
setmem verbs 16EiB
setmem verbs 4q
setmem verbs x
setmem verbs -1
setmem verbs
setmem
setmem nothing x
setmem verbs 100M --live
setmem verbs 100M --live --config
setmem verbs 100M --live --current
setmem verbs 100M --config --current
# setmaxmem
help setmaxmem
setmaxmem verbs 1G
setmaxmem verbs --kilobytes 1048576
dumpxml verbs --xpath /domain/currentMemory|/domain/memory
setmaxmem verbs 700M --config
setmaxmem verbs 100M --current
dumpxml verbs --xpath /domain/currentMemory|/domain/memory
setmaxmem verbs 512M
dumpxml verbs --xpath /domain/currentMemory|/domain/memory
setmaxmem verbs 0
setmaxmem verbs 9007199254740991
setmaxmem verbs 16EiB
setmaxmem verbs x
setmaxmem verbs
setmaxmem verbs 1G --live
setmaxmem verbs 1G --live --config
setmaxmem verbs 1G --live --current
# dommemstat
help dommemstat
dommemstat verbs
dommemstat verbs --live
dommemstat verbs --config
dommemstat verbs --live --config
dommemstat verbs --live --current
dommemstat verbs --period 3
dumpxml verbs --xpath /domain/devices/memballoon/stats
dommemstat verbs --period 0 --config
dumpxml verbs --xpath /domain/devices/memballoon/stats
dommemstat verbs --period -1
dommemstat verbs --period x
dommemstat verbs --period 99999999999
dommemstat verbs --period
dommemstat verbs --period 3 --live
dommemstat verbs --period 3 --config --live
dommemstat verbs 3
dommemstat nothing
dommemstat
# blkdeviotune
help blkdeviotune
blkdeviotune verbs vda
blkdeviotune verbs vdb
blkdeviotune verbs sda
blkdeviotune verbs vdz
blkdeviotune verbs /var/lib/b.img
blkdeviotune verbs virtio-disk0
blkdeviotune verbs ''
blkdeviotune verbs
blkdeviotune nothing vda
blkdeviotune nothing vda --total-bytes-sec x
blkdeviotune verbs vda --size-iops-sec 5
blkdeviotune verbs vda --size_iops_sec 6 --group_name old --read_iops_sec_max 7
dumpxml verbs --xpath //iotune
blkdeviotune verbs vda --size-iops-sec 0
blkdeviotune verbs vda --group-name foo
blkdeviotune verbs vda --group-name g
dumpxml verbs --xpath //iotune
blkdeviotune verbs vda --total-bytes-sec 0
dumpxml verbs --xpath //iotune
blkdeviotune verbs vda --total-bytes-sec-max-length 5
blkdeviotune verbs vda --total-bytes-sec 1M --read-bytes-sec 5
blkdeviotune verbs vda --total-bytes-sec 1M --group-name h
dumpxml verbs --xpath //iotune
blkdeviotune verbs vda --read-bytes-sec 5
blkdeviotune verbs vda
blkdeviotune verbs vda --total-bytes-sec x
blkdeviotune verbs vda --total-bytes-sec 5q
blkdeviotune verbs vda --total-bytes-sec 16EiB
blkdeviotune verbs vda --total-bytes-sec -1
blkdeviotune verbs vda --total-bytes-sec 7EiB
blkdeviotune verbs vda --total-bytes-sec 1000000000000001
blkdeviotune verbs vda --total-bytes-sec 1000000000000000
blkdeviotune verbs vda --total-iops-sec 5M
blkdeviotune verbs vda --total-iops-sec x
blkdeviotune verbs vda --total-iops-sec 1000000000000001
blkdeviotune verbs vda --total-iops-sec 500 --read-iops-sec 4
blkdeviotune verbs vda --total-iops-sec-max 5 --read-iops-sec-max 4
blkdeviotune verbs vda --total-bytes-sec-max 5 --read-bytes-sec-max 4
blkdeviotune verbs vda --total-iops-sec-max-length -5
blkdeviotune verbs vda --total-iops-sec 500 --total-iops-sec-max 100
blkdeviotune verbs vda --total-iops-sec 500 --total-iops-sec-max 1000 --total-iops-sec-max-length 5
blkdeviotune verbs vda
dumpxml verbs --xpath //iotune
blkdeviotune verbs vda --total-iops-sec-max-length 0
dumpxml verbs --xpath //iotune
blkdeviotune verbs vda --total-iops-sec-max-length 7 --config
blkdeviotune verbs vda --size-iops-sec 4096 --current
blkdeviotune verbs vda --group-name foo
dumpxml verbs --xpath //iotune
blkdeviotune verbs vda --group-name ''
blkdeviotune verbs vda --group-name 'a b'
blkdeviotune verbs vda --group-name g
dumpxml verbs --xpath //iotune
blkdeviotune verbs vdb --total-bytes-sec 2000000 --write-iops-sec 77
dumpxml verbs --xpath //iotune
blkdeviotune verbs vda --config --total-bytes-sec 0 --total-iops-sec 0
dumpxml verbs --xpath //iotune
blkdeviotune verbs vda
blkdeviotune verbs sda --total-bytes-sec 5
dumpxml verbs --xpath //iotune
blkdeviotune verbs vdz --total-bytes-sec 5
blkdeviotune verbs vdz --total-bytes-sec x
blkdeviotune verbs /var/lib/a.img --write-bytes-sec 4k
dumpxml verbs --xpath //iotune
blkdeviotune verbs vda --live
blkdeviotune verbs vda --config
blkdeviotune verbs vda --live --total-bytes-sec 5
blkdeviotune verbs vda --live --config
blkdeviotune verbs vda --live --config --total-bytes-sec 5
blkdeviotune verbs vda --current --live
blkdeviotune verbs vda --config --current
# desc
help desc
desc verbs
desc verbs --title
desc verbs hello world
desc verbs
desc verbs --title my title
desc verbs --title
desc verbs --title 'a b' --config
desc verbs --live
desc verbs --live x
desc verbs --config x
desc verbs --config --live
desc verbs --current --live
desc verbs --config --live foo
desc verbs ''
desc verbs
desc verbs --new-desc abc
desc verbs --title --new-desc abc
desc verbs --title ''
desc verbs --title
desc verbs --title foo bar
desc verbs '  <&> "q"  '
desc verbs
dumpxml verbs --xpath /domain/description
dumpxml verbs --xpath /domain/title
desc nothing
# metadata
help metadata
metadata verbs
metadata verbs http://a
metadata verbs http://a --set '<x y="1"/>'
metadata verbs http://a --key k --set '<x y="1"><z/>  text</x>'
metadata verbs http://a
dumpxml verbs --xpath /domain/metadata
metadata verbs http://a --key l --set '<q/>'
metadata verbs http://b --key k --set '<q/>'
dumpxml verbs --xpath /domain/metadata
metadata verbs http://b --key k2 --set '<q a="&lt;"><!-- c --> <w>&amp;é</w></q>'
metadata verbs http://b
metadata verbs http://b --key k3 --set '<k3:foo xmlns:k3="http://b"/>'
metadata verbs http://b
! metadata verbs http://b --key k3 --set foo # without the excerpt: one line
metadata verbs http://b --key 'k 3' --set '<foo/>'
! metadata verbs http://b --key k3 --set '<foo/><bar/>' # without the excerpt: one line
metadata verbs http://b --key k3 --set ''
metadata verbs http://b --key '' --set '<foo/>'
metadata verbs '' --key a --set '<foo/>'
metadata verbs http://b --key k --edit --set '<a/>'
metadata verbs http://b --remove --set '<a/>'
metadata verbs http://b --remove --edit
metadata verbs http://a --edit
metadata verbs http://b --remove --key a
metadata verbs http://b
metadata verbs http://b --remove
metadata verbs http://zzz --remove
metadata verbs http://a --live
metadata verbs http://a --live --remove
metadata verbs http://a --live --config
metadata verbs http://a --current --config
metadata verbs http://a --key 1k --set '<foo/>'
! metadata verbs http://a --key k --set '<foo>&bar;</foo>' # without the excerpt: one line
metadata verbs http://a --key k --set '<foo k:a="1" xmlns:k="http://other"><k:b/></foo>'
metadata verbs http://a
dumpxml verbs --xpath /domain/metadata
metadata verbs http://a --remove
! dumpxml verbs --xpath /domain/metadata # an empty element is not left behind
metadata nothing http://a
# send-key, of what does not run
help send-key
send-key verbs KEY_A
send-key verbs KEY_NOTHING
send-key verbs --codeset win32 VK_A
send-key verbs --codeset win32 KEY_A
send-key verbs --codeset os_x ANSI_A
send-key verbs --codeset usb 4
send-key verbs --codeset usb A
send-key verbs --codeset rfb 0x1e
send-key verbs --codeset xt_kbd 0
send-key verbs --codeset nothing 1
send-key verbs --codeset '' 1
send-key verbs 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17
send-key verbs
# undefine, what does not come so far
! help undefine # storage volumes are not there yet, and the help says it
undefine verbs --nvram --keep-nvram
undefine verbs --tpm --keep-tpm
undefine verbs --wipe-storage
undefine verbs --delete-storage-volume-snapshots
undefine nothing
undefine
# save-image-edit, managedsave-edit
help save-image-edit
help managedsave-edit
managedsave-edit verbs
managedsave-edit verbs --running --paused
managedsave-edit nothing
save-image-edit /nowhere --running --paused
save-image-edit /nowhere
save-image-edit /etc/passwd
# dump, of what does not run
help dump
dump verbs /nowhere/file
dump verbs /nowhere/file --live --crash
dump verbs /nowhere/file --crash --reset
dump verbs /nowhere/file --live --reset
dump verbs /nowhere/file --format elf
dump verbs /nowhere/file --memory-only --format foo
dump verbs /nowhere/file --memory-only --format kdump-zlib --bypass-cache
dump verbs ''
dump nothing /nowhere/file
dump verbs
# set-lifecycle-action
help set-lifecycle-action
set-lifecycle-action verbs poweroff destroy
set-lifecycle-action verbs poweroff restart
dumpxml verbs --xpath /domain/on_poweroff
set-lifecycle-action verbs poweroff preserve
set-lifecycle-action verbs poweroff rename-restart
set-lifecycle-action verbs poweroff coredump-destroy
set-lifecycle-action verbs poweroff coredump-restart
set-lifecycle-action verbs poweroff foo
set-lifecycle-action verbs foo restart
set-lifecycle-action verbs reboot destroy
set-lifecycle-action verbs poweroff destroy
set-lifecycle-action verbs reboot destroy
set-lifecycle-action verbs poweroff restart
set-lifecycle-action verbs reboot restart
set-lifecycle-action verbs reboot preserve
set-lifecycle-action verbs reboot rename-restart
set-lifecycle-action verbs reboot coredump-destroy
set-lifecycle-action verbs crash destroy
set-lifecycle-action verbs crash restart
set-lifecycle-action verbs crash preserve
set-lifecycle-action verbs crash rename-restart
set-lifecycle-action verbs crash coredump-destroy
set-lifecycle-action verbs crash coredump-restart
dumpxml verbs --xpath /domain/on_crash
set-lifecycle-action verbs crash restart --live
set-lifecycle-action verbs crash restart --config
set-lifecycle-action verbs crash restart --live --config
set-lifecycle-action verbs crash restart --current --config
set-lifecycle-action verbs lockfailure poweroff
set-lifecycle-action verbs crash
set-lifecycle-action verbs poweroff 0
set-lifecycle-action verbs 1 destroy
set-lifecycle-action nothing crash destroy
dumpxml verbs --xpath /domain/on_poweroff
dumpxml verbs --xpath /domain/on_reboot
dumpxml verbs --xpath /domain/on_crash
# how numbers may be spelt
schedinfo verbs cpu_shares=+5000
schedinfo verbs cpu_shares='5000 '
! schedinfo verbs cpu_shares=-2 # what is below 0 counts from the top down, which is out of range
schedinfo verbs cpu_shares=5000
schedinfo verbs vcpu_quota=+5000
schedinfo verbs vcpu_quota=-99999999999999999999
schedinfo verbs vcpu_period=+5000
schedinfo verbs vcpu_period=-5000
schedinfo verbs vcpu_period=-18446744073709546616
schedinfo verbs --weight +5
memtune verbs --soft-limit +5000
memtune verbs --soft-limit ' 6000'
memtune verbs --soft-limit '6000 '
memtune verbs --soft-limit -2
memtune verbs --soft-limit -2G
memtune verbs --soft-limit ''
memtune verbs --soft-limit 5000q
memtune verbs --soft-limit '5000 KiB'
memtune verbs --soft-limit 0x5000
memtune verbs --soft-limit 010
memtune verbs --soft-limit 1.5G
memtune verbs --soft-limit b
memtune verbs --soft-limit 16EiB
memtune verbs --soft-limit 8EiB
memtune verbs --soft-limit 18446744073709551615
memtune verbs --soft-limit x --hard-limit y
memtune verbs
blkiotune verbs --weight +500
blkiotune verbs --weight 99999999999
blkiotune verbs --device-weights /dev/sda,+500
blkiotune verbs --device-weights /dev/sda,-2
blkiotune verbs --device-weights '/dev/sda, 500'
blkiotune verbs --device-weights '/dev/sda,500 '
blkiotune verbs --device-weights /dev/sda,
blkiotune verbs --device-weights /dev/sda,500,
blkiotune verbs --device-weights /dev/sda,5000000000
blkiotune verbs --device-weights /dev/sda,5,/dev/sdb,x,/dev/sdc,7
blkiotune verbs --device-read-bytes-sec /dev/sda,-0
blkiotune verbs --device-read-bytes-sec /dev/sda,99999999999999999999
blkiotune verbs --device-read-iops-sec /dev/sda,0x10
blkiotune verbs --device-weights /dev/sda,500,/dev/sda,600
blkiotune verbs
numatune verbs --mode ''
numatune verbs --mode '' --nodeset 0
numatune verbs --mode ' 0' --nodeset 0
numatune verbs --mode '0 '
numatune verbs --mode 0x0
numatune verbs --mode +3
numatune verbs --mode 99999999999
numatune verbs --nodeset '0 '
numatune verbs --nodeset '0, 1'
numatune verbs --nodeset +0
! numatune verbs --nodeset 1024 # more nodes than there can be: virsh writes them into the definition
numatune verbs --nodeset 0-1
numatune verbs
vcpupin verbs +1 0 --config
vcpupin verbs '1 ' 0
vcpupin verbs 4294967296 0
vcpupin verbs 1 '0, 1' --config
iothreadadd verbs +7 --config
iothreaddel verbs ' 7' --config
iothreadset verbs 1 --poll-grow -2
setvcpus verbs +3 --config
setvcpus verbs 4294967299 --config
setmem verbs +100M --config
setmem verbs '100 M' --config
setmem verbs -100M --config
setmem verbs +5q --config
dommemstat verbs --period +5 --config
dommemstat verbs --period -2 --config
dommemstat verbs --period -1 --config
blkdeviotune verbs vda --total-bytes-sec +5000 --config
blkdeviotune verbs vda --total-bytes-sec 5q --config
blkdeviotune verbs vda --total-iops-sec -2 --config
allocpages 2M +x
cpu-models foo
domcapabilities --arch foo
# save, restore, managedsave and theirs: of what does not run
help save
help restore
help managedsave-remove
help managedsave-define
help save-image-define
save verbs /tmp/verbs.saved
save verbs
save nothing /tmp/verbs.saved
! save verbs /tmp/verbs.saved --running --paused # the options are named, not libvirt's flags
managedsave verbs
! managedsave verbs --running --paused # the same
managedsave-remove verbs
managedsave-remove nothing
managedsave-dumpxml verbs
managedsave-define verbs
managedsave-define verbs DIR/domain
managedsave-define verbs DIR/domain --running --paused
managedsave-define verbs /nowhere
managedsave-define nothing DIR/domain
restore
restore /nowhere
restore /etc/passwd
restore /etc/passwd/x
restore /
restore /dev/null
restore /etc/hostname
save-image-dumpxml /nowhere
save-image-dumpxml /etc/passwd
save-image-dumpxml /etc
save-image-define /nowhere /etc/passwd
ttyconsole verbs
ttyconsole nothing
# descriptors, which no driver but that for containers takes
start verbs --pass-fds 0
start verbs --pass-fds 0,a
start verbs --pass-fds 99
start nothing --pass-fds 0
create /nowhere --pass-fds 0
# words that nothing takes: the first of them is named
start verbs extra more
start verbs 0 more words
start verbs --paused 0 1
create /nowhere 0 more words
domid verbs more words
define /nowhere more
shutdown verbs acpi more
managedsave-remove verbs --nonsense more
list verbs more
domblkstat verbs vda more
save verbs /tmp/verbs.saved /tmp/verbs.xml more
restore /nowhere /tmp/verbs.xml more
# domrename
help domrename
domrename verbs
domrename verbs verbs
domrename verbs ''
domrename verbs a/b
domrename verbs verbs2
domrename verbs verbs3
dumpxml verbs2 --xpath /domain/name
dumpxml verbs2 --xpath /domain/uuid
domrename 11111111-2222-4333-8444-555555555555 verbs
domrename nothing x
# keys, screens
help inject-nmi
help send-key
help screenshot
inject-nmi verbs
send-key verbs
send-key verbs KEY_A
send-key verbs --codeset foo KEY_A
send-key verbs --codeset qnum 30
send-key verbs --codeset qnum KEY_FOO
send-key verbs KEY_FOO
send-key verbs --holdtime x KEY_A
send-key verbs --holdtime 0 KEY_A
send-key verbs --holdtime -1 KEY_A
send-key verbs 0x70000
send-key verbs 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17
screenshot verbs
screenshot verbs /tmp/x
screenshot verbs --screen x
screenshot nothing
# the guest agent
help qemu-agent-command
help guest-agent-timeout
help domfsinfo
help domfsfreeze
help domfsthaw
help domfstrim
help domtime
help guestinfo
help set-user-password
help get-user-sshkeys
help set-user-sshkeys
help dompmsuspend
help dompmwakeup
qemu-agent-command verbs
qemu-agent-command verbs foo
qemu-agent-command verbs --timeout 0 foo
qemu-agent-command verbs --timeout 5 --async foo
qemu-agent-command verbs --async --block foo
qemu-agent-command verbs --timeout -5 foo
qemu-agent-command verbs --timeout x foo
set-user-password verbs
set-user-password verbs root x
set-user-password verbs root
set-user-password verbs root --encrypted x
domfsinfo verbs
domfsfreeze verbs
domfsfreeze verbs /a /b
domfsthaw verbs
domfstrim verbs
domfstrim verbs --minimum x
domfstrim verbs --minimum -5
domtime verbs
! domtime verbs --now # libvirt complains of a QEMU that does not run
domtime verbs --now --sync
domtime verbs --time 5 --now
domtime verbs --time 5 --sync
domtime verbs --time x
guestinfo verbs
guestinfo verbs --os --user
! guest-agent-timeout verbs # it is kept with what runs
guest-agent-timeout verbs 5
guest-agent-timeout verbs --timeout -3
guest-agent-timeout verbs --timeout x
get-user-sshkeys verbs root
get-user-sshkeys verbs
set-user-sshkeys verbs root
set-user-sshkeys verbs root --file /nonexistent
set-user-sshkeys verbs root --reset
set-user-sshkeys verbs root --remove
set-user-sshkeys verbs root --reset --remove
set-user-sshkeys verbs root --file /etc/hostname
dompmsuspend verbs
dompmsuspend verbs mem
dompmsuspend verbs foo
dompmsuspend verbs mem --duration 5
dompmsuspend verbs mem --duration x
dompmwakeup verbs
guestinfo nothing
"""


def compare_definition(program, virsh, environment, directory, name, text, row_text):
    """Yields each command line of ROW_TEXT about the domain NAME, with what is wrong about it or None."""
    file = pathlib.Path(directory) / "domain"
    file.write_text(text, encoding="utf-8")
    run([*virsh, "undefine", name])
    for result in (run([*virsh, "define", file]), run([program, "define", file], environment)):
        if result[2]:
            yield f"define {name}", result[1]
            return
    for line, mark in rows(row_text):
        words = shlex.split(line.replace("DIR", directory))
        yield line, difference(mark, run([*virsh, *words]), run([program, "-q", *words], environment))
    run([*virsh, "undefine", name])
    run([program, "undefine", name], environment)


def compare(program, virsh):
    """Yields each command line, with what is wrong about it or None."""
    with tempfile.TemporaryDirectory() as directory:
        definitions = pathlib.Path(directory) / "definitions"
        definitions.mkdir()
        environment = os.environ | {"VMUNIT_CONFIG_PATH": str(definitions), "LC_ALL": "C.UTF-8"}
        verb_devices.make_images(directory)
        plain, with_more = verb_devices.definitions(directory)
        for name, text, row_text in (("verbs", DEFINITION, ROWS), ("devices", plain, verb_devices.ROWS),
                                     ("devices", with_more, verb_devices.MORE_ROWS)):
            yield from compare_definition(program, virsh, environment, directory, name, text, row_text)
        yield from verb_shell.compare(program, directory)
        yield from verb_test.compare(program, "virsh", environment, directory)
        yield from verb_options.compare(program, virsh)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--vmunit", required=True)
    parser.add_argument("--virsh", required=True)
    parser.add_argument("-v", action="store_true")
    options = parser.parse_args()
    passed = failed = 0
    for line, problem in compare(options.vmunit, shlex.split(options.virsh)):
        passed, failed = passed + (not problem), failed + bool(problem)
        if problem or options.v:
            print(f"not ok {line}\n{problem}" if problem else f"ok {line}")
    print(f"{passed} passed, {failed} failed, 0 skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
