/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* print-vm-xml VM.XML.5.IN: writes the manual page to the standard output, with the reference of all elements,
 * made from the tables of src/domain-xml, in the place of the line @ELEMENTS@. */

#include <fcntl.h>
#include <stdio.h>

#include "domain-xml-tables.h"
#include "file-util.h"
#include "string-util.h"

#define TABLES_MAX 1024

/* The tables that have had their section, with its heading. */
static struct {
        const XmlTable *table;
        char *path; /* owned */
} seen[TABLES_MAX];
static size_t n_seen;

typedef bool (*RowFilter)(const XmlRow *row);

static bool is_supported(const XmlRow *row) {
        return !(row->flags & (XML_UNSUPPORTED | XML_IGNORED));
}

static bool is_unsupported(const XmlRow *row) {
        return row->flags & XML_UNSUPPORTED;
}

static bool is_ignored(const XmlRow *row) {
        return row->flags & XML_IGNORED;
}

static void for_rows(const XmlTable *t, RowFilter filter, void (*function)(const XmlRow *row, const char *path),
                     const char *path) {
        FOREACH_ARRAY(row, t->rows, t->n_rows) {
                if (row->kind == XML_INCLUDE)
                        for_rows(row->table, filter, function, path);
                else if (filter(row))
                        function(row, path);
        }
}

static bool has_rows(const XmlTable *t, RowFilter filter) {
        FOREACH_ARRAY(row, t->rows, t->n_rows)
                if (row->kind == XML_INCLUDE ? has_rows(row->table, filter) : filter(row))
                        return true;
        return false;
}

static const char *section_of(const XmlTable *t) {
        for (size_t i = 0; i < n_seen; i++)
                if (seen[i].table == t)
                        return seen[i].path;
        return NULL;
}

/* Text of ours for roff: no backslashes to take care of but those of words from enums, which have none. */
static void print_text(const char *s) {
        printf("%s%s", *s == '.' || *s == '\'' ? "\\&" : "", s);
}

static void print_words(const StringTable *words) {
        const char *separator = " \\(eq ";

        for (size_t i = 0; i < words->n_words; i++)
                if (words->words[i]) {
                        printf("%s%s", separator, words->words[i]);
                        separator = " | ";
                }
}

static const char *value_hint(const XmlRow *row) {
        return row->kind == XML_SIZE_CHILD
                       ? row->unit ? "size, MiB unless @unit says b, KB, KiB, GiB, ..." : "size, KiB unless @unit says b, KB, MiB, GiB, ..."
               : row->kind == XML_STATE_CHILD ? "@state \\(eq on | off"
               : !row->type || row->type == &xml_string || row->words ? NULL
               : row->type->expected ?: row->digits > 0 ? "hexadecimal number" : "number";
}

static void print_row(const XmlRow *row, const char *path) {
        const char *hint = value_hint(row), *section = row->table ? section_of(row->table) : NULL;

        if (row->kind == XML_CONTENT)
                printf(".It text");
        else
                printf(xml_row_is_attribute(row) ? ".It Cm @%s" : ".It Cm <%s>", row->name);
        if (row->words)
                print_words(row->words);
        else if (hint && strlen(hint) < 80)
                printf(" (%s)", hint);
        printf("\n");
        print_text(row->doc);
        printf(".%s%s%s\n", row->flags & XML_MANDATORY ? " Must be there." : "",
               row->flags & XML_READ_ONLY ? " Read; shown in today's way, or not at all." : "",
               row->flags & XML_WRITE_ONLY ? " Told of a running VM; forgotten when read." : "");
        if (section)
                printf("See\n.Sx %s .\n", section);
}

static void print_short_row(const XmlRow *row, const char *path) {
        printf(xml_row_is_attribute(row) ? ".It Cm @%s\n" : ".It Cm <%s>\n", row->name);
        print_text(row->doc);
        printf("\n");
}

static void print_list(const XmlTable *t, RowFilter filter, const char *title) {
        if (!has_rows(t, filter))
                return;
        printf(".Pp\n%s\n.Bl -tag -width 4n -compact\n", title);
        for_rows(t, filter, print_short_row, NULL);
        printf(".El\n");
}

static void print_section(const XmlTable *t, const char *path, const char *doc);

static void print_below(const XmlRow *row, const char *path) {
        _cleanup_free_ char *below = row->table ? strf("%s/%s", path, row->name) : NULL;

        if (below && !section_of(row->table) && row->table->n_rows > 0)
                print_section(row->table, below, row->doc);
}

static void print_section(const XmlTable *t, const char *path, const char *doc) {
        if (n_seen >= TABLES_MAX)
                abort();
        seen[n_seen].table = t;
        seen[n_seen++].path = strdup(path);
        printf(".Ss %s\n", path);
        print_text(doc);
        printf(".\n");
        if (has_rows(t, is_supported)) {
                printf(".Bl -tag -width 4n\n");
                for_rows(t, is_supported, print_row, path);
                printf(".El\n");
        }
        print_list(t, is_unsupported, "Refused:");
        print_list(t, is_ignored, "Read over:");
        for_rows(t, is_supported, print_below, path);
}

int main(int argc, char *argv[]) {
        _cleanup_free_ char *page = NULL;
        const char *mark;

        if (argc != 2 || read_file_limited(AT_FDCWD, argv[1], 1U << 20, &page, NULL) < 0 ||
            !(mark = strstr(page, "@ELEMENTS@\n"))) {
                fprintf(stderr, "usage: print-vm-xml VM.XML.5.IN\n");
                return EXIT_FAILURE;
        }
        printf("%.*s", (int) (mark - page), page);
        print_section(&domain_xml, "domain", "a virtual machine");
        printf("%s", strchr(mark, '\n') + 1);
        for (size_t i = 0; i < n_seen; i++)
                free(seen[i].path);
        return fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
