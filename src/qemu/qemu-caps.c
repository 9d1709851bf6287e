/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <json-c/json.h>

#include "qemu-caps.h"
#include "string-util.h"
#include "strv.h"

/* Far more than any emulator has; what comes from an emulator or a cache file is not trusted to be sane. */
#define CAPS_JSON_MAX (4U * 1024U * 1024U)
#define CAPS_LIST_MAX 20000U
#define CAPS_DEPTH_MAX 8

QemuCaps *qemu_caps_new(void) {
        return calloc(1, sizeof(QemuCaps));
}

QemuCaps *qemu_caps_free(QemuCaps *c) {
        if (!c)
                return NULL;
        FOREACH_ARRAY(m, c->machines, c->n_machines) {
                free(m->name);
                free(m->alias);
                free(m->default_cpu);
        }
        free(c->machines);
        strv_free(c->cpu_models);
        strv_free(c->types);
        strv_free(c->commands);
        strv_free(c->cpu_features);
        qemu_host_cpu_done(&c->tcg_cpu);
        qemu_host_cpu_done(&c->kvm_cpu);
        return mfree(c);
}

const QemuMachine *qemu_caps_machine(const QemuCaps *c, const char *name) {
        FOREACH_ARRAY(m, c->machines, c->n_machines)
                if (streq(m->name, name))
                        return m;
        FOREACH_ARRAY(m, c->machines, c->n_machines)
                if (streq_ptr(m->alias, name))
                        return m;
        return NULL;
}

bool qemu_caps_has_type(const QemuCaps *c, const char *type) {
        return strv_contains(c->types, type);
}

bool qemu_caps_has_command(const QemuCaps *c, const char *command) {
        return strv_contains(c->commands, command);
}

bool qemu_caps_has_cpu(const QemuCaps *c, const char *model) {
        return strv_contains(c->cpu_models, model);
}

/* --- the processor --- */

void qemu_host_cpu_done(QemuHostCpu *cpu) {
        free(cpu->vendor);
        free(cpu->model);
        strv_free(cpu->on);
        strv_free(cpu->off);
        strv_free(cpu->features);
        FOREACH_ARRAY(g, cpu->gaps, cpu->n_gaps) {
                free(g->model);
                strv_free(g->missing);
        }
        free(cpu->gaps);
        *cpu = (QemuHostCpu) {};
}

const QemuHostCpu *qemu_caps_host_cpu(const QemuCaps *c, bool kvm) {
        const QemuHostCpu *cpu = kvm ? &c->kvm_cpu : &c->tcg_cpu;

        return cpu->vendor && cpu->model ? cpu : NULL;
}

char *const *qemu_host_cpu_missing(const QemuHostCpu *cpu, const char *model) {
        FOREACH_ARRAY(g, cpu->gaps, cpu->n_gaps)
                if (streq(g->model, model))
                        return g->missing;
        return NULL;
}

bool qemu_cpu_property_is_feature(const char *name) {
        static const char *const knobs[] = {
                "check", "enforce", "fill-mtrr-mask", "full-cpuid-auto-level", "full-width-write", "host-cache-info",
                "host-phys-bits", "hotpluggable", "hotplugged", "kvm", "l3-cache", "legacy-cache", "lmce", "migratable",
                "pmu", "realized", "start-powered-off", "tcg-cpuid", "vmware-cpuid-freq", "cpuid-0xb",
                /* VIA's, in no model */
                "ace2", "ace2-en", "phe", "phe-en", "pmm", "pmm-en", "xcrypt", "xcrypt-en", "xstore", "xstore-en",
                /* second names */
                "ffxsr", "i64", "pclmuldq", "sse3", "sse4-1", "sse4-2", "xd",
        };

        if (startswith(name, "hv-") || startswith(name, "kvm") || startswith(name, "vmx-") || startswith(name, "x-") ||
            strchr(name, '_'))
                return false;
        for (size_t i = 0; i < ELEMENTSOF(knobs); i++)
                if (streq(knobs[i], name))
                        return false;
        return true;
}

/* --- JSON --- */

static bool add_json(json_object *parent, const char *key, json_object *value) {
        if (value && json_object_object_add(parent, key, value) == 0)
                return true;
        json_object_put(value);
        return false;
}

static bool add_strv(json_object *parent, const char *key, char *const *l) {
        json_object *array = json_object_new_array();

        if (!array)
                return false;
        STRV_FOREACH(s, l) {
                json_object *o = json_object_new_string(*s);
                if (!o || json_object_array_add(array, o) < 0) {
                        json_object_put(o);
                        json_object_put(array);
                        return false;
                }
        }
        return add_json(parent, key, array);
}

static json_object *machine_to_json(const QemuMachine *m) {
        json_object *o = json_object_new_object();

        if (o && add_json(o, "name", json_object_new_string(m->name)) &&
            (!m->alias || add_json(o, "alias", json_object_new_string(m->alias))) &&
            (!m->default_cpu || add_json(o, "default-cpu", json_object_new_string(m->default_cpu))) &&
            add_json(o, "max-cpus", json_object_new_int64(m->max_cpus)) &&
            (!m->is_default || add_json(o, "default", json_object_new_boolean(true))) &&
            (!m->numa_mem || add_json(o, "numa-mem", json_object_new_boolean(true))) &&
            (!m->deprecated || add_json(o, "deprecated", json_object_new_boolean(true))))
                return o;
        json_object_put(o);
        return NULL;
}

static bool add_machines(json_object *parent, const QemuCaps *c) {
        json_object *array = json_object_new_array();

        if (!array)
                return false;
        FOREACH_ARRAY(m, c->machines, c->n_machines) {
                json_object *o = machine_to_json(m);
                if (!o || json_object_array_add(array, o) < 0) {
                        json_object_put(o);
                        json_object_put(array);
                        return false;
                }
        }
        return add_json(parent, "machines", array);
}

static json_object *gaps_to_json(const QemuHostCpu *cpu) {
        json_object *o = json_object_new_object();

        FOREACH_ARRAY(g, cpu->gaps, cpu->n_gaps)
                if (!o || !add_strv(o, g->model, g->missing)) {
                        json_object_put(o);
                        return NULL;
                }
        return o;
}

static bool add_host_cpu(json_object *parent, const char *key, const QemuHostCpu *cpu) {
        if (!cpu->vendor)
                return true;
        json_object *o = json_object_new_object();
        if (o && add_json(o, "vendor", json_object_new_string(cpu->vendor)) &&
            add_json(o, "model", json_object_new_string(strempty(cpu->model))) && add_strv(o, "on", cpu->on) &&
            add_strv(o, "off", cpu->off) && add_strv(o, "features", cpu->features) &&
            add_json(o, "gaps", gaps_to_json(cpu)))
                return add_json(parent, key, o);
        json_object_put(o);
        return false;
}

int qemu_caps_to_json(const QemuCaps *c, char **ret) {
        json_object *o = json_object_new_object();
        const char *arch = arch_to_string(c->arch);
        char *s = NULL;

        if (o && add_json(o, "version", json_object_new_int64(c->version)) &&
            (!arch || add_json(o, "arch", json_object_new_string(arch))) &&
            add_json(o, "kvm", json_object_new_boolean(c->has_kvm)) && add_machines(o, c) &&
            add_strv(o, "cpu-models", c->cpu_models) &&
            (!c->cpu_features || add_strv(o, "cpu-features", c->cpu_features)) && add_host_cpu(o, "tcg-cpu", &c->tcg_cpu) &&
            add_host_cpu(o, "kvm-cpu", &c->kvm_cpu) && add_strv(o, "types", c->types) &&
            add_strv(o, "commands", c->commands)) {
                const char *text = json_object_to_json_string_ext(
                                o, JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_NOSLASHESCAPE);
                s = text ? strf("%s\n", text) : NULL;
        }
        json_object_put(o);
        if (!s)
                return -ENOMEM;
        *ret = s;
        return 0;
}

static int get_string(json_object *o, const char *key, bool mandatory, char **ret) {
        json_object *v;

        if (!json_object_object_get_ex(o, key, &v))
                return mandatory ? -EINVAL : 0;
        if (!json_object_is_type(v, json_type_string))
                return -EINVAL;
        return free_and_strdup(ret, json_object_get_string(v));
}

static int get_unsigned(json_object *o, const char *key, unsigned *ret) {
        json_object *v;
        int64_t i;

        if (!json_object_object_get_ex(o, key, &v) || !json_object_is_type(v, json_type_int))
                return -EINVAL;
        i = json_object_get_int64(v);
        if (i < 0 || i > INT32_MAX)
                return -ERANGE;
        *ret = (unsigned) i;
        return 0;
}

static bool get_bool(json_object *o, const char *key) {
        json_object *v;

        return json_object_object_get_ex(o, key, &v) && json_object_is_type(v, json_type_boolean) &&
               json_object_get_boolean(v);
}

/* The array KEY of O with its length checked; NULL when there is no such array. */
static json_object *get_array(json_object *o, const char *key) {
        json_object *v;

        if (!json_object_object_get_ex(o, key, &v) || !json_object_is_type(v, json_type_array) ||
            json_object_array_length(v) > CAPS_LIST_MAX)
                return NULL;
        return v;
}

static int get_sorted_strv(json_object *o, const char *key, char ***ret) {
        json_object *array = get_array(o, key);
        size_t n = array ? json_object_array_length(array) : 0;
        char **l;

        if (!array)
                return -EINVAL;
        l = calloc(n + 1, sizeof(char *)); /* not strv_extend(): thousands of strings */
        if (!l)
                return -ENOMEM;
        for (size_t i = 0; i < n; i++) {
                json_object *s = json_object_array_get_idx(array, i);
                if (!json_object_is_type(s, json_type_string)) {
                        strv_free(l);
                        return -EINVAL;
                }
                l[i] = strdup(json_object_get_string(s));
                if (!l[i]) {
                        strv_free(l);
                        return -ENOMEM;
                }
        }
        strv_sort(l);
        *ret = l;
        return 0;
}

static int get_gaps(json_object *o, QemuHostCpu *cpu) {
        json_object *gaps;

        if (!json_object_object_get_ex(o, "gaps", &gaps) || !json_object_is_type(gaps, json_type_object) ||
            (size_t) json_object_object_length(gaps) > CAPS_LIST_MAX)
                return -EINVAL;
        json_object_object_foreach(gaps, model, ignored) {
                (void) ignored;
                if (!ARRAY_GROW(cpu->gaps, cpu->n_gaps))
                        return -ENOMEM;
                QemuCpuGap *g = cpu->gaps + cpu->n_gaps++;
                *g = (QemuCpuGap) { .model = strdup(model) };
                if (!g->model)
                        return -ENOMEM;
                int r = get_sorted_strv(gaps, model, &g->missing);
                if (r < 0)
                        return r;
        }
        return 0;
}

static int get_host_cpu(json_object *parent, const char *key, QemuHostCpu *cpu) {
        json_object *o;
        int r;

        if (!json_object_object_get_ex(parent, key, &o))
                return 0;
        if (!json_object_is_type(o, json_type_object))
                return -EINVAL;
        if ((r = get_string(o, "vendor", true, &cpu->vendor)) < 0 || (r = get_string(o, "model", true, &cpu->model)) < 0 ||
            (r = get_sorted_strv(o, "on", &cpu->on)) < 0 || (r = get_sorted_strv(o, "off", &cpu->off)) < 0 ||
            (r = get_sorted_strv(o, "features", &cpu->features)) < 0)
                return r;
        return get_gaps(o, cpu);
}

static int compare_machines(const void *a, const void *b) {
        return strcmp(((const QemuMachine *) a)->name, ((const QemuMachine *) b)->name);
}

static int get_machines(json_object *o, QemuCaps *c) {
        json_object *array = get_array(o, "machines");
        size_t n = array ? json_object_array_length(array) : 0;

        if (!array)
                return -EINVAL;
        c->machines = calloc(n ?: 1, sizeof(QemuMachine));
        if (!c->machines)
                return -ENOMEM;
        for (size_t i = 0; i < n; i++) {
                json_object *m = json_object_array_get_idx(array, i);
                QemuMachine *machine = c->machines + c->n_machines++;
                int r;

                if (!json_object_is_type(m, json_type_object))
                        return -EINVAL;
                if ((r = get_string(m, "name", true, &machine->name)) < 0 ||
                    (r = get_string(m, "alias", false, &machine->alias)) < 0 ||
                    (r = get_string(m, "default-cpu", false, &machine->default_cpu)) < 0 ||
                    (r = get_unsigned(m, "max-cpus", &machine->max_cpus)) < 0)
                        return r;
                machine->is_default = get_bool(m, "default");
                machine->numa_mem = get_bool(m, "numa-mem");
                machine->deprecated = get_bool(m, "deprecated");
        }
        qsort(c->machines, c->n_machines, sizeof(QemuMachine), compare_machines);
        return 0;
}

static int caps_from_object(json_object *o, QemuCaps *c) {
        _cleanup_free_ char *arch = NULL;
        int r;

        if (!json_object_is_type(o, json_type_object))
                return -EINVAL;
        if ((r = get_unsigned(o, "version", &c->version)) < 0 || (r = get_string(o, "arch", true, &arch)) < 0)
                return r;
        c->arch = arch_from_string(arch);
        if ((int) c->arch < 0)
                return -EINVAL;
        c->has_kvm = get_bool(o, "kvm");
        if ((r = get_host_cpu(o, "tcg-cpu", &c->tcg_cpu)) < 0 || (r = get_host_cpu(o, "kvm-cpu", &c->kvm_cpu)) < 0)
                return r;
        if ((r = get_machines(o, c)) < 0 || (r = get_sorted_strv(o, "cpu-models", &c->cpu_models)) < 0 ||
            (get_array(o, "cpu-features") && (r = get_sorted_strv(o, "cpu-features", &c->cpu_features)) < 0) ||
            (r = get_sorted_strv(o, "types", &c->types)) < 0)
                return r;
        return get_sorted_strv(o, "commands", &c->commands);
}

int qemu_caps_from_json(const char *json, QemuCaps **ret) {
        _cleanup_(qemu_caps_freep) QemuCaps *c = NULL;
        size_t n = strnlen(json, CAPS_JSON_MAX + 1);
        json_tokener *tokener;
        json_object *o;
        int r;

        if (n > CAPS_JSON_MAX)
                return -EFBIG;
        c = qemu_caps_new();
        tokener = json_tokener_new_ex(CAPS_DEPTH_MAX);
        if (!c || !tokener) {
                json_tokener_free(tokener);
                return -ENOMEM;
        }
        json_tokener_set_flags(tokener, JSON_TOKENER_STRICT);
        o = json_tokener_parse_ex(tokener, json, (int) n + 1);
        json_tokener_free(tokener);
        if (!o)
                return -EINVAL;
        r = caps_from_object(o, c);
        json_object_put(o);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(c);
        return 0;
}
