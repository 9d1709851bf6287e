# SPDX-License-Identifier: LGPL-2.1-or-later
"""Access lists of files (acl(5)), by which a machine's user is let in."""

import os

ACL = "system.posix_acl_access"


def has_list(path):
    """Has somebody an entry of his own among those who may open PATH?"""
    try:
        return bool(os.getxattr(path, ACL))
    except OSError:
        return False
