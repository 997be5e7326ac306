/// Our description of a stream as it stands between offers: what answers a peer that offers again in mid-call.
///
/// Address, port, key and codecs never change. A repeated offer is met with the same description, its direction the
/// mirror of the offer's (hold and resume), its version raised when it differs from the last one sent (RFC 3264 §8).
public struct LocalDescription: Hashable, Sendable {
    private let settled: SessionDescription
    private let stream: AudioStream
    private var last: SessionDescription
    /// Where our stream stands among the `m=` lines of `last`.
    private var lastIndex: Int

    /// Nil when the body is no description with an audio stream.
    /// - Parameter body: the offer or answer that we sent.
    public init?(_ body: [UInt8]) {
        guard let description = try? SessionDescription(parsing: body.span),
            let stream = try? AudioStream(description)
        else { return nil }
        settled = description
        last = description
        lastIndex = stream.index
        self.stream = stream
    }

    /// What answers a re-INVITE without a body: our stream, both ways, offered again. Streams that were once refused
    /// keep their place (RFC 3264 §8).
    public mutating func offer() -> [UInt8] {
        var media = settled.media[stream.index]
        media.setDirection(.sendrecv)
        var description = settled
        description.media = last.media.enumerated().map { index, other in index == lastIndex ? media : other.refused }
        return send(description)
    }

    /// As sent last, for an offer that changes nothing (RFC 4028 §7.4).
    public var unchanged: [UInt8] { last.encoded() }

    /// Reads the answer to what was offered last.
    /// - Throws: when the answer leaves what was agreed.
    public func accept(_ answer: [UInt8], contentType: String?) throws(SDPRefusal) -> AudioStream {
        let theirs = try AudioStream(try OfferAnswer.read(answer, contentType: contentType))
        guard theirs.profile == stream.profile else { throw .noCommonCodec }
        if let ours = stream.cryptos.first {
            guard theirs.hasCrypto else { throw .noCrypto }
            guard theirs.cryptos.contains(where: { $0.suite == ours.suite && $0.isUsable }) else {
                throw .noSupportedCrypto
            }
        }
        guard theirs.codecs.contains(where: \.isOpus) else { throw .noOpus }
        guard let opus = stream.codecs.first(where: \.isOpus),
            theirs.codecs.contains(where: { $0.isOpus && $0.payloadType == opus.payloadType })
        else { throw .changedPayloadTypes }
        return theirs
    }

    /// Answers a repeated offer.
    /// - Throws: when the offer leaves what was agreed: the call goes on as it was (RFC 3261 §14.2).
    public mutating func answer(_ offer: [UInt8], contentType: String?) throws(SDPRefusal) -> [UInt8] {
        let offered = try OfferAnswer.read(offer, contentType: contentType)
        let theirs = try AudioStream(offered)
        guard theirs.profile == stream.profile else {
            throw .unsupportedProfile(offered.media[theirs.index].transport)
        }
        var media = settled.media[stream.index]
        if let ours = stream.cryptos.first {
            guard theirs.hasCrypto else { throw .noCrypto }
            guard let taken = theirs.cryptos.first(where: { $0.suite == ours.suite && $0.isUsable }) else {
                throw .noSupportedCrypto
            }
            var crypto = ours
            crypto.tag = taken.tag
            media.replace("crypto", with: crypto.wireValue)
        }
        guard theirs.codecs.contains(where: \.isOpus) else { throw .noOpus }
        guard let opus = stream.codecs.first(where: \.isOpus),
            theirs.codecs.contains(where: { $0.isOpus && $0.payloadType == opus.payloadType })
        else { throw .changedPayloadTypes }
        let kept = stream.telephoneEvents.filter { event in
            theirs.telephoneEvents.contains {
                $0.payloadType == event.payloadType && $0.clockRate == event.clockRate
            }
        }
        media.keepFormats(([opus] + kept).map { String($0.payloadType) })
        media.setDirection(theirs.direction.mirrored)

        var description = settled
        description.media = offered.media.enumerated().map { index, other in
            index == theirs.index ? media : other.refused
        }
        lastIndex = theirs.index
        return send(description)
    }

    private mutating func send(_ next: SessionDescription) -> [UInt8] {
        var next = next
        next.origin.version = last.origin.version
        if next != last {
            let version = SDPText.number(last.origin.version, limit: .max) ?? 0
            next.origin.version = String(version &+ 1)
            last = next
        }
        return next.encoded()
    }
}

extension MediaDescription {
    /// The answer to a stream we do not want (RFC 3264 §6): port 0, one format as the grammar asks for it.
    var refused: MediaDescription {
        MediaDescription(kind: kind, port: 0, transport: transport, formats: Array(formats.prefix(1)))
    }

    mutating func setDirection(_ direction: Direction) {
        attributes.removeAll { $0.value == nil && Direction(rawValue: $0.name) != nil }
        attributes.append(.init(direction.rawValue))
    }

    /// Replaces the value of the first attribute of that name.
    mutating func replace(_ name: String, with value: String) {
        guard let index = attributes.firstIndex(where: { $0.name == name }) else { return }
        attributes[index].value = value
    }

    /// Leaves out all other formats with what describes them.
    mutating func keepFormats(_ kept: [String]) {
        formats = kept
        attributes.removeAll { attribute in
            guard attribute.name == "rtpmap" || attribute.name == "fmtp" else { return false }
            return !kept.contains(SDPText.cut(attribute.value ?? "", at: UInt8(ascii: " ")).head)
        }
    }
}
