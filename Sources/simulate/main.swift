// Runs the simulator over many seeds, on all cores, and says what it has seen.
//
//     simulate [--seeds N] [--seed FIRST] [--nodes N] [--safety S] [--pace fast|normal|cloud|classroom]
//              [--faults A,B] [--without A,B] [--key yes|no] [--show] [--brief] [--cores N]
//     simulate --elections [--seeds N] [--seed FIRST] [--nodes N] [--pace P] [--round-trip MS]
//              [--jitter MS] [--slow-leader] [--broker RECORDS_PER_SECOND]
//
// Each core has a process of its own, which writes a line for each seed; a seed that makes the
// core trap ends its process, and the next seed gets a new one.
import Simulator

let arguments = Arguments(CommandLine.arguments.dropFirst())
if let worker = arguments.worker {
    runSeeds(arguments, worker)
} else if arguments.watchesElections {
    elections(arguments)
} else if arguments.isShown {
    show(arguments)
} else {
    report(arguments)
}
