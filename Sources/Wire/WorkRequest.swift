import Union

extension WorkRequest {
    init(_ object: borrowing JSONObject, payload: inout Payload.Buffer) throws(Malformed) {
        let opCode: OpName = try object.text(at: object.required(.opCode), .opCode)
        guard !opCode.isEmpty else { throw Malformed(.empty, .opCode) }
        self.init(
            requestID: try object.text(.requestID) ?? RequestID(),
            opCode: opCode,
            timeoutMs: try object.optionalSmall(
                .timeoutMs, from: 1, to: Int64(Limits.timeoutMs)),
            maxAttempts: try object.optionalSmall(
                .maxAttempts, from: 1, to: Int64(Limits.maxAttempts))
                ?? Self.defaultMaxAttempts)
        try object.packText(
            .code, limit: Limits.codeBytes, nul: true, lengthSize: 2, into: &payload)
        let parameters = try object.parameters()
        parameters.pack(into: &payload)
        try object.packText(.requesterID, limit: Limits.idBytes, lengthSize: 1, into: &payload)
        try object.packText(.signature, limit: Limits.signatureBytes, lengthSize: 2, into: &payload)
    }

    /// Never longer than what was read, but for at most 16 pairs of quotes and the names of absent
    /// fields: strings are escaped as little as JSON allows. So `Limits.requestBytes` leaves room
    /// for an order around it.
    func write(_ payload: Span<UInt8>, into buffer: inout RecordBuffer) {
        let payload = RequestPayload(payload)
        buffer.openObject()
        buffer.field(.requestID, requestID)
        buffer.name(.opCode)
        buffer.write(string: opCode)
        buffer.field(.code, text: payload.code)
        buffer.name(.parameters)
        buffer.openObject()
        for i in 0..<payload.parameterCount {
            let parameter = payload.parameter(i)
            buffer.separate()
            buffer.write(string: parameter.name)
            buffer.write(UInt8(ascii: ":"))
            buffer.write(string: parameter.value)
        }
        buffer.closeObject()
        buffer.field(.requesterID, text: payload.requesterID)
        buffer.field(.signature, text: payload.signature)
        buffer.field(.timeoutMs, timeoutMs)
        buffer.field(.maxAttempts, maxAttempts)
        buffer.closeObject()
    }
}

extension JSONObject {
    /// Packs a text or null, as `Payload` says: its length + 1, then itself.
    fileprivate func packText(
        _ field: Field, limit: Int, nul: Bool = false, lengthSize: Int,
        into payload: inout Payload.Buffer
    ) throws(Malformed) {
        guard let token = optional(field) else { return payload.pack(0, size: lengthSize) }
        let string = try string(at: token, field)
        let size = try size(of: string, field, limit: limit, nul: nul)
        payload.pack(UInt64(size.bytes + 1), size: lengthSize)
        string.unescape(size, into: &payload)
    }

    /// Names and values; a value that is a number, true or false counts as its own text.
    fileprivate func parameters() throws(Malformed) -> Parameters {
        var parameters = Parameters()
        guard let object = optional(.parameters) else { return parameters }
        guard tokens[object].isObject else { throw Malformed(.notMap, .parameters) }
        let count = tokens[object].count
        guard count <= Limits.parameters else {
            throw Malformed(.tooMany, .parameters, given: count, limit: Limits.parameters)
        }
        var name = FixedText<1024>()
        var value = FixedText<1024>()
        for i in 0..<count {
            // Each value before was one token, or we would have thrown.
            let token = object + 1 + 2 * i
            name.removeAll()
            value.removeAll()
            try unescape(token, .parameters, limit: Limits.parameterBytes, into: &name)
            try parameterValue(at: token + 1, into: &value)
            try parameters.add(name: name.span, value: value.span)
        }
        return parameters
    }

    private func parameterValue(
        at token: Int, into value: inout FixedText<1024>
    ) throws(Malformed) {
        if tokens[token].isString {
            return try unescape(token, .parameters, limit: Limits.parameterBytes, into: &value)
        }
        guard tokens[token].isPrimitive, !isNull(token) else {
            throw Malformed(.parameterValue, .parameters)
        }
        let literal = text.extracting(tokens[token].range)
        guard value.append(literal) else {
            throw Malformed(
                .tooLong, .parameters, given: literal.count, limit: Limits.parameterBytes)
        }
    }
}
