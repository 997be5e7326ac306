extension SessionDescription {
    public init(parsing bytes: Span<UInt8>, limits: Limits = Limits()) throws(SDPError) {
        guard bytes.count <= limits.maxOctets else { throw .tooLarge(limit: limits.maxOctets) }
        try self.init(body: bytes.array(0..<bytes.count), limits: limits)
    }

    /// Reads a body, and keeps it as the home of the attributes.
    init(body: [UInt8], limits: Limits = Limits()) throws(SDPError) {
        guard body.count <= limits.maxOctets else { throw .tooLarge(limit: limits.maxOctets) }
        // What is not UTF-8 (old `s=` lines in Latin-1) is replaced, as no such octet means anything to us.
        let octets = body.span.isUTF8(0..<body.count) ? body : Array(String(decoding: body, as: UTF8.self).utf8)
        let bytes = octets.span
        let hasNUL = bytes.firstIndex(of: 0, in: 0..<bytes.count) != nil
        var origin: Origin?
        var name = "-"
        var connection: Connection?
        var attributes = AttributeList(in: octets)
        var media: [MediaDescription] = []
        // Of the stream that is being read.
        var streamConnection: Connection?
        var streamAttributes = AttributeList(in: octets)
        var sawVersion = false
        var number = 0
        var start = 0
        while start < bytes.count {
            let (line, hasStrayReturn) = Self.line(bytes, from: &start)
            number += 1
            guard number <= limits.maxLines else { throw .tooManyLines(limit: limits.maxLines) }
            guard !line.isEmpty else { continue }  // some stacks end with an empty line
            let letter = bytes[line.lowerBound]
            guard line.count >= 2, bytes[line.lowerBound + 1] == UInt8(ascii: "="),
                letter >= UInt8(ascii: "a"), letter <= UInt8(ascii: "z")
            else { throw .malformedLine(type: nil, number: number) }
            let type = Unicode.Scalar(letter)
            let value = line.lowerBound + 2..<line.upperBound
            func malformed() -> SDPError { .malformedLine(type: Character(type), number: number) }
            if hasStrayReturn || (hasNUL && bytes.firstIndex(of: 0, in: value) != nil) { throw malformed() }
            guard sawVersion || type == "v" else { throw .missingLine(type: "v") }
            switch type {
            case "v":
                guard value.count == 1, bytes[value.lowerBound] == UInt8(ascii: "0") else { throw .unsupportedVersion }
                sawVersion = true
            case "o":
                guard let parsed = Origin(bytes, value) else { throw malformed() }
                origin = origin ?? parsed
            case "s":
                name = bytes.text(value) ?? ""
            case "c":
                guard let parsed = Connection(bytes, value) else { throw malformed() }
                if media.isEmpty { connection = parsed } else { streamConnection = streamConnection ?? parsed }
            case "a":
                let colon = bytes.firstIndex(of: UInt8(ascii: ":"), in: value)
                guard (colon ?? value.upperBound) > value.lowerBound else { throw malformed() }
                if media.isEmpty {
                    attributes.append(place: value, colon: colon)
                } else {
                    streamAttributes.append(place: value, colon: colon)
                }
            case "m":
                media.finishLast(streamConnection, streamAttributes)
                streamConnection = nil
                streamAttributes = AttributeList(in: octets)
                guard media.count < limits.maxMedia else { throw .tooManyMedia(limit: limits.maxMedia) }
                guard let parsed = MediaDescription(bytes, value) else { throw malformed() }
                media.append(parsed)
            default:
                break  // i= u= e= p= b= t= r= z= k= and what is yet to be invented
            }
        }
        media.finishLast(streamConnection, streamAttributes)
        guard sawVersion else { throw .empty }
        guard let origin else { throw .missingLine(type: "o") }
        self.init(origin: origin, name: name, connection: connection, attributes: attributes, media: media)
    }

    /// The line from the position to its LF, without the line end; the position moves behind it.
    private static func line(_ bytes: Span<UInt8>, from position: inout Int) -> (Range<Int>, hasStrayReturn: Bool) {
        let start = position
        var end = bytes.firstLineEnd(in: start..<bytes.count) ?? bytes.count
        if end < bytes.count, bytes[end] == .cr, end + 1 == bytes.count || bytes[end + 1] != .lf {
            end = bytes.firstIndex(of: .lf, in: end..<bytes.count) ?? bytes.count
            position = min(end + 1, bytes.count)
            // As the last octet it ends the line.
            let line = start..<(bytes[end - 1] == .cr ? end - 1 : end)
            return (line, bytes.firstIndex(of: .cr, in: line) != nil)
        }
        position = end < bytes.count && bytes[end] == .cr ? end + 2 : end + 1
        return (start..<end, false)
    }
}

extension [MediaDescription] {
    /// Gives the stream what stood below its `m=` line.
    fileprivate mutating func finishLast(
        _ connection: SessionDescription.Connection?, _ attributes: SessionDescription.AttributeList
    ) {
        guard let last = indices.last else { return }
        self[last].connection = connection
        self[last].attributes = attributes
    }
}

extension SessionDescription.Origin {
    fileprivate init?(_ bytes: Span<UInt8>, _ value: Range<Int>) {
        var fields = SDPFields(value)
        guard let username = fields.next(bytes), let id = fields.next(bytes), let version = fields.next(bytes),
            fields.next(bytes) != nil, let type = fields.next(bytes), let address = fields.next(bytes),
            fields.next(bytes) == nil
        else { return nil }
        self.init(
            username: bytes.text(username) ?? "", sessionID: bytes.text(id) ?? "", version: bytes.text(version) ?? "",
            addressType: bytes.text(type) ?? "", address: bytes.text(address) ?? "")
    }
}

extension SessionDescription.Connection {
    fileprivate init?(_ bytes: Span<UInt8>, _ value: Range<Int>) {
        var fields = SDPFields(value)
        guard fields.next(bytes) != nil, let type = fields.next(bytes), let address = fields.next(bytes),
            fields.next(bytes) == nil
        else { return nil }
        let end = bytes.firstIndex(of: UInt8(ascii: "/"), in: address) ?? address.upperBound
        guard end > address.lowerBound else { return nil }
        self.init(
            addressType: bytes.text(type) ?? "", address: bytes.text(address.lowerBound..<end) ?? "")
    }
}

extension MediaDescription {
    fileprivate init?(_ bytes: Span<UInt8>, _ value: Range<Int>) {
        var fields = SDPFields(value)
        guard let kind = fields.next(bytes), let ports = fields.next(bytes), let transport = fields.next(bytes)
        else { return nil }
        let slash = bytes.firstIndex(of: UInt8(ascii: "/"), in: ports) ?? ports.upperBound
        guard let port = bytes.decimal(ports.lowerBound..<slash, limit: 65_535) else { return nil }
        var formats: [String] = []
        while let format = fields.next(bytes) { formats.append(bytes.text(format) ?? "") }
        self.init(
            kind: bytes.text(kind) ?? "", port: UInt16(truncatingIfNeeded: port),
            transport: bytes.text(transport) ?? "",
            formats: formats)
    }
}
