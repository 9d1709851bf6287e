/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "domain.h"

/* The file in a VM's state directory that remembers where its devices were: root's, readable for all who look at
 * plans. */
#define PLACES_RECORD "places"

/* Reads it into D, which is not completed yet. No file is fine; a broken one is a warning, and nothing is
 * remembered. 0 or -ENOMEM. */
int places_record_load(const char *name, Domain *d, Diag *diag);
/* Writes what is to be remembered of D, which is completed. 0 or negative errno with the reason in DIAG. */
int places_record_save(const char *name, const Domain *d, Diag *diag);
/* Forgets. 0, also when there is nothing, or negative errno. */
int places_record_remove(const char *name);
