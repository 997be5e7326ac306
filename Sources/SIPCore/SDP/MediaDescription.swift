/// One `m=` line with what stands below it (RFC 8866 §5.14).
public struct MediaDescription: Hashable, Sendable {
    /// Who may send (RFC 3264 §5.1), seen by the side that wrote it.
    public enum Direction: String, Hashable, Sendable, CaseIterable {
        case sendrecv, sendonly, recvonly, inactive

        init?(_ text: Span<UInt8>, _ range: Range<Int>) {
            if text.equals(range, "sendrecv") {
                self = .sendrecv
            } else if text.equals(range, "sendonly") {
                self = .sendonly
            } else if text.equals(range, "recvonly") {
                self = .recvonly
            } else if text.equals(range, "inactive") {
                self = .inactive
            } else {
                return nil
            }
        }

        /// What the other side says in its answer (RFC 3264 §6.1).
        public var mirrored: Direction {
            switch self {
            case .sendrecv: .sendrecv
            case .sendonly: .recvonly
            case .recvonly: .sendonly
            case .inactive: .inactive
            }
        }
    }

    /// `audio`, `video`, …
    public var kind: String
    /// 0: the stream is refused or switched off.
    public var port: UInt16
    /// The profile as written: `RTP/SAVP`.
    public var transport: String
    public var formats: [String]
    public var connection: SessionDescription.Connection?
    public var attributes: SessionDescription.AttributeList

    public init(
        kind: String, port: UInt16, transport: String, formats: [String],
        connection: SessionDescription.Connection? = nil, attributes: SessionDescription.AttributeList = []
    ) {
        self.kind = kind
        self.port = port
        self.transport = transport
        self.formats = formats
        self.connection = connection
        self.attributes = attributes
    }

    public init(
        kind: String, port: UInt16, transport: String, formats: [String],
        connection: SessionDescription.Connection? = nil, attributes: [SessionDescription.Attribute]
    ) {
        self.init(
            kind: kind, port: port, transport: transport, formats: formats, connection: connection,
            attributes: SessionDescription.AttributeList(attributes))
    }

    /// The value of the first attribute of that name; "" for a flag.
    public func attribute(_ name: String) -> String? { attributes.first(name) }

    /// The values of all attributes of that name, in order.
    public func attributes(_ name: String) -> [String] {
        var values: [String] = []
        attributes.forEach(name) { value in
            values.append(value.text(0..<value.count) ?? "")
            return true
        }
        return values
    }

    /// The direction written at this level, if any.
    public var direction: Direction? { attributes.direction }

    /// The `a=crypto` lines that could be read and name a suite we have (RFC 4568), in order.
    public var cryptos: [CryptoAttribute] {
        var cryptos: [CryptoAttribute] = []
        attributes.forEach("crypto") { value in
            if let crypto = try? CryptoAttribute(parsing: value) { cryptos.append(crypto) }
            return true
        }
        return cryptos
    }

    /// What `a=rtpmap` says for a format, e.g. `opus/48000/2`.
    public func rtpmap(for format: String) -> String? { value("rtpmap", for: format) }

    /// What `a=fmtp` says for a format.
    public func fmtp(for format: String) -> String? { value("fmtp", for: format) }

    private func value(_ name: String, for format: String) -> String? {
        var found: String?
        attributes.forEach(name) { value in
            let space = value.firstIndex(of: .space, in: 0..<value.count)
            guard value.equals(0..<(space ?? value.count), format) else { return true }
            found = space.flatMap { value.text($0 + 1..<value.count) }
            return false
        }
        return found
    }

    /// The `m=` line.
    func writeLine(to output: inout [UInt8]) {
        output.append(UInt8(ascii: "m"))
        output.append(UInt8(ascii: "="))
        output.appendDisarmed(kind)
        output.append(.space)
        output.appendDisarmed(String(port))
        output.append(.space)
        output.appendDisarmed(transport)
        for format in formats {
            output.append(.space)
            output.appendDisarmed(format)
        }
        output.append(.cr)
        output.append(.lf)
    }
}
