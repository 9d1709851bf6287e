/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "qemu-device.h"
#include "qemu-emit.h"
#include "string-util.h"

/* Input, display and the small devices. */

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
};

static int emit_input(Emit *e, const DomainInput *i) {
        _cleanup_qjson_ Json j = {};
        const char *driver = NULL;

        if (i->bus == INPUT_BUS_PS2) /* on board */
                return 0;
        for (size_t k = 0; k < ELEMENTSOF(input_devices); k++)
                if (input_devices[k].bus == i->bus && input_devices[k].type == i->type)
                        driver = input_devices[k].driver;
        if (!driver)
                return diag_error(e->diag, i->info.loc, "not supported: <input type='%s' bus='%s'>",
                                  strempty(input_type_to_string(i->type)),
                                  strempty(input_bus_to_string(i->bus)));
        if (i->bus == INPUT_BUS_VIRTIO)
                json_virtio_driver(&j, driver, &i->info, NULL);
        else
                json_add_string(&j, "driver", driver);
        json_add_string(&j, "id", i->info.alias);
        json_address(e, &j, &i->info);
        emit_json(e, "-device", &j);
        return 0;
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

/* --- display --- */

/* There is always one, as in libvirt: sound cards and displays refer to it. */
int emit_audio(Emit *e) {
        _cleanup_qjson_ Json j = {};

        json_add_string(&j, "id", "audio1");
        json_add_string(&j, "driver", "none");
        emit_json(e, "-audiodev", &j);
        return 0;
}

/* "127.0.0.1:5", "[::1]:5", "unix:/path": the display's number is its port less 5900. */
static void add_vnc_address(Emit *e, Options *o, const DomainGraphics *g) {
        const char *address = isempty(g->listen_address) ? "127.0.0.1" : g->listen_address;
        int display = g->port > 0 ? g->port - 5900 : 0;
        _cleanup_free_ char *s = NULL;

        if (g->listen_type == LISTEN_SOCKET) {
                /* With its key, as it may have characters that QEMU would take for one. */
                options_addf(o, "vnc", "unix:%s", g->listen_socket ?: strempty(g->socket));
                return;
        }
        s = g->listen_type == LISTEN_NONE ? strdup("none")
            : strchr(address, ':')        ? strf("[%s]:%d", address, display)
                                          : strf("%s:%d", address, display);
        if (s)
                options_word(o, s);
        else
                e->failed = true;
        if (g->websocket != 0)
                options_addf(o, "websocket", "%d", MAX(g->websocket, 0));
}

/* The monitor takes the clients, so QEMU needs no network of the host; see add_client in QMP. */
static int add_vnc_listener(Emit *e, Options *o, const DomainGraphics *g) {
        PlanFd *fd;

        options_word(o, "none");
        if (g->websocket != 0)
                return diag_error(e->diag, g->loc, "not supported: <graphics type='vnc' websocket=>");
        if (free_and_strdup(&e->out->vnc_id, "default") < 0)
                return -ENOMEM;
        if (g->listen_type == LISTEN_NONE)
                return 0;
        fd = emit_fd(e, PLAN_FD_LISTEN, QEMU_FD_VNC, "graphics vnc", g->loc, 1);
        if (!fd)
                return 0;
        fd->user = PLAN_USER_MONITOR;
        if (g->listen_type == LISTEN_SOCKET) {
                _cleanup_free_ char *path = NULL;
                if (isempty(g->listen_socket) && isempty(g->socket))
                        path = strf("%s/vnc.sock", e->runtime_dir);
                else
                        path = strdup(isempty(g->listen_socket) ? g->socket : g->listen_socket);
                if (!path)
                        return -ENOMEM;
                free(fd->path);
                fd->path = TAKE_PTR(path);
                return 0;
        }
        fd->service = g->port > 0 ? strf("%d", g->port) : strdup("5900+");
        if (!fd->service ||
            free_and_strdup(&fd->host, isempty(g->listen_address) ? "127.0.0.1" : g->listen_address) < 0)
                return -ENOMEM;
        return 0;
}

static int emit_one_vnc(Emit *e, const DomainGraphics *g) {
        _cleanup_options_ Options o = {};

        if (g->listen_type == LISTEN_NETWORK)
                return diag_error(e->diag, g->loc, "not supported: <listen type='network'>");
        if (e->native)
                add_vnc_address(e, &o, g);
        else {
                int r = add_vnc_listener(e, &o, g);
                if (r < 0)
                        return r;
        }
        options_add(&o, "share", vnc_share_policy_to_string(g->share_policy));
        if (g->password)
                options_add(&o, "password", "on");
        options_add(&o, "audiodev", "audio1");
        emit_options(e, "-vnc", &o);
        if (g->keymap)
                emit_option(e, "-k", g->keymap);
        return 0;
}

int emit_vnc(Emit *e) {
        unsigned n = 0;

        FOREACH_ARRAY(g, e->domain->graphics, e->domain->n_graphics) {
                if (g->type != GRAPHICS_VNC)
                        return diag_error(e->diag, g->loc, "not supported: <graphics type='%s'>",
                                          strempty(graphics_type_to_string(g->type)));
                if (n++ > 0)
                        return diag_error(e->diag, g->loc, "there can be one <graphics type='vnc'> only");
                int r = emit_one_vnc(e, g);
                if (r < 0)
                        return r;
        }
        return 0;
}

static void json_vga(Json *j, const DomainVideo *v) {
        if (v->vram.set)
                json_add_uint(j, "vgamem_mb", v->vram.value / 1024);
}

static void json_qxl(Json *j, const DomainVideo *v) {
        if (v->heads.value > 0)
                json_add_opt_uint(j, "max_outputs", v->heads);
        json_add_uint(j, "ram_size", UINT64_C(1024) * v->ram.value);
        json_add_uint(j, "vram_size", UINT64_C(1024) * v->vram.value);
        json_add_uint(j, "vram64_size_mb", v->vram64.value / 1024);
        json_add_uint(j, "vgamem_mb", v->vgamem.value / 1024);
}

static void json_heads(Json *j, const DomainVideo *v) {
        json_add_opt_uint(j, "max_outputs", v->heads);
}

static void json_bochs(Json *j, const DomainVideo *v) {
        if (v->vram.set)
                json_add_uint(j, "vgamem", UINT64_C(1024) * v->vram.value);
}

static void json_nothing(Json *j, const DomainVideo *v) {
}

static const struct {
        VideoModel model;
        const char *primary, *secondary; /* NULL: cannot be */
        void (*json)(Json *j, const DomainVideo *v);
} video_devices[] = {
        { VIDEO_VGA, "VGA", NULL, json_vga },
        { VIDEO_CIRRUS, "cirrus-vga", NULL, json_nothing },
        { VIDEO_VMVGA, "vmware-svga", NULL, json_vga },
        { VIDEO_QXL, "qxl-vga", "qxl", json_qxl },
        { VIDEO_VIRTIO, "virtio-vga", "virtio-gpu-pci", json_heads },
        { VIDEO_BOCHS, "bochs-display", "bochs-display", json_bochs },
        { VIDEO_RAMFB, "ramfb", NULL, json_nothing },
};

static int emit_video(Emit *e, const DomainVideo *v, bool primary) {
        _cleanup_qjson_ Json j = {};
        const char *word = strempty(video_model_to_string(v->model));

        if (v->model == VIDEO_NONE)
                return 0;
        if (v->accel3d == TRI_YES)
                return diag_error(e->diag, v->info.loc, "not supported: <acceleration accel3d='yes'>");
        for (size_t i = 0; i < ELEMENTSOF(video_devices); i++) {
                if (video_devices[i].model != v->model)
                        continue;
                /* virtio-vga is for PCs; other boards boot from the plain device. */
                bool vga = primary && (arch_is_x86(e->domain) || v->model != VIDEO_VIRTIO);
                const char *driver = vga ? video_devices[i].primary : video_devices[i].secondary;
                if (!driver)
                        return diag_error(e->diag, v->info.loc,
                                          "<video> model '%s' can be the first one only", word);
                if (!qemu_caps_has_type(e->caps, driver))
                        return diag_error(e->diag, v->info.loc, "emulator '%s' has no video device '%s'",
                                          e->domain->emulator, driver);
                if (v->info.address.type == ADDRESS_VIRTIO_MMIO)
                        driver = "virtio-gpu-device";
                json_add_string(&j, "driver", driver);
                json_add_string(&j, "id", v->info.alias);
                video_devices[i].json(&j, v);
                json_address(e, &j, &v->info);
                emit_json(e, "-device", &j);
                return 0;
        }
        return diag_error(e->diag, v->info.loc, "not supported: <video> model '%s'", word);
}

int emit_videos(Emit *e) {
        const Domain *d = e->domain;
        int ret = 0;

        FOREACH_ARRAY(v, d->videos, d->n_videos) {
                int r = emit_video(e, v, v == d->videos);
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

        if (r->backend == RNG_BACKEND_EGD)
                return diag_error(e->diag, r->info.loc, "not supported: <rng> with <backend model='egd'>");
        json_add_string(&object, "qom-type",
                        r->backend == RNG_BACKEND_BUILTIN ? "rng-builtin" : "rng-random");
        json_add_stringf(&object, "id", "obj%s", r->info.alias);
        if (r->backend == RNG_BACKEND_RANDOM) {
                path = random_source(e, r);
                if (!path)
                        return -ENOMEM;
                json_add_string(&object, "filename", path);
        }
        emit_json(e, "-object", &object);
        json_virtio_driver(&device, "virtio-rng", &r->info, rng_model_to_string(r->model));
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
