/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "domain-complete.h"
#include "string-util.h"

Domain *domain_new(void) {
        return calloc(1, sizeof(Domain));
}

void device_info_done(DeviceInfo *i) {
        free(i->alias);
        free(i->address.port);
        free(i->rom_file);
}

static void controller_done(DomainController *c) {
        device_info_done(&c->info);
        free(c->model);
        free(c->pci_model_name);
}

void device_seclabel_done(DeviceSeclabel *s) {
        free(s->model);
        free(s->label);
}

static void seclabel_done(DomainSeclabel *s) {
        free(s->model);
        free(s->label);
        free(s->baselabel);
        free(s->imagelabel);
}

void char_source_done(CharSource *s) {
        free(s->path);
        free(s->host);
        free(s->service);
        free(s->bind_host);
        free(s->bind_service);
        free(s->log_file);
        free(s->channel);
        FREE_LIST(s->seclabels, s->n_seclabels, device_seclabel_done);
        *s = (CharSource){};
}

static void char_done(DomainChar *c) {
        device_info_done(&c->info);
        char_source_done(&c->source);
        free(c->target_name);
        free(c->target_state);
        free(c->target_model);
        free(c->guestfwd_address);
}

static void graphics_done(DomainGraphics *g) {
        free(g->listen);
        free(g->listen_address);
        free(g->listen_socket);
        free(g->listen_network);
        free(g->socket);
        free(g->keymap);
        free(g->password);
        free(g->password_valid_to);
        free(g->channels);
        free(g->rendernode);
        free(g->display);
        free(g->xauth);
        free(g->address);
}

static void audio_side_done(AudioSide *s) {
        free(s->dev);
        free(s->name);
        free(s->stream_name);
        free(s->server_name);
        free(s->client_name);
        free(s->connect_ports);
}

static void audio_done(DomainAudio *a) {
        audio_side_done(&a->input);
        audio_side_done(&a->output);
        free(a->server_name);
        free(a->path);
}

static void sound_done(DomainSound *s) {
        device_info_done(&s->info);
        free(s->codecs);
}

static void video_done(DomainVideo *v) {
        device_info_done(&v->info);
        free(v->rendernode);
}

static void input_done(DomainInput *i) {
        device_info_done(&i->info);
        free(i->source);
}

static void filesystem_done(DomainFilesystem *f) {
        device_info_done(&f->info);
        free(f->binary);
        free(f->source_dir);
        free(f->source_socket);
        free(f->target);
}

static void certificate_done(SmartcardCertificate *c) {
        free(c->name);
}

static void smartcard_done(DomainSmartcard *s) {
        device_info_done(&s->info);
        FREE_LIST(s->certificates, s->n_certificates, certificate_done);
        free(s->database);
        char_source_done(&s->source);
}

static void redirdev_done(DomainRedirdev *r) {
        device_info_done(&r->info);
        char_source_done(&r->source);
}

static void redirfilter_done(DomainRedirfilter *r) {
        free(r->rules);
}

static void vsock_done(DomainVsock *v) {
        device_info_done(&v->info);
}

static void shmem_done(DomainShmem *s) {
        device_info_done(&s->info);
        free(s->name);
        free(s->server_path);
}

static void crypto_done(DomainCrypto *c) {
        device_info_done(&c->info);
}

static void balloon_done(DomainBalloon *b) {
        device_info_done(&b->info);
}

static void rng_done(DomainRng *r) {
        device_info_done(&r->info);
        free(r->backend_path);
        char_source_done(&r->source);
}

static void panic_done(DomainPanic *p) {
        device_info_done(&p->info);
}

static void watchdog_done(DomainWatchdog *w) {
        device_info_done(&w->info);
}

static void tpm_done(DomainTpm *t) {
        device_info_done(&t->info);
        free(t->device_path);
        char_source_done(&t->source);
}

static void hub_done(DomainHub *h) {
        device_info_done(&h->info);
}

static void iommu_done(DomainIommu *i) {
        device_info_done(&i->info);
}

static void os_done(DomainOs *o) {
        free(o->machine);
        free(o->loader);
        free(o->nvram);
        free(o->nvram_template);
        free(o->acpi_table);
        free(o->flash.path);
        free(o->flash.nvram);
        free(o->flash.nvram_template);
        free(o->boot);
        free(o->kernel);
        free(o->initrd);
        free(o->cmdline);
        free(o->dtb);
}

static void cpu_feature_done(CpuFeature *f) {
        free(f->name);
}

static void numa_cache_done(NumaCache *c) {
        free(c->size.unit);
        free(c->line.unit);
}

static void numa_cell_done(NumaCell *c) {
        free(c->memory.unit);
        free(c->distances);
        FREE_LIST(c->caches, c->n_caches, numa_cache_done);
}

static void interconnect_done(NumaInterconnect *i) {
        free(i->value.unit);
}

static void cpu_done(DomainCpu *c) {
        free(c->model);
        free(c->vendor);
        free(c->vendor_id);
        FREE_LIST(c->features, c->n_features, cpu_feature_done);
        FREE_LIST(c->cells, c->n_cells, numa_cell_done);
        FREE_LIST(c->interconnects, c->n_interconnects, interconnect_done);
}

static void huge_page_done(HugePage *p) {
        free(p->size.unit);
}

static void blkio_device_done(BlkioDevice *b) {
        free(b->path);
}

static void memory_done(DomainMemory *m) {
        device_info_done(&m->info);
        free(m->path);
}

static void tuning_done(Domain *d) {
        FREE_LIST(d->memory_backing.pages, d->memory_backing.n_pages, huge_page_done);
        FREE_LIST(d->blkiotune.devices, d->blkiotune.n_devices, blkio_device_done);
        free(d->vcpu_list);
        free(d->iothread_ids);
        free(d->cputune.vcpupins);
        free(d->cputune.iothreadpins);
        free(d->cputune.vcpuscheds);
        free(d->cputune.iothreadscheds);
        free(d->numatune.memnodes);
}

static void clock_done(DomainClock *c) {
        free(c->timezone);
        free(c->timers);
}

static void qemu_arg_done(QemuArg *a) {
        free(a->value);
}

static void qemu_env_done(QemuEnv *e) {
        free(e->name);
        free(e->value);
}

static void qemu_property_done(QemuProperty *p) {
        free(p->name);
        free(p->value);
}

static void qemu_capability_done(QemuCapability *c) {
        free(c->name);
}

static void qemu_override_done(QemuOverride *o) {
        free(o->alias);
        FREE_LIST(o->properties, o->n_properties, qemu_property_done);
}

static void devices_done(Domain *d) {
        FREE_LIST(d->disks, d->n_disks, disk_done);
        FREE_LIST(d->controllers, d->n_controllers, controller_done);
        FREE_LIST(d->interfaces, d->n_interfaces, interface_done);
        FREE_LIST(d->chars, d->n_chars, char_done);
        FREE_LIST(d->inputs, d->n_inputs, input_done);
        FREE_LIST(d->graphics, d->n_graphics, graphics_done);
        FREE_LIST(d->sounds, d->n_sounds, sound_done);
        FREE_LIST(d->audios, d->n_audios, audio_done);
        FREE_LIST(d->videos, d->n_videos, video_done);
        FREE_LIST(d->filesystems, d->n_filesystems, filesystem_done);
        FREE_LIST(d->smartcards, d->n_smartcards, smartcard_done);
        FREE_LIST(d->redirdevs, d->n_redirdevs, redirdev_done);
        FREE_LIST(d->redirfilters, d->n_redirfilters, redirfilter_done);
        FREE_LIST(d->hostdevs, d->n_hostdevs, hostdev_done);
        FREE_LIST(d->vsocks, d->n_vsocks, vsock_done);
        FREE_LIST(d->shmems, d->n_shmems, shmem_done);
        FREE_LIST(d->cryptos, d->n_cryptos, crypto_done);
        FREE_LIST(d->balloons, d->n_balloons, balloon_done);
        FREE_LIST(d->rngs, d->n_rngs, rng_done);
        FREE_LIST(d->panics, d->n_panics, panic_done);
        FREE_LIST(d->watchdogs, d->n_watchdogs, watchdog_done);
        FREE_LIST(d->tpms, d->n_tpms, tpm_done);
        FREE_LIST(d->memories, d->n_memories, memory_done);
        FREE_LIST(d->hubs, d->n_hubs, hub_done);
        FREE_LIST(d->iommus, d->n_iommus, iommu_done);
}

Domain *domain_free(Domain *d) {
        if (!d)
                return NULL;

        free(d->name);
        free(d->title);
        free(d->description);
        free(d->metadata);
        FOREACH_ARRAY(a, d->afters, d->n_afters)
                free(a->vm);
        free(d->afters);
        FREE_LIST(d->credentials, d->n_credentials, credential_done);
        cloud_init_done(&d->cloud_init);
        FREE_LIST(d->sysinfos, d->n_sysinfos, sysinfo_done);
        os_done(&d->os);
        free(d->features.hyperv.vendor);
        cpu_done(&d->cpu);
        domain_places_done(&d->places);
        tuning_done(d);
        clock_done(&d->clock);
        free(d->partition);
        free(d->emulator);
        devices_done(d);
        FREE_LIST(d->seclabels, d->n_seclabels, seclabel_done);
        FREE_LIST(d->qemu_args, d->n_qemu_args, qemu_arg_done);
        FREE_LIST(d->qemu_env, d->n_qemu_env, qemu_env_done);
        FREE_LIST(d->qemu_caps_added, d->n_qemu_caps_added, qemu_capability_done);
        FREE_LIST(d->qemu_caps_deleted, d->n_qemu_caps_deleted, qemu_capability_done);
        FREE_LIST(d->qemu_overrides, d->n_qemu_overrides, qemu_override_done);
        free(d);
        return NULL;
}

#define FOR_ALL(array, count)                                                                                \
        FOREACH_ARRAY(device, array, count)                                                                  \
        func(&device->info, userdata)

void domain_for_devices(Domain *d, void (*func)(DeviceInfo *info, void *userdata), void *userdata) {
        FOR_ALL(d->disks, d->n_disks);
        FOR_ALL(d->controllers, d->n_controllers);
        FOR_ALL(d->filesystems, d->n_filesystems);
        FOR_ALL(d->interfaces, d->n_interfaces);
        FOR_ALL(d->smartcards, d->n_smartcards);
        FOR_ALL(d->chars, d->n_chars);
        FOR_ALL(d->inputs, d->n_inputs);
        FOR_ALL(d->sounds, d->n_sounds);
        FOR_ALL(d->videos, d->n_videos);
        FOR_ALL(d->redirdevs, d->n_redirdevs);
        FOR_ALL(d->hostdevs, d->n_hostdevs);
        FOR_ALL(d->vsocks, d->n_vsocks);
        FOR_ALL(d->shmems, d->n_shmems);
        FOR_ALL(d->cryptos, d->n_cryptos);
        FOR_ALL(d->balloons, d->n_balloons);
        FOR_ALL(d->rngs, d->n_rngs);
        FOR_ALL(d->panics, d->n_panics);
        FOR_ALL(d->watchdogs, d->n_watchdogs);
        FOR_ALL(d->tpms, d->n_tpms);
        FOR_ALL(d->memories, d->n_memories);
        FOR_ALL(d->hubs, d->n_hubs);
        FOR_ALL(d->iommus, d->n_iommus);
}

#define FOR_ALL_SOURCES(array, count)                                                                        \
        FOREACH_ARRAY(device, array, count)                                                                  \
        if ((r = func(&device->source, device->info.loc, userdata)) < 0)                                      \
                return r;

int domain_for_sources(const Domain *d, int (*func)(const CharSource *s, SrcLoc loc, void *userdata), void *userdata) {
        int r;

        FOR_ALL_SOURCES(d->chars, d->n_chars);
        FOR_ALL_SOURCES(d->smartcards, d->n_smartcards);
        FOR_ALL_SOURCES(d->redirdevs, d->n_redirdevs);
        FOR_ALL_SOURCES(d->rngs, d->n_rngs);
        return 0;
}

static void forget_alias(DeviceInfo *info, void *userdata) {
        if (info->alias && !startswith(info->alias, "ua-"))
                info->alias = mfree(info->alias);
}

void domain_forget_aliases(Domain *d) {
        domain_for_devices(d, forget_alias, NULL);
}

static bool source_holds_secret(const DiskSource *s) {
        for (; s; s = s->backing)
                if (s->n_cookies > 0)
                        return true;
        return false;
}

bool domain_char_is_agent(const DomainChar *c) {
        return c->kind == CHAR_CHANNEL && streq_ptr(c->target_name, GUEST_AGENT_CHANNEL);
}

bool domain_holds_secret(const Domain *d) {
        FOREACH_ARRAY(g, d->graphics, d->n_graphics)
                if (g->password)
                        return true;
        FOREACH_ARRAY(disk, d->disks, d->n_disks)
                if (source_holds_secret(&disk->source))
                        return true;
        return false;
}

/* Takes element I out of a list. */
#define DROP(list, count, i, done)                                                                           \
        do {                                                                                                 \
                done(list + (i));                                                                            \
                memmove(list + (i), list + (i) + 1, (count - (i) - 1) * sizeof(*(list)));                    \
                count--;                                                                                     \
        } while (false)

static bool is_at(const DeviceAddress *a, unsigned slot, unsigned function) {
        return a->type == ADDRESS_UNSET ||
               (a->type == ADDRESS_PCI && a->domain.value == 0 && a->bus.value == 0 && a->slot.value == slot &&
                a->function.value == function);
}

static bool is_implicit_controller(const DomainController *c) {
        const char *model = c->model ?: "";

        if (c->index.value != 0 || c->info.alias)
                return false;
        return (c->type == CONTROLLER_USB && streq(model, "piix3-uhci") && is_at(&c->info.address, 1, 2)) ||
               (c->type == CONTROLLER_PCI && streq(model, "pci-root") && !c->pcihole64.set);
}

static void drop_controller(Domain *d, ControllerType type) {
        size_t found = 0, n = 0;

        for (size_t i = 0; i < d->n_controllers; i++)
                if (d->controllers[i].type == type) {
                        found = i;
                        n++;
                }
        if (n == 1 && is_implicit_controller(d->controllers + found))
                DROP(d->controllers, d->n_controllers, found, controller_done);
}

void domain_drop_implicit(Domain *d) {
        drop_controller(d, CONTROLLER_USB);
        drop_controller(d, CONTROLLER_PCI);
        for (size_t i = d->n_inputs; i > 0; i--)
                if (d->inputs[i - 1].bus == INPUT_BUS_PS2 && d->inputs[i - 1].type == INPUT_KEYBOARD)
                        DROP(d->inputs, d->n_inputs, i - 1, input_done);
        if (domain_audio_is_implicit(d))
                DROP(d->audios, d->n_audios, 0, audio_done);
}

static const DomainSeclabel *find_dynamic(const Domain *d, const char *model) {
        FOREACH_ARRAY(s, d->seclabels, d->n_seclabels)
                if (s->type == SECLABEL_DYNAMIC && streq_ptr(s->model, model))
                        return s;
        return NULL;
}

void domain_forget_labels(Domain *d, const Domain *like) {
        for (size_t i = d->n_seclabels; i-- > 0;) {
                DomainSeclabel *s = &d->seclabels[i];
                const DomainSeclabel *written = s->type == SECLABEL_DYNAMIC ? find_dynamic(like, s->model) : s;
                if (!written) {
                        DROP(d->seclabels, d->n_seclabels, i, seclabel_done);
                        continue;
                }
                if (!written->label)
                        s->label = mfree(s->label);
                if (!written->imagelabel)
                        s->imagelabel = mfree(s->imagelabel);
        }
}

void domain_take_seclabels(Domain *d, Domain *from) {
        FREE_LIST(d->seclabels, d->n_seclabels, seclabel_done);
        d->seclabels = TAKE_PTR(from->seclabels);
        d->n_seclabels = from->n_seclabels;
        from->n_seclabels = 0;
}
