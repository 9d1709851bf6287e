/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "domain-validate.h"
#include "string-util.h"

static const DomainAudio *find_audio(const Domain *d, unsigned id) {
        FOREACH_ARRAY(a, d->audios, d->n_audios)
                if (a->id.set && a->id.value == id)
                        return a;
        return NULL;
}

static void check_reference(const Domain *d, OptUint id, SrcLoc loc, const char *what, Diag *diag) {
        if (id.set && !find_audio(d, id.value))
                (void) diag_error(diag, loc, "%s: there is no <audio id='%u'>", what, id.value);
}

static void check_side(const AudioSide *s, SrcLoc loc, const char *what, Diag *diag) {
        bool settings = s->frequency.set || s->channels.set || s->format != AUDIO_FORMAT_UNSET;

        if (settings && s->fixed_settings != TRI_YES)
                (void) diag_error(diag, loc, "audio %s: <settings> need fixedSettings='yes'", what);
        if (s->fixed_settings == TRI_YES && s->mixing_engine != TRI_YES)
                (void) diag_error(diag, loc, "audio %s: fixedSettings='yes' needs mixingEngine='yes'", what);
}

static bool has_graphics(const Domain *d, GraphicsType type) {
        FOREACH_ARRAY(g, d->graphics, d->n_graphics)
                if (g->type == type)
                        return true;
        return false;
}

static void check_audio(const Domain *d, const DomainAudio *a, Diag *diag) {
        if (a->type == AUDIO_COREAUDIO)
                refuse(diag, a->loc, "audio type", "coreaudio");
        if (a->id.set && a->id.value == 0)
                (void) diag_error(diag, a->loc, "audio @id is 0: the first is 1");
        if (a->id.set && find_audio(d, a->id.value) != a)
                (void) diag_error(diag, a->loc, "audio @id %u is used twice", a->id.value);
        if (a->type == AUDIO_SPICE && !has_graphics(d, GRAPHICS_SPICE))
                (void) diag_error(diag, a->loc, "audio of type 'spice' needs <graphics type='spice'/>");
        if (a->type == AUDIO_DBUS && !has_graphics(d, GRAPHICS_DBUS))
                (void) diag_error(diag, a->loc, "audio of type 'dbus' needs <graphics type='dbus'/>");
        check_path(diag, a->loc, "audio @path", a->path);
        check_side(&a->input, a->loc, "input", diag);
        check_side(&a->output, a->loc, "output", diag);
}

void check_sounds(const Domain *d, Diag *diag) {
        bool x86 = d->os.arch == ARCH_X86_64 || d->os.arch == ARCH_I686;
        unsigned speakers = 0;

        FOREACH_ARRAY(a, d->audios, d->n_audios)
                check_audio(d, a, diag);
        FOREACH_ARRAY(g, d->graphics, d->n_graphics)
                check_reference(d, g->audio, g->loc, "graphics", diag);
        FOREACH_ARRAY(s, d->sounds, d->n_sounds) {
                const char *model = strempty(sound_model_to_string(s->model));

                if (s->model == SOUND_ICH7)
                        refuse(diag, s->info.loc, "sound model", model);
                if (!x86 && (s->model == SOUND_PCSPK || s->model == SOUND_SB16))
                        (void) diag_error(diag, s->info.loc, "sound model '%s' is not there on %s machines", model,
                                          strempty(arch_to_string(d->os.arch)));
                if (s->model == SOUND_PCSPK && speakers++ == 1)
                        (void) diag_error(diag, s->info.loc, "sound model 'pcspk': there is one only");
                if (d->n_audios == 0)
                        (void) diag_error(diag, s->info.loc, "sound model '%s': there is no <audio> for it", model);
                check_reference(d, s->audio, s->info.loc, "sound", diag);
        }
}
