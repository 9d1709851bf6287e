/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "parse-util.h"
#include "qemu-device.h"
#include "qemu-parse-model.h"

/* Devices: a table of drivers, and for each the properties that have an element or follow from others. */

/* "virtio-net-pci", with one of the suffixes of its generations: the model's word for it, or NULL. */
static bool has_generation(const char *driver, const char *base, const char **ret_suffix) {
        const char *rest = startswith(driver, base);

        if (!rest || (*rest && !streq(rest, "-transitional") && !streq(rest, "-non-transitional")))
                return false;
        *ret_suffix = rest;
        return true;
}

static int parse_usb_address(Parse *p, Item *i, DeviceAddress *a) {
        unsigned number;
        const char *bus = item_get(i, "bus"), *port = item_get(i, "port");
        const ParseBus *b = parse_bus(p, bus, CONTROLLER_USB, &number);

        if (!bus || !b || !port || number != 0)
                return 0;
        a->type = ADDRESS_USB;
        a->bus = OPT_UINT(b->index);
        if (free_and_strdup(&a->port, port) < 0)
                return -ENOMEM;
        (void) item_take(i, "bus");
        (void) item_take(i, "port");
        return 0;
}

/* --- controllers --- */

static const PropRow pci_rows[] = {
        PROP("port", PROP_UINT, DomainController, port),
        PROP("chassis", PROP_UINT, DomainController, chassis),
        PROP("chassis_nr", PROP_UINT, DomainController, chassis_nr),
        PROP("hotplug", PROP_TRISTATE, DomainController, hotplug),
        PROP("bus_nr", PROP_UINT, DomainController, bus_nr),
        PROP("numa_node", PROP_UINT, DomainController, numa_node),
        PROPS_END,
};
static const PropRow xhci_rows[] = {
        PROP("p2", PROP_UINT, DomainController, ports),
        PROP("p3", PROP_UINT, DomainController, ports),
        PROPS_END,
};
static const PropRow scsi_rows[] = {
        PROP("num_queues", PROP_UINT, DomainController, queues),
        PROP("cmd_per_lun", PROP_UINT, DomainController, cmd_per_lun),
        PROP("max_sectors", PROP_UINT, DomainController, max_sectors),
        PROP("ioeventfd", PROP_TRISTATE, DomainController, ioeventfd),
        PROPS_END,
};
static const PropRow serial_rows[] = {
        PROP("max_ports", PROP_UINT, DomainController, ports),
        PROP("vectors", PROP_UINT, DomainController, vectors),
        PROPS_END,
};
static const PropRow no_rows[] = { PROPS_END };

static const struct {
        const char *driver, *model;
        ControllerType type;
        const PropRow *rows;
        bool generations;
        const char *pci_model_name;
} controllers[] = {
        { "pcie-root-port", "pcie-root-port", CONTROLLER_PCI, pci_rows, false, "pcie-root-port" },
        { "ioh3420", "pcie-root-port", CONTROLLER_PCI, pci_rows, false, "ioh3420" },
        { "x3130-upstream", "pcie-switch-upstream-port", CONTROLLER_PCI, pci_rows, false, "x3130-upstream" },
        { "xio3130-downstream", "pcie-switch-downstream-port", CONTROLLER_PCI, pci_rows, false, "xio3130-downstream" },
        { "pcie-pci-bridge", "pcie-to-pci-bridge", CONTROLLER_PCI, pci_rows, false, "pcie-pci-bridge" },
        { "i82801b11-bridge", "dmi-to-pci-bridge", CONTROLLER_PCI, pci_rows, false, "i82801b11-bridge" },
        { "pci-bridge", "pci-bridge", CONTROLLER_PCI, pci_rows, false, "pci-bridge" },
        { "pxb", "pci-expander-bus", CONTROLLER_PCI, pci_rows, false, "pxb" },
        { "pxb-pcie", "pcie-expander-bus", CONTROLLER_PCI, pci_rows, false, "pxb-pcie" },
        { "piix3-usb-uhci", "piix3-uhci", CONTROLLER_USB, no_rows },
        { "piix4-usb-uhci", "piix4-uhci", CONTROLLER_USB, no_rows },
        { "usb-ehci", "ehci", CONTROLLER_USB, no_rows },
        { "ich9-usb-ehci1", "ich9-ehci1", CONTROLLER_USB, no_rows },
        { "ich9-usb-uhci1", "ich9-uhci1", CONTROLLER_USB, no_rows },
        { "ich9-usb-uhci2", "ich9-uhci2", CONTROLLER_USB, no_rows },
        { "ich9-usb-uhci3", "ich9-uhci3", CONTROLLER_USB, no_rows },
        { "pci-ohci", "pci-ohci", CONTROLLER_USB, no_rows },
        { "vt82c686b-usb-uhci", "vt82c686b-uhci", CONTROLLER_USB, no_rows },
        { "nec-usb-xhci", "nec-xhci", CONTROLLER_USB, xhci_rows },
        { "qemu-xhci", "qemu-xhci", CONTROLLER_USB, xhci_rows },
        { "virtio-scsi-pci", "virtio-scsi", CONTROLLER_SCSI, scsi_rows, true },
        { "lsi", "lsilogic", CONTROLLER_SCSI, no_rows },
        { "mptsas1068", "lsisas1068", CONTROLLER_SCSI, no_rows },
        { "megasas", "lsisas1078", CONTROLLER_SCSI, no_rows },
        { "pvscsi", "vmpvscsi", CONTROLLER_SCSI, no_rows },
        { "am53c974", "am53c974", CONTROLLER_SCSI, no_rows },
        { "dc390", "dc390", CONTROLLER_SCSI, no_rows },
        { "ahci", NULL, CONTROLLER_SATA, no_rows },
        { "usb-ccid", NULL, CONTROLLER_CCID, no_rows },
        { "virtio-serial-pci", NULL, CONTROLLER_VIRTIO_SERIAL, serial_rows, true },
};

static int find_controller(const char *driver, const char **ret_suffix) {
        *ret_suffix = "";
        for (size_t k = 0; k < ELEMENTSOF(controllers); k++)
                if (controllers[k].generations ? has_generation(driver, controllers[k].driver, ret_suffix)
                                               : streq(driver, controllers[k].driver))
                        return (int) k;
        return -ENOENT;
}

bool is_controller(const char *driver) {
        const char *suffix;

        return streq(driver, "isa-fdc") || find_controller(driver, &suffix) >= 0;
}

static bool index_is_taken(const Domain *d, ControllerType type, unsigned index) {
        FOREACH_ARRAY(c, d->controllers, d->n_controllers)
                if (c->type == type && c->index.value == index)
                        return true;
        return false;
}

#define INDEX_MAX 256U

/* The number in an id as libvirt would give it ("pci.3", "usb1", "scsi0"), or the first free one; INDEX_MAX: there
 * is none left. */
static unsigned controller_index(const Parse *p, ControllerType type, const char *id) {
        const char *word = controller_type_to_string(type), *rest = id ? startswith(id, word) : NULL;
        unsigned n, first = type == CONTROLLER_PCI || (type == CONTROLLER_SATA && machine_is_q35(p->d));

        if (rest && *rest == '.' && type == CONTROLLER_PCI)
                rest++;
        if (rest && type == CONTROLLER_USB && !*rest)
                return 0;
        if (rest && parse_uint(rest, &n) >= 0 && n < INDEX_MAX)
                return n;
        bool taken[INDEX_MAX] = {};
        FOREACH_ARRAY(c, p->d->controllers, p->d->n_controllers)
                if (c->type == type && c->index.value < INDEX_MAX)
                        taken[c->index.value] = true;
        for (n = first; n < INDEX_MAX && taken[n];)
                n++;
        return n;
}

/* A companion shares the index of the controller that it is a part of. */
static int parse_companion(Parse *p, Item *i, DomainController *c) {
        const char *master = item_get(i, "masterbus");
        const ParseBus *b = parse_bus(p, master, CONTROLLER_USB, NULL);

        if (!master || !b)
                return 0;
        c->index = OPT_UINT(b->index);
        const PropRow rows[] = {
                PROP("firstport", PROP_UINT, DomainController, master_startport),
                PROP_REST("masterbus"),
                PROPS_END,
        };
        return props_apply(i, rows, c);
}

/* The drives of a floppy controller that is a device carry their boot order here. */
static int parse_floppy_controller(Parse *p, Item *i) {
        static const char *const keys[] = { "bootindexA", "bootindexB" };
        unsigned n;

        for (size_t k = 0; k < ELEMENTSOF(keys); k++) {
                const char *boot = item_get(i, keys[k]);
                if (boot && parse_uint(boot, &n) >= 0 && n > 0) {
                        p->floppy_boot[k] = n;
                        (void) item_take(i, keys[k]);
                }
        }
        (void) item_take(i, "driver");
        return !item_is_used_up(i);
}

int parse_controller(Parse *p, Item *i, const char *driver) {
        const char *suffix, *id = item_get(i, "id");
        int k = find_controller(driver, &suffix);

        if (streq(driver, "isa-fdc"))
                return parse_floppy_controller(p, i);
        DomainController *c = PARSE_ADD(p, controllers);
        if (!c)
                return -ENOMEM;
        p->d->n_controllers--; /* while its index is looked for */
        c->index = OPT_UINT(controller_index(p, controllers[k].type, id));
        bool again = c->index.value >= INDEX_MAX || index_is_taken(p->d, controllers[k].type, c->index.value);
        p->d->n_controllers++;
        c->type = controllers[k].type;
        (void) item_take(i, "driver");
        if (*suffix)
                c->model = strf("virtio%s", suffix);
        else if (controllers[k].model)
                c->model = strdup(controllers[k].model);
        int r = free_and_strdup(&c->pci_model_name, controllers[k].pci_model_name);
        if (r < 0 || ((controllers[k].model || *suffix) && !c->model))
                return -ENOMEM;
        r = props_virtio(i, &c->virtio);
        if (r >= 0)
                r = props_apply(i, controllers[k].rows, c);
        if (r >= 0)
                r = parse_companion(p, i, c);
        again &= !c->master_startport.set;
        parse_iothread(p, i, &c->iothread);
        if (r >= 0 && c->type == CONTROLLER_CCID)
                r = parse_usb_address(p, i, &c->info.address);
        if (r >= 0)
                r = parse_info(p, i, &c->info);
        if (r < 0)
                return r;
        if (again || r > 0)
                item_refuse(i);
        unsigned index = c->index.value;
        ControllerType type = c->type;
        r = PARSE_FINISH(p, i, controllers);
        return r != 0 ? r : parse_add_bus(p, id, type, index);
}

/* --- small devices --- */

int parse_generation(const StringTable *words, const char *base, const char *suffix) {
        _cleanup_free_ char *word = strf("%s%s", base, suffix);

        return word ? string_table_value(words, word) : -ENOMEM;
}

int parse_common(Parse *p, Item *i, DeviceInfo *info) {
        (void) item_take(i, "driver");
        int r = parse_usb_address(p, i, &info->address);
        return r < 0 ? r : parse_info(p, i, info) < 0 ? -ENOMEM : 0;
}

static int parse_input(Parse *p, Item *i, const Driver *d, const char *suffix) {
        DomainInput *input = PARSE_ADD(p, inputs);

        if (!input)
                return -ENOMEM;
        input->type = (InputType) d->value;
        input->bus = (InputBus) d->second;
        int r = input->bus == INPUT_BUS_VIRTIO ? props_virtio(i, &input->virtio) : 0;
        if (r >= 0)
                r = parse_common(p, i, &input->info);
        return r < 0 ? r : PARSE_FINISH(p, i, inputs);
}

static const PropRow video_rows[] = {
        PROP("vgamem", PROP_KIB, DomainVideo, vram), /* bochs-display */
        PROPS_END,
};
static const PropRow vga_rows[] = {
        PROP("vgamem_mb", PROP_MIB_KIB, DomainVideo, vram),
        PROPS_END,
};
static const PropRow qxl_rows[] = {
        PROP("max_outputs", PROP_UINT, DomainVideo, heads),   PROP("ram_size", PROP_KIB, DomainVideo, ram),
        PROP("vram_size", PROP_KIB, DomainVideo, vram),       PROP("vram64_size_mb", PROP_MIB_KIB, DomainVideo, vram64),
        PROP("vgamem_mb", PROP_MIB_KIB, DomainVideo, vgamem), PROPS_END,
};
static const PropRow gpu_rows[] = {
        PROP("max_outputs", PROP_UINT, DomainVideo, heads),
        PROPS_END,
};
static const PropRow resolution_rows[] = {
        PROP("xres", PROP_UINT, DomainVideo, x),
        PROP("yres", PROP_UINT, DomainVideo, y),
        PROPS_END,
};

static int parse_video(Parse *p, Item *i, const Driver *d, const char *suffix) {
        DomainVideo *v = PARSE_ADD(p, videos);

        if (!v)
                return -ENOMEM;
        v->model = (VideoModel) d->value;
        if (d->second)
                v->accel3d = TRI_YES;
        int r = v->model == VIDEO_VIRTIO ? props_virtio(i, &v->virtio) : 0;
        if (r >= 0 && item_get(i, "xres") && item_get(i, "yres"))
                r = props_apply(i, resolution_rows, v);
        if (r >= 0)
                r = parse_common(p, i, &v->info);
        if (r >= 0)
                r = props_apply(i, v->model == VIDEO_QXL ? qxl_rows : v->model == VIDEO_VIRTIO ? gpu_rows :
                                   v->model == VIDEO_BOCHS ? video_rows : vga_rows, v);
        if (v->vram64.set && v->vram64.value == 0)
                v->vram64 = (OptUint) {};
        return r < 0 ? r : PARSE_FINISH(p, i, videos);
}

static int parse_balloon(Parse *p, Item *i, const Driver *d, const char *suffix) {
        static const PropRow rows[] = {
                PROP("deflate-on-oom", PROP_TRISTATE, DomainBalloon, autodeflate),
                PROP("free-page-reporting", PROP_TRISTATE, DomainBalloon, free_page_reporting),
                PROPS_END,
        };
        DomainBalloon *b = PARSE_ADD(p, balloons);

        if (!b)
                return -ENOMEM;
        b->model = (BalloonModel) parse_generation(&balloon_model_table, "virtio", suffix);
        int r = parse_common(p, i, &b->info);
        if (r >= 0)
                r = props_virtio(i, &b->virtio);
        if (r >= 0)
                r = props_apply(i, rows, b);
        return r < 0 ? r : PARSE_FINISH(p, i, balloons);
}

static int parse_rng_backend(Parse *p, Item *i, DomainRng *rng, Item **ret_chardev) {
        Item *object = items_find(&p->items, "-object", item_get(i, "rng"));
        Item *chardev = object ? items_find(&p->items, "-chardev", item_get(object, "chardev")) : NULL;
        const char *type = object ? item_get(object, "qom-type") : NULL, *path = object ? item_get(object, "filename") : NULL;

        if (streq_ptr(type, "rng-builtin") && object->n_props == 2)
                rng->backend = RNG_BACKEND_BUILTIN;
        else if (streq_ptr(type, "rng-random") && path && object->n_props == 3) {
                rng->backend = RNG_BACKEND_RANDOM;
                if (free_and_strdup(&rng->backend_path, path) < 0)
                        return -ENOMEM;
        } else if (streq_ptr(type, "rng-egd") && chardev && !chardev->used && object->n_props == 3) {
                int r = parse_source(chardev, &rng->source, item_get(i, "id"), "");
                if (r != 0)
                        return r;
                rng->backend = RNG_BACKEND_EGD;
                *ret_chardev = chardev;
        } else
                return 1;
        (void) item_take(i, "rng");
        return 0;
}

static int parse_rng(Parse *p, Item *i, const Driver *d, const char *suffix) {
        static const PropRow rows[] = {
                PROP("max-bytes", PROP_UINT, DomainRng, rate_bytes),
                PROP("period", PROP_UINT, DomainRng, rate_period),
                PROPS_END,
        };
        Item *object = items_find(&p->items, "-object", item_get(i, "rng")), *chardev = NULL;
        DomainRng *rng = PARSE_ADD(p, rngs);

        if (!rng)
                return -ENOMEM;
        rng->model = (RngModel) parse_generation(&rng_model_table, "virtio", suffix);
        int r = parse_rng_backend(p, i, rng, &chardev);
        if (r >= 0)
                r = props_virtio(i, &rng->virtio);
        if (r >= 0)
                r = parse_common(p, i, &rng->info);
        if (r >= 0)
                r = props_apply(i, rows, rng);
        if (r < 0)
                return r;
        r = PARSE_FINISH(p, i, rngs);
        if (r == 0 && object)
                object->used = true;
        if (r == 0 && chardev)
                chardev->used = true;
        return r;
}

static int parse_hub(Parse *p, Item *i, const Driver *d, const char *suffix) {
        DomainHub *hub = PARSE_ADD(p, hubs);

        if (!hub)
                return -ENOMEM;
        hub->type = HUB_USB;
        int r = parse_common(p, i, &hub->info);
        return r < 0 ? r : PARSE_FINISH(p, i, hubs);
}

static int parse_watchdog_device(Parse *p, Item *i, const Driver *d, const char *suffix) {
        if (d->value == WATCHDOG_IB700 && item_get(i, "addr"))
                return 1; /* it has no address: something else is meant */
        DomainWatchdog *w = PARSE_ADD(p, watchdogs);
        if (!w)
                return -ENOMEM;
        w->model = (WatchdogModel) d->value;
        int r = parse_common(p, i, &w->info);
        return r < 0 ? r : PARSE_FINISH(p, i, watchdogs);
}

static int parse_panic(Parse *p, Item *i, const Driver *d, const char *suffix) {
        const char *port = item_get(i, "ioport");
        DomainPanic *panic = PARSE_ADD(p, panics);
        uint64_t n;

        if (!panic)
                return -ENOMEM;
        panic->model = (PanicModel) d->value;
        if (d->value == PANIC_ISA && port && parse_u64(port, 0, &n) >= 0) {
                panic->info.address.type = ADDRESS_ISA;
                panic->info.address.iobase = OPT_U64(n);
                (void) item_take(i, "ioport");
        }
        int r = parse_common(p, i, &panic->info);
        return r < 0 ? r : PARSE_FINISH(p, i, panics);
}

static int parse_iommu(Parse *p, Item *i, const Driver *d, const char *suffix) {
        static const PropRow rows[] = {
                PROP("intremap", PROP_TRISTATE, DomainIommu, intremap),
                PROP("caching-mode", PROP_TRISTATE, DomainIommu, caching_mode),
                PROP("eim", PROP_TRISTATE, DomainIommu, eim),
                PROP("device-iotlb", PROP_TRISTATE, DomainIommu, iotlb),
                PROP("aw-bits", PROP_UINT, DomainIommu, aw_bits),
                PROPS_END,
        };
        if (p->d->n_iommus > 0)
                return 1; /* there is one element at most */
        DomainIommu *iommu = PARSE_ADD(p, iommus);
        if (!iommu)
                return -ENOMEM;
        iommu->model = (IommuModel) d->value;
        int r = parse_common(p, i, &iommu->info);
        if (r >= 0)
                r = props_apply(i, rows, iommu);
        return r < 0 ? r : PARSE_FINISH(p, i, iommus);
}

static int parse_vsock(Parse *p, Item *i, const Driver *d, const char *suffix) {
        static const PropRow rows[] = {
                PROP("guest-cid", PROP_UINT, DomainVsock, cid),
                PROPS_END,
        };
        if (p->d->n_vsocks > 0)
                return 1;
        DomainVsock *v = PARSE_ADD(p, vsocks);
        if (!v)
                return -ENOMEM;
        v->model = (VsockModel) parse_generation(&vsock_model_table, "virtio", suffix);
        int r = parse_common(p, i, &v->info);
        if (r >= 0)
                r = props_virtio(i, &v->virtio);
        if (r >= 0)
                r = props_apply(i, rows, v);
        return r < 0 ? r : PARSE_FINISH(p, i, vsocks);
}

/* The host's end: its own TPM, or a socket, which is one that vmunit's (or libvirt's) emulator would listen on, or
 * somebody else's. Which version an emulator has is not part of a command line: the element's default. */
static int parse_tpm_backend(Parse *p, const Item *backend, DomainTpm *t, Item **ret_socket) {
        const char *type = backend ? item_get(backend, "type") : NULL;

        *ret_socket = NULL;
        if (streq_ptr(type, "passthrough")) {
                const char *path = item_get(backend, "path"), *cancel = item_get(backend, "cancel-path");
                const char *name = path ? strrchr(path, '/') : NULL;
                _cleanup_free_ char *expected = name ? strf("/sys/class/tpm/%s/device/cancel", name + 1) : NULL;
                if (!expected || !streq_ptr(cancel, expected) || backend->n_props != 4)
                        return 1;
                t->backend = TPM_BACKEND_PASSTHROUGH;
                return free_and_strdup(&t->device_path, path);
        }
        Item *c = streq_ptr(type, "emulator") ? items_find(&p->items, "-chardev", item_get(backend, "chardev")) : NULL;
        const char *path = c ? item_get(c, "path") : NULL;
        if (!path || c->used || backend->n_props != 3 || c->n_props != 3 || !streq_ptr(item_get(c, "backend"), "socket"))
                return 1;
        *ret_socket = c;
        if (endswith(path, "swtpm.sock") && (startswith(path, "/run/vmunit/") || startswith(path, "/run/libvirt/"))) {
                t->backend = TPM_BACKEND_EMULATOR;
                return 0;
        }
        t->backend = TPM_BACKEND_EXTERNAL;
        t->source.type = CHARDEV_UNIX;
        t->source.mode = SOCKET_CONNECT;
        return free_and_strdup(&t->source.path, path);
}

static int parse_tpm(Parse *p, Item *i, const Driver *d, const char *suffix) {
        Item *backend = items_find(&p->items, "-tpmdev", item_get(i, "tpmdev")), *socket;

        if (p->d->n_tpms > 0 || !backend || backend->used || arch_is_x86(p->d) == streq_ptr(item_get(i, "driver"), "tpm-tis-device"))
                return 1;
        DomainTpm *t = PARSE_ADD(p, tpms);
        if (!t)
                return -ENOMEM;
        t->model = (TpmModel) d->value;
        int r = parse_tpm_backend(p, backend, t, &socket);
        if (r == 0)
                (void) item_take(i, "tpmdev");
        if (r >= 0)
                r = parse_common(p, i, &t->info);
        if (r < 0)
                return r;
        r = PARSE_FINISH(p, i, tpms);
        if (r == 0) {
                backend->used = true;
                if (socket)
                        socket->used = true;
        }
        return r;
}

static int parse_disk_device(Parse *p, Item *i, const Driver *d, const char *suffix) {
        return parse_disk(p, i, d->value, suffix);
}

/* --- what is no device to a definition --- */

static int parse_vmcoreinfo(Parse *p, Item *i, const Driver *d, const char *suffix) {
        if (i->n_props > 1)
                return 1;
        p->d->features.vmcoreinfo = TRI_YES;
        return 0;
}

static int parse_vmgenid(Parse *p, Item *i, const Driver *d, const char *suffix) {
        uint8_t id[16];

        if (i->n_props > 3 || p->d->has_genid || (!item_get(i, "id") && i->n_props > 2) ||
            parse_uuid(strempty(item_get(i, "guid")), id) < 0)
                return 1;
        memcpy(p->d->genid, id, sizeof(id));
        p->d->has_genid = p->d->has_genid_value = true;
        return 0;
}

static const Driver drivers[] = {
        { "virtio-blk-pci", parse_disk_device, BUS_VIRTIO, 0, true },
        { "scsi-hd", parse_disk_device, BUS_SCSI },
        { "scsi-cd", parse_disk_device, BUS_SCSI },
        { "scsi-block", parse_disk_device, BUS_SCSI },
        { "ide-hd", parse_disk_device, BUS_IDE },
        { "ide-cd", parse_disk_device, BUS_IDE },
        { "usb-storage", parse_disk_device, BUS_USB },
        { "floppy", parse_disk_device, BUS_FDC },
        { "usb-hub", parse_hub },
        { "vmcoreinfo", parse_vmcoreinfo },
        { "vmgenid", parse_vmgenid },
        { "usb-mouse", parse_input, INPUT_MOUSE, INPUT_BUS_USB },
        { "usb-tablet", parse_input, INPUT_TABLET, INPUT_BUS_USB },
        { "usb-kbd", parse_input, INPUT_KEYBOARD, INPUT_BUS_USB },
        { "virtio-mouse-pci", parse_input, INPUT_MOUSE, INPUT_BUS_VIRTIO },
        { "virtio-tablet-pci", parse_input, INPUT_TABLET, INPUT_BUS_VIRTIO },
        { "virtio-keyboard-pci", parse_input, INPUT_KEYBOARD, INPUT_BUS_VIRTIO },
        { "VGA", parse_video, VIDEO_VGA },
        { "cirrus-vga", parse_video, VIDEO_CIRRUS },
        { "vmware-svga", parse_video, VIDEO_VMVGA },
        { "qxl-vga", parse_video, VIDEO_QXL },
        { "qxl", parse_video, VIDEO_QXL },
        { "virtio-vga", parse_video, VIDEO_VIRTIO },
        { "virtio-gpu-pci", parse_video, VIDEO_VIRTIO },
        { "virtio-vga-gl", parse_video, VIDEO_VIRTIO, true },
        { "virtio-gpu-gl-pci", parse_video, VIDEO_VIRTIO, true },
        { "bochs-display", parse_video, VIDEO_BOCHS },
        { "ramfb", parse_video, VIDEO_RAMFB },
        { "sb16", parse_sound, SOUND_SB16 },
        { "ES1370", parse_sound, SOUND_ES1370 },
        { "AC97", parse_sound, SOUND_AC97 },
        { "intel-hda", parse_sound, SOUND_ICH6 },
        { "ich9-intel-hda", parse_sound, SOUND_ICH9 },
        { "usb-audio", parse_sound, SOUND_USB },
        { "virtio-balloon-pci", parse_balloon, 0, 0, true },
        { "virtio-rng-pci", parse_rng, 0, 0, true },
        { "intel-iommu", parse_iommu, IOMMU_INTEL },
        { "virtio-iommu", parse_iommu, IOMMU_VIRTIO },
        { "vhost-vsock-pci", parse_vsock, 0, 0, true },
        { "tpm-tis", parse_tpm, TPM_TIS },
        { "tpm-tis-device", parse_tpm, TPM_TIS },
        { "tpm-crb", parse_tpm, TPM_CRB },
        { "i6300esb", parse_watchdog_device, WATCHDOG_I6300ESB },
        { "ib700", parse_watchdog_device, WATCHDOG_IB700 },
        { "vfio-pci", parse_vfio },
        { "vfio-pci-nohotplug", parse_vfio },
        { "usb-host", parse_usb_host },
        { "vhost-scsi-pci", parse_vhost_scsi, 0, 0, true },
        { "virtio-9p-pci", parse_9p, 0, 0, true },
        { "vhost-user-fs-pci", parse_virtiofs },
        { "usb-redir", parse_redirdev },
        { "ccid-card-emulated", parse_smartcard, SMARTCARD_HOST },
        { "ccid-card-passthru", parse_smartcard, SMARTCARD_PASSTHROUGH },
        { "ivshmem-plain", parse_shmem, SHMEM_PLAIN },
        { "ivshmem-doorbell", parse_shmem, SHMEM_DOORBELL },
        { "virtio-crypto-pci", parse_crypto },
        { "pc-dimm", parse_memory_module, MEMORY_DIMM },
        { "nvdimm", parse_memory_module, MEMORY_NVDIMM },
        { "virtio-pmem-pci", parse_memory_module, MEMORY_VIRTIO_PMEM },
        { "virtio-mem-pci", parse_memory_module, MEMORY_VIRTIO_MEM },
        { "pvpanic", parse_panic, PANIC_ISA },
        { "pvpanic-pci", parse_panic, PANIC_PVPANIC },
};

int parse_watchdog(Parse *p, Item *i) {
        if (p->d->n_watchdogs == 0)
                return 1;
        if (streq(i->option, "-watchdog-action")) {
                int v = watchdog_action_from_string(i->value);
                if (v < 0)
                        return 1;
                p->d->watchdogs[0].action = (WatchdogAction) v;
        }
        return 0;
}

/* Drivers of virtio's MMIO transport have the name of the PCI one with another end: that one's name, or NULL when
 * it is none, or memory is out. */
static char *pci_name(const char *driver) {
        const char *end = endswith(driver, "-device") && startswith(driver, "virtio-") ? strrchr(driver, '-') : NULL;

        return end ? strf("%.*s-pci", (int) (end - driver), driver) : NULL;
}

int parse_device(Parse *p, Item *i) {
        const char *driver = item_get(i, "driver"), *suffix = "";
        _cleanup_free_ char *pci = NULL;

        if (isempty(driver))
                return 1;
        pci = pci_name(driver);
        p->mmio = pci;
        if (pci)
                driver = pci;
        if (is_controller(driver) != (p->phase == PHASE_CONTROLLERS))
                return 2;
        if (is_controller(driver))
                return parse_controller(p, i, driver);
        FOREACH_ARRAY(d, drivers, ELEMENTSOF(drivers))
                if (d->generations ? has_generation(driver, d->name, &suffix) : streq(driver, d->name))
                        return d->parse(p, i, d, suffix);
        if (is_char_device(driver))
                return parse_char_device(p, i, driver);
        return item_get(i, "netdev") ? parse_interface(p, i, driver) : 1;
}
