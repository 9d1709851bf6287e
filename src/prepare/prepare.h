/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <sys/types.h>
#include <systemd/sd-bus.h>

#include "definition.h"
#include "diag.h"
#include "domain.h"
#include "host-facts.h"
#include "host-namespace.h"
#include "journal.h"
#include "label.h"
#include "open-files.h"
#include "plan.h"
#include "resources.h"
#include "saved-file.h"
#include "start-options.h"

/* The root steps of a VM's unit ("+" in ExecStartPre= and so on): the only part of vmunit that has rights.
 * Each runs for milliseconds, takes its input from root's files and systemd, and can be interrupted anywhere:
 * what it has acquired is in the book of resources (resources.h), or ends with its last descriptor. */
typedef struct Prepare {
        char *name;     /* owned: the VM's */
        char *unit;     /* owned: the unit this process belongs to */
        char *runtime;  /* owned: /run/vmunit/NAME */
        bool transient; /* made by `vmunit create`: the definition is in vm_directories()->transient */
        const char *digest; /* VMUNIT_DIGEST: of the definition systemd has loaded; NULL when none */
        char *context;  /* owned: SELinuxContext= of the unit as systemd has loaded it; NULL without one */
        bool goes_on;   /* an automatic restart with a definition that is not the file's any more */
        char *kept;     /* owned: the definition the VM ran with before an automatic restart; NULL without one */
        size_t kept_size;
        SavedFile saved; /* owned: what the guest goes on from; without XML: it begins anew */
        char **credentials; /* owned: the guest's, of this start only: "NAME=VALUE" */
        int saved_mark;  /* owned: where it is written that it has */
        int vsock_fd;    /* owned: what holds the guest's address in AF_VSOCK, until QEMU does */
        int notify_fd;   /* owned: where the guest's systemd says that it is ready */
        JournalContext journal;
        Diag diag;
} Prepare;

/* INSTANCE is systemd's %i. The environment says which definition systemd has loaded: VMUNIT_SOURCE,
 * VMUNIT_DIGEST. 0 or negative errno with the reason in p->diag. */
int prepare_init(Prepare *p, const char *instance);
void prepare_done(Prepare *p);

/* The verbs. Return the exit status; messages are theirs. */
int prepare_start(Prepare *p);
int prepare_register(Prepare *p);
int prepare_cleanup(Prepare *p);

/* --- between the files of this folder --- */

/* What a definition becomes. */
typedef struct Prepared {
        Definition text; /* owned; what it was made of */
        Domain *domain; /* owned; effective */
        HostFacts facts; /* owned */
        CategoryPair pair; /* of SELinux, that of the unit's context */
        Plan *plan;     /* owned */
        UnitProperties placed; /* owned; what this start decides beside the definition, and systemd has to be told */
} Prepared;

/* Reads the definition and turns it into a plan. 0 or negative errno with the reasons in p->diag. */
int prepare_plan(Prepare *p, Prepared *ret);
void prepared_done(Prepared *x);

/* Gives back all that is in the book of the directory: fd store, sockets, and taps that were made persistent;
 * in the host's network namespace. Goes on after errors; the first one is returned. */
int give_back(const Prepare *p, int dir_fd);

/* prepare-saved.c: finds out what the guest goes on from. 0 or negative errno with the reason in p->diag. */
int take_saved(Prepare *p, int base_fd, StartOptionFlags options);

/* prepare-cloud-init.c: makes the image that is the guest's disk for cloud-init. 0 or negative errno with the reason in
 * p->diag. */
int make_cloud_init(Prepare *p, const Domain *d);

/* --- prepare-label.c: labels of SELinux --- */

/* Takes over the pair that systemd has loaded, gives the domain its labels and holds them against the unit's. */
int prepare_labels(Prepare *p, Prepared *x);
/* Makes the pair the machine's own, or says whose it is. BASE_FD is /run/vmunit. */
int claim_labels(Prepare *p, const Prepared *x, int base_fd, sd_bus *bus);
/* Labels what was opened for FD, and writes it into the book first. */
int label_opened(Prepare *p, const PlanFd *fd, int opened, const Prepared *x, int base_fd, int dir_fd, sd_bus *bus);
/* Labels a directory of the machine's own (PLAN_FD_DIRECTORY) and what is in it. */
int label_own(Prepare *p, const PlanFd *directory, int fd, const Prepared *x);
/* Labels a directory that ends with the machine. */
int label_directory(Prepare *p, int fd, const char *path, const Prepared *x);
/* The label of the file in the book; R is of RESOURCE_LABEL. */
int restore_label(const Prepare *p, const Resource *r);
/* The pair is anybody's again. */
int release_labels(const Prepare *p);

/* --- prepare-profile.c: AppArmor --- */

/* Makes the machine's profile and loads it, and writes it into the book of DIR_FD. */
int load_profile(Prepare *p, const Prepared *x, int dir_fd, sd_bus *bus);

/* --- prepare-network.c --- */

/* Does what an interface needs that was just opened, beyond its descriptors: makes it a port of a switch, runs scripts. The book
 * of DIR_FD has its own record already. 0 or negative errno with the reason in p->diag. */
int connect_interface(Prepare *p, int dir_fd, const PlanFd *fd, const OpenedFd *o);
/* The opposite, for a record of the book. What fails is a warning: 0. */
int disconnect_interface(const Prepare *p, const Resource *r);

/* Whether the directory belongs to p->unit: 1 yes, 0 to nobody, -EBUSY to another unit (*ret_other, owned by
 * the caller), else negative errno. */
int runtime_owner(const Prepare *p, int dir_fd, char **ret_other);
