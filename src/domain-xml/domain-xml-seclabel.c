/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* clang-format off: a row is a line */
#include "domain-xml-tables.h"

DEFINE_XML_TABLE(seclabel,
        ATTRIBUTE_ENUM("type", DomainSeclabel, type, seclabel_type, "who chooses the label: vmunit, this file, nobody"),
        ATTRIBUTE("model", DomainSeclabel, model, xml_string, "selinux or apparmor, if the host has it, or dac; the host's when absent"),
        ATTRIBUTE_ENUM("relabel", DomainSeclabel, relabel, yes_no, "whether files get the label"),
        TEXT_CHILD("label", DomainSeclabel, label, xml_string, "label of the process; dac: USER:GROUP, and who has the same may end this VM"),
        TEXT_CHILD("imagelabel", DomainSeclabel, imagelabel, xml_string, "label of the files of a running VM"),
        TEXT_CHILD("baselabel", DomainSeclabel, baselabel, xml_string, "what a dynamic label is made from"));

DEFINE_XML_TABLE(device_seclabel,
        ATTRIBUTE("model", DeviceSeclabel, model, xml_string, "selinux, apparmor or dac"),
        ATTRIBUTE_ENUM("relabel", DeviceSeclabel, relabel, yes_no, "no: the label stays as it is"),
        IGNORED_ATTRIBUTE("labelskip", "libvirt's note that a file system has no labels"),
        TEXT_CHILD("label", DeviceSeclabel, label, xml_string, "the label"));
