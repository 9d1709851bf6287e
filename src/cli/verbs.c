/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "string-util.h"
#include "verbs.h"

static const VerbTable *const tables[] = {
        &lifecycle_verb_table, &query_verb_table, &define_verb_table,  &edit_verb_table,  &console_verb_table,
        &plan_verb_table,      &run_verb_table, &save_verb_table, &dump_verb_table,   &general_verb_table, &native_verb_table, &tune_verb_table,
        &node_verb_table,      &cpu_verb_table,    &memory_verb_table, &iotune_verb_table,
        &capabilities_verb_table, &hostinfo_verb_table, &block_verb_table, &net_verb_table,
        &host_verb_table, &control_verb_table, &identity_verb_table, &metadata_verb_table,
        &display_verb_table, &stats_verb_table, &agent_verb_table, &input_verb_table,
        &event_verb_table, &status_verb_table, &top_verb_table, &shell_verb_table,
        &later_verb_table,
};

const GroupInfo verb_groups[_GROUP_MAX] = {
        [GROUP_DOMAIN] = { "Domain Management", "domain" },
        [GROUP_MONITOR] = { "Domain Monitoring", "monitor" },
        [GROUP_EVENTS] = { "Domain Events", "events" },
        [GROUP_HOST] = { "Host and Hypervisor", "host" },
        [GROUP_CHECKPOINT] = { "Checkpoint", "checkpoint" },
        [GROUP_INTERFACE] = { "Interface", "interface" },
        [GROUP_FILTER] = { "Network Filter", "filter" },
        [GROUP_NETWORK] = { "Networking", "network" },
        [GROUP_NODEDEV] = { "Node Device", "nodedev" },
        [GROUP_SECRET] = { "Secret", "secret" },
        [GROUP_SNAPSHOT] = { "Snapshot", "snapshot" },
        [GROUP_BACKUP] = { "Backup", "backup" },
        [GROUP_POOL] = { "Storage Pool", "pool" },
        [GROUP_VOLUME] = { "Storage Volume", "volume" },
        [GROUP_VIRSH] = { "Virsh itself", "virsh" },
};

void verbs_foreach(void (*function)(const Verb *v, void *userdata), void *userdata) {
        for (size_t i = 0; i < ELEMENTSOF(tables); i++)
                FOREACH_ARRAY(v, tables[i]->verbs, tables[i]->n_verbs)
                        function(v, userdata);
}

const Verb *verb_find(const char *name) {
        for (size_t i = 0; i < ELEMENTSOF(tables); i++)
                FOREACH_ARRAY(v, tables[i]->verbs, tables[i]->n_verbs)
                        if (streq(v->name, name))
                                return v;
        return NULL;
}

typedef struct VerbList {
        VerbGroup group;
        bool missing;
        const Verb **items;
        size_t n;
} VerbList;

static void collect(const Verb *v, void *userdata) {
        VerbList *l = userdata;

        if ((!v->run && !l->missing) || v->hidden || (l->group != _GROUP_MAX && v->group != l->group))
                return;
        if (l->items)
                l->items[l->n] = v;
        l->n++;
}

static int compare_verbs(const void *a, const void *b) {
        return strcmp((*(const Verb *const *) a)->name, (*(const Verb *const *) b)->name);
}

const Verb **verbs_sorted(VerbGroup group, bool missing) {
        VerbList l = { .group = group, .missing = missing };

        /* Once to count, once to collect. */
        verbs_foreach(collect, &l);
        l.items = calloc(l.n + 1, sizeof(Verb *));
        if (!l.items)
                return NULL;
        l.n = 0;
        verbs_foreach(collect, &l);
        qsort(l.items, l.n, sizeof(Verb *), compare_verbs);
        return l.items;
}
