/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "domain-validate.h"
#include "string-util.h"

/* What stands in units, in records by the line and in QEMU's arguments: no path has a line break or another control
 * character, wherever it is. Whether it is absolute is for the family to say; block devices with
 * limits are the unit's business. */

static void check_printable(SrcLoc loc, const char *path, Diag *diag) {
        if (path && !utf8_is_printable(path))
                (void) diag_error(diag, loc, "path '%s' contains control characters", path);
}

static void check_rom(DeviceInfo *info, void *userdata) {
        check_printable(info->loc, info->rom_file, userdata);
}

static void check_source_paths(const CharSource *s, SrcLoc loc, Diag *diag) {
        check_printable(loc, s->path, diag);
        check_printable(loc, s->log_file, diag);
}

static void check_all_sources(const Domain *d, Diag *diag) {
        FOREACH_ARRAY(i, d->chars, d->n_chars)
                if (!char_repeats_serial(d, i))
                        check_source_paths(&i->source, i->info.loc, diag);
        FOREACH_ARRAY(i, d->smartcards, d->n_smartcards)
                check_source_paths(&i->source, i->info.loc, diag);
        FOREACH_ARRAY(i, d->redirdevs, d->n_redirdevs)
                check_source_paths(&i->source, i->info.loc, diag);
        FOREACH_ARRAY(i, d->rngs, d->n_rngs)
                check_source_paths(&i->source, i->info.loc, diag);
        FOREACH_ARRAY(i, d->tpms, d->n_tpms)
                check_source_paths(&i->source, i->info.loc, diag);
}

static void check_disk_paths(const DomainDisk *disk, Diag *diag) {
        for (const DiskSource *s = &disk->source; s; s = s->backing) {
                SrcLoc loc = s->loc.line > 0 ? s->loc : disk->info.loc;
                check_printable(loc, s->path, diag);
                check_printable(loc, s->config, diag);
                check_printable(loc, s->reservations.path, diag);
                FOREACH_ARRAY(h, s->hosts, s->n_hosts)
                        check_printable(h->loc, h->socket, diag);
        }
}

static void check_interface_paths(const DomainInterface *i, Diag *diag) {
        const char *const paths[] = { i->socket_path, i->script, i->downscript, i->backend_tap, i->backend_vhost,
                                      i->backend_log };

        for (size_t k = 0; k < ELEMENTSOF(paths); k++)
                check_printable(i->info.loc, paths[k], diag);
}

static void check_graphics_paths(const DomainGraphics *g, Diag *diag) {
        const char *const paths[] = { g->listen_socket, streq_ptr(g->socket, g->listen_socket) ? NULL : g->socket, g->rendernode, g->xauth };

        for (size_t k = 0; k < ELEMENTSOF(paths); k++)
                check_printable(g->loc, paths[k], diag);
}

static void check_os_paths(const DomainOs *os, Diag *diag) {
        const char *const paths[] = { os->loader, os->nvram, os->nvram_template, os->kernel, os->initrd, os->dtb,
                                      os->acpi_table };

        for (size_t k = 0; k < ELEMENTSOF(paths); k++)
                check_printable(os->loc, paths[k], diag);
}

void check_paths(const Domain *d, Diag *diag) {
        check_os_paths(&d->os, diag);
        check_printable(d->loc, d->emulator, diag);
        check_printable(d->cloud_init.loc, d->cloud_init.user_data, diag);
        check_printable(d->cloud_init.loc, d->cloud_init.meta_data, diag);
        check_printable(d->cloud_init.loc, d->cloud_init.network_config, diag);
        check_printable(d->cloud_init.loc, d->cloud_init.vendor_data, diag);
        FOREACH_ARRAY(s, d->sysinfos, d->n_sysinfos)
                FOREACH_ARRAY(i, s->entries, s->n_entries)
                        check_printable(i->loc, i->file, diag);
        /* Nothing is changed. */
        domain_for_devices((Domain *) d, check_rom, diag);
        check_all_sources(d, diag);
        FOREACH_ARRAY(i, d->disks, d->n_disks)
                check_disk_paths(i, diag);
        FOREACH_ARRAY(i, d->filesystems, d->n_filesystems) {
                check_printable(i->info.loc, i->source_dir, diag);
                check_printable(i->info.loc, i->source_socket, diag);
                check_printable(i->info.loc, i->binary, diag);
        }
        FOREACH_ARRAY(i, d->interfaces, d->n_interfaces)
                check_interface_paths(i, diag);
        FOREACH_ARRAY(i, d->smartcards, d->n_smartcards)
                check_printable(i->info.loc, i->database, diag);
        FOREACH_ARRAY(i, d->inputs, d->n_inputs)
                check_printable(i->info.loc, i->source, diag);
        FOREACH_ARRAY(i, d->graphics, d->n_graphics)
                check_graphics_paths(i, diag);
        FOREACH_ARRAY(i, d->audios, d->n_audios) {
                check_printable(i->loc, i->path, diag);
                check_printable(i->loc, i->input.dev, diag);
                check_printable(i->loc, i->output.dev, diag);
        }
        FOREACH_ARRAY(i, d->videos, d->n_videos)
                check_printable(i->info.loc, i->rendernode, diag);
        FOREACH_ARRAY(i, d->shmems, d->n_shmems)
                check_printable(i->info.loc, i->server_path, diag);
        FOREACH_ARRAY(i, d->rngs, d->n_rngs)
                check_printable(i->info.loc, i->backend_path, diag);
        FOREACH_ARRAY(i, d->memories, d->n_memories)
                check_printable(i->info.loc, i->path, diag);
        FOREACH_ARRAY(i, d->tpms, d->n_tpms)
                check_printable(i->info.loc, i->device_path, diag);
}
