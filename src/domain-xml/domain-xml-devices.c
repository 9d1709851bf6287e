/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* clang-format off: a row is a line */
#include "domain-xml-tables.h"

#define CHARS(name_, kind_, table_, doc_)                                                         \
        LIST(name_, Domain, chars, table_, doc_, .tag = offsetof(DomainChar, kind) + 1, .tag_value = kind_)

DEFINE_XML_TABLE(devices,
        TEXT_CHILD("emulator", Domain, emulator, xml_string, "path of QEMU; that of the architecture when absent"),
        LIST("disk", Domain, disks, disk, "disk, CD or floppy"),
        LIST("controller", Domain, controllers, controller, "what devices are plugged into"),
        UNSUPPORTED("lease", "leases of a lock manager, and there is none"),
        LIST("filesystem", Domain, filesystems, filesystem, "directory of the host in the guest"),
        LIST("interface", Domain, interfaces, interface, "network interface"),
        LIST("smartcard", Domain, smartcards, smartcard, "smart card in a reader"),
        CHARS("serial", CHAR_SERIAL, serial, "serial port"),
        CHARS("parallel", CHAR_PARALLEL, serial, "parallel port"),
        CHARS("console", CHAR_CONSOLE, serial, "the guest's console"),
        CHARS("channel", CHAR_CHANNEL, channel, "channel to a program in the guest, as its agent"),
        LIST("input", Domain, inputs, input, "mouse, tablet or keyboard"),
        LIST("tpm", Domain, tpms, tpm, "trusted platform module"),
        LIST("graphics", Domain, graphics, graphics, "display for people elsewhere"),
        LIST("sound", Domain, sounds, sound, "sound card"),
        LIST("audio", Domain, audios, audio, "where sound ends on the host"),
        LIST("video", Domain, videos, video, "graphics adapter"),
        LIST("hostdev", Domain, hostdevs, hostdev, "device of the host that the guest is given"),
        LIST("redirdev", Domain, redirdevs, redirdev, "USB device of the viewer"),
        LIST("redirfilter", Domain, redirfilters, redirfilter, "which USB devices a viewer may lend"),
        LIST("hub", Domain, hubs, hub, "more USB ports"),
        LIST("watchdog", Domain, watchdogs, watchdog, "notices a guest that hangs"),
        LIST("memballoon", Domain, balloons, balloon, "takes memory from the guest and gives it back"),
        LIST("rng", Domain, rngs, rng, "randomness for the guest"),
        UNSUPPORTED("nvram", "NVRAM device of pseries machines"),
        LIST("panic", Domain, panics, panic, "tells that the guest has panicked"),
        LIST("shmem", Domain, shmems, shmem, "memory shared by VMs"),
        LIST("memory", Domain, memories, memory_device, "memory module"),
        LIST("iommu", Domain, iommus, iommu, "IOMMU of the guest"),
        LIST("vsock", Domain, vsocks, vsock, "sockets between host and guest"),
        LIST("crypto", Domain, cryptos, crypto, "crypto device"));
