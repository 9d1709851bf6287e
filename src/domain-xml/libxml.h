/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <libxml/SAX2.h>
#include <libxml/parser.h>
#include <libxml/parserInternals.h>
#include <libxml/relaxng.h>
#include <libxml/tree.h>
#include <libxml/uri.h>
#include <libxml/xpath.h>

/* libxml2, which is loaded when the first of these is called. It brings ICU and the run time of C++ with it, and to link them takes
 * a millisecond, a quarter of what a command takes that has no XML to read. */
#define LIBXML_FUNCTIONS(X)                                                                                                     \
        X(xmlAddChild) X(xmlAddPrevSibling) X(xmlBufferContent) X(xmlBufferCreate) X(xmlBufferFree) X(xmlCtxtGetLastError)      \
        X(xmlCtxtReadMemory) X(xmlDocCopyNode) X(xmlDocGetRootElement) X(xmlFirstElementChild) X(xmlFreeDoc) X(xmlFreeNode)     \
        X(xmlFreeNs) X(xmlFreeParserCtxt) X(xmlFreeURI) X(xmlGetNoNsProp) X(xmlIsBlankNode) X(xmlNewDocNode) X(xmlNewDocText)   \
        X(xmlNewNs) X(xmlNewParserCtxt) X(xmlNextElementSibling) X(xmlNodeDump) X(xmlParseURI) X(xmlRelaxNGFree)                \
        X(xmlRelaxNGFreeParserCtxt) X(xmlRelaxNGFreeValidCtxt) X(xmlRelaxNGNewMemParserCtxt) X(xmlRelaxNGNewValidCtxt)          \
        X(xmlRelaxNGParse) X(xmlRelaxNGSetValidStructuredErrors) X(xmlRelaxNGValidateDoc) X(xmlSetNs) X(xmlStopParser)          \
        X(xmlStrdup) X(xmlStrlen) X(xmlURIUnescapeString) X(xmlUnlinkNode) X(xmlValidateNCName) X(xmlXPathEval)                 \
        X(xmlXPathFreeContext) X(xmlXPathFreeObject) X(xmlXPathNewContext)

typedef struct Libxml {
#define LIBXML_FIELD(name) typeof(name) *name;
        LIBXML_FUNCTIONS(LIBXML_FIELD)
#undef LIBXML_FIELD
        xmlFreeFunc *free;
} Libxml;

/* Ends the process, as the dynamic linker would, when the library is not there. */
const Libxml *libxml(void);

#define xmlAddChild (libxml()->xmlAddChild)
#define xmlAddPrevSibling (libxml()->xmlAddPrevSibling)
#define xmlBufferContent (libxml()->xmlBufferContent)
#define xmlBufferCreate (libxml()->xmlBufferCreate)
#define xmlBufferFree (libxml()->xmlBufferFree)
#define xmlCtxtGetLastError (libxml()->xmlCtxtGetLastError)
#define xmlCtxtReadMemory (libxml()->xmlCtxtReadMemory)
#define xmlDocCopyNode (libxml()->xmlDocCopyNode)
#define xmlDocGetRootElement (libxml()->xmlDocGetRootElement)
#define xmlFirstElementChild (libxml()->xmlFirstElementChild)
#define xmlFreeDoc (libxml()->xmlFreeDoc)
#define xmlFreeNode (libxml()->xmlFreeNode)
#define xmlFreeNs (libxml()->xmlFreeNs)
#define xmlFreeParserCtxt (libxml()->xmlFreeParserCtxt)
#define xmlFreeURI (libxml()->xmlFreeURI)
#define xmlGetNoNsProp (libxml()->xmlGetNoNsProp)
#define xmlIsBlankNode (libxml()->xmlIsBlankNode)
#define xmlNewDocNode (libxml()->xmlNewDocNode)
#define xmlNewDocText (libxml()->xmlNewDocText)
#define xmlNewNs (libxml()->xmlNewNs)
#define xmlNewParserCtxt (libxml()->xmlNewParserCtxt)
#define xmlNextElementSibling (libxml()->xmlNextElementSibling)
#define xmlNodeDump (libxml()->xmlNodeDump)
#define xmlParseURI (libxml()->xmlParseURI)
#define xmlRelaxNGFree (libxml()->xmlRelaxNGFree)
#define xmlRelaxNGFreeParserCtxt (libxml()->xmlRelaxNGFreeParserCtxt)
#define xmlRelaxNGFreeValidCtxt (libxml()->xmlRelaxNGFreeValidCtxt)
#define xmlRelaxNGNewMemParserCtxt (libxml()->xmlRelaxNGNewMemParserCtxt)
#define xmlRelaxNGNewValidCtxt (libxml()->xmlRelaxNGNewValidCtxt)
#define xmlRelaxNGParse (libxml()->xmlRelaxNGParse)
#define xmlRelaxNGSetValidStructuredErrors (libxml()->xmlRelaxNGSetValidStructuredErrors)
#define xmlRelaxNGValidateDoc (libxml()->xmlRelaxNGValidateDoc)
#define xmlSetNs (libxml()->xmlSetNs)
#define xmlStopParser (libxml()->xmlStopParser)
#define xmlStrdup (libxml()->xmlStrdup)
#define xmlStrlen (libxml()->xmlStrlen)
#define xmlURIUnescapeString (libxml()->xmlURIUnescapeString)
#define xmlUnlinkNode (libxml()->xmlUnlinkNode)
#define xmlValidateNCName (libxml()->xmlValidateNCName)
#define xmlXPathEval (libxml()->xmlXPathEval)
#define xmlXPathFreeContext (libxml()->xmlXPathFreeContext)
#define xmlXPathFreeObject (libxml()->xmlXPathFreeObject)
#define xmlXPathNewContext (libxml()->xmlXPathNewContext)
#undef xmlFree
#define xmlFree (*libxml()->free)
