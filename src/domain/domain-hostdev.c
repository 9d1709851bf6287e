/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "domain.h"

static void server_done(HostdevServer *s) {
        free(s->name);
        free(s->port);
}

void hostdev_done(DomainHostdev *h) {
        char *const strings[] = {
                h->teaming_persistent, h->address.port, h->adapter,   h->iscsi_name, h->auth_user,
                h->secret_type,        h->secret_usage, h->initiator, h->wwpn,
        };

        device_info_done(&h->info);
        for (size_t k = 0; k < ELEMENTSOF(strings); k++)
                free(strings[k]);
        FREE_LIST(h->servers, h->n_servers, server_done);
}
