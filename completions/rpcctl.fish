# fish completion for rpcctl, as printed by: rpcctl completion fish
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
