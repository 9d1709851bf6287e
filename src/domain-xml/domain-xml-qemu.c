/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* clang-format off: a row is a line */
#include "domain-xml-tables.h"

/* The declaration of the namespace stands at the root, and only where it is needed. It is no attribute to the
 * parser, so the row is for writing. */
static int parse_nothing(const XmlRow *row, const char *s, void *field) {
        return 1;
}

static bool format_namespace(const XmlRow *row, const void *field, Text *t) {
        const Domain *d = field;

        if (d->n_qemu_args == 0 && d->n_qemu_env == 0 && d->n_qemu_overrides == 0 &&
            d->n_qemu_caps_added == 0 && d->n_qemu_caps_deleted == 0 && d->qemu_deprecation == DEPRECATION_UNSET)
                return false;
        text_append(t, XML_NAMESPACE_QEMU);
        return true;
}

const XmlType xml_qemu_namespace = { "a namespace", parse_nothing, format_namespace };

DEFINE_STATIC_XML_TABLE(qemu_arg,
        ATTRIBUTE("value", QemuArg, value, xml_string, "the argument", .flags = XML_MANDATORY));

DEFINE_STATIC_XML_TABLE(qemu_env,
        ATTRIBUTE("name", QemuEnv, name, xml_string, "name of the variable", .flags = XML_MANDATORY),
        ATTRIBUTE("value", QemuEnv, value, xml_string, "its value"));

DEFINE_XML_TABLE(qemu_commandline,
        LIST("qemu:arg", Domain, qemu_args, qemu_arg, "argument for QEMU, behind all others"),
        LIST("qemu:env", Domain, qemu_env, qemu_env, "variable in QEMU's environment"));

DEFINE_STATIC_XML_TABLE(qemu_capability,
        ATTRIBUTE("capability", QemuCapability, name, xml_string, "libvirt's name of it", .flags = XML_MANDATORY));

DEFINE_XML_TABLE(qemu_capabilities,
        LIST("qemu:add", Domain, qemu_caps_added, qemu_capability, "what QEMU is to be taken to have"),
        LIST("qemu:del", Domain, qemu_caps_deleted, qemu_capability, "what QEMU is to be taken to lack"));

DEFINE_STATIC_XML_TABLE(qemu_property,
        ATTRIBUTE("name", QemuProperty, name, xml_string, "QEMU's name of the property", .flags = XML_MANDATORY),
        ATTRIBUTE_ENUM("type", QemuProperty, type, qemu_property_type, "type of the value; remove: it is not told", .flags = XML_MANDATORY),
        ATTRIBUTE("value", QemuProperty, value, xml_string, "the value"));

DEFINE_STATIC_XML_TABLE(qemu_frontend,
        LIST("qemu:property", QemuOverride, properties, qemu_property, "a property"));

DEFINE_STATIC_XML_TABLE(qemu_device,
        ATTRIBUTE("alias", QemuOverride, alias, xml_string, "alias of the device", .flags = XML_MANDATORY),
        CHILD("qemu:frontend", qemu_frontend, "the guest's side of it"));

DEFINE_XML_TABLE(qemu_override,
        LIST("qemu:device", Domain, qemu_overrides, qemu_device, "a device"));

DEFINE_XML_TABLE(qemu_deprecation,
        ATTRIBUTE_ENUM("behavior", Domain, qemu_deprecation, qemu_deprecation, "omit: its output is hidden; reject, crash: its input as well is refused"));
