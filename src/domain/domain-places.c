/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "domain-places.h"
#include "domain.h"
#include "parse-util.h"
#include "string-util.h"
#include "strv.h"
#include "text.h"

#define PLACES_VERSION "vmunit-places 1"
#define PLACES_MAX 4096U
#define FIELD_MAX 512U
#define FIELDS 5U

static void place_done(DomainPlace *p) {
        free(p->key);
        free(p->alias);
        free(p->address);
        free(p->added);
}

void domain_places_done(DomainPlaces *p) {
        FOREACH_ARRAY(i, p->items, p->n_items)
                place_done(i);
        free(p->items);
        free(p->machine);
        *p = (DomainPlaces) {};
}

/* --- the text: a line of fields between tabs for each device, "-" where there is nothing --- */

static int take_field(const char *field, size_t length, char **ret) {
        if (length > FIELD_MAX || length == 0)
                return -EBADMSG;
        if (length == 1 && *field == '-')
                return 0;
        *ret = strndup(field, length);
        return !*ret ? -ENOMEM : utf8_is_printable(*ret) ? 0 : -EBADMSG;
}

/* Of no card: that of nobody and those of many. */
static bool mac_is_no_card(const uint8_t mac[6]) {
        static const uint8_t nobody[6];

        return memcmp(mac, nobody, 6) == 0 || (mac[0] & 1);
}

static int parse_place(const char *line, DomainPlace *ret) {
        _cleanup_free_ char *mac = NULL;
        char **fields[FIELDS] = { &ret->key, &ret->alias, &mac, &ret->address, &ret->added };

        for (size_t i = 0; i < FIELDS; i++) {
                size_t length = strcspn(line, "\t");
                int r = take_field(line, length, fields[i]);

                if (r < 0)
                        return r;
                line += length;
                if ((i + 1 < FIELDS) != (*line == '\t'))
                        return -EBADMSG;
                line++;
        }
        if (!ret->key || (mac && (parse_mac(mac, ret->mac) < 0 || mac_is_no_card(ret->mac))))
                return -EBADMSG;
        ret->has_mac = mac;
        return 0;
}

int domain_places_parse(const char *text, DomainPlaces *ret) {
        _cleanup_(domain_places_done) DomainPlaces p = {};
        _cleanup_strv_ char **lines = NULL;
        int r = strv_split(text, "\n", &lines);

        if (r < 0)
                return r;
        size_t n = strv_length(lines);
        if (n < 2 || n > PLACES_MAX + 2 || !streq(lines[0], PLACES_VERSION) || strlen(lines[1]) > FIELD_MAX)
                return -EBADMSG;
        p.machine = strdup(lines[1]);
        p.items = calloc(n, sizeof(DomainPlace));
        if (!p.machine || !p.items)
                return -ENOMEM;
        for (size_t i = 2; i < n; i++)
                if ((r = parse_place(lines[i], &p.items[p.n_items++])) < 0)
                        return r;
        *ret = p;
        p = (DomainPlaces) {};
        return 0;
}

static bool is_writable(const DomainPlace *p) {
        const char *fields[] = { p->key, p->alias, p->address, p->added };

        for (size_t i = 0; i < ELEMENTSOF(fields); i++)
                if (fields[i] && (strlen(fields[i]) > FIELD_MAX || !utf8_is_printable(fields[i]) || isempty(fields[i])))
                        return false;
        return p->key;
}

int domain_places_format(const DomainPlaces *p, char **ret) {
        _cleanup_text_ Text t = {};
        size_t n = 0;

        text_appendf(&t, PLACES_VERSION "\n%s\n", strempty(p->machine));
        FOREACH_ARRAY(i, p->items, p->n_items) {
                /* A name with a line break in it is a device that is not remembered. */
                if (!is_writable(i) || n++ >= PLACES_MAX)
                        continue;
                text_appendf(&t, "%s\t%s\t", i->key, i->alias ?: "-");
                if (i->has_mac)
                        text_appendf(&t, "%02x:%02x:%02x:%02x:%02x:%02x", i->mac[0], i->mac[1], i->mac[2], i->mac[3],
                                     i->mac[4], i->mac[5]);
                else
                        text_append_char(&t, '-');
                text_appendf(&t, "\t%s\t%s\n", i->address ?: "-", i->added ?: "-");
        }
        return text_finish(&t, ret);
}

DomainPlace *domain_place_find(DomainPlaces *p, const char *alias, const char *key) {
        FOREACH_ARRAY(i, p->items, p->n_items)
                if (!i->used && alias && startswith(alias, "ua-") && streq_ptr(i->alias, alias))
                        return i;
        FOREACH_ARRAY(i, p->items, p->n_items)
                if (!i->used && streq_ptr(i->key, key))
                        return i;
        return NULL;
}

/* --- MAC addresses --- */

static const char *source_of(const DomainInterface *i) {
        return i->source_bridge ?: i->source_network ?: i->source_dev ?: "-";
}

static bool is_anonymous(const DomainInterface *i) {
        return !i->has_mac || i->mac_added;
}

char *interface_place_key(const Domain *d, const DomainInterface *i) {
        unsigned n = 1;

        FOREACH_ARRAY(other, d->interfaces, d->n_interfaces) {
                if (other == i)
                        break;
                n += is_anonymous(other) && other->type == i->type && streq(source_of(other), source_of(i));
        }
        return strf("interface %s %s #%u", strempty(interface_type_to_string(i->type)), source_of(i), n);
}

static bool is_taken(const Domain *d, const uint8_t mac[6]) {
        FOREACH_ARRAY(i, d->interfaces, d->n_interfaces)
                if (i->has_mac && memcmp(i->mac, mac, 6) == 0)
                        return true;
        return false;
}

int domain_remember_macs(Domain *d) {
        FOREACH_ARRAY(i, d->interfaces, d->n_interfaces) {
                if (i->has_mac)
                        continue;
                _cleanup_free_ char *key = interface_place_key(d, i);
                if (!key)
                        return -ENOMEM;
                DomainPlace *p = domain_place_find(&d->places, i->info.alias, key);
                if (!p || !p->has_mac || is_taken(d, p->mac))
                        continue;
                memcpy(i->mac, p->mac, sizeof(i->mac));
                i->has_mac = i->mac_added = true;
        }
        return 0;
}
