/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "parse-util.h"
#include "qemu-emit.h"
#include "string-util.h"

/* What the guest reads of its hardware: SMBIOS tables, files in fw_cfg, the generation ID. */

/* QEMU has a manufacturer of its own for a board or a chassis that says nothing of it; libvirt says that there is
 * none. */
static bool lacks_manufacturer(unsigned number, const SysinfoBlock *b) {
        return (number == 2 || number == 3) && isempty(sysinfo_value(b, "manufacturer"));
}

static void emit_table(Emit *e, unsigned number, const SysinfoBlock *b, bool skip_uuid) {
        _cleanup_options_ Options o = {};
        bool any = false;

        options_addf(&o, "type", "%u", number);
        if (lacks_manufacturer(number, b))
                options_add(&o, "manufacturer", "");
        FOREACH_ARRAY(i, b->entries, b->n_entries) {
                /* Of strings that are counted each one counts. */
                if ((i->name && isempty(i->value)) || (skip_uuid && streq_ptr(i->name, "uuid")))
                        continue;
                options_add(&o, i->name ?: "value", strempty(i->value));
                any = true;
        }
        if (any)
                emit_options(e, "-smbios", &o);
}

static const DomainSysinfo *find_smbios(const Domain *d) {
        FOREACH_ARRAY(s, d->sysinfos, d->n_sysinfos)
                if (s->type == SYSINFO_SMBIOS)
                        return s;
        return NULL;
}

bool has_smbios(const Domain *d) {
        return d->os.smbios == SMBIOS_HOST || d->os.smbios == SMBIOS_SYSINFO;
}

int emit_smbios(Emit *e) {
        bool host = e->domain->os.smbios == SMBIOS_HOST;
        const DomainSysinfo *s = host ? e->facts->sysinfo : find_smbios(e->domain);

        if (!s)
                return diag_error(e->diag, e->domain->os.loc, "smbios mode 'host': this host has no SMBIOS tables");
        emit_table(e, 0, &s->bios, false);
        emit_table(e, 1, &s->system, host); /* two machines never have the same UUID */
        if (s->n_base_boards > 0)
                emit_table(e, 2, &s->base_boards[0], false);
        emit_table(e, 3, &s->chassis, false);
        emit_table(e, 11, &s->oem_strings, false);
        return 0;
}

bool has_fwcfg(const Domain *d) {
        FOREACH_ARRAY(s, d->sysinfos, d->n_sysinfos)
                if (s->type == SYSINFO_FWCFG)
                        return true;
        return false;
}

static void emit_fwcfg_entry(Emit *e, const SysinfoEntry *i, unsigned number) {
        _cleanup_free_ char *fd_name = strf("fwcfg%u", number), *path = NULL;
        _cleanup_options_ Options o = {};

        options_add(&o, "name", i->name);
        if (!i->file)
                options_add(&o, "string", i->value);
        else if (fd_name) {
                path = emit_copy(e, &(FileRequest) { .name = fd_name, .path = i->file, .element = "sysinfo", .loc = i->loc });
                options_add(&o, "file", path);
        } else
                e->failed = true;
        emit_options(e, "-fw_cfg", &o);
}

int emit_fwcfg(Emit *e) {
        unsigned number = 0;

        FOREACH_ARRAY(s, e->domain->sysinfos, e->domain->n_sysinfos)
                if (s->type == SYSINFO_FWCFG)
                        FOREACH_ARRAY(i, s->entries, s->n_entries)
                                emit_fwcfg_entry(e, i, number++);
        return 0;
}

bool has_genid(const Domain *d) {
        return d->has_genid;
}

int emit_genid(Emit *e) {
        _cleanup_qjson_ Json j = {};
        char guid[37];

        if (!qemu_caps_has_type(e->caps, "vmgenid"))
                return diag_error(e->diag, e->domain->loc, "emulator '%s' has no 'vmgenid' for <genid>", e->domain->emulator);
        format_uuid(e->domain->genid, guid);
        json_add_string(&j, "driver", "vmgenid");
        json_add_string(&j, "guid", guid);
        json_add_string(&j, "id", "vmgenid0");
        emit_json(e, "-device", &j);
        return 0;
}
