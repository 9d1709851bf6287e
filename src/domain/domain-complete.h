/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "domain.h"
#include "host-facts.h"

/* Steps of domain_complete() that have files of their own. 0 or negative errno. */
int domain_complete_disks(Domain *d, const HostFacts *facts);
int domain_complete_sysinfos(Domain *d, const HostFacts *facts);
int domain_complete_platform(Domain *d, const HostFacts *facts);
int domain_complete_chars(Domain *d, const HostFacts *facts);
int domain_complete_cloud_init(Domain *d, const HostFacts *facts);
int domain_complete_hostdevs(Domain *d, const HostFacts *facts); /* vsock, shmem too */
int domain_complete_interfaces(Domain *d, const HostFacts *facts);

/* A UUID made of the machine, the VM's name, what it is for and the position of whom it is for: always the same
 * one. 0 or -ENOMEM. */
int domain_derive_uuid(const Domain *d, const HostFacts *facts, const char *purpose, unsigned position,
                       uint8_t ret[16]);
int domain_complete_tune(Domain *d, const HostFacts *facts);
int domain_complete_memory(Domain *d, const HostFacts *facts);
/* What a host's end says when it does not say it. */
void domain_complete_char_source(CharSource *s);
int domain_complete_inputs(Domain *d, const HostFacts *facts); /* domain-complete-graphics.c */
int domain_complete_graphics(Domain *d, const HostFacts *facts);
int domain_complete_videos(Domain *d, const HostFacts *facts);
int domain_complete_audio(Domain *d, const HostFacts *facts);
/* Whether what domain_complete_audio() adds is all there is. */
bool domain_audio_is_implicit(const Domain *d) _pure_;
int domain_complete_seclabels(Domain *d, const HostFacts *facts);
