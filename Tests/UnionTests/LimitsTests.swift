import Testing
import Union

/// The relations between the constants in `Limits`, and between them and the capacities that a
/// type's declaration must spell as a literal.
struct LimitsTests {
    @Test("a request's payload has room for each field at its limit")
    func requestPayload() {
        let code = 2 + Limits.codeBytes
        let parameters = 1 + Limits.parameterBytes + 4 * Limits.parameters
        let requesterID = 1 + Limits.idBytes
        let signature = 2 + Limits.signatureBytes
        #expect(Limits.requestPayloadBytes == code + parameters + requesterID + signature)
    }

    @Test("no record's payload is larger than a full ledger's checkpoint")
    func payload() {
        #expect(Limits.payloadBytes >= Limits.ledger * Limits.packedOpenWorkBytes)
        #expect(Limits.payloadBytes >= Limits.members * Limits.packedIDBytes)
        #expect(Limits.payloadBytes >= Limits.requestPayloadBytes)
        #expect(Limits.payloadBytes >= Limits.outputBytes)
    }

    @Test("lengths fit the bytes that a payload gives them")
    func lengths() {
        #expect(Limits.codeBytes + 1 < 1 << 16)
        #expect(Limits.parameterBytes < 1 << 16)
        #expect(Limits.parameters < 1 << 8)
        #expect(Limits.idBytes + 1 < 1 << 8)
        #expect(Limits.signatureBytes + 1 < 1 << 16)
    }

    @Test("an op's name fits where an id does, and a request is shorter than a record")
    func wire() {
        #expect(Limits.opBytes <= Limits.idBytes)
        #expect(Limits.requestBytes < Limits.recordBytes)
    }

    @Test("every node has room for a checkpoint and as many assignments after it")
    func openWork() {
        #expect(Limits.openWork >= 2 * Limits.ledger)
    }

    @Test("a bench holds more jobs than run at once")
    func bench() {
        #expect(Limits.bench > Limits.slots)
    }

    @Test("half an outbox holds the largest payload, twice")
    func outbox() {
        #expect(Limits.effectBytes / 2 >= 2 * Limits.payloadBytes)
    }

    @Test("the capacities in declarations are the limits")
    func literals() {
        #expect(Payload.Buffer.capacity == Limits.payloadBytes)
        #expect(RequestID.capacity == Limits.idBytes)
        #expect(OpName.capacity == Limits.opBytes)
    }
}
