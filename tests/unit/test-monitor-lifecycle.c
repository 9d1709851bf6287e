/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "guest-event.h"
#include "lifecycle.h"
#include "parse-util.h"
#include "string-util.h"
#include "strv.h"
#include "text.h"

/* A case is a configuration and pairs of an input and the steps that must come of it, both as words:
 *
 *   [@SECONDS] attach STATUS [reboot] [paused] [saving] [again] [was=STATE/REASON]
 *   [@SECONDS] event NAME [CAUSE] [guest] [pauses]
 *   [@SECONDS] request NAME [acpi|agent] [live] [memory] [crash] [then-reset] [SECONDS]
 *   [@SECONDS] timer | failed | saved | save-failed | restored
 *
 * Steps: their names in small letters, "?" behind an optional one, state and reason in parentheses, text in
 * quotes. "!text" is a refusal, "" no step at all. */
#define PAIRS_MAX 12
typedef struct Case {
        const char *config;
        const char *pairs[PAIRS_MAX][2];
} Case;

static const char *const step_names[_STEP_MAX] = {
        [STEP_SET_ACTIONS] = "set-actions", [STEP_PREPARE_GUEST] = "prepare", [STEP_CONT] = "cont",
        [STEP_STOP] = "stop",               [STEP_RESET] = "reset",           [STEP_POWERDOWN] = "powerdown",
        [STEP_WAKEUP] = "wakeup",           [STEP_QUIT] = "quit",             [STEP_ALLOW_RESET] = "allow-reset",
        [STEP_NOTE_REBOOT] = "note-reboot", [STEP_FORGET_REBOOT] = "forget-reboot",
        [STEP_NOTE_PAUSED] = "note-paused", [STEP_FORGET_PAUSED] = "forget-paused",
        [STEP_AGENT_SHUTDOWN] = "agent-shutdown", [STEP_AGENT_REBOOT] = "agent-reboot",
        [STEP_TELL_STATE] = "state",        [STEP_TELL_READY] = "ready",      [STEP_TELL_RESTART] = "restart",
        [STEP_TELL_ENDING] = "ending",      [STEP_LOG] = "log",
        [STEP_NOTE_SAVING] = "note-saving", [STEP_FORGET_SAVING] = "forget-saving",
        [STEP_SAVE] = "save",               [STEP_ABANDON_SAVE] = "abandon-save",
        [STEP_RESTORE] = "restore",         [STEP_MARK_USED] = "mark-used",
        [STEP_MARK_UNUSED] = "mark-unused",
};

static const char *const request_names[_REQUEST_MAX] = {
        [REQUEST_SUSPEND] = "suspend", [REQUEST_RESUME] = "resume", [REQUEST_SHUTDOWN] = "shutdown",
        [REQUEST_REBOOT] = "reboot",   [REQUEST_RESET] = "reset",   [REQUEST_STOP] = "stop",
        [REQUEST_SAVE] = "save",       [REQUEST_SAVE_END] = "save-end", [REQUEST_SAVE_ABORT] = "save-abort",
        [REQUEST_DUMP] = "dump",       [REQUEST_DUMP_END] = "dump-end", [REQUEST_QUIT] = "quit",
};

static char *render(const LifecycleOutput *out) {
        Text t = {};
        char *s;

        if (out->refusal)
                text_appendf(&t, "!%s", out->refusal);
        FOREACH_ARRAY(i, out->steps, out->n_steps) {
                text_appendf(&t, "%s%s%s", t.length > 0 ? " " : "", step_names[i->type], i->optional ? "?" : "");
                if (i->type == STEP_TELL_STATE)
                        text_appendf(&t, "(%s/%s)", domain_state_to_string(i->state), domain_reason_to_string(i->reason));
                if (i->type == STEP_TELL_ENDING)
                        text_appendf(&t, "(%s)%s", domain_reason_to_string(i->reason), i->patient ? "patient" : "");
                if (i->text[0])
                        text_appendf(&t, "'%s'", i->text);
        }
        assert_int_equal(text_finish(&t, &s), 0);
        return s;
}

static void configure(Lifecycle *lc, const char *config) {
        _cleanup_strv_ char **words = NULL;

        *lc = (Lifecycle) { .on_poweroff = ACTION_DESTROY, .on_reboot = ACTION_RESTART, .on_crash = ACTION_DESTROY };
        assert_int_equal(strv_split(config, " ", &words), 0);
        STRV_FOREACH(w, words) {
                const char *v;
                if ((v = startswith(*w, "poweroff=")))
                        lc->on_poweroff = lifecycle_action_from_string(v);
                else if ((v = startswith(*w, "reboot=")))
                        lc->on_reboot = lifecycle_action_from_string(v);
                else if ((v = startswith(*w, "crash=")))
                        lc->on_crash = lifecycle_action_from_string(v);
                else if (streq(*w, "paused"))
                        lc->start_paused = true;
                else if (streq(*w, "agent"))
                        lc->has_agent = true;
                else if (streq(*w, "restores"))
                        lc->restores = true;
                else if (streq(*w, "watchdog-dumps"))
                        lc->watchdog_dumps = true;
                else
                        fail_msg("what is '%s'?", *w);
        }
        assert_true(lc->on_poweroff > 0 && lc->on_reboot > 0 && lc->on_crash > 0);
        lifecycle_init(lc);
}

static void parse_attach_word(LifecycleInput *in, const char *w) {
        const char *was = startswith(w, "was=");

        if (streq(w, "reboot"))
                in->note_reboot = true;
        else if (streq(w, "saving"))
                in->note_saving = true;
        else if (streq(w, "again"))
                in->again = true;
        else if (streq(w, "paused") && in->status != GUEST_UNKNOWN)
                in->note_paused = true;
        else if (was) {
                char line[DOMAIN_STATE_LINE];
                memset(line, ' ', sizeof(line));
                memcpy(line, was, strlen(was));
                for (char *blank; (blank = memchr(line, '+', sizeof(line)));)
                        *blank = ' ';
                line[sizeof(line) - 1] = '\n';
                assert_int_equal(domain_state_parse(line, sizeof(line), &in->remembered_state, &in->remembered_reason), 0);
        } else {
                in->status = guest_status_from_string(w);
                assert_true((int) in->status > 0);
        }
}

static void parse_event_word(LifecycleInput *in, const char *w) {
        if (streq(w, "guest"))
                in->guest_did = true;
        else if (streq(w, "pauses"))
                in->pauses = true;
        else if (in->event == EVENT_NONE) {
                in->event = guest_event_from_string(w);
                assert_true((int) in->event > 0);
        } else {
                in->cause = shutdown_cause_from_string(w);
                assert_true((int) in->cause >= 0);
        }
}

static void parse_request_word(LifecycleInput *in, const char *w) {
        unsigned u;

        if (streq(w, "acpi"))
                in->mode = POWER_ACPI;
        else if (streq(w, "agent"))
                in->mode = POWER_AGENT;
        else if (streq(w, "live"))
                in->live = true;
        else if (streq(w, "memory"))
                in->memory = true;
        else if (streq(w, "crash") || streq(w, "then-reset"))
                in->dump_end = streq(w, "crash") ? DUMP_CRASH : DUMP_RESET;
        else if (parse_uint(w, &u) >= 0)
                in->limit_usec = u * UINT64_C(1000000);
        else {
                for (unsigned i = 1; i < _REQUEST_MAX; i++)
                        if (streq(w, request_names[i]))
                                in->request = i;
                assert_true(in->request != REQUEST_NONE);
        }
}

#define EPOCH UINT64_C(1000000000)

static LifecycleInput parse_input(const char *s) {
        LifecycleInput in = { .now = EPOCH, .limit_usec = UINT64_MAX };
        _cleanup_strv_ char **words = NULL;

        assert_int_equal(strv_split(s, " ", &words), 0);
        STRV_FOREACH(w, words) {
                if (**w == '@')
                        in.now += (uint64_t) (strtod(*w + 1, NULL) * 1e6);
                else if (in.type == LIFECYCLE_ATTACHED)
                        parse_attach_word(&in, *w);
                else if (in.type == LIFECYCLE_EVENT)
                        parse_event_word(&in, *w);
                else if (in.type == LIFECYCLE_REQUEST)
                        parse_request_word(&in, *w);
                else if (streq(*w, "attach"))
                        in.type = LIFECYCLE_ATTACHED;
                else if (streq(*w, "event"))
                        in.type = LIFECYCLE_EVENT;
                else if (streq(*w, "request"))
                        in.type = LIFECYCLE_REQUEST;
                else if (streq(*w, "timer"))
                        in.type = LIFECYCLE_TIMER;
                else if (streq(*w, "failed"))
                        in.type = LIFECYCLE_FAILED;
                else if (streq(*w, "saved"))
                        in.type = LIFECYCLE_SAVED;
                else if (streq(*w, "save-failed"))
                        in.type = LIFECYCLE_SAVE_FAILED;
                else if (streq(*w, "restored"))
                        in.type = LIFECYCLE_RESTORED;
                else
                        fail_msg("what is '%s'?", *w);
        }
        assert_true(in.type > 0);
        return in;
}

static unsigned check(const Case *c) {
        unsigned bad = 0;
        Lifecycle lc;

        configure(&lc, c->config);
        for (unsigned i = 0; i < PAIRS_MAX && c->pairs[i][0]; i++) {
                LifecycleInput in = parse_input(c->pairs[i][0]);
                LifecycleOutput out;
                int r = lifecycle_input(&lc, &in, &out);
                _cleanup_free_ char *got = render(&out);
                assert_int_equal(r, out.refusal ? -EINVAL : 0);
                if (streq(got, c->pairs[i][1]))
                        continue;
                print_message("[%s] %s\n  expected: %s\n  got:      %s\n", c->config, c->pairs[i][0], c->pairs[i][1], got);
                bad++;
        }
        return bad;
}

static void check_all(const Case *cases, size_t n) {
        unsigned bad = 0;

        FOREACH_ARRAY(c, cases, n)
                bad += check(c);
        assert_int_equal(bad, 0);
}

#define START { "attach prelaunch", "set-actions? state(paused/starting up) prepare cont ready" }
#define RUN START, { "event RESUME", "state(running/booted)" }
#define ATTACH_RUNNING { "attach running", "set-actions? state(running/booted) ready" }

static const Case beginnings[] = {
        { "", { RUN } },
        { "paused", { { "attach prelaunch", "set-actions? prepare state(paused/user) ready" },
                      { "request resume", "cont" },
                      { "event RESUME", "state(running/unpaused)" } } },
        /* QEMU refuses to start the guest. */
        { "", { START, { "failed", "ending(failed) quit" }, { "failed", "" }, { "event SHUTDOWN host-qmp-quit", "" } } },
        /* A later monitor: what QEMU says counts, and what was said before is the reason. */
        { "", { ATTACH_RUNNING } },
        { "", { { "attach running was=running/unpaused", "set-actions? state(running/unpaused) ready" } } },
        { "", { { "attach running was=paused/user", "set-actions? state(running/booted) ready" } } },
        { "", { { "attach running paused", "set-actions? state(running/booted) forget-paused? ready" } } },
        { "", { { "attach paused", "set-actions? state(paused/user) ready" } } },
        { "", { { "attach paused was=running/booted", "set-actions? state(paused/user) ready" } } },
        { "", { { "attach paused was=paused/watchdog", "set-actions? state(paused/watchdog) ready" } } },
        { "", { { "attach io-error", "set-actions? state(paused/I/O error) ready" } } },
        { "", { { "attach watchdog", "set-actions? state(paused/watchdog) ready" } } },
        { "", { { "attach suspended", "set-actions? state(pmsuspended/unknown) ready" } } },
        { "", { { "attach internal-error", "set-actions? state(paused/unknown) ready" } } },
        { "", { { "attach inmigrate", "set-actions? state(paused/starting up) ready" } } },
        { "", { { "attach save-vm", "set-actions? state(paused/saving) ready" } } },
        { "", { { "attach guest-panicked",
                  "set-actions? state(crashed/panicked) log'guest panicked' ending(crashed) quit" } } },
        { "crash=preserve", { { "attach guest-panicked",
                                "set-actions? state(crashed/panicked) log'guest panicked: kept, as on_crash says' ready" } } },
        { "", { { "attach shutdown",
                  "set-actions? state(in shutdown/user) log'guest powered off' ending(shutdown) quit" } } },
        { "poweroff=restart", { { "attach shutdown",
                                  "set-actions? state(in shutdown/user) note-reboot? reset'guest powered off: "
                                  "starting it again' ready" },
                                { "event RESET", "forget-reboot? cont" },
                                { "event RESUME", "state(running/booted)" } } },
        /* Why it is shut down was said before, and nobody had read it. */
        { "poweroff=preserve reboot=destroy",
          { { "event SHUTDOWN guest-reset guest", "" },
            { "attach shutdown", "set-actions? state(in shutdown/user) log'guest rebooted: ending it, as on_reboot says' "
                                 "ending(shutdown) quit" } } },
        { "poweroff=preserve reboot=destroy",
          { { "event SHUTDOWN guest-shutdown guest", "" },
            { "attach shutdown", "set-actions? state(in shutdown/user) log'guest powered off: kept, as on_poweroff says' "
                                 "ready" } } },
        { "poweroff=preserve reboot=destroy",
          { { "event SHUTDOWN guest-reset guest", "" }, { "event RESET", "" }, { "event RESUME", "" },
            { "event SHUTDOWN guest-shutdown guest", "" },
            { "attach shutdown", "set-actions? state(in shutdown/user) log'guest powered off: kept, as on_poweroff says' "
                                 "ready" } } },
        /* In the middle of a reboot by ACPI: before the guest is off, after it, after the reset. */
        { "", { { "attach running reboot", "set-actions? state(running/booted) "
                  "powerdown?'asked the guest to power off for a reboot (ACPI)' ready" },
                { "event SHUTDOWN guest-shutdown guest",
                  "state(in shutdown/user) reset'guest powered off: starting it again'" },
                { "event STOP", "" },
                { "event RESET", "forget-reboot? cont" },
                { "event RESUME", "state(running/booted)" },
                { "event SHUTDOWN guest-shutdown guest",
                  "state(in shutdown/user) log'guest powered off' ending(shutdown) quit" } } },
        { "", { { "attach shutdown reboot",
                  "set-actions? state(in shutdown/user) reset'guest powered off: starting it again' ready" },
                { "event RESET", "forget-reboot? cont" } } },
        { "", { { "attach prelaunch reboot", "set-actions? forget-reboot? cont ready" },
                { "event RESUME", "state(running/booted)" } } },
        { "paused", { { "attach prelaunch reboot", "set-actions? forget-reboot? cont ready" } } },
        /* A guest that was reset while the user had paused it. */
        { "", { { "attach prelaunch paused", "set-actions? state(paused/user) ready" },
                { "request resume", "cont" },
                { "event RESUME", "state(running/unpaused) forget-paused?" } } },
        /* Before it is known how things stand, nothing is done. */
        { "", { { "request suspend", "!domain is not running" }, { "request stop", "!domain is not running" },
                { "event GUEST_PANICKED pauses", "" }, { "event STOP", "" }, { "timer", "" }, RUN } },
};

#define OFF "state(in shutdown/user) log'guest powered off' ending(shutdown) quit"
#define OFF_RESET "state(in shutdown/user) log'guest rebooted: ending it, as on_reboot says' ending(shutdown) quit"

static const Case ends[] = {
        { "", { RUN, { "event SHUTDOWN guest-shutdown guest", OFF }, { "event STOP", "" },
                { "event SHUTDOWN host-qmp-quit", "" }, { "request reset", "!domain is not running" },
                { "request stop 90", "!domain is not running" } } },
        { "poweroff=restart", { RUN,
                { "event SHUTDOWN guest-shutdown guest",
                  "state(in shutdown/user) note-reboot? reset'guest powered off: starting it again'" },
                { "event STOP", "" }, { "request reset", "" }, { "request reboot", "" },
                { "event RESET", "forget-reboot? cont" }, { "event RESUME", "state(running/booted)" } } },
        { "poweroff=restart reboot=destroy", { RUN,
                { "event SHUTDOWN guest-shutdown guest",
                  "state(in shutdown/user) note-reboot? allow-reset reset'guest powered off: starting it again'" },
                { "event RESET", "set-actions? forget-reboot? cont" } } },
        { "poweroff=restart", { RUN, { "event SHUTDOWN guest-shutdown guest",
                  "state(in shutdown/user) note-reboot? reset'guest powered off: starting it again'" },
                { "failed", "ending(failed) quit" } } },
        { "poweroff=preserve", { RUN,
                { "event SHUTDOWN guest-shutdown guest",
                  "state(in shutdown/user) log'guest powered off: kept, as on_poweroff says'" },
                { "request suspend", "!domain is not running" }, { "request resume", "!domain is not running" },
                { "request shutdown", "!domain is not running" },
                { "request reset", "note-paused? reset state(paused/user)" },
                { "event RESET", "" }, { "request resume", "cont" }, { "event RESUME", "state(running/unpaused) forget-paused?" } } },
        { "poweroff=preserve", { RUN,
                { "event SHUTDOWN guest-shutdown guest",
                  "state(in shutdown/user) log'guest powered off: kept, as on_poweroff says'" },
                { "request stop 90", "log'guest does not run: ending QEMU' ending(shutdown) quit" } } },
        { "", { RUN, { "event RESET guest", "log'guest rebooted'" }, { "event RESET", "" } } },
        { "reboot=destroy", { RUN, { "event SHUTDOWN guest-reset guest", OFF_RESET } } },
        { "reboot=destroy", { RUN, { "request reset", "reset" },
                              { "event SHUTDOWN host-qmp-system-reset", OFF_RESET } } },
        { "", { RUN, { "event GUEST_PANICKED pauses", "state(crashed/panicked) log'guest panicked' ending(crashed) quit" },
                { "event STOP", "" }, { "event SHUTDOWN guest-panic", "" } } },
        { "crash=restart", { RUN, { "event GUEST_PANICKED pauses",
                "state(crashed/panicked) log'guest panicked: starting it again' restart ending(crashed) quit" } } },
        { "crash=preserve", { RUN,
                { "event GUEST_PANICKED pauses", "state(crashed/panicked) log'guest panicked: kept, as on_crash says'" },
                { "event STOP", "" }, { "request suspend", "" },
                { "request shutdown", "!domain is not running" },
                { "request reset", "note-paused? reset state(paused/crashed)" },
                { "request resume", "cont" }, { "event RESUME", "state(running/unpaused) forget-paused?" } } },
        { "crash=preserve", { RUN,
                { "event GUEST_PANICKED pauses", "state(crashed/panicked) log'guest panicked: kept, as on_crash says'" },
                { "request stop 90", "log'guest does not run: ending QEMU' ending(crashed) quit" } } },
        { "crash=restart", { RUN, { "event GUEST_PANICKED", "log'guest panicked and runs on'" },
                             { "event GUEST_CRASHLOADED", "log'guest crashed and loads its crash kernel'" } } },
        { "", { RUN, { "event SHUTDOWN guest-panic guest",
                       "state(crashed/panicked) log'guest panicked' ending(crashed) quit" } } },
        { "", { RUN, { "event SHUTDOWN host-qmp-quit", "state(in shutdown/user) ending(destroyed)" } } },
        /* Asked to end, QEMU does not: the guest goes on. When it ends the reason is the one that was said first, whatever else asks. */
        { "", { RUN, { "request quit", "ending(destroyed)patient quit" }, { "event SHUTDOWN host-qmp-quit", "state(in shutdown/user) ending(destroyed)" } } },
        { "", { RUN, { "request quit", "ending(destroyed)patient quit" }, { "request stop 90", "powerdown?'asked the guest to power off (ACPI)'" },
                { "@1 event SHUTDOWN guest-shutdown guest",
                  "state(in shutdown/user) log'guest powered off after 1.0 s' ending(destroyed) quit" } } },
        { "", { RUN, { "request quit", "ending(destroyed)patient quit" }, { "request suspend", "stop" }, { "event STOP", "state(paused/user)" } } },
        { "", { RUN, { "event SHUTDOWN host-signal", "state(in shutdown/user)" } } },
        { "", { RUN, { "event SHUTDOWN none", OFF } } },
        { "", { RUN, { "event SHUTDOWN host-error", OFF } } },
        { "", { RUN, { "event SHUTDOWN host-ui", OFF } } },
        { "", { RUN, { "event SHUTDOWN subsystem-reset", OFF_RESET } } },
        { "", { RUN, { "event SHUTDOWN snapshot-load", OFF } } },
};

static const Case requests[] = {
        { "", { RUN, { "request suspend", "stop" }, { "event STOP", "state(paused/user)" },
                { "request suspend", "" }, { "request shutdown", "!domain is not running" }, { "request resume", "cont" },
                { "event RESUME", "state(running/unpaused)" },
                { "request resume", "!domain is already running" } } },
        { "crash=preserve", { RUN, { "event GUEST_PANICKED pauses", "state(crashed/panicked) log'guest panicked: kept, as on_crash says'" },
                              { "request resume", "cont" }, { "event RESUME", "state(running/unpaused)" } } },
        { "", { RUN, { "event STOP", "state(paused/unknown)" }, { "event RESUME", "state(running/unpaused)" } } },
        { "", { RUN, { "event BLOCK_IO_ERROR pauses", "log'I/O error of a disk: guest is paused'" },
                { "event STOP", "state(paused/I/O error)" }, { "event RESUME", "state(running/unpaused)" },
                { "event STOP", "state(paused/unknown)" } } },
        { "", { RUN, { "event WATCHDOG pauses", "log'the guest's watchdog fired: guest is paused'" },
                { "event STOP", "state(paused/watchdog)" } } },
        { "", { RUN, { "event SUSPEND", "state(pmsuspended/unknown)" }, { "event STOP", "" },
                { "request suspend", "!domain is pmsuspended" }, { "request resume", "!domain is pmsuspended" },
                { "event WAKEUP", "state(running/event wakeup)" }, { "event WAKEUP", "" } } },
        { "", { RUN, { "request reset", "reset" }, { "event RESET", "" },
                { "request suspend", "stop" }, { "event STOP", "state(paused/user)" },
                { "request reset", "note-paused? reset" }, { "request reset", "reset" } } },
        { "", { RUN, { "request shutdown", "powerdown'asked the guest to power off (ACPI)'" },
                { "event POWERDOWN", "" }, { "request shutdown acpi", "powerdown'asked the guest to power off (ACPI)'" },
                { "request shutdown agent", "!argument unsupported: QEMU guest agent is not configured" } } },
        { "agent", { RUN, { "request shutdown", "powerdown'asked the guest to power off (ACPI)' agent-shutdown?" },
                     { "request shutdown acpi", "powerdown'asked the guest to power off (ACPI)'" },
                     { "request shutdown agent", "agent-shutdown" },
                     { "request reboot agent", "agent-reboot" } } },
        { "agent", { RUN,
                { "request reboot", "note-reboot powerdown'asked the guest to power off for a reboot (ACPI)' agent-reboot?" },
                { "request reboot acpi", "powerdown'asked the guest to power off for a reboot (ACPI)'" },
                { "event RESET guest", "forget-reboot? log'guest rebooted'" },
                { "event SHUTDOWN guest-shutdown guest", OFF } } },
        { "", { RUN,
                { "request reboot", "note-reboot powerdown'asked the guest to power off for a reboot (ACPI)'" },
                { "request shutdown", "forget-reboot? powerdown'asked the guest to power off (ACPI)'" },
                { "event SHUTDOWN guest-shutdown guest", OFF } } },
        { "reboot=destroy", { RUN, { "request reboot", "powerdown'asked the guest to power off (ACPI)'" } } },
};

#define ASK "powerdown?'asked the guest to power off (ACPI)'"

static const Case stops[] = {
        { "", { RUN, { "request stop 90", ASK },
                { "@3.2 event SHUTDOWN guest-shutdown guest",
                  "state(in shutdown/user) log'guest powered off after 3.2 s' ending(shutdown) quit" },
                { "@4 timer", "" } } },
        { "agent poweroff=restart", { RUN, { "request stop 90", ASK " agent-shutdown?" },
                { "@9.9 timer", "" },
                { "@10 timer", "powerdown?'still running after 10.0 s: asked again' agent-shutdown?" },
                { "@15 event RESET guest", "log'guest rebooted instead of powering off, after 15.0 s'" },
                { "@20 timer", "powerdown?'still running after 20.0 s: asked again' agent-shutdown?" },
                { "@21 event SHUTDOWN guest-shutdown guest",
                  "state(in shutdown/user) log'guest powered off after 21.0 s' ending(shutdown) quit" } } },
        { "", { RUN, { "request stop 90", ASK },
                { "@80.9 timer", "powerdown?'still running after 80.9 s: asked again'" },
                { "@85 timer", "log'no reaction within 85 s: ending QEMU' ending(destroyed) quit" },
                { "@86 timer", "" } } },
        { "", { RUN, { "request stop 4", ASK },
                { "@4 timer", "log'no reaction within 4 s: ending QEMU' ending(destroyed) quit" } } },
        { "", { RUN, { "request stop 0", ASK },
                { "@0 timer", "log'no reaction within 0 s: ending QEMU' ending(destroyed) quit" } } },
        { "", { RUN, { "request stop", ASK },
                { "@100000 timer", "powerdown?'still running after 100000.0 s: asked again'" } } },
        { "", { RUN, { "request suspend", "stop" }, { "event STOP", "state(paused/user)" },
                { "request stop 90", "cont?'guest is paused: resumed it so that it can power off' " ASK },
                { "event RESUME", "state(running/unpaused)" } } },
        { "", { RUN, { "event SUSPEND", "state(pmsuspended/unknown)" },
                { "request stop 90", "wakeup?'guest is suspended: woke it so that it can power off' " ASK } } },
        { "", { START, { "request stop 90", "log'guest has not started yet: ending QEMU' ending(shutdown) quit" },
                { "event RESUME", "" } } },
        { "", { RUN, { "request reboot", "note-reboot powerdown'asked the guest to power off for a reboot (ACPI)'" },
                { "request stop 90", "forget-reboot? " ASK },
                { "@1 event SHUTDOWN guest-shutdown guest",
                  "state(in shutdown/user) log'guest powered off after 1.0 s' ending(shutdown) quit" } } },
        { "poweroff=restart", { RUN, { "event SHUTDOWN guest-shutdown guest",
                  "state(in shutdown/user) note-reboot? reset'guest powered off: starting it again'" },
                { "request stop 90", "log'guest does not run: ending QEMU' ending(shutdown) quit" },
                { "event RESET", "" } } },
        { "crash=restart", { RUN, { "request stop 90", ASK },
                { "@1 event GUEST_PANICKED pauses",
                  "state(crashed/panicked) log'guest panicked' ending(crashed) quit" } } },
        { "crash=preserve", { RUN, { "request stop 90", ASK },
                { "@1 event GUEST_PANICKED pauses",
                  "state(crashed/panicked) log'guest panicked' ending(crashed) quit" } } },
        /* Asked again by the supervisor, with less time. */
        { "", { RUN, { "request stop 90", ASK },
                { "@5 request stop 20", "powerdown?'still running after 5.0 s: asked again'" },
                { "@14.9 timer", "" },
                { "@23 timer", "log'no reaction within 23 s: ending QEMU' ending(destroyed) quit" } } },
};

#define SAVE RUN, { "request save", "note-saving stop save" }, { "event STOP", "state(paused/saving)" }

#define CRASH_DUMP "state(crashed/panicked) log'guest panicked: dumping its memory' save"
#define DOG_DUMP "log'the guest's watchdog fired: dumping the guest's memory' note-saving stop save"
#define DUMP RUN, { "request dump", "note-saving stop save" }, { "event STOP", "state(paused/dumping)" }

static const Case saves[] = {
        /* From running and from paused. */
        { "", { SAVE, { "saved", "" }, { "request save-end", "log'guest is saved: ending QEMU' ending(saved) quit" },
                { "event SHUTDOWN host-qmp-quit", "" } } },
        { "paused", { { "attach prelaunch", "set-actions? prepare state(paused/user) ready" },
                      { "request save", "state(paused/saving) save" },
                      { "save-failed", "state(paused/user)" },
                      { "request resume", "cont" } } },
        /* Nothing ends before all of it is written. */
        { "", { SAVE, { "request save-end", "!domain is not saved" } } },
        /* It goes on: QEMU has failed, or whoever asked has gone, before and after the end. */
        { "", { SAVE, { "save-failed", "cont forget-saving?" }, { "event RESUME", "state(running/save canceled)" } } },
        { "", { SAVE, { "request save-abort", "abandon-save" }, { "request save-abort", "" }, { "saved", "" },
                { "save-failed", "cont forget-saving?" } } },
        { "", { SAVE, { "saved", "" }, { "request save-abort", "abandon-save" }, { "save-failed", "cont forget-saving?" } } },
        { "", { RUN, { "request save-abort", "" } } },
        /* It stays as it is meanwhile. */
        { "", { SAVE, { "request save", "!domain is being saved" }, { "request resume", "!domain is being saved" },
                { "request reset", "!domain is being saved" }, { "request shutdown", "!domain is being saved" } } },
        /* The unit's stop is stronger. */
        { "", { SAVE, { "request stop 90", "log'guest is being saved: that is given up, so that it can power off' abandon-save" },
                { "@1 save-failed", "cont forget-saving? powerdown?'still running after 1.0 s: asked again'" },
                { "event RESUME", "state(running/save canceled)" } } },
        /* What cannot be saved. */
        { "", { RUN, { "event SUSPEND", "state(pmsuspended/unknown)" }, { "request save", "!domain is pmsuspended" } } },
        { "crash=preserve", { RUN, { "event GUEST_PANICKED pauses", "state(crashed/panicked) log'guest panicked: kept, as on_crash says'" },
                              { "request save", "!domain is not running" } } },
        { "", { START, { "request save", "!domain is not running" } } },
        /* A dump: the guest goes on as it was. */
        { "", { DUMP, { "saved", "" }, { "request dump-end", "cont forget-saving?" }, { "event RESUME", "state(running/unpaused)" } } },
        { "", { DUMP, { "saved", "" }, { "request dump-end then-reset", "cont forget-saving? reset" } } },
        { "", { DUMP, { "saved", "" }, { "request dump-end crash", "log'guest is dumped: ending QEMU' ending(crashed) quit" } } },
        { "", { DUMP, { "request dump-end", "!domain is not being dumped" }, { "request suspend", "!domain is being dumped" },
                { "request save-end", "!domain is not saved" }, { "save-failed", "cont forget-saving?" },
                { "event RESUME", "state(running/unpaused)" } } },
        { "", { SAVE, { "saved", "" }, { "request dump-end", "!domain is not being dumped" } } },
        { "", { RUN, { "request dump live", "note-saving save" }, { "event STOP", "state(paused/dumping)" }, { "saved", "" },
                { "request dump-end", "cont forget-saving?" } } },
        { "", { RUN, { "request dump live", "note-saving save" }, { "save-failed", "forget-saving?" },
                { "event STOP", "state(paused/unknown)" } } },
        { "", { RUN, { "request dump memory", "save" }, { "event STOP", "state(paused/dumping)" }, { "saved", "" },
                { "request dump-end", "" }, { "event RESUME", "state(running/unpaused)" } } },
        { "", { RUN, { "request suspend", "stop" }, { "event STOP", "state(paused/user)" }, { "request dump", "save" }, { "saved", "" },
                { "request dump-end", "" }, { "request dump", "save" }, { "saved", "" },
                { "request dump-end then-reset", "note-paused? reset" } } },
        { "crash=preserve", { RUN, { "event GUEST_PANICKED pauses", "state(crashed/panicked) log'guest panicked: kept, as on_crash says'" },
                              { "request dump memory", "save" }, { "saved", "" }, { "request dump-end", "" } } },
        { "", { START, { "request dump", "!domain is not running" } } },
        /* A crash is dumped first. QEMU tells of it twice. */
        { "crash=coredump-destroy", { RUN, { "event GUEST_PANICKED pauses", CRASH_DUMP }, { "event STOP", "" },
                                      { "event SHUTDOWN guest-panic", "" }, { "request dump memory", "!domain is being dumped" },
                                      { "saved", "log'guest is dumped: ending it' ending(crashed) quit" } } },
        { "crash=coredump-restart", { RUN, { "event GUEST_PANICKED pauses", CRASH_DUMP },
                                      { "saved", "log'guest is dumped: starting it again' restart ending(crashed) quit" } } },
        { "crash=coredump-restart", { RUN, { "event GUEST_PANICKED pauses", CRASH_DUMP },
                                      { "save-failed", "log'guest panicked and was not dumped: kept'" },
                                      { "request dump memory", "save" }, { "saved", "" },
                                      { "request dump-end crash", "log'guest is dumped: ending QEMU' ending(crashed) quit" } } },
        { "crash=coredump-restart", { RUN, { "event GUEST_PANICKED pauses", CRASH_DUMP },
                                      { "request stop 90", "log'guest is being saved: that is given up, so that it can power off' abandon-save" },
                                      { "save-failed", "log'guest was not dumped: ending it' ending(crashed) quit" } } },
        { "crash=coredump-destroy", { RUN, { "request stop 90", ASK },
                { "event GUEST_PANICKED pauses", "state(crashed/panicked) log'guest panicked' ending(crashed) quit" } } },
        { "crash=coredump-destroy", { { "attach guest-panicked", "set-actions? " CRASH_DUMP " ready" } } },
        /* By the watchdog, and then it goes on, whether it was dumped or not. */
        { "watchdog-dumps", { RUN, { "event WATCHDOG pauses", DOG_DUMP }, { "event STOP", "state(paused/watchdog)" },
                { "saved", "cont forget-saving?" }, { "event RESUME", "state(running/unpaused)" } } },
        { "watchdog-dumps", { RUN, { "event WATCHDOG pauses", DOG_DUMP }, { "event STOP", "state(paused/watchdog)" },
                { "save-failed", "cont forget-saving?" }, { "event RESUME", "state(running/unpaused)" } } },
        { "watchdog-dumps", { DUMP, { "event WATCHDOG pauses", "log'the guest's watchdog fired: guest is paused'" } } },
        { "", { DUMP, { "request stop 90", "log'guest is being saved: that is given up, so that it can power off' abandon-save" },
                { "@1 save-failed", "cont forget-saving? powerdown?'still running after 1.0 s: asked again'" } } },
        /* A later monitor knows nobody who would read it. */
        { "", { { "attach paused saving was=paused/saving", "set-actions? state(paused/saving) abandon-save ready" },
                { "save-failed", "cont forget-saving?" } } },
        { "", { { "attach postmigrate was=paused/saving", "set-actions? state(paused/saving) abandon-save ready" },
                { "save-failed", "state(paused/user)" } } },
        { "", { { "attach running saving", "set-actions? state(running/booted) forget-saving? ready" } } },
};

static const Case restores[] = {
        { "restores", { { "attach inmigrate", "set-actions? state(paused/starting up) prepare restore" },
                        { "restored", "mark-used log'guest is restored' cont ready" },
                        { "event RESUME", "state(running/restored)" } } },
        { "restores paused", { { "attach inmigrate", "set-actions? state(paused/starting up) prepare restore" },
                               { "restored", "mark-used log'guest is restored' state(paused/user) ready" } } },
        { "restores", { { "attach inmigrate", "set-actions? state(paused/starting up) prepare restore" },
                        { "failed", "ending(failed) quit" }, { "restored", "" } } },
        /* QEMU does not let it go on: what was saved is still good. */
        { "restores", { { "attach inmigrate", "set-actions? state(paused/starting up) prepare restore" },
                        { "restored", "mark-used log'guest is restored' cont ready" },
                        { "failed", "mark-unused ending(failed) quit" } } },
        /* The stream went on to the monitor before. */
        { "restores", { { "attach inmigrate again was=paused/starting+up",
                          "set-actions? log'the monitor ended while it restored the guest' ending(failed) quit" } } },
        { "restores", { { "attach paused again was=paused/starting+up",
                          "set-actions? log'the monitor ended while it restored the guest' ending(failed) quit" } } },
        /* Later it is a machine like others. */
        { "restores", { { "attach running again was=running/restored", "set-actions? state(running/restored) ready" } } },
        { "restores", { { "attach paused again was=paused/user", "set-actions? state(paused/user) ready" } } },
        { "", { RUN, { "restored", "" } } },
};

static void test_saves(void **state) {
        check_all(saves, ELEMENTSOF(saves));
}

static void test_restores(void **state) {
        check_all(restores, ELEMENTSOF(restores));
}

static void test_beginnings(void **state) {
        check_all(beginnings, ELEMENTSOF(beginnings));
}

static void test_ends(void **state) {
        check_all(ends, ELEMENTSOF(ends));
}

static void test_requests(void **state) {
        check_all(requests, ELEMENTSOF(requests));
}

static void test_stops(void **state) {
        check_all(stops, ELEMENTSOF(stops));
}

/* Every event in every state: the state that follows. '=' is the same one, '#' the end. */
static const struct {
        const char *event;
        const char *after[6]; /* running, paused, prelaunch, crashed, in shutdown, pmsuspended */
} matrix[] = {
        { "SHUTDOWN guest-shutdown",    { "#", "#", "#", "#", "#", "#" } },
        { "RESET guest",                { "=", "=", "=", "=", "=", "=" } },
        { "RESET",                      { "=", "=", "=", "=", "=", "=" } },
        { "STOP",                       { "paused/unknown", "=", "=", "=", "=", "=" } },
        { "RESUME",                     { "running/unpaused", "running/unpaused", "running/booted", "running/unpaused",
                                          "running/unpaused", "running/unpaused" } },
        { "SUSPEND",                    { "pmsuspended/unknown", "pmsuspended/unknown", "pmsuspended/unknown",
                                          "pmsuspended/unknown", "pmsuspended/unknown", "=" } },
        { "SUSPEND_DISK",               { "pmsuspended/unknown", "pmsuspended/unknown", "pmsuspended/unknown",
                                          "pmsuspended/unknown", "pmsuspended/unknown", "=" } },
        { "WAKEUP",                     { "=", "=", "=", "=", "=", "running/event wakeup" } },
        { "POWERDOWN",                  { "=", "=", "=", "=", "=", "=" } },
        { "GUEST_PANICKED pauses",      { "crashed/panicked", "crashed/panicked", "crashed/panicked", "=",
                                          "crashed/panicked", "crashed/panicked" } },
        { "GUEST_PANICKED",             { "=", "=", "=", "=", "=", "=" } },
        { "GUEST_CRASHLOADED",          { "=", "=", "=", "=", "=", "=" } },
        { "BLOCK_IO_ERROR pauses",      { "=", "=", "=", "=", "=", "=" } },
        { "BLOCK_IO_ERROR",             { "=", "=", "=", "=", "=", "=" } },
        { "WATCHDOG pauses",            { "=", "=", "=", "=", "=", "=" } },
        { "WATCHDOG",                   { "=", "=", "=", "=", "=", "=" } },
};

static void test_matrix(void **state) {
        static const char *const before[] = { "running", "paused", "prelaunch", "guest-panicked", "shutdown", "suspended" };
        bool seen[_EVENT_MAX] = {};

        for (size_t e = 0; e < ELEMENTSOF(matrix); e++)
                for (size_t b = 0; b < ELEMENTSOF(before); b++) {
                        LifecycleOutput out;
                        char text[128], now[128];
                        Lifecycle lc;

                        /* Destroy for a shutdown, so that it is one; preserve to get into that state. */
                        configure(&lc, "crash=preserve poweroff=preserve");
                        (void) snprintf(text, sizeof(text), "attach %s", before[b]);
                        LifecycleInput in = parse_input(text);
                        assert_int_equal(lifecycle_input(&lc, &in, &out), 0);
                        lc.on_poweroff = ACTION_DESTROY;
                        DomainState s = lc.state;
                        DomainReason r = lc.reason;
                        (void) snprintf(text, sizeof(text), "event %s", matrix[e].event);
                        in = parse_input(text);
                        seen[in.event] = true;
                        assert_int_equal(lifecycle_input(&lc, &in, &out), 0);
                        if (lc.ending)
                                (void) strcpy(now, "#");
                        else if (lc.state == s && lc.reason == r)
                                (void) strcpy(now, "=");
                        else
                                (void) snprintf(now, sizeof(now), "%s/%s", domain_state_to_string(lc.state),
                                                domain_reason_to_string(lc.reason));
                        if (!streq(now, matrix[e].after[b]) && !(streq(matrix[e].after[b], "running/unpaused") &&
                                                                 streq(now, "=")))
                                fail_msg("%s in %s: %s, not %s", matrix[e].event, before[b], now, matrix[e].after[b]);
                }
        for (unsigned i = 1; i < _EVENT_MAX; i++)
                assert_true(seen[i]);
}

static void test_timer(void **state) {
        LifecycleOutput out;
        Lifecycle lc;

        configure(&lc, "");
        LifecycleInput in = parse_input("attach running");
        assert_int_equal(lifecycle_input(&lc, &in, &out), 0);
        assert_true(lc.timer == UINT64_MAX);
        in = parse_input("request stop 90");
        assert_int_equal(lifecycle_input(&lc, &in, &out), 0);
        assert_true(lc.timer == EPOCH + 10000000);
        in = parse_input("@79 timer");
        assert_int_equal(lifecycle_input(&lc, &in, &out), 0);
        assert_true(lc.timer == EPOCH + 85000000); /* the end is nearer than the next asking */
        in = parse_input("@85 timer");
        assert_int_equal(lifecycle_input(&lc, &in, &out), 0);
        assert_true(lc.timer == UINT64_MAX);
}

static void test_words(void **state) {
        for (int i = 1; i < _GUEST_STATUS_MAX; i++)
                assert_int_equal(guest_status_from_string(guest_status_to_string(i)), i);
        for (int i = 1; i < _EVENT_MAX; i++)
                assert_int_equal(guest_event_from_string(guest_event_to_string(i)), i);
        for (int i = 0; i < _CAUSE_MAX; i++)
                assert_int_equal(shutdown_cause_from_string(shutdown_cause_to_string(i)), i);
        for (int i = 0; i < _GUEST_STATUS_MAX; i++) {
                DomainState s;
                DomainReason r;
                guest_status_to_state(i, &s, &r);
                assert_non_null(domain_state_to_string(s));
        }
}

/* --- what comes as JSON ------------------------------------------------------------------------------- */

static json_object *json(const char *s) {
        json_object *o = json_tokener_parse(s);

        assert_non_null(o);
        return o;
}

static void test_events(void **state) {
        static const struct {
                const char *name, *data;
                GuestEvent event;
                ShutdownCause cause;
                bool guest_did, pauses;
        } t[] = {
                { "SHUTDOWN", "{\"guest\": true, \"reason\": \"guest-shutdown\"}", EVENT_SHUTDOWN, CAUSE_GUEST_SHUTDOWN, true, false },
                { "SHUTDOWN", "{\"guest\": 1, \"reason\": \"nothing known\"}", EVENT_SHUTDOWN, CAUSE_NONE, false, false },
                { "SHUTDOWN", "{\"guest\": \"true\", \"reason\": 7}", EVENT_SHUTDOWN, CAUSE_NONE, false, false },
                { "SHUTDOWN", "{\"reason\": [\"guest-panic\"]}", EVENT_SHUTDOWN, CAUSE_NONE, false, false },
                { "RESET", "{\"guest\": false}", EVENT_RESET, CAUSE_NONE, false, false },
                { "GUEST_PANICKED", "{\"action\": \"pause\"}", EVENT_GUEST_PANICKED, CAUSE_NONE, false, true },
                { "GUEST_PANICKED", "{\"action\": \"run\"}", EVENT_GUEST_PANICKED, CAUSE_NONE, false, false },
                { "GUEST_PANICKED", "{\"action\": {}}", EVENT_GUEST_PANICKED, CAUSE_NONE, false, true },
                { "BLOCK_IO_ERROR", "{\"action\": \"stop\"}", EVENT_BLOCK_IO_ERROR, CAUSE_NONE, false, true },
                { "BLOCK_IO_ERROR", "{\"action\": \"report\"}", EVENT_BLOCK_IO_ERROR, CAUSE_NONE, false, false },
                { "WATCHDOG", "{\"action\": \"pause\"}", EVENT_WATCHDOG, CAUSE_NONE, false, true },
                { "WATCHDOG", "{\"action\": \"reset\"}", EVENT_WATCHDOG, CAUSE_NONE, false, false },
        };
        LifecycleInput in;

        FOREACH_ARRAY(c, t, ELEMENTSOF(t)) {
                json_object *data = json(c->data);
                assert_true(guest_event_parse(c->name, data, 5, &in));
                json_object_put(data);
                assert_int_equal(in.type, LIFECYCLE_EVENT);
                assert_int_equal(in.now, 5);
                assert_int_equal(in.event, c->event);
                assert_int_equal(in.cause, c->cause);
                assert_int_equal(in.guest_did, c->guest_did);
                assert_int_equal(in.pauses, c->pauses);
        }
        assert_true(guest_event_parse("STOP", NULL, 0, &in));
        assert_false(guest_event_parse("RTC_CHANGE", NULL, 0, &in));
        assert_false(guest_event_parse("", NULL, 0, &in));
}

static void test_replies(void **state) {
        LifecycleInput in = {};
        json_object *o = json("{\"status\": \"guest-panicked\", \"running\": false}");

        assert_int_equal(guest_status_parse(o), GUEST_PANICKED);
        json_object_put(o);
        o = json("{\"status\": [\"running\"]}");
        assert_int_equal(guest_status_parse(o), GUEST_UNKNOWN);
        json_object_put(o);
        o = json("[]");
        assert_int_equal(guest_status_parse(o), GUEST_UNKNOWN);
        guest_notes_parse(o, &in);
        json_object_put(o);
        guest_notes_parse(NULL, &in);
        assert_false(in.note_reboot || in.note_paused);
        o = json("[7, null, {\"name\": 3}, {\"name\": \"vmunit-reboot\", \"type\": \"x\"}]");
        guest_notes_parse(o, &in);
        assert_true(in.note_reboot && !in.note_paused);
        json_object_put(o);
}

static void test_chardevs(void **state) {
        json_object *o = json("[1, {\"label\": \"a\"}, {\"label\": \"b\", \"filename\": \"pty:/dev/pts/12\"},"
                              "{\"label\": \"c\", \"filename\": \"pty:/dev/pts/../sda\"},"
                              "{\"label\": \"d\", \"filename\": \"unix:/x\"}, {\"label\": \"e\", \"filename\": \"pty:/dev/pts/\"},"
                              "{\"label\": [], \"filename\": \"pty:/dev/pts/1\"}]");

        assert_string_equal(chardev_pty_parse(o, "b"), "/dev/pts/12");
        for (const char *p = "acdex"; *p; p++)
                assert_null(chardev_pty_parse(o, (char[]) { *p, 0 }));
        json_object_put(o);
        assert_null(chardev_pty_parse(NULL, "a"));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_beginnings), cmocka_unit_test(test_saves), cmocka_unit_test(test_restores), cmocka_unit_test(test_ends),    cmocka_unit_test(test_requests),
                cmocka_unit_test(test_stops),      cmocka_unit_test(test_matrix),  cmocka_unit_test(test_timer),
                cmocka_unit_test(test_words),      cmocka_unit_test(test_events),  cmocka_unit_test(test_replies),
                cmocka_unit_test(test_chardevs),
        };
        return cmocka_run_group_tests_name("monitor-lifecycle", tests, NULL, NULL);
}
