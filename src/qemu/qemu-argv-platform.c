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

static int emit_tpm_socket(Emit *e, const DomainTpm *t) {
        _cleanup_options_ Options chardev = {}, o = {};

        options_word(&chardev, "socket");
        options_add(&chardev, "id", "chrtpm");
        if (t->backend == TPM_BACKEND_EXTERNAL)
                options_add(&chardev, "path", t->source.path);
        else
                options_addf(&chardev, "path", "%s/swtpm.sock", e->runtime_dir);
        emit_options(e, "-chardev", &chardev);
        options_word(&o, "emulator");
        options_addf(&o, "id", "tpm-%s", t->info.alias);
        options_add(&o, "chardev", "chrtpm");
        emit_options(e, "-tpmdev", &o);
        return emit_unwired(e, t->info.loc, t->backend == TPM_BACKEND_EXTERNAL ? "<tpm> with backend 'external'"
                                                                                 : "<tpm> with backend 'emulator'");
}

static int emit_tpm_passthrough(Emit *e, const DomainTpm *t) {
        _cleanup_free_ char *cancel = tpm_cancel_path(t);
        _cleanup_options_ Options o = {};

        if (!cancel)
                return -ENOMEM;
        options_word(&o, "passthrough");
        options_addf(&o, "id", "tpm-%s", t->info.alias);
        options_add(&o, "path", t->device_path);
        options_add(&o, "cancel-path", cancel);
        emit_options(e, "-tpmdev", &o);
        return emit_unwired(e, t->info.loc, "<tpm> with backend 'passthrough'");
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
