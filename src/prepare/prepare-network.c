/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <net/if.h>

#include "prepare.h"
#include "rtnetlink.h"
#include "run-program.h"
#include "string-util.h"
#include "switch-port.h"
#include "traffic-limit.h"

/* What an interface is in beside the kernel: the port of a switch, and the administrator's own scripts. All of it is written
 * into the book first, so that the cleanup step finds it whatever happens. */

#define SCRIPT_SECONDS 30U

static int add_record(Prepare *p, int dir_fd, ResourceKind kind, const char *name, unsigned ifindex) {
        int r = resources_add(dir_fd, &(Resource) { .kind = kind, .name = (char *) name, .ifindex = ifindex });

        return r < 0 ? diag_error_code(&p->diag, r, (SrcLoc) {}, "cannot write down what was made: %s", strerror(-r)) : 0;
}

static int add_port(Prepare *p, int dir_fd, const PlanFd *fd, const OpenedFd *o) {
        _cleanup_free_ char *reason = NULL;

        int r = add_record(p, dir_fd, RESOURCE_PORT, o->ifname, o->ifindex);
        if (r < 0)
                return r;
        r = switch_port_add(&(SwitchPort) {
                .bridge = fd->bridge, .ifname = o->ifname, .settings = fd->port, .ids = fd->external_ids,
                .inbound = plan_limit_in_bytes(&fd->inbound), .outbound = plan_limit_in_bytes(&fd->outbound),
        }, &reason);
        return r < 0 ? diag_error_code(&p->diag, r, fd->loc, "cannot add '%s' to bridge '%s' of Open vSwitch: %s (%s)", o->ifname,
                                       fd->bridge, reason ?: strerror(-r), fd->element) : 0;
}

static int check_script(Prepare *p, const PlanFd *fd, const char *script) {
        _cleanup_free_ char *reason = NULL;

        int r = check_program(script, &reason);
        return r < 0 ? diag_error_code(&p->diag, r, fd->loc, "cannot run '%s' as root: %s (%s)", script, reason ?: strerror(-r),
                                       fd->element) : 0;
}

static int run_script(const char *script, const char *ifname, char **ret_reason) {
        const char *const argv[] = { script, ifname, NULL };

        return run_program(argv, false, SCRIPT_SECONDS, ret_reason);
}

static int add_scripts(Prepare *p, int dir_fd, const PlanFd *fd, const OpenedFd *o) {
        _cleanup_free_ char *reason = NULL, *record = NULL;

        int r = fd->downscript ? check_script(p, fd, fd->downscript) : 0;
        if (r >= 0 && fd->script)
                r = check_script(p, fd, fd->script);
        if (r < 0)
                return r;
        if (fd->downscript) {
                record = strf("%s %s", o->ifname, fd->downscript);
                r = record ? add_record(p, dir_fd, RESOURCE_SCRIPT, record, o->ifindex) : -ENOMEM;
        }
        if (r < 0 || !fd->script)
                return r;
        r = run_script(fd->script, o->ifname, &reason);
        return r < 0 ? diag_error_code(&p->diag, r, fd->loc, "script '%s' has failed for '%s': %s (%s)", fd->script, o->ifname,
                                       reason ?: strerror(-r), fd->element) : 0;
}

int connect_interface(Prepare *p, int dir_fd, const PlanFd *fd, const OpenedFd *o) {
        int r = 0;

        if (!o->ifname)
                return 0;
        if (o->existing && (fd->inbound.average > 0 || fd->outbound.average > 0))
                r = add_record(p, dir_fd, RESOURCE_LIMITS, o->ifname, o->ifindex);
        if (r >= 0 && fd->openvswitch)
                r = add_port(p, dir_fd, fd, o);
        return r < 0 ? r : add_scripts(p, dir_fd, fd, o);
}

/* The interface is there as long as systemd keeps its descriptors. The program has been checked, but the cleanup step may be
 * days later. */
static int run_downscript(const Resource *r, char **ret_reason) {
        const char *script = strchr(r->name, ' ');
        _cleanup_free_ char *ifname = script ? strndup(r->name, (size_t) (script - r->name)) : NULL;

        if (!ifname)
                return script ? -ENOMEM : -EINVAL;
        if (if_nametoindex(ifname) != r->ifindex)
                return 0;
        int k = check_program(script + 1, ret_reason);
        return k < 0 ? k : run_script(script + 1, ifname, ret_reason);
}

/* Not if another interface has the name by now. Without the program of Open vSwitch there was no port. */
static int remove_port(const Resource *r, char **ret_reason) {
        unsigned now = if_nametoindex(r->name);

        int k = now == 0 || now == r->ifindex ? switch_port_remove(r->name, ret_reason) : 0;
        return k == -ENOENT ? 0 : k;
}

int disconnect_interface(const Prepare *p, const Resource *r) {
        _cleanup_free_ char *reason = NULL;
        const char *what = NULL;
        int k = 0;

        if (r->kind == RESOURCE_PORT) {
                what = "cannot remove port of Open vSwitch";
                k = remove_port(r, &reason);
        } else if (r->kind == RESOURCE_SCRIPT) {
                what = "script has failed:";
                k = run_downscript(r, &reason);
        } else if (r->kind == RESOURCE_LIMITS && if_nametoindex(r->name) == r->ifindex) {
                what = "cannot remove the limits of";
                k = traffic_limit_clear(r->ifindex);
        }
        if (k < 0)
                journal_log(&p->journal, LOG_WARNING, NULL, "%s '%s': %s", what, r->name, reason ?: strerror(-k));
        return 0;
}
