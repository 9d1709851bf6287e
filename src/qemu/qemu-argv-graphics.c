/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "qemu-device.h"
#include "qemu-emit.h"
#include "string-util.h"

/* Displays and the adapters that draw what they show. */

/* The port that libvirt tries first for spice: 5900 is VNC's. */
#define SPICE_PORT_FIRST 5901
#define SPICE_TLS_PORT_FIRST 5902
#define WEBSOCKET_PORT_FIRST 5700

/* The guest's commands for a graphics card would be carried out by the host's, in QEMU with the driver of that card: a way
 * from the guest into the host's kernel. */
static int refuse_gl(Emit *e, SrcLoc loc, const char *what) {
        return emit_refused(e, loc, what, "QEMU is not given the host's graphics card");
}

/* --- vnc --- */

/* There is no network yet that would have an address. */
static int refuse_network(Emit *e, const DomainGraphics *g) {
        return diag_error(e->diag, g->loc, "not supported: <listen type='network'> (network '%s')",
                          strempty(g->listen_network));
}

/* The display's sound: it has the id of its <audio>, or of the first one. */
static void emit_audio_id(Emit *e, Options *o, OptUint id) {
        if (!id.set && e->domain->n_audios > 0)
                id = e->domain->audios[0].id;
        if (id.set)
                options_addf(o, "audiodev", "audio%u", id.value);
}

/* Where it is listened, with what vmunit.conf says of those that do not say it themselves. */
static const char *address_of(const DomainGraphics *g, const DisplayConfig *host) {
        return !isempty(g->listen_address) ? g->listen_address : host->listen ?: "127.0.0.1";
}

static bool on_socket(const DomainGraphics *g, const DisplayConfig *host) {
        return g->listen_type == LISTEN_SOCKET ||
               (g->listen_type == LISTEN_ADDRESS && isempty(g->listen_address) && host->auto_unix_socket);
}

/* "127.0.0.1:5", "[::1]:5", "unix:/path": the display's number is its port less 5900. */
static void add_vnc_address(Emit *e, Options *o, const DomainGraphics *g) {
        const char *address = address_of(g, &e->facts->vnc);
        int display = g->port > 0 ? g->port - 5900 : 0;
        _cleanup_free_ char *s = NULL;

        if (on_socket(g, &e->facts->vnc)) {
                /* With its key, as it may have characters that QEMU would take for one. */
                const char *path = g->listen_socket ?: g->socket;
                if (isempty(path))
                        options_addf(o, "vnc", "unix:%s/vnc.sock", e->runtime_dir);
                else
                        options_addf(o, "vnc", "unix:%s", path);
                return;
        }
        s = g->listen_type == LISTEN_NONE ? strdup("none")
            : strchr(address, ':')        ? strf("[%s]:%d", address, display)
                                          : strf("%s:%d", address, display);
        if (!s)
                e->failed = true;
        else if (strpbrk(s, "=,"))
                options_add(o, "vnc", s); /* QEMU would take it for a key and its value */
        else
                options_word(o, s);
        if (g->websocket != 0)
                options_addf(o, "websocket", "%d", g->websocket > 0 ? g->websocket : WEBSOCKET_PORT_FIRST);
}

/* The monitor takes the clients, so QEMU needs no network of the host; see add_client in QMP. PORT 0: the first free one. */
static int emit_listener(Emit *e, const DomainGraphics *g, const DisplayConfig *host, const char *name, const char *element, int port) {
        const char *path = isempty(g->listen_socket) ? g->socket : g->listen_socket;
        PlanFd *fd = emit_fd(e, PLAN_FD_LISTEN, name, element, g->loc, 1);

        if (!fd)
                return -ENOMEM;
        fd->user = PLAN_USER_MONITOR;
        if (on_socket(g, host)) {
                free(fd->path);
                fd->path = isempty(path) ? strf("%s/%s.sock", e->runtime_dir, name) : strdup(path);
                return fd->path ? 0 : -ENOMEM;
        }
        fd->service = port > 0 ? strf("%d", port) : strdup("5900+");
        return fd->service ? free_and_strdup(&fd->host, address_of(g, host)) : -ENOMEM;
}

static int add_vnc_listener(Emit *e, Options *o, const DomainGraphics *g) {
        options_word(o, "none");
        if (g->websocket != 0)
                return diag_error(e->diag, g->loc, "not supported: <graphics type='vnc' websocket=>");
        if (free_and_strdup(&e->out->vnc_id, "default") < 0)
                return -ENOMEM;
        if (g->listen_type == LISTEN_NONE)
                return 0;
        return emit_listener(e, g, &e->facts->vnc, QEMU_FD_VNC, "graphics vnc", MAX(g->port, 0));
}

/* QEMU looks for files of these names in a directory, all of them, or not at all if it may miss. They are root's, so it is given
 * copies at numbers that never change, and a directory of links to these numbers that is part of the installation. */
#define VNC_TLS_LINKS "/vnc-tls"

static const struct {
        const char *file, *name;
        unsigned number;
        bool may_miss, certificate;
} vnc_tls_files[] = {
        { "ca-cert.pem", "vnc-ca-cert", 5, false, true },
        { "ca-crl.pem", "vnc-ca-crl", 600, true, false }, /* where nothing of QEMU's own can be */
        { "server-cert.pem", "vnc-server-cert", 7, false, true },
        { "server-key.pem", "vnc-server-key", 8, false, false },
};

static int hand_over_certificates(Emit *e, const DomainGraphics *g, const char *dir) {
        for (size_t i = 0; i < ELEMENTSOF(vnc_tls_files); i++) {
                _cleanup_free_ char *path = strf("%s/%s", dir, vnc_tls_files[i].file);
                const FileRequest r = { vnc_tls_files[i].name, path, NULL, "graphics vnc: TLS", g->loc };
                PlanFd *fd = path ? emit_copy_at(e, &r, vnc_tls_files[i].number) : NULL;
                if (!fd)
                        return -ENOMEM;
                fd->may_miss = vnc_tls_files[i].may_miss;
                fd->certificate = vnc_tls_files[i].certificate;
        }
        return 0;
}

static int add_vnc_tls(Emit *e, Options *o, const DomainGraphics *g) {
        const DisplayConfig *host = &e->facts->vnc;
        _cleanup_qjson_ Json j = {};

        if (!host->tls)
                return 0;
        json_add_string(&j, "qom-type", "tls-creds-x509");
        json_add_string(&j, "id", "vnc-tls-creds0");
        if (e->native)
                json_add_string(&j, "dir", host->cert_dir);
        else {
                int r = hand_over_certificates(e, g, host->cert_dir);
                if (r < 0)
                        return r;
                json_add_stringf(&j, "dir", "%s" VNC_TLS_LINKS, e->facts->data_dir);
        }
        json_add_string(&j, "endpoint", "server");
        json_add_bool(&j, "verify-peer", host->tls_verify);
        emit_json(e, "-object", &j);
        options_add(o, "tls-creds", "vnc-tls-creds0");
        return 0;
}

static void add_sasl(Emit *e, Options *o, const DisplayConfig *host) {
        if (!host->sasl)
                return;
        options_add(o, "sasl", "on");
        if (host->sasl_dir)
                emit_env(e, "SASL_CONF_PATH", host->sasl_dir);
}

static int emit_vnc(Emit *e, const DomainGraphics *g) {
        _cleanup_options_ Options o = {};
        int r = 0;

        if (g->listen_type == LISTEN_NETWORK)
                return refuse_network(e, g);
        if (e->native)
                add_vnc_address(e, &o, g);
        else
                r = add_vnc_listener(e, &o, g);
        if (r < 0)
                return r;
        options_add(&o, "share", vnc_share_policy_to_string(g->share_policy));
        const char *password = g->password ?: e->facts->vnc.password;
        if (password)
                options_add(&o, "password", "on");
        if (password && !e->native)
                r = emit_password(e, QEMU_FD_VNC_PASSWORD, "graphics vnc: password", g->loc, password);
        if (r >= 0)
                r = add_vnc_tls(e, &o, g);
        if (r < 0)
                return r;
        add_sasl(e, &o, &e->facts->vnc);
        options_add(&o, "power-control", on_off_to_string(g->power_control));
        emit_audio_id(e, &o, g->audio);
        emit_options(e, "-vnc", &o);
        if (g->keymap)
                emit_option(e, "-k", g->keymap);
        return 0;
}

/* --- spice --- */

/* Which ports a spice server has: one in the clear, one with TLS, or both. */
typedef struct SpicePorts {
        bool plain, tls;
        int plain_port, tls_port; /* 0: any will do */
} SpicePorts;

/* With autoport it is as the channels need it. */
static SpicePorts spice_ports(const DomainGraphics *g, const DisplayConfig *host) {
        SpicePorts p = {
                .plain = g->port != 0, .plain_port = MAX(g->port, 0),
                .tls = g->tls_port != 0, .tls_port = MAX(g->tls_port, 0),
        };

        if (on_socket(g, host) || g->listen_type == LISTEN_NONE)
                return (SpicePorts) { .plain = true };
        if (g->autoport == TRI_YES) {
                p.plain = g->default_mode != SPICE_SECURE;
                p.tls = g->default_mode == SPICE_SECURE || (g->default_mode == SPICE_UNSET && host->tls);
                FOREACH_ARRAY(c, g->channels, g->n_channels) {
                        p.plain |= c->mode == SPICE_INSECURE;
                        p.tls |= c->mode == SPICE_SECURE;
                }
        }
        return p;
}

static void add_spice_address(Emit *e, Options *o, const DomainGraphics *g, const SpicePorts *p) {
        const DisplayConfig *host = &e->facts->spice;

        if (on_socket(g, host)) {
                options_word(o, "unix");
                if (isempty(g->listen_socket))
                        options_addf(o, "addr", "%s/spice.sock", e->runtime_dir);
                else
                        options_add(o, "addr", g->listen_socket);
                return;
        }
        if (g->listen_type == LISTEN_NONE) {
                options_add(o, "port", "0");
                return;
        }
        if (p->plain)
                options_addf(o, "port", "%d", p->plain_port ?: SPICE_PORT_FIRST);
        if (p->tls)
                options_addf(o, "tls-port", "%d", p->tls_port ?: SPICE_TLS_PORT_FIRST);
        options_add(o, "addr", address_of(g, host));
}

/* QEMU encrypts only when it has a port for that as well. It is one that nobody knows: bound without an address, a Unix
 * socket gets some abstract one from the kernel. */
static int add_spice_listeners(Emit *e, Options *o, const DomainGraphics *g, const SpicePorts *p) {
        const DisplayConfig *host = &e->facts->spice;
        int r = 0;

        if (p->tls) {
                options_bool(o, "unix", true);
                options_add(o, "addr", "");
                options_addf(o, "tls-port", "%d", p->tls_port ?: SPICE_TLS_PORT_FIRST);
        } else
                options_add(o, "port", "0");
        if (g->listen_type == LISTEN_NONE)
                return 0;
        if (p->plain)
                r = emit_listener(e, g, host, QEMU_FD_SPICE, "graphics spice", p->plain_port);
        if (r >= 0 && p->tls)
                r = emit_listener(e, g, host, QEMU_FD_SPICE_TLS, "graphics spice: TLS", p->tls_port);
        return r;
}

static const struct {
        const char *option, *file, *name;
        bool certificate;
} spice_tls_files[] = {
        { "x509-cacert-file", "ca-cert.pem", "spice-ca-cert", true },
        { "x509-cert-file", "server-cert.pem", "spice-server-cert", true },
        { "x509-key-file", "server-key.pem", "spice-server-key", false },
};

static int add_spice_certificates(Emit *e, Options *o, const DomainGraphics *g, const char *dir) {
        if (e->native) {
                options_add(o, "x509-dir", dir);
                return 0;
        }
        for (size_t i = 0; i < ELEMENTSOF(spice_tls_files); i++) {
                _cleanup_free_ char *path = strf("%s/%s", dir, spice_tls_files[i].file);
                const FileRequest r = { spice_tls_files[i].name, path, NULL, "graphics spice: TLS", g->loc };
                _cleanup_free_ char *copy = path ? emit_copy(e, &r) : NULL;
                if (!copy)
                        return -ENOMEM;
                e->out->fds[e->out->n_fds - 1].certificate = spice_tls_files[i].certificate;
                options_add(o, spice_tls_files[i].option, copy);
        }
        return 0;
}

static int add_spice_channel(Emit *e, Options *o, const SpicePorts *ports, const char *what, const char *channel, SpiceMode mode, SrcLoc loc) {
        if (mode != SPICE_SECURE && mode != SPICE_INSECURE)
                return 0;
        if (mode == SPICE_SECURE ? !ports->tls : !ports->plain)
                return diag_error(e->diag, loc, "graphics spice: %s '%s', but there is no %s connection", what, spice_mode_to_string(mode),
                                  mode == SPICE_SECURE ? "TLS" : "plain");
        options_add(o, mode == SPICE_SECURE ? "tls-channel" : "plaintext-channel", channel);
        return 0;
}

static int add_spice_channels(Emit *e, Options *o, const DomainGraphics *g, const SpicePorts *ports) {
        int ret = add_spice_channel(e, o, ports, "defaultMode", "default", g->default_mode, g->loc);

        FOREACH_ARRAY(c, g->channels, g->n_channels) {
                int r = add_spice_channel(e, o, ports, "channel mode", spice_channel_to_string(c->name), c->mode, c->loc);
                ret = ret < 0 ? ret : r;
        }
        return ret;
}

static int add_spice_access(Emit *e, Options *o, const DomainGraphics *g, const SpicePorts *ports) {
        const DisplayConfig *host = &e->facts->spice;
        const char *password = g->password ?: host->password;
        int r = 0;

        add_sasl(e, o, host);
        if (g->mouse != MOUSE_UNSET)
                options_bool(o, "agent-mouse", g->mouse == MOUSE_CLIENT);
        if (!password)
                options_add(o, "disable-ticketing", "on");
        else if (!e->native)
                r = emit_password(e, QEMU_FD_SPICE_PASSWORD, "graphics spice: password", g->loc, password);
        if (r >= 0 && ports->tls)
                r = add_spice_certificates(e, o, g, host->cert_dir);
        if (r >= 0)
                r = add_spice_channels(e, o, g, ports);
        /* Nobody else may come by the port in the clear that there is without one. */
        if (!e->native && ports->tls && !ports->plain && g->default_mode != SPICE_SECURE)
                options_add(o, "tls-channel", "default");
        return r;
}

static int emit_spice(Emit *e, const DomainGraphics *g) {
        const DisplayConfig *host = &e->facts->spice;
        SpicePorts ports = spice_ports(g, host);
        _cleanup_options_ Options o = {};
        int r = 0;

        if (g->listen_type == LISTEN_NETWORK)
                return refuse_network(e, g);
        if (ports.tls && !host->tls)
                return diag_error(e->diag, g->loc, "graphics spice: a port with TLS, but vmunit.conf has no SpiceTLS=yes");
        if (e->native)
                add_spice_address(e, &o, g, &ports);
        else {
                /* Its settings are beside the host's certificates and keys, which are none of QEMU's business (SELinux: cert_t). */
                emit_env(e, "OPENSSL_CONF", "/dev/null");
                r = add_spice_listeners(e, &o, g, &ports);
        }
        if (r >= 0)
                r = add_spice_access(e, &o, g, &ports);
        if (r < 0)
                return r;
        options_add(&o, "image-compression", spice_image_to_string(g->image));
        options_add(&o, "jpeg-wan-compression", spice_compression_to_string(g->jpeg));
        options_add(&o, "zlib-glz-wan-compression", spice_compression_to_string(g->zlib));
        options_add(&o, "playback-compression", on_off_to_string(g->playback));
        options_add(&o, "streaming-video", spice_streaming_to_string(g->streaming));
        if (g->copypaste == TRI_NO)
                options_add(&o, "disable-copy-paste", "on");
        if (g->filetransfer == TRI_NO)
                options_add(&o, "disable-agent-file-xfer", "on");
        if (g->gl == TRI_YES) {
                options_add(&o, "gl", "on");
                options_add(&o, "rendernode", g->rendernode);
        }
        options_add(&o, "seamless-migration", "on");
        emit_options(e, "-spice", &o);
        if (g->keymap)
                emit_option(e, "-k", g->keymap);
        return g->gl == TRI_YES ? refuse_gl(e, g->loc, "<graphics type='spice'> with <gl>") : 0;
}

/* --- the others --- */

/* A window on an X display of the host. */
static int emit_sdl(Emit *e, const DomainGraphics *g) {
        _cleanup_options_ Options o = {};

        if (g->xauth)
                emit_env(e, "XAUTHORITY", g->xauth);
        if (g->display)
                emit_env(e, "DISPLAY", g->display);
        if (g->fullscreen == TRI_YES)
                emit_arg(e, "-full-screen");
        options_word(&o, "sdl");
        options_add(&o, "gl", on_off_to_string(g->gl));
        emit_options(e, "-display", &o);
        return emit_refused(e, g->loc, "<graphics type='sdl'>", "a service has no screen: use type 'vnc' or 'spice'");
}

/* Who looks connects to a socket of the machine's, and speaks D-Bus with QEMU alone. libvirt's other way, a bus with a daemon
 * for each machine, or one that is there, would let QEMU connect to what it does not see. */
static int add_dbus_listener(Emit *e, const DomainGraphics *g) {
        PlanFd *fd = emit_fd(e, PLAN_FD_LISTEN, QEMU_FD_DBUS, "graphics dbus", g->loc, 1);

        if (!fd)
                return -ENOMEM;
        fd->user = PLAN_USER_MONITOR;
        fd->path = strf("%s/" QEMU_FD_DBUS ".sock", e->runtime_dir);
        return fd->path ? 0 : -ENOMEM;
}

static int emit_dbus(Emit *e, const DomainGraphics *g) {
        _cleanup_options_ Options o = {};
        int r = 0;

        options_word(&o, "dbus");
        if (g->p2p == TRI_YES)
                options_add(&o, "p2p", "on");
        else if (g->address)
                options_add(&o, "addr", g->address);
        else
                options_addf(&o, "addr", "unix:path=%s/dbus.sock", e->runtime_dir);
        options_add(&o, "gl", on_off_to_string(g->gl));
        options_add(&o, "rendernode", g->rendernode);
        if (g->audio.set)
                emit_audio_id(e, &o, g->audio);
        emit_options(e, "-display", &o);
        if (g->p2p != TRI_YES)
                r = emit_refused(e, g->loc, "<graphics type='dbus'> on a bus", "QEMU does not see it: with p2p='yes' it has a socket of its own");
        else if (!e->native)
                r = add_dbus_listener(e, g);
        if (r >= 0 && g->gl == TRI_YES)
                r = refuse_gl(e, g->loc, "<graphics type='dbus'> with <gl>");
        return r;
}

/* Without a device QEMU takes the host's first one. */
static int emit_egl(Emit *e, const DomainGraphics *g) {
        _cleanup_options_ Options o = {};

        options_word(&o, "egl-headless");
        options_add(&o, "rendernode", g->rendernode);
        emit_options(e, "-display", &o);
        return refuse_gl(e, g->loc, "<graphics type='egl-headless'>");
}

static const struct {
        GraphicsType type;
        int (*emit)(Emit *e, const DomainGraphics *g);
} displays[] = {
        { GRAPHICS_VNC, emit_vnc },   { GRAPHICS_SPICE, emit_spice },        { GRAPHICS_SDL, emit_sdl },
        { GRAPHICS_DBUS, emit_dbus }, { GRAPHICS_EGL_HEADLESS, emit_egl },
};

static int emit_display(Emit *e, const DomainGraphics *g) {
        for (size_t i = 0; i < ELEMENTSOF(displays); i++)
                if (displays[i].type == g->type)
                        return displays[i].emit(e, g);
        return diag_error(e->diag, g->loc, "not supported: <graphics type='%s'>",
                          strempty(graphics_type_to_string(g->type)));
}

int emit_graphics(Emit *e) {
        int ret = 0;

        FOREACH_ARRAY(g, e->domain->graphics, e->domain->n_graphics) {
                int r = emit_display(e, g);
                if (r < 0)
                        ret = r;
        }
        return ret;
}

/* --- adapters --- */

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

static void json_virtio(Json *j, const DomainVideo *v) {
        json_add_opt_uint(j, "max_outputs", v->heads);
        json_add_tristate(j, "blob", v->blob);
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
        { VIDEO_VIRTIO, "virtio-vga", "virtio-gpu-pci", json_virtio },
        { VIDEO_BOCHS, "bochs-display", "bochs-display", json_bochs },
        { VIDEO_RAMFB, "ramfb", NULL, json_nothing },
};

static int emit_video(Emit *e, const DomainVideo *v, bool primary) {
        _cleanup_qjson_ Json j = {};
        const char *word = strempty(video_model_to_string(v->model));

        if (v->model == VIDEO_NONE)
                return 0;
        if (v->accel3d == TRI_YES && refuse_gl(e, v->info.loc, "<acceleration accel3d='yes'>") < 0)
                return -EINVAL;
        for (size_t i = 0; i < ELEMENTSOF(video_devices); i++) {
                if (video_devices[i].model != v->model)
                        continue;
                /* virtio-vga is for PCs; other boards boot from the plain device. */
                bool vga = primary && (arch_is_x86(e->domain) || v->model != VIDEO_VIRTIO);
                const char *driver = vga ? video_devices[i].primary : video_devices[i].secondary;
                if (v->accel3d == TRI_YES)
                        driver = vga ? "virtio-vga-gl" : "virtio-gpu-gl-pci";
                assert(driver); /* it was checked that the others are the first one */
                if (!qemu_caps_has_type(e->caps, driver))
                        return diag_error(e->diag, v->info.loc, "emulator '%s' has no video device '%s'",
                                          e->domain->emulator, driver);
                if (v->info.address.type == ADDRESS_VIRTIO_MMIO)
                        driver = v->accel3d == TRI_YES ? "virtio-gpu-gl-device" : "virtio-gpu-device";
                json_add_string(&j, "driver", driver);
                json_virtio_options(&j, &v->virtio);
                json_add_string(&j, "id", v->info.alias);
                video_devices[i].json(&j, v);
                json_add_opt_uint(&j, "xres", v->x);
                json_add_opt_uint(&j, "yres", v->y);
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

