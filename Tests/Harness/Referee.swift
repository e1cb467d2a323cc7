/// Who leads, by the design's section 3, written a second time and with nothing of the code
/// under test: its table over the records of a leader log that was read from the beginning.
public struct Referee {
    public struct Tenure: Equatable, Sendable {
        public var term = 0
        public var holder: String?
        public var incarnation: String?
        public var hasResigned = false
        /// The holder has said something since its claim: it is there.
        public var isConfirmed = false
        /// Offset of its first record.
        public var since = 0
    }

    public private(set) var tenure = Tenure()
    public private(set) var tenures: [Tenure] = []
    public private(set) var valid: [Record] = []
    public private(set) var void: [Record] = []

    public init(_ log: [Record]) {
        for record in log { judge(record) }
        if tenure.holder != nil { tenures.append(tenure) }
    }

    private mutating func judge(_ record: Record) {
        guard let worker = record.worker, let term = record.term else { return }
        let incarnation = record["incarnation"].string
        let isClaim = record.op == "CLAIM"
        if term > record.offset + 1 << 40 {
            void.append(record)
            return
        }
        if term > tenure.term {
            if tenure.holder != nil { tenures.append(tenure) }
            tenure = Tenure(
                term: term, holder: worker, incarnation: incarnation, isConfirmed: !isClaim,
                since: record.offset)
        } else if isClaim || term < tenure.term || tenure.hasResigned || worker != tenure.holder
            || incarnation != tenure.incarnation
        {
            void.append(record)
            return
        } else {
            tenure.isConfirmed = true
        }
        if record.op == "RESIGN" { tenure.hasResigned = true }
        valid.append(record)
    }

    /// The holder of the log's last tenure, once it has said something and unless it resigned.
    public var leader: String? {
        tenure.isConfirmed && !tenure.hasResigned ? tenure.holder : nil
    }
}
