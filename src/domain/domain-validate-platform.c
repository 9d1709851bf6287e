/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "domain-validate.h"
#include "string-util.h"

/* Checks of what watches over the guest. */

static bool is_x86(const Domain *d) {
        return d->os.arch == ARCH_UNSET || d->os.arch == ARCH_X86_64 || d->os.arch == ARCH_I686;
}

/* Reports a thing of PCs in a machine that is none. */
static void check_x86(const Domain *d, Diag *diag, SrcLoc loc, const char *what, const char *word) {
        if (!is_x86(d))
                (void) diag_error(diag, loc, "%s '%s' is for x86 machines, not for '%s'", what, word,
                                  arch_to_string(d->os.arch));
}

static void check_panic(const Domain *d, const DomainPanic *p, Diag *diag) {
        AddressType address = p->info.address.type;
        const char *word = panic_model_to_string(p->model);
        SrcLoc loc = p->info.loc;

        switch (p->model) {
        case PANIC_S390:
        case PANIC_PSERIES:
                refuse(diag, loc, "panic model", word);
                break;
        case PANIC_HYPERV:
                check_x86(d, diag, loc, "panic model", word);
                if (address != ADDRESS_UNSET)
                        (void) diag_error(diag, loc, "panic model 'hyperv' is no device and has no address");
                break;
        case PANIC_ISA:
                check_x86(d, diag, loc, "panic model", word);
                if (address != ADDRESS_UNSET && address != ADDRESS_ISA)
                        (void) diag_error(diag, loc, "panic model 'isa' cannot have an address of type '%s'",
                                          address_type_to_string(address));
                break;
        case PANIC_UNSET:
                if (!is_x86(d))
                        (void) diag_error(diag, loc, "panic needs @model: 'isa', the usual one, is for x86 machines");
                break;
        default:
                if (address != ADDRESS_UNSET && address != ADDRESS_PCI)
                        (void) diag_error(diag, loc, "panic model '%s' cannot have an address of type '%s'", word,
                                          address_type_to_string(address));
        }
}

void check_panics(const Domain *d, Diag *diag) {
        FOREACH_ARRAY(p, d->panics, d->n_panics) {
                check_panic(d, p, diag);
                for (const DomainPanic *i = d->panics; i < p; i++)
                        if (i->model == p->model) {
                                (void) diag_error(diag, p->info.loc, "panic model '%s' is given twice",
                                                  panic_model_to_string(p->model ?: PANIC_ISA));
                                break;
                        }
        }
}

void check_watchdogs(const Domain *d, Diag *diag) {
        for (size_t i = 0; i < d->n_watchdogs; i++) {
                const DomainWatchdog *w = d->watchdogs + i;
                AddressType address = w->info.address.type;
                SrcLoc loc = w->info.loc;
                const char *word = watchdog_model_to_string(w->model);

                if (i == 1)
                        (void) diag_error(diag, loc, "watchdog is given twice");
                if (w->model == WATCHDOG_DIAG288)
                        refuse(diag, loc, "watchdog model", word);
                if (w->model == WATCHDOG_IB700 || w->model == WATCHDOG_ITCO) {
                        check_x86(d, diag, loc, "watchdog model", word);
                        if (address != ADDRESS_UNSET)
                                (void) diag_error(diag, loc, "watchdog model '%s' has its place and takes no address", word);
                }
                if (w->model == WATCHDOG_I6300ESB && address != ADDRESS_UNSET && address != ADDRESS_PCI)
                        (void) diag_error(diag, loc, "watchdog model '%s' cannot have an address of type '%s'", word,
                                          address_type_to_string(address));
        }
}

static void check_tpm_external(const DomainTpm *t, Diag *diag) {
        const CharSource *s = &t->source;

        if (s->type == CHARDEV_UNSET)
                (void) diag_error(diag, t->info.loc, "tpm with backend 'external' needs <source type='unix' path=>");
        else if (s->type != CHARDEV_UNIX)
                (void) diag_error(diag, t->info.loc, "tpm: <source type='%s'> is not of type 'unix'", char_type_to_string(s->type));
        else if (!s->path)
                (void) diag_error(diag, t->info.loc, "tpm: <source> has no @path");
        check_path(diag, t->info.loc, "tpm source", s->path);
        if (s->mode == SOCKET_BIND)
                (void) diag_error(diag, t->info.loc, "tpm: <source mode='bind'>: QEMU connects, the emulator listens");
}

void check_tpms(const Domain *d, Diag *diag) {
        for (size_t i = 0; i < d->n_tpms; i++) {
                const DomainTpm *t = d->tpms + i;
                SrcLoc loc = t->info.loc;

                if (i == 1)
                        (void) diag_error(diag, loc, "tpm is given twice");
                if (t->model == TPM_SPAPR || t->model == TPM_SPAPR_PROXY)
                        refuse(diag, loc, "tpm model", tpm_model_to_string(t->model));
                if (t->model == TPM_TIS_DEVICE && is_x86(d))
                        (void) diag_error(diag, loc, "tpm model 'tpm-tis-device' is for ARM machines; here it is 'tpm-tis'");
                if (t->info.address.type != ADDRESS_UNSET)
                        (void) diag_error(diag, loc, "tpm has its place and takes no address");
                if (t->version == TPM_VERSION_1_2 && t->model == TPM_CRB)
                        (void) diag_error(diag, t->backend_loc, "tpm model 'tpm-crb' is not for version 1.2");
                if (t->version == TPM_VERSION_1_2 && !is_x86(d))
                        (void) diag_error(diag, t->backend_loc, "tpm of version 1.2 is for x86 machines, not for '%s'",
                                          arch_to_string(d->os.arch));
                if ((t->sha1 || t->sha256 || t->sha384 || t->sha512) && t->version != TPM_VERSION_2_0)
                        (void) diag_error(diag, t->backend_loc, "tpm: <active_pcr_banks> needs version='2.0'");
                check_path(diag, t->backend_loc, "tpm device", t->device_path);
                if (t->backend == TPM_BACKEND_EXTERNAL)
                        check_tpm_external(t, diag);
        }
}
