/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "qemu-caps.h"

/* Asks a QEMU that was started with `-machine none` what it can do, over the QMP socket FD, until DEADLINE_USEC
 * of CLOCK_MONOTONIC. Blocks. QEMU is not trusted: answers have limits of size, depth and number. 0, -ETIMEDOUT,
 * -ECONNRESET when it went away, -EBADMSG when it does not speak QMP, -EFBIG, -EREMOTEIO when it refuses. */
int qemu_query_caps(int fd, uint64_t deadline_usec, QemuCaps **ret);
/* The same for a QEMU that was started with KVM, and for nothing but the host's processor; CAPS has what was asked
 * before. Does nothing, and is no error, where KVM cannot be used. */
int qemu_query_kvm_cpu(int fd, uint64_t deadline_usec, QemuCaps *caps);
