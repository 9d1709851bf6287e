/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* clang-format off: a row is a line */
#include "domain-xml-tables.h"
#include "parse-util.h"
#include "string-util.h"

/* The rows of <source> are about a DiskSource, of a disk or of an image below it. */
static DiskType type_of(const void *object) {
        return ((const DiskSource *) object)->type;
}

static bool is_file(const void *object) {
        return type_of(object) == DISK_FILE || type_of(object) == DISK_UNSET;
}

static bool is_block(const void *object) {
        return type_of(object) == DISK_BLOCK;
}

static bool is_dir(const void *object) {
        return type_of(object) == DISK_DIR;
}

static bool is_network(const void *object) {
        return type_of(object) == DISK_NETWORK;
}

static bool is_not_network(const void *object) {
        return type_of(object) != DISK_NETWORK;
}

static bool is_volume(const void *object) {
        return type_of(object) == DISK_VOLUME;
}

static bool is_nvme(const void *object) {
        return type_of(object) == DISK_NVME;
}

static bool is_vhostuser(const void *object) {
        return type_of(object) == DISK_VHOSTUSER;
}

static bool is_vdpa(const void *object) {
        return type_of(object) == DISK_VHOSTVDPA;
}

static bool is_web(const void *object) {
        DiskProtocol p = ((const DiskSource *) object)->protocol;
        return is_network(object) && (p == PROTO_HTTP || p == PROTO_HTTPS);
}

static bool is_curl(const void *object) {
        DiskProtocol p = ((const DiskSource *) object)->protocol;
        return is_web(object) || (is_network(object) && (p == PROTO_FTP || p == PROTO_FTPS));
}

static bool is_encrypted_web(const void *object) {
        DiskProtocol p = ((const DiskSource *) object)->protocol;
        return is_network(object) && (p == PROTO_HTTPS || p == PROTO_FTPS);
}

static bool is_iscsi(const void *object) {
        return is_network(object) && ((const DiskSource *) object)->protocol == PROTO_ISCSI;
}

static bool is_nfs(const void *object) {
        return is_network(object) && ((const DiskSource *) object)->protocol == PROTO_NFS;
}

static bool is_not_unix(const void *object) {
        return ((const DiskHost *) object)->transport != TRANSPORT_UNIX;
}

/* --- secrets --- */

DEFINE_STATIC_XML_TABLE(secret_ref,
        ATTRIBUTE_ENUM("type", SecretRef, use, secret_use, "what the secret is for", .flags = XML_MANDATORY),
        ATTRIBUTE("uuid", SecretRef, uuid, xml_uuid, "UUID of the secret, kept as credential vmunit.secret.UUID: vmunit-security(7)", .has = HAS(SecretRef, has_uuid)),
        ATTRIBUTE("usage", SecretRef, usage, xml_string, "or what it is used for: its other name"));

DEFINE_XML_TABLE(disk_auth,
        ATTRIBUTE_ENUM("type", DiskAuth, type, disk_auth_type, "kind of the authentication; the protocol says"),
        ATTRIBUTE("username", DiskAuth, username, xml_string, "who the server is told to serve", .flags = XML_MANDATORY),
        STRUCT_CHILD("secret", DiskAuth, secret, secret_ref, "the password", .flags = XML_MANDATORY | XML_HAS_LOC));

DEFINE_XML_TABLE(disk_encryption,
        ATTRIBUTE_ENUM("format", DiskEncryption, format, encryption_format, "luks, or luks2 with librbd", .flags = XML_MANDATORY),
        ATTRIBUTE_ENUM("engine", DiskEncryption, engine, encryption_engine, "who decrypts: qemu, or librbd for images of Ceph"),
        LIST("secret", DiskEncryption, secrets, secret_ref, "the passphrase"),
        UNSUPPORTED("cipher", "for volumes that are made"),
        UNSUPPORTED("ivgen", "for volumes that are made"));

/* --- parts of a source --- */

DEFINE_STATIC_XML_TABLE(disk_host,
        ATTRIBUTE("name", DiskHost, name, xml_string, "name or address of the server", .applies = is_not_unix),
        ATTRIBUTE("port", DiskHost, port, xml_uint, "its port; the protocol's when absent", .max = 65535, .applies = is_not_unix),
        ATTRIBUTE_ENUM("transport", DiskHost, transport, host_transport, "tcp when absent"),
        ATTRIBUTE("socket", DiskHost, socket, xml_string, "path of the server's socket"));

DEFINE_STATIC_XML_TABLE(snapshot_name,
        ATTRIBUTE("name", DiskSource, snapshot, xml_string, "name of the snapshot"));

DEFINE_STATIC_XML_TABLE(config_file,
        ATTRIBUTE("file", DiskSource, config, xml_string, "path of Ceph's configuration"));

DEFINE_STATIC_XML_TABLE(initiator_name,
        ATTRIBUTE("name", DiskSource, initiator, xml_string, "the initiator's name"));

DEFINE_STATIC_XML_TABLE(initiator,
        CHILD("iqn", initiator_name, "who the target sees"));

DEFINE_STATIC_XML_TABLE(ssl,
        ATTRIBUTE_ENUM("verify", DiskSource, ssl_verify, yes_no, "whether the server's certificate is checked"));

DEFINE_STATIC_XML_TABLE(cookie,
        ATTRIBUTE("name", DiskCookie, name, xml_string, "name of the cookie", .flags = XML_MANDATORY),
        CONTENT(DiskCookie, value, xml_string, "its value"));

DEFINE_STATIC_XML_TABLE(cookies,
        LIST("cookie", DiskSource, cookies, cookie, "one of them"));

DEFINE_STATIC_XML_TABLE(readahead,
        ATTRIBUTE("size", DiskSource, readahead, xml_u64, "bytes"));

DEFINE_STATIC_XML_TABLE(timeout,
        ATTRIBUTE("seconds", DiskSource, timeout, xml_u64, "seconds", .max = INT32_MAX));

DEFINE_STATIC_XML_TABLE(identity,
        ATTRIBUTE("user", DiskSource, nfs_user, xml_string, "name of the user, or +UID"),
        ATTRIBUTE("group", DiskSource, nfs_group, xml_string, "name of the group, or +GID"));

DEFINE_STATIC_XML_TABLE(nvme_address,
        ATTRIBUTE("domain", DeviceAddress, domain, xml_hex, "PCI domain", .digits = 4, .max = 0xffff),
        ATTRIBUTE("bus", DeviceAddress, bus, xml_hex, "PCI bus", .digits = 2, .max = 0xff),
        ATTRIBUTE("slot", DeviceAddress, slot, xml_hex, "PCI slot", .digits = 2, .max = 0x1f),
        ATTRIBUTE("function", DeviceAddress, function, xml_hex, "PCI function", .digits = 1, .max = 7));

DEFINE_STATIC_XML_TABLE(disk_reconnect,
        ATTRIBUTE_ENUM("enabled", DiskSource, reconnect, yes_no, "whether QEMU connects again", .flags = XML_MANDATORY),
        ATTRIBUTE("timeout", DiskSource, reconnect_timeout, xml_uint, "seconds between two attempts"));

DEFINE_STATIC_XML_TABLE(slice,
        ATTRIBUTE("type", DiskSlice, type, xml_string, "storage", .flags = XML_MANDATORY),
        ATTRIBUTE("offset", DiskSlice, offset, xml_u64, "first byte", .flags = XML_MANDATORY, .max = INT64_MAX),
        ATTRIBUTE("size", DiskSlice, size, xml_u64, "number of bytes", .flags = XML_MANDATORY, .max = INT64_MAX));

DEFINE_STATIC_XML_TABLE(slices,
        LIST("slice", DiskSource, slices, slice, "the part that is used"));

DEFINE_STATIC_XML_TABLE(reservations_source,
        ATTRIBUTE("type", DiskReservations, type, xml_string, "unix", .flags = XML_MANDATORY),
        ATTRIBUTE("path", DiskReservations, path, xml_string, "the helper's socket", .flags = XML_MANDATORY),
        ATTRIBUTE("mode", DiskReservations, mode, xml_string, "client", .flags = XML_MANDATORY));

DEFINE_STATIC_XML_TABLE(reservations,
        ATTRIBUTE_ENUM("managed", DiskReservations, managed, yes_no, "yes: the helper is started with the VM", .flags = XML_MANDATORY),
        CHILD("source", reservations_source, "a helper that is there already"));

/* --- a source --- */

DEFINE_XML_TABLE(disk_source,
        ATTRIBUTE("file", DiskSource, path, xml_string, "path of the image", .applies = is_file),
        ATTRIBUTE("dev", DiskSource, path, xml_string, "path of the block device", .applies = is_block),
        ATTRIBUTE("dir", DiskSource, path, xml_string, "directory that becomes a FAT file system", .applies = is_dir),
        ATTRIBUTE_ENUM("protocol", DiskSource, protocol, disk_protocol, "what the server speaks", .applies = is_network, .flags = XML_MANDATORY),
        ATTRIBUTE("name", DiskSource, name, xml_string, "name of the image on the server", .applies = is_network),
        ATTRIBUTE("query", DiskSource, query, xml_string, "what follows the question mark of an address", .applies = is_web),
        ATTRIBUTE_ENUM("tls", DiskSource, tls, yes_no, "encrypted connection (nbd)", .applies = is_network),
        ATTRIBUTE("tlsHostname", DiskSource, tls_hostname, xml_string, "name in the server's certificate, if another", .applies = is_network),
        ATTRIBUTE("pool", DiskSource, pool, xml_string, "name of the storage pool", .applies = is_volume),
        ATTRIBUTE("volume", DiskSource, volume, xml_string, "name of the volume in it", .applies = is_volume),
        ATTRIBUTE_ENUM("mode", DiskSource, volume_mode, volume_mode, "who connects to an iscsi pool's server", .applies = is_volume),
        ATTRIBUTE("type", DiskSource, subtype, xml_string, "pci", .applies = is_nvme),
        ATTRIBUTE_ENUM("managed", DiskSource, managed, yes_no, "whether the device is taken from the host's driver; yes when absent", .applies = is_nvme),
        ATTRIBUTE("namespace", DiskSource, nvme_namespace, xml_u64, "number of the namespace, from 1 on", .applies = is_nvme, .max = UINT32_MAX),
        ATTRIBUTE("type", DiskSource, subtype, xml_string, "unix", .applies = is_vhostuser),
        ATTRIBUTE("path", DiskSource, path, xml_string, "socket of the process that serves the disk", .applies = is_vhostuser),
        IGNORED_ATTRIBUTE("dev", "of the type vhostvdpa, which is refused", .applies = is_vdpa),
        ATTRIBUTE_ENUM("startupPolicy", DiskSource, startup, disk_startup, "what happens when the image is missing"),
        UNSUPPORTED_ATTRIBUTE("fdgroup", "images handed over as file descriptors"),
        IGNORED_ATTRIBUTE("index", "libvirt's number of the node in a running domain"),
        LIST("host", DiskSource, hosts, disk_host, "a server", .applies = is_network),
        CHILD("snapshot", snapshot_name, "snapshot of an image of Ceph", .applies = is_network),
        CHILD("config", config_file, "configuration of Ceph's client", .applies = is_network),
        CHILD("initiator", initiator, "who the iSCSI target sees", .applies = is_iscsi),
        CHILD("ssl", ssl, "encrypted connection of https and ftps", .applies = is_encrypted_web),
        CHILD("cookies", cookies, "cookies for a web server", .flags = XML_SECRET, .applies = is_web),
        CHILD("readahead", readahead, "how much is fetched at once", .applies = is_curl),
        CHILD("timeout", timeout, "how long a server may take", .applies = is_curl),
        CHILD("identity", identity, "whom the NFS server sees", .applies = is_nfs),
        STRUCT_CHILD("address", DiskSource, address, nvme_address, "where the NVMe device is on the host", .applies = is_nvme, .flags = XML_HAS_LOC),
        CHILD("reconnect", disk_reconnect, "what happens when the other process goes away", .applies = is_vhostuser, .loc = HAS(DiskSource, reconnect_loc)),
        CHILD("slices", slices, "part of an image"),
        LIST("seclabel", DiskSource, seclabels, device_seclabel, "label of this image", .applies = is_not_network),
        STRUCT_CHILD("auth", DiskSource, auth, disk_auth, "authentication to a storage server", .flags = XML_HAS_LOC),
        STRUCT_CHILD("encryption", DiskSource, encryption, disk_encryption, "encrypted image", .flags = XML_HAS_LOC),
        STRUCT_CHILD("reservations", DiskSource, reservations, reservations, "persistent reservations of a SCSI unit", .flags = XML_HAS_LOC),
        IGNORED("privateData", "libvirt's own notes on a running domain"));

/* --- what is below --- */

/* libvirt writes this size in bytes, and reads it so. */
static void parse_cache_size(XmlReader *r, const XmlRow *row, xmlNode *node, void *object) {
        _cleanup_free_ char *text = xml_node_text(node, true), *unit = xml_node_attribute(node, "unit");
        uint64_t number = 0, scale = unit_size(unit ?: "bytes");

        if (!text) {
                r->no_memory = true;
                return;
        }
        if (scale == 0 || parse_u64(text, 10, &number) < 0 || number > INT64_MAX / scale)
                xml_reader_error(r, xml_reader_loc(r, node), "<max_size>: '%s' %s is not a size (a whole number, unit in @unit)", text, unit ?: "bytes");
        else
                ((DiskSource *) object)->metadata_cache = number > 0 ? OPT_U64(number * scale) : (OptU64) {};
}

static void format_cache_size(XmlWriter *w, const XmlRow *row, const void *object) {
        const DiskSource *s = object;

        if (!s->metadata_cache.set)
                return;
        xml_write_indent(w);
        text_appendf(&w->text, "<max_size unit='bytes'>%llu</max_size>\n", (unsigned long long) s->metadata_cache.value);
}

DEFINE_STATIC_XML_TABLE(metadata_cache_size,
        CUSTOM("max_size", parse_cache_size, format_cache_size, "largest size; in bytes unless @unit says otherwise"));

DEFINE_XML_TABLE(metadata_cache,
        CHILD("metadata_cache", metadata_cache_size, "cache for qcow2's tables"));

DEFINE_STATIC_XML_TABLE(backing_format,
        ATTRIBUTE_ENUM("type", DiskSource, format, disk_format, "format of the image", .flags = XML_MANDATORY),
        INCLUDE(DiskSource, loc, metadata_cache));

static void parse_nested(XmlReader *r, const XmlRow *row, xmlNode *node, void *object);
static void format_nested(XmlWriter *w, const XmlRow *row, const void *object);

DEFINE_STATIC_XML_TABLE(backing_store,
        ATTRIBUTE_ENUM("type", DiskSource, type, disk_type, "where the image is; absent: there is none below"),
        IGNORED_ATTRIBUTE("index", "libvirt's number of the node in a running domain"),
        CHILD("format", backing_format, "how the image is read"),
        CHILD("source", disk_source, "the image, as in a disk", .flags = XML_HAS_LOC),
        CUSTOM("backingStore", parse_nested, format_nested, "what is below this image", .offset = offsetof(DiskSource, backing)));

static void parse_nested(XmlReader *r, const XmlRow *row, xmlNode *node, void *object) {
        DiskSource **below = (DiskSource **) ((uint8_t *) object + row->offset);
        _cleanup_free_ char *type = xml_node_attribute(node, "type");

        if (r->foreign)
                return;
        *below = calloc(1, sizeof(DiskSource));
        if (!*below) {
                r->no_memory = true;
                return;
        }
        if (type) {
                bool before = r->failed;
                r->failed = false;
                xml_reader_element(r, &backing_store_xml, node, *below);
                if ((*below)->format == FORMAT_UNSET && !r->failed)
                        xml_reader_error(r, xml_reader_loc(r, node), "<backingStore>: element <format> is missing");
                if ((*below)->loc.line == 0 && !r->failed)
                        xml_reader_error(r, xml_reader_loc(r, node), "<backingStore>: element <source> is missing");
                r->failed |= before;
        } else if (xmlFirstElementChild(node))
                diag_warning(r->diag, xml_reader_loc(r, node), "<backingStore> without @type: there is nothing below, whatever is in it");
}

static void format_nested(XmlWriter *w, const XmlRow *row, const void *object) {
        const DiskSource *below = *(DiskSource *const *) ((const uint8_t *) object + row->offset);

        if (!below)
                return;
        if (below->type != DISK_UNSET) {
                xml_write_element(w, "backingStore", &backing_store_xml, below, true);
                return;
        }
        xml_write_indent(w);
        text_append(&w->text, "<backingStore/>\n");
}

static void parse_first(XmlReader *r, const XmlRow *row, xmlNode *node, void *object) {
        parse_nested(r, row, node, &((DomainDisk *) object)->source);
}

static void format_first(XmlWriter *w, const XmlRow *row, const void *object) {
        format_nested(w, row, &((const DomainDisk *) object)->source);
}

DEFINE_XML_TABLE(backing_chain,
        CUSTOM("backingStore", parse_first, format_first, "the image below, which is never written; what the image says when absent",
               .table = &backing_store_xml, .offset = offsetof(DiskSource, backing)));
