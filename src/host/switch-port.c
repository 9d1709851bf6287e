/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "run-program.h"
#include "string-util.h"
#include "strv.h"
#include "switch-port.h"

#define PROGRAM "ovs-vsctl"
/* Its own patience, libvirt's; ours ends a little later. */
#define OWN_TIMEOUT "--timeout=5"
#define PATIENCE_SECONDS 8U

static int run(char *const *argv, char **ret_reason) {
        int r = run_program((const char *const *) argv, true, PATIENCE_SECONDS, ret_reason);

        if (r == -ENOENT) {
                free(*ret_reason);
                *ret_reason = strf("there is no program '%s' of Open vSwitch", PROGRAM);
        }
        return r;
}

static int add_words(char ***argv, char *const *words) {
        int r = 0;

        STRV_FOREACH(w, words)
                if (r >= 0)
                        r = strv_extend(argv, *w);
        return r;
}

/* Both limits are the switch's: it would remove those of the kernel that it has not set itself. */
static int add_limits(char ***argv, const SwitchPort *p) {
        int r = 0;

        if (p->inbound.rate > 0) {
                r = add_words(argv, STRV_MAKE((char *) "--", (char *) "set", (char *) "Port", (char *) p->ifname, (char *) "qos=@qos", (char *) "--",
                                              (char *) "--id=@qos", (char *) "create", (char *) "QoS", (char *) "type=linux-htb"));
                if (r >= 0)
                        r = strv_extendf(argv, "other-config:max-rate=%llu", (unsigned long long) p->inbound.rate * 8);
        }
        if (r < 0 || p->outbound.rate == 0)
                return r;
        r = add_words(argv, STRV_MAKE((char *) "--", (char *) "set", (char *) "Interface", (char *) p->ifname));
        if (r >= 0)
                r = strv_extendf(argv, "ingress_policing_rate=%llu", (unsigned long long) p->outbound.rate * 8 / 1000);
        return r < 0 ? r : strv_extendf(argv, "ingress_policing_burst=%llu",
                                        (unsigned long long) (p->outbound.burst > 0 ? p->outbound.burst : p->outbound.rate) * 8 / 1000);
}

#define COMMAND(...) STRV_MAKE((char *) PROGRAM, (char *) OWN_TIMEOUT, ##__VA_ARGS__)
#define REMOVE_PORT(ifname) (char *) "--", (char *) "--if-exists", (char *) "del-port", (char *) (ifname)

/* The limit is known by the port's name only as long as there is the port. It must not be the port's any more when it goes, and a
 * port that goes in the same transaction would keep it. */
static int remove_limit(const char *ifname, char **ret_reason) {
        return run(COMMAND((char *) "--", (char *) "--if-exists", (char *) "destroy", (char *) "QoS", (char *) ifname, (char *) "--",
                           (char *) "--if-exists", (char *) "clear", (char *) "Port", (char *) ifname, (char *) "qos"), ret_reason);
}

int switch_port_command(const SwitchPort *p, char ***ret) {
        _cleanup_strv_ char **argv = NULL;

        /* All in one transaction: there is no moment at which it is in another VLAN. */
        int r = add_words(&argv, COMMAND(REMOVE_PORT(p->ifname), (char *) "--", (char *) "add-port", (char *) p->bridge, (char *) p->ifname));
        if (r >= 0)
                r = add_words(&argv, p->settings);
        if (r >= 0 && p->ids)
                r = add_words(&argv, STRV_MAKE((char *) "--", (char *) "set", (char *) "Interface", (char *) p->ifname));
        STRV_FOREACH(id, p->ids)
                if (r >= 0)
                        r = strv_extendf(&argv, "external-ids:%s", *id);
        if (r >= 0)
                r = add_limits(&argv, p);
        if (r >= 0)
                *ret = TAKE_PTR(argv);
        return r;
}

int switch_port_add(const SwitchPort *p, char **ret_reason) {
        _cleanup_strv_ char **argv = NULL;
        int r = switch_port_command(p, &argv);

        if (r >= 0)
                r = remove_limit(p->ifname, ret_reason);
        return r < 0 ? r : run(argv, ret_reason);
}

int switch_port_remove(const char *ifname, char **ret_reason) {
        int r = remove_limit(ifname, ret_reason);

        return r < 0 ? r : run(COMMAND(REMOVE_PORT(ifname)), ret_reason);
}
