/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "parse-util.h"
#include "qemu-parse-model.h"

/* What a person sees, hears and touches; and the devices that an option names with one word. */

static int read_vnc_address(const char *s, DomainGraphics *g) {
        const char *path = startswith(s, "unix:"), *colon = strrchr(s, ':');
        unsigned display;

        if (streq(s, "none")) {
                g->listen_type = LISTEN_NONE;
                return 0;
        }
        if (path) {
                g->listen_type = LISTEN_SOCKET;
                return free_and_strdup(&g->listen_socket, path);
        }
        if (!colon || parse_uint(colon + 1, &display) < 0 || display > 65535 - 5900)
                return 1;
        bool brackets = *s == '[' && colon > s + 1 && colon[-1] == ']';
        size_t n = (size_t) (colon - s) - (brackets ? 2 : 0);
        g->listen_type = LISTEN_ADDRESS;
        g->port = (int) display + 5900;
        g->autoport = TRI_NO;
        /* Nothing in front means every address to QEMU. */
        g->listen_address = n > 0 ? strndup(s + (brackets ? 1 : 0), n) : strdup("0.0.0.0");
        return g->listen_address ? 0 : -ENOMEM;
}

/* Displays have the first sound there is, unless they are told of another. */
static void take_audio(Item *i, OptUint *ret, unsigned unsaid) {
        unsigned n;

        if (!parse_audio_id(item_get(i, "audiodev"), &n))
                return;
        if (n != unsaid)
                *ret = OPT_UINT(n);
        (void) item_take(i, "audiodev");
}

int parse_vnc(Parse *p, Item *i) {
        static const PropRow rows[] = {
                PROP_WORDS("share", DomainGraphics, share_policy, vnc_share_policy),
                PROP("power-control", PROP_TRISTATE, DomainGraphics, power_control),
                PROPS_END,
        };
        const char *address = item_take(i, "vnc"), *password = item_get(i, "password"), *websocket = item_get(i, "websocket");
        unsigned port;
        DomainGraphics *g = PARSE_ADD(p, graphics);

        if (!g)
                return -ENOMEM;
        g->type = GRAPHICS_VNC;
        int r = isempty(address) ? 1 : read_vnc_address(address, g);
        if (r == 0)
                r = props_apply(i, rows, g);
        if (r < 0)
                return r;
        take_audio(i, &g->audio, 1);
        if (websocket && parse_uint(websocket, &port) >= 0 && port > 0 && port < 65536) {
                g->websocket = (int) port;
                (void) item_take(i, "websocket");
        }
        if (streq_ptr(password, "on")) {
                (void) diag_warning(p->diag, (SrcLoc) {}, "-vnc: the password is not part of the command line: "
                                                          "set <graphics passwd=>");
                (void) item_take(i, "password");
                if (free_and_strdup(&g->password, "") < 0)
                        return -ENOMEM;
        }
        if (r > 0)
                item_refuse(i);
        return PARSE_FINISH(p, i, graphics);
}

/* --- spice --- */

static int read_spice_address(Item *i, DomainGraphics *g) {
        const char *addr = item_take(i, "addr"), *port = item_take(i, "port");
        unsigned n;

        if (streq_ptr(item_take(i, "unix"), "on")) {
                g->listen_type = LISTEN_SOCKET;
                return addr && startswith(addr, "/run/vmunit/") ? 0 : free_and_strdup(&g->listen_socket, addr);
        }
        if (!port || parse_uint(port, &n) < 0 || n > 65535)
                return 1;
        g->listen_type = n > 0 ? LISTEN_ADDRESS : LISTEN_NONE;
        if (n == 0)
                return addr ? 1 : 0;
        g->port = (int) n;
        g->autoport = TRI_NO;
        return free_and_strdup(&g->listen_address, addr ?: "0.0.0.0");
}

static int read_spice_channels(Item *i, DomainGraphics *g) {
        FOREACH_ARRAY(q, i->props, i->n_props) {
                if (!streq(q->key, "plaintext-channel"))
                        continue;
                int name = (int) spice_channel_from_string(q->value);
                q->used = true;
                if (streq(q->value, "default")) {
                        g->default_mode = SPICE_INSECURE;
                        continue;
                }
                if (name < 0)
                        return 1;
                if (!ARRAY_GROW(g->channels, g->n_channels))
                        return -ENOMEM;
                g->channels[g->n_channels++] = (SpiceChannel) { .name = (SpiceChannelName) name, .mode = SPICE_INSECURE };
        }
        return 0;
}

int parse_spice(Parse *p, Item *i) {
        static const PropRow rows[] = {
                PROP_WORDS("image-compression", DomainGraphics, image, spice_image),
                PROP_WORDS("jpeg-wan-compression", DomainGraphics, jpeg, spice_compression),
                PROP_WORDS("zlib-glz-wan-compression", DomainGraphics, zlib, spice_compression),
                PROP("playback-compression", PROP_TRISTATE, DomainGraphics, playback),
                PROP_WORDS("streaming-video", DomainGraphics, streaming, spice_streaming),
                PROP("gl", PROP_TRISTATE, DomainGraphics, gl),
                PROP("rendernode", PROP_STRING, DomainGraphics, rendernode),
                PROP_MUST("seamless-migration", "on"),
                PROPS_END,
        };
        const char *mouse = item_take(i, "agent-mouse");
        DomainGraphics *g = PARSE_ADD(p, graphics);

        if (!g)
                return -ENOMEM;
        g->type = GRAPHICS_SPICE;
        if (mouse)
                g->mouse = streq(mouse, "on") ? MOUSE_CLIENT : MOUSE_SERVER;
        if (!streq_ptr(item_take(i, "disable-ticketing"), "on")) {
                (void) diag_warning(p->diag, (SrcLoc) {}, "-spice: the password is not part of the command line: "
                                                          "set <graphics passwd=>");
                if (free_and_strdup(&g->password, "") < 0)
                        return -ENOMEM;
        }
        if (streq_ptr(item_take(i, "disable-copy-paste"), "on"))
                g->copypaste = TRI_NO;
        if (streq_ptr(item_take(i, "disable-agent-file-xfer"), "on"))
                g->filetransfer = TRI_NO;
        int r = read_spice_address(i, g);
        if (r == 0)
                r = read_spice_channels(i, g);
        if (r == 0)
                r = props_apply(i, rows, g);
        if (r < 0)
                return r;
        if (r > 0)
                item_refuse(i);
        return PARSE_FINISH(p, i, graphics);
}

/* --- -display --- */

int parse_display(Parse *p, Item *i) {
        static const PropRow rows[] = {
                PROP("gl", PROP_TRISTATE, DomainGraphics, gl),
                PROP("rendernode", PROP_STRING, DomainGraphics, rendernode),
                PROP("p2p", PROP_TRISTATE, DomainGraphics, p2p),
                PROPS_END,
        };
        const char *type = item_take(i, "type"), *addr = item_get(i, "addr");

        if (streq_ptr(type, "none"))
                return !item_is_used_up(i);
        int v = type && (streq(type, "sdl") || streq(type, "dbus") || streq(type, "egl-headless")) ? (int) graphics_type_from_string(type) : -1;
        if (v < 0)
                return 1;
        DomainGraphics *g = PARSE_ADD(p, graphics);
        if (!g)
                return -ENOMEM;
        g->type = (GraphicsType) v;
        if (g->type == GRAPHICS_DBUS && addr) {
                if (!startswith(addr, "unix:path=/run/vmunit/") && free_and_strdup(&g->address, addr) < 0)
                        return -ENOMEM;
                (void) item_take(i, "addr");
        }
        take_audio(i, &g->audio, 0);
        int r = props_apply(i, rows, g);
        return r < 0 ? r : PARSE_FINISH(p, i, graphics);
}

int parse_full_screen(Parse *p, Item *i) {
        FOREACH_ARRAY(g, p->d->graphics, p->d->n_graphics)
                if (g->type == GRAPHICS_SDL) {
                        g->fullscreen = TRI_YES;
                        return 0;
                }
        return 1;
}

/* --- devices that are one word --- */

static int add_video(Parse *p, int value) {
        DomainVideo *v = PARSE_ADD(p, videos);

        if (!v)
                return -ENOMEM;
        v->model = (VideoModel) value;
        return 0;
}

static int add_usb_input(Parse *p, int value) {
        DomainInput *input = PARSE_ADD(p, inputs);

        if (!input)
                return -ENOMEM;
        input->type = (InputType) value;
        input->bus = INPUT_BUS_USB;
        p->usb = true;
        return 0;
}

static int add_sound(Parse *p, int value) {
        DomainSound *s = PARSE_ADD(p, sounds);

        if (!s)
                return -ENOMEM;
        s->model = (SoundModel) value;
        return 0;
}

static int add_balloon(Parse *p, int value) {
        DomainBalloon *b = PARSE_ADD(p, balloons);

        if (!b)
                return -ENOMEM;
        b->model = (BalloonModel) value;
        return 0;
}

static int add_watchdog(Parse *p, int value) {
        DomainWatchdog *w = PARSE_ADD(p, watchdogs);

        if (!w)
                return -ENOMEM;
        w->model = (WatchdogModel) value;
        return 0;
}

static const struct {
        const char *option, *word;
        int (*add)(Parse *p, int value);
        int value;
} words[] = {
        { "-vga", "std", add_video, VIDEO_VGA },
        { "-vga", "cirrus", add_video, VIDEO_CIRRUS },
        { "-vga", "vmware", add_video, VIDEO_VMVGA },
        { "-vga", "qxl", add_video, VIDEO_QXL },
        { "-vga", "virtio", add_video, VIDEO_VIRTIO },
        { "-vga", "none", add_video, VIDEO_NONE },
        { "-usbdevice", "tablet", add_usb_input, INPUT_TABLET },
        { "-usbdevice", "mouse", add_usb_input, INPUT_MOUSE },
        { "-usbdevice", "keyboard", add_usb_input, INPUT_KEYBOARD },
        { "-soundhw", "sb16", add_sound, SOUND_SB16 },
        { "-soundhw", "es1370", add_sound, SOUND_ES1370 },
        { "-soundhw", "ac97", add_sound, SOUND_AC97 },
        { "-soundhw", "hda", add_sound, SOUND_ICH6 },
        { "-soundhw", "pcspk", add_sound, SOUND_PCSPK },
        { "-balloon", "none", add_balloon, BALLOON_NONE },
        { "-balloon", "virtio", add_balloon, BALLOON_VIRTIO },
        { "-watchdog", "i6300esb", add_watchdog, WATCHDOG_I6300ESB },
        { "-watchdog", "ib700", add_watchdog, WATCHDOG_IB700 },
};

int parse_word(Parse *p, Item *i) {
        FOREACH_ARRAY(w, words, ELEMENTSOF(words))
                if (streq(w->option, i->option) && streq(w->word, i->value))
                        return w->add(p, w->value);
        return 1;
}
