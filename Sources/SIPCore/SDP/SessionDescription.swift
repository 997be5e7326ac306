/// A session description (RFC 8866): what of it matters for audio calls, as text.
///
/// Reading takes CRLF and LF, keeps every `a=` line in order, and passes over lines it has no use for (`s=` apart, which
/// is kept as `name`; `t=` is always written `0 0`). Limits are checked before anything is stored.
public struct SessionDescription: Hashable, Sendable {
    /// The `o=` line. All fields are text: Meta's session ids are times in milliseconds, others use more digits.
    public struct Origin: Hashable, Sendable {
        public var username: String
        public var sessionID: String
        public var version: String
        /// `IP4` or `IP6`.
        public var addressType: String
        /// Says nothing about where media goes: Meta writes 127.0.0.1 (meta-calling §11.1).
        public var address: String

        public init(
            username: String = "-", sessionID: String, version: String, addressType: String, address: String
        ) {
            self.username = username
            self.sessionID = sessionID
            self.version = version
            self.addressType = addressType
            self.address = address
        }
    }

    /// A `c=` line.
    public struct Connection: Hashable, Sendable {
        /// `IP4` or `IP6`, as written by the peer; not checked against `address`.
        public var addressType: String
        /// Without the `/ttl` of multicast.
        public var address: String

        public init(addressType: String, address: String) {
            self.addressType = addressType
            self.address = address
        }

        /// The connection line for an address literal.
        public init(address: String) {
            self.init(addressType: address.utf8.contains(UInt8(ascii: ":")) ? "IP6" : "IP4", address: address)
        }
    }

    /// What is refused before it is stored.
    public struct Limits: Hashable, Sendable {
        public var maxOctets = 65_536
        public var maxLines = 2_000
        public var maxMedia = 32
        public init() {}
    }

    public var origin: Origin
    public var name: String
    public var connection: Connection?
    public var attributes: AttributeList
    public var media: [MediaDescription]

    public init(
        origin: Origin, name: String = "-", connection: Connection? = nil, attributes: AttributeList = [],
        media: [MediaDescription] = []
    ) {
        self.origin = origin
        self.name = name
        self.connection = connection
        self.attributes = attributes
        self.media = media
    }

    public init(
        origin: Origin, name: String = "-", connection: Connection? = nil, attributes: [Attribute],
        media: [MediaDescription] = []
    ) {
        self.init(
            origin: origin, name: name, connection: connection, attributes: AttributeList(attributes), media: media)
    }

    /// The value of the first session-level attribute of that name; "" for a flag.
    public func attribute(_ name: String) -> String? { attributes.first(name) }
}

// MARK: Writing

extension SessionDescription {
    /// The octets that go into a body, with CRLF line ends. A CR, LF or NUL inside a value is left out, so no value can
    /// start a line of its own.
    public func encoded() -> [UInt8] {
        var output: [UInt8] = []
        output.reserveCapacity(1_024)
        output.append(line: "v=0")
        output.append(
            line: "o=", origin.username, " ", origin.sessionID, " ", origin.version, " IN ", origin.addressType, " ",
            origin.address)
        output.append(line: "s=", name)
        connection?.write(to: &output)
        output.append(line: "t=0 0")
        attributes.write(to: &output)
        for stream in media {
            stream.writeLine(to: &output)
            stream.connection?.write(to: &output)
            stream.attributes.write(to: &output)
        }
        return output
    }
}

extension SessionDescription.Connection {
    fileprivate func write(to output: inout [UInt8]) {
        output.append(line: "c=IN ", addressType, " ", address)
    }
}

extension [UInt8] {
    fileprivate mutating func append(line parts: String...) {
        for part in parts { appendDisarmed(part) }
        append(.cr)
        append(.lf)
    }
}
