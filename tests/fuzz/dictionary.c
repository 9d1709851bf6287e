/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Prints libFuzzer's dictionary of the element tables: every element, every attribute, every word. */

#include "domain-xml-tables.h"
#include "fuzz.h"

static void print_row(const char *path, const XmlRow *row, void *userdata) {
        if (row->name && (row->kind == XML_ATTRIBUTE || row->kind == XML_KNOWN_ATTRIBUTE))
                printf("\" %s=\\\"\"\n", row->name);
        else if (row->name)
                printf("\"<%s>\"\n\"</%s>\"\n", row->name, row->name);
        for (size_t i = 0; row->words && i < row->words->n_words; i++)
                if (row->words->words[i])
                        printf("\"%s\"\n", row->words->words[i]);
}

int main(void) {
        xml_table_walk(&domain_xml, "domain", print_row, NULL);
        return EXIT_SUCCESS;
}
