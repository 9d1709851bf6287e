/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "domain.h"
#include "plan.h"
#include "qemu-argv.h"
#include "qemu-caps.h"

/* What is too slow to be done with every input: TEXT, a definition that is valid as it was written, decides by its
 * bytes which of it is done, so that an input always has the same done to it. EFFECTIVE is what became of it.
 *
 * The schema takes what is written; the forms of the definition for people; nodes by XPath; the same places are
 * given out again when they are remembered, and others do no harm; the command line becomes a definition again. */
void fuzz_check_written(const char *text);
void fuzz_check_effective(const char *text, const Domain *effective, const char *effective_text, const QemuCaps *caps);
void fuzz_check_command_line(const char *text, const QemuArgv *argv);
/* The plan's other forms: the drop-in, and what the supervisor reads. */
void fuzz_check_plan(const Plan *p);
