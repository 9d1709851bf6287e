/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* clang-format off: a row is a line */
#include "domain-xml-tables.h"
#include "string-util.h"

/* The rows of <source> are about a CharSource, whichever device it belongs to. */
static CharType type_of(const void *object) {
        return ((const CharSource *) object)->type;
}

static bool is_pty(const void *object) {
        return type_of(object) == CHARDEV_PTY || type_of(object) == CHARDEV_UNSET;
}

static bool has_path(const void *object) {
        CharType t = type_of(object);
        return t == CHARDEV_FILE || t == CHARDEV_DEV || t == CHARDEV_PIPE || t == CHARDEV_UNIX;
}

static bool has_mode(const void *object) {
        CharType t = type_of(object);
        return t == CHARDEV_TCP || t == CHARDEV_UDP || t == CHARDEV_UNIX;
}

static bool has_host(const void *object) {
        return type_of(object) == CHARDEV_TCP || type_of(object) == CHARDEV_UDP;
}

static bool is_file(const void *object) {
        return type_of(object) == CHARDEV_FILE;
}

static bool has_channel(const void *object) {
        return type_of(object) == CHARDEV_SPICEPORT || type_of(object) == CHARDEV_DBUS;
}

static bool is_vdagent(const void *object) {
        return type_of(object) == CHARDEV_QEMU_VDAGENT;
}

static bool is_nmdm(const void *object) {
        return type_of(object) == CHARDEV_NMDM;
}

static bool can_reconnect(const void *object) {
        return type_of(object) == CHARDEV_TCP || type_of(object) == CHARDEV_UNIX;
}

static bool is_tcp(const void *object) {
        return type_of(object) == CHARDEV_TCP;
}

#define NMDM "of the type nmdm, which is refused"

DEFINE_STATIC_XML_TABLE(clipboard,
        ATTRIBUTE_ENUM("copypaste", CharSource, clipboard, yes_no, "share the clipboard with the guest", .flags = XML_MANDATORY));

DEFINE_STATIC_XML_TABLE(vdagent_mouse,
        ATTRIBUTE_ENUM("mode", CharSource, mouse, mouse_mode, "client: the agent moves the pointer", .flags = XML_MANDATORY));

DEFINE_STATIC_XML_TABLE(reconnect,
        ATTRIBUTE_ENUM("enabled", CharSource, reconnect, yes_no, "connect again when the connection is lost, with type tcp", .flags = XML_MANDATORY),
        ATTRIBUTE("timeout", CharSource, reconnect_timeout, xml_uint, "seconds between attempts"));

DEFINE_STATIC_XML_TABLE(char_source,
        ATTRIBUTE_ENUM("mode", CharSource, mode, socket_mode, "bind: vmunit listens", .applies = has_mode),
        ATTRIBUTE("path", CharSource, path, xml_string, "the file, device, pipe (PATH.in and PATH.out) or socket", .applies = has_path),
        ATTRIBUTE("path", CharSource, path, xml_string, "the terminal of a running VM", .applies = is_pty, .flags = XML_WRITE_ONLY),
        ATTRIBUTE("channel", CharSource, channel, xml_string, "name of the port for spice or D-Bus clients", .applies = has_channel),
        ATTRIBUTE("host", CharSource, host, xml_string, "address", .applies = has_host),
        ATTRIBUTE("service", CharSource, service, xml_string, "port", .applies = has_host),
        ATTRIBUTE_ENUM("tls", CharSource, tls, yes_no, "encrypt with the certificates in /etc/pki/qemu", .applies = is_tcp),
        ATTRIBUTE_ENUM("append", CharSource, append, on_off, "keep what is in the file", .applies = is_file),
        IGNORED_ATTRIBUTE("master", NMDM, .applies = is_nmdm),
        IGNORED_ATTRIBUTE("slave", NMDM, .applies = is_nmdm),
        CHILD("clipboard", clipboard, "clipboard of an agent without spice", .applies = is_vdagent),
        CHILD("mouse", vdagent_mouse, "pointer of an agent without spice", .applies = is_vdagent),
        CHILD("reconnect", reconnect, "what happens when the connection is lost", .applies = can_reconnect),
        LIST("seclabel", CharSource, seclabels, device_seclabel, "label of this file or socket"));

/* A udp device has a second <source>, for its own end. */
DEFINE_STATIC_XML_TABLE(char_bind_source,
        IGNORED_ATTRIBUTE("mode", "bind"),
        ATTRIBUTE("host", CharSource, bind_host, xml_string, "address of the host's end"),
        ATTRIBUTE("service", CharSource, bind_service, xml_string, "its port"));

static void parse_source(XmlReader *r, const XmlRow *row, xmlNode *node, void *object) {
        _cleanup_free_ char *mode = xml_node_attribute(node, "mode");
        CharSource *s = object;

        bool bind = s->type == CHARDEV_UDP && streq_ptr(mode, "bind");
        for (const xmlNode *n = node->prev; n; n = n->prev) {
                if (n->type != XML_ELEMENT_NODE || !streq((const char *) n->name, "source"))
                        continue;
                _cleanup_free_ char *other = xml_node_attribute(n, "mode");
                if (s->type == CHARDEV_UDP && bind != streq_ptr(other, "bind"))
                        continue;
                xml_reader_error(r, xml_reader_loc(r, node), "<source> stands in <%s> more than once", (const char *) node->parent->name);
                return;
        }
        xml_reader_element(r, bind ? &char_bind_source_xml : &char_source_xml, node, s);
}

static void format_source(XmlWriter *w, const XmlRow *row, const void *object) {
        const CharSource *s = object;

        if (s->type == CHARDEV_UDP && (s->bind_host || s->bind_service)) {
                xml_write_indent(w);
                text_append(&w->text, "<source mode='bind'");
                if (s->bind_host)
                        xml_write_attribute(w, "host", s->bind_host);
                if (s->bind_service)
                        xml_write_attribute(w, "service", s->bind_service);
                text_append(&w->text, "/>\n");
        }
        xml_write_element(w, "source", &char_source_xml, s, false);
}

DEFINE_STATIC_XML_TABLE(protocol,
        ATTRIBUTE_ENUM("type", CharSource, protocol, char_protocol, "what is spoken on a tcp socket", .flags = XML_MANDATORY));

DEFINE_STATIC_XML_TABLE(log,
        ATTRIBUTE("file", CharSource, log_file, xml_string, "path of the log", .flags = XML_MANDATORY),
        ATTRIBUTE_ENUM("append", CharSource, log_append, on_off, "keep what is in the log"));

DEFINE_XML_TABLE(char_ends,
        ATTRIBUTE_ENUM("type", CharSource, type, char_type, "where the device ends on the host; pty when absent"),
        CUSTOM("source", parse_source, format_source, "the host's end", .table = &char_source_xml, .flags = XML_REPEAT),
        CHILD("protocol", protocol, "what is spoken on a tcp socket", .applies = is_tcp),
        CHILD("log", log, "copy of the guest's output"));

DEFINE_STATIC_XML_TABLE(target_model,
        ATTRIBUTE("name", DomainChar, target_model, xml_string, "QEMU's device", .flags = XML_MANDATORY));

DEFINE_STATIC_XML_TABLE(serial_target,
        ATTRIBUTE_ENUM("type", DomainChar, target_type, char_target, "what the guest sees"),
        ATTRIBUTE("port", DomainChar, target_port, xml_uint, "number among its kind"),
        CHILD("model", target_model, "QEMU's device"));

static bool is_pty_console(const void *object) {
        const DomainChar *c = object;

        return c->kind == CHAR_CONSOLE && c->source.type == CHARDEV_PTY;
}

static bool is_no_pty_console(const void *object) {
        return !is_pty_console(object);
}

DEFINE_XML_TABLE(serial,
        INCLUDE(DomainChar, source, char_ends),
        ATTRIBUTE("tty", DomainChar, source.path, xml_string, "a console's terminal, as libvirt once told it", .applies = is_pty_console, .flags = XML_WRITE_ONLY),
        IGNORED_ATTRIBUTE("tty", "the terminal of a running domain, as libvirt once told it", .applies = is_no_pty_console),
        CHILD("target", serial_target, "the guest's end"),
        INCLUDE(DomainChar, info, device_info));

static bool is_guestfwd(const void *object) {
        return ((const DomainChar *) object)->target_type == TARGET_GUESTFWD;
}

DEFINE_STATIC_XML_TABLE(channel_target,
        ATTRIBUTE_ENUM("type", DomainChar, target_type, char_target, "virtio: a port of the guest; guestfwd: an address", .flags = XML_MANDATORY),
        ATTRIBUTE("name", DomainChar, target_name, xml_string, "name of the port in the guest; com.redhat.spice.0 for spicevmc"),
        ATTRIBUTE("state", DomainChar, target_state, xml_string, "whether the guest has the port open: connected or disconnected", .flags = XML_WRITE_ONLY),
        ATTRIBUTE("address", DomainChar, guestfwd_address, xml_string, "guestfwd: IPv4 address the guest connects to", .applies = is_guestfwd, .flags = XML_MANDATORY),
        ATTRIBUTE("port", DomainChar, target_port, xml_uint, "guestfwd: its port", .max = 65535, .applies = is_guestfwd, .flags = XML_MANDATORY));

DEFINE_XML_TABLE(channel,
        INCLUDE(DomainChar, source, char_ends),
        CHILD("target", channel_target, "the guest's end", .flags = XML_MANDATORY),
        INCLUDE(DomainChar, info, device_info));
