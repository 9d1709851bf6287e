/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdio.h>

#include "domain-complete.h"
#include "domain-validate.h"
#include "parse-util.h"
#include "string-util.h"

/* <sysinfo>: its words, defaults and checks. */

static const char *const bios_names[] = { "vendor", "version", "date", "release", NULL };
static const char *const system_names[] = { "manufacturer", "product", "version", "serial", "uuid", "sku", "family", NULL };
static const char *const base_board_names[] = { "manufacturer", "product", "version", "serial", "asset", "location", NULL };
static const char *const chassis_names[] = { "manufacturer", "version", "serial", "asset", "sku", NULL };

static const struct {
        const char *element;
        const char *const *names;
} tables[_SYSINFO_TABLE_MAX] = {
        [SYSINFO_BIOS] = { "bios", bios_names },
        [SYSINFO_SYSTEM] = { "system", system_names },
        [SYSINFO_BASE_BOARD] = { "baseBoard", base_board_names },
        [SYSINFO_CHASSIS] = { "chassis", chassis_names },
};

/* QEMU's limit for the name of such a file, without the NUL. */
#define FWCFG_NAME_MAX 55U

const char *const *sysinfo_names(SysinfoTable table) {
        return tables[table].names;
}

const char *sysinfo_value(const SysinfoBlock *b, const char *name) {
        FOREACH_ARRAY(e, b->entries, b->n_entries)
                if (streq_ptr(e->name, name))
                        return e->value;
        return NULL;
}

static void entry_done(SysinfoEntry *e) {
        free(e->name);
        free(e->value);
        free(e->file);
}

static void block_done(SysinfoBlock *b) {
        FOREACH_ARRAY(e, b->entries, b->n_entries)
                entry_done(e);
        free(b->entries);
}

void sysinfo_done(DomainSysinfo *s) {
        block_done(&s->bios);
        block_done(&s->system);
        block_done(&s->chassis);
        block_done(&s->oem_strings);
        FOREACH_ARRAY(b, s->base_boards, s->n_base_boards)
                block_done(b);
        free(s->base_boards);
        FOREACH_ARRAY(e, s->entries, s->n_entries)
                entry_done(e);
        free(s->entries);
}

/* --- defaults --- */

static size_t name_position(const char *const *names, const char *name) {
        size_t i = 0;

        while (names[i] && !streq_ptr(names[i], name))
                i++;
        return i;
}

/* What says nothing goes, the rest gets libvirt's order. */
static void complete_block(SysinfoBlock *b, SysinfoTable table) {
        const char *const *names = tables[table].names;
        size_t n = 0;

        for (size_t i = 0; i < b->n_entries; i++) {
                SysinfoEntry e = b->entries[i];
                if (isempty(e.value)) {
                        entry_done(&e);
                        continue;
                }
                size_t k = n++;
                for (; k > 0 && name_position(names, b->entries[k - 1].name) > name_position(names, e.name); k--)
                        b->entries[k] = b->entries[k - 1];
                b->entries[k] = e;
        }
        b->n_entries = n;
}

static void complete_boards(DomainSysinfo *s) {
        size_t n = 0;

        for (size_t i = 0; i < s->n_base_boards; i++) {
                SysinfoBlock b = s->base_boards[i];
                complete_block(&b, SYSINFO_BASE_BOARD);
                if (b.n_entries > 0)
                        s->base_boards[n++] = b;
                else
                        block_done(&b);
        }
        s->n_base_boards = n;
}

int domain_complete_sysinfos(Domain *d, const HostFacts *facts) {
        FOREACH_ARRAY(s, d->sysinfos, d->n_sysinfos) {
                complete_block(&s->bios, SYSINFO_BIOS);
                complete_block(&s->system, SYSINFO_SYSTEM);
                complete_block(&s->chassis, SYSINFO_CHASSIS);
                complete_boards(s);
                FOREACH_ARRAY(e, s->entries, s->n_entries)
                        if (e->file) /* when both are there, libvirt's stored definition has the file only */
                                e->value = mfree(e->value);
        }
        return 0;
}

/* --- checks --- */

static void check_block(const SysinfoBlock *b, SysinfoTable table, Diag *diag) {
        const char *element = tables[table].element;

        FOREACH_ARRAY(e, b->entries, b->n_entries) {
                if (!tables[table].names[name_position(tables[table].names, strempty(e->name))])
                        (void) diag_error(diag, e->loc, "sysinfo %s: '%s' is not the name of an entry", element, strempty(e->name));
                if (e->value && !utf8_is_printable(e->value))
                        (void) diag_error(diag, e->loc, "sysinfo %s: control characters in the value of '%s'", element,
                                          strempty(e->name));
                for (const SysinfoEntry *i = b->entries; i < e; i++)
                        if (e->name && streq_ptr(i->name, e->name)) {
                                (void) diag_error(diag, e->loc, "sysinfo %s: '%s' is given twice", element, e->name);
                                break;
                        }
        }
}

/* "12/24/2011", or "12/24/11" */
static bool is_bios_date(const char *s) {
        unsigned month, day, year;
        int n = 0;

        if (sscanf(s, "%2u/%2u/%4u%n", &month, &day, &year, &n) != 3 || s[n] || strspn(s, DIGITS "/") != strlen(s))
                return false;
        return month >= 1 && month <= 12 && day >= 1 && day <= 31 && (year <= 99 || (year >= 1900 && year <= 9999));
}

static void check_smbios(const Domain *d, const DomainSysinfo *s, Diag *diag) {
        const char *date = sysinfo_value(&s->bios, "date"), *text = sysinfo_value(&s->system, "uuid");
        uint8_t uuid[16];

        check_block(&s->bios, SYSINFO_BIOS, diag);
        check_block(&s->system, SYSINFO_SYSTEM, diag);
        check_block(&s->chassis, SYSINFO_CHASSIS, diag);
        FOREACH_ARRAY(b, s->base_boards, s->n_base_boards)
                check_block(b, SYSINFO_BASE_BOARD, diag);
        FOREACH_ARRAY(e, s->oem_strings.entries, s->oem_strings.n_entries)
                if (e->value && !utf8_is_printable(e->value))
                        (void) diag_error(diag, e->loc, "sysinfo oemStrings: control characters in an entry");
        if (!isempty(date) && !is_bios_date(date))
                (void) diag_error(diag, s->loc, "sysinfo bios: date '%s' is not a day (mm/dd/yyyy)", date);
        if (isempty(text))
                return;
        if (parse_uuid(text, uuid) < 0)
                (void) diag_error(diag, s->loc, "sysinfo system: uuid '%s' is not a UUID", text);
        else if (d->has_uuid && memcmp(uuid, d->uuid, sizeof(uuid)) != 0)
                (void) diag_error(diag, s->loc, "sysinfo system: uuid '%s' is not the <uuid> of the machine", text);
}

static void check_fwcfg(const DomainSysinfo *s, Diag *diag) {
        FOREACH_ARRAY(e, s->entries, s->n_entries) {
                const char *name = strempty(e->name);

                if (!startswith(name, "opt/"))
                        (void) diag_error(diag, e->loc, "sysinfo fwcfg: name '%s' does not begin with opt/", name);
                else if (startswith(name, "opt/ovmf/") || startswith(name, "opt/org.qemu/"))
                        (void) diag_error(diag, e->loc, "sysinfo fwcfg: name '%s' is reserved", name);
                else if (strlen(name) > FWCFG_NAME_MAX)
                        (void) diag_error(diag, e->loc, "sysinfo fwcfg: name '%.16s…' is longer than %u bytes", name, FWCFG_NAME_MAX);
                if (isempty(e->value) && isempty(e->file))
                        (void) diag_error(diag, e->loc, "sysinfo fwcfg: entry '%s' has neither a value nor a @file", name);
                check_path(diag, e->loc, "sysinfo fwcfg @file", e->file);
        }
}

void check_sysinfos(const Domain *d, Diag *diag) {
        const DomainSysinfo *smbios = NULL;

        FOREACH_ARRAY(s, d->sysinfos, d->n_sysinfos)
                if (s->type == SYSINFO_SMBIOS) {
                        if (smbios)
                                (void) diag_error(diag, s->loc, "sysinfo of type 'smbios' is given twice");
                        smbios = s;
                        check_smbios(d, s, diag);
                } else if (s->type == SYSINFO_FWCFG)
                        check_fwcfg(s, diag);
        if (d->os.smbios == SMBIOS_SYSINFO && !smbios)
                (void) diag_error(diag, d->os.loc, "smbios mode 'sysinfo' needs <sysinfo type='smbios'>");
        if (d->os.smbios == SMBIOS_SYSINFO && smbios && smbios->n_base_boards > 1)
                (void) diag_error(diag, smbios->base_boards[1].loc, "sysinfo: QEMU has one <baseBoard> only");
}
