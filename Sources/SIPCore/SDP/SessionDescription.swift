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

    /// An `a=` line: a flag, or a name with a value.
    public struct Attribute: Hashable, Sendable {
        public var name: String
        public var value: String?

        public init(_ name: String, _ value: String? = nil) {
            self.name = name
            self.value = value
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
    public var attributes: [Attribute]
    public var media: [MediaDescription]

    public init(
        origin: Origin, name: String = "-", connection: Connection? = nil, attributes: [Attribute] = [],
        media: [MediaDescription] = []
    ) {
        self.origin = origin
        self.name = name
        self.connection = connection
        self.attributes = attributes
        self.media = media
    }

    /// The value of the first session-level attribute of that name; "" for a flag.
    public func attribute(_ name: String) -> String? {
        attributes.first { $0.name == name }.map { $0.value ?? "" }
    }

    // MARK: Reading

    public init(parsing bytes: Span<UInt8>, limits: Limits = Limits()) throws(SDPError) {
        guard bytes.count <= limits.maxOctets else { throw .tooLarge(limit: limits.maxOctets) }
        var origin: Origin?
        var name = "-"
        var connection: Connection?
        var attributes: [Attribute] = []
        var media: [MediaDescription] = []
        var sawVersion = false
        var number = 0
        var start = 0
        while start < bytes.count {
            var end = start
            while end < bytes.count, bytes[end] != 0x0A { end += 1 }
            let line = start..<(end > start && bytes[end - 1] == 0x0D ? end - 1 : end)
            start = end + 1
            number += 1
            guard number <= limits.maxLines else { throw .tooManyLines(limit: limits.maxLines) }
            guard !line.isEmpty else { continue }  // some stacks end with an empty line
            let (type, value) = try Self.typeAndValue(bytes, line, number: number)
            guard sawVersion || type == "v" else { throw .missingLine(type: "v") }
            switch type {
            case "v":
                guard value == "0" else { throw .unsupportedVersion }
                sawVersion = true
            case "o":
                guard let parsed = Origin(value) else { throw .malformedLine(type: type, number: number) }
                origin = origin ?? parsed
            case "s":
                name = value
            case "c":
                guard let parsed = Connection(parsing: value) else { throw .malformedLine(type: type, number: number) }
                if media.isEmpty {
                    connection = parsed
                } else if media[media.count - 1].connection == nil {
                    media[media.count - 1].connection = parsed
                }
            case "a":
                let (attribute, text) = SDPText.cut(value, at: UInt8(ascii: ":"))
                guard !attribute.isEmpty else { throw .malformedLine(type: type, number: number) }
                if media.isEmpty {
                    attributes.append(Attribute(attribute, text))
                } else {
                    media[media.count - 1].attributes.append(Attribute(attribute, text))
                }
            case "m":
                guard media.count < limits.maxMedia else { throw .tooManyMedia(limit: limits.maxMedia) }
                guard let parsed = MediaDescription(value) else { throw .malformedLine(type: type, number: number) }
                media.append(parsed)
            default:
                break  // i= u= e= p= b= t= r= z= k= and what is yet to be invented
            }
        }
        guard sawVersion else { throw .empty }
        guard let origin else { throw .missingLine(type: "o") }
        self.init(origin: origin, name: name, connection: connection, attributes: attributes, media: media)
    }

    private static func typeAndValue(
        _ bytes: Span<UInt8>, _ line: Range<Int>, number: Int
    ) throws(SDPError) -> (Character, String) {
        let type = bytes[line.lowerBound]
        guard line.count >= 2, bytes[line.lowerBound + 1] == UInt8(ascii: "="),
            type >= UInt8(ascii: "a"), type <= UInt8(ascii: "z")
        else { throw .malformedLine(type: nil, number: number) }
        let letter = Character(Unicode.Scalar(type))
        let range = (line.lowerBound + 2)..<line.upperBound
        for index in range where bytes[index] == 0x0D || bytes[index] == 0 {
            throw .malformedLine(type: letter, number: number)
        }
        return (letter, SDPText.string(bytes, range))
    }

    // MARK: Writing

    /// The octets that go into a body, with CRLF line ends. A CR, LF or NUL inside a value is left out, so no value can
    /// start a line of its own.
    public func encoded() -> [UInt8] {
        var output: [UInt8] = []
        output.reserveCapacity(512)
        func line(_ type: Character, _ value: String) {
            output.append(contentsOf: String(type).utf8)
            output.append(UInt8(ascii: "="))
            output.append(contentsOf: value.utf8.lazy.filter { $0 != 0x0D && $0 != 0x0A && $0 != 0 })
            output.append(0x0D)
            output.append(0x0A)
        }
        line("v", "0")
        line(
            "o",
            "\(origin.username) \(origin.sessionID) \(origin.version) IN \(origin.addressType) \(origin.address)")
        line("s", name)
        if let connection { line("c", connection.text) }
        line("t", "0 0")
        for attribute in attributes { line("a", attribute.text) }
        for stream in media {
            line("m", stream.line)
            if let connection = stream.connection { line("c", connection.text) }
            for attribute in stream.attributes { line("a", attribute.text) }
        }
        return output
    }
}

extension SessionDescription.Origin {
    fileprivate init?(_ value: String) {
        let fields = SDPText.fields(value)
        guard fields.count == 6 else { return nil }
        self.init(
            username: fields[0], sessionID: fields[1], version: fields[2], addressType: fields[4], address: fields[5])
    }
}

extension SessionDescription.Connection {
    fileprivate init?(parsing value: String) {
        let fields = SDPText.fields(value)
        guard fields.count == 3 else { return nil }
        let address = SDPText.cut(fields[2], at: UInt8(ascii: "/")).head
        guard !address.isEmpty else { return nil }
        self.init(addressType: fields[1], address: address)
    }

    fileprivate var text: String { "IN \(addressType) \(address)" }
}

extension SessionDescription.Attribute {
    fileprivate var text: String { value.map { "\(name):\($0)" } ?? name }
}

/// Printing an attribute never shows a key, whichever way it gets into a log line.
extension SessionDescription.Attribute: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    private var holdsSecret: Bool { ["crypto", "ice-pwd", "key-mgmt"].contains(SDPText.lowercased(name)) }
    public var description: String { holdsSecret ? "\(name):<hidden>" : text }
    public var debugDescription: String { description }
    public var customMirror: Mirror { Mirror(self, children: ["attribute": description]) }
}
