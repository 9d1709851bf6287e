/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* clang-format off: a row is a line */
#include "domain-xml-tables.h"
#include "parse-util.h"
#include "string-util.h"

/* --- smart cards --- */

static SmartcardMode mode_of(const void *object) {
        return ((const DomainSmartcard *) object)->mode;
}

static bool has_certificates(const void *object) {
        return mode_of(object) == SMARTCARD_CERTIFICATES;
}

DEFINE_STATIC_XML_TABLE(certificate,
        CONTENT(SmartcardCertificate, name, xml_string, "name of the certificate", .flags = XML_MANDATORY));

DEFINE_XML_TABLE(smartcard,
        ATTRIBUTE_ENUM("mode", DomainSmartcard, mode, smartcard_mode, "the host's reader, its certificates, or a card elsewhere", .flags = XML_MANDATORY),
        LIST("certificate", DomainSmartcard, certificates, certificate, "one of the three certificates on the card", .applies = has_certificates),
        TEXT_CHILD("database", DomainSmartcard, database, xml_string, "directory of the certificates; /etc/pki/nssdb when absent", .applies = has_certificates),
        INCLUDE(DomainSmartcard, source, char_ends),
        INCLUDE(DomainSmartcard, info, device_info));

/* --- USB devices of the viewer --- */

DEFINE_XML_TABLE(redirdev,
        ATTRIBUTE_ENUM("bus", DomainRedirdev, bus, redirdev_bus, "usb"),
        INCLUDE(DomainRedirdev, source, char_ends),
        INCLUDE(DomainRedirdev, info, bootable_info));

/* -1 is any, as if it were not written. */
static int parse_usb_number(const XmlRow *row, const char *s, void *field) {
        return streq(s, "-1") ? 1 : xml_hex.parse(row, s, field);
}

static bool format_usb_number(const XmlRow *row, const void *field, Text *t) {
        const OptUint *v = field;

        if (v->set)
                text_appendf(t, "0x%0*X", (int) row->digits, v->value);
        return v->set;
}

static const XmlType xml_usb_number = {NULL, parse_usb_number, format_usb_number};

/* "1.10" is 0x0110, and so is "1.1": what follows the point are hundredths. */
static int parse_usb_version(const XmlRow *row, const char *s, void *field) {
        const char *point = strchr(s, '.');
        size_t major = point ? (size_t) (point - s) : 0, minor = point ? strlen(point + 1) : 0;
        unsigned v = 0;

        if (streq(s, "-1"))
                return 1;
        if (major < 1 || major > 2 || minor < 1 || minor > 2)
                return -EINVAL;
        for (const char *c = s; *c; c++) {
                if (c == point)
                        continue;
                if (*c < '0' || *c > '9')
                        return -EINVAL;
                v = v << 4 | (unsigned) (*c - '0');
        }
        *(OptUint *) field = OPT_UINT(minor == 1 ? v << 4 : v);
        return 0;
}

static bool format_usb_version(const XmlRow *row, const void *field, Text *t) {
        const OptUint *v = field;

        if (v->set)
                text_appendf(t, "%x.%02x", v->value >> 8, v->value & 0xff);
        return v->set;
}

static const XmlType xml_usb_version = {"a version (2.00), or -1 for any", parse_usb_version, format_usb_version};

DEFINE_STATIC_XML_TABLE(usbdev,
        ATTRIBUTE("class", RedirRule, class, xml_usb_number, "class of the device; -1: any", .digits = 2, .max = 0xff),
        ATTRIBUTE("vendor", RedirRule, vendor, xml_usb_number, "its vendor; -1: any", .digits = 4, .max = 0xffff),
        ATTRIBUTE("product", RedirRule, product, xml_usb_number, "its product; -1: any", .digits = 4, .max = 0xffff),
        ATTRIBUTE("version", RedirRule, version, xml_usb_version, "its version; -1: any"),
        ATTRIBUTE_ENUM("allow", RedirRule, allow, yes_no, "whether it may be lent", .flags = XML_MANDATORY));

DEFINE_XML_TABLE(redirfilter,
        LIST("usbdev", DomainRedirfilter, rules, usbdev, "a rule; the first that fits decides"));
