/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "domain-complete.h"
#include "string-util.h"

/* Defaults of clock, features and what watches over the guest. */

static bool is_x86(const Domain *d) {
        return d->os.arch == ARCH_X86_64 || d->os.arch == ARCH_I686;
}

static void forget_zero(OptUint *v) {
        if (v->value == 0)
                v->set = false;
}

static void complete_clock(Domain *d) {
        DomainClock *c = &d->clock;

        if (c->offset == CLOCK_OFFSET_UNSET)
                c->offset = CLOCK_OFFSET_UTC;
        /* A clock that keeps what the guest sets is a variable one, whatever it began with. */
        if (c->has_adjustment && (c->offset == CLOCK_OFFSET_UTC || c->offset == CLOCK_OFFSET_LOCALTIME)) {
                c->basis = c->offset == CLOCK_OFFSET_UTC ? BASIS_UTC : BASIS_LOCALTIME;
                c->offset = CLOCK_OFFSET_VARIABLE;
        }
        if (c->offset == CLOCK_OFFSET_VARIABLE) {
                if (c->basis == BASIS_UNSET)
                        c->basis = BASIS_UTC;
                c->has_adjustment = true;
        }
        FOREACH_ARRAY(t, c->timers, c->n_timers) {
                if (t->frequency.value == 0)
                        t->frequency.set = false;
                forget_zero(&t->catchup_threshold);
                forget_zero(&t->catchup_slew);
                forget_zero(&t->catchup_limit);
        }
}

static void complete_features(Domain *d) {
        DomainHyperv *h = &d->features.hyperv;

        if (h->loc.line > 0 && h->mode == HYPERV_UNSET)
                h->mode = HYPERV_CUSTOM;
        if (h->stimer != TRI_YES)
                h->stimer_direct = TRI_UNSET;
}

static int complete_tpms(Domain *d) {
        FOREACH_ARRAY(t, d->tpms, d->n_tpms) {
                /* QEMU's name of it on ARM; libvirt knows the one word only. */
                if (t->model == TPM_UNSET || (t->model == TPM_TIS_DEVICE && !is_x86(d)))
                        t->model = TPM_TIS;
                if (t->backend == TPM_BACKEND_EMULATOR && t->version == TPM_VERSION_UNSET)
                        t->version = t->model == TPM_TIS && is_x86(d) ? TPM_VERSION_1_2 : TPM_VERSION_2_0;
                if (t->backend == TPM_BACKEND_EMULATOR && t->persistent_state == TRI_NO)
                        t->persistent_state = TRI_UNSET;
                if (t->backend == TPM_BACKEND_PASSTHROUGH && !t->device_path && free_and_strdup(&t->device_path, "/dev/tpm0") < 0)
                        return -ENOMEM;
                if (t->backend == TPM_BACKEND_EXTERNAL && t->source.mode == SOCKET_UNSET && t->source.type != CHARDEV_UNSET)
                        t->source.mode = SOCKET_CONNECT;
        }
        return 0;
}

static void complete_os(Domain *d) {
        DomainOs *os = &d->os;

        if (isempty(os->machine))
                os->machine = mfree(os->machine);
        if (os->bootmenu != TRI_YES)
                os->bootmenu_timeout.set = false;
        /* Keys are good for nothing but that. */
        if (os->firmware != FIRMWARE_UNSET && os->enrolled_keys == TRI_YES && os->secure_boot == TRI_UNSET)
                os->secure_boot = TRI_YES;
}

int domain_complete_platform(Domain *d, const HostFacts *facts) {
        complete_os(d);
        complete_clock(d);
        complete_features(d);
        return complete_tpms(d);
}
