/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <inttypes.h>
#include <stdarg.h>

#include "guest-agent.h"
#include "json-member.h"
#include "string-util.h"
#include "strv.h"

/* domfsinfo, guestinfo: what the agent says of the guest, and which of the machine's disks it speaks of. */

#define PARAMETERS_MAX 16384U

/* --- disks --- */

static bool is_number(json_object *o, const char *key, const OptUint *v) {
        json_object *n = json_member(o, key, json_type_int);

        return n && json_object_get_int64(n) == (v->set ? v->value : 0);
}

static bool is_at_pci(json_object *disk, const DeviceAddress *a) {
        json_object *p = json_member(disk, "pci-controller", json_type_object);

        return a->type == ADDRESS_PCI && is_number(p, "domain", &a->domain) && is_number(p, "bus", &a->bus) &&
               is_number(p, "slot", &a->slot) && is_number(p, "function", &a->function);
}

/* A disk is a PCI device itself, or hangs on a controller that is one. */
static bool is_disk(const Domain *d, const DomainDisk *disk, json_object *o) {
        const DeviceAddress *a = &disk->info.address;

        if (a->type != ADDRESS_DRIVE)
                return is_at_pci(o, a);
        if (!is_number(o, "bus", &a->bus) || !is_number(o, "target", &a->target) || !is_number(o, "unit", &a->unit))
                return false;
        FOREACH_ARRAY(c, d->controllers, d->n_controllers)
                if (streq_ptr(controller_type_to_string(c->type), disk_bus_to_string(disk->bus)) &&
                    (c->index.set ? c->index.value : 0) == (a->controller.set ? a->controller.value : 0) &&
                    is_at_pci(o, &c->info.address))
                        return true;
        return false;
}

static const char *find_disk(const Domain *d, json_object *o) {
        FOREACH_ARRAY(disk, d->disks, d->n_disks)
                if (is_disk(d, disk, o))
                        return disk->target_dev;
        return NULL;
}

/* --- domfsinfo --- */

void vm_file_systems_free(VmFileSystem *list, size_t n) {
        FOREACH_ARRAY(f, list, n) {
                free(f->mountpoint);
                free(f->name);
                free(f->type);
                free(f->targets);
        }
        free(list);
}

static int missing(const char *key, const char *command, Diag *diag) {
        return diag_error_code(diag, -EBADMSG, (SrcLoc) {}, "internal error: '%s' missing in reply of %s", key, command);
}

static int read_targets(const Domain *d, json_object *disks, char **ret) {
        _cleanup_strv_ char **targets = NULL;

        for (size_t i = 0; disks && i < json_object_array_length(disks); i++) {
                const char *target = find_disk(d, json_object_array_get_idx(disks, i));
                int r = target ? strv_extend(&targets, target) : 0;
                if (r < 0)
                        return r;
        }
        *ret = targets ? strv_join(targets, ",") : strdup("");
        return *ret ? 0 : -ENOMEM;
}

static int read_file_system(const Domain *d, json_object *o, Diag *diag, VmFileSystem *f) {
        const char *mountpoint = json_member_string(o, "mountpoint"), *name = json_member_string(o, "name"),
                   *type = json_member_string(o, "type");

        if (!mountpoint || !name || !type)
                return missing(!mountpoint ? "mountpoint" : !name ? "name" : "type", "guest-get-fsinfo", diag);
        f->mountpoint = string_printable(mountpoint);
        f->name = string_printable(name);
        f->type = string_printable(type);
        if (!f->mountpoint || !f->name || !f->type)
                return -ENOMEM;
        return read_targets(d, json_member(o, "disk", json_type_array), &f->targets);
}

/* The reply of COMMAND, which has to be a list; *ret is the caller's. */
static int ask_list(Manager *m, const Vm *vm, const char *command, Diag *diag, json_object **ret) {
        int r = vm_agent_ask(m, vm, command, NULL, diag, ret);

        if (r < 0 || json_object_is_type(*ret, json_type_array))
                return r;
        json_object_put(*ret);
        *ret = NULL;
        return diag_error_code(diag, -EBADMSG, (SrcLoc) {}, "internal error: malformed return value of %s", command);
}

int vm_fs_info(Manager *m, const Vm *vm, Diag *diag, VmFileSystem **ret, size_t *ret_n) {
        _cleanup_(domain_freep) Domain *d = NULL;
        VmFileSystem *list = NULL;
        json_object *o = NULL;
        size_t n = 0;

        int r = ask_list(m, vm, "guest-get-fsinfo", diag, &o);
        if (r >= 0)
                r = vm_load_domain(m, vm, false, diag, &d);
        for (size_t i = r >= 0 ? json_object_array_length(o) : 0; r >= 0 && i-- > 0;) {
                if (!ARRAY_GROW(list, n)) {
                        r = -ENOMEM;
                        break;
                }
                list[n] = (VmFileSystem) {};
                r = read_file_system(d, json_object_array_get_idx(o, i), diag, &list[n++]);
        }
        json_object_put(o);
        if (r < 0) {
                vm_file_systems_free(list, n);
                return r;
        }
        *ret = list;
        *ret_n = n;
        return 0;
}

/* --- guestinfo --- */

void guest_parameters_free(GuestParameter *list, size_t n) {
        FOREACH_ARRAY(p, list, n) {
                free(p->name);
                free(p->value);
        }
        free(list);
}

typedef struct Info {
        Manager *m;
        const Vm *vm;
        Domain *domain; /* owned; NULL: not needed yet */
        Diag *diag;
        GuestParameter *items; /* owned */
        size_t n;
} Info;

/* VALUE is taken over. */
static int add_value(Info *i, char *value, bool is_number, const char *format, va_list ap) {
        char *name = strfv(format, ap);

        if (!name || !value || i->n >= PARAMETERS_MAX || !ARRAY_GROW(i->items, i->n)) {
                int r = i->n >= PARAMETERS_MAX ? diag_error_code(i->diag, -E2BIG, (SrcLoc) {}, "the guest agent tells too much") : -ENOMEM;
                free(name);
                free(value);
                return r;
        }
        i->items[i->n++] = (GuestParameter) { name, value, is_number };
        return 0;
}

/* NULL is nothing to tell. */
static _printf_(3, 4) int add(Info *i, const char *text, const char *format, ...) {
        va_list ap;

        if (!text)
                return 0;
        va_start(ap, format);
        int r = add_value(i, string_printable(text), false, format, ap);
        va_end(ap);
        return r;
}

/* The same of a number. */
static _printf_(3, 4) int add_digits(Info *i, const char *digits, const char *format, ...) {
        va_list ap;

        if (!digits)
                return 0;
        va_start(ap, format);
        int r = add_value(i, strdup(digits), true, format, ap);
        va_end(ap);
        return r;
}

static _printf_(3, 4) int add_count(Info *i, size_t n, const char *format, ...) {
        va_list ap;

        va_start(ap, format);
        int r = add_value(i, strf("%zu", n), true, format, ap);
        va_end(ap);
        return r;
}

/* A number, or what is none, in which case nothing is told. */
static _printf_(3, 4) int add_number(Info *i, json_object *number, const char *format, ...) {
        va_list ap;

        if (!number)
                return 0;
        va_start(ap, format);
        int r = add_value(i, strf("%" PRIu64, json_object_get_uint64(number)), true, format, ap);
        va_end(ap);
        return r;
}

static int add_users(Info *i, json_object *o) {
        size_t n = json_object_array_length(o);

        int r = add_count(i, n, "user.count");
        for (size_t k = 0; r >= 0 && k < n; k++) {
                json_object *u = json_object_array_get_idx(o, k), *time = json_member(u, "login-time", json_type_double) ?:
                        json_member(u, "login-time", json_type_int);
                const char *name = json_member_string(u, "user");
                if (!name)
                        return missing("user", "guest-get-users", i->diag);
                r = add(i, name, "user.%zu.name", k);
                if (r >= 0)
                        r = add(i, json_member_string(u, "domain"), "user.%zu.domain", k);
                double seconds = time ? json_object_get_double(time) : 0;
                _cleanup_free_ char *msec = time ? strf("%" PRIu64, seconds > 0 && seconds < 1e15 ? (uint64_t) (seconds * 1000) : 0) : NULL;
                if (r >= 0)
                        r = add_digits(i, msec, "user.%zu.login-time", k);
        }
        return r;
}

static int add_os(Info *i, json_object *o) {
        static const char *const keys[] = { "id", "name", "pretty-name", "version", "version-id", "machine", "variant", "variant-id",
                                            "kernel-release", "kernel-version" };
        int r = 0;

        for (size_t k = 0; r >= 0 && k < ELEMENTSOF(keys); k++)
                r = add(i, json_member_string(o, keys[k]), "os.%s", keys[k]);
        return r;
}

static int add_timezone(Info *i, json_object *o) {
        json_object *offset = json_member(o, "offset", json_type_int);

        if (!offset)
                return missing("offset", "guest-get-timezone", i->diag);
        int r = add(i, json_member_string(o, "zone"), "timezone.name");
        _cleanup_free_ char *text = strf("%" PRId64, json_object_get_int64(offset));
        return r < 0 ? r : add_digits(i, text, "timezone.offset");
}

static int add_hostname(Info *i, json_object *o) {
        return add(i, json_member_string(o, "host-name"), "hostname");
}

static int load_domain(Info *i) {
        return i->domain ? 0 : vm_load_domain(i->m, i->vm, false, i->diag, &i->domain);
}

static int add_fs_disks(Info *i, size_t k, json_object *disks) {
        size_t n = disks ? json_object_array_length(disks) : 0;

        int r = add_count(i, n, "fs.%zu.disk.count", k);
        for (size_t j = 0; r >= 0 && j < n; j++) {
                json_object *d = json_object_array_get_idx(disks, j);
                r = add(i, find_disk(i->domain, d), "fs.%zu.disk.%zu.alias", k, j);
                if (r >= 0)
                        r = add(i, json_member_string(d, "serial"), "fs.%zu.disk.%zu.serial", k, j);
                if (r >= 0)
                        r = add(i, json_member_string(d, "dev"), "fs.%zu.disk.%zu.device", k, j);
        }
        return r;
}

static int add_file_systems(Info *i, json_object *o) {
        size_t n = json_object_array_length(o);

        int r = load_domain(i);
        if (r >= 0 && n > 0)
                r = add_count(i, n, "fs.count");
        /* The agent begins with the last mount, libvirt with the first. */
        for (size_t k = 0; r >= 0 && k < n; k++) {
                json_object *f = json_object_array_get_idx(o, n - 1 - k);
                r = add(i, json_member_string(f, "name"), "fs.%zu.name", k);
                if (r >= 0)
                        r = add(i, json_member_string(f, "mountpoint"), "fs.%zu.mountpoint", k);
                if (r >= 0)
                        r = add(i, json_member_string(f, "type"), "fs.%zu.fstype", k);
                if (r >= 0)
                        r = add_number(i, json_member(f, "total-bytes", json_type_int), "fs.%zu.total-bytes", k);
                if (r >= 0)
                        r = add_number(i, json_member(f, "used-bytes", json_type_int), "fs.%zu.used-bytes", k);
                if (r >= 0)
                        r = add_fs_disks(i, k, json_member(f, "disk", json_type_array));
        }
        return r;
}

static int add_dependencies(Info *i, size_t k, json_object *list) {
        size_t n = list ? json_object_array_length(list) : 0;

        int r = n > 0 ? add_count(i, n, "disk.%zu.dependency.count", k) : 0;
        for (size_t j = 0; r >= 0 && j < n; j++) {
                json_object *name = json_object_array_get_idx(list, j);
                r = add(i, json_object_is_type(name, json_type_string) ? json_object_get_string(name) : NULL,
                        "disk.%zu.dependency.%zu.name", k, j);
        }
        return r;
}

static int add_disks(Info *i, json_object *o) {
        size_t n = json_object_array_length(o);

        int r = load_domain(i);
        if (r >= 0)
                r = add_count(i, n, "disk.count");
        for (size_t k = 0; r >= 0 && k < n; k++) {
                json_object *d = json_object_array_get_idx(o, k), *partition = json_member(d, "partition", json_type_boolean),
                            *address = json_member(d, "address", json_type_object);
                r = add(i, json_member_string(d, "name"), "disk.%zu.name", k);
                if (r >= 0)
                        r = add(i, partition && json_object_get_boolean(partition) ? "yes" : "no", "disk.%zu.partition", k);
                if (r >= 0)
                        r = add_dependencies(i, k, json_member(d, "dependencies", json_type_array));
                if (r >= 0)
                        r = add(i, json_member_string(address, "serial"), "disk.%zu.serial", k);
                if (r >= 0 && address)
                        r = add(i, find_disk(i->domain, address), "disk.%zu.alias", k);
                if (r >= 0)
                        r = add(i, json_member_string(d, "alias"), "disk.%zu.guest_alias", k);
        }
        return r;
}

static int add_addresses(Info *i, size_t k, json_object *list) {
        size_t n = list ? json_object_array_length(list) : 0;

        int r = add_count(i, n, "if.%zu.addr.count", k);
        for (size_t j = 0; r >= 0 && j < n; j++) {
                json_object *a = json_object_array_get_idx(list, j);
                r = add(i, json_member_string(a, "ip-address-type"), "if.%zu.addr.%zu.type", k, j);
                if (r >= 0)
                        r = add(i, json_member_string(a, "ip-address"), "if.%zu.addr.%zu.addr", k, j);
                if (r >= 0)
                        r = add_number(i, json_member(a, "prefix", json_type_int), "if.%zu.addr.%zu.prefix", k, j);
        }
        return r;
}

static int add_interfaces(Info *i, json_object *o) {
        size_t n = json_object_array_length(o);

        int r = add_count(i, n, "if.count");
        for (size_t k = 0; r >= 0 && k < n; k++) {
                json_object *f = json_object_array_get_idx(o, k);
                r = add(i, json_member_string(f, "name"), "if.%zu.name", k);
                if (r >= 0)
                        r = add(i, json_member_string(f, "hardware-address"), "if.%zu.hwaddr", k);
                if (r >= 0)
                        r = add_addresses(i, k, json_member(f, "ip-addresses", json_type_array));
        }
        return r;
}

static const struct {
        GuestInfoType type;
        const char *command;
        bool list;
        int (*add)(Info *i, json_object *o);
} kinds[] = {
        { GUEST_INFO_USER, "guest-get-users", true, add_users },
        { GUEST_INFO_OS, "guest-get-osinfo", false, add_os },
        { GUEST_INFO_TIMEZONE, "guest-get-timezone", false, add_timezone },
        { GUEST_INFO_HOSTNAME, "guest-get-host-name", false, add_hostname },
        { GUEST_INFO_FILESYSTEM, "guest-get-fsinfo", true, add_file_systems },
        { GUEST_INFO_DISK, "guest-get-disks", true, add_disks },
        { GUEST_INFO_INTERFACE, "guest-network-get-interfaces", true, add_interfaces },
};

int vm_guest_info(Manager *m, const Vm *vm, GuestInfoType types, Diag *diag, GuestParameter **ret, size_t *ret_n) {
        Info info = { .m = m, .vm = vm, .diag = diag };
        int r = vm_agent_check(vm, diag);

        for (size_t i = 0; r >= 0 && i < ELEMENTSOF(kinds); i++) {
                _cleanup_diag_ Diag own = {};
                json_object *o = NULL;

                if (types != 0 && !(types & kinds[i].type))
                        continue;
                r = kinds[i].list ? ask_list(m, vm, kinds[i].command, &own, &o) : vm_agent_ask(m, vm, kinds[i].command, NULL, &own, &o);
                if (r >= 0)
                        r = kinds[i].add(&info, o);
                else if (types == 0 && r == -EHOSTDOWN && strstr(strempty(diag_first_error(&own)), "has not been found"))
                        r = 0; /* an agent that is older than the question */
                else
                        (void) diag_error_code(diag, r, (SrcLoc) {}, "%s", diag_first_error(&own) ?: strerror(-r));
                json_object_put(o);
        }
        domain_free(info.domain);
        if (r < 0) {
                guest_parameters_free(info.items, info.n);
                return r;
        }
        *ret = info.items;
        *ret_n = info.n;
        return 0;
}
