/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "string-util.h"
#include "verbs.h"

/* Completions for the shells. What there is to choose from they ask for with `vmunit complete`; the scripts find out which words
 * are meant. */

/* bash cuts words at the characters of COMP_WORDBREAKS, and what it replaces is what is behind the last of them. */
static const char bash_script[] =
        "# bash completion for vmunit; made by: vmunit --completion bash\n"
        "_vmunit() {\n"
        "    local IFS=$'\\n' breaks='' chunk='' whole line i words=() connect=() files=''\n"
        "    COMPREPLY=()\n"
        "    [[ $COMP_WORDBREAKS == *=* ]] && breaks+='='\n"
        "    [[ $COMP_WORDBREAKS == *:* ]] && breaks+=':'\n"
        "    for ((i = 1; i <= COMP_CWORD; i++)); do\n"
        "        whole=${COMP_WORDS[i]}\n"
        "        if [[ -n $breaks && ${#words[@]} -gt 0 && ($whole == [$breaks]* || $chunk == *[$breaks]) ]]; then\n"
        "            words[-1]+=$whole\n"
        "        else\n"
        "            words+=(\"$whole\")\n"
        "        fi\n"
        "        chunk=$whole\n"
        "    done\n"
        "    for ((i = 0; i < ${#words[@]}; i++)); do\n"
        "        words[i]=${words[i]//[\\\\\\\"\\']/}\n"
        "    done\n"
        "    for ((i = 0; i + 1 < ${#words[@]}; i++)); do\n"
        "        case ${words[i]} in\n"
        "        -c|--connect|-H|--host) connect=(\"${words[i]}\" \"${words[i+1]}\"); ((i++)) ;;\n"
        "        -c*|--connect=*|-H*|--host=*) connect=(\"${words[i]}\") ;;\n"
        "        -*) ;;\n"
        "        *) break ;;\n"
        "        esac\n"
        "    done\n"
        "    whole=${words[-1]} chunk=''\n"
        "    [[ -n $breaks ]] && chunk=${whole%\"${whole##*[$breaks]}\"}\n"
        "    while read -r line; do\n"
        "        if [[ $line == / ]]; then\n"
        "            files=1\n"
        "        else\n"
        "            line=${line#\"$chunk\"}\n"
        "            [[ $line == *[^[:alnum:]_.,:=@%+/-]* ]] && printf -v line %q \"$line\"\n"
        "            COMPREPLY+=(\"$line\")\n"
        "        fi\n"
        "    done < <(\"$1\" \"${connect[@]}\" complete -- \"${words[@]}\" 2>/dev/null)\n"
        "    if [[ -n $files ]]; then\n"
        "        compopt -o filenames 2>/dev/null\n"
        "        COMPREPLY+=($(compgen -f -- \"${whole#\"$chunk\"}\"))\n"
        "    fi\n"
        "}\n"
        "complete -F _vmunit vmunit\n";

static const char zsh_script[] =
        "#compdef vmunit\n"
        "# made by: vmunit --completion zsh\n"
        "_vmunit() {\n"
        "    local line text files\n"
        "    local -a connect found\n"
        "    local -i i\n"
        "    for ((i = 2; i < CURRENT; i++)); do\n"
        "        case ${(Q)words[i]} in\n"
        "        (-c|--connect|-H|--host) connect=(\"${(Q)words[i]}\" \"${(Q)words[i+1]}\"); ((i++)) ;;\n"
        "        (-c*|--connect=*|-H*|--host=*) connect=(\"${(Q)words[i]}\") ;;\n"
        "        (-*) ;;\n"
        "        (*) break ;;\n"
        "        esac\n"
        "    done\n"
        "    for line in \"${(@f)$(\"${(Q)words[1]}\" $connect complete --describe -- \\\n"
        "        \"${(@Q)words[2,CURRENT]}\" 2>/dev/null)}\"; do\n"
        "        if [[ $line == / ]]; then\n"
        "            files=1\n"
        "        elif [[ -n $line ]]; then\n"
        "            text=${line%%$'\\t'*}\n"
        "            found+=(\"${text//:/\\\\:}${${line#$text}/$'\\t'/:}\")\n"
        "        fi\n"
        "    done\n"
        "    (($#found)) && _describe vmunit found\n"
        "    [[ -n $files ]] && _files\n"
        "    (($#found)) || [[ -n $files ]]\n"
        "}\n"
        "_vmunit \"$@\"\n";

int completion_print(Cli *cli, const char *shell) {
        if (streq(shell, "bash"))
                cli_print(cli, "%s", bash_script);
        else if (streq(shell, "zsh"))
                cli_print(cli, "%s", zsh_script);
        else {
                cli_error(cli, "no completion for shell '%s': bash and zsh are known", shell);
                return -EINVAL;
        }
        return 0;
}
