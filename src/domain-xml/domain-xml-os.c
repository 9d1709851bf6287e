/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* clang-format off: a row is a line */
#include "domain-xml-tables.h"
#include "string-util.h"

static void parse_boot(XmlReader *r, const XmlRow *row, xmlNode *node, void *object) {
        _cleanup_free_ char *dev = xml_node_attribute(node, "dev");
        DomainOs *os = object;

        if (!dev) {
                xml_reader_error(r, xml_reader_loc(r, node), "<boot>: attribute @dev is missing");
                return;
        }
        BootDevice b = boot_device_from_string(dev);
        if ((int) b < 0) {
                _cleanup_free_ char *words = string_table_words(&boot_device_table);
                xml_reader_error(r, xml_reader_loc(r, node), "<boot> @dev: '%s' is not one of %s", dev, words ?: "");
                return;
        }
        if (!ARRAY_GROW(os->boot, os->n_boot)) {
                r->no_memory = true;
                return;
        }
        os->boot[os->n_boot++] = b;
}

static void format_boot(XmlWriter *w, const XmlRow *row, const void *object) {
        const DomainOs *os = object;

        FOREACH_ARRAY(b, os->boot, os->n_boot) {
                xml_write_indent(w);
                text_append(&w->text, "<boot");
                xml_write_attribute(w, "dev", boot_device_to_string(*b));
                text_append(&w->text, "/>\n");
        }
}

DEFINE_STATIC_XML_TABLE(os_type,
        ATTRIBUTE_ENUM("arch", DomainOs, arch, arch, "architecture of the processor; the host's by default"),
        ATTRIBUTE("machine", DomainOs, machine, xml_string, "QEMU's machine type; the emulator's default when absent"),
        CONTENT(DomainOs, type, xml_enum, "hvm", .words = &os_type_table, .flags = XML_MANDATORY));

static void parse_firmware_feature(XmlReader *r, const XmlRow *row, xmlNode *node, void *object) {
        _cleanup_free_ char *name = xml_node_attribute(node, "name"), *enabled = xml_node_attribute(node, "enabled");
        SrcLoc loc = xml_reader_loc(r, node);
        DomainOs *os = object;

        if (!name || !enabled) {
                xml_reader_error(r, loc, "<feature>: attribute @%s is missing", name ? "enabled" : "name");
                return;
        }
        Tristate *field = streq(name, "secure-boot") ? &os->secure_boot : streq(name, "enrolled-keys") ? &os->enrolled_keys : NULL;
        Tristate state = yes_no_from_string(enabled);
        if (!field)
                xml_reader_error(r, loc, "<feature> @name: '%s' is not one of enrolled-keys, secure-boot", name);
        else if ((int) state < 0)
                xml_reader_error(r, loc, "<feature> @enabled: '%s' is not one of yes, no", enabled);
        else if (*field != TRI_UNSET)
                xml_reader_error(r, loc, "<feature> '%s' is given twice", name);
        else
                *field = state;
}

static void format_firmware_features(XmlWriter *w, const XmlRow *row, const void *object) {
        const DomainOs *os = object;
        const struct {
                const char *name;
                Tristate state;
        } features[] = { { "enrolled-keys", os->enrolled_keys }, { "secure-boot", os->secure_boot } };

        FOREACH_ARRAY(f, features, ELEMENTSOF(features)) {
                if (f->state == TRI_UNSET)
                        continue;
                xml_write_indent(w);
                text_append(&w->text, "<feature");
                xml_write_attribute(w, "enabled", yes_no_to_string(f->state));
                xml_write_attribute(w, "name", f->name);
                text_append(&w->text, "/>\n");
        }
}

/* What parse_firmware_feature() reads, for manual and schema. */
DEFINE_STATIC_XML_TABLE(firmware_feature,
        { .kind = XML_ATTRIBUTE, .flags = XML_MANDATORY, .name = "enabled", .type = &xml_enum, .words = &yes_no_table,
          .doc = "whether the firmware must have it, or must not" },
        { .kind = XML_ATTRIBUTE, .flags = XML_MANDATORY, .name = "name", .type = &xml_string,
          .doc = "secure-boot or enrolled-keys" });

DEFINE_STATIC_XML_TABLE(os_firmware,
        CUSTOM("feature", parse_firmware_feature, format_firmware_features, "secure-boot, enrolled-keys: what the firmware has or has not",
               .flags = XML_REPEAT, .table = &firmware_feature_xml));

static bool nvram_is_plain(const void *object) {
        return ((const DomainOs *) object)->nvram_type == DISK_UNSET;
}

static bool nvram_is_block(const void *object) {
        return ((const DomainOs *) object)->nvram_type == DISK_BLOCK;
}

static bool nvram_is_file(const void *object) {
        return ((const DomainOs *) object)->nvram_type == DISK_FILE;
}

static bool nvram_has_source(const void *object) {
        return !nvram_is_plain(object);
}

DEFINE_STATIC_XML_TABLE(loader,
        ATTRIBUTE_ENUM("readonly", DomainOs, loader_readonly, yes_no, "whether the guest may write the firmware"),
        ATTRIBUTE_ENUM("secure", DomainOs, loader_secure, yes_no, "firmware with secure boot"),
        ATTRIBUTE_ENUM("type", DomainOs, loader_type, loader_type, "how the firmware is mapped"),
        ATTRIBUTE_ENUM("stateless", DomainOs, loader_stateless, yes_no, "firmware without variables"),
        ATTRIBUTE_ENUM("format", DomainOs, loader_format, disk_format, "raw; written by newer versions of libvirt", .flags = XML_READ_ONLY),
        CONTENT(DomainOs, loader, xml_string, "path of the firmware"));

DEFINE_STATIC_XML_TABLE(nvram_source,
        ATTRIBUTE("file", DomainOs, nvram, xml_string, "path of the file", .applies = nvram_is_file),
        ATTRIBUTE("dev", DomainOs, nvram, xml_string, "path of the block device", .applies = nvram_is_block),
        UNSUPPORTED("seclabel", "a label for the variables alone"));

DEFINE_STATIC_XML_TABLE(nvram,
        ATTRIBUTE("template", DomainOs, nvram_template, xml_string, "what the variables are at first"),
        ATTRIBUTE_ENUM("format", DomainOs, nvram_format, disk_format, "raw; written by newer versions of libvirt", .flags = XML_READ_ONLY),
        ATTRIBUTE_ENUM("templateFormat", DomainOs, nvram_format, disk_format, "raw; written by newer versions of libvirt", .flags = XML_READ_ONLY),
        ATTRIBUTE_ENUM("type", DomainOs, nvram_type, disk_type, "file, or block: a device that has the variables already; with a <source>"),
        CONTENT(DomainOs, nvram, xml_string, "path of the file with the firmware's variables", .applies = nvram_is_plain),
        CHILD("source", nvram_source, "where the variables are", .applies = nvram_has_source));

DEFINE_STATIC_XML_TABLE(acpi_table,
        ATTRIBUTE_ENUM("type", DomainOs, acpi_table_type, acpi_table_type, "slic: licence of a system", .flags = XML_MANDATORY),
        CONTENT(DomainOs, acpi_table, xml_string, "path of the file with the table", .flags = XML_MANDATORY));
DEFINE_STATIC_XML_TABLE(os_acpi,
        CHILD("table", acpi_table, "a table"));

DEFINE_STATIC_XML_TABLE(boot,
        { .kind = XML_ATTRIBUTE, .flags = XML_MANDATORY, .name = "dev", .type = &xml_enum, .words = &boot_device_table,
          .doc = "fd, hd, cdrom or network" });

DEFINE_STATIC_XML_TABLE(bootmenu,
        ATTRIBUTE_ENUM("enable", DomainOs, bootmenu, yes_no, "whether there is a menu; without it the element says nothing"),
        ATTRIBUTE("timeout", DomainOs, bootmenu_timeout, xml_uint, "milliseconds it is shown", .max = 65535));

DEFINE_STATIC_XML_TABLE(bios,
        ATTRIBUTE_ENUM("useserial", DomainOs, bios_useserial, yes_no, "the BIOS talks to the serial port"),
        ATTRIBUTE("rebootTimeout", DomainOs, reboot_timeout, xml_int, "milliseconds until a failed boot is tried again; -1: never",
                  .has = HAS(DomainOs, has_reboot_timeout)));

DEFINE_STATIC_XML_TABLE(smbios,
        ATTRIBUTE_ENUM("mode", DomainOs, smbios, smbios_mode, "where the SMBIOS data come from; sysinfo: from the element of this name"));

DEFINE_XML_TABLE(os,
        ATTRIBUTE_ENUM("firmware", DomainOs, firmware, os_firmware, "kind of firmware, of which vmunit finds one"),
        CHILD("type", os_type, "kind of virtualisation", .flags = XML_MANDATORY),
        CHILD("firmware", os_firmware, "features of the firmware that is looked for"),
        UNSUPPORTED("init", "containers"),
        UNSUPPORTED("initarg", "containers"),
        UNSUPPORTED("initenv", "containers"),
        UNSUPPORTED("initdir", "containers"),
        UNSUPPORTED("inituser", "containers"),
        UNSUPPORTED("initgroup", "containers"),
        CHILD("loader", loader, "firmware", .loc = HAS(DomainOs, loader_loc)),
        CHILD("nvram", nvram, "variables of the firmware", .loc = HAS(DomainOs, nvram_loc)),
        TEXT_CHILD("kernel", DomainOs, kernel, xml_string, "kernel image to boot directly"),
        TEXT_CHILD("initrd", DomainOs, initrd, xml_string, "its initial RAM disk"),
        TEXT_CHILD("cmdline", DomainOs, cmdline, xml_string, "its command line"),
        UNSUPPORTED("root", "root device of another hypervisor's kernel"),
        TEXT_CHILD("dtb", DomainOs, dtb, xml_string, "its device tree"),
        CHILD("acpi", os_acpi, "ACPI tables of the user's"),
        CUSTOM("boot", parse_boot, format_boot, "kinds of devices to boot from, in turn", .table = &boot_xml, .flags = XML_REPEAT),
        CHILD("bootmenu", bootmenu, "menu of boot devices"),
        CHILD("bios", bios, "behaviour of the BIOS"),
        CHILD("smbios", smbios, "what the guest reads of its hardware"));
