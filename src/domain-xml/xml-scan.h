/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "diag.h"

/* Where the elements of a definition stand in its text: for changing the text itself (xml-edit.c). It reads what
 * libxml2 has read without an error, and refuses whatever it does not understand. */

#define XML_NO_ELEMENT SIZE_MAX

typedef struct XmlElement {
        size_t parent, first_child, last_child, next; /* numbers of elements, or XML_NO_ELEMENT */
        size_t start;                                 /* at the "<" */
        size_t name_size;                             /* the name begins at start + 1 */
        size_t attributes_end;                        /* behind the last attribute, or the name */
        size_t content;                               /* behind the start tag */
        size_t content_end;                           /* at the "</"; = content for an empty tag */
        size_t end;                                   /* behind the element */
        bool empty_tag;                               /* <x/> */
        bool foreign;                                 /* has a namespace, or stands in one that has */
} XmlElement;

typedef struct XmlScan {
        const char *text; /* not owned */
        size_t size;
        XmlElement *elements; /* owned; in the order of their start tags, 0 is the root */
        size_t n_elements;
} XmlScan;

typedef struct XmlScanAttribute {
        size_t start;             /* of the name */
        size_t name_size;
        size_t value, value_size; /* between the quotes */
        char quote;
} XmlScanAttribute;

/* 0, -EINVAL, -EOPNOTSUPP (encoding) or -ENOMEM, the first two explained in DIAG. S is done by the caller in any
 * case. */
int xml_scan(const char *text, size_t size, Diag *diag, XmlScan *s);
void xml_scan_done(XmlScan *s);
#define _cleanup_xml_scan_ _cleanup_(xml_scan_done)

SrcLoc xml_scan_loc(const XmlScan *s, size_t offset);
bool xml_scan_is_named(const XmlScan *s, const XmlElement *e, const char *name);

/* Attributes in turn: *AT is 0 at first. False behind the last one. */
bool xml_scan_next_attribute(const XmlScan *s, const XmlElement *e, size_t *at, XmlScanAttribute *ret);
bool xml_scan_find_attribute(const XmlScan *s, const XmlElement *e, const char *name, XmlScanAttribute *ret);

/* What an element's content consists of, in turn: *AT is e->content at first. False at the end. */
typedef enum XmlPieceKind {
        XML_PIECE_TEXT,
        XML_PIECE_CDATA,   /* with its brackets */
        XML_PIECE_ASIDE,   /* a comment or a processing instruction */
        XML_PIECE_ELEMENT, /* a child: ends behind it */
} XmlPieceKind;
typedef struct XmlPiece {
        XmlPieceKind kind;
        size_t start, end;
} XmlPiece;
/* CHILD is e->first_child at first. */
bool xml_scan_next_piece(const XmlScan *s, const XmlElement *e, size_t *at, size_t *child, XmlPiece *ret);

/* The meaning of a piece of text (references resolved), without white space around it. Owned by the caller; NULL
 * when memory is out or a reference is none of the five nor a number. */
char *xml_scan_decode(const XmlScan *s, size_t start, size_t size);
/* The text of an element, without its children's. */
char *xml_scan_element_text(const XmlScan *s, const XmlElement *e);
