/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "categories.h"
#include "diag.h"
#include "domain.h"
#include "host-facts.h"

/* Labels of SELinux: what QEMU, its supervisor and its files run with and are marked with. Each machine has two
 * categories of its own (sVirt), so that not even two QEMUs of one type can touch each other's files. What is here
 * decides; src/host asks the kernel and sets labels. */

/* "user:role:type:level"; the level may have colons of its own, or be missing. */
typedef struct SelinuxContext {
        char *user, *role, *type, *level; /* owned */
} SelinuxContext;

void selinux_context_done(SelinuxContext *c);
#define _cleanup_selinux_context_ _cleanup_(selinux_context_done)

/* -EINVAL for what is no context. */
int selinux_context_parse(const char *s, SelinuxContext *ret);
/* NULL when memory is out. */
char *selinux_context_format(const SelinuxContext *c);
/* S with another level. */
int selinux_context_with_level(const char *s, const char *level, char **ret);

/* --- pairs of categories --- */

typedef struct CategoryPair {
        unsigned low, high; /* low < high */
} CategoryPair;

/* "s0:c1,c2" or "c1,c2", in any order: two that differ, no ranges ("s0-s0:c1", "c1.c5"). -EINVAL for all else. */
int category_pair_parse(const char *level, CategoryPair *ret);
#define CATEGORY_PAIR_MAX sizeof("c1023,c1022")
void category_pair_format(CategoryPair pair, char ret[CATEGORY_PAIR_MAX]);
/* The pair in the level of a context: 1, or 0 when there is none. */
int category_pair_of_context(const char *context, CategoryPair *ret);

/* A set of pairs. {} is the empty one. */
typedef struct CategoryPairs {
        uint64_t *bits; /* owned; NULL when nothing was ever added */
} CategoryPairs;

void category_pairs_done(CategoryPairs *s);
#define _cleanup_category_pairs_ _cleanup_(category_pairs_done)
int category_pairs_add(CategoryPairs *s, CategoryPair pair);
void category_pairs_remove(CategoryPairs *s, CategoryPair pair);
bool category_pairs_has(const CategoryPairs *s, CategoryPair pair) _pure_;

/* Who chooses: definitions take pairs with an even sum, machines without a file those with an odd one. Both choose at
 * different times, and can never meet. */
typedef enum LabelOwner {
        LABEL_OF_DEFINITION,
        LABEL_OF_TRANSIENT,
} LabelOwner;

/* The pair of the machine NAME out of CATEGORIES: always the same one where it is not among TAKEN, else the next that
 * is free. -ENOSPC when none is. */
int category_pair_choose(const char *name, const NumberSet *categories, LabelOwner owner, const CategoryPairs *taken,
                         CategoryPair *ret);

/* --- labels of a machine --- */

/* Facts as a test has them, words: "permissive", "no-module", "process=CONTEXT", "process-emulated=…", "image=…",
 * "content=…", "categories=c0.c9"; what is not said is as on Debian, enforcing. */
int selinux_facts_parse(const char *s, SelinuxFacts *ret);

#define SUPERVISOR_TYPE "vmunit_supervisor_t"

/* The <seclabel> that speaks of SELinux: of that model, or of none in particular. NULL without one. */
const DomainSeclabel *domain_selinux(const Domain *d) _pure_;
/* Whether D is to run with labels on a machine that is as FACTS say. */
bool domain_wants_selinux(const Domain *d, const HostFacts *f) _pure_;
/* Whether a pair has to be chosen for it: no static label says which. */
bool domain_needs_pair(const Domain *d, const HostFacts *f) _pure_;
/* The pair that the definition itself fixes by a static label: 1, else 0. */
int domain_static_pair(const Domain *d, CategoryPair *ret);

/* Can the machine give it the labels it asks for, and those it has to have? 0, also with warnings, or -ENODEV with the
 * reason in DIAG. */
int domain_check_selinux(const Domain *d, const HostFacts *f, Diag *diag);

/* Gives D its labels for one run, as `dumpxml` shows them: <label> and <imagelabel> of its <seclabel>, which is made
 * when there is none. PAIR is not used for a static label. Does nothing on a machine without SELinux. 0 or negative
 * errno with the reason in DIAG. */
int domain_set_selinux(Domain *d, const HostFacts *f, CategoryPair pair, Diag *diag);
/* Takes them away again. */
void domain_forget_selinux(Domain *d);
/* The same for the user and group, as numbers. */
int domain_set_dac(Domain *d, uint32_t uid, uint32_t gid);

/* --- AppArmor --- */

/* The <seclabel> that speaks of AppArmor; NULL without one. One without a model speaks of SELinux, until
 * domain_set_apparmor() has found out that it is this machine's AppArmor that it means. */
const DomainSeclabel *domain_apparmor(const Domain *d) _pure_;
/* Whether D is to run with a profile on a machine that is as FACTS say. */
bool domain_wants_apparmor(const Domain *d, const HostFacts *f) _pure_;
/* The profile that D, which has its labels, is to run with, or NULL. */
const char *domain_apparmor_profile(const Domain *d, const HostFacts *f) _pure_;
/* Facts as a test has them, words: "no-parser"; what is not said is as on Debian. */
void apparmor_facts_parse(const char *s, ApparmorFacts *ret);
/* As domain_check_selinux(). */
int domain_check_apparmor(const Domain *d, const HostFacts *f, Diag *diag);
/* As domain_set_selinux(): the label is the name of the profile. */
int domain_set_apparmor(Domain *d, const HostFacts *f, Diag *diag);

/* Both kinds of labels. */
int domain_set_labels(Domain *d, const HostFacts *f, CategoryPair pair, Diag *diag);

/* The context of the supervisor of D, which has its labels. *ret is NULL when it is to have none. */
int domain_supervisor_context(const Domain *d, const HostFacts *f, char **ret);

/* Which user the definition names (<seclabel type='static' model='dac'>), or else vmunit.conf: "+107:+107" is "107" and
 * "107", "qemu:kvm" are names. 1, or 0 when it is one of its own, or -EINVAL when it is wrong. */
int domain_static_user(const Domain *d, const HostFacts *f, char **ret_user, char **ret_group);
