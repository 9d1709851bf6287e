/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <fcntl.h>
#include <linux/input-event-codes.h>
#include <stdlib.h>
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

#define KEY(name_, qnum_) { "KEY_" #name_, KEY_##name_, (qnum_) }
/* Keys of the first PC keyboards: the kernel's number is the scan code. */
#define PLAIN(name_) KEY(name_, KEY_##name_)

static const struct {
        const char *name;
        unsigned code, qnum;
} keys[] = {
        PLAIN(ESC), PLAIN(1), PLAIN(2), PLAIN(3), PLAIN(4), PLAIN(5), PLAIN(6), PLAIN(7), PLAIN(8), PLAIN(9), PLAIN(0),
        PLAIN(MINUS), PLAIN(EQUAL), PLAIN(BACKSPACE), PLAIN(TAB), PLAIN(Q), PLAIN(W), PLAIN(E), PLAIN(R), PLAIN(T), PLAIN(Y),
        PLAIN(U), PLAIN(I), PLAIN(O), PLAIN(P), PLAIN(LEFTBRACE), PLAIN(RIGHTBRACE), PLAIN(ENTER), PLAIN(LEFTCTRL), PLAIN(A),
        PLAIN(S), PLAIN(D), PLAIN(F), PLAIN(G), PLAIN(H), PLAIN(J), PLAIN(K), PLAIN(L), PLAIN(SEMICOLON), PLAIN(APOSTROPHE),
        PLAIN(GRAVE), PLAIN(LEFTSHIFT), PLAIN(BACKSLASH), PLAIN(Z), PLAIN(X), PLAIN(C), PLAIN(V), PLAIN(B), PLAIN(N), PLAIN(M),
        PLAIN(COMMA), PLAIN(DOT), PLAIN(SLASH), PLAIN(RIGHTSHIFT), PLAIN(KPASTERISK), PLAIN(LEFTALT), PLAIN(SPACE),
        PLAIN(CAPSLOCK), PLAIN(F1), PLAIN(F2), PLAIN(F3), PLAIN(F4), PLAIN(F5), PLAIN(F6), PLAIN(F7), PLAIN(F8), PLAIN(F9),
        PLAIN(F10), PLAIN(NUMLOCK), PLAIN(SCROLLLOCK), PLAIN(KP7), PLAIN(KP8), PLAIN(KP9), PLAIN(KPMINUS), PLAIN(KP4),
        PLAIN(KP5), PLAIN(KP6), PLAIN(KPPLUS), PLAIN(KP1), PLAIN(KP2), PLAIN(KP3), PLAIN(KP0), PLAIN(KPDOT), PLAIN(102ND),
        PLAIN(F11), PLAIN(F12),
        KEY(KPENTER, 0x9c), KEY(RIGHTCTRL, 0x9d), KEY(KPSLASH, 0xb5), KEY(SYSRQ, 0x54), KEY(RIGHTALT, 0xb8), KEY(HOME, 0xc7),
        KEY(UP, 0xc8), KEY(PAGEUP, 0xc9), KEY(LEFT, 0xcb), KEY(RIGHT, 0xcd), KEY(END, 0xcf), KEY(DOWN, 0xd0),
        KEY(PAGEDOWN, 0xd1), KEY(INSERT, 0xd2), KEY(DELETE, 0xd3), KEY(MUTE, 0xa0), KEY(VOLUMEDOWN, 0xae), KEY(VOLUMEUP, 0xb0),
        KEY(POWER, 0xde), KEY(PAUSE, 0xc6), KEY(LEFTMETA, 0xdb), KEY(RIGHTMETA, 0xdc), KEY(COMPOSE, 0xdd), KEY(SLEEP, 0xdf),
        KEY(WAKEUP, 0xe3),
};

int key_code(KeyCodeset set, const char *key, unsigned *ret) {
        char *end;

        FOREACH_ARRAY(k, keys, ELEMENTSOF(keys))
                if (set == CODESET_LINUX && streq(k->name, key)) {
                        *ret = k->code;
                        return 0;
                }
        errno = 0;
        long v = strtol(key, &end, 0);
        if (!*key || *end || errno != 0 || v <= 0 || v > 0xffff)
                return -EINVAL;
        *ret = (unsigned) v;
        return 0;
}

static int translate(KeyCodeset set, unsigned code, Diag *diag, unsigned *ret) {
        if (set == CODESET_QNUM) {
                *ret = code;
                return 0;
        }
        FOREACH_ARRAY(k, keys, ELEMENTSOF(keys))
                if (k->code == code) {
                        *ret = k->qnum;
                        return 0;
                }
        return diag_error(diag, (SrcLoc) {}, "internal error: cannot translate keycode %u of linux codeset to qnum keycode", code);
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
        return diag_error(diag, (SrcLoc) {}, "invalid argument: no such screen");
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
