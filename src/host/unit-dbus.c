/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <sched.h>
#include <linux/capability.h>
#include <inttypes.h>

#include "number-set.h"
#include "parse-util.h"
#include "string-util.h"
#include "strv.h"
#include "unit-dbus.h"

/* How a value of each kind travels; org.freedesktop.systemd1(5) has the types. Values are unescaped on the bus:
 * systemd escapes them itself when it writes a transient unit. (Not all: see append_string(), and
 * unit_properties_for_transient(). And systemd 252 writes ExecStartEx= and its like, which it cannot read again at
 * a daemon-reload, so there are no commands here; they are in the prefix drop-in.) */

/* For kinds with a single value. */
static const char *single(const UnitProperty *p) {
        return strv_length(p->values) == 1 ? p->values[0] : NULL;
}

/* systemd writes the text into the unit's file, where a line break would begin another setting and a backslash
 * at the end would join the next line. */
static int append_string(sd_bus_message *m, const UnitProperty *p) {
        const char *s = single(p);

        if (!s)
                return -EINVAL;
        _cleanup_free_ char *line = strf("%s%s", s, endswith(s, "\\") ? " " : "");
        if (!line)
                return -ENOMEM;
        for (char *c = line; *c; c++)
                if ((unsigned char) *c < 0x20 || *c == 0x7f)
                        *c = ' ';
        return sd_bus_message_append(m, "v", "s", line);
}

static int append_bool(sd_bus_message *m, const UnitProperty *p) {
        const char *s = single(p);
        if (!s || (!streq(s, "yes") && !streq(s, "no")))
                return -EINVAL;
        return sd_bus_message_append(m, "v", "b", (int) streq(s, "yes"));
}

static int parse_number(const UnitProperty *p, uint64_t *ret) {
        const char *s = single(p);
        if (!s)
                return -EINVAL;
        if (streq(s, "infinity")) {
                *ret = UINT64_MAX;
                return 0;
        }
        return parse_u64(s, 10, ret);
}

static int append_u32(sd_bus_message *m, const UnitProperty *p) {
        uint64_t v;
        int r = parse_number(p, &v);
        if (r < 0)
                return r;
        return v > UINT32_MAX ? -EINVAL : sd_bus_message_append(m, "v", "u", (uint32_t) v);
}

static int append_u64(sd_bus_message *m, const UnitProperty *p) {
        uint64_t v;
        int r = parse_number(p, &v);
        return r < 0 ? r : sd_bus_message_append(m, "v", "t", v);
}

static int append_cpu_quota(sd_bus_message *m, const UnitProperty *p) {
        uint64_t v;
        int r = parse_number(p, &v);
        return r < 0 ? r : sd_bus_message_append(m, "v", "t", v > UINT64_MAX / 100 ? UINT64_MAX : v * 100);
}

/* As set_mempolicy(2) counts them. */
static int append_numa_policy(sd_bus_message *m, const UnitProperty *p) {
        static const char *const words[] = { "default", "preferred", "bind", "interleave", "local" };

        for (size_t i = 0; i < ELEMENTSOF(words); i++)
                if (streq_ptr(single(p), words[i]))
                        return sd_bus_message_append(m, "v", "i", (int32_t) i);
        return -EINVAL;
}

static int append_strv(sd_bus_message *m, const UnitProperty *p) {
        int r = sd_bus_message_open_container(m, 'v', "as");
        if (r >= 0)
                r = sd_bus_message_append_strv(m, p->values);
        return r < 0 ? r : sd_bus_message_close_container(m);
}

/* Byte i, bit j is CPU 8 * i + j. */
static int append_cpuset(sd_bus_message *m, const UnitProperty *p) {
        uint8_t mask[NUMBER_SET_MAX / 8] = {};
        size_t n = 0;
        NumberSet set;

        int r = single(p) ? 0 : -EINVAL;
        if (r >= 0 && *single(p)) /* the empty set is "not set" */
                r = number_set_parse(single(p), &set);
        if (r < 0)
                return r;
        for (unsigned i = 0; *single(p) && i < NUMBER_SET_MAX; i++)
                if (number_set_has(&set, i)) {
                        mask[i / 8] |= (uint8_t) (1U << (i % 8));
                        n = i / 8 + 1;
                }
        r = sd_bus_message_open_container(m, 'v', "ay");
        if (r >= 0)
                r = sd_bus_message_append_array(m, 'y', mask, n);
        return r < 0 ? r : sd_bus_message_close_container(m);
}

static int append_device(sd_bus_message *m, const char *s) {
        const char *space = strrchr(s, ' ');
        _cleanup_free_ char *path = space ? strndup(s, (size_t) (space - s)) : NULL;

        if (!space)
                return -EINVAL;
        return path ? sd_bus_message_append(m, "(ss)", path, space + 1) : -ENOMEM;
}

static int append_device_value(sd_bus_message *m, const char *s) {
        const char *space = strrchr(s, ' ');
        _cleanup_free_ char *path = space ? strndup(s, (size_t) (space - s)) : NULL;
        uint64_t v;

        int r = space ? parse_u64(space + 1, 10, &v) : -EINVAL;
        if (r < 0)
                return r;
        return path ? sd_bus_message_append(m, "(st)", path, v) : -ENOMEM;
}

/* Recursive, as in unit files. */
static int append_bind_path(sd_bus_message *m, const char *s) {
        bool optional = *s == '-';
        const char *path = s + optional;
        return sd_bus_message_append(m, "(ssbt)", path, path, (int) optional, (uint64_t) 16384 /* MS_REC */);
}

static int append_log_field(sd_bus_message *m, const char *s) {
        return sd_bus_message_append_array(m, 'y', s, strlen(s));
}

/* An array with an element for every value. */
static int append_each(sd_bus_message *m, const UnitProperty *p, const char *element,
                       int (*append)(sd_bus_message *m, const char *s)) {
        char type[16] = "a";
        int r;

        assert(strlen(element) < sizeof(type) - 1);
        strcpy(type + 1, element);
        r = sd_bus_message_open_container(m, 'v', type);
        if (r >= 0)
                r = sd_bus_message_open_container(m, 'a', element);
        STRV_FOREACH(v, p->values) {
                if (r < 0)
                        return r;
                r = append(m, *v);
        }
        if (r >= 0)
                r = sd_bus_message_close_container(m);
        return r < 0 ? r : sd_bus_message_close_container(m);
}

static int append_capabilities(sd_bus_message *m, const UnitProperty *p) {
        uint64_t mask = 0;

        /* The one there can be. */
        STRV_FOREACH(v, p->values)
                if (streq(*v, "CAP_SYS_RAWIO"))
                        mask |= UINT64_C(1) << CAP_SYS_RAWIO;
                else if (**v)
                        return -EINVAL;
        return sd_bus_message_append(m, "v", "t", mask);
}

static int append_namespaces(sd_bus_message *m, const UnitProperty *p) {
        static const struct {
                const char *word;
                uint64_t flag;
        } kinds[] = {
                { "yes", 0 }, { "ipc", CLONE_NEWIPC }, { "mnt", CLONE_NEWNS }, { "pid", CLONE_NEWPID }, { "user", CLONE_NEWUSER }, { "uts", CLONE_NEWUTS },
        };
        uint64_t mask = 0;

        STRV_FOREACH(v, p->values) {
                size_t i = 0;
                while (i < ELEMENTSOF(kinds) && !streq(*v, kinds[i].word))
                        i++;
                if (i == ELEMENTSOF(kinds))
                        return -EINVAL;
                mask |= kinds[i].flag;
        }
        return sd_bus_message_append(m, "v", "t", mask);
}

static int append_device_allow(sd_bus_message *m, const UnitProperty *p) {
        return append_each(m, p, "(ss)", append_device);
}

static int append_device_values(sd_bus_message *m, const UnitProperty *p) {
        return append_each(m, p, "(st)", append_device_value);
}

static int append_bind_paths(sd_bus_message *m, const UnitProperty *p) {
        return append_each(m, p, "(ssbt)", append_bind_path);
}

static int append_log_fields(sd_bus_message *m, const UnitProperty *p) {
        return append_each(m, p, "ay", append_log_field);
}

static int append_exit_status(sd_bus_message *m, const UnitProperty *p) {
        int r = sd_bus_message_open_container(m, 'v', "(aiai)");

        if (r >= 0)
                r = sd_bus_message_open_container(m, 'r', "aiai");
        if (r >= 0)
                r = sd_bus_message_open_container(m, 'a', "i");
        STRV_FOREACH(v, p->values) {
                unsigned status;

                if (r >= 0)
                        r = parse_uint(*v, &status);
                if (r >= 0)
                        r = status > 255 ? -EINVAL : sd_bus_message_append(m, "i", (int32_t) status);
        }
        if (r >= 0)
                r = sd_bus_message_close_container(m);
        if (r >= 0)
                r = sd_bus_message_append(m, "ai", 0); /* no signals */
        for (unsigned i = 0; i < 2 && r >= 0; i++)
                r = sd_bus_message_close_container(m);
        return r;
}

static int append_address_families(sd_bus_message *m, const UnitProperty *p) {
        int r = sd_bus_message_open_container(m, 'v', "(bas)");

        if (r >= 0)
                r = sd_bus_message_open_container(m, 'r', "bas");
        if (r >= 0)
                r = sd_bus_message_append(m, "b", 1); /* an allow list */
        if (r >= 0)
                r = sd_bus_message_append_strv(m, p->values);
        for (unsigned i = 0; i < 2 && r >= 0; i++)
                r = sd_bus_message_close_container(m);
        return r;
}

typedef int (*AppendKind)(sd_bus_message *m, const UnitProperty *p);
static const AppendKind append_kind[_UNIT_PROPERTY_KIND_MAX] = {
        [UNIT_STRING] = append_string,
        [UNIT_BOOL] = append_bool,
        [UNIT_U32] = append_u32,
        [UNIT_U64] = append_u64,
        [UNIT_BYTES] = append_u64,
        [UNIT_USEC] = append_u64,
        [UNIT_STRV] = append_strv,
        [UNIT_NAMES] = append_strv,
        [UNIT_CPU_QUOTA] = append_cpu_quota,
        [UNIT_CPUSET] = append_cpuset,
        [UNIT_NUMA_POLICY] = append_numa_policy,
        [UNIT_DEVICE_VALUES] = append_device_values,
        [UNIT_DEVICE_ALLOW] = append_device_allow,
        [UNIT_BIND_PATHS] = append_bind_paths,
        [UNIT_ENVIRONMENT] = append_strv,
        [UNIT_LOG_FIELDS] = append_log_fields,
        [UNIT_EXIT_STATUS] = append_exit_status,
        [UNIT_ADDRESS_FAMILIES] = append_address_families,
        [UNIT_NAMESPACES] = append_namespaces,
        [UNIT_CAPABILITIES] = append_capabilities,
};

static int append_property(sd_bus_message *m, const UnitProperty *p) {
        AppendKind append = p->kind < _UNIT_PROPERTY_KIND_MAX ? append_kind[p->kind] : NULL;
        int r;

        if (!append)
                return -EINVAL;
        r = sd_bus_message_open_container(m, 'r', "sv");
        if (r >= 0)
                r = sd_bus_message_append(m, "s", p->bus_name);
        if (r >= 0)
                r = append(m, p);
        return r < 0 ? r : sd_bus_message_close_container(m);
}

static int compare_names(const void *a, const void *b) {
        return strcmp((*(UnitProperty *const *) a)->bus_name, (*(UnitProperty *const *) b)->bus_name);
}

int unit_properties_append(sd_bus_message *m, const UnitProperties *p, UnitAppendWhat what) {
        _cleanup_free_ const UnitProperty **sorted = NULL;
        size_t n = 0;
        int r;

        sorted = calloc(MAX(p->n_items, (size_t) 1), sizeof(*sorted));
        if (!sorted)
                return -ENOMEM;
        FOREACH_ARRAY(i, p->items, p->n_items)
                if (i->bus_name && (i->live || what == UNIT_APPEND_ALL))
                        sorted[n++] = i;
        qsort(sorted, n, sizeof(*sorted), compare_names);

        r = sd_bus_message_open_container(m, 'a', "(sv)");
        for (size_t i = 0; i < n && r >= 0; i++)
                r = append_property(m, sorted[i]);
        return r < 0 ? r : sd_bus_message_close_container(m);
}

/* --- the other way --- */

static int read_u64(sd_bus_message *m, UnitPropertyKind kind, char ***values) {
        uint64_t v;

        int r = sd_bus_message_read(m, "t", &v);
        if (r < 0)
                return r;
        return v == UINT64_MAX ? strv_extend(values, "infinity") : strv_extendf(values, "%" PRIu64, kind == UNIT_CPU_QUOTA ? v / 100 : v);
}

static int read_cpuset(sd_bus_message *m, char ***values) {
        NumberSet set = {};
        const void *p;
        size_t n;

        int r = sd_bus_message_read_array(m, 'y', &p, &n);
        if (r < 0)
                return r;
        for (unsigned i = 0; i < NUMBER_SET_MAX && i / 8 < n; i++)
                if (((const uint8_t *) p)[i / 8] >> (i % 8) & 1)
                        number_set_add(&set, i);
        return number_set_is_empty(&set) ? strv_extend(values, "") : strv_consume(values, number_set_format(&set));
}

static int read_device_values(sd_bus_message *m, char ***values) {
        const char *path;
        uint64_t v;

        int r = sd_bus_message_enter_container(m, 'a', "(st)");
        while (r >= 0 && (r = sd_bus_message_read(m, "(st)", &path, &v)) > 0)
                r = strv_extendf(values, "%s %" PRIu64, path, v);
        return r < 0 ? r : sd_bus_message_exit_container(m);
}

const char *unit_property_type(UnitPropertyKind kind) {
        switch (kind) {
        case UNIT_U64:
        case UNIT_BYTES:
        case UNIT_USEC:
        case UNIT_CPU_QUOTA:
                return "t";
        case UNIT_CPUSET:
                return "ay";
        case UNIT_DEVICE_VALUES:
                return "a(st)";
        default:
                return NULL;
        }
}

int unit_property_read(sd_bus_message *m, UnitPropertyKind kind, char ***ret) {
        _cleanup_strv_ char **values = NULL;
        int r;

        if (!unit_property_type(kind))
                return -EINVAL;
        if (kind == UNIT_CPUSET)
                r = read_cpuset(m, &values);
        else
                r = kind == UNIT_DEVICE_VALUES ? read_device_values(m, &values) : read_u64(m, kind, &values);
        if (r >= 0)
                *ret = TAKE_PTR(values);
        return MIN(r, 0);
}
