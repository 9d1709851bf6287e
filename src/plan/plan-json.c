/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <json-c/json.h>

#include "parse-util.h"
#include "plan.h"
#include "string-util.h"
#include "strv.h"

/* The frozen plan is read by root's steps and by the monitor; limits as for everything that is read. */
#define PLAN_JSON_MAX (8U * 1024U * 1024U)
#define PLAN_JSON_DEPTH_MAX 8

static void json_putp(json_object **o) {
        json_object_put(*o);
}
#define _cleanup_json_ _cleanup_(json_putp)

/* One row for every member, used in both directions. A member that has its zero value is left out. */
typedef enum FieldType {
        FIELD_STRING,
        FIELD_STRV,
        FIELD_BOOL,
        FIELD_UINT,
        FIELD_INT,
        FIELD_U64,
        FIELD_OPT_UINT,
        FIELD_ENUM,
        FIELD_MAC,
} FieldType;

typedef struct Field {
        const char *key;
        FieldType type;
        size_t offset;
        const StringTable *table;
} Field;

#define FIELD(struct_, key, type, member, ...) { key, type, offsetof(struct_, member), ##__VA_ARGS__ }

static const Field plan_fields[] = {
        FIELD(Plan, "name", FIELD_STRING, name),
        FIELD(Plan, "uuid", FIELD_STRING, uuid),
        FIELD(Plan, "title", FIELD_STRING, title),
        FIELD(Plan, "unit", FIELD_STRING, unit),
        FIELD(Plan, "user", FIELD_STRING, user),
        FIELD(Plan, "group", FIELD_STRING, group),
        FIELD(Plan, "machine", FIELD_STRING, machine),
        FIELD(Plan, "runtime", FIELD_STRING, runtime),
        FIELD(Plan, "digest", FIELD_STRING, digest),
        FIELD(Plan, "sourcePath", FIELD_STRING, source_path),
        FIELD(Plan, "emulator", FIELD_STRING, emulator),
        FIELD(Plan, "label", FIELD_STRING, label),
        FIELD(Plan, "fileLabel", FIELD_STRING, file_label),
        FIELD(Plan, "profile", FIELD_STRING, profile),
        FIELD(Plan, "ownProfile", FIELD_BOOL, own_profile),
        FIELD(Plan, "arguments", FIELD_STRV, argv),
        FIELD(Plan, "environment", FIELD_STRV, env),
        FIELD(Plan, "directories", FIELD_STRV, directories),
        FIELD(Plan, "capabilities", FIELD_STRV, capabilities),
        FIELD(Plan, "devices", FIELD_STRV, devices),
        FIELD(Plan, "allow", FIELD_STRV, allow),
        FIELD(Plan, "linksDown", FIELD_STRV, links_down),
        FIELD(Plan, "startPaused", FIELD_BOOL, start_paused),
        FIELD(Plan, "restores", FIELD_BOOL, restores),
        FIELD(Plan, "savedSize", FIELD_U64, saved_size),
        FIELD(Plan, "savedDigest", FIELD_STRING, saved_digest),
        FIELD(Plan, "onPoweroff", FIELD_ENUM, on_poweroff, &lifecycle_action_table),
        FIELD(Plan, "onReboot", FIELD_ENUM, on_reboot, &lifecycle_action_table),
        FIELD(Plan, "watchdogDumps", FIELD_BOOL, watchdog_dumps),
        FIELD(Plan, "onCrash", FIELD_ENUM, on_crash, &lifecycle_action_table),
        FIELD(Plan, "agent", FIELD_BOOL, has_agent),
        FIELD(Plan, "agentChannel", FIELD_STRING, agent_channel),
        FIELD(Plan, "ready", FIELD_ENUM, ready, &ready_when_table),
        FIELD(Plan, "guestCid", FIELD_UINT, guest_cid),
        FIELD(Plan, "hostShutdown", FIELD_ENUM, host_shutdown, &host_shutdown_table),
        FIELD(Plan, "stopTimeoutUSec", FIELD_U64, stop_timeout_usec),
        FIELD(Plan, "statsBalloon", FIELD_STRING, stats_balloon),
        FIELD(Plan, "statsPeriod", FIELD_U64, stats_period),
        FIELD(Plan, "currentMemory", FIELD_U64, memory_current),
};

static const Field file_fields[] = {
        FIELD(PlanFd, "name", FIELD_STRING, name),
        FIELD(PlanFd, "kind", FIELD_ENUM, kind, &plan_fd_kind_table),
        FIELD(PlanFd, "user", FIELD_ENUM, user, &plan_fd_user_table),
        FIELD(PlanFd, "number", FIELD_UINT, number),
        FIELD(PlanFd, "fdset", FIELD_INT, fdset),
        FIELD(PlanFd, "helper", FIELD_STRING, helper),
        FIELD(PlanFd, "helperNumber", FIELD_UINT, helper_number),
        FIELD(PlanFd, "path", FIELD_STRING, path),
        FIELD(PlanFd, "template", FIELD_STRING, template),
        FIELD(PlanFd, "element", FIELD_STRING, element),
        FIELD(PlanFd, "line", FIELD_UINT, loc.line),
        FIELD(PlanFd, "column", FIELD_UINT, loc.column),
        FIELD(PlanFd, "writable", FIELD_BOOL, writable),
        FIELD(PlanFd, "readOnlyImage", FIELD_BOOL, read_only_image),
        FIELD(PlanFd, "append", FIELD_BOOL, append),
        FIELD(PlanFd, "create", FIELD_BOOL, create),
        FIELD(PlanFd, "blockDevice", FIELD_BOOL, block_device),
        FIELD(PlanFd, "persistent", FIELD_BOOL, persistent),
        FIELD(PlanFd, "mayMiss", FIELD_BOOL, may_miss),
        FIELD(PlanFd, "certificate", FIELD_BOOL, certificate),
        FIELD(PlanFd, "exclusive", FIELD_BOOL, exclusive),
        FIELD(PlanFd, "charDevice", FIELD_BOOL, char_device),
        FIELD(PlanFd, "fifo", FIELD_BOOL, fifo),
        FIELD(PlanFd, "reopened", FIELD_BOOL, reopened),
        FIELD(PlanFd, "link", FIELD_STRING, link),
        FIELD(PlanFd, "size", FIELD_U64, size),
        FIELD(PlanFd, "format", FIELD_ENUM, format, &disk_format_table),
        FIELD(PlanFd, "label", FIELD_STRING, label),
        FIELD(PlanFd, "credential", FIELD_STRING, credential),
        FIELD(PlanFd, "guestName", FIELD_STRING, guest_name),
        FIELD(PlanFd, "smbios", FIELD_BOOL, smbios),
        FIELD(PlanFd, "interface", FIELD_STRING, ifname),
        FIELD(PlanFd, "bridge", FIELD_STRING, bridge),
        FIELD(PlanFd, "mac", FIELD_MAC, mac),
        FIELD(PlanFd, "mtu", FIELD_OPT_UINT, mtu),
        FIELD(PlanFd, "managed", FIELD_BOOL, managed_tap),
        FIELD(PlanFd, "queues", FIELD_UINT, queues),
        FIELD(PlanFd, "device", FIELD_STRING, device),
        FIELD(PlanFd, "mode", FIELD_ENUM, mode, &direct_mode_table),
        FIELD(PlanFd, "isolated", FIELD_BOOL, isolated),
        FIELD(PlanFd, "openvswitch", FIELD_BOOL, openvswitch),
        FIELD(PlanFd, "port", FIELD_STRV, port),
        FIELD(PlanFd, "externalIds", FIELD_STRV, external_ids),
        FIELD(PlanFd, "inboundAverage", FIELD_U64, inbound.average),
        FIELD(PlanFd, "inboundPeak", FIELD_U64, inbound.peak),
        FIELD(PlanFd, "inboundBurst", FIELD_U64, inbound.burst),
        FIELD(PlanFd, "outboundAverage", FIELD_U64, outbound.average),
        FIELD(PlanFd, "outboundPeak", FIELD_U64, outbound.peak),
        FIELD(PlanFd, "outboundBurst", FIELD_U64, outbound.burst),
        FIELD(PlanFd, "coalesce", FIELD_OPT_UINT, coalesce),
        FIELD(PlanFd, "addresses", FIELD_STRV, addresses),
        FIELD(PlanFd, "routes", FIELD_STRV, routes),
        FIELD(PlanFd, "script", FIELD_STRING, script),
        FIELD(PlanFd, "downscript", FIELD_STRING, downscript),
        FIELD(PlanFd, "host", FIELD_STRING, host),
        FIELD(PlanFd, "service", FIELD_STRING, service),
};

static const Field helper_fields[] = {
        FIELD(PlanHelper, "name", FIELD_STRING, name),
        FIELD(PlanHelper, "when", FIELD_ENUM, when, &helper_when_table),
        FIELD(PlanHelper, "program", FIELD_STRING, program),
        FIELD(PlanHelper, "arguments", FIELD_STRV, argv),
        FIELD(PlanHelper, "directory", FIELD_STRING, directory),
        FIELD(PlanHelper, "allow", FIELD_STRV, allow),
        FIELD(PlanHelper, "element", FIELD_STRING, element),
        FIELD(PlanHelper, "line", FIELD_UINT, loc.line),
        FIELD(PlanHelper, "column", FIELD_UINT, loc.column),
};

static const Field console_fields[] = {
        FIELD(PlanConsole, "alias", FIELD_STRING, alias),
        FIELD(PlanConsole, "chardev", FIELD_STRING, chardev),
        FIELD(PlanConsole, "type", FIELD_ENUM, type, &char_type_table),
};

static const Field display_fields[] = {
        FIELD(PlanDisplay, "present", FIELD_BOOL, present),
        FIELD(PlanDisplay, "id", FIELD_STRING, id),
        FIELD(PlanDisplay, "password", FIELD_BOOL, password),
        FIELD(PlanDisplay, "expires", FIELD_STRING, expires),
        FIELD(PlanDisplay, "listener", FIELD_STRING, listener),
        FIELD(PlanDisplay, "tlsListener", FIELD_STRING, tls_listener),
};

/* --- writing --- */

/* Takes VALUE over; NULL is memory that ran out. */
static int add(json_object *o, const char *key, json_object *value) {
        if (!value)
                return -ENOMEM;
        if (json_object_object_add(o, key, value) < 0) {
                json_object_put(value);
                return -ENOMEM;
        }
        return 0;
}

static json_object *strv_to_json(char *const *l) {
        _cleanup_json_ json_object *a = json_object_new_array();
        if (!a)
                return NULL;
        STRV_FOREACH(s, l) {
                json_object *v = json_object_new_string(*s);
                if (!v || json_object_array_add(a, v) < 0) {
                        json_object_put(v);
                        return NULL;
                }
        }
        return TAKE_PTR(a);
}

static int write_field(json_object *o, const Field *f, const void *p) {
        static const uint8_t no_mac[6];
        char mac[18];

        switch (f->type) {
        case FIELD_STRING: {
                const char *s = *(char *const *) p;
                return s ? add(o, f->key, json_object_new_string(s)) : 0;
        }
        case FIELD_STRV: {
                char *const *l = *(char **const *) p;
                return l ? add(o, f->key, strv_to_json(l)) : 0;
        }
        case FIELD_BOOL:
                return *(const bool *) p ? add(o, f->key, json_object_new_boolean(true)) : 0;
        case FIELD_UINT:
                return *(const unsigned *) p ? add(o, f->key, json_object_new_uint64(*(const unsigned *) p))
                                             : 0;
        case FIELD_INT:
                return add(o, f->key, json_object_new_int64(*(const int *) p));
        case FIELD_U64:
                return *(const uint64_t *) p ? add(o, f->key, json_object_new_uint64(*(const uint64_t *) p))
                                             : 0;
        case FIELD_OPT_UINT: {
                const OptUint *v = p;
                return v->set ? add(o, f->key, json_object_new_uint64(v->value)) : 0;
        }
        case FIELD_ENUM: {
                const char *word = string_table_word(f->table, *(const int *) p);
                return word ? add(o, f->key, json_object_new_string(word)) : 0;
        }
        case FIELD_MAC:
                if (memcmp(p, no_mac, sizeof(no_mac)) == 0)
                        return 0;
                format_mac(p, mac);
                return add(o, f->key, json_object_new_string(mac));
        }
        return -EINVAL;
}

static json_object *write_fields(const Field *fields, size_t n, const void *base) {
        _cleanup_json_ json_object *o = json_object_new_object();
        if (!o)
                return NULL;
        for (size_t i = 0; i < n; i++)
                if (write_field(o, fields + i, (const char *) base + fields[i].offset) < 0)
                        return NULL;
        return TAKE_PTR(o);
}

static json_object *write_list(const Field *fields, size_t n_fields, const void *items, size_t n,
                               size_t size) {
        _cleanup_json_ json_object *a = json_object_new_array();
        if (!a)
                return NULL;
        for (size_t i = 0; i < n; i++) {
                json_object *o = write_fields(fields, n_fields, (const char *) items + i * size);
                if (!o || json_object_array_add(a, o) < 0) {
                        json_object_put(o);
                        return NULL;
                }
        }
        return TAKE_PTR(a);
}

static json_object *write_properties(const UnitProperties *p) {
        _cleanup_json_ json_object *a = json_object_new_array();
        if (!a)
                return NULL;
        FOREACH_ARRAY(i, p->items, p->n_items) {
                json_object *o = json_object_new_object();
                if (!o || json_object_array_add(a, o) < 0) {
                        json_object_put(o);
                        return NULL;
                }
                if (add(o, "section", json_object_new_string(i->section)) < 0 ||
                    add(o, "name", json_object_new_string(i->name)) < 0 ||
                    add(o, "values", strv_to_json(i->values)) < 0)
                        return NULL;
        }
        return TAKE_PTR(a);
}

static json_object *write_numbers(const unsigned *numbers, size_t n) {
        _cleanup_json_ json_object *a = json_object_new_array();
        if (!a)
                return NULL;
        for (size_t i = 0; i < n; i++) {
                json_object *v = json_object_new_uint64(numbers[i]);
                if (!v || json_object_array_add(a, v) < 0) {
                        json_object_put(v);
                        return NULL;
                }
        }
        return TAKE_PTR(a);
}

int plan_to_json(const Plan *p, char **ret) {
        _cleanup_json_ json_object *o = write_fields(plan_fields, ELEMENTSOF(plan_fields), p);
        if (!o)
                return -ENOMEM;
        int r = add(o, "files",
                    write_list(file_fields, ELEMENTSOF(file_fields), p->fds, p->n_fds, sizeof(PlanFd)));
        if (r >= 0 && p->n_helpers > 0)
                r = add(o, "helpers", write_list(helper_fields, ELEMENTSOF(helper_fields), p->helpers, p->n_helpers,
                                                 sizeof(PlanHelper)));
        if (r >= 0)
                r = add(o, "consoles", write_list(console_fields, ELEMENTSOF(console_fields), p->consoles,
                                                  p->n_consoles, sizeof(PlanConsole)));
        if (r >= 0)
                r = add(o, "vnc", write_fields(display_fields, ELEMENTSOF(display_fields), &p->vnc));
        if (r >= 0 && p->spice.present)
                r = add(o, "spice", write_fields(display_fields, ELEMENTSOF(display_fields), &p->spice));
        if (r >= 0 && p->dbus.present)
                r = add(o, "dbus", write_fields(display_fields, ELEMENTSOF(display_fields), &p->dbus));
        if (r >= 0 && p->n_threads > 0)
                r = add(o, "threads", thread_settings_write(p->threads, p->n_threads));
        if (r >= 0 && p->n_plugged_vcpus > 0)
                r = add(o, "pluggedVcpus", write_numbers(p->plugged_vcpus, p->n_plugged_vcpus));
        if (r >= 0)
                r = add(o, "properties", write_properties(&p->properties));
        if (r < 0)
                return r;
        const char *text = json_object_to_json_string_ext(
                o, JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_SPACED | JSON_C_TO_STRING_NOSLASHESCAPE);
        *ret = text ? strf("%s\n", text) : NULL;
        return *ret ? 0 : -ENOMEM;
}

/* --- reading --- */

static int read_strv(json_object *o, char ***ret) {
        _cleanup_strv_ char **l = NULL;

        if (!json_object_is_type(o, json_type_array))
                return -EBADMSG;
        for (size_t i = 0; i < json_object_array_length(o); i++) {
                json_object *s = json_object_array_get_idx(o, i);
                if (!json_object_is_type(s, json_type_string))
                        return -EBADMSG;
                int r = strv_extend(&l, json_object_get_string(s));
                if (r < 0)
                        return r;
        }
        strv_free(*ret);
        *ret = TAKE_PTR(l);
        return 0;
}

static int read_uint(json_object *o, unsigned *ret) {
        uint64_t v = json_object_get_uint64(o);
        if (!json_object_is_type(o, json_type_int) || v > UINT32_MAX)
                return -EBADMSG;
        *ret = (unsigned) v;
        return 0;
}

static int read_field(json_object *o, const Field *f, void *p) {
        bool is_string = json_object_is_type(o, json_type_string),
             is_int = json_object_is_type(o, json_type_int);

        switch (f->type) {
        case FIELD_STRING:
                return is_string ? free_and_strdup(p, json_object_get_string(o)) : -EBADMSG;
        case FIELD_STRV:
                return read_strv(o, p);
        case FIELD_BOOL:
                if (!json_object_is_type(o, json_type_boolean))
                        return -EBADMSG;
                *(bool *) p = json_object_get_boolean(o);
                return 0;
        case FIELD_UINT:
                return read_uint(o, p);
        case FIELD_INT:
                if (!is_int)
                        return -EBADMSG;
                *(int *) p = json_object_get_int(o);
                return 0;
        case FIELD_U64:
                if (!is_int)
                        return -EBADMSG;
                *(uint64_t *) p = json_object_get_uint64(o);
                return 0;
        case FIELD_OPT_UINT:
                ((OptUint *) p)->set = true;
                return read_uint(o, &((OptUint *) p)->value);
        case FIELD_ENUM: {
                int v = is_string ? string_table_value(f->table, json_object_get_string(o)) : -EINVAL;
                if (v < 0)
                        return -EBADMSG;
                *(int *) p = v;
                return 0;
        }
        case FIELD_MAC:
                return is_string && parse_mac(json_object_get_string(o), p) >= 0 ? 0 : -EBADMSG;
        }
        return -EBADMSG;
}

static int read_fields(json_object *o, const Field *fields, size_t n, void *base) {
        if (!json_object_is_type(o, json_type_object))
                return -EBADMSG;
        for (size_t i = 0; i < n; i++) {
                json_object *value;
                if (!json_object_object_get_ex(o, fields[i].key, &value))
                        continue;
                int r = read_field(value, fields + i, (char *) base + fields[i].offset);
                if (r < 0)
                        return r;
        }
        return 0;
}

/* The array at KEY, or NULL when it is missing or no array. */
static json_object *get_array(json_object *o, const char *key) {
        json_object *a;
        return json_object_object_get_ex(o, key, &a) && json_object_is_type(a, json_type_array) ? a : NULL;
}

static int read_files(json_object *a, Plan *p) {
        for (size_t i = 0; i < json_object_array_length(a); i++) {
                if (i >= PLAN_FD_MAX || !ARRAY_GROW(p->fds, p->n_fds))
                        return -ENOMEM;
                PlanFd *fd = p->fds + p->n_fds++;
                *fd = (PlanFd) {};
                int r = read_fields(json_object_array_get_idx(a, i), file_fields, ELEMENTSOF(file_fields),
                                    fd);
                if (r < 0)
                        return r;
                if (!fd->name || fd->kind == 0 || fd->user == 0)
                        return -EBADMSG;
        }
        return 0;
}

static int read_helpers(json_object *a, Plan *p) {
        for (size_t i = 0; i < json_object_array_length(a); i++) {
                if (i >= PLAN_FD_MAX || !ARRAY_GROW(p->helpers, p->n_helpers))
                        return -ENOMEM;
                PlanHelper *h = p->helpers + p->n_helpers++;
                *h = (PlanHelper) {};
                int r = read_fields(json_object_array_get_idx(a, i), helper_fields, ELEMENTSOF(helper_fields), h);
                if (r < 0)
                        return r;
                if (!h->name || !h->program || !h->argv || h->when == 0)
                        return -EBADMSG;
        }
        return 0;
}

static int read_consoles(json_object *a, Plan *p) {
        for (size_t i = 0; i < json_object_array_length(a); i++) {
                if (!ARRAY_GROW(p->consoles, p->n_consoles))
                        return -ENOMEM;
                PlanConsole *c = p->consoles + p->n_consoles++;
                *c = (PlanConsole) {};
                int r = read_fields(json_object_array_get_idx(a, i), console_fields,
                                    ELEMENTSOF(console_fields), c);
                if (r < 0)
                        return r;
                if (!c->alias || !c->chardev)
                        return -EBADMSG;
        }
        return 0;
}

static int read_properties(json_object *a, Plan *p) {
        for (size_t i = 0; i < json_object_array_length(a); i++) {
                _cleanup_strv_ char **values = NULL;
                json_object *o = json_object_array_get_idx(a, i), *section, *name, *list;
                if (!json_object_is_type(o, json_type_object) ||
                    !json_object_object_get_ex(o, "section", &section) ||
                    !json_object_object_get_ex(o, "name", &name) ||
                    !json_object_object_get_ex(o, "values", &list))
                        return -EBADMSG;
                int r = read_strv(list, &values);
                if (r < 0)
                        return r;
                r = unit_properties_add(&p->properties, strempty(json_object_get_string(section)),
                                        strempty(json_object_get_string(name)), values);
                if (r < 0)
                        return r;
        }
        return 0;
}

static int read_plugged_vcpus(json_object *a, Plan *p) {
        if (!json_object_is_type(a, json_type_array))
                return -EBADMSG;
        size_t n = json_object_array_length(a);
        if (n > NUMBER_SET_MAX)
                return -EFBIG;
        p->plugged_vcpus = calloc(n + 1, sizeof(unsigned));
        if (!p->plugged_vcpus)
                return -ENOMEM;
        for (; p->n_plugged_vcpus < n; p->n_plugged_vcpus++) {
                unsigned *id = p->plugged_vcpus + p->n_plugged_vcpus;
                int r = read_uint(json_object_array_get_idx(a, p->n_plugged_vcpus), id);
                if (r < 0 || *id >= NUMBER_SET_MAX)
                        return -EBADMSG;
        }
        return 0;
}

static int read_plan(json_object *o, Plan *p) {
        json_object *files, *helpers, *consoles, *properties, *vnc, *spice, *dbus, *threads, *vcpus;

        int r = read_fields(o, plan_fields, ELEMENTSOF(plan_fields), p);
        if (r < 0)
                return r;
        files = get_array(o, "files");
        consoles = get_array(o, "consoles");
        properties = get_array(o, "properties");
        if (!p->name || !p->emulator || !p->argv || !files || !consoles || !properties)
                return -EBADMSG;
        r = read_files(files, p);
        helpers = get_array(o, "helpers");
        if (r >= 0 && helpers)
                r = read_helpers(helpers, p);
        if (r >= 0)
                r = read_consoles(consoles, p);
        if (r >= 0)
                r = read_properties(properties, p);
        if (r >= 0 && json_object_object_get_ex(o, "vnc", &vnc))
                r = read_fields(vnc, display_fields, ELEMENTSOF(display_fields), &p->vnc);
        if (r >= 0 && json_object_object_get_ex(o, "spice", &spice))
                r = read_fields(spice, display_fields, ELEMENTSOF(display_fields), &p->spice);
        if (r >= 0 && json_object_object_get_ex(o, "dbus", &dbus))
                r = read_fields(dbus, display_fields, ELEMENTSOF(display_fields), &p->dbus);
        if (r >= 0 && json_object_object_get_ex(o, "threads", &threads))
                r = thread_settings_read(threads, &p->threads, &p->n_threads);
        if (r >= 0 && json_object_object_get_ex(o, "pluggedVcpus", &vcpus))
                r = read_plugged_vcpus(vcpus, p);
        return r;
}

int plan_from_json(const char *json, size_t size, Plan **ret) {
        if (size > PLAN_JSON_MAX)
                return -EFBIG;
        json_tokener *t = json_tokener_new_ex(PLAN_JSON_DEPTH_MAX);
        if (!t)
                return -ENOMEM;
        _cleanup_json_ json_object *o = json_tokener_parse_ex(t, json, (int) size);
        bool complete = o && json_tokener_get_error(t) == json_tokener_success;
        json_tokener_free(t);
        if (!complete)
                return -EBADMSG;

        _cleanup_(plan_freep) Plan *p = calloc(1, sizeof(Plan));
        if (!p)
                return -ENOMEM;
        int r = read_plan(o, p);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(p);
        return 0;
}
