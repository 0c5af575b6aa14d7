# bash completion for rpcctl, as printed by: rpcctl completion bash
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
