/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "cli.h"
#include "macro.h"

/* The verbs are rows of tables, one table per family (cli-*.c). The parser, `help`, the completions for the
 * shells and the check of the manual page are all made from these rows. */

typedef enum OptionType {
        OPTION_BOOL,   /* --paused */
        OPTION_STRING, /* --mode acpi, --mode=acpi, or the next word that is no option */
        OPTION_INT,    /* the same with a number, which the verb reads: command_get_int() and so on */
        OPTION_DATA,   /* an argument of the verb; its --name is optional: list, list --domain web */
        OPTION_ARGV,   /* all the words that are left */
} OptionType;

/* What a shell may offer as a value. */
typedef enum OptionHint {
        HINT_NONE,
        HINT_DOMAIN,        /* any domain */
        HINT_DOMAIN_ACTIVE, /* a running one */
        HINT_DOMAIN_OFF,    /* one that is shut off */
        HINT_FILE,
        HINT_VERB,
        HINT_DOMAIN_OR_FILE,
        HINT_DISK,      /* of the domain: the target of a disk */
        HINT_INTERFACE, /* of the domain: the name or MAC address of an interface */
} OptionHint;

typedef struct Option {
        const char *name;
        OptionType type;
        bool required;
        bool named; /* never without its --name */
        OptionHint hint;
        const char *words; /* what a string may be, separated by "|", or NULL */
        bool list;         /* or several of these words, with commas between them */
        const char *former; /* the name it once had in virsh, which is taken and never shown; or NULL */
        const char *help;
        char letter; /* of vmunit's own verbs: "-n" for "--lines"; or 0 */
} Option;

typedef enum VerbGroup {
        GROUP_DOMAIN,
        GROUP_MONITOR,
        GROUP_EVENTS,
        GROUP_HOST,
        GROUP_CHECKPOINT,
        GROUP_INTERFACE,
        GROUP_FILTER,
        GROUP_NETWORK,
        GROUP_NODEDEV,
        GROUP_SECRET,
        GROUP_SNAPSHOT,
        GROUP_BACKUP,
        GROUP_POOL,
        GROUP_VOLUME,
        GROUP_VIRSH,
        _GROUP_MAX,
} VerbGroup;

typedef struct Command Command;

/* 0 or -1; what went wrong has been printed. */
typedef int (*VerbHandler)(Cli *cli, const Command *c);

typedef struct Verb {
        const char *name;
        VerbGroup group;
        VerbHandler run;      /* NULL: virsh has it, vmunit does not yet */
        const Option *options; /* up to a row without a name; NULL: none */
        const char *summary;   /* one line, lower case, as virsh prints it */
        const char *description; /* of a verb without RUN: why it will not be there */
        bool changes; /* something on the machine: refused with --readonly */
        const char *guarded; /* of one that does not: the options with which it does, or tells a secret, "a|b"; or NULL */
        bool plain;   /* vmunit's own: no empty line behind the output */
        bool pager;   /* its text may be longer than a screen */
        bool hidden;  /* for programs: no help lists it */
        const char *json; /* it takes --json, also without a row for it: what its document is like, as in vmunit(1); or NULL */
        bool local;   /* about this process alone: no connection is needed */
} Verb;

/* The end of a list of options. */
#define OPTIONS_END { .name = NULL }
/* The row most verbs begin with. */
#define OPTION_DOMAIN(hint_, help_) \
        { .name = "domain", .type = OPTION_DATA, .required = true, .hint = (hint_), .help = (help_) }
#define OPTION_FLAG(name_, help_) { .name = (name_), .type = OPTION_BOOL, .help = (help_) }
/* What is meant: the definition, what runs, or what there is. */
#define OPTIONS_SCOPE \
        OPTION_FLAG("config", "affect next boot"), OPTION_FLAG("live", "affect running domain"), \
                OPTION_FLAG("current", "affect current domain")

#define FOREACH_OPTION(o, verb) for (const Option *o = (verb)->options; o && o->name; o++)

typedef struct VerbTable {
        const Verb *verbs;
        size_t n_verbs;
} VerbTable;

#define DEFINE_VERB_TABLE(name) const VerbTable name##_verb_table = { name##_verbs, ELEMENTSOF(name##_verbs) }
extern const VerbTable lifecycle_verb_table, query_verb_table, define_verb_table, edit_verb_table, console_verb_table,
        plan_verb_table, run_verb_table, save_verb_table, dump_verb_table, native_verb_table, block_verb_table, net_verb_table, host_verb_table, control_verb_table, display_verb_table, stats_verb_table,
        tune_verb_table,
        node_verb_table, cpu_verb_table, memory_verb_table, iotune_verb_table,
        capabilities_verb_table, general_verb_table, hostinfo_verb_table, agent_verb_table, identity_verb_table, event_verb_table, input_verb_table, metadata_verb_table, status_verb_table, top_verb_table, shell_verb_table, later_verb_table;

/* The verb of that name, or NULL. */
const Verb *verb_find(const char *name);
/* Calls FUNCTION for all verbs, table by table. */
void verbs_foreach(void (*function)(const Verb *v, void *userdata), void *userdata);
/* All verbs that vmunit has, MISSING also those that only virsh has, of one group or (_GROUP_MAX) all, sorted by name; NULL when
 * memory is out. The array is the caller's and ends with NULL. */
const Verb **verbs_sorted(VerbGroup group, bool missing);

typedef struct GroupInfo {
        const char *title;   /* "Domain Management" */
        const char *keyword; /* "domain" */
} GroupInfo;
extern const GroupInfo verb_groups[_GROUP_MAX];

/* --- one command line, parsed --- */

#define COMMAND_OPTIONS_MAX 32U

struct Command {
        const Verb *verb;
        char *const *words; /* not owned: it was made of these */
        bool help; /* --help: nothing else counts then */
        bool json; /* --json of a query */
        /* By position in verb->options; "" for a flag; not owned: parts of argv. */
        const char *values[COMMAND_OPTIONS_MAX];
        char **rest; /* the words of an OPTION_ARGV; the array is owned, the words are not */
        size_t n_rest;
};

/* Parses ARGV, which begins with the verb's name and ends with NULL, as virsh does. 0 or -EINVAL, having printed
 * virsh's message. */
int command_parse(Cli *cli, char *const *argv, Command *ret);
/* The same of what is there of a command that is cut off: what is missing is no error. */
int command_parse_cut(Cli *cli, char *const *argv, Command *ret);
/* Says that V is virsh's and vmunit has it not, or not yet. */
void command_missing(Cli *cli, const Verb *v);
void command_done(Command *c);
/* Reads as much of a command line of V that is still being written as there is: WORDS, up to NULL, are those behind the verb
 * that are complete. *ret_option is the option whose value comes next, NULL for any; *ret_data: what comes is no option,
 * because of "--". 0, -EINVAL for what cannot go on, or -ENOMEM. */
int command_parse_begun(const Verb *v, char *const *words, Command *ret, const Option **ret_option, bool *ret_data);
/* The option of C that the next word is for when no name stands in front of it, or NULL. */
const Option *command_next_data(const Command *c);
/* Whether V takes --json without a row for it. */
bool verb_has_common_json(const Verb *v);
/* The option "--NAME" of V, of N characters, or NULL. */
const Option *verb_option(const Verb *v, const char *name, size_t n);
#define _cleanup_command_ _cleanup_(command_done)

bool command_has(const Command *c, const char *option);
/* NULL when the option was not given. */
const char *command_get(const Command *c, const char *option);
/* The same, but an empty value is refused with virsh's message; then *ret is untouched and -EINVAL returned. */
int command_get_nonempty(Cli *cli, const Command *c, const char *option, const char **ret);

/* A number with white space and a sign in front, as virsh reads some: below 0 is what is that far below 2^64. What is behind it
 * goes to *ret_end; where that is NULL, nothing may be. 0 or negative errno. */
int read_wrapping(const char *s, uint64_t *ret, const char **ret_end);
/* The same; nothing is below 0. */
int read_positive(const char *s, uint64_t *ret, const char **ret_end);
/* Numbers as virsh reads them: blanks in front are skipped, "+" is allowed. 1, 0 when the option was not given (*ret
 * is untouched), or -EINVAL with virsh's message printed. */
int command_get_int(Cli *cli, const Command *c, const char *option, int *ret);
int command_get_uint(Cli *cli, const Command *c, const char *option, unsigned *ret);
int command_get_i64(Cli *cli, const Command *c, const char *option, int64_t *ret);
int command_get_u64(Cli *cli, const Command *c, const char *option, uint64_t *ret);
/* "2M": in bytes; a number without a unit is SCALE bytes. More than MAX bytes are refused. */
int command_get_scaled(Cli *cli, const Command *c, const char *option, uint64_t scale, uint64_t max, uint64_t *ret);
/* The same, with a line of HEADLINE (may be NULL) between what is wrong and why. */
int command_get_scaled_or(Cli *cli, const Command *c, const char *option, const char *headline, uint64_t scale, uint64_t max,
                          uint64_t *ret);
/* "Options --A and --B are mutually exclusive", if both are given. 0 or -1. */
int command_exclusive(Cli *cli, const Command *c, const char *a, const char *b);

/* --- texts made from the tables --- */

/* `help VERB` and `help GROUP`. -ENOENT when there is neither. */
int help_print_topic(Cli *cli, const char *topic);
/* `help` without a topic. */
int help_print_all(Cli *cli);
/* `--help`. */
int help_print_usage(Cli *cli);
/* What the word behind WORDS[0] to WORDS[N - 2] may be that begins with WORDS[N - 1]; WORDS[0] follows the program's name. Each
 * candidate is the whole word, and, DESCRIBE, a tab and what it is. *ret_files: or the name of a file. 0 or -ENOMEM; nothing is
 * printed, and what cannot be found out is left out. */
int complete_words(Cli *cli, char *const *words, size_t n, bool describe, char ***ret, bool *ret_files);
/* A completion script, SHELL is "bash" or "zsh". -EINVAL for another. */
int completion_print(Cli *cli, const char *shell);
