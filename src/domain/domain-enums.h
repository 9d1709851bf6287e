/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "string-table.h"

/* The words of the domain XML. Value 0 is "not given". What an enum has but vmunit cannot do yet is refused
 * by domain_validate() with "not supported: …", never silently. */

/* Declares `typedef enum NAME {…}` from a list of X(SYMBOL, "word") and its string table. */
#define ENUM_VALUE(symbol, word) symbol,
#define DECLARE_ENUM(type, function, prefix, list)                                                \
        typedef enum type { prefix##_UNSET, list(ENUM_VALUE) _##prefix##_MAX, _##prefix##_INVALID = -EINVAL } type; \
        DECLARE_STRING_TABLE(function, type)

typedef enum Tristate {
        TRI_UNSET,
        TRI_YES,
        TRI_NO,
} Tristate;
DECLARE_STRING_TABLE(yes_no, Tristate);
DECLARE_STRING_TABLE(on_off, Tristate);

#define DOMAIN_TYPES(X) \
        X(DOMAIN_QEMU, "qemu") X(DOMAIN_KVM, "kvm") X(DOMAIN_XEN, "xen") X(DOMAIN_LXC, "lxc") X(DOMAIN_UML, "uml") \
        X(DOMAIN_OPENVZ, "openvz") X(DOMAIN_TEST, "test") X(DOMAIN_VMWARE, "vmware") X(DOMAIN_HYPERV, "hyperv") \
        X(DOMAIN_VBOX, "vbox") X(DOMAIN_PHYP, "phyp") X(DOMAIN_PARALLELS, "parallels") X(DOMAIN_BHYVE, "bhyve") \
        X(DOMAIN_VZ, "vz") X(DOMAIN_HVF, "hvf")
DECLARE_ENUM(DomainType, domain_type, DOMAIN, DOMAIN_TYPES);

#define ARCHES(X) \
        X(ARCH_X86_64, "x86_64") X(ARCH_I686, "i686") X(ARCH_AARCH64, "aarch64") X(ARCH_ARMV7L, "armv7l") \
        X(ARCH_PPC64, "ppc64") X(ARCH_PPC64LE, "ppc64le") X(ARCH_RISCV64, "riscv64") X(ARCH_S390X, "s390x")
DECLARE_ENUM(Arch, arch, ARCH, ARCHES);

#define OS_TYPES(X) X(OS_HVM, "hvm") X(OS_LINUX, "linux") X(OS_XEN, "xen") X(OS_XENPVH, "xenpvh") X(OS_EXE, "exe") X(OS_UML, "uml")
DECLARE_ENUM(OsType, os_type, OS, OS_TYPES);

#define OS_FIRMWARES(X) X(FIRMWARE_BIOS, "bios") X(FIRMWARE_EFI, "efi")
DECLARE_ENUM(OsFirmware, os_firmware, FIRMWARE, OS_FIRMWARES);

#define LOADER_TYPES(X) X(LOADER_ROM, "rom") X(LOADER_PFLASH, "pflash")
DECLARE_ENUM(LoaderType, loader_type, LOADER, LOADER_TYPES);

#define ACPI_TABLE_TYPES(X) X(ACPI_TABLE_SLIC, "slic")
DECLARE_ENUM(AcpiTableType, acpi_table_type, ACPI_TABLE, ACPI_TABLE_TYPES);

#define BOOT_DEVICES(X) X(BOOT_FD, "fd") X(BOOT_HD, "hd") X(BOOT_CDROM, "cdrom") X(BOOT_NETWORK, "network")
DECLARE_ENUM(BootDevice, boot_device, BOOT, BOOT_DEVICES);

#define SYSINFO_TYPES(X) X(SYSINFO_SMBIOS, "smbios") X(SYSINFO_FWCFG, "fwcfg")
DECLARE_ENUM(SysinfoType, sysinfo_type, SYSINFO, SYSINFO_TYPES);

#define SMBIOS_MODES(X) X(SMBIOS_EMULATE, "emulate") X(SMBIOS_HOST, "host") X(SMBIOS_SYSINFO, "sysinfo")
DECLARE_ENUM(SmbiosMode, smbios_mode, SMBIOS, SMBIOS_MODES);

#define LIFECYCLE_ACTIONS(X) \
        X(ACTION_DESTROY, "destroy") X(ACTION_RESTART, "restart") X(ACTION_RENAME_RESTART, "rename-restart") \
        X(ACTION_PRESERVE, "preserve") X(ACTION_COREDUMP_DESTROY, "coredump-destroy") \
        X(ACTION_COREDUMP_RESTART, "coredump-restart")
DECLARE_ENUM(LifecycleAction, lifecycle_action, ACTION, LIFECYCLE_ACTIONS);

#define READY_WHENS(X) X(READY_NONE, "none") X(READY_GUEST_AGENT, "guest-agent") X(READY_VSOCK_NOTIFY, "vsock-notify")
DECLARE_ENUM(ReadyWhen, ready_when, READY, READY_WHENS);

#define LOCKFAILURE_ACTIONS(X) X(LOCKFAILURE_POWEROFF, "poweroff") X(LOCKFAILURE_RESTART, "restart") X(LOCKFAILURE_PAUSE, "pause") X(LOCKFAILURE_IGNORE, "ignore")
DECLARE_ENUM(LockfailureAction, lockfailure_action, LOCKFAILURE, LOCKFAILURE_ACTIONS);
#define QEMU_PROPERTY_TYPES(X) \
        X(QEMU_PROPERTY_STRING, "string") X(QEMU_PROPERTY_SIGNED, "signed") X(QEMU_PROPERTY_UNSIGNED, "unsigned") \
        X(QEMU_PROPERTY_BOOL, "bool") X(QEMU_PROPERTY_REMOVE, "remove")
DECLARE_ENUM(QemuPropertyType, qemu_property_type, QEMU_PROPERTY, QEMU_PROPERTY_TYPES);
#define QEMU_DEPRECATIONS(X) X(DEPRECATION_NONE, "none") X(DEPRECATION_OMIT, "omit") X(DEPRECATION_REJECT, "reject") X(DEPRECATION_CRASH, "crash")
DECLARE_ENUM(QemuDeprecation, qemu_deprecation, DEPRECATION, QEMU_DEPRECATIONS);

#define VCPU_PLACEMENTS(X) X(PLACEMENT_STATIC, "static") X(PLACEMENT_AUTO, "auto")
DECLARE_ENUM(VcpuPlacement, vcpu_placement, PLACEMENT, VCPU_PLACEMENTS);

#define CPU_MODES(X) \
        X(CPU_CUSTOM, "custom") X(CPU_HOST_MODEL, "host-model") X(CPU_HOST_PASSTHROUGH, "host-passthrough") \
        X(CPU_MAXIMUM, "maximum")
DECLARE_ENUM(CpuMode, cpu_mode, CPU, CPU_MODES);
#define CPU_MATCHES(X) X(MATCH_MINIMUM, "minimum") X(MATCH_EXACT, "exact") X(MATCH_STRICT, "strict")
DECLARE_ENUM(CpuMatch, cpu_match, MATCH, CPU_MATCHES);
#define CPU_CHECKS(X) X(CHECK_NONE, "none") X(CHECK_PARTIAL, "partial") X(CHECK_FULL, "full")
DECLARE_ENUM(CpuCheck, cpu_check, CHECK, CPU_CHECKS);
#define CPU_CACHE_MODES(X) X(CPU_CACHE_EMULATE, "emulate") X(CPU_CACHE_PASSTHROUGH, "passthrough") X(CPU_CACHE_DISABLE, "disable")
DECLARE_ENUM(CpuCacheMode, cpu_cache_mode, CPU_CACHE, CPU_CACHE_MODES);
#define PHYS_ADDR_MODES(X) X(PHYS_ADDR_EMULATE, "emulate") X(PHYS_ADDR_PASSTHROUGH, "passthrough")
DECLARE_ENUM(PhysAddrMode, phys_addr_mode, PHYS_ADDR, PHYS_ADDR_MODES);
#define NUMA_CACHE_ASSOCIATIVITIES(X) X(ASSOCIATIVITY_NONE, "none") X(ASSOCIATIVITY_DIRECT, "direct") X(ASSOCIATIVITY_FULL, "full")
DECLARE_ENUM(NumaCacheAssociativity, numa_cache_associativity, ASSOCIATIVITY, NUMA_CACHE_ASSOCIATIVITIES);
#define NUMA_CACHE_POLICIES(X) X(CACHE_POLICY_NONE, "none") X(CACHE_POLICY_WRITEBACK, "writeback") X(CACHE_POLICY_WRITETHROUGH, "writethrough")
DECLARE_ENUM(NumaCachePolicy, numa_cache_policy, CACHE_POLICY, NUMA_CACHE_POLICIES);
#define INTERCONNECT_KINDS(X) X(INTERCONNECT_LATENCY, "latency") X(INTERCONNECT_BANDWIDTH, "bandwidth")
DECLARE_ENUM(InterconnectKind, interconnect_kind, INTERCONNECT, INTERCONNECT_KINDS);
#define INTERCONNECT_ACCESSES(X) X(INTERCONNECT_ACCESS, "access") X(INTERCONNECT_READ, "read") X(INTERCONNECT_WRITE, "write")
DECLARE_ENUM(InterconnectAccess, interconnect_access, INTERCONNECT_ACCESS, INTERCONNECT_ACCESSES);

#define SCHEDULERS(X) X(SCHEDULER_BATCH, "batch") X(SCHEDULER_IDLE, "idle") X(SCHEDULER_FIFO, "fifo") X(SCHEDULER_RR, "rr")
DECLARE_ENUM(Scheduler, scheduler, SCHEDULER, SCHEDULERS);
#define NUMA_MODES(X) X(NUMA_STRICT, "strict") X(NUMA_PREFERRED, "preferred") X(NUMA_INTERLEAVE, "interleave") X(NUMA_RESTRICTIVE, "restrictive")
DECLARE_ENUM(NumaMode, numa_mode, NUMA, NUMA_MODES);
#define MEMORY_SOURCES(X) X(MEMORY_SOURCE_FILE, "file") X(MEMORY_SOURCE_ANONYMOUS, "anonymous") X(MEMORY_SOURCE_MEMFD, "memfd")
DECLARE_ENUM(MemorySource, memory_source, MEMORY_SOURCE, MEMORY_SOURCES);
#define MEMORY_ACCESSES(X) X(MEMORY_ACCESS_SHARED, "shared") X(MEMORY_ACCESS_PRIVATE, "private")
DECLARE_ENUM(MemoryAccess, memory_access, MEMORY_ACCESS, MEMORY_ACCESSES);
#define MEMORY_ALLOCATIONS(X) X(ALLOCATION_IMMEDIATE, "immediate") X(ALLOCATION_ONDEMAND, "ondemand")
DECLARE_ENUM(MemoryAllocation, memory_allocation, ALLOCATION, MEMORY_ALLOCATIONS);
#define MEMORY_MODELS(X) \
        X(MEMORY_DIMM, "dimm") X(MEMORY_NVDIMM, "nvdimm") X(MEMORY_VIRTIO_PMEM, "virtio-pmem") X(MEMORY_VIRTIO_MEM, "virtio-mem") \
        X(MEMORY_SGX_EPC, "sgx-epc")
DECLARE_ENUM(MemoryModel, memory_model, MEMORY, MEMORY_MODELS);

#define CPU_FALLBACKS(X) X(FALLBACK_ALLOW, "allow") X(FALLBACK_FORBID, "forbid")
DECLARE_ENUM(CpuFallback, cpu_fallback, FALLBACK, CPU_FALLBACKS);
#define CPU_POLICIES(X) \
        X(POLICY_FORCE, "force") X(POLICY_REQUIRE, "require") X(POLICY_OPTIONAL, "optional") \
        X(POLICY_DISABLE, "disable") X(POLICY_FORBID, "forbid")
DECLARE_ENUM(CpuPolicy, cpu_policy, POLICY, CPU_POLICIES);

#define HYPERV_MODES(X) X(HYPERV_CUSTOM, "custom") X(HYPERV_PASSTHROUGH, "passthrough")
DECLARE_ENUM(HypervMode, hyperv_mode, HYPERV, HYPERV_MODES);
#define GIC_VERSIONS(X) X(GIC_2, "2") X(GIC_3, "3") X(GIC_HOST, "host")
DECLARE_ENUM(GicVersion, gic_version, GIC, GIC_VERSIONS);
#define IOAPIC_DRIVERS(X) X(IOAPIC_QEMU, "qemu") X(IOAPIC_KVM, "kvm")
DECLARE_ENUM(IoapicDriver, ioapic_driver, IOAPIC, IOAPIC_DRIVERS);

#define CLOCK_OFFSETS(X) \
        X(CLOCK_OFFSET_UTC, "utc") X(CLOCK_OFFSET_LOCALTIME, "localtime") X(CLOCK_OFFSET_TIMEZONE, "timezone") \
        X(CLOCK_OFFSET_VARIABLE, "variable") X(CLOCK_OFFSET_ABSOLUTE, "absolute")
DECLARE_ENUM(ClockOffset, clock_offset, CLOCK_OFFSET, CLOCK_OFFSETS);
#define CLOCK_BASES(X) X(BASIS_UTC, "utc") X(BASIS_LOCALTIME, "localtime")
DECLARE_ENUM(ClockBasis, clock_basis, BASIS, CLOCK_BASES);
#define TIMER_NAMES(X) \
        X(TIMER_PLATFORM, "platform") X(TIMER_PIT, "pit") X(TIMER_RTC, "rtc") X(TIMER_HPET, "hpet") X(TIMER_TSC, "tsc") \
        X(TIMER_KVMCLOCK, "kvmclock") X(TIMER_HYPERVCLOCK, "hypervclock") X(TIMER_ARMVTIMER, "armvtimer")
DECLARE_ENUM(TimerName, timer_name, TIMER, TIMER_NAMES);
#define TICK_POLICIES(X) X(TICK_DELAY, "delay") X(TICK_CATCHUP, "catchup") X(TICK_MERGE, "merge") X(TICK_DISCARD, "discard")
DECLARE_ENUM(TickPolicy, tick_policy, TICK, TICK_POLICIES);

#define TIMER_TRACKS(X) X(TRACK_BOOT, "boot") X(TRACK_GUEST, "guest") X(TRACK_WALL, "wall") X(TRACK_REALTIME, "realtime")
DECLARE_ENUM(TimerTrack, timer_track, TRACK, TIMER_TRACKS);
#define TIMER_MODES(X) X(TIMER_MODE_AUTO, "auto") X(TIMER_MODE_NATIVE, "native") X(TIMER_MODE_EMULATE, "emulate") X(TIMER_MODE_PARAVIRT, "paravirt") X(TIMER_MODE_SMPSAFE, "smpsafe")
DECLARE_ENUM(TimerMode, timer_mode, TIMER_MODE, TIMER_MODES);

#define ADDRESS_TYPES(X) \
        X(ADDRESS_PCI, "pci") X(ADDRESS_DRIVE, "drive") X(ADDRESS_VIRTIO_SERIAL, "virtio-serial") \
        X(ADDRESS_CCID, "ccid") X(ADDRESS_USB, "usb") X(ADDRESS_ISA, "isa") X(ADDRESS_VIRTIO_MMIO, "virtio-mmio") \
        X(ADDRESS_CCW, "ccw") X(ADDRESS_SPAPR_VIO, "spapr-vio") X(ADDRESS_DIMM, "dimm") X(ADDRESS_UNASSIGNED, "unassigned")
DECLARE_ENUM(AddressType, address_type, ADDRESS, ADDRESS_TYPES);

#define SECLABEL_TYPES(X) X(SECLABEL_DYNAMIC, "dynamic") X(SECLABEL_STATIC, "static") X(SECLABEL_NONE, "none")
DECLARE_ENUM(SeclabelType, seclabel_type, SECLABEL, SECLABEL_TYPES);

#define DISK_TYPES(X) \
        X(DISK_FILE, "file") X(DISK_BLOCK, "block") X(DISK_DIR, "dir") X(DISK_NETWORK, "network") X(DISK_VOLUME, "volume") \
        X(DISK_NVME, "nvme") X(DISK_VHOSTUSER, "vhostuser") X(DISK_VHOSTVDPA, "vhostvdpa")
DECLARE_ENUM(DiskType, disk_type, DISK, DISK_TYPES);
#define DISK_DEVICES(X) X(DEVICE_DISK, "disk") X(DEVICE_CDROM, "cdrom") X(DEVICE_FLOPPY, "floppy") X(DEVICE_LUN, "lun")
DECLARE_ENUM(DiskDevice, disk_device, DEVICE, DISK_DEVICES);
#define DISK_BUSES(X) \
        X(BUS_IDE, "ide") X(BUS_FDC, "fdc") X(BUS_SCSI, "scsi") X(BUS_VIRTIO, "virtio") X(BUS_XEN, "xen") X(BUS_USB, "usb") \
        X(BUS_UML, "uml") X(BUS_SATA, "sata") X(BUS_SD, "sd")
DECLARE_ENUM(DiskBus, disk_bus, BUS, DISK_BUSES);
#define DISK_FORMATS(X) \
        X(FORMAT_RAW, "raw") X(FORMAT_QCOW2, "qcow2") X(FORMAT_QCOW, "qcow") X(FORMAT_QED, "qed") X(FORMAT_VMDK, "vmdk") \
        X(FORMAT_VDI, "vdi") X(FORMAT_VPC, "vpc") X(FORMAT_VHDX, "vhdx") X(FORMAT_BOCHS, "bochs") X(FORMAT_CLOOP, "cloop") \
        X(FORMAT_DMG, "dmg") X(FORMAT_ISO, "iso") X(FORMAT_PARALLELS, "parallels") X(FORMAT_LUKS, "luks") X(FORMAT_FAT, "fat") \
        X(FORMAT_PLOOP, "ploop") X(FORMAT_DIR, "dir") X(FORMAT_VHD, "vhd") X(FORMAT_COW, "cow")
DECLARE_ENUM(DiskFormat, disk_format, FORMAT, DISK_FORMATS);
#define DISK_CACHES(X) \
        X(CACHE_DEFAULT, "default") X(CACHE_NONE, "none") X(CACHE_WRITETHROUGH, "writethrough") X(CACHE_WRITEBACK, "writeback") \
        X(CACHE_DIRECTSYNC, "directsync") X(CACHE_UNSAFE, "unsafe")
DECLARE_ENUM(DiskCache, disk_cache, CACHE, DISK_CACHES);
#define DISK_IOS(X) X(IO_NATIVE, "native") X(IO_THREADS, "threads") X(IO_URING, "io_uring")
DECLARE_ENUM(DiskIo, disk_io, IO, DISK_IOS);
#define DISK_DISCARDS(X) X(DISCARD_UNMAP, "unmap") X(DISCARD_IGNORE, "ignore")
DECLARE_ENUM(DiskDiscard, disk_discard, DISCARD, DISK_DISCARDS);
#define DISK_DETECT_ZEROES(X) X(ZEROES_OFF, "off") X(ZEROES_ON, "on") X(ZEROES_UNMAP, "unmap")
DECLARE_ENUM(DiskDetectZeroes, disk_detect_zeroes, ZEROES, DISK_DETECT_ZEROES);
#define DISK_ERROR_POLICIES(X) X(ERRORS_STOP, "stop") X(ERRORS_REPORT, "report") X(ERRORS_IGNORE, "ignore") X(ERRORS_ENOSPACE, "enospace")
DECLARE_ENUM(DiskErrorPolicy, disk_error_policy, ERRORS, DISK_ERROR_POLICIES);
#define TRAY_STATES(X) X(TRAY_OPEN, "open") X(TRAY_CLOSED, "closed")
DECLARE_ENUM(TrayState, tray_state, TRAY, TRAY_STATES);

#define DISK_STARTUPS(X) X(STARTUP_MANDATORY, "mandatory") X(STARTUP_REQUISITE, "requisite") X(STARTUP_OPTIONAL, "optional")
DECLARE_ENUM(DiskStartup, disk_startup, STARTUP, DISK_STARTUPS);
#define DISK_PROTOCOLS(X) \
        X(PROTO_NBD, "nbd") X(PROTO_RBD, "rbd") X(PROTO_SHEEPDOG, "sheepdog") X(PROTO_GLUSTER, "gluster") X(PROTO_ISCSI, "iscsi") \
        X(PROTO_HTTP, "http") X(PROTO_HTTPS, "https") X(PROTO_FTP, "ftp") X(PROTO_FTPS, "ftps") X(PROTO_TFTP, "tftp") \
        X(PROTO_SSH, "ssh") X(PROTO_VXHS, "vxhs") X(PROTO_NFS, "nfs")
DECLARE_ENUM(DiskProtocol, disk_protocol, PROTO, DISK_PROTOCOLS);
#define HOST_TRANSPORTS(X) X(TRANSPORT_TCP, "tcp") X(TRANSPORT_UNIX, "unix") X(TRANSPORT_RDMA, "rdma")
DECLARE_ENUM(HostTransport, host_transport, TRANSPORT, HOST_TRANSPORTS);
#define DISK_SNAPSHOTS(X) X(SNAPSHOT_NO, "no") X(SNAPSHOT_INTERNAL, "internal") X(SNAPSHOT_EXTERNAL, "external") X(SNAPSHOT_MANUAL, "manual")
DECLARE_ENUM(DiskSnapshot, disk_snapshot, SNAPSHOT, DISK_SNAPSHOTS);
#define DISK_SGIOS(X) X(SGIO_FILTERED, "filtered") X(SGIO_UNFILTERED, "unfiltered")
DECLARE_ENUM(DiskSgio, disk_sgio, SGIO, DISK_SGIOS);
#define DISK_MODELS(X) \
        X(DISK_VIRTIO, "virtio") X(DISK_VIRTIO_TRANSITIONAL, "virtio-transitional") \
        X(DISK_VIRTIO_NON_TRANSITIONAL, "virtio-non-transitional")
DECLARE_ENUM(DiskModel, disk_model, DISK_VIRTIO, DISK_MODELS);
#define GEOMETRY_TRANSLATIONS(X) X(CHS_NONE, "none") X(CHS_AUTO, "auto") X(CHS_LBA, "lba")
DECLARE_ENUM(GeometryTranslation, geometry_translation, CHS, GEOMETRY_TRANSLATIONS);
#define VOLUME_MODES(X) X(VOLUME_HOST, "host") X(VOLUME_DIRECT, "direct")
DECLARE_ENUM(VolumeMode, volume_mode, VOLUME, VOLUME_MODES);
/* What a secret is for. A passphrase is what images are encrypted with. */
#define SECRET_USES(X) \
        X(SECRET_VOLUME, "volume") X(SECRET_CEPH, "ceph") X(SECRET_ISCSI, "iscsi") X(SECRET_TLS, "tls") X(SECRET_VTPM, "vtpm") \
        X(SECRET_PASSPHRASE, "passphrase")
DECLARE_ENUM(SecretUse, secret_use, SECRET, SECRET_USES);
#define DISK_AUTHS(X) X(AUTH_CHAP, "chap") X(AUTH_CEPH, "ceph")
DECLARE_ENUM(DiskAuthType, disk_auth_type, AUTH, DISK_AUTHS);
#define ENCRYPTION_FORMATS(X) \
        X(ENCRYPTION_DEFAULT, "default") X(ENCRYPTION_QCOW, "qcow") X(ENCRYPTION_LUKS, "luks") X(ENCRYPTION_LUKS2, "luks2")
DECLARE_ENUM(EncryptionFormat, encryption_format, ENCRYPTION, ENCRYPTION_FORMATS);
#define ENCRYPTION_ENGINES(X) X(ENGINE_QEMU, "qemu") X(ENGINE_LIBRBD, "librbd")
DECLARE_ENUM(EncryptionEngine, encryption_engine, ENGINE, ENCRYPTION_ENGINES);

#define CONTROLLER_TYPES(X) \
        X(CONTROLLER_IDE, "ide") X(CONTROLLER_FDC, "fdc") X(CONTROLLER_SCSI, "scsi") X(CONTROLLER_SATA, "sata") \
        X(CONTROLLER_VIRTIO_SERIAL, "virtio-serial") X(CONTROLLER_CCID, "ccid") X(CONTROLLER_USB, "usb") \
        X(CONTROLLER_PCI, "pci") X(CONTROLLER_XENBUS, "xenbus") X(CONTROLLER_ISA, "isa")
DECLARE_ENUM(ControllerType, controller_type, CONTROLLER, CONTROLLER_TYPES);

#define HUB_TYPES(X) X(HUB_USB, "usb")
DECLARE_ENUM(HubType, hub_type, HUB, HUB_TYPES);
#define IOMMU_MODELS(X) X(IOMMU_INTEL, "intel") X(IOMMU_SMMUV3, "smmuv3") X(IOMMU_VIRTIO, "virtio")
DECLARE_ENUM(IommuModel, iommu_model, IOMMU, IOMMU_MODELS);

#define INTERFACE_TYPES(X) \
        X(INTERFACE_USER, "user") X(INTERFACE_ETHERNET, "ethernet") X(INTERFACE_VHOSTUSER, "vhostuser") \
        X(INTERFACE_SERVER, "server") X(INTERFACE_CLIENT, "client") X(INTERFACE_MCAST, "mcast") X(INTERFACE_NETWORK, "network") \
        X(INTERFACE_BRIDGE, "bridge") X(INTERFACE_INTERNAL, "internal") X(INTERFACE_DIRECT, "direct") \
        X(INTERFACE_HOSTDEV, "hostdev") X(INTERFACE_UDP, "udp") X(INTERFACE_VDPA, "vdpa") X(INTERFACE_NULL, "null") X(INTERFACE_VDS, "vds")
DECLARE_ENUM(InterfaceType, interface_type, INTERFACE, INTERFACE_TYPES);
#define NET_DRIVERS(X) X(NET_DRIVER_QEMU, "qemu") X(NET_DRIVER_VHOST, "vhost")
DECLARE_ENUM(NetDriver, net_driver, NET_DRIVER, NET_DRIVERS);
#define IP_FAMILIES(X) X(FAMILY_IPV4, "ipv4") X(FAMILY_IPV6, "ipv6")
DECLARE_ENUM(IpFamily, ip_family, FAMILY, IP_FAMILIES);
#define PORT_PROTOCOLS(X) X(PORT_TCP, "tcp") X(PORT_UDP, "udp")
DECLARE_ENUM(PortProtocol, port_protocol, PORT, PORT_PROTOCOLS);
#define MAC_TYPES(X) X(MAC_GENERATED, "generated") X(MAC_STATIC, "static")
DECLARE_ENUM(MacType, mac_type, MAC, MAC_TYPES);
#define DIRECT_MODES(X) X(DIRECT_VEPA, "vepa") X(DIRECT_PRIVATE, "private") X(DIRECT_BRIDGE, "bridge") X(DIRECT_PASSTHROUGH, "passthrough")
DECLARE_ENUM(DirectMode, direct_mode, DIRECT, DIRECT_MODES);
#define VHOST_USER_MODES(X) X(VHOST_USER_CLIENT, "client") X(VHOST_USER_SERVER, "server")
DECLARE_ENUM(VhostUserMode, vhost_user_mode, VHOST_USER, VHOST_USER_MODES);
#define HOSTDEV_DRIVERS(X) X(HOSTDEV_DRIVER_KVM, "kvm") X(HOSTDEV_DRIVER_VFIO, "vfio") X(HOSTDEV_DRIVER_XEN, "xen")
DECLARE_ENUM(HostdevDriver, hostdev_driver, HOSTDEV_DRIVER, HOSTDEV_DRIVERS);
#define HOSTDEV_MODES(X) X(HOSTDEV_SUBSYSTEM, "subsystem") X(HOSTDEV_CAPABILITIES, "capabilities")
DECLARE_ENUM(HostdevMode, hostdev_mode, HOSTDEV_MODE, HOSTDEV_MODES);
#define HOSTDEV_TYPES(X) \
        X(HOSTDEV_USB, "usb") X(HOSTDEV_PCI, "pci") X(HOSTDEV_SCSI, "scsi") X(HOSTDEV_SCSI_HOST, "scsi_host") \
        X(HOSTDEV_MDEV, "mdev") X(HOSTDEV_STORAGE, "storage") X(HOSTDEV_MISC, "misc") X(HOSTDEV_NET, "net")
DECLARE_ENUM(HostdevType, hostdev_type, HOSTDEV, HOSTDEV_TYPES);
#define HOSTDEV_POLICIES(X) X(HOSTDEV_MANDATORY, "mandatory") X(HOSTDEV_REQUISITE, "requisite") X(HOSTDEV_OPTIONAL, "optional")
DECLARE_ENUM(HostdevPolicy, hostdev_policy, HOSTDEV_POLICY, HOSTDEV_POLICIES);
#define USB_GUEST_RESETS(X) X(GUEST_RESET_OFF, "off") X(GUEST_RESET_UNINITIALIZED, "uninitialized") X(GUEST_RESET_ON, "on")
DECLARE_ENUM(UsbGuestReset, usb_guest_reset, GUEST_RESET, USB_GUEST_RESETS);
#define HOSTDEV_PROTOCOLS(X) X(HOSTDEV_PROTOCOL_ISCSI, "iscsi") X(HOSTDEV_PROTOCOL_VHOST, "vhost")
DECLARE_ENUM(HostdevProtocol, hostdev_protocol, HOSTDEV_PROTOCOL, HOSTDEV_PROTOCOLS);
#define HOSTDEV_MODELS(X) \
        X(HOSTDEV_MODEL_VIRTIO, "virtio") X(HOSTDEV_MODEL_TRANSITIONAL, "virtio-transitional") \
        X(HOSTDEV_MODEL_NON_TRANSITIONAL, "virtio-non-transitional") X(HOSTDEV_MODEL_VFIO_PCI, "vfio-pci") \
        X(HOSTDEV_MODEL_VFIO_CCW, "vfio-ccw") X(HOSTDEV_MODEL_VFIO_AP, "vfio-ap")
DECLARE_ENUM(HostdevModel, hostdev_model, HOSTDEV_MODEL, HOSTDEV_MODELS);
#define VSOCK_MODELS(X) X(VSOCK_VIRTIO, "virtio") X(VSOCK_TRANSITIONAL, "virtio-transitional") X(VSOCK_NON_TRANSITIONAL, "virtio-non-transitional")
DECLARE_ENUM(VsockModel, vsock_model, VSOCK, VSOCK_MODELS);
#define SHMEM_ROLES(X) X(SHMEM_MASTER, "master") X(SHMEM_PEER, "peer")
DECLARE_ENUM(ShmemRole, shmem_role, SHMEM_ROLE, SHMEM_ROLES);
#define SHMEM_MODELS(X) X(SHMEM_IVSHMEM, "ivshmem") X(SHMEM_PLAIN, "ivshmem-plain") X(SHMEM_DOORBELL, "ivshmem-doorbell")
DECLARE_ENUM(ShmemModel, shmem_model, SHMEM, SHMEM_MODELS);
#define CRYPTO_MODELS(X) X(CRYPTO_VIRTIO, "virtio")
DECLARE_ENUM(CryptoModel, crypto_model, CRYPTO, CRYPTO_MODELS);
#define CRYPTO_TYPES(X) X(CRYPTO_TYPE_QEMU, "qemu")
DECLARE_ENUM(CryptoType, crypto_type, CRYPTO_TYPE, CRYPTO_TYPES);
#define CRYPTO_BACKENDS(X) X(CRYPTO_BUILTIN, "builtin") X(CRYPTO_LKCF, "lkcf")
DECLARE_ENUM(CryptoBackend, crypto_backend, CRYPTO_BACKEND, CRYPTO_BACKENDS);
#define VLAN_NATIVES(X) X(VLAN_TAGGED, "tagged") X(VLAN_UNTAGGED, "untagged")
DECLARE_ENUM(VlanNative, vlan_native, VLAN, VLAN_NATIVES);
#define VIRTUALPORT_TYPES(X) \
        X(VIRTUALPORT_QBG, "802.1Qbg") X(VIRTUALPORT_QBH, "802.1Qbh") X(VIRTUALPORT_OPENVSWITCH, "openvswitch") \
        X(VIRTUALPORT_MIDONET, "midonet")
DECLARE_ENUM(VirtualPortType, virtualport_type, VIRTUALPORT, VIRTUALPORT_TYPES);
#define NET_TX_MODES(X) X(TX_IOTHREAD, "iothread") X(TX_TIMER, "timer")
DECLARE_ENUM(NetTxMode, net_tx_mode, TX, NET_TX_MODES);
#define NET_BACKENDS(X) X(NET_BACKEND_DEFAULT, "default") X(NET_BACKEND_PASST, "passt")
DECLARE_ENUM(NetBackend, net_backend, NET_BACKEND, NET_BACKENDS);
#define TEAMING_TYPES(X) X(TEAMING_PERSISTENT, "persistent") X(TEAMING_TRANSIENT, "transient")
DECLARE_ENUM(TeamingType, teaming_type, TEAMING, TEAMING_TYPES);
#define LINK_STATES(X) X(LINK_UP, "up") X(LINK_DOWN, "down")
DECLARE_ENUM(LinkState, link_state, LINK, LINK_STATES);

#define CHAR_KINDS(X) X(CHAR_SERIAL, "serial") X(CHAR_PARALLEL, "parallel") X(CHAR_CONSOLE, "console") X(CHAR_CHANNEL, "channel")
DECLARE_ENUM(CharKind, char_kind, CHAR, CHAR_KINDS);
#define CHAR_TYPES(X) \
        X(CHARDEV_NULL, "null") X(CHARDEV_VC, "vc") X(CHARDEV_PTY, "pty") X(CHARDEV_DEV, "dev") X(CHARDEV_FILE, "file") \
        X(CHARDEV_PIPE, "pipe") X(CHARDEV_STDIO, "stdio") X(CHARDEV_UDP, "udp") X(CHARDEV_TCP, "tcp") X(CHARDEV_UNIX, "unix") \
        X(CHARDEV_SPICEVMC, "spicevmc") X(CHARDEV_SPICEPORT, "spiceport") X(CHARDEV_NMDM, "nmdm") \
        X(CHARDEV_QEMU_VDAGENT, "qemu-vdagent") X(CHARDEV_DBUS, "dbus")
DECLARE_ENUM(CharType, char_type, CHARDEV, CHAR_TYPES);
#define CHAR_TARGETS(X) \
        X(TARGET_ISA_SERIAL, "isa-serial") X(TARGET_USB_SERIAL, "usb-serial") X(TARGET_PCI_SERIAL, "pci-serial") \
        X(TARGET_SPAPR_VIO_SERIAL, "spapr-vio-serial") X(TARGET_SYSTEM_SERIAL, "system-serial") \
        X(TARGET_SCLP_SERIAL, "sclp-serial") X(TARGET_ISA_DEBUG, "isa-debug") X(TARGET_SERIAL, "serial") X(TARGET_XEN, "xen") \
        X(TARGET_UML, "uml") X(TARGET_VIRTIO, "virtio") X(TARGET_LXC, "lxc") X(TARGET_OPENVZ, "openvz") X(TARGET_SCLP, "sclp") \
        X(TARGET_SCLPLM, "sclplm") X(TARGET_GUESTFWD, "guestfwd")
DECLARE_ENUM(CharTarget, char_target, TARGET, CHAR_TARGETS);
#define CHAR_PROTOCOLS(X) X(PROTOCOL_RAW, "raw") X(PROTOCOL_TELNET, "telnet") X(PROTOCOL_TELNETS, "telnets") X(PROTOCOL_TLS, "tls")
DECLARE_ENUM(CharProtocol, char_protocol, PROTOCOL, CHAR_PROTOCOLS);
#define SOCKET_MODES(X) X(SOCKET_BIND, "bind") X(SOCKET_CONNECT, "connect")
DECLARE_ENUM(SocketMode, socket_mode, SOCKET, SOCKET_MODES);
#define MOUSE_MODES(X) X(MOUSE_CLIENT, "client") X(MOUSE_SERVER, "server")
DECLARE_ENUM(MouseMode, mouse_mode, MOUSE, MOUSE_MODES);

#define GRAPHICS_TYPES(X) \
        X(GRAPHICS_SDL, "sdl") X(GRAPHICS_VNC, "vnc") X(GRAPHICS_RDP, "rdp") X(GRAPHICS_DESKTOP, "desktop") \
        X(GRAPHICS_SPICE, "spice") X(GRAPHICS_EGL_HEADLESS, "egl-headless") X(GRAPHICS_DBUS, "dbus")
DECLARE_ENUM(GraphicsType, graphics_type, GRAPHICS, GRAPHICS_TYPES);
#define GRAPHICS_LISTENS(X) X(LISTEN_NONE, "none") X(LISTEN_ADDRESS, "address") X(LISTEN_NETWORK, "network") X(LISTEN_SOCKET, "socket")
DECLARE_ENUM(GraphicsListen, graphics_listen, LISTEN, GRAPHICS_LISTENS);
#define VNC_SHARE_POLICIES(X) X(SHARE_ALLOW_EXCLUSIVE, "allow-exclusive") X(SHARE_FORCE_SHARED, "force-shared") X(SHARE_IGNORE, "ignore")
DECLARE_ENUM(VncSharePolicy, vnc_share_policy, SHARE, VNC_SHARE_POLICIES);
#define GRAPHICS_CONNECTEDS(X) X(CONNECTED_FAIL, "fail") X(CONNECTED_DISCONNECT, "disconnect") X(CONNECTED_KEEP, "keep")
DECLARE_ENUM(GraphicsConnected, graphics_connected, CONNECTED, GRAPHICS_CONNECTEDS);
#define SPICE_MODES(X) X(SPICE_ANY, "any") X(SPICE_SECURE, "secure") X(SPICE_INSECURE, "insecure")
DECLARE_ENUM(SpiceMode, spice_mode, SPICE, SPICE_MODES);
#define SPICE_CHANNELS(X) \
        X(SPICE_CHANNEL_MAIN, "main") X(SPICE_CHANNEL_DISPLAY, "display") X(SPICE_CHANNEL_INPUTS, "inputs") \
        X(SPICE_CHANNEL_CURSOR, "cursor") X(SPICE_CHANNEL_PLAYBACK, "playback") X(SPICE_CHANNEL_RECORD, "record") \
        X(SPICE_CHANNEL_SMARTCARD, "smartcard") X(SPICE_CHANNEL_USBREDIR, "usbredir")
DECLARE_ENUM(SpiceChannelName, spice_channel, SPICE_CHANNEL, SPICE_CHANNELS);
#define SPICE_IMAGES(X) \
        X(IMAGE_AUTO_GLZ, "auto_glz") X(IMAGE_AUTO_LZ, "auto_lz") X(IMAGE_QUIC, "quic") X(IMAGE_GLZ, "glz") \
        X(IMAGE_LZ, "lz") X(IMAGE_OFF, "off")
DECLARE_ENUM(SpiceImage, spice_image, IMAGE, SPICE_IMAGES);
#define SPICE_COMPRESSIONS(X) X(COMPRESSION_AUTO, "auto") X(COMPRESSION_NEVER, "never") X(COMPRESSION_ALWAYS, "always")
DECLARE_ENUM(SpiceCompression, spice_compression, COMPRESSION, SPICE_COMPRESSIONS);
#define SPICE_STREAMINGS(X) X(STREAMING_FILTER, "filter") X(STREAMING_ALL, "all") X(STREAMING_OFF, "off")
DECLARE_ENUM(SpiceStreaming, spice_streaming, STREAMING, SPICE_STREAMINGS);

#define AUDIO_TYPES(X) \
        X(AUDIO_NONE, "none") X(AUDIO_ALSA, "alsa") X(AUDIO_COREAUDIO, "coreaudio") X(AUDIO_JACK, "jack") X(AUDIO_OSS, "oss") \
        X(AUDIO_PULSEAUDIO, "pulseaudio") X(AUDIO_SDL, "sdl") X(AUDIO_SPICE, "spice") X(AUDIO_FILE, "file") X(AUDIO_DBUS, "dbus")
DECLARE_ENUM(AudioType, audio_type, AUDIO, AUDIO_TYPES);
#define AUDIO_FORMATS(X) \
        X(AUDIO_FORMAT_U8, "u8") X(AUDIO_FORMAT_S8, "s8") X(AUDIO_FORMAT_U16, "u16") X(AUDIO_FORMAT_S16, "s16") \
        X(AUDIO_FORMAT_U32, "u32") X(AUDIO_FORMAT_S32, "s32") X(AUDIO_FORMAT_F32, "f32")
DECLARE_ENUM(AudioFormat, audio_format, AUDIO_FORMAT, AUDIO_FORMATS);
#define SDL_AUDIO_DRIVERS(X) \
        X(SDL_AUDIO_ESD, "esd") X(SDL_AUDIO_ALSA, "alsa") X(SDL_AUDIO_ARTS, "arts") X(SDL_AUDIO_PULSEAUDIO, "pulseaudio")
DECLARE_ENUM(SdlAudioDriver, sdl_audio_driver, SDL_AUDIO, SDL_AUDIO_DRIVERS);
#define SOUND_MODELS(X) \
        X(SOUND_SB16, "sb16") X(SOUND_ES1370, "es1370") X(SOUND_PCSPK, "pcspk") X(SOUND_AC97, "ac97") X(SOUND_ICH6, "ich6") \
        X(SOUND_ICH9, "ich9") X(SOUND_USB, "usb") X(SOUND_ICH7, "ich7")
DECLARE_ENUM(SoundModel, sound_model, SOUND, SOUND_MODELS);
#define CODEC_TYPES(X) X(CODEC_DUPLEX, "duplex") X(CODEC_MICRO, "micro") X(CODEC_OUTPUT, "output")
DECLARE_ENUM(CodecType, codec_type, CODEC, CODEC_TYPES);

/* "default" is what is read like no model at all. */
#define VIDEO_MODELS(X) \
        X(VIDEO_VGA, "vga") X(VIDEO_CIRRUS, "cirrus") X(VIDEO_VMVGA, "vmvga") X(VIDEO_XEN, "xen") X(VIDEO_VBOX, "vbox") \
        X(VIDEO_QXL, "qxl") X(VIDEO_PARALLELS, "parallels") X(VIDEO_VIRTIO, "virtio") X(VIDEO_GOP, "gop") X(VIDEO_NONE, "none") \
        X(VIDEO_BOCHS, "bochs") X(VIDEO_RAMFB, "ramfb") X(VIDEO_DEFAULT, "default")
DECLARE_ENUM(VideoModel, video_model, VIDEO, VIDEO_MODELS);
#define VIDEO_DRIVERS(X) X(VIDEO_DRIVER_QEMU, "qemu") X(VIDEO_DRIVER_VHOSTUSER, "vhostuser")
DECLARE_ENUM(VideoDriver, video_driver, VIDEO_DRIVER, VIDEO_DRIVERS);

#define INPUT_TYPES(X) X(INPUT_MOUSE, "mouse") X(INPUT_TABLET, "tablet") X(INPUT_KEYBOARD, "keyboard") X(INPUT_PASSTHROUGH, "passthrough") X(INPUT_EVDEV, "evdev")
DECLARE_ENUM(InputType, input_type, INPUT, INPUT_TYPES);
#define INPUT_BUSES(X) X(INPUT_BUS_PS2, "ps2") X(INPUT_BUS_USB, "usb") X(INPUT_BUS_XEN, "xen") X(INPUT_BUS_PARALLELS, "parallels") X(INPUT_BUS_VIRTIO, "virtio") X(INPUT_BUS_NONE, "none")
DECLARE_ENUM(InputBus, input_bus, INPUT_BUS, INPUT_BUSES);
#define INPUT_MODELS(X) \
        X(INPUT_VIRTIO, "virtio") X(INPUT_VIRTIO_TRANSITIONAL, "virtio-transitional") \
        X(INPUT_VIRTIO_NON_TRANSITIONAL, "virtio-non-transitional")
DECLARE_ENUM(InputModel, input_model, INPUT_VIRTIO, INPUT_MODELS);
#define INPUT_GRABS(X) X(GRAB_ALL, "all")
DECLARE_ENUM(InputGrab, input_grab, GRAB, INPUT_GRABS);
#define INPUT_GRAB_TOGGLES(X) \
        X(GRAB_CTRL_CTRL, "ctrl-ctrl") X(GRAB_ALT_ALT, "alt-alt") X(GRAB_SHIFT_SHIFT, "shift-shift") \
        X(GRAB_META_META, "meta-meta") X(GRAB_SCROLLLOCK, "scrolllock") X(GRAB_CTRL_SCROLLLOCK, "ctrl-scrolllock")
DECLARE_ENUM(InputGrabToggle, input_grab_toggle, GRAB_TOGGLE, INPUT_GRAB_TOGGLES);

#define FILESYSTEM_TYPES(X) \
        X(FILESYSTEM_MOUNT, "mount") X(FILESYSTEM_BLOCK, "block") X(FILESYSTEM_FILE, "file") X(FILESYSTEM_TEMPLATE, "template") \
        X(FILESYSTEM_RAM, "ram") X(FILESYSTEM_BIND, "bind") X(FILESYSTEM_VOLUME, "volume")
DECLARE_ENUM(FilesystemType, filesystem_type, FILESYSTEM, FILESYSTEM_TYPES);
#define FILESYSTEM_ACCESSES(X) X(FS_PASSTHROUGH, "passthrough") X(FS_MAPPED, "mapped") X(FS_SQUASH, "squash")
DECLARE_ENUM(FilesystemAccess, filesystem_access, FS_ACCESS, FILESYSTEM_ACCESSES);
#define FILESYSTEM_MODELS(X) \
        X(FS_VIRTIO, "virtio") X(FS_VIRTIO_TRANSITIONAL, "virtio-transitional") X(FS_VIRTIO_NON_TRANSITIONAL, "virtio-non-transitional")
DECLARE_ENUM(FilesystemModel, filesystem_model, FS_MODEL, FILESYSTEM_MODELS);
#define FILESYSTEM_MULTIDEVS(X) X(MULTIDEVS_DEFAULT, "default") X(MULTIDEVS_REMAP, "remap") X(MULTIDEVS_FORBID, "forbid") X(MULTIDEVS_WARN, "warn")
DECLARE_ENUM(FilesystemMultidevs, filesystem_multidevs, MULTIDEVS, FILESYSTEM_MULTIDEVS);
#define FILESYSTEM_DRIVERS(X) \
        X(FS_DRIVER_PATH, "path") X(FS_DRIVER_HANDLE, "handle") X(FS_DRIVER_LOOP, "loop") X(FS_DRIVER_NBD, "nbd") \
        X(FS_DRIVER_PLOOP, "ploop") X(FS_DRIVER_VIRTIOFS, "virtiofs") X(FS_DRIVER_MTP, "mtp")
DECLARE_ENUM(FilesystemDriver, filesystem_driver, FS_DRIVER, FILESYSTEM_DRIVERS);
#define FILESYSTEM_WRITES(X) X(WRITE_IMMEDIATE, "immediate")
DECLARE_ENUM(FilesystemWrite, filesystem_write, WRITE, FILESYSTEM_WRITES);
#define VIRTIOFS_CACHES(X) X(VIRTIOFS_CACHE_NONE, "none") X(VIRTIOFS_CACHE_ALWAYS, "always")
DECLARE_ENUM(VirtiofsCache, virtiofs_cache, VIRTIOFS_CACHE, VIRTIOFS_CACHES);
#define VIRTIOFS_SANDBOXES(X) X(VIRTIOFS_SANDBOX_NAMESPACE, "namespace") X(VIRTIOFS_SANDBOX_CHROOT, "chroot")
DECLARE_ENUM(VirtiofsSandbox, virtiofs_sandbox, VIRTIOFS_SANDBOX, VIRTIOFS_SANDBOXES);

#define SMARTCARD_MODES(X) X(SMARTCARD_HOST, "host") X(SMARTCARD_CERTIFICATES, "host-certificates") X(SMARTCARD_PASSTHROUGH, "passthrough")
DECLARE_ENUM(SmartcardMode, smartcard_mode, SMARTCARD, SMARTCARD_MODES);
#define REDIRDEV_BUSES(X) X(REDIRDEV_USB, "usb")
DECLARE_ENUM(RedirdevBus, redirdev_bus, REDIRDEV, REDIRDEV_BUSES);

#define BALLOON_MODELS(X) \
        X(BALLOON_VIRTIO, "virtio") X(BALLOON_XEN, "xen") X(BALLOON_NONE, "none") \
        X(BALLOON_VIRTIO_TRANSITIONAL, "virtio-transitional") X(BALLOON_VIRTIO_NON_TRANSITIONAL, "virtio-non-transitional")
DECLARE_ENUM(BalloonModel, balloon_model, BALLOON, BALLOON_MODELS);

#define RNG_MODELS(X) X(RNG_VIRTIO, "virtio") X(RNG_VIRTIO_TRANSITIONAL, "virtio-transitional") X(RNG_VIRTIO_NON_TRANSITIONAL, "virtio-non-transitional")
DECLARE_ENUM(RngModel, rng_model, RNG, RNG_MODELS);
#define RNG_BACKENDS(X) X(RNG_BACKEND_RANDOM, "random") X(RNG_BACKEND_EGD, "egd") X(RNG_BACKEND_BUILTIN, "builtin")
DECLARE_ENUM(RngBackend, rng_backend, RNG_BACKEND, RNG_BACKENDS);

#define PANIC_MODELS(X) X(PANIC_ISA, "isa") X(PANIC_PSERIES, "pseries") X(PANIC_HYPERV, "hyperv") X(PANIC_S390, "s390") X(PANIC_PVPANIC, "pvpanic")
DECLARE_ENUM(PanicModel, panic_model, PANIC, PANIC_MODELS);

#define TPM_MODELS(X) \
        X(TPM_TIS, "tpm-tis") X(TPM_CRB, "tpm-crb") X(TPM_SPAPR, "tpm-spapr") X(TPM_SPAPR_PROXY, "spapr-tpm-proxy") \
        X(TPM_TIS_DEVICE, "tpm-tis-device")
DECLARE_ENUM(TpmModel, tpm_model, TPM, TPM_MODELS);
#define TPM_BACKENDS(X) X(TPM_BACKEND_PASSTHROUGH, "passthrough") X(TPM_BACKEND_EMULATOR, "emulator") X(TPM_BACKEND_EXTERNAL, "external")
DECLARE_ENUM(TpmBackend, tpm_backend, TPM_BACKEND, TPM_BACKENDS);
#define TPM_VERSIONS(X) X(TPM_VERSION_1_2, "1.2") X(TPM_VERSION_2_0, "2.0")
DECLARE_ENUM(TpmVersion, tpm_version, TPM_VERSION, TPM_VERSIONS);

#define WATCHDOG_MODELS(X) X(WATCHDOG_I6300ESB, "i6300esb") X(WATCHDOG_IB700, "ib700") X(WATCHDOG_DIAG288, "diag288") X(WATCHDOG_ITCO, "itco")
DECLARE_ENUM(WatchdogModel, watchdog_model, WATCHDOG, WATCHDOG_MODELS);
#define WATCHDOG_ACTIONS(X) \
        X(WATCHDOG_ACTION_RESET, "reset") X(WATCHDOG_ACTION_SHUTDOWN, "shutdown") X(WATCHDOG_ACTION_POWEROFF, "poweroff") \
        X(WATCHDOG_ACTION_PAUSE, "pause") X(WATCHDOG_ACTION_DUMP, "dump") X(WATCHDOG_ACTION_NONE, "none") X(WATCHDOG_ACTION_INJECT_NMI, "inject-nmi")
DECLARE_ENUM(WatchdogAction, watchdog_action, WATCHDOG_ACTION, WATCHDOG_ACTIONS);
