/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "domain.h"

/* Internal to src/qemu: command lines as lists of options with their keys and values. */

typedef struct Prop {
        char *key;   /* owned; what was nested in JSON has dots: "file.driver" */
        char *value; /* owned; booleans are "on" and "off" */
        bool used;   /* it is part of the model */
} Prop;

/* How an option's value is written. */
typedef enum OptionForm {
        FORM_NONE = 1, /* there is none */
        FORM_PLAIN,    /* a string */
        FORM_KEYS,     /* "first,key=value", or JSON */
} OptionForm;

typedef struct Parse Parse;
typedef struct Item Item;

typedef enum OptionMerge {
        MERGE_NOT,    /* each one counts */
        MERGE_KEYS,   /* the keys of all of them together */
        MERGE_LAST,   /* the last one counts */
} OptionMerge;

typedef struct OptionRow {
        const char *name; /* "-machine" */
        OptionForm form;
        const char *implied; /* the key of a first part without one */
        OptionMerge merge;
        /* 0: it is part of the model; 1: it is not; 2: not yet; negative: errno. NULL: nobody asks. */
        int (*parse)(Parse *p, Item *i);
        unsigned phases; /* when it is asked: IN(PHASE_X); 0: in the first one */
        const char *note; /* it means nothing here, and why */
} OptionRow;

struct Item {
        const OptionRow *row; /* NULL: QEMU has no such option */
        char *option, *value; /* owned; value may be NULL */
        Prop *props; /* owned */
        size_t n_props;
        unsigned word; /* its place among the words, from 1 */
        bool used;     /* it is part of the model, or means nothing */
        bool pass;     /* it is to be handed on as it is */
        bool refused;  /* no part of the model, though each of its keys is understood */
};

typedef struct Items {
        Item *list; /* owned */
        size_t n;
} Items;

/* The options of QEMU: qemu-parse.c. */
const OptionRow *option_row(const char *name);

/* Reads the words behind the program. 0 or negative errno with the reason in DIAG. */
int items_read(char *const *argv, Diag *diag, Items *ret);
void items_done(Items *l);
#define _cleanup_items_ _cleanup_(items_done)

/* A value, not marked. NULL when it is not there. */
const char *item_get(const Item *i, const char *key);
/* The same, NULL as well when it is marked as used. */
const char *item_get_unused(const Item *i, const char *key);
/* The same, marked as used. */
const char *item_take(Item *i, const char *key);
/* Marks it as used when it has just that value, or is not there. */
bool item_take_if(Item *i, const char *key, const char *value);
/* It is not part of the model, whatever has been marked: all of it is handed on. */
void item_refuse(Item *i);
/* Whether all of it has been used. */
bool item_is_used_up(const Item *i);
/* The item of OPTION with that id, node-name, or (chardevs) whatever names it. NULL: none. */
Item *items_find(const Items *l, const char *option, const char *id);
/* What names it: "id", "node-name". NULL: nothing. */
const char *item_name(const Item *i);
