/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* clang-format off: a row is a line */
#include "domain-xml-tables.h"

/* --- <cputune> --- */

DEFINE_STATIC_XML_TABLE(vcpupin,
        ATTRIBUTE("vcpu", ThreadPin, id, xml_uint, "number of the virtual CPU", .flags = XML_MANDATORY),
        ATTRIBUTE("cpuset", ThreadPin, cpus, xml_number_set, "CPUs of the host", .flags = XML_MANDATORY, .has = HAS(ThreadPin, has_cpus)));
DEFINE_STATIC_XML_TABLE(iothreadpin,
        ATTRIBUTE("iothread", ThreadPin, id, xml_uint, "number of the I/O thread", .flags = XML_MANDATORY),
        ATTRIBUTE("cpuset", ThreadPin, cpus, xml_number_set, "CPUs of the host", .flags = XML_MANDATORY, .has = HAS(ThreadPin, has_cpus)));
DEFINE_STATIC_XML_TABLE(emulatorpin,
        ATTRIBUTE("cpuset", DomainCputune, emulatorpin, xml_number_set, "CPUs of the host", .flags = XML_MANDATORY, .has = HAS(DomainCputune, has_emulatorpin)));

#define SCHEDULER_ROWS                                                                            \
        ATTRIBUTE_ENUM("scheduler", ThreadSched, scheduler, scheduler, "how they are scheduled", .flags = XML_MANDATORY), \
        ATTRIBUTE("priority", ThreadSched, priority, xml_int, "priority, for fifo and rr", .has = HAS(ThreadSched, has_priority))

DEFINE_STATIC_XML_TABLE(vcpusched,
        ATTRIBUTE("vcpus", ThreadSched, ids, xml_number_set, "virtual CPUs", .flags = XML_MANDATORY, .has = HAS(ThreadSched, has_ids)),
        SCHEDULER_ROWS);
DEFINE_STATIC_XML_TABLE(iothreadsched,
        ATTRIBUTE("iothreads", ThreadSched, ids, xml_number_set, "I/O threads", .flags = XML_MANDATORY, .has = HAS(ThreadSched, has_ids)),
        SCHEDULER_ROWS);
DEFINE_STATIC_XML_TABLE(emulatorsched, SCHEDULER_ROWS);

#define BANDWIDTH_ROWS(prefix_, field_, of_)                                                      \
        TEXT_CHILD(prefix_ "period", DomainCputune, field_.period, xml_u64, "microseconds in which the quota is counted, for " of_), \
        TEXT_CHILD(prefix_ "quota", DomainCputune, field_.quota, xml_int64, "microseconds in a period for " of_ "; below 0: no limit", \
                   .has = HAS(DomainCputune, field_.has_quota))

DEFINE_XML_TABLE(cputune,
        TEXT_CHILD("shares", DomainCputune, shares, xml_u64, "weight against other VMs"),
        BANDWIDTH_ROWS("", vcpu, "each virtual CPU"),
        BANDWIDTH_ROWS("global_", global, "the whole VM"),
        BANDWIDTH_ROWS("emulator_", emulator, "the threads of QEMU itself"),
        BANDWIDTH_ROWS("iothread_", iothread, "each I/O thread"),
        LIST("vcpupin", DomainCputune, vcpupins, vcpupin, "CPUs of the host for a virtual CPU"),
        CHILD("emulatorpin", emulatorpin, "CPUs of the host for the threads of QEMU itself"),
        LIST("iothreadpin", DomainCputune, iothreadpins, iothreadpin, "CPUs of the host for an I/O thread"),
        STRUCT_CHILD("emulatorsched", DomainCputune, emulatorsched, emulatorsched, "scheduler of the threads of QEMU itself", .flags = XML_HAS_LOC),
        LIST("vcpusched", DomainCputune, vcpuscheds, vcpusched, "scheduler of virtual CPUs"),
        LIST("iothreadsched", DomainCputune, iothreadscheds, iothreadsched, "scheduler of I/O threads"),
        UNSUPPORTED("cachetune", "parts of the processor's cache: systemd has no setting for them"),
        UNSUPPORTED("memorytune", "parts of the memory's bandwidth: systemd has no setting for them"));

/* --- <numatune> --- */

DEFINE_STATIC_XML_TABLE(numatune_memory,
        ATTRIBUTE_ENUM("mode", DomainNumatune, mode, numa_mode, "how strictly; strict when absent"),
        ATTRIBUTE("nodeset", DomainNumatune, nodes, xml_number_set, "NUMA nodes of the host", .has = HAS(DomainNumatune, has_nodes)),
        ATTRIBUTE_ENUM("placement", DomainNumatune, placement, vcpu_placement, "who chooses the nodes"));
DEFINE_STATIC_XML_TABLE(memnode,
        ATTRIBUTE("cellid", NumaMemnode, cell, xml_uint, "NUMA node of the guest", .flags = XML_MANDATORY),
        ATTRIBUTE_ENUM("mode", NumaMemnode, mode, numa_mode, "how strictly; strict when absent"),
        ATTRIBUTE("nodeset", NumaMemnode, nodes, xml_number_set, "NUMA nodes of the host", .flags = XML_MANDATORY, .has = HAS(NumaMemnode, has_nodes)));
DEFINE_XML_TABLE(numatune,
        CHILD("memory", numatune_memory, "where the guest's memory comes from", .loc = HAS(DomainNumatune, memory_loc)),
        LIST("memnode", DomainNumatune, memnodes, memnode, "where the memory of a NUMA node of the guest comes from"));

/* --- <memtune>, <blkiotune> --- */

DEFINE_XML_TABLE(memtune,
        SIZE_CHILD("hard_limit", DomainMemtune, hard_limit, "memory that the VM may use at most", .flags = XML_OPTIONAL),
        SIZE_CHILD("soft_limit", DomainMemtune, soft_limit, "memory that is left to it when there is little", .flags = XML_OPTIONAL),
        SIZE_CHILD("min_guarantee", DomainMemtune, min_guarantee, "memory that is never taken from the VM", .flags = XML_OPTIONAL),
        SIZE_CHILD("swap_hard_limit", DomainMemtune, swap_hard_limit, "memory and swap together at most", .flags = XML_OPTIONAL));

DEFINE_STATIC_XML_TABLE(blkio_device,
        TEXT_CHILD("path", BlkioDevice, path, xml_string, "block device of the host", .flags = XML_MANDATORY),
        TEXT_CHILD("weight", BlkioDevice, weight, xml_uint, "weight against other VMs"),
        TEXT_CHILD("read_iops_sec", BlkioDevice, read_iops, xml_uint, "reads a second"),
        TEXT_CHILD("write_iops_sec", BlkioDevice, write_iops, xml_uint, "writes a second"),
        TEXT_CHILD("read_bytes_sec", BlkioDevice, read_bytes, xml_u64, "bytes read a second"),
        TEXT_CHILD("write_bytes_sec", BlkioDevice, write_bytes, xml_u64, "bytes written a second"));
DEFINE_XML_TABLE(blkiotune,
        TEXT_CHILD("weight", DomainBlkiotune, weight, xml_uint, "weight against other VMs"),
        LIST("device", DomainBlkiotune, devices, blkio_device, "limits for one device"));

/* --- <vcpus>, <iothreadids>, <defaultiothread> --- */

DEFINE_STATIC_XML_TABLE(vcpu_state,
        ATTRIBUTE("id", DomainVcpu, id, xml_uint, "number of the virtual CPU", .flags = XML_MANDATORY),
        ATTRIBUTE_ENUM("enabled", DomainVcpu, enabled, yes_no, "whether it is there at the start", .flags = XML_MANDATORY),
        ATTRIBUTE_ENUM("hotpluggable", DomainVcpu, hotpluggable, yes_no, "whether it can be taken away"),
        ATTRIBUTE("order", DomainVcpu, order, xml_uint, "its place in the order of plugging in"));
DEFINE_XML_TABLE(vcpus,
        LIST("vcpu", Domain, vcpu_list, vcpu_state, "a virtual CPU"));

DEFINE_STATIC_XML_TABLE(poll,
        ATTRIBUTE("max", DomainIothread, poll_max, xml_u64, "nanoseconds at most"),
        ATTRIBUTE("grow", DomainIothread, poll_grow, xml_u64, "factor by which the time grows"),
        ATTRIBUTE("shrink", DomainIothread, poll_shrink, xml_u64, "divisor by which it shrinks"));
DEFINE_STATIC_XML_TABLE(iothread,
        ATTRIBUTE("id", DomainIothread, id, xml_uint, "number of the thread", .flags = XML_MANDATORY),
        ATTRIBUTE("thread_pool_min", DomainIothread, pool_min, xml_uint, "threads that always wait for blocking work", .max = INT32_MAX),
        ATTRIBUTE("thread_pool_max", DomainIothread, pool_max, xml_uint, "threads for blocking work at most", .max = INT32_MAX),
        CHILD("poll", poll, "how long it looks for work before it sleeps"));
DEFINE_XML_TABLE(iothreadids,
        LIST("iothread", Domain, iothread_ids, iothread, "an I/O thread"));
DEFINE_XML_TABLE(defaultiothread,
        ATTRIBUTE("thread_pool_min", DomainIothread, pool_min, xml_uint, "threads that always wait for blocking work", .max = INT32_MAX),
        ATTRIBUTE("thread_pool_max", DomainIothread, pool_max, xml_uint, "threads for blocking work at most", .max = INT32_MAX));
