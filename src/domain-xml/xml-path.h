/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "xml-scan.h"

/* The paths of xml-edit.h, taken apart. */

#define XML_PATH_STEPS_MAX 12U

typedef struct XmlCondition {
        char **names;      /* owned: of the elements in between; NULL: none */
        char *attribute;   /* owned; NULL: the text */
        char *value;       /* owned; NULL: a position */
        unsigned position; /* from 1 */
} XmlCondition;

typedef struct XmlStep {
        char *name; /* owned */
        XmlCondition *conditions; /* owned, n_conditions */
        size_t n_conditions;
} XmlStep;

typedef struct XmlPath {
        XmlStep steps[XML_PATH_STEPS_MAX];
        size_t n_steps;
} XmlPath;

/* 0, -EINVAL when PATH is none, or -ENOMEM. */
int xml_path_parse(const char *path, XmlPath *ret);
void xml_path_done(XmlPath *p);
#define _cleanup_xml_path_ _cleanup_(xml_path_done)

/* The children of element PARENT that STEP means, in turn: *ret is XML_NO_ELEMENT at first, and again behind the
 * last one. 0, -EINVAL or -ENOMEM. A position can only be the last of the conditions. */
int xml_path_next(const XmlScan *s, size_t parent, const XmlStep *step, size_t *ret);
