/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* clang-format off: a row is a line */
#include "domain-xml-tables.h"

/* What <metadata> has for the guest's first boot. */

DEFINE_STATIC_XML_TABLE(guest_credential,
        ATTRIBUTE("name", DomainCredential, name, xml_string, "the guest's name for it", .flags = XML_MANDATORY),
        ATTRIBUTE("value", DomainCredential, value, xml_string, "what it holds, which dumpxml shows"),
        ATTRIBUTE("from", DomainCredential, from, xml_string, "the credential of the host that holds it: for secrets"));

DEFINE_STATIC_XML_TABLE(cloud_init,
        ATTRIBUTE("user-data", DomainCloudInit, user_data, xml_string, "file of the host", .flags = XML_MANDATORY),
        ATTRIBUTE("meta-data", DomainCloudInit, meta_data, xml_string, "the same; when absent, the VM's UUID and name are told"),
        ATTRIBUTE("network-config", DomainCloudInit, network_config, xml_string, "the same"),
        ATTRIBUTE("vendor-data", DomainCloudInit, vendor_data, xml_string, "the same"));

DEFINE_XML_TABLE(first_boot,
        LIST("vmunit:credential", Domain, credentials, guest_credential, "a credential for the guest's systemd"),
        STRUCT_CHILD("vmunit:cloud-init", Domain, cloud_init, cloud_init, "a disk with these files for the guest's cloud-init (NoCloud)", .flags = XML_HAS_LOC));
