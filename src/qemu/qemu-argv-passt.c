/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <unistd.h>

#include "qemu-device.h"
#include "qemu-emit.h"
#include "string-util.h"
#include "text.h"

/* passt(1): a process beside QEMU that speaks to the host's network as any of its programs does, so that the guest needs
 * neither a tap nor root. It is connected with QEMU by a socket pair. */

#define PASST "/usr/bin/passt"

static void append_range(Text *t, const PortRange *r) {
        text_appendf(t, "%s%u", r->exclude == TRI_YES ? "~" : "", r->start.value);
        if (r->end.value > 0)
                text_appendf(t, "-%u", r->end.value);
        if (r->to.value > 0)
                text_appendf(t, ":%u", r->to.value);
        if (r->to.value > 0 && r->end.value > 0)
                text_appendf(t, "-%u", r->end.value - r->start.value + r->to.value);
}

/* "192.0.2.1%eth0/22-80:32-90,~40" */
static void add_forward(Emit *e, size_t helper, const PortForward *p) {
        _cleanup_text_ Text t = {};
        _cleanup_free_ char *spec = NULL;

        if (p->address)
                text_appendf(&t, "%s%s%s/", p->address, p->dev ? "%" : "", strempty(p->dev));
        for (size_t k = 0; k < p->n_ranges; k++) {
                text_append(&t, k > 0 ? "," : "");
                append_range(&t, p->ranges + k);
        }
        if (p->n_ranges == 0)
                text_append(&t, "all");
        if (text_finish(&t, &spec) < 0) {
                e->failed = true;
                return;
        }
        helper_arg(e, helper, p->protocol == PORT_TCP ? "--tcp-ports" : "--udp-ports");
        helper_arg(e, helper, spec);
}

/* What it says goes there; without, into the journal. */
static int add_log(Emit *e, size_t helper, const DomainInterface *i, const char *element) {
        _cleanup_free_ char *name = strf("log-%s", i->info.alias);
        PlanFd *fd = name ? emit_helper_fd(e, helper, PLAN_FD_FILE, name, element, i->info.loc) : NULL;

        if (!fd || free_and_strdup(&fd->path, i->backend_log) < 0)
                return -ENOMEM;
        fd->number = STDERR_FILENO;
        fd->writable = fd->create = fd->append = true;
        fd->labelling = LABELLING_IMAGE;
        return 0;
}

static void add_addresses(Emit *e, size_t helper, const DomainInterface *i) {
        FOREACH_ARRAY(ip, i->ips, i->n_ips) {
                helper_arg(e, helper, "--address");
                helper_arg(e, helper, ip->address);
                if (ip->prefix.value > 0 && ip->family != FAMILY_IPV6) {
                        helper_arg(e, helper, "--netmask");
                        helper_argf(e, helper, "%u", ip->prefix.value);
                }
        }
}

static int start_passt(Emit *e, const DomainInterface *i, unsigned *ret) {
        _cleanup_free_ char *name = strf("passt-%s", i->info.alias), *element = strf("interface %s", i->info.alias);

        if (!name || !element)
                return -ENOMEM;
        size_t h = emit_helper(e, HELPER_RUNS, name, PASST, element, i->info.loc);
        PlanFd *pair = emit_helper_pair(e, h, name, element, i->info.loc);
        if (!pair)
                return -ENOMEM;
        *ret = pair->number;
        helper_allow(e, h, "netlink");
        helper_allow(e, h, "network");
        helper_allow(e, h, "sandbox");
        helper_arg(e, h, "--foreground");
        helper_arg(e, h, "--quiet");
        helper_arg(e, h, "--fd");
        helper_argf(e, h, "%u", pair->helper_number);
        if (i->mtu.value > 0) {
                helper_arg(e, h, "--mtu");
                helper_argf(e, h, "%u", i->mtu.value);
        }
        if (i->source_dev) {
                helper_arg(e, h, "--interface");
                helper_arg(e, h, i->source_dev);
        }
        add_addresses(e, h, i);
        FOREACH_ARRAY(p, i->port_forwards, i->n_port_forwards)
                add_forward(e, h, p);
        return i->backend_log ? add_log(e, h, i, element) : 0;
}

int emit_passt(Emit *e, const DomainInterface *i, Json *j) {
        _cleanup_qjson_ Json address = {};
        unsigned number;

        json_add_string(j, "type", "stream");
        if (e->native) {
                json_add_string(&address, "type", "unix");
                json_add_stringf(&address, "path", "%s/%s-passt.socket", e->runtime_dir, i->info.alias);
        } else {
                int r = start_passt(e, i, &number);
                if (r < 0)
                        return r;
                json_add_string(&address, "type", "fd");
                json_add_stringf(&address, "str", "%u", number);
        }
        json_add_sub(j, "addr", &address);
        json_add_bool(j, "server", false);
        return 0;
}
