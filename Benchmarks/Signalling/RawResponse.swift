/// What the generator needs of a response, or of a request that it did not expect.
struct RawResponse {
    /// 0: it is a request.
    var status = 0
    var isInvite = false
    /// The call's number, from the end of its Call-ID.
    var index = -1
    var to = ""
    /// The URI alone.
    var contact = ""
    var recordRoutes: [String] = []
    var contentLength = 0

    init(_ head: UnsafeRawBufferPointer) {
        var rest = head
        var isFirst = true
        while let end = rest.firstIndex(of: 0x0A) {
            let line = UnsafeRawBufferPointer(rebasing: rest[..<max(0, end - 1)])
            rest = UnsafeRawBufferPointer(rebasing: rest[(end + 1)...])
            if isFirst {
                isFirst = false
                if line.starts(with: "SIP/2.0 ".utf8) { status = Self.number(line.dropFirst(8).prefix(3)) }
                continue
            }
            guard let colon = line.firstIndex(of: 0x3A) else { continue }
            let value = line[(colon + 1)...].drop { $0 == 0x20 }
            switch colon {
            case 2 where Self.isNamed(line, "To"): to = String(decoding: value, as: UTF8.self)
            case 4 where Self.isNamed(line, "CSeq"): isInvite = value.suffix(6).elementsEqual("INVITE".utf8)
            case 7 where Self.isNamed(line, "Call-ID"): index = Self.number(Self.digits(of: value))
            case 7 where Self.isNamed(line, "Contact"): contact = Self.uri(value)
            case 12 where Self.isNamed(line, "Record-Route"):
                recordRoutes.append(String(decoding: value, as: UTF8.self))
            case 14 where Self.isNamed(line, "Content-Length"): contentLength = Self.number(value)
            default: break
            }
        }
    }

    private static func isNamed(_ line: UnsafeRawBufferPointer, _ name: StaticString) -> Bool {
        name.withUTF8Buffer { line.starts(with: $0) }
    }

    private static func digits(of value: Slice<UnsafeRawBufferPointer>) -> Slice<UnsafeRawBufferPointer> {
        value.lastIndex(of: UInt8(ascii: "N")).map { value[($0 + 1)...] } ?? value.prefix(0)
    }

    private static func uri(_ value: Slice<UnsafeRawBufferPointer>) -> String {
        guard let open = value.firstIndex(of: 0x3C), let close = value.firstIndex(of: 0x3E), open < close else {
            return String(decoding: value, as: UTF8.self)
        }
        return String(decoding: value[(open + 1)..<close], as: UTF8.self)
    }

    private static func number(_ digits: some Sequence<UInt8>) -> Int {
        digits.reduce(0) { (48...57).contains($1) && $0 < 1 << 40 ? $0 * 10 + Int($1 - 48) : $0 }
    }
}

/// Cuts a stream into messages.
struct RawFramer {
    private var octets: [UInt8] = []

    mutating func append(_ span: Span<UInt8>) {
        octets.reserveCapacity(octets.count + span.count)
        for index in span.indices { octets.append(span[index]) }
    }

    /// Calls back with each whole message.
    mutating func drain(_ body: (RawResponse) -> Void) {
        let used = octets.withUnsafeBytes { all in
            var used = 0
            while let end = Self.endOfHead(all[used...]) {
                let message = RawResponse(UnsafeRawBufferPointer(rebasing: all[used..<(end - 2)]))
                guard end + message.contentLength <= all.count else { break }
                body(message)
                used = end + message.contentLength
            }
            return used
        }
        octets.removeFirst(used)
    }

    /// Behind the blank line.
    private static func endOfHead(_ octets: Slice<UnsafeRawBufferPointer>) -> Int? {
        var rest = octets
        while let end = rest.firstIndex(of: 0x0A) {
            if end + 2 < octets.endIndex, octets[end + 1] == 0x0D, octets[end + 2] == 0x0A { return end + 3 }
            rest = rest[(end + 1)...]
        }
        return nil
    }
}
