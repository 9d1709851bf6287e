/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <regex.h>
#include <signal.h>
#include <systemd/sd-daemon.h>
#include <time.h>

#include "cli-common.h"
#include "events.h"
#include "json-member.h"
#include "string-util.h"
#include "time-util.h"

/* event, events, qemu-monitor-event */

#define DATA_DEPTH_MAX 64

typedef struct EventLoop {
        Cli *cli;
        sd_event *event;   /* owned */
        VmEvents *events;  /* owned */
        bool loop, timestamp, json, pretty;
        unsigned count;
        const char *end;   /* what virsh says of it; NULL: nothing */
        bool failed, over;
        regex_t *pattern;  /* of QEMU's events; NULL: all of them, or NAME */
        const char *name;
        bool no_case;
} EventLoop;

/* --- the loop --- */

static void finish(EventLoop *l, const char *end) {
        l->over = true;
        l->end = end;
        (void) sd_event_exit(l->event, 0);
}

/* True when one more is to be printed. */
static bool begin_line(EventLoop *l) {
        if (l->over)
                return false;
        l->count++;
        return true;
}

static void end_line(EventLoop *l) {
        /* Whoever reads it reads it now. */
        if (fflush(l->cli->out) != 0)
                l->failed = true;
        if (!l->loop || l->failed)
                finish(l, NULL);
}

static int on_signal(sd_event_source *source, const struct signalfd_siginfo *si, void *userdata) {
        finish(userdata, "event loop interrupted");
        return 0;
}

static int on_timeout(sd_event_source *source, uint64_t usec, void *userdata) {
        finish(userdata, "event loop timed out");
        return 0;
}

static void on_ready(void *userdata) {
        (void) sd_notify(0, "READY=1\nSTATUS=listening");
}

static void on_failed(const char *name, int r, void *userdata) {
        EventLoop *l = userdata;

        if (l->over)
                return;
        l->failed = true;
        cli_error(l->cli, "access denied: only root may control domain '%s'", name);
        finish(l, NULL);
}

static void on_gap(const char *name, void *userdata) {
        EventLoop *l = userdata;

        if (l->over)
                return;
        if (l->json) {
                json_object *o = json_object_new_object();
                struct timespec now;
                (void) clock_gettime(CLOCK_REALTIME, &now);
                json_object_object_add(o, "usec", json_object_new_int64((int64_t) now.tv_sec * 1000000 + now.tv_nsec / 1000));
                json_object_object_add(o, "domain", json_object_new_string(name));
                json_object_object_add(o, "event", json_object_new_string("gap"));
                cli_print_json(l->cli, o, false, "\n");
                json_object_put(o);
                (void) fflush(l->cli->out);
        } else
                fprintf(l->cli->err, "warning: domain '%s': events may have been lost\n", name);
}

static void event_loop_done(EventLoop *l) {
        vm_events_free(l->events);
        if (l->pattern)
                regfree(l->pattern);
        free(l->pattern);
        sd_event_unref(l->event);
}

static int read_timeout(Cli *cli, const Command *c, uint64_t *ret_usec) {
        int seconds = 0;

        *ret_usec = UINT64_MAX;
        int r = command_get_int(cli, c, "timeout", &seconds);
        if (r <= 0)
                return r;
        if (seconds < 1 || seconds > INT32_MAX / 1000)
                return cli_error(cli, "Numeric value '%s' for <timeout> option is malformed or out of range",
                                 command_get(c, "timeout"));
        *ret_usec = (uint64_t) seconds * USEC_PER_SEC;
        return 0;
}

static int prepare(EventLoop *l, uint64_t timeout_usec) {
        static const int signals[] = { SIGINT, SIGTERM };
        sigset_t mask;

        sigemptyset(&mask);
        for (size_t i = 0; i < ELEMENTSOF(signals); i++)
                sigaddset(&mask, signals[i]);
        int r = sigprocmask(SIG_BLOCK, &mask, NULL) < 0 ? -errno : sd_event_new(&l->event);
        for (size_t i = 0; r >= 0 && i < ELEMENTSOF(signals); i++)
                r = sd_event_add_signal(l->event, NULL, signals[i], on_signal, l);
        if (r >= 0 && timeout_usec != UINT64_MAX)
                r = sd_event_add_time_relative(l->event, NULL, CLOCK_MONOTONIC, timeout_usec, 0, on_timeout, l);
        return r < 0 ? cli_error(l->cli, "cannot wait for events: %s", strerror(-r)) : 0;
}

/* Runs until there is an end. REQUEST lacks what is the same for all. */
static int run(EventLoop *l, VmEventsRequest *request, uint64_t timeout_usec) {
        _cleanup_diag_ Diag diag = {};

        if (prepare(l, timeout_usec) < 0)
                return -1;
        request->gap = on_gap;
        request->ready = on_ready;
        request->failed = on_failed;
        request->userdata = l;
        int r = vm_events_new(l->cli->manager, l->event, request, &diag, &l->events);
        if (r < 0)
                return cli_error_reason(l->cli, r, &diag);
        if (!l->over)
                r = sd_event_loop(l->event);
        if (r < 0)
                return cli_error(l->cli, "cannot wait for events: %s", strerror(-r));
        return l->failed ? -1 : 0;
}

static int conclude(EventLoop *l) {
        if (l->end)
                cli_print(l->cli, "%s\n", l->end);
        cli_print(l->cli, "events received: %u\n", l->count);
        return l->count > 0 ? 0 : -1;
}

/* "2023-02-01 12:00:00.123+0000" */
static void print_timestamp(EventLoop *l) {
        struct timespec now;
        char text[32];
        struct tm tm;

        (void) clock_gettime(CLOCK_REALTIME, &now);
        if (gmtime_r(&now.tv_sec, &tm) && strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S", &tm) > 0)
                cli_print(l->cli, "%s.%03ld+0000: ", text, now.tv_nsec / 1000000);
}

/* --- texts --- */

/* Words that may have come from QEMU or its guest. */
static void print_word(EventLoop *l, const char *before, json_object *o, const char *key) {
        _cleanup_free_ char *word = string_printable(strempty(json_member_string(o, key)));

        cli_print(l->cli, "%s%s", before, strempty(word));
}

static void print_number(EventLoop *l, const char *before, json_object *o, const char *key) {
        cli_print(l->cli, "%s%lld", before, (long long) json_object_get_int64(json_object_object_get(o, key)));
}

static void print_nothing(EventLoop *l, json_object *o) {
        cli_print(l->cli, "\n");
}

static void print_lifecycle(EventLoop *l, json_object *o) {
        print_word(l, ": ", o, "type");
        print_word(l, " ", o, "detail");
        cli_print(l->cli, "\n");
}

static void print_rtc(EventLoop *l, json_object *o) {
        print_number(l, ": ", o, "offset");
        cli_print(l->cli, "\n");
}

static void print_action(EventLoop *l, json_object *o) {
        print_word(l, ": ", o, "action");
        cli_print(l->cli, "\n");
}

static void print_error(EventLoop *l, json_object *o) {
        print_word(l, ": ", o, "path");
        print_word(l, " (", o, "disk");
        print_word(l, ") ", o, "action");
        if (json_object_object_get(o, "reason"))
                print_word(l, " due to ", o, "reason");
        cli_print(l->cli, "\n");
}

static void print_end(EventLoop *l, const char *which, json_object *o) {
        print_word(l, which, o, "family");
        print_word(l, " ", o, "address");
        print_word(l, " ", o, "service");
        cli_print(l->cli, "]");
}

static void print_graphics(EventLoop *l, json_object *o) {
        json_object *identities = json_object_object_get(o, "identities");

        print_word(l, ": ", o, "phase");
        print_end(l, " local[", json_object_object_get(o, "local"));
        print_end(l, " remote[", json_object_object_get(o, "remote"));
        print_word(l, " ", o, "auth");
        cli_print(l->cli, "\n");
        for (size_t i = 0; identities && i < json_object_array_length(identities); i++) {
                json_object *identity = json_object_array_get_idx(identities, i);
                print_word(l, "\t", identity, "type");
                print_word(l, "=", identity, "name");
                cli_print(l->cli, "\n");
        }
}

static void print_tray(EventLoop *l, json_object *o) {
        print_word(l, " disk ", o, "disk");
        print_word(l, ": ", o, "change");
        cli_print(l->cli, "\n");
}

static void print_balloon(EventLoop *l, json_object *o) {
        print_number(l, ": ", o, "memory_kib");
        cli_print(l->cli, "KiB\n");
}

static void print_device(EventLoop *l, json_object *o) {
        print_word(l, ": ", o, "device");
        cli_print(l->cli, "\n");
}

static void print_agent(EventLoop *l, json_object *o) {
        print_word(l, ": state: '", o, "state");
        print_word(l, "' reason: '", o, "reason");
        cli_print(l->cli, "'\n");
}

static void print_iteration(EventLoop *l, json_object *o) {
        print_number(l, ": iteration: '", o, "iteration");
        cli_print(l->cli, "'\n");
}

static void print_job(EventLoop *l, json_object *o) {
        cli_print(l->cli, ":\n");
        cli_print_job(l->cli, "\t", o);
}

static void print_metadata(EventLoop *l, json_object *o) {
        print_word(l, ": type ", o, "type");
        if (json_member_string(o, "uri"))
                print_word(l, ", uri ", o, "uri");
        else
                cli_print(l->cli, ", uri <null>");
        cli_print(l->cli, "\n");
}

static void print_memory_failure(EventLoop *l, json_object *o) {
        print_word(l, ":\nrecipient: ", o, "recipient");
        print_word(l, "\naction: ", o, "action");
        cli_print(l->cli, "\nflags:\n\taction required: %d\n\trecursive: %d\n",
                  json_object_get_boolean(json_object_object_get(o, "action_required")),
                  json_object_get_boolean(json_object_object_get(o, "recursive")));
}

static void print_memory_size(EventLoop *l, json_object *o) {
        print_word(l, ":\nalias: ", o, "device");
        print_number(l, "\nsize: ", o, "size_kib");
        cli_print(l->cli, "\n");
}

/* What is behind "event 'NAME' for domain 'DOMAIN'". Those that never occur have no row. */
static void (*const printers[_VM_EVENT_MAX])(EventLoop *l, json_object *o) = {
        [VM_EVENT_LIFECYCLE] = print_lifecycle,
        [VM_EVENT_REBOOT] = print_nothing,
        [VM_EVENT_RTC_CHANGE] = print_rtc,
        [VM_EVENT_WATCHDOG] = print_action,
        [VM_EVENT_IO_ERROR] = print_error,
        [VM_EVENT_GRAPHICS] = print_graphics,
        [VM_EVENT_IO_ERROR_REASON] = print_error,
        [VM_EVENT_CONTROL_ERROR] = print_nothing,
        [VM_EVENT_TRAY_CHANGE] = print_tray,
        [VM_EVENT_PM_WAKEUP] = print_nothing,
        [VM_EVENT_PM_SUSPEND] = print_nothing,
        [VM_EVENT_BALLOON_CHANGE] = print_balloon,
        [VM_EVENT_PM_SUSPEND_DISK] = print_nothing,
        [VM_EVENT_DEVICE_REMOVED] = print_device,
        [VM_EVENT_AGENT_LIFECYCLE] = print_agent,
        [VM_EVENT_MIGRATION_ITERATION] = print_iteration,
        [VM_EVENT_JOB_COMPLETED] = print_job,
        [VM_EVENT_DEVICE_REMOVAL_FAILED] = print_device,
        [VM_EVENT_METADATA_CHANGE] = print_metadata,
        [VM_EVENT_MEMORY_FAILURE] = print_memory_failure,
        [VM_EVENT_MEMORY_DEVICE_SIZE_CHANGE] = print_memory_size,
};

static void print_json(EventLoop *l, const char *name, VmEventKind kind, uint64_t usec, json_object *fields) {
        json_object *o = json_object_new_object();

        json_object_object_add(o, "usec", json_object_new_int64((int64_t) usec));
        json_object_object_add(o, "domain", json_object_new_string(name));
        json_object_object_add(o, "event", json_object_new_string(vm_event_kinds[kind].name));
        json_object_object_foreach(fields, key, value)
                json_object_object_add(o, key, json_object_get(value));
        cli_print_json(l->cli, o, false, "\n");
        json_object_put(o);
}

static void on_event(const char *name, VmEventKind kind, uint64_t usec, json_object *fields, void *userdata) {
        EventLoop *l = userdata;

        if (!printers[kind] || !begin_line(l))
                return;
        if (l->json)
                print_json(l, name, kind, usec, fields);
        else {
                if (l->timestamp)
                        print_timestamp(l);
                cli_print(l->cli, "event '%s' for domain '%s'", vm_event_kinds[kind].name, name);
                printers[kind](l, fields);
        }
        end_line(l);
}

/* --- the verbs --- */

/* The VM that was named, if one was. */
static int lookup(Cli *cli, const Command *c, Vm *ret) {
        return command_has(c, "domain") ? cli_lookup(cli, c, VM_BY_ANY, ret, NULL) : 0;
}

static int find_kind(Cli *cli, const char *name, uint64_t *ret) {
        for (size_t i = 0; i < _VM_EVENT_MAX; i++) {
                if (!streq(vm_event_kinds[i].name, name))
                        continue;
                if (vm_event_kinds[i].never)
                        fprintf(cli->err, "warning: event '%s' does not occur: %s\n", name, vm_event_kinds[i].never);
                *ret = VM_EVENTS_OF(i);
                return 0;
        }
        return cli_error(cli, "unknown event type %s", name);
}

static int verb_event(Cli *cli, const Command *c) {
        _cleanup_(event_loop_done) EventLoop l = {
                .cli = cli, .loop = command_has(c, "loop"), .timestamp = command_has(c, "timestamp"),
        };
        VmEventsRequest request = { .kinds = VM_EVENTS_ALL, .event = on_event };
        _cleanup_vm_ Vm vm = {};
        const char *name;
        uint64_t timeout;

        if (command_exclusive(cli, c, "all", "event") < 0 || command_exclusive(cli, c, "list", "all") < 0 ||
            command_exclusive(cli, c, "list", "event") < 0)
                return -1;
        if (command_has(c, "list")) {
                for (size_t i = 0; i < _VM_EVENT_MAX; i++)
                        cli_print(cli, "%s\n", vm_event_kinds[i].name);
                return 0;
        }
        if (command_get_nonempty(cli, c, "event", &name) < 0)
                return -1;
        if (!name && !command_has(c, "all"))
                return cli_error(cli, "one of --list, --all, or --event <type> is required");
        if ((name && find_kind(cli, name, &request.kinds) < 0) || read_timeout(cli, c, &timeout) < 0 || lookup(cli, c, &vm) < 0)
                return -1;
        request.name = vm.name;
        return run(&l, &request, timeout) < 0 ? -1 : conclude(&l);
}

static int verb_events(Cli *cli, const Command *c) {
        _cleanup_(event_loop_done) EventLoop l = { .cli = cli, .loop = true, .timestamp = true, .json = command_has(c, "json") };
        VmEventsRequest request = { .kinds = VM_EVENTS_ALL, .event = on_event };
        _cleanup_vm_ Vm vm = {};
        uint64_t timeout;

        if (read_timeout(cli, c, &timeout) < 0 || lookup(cli, c, &vm) < 0)
                return -1;
        request.name = vm.name;
        return run(&l, &request, timeout);
}

static bool is_wanted(const EventLoop *l, const char *event) {
        if (l->pattern)
                return regexec(l->pattern, event, 0, NULL, 0) == 0;
        return !l->name || (l->no_case ? strcasecmp(l->name, event) == 0 : streq(l->name, event));
}

static void on_qemu_event(const char *name, const char *event, uint64_t usec, const char *data, void *userdata) {
        EventLoop *l = userdata;

        if (!is_wanted(l, event) || !begin_line(l))
                return;
        if (l->timestamp) {
                print_timestamp(l);
                cli_print(l->cli, "event %s for domain '%s': ", event, name);
        } else
                cli_print(l->cli, "event %s at %llu.%06u for domain '%s': ", event, (unsigned long long) (usec / USEC_PER_SEC),
                          (unsigned) (usec % USEC_PER_SEC), name);
        json_object *o = *data ? json_parse(data, DATA_DEPTH_MAX) : NULL;
        if (o)
                cli_print_json(l->cli, o, l->pretty, "\n");
        else
                cli_print(l->cli, "<null>\n");
        json_object_put(o);
        end_line(l);
}

static int compile(EventLoop *l) {
        char text[256];

        l->pattern = calloc(1, sizeof(regex_t));
        if (!l->pattern)
                return cli_error(l->cli, "out of memory");
        int k = regcomp(l->pattern, l->name, REG_EXTENDED | REG_NOSUB | (l->no_case ? REG_ICASE : 0));
        if (k == 0)
                return 0;
        (void) regerror(k, l->pattern, text, sizeof(text));
        free(l->pattern);
        l->pattern = NULL;
        return cli_error(l->cli, "invalid argument: failed to compile regex '%s': %s", l->name, text);
}

static int verb_qemu_event(Cli *cli, const Command *c) {
        _cleanup_(event_loop_done) EventLoop l = {
                .cli = cli, .loop = command_has(c, "loop"), .timestamp = command_has(c, "timestamp"),
                .pretty = command_has(c, "pretty"), .no_case = command_has(c, "no-case"),
        };
        VmEventsRequest request = { .qemu = true, .event = on_event, .qemu_event = on_qemu_event };
        _cleanup_vm_ Vm vm = {};
        uint64_t timeout;

        if (command_get_nonempty(cli, c, "event", &l.name) < 0 || read_timeout(cli, c, &timeout) < 0 || lookup(cli, c, &vm) < 0 ||
            (l.name && command_has(c, "regex") && compile(&l) < 0))
                return -1;
        request.name = vm.name;
        return run(&l, &request, timeout) < 0 ? -1 : conclude(&l);
}

#define TIMEOUT_ROW { .name = "timeout", .type = OPTION_INT, .help = "timeout seconds" }
#define DOMAIN_ROW { .name = "domain", .type = OPTION_STRING, .hint = HINT_DOMAIN, .help = "filter by domain name, id or uuid" }
#define LOOP_ROW OPTION_FLAG("loop", "loop until timeout or interrupt, rather than one-shot")
#define TIMESTAMP_ROW OPTION_FLAG("timestamp", "show timestamp for each printed event")

static const Option event_options[] = {
        DOMAIN_ROW,
        { .name = "event", .type = OPTION_STRING, .help = "which event type to wait for",
          .words = "lifecycle|reboot|rtc-change|watchdog|io-error|graphics|io-error-reason|control-error|block-job|disk-change|"
                   "tray-change|pm-wakeup|pm-suspend|balloon-change|pm-suspend-disk|device-removed|block-job-2|tunable|"
                   "agent-lifecycle|device-added|migration-iteration|job-completed|device-removal-failed|metadata-change|"
                   "block-threshold|memory-failure|memory-device-size-change" },
        OPTION_FLAG("all", "wait for all events instead of just one type"),
        LOOP_ROW,
        TIMEOUT_ROW,
        OPTION_FLAG("list", "list valid event types"),
        TIMESTAMP_ROW,
        OPTIONS_END,
};
static const Option events_options[] = {
        DOMAIN_ROW,
        OPTION_FLAG("json", "one JSON object per line"),
        TIMEOUT_ROW,
        OPTIONS_END,
};
static const Option qemu_event_options[] = {
        DOMAIN_ROW,
        { .name = "event", .type = OPTION_STRING, .help = "filter by event name" },
        OPTION_FLAG("pretty", "pretty-print any JSON output"),
        LOOP_ROW,
        TIMEOUT_ROW,
        OPTION_FLAG("regex", "treat event as a regex rather than literal filter"),
        OPTION_FLAG("no-case", "treat event case-insensitively"),
        TIMESTAMP_ROW,
        OPTIONS_END,
};

static const Verb event_verbs[] = {
        { "event", GROUP_EVENTS, verb_event, event_options, "Domain Events", "List event types, or wait for domain events to occur" },
        { "events", GROUP_EVENTS, verb_events, events_options, "all events as they happen",
          "Print what happens to machines, until interrupted", .plain = true },
        { "qemu-monitor-event", GROUP_DOMAIN, verb_qemu_event, qemu_event_options, "QEMU Monitor Events",
          "Listen for QEMU Monitor Events" },
};
DEFINE_VERB_TABLE(event);
