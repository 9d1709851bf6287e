/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "domain-xml.h"
#include "fuzz-core.h"
#include "fuzz-extra.h"
#include "fuzz.h"
#include "host-facts.h"
#include "launch.h"
#include "plan-complete.h"
#include "qemu-parse.h"
#include "qemu-places.h"
#include "string-util.h"
#include "strv.h"
#include "xml-schema.h"
#include "xml-select.h"

/* A number that depends on TEXT and WHAT alone. */
static size_t hash(const char *text, const char *what) {
        uint64_t h = UINT64_C(0xcbf29ce484222325);

        for (const char *s = what; *s; s++)
                h = (h ^ (uint8_t) *s) * UINT64_C(0x100000001b3);
        for (const char *s = text; *s; s++)
                h = (h ^ (uint8_t) *s) * UINT64_C(0x100000001b3);
        return (size_t) (h >> 20);
}

static bool is_due(const char *text, const char *what, size_t every) {
        return hash(text, what) % every == 0;
}

/* --- the written form --- */

static void check_schema(const char *text) {
        _cleanup_diag_ Diag diag = {};

        must(diag_init(&diag, "schema.xml") >= 0);
        int r = domain_check_schema(text, strlen(text), &diag);
        if (r < 0)
                fprintf(stderr, "%s\n", text);
        must(r >= 0, "%s", strempty(diag_first_error(&diag)));
}

static void check_select(const char *text) {
        static const char *const paths[] = {
                "/", "/domain", "//@*", "//*", "//text()", "//namespace::*", "//disk/target/@dev", "//*[@type='pci']", "1 + 1",
                "//address | //alias", "/domain/devices/*[last()]", "id('a')", "//@type/..", "//*[count(*) > 2]", "/domain/name/text()",
                "//comment()", "//@nothing", "name(/*)", "//[", "//node()/ancestor::*", "//*/namespace::*/..",
        };
        size_t h = hash(text, "path");
        _cleanup_free_ char *found = NULL;
        _cleanup_diag_ Diag diag = {};

        int r = xml_select(text, paths[h % ELEMENTSOF(paths)], h / ELEMENTSOF(paths) % 2, &diag, &found);
        must(r != -ENOMEM);
        must((r < 0) == (diag.n_errors > 0));
}

/* For people, without passwords: a definition as well. */
static void check_forms(const Domain *d) {
        static const DomainXmlFlags flags[] = { 0, DOMAIN_XML_INACTIVE, DOMAIN_XML_SECURE | DOMAIN_XML_INACTIVE };

        for (size_t i = 0; i < ELEMENTSOF(flags); i++) {
                _cleanup_(domain_freep) Domain *again = NULL;
                _cleanup_free_ char *xml = NULL;
                _cleanup_diag_ Diag diag = {};

                must(domain_to_xml(d, flags[i], &xml) >= 0);
                if (strlen(xml) > DOMAIN_XML_MAX)
                        continue;
                int r = domain_from_xml(xml, strlen(xml), &diag, &again);
                if (r < 0 && flags[i] & DOMAIN_XML_SECURE)
                        fprintf(stderr, "%s\n", xml);
                must(r >= 0 || !(flags[i] & DOMAIN_XML_SECURE), "%s", strempty(diag_first_error(&diag)));
        }
}

void fuzz_check_written(const char *text) {
        if (is_due(text, "schema", 64))
                check_schema(text);
        if (is_due(text, "select", 16))
                check_select(text);
}

/* --- places --- */

/* From TEXT to an effective domain, with what RECORD remembers. NULL when it is refused. */
static Domain *complete_with(const char *text, const char *record, const QemuCaps *caps, Diag *diag) {
        _cleanup_(domain_freep) Domain *d = NULL;

        if (domain_from_xml(text, strlen(text), diag, &d) < 0)
                return NULL;
        must(domain_places_parse(record, &d->places) >= 0, "%s", record);
        if (domain_complete(d, &host_facts_generic, diag) < 0 || domain_validate(d, diag) < 0 ||
            plan_complete_domain(&d, text, strlen(text), caps, &host_facts_generic, diag) < 0)
                return NULL;
        return TAKE_PTR(d);
}

/* The machine that is started again is the same one. */
static void check_same_places(const char *text, const char *effective, const char *record, const QemuCaps *caps) {
        _cleanup_(domain_freep) Domain *d = NULL;
        _cleanup_free_ char *again = NULL;
        _cleanup_diag_ Diag diag = {};

        d = complete_with(text, record, caps, &diag);
        if (!d)
                fprintf(stderr, "%s\n%s\n", text, record);
        must(d, "refused at its places: %s", strempty(diag_first_error(&diag)));
        must(domain_to_xml(d, DOMAIN_XML_SECURE, &again) >= 0);
        if (!streq(effective, again)) {
                fprintf(stderr, "--- at first\n%s\n--- with what was remembered\n%s\n--- that is\n%s\n", effective, again, record);
                must(false, "started again it is another machine");
        }
}

/* Devices that had the places of others, and some that are gone: the machine starts nevertheless. */
static void check_other_places(const char *text, const Domain *effective, const char *record, const QemuCaps *caps) {
        _cleanup_(domain_places_done) DomainPlaces places = {};
        _cleanup_(domain_freep) Domain *d = NULL;
        _cleanup_free_ char *changed = NULL;
        _cleanup_diag_ Diag diag = {};
        size_t h = hash(text, "places");

        must(domain_places_parse(record, &places) >= 0);
        if (places.n_items < 2)
                return;
        for (size_t n = 1 + h % 3; n > 0; n--, h /= 7) {
                DomainPlace *a = places.items + h % places.n_items, *b = places.items + (h >> 11) % places.n_items;
                char *address = a->address;
                a->address = b->address;
                b->address = address;
        }
        must(domain_places_format(&places, &changed) >= 0);
        d = complete_with(text, changed, caps, &diag);
        if (!d)
                fprintf(stderr, "%s\n%s\n", text, changed);
        must(d, "refused because of what is remembered: %s", strempty(diag_first_error(&diag)));
}

void fuzz_check_effective(const char *text, const Domain *effective, const char *effective_text, const QemuCaps *caps) {
        _cleanup_free_ char *record = NULL;

        if (is_due(text, "forms", 8))
                check_forms(effective);
        if (is_due(text, "schema", 64) && strlen(effective_text) <= DOMAIN_XML_MAX)
                check_schema(effective_text);
        bool same = is_due(text, "same", 4), other = is_due(text, "other", 4);
        if (!same && !other)
                return;
        must(qemu_places_format(effective, &record) >= 0);
        if (same)
                check_same_places(text, effective_text, record, caps);
        if (other)
                check_other_places(text, effective, record, caps);
}

/* --- command lines and plans --- */

/* Ours are understood, and what comes out is a definition that can be written. */
void fuzz_check_command_line(const char *text, const QemuArgv *argv) {
        _cleanup_(domain_freep) Domain *d = NULL, *again = NULL;
        _cleanup_diag_ Diag diag = {}, quiet = {};
        _cleanup_free_ char *xml = NULL;

        if (!is_due(text, "native", 4))
                return;
        int r = qemu_parse_argv(argv->env, argv->argv, "fuzz", &diag, &d);
        must(r != -ENOMEM);
        must((r < 0) == (diag.n_errors > 0));
        if (r < 0)
                return;
        must(domain_to_xml(d, DOMAIN_XML_SECURE, &xml) >= 0);
        r = domain_from_xml(xml, strlen(xml), &quiet, &again);
        must((r < 0) == (quiet.n_errors > 0), "%s", xml);
        if (r < 0)
                return;
        r = domain_complete(again, &host_facts_generic, &quiet);
        must((r < 0) == (quiet.n_errors > 0), "%s", xml);
        must(r < 0 || domain_validate(again, &quiet) != -ENOMEM);
}

static void check_launch(const Plan *p) {
        _cleanup_launch_ Launch launch = {};
        char *record = NULL;
        size_t size;

        must(plan_to_launch(p, true, &record, &size) >= 0);
        if (size > LAUNCH_MAX) {
                free(record);
                return;
        }
        must(launch_parse(record, size, &launch) >= 0);
        must(streq(launch.name, p->name) && streq(launch.emulator, p->emulator));
        must(launch.n_argv == strv_length(p->argv) && launch.n_env == strv_length(p->env));
        for (size_t i = 0; i < launch.n_argv; i++)
                must(streq(launch.argv[i], p->argv[i]));
}

void fuzz_check_plan(const Plan *p) {
        _cleanup_free_ char *dropin = NULL;

        check_launch(p);
        must(unit_properties_to_dropin(&p->properties, p->source_path, &dropin) >= 0);
}
