/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <fcntl.h>
#include <linux/kvm.h>
#include <sys/ioctl.h>
#include <sys/utsname.h>
#include <time.h>
#include <systemd/sd-id128.h>

#include "host-probe.h"
#include "host-resources.h"
#include "scope.h"
#include "apparmor.h"
#include "selinux-util.h"

/* The node alone says nothing: it is there on machines whose processor or hypervisor does not allow KVM. */
static bool kvm_works(void) {
        _cleanup_close_ int fd = open("/dev/kvm", O_RDWR | O_CLOEXEC);
        if (fd < 0)
                /* A user without rights to it may still look at plans; the VM's own rights come from its unit. */
                return errno == EACCES;
        return ioctl(fd, KVM_GET_API_VERSION, 0) == KVM_API_VERSION;
}

static Arch host_arch(void) {
        /* What the kernel calls it where that differs from libvirt's word. */
        static const struct {
                const char *machine;
                Arch arch;
        } others[] = {
                { "i386", ARCH_I686 }, { "i486", ARCH_I686 }, { "i586", ARCH_I686 },
                { "arm64", ARCH_AARCH64 }, { "armv8l", ARCH_ARMV7L },
        };
        struct utsname u;

        if (uname(&u) < 0)
                return ARCH_UNSET;
        int arch = arch_from_string(u.machine);
        if (arch > 0)
                return (Arch) arch;
        FOREACH_ARRAY(o, others, ELEMENTSOF(others))
                if (strcmp(o->machine, u.machine) == 0)
                        return o->arch;
        return ARCH_UNSET;
}

int host_facts_gather(HostFacts *ret) {
        HostFacts f = {
                .arch = host_arch(),
                .session = vm_is_session(),
                .has_kvm = kvm_works(),
                .has_vhost_net = access("/dev/vhost-net", F_OK) >= 0,
                .now = (int64_t) time(NULL),
                .state_dir = vm_directories()->state,
                .data_dir = VMUNIT_DATADIR,
                .libexec_dir = VMUNIT_LIBEXECDIR,
        };
        sd_id128_t id;
        struct tm tm;

        if (localtime_r(&(time_t){ (time_t) f.now }, &tm))
                f.utc_offset = (int) tm.tm_gmtoff;

        /* Without a machine-id (a system that was never booted) the boot's: addresses derived from it change
         * with every boot, but are not the same as on all other machines without one. */
        int r = sd_id128_get_machine(&id);
        if (r < 0)
                r = sd_id128_get_boot(&id);
        if (r < 0)
                return r;
        memcpy(f.machine_id, id.bytes, sizeof(f.machine_id));

        long page = sysconf(_SC_PAGESIZE);
        if (page <= 0)
                return -EINVAL;
        f.page_size = (unsigned) page;
        host_numa_nodes("", &f.numa_nodes);
        /* Labels and profiles are root's to give: a session's machines have those of their user. */
        if (!f.session) {
                apparmor_facts_gather("", &f.apparmor);
                r = selinux_facts_gather(&(NumberSet) {}, &f.selinux);
        }
        if (r >= 0)
                r = host_read_smbios(&f.sysinfo);
        if (r >= 0)
                r = host_read_firmwares(&f.firmwares);
        if (r < 0) {
                host_facts_done(&f);
                return r;
        }
        *ret = f;
        return 0;
}
