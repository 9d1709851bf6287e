/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "parse-util.h"
#include "qemu-parse-model.h"

/* Sound: where it ends on the host (-audiodev), and the guest's cards. */

/* --- the host --- */

bool parse_audio_id(const char *id, unsigned *ret) {
        const char *number = id ? startswith(id, "audio") : NULL;

        return number && parse_uint(number, ret) >= 0 && *ret > 0;
}

#define SIDE(prefix, side)                                                                        \
        PROP(prefix ".mixing-engine", PROP_TRISTATE, DomainAudio, side.mixing_engine),            \
        PROP(prefix ".fixed-settings", PROP_TRISTATE, DomainAudio, side.fixed_settings),          \
        PROP(prefix ".voices", PROP_UINT, DomainAudio, side.voices),                              \
        PROP(prefix ".buffer-length", PROP_UINT, DomainAudio, side.buffer_length),                \
        PROP(prefix ".frequency", PROP_UINT, DomainAudio, side.frequency),                        \
        PROP(prefix ".channels", PROP_UINT, DomainAudio, side.channels),                          \
        PROP_WORDS(prefix ".format", DomainAudio, side.format, audio_format),                     \
        PROP(prefix ".server-name", PROP_STRING, DomainAudio, side.server_name),                  \
        PROP(prefix ".client-name", PROP_STRING, DomainAudio, side.client_name),                  \
        PROP(prefix ".connect-ports", PROP_STRING, DomainAudio, side.connect_ports),              \
        PROP(prefix ".exact-name", PROP_TRISTATE, DomainAudio, side.exact_name),                  \
        PROP(prefix ".dev", PROP_STRING, DomainAudio, side.dev),                                  \
        PROP(prefix ".buffer-count", PROP_UINT, DomainAudio, side.buffer_count),                  \
        PROP(prefix ".try-poll", PROP_TRISTATE, DomainAudio, side.try_poll),                      \
        PROP(prefix ".name", PROP_STRING, DomainAudio, side.name),                                \
        PROP(prefix ".stream-name", PROP_STRING, DomainAudio, side.stream_name),                  \
        PROP(prefix ".latency", PROP_UINT, DomainAudio, side.latency)

int parse_audio(Parse *p, Item *i) {
        static const struct { const char *word; AudioType type; } drivers[] = {
                { "none", AUDIO_NONE }, { "alsa", AUDIO_ALSA }, { "coreaudio", AUDIO_COREAUDIO }, { "jack", AUDIO_JACK },
                { "oss", AUDIO_OSS },   { "pa", AUDIO_PULSEAUDIO }, { "sdl", AUDIO_SDL }, { "spice", AUDIO_SPICE },
                { "wav", AUDIO_FILE },  { "dbus", AUDIO_DBUS },
        };
        static const PropRow rows[] = {
                SIDE("in", input), SIDE("out", output),
                PROP("timer-period", PROP_UINT, DomainAudio, timer_period),
                PROP("try-mmap", PROP_TRISTATE, DomainAudio, try_mmap),
                PROP("exclusive", PROP_TRISTATE, DomainAudio, exclusive),
                PROP("dsp-policy", PROP_UINT, DomainAudio, dsp_policy),
                PROP("server", PROP_STRING, DomainAudio, server_name),
                PROP("path", PROP_STRING, DomainAudio, path),
                PROPS_END,
        };
        const char *driver = item_take(i, "driver");
        unsigned n;

        if (!parse_audio_id(item_get(i, "id"), &n))
                return 1;
        DomainAudio *a = PARSE_ADD(p, audios);
        if (!a)
                return -ENOMEM;
        a->id = OPT_UINT(n);
        (void) item_take(i, "id");
        FOREACH_ARRAY(k, drivers, ELEMENTSOF(drivers))
                if (streq_ptr(k->word, driver))
                        a->type = k->type;
        int r = props_apply(i, rows, a);
        if (a->type == AUDIO_UNSET)
                item_refuse(i);
        return r < 0 ? r : PARSE_FINISH(p, i, audios);
}

/* --- the guest --- */

/* A card has the first sound there is, unless it is told of another. */
static bool take_voice(const Parse *p, Item *i, const char *key, DomainSound *s) {
        unsigned n;

        if (!item_get(i, key))
                return true;
        if (!parse_audio_id(item_get(i, key), &n))
                return false;
        if (n != (p->d->n_audios > 0 ? p->d->audios[0].id.value : 1))
                s->audio = OPT_UINT(n);
        (void) item_take(i, key);
        return true;
}

/* The codecs on the card's bus, which must be numbered from 0 and have one voice. */
static int read_codecs(Parse *p, Item *card, DomainSound *s, Item *parts[], size_t *n) {
        static const PropRow rows[] = { PROP_REST("driver"), PROP_REST("id"), PROP_REST("bus"), PROP_REST("cad"), PROPS_END };
        _cleanup_free_ char *bus = strf("%s.0", strempty(item_get(card, "id")));
        unsigned cad;

        if (!bus)
                return -ENOMEM;
        FOREACH_ARRAY(i, p->items.list, p->items.n) {
                const char *driver = streq(i->option, "-device") ? item_get(i, "driver") : NULL;
                int type = driver && startswith(driver, "hda-") ? (int) codec_type_from_string(driver + 4) : -1;
                if (type <= 0 || i->used || i->pass || !streq_ptr(item_get(i, "bus"), bus))
                        continue;
                if (*n == SOUND_CODECS_MAX || parse_uint(item_get(i, "cad") ?: "0", &cad) < 0 || cad != *n ||
                    !take_voice(p, i, "audiodev", s) || props_apply(i, rows, s) < 0 || !item_is_used_up(i))
                        return 1;
                if (!ARRAY_GROW(s->codecs, s->n_codecs))
                        return -ENOMEM;
                s->codecs[s->n_codecs++] = (SoundCodec) { .type = (CodecType) type };
                parts[(*n)++] = i;
        }
        /* One of the kind that there is anyhow. */
        if (s->n_codecs == 1 && s->codecs[0].type == CODEC_DUPLEX)
                s->n_codecs = 0;
        return *n > 0 ? 0 : 1; /* the card alone would get one */
}

int parse_sound(Parse *p, Item *i, const Driver *driver, const char *suffix) {
        bool codecs = driver->value == SOUND_ICH6 || driver->value == SOUND_ICH9;
        Item *parts[SOUND_CODECS_MAX];
        size_t n = 0;
        DomainSound *s = PARSE_ADD(p, sounds);

        if (!s)
                return -ENOMEM;
        s->model = (SoundModel) driver->value;
        int r = codecs ? read_codecs(p, i, s, parts, &n) : !take_voice(p, i, "audiodev", s);
        if (r == 0)
                r = parse_common(p, i, &s->info);
        if (r < 0)
                return r;
        if (r > 0)
                item_refuse(i);
        r = PARSE_FINISH(p, i, sounds);
        for (size_t k = 0; r == 0 && k < n; k++)
                parts[k]->used = true;
        return r;
}

/* The speaker on the board has a voice when the machine says so. As a step of an option: 2 where something is left. */
int parse_speaker(Parse *p, Item *i) {
        if (!item_get(i, "pcspk-audiodev"))
                return 2;
        DomainSound *s = PARSE_ADD(p, sounds);
        if (!s)
                return -ENOMEM;
        s->model = SOUND_PCSPK;
        if (!take_voice(p, i, "pcspk-audiodev", s))
                p->d->n_sounds--;
        return item_is_used_up(i) ? 0 : 2;
}
