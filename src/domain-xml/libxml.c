/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <assert.h>
#include <dlfcn.h>
#include <stddef.h>
#include <stdio.h>
#include <unistd.h>

#include "libxml.h"
#include "macro.h"

#define LIBRARY (LIBXML_VERSION >= 21400 ? "libxml2.so.16" : "libxml2.so.2")

#define NAME(name) #name,
static const char *const names[] = { LIBXML_FUNCTIONS(NAME) };
#undef NAME

/* One pointer after the other, as their names are. */
static_assert(offsetof(Libxml, free) == ELEMENTSOF(names) * sizeof(void *), "Libxml has holes");

static _noreturn_ void fail(void) {
        (void) fprintf(stderr, "error while loading %s: %s\n", LIBRARY, dlerror());
        _exit(127);
}

static void *find(void *library, const char *name) {
        void *address = dlsym(library, name);

        if (!address)
                fail();
        return address;
}

const Libxml *libxml(void) {
        static Libxml l;

        if (l.free)
                return &l;
        void *library = dlopen(LIBRARY, RTLD_NOW | RTLD_NODELETE);
        if (!library)
                fail();
        for (size_t i = 0; i < ELEMENTSOF(names); i++)
                ((void **) &l)[i] = find(library, names[i]);
        l.free = find(library, "xmlFree");
        return &l;
}
