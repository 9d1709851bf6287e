/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "qemu-argv.h"
#include "qemu-helper.h"
#include "qemu-json.h"
#include "qemu-options.h"

/* Internal to src/qemu: what the emitters work with. Memory that runs out is noticed at the end
 * (Emit.failed), so only errors of the definition are returned. */
typedef struct Emit {
        const Domain *domain;
        const QemuCaps *caps;
        const HostFacts *facts;
        const char *runtime_dir;
        Diag *diag;
        bool native;
        bool failed; /* memory has run out */
        unsigned next_number;
        int next_fdset;
        bool *overridden; /* one for each <qemu:device>: it was found */
        QemuArgv *out;
} Emit;

typedef struct Emitter {
        const char *name;
        bool (*applies)(const Domain *d); /* NULL: always */
        int (*emit)(Emit *e);             /* 0 or negative errno, with the reason in the Diag */
} Emitter;

/* --- arguments --- */

void emit_arg(Emit *e, const char *arg);
void emit_option(Emit *e, const char *option, const char *value);
void emit_optionf(Emit *e, const char *option, const char *format, ...) _printf_(3, 4);
/* These two take what they are given. */
void emit_options(Emit *e, const char *option, Options *o);
void emit_json(Emit *e, const char *option, Json *j);
void emit_env(Emit *e, const char *name, const char *value);

/* --- descriptors --- */

typedef struct FileRequest {
        const char *name; /* in the fd store: "disk-vda" */
        const char *path;
        const char *template; /* what the file is made from when it is not there; NULL: it must be */
        const char *element; /* for messages: "disk vda" */
        SrcLoc loc;
        bool writable, read_only_image, append, create, block_device, char_device, fifo, exclusive;
        Labelling labelling;
        const char *label; /* of its own; NULL: what `labelling` says */
} FileRequest;

/* What its own <seclabel> makes of R's label. */
void file_request_seclabel(FileRequest *r, const DeviceSeclabel *list, size_t n);

/* Each returns a new row of the list, for the caller to fill in further, or NULL when memory is out. NAME and
 * ELEMENT are copied. The row's number is what QEMU sees, from it on `queues` of them. */
PlanFd *emit_fd(Emit *e, PlanFdKind kind, const char *name, const char *element, SrcLoc loc, unsigned count);

/* The path by which QEMU reaches the file: /dev/fdset/N after an -add-fd, or the path itself when native.
 * Owned by the caller; NULL when memory is out. */
char *emit_file(Emit *e, const FileRequest *r);
/* The same for what QEMU cannot take from an fd set: /proc/self/fd/N of a copy. */
char *emit_copy(Emit *e, const FileRequest *r);
/* The same for a directory: /proc/self/fd/N of a mount that has nothing but it. */
char *emit_folder(Emit *e, const FileRequest *r);
/* For what QEMU opens by a path and writes to as well: /proc/self/fd/N of the file itself, which the machine's user may open.
 * Owned by the caller; NULL when memory is out. */
char *emit_reopened(Emit *e, const FileRequest *r);
/* The same for a file that SIZE bytes of memory are mapped from; without a path, one that ends with the machine. */
char *emit_mapped(Emit *e, const FileRequest *r, uint64_t size);
/* The same for a socket that others listen on, and that QEMU itself must connect with. */
char *emit_socket_path(Emit *e, const FileRequest *r);
/* A copy at a number below PLAN_FD_FIRST or above PLAN_FD_MAX, to which a link leads. NULL when memory is out. */
PlanFd *emit_copy_at(Emit *e, const FileRequest *r, unsigned number);

/* A password that the monitor tells QEMU over QMP. */
int emit_password(Emit *e, const char *name, const char *element, SrcLoc loc, const char *secret);
/* A secret that QEMU itself reads, as object ID: SECRET, or what CREDENTIAL holds. One of the two; both are taken over,
 * and NULL is memory that is out. 0 or negative errno. */
int emit_secret_object(Emit *e, const char *id, const char *name, const char *element, SrcLoc loc, char *secret, char *credential);

/* --- helpers --- */

/* Each of these goes by the number that the first one returns; SIZE_MAX (memory is out) does nothing. */
size_t emit_helper(Emit *e, HelperWhen when, const char *name, const char *program, const char *element, SrcLoc loc);
void helper_arg(Emit *e, size_t helper, const char *arg);
void helper_argf(Emit *e, size_t helper, const char *format, ...) _printf_(3, 4);
void helper_allow(Emit *e, size_t helper, const char *word);
/* It runs in the PLAN_FD_DIRECTORY called NAME. */
void helper_directory(Emit *e, size_t helper, const char *name);
/* A descriptor that it gets and QEMU does not, at fd->number. NULL when memory is out, as below. */
PlanFd *emit_helper_fd(Emit *e, size_t helper, PlanFdKind kind, const char *name, const char *element, SrcLoc loc);
/* A socket pair: fd->number in QEMU, fd->helper_number in the helper. */
PlanFd *emit_helper_pair(Emit *e, size_t helper, const char *name, const char *element, SrcLoc loc);

/* WHAT ("<tpm> with backend 'emulator'") has a command line, but no way yet to be handed over to a confined
 * QEMU: an error, unless the command line is meant for people (native). 0 or -EINVAL. */
int emit_unwired(Emit *e, SrcLoc loc, const char *what);
/* The same for WHAT a confined QEMU is never given: WHY is for whoever has asked for it. */
int emit_refused(Emit *e, SrcLoc loc, const char *what, const char *why);

/* --- shared by devices --- */

/* "bus" and "addr" of a device with an address; nothing for one without. */
void json_address(Emit *e, Json *j, const DeviceInfo *info);
/* "iommu_platform", "ats", "packed", "page-per-vq". */
void json_virtio_options(Json *j, const VirtioOptions *o);
/* "rombar" and "romfile". */
void json_rom(Emit *e, Json *j, const DeviceInfo *info, const char *element);
/* The boot index of the device from <boot order=> or <os><boot dev=>; 0: none. */
unsigned boot_index(const Domain *d, const DeviceInfo *info);
/* "-transitional" … for a model's word: what follows "virtio-blk-pci". */
const char *virtio_suffix(const char *model);
/* "driver" of a virtio device NAME ("virtio-blk"): "virtio-blk-pci", "virtio-blk-pci-transitional" as the word
 * of its model says, or "virtio-blk-device" when it is on virtio-mmio. MODEL may be NULL. */
void json_virtio_driver(Json *j, const char *name, const DeviceInfo *info, const char *model);

typedef enum TlsUse {
        TLS_CHARDEV,
        TLS_NBD,
} TlsUse;

/* Where QEMU finds the certificates for a device that LISTENS or connects: what is in vmunit.conf, or for a confined QEMU
 * links to the copies it is handed. Owned by the caller; NULL when memory is out. */
char *emit_tls_dir(Emit *e, TlsUse use, bool listens, const char *element, SrcLoc loc);

/* The -chardev "charALIAS" for the host's end of any device that has one. 0 or -EINVAL. */
int emit_chardev(Emit *e, const CharSource *source, const char *alias, SrcLoc loc);

/* --- the emitters, in files by device class --- */

int emit_name(Emit *e);
int emit_paused(Emit *e);
int emit_pflash(Emit *e);
int emit_machine(Emit *e);
int emit_accel(Emit *e);
int emit_cpu(Emit *e);
int emit_loader(Emit *e);
int emit_memory(Emit *e);
int emit_smp(Emit *e);
int emit_iothreads(Emit *e);
int emit_numa(Emit *e);
int emit_memory_modules(Emit *e);
int emit_uuid(Emit *e);
int emit_no_display(Emit *e);
int emit_no_defaults(Emit *e);
int emit_monitor(Emit *e);
int emit_clock(Emit *e);
int emit_power(Emit *e);
int emit_boot(Emit *e);
int emit_kernel(Emit *e);
int emit_pci_hole(Emit *e);
int emit_iommus(Emit *e);
int emit_controllers(Emit *e);
int emit_hubs(Emit *e);
int emit_disks(Emit *e);
int emit_reservations(Emit *e);
int emit_interfaces(Emit *e);
/* What is behind the card of an interface with <backend type='passt'/>. */
int emit_passt(Emit *e, const DomainInterface *i, Json *j);
int emit_filesystems(Emit *e);
int emit_smartcards(Emit *e);
int emit_redirdevs(Emit *e);
int emit_serials(Emit *e);
int emit_parallels(Emit *e);
int emit_channels(Emit *e);
int emit_consoles(Emit *e);
int emit_inputs(Emit *e);
int emit_audio(Emit *e);
int emit_graphics(Emit *e);
int emit_videos(Emit *e);
int emit_sounds(Emit *e);
int emit_watchdogs(Emit *e);
int emit_dumps(Emit *e);
int emit_hostdevs(Emit *e);
int emit_shmems(Emit *e);
int emit_vsocks(Emit *e);
int emit_cryptos(Emit *e);
int emit_balloon(Emit *e);
int emit_rngs(Emit *e);
int emit_user_args(Emit *e);
int emit_compat(Emit *e);
/* Changes a device as <qemu:override> says. */
void override_device(Emit *e, Json *j);
int check_overrides(Emit *e);
int emit_sandbox(Emit *e);
int emit_panics(Emit *e);
int emit_tpms(Emit *e);
int emit_acpi_table(Emit *e);
int emit_smbios(Emit *e);
int emit_fwcfg(Emit *e);
int emit_credentials(Emit *e);
int emit_genid(Emit *e);
int emit_tseg(Emit *e);
int emit_vmcoreinfo(Emit *e);
int emit_messages(Emit *e);

bool has_pflash(const Domain *d) _pure_;
/* -no-hpet and -no-acpi became machine options, and went away later. */
bool has_machine_switches(const QemuCaps *caps) _pure_;
bool timer_absent(const Domain *d, TimerName name) _pure_;
/* What <features> and <clock> add to -cpu, -accel and -machine: qemu-argv-features.c. */
void options_cpu_features(Options *o, const Domain *d);
void options_accel_features(Options *o, const Domain *d);
void options_machine_features(Options *o, const Domain *d);
bool has_smbios(const Domain *d) _pure_;
bool has_fwcfg(const Domain *d) _pure_;
bool has_credentials(const Domain *d) _pure_;
bool has_genid(const Domain *d) _pure_;
bool has_acpi_table(const Domain *d) _pure_;
bool has_compat(const Domain *d) _pure_;
bool has_tseg(const Domain *d) _pure_;
bool has_vmcoreinfo(const Domain *d) _pure_;
bool has_cells(const Domain *d) _pure_;
bool has_hmat(const Domain *d) _pure_;
bool has_no_graphics(const Domain *d) _pure_;
/* What the machine is built with, without modules: in whole mebibytes, as QEMU wants it. */
uint64_t ram_size(const Domain *d) _pure_;
/* What QEMU calls the machine's RAM. */
const char *ram_id(const Domain *d) _pure_;
