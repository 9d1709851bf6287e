/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* MESSAGE_ID= of what an administrator may look for in the journal (sd_journal_print(3)). Each has an entry in
 * the catalog, units/vmunit.catalog, and is sent by root's steps: the journal's socket is not in reach of what runs in the
 * unit's sandbox. Values are random and never change their meaning. */
#define MESSAGE_ID_VM_PREPARED "69f05a5c09974970b417a080bdf607a0"        /* all resources are open */
#define MESSAGE_ID_VM_PREPARE_FAILED "244c9612c35d411c9570f15aa3290ef9"  /* a VM cannot start */
#define MESSAGE_ID_VM_STARTED "70752eda489e4dcfaea9097472bce36d"         /* the guest runs */
#define MESSAGE_ID_VM_STOPPED "272fbc29515941c3964184f119d9b8ec"         /* the unit ended; why */
#define MESSAGE_ID_HOST_GOES_DOWN "0054cb38b6ccf66559f6a10bf35bd7da"        /* a VM is saved or ended because of that */
#define MESSAGE_ID_VM_CRASHED "d6434bfcf0074b4a87f14eff29cb4611"         /* QEMU or the supervisor died */
#define MESSAGE_ID_GUEST_PANICKED "f0a52fef302f4de8a2e9ffec719e926b"     /* the guest's kernel panicked */
#define MESSAGE_ID_DEFINITION_SECRET "a4b21c166a31414780576203e6befce7"  /* a definition with a secret is readable */
#define MESSAGE_ID_REGISTER_FAILED "2dbe7cef99684a0184f78faefb2d8a92"    /* systemd-machined does not know the VM */
