/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <json-c/json.h>
#include <systemd/sd-event.h>

#include "macro.h"

/* QEMU as far as its monitor sees it: run states, events, the commands we use, and a parser that is left in the middle
 * of a command when a client dies. It outlives its clients as the real one does. */
typedef struct FakeQemu {
        sd_event *event; /* not owned */
        sd_event_source *io; /* owned */
        int fd;          /* owned */
        char *input;     /* owned */
        size_t input_size;
        int received_fd; /* owned: the last one that came along */

        bool negotiated, note_reboot, note_paused, note_saving, quit;
        char note_actions[96]; /* "": none */
        const char *status;
        bool reset_shuts_down; /* set-action reboot=shutdown */
        char password[64];
        int64_t balloon;
        char qom_path[64]; /* of the last qom-set */
        int64_t qom_value;
        const char *vcpus, *iothreads, *slots; /* what query-cpus-fast, query-iothreads, query-hotpluggable-cpus say */
        char plugged[128];     /* what came by device_add: "vcpu2 vcpu1 " */
        const char *console;   /* what query-chardev says of "charserial0" */

        /* how it behaves */
        bool guest_obeys;     /* powers off when asked to */
        char deleted[80]; /* id of the object that was asked to be deleted last */
        bool may_undo;    /* the note of actions that was made last may be */
        const char *refuse;   /* this command is refused */
        const char *swallow;  /* this command is not answered */
        const char *hostile;  /* sent in place of the answer to `swallow` */

        /* what happened */
        unsigned n_commands, n_conts, n_resets, n_powerdowns, n_quits, n_clients, n_unplugs;

        /* Called after a command has been read: before it is carried out, and after it was answered. */
        void (*hook)(struct FakeQemu *q, bool answered, void *userdata);
        void *userdata;
} FakeQemu;

/* Takes FD over. */
void fake_qemu_init(FakeQemu *q, sd_event *event, int fd);
void fake_qemu_done(FakeQemu *q);

/* What a guest does. */
void fake_qemu_guest_off(FakeQemu *q);
void fake_qemu_guest_resets(FakeQemu *q);
void fake_qemu_guest_panics(FakeQemu *q);
/* EVENT about DEVICE. */
void fake_qemu_guest_unplugs(FakeQemu *q, const char *event, const char *device);
void fake_qemu_send(FakeQemu *q, const char *text);
