/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <fcntl.h>
#include <limits.h>
#include <netdb.h>
#include <unistd.h>

#include "config-file.h"
#include "domain-xml.h"
#include "host-info.h"
#include "string-util.h"

int host_info(Manager *m, Diag *diag, HostSettings *ret) {
        const char *root = *m->host_root ? m->host_root : "/";
        _cleanup_close_ int root_fd = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        _cleanup_config_ Config config = {};

        *ret = (HostSettings) {};
        if (root_fd < 0)
                return diag_error_code(diag, -errno, (SrcLoc) {}, "cannot open '%s': %s", root, strerror(errno));
        int problem = config_load(&config, diag);
        int r = host_settings_read(root_fd, &config, ret);
        return r < 0 ? diag_error_code(diag, r, (SrcLoc) {}, "%s", strerror(-r)) : problem;
}

/* libvirt's rule: a short name is asked for; what that gives counts, unless it is nobody's in particular. */
int host_name(char **ret) {
        const struct addrinfo hints = { .ai_flags = AI_CANONNAME | AI_IDN | AI_CANONIDN, .ai_socktype = SOCK_STREAM };
        struct addrinfo *info = NULL;
        char name[HOST_NAME_MAX + 1] = "";

        if (gethostname(name, sizeof(name) - 1) < 0)
                return -errno;
        const char *found = NULL;
        if (!startswith(name, "localhost") && !strchr(name, '.') && getaddrinfo(name, NULL, &hints, &info) == 0)
                found = info->ai_canonname;
        *ret = strdup(found && !startswith(found, "localhost") ? found : name);
        if (info)
                freeaddrinfo(info);
        return *ret ? 0 : -ENOMEM;
}

int host_sysinfo(Manager *m, Diag *diag, char **ret) {
        const HostFacts *facts;

        int r = manager_facts(m, &facts);
        if (r < 0)
                return r;
        if (!facts->sysinfo)
                return diag_error(diag, (SrcLoc) {}, "unsupported configuration: Host SMBIOS information is not available");
        return sysinfo_to_xml(facts->sysinfo, ret);
}
