/// What `--help` says.
package enum Help {
    package static let program: StaticString = """
        scrap-worker: boards that find each other, elect a leader and share out work.

        Usage: scrap-worker COMMAND [options]        scrap-worker COMMAND --help

        To try it, with nothing installed or configured:
          demo     a broker and five nodes on this machine, work flowing, a live picture

        On every board:
          run      the node; systemd starts it
          leds     lights each LED in turn, to check the wiring
          check    loads the configuration, looks at brokers, ops and lines, says what is wrong

        From anywhere that reaches the broker:
          watch    the union as it is: every worker's LEDs, job and counts
          submit   asks for work, and with --wait prints what came of it
          health   succeeds when the broker hears this machine's node; for containers

        To keep strangers out:
          key      prints a new key, with which a union's nodes and clients sign records

        For development:
          broker   a Kafka broker in memory

        Options of all commands but demo and key:
          -c, --config FILE   the configuration; /etc/scrap-worker/scrap-worker.conf if not given
          -o, --option SECTION.KEY=VALUE
                              overrides the file; may be repeated
          -h, --help          this text, or the command's
          -V, --version

        A variable SCRAP_SECTION_KEY in the environment overrides both, for example
        SCRAP_WORKER_RANKING=200 or SCRAP_KAFKA_BOOTSTRAP_SERVERS=10.0.0.5:9092.

        Exit codes are those of sysexits(3): 64 wrong use, 66 no such file, 69 broker or line
        not available, 78 wrong configuration.
        """

    package static func of(_ command: Command) -> StaticString {
        switch command {
        case .run: run
        case .demo: demo
        case .broker: broker
        case .submit: submit
        case .watch: watch
        case .leds: leds
        case .check: check
        case .health: health
        case .key: key
        }
    }

    private static let run: StaticString = """
        Usage: scrap-worker run [-c FILE] [-o SECTION.KEY=VALUE]...

        Runs this board's node: it joins the union on the configured broker, takes part in
        elections, runs the jobs it is given and shows its role on the LEDs. The broker need not
        be there yet. SIGTERM or Ctrl-C hand over and leave; SIGUSR1 writes its counters to the
        log.

        Examples:
          scrap-worker run -o kafka.bootstrap.servers=10.0.0.5:9092
          scrap-worker run -o leds.driver=terminal -o worker.ranking=200
        """

    private static let demo: StaticString = """
        Usage: scrap-worker demo [-n NODES] [--kill-leader-every S] [--for S] [--pace PACE]

        Starts a broker and NODES nodes as processes of this machine, sends two requests a second
        and shows every node's LEDs. At the end it says how many elections there were, whether
        work was lost, and whether two leaders' LEDs were ever lit at once; it fails if so.

          -n, --nodes NODES        1 to 16; 5 if not given
          --kill-leader-every S    kills the leader (SIGKILL) every S seconds and starts it again
                                   2 to 3 seconds later
          --for S                  how long; until Ctrl-C if not given
          --pace PACE              fast, normal (if not given), cloud or classroom

        Configuration files and SCRAP_ variables play no part in it.

        Examples:
          scrap-worker demo
          scrap-worker demo --kill-leader-every 10 --for 60
          scrap-worker demo --pace classroom
        """

    private static let broker: StaticString = """
        Usage: scrap-worker broker [-c FILE] [-o SECTION.KEY=VALUE]...

        A Kafka broker in memory, for development: it has the union's topics and forgets
        everything at its end. It prints its address, which the other commands take as
        -o kafka.bootstrap.servers=ADDRESS. A waiting reader is not woken by new records here:
        give nodes -o kafka.fetch.wait.max.ms=5 as well.
        """

    private static let submit: StaticString = """
        Usage: scrap-worker submit OP [options]

        Asks the union to run OP: noop, echo, sleep, blink, or one that the boards' owners
        configured. Without --wait it ends when the broker has the requests.

          --code TEXT         the job's standard input; `-`: read it from ours
          --param KEY=VALUE   a parameter; may be repeated, 16 times at most
          --timeout MS        the job's deadline
          --max-attempts N    start the job at most N times, 1 to 100; 5 if not given
          --id ID             the request's id; a new UUID if not given. With --count: ID-1, ID-2...
          --count N           N requests, 1,000,000 at most
          --rate R            R requests per second, instead of as many as the broker takes
          --wait              wait for the results and print them
          --json              print results as JSON, one object a line
          --within S          give up when the broker is out of reach for S seconds; 30 if not given

        Exit code: 0 when all completed (without --wait: were taken), 1 when one did not, 69 when
        the broker was out of reach.

        Examples:
          scrap-worker submit echo --code hello --wait
          scrap-worker submit sleep --param ms=500 --count 20 --wait
          scrap-worker submit thumbnail --code - --wait < picture.jpg
        """

    private static let watch: StaticString = """
        Usage: scrap-worker watch [--json] [-c FILE] [-o SECTION.KEY=VALUE]...

        Shows the union as it is: every worker's role, rank, job and counts, drawn anew while
        they change. When stdout is no terminal it prints a line for each change; with --json a
        JSON object, and where this machine's node runs with the same configuration its counters
        when they have changed, every five seconds. It only reads. Ctrl-C ends it.
        """

    private static let leds: StaticString = """
        Usage: scrap-worker leds [--off] [-c FILE] [-o SECTION.KEY=VALUE]...

        Lights the LEDs of [leds] one after the other for a second, then all of them, and names
        them, to check the wiring. The node must not run: it holds the lines.

          --off    only puts them out, as systemd does when a node has ended

        Example:
          scrap-worker leds -o leds.driver=gpio -o leds.leader=GPIO17
        """

    private static let check: StaticString = """
        Usage: scrap-worker check [--report] [--within S] [-c FILE] [-o SECTION.KEY=VALUE]...

        Loads the configuration and tries everything that it names: the broker within S seconds
        (10 if not given), the union's topics, the ops' programs, the LEDs' lines. Prints a line
        for each: `ok` or `problem`. Exit code: 0, 78 for a wrong configuration, 69 for what is
        not available.

          --report    everything that a bug report needs, on standard output: the versions, the
                      machine, the configuration without what may be secret, the GPIO chips, the
                      node's last lines in the journal. Read it before you paste it.
        """

    private static let health: StaticString = """
        Usage: scrap-worker health [--within S] [-c FILE] [-o SECTION.KEY=VALUE]...

        Succeeds when a heartbeat of this machine's node, which has the same configuration,
        arrives at the broker within S seconds (10 if not given); 69 if none does. For a
        container's health check: it needs no shell.
        """

    private static let key: StaticString = """
        Usage: scrap-worker key

        Prints a new key for a union: 64 random hexadecimal digits. The boards' configurations name
        its file ([union] key_file), and then records that it did not sign count for nothing.

        Example, as root:
          (umask 077; scrap-worker key > /etc/scrap-worker/union.key)
        """
}
