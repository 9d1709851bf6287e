/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "domain.h"
#include "xml-table.h"

/* For .applies of a row that is read over with a warning, wherever it stands. */
static inline bool xml_never(const void *object) {
        return false;
}

/* The tables of the element families, one file each. */

extern const XmlTable domain_xml; /* <domain>: domain-xml.c */

extern const XmlTable device_info_xml;   /* alias, acpi, address: domain-xml-device.c */
extern const XmlTable bootable_info_xml; /* the same with boot and rom */
extern const XmlTable device_address_xml;
extern const XmlTable device_alias_xml;  /* the halves of the former, where something stands in between */
extern const XmlTable device_place_xml;

extern const XmlTable metadata_xml;   /* domain-xml-metadata.c */
extern const XmlTable first_boot_xml; /* domain-xml-first-boot.c */
extern const XmlTable os_xml;         /* domain-xml-os.c */
extern const XmlTable features_xml;   /* domain-xml-features.c */
extern const XmlTable cpu_xml;        /* domain-xml-cpu.c */
extern const XmlTable cputune_xml;    /* domain-xml-tune.c */
extern const XmlTable numatune_xml;
extern const XmlTable memtune_xml;
extern const XmlTable blkiotune_xml;
extern const XmlTable vcpus_xml;
extern const XmlTable iothreadids_xml;
extern const XmlTable defaultiothread_xml;
extern const XmlTable memory_backing_xml; /* domain-xml-memory.c */
extern const XmlTable memory_device_xml;
extern const XmlTable clock_xml;      /* domain-xml-clock.c */
extern const XmlTable devices_xml;    /* domain-xml-devices.c */
extern const XmlTable disk_xml;       /* domain-xml-disk.c */
extern const XmlTable disk_source_xml; /* DiskSource: domain-xml-disk-source.c */
extern const XmlTable disk_auth_xml;
extern const XmlTable disk_encryption_xml;
extern const XmlTable backing_chain_xml;  /* <backingStore> of a DomainDisk */
extern const XmlTable metadata_cache_xml; /* <metadata_cache> in <driver> or <format>: DiskSource */
extern const XmlTable controller_xml; /* domain-xml-controller.c */
extern const XmlTable hub_xml;
extern const XmlTable iommu_xml;
extern const XmlTable hostdev_xml;    /* domain-xml-hostdev.c */
extern const XmlTable vsock_xml;
extern const XmlTable shmem_xml;
extern const XmlTable crypto_xml;
extern const XmlTable interface_xml;  /* domain-xml-interface.c */
extern const XmlTable serial_xml;     /* domain-xml-char.c */
extern const XmlTable channel_xml;
extern const XmlTable graphics_xml;   /* domain-xml-graphics.c */
extern const XmlTable video_xml;
extern const XmlTable audio_xml;      /* domain-xml-audio.c */
extern const XmlTable sound_xml;
extern const XmlTable input_xml;
extern const XmlTable filesystem_xml; /* domain-xml-filesystem.c */
extern const XmlTable smartcard_xml;  /* domain-xml-redirect.c */
extern const XmlTable redirdev_xml;
extern const XmlTable redirfilter_xml;
extern const XmlTable balloon_xml;    /* domain-xml-misc.c */
extern const XmlTable rng_xml;
extern const XmlTable panic_xml;      /* domain-xml-platform.c */
extern const XmlTable watchdog_xml;
extern const XmlTable tpm_xml;
extern const XmlTable sysinfo_xml;    /* domain-xml-sysinfo.c */
extern const XmlTable genid_xml;
extern const XmlTable qemu_capabilities_xml;
extern const XmlTable qemu_override_xml;
extern const XmlTable qemu_deprecation_xml;
extern const XmlTable qemu_commandline_xml; /* domain-xml-qemu.c */
extern const XmlType xml_qemu_namespace;
extern const XmlTable virtio_options_xml;   /* VirtioOptions, as attributes of <driver>: domain-xml-device.c */
extern const XmlTable char_ends_xml;        /* CharSource: @type, source, protocol, log: domain-xml-char.c */
extern const XmlTable seclabel_xml;         /* domain-xml-seclabel.c */
extern const XmlTable device_seclabel_xml;
