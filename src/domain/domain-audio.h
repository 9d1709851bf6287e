/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "domain-types.h"

/* The model of sound: the guest's cards and where they end on the host. */

/* <input> and <output>: which of the fields count depends on the type. */
typedef struct AudioSide {
        Tristate mixing_engine, fixed_settings;
        OptUint voices;
        OptUint buffer_length; /* microseconds */
        OptUint frequency, channels;
        AudioFormat format;
        char *dev;                                     /* alsa, oss */
        OptUint buffer_count;                          /* coreaudio, oss, sdl */
        Tristate try_poll;                             /* oss */
        char *name, *stream_name;                      /* pulseaudio */
        OptUint latency;                               /* pulseaudio: microseconds */
        char *server_name, *client_name, *connect_ports; /* jack */
        Tristate exact_name;                           /* jack */
} AudioSide;

typedef struct DomainAudio {
        SrcLoc loc;
        AudioType type;
        OptUint id;
        OptUint timer_period; /* microseconds */
        AudioSide input, output;
        Tristate try_mmap, exclusive; /* oss */
        OptUint dsp_policy;           /* oss */
        char *server_name;            /* pulseaudio */
        SdlAudioDriver sdl_driver;
        char *path;                   /* file */
} DomainAudio;

typedef struct SoundCodec {
        SrcLoc loc;
        CodecType type;
} SoundCodec;

typedef struct DomainSound {
        DeviceInfo info;
        SoundModel model;
        SoundCodec *codecs;
        size_t n_codecs;
        OptUint audio; /* id of its <audio>; the first one when absent */
} DomainSound;
