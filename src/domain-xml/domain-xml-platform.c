/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* clang-format off: a row is a line */
#include "domain-xml-tables.h"

DEFINE_XML_TABLE(panic,
        ATTRIBUTE_ENUM("model", DomainPanic, model, panic_model, "kind of device"),
        INCLUDE(DomainPanic, info, device_info));

DEFINE_XML_TABLE(watchdog,
        ATTRIBUTE_ENUM("model", DomainWatchdog, model, watchdog_model, "kind of watchdog", .flags = XML_MANDATORY),
        ATTRIBUTE_ENUM("action", DomainWatchdog, action, watchdog_action, "what happens when the guest hangs"),
        INCLUDE(DomainWatchdog, info, device_info));

/* --- tpm --- */

static bool is_emulator(const void *object) {
        return ((const DomainTpm *) object)->backend == TPM_BACKEND_EMULATOR;
}

static bool is_passthrough(const void *object) {
        return ((const DomainTpm *) object)->backend == TPM_BACKEND_PASSTHROUGH;
}

static bool is_external(const void *object) {
        return ((const DomainTpm *) object)->backend == TPM_BACKEND_EXTERNAL;
}

DEFINE_STATIC_XML_TABLE(tpm_encryption,
        ATTRIBUTE("secret", DomainTpm, secret, xml_uuid, "UUID of the secret", .has = HAS(DomainTpm, has_secret), .flags = XML_MANDATORY));

DEFINE_STATIC_XML_TABLE(tpm_banks,
        FLAG_CHILD("sha1", DomainTpm, sha1, "bank of registers made with SHA-1"),
        FLAG_CHILD("sha256", DomainTpm, sha256, "bank of registers made with SHA-256"),
        FLAG_CHILD("sha384", DomainTpm, sha384, "bank of registers made with SHA-384"),
        FLAG_CHILD("sha512", DomainTpm, sha512, "bank of registers made with SHA-512"));

DEFINE_STATIC_XML_TABLE(tpm_device,
        ATTRIBUTE("path", DomainTpm, device_path, xml_string, "the host's device"));

DEFINE_STATIC_XML_TABLE(tpm_source,
        ATTRIBUTE_ENUM("type", CharSource, type, char_type, "unix", .flags = XML_MANDATORY),
        ATTRIBUTE_ENUM("mode", CharSource, mode, socket_mode, "connect"),
        ATTRIBUTE("path", CharSource, path, xml_string, "the socket of an emulator that runs already"),
        LIST("seclabel", CharSource, seclabels, device_seclabel, "label of this socket"));

DEFINE_STATIC_XML_TABLE(tpm_backend,
        ATTRIBUTE_ENUM("type", DomainTpm, backend, tpm_backend, "what stands behind the module", .flags = XML_MANDATORY),
        ATTRIBUTE_ENUM("version", DomainTpm, version, tpm_version, "version of the specification", .applies = is_emulator),
        ATTRIBUTE_ENUM("persistent_state", DomainTpm, persistent_state, yes_no, "keep the state of a transient machine", .applies = is_emulator),
        CHILD("encryption", tpm_encryption, "the state is encrypted", .applies = is_emulator),
        CHILD("active_pcr_banks", tpm_banks, "which banks of registers are in use", .applies = is_emulator),
        CHILD("device", tpm_device, "the host's module", .applies = is_passthrough),
        STRUCT_CHILD("source", DomainTpm, source, tpm_source, "an emulator that runs already", .applies = is_external));

DEFINE_XML_TABLE(tpm,
        ATTRIBUTE_ENUM("model", DomainTpm, model, tpm_model, "kind of device"),
        CHILD("backend", tpm_backend, "what stands behind it", .flags = XML_MANDATORY, .loc = HAS(DomainTpm, backend_loc)),
        INCLUDE(DomainTpm, info, device_info));
