/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* clang-format off: a row is a line */
#include "domain-xml-tables.h"

static AudioType type_of(const void *object) {
        return ((const DomainAudio *) object)->type;
}

static bool has_dev(const void *object) {
        return type_of(object) == AUDIO_ALSA || type_of(object) == AUDIO_OSS;
}

static bool has_buffers(const void *object) {
        AudioType t = type_of(object);
        return t == AUDIO_COREAUDIO || t == AUDIO_OSS || t == AUDIO_SDL;
}

static bool is_oss(const void *object) {
        return type_of(object) == AUDIO_OSS;
}

static bool is_pulseaudio(const void *object) {
        return type_of(object) == AUDIO_PULSEAUDIO;
}

static bool is_jack(const void *object) {
        return type_of(object) == AUDIO_JACK;
}

static bool is_sdl(const void *object) {
        return type_of(object) == AUDIO_SDL;
}

static bool is_file(const void *object) {
        return type_of(object) == AUDIO_FILE;
}

/* Both directions have the same rows, each about its half of the DomainAudio. */
#define SIDE(name_, side)                                                                         \
        DEFINE_STATIC_XML_TABLE(name_##_settings,                                                 \
                ATTRIBUTE("frequency", DomainAudio, side.frequency, xml_uint, "samples in a second"), \
                ATTRIBUTE("channels", DomainAudio, side.channels, xml_uint, "1 mono, 2 stereo"),  \
                ATTRIBUTE_ENUM("format", DomainAudio, side.format, audio_format, "form of a sample")); \
        DEFINE_STATIC_XML_TABLE(name_,                                                            \
                ATTRIBUTE_ENUM("mixingEngine", DomainAudio, side.mixing_engine, yes_no, "QEMU mixes and converts"), \
                ATTRIBUTE_ENUM("fixedSettings", DomainAudio, side.fixed_settings, yes_no, "the host's device always runs with these settings"), \
                ATTRIBUTE("voices", DomainAudio, side.voices, xml_uint, "streams of the host's device"), \
                ATTRIBUTE("bufferLength", DomainAudio, side.buffer_length, xml_uint, "microseconds"), \
                ATTRIBUTE("serverName", DomainAudio, side.server_name, xml_string, "name of the JACK server", .applies = is_jack), \
                ATTRIBUTE("clientName", DomainAudio, side.client_name, xml_string, "name of the client", .applies = is_jack), \
                ATTRIBUTE("connectPorts", DomainAudio, side.connect_ports, xml_string, "ports to connect with: a regular expression", .applies = is_jack), \
                ATTRIBUTE_ENUM("exactName", DomainAudio, side.exact_name, yes_no, "no other name when the client's is taken", .applies = is_jack), \
                ATTRIBUTE("dev", DomainAudio, side.dev, xml_string, "the host's device", .applies = has_dev), \
                ATTRIBUTE("bufferCount", DomainAudio, side.buffer_count, xml_uint, "number of buffers", .applies = has_buffers), \
                ATTRIBUTE_ENUM("tryPoll", DomainAudio, side.try_poll, yes_no, "poll, if the device can", .applies = is_oss), \
                ATTRIBUTE("name", DomainAudio, side.name, xml_string, "name of the sink or source", .applies = is_pulseaudio), \
                ATTRIBUTE("streamName", DomainAudio, side.stream_name, xml_string, "name of the stream", .applies = is_pulseaudio), \
                ATTRIBUTE("latency", DomainAudio, side.latency, xml_uint, "microseconds", .applies = is_pulseaudio), \
                CHILD("settings", name_##_settings, "settings that do not follow the guest's"))

SIDE(audio_input, input);
SIDE(audio_output, output);

DEFINE_XML_TABLE(audio,
        ATTRIBUTE("id", DomainAudio, id, xml_uint, "number; sound cards and displays refer to it", .flags = XML_MANDATORY),
        ATTRIBUTE_ENUM("type", DomainAudio, type, audio_type, "where sound goes to and comes from", .flags = XML_MANDATORY),
        ATTRIBUTE("timerPeriod", DomainAudio, timer_period, xml_uint, "microseconds"),
        ATTRIBUTE_ENUM("tryMMap", DomainAudio, try_mmap, yes_no, "map the device's memory, if it can", .applies = is_oss),
        ATTRIBUTE_ENUM("exclusive", DomainAudio, exclusive, yes_no, "nobody else may use the device", .applies = is_oss),
        ATTRIBUTE("dspPolicy", DomainAudio, dsp_policy, xml_uint, "timing policy", .applies = is_oss),
        ATTRIBUTE("serverName", DomainAudio, server_name, xml_string, "address of the PulseAudio server", .applies = is_pulseaudio),
        ATTRIBUTE_ENUM("driver", DomainAudio, sdl_driver, sdl_audio_driver, "SDL's own driver", .applies = is_sdl),
        ATTRIBUTE("path", DomainAudio, path, xml_string, "the file, in WAV format", .applies = is_file),
        CHILD("input", audio_input, "what the guest records"),
        CHILD("output", audio_output, "what the guest plays"));

DEFINE_STATIC_XML_TABLE(codec,
        ATTRIBUTE_ENUM("type", SoundCodec, type, codec_type, "directions", .flags = XML_MANDATORY));

DEFINE_STATIC_XML_TABLE(sound_audio,
        ATTRIBUTE("id", DomainSound, audio, xml_uint, "number of the <audio>", .flags = XML_MANDATORY));

DEFINE_XML_TABLE(sound,
        ATTRIBUTE_ENUM("model", DomainSound, model, sound_model, "kind of card", .flags = XML_MANDATORY),
        LIST("codec", DomainSound, codecs, codec, "codec of an ich6 or ich9; one of type duplex when absent"),
        CHILD("audio", sound_audio, "where its sound ends on the host; the first <audio> when absent"),
        INCLUDE(DomainSound, info, device_info));
