"""`rpcctl completion`: the scripts that teach a shell to complete rpcctl's words; they ask `rpcctl __complete`.

The same texts lie in the folder completions/, for packagers; a test compares them. What the scripts hand over and read
back is told in `rpcctl.cli.shells`. Written for bash 3.2, zsh 5 and fish 3, and for later ones.
"""

from rpcctl.cli.command import Command, Positional, Values
from rpcctl.cli.options import MESSAGES
from rpcctl.cli.session import Session
from rpcctl.errors import UsageError, suggest

BASH = r"""# bash completion for rpcctl, as printed by: rpcctl completion bash
# Put `source <(rpcctl completion bash)` into ~/.bashrc.

_rpcctl() {
    local directive='' line skip
    COMPREPLY=()
    while IFS= read -r line; do
        if [ -z "$directive" ]; then
            directive=$line
        else
            COMPREPLY+=("$line")
        fi
    done < <(command rpcctl __complete bash "${COMP_LINE:0:COMP_POINT}" "$2" 2>/dev/null </dev/null)
    # bash before version 4 has no compopt: there a space follows every word.
    case $directive in
        :files* | :dirs*)
            compopt -o filenames 2>/dev/null
            skip=${directive#* }
            line=f
            [ "${directive%% *}" = :dirs ] && line=d
            while IFS= read -r line; do
                COMPREPLY+=("$line")
            done < <(compgen -"$line" -P "${2:0:skip}" -- "${2:skip}")
            ;;
        *)
            [[ ${#COMPREPLY[@]} -eq 1 && ${COMPREPLY[0]} == *[=:/@] ]] && compopt -o nospace 2>/dev/null
            ;;
    esac
    return 0
}

complete -F _rpcctl rpcctl
"""

ZSH = r"""#compdef rpcctl
# zsh completion for rpcctl, as printed by: rpcctl completion zsh
# Put `source <(rpcctl completion zsh)` into ~/.zshrc, after compinit; or save this as _rpcctl in a folder of $fpath.

_rpcctl() {
    local -a lines directive closed open
    local line value item
    lines=("${(@f)$(command rpcctl __complete zsh "${(@Q)words[2,CURRENT-1]}" "${(Q)PREFIX}" 2>/dev/null </dev/null)}")
    directive=(${=lines[1]})
    for line in "${(@)lines[2,-1]}"; do
        value=${line%%$'\t'*}
        item=${value//:/\\:}:${line#*$'\t'}
        if [[ $value == *[=:/@] ]]; then
            open+=("$item")
        else
            closed+=("$item")
        fi
    done
    (( $#closed + $#open )) && _describe -t values value closed -- open -S ''
    case $directive[1] in
        :files) compset -p $directive[2]; _files ;;
        :dirs) compset -p $directive[2]; _files -/ ;;
    esac
}

if [[ $funcstack[1] == _rpcctl ]]; then
    _rpcctl "$@"
else
    compdef _rpcctl rpcctl
fi
"""

FISH = r"""# fish completion for rpcctl, as printed by: rpcctl completion fish
# Save this as ~/.config/fish/completions/rpcctl.fish.

function __rpcctl_complete
    set -l current (commandline -ct)
    set -l before (commandline -opc)
    set -l lines (command rpcctl __complete fish $before[2..-1] "$current" 2>/dev/null </dev/null)
    set -l directive (string split ' ' -- $lines[1])
    printf '%s\n' $lines[2..-1]
    switch "$directive[1]"
        case :files
            set -l prefix (string sub -l $directive[2] -- "$current")
            printf '%s\n' $prefix(__fish_complete_path (string sub -s (math $directive[2] + 1) -- "$current"))
        case :dirs
            set -l prefix (string sub -l $directive[2] -- "$current")
            printf '%s\n' $prefix(__fish_complete_directories (string sub -s (math $directive[2] + 1) -- "$current"))
    end
end

complete -c rpcctl -f -a '(__rpcctl_complete)'
"""

SCRIPTS = {"bash": BASH, "zsh": ZSH, "fish": FISH}

COMMAND = Command(
    "completion",
    "Print the script that completes rpcctl's words in a shell",
    "About rpcctl",
    "rpcctl.cli.completion:run",
    (Positional("shell", "bash, zsh or fish", complete="shell"),),
    MESSAGES,
    details=(
        "Completes commands, options and their values, protocols, addresses, exit codes, and the methods of the server "
        "at ADDRESS, which is asked each time and has 0.3 s to answer, or as long as the variable "
        "RPCCTL_COMPLETION_TIMEOUT says. For py:TARGET the target is loaded."
    ),
    examples=(
        "source <(rpcctl completion bash)",
        "source <(rpcctl completion zsh)",
        "rpcctl completion fish > ~/.config/fish/completions/rpcctl.fish",
    ),
)


def run(values: Values, session: Session) -> None:
    """Print the script; UsageError for another shell."""
    script = SCRIPTS.get(values.shell)
    if script is None:
        raise UsageError(
            f"no completion for {values.shell!r}", hint=suggest(values.shell, SCRIPTS, f"one of: {', '.join(SCRIPTS)}")
        )
    for line in script.splitlines():
        session.output.text(line)
