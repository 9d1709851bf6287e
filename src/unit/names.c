/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "names.h"
#include "scope.h"
#include "siphash.h"
#include "string-util.h"
#include "text.h"

#define INSTANCE_PREFIX "vm@"
#define TRANSIENT_PREFIX "vmunit-vm-"
#define UNIT_SUFFIX ".service"
#define DROPIN_SUFFIX ".d"

/* Both kinds of unit name, and the directory of drop-ins beside them, must fit into a file name. */
#define FILE_NAME_MAX 255U
#define INSTANCE_MAX (FILE_NAME_MAX - (sizeof(TRANSIENT_PREFIX UNIT_SUFFIX DROPIN_SUFFIX) - 1))

/* Where a name had to be changed, 64 bits of its digest keep it apart from all others. */
#define HASH_DIGITS 16U
#define HEX_DIGITS DIGITS "abcdef"

#define USER_PREFIX "vm-"
#define USER_MAX 31U
#define MACHINE_MAX 64U

/* What needs no escape in an instance. "-" is among it, unlike in systemd-escape(1): it would mean "/" only to
 * %I, which is never used, and `systemctl start vm@my-vm` shall work. "@" is not: in the name of a transient
 * unit it would make an instance of it. */
#define INSTANCE_PLAIN ALPHANUMERICAL ":_.-"
#define DEVICE_PLAIN ALPHANUMERICAL ":_."

static char *escape(const char *s, const char *plain) {
        _cleanup_text_ Text t = {};
        char *escaped;

        for (const char *p = s; *p; p++)
                if (strchr(plain, *p) && !(p == s && *p == '.'))
                        text_append_char(&t, *p);
                else
                        text_appendf(&t, "\\x%02x", (unsigned char) *p);
        return text_finish(&t, &escaped) < 0 ? NULL : escaped;
}

int vm_name_check(const char *name, SrcLoc loc, Diag *diag) {
        if (isempty(name))
                return diag_error(diag, loc, "the name is empty");
        if (strlen(name) > VM_NAME_MAX)
                return diag_error(diag, loc, "name '%.*s…' is longer than %u bytes", 16, name, VM_NAME_MAX);
        if (strchr(name, '/'))
                return diag_error(diag, loc, "name '%s' cannot contain '/'", name);
        if (*name == '.' || *name == '#')
                return diag_error(diag, loc, "name '%s' cannot begin with '%c'", name, *name);
        if (!utf8_is_printable(name))
                return diag_error(diag, loc, "name '%s' contains control characters or is not UTF-8", name);

        _cleanup_free_ char *instance = vm_instance(name);
        if (!instance)
                return -ENOMEM;
        if (strlen(instance) > INSTANCE_MAX)
                return diag_error(diag, loc, "name '%s' is too long for a unit: escaped it has %zu characters, "
                                  "%zu are possible", name, strlen(instance), INSTANCE_MAX);
        return 0;
}

char *vm_instance(const char *name) {
        return escape(name, INSTANCE_PLAIN);
}

static int unescape(const char *s, char **ret) {
        _cleanup_text_ Text t = {};

        while (*s) {
                if (*s != '\\') {
                        text_append_char(&t, *s++);
                        continue;
                }
                if (s[1] != 'x' || !s[2] || !strchr(HEX_DIGITS, s[2]) || !s[3] || !strchr(HEX_DIGITS, s[3]))
                        return -EINVAL;
                char byte = (char) strtoul((char[]) { s[2], s[3], 0 }, NULL, 16);
                if (byte == 0)
                        return -EINVAL;
                text_append_char(&t, byte);
                s += 4;
        }
        return text_finish(&t, ret);
}

int vm_instance_to_name(const char *instance, char **ret) {
        _cleanup_free_ char *name = NULL, *again = NULL;
        int r;

        r = unescape(instance, &name);
        if (r < 0)
                return r;
        /* One name has one instance: what escapes more or less than necessary would be a second unit for it. */
        again = vm_instance(name);
        if (!again)
                return -ENOMEM;
        if (!streq(again, instance))
                return -EINVAL;
        r = vm_name_check(name, (SrcLoc) {}, NULL);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(name);
        return 0;
}

static char *unit_of(const char *prefix, const char *name) {
        _cleanup_free_ char *instance = vm_instance(name);
        return instance ? strf("%s%s" UNIT_SUFFIX, prefix, instance) : NULL;
}

char *vm_unit(const char *name) {
        return unit_of(INSTANCE_PREFIX, name);
}

char *vm_transient_unit(const char *name) {
        return unit_of(TRANSIENT_PREFIX, name);
}

int vm_name_from_unit(const char *unit, char **ret, bool *ret_transient) {
        bool transient = false;

        const char *p = startswith(unit, INSTANCE_PREFIX);
        if (!p) {
                p = startswith(unit, TRANSIENT_PREFIX);
                transient = true;
        }
        if (!p || !endswith(p, UNIT_SUFFIX))
                return -EINVAL;
        _cleanup_free_ char *instance = strndup(p, strlen(p) - strlen(UNIT_SUFFIX));
        if (!instance)
                return -ENOMEM;
        int r = vm_instance_to_name(instance, ret);
        if (r < 0)
                return r;
        if (ret_transient)
                *ret_transient = transient;
        return 0;
}

/* True for what hashed() makes. Such names are hashed again, or they could meet the one they look like. */
static bool looks_hashed(const char *name) {
        size_t n = strlen(name);
        return n > HASH_DIGITS && name[n - HASH_DIGITS - 1] == '-' && in_charset(name + n - HASH_DIGITS, HEX_DIGITS);
}

/* "READABLE-HASH", at most MAX bytes; what is not in ALLOWED becomes "-". */
static char *hashed(const char *name, const char *allowed, size_t max) {
        char digest[33], readable[VM_NAME_MAX + 1];
        size_t n = 0;

        for (const char *p = name; *p && n < MIN(max - HASH_DIGITS - 1, (size_t) VM_NAME_MAX); p++) {
                bool ok = strchr(allowed, *p);
                if (!ok && (n == 0 || readable[n - 1] == '-'))
                        continue;
                readable[n++] = ok ? *p : '-';
        }
        while (n > 0 && readable[n - 1] == '-')
                n--;
        if (n == 0)
                n = 2, memcpy(readable, "vm", n);
        readable[n] = 0;
        digest_hex(name, strlen(name), digest);
        return strf("%s-%.*s", readable, (int) HASH_DIGITS, digest);
}

char *vm_user(const char *name) {
        const size_t max = USER_MAX - strlen(USER_PREFIX);

        if (strlen(name) <= max && in_charset(name, ALPHANUMERICAL "_-") && !looks_hashed(name))
                return strf(USER_PREFIX "%s", name);
        _cleanup_free_ char *h = hashed(name, ALPHANUMERICAL "_", max);
        return h ? strf(USER_PREFIX "%s", h) : NULL;
}

/* Host name labels, dots between them; none begins or ends with "-". */
static bool is_host_name(const char *s) {
        char previous = '.';

        for (; *s; previous = *s++) {
                if (*s == '.' ? previous == '.' || previous == '-' :
                    *s == '-' ? previous == '.' :
                                !strchr(ALPHANUMERICAL, *s))
                        return false;
        }
        return previous != '.' && previous != '-';
}

char *vm_machine(const char *name) {
        if (strlen(name) <= MACHINE_MAX && is_host_name(name) && !looks_hashed(name))
                return strdup(name);
        return hashed(name, ALPHANUMERICAL, MACHINE_MAX);
}

char *vm_profile(const char *name) {
        _cleanup_free_ char *machine = vm_machine(name);

        return machine ? strf("vmunit-%s", machine) : NULL;
}

static char *path_of(const char *directory, const char *name, const char *file) {
        return file ? strf("%s/%s/%s", directory, name, file) : strf("%s/%s", directory, name);
}

char *vm_runtime_path(const char *name, const char *file) {
        return path_of(vm_directories()->runtime, name, file);
}

char *vm_state_path(const char *name, const char *file) {
        return path_of(vm_directories()->state, name, file);
}

char *net_device_unit(const char *ifname) {
        _cleanup_free_ char *escaped = escape(ifname, DEVICE_PLAIN);
        return escaped ? strf("sys-subsystem-net-devices-%s.device", escaped) : NULL;
}

int partition_slice(const char *partition, SrcLoc loc, Diag *diag, char **ret) {
        _cleanup_text_ Text t = {};

        if (*partition != '/')
                return diag_error(diag, loc, "resource partition '%s' must start with '/'", partition);
        for (const char *p = partition; *p;) {
                p += strspn(p, "/");
                size_t n = strcspn(p, "/");
                if (n == 0)
                        break;
                _cleanup_free_ char *part = strndup(p, n), *escaped = part ? escape(part, DEVICE_PLAIN) : NULL;
                if (!escaped)
                        return -ENOMEM;
                if (streq(part, ".."))
                        return diag_error(diag, loc, "resource partition '%s' cannot contain '..'", partition);
                text_appendf(&t, "%s%s", t.length > 0 ? "-" : "", escaped);
                p += n;
        }
        text_append(&t, t.length > 0 ? ".slice" : "-.slice");
        if (t.length > FILE_NAME_MAX)
                return diag_error(diag, loc, "resource partition '%s' is too long for a slice unit", partition);
        return text_finish(&t, ret);
}
