/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bus-util.h"
#include "string-util.h"
#include "systemd.h"
#include "unit-watch.h"

#define SYSTEMD "org.freedesktop.systemd1"
#define UNITS "/org/freedesktop/systemd1/unit"

struct UnitWatch {
        sd_bus *bus; /* owned */
        UnitWatchHandler handler;
        void *userdata;
};

UnitWatch *unit_watch_free(UnitWatch *w) {
        if (!w)
                return NULL;
        if (w->bus)
                (void) sd_bus_detach_event(w->bus);
        sd_bus_close_unref(w->bus);
        return mfree(w);
}

/* The ActiveState among changed properties; *ret lives as long as M. */
static int read_active(sd_bus_message *m, const char **ret) {
        const char *interface, *name;

        int r = sd_bus_message_read(m, "s", &interface);
        if (r < 0 || !streq(interface, SYSTEMD ".Unit"))
                return r < 0 ? r : 0;
        r = sd_bus_message_enter_container(m, 'a', "{sv}");
        while (r >= 0 && (r = sd_bus_message_enter_container(m, 'e', "sv")) > 0) {
                r = sd_bus_message_read(m, "s", &name);
                if (r >= 0 && streq(name, "ActiveState"))
                        return sd_bus_message_read(m, "v", "s", ret);
                if (r >= 0)
                        r = sd_bus_message_skip(m, "v");
                if (r >= 0)
                        r = sd_bus_message_exit_container(m);
        }
        return r < 0 ? r : 0;
}

static int on_changed(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        _cleanup_free_ char *unit = NULL;
        const char *active = NULL;
        UnitWatch *w = userdata;

        if (sd_bus_path_decode(sd_bus_message_get_path(m), UNITS, &unit) > 0 && read_active(m, &active) > 0 && active)
                w->handler(unit, active, false, w->userdata);
        return 0;
}

static int on_disconnected(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        UnitWatch *w = userdata;

        w->handler(NULL, NULL, true, w->userdata);
        return 0;
}

/* A unit that goes away has become inactive before, and that is told first. UnitRemoved says nothing: at a reload it comes for
 * all units. */
static int watch(UnitWatch *w, sd_event *event) {
        int r = sd_bus_add_match(w->bus, NULL,
                                 "type='signal',sender='" SYSTEMD "',interface='org.freedesktop.DBus.Properties',"
                                 "member='PropertiesChanged',path_namespace='" UNITS "',arg0='" SYSTEMD ".Unit'", on_changed, w);
        if (r >= 0)
                r = bus_match_disconnected(w->bus, on_disconnected, w);
        if (r >= 0)
                r = sd_bus_call_method(w->bus, SYSTEMD, "/org/freedesktop/systemd1", SYSTEMD ".Manager", "Subscribe", NULL, NULL, NULL);
        return r < 0 ? r : sd_bus_attach_event(w->bus, event, SD_EVENT_PRIORITY_NORMAL);
}

int unit_watch_new(sd_event *event, UnitWatchHandler handler, void *userdata, UnitWatch **ret) {
        _cleanup_(unit_watch_freep) UnitWatch *w = calloc(1, sizeof(UnitWatch));

        if (!w)
                return -ENOMEM;
        *w = (UnitWatch) { .handler = handler, .userdata = userdata };
        int r = systemd_connect(0, &w->bus);
        if (r >= 0)
                r = watch(w, event);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(w);
        return 0;
}
