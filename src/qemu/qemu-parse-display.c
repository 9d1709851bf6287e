/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "parse-util.h"
#include "qemu-parse-model.h"

/* -vnc, -vga, -usbdevice: what a person sees and touches. */

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

int parse_vnc(Parse *p, Item *i) {
        static const PropRow rows[] = {
                PROP_WORDS("share", DomainGraphics, share_policy, vnc_share_policy),
                PROP_MUST("audiodev", "audio1"),
                PROPS_END,
        };
        const char *address = item_take(i, "vnc"), *password = item_get(i, "password");
        DomainGraphics *g = PARSE_ADD(p, graphics);

        if (!g)
                return -ENOMEM;
        g->type = GRAPHICS_VNC;
        int r = isempty(address) ? 1 : read_vnc_address(address, g);
        if (r >= 0 && r == 0)
                r = props_apply(i, rows, g);
        if (r < 0)
                return r;
        if (streq_ptr(password, "on")) {
                (void) diag_warning(p->diag, (SrcLoc) {}, "-vnc: the password is not part of the command line: "
                                                          "set <graphics passwd=>");
                (void) item_take(i, "password");
                if (free_and_strdup(&g->password, "") < 0)
                        return -ENOMEM;
        }
        if (r > 0 && item_is_used_up(i))
                i->props[0].used = false;
        return PARSE_FINISH(p, i, graphics);
}

int parse_vga(Parse *p, Item *i) {
        static const struct { const char *word; VideoModel model; } words[] = {
                { "std", VIDEO_VGA },       { "cirrus", VIDEO_CIRRUS }, { "vmware", VIDEO_VMVGA },
                { "qxl", VIDEO_QXL }, { "virtio", VIDEO_VIRTIO }, { "none", VIDEO_NONE },
        };

        FOREACH_ARRAY(w, words, ELEMENTSOF(words)) {
                if (!streq(w->word, i->value))
                        continue;
                DomainVideo *v = PARSE_ADD(p, videos);
                if (!v)
                        return -ENOMEM;
                v->model = w->model;
                return 0;
        }
        return 1;
}

int parse_usb_device(Parse *p, Item *i) {
        static const struct { const char *word; InputType type; } words[] = {
                { "tablet", INPUT_TABLET }, { "mouse", INPUT_MOUSE }, { "keyboard", INPUT_KEYBOARD },
        };

        FOREACH_ARRAY(w, words, ELEMENTSOF(words)) {
                if (!streq(w->word, i->value))
                        continue;
                DomainInput *input = PARSE_ADD(p, inputs);
                if (!input)
                        return -ENOMEM;
                input->type = w->type;
                input->bus = INPUT_BUS_USB;
                return 0;
        }
        return 1;
}
