/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <inttypes.h>

#include "change.h"
#include "cli-common.h"
#include "parse-util.h"
#include "string-util.h"
#include "strv.h"
#include "verbs.h"

/* schedinfo, memtune, blkiotune, numatune */

#define UNLIMITED_KIB UINT64_C(9007199254740991) /* libvirt's "no limit" */

/* Both at once cannot be shown. */
static int load_one(Cli *cli, const Vm *vm, ChangeFlags flags, Diag *diag, Domain **ret) {
        if ((flags & CHANGE_LIVE) && (flags & CHANGE_CONFIG))
                return diag_error(diag, (SrcLoc) {}, "Flags 'VIR_DOMAIN_AFFECT_LIVE' and 'VIR_DOMAIN_AFFECT_CONFIG' are "
                                  "mutually exclusive");
        return vm_change_load(cli->manager, vm, flags, diag, ret);
}

/* --- schedinfo --- */

#define PERIOD_MIN 1000U
#define PERIOD_MAX 1000000U
#define PERIOD_DEFAULT 100000U
#define QUOTA_MAX INT64_C(17592186044415)
#define SHARES_DEFAULT 1024U
#define SHARES_MIN 2U
#define SHARES_MAX 262144U

static const struct SchedField {
        const char *name, *path;
        size_t bandwidth; /* in DomainCputune; 0: the shares */
        bool quota;
} sched_fields[] = {
        { "cpu_shares", "cputune/shares" },
        { "vcpu_period", "cputune/period", offsetof(DomainCputune, vcpu) },
        { "vcpu_quota", "cputune/quota", offsetof(DomainCputune, vcpu), true },
        { "emulator_period", "cputune/emulator_period", offsetof(DomainCputune, emulator) },
        { "emulator_quota", "cputune/emulator_quota", offsetof(DomainCputune, emulator), true },
        { "global_period", "cputune/global_period", offsetof(DomainCputune, global) },
        { "global_quota", "cputune/global_quota", offsetof(DomainCputune, global), true },
        { "iothread_period", "cputune/iothread_period", offsetof(DomainCputune, iothread) },
        { "iothread_quota", "cputune/iothread_quota", offsetof(DomainCputune, iothread), true },
};

/* What was not asked for is 0 in a definition; of what runs, it is what the kernel has then. */
static void print_sched_field(Cli *cli, const Domain *d, const struct SchedField *f, bool live) {
        const CpuBandwidth *b = (const void *) ((const uint8_t *) &d->cputune + f->bandwidth);

        int64_t v;

        if (!f->bandwidth)
                v = (int64_t) (d->cputune.shares.set ? d->cputune.shares.value : live ? SHARES_DEFAULT : 0);
        else if (f->quota)
                v = b->has_quota && (!live || b->quota > 0) ? b->quota : live ? -1 : 0;
        else
                v = (int64_t) (b->period.set && b->period.value > 0 ? b->period.value : live ? PERIOD_DEFAULT : 0);
        report(cli, f->name, json_object_new_int64(v), "%-15s: %" PRIi64 "\n", f->name, v);
}

/* One NAME=VALUE; *SEEN has a bit for each field. */
static int add_sched_edit(const char *word, unsigned *seen, Diag *diag, XmlEdits *edits) {
        const char *value = strchr(word, '=') + 1;
        size_t i = 0, n = (size_t) (value - word - 1);
        uint64_t u = 0;
        char *end = NULL;

        while (i < ELEMENTSOF(sched_fields) && (strlen(sched_fields[i].name) != n || memcmp(sched_fields[i].name, word, n) != 0))
                i++;
        if (i == ELEMENTSOF(sched_fields))
                return diag_error(diag, (SrcLoc) {}, "invalid scheduler option: %.*s", (int) n, word);
        const struct SchedField *f = &sched_fields[i];
        if (*seen & 1U << i)
                return diag_error(diag, (SrcLoc) {}, "invalid argument: parameter '%s' occurs multiple times", f->name);
        *seen |= 1U << i;
        value += strspn(value, WHITESPACE);
        if (f->quota) {
                errno = 0;
                int64_t q = strtoll(value, &end, 10);
                if (errno != 0 || end == value || *end)
                        return diag_error(diag, (SrcLoc) {}, "invalid argument: Invalid value for field '%s': expected long long", f->name);
                /* -1 is no limit, 0 is what nobody asked for. */
                if (q < -1 || (q > 0 && q < (int64_t) PERIOD_MIN) || q > QUOTA_MAX)
                        return diag_error(diag, (SrcLoc) {}, "invalid argument: value of '%s' is out of range [%u, %" PRIi64 "]",
                                          f->name, PERIOD_MIN, QUOTA_MAX);
                _cleanup_free_ char *text = strf("%" PRIi64, q);
                return !text ? -ENOMEM : xml_edits_text(edits, q == 0 ? NULL : text, "%s", f->path);
        }
        if (read_wrapping(value, &u, NULL) < 0)
                return diag_error(diag, (SrcLoc) {}, "invalid argument: Invalid value for field '%s': expected unsigned long long", f->name);
        if (!f->bandwidth && (u < SHARES_MIN || u > SHARES_MAX))
                return diag_error(diag, (SrcLoc) {}, "invalid argument: value of '%s' is out of range [%u, %u]", f->name,
                                  SHARES_MIN, SHARES_MAX);
        if (f->bandwidth && u > 0 && (u < PERIOD_MIN || u > PERIOD_MAX))
                return diag_error(diag, (SrcLoc) {}, "invalid argument: value of '%s' is out of range [%u, %u]", f->name,
                                  PERIOD_MIN, PERIOD_MAX);
        return f->bandwidth && u == 0 ? xml_edits_remove(edits, "%s", f->path) : xml_edits_u64(edits, u, "%s", f->path);
}

static int sched_edits(Cli *cli, const Command *c, Diag *diag, XmlEdits *edits) {
        unsigned seen = 0;
        int r = 0;

        for (size_t i = 0; i < c->n_rest; i++)
                if (!strchr(c->rest[i], '='))
                        return diag_error(diag, (SrcLoc) {}, "Invalid syntax for --set, expecting name=value");
        if (command_has(c, "weight") || command_has(c, "cap"))
                return diag_error(diag, (SrcLoc) {}, "invalid scheduler option: %s", command_has(c, "weight") ? "weight" : "cap");
        for (size_t i = 0; r >= 0 && i < c->n_rest; i++)
                r = add_sched_edit(c->rest[i], &seen, diag, edits);
        return r;
}

static int verb_schedinfo(Cli *cli, const Command *c) {
        _cleanup_(domain_freep) Domain *d = NULL;
        _cleanup_xml_edits_ XmlEdits edits = {};
        _cleanup_diag_ Diag diag = {};
        _cleanup_vm_ Vm vm = {};
        ChangeFlags flags;

        if (cli_change_flags(cli, c, &flags) < 0 || cli_lookup(cli, c, VM_BY_ANY, &vm, NULL) < 0)
                return -1;
        bool both = (flags & CHANGE_LIVE) && (flags & CHANGE_CONFIG);
        bool sets = c->n_rest > 0 || command_has(c, "weight") || command_has(c, "cap");
        cli_print(cli, "%-15s: %s\n", "Scheduler", "posix");
        if (both && !sets)
                return cli_error(cli, "cannot query both live and config at once");
        int r = vm_change_load(cli->manager, &vm, both ? CHANGE_CURRENT : flags, &diag, &d);
        if (r >= 0 && sets)
                r = sched_edits(cli, c, &diag, &edits);
        if (r >= 0 && sets) {
                r = vm_change(cli->manager, &vm, flags, edits.items, edits.n_items, &diag);
                d = domain_free(d);
                if (r >= 0)
                        r = vm_change_load(cli->manager, &vm, both ? CHANGE_CURRENT : flags, &diag, &d);
        }
        if (r < 0)
                return cli_error_reason(cli, r, &diag);
        bool live = vm.active && (both || !(flags & CHANGE_CONFIG));
        report_value(cli, "scheduler", report_text("posix"));
        FOREACH_ARRAY(f, sched_fields, ELEMENTSOF(sched_fields))
                print_sched_field(cli, d, f, live);
        return 0;
}

static const Option schedinfo_options[] = {
        OPTION_DOMAIN(HINT_DOMAIN, "domain name, id or uuid"),
        { .name = "weight", .type = OPTION_INT, .named = true, .help = "weight for XEN_CREDIT" },
        { .name = "cap", .type = OPTION_INT, .named = true, .help = "cap for XEN_CREDIT" },
        OPTION_FLAG("current", "get/set current scheduler info"),
        OPTION_FLAG("config", "get/set value to be used on next boot"),
        OPTION_FLAG("live", "get/set value from running domain"),
        { .name = "set", .type = OPTION_ARGV, .help = "parameter=value" },
        OPTIONS_END,
};

/* --- memtune --- */

static const struct MemoryField {
        const char *option, *name;
        size_t offset; /* in DomainMemtune */
} memory_fields[] = {
        { "hard-limit", "hard_limit", offsetof(DomainMemtune, hard_limit) },
        { "soft-limit", "soft_limit", offsetof(DomainMemtune, soft_limit) },
        { "swap-hard-limit", "swap_hard_limit", offsetof(DomainMemtune, swap_hard_limit) },
};

static const OptU64 *memory_field(const Domain *d, const struct MemoryField *f) {
        return (const void *) ((const uint8_t *) &d->memtune + f->offset);
}

/* "1000000", "1GiB": KiB; whatever is below 0 is no limit. 0 or -EINVAL, having printed why. */
static int parse_limit(Cli *cli, const char *option, const char *word, uint64_t *ret) {
        char *unit;

        errno = 0;
        int64_t v = strtoll(word, &unit, 10);
        if (errno != 0 || unit == word)
                return cli_error(cli, "Unable to parse integer parameter %s", option);
        *ret = UNLIMITED_KIB;
        if (v < 0)
                return 0;
        int64_t scale = *unit ? (int64_t) unit_size(unit) : 1024;
        if (scale == 0 || v > INT64_MAX / scale)
                cli_error(cli, "Unable to parse integer parameter %s", option);
        if (scale == 0)
                return cli_error(cli, "invalid argument: unknown suffix '%s'", unit);
        if (v > INT64_MAX / scale)
                return cli_error(cli, "numerical overflow: value too large: %" PRIi64 "%s", v, unit);
        *ret = MIN(DIV_ROUND_UP((uint64_t) (v * scale), 1024), UNLIMITED_KIB);
        return 0;
}

typedef struct Limits {
        bool set[ELEMENTSOF(memory_fields)];
        uint64_t kib[ELEMENTSOF(memory_fields)];
} Limits;

static int build_limits(const Domain *d, bool live, void *userdata, Diag *diag, XmlEdits *edits) {
        const Limits *l = userdata;
        uint64_t now[ELEMENTSOF(memory_fields)];
        int r = 0;

        for (size_t i = 0; i < ELEMENTSOF(memory_fields); i++) {
                const OptU64 *v = memory_field(d, &memory_fields[i]);
                now[i] = l->set[i] ? l->kib[i] : v->set ? v->value / 1024 : UNLIMITED_KIB;
        }
        if ((l->set[0] || l->set[2]) && now[0] > now[2])
                return diag_error(diag, (SrcLoc) {}, "invalid argument: memory hard_limit tunable value must be lower than or "
                                  "equal to swap_hard_limit");
        for (size_t i = 0; r >= 0 && i < ELEMENTSOF(memory_fields); i++) {
                if (!l->set[i])
                        continue;
                if (l->kib[i] == UNLIMITED_KIB)
                        r = xml_edits_remove(edits, "memtune/%s", memory_fields[i].name);
                else {
                        r = xml_edits_attribute(edits, "unit", "KiB", "memtune/%s", memory_fields[i].name);
                        if (r >= 0)
                                r = xml_edits_u64(edits, l->kib[i], "memtune/%s", memory_fields[i].name);
                }
        }
        return r;
}

static int show_limits(Cli *cli, const Vm *vm, ChangeFlags flags) {
        _cleanup_(domain_freep) Domain *d = NULL;
        _cleanup_diag_ Diag diag = {};

        int r = load_one(cli, vm, flags, &diag, &d);
        if (r < 0)
                return cli_error_diag(cli, r, &diag, "Unable to get number of memory parameters");
        FOREACH_ARRAY(f, memory_fields, ELEMENTSOF(memory_fields)) {
                const OptU64 *v = memory_field(d, f);
                if (v->set && v->value / 1024 < UNLIMITED_KIB)
                        report(cli, f->name, report_u64(v->value / 1024), "%-15s: %" PRIu64 "\n", f->name, v->value / 1024);
                else
                        report(cli, f->name, NULL, "%-15s: unlimited\n", f->name);
        }
        return 0;
}

static int verb_memtune(Cli *cli, const Command *c) {
        _cleanup_diag_ Diag diag = {};
        _cleanup_vm_ Vm vm = {};
        bool sets = command_has(c, "min-guarantee");
        ChangeFlags flags;
        Limits l = {};

        if (cli_change_flags(cli, c, &flags) < 0 || cli_lookup(cli, c, VM_BY_ANY, &vm, NULL) < 0)
                return -1;
        for (size_t i = 0; i < ELEMENTSOF(memory_fields); i++) {
                const char *word = command_get(c, memory_fields[i].option);
                if (word && parse_limit(cli, memory_fields[i].option, word, &l.kib[i]) < 0)
                        return -1;
                l.set[i] = word;
                sets = sets || word;
        }
        if (!sets)
                return show_limits(cli, &vm, flags);
        int r = 0;
        if (command_has(c, "min-guarantee"))
                r = diag_error(&diag, (SrcLoc) {}, "argument unsupported: parameter 'min_guarantee' not supported");
        if (r >= 0)
                r = vm_change_build(cli->manager, &vm, flags, build_limits, &l, &diag);
        return r < 0 ? cli_error_diag(cli, r, &diag, "Unable to change memory parameters") : 0;
}

#define SIZE(name_, help_) { .name = (name_), .type = OPTION_INT, .help = (help_) }
static const Option memtune_options[] = {
        OPTION_DOMAIN(HINT_DOMAIN, "domain name, id or uuid"),
        SIZE("hard-limit", "Max memory, as scaled integer (default KiB)"),
        SIZE("soft-limit", "Memory during contention, as scaled integer (default KiB)"),
        SIZE("swap-hard-limit", "Max memory plus swap, as scaled integer (default KiB)"),
        SIZE("min-guarantee", "Min guaranteed memory, as scaled integer (default KiB)"),
        OPTIONS_SCOPE,
        OPTIONS_END,
};

/* --- numatune --- */

typedef struct Numa {
        NumaMode mode; /* NUMA_UNSET: stays as it is */
        const char *mode_word;
        const char *nodeset;
} Numa;

static int build_numa(const Domain *d, bool live, void *userdata, Diag *diag, XmlEdits *edits) {
        const Numa *n = userdata;
        const DomainNumatune *now = &d->numatune;
        NumaMode mode = now->mode ?: NUMA_STRICT;
        NumberSet set;
        int r = 0;

        if (live && n->mode && n->mode != mode)
                return diag_error(diag, (SrcLoc) {}, "Requested operation is not valid: can't change numatune mode for running domain");
        if (live && n->nodeset && mode != NUMA_STRICT && mode != NUMA_RESTRICTIVE)
                return diag_error(diag, (SrcLoc) {}, "Requested operation is not valid: change of nodeset for running domain "
                                  "requires restrictive numa mode");
        if (!n->nodeset && !now->has_nodes && now->placement != PLACEMENT_AUTO)
                return diag_error(diag, (SrcLoc) {}, "unsupported configuration: nodeset for NUMA memory tuning must be set if 'placement' "
                                  "is 'static'");
        if (n->mode)
                r = xml_edits_attribute(edits, "mode", numa_mode_to_string(n->mode), "numatune/memory");
        if (r >= 0 && n->nodeset && number_set_parse_words(n->nodeset, &set) >= 0) {
                _cleanup_free_ char *text = number_set_format(&set);
                r = !text ? -ENOMEM : xml_edits_attribute(edits, "nodeset", text, "numatune/memory");
        }
        /* Where the nodes are said, nobody chooses them. */
        return r >= 0 && n->nodeset && now->placement == PLACEMENT_AUTO ?
                xml_edits_attribute(edits, "placement", "static", "numatune/memory") : r;
}

static int show_numa(Cli *cli, const Vm *vm, ChangeFlags flags) {
        _cleanup_(domain_freep) Domain *d = NULL;
        _cleanup_free_ char *nodes = NULL;
        _cleanup_diag_ Diag diag = {};

        int r = load_one(cli, vm, flags, &diag, &d);
        if (r < 0)
                return cli_error_diag(cli, r, &diag, "Unable to get number of memory parameters");
        nodes = d->numatune.has_nodes ? number_set_format(&d->numatune.nodes) : strdup("");
        const char *mode = numa_mode_to_string(d->numatune.mode ?: NUMA_STRICT);
        report(cli, "numa_mode", report_text(mode), "%-15s: %s\n", "numa_mode", mode);
        report(cli, "numa_nodeset", report_text(strempty(nodes)), "%-15s: %s\n", "numa_nodeset", strempty(nodes));
        return 0;
}

static int check_numa(const Numa *n, Diag *diag) {
        NumberSet set;

        if (n->mode_word && !n->mode)
                return diag_error(diag, (SrcLoc) {}, "invalid argument: unsupported numatune mode: '%s'", n->mode_word);
        if (!n->nodeset)
                return 0;
        if (number_set_parse_words(n->nodeset, &set) >= 0) {
                if (!number_set_is_empty(&set))
                        return 0;
                return diag_error(diag, (SrcLoc) {}, "Requested operation is not valid: Invalid nodeset of 'numatune': %s", n->nodeset);
        }
        return diag_error(diag, (SrcLoc) {}, "invalid argument: Failed to parse bitmap '%s'", n->nodeset);
}

static int verb_numatune(Cli *cli, const Command *c) {
        _cleanup_diag_ Diag diag = {};
        _cleanup_vm_ Vm vm = {};
        ChangeFlags flags;
        Numa n = {};
        int mode;

        if (cli_change_flags(cli, c, &flags) < 0 || cli_lookup(cli, c, VM_BY_ANY, &vm, NULL) < 0)
                return -1;
        if (command_get_nonempty(cli, c, "nodeset", &n.nodeset) < 0 || command_get_nonempty(cli, c, "mode", &n.mode_word) < 0)
                return -1;
        if (n.mode_word && cli_is_int(n.mode_word, 0, &mode))
                /* The numbers of libvirt's enum begin with 0. */
                n.mode = mode >= 0 && mode < _NUMA_MAX - NUMA_STRICT ? (NumaMode) (NUMA_STRICT + mode) : NUMA_UNSET;
        else if (n.mode_word) {
                n.mode = numa_mode_from_string(n.mode_word);
                if ((int) n.mode <= 0)
                        return cli_error(cli, "Invalid mode: %s", n.mode_word);
        }
        if (!n.mode_word && !n.nodeset)
                return show_numa(cli, &vm, flags);
        int r = check_numa(&n, &diag);
        if (r >= 0)
                r = vm_change_build(cli->manager, &vm, flags, build_numa, &n, &diag);
        return r < 0 ? cli_error_diag(cli, r, &diag, "Unable to change numa parameters") : 0;
}

static const Option numatune_options[] = {
        OPTION_DOMAIN(HINT_DOMAIN, "domain name, id or uuid"),
        { .name = "mode", .type = OPTION_STRING,
          .help = "NUMA mode, one of strict, preferred and interleave \nor a number from the virDomainNumatuneMemMode enum" },
        { .name = "nodeset", .type = OPTION_STRING, .help = "NUMA node selections to set" },
        OPTIONS_SCOPE,
        OPTIONS_END,
};

/* --- blkiotune --- */

static const struct DeviceField {
        const char *option, *name, *element;
        size_t offset; /* in BlkioDevice: OptUint, or OptU64 if … */
        bool wide;
} device_fields[] = {
        { "device-weights", "device_weight", "weight", offsetof(BlkioDevice, weight) },
        { "device-read-iops-sec", "device_read_iops_sec", "read_iops_sec", offsetof(BlkioDevice, read_iops) },
        { "device-write-iops-sec", "device_write_iops_sec", "write_iops_sec", offsetof(BlkioDevice, write_iops) },
        { "device-read-bytes-sec", "device_read_bytes_sec", "read_bytes_sec", offsetof(BlkioDevice, read_bytes), true },
        { "device-write-bytes-sec", "device_write_bytes_sec", "write_bytes_sec", offsetof(BlkioDevice, write_bytes), true },
};

static uint64_t device_value(const BlkioDevice *b, const struct DeviceField *f) {
        const void *field = (const uint8_t *) b + f->offset;

        if (f->wide)
                return ((const OptU64 *) field)->set ? ((const OptU64 *) field)->value : 0;
        return ((const OptUint *) field)->set ? ((const OptUint *) field)->value : 0;
}

static int show_blkio(Cli *cli, const Vm *vm, ChangeFlags flags) {
        _cleanup_(domain_freep) Domain *d = NULL;
        _cleanup_diag_ Diag diag = {};

        int r = load_one(cli, vm, flags, &diag, &d);
        if (r < 0)
                return cli_error_diag(cli, r, &diag, flags & CHANGE_LIVE && flags & CHANGE_CONFIG ?
                                      "Unable to get number of blkio parameters" : "Unable to get blkio parameters");
        unsigned weight = d->blkiotune.weight.set ? d->blkiotune.weight.value : 0;
        report(cli, "weight", report_u64(weight), "%-15s: %u\n", "weight", weight);
        FOREACH_ARRAY(f, device_fields, ELEMENTSOF(device_fields)) {
                const char *comma = "";
                cli_print(cli, "%-15s: ", f->name);
                report_open(cli, f->name, json_type_object);
                FOREACH_ARRAY(b, d->blkiotune.devices, d->blkiotune.n_devices)
                        if (device_value(b, f) > 0) {
                                report(cli, b->path, report_u64(device_value(b, f)), "%s%s,%" PRIu64, comma, b->path, device_value(b, f));
                                comma = ",";
                        }
                report_close(cli);
                cli_print(cli, "\n");
        }
        return 0;
}

/* PATH,VALUE,PATH,VALUE…; a value of 0 takes the limit away, and the device with its last one. */
static int add_device_edits(const struct DeviceField *f, const char *list, Diag *diag, XmlEdits *edits) {
        size_t commas = 0;
        int r = 0;

        for (const char *c = list; *c; c++)
                commas += *c == ',';
        if (commas % 2 == 0)
                return diag_error(diag, (SrcLoc) {}, "invalid argument: unable to parse blkio device '%s' '%s'", f->name, list);
        for (const char *at = list, *end; r >= 0; at = end + 1) {
                const char *number = strchr(at, ',') + 1;
                _cleanup_free_ char *path = strndup(at, (size_t) (number - 1 - at)), *quoted = path ? xml_path_quote(path) : NULL;
                uint64_t v;
                if (!quoted)
                        return -ENOMEM;
                if (read_positive(number, &v, &end) < 0 || (!f->wide && v > UINT32_MAX))
                        return diag_error(diag, (SrcLoc) {}, "invalid argument: invalid value '%s' for parameter '%s' of device '%s'",
                                          number, f->name, path);
                if (*end && *end != ',')
                        return diag_error(diag, (SrcLoc) {}, "invalid argument: unable to parse blkio device '%s' '%s'", f->name, list);
                r = v == 0 ? xml_edits_remove(edits, "blkiotune/device[path=%s]/%s", quoted, f->element) :
                             xml_edits_u64(edits, v, "blkiotune/device[path=%s]/%s", quoted, f->element);
                if (!*end)
                        break;
        }
        return r;
}

static int verb_blkiotune(Cli *cli, const Command *c) {
        _cleanup_xml_edits_ XmlEdits edits = {};
        _cleanup_diag_ Diag diag = {};
        _cleanup_vm_ Vm vm = {};
        bool sets = command_has(c, "weight");
        ChangeFlags flags;
        int r = 0, weight;

        if (cli_change_flags(cli, c, &flags) < 0 || cli_lookup(cli, c, VM_BY_ANY, &vm, NULL) < 0)
                return -1;
        int k = command_get_int(cli, c, "weight", &weight);
        if (k < 0)
                return -1;
        if (k > 0 && weight <= 0)
                return cli_error(cli, "Invalid value of %d for I/O weight", weight);
        if (k > 0)
                r = xml_edits_u64(&edits, (uint64_t) weight, "blkiotune/weight");
        FOREACH_ARRAY(f, device_fields, ELEMENTSOF(device_fields)) {
                const char *word = command_get(c, f->option);
                if (word && !*word)
                        return cli_error(cli, "Unable to parse string parameter");
                sets = sets || word;
        }
        if (!sets)
                return show_blkio(cli, &vm, flags);
        FOREACH_ARRAY(f, device_fields, ELEMENTSOF(device_fields))
                if (r >= 0 && command_get(c, f->option))
                        r = add_device_edits(f, command_get(c, f->option), &diag, &edits);
        if (r >= 0)
                r = vm_change(cli->manager, &vm, flags, edits.items, edits.n_items, &diag);
        return r < 0 ? cli_error_diag(cli, r, &diag, "Unable to change blkio parameters") : 0;
}

static const Option blkiotune_options[] = {
        OPTION_DOMAIN(HINT_DOMAIN, "domain name, id or uuid"),
        { .name = "weight", .type = OPTION_INT, .help = "IO Weight" },
        { .name = "device-weights", .type = OPTION_STRING, .help = "per-device IO Weights, in the form of /path/to/device,weight,..." },
        { .name = "device-read-iops-sec", .type = OPTION_STRING,
          .help = "per-device read I/O limit per second, in the form of /path/to/device,read_iops_sec,..." },
        { .name = "device-write-iops-sec", .type = OPTION_STRING,
          .help = "per-device write I/O limit per second, in the form of /path/to/device,write_iops_sec,..." },
        { .name = "device-read-bytes-sec", .type = OPTION_STRING,
          .help = "per-device bytes read per second, in the form of /path/to/device,read_bytes_sec,..." },
        { .name = "device-write-bytes-sec", .type = OPTION_STRING,
          .help = "per-device bytes wrote per second, in the form of /path/to/device,write_bytes_sec,..." },
        OPTIONS_SCOPE,
        OPTIONS_END,
};

static const Verb tune_verbs[] = {
        { "schedinfo", GROUP_DOMAIN, verb_schedinfo, schedinfo_options, "show/set scheduler parameters",
          "Show/Set scheduler parameters.", .guarded = "weight|cap|set",
          .json = "{scheduler: string, cpu_shares: number, vcpu_period: number, vcpu_quota: number, emulator_period: number, "
                  "emulator_quota: number, global_period: number, global_quota: number, iothread_period: number, iothread_quota: number}" },
        { "memtune", GROUP_DOMAIN, verb_memtune, memtune_options, "Get or set memory parameters",
          "Get or set the current memory parameters for a guest domain.\n"
          "To get the memory parameters use following command: \n\nvmunit # memtune <domain>",
          .guarded = "hard-limit|soft-limit|swap-hard-limit|min-guarantee",
          .json = "{[hard_limit: number?], [soft_limit: number?], [swap_hard_limit: number?]}" },
        { "numatune", GROUP_DOMAIN, verb_numatune, numatune_options, "Get or set numa parameters",
          "Get or set the current numa parameters for a guest domain.\n"
          "To get the numa parameters use following command: \n\nvmunit # numatune <domain>", .guarded = "mode|nodeset",
          .json = "{[numa_mode: string], [numa_nodeset: string]}" },
        { "blkiotune", GROUP_DOMAIN, verb_blkiotune, blkiotune_options, "Get or set blkio parameters",
          "Get or set the current blkio parameters for a guest domain.\n"
          "To get the blkio parameters use following command: \n\nvmunit # blkiotune <domain>",
          .guarded = "weight|device-weights|device-read-iops-sec|device-write-iops-sec|device-read-bytes-sec|device-write-bytes-sec",
          .json = "{[weight: number], [device_weight: {...: number}], [device_read_iops_sec: {...: number}], [device_write_iops_sec: {...: number}], "
                  "[device_read_bytes_sec: {...: number}], [device_write_bytes_sec: {...: number}]}" },
};
DEFINE_VERB_TABLE(tune);
