/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "label.h"

/* Who has which categories: /run/vmunit/.labels/cA,cB, each a file with the machine's name in it. It is the arbiter:
 * whoever starts a machine has its pair here first, made exclusively, and under a lock of the directory. An entry
 * counts as long as its machine runs, or somebody holds it; otherwise whoever needs it takes it over. */
#define LABEL_REGISTRY ".labels" /* with a dot, which no VM's name begins with */

/* Whether the machine NAME runs. */
typedef bool (*LabelRuns)(void *userdata, const char *name);

/* The registry in BASE_FD, /run/vmunit. A descriptor or negative errno. */
int label_registry_open(int base_fd, bool create);

/* A descriptor that keeps everybody else out until it is closed. */
int label_registry_lock(int dir_fd);

/* All pairs but those of the machine NAME (may be NULL) are added to TAKEN; 1 when it has one itself, which goes to
 * *ret_own, else 0. */
int label_registry_read(int dir_fd, const char *name, CategoryPairs *taken, CategoryPair *ret_own);

/* Makes PAIR the machine NAME's. -EBUSY when it is another one's that runs, whose name is in *ret_owner then (owned by
 * the caller). */
int label_registry_claim(int dir_fd, CategoryPair pair, const char *name, LabelRuns runs, void *userdata, char **ret_owner);

/* Chooses a pair for NAME that is neither in the registry nor TAKEN, and claims it. Returns a descriptor that holds it
 * until it is closed, as the machine does not run yet; -ENOSPC when there is none left. */
int label_registry_draw(int dir_fd, const char *name, const NumberSet *categories, LabelOwner owner,
                        const CategoryPairs *taken, LabelRuns runs, void *userdata, CategoryPair *ret);

/* Gives up all that is NAME's. */
int label_registry_release(int dir_fd, const char *name);
