/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <inttypes.h>
#include <json-c/json.h>
#include <stdio.h>

#include "string-util.h"
#include "text.h"
#include "thread-plan.h"

#define THREAD_JSON_DEPTH_MAX 4

static const char *const thread_kind_words[] = {
        [THREAD_VCPU] = "vcpu",
        [THREAD_IOTHREAD] = "iothread",
        [THREAD_EMULATOR] = "emulator",
};
DEFINE_STRING_TABLE(thread_kind, ThreadKind)

/* --- from the domain --- */

/* What all threads of a kind have in common, and what single ones are asked for. */
typedef struct KindTuning {
        ThreadKind kind;
        const CpuBandwidth *bandwidth;
        const ThreadPin *pins;
        size_t n_pins;
        const ThreadSched *scheds;
        size_t n_scheds;
} KindTuning;

typedef struct Settings {
        ThreadSetting *items; /* owned */
        size_t n;
        const NumberSet *base; /* of a thread without a pin, where the unit's CPUs are more than these; else NULL */
} Settings;

static void apply_sched(ThreadSetting *s, const ThreadSched *sched) {
        s->scheduler = sched->scheduler;
        if (sched->has_priority)
                s->priority = sched->priority;
}

static int add(Settings *list, ThreadSetting *s) {
        if (!s->has_cpus && list->base) {
                s->has_cpus = s->default_cpus = true;
                s->cpus = *list->base;
        }
        if (!thread_setting_wants_group(s) && s->scheduler == SCHEDULER_UNSET)
                return 0;
        if (!ARRAY_GROW(list->items, list->n))
                return -ENOMEM;
        list->items[list->n++] = *s;
        return 0;
}

static int add_thread(Settings *list, const KindTuning *t, unsigned id) {
        ThreadSetting s = {
                .kind = t->kind,
                .id = id,
                .period = t->bandwidth->period,
                .has_quota = t->bandwidth->has_quota,
                .quota = t->bandwidth->quota,
        };
        const NumberSet *cpus = thread_pin_cpus(t->pins, t->n_pins, id);

        if (cpus) {
                s.has_cpus = true;
                s.cpus = *cpus;
        }
        FOREACH_ARRAY(sched, t->scheds, t->n_scheds)
                if (number_set_has(&sched->ids, id))
                        apply_sched(&s, sched);
        return add(list, &s);
}

static int add_emulator(Settings *list, const DomainCputune *c) {
        ThreadSetting s = {
                .kind = THREAD_EMULATOR,
                .has_cpus = c->has_emulatorpin,
                .cpus = c->emulatorpin,
                .period = c->emulator.period,
                .has_quota = c->emulator.has_quota,
                .quota = c->emulator.quota,
        };

        apply_sched(&s, &c->emulatorsched);
        return add(list, &s);
}

static bool pins_leave(const ThreadPin *pins, size_t n, unsigned end, const NumberSet *base) {
        FOREACH_ARRAY(p, pins, n)
                if (p->id.value < end && p->has_cpus && !number_set_is_subset(&p->cpus, base))
                        return true;
        return false;
}

/* The unit may use all CPUs that any of its threads may use. So where a pin leaves <vcpu cpuset>, the unit is wider than
 * that, and threads without a pin have to be kept inside one by one. */
static const NumberSet *base_cpus(const Domain *d) {
        const DomainCputune *c = &d->cputune;
        const NumberSet *base = &d->vcpu_cpuset;

        if (!d->has_vcpu_cpuset || d->vcpu_placement == PLACEMENT_AUTO)
                return NULL;
        bool leave = pins_leave(c->vcpupins, c->n_vcpupins, domain_max_vcpus(d), base) ||
                pins_leave(c->iothreadpins, c->n_iothreadpins, UINT32_MAX, base) ||
                (c->has_emulatorpin && !number_set_is_subset(&c->emulatorpin, base));
        return leave ? base : NULL;
}

static int compare_ids(const void *a, const void *b) {
        unsigned x = *(const unsigned *) a, y = *(const unsigned *) b;
        return x < y ? -1 : x > y;
}

static int add_iothreads(Settings *list, const Domain *d) {
        const DomainCputune *c = &d->cputune;
        const KindTuning t = { THREAD_IOTHREAD, &c->iothread, c->iothreadpins, c->n_iothreadpins, c->iothreadscheds, c->n_iothreadscheds };
        unsigned n = domain_count_iothreads(d);
        _cleanup_free_ unsigned *ids = calloc(n + 1U, sizeof(unsigned));
        int r = 0;

        if (!ids)
                return -ENOMEM;
        for (unsigned i = 0; i < n; i++)
                ids[i] = domain_iothread_id(d, i);
        qsort(ids, n, sizeof(unsigned), compare_ids);
        for (unsigned i = 0; r >= 0 && i < n; i++)
                r = add_thread(list, &t, ids[i]);
        return r;
}

int thread_settings_new(const Domain *d, ThreadSetting **ret, size_t *ret_n) {
        const DomainCputune *c = &d->cputune;
        const KindTuning vcpus = { THREAD_VCPU, &c->vcpu, c->vcpupins, c->n_vcpupins, c->vcpuscheds, c->n_vcpuscheds };
        Settings list = { .base = base_cpus(d) };
        int r = 0;

        for (unsigned i = 0; r >= 0 && i < domain_max_vcpus(d); i++)
                r = add_thread(&list, &vcpus, i);
        if (r >= 0)
                r = add_iothreads(&list, d);
        if (r >= 0)
                r = add_emulator(&list, c);
        if (r < 0) {
                free(list.items);
                return r;
        }
        *ret = list.items;
        *ret_n = list.n;
        return 0;
}

const ThreadSetting *thread_setting_find(const ThreadSetting *settings, size_t n, ThreadKind kind, unsigned id) {
        FOREACH_ARRAY(s, settings, n)
                if (s->kind == kind && s->id == id)
                        return s;
        return NULL;
}

void thread_cpu_max(const ThreadSetting *s, char ret[THREAD_CPU_MAX]) {
        uint64_t period = s->period.set ? s->period.value : THREAD_PERIOD_DEFAULT;

        if (s->has_quota && s->quota > 0)
                (void) snprintf(ret, THREAD_CPU_MAX, "%" PRId64 " %" PRIu64, s->quota, period);
        else
                (void) snprintf(ret, THREAD_CPU_MAX, "max %" PRIu64, period);
}

char *thread_setting_format(const ThreadSetting *s) {
        _cleanup_text_ Text t = {};
        char limit[THREAD_CPU_MAX], *line;

        text_append(&t, thread_kind_to_string(s->kind));
        if (s->kind != THREAD_EMULATOR)
                text_appendf(&t, "%u", s->id);
        if (s->has_cpus) {
                _cleanup_free_ char *cpus = number_set_format(&s->cpus);
                text_appendf(&t, " cpus=%s", strempty(cpus));
        }
        if (thread_setting_limits(s)) {
                thread_cpu_max(s, limit);
                text_appendf(&t, " cpu.max=%s", limit);
        }
        if (s->scheduler != SCHEDULER_UNSET)
                text_appendf(&t, " scheduler=%s", scheduler_to_string(s->scheduler));
        if (s->priority != 0)
                text_appendf(&t, " priority=%d", s->priority);
        return text_finish(&t, &line) < 0 ? NULL : line;
}

/* --- virtual CPUs that come by hot-plug --- */

static unsigned plug_order(const DomainVcpu *v) {
        return v->order.set ? v->order.value : UINT32_MAX;
}

static int compare_plugged(const void *a, const void *b) {
        const DomainVcpu *x = *(DomainVcpu *const *) a, *y = *(DomainVcpu *const *) b;

        if (plug_order(x) != plug_order(y))
                return plug_order(x) < plug_order(y) ? -1 : 1;
        return x->id.value < y->id.value ? -1 : x->id.value > y->id.value;
}

int plugged_vcpus_new(const Domain *d, unsigned **ret, size_t *ret_n) {
        _cleanup_free_ const DomainVcpu **list = NULL;
        unsigned *ids = NULL;
        size_t n = 0;

        FOREACH_ARRAY(v, d->vcpu_list, d->n_vcpu_list) {
                if (v->enabled != TRI_YES || v->hotpluggable != TRI_YES)
                        continue;
                if (!ARRAY_GROW(list, n))
                        return -ENOMEM;
                list[n++] = v;
        }
        if (n > 0) {
                qsort(list, n, sizeof(*list), compare_plugged);
                ids = calloc(n, sizeof(unsigned));
                if (!ids)
                        return -ENOMEM;
                for (size_t i = 0; i < n; i++)
                        ids[i] = list[i]->id.value;
        }
        *ret = ids;
        *ret_n = n;
        return 0;
}

/* --- JSON --- */

static void json_putp(json_object **o) {
        json_object_put(*o);
}
#define _cleanup_json_ _cleanup_(json_putp)

/* Takes VALUE over; NULL is memory that ran out. */
static int put(json_object *o, const char *key, json_object *value) {
        if (!value)
                return -ENOMEM;
        if (json_object_object_add(o, key, value) < 0) {
                json_object_put(value);
                return -ENOMEM;
        }
        return 0;
}

static int write_setting(json_object *o, const ThreadSetting *s) {
        int r = put(o, "kind", json_object_new_string(strempty(thread_kind_to_string(s->kind))));

        if (r >= 0 && s->kind != THREAD_EMULATOR)
                r = put(o, "id", json_object_new_uint64(s->id));
        if (r >= 0 && s->has_cpus) {
                _cleanup_free_ char *cpus = number_set_format(&s->cpus);
                r = cpus ? put(o, "cpus", json_object_new_string(cpus)) : -ENOMEM;
        }
        if (r >= 0 && s->default_cpus)
                r = put(o, "defaultCpus", json_object_new_boolean(true));
        if (r >= 0 && s->period.set)
                r = put(o, "period", json_object_new_uint64(s->period.value));
        if (r >= 0 && s->has_quota)
                r = put(o, "quota", json_object_new_int64(s->quota));
        if (r >= 0 && s->scheduler != SCHEDULER_UNSET)
                r = put(o, "scheduler", json_object_new_string(strempty(scheduler_to_string(s->scheduler))));
        if (r >= 0 && s->priority != 0)
                r = put(o, "priority", json_object_new_int64(s->priority));
        return r;
}

json_object *thread_settings_write(const ThreadSetting *settings, size_t n) {
        _cleanup_json_ json_object *a = json_object_new_array();

        if (!a)
                return NULL;
        FOREACH_ARRAY(s, settings, n) {
                json_object *o = json_object_new_object();
                if (!o || json_object_array_add(a, o) < 0) {
                        json_object_put(o);
                        return NULL;
                }
                if (write_setting(o, s) < 0)
                        return NULL;
        }
        return TAKE_PTR(a);
}

int thread_settings_to_json(const ThreadSetting *settings, size_t n, char **ret) {
        _cleanup_json_ json_object *a = thread_settings_write(settings, n);
        const char *text = a ? json_object_to_json_string_ext(a, JSON_C_TO_STRING_PLAIN) : NULL;

        *ret = text ? strdup(text) : NULL;
        return *ret ? 0 : -ENOMEM;
}

/* The member KEY; -EBADMSG when it is of another type, 0 when there is none. */
static int member(json_object *o, const char *key, json_type type, json_object **ret) {
        if (!json_object_object_get_ex(o, key, ret))
                return 0;
        return json_object_is_type(*ret, type) ? 1 : -EBADMSG;
}

static int read_number(json_object *o, const char *key, int64_t min, int64_t max, int64_t *ret) {
        json_object *v;

        int r = member(o, key, json_type_int, &v);
        if (r <= 0)
                return r;
        int64_t n = json_object_get_int64(v);
        if (n < min || n > max)
                return -EBADMSG;
        *ret = n;
        return 1;
}

static int read_word(json_object *o, const char *key, const StringTable *table, int *ret) {
        json_object *v;

        int r = member(o, key, json_type_string, &v);
        if (r <= 0)
                return r;
        int word = string_table_value(table, json_object_get_string(v));
        if (word < 0)
                return -EBADMSG;
        *ret = word;
        return 1;
}

static int read_cpus(json_object *o, ThreadSetting *s) {
        json_object *v;

        int r = member(o, "cpus", json_type_string, &v);
        if (r > 0) {
                s->has_cpus = true;
                r = number_set_parse(json_object_get_string(v), &s->cpus) < 0 ? -EBADMSG : 0;
        }
        if (r >= 0 && (r = member(o, "defaultCpus", json_type_boolean, &v)) > 0)
                s->default_cpus = s->has_cpus && json_object_get_boolean(v);
        return r;
}

static int read_bandwidth(json_object *o, ThreadSetting *s) {
        int64_t period, quota;

        int r = read_number(o, "period", THREAD_PERIOD_MIN, THREAD_PERIOD_MAX, &period);
        if (r > 0)
                s->period = (OptU64) { true, (uint64_t) period };
        if (r < 0)
                return r;
        r = read_number(o, "quota", INT64_MIN, THREAD_QUOTA_MAX, &quota);
        if (r <= 0)
                return r;
        if (quota >= 0 && quota < THREAD_QUOTA_MIN)
                return -EBADMSG;
        s->has_quota = true;
        s->quota = quota;
        return 0;
}

static int read_scheduler(json_object *o, ThreadSetting *s) {
        int64_t priority = 0;
        int word = SCHEDULER_UNSET;

        int r = read_word(o, "scheduler", &scheduler_table, &word);
        if (r >= 0)
                r = read_number(o, "priority", 1, 99, &priority);
        if (r < 0)
                return r;
        s->scheduler = (Scheduler) word;
        s->priority = (int) priority;
        bool real_time = s->scheduler == SCHEDULER_FIFO || s->scheduler == SCHEDULER_RR;
        return real_time == (priority > 0) ? 0 : -EBADMSG;
}

static int read_setting(json_object *o, ThreadSetting *s) {
        int64_t id = 0;
        int kind = THREAD_UNSET;

        if (!json_object_is_type(o, json_type_object))
                return -EBADMSG;
        int r = read_word(o, "kind", &thread_kind_table, &kind);
        if (r >= 0)
                r = read_number(o, "id", 0, kind == THREAD_IOTHREAD ? UINT32_MAX : NUMBER_SET_MAX - 1, &id);
        s->kind = (ThreadKind) kind;
        s->id = (unsigned) id;
        if (r >= 0 && (kind == THREAD_UNSET || (kind == THREAD_EMULATOR && id > 0) || (kind == THREAD_IOTHREAD && id == 0)))
                r = -EBADMSG;
        if (r >= 0)
                r = read_cpus(o, s);
        if (r >= 0)
                r = read_bandwidth(o, s);
        if (r >= 0)
                r = read_scheduler(o, s);
        return r;
}

int thread_settings_read(json_object *a, ThreadSetting **ret, size_t *ret_n) {
        _cleanup_free_ ThreadSetting *list = NULL;

        if (!json_object_is_type(a, json_type_array))
                return -EBADMSG;
        size_t n = json_object_array_length(a);
        if (n > THREAD_SETTINGS_MAX)
                return -EFBIG;
        list = calloc(n + 1, sizeof(ThreadSetting));
        if (!list)
                return -ENOMEM;
        for (size_t i = 0; i < n; i++) {
                int r = read_setting(json_object_array_get_idx(a, i), list + i);
                if (r < 0)
                        return r;
                if (thread_setting_find(list, i, list[i].kind, list[i].id))
                        return -EBADMSG;
        }
        *ret = TAKE_PTR(list);
        *ret_n = n;
        return 0;
}

int thread_settings_from_json(const char *json, size_t size, ThreadSetting **ret, size_t *ret_n) {
        if (size > THREAD_SETTINGS_TEXT_MAX)
                return -EFBIG;
        json_tokener *t = json_tokener_new_ex(THREAD_JSON_DEPTH_MAX);
        if (!t)
                return -ENOMEM;
        json_tokener_set_flags(t, JSON_TOKENER_STRICT);
        _cleanup_json_ json_object *o = json_tokener_parse_ex(t, json, (int) size + 1);
        bool complete = o && json_tokener_get_error(t) == json_tokener_success;
        json_tokener_free(t);
        return complete ? thread_settings_read(o, ret, ret_n) : -EBADMSG;
}
