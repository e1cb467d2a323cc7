import Testing

@testable import Union

/// The small values that everything else counts with.
@Suite("Values")
struct ValueTests {
    // MARK: Instants

    @Test("an instant counts in milliseconds, and never stays never")
    func instants() {
        #expect(ms(5) + 3 == ms(8))
        #expect(ms(5) - 3 == ms(2))
        #expect(Instant.never + 1 == .never)
        #expect(ms(5) < ms(6))
        #expect(ms(9).ms(since: ms(4)) == 5)
        #expect(ms(4).ms(since: ms(9)) == 0)
        #expect(Instant(us: 1999).ms(since: .zero) == 1)
    }

    // MARK: Random numbers

    @Test("the generator is SplitMix64")
    func splitMix() {
        var random = Random(seed: 1_234_567)
        let published: [UInt64] = [
            6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423,
            4_593_380_528_125_082_431, 16_408_922_859_458_223_821,
        ]
        var drawn: [UInt64] = []
        for _ in 0..<5 { drawn.append(random.next()) }
        #expect(drawn == published)
    }

    @Test("a number below a bound takes every value, about equally often, and no other")
    func below() {
        var random = Random(seed: 5)
        var seen = [Int](repeating: 0, count: 10)
        for _ in 0..<10_000 { seen[Int(random.below(10))] += 1 }
        #expect(seen.allSatisfy { (800...1200).contains($0) })
        var highest: Int32 = 0
        for _ in 0..<1000 {
            let (zero, any) = (random.below(1), random.below(.max))
            #expect(zero == 0)
            #expect((0..<Int32.max).contains(any))
            highest = max(highest, any)
        }
        #expect(highest > Int32.max / 2)
    }

    @Test("the same seed gives the same numbers, another seed others")
    func seeds() {
        var (a, b, c) = (Random(seed: 1), Random(seed: 1), Random(seed: 2))
        let (first, same, other) = (a.next(), b.next(), c.next())
        #expect(first == same)
        #expect(first != other)
    }

    // MARK: Payloads

    @Test(
        "a row of open work is packed and unpacked",
        arguments: [
            OpenWork(requestOffset: 0, attempt: 0, failures: 0, workerID: nil, requestKey: 0),
            OpenWork(
                requestOffset: .max, attempt: .max, failures: 3, workerID: worker(9),
                requestKey: .max, timeoutMs: 30_000),
            OpenWork(
                requestOffset: 1 << 40, attempt: 1, failures: 0,
                workerID: WorkerID(high: 0, low: 1), requestKey: 77),
        ])
    func openWorkRow(_ row: OpenWork) {
        let bytes = packed([openWork(1), row])
        #expect(bytes.count == 2 * Limits.packedOpenWorkBytes)
        #expect(Payload.openWork(bytes.span, at: Limits.packedOpenWorkBytes) == row)
    }

    @Test("an id of zeros is nobody")
    func nobody() {
        var buffer = Payload.Buffer()
        buffer.pack(WorkerID?.none)
        buffer.pack(worker(3))
        #expect(buffer.count == 2 * Limits.packedIDBytes)
        let bytes = (0..<buffer.count).map { buffer[$0] }
        #expect(Payload.workerID(bytes.span, at: 0) == nil)
        #expect(Payload.workerID(bytes.span, at: 16) == worker(3))
    }

    @Test("the key of an id is FNV-1a, and never 0 unless there is no id")
    func keys() {
        #expect(request("a").requestID.key == 0xAF63_DC4C_8601_EC8C)
        #expect(request("foobar").requestID.key == 0x8594_4171_F739_67E8)
        #expect(RequestID().key == 0)
    }

    // MARK: Settings

    @Test(
        "every pace's timings hold together",
        arguments: [Settings.Pace.fast, .normal, .cloud, .classroom])
    func paces(_ pace: Settings.Pace) {
        #expect(Settings(workerID: worker(1), incarnation: 1, pace: pace).broken == nil)
    }

    struct Inequality: Sendable {
        let rule: Settings.Rule
        /// What is just allowed, and what is just not any more.
        let holds: @Sendable (inout Settings) -> Void
        let breaks: @Sendable (inout Settings) -> Void
    }

    static let inequalities = [
        Inequality(rule: .announcementsFitLease) {
            $0.announceMs = 100
            $0.leaseMs = 200
        } breaks: {
            $0.announceMs = 101
            $0.leaseMs = 201
        },
        Inequality(rule: .leaseEndsBeforeCampaign) {
            $0.leaderTimeoutMs = 1000
        } breaks: {
            $0.leaderTimeoutMs = 999
        },
        Inequality(rule: .heartbeatsRenewLease) {
            $0.workerLeaseMs = 700
        } breaks: {
            $0.workerLeaseMs = 699
        },
        Inequality(rule: .jobsDieBeforeRemoval) {
            $0.memberTimeoutMs = 2959
        } breaks: {
            $0.memberTimeoutMs = 2958
        },
        Inequality(rule: .removalBeforeCancel) {
            $0.ackTimeoutMs = 3000
        } breaks: {
            $0.ackTimeoutMs = 2999
        },
        Inequality(rule: .countdownFitsCampaign) {
            $0.countdownDelayMs = 499
        } breaks: {
            $0.countdownDelayMs = 500
        },
        Inequality(rule: .candidaciesComeRound) {
            $0.campaignTtlMs = 800
        } breaks: {
            $0.campaignTtlMs = 799
        },
    ]

    @Test("each inequality between timings is checked at its edge", arguments: inequalities)
    func inequality(_ inequality: Inequality) {
        var settings = Settings(workerID: worker(1), incarnation: 1)
        inequality.holds(&settings)
        #expect(settings.broken == nil)
        inequality.breaks(&settings)
        #expect(settings.broken?.rule == inequality.rule)
        #expect(settings.broken.map { $0.left >= $0.right } == true)
    }

    @Test("each rule between timings has its inequality here")
    func everyRule() {
        #expect(Self.inequalities.map(\.rule) == Array(Settings.Rule.all))
    }

    @Test("timings too large to add do not wrap around")
    func hugeTimings() {
        var settings = Settings(workerID: worker(1), incarnation: 1)
        settings.leaseMs = .max
        #expect(settings.broken != nil)
        #expect(Settings.withClockMargin(.max) == .max)
        #expect(Settings.withClockMargin(100) == 102)
        #expect(Settings.withClockMargin(1) == 2, "rounded up")
        #expect(Settings.patienceMs(lease: .max) == 75_000, "none is longer than a minute")
        #expect(Settings.patienceMs(lease: 1) == 2, "rounded up")
        settings.leaseMs = Limits.leaseMs
        #expect(settings.ledMarginMs == Limits.leaseMs / 1000 * 225)
    }

    @Test("a node is not started with timings that contradict each other")
    func refused() async {
        await #expect(processExitsWith: .failure) {
            _ = Solo { $0.leaderTimeoutMs = 1 }
        }
    }

    @Test("a job's deadline is the request's, else the op's on this board, else a minute")
    func opTimeouts() {
        var settings = Settings(workerID: worker(1), incarnation: 1)
        for i in 0..<Limits.ops {
            let isKept = settings.setTimeout(of: text("op\(i)"), ms: Int32(i))
            #expect(isKept)
        }
        let isKept = settings.setTimeout(of: text("one-more"), ms: 1)
        #expect(!isKept)
        #expect(settings.deadlineMs(of: request("a", op: "op7")) == 7)
        #expect(settings.deadlineMs(of: request("a", op: "op7", timeoutMs: 5)) == 5)
        #expect(settings.deadlineMs(of: request("a", op: "op")) == 60_000)
    }

    // MARK: Digests

    @Test("a request's digest tells it from others by all that its writer gave")
    func requestDigests() {
        let (one, two) = ([1] as [UInt8], [2] as [UInt8])
        let digests: Set<Digest> = [
            request("a").digest(one.span), request("a").digest(two.span),
            request("b").digest(one.span), request("a", op: "resize").digest(one.span),
            request("a", timeoutMs: 5).digest(one.span),
            request("a", maxAttempts: 7).digest(one.span),
        ]
        #expect(digests.count == 6)
    }

    @Test("a result's digest tells it from others: whose, which attempt, and how it ended")
    func resultDigests() {
        let digests: Set<Digest> = [
            result(of: 0, by: 2).digest, result(of: 1, by: 2, id: "r0").digest,
            result(of: 0, by: 3).digest, result(of: 0, by: 2, attempt: 2).digest,
            result(of: 0, by: 2, .failed).digest, result(of: 0, by: 2, final: false).digest,
            result(of: 0, by: 2, id: "other").digest, result(of: 0, by: 2, term: 2).digest,
        ]
        #expect(digests.count == 8)
    }

    // MARK: The clock

    @Test("time that goes back is a broken machine")
    func timeGoesBack() async {
        await #expect(processExitsWith: .failure) {
            let solo = Solo()
            solo.join()
            solo.sleep(-1)
            solo.give(.tick)
        }
    }
}
