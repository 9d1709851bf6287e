/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "qemu-device.h"
#include "qemu-emit.h"
#include "string-util.h"

/* Input and the small devices. */

/* --- input --- */

static const struct {
        InputBus bus;
        InputType type;
        const char *driver;
} input_devices[] = {
        { INPUT_BUS_USB, INPUT_MOUSE, "usb-mouse" },
        { INPUT_BUS_USB, INPUT_TABLET, "usb-tablet" },
        { INPUT_BUS_USB, INPUT_KEYBOARD, "usb-kbd" },
        { INPUT_BUS_VIRTIO, INPUT_MOUSE, "virtio-mouse" },
        { INPUT_BUS_VIRTIO, INPUT_TABLET, "virtio-tablet" },
        { INPUT_BUS_VIRTIO, INPUT_KEYBOARD, "virtio-keyboard" },
        { INPUT_BUS_VIRTIO, INPUT_PASSTHROUGH, "virtio-input-host" },
};

/* QEMU opens the host's device by its path, and a descriptor in a set is nothing to it: it opens what it was handed once more. */
static int add_evdev(Emit *e, Json *j, const DomainInput *i) {
        _cleanup_free_ char *name = strf("evdev-%s", i->info.alias), *element = strf("input %s", i->info.alias), *path = NULL;

        if (!name || !element)
                return -ENOMEM;
        path = e->native ? strdup(i->source) : emit_reopened(e, &(FileRequest) {
                .name = name, .path = i->source, .element = element, .loc = i->info.loc, .writable = true, .char_device = true,
                .labelling = LABELLING_IMAGE });
        if (!path)
                return -ENOMEM;
        json_add_string(j, "evdev", path);
        return 0;
}

/* The host's device in QEMU's own hands, which gives its events to the guest's devices. */
static int emit_evdev(Emit *e, const DomainInput *i) {
        _cleanup_qjson_ Json j = {};
        int r;

        json_add_string(&j, "qom-type", "input-linux");
        json_add_string(&j, "id", i->info.alias);
        r = add_evdev(e, &j, i);
        json_add_tristate(&j, "repeat", i->repeat);
        if (i->grab == GRAB_ALL)
                json_add_bool(&j, "grab_all", true);
        json_add_string(&j, "grab-toggle", input_grab_toggle_to_string(i->grab_toggle));
        emit_json(e, "-object", &j);
        return r;
}

static int emit_input(Emit *e, const DomainInput *i) {
        _cleanup_qjson_ Json j = {};
        const char *driver = NULL;
        int r = 0;

        if (i->bus == INPUT_BUS_PS2) /* on board */
                return 0;
        if (i->type == INPUT_EVDEV)
                return emit_evdev(e, i);
        for (size_t k = 0; k < ELEMENTSOF(input_devices); k++)
                if (input_devices[k].bus == i->bus && input_devices[k].type == i->type)
                        driver = input_devices[k].driver;
        if (!driver)
                return diag_error(e->diag, i->info.loc, "not supported: <input type='%s' bus='%s'>",
                                  strempty(input_type_to_string(i->type)),
                                  strempty(input_bus_to_string(i->bus)));
        if (i->bus == INPUT_BUS_VIRTIO) {
                json_virtio_driver(&j, driver, &i->info, NULL);
                json_virtio_options(&j, &i->virtio);
        } else
                json_add_string(&j, "driver", driver);
        json_add_string(&j, "id", i->info.alias);
        if (i->type == INPUT_PASSTHROUGH)
                r = add_evdev(e, &j, i);
        json_address(e, &j, &i->info);
        emit_json(e, "-device", &j);
        return r;
}

int emit_inputs(Emit *e) {
        int ret = 0;

        FOREACH_ARRAY(i, e->domain->inputs, e->domain->n_inputs) {
                int r = emit_input(e, i);
                if (r < 0)
                        ret = r;
        }
        return ret;
}

/* --- balloon, random numbers --- */

int emit_balloon(Emit *e) {
        FOREACH_ARRAY(b, e->domain->balloons, e->domain->n_balloons) {
                _cleanup_qjson_ Json j = {};

                if (b->model == BALLOON_NONE)
                        continue;
                json_virtio_driver(&j, "virtio-balloon", &b->info, balloon_model_to_string(b->model));
                json_virtio_options(&j, &b->virtio);
                json_add_string(&j, "id", b->info.alias);
                json_add_tristate(&j, "deflate-on-oom", b->autodeflate);
                json_add_tristate(&j, "free-page-reporting", b->free_page_reporting);
                json_address(e, &j, &b->info);
                emit_json(e, "-device", &j);
        }
        return 0;
}

/* The two everybody has are there in every sandbox, and libvirt names them. */
static char *random_source(Emit *e, const DomainRng *r) {
        _cleanup_free_ char *name = strf("random-%s", r->info.alias);
        const char *path = r->backend_path ?: "/dev/random";

        if (e->native || streq(path, "/dev/random") || streq(path, "/dev/urandom"))
                return strdup(path);
        if (!name)
                return NULL;
        return emit_file(e, &(FileRequest){ .name = name,
                                           .path = path,
                                           .element = "rng",
                                           .loc = r->info.loc,
                                           .char_device = true});
}

static int emit_rng(Emit *e, const DomainRng *r) {
        _cleanup_qjson_ Json object = {}, device = {};
        _cleanup_free_ char *path = NULL;

        if (r->backend == RNG_BACKEND_EGD) {
                int k = emit_chardev(e, &r->source, r->info.alias, r->info.loc);
                if (k < 0)
                        return k;
        }
        json_add_string(&object, "qom-type",
                        r->backend == RNG_BACKEND_BUILTIN ? "rng-builtin" :
                        r->backend == RNG_BACKEND_EGD     ? "rng-egd" : "rng-random");
        json_add_stringf(&object, "id", "obj%s", r->info.alias);
        if (r->backend == RNG_BACKEND_RANDOM) {
                path = random_source(e, r);
                if (!path)
                        return -ENOMEM;
                json_add_string(&object, "filename", path);
        }
        if (r->backend == RNG_BACKEND_EGD)
                json_add_stringf(&object, "chardev", "char%s", r->info.alias);
        emit_json(e, "-object", &object);
        json_virtio_driver(&device, "virtio-rng", &r->info, rng_model_to_string(r->model));
        json_virtio_options(&device, &r->virtio);
        json_add_stringf(&device, "rng", "obj%s", r->info.alias);
        json_add_string(&device, "id", r->info.alias);
        if (r->rate_bytes.set) {
                json_add_uint(&device, "max-bytes", r->rate_bytes.value);
                json_add_uint(&device, "period",
                              r->rate_period.set && r->rate_period.value > 0 ? r->rate_period.value : 1000);
        }
        json_address(e, &device, &r->info);
        emit_json(e, "-device", &device);
        return 0;
}

int emit_rngs(Emit *e) {
        int ret = 0;

        FOREACH_ARRAY(i, e->domain->rngs, e->domain->n_rngs) {
                int r = emit_rng(e, i);
                if (r < 0)
                        ret = r;
        }
        return ret;
}
