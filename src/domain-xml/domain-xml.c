/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* clang-format off: a row is a line */

#include "domain-xml-tables.h"
#include "host-facts.h"
#include "libxml.h"
#include "string-util.h"

/* What <metadata> holds belongs to somebody else, so it is kept as it is, also what is read of it. The copy carries the declarations of
 * the namespaces it uses, wherever they stood before. */
static void parse_metadata(XmlReader *r, const XmlRow *row, xmlNode *node, void *object) {
        Domain *d = object;
        xmlNode *copy = xmlDocCopyNode(node, r->doc, 1);
        xmlBuffer *buffer = xmlBufferCreate();

        if (copy && buffer && xmlNodeDump(buffer, r->doc, copy, 0, 0) > 0) {
                if (free_and_strdup(&d->metadata, (const char *) xmlBufferContent(buffer)) < 0)
                        r->no_memory = true;
        } else
                r->no_memory = true;
        if (buffer)
                xmlBufferFree(buffer);
        if (copy)
                xmlFreeNode(copy);
        for (xmlNode *n = node->children; n; n = n->next)
                if (n->type == XML_ELEMENT_NODE && n->ns && streq_ptr((const char *) n->ns->href, XML_NAMESPACE_VMUNIT))
                        xml_reader_child(r, row->table, n, d);
}

static void format_metadata(XmlWriter *w, const XmlRow *row, const void *object) {
        const Domain *d = object;

        if (!d->metadata)
                return;
        xml_write_indent(w);
        text_append(&w->text, d->metadata);
        text_append_char(&w->text, '\n');
}

DEFINE_STATIC_XML_TABLE(memory,
        ATTRIBUTE_ENUM("dumpCore", Domain, dump_core, on_off, "whether the guest's memory is in core dumps"));
DEFINE_STATIC_XML_TABLE(max_memory,
        ATTRIBUTE("slots", Domain, memory_slots, xml_uint, "how many modules can be plugged in", .flags = XML_MANDATORY));

DEFINE_STATIC_XML_TABLE(vcpu,
        ATTRIBUTE_ENUM("placement", Domain, vcpu_placement, vcpu_placement, "who chooses the host's CPUs"),
        ATTRIBUTE("cpuset", Domain, vcpu_cpuset, xml_number_set, "CPUs of the host that the VM may use",
                  .has = HAS(Domain, has_vcpu_cpuset)),
        ATTRIBUTE("current", Domain, current_vcpus, xml_uint, "how many are there at the start"),
        CONTENT(Domain, vcpus, xml_uint, "how many there can be", .flags = XML_MANDATORY));

DEFINE_STATIC_XML_TABLE(resource,
        TEXT_CHILD("partition", Domain, partition, xml_string, "the slice of the unit", .loc = HAS(Domain, partition_loc)),
        UNSUPPORTED("fibrechannel", "identity in a storage network"));

DEFINE_STATIC_XML_TABLE(suspend_to_mem,
        ATTRIBUTE_ENUM("enabled", Domain, suspend_to_mem, yes_no, "whether the guest is offered it"));
DEFINE_STATIC_XML_TABLE(suspend_to_disk,
        ATTRIBUTE_ENUM("enabled", Domain, suspend_to_disk, yes_no, "whether the guest is offered it"));
DEFINE_STATIC_XML_TABLE(pm,
        CHILD("suspend-to-mem", suspend_to_mem, "sleep (S3)"),
        CHILD("suspend-to-disk", suspend_to_disk, "hibernation (S4)"));

#define ACTION_CHILD(name_, field_, doc_) TEXT_CHILD(name_, Domain, field_, xml_enum, doc_, .words = &lifecycle_action_table, \
                                                    .loc = HAS(Domain, field_##_loc))

DEFINE_XML_TABLE(domain,
        ATTRIBUTE_ENUM("type", Domain, type, domain_type, "kvm, or qemu for emulation; others are refused", .flags = XML_MANDATORY),
        ATTRIBUTE("id", Domain, id, xml_uint, "number of a running VM", .flags = XML_WRITE_ONLY),
        ATTRIBUTE("xmlns:qemu", Domain, loc, xml_qemu_namespace, "namespace of the elements that go to QEMU as they are"),
        TEXT_CHILD("name", Domain, name, xml_string, "the VM's name", .flags = XML_MANDATORY, .loc = HAS(Domain, name_loc)),
        TEXT_CHILD("uuid", Domain, uuid, xml_uuid, "the VM's UUID; derived from its name when absent", .has = HAS(Domain, has_uuid)),
        { .kind = XML_INCLUDE, .table = &genid_xml },
        TEXT_CHILD("title", Domain, title, xml_string, "short description", .loc = HAS(Domain, title_loc)),
        TEXT_CHILD("description", Domain, description, xml_string, "description"),
        CUSTOM("metadata", parse_metadata, format_metadata, "notes of other programs, kept as they are, and what is vmunit's own",
               .table = &metadata_xml, .flags = XML_OPEN),
        SIZE_CHILD("maxMemory", Domain, max_memory, "memory with all that can be plugged in", .flags = XML_OPTIONAL,
                   .loc = HAS(Domain, max_memory_loc), .table = &max_memory_xml),
        SIZE_CHILD("memory", Domain, memory, "memory of the guest; that of its NUMA nodes when it has any", .loc = HAS(Domain, memory_loc),
                   .table = &memory_xml),
        SIZE_CHILD("currentMemory", Domain, current_memory, "memory that the balloon leaves at the start", .flags = XML_OPTIONAL),
        STRUCT_CHILD("blkiotune", Domain, blkiotune, blkiotune, "limits for block devices", .flags = XML_HAS_LOC),
        STRUCT_CHILD("memtune", Domain, memtune, memtune, "limits for memory", .flags = XML_HAS_LOC),
        STRUCT_CHILD("memoryBacking", Domain, memory_backing, memory_backing, "where memory comes from", .flags = XML_HAS_LOC),
        CHILD("vcpu", vcpu, "virtual CPUs; 1 when absent", .loc = HAS(Domain, vcpu_loc)),
        CHILD("vcpus", vcpus, "state of single virtual CPUs"),
        TEXT_CHILD("iothreads", Domain, iothreads, xml_uint, "threads for disks", .loc = HAS(Domain, iothreads_loc)),
        CHILD("iothreadids", iothreadids, "I/O threads by number"),
        STRUCT_CHILD("defaultiothread", Domain, default_iothread, defaultiothread, "threads of QEMU's main loop", .flags = XML_HAS_LOC),
        STRUCT_CHILD("cputune", Domain, cputune, cputune, "shares, quotas, pins and schedulers", .flags = XML_HAS_LOC),
        STRUCT_CHILD("numatune", Domain, numatune, numatune, "NUMA nodes of the host", .flags = XML_HAS_LOC),
        CHILD("resource", resource, "where the VM stands among the host's units"),
        LIST("sysinfo", Domain, sysinfos, sysinfo, "what the guest reads of its hardware"),
        UNSUPPORTED("bootloader", "Xen"),
        UNSUPPORTED("bootloader_args", "Xen"),
        STRUCT_CHILD("os", Domain, os, os, "how the guest boots", .flags = XML_MANDATORY | XML_HAS_LOC),
        UNSUPPORTED("idmap", "containers"),
        STRUCT_CHILD("features", Domain, features, features, "features of the machine", .flags = XML_HAS_LOC),
        STRUCT_CHILD("cpu", Domain, cpu, cpu, "the processor", .flags = XML_HAS_LOC),
        STRUCT_CHILD("clock", Domain, clock, clock, "the guest's clock", .flags = XML_HAS_LOC),
        ACTION_CHILD("on_poweroff", on_poweroff, "what follows when the guest turns itself off"),
        ACTION_CHILD("on_reboot", on_reboot, "what follows when the guest reboots"),
        ACTION_CHILD("on_crash", on_crash, "what follows when the guest crashes"),
        TEXT_CHILD("on_lockfailure", Domain, on_lockfailure, xml_enum, "for lock managers; vmunit has none", .words = &lockfailure_action_table),
        CHILD("pm", pm, "sleeping states offered to the guest"),
        IGNORED("perf", "performance events that libvirt would count on the host", .applies = xml_never),
        CHILD("devices", devices, "devices"),
        LIST("seclabel", Domain, seclabels, seclabel, "labels of the VM"),
        UNSUPPORTED("keywrap", "s390 machines"),
        UNSUPPORTED("launchSecurity", "encrypted memory: it needs /dev/sev, which is not handed over yet"),
        IGNORED("namespace", "containers"),
        CHILD("qemu:commandline", qemu_commandline, "arguments for QEMU that have no element"),
        CHILD("qemu:capabilities", qemu_capabilities, "kept, with a warning: what QEMU can do is asked of QEMU itself"),
        CHILD("qemu:override", qemu_override, "properties of devices that are told to QEMU otherwise"),
        CHILD("qemu:deprecation", qemu_deprecation, "what QEMU does when something deprecated is used"));

/* A definition for another hypervisor is read as far as it goes; domain_validate() refuses it with the one
 * reason that counts instead of a list of everything in it. */
static bool is_foreign(const xmlNode *root) {
        _cleanup_free_ char *word = xml_node_attribute(root, "type");
        int type = word ? (int) domain_type_from_string(word) : -EINVAL;

        return type > 0 && type != DOMAIN_QEMU && type != DOMAIN_KVM && type != DOMAIN_TEST;
}

static const xmlNode *find_place(const XmlReader *r, const xmlNode *node, SrcLoc loc) {
        SrcLoc here = xml_reader_loc(r, node);

        if (here.line == loc.line && here.column == loc.column)
                return node;
        for (const xmlNode *child = node->children; child; child = child->next) {
                const xmlNode *found = child->type == XML_ELEMENT_NODE ? find_place(r, child, loc) : NULL;
                if (found)
                        return found;
        }
        return NULL;
}

/* What else is wrong, so that it need not be found in a second round. Where an element could not be read, more
 * about it would likely be a consequence; what is said of the domain itself is about something that is missing, or
 * about elements together. */
static int report_the_rest(const XmlReader *r, const xmlNode *root, Domain *d) {
        _cleanup_diag_ Diag more = {};
        size_t n = r->diag->n_entries;

        int k = d->name ? 0 : free_and_strdup(&d->name, "unnamed"); /* its absence has been told */
        if (k >= 0)
                k = domain_complete(d, &host_facts_generic, &more); /* the checks are for what is complete */
        if (k < 0)
                return k;
        (void) domain_validate(d, &more);
        FOREACH_ARRAY(e, more.entries, more.n_entries) {
                const xmlNode *node = find_place(r, root, e->loc);
                bool spoiled = node == root ? xml_reader_is_wrong(r, node, n) : node && xml_reader_is_wrong_within(r, node, n);
                if (e->severity == DIAG_ERROR && node && !spoiled)
                        (void) diag_error(r->diag, e->loc, "%s", e->text);
        }
        return 0;
}

int domain_from_xml(const char *text, size_t size, Diag *diag, Domain **ret) {
        _cleanup_xml_reader_ XmlReader r = { .diag = diag };
        _cleanup_(domain_freep) Domain *d = domain_new();

        if (!d)
                return -ENOMEM;
        int k = xml_reader_load(&r, text, size);
        if (k < 0)
                return k;

        xmlNode *root = xmlDocGetRootElement(r.doc);
        if (root && root->ns)
                return diag_error(diag, xml_reader_loc(&r, root), "root element <%s> is in the namespace %s, expected <domain> in none",
                                  (const char *) root->name, (const char *) root->ns->href);
        if (!root || !streq((const char *) root->name, "domain"))
                return diag_error(diag, root ? xml_reader_loc(&r, root) : (SrcLoc) { 1, 1 },
                                  "root element is <%s>, expected <domain>", root ? (const char *) root->name : "");
        d->loc = xml_reader_loc(&r, root);
        r.foreign = is_foreign(root);
        xml_reader_element(&r, &domain_xml, root, d);
        if (r.no_memory)
                return -ENOMEM;
        if (r.failed) {
                k = diag ? report_the_rest(&r, root, d) : 0;
                return k < 0 ? k : -EINVAL;
        }
        *ret = TAKE_PTR(d);
        return 0;
}

int domain_to_xml(const Domain *d, DomainXmlFlags flags, char **ret) {
        XmlWriter w = { .flags = flags };

        xml_write_element(&w, "domain", &domain_xml, d, true);
        return text_finish(&w.text, ret);
}

int sysinfo_to_xml(const DomainSysinfo *s, char **ret) {
        XmlWriter w = {};

        xml_write_element(&w, "sysinfo", &sysinfo_xml, s, true);
        return text_finish(&w.text, ret);
}
