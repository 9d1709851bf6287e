/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* clang-format off: a row is a line */
#include "domain-xml-tables.h"

static bool is_smbios(const void *object) {
        return ((const DomainSysinfo *) object)->type == SYSINFO_SMBIOS;
}

static bool is_fwcfg(const void *object) {
        return ((const DomainSysinfo *) object)->type == SYSINFO_FWCFG;
}

DEFINE_STATIC_XML_TABLE(named_entry,
        ATTRIBUTE("name", SysinfoEntry, name, xml_string, "what it is", .flags = XML_MANDATORY),
        CONTENT(SysinfoEntry, value, xml_string, "what the guest reads"));
DEFINE_STATIC_XML_TABLE(oem_entry,
        CONTENT(SysinfoEntry, value, xml_string, "what the guest reads"));
DEFINE_STATIC_XML_TABLE(fwcfg_entry,
        ATTRIBUTE("name", SysinfoEntry, name, xml_string, "name of the file: opt/…", .flags = XML_MANDATORY),
        ATTRIBUTE("file", SysinfoEntry, file, xml_string, "a file of the host with its content"),
        CONTENT(SysinfoEntry, value, xml_string, "its content"));

DEFINE_STATIC_XML_TABLE(sysinfo_block,
        LIST("entry", SysinfoBlock, entries, named_entry, "a field of the table"));
DEFINE_STATIC_XML_TABLE(sysinfo_oem,
        LIST("entry", SysinfoBlock, entries, oem_entry, "a string of the vendor's"));

DEFINE_XML_TABLE(sysinfo,
        ATTRIBUTE_ENUM("type", DomainSysinfo, type, sysinfo_type, "smbios: tables; fwcfg: files", .flags = XML_MANDATORY),
        STRUCT_CHILD("bios", DomainSysinfo, bios, sysinfo_block, "the firmware: table 0", .flags = XML_HAS_LOC, .applies = is_smbios),
        STRUCT_CHILD("system", DomainSysinfo, system, sysinfo_block, "the machine: table 1", .flags = XML_HAS_LOC, .applies = is_smbios),
        LIST("baseBoard", DomainSysinfo, base_boards, sysinfo_block, "the main board: table 2", .applies = is_smbios),
        STRUCT_CHILD("chassis", DomainSysinfo, chassis, sysinfo_block, "the case: table 3", .flags = XML_HAS_LOC, .applies = is_smbios),
        STRUCT_CHILD("oemStrings", DomainSysinfo, oem_strings, sysinfo_oem, "strings of the vendor's: table 11", .flags = XML_HAS_LOC, .applies = is_smbios),
        LIST("entry", DomainSysinfo, entries, fwcfg_entry, "a file for the guest, in QEMU's fw_cfg device", .applies = is_fwcfg));

/* <genid/> without a value asks for one to be made. */
static void parse_genid(XmlReader *r, const XmlRow *row, xmlNode *node, void *object) {
        Domain *d = object;
        _cleanup_free_ char *text = xml_node_text(node, true);

        d->has_genid = true;
        if (!text)
                r->no_memory = true;
        else if (node->children && xml_uuid.parse(row, text, d->genid) < 0)
                xml_reader_error(r, xml_reader_loc(r, node), "<genid>: '%s' is not %s", text, xml_uuid.expected);
        else
                d->has_genid_value = *text;
}

static void format_genid(XmlWriter *w, const XmlRow *row, const void *object) {
        const Domain *d = object;

        if (!d->has_genid)
                return;
        xml_write_indent(w);
        if (!d->has_genid_value) {
                text_append(&w->text, "<genid/>\n");
                return;
        }
        text_append(&w->text, "<genid>");
        (void) xml_uuid.format(row, d->genid, &w->text);
        text_append(&w->text, "</genid>\n");
}

DEFINE_XML_TABLE(genid,
        CUSTOM("genid", parse_genid, format_genid, "generation ID: tells a restored guest from the one before"));
