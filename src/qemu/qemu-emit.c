/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdarg.h>
#include <stdio.h>

#include "qemu-device.h"
#include "qemu-emit.h"
#include "string-util.h"
#include "strv.h"

/* --- arguments --- */

void emit_arg(Emit *e, const char *arg) {
        if (strv_extend(&e->out->argv, arg) < 0)
                e->failed = true;
}

void emit_option(Emit *e, const char *option, const char *value) {
        emit_arg(e, option);
        emit_arg(e, value);
}

static void emit_taken(Emit *e, const char *option, char *value, int r) {
        if (r < 0) {
                e->failed = true;
                return;
        }
        emit_arg(e, option);
        if (strv_consume(&e->out->argv, value) < 0)
                e->failed = true;
}

void emit_optionf(Emit *e, const char *option, const char *format, ...) {
        char *s = NULL;
        va_list ap;
        int r;

        va_start(ap, format);
        r = vasprintf(&s, format, ap);
        va_end(ap);
        emit_taken(e, option, s, r);
}

void emit_options(Emit *e, const char *option, Options *o) {
        char *s = NULL;
        int r = options_finish(o, &s);

        emit_taken(e, option, s, r);
}

void emit_json(Emit *e, const char *option, Json *j) {
        char *s = NULL;

        if (e->overridden && streq(option, "-device"))
                override_device(e, j);
        int r = json_finish(j, &s);

        emit_taken(e, option, s, r);
}

void emit_env(Emit *e, const char *name, const char *value) {
        if (strv_extendf(&e->out->env, "%s=%s", name, value) < 0)
                e->failed = true;
}

/* --- descriptors --- */

PlanFd *emit_fd(Emit *e, PlanFdKind kind, const char *name, const char *element, SrcLoc loc, unsigned count) {
        QemuArgv *out = e->out;
        PlanFd fd = { .kind = kind, .user = PLAN_USER_QEMU, .fdset = -1, .loc = loc, .number = e->next_number };

        if (free_and_strdup(&fd.name, name) < 0 || free_and_strdup(&fd.element, element) < 0 ||
            !ARRAY_GROW(out->fds, out->n_fds)) {
                plan_fd_done(&fd);
                e->failed = true;
                return NULL;
        }
        e->next_number += count;
        out->fds[out->n_fds] = fd;
        return &out->fds[out->n_fds++];
}

void file_request_seclabel(FileRequest *r, const DeviceSeclabel *list, size_t n) {
        FOREACH_ARRAY(s, list, n) {
                if (s->model && !streq(s->model, "selinux"))
                        continue;
                if (s->relabel == TRI_NO)
                        r->labelling = LABELLING_NONE;
                else if (s->label)
                        r->label = s->label;
        }
}

static PlanFd *emit_path_fd(Emit *e, PlanFdKind kind, const FileRequest *r) {
        PlanFd *fd = emit_fd(e, kind, r->name, r->element, r->loc, 1);

        if (!fd || free_and_strdup(&fd->path, r->path) < 0 || free_and_strdup(&fd->template, r->template) < 0 ||
            free_and_strdup(&fd->label, r->labelling == LABELLING_NONE ? NULL : r->label) < 0) {
                e->failed = true;
                return NULL;
        }
        fd->writable = r->writable;
        fd->read_only_image = r->read_only_image;
        fd->append = r->append;
        fd->create = r->create;
        fd->block_device = r->block_device;
        fd->char_device = r->char_device;
        fd->fifo = r->fifo;
        fd->exclusive = r->exclusive;
        fd->labelling = r->labelling;
        return fd;
}

char *emit_file(Emit *e, const FileRequest *r) {
        _cleanup_options_ Options o = {};
        PlanFd *fd;
        char *path;

        if (e->native)
                path = strdup(r->path);
        else {
                fd = emit_path_fd(e, PLAN_FD_FILE, r);
                if (!fd)
                        return NULL;
                fd->fdset = e->next_fdset++;
                options_addf(&o, "fd", "%u", fd->number);
                options_addf(&o, "set", "%d", fd->fdset);
                options_add(&o, "opaque", r->name);
                path = strf("/dev/fdset/%d", fd->fdset);
                emit_options(e, "-add-fd", &o);
        }
        if (!path)
                e->failed = true;
        return path;
}

static char *emit_number_path(Emit *e, PlanFdKind kind, const FileRequest *r) {
        PlanFd *fd;
        char *path;

        if (e->native)
                path = strdup(r->path);
        else {
                fd = emit_path_fd(e, kind, r);
                if (!fd)
                        return NULL;
                path = strf("/proc/self/fd/%u", fd->number);
        }
        if (!path)
                e->failed = true;
        return path;
}

char *emit_copy(Emit *e, const FileRequest *r) {
        return emit_number_path(e, PLAN_FD_COPY, r);
}

char *emit_folder(Emit *e, const FileRequest *r) {
        return emit_number_path(e, PLAN_FD_FOLDER, r);
}

static char *emit_opened_again(Emit *e, PlanFdKind kind, const FileRequest *r, uint64_t size) {
        PlanFd *fd = emit_path_fd(e, kind, r);
        char *path = fd ? strf("/proc/self/fd/%u", fd->number) : NULL;

        if (!path) {
                e->failed = true;
                return NULL;
        }
        fd->reopened = true;
        fd->size = size;
        return path;
}

char *emit_reopened(Emit *e, const FileRequest *r) {
        return emit_opened_again(e, PLAN_FD_FILE, r, 0);
}

char *emit_mapped(Emit *e, const FileRequest *r, uint64_t size) {
        return emit_opened_again(e, PLAN_FD_MEMORY, r, size);
}

char *emit_socket_path(Emit *e, const FileRequest *r) {
        return emit_opened_again(e, PLAN_FD_SOCKET, r, 0);
}

PlanFd *emit_copy_at(Emit *e, const FileRequest *r, unsigned number) {
        unsigned next = e->next_number;
        PlanFd *fd = emit_path_fd(e, PLAN_FD_COPY, r);

        if (!fd)
                return NULL;
        e->next_number = next;
        fd->number = number;
        return fd;
}

int emit_password(Emit *e, const char *name, const char *element, SrcLoc loc, const char *secret) {
        PlanFd *fd = emit_fd(e, PLAN_FD_SECRET, name, element, loc, 1);

        if (!fd)
                return -ENOMEM;
        fd->user = PLAN_USER_MONITOR;
        return free_and_strdup(&fd->secret, secret);
}

int emit_secret_object(Emit *e, const char *id, const char *name, const char *element, SrcLoc loc, char *secret, char *credential) {
        PlanFd *fd = secret || credential ? emit_fd(e, PLAN_FD_SECRET, name, element, loc, 1) : NULL;
        _cleanup_qjson_ Json j = {};

        if (!fd) {
                if (secret)
                        explicit_bzero(secret, strlen(secret));
                free(secret);
                free(credential);
                return -ENOMEM;
        }
        fd->secret = secret;
        fd->credential = credential;
        json_add_string(&j, "qom-type", "secret");
        json_add_string(&j, "id", id);
        json_add_stringf(&j, "file", "/proc/self/fd/%u", fd->number);
        emit_json(e, "-object", &j);
        return 0;
}

int emit_unwired(Emit *e, SrcLoc loc, const char *what) {
        return e->native ? 0 : diag_error(e->diag, loc, "%s cannot be started yet", what);
}

int emit_refused(Emit *e, SrcLoc loc, const char *what, const char *why) {
        return e->native ? 0 : diag_error(e->diag, loc, "not supported: %s (%s)", what, why);
}

/* --- shared by devices --- */

void json_address(Emit *e, Json *j, const DeviceInfo *info) {
        const DeviceAddress *a = &info->address;
        const DomainController *c;

        switch (a->type) {
        case ADDRESS_PCI:
                c = controller_find(e->domain, CONTROLLER_PCI, a->bus.value);
                if (c && c->info.alias)
                        json_add_string(j, "bus", c->info.alias);
                else
                        json_add_stringf(j, "bus", "pci.%u", a->bus.value);
                json_add_tristate(j, "multifunction", a->multifunction);
                if (a->function.value > 0)
                        json_add_stringf(j, "addr", "0x%x.0x%x", a->slot.value, a->function.value);
                else
                        json_add_stringf(j, "addr", "0x%x", a->slot.value);
                json_add_opt_uint(j, "acpi-index", info->acpi_index);
                break;
        case ADDRESS_USB:
                c = controller_find(e->domain, CONTROLLER_USB, a->bus.value);
                json_add_stringf(j, "bus", "%s.0", c && c->info.alias ? c->info.alias : "usb");
                json_add_string(j, "port", a->port);
                break;
        case ADDRESS_VIRTIO_SERIAL:
                c = controller_find(e->domain, CONTROLLER_VIRTIO_SERIAL, a->controller.value);
                json_add_stringf(j, "bus", "%s.%u", c && c->info.alias ? c->info.alias : "virtio-serial0",
                                 a->bus.value);
                json_add_uint(j, "nr", strtoul(strempty(a->port), NULL, 10)); /* known to be a number */
                break;
        case ADDRESS_ISA:
                if (a->iobase.set)
                        json_add_uint(j, "iobase", a->iobase.value);
                if (a->irq.set)
                        json_add_uint(j, "irq", a->irq.value);
                break;
        default:
                break;
        }
}

void json_virtio_driver(Json *j, const char *name, const DeviceInfo *info, const char *model) {
        if (info->address.type == ADDRESS_VIRTIO_MMIO)
                json_add_stringf(j, "driver", "%s-device", name);
        else
                json_add_stringf(j, "driver", "%s-pci%s", name, virtio_suffix(strempty(model)));
}

void json_virtio_options(Json *j, const VirtioOptions *o) {
        json_add_tristate(j, "iommu_platform", o->iommu);
        json_add_tristate(j, "ats", o->ats);
        json_add_tristate(j, "packed", o->packed);
        json_add_tristate(j, "page-per-vq", o->page_per_vq);
}

void json_rom(Emit *e, Json *j, const DeviceInfo *info, const char *element) {
        if (info->rom_enabled == TRI_NO) {
                json_add_string(j, "romfile", "");
                return;
        }
        if (info->rom_bar != TRI_UNSET)
                json_add_uint(j, "rombar", info->rom_bar == TRI_YES);
        if (info->rom_file) {
                _cleanup_free_ char *name = strf("rom-%s", info->alias), *path = NULL;
                if (!name) {
                        e->failed = true;
                        return;
                }
                path = emit_copy(e, &(FileRequest){ .name = name,
                                                   .path = info->rom_file,
                                                   .element = element,
                                                   .loc = info->loc});
                json_add_string(j, "romfile", path);
        }
}

static bool boots_as(const DomainDisk *disk, BootDevice boot) {
        switch (boot) {
        case BOOT_CDROM:
                return disk->device == DEVICE_CDROM;
        case BOOT_FD:
                return disk->device == DEVICE_FLOPPY;
        default:
                return disk->device == DEVICE_DISK || disk->device == DEVICE_LUN;
        }
}

static const DeviceInfo *first_disk(const Domain *d, BootDevice boot) {
        const DomainDisk *first = NULL;

        FOREACH_ARRAY(disk, d->disks, d->n_disks)
                if (boots_as(disk, boot) && (!first || disk->turn < first->turn))
                        first = disk;
        return first ? &first->info : NULL;
}

unsigned boot_index(const Domain *d, const DeviceInfo *info) {
        if (info->boot_order.set)
                return info->boot_order.value;
        for (unsigned i = 0; i < d->os.n_boot; i++) {
                const DeviceInfo *first = d->os.boot[i] != BOOT_NETWORK ? first_disk(d, d->os.boot[i]) :
                                          d->n_interfaces > 0           ? &d->interfaces[0].info : NULL;
                if (first == info)
                        return i + 1;
        }
        return 0;
}

const char *virtio_suffix(const char *model) {
        return !model ? "" : endswith(model, "non-transitional") ? "-non-transitional" :
               endswith(model, "transitional") ? "-transitional" : "";
}
