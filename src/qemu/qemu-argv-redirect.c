/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdio.h>

#include "qemu-device.h"
#include "qemu-emit.h"
#include "string-util.h"
#include "text.h"

/* Smart cards and USB devices of the viewer. */

#define CERTIFICATE_DATABASE "/etc/pki/nssdb"

static int emit_smartcard(Emit *e, const DomainSmartcard *s) {
        _cleanup_qjson_ Json j = {};
        bool emulated = s->mode != SMARTCARD_PASSTHROUGH;
        unsigned n = 1;
        int r = emulated ? emit_refused(e, s->info.loc, "<smartcard> with a card of the host",
                                      "QEMU sees neither its reader nor a database of certificates: use mode 'passthrough'")
                         : emit_chardev(e, &s->source, s->info.alias, s->info.loc);

        if (r < 0)
                return r;
        json_add_string(&j, "driver", emulated ? "ccid-card-emulated" : "ccid-card-passthru");
        if (s->mode == SMARTCARD_HOST)
                json_add_string(&j, "backend", "nss-emulated");
        else if (s->mode == SMARTCARD_CERTIFICATES) {
                json_add_string(&j, "backend", "certificates");
                FOREACH_ARRAY(c, s->certificates, s->n_certificates) {
                        char key[16];
                        snprintf(key, sizeof(key), "cert%u", n++);
                        json_add_string(&j, key, c->name);
                }
                json_add_string(&j, "db", s->database ?: CERTIFICATE_DATABASE);
        } else
                json_add_stringf(&j, "chardev", "char%s", s->info.alias);
        json_add_string(&j, "id", s->info.alias);
        json_add_stringf(&j, "bus", "ccid%u.0", s->info.address.controller.value);
        emit_json(e, "-device", &j);
        return 0;
}

int emit_smartcards(Emit *e) {
        int ret = 0;

        FOREACH_ARRAY(s, e->domain->smartcards, e->domain->n_smartcards) {
                int r = emit_smartcard(e, s);
                if (r < 0)
                        ret = r;
        }
        return ret;
}

static void add_rule_part(Text *t, OptUint v, int digits) {
        if (v.set)
                text_appendf(t, "0x%0*X:", digits, v.value);
        else
                text_append(t, "-1:");
}

/* "0x08:-1:-1:0x0110:1|-1:-1:-1:-1:0": class, vendor, product, version, allow. */
static char *filter_text(const Domain *d) {
        _cleanup_text_ Text t = {};
        char *s;

        FOREACH_ARRAY(f, d->redirfilters, d->n_redirfilters)
                FOREACH_ARRAY(rule, f->rules, f->n_rules) {
                        if (t.length > 0)
                                text_append_char(&t, '|');
                        add_rule_part(&t, rule->class, 2);
                        add_rule_part(&t, rule->vendor, 4);
                        add_rule_part(&t, rule->product, 4);
                        add_rule_part(&t, rule->version, 4);
                        text_append_char(&t, rule->allow == TRI_YES ? '1' : '0');
                }
        return text_finish(&t, &s) < 0 ? NULL : s;
}

static int emit_redirdev(Emit *e, const DomainRedirdev *d, const char *filter) {
        _cleanup_qjson_ Json j = {};
        unsigned boot = boot_index(e->domain, &d->info);
        int r = emit_chardev(e, &d->source, d->info.alias, d->info.loc);

        if (r < 0)
                return r;
        json_add_string(&j, "driver", "usb-redir");
        json_add_stringf(&j, "chardev", "char%s", d->info.alias);
        json_add_string(&j, "id", d->info.alias);
        if (!isempty(filter))
                json_add_string(&j, "filter", filter);
        if (boot > 0)
                json_add_uint(&j, "bootindex", boot);
        json_address(e, &j, &d->info);
        emit_json(e, "-device", &j);
        return 0;
}

int emit_redirdevs(Emit *e) {
        _cleanup_free_ char *filter = filter_text(e->domain);
        int ret = 0;

        if (!filter)
                return -ENOMEM;
        FOREACH_ARRAY(d, e->domain->redirdevs, e->domain->n_redirdevs) {
                int r = emit_redirdev(e, d, filter);
                if (r < 0)
                        ret = r;
        }
        return ret;
}
