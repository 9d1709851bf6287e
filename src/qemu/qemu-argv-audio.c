/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "qemu-device.h"
#include "qemu-emit.h"
#include "string-util.h"

/* Sound: first where it ends on the host (-audiodev), then the guest's cards. */

/* --- the host's end --- */

static const char *const drivers[_AUDIO_MAX] = {
        [AUDIO_NONE] = "none",     [AUDIO_ALSA] = "alsa", [AUDIO_COREAUDIO] = "coreaudio",
        [AUDIO_JACK] = "jack",     [AUDIO_OSS] = "oss",   [AUDIO_PULSEAUDIO] = "pa",
        [AUDIO_SDL] = "sdl",       [AUDIO_SPICE] = "spice", [AUDIO_FILE] = "wav",
        [AUDIO_DBUS] = "dbus",
};

static void json_side(Json *j, const char *key, const AudioSide *s) {
        _cleanup_qjson_ Json side = {};

        json_add_tristate(&side, "mixing-engine", s->mixing_engine);
        json_add_tristate(&side, "fixed-settings", s->fixed_settings);
        json_add_opt_uint(&side, "voices", s->voices);
        json_add_opt_uint(&side, "buffer-length", s->buffer_length);
        json_add_opt_uint(&side, "frequency", s->frequency);
        json_add_opt_uint(&side, "channels", s->channels);
        json_add_string(&side, "format", audio_format_to_string(s->format));
        json_add_string(&side, "server-name", s->server_name);
        json_add_string(&side, "client-name", s->client_name);
        json_add_string(&side, "connect-ports", s->connect_ports);
        json_add_tristate(&side, "exact-name", s->exact_name);
        json_add_string(&side, "dev", s->dev);
        json_add_opt_uint(&side, "buffer-count", s->buffer_count);
        json_add_tristate(&side, "try-poll", s->try_poll);
        json_add_string(&side, "name", s->name);
        json_add_string(&side, "stream-name", s->stream_name);
        json_add_opt_uint(&side, "latency", s->latency);
        if (side.object || side.failed)
                json_add_sub(j, key, &side);
}

/* The file that the sound goes to; QEMU takes it by its path only. */
static int add_path(Emit *e, Json *j, const DomainAudio *a) {
        _cleanup_free_ char *name = strf("audio%u", a->id.value), *file = NULL;

        if (!name)
                return -ENOMEM;
        file = e->native ? strdup(a->path) : emit_reopened(e, &(FileRequest) {
                .name = name, .path = a->path, .element = name, .loc = a->loc, .writable = true, .create = true,
                .labelling = LABELLING_IMAGE });
        json_add_string(j, "path", file);
        return file ? 0 : -ENOMEM;
}

static int emit_audiodev(Emit *e, const DomainAudio *a) {
        _cleanup_free_ char *what = strf("<audio type='%s'>", strempty(audio_type_to_string(a->type)));
        _cleanup_qjson_ Json j = {};
        int r = 0;

        if (!what)
                return -ENOMEM;
        json_add_stringf(&j, "id", "audio%u", a->id.value);
        json_add_string(&j, "driver", drivers[a->type]);
        json_add_opt_uint(&j, "timer-period", a->timer_period);
        json_add_tristate(&j, "try-mmap", a->try_mmap);
        json_add_tristate(&j, "exclusive", a->exclusive);
        json_add_opt_uint(&j, "dsp-policy", a->dsp_policy);
        json_add_string(&j, "server", a->server_name);
        if (a->path && (r = add_path(e, &j, a)) < 0)
                return r;
        json_side(&j, "in", &a->input);
        json_side(&j, "out", &a->output);
        emit_json(e, "-audiodev", &j);
        if (a->sdl_driver != SDL_AUDIO_UNSET)
                emit_env(e, "SDL_AUDIODRIVER", sdl_audio_driver_to_string(a->sdl_driver));
        if (a->type == AUDIO_NONE || a->type == AUDIO_SPICE || (a->type == AUDIO_FILE && a->path))
                return 0;
        return emit_refused(e, a->loc, what, a->type == AUDIO_FILE ? "without a @path, QEMU would choose one that it does not see" :
                            "QEMU does not see the host's sound: spice and VNC bring it to who looks, type 'file' keeps it");
}

int emit_audio(Emit *e) {
        int ret = 0;

        FOREACH_ARRAY(a, e->domain->audios, e->domain->n_audios) {
                int r = emit_audiodev(e, a);
                if (r < 0)
                        ret = r;
        }
        return ret;
}

/* --- the guest's cards --- */

static const struct {
        SoundModel model;
        const char *driver;
        bool codecs; /* the card is a bus for them, and they have the sound */
} cards[] = {
        { SOUND_SB16, "sb16" },
        { SOUND_ES1370, "ES1370" },
        { SOUND_AC97, "AC97" },
        { SOUND_ICH6, "intel-hda", true },
        { SOUND_ICH9, "ich9-intel-hda", true },
        { SOUND_USB, "usb-audio" },
};

static unsigned audio_of(const Emit *e, const DomainSound *s) {
        return s->audio.set ? s->audio.value : e->domain->n_audios > 0 ? e->domain->audios[0].id.value : 1;
}

static void emit_codec(Emit *e, const DomainSound *s, unsigned position, CodecType type) {
        _cleanup_qjson_ Json j = {};

        json_add_stringf(&j, "driver", "hda-%s", codec_type_to_string(type));
        json_add_stringf(&j, "id", "%s-codec%u", s->info.alias, position);
        json_add_stringf(&j, "bus", "%s.0", s->info.alias);
        json_add_uint(&j, "cad", position);
        json_add_stringf(&j, "audiodev", "audio%u", audio_of(e, s));
        emit_json(e, "-device", &j);
}

static void emit_codecs(Emit *e, const DomainSound *s) {
        unsigned position = 0;

        FOREACH_ARRAY(c, s->codecs, s->n_codecs)
                emit_codec(e, s, position++, c->type);
        if (position == 0)
                emit_codec(e, s, 0, CODEC_DUPLEX);
}

static int emit_sound(Emit *e, const DomainSound *s) {
        _cleanup_qjson_ Json j = {};

        /* It is on the board, and has to be given a voice. */
        if (s->model == SOUND_PCSPK) {
                emit_optionf(e, "-machine", "pcspk-audiodev=audio%u", audio_of(e, s));
                return 0;
        }
        for (size_t i = 0; i < ELEMENTSOF(cards); i++) {
                if (cards[i].model != s->model)
                        continue;
                json_add_string(&j, "driver", cards[i].driver);
                json_add_string(&j, "id", s->info.alias);
                if (!cards[i].codecs)
                        json_add_stringf(&j, "audiodev", "audio%u", audio_of(e, s));
                json_address(e, &j, &s->info);
                emit_json(e, "-device", &j);
                if (cards[i].codecs)
                        emit_codecs(e, s);
                return 0;
        }
        return diag_error(e->diag, s->info.loc, "not supported: <sound model='%s'>",
                          strempty(sound_model_to_string(s->model)));
}

int emit_sounds(Emit *e) {
        int ret = 0;

        FOREACH_ARRAY(s, e->domain->sounds, e->domain->n_sounds) {
                int r = emit_sound(e, s);
                if (r < 0)
                        ret = r;
        }
        return ret;
}
