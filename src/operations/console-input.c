/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "console-input.h"
#include "file-util.h"
#include "json-member.h"
#include "qemu-device.h"
#include "string-util.h"
#include "vm-lifecycle.h"

static int check_running(const Vm *vm, Diag *diag) {
        return vm->active ? 0 : diag_error(diag, (SrcLoc) {}, "Requested operation is not valid: domain is not running");
}

int vm_inject_nmi(Manager *m, const Vm *vm, Diag *diag) {
        int r = check_running(vm, diag);

        return r < 0 ? r : vm_qmp_ask(m, vm, "inject-nmi", NULL, diag, NULL);
}

/* --- keys --- */

static int translate(KeyCodeset set, unsigned code, Diag *diag, unsigned *ret) {
        int qnum = key_code_to_qnum(set, code);

        if (qnum < 0)
                return diag_error(diag, (SrcLoc) {}, "internal error: cannot translate keycode %u of %s codeset to qnum keycode", code,
                                  key_codeset_to_string(set));
        *ret = (unsigned) qnum;
        return 0;
}

int vm_send_keys(Manager *m, const Vm *vm, KeyCodeset set, const unsigned *codes, size_t n, unsigned hold_msec, Diag *diag) {
        int r = check_running(vm, diag);

        if (r < 0)
                return r;
        json_object *arguments = json_object_new_object(), *list = json_object_new_array();
        json_object_object_add(arguments, "keys", list);
        for (size_t i = 0; r >= 0 && i < n; i++) {
                unsigned qnum = 0;
                r = translate(set, codes[i], diag, &qnum);
                json_object *key = json_strings("type", "number", NULL);
                json_object_object_add(key, "data", json_object_new_int((int) qnum));
                json_object_array_add(list, key);
        }
        if (hold_msec > 0)
                json_object_object_add(arguments, "hold-time", json_object_new_int64(hold_msec));
        if (r < 0) {
                json_object_put(arguments);
                return r;
        }
        return vm_qmp_ask(m, vm, "send-key", arguments, diag, NULL);
}

/* --- screen --- */

/* The device of SCREEN, which becomes the number of its head; *ret is NULL for the first one. */
static int find_screen(Domain *d, unsigned *screen, Diag *diag, const char **ret) {
        if (d->n_videos == 0)
                return diag_error(diag, (SrcLoc) {}, "Requested operation is not valid: no screens to take screenshot from");
        *ret = NULL;
        if (*screen == 0)
                return 0;
        int r = qemu_complete_aliases(d, diag);
        if (r < 0)
                return r;
        FOREACH_ARRAY(v, d->videos, d->n_videos) {
                unsigned heads = v->heads.set ? v->heads.value : 1;
                if (*screen < heads) {
                        *ret = v->info.alias;
                        return 0;
                }
                *screen -= heads;
        }
        return diag_error(diag, (SrcLoc) {}, "Requested operation is not valid: no such screen ID");
}

/* QEMU gets a descriptor that it can write to and nothing else; it knows it by the number of a set. */
static int add_fd(Manager *m, const Vm *vm, int fd, Diag *diag, int64_t *ret) {
        _cleanup_free_ char *path = strf("/proc/self/fd/%d", fd), *command = json_command("add-fd", NULL), *reply = NULL;
        _cleanup_diag_ Diag own = {};

        if (!path || !command)
                return -ENOMEM;
        _cleanup_close_ int write_fd = open(path, O_WRONLY | O_CLOEXEC);
        if (write_fd < 0)
                return -errno;
        int r = m->backend->monitor_qmp_with_fd(m->userdata, vm->name, command, write_fd, &reply, &own);
        if (r < 0)
                return vm_qmp_explain("add-fd", r, &own, diag);
        json_object *o = json_parse(reply, 4), *set = json_member(o, "fdset-id", json_type_int);
        r = set ? 0 : diag_error_code(diag, -EBADMSG, (SrcLoc) {}, "QEMU's answer to 'add-fd' makes no sense");
        *ret = set ? json_object_get_int64(set) : 0;
        json_object_put(o);
        return r;
}

static int dump_screen(Manager *m, const Vm *vm, int64_t set, const char *device, unsigned head, const char *format, Diag *diag) {
        _cleanup_free_ char *file = strf("/dev/fdset/%lld", (long long) set);
        json_object *o = file ? json_strings("filename", file, NULL) : NULL;

        if (!o)
                return -ENOMEM;
        if (device) {
                json_object_object_add(o, "device", json_object_new_string(device));
                json_object_object_add(o, "head", json_object_new_int64(head));
        }
        if (format)
                json_object_object_add(o, "format", json_object_new_string(format));
        return vm_qmp_ask(m, vm, "screendump", o, diag, NULL);
}

int vm_screenshot(Manager *m, const Vm *vm, unsigned screen, Diag *diag, const char **ret_mime) {
        _cleanup_(domain_freep) Domain *d = NULL;
        const char *device = NULL;
        int64_t set = 0;

        int r = check_running(vm, diag);
        if (r >= 0)
                r = vm_load_domain(m, vm, false, diag, &d);
        if (r >= 0)
                r = find_screen(d, &screen, diag, &device);
        if (r < 0)
                return r;
        _cleanup_close_ int fd = memfd_create("screenshot", MFD_CLOEXEC);
        r = fd < 0 ? -errno : add_fd(m, vm, fd, diag, &set);
        if (r < 0)
                return r;
        *ret_mime = "image/png";
        r = dump_screen(m, vm, set, device, screen, "png", NULL);
        /* One that was built without PNG. */
        if (r == -EREMOTEIO) {
                *ret_mime = "image/x-portable-pixmap";
                r = dump_screen(m, vm, set, device, screen, NULL, diag);
        }
        json_object *o = json_object_new_object();
        json_object_object_add(o, "fdset-id", json_object_new_int64(set));
        (void) vm_qmp_ask(m, vm, "remove-fd", o, NULL, NULL);
        if (r < 0)
                return r;
        return lseek(fd, 0, SEEK_SET) < 0 ? -errno : TAKE_FD(fd);
}
