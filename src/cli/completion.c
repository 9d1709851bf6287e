/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "string-util.h"
#include "verbs.h"

/* Completions for the shells, made from the table. The scripts hold one line per verb; what changes while the
 * machine runs, the names of domains, they ask vmunit for. */

static const char *hint_word(const Option *o) {
        switch (o->hint) {
        case HINT_DOMAIN:
                return "domain";
        case HINT_DOMAIN_ACTIVE:
                return "active";
        case HINT_DOMAIN_OFF:
                return "off";
        case HINT_FILE:
                return "file";
        case HINT_VERB:
                return "verb";
        case HINT_DOMAIN_OR_FILE:
                return "domain-or-file";
        case HINT_NONE:
                break;
        }
        return o->words ? "words" : "none";
}

/* "VERB) options='--a --b=' values='domain=active mode=words:acpi,agent' ;;" */
static void print_bash_verb(Cli *cli, const Verb *v) {
        cli_print(cli, "    %s)\n        options='", v->name);
        FOREACH_OPTION(o, v)
                cli_print(cli, "%s--%s", o == v->options ? "" : " ", o->name);
        cli_print(cli, "'\n        values='");
        const char *separator = "";
        FOREACH_OPTION(o, v) {
                if (o->type == OPTION_BOOL)
                        continue;
                cli_print(cli, "%s%s=%s%s%s", separator, o->name, hint_word(o), o->words ? ":" : "",
                          strempty(o->words));
                separator = " ";
        }
        cli_print(cli, "'\n        ;;\n");
}

static const char bash_head[] =
        "# bash completion for vmunit and virsh; made by: vmunit --completion bash\n"
        "_vmunit_names() {\n"
        "    case $1 in\n"
        "    domain) vmunit -q list --all --name 2>/dev/null ;;\n"
        "    active) vmunit -q list --name 2>/dev/null ;;\n"
        "    off) vmunit -q list --inactive --name 2>/dev/null ;;\n"
        "    verb) printf '%s\\n' \"$_vmunit_verbs\" | tr ' ' '\\n' ;;\n"
        "    words:*) printf '%s\\n' \"${1#words:}\" | tr '|' '\\n' ;;\n"
        "    esac\n"
        "}\n"
        "\n"
        "_vmunit_value() {\n"
        "    local IFS=$'\\n'\n"
        "    case $1 in\n"
        "    file) compopt -o filenames; COMPREPLY=($(compgen -f -- \"$2\")) ;;\n"
        "    domain-or-file)\n"
        "        compopt -o filenames\n"
        "        COMPREPLY=($(compgen -W \"$(_vmunit_names domain)\" -- \"$2\") $(compgen -f -- \"$2\")) ;;\n"
        "    *) COMPREPLY=($(compgen -W \"$(_vmunit_names \"$1\")\" -- \"$2\")) ;;\n"
        "    esac\n"
        "}\n"
        "\n";

static const char bash_tail[] =
        "    *) return 1 ;;\n"
        "    esac\n"
        "}\n"
        "\n"
        "_vmunit() {\n"
        "    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} verb='' i options values kind\n"
        "    for ((i = 1; i < COMP_CWORD; i++)); do\n"
        "        case ${COMP_WORDS[i]} in\n"
        "        -c|-d|-e|-k|-K|-l) ((i++)) ;;\n"
        "        -*) ;;\n"
        "        *) verb=${COMP_WORDS[i]}; break ;;\n"
        "        esac\n"
        "    done\n"
        "    if [[ -z $verb ]]; then\n"
        "        COMPREPLY=($(compgen -W \"$_vmunit_verbs --help --quiet --version\" -- \"$cur\"))\n"
        "        return\n"
        "    fi\n"
        "    _vmunit_verb \"$verb\" || return 0\n"
        "    if [[ $prev == --* ]]; then\n"
        "        for kind in $values; do\n"
        "            if [[ ${kind%%=*} == \"${prev#--}\" ]]; then\n"
        "                _vmunit_value \"${kind#*=}\" \"$cur\"\n"
        "                return\n"
        "            fi\n"
        "        done\n"
        "    fi\n"
        "    if [[ $cur == -* ]]; then\n"
        "        COMPREPLY=($(compgen -W \"$options\" -- \"$cur\"))\n"
        "        return\n"
        "    fi\n"
        "    kind=${values%% *}\n"
        "    [[ -n $kind ]] && _vmunit_value \"${kind#*=}\" \"$cur\"\n"
        "}\n"
        "complete -F _vmunit vmunit\n";

static void print_bash(Cli *cli, const Verb **verbs) {
        cli_print(cli, "%s", bash_head);
        cli_print(cli, "_vmunit_verbs='");
        for (const Verb **v = verbs; *v; v++)
                cli_print(cli, "%s%s", v == verbs ? "" : " ", (*v)->name);
        cli_print(cli, "'\n\n_vmunit_verb() {\n    case $1 in\n");
        for (const Verb **v = verbs; *v; v++)
                print_bash_verb(cli, *v);
        cli_print(cli, "%s", bash_tail);
}

/* zsh's _arguments wants its special characters escaped. */
static void print_zsh_text(Cli *cli, const char *s) {
        for (; *s; s++) {
                if (*s == '\'')
                        cli_print(cli, "'\\''");
                else {
                        if (strchr("[]:\\", *s))
                                cli_print(cli, "\\");
                        cli_print(cli, "%c", *s);
                }
        }
}

static void print_zsh_action(Cli *cli, const Option *o) {
        cli_print(cli, ":%s:", o->name);
        switch (o->hint) {
        case HINT_DOMAIN:
                cli_print(cli, "_vmunit_domains --all");
                return;
        case HINT_DOMAIN_ACTIVE:
                cli_print(cli, "_vmunit_domains");
                return;
        case HINT_DOMAIN_OFF:
                cli_print(cli, "_vmunit_domains --inactive");
                return;
        case HINT_FILE:
                cli_print(cli, "_files");
                return;
        case HINT_DOMAIN_OR_FILE:
                cli_print(cli, "_vmunit_domains_or_files");
                return;
        case HINT_VERB:
                cli_print(cli, "_vmunit_verbs");
                return;
        case HINT_NONE:
                break;
        }
        if (!o->words)
                return;
        cli_print(cli, "(");
        for (const char *p = o->words; *p; p++)
                cli_print(cli, "%c", *p == '|' ? ' ' : *p);
        cli_print(cli, ")");
}

static void print_zsh_verb(Cli *cli, const Verb *v) {
        unsigned position = 1;

        cli_print(cli, "    %s)\n        _arguments", v->name);
        FOREACH_OPTION(o, v) {
                cli_print(cli, " \\\n            '--%s%s[", o->name, o->type == OPTION_BOOL ? "" : "=");
                print_zsh_text(cli, o->help);
                cli_print(cli, "]");
                if (o->type != OPTION_BOOL)
                        print_zsh_action(cli, o);
                cli_print(cli, "'");
        }
        FOREACH_OPTION(o, v) {
                if (o->type != OPTION_DATA)
                        continue;
                cli_print(cli, " \\\n            '%u", position++);
                print_zsh_action(cli, o);
                cli_print(cli, "'");
        }
        cli_print(cli, "\n        ;;\n");
}

static void print_zsh(Cli *cli, const Verb **verbs) {
        cli_print(cli,
                  "#compdef vmunit\n"
                  "# made by: vmunit --completion zsh\n"
                  "_vmunit_domains() {\n"
                  "    local -a names\n"
                  "    names=(${(f)\"$(vmunit -q list $1 --name 2>/dev/null)\"})\n"
                  "    compadd -a names\n"
                  "}\n"
                  "_vmunit_domains_or_files() {\n"
                  "    _vmunit_domains --all\n"
                  "    _files\n"
                  "}\n"
                  "_vmunit_verbs() {\n"
                  "    local -a verbs\n"
                  "    verbs=(\n");
        for (const Verb **v = verbs; *v; v++) {
                cli_print(cli, "        '%s:", (*v)->name);
                print_zsh_text(cli, (*v)->summary);
                cli_print(cli, "'\n");
        }
        cli_print(cli,
                  "    )\n"
                  "    _describe verb verbs\n"
                  "}\n"
                  "_vmunit_options() {\n"
                  "    case $words[1] in\n");
        for (const Verb **v = verbs; *v; v++)
                print_zsh_verb(cli, *v);
        cli_print(cli,
                  "    esac\n"
                  "}\n"
                  "_arguments -C '(-q --quiet)'{-q,--quiet}'[quiet mode]' '(-h --help)'{-h,--help}'[help]' \\\n"
                  "    '1:verb:_vmunit_verbs' '*::option:_vmunit_options'\n");
}

int completion_print(Cli *cli, const char *shell) {
        _cleanup_free_ const Verb **verbs = verbs_sorted(_GROUP_MAX);

        if (!verbs)
                return -ENOMEM;
        if (streq(shell, "bash"))
                print_bash(cli, verbs);
        else if (streq(shell, "zsh"))
                print_zsh(cli, verbs);
        else {
                cli_error(cli, "no completion for shell '%s': bash and zsh are known", shell);
                return -EINVAL;
        }
        return 0;
}
