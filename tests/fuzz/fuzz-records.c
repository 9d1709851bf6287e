/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "domain-places.h"
#include "domain-state.h"
#include "fuzz.h"
#include "launch.h"
#include "plan.h"
#include "saved-header.h"
#include "qemu-caps.h"
#include "qemu-firmware.h"
#include "string-util.h"
#include "text.h"
#include "vmunit-config.h"
#include "xml-select.h"

/* What vmunit keeps in files and reads again, where somebody may have been in between, and what others have
 * installed. The first byte of the input says what it is. What is taken is written and read as the same. */

static void must_be_equal(const char *a, const char *b) {
        if (streq(a, b))
                return;
        fprintf(stderr, "--- the one\n%s\n--- the other\n%s\n", a, b);
        must(false, "written and read it is another one");
}

static void try_places(const char *text, size_t size) {
        _cleanup_(domain_places_done) DomainPlaces places = {}, again = {};
        _cleanup_free_ char *first = NULL, *second = NULL;

        if (domain_places_parse(text, &places) < 0)
                return;
        must(domain_places_format(&places, &first) >= 0);
        must(domain_places_parse(first, &again) >= 0, "%s", first);
        must(domain_places_format(&again, &second) >= 0);
        must_be_equal(first, second);
}

static void try_plan(const char *text, size_t size) {
        _cleanup_(plan_freep) Plan *plan = NULL, *again = NULL;
        _cleanup_free_ char *first = NULL, *second = NULL, *record = NULL;
        size_t length;

        if (plan_from_json(text, size, &plan) < 0)
                return;
        must(plan_to_json(plan, &first) >= 0);
        must(plan_from_json(first, strlen(first), &again) >= 0, "%s", first);
        must(plan_to_json(again, &second) >= 0);
        must_be_equal(first, second);
        must(plan_to_launch(plan, true, &record, &length) >= 0);
}

static void try_launch(const char *text, size_t size) {
        _cleanup_launch_ Launch launch = {};
        _cleanup_free_ char *record = malloc(size ?: 1);

        must(record);
        memcpy(record, text, size);
        int r = launch_parse(TAKE_PTR(record), size, &launch);
        must(r < 0 || (launch.name && launch.emulator && launch.n_argv > 0));
}

static void try_caps(const char *text, size_t size) {
        _cleanup_(qemu_caps_freep) QemuCaps *caps = NULL, *again = NULL;
        _cleanup_free_ char *first = NULL, *second = NULL;

        if (qemu_caps_from_json(text, &caps) < 0)
                return;
        must(qemu_caps_to_json(caps, &first) >= 0);
        must(qemu_caps_from_json(first, &again) >= 0, "%s", first);
        must(qemu_caps_to_json(again, &second) >= 0);
        must_be_equal(first, second);
        (void) qemu_caps_machine(caps, "q35");
        (void) qemu_caps_has_cpu(caps, "EPYC");
}

static void try_firmware(const char *text, size_t size) {
        Firmware f = {};

        if (firmware_from_json("50-any.json", text, &f) >= 0)
                firmware_done(&f);
}

static void try_state(const char *text, size_t size) {
        char line[DOMAIN_STATE_LINE];
        DomainReason reason, reason_again;
        DomainState state, state_again;

        if (domain_state_parse(text, size, &state, &reason) < 0)
                return;
        domain_state_format(state, reason, line);
        must(domain_state_parse(line, sizeof(line), &state_again, &reason_again) >= 0);
        must(state == state_again && reason == reason_again);
}

static void try_xpath(const char *text, size_t size) {
        static const char *const xml = "<domain type='kvm' xmlns:q='urn:q'><name>a</name><!-- b --><devices><disk type='file'>"
                                       "<target dev='vda'/></disk><disk><q:x y='1'/></disk></devices></domain>";
        _cleanup_free_ char *found = NULL;
        _cleanup_diag_ Diag diag = {};

        /* Expressions can be made that take for ever; they are the user's own. */
        if (size > 48)
                return;
        int r = xml_select(xml, text, size & 1, &diag, &found);
        must((r < 0) == (diag.n_errors > 0));
}

/* The header of a saved machine: what can be read is written as it was read. */
static void try_saved(const char *text, size_t size) {
        _cleanup_saved_header_ SavedHeader h = {}, again = {};
        char block[SAVED_HEADER_SIZE] = {}, written[SAVED_HEADER_SIZE];

        memcpy(block, text, MIN(size, sizeof(block)));
        if (saved_header_parse(block, &h) < 0)
                return;
        must(saved_header_format(&h, written) >= 0 && saved_header_parse(written, &again) >= 0);
        must(saved_data_offset(&h) == saved_data_offset(&again) && h.data_size == again.data_size && streq(h.name, again.name));
}

static void write_config(const Config *c, char **ret) {
        _cleanup_text_ Text t = {};

        FOREACH_ARRAY(k, config_keys, n_config_keys) {
                _cleanup_free_ char *value = NULL;
                must(config_format(c, k, &value) >= 0);
                if (value)
                        text_appendf(&t, "[%s]\n%s=%s\n", k->section, k->name, value);
        }
        must(text_finish(&t, ret) >= 0);
}

static void try_config(const char *text, size_t size) {
        _cleanup_free_ char *first = NULL, *second = NULL;
        _cleanup_config_ Config config = {}, again = {};
        _cleanup_diag_ Diag diag = {};

        int r = config_parse(text, size, "vmunit.conf", &config, &diag);
        must((r < 0) == (diag.n_errors > 0) && (r < 0) == (config.wrong != 0));
        write_config(&config, &first);
        must(config_parse(first, strlen(first), "again", &again, NULL) >= 0, "%s", first);
        write_config(&again, &second);
        must_be_equal(first, second);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        static const struct {
                char letter;
                void (*function)(const char *text, size_t size);
        } kinds[] = {
                { 'P', try_places }, { 'J', try_plan },  { 'L', try_launch }, { 'C', try_caps },
                { 'F', try_firmware }, { 'S', try_state }, { 'X', try_xpath }, { 'H', try_config }, { 'V', try_saved },
        };
        _cleanup_free_ char *text = NULL;

        if (size == 0)
                return 0;
        /* A file of JSON as it is: what emulators can do, and what there is of firmware. */
        bool whole = *data == '{';
        text = strndup((const char *) data + !whole, size - !whole);
        must(text);
        if (whole) {
                try_caps(text, strlen(text));
                try_firmware(text, strlen(text));
                try_plan(text, strlen(text));
        }
        for (size_t i = 0; i < ELEMENTSOF(kinds); i++)
                if ((char) *data != kinds[i].letter)
                        continue;
                else if (*data == 'L')
                        kinds[i].function((const char *) data + 1, size - 1);
                else
                        kinds[i].function(text, strlen(text));
        return 0;
}
