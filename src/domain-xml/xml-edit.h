/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "diag.h"
#include "domain.h"

/* Changes to the text of a definition: one value becomes another, and all the rest of the text stays byte for
 * byte: comments, quotes, order, line ends, what is unknown, the notes of other programs.
 *
 * A path is names of elements below <domain>, with "/" in between; "" is <domain> itself. Each name may be followed
 * by conditions in brackets:
 *
 *   cputune/shares
 *   cputune/vcpupin[@vcpu='2']                      an attribute of the element
 *   blkiotune/device[path='/dev/sda']/weight        the text of a child element
 *   devices/disk[target/@dev='vda']/iotune          either, of an element further below
 *   devices/disk[3]                                 the third one of those that match so far
 *
 * Values stand in ' or " (a quote in the value is doubled: xml_path_quote()); they are compared without the white
 * space around them, and as numbers if both are numbers. Of several elements that match, the first one is
 * meant. Elements of a namespace, and what is in them, are never meant. */

typedef struct XmlEdit {
        const char *path;
        const char *attribute; /* of the element; NULL: its text, or the element as a whole */
        /* The new value, unescaped. NULL removes the attribute, or all elements that match; an element that is left
         * without attributes and content by that goes too, up to but not including <devices> and <domain>. */
        const char *value;
        /* An element as XML, "<vcpupin vcpu='2' cpuset='0'/>", indented by two blanks a level from column 0 if it
         * has several lines: becomes a new child of PATH in libvirt's order, behind those of its name; attribute
         * and value are NULL then. */
        const char *element;
        bool replace; /* with ELEMENT: PATH is not the parent but the element in whose place it comes; it is there */
        bool verbatim; /* with ELEMENT: its lines are not indented anew */
} XmlEdit;

/* Applies the edits in turn. What PATH names and is not there is made, with the attribute or child that a condition
 * names, in the place where libvirt would write it and indented as what stands around it. But elements with a
 * condition on something further below, or on a number, have to be there: -ENOENT, nothing said if DIAG has it not.
 * Removing what is not there is no error.
 *
 * TEXT has been read by domain_from_xml() without an error; still -EINVAL for whatever is not understood.
 * -EOPNOTSUPP: another encoding than UTF-8 or ASCII; -EFBIG: the result would be larger than a definition may be;
 * -ENOMEM. All but the last are explained in DIAG (may be NULL). *ret ends with a NUL that *ret_size (may be
 * NULL) does not count. The result is not validated: the caller parses it. */
int xml_edit_apply(const char *text, size_t size, const XmlEdit *edits, size_t n_edits, Diag *diag, char **ret,
                   size_t *ret_size);

/* VALUE in quotes, for a condition: 'vda'. Owned by the caller; NULL when memory is out. */
char *xml_path_quote(const char *value);

/* --- lists of edits that own their strings --- */

typedef struct XmlEdits {
        XmlEdit *items; /* owned, and so are all their strings */
        size_t n_items;
} XmlEdits;

void xml_edits_done(XmlEdits *e);
#define _cleanup_xml_edits_ _cleanup_(xml_edits_done)

/* Appends copies of N edits. 0 or -ENOMEM. */
int xml_edits_copy(XmlEdits *e, const XmlEdit *edits, size_t n) _warn_unused_;

/* Appends "the text of the element PATH becomes VALUE" (NULL: goes, with the element); VALUE is copied. PATH is a
 * format. 0 or -ENOMEM. */
int xml_edits_text(XmlEdits *e, const char *value, const char *path, ...) _printf_(3, 4) _warn_unused_;
/* The same for an attribute. */
int xml_edits_attribute(XmlEdits *e, const char *attribute, const char *value, const char *path, ...)
        _printf_(4, 5) _warn_unused_;
/* The text becomes a number. */
int xml_edits_u64(XmlEdits *e, uint64_t value, const char *path, ...) _printf_(3, 4) _warn_unused_;
/* All elements of that path go. */
int xml_edits_remove(XmlEdits *e, const char *path, ...) _printf_(2, 3) _warn_unused_;
/* A new child of PATH. */
int xml_edits_element(XmlEdits *e, const char *element, const char *path, ...) _printf_(3, 4) _warn_unused_;
