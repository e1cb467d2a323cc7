# bash completion for scrap-worker(1)

_scrap_worker() {
    local cur prev words cword
    _init_completion -n = || return

    local commands='run demo broker submit watch leds check health key'
    local command='' word
    for word in "${words[@]:1:cword-1}"; do
        if [[ " $commands " == *" $word "* ]]; then command=$word; break; fi
    done

    case $prev in
        -c | --config) _filedir; return ;;
        --pace) mapfile -t COMPREPLY < <(compgen -W 'fast normal cloud classroom' -- "$cur"); return ;;
        -o | --option)
            compopt -o nospace
            mapfile -t COMPREPLY < <(compgen -S = -W 'kafka.bootstrap.servers
                leds.active_low leds.candidate leds.driver leds.leader leds.member leds.voter
                leds.work log.level timing.ack_timeout_ms timing.announce_ms
                timing.campaign_ttl_ms timing.countdown_delay_ms timing.countdown_start
                timing.heartbeat_ms timing.kill_grace_ms timing.leader_timeout_ms
                timing.lease_ms timing.member_timeout_ms timing.worker_lease_ms union.key_file
                union.key_step union.previous_key_file worker.id
                worker.pace worker.ranking worker.slots worker.topic_prefix' -- "$cur")
            return ;;
        submit) mapfile -t COMPREPLY < <(compgen -W 'noop echo sleep blink' -- "$cur"); return ;;
        -n | --nodes | --kill-leader-every | --for | --code | --param | --timeout | \
            --max-attempts | --id | --count | --rate | --within) return ;;
    esac

    local options='--config --option --help'
    case $command in
        '') options="$commands --help --version" ;;
        key) options='--help' ;;
        demo) options='--nodes --kill-leader-every --for --pace --help' ;;
        submit) options+=' --code --param --timeout --max-attempts --id --count --rate --wait
            --json --within' ;;
        watch) options+=' --json' ;;
        leds) options+=' --off' ;;
        check) options+=' --report --within' ;;
        health) options+=' --within' ;;
    esac
    mapfile -t COMPREPLY < <(compgen -W "$options" -- "$cur")
} &&
    complete -F _scrap_worker scrap-worker
