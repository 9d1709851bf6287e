/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* clang-format off: a row is a line */
#include "domain-xml-tables.h"
#include "parse-util.h"

/* Permissions: octal, with or without the leading 0. */
static int parse_permissions(const XmlRow *row, const char *s, void *field) {
        uint64_t v;
        int r = parse_u64(s, 8, &v);

        if (r < 0)
                return r;
        if (v > 0777)
                return -ERANGE;
        *(OptUint *) field = OPT_UINT((unsigned) v);
        return 0;
}

static bool format_permissions(const XmlRow *row, const void *field, Text *t) {
        const OptUint *v = field;

        if (v->set)
                text_appendf(t, "%04o", v->value);
        return v->set;
}

static const XmlType xml_permissions = {"permissions (0640)", parse_permissions, format_permissions};

static bool is_refused(const void *object) {
        FilesystemType t = ((const DomainFilesystem *) object)->type;
        return t != FILESYSTEM_MOUNT && t != FILESYSTEM_UNSET;
}

#define REFUSED_TYPE "of types for containers, which are refused"
#define OTHER(name_) IGNORED_ATTRIBUTE(name_, REFUSED_TYPE, .applies = is_refused)
#define CONTAINER "a limit that libvirt keeps with containers only"

DEFINE_STATIC_XML_TABLE(filesystem_driver,
        ATTRIBUTE_ENUM("type", DomainFilesystem, driver, filesystem_driver, "path: 9p, by QEMU; virtiofs: by a process of its own"),
        OTHER("format"),
        OTHER("name"),
        ATTRIBUTE_ENUM("wrpolicy", DomainFilesystem, write_policy, filesystem_write, "immediate: what the guest writes is written at once"),
        ATTRIBUTE("queue", DomainFilesystem, queue, xml_uint, "length of virtiofs's queue"),
        INCLUDE(DomainFilesystem, virtio, virtio_options));

DEFINE_STATIC_XML_TABLE(binary_cache,
        ATTRIBUTE_ENUM("mode", DomainFilesystem, cache, virtiofs_cache, "what the guest may keep", .flags = XML_MANDATORY));
DEFINE_STATIC_XML_TABLE(binary_sandbox,
        ATTRIBUTE_ENUM("mode", DomainFilesystem, sandbox, virtiofs_sandbox, "how virtiofsd locks itself in", .flags = XML_MANDATORY));
DEFINE_STATIC_XML_TABLE(binary_lock,
        ATTRIBUTE_ENUM("posix", DomainFilesystem, lock_posix, on_off, "POSIX locks"),
        ATTRIBUTE_ENUM("flock", DomainFilesystem, lock_flock, on_off, "BSD locks"));
DEFINE_STATIC_XML_TABLE(binary_threads,
        ATTRIBUTE("size", DomainFilesystem, threads, xml_uint, "threads at most"));

DEFINE_STATIC_XML_TABLE(filesystem_binary,
        ATTRIBUTE("path", DomainFilesystem, binary, xml_string, "virtiofsd"),
        ATTRIBUTE_ENUM("xattr", DomainFilesystem, xattr, on_off, "extended attributes"),
        CHILD("cache", binary_cache, "caching"),
        CHILD("sandbox", binary_sandbox, "sandbox of virtiofsd"),
        CHILD("lock", binary_lock, "locks of the host"),
        CHILD("thread_pool", binary_threads, "threads of virtiofsd"));

DEFINE_STATIC_XML_TABLE(filesystem_source,
        ATTRIBUTE("dir", DomainFilesystem, source_dir, xml_string, "directory of the host"),
        ATTRIBUTE("socket", DomainFilesystem, source_socket, xml_string, "socket of a virtiofsd that runs already"),
        OTHER("dev"),
        OTHER("file"),
        OTHER("name"),
        OTHER("usage"),
        OTHER("units"),
        OTHER("pool"),
        OTHER("volume"));

DEFINE_STATIC_XML_TABLE(filesystem_target,
        ATTRIBUTE("dir", DomainFilesystem, target, xml_string, "tag by which the guest mounts it"));

DEFINE_XML_TABLE(filesystem,
        ATTRIBUTE_ENUM("type", DomainFilesystem, type, filesystem_type, "mount; others are for containers"),
        ATTRIBUTE_ENUM("accessmode", DomainFilesystem, access, filesystem_access, "whose files they are: passthrough and squash the guest's, mapped QEMU's"),
        ATTRIBUTE_ENUM("model", DomainFilesystem, model, filesystem_model, "virtio's older and newer interface"),
        ATTRIBUTE_ENUM("multidevs", DomainFilesystem, multidevs, filesystem_multidevs, "what happens with several file systems below the directory"),
        ATTRIBUTE("fmode", DomainFilesystem, fmode, xml_permissions, "permissions of new files"),
        ATTRIBUTE("dmode", DomainFilesystem, dmode, xml_permissions, "permissions of new directories"),
        CHILD("driver", filesystem_driver, "who serves it"),
        CHILD("binary", filesystem_binary, "options of virtiofsd"),
        CHILD("source", filesystem_source, "the host's directory"),
        CHILD("target", filesystem_target, "the guest's name for it"),
        FLAG_CHILD("readonly", DomainFilesystem, readonly, "the guest cannot write"),
        INCLUDE(DomainFilesystem, info, bootable_info),
        IGNORED("space_hard_limit", CONTAINER, .applies = xml_never),
        IGNORED("space_soft_limit", CONTAINER, .applies = xml_never));
