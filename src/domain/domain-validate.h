/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "domain.h"

/* Checks of domain_validate(), one file for each family. They add to DIAG, and that is their result. */
typedef void (*DomainCheck)(const Domain *d, Diag *diag);

void check_vcpus(const Domain *d, Diag *diag); /* domain-validate-tune.c */
void check_iothreads(const Domain *d, Diag *diag);
void check_cputune(const Domain *d, Diag *diag);
void check_numatune(const Domain *d, Diag *diag);
void check_blkiotune(const Domain *d, Diag *diag);
void check_memory(const Domain *d, Diag *diag); /* domain-validate-memory.c */
void check_memory_backing(const Domain *d, Diag *diag);
void check_numa(const Domain *d, Diag *diag);
void check_memory_modules(const Domain *d, Diag *diag);
void check_seclabels(const Domain *d, Diag *diag); /* domain-seclabel.c */
void check_cpu(const Domain *d, Diag *diag); /* domain-validate-cpu.c */
void check_disks(const Domain *d, Diag *diag); /* domain-validate-disk.c */
void check_disk_source(const Domain *d, const DomainDisk *disk, Diag *diag); /* domain-validate-disk-source.c */
void check_disk_iotune(const Domain *d, Diag *diag);
void check_disk_targets(const Domain *d, Diag *diag);
void check_disk_addresses(const Domain *d, Diag *diag);
void check_interfaces(const Domain *d, Diag *diag); /* domain-validate-interface.c */
void check_controllers(const Domain *d, Diag *diag); /* domain-validate-controller.c */
void check_iommus(const Domain *d, Diag *diag);
void check_hostdevs(const Domain *d, Diag *diag); /* domain-validate-hostdev.c */
void check_vsocks(const Domain *d, Diag *diag);
void check_shmems(const Domain *d, Diag *diag);
void check_cryptos(const Domain *d, Diag *diag);
void check_balloons(const Domain *d, Diag *diag);
void check_rngs(const Domain *d, Diag *diag);
void check_panics(const Domain *d, Diag *diag); /* domain-validate-platform.c */
void check_watchdogs(const Domain *d, Diag *diag);
void check_tpms(const Domain *d, Diag *diag);
void check_sysinfos(const Domain *d, Diag *diag); /* domain-sysinfo.c */
void check_os(const Domain *d, Diag *diag); /* domain-validate-os.c */
void check_firmware(const Domain *d, Diag *diag);
void check_features(const Domain *d, Diag *diag); /* domain-validate-features.c */
void check_clock(const Domain *d, Diag *diag);
void check_lifecycle(const Domain *d, Diag *diag);
void check_metadata(const Domain *d, Diag *diag);
void check_first_boot(const Domain *d, Diag *diag); /* domain-first-boot.c */
void check_qemu(const Domain *d, Diag *diag);
/* The host's end of any character device; KIND is what messages call it. */
void check_char_source(const Domain *d, const CharSource *s, SrcLoc loc, const char *kind, bool may_lack_path,
                       Diag *diag);
void check_chars(const Domain *d, Diag *diag); /* domain-validate-char.c */
void check_consoles(const Domain *d, Diag *diag);
void check_serial_ports(const Domain *d, Diag *diag);
void check_graphics(const Domain *d, Diag *diag); /* domain-validate-graphics.c */
void check_videos(const Domain *d, Diag *diag);
void check_inputs(const Domain *d, Diag *diag);
void check_filesystems(const Domain *d, Diag *diag); /* domain-validate-filesystem.c */
void check_smartcards(const Domain *d, Diag *diag); /* domain-validate-redirect.c */
void check_redirdevs(const Domain *d, Diag *diag);
void check_sounds(const Domain *d, Diag *diag); /* domain-validate-audio.c */
bool char_repeats_serial(const Domain *d, const DomainChar *c); /* the console that is the first serial port */
void check_aliases(const Domain *d, Diag *diag); /* domain-validate-info.c */
void check_boot_order(const Domain *d, Diag *diag);
void check_paths(const Domain *d, Diag *diag); /* domain-validate-path.c */

/* Whether other processes can share the guest's memory with QEMU, as vhost-user devices need it: all of it, as
 * the guest may put its buffers anywhere. */
bool memory_is_shared(const Domain *d) _pure_;

/* Whether there is an I/O thread of this number. */

/* A set of enum values, for what is supported of an enum. */
#define BIT(value) (UINT64_C(1) << (value))
#define IN_SET(value, set) ((set) >> (value) &1)

/* "not supported: WHAT 'WORD'". */
void refuse(Diag *diag, SrcLoc loc, const char *what, const char *word);
/* Reports a path that is not absolute; NULL is fine. */
void check_path(Diag *diag, SrcLoc loc, const char *what, const char *path);
