/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "parse-util.h"
#include "qemu-device.h"
#include "qemu-options.h"
#include "qemu-parse-model.h"
#include "qemu-parse.h"
#include "strv.h"

static int parse_name(Parse *p, Item *i) {
        const char *name = item_take(i, "guest");

        (void) item_take_if(i, "debug-threads", "on");
        (void) item_take(i, "process");
        if (!isempty(name) && free_and_strdup(&p->d->name, name) < 0)
                return -ENOMEM;
        return !item_is_used_up(i);
}

static int parse_uuid_option(Parse *p, Item *i) {
        if (parse_uuid(i->value, p->d->uuid) < 0)
                return diag_error(p->diag, (SrcLoc) {}, "-uuid %s: not a UUID", i->value);
        p->d->has_uuid = true;
        return 0;
}

static int parse_no_defaults(Parse *p, Item *i) {
        p->no_defaults = true;
        return 0;
}

static int parse_usb(Parse *p, Item *i) {
        p->usb = true;
        return 0;
}

static int parse_no_reboot(Parse *p, Item *i) {
        p->d->on_reboot = ACTION_DESTROY;
        return 0;
}

static int parse_keymap(Parse *p, Item *i) {
        return p->d->n_graphics > 0 ? free_and_strdup(&p->d->graphics[0].keymap, i->value) : 1;
}

static int parse_overcommit(Parse *p, Item *i) {
        const char *lock = item_take(i, "mem-lock");

        if (lock && streq(lock, "on"))
                p->d->memory_backing.locked = true;
        return !item_is_used_up(i);
}

static int parse_sandbox(Parse *p, Item *i) {
        return !streq(i->value, "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny");
}

static int parse_messages(Parse *p, Item *i) {
        return !streq(i->value, "timestamp=on");
}

/* libvirt's monitor and ours: there will be one again. */
static int parse_monitor(Parse *p, Item *i) {
        const char *id = item_get(i, "chardev");
        Item *c = items_find(&p->items, "-chardev", id);

        if (!c || !streq(id, "charmonitor"))
                return 1;
        c->used = true;
        return 0;
}

static int parse_nothing(Parse *p, Item *i) {
        return 0;
}

/* Arguments of QEMU that only say how many words there are: they are handed on. */
#define HANDED_ON(name_) { .name = name_, .form = FORM_PLAIN }
#define HANDED_ON_ALONE(name_) { .name = name_, .form = FORM_NONE }
#define MEANINGLESS(name_, form_, note_) { .name = name_, .form = form_, .note = note_ }
#define OWN_MONITOR "vmunit has a monitor of its own"
#define NO_DAEMON "the service manager keeps the process"
#define ANCIENT "QEMU has no such option any more"

static const OptionRow rows[] = {
        { "-name", FORM_KEYS, "guest", MERGE_KEYS, parse_name },
        { "-S", FORM_NONE, .parse = parse_nothing },
        { "-machine", FORM_KEYS, "type", MERGE_KEYS, parse_machine, IN(PHASE_MACHINE) | IN(PHASE_DEVICES) | IN(PHASE_AFTERWARDS) },
        { "-M", FORM_KEYS, "type", MERGE_KEYS, parse_machine, IN(PHASE_MACHINE) | IN(PHASE_DEVICES) | IN(PHASE_AFTERWARDS) },
        { "-accel", FORM_KEYS, "accel", MERGE_NOT, parse_accel },
        { "-enable-kvm", FORM_NONE, .parse = parse_enable_kvm },
        { "-cpu", FORM_KEYS, "model", MERGE_LAST, parse_cpu },
        { "-smp", FORM_KEYS, "cpus", MERGE_KEYS, parse_smp, IN(PHASE_CONTROLLERS) },
        { "-m", FORM_KEYS, "size", MERGE_KEYS, parse_memory },
        { "-object", FORM_KEYS, "qom-type", MERGE_NOT, parse_object },
        { "-overcommit", FORM_KEYS, NULL, MERGE_KEYS, parse_overcommit },
        { "-uuid", FORM_PLAIN, .parse = parse_uuid_option },
        { "-display", FORM_KEYS, "type", MERGE_NOT, parse_display, IN(PHASE_DEVICES) },
        { "-nographic", FORM_NONE, .parse = parse_nothing },
        { "-no-user-config", FORM_NONE, .parse = parse_nothing },
        { "-nodefconfig", FORM_NONE, .parse = parse_nothing },
        { "-nodefaults", FORM_NONE, .parse = parse_no_defaults },
        { "-mon", FORM_KEYS, "chardev", MERGE_NOT, parse_monitor },
        { "-rtc", FORM_KEYS, NULL, MERGE_KEYS, parse_rtc },
        { "-localtime", FORM_NONE, .parse = parse_localtime },
        { "-global", FORM_PLAIN, .parse = parse_global },
        { "-no-hpet", FORM_NONE, .parse = parse_no_hpet },
        { "-no-acpi", FORM_NONE, .parse = parse_no_acpi },
        { "-no-shutdown", FORM_NONE, .parse = parse_nothing },
        { "-no-reboot", FORM_NONE, .parse = parse_no_reboot },
        { "-boot", FORM_KEYS, "order", MERGE_KEYS, parse_boot },
        { "-kernel", FORM_PLAIN, .parse = parse_path_option },
        { "-initrd", FORM_PLAIN, .parse = parse_path_option },
        { "-append", FORM_PLAIN, .parse = parse_path_option },
        { "-dtb", FORM_PLAIN, .parse = parse_path_option },
        { "-bios", FORM_PLAIN, .parse = parse_path_option },
        { "-device", FORM_KEYS, "driver", MERGE_NOT, parse_device, IN(PHASE_CONTROLLERS) | IN(PHASE_DEVICES) },
        { "-drive", FORM_KEYS, NULL, MERGE_NOT, parse_drive, IN(PHASE_MACHINE) | IN(PHASE_DEVICES) },
        { "-blockdev", FORM_KEYS, "driver" },
        { "-netdev", FORM_KEYS, "type" },
        { "-fsdev", FORM_KEYS, "fsdriver" },
        { "-chardev", FORM_KEYS, "backend" },
        { "-tpmdev", FORM_KEYS, "type" },
        { "-numa", FORM_KEYS, "type", MERGE_NOT, parse_numa },
        { "-audiodev", FORM_KEYS, "driver", MERGE_NOT, parse_audio },
        { "-vnc", FORM_KEYS, "vnc", MERGE_NOT, parse_vnc, IN(PHASE_DEVICES) },
        { "-spice", FORM_KEYS, NULL, MERGE_NOT, parse_spice, IN(PHASE_DEVICES) },
        { "-full-screen", FORM_NONE, .parse = parse_full_screen, .phases = IN(PHASE_AFTERWARDS) },
        { "-k", FORM_PLAIN, .parse = parse_keymap, .phases = IN(PHASE_AFTERWARDS) },
        { "-sandbox", FORM_PLAIN, .parse = parse_sandbox },
        { "-msg", FORM_PLAIN, .parse = parse_messages },
        { "-hda", FORM_PLAIN, .parse = parse_old_disk, .phases = IN(PHASE_DEVICES) },
        { "-hdb", FORM_PLAIN, .parse = parse_old_disk, .phases = IN(PHASE_DEVICES) },
        { "-hdc", FORM_PLAIN, .parse = parse_old_disk, .phases = IN(PHASE_DEVICES) },
        { "-hdd", FORM_PLAIN, .parse = parse_old_disk, .phases = IN(PHASE_DEVICES) },
        { "-cdrom", FORM_PLAIN, .parse = parse_old_disk, .phases = IN(PHASE_DEVICES) },
        { "-fda", FORM_PLAIN, .parse = parse_old_disk, .phases = IN(PHASE_DEVICES) },
        { "-fdb", FORM_PLAIN, .parse = parse_old_disk, .phases = IN(PHASE_DEVICES) },
        { "-net", FORM_KEYS, "type", MERGE_NOT, parse_net, IN(PHASE_CONTROLLERS) | IN(PHASE_DEVICES) },
        { "-nic", FORM_KEYS, "type", MERGE_NOT, parse_nic, IN(PHASE_CONTROLLERS) },
        { "-serial", FORM_PLAIN, .parse = parse_old_char, .phases = IN(PHASE_DEVICES) },
        { "-parallel", FORM_PLAIN, .parse = parse_old_char, .phases = IN(PHASE_DEVICES) },
        { "-usb", FORM_NONE, .parse = parse_usb },
        { "-usbdevice", FORM_PLAIN, .parse = parse_word, .phases = IN(PHASE_DEVICES) },
        { "-vga", FORM_PLAIN, .parse = parse_word, .phases = IN(PHASE_DEVICES) },
        { "-balloon", FORM_PLAIN, .parse = parse_word, .phases = IN(PHASE_DEVICES) },
        { "-watchdog", FORM_PLAIN, .parse = parse_word, .phases = IN(PHASE_DEVICES) },
        { "-soundhw", FORM_PLAIN, .parse = parse_word, .phases = IN(PHASE_DEVICES) },
        { "-watchdog-action", FORM_PLAIN, NULL, MERGE_LAST, parse_watchdog, IN(PHASE_AFTERWARDS) },
        MEANINGLESS("-monitor", FORM_PLAIN, OWN_MONITOR),
        MEANINGLESS("-qmp", FORM_PLAIN, OWN_MONITOR),
        MEANINGLESS("-qmp-pretty", FORM_PLAIN, OWN_MONITOR),
        MEANINGLESS("-daemonize", FORM_NONE, NO_DAEMON),
        MEANINGLESS("-pidfile", FORM_PLAIN, NO_DAEMON),
        MEANINGLESS("-no-kqemu", FORM_NONE, ANCIENT),
        MEANINGLESS("-kernel-kqemu", FORM_NONE, ANCIENT),
        MEANINGLESS("-no-kvm", FORM_NONE, ANCIENT),
        MEANINGLESS("-no-kvm-irqchip", FORM_NONE, ANCIENT),
        MEANINGLESS("-no-kvm-pit-reinjection", FORM_NONE, ANCIENT),
        MEANINGLESS("-rtc-td-hack", FORM_NONE, ANCIENT),
        MEANINGLESS("-tdf", FORM_NONE, ANCIENT),
        MEANINGLESS("-domid", FORM_PLAIN, ANCIENT),
        HANDED_ON("-add-fd"), HANDED_ON("-set"), HANDED_ON("-mtdblock"), HANDED_ON("-sd"),
        HANDED_ON("-pflash"), HANDED_ON("-virtfs"), HANDED_ON("-rotate"),
        HANDED_ON("-g"), HANDED_ON("-acpitable"), HANDED_ON("-smbios"), HANDED_ON("-iscsi"), HANDED_ON("-bt"),
        HANDED_ON("-fw_cfg"), HANDED_ON("-compat"), HANDED_ON("-debugcon"), HANDED_ON("-D"), HANDED_ON("-d"), HANDED_ON("-dfilter"),
        HANDED_ON("-seed"), HANDED_ON("-L"), HANDED_ON("-action"), HANDED_ON("-loadvm"), HANDED_ON("-chroot"), HANDED_ON("-option-rom"),
        HANDED_ON("-icount"), HANDED_ON("-echr"), HANDED_ON("-incoming"), HANDED_ON("-runas"), HANDED_ON("-prom-env"), HANDED_ON("-readconfig"),
        HANDED_ON("-trace"), HANDED_ON("-plugin"), HANDED_ON("-dump-vmstate"), HANDED_ON("-gdb"), HANDED_ON("-semihosting-config"),
        HANDED_ON("-cpu-throttle"), HANDED_ON("-mem-path"), HANDED_ON("-audio"), HANDED_ON("-run-with"), HANDED_ON("-writeconfig"),
        HANDED_ON("-jitdump"), HANDED_ON("-perfmap"), HANDED_ON("-startdate"), HANDED_ON("-tb-size"), HANDED_ON("-xen-domid"),
        HANDED_ON_ALONE("-mem-prealloc"), HANDED_ON_ALONE("-snapshot"), HANDED_ON_ALONE("-s"), HANDED_ON_ALONE("-singlestep"),
        HANDED_ON_ALONE("-preconfig"), HANDED_ON_ALONE("-only-migratable"), HANDED_ON_ALONE("-semihosting"), HANDED_ON_ALONE("-sdl"),
        HANDED_ON_ALONE("-curses"), HANDED_ON_ALONE("-win2k-hack"), HANDED_ON_ALONE("-no-fd-bootchk"), HANDED_ON_ALONE("-enable-fips"),
        HANDED_ON_ALONE("-xen-attach"), HANDED_ON_ALONE("-no-frame"), HANDED_ON_ALONE("-no-quit"), HANDED_ON_ALONE("-alt-grab"),
        HANDED_ON_ALONE("-ctrl-grab"), HANDED_ON_ALONE("-portrait"), HANDED_ON_ALONE("-show-cursor"), HANDED_ON_ALONE("-old-param"),
        HANDED_ON_ALONE("-enable-sync-profile"),
};

const OptionRow *option_row(const char *name) {
        FOREACH_ARRAY(r, rows, ELEMENTSOF(rows))
                if (streq(r->name, name))
                        return r;
        return NULL;
}

/* --- all together --- */

static int parse_env(Parse *p, char *const *env) {
        static const char *const own[] = {
                "LC_ALL", "PATH", "HOME", "USER", "LOGNAME", "XDG_DATA_HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "LD_LIBRARY_PATH",
        };

        STRV_FOREACH(e, env) {
                const char *equals = strchr(*e, '=');
                _cleanup_free_ char *name = strndup(*e, equals ? (size_t) (equals - *e) : 0);
                bool mine = equals && streq(*e, "QEMU_AUDIO_DRV=none");
                if (!name)
                        return -ENOMEM;
                for (size_t k = 0; k < ELEMENTSOF(own); k++)
                        mine |= streq(own[k], name);
                if (mine || !equals)
                        continue;
                if (!utf8_is_printable(*e))
                        return diag_error(p->diag, (SrcLoc) {}, "the environment is not printable UTF-8");
                if (streq(name, "TZ")) {
                        if (free_and_strdup(&p->d->clock.timezone, equals + 1) < 0)
                                return -ENOMEM;
                        continue;
                }
                if (!ARRAY_GROW(p->d->qemu_env, p->d->n_qemu_env))
                        return -ENOMEM;
                QemuEnv *v = p->d->qemu_env + p->d->n_qemu_env++;
                *v = (QemuEnv) { .name = TAKE_PTR(name), .value = strdup(equals + 1) };
                if (!v->value)
                        return -ENOMEM;
        }
        return 0;
}

static int parse_phase(Parse *p) {
        int ret = 0;

        FOREACH_ARRAY(i, p->items.list, p->items.n) {
                const OptionRow *row = i->row;
                if (i->used || i->pass || !row || !row->parse)
                        continue;
                if (!((row->phases ?: IN(PHASE_MACHINE)) & IN(p->phase)))
                        continue;
                int r = row->parse(p, i);
                if (r == -ENOMEM)
                        return r;
                if (r < 0)
                        ret = r;
                else if (r == 0)
                        i->used = true;
                else if (r == 1)
                        i->pass = true;
        }
        return ret;
}

/* An option of which only the last one counts must not come after it when it is handed on. */
static void drop_superseded(Parse *p) {
        FOREACH_ARRAY(i, p->items.list, p->items.n)
                for (const Item *j = i + 1; i->row && i->row->merge == MERGE_LAST && j < p->items.list + p->items.n; j++)
                        if (j->row == i->row && !i->used) {
                                (void) diag_warning(p->diag, (SrcLoc) {}, "%s %s is left out: another one follows, which counts",
                                                    i->option, strempty(i->value));
                                i->used = true;
                        }
}

static int add_argument(Parse *p, const char *s) {
        if (!ARRAY_GROW(p->d->qemu_args, p->d->n_qemu_args))
                return -ENOMEM;
        QemuArg *a = p->d->qemu_args + p->d->n_qemu_args++;
        *a = (QemuArg) { .value = strdup(s) };
        return a->value ? 0 : -ENOMEM;
}

/* The keys that are left over, where QEMU puts all the options of a name together. NULL when memory is out. */
static char *rest_of(const Item *i) {
        _cleanup_options_ Options o = {};
        char *s;

        FOREACH_ARRAY(q, i->props, i->n_props)
                if (!q->used)
                        options_add(&o, q->key, q->value);
        return options_finish(&o, &s) < 0 ? NULL : s;
}

/* What is left over is handed on, back ends before what may need them, as they stood. */
static int add_rest(Parse *p) {
        FOREACH_ARRAY(i, p->items.list, p->items.n) {
                if (i->used)
                        continue;
                if (i->row && i->row->note) {
                        (void) diag_warning(p->diag, (SrcLoc) {}, "%s is left out: %s", i->option, i->row->note);
                        continue;
                }
                bool some = i->row && i->row->merge == MERGE_KEYS && i->n_props > 0;
                _cleanup_free_ char *rest = some ? rest_of(i) : strdup(strempty(i->value));
                if (!rest)
                        return -ENOMEM;
                (void) diag_warning(p->diag, (SrcLoc) {}, "%s%s%s has no element: it is handed on to QEMU as it is", i->option,
                                    i->value ? " " : "", rest);
                int r = add_argument(p, i->option);
                if (r >= 0 && i->value)
                        r = add_argument(p, rest);
                if (r < 0)
                        return r;
        }
        return 0;
}

/* A floppy controller is there when there is a floppy. */
static void check_floppies(Parse *p) {
        bool any = false;

        FOREACH_ARRAY(disk, p->d->disks, p->d->n_disks)
                any |= disk->bus == BUS_FDC;
        FOREACH_ARRAY(i, p->items.list, p->items.n)
                if (!any && streq(i->option, "-device") && streq_ptr(item_get(i, "driver"), "isa-fdc"))
                        i->used = false;
}

/* The first disk is booted from when nothing is said. Where a device that is handed on is the first, the definition
 * must say something else: a kind of device that it has none of. */
static int keep_boot_order(Parse *p) {
        Domain *d = p->d;
        bool has[_BOOT_MAX] = { [BOOT_NETWORK] = d->n_interfaces > 0 }, handed_on = false, said = d->os.n_boot > 0;

        FOREACH_ARRAY(i, p->items.list, p->items.n)
                handed_on |= !i->used && streq(i->option, "-device") && item_get(i, "bootindex");
        FOREACH_ARRAY(disk, d->disks, d->n_disks) {
                said |= disk->info.boot_order.set;
                has[disk->device == DEVICE_CDROM ? BOOT_CDROM : disk->device == DEVICE_FLOPPY ? BOOT_FD : BOOT_HD] = true;
        }
        FOREACH_ARRAY(i, d->interfaces, d->n_interfaces)
                said |= i->info.boot_order.set;
        if (!handed_on || said)
                return 0;
        for (BootDevice b = BOOT_FD; b < _BOOT_MAX; b++)
                if (!has[b]) {
                        if (!ARRAY_GROW(d->os.boot, d->os.n_boot))
                                return -ENOMEM;
                        d->os.boot[d->os.n_boot++] = b;
                        return 0;
                }
        return 0;
}

/* What a definition has unless it says that it has not. */
static int add_absent(Parse *p) {
        Domain *d = p->d;

        d->features.acpi = !p->no_acpi && (arch_is_x86(d) || d->os.loader);
        int r = parse_defaults(p);
        if (r < 0 || !p->no_defaults)
                return r;
        if (d->n_graphics > 0 && d->n_videos == 0) {
                DomainVideo *v = PARSE_ADD(p, videos);
                if (!v)
                        return -ENOMEM;
                v->model = VIDEO_NONE;
        }
        return 0;
}

static int begin(Parse *p, char *const *env, char *const *argv, const char *name) {
        Domain *d = p->d;

        d->type = endswith(argv[0], "kvm") ? DOMAIN_KVM : DOMAIN_QEMU; /* what QEMU goes by when nothing is said */
        d->os.type = OS_HVM;
        d->os.arch = parse_emulator_arch(argv[0]);
        d->clock.offset = CLOCK_OFFSET_UTC;
        d->memory = UINT64_C(128) << 20;
        d->vcpus = OPT_UINT(1);
        d->on_poweroff = ACTION_DESTROY;
        d->on_reboot = ACTION_RESTART;
        d->on_crash = ACTION_DESTROY;
        int r = free_and_strdup(&d->emulator, argv[0]);
        if (r >= 0)
                r = free_and_strdup(&d->name, name);
        if (r >= 0)
                r = parse_env(p, env);
        return r < 0 ? r : items_read(argv, p->diag, &p->items);
}

/* The first letters of a device's id, which number the devices of a kind: "net", "virtio-disk". Controllers have
 * their index in the definition, so theirs stay what they are. */
static size_t alias_class(const char *id) {
        size_t n = strcspn(id, DIGITS);

        return startswith(id, "ua-") || startswith(id, "pci") || startswith(id, "usb") || startswith(id, "sata") ||
                               (startswith(id, "scsi") && !strchr(id, '-')) || startswith(id, "virtio-serial")
                       ? 0
                       : n;
}

/* A device that is handed on keeps its id. Those of its kind that are part of the model would be numbered anew, and
 * could be given the same one: then they are handed on as well. Whether there were any. */
static bool hand_on_kind(Items *l) {
        bool ret = false;

        for (size_t k = 0; k < l->n; k++) {
                const Item *i = l->list + k;
                const char *id = item_get(i, "id");
                size_t n = i->used || !id || !streq(i->option, "-device") ? 0 : alias_class(id);
                if (n == 0)
                        continue;
                for (size_t m = 0; m < l->n; m++) {
                        const char *other = item_get(l->list + m, "id");
                        if (!other || !l->list[m].used || !streq(l->list[m].option, "-device") ||
                            alias_class(other) != n || strncmp(id, other, n) != 0)
                                continue;
                        l->list[m].pass = ret = true;
                }
                l->list[k].pass = true;
        }
        return ret;
}

static void parse_done(Parse *p) {
        domain_free(p->d);
        domain_free(p->scrap);
        items_done(&p->items);
        free(p->buses);
}

/* BEFORE: what an earlier round found must be handed on; NULL in the first. */
static int parse_round(char *const *env, char *const *argv, const char *name, const Items *before, Diag *diag, Parse *p) {
        *p = (Parse) { .d = domain_new(), .scrap = domain_new(), .diag = diag };
        if (!p->d || !p->scrap)
                return -ENOMEM;
        int r = begin(p, env, argv, name);
        if (before)
                for (size_t k = 0; r >= 0 && k < p->items.n; k++)
                        p->items.list[k].pass = before->list[k].pass;
        if (r >= 0) {
                drop_superseded(p);
                parse_disk_claims(p);
        }
        int ret = r;
        for (p->phase = 0; r >= 0 && p->phase < _PHASE_MAX; p->phase++) {
                r = parse_phase(p);
                if (r < 0 && r != -ENOMEM) {
                        ret = r;
                        r = 0;
                }
        }
        for (size_t k = 0; k < 2; k++)
                if (p->floppy_boot[k] > 0 && p->floppy_item[k])
                        p->floppy_item[k]->used = false;
        return r < 0 ? r : ret;
}

int qemu_parse_argv(char *const *env, char *const *argv, const char *name, Diag *diag, Domain **ret) {
        _cleanup_(parse_done) Parse p = {};
        _cleanup_items_ Items flags = {};

        if (!argv || !argv[0] || *argv[0] == '-')
                return diag_error(diag, (SrcLoc) { 1, 1 }, "a command line begins with the emulator");
        if (!utf8_is_printable(argv[0]))
                return diag_error(diag, (SrcLoc) { 1, 1 }, "the emulator's name is not printable UTF-8");
        size_t warnings = diag ? diag->n_entries : 0;
        int r = parse_round(env, argv, name, NULL, diag, &p);
        for (unsigned round = 0; r >= 0 && round < 16; round++) {
                Parse next = {};
                if (!hand_on_kind(&p.items))
                        break;
                diag_truncate(diag, warnings);
                r = parse_round(env, argv, name, &p.items, diag, &next);
                parse_done(&p);
                p = next;
        }
        if (r >= 0) {
                parse_memory_done(&p);
                parse_iothreads_done(&p);
                parse_net_done(&p);
                check_floppies(&p);
                r = keep_boot_order(&p);
        }
        if (r >= 0)
                r = add_absent(&p);
        if (r >= 0)
                r = add_rest(&p);
        if (r < 0)
                return r;
        if (isempty(p.d->name))
                return diag_error(diag, (SrcLoc) {}, "the command line has no -name");
        *ret = TAKE_PTR(p.d);
        return 0;
}
