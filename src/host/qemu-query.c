/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <json-c/json.h>
#include <poll.h>
#include <sys/socket.h>
#include <time.h>

#include "qemu-query.h"
#include "string-util.h"
#include "strv.h"
#include "time-util.h"

#define LINE_MAX_BYTES (8U * 1024U * 1024U)
#define DEPTH_MAX 32
#define ITEMS_MAX 65536U
#define EVENTS_MAX 1000U
#define PROPERTIES_MAX 4096
#define FEATURES_MAX 1024U

typedef struct Query {
        int fd;
        uint64_t deadline;
        char *buffer; /* owned: what came behind the last line */
        size_t size;
} Query;

static int wait_for(Query *q, short events) {
        for (;;) {
                uint64_t now = now_usec();
                if (now >= q->deadline)
                        return -ETIMEDOUT;
                struct pollfd p = { .fd = q->fd, .events = events };
                int r = poll(&p, 1, (int) ((q->deadline - now) / 1000 + 1));
                if (r > 0)
                        return 0;
                if (r < 0 && errno != EINTR)
                        return -errno;
        }
}

static int send_text(Query *q, const char *text) {
        for (size_t n = strlen(text); n > 0;) {
                int r = wait_for(q, POLLOUT);
                if (r < 0)
                        return r;
                ssize_t k = send(q->fd, text, n, MSG_NOSIGNAL | MSG_DONTWAIT);
                if (k < 0 && errno != EAGAIN && errno != EINTR)
                        return errno == EPIPE ? -ECONNRESET : -errno;
                if (k > 0) {
                        text += k;
                        n -= (size_t) k;
                }
        }
        return 0;
}

static int receive_more(Query *q) {
        enum { STEP = 65536 };

        if (q->size >= LINE_MAX_BYTES)
                return -EFBIG;
        int r = wait_for(q, POLLIN);
        if (r < 0)
                return r;
        char *b = realloc(q->buffer, q->size + STEP);
        if (!b)
                return -ENOMEM;
        q->buffer = b;
        ssize_t n = recv(q->fd, q->buffer + q->size, STEP, MSG_DONTWAIT);
        if (n == 0)
                return -ECONNRESET;
        if (n < 0)
                return errno == EAGAIN || errno == EINTR ? 0 : -errno;
        q->size += (size_t) n;
        return 0;
}

static int parse_line(const char *line, size_t size, json_object **ret) {
        json_tokener *t = json_tokener_new_ex(DEPTH_MAX);
        if (!t)
                return -ENOMEM;
        json_object *o = json_tokener_parse_ex(t, line, (int) size);
        bool ok = o && json_object_is_type(o, json_type_object);
        json_tokener_free(t);
        if (!ok) {
                json_object_put(o);
                return -EBADMSG;
        }
        *ret = o;
        return 0;
}

/* The next message: QEMU writes one a line. */
static int receive(Query *q, json_object **ret) {
        size_t seen = 0;

        for (;;) {
                char *end = q->size > seen ? memchr(q->buffer + seen, '\n', q->size - seen) : NULL;
                if (end) {
                        size_t n = (size_t) (end - q->buffer);
                        int r = parse_line(q->buffer, n, ret);
                        q->size -= n + 1;
                        memmove(q->buffer, end + 1, q->size);
                        return r;
                }
                seen = q->size;
                int r = receive_more(q);
                if (r < 0)
                        return r;
        }
}

/* Sends a command and waits for its answer; RET, if not NULL, owns "return". */
static int call(Query *q, const char *command, const char *arguments, json_object **ret) {
        _cleanup_free_ char *text = strf("{\"execute\":\"%s\"%s%s}\n", command, arguments ? ",\"arguments\":" : "",
                                         strempty(arguments));
        if (!text)
                return -ENOMEM;
        int r = send_text(q, text);
        for (unsigned n = 0; r >= 0; n++) {
                json_object *message, *value;

                if (n >= EVENTS_MAX)
                        return -EBADMSG;
                r = receive(q, &message);
                if (r < 0)
                        return r;
                bool done = json_object_object_get_ex(message, "return", &value);
                if (done && ret)
                        *ret = json_object_get(value);
                else if (json_object_object_get_ex(message, "error", NULL))
                        r = -EREMOTEIO;
                json_object_put(message);
                if (done)
                        return 0;
        }
        return r;
}

/* --- answers --- */

/* These are names, which others write into XML and records. An emulator may be anybody's program: NULL for what no
 * name is. */
static const char *get_string(json_object *o, const char *key) {
        json_object *v;

        if (!json_object_is_type(o, json_type_object) || !json_object_object_get_ex(o, key, &v) ||
            !json_object_is_type(v, json_type_string))
                return NULL;
        const char *s = json_object_get_string(v);
        bool name = strlen(s) == (size_t) json_object_get_string_len(v) && utf8_is_printable(s) && !strpbrk(s, "<>&'\"");
        return name ? s : NULL;
}

static bool get_bool(json_object *o, const char *key) {
        json_object *v;
        return json_object_is_type(o, json_type_object) && json_object_object_get_ex(o, key, &v) &&
                json_object_get_boolean(v);
}

static uint64_t get_u64(json_object *o, const char *key) {
        json_object *v;
        if (!json_object_is_type(o, json_type_object) || !json_object_object_get_ex(o, key, &v))
                return 0;
        int64_t i = json_object_get_int64(v);
        return i < 0 ? 0 : (uint64_t) i;
}

static int take_version(QemuCaps *c, json_object *answer) {
        json_object *v;

        if (!json_object_is_type(answer, json_type_object) || !json_object_object_get_ex(answer, "qemu", &v))
                return -EBADMSG;
        c->version = (unsigned) (get_u64(v, "major") * 1000000 + get_u64(v, "minor") * 1000 + get_u64(v, "micro"));
        return c->version > 0 ? 0 : -EBADMSG;
}

static int take_target(QemuCaps *c, json_object *answer) {
        const char *word = get_string(answer, "arch");
        if (!word)
                return -EBADMSG;
        /* QEMU's words that are not libvirt's. Little-endian POWER is the same emulator. */
        int arch = streq(word, "i386") ? ARCH_I686 : streq(word, "arm") ? ARCH_ARMV7L : (int) arch_from_string(word);
        c->arch = arch > 0 ? (Arch) arch : ARCH_UNSET;
        return 0;
}

static int take_kvm(QemuCaps *c, json_object *answer) {
        c->has_kvm = get_bool(answer, "present");
        return 0;
}

static int compare_machines(const void *a, const void *b) {
        return strcmp(((const QemuMachine *) a)->name, ((const QemuMachine *) b)->name);
}

static int copy_optional(char **p, const char *s) {
        return s ? free_and_strdup(p, s) : 0;
}

static int take_machines(QemuCaps *c, json_object *answer) {
        size_t n = json_object_array_length(answer);

        for (size_t i = 0; i < n; i++) {
                json_object *o = json_object_array_get_idx(answer, i);
                const char *name = get_string(o, "name");
                if (!name)
                        return -EBADMSG;
                if (!ARRAY_GROW(c->machines, c->n_machines))
                        return -ENOMEM;
                QemuMachine *m = &c->machines[c->n_machines++];
                *m = (QemuMachine) {
                        .max_cpus = (unsigned) MIN(get_u64(o, "cpu-max"), (uint64_t) UINT32_MAX),
                        .is_default = get_bool(o, "is-default"),
                        .deprecated = get_bool(o, "deprecated"),
                        .numa_mem = get_bool(o, "numa-mem-supported"),
                };
                if (copy_optional(&m->name, name) < 0 || copy_optional(&m->alias, get_string(o, "alias")) < 0 ||
                    copy_optional(&m->default_cpu, get_string(o, "default-cpu-type")) < 0)
                        return -ENOMEM;
        }
        if (c->n_machines > 0)
                qsort(c->machines, c->n_machines, sizeof(QemuMachine), compare_machines);
        return 0;
}

static bool is_x86(const QemuCaps *c) {
        return c->arch == ARCH_X86_64 || c->arch == ARCH_I686;
}

/* "EPYC-v2": versions of a model; the plain name is what definitions use. */
static bool is_version(const char *model) {
        const char *dash = strrchr(model, '-');

        return dash && dash[1] == 'v' && dash[2] && in_charset(dash + 2, DIGITS);
}

static int compare_names(const void *a, const void *b) {
        return strcmp(*(char *const *) a, *(char *const *) b);
}

/* The "name"s of an array of objects, sorted. */
static int take_names(char ***names, json_object *answer) {
        size_t n = json_object_array_length(answer);
        _cleanup_strv_ char **l = calloc(n + 1, sizeof(char *));

        if (!l)
                return -ENOMEM;
        for (size_t i = 0; i < n; i++) {
                const char *name = get_string(json_object_array_get_idx(answer, i), "name");
                if (!name)
                        return -EBADMSG;
                l[i] = strdup(name);
                if (!l[i])
                        return -ENOMEM;
        }
        qsort(l, n, sizeof(char *), compare_names);
        *names = TAKE_PTR(l);
        return 0;
}

/* Machines name the type of their default CPU ("qemu64-x86_64-cpu"); what is wanted is its model ("qemu64"). */
static int name_default_cpus(QemuCaps *c, const char *type, const char *model) {
        FOREACH_ARRAY(m, c->machines, c->n_machines)
                if (streq_ptr(m->default_cpu, type) && free_and_strdup(&m->default_cpu, model) < 0)
                        return -ENOMEM;
        return 0;
}

static int take_gap(QemuHostCpu *cpu, json_object *definition) {
        const char *name = get_string(definition, "name");
        json_object *missing;

        if (!name || is_version(name) || !json_object_object_get_ex(definition, "unavailable-features", &missing) ||
            !json_object_is_type(missing, json_type_array))
                return 0;
        QemuCpuGap gap = {};
        size_t n = json_object_array_length(missing);
        for (size_t i = 0; i < n && i < FEATURES_MAX; i++) {
                const char *f = json_object_get_string(json_object_array_get_idx(missing, i));
                if (f && qemu_cpu_property_is_feature(f) && !strv_contains(gap.missing, f) &&
                    strv_extend(&gap.missing, f) < 0)
                        goto no_memory;
        }
        if (!gap.missing)
                return 0;
        strv_sort(gap.missing);
        gap.model = strdup(name);
        if (!gap.model || !ARRAY_GROW(cpu->gaps, cpu->n_gaps))
                goto no_memory;
        cpu->gaps[cpu->n_gaps++] = gap;
        return 0;
no_memory:
        free(gap.model);
        strv_free(gap.missing);
        return -ENOMEM;
}

static int take_gaps(QemuHostCpu *cpu, json_object *answer) {
        size_t n = json_object_array_length(answer);
        int r = 0;

        for (size_t i = 0; r >= 0 && i < n; i++)
                r = take_gap(cpu, json_object_array_get_idx(answer, i));
        return r;
}

static int take_cpus(QemuCaps *c, json_object *answer) {
        size_t n = json_object_array_length(answer);

        int r = take_names(&c->cpu_models, answer);
        if (r >= 0 && is_x86(c))
                r = take_gaps(&c->tcg_cpu, answer);
        for (size_t i = 0; r >= 0 && i < n; i++) {
                json_object *o = json_object_array_get_idx(answer, i);
                const char *type = get_string(o, "typename");
                if (type)
                        r = name_default_cpus(c, type, get_string(o, "name"));
        }
        return r;
}

static int take_types(QemuCaps *c, json_object *answer) {
        return take_names(&c->types, answer);
}

static int take_commands(QemuCaps *c, json_object *answer) {
        return take_names(&c->commands, answer);
}

/* --- the processor --- */

/* All properties of a model, as the accelerator at hand has them. RET owns the object. */
static int expand(Query *q, const char *model, bool migratable, json_object **ret) {
        json_object *answer = NULL, *m, *props;

        if (!in_charset(model, ALPHANUMERICAL "_.+-"))
                return -EREMOTEIO;
        _cleanup_free_ char *arguments = strf("{\"type\":\"full\",\"model\":{\"name\":\"%s\"%s}}", model,
                                              migratable ? ",\"props\":{\"migratable\":true}" : "");
        if (!arguments)
                return -ENOMEM;
        int r = call(q, "query-cpu-model-expansion", arguments, &answer);
        if (r < 0)
                return r;
        if (json_object_is_type(answer, json_type_object) && json_object_object_get_ex(answer, "model", &m) &&
            json_object_is_type(m, json_type_object) && json_object_object_get_ex(m, "props", &props) &&
            json_object_is_type(props, json_type_object) && json_object_object_length(props) <= PROPERTIES_MAX)
                *ret = json_object_get(props);
        else
                r = -EBADMSG;
        json_object_put(answer);
        return r;
}

/* How many features are different. */
static unsigned count_differences(json_object *a, json_object *b) {
        unsigned n = 0;

        json_object_object_foreach(a, key, value)
                n += json_object_is_type(value, json_type_boolean) && qemu_cpu_property_is_feature(key) &&
                        (bool) json_object_get_boolean(value) != get_bool(b, key);
        return n;
}

static bool same_number(json_object *a, json_object *b, const char *key) {
        return get_u64(a, key) == get_u64(b, key);
}

typedef struct Candidate {
        const char *name;
        json_object *props; /* owned */
        bool signature; /* it is of the same family and model */
        unsigned differences;
} Candidate;

/* As libvirt does: of the same make; the real processor's own model if there is one; else the nearest. */
static bool is_better(const Candidate *a, const Candidate *b) {
        if (!b->name)
                return true;
        if (a->signature != b->signature)
                return a->signature;
        return a->differences < b->differences;
}

static int find_nearest(Query *q, const QemuCaps *c, json_object *host, bool real, Candidate *ret) {
        STRV_FOREACH(model, c->cpu_models) {
                Candidate next = { .name = *model };

                if (is_version(*model) || streq(*model, "host") || streq(*model, "max") || streq(*model, "base"))
                        continue;
                int r = expand(q, *model, false, &next.props);
                if (r == -EREMOTEIO)
                        continue;
                if (r < 0)
                        return r;
                next.differences = count_differences(host, next.props);
                next.signature = real && same_number(host, next.props, "family") && same_number(host, next.props, "model");
                if (streq_ptr(get_string(host, "vendor"), get_string(next.props, "vendor")) && is_better(&next, ret)) {
                        json_object_put(ret->props);
                        *ret = next;
                } else
                        json_object_put(next.props);
        }
        return 0;
}

static int take_host_cpu(QemuHostCpu *cpu, json_object *host, const Candidate *nearest) {
        int r = 0;

        json_object_object_foreach(host, key, value) {
                if (!json_object_is_type(value, json_type_boolean) || !qemu_cpu_property_is_feature(key))
                        continue;
                bool has = json_object_get_boolean(value), model_has = get_bool(nearest->props, key);
                if (has)
                        r = strv_extend(&cpu->features, key);
                if (r >= 0 && has != model_has)
                        r = strv_extend(has ? &cpu->on : &cpu->off, key);
                if (r < 0)
                        return r;
        }
        strv_sort(cpu->features);
        strv_sort(cpu->on);
        strv_sort(cpu->off);
        r = copy_optional(&cpu->model, nearest->name);
        return r < 0 ? r : copy_optional(&cpu->vendor, get_string(host, "vendor"));
}

static int take_features(QemuCaps *c, json_object *props) {
        json_object_object_foreach(props, key, value)
                if (json_object_is_type(value, json_type_boolean) && qemu_cpu_property_is_feature(key) &&
                    strv_extend(&c->cpu_features, key) < 0)
                        return -ENOMEM;
        strv_sort(c->cpu_features);
        return 0;
}

/* NAME is the model that has all there is. An emulator that cannot tell is no error. */
static int ask_host_cpu(Query *q, QemuCaps *c, const char *name, bool real, QemuHostCpu *cpu) {
        Candidate nearest = {};
        json_object *host = NULL;

        int r = expand(q, name, true, &host);
        if (r < 0)
                return r == -EREMOTEIO ? 0 : r;
        if (!c->cpu_features)
                r = take_features(c, host);
        if (r >= 0)
                r = find_nearest(q, c, host, real, &nearest);
        if (r >= 0 && nearest.name)
                r = take_host_cpu(cpu, host, &nearest);
        json_object_put(nearest.props);
        json_object_put(host);
        return r;
}

typedef struct Question {
        const char *command, *arguments;
        json_type type;
        bool optional; /* some targets do not have it */
        int (*take)(QemuCaps *c, json_object *answer);
} Question;

static const Question questions[] = {
        { "query-version", NULL, json_type_object, false, take_version },
        { "query-target", NULL, json_type_object, false, take_target },
        { "query-commands", NULL, json_type_array, false, take_commands },
        { "query-kvm", NULL, json_type_object, true, take_kvm },
        { "query-machines", NULL, json_type_array, false, take_machines },
        { "query-cpu-definitions", NULL, json_type_array, true, take_cpus },
        { "qom-list-types", "{\"abstract\":false}", json_type_array, false, take_types },
};

static int ask(Query *q, const Question *question, QemuCaps *c) {
        json_object *answer = NULL;

        int r = call(q, question->command, question->arguments, &answer);
        if (r < 0)
                return r == -EREMOTEIO && question->optional ? 0 : r;
        if (!json_object_is_type(answer, question->type) ||
            (question->type == json_type_array && json_object_array_length(answer) > ITEMS_MAX))
                r = -EBADMSG;
        else
                r = question->take(c, answer);
        json_object_put(answer);
        return r;
}

static int greet(Query *q) {
        json_object *greeting;

        int r = receive(q, &greeting);
        if (r < 0)
                return r;
        r = json_object_object_get_ex(greeting, "QMP", NULL) ? 0 : -EBADMSG;
        json_object_put(greeting);
        return r < 0 ? r : call(q, "qmp_capabilities", NULL, NULL);
}

int qemu_query_kvm_cpu(int fd, uint64_t deadline_usec, QemuCaps *c) {
        Query q = { .fd = fd, .deadline = deadline_usec };
        json_object *answer = NULL;

        int r = greet(&q);
        if (r >= 0)
                r = call(&q, "query-cpu-definitions", NULL, &answer);
        if (r >= 0 && !json_object_is_type(answer, json_type_array))
                r = -EBADMSG;
        if (r >= 0)
                r = take_gaps(&c->kvm_cpu, answer);
        json_object_put(answer);
        if (r >= 0)
                r = ask_host_cpu(&q, c, "host", true, &c->kvm_cpu);
        free(q.buffer);
        if (r < 0)
                qemu_host_cpu_done(&c->kvm_cpu);
        return r;
}

int qemu_query_caps(int fd, uint64_t deadline_usec, QemuCaps **ret) {
        _cleanup_(qemu_caps_freep) QemuCaps *c = qemu_caps_new();
        Query q = { .fd = fd, .deadline = deadline_usec };

        if (!c)
                return -ENOMEM;
        int r = greet(&q);
        for (size_t i = 0; r >= 0 && i < ELEMENTSOF(questions); i++)
                r = ask(&q, &questions[i], c);
        if (r >= 0 && is_x86(c))
                r = ask_host_cpu(&q, c, "max", false, &c->tcg_cpu);
        free(q.buffer);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(c);
        return 0;
}
