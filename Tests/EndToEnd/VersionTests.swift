import Harness
import Testing

extension EndToEnd {
    /// Unions of an older version and today's. Not in CI: `make version-test` builds the older.
    @Suite(
        "unions of two versions on noida-db",
        .enabled(if: Versions.areWanted, "make version-test says where older binaries are"))
    struct VersionTests {
        let broker: Broker

        init() throws { broker = try EndToEnd.noida.get() }

        /// Who is changed next: each time a union of both versions elects a successor, or one
        /// version leads the other for as long as possible.
        enum Order: CaseIterable { case leaderFirst, leaderLast }

        /// More than a worker's table of open work has rows: it must have understood a checkpoint.
        private static let batch = 150

        @Test(
            "five go from an older version to today's and back, one by one, under load",
            arguments: Versions.all, Order.allCases)
        func rolling(commit: String, order: Order) throws {
            let older = try Versions.program(commit)
            let work = Op.script("work", "sleep 0.02\n")
            try Fleet.run(on: broker, ops: [work]) { fleet in
                for number in 1...5 {
                    try fleet.launch(number) {
                        $0.pace = "normal"
                        $0.program = older
                    }
                }
                for worker in fleet.living { try worker.awaitReady() }
                var requests = 0
                for program in [nil, older] {
                    while let next = try Self.next(in: fleet, order, toward: program) {
                        let isLeader = try fleet.awaitLeader().id == next.id
                        let tenures = try Referee(fleet.tail("leader").all).tenures.count
                        let new = requests..<requests + Self.batch
                        try fleet.submit(new.map { request("work", id: "r\($0)") })
                        requests += Self.batch
                        // It has work when it ends, and so have the others.
                        _ = try fleet.awaitOutcomes(requests - Self.batch + 20)
                        next.terminate()
                        #expect(try next.child.waitForEnd() == .exit(0))
                        let successor = try fleet.launch(next.plan.number) {
                            $0.pace = "normal"
                            $0.program = program
                        }
                        try successor.awaitReady()
                        try fleet.awaitLeader(otherThan: isLeader ? next : nil)
                        try fleet.awaitCompletion(requests)
                        try Self.awaitAgreement(of: fleet)
                        // One election for a leader that ended, none for a member: nobody was
                        // without a leader for longer than that.
                        let now = try Referee(fleet.tail("leader").all).tenures
                        #expect(now.count == tenures + (isLeader ? 1 : 0), "\(now)")
                    }
                }
                // An attempt that was given back may have been done to its end: it is `lost`.
                let results = try fleet.tail("results").all
                #expect(results.filter(\.isFinal).count == requests, "two outcomes")
                #expect(results.filter { $0.status == "completed" }.count == requests)
            }
        }

        @Test(
            "a worker that is stopped loses its job before an older leader gives it to another",
            arguments: Versions.all)
        func stopped(commit: String) throws {
            let older = try Versions.program(commit)
            try Fleet.run(on: broker, ops: [.script("hold", Jobs.waitForGate)]) { fleet in
                let leader = try fleet.launch(1) {
                    $0.pace = "normal"
                    $0.program = older
                }
                #expect(try fleet.awaitLeader().id == leader.id)
                let worker = try fleet.launch(2) { $0.pace = "normal" }
                try Self.awaitMember(worker, in: fleet)
                try fleet.submit([request("hold", id: "r")])
                #expect(
                    try fleet.awaitAssignment(of: "r")["member_id"].string == worker.id)
                try fleet.jobs.await("start", of: "r")
                try worker.pause()
                // The second says `overlap`, and the audit fails, if the first still runs then.
                try fleet.jobs.await("start", of: "r", attempt: 2)
                try worker.resume()
                try fleet.jobs.openGate()
                #expect(try fleet.awaitOutcome(of: "r").status == "completed")
            }
        }

        /// (Those before have no keeper: the harness cannot stop their node alone.)
        private static let kept = Versions.all.filter {
            !Versions.before("558ab57").contains($0)
        }

        @Test(
            "no job of a slow older board runs on beside its next attempt under a quick leader",
            arguments: kept)
        func slowBoard(commit: String) throws {
            let older = try Versions.program(commit)
            let saysNothing = Versions.before("9369711").contains(commit)
            try Fleet.run(on: broker, ops: [.script("hold", Jobs.waitForGate)]) { fleet in
                let leader = try fleet.launch(1) { $0.pace = "normal" }
                #expect(try fleet.awaitLeader().id == leader.id)
                let worker = try fleet.launch(2) {
                    $0.pace = "classroom"
                    $0.program = older
                }
                if saysNothing {
                    try Self.awaitMember(worker, in: fleet)
                } else {
                    try leader.awaitLog("gets no work")
                }
                try fleet.submit([request("hold", id: "r")])
                let assigned = try fleet.awaitAssignment(of: "r")
                try fleet.jobs.await("start", of: "r")
                if assigned["member_id"].string == worker.id {
                    // The second says `overlap`, and the audit fails, if the first still runs.
                    try worker.pause()
                    try fleet.jobs.await("start", of: "r", attempt: 2)
                    try worker.resume()
                }
                try fleet.jobs.openGate()
                #expect(try fleet.awaitOutcome(of: "r").status == "completed")
            }
        }

        @Test(
            "a request that waits for another with its id has its outcome under an older leader",
            arguments: Versions.all)
        func duplicates(commit: String) throws {
            let older = try Versions.program(commit)
            let passesOver = Versions.before("9369711").contains(commit)
            try withKnownIssue("it passes a repeated id over, and says nothing (5c96ba3)") {
                try Fleet.run(on: broker, ops: [.script("hold", Jobs.waitForGate)]) { fleet in
                    let former = try fleet.launch(1) { $0.pace = "normal" }
                    #expect(try fleet.awaitLeader().id == former.id)
                    for number in 2...3 {
                        let worker = try fleet.launch(number) {
                            $0.pace = "normal"
                            $0.slots = 2
                            $0.program = older
                        }
                        try Self.awaitMember(worker, in: fleet)
                    }
                    try fleet.submit([request("hold", id: "twin"), request("hold", id: "twin")])
                    try fleet.jobs.await("start", of: "twin")
                    // Whoever leads has read both when what follows them is done.
                    try fleet.submit([request("noop", id: "before")])
                    try fleet.awaitOutcome(of: "before")
                    former.terminate()
                    try fleet.awaitLeader(otherThan: former)
                    try fleet.submit([request("noop", id: "after")])
                    try fleet.awaitOutcome(of: "after")
                    try fleet.jobs.openGate()
                    try fleet.awaitOutcome(of: "twin")
                    try fleet.submit([request("noop", id: "last")])
                    try fleet.awaitOutcome(of: "last")
                    // In vain where it is passed over: the audit says so.
                    if !passesOver { _ = try fleet.awaitOutcomes(5) }
                    #expect(fleet.jobs.all.filter { $0.word == "start" }.count == 1)
                }
            } when: {
                passesOver
            }
        }

        @Test(
            "three of an older version and two of today's lose their leader five times, under load",
            arguments: Versions.all)
        func killLeaders(commit: String) throws {
            let older = try Versions.program(commit)
            try Fleet.run(on: broker, ops: [.script("work", "sleep 0.02\n")]) { fleet in
                func start(_ number: Int) throws -> Worker {
                    try fleet.launch(number) {
                        $0.pace = "normal"
                        $0.program = number % 2 == 0 ? nil : older
                    }
                }
                for number in 1...5 { _ = try start(number) }
                for worker in fleet.living { try worker.awaitReady() }
                for round in 1...5 {
                    let leader = try fleet.awaitLeader()
                    let new = (round - 1) * Self.batch..<round * Self.batch
                    try fleet.submit(new.map { request("work", id: "r\($0)", maxAttempts: 10) })
                    _ = try fleet.awaitOutcomes(new.lowerBound + 20)
                    leader.kill()
                    try fleet.awaitLeader(otherThan: leader)
                    try start(leader.plan.number).awaitReady()
                    try fleet.awaitCompletion(new.upperBound)
                    try Self.awaitAgreement(of: fleet)
                }
            }
        }

        @Test(
            "older ones and today's say the same of a stranger's term that is too high",
            arguments: Versions.all)
        func highTerm(commit: String) throws {
            let older = try Versions.program(commit)
            try withKnownIssue("it is valid for them, and void for today's (dd928b2)") {
                try Fleet.run(on: broker) { fleet in
                    for number in 1...3 {
                        try fleet.launch(number) {
                            $0.pace = "normal"
                            $0.program = number == 3 ? nil : older
                        }
                    }
                    for worker in fleet.living { try worker.awaitReady() }
                    let leader = try fleet.awaitLeader()
                    let end = try fleet.tail("leader").all.count
                    let claim = """
                        {"worker_id":"bad00000-0000-0000-0000-000000000001","op_code":"CLAIM",\
                        "metadata":null,"term":\((1 << 40) + 1_000_000),\
                        "incarnation":"0000000000000001","sent_us":1,"lease_ms":0,\
                        "heartbeat_offset":0,"checkpoint_offset":-1}
                        """
                    try fleet.client.write([claim], to: fleet.topic("leader"))
                    let place = try fleet.tail("leader").wait(for: "the stranger's claim") { log in
                        log.dropFirst(end).first { $0.text == claim }?.offset
                    }
                    let led = try fleet.living.map { worker in
                        try fleet.tail("heartbeat").wait(for: "\(worker.child.name) after it") {
                            $0.first {
                                $0.worker == worker.id && $0["leader_offset"].int ?? 0 > place + 5
                            }?["leader_id"].string
                        }
                    }
                    #expect(Set(led) == [leader.id])
                }
            } when: {
                Versions.before("c08f489").contains(commit)
            }
        }

        private static func awaitMember(_ worker: Worker, in fleet: Fleet) throws {
            try fleet.tail("leader").wait(for: "\(worker.child.name) as a member") { log in
                Referee(log).valid.contains {
                    $0.op == "ADD_MEMBER" && $0["member_id"].string == worker.id
                } ? () : nil
            }
        }

        /// The worker to be changed to this version, or nil when all are.
        private static func next(
            in fleet: Fleet, _ order: Order, toward program: String?
        ) throws -> Worker? {
            let leader = try fleet.awaitLeader()
            let others = fleet.living.filter { $0.plan.program != program }
            let isLeft = others.contains { $0.id == leader.id }
            switch order {
            case .leaderFirst: return isLeft ? leader : others.first
            case .leaderLast: return others.first { $0.id != leader.id } ?? others.first
            }
        }

        /// Waits until all five follow one leader, which has them as members and gives them work.
        private static func awaitAgreement(of fleet: Fleet) throws {
            let leader = try fleet.awaitLeader()
            let lives = try fleet.living.map { worker in
                let count = fleet.lives.filter { $0.id == worker.id }.count
                let what = "\(worker.child.name) after its leader"
                return try fleet.tail("heartbeat").wait(for: what) { heartbeats -> String? in
                    let own = heartbeats.filter { $0.worker == worker.id }
                    let incarnations = Set(own.compactMap { $0["incarnation"].string })
                    let follows = own.last?["leader_id"].string == leader.id
                    return incarnations.count == count && follows
                        ? own.last?["incarnation"].string : nil
                }
            }
            try fleet.tail("leader").wait(for: "the four others as members") { log in
                let valid = Referee(log).valid
                let added = valid.filter { $0.op == "ADD_MEMBER" && $0.worker == leader.id }
                let members = Set(added.compactMap { $0["member_incarnation"].string })
                return members.intersection(lives).count >= 4 ? () : nil
            }
        }
    }
}
