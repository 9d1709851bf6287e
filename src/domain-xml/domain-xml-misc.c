/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* clang-format off: a row is a line */
#include "domain-xml-tables.h"

DEFINE_STATIC_XML_TABLE(stats,
        ATTRIBUTE("period", DomainBalloon, stats_period, xml_c_uint, "seconds between two looks at the guest's memory", .max = INT_MAX));

DEFINE_STATIC_XML_TABLE(balloon_driver,
        INCLUDE(DomainBalloon, virtio, virtio_options));

DEFINE_XML_TABLE(balloon,
        ATTRIBUTE_ENUM("model", DomainBalloon, model, balloon_model, "kind of balloon", .flags = XML_MANDATORY),
        ATTRIBUTE_ENUM("autodeflate", DomainBalloon, autodeflate, on_off, "give memory back when the guest runs out of it"),
        ATTRIBUTE_ENUM("freePageReporting", DomainBalloon, free_page_reporting, on_off, "the guest tells which pages it does not use"),
        CHILD("stats", stats, "statistics of the guest's memory"),
        INCLUDE(DomainBalloon, info, device_info),
        CHILD("driver", balloon_driver, "options of virtio devices"));

static bool is_random(const void *object) {
        return ((const DomainRng *) object)->backend == RNG_BACKEND_RANDOM;
}

DEFINE_STATIC_XML_TABLE(rng_backend,
        ATTRIBUTE_ENUM("model", DomainRng, backend, rng_backend, "where the randomness comes from", .flags = XML_MANDATORY),
        CONTENT(DomainRng, backend_path, xml_string, "the host's device", .applies = is_random),
        INCLUDE(DomainRng, source, char_ends));

DEFINE_STATIC_XML_TABLE(rng_driver,
        INCLUDE(DomainRng, virtio, virtio_options));

DEFINE_STATIC_XML_TABLE(rate,
        ATTRIBUTE("bytes", DomainRng, rate_bytes, xml_uint, "bytes in a period", .flags = XML_MANDATORY),
        ATTRIBUTE("period", DomainRng, rate_period, xml_uint, "milliseconds; 1000 when absent"));

DEFINE_XML_TABLE(rng,
        ATTRIBUTE_ENUM("model", DomainRng, model, rng_model, "kind of device", .flags = XML_MANDATORY),
        CHILD("rate", rate, "limit"),
        CHILD("backend", rng_backend, "where the randomness comes from", .flags = XML_MANDATORY),
        CHILD("driver", rng_driver, "options of virtio devices"),
        INCLUDE(DomainRng, info, device_info));
