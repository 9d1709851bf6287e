/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "manager.h"

/* test:///default: a host and machines made up within the process, as libvirt's test driver has them. What they are is in a
 * directory of the process's own, which goes when it ends; nothing runs, and nothing of the host is touched. A machine does at
 * once what it is told: the verbs change its files, and whether there is a unit of it. */
typedef struct TestBackend TestBackend;
extern const ManagerBackend manager_backend_test;

/* With its one running machine, `test`. The scope of the whole process is VM_SCOPE_TEST from now on: there is one backend at a
 * time. 0, or negative errno with the reason in DIAG. */
int test_backend_new(Diag *diag, TestBackend **ret);
TestBackend *test_backend_free(TestBackend *b);
DEFINE_CLEANUP(TestBackend *, test_backend_free)

/* A manager of B's machines, which B outlives. */
int test_backend_manager(TestBackend *b, Manager **ret);

/* What is in "host" below DIRECTORY: the /sys and /proc of a host with two nodes of eight CPUs. */
int test_host_write(const char *directory);
/* PATH below DIRECTORY, with the directories above it. */
int test_file_write(const char *directory, const char *path, const char *text);
