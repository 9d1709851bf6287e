/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "firmware.h"
#include "strv.h"

void firmware_done(Firmware *f) {
        free(f->descriptor);
        free(f->executable);
        free(f->nvram_template);
        FOREACH_ARRAY(t, f->targets, f->n_targets)
                strv_free(t->machines);
        free(f->targets);
        *f = (Firmware) {};
}

void firmware_list_done(FirmwareList *l) {
        FOREACH_ARRAY(f, l->list, l->n)
                firmware_done(f);
        free(l->list);
        *l = (FirmwareList) {};
}
