/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "domain-complete.h"
#include "string-util.h"

/* Displays, adapters, what is touched and what is heard, as libvirt fills them in. */

static bool is_x86(const Domain *d) {
        return d->os.arch == ARCH_X86_64 || d->os.arch == ARCH_I686;
}

/* --- displays --- */

/* The old attributes and <listen> say the same thing. */
static int complete_listen(DomainGraphics *g) {
        if (g->listen_type == LISTEN_UNSET) {
                g->listen_type = g->socket ? LISTEN_SOCKET : LISTEN_ADDRESS;
                return g->socket ? free_and_strdup(&g->listen_socket, g->socket)
                                 : free_and_strdup(&g->listen_address, g->listen);
        }
        if (g->listen_type == LISTEN_NONE)
                g->listen = mfree(g->listen);
        if (g->listen_type == LISTEN_ADDRESS && g->listen_address && !g->listen)
                return free_and_strdup(&g->listen, g->listen_address);
        if (g->listen_type == LISTEN_ADDRESS && g->listen && !g->listen_address)
                return free_and_strdup(&g->listen_address, g->listen);
        if (g->listen_type == LISTEN_SOCKET && g->type == GRAPHICS_VNC && g->listen_socket && !g->socket)
                return free_and_strdup(&g->socket, g->listen_socket);
        return 0;
}

static bool listens_by_network(const DomainGraphics *g) {
        return g->listen_type == LISTEN_ADDRESS || g->listen_type == LISTEN_NETWORK;
}

static void complete_vnc(DomainGraphics *g) {
        if (!listens_by_network(g)) {
                g->port = 0;
                g->autoport = TRI_UNSET;
                return;
        }
        if (g->port < 0 || (g->port == 0 && g->autoport != TRI_NO))
                g->autoport = TRI_YES;
        if (g->autoport == TRI_YES)
                g->port = -1;
        else
                g->autoport = TRI_NO;
}

/* Without a port a client can only be handed over. */
static void complete_spice(DomainGraphics *g) {
        if (g->port == -1 && g->tls_port == -1)
                g->autoport = TRI_YES;
        if (g->autoport == TRI_YES)
                g->port = g->tls_port = 0;
        /* Two addresses that contradict each other stay, and are refused later. */
        if (g->listen_type == LISTEN_ADDRESS && g->port == 0 && g->tls_port == 0 && g->autoport != TRI_YES &&
            streq_ptr(g->listen, g->listen_address)) {
                g->listen_type = LISTEN_NONE;
                g->listen = mfree(g->listen);
                g->listen_address = mfree(g->listen_address);
        }
        if (!listens_by_network(g)) {
                g->port = g->tls_port = 0;
                g->autoport = TRI_UNSET;
        } else if (g->autoport == TRI_UNSET)
                g->autoport = TRI_NO;
}

static int set_listening(DomainGraphics *g, const Listening *l) {
        if (l->socket) {
                g->listen_type = LISTEN_SOCKET;
                g->listen = mfree(g->listen);
                g->listen_address = mfree(g->listen_address);
                g->port = g->tls_port = 0;
                g->autoport = TRI_UNSET;
                int r = g->type == GRAPHICS_VNC ? free_and_strdup(&g->socket, l->socket) : 0;
                return r < 0 ? r : free_and_strdup(&g->listen_socket, l->socket);
        }
        *(l->tls ? &g->tls_port : &g->port) = l->port;
        int r = isempty(g->listen_address) ? free_and_strdup(&g->listen_address, l->address) : 0;
        return r < 0 || !isempty(g->listen) ? r : free_and_strdup(&g->listen, l->address);
}

int domain_set_listening(Domain *d, GraphicsType type, const Listening *l) {
        FOREACH_ARRAY(g, d->graphics, d->n_graphics)
                if (g->type == type)
                        return set_listening(g, l);
        return 0;
}

void domain_forget_ports(Domain *d) {
        FOREACH_ARRAY(g, d->graphics, d->n_graphics)
                if (g->autoport == TRI_YES) {
                        g->port = g->type == GRAPHICS_VNC ? -1 : 0;
                        g->tls_port = 0;
                }
}

/* In libvirt's order; what is written twice counts as it was written last, and "any" is nothing. */
static void complete_channels(DomainGraphics *g) {
        SpiceMode modes[_SPICE_CHANNEL_MAX] = {};
        SrcLoc locs[_SPICE_CHANNEL_MAX] = {};
        size_t n = 0;

        FOREACH_ARRAY(c, g->channels, g->n_channels)
                if (c->name > 0 && c->name < _SPICE_CHANNEL_MAX) {
                        modes[c->name] = c->mode;
                        locs[c->name] = c->loc;
                }
        /* There are not more names than there were elements. */
        for (int i = 1; i < _SPICE_CHANNEL_MAX; i++)
                if (modes[i] == SPICE_SECURE || modes[i] == SPICE_INSECURE)
                        g->channels[n++] = (SpiceChannel) {.loc = locs[i], .name = i, .mode = modes[i]};
        g->n_channels = n;
}

int domain_complete_graphics(Domain *d, const HostFacts *facts) {
        FOREACH_ARRAY(g, d->graphics, d->n_graphics) {
                if (g->type == GRAPHICS_VNC || g->type == GRAPHICS_SPICE) {
                        if (isempty(g->listen))
                                g->listen = mfree(g->listen);
                        int r = complete_listen(g);
                        if (r < 0)
                                return r;
                }
                if (g->type == GRAPHICS_VNC)
                        complete_vnc(g);
                else if (g->type == GRAPHICS_SPICE)
                        complete_spice(g);
                complete_channels(g);
                if (!g->password) {
                        g->password_valid_to = mfree(g->password_valid_to);
                        g->connected = CONNECTED_UNSET;
                }
                if (g->default_mode == SPICE_ANY)
                        g->default_mode = SPICE_UNSET;
                /* What libvirt does not write when it is the default. */
                if (g->fullscreen == TRI_NO)
                        g->fullscreen = TRI_UNSET;
                if (g->p2p == TRI_NO)
                        g->p2p = TRI_UNSET;
        }
        return 0;
}

/* --- input --- */

static int add_ps2(Domain *d, InputType type) {
        FOREACH_ARRAY(i, d->inputs, d->n_inputs)
                if (i->type == type && i->bus == INPUT_BUS_PS2)
                        return 0;
        if (!ARRAY_GROW(d->inputs, d->n_inputs))
                return -ENOMEM;
        d->inputs[d->n_inputs++] = (DomainInput) {.type = type, .bus = INPUT_BUS_PS2};
        return 0;
}

static InputBus default_bus(const Domain *d, const DomainInput *i) {
        if (i->type == INPUT_EVDEV) /* it is the host's, not the guest's */
                return INPUT_BUS_UNSET;
        if (i->type == INPUT_PASSTHROUGH)
                return INPUT_BUS_VIRTIO;
        return is_x86(d) && (i->type == INPUT_MOUSE || i->type == INPUT_KEYBOARD) ? INPUT_BUS_PS2 : INPUT_BUS_USB;
}

int domain_complete_inputs(Domain *d, const HostFacts *facts) {
        FOREACH_ARRAY(i, d->inputs, d->n_inputs)
                if (i->bus == INPUT_BUS_UNSET)
                        i->bus = default_bus(d, i);
        /* Every PC has them. */
        if (!is_x86(d) || d->os.type != OS_HVM || d->made_up)
                return 0;
        int r = add_ps2(d, INPUT_MOUSE);
        return r < 0 ? r : add_ps2(d, INPUT_KEYBOARD);
}

/* --- adapters --- */

static VideoModel default_video(const Domain *d) {
        switch (d->os.arch) {
        case ARCH_X86_64:
        case ARCH_I686:
                return VIDEO_CIRRUS;
        case ARCH_PPC64:
        case ARCH_PPC64LE:
                return VIDEO_VGA;
        default:
                return VIDEO_VIRTIO;
        }
}

/* The next power of two; what is too large is left for the check. */
static void round_up(OptUint *v) {
        unsigned power = 1;

        if (!v->set || v->value > 1U << 31)
                return;
        while (power < v->value)
                power *= 2;
        v->value = power;
}

static void default_size(OptUint *v, unsigned kib) {
        if (!v->set || v->value == 0)
                *v = OPT_UINT(kib);
}

/* Sizes in KiB that libvirt writes down. */
static void complete_video_memory(DomainVideo *v) {
        switch (v->model) {
        case VIDEO_VGA:
        case VIDEO_CIRRUS:
        case VIDEO_VMVGA:
        case VIDEO_BOCHS:
                default_size(&v->vram, 16384);
                break;
        case VIDEO_QXL:
                default_size(&v->ram, 65536);
                default_size(&v->vram, 65536);
                default_size(&v->vgamem, 16384);
                break;
        default:
                break;
        }
        round_up(&v->ram);
        round_up(&v->vram);
}

/* The primary adapter is the first one. */
static void complete_primary(Domain *d) {
        size_t primary = 0;

        for (size_t i = d->n_videos; i-- > 0;)
                if (d->videos[i].primary == TRI_YES)
                        primary = i;
        if (primary > 0) {
                DomainVideo v = d->videos[primary];
                memmove(d->videos + 1, d->videos, primary * sizeof(DomainVideo));
                d->videos[0] = v;
        }
        FOREACH_ARRAY(v, d->videos, d->n_videos) {
                if (v == d->videos && v->model != VIDEO_NONE)
                        v->primary = TRI_YES;
                else if (v->primary == TRI_NO)
                        v->primary = TRI_UNSET;
        }
}

int domain_complete_videos(Domain *d, const HostFacts *facts) {
        if (d->n_graphics > 0 && d->n_videos == 0) {
                if (!ARRAY_GROW(d->videos, d->n_videos))
                        return -ENOMEM;
                d->videos[d->n_videos++] = (DomainVideo) {.model = default_video(d)};
        }
        complete_primary(d);
        FOREACH_ARRAY(v, d->videos, d->n_videos) {
                if (v->model == VIDEO_UNSET)
                        v->model = default_video(d);
                if (v->model == VIDEO_NONE) {
                        v->ram = v->vram = v->vgamem = v->vram64 = v->heads = (OptUint) {};
                        v->primary = TRI_UNSET;
                        continue;
                }
                if (!v->heads.set)
                        v->heads = OPT_UINT(1);
                complete_video_memory(v);
        }
        return 0;
}

/* --- sound --- */

/* Where sound goes when nobody says it: with the display of the last kind that can carry it. A display in a window
 * of the host has none. */
static AudioType default_audio(const Domain *d) {
        AudioType type = d->n_graphics > 0 ? AUDIO_UNSET : AUDIO_NONE;

        FOREACH_ARRAY(g, d->graphics, d->n_graphics)
                if (g->type == GRAPHICS_VNC)
                        type = AUDIO_NONE;
                else if (g->type == GRAPHICS_SPICE)
                        type = AUDIO_SPICE;
        return type;
}

static bool side_is_set(const AudioSide *s) {
        return s->mixing_engine || s->fixed_settings || s->voices.set || s->buffer_length.set ||
               s->frequency.set || s->channels.set || s->format;
}

bool domain_audio_is_implicit(const Domain *d) {
        const DomainAudio *a = d->audios;

        return d->n_audios == 1 && a->type == default_audio(d) && a->id.value == 1 && !a->timer_period.set &&
               !side_is_set(&a->input) && !side_is_set(&a->output);
}

int domain_complete_audio(Domain *d, const HostFacts *facts) {
        AudioType type = default_audio(d);

        /* Only these cards have them. */
        FOREACH_ARRAY(s, d->sounds, d->n_sounds)
                if (s->model != SOUND_ICH6 && s->model != SOUND_ICH9)
                        s->n_codecs = 0;
        if (d->n_audios > 0 || type == AUDIO_UNSET || d->made_up)
                return 0;
        if (!ARRAY_GROW(d->audios, d->n_audios))
                return -ENOMEM;
        d->audios[d->n_audios++] = (DomainAudio) {.type = type, .id = OPT_UINT(1)};
        return 0;
}
