/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "qemu-device.h"
#include "qemu-emit.h"
#include "string-util.h"

/* Watchdogs, panic devices, trusted platform modules: what watches over the guest. */

/* --- tpm --- */

static const char *tpm_driver(const Domain *d, const DomainTpm *t) {
        return t->model == TPM_CRB ? "tpm-crb" : arch_is_x86(d) ? "tpm-tis" : "tpm-tis-device";
}

/* Where the kernel is told to give a command up. */
static char *tpm_cancel_path(const DomainTpm *t) {
        const char *name = strrchr(t->device_path, '/');

        return strf("/sys/class/tpm/%s/device/cancel", name ? name + 1 : t->device_path);
}

#define SWTPM "/usr/bin/swtpm"
#define SWTPM_SETUP "/usr/bin/swtpm_setup"
#define TPM_STATE "tpm-state" /* the directory with what the TPM keeps */

static bool tpm_is_2(const DomainTpm *t) {
        return t->version != TPM_VERSION_1_2;
}

/* The passphrase that the state is encrypted with, as KEY's descriptor of the helper; swtpm(8), --key. */
static int add_tpm_key(Emit *e, size_t helper, const DomainTpm *t, const char *key, const char *element, unsigned *ret) {
        SecretRef ref = { .has_uuid = true };
        PlanFd *fd = emit_helper_fd(e, helper, PLAN_FD_SECRET, key, element, t->info.loc);

        memcpy(ref.uuid, t->secret, sizeof(ref.uuid));
        if (!fd || !(fd->credential = secret_credential(&ref)))
                return -ENOMEM;
        *ret = fd->number;
        return 0;
}

static char *tpm_banks(const DomainTpm *t) {
        char *banks = strf("%s%s%s%s", t->sha1 ? ",sha1" : "", t->sha256 ? ",sha256" : "", t->sha384 ? ",sha384" : "",
                           t->sha512 ? ",sha512" : "");

        if (banks && *banks)
                memmove(banks, banks + 1, strlen(banks));
        return banks;
}

/* swtpm_setup(8) makes what a TPM leaves its factory with, or changes the banks of one that has left it. It starts swtpm. */
static int emit_tpm_setup(Emit *e, const DomainTpm *t, HelperWhen when, const char *banks, const char *element) {
        bool fills = when == HELPER_FILLS;
        _cleanup_free_ char *name = strf("%s-%s", t->info.alias, fills ? "setup" : "banks"), *key = strf("%s-key", strempty(name));
        unsigned number;
        int r = 0;

        if (!name || !key)
                return -ENOMEM;
        size_t h = emit_helper(e, when, name, SWTPM_SETUP, element, t->info.loc);
        helper_allow(e, h, "spawn");
        helper_directory(e, h, TPM_STATE);
        if (tpm_is_2(t))
                helper_arg(e, h, "--tpm2");
        helper_arg(e, h, "--tpmstate");
        helper_arg(e, h, ".");
        if (fills && tpm_is_2(t))
                helper_arg(e, h, "--createek");
        if (fills) {
                helper_arg(e, h, "--lock-nvram");
                helper_arg(e, h, "--not-overwrite");
        } else
                helper_arg(e, h, "--reconfigure");
        if (!isempty(banks)) {
                helper_arg(e, h, "--pcr-banks");
                helper_arg(e, h, banks);
        }
        if (t->has_secret && (r = add_tpm_key(e, h, t, key, element, &number)) >= 0) {
                helper_arg(e, h, "--pwdfile-fd");
                helper_argf(e, h, "%u", number);
                helper_arg(e, h, "--cipher");
                helper_arg(e, h, "aes-256-cbc");
        }
        return r;
}

/* swtpm(8); what a migrated or saved TPM travels as is encrypted with the same. */
static int add_tpm_keys(Emit *e, size_t h, const DomainTpm *t, const char *element) {
        static const char *const options[] = { "key", "migration-key" };
        int r = 0;

        for (size_t i = 0; r >= 0 && i < ELEMENTSOF(options); i++) {
                _cleanup_free_ char *name = strf("%s-%s", t->info.alias, options[i]);
                unsigned number;

                r = name ? add_tpm_key(e, h, t, name, element, &number) : -ENOMEM;
                if (r >= 0) {
                        helper_argf(e, h, "--%s", options[i]);
                        helper_argf(e, h, "pwdfd=%u,mode=aes-256-cbc", number);
                }
        }
        return r;
}

/* All of it is in one directory, which is swtpm's working directory: swtpm_setup hands no other descriptor on. */
static int emit_swtpm(Emit *e, const DomainTpm *t, unsigned *ret) {
        _cleanup_free_ char *element = strf("tpm %s", t->info.alias), *banks = tpm_banks(t);
        int r = element && banks ? emit_tpm_setup(e, t, HELPER_FILLS, banks, element) : -ENOMEM;

        if (r >= 0 && !isempty(banks))
                r = emit_tpm_setup(e, t, HELPER_CHANGES, banks, element);
        if (r < 0)
                return r;
        size_t h = emit_helper(e, HELPER_RUNS, t->info.alias, SWTPM, element, t->info.loc);
        PlanFd *state = emit_helper_fd(e, h, PLAN_FD_DIRECTORY, TPM_STATE, element, t->info.loc);
        if (!state || !(state->path = strf("%s/%s/" TPM_STATE_DIRECTORY "/%s", e->facts->state_dir, e->domain->name, tpm_is_2(t) ? "tpm2" : "tpm1.2")))
                return -ENOMEM;
        state->labelling = LABELLING_IMAGE;
        state->persistent = t->persistent_state == TRI_YES;
        PlanFd *pair = emit_helper_pair(e, h, "tpm-control", element, t->info.loc);
        if (!pair)
                return -ENOMEM;
        *ret = pair->number;
        helper_directory(e, h, TPM_STATE);
        helper_arg(e, h, "socket");
        helper_arg(e, h, "--ctrl");
        helper_argf(e, h, "type=unixio,clientfd=%u", pair->helper_number);
        helper_arg(e, h, "--tpmstate");
        helper_arg(e, h, "dir=.,mode=0600");
        if (tpm_is_2(t))
                helper_arg(e, h, "--tpm2");
        helper_arg(e, h, "--terminate");
        return t->has_secret ? add_tpm_keys(e, h, t, element) : 0;
}

static int emit_tpm_socket(Emit *e, const DomainTpm *t) {
        _cleanup_options_ Options chardev = {}, o = {};
        unsigned number;
        int r = 0;

        options_word(&chardev, "socket");
        options_add(&chardev, "id", "chrtpm");
        if (t->backend == TPM_BACKEND_EXTERNAL && e->native)
                options_add(&chardev, "path", t->source.path);
        else if (e->native)
                options_addf(&chardev, "path", "%s/swtpm.sock", e->runtime_dir);
        else if (t->backend == TPM_BACKEND_EXTERNAL) {
                PlanFd *fd = emit_fd(e, PLAN_FD_CONNECT, "tpm-control", "tpm", t->info.loc, 1);
                if (!fd || free_and_strdup(&fd->path, t->source.path) < 0)
                        return -ENOMEM;
                options_addf(&chardev, "fd", "%u", fd->number);
        } else if ((r = emit_swtpm(e, t, &number)) >= 0)
                options_addf(&chardev, "fd", "%u", number);
        if (r < 0)
                return r;
        emit_options(e, "-chardev", &chardev);
        options_word(&o, "emulator");
        options_addf(&o, "id", "tpm-%s", t->info.alias);
        options_add(&o, "chardev", "chrtpm");
        emit_options(e, "-tpmdev", &o);
        return 0;
}

static int emit_tpm_passthrough(Emit *e, const DomainTpm *t) {
        _cleanup_free_ char *cancel_path = tpm_cancel_path(t), *element = strf("tpm %s", t->info.alias), *path = NULL, *cancel = NULL;
        _cleanup_options_ Options o = {};

        if (!cancel_path || !element)
                return -ENOMEM;
        path = emit_file(e, &(FileRequest) { .name = "tpm-device", .path = t->device_path, .element = element, .loc = t->info.loc,
                                             .writable = true, .char_device = true });
        /* The kernel lets nobody read it. */
        cancel = emit_file(e, &(FileRequest) { .name = "tpm-cancel", .path = cancel_path, .element = element, .loc = t->info.loc,
                                               .writable = true, .append = true });
        if (!path || !cancel)
                return -ENOMEM;
        options_word(&o, "passthrough");
        options_addf(&o, "id", "tpm-%s", t->info.alias);
        options_add(&o, "path", path);
        options_add(&o, "cancel-path", cancel);
        emit_options(e, "-tpmdev", &o);
        return 0;
}

int emit_tpms(Emit *e) {
        FOREACH_ARRAY(t, e->domain->tpms, e->domain->n_tpms) {
                _cleanup_qjson_ Json j = {};
                const char *driver = tpm_driver(e->domain, t);

                if (!qemu_caps_has_type(e->caps, driver))
                        return diag_error(e->diag, t->info.loc, "emulator '%s' has no '%s' for <tpm>",
                                          e->domain->emulator, driver);
                int r = t->backend == TPM_BACKEND_PASSTHROUGH ? emit_tpm_passthrough(e, t) : emit_tpm_socket(e, t);
                if (r < 0)
                        return r;
                json_add_string(&j, "driver", driver);
                json_add_stringf(&j, "tpmdev", "tpm-%s", t->info.alias);
                json_add_string(&j, "id", t->info.alias);
                emit_json(e, "-device", &j);
        }
        return 0;
}

/* --- watchdog --- */

static int emit_watchdog(Emit *e, const DomainWatchdog *w) {
        _cleanup_qjson_ Json j = {};

        if (w->model == WATCHDOG_ITCO) {
                if (!machine_is_q35(e->domain))
                        return diag_error(e->diag, w->info.loc, "watchdog model 'itco' is a part of q35 machines");
                /* It is there anyway, but its resets are strapped off. */
                emit_option(e, "-global", "ICH9-LPC.noreboot=off");
                return 0;
        }
        json_add_string(&j, "driver", watchdog_model_to_string(w->model));
        json_add_string(&j, "id", w->info.alias);
        json_address(e, &j, &w->info);
        emit_json(e, "-device", &j);
        return 0;
}

int emit_watchdogs(Emit *e) {
        const Domain *d = e->domain;

        FOREACH_ARRAY(w, d->watchdogs, d->n_watchdogs) {
                int r = emit_watchdog(e, w);
                if (r < 0)
                        return r;
        }
        if (d->n_watchdogs > 0) {
                /* To dump, the guest is stopped first. */
                const char *action = d->watchdogs[0].action == WATCHDOG_ACTION_DUMP ? "pause" :
                                     watchdog_action_to_string(d->watchdogs[0].action);
                emit_option(e, "-watchdog-action", action ?: "reset");
        }
        return 0;
}

/* --- where dumps go --- */

/* The monitor's: QEMU sees no file. */
int emit_dumps(Emit *e) {
        const Domain *d = e->domain;
        PlanFd *fd = e->native ? NULL : emit_fd(e, PLAN_FD_DIRECTORY, QEMU_FD_DUMP, "dumps of the guest's memory",
                                                domain_loc_or(d, d->on_crash_loc), 0);

        if (e->native)
                return 0;
        if (!fd || !(fd->path = strf("%s/%s/dump/memory", e->facts->state_dir, d->name)))
                return -ENOMEM;
        fd->user = PLAN_USER_MONITOR;
        fd->labelling = LABELLING_IMAGE;
        fd->persistent = true;
        fd->size = domain_most_memory(d);
        return 0;
}

/* --- panic --- */

static void emit_panic(Emit *e, const DomainPanic *p) {
        _cleanup_qjson_ Json j = {};

        if (p->model == PANIC_HYPERV) /* a feature of the processor */
                return;
        if (p->model == PANIC_PVPANIC) {
                json_add_string(&j, "driver", "pvpanic-pci");
                json_add_string(&j, "id", p->info.alias);
                json_address(e, &j, &p->info);
        } else {
                json_add_string(&j, "driver", "pvpanic");
                if (p->info.address.iobase.set)
                        json_add_uint(&j, "ioport", p->info.address.iobase.value);
        }
        emit_json(e, "-device", &j);
}

int emit_panics(Emit *e) {
        FOREACH_ARRAY(p, e->domain->panics, e->domain->n_panics)
                emit_panic(e, p);
        return 0;
}
