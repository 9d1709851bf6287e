/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "diag.h"

/* The nodes of a definition of ours that an XPath expression names, each as text on a line of its own; WRAP: as
 * children of one <nodes>. 0, -EINVAL when XPATH is no expression that gives nodes (see DIAG) or -ENOMEM. */
int xml_select(const char *xml, const char *xpath, bool wrap, Diag *diag, char **ret);
