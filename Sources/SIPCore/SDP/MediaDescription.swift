/// One `m=` line with what stands below it (RFC 8866 §5.14).
public struct MediaDescription: Hashable, Sendable {
    /// Who may send (RFC 3264 §5.1), seen by the side that wrote it.
    public enum Direction: String, Hashable, Sendable, CaseIterable {
        case sendrecv, sendonly, recvonly, inactive

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
    public var attributes: [SessionDescription.Attribute]

    public init(
        kind: String, port: UInt16, transport: String, formats: [String],
        connection: SessionDescription.Connection? = nil, attributes: [SessionDescription.Attribute] = []
    ) {
        self.kind = kind
        self.port = port
        self.transport = transport
        self.formats = formats
        self.connection = connection
        self.attributes = attributes
    }

    /// The value of the first attribute of that name; "" for a flag.
    public func attribute(_ name: String) -> String? {
        attributes.first { $0.name == name }.map { $0.value ?? "" }
    }

    /// The values of all attributes of that name, in order.
    public func attributes(_ name: String) -> [String] {
        attributes.filter { $0.name == name }.map { $0.value ?? "" }
    }

    /// The direction written at this level, if any.
    public var direction: Direction? { attributes.direction }

    /// The `a=crypto` lines that could be read and name a suite we have (RFC 4568), in order.
    public var cryptos: [CryptoAttribute] {
        attributes("crypto").compactMap { try? CryptoAttribute(parsing: $0) }
    }

    /// What `a=rtpmap` says for a format, e.g. `opus/48000/2`.
    public func rtpmap(for format: String) -> String? { value("rtpmap", for: format) }

    /// What `a=fmtp` says for a format.
    public func fmtp(for format: String) -> String? { value("fmtp", for: format) }

    private func value(_ name: String, for format: String) -> String? {
        for attribute in attributes where attribute.name == name {
            let (head, tail) = SDPText.cut(attribute.value ?? "", at: UInt8(ascii: " "))
            if head == format { return tail }
        }
        return nil
    }
}

extension MediaDescription {
    init?(_ value: String) {
        let fields = SDPText.fields(value)
        guard fields.count >= 3,
            let port = SDPText.number(SDPText.cut(fields[1], at: UInt8(ascii: "/")).head, limit: 65_535)
        else { return nil }
        self.init(
            kind: fields[0], port: UInt16(truncatingIfNeeded: port), transport: fields[2],
            formats: Array(fields.dropFirst(3)))
    }

    var line: String { ([kind, String(port), transport] + formats).joined(separator: " ") }
}

extension [SessionDescription.Attribute] {
    var direction: MediaDescription.Direction? {
        for attribute in self where attribute.value == nil {
            if let direction = MediaDescription.Direction(rawValue: attribute.name) { return direction }
        }
        return nil
    }
}
