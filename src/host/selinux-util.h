/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "host-facts.h"

/* selinux.c with libselinux, selinux-fallback.c without. */

/* What this machine's SELinux is like; {} when it has none, or it is off. CATEGORIES are those that may be used; none
 * at all means all. 0 or -ENOMEM. */
int selinux_facts_gather(const NumberSet *categories, SelinuxFacts *ret);

/* The context in which an emulator is asked what it can do: that of a machine without KVM, since it translates code
 * then, which policies refuse most others; with no categories. NULL where it goes without: no SELinux, no module. */
int selinux_probe_context(char **ret);

/* From now on sockets are made with this process's lowest level, or as usual again. What connects to a confined process,
 * or is handed to one, must not have categories that it lacks: the kernel gives a connection the level of its client.
 * Leaves errno alone. */
void selinux_lower_sockets(bool lower);

/* As setexeccon(), without memory of libselinux's: for the time between fork() and execve(). */
int selinux_set_exec(const char *context);
